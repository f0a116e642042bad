/* A CRL taken apart (RFC 5280 5), as far as it is well-formed. Judging it is for crl_check.c. */
#include "x509/crl.h"
#include "x509/crl_internal.h"
#include "x509/der.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))
#define ID_CE "\x55\x1d"

const char *tw_reason_name(int reason)
{
    static const char *const names[] = {
        "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
        "cessationOfOperation", "certificateHold", NULL, "removeFromCRL", "privilegeWithdrawn",
        "aACompromise"};
    bool known = reason >= 0 && (size_t)reason < TW_ARRAY_LEN(names) && names[reason] != NULL;
    return known ? names[reason] : "unspecified";
}

/* ---- pieces shared with certificates' distribution points ---------------------------------------- */

void crl_dp_name(struct tw_reader in, struct tw_dp_name *out)
{
    struct tw_reader names;
    *out = (struct tw_dp_name){0};
    if (der_optional(&in, 0xa0, &names))
        out->full = tw_rd_rest(&names);
    else if (der_optional(&in, 0xa1, &names))
        out->relative = tw_rd_rest(&names);
}

uint16_t crl_reason_flags(struct tw_reader in)
{
    struct tw_view bits = tw_rd_rest(&in); /* BIT STRING contents: unused bits, then bits */
    uint16_t flags = 0;
    for (size_t i = 0; i < 9 && bits.len > 1 + i / 8; i++)
        if (bits.data[1 + i / 8] & (0x80 >> (i % 8)))
            flags |= (uint16_t)(1u << i);
    return flags & TW_CRL_ALL_REASONS;
}

static bool flag(struct tw_reader *s, uint8_t tag)
{
    struct tw_reader in;
    return der_optional(s, tag, &in) && tw_rd_u8(&in, "BOOLEAN") != 0;
}

/* ---- extensions of the list ------------------------------------------------------------------------ */

/* issuingDistributionPoint, RFC 5280 5.2.5. */
static bool distribution_point(struct tw_crl *c, struct tw_reader v)
{
    c->idp_der = tw_view_of(v.data + v.pos, v.end - v.pos);
    struct tw_reader s = der_next(&v, DER_SEQ, "issuingDistributionPoint"), in;
    if (der_optional(&s, 0xa0, &in))
        crl_dp_name(in, &c->idp_name);
    c->only_user = flag(&s, 0x81);
    c->only_ca = flag(&s, 0x82);
    c->has_reasons = der_optional(&s, 0x83, &in);
    if (c->has_reasons)
        c->reasons = crl_reason_flags(in);
    c->indirect = flag(&s, 0x84);
    c->only_attribute = flag(&s, 0x85);
    return tw_rd_ok(&v) && tw_rd_end(&s, "issuingDistributionPoint");
}

static void extension(struct tw_crl *c, struct tw_view oid, bool critical, struct tw_reader v,
                      struct tw_reader *bad)
{
    struct tw_reader s, in;
    if (OID_IS(oid, ID_CE "\x14")) { /* cRLNumber, 5.2.3 */
        c->number = der_bytes(&v, DER_INT, "cRLNumber");
        c->has_number = tw_rd_ok(&v);
    } else if (OID_IS(oid, ID_CE "\x1b")) { /* deltaCRLIndicator, 5.2.4 */
        c->base_number = der_bytes(&v, DER_INT, "deltaCRLIndicator");
        c->is_delta = true;
    } else if (OID_IS(oid, ID_CE "\x1c")) {
        if (!distribution_point(c, v))
            tw_rd_fail(bad, "issuingDistributionPoint");
    } else if (OID_IS(oid, ID_CE "\x23")) { /* authorityKeyIdentifier, 5.2.1 */
        s = der_next(&v, DER_SEQ, "authorityKeyIdentifier");
        if (der_optional(&s, 0x80, &in))
            c->aki_keyid = tw_rd_rest(&in);
    } else if (!OID_IS(oid, ID_CE "\x12") && !OID_IS(oid, ID_CE "\x2e") &&
               !OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x01\x01") && critical) {
        c->unknown_critical = true; /* not issuerAltName, freshestCRL, authorityInfoAccess */
    }
    if (!tw_rd_ok(&v))
        tw_rd_fail(bad, v.fail_field);
}

/* One Extension; false at the end or when it is damaged. */
static bool next_extension(struct tw_reader *list, struct tw_view *oid, bool *critical,
                           struct tw_reader *value)
{
    struct tw_reader in;
    if (!tw_rd_more(list))
        return false;
    struct tw_reader e = der_next(list, DER_SEQ, "extension");
    *oid = der_bytes(&e, DER_OID, "extnID");
    *critical = der_optional(&e, DER_BOOL, &in) && tw_rd_u8(&in, "critical") != 0;
    *value = der_next(&e, DER_OCTETS, "extnValue");
    if (!tw_rd_ok(&e))
        tw_rd_fail(list, "extension");
    return tw_rd_ok(list);
}

static void list_extensions(struct tw_crl *c, struct tw_reader *tbs)
{
    struct tw_reader outer, value;
    struct tw_view oid;
    bool critical;
    if (!der_optional(tbs, 0xa0, &outer))
        return;
    struct tw_reader list = der_next(&outer, DER_SEQ, "crlExtensions");
    while (next_extension(&list, &oid, &critical, &value))
        extension(c, oid, critical, value, tbs);
    if (!tw_rd_ok(&list) || !tw_rd_ok(&outer))
        tw_rd_fail(tbs, "crlExtensions");
}

/* ---- entries ------------------------------------------------------------------------------------------ */

struct entry {
    struct tw_view serial;
    struct tw_view names;     /* certificateIssuer: contents of GeneralNames; empty when absent */
    struct tw_crl_entry e;
    bool unknown_critical;
};

static void entry_extensions(struct entry *x, struct tw_reader *e)
{
    struct tw_reader list = der_next(e, DER_SEQ, "crlEntryExtensions"), value;
    struct tw_view oid;
    bool critical;
    while (next_extension(&list, &oid, &critical, &value)) {
        if (OID_IS(oid, ID_CE "\x15")) { /* reasonCode, 5.3.1 */
            struct tw_view n = der_bytes(&value, 0x0a, "reasonCode");
            x->e.reason = n.len == 1 ? n.data[0] : TW_REASON_UNSPECIFIED;
        } else if (OID_IS(oid, ID_CE "\x1d")) { /* certificateIssuer, 5.3.3 */
            x->names = der_bytes(&value, DER_SEQ, "certificateIssuer");
        } else if (!OID_IS(oid, ID_CE "\x18") && !OID_IS(oid, ID_CE "\x17") && critical) {
            x->unknown_critical = true; /* not invalidityDate, holdInstructionCode */
        }
        if (!tw_rd_ok(&value))
            tw_rd_fail(&list, value.fail_field);
    }
    if (!tw_rd_ok(&list))
        tw_rd_fail(e, "crlEntryExtensions");
}

/* false at the end, or when the entry is damaged (the list's reader then failed). */
static bool next_entry(struct tw_reader *list, struct entry *x)
{
    if (!tw_rd_more(list))
        return false;
    *x = (struct entry){0};
    struct tw_reader e = der_next(list, DER_SEQ, "revokedCertificate");
    x->serial = der_bytes(&e, DER_INT, "userCertificate");
    x->e.date = der_time(&e, "revocationDate");
    if (tw_rd_more(&e))
        entry_extensions(x, &e);
    if (!tw_rd_ok(&e)) {
        list->pos = e.fail_at;
        tw_rd_fail(list, e.fail_field);
    }
    return tw_rd_ok(list);
}

static void scan_entries(struct tw_crl *c, struct tw_reader list, struct tw_reader *tbs)
{
    struct entry x;
    while (next_entry(&list, &x)) {
        c->entries++;
        c->unknown_critical = c->unknown_critical || x.unknown_critical;
    }
    if (!tw_rd_ok(&list) && tw_rd_ok(tbs)) {
        tbs->pos = list.fail_at;
        tw_rd_fail(tbs, list.fail_field);
    }
}

/* Leading zeros that DER would not have; a certificate and its CRL may differ in care. */
static struct tw_view trimmed(struct tw_view n)
{
    while (n.len > 1 && n.data[0] == 0 && n.data[1] < 0x80)
        n = tw_view_sub(n, 1, n.len - 1);
    return n;
}

int crl_compare_numbers(struct tw_view a, struct tw_view b)
{
    while (a.len > 0 && a.data[0] == 0)
        a = tw_view_sub(a, 1, a.len - 1);
    while (b.len > 0 && b.data[0] == 0)
        b = tw_view_sub(b, 1, b.len - 1);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

/* Does GeneralNames hold this distinguished name? */
static bool names_have_dn(struct tw_view names, struct tw_view dn)
{
    struct tw_reader r = tw_rd_of(names);
    for (size_t i = 0; i < TW_CRL_MAX_NAMES && tw_rd_more(&r); i++) {
        uint8_t tag;
        struct tw_reader in = der_any(&r, &tag, NULL, "GeneralName");
        if (tag == 0xa4 && tw_dn_equal(tw_rd_rest(&in), dn))
            return true;
    }
    return false;
}

/*
 * In an indirect CRL an entry belongs to the issuer named in it; without a name, to that of the
 * entry before, and at first to the CRL's own issuer (RFC 5280 5.3.3).
 */
bool tw_crl_find(const struct tw_crl *crl, const struct tw_cert *cert, struct tw_crl_entry *e)
{
    struct tw_reader list = tw_rd_of(crl->revoked);
    struct tw_view serial = trimmed(cert->serial), holder = {NULL, 0}, tried = {NULL, 0};
    bool own = tw_dn_equal(crl->issuer, cert->issuer), mine = own;
    struct entry x;
    while (next_entry(&list, &x)) {
        if (x.names.len > 0)
            holder = x.names;
        if (!tw_view_eq(trimmed(x.serial), serial))
            continue;
        if (holder.len > 0 && holder.data != tried.data) {
            mine = names_have_dn(holder, cert->issuer);
            tried = holder;
        }
        if (mine) {
            *e = x.e;
            return true;
        }
    }
    return false;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static void tbs_cert_list(struct tw_crl *c, struct tw_reader *r)
{
    struct tw_reader t = der_whole(r, DER_SEQ, &c->tbs, "tbsCertList"), in;
    der_optional(&t, DER_INT, &in); /* version: only 2 may be given */
    der_next(&t, DER_SEQ, "signature");
    der_whole(&t, DER_SEQ, &c->issuer, "issuer");
    c->this_update = der_time(&t, "thisUpdate");
    if (der_peek(&t) == DER_UTC || der_peek(&t) == DER_GENTIME) {
        c->next_update = der_time(&t, "nextUpdate");
        c->has_next = tw_rd_ok(&t);
    }
    if (der_optional(&t, DER_SEQ, &in)) {
        c->revoked = tw_view_of(in.data + in.pos, in.end - in.pos);
        scan_entries(c, in, &t);
    }
    if (tw_rd_ok(&t))
        list_extensions(c, &t);
    if (!tw_rd_ok(&t) && tw_rd_ok(r)) {
        r->pos = t.fail_at;
        tw_rd_fail(r, t.fail_field);
    }
}

bool tw_crl_parse(struct tw_view der, struct tw_crl *c)
{
    *c = (struct tw_crl){.der = der};
    struct tw_reader whole = tw_rd_of(der);
    struct tw_reader r = der_next(&whole, DER_SEQ, "CertificateList");
    if (tw_rd_ok(&whole)) {
        tbs_cert_list(c, &r);
        der_whole(&r, DER_SEQ, &c->sig_alg, "signatureAlgorithm");
        struct tw_view bits = der_bytes(&r, DER_BITS, "signatureValue");
        c->signature = bits.len > 1 ? tw_view_sub(bits, 1, bits.len - 1) : tw_view_of(NULL, 0);
        tw_rd_end(&r, "CertificateList");
    }
    tw_rd_end(&whole, "after the CertificateList");
    const struct tw_reader *bad = !tw_rd_ok(&r) ? &r : !tw_rd_ok(&whole) ? &whole : NULL;
    c->fail_field = bad == NULL ? NULL : bad->fail_field;
    c->fail_at = bad == NULL ? 0 : bad->fail_at;
    return bad == NULL;
}

/* ---- PEM ------------------------------------------------------------------------------------------------- */

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 up to the next '-'; false when something else stands in it. */
static bool base64_body(struct tw_view v, size_t *pos, struct tw_buf *out)
{
    uint32_t acc = 0;
    unsigned bits = 0;
    for (; *pos < v.len && v.data[*pos] != '-'; (*pos)++) {
        uint8_t c = v.data[*pos];
        int n = base64_value(c);
        if (c == '=' || c == '\r' || c == '\n' || c == ' ' || c == '\t')
            continue;
        if (n < 0)
            return false;
        acc = acc << 6 | (uint32_t)n;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            tw_wr_u8(out, acc >> bits & 0xff);
        }
    }
    return !out->failed;
}

bool tw_crl_next_pem(struct tw_view v, size_t *pos, struct tw_buf *out)
{
    static const char begin[] = "-----BEGIN X509 CRL-----";
    if (*pos == 0 && v.len > 0 && v.data[0] == DER_SEQ) {
        *pos = v.len;
        return tw_buf_add(out, v.data, v.len);
    }
    while (*pos < v.len) {
        const uint8_t *p = memmem(v.data + *pos, v.len - *pos, begin, sizeof begin - 1);
        if (p == NULL)
            break;
        size_t mark = out->len;
        *pos = (size_t)(p - v.data) + sizeof begin - 1;
        if (base64_body(v, pos, out) && out->len > mark)
            return true;
        if (out->failed)
            break;
        out->len = mark;
    }
    *pos = v.len;
    return false;
}

/* ---- distribution points of a certificate ------------------------------------------------------------------ */

/* The value of an extension of a certificate, by the last byte of its id-ce number. */
static struct tw_reader ce_extension(const struct tw_cert *c, uint8_t last)
{
    struct tw_reader r = tw_rd_of(c->extensions), value;
    struct tw_reader list = der_next(&r, DER_SEQ, "extensions");
    struct tw_view oid;
    bool critical;
    while (next_extension(&list, &oid, &critical, &value))
        if (oid.len == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d && oid.data[2] == last)
            return value;
    return tw_rd_of(tw_view_of(NULL, 0));
}

size_t crl_cert_points(const struct tw_cert *cert, bool freshest, struct crl_point *out, size_t cap)
{
    struct tw_reader r = ce_extension(cert, freshest ? 0x2e : 0x1f), in;
    struct tw_reader list = der_next(&r, DER_SEQ, "cRLDistributionPoints");
    size_t n = 0;
    while (n < cap && tw_rd_more(&list)) {
        struct tw_reader p = der_next(&list, DER_SEQ, "DistributionPoint");
        struct crl_point *x = &out[n];
        *x = (struct crl_point){.reasons = TW_CRL_ALL_REASONS};
        if (der_optional(&p, 0xa0, &in))
            crl_dp_name(in, &x->name);
        if (der_optional(&p, 0x81, &in))
            x->reasons = crl_reason_flags(in);
        if (der_optional(&p, 0xa2, &in))
            x->crl_issuer = tw_rd_rest(&in);
        n += tw_rd_ok(&p) && tw_rd_ok(&list);
    }
    return n;
}

size_t tw_cert_crl_urls(const struct tw_cert *c, bool freshest, struct tw_view *out, size_t cap)
{
    struct crl_point points[TW_CRL_MAX_POINTS];
    size_t points_n = crl_cert_points(c, freshest, points, TW_ARRAY_LEN(points)), n = 0;
    for (size_t i = 0; i < points_n; i++) {
        struct tw_reader r = tw_rd_of(points[i].name.full);
        while (n < cap && tw_rd_more(&r)) {
            uint8_t tag;
            struct tw_reader in = der_any(&r, &tag, NULL, "GeneralName");
            struct tw_view v = tw_rd_rest(&in);
            if (tag == 0x86 && v.len > 7 && tw_view_ieq(tw_view_sub(v, 0, 7), "http://"))
                out[n++] = v;
        }
    }
    return n;
}
