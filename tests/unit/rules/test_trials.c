/* Trials: each changes what it says and still gives a ClientHello; the plan asks each once, within
 * its budget. */
#include "../report/hostile.h"

static void encode(const struct tw_hello *h, const char *what, struct tw_client_hello *m,
                   struct tw_buf *b)
{
    static const uint8_t some[32] = {1};
    struct tw_hello_secrets s = {.random = tw_view_of(some, 32)};
    size_t binder;
    for (size_t i = 0; i < h->shares.n && i < TW_HELLO_MAX_SHARES; i++) {
        s.shares[i].group = h->shares.v[i];
        s.shares[i].key = tw_view_of(some, 32);
        s.shares_n++;
    }
    tw_buf_init(b, 1 << 16);
    if (!tw_hello_encode(h, &s, b, &binder))
        fail_msg("%s: no ClientHello comes of it", what);
    struct tw_reader r = tw_rd_of(tw_view_of(b->data + 4, b->len - 4));
    if (!tw_client_hello_decode(&r, m))
        fail_msg("%s: %s at %zu", what, r.fail_field, r.fail_at);
}

/* On top of each kind of baseline: default, wide, pinned to an old or to one version, bare. */
static void baseline(struct tw_hello *h, int kind)
{
    tw_hello_default(h);
    if (kind == 1)
        tw_hello_wide(h);
    else if (kind == 2)
        tw_hello_limit_versions(h, TW_TLS10, TW_TLS11);
    else if (kind == 3)
        tw_hello_limit_versions(h, TW_TLS13, TW_TLS13);
    else if (kind == 4)
        h->order_n = 0;
    tw_copy_str(h->server_name, sizeof h->server_name, "base.example");
}

static void test_apply(void **state)
{
    (void)state;
    struct judged j;
    const struct tw_trial *t;
    load(&j, TW_TRACES "/cipher-no-overlap/hit.jsonl");
    for (int kind = 0; kind < 5; kind++)
        for (size_t i = 0; (t = tw_trial_at(i)) != NULL; i++) {
            struct tw_hello h;
            struct tw_client_hello m;
            struct tw_buf b;
            baseline(&h, kind);
            if (t->apply != NULL)
                t->apply(&h, &j.d->c);
            encode(&h, t->id, &m, &b);
            assert_true(m.ciphers.len >= 2);
            tw_buf_cleanup(&b);
        }
    judged_drop(&j);
}

static void test_ids(void **state)
{
    (void)state;
    const struct tw_trial *t;
    size_t n = 0;
    for (; (t = tw_trial_at(n)) != NULL; n++) {
        assert_ptr_equal(tw_trial_by_id(t->id), t); /* the first of that id: unique */
        assert_true(strlen(t->changed) > 3);
    }
    assert_true(n > 15);
    assert_null(tw_trial_by_id("baseline"));
    assert_null(tw_trial_by_id(""));
}

static bool sends(struct tw_client_hello *m, uint16_t ext)
{
    struct tw_view body;
    return tw_ext_find(m->extensions, ext, &body);
}

static void test_what_they_change(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        uint16_t ext;
        bool sent;
    } rows[] = {
        {"sni-absent", TW_EXT_SERVER_NAME, false},
        {"sni-other", TW_EXT_SERVER_NAME, true},
        {"alpn-absent", TW_EXT_ALPN, false},
        {"versions-legacy-max", TW_EXT_SUPPORTED_VERSIONS, false},
        {"versions-legacy-max", TW_EXT_KEY_SHARE, false},
        {"ssl3", TW_EXT_SUPPORTED_GROUPS, false},
        {"ssl3", TW_EXT_SERVER_NAME, false},
        {"wide", TW_EXT_SERVER_NAME, true},
        {"repeat", TW_EXT_SERVER_NAME, true},
    };
    struct judged j;
    load(&j, TW_TRACES "/cipher-no-overlap/hit.jsonl");
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        const struct tw_trial *t = tw_trial_by_id(rows[i].id);
        struct tw_hello h;
        struct tw_client_hello m;
        struct tw_buf b;
        assert_non_null(t);
        baseline(&h, 0);
        if (t->apply != NULL)
            t->apply(&h, &j.d->c);
        encode(&h, t->id, &m, &b);
        if (sends(&m, rows[i].ext) != rows[i].sent)
            fail_msg("%s: extension %u", t->id, rows[i].ext);
        tw_buf_cleanup(&b);
    }
    judged_drop(&j);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static void check_plan(const struct judged *j, const char *name)
{
    const struct tw_trial *out[TW_MAX_CONNS];
    for (size_t budget = 0; budget < 16; budget += 3) {
        size_t n = tw_plan_next(j->d, budget, out, TW_ARRAY_LEN(out));
        if (n > budget)
            fail_msg("%s: %zu trials for a budget of %zu", name, n, budget);
        for (size_t i = 0; i < n; i++) {
            assert_non_null(out[i]);
            if (tw_case_trial(&j->d->c, out[i]->id) != NULL)
                fail_msg("%s: %s is asked again", name, out[i]->id);
            for (size_t k = 0; k < i; k++)
                assert_ptr_not_equal(out[i], out[k]);
        }
    }
}

static void test_plan(void **state)
{
    (void)state;
    assert_true(each_saved(check_plan) > 50);
    each_hostile(check_plan);
}

/* A plan on what only a part of the trials showed: it asks for more, and not for the same. */
static void test_plan_from_the_start(void **state)
{
    (void)state;
    struct judged whole, j;
    load(&whole, TW_TRACES "/cipher-no-overlap/hit.jsonl");
    j.trace = tw_trace_new(16 << 20);
    for (size_t i = 0; i < tw_trace_count(whole.trace); i++) {
        const struct tw_fact *f = tw_trace_at(whole.trace, i);
        if (f->conn <= 1)
            tw_trace_add(j.trace, *f);
    }
    judge(&j);
    const struct tw_trial *out[12];
    size_t n = tw_plan_next(j.d, 11, out, TW_ARRAY_LEN(out));
    assert_true(n > 3);
    bool wide = false;
    for (size_t i = 0; i < n; i++)
        wide = wide || strcmp(out[i]->id, "ciphers-wide") == 0;
    assert_true(wide);
    assert_int_equal(tw_plan_next(j.d, 0, out, TW_ARRAY_LEN(out)), 0);
    assert_int_equal(tw_plan_next(j.d, 11, out, 2), 2); /* no more than there is room for */
    judged_drop(&j);
    judged_drop(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_what_they_change),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_plan_from_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
