/* Server role: choice of version, suite, group, certificate and signature scheme. The server's
 * order counts, but for signature schemes, where the client's does. */
#include "engine/server.h"

enum { FALLBACK_SCSV = 0x5600 }; /* RFC 7507 */

static bool in_list(const struct tw_u16s *l, uint16_t v)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == v)
            return true;
    return false;
}

static bool cipher_offered(const struct tw_server *s, uint16_t id)
{
    const struct tw_view v = s->ch.ciphers;
    for (size_t i = 0; i + 2 <= v.len; i += 2)
        if ((v.data[i] << 8 | v.data[i + 1]) == id)
            return true;
    return false;
}

/* ---- version ------------------------------------------------------------------------------------ */

static uint16_t highest(const struct tw_u16list *l)
{
    uint16_t max = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] > max)
            max = l->v[i];
    return max;
}

/* RFC 8446 4.2.1: supported_versions alone counts when it is there. */
static uint16_t common_version(const struct tw_server *s, bool *malformed)
{
    struct tw_view body;
    struct tw_u16s offered = {.n = 0};
    bool has_list = tw_ext_find(s->ch.extensions, TW_EXT_SUPPORTED_VERSIONS, &body);
    *malformed = has_list && !tw_ext_u16_list(body, 1, &offered);
    uint16_t best = 0;
    for (size_t i = 0; i < s->versions.n; i++) {
        uint16_t v = s->versions.v[i];
        bool fits = has_list ? in_list(&offered, v) : v <= s->ch.version && v < TW_TLS13;
        if (fits && v > best)
            best = v;
    }
    return best;
}

uint16_t tw_server_choose_version(struct tw_conn *c)
{
    const struct tw_server *s = c->server;
    bool malformed = false;
    if (s->cfg->faults.force_version != 0)
        return s->cfg->faults.force_version;
    uint16_t best = common_version(s, &malformed);
    if (malformed) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_SUPPORTED_VERSIONS,
                     "malformed supported_versions");
        return 0;
    }
    if (best == 0) {
        tw_conn_fail(c, TW_ALERT_PROTOCOL_VERSION, "version_no_overlap", s->ch.version,
                     "the client offers no version that this server speaks");
        return 0;
    }
    if (best < highest(&s->versions) && cipher_offered(s, FALLBACK_SCSV)) {
        tw_conn_fail(c, TW_ALERT_INAPPROPRIATE_FALLBACK, "inappropriate_fallback", best,
                     "the client came back with a lower version than it need have");
        return 0;
    }
    return best;
}

/* ---- signature schemes and credentials ---------------------------------------------------------- */

/* RFC 5246 7.4.1.4.1: what a client without the extension stands for. */
static const uint16_t implied[] = {0x0201, 0x0203, 0x0202};

static uint16_t choose_scheme(const struct tw_server *s, uint16_t version,
                              const struct tw_key_info *key)
{
    uint16_t both[256];
    size_t n = 0;
    if (!s->has_sigalgs)
        return tw_sig_choose(version, key, implied, TW_ARRAY_LEN(implied));
    for (size_t i = 0; i < s->sigalgs_offered.n; i++)
        if (tw_u16list_has(&s->sigalgs, s->sigalgs_offered.v[i]))
            both[n++] = s->sigalgs_offered.v[i];
    return tw_sig_choose(version, key, both, n);
}

static bool key_authenticates(enum tw_auth auth, bool encrypts, uint16_t version,
                              enum tw_key_type t)
{
    switch (auth) {
    case TW_AUTH_RSA:
        return t == TW_KEY_RSA || (t == TW_KEY_RSA_PSS && !encrypts && version >= TW_TLS12);
    case TW_AUTH_ECDSA: /* RFC 8422 5.10: also EdDSA */
        return t == TW_KEY_EC ||
               (version >= TW_TLS12 && (t == TW_KEY_ED25519 || t == TW_KEY_ED448));
    case TW_AUTH_DSS:
        return t == TW_KEY_DSA;
    default:
        return false;
    }
}

static bool curve_offered(const struct tw_server *s, const struct tw_key_info *key)
{
    return key->type != TW_KEY_EC || !s->has_groups || in_list(&s->groups_offered, key->group);
}

/* The first credential that can play the part; fills in s->cred, key, scheme. */
static bool choose_credential12(struct tw_conn *c, enum tw_auth auth, bool encrypts,
                                uint16_t version)
{
    struct tw_server *s = c->server;
    for (size_t i = 0; i < s->creds_n; i++) {
        const struct tw_credential *cred = s->creds[i];
        struct tw_key_info key;
        enum tw_sig_kind kind;
        enum tw_hash_id hash;
        if (cred->key == NULL || cred->chain_n == 0)
            continue;
        c->crypto->privkey_info(cred->key, &key);
        if (!key_authenticates(auth, encrypts, version, key.type) || !curve_offered(s, &key))
            continue;
        uint16_t scheme = version >= TW_TLS12 ? choose_scheme(s, version, &key) : 0;
        bool can_sign = scheme != 0 ||
                        (version < TW_TLS12 && tw_sig_plan(version, 0, &key, &kind, &hash));
        if (!can_sign && !encrypts)
            continue;
        s->cred = cred;
        s->key = key;
        s->scheme = scheme;
        return true;
    }
    return false;
}

bool tw_server_choose_credential13(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    if (!s->has_sigalgs) {
        tw_conn_fail(c, TW_ALERT_MISSING_EXTENSION, "missing_extension",
                     TW_EXT_SIGNATURE_ALGORITHMS, "ClientHello has no signature_algorithms");
        return false;
    }
    for (size_t i = 0; i < s->creds_n; i++) {
        const struct tw_credential *cred = s->creds[i];
        if (cred->key == NULL || cred->chain_n == 0)
            continue;
        c->crypto->privkey_info(cred->key, &s->key);
        s->scheme = choose_scheme(s, TW_TLS13, &s->key);
        if (s->scheme == 0)
            continue;
        s->cred = cred;
        return true;
    }
    tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "sigalg_no_overlap", 0,
                 "no signature algorithm of the client goes with this server's key");
    return false;
}

/* ---- suites ------------------------------------------------------------------------------------- */

/* Group for ECDHE below TLS 1.3; 0: none in common. */
static uint16_t choose_group12(struct tw_conn *c)
{
    const struct tw_server *s = c->server;
    if (s->cfg->faults.force_group != 0)
        return s->cfg->faults.force_group;
    for (size_t i = 0; i < s->groups.n; i++) {
        const struct tw_group *g = tw_group_by_id(s->groups.v[i]);
        if (g == NULL || (g->kind != TW_GROUP_ECP && g->kind != TW_GROUP_XDH) ||
            !c->crypto->has_group(c->crypto->ctx, g->id))
            continue;
        if (!s->has_groups || in_list(&s->groups_offered, g->id))
            return g->id;
    }
    return 0;
}

static bool needs_group(enum tw_kx kx)
{
    return kx == TW_KX_ECDHE || kx == TW_KX_ECDHE_PSK;
}

static bool kx_spoken(const struct tw_conn *c, enum tw_kx kx)
{
    switch (kx) {
    case TW_KX_RSA:
    case TW_KX_DHE:
    case TW_KX_ECDHE:
        return true;
    case TW_KX_PSK:
    case TW_KX_DHE_PSK:
    case TW_KX_ECDHE_PSK:
    case TW_KX_RSA_PSK:
        return c->cfg.psk.len > 0;
    default:
        return false;
    }
}

static bool suite_usable(struct tw_conn *c, const struct tw_suite *suite, uint16_t version)
{
    return suite != NULL && version >= suite->min_version && version <= suite->max_version &&
           (suite->flags & (TW_SUITE_SCSV | TW_SUITE_EXPORT)) == 0 &&
           c->crypto->has_bulk(c->crypto->ctx, suite->bulk);
}

/* Everything that the suite needs besides itself. */
static bool equip12(struct tw_conn *c, const struct tw_suite *suite, uint16_t version)
{
    struct tw_server *s = c->server;
    s->cred = NULL;
    s->group = 0;
    s->scheme = 0;
    if (needs_group(suite->kx)) {
        s->group = choose_group12(c);
        if (s->group == 0)
            return false;
    }
    if (suite->kx == TW_KX_RSA_PSK)
        return choose_credential12(c, TW_AUTH_RSA, true, version);
    if (suite->auth == TW_AUTH_ANON || suite->auth == TW_AUTH_PSK)
        return true;
    return choose_credential12(c, suite->auth, suite->kx == TW_KX_RSA, version);
}

static const struct tw_suite *forced_suite(struct tw_conn *c)
{
    uint16_t id = c->server->cfg->faults.force_cipher;
    return id == 0 ? NULL : tw_suite_by_id(id);
}

static void no_suite(struct tw_conn *c)
{
    tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "cipher_no_overlap", 0,
                 "the client offers no cipher suite that this server can use");
}

const struct tw_suite *tw_server_choose_suite12(struct tw_conn *c, uint16_t version)
{
    struct tw_server *s = c->server;
    const struct tw_suite *suite = forced_suite(c);
    if (suite != NULL) {
        (void)equip12(c, suite, version);
        return suite;
    }
    for (size_t i = 0; i < s->ciphers.n; i++) {
        suite = tw_suite_by_id(s->ciphers.v[i]);
        if (suite_usable(c, suite, version) && kx_spoken(c, suite->kx) &&
            cipher_offered(s, suite->id) && equip12(c, suite, version))
            return suite;
    }
    no_suite(c);
    return NULL;
}

/* Not the integrity-only suites of RFC 9150, nor those with hashes that nobody has. */
static bool spoken13(const struct tw_suite *suite)
{
    return suite->kx == TW_KX_TLS13 && tw_hash_len(suite->prf) > 0 &&
           tw_bulk_info(suite->bulk)->tag_len > 0;
}

const struct tw_suite *tw_server_choose_suite13(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    const struct tw_suite *suite = forced_suite(c);
    if (suite != NULL)
        return suite;
    for (size_t i = 0; i < s->ciphers.n; i++) {
        suite = tw_suite_by_id(s->ciphers.v[i]);
        if (suite_usable(c, suite, TW_TLS13) && spoken13(suite) && cipher_offered(s, suite->id))
            return suite;
    }
    no_suite(c);
    return NULL;
}

/* ---- group of TLS 1.3 --------------------------------------------------------------------------- */

static bool find_share(const struct tw_server *s, uint16_t group, struct tw_view *share)
{
    struct tw_view body;
    struct tw_key_share ks;
    *share = (struct tw_view){NULL, 0};
    if (!tw_ext_find(s->ch.extensions, TW_EXT_KEY_SHARE, &body))
        return false;
    for (size_t i = 0; tw_ext_key_share_at(body, i, &ks); i++)
        if (ks.group == group) {
            *share = ks.key;
            return ks.key.len > 0;
        }
    return false;
}

static bool group13_usable(struct tw_conn *c, uint16_t id)
{
    const struct tw_group *g = tw_group_by_id(id);
    return g != NULL && g->tls13 && c->crypto->has_group(c->crypto->ctx, id) &&
           in_list(&c->server->groups_offered, id);
}

/* RFC 8446 4.2.8, 4.2.7: a group that needs no further round trip goes first. */
uint16_t tw_server_choose_group13(struct tw_conn *c, struct tw_view *share)
{
    struct tw_server *s = c->server;
    uint16_t retry = 0;
    if (!s->has_groups || !tw_server_offers(s, TW_EXT_KEY_SHARE)) {
        tw_conn_fail(c, TW_ALERT_MISSING_EXTENSION, "missing_extension",
                     s->has_groups ? TW_EXT_KEY_SHARE : TW_EXT_SUPPORTED_GROUPS,
                     "ClientHello has no key_share or no supported_groups");
        return 0;
    }
    if (s->cfg->faults.force_group != 0) {
        (void)find_share(s, s->cfg->faults.force_group, share);
        return s->cfg->faults.force_group;
    }
    for (size_t i = 0; i < s->groups.n; i++) {
        uint16_t id = s->groups.v[i];
        if (!group13_usable(c, id))
            continue;
        if (find_share(s, id, share))
            return id;
        if (retry == 0)
            retry = id;
    }
    *share = (struct tw_view){NULL, 0};
    if (retry == 0)
        tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "group_no_overlap", 0,
                     "the client offers no group that this server speaks");
    return retry;
}
