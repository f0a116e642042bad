/*
 * Trust stores that only their own programs can read: NSS databases (certutil) and the roots
 * compiled into Node.js. A program gets no input, a few seconds, and a bounded output; no shell.
 */
#include "probe/stores_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOOL_MS = 5000, MAX_OUTPUT = 4 << 20, MAX_NSS_CERTS = 300 };

extern char **environ;

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads until the program closes its output, the deadline, or the limit. */
static bool drain(int fd, struct tw_buf *out)
{
    int64_t end = now_ms() + TOOL_MS;
    for (;;) {
        uint8_t part[16384];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return false;
        ssize_t n = read(fd, part, sizeof part);
        if (n == 0)
            return true;
        if (n < 0 ? errno != EINTR : !tw_buf_add(out, part, (size_t)n))
            return false;
    }
}

static bool start(const char *const *argv, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t fa;
    if (posix_spawn_file_actions_init(&fa) != 0)
        return false;
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, out_fd, 1);
    posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
    int err = posix_spawnp(pid, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    return err == 0;
}

/* Output of a program; false when it is not there, fails, is too slow or says too much. */
static bool run_tool(const char *const *argv, struct tw_buf *out)
{
    int fds[2], status = 0;
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    bool started = start(argv, fds[1], &pid);
    close(fds[1]);
    bool whole = started && drain(fds[0], out);
    close(fds[0]);
    if (!started)
        return false;
    if (!whole)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- Node.js --------------------------------------------------------------------------------------- */

void stores_find_node(struct stores_search *s)
{
    static const char *const argv[] = {
        "node", "-p", "process.version + '\\n' + require('tls').rootCertificates.join('\\n')", NULL};
    struct tw_buf out;
    tw_buf_init(&out, MAX_OUTPUT);
    if (run_tool(argv, &out) && out.len > 1) {
        struct tw_view v = tw_buf_view(&out);
        size_t line = 0;
        while (line < v.len && line < 32 && v.data[line] != '\n')
            line++;
        const char *more = getenv("NODE_EXTRA_CA_CERTS");
        bool has_more = more != NULL && more[0] != '\0';
        struct tw_store *st = stores_new(
            s, "node", stores_text(s, "Node.js %.*s's own roots%s%s", (int)line,
                                   (const char *)v.data,
                                   has_more ? " and NODE_EXTRA_CA_CERTS=" : "",
                                   has_more ? more : ""));
        if (st != NULL && tw_store_read(s->lib->crypto, v, NULL, st->trust, &st->content) != TW_OK)
            st->unreadable = "node: what it printed holds no certificates";
        if (st != NULL && has_more)
            stores_read_path(s, st, more);
    }
    tw_buf_cleanup(&out);
}

/* ---- NSS ------------------------------------------------------------------------------------------- */

/* Trust flags of TLS servers, the first of "CT,C,C": C a trusted CA, P a trusted server. */
static bool flags_trust(const char *flags)
{
    size_t n = strcspn(flags, ",");
    return memchr(flags, 'C', n) != NULL || memchr(flags, 'P', n) != NULL;
}

static bool is_flags(const char *word)
{
    unsigned commas = 0;
    for (; *word != '\0'; word++) {
        commas += *word == ',';
        if (strchr("pPcCTuw,", *word) == NULL)
            return false;
    }
    return commas == 2;
}

static void add_nss_cert(struct stores_search *s, struct tw_store *st, const char *dir,
                         const char *nick)
{
    const char *const argv[] = {"certutil", "-L", "-d", dir, "-n", nick, "-a", NULL};
    struct tw_buf out;
    struct tw_store_content c;
    tw_buf_init(&out, MAX_OUTPUT);
    if (run_tool(argv, &out) &&
        tw_store_read(s->lib->crypto, tw_buf_view(&out), NULL, st->trust, &c) == TW_OK)
        st->content.anchors += c.anchors;
    else
        st->content.damaged++;
    tw_buf_cleanup(&out);
}

/* Lines of certutil -L: a nickname, blanks, flags. */
static void take_list(struct stores_search *s, struct tw_store *st, const char *dir, char *text)
{
    size_t certs = 0;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL && certs < MAX_NSS_CERTS;
         line = strtok_r(NULL, "\n", &save)) {
        size_t n = strlen(line);
        while (n > 0 && line[n - 1] == ' ')
            line[--n] = '\0';
        char *flags = strrchr(line, ' ');
        if (flags == NULL || !is_flags(flags + 1))
            continue;
        char *end = flags;
        while (end > line && end[-1] == ' ')
            end--;
        *end = '\0';
        if (!flags_trust(flags + 1)) {
            st->content.not_anchors++;
            continue;
        }
        add_nss_cert(s, st, dir, line);
        certs++;
    }
}

/* A database holds only what was added to it; NSS brings Mozilla's roots along in a module. */
static void add_builtin_roots(struct stores_search *s, struct tw_store *st)
{
    static const char *const places[] = {"/usr/share/ca-certificates/mozilla",
                                         "/usr/share/pki/ca-trust-source/ca-bundle.trust.p11-kit"};
    for (size_t i = 0; i < TW_ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0) {
            stores_read_path(s, st, places[i]);
            return;
        }
}

void stores_add_nss(struct stores_search *s, const char *dir)
{
    bool prefixed = strncmp(dir, "sql:", 4) == 0;
    const char *path = prefixed ? dir + 4 : dir;
    const char *where = stores_text(s, "sql:%s", path);
    const char *const argv[] = {"certutil", "-L", "-d", where, NULL};
    struct tw_buf out;
    struct tw_store *st = stores_new(s, "nss", stores_text(s, "the NSS database %s with Mozilla's "
                                                              "roots", path));
    if (st == NULL)
        return;
    tw_buf_init(&out, MAX_OUTPUT);
    if (run_tool(argv, &out)) {
        tw_wr_u8(&out, 0);
        add_builtin_roots(s, st);
        if (!out.failed)
            take_list(s, st, where, (char *)out.data);
        st->content.format = TW_STORE_PEM;
    } else {
        st->unreadable = stores_text(s, "%s: certutil cannot list it (or is not installed: "
                                        "libnss3-tools, nss-tools)", path);
    }
    tw_buf_cleanup(&out);
}

static void add_found_nss(struct stores_search *s, const char *db)
{
    char dir[4096];
    tw_copy_str(dir, sizeof dir, db);
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    stores_add_nss(s, dir);
}

void stores_find_nss(struct stores_search *s)
{
    static const char *const patterns[] = {
        "$HOME/.pki/nssdb/cert9.db", "/etc/pki/nssdb/cert9.db",
        "$HOME/.mozilla/firefox/*/cert9.db", "$HOME/.thunderbird/*/cert9.db",
        "$HOME/snap/firefox/common/.mozilla/firefox/*/cert9.db",
        "$HOME/snap/chromium/current/.pki/nssdb/cert9.db", NULL};
    stores_each_path(s, patterns, add_found_nss);
}
