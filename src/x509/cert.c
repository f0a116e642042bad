/*
 * A certificate taken apart (RFC 5280 4.1), as far as it is well-formed. What does not fit the
 * grammar is named with its field and byte; what fits but breaks a rule is cert_lint.c's business.
 */
#include "x509/der.h"
#include "x509/x509.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))

/* ---- which extension ------------------------------------------------------------------------------ */

static enum tw_cert_ext id_ce(uint8_t n)
{
    switch (n) {
    case 9: return TW_CEXT_SUBJECT_DIRECTORY;
    case 14: return TW_CEXT_SKI;
    case 15: return TW_CEXT_KEY_USAGE;
    case 16: return TW_CEXT_PRIVATE_KEY_PERIOD;
    case 17: return TW_CEXT_SAN;
    case 18: return TW_CEXT_IAN;
    case 19: return TW_CEXT_BASIC;
    case 30: return TW_CEXT_NAME_CONSTRAINTS;
    case 31: return TW_CEXT_CRL_POINTS;
    case 32: return TW_CEXT_POLICIES;
    case 33: return TW_CEXT_POLICY_MAPPINGS;
    case 35: return TW_CEXT_AKI;
    case 36: return TW_CEXT_POLICY_CONSTRAINTS;
    case 37: return TW_CEXT_EKU;
    case 46: return TW_CEXT_FRESHEST_CRL;
    case 54: return TW_CEXT_INHIBIT_ANY;
    default: return TW_CEXT_UNKNOWN;
    }
}

static enum tw_cert_ext ext_kind(struct tw_view oid)
{
    if (oid.len == 3 && oid.data[0] == 0x55 && oid.data[1] == 0x1d)
        return id_ce(oid.data[2]);
    if (oid.len == 8 && memcmp(oid.data, "\x2b\x06\x01\x05\x05\x07\x01", 7) == 0) {
        switch (oid.data[7]) {
        case 1: return TW_CEXT_AIA;
        case 3: return TW_CEXT_QC_STATEMENTS;
        case 11: return TW_CEXT_SIA;
        case 14: return TW_CEXT_PROXY_INFO;
        case 24: return TW_CEXT_TLS_FEATURE;
        default: return TW_CEXT_UNKNOWN;
        }
    }
    if (OID_IS(oid, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"))
        return TW_CEXT_SCTS;
    if (OID_IS(oid, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03"))
        return TW_CEXT_CT_POISON;
    if (OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"))
        return TW_CEXT_OCSP_NOCHECK;
    return OID_IS(oid, "\x60\x86\x48\x01\x86\xf8\x42\x01\x01") ? TW_CEXT_NETSCAPE_TYPE
                                                               : TW_CEXT_UNKNOWN;
}

/* Those that path validation acts on, or that mean nothing for it (RFC 5280 4.2: a critical one
 * that is not processed must lead to refusal). A precertificate's poison is meant to be refused. */
static bool is_processed(enum tw_cert_ext k)
{
    switch (k) {
    case TW_CEXT_UNKNOWN:
    case TW_CEXT_CT_POISON:
    case TW_CEXT_SUBJECT_DIRECTORY:
    case TW_CEXT_PRIVATE_KEY_PERIOD:
    case TW_CEXT_QC_STATEMENTS:
        return false;
    default:
        return true;
    }
}

/* ---- contents of extensions -------------------------------------------------------------------------- */

static void basic_constraints(struct tw_cert *c, struct tw_reader *v)
{
    struct tw_reader s = der_next(v, DER_SEQ, "basicConstraints");
    c->has_basic = true;
    if (der_peek(&s) == DER_BOOL) {
        c->is_ca = der_bool(&s, "basicConstraints.cA");
        c->false_encoded = !c->is_ca;
    }
    if (der_peek(&s) == DER_INT)
        c->path_len = der_small(&s, DER_INT, "basicConstraints.pathLenConstraint");
    tw_rd_end(&s, "basicConstraints");
    der_adopt(v, &s);
}

static void key_usage(struct tw_cert *c, struct tw_reader *v)
{
    unsigned unused;
    struct tw_view bits = der_bits(v, &unused, "keyUsage");
    c->has_key_usage = true;
    /* X.690 11.2.2: a list of named bits ends with its last bit that is set */
    c->usage_padded = (bits.len > 0 && !(bits.data[bits.len - 1] >> unused & 1)) || bits.len > 2 ||
                      (bits.len == 2 && (bits.data[1] & 0x7f) != 0);
    for (size_t i = 0; i < 9 && bits.len > i / 8; i++)
        if (bits.data[i / 8] & (0x80 >> (i % 8)))
            c->key_usage |= (uint16_t)(1u << i);
}

static void ext_key_usage(struct tw_cert *c, struct tw_reader *v)
{
    struct tw_reader s = der_next(v, DER_SEQ, "extKeyUsage");
    c->has_eku = true;
    if (tw_rd_ok(&s) && !tw_rd_more(&s))
        tw_rd_fail(&s, "extKeyUsage");
    while (tw_rd_more(&s)) {
        struct tw_view oid = der_bytes(&s, DER_OID, "extKeyUsage.KeyPurposeId");
        c->eku_server |= OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x03\x01");
        c->eku_client |= OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x03\x02");
        c->eku_any |= OID_IS(oid, "\x55\x1d\x25\x00");
    }
    der_adopt(v, &s);
}

/* TLS feature (RFC 7633): a list of extension numbers; 5 is status_request. */
static void tls_feature(struct tw_cert *c, struct tw_reader *v)
{
    struct tw_reader s = der_next(v, DER_SEQ, "tlsFeature");
    while (tw_rd_more(&s)) {
        int n = der_small(&s, DER_INT, "tlsFeature");
        if (n == 5 && tw_rd_ok(&s))
            c->must_staple = true;
    }
    der_adopt(v, &s);
}

static void authority_key_id(struct tw_cert *c, struct tw_reader *v)
{
    struct tw_reader s = der_next(v, DER_SEQ, "authorityKeyIdentifier"), in;
    if (der_optional(&s, 0x80, &in))
        c->aki_keyid = tw_rd_rest(&in);
    if (der_peek(&s) == 0xa1)
        der_whole(&s, 0xa1, &c->aki_issuer, "authorityKeyIdentifier.authorityCertIssuer");
    if (der_optional(&s, 0x82, &in))
        c->aki_serial = tw_rd_rest(&in);
    tw_rd_end(&s, "authorityKeyIdentifier");
    der_adopt(v, &s);
}

static void policy_constraints(struct tw_cert *c, struct tw_reader *v)
{
    struct tw_reader s = der_next(v, DER_SEQ, "policyConstraints");
    if (der_peek(&s) == 0x80)
        c->require_explicit = der_small(&s, 0x80, "policyConstraints.requireExplicitPolicy");
    if (der_peek(&s) == 0x81)
        c->inhibit_mapping = der_small(&s, 0x81, "policyConstraints.inhibitPolicyMapping");
    tw_rd_end(&s, "policyConstraints");
    der_adopt(v, &s);
}

/* GeneralNames: each name's own grammar is checked where it is used. */
static void general_names(struct tw_reader *v, const char *field)
{
    struct tw_reader s = der_next(v, DER_SEQ, field);
    while (tw_rd_more(&s)) {
        uint8_t tag = der_peek(&s);
        if ((tag & 0xc0) != 0x80 || (tag & 0x1f) > 8)
            tw_rd_fail(&s, field);
        der_any(&s, &tag, NULL, field);
    }
    der_adopt(v, &s);
}

/* A list of SEQUENCEs that must not be empty; their contents are read by the iterators. */
static void list_of(struct tw_reader *v, uint8_t tag, const char *field)
{
    struct tw_reader s = der_next(v, DER_SEQ, field);
    if (tw_rd_ok(&s) && !tw_rd_more(&s))
        tw_rd_fail(&s, field);
    while (tw_rd_more(&s))
        der_next(&s, tag, field);
    der_adopt(v, &s);
}

static void access_descriptions(struct tw_reader *v, const char *field)
{
    struct tw_reader s = der_next(v, DER_SEQ, field);
    if (tw_rd_ok(&s) && !tw_rd_more(&s))
        tw_rd_fail(&s, field);
    while (tw_rd_more(&s)) {
        uint8_t tag;
        struct tw_reader d = der_next(&s, DER_SEQ, field);
        der_next(&d, DER_OID, field);
        der_any(&d, &tag, NULL, field);
        tw_rd_end(&d, field);
        der_adopt(&s, &d);
    }
    der_adopt(v, &s);
}

static void name_constraints(struct tw_reader *v)
{
    static const char field[] = "nameConstraints";
    struct tw_reader s = der_next(v, DER_SEQ, field);
    for (uint8_t tag = 0xa0; tag <= 0xa1; tag++) {
        struct tw_reader list;
        if (!der_optional(&s, tag, &list))
            continue;
        while (tw_rd_more(&list)) {
            uint8_t base;
            struct tw_reader sub = der_next(&list, DER_SEQ, "nameConstraints.GeneralSubtree");
            der_any(&sub, &base, NULL, "nameConstraints.base");
            der_adopt(&list, &sub);
        }
        der_adopt(&s, &list);
    }
    tw_rd_end(&s, field);
    der_adopt(v, &s);
}

/* What is kept of an extension, and its grammar as far as it is looked at. */
static void extension(struct tw_cert *c, enum tw_cert_ext kind, struct tw_reader *v)
{
    struct tw_view all = tw_view_of(v->data + v->pos, v->end - v->pos);
    switch (kind) {
    case TW_CEXT_SAN:
        c->has_san = true;
        c->san = all;
        general_names(v, "subjectAltName");
        break;
    case TW_CEXT_IAN:
        c->ian = all;
        general_names(v, "issuerAltName");
        break;
    case TW_CEXT_BASIC:
        basic_constraints(c, v);
        break;
    case TW_CEXT_KEY_USAGE:
        key_usage(c, v);
        break;
    case TW_CEXT_EKU:
        c->eku = all;
        ext_key_usage(c, v);
        break;
    case TW_CEXT_NAME_CONSTRAINTS:
        c->name_constraints = all;
        name_constraints(v);
        break;
    case TW_CEXT_SKI:
        c->ski = der_bytes(v, DER_OCTETS, "subjectKeyIdentifier");
        break;
    case TW_CEXT_AKI:
        c->aki = all;
        authority_key_id(c, v);
        break;
    case TW_CEXT_CRL_POINTS:
        c->crl_points = all;
        list_of(v, DER_SEQ, "cRLDistributionPoints");
        break;
    case TW_CEXT_FRESHEST_CRL:
        c->freshest_crl = all;
        list_of(v, DER_SEQ, "freshestCRL");
        break;
    case TW_CEXT_POLICIES:
        c->policies = all;
        list_of(v, DER_SEQ, "certificatePolicies");
        break;
    case TW_CEXT_POLICY_MAPPINGS:
        c->policy_mappings = all;
        list_of(v, DER_SEQ, "policyMappings");
        break;
    case TW_CEXT_POLICY_CONSTRAINTS:
        c->policy_constraints = all;
        policy_constraints(c, v);
        break;
    case TW_CEXT_INHIBIT_ANY:
        c->inhibit_any = der_small(v, DER_INT, "inhibitAnyPolicy");
        break;
    case TW_CEXT_AIA:
        c->aia = all;
        access_descriptions(v, "authorityInfoAccess");
        break;
    case TW_CEXT_SIA:
        access_descriptions(v, "subjectInfoAccess");
        break;
    case TW_CEXT_SUBJECT_DIRECTORY:
        list_of(v, DER_SEQ, "subjectDirectoryAttributes");
        break;
    case TW_CEXT_TLS_FEATURE:
        tls_feature(c, v);
        break;
    case TW_CEXT_SCTS:
        c->scts = all;
        der_next(v, DER_OCTETS, "signedCertificateTimestampList");
        break;
    case TW_CEXT_PROXY_INFO:
        c->proxy_info = all;
        der_next(v, DER_SEQ, "proxyCertInfo");
        break;
    default:
        v->pos = v->end; /* not looked into */
        break;
    }
}

static void one_extension(struct tw_cert *c, struct tw_reader *e)
{
    struct tw_view oid = der_bytes(e, DER_OID, "extnID");
    bool critical = der_peek(e) == DER_BOOL && der_bool(e, "critical");
    struct tw_reader value = der_next(e, DER_OCTETS, "extnValue");
    tw_rd_end(e, "Extension");
    if (!tw_rd_ok(e))
        return;
    enum tw_cert_ext kind = ext_kind(oid);
    uint32_t bit = UINT32_C(1) << kind;
    if (kind != TW_CEXT_UNKNOWN && (c->ext_present & bit)) {
        c->duplicate_ext = true; /* the first one counts */
        return;
    }
    c->ext_present |= bit;
    c->ext_critical |= critical ? bit : 0;
    if (critical && !is_processed(kind)) {
        if (!c->unknown_critical)
            c->unknown_oid = oid;
        c->unknown_critical = true;
    }
    extension(c, kind, &value);
    tw_rd_end(&value, "extnValue");
    if (!tw_rd_ok(&value) && c->fail_field == NULL) {
        c->fail_field = value.fail_field;
        c->fail_at = value.fail_at;
        c->fail_ext = kind;
    }
}

/* The same unknown OID twice; known ones were seen by their bit. The first 64 are compared. */
static bool unknown_twice(const struct tw_cert *c)
{
    struct tw_view oids[64];
    size_t n = 0;
    struct tw_reader list = der_open(c->extensions, DER_SEQ, "extensions");
    while (tw_rd_more(&list) && n < TW_ARRAY_LEN(oids)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "Extension");
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        if (ext_kind(oid) != TW_CEXT_UNKNOWN)
            continue;
        for (size_t i = 0; i < n; i++)
            if (tw_view_eq(oids[i], oid))
                return true;
        oids[n++] = oid;
    }
    return false;
}

static void extensions(struct tw_cert *c, struct tw_reader *tbs)
{
    struct tw_reader outer, list;
    if (!der_optional(tbs, 0xa3, &outer))
        return;
    list = der_whole(&outer, DER_SEQ, &c->extensions, "extensions");
    tw_rd_end(&outer, "extensions");
    size_t unknown = 0;
    while (tw_rd_more(&list)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "Extension");
        one_extension(c, &e);
        der_adopt(&list, &e);
        c->ext_count++;
        unknown++;
    }
    der_adopt(tbs, &list);
    der_adopt(tbs, &outer);
    if (unknown > 1 && (c->ext_present >> TW_CEXT_UNKNOWN & 1) && unknown_twice(c))
        c->duplicate_ext = true;
}

bool tw_cert_ext_at(const struct tw_cert *c, size_t i, struct tw_cert_extension *out)
{
    struct tw_reader list = der_open(c->extensions, DER_SEQ, "extensions");
    for (size_t at = 0; tw_rd_more(&list); at++) {
        struct tw_reader e = der_next(&list, DER_SEQ, "Extension"), in;
        if (at < i)
            continue;
        out->oid = der_bytes(&e, DER_OID, "extnID");
        out->critical = der_optional(&e, DER_BOOL, &in) && tw_rd_u8(&in, "critical") != 0;
        out->value = der_bytes(&e, DER_OCTETS, "extnValue");
        out->kind = ext_kind(out->oid);
        return tw_rd_ok(&e);
    }
    return false;
}

/* ---- the certificate ---------------------------------------------------------------------------------- */

static void validity(struct tw_cert *c, struct tw_reader *t)
{
    struct tw_reader v = der_next(t, DER_SEQ, "validity");
    c->not_before = der_time(&v, "validity.notBefore");
    c->not_after = der_time(&v, "validity.notAfter");
    tw_rd_end(&v, "validity");
    der_adopt(t, &v);
}

static uint8_t version_of(struct tw_reader *t)
{
    struct tw_reader in;
    if (!der_optional(t, 0xa0, &in))
        return 1;
    struct tw_view v = der_bytes(&in, DER_INT, "version");
    tw_rd_end(&in, "version");
    der_adopt(t, &in);
    return v.len == 1 && v.data[0] < 3 ? (uint8_t)(v.data[0] + 1) : 0;
}

/* Names are walked when they are used; that they are lists of sets is checked here. */
static void name(struct tw_reader *t, struct tw_view *out, bool *empty_rdn, const char *field)
{
    struct tw_reader rdns = der_whole(t, DER_SEQ, out, field);
    while (tw_rd_more(&rdns)) {
        struct tw_reader set = der_next(&rdns, DER_SET, field);
        if (tw_rd_ok(&set) && !tw_rd_more(&set))
            *empty_rdn = true;
        while (tw_rd_more(&set)) {
            uint8_t tag;
            struct tw_reader a = der_next(&set, DER_SEQ, field);
            der_next(&a, DER_OID, field);
            der_any(&a, &tag, NULL, field);
            tw_rd_end(&a, field);
            der_adopt(&set, &a);
        }
        der_adopt(&rdns, &set);
    }
    der_adopt(t, &rdns);
}

static void public_key(struct tw_cert *c, struct tw_reader *t)
{
    unsigned unused;
    struct tw_reader s = der_whole(t, DER_SEQ, &c->spki, "subjectPublicKeyInfo");
    struct tw_reader alg = der_next(&s, DER_SEQ, "subjectPublicKeyInfo.algorithm");
    der_next(&alg, DER_OID, "subjectPublicKeyInfo.algorithm");
    der_bits(&s, &unused, "subjectPublicKeyInfo.subjectPublicKey");
    tw_rd_end(&s, "subjectPublicKeyInfo");
    der_adopt(&s, &alg);
    der_adopt(t, &s);
}

static void tbs_certificate(struct tw_cert *c, struct tw_reader *r)
{
    struct tw_reader t = der_whole(r, DER_SEQ, &c->tbs, "tbsCertificate"), in;
    c->version = version_of(&t);
    c->serial = der_bytes(&t, DER_INT, "serialNumber");
    der_whole(&t, DER_SEQ, &c->tbs_sig_alg, "signature");
    name(&t, &c->issuer, &c->empty_rdn, "issuer");
    validity(c, &t);
    name(&t, &c->subject, &c->empty_rdn, "subject");
    public_key(c, &t);
    if (der_optional(&t, 0x81, &in))
        c->issuer_uid = tw_rd_rest(&in);
    if (der_optional(&t, 0x82, &in))
        c->subject_uid = tw_rd_rest(&in);
    if (tw_rd_ok(&t))
        extensions(c, &t);
    tw_rd_end(&t, "tbsCertificate");
    der_adopt(r, &t);
}

bool tw_cert_parse(struct tw_view der, struct tw_cert *c)
{
    *c = (struct tw_cert){.der = der, .path_len = -1, .require_explicit = -1,
                          .inhibit_mapping = -1, .inhibit_any = -1};
    struct tw_reader whole = tw_rd_of(der);
    struct tw_reader r = der_next(&whole, DER_SEQ, "Certificate");
    unsigned unused;
    if (tw_rd_ok(&whole)) {
        tbs_certificate(c, &r);
        der_whole(&r, DER_SEQ, &c->sig_alg, "signatureAlgorithm");
        c->signature = der_bits(&r, &unused, "signatureValue");
        tw_rd_end(&r, "Certificate");
    }
    tw_rd_end(&whole, "after the Certificate");
    const struct tw_reader *bad = !tw_rd_ok(&r) ? &r : !tw_rd_ok(&whole) ? &whole : NULL;
    c->self_issued = c->subject.len > 0 && tw_dn_equal(c->issuer, c->subject);
    c->framed = bad == NULL;
    if (bad != NULL) {
        c->fail_field = bad->fail_field;
        c->fail_at = bad->fail_at;
    }
    return c->fail_field == NULL;
}
