/* DER written for tests: certificates with exactly the parts that a test wants. */
#ifndef TW_TEST_DER_BUILD_H
#define TW_TEST_DER_BUILD_H

#include "../bytes.h"

#include "x509/der.h"
#include "x509/x509.h"

static inline void put_tlv(struct tw_buf *b, uint8_t tag, struct tw_view body)
{
    tw_wr_u8(b, tag);
    if (body.len < 0x80)
        tw_wr_u8(b, (unsigned)body.len);
    else if (body.len < 0x100)
        tw_wr_u16(b, (unsigned)(0x8100 | body.len));
    else
        tw_wr_uint(b, 3, 0x820000 | body.len);
    tw_wr_bytes(b, body);
}

/** Wraps all that stands in b from `start` on into one element. */
static inline void wrap(struct tw_buf *b, size_t start, uint8_t tag)
{
    size_t n = b->len - start;
    uint8_t *copy = exact_copy(tw_view_of(b->data + start, n));
    b->len = start;
    put_tlv(b, tag, tw_view_of(copy, n));
    free(copy);
}

static inline void put_hex(struct tw_buf *b, uint8_t tag, const char *hex)
{
    size_t start = b->len;
    add_hex(b, hex);
    wrap(b, start, tag);
}

/** One RDN with one attribute; oid in hex. */
static inline void put_rdn(struct tw_buf *b, const char *oid, uint8_t tag, struct tw_view value)
{
    size_t start = b->len;
    put_hex(b, DER_OID, oid);
    put_tlv(b, tag, value);
    wrap(b, start, DER_SEQ);
    wrap(b, start, DER_SET);
}

#define OID_CN "550403"
#define OID_O "55040a"
#define OID_SAN "551d11"

/** Name with a CN alone. */
static inline void put_name(struct tw_buf *b, const char *cn)
{
    size_t start = b->len;
    if (cn != NULL)
        put_rdn(b, OID_CN, 0x0c, tw_view_str(cn));
    wrap(b, start, DER_SEQ);
}

/** What a built certificate says; all-zero members give something plain. */
struct cert_spec {
    const char *cn, *issuer_cn;
    const char *not_before, *not_after; /* UTCTime, or GeneralizedTime when longer than 13 */
    struct tw_view san;                 /* contents of the GeneralNames SEQUENCE; data NULL: none */
    struct tw_view extensions;          /* further Extension elements */
};

static inline void put_time(struct tw_buf *b, const char *s)
{
    put_tlv(b, strlen(s) > 13 ? DER_GENTIME : DER_UTC, tw_view_str(s));
}

static inline void put_extension(struct tw_buf *b, const char *oid, bool critical,
                                 struct tw_view value)
{
    size_t start = b->len;
    put_hex(b, DER_OID, oid);
    if (critical)
        put_hex(b, DER_BOOL, "ff");
    put_tlv(b, DER_OCTETS, value);
    wrap(b, start, DER_SEQ);
}

static inline void put_extensions(struct tw_buf *b, const struct cert_spec *s)
{
    if (s->san.data == NULL && s->extensions.len == 0)
        return;
    size_t start = b->len;
    if (s->san.data != NULL) {
        struct tw_buf names;
        tw_buf_init(&names, 1 << 16);
        put_tlv(&names, DER_SEQ, s->san);
        put_extension(b, OID_SAN, false, tw_buf_view(&names));
        tw_buf_cleanup(&names);
    }
    tw_wr_bytes(b, s->extensions);
    wrap(b, start, DER_SEQ);
    wrap(b, start, 0xa3);
}

/** A whole certificate; its signature is not one. */
static inline void put_cert(struct tw_buf *b, const struct cert_spec *s)
{
    size_t start = b->len;
    put_hex(b, 0xa0, "020102"); /* version 3 */
    put_hex(b, DER_INT, "01f2");
    put_hex(b, DER_SEQ, "06082a8648ce3d040302");
    put_name(b, s->issuer_cn != NULL ? s->issuer_cn : "issuer");
    size_t validity = b->len;
    put_time(b, s->not_before != NULL ? s->not_before : "200101000000Z");
    put_time(b, s->not_after != NULL ? s->not_after : "491231235959Z");
    wrap(b, validity, DER_SEQ);
    put_name(b, s->cn);
    put_hex(b, DER_SEQ, "301306072a8648ce3d020106082a8648ce3d030107 0303 000401");
    put_extensions(b, s);
    wrap(b, start, DER_SEQ);
    put_hex(b, DER_SEQ, "06082a8648ce3d040302");
    put_hex(b, DER_BITS, "00 30020100");
    wrap(b, start, DER_SEQ);
    assert_false(b->failed);
}

#endif
