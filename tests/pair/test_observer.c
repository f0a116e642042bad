/*
 * The passive observer on what both roles said to each other: however a capture cuts it, the same
 * facts; and in clear it sees just what the client itself wrote down.
 */
#include "pair.h"

static struct world world;

/* ---- a conversation as a capture has it ------------------------------------------------------ */

struct piece {
    enum tw_side from;
    size_t off, len;
};

struct capture {
    struct tw_buf bytes;
    struct piece pieces[200];
    size_t n;
    struct tw_trace *live; /* the client's */
};

static bool carry(struct capture *k, enum tw_side side, struct tw_conn *from, struct tw_conn *to)
{
    struct tw_view out = tw_conn_output(from);
    if (out.len == 0)
        return false;
    assert_true(k->n < TW_ARRAY_LEN(k->pieces));
    k->pieces[k->n++] = (struct piece){side, k->bytes.len, out.len};
    assert_true(tw_buf_add(&k->bytes, out.data, out.len));
    enum tw_status st = tw_conn_feed(to, 1, out);
    assert_true(st == TW_OK || st == TW_STOPPED);
    tw_conn_sent(from, 1, out.len);
    return true;
}

static void record(struct capture *k, const struct setup *s)
{
    struct tw_conn_config cfg = {.crypto = s->client_crypto, .conn = 1, .hello = s->hello,
                                 .client_cred = s->client_cred, .server = &s->server};
    struct tw_trace *st = tw_trace_new(16 << 20);
    *k = (struct capture){.live = tw_trace_new(16 << 20)};
    tw_buf_init(&k->bytes, 1 << 20);
    if (s->psk != NULL) {
        cfg.psk_identity = tw_view_str("me");
        cfg.psk = tw_view_str(s->psk);
    }
    cfg.trace = k->live;
    struct tw_conn *c = tw_conn_new(&cfg, TW_ROLE_CLIENT, 0);
    cfg.crypto = s->server_crypto;
    cfg.trace = st;
    struct tw_conn *v = tw_conn_new(&cfg, TW_ROLE_SERVER, 0);
    assert_non_null(c);
    assert_non_null(v);
    bool moved = true, said = false;
    for (int i = 0; i < 50 && moved; i++) {
        moved = carry(k, TW_CLIENT, c, v);
        moved = carry(k, TW_SERVER, v, c) || moved;
        if (!said && tw_conn_state(c) == TW_CONN_OPEN) {
            moved = said = true;
            assert_int_equal(tw_conn_write(c, 1, tw_view_str("ping")), TW_OK);
        }
    }
    tw_conn_free(c);
    tw_conn_free(v);
    tw_trace_free(st);
}

static struct tw_trace *observe(const struct capture *k, enum cut cut, uint32_t seed)
{
    struct tw_trace *t = tw_trace_new(16 << 20);
    struct tw_observer *o = tw_observer_new(t, 1);
    assert_non_null(o);
    for (size_t i = 0; i < k->n; i++) {
        const struct piece *p = &k->pieces[i];
        for (size_t done = 0; done < p->len;) {
            seed = seed * 1664525u + 1013904223u;
            size_t n = cut == CUT_WHOLE ? p->len : cut == CUT_BYTES ? 1 : 1 + (seed >> 16) % 97;
            n = n < p->len - done ? n : p->len - done;
            uint8_t *own = malloc(n);
            assert_non_null(own);
            memcpy(own, k->bytes.data + p->off + done, n);
            assert_int_equal(tw_observer_feed(o, 1, p->from, tw_view_of(own, n)), TW_OK);
            free(own);
            done += n;
        }
    }
    tw_observer_end(o, 2, TW_CLIENT, "fin");
    tw_observer_end(o, 2, TW_SERVER, "fin");
    tw_observer_free(o);
    return t;
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static void tls13(struct setup *s)
{
    only(&s->server.ciphers, 0x1301);
}

static void retry13(struct setup *s)
{
    only(&s->hello.shares, TW_GRP_X25519);
    only(&s->server.groups, TW_GRP_SECP384R1);
}

static void client13(struct setup *s)
{
    s->server.client_cert = 2;
    s->client_cred = s->server.creds[0];
}

static void version(struct setup *s, uint16_t v, uint16_t suite)
{
    tw_hello_limit_versions(&s->hello, v, v);
    only(&s->server.ciphers, suite);
}

static void ecdhe12(struct setup *s)
{
    version(s, TW_TLS12, 0xc02b);
    s->server.ocsp_response = tw_view_str("response");
}

static void client12(struct setup *s)
{
    version(s, TW_TLS12, 0xc02b);
    client13(s);
}

static void psk12(struct setup *s)
{
    version(s, TW_TLS12, 0x00a8);
    s->psk = "secret";
}

static void cbc11(struct setup *s)
{
    version(s, TW_TLS11, 0xc009);
}

static void cbc10(struct setup *s)
{
    version(s, TW_TLS10, 0xc009);
}

static void refused(struct setup *s)
{
    version(s, TW_TLS12, 0xc02b);
    only(&s->server.versions, TW_TLS13);
}

static void bad_signature(struct setup *s)
{
    version(s, TW_TLS12, 0xc02b);
    s->server.faults.corrupt_signature = true;
}

static const struct {
    const char *name;
    void (*change)(struct setup *s);
    enum key_kind key;
    size_t at_least; /* facts in clear */
    bool stops;      /* the client gives up; the observer reads on */
} scenarios[] = {
    {"TLS 1.3", tls13, KEY_P256, 40},        {"TLS 1.3, retry", retry13, KEY_P256, 60},
    {"TLS 1.3, client", client13, KEY_P256, 40}, {"TLS 1.2", ecdhe12, KEY_P256, 50},
    {"TLS 1.2, client", client12, KEY_P256, 50}, {"TLS 1.2, PSK", psk12, KEY_P256, 20},
    {"TLS 1.1", cbc11, KEY_P256, 40},        {"TLS 1.0", cbc10, KEY_P256, 40},
    {"refused", refused, KEY_P256, 20},      {"bad signature", bad_signature, KEY_P256, 40, true},
};

static void capture_scenario(struct capture *k, size_t i)
{
    struct setup s;
    setup_init_fake(&s, &world, scenarios[i].key);
    scenarios[i].change(&s);
    record(k, &s);
    setup_drop_fakes(&s);
}

static void capture_drop(struct capture *k)
{
    tw_buf_cleanup(&k->bytes);
    tw_trace_free(k->live);
}

/* ---- any cut gives the same ------------------------------------------------------------------ */

static void expect_same(const char *name, const struct tw_trace *a, const struct tw_trace *b)
{
    struct tw_buf x, y;
    tw_buf_init(&x, 16 << 20);
    tw_buf_init(&y, 16 << 20);
    assert_int_equal(tw_trace_save(a, &x), TW_OK);
    assert_int_equal(tw_trace_save(b, &y), TW_OK);
    if (!tw_view_eq(tw_buf_view(&x), tw_buf_view(&y)))
        fail_msg("%s: the cuts make a difference", name);
    tw_buf_cleanup(&x);
    tw_buf_cleanup(&y);
}

static void test_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(scenarios); i++) {
        struct capture k;
        capture_scenario(&k, i);
        struct tw_trace *whole = observe(&k, CUT_WHOLE, 0), *other = observe(&k, CUT_BYTES, 0);
        assert_true(tw_trace_count(whole) > 15);
        expect_same(scenarios[i].name, whole, other);
        tw_trace_free(other);
        for (uint32_t seed = 1; seed <= 8; seed++) {
            other = observe(&k, CUT_RANDOM, seed);
            expect_same(scenarios[i].name, whole, other);
            tw_trace_free(other);
        }
        tw_trace_free(whole);
        capture_drop(&k);
    }
}

/* ---- the same facts as the client ------------------------------------------------------------ */

static bool is_compared(const struct tw_fact *f)
{
    switch (f->kind) {
    case TW_FACT_FIELD:
    case TW_FACT_NEGOTIATED: /* without an RFC's section it is what the client found out, not read */
        return !f->protected_ && f->source != NULL;
    case TW_FACT_MESSAGE:
    case TW_FACT_CERTIFICATE:
    case TW_FACT_MALFORMED:
    case TW_FACT_CCS:
        return !f->protected_;
    case TW_FACT_ALERT: /* the client writes its own alert down as LOCAL and as ALERT */
        return !f->protected_;
    default:
        return false;
    }
}

static const struct tw_fact *next_of(const struct tw_trace *t, const struct tw_fact *f,
                                     enum tw_side from)
{
    for (size_t i = f == NULL ? 0 : f->n + 1; i < tw_trace_count(t); i++) {
        const struct tw_fact *x = tw_trace_at(t, i);
        if (x->from == from && is_compared(x))
            return x;
    }
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_fact(const struct tw_fact *a, const struct tw_fact *b)
{
    return a->kind == b->kind && a->msg == b->msg && a->num == b->num && a->aux == b->aux &&
           a->off == b->off && a->len == b->len && strcmp(a->field, b->field) == 0 &&
           same_text(a->text, b->text) && same_text(a->source, b->source) &&
           tw_view_eq(a->data, b->data);
}

static size_t compare_side(size_t scenario, const struct tw_trace *live,
                           const struct tw_trace *seen, enum tw_side from)
{
    const char *name = scenarios[scenario].name;
    const struct tw_fact *a = NULL, *b = NULL;
    for (size_t n = 0;; n++) {
        a = next_of(live, a, from);
        b = next_of(seen, b, from);
        if (a == NULL && (b == NULL || scenarios[scenario].stops))
            return n;
        if (a == NULL || b == NULL || !same_fact(a, b))
            fail_msg("%s: fact %zu from the %s: live %s %s msg %d, observed %s %s msg %d", name, n,
                     tw_side_name(from), a == NULL ? "none" : tw_fact_kind_name(a->kind),
                     a == NULL ? "" : a->field, a == NULL ? 0 : a->msg,
                     b == NULL ? "none" : tw_fact_kind_name(b->kind), b == NULL ? "" : b->field,
                     b == NULL ? 0 : b->msg);
    }
}

static void test_same_as_live(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(scenarios); i++) {
        struct capture k;
        capture_scenario(&k, i);
        struct tw_trace *seen = observe(&k, CUT_WHOLE, 0);
        size_t n = compare_side(i, k.live, seen, TW_CLIENT);
        n += compare_side(i, k.live, seen, TW_SERVER);
        if (n < scenarios[i].at_least)
            fail_msg("%s: %zu facts in clear", scenarios[i].name, n);
        tw_trace_free(seen);
        capture_drop(&k);
    }
}

/* One direction alone is read as far as it goes. */
static void test_one_side(void **state)
{
    (void)state;
    struct capture k;
    capture_scenario(&k, 3);
    for (size_t i = 0; i < k.n; i++)
        if (k.pieces[i].from == TW_CLIENT)
            k.pieces[i].len = 0;
    struct tw_trace *seen = observe(&k, CUT_WHOLE, 0);
    assert_non_null(tw_trace_message(seen, 1, TW_SERVER, TW_MSG_SERVER_HELLO));
    assert_non_null(tw_trace_first(seen, 1, TW_FACT_CERTIFICATE, NULL));
    assert_null(tw_trace_message(seen, 1, TW_CLIENT, TW_MSG_CLIENT_HELLO));
    tw_trace_free(seen);
    capture_drop(&k);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_same_as_live),
        cmocka_unit_test(test_one_side),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
