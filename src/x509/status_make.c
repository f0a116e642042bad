/* CRLs and OCSP responses made and signed (RFC 5280 5.1, RFC 6960 4.2.1). */
#include "x509/status_make.h"

#include "x509/der.h"
#include "x509/der_write.h"

enum { MAX_MADE = 1 << 20, ENUMERATED = 0x0a };
static const struct tw_view none = {NULL, 0};

static struct tw_buf made(void)
{
    struct tw_buf b;
    tw_buf_init(&b, MAX_MADE);
    return b;
}

/* Contents become an element; b is used up. */
static void put(struct tw_buf *out, uint8_t tag, struct tw_buf *b)
{
    der_put(out, tag, tw_buf_view(b));
    out->failed = out->failed || b->failed;
    tw_buf_cleanup(b);
}

/* UTCTime until 2049 unless generalized (RFC 5280 4.1.2.5; OCSP has GeneralizedTime only). */
static void put_time(struct tw_buf *out, int64_t t, bool generalized)
{
    char text[40], digits[16];
    size_t n = 0;
    tw_time_text(t, text, sizeof text); /* 2026-11-24T08:00:00Z: what is no digit goes */
    for (const char *p = text; *p != '\0' && n < 14; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    digits[n] = 'Z';
    bool utc = !generalized && t >= 0 && t < 2524608000; /* 1970 to 2049 */
    size_t skip = utc ? 2 : 0;
    der_put(out, utc ? DER_UTC : DER_GENTIME, tw_view_of(digits + skip, n + 1 - skip));
}

void tw_make_extension(struct tw_buf *out, struct tw_view oid, bool critical, struct tw_view value)
{
    struct tw_buf b = made();
    der_put(&b, DER_OID, oid);
    if (critical)
        der_put(&b, DER_BOOL, tw_view_of("\xff", 1));
    der_put(&b, DER_OCTETS, value);
    put(out, DER_SEQ, &b);
}

/* AlgorithmIdentifier for a key, with SHA-256 where it takes a hash. */
static struct tw_view algorithm_for(enum tw_key_type type, enum tw_sig_kind *kind,
                                    enum tw_hash_id *hash)
{
    static const uint8_t rsa[] = {0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11,
                                  0x05, 0};
    static const uint8_t ecdsa[] = {0x30, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2};
    static const uint8_t eddsa[] = {0x30, 5, 0x06, 3, 0x2b, 0x65, 0x70};
    *hash = TW_HASH_SHA256;
    *kind = TW_SIG_RSA_PKCS1;
    if (type == TW_KEY_EC) {
        *kind = TW_SIG_ECDSA;
        return tw_view_of(ecdsa, sizeof ecdsa);
    }
    if (type == TW_KEY_ED25519) {
        *kind = TW_SIG_EDDSA;
        *hash = TW_HASH_NONE;
        return tw_view_of(eddsa, sizeof eddsa);
    }
    return tw_view_of(rsa, sizeof rsa);
}

/* signatureAlgorithm and signature over tbs, appended. */
static bool put_signature(struct tw_crypto *c, struct tw_privkey *key, struct tw_view tbs,
                          struct tw_buf *out)
{
    struct tw_key_info info;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    c->privkey_info(key, &info);
    struct tw_view alg = algorithm_for(info.type, &kind, &hash);
    struct tw_buf sig = made();
    tw_wr_u8(&sig, 0); /* no unused bits */
    bool ok = c->sign(key, kind, hash, &tbs, 1, &sig);
    tw_wr_bytes(out, alg);
    put(out, DER_BITS, &sig);
    return ok;
}

static struct tw_view key_algorithm(struct tw_crypto *c, struct tw_privkey *key)
{
    struct tw_key_info info;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    c->privkey_info(key, &info);
    return algorithm_for(info.type, &kind, &hash);
}

/* ---- CRL ------------------------------------------------------------------------------------------- */

static void put_entry(struct tw_buf *out, const struct tw_make_entry *e)
{
    struct tw_buf b = made(), ext = made(), reason = made();
    der_put(&b, DER_INT, e->serial);
    put_time(&b, e->date, false);
    if (e->reason >= 0) {
        uint8_t n = (uint8_t)e->reason;
        der_put(&reason, ENUMERATED, tw_view_of(&n, 1));
        tw_make_extension(&ext, tw_view_of("\x55\x1d\x15", 3), false, tw_buf_view(&reason));
    }
    tw_wr_bytes(&ext, e->extensions);
    if (ext.len > 0)
        put(&b, DER_SEQ, &ext);
    put(out, DER_SEQ, &b);
    tw_buf_cleanup(&ext);
    tw_buf_cleanup(&reason);
}

enum tw_status tw_make_crl(struct tw_crypto *c, const struct tw_make_crl *m, struct tw_buf *out)
{
    struct tw_buf body = made(), list = made(), tbs = made(), ext = made();
    der_put(&body, DER_INT, tw_view_of("\x01", 1)); /* v2 */
    tw_wr_bytes(&body, key_algorithm(c, m->key));
    tw_wr_bytes(&body, m->issuer);
    put_time(&body, m->this_update, false);
    if (m->next_update != 0)
        put_time(&body, m->next_update, false);
    for (size_t i = 0; i < m->entries_n; i++)
        put_entry(&list, &m->entries[i]);
    if (m->entries_n > 0)
        put(&body, DER_SEQ, &list);
    if (m->extensions.len > 0) {
        der_put(&ext, DER_SEQ, m->extensions);
        put(&body, 0xa0, &ext);
    }
    put(&tbs, DER_SEQ, &body);
    struct tw_buf whole = made();
    tw_wr_bytes(&whole, tw_buf_view(&tbs));
    bool ok = put_signature(c, m->key, tw_buf_view(&tbs), &whole);
    ok = ok && !tbs.failed;
    put(out, DER_SEQ, &whole);
    tw_buf_cleanup(&list);
    tw_buf_cleanup(&tbs);
    tw_buf_cleanup(&ext);
    return !ok ? TW_E_CRYPTO : out->failed ? TW_E_LIMIT : TW_OK;
}

/* ---- OCSP ------------------------------------------------------------------------------------------- */

static void put_cert_id(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
{
    static const uint8_t sha1[] = {0x30, 9, 0x06, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0};
    static const uint8_t sha256[] = {0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 3, 4, 2, 1,
                                     0x05, 0};
    bool old = m->hash != TW_HASH_SHA256;
    enum tw_hash_id hash = old ? TW_HASH_SHA1 : TW_HASH_SHA256;
    uint8_t md[TW_HASH_MAX];
    struct tw_buf b = made();
    struct tw_view bits = tw_spki_key_bits(m->issuer->spki);
    tw_wr_bytes(&b, old ? tw_view_of(sha1, sizeof sha1) : tw_view_of(sha256, sizeof sha256));
    size_t n = c->digest(c->ctx, hash, &m->issuer->subject, 1, md);
    der_put(&b, DER_OCTETS, tw_view_of(md, n));
    n = c->digest(c->ctx, hash, &bits, 1, md);
    der_put(&b, DER_OCTETS, tw_view_of(md, n));
    der_put(&b, DER_INT, m->cert->serial);
    put(out, DER_SEQ, &b);
}

static void put_single(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
{
    struct tw_buf b = made(), in = made();
    put_cert_id(c, m, &b);
    if (m->status == 1) {
        put_time(&in, m->revoked_at, true);
        if (m->reason >= 0) {
            struct tw_buf r = made();
            uint8_t n = (uint8_t)m->reason;
            der_put(&r, ENUMERATED, tw_view_of(&n, 1));
            put(&in, 0xa0, &r);
        }
        put(&b, 0xa1, &in);
    } else {
        der_put(&b, m->status == 0 ? 0x80 : 0x82, none);
    }
    put_time(&b, m->this_update, true);
    if (m->next_update != 0) {
        put_time(&in, m->next_update, true);
        put(&b, 0xa0, &in);
    }
    if (m->single_extensions.len > 0) {
        der_put(&in, DER_SEQ, m->single_extensions);
        put(&b, 0xa1, &in);
    }
    put(out, DER_SEQ, &b);
}

static void put_responder(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
{
    uint8_t md[TW_HASH_MAX];
    struct tw_view bits = tw_spki_key_bits(m->signer->spki);
    struct tw_buf b = made();
    if (m->by_name) {
        der_put(out, 0xa1, m->signer->subject);
        return;
    }
    der_put(&b, DER_OCTETS, tw_view_of(md, c->digest(c->ctx, TW_HASH_SHA1, &bits, 1, md)));
    put(out, 0xa2, &b);
}

static void put_response_data(struct tw_crypto *c, const struct tw_make_ocsp *m,
                              struct tw_buf *out)
{
    static const struct tw_view nonce_oid = {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x30\x01\x02",
                                             9};
    struct tw_buf b = made(), in = made(), ext = made();
    put_responder(c, m, &b);
    put_time(&b, m->produced_at, true);
    put_single(c, m, &in);
    put(&b, DER_SEQ, &in);
    if (m->nonce.len > 0) {
        der_put(&in, DER_OCTETS, m->nonce);
        tw_make_extension(&ext, nonce_oid, false, tw_buf_view(&in));
        tw_buf_cleanup(&in);
        put(&in, DER_SEQ, &ext);
        put(&b, 0xa1, &in);
    }
    put(out, DER_SEQ, &b);
}

static bool put_basic(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
{
    struct tw_buf tbs = made(), b = made(), list = made();
    put_response_data(c, m, &tbs);
    tw_wr_bytes(&b, tw_buf_view(&tbs));
    bool ok = !tbs.failed && put_signature(c, m->key, tw_buf_view(&tbs), &b);
    if (m->certs.len > 0) {
        der_put(&list, DER_SEQ, m->certs);
        put(&b, 0xa0, &list);
    }
    put(out, DER_SEQ, &b);
    tw_buf_cleanup(&tbs);
    return ok;
}

enum tw_status tw_make_ocsp(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
{
    static const struct tw_view basic = {(const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 9};
    struct tw_buf whole = made(), bytes = made(), body = made();
    uint8_t status = (uint8_t)m->response_status;
    bool ok = true;
    der_put(&whole, ENUMERATED, tw_view_of(&status, 1));
    if (status == 0) {
        der_put(&bytes, DER_OID, basic);
        ok = put_basic(c, m, &body);
        put(&bytes, DER_OCTETS, &body);
        put(&body, DER_SEQ, &bytes);
        put(&whole, 0xa0, &body);
    }
    put(out, DER_SEQ, &whole);
    return !ok ? TW_E_CRYPTO : out->failed ? TW_E_LIMIT : TW_OK;
}
