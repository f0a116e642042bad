/*
 * Whose signature is it? An ECDSA signature gives away the public key it was made with, up to a few
 * candidates (SEC 1 v2.0 4.1.6). Two signatures of one server that share a candidate were made with
 * that key, whatever certificate it shows.
 */
#include "crypto/crypto_internal.h"

enum { SPKI_MAX = 512 };

/* The leftmost bits of the digest, as many as the order has (FIPS 186-4 6.4). */
static BIGNUM *message_number(const uint8_t *digest, size_t len, const BIGNUM *order)
{
    BIGNUM *e = BN_bin2bn(digest, (int)len, NULL);
    int excess = (int)len * 8 - BN_num_bits(order);
    if (e != NULL && excess > 0 && BN_rshift(e, e, excess) != 1) {
        BN_free(e);
        return NULL;
    }
    return e;
}

static bool spki_hash(struct crypto_ctx *c, const EC_GROUP *g, const EC_POINT *q,
                      uint8_t out[TW_HASH_MAX])
{
    EC_KEY *key = EC_KEY_new();
    uint8_t der[SPKI_MAX], *p = der;
    int n = 0;
    if (key != NULL && EC_KEY_set_group(key, g) == 1 && EC_KEY_set_public_key(key, q) == 1)
        n = i2d_EC_PUBKEY(key, NULL);
    if (n > 0 && n <= SPKI_MAX)
        n = i2d_EC_PUBKEY(key, &p);
    EC_KEY_free(key);
    if (n <= 0 || n > SPKI_MAX)
        return false;
    struct tw_view v = tw_view_of(der, (size_t)n);
    return ctx_digest(c, TW_HASH_SHA256, &v, 1, out) == 32;
}

/* Q = r^-1 (sR - eG) for the point R with that x and parity of y. */
static bool candidate(struct crypto_ctx *c, const EC_GROUP *g, const ECDSA_SIG *sig,
                      const BIGNUM *e, const BIGNUM *x, int odd, uint8_t out[TW_HASH_MAX])
{
    const BIGNUM *r = ECDSA_SIG_get0_r(sig), *s = ECDSA_SIG_get0_s(sig);
    const BIGNUM *order = EC_GROUP_get0_order(g);
    EC_POINT *big_r = EC_POINT_new(g), *q = EC_POINT_new(g);
    BIGNUM *inverse = BN_mod_inverse(NULL, r, order, c->bn), *a = BN_new(), *b = BN_new();
    bool ok = big_r != NULL && q != NULL && inverse != NULL && a != NULL && b != NULL &&
              EC_POINT_set_compressed_coordinates(g, big_r, x, odd, c->bn) == 1 &&
              BN_mod_mul(a, inverse, s, order, c->bn) == 1 &&
              BN_mod_mul(b, inverse, e, order, c->bn) == 1 && BN_sub(b, order, b) == 1 &&
              EC_POINT_mul(g, q, b, big_r, a, c->bn) == 1 &&
              EC_POINT_is_at_infinity(g, q) == 0 && spki_hash(c, g, q, out);
    EC_POINT_free(big_r);
    EC_POINT_free(q);
    BN_free(inverse);
    BN_free(a);
    BN_free(b);
    return ok;
}

/* Both numbers below the order, and not so small that they must come from a smaller curve. */
static bool of_this_curve(const ECDSA_SIG *sig, const BIGNUM *order)
{
    const BIGNUM *r = ECDSA_SIG_get0_r(sig), *s = ECDSA_SIG_get0_s(sig);
    int bits = BN_num_bits(order);
    return BN_cmp(r, order) < 0 && BN_cmp(s, order) < 0 && !BN_is_zero(r) && !BN_is_zero(s) &&
           !BN_is_negative(r) && !BN_is_negative(s) &&
           (BN_num_bits(r) > bits - 64 || BN_num_bits(s) > bits - 64);
}

static size_t recover(const struct tw_pubkey *k, enum tw_hash_id hash, const struct tw_view *parts,
                      size_t n, struct tw_view sig, uint8_t out[TW_RECOVER_MAX][32])
{
    uint8_t digest[TW_HASH_MAX], one[TW_HASH_MAX];
    if (k->ec == NULL || sig.len == 0 || sig.len > 1024)
        return 0;
    const EC_GROUP *g = EC_KEY_get0_group(k->ec);
    const BIGNUM *order = EC_GROUP_get0_order(g);
    const unsigned char *p = sig.data;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &p, (long)sig.len);
    size_t found = 0, len = ctx_digest(k->c, hash, parts, n, digest);
    BIGNUM *e = len == 0 ? NULL : message_number(digest, len, order);
    if (parsed != NULL && e != NULL && of_this_curve(parsed, order)) {
        BIGNUM *x = BN_dup(ECDSA_SIG_get0_r(parsed)); /* R's x modulo the order, so x or x + order */
        for (int i = 0; x != NULL && i < 2 && BN_num_bits(x) <= EC_GROUP_get_degree(g); i++) {
            for (int odd = 0; odd < 2; odd++)
                if (candidate(k->c, g, parsed, e, x, odd, one))
                    memcpy(out[found++], one, 32);
            if (BN_add(x, x, order) != 1)
                break;
        }
        BN_free(x);
    }
    BN_free(e);
    ECDSA_SIG_free(parsed);
    ERR_clear_error();
    return found;
}

void recover_table(struct tw_crypto *t)
{
    t->recover = recover;
}
