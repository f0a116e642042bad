/* Signals and sizes: extensions that are a flag, a number or filler. */
#include "wire/ext.h"

static bool encode_empty(const struct tw_ext_build *x, struct tw_buf *b)
{
    return true;
}

static bool note_empty(const struct tw_noter *k, struct tw_view body)
{
    return body.len == 0;
}

const struct tw_extension tw_ext_extended_master_secret = {
    .code = TW_EXT_EXTENDED_MASTER_SECRET,
    .in = TW_IN_CH | TW_IN_SH12,
    .encode = encode_empty,
    .note = note_empty,
    .source = "RFC 7627 5.1",
};

const struct tw_extension tw_ext_encrypt_then_mac = {
    .code = TW_EXT_ENCRYPT_THEN_MAC,
    .in = TW_IN_CH | TW_IN_SH12,
    .encode = encode_empty,
    .note = note_empty,
    .source = "RFC 7366 2",
};

/* First handshake of a connection: no renegotiated_connection. */
static bool encode_renegotiation_info(const struct tw_ext_build *x, struct tw_buf *b)
{
    tw_wr_u8(b, 0);
    return true;
}

static bool note_renegotiation_info(const struct tw_noter *k, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view v = tw_rd_vec(&r, 1, "renegotiated_connection");
    if (tw_rd_ok(&r))
        tw_note_data(k, "renegotiated_connection", v, v.len, NULL);
    return tw_rd_end(&r, "renegotiated_connection");
}

const struct tw_extension tw_ext_renegotiation_info = {
    .code = TW_EXT_RENEGOTIATION_INFO,
    .in = TW_IN_CH | TW_IN_SH12,
    .encode = encode_renegotiation_info,
    .note = note_renegotiation_info,
    .source = "RFC 5746 3.2",
};

/* Code 1..4 for 2^9..2^12 bytes. A ClientHello has it only with a given body. */
static bool note_max_fragment_length(const struct tw_noter *k, struct tw_view body)
{
    if (body.len != 1)
        return false;
    tw_note_num(k, "max_fragment_length", body.data[0], body, NULL);
    return true;
}

const struct tw_extension tw_ext_max_fragment_length = {
    .code = TW_EXT_MAX_FRAGMENT_LENGTH,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_SH12,
    .note = note_max_fragment_length,
    .source = "RFC 6066 4",
};

static bool encode_record_size_limit(const struct tw_ext_build *x, struct tw_buf *b)
{
    tw_wr_u16(b, 0x4001); /* the most that TLS 1.3 allows, as Firefox says it; RFC 8449 4 */
    return true;
}

static bool note_record_size_limit(const struct tw_noter *k, struct tw_view body)
{
    uint16_t v;
    if (!tw_ext_u16(body, &v))
        return false;
    tw_note_num(k, "record_size_limit", v, body, NULL);
    return true;
}

const struct tw_extension tw_ext_record_size_limit = {
    .code = TW_EXT_RECORD_SIZE_LIMIT,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_SH12,
    .encode = encode_record_size_limit,
    .note = note_record_size_limit,
    .source = "RFC 8449 4",
};

/* Its size follows from the rest of the message: hello_encode.c writes it. */
const struct tw_extension tw_ext_padding = {
    .code = TW_EXT_PADDING,
    .in = TW_IN_CH,
    .source = "RFC 7685 3",
};

static bool encode_ech(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->secrets->ech_grease.len == 0 || !tw_ext_offers_tls13(x))
        return false;
    tw_wr_bytes(b, x->secrets->ech_grease);
    return true;
}

/* A server that does not take ECH answers with the configurations that it would take. */
static bool note_ech(const struct tw_noter *k, struct tw_view body)
{
    if (k->msg == TW_MSG_ENCRYPTED_EXTENSIONS)
        tw_note_num(k, "retry_configs", body.len, body, NULL);
    return true;
}

const struct tw_extension tw_ext_ech = {
    .code = TW_EXT_ECH,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_HRR,
    .encode = encode_ech,
    .note = note_ech,
    .source = "RFC 9849 5",
};
