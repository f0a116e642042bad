/* Judging: the surest cause first, pure and repeatable, and calm with traces of any shape. */
#include "../report/hostile.h"

static void check_order(const struct judged *j, const char *name)
{
    const struct tw_diagnosis *d = j->d;
    for (size_t i = 0; i < d->causes_n; i++) {
        const struct tw_finding *f = &d->causes[i];
        if (i > 0 && f->certainty > d->causes[i - 1].certainty)
            fail_msg("%s: %s is surer than the cause in front of it", name, f->rule->id);
        assert_non_null(f->summary);
        assert_false(f->next);
        assert_true(f->evidence_n <= TW_MAX_EVIDENCE && f->not_n <= TW_MAX_LOOKALIKE);
        if (d->causes[0].certainty == TW_PROVEN && f->certainty == TW_POSSIBLE)
            fail_msg("%s: %s is a guess beside a proof", name, f->rule->id);
        for (size_t k = 0; k < f->not_n; k++)
            if (strcmp(f->not_[k].id, f->rule->id) == 0)
                fail_msg("%s: %s says that it is not itself", name, f->rule->id);
    }
    for (size_t i = 0; i < d->warnings_n; i++)
        assert_true(d->warnings[i].next);
    if (d->causes_n > 0)
        assert_int_equal(d->outcome, TW_OUTCOME_FAIL);
    assert_int_equal(d->outcome == TW_OUTCOME_OK, d->failed_at == NULL);
}

static void test_order(void **state)
{
    (void)state;
    assert_true(each_saved(check_order) > 50);
    each_hostile(check_order);
}

static void report(const struct tw_diagnosis *d, struct tw_buf *out)
{
    struct tw_report_options o = {.vantage = "replay"};
    tw_buf_init(out, 16 << 20);
    assert_int_equal(tw_report_json(d, &o, out), TW_OK);
}

/* The same trace gives the same diagnosis, and judging leaves the trace as it was. */
static void check_pure(const struct judged *j, const char *name)
{
    struct tw_buf a, b;
    size_t facts = tw_trace_count(j->trace);
    struct judged again = {.trace = j->trace};
    judge(&again);
    assert_int_equal(tw_trace_count(j->trace), facts);
    report(j->d, &a);
    report(again.d, &b);
    assert_bytes(tw_buf_view(&b), tw_buf_view(&a), name);
    tw_buf_cleanup(&a);
    tw_buf_cleanup(&b);
    again.trace = NULL;
    judged_drop(&again);
}

static void test_pure(void **state)
{
    (void)state;
    each_saved(check_pure);
}

/* A diagnosis that was cut short at any fact: no crash, and no cause out of thin air at once. */
static void check_cut(const struct judged *j, const char *name)
{
    size_t n = tw_trace_count(j->trace);
    for (size_t keep = 0; keep < n; keep += 1 + n / 12) {
        struct judged part = {.trace = tw_trace_new(16 << 20)};
        for (size_t i = 0; i < keep; i++)
            tw_trace_add(part.trace, *tw_trace_at(j->trace, i));
        judge(&part);
        if (keep == 0) {
            assert_int_equal(part.d->causes_n, 0);
            assert_int_equal(part.d->outcome, TW_OUTCOME_UNKNOWN);
        }
        check_order(&part, name);
        judged_drop(&part);
    }
}

static void test_cut(void **state)
{
    (void)state;
    each_saved(check_cut);
}

/* More connections than a case holds are passed over, not written beyond it. */
static void test_many_connections(void **state)
{
    (void)state;
    struct judged j = {.trace = tw_trace_new(16 << 20)};
    for (uint32_t c = 1; c <= 3 * TW_MAX_CONNS; c++) {
        tw_trace_add(j.trace, (struct tw_fact){.kind = TW_FACT_TRIAL, .conn = c,
                                               .field = c == 1 ? "baseline" : "wide"});
        tw_trace_add(j.trace, (struct tw_fact){.kind = TW_FACT_TCP, .conn = c, .num = 111,
                                               .field = "connect", .text = "192.0.2.1:443"});
    }
    judge(&j);
    assert_int_equal(j.d->c.conns_n, TW_MAX_CONNS);
    assert_string_equal(j.d->causes[0].rule->id, "tcp-refused");
    judged_drop(&j);
    j = (struct judged){.trace = tw_trace_new(16 << 20)};
    tw_trace_add(j.trace, (struct tw_fact){.kind = TW_FACT_TCP, .conn = UINT32_MAX, .num = 111,
                                           .field = "connect", .text = "192.0.2.1:443"});
    judge(&j); /* and a number that no diagnosis has */
    judged_drop(&j);
}

static void test_texts_without_memory(void **state)
{
    (void)state;
    struct judged j;
    load(&j, TW_TRACES "/cert-expired/hit.jsonl");
    for (size_t max = 0; max < 2000; max += 61) {
        struct tw_arena *a = tw_arena_new(max);
        struct tw_diagnosis *d = calloc(1, sizeof *d);
        struct tw_buf b;
        assert_int_equal(tw_judge(j.trace, a, d), TW_OK);
        assert_string_equal(d->causes[0].rule->id, "cert-expired"); /* it costs texts alone */
        report(d, &b);
        tw_buf_cleanup(&b);
        free(d);
        tw_arena_free(a);
    }
    judged_drop(&j);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(tw_certainty_name(TW_PROVEN), "proven");
    assert_string_equal(tw_outcome_name(TW_OUTCOME_UNKNOWN), "unknown");
    assert_non_null(tw_rule_by_id("cert-expired"));
    assert_null(tw_rule_by_id("cert-expire"));
    assert_null(tw_rule_at(100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_pure),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_texts_without_memory), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
