/* Trust stores as files hold them: each format, what is no anchor in it, and every cut. */
#include "x509/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { NOW = 1800000000, DAY = 86400 };

struct fixture {
    struct tw_crypto *crypto;
    struct tw_buf root, other; /* DER */
};

static void make(struct tw_crypto *c, const char *cn, struct tw_buf *out)
{
    struct tw_privkey *k = tw_make_privkey(c, TW_MAKE_P256);
    struct tw_make_cert spec = {.subject_cn = cn, .ca = true, .path_len = -1, .no_san = true,
                                .not_before = NOW - DAY, .not_after = NOW + DAY,
                                .hash = TW_HASH_SHA256};
    tw_buf_init(out, 65536);
    assert_non_null(k);
    assert_int_equal(tw_make_certificate(c, &spec, k, tw_view_of(NULL, 0), k, out), TW_OK);
    c->privkey_free(k);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->crypto = tw_crypto_new();
    assert_non_null(f->crypto);
    make(f->crypto, "Store Root", &f->root);
    make(f->crypto, "Store Other", &f->other);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tw_buf_cleanup(&f->root);
    tw_buf_cleanup(&f->other);
    tw_crypto_free(f->crypto);
    free(f);
    return 0;
}

/* Reads bytes that lie in a block of just their size, so that a sanitizer sees a step beyond. */
static enum tw_status read_exact(struct fixture *f, struct tw_view in, const char *password,
                                 struct tw_trust *into, struct tw_store_content *out)
{
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    assert_non_null(exact);
    if (in.len > 0)
        memcpy(exact, in.data, in.len);
    enum tw_status st = tw_store_read(f->crypto, tw_view_of(exact, in.len), password, into, out);
    free(exact);
    return st;
}

static struct tw_store_content expect(struct fixture *f, struct tw_view in, const char *password,
                                      enum tw_store_format format, size_t anchors)
{
    struct tw_trust *t = tw_trust_new("test");
    struct tw_store_content c;
    assert_non_null(t);
    read_exact(f, in, password, t, &c);
    assert_string_equal(tw_store_format_name(c.format), tw_store_format_name(format));
    assert_int_equal(c.anchors, anchors);
    assert_int_equal(tw_trust_count(t), anchors);
    tw_trust_free(t);
    return c;
}

/* Whatever is cut off, nothing is read beyond the end and no anchor comes out of nowhere. */
static void cut_everywhere(struct fixture *f, struct tw_view whole, size_t anchors, bool must_tell)
{
    for (size_t n = 0; n < whole.len; n++) {
        struct tw_trust *t = tw_trust_new("test");
        struct tw_store_content c;
        enum tw_status st = read_exact(f, tw_view_sub(whole, 0, n), NULL, t, &c);
        assert_true(st == TW_OK || st == TW_E_INPUT);
        assert_true(tw_trust_count(t) <= anchors);
        if (must_tell && n > 4)
            assert_non_null(c.problem);
        tw_trust_free(t);
    }
}

/* ---- PEM and DER ------------------------------------------------------------------------------- */

static void pem_block(struct tw_buf *out, const char *label, struct tw_view der)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    tw_buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < der.len; i += 3) {
        uint32_t v = (uint32_t)der.data[i] << 16;
        size_t left = der.len - i;
        v |= left > 1 ? (uint32_t)der.data[i + 1] << 8 : 0;
        v |= left > 2 ? der.data[i + 2] : 0;
        tw_buf_printf(out, "%c%c%c%c%s", abc[v >> 18], abc[v >> 12 & 63],
                      left > 1 ? abc[v >> 6 & 63] : '=', left > 2 ? abc[v & 63] : '=',
                      i % 48 == 45 ? "\n" : "");
    }
    tw_buf_printf(out, "\n-----END %s-----\n", label);
}

static void test_pem(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    tw_buf_str(&b, "# a bundle, with words between\n");
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->root));
    tw_buf_str(&b, "Other\n=====\n");
    pem_block(&b, "X509 CERTIFICATE", tw_buf_view(&f->other));
    pem_block(&b, "PRIVATE KEY", tw_view_str("not looked at"));
    expect(f, tw_buf_view(&b), NULL, TW_STORE_PEM, 2);
    cut_everywhere(f, tw_buf_view(&b), 2, false);
    tw_buf_cleanup(&b);
}

static void test_pem_damaged(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    tw_buf_str(&b, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->root));
    pem_block(&b, "CERTIFICATE", tw_view_of("\x30\x03\x02\x01\x01", 5));
    struct tw_store_content c = expect(f, tw_buf_view(&b), NULL, TW_STORE_PEM, 1);
    assert_int_equal(c.damaged, 2);
    tw_buf_cleanup(&b);
}

static void test_twice_is_once(void **state)
{
    struct fixture *f = *state;
    struct tw_trust *t = tw_trust_new("test");
    struct tw_store_content c;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->root));
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->root));
    assert_int_equal(read_exact(f, tw_buf_view(&b), NULL, t, &c), TW_OK);
    assert_int_equal(tw_trust_count(t), 1);
    tw_trust_free(t);
    tw_buf_cleanup(&b);
}

/* OpenSSL's trust settings: X509_CERT_AUX behind the certificate. */
static size_t trusted_pem(struct fixture *f, struct tw_view aux)
{
    struct tw_buf der, b;
    struct tw_trust *t = tw_trust_new("test");
    struct tw_store_content c;
    tw_buf_init(&der, 1 << 20);
    tw_buf_init(&b, 1 << 20);
    tw_wr_bytes(&der, tw_buf_view(&f->root));
    tw_wr_bytes(&der, aux);
    pem_block(&b, "TRUSTED CERTIFICATE", tw_buf_view(&der));
    read_exact(f, tw_buf_view(&b), NULL, t, &c);
    assert_int_equal(c.anchors + c.not_anchors, 1);
    size_t n = c.anchors;
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&b);
    tw_trust_free(t);
    return n;
}

#define SERVER_AUTH "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
#define EMAIL "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x04"
#define BYTES(s) tw_view_of(s, sizeof(s) - 1)

static void test_trusted_certificate(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(trusted_pem(f, tw_view_of(NULL, 0)), 1);
    assert_int_equal(trusted_pem(f, BYTES("\x30\x00")), 1);
    assert_int_equal(trusted_pem(f, BYTES("\x30\x0c\x30\x0a" SERVER_AUTH)), 1);
    assert_int_equal(trusted_pem(f, BYTES("\x30\x0c\x30\x0a" EMAIL)), 0);
    assert_int_equal(trusted_pem(f, BYTES("\x30\x0c\xa0\x0a" SERVER_AUTH)), 0);
    assert_int_equal(trusted_pem(f, BYTES("\x30\x0c\xa0\x0a" EMAIL)), 1);
    /* trusted for any purpose, rejected for servers */
    assert_int_equal(trusted_pem(f, BYTES("\x30\x14\x30\x06\x06\x04\x55\x1d\x25\x00"
                                          "\xa0\x0a" SERVER_AUTH)), 0);
}

static void test_der(void **state)
{
    struct fixture *f = *state;
    expect(f, tw_buf_view(&f->root), NULL, TW_STORE_DER, 1);
    cut_everywhere(f, tw_buf_view(&f->root), 0, true);
}

static void der_wrap(struct tw_buf *out, unsigned tag, struct tw_view in)
{
    tw_wr_u8(out, tag);
    tw_wr_u8(out, 0x82);
    tw_wr_vec(out, 2, in);
}

static void test_pkcs7(void **state)
{
    struct fixture *f = *state;
    struct tw_buf certs, data, wrapped, info, whole;
    struct tw_buf *all[] = {&certs, &data, &wrapped, &info, &whole};
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        tw_buf_init(all[i], 1 << 16);
    tw_wr_bytes(&certs, tw_buf_view(&f->root));
    tw_wr_bytes(&certs, tw_buf_view(&f->other));
    tw_wr_bytes(&data, BYTES("\x02\x01\x01\x31\x00\x30\x0b\x06\x09"
                             "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"));
    der_wrap(&data, 0xa0, tw_buf_view(&certs));
    tw_wr_bytes(&data, BYTES("\x31\x00"));
    der_wrap(&wrapped, 0x30, tw_buf_view(&data));
    tw_wr_bytes(&info, BYTES("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"));
    der_wrap(&info, 0xa0, tw_buf_view(&wrapped));
    der_wrap(&whole, 0x30, tw_buf_view(&info));
    expect(f, tw_buf_view(&whole), NULL, TW_STORE_PKCS7, 2);
    cut_everywhere(f, tw_buf_view(&whole), 2, false);
    for (size_t i = 0; i < TW_ARRAY_LEN(all); i++)
        tw_buf_cleanup(all[i]);
}

/* ---- Java ---------------------------------------------------------------------------------------- */

static void jks_cert(struct tw_buf *b, unsigned version, struct tw_view der)
{
    if (version == 2)
        tw_wr_vec(b, 2, tw_view_str("X.509"));
    tw_wr_vec(b, 4, der);
}

static void jks_head(struct tw_buf *b, uint32_t magic, unsigned version, unsigned count)
{
    tw_buf_init(b, 1 << 20);
    tw_wr_uint(b, 4, magic);
    tw_wr_uint(b, 4, version);
    tw_wr_uint(b, 4, count);
}

static void jks_entry(struct tw_buf *b, unsigned tag, const char *alias)
{
    tw_wr_uint(b, 4, tag);
    tw_wr_vec(b, 2, tw_view_str(alias));
    tw_wr_uint(b, 8, 1700000000000u);
}

static void jks_end(struct fixture *f, struct tw_buf *b, const char *password)
{
    uint8_t utf16[64], md[TW_HASH_MAX];
    size_t n = 0;
    for (; *password != '\0'; password++) {
        utf16[n++] = 0;
        utf16[n++] = (uint8_t)*password;
    }
    struct tw_view parts[] = {tw_view_of(utf16, n), tw_view_str("Mighty Aphrodite"), tw_buf_view(b)};
    size_t len = f->crypto->digest(f->crypto->ctx, TW_HASH_SHA1, parts, 3, md);
    assert_int_equal(len, 20);
    tw_wr_bytes(b, tw_view_of(md, len));
}

static void test_jks(void **state)
{
    struct fixture *f = *state;
    for (unsigned version = 1; version <= 2; version++) {
        struct tw_buf b;
        jks_head(&b, 0xfeedfeed, version, 3);
        jks_entry(&b, 2, "root");
        jks_cert(&b, version, tw_buf_view(&f->root));
        jks_entry(&b, 1, "mine");
        tw_wr_vec(&b, 4, tw_view_str("an encrypted key"));
        tw_wr_uint(&b, 4, 1);
        jks_cert(&b, version, tw_buf_view(&f->other));
        jks_entry(&b, 2, "other");
        jks_cert(&b, version, tw_buf_view(&f->other));
        jks_end(f, &b, "changeit");
        struct tw_store_content c = expect(f, tw_buf_view(&b), NULL, TW_STORE_JKS, 2);
        assert_int_equal(c.keys, 1);
        assert_int_equal(c.not_anchors, 1);
        assert_int_equal(c.integrity, TW_INTEGRITY_GOOD);
        assert_null(c.problem);
        cut_everywhere(f, tw_buf_view(&b), 2, true);
        tw_buf_cleanup(&b);
    }
}

static void test_jks_password(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    jks_head(&b, 0xfeedfeed, 2, 1);
    jks_entry(&b, 2, "root");
    jks_cert(&b, 2, tw_buf_view(&f->root));
    jks_end(f, &b, "s3cret");
    assert_int_equal(expect(f, tw_buf_view(&b), NULL, TW_STORE_JKS, 1).integrity,
                     TW_INTEGRITY_UNCHECKED);
    assert_int_equal(expect(f, tw_buf_view(&b), "s3cret", TW_STORE_JKS, 1).integrity,
                     TW_INTEGRITY_GOOD);
    assert_int_equal(expect(f, tw_buf_view(&b), "other", TW_STORE_JKS, 1).integrity,
                     TW_INTEGRITY_BAD);
    b.data[25] ^= 1; /* in the time of the entry: nothing but the digest can tell */
    assert_int_equal(expect(f, tw_buf_view(&b), "s3cret", TW_STORE_JKS, 1).integrity,
                     TW_INTEGRITY_BAD);
    tw_buf_cleanup(&b);
}

static void test_jks_without_anchors(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    jks_head(&b, 0xfeedfeed, 2, 0);
    jks_end(f, &b, "changeit");
    assert_null(expect(f, tw_buf_view(&b), NULL, TW_STORE_JKS, 0).problem);
    tw_buf_cleanup(&b);
    jks_head(&b, 0xfeedfeed, 2, 1);
    jks_entry(&b, 1, "mine");
    tw_wr_vec(&b, 4, tw_view_str("an encrypted key"));
    tw_wr_uint(&b, 4, 1);
    jks_cert(&b, 2, tw_buf_view(&f->root));
    jks_end(f, &b, "changeit");
    struct tw_store_content c = expect(f, tw_buf_view(&b), NULL, TW_STORE_JKS, 0);
    assert_null(c.problem);
    assert_int_equal(c.keys, 1);
    tw_buf_cleanup(&b);
}

static void test_jks_hostile_counts(void **state)
{
    struct fixture *f = *state;
    static const unsigned counts[] = {2, 100000, 100001, 0xffffffff};
    for (size_t i = 0; i < TW_ARRAY_LEN(counts); i++) {
        struct tw_buf b;
        jks_head(&b, 0xfeedfeed, 2, counts[i]);
        if (i == 0) {
            jks_entry(&b, 1, "mine");
            tw_wr_uint(&b, 4, 0xffffffff); /* a key of 4 GiB */
        }
        jks_end(f, &b, "changeit");
        assert_non_null(expect(f, tw_buf_view(&b), NULL, TW_STORE_JKS, 0).problem);
        tw_buf_cleanup(&b);
    }
}

/* A secret key has no length: what stands before it counts, the rest is told as unread. */
static void test_jceks(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    jks_head(&b, 0xcececece, 2, 2);
    jks_entry(&b, 2, "root");
    jks_cert(&b, 2, tw_buf_view(&f->root));
    jks_entry(&b, 3, "secret");
    tw_wr_bytes(&b, tw_view_str("\xac\xed serialized"));
    jks_end(f, &b, "changeit");
    struct tw_store_content c = expect(f, tw_buf_view(&b), NULL, TW_STORE_JCEKS, 1);
    assert_non_null(c.problem);
    assert_int_equal(c.keys, 1);
    assert_int_equal(c.integrity, TW_INTEGRITY_GOOD);
    tw_buf_cleanup(&b);
}

/* ---- p11-kit --------------------------------------------------------------------------------------- */

static void test_p11kit(void **state)
{
    struct fixture *f = *state;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    tw_buf_str(&b, "# made by hand\n\n[p11-kit-object-v1]\nlabel: \"Store Root\"\ntrusted: true\n"
                   "certificate-category: authority\n");
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->root));
    tw_buf_str(&b, "\n[p11-kit-object-v1]\nlabel: \"Store Other\"\nx-distrusted: true\n");
    pem_block(&b, "CERTIFICATE", tw_buf_view(&f->other));
    tw_buf_str(&b, "[p11-kit-object-v1]\nclass: x-certificate-extension\nvalue: \"%30%00\"\n");
    struct tw_store_content c = expect(f, tw_buf_view(&b), NULL, TW_STORE_P11KIT, 1);
    assert_int_equal(c.not_anchors, 1);
    cut_everywhere(f, tw_buf_view(&b), 1, false);
    tw_buf_cleanup(&b);
}

static void test_unknown(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"hello", "\x30\x03\x02\x01\x05", "PK\x03\x04", "\xfe\xed"};
    for (size_t i = 0; i < TW_ARRAY_LEN(texts); i++)
        assert_non_null(expect(f, tw_view_str(texts[i]), NULL, TW_STORE_UNKNOWN, 0).problem);
    expect(f, tw_view_of(NULL, 0), NULL, TW_STORE_EMPTY, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_pem_damaged),
        cmocka_unit_test(test_twice_is_once),
        cmocka_unit_test(test_trusted_certificate),
        cmocka_unit_test(test_der),
        cmocka_unit_test(test_pkcs7),
        cmocka_unit_test(test_jks),
        cmocka_unit_test(test_jks_password),
        cmocka_unit_test(test_jks_without_anchors),
        cmocka_unit_test(test_jks_hostile_counts),
        cmocka_unit_test(test_jceks),
        cmocka_unit_test(test_p11kit),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests_name("x509/store", tests, set_up, tear_down);
}
