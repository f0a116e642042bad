/*
 * The limit: what libcrypto's primitives alone cost for one client handshake of TLS 1.3 with
 * X25519, ECDSA P-256, AES-128-GCM and a chain of leaf and intermediate under a trusted root.
 *
 * Every primitive is called in the cheapest way that libcrypto allows: algorithms fetched and
 * contexts made beforehand, keys decoded beforehand. Where there are two ways, both are rows and
 * the cheaper one counts. Nothing is counted that a client could do without: no X.509 decoding, no
 * memory, no copying; of the key schedule only what must be computed for the traffic keys of
 * handshake and application (the early secret without a PSK, and what is derived from it, are
 * constants of the hash).
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the low-level functions are among the ways */
#include "bench.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

/*
 * HMACs of the key schedule, RFC 8446 7.1: handshake secret, client and server handshake traffic
 * secrets, "derived", master secret, client and server application traffic secrets (7); key and iv
 * of four traffic secrets (8); finished key and verify_data of both sides (4).
 */
enum { HMACS = 19, AEAD_KEYS = 4, DIGESTS = 4 };

struct limit {
    struct bench_sizes sizes;
    EVP_MD *sha256;
    EVP_CIPHER *gcm;
    EVP_MAC *mac_alg;
    EVP_MAC_CTX *mac;
    EVP_MD_CTX *md, *md2;
    EVP_CIPHER_CTX *cipher;
    EVP_PKEY_CTX *x25519, *verify;
    EC_KEY *ec;
    EVP_PKEY *pkey;
    uint8_t digest[32], sig[80], peer[32];
    unsigned sig_len;
    uint8_t buf[20000];
};

static void x25519_exchange(struct limit *l)
{
    EVP_PKEY *ours = NULL, *theirs;
    uint8_t share[32], secret[32];
    size_t n = sizeof share;
    if (EVP_PKEY_generate(l->x25519, &ours) != 1 ||
        EVP_PKEY_get_raw_public_key(ours, share, &n) != 1)
        exit(bench_fail("X25519 key pair"));
    theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, l->peer, 32);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    n = sizeof secret;
    if (theirs == NULL || c == NULL || EVP_PKEY_derive_init(c) != 1 ||
        EVP_PKEY_derive_set_peer_ex(c, theirs, 0) != 1 || EVP_PKEY_derive(c, secret, &n) != 1)
        exit(bench_fail("X25519 secret"));
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
}

static void verify_low(struct limit *l)
{
    if (ECDSA_verify(0, l->digest, 32, l->sig, (int)l->sig_len, l->ec) != 1)
        exit(bench_fail("ECDSA_verify"));
}

static void verify_evp(struct limit *l)
{
    if (EVP_PKEY_verify(l->verify, l->sig, l->sig_len, l->digest, 32) != 1)
        exit(bench_fail("EVP_PKEY_verify"));
}

static void hmac_evp_mac(struct limit *l)
{
    size_t n = 0;
    EVP_MAC_init(l->mac, l->buf, 32, NULL);
    EVP_MAC_update(l->mac, l->buf + 64, 54);
    EVP_MAC_final(l->mac, l->digest, &n, 32);
}

static void hmac_evp_md(struct limit *l)
{
    uint8_t inner[32];
    EVP_DigestInit_ex2(l->md, l->sha256, NULL);
    EVP_DigestUpdate(l->md, l->buf, 64 + 54);
    EVP_DigestFinal_ex(l->md, inner, NULL);
    EVP_DigestInit_ex2(l->md, l->sha256, NULL);
    EVP_DigestUpdate(l->md, l->buf, 64);
    EVP_DigestUpdate(l->md, inner, 32);
    EVP_DigestFinal_ex(l->md, l->buf, NULL);
}

static void hmac_low(struct limit *l)
{
    SHA256_CTX c;
    uint8_t inner[32];
    SHA256_Init(&c);
    SHA256_Update(&c, l->buf, 64 + 54);
    SHA256_Final(inner, &c);
    SHA256_Init(&c);
    SHA256_Update(&c, l->buf, 64);
    SHA256_Update(&c, inner, 32);
    SHA256_Final(l->buf, &c);
}

/* Transcript with the digests on the way, and the three hashes under signatures. */
static void hashes_evp(struct limit *l)
{
    size_t before = 0;
    EVP_DigestInit_ex2(l->md, l->sha256, NULL);
    for (size_t i = 0; i < DIGESTS; i++) {
        EVP_DigestUpdate(l->md, l->buf, l->sizes.transcript[i] - before);
        before = l->sizes.transcript[i];
        EVP_MD_CTX_copy_ex(l->md2, l->md);
        EVP_DigestFinal_ex(l->md2, l->digest, NULL);
    }
    size_t signed_bytes[3] = {l->sizes.tbs[0], l->sizes.tbs[1], 64 + 34 + 32};
    for (size_t i = 0; i < 3; i++) {
        EVP_DigestInit_ex2(l->md, l->sha256, NULL);
        EVP_DigestUpdate(l->md, l->buf, signed_bytes[i]);
        EVP_DigestFinal_ex(l->md, l->buf, NULL);
    }
}

static void hashes_low(struct limit *l)
{
    SHA256_CTX c, peek;
    size_t before = 0;
    SHA256_Init(&c);
    for (size_t i = 0; i < DIGESTS; i++) {
        SHA256_Update(&c, l->buf, l->sizes.transcript[i] - before);
        before = l->sizes.transcript[i];
        peek = c;
        SHA256_Final(l->buf, &peek);
    }
    size_t signed_bytes[3] = {l->sizes.tbs[0], l->sizes.tbs[1], 64 + 34 + 32};
    for (size_t i = 0; i < 3; i++) {
        SHA256_Init(&c);
        SHA256_Update(&c, l->buf, signed_bytes[i]);
        SHA256_Final(l->buf, &c);
    }
}

static void aead_key(struct limit *l)
{
    EVP_EncryptInit_ex2(l->cipher, l->gcm, l->buf, NULL, NULL);
}

static void aead_records(struct limit *l)
{
    int n;
    uint8_t tag[16] = {0};
    for (size_t i = 0; i <= l->sizes.records_n; i++) {
        size_t len = i == l->sizes.records_n ? l->sizes.finished : l->sizes.records[i];
        EVP_CipherInit_ex2(l->cipher, NULL, NULL, l->buf, -1, NULL);
        EVP_CipherUpdate(l->cipher, NULL, &n, l->buf, 5);
        EVP_CipherUpdate(l->cipher, l->buf, &n, l->buf, (int)len);
        EVP_CipherFinal_ex(l->cipher, l->buf, &n);
        EVP_CIPHER_CTX_ctrl(l->cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag);
    }
}

/* client random and legacy_session_id */
static void random_bytes(struct limit *l)
{
    RAND_bytes(l->buf, 64);
}

static const struct {
    struct limit_row row;
    void (*call)(struct limit *l);
    unsigned batch;
} rows[] = {
    {{"X25519 key pair, share, secret", "EVP_PKEY, generator reused", 1}, x25519_exchange, 10},
    {{"ECDSA P-256 verify", "ECDSA_verify, decoded key", 3}, verify_low, 10},
    {{"ECDSA P-256 verify", "EVP_PKEY_verify, context reused", 3}, verify_evp, 10},
    {{"HMAC-SHA-256, 54 bytes", "EVP_MAC, context reused", HMACS}, hmac_evp_mac, 500},
    {{"HMAC-SHA-256, 54 bytes", "EVP_Digest, context reused", HMACS}, hmac_evp_md, 500},
    {{"HMAC-SHA-256, 54 bytes", "SHA256_Update", HMACS}, hmac_low, 500},
    {{"SHA-256, transcript and signed data", "EVP_Digest, context reused", 1}, hashes_evp, 200},
    {{"SHA-256, transcript and signed data", "SHA256_Update", 1}, hashes_low, 200},
    {{"AES-128-GCM key", "EVP_Cipher, context reused", AEAD_KEYS}, aead_key, 500},
    {{"AES-128-GCM, all records", "EVP_Cipher, context reused", 1}, aead_records, 300},
    {{"random, 64 bytes", "RAND_bytes", 1}, random_bytes, 500},
};

static bool set_up(struct limit *l)
{
    OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
                           OSSL_PARAM_END};
    l->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    l->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    l->mac_alg = EVP_MAC_fetch(NULL, "HMAC", NULL);
    l->mac = EVP_MAC_CTX_new(l->mac_alg);
    l->md = EVP_MD_CTX_new();
    l->md2 = EVP_MD_CTX_new();
    l->cipher = EVP_CIPHER_CTX_new();
    l->x25519 = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    l->ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    l->pkey = EVP_PKEY_new();
    if (l->mac == NULL || l->ec == NULL || l->pkey == NULL || l->x25519 == NULL ||
        EVP_MAC_CTX_set_params(l->mac, digest) != 1 || EVP_PKEY_keygen_init(l->x25519) != 1 ||
        EC_KEY_generate_key(l->ec) != 1 || EVP_PKEY_set1_EC_KEY(l->pkey, l->ec) != 1 ||
        ECDSA_sign(0, l->digest, 32, l->sig, &l->sig_len, l->ec) != 1)
        return false;
    l->verify = EVP_PKEY_CTX_new_from_pkey(NULL, l->pkey, NULL);
    EVP_PKEY *peer = NULL;
    size_t n = sizeof l->peer;
    bool ok = l->verify != NULL && EVP_PKEY_verify_init(l->verify) == 1 &&
              EVP_PKEY_generate(l->x25519, &peer) == 1 &&
              EVP_PKEY_get_raw_public_key(peer, l->peer, &n) == 1 &&
              EVP_EncryptInit_ex2(l->cipher, l->gcm, l->buf, l->buf, NULL) == 1;
    EVP_PKEY_free(peer);
    return ok;
}

struct limit *limit_new(const struct bench_sizes *s)
{
    struct limit *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->sizes = *s;
    if (set_up(l))
        return l;
    limit_free(l);
    return NULL;
}

void limit_free(struct limit *l)
{
    if (l == NULL)
        return;
    EVP_MD_free(l->sha256);
    EVP_CIPHER_free(l->gcm);
    EVP_MAC_free(l->mac_alg);
    EVP_MAC_CTX_free(l->mac);
    EVP_MD_CTX_free(l->md);
    EVP_MD_CTX_free(l->md2);
    EVP_CIPHER_CTX_free(l->cipher);
    EVP_PKEY_CTX_free(l->x25519);
    EVP_PKEY_CTX_free(l->verify);
    EVP_PKEY_free(l->pkey);
    EC_KEY_free(l->ec);
    free(l);
}

bool limit_row(const struct limit *l, size_t i, struct limit_row *row)
{
    (void)l;
    if (i >= TW_ARRAY_LEN(rows))
        return false;
    *row = rows[i].row;
    return true;
}

double limit_run(struct limit *l, size_t i)
{
    uint64_t start = 0;
    unsigned warm = rows[i].batch / 10 + 1;
    if (rows[i].call == verify_low || rows[i].call == verify_evp) { /* others use the digest */
        memset(l->digest, 7, sizeof l->digest);
        ECDSA_sign(0, l->digest, 32, l->sig, &l->sig_len, l->ec);
    }
    for (unsigned n = 0; n < warm + rows[i].batch; n++) {
        if (n == warm)
            start = bench_cpu();
        rows[i].call(l);
    }
    return (double)(bench_cpu() - start) / rows[i].batch;
}
