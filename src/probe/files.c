/* Files: bounded reading with one line about what is wrong. */
#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum tw_status cannot(struct tw_arena *texts, const char **why, const char *path,
                             const char *what)
{
    *why = tw_arena_printf(texts, "%s: %s", path, what);
    if (*why == NULL)
        *why = "out of memory";
    return TW_E_INPUT;
}

enum tw_status tw_read_file(const char *path, size_t max, struct tw_buf *out,
                            struct tw_arena *texts, const char **why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot(texts, why, path, strerror(errno));
    struct stat st;
    enum tw_status rc = TW_OK;
    if (fstat(fd, &st) != 0)
        rc = cannot(texts, why, path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        rc = cannot(texts, why, path, "is a directory");
    else if (st.st_size > 0 && (uint64_t)st.st_size > max)
        rc = cannot(texts, why, path, "is too large");
    while (rc == TW_OK) {
        uint8_t buf[65536];
        ssize_t n = read(fd, buf, sizeof buf);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = cannot(texts, why, path, strerror(errno));
        else if ((size_t)n > max - out->len || !tw_buf_add(out, buf, (size_t)n))
            rc = cannot(texts, why, path, "is too large");
    }
    close(fd);
    return rc;
}
