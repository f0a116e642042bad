/*
 * What can be changed in a trial. Each changes one thing of the baseline, so that a flip of the
 * outcome has one meaning; `wide` changes everything that can be lacking.
 */
#include "rules/rules_internal.h"

static void sni_absent(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->server_name[0] = '\0';
}

/* The name that the certificate would have to cover, or the target's. */
static void sni_host(struct tw_hello *h, const struct tw_case *c)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    tw_copy_str(h->server_name, sizeof h->server_name, name != NULL ? name : c->host);
    if (!tw_hello_has_ext(h, TW_EXT_SERVER_NAME) && h->order_n < TW_HELLO_MAX_EXT)
        h->order[h->order_n++] = TW_EXT_SERVER_NAME;
}

static void sni_other(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    tw_copy_str(h->server_name, sizeof h->server_name, "tlswhy.invalid");
}

/* The neighbour of the name: without www., the parent domain, else with www. */
static void sni_sibling(struct tw_hello *h, const struct tw_case *c)
{
    char other[256];
    const char *name = c->server_name, *dot = strchr(name, '.');
    if (dot != NULL && strchr(dot + 1, '.') != NULL)
        tw_copy_str(other, sizeof other, dot + 1);
    else
        snprintf(other, sizeof other, "www.%.240s", name);
    tw_copy_str(h->server_name, sizeof h->server_name, other);
}

static void alpn_absent(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->alpn_n = 0;
    tw_hello_drop_ext(h, TW_EXT_ALPN);
}

static void alpn_http1(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->alpn_n = 1;
    tw_copy_str(h->alpn[0], sizeof h->alpn[0], "http/1.1");
}

static void merge(struct tw_u16list *into, const struct tw_u16list *more)
{
    for (size_t i = 0; i < more->n; i++)
        if (!tw_u16list_has(into, more->v[i]))
            tw_u16list_add(into, more->v[i]);
}

static void add_ext(struct tw_hello *h, uint16_t type)
{
    if (!tw_hello_has_ext(h, type) && h->order_n < TW_HELLO_MAX_EXT)
        h->order[h->order_n++] = type;
}

static bool has_suite_for(const struct tw_hello *h, bool tls13)
{
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s != NULL && (s->kx == TW_KX_TLS13) == tls13 && s->kx != TW_KX_NULL)
            return true;
    }
    return false;
}

/*
 * A version needs suites of its own. Where the list has none of that kind the default ones are
 * added; where it has, it stays, for a trial changes one thing.
 */
static void add_suites_for(struct tw_hello *h, bool tls13)
{
    struct tw_hello d;
    if (has_suite_for(h, tls13))
        return;
    tw_hello_default(&d);
    for (size_t i = 0; i < d.ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(d.ciphers.v[i]);
        if (s != NULL && (s->kx == TW_KX_TLS13) == tls13)
            tw_u16list_add(&h->ciphers, d.ciphers.v[i]);
    }
}

/* Versions below what the baseline offers, highest first as the extension wants it. */
static void versions_wide(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    static const uint16_t all[] = {TW_TLS13, TW_TLS12, TW_TLS11, TW_TLS10};
    uint16_t max = 0;
    for (size_t i = 0; i < h->versions.n; i++)
        max = h->versions.v[i] > max ? h->versions.v[i] : max;
    h->versions.n = 0;
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        if (all[i] <= max)
            tw_u16list_add(&h->versions, all[i]);
    h->legacy_version = max < TW_TLS12 ? max : TW_TLS12;
    add_suites_for(h, false);
    add_ext(h, TW_EXT_EXTENDED_MASTER_SECRET);
    add_ext(h, TW_EXT_RENEGOTIATION_INFO);
}

/* TLS 1.2 and 1.3 added to an old or pinned client's offer. */
static void versions_modern(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_hello d;
    tw_hello_default(&d);
    struct tw_u16list older = h->versions;
    h->versions = d.versions;
    merge(&h->versions, &older);
    h->legacy_version = TW_TLS12;
    h->random_session_id = true;
    add_suites_for(h, true);
    if (h->shares.n == 0) {
        h->shares.n = 0;
        tw_u16list_add(&h->shares, TW_GRP_X25519);
        tw_u16list_add(&h->shares, TW_GRP_SECP256R1);
    }
    if (h->sigalgs.n == 0)
        h->sigalgs = d.sigalgs;
    add_ext(h, TW_EXT_SUPPORTED_VERSIONS);
    add_ext(h, TW_EXT_KEY_SHARE);
    add_ext(h, TW_EXT_PSK_KEY_EXCHANGE_MODES);
    add_ext(h, TW_EXT_SIGNATURE_ALGORITHMS);
}

/* The highest version left out: for peers that choke on TLS 1.3. */
static void versions_legacy_max(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->versions.n = 0;
    tw_u16list_add(&h->versions, TW_TLS12);
    h->legacy_version = TW_TLS12;
    h->random_session_id = false;
    tw_hello_drop_ext(h, TW_EXT_SUPPORTED_VERSIONS);
    tw_hello_drop_ext(h, TW_EXT_KEY_SHARE);
    tw_hello_drop_ext(h, TW_EXT_PSK_KEY_EXCHANGE_MODES);
}

static void ciphers_wide(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_hello w;
    tw_hello_wide(&w);
    merge(&h->ciphers, &w.ciphers);
}

/* For each suite offered, its sibling with the other authentication. */
static void ciphers_other_auth(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_u16list add = {0};
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s == NULL || (s->auth != TW_AUTH_ECDSA && s->auth != TW_AUTH_RSA) ||
            s->kx == TW_KX_RSA)
            continue;
        const struct tw_suite *o;
        for (size_t j = 0; (o = tw_suite_at(j)) != NULL; j++)
            if (o->kx == s->kx && o->bulk == s->bulk && o->mac == s->mac && o->auth != s->auth &&
                (o->auth == TW_AUTH_ECDSA || o->auth == TW_AUTH_RSA))
                tw_u16list_add(&add, o->id);
    }
    merge(&h->ciphers, &add);
}

static void groups_wide(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_hello w, d;
    tw_hello_wide(&w);
    tw_hello_default(&d);
    merge(&h->groups, &d.groups);
    merge(&h->groups, &w.groups);
    add_ext(h, TW_EXT_SUPPORTED_GROUPS);
}

static void groups_classical(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_u16list g = {0};
    for (size_t i = 0; i < h->groups.n; i++) {
        const struct tw_group *grp = tw_group_by_id(h->groups.v[i]);
        if (grp != NULL && grp->kind != TW_GROUP_HYBRID && grp->kind != TW_GROUP_KEM)
            tw_u16list_add(&g, h->groups.v[i]);
    }
    if (g.n == 0)
        tw_u16list_add(&g, TW_GRP_X25519);
    h->groups = g;
    h->shares.n = 0;
    tw_u16list_add(&h->shares, g.v[0]);
}

static void sigalgs_wide(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_hello w;
    tw_hello_wide(&w);
    merge(&h->sigalgs, &w.sigalgs);
    add_ext(h, TW_EXT_SIGNATURE_ALGORITHMS);
}

/* Everything that can be lacking, with the baseline's name. */
static void wide(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    struct tw_hello w;
    tw_hello_wide(&w);
    tw_copy_str(w.server_name, sizeof w.server_name, h->server_name);
    merge(&w.groups, &h->groups);
    *h = w;
}

static void drop_suites(struct tw_hello *h, enum tw_kx kx)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s == NULL || s->kx != kx)
            h->ciphers.v[kept++] = h->ciphers.v[i];
    }
    h->ciphers.n = kept;
}

static void wide_no_rsa_kx(struct tw_hello *h, const struct tw_case *c)
{
    wide(h, c);
    drop_suites(h, TW_KX_RSA);
}

static void wide_no_dhe(struct tw_hello *h, const struct tw_case *c)
{
    wide(h, c);
    drop_suites(h, TW_KX_DHE);
}

static void rsa_kx_only(struct tw_hello *h, const struct tw_case *c)
{
    wide(h, c);
    versions_legacy_max(h, c);
    size_t kept = 0;
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s != NULL && s->kx == TW_KX_RSA)
            h->ciphers.v[kept++] = h->ciphers.v[i];
    }
    h->ciphers.n = kept;
}

/*
 * What the engine cannot speak to the end, and current clients do not offer either: pre-shared
 * keys, static Diffie-Hellman, Camellia-GCM, GOST. The ServerHello tells enough. The list is
 * limited, so the rarest of the rare are left out: SRP, Kerberos, PSK with ARIA or without cipher.
 */
static bool is_rare(const struct tw_suite *s)
{
    switch (s->kx) {
    case TW_KX_NULL:
    case TW_KX_TLS13:
    case TW_KX_SRP:
    case TW_KX_KRB5:
    case TW_KX_ECCPWD:
    case TW_KX_OTHER:
        return false;
    default:
        break;
    }
    switch (s->bulk) {
    case TW_BULK_NULL:
    case TW_BULK_RC4_128:
    case TW_BULK_ARIA128_CBC:
    case TW_BULK_ARIA256_CBC:
    case TW_BULK_ARIA128_GCM:
    case TW_BULK_ARIA256_GCM:
    case TW_BULK_OTHER:
        return false;
    default:
        return (s->flags & (TW_SUITE_SCSV | TW_SUITE_EXPORT)) == 0;
    }
}

static void ciphers_rare(struct tw_hello *h, const struct tw_case *c)
{
    wide(h, c);
    versions_wide(h, c);
    const struct tw_u16list common = h->ciphers;
    const struct tw_suite *s;
    h->ciphers.n = 0;
    for (size_t i = 0; (s = tw_suite_at(i)) != NULL && h->ciphers.n < TW_HELLO_MAX_LIST; i++)
        if (!tw_u16list_has(&common, s->id) && is_rare(s))
            tw_u16list_add(&h->ciphers, s->id);
}

/* A hello of SSL 3.0 days: no extensions at all (RFC 6101 5.6.1.2). */
static void ssl3(struct tw_hello *h, const struct tw_case *c)
{
    wide(h, c);
    h->record_version = TW_SSL3;
    h->legacy_version = TW_SSL3;
    h->versions.n = 0;
    tw_u16list_add(&h->versions, TW_SSL3);
    h->random_session_id = false;
    h->order_n = 0;
    size_t kept = 0;
    for (size_t i = 0; i < h->ciphers.n; i++) {
        const struct tw_suite *s = tw_suite_by_id(h->ciphers.v[i]);
        if (s != NULL && s->min_version <= TW_SSL3)
            h->ciphers.v[kept++] = h->ciphers.v[i];
    }
    h->ciphers.n = kept;
}

/* As small as without post-quantum groups, then padded to the baseline's size. */
static void hello_padded(struct tw_hello *h, const struct tw_case *c)
{
    groups_classical(h, c);
    const struct tw_fact *ch = c->base == NULL ? NULL
                                               : tw_trace_message(c->trace, c->base->conn, TW_CLIENT,
                                                                  TW_MSG_CLIENT_HELLO);
    h->pad_to = ch == NULL ? 1800 : ch->data.len + 4;
}

static void hello_records(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->record_max = 64;
}

static void session_id_empty(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->random_session_id = false;
}

static void grease_absent(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    h->grease = false;
    tw_hello_drop_ext(h, TW_EXT_ECH); /* GREASE as well */
}

static void keep_only(struct tw_hello *h, const uint16_t *keep, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->order_n; i++)
        for (size_t k = 0; k < n; k++)
            if (h->order[i] == keep[k])
                h->order[kept++] = keep[k];
    h->order_n = kept;
}

/* Hardly any extensions: what a TLS 1.2 client cannot do without. */
static void bare(struct tw_hello *h, const struct tw_case *c)
{
    static const uint16_t keep[] = {TW_EXT_SERVER_NAME, TW_EXT_SUPPORTED_GROUPS,
                                    TW_EXT_EC_POINT_FORMATS, TW_EXT_SIGNATURE_ALGORITHMS};
    groups_classical(h, c);
    versions_legacy_max(h, c);
    h->grease = false;
    keep_only(h, keep, TW_ARRAY_LEN(keep));
}

/* The same for TLS 1.3. */
static void bare13(struct tw_hello *h, const struct tw_case *c)
{
    static const uint16_t keep[] = {TW_EXT_SERVER_NAME, TW_EXT_SUPPORTED_GROUPS,
                                    TW_EXT_SIGNATURE_ALGORITHMS, TW_EXT_KEY_SHARE,
                                    TW_EXT_SUPPORTED_VERSIONS};
    groups_classical(h, c);
    h->grease = false;
    keep_only(h, keep, TW_ARRAY_LEN(keep));
}

#define WITHOUT(name, type)                                                                        \
    {"without-" name, "without the extension " name, TW_TRANSPORT_TLS, NULL,                        \
     .without = (const uint16_t[]){type}, .without_n = 1}
#define ADDRESS(n, words) {"address-" #n, words, TW_TRANSPORT_TLS, NULL, .address = n}

static const struct tw_trial trials[] = {
    {"repeat", "the same again", TW_TRANSPORT_TLS, NULL},
    {"sni-absent", "without server_name", TW_TRANSPORT_TLS, sni_absent},
    {"sni-host", "with server_name", TW_TRANSPORT_TLS, sni_host},
    {"sni-other", "with another server_name", TW_TRANSPORT_TLS, sni_other},
    {"sni-sibling", "with a neighbouring server_name", TW_TRANSPORT_TLS, sni_sibling},
    {"alpn-absent", "without ALPN", TW_TRANSPORT_TLS, alpn_absent},
    {"alpn-http1", "with ALPN http/1.1 only", TW_TRANSPORT_TLS, alpn_http1},
    {"versions-wide", "with older versions down to TLS 1.0", TW_TRANSPORT_TLS, versions_wide},
    {"versions-modern", "with TLS 1.2 and 1.3", TW_TRANSPORT_TLS, versions_modern},
    {"versions-legacy-max", "without TLS 1.3", TW_TRANSPORT_TLS, versions_legacy_max},
    {"ciphers-wide", "with every cipher suite", TW_TRANSPORT_TLS, ciphers_wide},
    {"ciphers-other-auth", "with the same suites for the other key type", TW_TRANSPORT_TLS,
     ciphers_other_auth},
    {"ciphers-rare", "with only the suites that hardly anybody speaks", TW_TRANSPORT_TLS,
     ciphers_rare},
    {"groups-wide", "with every group", TW_TRANSPORT_TLS, groups_wide},
    {"groups-classical", "without post-quantum groups", TW_TRANSPORT_TLS, groups_classical},
    {"sigalgs-wide", "with every signature algorithm", TW_TRANSPORT_TLS, sigalgs_wide},
    {"wide", "with all versions, suites, groups and signatures", TW_TRANSPORT_TLS, wide},
    {"wide-no-rsa-kx", "with everything but static RSA key exchange", TW_TRANSPORT_TLS,
     wide_no_rsa_kx},
    {"wide-no-dhe", "with everything but finite-field DHE", TW_TRANSPORT_TLS, wide_no_dhe},
    {"rsa-kx-only", "with static RSA key exchange, which needs no signature", TW_TRANSPORT_TLS,
     rsa_kx_only},
    {"ssl3", "as an SSL 3.0 client", TW_TRANSPORT_TLS, ssl3},
    {"ssl2", "as an SSL 2.0 client", TW_TRANSPORT_SSL2, NULL},
    {"hello-padded", "without post-quantum groups, but as large", TW_TRANSPORT_TLS, hello_padded},
    {"hello-records", "the same in TLS records of 64 bytes", TW_TRANSPORT_TLS, hello_records},
    {"hello-split", "a small ClientHello in two packets", TW_TRANSPORT_TLS, groups_classical,
     .wire = {.first_segment = 100, .delay_ms = 40}},
    {"hello-split-name", "the same in two packets", TW_TRANSPORT_TLS, NULL,
     .wire = {.first_segment = 20, .delay_ms = 40}},
    {"hello-mss", "with TCP segments of 536 bytes at most", TW_TRANSPORT_TLS, NULL,
     .wire = {.mss = 536}},
    {"session-id-empty", "with an empty legacy_session_id", TW_TRANSPORT_TLS, session_id_empty},
    {"bare", "as TLS 1.2 with hardly any extensions", TW_TRANSPORT_TLS, bare},
    {"bare13", "as TLS 1.3 with hardly any extensions", TW_TRANSPORT_TLS, bare13},
    {"grease-absent", "without GREASE", TW_TRANSPORT_TLS, grease_absent},
    WITHOUT("extended_master_secret", TW_EXT_EXTENDED_MASTER_SECRET),
    WITHOUT("renegotiation_info", TW_EXT_RENEGOTIATION_INFO),
    WITHOUT("session_ticket", TW_EXT_SESSION_TICKET),
    WITHOUT("application_layer_protocol_negotiation", TW_EXT_ALPN),
    WITHOUT("status_request", TW_EXT_STATUS_REQUEST),
    WITHOUT("signed_certificate_timestamp", TW_EXT_SCT),
    WITHOUT("psk_key_exchange_modes", TW_EXT_PSK_KEY_EXCHANGE_MODES),
    WITHOUT("compress_certificate", TW_EXT_COMPRESS_CERTIFICATE),
    WITHOUT("encrypted_client_hello", TW_EXT_ECH),
    ADDRESS(1, "to the name's 1st address"),
    ADDRESS(2, "to the name's 2nd address"),
    ADDRESS(3, "to the name's 3rd address"),
    ADDRESS(4, "to the name's 4th address"),
    ADDRESS(5, "to the name's 5th address"),
    ADDRESS(6, "to the name's 6th address"),
    {"tls-direct", "with TLS from the first byte", TW_TRANSPORT_TLS_DIRECT, NULL},
    {"proxy-tls", "speaking TLS to the proxy", TW_TRANSPORT_TLS_PROXY, NULL},
    {"listen", "sending nothing", TW_TRANSPORT_LISTEN, NULL},
    {"plain-http", "asking in plain HTTP", TW_TRANSPORT_HTTP, NULL},
    {"ask-postgres", "asking as a PostgreSQL client", TW_TRANSPORT_POSTGRES, NULL},
    {"ask-ldap", "asking as an LDAP client", TW_TRANSPORT_LDAP, NULL},
};

const struct tw_trial *tw_trial_at(size_t i)
{
    return i < TW_ARRAY_LEN(trials) ? &trials[i] : NULL;
}

const struct tw_trial *tw_trial_by_id(const char *id)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(trials); i++)
        if (strcmp(trials[i].id, id) == 0)
            return &trials[i];
    return NULL;
}
