/* Distinguished names: text that is safe to show, attributes, and when two are the same. */
#include "der_build.h"

static void name_of(struct tw_buf *b, const char *oid, uint8_t tag, struct tw_view value)
{
    tw_buf_init(b, 1 << 16);
    put_rdn(b, oid, tag, value);
    wrap(b, 0, DER_SEQ);
}

static void expect_text(uint8_t tag, const char *bytes, size_t n, const char *want)
{
    struct tw_buf b;
    char buf[128];
    name_of(&b, OID_CN, tag, tw_view_of(bytes, n));
    assert_string_equal(tw_dn_text(tw_buf_view(&b), buf, sizeof buf), want);
    tw_buf_cleanup(&b);
}

static void test_strings(void **state)
{
    (void)state;
    expect_text(0x0c, "Jos\xc3\xa9", 5, "CN=Jos\xc3\xa9");           /* UTF8String */
    expect_text(0x13, "Example", 7, "CN=Example");                  /* PrintableString */
    expect_text(0x14, "Jos\xe9", 4, "CN=Jos\xc3\xa9");               /* TeletexString, as Latin-1 */
    expect_text(0x1e, "\x00J\x20\xac", 4, "CN=J\xe2\x82\xac");       /* BMPString */
    expect_text(0x1e, "\x00J\x20", 3, "CN=J");                       /* half a character */
    expect_text(0x0c, "a\x1b[2Jb\0c\x7f", 9, "CN=a?[2Jb?c?");
    expect_text(0x1e, "\x00\x1b", 2, "CN=?");
    expect_text(0x0c, "", 0, "CN=");
}

static void test_several(void **state)
{
    (void)state;
    struct tw_buf b;
    char buf[128];
    tw_buf_init(&b, 1 << 12);
    put_rdn(&b, "550406", 0x13, tw_view_str("NL"));
    put_rdn(&b, OID_O, 0x0c, tw_view_str("Example"));
    put_rdn(&b, "2a0304", 0x0c, tw_view_str("odd")); /* 1.2.3.4 */
    put_rdn(&b, OID_CN, 0x0c, tw_view_str("www.example.org"));
    wrap(&b, 0, DER_SEQ);
    struct tw_view v = tw_buf_view(&b);
    assert_string_equal(tw_dn_text(v, buf, sizeof buf),
                        "C=NL, O=Example, 1.2.3.4=odd, CN=www.example.org");
    assert_string_equal(tw_dn_attr(v, "CN", buf, sizeof buf), "www.example.org");
    assert_string_equal(tw_dn_attr(v, "O", buf, sizeof buf), "Example");
    assert_string_equal(tw_dn_attr(v, "OU", buf, sizeof buf), "");
    for (size_t cap = 1; cap < 60; cap++) { /* cut anywhere, it is ended */
        char *exact = malloc(cap);
        assert_non_null(exact);
        assert_true(strlen(tw_dn_text(v, exact, cap)) < cap);
        assert_true(strlen(tw_dn_attr(v, "CN", exact, cap)) < cap);
        free(exact);
    }
    tw_buf_cleanup(&b);
}

static void test_broken(void **state)
{
    (void)state;
    struct tw_buf b;
    char buf[64];
    assert_string_equal(tw_dn_text(tw_view_of("\x30\x00", 2), buf, sizeof buf), "(empty name)");
    assert_string_equal(tw_dn_text(tw_view_of("\x31\x01\x00", 3), buf, sizeof buf),
                        "(unreadable name)");
    name_of(&b, OID_CN, 0x0c, tw_view_str("www.example.org"));
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *own = exact_copy(tw_view_of(b.data, n));
        assert_true(strlen(tw_dn_text(tw_view_of(own, n), buf, sizeof buf)) > 0);
        tw_dn_attr(tw_view_of(own, n), "CN", buf, sizeof buf);
        assert_int_equal(tw_dn_equal(tw_view_of(own, n), tw_view_of(own, n)), n > 0);
        assert_false(tw_dn_equal(tw_view_of(own, n), tw_buf_view(&b)));
        free(own);
    }
    tw_buf_cleanup(&b);
}

static bool equal(const char *oid_a, uint8_t tag_a, const char *a, const char *oid_b, uint8_t tag_b,
                  const char *b)
{
    struct tw_buf x, y;
    name_of(&x, oid_a, tag_a, tw_view_str(a));
    name_of(&y, oid_b, tag_b, tw_view_str(b));
    bool same = tw_dn_equal(tw_buf_view(&x), tw_buf_view(&y));
    assert_int_equal(same, tw_dn_equal(tw_buf_view(&y), tw_buf_view(&x)));
    tw_buf_cleanup(&x);
    tw_buf_cleanup(&y);
    return same;
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(equal(OID_CN, 0x0c, "Root", OID_CN, 0x0c, "Root"));
    assert_true(equal(OID_CN, 0x0c, "Root CA", OID_CN, 0x13, "ROOT  ca"));
    assert_false(equal(OID_CN, 0x0c, "Root CA", OID_CN, 0x0c, "RootCA"));
    assert_false(equal(OID_CN, 0x0c, "Root", OID_CN, 0x0c, "Root2"));
    assert_false(equal(OID_CN, 0x0c, "Root", OID_O, 0x0c, "Root"));
    /* one is a beginning of the other */
    struct tw_buf a, b;
    tw_buf_init(&a, 1 << 12);
    tw_buf_init(&b, 1 << 12);
    put_rdn(&a, OID_O, 0x0c, tw_view_str("X"));
    put_rdn(&b, OID_O, 0x0c, tw_view_str("X"));
    put_rdn(&b, OID_CN, 0x0c, tw_view_str("Y"));
    wrap(&a, 0, DER_SEQ);
    wrap(&b, 0, DER_SEQ);
    assert_false(tw_dn_equal(tw_buf_view(&a), tw_buf_view(&b)));
    tw_buf_cleanup(&a);
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
