/* The context behind the table: fetched algorithms, curves, version. */
#include "crypto/crypto_internal.h"

#include <openssl/crypto.h>

static const char *const md_names[] = {
    [TW_HASH_MD5] = "MD5",       [TW_HASH_SHA1] = "SHA1",     [TW_HASH_SHA224] = "SHA2-224",
    [TW_HASH_SHA256] = "SHA2-256", [TW_HASH_SHA384] = "SHA2-384", [TW_HASH_SHA512] = "SHA2-512",
    [TW_HASH_SM3] = "SM3",       [TW_HASH_MD5_SHA1] = "MD5-SHA1",
};

EVP_MD *ctx_md(struct crypto_ctx *c, enum tw_hash_id id)
{
    if (id <= TW_HASH_NONE || id > TW_HASH_MD5_SHA1)
        return NULL;
    if (c->md[id] == NULL)
        c->md[id] = EVP_MD_fetch(NULL, md_names[id], NULL);
    return c->md[id];
}

/* A context of its own: loading "legacy" into the default one would change it for the program. */
static OSSL_LIB_CTX *legacy_ctx(struct crypto_ctx *c)
{
    if (c->legacy_tried)
        return c->legacy;
    c->legacy_tried = true;
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    if (lib != NULL)
        c->legacy_provider = OSSL_PROVIDER_load(lib, "legacy");
    if (c->legacy_provider == NULL) {
        OSSL_LIB_CTX_free(lib);
        lib = NULL;
    }
    c->legacy = lib;
    return lib;
}

EVP_CIPHER *ctx_cipher(struct crypto_ctx *c, enum tw_bulk b)
{
    const struct tw_bulk_info *info = tw_bulk_info(b);
    if (info == NULL || info->openssl_name == NULL || info->openssl_name[0] == '\0')
        return NULL;
    if (c->cipher_tried[b])
        return c->cipher[b];
    c->cipher_tried[b] = true;
    c->cipher[b] = EVP_CIPHER_fetch(NULL, info->openssl_name, NULL);
    if (c->cipher[b] == NULL && legacy_ctx(c) != NULL)
        c->cipher[b] = EVP_CIPHER_fetch(c->legacy, info->openssl_name, NULL);
    ERR_clear_error();
    return c->cipher[b];
}

static const struct {
    uint16_t group;
    int nid;
} curve_ids[] = {
    {TW_GRP_SECP256R1, NID_X9_62_prime256v1}, {TW_GRP_SECP384R1, NID_secp384r1},
    {TW_GRP_SECP521R1, NID_secp521r1},        {TW_GRP_SECP224R1, NID_secp224r1},
    {TW_GRP_SECP192R1, NID_X9_62_prime192v1}, {22, NID_secp256k1},
    {TW_GRP_BP256R1, NID_brainpoolP256r1},    {TW_GRP_BP384R1, NID_brainpoolP384r1},
    {TW_GRP_BP512R1, NID_brainpoolP512r1},    {31, NID_brainpoolP256r1},
    {32, NID_brainpoolP384r1},                {33, NID_brainpoolP512r1},
    {9, NID_sect283k1},                       {10, NID_sect283r1},
    {11, NID_sect409k1},                      {12, NID_sect409r1},
    {13, NID_sect571k1},                      {14, NID_sect571r1},
};

int nid_of_group(uint16_t group)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(curve_ids); i++)
        if (curve_ids[i].group == group)
            return curve_ids[i].nid;
    return NID_undef;
}

uint16_t group_of_nid(int nid)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(curve_ids); i++)
        if (curve_ids[i].nid == nid)
            return curve_ids[i].group;
    return 0;
}

const EC_GROUP *ctx_curve(struct crypto_ctx *c, int nid)
{
    for (size_t i = 0; i < CURVES; i++) {
        if (c->curves[i].group == NULL) {
            c->curves[i].nid = nid;
            c->curves[i].group = EC_GROUP_new_by_curve_name(nid);
            if (c->curves[i].group != NULL)
                EC_GROUP_set_asn1_flag(c->curves[i].group, OPENSSL_EC_NAMED_CURVE);
            return c->curves[i].group;
        }
        if (c->curves[i].nid == nid)
            return c->curves[i].group;
    }
    return NULL;
}

static bool ctx_random(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return n <= INT32_MAX && RAND_bytes(out, (int)n) == 1;
}

struct tw_crypto *tw_crypto_new(void)
{
    struct crypto_ctx *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->scratch = EVP_MD_CTX_new();
    c->bn = BN_CTX_new();
    if (c->scratch == NULL || c->bn == NULL || ctx_md(c, TW_HASH_SHA256) == NULL) {
        tw_crypto_free(&c->table);
        return NULL;
    }
    c->table.ctx = c;
    c->table.random = ctx_random;
    hash_table(&c->table);
    kex_table(&c->table);
    bulk_table(&c->table);
    pubkey_table(&c->table);
    recover_table(&c->table);
    privkey_table(&c->table);
    return &c->table;
}

static void real_free(struct crypto_ctx *c)
{
    pubkey_cache_free(c);
    for (size_t i = 0; i < TW_ARRAY_LEN(c->md); i++)
        EVP_MD_free(c->md[i]);
    for (size_t i = 0; i < TW_ARRAY_LEN(c->cipher); i++)
        EVP_CIPHER_free(c->cipher[i]);
    for (size_t i = 0; i < c->pool_n; i++)
        EVP_MD_CTX_free(c->pool[i]);
    for (size_t i = 0; i < CURVES; i++)
        EC_GROUP_free(c->curves[i].group);
    EVP_MD_CTX_free(c->scratch);
    EVP_PKEY_CTX_free(c->x25519_gen);
    BN_CTX_free(c->bn);
    if (c->legacy_provider != NULL) /* it holds on to the library context */
        OSSL_PROVIDER_unload(c->legacy_provider);
    OSSL_LIB_CTX_free(c->legacy);
    free(c);
}

void tw_crypto_free(struct tw_crypto *t)
{
    if (t == NULL)
        return;
    if (t->random != NULL && t->random != ctx_random)
        free(t); /* the fake one */
    else
        real_free((struct crypto_ctx *)t);
}

const char *tw_crypto_version(const struct tw_crypto *c)
{
    return c->random == ctx_random ? OpenSSL_version(OPENSSL_VERSION) : "fake";
}

const char *tw_key_type_name(enum tw_key_type t)
{
    static const char *const names[] = {"unknown", "RSA",   "RSA-PSS", "EC", "Ed25519",
                                        "Ed448",   "DSA",   "DH",      "other"};
    return (size_t)t < TW_ARRAY_LEN(names) ? names[t] : "unknown";
}
