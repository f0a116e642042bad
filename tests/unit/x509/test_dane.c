/* DANE: DNS answers read, and TLSA records of every usage held against a chain. */
#include "status_fixture.h"

#include "x509/dane.h"

static struct tw_tlsa record(struct pki *p, unsigned usage, unsigned selector, unsigned matching,
                             const struct party *of, uint8_t md[TW_HASH_MAX])
{
    struct tw_view what = selector == 0 ? tw_buf_view(&of->der) : of->cert.spki;
    struct tw_tlsa t = {(uint8_t)usage, (uint8_t)selector, (uint8_t)matching, what};
    if (matching > 0)
        t.data = tw_view_of(md, p->c->digest(p->c->ctx, matching == 1 ? TW_HASH_SHA256
                                                                      : TW_HASH_SHA512,
                                             &what, 1, md));
    return t;
}

static enum tw_tlsa_match hold(struct pki *p, struct tw_tlsa t, bool valid)
{
    struct tw_view sent[] = {tw_buf_view(&p->leaf.der), tw_buf_view(&p->root.der)};
    struct tw_dane_chain chain = {sent, 2, sent, valid ? 2 : 0};
    struct tw_tlsa_answer a = {.records = {t}, .n = 1};
    enum tw_tlsa_match m;
    bool any = tw_dane_match(p->c, &a, &chain, &m);
    assert_int_equal(any, m == TW_TLSA_YES);
    return m;
}

static void test_usages(void **state)
{
    struct pki *p = *state;
    uint8_t md[TW_HASH_MAX];
    for (unsigned selector = 0; selector < 2; selector++)
        for (unsigned matching = 0; matching < 3; matching++) {
            assert_int_equal(hold(p, record(p, 3, selector, matching, &p->leaf, md), false),
                             TW_TLSA_YES);
            assert_int_equal(hold(p, record(p, 3, selector, matching, &p->root, md), false),
                             TW_TLSA_NO);
            assert_int_equal(hold(p, record(p, 2, selector, matching, &p->root, md), false),
                             TW_TLSA_YES);
            assert_int_equal(hold(p, record(p, 2, selector, matching, &p->leaf, md), false),
                             TW_TLSA_NO);
            assert_int_equal(hold(p, record(p, 2, selector, matching, &p->other, md), false),
                             TW_TLSA_NO);
            /* 0 and 1 want PKIX validation as well */
            assert_int_equal(hold(p, record(p, 1, selector, matching, &p->leaf, md), true),
                             TW_TLSA_YES);
            assert_int_equal(hold(p, record(p, 1, selector, matching, &p->leaf, md), false),
                             TW_TLSA_NO);
            assert_int_equal(hold(p, record(p, 0, selector, matching, &p->root, md), true),
                             TW_TLSA_YES);
            assert_int_equal(hold(p, record(p, 0, selector, matching, &p->root, md), false),
                             TW_TLSA_NO);
            assert_int_equal(hold(p, record(p, 0, selector, matching, &p->leaf, md), true),
                             TW_TLSA_NO);
        }
}

/* The trust anchor need not be sent when the record holds all of it (RFC 7671 5.2.2). */
static void test_anchor_in_record(void **state)
{
    struct pki *p = *state;
    uint8_t md[TW_HASH_MAX];
    struct tw_view sent[] = {tw_buf_view(&p->leaf.der)};
    struct tw_dane_chain chain = {.certs = sent, .certs_n = 1};
    enum tw_tlsa_match m;
    for (unsigned selector = 0; selector < 2; selector++) {
        struct tw_tlsa_answer a = {.records = {record(p, 2, selector, 0, &p->root, md)}, .n = 1};
        assert_true(tw_dane_match(p->c, &a, &chain, &m));
        a.records[0] = record(p, 2, selector, 0, &p->other, md);
        assert_false(tw_dane_match(p->c, &a, &chain, &m));
        a.records[0] = record(p, 2, selector, 1, &p->root, md);
        assert_false(tw_dane_match(p->c, &a, &chain, &m));
    }
}

static void test_unusable(void **state)
{
    struct pki *p = *state;
    uint8_t md[TW_HASH_MAX];
    struct tw_tlsa t = record(p, 3, 1, 1, &p->leaf, md);
    t.data.len--;
    assert_int_equal(hold(p, t, true), TW_TLSA_UNUSABLE);
    t = record(p, 3, 1, 1, &p->leaf, md);
    t.usage = 4;
    assert_int_equal(hold(p, t, true), TW_TLSA_UNUSABLE);
    t = record(p, 3, 1, 1, &p->leaf, md);
    t.matching = 3;
    assert_int_equal(hold(p, t, true), TW_TLSA_UNUSABLE);
}

/* RFC 7671 9: a SHA-256 record is left out beside a SHA-512 one of the same kind. */
static void test_agility(void **state)
{
    struct pki *p = *state;
    uint8_t good[TW_HASH_MAX], bad[TW_HASH_MAX], other[TW_HASH_MAX];
    struct tw_view sent[] = {tw_buf_view(&p->leaf.der)};
    struct tw_dane_chain chain = {.certs = sent, .certs_n = 1};
    enum tw_tlsa_match m[2];
    struct tw_tlsa_answer a = {.records = {record(p, 3, 1, 1, &p->leaf, good),
                                           record(p, 3, 1, 2, &p->other, bad)}, .n = 2};
    assert_false(tw_dane_match(p->c, &a, &chain, m));
    assert_int_equal(m[0], TW_TLSA_WEAKER);
    a.records[1] = record(p, 3, 0, 2, &p->other, other); /* another selector: no bearing */
    assert_true(tw_dane_match(p->c, &a, &chain, m));
}

static const uint8_t answer[] =
    "\x12\x34\x81\xa0\x00\x01\x00\x02\x00\x00\x00\x00"
    "\x04_443\x04_tcp\x02mx\x00\x00\x34\x00\x01"
    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x16"
    "\xc0\x16\x00\x34\x00\x01\x00\x00\x00\x3c\x00\x06\x03\x01\x01\xaa\xbb\xcc";

static void test_answer(void **state)
{
    struct tw_tlsa_answer a;
    assert_true(tw_tlsa_parse(tw_view_of(answer, sizeof answer - 1), &a));
    assert_true(a.ad);
    assert_int_equal(a.rcode, 0);
    assert_int_equal(a.n, 1);
    assert_int_equal(a.records[0].usage, 3);
    assert_int_equal(a.records[0].data.len, 3);
    for (size_t n = 0; n < sizeof answer - 1; n++) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, answer, n);
        assert_false(tw_tlsa_parse(tw_view_of(cut, n), &a));
        free(cut);
    }
    uint8_t question[sizeof answer];
    memcpy(question, answer, sizeof answer);
    question[2] &= 0x7f;
    assert_false(tw_tlsa_parse(tw_view_of(question, sizeof answer - 1), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usages), cmocka_unit_test(test_anchor_in_record),
        cmocka_unit_test(test_unusable), cmocka_unit_test(test_agility),
        cmocka_unit_test(test_answer),
    };
    return cmocka_run_group_tests(tests, pki_open, pki_close);
}
