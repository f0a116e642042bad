/*
 * Which format a trust store has, and the formats that need few lines: PEM with OpenSSL's trust
 * settings, DER, PKCS#7. JKS, PKCS#12 and p11-kit have files of their own.
 */
#include "x509/der.h"
#include "x509/store.h"

const char *tw_store_format_name(enum tw_store_format f)
{
    static const char *const names[] = {
#define X(id, text) text,
        TW_STORE_FORMAT_LIST(X)
#undef X
    };
    return (size_t)f < TW_ARRAY_LEN(names) ? names[f] : names[0];
}

static void add(struct tw_trust *into, struct tw_view der, struct tw_store_content *out)
{
    if (tw_trust_add_der(into, der))
        out->anchors++;
    else
        out->damaged++;
}

/* ---- PEM ------------------------------------------------------------------------------------------ */

/* An OBJECT IDENTIFIER in the list that stands for TLS servers: serverAuth or anyExtendedKeyUsage. */
static bool names_servers(struct tw_reader list)
{
    bool yes = false;
    while (tw_rd_more(&list)) {
        char dotted[64];
        tw_oid_dotted(der_bytes(&list, DER_OID, "purpose"), dotted, sizeof dotted);
        yes = yes || strcmp(dotted, "1.3.6.1.5.5.7.3.1") == 0 || strcmp(dotted, "2.5.29.37.0") == 0;
    }
    return yes;
}

/* OpenSSL's X509_CERT_AUX (crypto/x509/x_x509a.c): SEQUENCE { trust SEQUENCE OF OID OPTIONAL,
 * reject [0] SEQUENCE OF OID OPTIONAL, ... }. Without either, it is trusted as a plain one is. */
static bool aux_trusts_servers(struct tw_view aux)
{
    struct tw_reader r = tw_rd_of(aux), list;
    struct tw_reader s = der_next(&r, DER_SEQ, "X509_CERT_AUX");
    bool has_trust = der_optional(&s, DER_SEQ, &list);
    bool trusted = !has_trust || names_servers(list);
    bool rejected = der_optional(&s, 0xa0, &list) && names_servers(list);
    return trusted && !rejected;
}

static void pem(struct tw_view in, struct tw_trust *into, struct tw_store_content *out)
{
    struct tw_buf block;
    size_t pos = 0;
    bool with_trust;
    out->format = TW_STORE_PEM;
    tw_buf_init(&block, in.len + 16);
    for (; tw_pem_next_block(in, &pos, &block, &out->damaged, &with_trust); block.len = 0) {
        struct tw_reader r = tw_rd_of(tw_buf_view(&block));
        struct tw_view cert = tw_view_of(NULL, 0);
        der_whole(&r, DER_SEQ, &cert, "Certificate");
        struct tw_view aux = tw_rd_rest(&r);
        bool settings = with_trust && aux.len > 0;
        if (settings ? !tw_trust_add_with(into, cert, aux) : !tw_trust_add_der(into, cert))
            out->damaged++;
        else if (settings && !aux_trusts_servers(aux))
            out->not_anchors++;
        else
            out->anchors++;
    }
    tw_buf_cleanup(&block);
}

/* ---- DER, PKCS#7 ------------------------------------------------------------------------------------ */

/* SignedData with nothing but certificates (RFC 5652 5.1), as .p7b files are. */
static bool pkcs7(struct tw_view in, struct tw_trust *into, struct tw_store_content *out)
{
    struct tw_reader r = tw_rd_of(in), wrapped, certs;
    struct tw_reader info = der_next(&r, DER_SEQ, "ContentInfo");
    char oid[64];
    tw_oid_dotted(der_bytes(&info, DER_OID, "contentType"), oid, sizeof oid);
    if (strcmp(oid, "1.2.840.113549.1.7.2") != 0)
        return false;
    out->format = TW_STORE_PKCS7;
    if (!der_optional(&info, 0xa0, &wrapped)) {
        out->problem = "the PKCS#7 file is damaged";
        return true;
    }
    struct tw_reader data = der_next(&wrapped, DER_SEQ, "SignedData");
    der_next(&data, DER_INT, "version");
    der_next(&data, DER_SET, "digestAlgorithms");
    der_next(&data, DER_SEQ, "encapContentInfo");
    if (der_optional(&data, 0xa0, &certs))
        while (tw_rd_more(&certs)) {
            struct tw_view cert;
            uint8_t tag;
            der_any(&certs, &tag, &cert, "certificate");
            if (tw_rd_ok(&certs))
                add(into, cert, out);
        }
    if (!tw_rd_ok(&data) || (out->anchors > 0 && !tw_rd_ok(&certs)))
        out->problem = "the PKCS#7 file is damaged";
    return true;
}

static bool der(struct tw_view in, struct tw_trust *into, struct tw_store_content *out)
{
    struct tw_cert c;
    if (!tw_cert_parse(in, &c))
        return false;
    out->format = TW_STORE_DER;
    add(into, in, out);
    return true;
}

/* ---- PKCS#12 ------------------------------------------------------------------------------------------ */

struct gathering {
    struct tw_trust *into;
    struct tw_store_content *out;
};

static void on_pkcs12_cert(void *user, struct tw_view cert, bool trusted)
{
    struct gathering *g = user;
    if (trusted)
        add(g->into, cert, g->out);
    else
        g->out->not_anchors++;
}

/* PFX ::= SEQUENCE { version INTEGER (3), authSafe ContentInfo, ... }, RFC 7292 4 */
static bool is_pfx(struct tw_view in)
{
    struct tw_reader r = tw_rd_of(in);
    struct tw_reader pfx = der_next(&r, DER_SEQ, "PFX");
    struct tw_view version = der_bytes(&pfx, DER_INT, "version");
    struct tw_reader info = der_next(&pfx, DER_SEQ, "authSafe");
    der_next(&info, DER_OID, "contentType");
    return tw_rd_ok(&info) && version.len == 1 && version.data[0] == 3;
}

/*
 * Java takes a certificate for an anchor only when it bears Oracle's attribute; one without it, as
 * "openssl pkcs12 -export -nokeys" makes them, is nothing to it, and so it is here.
 */
static bool pkcs12(struct tw_view in, const char *password, struct tw_trust *into,
                   struct tw_store_content *out)
{
    struct gathering g = {into, out};
    struct tw_pkcs12 found;
    const char *why;
    if (!is_pfx(in))
        return false;
    enum tw_status st = tw_pkcs12_read(in, password, on_pkcs12_cert, &g, &found, &why);
    out->format = TW_STORE_PKCS12;
    out->integrity = found.integrity;
    out->keys = found.keys;
    if (st != TW_OK)
        out->problem = why;
    else if (found.unread > 0)
        out->problem = "a part of the PKCS#12 file cannot be decrypted (password, or an algorithm "
                       "that is switched off)";
    return true;
}

/* ---- telling them apart ---------------------------------------------------------------------------- */

static bool contains(struct tw_view in, const char *text)
{
    return in.len > 0 && memmem(in.data, in.len, text, strlen(text)) != NULL;
}

enum tw_status tw_store_read(struct tw_crypto *crypto, struct tw_view in, const char *password,
                             struct tw_trust *into, struct tw_store_content *out)
{
    *out = (struct tw_store_content){0};
    struct tw_reader r = tw_rd_of(in);
    uint64_t magic = in.len >= 4 ? tw_rd_uint(&r, 4, "magic") : 0;
    bool is_der = in.len > 2 && in.data[0] == DER_SEQ;
    if (in.len == 0)
        out->format = TW_STORE_EMPTY;
    else if (magic == 0xfeedfeed || magic == 0xcececece)
        tw_store_jks(crypto, in, password, into, out);
    else if (is_der && (der(in, into, out) || pkcs7(in, into, out) ||
                        pkcs12(in, password, into, out)))
        ;
    else if (contains(in, "[p11-kit-object-v1]"))
        tw_store_p11kit(in, into, out);
    else if (contains(in, "-----BEGIN "))
        pem(in, into, out);
    if (out->format == TW_STORE_UNKNOWN && out->problem == NULL)
        out->problem = "neither PEM, DER, PKCS#7, PKCS#12, JKS, JCEKS nor p11-kit";
    return out->problem == NULL || out->anchors > 0 ? TW_OK : TW_E_INPUT;
}
