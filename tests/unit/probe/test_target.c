/* Targets: what people type and paste, and what they get for what cannot be one. */
#include "../bytes.h"

#include "probe/probe.h"

static const struct {
    const char *in, *host;
    unsigned port;
    const char *path, *scheme;
    bool is_ip;
    enum tw_app app;
} good[] = {
    {"example.org", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"EXAMPLE.org", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"example.org.", "example.org.", 443, "/", "https", false, TW_APP_HTTP},
    {"example.org:8443", "example.org", 8443, "/", "https", false, TW_APP_HTTP},
    {"localhost", "localhost", 443, "/", "https", false, TW_APP_HTTP},
    {"192.0.2.1", "192.0.2.1", 443, "/", "https", true, TW_APP_HTTP},
    {"192.0.2.1:65535", "192.0.2.1", 65535, "/", "https", true, TW_APP_HTTP},
    {"::1", "::1", 443, "/", "https", true, TW_APP_HTTP},
    {"2001:db8::1", "2001:db8::1", 443, "/", "https", true, TW_APP_HTTP},
    {"[2001:db8::1]", "2001:db8::1", 443, "/", "https", true, TW_APP_HTTP},
    {"[2001:db8::1]:1", "2001:db8::1", 1, "/", "https", true, TW_APP_HTTP},
    {"https://example.org", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"HTTPS://Example.ORG/A", "example.org", 443, "/A", "https", false, TW_APP_HTTP},
    {"https://example.org:8443/a/b?c=d#e", "example.org", 8443, "/a/b?c=d", "https", false,
     TW_APP_HTTP},
    {"https://example.org?q", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"https://[::1]:8443/x", "::1", 8443, "/x", "https", true, TW_APP_HTTP},
    {"https://me:secret@example.org/", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"https://me:s@c@example.org/", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"example.org/path", "example.org", 443, "/path", "https", false, TW_APP_HTTP},
    {"https://example.org/a\x1b[2J", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"https://example.org/a b", "example.org", 443, "/", "https", false, TW_APP_HTTP},
    {"imaps://mail.example", "mail.example", 993, "/", "imaps", false, TW_APP_OTHER},
    {"smtps://mail.example", "mail.example", 465, "/", "smtps", false, TW_APP_OTHER},
    {"ldaps://ldap.example:1636", "ldap.example", 1636, "/", "ldaps", false, TW_APP_OTHER},
    {"mail.example:993", "mail.example", 993, "/", "https", false, TW_APP_OTHER},
    {"db.example:5432", "db.example", 5432, "/", "https", false, TW_APP_OTHER},
    {"b\xc3\xbc" "cher.example", "xn--bcher-kva.example", 443, "/", "https", false, TW_APP_HTTP},
    {"B\xc3\x9c" "CHER.example", "xn--bcher-kva.example", 443, "/", "https", false, TW_APP_HTTP},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", 443, "/", "https", false, TW_APP_HTTP},
    {"_dmarc.example.org", "_dmarc.example.org", 443, "/", "https", false, TW_APP_HTTP},
};

static const char *const bad[] = {
    "", ":443", "https://", "https:///x", "http://example.org", "gopher://example.org",
    "://example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:443x",
    "example.org:-1", "example.org:+1", "example.org: 443", "exa mple.org", " example.org",
    "example.org\n", "[::1", "[::1]x", "[::1]:", "[]:443", "[example.org]:443", "[192.0.2.1]",
    "a\x1b[2J.example", "<script>", "a\\b", "fe80::1%l\x86", "example..org", "\xff\xfe",
    "this-label-has-more-than-sixty-three-characters-which-dns-cannot-carry-at-all.example",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++) {
        struct tw_target t;
        const char *why = "";
        if (!tw_target_parse(good[i].in, &t, &why))
            fail_msg("%s: %s", good[i].in, why);
        if (strcmp(t.host, good[i].host) != 0 || t.port != good[i].port ||
            strcmp(t.path, good[i].path) != 0 || strcmp(t.scheme, good[i].scheme) != 0 ||
            t.is_ip != good[i].is_ip || t.app != good[i].app)
            fail_msg("%s: host %s, port %u, path %s, scheme %s, ip %d, app %d", good[i].in, t.host,
                     t.port, t.path, t.scheme, t.is_ip, (int)t.app);
        if (strchr(good[i].in, '@') == NULL)
            assert_string_equal(t.input, good[i].in);
        else /* user and password go no further */
            assert_null(strpbrk(t.input, "@"));
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++) {
        struct tw_target t;
        const char *why = NULL;
        if (tw_target_parse(bad[i], &t, &why))
            fail_msg("'%s' is taken: host %s, port %u", bad[i], t.host, t.port);
        assert_true(why != NULL && why[0] != '\0' && strchr(why, '\n') == NULL);
    }
}

static void test_long(void **state)
{
    (void)state;
    struct tw_target t;
    const char *why = NULL;
    char s[3000];
    for (size_t n = 200; n < sizeof s; n += 37) {
        memset(s, 'a', n);
        s[n] = '\0';
        assert_false(tw_target_parse(s, &t, &why));
        memcpy(s, "https://example.org/", 20); /* a long path is cut or refused, never beyond */
        if (tw_target_parse(s, &t, &why))
            assert_true(strlen(t.path) < sizeof t.path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
