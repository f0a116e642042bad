/* Digests and HMAC on fetched algorithms and reused contexts. */
#include "crypto/crypto_internal.h"

struct tw_hash {
    struct crypto_ctx *c;
    EVP_MD_CTX *ctx, *copy;
};

static EVP_MD_CTX *take_ctx(struct crypto_ctx *c)
{
    return c->pool_n > 0 ? c->pool[--c->pool_n] : EVP_MD_CTX_new();
}

static void give_ctx(struct crypto_ctx *c, EVP_MD_CTX *m)
{
    if (m != NULL && c->pool_n < HASH_POOL)
        c->pool[c->pool_n++] = m;
    else
        EVP_MD_CTX_free(m);
}

static void hash_free(struct tw_hash *h)
{
    if (h == NULL)
        return;
    give_ctx(h->c, h->ctx);
    give_ctx(h->c, h->copy);
    free(h);
}

static struct tw_hash *hash_new(void *ctx, enum tw_hash_id id)
{
    struct crypto_ctx *c = ctx;
    EVP_MD *md = ctx_md(c, id);
    struct tw_hash *h = md == NULL ? NULL : calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->c = c;
    h->ctx = take_ctx(c);
    h->copy = take_ctx(c);
    if (h->ctx == NULL || h->copy == NULL || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1) {
        hash_free(h);
        return NULL;
    }
    return h;
}

static bool hash_update(struct tw_hash *h, struct tw_view v)
{
    return EVP_DigestUpdate(h->ctx, v.data, v.len) == 1;
}

static size_t hash_peek(struct tw_hash *h, uint8_t out[TW_HASH_MAX])
{
    unsigned n = 0;
    if (EVP_MD_CTX_copy_ex(h->copy, h->ctx) != 1 || EVP_DigestFinal_ex(h->copy, out, &n) != 1)
        return 0;
    return n;
}

size_t ctx_digest(void *ctx, enum tw_hash_id id, const struct tw_view *parts, size_t n,
                  uint8_t out[TW_HASH_MAX])
{
    struct crypto_ctx *c = ctx;
    EVP_MD *md = ctx_md(c, id);
    unsigned len = 0;
    bool ok = md != NULL && EVP_DigestInit_ex2(c->scratch, md, NULL) == 1;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].len == 0 || EVP_DigestUpdate(c->scratch, parts[i].data, parts[i].len) == 1;
    return ok && EVP_DigestFinal_ex(c->scratch, out, &len) == 1 ? len : 0;
}

/* RFC 2104. One pass over the inner hash, one over the outer, on the same context. */
static size_t hmac(void *ctx, enum tw_hash_id id, struct tw_view key, const struct tw_view *parts,
                   size_t n, uint8_t out[TW_HASH_MAX])
{
    struct crypto_ctx *c = ctx;
    EVP_MD *md = ctx_md(c, id);
    if (md == NULL)
        return 0;
    size_t block = (size_t)EVP_MD_get_block_size(md), hash_len = tw_hash_len(id);
    uint8_t pad[144] = {0}, inner[TW_HASH_MAX];
    if (block > sizeof pad)
        return 0;
    if (key.len > block && ctx_digest(ctx, id, &key, 1, pad) == 0)
        return 0;
    if (key.len <= block && key.len > 0)
        memcpy(pad, key.data, key.len);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    unsigned len = 0;
    bool ok = EVP_DigestInit_ex2(c->scratch, md, NULL) == 1 &&
              EVP_DigestUpdate(c->scratch, pad, block) == 1;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].len == 0 || EVP_DigestUpdate(c->scratch, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(c->scratch, inner, &len) == 1;
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    ok = ok && EVP_DigestInit_ex2(c->scratch, md, NULL) == 1 &&
         EVP_DigestUpdate(c->scratch, pad, block) == 1 &&
         EVP_DigestUpdate(c->scratch, inner, hash_len) == 1 &&
         EVP_DigestFinal_ex(c->scratch, out, &len) == 1;
    tw_wipe(pad, sizeof pad);
    return ok ? len : 0;
}

void hash_table(struct tw_crypto *t)
{
    t->hash_new = hash_new;
    t->hash_update = hash_update;
    t->hash_peek = hash_peek;
    t->hash_free = hash_free;
    t->digest = ctx_digest;
    t->hmac = hmac;
}
