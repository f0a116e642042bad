/*
 * Certificates of a PKCS#12 file, as trust stores use it: Java's cacerts since version 9 (which may
 * have neither password nor MAC), "keytool -importcert" and "openssl pkcs12 -export -nokeys".
 * Decoding and decryption are libcrypto's; what is ours is to try the usual passwords, to refuse
 * absurd iteration counts, and to tell anchors from certificates that belong to a key.
 */
#include "crypto/crypto_internal.h"

#include <openssl/asn1t.h>
#include <openssl/pkcs12.h>

/* OpenSSL's default is 2048, Java's 10000, what OWASP recommends 600000. */
enum { MAX_ITERATIONS = 1000000, MAX_PARTS = 64, MAX_BAGS = 20000 };

struct reading {
    const char *password; /* NULL: without any */
    tw_pkcs12_cert_fn *each;
    void *user;
    struct tw_pkcs12 *out;
    size_t bags;
};

static int length_of(const char *password)
{
    return password == NULL ? 0 : (int)strlen(password);
}

/* ---- bags --------------------------------------------------------------------------------------- */

/* Oracle's attribute; it has no number in libcrypto. */
static bool is_marked_trusted(const PKCS12_SAFEBAG *bag)
{
    const STACK_OF(X509_ATTRIBUTE) *attrs = PKCS12_SAFEBAG_get0_attrs(bag);
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attrs); i++) {
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(attrs, i)),
                    1);
        if (strcmp(oid, "2.16.840.1.113894.746875.1.1") == 0)
            return true;
    }
    return false;
}

static void take_certificate(struct reading *r, const PKCS12_SAFEBAG *bag)
{
    X509 *x = PKCS12_SAFEBAG_get1_cert(bag);
    unsigned char *der = NULL;
    int n = x == NULL ? 0 : i2d_X509(x, &der);
    if (n > 0) {
        bool trusted = is_marked_trusted(bag);
        r->out->certs++;
        r->out->trusted += trusted;
        r->each(r->user, tw_view_of(der, (size_t)n), trusted);
    } else {
        r->out->unread++;
    }
    OPENSSL_free(der);
    X509_free(x);
}

static void take_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) *bags, unsigned depth)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && r->bags < MAX_BAGS; i++, r->bags++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_certBag:
            take_certificate(r, bag);
            break;
        case NID_keyBag:
        case NID_pkcs8ShroudedKeyBag:
            r->out->keys++;
            break;
        case NID_safeContentsBag:
            if (depth < 4)
                take_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
            break;
        default:
            break; /* CRLs and secrets */
        }
    }
}

/* ---- limits ------------------------------------------------------------------------------------- */

static bool sane(const ASN1_INTEGER *iterations)
{
    int64_t n = 1;
    return iterations == NULL ||
           (ASN1_INTEGER_get_int64(&n, iterations) == 1 && n >= 0 && n <= MAX_ITERATIONS);
}

/* Key stretching of a PBES1 or PBES2 algorithm (RFC 8018); what is unknown cannot be run either. */
static bool algorithm_is_sane(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *oid;
    const void *param;
    int type;
    X509_ALGOR_get0(&oid, &type, &param, alg);
    if (type != V_ASN1_SEQUENCE)
        return true;
    const ASN1_STRING *seq = param;
    bool ok = true;
    if (OBJ_obj2nid(oid) != NID_pbes2) {
        PBEPARAM *p = ASN1_item_unpack(seq, ASN1_ITEM_rptr(PBEPARAM));
        ok = p == NULL || sane(p->iter);
        PBEPARAM_free(p);
        return ok;
    }
    PBE2PARAM *two = ASN1_item_unpack(seq, ASN1_ITEM_rptr(PBE2PARAM));
    if (two == NULL)
        return true;
    X509_ALGOR_get0(&oid, &type, &param, two->keyfunc);
    if (type == V_ASN1_SEQUENCE && OBJ_obj2nid(oid) == NID_id_pbkdf2) {
        PBKDF2PARAM *kdf = ASN1_item_unpack(param, ASN1_ITEM_rptr(PBKDF2PARAM));
        ok = kdf == NULL || sane(kdf->iter);
        PBKDF2PARAM_free(kdf);
    } else if (OBJ_obj2nid(oid) != NID_id_pbkdf2) {
        ok = false; /* scrypt: its memory is bounded by nobody here */
    }
    PBE2PARAM_free(two);
    return ok;
}

static bool part_is_sane(const PKCS7 *part)
{
    return OBJ_obj2nid(part->type) != NID_pkcs7_encrypted || part->d.encrypted == NULL ||
           part->d.encrypted->enc_data == NULL || part->d.encrypted->enc_data->algorithm == NULL ||
           algorithm_is_sane(part->d.encrypted->enc_data->algorithm);
}

/* ---- parts -------------------------------------------------------------------------------------- */

static bool take_part(struct reading *r, PKCS7 *part)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    int kind = OBJ_obj2nid(part->type);
    if (kind == NID_pkcs7_data)
        bags = PKCS12_unpack_p7data(part);
    else if (kind == NID_pkcs7_encrypted)
        bags = PKCS12_unpack_p7encdata(part, r->password, length_of(r->password));
    if (bags == NULL) {
        r->out->unread++;
        return false;
    }
    take_bags(r, bags, 0);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return true;
}

static bool parts_are_sane(const STACK_OF(PKCS7) *parts)
{
    for (int i = 0; i < sk_PKCS7_num(parts); i++)
        if (!part_is_sane(sk_PKCS7_value(parts, i)))
            return false;
    return sk_PKCS7_num(parts) <= MAX_PARTS;
}

/* The password that the MAC accepts, of those to try. */
static bool find_password(PKCS12 *p12, struct reading *r, const char *given)
{
    static const char *const usual[] = {NULL, "", "changeit"};
    if (PKCS12_mac_present(p12) != 1) {
        r->out->integrity = TW_INTEGRITY_NONE;
        r->password = given;
        return true;
    }
    for (size_t i = 0; i < (given == NULL ? TW_ARRAY_LEN(usual) : 1); i++) {
        r->password = given == NULL ? usual[i] : given;
        if (PKCS12_verify_mac(p12, r->password, length_of(r->password)) == 1) {
            r->out->integrity = TW_INTEGRITY_GOOD;
            return true;
        }
    }
    r->out->integrity = TW_INTEGRITY_BAD;
    return false;
}

/* Without a MAC nothing tells the password but that it opens what is encrypted. */
static void take_parts(struct reading *r, const STACK_OF(PKCS7) *parts, const char *given)
{
    static const char *const usual[] = {NULL, "", "changeit"};
    for (int i = 0; i < sk_PKCS7_num(parts); i++) {
        PKCS7 *part = sk_PKCS7_value(parts, i);
        bool guess = r->out->integrity == TW_INTEGRITY_NONE && given == NULL &&
                     OBJ_obj2nid(part->type) == NID_pkcs7_encrypted;
        size_t unread = r->out->unread;
        bool opened = false;
        for (size_t j = 0; guess && !opened && j < TW_ARRAY_LEN(usual); j++) {
            r->password = usual[j];
            r->out->unread = unread;
            opened = take_part(r, part);
        }
        if (!guess)
            take_part(r, part);
    }
}

static enum tw_status read_parts(PKCS12 *p12, struct reading *r, const char *given,
                                 const char **why)
{
    const ASN1_INTEGER *iterations = NULL;
    PKCS12_get0_mac(NULL, NULL, NULL, &iterations, p12);
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(p12);
    enum tw_status st = TW_E_INPUT;
    if (parts == NULL) {
        *why = "the PKCS#12 file is damaged";
    } else if (!sane(iterations) || !parts_are_sane(parts)) {
        *why = "the PKCS#12 file asks for an unreasonable amount of computation";
        st = TW_E_LIMIT;
    } else if (!find_password(p12, r, given)) {
        *why = given == NULL ? "the PKCS#12 file has a password (not one of the usual ones)"
                             : "the password does not open the PKCS#12 file";
    } else {
        take_parts(r, parts, given);
        st = TW_OK;
    }
    sk_PKCS7_pop_free(parts, PKCS7_free);
    return st;
}

/* Java up to 8 encrypts certificates with RC2, which is in the "legacy" provider. A context of its
 * own, so that nothing else sees it. */
struct context {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *standard, *legacy;
};

static void context_close(struct context *x)
{
    if (x->legacy != NULL)
        OSSL_PROVIDER_unload(x->legacy);
    if (x->standard != NULL)
        OSSL_PROVIDER_unload(x->standard);
    OSSL_LIB_CTX_free(x->lib);
}

static bool context_open(struct context *x)
{
    *x = (struct context){.lib = OSSL_LIB_CTX_new()};
    if (x->lib != NULL)
        x->standard = OSSL_PROVIDER_load(x->lib, "default");
    if (x->standard != NULL)
        x->legacy = OSSL_PROVIDER_load(x->lib, "legacy"); /* may be missing: RC2 stays closed */
    return x->standard != NULL;
}

enum tw_status tw_pkcs12_read(struct tw_view in, const char *password, tw_pkcs12_cert_fn *each,
                              void *user, struct tw_pkcs12 *out, const char **why)
{
    *out = (struct tw_pkcs12){0};
    *why = "not a PKCS#12 file";
    if (in.len == 0 || in.len > INT32_MAX)
        return TW_E_INPUT;
    struct context x;
    struct reading r = {.each = each, .user = user, .out = out};
    const unsigned char *p = in.data;
    enum tw_status st = TW_E_INPUT;
    PKCS12 *p12 = context_open(&x) ? PKCS12_init_ex(NID_pkcs7_data, x.lib, NULL) : NULL;
    if (p12 != NULL && d2i_PKCS12(&p12, &p, (long)in.len) != NULL)
        st = read_parts(p12, &r, password, why);
    PKCS12_free(p12);
    context_close(&x);
    ERR_clear_error();
    return st;
}
