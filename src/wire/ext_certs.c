/* About certificates: stapled status (RFC 6066 8, RFC 8446 4.4.2.1), signed certificate timestamps
 * (RFC 6962 3.3), acceptable authorities (RFC 8446 4.2.4). */
#include "wire/ext.h"

enum { OCSP = 1 };

static bool encode_status_request(const struct tw_ext_build *x, struct tw_buf *b)
{
    tw_wr_u8(b, OCSP);
    tw_wr_u16(b, 0); /* no responder_id_list */
    tw_wr_u16(b, 0); /* no request_extensions */
    return true;
}

/* A request from a client; an empty promise below TLS 1.3; the response itself in a
 * CertificateEntry. */
static bool note_status_request(const struct tw_noter *k, struct tw_view body)
{
    if (k->msg != TW_MSG_CERTIFICATE && k->msg != TW_MSG_COMPRESSED_CERTIFICATE) {
        if (k->n->from == TW_CLIENT && body.len > 0)
            tw_note_num(k, "status_type", body.data[0], body, body.data[0] == OCSP ? "ocsp" : NULL);
        return true;
    }
    struct tw_reader r = tw_rd_of(body);
    struct tw_certificate_status m;
    if (!tw_certificate_status_decode(&r, &m))
        return false;
    tw_note_data(k, "ocsp_response", m.response, m.response.len, NULL);
    return true;
}

const struct tw_extension tw_ext_status_request = {
    .code = TW_EXT_STATUS_REQUEST,
    .in = TW_IN_CH | TW_IN_CR | TW_IN_CT | TW_IN_SH12,
    .encode = encode_status_request,
    .note = note_status_request,
    .source = "RFC 6066 8",
};

static bool encode_empty(const struct tw_ext_build *x, struct tw_buf *b)
{
    return true;
}

static bool note_sct(const struct tw_noter *k, struct tw_view body)
{
    if (body.len == 0)
        return k->n->from == TW_CLIENT || k->msg == TW_MSG_CERTIFICATE_REQUEST;
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, 2, "sct_list");
    for (size_t i = 0; tw_rd_more(&list); i++) {
        struct tw_view sct = tw_ext_bounded_vec(&list, 2, 1, 0xffff, "SerializedSCT");
        if (!tw_rd_ok(&list))
            break;
        if (i == TW_NOTE_MAX_ITEMS) {
            tw_note_limit(k, "signed_certificate_timestamp");
            break;
        }
        tw_note_data(k, "signed_certificate_timestamp", sct, i, NULL);
    }
    return tw_rd_ok(&list) && tw_rd_end(&r, "sct_list");
}

const struct tw_extension tw_ext_sct = {
    .code = TW_EXT_SCT,
    .in = TW_IN_CH | TW_IN_CR | TW_IN_CT | TW_IN_SH12,
    .encode = encode_empty,
    .note = note_sct,
    .source = "RFC 6962 3.3.1",
};

/* The names themselves are noted with CertificateRequest, the same for every version. */
const struct tw_extension tw_ext_certificate_authorities = {
    .code = TW_EXT_CERTIFICATE_AUTHORITIES,
    .in = TW_IN_CH | TW_IN_CR,
    .source = "RFC 8446 4.2.4",
};

const struct tw_extension tw_ext_post_handshake_auth = {
    .code = TW_EXT_POST_HANDSHAKE_AUTH,
    .in = TW_IN_CH,
    .encode = encode_empty,
    .source = "RFC 8446 4.2.6",
};
