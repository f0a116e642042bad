/* Every version, key exchange, key type and bulk cipher that can be spoken here, both with real
 * and with fake crypto. */
#include "pair.h"

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_make(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_drop(&world);
    return 0;
}

static enum key_kind key_for(const struct tw_suite *s)
{
    switch (s->auth) {
    case TW_AUTH_ECDSA:
        return KEY_P256;
    case TW_AUTH_DSS:
        return KEY_DSA;
    default:
        return KEY_RSA;
    }
}

static bool is_psk(const struct tw_suite *s)
{
    return s->kx == TW_KX_PSK || s->kx == TW_KX_DHE_PSK || s->kx == TW_KX_ECDHE_PSK ||
           s->kx == TW_KX_RSA_PSK;
}

static bool spoken12(const struct tw_suite *s, struct tw_crypto *c)
{
    return (s->flags & (TW_SUITE_SCSV | TW_SUITE_EXPORT)) == 0 && s->mac != TW_MAC_NULL &&
           s->mac != TW_MAC_OTHER && tw_bulk_info(s->bulk) != NULL &&
           c->has_bulk(c->ctx, s->bulk) &&
           (s->kx == TW_KX_RSA || s->kx == TW_KX_DHE || s->kx == TW_KX_ECDHE || is_psk(s));
}

static void one12(const struct tw_suite *suite, uint16_t version, bool fake)
{
    struct setup s;
    struct run r;
    char what[128];
    if (fake && suite->auth == TW_AUTH_DSS)
        return; /* the fake table has no such keys */
    snprintf(what, sizeof what, "%s in %s%s", suite->name, tw_version_name(version),
             fake ? ", fake" : "");
    if (fake)
        setup_init_fake(&s, &world, key_for(suite));
    else
        setup_init(&s, &world, key_for(suite));
    tw_hello_limit_versions(&s.hello, version, version);
    only(&s.hello.ciphers, suite->id);
    only(&s.server.ciphers, suite->id);
    if (is_psk(suite))
        s.psk = "a shared key";
    run_pair(&r, &s);
    expect_healthy(&r, what);
    assert_int_equal(negotiated(r.ct, "version"), version);
    assert_int_equal(negotiated(r.ct, "cipher"), suite->id);
    run_drop(&r);
    if (fake)
        setup_drop_fakes(&s);
}

static size_t all12(bool fake)
{
    struct tw_crypto *c = fake ? tw_crypto_fake(1) : world.real;
    const struct tw_suite *s;
    size_t n = 0;
    for (size_t i = 0; (s = tw_suite_at(i)) != NULL; i++) {
        if (!spoken12(s, c))
            continue;
        for (uint16_t v = TW_TLS10; v <= TW_TLS12; v++) {
            if (v < s->min_version || v > s->max_version)
                continue;
            one12(s, v, fake);
            n++;
        }
    }
    if (fake)
        tw_crypto_free(c);
    return n;
}

static void test_suites12(void **state)
{
    (void)state;
    assert_true(all12(false) > 150);
}

static void test_suites12_fake(void **state)
{
    (void)state;
    assert_true(all12(true) > 150);
}

static void one13(uint16_t suite, uint16_t group, enum key_kind key, bool fake)
{
    struct setup s;
    struct run r;
    char what[64];
    snprintf(what, sizeof what, "suite %04x, group %04x, key %d%s", suite, group, (int)key,
             fake ? ", fake" : "");
    if (fake)
        setup_init_fake(&s, &world, key);
    else
        setup_init(&s, &world, key);
    only(&s.hello.ciphers, suite);
    only(&s.hello.groups, group);
    only(&s.hello.shares, group);
    only(&s.server.groups, group);
    run_pair(&r, &s);
    expect_healthy(&r, what);
    assert_int_equal(negotiated(r.ct, "version"), TW_TLS13);
    assert_int_equal(negotiated(r.ct, "cipher"), suite);
    assert_int_equal(negotiated(r.ct, "group"), group);
    run_drop(&r);
    if (fake)
        setup_drop_fakes(&s);
}

static void test_tls13(void **state)
{
    (void)state;
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0x1304, 0x1305};
    static const enum key_kind keys[] = {KEY_P256, KEY_P384, KEY_RSA, KEY_ED25519};
    for (size_t i = 0; i < TW_ARRAY_LEN(suites); i++)
        for (size_t k = 0; k < TW_ARRAY_LEN(keys); k++)
            one13(suites[i], TW_GRP_X25519, keys[k], false);
    size_t n = 0;
    const struct tw_group *g;
    for (size_t i = 0; (g = tw_group_at(i)) != NULL; i++) {
        if (!g->tls13 || !world.real->has_group(world.real->ctx, g->id) || g->client_share == 0)
            continue;
        n++;
        one13(0x1301, g->id, KEY_P256, false);
        one13(0x1302, g->id, KEY_RSA, true);
    }
    assert_true(n >= 8);
}

/* Below TLS 1.3 with what a lean client leaves out. */
static void test_without_extensions(void **state)
{
    (void)state;
    static const uint16_t drop[] = {TW_EXT_ENCRYPT_THEN_MAC, TW_EXT_EXTENDED_MASTER_SECRET,
                                    TW_EXT_SIGNATURE_ALGORITHMS, TW_EXT_SESSION_TICKET,
                                    TW_EXT_RENEGOTIATION_INFO, TW_EXT_EC_POINT_FORMATS};
    static const uint16_t suites[] = {0x002f, 0xc013, 0xc027, 0x000a, 0x0033};
    for (uint16_t v = TW_TLS10; v <= TW_TLS12; v++)
        for (size_t i = 0; i < TW_ARRAY_LEN(suites); i++) {
            struct setup s;
            struct run r;
            if (tw_suite_by_id(suites[i])->min_version > v)
                continue;
            setup_init(&s, &world, KEY_RSA);
            tw_hello_limit_versions(&s.hello, v, v);
            only(&s.hello.ciphers, suites[i]);
            for (size_t k = 0; k < TW_ARRAY_LEN(drop); k++)
                tw_hello_drop_ext(&s.hello, drop[k]);
            run_pair(&r, &s);
            expect_healthy(&r, "lean client");
            run_drop(&r);
        }
}

/* Groups of ECDHE and parameters of DHE below TLS 1.3. */
static void test_groups12(void **state)
{
    (void)state;
    static const uint16_t groups[] = {TW_GRP_X25519, TW_GRP_SECP256R1, TW_GRP_SECP384R1,
                                      TW_GRP_SECP521R1, TW_GRP_X448};
    for (size_t i = 0; i < TW_ARRAY_LEN(groups); i++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_RSA);
        tw_hello_limit_versions(&s.hello, TW_TLS12, TW_TLS12);
        only(&s.hello.ciphers, 0xc02f);
        only(&s.server.groups, groups[i]);
        run_pair(&r, &s);
        expect_healthy(&r, "ECDHE group");
        assert_int_equal(negotiated(r.st, "group"), groups[i]);
        run_drop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites12),           cmocka_unit_test(test_suites12_fake),
        cmocka_unit_test(test_tls13),              cmocka_unit_test(test_without_extensions),
        cmocka_unit_test(test_groups12),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
