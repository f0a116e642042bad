/* Any paste: the whole way from bytes to a diagnosis, and the folding of any piece of it. */
#include "explain/explain_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Folding ends, goes forward, and never reaches outside. */
static void fold(const uint8_t *data, size_t size)
{
    struct tw_fold f = {.in = tw_view_of(data, size)};
    size_t last = 0, n = 0;
    while (tw_fold_next(&f) >= 0) {
        if (f.pos > size || f.at >= size || (n > 0 && f.at <= last))
            abort();
        last = f.at;
        n++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fold(data, size);
    static struct tw_explainer *e; /* made once: the automaton takes its time */
    if (e == NULL)
        e = tw_explainer_new();
    struct tw_trace *t = tw_trace_new(1 << 16);
    struct tw_arena *a = tw_arena_new(1 << 20);
    struct tw_diagnosis *d = calloc(1, sizeof *d);
    if (e != NULL && t != NULL && a != NULL && d != NULL &&
        tw_explain(e, tw_view_of(data, size), t, a, d) == TW_OK)
        for (size_t i = 0; i < d->matches_n; i++)
            if (d->matches[i].offset >= size || d->matches[i].text == NULL)
                abort();
    free(d);
    tw_arena_free(a);
    tw_trace_free(t);
    return 0;
}
