/* The suite table: order, lookups, values that RFCs fix, and sizes of ciphers and hashes. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static size_t suite_count(void)
{
    size_t n = 0;
    while (tw_suite_at(n) != NULL)
        n++;
    return n;
}

static void sorted_and_found(void **state)
{
    (void)state;
    assert_true(suite_count() >= 370);
    for (size_t i = 0; tw_suite_at(i) != NULL; i++) {
        const struct tw_suite *s = tw_suite_at(i);
        if (i > 0)
            assert_true(tw_suite_at(i - 1)->id < s->id);
        assert_ptr_equal(tw_suite_by_id(s->id), s);
        assert_ptr_equal(tw_suite_by_name(s->name), s);
        if (s->openssl_name != NULL)
            assert_ptr_equal(tw_suite_by_name(s->openssl_name), s);
        assert_true(strlen(s->source) > 0);
        assert_true(s->min_version <= s->max_version);
        assert_false(tw_is_grease(s->id));
    }
}

static void ids_without_a_row(void **state)
{
    size_t found = 0;
    (void)state;
    for (uint32_t id = 0; id <= 0xffff; id++)
        if (tw_suite_by_id((uint16_t)id) != NULL)
            found++;
    assert_int_equal(found, suite_count());
    assert_null(tw_suite_by_id(0x0a0a));
    assert_null(tw_suite_at(suite_count() + 1));
}

static void other_names(void **state)
{
    (void)state;
    assert_int_equal(tw_suite_by_name("ecdhe-rsa-aes128-gcm-sha256")->id, 0xc02f);
    assert_int_equal(tw_suite_by_name("tls_ecdhe_rsa_with_aes_128_gcm_sha256")->id, 0xc02f);
    assert_int_equal(tw_suite_by_name("EDH-RSA-DES-CBC3-SHA")->id, 0x0016);
    assert_int_equal(tw_suite_by_name("DHE-RSA-DES-CBC3-SHA")->id, 0x0016);
    assert_int_equal(tw_suite_by_name("TLS_DHE_PSK_WITH_AES_128_CCM_8")->id, 0xc0aa);
    assert_null(tw_suite_by_name("ECDHE-RSA-AES128-GCM-SHA25"));
    assert_null(tw_suite_by_name(""));
    assert_null(tw_suite_by_name(NULL));
}

static void check(uint16_t id, const char *openssl, enum tw_kx kx, enum tw_auth auth,
                  enum tw_bulk bulk, enum tw_mac mac, enum tw_hash_id prf)
{
    const struct tw_suite *s = tw_suite_by_id(id);
    assert_non_null(s);
    if (openssl == NULL)
        assert_null(s->openssl_name);
    else
        assert_string_equal(s->openssl_name, openssl);
    assert_int_equal(s->kx, kx);
    assert_int_equal(s->auth, auth);
    assert_int_equal(s->bulk, bulk);
    assert_int_equal(s->mac, mac);
    assert_int_equal(s->prf, prf);
}

static void values_of_rfcs(void **state)
{
    (void)state;
    /* RFC 8446 B.4 */
    check(0x1302, "TLS_AES_256_GCM_SHA384", TW_KX_TLS13, TW_AUTH_TLS13, TW_BULK_AES256_GCM,
          TW_MAC_AEAD, TW_HASH_SHA384);
    check(0x1305, "TLS_AES_128_CCM_8_SHA256", TW_KX_TLS13, TW_AUTH_TLS13, TW_BULK_AES128_CCM8,
          TW_MAC_AEAD, TW_HASH_SHA256);
    /* RFC 5246 A.5 and 7.4.9: TLS 1.2 PRF is SHA-256 for suites older than it */
    check(0x002f, "AES128-SHA", TW_KX_RSA, TW_AUTH_RSA, TW_BULK_AES128_CBC, TW_MAC_SHA1,
          TW_HASH_SHA256);
    check(0x001b, "ADH-DES-CBC3-SHA", TW_KX_DHE, TW_AUTH_ANON, TW_BULK_3DES, TW_MAC_SHA1,
          TW_HASH_SHA256);
    /* RFC 5289 3.1 */
    check(0xc028, "ECDHE-RSA-AES256-SHA384", TW_KX_ECDHE, TW_AUTH_RSA, TW_BULK_AES256_CBC,
          TW_MAC_SHA384, TW_HASH_SHA384);
    /* RFC 6655 3: CCM with 256-bit keys keeps SHA-256 */
    check(0xc09f, "DHE-RSA-AES256-CCM", TW_KX_DHE, TW_AUTH_RSA, TW_BULK_AES256_CCM, TW_MAC_AEAD,
          TW_HASH_SHA256);
    /* RFC 6367 2.2: no OpenSSL has Camellia in GCM */
    check(0xc08b, NULL, TW_KX_ECDHE, TW_AUTH_RSA, TW_BULK_CAMELLIA256_GCM, TW_MAC_AEAD,
          TW_HASH_SHA384);
    /* RFC 4279 2, RFC 7905 2, RFC 8998 2 */
    check(0x0095, "RSA-PSK-AES256-CBC-SHA", TW_KX_RSA_PSK, TW_AUTH_RSA, TW_BULK_AES256_CBC,
          TW_MAC_SHA1, TW_HASH_SHA256);
    check(0xccac, "ECDHE-PSK-CHACHA20-POLY1305", TW_KX_ECDHE_PSK, TW_AUTH_PSK,
          TW_BULK_CHACHA20_POLY1305, TW_MAC_AEAD, TW_HASH_SHA256);
    check(0x00c6, NULL, TW_KX_TLS13, TW_AUTH_TLS13, TW_BULK_SM4_GCM, TW_MAC_AEAD, TW_HASH_SM3);
}

static void versions_and_flags(void **state)
{
    const struct tw_suite *s;
    (void)state;
    s = tw_suite_by_name("EXP-RC4-MD5"); /* RFC 4346 A.5: not in TLS 1.1 */
    assert_int_equal(s->id, 0x0003);
    assert_int_equal(s->min_version, TW_SSL3);
    assert_int_equal(s->max_version, TW_TLS10);
    assert_int_equal(s->flags, TW_SUITE_EXPORT | TW_SUITE_WEAK | TW_SUITE_LEGACY_PROVIDER);
    s = tw_suite_by_name("DES-CBC-SHA"); /* RFC 5469: not in TLS 1.2 */
    assert_int_equal(s->max_version, TW_TLS11);
    s = tw_suite_by_name("ECDHE-RSA-AES128-SHA");
    assert_int_equal(s->min_version, TW_TLS10);
    assert_int_equal(s->max_version, TW_TLS12);
    assert_int_equal(s->flags, 0);
    s = tw_suite_by_name("PSK-AES128-CBC-SHA256"); /* RFC 5487 3.1: also before TLS 1.2 */
    assert_int_equal(s->min_version, TW_TLS10);
    s = tw_suite_by_name("AES128-SHA256"); /* RFC 5246: only TLS 1.2 */
    assert_int_equal(s->min_version, TW_TLS12);
    assert_int_equal(tw_suite_by_id(0x00ff)->flags, TW_SUITE_SCSV); /* RFC 5746 3.3 */
    assert_int_equal(tw_suite_by_id(0x5600)->flags, TW_SUITE_SCSV); /* RFC 7507 2 */
    assert_int_equal(tw_suite_by_name("SEED-SHA")->flags, TW_SUITE_LEGACY_PROVIDER);
}

static void bulk_sizes(void **state)
{
    (void)state;
    for (int b = TW_BULK_NULL; b <= TW_BULK_OTHER; b++) {
        const struct tw_bulk_info *i = tw_bulk_info((enum tw_bulk)b);
        assert_non_null(i);
        assert_true((i->openssl_name == NULL) == (b == TW_BULK_NULL));
        if (i->tag_len > 0)
            assert_int_equal(i->iv_len + i->explicit_nonce, 12);
        else
            assert_int_equal(i->iv_len, i->block_len);
    }
    assert_string_equal(tw_bulk_info(TW_BULK_3DES)->openssl_name, "DES-EDE3-CBC");
    assert_int_equal(tw_bulk_info(TW_BULK_3DES)->key_len, 24);
    assert_int_equal(tw_bulk_info(TW_BULK_AES256_CCM8)->tag_len, 8);
    assert_int_equal(tw_bulk_info(TW_BULK_CHACHA20_POLY1305)->iv_len, 12);
    assert_string_equal(tw_bulk_info(TW_BULK_CAMELLIA128_GCM)->openssl_name, "");
    assert_ptr_equal(tw_bulk_info((enum tw_bulk)999), tw_bulk_info(TW_BULK_OTHER));
}

static void hash_sizes(void **state)
{
    (void)state;
    assert_int_equal(tw_hash_len(TW_HASH_NONE), 0);
    assert_int_equal(tw_hash_len(TW_HASH_MD5), 16);
    assert_int_equal(tw_hash_len(TW_HASH_SHA1), 20);
    assert_int_equal(tw_hash_len(TW_HASH_SHA224), 28);
    assert_int_equal(tw_hash_len(TW_HASH_SHA256), 32);
    assert_int_equal(tw_hash_len(TW_HASH_SM3), 32);
    assert_int_equal(tw_hash_len(TW_HASH_SHA384), 48);
    assert_int_equal(tw_hash_len(TW_HASH_SHA512), 64);
    assert_int_equal(tw_hash_len(TW_HASH_MD5_SHA1), 36);
}

static void ssl2_kinds(void **state)
{
    (void)state;
    assert_string_equal(tw_ssl2_cipher_name(0x010080), "SSL_CK_RC4_128_WITH_MD5");
    assert_string_equal(tw_ssl2_cipher_name(0x0700c0), "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
    assert_null(tw_ssl2_cipher_name(0x00002f)); /* a TLS suite in an SSL 2.0 compatible hello */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_found),   cmocka_unit_test(ids_without_a_row),
        cmocka_unit_test(other_names),        cmocka_unit_test(values_of_rfcs),
        cmocka_unit_test(versions_and_flags), cmocka_unit_test(bulk_sizes),
        cmocka_unit_test(hash_sizes),         cmocka_unit_test(ssl2_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
