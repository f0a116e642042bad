/*
 * From the bytes of a ClientHello back to a recipe: what a hello that somebody else made offers, so
 * that trials can change one thing of it. Keys, cookies, tickets and PSKs are not taken over.
 */
#include "wire/wire.h"

static void take_u16s(struct tw_view list, struct tw_hello *h, struct tw_u16list *out)
{
    struct tw_reader r = tw_rd_of(list);
    out->n = 0;
    while (tw_rd_left(&r) >= 2) {
        uint16_t v = tw_rd_u16(&r, "value");
        if (tw_is_grease(v))
            h->grease = true;
        else
            tw_u16list_add(out, v);
    }
}

static void take_list(struct tw_view body, size_t len_bytes, struct tw_hello *h,
                      struct tw_u16list *out)
{
    struct tw_reader r = tw_rd_of(body);
    take_u16s(tw_rd_vec(&r, len_bytes, "list"), h, out);
}

static void take_shares(struct tw_view body, struct tw_hello *h)
{
    struct tw_key_share ks;
    for (size_t i = 0; i < 2 * TW_HELLO_MAX_SHARES && tw_ext_key_share_at(body, i, &ks); i++)
        if (!tw_is_grease(ks.group) && h->shares.n < TW_HELLO_MAX_SHARES)
            tw_u16list_add(&h->shares, ks.group);
}

static void take_alpn(struct tw_view body, struct tw_hello *h)
{
    struct tw_view proto;
    for (size_t i = 0; h->alpn_n < TW_ARRAY_LEN(h->alpn) && tw_ext_alpn_at(body, i, &proto); i++)
        if (proto.len > 0 && proto.len < sizeof h->alpn[0])
            memcpy(h->alpn[h->alpn_n++], proto.data, proto.len);
}

static void take_name(struct tw_view body, struct tw_hello *h)
{
    struct tw_view name;
    if (tw_ext_sni(body, &name) && name.len < sizeof h->server_name &&
        memchr(name.data, 0, name.len) == NULL)
        memcpy(h->server_name, name.data, name.len);
}

/* Extensions that the encoder makes whole. */
static bool take_known(const struct tw_ext *e, struct tw_hello *h)
{
    switch (e->type) {
    case TW_EXT_SERVER_NAME:
        take_name(e->body, h);
        return true;
    case TW_EXT_SUPPORTED_GROUPS:
        take_list(e->body, 2, h, &h->groups);
        return true;
    case TW_EXT_SIGNATURE_ALGORITHMS:
        take_list(e->body, 2, h, &h->sigalgs);
        return true;
    case TW_EXT_SIGNATURE_ALGORITHMS_CERT:
        take_list(e->body, 2, h, &h->sigalgs_cert);
        return true;
    case TW_EXT_SUPPORTED_VERSIONS:
        take_list(e->body, 1, h, &h->versions);
        return true;
    case TW_EXT_COMPRESS_CERTIFICATE:
        take_list(e->body, 1, h, &h->cert_compression);
        return true;
    case TW_EXT_ALPN:
        take_alpn(e->body, h);
        return true;
    case TW_EXT_KEY_SHARE:
        take_shares(e->body, h);
        return true;
    case TW_EXT_SESSION_TICKET:
    case TW_EXT_ECH:
        return true; /* their bodies belong to one session */
    default:
        return false;
    }
}

static void take_ext(const struct tw_ext *e, struct tw_hello *h, size_t message)
{
    if (tw_is_grease(e->type)) {
        h->grease = true;
        return;
    }
    if (e->type == TW_EXT_PADDING)
        h->pad_to = message;
    if (e->type == TW_EXT_PADDING || e->type == TW_EXT_PRE_SHARED_KEY ||
        e->type == TW_EXT_COOKIE || e->type == TW_EXT_EARLY_DATA || h->order_n == TW_HELLO_MAX_EXT)
        return;
    if (!take_known(e, h) && e->body.len > 0 && h->raw_ext_n < TW_ARRAY_LEN(h->raw_ext)) {
        h->raw_ext[h->raw_ext_n].type = e->type;
        h->raw_ext[h->raw_ext_n++].body = e->body;
    }
    h->order[h->order_n++] = e->type;
}

bool tw_hello_of_message(struct tw_view message, uint16_t record_version, struct tw_hello *h)
{
    struct tw_client_hello m = {0};
    struct tw_reader r = tw_rd_of(tw_view_sub(message, 4, message.len));
    *h = (struct tw_hello){.record_version = record_version, .compress_null_only = true};
    bool whole = tw_client_hello_decode(&r, &m);
    h->legacy_version = m.version;
    h->random_session_id = m.session_id.len > 0;
    h->compress_null_only = m.compressions.len < 2;
    take_u16s(m.ciphers, h, &h->ciphers);
    struct tw_reader exts = tw_rd_of(m.extensions);
    struct tw_ext e;
    while (tw_ext_next(&exts, &e))
        take_ext(&e, h, message.len);
    for (uint16_t v = m.version < TW_TLS12 ? m.version : TW_TLS12;
         !tw_hello_has_ext(h, TW_EXT_SUPPORTED_VERSIONS) && v >= TW_TLS10; v--)
        tw_u16list_add(&h->versions, v);
    return whole;
}
