/* Address literals: which are taken, and how they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/net.h"

#include <netinet/in.h>

static const struct {
    const char *in, *text, *ip;
    int family;
} good[] = {
    {"192.0.2.1", "192.0.2.1:443", "192.0.2.1", AF_INET},
    {"0.0.0.0", "0.0.0.0:443", "0.0.0.0", AF_INET},
    {"255.255.255.255", "255.255.255.255:443", "255.255.255.255", AF_INET},
    {"2001:DB8::1", "[2001:db8::1]:443", "2001:db8::1", AF_INET6},
    {"2001:db8:0:0:0:0:0:1", "[2001:db8::1]:443", "2001:db8::1", AF_INET6},
    {"::", "[::]:443", "::", AF_INET6},
    {"::ffff:192.0.2.1", "[::ffff:192.0.2.1]:443", "::ffff:192.0.2.1", AF_INET6},
};

static const char *const bad[] = {
    "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4x", "1.2.3.4 ", " 1.2.3.4", "example.org",
    "[::1]", "::1::", ":::", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::g", "0x7f.1",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++) {
        struct tw_addr a;
        char ip[64];
        if (!tw_addr_parse(good[i].in, 443, &a))
            fail_msg("%s is not taken", good[i].in);
        assert_string_equal(a.text, good[i].text);
        assert_string_equal(tw_addr_ip(&a, ip, sizeof ip), good[i].ip);
        assert_int_equal(a.ss.ss_family, good[i].family);
        assert_int_equal(a.len, good[i].family == AF_INET ? sizeof(struct sockaddr_in)
                                                          : sizeof(struct sockaddr_in6));
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++) {
        struct tw_addr a;
        if (tw_addr_parse(bad[i], 443, &a))
            fail_msg("'%s' is taken as %s", bad[i], a.text);
    }
}

/* The zone of a link-local address names an interface; lo is there on every machine. */
static void test_zone(void **state)
{
    (void)state;
    struct tw_addr a;
    assert_true(tw_addr_parse("fe80::1%lo", 443, &a));
    assert_int_not_equal(((struct sockaddr_in6 *)&a.ss)->sin6_scope_id, 0);
}

static void test_short_buffer(void **state)
{
    (void)state;
    struct tw_addr a;
    char ip[8];
    assert_true(tw_addr_parse("2001:db8::1234:5678", 1, &a));
    const char *s = tw_addr_ip(&a, ip, sizeof ip);
    assert_true(strlen(s) < sizeof ip); /* cut or empty, and ended */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_short_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
