/* Reference identities against certificates (RFC 9525 6): what fits, what does not, and why not. */
#include "pkix.h"

struct trial { const char *san, *name; enum tw_name_match match; };

static const struct trial trials[] = {
    {"www.example.test", "www.example.test", TW_NAME_OK},
    {"www.example.test", "WWW.Example.TEST", TW_NAME_OK},
    {"www.example.test", "www.example.test.", TW_NAME_OK},
    {"www.example.test", "example.test", TW_NAME_MISMATCH},
    {"example.test", "www.example.test", TW_NAME_MISMATCH},
    {"*.example.test", "www.example.test", TW_NAME_OK},
    {"*.example.test", "xn--bcher-kva.example.test", TW_NAME_OK},
    {"*.example.test", "example.test", TW_NAME_WILDCARD_DEPTH},
    {"*.example.test", "a.b.example.test", TW_NAME_WILDCARD_DEPTH},
    {"*.example.test", "www.example.org", TW_NAME_MISMATCH},
    {"*.test", "example.test", TW_NAME_UNUSUAL_FORM},
    {"*", "test", TW_NAME_UNUSUAL_FORM},
    {"w*.example.test", "www.example.test", TW_NAME_UNUSUAL_FORM},
    {"www.*.test", "www.example.test", TW_NAME_UNUSUAL_FORM},
    {"www.example.test.", "www.example.test", TW_NAME_UNUSUAL_FORM},
    {"a_b.example.test", "a_b.example.test", TW_NAME_OK},
    {"192.0.2.1", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN}, /* an address as dNSName */
    {"www.example.test", "192.0.2.1", TW_NAME_IP_NOT_IN_SAN},
    {"www.example.test", "2001:db8::1", TW_NAME_IP_NOT_IN_SAN},
    {"www.example.test", "not a name", TW_NAME_BAD_REFERENCE},
    {"www.example.test", "-bad.example.test", TW_NAME_BAD_REFERENCE},
};

static void dns(void **state)
{
    struct pkix *p = *state;
    for (size_t i = 0; i < TW_ARRAY_LEN(trials); i++) {
        struct tw_cert c;
        char nearest[256];
        struct make m = {.subject = "x", .issuer = "CA", .key = 1, .dns = trials[i].san};
        tw_cert_parse(make(p, m), &c);
        enum tw_name_match got = tw_cert_name_match(&c, trials[i].name, nearest, sizeof nearest);
        if (got != trials[i].match)
            fail_msg("%s against %s: %d instead of %d", trials[i].name, trials[i].san, got,
                     trials[i].match);
    }
}

static void cn_only(void **state)
{
    struct pkix *p = *state;
    struct tw_cert c;
    char nearest[256];
    tw_cert_parse(make(p, (struct make){.subject = "www.example.test", .issuer = "CA", .key = 1}), &c);
    assert_int_equal(tw_cert_name_match(&c, "www.example.test", nearest, sizeof nearest),
                     TW_NAME_NO_SAN);
    assert_string_equal(nearest, "www.example.test");
    assert_int_equal(tw_cert_name_match(&c, "example.test", nearest, sizeof nearest),
                     TW_NAME_MISMATCH);
    tw_cert_parse(make(p, (struct make){.subject = "www.example.test", .issuer = "CA", .key = 1,
                                        .dns = "other.test"}), &c);
    assert_int_equal(tw_cert_name_match(&c, "www.example.test", nearest, sizeof nearest),
                     TW_NAME_MISMATCH); /* there are dNSNames, so the CN says nothing */
}

static struct tw_view san(struct pkix *p, uint8_t tag, struct tw_view v)
{
    return ext(p, OID(ID_CE "\x11"), false, wrap(p, DER_SEQ, wrap(p, tag, v, none()), none()));
}

static void other_forms(void **state)
{
    struct pkix *p = *state;
    struct tw_cert c;
    char nearest[256];
    struct make m = {.subject = "x", .issuer = "CA", .key = 1};
    m.more = san(p, 0x87, OID("\xc0\x00\x02\x01"));
    tw_cert_parse(make(p, m), &c);
    assert_int_equal(tw_cert_name_match(&c, "192.0.2.1", nearest, sizeof nearest), TW_NAME_OK);
    assert_int_equal(tw_cert_name_match(&c, "192.0.2.2", nearest, sizeof nearest),
                     TW_NAME_IP_NOT_IN_SAN);
    assert_string_equal(nearest, "192.0.2.1");
    m.more = san(p, 0x87, OID("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"));
    tw_cert_parse(make(p, m), &c);
    assert_int_equal(tw_cert_name_match(&c, "2001:DB8:0:0::1", nearest, sizeof nearest), TW_NAME_OK);
    assert_string_equal(nearest, "2001:db8::1");
    m.more = san(p, 0x81, tw_view_str("Me@Example.test"));
    tw_cert_parse(make(p, m), &c);
    assert_true(tw_cert_email_match(&c, "Me@example.TEST"));
    assert_false(tw_cert_email_match(&c, "me@example.test"));
    assert_false(tw_cert_email_match(&c, "Me@example.tes"));
    m.more = san(p, 0x86, tw_view_str("urn:a:b"));
    tw_cert_parse(make(p, m), &c);
    assert_true(tw_cert_uri_match(&c, "urn:a:b"));
    assert_int_equal(tw_cert_name_match(&c, "urn:a:b", nearest, sizeof nearest), TW_NAME_OK);
    assert_false(tw_cert_uri_match(&c, "urn:a:bc"));
}

static void address_text(void **state)
{
    static const struct { const char *in, *out; } v6[] = {
        {"::", "::"}, {"::1", "::1"}, {"1::", "1::"}, {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8::0001", "2001:db8::1"}, {"1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"}, {"::ffff:192.0.2.1", "::ffff:c000:201"}};
    uint8_t ip[16];
    char buf[48];
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(v6); i++) {
        assert_int_equal(tw_ip_parse(v6[i].in, ip), 16);
        assert_string_equal(tw_ip6_text(ip, buf, sizeof buf), v6[i].out);
    }
    assert_int_equal(tw_ip_parse("192.0.2.1", ip), 4);
    static const char *const bad[] = {"192.0.2", "192.0.2.256", "192.0.2.1.", ":", ":::", "1::2::3",
                                      "1:2:3:4:5:6:7", "g::", ""};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_int_equal(tw_ip_parse(bad[i], ip), 0);
}

static void host_syntax(void **state)
{
    (void)state;
    assert_true(tw_dns_name_valid(tw_view_str("a.b-c.d1"), false, false));
    assert_true(tw_dns_name_valid(tw_view_str("*.b"), false, true));
    assert_false(tw_dns_name_valid(tw_view_str("*.b"), false, false));
    assert_false(tw_dns_name_valid(tw_view_str("a.*.b"), false, true));
    assert_true(tw_dns_name_valid(tw_view_str("a_b.c"), true, false));
    static const char *const bad[] = {"", ".", "a..b", ".a", "a.", "-a.b", "a-.b", "a b", "a_b.c"};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_false(tw_dns_name_valid(tw_view_str(bad[i]), false, false));
    char label[70];
    memset(label, 'a', sizeof label);
    assert_true(tw_dns_name_valid(tw_view_of(label, 63), false, false));
    assert_false(tw_dns_name_valid(tw_view_of(label, 64), false, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dns), cmocka_unit_test(cn_only),
                                       cmocka_unit_test(other_forms),
                                       cmocka_unit_test(address_text),
                                       cmocka_unit_test(host_syntax)};
    return cmocka_run_group_tests_name("name", tests, pkix_open, pkix_close);
}
