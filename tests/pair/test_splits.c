/* However the bytes are cut on their way, both sides' traces are the same. */
#include "pair.h"

static struct world world;
static struct tw_session session13, session12; /* made by fake crypto, good for fake crypto */

/* ---- scenarios ------------------------------------------------------------------------------- */

static void plain13(struct setup *s)
{
    only(&s->server.ciphers, 0x1301);
    s->server.tickets = true;
}

static void retry13(struct setup *s)
{
    only(&s->hello.shares, TW_GRP_X25519);
    only(&s->server.groups, TW_GRP_SECP384R1);
}

static void auth13(struct setup *s)
{
    s->server.client_cert = 2;
    s->client_cred = s->server.creds[0];
}

static void resume13(struct setup *s)
{
    plain13(s);
    s->session = &session13;
}

static void refused13(struct setup *s)
{
    s->server.client_cert = 2;
}

static void ecdhe12(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS12, TW_TLS12);
    s->server.tickets = true;
    s->server.ocsp_response = tw_view_str("response");
}

static void auth12(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS12, TW_TLS12);
    auth13(s);
}

static void resume12(struct setup *s)
{
    ecdhe12(s);
    s->session = &session12;
}

static void cbc10(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS10, TW_TLS10);
    only(&s->server.ciphers, 0xc009);
}

static void cbc11(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS11, TW_TLS11);
    only(&s->server.ciphers, 0xc009);
}

static void dhe12(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS12, TW_TLS12);
    only(&s->server.ciphers, 0x00a6); /* anonymous, so that the EC key does */
}

static void psk12(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS12, TW_TLS12);
    only(&s->server.ciphers, 0x00a8);
    s->psk = "secret";
}

static void bad_finished(struct setup *s)
{
    s->server.faults.corrupt_finished = true;
}

static void bad_record(struct setup *s)
{
    s->server.faults.corrupt_record = true;
}

static void bad_version(struct setup *s)
{
    tw_hello_limit_versions(&s->hello, TW_TLS12, TW_TLS12);
    only(&s->server.versions, TW_TLS13);
}

static const struct {
    const char *name;
    void (*change)(struct setup *s);
} scenarios[] = {
    {"TLS 1.3", plain13},           {"TLS 1.3, retry", retry13},
    {"TLS 1.3, client", auth13},    {"TLS 1.3, resumed", resume13},
    {"TLS 1.3, refused", refused13}, {"TLS 1.2", ecdhe12},
    {"TLS 1.2, client", auth12},    {"TLS 1.2, resumed", resume12},
    {"TLS 1.0, CBC", cbc10},        {"TLS 1.1, CBC", cbc11},
    {"TLS 1.2, DHE", dhe12},        {"TLS 1.2, PSK", psk12},
    {"bad Finished", bad_finished},
    {"bad record", bad_record},     {"no version", bad_version},
};

/* ---- comparing ------------------------------------------------------------------------------- */

struct saved {
    struct tw_buf client, server;
};

static void save(struct saved *out, void (*change)(struct setup *s), enum cut cut, uint32_t seed)
{
    struct setup s;
    struct run r;
    setup_init_fake(&s, &world, KEY_P256);
    change(&s);
    s.cut = cut;
    s.cut_seed = seed;
    run_pair(&r, &s);
    tw_buf_init(&out->client, 16 << 20);
    tw_buf_init(&out->server, 16 << 20);
    assert_int_equal(tw_trace_save(r.ct, &out->client), TW_OK);
    assert_int_equal(tw_trace_save(r.st, &out->server), TW_OK);
    run_drop(&r);
    setup_drop_fakes(&s);
}

static void drop(struct saved *x)
{
    tw_buf_cleanup(&x->client);
    tw_buf_cleanup(&x->server);
}

static void first_difference(const char *what, struct tw_view a, struct tw_view b)
{
    size_t i = 0, line = 0;
    for (; i < a.len && i < b.len && a.data[i] == b.data[i]; i++)
        if (a.data[i] == '\n')
            line = i + 1;
    struct tw_view x = tw_view_sub(a, line, 160), y = tw_view_sub(b, line, 160);
    fail_msg("%s: traces differ:\n%.*s\n%.*s", what, (int)x.len, (const char *)x.data, (int)y.len,
             (const char *)y.data);
}

static void same(const char *what, const struct saved *a, const struct saved *b)
{
    if (!tw_view_eq(tw_buf_view(&a->client), tw_buf_view(&b->client)))
        first_difference(what, tw_buf_view(&a->client), tw_buf_view(&b->client));
    if (!tw_view_eq(tw_buf_view(&a->server), tw_buf_view(&b->server)))
        first_difference(what, tw_buf_view(&a->server), tw_buf_view(&b->server));
}

static void test_splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(scenarios); i++) {
        struct saved whole, other;
        save(&whole, scenarios[i].change, CUT_WHOLE, 0);
        assert_true(whole.client.len > 500);
        save(&other, scenarios[i].change, CUT_BYTES, 0);
        same(scenarios[i].name, &whole, &other);
        drop(&other);
        for (uint32_t seed = 1; seed <= 8; seed++) {
            save(&other, scenarios[i].change, CUT_RANDOM, seed);
            same(scenarios[i].name, &whole, &other);
            drop(&other);
        }
        drop(&whole);
    }
}

/* ---- sessions to resume ---------------------------------------------------------------------- */

static void make_session(void (*change)(struct setup *s), struct tw_session *out)
{
    struct setup s;
    struct run r;
    setup_init_fake(&s, &world, KEY_P256);
    change(&s);
    run_pair(&r, &s);
    expect_healthy(&r, "to be resumed");
    assert_true(tw_conn_session(r.c, out));
    run_drop(&r);
    setup_drop_fakes(&s);
}

static int setup(void **state)
{
    (void)state;
    world_make(&world);
    make_session(plain13, &session13);
    make_session(ecdhe12, &session12);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_drop(&world);
    return 0;
}

/* The scenarios are what their names say. */
static void test_scenarios(void **state)
{
    (void)state;
    struct setup s;
    struct run r;
    setup_init_fake(&s, &world, KEY_P256);
    resume13(&s);
    run_pair(&r, &s);
    expect_healthy(&r, "resumed 1.3");
    assert_int_equal(negotiated(r.ct, "resumed"), 1);
    run_drop(&r);
    setup_drop_fakes(&s);
    setup_init_fake(&s, &world, KEY_P256);
    resume12(&s);
    run_pair(&r, &s);
    expect_healthy(&r, "resumed 1.2");
    assert_int_equal(negotiated(r.ct, "resumed"), 1);
    run_drop(&r);
    setup_drop_fakes(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_splits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
