/* Signed certificate timestamps read and verified (RFC 6962 3.2, 3.3). */
#include "x509/ct.h"
#include "x509/der.h"
#include "x509/der_write.h"

#define OID_IS(v, s) tw_view_eq(v, tw_view_of(s, sizeof(s) - 1))
#define SCT_LIST "\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"

enum { MAX_TBS = 1 << 20 };

const char *tw_sct_source_name(enum tw_sct_source s)
{
    static const char *const names[] = {"embedded", "ocsp", "tls"};
    return (size_t)s < TW_ARRAY_LEN(names) ? names[s] : "?";
}

const char *tw_sct_state_name(enum tw_sct_state s)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        TW_SCT_STATE_LIST(X)
#undef X
    };
    return (size_t)s < TW_ARRAY_LEN(names) ? names[s] : "?";
}

const char *tw_sct_state_text(enum tw_sct_state s)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        TW_SCT_STATE_LIST(X)
#undef X
    };
    return (size_t)s < TW_ARRAY_LEN(texts) ? texts[s] : "?";
}

bool tw_sct_decode(struct tw_view v, struct tw_sct *s)
{
    struct tw_reader r = tw_rd_of(v);
    *s = (struct tw_sct){0};
    s->version = tw_rd_u8(&r, "version");
    s->log_id = tw_rd_bytes(&r, 32, "log_id");
    s->timestamp = tw_rd_uint(&r, 8, "timestamp");
    s->extensions = tw_rd_vec(&r, 2, "extensions");
    s->hash = tw_rd_u8(&r, "hash");
    s->sig = tw_rd_u8(&r, "signature algorithm");
    s->signature = tw_rd_vec(&r, 2, "signature");
    return tw_rd_end(&r, "SignedCertificateTimestamp");
}

bool tw_sct_list_at(struct tw_view list, size_t i, struct tw_view *raw)
{
    struct tw_reader r = tw_rd_of(list);
    struct tw_reader in = tw_rd_sub(&r, 2, "sct_list");
    for (size_t n = 0; tw_rd_more(&in); n++) {
        struct tw_view v = tw_rd_vec(&in, 2, "SerializedSCT");
        if (n == i && tw_rd_ok(&in)) {
            *raw = v;
            return true;
        }
    }
    return false;
}

struct tw_view tw_cert_sct_list(const struct tw_cert *c)
{
    struct tw_reader r = tw_rd_of(c->scts);
    return der_bytes(&r, DER_OCTETS, "SignedCertificateTimestampList");
}

/* ---- what the log signed --------------------------------------------------------------------------- */

/* Extensions without the list of timestamps, as contents of the SEQUENCE. */
static bool strip_extensions(struct tw_reader list, struct tw_buf *out)
{
    while (tw_rd_more(&list)) {
        struct tw_view whole = {NULL, 0};
        struct tw_reader e = der_whole(&list, DER_SEQ, &whole, "extension");
        struct tw_view oid = der_bytes(&e, DER_OID, "extnID");
        if (!OID_IS(oid, SCT_LIST))
            tw_wr_bytes(out, whole);
    }
    return tw_rd_ok(&list) && !out->failed;
}

/*
 * The TBSCertificate of the precertificate: the certificate's own without the list (RFC 6962 3.2;
 * the log has put the final issuer in place where a precertificate signing certificate was used).
 */
static bool precert_tbs(const struct tw_cert *cert, struct tw_buf *out)
{
    struct tw_reader whole = tw_rd_of(cert->tbs), outer;
    struct tw_reader t = der_next(&whole, DER_SEQ, "tbsCertificate");
    struct tw_buf body, kept, list;
    tw_buf_init(&body, MAX_TBS);
    tw_buf_init(&kept, MAX_TBS);
    tw_buf_init(&list, MAX_TBS);
    bool ok = tw_rd_ok(&whole);
    while (ok && tw_rd_more(&t)) {
        struct tw_view element = {NULL, 0};
        uint8_t tag;
        outer = der_any(&t, &tag, &element, "tbsCertificate");
        if (tag != 0xa3) {
            tw_wr_bytes(&body, element);
            continue;
        }
        ok = strip_extensions(der_next(&outer, DER_SEQ, "extensions"), &kept);
        der_put(&list, DER_SEQ, tw_buf_view(&kept));
        der_put(&body, 0xa3, tw_buf_view(&list));
    }
    ok = ok && tw_rd_ok(&t) && !body.failed && !list.failed;
    der_put(out, DER_SEQ, tw_buf_view(&body));
    tw_buf_cleanup(&body);
    tw_buf_cleanup(&kept);
    tw_buf_cleanup(&list);
    return ok && !out->failed;
}

/* digitally-signed struct of RFC 6962 3.2. */
static bool signed_bytes(struct tw_crypto *c, const struct tw_sct *s, const struct tw_cert *cert,
                         const struct tw_cert *issuer, bool embedded, struct tw_buf *out)
{
    struct tw_buf tbs;
    uint8_t md[TW_HASH_MAX];
    bool ok = true;
    tw_buf_init(&tbs, MAX_TBS);
    tw_wr_u8(out, 0); /* v1 */
    tw_wr_u8(out, 0); /* certificate_timestamp */
    tw_wr_uint(out, 8, s->timestamp);
    tw_wr_u16(out, embedded ? 1 : 0);
    if (embedded) {
        ok = c->digest(c->ctx, TW_HASH_SHA256, &issuer->spki, 1, md) == 32 &&
             precert_tbs(cert, &tbs);
        tw_wr_bytes(out, tw_view_of(md, 32));
        tw_wr_vec(out, 3, tw_buf_view(&tbs));
    } else {
        tw_wr_vec(out, 3, cert->der);
    }
    tw_wr_vec(out, 2, s->extensions);
    tw_buf_cleanup(&tbs);
    return ok && !out->failed;
}

static bool signature_good(struct tw_crypto *c, const struct tw_log *log, const struct tw_sct *s,
                           struct tw_view what)
{
    enum { SHA256 = 4, RSA = 1, ECDSA = 3 }; /* RFC 5246 7.4.1.4.1; RFC 6962 2.1.4 allows these */
    if (s->hash != SHA256 || (s->sig != RSA && s->sig != ECDSA))
        return false;
    struct tw_pubkey *k = c->pubkey_new(c->ctx, log->key);
    if (k == NULL)
        return false;
    bool good = c->verify(k, s->sig == RSA ? TW_SIG_RSA_PKCS1 : TW_SIG_ECDSA, TW_HASH_SHA256, &what,
                          1, s->signature) == TW_VERIFY_GOOD;
    c->pubkey_free(k);
    return good;
}

void tw_sct_verify(struct tw_crypto *c, const struct tw_cert *cert, const struct tw_cert *issuer,
                   const struct tw_log_list *logs, enum tw_sct_source source, struct tw_view raw,
                   int64_t at, struct tw_sct_seen *out)
{
    *out = (struct tw_sct_seen){.source = source, .state = TW_SCT_MALFORMED};
    if (!tw_sct_decode(raw, &out->sct) || out->sct.version != 0)
        return;
    out->state = TW_SCT_UNCHECKED;
    if (logs == NULL)
        return;
    out->log = tw_log_find(logs, out->sct.log_id);
    out->state = TW_SCT_UNKNOWN_LOG;
    if (out->log == NULL)
        return;
    bool embedded = source == TW_SCT_EMBEDDED;
    out->state = TW_SCT_NO_ISSUER;
    if (embedded && issuer == NULL)
        return;
    struct tw_buf what;
    tw_buf_init(&what, 2 * MAX_TBS);
    bool good = signed_bytes(c, &out->sct, cert, issuer, embedded, &what) &&
                signature_good(c, out->log, &out->sct, tw_buf_view(&what));
    tw_buf_cleanup(&what);
    out->state = !good                                          ? TW_SCT_BAD_SIGNATURE
                 : (int64_t)(out->sct.timestamp / 1000) > at + 300 ? TW_SCT_FUTURE
                                                                : TW_SCT_VALID;
}

bool tw_sct_sign(struct tw_crypto *c, struct tw_privkey *log_key, const struct tw_cert *cert,
                 const struct tw_cert *issuer, uint64_t timestamp, struct tw_buf *sig)
{
    struct tw_sct s = {.timestamp = timestamp};
    struct tw_buf what;
    tw_buf_init(&what, 2 * MAX_TBS);
    bool ok = signed_bytes(c, &s, cert, issuer, true, &what);
    struct tw_view v = tw_buf_view(&what);
    ok = ok && c->sign(log_key, TW_SIG_ECDSA, TW_HASH_SHA256, &v, 1, sig);
    tw_buf_cleanup(&what);
    return ok;
}
