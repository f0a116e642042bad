/* ML-KEM through libcrypto where it has it (3.5), else our own. */
#include "crypto/kem.h"

#include "crypto/mlkem.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER >= 0x30500000L

struct kem_key {
    EVP_PKEY *evp;
};

static const char *name_of(enum kem_set set)
{
    return set == KEM_768 ? "ML-KEM-768" : "ML-KEM-1024";
}

void kem_key_free(struct kem_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->evp);
    free(k);
}

struct kem_key *kem_keygen(struct tw_crypto *c, enum kem_set set, struct tw_buf *share)
{
    (void)c;
    struct kem_key *k = calloc(1, sizeof *k);
    size_t n = kem_public_len(set);
    uint8_t *ek = k == NULL ? NULL : tw_buf_grow(share, n);
    if (ek != NULL)
        k->evp = EVP_PKEY_Q_keygen(NULL, NULL, name_of(set));
    if (ek == NULL || k->evp == NULL || EVP_PKEY_get_raw_public_key(k->evp, ek, &n) != 1) {
        kem_key_free(k);
        return NULL;
    }
    return k;
}

bool kem_encaps(struct tw_crypto *c, enum kem_set set, struct tw_view ek, struct tw_buf *ct,
                struct tw_buf *secret)
{
    (void)c;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, name_of(set), NULL, ek.data, ek.len);
    EVP_PKEY_CTX *ctx = peer == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    size_t ct_len = kem_ciphertext_len(set), ss_len = 32;
    uint8_t *out = tw_buf_grow(ct, ct_len), *ss = tw_buf_grow(secret, ss_len);
    bool ok = ctx != NULL && out != NULL && ss != NULL &&
              EVP_PKEY_encapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_encapsulate(ctx, out, &ct_len, ss, &ss_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}

bool kem_decaps(struct kem_key *k, struct tw_view ct, struct tw_buf *secret)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
    size_t n = 32;
    uint8_t *ss = tw_buf_grow(secret, n);
    bool ok = ctx != NULL && ss != NULL && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
              EVP_PKEY_decapsulate(ctx, ss, &n, ct.data, ct.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

#else

struct kem_key {
    enum tw_mlkem_set set;
    uint8_t dk[3168]; /* ML-KEM-1024's, the longest */
};

void kem_key_free(struct kem_key *k)
{
    if (k == NULL)
        return;
    tw_wipe(k, sizeof *k);
    free(k);
}

struct kem_key *kem_keygen(struct tw_crypto *c, enum kem_set set, struct tw_buf *share)
{
    struct kem_key *k = calloc(1, sizeof *k);
    uint8_t seed[64];
    uint8_t *ek = k == NULL ? NULL : tw_buf_grow(share, kem_public_len(set));
    if (ek == NULL || !c->random(c->ctx, seed, sizeof seed)) {
        kem_key_free(k);
        return NULL;
    }
    k->set = set == KEM_768 ? TW_MLKEM768 : TW_MLKEM1024;
    tw_mlkem_keygen(k->set, seed, seed + 32, ek, k->dk);
    tw_wipe(seed, sizeof seed);
    return k;
}

bool kem_encaps(struct tw_crypto *c, enum kem_set set, struct tw_view ek, struct tw_buf *ct,
                struct tw_buf *secret)
{
    uint8_t m[32];
    uint8_t *out = tw_buf_grow(ct, kem_ciphertext_len(set)), *ss = tw_buf_grow(secret, 32);
    bool ok = ek.len == kem_public_len(set) && out != NULL && ss != NULL &&
              c->random(c->ctx, m, sizeof m) &&
              tw_mlkem_encaps(set == KEM_768 ? TW_MLKEM768 : TW_MLKEM1024, ek.data, m, out, ss);
    tw_wipe(m, sizeof m);
    return ok;
}

bool kem_decaps(struct kem_key *k, struct tw_view ct, struct tw_buf *secret)
{
    uint8_t *ss = tw_buf_grow(secret, 32);
    if (ss == NULL || ct.len != tw_mlkem_ct_len(k->set))
        return false;
    tw_mlkem_decaps(k->set, k->dk, ct.data, ss);
    return true;
}

#endif

size_t kem_public_len(enum kem_set set)
{
    return tw_mlkem_ek_len(set == KEM_768 ? TW_MLKEM768 : TW_MLKEM1024);
}

size_t kem_ciphertext_len(enum kem_set set)
{
    return tw_mlkem_ct_len(set == KEM_768 ? TW_MLKEM768 : TW_MLKEM1024);
}
