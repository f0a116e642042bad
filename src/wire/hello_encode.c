/*
 * From recipe to bytes. The block of extensions is built in the order of the recipe:
 *
 *   [GREASE] order[0] order[1] ... (cookie, early_data, if due and not listed) [GREASE]
 *   [padding] [pre_shared_key]
 *
 * cookie, early_data and pre_shared_key follow from the conversation, not from the recipe: they are
 * sent whenever the secrets carry them. pre_shared_key is last by RFC 8446 4.2.11; padding knows
 * its size only when all else, and the size of pre_shared_key, is known.
 */
#include "wire/ext.h"

static uint16_t grease_value(uint32_t seed, unsigned place)
{
    uint32_t x = seed ^ (0x9e3779b9u * (place + 1));
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    unsigned nibble = x >> 28;
    return (uint16_t)(nibble << 12 | 0x0a00 | nibble << 4 | 0x0a);
}

static struct tw_grease grease_of(const struct tw_hello *h)
{
    if (!h->grease)
        return (struct tw_grease){0};
    struct tw_grease g = {.cipher = grease_value(h->grease_seed, 0),
                          .group = grease_value(h->grease_seed, 1),
                          .version = grease_value(h->grease_seed, 2),
                          .first_ext = grease_value(h->grease_seed, 3),
                          .last_ext = grease_value(h->grease_seed, 4)};
    if (g.last_ext == g.first_ext)
        g.last_ext ^= 0x1010; /* no extension twice */
    return g;
}

static bool given_body(const struct tw_hello *h, uint16_t type, struct tw_view *body)
{
    for (size_t i = 0; i < h->raw_ext_n && i < TW_ARRAY_LEN(h->raw_ext); i++) {
        if (h->raw_ext[i].type == type) {
            *body = h->raw_ext[i].body;
            return true;
        }
    }
    return false;
}

static void put_body(struct tw_buf *b, uint16_t type, struct tw_view body)
{
    tw_wr_u16(b, type);
    tw_wr_vec(b, 2, body);
}

/* An extension that is neither in the table nor given goes out empty: an unknown flag. */
static void put_ext(const struct tw_ext_build *x, struct tw_buf *b, uint16_t type)
{
    struct tw_view body = {NULL, 0};
    const struct tw_extension *e = tw_extension_find(type);
    if (given_body(x->hello, type, &body) || e == NULL) {
        put_body(b, type, body);
        return;
    }
    if (e->encode == NULL)
        return;
    size_t start = b->len;
    tw_wr_u16(b, type);
    size_t mark = tw_wr_open(b, 2);
    if (e->encode(x, b))
        tw_wr_close(b, mark, 2);
    else if (!b->failed)
        b->len = start; /* nothing to say: take back the header */
}

static size_t psk_size(const struct tw_hello_secrets *s)
{
    return s->psk_binder_len == 0 ? 0
                                  : 4 + 2 + 2 + s->psk_identity.len + 4 + 2 + 1 + s->psk_binder_len;
}

/* @param start where the handshake message begins in b */
static void put_padding(const struct tw_ext_build *x, struct tw_buf *b, size_t start)
{
    size_t now = b->len - start + psk_size(x->secrets);
    if (b->failed || now >= x->hello->pad_to)
        return;
    size_t gap = x->hello->pad_to - now;
    size_t fill = gap > 4 ? gap - 4 : 0;
    tw_wr_u16(b, TW_EXT_PADDING);
    size_t mark = tw_wr_open(b, 2);
    uint8_t *p = tw_buf_grow(b, fill);
    if (p != NULL)
        memset(p, 0, fill);
    tw_wr_close(b, mark, 2);
}

static void put_listed(const struct tw_ext_build *x, struct tw_buf *b)
{
    const struct tw_hello *h = x->hello;
    for (size_t i = 0; i < h->order_n && i < TW_HELLO_MAX_EXT; i++) {
        struct tw_view body;
        bool own_place = h->order[i] == TW_EXT_PRE_SHARED_KEY || h->order[i] == TW_EXT_PADDING;
        if (!own_place || given_body(h, h->order[i], &body))
            put_ext(x, b, h->order[i]);
    }
    if (x->secrets->cookie.len > 0 && !tw_hello_has_ext(h, TW_EXT_COOKIE))
        put_ext(x, b, TW_EXT_COOKIE);
    if (x->secrets->early_data && !tw_hello_has_ext(h, TW_EXT_EARLY_DATA))
        put_ext(x, b, TW_EXT_EARLY_DATA);
}

static void put_extensions(const struct tw_ext_build *x, struct tw_buf *b, size_t start)
{
    struct tw_view given;
    size_t block = tw_wr_open(b, 2);
    if (x->hello->grease)
        put_body(b, x->grease.first_ext, (struct tw_view){NULL, 0});
    put_listed(x, b);
    if (x->hello->grease)
        put_body(b, x->grease.last_ext, tw_view_of("\0", 1));
    put_padding(x, b, start);
    if (x->secrets->psk_binder_len > 0 && !given_body(x->hello, TW_EXT_PRE_SHARED_KEY, &given))
        put_ext(x, b, TW_EXT_PRE_SHARED_KEY);
    if (b->len == block && !b->failed)
        b->len -= 2; /* no extensions at all: then no block, as in SSL 3.0 and TLS 1.0 */
    else
        tw_wr_close(b, block, 2);
}

bool tw_hello_encode(const struct tw_hello *h, const struct tw_hello_secrets *s, struct tw_buf *b,
                     size_t *binder_off)
{
    struct tw_ext_build x = {h, s, grease_of(h)};
    struct tw_view given;
    size_t start = b->len;
    *binder_off = 0;
    if (h->raw.len > 0) {
        tw_wr_bytes(b, h->raw);
        return !b->failed;
    }
    size_t message = tw_handshake_open(b, TW_MSG_CLIENT_HELLO);
    tw_wr_u16(b, h->legacy_version);
    tw_wr_bytes(b, s->random);
    tw_wr_vec(b, 1, s->session_id);
    tw_ext_write_u16s(b, 2, &h->ciphers, x.grease.cipher);
    tw_wr_vec(b, 1, h->compress_null_only ? tw_view_of("\0", 1) : tw_view_of("\1\0", 2));
    put_extensions(&x, b, start);
    tw_wr_close(b, message, 3);
    if (b->failed)
        return false;
    if (s->psk_binder_len > 0 && !given_body(h, TW_EXT_PRE_SHARED_KEY, &given))
        *binder_off = b->len - start - s->psk_binder_len;
    return true;
}
