/* The PEM scanner: what bundles hold, and what is damaged in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

/* Scans text; gives the blocks found, their bytes one behind the other in out. */
static size_t scan(const char *text, struct tw_buf *out, size_t *damaged)
{
    size_t pos = 0, n = 0;
    *damaged = 0;
    tw_buf_init(out, 65536);
    while (tw_pem_next_cert(tw_view_str(text), &pos, out, damaged))
        n++;
    assert_int_equal(pos, strlen(text));
    return n;
}

static void expect(const char *text, size_t found, size_t damaged, const char *bytes)
{
    struct tw_buf out;
    size_t bad;
    assert_int_equal(scan(text, &out, &bad), found);
    assert_int_equal(bad, damaged);
    if (!tw_view_eq(tw_buf_view(&out), tw_view_str(bytes)))
        fail_msg("decoded %.*s from %s", (int)out.len, (const char *)out.data, text);
    tw_buf_cleanup(&out);
}

#define CERT(body) "-----BEGIN CERTIFICATE-----\n" body "-----END CERTIFICATE-----\n"

static void test_all_paddings(void **state)
{
    (void)state;
    expect(CERT("Zm9vYmFy\n"), 1, 0, "foobar"); /* RFC 4648 10 */
    expect(CERT("Zm9vYmE=\n"), 1, 0, "fooba");
    expect(CERT("Zm9vYg==\n"), 1, 0, "foob");
}

static void test_white_space(void **state)
{
    (void)state;
    expect(CERT("Zm9v\r\nYmFy\r\n"), 1, 0, "foobar");
    expect(CERT("\tZm 9v\n\n Ym\nFy "), 1, 0, "foobar");
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const bodies[] = {"Zm9v!mFy\n", "Zm9vYg==Zm9v\n", "Zm9vY===\n", "Z\n", "\n",
                                         "Zm9v-mFy\n", "Zm9v_mFy\n", "Zm9v\x80mFy\n"};
    char text[256];
    for (size_t i = 0; i < TW_ARRAY_LEN(bodies); i++) {
        snprintf(text, sizeof text, "-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n%s",
                 bodies[i], CERT("Zm9v\n"));
        expect(text, 1, 1, "foo"); /* what is behind it is still found */
    }
    expect("-----BEGIN CERTIFICATE-----\nZm9v\n" CERT("YmFy\n"), 1, 1, "bar");
    expect("-----BEGIN CERTIFICATE-----\nZm9v\n", 0, 1, "");
    expect("-----BEGIN CERTIFICATE", 0, 0, "");
}

static void test_labels(void **state)
{
    (void)state;
    expect("# a comment\n-----BEGIN X509 CERTIFICATE-----\nZm9v\n-----END X509 CERTIFICATE-----\n"
           "-----BEGIN PRIVATE KEY-----\nYmFy\n-----END PRIVATE KEY-----\n" CERT("YmF6\n"),
           2, 0, "foobaz");
}

/* A whole certificate, as libcrypto writes it. */
static void test_against_libcrypto(void **state)
{
    (void)state;
    struct tw_crypto *c = tw_crypto_new();
    assert_non_null(c);
    struct tw_privkey *key = tw_make_privkey(c, TW_MAKE_RSA2048);
    struct tw_make_cert spec = {.subject_cn = "pem.example", .no_san = true, .path_len = -1,
                                .not_before = 1700000000, .not_after = 2000000000, .serial = 1,
                                .hash = TW_HASH_SHA256};
    struct tw_buf der, pem, out;
    size_t pos = 0, damaged = 0;
    tw_buf_init(&der, 65536);
    tw_buf_init(&pem, 65536);
    tw_buf_init(&out, 65536);
    assert_int_equal(tw_make_certificate(c, &spec, key, (struct tw_view){NULL, 0}, key, &der),
                     TW_OK);
    assert_int_equal(tw_pem_write_cert(tw_buf_view(&der), &pem), TW_OK);
    assert_true(tw_pem_next_cert(tw_buf_view(&pem), &pos, &out, &damaged));
    assert_int_equal(damaged, 0);
    assert_true(tw_view_eq(tw_buf_view(&der), tw_buf_view(&out)));
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&pem);
    tw_buf_cleanup(&out);
    c->privkey_free(key);
    tw_crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_paddings), cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_labels),
        cmocka_unit_test(test_against_libcrypto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
