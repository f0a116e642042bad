/*
 * Record protection, one direction at a time. Four shapes:
 *
 *   AEAD, TLS 1.3      inner type and padding, nonce = IV xor sequence        RFC 8446 5.2, 5.3
 *   AEAD, TLS 1.2      explicit nonce (GCM, CCM), or as in 1.3 (ChaCha20)     RFC 5288, 6655, 7905
 *   CBC and MAC        MAC before or after encryption; IV chained in TLS 1.0  RFC 5246 6.2.3.2, 7366
 *   stream and MAC     RC4, and NULL where nothing is encrypted               RFC 5246 6.2.3.1
 *
 * A record is sealed and opened in place in the buffer that it is appended to: nothing else is
 * allocated per record.
 */
#include "engine/keys.h"

enum shape { SHAPE_AEAD13, SHAPE_AEAD12, SHAPE_CBC, SHAPE_STREAM };

enum { PLAIN_MAX = 16384, IV_MAX = 16, MAC_MAX = 48, KEY_MAX = 32 };

struct tw_protect {
    struct tw_crypto *crypto;
    const struct tw_bulk_info *info;
    struct tw_bulk_key *key;  /* NULL for a NULL cipher */
    enum shape shape;
    uint16_t version;
    bool encrypt_then_mac;
    uint64_t seq;
    uint8_t iv[IV_MAX];       /* AEAD: fixed part; CBC in TLS 1.0: last block of the record before */
    enum tw_hash_id mac;
    size_t mac_len;
    uint8_t mac_key[MAC_MAX];
};

/* ---- making and dropping ------------------------------------------------------------------------ */

static enum tw_hash_id mac_hash(enum tw_mac mac)
{
    switch (mac) {
    case TW_MAC_MD5:
        return TW_HASH_MD5;
    case TW_MAC_SHA1:
        return TW_HASH_SHA1;
    case TW_MAC_SHA256:
        return TW_HASH_SHA256;
    case TW_MAC_SHA384:
        return TW_HASH_SHA384;
    default:
        return TW_HASH_NONE;
    }
}

static struct tw_protect *protect_new(struct tw_crypto *c, const struct tw_suite *s,
                                      enum shape shape, uint16_t version, struct tw_view key,
                                      bool encrypt)
{
    struct tw_protect *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->crypto = c;
    p->info = tw_bulk_info(s->bulk);
    p->shape = shape;
    p->version = version;
    p->mac = mac_hash(s->mac);
    p->mac_len = p->mac == TW_HASH_NONE ? 0 : tw_hash_len(p->mac);
    if (s->bulk == TW_BULK_NULL)
        return p;
    p->key = c->bulk_new(c->ctx, s->bulk, key, encrypt);
    if (p->key != NULL)
        return p;
    free(p);
    return NULL;
}

void tw_protect_free(struct tw_protect *p)
{
    if (p == NULL)
        return;
    if (p->key != NULL)
        p->crypto->bulk_free(p->key);
    tw_wipe(p, sizeof *p);
    free(p);
}

struct tw_protect *tw_protect13_new(struct tw_crypto *c, const struct tw_suite *s,
                                    const struct tw_secret *traffic, bool encrypt)
{
    const struct tw_bulk_info *info = tw_bulk_info(s->bulk);
    uint8_t key[KEY_MAX], iv[12];
    struct tw_view secret = tw_view_of(traffic->v, traffic->n), none = {NULL, 0};
    struct tw_protect *p = NULL;
    if (info != NULL && info->tag_len > 0 && info->key_len <= KEY_MAX &&
        tw_hkdf_expand_label(c, s->prf, secret, "key", none, key, info->key_len) &&
        tw_hkdf_expand_label(c, s->prf, secret, "iv", none, iv, sizeof iv))
        p = protect_new(c, s, SHAPE_AEAD13, TW_TLS13, tw_view_of(key, info->key_len), encrypt);
    if (p != NULL)
        memcpy(p->iv, iv, sizeof iv);
    tw_wipe(key, sizeof key);
    tw_wipe(iv, sizeof iv);
    return p;
}

static enum shape shape12(const struct tw_bulk_info *info)
{
    if (info->tag_len > 0)
        return SHAPE_AEAD12;
    return info->iv_len > 0 ? SHAPE_CBC : SHAPE_STREAM;
}

/* Cuts the key block of RFC 5246 6.3: MAC keys, keys, IVs, each first the client's. */
static struct tw_protect *from_key_block(struct tw_crypto *c, const struct tw_suite *s,
                                         uint16_t version, const uint8_t *block, bool server_keys,
                                         bool encrypt)
{
    const struct tw_bulk_info *info = tw_bulk_info(s->bulk);
    size_t mac_len = tw_hash_len(mac_hash(s->mac));
    const uint8_t *mac = block + (server_keys ? mac_len : 0);
    const uint8_t *key = block + 2 * mac_len + (server_keys ? info->key_len : 0);
    const uint8_t *iv = block + 2 * mac_len + 2u * info->key_len + (server_keys ? info->iv_len : 0);
    struct tw_protect *p = protect_new(c, s, shape12(info), version,
                                       tw_view_of(key, info->key_len), encrypt);
    if (p == NULL)
        return NULL;
    memcpy(p->mac_key, mac, mac_len);
    memcpy(p->iv, iv, info->iv_len);
    return p;
}

bool tw_protect12_new(struct tw_crypto *c, const struct tw_suite *s, uint16_t version,
                      const struct tw_keys12 *k, struct tw_view client_random,
                      struct tw_view server_random, bool encrypt_then_mac, bool client_side,
                      struct tw_protect **out_write, struct tw_protect **out_read)
{
    const struct tw_bulk_info *info = tw_bulk_info(s->bulk);
    uint8_t block[2 * (MAC_MAX + KEY_MAX + IV_MAX)];
    *out_write = *out_read = NULL;
    /* Export suites derive their keys in another way (RFC 2246 6.3.1) and are not spoken here. */
    if (info == NULL || info->key_len > KEY_MAX || info->iv_len > IV_MAX ||
        (s->flags & TW_SUITE_EXPORT) != 0)
        return false;
    size_t n = 2 * (tw_hash_len(mac_hash(s->mac)) + info->key_len + info->iv_len);
    if (tw_prf(c, version, s->prf, tw_view_of(k->master, sizeof k->master), "key expansion",
               server_random, client_random, block, n)) {
        *out_write = from_key_block(c, s, version, block, !client_side, true);
        *out_read = from_key_block(c, s, version, block, client_side, false);
    }
    tw_wipe(block, sizeof block);
    if (*out_write == NULL || *out_read == NULL) {
        tw_protect_free(*out_write);
        tw_protect_free(*out_read);
        *out_write = *out_read = NULL;
        return false;
    }
    /* RFC 7366 3: for block ciphers only, whatever was agreed. */
    (*out_write)->encrypt_then_mac = (*out_read)->encrypt_then_mac =
        encrypt_then_mac && (*out_write)->shape == SHAPE_CBC;
    return true;
}

/* ---- pieces ------------------------------------------------------------------------------------- */

static void put_u16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_seq(const struct tw_protect *p, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(p->seq >> (56 - 8 * i));
}

static void put_header(uint8_t *p, uint8_t type, uint16_t version, size_t len)
{
    p[0] = type;
    put_u16(p + 1, version);
    put_u16(p + 3, len);
}

/* seq_num + type + version + length: what TLS 1.2 authenticates besides the content. */
static struct tw_view pseudo_header(const struct tw_protect *p, uint8_t type, uint16_t version,
                                    size_t len, uint8_t out[13])
{
    put_seq(p, out);
    put_header(out + 8, type, version, len);
    return tw_view_of(out, 13);
}

static bool compute_mac(const struct tw_protect *p, uint8_t type, uint16_t version,
                        struct tw_view content, uint8_t out[TW_HASH_MAX])
{
    uint8_t head[13];
    if (p->mac_len == 0)
        return true;
    struct tw_view parts[2] = {pseudo_header(p, type, version, content.len, head), content};
    return p->crypto->hmac(p->crypto->ctx, p->mac, tw_view_of(p->mac_key, p->mac_len), parts, 2,
                           out) == p->mac_len;
}

/* Takes the same time wherever the first difference is. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
    unsigned diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (unsigned)(a[i] ^ b[i]);
    return diff == 0;
}

static void xor_nonce(const struct tw_protect *p, uint8_t nonce[12])
{
    uint8_t seq[8];
    put_seq(p, seq);
    memcpy(nonce, p->iv, 12);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] ^= seq[i];
}

/* Removes what was grown after a failure, so that out never holds half a record. */
static bool undo(struct tw_buf *out, size_t len)
{
    out->len = len;
    return false;
}

/* ---- sealing ------------------------------------------------------------------------------------ */

static bool seal_aead13(struct tw_protect *p, uint8_t type, struct tw_view plain,
                        struct tw_buf *out)
{
    size_t before = out->len, body = plain.len + 1 + p->info->tag_len;
    uint8_t nonce[12];
    uint8_t *dst = tw_buf_grow(out, 5 + body);
    if (dst == NULL)
        return false;
    put_header(dst, TW_CT_APP_DATA, TW_TLS12, body);
    if (plain.len > 0)
        memcpy(dst + 5, plain.data, plain.len);
    dst[5 + plain.len] = type;
    xor_nonce(p, nonce);
    return p->crypto->seal(p->key, nonce, tw_view_of(dst, 5), tw_view_of(dst + 5, plain.len + 1),
                           dst + 5) ||
           undo(out, before);
}

static bool seal_aead12(struct tw_protect *p, uint8_t type, uint16_t version, struct tw_view plain,
                        struct tw_buf *out)
{
    size_t before = out->len, explicit_len = p->info->explicit_nonce;
    size_t body = explicit_len + plain.len + p->info->tag_len;
    uint8_t nonce[12], head[13];
    uint8_t *dst = tw_buf_grow(out, 5 + body);
    if (dst == NULL)
        return false;
    put_header(dst, type, version, body);
    if (explicit_len > 0) { /* the sequence number never repeats under a key, RFC 5288 3 */
        memcpy(nonce, p->iv, 4);
        put_seq(p, nonce + 4);
        memcpy(dst + 5, nonce + 4, 8);
    } else {
        xor_nonce(p, nonce);
    }
    return p->crypto->seal(p->key, nonce, pseudo_header(p, type, version, plain.len, head), plain,
                           dst + 5 + explicit_len) ||
           undo(out, before);
}

/* The IV of the next record, at dst when it is on the wire. */
static bool make_iv(struct tw_protect *p, uint8_t *dst)
{
    if (p->version < TW_TLS11)
        return true;
    if (!p->crypto->random(p->crypto->ctx, dst, p->info->block_len))
        return false;
    memcpy(p->iv, dst, p->info->block_len);
    return true;
}

static bool seal_cbc(struct tw_protect *p, uint8_t type, uint16_t version, struct tw_view plain,
                     struct tw_buf *out)
{
    size_t before = out->len, block = p->info->block_len;
    size_t iv_len = p->version >= TW_TLS11 ? block : 0;
    size_t inner_mac = p->encrypt_then_mac ? 0 : p->mac_len;
    size_t pad = block - (plain.len + inner_mac) % block;
    size_t enc = plain.len + inner_mac + pad;
    size_t body = iv_len + enc + p->mac_len - inner_mac;
    uint8_t mac[TW_HASH_MAX];
    uint8_t *dst = tw_buf_grow(out, 5 + body);
    if (dst == NULL)
        return false;
    put_header(dst, type, version, body);
    uint8_t *iv = dst + 5, *data = dst + 5 + iv_len;
    if (plain.len > 0)
        memcpy(data, plain.data, plain.len);
    if (inner_mac > 0 && !compute_mac(p, type, version, plain, mac))
        return undo(out, before);
    memcpy(data + plain.len, mac, inner_mac);
    memset(data + plain.len + inner_mac, (int)(pad - 1), pad);
    if (!make_iv(p, iv) || !p->crypto->crypt(p->key, p->iv, tw_view_of(data, enc), data))
        return undo(out, before);
    memcpy(p->iv, data + enc - block, block); /* the IV of the next record in TLS 1.0 */
    if (!p->encrypt_then_mac)
        return true;
    if (!compute_mac(p, type, version, tw_view_of(iv, iv_len + enc), mac))
        return undo(out, before);
    memcpy(data + enc, mac, p->mac_len);
    return true;
}

static bool seal_stream(struct tw_protect *p, uint8_t type, uint16_t version, struct tw_view plain,
                        struct tw_buf *out)
{
    size_t before = out->len, body = plain.len + p->mac_len;
    uint8_t mac[TW_HASH_MAX];
    uint8_t *dst = tw_buf_grow(out, 5 + body);
    if (dst == NULL)
        return false;
    put_header(dst, type, version, body);
    if (plain.len > 0)
        memcpy(dst + 5, plain.data, plain.len);
    if (!compute_mac(p, type, version, plain, mac))
        return undo(out, before);
    memcpy(dst + 5 + plain.len, mac, p->mac_len);
    return p->key == NULL || p->crypto->crypt(p->key, NULL, tw_view_of(dst + 5, body), dst + 5) ||
           undo(out, before);
}

bool tw_protect_seal(struct tw_protect *p, uint8_t type, uint16_t wire_version,
                     struct tw_view plain, struct tw_buf *out)
{
    bool ok = false;
    if (plain.len > PLAIN_MAX || p->seq == UINT64_MAX)
        return false;
    switch (p->shape) {
    case SHAPE_AEAD13:
        ok = seal_aead13(p, type, plain, out);
        break;
    case SHAPE_AEAD12:
        ok = seal_aead12(p, type, wire_version, plain, out);
        break;
    case SHAPE_CBC:
        ok = seal_cbc(p, type, wire_version, plain, out);
        break;
    case SHAPE_STREAM:
        ok = seal_stream(p, type, wire_version, plain, out);
        break;
    }
    if (ok)
        p->seq++;
    return ok;
}

/* ---- opening ------------------------------------------------------------------------------------ */

static enum tw_open open_aead13(struct tw_protect *p, const struct tw_record *rec, uint8_t *type,
                                struct tw_buf *out)
{
    size_t tag = p->info->tag_len;
    uint8_t head[5], nonce[12];
    if (rec->body.len > PLAIN_MAX + 256)
        return TW_OPEN_TOO_LONG;
    if (rec->type != TW_CT_APP_DATA || rec->body.len < tag + 1)
        return TW_OPEN_MALFORMED;
    size_t n = rec->body.len - tag;
    uint8_t *dst = tw_buf_grow(out, n);
    if (dst == NULL)
        return TW_OPEN_ERROR;
    put_header(head, rec->type, rec->version, rec->body.len);
    xor_nonce(p, nonce);
    if (!p->crypto->open(p->key, nonce, tw_view_of(head, 5), rec->body, dst))
        return TW_OPEN_BAD_MAC;
    if (n > PLAIN_MAX + 1) /* padding counts, RFC 8446 5.4 */
        return TW_OPEN_TOO_LONG;
    size_t pad = 0;
    while (n > 0 && dst[n - 1] == 0) {
        n--;
        pad++;
    }
    if (n == 0)
        return TW_OPEN_MALFORMED;
    *type = dst[n - 1];
    out->len -= pad + 1;
    return TW_OPEN_OK;
}

static enum tw_open open_aead12(struct tw_protect *p, const struct tw_record *rec,
                                struct tw_buf *out)
{
    size_t tag = p->info->tag_len, explicit_len = p->info->explicit_nonce;
    uint8_t head[13], nonce[12];
    if (rec->body.len < explicit_len + tag)
        return TW_OPEN_MALFORMED;
    size_t n = rec->body.len - explicit_len - tag;
    if (n > PLAIN_MAX)
        return TW_OPEN_TOO_LONG;
    uint8_t *dst = tw_buf_grow(out, n);
    if (dst == NULL)
        return TW_OPEN_ERROR;
    if (explicit_len > 0) {
        memcpy(nonce, p->iv, 4);
        memcpy(nonce + 4, rec->body.data, 8);
    } else {
        xor_nonce(p, nonce);
    }
    return p->crypto->open(p->key, nonce, pseudo_header(p, rec->type, rec->version, n, head),
                           tw_view_sub(rec->body, explicit_len, n + tag), dst)
               ? TW_OPEN_OK
               : TW_OPEN_BAD_MAC;
}

/* Length of the padding with its length byte; *good is false when it is none, and then the length
 * is that of an empty padding, so that the MAC is computed all the same (RFC 5246 6.2.3.2). Looks
 * at as many bytes whatever they are. */
static size_t padding(const uint8_t *data, size_t n, size_t mac_len, bool *good)
{
    size_t pad = data[n - 1];
    size_t look = n < 256 ? n : 256;
    unsigned wrong = pad + 1 + mac_len > n;
    for (size_t i = 0; i < look; i++) {
        unsigned inside = i <= pad;
        wrong |= inside & (unsigned)(data[n - 1 - i] != pad);
    }
    *good = wrong == 0;
    return wrong == 0 ? pad + 1 : 1;
}

/* Decrypts whole blocks to dst and keeps the IV chain. */
static bool decrypt_blocks(struct tw_protect *p, struct tw_view iv, struct tw_view in, uint8_t *dst)
{
    size_t block = p->info->block_len;
    uint8_t last[IV_MAX];
    memcpy(last, in.data + in.len - block, block);
    if (iv.len > 0)
        memcpy(p->iv, iv.data, block);
    bool ok = p->crypto->crypt(p->key, p->iv, in, dst);
    memcpy(p->iv, last, block);
    return ok;
}

static enum tw_open check_content(struct tw_protect *p, const struct tw_record *rec,
                                  const uint8_t *dst, size_t n, size_t pad, bool good)
{
    uint8_t mac[TW_HASH_MAX];
    size_t len = n - pad - p->mac_len;
    if (!compute_mac(p, rec->type, rec->version, tw_view_of(dst, len), mac))
        return TW_OPEN_ERROR;
    good = same_bytes(mac, dst + len, p->mac_len) && good;
    if (!good)
        return TW_OPEN_BAD_MAC;
    return len > PLAIN_MAX ? TW_OPEN_TOO_LONG : TW_OPEN_OK;
}

static enum tw_open open_cbc(struct tw_protect *p, const struct tw_record *rec, struct tw_buf *out)
{
    size_t block = p->info->block_len, iv_len = p->version >= TW_TLS11 ? block : 0;
    size_t inner_mac = p->encrypt_then_mac ? 0 : p->mac_len;
    size_t outer_mac = p->mac_len - inner_mac;
    uint8_t mac[TW_HASH_MAX];
    if (rec->body.len < iv_len + block + outer_mac || rec->body.len < iv_len + inner_mac + 1)
        return TW_OPEN_MALFORMED;
    size_t n = rec->body.len - iv_len - outer_mac;
    struct tw_view covered = tw_view_sub(rec->body, 0, iv_len + n);
    if (p->encrypt_then_mac) {
        if (!compute_mac(p, rec->type, rec->version, covered, mac))
            return TW_OPEN_ERROR;
        if (!same_bytes(mac, rec->body.data + covered.len, p->mac_len))
            return TW_OPEN_BAD_MAC;
    }
    if (n % block != 0)
        return TW_OPEN_BAD_MAC; /* RFC 5246 6.2.3.2: told from a wrong MAC by nobody */
    uint8_t *dst = tw_buf_grow(out, n);
    if (dst == NULL)
        return TW_OPEN_ERROR;
    if (!decrypt_blocks(p, tw_view_sub(rec->body, 0, iv_len), tw_view_sub(rec->body, iv_len, n),
                        dst))
        return TW_OPEN_ERROR;
    bool good = false;
    size_t pad = padding(dst, n, inner_mac, &good);
    out->len -= pad + inner_mac;
    if (!p->encrypt_then_mac)
        return check_content(p, rec, dst, n, pad, good);
    if (!good)
        return TW_OPEN_BAD_MAC;
    return n - pad > PLAIN_MAX ? TW_OPEN_TOO_LONG : TW_OPEN_OK;
}

static enum tw_open open_stream(struct tw_protect *p, const struct tw_record *rec,
                                struct tw_buf *out)
{
    size_t n = rec->body.len;
    if (n < p->mac_len)
        return TW_OPEN_MALFORMED;
    if (n == 0)
        return TW_OPEN_OK;
    uint8_t *dst = tw_buf_grow(out, n);
    if (dst == NULL)
        return TW_OPEN_ERROR;
    if (p->key == NULL)
        memcpy(dst, rec->body.data, n);
    else if (!p->crypto->crypt(p->key, NULL, rec->body, dst))
        return TW_OPEN_ERROR;
    out->len -= p->mac_len;
    return check_content(p, rec, dst, n, 0, true);
}

enum tw_open tw_protect_open(struct tw_protect *p, const struct tw_record *rec, uint8_t *type,
                             struct tw_buf *out)
{
    size_t before = out->len;
    enum tw_open st = TW_OPEN_ERROR;
    *type = rec->type;
    if (rec->body.len > TW_MAX_RECORD)
        return TW_OPEN_TOO_LONG;
    switch (p->shape) {
    case SHAPE_AEAD13:
        st = open_aead13(p, rec, type, out);
        break;
    case SHAPE_AEAD12:
        st = open_aead12(p, rec, out);
        break;
    case SHAPE_CBC:
        st = open_cbc(p, rec, out);
        break;
    case SHAPE_STREAM:
        st = open_stream(p, rec, out);
        break;
    }
    if (st == TW_OPEN_OK)
        p->seq++;
    else
        (void)undo(out, before);
    return st;
}
