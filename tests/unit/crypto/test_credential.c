/* Certificates and keys as files hold them: PEM in all its sloppiness, PKCS#12, and what is said of
 * files that are no good. */
#include "../bytes.h"

#include "crypto/crypto.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

static struct tw_crypto *c;
static struct tw_privkey *key, *other_key;
static struct tw_buf cert, ca; /* DER */
static struct tw_buf cert_pem, ca_pem, key_pem, other_pem;

static void make(struct tw_buf *der, const char *cn, const struct tw_privkey *k)
{
    struct tw_make_cert spec = {.subject_cn = cn, .path_len = -1, .not_before = 1700000000,
                                .not_after = 1800000000, .serial = 1, .hash = TW_HASH_SHA256};
    tw_buf_init(der, 1 << 14);
    assert_int_equal(tw_make_certificate(c, &spec, k, (struct tw_view){NULL, 0}, k, der), TW_OK);
}

static int setup(void **state)
{
    (void)state;
    c = tw_crypto_new();
    if (c == NULL)
        return 1;
    key = tw_make_privkey(c, TW_MAKE_P256);
    other_key = tw_make_privkey(c, TW_MAKE_ED25519);
    make(&cert, "leaf", key);
    make(&ca, "ca", other_key);
    struct tw_buf *texts[] = {&cert_pem, &ca_pem, &key_pem, &other_pem};
    for (size_t i = 0; i < TW_ARRAY_LEN(texts); i++)
        tw_buf_init(texts[i], 1 << 14);
    assert_int_equal(tw_pem_write_cert(tw_buf_view(&cert), &cert_pem), TW_OK);
    assert_int_equal(tw_pem_write_cert(tw_buf_view(&ca), &ca_pem), TW_OK);
    assert_int_equal(tw_pem_write_key(key, &key_pem), TW_OK);
    assert_int_equal(tw_pem_write_key(other_key, &other_pem), TW_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct tw_buf *all[] = {&cert, &ca, &cert_pem, &ca_pem, &key_pem, &other_pem};
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        tw_buf_cleanup(all[i]);
    c->privkey_free(key);
    c->privkey_free(other_key);
    tw_crypto_free(c);
    return 0;
}

static void join(struct tw_buf *out, const struct tw_buf *const *parts, size_t n)
{
    tw_buf_init(out, 1 << 16);
    for (size_t i = 0; i < n; i++)
        tw_wr_bytes(out, tw_buf_view(parts[i]));
}
#define JOIN(out, ...) join((out), (const struct tw_buf *const[]){__VA_ARGS__}, \
    sizeof((const struct tw_buf *const[]){__VA_ARGS__}) / sizeof(struct tw_buf *))

static enum tw_status load(struct tw_view file, struct tw_view key_file, const char *password,
                           struct tw_credential **out, const char **why)
{
    uint8_t *a = exact_copy(file), *b = exact_copy(key_file);
    enum tw_status st = tw_credential_load(c, tw_view_of(a, file.len), tw_view_of(b, key_file.len),
                                           password, out, why);
    free(a);
    free(b);
    return st;
}

static void expect_refused(struct tw_view file, struct tw_view key_file, const char *password,
                           const char *word)
{
    struct tw_credential *cred;
    const char *why = "";
    assert_int_equal(load(file, key_file, password, &cred, &why), TW_E_INPUT);
    assert_null(cred);
    if (strstr(why, word) == NULL)
        fail_msg("'%s' does not speak of '%s'", why, word);
}

static const struct tw_view none = {NULL, 0};

static void test_pem(void **state)
{
    (void)state;
    struct tw_credential *cred;
    const char *why;
    struct tw_buf f;
    struct tw_key_info info;
    JOIN(&f, &cert_pem, &ca_pem, &key_pem);
    assert_int_equal(load(tw_buf_view(&f), none, NULL, &cred, &why), TW_OK);
    assert_int_equal(cred->chain_n, 2);
    assert_bytes(cred->chain[0], tw_buf_view(&cert), "leaf");
    assert_bytes(cred->chain[1], tw_buf_view(&ca), "CA");
    c->privkey_info(cred->key, &info);
    assert_int_equal(info.type, TW_KEY_EC);
    tw_credential_free(cred);
    tw_buf_cleanup(&f);
    assert_int_equal(load(tw_buf_view(&cert_pem), tw_buf_view(&key_pem), NULL, &cred, &why), TW_OK);
    assert_non_null(cred->key);
    tw_credential_free(cred);
    assert_int_equal(load(tw_buf_view(&cert_pem), none, NULL, &cred, &why), TW_OK);
    assert_null(cred->key); /* a chain alone */
    tw_credential_free(cred);
    assert_int_equal(load(tw_buf_view(&cert), tw_buf_view(&key_pem), NULL, &cred, &why), TW_OK);
    tw_credential_free(cred); /* DER */
}

static void test_refused(void **state)
{
    (void)state;
    expect_refused(none, none, NULL, "no certificate");
    expect_refused(tw_view_str("hello"), none, NULL, "no certificate");
    expect_refused(tw_buf_view(&key_pem), none, NULL, "no certificate");
    expect_refused(tw_buf_view(&cert_pem), tw_view_str("hello"), NULL, "no private key");
    expect_refused(tw_buf_view(&cert_pem), tw_buf_view(&other_pem), NULL, "does not belong");
    struct tw_buf f;
    JOIN(&f, &cert_pem);
    f.data[60] = '!';
    expect_refused(tw_buf_view(&f), none, NULL, "damaged");
    expect_refused(tw_view_of(f.data, f.len / 2), none, NULL, "damaged"); /* no END line */
    tw_buf_cleanup(&f);
}

static void pkcs12(struct tw_buf *out, bool with_ca, bool with_key, const char *password)
{
    const unsigned char *p = cert.data;
    X509 *leaf = d2i_X509(NULL, &p, (long)cert.len);
    p = ca.data;
    X509 *above = d2i_X509(NULL, &p, (long)ca.len);
    BIO *bio = BIO_new_mem_buf(key_pem.data, (int)key_pem.len);
    EVP_PKEY *k = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    STACK_OF(X509) *more = with_ca ? sk_X509_new_null() : NULL;
    if (more != NULL)
        sk_X509_push(more, above);
    PKCS12 *p12 = PKCS12_create(password, "name", with_key ? k : NULL, leaf, more, 0, 0, 10, 10, 0);
    unsigned char *der = NULL;
    assert_non_null(p12);
    int n = i2d_PKCS12(p12, &der);
    assert_true(n > 0);
    tw_buf_init(out, 1 << 16);
    assert_true(tw_buf_add(out, der, (size_t)n));
    OPENSSL_free(der);
    PKCS12_free(p12);
    sk_X509_free(more);
    EVP_PKEY_free(k);
    BIO_free(bio);
    X509_free(leaf);
    X509_free(above);
}

static void test_pkcs12(void **state)
{
    (void)state;
    for (int with_ca = 0; with_ca < 2; with_ca++) {
        struct tw_credential *cred;
        const char *why = "";
        struct tw_buf f;
        pkcs12(&f, with_ca != 0, true, "secret");
        assert_int_equal(load(tw_buf_view(&f), none, "secret", &cred, &why), TW_OK);
        assert_int_equal(cred->chain_n, 1 + with_ca); /* a leaf alone is a chain, too */
        assert_bytes(cred->chain[0], tw_buf_view(&cert), "leaf");
        assert_non_null(cred->key);
        tw_credential_free(cred);
        expect_refused(tw_buf_view(&f), none, "wrong", "password");
        expect_refused(tw_buf_view(&f), none, NULL, "encrypted");
        for (size_t n = 1; n < f.len; n += 97) {
            assert_int_equal(load(tw_view_of(f.data, n), none, "secret", &cred, &why), TW_E_INPUT);
            assert_null(cred);
        }
        tw_buf_cleanup(&f);
    }
    struct tw_buf f;
    pkcs12(&f, true, false, "secret");
    expect_refused(tw_buf_view(&f), none, "secret", "no ");
    tw_buf_cleanup(&f);
}

/* ---- the scanner ----------------------------------------------------------------------------- */

static size_t count(struct tw_view text, size_t *damaged)
{
    size_t pos = 0, n = 0;
    struct tw_buf der;
    uint8_t *own = exact_copy(text);
    tw_buf_init(&der, 1 << 16);
    *damaged = 0;
    while (tw_pem_next_cert(tw_view_of(own, text.len), &pos, &der, damaged)) {
        assert_bytes(tw_buf_view(&der), tw_buf_view(&cert), "scanned");
        assert_true(pos <= text.len);
        der.len = 0;
        n++;
    }
    free(own);
    tw_buf_cleanup(&der);
    return n;
}

static void test_sloppy(void **state)
{
    (void)state;
    struct tw_buf f;
    size_t damaged;
    tw_buf_init(&f, 1 << 18);
    tw_buf_str(&f, "Bag Attributes\n  friendlyName: x\n# a comment -----\n");
    tw_wr_bytes(&f, tw_buf_view(&cert_pem));
    tw_wr_bytes(&f, tw_buf_view(&key_pem)); /* other blocks are passed over */
    for (size_t i = 0; i < cert_pem.len; i++) { /* Windows' line ends */
        if (cert_pem.data[i] == '\n')
            tw_wr_u8(&f, '\r');
        tw_wr_u8(&f, cert_pem.data[i]);
    }
    const char *begin = "-----BEGIN CERTIFICATE-----";
    tw_buf_str(&f, begin); /* all on one line */
    for (size_t i = strlen(begin); i < cert_pem.len; i++)
        if (cert_pem.data[i] != '\n')
            tw_wr_u8(&f, cert_pem.data[i]);
    assert_int_equal(count(tw_buf_view(&f), &damaged), 3);
    assert_int_equal(damaged, 0);
    tw_buf_str(&f, "\n-----BEGIN CERTIFICATE-----\nAAA%\n-----END CERTIFICATE-----\n");
    tw_wr_bytes(&f, tw_buf_view(&cert_pem)); /* one that is damaged does not hide the next */
    assert_int_equal(count(tw_buf_view(&f), &damaged), 4);
    assert_int_equal(damaged, 1);
    tw_buf_cleanup(&f);
}

static void test_cut(void **state)
{
    (void)state;
    size_t damaged;
    const uint8_t *end = memmem(cert_pem.data, cert_pem.len, "-----END", 8);
    assert_non_null(end);
    for (size_t n = 0; n < (size_t)(end - cert_pem.data) + 8; n++)
        assert_int_equal(count(tw_view_of(cert_pem.data, n), &damaged), 0);
    assert_int_equal(count(tw_view_of(NULL, 0), &damaged), 0);
    assert_int_equal(damaged, 0);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void test_sign_and_verify(void **state)
{
    (void)state;
    struct tw_buf spki, sig;
    const struct tw_view parts[] = {tw_view_str("signed "), tw_view_str("bytes")};
    tw_buf_init(&spki, 4096);
    tw_buf_init(&sig, 4096);
    assert_true(c->privkey_spki(key, &spki));
    struct tw_pubkey *pub = c->pubkey_new(c->ctx, tw_buf_view(&spki));
    assert_non_null(pub);
    assert_true(c->sign(key, TW_SIG_ECDSA, TW_HASH_SHA256, parts, 2, &sig));
    assert_int_equal(c->verify(pub, TW_SIG_ECDSA, TW_HASH_SHA256, parts, 2, tw_buf_view(&sig)),
                     TW_VERIFY_GOOD);
    assert_int_equal(c->verify(pub, TW_SIG_ECDSA, TW_HASH_SHA256, parts, 1, tw_buf_view(&sig)),
                     TW_VERIFY_BAD);
    assert_int_equal(c->verify(pub, TW_SIG_ECDSA, TW_HASH_SHA256, parts, 2, none), TW_VERIFY_BAD);
    for (size_t n = 0; n < sig.len; n++) {
        uint8_t *own = exact_copy(tw_view_of(sig.data, n));
        assert_int_not_equal(c->verify(pub, TW_SIG_ECDSA, TW_HASH_SHA256, parts, 2,
                                       tw_view_of(own, n)), TW_VERIFY_GOOD);
        free(own);
    }
    c->pubkey_free(pub);
    for (size_t n = 0; n < spki.len; n++) { /* a key cut off is no key */
        uint8_t *own = exact_copy(tw_view_of(spki.data, n));
        assert_null(c->pubkey_new(c->ctx, tw_view_of(own, n)));
        free(own);
    }
    tw_buf_cleanup(&spki);
    tw_buf_cleanup(&sig);
}

/* RFC 5246 7.4.7.1: bad padding gives 48 bytes that nobody can tell from good ones. */
static void test_rsa(void **state)
{
    (void)state;
    struct tw_privkey *rsa = tw_make_privkey(c, TW_MAKE_RSA2048);
    struct tw_buf spki, sealed;
    uint8_t secret[48], out[48], again[48];
    memset(secret, 0x5a, sizeof secret);
    tw_buf_init(&spki, 4096);
    tw_buf_init(&sealed, 4096);
    assert_non_null(rsa);
    assert_true(c->privkey_spki(rsa, &spki));
    struct tw_pubkey *pub = c->pubkey_new(c->ctx, tw_buf_view(&spki));
    assert_true(c->rsa_encrypt(pub, tw_view_of(secret, 48), &sealed));
    assert_int_equal(sealed.len, 256);
    assert_true(c->rsa_decrypt(rsa, tw_buf_view(&sealed), out));
    assert_memory_equal(out, secret, 48);
    sealed.data[100] ^= 1;
    assert_true(c->rsa_decrypt(rsa, tw_buf_view(&sealed), out));
    assert_memory_not_equal(out, secret, 48);
    assert_true(c->rsa_decrypt(rsa, tw_view_of(sealed.data, 100), again));
    c->pubkey_free(pub);
    c->privkey_free(rsa);
    tw_buf_cleanup(&spki);
    tw_buf_cleanup(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pkcs12), cmocka_unit_test(test_sloppy),
        cmocka_unit_test(test_cut),    cmocka_unit_test(test_sign_and_verify),
        cmocka_unit_test(test_rsa),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
