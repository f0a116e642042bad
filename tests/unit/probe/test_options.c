/* Options: what is taken, what is refused and how that is said, and the ClientHello they make. */
#include "../bytes.h"

#include "probe/probe.h"

static struct tw_lib *lib;

static int setup(void **state)
{
    (void)state;
    lib = tw_lib_new();
    return lib == NULL;
}

static int teardown(void **state)
{
    (void)state;
    tw_lib_free(lib);
    return 0;
}

static const struct {
    const char *name, *value;
    bool good;
} rows[] = {
    {"servername", "a.example", true},      {"servername", "", false},
    {"servername", NULL, false},            {"verify-name", "a.example", true},
    {"verify-name", "", false},             {"no-sni", NULL, true},
    {"connect", "192.0.2.1:444", true},     {"connect", "[::1]:444", true},
    {"connect", "a b", false},              {"connect", "x:0", false},
    {"alpn", "h2,http/1.1", true},          {"alpn", "", true},
    {"alpn", "a,b,c,d,e,f,g,h", true},      {"alpn", "a,b,c,d,e,f,g,h,i", false},
    {"alpn", "0123456789012345678901234567890", true},
    {"alpn", "01234567890123456789012345678901", false},
    {"min-version", "1.2", true},           {"min-version", "1.4", false},
    {"min-version", "", false},             {"max-version", "TLSv1.3", true},
    {"max-version", "ssl3", false},         {"max-version", "tls", false},
    {"ciphers", "TLS_AES_128_GCM_SHA256", true},
    {"ciphers", "ECDHE-RSA-AES128-GCM-SHA256:0xc030", true},
    {"ciphers", "HIGH:!aNULL", false},      {"ciphers", "", false},
    {"ciphers", ":", false},                {"ciphers", "0x13", false},
    {"groups", "X25519:P-256", true},       {"groups", "x25519,secp256r1 0x11ec", true},
    {"groups", "P-257", false},             {"sigalgs", "ecdsa_secp256r1_sha256", true},
    {"sigalgs", "nonsense", false},         {"at", "2026-11-24", true},
    {"at", "tomorrow", false},              {"4", NULL, true},
    {"6", NULL, true},                      {"timeout", "10", true},
    {"timeout", "0.5s", true},              {"timeout", "0", false},
    {"timeout", "nan", false},              {"timeout", "inf", false},
    {"timeout", "-1", false},               {"timeout", "3601", false},
    {"timeout", "5m", false},               {"timeout", "", false},
    {"max-connections", "1", true},         {"max-connections", "64", true},
    {"max-connections", "0", false},        {"max-connections", "65", false},
    {"max-connections", "-1", false},       {"max-connections", "1x", false},
    {"ca", "/nonexistent/ca.pem", false},   {"ca", "/dev/null", false},
    {"ca-pem", "no certificate", false},    {"cert", "/nonexistent/c.pem", false},
    {"key", "/nonexistent/k.pem", false},   {"no-such-option", "x", false},
    {"", "", false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        struct tw_options *o = tw_options_new();
        const char *why = NULL;
        assert_non_null(o);
        int rc = tw_options_set(o, lib, rows[i].name, rows[i].value, &why);
        if ((rc == 0) != rows[i].good)
            fail_msg("%s=%s: %d, %s", rows[i].name, rows[i].value == NULL ? "" : rows[i].value, rc,
                     why == NULL ? "" : why);
        if (rc != 0) {
            assert_int_equal(rc, TW_EXIT_USAGE);
            assert_true(why != NULL && why[0] != '\0' && strchr(why, '\n') == NULL);
        }
        tw_options_free(o);
    }
}

/* Bytes of a value that a message repeats do not make the message long. */
static void test_long_values(void **state)
{
    (void)state;
    char *s = malloc(100001);
    assert_non_null(s);
    memset(s, 'x', 100000);
    s[100000] = '\0';
    static const char *const names[] = {"servername", "verify-name", "connect", "alpn", "ciphers",
                                        "groups", "sigalgs", "at", "timeout", "min-version",
                                        "max-connections", "ca", "cert", "key"};
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++) {
        struct tw_options *o = tw_options_new();
        const char *why = "";
        assert_int_equal(tw_options_set(o, lib, names[i], s, &why), TW_EXIT_USAGE);
        tw_options_free(o);
    }
    free(s);
}

static int finish(const char *const *pairs, const char **why, struct tw_options **out)
{
    *out = tw_options_new();
    assert_non_null(*out);
    for (; *pairs != NULL; pairs += 2)
        if (tw_options_set(*out, lib, pairs[0], pairs[1], why) != 0)
            fail_msg("%s: %s", pairs[0], *why);
    return tw_options_finish(*out, lib, why);
}

static void test_together(void **state)
{
    (void)state;
    static const char *const upside_down[] = {"min-version", "1.3", "max-version", "1.2", NULL};
    static const char *const both[] = {"no-sni", NULL, "servername", "a.example", NULL};
    static const char *const fine[] = {"min-version", "1.2", "max-version", "1.2", NULL};
    struct tw_options *o;
    const char *why = NULL;
    assert_int_equal(finish(upside_down, &why, &o), TW_EXIT_USAGE);
    assert_non_null(strstr(why, "--min-version"));
    tw_options_free(o);
    assert_int_equal(finish(both, &why, &o), TW_EXIT_USAGE);
    assert_non_null(strstr(why, "--servername"));
    tw_options_free(o);
    assert_int_equal(finish(fine, &why, &o), 0);
    tw_options_free(o);
}

static void hello_of(const char *const *pairs, struct tw_hello *h)
{
    struct tw_options *o;
    const char *why = "";
    assert_int_equal(finish(pairs, &why, &o), 0);
    tw_options_hello(o, lib->crypto, h);
    tw_options_free(o);
}

static void test_hello(void **state)
{
    (void)state;
    struct tw_hello h;
    hello_of((const char *const[]){NULL}, &h);
    assert_int_equal(h.versions.n, 2);
    assert_int_equal(h.versions.v[0], TW_TLS13);
    assert_int_equal(h.versions.v[1], TW_TLS12);
    assert_int_equal(h.shares.n, 2); /* a hybrid, and a classical one beside it */
    hello_of((const char *const[]){"max-version", "1.2", NULL}, &h);
    assert_int_equal(h.legacy_version, TW_TLS12);
    assert_false(tw_hello_has_ext(&h, TW_EXT_KEY_SHARE));
    for (size_t i = 0; i < h.ciphers.n; i++)
        assert_true(h.ciphers.v[i] >> 8 != 0x13);
    hello_of((const char *const[]){"max-version", "1.0", NULL}, &h);
    assert_int_equal(h.versions.n, 1); /* below the default minimum: that alone */
    assert_int_equal(h.versions.v[0], TW_TLS10);
    assert_false(tw_hello_has_ext(&h, TW_EXT_SIGNATURE_ALGORITHMS));
    hello_of((const char *const[]){"ciphers", "TLS_AES_256_GCM_SHA384", NULL}, &h);
    assert_int_equal(h.versions.n, 1); /* no suite for TLS 1.2: then it is not offered */
    assert_int_equal(h.ciphers.n, 1);
    hello_of((const char *const[]){"ciphers", "ECDHE-RSA-AES128-GCM-SHA256", NULL}, &h);
    assert_int_equal(h.versions.v[0], TW_TLS12);
    hello_of((const char *const[]){"groups", "P-384:X25519", NULL}, &h);
    assert_int_equal(h.shares.n, 1);
    assert_int_equal(h.shares.v[0], TW_GRP_SECP384R1);
    hello_of((const char *const[]){"alpn", "", NULL}, &h);
    assert_int_equal(h.alpn_n, 0);
    hello_of((const char *const[]){"sigalgs", "rsa_pss_rsae_sha256", NULL}, &h);
    assert_int_equal(h.sigalgs.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_hello),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
