/*
 * check --clients: after the diagnosis, what the server speaks in each version alone, then the
 * ClientHello of each known client, a few connections side by side.
 */
#include "probe/probe_internal.h"

enum { SIDE_BY_SIDE = 4 };

static void only(struct tw_hello *h, uint16_t version)
{
    struct tw_hello w;
    tw_hello_wide(&w);
    tw_copy_str(w.server_name, sizeof w.server_name, h->server_name);
    tw_hello_limit_versions(&w, version, version);
    *h = w;
}

static void only13(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    only(h, TW_TLS13);
}

static void only12(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    only(h, TW_TLS12);
}

static void only11(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    only(h, TW_TLS11);
}

static void only10(struct tw_hello *h, const struct tw_case *c)
{
    (void)c;
    only(h, TW_TLS10);
}

static const struct tw_trial versions[] = {
    {.id = "only-tls13", .changed = "TLS 1.3 alone, every suite and group", .apply = only13},
    {.id = "only-tls12", .changed = "TLS 1.2 alone, every suite and group", .apply = only12},
    {.id = "only-tls11", .changed = "TLS 1.1 alone, every suite and group", .apply = only11},
    {.id = "only-tls10", .changed = "TLS 1.0 alone, every suite and group", .apply = only10},
};

static const char *text(struct probe *p, const char *prefix, const char *s)
{
    char buf[200];
    snprintf(buf, sizeof buf, "%s%s", prefix, s);
    const char *copy = tw_arena_str(p->r->arena, buf);
    return copy == NULL ? "" : copy;
}

/* The next trial, or NULL when all were made. */
static const struct tw_trial *next_trial(struct probe *p)
{
    size_t i = p->clients_done++;
    if (i < TW_ARRAY_LEN(versions))
        return &versions[i];
    const struct tw_client_profile *c = tw_client_profile_at(i - TW_ARRAY_LEN(versions));
    if (c == NULL || p->conns_n >= TW_MAX_CONNS)
        return NULL;
    struct tw_trial *t = &p->client_trials[p->conns_n];
    *t = (struct tw_trial){.id = text(p, "client-", c->name), .changed = text(p, "as ", c->title),
                           .client = c};
    return t;
}

size_t probe_next_clients(struct probe *p)
{
    size_t n = 0;
    if (!p->o->clients || !p->have_winner || probe_left_ms(p) < 100)
        return 0;
    p->doing = "trying real clients";
    while (n < SIDE_BY_SIDE && p->conns_n < p->o->max_connections && p->conns_n < TW_MAX_CONNS) {
        const struct tw_trial *t = next_trial(p);
        if (t == NULL || !pconn_start(p, (uint32_t)p->conns_n + 1, t))
            break;
        n++;
    }
    return n;
}
