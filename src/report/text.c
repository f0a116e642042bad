/*
 * The report for a person: verdict, ladder with the place where it broke, cause, proof, what it is
 * not, fix, the command to check again.
 */
#include "report/ladder.h"
#include "report/paper.h"

#include "x509/x509.h"

static const char *side_text(enum tw_side s)
{
    switch (s) {
    case TW_SERVER:
        return "to be fixed on the server";
    case TW_CLIENT:
        return "to be fixed on the client";
    case TW_NETWORK:
        return "to be fixed in the network between";
    case TW_CA:
        return "to be fixed by the certificate authority";
    default:
        return "nothing to fix";
    }
}

static const char *where_text(const char *failed_at)
{
    static const struct { const char *word, *text; } words[] = {
        {"input", "at the input"}, {"dns", "at the name look-up"}, {"tcp", "at the TCP connection"},
        {"proxy", "at the proxy"}, {"starttls", "at the upgrade to TLS"},
        {"client_hello", "before the ClientHello"}, {"server_hello", "at the answer to the ClientHello"},
        {"certificate", "at the certificate"}, {"key_exchange", "at the key exchange"},
        {"client_auth", "at the client's certificate"}, {"finished", "at Finished"},
        {"application", "at the first application byte"}};
    for (size_t i = 0; failed_at != NULL && i < TW_ARRAY_LEN(words); i++)
        if (strcmp(words[i].word, failed_at) == 0)
            return words[i].text;
    return "";
}

static void target_text(const struct tw_diagnosis *d, char *buf, size_t cap)
{
    const char *input = tw_trace_setting(d->c.trace, "input");
    if (d->c.host[0] == '\0')
        tw_copy_str(buf, cap, input != NULL ? input : "connection");
    else if (d->c.port == 0)
        tw_copy_str(buf, cap, d->c.host);
    else
        snprintf(buf, cap, strchr(d->c.host, ':') != NULL ? "[%s]:%lld" : "%s:%lld", d->c.host,
                 (long long)d->c.port);
}

/* ---- verdict ----------------------------------------------------------------------------------------- */

/* "TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768, h2; certificate good for 62 days" */
static void healthy_text(const struct tw_diagnosis *d, char *buf, size_t cap)
{
    const struct tw_conn_view *b = d->c.base;
    char ver[32], suite[64], group[48], days[64] = "";
    const struct tw_fact *f = tw_trace_first(d->c.trace, b->conn, TW_FACT_CERTIFICATE, NULL);
    if (tw_trace_setting_num(d->c.trace, "hello_replayed", 0) != 0) {
        snprintf(buf, cap, "the server answers this ClientHello with %s%s%s%s; the handshake was not "
                           "gone on with: its keys are not ours",
                 tw_version_label(b->version, ver, sizeof ver),
                 b->cipher != 0 ? ", " : "",
                 b->cipher != 0 ? tw_suite_label(b->cipher, suite, sizeof suite) : "",
                 b->hello_retry ? " (HelloRetryRequest)" : "");
        return;
    }
    if (f != NULL) {
        struct tw_cert c;
        tw_cert_parse(f->data, &c);
        snprintf(days, sizeof days, "; certificate good for %lld days",
                 (long long)((c.not_after - d->c.wall_time) / 86400));
    }
    snprintf(buf, cap, "%s, %s%s%s%s%s%s", tw_version_label(b->version, ver, sizeof ver),
             tw_suite_label(b->cipher, suite, sizeof suite), b->group != 0 ? ", " : "",
             b->group != 0 ? tw_group_label(b->group, group, sizeof group) : "",
             b->alpn != NULL && b->alpn[0] != '\0' ? ", " : "", b->alpn != NULL ? b->alpn : "", days);
}

/* "valid up to CN=...; good for 62 days" */
static void inspected_text(const struct tw_diagnosis *d, char *buf, size_t cap)
{
    const struct tw_trace *t = d->c.trace;
    const struct tw_fact *leaf = tw_trace_first(t, 1, TW_FACT_PATH_CERT, NULL);
    const struct tw_fact *top = tw_trace_last(t, 1, TW_FACT_PATH_CERT, NULL);
    struct tw_cert a, b;
    char dn[300];
    buf[0] = '\0';
    if (leaf == NULL || top == NULL)
        return;
    tw_cert_parse(leaf->data, &a);
    tw_cert_parse(top->data, &b);
    snprintf(buf, cap, "a path leads to %s; certificate good for %lld days",
             tw_dn_text(b.subject, dn, sizeof dn),
             (long long)((a.not_after - d->c.wall_time) / 86400));
}

static void verdict(struct paper *p, const struct tw_diagnosis *d)
{
    char target[320], text[700];
    target_text(d, target, sizeof target);
    if (d->outcome == TW_OUTCOME_OK) {
        if (tw_case_inspects(&d->c))
            inspected_text(d, text, sizeof text);
        else
            healthy_text(d, text, sizeof text);
        paper_word(p, INK_GOOD, "OK");
        char line[1100];
        snprintf(line, sizeof line, "%s: %s", target, text);
        paper_item(p, 0, "", 6, line);
        return;
    }
    if (d->matches != NULL && d->c.host[0] == '\0')
        tw_copy_str(target, sizeof target, "text");
    paper_word(p, INK_BAD, d->outcome == TW_OUTCOME_FAIL ? "FAILS" : "?");
    if (d->causes_n > 0) {
        const struct tw_finding *f = &d->causes[0];
        snprintf(text, sizeof text, "%s %s: %s [%s, %s], %s", target, where_text(d->failed_at),
                 f->rule->title, f->rule->id, tw_certainty_name(f->certainty), side_text(f->side));
    } else if (tw_trace_setting_num(d->c.trace, "interrupted", 0)) {
        snprintf(text, sizeof text, "%s: interrupted before a verdict", target);
    } else if (d->matches != NULL) {
        snprintf(text, sizeof text, "%s: no known message of a TLS stack that names a cause", target);
    } else {
        snprintf(text, sizeof text, "%s %s: what was seen is not enough to name a cause", target,
                 where_text(d->failed_at));
    }
    paper_item(p, 0, "", 6, text);
}

/* ---- ladder -------------------------------------------------------------------------------------------- */

static void ladder(struct paper *p, const struct tw_diagnosis *d, uint32_t conn)
{
    struct ladder_row row;
    size_t state = 0;
    while (ladder_next(d, conn, &state, &row)) {
        char label[128], bytes[24] = "";
        const char *arrow = row.from == TW_CLIENT ? "->" : row.from == TW_SERVER ? "<-" : "--";
        if (row.bytes > 0)
            snprintf(bytes, sizeof bytes, "%llu B", (unsigned long long)row.bytes);
        snprintf(label, sizeof label, "%c %8.1f ms  %s %-20s %8s", row.bad ? 'x' : ' ',
                 (double)row.at / 1e6, arrow, row.message, bytes);
        if (row.bad)
            paper_ink(p, INK_BAD);
        paper_item(p, 0, label, 48, row.note);
        if (row.bad)
            paper_ink(p, INK_PLAIN);
    }
}

/* ---- finding -------------------------------------------------------------------------------------------- */

static void fixes(struct paper *p, const struct tw_finding *f)
{
    paper_heading(p, "Fix");
    const struct tw_fix *x;
    for (size_t i = 0; (x = tw_finding_fix(f, i)) != NULL; i++)
        if (!tw_fix_is_beside(f, x))
            paper_fix(p, x);
}

static void evidence(struct paper *p, const struct tw_finding *f)
{
    paper_heading(p, "Proof");
    for (size_t i = 0; i < f->evidence_n; i++) {
        char text[1200];
        const struct tw_evidence *e = &f->evidence[i];
        snprintf(text, sizeof text, "%s: %s%s%s%s", e->what == NULL ? "" : e->what, e->value,
                 e->source[0] != '\0' ? " (" : "", e->source, e->source[0] != '\0' ? ")" : "");
        paper_item(p, 2, "-", 2, text);
    }
    if (f->not_n == 0)
        return;
    paper_heading(p, "Looks alike");
    for (size_t i = 0; i < f->not_n; i++) {
        char label[64];
        snprintf(label, sizeof label, "%s:", f->not_[i].id);
        paper_item(p, 2, label, 30, f->not_[i].tell);
    }
}

static void cause(struct paper *p, const struct tw_finding *f)
{
    paper_heading(p, "Cause");
    paper_item(p, 2, "", 0, f->summary);
    paper_item(p, 2, "", 0, f->rule->explain);
    evidence(p, f);
    fixes(p, f);
}

static void others(struct paper *p, const char *heading, const struct tw_finding *f, size_t n)
{
    if (n == 0)
        return;
    paper_heading(p, heading);
    for (size_t i = 0; i < n; i++) {
        char label[96];
        snprintf(label, sizeof label, "%s (%s):", f[i].rule->id, tw_certainty_name(f[i].certainty));
        paper_item(p, 2, label, 38, f[i].summary);
    }
}

/* ---- trials ------------------------------------------------------------------------------------------------ */

static const char *how_it_ended(const struct tw_conn_view *v, char *buf, size_t cap)
{
    char ver[32], suite[64];
    const struct tw_code *alert = v->alert >= 0 ? tw_alert_by_code((uint8_t)v->alert) : NULL;
    if (v->not_tls != NULL)
        snprintf(buf, cap, "an answer that is not TLS");
    else if (v->phase >= TW_PHASE_SERVER_HELLO && v->cipher != 0)
        snprintf(buf, cap, "%s, %s%s%s", tw_version_label(v->version, ver, sizeof ver),
                 tw_suite_label(v->cipher, suite, sizeof suite), alert != NULL ? ", then alert " : "",
                 alert != NULL ? alert->name : "");
    else if (alert != NULL)
        snprintf(buf, cap, "alert %s (%d)", alert->name, v->alert);
    else
        snprintf(buf, cap, "%s", v->end == TW_END_FIN       ? "closed"
                                 : v->end == TW_END_RST     ? "reset"
                                 : v->end == TW_END_TIMEOUT ? "silence"
                                 : v->end == TW_END_REFUSED ? "connection refused"
                                                            : "no answer");
    return buf;
}

static void trials(struct paper *p, const struct tw_diagnosis *d)
{
    if (d->c.conns_n < 2)
        return;
    paper_heading(p, "What was tried");
    for (size_t i = 0; i < d->c.conns_n; i++) {
        const struct tw_conn_view *v = &d->c.conns[i];
        bool pass = v == d->c.base ? v->ok : tw_case_passed(&d->c, v->recipe);
        char label[160], text[200];
        snprintf(label, sizeof label, "%2u %s %s", v->conn, pass ? "pass" : "fail",
                 v->changed == NULL ? "" : v->changed);
        paper_item(p, 2, label, 58, how_it_ended(v, text, sizeof text));
    }
}

/* ---- trust stores --------------------------------------------------------------------------------------- */

/* Only when several were asked: the judging one's verdict is told elsewhere. */
static void stores(struct paper *p, const struct tw_diagnosis *d)
{
    const struct tw_trace *t = d->c.trace;
    const struct tw_fact *f = NULL, *first = tw_trace_first(t, 0, TW_FACT_STORE, "anchors");
    if (first == NULL || tw_trace_next(t, first, 0, TW_FACT_STORE, "anchors") == NULL)
        return;
    paper_heading(p, "Trust stores");
    while ((f = tw_trace_next(t, f, 0, TW_FACT_STORE, NULL)) != NULL)
        if (f->conn != 0)
            paper_item(p, 2, strcmp(f->field, "trusted") == 0 ? "trusted by" : "not trusted by", 17,
                       f->text == NULL ? "" : f->text);
}

/* ---- clients (--clients) ------------------------------------------------------------------------------ */

static void clients(struct paper *p, const struct tw_diagnosis *d)
{
    if (d->clients_n == 0)
        return;
    paper_heading(p, "Real clients");
    for (size_t i = 0; i < d->clients_n; i++) {
        const struct tw_client_row *r = &d->clients[i];
        char label[64], text[900], ver[32], suite[64], group[64];
        snprintf(label, sizeof label, "%-5s %s",
                 !r->tried ? "-" : r->works ? "works" : "fails", r->client);
        if (!r->tried)
            snprintf(text, sizeof text, "not tried: connections or time used up");
        else if (r->works)
            snprintf(text, sizeof text, "%s, %s%s%s", tw_version_label(r->version, ver, sizeof ver),
                     tw_suite_label(r->cipher, suite, sizeof suite), r->group != 0 ? ", " : "",
                     r->group != 0 ? tw_group_label(r->group, group, sizeof group) : "");
        else
            snprintf(text, sizeof text, "%s%s%s", r->cause == NULL ? "" : r->cause,
                     r->cause == NULL ? "" : ": ", r->why);
        paper_item(p, 2, label, 24, text);
    }
}

/* ---- details (-v) ------------------------------------------------------------------------------------------- */

static void certificates(struct paper *p, const struct tw_diagnosis *d)
{
    const struct tw_fact *f = NULL;
    uint32_t conn = 0;
    bool any = false;
    while ((f = tw_trace_next(d->c.trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        struct tw_cert c;
        struct tw_key_info key;
        char a[300], b[64], line[500];
        if (f->from != TW_SERVER)
            continue;
        conn = f->conn;
        if (!any)
            paper_heading(p, "Certificates as sent");
        any = true;
        tw_cert_parse(f->data, &c);
        tw_cert_key_info(&c, &key);
        snprintf(line, sizeof line, "%lld", (long long)f->num);
        paper_item(p, 2, line, 4, tw_dn_text(c.subject, a, sizeof a));
        snprintf(line, sizeof line, "issuer %s", tw_dn_text(c.issuer, a, sizeof a));
        paper_item(p, 6, "", 0, line);
        snprintf(line, sizeof line, "valid %s to %s; %s %u bits; %s",
                 tw_time_text(c.not_before, a, sizeof a), tw_time_text(c.not_after, b, sizeof b),
                 tw_key_type_name(key.type), key.bits, "");
        size_t n = strlen(line) - 2;
        snprintf(line + n, sizeof line - n, "; signed %s", tw_cert_sig_name(&c, b, sizeof b));
        paper_item(p, 6, "", 0, line);
    }
}

static void values(struct paper *p, const struct tw_diagnosis *d, const char *heading,
                   uint32_t conn, enum tw_fact_kind kind)
{
    const struct tw_fact *f = NULL;
    bool any = false;
    while ((f = tw_trace_next(d->c.trace, f, conn, kind, NULL)) != NULL) {
        if (!any)
            paper_heading(p, heading);
        any = true;
        paper_item(p, 2, f->field, 18, f->text == NULL ? "" : f->text);
    }
}

static void details(struct paper *p, const struct tw_diagnosis *d)
{
    certificates(p, d);
    if (d->c.base != NULL)
        values(p, d, "Negotiated", d->c.base->conn, TW_FACT_NEGOTIATED);
    values(p, d, "Name look-up", 0, TW_FACT_DNS);
}

/* ---- a pasted text ------------------------------------------------------------------------------------------- */

enum { MESSAGES_SHOWN = 8, CAUSES_SHOWN = 6 };

static void messages(struct paper *p, const struct tw_diagnosis *d, bool all)
{
    paper_heading(p, "Messages");
    size_t shown = 0;
    for (size_t i = 0; i < d->matches_n; i++) {
        const struct tw_match *m = &d->matches[i];
        char label[96], text[700], times[32] = "";
        if (!all && (shown == MESSAGES_SHOWN || m->beside))
            continue;
        shown++;
        if (m->count > 1)
            snprintf(times, sizeof times, ", %u times", m->count);
        snprintf(label, sizeof label, "line %u%s, %s", m->line, times, m->stack);
        snprintf(text, sizeof text, "%s%s%s%s", m->text, m->note != NULL ? "\n(" : "",
                 m->note != NULL ? m->note : "", m->note != NULL ? ")" : "");
        paper_item(p, 2, label, 30, text);
    }
    if (shown < d->matches_n && !all) {
        char line[96];
        snprintf(line, sizeof line, "and %zu less specific or further ones (-v shows them)",
                 d->matches_n - shown);
        paper_line(p, 2, line);
    }
}

static void what_it_can_mean(struct paper *p, const struct tw_diagnosis *d, bool all)
{
    const struct tw_finding *first = &d->causes[0];
    paper_heading(p, "Likeliest cause");
    paper_item(p, 2, "", 0, first->rule->explain);
    if (d->causes_n < 2)
        return;
    paper_heading(p, "What tells it from the others");
    char label[64];
    snprintf(label, sizeof label, "%s:", first->rule->id);
    paper_item(p, 2, label, 30, first->rule->evidence);
    for (size_t i = 1; i < d->causes_n && (all || i < CAUSES_SHOWN); i++) {
        const char *tell = d->causes[i].rule->evidence;
        for (size_t k = 0; k < first->not_n; k++)
            if (strcmp(first->not_[k].id, d->causes[i].rule->id) == 0)
                tell = first->not_[k].tell;
        snprintf(label, sizeof label, "%s:", d->causes[i].rule->id);
        paper_item(p, 2, label, 30, tell);
    }
}

static void explained(struct paper *p, const struct tw_diagnosis *d,
                      const struct tw_report_options *o)
{
    messages(p, d, o->verbosity > 0 || d->causes_n == 0);
    if (d->causes_n > 0) {
        what_it_can_mean(p, d, o->verbosity > 0);
        fixes(p, &d->causes[0]);
    }
    paper_heading(p, "Find out with");
    paper_verbatim(p, 2, o->command != NULL ? o->command : "tlswhy check HOST:PORT");
    paper_blank(p);
}

enum tw_status tw_report_text(const struct tw_diagnosis *d, const struct tw_report_options *o,
                              struct tw_buf *out)
{
    struct paper paper = {out, o->width < 40 ? 100 : o->width, o->colour}, *p = &paper;
    verdict(p, d);
    if (o->verbosity < 0)
        return out->failed ? TW_E_LIMIT : TW_OK;
    if (d->matches_n > 0) {
        explained(p, d, o);
        return out->failed ? TW_E_LIMIT : TW_OK;
    }
    if (d->c.base != NULL && !tw_case_inspects(&d->c)) {
        paper_blank(p);
        ladder(p, d, d->c.base->conn);
    }
    if (d->causes_n > 0) {
        cause(p, &d->causes[0]);
        others(p, "Also", d->causes + 1, d->causes_n - 1);
    }
    others(p, "Will fail next", d->warnings, d->warnings_n);
    stores(p, d);
    clients(p, d);
    if ((d->outcome != TW_OUTCOME_OK || o->verbosity > 0) && !tw_case_inspects(&d->c))
        trials(p, d);
    if (o->verbosity > 0)
        details(p, d);
    if (d->outcome != TW_OUTCOME_OK && o->command != NULL) {
        paper_heading(p, "Check again");
        paper_verbatim(p, 2, o->command);
    }
    paper_blank(p);
    return out->failed ? TW_E_LIMIT : TW_OK;
}
