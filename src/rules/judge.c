/* Runs the catalogue over a case and puts the root cause first. */
#include "rules/rules_internal.h"

static const struct tw_rule *const rules[] = {
#define TW_RULE(name) &tw_rule_##name,
#include "rules/list.def"
#undef TW_RULE
};

const struct tw_rule *tw_rule_at(size_t i)
{
    return i < TW_ARRAY_LEN(rules) ? rules[i] : NULL;
}

const struct tw_rule *tw_rule_by_id(const char *id)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(rules); i++)
        if (strcmp(rules[i]->id, id) == 0)
            return rules[i];
    return NULL;
}

/* Stable insertion: higher certainty first, then the catalogue's order. */
static void insert(struct tw_diagnosis *d, const struct tw_finding *f)
{
    if (d->causes_n == TW_MAX_FINDINGS)
        return;
    size_t at = d->causes_n;
    while (at > 0 && d->causes[at - 1].certainty < f->certainty)
        at--;
    for (size_t i = d->causes_n; i > at; i--)
        d->causes[i] = d->causes[i - 1];
    d->causes[at] = *f;
    d->causes_n++;
}

static bool drop_weaker(const struct tw_diagnosis *d, const struct tw_finding *f)
{
    for (size_t i = 0; i < d->causes_n; i++)
        if (d->causes[i].certainty == TW_PROVEN && f->certainty == TW_POSSIBLE)
            return true;
    return false;
}

/* A guess says nothing once something is proven: it goes, the proven cause names it if need be. */
static void prune(struct tw_diagnosis *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->causes_n; i++)
        if (!drop_weaker(d, &d->causes[i]))
            d->causes[kept++] = d->causes[i];
    d->causes_n = kept;
}

static bool has_address(const struct tw_trace *t)
{
    return tw_trace_first(t, 0, TW_FACT_DNS, "A") != NULL ||
           tw_trace_first(t, 0, TW_FACT_DNS, "AAAA") != NULL;
}

static void set_outcome(struct tw_diagnosis *d)
{
    const struct tw_conn_view *base = d->c.base;
    d->outcome = TW_OUTCOME_UNKNOWN;
    if (d->causes_n > 0 || (base != NULL && !base->ok && base->end != TW_END_OPEN))
        d->outcome = TW_OUTCOME_FAIL;
    else if (base != NULL && base->ok)
        d->outcome = TW_OUTCOME_OK;
    if (d->outcome == TW_OUTCOME_OK)
        return;
    if (d->causes_n > 0 && d->causes[0].failed_at != NULL)
        d->failed_at = d->causes[0].failed_at;
    else if (base != NULL)
        d->failed_at = tw_phase_name(base->phase);
    else
        d->failed_at = has_address(d->c.trace) ? "tcp" : "dns";
}

/* Something is wrong with the path that no rule has named. */
static bool has_untold_problem(const struct tw_diagnosis *d)
{
    const struct tw_trace *t = d->c.trace;
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, 0, TW_FACT_PATH, NULL)) != NULL)
        if (f->num != 0 && d->c.base != NULL && f->conn == d->c.base->conn)
            return true;
    return false;
}

enum tw_status tw_judge(const struct tw_trace *t, struct tw_arena *arena, struct tw_diagnosis *out)
{
    *out = (struct tw_diagnosis){0};
    tw_case_build(&out->c, t);
    for (size_t i = 0; i < TW_ARRAY_LEN(rules); i++) {
        struct tw_finding f = {.rule = rules[i], .side = rules[i]->side, .arena = arena,
                               .certainty = TW_POSSIBLE, .summary = rules[i]->title,
                               .software = out->c.software,
                               .files = tw_case_inspects(&out->c),
                               .passive = tw_case_passive(&out->c)};
        bool hit = rules[i]->match != NULL && rules[i]->match(&out->c, &f);
        if (!hit && !tw_second_look(rules[i], &out->c, &f))
            continue;
        tw_temper(&out->c, &f);
        if (!f.next)
            insert(out, &f);
        else if (out->warnings_n < TW_MAX_FINDINGS)
            out->warnings[out->warnings_n++] = f;
    }
    prune(out);
    tw_judge_clients(out, arena);
    set_outcome(out);
    if (tw_case_inspects(&out->c) && out->causes_n == 0)
        out->outcome = TW_OUTCOME_OK;
    if (out->outcome == TW_OUTCOME_OK)
        out->failed_at = NULL;
    if (out->outcome == TW_OUTCOME_OK && has_untold_problem(out)) {
        out->outcome = TW_OUTCOME_FAIL;
        out->failed_at = "certificate";
    }
    return TW_OK;
}
