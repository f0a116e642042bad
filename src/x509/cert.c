/* A certificate taken apart (RFC 5280 4.1), as far as it is well-formed. */
#include "x509/der.h"
#include "x509/x509.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))
#define ID_CE "\x55\x1d"
#define ID_PE "\x2b\x06\x01\x05\x05\x07\x01"

static void basic_constraints(struct tw_cert *c, struct tw_reader v)
{
    struct tw_reader s = der_next(&v, DER_SEQ, "basicConstraints"), in;
    c->has_basic = true;
    if (der_optional(&s, DER_BOOL, &in))
        c->is_ca = tw_rd_u8(&in, "cA") != 0;
    if (der_optional(&s, DER_INT, &in)) {
        struct tw_view n = tw_rd_rest(&in);
        c->path_len = n.len == 1 && n.data[0] < 0x80 ? n.data[0] : 1000;
    }
}

static void key_usage(struct tw_cert *c, struct tw_reader v)
{
    struct tw_view bits = der_bytes(&v, DER_BITS, "keyUsage");
    c->has_key_usage = true;
    for (size_t i = 0; i < 9 && bits.len > 1 + i / 8; i++)
        if (bits.data[1 + i / 8] & (0x80 >> (i % 8)))
            c->key_usage |= (uint16_t)(1u << i);
}

/* TLS feature (RFC 7633): a list of extension numbers; 5 is status_request. */
static void tls_feature(struct tw_cert *c, struct tw_reader v)
{
    struct tw_reader s = der_next(&v, DER_SEQ, "tlsFeature");
    while (tw_rd_more(&s)) {
        struct tw_view n = der_bytes(&s, DER_INT, "tlsFeature");
        if (n.len == 1 && n.data[0] == 5)
            c->must_staple = true;
    }
}

static void authority_key_id(struct tw_cert *c, struct tw_reader v)
{
    struct tw_reader s = der_next(&v, DER_SEQ, "authorityKeyIdentifier"), in;
    if (der_optional(&s, 0x80, &in))
        c->aki_keyid = tw_rd_rest(&in);
}

/* Known extensions; true when this one is. */
static bool extension(struct tw_cert *c, struct tw_view oid, struct tw_reader v)
{
    if (OID_IS(oid, ID_CE "\x11")) {
        c->has_san = true;
        c->san = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_CE "\x13")) {
        basic_constraints(c, v);
    } else if (OID_IS(oid, ID_CE "\x0f")) {
        key_usage(c, v);
    } else if (OID_IS(oid, ID_CE "\x25")) {
        c->has_eku = true;
        c->eku = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_CE "\x1e")) {
        c->name_constraints = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_CE "\x0e")) {
        c->ski = der_bytes(&v, DER_OCTETS, "subjectKeyIdentifier");
    } else if (OID_IS(oid, ID_CE "\x23")) {
        authority_key_id(c, v);
    } else if (OID_IS(oid, ID_CE "\x1f")) {
        c->crl_points = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_CE "\x20")) {
        c->policies = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_PE "\x01")) {
        c->aia = tw_rd_rest(&v);
    } else if (OID_IS(oid, ID_PE "\x18")) {
        tls_feature(c, v);
    } else if (OID_IS(oid, "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02")) {
        c->scts = tw_rd_rest(&v);
    } else {
        /* policyMappings, policyConstraints, inhibitAnyPolicy and issuerAltName are known too */
        return OID_IS(oid, ID_CE "\x21") || OID_IS(oid, ID_CE "\x24") || OID_IS(oid, ID_CE "\x36") ||
               OID_IS(oid, ID_CE "\x12") || OID_IS(oid, ID_CE "\x10");
    }
    return true;
}

static void extensions(struct tw_cert *c, struct tw_reader *tbs)
{
    struct tw_reader outer, list, in;
    if (!der_optional(tbs, 0xa3, &outer))
        return;
    list = der_whole(&outer, DER_SEQ, &c->extensions, "extensions");
    while (tw_rd_more(&list)) {
        struct tw_reader e = der_next(&list, DER_SEQ, "extension");
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        bool critical = der_optional(&e, DER_BOOL, &in) && tw_rd_u8(&in, "critical") != 0;
        struct tw_reader value = der_next(&e, DER_OCTETS, "extnValue");
        if (!tw_rd_ok(&e))
            tw_rd_fail(tbs, "extension");
        else if (!extension(c, oid, value) && critical)
            c->unknown_critical = true;
    }
    if (!tw_rd_ok(&list) || !tw_rd_ok(&outer))
        tw_rd_fail(tbs, "extensions");
}

static void tbs_certificate(struct tw_cert *c, struct tw_reader *r)
{
    struct tw_reader t = der_whole(r, DER_SEQ, &c->tbs, "tbsCertificate"), in;
    c->version = 1;
    if (der_optional(&t, 0xa0, &in)) {
        struct tw_view v = der_bytes(&in, DER_INT, "version");
        c->version = v.len == 1 && v.data[0] < 3 ? (uint8_t)(v.data[0] + 1) : 0;
    }
    c->serial = der_bytes(&t, DER_INT, "serialNumber");
    der_next(&t, DER_SEQ, "signature");
    der_whole(&t, DER_SEQ, &c->issuer, "issuer");
    struct tw_reader validity = der_next(&t, DER_SEQ, "validity");
    c->not_before = der_time(&validity, "notBefore");
    c->not_after = der_time(&validity, "notAfter");
    if (!tw_rd_ok(&validity) && tw_rd_ok(&t)) {
        t.pos = validity.fail_at;
        tw_rd_fail(&t, validity.fail_field);
    }
    der_whole(&t, DER_SEQ, &c->subject, "subject");
    der_whole(&t, DER_SEQ, &c->spki, "subjectPublicKeyInfo");
    der_optional(&t, 0x81, &in);
    der_optional(&t, 0x82, &in);
    if (tw_rd_ok(&t))
        extensions(c, &t);
    if (!tw_rd_ok(&t) && tw_rd_ok(r)) {
        r->pos = t.fail_at;
        tw_rd_fail(r, t.fail_field);
    }
}

bool tw_cert_parse(struct tw_view der, struct tw_cert *c)
{
    *c = (struct tw_cert){.der = der, .path_len = -1};
    struct tw_reader whole = tw_rd_of(der);
    struct tw_reader r = der_next(&whole, DER_SEQ, "Certificate");
    if (tw_rd_ok(&whole)) {
        tbs_certificate(c, &r);
        der_whole(&r, DER_SEQ, &c->sig_alg, "signatureAlgorithm");
        struct tw_view bits = der_bytes(&r, DER_BITS, "signatureValue");
        c->signature = bits.len > 1 ? tw_view_sub(bits, 1, bits.len - 1) : tw_view_of(NULL, 0);
        tw_rd_end(&r, "Certificate");
    }
    tw_rd_end(&whole, "after the Certificate");
    const struct tw_reader *bad = !tw_rd_ok(&r) ? &r : !tw_rd_ok(&whole) ? &whole : NULL;
    c->self_issued = c->subject.len > 0 && tw_view_eq(c->issuer, c->subject);
    c->fail_field = bad == NULL ? NULL : bad->fail_field;
    c->fail_at = bad == NULL ? 0 : bad->fail_at;
    return bad == NULL;
}

/* ---- parts of extensions -------------------------------------------------------------------------- */

bool tw_cert_san_at(const struct tw_cert *c, size_t i, enum tw_san_type *type,
                    struct tw_view *value)
{
    struct tw_reader r = tw_rd_of(c->san);
    struct tw_reader names = der_next(&r, DER_SEQ, "subjectAltName");
    for (size_t at = 0; tw_rd_more(&names); at++) {
        uint8_t tag;
        struct tw_reader in = der_any(&names, &tag, NULL, "GeneralName");
        if (!tw_rd_ok(&names) || at < i)
            continue;
        *type = (enum tw_san_type)(tag & 0x1f);
        *value = tw_rd_rest(&in);
        return true;
    }
    return false;
}

struct tw_view tw_cert_aia(const struct tw_cert *c, bool ocsp)
{
    struct tw_reader r = tw_rd_of(c->aia);
    struct tw_reader list = der_next(&r, DER_SEQ, "authorityInfoAccess");
    while (tw_rd_more(&list)) {
        struct tw_reader d = der_next(&list, DER_SEQ, "AccessDescription"), uri;
        struct tw_view oid = der_bytes(&d, DER_OID, "accessMethod");
        bool match = ocsp ? OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x30\x01")
                          : OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x30\x02");
        if (match && der_optional(&d, 0x86, &uri))
            return tw_rd_rest(&uri);
    }
    return tw_view_of(NULL, 0);
}

bool tw_cert_has_eku(const struct tw_cert *c, const char *dotted_oid)
{
    struct tw_reader r = tw_rd_of(c->eku);
    struct tw_reader list = der_next(&r, DER_SEQ, "extKeyUsage");
    while (tw_rd_more(&list)) {
        char buf[128];
        struct tw_view oid = der_bytes(&list, DER_OID, "KeyPurposeId");
        if (strcmp(tw_oid_dotted(oid, buf, sizeof buf), dotted_oid) == 0)
            return true;
    }
    return false;
}

void tw_cert_fingerprint(struct tw_crypto *crypto, struct tw_view der, char out[65])
{
    uint8_t md[TW_HASH_MAX];
    size_t n = crypto->digest(crypto->ctx, TW_HASH_SHA256, &der, 1, md);
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", n == 32 ? md[i] : 0);
}

/* ---- key and signature in words --------------------------------------------------------------------- */

void tw_cert_key_info(const struct tw_cert *c, struct tw_key_info *info)
{
    *info = (struct tw_key_info){0};
    struct tw_reader r = tw_rd_of(c->spki);
    struct tw_reader s = der_next(&r, DER_SEQ, "spki");
    struct tw_reader alg = der_next(&s, DER_SEQ, "algorithm");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    struct tw_view bits = der_bytes(&s, DER_BITS, "subjectPublicKey");
    if (!tw_rd_ok(&s) || !tw_rd_ok(&alg) || bits.len < 2)
        return;
    char name[64];
    tw_oid_dotted(oid, name, sizeof name);
    if (strncmp(name, "1.2.840.113549.1.1.", 19) == 0) {
        info->type = strcmp(name, "1.2.840.113549.1.1.10") == 0 ? TW_KEY_RSA_PSS : TW_KEY_RSA;
        struct tw_reader k = tw_rd_of(tw_view_sub(bits, 1, bits.len - 1));
        struct tw_reader seq = der_next(&k, DER_SEQ, "RSAPublicKey");
        struct tw_view n = der_bytes(&seq, DER_INT, "modulus");
        while (n.len > 0 && n.data[0] == 0)
            n = tw_view_sub(n, 1, n.len - 1);
        info->bits = n.len == 0 ? 0 : (unsigned)(n.len - 1) * 8;
        for (unsigned top = n.len == 0 ? 0 : n.data[0]; top > 0; top >>= 1)
            info->bits++;
    } else if (strcmp(name, "1.2.840.10045.2.1") == 0) {
        static const struct { const char *oid; uint16_t group; unsigned bits; } curves[] = {
            {"1.2.840.10045.3.1.7", TW_GRP_SECP256R1, 256}, {"1.3.132.0.34", TW_GRP_SECP384R1, 384},
            {"1.3.132.0.35", TW_GRP_SECP521R1, 521}, {"1.3.132.0.10", 22, 256},
            {"1.3.36.3.3.2.8.1.1.7", TW_GRP_BP256R1, 256},
            {"1.3.36.3.3.2.8.1.1.11", TW_GRP_BP384R1, 384},
            {"1.3.36.3.3.2.8.1.1.13", TW_GRP_BP512R1, 512}};
        info->type = TW_KEY_EC;
        tw_oid_dotted(der_bytes(&alg, DER_OID, "namedCurve"), name, sizeof name);
        for (size_t i = 0; i < TW_ARRAY_LEN(curves); i++)
            if (strcmp(curves[i].oid, name) == 0) {
                info->group = curves[i].group;
                info->bits = curves[i].bits;
            }
    } else if (strcmp(name, "1.3.101.112") == 0) {
        *info = (struct tw_key_info){TW_KEY_ED25519, 256, 0};
    } else if (strcmp(name, "1.3.101.113") == 0) {
        *info = (struct tw_key_info){TW_KEY_ED448, 456, 0};
    } else if (strcmp(name, "1.2.840.10040.4.1") == 0) {
        info->type = TW_KEY_DSA;
    } else {
        info->type = TW_KEY_OTHER;
    }
}

const char *tw_cert_sig_name(const struct tw_cert *c, char *buf, size_t cap)
{
    struct tw_reader r = tw_rd_of(c->sig_alg);
    struct tw_reader alg = der_next(&r, DER_SEQ, "signatureAlgorithm");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    const struct tw_oid *o = tw_rd_ok(&alg) ? tw_oid_by_der(oid) : NULL;
    if (o != NULL)
        tw_copy_str(buf, cap, o->name);
    else
        tw_oid_dotted(oid, buf, cap);
    return buf;
}
