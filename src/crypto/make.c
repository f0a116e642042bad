/* Makes keys and certificates, for the lab and tests. Nothing here is for production use. */
#include "crypto/crypto_internal.h"

struct tw_privkey *tw_make_privkey(struct tw_crypto *t, enum tw_make_key kind)
{
    EVP_PKEY *evp = NULL;
    switch (kind) {
    case TW_MAKE_P256:
        evp = EVP_EC_gen("P-256");
        break;
    case TW_MAKE_P384:
        evp = EVP_EC_gen("P-384");
        break;
    case TW_MAKE_RSA1024:
        evp = EVP_RSA_gen(1024);
        break;
    case TW_MAKE_RSA2048:
        evp = EVP_RSA_gen(2048);
        break;
    case TW_MAKE_RSA3072:
        evp = EVP_RSA_gen(3072);
        break;
    case TW_MAKE_ED25519:
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case TW_MAKE_DSA1024: {
        EVP_PKEY *params = NULL;
        EVP_PKEY_CTX *p = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL), *k = NULL;
        if (p != NULL && EVP_PKEY_paramgen_init(p) == 1 &&
            EVP_PKEY_CTX_set_dsa_paramgen_bits(p, 1024) == 1 && EVP_PKEY_paramgen(p, &params) == 1)
            k = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
        if (k == NULL || EVP_PKEY_keygen_init(k) != 1 || EVP_PKEY_keygen(k, &evp) != 1)
            evp = NULL;
        EVP_PKEY_CTX_free(k);
        EVP_PKEY_CTX_free(p);
        EVP_PKEY_free(params);
        break;
    }
    }
    ERR_clear_error();
    if (evp == NULL)
        return NULL;
    struct tw_privkey *key = calloc(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(evp);
        return NULL;
    }
    key->ctx = t->ctx;
    key->evp = evp;
    return key;
}

static bool set_name(X509_NAME *n, const struct tw_make_cert *s)
{
    bool ok = true;
    if (s->subject_o != NULL)
        ok = X509_NAME_add_entry_by_txt(n, "O", MBSTRING_UTF8, (const unsigned char *)s->subject_o,
                                        -1, -1, 0) == 1;
    if (s->subject_cn != NULL)
        ok = ok && X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
                                              (const unsigned char *)s->subject_cn, -1, -1, 0) == 1;
    return ok;
}

static bool add_ext(X509 *x, X509V3_CTX *v3, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, v3, nid, value);
    bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return ok;
}

static bool add_sans(X509 *x, X509V3_CTX *v3, const struct tw_make_cert *s)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < s->dns_n; i++) {
        bool ip = strncmp(s->dns[i], "ip:", 3) == 0;
        tw_buf_printf(&b, "%s%s:%s", i > 0 ? "," : "", ip ? "IP" : "DNS",
                      ip ? s->dns[i] + 3 : s->dns[i]);
    }
    tw_wr_u8(&b, 0);
    bool ok = !b.failed && add_ext(x, v3, NID_subject_alt_name, (const char *)b.data);
    tw_buf_cleanup(&b);
    return ok;
}

/* authorityInfoAccess with what is there of issuer and responder. */
static bool add_aia(X509 *x, X509V3_CTX *v3, const struct tw_make_cert *s)
{
    char aia[1024];
    if (s->aia_issuer_url == NULL && s->ocsp_url == NULL)
        return true;
    snprintf(aia, sizeof aia, "%s%s%s%s%s", s->aia_issuer_url != NULL ? "caIssuers;URI:" : "",
             s->aia_issuer_url != NULL ? s->aia_issuer_url : "",
             s->aia_issuer_url != NULL && s->ocsp_url != NULL ? "," : "",
             s->ocsp_url != NULL ? "OCSP;URI:" : "", s->ocsp_url != NULL ? s->ocsp_url : "");
    return add_ext(x, v3, NID_info_access, aia);
}

/* Embedded SCTs (RFC 6962 3.3): the list is an OCTET STRING within the extension's value. */
static bool add_scts(X509 *x, struct tw_view scts)
{
    unsigned char *der = NULL;
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new(), *value = ASN1_OCTET_STRING_new();
    bool ok = inner != NULL && value != NULL &&
              ASN1_OCTET_STRING_set(inner, scts.data, (int)scts.len) == 1;
    int n = ok ? i2d_ASN1_OCTET_STRING(inner, &der) : 0;
    ok = n > 0 && ASN1_OCTET_STRING_set(value, der, n) == 1;
    X509_EXTENSION *e =
        ok ? X509_EXTENSION_create_by_NID(NULL, NID_ct_precert_scts, 0, value) : NULL;
    ok = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(inner);
    ASN1_OCTET_STRING_free(value);
    OPENSSL_free(der);
    return ok;
}

static bool add_extensions(X509 *x, X509 *issuer, const struct tw_make_cert *s)
{
    X509V3_CTX v3;
    X509V3_set_ctx_nodb(&v3);
    X509V3_set_ctx(&v3, issuer, x, NULL, NULL, 0);
    char basic[64] = "critical,CA:FALSE", point[512];
    if (s->ca && s->path_len >= 0)
        snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d", s->path_len);
    else if (s->ca)
        snprintf(basic, sizeof basic, "critical,CA:TRUE");
    bool ok = add_ext(x, &v3, NID_basic_constraints, basic) &&
              add_ext(x, &v3, NID_key_usage,
                      s->ca ? "critical,keyCertSign,cRLSign"
                            : "critical,digitalSignature,keyEncipherment") &&
              add_ext(x, &v3, NID_subject_key_identifier,
                      s->ski_hex != NULL ? s->ski_hex : "hash");
    if (ok && issuer != x)
        ok = add_ext(x, &v3, NID_authority_key_identifier, "keyid");
    if (ok && !s->ca)
        ok = add_ext(x, &v3, NID_ext_key_usage,
                     s->ocsp_signing       ? "OCSPSigning"
                     : s->client_auth_only ? "clientAuth"
                                           : "serverAuth,clientAuth");
    if (ok && !s->no_san && s->dns_n > 0)
        ok = add_sans(x, &v3, s);
    ok = ok && add_aia(x, &v3, s);
    if (ok && s->crl_url != NULL) {
        snprintf(point, sizeof point, "URI:%s", s->crl_url);
        ok = add_ext(x, &v3, NID_crl_distribution_points, point);
    }
    if (ok && s->must_staple)
        ok = add_ext(x, &v3, NID_tlsfeature, "status_request");
    if (ok && s->scts.len > 0)
        ok = add_scts(x, s->scts);
    return ok;
}

static bool sign_cert(struct crypto_ctx *c, X509 *x, const struct tw_privkey *by,
                      enum tw_hash_id hash)
{
    int id = EVP_PKEY_get_base_id(by->evp);
    bool eddsa = id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448;
    return X509_sign(x, by->evp, eddsa ? NULL : ctx_md(c, hash == TW_HASH_NONE ? TW_HASH_SHA256
                                                                               : hash)) > 0;
}

enum tw_status tw_make_certificate(struct tw_crypto *t, const struct tw_make_cert *s,
                                   const struct tw_privkey *subject_key,
                                   struct tw_view issuer_der, const struct tw_privkey *issuer_key,
                                   struct tw_buf *out)
{
    const unsigned char *p = issuer_der.data;
    X509 *issuer = issuer_der.len == 0 ? NULL : d2i_X509(NULL, &p, (long)issuer_der.len);
    X509 *x = X509_new();
    unsigned char *der = NULL;
    bool ok = x != NULL && (issuer != NULL || issuer_der.len == 0) &&
              X509_set_version(x, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), s->serial + 1) == 1 &&
              ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)s->not_before, 0, 0) != NULL &&
              ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)s->not_after, 0, 0) != NULL &&
              set_name(X509_get_subject_name(x), s) &&
              X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer)
                                                     : X509_get_subject_name(x)) == 1 &&
              X509_set_pubkey(x, subject_key->evp) == 1 &&
              add_extensions(x, issuer != NULL ? issuer : x, s) &&
              sign_cert(t->ctx, x, issuer_key, s->hash);
    int n = ok ? i2d_X509(x, &der) : 0;
    ok = n > 0 && tw_buf_add(out, der, (size_t)n);
    OPENSSL_free(der);
    X509_free(x);
    X509_free(issuer);
    ERR_clear_error();
    return ok ? TW_OK : TW_E_CRYPTO;
}

static enum tw_status take_bio(BIO *b, bool ok, struct tw_buf *out)
{
    char *p = NULL;
    long n = b == NULL ? 0 : BIO_get_mem_data(b, &p);
    ok = ok && n > 0 && tw_buf_add(out, p, (size_t)n);
    BIO_free(b);
    return ok ? TW_OK : TW_E_CRYPTO;
}

enum tw_status tw_pem_write_cert(struct tw_view der, struct tw_buf *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    bool ok = b != NULL && PEM_write_bio(b, "CERTIFICATE", "", der.data, (long)der.len) > 0;
    return take_bio(b, ok, out);
}

enum tw_status tw_pem_write_key(const struct tw_privkey *k, struct tw_buf *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    bool ok = b != NULL && PEM_write_bio_PKCS8PrivateKey(b, k->evp, NULL, NULL, 0, NULL, NULL) == 1;
    return take_bio(b, ok, out);
}
