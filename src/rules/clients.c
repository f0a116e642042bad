/*
 * What became of each real client (check --clients). A client's handshake is judged like a
 * diagnosis of its own: it is the baseline, and next to it stands, as the trial `wide`, the
 * handshake of the same server that shows best what the client lacks.
 */
#include "rules/rules_internal.h"

static const char prefix[] = "client-";
enum { SUB_TRACE_MAX = 4 << 20 };

static const char *client_of(const struct tw_conn_view *v)
{
    return v->recipe != NULL && strncmp(v->recipe, prefix, sizeof prefix - 1) == 0
               ? v->recipe + sizeof prefix - 1
               : NULL;
}

/*
 * How much of what the server chose in that handshake the client would have offered too. The
 * closest one shows what is missing: one with a version of the client's rules its version out.
 */
static unsigned closeness(const struct tw_offer *o, const struct tw_conn_view *v)
{
    unsigned apart = v->version > o->max_version   ? (unsigned)(v->version - o->max_version)
                     : v->version < o->min_version ? (unsigned)(o->min_version - v->version)
                                                   : 0;
    return 8u * (apart < 8 ? 8 - apart : 0) + 4u * tw_offered(&o->ciphers, v->cipher) +
           2u * (v->group == 0 || tw_offered(&o->groups, v->group)) + v->ok;
}

static const struct tw_conn_view *closest(const struct tw_case *c, const struct tw_conn_view *client)
{
    const struct tw_conn_view *best = NULL;
    unsigned best_score = 0;
    struct tw_offer o;
    tw_offer_of(c, client, &o);
    /* No hello below TLS 1.3 says its lowest version: what the client is known to have does. */
    const struct tw_client_profile *p = tw_client_profile_by_name(client_of(client));
    for (size_t i = 0; p != NULL && i < p->versions.n; i++)
        o.min_version = p->versions.v[i] < o.min_version ? p->versions.v[i] : o.min_version;
    for (size_t i = 0; i < c->conns_n; i++) {
        const struct tw_conn_view *v = &c->conns[i];
        if (v == client || v->phase < TW_PHASE_SERVER_HELLO || v->version == 0 ||
            (v->local != NULL && v->phase < TW_PHASE_CERTIFICATE))
            continue;
        unsigned score = 1 + closeness(&o, v);
        if (score > best_score) {
            best = v;
            best_score = score;
        }
    }
    return best;
}

static void copy_facts(struct tw_trace *to, const struct tw_trace *from, uint32_t client,
                       uint32_t other)
{
    for (size_t i = 0; i < tw_trace_count(from); i++) {
        struct tw_fact f = *tw_trace_at(from, i);
        if (f.conn != 0 && f.conn != client && f.conn != other)
            continue;
        if (f.kind == TW_FACT_TRIAL)
            f.field = f.conn == client ? "baseline" : "wide";
        f.conn = f.conn == 0 ? 0 : f.conn == client ? 1 : 2;
        tw_trace_add(to, f);
    }
}

static const char *kept(struct tw_arena *a, const char *s)
{
    const char *copy = s == NULL ? NULL : tw_arena_str(a, s);
    return copy == NULL ? "" : copy;
}

static void judge_row(const struct tw_case *c, const struct tw_conn_view *v, struct tw_arena *arena,
                      struct tw_client_row *row)
{
    struct tw_trace *t = tw_trace_new(SUB_TRACE_MAX);
    struct tw_arena *texts = tw_arena_new(SUB_TRACE_MAX);
    struct tw_diagnosis *d = calloc(1, sizeof *d);
    const struct tw_conn_view *other = v->ok ? NULL : closest(c, v);
    char how[96];
    if (t != NULL && texts != NULL && d != NULL) {
        copy_facts(t, c->trace, v->conn, other == NULL ? v->conn : other->conn);
        if (tw_judge(t, texts, d) == TW_OK) {
            row->works = d->outcome == TW_OUTCOME_OK;
            row->cause = d->causes_n > 0 ? d->causes[0].rule->id : NULL;
            row->why = row->works          ? ""
                       : d->causes_n > 0 ? kept(arena, d->causes[0].summary)
                                         : kept(arena, tw_rejection_text(v, how, sizeof how));
        }
    }
    free(d);
    tw_arena_free(texts);
    tw_trace_free(t);
}

static void fill_row(const struct tw_case *c, const struct tw_client_profile *p,
                     struct tw_arena *arena, struct tw_client_row *row)
{
    *row = (struct tw_client_row){.client = p->name, .title = p->title, .why = ""};
    for (size_t i = 0; i < c->conns_n; i++) {
        const struct tw_conn_view *v = &c->conns[i];
        const char *name = client_of(v);
        if (name == NULL || strcmp(name, p->name) != 0 || v->phase < TW_PHASE_TCP)
            continue;
        row->tried = true;
        row->version = v->version;
        row->cipher = v->cipher;
        row->group = v->group;
        judge_row(c, v, arena, row);
        return;
    }
}

void tw_judge_clients(struct tw_diagnosis *d, struct tw_arena *arena)
{
    bool any = false;
    for (size_t i = 0; i < d->c.conns_n; i++)
        any = any || client_of(&d->c.conns[i]) != NULL;
    size_t n = 0;
    while (tw_client_profile_at(n) != NULL)
        n++;
    struct tw_client_row *rows = any ? tw_arena_alloc(arena, n * sizeof *rows) : NULL;
    if (rows == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        fill_row(&d->c, tw_client_profile_at(i), arena, &rows[i]);
    d->clients = rows;
    d->clients_n = n;
}
