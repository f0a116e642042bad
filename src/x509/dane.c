/* TLSA records: read, and held against a chain. */
#include "x509/dane.h"

#include "x509/der.h"

enum { MAX_CHAIN = 16, MAX_RRS = 256 };

const char *tw_tlsa_usage_name(uint8_t usage)
{
    static const char *const names[] = {"PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE"};
    return usage < TW_ARRAY_LEN(names) ? names[usage] : "unassigned";
}

/* ---- DNS message, RFC 1035 4.1 ---------------------------------------------------------------------- */

/* A name is passed over: labels until the root or a pointer. */
static void skip_name(struct tw_reader *r)
{
    for (int i = 0; i < 128 && tw_rd_ok(r); i++) {
        uint8_t len = tw_rd_u8(r, "name");
        if (len == 0)
            return;
        if ((len & 0xc0) == 0xc0) {
            tw_rd_u8(r, "pointer");
            return;
        }
        if (len & 0xc0)
            tw_rd_fail(r, "name");
        tw_rd_bytes(r, len, "label");
    }
    tw_rd_fail(r, "name");
}

static void record(struct tw_reader *r, struct tw_tlsa_answer *a)
{
    skip_name(r);
    unsigned type = tw_rd_u16(r, "type"), class_ = tw_rd_u16(r, "class");
    tw_rd_uint(r, 4, "ttl");
    struct tw_reader d = tw_rd_sub(r, 2, "rdata");
    if (type != TW_DNS_TLSA || class_ != 1 || !tw_rd_ok(r))
        return; /* CNAME, DNAME and RRSIG stand beside it */
    struct tw_tlsa t = {.usage = tw_rd_u8(&d, "usage")};
    t.selector = tw_rd_u8(&d, "selector");
    t.matching = tw_rd_u8(&d, "matching type");
    t.data = tw_rd_rest(&d);
    if (tw_rd_ok(&d) && a->n < TW_TLSA_MAX)
        a->records[a->n++] = t;
}

bool tw_tlsa_parse(struct tw_view message, struct tw_tlsa_answer *a)
{
    struct tw_reader r = tw_rd_of(message);
    *a = (struct tw_tlsa_answer){0};
    tw_rd_u16(&r, "id");
    unsigned flags = tw_rd_u16(&r, "flags");
    size_t questions = tw_rd_u16(&r, "qdcount"), answers = tw_rd_u16(&r, "ancount");
    tw_rd_uint(&r, 4, "nscount, arcount");
    if (!(flags & 0x8000))
        tw_rd_fail(&r, "response");
    a->rcode = (int)(flags & 15);
    a->ad = (flags & 0x20) != 0;
    for (size_t i = 0; i < questions && tw_rd_ok(&r); i++) {
        skip_name(&r);
        tw_rd_uint(&r, 4, "type, class");
    }
    for (size_t i = 0; i < answers && i < MAX_RRS && tw_rd_ok(&r); i++)
        record(&r, a);
    return tw_rd_ok(&r);
}

/* ---- matching ------------------------------------------------------------------------------------------ */

static bool usable(const struct tw_tlsa *t)
{
    if (t->usage > 3 || t->selector > 1 || t->matching > 2)
        return false;
    return t->matching == 0 ? t->data.len > 0 : t->data.len == (t->matching == 1 ? 32 : 64);
}

/* RFC 7671 9: of one usage and selector only the strongest digest counts; exact data always. */
static bool is_weaker(const struct tw_tlsa_answer *a, size_t i)
{
    const struct tw_tlsa *t = &a->records[i];
    for (size_t k = 0; t->matching == 1 && k < a->n; k++) {
        const struct tw_tlsa *other = &a->records[k];
        if (usable(other) && other->usage == t->usage && other->selector == t->selector &&
            other->matching == 2)
            return true;
    }
    return false;
}

static bool matches(struct tw_crypto *c, const struct tw_tlsa *t, struct tw_view der)
{
    struct tw_cert cert;
    uint8_t md[TW_HASH_MAX];
    tw_cert_parse(der, &cert);
    struct tw_view what = t->selector == 0 ? der : cert.spki;
    if (what.len == 0)
        return false;
    if (t->matching == 0)
        return tw_view_eq(what, t->data);
    enum tw_hash_id hash = t->matching == 1 ? TW_HASH_SHA256 : TW_HASH_SHA512;
    size_t n = c->digest(c->ctx, hash, &what, 1, md);
    return n > 0 && tw_view_eq(tw_view_of(md, n), t->data);
}

static bool signed_by(struct tw_crypto *c, const struct tw_cert *cert, struct tw_view spki)
{
    struct tw_pubkey *k = c->pubkey_new(c->ctx, spki);
    if (k == NULL)
        return false;
    bool good = c->verify_x509(k, cert->sig_alg, cert->tbs, cert->signature) == TW_VERIFY_GOOD;
    c->pubkey_free(k);
    return good;
}

/* The issuer of cert among those sent; NULL when none signed it. */
static const struct tw_cert *issuer_of(struct tw_crypto *c, const struct tw_cert *cert,
                                       const struct tw_cert *sent, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (&sent[i] != cert && tw_dn_equal(sent[i].subject, cert->issuer) &&
            signed_by(c, cert, sent[i].spki))
            return &sent[i];
    return NULL;
}

/* The key or certificate of the record itself signed this one, though it was not sent. */
static bool signed_by_record(struct tw_crypto *c, const struct tw_tlsa *t,
                             const struct tw_cert *cert)
{
    struct tw_cert ta;
    if (t->matching != 0)
        return false;
    if (t->selector == 1)
        return signed_by(c, cert, t->data);
    return tw_cert_parse(t->data, &ta) && tw_dn_equal(ta.subject, cert->issuer) &&
           signed_by(c, cert, ta.spki);
}

static bool matches_issuer(struct tw_crypto *c, const struct tw_tlsa *t,
                           const struct tw_dane_chain *chain)
{
    struct tw_cert sent[MAX_CHAIN];
    size_t n = chain->certs_n < MAX_CHAIN ? chain->certs_n : MAX_CHAIN;
    for (size_t i = 0; i < n; i++)
        tw_cert_parse(chain->certs[i], &sent[i]);
    const struct tw_cert *at = n == 0 ? NULL : &sent[0];
    for (size_t depth = 0; at != NULL && depth < MAX_CHAIN; depth++) {
        if (depth > 0 && matches(c, t, at->der))
            return true;
        if (signed_by_record(c, t, at))
            return true;
        at = at->self_issued && depth > 0 ? NULL : issuer_of(c, at, sent, n);
    }
    return false;
}

static bool matches_chain(struct tw_crypto *c, const struct tw_tlsa *t,
                          const struct tw_dane_chain *chain)
{
    switch (t->usage) {
    case 3:
        return chain->certs_n > 0 && matches(c, t, chain->certs[0]);
    case 2:
        return matches_issuer(c, t, chain);
    case 1:
        return chain->path_n > 0 && matches(c, t, chain->path[0]);
    default:
        for (size_t i = 1; i < chain->path_n; i++)
            if (matches(c, t, chain->path[i]))
                return true;
        return false;
    }
}

bool tw_dane_match(struct tw_crypto *c, const struct tw_tlsa_answer *a,
                   const struct tw_dane_chain *chain, enum tw_tlsa_match *out)
{
    bool any = false;
    for (size_t i = 0; i < a->n; i++) {
        const struct tw_tlsa *t = &a->records[i];
        out[i] = !usable(t) ? TW_TLSA_UNUSABLE : is_weaker(a, i) ? TW_TLSA_WEAKER : TW_TLSA_NO;
        if (out[i] == TW_TLSA_NO && matches_chain(c, t, chain))
            out[i] = TW_TLSA_YES;
        any = any || out[i] == TW_TLSA_YES;
    }
    return any;
}
