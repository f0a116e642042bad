/* The key that made an ECDSA signature is among the few that are recovered from it. */
#include "crypto/crypto.h"

#include <setjmp.h>
#include <cmocka.h>

static struct tw_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    crypto = tw_crypto_new();
    return crypto == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(crypto);
    return 0;
}

struct key {
    struct tw_privkey *priv;
    struct tw_pubkey *pub;
    uint8_t hash[TW_HASH_MAX];
};

static struct key key_of(enum tw_make_key kind)
{
    struct key k = {.priv = tw_make_privkey(crypto, kind)};
    struct tw_buf spki;
    tw_buf_init(&spki, 4096);
    assert_non_null(k.priv);
    assert_true(crypto->privkey_spki(k.priv, &spki));
    k.pub = crypto->pubkey_new(crypto->ctx, tw_buf_view(&spki));
    assert_non_null(k.pub);
    struct tw_view v = tw_buf_view(&spki);
    assert_int_equal(crypto->digest(crypto->ctx, TW_HASH_SHA256, &v, 1, k.hash), 32);
    tw_buf_cleanup(&spki);
    return k;
}

static void key_free(struct key *k)
{
    crypto->privkey_free(k->priv);
    crypto->pubkey_free(k->pub);
}

static size_t sign_and_recover(const struct key *signer, const struct key *shown,
                               enum tw_hash_id hash, const char *text, bool spoil,
                               uint8_t out[TW_RECOVER_MAX][32])
{
    struct tw_buf sig;
    struct tw_view msg = tw_view_str(text);
    tw_buf_init(&sig, 1024);
    assert_true(crypto->sign(signer->priv, TW_SIG_ECDSA, hash, &msg, 1, &sig));
    if (spoil)
        sig.data[sig.len - 1] ^= 1;
    size_t n = crypto->recover(shown->pub, hash, &msg, 1, tw_buf_view(&sig), out);
    tw_buf_cleanup(&sig);
    return n;
}

static bool holds(uint8_t keys[TW_RECOVER_MAX][32], size_t n, const uint8_t *hash)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(keys[i], hash, 32) == 0)
            return true;
    return false;
}

static void other_key_is_found(enum tw_make_key kind, enum tw_hash_id hash)
{
    struct key signer = key_of(kind), shown = key_of(kind);
    uint8_t keys[TW_RECOVER_MAX][32];
    for (int i = 0; i < 8; i++) {
        char text[16];
        snprintf(text, sizeof text, "message %d", i);
        size_t n = sign_and_recover(&signer, &shown, hash, text, false, keys);
        assert_in_range(n, 1, TW_RECOVER_MAX);
        assert_true(holds(keys, n, signer.hash));
        assert_false(holds(keys, n, shown.hash));
    }
    key_free(&signer);
    key_free(&shown);
}

static void p256(void **state)
{
    (void)state;
    other_key_is_found(TW_MAKE_P256, TW_HASH_SHA256);
    other_key_is_found(TW_MAKE_P256, TW_HASH_SHA512); /* longer than the order: cut */
    other_key_is_found(TW_MAKE_P256, TW_HASH_SHA1);   /* shorter */
}

static void p384(void **state)
{
    (void)state;
    other_key_is_found(TW_MAKE_P384, TW_HASH_SHA384);
}

static void spoilt_signatures_share_no_key(void **state)
{
    (void)state;
    struct key k = key_of(TW_MAKE_P256);
    uint8_t a[TW_RECOVER_MAX][32], b[TW_RECOVER_MAX][32];
    size_t na = sign_and_recover(&k, &k, TW_HASH_SHA256, "one", true, a);
    size_t nb = sign_and_recover(&k, &k, TW_HASH_SHA256, "two", true, b);
    for (size_t i = 0; i < na; i++)
        assert_false(holds(b, nb, a[i]));
    key_free(&k);
}

static void other_curve_tells_nothing(void **state)
{
    (void)state;
    struct key small = key_of(TW_MAKE_P256), large = key_of(TW_MAKE_P384);
    uint8_t keys[TW_RECOVER_MAX][32];
    assert_int_equal(sign_and_recover(&small, &large, TW_HASH_SHA256, "x", false, keys), 0);
    key_free(&small);
    key_free(&large);
}

static void garbage_tells_nothing(void **state)
{
    (void)state;
    struct key ec = key_of(TW_MAKE_P256), rsa = key_of(TW_MAKE_RSA2048);
    uint8_t keys[TW_RECOVER_MAX][32];
    static const uint8_t zeros[] = {0x30, 6, 2, 1, 0, 2, 1, 0}, negative[] = {0x30, 6, 2, 1, 0x80, 2, 1, 1};
    struct tw_view msg = tw_view_str("m");
    assert_int_equal(crypto->recover(ec.pub, TW_HASH_SHA256, &msg, 1,
                                     tw_view_of(zeros, sizeof zeros), keys), 0);
    assert_int_equal(crypto->recover(ec.pub, TW_HASH_SHA256, &msg, 1,
                                     tw_view_of(negative, sizeof negative), keys), 0);
    assert_int_equal(crypto->recover(ec.pub, TW_HASH_SHA256, &msg, 1, tw_view_str("no DER"), keys),
                     0);
    assert_int_equal(crypto->recover(rsa.pub, TW_HASH_SHA256, &msg, 1,
                                     tw_view_of(zeros, sizeof zeros), keys), 0);
    key_free(&ec);
    key_free(&rsa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p256),
        cmocka_unit_test(p384),
        cmocka_unit_test(spoilt_signatures_share_no_key),
        cmocka_unit_test(other_curve_tells_nothing),
        cmocka_unit_test(garbage_tells_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
