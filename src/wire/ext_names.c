/* Names that the client asks for: server_name (RFC 6066 3) and ALPN (RFC 7301 3.1). */
#include "wire/ext.h"

enum { HOST_NAME = 0 };

bool tw_ext_sni(struct tw_view body, struct tw_view *host)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, 2, "server_name_list");
    *host = (struct tw_view){NULL, 0};
    while (tw_rd_more(&list)) {
        uint8_t type = tw_rd_u8(&list, "name_type");
        struct tw_view name = tw_rd_vec(&list, 2, "HostName");
        if (tw_rd_ok(&list) && type == HOST_NAME && name.len > 0) {
            *host = name;
            return true;
        }
    }
    return false;
}

static bool encode_server_name(const struct tw_ext_build *x, struct tw_buf *b)
{
    size_t len = strnlen(x->hello->server_name, sizeof x->hello->server_name);
    if (len == 0)
        return false;
    size_t list = tw_wr_open(b, 2);
    tw_wr_u8(b, HOST_NAME);
    tw_wr_vec(b, 2, tw_view_of(x->hello->server_name, len));
    tw_wr_close(b, list, 2);
    return true;
}

/* A server acknowledges with an empty body. */
static bool note_server_name(const struct tw_noter *k, struct tw_view body)
{
    struct tw_view host;
    if (k->msg != TW_MSG_CLIENT_HELLO)
        return body.len == 0;
    if (!tw_ext_sni(body, &host))
        return false;
    tw_note_text(k, "server_name", host);
    return true;
}

const struct tw_extension tw_ext_server_name = {
    .code = TW_EXT_SERVER_NAME,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_SH12,
    .encode = encode_server_name,
    .note = note_server_name,
    .source = "RFC 6066 3",
};

bool tw_ext_alpn_at(struct tw_view body, size_t i, struct tw_view *proto)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, 2, "protocol_name_list");
    *proto = (struct tw_view){NULL, 0};
    for (size_t at = 0; tw_rd_more(&list); at++) {
        struct tw_view v = tw_ext_bounded_vec(&list, 1, 1, 255, "ProtocolName");
        if (tw_rd_ok(&list) && at == i) {
            *proto = v;
            return true;
        }
    }
    return false;
}

static bool encode_alpn(const struct tw_ext_build *x, struct tw_buf *b)
{
    const struct tw_hello *h = x->hello;
    if (h->alpn_n == 0)
        return false;
    size_t list = tw_wr_open(b, 2);
    for (size_t i = 0; i < h->alpn_n && i < TW_ARRAY_LEN(h->alpn); i++)
        tw_wr_vec(b, 1, tw_view_of(h->alpn[i], strnlen(h->alpn[i], sizeof h->alpn[i])));
    tw_wr_close(b, list, 2);
    return true;
}

/* From a client one FIELD per protocol; from a server the one that it chose. */
static bool note_alpn(const struct tw_noter *k, struct tw_view body)
{
    struct tw_view proto;
    char text[64];
    size_t n = 0;
    for (; n < TW_NOTE_MAX_ITEMS && tw_ext_alpn_at(body, n, &proto); n++)
        tw_note_text(k, "alpn", proto);
    if (n == TW_NOTE_MAX_ITEMS)
        tw_note_limit(k, "alpn");
    if (n > 0 && k->n->from == TW_SERVER && tw_ext_alpn_at(body, 0, &proto))
        tw_note_negotiated(k, "alpn", 0, tw_note_printable(proto, text, sizeof text));
    return n > 0;
}

const struct tw_extension tw_ext_alpn = {
    .code = TW_EXT_ALPN,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_SH12,
    .encode = encode_alpn,
    .note = note_alpn,
    .source = "RFC 7301 3.1",
};
