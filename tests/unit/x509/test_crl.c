/*
 * CRLs: parsing, every shorter prefix, and RFC 5280 6.3.3 point by point: who signed, when, for
 * which certificates, points and reasons; indirect and delta lists.
 */
#include "status_fixture.h"

/* A CRL under construction, its extensions, and what it became. */
struct list {
    struct tw_make_crl m;
    struct tw_make_entry entries[4];
    struct tw_buf ext, der;
    struct tw_crl crl;
};

static void list_open(struct list *l, const struct party *by)
{
    *l = (struct list){.m = {.issuer = by->cert.subject, .key = by->key, .this_update = NOW - DAY,
                             .next_update = NOW + DAY}};
    tw_buf_init(&l->ext, 65536);
    tw_buf_init(&l->der, 65536);
    l->m.entries = l->entries;
}

static void revoke(struct list *l, const struct tw_cert *c, int reason)
{
    l->entries[l->m.entries_n++] =
        (struct tw_make_entry){.serial = c->serial, .date = NOW - 2 * HOUR, .reason = reason};
}

static void ext_int(struct list *l, const char *oid, bool critical, uint8_t n)
{
    struct tw_buf b;
    tw_buf_init(&b, 64);
    der_put(&b, DER_INT, tw_view_of(&n, 1));
    tw_make_extension(&l->ext, tw_view_of(oid, 3), critical, tw_buf_view(&b));
    tw_buf_cleanup(&b);
}
#define number(l, n) ext_int(l, "\x55\x1d\x14", false, n)
#define delta_of(l, n) ext_int(l, "\x55\x1d\x1b", true, n)

/* issuingDistributionPoint with the given contents */
static void idp(struct list *l, const void *contents, size_t n)
{
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    der_put(&b, DER_SEQ, tw_view_of(contents, n));
    tw_make_extension(&l->ext, tw_view_of("\x55\x1d\x1c", 3), true, tw_buf_view(&b));
    tw_buf_cleanup(&b);
}
#define IDP(l, s) idp(l, s, sizeof(s) - 1)

static void idp_url(struct list *l, const char *url)
{
    struct tw_buf a, b;
    tw_buf_init(&a, 4096);
    tw_buf_init(&b, 4096);
    der_put(&a, 0x86, tw_view_str(url));
    der_put(&b, 0xa0, tw_buf_view(&a));
    tw_buf_cleanup(&a);
    der_put(&a, 0xa0, tw_buf_view(&b));
    idp(l, a.data, a.len);
    tw_buf_cleanup(&a);
    tw_buf_cleanup(&b);
}

static void sign_list(struct pki *p, struct list *l)
{
    l->m.extensions = tw_buf_view(&l->ext);
    assert_int_equal(tw_make_crl(p->c, &l->m, &l->der), TW_OK);
    assert_true(tw_crl_parse(tw_buf_view(&l->der), &l->crl));
}

static void list_free(struct list *l)
{
    tw_buf_cleanup(&l->ext);
    tw_buf_cleanup(&l->der);
}

static struct tw_crl_result check_many(struct pki *p, const struct tw_cert *cert, struct list *l,
                                       size_t n, tw_crl_signer_fn *signer)
{
    struct tw_crl crls[4];
    struct tw_cert others[] = {p->other.cert, p->sub.cert, p->leaf.cert};
    for (size_t i = 0; i < n; i++)
        crls[i] = l[i].crl;
    struct tw_crl_request req = {.crypto = p->c, .at = NOW, .cert = cert, .issuer = &p->root.cert,
                                 .crls = crls, .crls_n = n, .others = others,
                                 .others_n = TW_ARRAY_LEN(others), .valid_signer = signer};
    struct tw_crl_result r;
    assert_int_equal(tw_crl_check(&req, &r), TW_OK);
    return r;
}

static struct tw_crl_result check(struct pki *p, struct list *l)
{
    sign_list(p, l);
    struct tw_crl_result r = check_many(p, &p->leaf.cert, l, 1, NULL);
    list_free(l);
    return r;
}

static void expect_why(struct pki *p, struct list *l, enum tw_crl_why why)
{
    struct tw_crl_result r = check(p, l);
    assert_int_equal(r.verdict, TW_CRL_UNDECIDED);
    assert_string_equal(tw_crl_why_text(r.why), tw_crl_why_text(why));
}

/* ---- parsing -------------------------------------------------------------------------------------- */

static void test_fields(void **state)
{
    struct pki *p = *state;
    struct list l;
    struct tw_crl_entry e;
    list_open(&l, &p->root);
    revoke(&l, &p->sub.cert, TW_REASON_CA_COMPROMISE);
    revoke(&l, &p->leaf.cert, -1);
    number(&l, 7);
    sign_list(p, &l);
    assert_int_equal(l.crl.this_update, NOW - DAY);
    assert_true(l.crl.has_next);
    assert_int_equal(l.crl.next_update, NOW + DAY);
    assert_int_equal(l.crl.entries, 2);
    assert_true(l.crl.has_number && !l.crl.is_delta && !l.crl.unknown_critical);
    assert_true(tw_crl_find(&l.crl, &p->sub.cert, &e));
    assert_int_equal(e.reason, TW_REASON_CA_COMPROMISE);
    assert_int_equal(e.date, NOW - 2 * HOUR);
    assert_true(tw_crl_find(&l.crl, &p->leaf.cert, &e));
    assert_int_equal(e.reason, TW_REASON_UNSPECIFIED);
    assert_false(tw_crl_find(&l.crl, &p->responder.cert, &e));
    list_free(&l);
}

static void test_prefixes(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    revoke(&l, &p->leaf.cert, TW_REASON_SUPERSEDED);
    number(&l, 7);
    IDP(&l, "\x84\x01\xff");
    sign_list(p, &l);
    for (size_t n = 0; n < l.der.len; n++) {
        uint8_t *cut = malloc(n + 1);
        struct tw_crl crl;
        memcpy(cut, l.der.data, n);
        assert_false(tw_crl_parse(tw_view_of(cut, n), &crl));
        assert_non_null(crl.fail_field);
        free(cut);
    }
    list_free(&l);
}

static void test_pem(void **state)
{
    static const char text[] = "junk\n-----BEGIN X509 CRL-----\nAQID\nBA==\n-----END X509 CRL-----\n"
                               "-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n"
                               "-----BEGIN X509 CRL-----\nBQ==\n-----END X509 CRL-----\n";
    struct tw_buf out;
    size_t pos = 0;
    tw_buf_init(&out, 100);
    assert_true(tw_crl_next_pem(tw_view_str(text), &pos, &out));
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "\1\2\3\4", 4);
    assert_true(tw_crl_next_pem(tw_view_str(text), &pos, &out)); /* passes the damaged one */
    assert_int_equal(out.len, 5);
    assert_false(tw_crl_next_pem(tw_view_str(text), &pos, &out));
    tw_buf_cleanup(&out);
}

static void test_urls(void **state)
{
    struct pki *p = *state;
    struct tw_view urls[4];
    assert_int_equal(tw_cert_crl_urls(&p->leaf.cert, false, urls, 4), 1);
    assert_true(tw_view_ieq(urls[0], "http://crl.example.test/a.crl"));
    assert_int_equal(tw_cert_crl_urls(&p->root.cert, false, urls, 4), 0);
}

/* ---- one list ------------------------------------------------------------------------------------------ */

static void test_good_and_revoked(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    revoke(&l, &p->sub.cert, 0);
    assert_int_equal(check(p, &l).verdict, TW_CRL_GOOD);
    list_open(&l, &p->root);
    revoke(&l, &p->leaf.cert, TW_REASON_KEY_COMPROMISE);
    struct tw_crl_result r = check(p, &l);
    assert_int_equal(r.verdict, TW_CRL_REVOKED);
    assert_int_equal(r.entry.reason, TW_REASON_KEY_COMPROMISE);
}

static void test_none(void **state)
{
    struct pki *p = *state;
    struct tw_crl_result r = check_many(p, &p->leaf.cert, NULL, 0, NULL);
    assert_int_equal(r.verdict, TW_CRL_UNDECIDED);
    assert_int_equal(r.why, TW_CRL_WHY_NONE);
}

static void test_times(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    l.m.next_update = NOW - 1;
    expect_why(p, &l, TW_CRL_WHY_EXPIRED);
    list_open(&l, &p->root);
    l.m.next_update = NOW; /* the last second still counts */
    assert_int_equal(check(p, &l).verdict, TW_CRL_GOOD);
    list_open(&l, &p->root);
    l.m.this_update = NOW + 1;
    expect_why(p, &l, TW_CRL_WHY_NOT_YET);
    list_open(&l, &p->root);
    l.m.next_update = 0;
    assert_int_equal(check(p, &l).verdict, TW_CRL_GOOD);
}

static void test_signers(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->other);
    expect_why(p, &l, TW_CRL_WHY_ISSUER);
    list_open(&l, &p->root);
    l.m.key = p->other.key;
    expect_why(p, &l, TW_CRL_WHY_SIGNATURE);
}

static void test_key_usage(void **state)
{
    struct pki *p = *state;
    struct party root = p->root;
    p->root.cert.key_usage = 1u << 5; /* keyCertSign alone */
    struct list l;
    list_open(&l, &p->root);
    expect_why(p, &l, TW_CRL_WHY_KEY_USAGE);
    p->root = root;
}

static void test_unknown_critical(void **state)
{
    struct pki *p = *state;
    struct tw_buf b;
    struct list l;
    tw_buf_init(&b, 256);
    tw_make_extension(&b, tw_view_of("\x2a\x03\x04", 3), true, tw_view_of("\x05\x00", 2));
    list_open(&l, &p->root);
    tw_wr_bytes(&l.ext, tw_buf_view(&b));
    expect_why(p, &l, TW_CRL_WHY_CRITICAL);
    list_open(&l, &p->root); /* in somebody else's entry: the whole list is out (5.3) */
    revoke(&l, &p->sub.cert, 0);
    l.entries[0].extensions = tw_buf_view(&b);
    expect_why(p, &l, TW_CRL_WHY_CRITICAL);
    tw_buf_cleanup(&b);
}

static void test_scope(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    IDP(&l, "\x81\x01\xff"); /* onlyContainsUserCerts */
    assert_int_equal(check(p, &l).verdict, TW_CRL_GOOD);
    list_open(&l, &p->root);
    IDP(&l, "\x82\x01\xff"); /* onlyContainsCACerts */
    expect_why(p, &l, TW_CRL_WHY_SCOPE);
    list_open(&l, &p->root);
    IDP(&l, "\x85\x01\xff"); /* onlyContainsAttributeCerts */
    expect_why(p, &l, TW_CRL_WHY_SCOPE);
    list_open(&l, &p->root);
    idp_url(&l, "http://crl.example.test/a.crl");
    assert_int_equal(check(p, &l).verdict, TW_CRL_GOOD);
    list_open(&l, &p->root);
    idp_url(&l, "http://crl.example.test/b.crl");
    expect_why(p, &l, TW_CRL_WHY_SCOPE);
}

static void test_ca_scope(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    IDP(&l, "\x81\x01\xff");
    sign_list(p, &l);
    struct tw_crl_result r = check_many(p, &p->sub.cert, &l, 1, NULL);
    assert_int_equal(r.verdict, TW_CRL_UNDECIDED);
    assert_int_equal(r.why, TW_CRL_WHY_SCOPE);
    list_free(&l);
}

/* ---- several lists -------------------------------------------------------------------------------------- */

static void test_reasons(void **state)
{
    struct pki *p = *state;
    struct list l[2];
    list_open(&l[0], &p->root);
    IDP(&l[0], "\x83\x02\x05\x60"); /* keyCompromise, cACompromise */
    sign_list(p, &l[0]);
    struct tw_crl_result r = check_many(p, &p->leaf.cert, l, 1, NULL);
    assert_int_equal(r.verdict, TW_CRL_UNDECIDED);
    assert_int_equal(r.why, TW_CRL_WHY_REASONS);
    list_open(&l[1], &p->root);
    IDP(&l[1], "\x83\x03\x07\x1f\x80"); /* all the others */
    sign_list(p, &l[1]);
    r = check_many(p, &p->leaf.cert, l, 2, NULL);
    assert_int_equal(r.verdict, TW_CRL_GOOD);
    assert_int_equal(r.reasons, TW_CRL_ALL_REASONS);
    list_free(&l[0]);
    list_free(&l[1]);
}

static void pair(struct pki *p, struct list l[2], uint8_t base, uint8_t from)
{
    list_open(&l[0], &p->root);
    number(&l[0], base);
    list_open(&l[1], &p->root);
    number(&l[1], 9);
    delta_of(&l[1], from);
}

static struct tw_crl_result check_pair(struct pki *p, struct list l[2])
{
    sign_list(p, &l[0]);
    sign_list(p, &l[1]);
    struct tw_crl_result r = check_many(p, &p->leaf.cert, l, 2, NULL);
    list_free(&l[0]);
    list_free(&l[1]);
    return r;
}

static void test_delta(void **state)
{
    struct pki *p = *state;
    struct list l[2];
    pair(p, l, 5, 5);
    revoke(&l[1], &p->leaf.cert, TW_REASON_SUPERSEDED); /* new since the base */
    assert_int_equal(check_pair(p, l).verdict, TW_CRL_REVOKED);
    pair(p, l, 5, 5);
    revoke(&l[0], &p->leaf.cert, TW_REASON_HOLD);
    revoke(&l[1], &p->leaf.cert, TW_REASON_REMOVE_FROM_CRL);
    assert_int_equal(check_pair(p, l).verdict, TW_CRL_GOOD);
    pair(p, l, 5, 5);
    l[0].m.next_update = NOW - HOUR; /* a current delta renews its base */
    assert_int_equal(check_pair(p, l).verdict, TW_CRL_GOOD);
    pair(p, l, 5, 6); /* changes since 6 say nothing about what happened between 5 and 6 */
    revoke(&l[1], &p->leaf.cert, TW_REASON_SUPERSEDED);
    assert_int_equal(check_pair(p, l).verdict, TW_CRL_GOOD);
    pair(p, l, 5, 5);
    l[1].m.key = p->other.key;
    revoke(&l[1], &p->leaf.cert, TW_REASON_SUPERSEDED);
    assert_int_equal(check_pair(p, l).verdict, TW_CRL_GOOD);
}

static void test_delta_alone(void **state)
{
    struct pki *p = *state;
    struct list l;
    list_open(&l, &p->root);
    number(&l, 9);
    delta_of(&l, 5);
    expect_why(p, &l, TW_CRL_WHY_NO_BASE);
}

/* ---- indirect lists ---------------------------------------------------------------------------------------- */

static bool trust_it(void *user, const struct tw_cert *signer)
{
    return true;
}

/* A certificate whose only distribution point names another CRL issuer, as parsed. */
static struct tw_buf indirect_extensions(const struct pki *p)
{
    struct tw_buf name, point, list, value, all;
    tw_buf_init(&name, 4096);
    tw_buf_init(&point, 4096);
    tw_buf_init(&list, 4096);
    tw_buf_init(&value, 4096);
    tw_buf_init(&all, 4096);
    der_put(&name, 0xa4, p->other.cert.subject);
    der_put(&point, 0xa2, tw_buf_view(&name));
    der_put(&list, DER_SEQ, tw_buf_view(&point));
    der_put(&value, DER_SEQ, tw_buf_view(&list));
    tw_buf_cleanup(&list);
    tw_make_extension(&list, tw_view_of("\x55\x1d\x1f", 3), false, tw_buf_view(&value));
    der_put(&all, DER_SEQ, tw_buf_view(&list));
    tw_buf_cleanup(&name);
    tw_buf_cleanup(&point);
    tw_buf_cleanup(&list);
    tw_buf_cleanup(&value);
    return all;
}

static struct tw_buf entry_issuer(struct tw_view dn)
{
    struct tw_buf name, names, ext;
    tw_buf_init(&name, 4096);
    tw_buf_init(&names, 4096);
    tw_buf_init(&ext, 4096);
    der_put(&name, 0xa4, dn);
    der_put(&names, DER_SEQ, tw_buf_view(&name));
    tw_make_extension(&ext, tw_view_of("\x55\x1d\x1d", 3), true, tw_buf_view(&names));
    tw_buf_cleanup(&name);
    tw_buf_cleanup(&names);
    return ext;
}

static void test_indirect(void **state)
{
    struct pki *p = *state;
    struct list l;
    struct tw_cert leaf = p->leaf.cert;
    struct tw_buf ext = indirect_extensions(p), mine = entry_issuer(p->root.cert.subject),
                  theirs = entry_issuer(p->sub.cert.subject);
    leaf.extensions = tw_buf_view(&ext);

    list_open(&l, &p->other);
    IDP(&l, "\x84\x01\xff");
    revoke(&l, &p->leaf.cert, 0); /* the serial number, but of the CRL issuer itself */
    l.entries[l.m.entries_n] = l.entries[0];
    l.entries[l.m.entries_n++].extensions = tw_buf_view(&theirs); /* and of a third one */
    sign_list(p, &l);
    assert_int_equal(check_many(p, &leaf, &l, 1, trust_it).verdict, TW_CRL_GOOD);
    /* nobody vouches for the signer */
    struct tw_crl_result r = check_many(p, &leaf, &l, 1, NULL);
    assert_int_equal(r.verdict, TW_CRL_UNDECIDED);
    assert_int_equal(r.why, TW_CRL_WHY_SIGNER);
    list_free(&l);

    list_open(&l, &p->other);
    IDP(&l, "\x84\x01\xff");
    revoke(&l, &p->sub.cert, 0);
    l.entries[0].extensions = tw_buf_view(&mine);
    revoke(&l, &p->leaf.cert, 0); /* belongs to the issuer of the entry before */
    sign_list(p, &l);
    assert_int_equal(check_many(p, &leaf, &l, 1, trust_it).verdict, TW_CRL_REVOKED);
    list_free(&l);

    list_open(&l, &p->other); /* not marked as indirect */
    sign_list(p, &l);
    r = check_many(p, &leaf, &l, 1, trust_it);
    assert_int_equal(r.why, TW_CRL_WHY_ISSUER);
    list_free(&l);
    tw_buf_cleanup(&ext);
    tw_buf_cleanup(&mine);
    tw_buf_cleanup(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_pem),          cmocka_unit_test(test_urls),
        cmocka_unit_test(test_good_and_revoked), cmocka_unit_test(test_none),
        cmocka_unit_test(test_times),        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_key_usage),    cmocka_unit_test(test_unknown_critical),
        cmocka_unit_test(test_scope),        cmocka_unit_test(test_ca_scope),
        cmocka_unit_test(test_reasons),      cmocka_unit_test(test_delta),
        cmocka_unit_test(test_delta_alone),  cmocka_unit_test(test_indirect),
    };
    return cmocka_run_group_tests(tests, pki_open, pki_close);
}
