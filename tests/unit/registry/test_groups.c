/* Named groups: order, lookups, key share lengths. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static void sorted_and_found(void **state)
{
    size_t n = 0;
    (void)state;
    for (; tw_group_at(n) != NULL; n++) {
        const struct tw_group *g = tw_group_at(n);
        if (n > 0)
            assert_true(tw_group_at(n - 1)->id < g->id);
        assert_ptr_equal(tw_group_by_id(g->id), g);
        assert_ptr_equal(tw_group_by_name(g->name), g);
        if (g->alias != NULL)
            assert_ptr_equal(tw_group_by_name(g->alias), g);
        assert_false(tw_is_grease(g->id));
        assert_true(strlen(g->source) > 0);
    }
    assert_true(n >= 55);
    assert_null(tw_group_by_id(0));
    assert_null(tw_group_by_id(0x1a1a));
}

static void names(void **state)
{
    (void)state;
    assert_int_equal(tw_group_by_name("X25519")->id, TW_GRP_X25519);
    assert_int_equal(tw_group_by_name("P-256")->id, TW_GRP_SECP256R1);
    assert_int_equal(tw_group_by_name("prime256v1")->id, TW_GRP_SECP256R1);
    assert_int_equal(tw_group_by_name("SECP521R1")->id, TW_GRP_SECP521R1);
    assert_int_equal(tw_group_by_name("x25519mlkem768")->id, 4588);
    assert_int_equal(tw_group_by_name("brainpoolP256r1tls13")->id, 31);
    assert_null(tw_group_by_name("P-257"));
    assert_null(tw_group_by_name(""));
    assert_null(tw_group_by_name(NULL));
}

static void shares(uint16_t id, uint16_t client, uint16_t server, bool tls13)
{
    const struct tw_group *g = tw_group_by_id(id);
    assert_non_null(g);
    assert_int_equal(g->client_share, client);
    assert_int_equal(g->server_share, server);
    assert_int_equal(g->tls13, tls13);
}

static void share_lengths(void **state)
{
    (void)state;
    shares(TW_GRP_SECP256R1, 65, 65, true);
    shares(TW_GRP_SECP384R1, 97, 97, true);
    shares(TW_GRP_SECP521R1, 133, 133, true);
    shares(TW_GRP_BP512R1, 129, 129, false);
    shares(TW_GRP_X25519, 32, 32, true);
    shares(TW_GRP_X448, 56, 56, true);
    shares(TW_GRP_FFDHE2048, 256, 256, true);
    shares(TW_GRP_FFDHE8192, 1024, 1024, true);
    shares(TW_GRP_MLKEM512, 800, 768, true); /* FIPS 203 table 3 */
    shares(TW_GRP_MLKEM768, 1184, 1088, true);
    shares(TW_GRP_MLKEM1024, 1568, 1568, true);
    shares(TW_GRP_X25519MLKEM768, 1216, 1120, true); /* draft-ietf-tls-ecdhe-mlkem 4.1, 4.2 */
    shares(TW_GRP_SECP256R1MLKEM768, 1249, 1153, true);
    shares(TW_GRP_SECP384R1MLKEM1024, 1665, 1665, true);
    shares(0x6399, 1216, 1120, true);
    shares(22, 65, 65, false); /* secp256k1 */
    shares(1, 43, 43, false);  /* sect163k1 */
}

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(tw_group_by_id(TW_GRP_X25519)->kind, TW_GROUP_XDH);
    assert_int_equal(tw_group_by_id(TW_GRP_SECP256R1)->kind, TW_GROUP_ECP);
    assert_int_equal(tw_group_by_id(TW_GRP_FFDHE3072)->kind, TW_GROUP_FFDHE);
    assert_int_equal(tw_group_by_id(TW_GRP_MLKEM768)->kind, TW_GROUP_KEM);
    assert_int_equal(tw_group_by_id(TW_GRP_X25519MLKEM768)->kind, TW_GROUP_HYBRID);
    assert_int_equal(tw_group_by_id(0xff01)->kind, TW_GROUP_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_and_found),
        cmocka_unit_test(names),
        cmocka_unit_test(share_lengths),
        cmocka_unit_test(kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
