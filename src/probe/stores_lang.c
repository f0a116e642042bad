/* Trust stores of language runtimes that lie in files: Java's cacerts, Python's certifi. */
#include "probe/stores_internal.h"

#include <glob.h>

enum { MAX_RELEASE = 65536 };

/* ---- Java ------------------------------------------------------------------------------------------ */

/* JAVA_VERSION of the file "release" in the Java home; "" when there is none. */
static void version_of(const char *home, char *out, size_t cap)
{
    char path[4200];
    struct tw_buf content;
    struct tw_arena *texts = tw_arena_new(8192);
    const char *why;
    out[0] = '\0';
    tw_buf_init(&content, MAX_RELEASE);
    snprintf(path, sizeof path, "%s/release", home);
    if (texts != NULL && tw_read_file(path, MAX_RELEASE - 1, &content, texts, &why) == TW_OK) {
        tw_wr_u8(&content, 0);
        const char *v = content.failed ? NULL : strstr((char *)content.data, "JAVA_VERSION=\"");
        if (v != NULL)
            snprintf(out, cap, " %.*s", (int)strcspn(v + 14, "\"\n"), v + 14);
    }
    tw_buf_cleanup(&content);
    tw_arena_free(texts);
}

void stores_add_java(struct stores_search *s, const char *cacerts)
{
    char home[4096], version[64], title[100];
    tw_copy_str(home, sizeof home, cacerts);
    for (unsigned up = 0; up < 3; up++) { /* HOME/lib/security/cacerts */
        char *slash = strrchr(home, '/');
        if (slash != NULL)
            *slash = '\0';
    }
    size_t n = strlen(home);
    if (n > 4 && strcmp(home + n - 4, "/jre") == 0) /* up to Java 8 */
        home[n - 4] = '\0';
    version_of(home, version, sizeof version);
    snprintf(title, sizeof title, "Java%s", version);
    stores_add_file(s, "java", title, cacerts);
}

void stores_find_java(struct stores_search *s)
{
    static const char *const patterns[] = {
        "$JAVA_HOME/lib/security/cacerts",  "$JAVA_HOME/jre/lib/security/cacerts",
        "/usr/lib/jvm/*/lib/security/cacerts", "/usr/lib/jvm/*/jre/lib/security/cacerts",
        "/usr/java/*/lib/security/cacerts", "/opt/java/*/lib/security/cacerts",
        "/opt/jdk*/lib/security/cacerts",   "/opt/*/jre/lib/security/cacerts",
        "$HOME/.sdkman/candidates/java/*/lib/security/cacerts",
        "$HOME/.jdks/*/lib/security/cacerts",
        "/Library/Java/JavaVirtualMachines/*/Contents/Home/lib/security/cacerts",
        "/etc/ssl/certs/java/cacerts",      "/etc/pki/java/cacerts",
        "/etc/pki/ca-trust/extracted/java/cacerts", NULL};
    stores_each_path(s, patterns, stores_add_java);
}

/* ---- certifi ------------------------------------------------------------------------------------------ */

/* The version is in the name of a directory beside the package: certifi-2024.8.30.dist-info. */
static void certifi_version(const char *path, char *out, size_t cap)
{
    char pattern[4200];
    glob_t g;
    const char *package = strstr(path, "/certifi/cacert.pem");
    out[0] = '\0';
    if (package == NULL || strpbrk(path, "*?[") != NULL)
        return;
    snprintf(pattern, sizeof pattern, "%.*s/certifi-*.dist-info", (int)(package - path), path);
    if (glob(pattern, 0, NULL, &g) != 0)
        return;
    const char *name = g.gl_pathc == 1 ? strstr(g.gl_pathv[0], "/certifi-") : NULL;
    if (name != NULL)
        snprintf(out, cap, " %.*s", (int)(strlen(name + 9) - strlen(".dist-info")), name + 9);
    globfree(&g);
}

static void add_certifi(struct stores_search *s, const char *path)
{
    char version[64], title[100];
    certifi_version(path, version, sizeof version);
    snprintf(title, sizeof title, "Python's certifi%s", version);
    stores_add_file(s, "certifi", title, path);
}

void stores_find_certifi(struct stores_search *s)
{
    static const char *const patterns[] = {
        "$VIRTUAL_ENV/lib/python3*/site-packages/certifi/cacert.pem",
        "$CONDA_PREFIX/lib/python3*/site-packages/certifi/cacert.pem",
        "$HOME/.local/lib/python3*/site-packages/certifi/cacert.pem",
        "$HOME/.pyenv/versions/*/lib/python3*/site-packages/certifi/cacert.pem",
        "/usr/local/lib/python3*/*-packages/certifi/cacert.pem",
        "/usr/lib/python3*/*-packages/certifi/cacert.pem",
        "/usr/lib64/python3*/site-packages/certifi/cacert.pem",
        "/opt/*/lib/python3*/site-packages/certifi/cacert.pem", NULL};
    stores_each_path(s, patterns, add_certifi);
}
