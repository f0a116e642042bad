/*
 * The public key of a certificate, as bytes: a bounded walk over the outer fields, RFC 5280 4.1.
 * Everything else about certificates is x509's.
 */
#include "engine/client.h"

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

/* One TLV with a low tag and a definite length of at most three bytes; content into *v. */
static bool tlv(struct tw_reader *r, uint8_t tag, struct tw_view *v)
{
    if (tw_rd_u8(r, "tag") != tag && tw_rd_ok(r))
        tw_rd_fail(r, "tag");
    size_t len = tw_rd_u8(r, "length");
    if (len > 0x83 || len == 0x80)
        tw_rd_fail(r, "length");
    else if (len > 0x80)
        len = (size_t)tw_rd_uint(r, len - 0x80, "length");
    *v = tw_rd_bytes(r, len, "content");
    return tw_rd_ok(r);
}

bool tw_cert_spki(struct tw_view der, struct tw_view *spki)
{
    struct tw_reader r = tw_rd_of(der);
    struct tw_view v = {0}, tbs = {0};
    if (!tlv(&r, DER_SEQUENCE, &v))
        return false;
    r = tw_rd_of(v);
    if (!tlv(&r, DER_SEQUENCE, &tbs))
        return false;
    r = tw_rd_of(tbs);
    if (tbs.len > 0 && tbs.data[0] == DER_VERSION)
        tlv(&r, DER_VERSION, &v);
    tlv(&r, DER_INTEGER, &v);  /* serialNumber */
    tlv(&r, DER_SEQUENCE, &v); /* signature */
    tlv(&r, DER_SEQUENCE, &v); /* issuer */
    tlv(&r, DER_SEQUENCE, &v); /* validity */
    tlv(&r, DER_SEQUENCE, &v); /* subject */
    size_t start = r.pos;
    if (!tlv(&r, DER_SEQUENCE, &v))
        return false;
    *spki = tw_view_sub(tbs, start, r.pos - start);
    return true;
}
