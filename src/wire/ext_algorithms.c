/* Lists of algorithms: groups, point formats, signature schemes, certificate compression. */
#include "wire/ext.h"

/* FIELD with the bare list as data and its count as number. */
static bool note_u16s(const struct tw_noter *k, struct tw_view body, size_t len_bytes,
                      const char *field)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view list = tw_rd_vec(&r, len_bytes, field);
    if (tw_rd_ok(&r))
        tw_note_data(k, field, list, list.len / 2, NULL);
    return tw_rd_end(&r, field) && list.len > 0 && list.len % 2 == 0;
}

static bool encode_supported_groups(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->hello->groups.n == 0)
        return false;
    tw_ext_write_u16s(b, 2, &x->hello->groups, x->hello->grease ? x->grease.group : 0);
    return true;
}

static bool note_supported_groups(const struct tw_noter *k, struct tw_view body)
{
    return note_u16s(k, body, 2, "supported_groups");
}

const struct tw_extension tw_ext_supported_groups = {
    .code = TW_EXT_SUPPORTED_GROUPS,
    .in = TW_IN_CH | TW_IN_EE,
    .encode = encode_supported_groups,
    .note = note_supported_groups,
    .source = "RFC 8446 4.2.7",
};

static bool encode_ec_point_formats(const struct tw_ext_build *x, struct tw_buf *b)
{
    tw_wr_vec(b, 1, tw_view_of("\0", 1)); /* uncompressed, the only one left by RFC 8422 5.1.2 */
    return true;
}

static bool note_ec_point_formats(const struct tw_noter *k, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view list = tw_rd_vec(&r, 1, "ec_point_formats");
    if (tw_rd_ok(&r))
        tw_note_data(k, "ec_point_formats", list, list.len, NULL);
    return tw_rd_end(&r, "ec_point_formats") && list.len > 0;
}

const struct tw_extension tw_ext_ec_point_formats = {
    .code = TW_EXT_EC_POINT_FORMATS,
    .in = TW_IN_CH | TW_IN_SH12,
    .encode = encode_ec_point_formats,
    .note = note_ec_point_formats,
    .source = "RFC 8422 5.1.2",
};

static bool encode_signature_algorithms(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->hello->sigalgs.n == 0)
        return false;
    tw_ext_write_u16s(b, 2, &x->hello->sigalgs, 0);
    return true;
}

static bool note_signature_algorithms(const struct tw_noter *k, struct tw_view body)
{
    return note_u16s(k, body, 2, "signature_algorithms");
}

const struct tw_extension tw_ext_signature_algorithms = {
    .code = TW_EXT_SIGNATURE_ALGORITHMS,
    .in = TW_IN_CH | TW_IN_CR,
    .encode = encode_signature_algorithms,
    .note = note_signature_algorithms,
    .source = "RFC 8446 4.2.3",
};

static bool encode_signature_algorithms_cert(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->hello->sigalgs_cert.n == 0)
        return false;
    tw_ext_write_u16s(b, 2, &x->hello->sigalgs_cert, 0);
    return true;
}

static bool note_signature_algorithms_cert(const struct tw_noter *k, struct tw_view body)
{
    return note_u16s(k, body, 2, "signature_algorithms_cert");
}

const struct tw_extension tw_ext_signature_algorithms_cert = {
    .code = TW_EXT_SIGNATURE_ALGORITHMS_CERT,
    .in = TW_IN_CH | TW_IN_CR,
    .encode = encode_signature_algorithms_cert,
    .note = note_signature_algorithms_cert,
    .source = "RFC 8446 4.2.3",
};

static bool encode_compress_certificate(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (x->hello->cert_compression.n == 0 || !tw_ext_offers_tls13(x))
        return false;
    tw_ext_write_u16s(b, 1, &x->hello->cert_compression, 0);
    return true;
}

static bool note_compress_certificate(const struct tw_noter *k, struct tw_view body)
{
    return note_u16s(k, body, 1, "compress_certificate");
}

const struct tw_extension tw_ext_compress_certificate = {
    .code = TW_EXT_COMPRESS_CERTIFICATE,
    .in = TW_IN_CH | TW_IN_CR,
    .encode = encode_compress_certificate,
    .note = note_compress_certificate,
    .source = "RFC 8879 3",
};
