/*
 * OCSP: parsing, every shorter prefix, and RFC 6960 3.2 point by point: which certificate, who
 * signed, when. Requests and responses are also exchanged with `openssl ocsp` in tests/online.
 */
#include "status_fixture.h"

struct reply {
    struct tw_make_ocsp m;
    struct tw_view ask_nonce;
    int64_t at;
    const struct tw_cert *cert;
};

static struct reply reply_from(struct pki *p)
{
    return (struct reply){
        .m = {.cert = &p->leaf.cert, .issuer = &p->root.cert, .signer = &p->root.cert,
              .key = p->root.key, .reason = -1, .produced_at = NOW - HOUR,
              .this_update = NOW - HOUR, .next_update = NOW + DAY},
        .at = NOW, .cert = &p->leaf.cert};
}

static struct tw_ocsp_result ask(struct pki *p, const struct reply *r)
{
    struct tw_buf der;
    struct tw_ocsp o;
    struct tw_ocsp_result out;
    tw_buf_init(&der, 65536);
    assert_int_equal(tw_make_ocsp(p->c, &r->m, &der), TW_OK);
    assert_true(tw_ocsp_parse(tw_buf_view(&der), &o));
    struct tw_ocsp_request req = {.crypto = p->c, .at = r->at, .cert = r->cert,
                                  .issuer = &p->root.cert, .nonce = r->ask_nonce};
    tw_ocsp_check(&o, &req, &out);
    out.scts = tw_view_of(NULL, out.scts.len); /* its bytes go now */
    tw_buf_cleanup(&der);
    return out;
}

static void expect_why(struct pki *p, const struct reply *r, enum tw_ocsp_why why)
{
    struct tw_ocsp_result out = ask(p, r);
    assert_int_equal(out.verdict, TW_OCSP_UNDECIDED);
    assert_string_equal(tw_ocsp_why_text(out.why), tw_ocsp_why_text(why));
}

static void test_status(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    assert_int_equal(ask(p, &r).verdict, TW_OCSP_GOOD);
    r.m.hash = TW_HASH_SHA256;
    r.m.by_name = true;
    struct tw_ocsp_result out = ask(p, &r);
    assert_int_equal(out.verdict, TW_OCSP_GOOD);
    assert_false(out.delegated);
    assert_int_equal(out.next_update, NOW + DAY);
    r.m.status = 2;
    assert_int_equal(ask(p, &r).verdict, TW_OCSP_UNKNOWN);
    r.m.status = 1;
    r.m.revoked_at = NOW - 3 * DAY;
    r.m.reason = TW_REASON_KEY_COMPROMISE;
    out = ask(p, &r);
    assert_int_equal(out.verdict, TW_OCSP_REVOKED);
    assert_int_equal(out.revoked_at, NOW - 3 * DAY);
    assert_int_equal(out.reason, TW_REASON_KEY_COMPROMISE);
}

static void test_delegated(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.m.signer = &p->responder.cert;
    r.m.key = p->responder.key;
    expect_why(p, &r, TW_OCSP_WHY_NO_SIGNER); /* its certificate was not sent */
    r.m.certs = tw_buf_view(&p->responder.der);
    struct tw_ocsp_result out = ask(p, &r);
    assert_int_equal(out.verdict, TW_OCSP_GOOD);
    assert_true(out.delegated);
    r.at = p->responder.cert.not_after + TW_OCSP_SKEW_S + 1;
    expect_why(p, &r, TW_OCSP_WHY_SIGNER_TIME);
    r = reply_from(p); /* a leaf of the same CA is no responder */
    r.m.signer = &p->leaf.cert;
    r.m.key = p->leaf.key;
    r.m.certs = tw_buf_view(&p->leaf.der);
    expect_why(p, &r, TW_OCSP_WHY_PURPOSE);
}

static void test_foreign_responder(void **state)
{
    struct pki *p = *state;
    struct party x;
    issue(p, &x, &p->other, (struct tw_make_cert){.subject_cn = "R", .ocsp_signing = true});
    struct reply r = reply_from(p);
    r.m.signer = &x.cert;
    r.m.key = x.key;
    r.m.certs = tw_buf_view(&x.der);
    expect_why(p, &r, TW_OCSP_WHY_DELEGATE);
    party_free(p, &x);
}

static void test_signature(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.m.key = p->other.key;
    expect_why(p, &r, TW_OCSP_WHY_SIGNATURE);
}

static void test_match(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.m.cert = &p->sub.cert; /* another serial number */
    expect_why(p, &r, TW_OCSP_WHY_NO_MATCH);
    struct tw_cert rekeyed = p->root.cert;
    rekeyed.spki = p->other.cert.spki;
    r = reply_from(p);
    r.m.issuer = &rekeyed;
    struct tw_ocsp_result out = ask(p, &r);
    assert_int_equal(out.why, TW_OCSP_WHY_NO_MATCH);
    assert_true(out.other_key);
}

static void test_times(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.at = r.m.next_update + TW_OCSP_SKEW_S;
    assert_int_equal(ask(p, &r).verdict, TW_OCSP_GOOD);
    r.at++;
    expect_why(p, &r, TW_OCSP_WHY_EXPIRED);
    r.at = r.m.this_update - TW_OCSP_SKEW_S - 1;
    expect_why(p, &r, TW_OCSP_WHY_NOT_YET);
    r = reply_from(p);
    r.m.next_update = 0;
    struct tw_ocsp_result out = ask(p, &r);
    assert_int_equal(out.verdict, TW_OCSP_GOOD);
    assert_false(out.has_next);
    r.at = r.m.this_update + TW_OCSP_MAX_AGE_S + 1;
    expect_why(p, &r, TW_OCSP_WHY_OLD);
}

static void test_refusals(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.m.response_status = 3;
    expect_why(p, &r, TW_OCSP_WHY_STATUS);
    assert_string_equal(tw_ocsp_status_name(3), "tryLater");
    assert_string_equal(tw_ocsp_status_name(6), "unauthorized");
    assert_string_equal(tw_ocsp_status_name(77), "unassigned");
}

static void test_nonce(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    r.ask_nonce = tw_view_of("0123456789abcdef", 16);
    assert_int_equal(ask(p, &r).verdict, TW_OCSP_GOOD); /* responders may leave it out */
    r.m.nonce = r.ask_nonce;
    assert_int_equal(ask(p, &r).verdict, TW_OCSP_GOOD);
    r.m.nonce = tw_view_of("0123456789abcdeX", 16);
    expect_why(p, &r, TW_OCSP_WHY_NONCE);
}

static void test_extensions(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    struct tw_buf ext, inner;
    tw_buf_init(&ext, 256);
    tw_buf_init(&inner, 256);
    der_put(&inner, DER_OCTETS, tw_view_of("\x00\x00", 2));
    tw_make_extension(&ext, tw_view_of("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x05", 10), false,
                      tw_buf_view(&inner));
    r.m.single_extensions = tw_buf_view(&ext);
    assert_int_equal(ask(p, &r).scts.len, 2);
    tw_make_extension(&ext, tw_view_of("\x2a\x03", 2), true, tw_view_of("\x05\x00", 2));
    r.m.single_extensions = tw_buf_view(&ext);
    expect_why(p, &r, TW_OCSP_WHY_CRITICAL);
    tw_buf_cleanup(&ext);
    tw_buf_cleanup(&inner);
}

static void test_prefixes(void **state)
{
    struct pki *p = *state;
    struct reply r = reply_from(p);
    struct tw_buf der;
    tw_buf_init(&der, 65536);
    r.m.certs = tw_buf_view(&p->responder.der);
    r.m.nonce = tw_view_of("0123", 4);
    assert_int_equal(tw_make_ocsp(p->c, &r.m, &der), TW_OK);
    for (size_t n = 0; n < der.len; n++) {
        uint8_t *cut = malloc(n + 1);
        struct tw_ocsp o;
        memcpy(cut, der.data, n);
        assert_false(tw_ocsp_parse(tw_view_of(cut, n), &o));
        assert_non_null(o.fail_field);
        free(cut);
    }
    tw_buf_cleanup(&der);
}

static void test_request(void **state)
{
    struct pki *p = *state;
    struct tw_buf out;
    tw_buf_init(&out, 4096);
    assert_int_equal(tw_ocsp_request_write(p->c, &p->leaf.cert, &p->root.cert,
                                           tw_view_of("0123", 4), &out), TW_OK);
    struct tw_reader r = tw_rd_of(tw_buf_view(&out));
    struct tw_reader req = der_next(&r, DER_SEQ, "OCSPRequest");
    assert_true(tw_rd_end(&r, "OCSPRequest"));
    struct tw_reader tbs = der_next(&req, DER_SEQ, "TBSRequest");
    struct tw_reader list = der_next(&tbs, DER_SEQ, "requestList");
    struct tw_reader one = der_next(&list, DER_SEQ, "Request");
    struct tw_reader id = der_next(&one, DER_SEQ, "CertID");
    der_next(&id, DER_SEQ, "hashAlgorithm");
    assert_int_equal(der_bytes(&id, DER_OCTETS, "issuerNameHash").len, 20);
    assert_int_equal(der_bytes(&id, DER_OCTETS, "issuerKeyHash").len, 20);
    assert_true(tw_view_eq(der_bytes(&id, DER_INT, "serialNumber"), p->leaf.cert.serial));
    assert_true(tw_rd_end(&id, "CertID"));
    assert_int_equal(der_peek(&tbs), 0xa2);
    tw_buf_cleanup(&out);
}

static void test_urls(void **state)
{
    struct pki *p = *state;
    struct tw_view urls[4];
    assert_int_equal(tw_cert_aia_urls(&p->leaf.cert, true, urls, 4), 1);
    assert_true(tw_view_ieq(urls[0], "http://ocsp.example.test/"));
    assert_int_equal(tw_cert_aia_urls(&p->leaf.cert, false, urls, 4), 1);
    assert_true(tw_view_ieq(urls[0], "http://ca.example.test/root.der"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),    cmocka_unit_test(test_delegated),
        cmocka_unit_test(test_foreign_responder), cmocka_unit_test(test_signature),
        cmocka_unit_test(test_match),     cmocka_unit_test(test_times),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_nonce),
        cmocka_unit_test(test_extensions), cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_request),   cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, pki_open, pki_close);
}
