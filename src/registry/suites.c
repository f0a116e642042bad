/* Cipher suites: the table, lookups, and the sizes that follow from a bulk cipher and a hash. */
#include "registry/registry.h"

/* clang-format off */
#define SC TW_SUITE_SCSV
#define EX TW_SUITE_EXPORT
#define WK TW_SUITE_WEAK
#define LP TW_SUITE_LEGACY_PROVIDER
#define TW_SUITE(id, name, openssl, kx, auth, bulk, mac, prf, min, max, flags, source) \
    {id, #name, openssl, TW_KX_##kx, TW_AUTH_##auth, TW_BULK_##bulk, TW_MAC_##mac, \
     TW_HASH_##prf, TW_##min, TW_##max, flags, source},
static const struct tw_suite suites[] = {
#include "registry/suites.def"
};
#undef TW_SUITE
#undef SC
#undef EX
#undef WK
#undef LP
/* clang-format on */

const struct tw_suite *tw_suite_at(size_t i)
{
    return i < TW_ARRAY_LEN(suites) ? &suites[i] : NULL;
}

const struct tw_suite *tw_suite_by_id(uint16_t id)
{
    size_t lo = 0, hi = TW_ARRAY_LEN(suites);

    /* All rows below lo have smaller ids, all from hi on are greater. */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (suites[mid].id == id)
            return &suites[mid];
        if (suites[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Names that OpenSSL or IANA used before, and that configurations still have. */
static const struct {
    const char *name;
    uint16_t id;
} old_names[] = {
    {"EDH-DSS-DES-CBC-SHA", 0x0012},
    {"EDH-DSS-DES-CBC3-SHA", 0x0013},
    {"EDH-RSA-DES-CBC-SHA", 0x0015},
    {"EDH-RSA-DES-CBC3-SHA", 0x0016},
    {"EXP-EDH-DSS-DES-CBC-SHA", 0x0011},
    {"EXP-EDH-RSA-DES-CBC-SHA", 0x0014},
    {"GOST2012-GOST8912-GOST8912", 0xff85},
    {"TLS_DHE_PSK_WITH_AES_128_CCM_8", 0xc0aa},
    {"TLS_DHE_PSK_WITH_AES_256_CCM_8", 0xc0ab},
};

const struct tw_suite *tw_suite_by_name(const char *name)
{
    struct tw_view v = tw_view_str(name);

    if (v.len == 0)
        return NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(suites); i++) {
        const struct tw_suite *s = &suites[i];
        if (tw_view_ieq(v, s->name) || (s->openssl_name != NULL && tw_view_ieq(v, s->openssl_name)))
            return s;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(old_names); i++)
        if (tw_view_ieq(v, old_names[i].name))
            return tw_suite_by_id(old_names[i].id);
    return NULL;
}

#define TW_CODE(code, name, source) {code, #name, source},
static const struct tw_code ssl2_ciphers[] = {
#include "registry/ssl2_ciphers.def"
};
#undef TW_CODE

const char *tw_ssl2_cipher_name(uint32_t kind)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(ssl2_ciphers); i++)
        if (ssl2_ciphers[i].code == kind)
            return ssl2_ciphers[i].name;
    return NULL;
}

/*
 * Key, IV, block, tag, explicit nonce in bytes. The export ciphers take 5 key bytes from the key
 * block and stretch them (RFC 2246 6.3.1). For AEADs iv_len + explicit_nonce is the nonce of TLS
 * 1.3. Fixed and explicit parts: RFC 5288 3 (GCM), RFC 6655 3 (CCM), RFC 7905 2 (ChaCha20).
 */
/* clang-format off */
static const struct tw_bulk_info bulks[] = {
    [TW_BULK_NULL]              = {NULL,                 0,  0,  0,  0, 0},
    [TW_BULK_RC4_40]            = {"RC4-40",             5,  0,  0,  0, 0},
    [TW_BULK_RC4_128]           = {"RC4",               16,  0,  0,  0, 0},
    [TW_BULK_RC2_40]            = {"RC2-40-CBC",         5,  8,  8,  0, 0},
    [TW_BULK_DES40]             = {"DES-CBC",            5,  8,  8,  0, 0},
    [TW_BULK_DES]               = {"DES-CBC",            8,  8,  8,  0, 0},
    [TW_BULK_3DES]              = {"DES-EDE3-CBC",      24,  8,  8,  0, 0},
    [TW_BULK_IDEA]              = {"IDEA-CBC",          16,  8,  8,  0, 0},
    [TW_BULK_SEED]              = {"SEED-CBC",          16, 16, 16,  0, 0},
    [TW_BULK_AES128_CBC]        = {"AES-128-CBC",       16, 16, 16,  0, 0},
    [TW_BULK_AES256_CBC]        = {"AES-256-CBC",       32, 16, 16,  0, 0},
    [TW_BULK_CAMELLIA128_CBC]   = {"CAMELLIA-128-CBC",  16, 16, 16,  0, 0},
    [TW_BULK_CAMELLIA256_CBC]   = {"CAMELLIA-256-CBC",  32, 16, 16,  0, 0},
    [TW_BULK_ARIA128_CBC]       = {"ARIA-128-CBC",      16, 16, 16,  0, 0},
    [TW_BULK_ARIA256_CBC]       = {"ARIA-256-CBC",      32, 16, 16,  0, 0},
    [TW_BULK_AES128_GCM]        = {"AES-128-GCM",       16,  4, 16, 16, 8},
    [TW_BULK_AES256_GCM]        = {"AES-256-GCM",       32,  4, 16, 16, 8},
    [TW_BULK_CAMELLIA128_GCM]   = {"",                  16,  4, 16, 16, 8},
    [TW_BULK_CAMELLIA256_GCM]   = {"",                  32,  4, 16, 16, 8},
    [TW_BULK_ARIA128_GCM]       = {"ARIA-128-GCM",      16,  4, 16, 16, 8},
    [TW_BULK_ARIA256_GCM]       = {"ARIA-256-GCM",      32,  4, 16, 16, 8},
    [TW_BULK_AES128_CCM]        = {"AES-128-CCM",       16,  4, 16, 16, 8},
    [TW_BULK_AES256_CCM]        = {"AES-256-CCM",       32,  4, 16, 16, 8},
    [TW_BULK_AES128_CCM8]       = {"AES-128-CCM",       16,  4, 16,  8, 8},
    [TW_BULK_AES256_CCM8]       = {"AES-256-CCM",       32,  4, 16,  8, 8},
    [TW_BULK_CHACHA20_POLY1305] = {"ChaCha20-Poly1305", 32, 12, 64, 16, 0},
    [TW_BULK_GOST]              = {"",                  32,  8,  8,  0, 0},
    [TW_BULK_SM4_GCM]           = {"SM4-GCM",           16, 12, 16, 16, 0},
    [TW_BULK_SM4_CCM]           = {"SM4-CCM",           16, 12, 16, 16, 0},
    [TW_BULK_OTHER]             = {"",                   0,  0,  0,  0, 0},
};
/* clang-format on */

const struct tw_bulk_info *tw_bulk_info(enum tw_bulk b)
{
    return (size_t)b < TW_ARRAY_LEN(bulks) ? &bulks[b] : &bulks[TW_BULK_OTHER];
}

size_t tw_hash_len(enum tw_hash_id h)
{
    switch (h) {
    case TW_HASH_MD5:
        return 16;
    case TW_HASH_SHA1:
        return 20;
    case TW_HASH_SHA224:
        return 28;
    case TW_HASH_SHA256:
    case TW_HASH_SM3:
        return 32;
    case TW_HASH_MD5_SHA1:
        return 36;
    case TW_HASH_SHA384:
        return 48;
    case TW_HASH_SHA512:
        return 64;
    case TW_HASH_NONE:
        break;
    }
    return 0;
}
