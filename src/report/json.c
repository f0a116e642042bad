/* The contract's JSON object (docs/tlswhy-1.schema.json). */
#include "report/json_cert.h"
#include "report/flow.h"
#include "report/json_writer.h"
#include "report/ladder.h"
#include "report/report.h"

#include "x509/x509.h"

static const char *or_null(const char *s)
{
    return s == NULL || s[0] == '\0' ? NULL : s;
}

static void target(struct json *j, const struct tw_diagnosis *d)
{
    const struct tw_trace *t = d->c.trace;
    json_open(j, "target", '{');
    json_str(j, "input", tw_trace_setting(t, "input"));
    json_str(j, "host", or_null(d->c.host));
    if (d->c.port > 0)
        json_int(j, "port", d->c.port);
    else
        json_null(j, "port");
    json_str(j, "server_name", or_null(d->c.server_name));
    json_str(j, "starttls", tw_trace_setting(t, "starttls"));
    json_open(j, "addresses", '[');
    const struct tw_fact *f = NULL;
    bool any = false;
    while ((f = tw_trace_next(t, f, 0, TW_FACT_DNS, NULL)) != NULL)
        if (strcmp(f->field, "A") == 0 || strcmp(f->field, "AAAA") == 0) {
            json_str(j, NULL, f->text);
            any = true;
        }
    if (!any && d->c.base != NULL && d->c.base->address != NULL) {
        const char *a = d->c.base->address, *colon = strrchr(a, ':');
        size_t n = colon == NULL ? strlen(a) : (size_t)(colon - a);
        bool v6 = n > 2 && a[0] == '[';
        json_bytes(j, NULL, tw_view_of(a + v6, n - 2 * (size_t)v6));
    }
    json_close(j, ']');
    json_close(j, '}');
}

static void finding(struct json *j, const struct tw_finding *f)
{
    const struct tw_rule *r = f->rule;
    json_open(j, NULL, '{');
    json_str(j, "id", r->id);
    json_str(j, "title", r->title);
    json_str(j, "category", r->category);
    json_str(j, "side", tw_side_name(f->side));
    json_str(j, "certainty", tw_certainty_name(f->certainty));
    json_str(j, "summary", f->summary);
    json_open(j, "evidence", '[');
    for (size_t i = 0; i < f->evidence_n; i++) {
        json_open(j, NULL, '{');
        json_str(j, "what", f->evidence[i].what);
        json_str(j, "value", f->evidence[i].value);
        json_str(j, "source", f->evidence[i].source);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_open(j, "fix", '[');
    const struct tw_fix *x;
    for (size_t i = 0; (x = tw_finding_fix(f, i)) != NULL; i++) {
        json_open(j, NULL, '{');
        json_str(j, "for", x->for_);
        json_str(j, "text", x->text);
        json_str(j, "snippet", x->snippet);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_open(j, "not", '[');
    for (size_t i = 0; i < f->not_n; i++) {
        json_open(j, NULL, '{');
        json_str(j, "id", f->not_[i].id);
        json_str(j, "because", f->not_[i].tell);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_open(j, "refs", '[');
    for (size_t i = 0; i < TW_MAX_REFS && r->refs[i] != NULL; i++)
        json_str(j, NULL, r->refs[i]);
    json_close(j, ']');
    json_maps(j, r->id);
    json_close(j, '}');
}

static void named(struct json *j, const char *key, uint16_t id,
                  const char *(*label)(uint16_t, char *, size_t))
{
    char buf[64];
    json_str(j, key, id == 0 ? NULL : label(id, buf, sizeof buf));
}

static void ladder(struct json *j, const struct tw_diagnosis *d, uint32_t conn)
{
    struct ladder_row row;
    size_t state = 0;
    json_open(j, "ladder", '[');
    while (ladder_next(d, conn, &state, &row)) {
        json_open(j, NULL, '{');
        json_time(j, "at_us", row.at, 1e3);
        json_str(j, "from", tw_side_name(row.from));
        json_str(j, "message", row.message);
        json_int(j, "bytes", (int64_t)row.bytes);
        json_str(j, "note", row.note);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void handshake(struct json *j, const struct tw_diagnosis *d)
{
    const struct tw_conn_view *b = d->c.base;
    if (b == NULL || tw_case_inspects(&d->c)) {
        json_null(j, "handshake");
        return;
    }
    json_open(j, "handshake", '{');
    named(j, "version", b->version, tw_version_label);
    named(j, "cipher", b->cipher, tw_suite_label);
    named(j, "group", b->group, tw_group_label);
    named(j, "signature", b->sigscheme, tw_sigscheme_label);
    json_str(j, "alpn", or_null(b->alpn));
    json_bool(j, "resumed", b->resumed);
    json_bool(j, "hello_retry", b->hello_retry);
    json_str(j, "client_auth", !b->cert_request ? "none" : b->client_cert_sent ? "sent" : "requested");
    json_bool(j, "complete", b->phase >= TW_PHASE_COMPLETE);
    const struct tw_fact *status = tw_trace_first(d->c.trace, b->conn, TW_FACT_FIELD, "http_status");
    if (status != NULL)
        json_int(j, "http_status", status->num);
    else
        json_null(j, "http_status");
    ladder(j, d, b->conn);
    json_close(j, '}');
}

/* Those of the baseline, else of the first trial that got some. */
static void certificates(struct json *j, const struct tw_diagnosis *d)
{
    uint32_t conn = 0;
    const struct tw_fact *f = NULL;
    json_open(j, "certificates", '[');
    while ((f = tw_trace_next(d->c.trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        if (f->from != TW_SERVER)
            continue;
        conn = f->conn;
        json_certificate(j, f);
    }
    json_close(j, ']');
}

/* What is wrong with store number no, or NULL. */
static const char *store_problem(const struct tw_diagnosis *d, int64_t no)
{
    static const char *const fields[] = {"unreadable", "damaged", "empty", "missing"};
    for (size_t i = 0; i < TW_ARRAY_LEN(fields); i++) {
        const struct tw_fact *f = NULL;
        while ((f = tw_trace_next(d->c.trace, f, 0, TW_FACT_STORE, fields[i])) != NULL)
            if (f->aux == no)
                return f->text;
    }
    return NULL;
}

/* When several trust stores were asked: the judging one first, and what each says of the chain. */
static void stores(struct json *j, const struct tw_diagnosis *d)
{
    const struct tw_fact *f = tw_trace_first(d->c.trace, 0, TW_FACT_STORE, "anchors"), *v = NULL;
    if (f == NULL || tw_trace_next(d->c.trace, f, 0, TW_FACT_STORE, "anchors") == NULL)
        return;
    f = NULL;
    json_open(j, "trust_stores", '[');
    while ((f = tw_trace_next(d->c.trace, f, 0, TW_FACT_STORE, "anchors")) != NULL) {
        json_open(j, NULL, '{');
        json_str(j, "store", f->source);
        json_str(j, "label", f->text);
        json_int(j, "anchors", f->num);
        for (v = NULL; (v = tw_trace_next(d->c.trace, v, 0, TW_FACT_STORE, NULL)) != NULL;)
            if (v->conn != 0 && v->aux == f->aux)
                break;
        if (v != NULL)
            json_bool(j, "trusted", strcmp(v->field, "trusted") == 0);
        else
            json_null(j, "trusted");
        json_str(j, "problem", store_problem(d, f->aux));
        json_close(j, '}');
    }
    json_close(j, ']');
}

/* With --clients: what became of each. */
static void clients(struct json *j, const struct tw_diagnosis *d)
{
    if (d->clients_n == 0)
        return;
    json_open(j, "clients", '[');
    for (size_t i = 0; i < d->clients_n; i++) {
        const struct tw_client_row *r = &d->clients[i];
        json_open(j, NULL, '{');
        json_str(j, "client", r->client);
        json_str(j, "title", r->title);
        if (r->tried)
            json_bool(j, "works", r->works);
        else
            json_null(j, "works");
        named(j, "version", r->version, tw_version_label);
        named(j, "cipher", r->cipher, tw_suite_label);
        named(j, "group", r->group, tw_group_label);
        json_str(j, "cause", r->cause);
        json_str(j, "why", or_null(r->why));
        json_close(j, '}');
    }
    json_close(j, ']');
}

static const char *end_name(enum tw_end e)
{
    static const char *const names[] = {"open", "refused", "unreachable", "connect_timeout",
                                        "timeout", "fin", "rst", "alert", "not_tls", "local",
                                        "stopped", "ok"};
    return (size_t)e < TW_ARRAY_LEN(names) ? names[e] : "open";
}

static const char *phase_name(enum tw_phase p)
{
    static const char *const names[] = {"none", "tcp", "client_hello", "server_hello",
                                        "certificate", "key_exchange", "server_finished",
                                        "complete", "confirmed"};
    return (size_t)p < TW_ARRAY_LEN(names) ? names[p] : "none";
}

static bool trial_passed(const struct tw_diagnosis *d, const struct tw_conn_view *v)
{
    return v == d->c.base ? v->ok : tw_case_passed(&d->c, v->recipe);
}

static void alert(struct json *j, int code)
{
    const struct tw_code *a = code >= 0 && code <= 255 ? tw_alert_by_code((uint8_t)code) : NULL;
    char number[16];
    snprintf(number, sizeof number, "0x%02x", (unsigned)code & 0xff);
    json_str(j, "alert", a != NULL ? a->name : code >= 0 ? number : NULL);
}

static void trials(struct json *j, const struct tw_diagnosis *d)
{
    json_open(j, "trials", '[');
    for (size_t i = 0; i < d->c.conns_n && !tw_case_inspects(&d->c); i++) {
        const struct tw_conn_view *v = &d->c.conns[i];
        json_open(j, NULL, '{');
        json_int(j, "n", v->conn);
        json_str(j, "recipe", v->recipe);
        json_str(j, "changed", v->changed);
        json_str(j, "outcome", trial_passed(d, v) ? "pass" : "fail");
        json_str(j, "reached", phase_name(v->phase));
        json_str(j, "end", end_name(v->end));
        alert(j, v->alert);
        named(j, "version", v->version, tw_version_label);
        named(j, "cipher", v->cipher, tw_suite_label);
        named(j, "group", v->group, tw_group_label);
        json_time(j, "ms", v->ended > v->started ? v->ended - v->started : 0, 1e6);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void span(struct json *j, const char *key, uint64_t from, uint64_t to)
{
    if (to > from)
        json_time(j, key, to - from, 1e6);
    else
        json_null(j, key);
}

static void timing(struct json *j, const struct tw_diagnosis *d)
{
    const struct tw_conn_view *b = d->c.base;
    const struct tw_trace *t = d->c.trace;
    size_t n = tw_trace_count(t);
    uint64_t last = 0, done = 0;
    for (size_t i = 0; i < n; i++)
        last = tw_trace_at(t, i)->at > last ? tw_trace_at(t, i)->at : last;
    const struct tw_fact *complete =
        b == NULL ? NULL : tw_trace_first(t, b->conn, TW_FACT_COMPLETE, NULL);
    done = complete == NULL ? 0 : complete->at;
    json_open(j, "timing", '{');
    json_time(j, "total_ms", last, 1e6);
    span(j, "tcp_ms", b == NULL ? 0 : b->started, b == NULL ? 0 : b->connected);
    span(j, "first_byte_ms", b == NULL ? 0 : b->hello_at, b == NULL ? 0 : b->first_byte);
    span(j, "handshake_ms", b == NULL ? 0 : b->hello_at, done);
    json_int(j, "connections", (int64_t)d->c.conns_n);
    json_int(j, "rounds", tw_trace_setting_num(t, "rounds", d->c.conns_n > 0));
    json_close(j, '}');
}

/* Of a pasted text. */
static void matches(struct json *j, const struct tw_diagnosis *d)
{
    json_open(j, "matches", '[');
    for (size_t i = 0; i < d->matches_n; i++) {
        const struct tw_match *m = &d->matches[i];
        json_open(j, NULL, '{');
        json_str(j, "text", m->text);
        json_str(j, "stack", m->stack);
        json_str(j, "side", m->side);
        json_int(j, "offset", (int64_t)m->offset);
        json_int(j, "line", m->line);
        json_int(j, "count", m->count);
        json_str(j, "note", m->note);
        json_bool(j, "beside", m->beside);
        json_close(j, '}');
    }
    json_close(j, ']');
}

enum tw_status tw_report_json(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out)
{
    struct json j = {out, false};
    json_open(&j, NULL, '{');
    json_str(&j, "schema", "tlswhy/1");
    json_str(&j, "vantage", o->vantage);
    target(&j, d);
    json_str(&j, "outcome", tw_outcome_name(d->outcome));
    json_str(&j, "failed_at", d->failed_at);
    json_open(&j, "causes", '[');
    for (size_t i = 0; i < d->causes_n; i++)
        finding(&j, &d->causes[i]);
    json_close(&j, ']');
    json_open(&j, "warnings", '[');
    for (size_t i = 0; i < d->warnings_n; i++)
        finding(&j, &d->warnings[i]);
    json_close(&j, ']');
    if (d->matches != NULL)
        matches(&j, d);
    handshake(&j, d);
    certificates(&j, d);
    json_paths(&j, d->c.trace);
    stores(&j, d);
    clients(&j, d);
    trials(&j, d);
    timing(&j, d);
    if (o->flow != NULL)
        json_flow(&j, o->flow);
    json_close(&j, '}');
    tw_wr_u8(out, '\n');
    return out->failed ? TW_E_LIMIT : TW_OK;
}
