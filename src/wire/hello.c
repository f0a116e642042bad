/* ClientHello recipes: what is offered, as plain values. hello_encode.c turns them into bytes. */
#include "wire/wire.h"

bool tw_u16list_add(struct tw_u16list *l, uint16_t v)
{
    if (l->n >= TW_HELLO_MAX_LIST)
        return false;
    l->v[l->n++] = v;
    return true;
}

bool tw_u16list_has(const struct tw_u16list *l, uint16_t v)
{
    for (size_t i = 0; i < l->n && i < TW_HELLO_MAX_LIST; i++)
        if (l->v[i] == v)
            return true;
    return false;
}

bool tw_hello_has_ext(const struct tw_hello *h, uint16_t type)
{
    for (size_t i = 0; i < h->order_n && i < TW_HELLO_MAX_EXT; i++)
        if (h->order[i] == type)
            return true;
    return false;
}

void tw_hello_drop_ext(struct tw_hello *h, uint16_t type)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->order_n && i < TW_HELLO_MAX_EXT; i++)
        if (h->order[i] != type)
            h->order[kept++] = h->order[i];
    h->order_n = kept;
}

static void fill(struct tw_u16list *l, const uint16_t *v, size_t n)
{
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        tw_u16list_add(l, v[i]);
}
#define FILL(list, table) fill(list, table, TW_ARRAY_LEN(table))

static void order(struct tw_hello *h, const uint16_t *v, size_t n)
{
    h->order_n = n <= TW_HELLO_MAX_EXT ? n : TW_HELLO_MAX_EXT;
    memcpy(h->order, v, h->order_n * sizeof *v);
}

void tw_hello_limit_versions(struct tw_hello *h, uint16_t min, uint16_t max)
{
    static const uint16_t only13[] = {TW_EXT_SUPPORTED_VERSIONS, TW_EXT_KEY_SHARE,
                                      TW_EXT_PSK_KEY_EXCHANGE_MODES, TW_EXT_COMPRESS_CERTIFICATE,
                                      TW_EXT_ECH, TW_EXT_POST_HANDSHAKE_AUTH};
    size_t kept = 0;
    for (size_t i = 0; i < h->versions.n; i++)
        if (h->versions.v[i] >= min && h->versions.v[i] <= max)
            h->versions.v[kept++] = h->versions.v[i];
    h->versions.n = kept;
    if (max >= TW_TLS13)
        return;
    h->legacy_version = max;
    if (h->record_version > max)
        h->record_version = max;
    h->shares.n = 0;
    for (size_t i = 0; i < TW_ARRAY_LEN(only13); i++)
        tw_hello_drop_ext(h, only13[i]);
    kept = 0;
    for (size_t i = 0; i < h->ciphers.n; i++)
        if (h->ciphers.v[i] >> 8 != 0x13) /* the suites of TLS 1.3 are 0x13xx */
            h->ciphers.v[kept++] = h->ciphers.v[i];
    h->ciphers.n = kept;
    if (max < TW_TLS12) { /* RFC 5246 7.4.1.4.1: not for clients of earlier versions */
        tw_hello_drop_ext(h, TW_EXT_SIGNATURE_ALGORITHMS);
        tw_hello_drop_ext(h, TW_EXT_SIGNATURE_ALGORITHMS_CERT);
    }
}

/* ---- the default ------------------------------------------------------------------------------ */

/*
 * What Firefox and Chrome have in common in 2026, but for RSA key exchange and TLS 1.0/1.1, which
 * they gave up or are about to: a server that needs those fails with a current client, and that is
 * to be seen. Extension order is Firefox's (Chrome shuffles).
 */
void tw_hello_default(struct tw_hello *h)
{
    static const uint16_t versions[] = {TW_TLS13, TW_TLS12};
    static const uint16_t ciphers[] = {
        0x1301, /* TLS_AES_128_GCM_SHA256 */
        0x1303, /* TLS_CHACHA20_POLY1305_SHA256 */
        0x1302, /* TLS_AES_256_GCM_SHA384 */
        0xc02b, /* TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
        0xc02f, /* TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
        0xcca9, /* TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 */
        0xcca8, /* TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 */
        0xc02c, /* TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
        0xc030, /* TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 */
        0xc00a, /* TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA */
        0xc009, /* TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA */
        0xc013, /* TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA */
        0xc014, /* TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA */
    };
    static const uint16_t groups[] = {TW_GRP_X25519MLKEM768, TW_GRP_X25519, TW_GRP_SECP256R1,
                                      TW_GRP_SECP384R1, TW_GRP_SECP521R1};
    static const uint16_t shares[] = {TW_GRP_X25519MLKEM768, TW_GRP_X25519};
    static const uint16_t sigalgs[] = {
        0x0403, 0x0503, 0x0603, /* ecdsa_secp256r1_sha256, secp384r1_sha384, secp521r1_sha512 */
        0x0804, 0x0805, 0x0806, /* rsa_pss_rsae_sha256, sha384, sha512 */
        0x0401, 0x0501, 0x0601, /* rsa_pkcs1_sha256, sha384, sha512 */
    };
    static const uint16_t compression[] = {2, 1, 3}; /* brotli, zlib, zstd */
    static const uint16_t exts[] = {
        TW_EXT_SERVER_NAME, TW_EXT_EXTENDED_MASTER_SECRET, TW_EXT_RENEGOTIATION_INFO,
        TW_EXT_SUPPORTED_GROUPS, TW_EXT_EC_POINT_FORMATS, TW_EXT_SESSION_TICKET, TW_EXT_ALPN,
        TW_EXT_STATUS_REQUEST, TW_EXT_SCT, TW_EXT_KEY_SHARE, TW_EXT_SUPPORTED_VERSIONS,
        TW_EXT_SIGNATURE_ALGORITHMS, TW_EXT_PSK_KEY_EXCHANGE_MODES, TW_EXT_COMPRESS_CERTIFICATE,
        TW_EXT_ECH};
    *h = (struct tw_hello){.record_version = TW_TLS10,
                           .legacy_version = TW_TLS12,
                           .grease = true,
                           .compress_null_only = true,
                           .random_session_id = true,
                           .alpn = {"h2", "http/1.1"},
                           .alpn_n = 2};
    FILL(&h->versions, versions);
    FILL(&h->ciphers, ciphers);
    FILL(&h->groups, groups);
    FILL(&h->shares, shares);
    FILL(&h->sigalgs, sigalgs);
    FILL(&h->cert_compression, compression);
    order(h, exts, TW_ARRAY_LEN(exts));
}

/* ---- everything that can be spoken ---------------------------------------------------------------- */

/* Strong before weak, so that a server which follows the client's order still picks a sane one. */
static const uint16_t wide_ciphers[] = {
    /* TLS 1.3, RFC 8446 B.4 */
    0x1301, 0x1302, 0x1303, 0x1304, 0x1305,
    /* ECDHE with AEAD: AES-GCM (RFC 5289), ChaCha20 (RFC 7905), CCM, CCM_8 (RFC 7251), ARIA-GCM
       (RFC 6209); ECDSA, RSA */
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc0ac, 0xc0ad, 0xc0ae, 0xc0af, 0xc05c, 0xc060,
    0xc05d, 0xc061,
    /* ECDHE with CBC: AES SHA-2 (RFC 5289), AES SHA-1 (RFC 8422), Camellia (RFC 6367) */
    0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, 0xc072, 0xc076, 0xc073, 0xc077,
    /* DHE with AEAD: AES-GCM RSA, DSS (RFC 5288), ChaCha20, CCM, CCM_8 (RFC 6655), ARIA-GCM */
    0x009e, 0x009f, 0x00a2, 0x00a3, 0xccaa, 0xc09e, 0xc09f, 0xc0a2, 0xc0a3, 0xc052, 0xc053, 0xc056,
    0xc057,
    /* DHE with CBC, RSA and DSS: AES SHA-256 and SHA-1 (RFC 5246), Camellia (RFC 5932) */
    0x0067, 0x006b, 0x0033, 0x0039, 0x0040, 0x006a, 0x0032, 0x0038, 0x00be, 0x00c4, 0x0045, 0x0088,
    0x00bd, 0x00c3, 0x0044, 0x0087,
    /* RSA key exchange: AES-GCM, CCM, CCM_8, ARIA-GCM, AES-CBC, Camellia-CBC */
    0x009c, 0x009d, 0xc09c, 0xc09d, 0xc0a0, 0xc0a1, 0xc050, 0xc051, 0x003c, 0x003d, 0x002f, 0x0035,
    0x00ba, 0x00c0, 0x0041, 0x0084,
    /* SEED (RFC 4162), IDEA, 3DES, single DES (RFC 5469) */
    0x009a, 0x0099, 0x0096, 0x0007, 0xc008, 0xc012, 0x0016, 0x0013, 0x000a, 0x0015, 0x0012, 0x0009,
    /* RC4: ECDHE, RSA */
    0xc007, 0xc011, 0x0005, 0x0004,
    /* anonymous, ECDH and DH */
    0xc018, 0xc019, 0xc017, 0xc016, 0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034, 0x003a, 0x0046, 0x0089,
    0x009b, 0x001b, 0x001a, 0x0018,
    /* no encryption: ECDHE, RSA, ECDH anonymous */
    0xc006, 0xc010, 0x003b, 0x0002, 0x0001, 0xc015,
};

/* Classical groups; the post-quantum ones would only make this hello, or its second, a large one. */
static const uint16_t wide_groups[] = {
    TW_GRP_X25519,    TW_GRP_SECP256R1, TW_GRP_X448,      TW_GRP_SECP384R1, TW_GRP_SECP521R1,
    TW_GRP_BP256R1,   TW_GRP_BP384R1,   TW_GRP_BP512R1,   TW_GRP_SECP224R1, TW_GRP_SECP192R1,
    TW_GRP_FFDHE2048, TW_GRP_FFDHE3072, TW_GRP_FFDHE4096, TW_GRP_FFDHE6144, TW_GRP_FFDHE8192,
};

static const uint16_t wide_sigalgs[] = {
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, /* ecdsa, ed25519, ed448 */
    0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, /* rsa_pss_rsae, rsa_pss_pss */
    0x0401, 0x0501, 0x0601,                 /* rsa_pkcs1 */
    0x081a, 0x081b, 0x081c,                 /* ecdsa_brainpool, RFC 8734 */
    0x0402, 0x0502, 0x0602,                 /* dsa */
    0x0303, 0x0301, 0x0302, 0x0203, 0x0201, 0x0202, /* SHA-224 and SHA-1: ecdsa, rsa, dsa */
};

void tw_hello_wide(struct tw_hello *h)
{
    static const uint16_t versions[] = {TW_TLS13, TW_TLS12, TW_TLS11, TW_TLS10};
    static const uint16_t shares[] = {TW_GRP_X25519, TW_GRP_SECP256R1};
    static const uint16_t exts[] = {
        TW_EXT_SERVER_NAME, TW_EXT_EXTENDED_MASTER_SECRET, TW_EXT_RENEGOTIATION_INFO,
        TW_EXT_SUPPORTED_GROUPS, TW_EXT_EC_POINT_FORMATS, TW_EXT_SESSION_TICKET,
        TW_EXT_ENCRYPT_THEN_MAC, TW_EXT_STATUS_REQUEST, TW_EXT_KEY_SHARE,
        TW_EXT_SUPPORTED_VERSIONS, TW_EXT_SIGNATURE_ALGORITHMS, TW_EXT_PSK_KEY_EXCHANGE_MODES};
    *h = (struct tw_hello){.record_version = TW_TLS10,
                           .legacy_version = TW_TLS12,
                           .compress_null_only = true,
                           .random_session_id = true};
    FILL(&h->versions, versions);
    FILL(&h->ciphers, wide_ciphers);
    FILL(&h->groups, wide_groups);
    FILL(&h->shares, shares);
    FILL(&h->sigalgs, wide_sigalgs);
    order(h, exts, TW_ARRAY_LEN(exts));
}
