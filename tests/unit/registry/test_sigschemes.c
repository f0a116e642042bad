/* Signature schemes: order, lookups, properties. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static void sorted_and_found(void **state)
{
    size_t n = 0;
    (void)state;
    for (; tw_sigscheme_at(n) != NULL; n++) {
        const struct tw_sigscheme *s = tw_sigscheme_at(n);
        if (n > 0)
            assert_true(tw_sigscheme_at(n - 1)->id < s->id);
        assert_ptr_equal(tw_sigscheme_by_id(s->id), s);
        assert_ptr_equal(tw_sigscheme_by_name(s->name), s);
        if (s->alias != NULL)
            assert_ptr_equal(tw_sigscheme_by_name(s->alias), s);
        if (s->group != 0)
            assert_non_null(tw_group_by_id(s->group));
        assert_true(strlen(s->source) > 0);
    }
    assert_true(n >= 60);
    assert_null(tw_sigscheme_by_id(0x0000));
    assert_null(tw_sigscheme_by_name(NULL));
    assert_null(tw_sigscheme_by_name("RSA+SHA257"));
}

static void check(const char *name, uint16_t id, enum tw_sig_kind kind, enum tw_hash_id hash,
                  uint16_t group, bool pss_key, bool tls13)
{
    const struct tw_sigscheme *s = tw_sigscheme_by_name(name);
    assert_non_null(s);
    assert_int_equal(s->id, id);
    assert_int_equal(s->kind, kind);
    assert_int_equal(s->hash, hash);
    assert_int_equal(s->group, group);
    assert_int_equal(s->pss_key, pss_key);
    assert_int_equal(s->tls13, tls13);
}

static void properties(void **state)
{
    (void)state;
    /* RFC 8446 4.2.3 */
    check("rsa_pkcs1_sha256", 0x0401, TW_SIG_RSA_PKCS1, TW_HASH_SHA256, 0, false, false);
    check("RSA+SHA256", 0x0401, TW_SIG_RSA_PKCS1, TW_HASH_SHA256, 0, false, false);
    check("ecdsa+sha256", 0x0403, TW_SIG_ECDSA, TW_HASH_SHA256, TW_GRP_SECP256R1, false, true);
    check("ecdsa_secp521r1_sha512", 0x0603, TW_SIG_ECDSA, TW_HASH_SHA512, TW_GRP_SECP521R1, false,
          true);
    check("ecdsa_sha1", 0x0203, TW_SIG_ECDSA, TW_HASH_SHA1, 0, false, false);
    check("rsa_pss_rsae_sha384", 0x0805, TW_SIG_RSA_PSS, TW_HASH_SHA384, 0, false, true);
    check("RSA-PSS+SHA384", 0x0805, TW_SIG_RSA_PSS, TW_HASH_SHA384, 0, false, true);
    check("PSS+SHA384", 0x0805, TW_SIG_RSA_PSS, TW_HASH_SHA384, 0, false, true);
    check("rsa_pss_pss_sha512", 0x080b, TW_SIG_RSA_PSS, TW_HASH_SHA512, 0, true, true);
    check("Ed25519", 0x0807, TW_SIG_EDDSA, TW_HASH_NONE, 0, false, true);
    check("ed448", 0x0808, TW_SIG_EDDSA, TW_HASH_NONE, 0, false, true);
    /* RFC 5246 7.4.1.4.1 */
    check("rsa_pkcs1_md5", 0x0101, TW_SIG_RSA_PKCS1, TW_HASH_MD5, 0, false, false);
    check("DSA+SHA1", 0x0202, TW_SIG_DSA, TW_HASH_SHA1, 0, false, false);
    check("ecdsa_sha224", 0x0303, TW_SIG_ECDSA, TW_HASH_SHA224, 0, false, false);
    /* RFC 8734 2, RFC 8998 3.2.1, RFC 9367 5 */
    check("ecdsa_brainpoolP384r1tls13_sha384", 0x081b, TW_SIG_ECDSA, TW_HASH_SHA384, TW_GRP_BP384R1,
          false, true);
    check("sm2sig_sm3", 0x0708, TW_SIG_SM2, TW_HASH_SM3, 41, false, true);
    check("gostr34102012_256b", 0x070a, TW_SIG_GOST, TW_HASH_NONE, 35, false, true);
    /* draft-ietf-tls-mldsa */
    check("mldsa65", 0x0905, TW_SIG_MLDSA, TW_HASH_NONE, 0, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_found),
        cmocka_unit_test(properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
