/*
 * Trust stores of this machine. A table of kinds, each with a function that looks where such
 * stores lie; what is found is read by x509/store.c. Only the system's store is looked at unasked.
 */
#include "probe/stores_internal.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TRUST_FILE = 32 << 20, MAX_TRUST_FILES = 4096, MAX_GLOB = 64, TEXTS_MAX = 1 << 16 };

/* ---- reading ------------------------------------------------------------------------------------- */

static void add_up(struct tw_store_content *sum, const struct tw_store_content *c)
{
    if (c->format != TW_STORE_EMPTY || sum->format == TW_STORE_UNKNOWN)
        sum->format = c->format;
    sum->integrity = c->integrity;
    sum->anchors += c->anchors;
    sum->not_anchors += c->not_anchors;
    sum->keys += c->keys;
    sum->damaged += c->damaged;
    sum->problem = c->problem != NULL ? c->problem : sum->problem;
}

static void read_file(struct stores_search *s, struct tw_store *st, const char *path)
{
    struct tw_buf content;
    struct tw_store_content c;
    const char *why;
    tw_buf_init(&content, MAX_TRUST_FILE);
    if (tw_read_file(path, MAX_TRUST_FILE, &content, s->list->texts, &why) != TW_OK) {
        st->unreadable = why;
    } else {
        enum tw_status rc = tw_store_read(s->lib->crypto, tw_buf_view(&content), s->password,
                                          st->trust, &c);
        if (rc != TW_OK && c.problem == NULL)
            c.problem = "out of memory";
        add_up(&st->content, &c);
    }
    tw_buf_cleanup(&content);
}

/* One file that cannot be read or is something else spoils no directory. */
static void read_directory(struct stores_search *s, struct tw_store *st, const char *path)
{
    DIR *d = opendir(path);
    size_t files = 0;
    if (d == NULL) {
        st->unreadable = stores_text(s, "%s: %s", path, strerror(errno));
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL && files < MAX_TRUST_FILES; e = readdir(d)) {
        char full[4096];
        struct stat info;
        int n = snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof full || stat(full, &info) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        struct tw_store one = {.trust = st->trust};
        read_file(s, &one, full);
        st->content.anchors += one.content.anchors;
        st->content.not_anchors += one.content.not_anchors;
        st->content.damaged += one.content.damaged;
        files++;
    }
    closedir(d);
    st->content.format = TW_STORE_PEM;
    st->content.anchors = tw_trust_count(st->trust); /* hash links name the same files again */
}

void stores_read_path(struct stores_search *s, struct tw_store *st, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        st->unreadable = stores_text(s, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        read_directory(s, st, path);
    else
        read_file(s, st, path);
}

/* ---- the list ------------------------------------------------------------------------------------ */

const char *stores_text(struct stores_search *s, const char *fmt, ...)
{
    char buf[4600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    const char *copy = tw_arena_str(s->list->texts, buf);
    return copy == NULL ? "out of memory" : copy;
}

struct tw_store *stores_new(struct stores_search *s, const char *name, const char *label)
{
    if (s->list->n == TW_MAX_STORES)
        return NULL;
    struct tw_store *st = &s->list->v[s->list->n];
    *st = (struct tw_store){.name = name, .label = label, .trust = tw_trust_new(label)};
    if (st->trust == NULL)
        return NULL;
    s->list->n++;
    s->found++;
    return st;
}

/* The same file by another name is one store. */
static bool seen(struct stores_search *s, const char *path)
{
    char *real = realpath(path, NULL);
    for (size_t i = 0; real != NULL && i < s->seen_n; i++)
        if (strcmp(s->seen[i], real) == 0) {
            free(real);
            return true;
        }
    if (real != NULL && s->seen_n < TW_ARRAY_LEN(s->seen))
        s->seen[s->seen_n++] = tw_arena_str(s->list->texts, real);
    free(real);
    return s->seen_n > 0 && s->seen[s->seen_n - 1] == NULL;
}

struct tw_store *stores_add_file(struct stores_search *s, const char *name, const char *title,
                                 const char *path)
{
    if (seen(s, path))
        return NULL;
    struct tw_store *st = stores_new(s, name, stores_text(s, "%s%s%s%s", title,
                                                          title[0] != '\0' ? " (" : "", path,
                                                          title[0] != '\0' ? ")" : ""));
    if (st != NULL)
        stores_read_path(s, st, path);
    if (st != NULL && st->unreadable != NULL && title[0] != '\0')
        st->unreadable = stores_text(s, "%s: %s", title, st->unreadable);
    return st;
}

/* A pattern may start with $NAME/, which stands for the variable's value; unset: nothing. */
static bool expand(const char *pattern, char *out, size_t cap)
{
    size_t n = 0;
    char name[64];
    if (pattern[0] == '$') {
        n = strcspn(pattern, "/");
        snprintf(name, sizeof name, "%.*s", (int)(n - 1), pattern + 1);
        const char *value = getenv(name);
        if (value == NULL || value[0] == '\0' || strpbrk(value, "*?[") != NULL)
            return false;
        int len = snprintf(out, cap, "%s%s", value, pattern + n);
        return len > 0 && (size_t)len < cap;
    }
    tw_copy_str(out, cap, pattern);
    return true;
}

void stores_each_path(struct stores_search *s, const char *const *patterns,
                      void (*each)(struct stores_search *s, const char *path))
{
    for (; *patterns != NULL; patterns++) {
        char full[4096];
        glob_t g;
        if (!expand(*patterns, full, sizeof full))
            continue;
        if (glob(full, 0, NULL, &g) == 0) {
            for (size_t i = 0; i < g.gl_pathc && i < MAX_GLOB; i++)
                each(s, g.gl_pathv[i]);
            globfree(&g);
        }
    }
}

/* ---- system -------------------------------------------------------------------------------------- */

/* Where distributions keep the bundle; the same list as Go's crypto/x509/root_linux.go. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
};

/* The variables of OpenSSL and Go; what they name replaces the built-in places. */
static bool read_from_environment(struct stores_search *s, struct tw_store *st)
{
    static const char *const names[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
    bool any = false;
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++) {
        const char *path = getenv(names[i]);
        if (path == NULL || path[0] == '\0')
            continue;
        const char *before = st->unreadable;
        st->unreadable = NULL;
        stores_read_path(s, st, path);
        if (st->unreadable != NULL)
            st->unreadable = stores_text(s, "%s names %s", names[i], st->unreadable);
        else
            st->unreadable = before;
        if (!any)
            st->label = stores_text(s, "the system trust store (%s, from %s)", path, names[i]);
        any = true;
    }
    return any;
}

/* The usual bundle is read by the quick way: it is on the path of every check. */
static void read_bundle(struct stores_search *s, struct tw_store *st, const char *path)
{
    struct tw_buf content;
    const char *why;
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        read_directory(s, st, path);
        return;
    }
    tw_buf_init(&content, MAX_TRUST_FILE);
    if (tw_read_file(path, MAX_TRUST_FILE, &content, s->list->texts, &why) == TW_OK)
        st->content.anchors = tw_trust_add(st->trust, tw_buf_view(&content), &st->content.damaged);
    else
        st->unreadable = why;
    st->content.format = content.len > 0 ? TW_STORE_PEM : TW_STORE_EMPTY;
    tw_buf_cleanup(&content);
}

const struct tw_store *tw_system_store(struct tw_lib *lib)
{
    if (lib->system_tried)
        return &lib->system;
    lib->system_tried = true;
    lib->system_texts = tw_arena_new(TEXTS_MAX);
    struct tw_store_list list = {.texts = lib->system_texts};
    struct stores_search s = {.lib = lib, .list = &list};
    struct tw_store *st = &lib->system;
    st->name = "system";
    st->label = "the system trust store (none found)";
    st->trust = tw_trust_new(st->label);
    if (st->trust == NULL || lib->system_texts == NULL)
        return st;
    if (!read_from_environment(&s, st)) {
        const char *used = NULL;
        for (size_t i = 0; used == NULL && i < TW_ARRAY_LEN(bundles); i++)
            used = access(bundles[i], F_OK) == 0 ? bundles[i] : NULL;
        if (used != NULL) {
            st->label = stores_text(&s, "the system trust store (%s)", used);
            read_bundle(&s, st, used);
        }
    }
    tw_trust_relabel(st->trust, st->label);
    return st;
}

struct tw_trust *tw_system_trust(struct tw_lib *lib)
{
    return tw_system_store(lib)->trust;
}

static void find_system(struct stores_search *s)
{
    const struct tw_store *sys = tw_system_store(s->lib);
    if (s->list->n == TW_MAX_STORES || sys->trust == NULL)
        return;
    s->list->v[s->list->n++] = *sys; /* its trust stays the library's */
    s->found++;
}

/* ---- kinds --------------------------------------------------------------------------------------- */

static void find_none(struct stores_search *s)
{
    struct tw_store *st = stores_new(s, "none", "no trust store at all");
    if (st != NULL)
        st->asked = true;
}

static void add_mozilla(struct stores_search *s, const char *path)
{
    if (s->found == 0) /* the same roots in several wrappings */
        stores_add_file(s, "mozilla", "Mozilla's roots", path);
}

static void find_mozilla(struct stores_search *s)
{
    static const char *const patterns[] = {
        "/usr/share/ca-certificates/mozilla",                           /* Debian, Alpine */
        "/usr/share/pki/ca-trust-source/ca-bundle.trust.p11-kit",       /* Fedora */
        "/usr/share/ca-certificates/trust-source/mozilla.trust.p11-kit", /* Arch */
        "/usr/share/pki/trust/ca-bundle.trust.p11-kit",                 /* SUSE */
        "/etc/ssl/certs/mozilla", NULL};
    stores_each_path(s, patterns, add_mozilla);
}

static void add_openssl(struct stores_search *s, const char *path)
{
    stores_add_file(s, "openssl", "OpenSSL's default", path);
}

static void find_openssl(struct stores_search *s)
{
    static const char *const patterns[] = {
        "/usr/lib/ssl/cert.pem",      "/usr/lib/ssl/certs",      "/usr/local/ssl/cert.pem",
        "/usr/local/ssl/certs",       "/etc/pki/tls/cert.pem",   "/opt/openssl*/ssl/cert.pem",
        "/opt/homebrew/etc/openssl@3/cert.pem", "/usr/local/etc/openssl@3/cert.pem",
        "/usr/local/lib/ssl/cert.pem", NULL};
    stores_each_path(s, patterns, add_openssl);
}

static void find_env(struct stores_search *s)
{
    static const char *const names[] = {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT",
                                        "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE",
                                        "HTTPLIB2_CA_CERTS", "PERL_LWP_SSL_CA_FILE",
                                        "DENO_CERT", "CARGO_HTTP_CAINFO"};
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++) {
        const char *path = getenv(names[i]);
        if (path != NULL && path[0] != '\0')
            stores_add_file(s, names[i], names[i], path);
    }
}

static const struct kind {
    const char *name;
    void (*find)(struct stores_search *s);
    bool in_all;
} kinds[] = {
    {"system", find_system, true},        {"mozilla", find_mozilla, true},
    {"openssl", find_openssl, true},      {"java", stores_find_java, true},
    {"certifi", stores_find_certifi, true}, {"node", stores_find_node, true},
    {"nss", stores_find_nss, true},       {"env", find_env, true},
    {"none", find_none, false},
};

/* ---- paths --------------------------------------------------------------------------------------- */

static bool exists_in(const char *dir, const char *name, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/%s", dir, name);
    return n > 0 && (size_t)n < cap && access(out, F_OK) == 0;
}

static const char *refusal(struct stores_search *s, const struct tw_store *st, const char *path)
{
    const struct tw_store_content *c = &st->content;
    if (st->unreadable != NULL)
        return st->unreadable;
    if (c->problem != NULL)
        return stores_text(s, "%s: %s", path, c->problem);
    if (c->integrity == TW_INTEGRITY_BAD)
        return stores_text(s, "%s: the password does not fit, or the file was changed", path);
    if (c->format == TW_STORE_EMPTY)
        return stores_text(s, "%s: the file is empty", path);
    if (c->format == TW_STORE_PEM && c->anchors + c->not_anchors == 0)
        return stores_text(s, c->damaged > 0 ? "%s: its certificates are damaged"
                                             : "%s: no certificate in it", path);
    return NULL;
}

static int add_path(struct stores_search *s, const char *path, const char **why)
{
    char inside[4096];
    size_t before = s->list->n;
    struct tw_store *st = NULL;
    if (strncmp(path, "sql:", 4) == 0 || exists_in(path, "cert9.db", inside, sizeof inside))
        stores_add_nss(s, path);
    else if (exists_in(path, "lib/security/cacerts", inside, sizeof inside) ||
             exists_in(path, "jre/lib/security/cacerts", inside, sizeof inside))
        stores_add_java(s, inside);
    else if ((st = stores_new(s, "file", stores_text(s, "%s", path))) != NULL)
        stores_read_path(s, st, path);
    if (s->list->n == before) {
        *why = "too many trust stores";
        return TW_EXIT_USAGE;
    }
    s->list->v[before].asked = true;
    *why = refusal(s, &s->list->v[before], path);
    return *why == NULL ? 0 : TW_EXIT_USAGE;
}

/* VARIABLE=PATH: as a program whose environment says so. It may well be unreadable. */
static bool add_variable(struct stores_search *s, const char *name)
{
    char variable[64];
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    if (n == 0 || n >= sizeof variable || name[n] != '=')
        return false;
    snprintf(variable, sizeof variable, "%.*s", (int)n, name);
    struct tw_store *st = stores_add_file(s, "env", stores_text(s, "%s", variable), name + n + 1);
    if (st != NULL)
        st->asked = true;
    return st != NULL;
}

int tw_stores_add(struct tw_lib *lib, struct tw_store_list *l, const char *name,
                  const char *password, const char **why)
{
    struct stores_search s = {.lib = lib, .list = l, .password = password};
    bool known = strcmp(name, "all") == 0;
    for (size_t i = 0; i < TW_ARRAY_LEN(kinds); i++) {
        bool this = strcmp(kinds[i].name, name) == 0;
        if (!this && !(strcmp(name, "all") == 0 && kinds[i].in_all))
            continue;
        known = true;
        s.found = 0;
        kinds[i].find(&s);
        if (this && s.found == 0) {
            *why = stores_text(&s, "no trust store of %s was found on this machine", name);
            return TW_EXIT_USAGE;
        }
    }
    if (known || add_variable(&s, name))
        return 0;
    if (strpbrk(name, "/.:") == NULL && access(name, F_OK) != 0) {
        *why = stores_text(&s, "'%s' is no file and none of system, mozilla, openssl, java, "
                               "certifi, node, nss, env, none, all", name);
        return TW_EXIT_USAGE;
    }
    return add_path(&s, name, why);
}

int tw_stores_add_data(struct tw_lib *lib, struct tw_store_list *l, struct tw_view data,
                       const char *password, const char **why)
{
    struct stores_search s = {.lib = lib, .list = l, .password = password};
    struct tw_store *st = stores_new(&s, "file", "the given trust store");
    if (st == NULL ||
        (tw_store_read(lib->crypto, data, password, st->trust, &st->content) != TW_OK &&
         st->content.problem == NULL)) {
        *why = "out of memory";
        return TW_EXIT_USAGE;
    }
    st->asked = true;
    *why = refusal(&s, st, st->label);
    return *why == NULL ? 0 : TW_EXIT_USAGE;
}

void tw_stores_cleanup(struct tw_store_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].name, "system") != 0)
            tw_trust_free(l->v[i].trust);
    l->n = 0;
}

/* ---- --ca ---------------------------------------------------------------------------------------- */

int tw_trust_add_path(struct tw_lib *lib, struct tw_trust *t, const char *path,
                      const char *password, struct tw_arena *texts, const char **why)
{
    struct tw_store_list none = {.texts = texts};
    struct stores_search s = {.lib = lib, .list = &none, .password = password};
    struct tw_store st = {.name = "ca", .label = path, .trust = t};
    struct stat info;
    bool is_dir = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    stores_read_path(&s, &st, path);
    *why = refusal(&s, &st, path);
    if (*why == NULL && !is_dir && st.content.damaged > 0)
        *why = stores_text(&s, "%s: %zu of %zu certificates in it damaged", path,
                           st.content.damaged, st.content.damaged + st.content.anchors);
    if (*why == NULL && st.content.anchors == 0)
        *why = stores_text(&s, "%s: %s, no trusted certificate in it (%zu other certificates, "
                               "%zu keys)", path, tw_store_format_name(st.content.format),
                           st.content.not_anchors, st.content.keys);
    return *why == NULL ? 0 : TW_EXIT_USAGE;
}
