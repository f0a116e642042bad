/*
 * Options of a check as a table: name, handler. Names and meaning are those of the command line;
 * values that cannot be right are refused here, before any connection is made.
 */
#include "probe/probe.h"
#include "net/net.h"
#include "net/sntp.h"

enum { MAX_CRED_FILE = 1 << 20, MAX_LOG_LIST = 8 << 20,
       MAX_CHAIN = 4 << 20, MAX_CRLS = 64 << 20, DEFAULT_TIMEOUT_MS = 10000, DEFAULT_CONNECTIONS = 40,
       CLIENTS_TIMEOUT_MS = 30000 };

typedef int set_fn(struct tw_options *o, struct tw_lib *lib, const char *value, const char **why);

struct tw_options *tw_options_new(void)
{
    struct tw_options *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->arena = tw_arena_new(4 << 20);
    o->timeout_ms = DEFAULT_TIMEOUT_MS;
    o->max_connections = DEFAULT_CONNECTIONS;
    o->family = AF_UNSPEC;
    tw_buf_init(&o->cert, MAX_CRED_FILE);
    tw_buf_init(&o->key, MAX_CRED_FILE);
    tw_buf_init(&o->chain, MAX_CHAIN);
    tw_buf_init(&o->crls, MAX_CRLS);
    if (o->arena == NULL) {
        tw_options_free(o);
        return NULL;
    }
    return o;
}

void tw_options_free(struct tw_options *o)
{
    if (o == NULL)
        return;
    tw_trust_free(o->ca);
    if (o->stores != NULL)
        tw_stores_cleanup(o->stores);
    tw_log_list_free(o->ct_logs);
    tw_credential_free(o->cred);
    tw_buf_cleanup(&o->cert);
    tw_buf_cleanup(&o->key);
    tw_buf_cleanup(&o->chain);
    tw_buf_cleanup(&o->crls);
    tw_arena_free(o->arena);
    free(o);
}

TW_PRINTF(3, 4)
static int refuse(struct tw_options *o, const char **why, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = tw_arena_str(o->arena, text);
    *why = copy == NULL ? "out of memory" : copy;
    return TW_EXIT_USAGE;
}

/* ---- lists of names --------------------------------------------------------------------------- */

typedef bool lookup_fn(const char *name, uint16_t *id);

static bool suite_id(const char *name, uint16_t *id)
{
    const struct tw_suite *s = tw_suite_by_name(name);
    if (s != NULL)
        *id = s->id;
    return s != NULL;
}

static bool group_id(const char *name, uint16_t *id)
{
    const struct tw_group *g = tw_group_by_name(name);
    if (g != NULL)
        *id = g->id;
    return g != NULL;
}

static bool sigscheme_id(const char *name, uint16_t *id)
{
    const struct tw_sigscheme *s = tw_sigscheme_by_name(name);
    if (s != NULL)
        *id = s->id;
    return s != NULL;
}

static bool hex_id(const char *name, uint16_t *id)
{
    uint8_t raw[2];
    size_t n;
    if (strncmp(name, "0x", 2) != 0 || !tw_unhex(name + 2, raw, sizeof raw, &n) || n != 2)
        return false;
    *id = (uint16_t)(raw[0] << 8 | raw[1]);
    return true;
}

static int parse_list(struct tw_options *o, const char *value, const char *what, lookup_fn *lookup,
                      struct tw_u16list *out, const char **why)
{
    out->n = 0;
    while (*value != '\0') {
        size_t n = strcspn(value, ":, ");
        char name[128];
        if (n >= sizeof name)
            return refuse(o, why, "%s '%.60s...' is not known", what, value);
        memcpy(name, value, n);
        name[n] = '\0';
        value += n + (value[n] != '\0');
        uint16_t id;
        if (n == 0)
            continue;
        if (!lookup(name, &id) && !hex_id(name, &id))
            return refuse(o, why, "%s '%s' is not known (IANA or OpenSSL name, or 0xNNNN)", what,
                          name);
        if (!tw_u16list_has(out, id) && !tw_u16list_add(out, id))
            return refuse(o, why, "too many in the list (%d at most)", TW_HELLO_MAX_LIST);
    }
    return out->n > 0 ? 0 : refuse(o, why, "the list is empty");
}

/* ---- handlers ------------------------------------------------------------------------------------ */

static int set_text(struct tw_options *o, const char **slot, const char *value, size_t max,
                    const char **why)
{
    if (strlen(value) > max)
        return refuse(o, why, "the value is too long");
    *slot = tw_arena_str(o->arena, value);
    return *slot == NULL ? refuse(o, why, "out of memory") : 0;
}

/* A name for SNI or to verify: A-labels, and no dot at the end (RFC 6066 3). */
static int set_name(struct tw_options *o, const char **slot, const char *value, const char **why)
{
    char ascii[256];
    const char *reason;
    struct tw_addr ip;
    if (tw_addr_parse(value, 1, &ip)) /* certificates may name addresses */
        return set_text(o, slot, value, 253, why);
    if (!tw_name_to_ascii(value, ascii, sizeof ascii, &reason))
        return refuse(o, why, "'%.100s': %s", value, reason);
    size_t n = strlen(ascii);
    if (n > 1 && ascii[n - 1] == '.')
        ascii[n - 1] = '\0';
    return set_text(o, slot, ascii, 253, why);
}

static int set_servername(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    return v[0] == '\0' ? refuse(o, why, "a name is needed (--no-sni sends none)")
                        : set_name(o, &o->server_name, v, why);
}

static int set_verify_name(struct tw_options *o, struct tw_lib *lib, const char *v,
                           const char **why)
{
    (void)lib;
    return v[0] == '\0' ? refuse(o, why, "a name is needed")
                        : set_name(o, &o->verify_name, v, why);
}

static int set_no_sni(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->no_sni = true;
    return 0;
}

static int set_connect(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    struct tw_target t;
    const char *reason;
    if (!tw_target_parse(v, &t, &reason))
        return refuse(o, why, "'%.100s': %s", v, reason);
    return set_text(o, &o->connect, v, 300, why);
}

static struct tw_trust *ca_of(struct tw_options *o)
{
    if (o->ca == NULL)
        o->ca = tw_trust_new("the given CA");
    return o->ca;
}

/* Given several times, all of them count. */
static int set_ca(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    char label[600];
    struct tw_trust *t = ca_of(o);
    if (t == NULL)
        return refuse(o, why, "out of memory");
    int rc = tw_trust_add_path(lib, t, v, o->trust_pass, o->arena, why);
    if (rc != 0)
        return rc;
    if (o->ca_n++ == 0)
        snprintf(label, sizeof label, "%.500s", v);
    else
        snprintf(label, sizeof label, "%.500s, %.60s", tw_trust_label(t), v);
    return tw_trust_relabel(t, label) ? 0 : refuse(o, why, "out of memory");
}

/* The content of a CA file instead of its path; for callers that have it in memory. */
static int set_ca_pem(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    size_t damaged = 0;
    struct tw_trust *t = ca_of(o);
    if (t == NULL || tw_trust_add(t, tw_view_str(v), &damaged) == 0)
        return refuse(o, why, "no certificate in it");
    return 0;
}

static struct tw_store_list *stores_of(struct tw_options *o)
{
    if (o->stores == NULL)
        o->stores = tw_arena_alloc(o->arena, sizeof *o->stores);
    if (o->stores != NULL)
        o->stores->texts = o->arena;
    return o->stores;
}

static int set_trust(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    struct tw_store_list *l = stores_of(o);
    return l == NULL ? refuse(o, why, "out of memory")
                     : tw_stores_add(lib, l, v, o->trust_pass, why);
}

/* The content of a store in hex instead of its path; for callers that have it in memory. */
static int set_trust_data(struct tw_options *o, struct tw_lib *lib, const char *v,
                          const char **why)
{
    struct tw_store_list *l = stores_of(o);
    size_t n = 0, cap = strlen(v) / 2 + 1;
    uint8_t *raw = malloc(cap);
    int rc = TW_EXIT_USAGE;
    if (l == NULL || raw == NULL)
        refuse(o, why, "out of memory");
    else if (!tw_unhex(v, raw, cap, &n))
        refuse(o, why, "the value is no hex");
    else
        rc = tw_stores_add_data(lib, l, tw_view_of(raw, n), o->trust_pass, why);
    free(raw);
    return rc;
}

static int set_trust_pass(struct tw_options *o, struct tw_lib *lib, const char *v,
                          const char **why)
{
    (void)lib;
    return set_text(o, &o->trust_pass, v, 500, why);
}

static int set_cert(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    tw_buf_cleanup(&o->cert);
    o->cert_path = tw_arena_str(o->arena, v);
    return tw_read_file(v, MAX_CRED_FILE, &o->cert, o->arena, why) == TW_OK ? 0 : TW_EXIT_USAGE;
}

static int set_key(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    tw_buf_cleanup(&o->key);
    o->key_path = tw_arena_str(o->arena, v);
    return tw_read_file(v, MAX_CRED_FILE, &o->key, o->arena, why) == TW_OK ? 0 : TW_EXIT_USAGE;
}

static int set_pass(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    return set_text(o, &o->pass, v, 1000, why);
}

static int set_alpn(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->has_alpn = true;
    o->alpn_n = 0;
    while (*v != '\0') {
        size_t n = strcspn(v, ",");
        if (n == 0 || n >= sizeof o->alpn[0])
            return refuse(o, why, "an ALPN protocol has 1 to 31 bytes here");
        if (o->alpn_n == TW_ARRAY_LEN(o->alpn))
            return refuse(o, why, "at most 8 ALPN protocols");
        memcpy(o->alpn[o->alpn_n], v, n);
        o->alpn[o->alpn_n++][n] = '\0';
        v += n + (v[n] == ',');
    }
    return 0; /* an empty list: no ALPN extension */
}

static int set_version(struct tw_options *o, const char *v, uint16_t *slot, const char **why)
{
    *slot = tw_version_parse(v);
    if (*slot < TW_TLS10 || *slot > TW_TLS13)
        return refuse(o, why, "'%.40s' is none of 1.0, 1.1, 1.2, 1.3", v);
    return 0;
}

static int set_min_version(struct tw_options *o, struct tw_lib *lib, const char *v,
                           const char **why)
{
    (void)lib;
    return set_version(o, v, &o->min_version, why);
}

static int set_max_version(struct tw_options *o, struct tw_lib *lib, const char *v,
                           const char **why)
{
    (void)lib;
    return set_version(o, v, &o->max_version, why);
}

static int set_ciphers(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->has_ciphers = true;
    return parse_list(o, v, "cipher suite", suite_id, &o->ciphers, why);
}

static int set_groups(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->has_groups = true;
    return parse_list(o, v, "group", group_id, &o->groups, why);
}

static int set_sigalgs(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->has_sigalgs = true;
    return parse_list(o, v, "signature algorithm", sigscheme_id, &o->sigalgs, why);
}

static int set_as(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->as = tw_client_profile_by_name(v);
    if (o->as != NULL)
        return 0;
    char text[900]; /* more than refuse() takes: all the names */
    size_t n = (size_t)snprintf(text, sizeof text, "'%.60s' is no client that is known here; "
                                                   "known are", v);
    const struct tw_client_profile *p;
    for (size_t i = 0; (p = tw_client_profile_at(i)) != NULL && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i > 0 ? ", " : " ", p->name);
    const char *copy = tw_arena_str(o->arena, text);
    *why = copy == NULL ? "out of memory" : copy;
    return TW_EXIT_USAGE;
}

static int set_hello(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    return tw_options_read_hello(o, v, why) ? 0 : TW_EXIT_USAGE;
}

static int set_clients(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->clients = true;
    return 0;
}

static int set_at(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    o->has_at = true;
    if (!tw_time_parse(v, &o->at))
        return refuse(o, why, "'%.60s' is no time (2026-11-24, 2026-11-24T08:00:00Z or unix seconds)",
                      v);
    return 0;
}

static int set_4(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->family = AF_INET;
    return 0;
}

static int set_6(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->family = AF_INET6;
    return 0;
}

static int set_timeout(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    char *end;
    double s = strtod(v, &end);
    if (end == v || (*end != '\0' && strcmp(end, "s") != 0) || !(s >= 0.1 && s <= 3600))
        return refuse(o, why, "'%.40s' is no number of seconds from 0.1 to 3600", v);
    o->timeout_ms = (uint64_t)(s * 1000);
    o->has_timeout = true;
    return 0;
}

static int set_online(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->online = true;
    return 0;
}

static int set_hard_fail(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->hard_fail = true;
    return 0;
}

/* Asking a time server is something online; the option implies that one. */
static int set_sntp(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    char host[256];
    unsigned port;
    if (!tw_host_port(v, 123, host, sizeof host, &port))
        return refuse(o, why, "'%.60s' is no HOST or HOST:PORT", v);
    o->online = true;
    return set_text(o, &o->sntp, v, 300, why);
}

static int set_dane(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib, (void)v, (void)why;
    o->dane = true;
    return 0;
}

static int set_resolver(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    char host[256];
    unsigned port;
    struct tw_addr a;
    if (!tw_host_port(v, 53, host, sizeof host, &port) || !tw_addr_parse(host, port, &a))
        return refuse(o, why, "'%.60s' is no ADDR or ADDR:PORT", v);
    return set_text(o, &o->resolver, a.text, 100, why);
}

static int read_ct_logs(struct tw_options *o, struct tw_view json, const char *name,
                        const char **why)
{
    const char *reason;
    struct tw_log_list *l;
    if (tw_log_list_parse(json, &l, &reason) != TW_OK)
        return refuse(o, why, "%.200s: %s", name, reason);
    tw_log_list_free(o->ct_logs);
    o->ct_logs = l;
    return 0;
}

static int set_ct_log_list(struct tw_options *o, struct tw_lib *lib, const char *v,
                           const char **why)
{
    (void)lib;
    struct tw_buf file;
    tw_buf_init(&file, MAX_LOG_LIST);
    int rc = TW_EXIT_USAGE;
    if (tw_read_file(v, MAX_LOG_LIST, &file, o->arena, why) == TW_OK)
        rc = read_ct_logs(o, tw_buf_view(&file), v, why);
    tw_buf_cleanup(&file);
    return rc;
}

/* The content of a log list instead of its path; for callers that have it in memory. */
static int set_ct_log_list_json(struct tw_options *o, struct tw_lib *lib, const char *v,
                                const char **why)
{
    (void)lib;
    return read_ct_logs(o, tw_view_str(v), "log list", why);
}

static int set_max_connections(struct tw_options *o, struct tw_lib *lib, const char *v,
                               const char **why)
{
    (void)lib;
    char *end;
    unsigned long n = strtoul(v, &end, 10);
    if (end == v || *end != '\0' || n < 1 || n > TW_MAX_CONNS)
        return refuse(o, why, "'%.40s' is no number from 1 to %d", v, TW_MAX_CONNS);
    o->max_connections = (unsigned)n;
    o->has_max_connections = true;
    return 0;
}

static int set_starttls(struct tw_options *o, struct tw_lib *lib, const char *value,
                        const char **why)
{
    (void)lib;
    o->no_starttls = strcmp(value, "none") == 0;
    o->starttls = o->no_starttls ? NULL : tw_protocol_by_name(value);
    if (!o->no_starttls && (o->starttls == NULL || tw_protocol_is_proxy(o->starttls)))
        return refuse(o, why, "'%.60s' is no protocol with an upgrade to TLS; known are smtp, lmtp, "
                              "imap, pop3, ftp, nntp, sieve, irc, xmpp, xmpp-server, ldap, postgres, "
                              "mysql, mssql, rdp, vnc, and none", value);
    return 0;
}

/* http://[user[:password]@]host[:port], socks5://..., socks4a://... */
static int set_proxy(struct tw_options *o, struct tw_lib *lib, const char *value, const char **why)
{
    static const struct {
        const char *scheme, *protocol;
    } kinds[] = {{"http://", "http-proxy"}, {"socks5://", "socks5"}, {"socks5h://", "socks5"},
                 {"socks4a://", "socks4a"}};
    (void)lib;
    const char *rest = strstr(value, "://") == NULL ? value : NULL;
    o->proxy = tw_protocol_by_name("http-proxy");
    for (size_t i = 0; rest == NULL && i < TW_ARRAY_LEN(kinds); i++)
        if (strncmp(value, kinds[i].scheme, strlen(kinds[i].scheme)) == 0) {
            o->proxy = tw_protocol_by_name(kinds[i].protocol);
            rest = value + strlen(kinds[i].scheme);
        }
    if (rest == NULL)
        return refuse(o, why, "'%.60s': a proxy is http://, socks5:// or socks4a://HOST[:PORT]",
                      value);
    const char *at = strrchr(rest, '@');
    if (at != NULL) {
        struct tw_view who = tw_view_of(rest, (size_t)(at - rest));
        const char *colon = memchr(rest, ':', who.len);
        size_t n = colon == NULL ? who.len : (size_t)(colon - rest);
        o->proxy_user = tw_arena_text(o->arena, tw_view_of(rest, n));
        o->proxy_password = colon == NULL ? "" : tw_arena_text(o->arena,
                                                               tw_view_of(colon + 1,
                                                                          who.len - n - 1));
        rest = at + 1;
    }
    const char *reason;
    if (!tw_target_parse(rest, &o->proxy_at, &reason))
        return refuse(o, why, "'%.60s': %s", rest, reason);
    if (!o->proxy_at.has_port)
        o->proxy_at.port = tw_protocol_port(o->proxy);
    return 0;
}

/* ---- inspect ---------------------------------------------------------------------------------- */

/* Several files add up. */
static int set_chain(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    return tw_read_file(v, MAX_CHAIN, &o->chain, o->arena, why) == TW_OK ? 0 : TW_EXIT_USAGE;
}

static int set_crl(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    return tw_read_file(v, MAX_CRLS, &o->crls, o->arena, why) == TW_OK ? 0 : TW_EXIT_USAGE;
}

static int word_of(const char *const *words, size_t n, const char *v)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], v) == 0)
            return (int)i;
    return -1;
}

static int set_policy(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    static const char *const words[] = {"rfc5280", "strict", "webpki"}; /* as enum tw_policy */
    int i = word_of(words, TW_ARRAY_LEN(words), v);
    if (i < 0)
        return refuse(o, why, "'%.40s' is none of rfc5280, strict, webpki", v);
    o->policy = (enum tw_policy)i;
    return 0;
}

static int set_purpose(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    static const char *const words[] = {"server", "client", "any"}; /* as enum tw_purpose */
    int i = word_of(words, TW_ARRAY_LEN(words), v);
    if (i < 0)
        return refuse(o, why, "'%.40s' is none of server, client, any", v);
    o->purpose = (enum tw_purpose)i;
    return 0;
}

static int set_level(struct tw_options *o, struct tw_lib *lib, const char *v, const char **why)
{
    (void)lib;
    if (v[0] < '0' || v[0] > '5' || v[1] != '\0')
        return refuse(o, why, "'%.40s' is no security level from 0 to 5", v);
    o->level = 1 + (unsigned)(v[0] - '0');
    return 0;
}

static const struct {
    const char *name;
    bool takes_value;
    set_fn *set;
} options[] = {
    {"servername", true, set_servername},   {"no-sni", false, set_no_sni},
    {"verify-name", true, set_verify_name}, {"connect", true, set_connect},
    {"ca-pem", true, set_ca_pem},           {"ca", true, set_ca},
    {"trust", true, set_trust},             {"trust-pass", true, set_trust_pass},
    {"trust-data", true, set_trust_data},
    {"cert", true, set_cert},
    {"key", true, set_key},                 {"pass", true, set_pass},
    {"alpn", true, set_alpn},               {"min-version", true, set_min_version},
    {"max-version", true, set_max_version}, {"ciphers", true, set_ciphers},
    {"groups", true, set_groups},           {"sigalgs", true, set_sigalgs},
    {"as", true, set_as},                   {"clients", false, set_clients},
    {"hello", true, set_hello},
    {"at", true, set_at},                   {"4", false, set_4},
    {"starttls", true, set_starttls},       {"proxy", true, set_proxy},
    {"6", false, set_6},                    {"timeout", true, set_timeout},
    {"max-connections", true, set_max_connections},
    {"online", false, set_online},          {"hard-fail", false, set_hard_fail},
    {"chain", true, set_chain},             {"crl", true, set_crl},
    {"name", true, set_verify_name},        {"policy", true, set_policy},
    {"purpose", true, set_purpose},         {"level", true, set_level},
    {"sntp", true, set_sntp},               {"dane", false, set_dane},
    {"resolver", true, set_resolver},
    {"ct-log-list", true, set_ct_log_list}, {"ct-log-list-json", true, set_ct_log_list_json},
};

int tw_options_set(struct tw_options *o, struct tw_lib *lib, const char *name, const char *value,
                   const char **why)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(options); i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        if (options[i].takes_value && value == NULL)
            return refuse(o, why, "a value is needed");
        return options[i].set(o, lib, value, why);
    }
    return refuse(o, why, "there is no option '%.60s'", name);
}

int tw_options_finish(struct tw_options *o, struct tw_lib *lib, const char **why)
{
    if (o->min_version != 0 && o->max_version != 0 && o->min_version > o->max_version)
        return refuse(o, why, "--min-version is above --max-version");
    struct tw_target to;
    if (o->connect != NULL && (!tw_target_parse(o->connect, &to, why) ||
                               !tw_target_family_ok(&to, o->family, why)))
        return refuse(o, why, "--connect %.100s: %s", o->connect, *why);
    if (o->no_sni && o->server_name != NULL)
        return refuse(o, why, "--no-sni and --servername exclude each other");
    struct tw_hello h;
    tw_options_hello(o, lib->crypto, &h);
    if (o->as != NULL && h.versions.n == 0)
        return refuse(o, why, "--as %s: %s speaks none of these versions", o->as->name,
                      o->as->title);
    if (o->hello.len > 0 &&
        (o->as != NULL || o->no_sni || o->server_name != NULL || o->has_alpn || o->has_ciphers ||
         o->has_groups || o->has_sigalgs || o->min_version != 0 || o->max_version != 0))
        return refuse(o, why, "--hello is sent byte for byte: no option that changes what is offered "
                              "goes with it");
    if (o->clients && !o->has_timeout)
        o->timeout_ms = CLIENTS_TIMEOUT_MS;
    if (o->clients && !o->has_max_connections)
        o->max_connections = TW_MAX_CONNS;
    if (o->key_path != NULL && o->cert_path == NULL)
        return refuse(o, why, "--key needs --cert");
    if (o->key_path != NULL && o->key.len == 0)
        return refuse(o, why, "%s: no private key in it", o->key_path);
    if (o->cert_path == NULL || o->cred != NULL)
        return 0;
    const char *reason = "out of memory";
    if (tw_credential_load(lib->crypto, tw_buf_view(&o->cert), tw_buf_view(&o->key), o->pass,
                           &o->cred, &reason) != TW_OK)
        return refuse(o, why, "%s%s%s: %s", o->cert_path, o->key_path != NULL ? ", " : "",
                      o->key_path != NULL ? o->key_path : "", reason);
    if (o->cred->key == NULL)
        return refuse(o, why, "%s: no private key in it, and no --key given", o->cert_path);
    return 0;
}

/* ---- from options to the baseline's ClientHello ----------------------------------------------------- */

static bool is_tls13_suite(uint16_t id)
{
    const struct tw_suite *s = tw_suite_by_id(id);
    return s != NULL && s->kx == TW_KX_TLS13;
}

/* An explicit suite list that holds only suites of TLS 1.3, or none, decides the versions too,
 * unless the user set those. */
static void version_range(const struct tw_options *o, uint16_t *min, uint16_t *max)
{
    *min = o->min_version != 0 ? o->min_version : TW_TLS12;
    *max = o->max_version != 0 ? o->max_version : TW_TLS13;
    if (o->min_version == 0 && *min > *max)
        *min = *max;
    bool has13 = !o->has_ciphers, has12 = !o->has_ciphers;
    for (size_t i = 0; i < o->ciphers.n; i++) {
        bool tls13 = is_tls13_suite(o->ciphers.v[i]);
        has13 = has13 || tls13;
        has12 = has12 || !tls13;
    }
    if (!has13 && *max == TW_TLS13 && *min < TW_TLS13)
        *max = TW_TLS12;
    if (!has12 && *max == TW_TLS13 && *min < TW_TLS13)
        *min = TW_TLS13;
}

/* What a client of TLS 1.0 and 1.1 days also offered. */
static void add_old_suites(struct tw_hello *h)
{
    static const uint16_t old[] = {0x0033, 0x0039, 0x002f, 0x0035, 0x000a};
    for (size_t i = 0; i < TW_ARRAY_LEN(old); i++)
        if (!tw_u16list_has(&h->ciphers, old[i]))
            tw_u16list_add(&h->ciphers, old[i]);
}

static void apply_versions(const struct tw_options *o, struct tw_hello *h)
{
    uint16_t min, max;
    version_range(o, &min, &max);
    h->versions.n = 0;
    for (unsigned v = max; v >= min; v--)
        tw_u16list_add(&h->versions, (uint16_t)v);
    if (max == TW_TLS13)
        return;
    h->legacy_version = max;
    h->random_session_id = false;
    tw_hello_drop_ext(h, TW_EXT_SUPPORTED_VERSIONS);
    tw_hello_drop_ext(h, TW_EXT_KEY_SHARE);
    tw_hello_drop_ext(h, TW_EXT_PSK_KEY_EXCHANGE_MODES);
    tw_hello_drop_ext(h, TW_EXT_COMPRESS_CERTIFICATE);
    tw_hello_drop_ext(h, TW_EXT_ECH);
    if (max < TW_TLS12) {
        tw_hello_drop_ext(h, TW_EXT_SIGNATURE_ALGORITHMS);
        if (!o->has_ciphers)
            add_old_suites(h);
    }
}

/* Suites that no offered version can use are left out, as clients do. */
static void drop_unusable_suites(struct tw_hello *h)
{
    uint16_t max = h->versions.v[0], min = h->versions.v[h->versions.n - 1];
    size_t kept = 0;
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s == NULL || (s->min_version <= max && s->max_version >= min))
            h->ciphers.v[kept++] = h->ciphers.v[i];
    }
    h->ciphers.n = kept;
}

/* Like browsers: a share for the first group and, where that one is a hybrid, for the first
 * classical group too. */
static void apply_shares(const struct tw_crypto *c, struct tw_hello *h)
{
    h->shares.n = 0;
    bool hybrid = false;
    for (size_t i = 0; i < h->groups.n && h->shares.n < 2; i++) {
        const struct tw_group *g = tw_group_by_id(h->groups.v[i]);
        if (g == NULL || !g->tls13 || !c->has_group(c->ctx, g->id))
            continue;
        bool this_hybrid = g->kind == TW_GROUP_HYBRID || g->kind == TW_GROUP_KEM;
        if (h->shares.n == 1 && (!hybrid || this_hybrid))
            continue;
        tw_u16list_add(&h->shares, g->id);
        hybrid = this_hybrid;
    }
}

/* A real client's, in the versions of it that were asked for. */
static void client_hello(const struct tw_options *o, struct tw_hello *h)
{
    tw_client_profile_hello(o->as, h);
    uint16_t top = 0;
    for (size_t i = 0; i < h->versions.n; i++)
        top = h->versions.v[i] > top ? h->versions.v[i] : top;
    if (o->min_version != 0 || (o->max_version != 0 && o->max_version < top))
        tw_hello_limit_versions(h, o->min_version,
                                o->max_version != 0 && o->max_version < top ? o->max_version : top);
    if (o->has_ciphers)
        h->ciphers = o->ciphers;
}

static void own_hello(const struct tw_options *o, struct tw_hello *h)
{
    tw_hello_default(h);
    if (o->has_ciphers)
        h->ciphers = o->ciphers;
    apply_versions(o, h);
    if (!o->has_ciphers)
        drop_unusable_suites(h);
}

void tw_options_hello(const struct tw_options *o, const struct tw_crypto *c, struct tw_hello *h)
{
    if (o->hello.len > 0)
        tw_hello_of_message(o->hello, o->hello_record_version, h);
    else if (o->as != NULL)
        client_hello(o, h);
    else
        own_hello(o, h);
    if (o->has_groups)
        h->groups = o->groups;
    if (tw_hello_has_ext(h, TW_EXT_KEY_SHARE) && ((o->as == NULL && o->hello.len == 0) ||
                                                  o->has_groups))
        apply_shares(c, h);
    if (o->has_sigalgs)
        h->sigalgs = o->sigalgs;
    if (o->has_alpn) {
        memcpy(h->alpn, o->alpn, sizeof h->alpn);
        h->alpn_n = o->alpn_n;
    }
}
