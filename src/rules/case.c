/* What rules read: the case, built from a trace; and how they cite what they read. */
#include "rules/rules_internal.h"

const char *tw_certainty_name(enum tw_certainty c)
{
    static const char *const names[] = {"possible", "likely", "proven"};
    return names[c];
}

const char *tw_outcome_name(enum tw_outcome o)
{
    static const char *const names[] = {"ok", "fail", "unknown"};
    return names[o];
}

/* A hello with somebody else's keys got all that it can get: an answer. */
static bool replayed_and_answered(const struct tw_trace *t, const struct tw_conn_view *base)
{
    return base != NULL && tw_trace_setting_num(t, "hello_replayed", 0) != 0 &&
           base->end == TW_END_STOPPED && base->local == NULL && base->malformed == NULL &&
           (base->phase >= TW_PHASE_SERVER_HELLO || base->hello_retry);
}

void tw_case_build(struct tw_case *c, const struct tw_trace *t)
{
    *c = (struct tw_case){.trace = t};
    uint32_t n = tw_trace_conns(t);
    for (uint32_t i = 1; i <= n && c->conns_n < TW_MAX_CONNS; i++) {
        struct tw_conn_view *v = &c->conns[c->conns_n++];
        tw_conn_digest(t, i, v);
        if (c->base == NULL && v->recipe != NULL && strcmp(v->recipe, "baseline") == 0)
            c->base = v;
    }
    if (replayed_and_answered(t, c->base)) {
        struct tw_conn_view *base = &c->conns[c->base - c->conns];
        base->ok = true;
        base->end = TW_END_OK;
        if (base->hello_retry)
            base->version = TW_TLS13; /* nothing below has it */
    }
    if (c->base == NULL && c->conns_n > 0)
        c->base = &c->conns[0]; /* a vantage without trials: the connection itself */
    const char *host = tw_trace_setting(t, "host"), *sni = tw_trace_setting(t, "server_name");
    c->host = host == NULL ? "" : host;
    c->server_name = sni == NULL ? "" : sni;
    c->wall_time = tw_trace_setting_num(t, "wall_time", 0);
    c->port = tw_trace_setting_num(t, "port", 0);
    c->software = tw_case_software(t);
}

bool tw_case_inspects(const struct tw_case *c)
{
    const char *v = tw_trace_setting(c->trace, "vantage");
    return v != NULL && strcmp(v, "inspect") == 0;
}

const struct tw_conn_view *tw_case_trial(const struct tw_case *c, const char *recipe)
{
    for (size_t i = 0; i < c->conns_n; i++)
        if (&c->conns[i] != c->base && c->conns[i].recipe != NULL &&
            strcmp(c->conns[i].recipe, recipe) == 0)
            return &c->conns[i];
    return NULL;
}

/* A trial passes when it gets over the step at which the baseline failed. */
bool tw_case_passed(const struct tw_case *c, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    if (v == NULL || c->base == NULL)
        return false;
    if (v->local != NULL && v->phase < TW_PHASE_CERTIFICATE)
        return false; /* our side refused the answer */
    return v->ok || (c->base->phase < TW_PHASE_SERVER_HELLO && v->phase >= TW_PHASE_SERVER_HELLO);
}

bool tw_case_failed(const struct tw_case *c, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    return v != NULL && v->end != TW_END_OPEN && !tw_case_passed(c, recipe);
}

bool tw_rejected_hello(const struct tw_conn_view *v)
{
    return v != NULL && v->hello_sent && v->phase == TW_PHASE_HELLO_SENT &&
           (v->end == TW_END_ALERT || v->end == TW_END_FIN || v->end == TW_END_RST ||
            v->end == TW_END_TIMEOUT);
}

bool tw_gave_up_before_signing(const struct tw_conn_view *v)
{
    return v != NULL && !v->ok && v->end == TW_END_ALERT && v->local == NULL &&
           v->phase >= TW_PHASE_SERVER_HELLO && v->phase <= TW_PHASE_CERTIFICATE &&
           (v->alert == TW_ALERT_HANDSHAKE_FAILURE || v->alert == TW_ALERT_INTERNAL_ERROR);
}

const char *tw_rejection_text(const struct tw_conn_view *v, char *buf, size_t cap)
{
    const struct tw_code *alert = v->alert >= 0 ? tw_alert_by_code((uint8_t)v->alert) : NULL;
    if (v->alert >= 0)
        snprintf(buf, cap, "alert %d %s", v->alert, alert != NULL ? alert->name : "(unassigned)");
    else if (v->end == TW_END_RST)
        snprintf(buf, cap, "a TCP reset");
    else if (v->end == TW_END_FIN)
        snprintf(buf, cap, "closing the connection without a word");
    else if (v->end == TW_END_TIMEOUT)
        snprintf(buf, cap, "silence");
    else
        snprintf(buf, cap, "a refusal");
    return buf;
}

/* ---- the baseline's offer --------------------------------------------------------------------- */

static bool client_hello_of(const struct tw_case *c, const struct tw_conn_view *v,
                            struct tw_client_hello *m)
{
    const struct tw_fact *f =
        v == NULL ? NULL : tw_trace_message(c->trace, v->conn, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    if (f == NULL)
        return false;
    struct tw_reader r = tw_rd_of(f->data);
    return tw_client_hello_decode(&r, m);
}

static void list_of(struct tw_view ext, uint16_t type, size_t len_bytes, struct tw_u16s *out)
{
    struct tw_view body;
    if (tw_ext_find(ext, type, &body))
        tw_ext_u16_list(body, len_bytes, out);
}

void tw_offer_of(const struct tw_case *c, const struct tw_conn_view *v, struct tw_offer *o)
{
    *o = (struct tw_offer){0};
    struct tw_client_hello m = {0};
    if (!client_hello_of(c, v, &m))
        return;
    o->known = true;
    struct tw_reader r = tw_rd_of(m.ciphers);
    while (tw_rd_left(&r) >= 2 && o->ciphers.n < TW_ARRAY_LEN(o->ciphers.v))
        o->ciphers.v[o->ciphers.n++] = tw_rd_u16(&r, "cipher");
    list_of(m.extensions, TW_EXT_SUPPORTED_VERSIONS, 1, &o->versions);
    list_of(m.extensions, TW_EXT_SUPPORTED_GROUPS, 2, &o->groups);
    list_of(m.extensions, TW_EXT_SIGNATURE_ALGORITHMS, 2, &o->sigalgs);
    struct tw_view body;
    o->has_sigalgs = tw_ext_find(m.extensions, TW_EXT_SIGNATURE_ALGORITHMS, &body);
    o->has_alpn = tw_ext_find(m.extensions, TW_EXT_ALPN, &body);
    o->has_sni = tw_ext_find(m.extensions, TW_EXT_SERVER_NAME, &body);
    if (o->versions.n == 0) { /* legacy_version is the highest; what lies below is not said */
        o->versions.v[o->versions.n++] = m.version;
        o->versions_implicit = true;
    }
    for (size_t i = 0; i < o->versions.n; i++) {
        uint16_t ver = o->versions.v[i];
        if (tw_is_grease(ver))
            continue;
        o->max_version = ver > o->max_version ? ver : o->max_version;
        o->min_version = o->min_version == 0 || ver < o->min_version ? ver : o->min_version;
    }
}

bool tw_offered(const struct tw_u16s *l, uint16_t v)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == v)
            return true;
    return false;
}

/* ---- citing ----------------------------------------------------------------------------------- */

static const char *vtext(struct tw_arena *a, const char *fmt, va_list ap)
{
    char buf[600];
    vsnprintf(buf, sizeof buf, fmt, ap);
    const char *s = tw_arena_str(a, buf);
    return s == NULL ? "" : s;
}

/* A capture has one connection and nobody tried it: "trial 1, ServerHello" is "ServerHello". */
static const char *without_trial(const char *source)
{
    static const char first[] = "trial 1";
    size_t n = sizeof first - 1;
    if (source == NULL || strncmp(source, first, n) != 0)
        return source;
    return source[n] == '\0' ? "connection" : source[n] == ',' ? source + n + 2 : source;
}

void tw_finding_cite(struct tw_finding *f, const char *what, const char *source,
                     const char *value_fmt, ...)
{
    if (f->evidence_n == TW_MAX_EVIDENCE)
        return;
    if (f->passive)
        source = without_trial(source);
    va_list ap;
    va_start(ap, value_fmt);
    const char *src = tw_arena_str(f->arena, source == NULL ? "" : source);
    f->evidence[f->evidence_n++] =
        (struct tw_evidence){what, vtext(f->arena, value_fmt, ap), src == NULL ? "" : src};
    va_end(ap);
}

static void fact_source(const struct tw_finding *f, const struct tw_fact *x, char *buf, size_t cap)
{
    const char *part = x->msg != TW_NO_MSG ? tw_message_title(x->msg) : NULL;
    if (x->msg == TW_MSG_HELLO_RETRY_REQUEST)
        part = "HelloRetryRequest";
    if (x->kind == TW_FACT_ALERT)
        part = "Alert";
    else if (x->kind == TW_FACT_CERTIFICATE || x->kind == TW_FACT_PATH)
        part = "Certificate";
    else if (x->kind == TW_FACT_TCP)
        part = "TCP";
    else if (x->kind == TW_FACT_END)
        part = "end of the connection";
    else if (x->kind == TW_FACT_NOT_TLS)
        part = "first bytes";
    else if (x->kind == TW_FACT_CHECK)
        part = "our check";
    if (x->kind == TW_FACT_PATH && x->aux < 0)
        tw_copy_str(buf, cap, "trust store");
    else if (f->files && x->kind == TW_FACT_PATH)
        snprintf(buf, cap, "certificate %lld of the file", (long long)x->aux + 1);
    else if (f->files && x->conn != 0)
        tw_copy_str(buf, cap, "the file");
    else if (x->conn == 0)
        tw_copy_str(buf, cap, x->kind == TW_FACT_DNS ? "DNS" : "settings");
    else
        snprintf(buf, cap, "trial %u%s%s", x->conn, part != NULL ? ", " : "",
                 part != NULL ? part : "");
}

static void fact_value(const struct tw_fact *x, char *buf, size_t cap)
{
    const struct tw_code *alert = tw_alert_by_code((uint8_t)x->num);
    switch (x->kind) {
    case TW_FACT_ALERT:
        snprintf(buf, cap, "%s alert %lld %s from the %s", x->aux == 1 ? "warning" : "fatal",
                 (long long)x->num, alert != NULL ? alert->name : "(unassigned)",
                 tw_side_name(x->from));
        break;
    case TW_FACT_END:
        if (x->from == TW_CLIENT && (strcmp(x->field, "fin") == 0 || strcmp(x->field, "rst") == 0)) {
            snprintf(buf, cap, "%s by the client (%s)",
                     x->field[0] == 'f' ? "closed" : "reset", x->field[0] == 'f' ? "FIN" : "RST");
            break;
        }
        snprintf(buf, cap, "%s", strcmp(x->field, "fin") == 0   ? "closed by the peer (FIN)"
                                 : strcmp(x->field, "rst") == 0 ? "reset by the peer (RST)"
                                 : strcmp(x->field, "timeout") == 0
                                     ? "nothing came before the deadline"
                                 : strcmp(x->field, "stopped") == 0 ? "closed by us"
                                     : x->field);
        break;
    case TW_FACT_TCP:
        snprintf(buf, cap, "%s: %s", x->text == NULL ? "" : x->text,
                 x->num == 0 ? "connected" : x->aux ? "no answer" : strerror((int)x->num));
        break;
    case TW_FACT_MESSAGE:
        snprintf(buf, cap, "a message of %zu bytes", x->data.len + 4);
        break;
    case TW_FACT_CHECK:
        if (x->text != NULL)
            snprintf(buf, cap, "%s", x->text);
        else
            snprintf(buf, cap, "%s: %s", x->field, x->num ? "good" : "does not verify");
        break;
    default:
        if (x->text != NULL)
            snprintf(buf, cap, "%s", x->text);
        else
            snprintf(buf, cap, "%lld", (long long)x->num);
        break;
    }
}

void tw_finding_fact(struct tw_finding *f, const char *what, const struct tw_fact *fact)
{
    if (fact == NULL)
        return;
    char source[128], value[400];
    fact_source(f, fact, source, sizeof source);
    fact_value(fact, value, sizeof value);
    tw_finding_cite(f, what, source, "%s", value);
}

void tw_finding_trial(struct tw_finding *f, const struct tw_case *c, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    if (v == NULL)
        return;
    char source[32], how[96];
    snprintf(source, sizeof source, "trial %u", v->conn);
    if (tw_case_passed(c, recipe)) {
        char ver[16], suite[64];
        tw_version_label(v->version, ver, sizeof ver);
        tw_suite_label(v->cipher, suite, sizeof suite);
        tw_finding_cite(f, v->changed, source, "passes: %s, %s", ver, suite);
    } else {
        tw_finding_cite(f, v->changed, source, "fails too: %s",
                        tw_rejection_text(v, how, sizeof how));
    }
}

void tw_finding_not(struct tw_finding *f, const char *id, const char *because_fmt, ...)
{
    if (f->not_n == TW_MAX_LOOKALIKE)
        return;
    va_list ap;
    va_start(ap, because_fmt);
    f->not_[f->not_n++] = (struct tw_lookalike){id, vtext(f->arena, because_fmt, ap)};
    va_end(ap);
}

void tw_finding_summary(struct tw_finding *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    f->summary = vtext(f->arena, fmt, ap);
    va_end(ap);
}
