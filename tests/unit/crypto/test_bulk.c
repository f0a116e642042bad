/* Record ciphers and digests of the real table against published vectors. */
#include "../bytes.h"

#include "crypto/crypto.h"

static struct tw_crypto *c;

static int setup(void **state)
{
    (void)state;
    c = tw_crypto_new();
    return c == NULL;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(c);
    return 0;
}

static void bytes(struct tw_buf *b, const char *hex)
{
    tw_buf_init(b, 4096);
    add_hex(b, hex);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16; NIST SP 800-38C
 * example 3; RFC 8439 2.8.2. */
static const struct {
    enum tw_bulk bulk;
    const char *key, *nonce, *aad, *plain, *sealed;
} aeads[] = {
    {TW_BULK_AES128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {TW_BULK_AES256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {TW_BULK_AES128_CCM8, "404142434445464748494a4b4c4d4e4f", "101112131415161718191a1b",
     "000102030405060708090a0b0c0d0e0f10111213",
     "202122232425262728292a2b2c2d2e2f3031323334353637",
     "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951"},
    {TW_BULK_CHACHA20_POLY1305,
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116"
     "1ae10b594f09e26a7e902ecbd0600691"},
};

static void test_aead_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(aeads); i++) {
        struct tw_buf key, nonce, aad, plain, want;
        uint8_t out[512], back[512];
        bytes(&key, aeads[i].key);
        bytes(&nonce, aeads[i].nonce);
        bytes(&aad, aeads[i].aad);
        bytes(&plain, aeads[i].plain);
        bytes(&want, aeads[i].sealed);
        struct tw_bulk_key *e = c->bulk_new(c->ctx, aeads[i].bulk, tw_buf_view(&key), true);
        struct tw_bulk_key *d = c->bulk_new(c->ctx, aeads[i].bulk, tw_buf_view(&key), false);
        assert_non_null(e);
        assert_non_null(d);
        for (int again = 0; again < 2; again++) { /* a context is used for many records */
            assert_true(c->seal(e, nonce.data, tw_buf_view(&aad), tw_buf_view(&plain), out));
            assert_bytes(tw_view_of(out, want.len), tw_buf_view(&want), aeads[i].key);
            assert_true(c->open(d, nonce.data, tw_buf_view(&aad), tw_buf_view(&want), back));
            assert_bytes(tw_view_of(back, plain.len), tw_buf_view(&plain), "opened");
        }
        for (size_t at = 0; at < want.len; at += 5) { /* any changed bit is noticed */
            want.data[at] ^= 0x10;
            assert_false(c->open(d, nonce.data, tw_buf_view(&aad), tw_buf_view(&want), back));
            want.data[at] ^= 0x10;
        }
        aad.data[0] ^= 1;
        assert_false(c->open(d, nonce.data, tw_buf_view(&aad), tw_buf_view(&want), back));
        aad.data[0] ^= 1;
        assert_true(c->open(d, nonce.data, tw_buf_view(&aad), tw_buf_view(&want), back));
        c->bulk_free(e);
        c->bulk_free(d);
        tw_buf_cleanup(&key);
        tw_buf_cleanup(&nonce);
        tw_buf_cleanup(&aad);
        tw_buf_cleanup(&plain);
        tw_buf_cleanup(&want);
    }
}

/* NIST SP 800-38A F.2.1 and F.2.5, first blocks. */
static void test_cbc_vectors(void **state)
{
    (void)state;
    static const struct {
        enum tw_bulk bulk;
        const char *key, *sealed;
    } rows[] = {
        {TW_BULK_AES128_CBC, "2b7e151628aed2a6abf7158809cf4f3c",
         "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"},
        {TW_BULK_AES256_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        struct tw_buf key, iv, plain, want;
        uint8_t out[64];
        bytes(&key, rows[i].key);
        bytes(&iv, "000102030405060708090a0b0c0d0e0f");
        bytes(&plain, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        bytes(&want, rows[i].sealed);
        struct tw_bulk_key *e = c->bulk_new(c->ctx, rows[i].bulk, tw_buf_view(&key), true);
        struct tw_bulk_key *d = c->bulk_new(c->ctx, rows[i].bulk, tw_buf_view(&key), false);
        assert_true(c->crypt(e, iv.data, tw_buf_view(&plain), out));
        assert_bytes(tw_view_of(out, 32), tw_buf_view(&want), "CBC");
        assert_true(c->crypt(d, iv.data, tw_buf_view(&want), out));
        assert_bytes(tw_view_of(out, 32), tw_buf_view(&plain), "back");
        c->bulk_free(e);
        c->bulk_free(d);
        tw_buf_cleanup(&key);
        tw_buf_cleanup(&iv);
        tw_buf_cleanup(&plain);
        tw_buf_cleanup(&want);
    }
}

/* Whatever is usable here takes a key of its own length, and no other. */
static void test_key_lengths(void **state)
{
    (void)state;
    static const uint8_t key[64];
    for (int b = TW_BULK_RC4_40; b < TW_BULK_OTHER; b++) {
        const struct tw_bulk_info *info = tw_bulk_info((enum tw_bulk)b);
        if (b == TW_BULK_RC4_40 || b == TW_BULK_RC2_40 || b == TW_BULK_DES40)
            continue; /* export: the key is stretched first, RFC 2246 6.3.1; never spoken */
        if (info == NULL || !c->has_bulk(c->ctx, (enum tw_bulk)b))
            continue;
        struct tw_bulk_key *k =
            c->bulk_new(c->ctx, (enum tw_bulk)b, tw_view_of(key, info->key_len), true);
        if (k == NULL)
            fail_msg("bulk %d takes no key of %u bytes", b, (unsigned)info->key_len);
        c->bulk_free(k);
        if (b == TW_BULK_RC4_128)
            continue; /* a key of any length is one of RC4 */
        assert_null(c->bulk_new(c->ctx, (enum tw_bulk)b, tw_view_of(key, info->key_len - 1u),
                                true));
        assert_null(c->bulk_new(c->ctx, (enum tw_bulk)b, tw_view_of(key, info->key_len + 1u),
                                true));
    }
}

static void expect_digest(enum tw_hash_id id, const char *want)
{
    static const char *const parts[] = {"a", "", "bc"};
    struct tw_view v[3];
    uint8_t out[TW_HASH_MAX];
    struct tw_buf w;
    for (size_t i = 0; i < 3; i++)
        v[i] = tw_view_str(parts[i]);
    bytes(&w, want);
    assert_int_equal(c->digest(c->ctx, id, v, 3, out), w.len);
    assert_memory_equal(out, w.data, w.len);
    struct tw_hash *h = c->hash_new(c->ctx, id);
    assert_non_null(h);
    for (size_t i = 0; i < 3; i++) {
        assert_true(c->hash_update(h, v[i]));
        assert_int_equal(c->hash_peek(h, out), w.len); /* a peek does not end it */
    }
    assert_memory_equal(out, w.data, w.len);
    c->hash_free(h);
    tw_buf_cleanup(&w);
}

/* FIPS 180-4's "abc"; MD5 and SHA-1 side by side as RFC 4346 7.4.3 signs them. */
static void test_digests(void **state)
{
    (void)state;
    expect_digest(TW_HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_digest(TW_HASH_SHA256,
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest(TW_HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                                  "8086072ba1e7cc2358baeca134c825a7");
    expect_digest(TW_HASH_MD5_SHA1, "900150983cd24fb0d6963f7d28e17f72"
                                    "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* RFC 4231 4.3, RFC 2202 2 case 2. */
static void test_hmac(void **state)
{
    (void)state;
    static const struct {
        enum tw_hash_id id;
        const char *want;
    } rows[] = {
        {TW_HASH_MD5, "750c783e6ab0b503eaa86e310a5db738"},
        {TW_HASH_SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {TW_HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {TW_HASH_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                         "8e2240ca5e69e2c78b3239ecfab21649"},
    };
    const struct tw_view parts[] = {tw_view_str("what do ya "), tw_view_str("want for nothing?")};
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        uint8_t out[TW_HASH_MAX];
        struct tw_buf w;
        bytes(&w, rows[i].want);
        assert_int_equal(c->hmac(c->ctx, rows[i].id, tw_view_str("Jefe"), parts, 2, out), w.len);
        assert_memory_equal(out, w.data, w.len);
        tw_buf_cleanup(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aead_vectors), cmocka_unit_test(test_cbc_vectors),
        cmocka_unit_test(test_key_lengths),  cmocka_unit_test(test_digests),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
