/* PKCS#12 trust stores as Java, keytool and openssl write them, made here with libcrypto. */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

struct made {
    bool marked;          /* with Java's trust attribute */
    int cipher;           /* NID of the encryption; -1 none */
    const char *password; /* of MAC and encryption; NULL: no MAC */
    int mac_iterations;
};

static void certificate(struct tw_buf *out)
{
    struct tw_crypto *c = tw_crypto_new();
    struct tw_privkey *k = tw_make_privkey(c, TW_MAKE_P256);
    struct tw_make_cert spec = {.subject_cn = "P12 Root", .ca = true, .path_len = -1, .no_san = true,
                                .not_before = 1700000000, .not_after = 1900000000,
                                .hash = TW_HASH_SHA256};
    tw_buf_init(out, 65536);
    assert_int_equal(tw_make_certificate(c, &spec, k, tw_view_of(NULL, 0), k, out), TW_OK);
    c->privkey_free(k);
    tw_crypto_free(c);
}

static void mark(PKCS12_SAFEBAG *bag)
{
    static const unsigned char any[] = {0x55, 0x1d, 0x25, 0x00};
    assert_int_equal(PKCS12_add1_attr_by_txt(bag, "2.16.840.1.113894.746875.1.1",
                                             V_ASN1_OCTET_STRING, any, sizeof any), 1);
}

static void build(const struct made *m, struct tw_view der, struct tw_buf *out)
{
    const unsigned char *p = der.data;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    STACK_OF(PKCS7) *safes = NULL;
    PKCS12_SAFEBAG *bag = PKCS12_add_cert(&bags, x);
    unsigned char *bytes = NULL;
    assert_non_null(bag);
    if (m->marked)
        mark(bag);
    assert_int_equal(PKCS12_add_safe(&safes, bags, m->cipher, 2048, m->password), 1);
    PKCS12 *p12 = PKCS12_add_safes(safes, 0);
    assert_non_null(p12);
    if (m->mac_iterations > 0)
        assert_int_equal(PKCS12_set_mac(p12, m->password, -1, NULL, 0, m->mac_iterations, NULL), 1);
    int n = i2d_PKCS12(p12, &bytes);
    tw_buf_init(out, 65536);
    assert_true(n > 0 && tw_buf_add(out, bytes, (size_t)n));
    OPENSSL_free(bytes);
    PKCS12_free(p12);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    X509_free(x);
}

static void count(void *user, struct tw_view der, bool trusted)
{
    size_t *n = user;
    assert_true(der.len > 100);
    n[trusted]++;
}

static enum tw_status read_it(struct tw_view in, const char *password, size_t n[2],
                              struct tw_pkcs12 *out)
{
    const char *why = NULL;
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    assert_non_null(exact);
    if (in.len > 0)
        memcpy(exact, in.data, in.len);
    n[0] = n[1] = 0;
    enum tw_status st =
        tw_pkcs12_read(tw_view_of(exact, in.len), password, count, n, out, &why);
    assert_non_null(why);
    free(exact);
    return st;
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        struct made made;
        const char *given;
        enum tw_integrity integrity;
    } cases[] = {
        {{true, NID_aes_256_cbc, "changeit", 2048}, NULL, TW_INTEGRITY_GOOD},
        {{true, NID_aes_256_cbc, "s3cret", 2048}, "s3cret", TW_INTEGRITY_GOOD},
        {{true, -1, NULL, 0}, NULL, TW_INTEGRITY_NONE}, /* Java 18 and later without password */
        {{false, -1, "changeit", 2048}, NULL, TW_INTEGRITY_GOOD},
        {{true, NID_aes_256_cbc, "", 2048}, NULL, TW_INTEGRITY_GOOD},
        {{true, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "changeit", 2048}, NULL, TW_INTEGRITY_GOOD},
    };
    struct tw_buf der;
    certificate(&der);
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_buf b;
        struct tw_pkcs12 out;
        size_t n[2];
        build(&cases[i].made, tw_buf_view(&der), &b);
        assert_int_equal(read_it(tw_buf_view(&b), cases[i].given, n, &out), TW_OK);
        assert_int_equal(out.integrity, cases[i].integrity);
        assert_int_equal(n[cases[i].made.marked], 1);
        assert_int_equal(n[!cases[i].made.marked], 0);
        assert_int_equal(out.unread, 0);
        tw_buf_cleanup(&b);
    }
    tw_buf_cleanup(&der);
}

static void test_wrong_password(void **state)
{
    (void)state;
    struct tw_buf der, b;
    struct tw_pkcs12 out;
    size_t n[2];
    certificate(&der);
    build(&(struct made){true, NID_aes_256_cbc, "s3cret", 2048}, tw_buf_view(&der), &b);
    assert_int_equal(read_it(tw_buf_view(&b), NULL, n, &out), TW_E_INPUT);
    assert_int_equal(out.integrity, TW_INTEGRITY_BAD);
    assert_int_equal(read_it(tw_buf_view(&b), "wrong", n, &out), TW_E_INPUT);
    assert_int_equal(n[0] + n[1], 0);
    tw_buf_cleanup(&b);
    tw_buf_cleanup(&der);
}

/* A file that asks for hours of key stretching is refused, not worked on. */
static void test_iterations(void **state)
{
    (void)state;
    struct tw_buf der, b;
    struct tw_pkcs12 out;
    size_t n[2], at;
    certificate(&der);
    build(&(struct made){true, -1, "changeit", 100001}, tw_buf_view(&der), &b);
    assert_int_equal(read_it(tw_buf_view(&b), NULL, n, &out), TW_OK);
    for (at = b.len - 5; at > 0 && memcmp(b.data + at, "\x02\x03\x01\x86\xa1", 5) != 0; at--)
        continue;
    assert_true(at > 0);
    b.data[at + 2] = 0x7f; /* eight million */
    assert_int_equal(read_it(tw_buf_view(&b), NULL, n, &out), TW_E_LIMIT);
    tw_buf_cleanup(&b);
    tw_buf_cleanup(&der);
}

static void test_cut(void **state)
{
    (void)state;
    struct tw_buf der, b;
    struct tw_pkcs12 out;
    size_t n[2];
    certificate(&der);
    build(&(struct made){true, -1, NULL, 0}, tw_buf_view(&der), &b);
    for (size_t len = 0; len < b.len; len++)
        assert_int_not_equal(read_it(tw_view_of(b.data, len), NULL, n, &out), TW_OK);
    tw_buf_cleanup(&b);
    tw_buf_cleanup(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_iterations),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests_name("crypto/pkcs12", tests, NULL, NULL);
}
