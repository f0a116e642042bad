/*
 * Runs one program and says what it took: bench_run SECONDS PROGRAM [ARG...] prints
 * "wall_ns cpu_ns peak_kib status" (status as a shell shows it), with the program's input and
 * output at /dev/null. A small program of its own, since the peak memory that the kernel reports
 * for a process starts at what the process that made it had in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t ns_of(struct timeval t)
{
    return ((int64_t)t.tv_sec * 1000000 + t.tv_usec) * 1000;
}

static void run(char **argv)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    execvp(argv[0], argv);
    _exit(127);
}

/* Waits for SIGCHLD or the end of the time, and then ends what the program started. */
static int wait_for(pid_t pid, long seconds, const sigset_t *child, struct rusage *usage)
{
    int status = 0;
    struct timespec limit = {.tv_sec = seconds};
    while (sigtimedwait(child, NULL, &limit) < 0 && errno == EINTR)
        ;
    if (wait4(pid, &status, WNOHANG, usage) == 0) {
        kill(-pid, SIGKILL);
        wait4(pid, &status, 0, usage);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    sigset_t child;
    struct rusage usage = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: bench_run SECONDS PROGRAM [ARG...]\n");
        return 2;
    }
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    int64_t start = now_ns();
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0)
        run(argv + 2);
    int status = wait_for(pid, strtol(argv[1], NULL, 10), &child, &usage);
    int64_t wall = now_ns() - start;
    printf("%lld %lld %ld %d\n", (long long)wall,
           (long long)(ns_of(usage.ru_utime) + ns_of(usage.ru_stime)), usage.ru_maxrss, status);
    return 0;
}
