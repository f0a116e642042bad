/* What trust.c, vhost.c and intercept.c ask of a connection's certificates. */
#include "rules/chain.h"

uint32_t chain_conn(const struct tw_case *c)
{
    for (size_t i = 0; i < c->conns_n; i++)
        if (tw_trace_first(c->trace, c->conns[i].conn, TW_FACT_PATH, NULL) != NULL)
            return c->conns[i].conn;
    return 0;
}

const struct tw_fact *chain_problem(const struct tw_case *c, uint32_t conn, const char *name)
{
    return conn == 0 ? NULL : tw_trace_first(c->trace, conn, TW_FACT_PATH, name);
}

static const struct tw_fact *first_of(const struct tw_case *c, uint32_t conn,
                                      const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tw_fact *f = chain_problem(c, conn, names[i]);
        if (f != NULL)
            return f;
    }
    return NULL;
}

const struct tw_fact *chain_untrusted(const struct tw_case *c, uint32_t conn)
{
    static const char *const names[] = {"unknown_root", "missing_issuer", "no_anchors",
                                        "self_signed_leaf", "bad_signature"};
    return first_of(c, conn, names, TW_ARRAY_LEN(names));
}

const struct tw_fact *chain_misnamed(const struct tw_case *c, uint32_t conn)
{
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH, NULL)) != NULL)
        if (strncmp(f->field, "name_", 5) == 0 && strncmp(f->field, "name_constraint", 15) != 0 &&
            f->aux == 0)
            return f;
    return NULL;
}

/* ---- certificates --------------------------------------------------------------------------------- */

static const struct tw_fact *sent_fact(const struct tw_case *c, uint32_t conn, int64_t place)
{
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && f->num == place)
            return f;
    return NULL;
}

bool chain_sent(const struct tw_case *c, uint32_t conn, int64_t place, struct tw_cert *out)
{
    const struct tw_fact *f = sent_fact(c, conn, place);
    if (f != NULL)
        tw_cert_parse(f->data, out);
    return f != NULL;
}

bool chain_path(const struct tw_case *c, uint32_t conn, int64_t place, struct tw_cert *out,
                bool *from_store)
{
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH_CERT, NULL)) != NULL) {
        if (f->num != place)
            continue;
        tw_cert_parse(f->data, out);
        if (from_store != NULL)
            *from_store = f->aux != 0;
        return true;
    }
    return false;
}

bool chain_top(const struct tw_case *c, uint32_t conn, struct tw_cert *out)
{
    int64_t n = 0;
    while (n < 32 && chain_path(c, conn, n, out, NULL))
        n++;
    return n > 0;
}

bool chain_same_leaf(const struct tw_case *c, uint32_t a, uint32_t b)
{
    const struct tw_fact *x = sent_fact(c, a, 0), *y = sent_fact(c, b, 0);
    return x != NULL && y != NULL && tw_view_eq(x->data, y->data);
}

bool chain_other_leaf(const struct tw_case *c, uint32_t a, uint32_t b)
{
    const struct tw_fact *x = sent_fact(c, a, 0), *y = sent_fact(c, b, 0);
    return x != NULL && y != NULL && !tw_view_eq(x->data, y->data);
}

/* ---- findings ------------------------------------------------------------------------------------- */

void chain_begin(const struct tw_case *c, struct tw_finding *f, uint32_t conn,
                 enum tw_certainty certainty)
{
    f->certainty = certainty;
    f->failed_at = "certificate";
    f->next = c->base == NULL || conn != c->base->conn;
}

const char *chain_source(uint32_t conn, int64_t place, char *buf, size_t cap)
{
    snprintf(buf, cap, "trial %u, Certificate %lld", conn, (long long)place);
    return buf;
}

const char *chain_cn(struct tw_view name, char *buf, size_t cap)
{
    if (tw_dn_attr(name, "CN", buf, cap)[0] == '\0' && tw_dn_attr(name, "O", buf, cap)[0] == '\0')
        tw_dn_text(name, buf, cap);
    return buf;
}

/* ---- trust stores --------------------------------------------------------------------------------- */

const struct tw_fact *store_fact(const struct tw_case *c, const char *field, int64_t no)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, 0, TW_FACT_STORE, field)) != NULL)
        if (f->aux == no && f->conn == 0)
            return f;
    return NULL;
}

static bool kind_is(const struct tw_fact *f, const char *const *kinds)
{
    if (kinds == NULL)
        return true;
    for (; f->source != NULL && *kinds != NULL; kinds++)
        if (strcmp(f->source, *kinds) == 0)
            return true;
    return false;
}

const struct tw_fact *store_that_trusts(const struct tw_case *c, uint32_t conn,
                                        const char *const *kinds)
{
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_STORE, "trusted")) != NULL)
        if (f->aux > 0 && kind_is(f, kinds))
            return f;
    return NULL;
}

const struct tw_fact *store_that_refuses(const struct tw_case *c, uint32_t conn)
{
    const struct tw_fact *f = tw_trace_first(c->trace, conn, TW_FACT_STORE, "trusted");
    if (conn == 0 || f == NULL || f->aux != 0)
        return NULL;
    f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_STORE, "not_trusted")) != NULL) {
        const struct tw_fact *count = store_fact(c, "anchors", f->aux);
        if (f->aux > 0 && count != NULL && count->num > 0)
            return f;
    }
    return NULL;
}

const struct tw_fact *other_store_fact(const struct tw_case *c, const char *field)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, 0, TW_FACT_STORE, field)) != NULL)
        if (f->aux > 0 && f->conn == 0)
            return f;
    return NULL;
}

void cite_stores(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const struct tw_fact *s = NULL;
    char source[40];
    snprintf(source, sizeof source, "trial %u, against each store", conn);
    if (tw_trace_next(c->trace, tw_trace_first(c->trace, conn, TW_FACT_STORE, NULL), conn,
                      TW_FACT_STORE, NULL) == NULL)
        return; /* the judging store alone is told elsewhere */
    while ((s = tw_trace_next(c->trace, s, conn, TW_FACT_STORE, NULL)) != NULL)
        tw_finding_cite(f, strcmp(s->field, "trusted") == 0 ? "trusted by" : "not trusted by",
                        source, "%s", s->text == NULL ? "" : s->text);
}

bool trust_is_told(const struct tw_case *c, uint32_t conn)
{
    return store_fact(c, "missing", 0) != NULL || store_fact(c, "empty", 0) != NULL ||
           store_fact(c, "unreadable", 0) != NULL || chain_intercepted(c, conn) ||
           chain_distrusted(c, conn) || chain_public_root(c, conn);
}
