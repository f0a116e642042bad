/* What the families of causes about certificates share. */
#include "rules/cert_facts.h"

uint32_t cert_judged(const struct tw_case *c)
{
    for (size_t i = 0; i < c->conns_n; i++)
        if (tw_trace_first(c->trace, c->conns[i].conn, TW_FACT_PATH, NULL) != NULL)
            return c->conns[i].conn;
    return 0;
}

const struct tw_fact *cert_problem(const struct tw_case *c, enum tw_path_problem p, int64_t place)
{
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH, NULL)) != NULL)
        if (f->num == (int64_t)p && (place == TW_ANY_PLACE || f->aux == place))
            return f;
    return NULL;
}

const struct tw_fact *cert_lint(const struct tw_case *c, const char *id)
{
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH, NULL)) != NULL)
        if (tw_view_eq(f->data, tw_view_str(id)))
            return f;
    return NULL;
}

const struct tw_fact *cert_note(const struct tw_case *c, enum tw_chain_note_kind k)
{
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_CHAIN, NULL)) != NULL)
        if (f->num == (int64_t)k)
            return f;
    return NULL;
}

/* Only anchors of the system's store are those of the web PKI, whose rules the advice is about. */
const struct tw_fact *cert_advice(const struct tw_case *c, enum tw_path_problem p)
{
    const struct tw_fact *ok = cert_problem(c, TW_PATH_OK, TW_ANY_PLACE), *f = NULL;
    if (ok == NULL || ok->text == NULL || strncmp(ok->text, "the system trust store", 22) != 0)
        return NULL;
    while ((f = tw_trace_next(c->trace, f, ok->conn, TW_FACT_PATH_ADVICE, NULL)) != NULL)
        if (f->num == (int64_t)p)
            return f;
    return NULL;
}

static const struct tw_fact *sent_cert(const struct tw_case *c, uint32_t conn, int64_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && f->num == place)
            return f;
    return NULL;
}

static const struct tw_fact *path_cert(const struct tw_case *c, uint32_t conn, uint64_t step)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        if (f->num == (int64_t)step)
            return f;
    return NULL;
}

static void source_text(const struct tw_case *c, const struct tw_fact *path, char *buf, size_t cap)
{
    if (path->aux < 0)
        tw_copy_str(buf, cap, "trust store");
    else if (tw_case_inspects(c))
        snprintf(buf, cap, "certificate %lld of the file", (long long)path->aux + 1);
    else
        snprintf(buf, cap, "trial %u, Certificate %lld", path->conn, (long long)path->aux);
}

bool cert_subject_of(const struct tw_case *c, const struct tw_fact *path, struct cert_subject *s)
{
    *s = (struct cert_subject){0};
    const struct tw_fact *f = path->aux >= 0 ? sent_cert(c, path->conn, path->aux)
                                             : path_cert(c, path->conn, path->len);
    if (f == NULL)
        return false;
    tw_cert_parse(f->data, &s->cert);
    tw_dn_text(s->cert.subject, s->subject, sizeof s->subject);
    tw_dn_text(s->cert.issuer, s->issuer, sizeof s->issuer);
    tw_time_text(s->cert.not_before, s->not_before, sizeof s->not_before);
    tw_time_text(s->cert.not_after, s->not_after, sizeof s->not_after);
    source_text(c, path, s->source, sizeof s->source);
    return true;
}

void cert_begin(const struct tw_case *c, struct tw_finding *f, const struct tw_fact *path,
                enum tw_certainty certainty)
{
    f->certainty = certainty;
    f->failed_at = "certificate";
    f->next = c->base == NULL || path->conn != c->base->conn;
}

const char *cert_span_text(int64_t seconds, char *buf, size_t cap)
{
    int64_t s = seconds < 0 ? -seconds : seconds;
    if (s >= 2 * 86400)
        snprintf(buf, cap, "%lld days", (long long)(s / 86400));
    else if (s >= 2 * 3600)
        snprintf(buf, cap, "%lld hours", (long long)(s / 3600));
    else
        snprintf(buf, cap, "%lld minutes", (long long)(s / 60));
    return buf;
}

bool cert_match_problem(const struct tw_case *c, struct tw_finding *f,
                        const struct tw_fact *path, const char *summary)
{
    struct cert_subject s;
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, path->aux == 0 ? "certificate" : "CA certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "what is wrong", path->source == NULL ? "our check" : path->source, "%s",
                    path->text == NULL ? "" : path->text);
    tw_finding_summary(f, "%s: %s.", summary, path->text == NULL ? s.subject : path->text);
    return true;
}
