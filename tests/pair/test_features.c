/* What a healthy server is configured to do: retry, resume, ask for certificates, names, ALPN,
 * stapling; and the alerts when client and configuration do not fit. */
#include "engine/internal.h" /* to send a KeyUpdate, which no driver can ask for */
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

static void limit(struct setup *s, uint16_t version)
{
    tw_hello_limit_versions(&s->hello, version, version);
}

/* Runs, expects a fatal alert from the server and the same LOCAL fact, and no completion. */
static void expect_refusal(struct setup *s, int alert, const char *local)
{
    struct run r;
    run_pair(&r, s);
    assert_int_equal(alert_from(r.ct, TW_SERVER), alert);
    const struct tw_fact *f = tw_trace_first(r.st, 1, TW_FACT_LOCAL, NULL);
    assert_non_null(f);
    assert_string_equal(f->field, local);
    assert_int_equal(f->num, alert);
    assert_int_equal(f->from, TW_SERVER);
    assert_null(tw_trace_first(r.st, 1, TW_FACT_COMPLETE, NULL));
    assert_int_equal(tw_conn_state(r.s), TW_CONN_STOPPED);
    run_drop(&r);
}

static void expect_ok(struct setup *s, const char *what)
{
    struct run r;
    run_pair(&r, s);
    expect_healthy(&r, what);
    run_drop(&r);
}

/* ---- HelloRetryRequest -------------------------------------------------------------------------- */

static void test_retry(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_P256);
        only(&s.hello.shares, TW_GRP_X25519);
        if (empty)
            s.hello.shares.n = 0;
        only(&s.server.groups, TW_GRP_SECP384R1);
        run_pair(&r, &s);
        expect_healthy(&r, "retry");
        assert_true(has_message(r.ct, TW_SERVER, TW_MSG_HELLO_RETRY_REQUEST));
        assert_true(has_message(r.st, TW_SERVER, TW_MSG_HELLO_RETRY_REQUEST));
        assert_int_equal(negotiated(r.ct, "group"), TW_GRP_SECP384R1);
        run_drop(&r);
    }
}

/* A group that needs no retry wins over one that the server would rather have. */
static void test_no_needless_retry(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    setup_init(&s, &world, KEY_P256);
    only(&s.hello.shares, TW_GRP_SECP256R1);
    only(&s.server.groups, TW_GRP_X25519);
    tw_u16list_add(&s.server.groups, TW_GRP_SECP256R1);
    run_pair(&r, &s);
    expect_healthy(&r, "no retry");
    assert_false(has_message(r.ct, TW_SERVER, TW_MSG_HELLO_RETRY_REQUEST));
    run_drop(&r);
}

/* ---- resumption --------------------------------------------------------------------------------- */

static struct tw_session get_session(struct setup *s)
{
    struct run r;
    struct tw_session session;
    s->server.tickets = true;
    run_pair(&r, s);
    expect_healthy(&r, "first connection");
    assert_true(tw_conn_session(r.c, &session));
    assert_true(has_message(r.ct, TW_SERVER, TW_MSG_NEW_SESSION_TICKET));
    run_drop(&r);
    return session;
}

static void resumed_run(struct setup *s, bool resumed, const char *what)
{
    struct run r;
    run_pair(&r, s);
    expect_healthy(&r, what);
    assert_int_equal(negotiated(r.ct, "resumed") == 1, resumed);
    assert_int_equal(has_message(r.ct, TW_SERVER, TW_MSG_CERTIFICATE), !resumed);
    run_drop(&r);
}

static void test_resume(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++) {
        struct setup s;
        setup_init(&s, &world, KEY_RSA);
        limit(&s, v);
        struct tw_session session = get_session(&s);
        s.session = &session;
        resumed_run(&s, true, "resumption");

        s.server.ticket_key[0] ^= 1; /* another server: its tickets are not ours */
        resumed_run(&s, false, "ticket of another server");
        s.server.ticket_key[0] ^= 1;
        s.server.tickets = false;
        resumed_run(&s, false, "tickets are off");
        s.server.tickets = true;
        s.now += 7201 * UINT64_C(1000000000);
        resumed_run(&s, false, "ticket too old");
    }
}

static void test_resume_after_retry(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    setup_init(&s, &world, KEY_P256);
    struct tw_session session = get_session(&s);
    s.session = &session;
    only(&s.hello.shares, TW_GRP_X25519);
    only(&s.server.groups, TW_GRP_SECP256R1);
    run_pair(&r, &s);
    expect_healthy(&r, "PSK after a retry");
    assert_true(has_message(r.ct, TW_SERVER, TW_MSG_HELLO_RETRY_REQUEST));
    assert_int_equal(negotiated(r.ct, "resumed"), 1);
    assert_int_equal(check_fact(r.st, "psk_binder")->num, 1);
    run_drop(&r);
}

/* A suite of another hash: the PSK cannot be used, the handshake goes on without. */
static void test_resume_other_hash(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, &world, KEY_P256);
    only(&s.server.ciphers, 0x1301);
    struct tw_session session = get_session(&s);
    s.session = &session;
    only(&s.server.ciphers, 0x1302);
    resumed_run(&s, false, "PSK of another hash");
}

static void test_bad_binder(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    setup_init(&s, &world, KEY_P256);
    struct tw_session session = get_session(&s);
    session.secret[0] ^= 1;
    s.session = &session;
    run_pair(&r, &s);
    assert_int_equal(check_fact(r.st, "psk_binder")->num, 0);
    assert_int_equal(alert_from(r.ct, TW_SERVER), TW_ALERT_DECRYPT_ERROR);
    run_drop(&r);
}

/* RFC 7627 5.3 */
static void test_resume_without_ems(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, &world, KEY_RSA);
    limit(&s, TW_TLS12);
    struct tw_session session = get_session(&s);
    s.session = &session;
    tw_hello_drop_ext(&s.hello, TW_EXT_EXTENDED_MASTER_SECRET);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "extended_master_secret");
}

/* ---- client authentication ---------------------------------------------------------------------- */

static void test_client_auth(void **state)
{
    (void)state;
    static const enum key_kind keys[] = {KEY_P256, KEY_RSA, KEY_ED25519};
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++)
        for (size_t k = 0; k < TW_ARRAY_LEN(keys); k++) {
            struct setup s;
            struct run r;
            if (v < TW_TLS12 && keys[k] == KEY_ED25519)
                continue;
            setup_init(&s, &world, KEY_RSA);
            limit(&s, v);
            s.server.client_cert = 2;
            s.client_cred = world.cred[keys[k]];
            run_pair(&r, &s);
            expect_healthy(&r, "client authentication");
            assert_int_equal(check_fact(r.st, "certificate_verify")->num, 1);
            assert_int_equal(negotiated(r.st, "client_auth"), 1);
            assert_int_equal(negotiated(r.ct, "client_auth"), 1);
            assert_non_null(tw_trace_first(r.st, 1, TW_FACT_CERTIFICATE, NULL));
            run_drop(&r);
        }
}

static void test_client_auth_without(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_RSA);
        limit(&s, v);
        s.server.client_cert = 1;
        run_pair(&r, &s);
        expect_healthy(&r, "certificate asked for, none given");
        assert_int_equal(negotiated(r.st, "client_auth"), 0);
        run_drop(&r);
        s.server.client_cert = 2;
        expect_refusal(&s, v == TW_TLS13 ? TW_ALERT_CERTIFICATE_REQUIRED
                                         : TW_ALERT_HANDSHAKE_FAILURE,
                       "client_cert_required");
    }
}

/* A key that is not the certificate's. */
static void test_client_auth_wrong_key(void **state)
{
    (void)state;
    static const uint16_t versions[] = {TW_TLS12, TW_TLS13};
    struct tw_credential mixed = *world.cred[KEY_P256];
    mixed.key = tw_make_privkey(world.real, TW_MAKE_P256);
    for (size_t i = 0; i < 2; i++) {
        struct setup s;
        setup_init(&s, &world, KEY_RSA);
        limit(&s, versions[i]);
        s.server.client_cert = 2;
        s.client_cred = &mixed;
        expect_refusal(&s, TW_ALERT_DECRYPT_ERROR, "certificate_verify");
    }
    world.real->privkey_free(mixed.key);
}

/* ---- names, ALPN, stapling ---------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    static const char *const served[] = {"other.example", "*.wild.example", "test.example"};
    static const struct {
        const char *name;
        bool strict;
        int alert;
    } cases[] = {
        {"test.example", true, 0},        {"TEST.Example", true, 0},
        {"a.wild.example", true, 0},      {"wild.example", true, 112},
        {"a.b.wild.example", true, 112},  {"nobody.example", true, 112},
        {"nobody.example", false, 0},
    };
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++)
        for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
            struct setup s;
            setup_init(&s, &world, KEY_P256);
            limit(&s, v);
            s.server.names = served;
            s.server.names_n = 3;
            s.server.sni_strict = cases[i].strict;
            tw_copy_str(s.hello.server_name, sizeof s.hello.server_name, cases[i].name);
            if (cases[i].alert == 0)
                expect_ok(&s, cases[i].name);
            else
                expect_refusal(&s, cases[i].alert, "sni_unknown");
        }
    struct setup s;
    setup_init(&s, &world, KEY_P256);
    s.server.sni_required = true;
    expect_ok(&s, "name given");
    s.hello.server_name[0] = 0;
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "sni_missing");
}

static void offer_alpn(struct setup *s, const char *a, const char *b)
{
    tw_copy_str(s->hello.alpn[0], sizeof s->hello.alpn[0], a);
    tw_copy_str(s->hello.alpn[1], sizeof s->hello.alpn[1], b);
    s->hello.alpn_n = 2;
    if (!tw_hello_has_ext(&s->hello, TW_EXT_ALPN))
        s->hello.order[s->hello.order_n++] = TW_EXT_ALPN;
}

static void test_alpn(void **state)
{
    (void)state;
    static const char *const spoken[] = {"http/1.1", "h2"};
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_P256);
        limit(&s, v);
        s.server.alpn = spoken;
        s.server.alpn_n = 2;
        s.server.alpn_required = true;
        expect_ok(&s, "no ALPN offered");
        offer_alpn(&s, "h2", "http/1.1");
        run_pair(&r, &s);
        expect_healthy(&r, "ALPN");
        assert_string_equal(tw_conn_alpn(r.c), "http/1.1"); /* the server's order */
        assert_string_equal(tw_conn_alpn(r.s), "http/1.1");
        run_drop(&r);
        offer_alpn(&s, "imap", "xmpp-client");
        expect_refusal(&s, TW_ALERT_NO_APPLICATION_PROTOCOL, "alpn_no_overlap");
        s.server.alpn_required = false;
        expect_ok(&s, "ALPN without overlap, not required");
    }
}

static void test_stapling(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS10; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_RSA);
        limit(&s, v);
        s.server.ocsp_response = tw_view_str("not really an OCSP response");
        run_pair(&r, &s);
        expect_healthy(&r, "stapling");
        assert_int_equal(has_message(r.ct, TW_SERVER, TW_MSG_CERTIFICATE_STATUS), v < TW_TLS13);
        run_drop(&r);
        tw_hello_drop_ext(&s.hello, TW_EXT_STATUS_REQUEST);
        run_pair(&r, &s);
        expect_healthy(&r, "stapling not asked for");
        assert_false(has_message(r.ct, TW_SERVER, TW_MSG_CERTIFICATE_STATUS));
        run_drop(&r);
    }
}

/* ---- nothing in common -------------------------------------------------------------------------- */

static void test_no_overlap(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, &world, KEY_P256);
    only(&s.server.versions, TW_TLS12);
    limit(&s, TW_TLS13);
    expect_refusal(&s, TW_ALERT_PROTOCOL_VERSION, "version_no_overlap");
    setup_init(&s, &world, KEY_P256);
    only(&s.server.versions, TW_TLS13);
    limit(&s, TW_TLS12);
    expect_refusal(&s, TW_ALERT_PROTOCOL_VERSION, "version_no_overlap");
    setup_init(&s, &world, KEY_P256);
    only(&s.server.versions, TW_TLS12);
    limit(&s, TW_TLS10);
    expect_refusal(&s, TW_ALERT_PROTOCOL_VERSION, "version_no_overlap");

    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        setup_init(&s, &world, KEY_P256);
        limit(&s, v);
        only(&s.hello.ciphers, v == TW_TLS13 ? 0x1301 : 0xc02b);
        only(&s.server.ciphers, v == TW_TLS13 ? 0x1302 : 0xc02c);
        expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "cipher_no_overlap");
    }
    setup_init(&s, &world, KEY_P256); /* RSA suites, no RSA key */
    limit(&s, TW_TLS12);
    only(&s.hello.ciphers, 0xc02f);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "cipher_no_overlap");
    setup_init(&s, &world, KEY_P256); /* ECDHE alone, no group in common */
    limit(&s, TW_TLS12);
    only(&s.hello.ciphers, 0xc02b);
    only(&s.server.groups, TW_GRP_X448);
    only(&s.hello.groups, TW_GRP_SECP256R1);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "cipher_no_overlap");
    limit(&s, TW_TLS13);
    setup_init(&s, &world, KEY_P256);
    only(&s.server.groups, TW_GRP_X448);
    only(&s.hello.groups, TW_GRP_SECP256R1);
    only(&s.hello.shares, TW_GRP_SECP256R1);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "group_no_overlap");
    setup_init(&s, &world, KEY_RSA);
    only(&s.hello.sigalgs, 0x0403);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "sigalg_no_overlap");
    setup_init(&s, &world, KEY_P256);
    tw_hello_drop_ext(&s.hello, TW_EXT_SIGNATURE_ALGORITHMS);
    expect_refusal(&s, TW_ALERT_MISSING_EXTENSION, "missing_extension");
    setup_init(&s, &world, KEY_P256); /* TLS_FALLBACK_SCSV, RFC 7507 */
    limit(&s, TW_TLS12);
    tw_u16list_add(&s.hello.ciphers, 0x5600);
    expect_refusal(&s, TW_ALERT_INAPPROPRIATE_FALLBACK, "inappropriate_fallback");
}

static void test_psk_unknown(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, &world, KEY_P256);
    limit(&s, TW_TLS12);
    only(&s.hello.ciphers, 0x00a8); /* TLS_PSK_WITH_AES_128_GCM_SHA256, and no PSK */
    only(&s.server.ciphers, 0x00a8);
    expect_refusal(&s, TW_ALERT_HANDSHAKE_FAILURE, "cipher_no_overlap");
}

/* ---- after the handshake, and defaults ---------------------------------------------------------- */

static void test_key_update(void **state)
{
    (void)state;
    static const uint8_t update[] = {TW_MSG_KEY_UPDATE, 0, 0, 1, 1};
    struct setup s;
    struct run r;
    setup_init(&s, &world, KEY_P256);
    s.say = NULL;
    run_pair(&r, &s);
    for (int i = 0; i < 3; i++) {
        tw_conn_send(r.c, tw_view_of(update, sizeof update));
        tw_conn_flush(r.c);
        assert_true(tw_schedule13_update(&r.c->ks, &r.c->ks.client_app));
        tw_conn_set_write(
            r.c, tw_protect13_new(r.c->crypto, r.c->suite, &r.c->ks.client_app, true));
    }
    assert_int_equal(tw_conn_write(r.c, s.now, tw_view_str("ping")), TW_OK);
    struct tw_view out = tw_conn_output(r.c);
    assert_int_equal(tw_conn_feed(r.s, s.now, out), TW_OK);
    tw_conn_sent(r.c, s.now, out.len);
    out = tw_conn_output(r.s);
    assert_true(tw_conn_feed(r.c, s.now, out) == TW_OK || tw_conn_state(r.c) != TW_CONN_HANDSHAKING);
    tw_conn_sent(r.s, s.now, out.len);
    expect_healthy(&r, "key update");
    run_drop(&r);
}

/* The default ClientHello against a server with all lists left empty. */
static void test_defaults(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    setup_init(&s, &world, KEY_P256);
    tw_hello_default(&s.hello);
    s.server.versions.n = s.server.ciphers.n = s.server.groups.n = s.server.sigalgs.n = 0;
    run_pair(&r, &s);
    expect_healthy(&r, "defaults");
    assert_int_equal(negotiated(r.ct, "version"), TW_TLS13);
    run_drop(&r);
}

/* Both sides write the same key log. */
static void test_secrets(void **state)
{
    (void)state;
    for (uint16_t v = TW_TLS12; v <= TW_TLS13; v++) {
        struct setup s;
        struct run r;
        setup_init(&s, &world, KEY_RSA);
        limit(&s, v);
        s.record_secrets = true;
        run_pair(&r, &s);
        expect_healthy(&r, "secrets");
        const struct tw_fact *f = NULL;
        size_t n = 0;
        while ((f = tw_trace_next(r.ct, f, 1, TW_FACT_SECRET, NULL)) != NULL) {
            const struct tw_fact *o = tw_trace_first(r.st, 1, TW_FACT_SECRET, f->field);
            assert_non_null(o);
            assert_string_equal(o->text, f->text);
            assert_true(tw_view_eq(o->data, f->data));
            n++;
        }
        assert_true(n >= (v == TW_TLS13 ? 4 : 1));
        run_drop(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_no_needless_retry),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_after_retry),
        cmocka_unit_test(test_resume_other_hash),
        cmocka_unit_test(test_bad_binder),
        cmocka_unit_test(test_resume_without_ems),
        cmocka_unit_test(test_client_auth),
        cmocka_unit_test(test_client_auth_without),
        cmocka_unit_test(test_client_auth_wrong_key),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_stapling),
        cmocka_unit_test(test_no_overlap),
        cmocka_unit_test(test_psk_unknown),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
