/* Labels for display. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static void registered(void **state)
{
    char b[64];
    (void)state;
    assert_string_equal(tw_suite_label(0x1301, b, sizeof b), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(tw_group_label(29, b, sizeof b), "x25519");
    assert_string_equal(tw_sigscheme_label(0x0804, b, sizeof b), "rsa_pss_rsae_sha256");
    assert_string_equal(tw_extension_label(0, b, sizeof b), "server_name");
    assert_string_equal(tw_version_label(0x0303, b, sizeof b), "TLS 1.2");
}

static void grease_and_unknown(void **state)
{
    char b[64];
    (void)state;
    assert_string_equal(tw_suite_label(0x1a1a, b, sizeof b), "0x1a1a (GREASE)");
    assert_string_equal(tw_group_label(0xfafa, b, sizeof b), "0xfafa (GREASE)");
    assert_string_equal(tw_sigscheme_label(0x0a0a, b, sizeof b), "0x0a0a (GREASE)");
    assert_string_equal(tw_extension_label(0x2a2a, b, sizeof b), "0x2a2a (GREASE)");
    assert_string_equal(tw_version_label(0x3a3a, b, sizeof b), "0x3a3a (GREASE)");
    assert_string_equal(tw_suite_label(0x1234, b, sizeof b), "0x1234");
    assert_string_equal(tw_version_label(0x0305, b, sizeof b), "0x0305");
    assert_string_equal(tw_version_label(0x7f1c, b, sizeof b), "0x7f1c (TLS 1.3 draft 28)");
    assert_string_equal(tw_version_label(0xfefd, b, sizeof b), "0xfefd (DTLS 1.2)");
}

static void small_buffers_are_terminated(void **state)
{
    char b[8];
    (void)state;
    assert_string_equal(tw_suite_label(0x1301, b, sizeof b), "TLS_AES");
    assert_string_equal(tw_suite_label(0x1a1a, b, 1), "");
    assert_string_equal(tw_suite_label(0x1a1a, b, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registered),
        cmocka_unit_test(grease_and_unknown),
        cmocka_unit_test(small_buffers_are_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
