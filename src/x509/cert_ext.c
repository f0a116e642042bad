/* Lists inside extensions, and a certificate's key and signature in words. */
#include "x509/der.h"
#include "x509/x509.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))

/* ---- lists ------------------------------------------------------------------------------------------ */

/* A reader over the contents of the list that v is, moved on to where the last call stopped. */
static struct tw_reader resume(struct tw_view v, uint8_t tag, size_t pos)
{
    struct tw_reader r = der_open(v, tag, "list");
    if (pos > r.pos && pos <= r.end)
        r.pos = pos;
    else if (pos > r.end)
        r.pos = r.end;
    return r;
}

bool tw_general_name_next(struct tw_view names, size_t *pos, unsigned *tag, struct tw_view *value)
{
    struct tw_reader r = resume(names, names.len > 0 ? names.data[0] : DER_SEQ, *pos);
    if (!tw_rd_more(&r))
        return false;
    uint8_t t;
    struct tw_reader in = der_any(&r, &t, NULL, "GeneralName");
    if (!tw_rd_ok(&r))
        return false;
    *pos = r.pos;
    *tag = t & 0x1f;
    *value = tw_rd_rest(&in);
    return true;
}

bool tw_cert_san_at(const struct tw_cert *c, size_t i, enum tw_san_type *type,
                    struct tw_view *value)
{
    size_t pos = 0;
    unsigned tag;
    for (size_t at = 0; tw_general_name_next(c->san, &pos, &tag, value); at++)
        if (at == i) {
            *type = (enum tw_san_type)tag;
            return true;
        }
    return false;
}

bool tw_cert_eku_next(const struct tw_cert *c, size_t *pos, struct tw_view *oid)
{
    struct tw_reader r = resume(c->eku, DER_SEQ, *pos);
    if (!tw_rd_more(&r))
        return false;
    *oid = der_bytes(&r, DER_OID, "KeyPurposeId");
    *pos = r.pos;
    return tw_rd_ok(&r);
}

bool tw_cert_has_eku(const struct tw_cert *c, const char *dotted_oid)
{
    size_t pos = 0;
    struct tw_view oid;
    char buf[128];
    while (tw_cert_eku_next(c, &pos, &oid))
        if (strcmp(tw_oid_dotted(oid, buf, sizeof buf), dotted_oid) == 0)
            return true;
    return false;
}

bool tw_cert_policy_next(const struct tw_cert *c, size_t *pos, struct tw_view *oid,
                         struct tw_view *qualifiers)
{
    struct tw_reader r = resume(c->policies, DER_SEQ, *pos);
    if (!tw_rd_more(&r))
        return false;
    struct tw_reader info = der_next(&r, DER_SEQ, "PolicyInformation");
    *oid = der_bytes(&info, DER_OID, "policyIdentifier");
    *pos = r.pos;
    if (qualifiers != NULL)
        *qualifiers = tw_rd_rest(&info);
    return tw_rd_ok(&info);
}

bool tw_cert_aia_next(const struct tw_cert *c, size_t *pos, bool ocsp, struct tw_view *url)
{
    struct tw_reader r = resume(c->aia, DER_SEQ, *pos), uri;
    while (tw_rd_more(&r)) {
        struct tw_reader d = der_next(&r, DER_SEQ, "AccessDescription");
        struct tw_view oid = der_bytes(&d, DER_OID, "accessMethod");
        *pos = r.pos;
        bool match = ocsp ? OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x30\x01")
                          : OID_IS(oid, "\x2b\x06\x01\x05\x05\x07\x30\x02");
        if (match && der_optional(&d, 0x86, &uri)) {
            *url = tw_rd_rest(&uri);
            return true;
        }
    }
    return false;
}

struct tw_view tw_cert_aia(const struct tw_cert *c, bool ocsp)
{
    size_t pos = 0;
    struct tw_view url = tw_view_of(NULL, 0);
    tw_cert_aia_next(c, &pos, ocsp, &url);
    return url;
}

/* First URI of a DistributionPointName's fullName. */
static bool point_url(struct tw_reader *point, struct tw_view *url)
{
    struct tw_reader name, full;
    if (!der_optional(point, 0xa0, &name) || !der_optional(&name, 0xa0, &full))
        return false;
    while (tw_rd_more(&full)) {
        uint8_t tag;
        struct tw_reader in = der_any(&full, &tag, NULL, "fullName");
        if (tag == 0x86 && tw_rd_ok(&full)) {
            *url = tw_rd_rest(&in);
            return true;
        }
    }
    return false;
}

bool tw_cert_crl_url_next(const struct tw_cert *c, size_t *pos, struct tw_view *url)
{
    struct tw_reader r = resume(c->crl_points, DER_SEQ, *pos);
    while (tw_rd_more(&r)) {
        struct tw_reader point = der_next(&r, DER_SEQ, "DistributionPoint");
        *pos = r.pos;
        if (point_url(&point, url))
            return true;
    }
    return false;
}

bool tw_cert_sct_next(const struct tw_cert *c, size_t *pos, struct tw_view *sct)
{
    struct tw_reader ext = tw_rd_of(c->scts);
    struct tw_view octets = der_bytes(&ext, DER_OCTETS, "SignedCertificateTimestampList");
    struct tw_reader list = tw_rd_of(octets);
    struct tw_reader r = tw_rd_sub(&list, 2, "sct_list");
    if (*pos > r.pos && *pos <= r.end)
        r.pos = *pos;
    if (!tw_rd_more(&r))
        return false;
    *sct = tw_rd_vec(&r, 2, "SerializedSCT");
    *pos = r.pos;
    return tw_rd_ok(&r);
}

void tw_cert_fingerprint(struct tw_crypto *crypto, struct tw_view der, char out[65])
{
    uint8_t md[TW_HASH_MAX];
    size_t n = crypto->digest(crypto->ctx, TW_HASH_SHA256, &der, 1, md);
    for (size_t i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", n == 32 ? md[i] : 0);
}

/* ---- key -------------------------------------------------------------------------------------------- */

struct curve { const char *oid; size_t len; uint16_t group; unsigned bits; };
#define CURVE(o, g, b) {o, sizeof(o) - 1, g, b}
static const struct curve curves[] = {
    CURVE("\x2a\x86\x48\xce\x3d\x03\x01\x07", TW_GRP_SECP256R1, 256),
    CURVE("\x2b\x81\x04\x00\x22", TW_GRP_SECP384R1, 384),
    CURVE("\x2b\x81\x04\x00\x23", TW_GRP_SECP521R1, 521),
    CURVE("\x2b\x81\x04\x00\x0a", 22 /* secp256k1 */, 256),
    CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x07", TW_GRP_BP256R1, 256),
    CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", TW_GRP_BP384R1, 384),
    CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", TW_GRP_BP512R1, 512),
    CURVE("\x2a\x86\x48\xce\x3d\x03\x01\x01", 19 /* secp192r1 */, 192),
    CURVE("\x2b\x81\x04\x00\x21", 21 /* secp224r1 */, 224),
    CURVE("\x2b\x81\x04\x00\x1f", 18 /* secp192k1 */, 192),
    CURVE("\x2b\x81\x04\x00\x20", 20 /* secp224k1 */, 224),
    CURVE("\x2b\x81\x04\x00\x08", 16 /* secp160r1 */, 160),
};

static unsigned bit_length(struct tw_view n)
{
    while (n.len > 0 && n.data[0] == 0)
        n = tw_view_sub(n, 1, n.len - 1);
    unsigned bits = n.len == 0 ? 0 : (unsigned)(n.len - 1) * 8;
    for (unsigned top = n.len == 0 ? 0 : n.data[0]; top > 0; top >>= 1)
        bits++;
    return bits;
}

static void ec_info(struct tw_reader *alg, struct tw_key_info *info)
{
    info->type = TW_KEY_EC;
    struct tw_view oid = der_bytes(alg, DER_OID, "namedCurve");
    for (size_t i = 0; i < TW_ARRAY_LEN(curves); i++)
        if (tw_view_eq(oid, tw_view_of(curves[i].oid, curves[i].len))) {
            info->group = curves[i].group;
            info->bits = curves[i].bits;
        }
}

static void dsa_info(struct tw_reader *alg, struct tw_key_info *info)
{
    struct tw_reader params;
    info->type = TW_KEY_DSA;
    if (der_optional(alg, DER_SEQ, &params))
        info->bits = bit_length(der_bytes(&params, DER_INT, "p"));
}

static bool spki_open(const struct tw_cert *c, struct tw_reader *alg, struct tw_view *oid,
                      struct tw_view *key)
{
    struct tw_reader s = der_open(c->spki, DER_SEQ, "spki");
    *alg = der_next(&s, DER_SEQ, "algorithm");
    *oid = der_bytes(alg, DER_OID, "algorithm");
    struct tw_view bits = der_bytes(&s, DER_BITS, "subjectPublicKey");
    if (!tw_rd_ok(&s) || !tw_rd_ok(alg) || bits.len < 2)
        return false;
    *key = tw_view_sub(bits, 1, bits.len - 1);
    return true;
}

void tw_cert_key_info(const struct tw_cert *c, struct tw_key_info *info)
{
    struct tw_reader alg;
    struct tw_view oid, key;
    *info = (struct tw_key_info){0};
    if (!spki_open(c, &alg, &oid, &key))
        return;
    bool rsa = OID_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    if (rsa || OID_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a") ||
        OID_IS(oid, "\x55\x08\x01\x01") /* the X.500 "rsa", in old certificates */) {
        info->type = rsa || oid.len == 4 ? TW_KEY_RSA : TW_KEY_RSA_PSS;
        struct tw_reader seq = der_open(key, DER_SEQ, "RSAPublicKey");
        info->bits = bit_length(der_bytes(&seq, DER_INT, "modulus"));
    } else if (OID_IS(oid, "\x2a\x86\x48\xce\x3d\x02\x01")) {
        ec_info(&alg, info);
    } else if (OID_IS(oid, "\x2b\x65\x70")) {
        *info = (struct tw_key_info){TW_KEY_ED25519, 256, 0};
    } else if (OID_IS(oid, "\x2b\x65\x71")) {
        *info = (struct tw_key_info){TW_KEY_ED448, 456, 0};
    } else if (OID_IS(oid, "\x2a\x86\x48\xce\x38\x04\x01")) {
        dsa_info(&alg, info);
    } else {
        info->type = TW_KEY_OTHER;
    }
}

bool tw_cert_explicit_curve(const struct tw_cert *c)
{
    struct tw_reader alg;
    struct tw_view oid, key;
    return spki_open(c, &alg, &oid, &key) && OID_IS(oid, "\x2a\x86\x48\xce\x3d\x02\x01") &&
           der_peek(&alg) == DER_SEQ;
}

/* NIST SP 800-57 part 1, table 2; between its rows the lower one counts. */
unsigned tw_key_strength(const struct tw_key_info *k)
{
    static const struct { unsigned bits, strength; } ff[] = {
        {15360, 256}, {7680, 192}, {3072, 128}, {2048, 112}, {1024, 80}, {512, 40}, {1, 1}};
    switch (k->type) {
    case TW_KEY_EC:
        return k->bits / 2;
    case TW_KEY_ED25519:
        return 128;
    case TW_KEY_ED448:
        return 224;
    case TW_KEY_RSA:
    case TW_KEY_RSA_PSS:
    case TW_KEY_DSA:
    case TW_KEY_DH:
        for (size_t i = 0; i < TW_ARRAY_LEN(ff); i++)
            if (k->bits >= ff[i].bits)
                return ff[i].strength;
        return 0;
    default:
        return 0;
    }
}

/* ---- signature ---------------------------------------------------------------------------------------- */

/* Collision resistance of the hash in a signature algorithm, in bits; for MD5 and SHA-1 what
 * cryptanalysis has left (the figures OpenSSL's security levels use). */
struct sig_strength { const char *oid; size_t len; unsigned bits; };
#define SIG(o, b) {o, sizeof(o) - 1, b}
#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define ECDSA2 "\x2a\x86\x48\xce\x3d\x04\x03"
#define CSOR "\x60\x86\x48\x01\x65\x03\x04\x03"
static const struct sig_strength sigs[] = {
    SIG(PKCS1 "\x0b", 128), SIG(ECDSA2 "\x02", 128), SIG(ECDSA2 "\x03", 192),
    SIG(PKCS1 "\x0c", 192), SIG(PKCS1 "\x0d", 256), SIG(ECDSA2 "\x04", 256),
    SIG("\x2b\x65\x70", 128), SIG("\x2b\x65\x71", 224), SIG(PKCS1 "\x0e", 112),
    SIG(ECDSA2 "\x01", 112), SIG(PKCS1 "\x05", 63), SIG("\x2a\x86\x48\xce\x3d\x04\x01", 63),
    SIG("\x2b\x0e\x03\x02\x1d", 63), SIG("\x2b\x0e\x03\x02\x1b", 63),
    SIG("\x2a\x86\x48\xce\x38\x04\x03", 63), SIG(PKCS1 "\x04", 39), SIG(PKCS1 "\x03", 2),
    SIG(PKCS1 "\x02", 2), SIG(CSOR "\x01", 112), SIG(CSOR "\x02", 128), SIG(CSOR "\x03", 192),
    SIG(CSOR "\x04", 256), SIG(CSOR "\x09", 112), SIG(CSOR "\x0a", 128), SIG(CSOR "\x0b", 192),
    SIG(CSOR "\x0c", 256), SIG(CSOR "\x0d", 112), SIG(CSOR "\x0e", 128), SIG(CSOR "\x0f", 192),
    SIG(CSOR "\x10", 256), SIG(CSOR "\x11", 128), SIG(CSOR "\x12", 192), SIG(CSOR "\x13", 256),
};

/* RSASSA-PSS-params (RFC 4055 3.1): the hash, SHA-1 when it is left out. */
static unsigned pss_strength(struct tw_reader *alg)
{
    static const unsigned sha2[] = {128, 192, 256, 112};
    struct tw_reader params, in;
    if (!der_optional(alg, DER_SEQ, &params) || !der_optional(&params, 0xa0, &in))
        return 63;
    struct tw_reader hash = der_next(&in, DER_SEQ, "hashAlgorithm");
    struct tw_view oid = der_bytes(&hash, DER_OID, "hashAlgorithm");
    bool nist = oid.len == 9 && memcmp(oid.data, "\x60\x86\x48\x01\x65\x03\x04\x02", 8) == 0;
    if (nist && oid.data[8] >= 1 && oid.data[8] <= 4)
        return sha2[oid.data[8] - 1];
    return nist ? 112 : OID_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x02\x05") ? 39 : 63;
}

unsigned tw_cert_sig_strength(const struct tw_cert *c)
{
    struct tw_reader alg = der_open(c->sig_alg, DER_SEQ, "signatureAlgorithm");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    if (OID_IS(oid, PKCS1 "\x0a"))
        return pss_strength(&alg);
    for (size_t i = 0; i < TW_ARRAY_LEN(sigs); i++)
        if (tw_view_eq(oid, tw_view_of(sigs[i].oid, sigs[i].len)))
            return sigs[i].bits;
    return 0;
}

const char *tw_cert_sig_name(const struct tw_cert *c, char *buf, size_t cap)
{
    struct tw_reader alg = der_open(c->sig_alg, DER_SEQ, "signatureAlgorithm");
    struct tw_view oid = der_bytes(&alg, DER_OID, "algorithm");
    const struct tw_oid *o = tw_rd_ok(&alg) ? tw_oid_by_der(oid) : NULL;
    if (o != NULL)
        tw_copy_str(buf, cap, o->name);
    else
        tw_oid_dotted(oid, buf, cap);
    return buf;
}
