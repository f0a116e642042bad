/*
 * A table without strength for fuzzing and tests: deterministic, fast, shapes as the real one.
 * Both sides of a conversation agree; a changed byte is noticed by a sum; nothing here is secret.
 */
#include "crypto/crypto.h"

struct fake {
    struct tw_crypto table; /* first: freed as such */
    uint64_t state;
};

struct tw_hash { enum tw_hash_id id; uint64_t sum; };
struct tw_kex { uint16_t group; uint8_t seed[8]; };
struct tw_bulk_key { const struct tw_bulk_info *info; uint64_t key; };
struct tw_pubkey { struct tw_key_info info; };
struct tw_privkey { struct tw_key_info info; };

static uint64_t mix(uint64_t h, struct tw_view v)
{
    for (size_t i = 0; i < v.len; i++)
        h = (h ^ v.data[i]) * 0x100000001b3u;
    return h;
}

static void spread(uint64_t h, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = h * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(h >> 56);
    }
}

static bool fake_random(void *ctx, uint8_t *out, size_t n)
{
    struct fake *f = ctx;
    f->state = f->state * 6364136223846793005u + 1;
    spread(f->state, out, n);
    return true;
}

static bool has_bulk(void *ctx, enum tw_bulk b)
{
    (void)ctx;
    const struct tw_bulk_info *i = tw_bulk_info(b);
    return i != NULL && (i->openssl_name == NULL || i->openssl_name[0] != '\0');
}

static bool has_group(void *ctx, uint16_t group)
{
    (void)ctx;
    const struct tw_group *g = tw_group_by_id(group);
    return g != NULL && g->client_share > 0;
}

/* ---- hashes -------------------------------------------------------------------------------------- */

static struct tw_hash *hash_new(void *ctx, enum tw_hash_id id)
{
    (void)ctx;
    struct tw_hash *h = calloc(1, sizeof *h);
    if (h != NULL)
        *h = (struct tw_hash){id, 1469598103934665603u};
    return h;
}

static bool hash_update(struct tw_hash *h, struct tw_view v)
{
    h->sum = mix(h->sum, v);
    return true;
}

static size_t hash_peek(struct tw_hash *h, uint8_t out[TW_HASH_MAX])
{
    spread(h->sum, out, tw_hash_len(h->id));
    return tw_hash_len(h->id);
}

static void hash_free(struct tw_hash *h)
{
    free(h);
}

static size_t digest(void *ctx, enum tw_hash_id id, const struct tw_view *parts, size_t n,
                     uint8_t out[TW_HASH_MAX])
{
    (void)ctx;
    uint64_t sum = 1469598103934665603u;
    for (size_t i = 0; i < n; i++)
        sum = mix(sum, parts[i]);
    spread(sum, out, tw_hash_len(id));
    return tw_hash_len(id);
}

static size_t hmac(void *ctx, enum tw_hash_id id, struct tw_view key, const struct tw_view *parts,
                   size_t n, uint8_t out[TW_HASH_MAX])
{
    (void)ctx;
    uint64_t sum = mix(77, key);
    for (size_t i = 0; i < n; i++)
        sum = mix(sum, parts[i]);
    spread(sum, out, tw_hash_len(id));
    return tw_hash_len(id);
}

/* ---- key exchange: the secret is the sum of both shares' first bytes ------------------------------- */

static bool add_share(uint16_t group, size_t len, const uint8_t seed[8], struct tw_buf *share)
{
    uint8_t *p = len < 8 ? NULL : tw_buf_grow(share, len);
    if (p == NULL)
        return false;
    memset(p, 0x5a, len);
    memcpy(p + len - 8, seed, 8);
    const struct tw_group *g = tw_group_by_id(group);
    if (g != NULL && g->kind == TW_GROUP_ECP)
        p[0] = 4;
    return true;
}

static bool add_secret(const uint8_t a[8], struct tw_view peer, struct tw_buf *secret)
{
    uint8_t *p = peer.len < 8 ? NULL : tw_buf_grow(secret, 32);
    uint64_t sum = 0;
    if (p == NULL)
        return false;
    for (size_t i = 0; i < 8; i++)
        sum += (uint64_t)(a[i] + peer.data[peer.len - 8 + i]) << (8 * i);
    spread(sum, p, 32);
    return true;
}

static struct tw_kex *kex_new(void *ctx, uint16_t group, struct tw_buf *share)
{
    const struct tw_group *g = tw_group_by_id(group);
    struct tw_kex *k = g == NULL ? NULL : calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    k->group = group;
    fake_random(ctx, k->seed, 8);
    if (!add_share(group, g->client_share, k->seed, share)) {
        free(k);
        return NULL;
    }
    return k;
}

static bool kex_derive(struct tw_kex *k, struct tw_view peer, struct tw_buf *secret)
{
    const struct tw_group *g = tw_group_by_id(k->group);
    return (k->group == 0 || peer.len == g->server_share) && add_secret(k->seed, peer, secret);
}

static bool kex_respond(void *ctx, uint16_t group, struct tw_view client, struct tw_buf *share,
                        struct tw_buf *secret)
{
    const struct tw_group *g = tw_group_by_id(group);
    uint8_t seed[8];
    fake_random(ctx, seed, 8);
    return g != NULL && client.len == g->client_share &&
           add_share(group, g->server_share, seed, share) && add_secret(seed, client, secret);
}

static struct tw_kex *dh_new(void *ctx, struct tw_view p, struct tw_view g, struct tw_buf *share)
{
    (void)g;
    struct tw_kex *k = p.len < 8 || p.len > 2048 ? NULL : calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    fake_random(ctx, k->seed, 8);
    if (!add_share(0, p.len, k->seed, share)) {
        free(k);
        return NULL;
    }
    return k;
}

static void kex_free(struct tw_kex *k)
{
    free(k);
}

/* ---- bulk ------------------------------------------------------------------------------------------------ */

static struct tw_bulk_key *bulk_new(void *ctx, enum tw_bulk b, struct tw_view key, bool encrypt)
{
    (void)encrypt;
    struct tw_bulk_key *k = has_bulk(ctx, b) ? calloc(1, sizeof *k) : NULL;
    if (k != NULL)
        *k = (struct tw_bulk_key){tw_bulk_info(b), mix(5, key)};
    return k;
}

static void mask(uint64_t key, struct tw_view in, uint8_t *out)
{
    for (size_t i = 0; i < in.len; i++)
        out[i] = (uint8_t)(in.data[i] ^ (uint8_t)(key >> (8 * (i % 8))));
}

static void tag_of(const struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                   struct tw_view cipher, uint8_t *tag)
{
    spread(mix(mix(mix(k->key, tw_view_of(nonce, 12)), aad), cipher), tag, k->info->tag_len);
}

static bool seal(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                 struct tw_view plain, uint8_t *out)
{
    mask(k->key, plain, out);
    tag_of(k, nonce, aad, tw_view_of(out, plain.len), out + plain.len);
    return true;
}

static bool open_aead(struct tw_bulk_key *k, const uint8_t nonce[12], struct tw_view aad,
                      struct tw_view in, uint8_t *out)
{
    uint8_t tag[16];
    if (in.len < k->info->tag_len)
        return false;
    struct tw_view cipher = tw_view_sub(in, 0, in.len - k->info->tag_len);
    tag_of(k, nonce, aad, cipher, tag);
    if (memcmp(tag, in.data + in.len - k->info->tag_len, k->info->tag_len) != 0)
        return false;
    mask(k->key, cipher, out);
    return true;
}

static bool crypt(struct tw_bulk_key *k, const uint8_t *iv, struct tw_view in, uint8_t *out)
{
    (void)iv;
    mask(k->info->openssl_name == NULL ? 0 : k->key, in, out);
    return true;
}

static void bulk_free(struct tw_bulk_key *k)
{
    free(k);
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

static struct tw_pubkey *pubkey_new(void *ctx, struct tw_view spki)
{
    (void)ctx;
    struct tw_pubkey *k = spki.len < 8 ? NULL : calloc(1, sizeof *k);
    if (k == NULL)
        return NULL;
    bool ec = memmem(spki.data, spki.len, "\x2a\x86\x48\xce\x3d\x02\x01", 7) != NULL;
    k->info = ec ? (struct tw_key_info){TW_KEY_EC, 256, TW_GRP_SECP256R1}
                 : (struct tw_key_info){TW_KEY_RSA, 2048, 0};
    return k;
}

static void pubkey_info(const struct tw_pubkey *k, struct tw_key_info *info)
{
    *info = k->info;
}

static void signature(enum tw_hash_id hash, const struct tw_view *parts, size_t n, uint8_t out[16])
{
    uint64_t sum = (uint64_t)hash;
    for (size_t i = 0; i < n; i++)
        sum = mix(sum, parts[i]);
    spread(sum, out, 16);
}

static enum tw_verify verify(struct tw_pubkey *k, enum tw_sig_kind kind, enum tw_hash_id hash,
                             const struct tw_view *parts, size_t n, struct tw_view sig)
{
    (void)k, (void)kind;
    uint8_t want[16];
    signature(hash, parts, n, want);
    return tw_view_eq(sig, tw_view_of(want, 16)) ? TW_VERIFY_GOOD : TW_VERIFY_BAD;
}

static enum tw_verify verify_x509(struct tw_pubkey *k, struct tw_view algorithm, struct tw_view tbs,
                                  struct tw_view sig)
{
    (void)k, (void)algorithm, (void)tbs;
    return sig.len > 0 && (sig.data[0] & 1) == 0 ? TW_VERIFY_GOOD : TW_VERIFY_BAD;
}

static size_t recover(const struct tw_pubkey *k, enum tw_hash_id hash, const struct tw_view *parts,
                      size_t n, struct tw_view sig, uint8_t out[TW_RECOVER_MAX][32])
{
    (void)k, (void)sig;
    memset(out[0], 0, 32);
    signature(hash, parts, n, out[0]);
    return 1;
}

static bool rsa_encrypt(struct tw_pubkey *k, struct tw_view in, struct tw_buf *out)
{
    (void)k;
    uint8_t *p = in.len > 245 ? NULL : tw_buf_grow(out, 256);
    if (p == NULL)
        return false;
    memset(p, 0, 256);
    memcpy(p, in.data, in.len);
    return true;
}

static void pubkey_free(struct tw_pubkey *k)
{
    free(k);
}

static void privkey_info(const struct tw_privkey *k, struct tw_key_info *info)
{
    *info = k->info;
}

static bool sign(struct tw_privkey *k, enum tw_sig_kind kind, enum tw_hash_id hash,
                 const struct tw_view *parts, size_t n, struct tw_buf *sig)
{
    (void)k, (void)kind;
    uint8_t out[16];
    signature(hash, parts, n, out);
    return tw_buf_add(sig, out, sizeof out);
}

static bool rsa_decrypt(struct tw_privkey *k, struct tw_view in, uint8_t out[48])
{
    (void)k;
    memset(out, 0, 48);
    memcpy(out, in.data == NULL ? (const uint8_t *)"" : in.data, in.len < 48 ? in.len : 48);
    return true;
}

static bool privkey_spki(const struct tw_privkey *k, struct tw_buf *out)
{
    (void)k;
    return tw_buf_add(out, "\x30\x09\x2a\x86\x48\xce\x3d\x02\x01\x00\x00", 11);
}

static void privkey_free(struct tw_privkey *k)
{
    free(k);
}

struct tw_crypto *tw_crypto_fake(uint64_t seed)
{
    struct fake *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->state = seed;
    f->table = (struct tw_crypto){
        .ctx = f, .random = fake_random, .has_bulk = has_bulk, .has_group = has_group,
        .hash_new = hash_new, .hash_update = hash_update, .hash_peek = hash_peek,
        .hash_free = hash_free, .digest = digest, .hmac = hmac, .kex_new = kex_new,
        .kex_derive = kex_derive, .kex_respond = kex_respond, .dh_new = dh_new,
        .kex_free = kex_free, .bulk_new = bulk_new, .seal = seal, .open = open_aead,
        .crypt = crypt, .bulk_free = bulk_free, .pubkey_new = pubkey_new,
        .pubkey_info = pubkey_info, .verify = verify, .verify_x509 = verify_x509,
        .recover = recover, .rsa_encrypt = rsa_encrypt, .pubkey_free = pubkey_free, .privkey_info = privkey_info,
        .sign = sign, .rsa_decrypt = rsa_decrypt, .privkey_spki = privkey_spki,
        .privkey_free = privkey_free};
    return &f->table;
}
