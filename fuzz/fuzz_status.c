/*
 * What a CA, a CT log or a name server says about a certificate: CRLs, OCSP responses, lists of
 * timestamps, TLSA answers, log lists, HTTP responses. The first byte picks the reader. Nothing
 * crashes, every failure names its field, and judging with the fake cryptography comes to an end.
 */
#include "net/http_reply.h"
#include "net/sntp.h"
#include "probe/probe.h"
#include "x509/crl.h"
#include "x509/ct.h"
#include "x509/dane.h"
#include "x509/der.h"
#include "x509/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* Certificates cut from the input, so that names and serial numbers can fit by mutation. */
static void parties(struct tw_view in, struct tw_cert *leaf, struct tw_cert *issuer)
{
    size_t half = in.len / 2;
    tw_cert_parse(tw_view_sub(in, 0, half), leaf);
    tw_cert_parse(tw_view_sub(in, half, in.len - half), issuer);
}

static bool say_yes(void *user, const struct tw_cert *signer)
{
    return true;
}

static void crl(struct tw_crypto *c, struct tw_view in)
{
    struct tw_crl list[3];
    struct tw_cert leaf, issuer;
    struct tw_crl_result r;
    bool ok = tw_crl_parse(in, &list[0]);
    require(ok == (list[0].fail_field == NULL));
    tw_crl_parse(tw_view_sub(in, in.len / 3, in.len), &list[1]);
    list[2] = list[0];
    parties(in, &leaf, &issuer);
    /* as if the list's own names were the certificate's, to get beyond the first comparison */
    leaf.issuer = issuer.subject = list[0].issuer;
    leaf.extensions = in;
    struct tw_crl_request req = {.crypto = c, .at = 1764000000, .cert = &leaf, .issuer = &issuer,
                                 .crls = list, .crls_n = 3, .others = &leaf, .others_n = 1,
                                 .valid_signer = say_yes};
    require(tw_crl_check(&req, &r) == TW_OK);
    require(r.verdict != TW_CRL_GOOD || r.reasons == TW_CRL_ALL_REASONS);
    require(tw_crl_why_text(r.why) != NULL);
    struct tw_view urls[4];
    require(tw_cert_crl_urls(&leaf, false, urls, 4) <= 4);
    struct tw_buf out;
    tw_buf_init(&out, 1 << 20);
    for (size_t pos = 0; tw_crl_next_pem(in, &pos, &out);)
        require(pos <= in.len);
    tw_buf_cleanup(&out);
}

static void ocsp(struct tw_crypto *c, struct tw_view in)
{
    struct tw_ocsp o;
    struct tw_cert leaf, issuer;
    struct tw_ocsp_result r;
    bool ok = tw_ocsp_parse(in, &o);
    require(ok == (o.fail_field == NULL));
    parties(in, &leaf, &issuer);
    struct tw_ocsp_request req = {.crypto = c, .at = 1764000000, .cert = &leaf, .issuer = &issuer};
    tw_ocsp_check(&o, &req, &r);
    require((r.verdict == TW_OCSP_UNDECIDED) == (r.why != TW_OCSP_WHY_NONE));
    require(tw_ocsp_why_text(r.why) != NULL && tw_ocsp_status_name(o.status) != NULL);
    struct tw_view urls[4];
    require(tw_cert_aia_urls(&leaf, true, urls, 4) <= 4);
}

static void scts(struct tw_crypto *c, struct tw_view in)
{
    struct tw_cert leaf, issuer;
    struct tw_sct_seen seen[TW_SCT_MAX];
    struct tw_view raw;
    size_t n = 0;
    parties(in, &leaf, &issuer);
    leaf.tbs = in; /* taking the list out of whatever this is */
    while (n < TW_SCT_MAX && tw_sct_list_at(in, n, &raw)) {
        tw_sct_verify(c, &leaf, &issuer, NULL, TW_SCT_EMBEDDED, raw, 1764000000, &seen[n]);
        require(tw_sct_state_text(seen[n].state) != NULL);
        n++;
    }
    for (size_t i = 0; tw_ct_policy_at(i) != NULL; i++) {
        struct tw_ct_verdict v;
        tw_ct_judge(tw_ct_policy_at(i), &leaf, seen, n, &v);
        require(v.satisfied == (v.missing == NULL) && v.counted <= n);
    }
}

static void log_list(struct tw_crypto *c, struct tw_view in)
{
    struct tw_log_list *l;
    const char *why;
    if (tw_log_list_parse(in, &l, &why) != TW_OK) {
        require(l == NULL && why != NULL);
        return;
    }
    require(tw_log_list_count(l) > 0);
    tw_log_list_free(l);
}

static void tlsa(struct tw_crypto *c, struct tw_view in)
{
    struct tw_tlsa_answer a;
    enum tw_tlsa_match m[TW_TLSA_MAX];
    struct tw_view certs[] = {in, tw_view_sub(in, 0, in.len / 2)};
    struct tw_dane_chain chain = {certs, 2, certs, 2};
    tw_tlsa_parse(in, &a);
    require(a.n <= TW_TLSA_MAX);
    tw_dane_match(c, &a, &chain, m);
}

static void http(struct tw_crypto *c, struct tw_view in)
{
    struct tw_http_reply whole, bytes;
    int64_t t;
    tw_http_reply_init(&whole, 4096);
    tw_http_reply_init(&bytes, 4096);
    tw_http_reply_feed(&whole, in);
    for (size_t i = 0; i < in.len && bytes.state == TW_REPLY_MORE; i++)
        tw_http_reply_feed(&bytes, tw_view_sub(in, i, 1));
    require(whole.state == bytes.state && whole.status == bytes.status); /* any split is the same */
    require(whole.state == TW_REPLY_TOO_LARGE ||
            tw_view_eq(tw_buf_view(&whole.body), tw_buf_view(&bytes.body)));
    tw_http_reply_cleanup(&whole);
    tw_http_reply_cleanup(&bytes);
    tw_http_clock(in, "h2", &t);
    tw_http_clock(in, "http/1.1", &t);
    double offset;
    unsigned stratum;
    tw_sntp_answer(in, (const uint8_t *)"01234567", 0, 0, &offset, &stratum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct tw_crypto *, struct tw_view) = {crl, ocsp, scts, log_list,
                                                                          tlsa, http};
    if (size == 0)
        return 0;
    struct tw_crypto *c = tw_crypto_fake(1);
    require(c != NULL);
    readers[data[0] % TW_ARRAY_LEN(readers)](c, tw_view_of(data + 1, size - 1));
    tw_crypto_free(c);
    return 0;
}
