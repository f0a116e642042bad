/* The vantage "a text": find the messages, put the specific before the general, judge. */
#include "explain/explain_internal.h"

#include "rules/rules_internal.h"

struct tw_explainer {
    struct tw_automaton *automaton;
};

struct tw_explainer *tw_explainer_new(void)
{
    struct tw_explainer *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->automaton = tw_automaton_new();
    if (e->automaton == NULL) {
        free(e);
        return NULL;
    }
    return e;
}

void tw_explainer_free(struct tw_explainer *e)
{
    if (e == NULL)
        return;
    tw_automaton_free(e->automaton);
    free(e);
}

static int by_place(const void *a, const void *b)
{
    const struct tw_hit *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->len > y->len ? -1 : x->len < y->len;
}

size_t tw_hit_specificity(const struct tw_hit *h)
{
    /* a row that spells the text out is meant before one with a placeholder for it */
    return h->row->literal + (h->reason != NULL ? strlen(h->reason->text) - 1 : 0) +
           (h->alert >= 0 ? 4u : 0);
}

bool tw_hit_overlap(const struct tw_hit *a, const struct tw_hit *b)
{
    return a->offset < b->offset + b->len && b->offset < a->offset + a->len;
}

/* Has something to say itself, or by the code that it carries. */
static bool speaks(const struct tw_hit *h)
{
    return h->row->causes[0] != TW_CAUSE_END || h->alert >= 0 ||
           (h->reason != NULL && h->reason->causes[0] != TW_CAUSE_END);
}

/* Of two that cover the same text the more specific one counts. */
static void shadow(struct tw_hits *h)
{
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < h->n; k++) {
            const struct tw_hit *a = &h->hit[i], *b = &h->hit[k];
            if (i == k || !speaks(a) || !speaks(b) || a->row->vague || !tw_hit_overlap(a, b))
                continue;
            size_t x = tw_hit_specificity(a), y = tw_hit_specificity(b);
            if (x > y || (x == y && i < k))
                h->hit[k].shadowed = true;
        }
}

static void add_setting(struct tw_trace *t, const char *field, const char *text, int64_t num)
{
    tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_SETTING, .field = field, .text = text,
                                     .num = num});
}

/* The host that the paste names becomes the target, as if it had been typed. */
static void find_target(struct tw_trace *t, struct tw_view text, const struct tw_hits *h)
{
    struct tw_paste_target target;
    tw_paste_find_target(text, h->n > 0 ? h->hit[0].offset : 0, &target);
    if (target.host[0] == '\0')
        return;
    add_setting(t, "host", target.host, 0);
    if (target.port != 0)
        add_setting(t, "port", NULL, target.port);
    if (target.scheme[0] != '\0')
        add_setting(t, "scheme", target.scheme, 0);
}

/* "EC_R_BAD_SIGNATURE", "alertBadRecordMAC": what stands before the name itself. */
static size_t family_prefix(struct tw_view word)
{
    for (size_t i = 0; i + 3 < word.len && i < 14; i++)
        if (word.data[i] == '_' && word.data[i + 1] == 'R' && word.data[i + 2] == '_')
            return i + 3;
    return 0;
}

static void try_behind(const struct tw_explainer *e, const char *word, struct tw_view text,
                       struct tw_hits *h)
{
    char line[300];
    int n = snprintf(line, sizeof line, "%s%.*s", word, (int)text.len, (const char *)text.data);
    tw_explain_find(e->automaton, tw_view_of(line, (size_t)n), h);
    size_t kept = 0;
    for (size_t k = 0; k < h->n; k++) {
        const struct tw_hit *x = &h->hit[k];
        /* all of it must be the code: no bare words */
        bool whole = x->offset + x->len == (size_t)n;
        if (whole && (x->reason != NULL || x->alert >= 0 || x->row->causes[0] != TW_CAUSE_END))
            h->hit[kept++] = *x;
    }
    h->n = kept;
}

/* A paste that is nothing but a code or a reason: looked at as if the word for it stood before. */
static void find_bare_code(const struct tw_explainer *e, struct tw_view text, struct tw_hits *h)
{
    static const char *const words[] = {"code: ", "alert number ", "curl: (", "net_error ",
                                        "fatal alert: ", "SSL routines::"};
    size_t from = 0, to = text.len;
    while (from < to && text.data[from] <= ' ')
        from++;
    while (to > from && text.data[to - 1] <= ' ')
        to--;
    struct tw_view bare = tw_view_sub(text, from, to - from);
    if (bare.len == 0 || bare.len > 160 || memchr(bare.data, '\n', bare.len) != NULL)
        return;
    size_t skip = family_prefix(bare);
    struct tw_view name = tw_view_sub(bare, skip, bare.len - skip);
    for (size_t i = 0; i < TW_ARRAY_LEN(words) && h->n == 0; i++)
        try_behind(e, words[i], name, h);
    for (size_t k = 0; k < h->n; k++) {
        h->hit[k].offset = from;
        h->hit[k].len = bare.len;
    }
}

enum tw_status tw_explain(const struct tw_explainer *e, struct tw_view text,
                          struct tw_trace *trace, struct tw_arena *arena, struct tw_diagnosis *d)
{
    struct tw_hits *h = tw_arena_alloc(arena, sizeof *h);
    *d = (struct tw_diagnosis){0};
    if (h == NULL)
        return TW_E_NOMEM;
    tw_explain_find(e->automaton, text, h);
    if (h->n == 0)
        find_bare_code(e, text, h);
    qsort(h->hit, h->n, sizeof h->hit[0], by_place);
    shadow(h);
    add_setting(trace, "input", "text", 0);
    find_target(trace, text, h);
    tw_case_build(&d->c, trace);
    return tw_explain_rank(h, text, arena, d);
}
