/* Failed flows of the same cause between the same ends, counted. */
#include "capture/capture.h"

enum { MAX_GROUPS = 4096, FLOWS_SHOWN = 3 };

struct group {
    struct tw_group_key key;
    unsigned n, flows[FLOWS_SHOWN];
    bool many_clients;
};

struct tw_groups {
    struct tw_arena *arena;
    struct group list[MAX_GROUPS];
    size_t n;
    unsigned more; /* failed flows that found no room */
};

struct tw_groups *tw_groups_new(void)
{
    struct tw_groups *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->arena = tw_arena_new(8 << 20);
    if (g->arena == NULL) {
        free(g);
        return NULL;
    }
    return g;
}

void tw_groups_free(struct tw_groups *g)
{
    if (g == NULL)
        return;
    tw_arena_free(g->arena);
    free(g);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool is_in(const struct group *x, const struct tw_group_key *k)
{
    return same(x->key.cause, k->cause) && same(x->key.server, k->server) &&
           same(x->key.client, k->client) && same(x->key.sni, k->sni);
}

void tw_groups_add(struct tw_groups *g, const struct tw_group_key *k, unsigned flow)
{
    for (size_t i = 0; i < g->n; i++) {
        struct group *x = &g->list[i];
        if (!is_in(x, k))
            continue;
        if (x->n < FLOWS_SHOWN)
            x->flows[x->n] = flow;
        x->n++;
        return;
    }
    if (g->n == MAX_GROUPS) {
        g->more++;
        return;
    }
    struct group *x = &g->list[g->n++];
    x->n = 1;
    x->flows[0] = flow;
    x->key.cause = tw_arena_str(g->arena, k->cause == NULL ? "unknown" : k->cause);
    x->key.certainty = tw_arena_str(g->arena, k->certainty);
    x->key.client = tw_arena_str(g->arena, k->client);
    x->key.server = tw_arena_str(g->arena, k->server);
    x->key.sni = tw_arena_str(g->arena, k->sni);
    x->key.summary = tw_arena_str(g->arena, k->summary);
}

/* Index of the next largest group; ties in order of appearance. */
static size_t next_largest(const struct tw_groups *g, unsigned below, size_t after)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < g->n; i++) {
        unsigned n = g->list[i].n;
        if (n > below || (n == below && after != SIZE_MAX && i <= after))
            continue;
        if (best == SIZE_MAX || n > g->list[best].n)
            best = i;
    }
    return best;
}

static const char *text(const char *s)
{
    return s == NULL ? "" : s;
}

static void write_group(const struct group *x, struct tw_buf *out)
{
    tw_buf_printf(out, "%6u × %s%s%s%s  %s → %s", x->n, text(x->key.cause),
                  x->key.certainty != NULL ? " (" : "", text(x->key.certainty),
                  x->key.certainty != NULL ? ")" : "", text(x->key.client), text(x->key.server));
    if (x->key.sni != NULL && x->key.sni[0] != '\0')
        tw_buf_printf(out, " %s", x->key.sni);
    tw_buf_printf(out, "  flow%s", x->n > 1 ? "s" : "");
    for (unsigned i = 0; i < x->n && i < FLOWS_SHOWN; i++)
        tw_buf_printf(out, "%s %u", i == 0 ? "" : ",", x->flows[i]);
    tw_buf_str(out, x->n > FLOWS_SHOWN ? ", ...\n" : "\n");
    if (x->key.summary != NULL && x->key.summary[0] != '\0')
        tw_buf_printf(out, "         %s\n", x->key.summary);
}

void tw_groups_write(const struct tw_groups *g, size_t max, struct tw_buf *out)
{
    unsigned below = UINT32_MAX;
    size_t at = SIZE_MAX, shown = 0;
    while (shown < max && (at = next_largest(g, below, at)) != SIZE_MAX) {
        below = g->list[at].n;
        write_group(&g->list[at], out);
        shown++;
    }
    if (g->n > shown || g->more > 0)
        tw_buf_printf(out, "         and %zu more groups\n", g->n - shown + (g->more > 0));
}
