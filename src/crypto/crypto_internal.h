/* What the files of crypto/ share. The one place with <openssl/...>. */
#ifndef TW_CRYPTO_INTERNAL_H
#define TW_CRYPTO_INTERNAL_H

/*
 * The low-level RSA, EC and DH functions are deprecated since 3.0, but they are several times
 * faster there than the EVP way from encoded bytes to a verified signature, which goes through
 * decoders, fetches and locks. They are used for public keys only, where it counts.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { KEY_CACHE = 32, HASH_POOL = 8, CURVES = 16 };

struct crypto_ctx;

struct tw_pubkey {
    struct crypto_ctx *c;
    struct tw_key_info info;
    EC_KEY *ec;
    RSA *rsa;
    EVP_PKEY *evp;          /* everything else */
    unsigned refs;
    uint8_t *spki; size_t spki_len;
};

struct tw_privkey {
    struct crypto_ctx *ctx;
    EVP_PKEY *evp;
};

struct crypto_ctx {
    struct tw_crypto table;
    OSSL_LIB_CTX *legacy;           /* made when a suite needs it */
    OSSL_PROVIDER *legacy_provider;
    bool legacy_tried;
    EVP_MD *md[TW_HASH_MD5_SHA1 + 1];
    EVP_CIPHER *cipher[TW_BULK_OTHER + 1];
    bool cipher_tried[TW_BULK_OTHER + 1];
    EVP_MD_CTX *pool[HASH_POOL]; size_t pool_n;
    EVP_MD_CTX *scratch;            /* one-shot digests and HMAC */
    struct { int nid; EC_GROUP *group; } curves[CURVES];
    EVP_PKEY_CTX *x25519_gen;
    BN_CTX *bn;
    struct tw_pubkey *cache[KEY_CACHE]; size_t cache_next;
};

EVP_MD *ctx_md(struct crypto_ctx *c, enum tw_hash_id id);
EVP_CIPHER *ctx_cipher(struct crypto_ctx *c, enum tw_bulk b);
const EC_GROUP *ctx_curve(struct crypto_ctx *c, int nid);
/** OpenSSL NID of a named curve; NID_undef when it is none. */
int nid_of_group(uint16_t group);
uint16_t group_of_nid(int nid);

/* each file fills in its part of the table */
void hash_table(struct tw_crypto *t);
void kex_table(struct tw_crypto *t);
void bulk_table(struct tw_crypto *t);
void pubkey_table(struct tw_crypto *t);
void recover_table(struct tw_crypto *t);
void privkey_table(struct tw_crypto *t);
void pubkey_cache_free(struct crypto_ctx *c);

/** Digest of parts into out; 0 on failure. */
size_t ctx_digest(void *ctx, enum tw_hash_id id, const struct tw_view *parts, size_t n,
                  uint8_t out[TW_HASH_MAX]);
/** Parts in one buffer; caller frees. NULL for lack of memory. */
uint8_t *join_parts(const struct tw_view *parts, size_t n, size_t *len);

#endif
