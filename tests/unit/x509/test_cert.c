/* A certificate taken apart: every field, whatever is cut off, and broken extensions. */
#include "der_build.h"

static void parse_with(struct tw_buf *der, struct tw_cert *c, const char *extensions)
{
    struct tw_buf e;
    tw_buf_init(&e, 1 << 16);
    tw_buf_init(der, 1 << 16);
    add_hex(&e, extensions);
    put_cert(der, &(struct cert_spec){.cn = "subject", .extensions = tw_buf_view(&e)});
    tw_buf_cleanup(&e);
    if (!tw_cert_parse(tw_buf_view(der), c))
        fail_msg("refused at %s: %s", c->fail_field, extensions);
}

static void test_plain(void **state)
{
    (void)state;
    struct tw_buf der;
    struct tw_cert c;
    char buf[64];
    tw_buf_init(&der, 1 << 16);
    put_cert(&der, &(struct cert_spec){.cn = "subject", .not_before = "240101000000Z",
                                       .not_after = "20510101000000Z"});
    assert_true(tw_cert_parse(tw_buf_view(&der), &c));
    assert_null(c.fail_field);
    assert_int_equal(c.version, 3);
    assert_int_equal(c.serial.len, 2);
    assert_int_equal(c.not_before, 1704067200);
    assert_int_equal(c.not_after, 2556144000);
    assert_string_equal(tw_dn_text(c.subject, buf, sizeof buf), "CN=subject");
    assert_string_equal(tw_dn_text(c.issuer, buf, sizeof buf), "CN=issuer");
    assert_false(c.self_issued || c.is_ca || c.has_san || c.has_eku || c.has_key_usage ||
                 c.must_staple || c.unknown_critical || c.has_basic);
    assert_int_equal(c.path_len, -1);
    assert_int_equal(c.signature.len, 4);
    assert_string_equal(tw_cert_sig_name(&c, buf, sizeof buf), "ecdsa-with-SHA256");
    struct tw_key_info info;
    tw_cert_key_info(&c, &info);
    assert_int_equal(info.type, TW_KEY_EC);
    assert_int_equal(info.bits, 256);
    assert_int_equal(info.group, TW_GRP_SECP256R1);
    tw_buf_cleanup(&der);
}

/* Whatever is missing at the end, it is refused, and what came before it is filled in. */
static void test_every_prefix(void **state)
{
    (void)state;
    struct tw_buf der, names;
    struct tw_cert c;
    tw_buf_init(&der, 1 << 16);
    tw_buf_init(&names, 256);
    put_tlv(&names, 0x82, tw_view_str("www.example.org"));
    put_cert(&der, &(struct cert_spec){.cn = "subject", .san = tw_buf_view(&names)});
    for (size_t n = 0; n < der.len; n++) {
        uint8_t *own = exact_copy(tw_view_of(der.data, n));
        assert_false(tw_cert_parse(tw_view_of(own, n), &c));
        assert_non_null(c.fail_field);
        assert_true(c.fail_at <= n);
        free(own);
    }
    tw_wr_u8(&der, 0);
    assert_false(tw_cert_parse(tw_buf_view(&der), &c));
    assert_int_equal(c.fail_at, der.len - 1);
    assert_true(c.has_san); /* the certificate in front of the rest is readable */
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&names);
}

static void test_changed_bytes(void **state)
{
    (void)state;
    struct tw_buf der, names;
    struct tw_cert c;
    char buf[100];
    tw_buf_init(&der, 1 << 16);
    tw_buf_init(&names, 256);
    put_tlv(&names, 0x82, tw_view_str("www.example.org"));
    put_cert(&der, &(struct cert_spec){.cn = "subject", .san = tw_buf_view(&names)});
    static const uint8_t edges[] = {0, 1, 0x1f, 0x30, 0x7f, 0x80, 0x84, 0xff};
    for (size_t i = 0; i < der.len; i++)
        for (size_t e = 0; e < sizeof edges; e++) {
            uint8_t *own = exact_copy(tw_buf_view(&der));
            own[i] = edges[e];
            bool good = tw_cert_parse(tw_view_of(own, der.len), &c);
            assert_int_equal(good, c.fail_field == NULL);
            assert_true(c.fail_at <= der.len);
            struct tw_key_info info;
            tw_cert_key_info(&c, &info);
            tw_cert_name_match(&c, "www.example.org", buf, sizeof buf);
            tw_dn_text(c.subject, buf, sizeof buf);
            free(own);
        }
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&names);
}

static void test_constraints(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool ca;
        int path_len;
    } rows[] = {
        {"30 0c 0603 551d13 0405 3003 0101ff", true, -1},
        {"30 0f 0603 551d13 0408 3006 0101ff 020100", true, 0},
        {"30 0f 0603 551d13 0408 3006 0101ff 02017f", true, 127},
        {"30 09 0603 551d13 0402 3000", false, -1},
        {"30 0c 0603 551d13 0405 3003 010100", false, -1},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        struct tw_buf der;
        struct tw_cert c;
        parse_with(&der, &c, rows[i].value);
        assert_true(c.has_basic);
        assert_int_equal(c.is_ca, rows[i].ca);
        assert_int_equal(c.path_len, rows[i].path_len);
        tw_buf_cleanup(&der);
    }
}

static void test_usages(void **state)
{
    (void)state;
    struct tw_buf der;
    struct tw_cert c;
    parse_with(&der, &c, "30 0e 0603 551d0f 0101ff 0404 0302 05a0");
    assert_true(c.has_key_usage);
    assert_int_equal(c.key_usage, 1 | 4); /* digitalSignature, keyEncipherment */
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 0c 0603 551d0f 0405 0303 070080");
    assert_int_equal(c.key_usage, 1 << 8); /* decipherOnly, in the second byte */
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 13 0603 551d25 040c 300a 0608 2b06010505070301");
    assert_true(c.has_eku);
    assert_true(tw_cert_has_eku(&c, "1.3.6.1.5.5.7.3.1"));
    assert_false(tw_cert_has_eku(&c, "1.3.6.1.5.5.7.3.2"));
    assert_false(tw_cert_has_eku(&c, "1.3.6.1.5.5.7.3"));
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 11 0608 2b06010505070118 0405 3003 020105");
    assert_true(c.must_staple);
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 11 0608 2b06010505070118 0405 3003 020106");
    assert_false(c.must_staple);
    tw_buf_cleanup(&der);
}

static void test_criticality(void **state)
{
    (void)state;
    struct tw_buf der;
    struct tw_cert c;
    parse_with(&der, &c, "30 0c 0603 2a0304 0101ff 0402 0500");
    assert_true(c.unknown_critical);
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 09 0603 2a0304 0402 0500");
    assert_false(c.unknown_critical);
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 0c 0603 551d24 0101ff 0402 3000"); /* policyConstraints is known */
    assert_false(c.unknown_critical);
    tw_buf_cleanup(&der);
}

static void test_access_and_ids(void **state)
{
    (void)state;
    struct tw_buf der;
    struct tw_cert c;
    parse_with(&der, &c,
               "30 30 0608 2b06010505070101 0424 3022"
               "300f 0608 2b06010505073001 8603 6f3a2f"
               "300f 0608 2b06010505073002 8603 633a2f");
    assert_bytes(tw_cert_aia(&c, true), tw_view_str("o:/"), "OCSP");
    assert_bytes(tw_cert_aia(&c, false), tw_view_str("c:/"), "caIssuers");
    tw_buf_cleanup(&der);
    parse_with(&der, &c, "30 0b 0603 551d0e 0404 0402 aabb 30 0d 0603 551d23 0406 3004 8002 ccdd");
    assert_bytes(c.ski, tw_view_of("\xaa\xbb", 2), "subjectKeyIdentifier");
    assert_bytes(c.aki_keyid, tw_view_of("\xcc\xdd", 2), "authorityKeyIdentifier");
    assert_int_equal(tw_cert_aia(&c, true).len, 0);
    tw_buf_cleanup(&der);
}

/* Certificates of libcrypto's make agree with what was asked for. */
static void test_made(void **state)
{
    (void)state;
    static const struct {
        enum tw_make_key kind;
        enum tw_key_type type;
        unsigned bits;
    } kinds[] = {{TW_MAKE_P256, TW_KEY_EC, 256}, {TW_MAKE_P384, TW_KEY_EC, 384},
                 {TW_MAKE_RSA2048, TW_KEY_RSA, 2048}, {TW_MAKE_RSA1024, TW_KEY_RSA, 1024},
                 {TW_MAKE_ED25519, TW_KEY_ED25519, 256}};
    struct tw_crypto *crypto = tw_crypto_new();
    assert_non_null(crypto);
    for (size_t i = 0; i < TW_ARRAY_LEN(kinds); i++) {
        static const char *const dns[] = {"www.example.org", "ip:192.0.2.1"};
        struct tw_make_cert spec = {.subject_cn = "made", .dns = dns, .dns_n = 2, .ca = i == 0,
                                    .path_len = 3, .not_before = 1700000000,
                                    .not_after = 1800000000, .serial = 77,
                                    .hash = TW_HASH_SHA256, .must_staple = i == 1};
        struct tw_privkey *k = tw_make_privkey(crypto, kinds[i].kind);
        struct tw_buf der;
        struct tw_cert c;
        struct tw_key_info info;
        char nearest[64], print[65];
        assert_non_null(k);
        tw_buf_init(&der, 1 << 16);
        assert_int_equal(tw_make_certificate(crypto, &spec, k, (struct tw_view){NULL, 0}, k, &der),
                         TW_OK);
        assert_true(tw_cert_parse(tw_buf_view(&der), &c));
        assert_true(c.self_issued);
        assert_int_equal(c.not_before, 1700000000);
        assert_int_equal(c.not_after, 1800000000);
        assert_int_equal(c.is_ca, i == 0);
        assert_int_equal(c.must_staple, i == 1);
        tw_cert_key_info(&c, &info);
        assert_int_equal(info.type, kinds[i].type);
        assert_int_equal(info.bits, kinds[i].bits);
        assert_int_equal(tw_cert_name_match(&c, "www.example.org", nearest, sizeof nearest),
                         TW_NAME_OK);
        assert_int_equal(tw_cert_name_match(&c, "192.0.2.1", nearest, sizeof nearest), TW_NAME_OK);
        tw_cert_fingerprint(crypto, c.der, print);
        assert_int_equal(strspn(print, "0123456789abcdef"), 64);
        crypto->privkey_free(k);
        tw_buf_cleanup(&der);
    }
    tw_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_constraints),
        cmocka_unit_test(test_usages),       cmocka_unit_test(test_criticality),
        cmocka_unit_test(test_access_and_ids), cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
