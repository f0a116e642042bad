/*
 * What each trust store says of a chain, as facts. The store that judges the handshake has number
 * 0: one without roots that was asked for, else that of --ca, else the first of --trust, else the
 * system's. The others named by --trust follow, and the system's for comparison.
 */
#include "probe/probe_internal.h"

enum { SCRATCH_MAX = 4 << 20 };

static const struct tw_store *stores_at(const struct probe *p, size_t i)
{
    const struct tw_store_list *l = p->o->stores;
    return l != NULL && i < l->n ? &l->v[i] : NULL;
}

/* To compare with a store without roots would say nothing: who names one asks what it leads to. */
static const struct tw_store *hollow(const struct probe *p)
{
    for (size_t i = 0; stores_at(p, i) != NULL; i++)
        if (stores_at(p, i)->asked && tw_trust_count(stores_at(p, i)->trust) == 0)
            return stores_at(p, i);
    return NULL;
}

/* The judging store; NULL: that of --ca. */
static const struct tw_store *judge_of(struct probe *p)
{
    if (hollow(p) != NULL)
        return hollow(p);
    if (p->o->ca != NULL)
        return NULL;
    return stores_at(p, 0) != NULL ? stores_at(p, 0) : tw_system_store(p->lib);
}

struct tw_trust *probe_trust(struct probe *p)
{
    const struct tw_store *judge = judge_of(p);
    return judge == NULL ? p->o->ca : judge->trust;
}

/* ---- the store itself ------------------------------------------------------------------------------- */

static void store_fact(struct probe *p, uint32_t conn, const char *field, size_t no, int64_t num,
                       const char *text, const char *kind)
{
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_STORE, .conn = conn, .msg = TW_NO_MSG,
                                   .at = tw_net_now() - p->start, .field = field, .num = num,
                                   .aux = (int64_t)no, .text = text, .source = kind});
}

static void note_empty(struct probe *p, const struct tw_store *st, size_t no)
{
    const struct tw_store_content *c = &st->content;
    char text[600];
    int n = snprintf(text, sizeof text, "%.400s: ", st->label);
    if (c->format == TW_STORE_UNKNOWN || c->format == TW_STORE_EMPTY)
        snprintf(text + n, sizeof text - (size_t)n, "no certificate in it");
    else
        snprintf(text + n, sizeof text - (size_t)n,
                 "%s, no trusted certificate in it (%zu other certificates, %zu keys)",
                 tw_store_format_name(c->format), c->not_anchors, c->keys);
    store_fact(p, 0, "empty", no, (int64_t)(c->not_anchors + c->keys), text, st->name);
}

/* What is wrong with the store, if anything. */
static void note_store(struct probe *p, const struct tw_store *st, size_t no)
{
    char text[600];
    size_t count = tw_trust_count(st->trust);
    bool system = strcmp(st->name, "system") == 0;
    store_fact(p, 0, "anchors", no, (int64_t)count, st->label, st->name);
    if (st->unreadable != NULL)
        store_fact(p, 0, "unreadable", no, system, st->unreadable, st->name);
    if (st->content.problem != NULL) {
        snprintf(text, sizeof text, "%.400s: %s", st->label, st->content.problem);
        store_fact(p, 0, "damaged", no, (int64_t)st->content.damaged, text, st->name);
    }
    if (count > 0 || st->unreadable != NULL)
        return;
    if (strcmp(st->name, "none") == 0 || (system && st->content.format == TW_STORE_UNKNOWN))
        store_fact(p, 0, "missing", no, 0, st->label, st->name);
    else
        note_empty(p, st, no);
}

/* The youngest anchor: the store is no older than that. */
static void note_newest(struct probe *p, struct tw_trust *t, size_t no)
{
    struct tw_view der;
    struct tw_cert newest = {0};
    char dn[300];
    for (size_t i = 0; tw_trust_at(t, i, &der); i++) {
        struct tw_cert c;
        if (tw_cert_parse(der, &c) && c.not_before > newest.not_before &&
            c.not_before <= tw_trace_setting_num(p->r->trace, "wall_time", 0))
            newest = c;
    }
    if (newest.not_before > 0)
        store_fact(p, 0, "newest_root", no, newest.not_before,
                   tw_dn_text(newest.subject, dn, sizeof dn), NULL);
}

/* ---- its verdict ------------------------------------------------------------------------------------ */

static const struct tw_fact *trust_problem(const struct tw_trace *t, uint32_t conn)
{
    static const char *const names[] = {"no_certificate", "self_signed_leaf", "unknown_root",
                                        "missing_issuer", "bad_signature", "no_anchors"};
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_PATH, NULL)) != NULL)
        for (size_t i = 0; i < TW_ARRAY_LEN(names); i++)
            if (strcmp(f->field, names[i]) == 0)
                return f;
    return NULL;
}

static void compare(struct probe *p, const struct tw_path_request *judged, uint32_t conn,
                    const struct tw_store *st, size_t no)
{
    struct tw_trace *scratch = tw_trace_new(SCRATCH_MAX);
    struct tw_path_request req = *judged;
    req.trust = st->trust;
    note_store(p, st, no);
    if (scratch != NULL && tw_path_explain(&req, scratch, conn, 0) == TW_OK) {
        const struct tw_fact *f = trust_problem(scratch, conn);
        store_fact(p, conn, f == NULL ? "trusted" : "not_trusted", no, f == NULL ? 0 : f->num,
                   st->label, st->name);
    }
    tw_trace_free(scratch);
}

void probe_note_stores(struct probe *p, const struct tw_path_request *judged, uint32_t conn)
{
    const struct tw_fact *f = trust_problem(p->r->trace, conn);
    const struct tw_store *first = judge_of(p);
    struct tw_store given = {.name = "ca", .label = tw_trust_label(judged->trust),
                             .trust = judged->trust, .content.format = TW_STORE_PEM};
    const struct tw_store *judge = first == NULL ? &given : first;
    note_store(p, judge, 0);
    store_fact(p, conn, f == NULL ? "trusted" : "not_trusted", 0, f == NULL ? 0 : f->num,
               tw_trust_label(judged->trust), judge->name);
    if (f != NULL)
        note_newest(p, judged->trust, 0);
    if (p->o->stores == NULL)
        return;
    bool have_system = false;
    size_t no = 1;
    for (size_t i = 0; stores_at(p, i) != NULL; i++) {
        have_system = have_system || strcmp(stores_at(p, i)->name, "system") == 0;
        if (stores_at(p, i) != first)
            compare(p, judged, conn, stores_at(p, i), no++);
    }
    if (!have_system)
        compare(p, judged, conn, tw_system_store(p->lib), no);
}
