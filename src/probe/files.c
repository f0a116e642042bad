/* Files: bounded reading, trust anchors from files, directories and the system. */
#include "probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TRUST_FILE = 16 << 20, MAX_TRUST_FILES = 4096 };

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

static bool add_file(struct tw_trust *t, const char *path, struct tw_arena *texts,
                     const char **why, size_t *damaged)
{
    struct tw_buf content;
    tw_buf_init(&content, MAX_TRUST_FILE);
    bool ok = tw_read_file(path, MAX_TRUST_FILE, &content, texts, why) == TW_OK;
    if (ok)
        tw_trust_add(t, tw_buf_view(&content), damaged);
    tw_buf_cleanup(&content);
    return ok;
}

static bool add_directory(struct tw_trust *t, const char *path, struct tw_arena *texts,
                          const char **why, size_t *damaged)
{
    DIR *d = opendir(path);
    if (d == NULL) {
        cannot(texts, why, path, strerror(errno));
        return false;
    }
    size_t files = 0;
    for (struct dirent *e = readdir(d); e != NULL && files < MAX_TRUST_FILES; e = readdir(d)) {
        char full[4096];
        int n = snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        struct stat st;
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof full || stat(full, &st) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        const char *ignored;
        add_file(t, full, texts, &ignored, damaged); /* one unreadable file spoils no directory */
        files++;
    }
    closedir(d);
    return true;
}

static bool add_path(struct tw_trust *t, const char *path, struct tw_arena *texts,
                     const char **why, size_t *damaged)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        cannot(texts, why, path, strerror(errno));
        return false;
    }
    return S_ISDIR(st.st_mode) ? add_directory(t, path, texts, why, damaged)
                               : add_file(t, path, texts, why, damaged);
}

struct tw_trust *tw_trust_from_path(const char *path, struct tw_arena *texts, const char **why)
{
    struct tw_trust *t = tw_trust_new(path);
    size_t damaged = 0;
    *why = "out of memory";
    if (t == NULL)
        return NULL;
    bool ok = add_path(t, path, texts, why, &damaged);
    if (ok && tw_trust_count(t) == 0) {
        cannot(texts, why, path, damaged > 0 ? "its certificates are damaged"
                                             : "no certificate in it");
        ok = false;
    }
    if (!ok) {
        tw_trust_free(t);
        return NULL;
    }
    return t;
}

struct tw_trust *tw_system_trust(struct tw_lib *lib)
{
    /* Where distributions keep the bundle; the same list as Go's crypto/x509/root_linux.go. */
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
    };
    if (lib->system_tried)
        return lib->system;
    lib->system_tried = true;
    struct tw_arena *texts = tw_arena_new(65536);
    const char *env[] = {getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR")};
    const char *why, *used = NULL;
    size_t damaged = 0;
    struct tw_trust *t = NULL;
    for (size_t i = 0; texts != NULL && i < TW_ARRAY_LEN(env); i++)
        if (env[i] != NULL && env[i][0] != '\0')
            used = used == NULL ? env[i] : used;
    for (size_t i = 0; used == NULL && texts != NULL && i < TW_ARRAY_LEN(bundles); i++)
        if (access(bundles[i], R_OK) == 0)
            used = bundles[i];
    char label[4200];
    snprintf(label, sizeof label, "the system trust store (%s)", used == NULL ? "none found" : used);
    t = tw_trust_new(label);
    if (t != NULL && used != NULL) {
        bool from_env = used == env[0] || used == env[1];
        for (size_t i = 0; from_env && i < TW_ARRAY_LEN(env); i++)
            if (env[i] != NULL && env[i][0] != '\0')
                add_path(t, env[i], texts, &why, &damaged);
        if (!from_env)
            add_path(t, used, texts, &why, &damaged);
    }
    tw_arena_free(texts);
    lib->system = t;
    return t;
}
