/* TLS 1.3 key schedule, RFC 8446 7.1: HKDF (RFC 5869) over the table's HMAC. */
#include "engine/keys.h"

static const uint8_t zeros[TW_HASH_MAX];

static struct tw_view secret_view(const struct tw_secret *s)
{
    return tw_view_of(s->v, s->n);
}

/* struct HkdfLabel. The longest context is a ticket_nonce of 255 bytes. */
static size_t write_label(uint8_t *info, size_t cap, size_t n, const char *label,
                          struct tw_view context)
{
    size_t label_len = strlen(label);
    if (10 + label_len + context.len > cap || context.len > 255 || n > 0xffff)
        return 0;
    uint8_t *p = info;
    *p++ = (uint8_t)(n >> 8);
    *p++ = (uint8_t)n;
    *p++ = (uint8_t)(6 + label_len);
    memcpy(p, "tls13 ", 6);
    memcpy(p + 6, label, label_len);
    p += 6 + label_len;
    *p++ = (uint8_t)context.len;
    if (context.len > 0)
        memcpy(p, context.data, context.len);
    return 10 + label_len + context.len;
}

bool tw_hkdf_expand_label(struct tw_crypto *c, enum tw_hash_id h, struct tw_view secret,
                          const char *label, struct tw_view context, uint8_t *out, size_t n)
{
    uint8_t info[288], block[TW_HASH_MAX];
    size_t info_len = write_label(info, sizeof info, n, label, context);
    size_t block_len = 0, done = 0;
    bool ok = info_len > 0;
    for (unsigned i = 1; ok && done < n; i++) {
        uint8_t counter = (uint8_t)i;
        struct tw_view parts[3] = {tw_view_of(block, block_len), tw_view_of(info, info_len),
                                   tw_view_of(&counter, 1)};
        block_len = c->hmac(c->ctx, h, secret, parts, 3, block);
        ok = block_len > 0 && i < 256;
        size_t take = n - done < block_len ? n - done : block_len;
        if (ok)
            memcpy(out + done, block, take);
        done += take;
    }
    tw_wipe(block, sizeof block);
    return ok;
}

static bool expand(const struct tw_schedule13 *s, const struct tw_secret *from, const char *label,
                   struct tw_view context, struct tw_secret *to)
{
    struct tw_secret made = {.n = tw_hash_len(s->hash)};
    bool ok = tw_hkdf_expand_label(s->crypto, s->hash, secret_view(from), label, context, made.v,
                                   made.n);
    *to = made;
    tw_wipe(&made, sizeof made);
    return ok;
}

/* HKDF-Extract; an empty input stands for Hash.length zeros. */
static bool extract(const struct tw_schedule13 *s, struct tw_view salt, struct tw_view in,
                    struct tw_secret *to)
{
    if (in.len == 0)
        in = tw_view_of(zeros, tw_hash_len(s->hash));
    to->n = s->crypto->hmac(s->crypto->ctx, s->hash, salt, &in, 1, to->v);
    return to->n > 0;
}

static bool empty_hash(const struct tw_schedule13 *s, uint8_t out[TW_HASH_MAX])
{
    return s->crypto->digest(s->crypto->ctx, s->hash, NULL, 0, out) > 0;
}

/* The step from one stage to the next: extract under Derive-Secret(stage, "derived", ""). */
static bool next_stage(const struct tw_schedule13 *s, const struct tw_secret *stage,
                       struct tw_view in, struct tw_secret *to)
{
    uint8_t none[TW_HASH_MAX];
    struct tw_secret salt = {0};
    bool ok = empty_hash(s, none) &&
              expand(s, stage, "derived", tw_view_of(none, tw_hash_len(s->hash)), &salt) &&
              extract(s, secret_view(&salt), in, to);
    tw_wipe(&salt, sizeof salt);
    return ok;
}

bool tw_schedule13_early(struct tw_schedule13 *s, struct tw_crypto *c, enum tw_hash_id h,
                         struct tw_view psk)
{
    *s = (struct tw_schedule13){.crypto = c, .hash = h};
    return extract(s, tw_view_of(zeros, tw_hash_len(h)), psk, &s->early);
}

bool tw_schedule13_binder(struct tw_schedule13 *s, bool external, struct tw_view transcript_hash,
                          struct tw_secret *binder)
{
    uint8_t none[TW_HASH_MAX];
    struct tw_secret key = {0};
    bool ok = empty_hash(s, none) &&
              expand(s, &s->early, external ? "ext binder" : "res binder",
                     tw_view_of(none, tw_hash_len(s->hash)), &key) &&
              tw_schedule13_finished(s, &key, transcript_hash, binder);
    tw_wipe(&key, sizeof key);
    return ok;
}

bool tw_schedule13_handshake(struct tw_schedule13 *s, struct tw_view ecdhe,
                             struct tw_view hash_ch_sh)
{
    return next_stage(s, &s->early, ecdhe, &s->handshake) &&
           expand(s, &s->handshake, "c hs traffic", hash_ch_sh, &s->client_hs) &&
           expand(s, &s->handshake, "s hs traffic", hash_ch_sh, &s->server_hs);
}

bool tw_schedule13_master(struct tw_schedule13 *s, struct tw_view hash_ch_server_finished)
{
    struct tw_view none = {NULL, 0};
    return next_stage(s, &s->handshake, none, &s->master) &&
           expand(s, &s->master, "c ap traffic", hash_ch_server_finished, &s->client_app) &&
           expand(s, &s->master, "s ap traffic", hash_ch_server_finished, &s->server_app) &&
           expand(s, &s->master, "exp master", hash_ch_server_finished, &s->exporter);
}

bool tw_schedule13_resumption(struct tw_schedule13 *s, struct tw_view hash_ch_client_finished)
{
    return expand(s, &s->master, "res master", hash_ch_client_finished, &s->resumption);
}

bool tw_schedule13_ticket_psk(const struct tw_schedule13 *s, struct tw_view nonce,
                              struct tw_secret *psk)
{
    return expand(s, &s->resumption, "resumption", nonce, psk);
}

bool tw_schedule13_finished(const struct tw_schedule13 *s, const struct tw_secret *traffic,
                            struct tw_view transcript_hash, struct tw_secret *verify_data)
{
    struct tw_secret key = {0};
    bool ok = expand(s, traffic, "finished", (struct tw_view){NULL, 0}, &key);
    verify_data->n = 0;
    if (ok)
        verify_data->n = s->crypto->hmac(s->crypto->ctx, s->hash, secret_view(&key),
                                         &transcript_hash, 1, verify_data->v);
    tw_wipe(&key, sizeof key);
    return verify_data->n > 0;
}

bool tw_schedule13_update(const struct tw_schedule13 *s, struct tw_secret *traffic)
{
    return expand(s, traffic, "traffic upd", (struct tw_view){NULL, 0}, traffic);
}
