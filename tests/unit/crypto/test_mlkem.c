/*
 * ML-KEM against the accumulated vectors that the Go project and C2SP CCTV publish for
 * ML-KEM-768 (100 and 10,000 iterations), and its inner consistency for all three sets.
 */
#include "crypto/keccak.h"
#include "crypto/mlkem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void shake128(struct tw_keccak *k)
{
    tw_keccak_init(k, 168);
}

static void accumulated(unsigned n, const char *expected)
{
    enum { EK = 1184, CT = 1088 };
    struct tw_keccak in, out;
    shake128(&in);
    tw_keccak_finish(&in, 0x1f);
    shake128(&out);
    for (unsigned i = 0; i < n; i++) {
        uint8_t seed[64], m[32], ek[EK], dk[2400], ct[CT], k[32], again[32];
        tw_keccak_squeeze(&in, seed, 64);
        tw_mlkem_keygen(TW_MLKEM768, seed, seed + 32, ek, dk);
        tw_keccak_absorb(&out, ek, EK);
        tw_keccak_squeeze(&in, m, 32);
        assert_true(tw_mlkem_encaps(TW_MLKEM768, ek, m, ct, k));
        tw_keccak_absorb(&out, ct, CT);
        tw_keccak_absorb(&out, k, 32);
        tw_mlkem_decaps(TW_MLKEM768, dk, ct, again);
        assert_memory_equal(k, again, 32);
        uint8_t other[CT];
        tw_keccak_squeeze(&in, other, CT);
        tw_mlkem_decaps(TW_MLKEM768, dk, other, again);
        tw_keccak_absorb(&out, again, 32);
    }
    uint8_t got[32], want[32];
    size_t len;
    tw_keccak_finish(&out, 0x1f);
    tw_keccak_squeeze(&out, got, sizeof got);
    assert_true(tw_unhex(expected, want, sizeof want, &len));
    assert_memory_equal(got, want, 32);
}

static void test_accumulated(void **state)
{
    (void)state;
    accumulated(100, "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
}

/* FIPS 202 values, from NIST's examples for the empty message. */
static void test_sha3(void **state)
{
    (void)state;
    uint8_t out[64], want[64];
    size_t n;
    tw_sha3_256(NULL, 0, out);
    assert_true(tw_unhex("a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", want,
                         sizeof want, &n));
    assert_memory_equal(out, want, 32);
    tw_sha3_512(NULL, 0, out);
    assert_true(tw_unhex("a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
                         "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
                         want, sizeof want, &n));
    assert_memory_equal(out, want, 64);
    tw_shake256(NULL, 0, NULL, 0, out, 32);
    assert_true(tw_unhex("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f", want,
                         sizeof want, &n));
    assert_memory_equal(out, want, 32);
}

static void test_all_sets(void **state)
{
    (void)state;
    for (enum tw_mlkem_set s = TW_MLKEM512; s <= TW_MLKEM1024; s++) {
        uint8_t ek[1568], dk[3168], ct[1568], k1[32], k2[32], seed[64], m[32];
        memset(seed, 7 + (int)s, sizeof seed);
        memset(m, 9, sizeof m);
        tw_mlkem_keygen(s, seed, seed + 32, ek, dk);
        assert_true(tw_mlkem_encaps(s, ek, m, ct, k1));
        tw_mlkem_decaps(s, dk, ct, k2);
        assert_memory_equal(k1, k2, 32);
        ct[5] ^= 1; /* implicit rejection: another secret, no failure */
        tw_mlkem_decaps(s, dk, ct, k2);
        assert_memory_not_equal(k1, k2, 32);
        ek[0] = 0xff; /* 0xfff is no value below q: FIPS 203 7.2 */
        ek[1] |= 0x0f;
        assert_false(tw_mlkem_encaps(s, ek, m, ct, k1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sha3), cmocka_unit_test(test_all_sets),
                                       cmocka_unit_test(test_accumulated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
