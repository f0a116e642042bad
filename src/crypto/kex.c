/* Key exchange: elliptic curves, X25519 and X448, ffdhe, explicit DH, and the ML-KEM hybrids. */
#include "crypto/crypto_internal.h"
#include "crypto/kem.h"

#include <openssl/dh.h>

struct tw_kex {
    struct crypto_ctx *c;
    uint16_t group;
    EVP_PKEY *key;                /* classical part */
    struct kem_key *kem;          /* hybrids */
    BIGNUM *p, *x;                /* explicit DH */
};

/* Hybrids: which parts, and whether the ML-KEM part comes first (draft-ietf-tls-ecdhe-mlkem). */
static const struct hybrid {
    uint16_t group, classical;
    enum kem_set set;
    bool kem_first;
} hybrids[] = {
    {TW_GRP_X25519MLKEM768, TW_GRP_X25519, KEM_768, true},
    {TW_GRP_SECP256R1MLKEM768, TW_GRP_SECP256R1, KEM_768, false},
    {TW_GRP_SECP384R1MLKEM1024, TW_GRP_SECP384R1, KEM_1024, false},
};

static const struct hybrid *hybrid_of(uint16_t group)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(hybrids); i++)
        if (hybrids[i].group == group)
            return &hybrids[i];
    return NULL;
}

static const char *ffdhe_name(uint16_t group)
{
    static const char *const names[] = {"ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
                                        "ffdhe8192"};
    return group >= TW_GRP_FFDHE2048 && group <= TW_GRP_FFDHE8192
               ? names[group - TW_GRP_FFDHE2048] : NULL;
}

static bool has_group(void *ctx, uint16_t group)
{
    const struct hybrid *h = hybrid_of(group);
    if (h != NULL)
        return true;
    if (group == TW_GRP_X25519 || group == TW_GRP_X448 || ffdhe_name(group) != NULL)
        return true;
    int nid = nid_of_group(group);
    return nid != NID_undef && ctx_curve(ctx, nid) != NULL;
}

static void kex_free(struct tw_kex *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->key);
    kem_key_free(k->kem);
    BN_free(k->p);
    BN_clear_free(k->x);
    free(k);
}

/* ---- classical groups ------------------------------------------------------------------------ */

static EVP_PKEY *generate_named(const char *type, const char *group)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
    if (group != NULL)
        params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0);
    if (gen == NULL || EVP_PKEY_keygen_init(gen) != 1 ||
        (group != NULL && EVP_PKEY_CTX_set_params(gen, params) != 1) ||
        EVP_PKEY_generate(gen, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(gen);
    return key;
}

static EVP_PKEY *generate_x25519(struct crypto_ctx *c)
{
    EVP_PKEY *key = NULL;
    if (c->x25519_gen == NULL) {
        c->x25519_gen = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
        if (c->x25519_gen != NULL && EVP_PKEY_keygen_init(c->x25519_gen) != 1) {
            EVP_PKEY_CTX_free(c->x25519_gen);
            c->x25519_gen = NULL;
        }
    }
    return c->x25519_gen != NULL && EVP_PKEY_generate(c->x25519_gen, &key) == 1 ? key : NULL;
}

static EVP_PKEY *generate(struct crypto_ctx *c, uint16_t group)
{
    if (group == TW_GRP_X25519)
        return generate_x25519(c);
    if (group == TW_GRP_X448)
        return generate_named("X448", NULL);
    if (ffdhe_name(group) != NULL)
        return generate_named("DH", ffdhe_name(group));
    int nid = nid_of_group(group);
    return nid == NID_undef ? NULL : generate_named("EC", OBJ_nid2sn(nid));
}

static bool add_public(EVP_PKEY *key, struct tw_buf *share)
{
    uint8_t *p = NULL;
    size_t n = EVP_PKEY_get1_encoded_public_key(key, &p);
    bool ok = n > 0 && tw_buf_add(share, p, n);
    OPENSSL_free(p);
    return ok;
}

static EVP_PKEY *peer_key(EVP_PKEY *ours, uint16_t group, struct tw_view peer)
{
    if (group == TW_GRP_X25519 || group == TW_GRP_X448)
        return EVP_PKEY_new_raw_public_key(
            group == TW_GRP_X25519 ? EVP_PKEY_X25519 : EVP_PKEY_X448, NULL, peer.data, peer.len);
    EVP_PKEY *p = EVP_PKEY_new();
    if (p != NULL && EVP_PKEY_copy_parameters(p, ours) == 1 &&
        EVP_PKEY_set1_encoded_public_key(p, peer.data, peer.len) == 1)
        return p;
    EVP_PKEY_free(p);
    return NULL;
}

static bool derive(EVP_PKEY *ours, uint16_t group, struct tw_view peer, struct tw_buf *secret)
{
    const struct tw_group *g = tw_group_by_id(group);
    if (peer.len == 0 || (g != NULL && g->kind == TW_GROUP_ECP && peer.data[0] != 4))
        return false; /* RFC 8446 4.2.8.2: uncompressed points only */
    EVP_PKEY *theirs = peer_key(ours, group, peer);
    EVP_PKEY_CTX *ctx = theirs == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    size_t n = 0;
    uint8_t *out = NULL;
    bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              (ffdhe_name(group) == NULL || EVP_PKEY_CTX_set_dh_pad(ctx, 1) == 1) &&
              EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, NULL, &n) == 1;
    if (ok) {
        out = tw_buf_grow(secret, n);
        size_t room = n;
        ok = out != NULL && EVP_PKEY_derive(ctx, out, &n) == 1;
        secret->len -= ok ? room - n : (out != NULL ? room : 0);
    }
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    if (!ok)
        ERR_clear_error();
    return ok;
}

/* ---- the table's functions ---------------------------------------------------------------------- */

static size_t classical_len(const struct hybrid *h)
{
    const struct tw_group *g = tw_group_by_id(h->classical);
    return g->client_share;
}

static struct tw_kex *kex_new(void *ctx, uint16_t group, struct tw_buf *share)
{
    struct crypto_ctx *c = ctx;
    const struct hybrid *h = hybrid_of(group);
    struct tw_kex *k = calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->c = c;
    k->group = group;
    k->key = generate(c, h != NULL ? h->classical : group);
    bool ok = k->key != NULL;
    if (ok && h != NULL && h->kem_first)
        ok = (k->kem = kem_keygen(&c->table, h->set, share)) != NULL;
    ok = ok && add_public(k->key, share);
    if (ok && h != NULL && !h->kem_first)
        ok = (k->kem = kem_keygen(&c->table, h->set, share)) != NULL;
    if (!ok) {
        ERR_clear_error();
        kex_free(k);
        return NULL;
    }
    return k;
}

static bool derive_hybrid(struct tw_kex *k, const struct hybrid *h, struct tw_view peer,
                          struct tw_buf *secret)
{
    size_t ct = kem_ciphertext_len(h->set), ec = classical_len(h);
    if (peer.len != ct + ec)
        return false;
    struct tw_view kem = tw_view_sub(peer, h->kem_first ? 0 : ec, ct);
    struct tw_view point = tw_view_sub(peer, h->kem_first ? ct : 0, ec);
    if (h->kem_first)
        return kem_decaps(k->kem, kem, secret) && derive(k->key, h->classical, point, secret);
    return derive(k->key, h->classical, point, secret) && kem_decaps(k->kem, kem, secret);
}

static bool derive_dh(struct tw_kex *k, struct tw_view peer, struct tw_buf *secret)
{
    BIGNUM *y = BN_bin2bn(peer.data, (int)peer.len, NULL), *s = BN_new(), *p1 = BN_dup(k->p);
    bool ok = y != NULL && s != NULL && p1 != NULL && BN_sub_word(p1, 1) == 1 &&
              BN_cmp(y, BN_value_one()) > 0 && BN_cmp(y, p1) < 0 && /* 1 < Y < p-1, RFC 7919 5.1 */
              BN_mod_exp(s, y, k->x, k->p, k->c->bn) == 1;
    if (ok) {
        uint8_t *out = tw_buf_grow(secret, (size_t)BN_num_bytes(s));
        ok = out != NULL;
        if (ok)
            BN_bn2bin(s, out);
    }
    BN_free(y);
    BN_clear_free(s);
    BN_free(p1);
    return ok;
}

static bool kex_derive(struct tw_kex *k, struct tw_view peer, struct tw_buf *secret)
{
    const struct hybrid *h = hybrid_of(k->group);
    if (k->p != NULL)
        return derive_dh(k, peer, secret);
    if (h != NULL)
        return derive_hybrid(k, h, peer, secret);
    return derive(k->key, k->group, peer, secret);
}

static bool kex_respond(void *ctx, uint16_t group, struct tw_view client, struct tw_buf *share,
                        struct tw_buf *secret)
{
    struct crypto_ctx *c = ctx;
    const struct hybrid *h = hybrid_of(group);
    EVP_PKEY *ours = generate(c, h != NULL ? h->classical : group);
    bool ok = ours != NULL;
    if (ok && h == NULL) {
        ok = add_public(ours, share) && derive(ours, group, client, secret);
    } else if (ok) {
        size_t ek = kem_public_len(h->set), ec = classical_len(h);
        struct tw_view kem = tw_view_sub(client, h->kem_first ? 0 : ec, ek);
        struct tw_view point = tw_view_sub(client, h->kem_first ? ek : 0, ec);
        ok = client.len == ek + ec;
        if (ok && h->kem_first)
            ok = kem_encaps(&c->table, h->set, kem, share, secret) && add_public(ours, share) &&
                 derive(ours, h->classical, point, secret);
        else if (ok)
            ok = add_public(ours, share) && derive(ours, h->classical, point, secret) &&
                 kem_encaps(&c->table, h->set, kem, share, secret);
    }
    EVP_PKEY_free(ours);
    return ok;
}

enum { MAX_DH_BYTES = 2048 };

/* Exponents of 256 bits, or of the prime's length when it is shorter. */
static struct tw_kex *dh_new(void *ctx, struct tw_view p, struct tw_view g, struct tw_buf *share)
{
    struct crypto_ctx *c = ctx;
    if (p.len == 0 || p.len > MAX_DH_BYTES || g.len > MAX_DH_BYTES)
        return NULL;
    struct tw_kex *k = calloc(1, sizeof *k);
    BIGNUM *gen = BN_bin2bn(g.data, (int)g.len, NULL), *y = BN_new();
    bool ok = k != NULL && gen != NULL && y != NULL;
    if (ok) {
        k->c = c;
        k->p = BN_bin2bn(p.data, (int)p.len, NULL);
        k->x = BN_new();
        ok = k->p != NULL && k->x != NULL && BN_is_odd(k->p) && BN_num_bits(k->p) >= 16 &&
             BN_cmp(gen, BN_value_one()) > 0 && BN_cmp(gen, k->p) < 0;
    }
    int bits = ok ? BN_num_bits(k->p) - 1 : 0;
    ok = ok && BN_priv_rand(k->x, bits < 256 ? bits : 256, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
         BN_mod_exp(y, gen, k->x, k->p, c->bn) == 1;
    uint8_t *out = ok ? tw_buf_grow(share, (size_t)BN_num_bytes(y)) : NULL;
    if (out != NULL)
        BN_bn2bin(y, out);
    BN_free(gen);
    BN_free(y);
    if (out == NULL) {
        kex_free(k);
        return NULL;
    }
    return k;
}

void kex_table(struct tw_crypto *t)
{
    t->has_group = has_group;
    t->kex_new = kex_new;
    t->kex_derive = kex_derive;
    t->kex_respond = kex_respond;
    t->dh_new = dh_new;
    t->kex_free = kex_free;
}
