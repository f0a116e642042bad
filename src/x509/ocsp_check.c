/* Is an OCSP response about the certificate, from the right signer, and current? RFC 6960 3.2. */
#include "x509/ocsp.h"
#include "x509/der.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))
#define OCSP_SIGNING "1.3.6.1.5.5.7.3.9"

const char *tw_ocsp_why_text(enum tw_ocsp_why w)
{
    static const char *const texts[] = {
#define X(id, text) text,
        TW_OCSP_WHY_LIST(X)
#undef X
    };
    return (size_t)w < TW_ARRAY_LEN(texts) ? texts[w] : "unknown";
}

/* ---- CertID ------------------------------------------------------------------------------------ */

static enum tw_hash_id hash_of(struct tw_view oid)
{
    if (OID_IS(oid, "\x2b\x0e\x03\x02\x1a"))
        return TW_HASH_SHA1;
    if (OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x01"))
        return TW_HASH_SHA256;
    if (OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x02"))
        return TW_HASH_SHA384;
    return OID_IS(oid, "\x60\x86\x48\x01\x65\x03\x04\x02\x03") ? TW_HASH_SHA512 : TW_HASH_NONE;
}

static bool digest_is(struct tw_crypto *c, enum tw_hash_id hash, struct tw_view of,
                      struct tw_view is)
{
    uint8_t md[TW_HASH_MAX];
    size_t n = hash == TW_HASH_NONE ? 0 : c->digest(c->ctx, hash, &of, 1, md);
    return n > 0 && tw_view_eq(tw_view_of(md, n), is);
}

enum match { NO, OTHER_KEY, YES };

static enum match match_id(struct tw_reader id, const struct tw_ocsp_request *req)
{
    struct tw_reader alg = der_next(&id, DER_SEQ, "hashAlgorithm");
    enum tw_hash_id hash = hash_of(der_bytes(&alg, DER_OID, "hashAlgorithm"));
    struct tw_view name = der_bytes(&id, DER_OCTETS, "issuerNameHash");
    struct tw_view key = der_bytes(&id, DER_OCTETS, "issuerKeyHash");
    struct tw_view serial = der_bytes(&id, DER_INT, "serialNumber");
    if (!tw_rd_ok(&id) || !tw_rd_ok(&alg) || !tw_view_eq(serial, req->cert->serial) ||
        !digest_is(req->crypto, hash, req->cert->issuer, name))
        return NO;
    return digest_is(req->crypto, hash, tw_spki_key_bits(req->issuer->spki), key) ? YES : OTHER_KEY;
}

/* ---- SingleResponse, 4.2.1 ------------------------------------------------------------------------ */

struct single {
    uint8_t status;               /* tag of certStatus */
    int64_t revoked_at, this_update, next_update;
    int reason;
    bool has_next, unknown_critical;
    struct tw_view scts;
};

static void cert_status(struct tw_reader *s, struct single *x)
{
    struct tw_reader in = der_any(s, &x->status, NULL, "certStatus"), reason;
    if (x->status != 0xa1)
        return;
    x->revoked_at = der_time(&in, "revocationTime");
    if (der_optional(&in, 0xa0, &reason)) {
        struct tw_view n = der_bytes(&reason, 0x0a, "revocationReason");
        x->reason = n.len == 1 ? n.data[0] : 0;
    }
}

static void single_extensions(struct tw_reader *s, struct single *x)
{
    struct tw_reader outer, in;
    if (!der_optional(s, 0xa1, &outer))
        return;
    struct tw_reader list = der_next(&outer, DER_SEQ, "singleExtensions");
    while (tw_rd_more(&list)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "extension");
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        bool critical = der_optional(&e, DER_BOOL, &in) && tw_rd_u8(&in, "critical") != 0;
        struct tw_reader value = der_next(&e, DER_OCTETS, "extnValue");
        if (OID_IS(oid, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05"))
            x->scts = der_bytes(&value, DER_OCTETS, "SignedCertificateTimestampList");
        else if (critical)
            x->unknown_critical = true;
    }
}

static bool read_single(struct tw_reader *s, struct single *x)
{
    struct tw_reader in;
    *x = (struct single){0};
    cert_status(s, x);
    x->this_update = der_time(s, "thisUpdate");
    x->has_next = der_optional(s, 0xa0, &in);
    if (x->has_next)
        x->next_update = der_time(&in, "nextUpdate");
    single_extensions(s, x);
    return tw_rd_ok(s) && (!x->has_next || tw_rd_ok(&in));
}

/* The newest answer about the certificate. */
static bool find_single(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                        struct single *best, bool *other_key, bool *damaged)
{
    struct tw_reader list = tw_rd_of(o->responses);
    bool found = false;
    for (size_t i = 0; i < TW_OCSP_MAX_RESPONSES && tw_rd_more(&list); i++) {
        struct tw_reader s = der_next(&list, DER_SEQ, "SingleResponse");
        enum match m = match_id(der_next(&s, DER_SEQ, "certID"), req);
        struct single x;
        *other_key = *other_key || m == OTHER_KEY;
        if (!read_single(&s, &x))
            *damaged = true;
        else if (m == YES && (!found || x.this_update > best->this_update)) {
            *best = x;
            found = true;
        }
    }
    *damaged = *damaged || !tw_rd_ok(&list);
    return found;
}

/* ---- signer, 4.2.2.2 ---------------------------------------------------------------------------------- */

static bool is_responder(const struct tw_ocsp *o, struct tw_crypto *c, const struct tw_cert *by)
{
    if (o->name.len > 0)
        return tw_dn_equal(o->name, by->subject);
    return digest_is(c, TW_HASH_SHA1, tw_spki_key_bits(by->spki), o->key_hash);
}

static bool verifies(struct tw_crypto *c, struct tw_view spki, struct tw_view alg,
                     struct tw_view tbs, struct tw_view sig)
{
    struct tw_pubkey *k = c->pubkey_new(c->ctx, spki);
    if (k == NULL)
        return false;
    bool good = c->verify_x509(k, alg, tbs, sig) == TW_VERIFY_GOOD;
    c->pubkey_free(k);
    return good;
}

static enum tw_ocsp_why delegate(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                                 const struct tw_cert *by)
{
    const struct tw_cert *issuer = req->issuer;
    if (!by->has_eku || !tw_cert_has_eku(by, OCSP_SIGNING))
        return TW_OCSP_WHY_PURPOSE;
    if (!tw_dn_equal(by->issuer, issuer->subject) ||
        !verifies(req->crypto, issuer->spki, by->sig_alg, by->tbs, by->signature))
        return TW_OCSP_WHY_DELEGATE;
    if (by->not_before > req->at + TW_OCSP_SKEW_S || by->not_after < req->at - TW_OCSP_SKEW_S)
        return TW_OCSP_WHY_SIGNER_TIME;
    return verifies(req->crypto, by->spki, o->sig_alg, o->tbs, o->signature)
               ? TW_OCSP_WHY_NONE : TW_OCSP_WHY_SIGNATURE;
}

static enum tw_ocsp_why signer(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                               bool *delegated)
{
    enum tw_ocsp_why why = TW_OCSP_WHY_NO_SIGNER;
    if (is_responder(o, req->crypto, req->issuer)) {
        if (verifies(req->crypto, req->issuer->spki, o->sig_alg, o->tbs, o->signature))
            return TW_OCSP_WHY_NONE;
        why = TW_OCSP_WHY_SIGNATURE;
    }
    struct tw_reader list = tw_rd_of(o->certs);
    for (size_t i = 0; i < TW_OCSP_MAX_CERTS && tw_rd_more(&list); i++) {
        struct tw_view der = {NULL, 0};
        struct tw_cert by;
        der_whole(&list, DER_SEQ, &der, "certs");
        if (!tw_rd_ok(&list) || !tw_cert_parse(der, &by) || !is_responder(o, req->crypto, &by) ||
            tw_view_eq(by.spki, req->issuer->spki))
            continue;
        enum tw_ocsp_why this = delegate(o, req, &by);
        *delegated = this == TW_OCSP_WHY_NONE;
        if (*delegated)
            return this;
        why = this;
    }
    return why;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static enum tw_ocsp_why timely(const struct tw_ocsp *o, const struct single *x, int64_t at)
{
    if (x->this_update > at + TW_OCSP_SKEW_S || o->produced_at > at + TW_OCSP_SKEW_S)
        return TW_OCSP_WHY_NOT_YET;
    if (x->has_next && x->next_update < at - TW_OCSP_SKEW_S)
        return TW_OCSP_WHY_EXPIRED;
    return !x->has_next && x->this_update < at - TW_OCSP_MAX_AGE_S ? TW_OCSP_WHY_OLD
                                                                   : TW_OCSP_WHY_NONE;
}

static enum tw_ocsp_why judge(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                              struct single *x, struct tw_ocsp_result *out)
{
    bool damaged = false;
    if (o->fail_field != NULL)
        return TW_OCSP_WHY_MALFORMED;
    if (o->status != 0)
        return TW_OCSP_WHY_STATUS;
    if (!o->basic)
        return TW_OCSP_WHY_TYPE;
    if (!find_single(o, req, x, &out->other_key, &damaged))
        return damaged ? TW_OCSP_WHY_MALFORMED : TW_OCSP_WHY_NO_MATCH;
    if (o->unknown_critical || x->unknown_critical)
        return TW_OCSP_WHY_CRITICAL;
    enum tw_ocsp_why why = signer(o, req, &out->delegated);
    if (why != TW_OCSP_WHY_NONE)
        return why;
    why = timely(o, x, req->at);
    if (why != TW_OCSP_WHY_NONE)
        return why;
    if (req->nonce.len > 0 && o->nonce.len > 0 && !tw_view_eq(req->nonce, o->nonce))
        return TW_OCSP_WHY_NONCE;
    return TW_OCSP_WHY_NONE;
}

void tw_ocsp_check(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                   struct tw_ocsp_result *out)
{
    struct single x = {0};
    *out = (struct tw_ocsp_result){0};
    out->why = judge(o, req, &x, out);
    out->this_update = x.this_update;
    out->next_update = x.next_update;
    out->has_next = x.has_next;
    if (out->why != TW_OCSP_WHY_NONE)
        return;
    out->scts = x.scts;
    out->revoked_at = x.revoked_at;
    out->reason = x.reason;
    out->verdict = x.status == 0x80   ? TW_OCSP_GOOD
                   : x.status == 0xa1 ? TW_OCSP_REVOKED
                                      : TW_OCSP_UNKNOWN;
}
