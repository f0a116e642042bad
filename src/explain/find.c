/*
 * One pass over the paste with the automaton; where an anchor ends, the rows that have it are tried
 * on a folded window around it. A message seen again is counted, not kept again.
 */
#include "explain/explain_internal.h"

enum {
    BEHIND = 700, AHEAD = 1400,      /* bytes of the paste that a pattern may reach */
    WINDOW = 6144,                   /* bytes of the paste folded at once */
    TRIES_PER_ROW = 3000,            /* per paste, also of rows that never fit: keeps logs quick */
    SEEN_MAX = 1000                  /* a message counted that often is not looked for again */
};

struct window {
    size_t from, to;                 /* bytes of the paste */
    size_t n;
    uint8_t text[WINDOW + 1];
    uint32_t at[WINDOW + 2];         /* offset in the paste of each folded character */
};

struct finder {
    struct tw_view paste;
    struct tw_hits *out;
    struct window w;
    uint16_t *tries;                 /* per row */
};

static void fill(struct finder *f, size_t around)
{
    struct window *w = &f->w;
    w->from = around > BEHIND ? around - BEHIND : 0;
    while (w->from > 0 && w->from < around && (f->paste.data[w->from] & 0xc0) == 0x80)
        w->from++;
    w->to = w->from + WINDOW < f->paste.len ? w->from + WINDOW : f->paste.len;
    struct tw_fold fold = {.in = tw_view_sub(f->paste, w->from, w->to - w->from)};
    int c;
    w->n = 0;
    while (w->n < WINDOW && (c = tw_fold_next(&fold)) >= 0) {
        w->at[w->n] = (uint32_t)(w->from + fold.at);
        w->text[w->n++] = (uint8_t)c;
    }
    while (w->n > 0 && (w->text[w->n - 1] == '\n' || w->text[w->n - 1] == ' ') &&
           w->to == f->paste.len)
        w->n--;
    w->at[w->n] = (uint32_t)w->to;
}

static bool covers(const struct finder *f, size_t at)
{
    return f->w.n > 0 && at < f->w.to && (f->w.from == 0 || at >= f->w.from + BEHIND) &&
           (f->w.to == f->paste.len || at + AHEAD <= f->w.to) && at >= f->w.from;
}

/* Index of the folded character that starts at byte `at` of the paste. */
static size_t index_of(const struct window *w, size_t at)
{
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (w->at[mid] < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool same_message(const struct tw_hit *a, const struct tw_hit *b)
{
    return a->row == b->row && a->reason == b->reason && a->alert == b->alert;
}

static void keep(struct tw_hit *list, size_t *n, const struct tw_hit *hit)
{
    for (size_t i = 0; i < *n; i++)
        if (same_message(&list[i], hit)) {
            list[i].count += hit->offset >= list[i].offset + list[i].len;
            return;
        }
    if (*n < TW_EXPLAIN_MAX_MATCHES)
        list[(*n)++] = *hit;
}

static bool seen_enough(const struct finder *f, const struct tw_row *row)
{
    const struct tw_hits *h = f->out;
    for (size_t i = 0; i < h->n; i++)
        if (h->hit[i].row == row && h->hit[i].count >= SEEN_MAX)
            return true;
    return false;
}

static void try_row(struct finder *f, size_t number, size_t anchor_end)
{
    const struct tw_row *row = &tw_explain_rows[number];
    struct tw_span span;
    if (f->tries[number] >= TRIES_PER_ROW || seen_enough(f, row))
        return;
    f->tries[number]++;
    if (!tw_row_match(row, tw_view_of(f->w.text, f->w.n), anchor_end, &span))
        return;
    struct tw_hit hit = {.row = row, .reason = span.reason, .alert = span.alert,
                         .offset = f->w.at[span.start], .count = 1};
    hit.len = f->w.at[span.end] - hit.offset;
    if (hit.alert < 0 && hit.reason != NULL)
        hit.alert = hit.reason->alert;
    if (row->hint)
        keep(f->out->hint, &f->out->hints_n, &hit);
    else
        keep(f->out->hit, &f->out->n, &hit);
}

static void at_state(struct finder *f, const struct tw_automaton *a, uint32_t state, size_t at)
{
    uint32_t link = state;
    const struct tw_anchor *anchor;
    if (!covers(f, at))
        fill(f, at);
    size_t end = index_of(&f->w, at) + 1;
    while ((anchor = tw_automaton_hit(a, &link)) != NULL)
        for (size_t i = 0; i < anchor->count; i++)
            try_row(f, tw_explain_anchor_rows[anchor->first + i], end);
}

void tw_explain_find(const struct tw_automaton *a, struct tw_view text, struct tw_hits *out)
{
    struct finder *f = calloc(1, sizeof *f);
    *out = (struct tw_hits){0};
    if (f != NULL)
        f->tries = calloc(tw_explain_rows_n, sizeof *f->tries);
    if (f == NULL || f->tries == NULL) {
        free(f);
        return;
    }
    f->paste = tw_view_sub(text, 0, TW_EXPLAIN_MAX_BYTES);
    f->out = out;
    struct tw_fold fold = {.in = f->paste};
    uint32_t state = 0;
    int c;
    while ((c = tw_fold_next(&fold)) >= 0) {
        state = tw_automaton_step(a, state, c);
        if (state != 0 && tw_automaton_hits(a, state))
            at_state(f, a, state, fold.at);
    }
    free(f->tries);
    free(f);
}
