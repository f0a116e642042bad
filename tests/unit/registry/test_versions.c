/* Version names and what people type for them. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static void names(void **state)
{
    (void)state;
    assert_string_equal(tw_version_name(TW_SSL2), "SSL 2.0");
    assert_string_equal(tw_version_name(TW_SSL3), "SSL 3.0");
    assert_string_equal(tw_version_name(0x0301), "TLS 1.0");
    assert_string_equal(tw_version_name(0x0304), "TLS 1.3");
    assert_null(tw_version_name(0x0305));
    assert_null(tw_version_name(0x7f1c));
    assert_null(tw_version_name(0x1a1a));
}

static void parse_accepts(void **state)
{
    static const struct {
        const char *text;
        uint16_t version;
    } good[] = {
        {"1.3", TW_TLS13},     {"1.0", TW_TLS10},     {"TLS1.3", TW_TLS13},  {"TLSv1.3", TW_TLS13},
        {"tls1_3", TW_TLS13},  {"TLSv1_2", TW_TLS12}, {"tlsv1", TW_TLS10},   {"TLS 1.1", TW_TLS11},
        {"tls-1.2", TW_TLS12}, {"TLS12", TW_TLS12},   {"tls_1_2", TW_TLS12}, {"SSLv3", TW_SSL3},
        {"ssl3", TW_SSL3},     {"SSL 3.0", TW_SSL3},  {"sslv2", TW_SSL2},    {"SSL2.0", TW_SSL2},
    };
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++)
        assert_int_equal(tw_version_parse(good[i].text), good[i].version);
}

static void parse_refuses(void **state)
{
    static const char *const bad[] = {"",       "1",      "3",     "3.0",      "2.0",     "tls",
                                      "tlsv",   "1.4",    "tls2",  "ssl1.0",   "TLS1.33", "TLS1.",
                                      "1.3foo", "dtls12", "tls.1", "TLS  1.3", "tls3.0",  "sslv23"};
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_int_equal(tw_version_parse(bad[i]), 0);
    assert_int_equal(tw_version_parse(NULL), 0);
}

static void every_name_parses(void **state)
{
    static const uint16_t all[] = {TW_SSL2, TW_SSL3, TW_TLS10, TW_TLS11, TW_TLS12, TW_TLS13};
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        assert_int_equal(tw_version_parse(tw_version_name(all[i])), all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(parse_accepts),
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(every_name_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
