/* OCSP responses taken apart, and requests written. Judging is for ocsp_check.c. */
#include "x509/ocsp.h"
#include "x509/der.h"
#include "x509/der_write.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))
#define PKIX_OCSP "\x2b\x06\x01\x05\x05\x07\x30\x01" /* id-pkix-ocsp, and id-ad-ocsp */
#define CA_ISSUERS "\x2b\x06\x01\x05\x05\x07\x30\x02"

enum { ENUMERATED = 0x0a };

const char *tw_ocsp_status_name(int status)
{
    static const char *const names[] = {"successful", "malformedRequest", "internalError",
                                        "tryLater", "unassigned", "sigRequired", "unauthorized"};
    return status >= 0 && (size_t)status < TW_ARRAY_LEN(names) ? names[status] : "unassigned";
}

/* Moves a sub-reader's failure to the reader it came from. */
static bool carry(struct tw_reader *to, const struct tw_reader *from)
{
    if (!tw_rd_ok(from) && tw_rd_ok(to)) {
        to->pos = from->fail_at;
        tw_rd_fail(to, from->fail_field);
    }
    return tw_rd_ok(to);
}

/* responseExtensions: nonce (4.4.1); the rest only counts when critical. */
static void response_extensions(struct tw_ocsp *o, struct tw_reader *t)
{
    struct tw_reader outer, in;
    if (!der_optional(t, 0xa1, &outer))
        return;
    struct tw_reader list = der_next(&outer, DER_SEQ, "responseExtensions");
    while (tw_rd_more(&list)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "extension");
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        bool critical = der_optional(&e, DER_BOOL, &in) && tw_rd_u8(&in, "critical") != 0;
        struct tw_reader value = der_next(&e, DER_OCTETS, "extnValue");
        carry(&list, &e);
        if (OID_IS(oid, PKIX_OCSP "\x02")) {
            struct tw_view raw = tw_view_of(value.data + value.pos, value.end - value.pos);
            o->nonce = der_bytes(&value, DER_OCTETS, "nonce");
            if (!tw_rd_ok(&value))
                o->nonce = raw; /* old responders put the bytes there without an OCTET STRING */
        } else if (critical) {
            o->unknown_critical = true;
        }
    }
    carry(&outer, &list);
    carry(t, &outer);
}

static void response_data(struct tw_ocsp *o, struct tw_reader *r)
{
    struct tw_reader t = der_whole(r, DER_SEQ, &o->tbs, "tbsResponseData"), in;
    der_optional(&t, 0xa0, &in); /* version */
    if (der_optional(&t, 0xa1, &in))
        o->name = tw_rd_rest(&in);
    else
        in = der_next(&t, 0xa2, "responderID");
    if (o->name.len == 0)
        o->key_hash = der_bytes(&in, DER_OCTETS, "byKey");
    carry(&t, &in);
    o->produced_at = der_time(&t, "producedAt");
    o->responses = der_bytes(&t, DER_SEQ, "responses");
    response_extensions(o, &t);
    tw_rd_end(&t, "tbsResponseData");
    carry(r, &t);
}

static void basic_response(struct tw_ocsp *o, struct tw_reader *outer)
{
    struct tw_reader r = der_next(outer, DER_SEQ, "BasicOCSPResponse"), in;
    o->basic = true;
    response_data(o, &r);
    der_whole(&r, DER_SEQ, &o->sig_alg, "signatureAlgorithm");
    struct tw_view bits = der_bytes(&r, DER_BITS, "signature");
    o->signature = bits.len > 1 ? tw_view_sub(bits, 1, bits.len - 1) : tw_view_of(NULL, 0);
    if (der_optional(&r, 0xa0, &in)) {
        o->certs = der_bytes(&in, DER_SEQ, "certs");
        carry(&r, &in);
    }
    tw_rd_end(&r, "BasicOCSPResponse");
    carry(outer, &r);
}

bool tw_ocsp_parse(struct tw_view der, struct tw_ocsp *o)
{
    *o = (struct tw_ocsp){.der = der};
    struct tw_reader whole = tw_rd_of(der), in, octets;
    struct tw_reader r = der_next(&whole, DER_SEQ, "OCSPResponse");
    struct tw_view status = der_bytes(&r, ENUMERATED, "responseStatus");
    o->status = status.len == 1 ? status.data[0] : -1;
    if (der_optional(&r, 0xa0, &in)) {
        struct tw_reader s = der_next(&in, DER_SEQ, "responseBytes");
        struct tw_view oid = der_bytes(&s, DER_OID, "responseType");
        octets = der_next(&s, DER_OCTETS, "response");
        carry(&in, &s);
        carry(&r, &in);
        if (tw_rd_ok(&r) && OID_IS(oid, PKIX_OCSP "\x01")) {
            basic_response(o, &octets);
            tw_rd_end(&octets, "response");
            carry(&r, &octets);
        }
    }
    tw_rd_end(&r, "OCSPResponse");
    carry(&whole, &r);
    tw_rd_end(&whole, "after the OCSPResponse");
    o->fail_field = whole.fail_field;
    o->fail_at = tw_rd_ok(&whole) ? 0 : whole.fail_at;
    return tw_rd_ok(&whole);
}

/* ---- requests ------------------------------------------------------------------------------------ */

struct tw_view tw_spki_key_bits(struct tw_view spki)
{
    struct tw_reader r = tw_rd_of(spki);
    struct tw_reader s = der_next(&r, DER_SEQ, "SubjectPublicKeyInfo");
    der_next(&s, DER_SEQ, "algorithm");
    struct tw_view bits = der_bytes(&s, DER_BITS, "subjectPublicKey");
    return bits.len > 0 ? tw_view_sub(bits, 1, bits.len - 1) : bits;
}

/* CertID, RFC 6960 4.1.1, with SHA-1. */
static bool cert_id(struct tw_crypto *crypto, const struct tw_cert *cert,
                    const struct tw_cert *issuer, struct tw_buf *out)
{
    static const uint8_t sha1[] = {0x30, 9, 0x06, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0};
    uint8_t name[TW_HASH_MAX], key[TW_HASH_MAX];
    struct tw_view bits = tw_spki_key_bits(issuer->spki);
    size_t a = crypto->digest(crypto->ctx, TW_HASH_SHA1, &cert->issuer, 1, name);
    size_t b = crypto->digest(crypto->ctx, TW_HASH_SHA1, &bits, 1, key);
    struct tw_buf id;
    tw_buf_init(&id, 4096);
    tw_buf_add(&id, sha1, sizeof sha1);
    der_put(&id, DER_OCTETS, tw_view_of(name, a));
    der_put(&id, DER_OCTETS, tw_view_of(key, b));
    der_put(&id, DER_INT, cert->serial);
    der_put(out, DER_SEQ, tw_buf_view(&id));
    bool ok = a > 0 && b > 0 && !id.failed && !out->failed;
    tw_buf_cleanup(&id);
    return ok;
}

/* Wraps what stands in b since mark 0: b becomes one element with it as contents. */
static void wrap(struct tw_buf *b, uint8_t tag)
{
    struct tw_buf whole;
    tw_buf_init(&whole, b->max);
    der_put(&whole, tag, tw_buf_view(b));
    whole.failed = whole.failed || b->failed;
    tw_buf_cleanup(b);
    *b = whole;
}

static void nonce_extension(struct tw_view nonce, struct tw_buf *out)
{
    struct tw_buf value;
    tw_buf_init(&value, 4096);
    der_put(&value, DER_OCTETS, nonce);
    wrap(&value, DER_OCTETS);
    struct tw_buf oid;
    tw_buf_init(&oid, 64);
    der_put(&oid, DER_OID, tw_view_of(PKIX_OCSP "\x02", sizeof PKIX_OCSP));
    der_put2(out, DER_SEQ, tw_buf_view(&oid), tw_buf_view(&value));
    wrap(out, DER_SEQ);
    wrap(out, 0xa2);
    tw_buf_cleanup(&oid);
    tw_buf_cleanup(&value);
}

enum tw_status tw_ocsp_request_write(struct tw_crypto *crypto, const struct tw_cert *cert,
                                     const struct tw_cert *issuer, struct tw_view nonce,
                                     struct tw_buf *out)
{
    struct tw_buf list, ext;
    tw_buf_init(&list, 8192);
    tw_buf_init(&ext, 4096);
    bool ok = cert_id(crypto, cert, issuer, &list);
    wrap(&list, DER_SEQ); /* Request */
    wrap(&list, DER_SEQ); /* requestList */
    if (nonce.len > 0)
        nonce_extension(nonce, &ext);
    struct tw_buf tbs;
    tw_buf_init(&tbs, 16384);
    der_put2(&tbs, DER_SEQ, tw_buf_view(&list), tw_buf_view(&ext));
    der_put(out, DER_SEQ, tw_buf_view(&tbs));
    ok = ok && !list.failed && !ext.failed && !tbs.failed && !out->failed;
    tw_buf_cleanup(&list);
    tw_buf_cleanup(&ext);
    tw_buf_cleanup(&tbs);
    return ok ? TW_OK : TW_E_CRYPTO;
}

size_t tw_cert_aia_urls(const struct tw_cert *c, bool ocsp, struct tw_view *out, size_t cap)
{
    struct tw_reader r = tw_rd_of(c->aia), uri;
    struct tw_reader list = der_next(&r, DER_SEQ, "authorityInfoAccess");
    size_t n = 0;
    while (n < cap && tw_rd_more(&list)) {
        struct tw_reader d = der_next(&list, DER_SEQ, "AccessDescription");
        struct tw_view oid = der_bytes(&d, DER_OID, "accessMethod");
        bool match = ocsp ? OID_IS(oid, PKIX_OCSP) : OID_IS(oid, CA_ISSUERS);
        if (!match || !der_optional(&d, 0x86, &uri))
            continue;
        struct tw_view v = tw_rd_rest(&uri);
        if (v.len > 7 && tw_view_ieq(tw_view_sub(v, 0, 7), "http://"))
            out[n++] = v;
    }
    return n;
}
