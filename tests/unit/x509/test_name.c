/* Does a certificate cover a name? RFC 9525 6.3 and its corners. */
#include "der_build.h"

struct row {
    const char *sans; /* "dns:a.example ip:c0000201 email:x@y uri:z", separated by spaces */
    const char *cn, *name;
    enum tw_name_match want;
};

static void put_sans(struct tw_buf *b, const char *s)
{
    while (*s != '\0') {
        size_t n = strcspn(s, " ");
        struct tw_view v = tw_view_of(s, n);
        if (strncmp(s, "dns:", 4) == 0) {
            put_tlv(b, 0x82, tw_view_sub(v, 4, n));
        } else if (strncmp(s, "ip:", 3) == 0) {
            char hex[40];
            tw_copy_str(hex, n - 3 + 1, s + 3);
            put_hex(b, 0x87, hex);
        } else if (strncmp(s, "email:", 6) == 0) {
            put_tlv(b, 0x81, tw_view_sub(v, 6, n));
        } else {
            put_tlv(b, 0x86, tw_view_sub(v, 4, n));
        }
        s += n + (s[n] == ' ');
    }
}

static enum tw_name_match match(const char *sans, const char *cn, const char *name, char *nearest,
                                size_t cap)
{
    struct tw_buf names, der;
    struct tw_cert c;
    tw_buf_init(&names, 1 << 16);
    tw_buf_init(&der, 1 << 16);
    if (sans != NULL)
        put_sans(&names, sans);
    struct cert_spec spec = {.cn = cn};
    if (sans != NULL)
        spec.san = names.len > 0 ? tw_buf_view(&names) : tw_view_of("", 0);
    put_cert(&der, &spec);
    assert_true(tw_cert_parse(tw_buf_view(&der), &c));
    enum tw_name_match m = tw_cert_name_match(&c, name, nearest, cap);
    tw_buf_cleanup(&names);
    tw_buf_cleanup(&der);
    return m;
}

static const struct row rows[] = {
    {"dns:www.example.org", "x", "www.example.org", TW_NAME_OK},
    {"dns:www.example.org", "x", "WWW.Example.ORG", TW_NAME_OK},
    {"dns:WWW.EXAMPLE.ORG", "x", "www.example.org", TW_NAME_OK},
    {"dns:www.example.org", "x", "www.example.org.", TW_NAME_OK}, /* the root's dot */
    {"dns:www.example.org.", "x", "www.example.org", TW_NAME_UNUSUAL_FORM},
    {"dns:www.example.org", "x", "example.org", TW_NAME_MISMATCH},
    {"dns:www.example.org", "x", "ww.example.org", TW_NAME_MISMATCH},
    {"dns:www.example.org", "x", "www.example.org.evil.test", TW_NAME_MISMATCH},
    {"dns:www.example.org", "x", "", TW_NAME_BAD_REFERENCE},
    {"dns:www.example.org", "x", ".", TW_NAME_BAD_REFERENCE},
    {"dns:a.example dns:b.example", "x", "b.example", TW_NAME_OK},
    /* wildcards: the whole left-most label, for exactly one label */
    {"dns:*.example.org", "x", "www.example.org", TW_NAME_OK},
    {"dns:*.example.org", "x", "WWW.EXAMPLE.org", TW_NAME_OK},
    {"dns:*.example.org.", "x", "www.example.org.", TW_NAME_UNUSUAL_FORM},
    {"dns:*.example.org", "x", "a.b.example.org", TW_NAME_WILDCARD_DEPTH},
    {"dns:*.example.org", "x", "example.org", TW_NAME_WILDCARD_DEPTH},
    {"dns:*.example.org", "x", ".example.org", TW_NAME_BAD_REFERENCE},
    {"dns:*.example.org", "x", "wwwexample.org", TW_NAME_MISMATCH},
    {"dns:w*.example.org", "x", "www.example.org", TW_NAME_UNUSUAL_FORM},
    {"dns:*w.example.org", "x", "www.example.org", TW_NAME_UNUSUAL_FORM},
    {"dns:www.*.org", "x", "www.example.org", TW_NAME_UNUSUAL_FORM},
    {"dns:*.*.org", "x", "www.example.org", TW_NAME_UNUSUAL_FORM},
    {"dns:*", "x", "localhost", TW_NAME_UNUSUAL_FORM},
    {"dns:*.", "x", "localhost", TW_NAME_UNUSUAL_FORM},
    {"dns:*.org", "x", "example.org", TW_NAME_UNUSUAL_FORM}, /* for all of a top level domain */
    {"dns:*.com dns:*.example.org", "x", "a.example.org", TW_NAME_OK},
    /* IDN: A-labels alone, compared as they are */
    {"dns:xn--bcher-kva.example", "x", "xn--bcher-kva.example", TW_NAME_OK},
    {"dns:XN--BCHER-KVA.example", "x", "xn--bcher-kva.example", TW_NAME_OK},
    {"dns:*.example", "x", "xn--bcher-kva.example", TW_NAME_UNUSUAL_FORM},
    {"dns:*.example.org", "x", "xn--bcher-kva.example.org", TW_NAME_OK},
    {"dns:xn--*.example.org", "x", "xn--bcher-kva.example.org", TW_NAME_UNUSUAL_FORM},
    /* underscores are no host names, but are in use */
    {"dns:a_b.example.org", "x", "a_b.example.org", TW_NAME_OK},
    {"dns:*.example.org", "x", "_dmarc.example.org", TW_NAME_OK},
    /* addresses fit iPAddress alone, by their bytes */
    {"ip:c0000201", "x", "192.0.2.1", TW_NAME_OK},
    {"ip:c0000201", "x", "192.0.2.2", TW_NAME_IP_NOT_IN_SAN},
    {"dns:192.0.2.1", "x", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN},
    {"dns:*.0.2.1", "x", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN},
    {"ip:20010db8000000000000000000000001", "x", "2001:db8::1", TW_NAME_OK},
    {"ip:20010db8000000000000000000000001", "x", "2001:DB8:0:0:0:0:0:1", TW_NAME_OK},
    {"ip:20010db8000000000000000000000001", "x", "2001:db8::2", TW_NAME_IP_NOT_IN_SAN},
    {"ip:00000000000000000000ffffc0000201", "x", "::ffff:192.0.2.1", TW_NAME_OK},
    {"ip:c0000201", "x", "::ffff:192.0.2.1", TW_NAME_IP_NOT_IN_SAN}, /* another form is another */
    {"ip:c00002", "x", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN},
    {"ip:c000020100", "x", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN},
    {"ip:c0000201", "x", "host.example", TW_NAME_MISMATCH},
    /* other kinds of names count for nothing */
    {"email:www.example.org", "x", "www.example.org", TW_NAME_MISMATCH},
    {"uri:www.example.org", "x", "www.example.org", TW_NAME_MISMATCH},
    /* the CN counts for nothing either, but it is said when it would have */
    {NULL, "www.example.org", "www.example.org", TW_NAME_NO_SAN},
    {NULL, "*.example.org", "www.example.org", TW_NAME_NO_SAN},
    {NULL, "other.example.org", "www.example.org", TW_NAME_MISMATCH},
    {NULL, NULL, "www.example.org", TW_NAME_MISMATCH},
    {NULL, "192.0.2.1", "192.0.2.1", TW_NAME_NO_SAN},
    {"dns:a.example", "www.example.org", "www.example.org", TW_NAME_MISMATCH},
    {"", "www.example.org", "www.example.org", TW_NAME_NO_SAN},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        char nearest[128];
        const struct row *r = &rows[i];
        enum tw_name_match m = match(r->sans, r->cn, r->name, nearest, sizeof nearest);
        if (m != r->want)
            fail_msg("SAN %s, CN %s, name '%s': %d, not %d", r->sans == NULL ? "none" : r->sans,
                     r->cn == NULL ? "none" : r->cn, r->name, (int)m, (int)r->want);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    char nearest[128], small[6];
    match("dns:mail.other.test dns:www.example.com dns:api.example.org", "x", "www.example.org",
          nearest, sizeof nearest);
    assert_string_equal(nearest, "api.example.org");
    match("dns:*.example.org dns:b.example.orgs", "x", "a.b.example.org", nearest, sizeof nearest);
    assert_string_equal(nearest, "*.example.org");
    match("ip:c0000201", "x", "192.0.2.2", nearest, sizeof nearest);
    assert_string_equal(nearest, "192.0.2.1");
    match(NULL, "cn.example.org", "www.example.org", nearest, sizeof nearest);
    assert_string_equal(nearest, "cn.example.org");
    match("dns:www.example.org", "x", "www.example.org", small, sizeof small);
    assert_true(strlen(small) < sizeof small);
}

/* A name with a NUL in it covers no name that ends there (CVE-2009-2408). */
static void test_nul_in_name(void **state)
{
    (void)state;
    struct tw_buf names, der;
    struct tw_cert c;
    char nearest[64];
    tw_buf_init(&names, 256);
    tw_buf_init(&der, 4096);
    put_tlv(&names, 0x82, tw_view_of("www.example.org\0.evil.test", 26));
    put_cert(&der, &(struct cert_spec){.cn = "x", .san = tw_buf_view(&names)});
    assert_true(tw_cert_parse(tw_buf_view(&der), &c));
    assert_int_equal(tw_cert_name_match(&c, "www.example.org", nearest, sizeof nearest),
                     TW_NAME_MISMATCH);
    assert_string_equal(nearest, "www.example.org?.evil.test");
    tw_buf_cleanup(&names);
    tw_buf_cleanup(&der);
}

static void test_san_text(void **state)
{
    (void)state;
    char buf[64];
    assert_string_equal(tw_san_text(TW_SAN_DNS, tw_view_str("a\x1b[1m"), buf, sizeof buf),
                        "a?[1m");
    assert_string_equal(tw_san_text(TW_SAN_IP, tw_view_of("\x7f\0\0\1", 4), buf, sizeof buf),
                        "127.0.0.1");
    tw_san_text(TW_SAN_IP, tw_view_of("\x7f\0\0", 3), buf, sizeof buf); /* no address: no crash */
    assert_string_equal(tw_san_text(TW_SAN_DNS, tw_view_of(NULL, 0), buf, sizeof buf), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_nul_in_name),
        cmocka_unit_test(test_san_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
