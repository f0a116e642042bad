/* Each fault that the server role can be told to have, and what the client's trace says then. */
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

static void start(struct setup *s, enum key_kind key, uint16_t version)
{
    setup_init(s, &world, key);
    tw_hello_limit_versions(&s->hello, version, version);
}

/* Runs; the client's CHECK must be bad, and it says so to the server. */
static void expect_bad_check(struct setup *s, const char *field, int alert)
{
    struct run r;
    run_pair(&r, s);
    const struct tw_fact *f = tw_trace_last(r.ct, 1, TW_FACT_CHECK, field);
    if (f == NULL)
        fail_msg("no check %s", field);
    assert_int_equal(f->num, 0);
    assert_int_equal(f->from, TW_SERVER);
    assert_int_equal(alert_from(r.ct, TW_CLIENT), alert);
    assert_int_equal(alert_from(r.st, TW_CLIENT), alert);
    assert_null(tw_trace_first(r.ct, 1, TW_FACT_COMPLETE, NULL));
    run_drop(&r);
}

static void expect_local(struct setup *s, const char *field, int64_t aux)
{
    struct run r;
    run_pair(&r, s);
    const struct tw_fact *f = tw_trace_first(r.ct, 1, TW_FACT_LOCAL, NULL);
    assert_non_null(f);
    assert_string_equal(f->field, field);
    assert_int_equal(f->aux, aux);
    run_drop(&r);
}

static void test_alert_on_hello(void **state)
{
    (void)state;
    static const int alerts[] = {0, 40, 70, 80, 112};
    for (size_t i = 0; i < TW_ARRAY_LEN(alerts); i++) {
        struct setup s;
        struct run r;
        start(&s, KEY_P256, TW_TLS13);
        s.server.faults.alert_on_hello = alerts[i] + 1;
        run_pair(&r, &s);
        assert_int_equal(alert_from(r.ct, TW_SERVER), alerts[i]);
        assert_false(has_message(r.ct, TW_SERVER, TW_MSG_SERVER_HELLO));
        run_drop(&r);
    }
    struct setup s; /* a warning, and on it goes: what servers do about names */
    struct run r;
    start(&s, KEY_P256, TW_TLS12);
    s.server.faults.alert_on_hello = 112 + 1;
    s.server.faults.alert_level = 1;
    run_pair(&r, &s);
    const struct tw_fact *f = tw_trace_first(r.ct, 1, TW_FACT_ALERT, NULL);
    assert_int_equal(f->num, 112);
    assert_int_equal(f->aux, 1);
    assert_non_null(tw_trace_first(r.ct, 1, TW_FACT_COMPLETE, NULL));
    run_drop(&r);
}

static void test_corrupt_signature(void **state)
{
    (void)state;
    static const enum key_kind keys[] = {KEY_P256, KEY_RSA, KEY_ED25519};
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++)
        for (size_t k = 0; k < TW_ARRAY_LEN(keys); k++) {
            struct setup s;
            if (v < TW_TLS12 && keys[k] == KEY_ED25519)
                continue;
            start(&s, keys[k], v);
            s.server.faults.corrupt_signature = true;
            expect_bad_check(&s, v == TW_TLS13 ? "certificate_verify" : "server_key_exchange",
                             TW_ALERT_DECRYPT_ERROR);
        }
}

static void test_corrupt_finished(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++) {
        struct setup s;
        start(&s, KEY_RSA, v);
        s.server.faults.corrupt_finished = true;
        expect_bad_check(&s, "finished", TW_ALERT_DECRYPT_ERROR);
    }
}

static void test_corrupt_record(void **state)
{
    (void)state;
    static const uint16_t suites12[] = {0xc02f, 0xcca8, 0xc027, 0xc013, 0xc011, 0x003b};
    struct setup s;
    start(&s, KEY_RSA, TW_TLS13);
    s.server.faults.corrupt_record = true;
    expect_bad_check(&s, "record_mac", TW_ALERT_BAD_RECORD_MAC);
    for (size_t i = 0; i < TW_ARRAY_LEN(suites12); i++) {
        const struct tw_suite *suite = tw_suite_by_id(suites12[i]);
        if (!world.real->has_bulk(world.real->ctx, suite->bulk))
            continue;
        start(&s, KEY_RSA, TW_TLS12);
        only(&s.server.ciphers, suite->id);
        s.server.faults.corrupt_record = true;
        expect_bad_check(&s, "record_mac", TW_ALERT_BAD_RECORD_MAC);
    }
}

static void test_silence(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        start(&s, KEY_RSA, v);
        s.server.faults.stop_after_hello = true;
        run_pair(&r, &s);
        assert_int_equal(tw_conn_state(r.c), TW_CONN_HANDSHAKING);
        assert_false(has_message(r.ct, TW_SERVER, TW_MSG_SERVER_HELLO));
        assert_int_equal(alert_from(r.ct, TW_SERVER), -1);
        run_drop(&r);
        s.server.faults.stop_after_hello = false;
        s.server.faults.stop_after_server_hello = true;
        run_pair(&r, &s);
        assert_int_equal(tw_conn_state(r.c), TW_CONN_HANDSHAKING);
        assert_true(has_message(r.ct, TW_SERVER, TW_MSG_SERVER_HELLO));
        assert_false(has_message(r.ct, TW_SERVER, TW_MSG_CERTIFICATE));
        assert_false(has_message(r.ct, TW_SERVER, TW_MSG_ENCRYPTED_EXTENSIONS));
        run_drop(&r);
    }
}

static void test_alert_after_finished(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        start(&s, KEY_RSA, v);
        s.server.faults.alert_after_finished = true;
        run_pair(&r, &s);
        assert_int_equal(alert_from(r.ct, TW_SERVER), TW_ALERT_INTERNAL_ERROR);
        /* in TLS 1.3 the client is done before the server can tell */
        assert_int_equal(tw_trace_first(r.ct, 1, TW_FACT_COMPLETE, NULL) != NULL, v == TW_TLS13);
        run_drop(&r);
    }
}

static void test_force_cipher(void **state)
{
    (void)state;
    struct setup s;
    start(&s, KEY_RSA, TW_TLS12);
    only(&s.hello.ciphers, 0xc02f);
    s.server.faults.force_cipher = 0xc030;
    expect_local(&s, "cipher_not_offered", 0xc030);
    start(&s, KEY_RSA, TW_TLS12); /* offered, but no key for it */
    s.server.faults.force_cipher = 0xc02b;
    struct run r;
    run_pair(&r, &s);
    assert_int_equal(negotiated(r.ct, "cipher"), 0xc02b);
    run_drop(&r);
    start(&s, KEY_RSA, TW_TLS13);
    only(&s.hello.ciphers, 0x1301);
    s.server.faults.force_cipher = 0x1303;
    expect_local(&s, "cipher_not_offered", 0x1303);
    start(&s, KEY_RSA, TW_TLS12); /* belongs to TLS 1.3 */
    tw_u16list_add(&s.hello.ciphers, 0x1301);
    s.server.faults.force_cipher = 0x1301;
    expect_local(&s, "cipher_wrong_version", 0x1301);
}

static void test_force_group(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    start(&s, KEY_RSA, TW_TLS13);
    s.server.faults.force_group = TW_GRP_SECP521R1; /* offered without a share */
    run_pair(&r, &s);
    expect_healthy(&r, "forced group");
    assert_true(has_message(r.ct, TW_SERVER, TW_MSG_HELLO_RETRY_REQUEST));
    run_drop(&r);
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        start(&s, KEY_RSA, v);
        only(&s.hello.groups, TW_GRP_X25519);
        only(&s.hello.shares, TW_GRP_X25519);
        s.server.faults.force_group = TW_GRP_SECP384R1;
        expect_local(&s, "group_not_offered", TW_GRP_SECP384R1);
    }
}

static void test_force_version(void **state)
{
    (void)state;
    static const struct {
        uint16_t client, server;
    } cases[] = {{TW_TLS12, TW_TLS13}, {TW_TLS13, TW_TLS12}, {TW_TLS13, TW_TLS10},
                 {TW_TLS12, TW_TLS11}};
    struct setup s;
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        setup_init(&s, &world, KEY_RSA); /* not limited: also suites of the other version */
        struct tw_u16list ciphers = s.hello.ciphers;
        tw_hello_limit_versions(&s.hello, cases[i].client, cases[i].client);
        s.hello.ciphers = ciphers;
        s.server.faults.force_version = cases[i].server;
        expect_local(&s, "version_not_offered", cases[i].server);
    }
    start(&s, KEY_RSA, TW_TLS12);
    s.server.faults.force_version = TW_SSL3;
    expect_local(&s, "ssl3", TW_SSL3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alert_on_hello),   cmocka_unit_test(test_corrupt_signature),
        cmocka_unit_test(test_corrupt_finished), cmocka_unit_test(test_corrupt_record),
        cmocka_unit_test(test_silence),          cmocka_unit_test(test_alert_after_finished),
        cmocka_unit_test(test_force_cipher),     cmocka_unit_test(test_force_group),
        cmocka_unit_test(test_force_version),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
