/*
 * Each allocation fails once, and then all from there on: no crash, nothing left behind, and the
 * next run is as good as ever. The linker leads the library's calls of malloc and its kin here
 * (--wrap); shared libraries keep their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../fuzz/roles.h"

#include "report/report.h"

/* ---- the hook -------------------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static struct {
    bool armed, rest;   /* rest: all that follow fail, too */
    size_t at, seen;    /* which one fails, from 0 */
    long live;          /* blocks that are out */
} hook;

static bool refuses(void)
{
    if (!hook.armed)
        return false;
    size_t n = hook.seen++;
    return hook.rest ? n >= hook.at : n == hook.at;
}

void *__wrap_malloc(size_t n)
{
    void *p = refuses() ? NULL : __real_malloc(n);
    hook.live += p != NULL;
    return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = refuses() ? NULL : __real_calloc(n, size);
    hook.live += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = refuses() ? NULL : __real_realloc(old, n);
    hook.live += p != NULL && old == NULL;
    return p;
}

void __wrap_free(void *p)
{
    hook.live -= p != NULL;
    __real_free(p);
}

/* Runs fn with each allocation failing; returns how many there are. */
static size_t each_failure(void (*fn)(void))
{
    size_t n = 0;
    for (int rest = 0; rest < 2; rest++) {
        bool hit = true;
        for (n = 0; hit; n++) {
            long before = hook.live;
            hook.armed = true;
            hook.rest = rest != 0;
            hook.at = n;
            hook.seen = 0;
            fn();
            hook.armed = false;
            hit = hook.seen > n;
            if (hook.live != before)
                fail_msg("allocation %zu fails: %ld blocks are left behind", n,
                         hook.live - before);
            if (n > 200000)
                fail_msg("it never ends");
        }
    }
    return n;
}

/* ---- a handshake in memory ------------------------------------------------------------------- */

static struct {
    uint8_t client, server;
    bool complete, overflowed;
    enum tw_status worst;
    size_t facts;
} talk;

static bool carry(struct tw_conn *from, struct tw_conn *to)
{
    struct tw_view out = tw_conn_output(from);
    if (out.len == 0)
        return false;
    enum tw_status st = tw_conn_feed(to, 1, out);
    if (st != TW_OK && st != TW_STOPPED)
        talk.worst = st;
    tw_conn_sent(from, 1, out.len);
    return true;
}

static void converse(struct tw_conn *c, struct tw_conn *s)
{
    bool moved = true, said = false;
    for (int i = 0; i < 20 && moved; i++) {
        moved = carry(c, s);
        moved = carry(s, c) || moved;
        if (!said && tw_conn_state(c) == TW_CONN_OPEN) {
            moved = said = true;
            (void)!tw_conn_write(c, 1, tw_view_str("ping"));
        }
    }
    tw_conn_end(c, 2, "fin", 0);
    tw_conn_end(s, 2, "rst", 0);
}

static void handshake(void)
{
    struct tw_crypto *cc = tw_crypto_fake(1), *sc = tw_crypto_fake(2);
    struct tw_trace *ct = tw_trace_new(1 << 22), *st = tw_trace_new(1 << 22);
    struct tw_conn *c = NULL, *s = NULL;
    struct fuzz_server server;
    talk.complete = talk.overflowed = false;
    talk.worst = TW_OK;
    if (cc != NULL && sc != NULL && ct != NULL && st != NULL) {
        struct tw_conn_config ccfg = {.crypto = cc, .trace = ct, .conn = 1};
        struct tw_conn_config scfg = {.crypto = sc, .trace = st, .conn = 1};
        fuzz_client_config(&ccfg, talk.client);
        fuzz_server_config(&server, &scfg, sc, talk.server);
        c = tw_conn_new(&ccfg, TW_ROLE_CLIENT, 0);
        s = tw_conn_new(&scfg, TW_ROLE_SERVER, 0);
        if (c != NULL && s != NULL)
            converse(c, s);
        talk.complete = tw_trace_first(ct, 1, TW_FACT_COMPLETE, NULL) != NULL;
        talk.overflowed = tw_trace_overflowed(ct);
        talk.facts = tw_trace_count(ct);
    }
    tw_conn_free(c);
    tw_conn_free(s);
    tw_trace_free(ct);
    tw_trace_free(st);
    tw_crypto_free(cc);
    tw_crypto_free(sc);
}

static void test_handshakes(void **state)
{
    (void)state;
    static const struct {
        uint8_t client, server;
        bool complete;
    } pairs[] = {{0, 0, true}, {2, 0, true}, {3, 8, true}, {2, 2, false}, {0, 2, true}};
    for (size_t i = 0; i < TW_ARRAY_LEN(pairs); i++) {
        talk.client = pairs[i].client;
        talk.server = pairs[i].server;
        handshake();
        assert_int_equal(talk.complete, pairs[i].complete);
        size_t facts = talk.facts;
        assert_true(each_failure(handshake) > 30);
        handshake(); /* and without failures all is as before */
        assert_int_equal(talk.complete, pairs[i].complete);
        assert_int_equal(talk.facts, facts);
    }
}

/* ---- a saved trace: load, judge, report, save ------------------------------------------------ */

static struct tw_buf saved;
static size_t saved_facts;

static void replay(void)
{
    size_t line;
    const char *why;
    struct tw_buf out;
    struct tw_report_options o = {.verbosity = 1, .vantage = "replay", .command = "again"};
    struct tw_trace *t = tw_trace_new(16 << 20);
    struct tw_arena *a = tw_arena_new(4 << 20);
    struct tw_diagnosis *d = calloc(1, sizeof *d);
    tw_buf_init(&out, 4 << 20);
    if (t != NULL && a != NULL && d != NULL) {
        enum tw_status st = tw_trace_load(t, tw_buf_view(&saved), &line, &why);
        if (st == TW_OK && tw_trace_count(t) != saved_facts)
            fail_msg("%zu of %zu facts, and nobody says so", tw_trace_count(t), saved_facts);
        (void)!tw_judge(t, a, d);
        (void)!tw_report_text(d, &o, &out);
        out.len = 0;
        (void)!tw_report_json(d, &o, &out);
        out.len = 0;
        st = tw_trace_save(t, &out);
        if (st == TW_OK && tw_trace_count(t) == saved_facts && out.len != saved.len)
            fail_msg("%zu of %zu bytes saved, and nobody says so", out.len, saved.len);
    }
    tw_buf_cleanup(&out);
    free(d);
    tw_arena_free(a);
    tw_trace_free(t);
}

static void read_whole(const char *path)
{
    uint8_t part[65536];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    tw_buf_init(&saved, 1 << 20);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        assert_true(tw_buf_add(&saved, part, n));
    fclose(f);
}

static void test_replay(void **state)
{
    (void)state;
    static const char *const paths[] = {TW_TRACES "/self-signed-leaf/hit.jsonl",
                                        TW_TRACES "/close-on-client-hello/hit.jsonl"};
    for (size_t i = 0; i < TW_ARRAY_LEN(paths); i++) {
        size_t line;
        const char *why;
        read_whole(paths[i]);
        struct tw_trace *t = tw_trace_new(16 << 20);
        assert_int_equal(tw_trace_load(t, tw_buf_view(&saved), &line, &why), TW_OK);
        saved_facts = tw_trace_count(t);
        tw_trace_free(t);
        assert_true(each_failure(replay) > 10);
        tw_buf_cleanup(&saved);
    }
}

/* ---- the observer ---------------------------------------------------------------------------- */

static void observe(void)
{
    static const uint8_t bytes[] = {0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x40, 0x00};
    struct tw_trace *t = tw_trace_new(1 << 20);
    struct tw_observer *o = t == NULL ? NULL : tw_observer_new(t, 1);
    if (o != NULL) {
        for (size_t i = 0; i < sizeof bytes; i++)
            (void)!tw_observer_feed(o, i, TW_CLIENT, tw_view_of(bytes + i, 1));
        for (size_t i = 0; i < 600; i++)
            (void)!tw_observer_feed(o, i, TW_SERVER, tw_view_str("220 hello\r\n"));
        tw_observer_end(o, 1000, TW_CLIENT, "fin");
        tw_observer_end(o, 1000, TW_SERVER, "fin");
    }
    tw_observer_free(o);
    tw_trace_free(t);
}

static void test_observer(void **state)
{
    (void)state;
    assert_true(each_failure(observe) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshakes),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_observer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
