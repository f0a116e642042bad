/*
 * One diagnosis: look the name up, make the baseline handshake, judge, make the trials that the
 * planner asks for side by side, judge again, until it has no more questions or the budget or the
 * time is spent.
 */
#include "net/sntp.h"
#include "probe/probe_internal.h"

#include <time.h>

enum { TRACE_MAX = 24 << 20, ARENA_MAX = 8 << 20, PLAN_MAX = 24, PROGRESS_MS = 100 };

void probe_fact(struct probe *p, struct tw_fact f)
{
    tw_trace_add(p->r->trace, f);
}

uint64_t probe_left_ms(const struct probe *p)
{
    uint64_t now = tw_net_now();
    return now >= p->deadline ? 0 : (p->deadline - now) / 1000000;
}

/* ---- settings as facts -------------------------------------------------------------------------- */

static void setting(struct probe *p, const char *field, const char *text, int64_t num)
{
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_SETTING, .msg = TW_NO_MSG, .field = field,
                                   .text = text, .num = num, .at = tw_net_now() - p->start});
}

static void note_settings(struct probe *p)
{
    const struct tw_target *t = p->target;
    setting(p, "input", t->input, 0);
    setting(p, "host", t->host, 0);
    setting(p, "port", NULL, t->port);
    setting(p, "scheme", t->scheme, 0);
    setting(p, "server_name", p->server_name, 0);
    setting(p, "verify_name", p->verify_name, 0);
    setting(p, "wall_time", NULL, p->o->has_at ? p->o->at : (int64_t)time(NULL));
    setting(p, "timeout_ms", NULL, (int64_t)p->o->timeout_ms);
    for (size_t i = 0; i < p->before_n; i++)
        setting(p, tw_protocol_is_proxy(p->before[i]) ? "proxy" : "starttls",
                tw_protocol_name(p->before[i]), 0);
    if (p->o->connect != NULL)
        setting(p, "connect", p->o->connect, 0);
    if (p->o->ca != NULL)
        setting(p, "own_ca", NULL, 1);
    if (p->o->ct_logs != NULL)
        setting(p, "ct_log_list", tw_log_list_date(p->o->ct_logs), 0);
    if (p->o->has_at)
        setting(p, "at_given", NULL, 1);
    if (p->o->hard_fail)
        setting(p, "hard_fail", NULL, 1);
    if (p->o->cred != NULL)
        setting(p, "client_certificate", p->o->cert_path, 1);
}

/* ---- judging ---------------------------------------------------------------------------------------- */

static size_t certs_of(const struct probe *p, uint32_t conn, struct tw_view *certs, size_t cap)
{
    size_t n = 0;
    const struct tw_fact *f = NULL;
    while (n < cap &&
           (f = tw_trace_next(p->r->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER)
            certs[n++] = f->data;
    return n;
}

bool probe_path_completes(struct probe *p, uint32_t conn)
{
    struct tw_view certs[16];
    const struct tw_trace *t = p->r->trace;
    const struct tw_fact *f = NULL;
    size_t n = certs_of(p, conn, certs, TW_ARRAY_LEN(certs) - 4);
    while (n < TW_ARRAY_LEN(certs) &&
           (f = tw_trace_next(t, f, conn, TW_FACT_FETCH, "ca_issuers")) != NULL)
        if (f->data.len > 0)
            certs[n++] = f->data;
    struct tw_trace *scratch = tw_trace_new(1 << 20);
    struct tw_path_request req = {.crypto = p->lib->crypto,
                                  .trust = probe_trust(p),
                                  .wall_time = tw_trace_setting_num(t, "wall_time", 0),
                                  .name = p->verify_name, .certs = certs, .certs_n = n};
    static const char *const gaps[] = {"missing_issuer", "unknown_root", "no_anchors",
                                       "bad_signature"};
    bool good = scratch != NULL && tw_path_explain(&req, scratch, 1, 0) == TW_OK &&
                tw_trace_first(scratch, 1, TW_FACT_PATH, NULL) != NULL;
    for (size_t i = 0; good && i < TW_ARRAY_LEN(gaps); i++)
        good = tw_trace_first(scratch, 1, TW_FACT_PATH, gaps[i]) == NULL;
    tw_trace_free(scratch);
    return good;
}

static bool explain_path(struct probe *p, uint32_t conn, bool note_stores)
{
    struct tw_view certs[32];
    const struct tw_trace *t = p->r->trace;
    size_t n = certs_of(p, conn, certs, TW_ARRAY_LEN(certs));
    if (n == 0 || tw_trace_first(t, conn, TW_FACT_PATH, NULL) != NULL)
        return n > 0;
    struct tw_path_request req = {.crypto = p->lib->crypto, .trust = probe_trust(p),
                                  .wall_time = tw_trace_setting_num(t, "wall_time", 0),
                                  .name = p->verify_name, .certs = certs, .certs_n = n};
    if (tw_path_explain(&req, p->r->trace, conn, tw_net_now() - p->start) != TW_OK)
        return false;
    if (note_stores)
        probe_note_stores(p, &req, conn);
    return true;
}

/* The certificate that a connection got is not the one that was judged first. */
static bool got_another(const struct probe *p, uint32_t first, uint32_t conn)
{
    struct tw_view a, b;
    return certs_of(p, first, &a, 1) == 1 && certs_of(p, conn, &b, 1) == 1 && !tw_view_eq(a, b);
}

/* The baseline's certificates, or those of the first trial that got some; those of trials that got
 * others; and those of the trials whose point they are: what the name brings, what each other
 * address of it sends. */
static void explain_paths(struct probe *p)
{
    uint32_t first = 0;
    for (uint32_t conn = 1; conn <= p->conns_n; conn++) {
        const struct tw_fact *trial = tw_trace_first(p->r->trace, conn, TW_FACT_TRIAL, NULL);
        bool own = trial != NULL && (strncmp(trial->field, "address-", 8) == 0 ||
                                     strcmp(trial->field, "sni-host") == 0);
        if (first == 0 && explain_path(p, conn, true)) {
            first = conn;
            tw_revocation_explain(p->r->trace, conn, tw_net_now() - p->start, p->lib->crypto,
                                  p->o->ct_logs);
        } else if (first != 0 && (own || got_another(p, first, conn)))
            explain_path(p, conn, false);
    }
}

static void finish(struct probe *p)
{
    if (p->finished)
        return;
    p->finished = true;
    tw_timer_stop(p->deadline_timer);
    tw_timer_stop(p->progress_timer);
    p->deadline_timer = p->progress_timer = NULL;
    tw_net_stop(p->net);
}

/* Their verdicts are part of the last judgement: no round of the planner looks at them. */
static void explain_clients(struct probe *p)
{
    for (uint32_t conn = 1; conn <= p->conns_n; conn++) {
        const struct tw_fact *trial = tw_trace_first(p->r->trace, conn, TW_FACT_TRIAL, NULL);
        if (trial != NULL && strncmp(trial->field, "client-", 7) == 0)
            explain_path(p, conn, false);
    }
}

static void start_clients(struct probe *p)
{
    p->active++; /* so that one that fails at once does not end the round */
    if (p->stopping || probe_next_clients(p) == 0) {
        p->active--;
        explain_clients(p);
        finish(p);
        return;
    }
    p->r->rounds++;
    probe_conn_over(p);
}

static void next_round(struct probe *p)
{
    if (p->clients_done > 0) {
        start_clients(p);
        return;
    }
    explain_paths(p);
    dane_judge(p);
    if (!p->clocks_noted)
        clocks_note_local(p);
    p->clocks_noted = true;
    if (p->stopping || tw_result_judge(p->r) != TW_OK) {
        finish(p);
        return;
    }
    const struct tw_trial *plan[PLAN_MAX];
    size_t budget = p->o->max_connections - p->conns_n;
    size_t n = p->conns_n >= p->o->max_connections || probe_left_ms(p) < 100
                   ? 0
                   : tw_plan_next(p->r->diagnosis, budget, plan, TW_ARRAY_LEN(plan));
    bool ask_ca = p->o->online && !p->online_asked &&
                  tw_trace_first(p->r->trace, 0, TW_FACT_PATH, NULL) != NULL;
    if (n == 0 && !ask_ca) {
        start_clients(p);
        return;
    }
    p->r->rounds += n > 0;
    p->doing = "trying what makes it pass";
    p->active++; /* so that a trial that fails at once does not end the round */
    if (ask_ca) {
        p->online_asked = true;
        if (p->o->sntp != NULL)
            clocks_ask(p);
        p->online = online_start(p);
    }
    for (size_t i = 0; i < n && p->conns_n < p->o->max_connections; i++)
        pconn_start(p, (uint32_t)p->conns_n + 1, plan[i]);
    probe_conn_over(p);
}

/* Listening to silence can take longer than all else in a round; nobody waits for it once another
 * trial has shown what speaks there. */
static void end_needless_listening(struct probe *p)
{
    const struct tw_trial *none[1];
    size_t listening = 0;
    for (size_t i = 0; i < p->conns_n; i++)
        listening += pconn_listens(p->conns[i]);
    if (p->stopping || listening == 0 || listening != p->active ||
        tw_result_judge(p->r) != TW_OK)
        return;
    const struct tw_diagnosis *d = p->r->diagnosis;
    if (d->causes_n == 0 || d->causes[0].certainty != TW_PROVEN ||
        tw_plan_next(d, 1, none, 1) > 0)
        return;
    for (size_t i = 0; i < p->conns_n; i++)
        if (pconn_listens(p->conns[i]))
            pconn_abort(p->conns[i], "stopped");
}

void probe_conn_over(struct probe *p)
{
    if (--p->active == 0)
        next_round(p);
    else
        end_needless_listening(p);
}

/* ---- start ---------------------------------------------------------------------------------------------- */

static void stop_all(struct probe *p, const char *how)
{
    p->stopping = true;
    if (p->active == 0) {
        finish(p);
        return;
    }
    p->active++; /* so that the last one to end does not end it all before the others are told */
    for (size_t i = 0; i < p->conns_n; i++)
        pconn_abort(p->conns[i], how);
    online_stop(p->online);
    clocks_stop(p);
    dane_stop(p);
    probe_conn_over(p);
}

static void on_deadline(void *user)
{
    struct probe *p = user;
    setting(p, "deadline_reached", p->doing, 1);
    stop_all(p, "timeout");
}

static void on_progress(void *user)
{
    struct probe *p = user;
    if (p->progress(p->user, p->doing))
        return;
    p->r->interrupted = true;
    stop_all(p, "stopped");
}

static void start_baseline(struct probe *p)
{
    p->doing = "handshake";
    p->r->rounds = 1;
    p->active = 1;
    if (p->o->dane)
        dane_ask(p);
    if (!pconn_start(p, 1, NULL))
        finish(p);
    else
        probe_conn_over(p);
}

static void on_resolved(void *user, const struct tw_resolved *res)
{
    struct probe *p = user;
    if (p->finished || p->stopping)
        return;
    struct tw_fact f = {.kind = TW_FACT_DNS, .msg = TW_NO_MSG, .at = tw_net_now() - p->start};
    if (res->status != 0) {
        f.field = "error";
        f.num = res->status;
        f.text = res->error;
        probe_fact(p, f);
        next_round(p);
        return;
    }
    for (size_t i = 0; i < res->n; i++) {
        char ip[64];
        f.field = res->addrs[i].ss.ss_family == AF_INET6 ? "AAAA" : "A";
        f.text = tw_addr_ip(&res->addrs[i], ip, sizeof ip);
        probe_fact(p, f);
        p->addrs[p->addrs_n++] = res->addrs[i];
    }
    start_baseline(p);
}

static void choose_dialogues(struct probe *p)
{
    const struct tw_options *o = p->o;
    const struct tw_protocol *up = o->no_starttls      ? NULL
                                   : o->starttls != NULL ? o->starttls
                                                         : p->target->starttls;
    if (o->proxy != NULL)
        p->before[p->before_n++] = o->proxy;
    if (up != NULL)
        p->before[p->before_n++] = up;
}

/* --connect says where to go; the target still says what to ask for. */
static void find_addresses(struct probe *p)
{
    struct tw_target to = p->o->proxy != NULL ? p->o->proxy_at : *p->target;
    const char *why;
    if (p->o->connect != NULL && tw_target_parse(p->o->connect, &to, &why) && !to.has_port)
        to.port = p->target->port;
    if (to.is_ip && tw_addr_parse(to.host, to.port, &p->addrs[0])) {
        p->addrs_n = 1;
        start_baseline(p);
        return;
    }
    p->doing = "looking the name up";
    tw_resolve(p->net, to.host, to.port, p->o->family, p->o->timeout_ms * 3 / 5, on_resolved, p);
}

/* The dot at the end of an absolute name is for DNS only: neither SNI (RFC 6066 3) nor
 * certificates have it. */
static void choose_names(struct probe *p)
{
    const struct tw_options *o = p->o;
    const struct tw_target *t = p->target;
    tw_copy_str(p->host_name, sizeof p->host_name, t->host);
    size_t n = strlen(p->host_name);
    if (n > 1 && p->host_name[n - 1] == '.')
        p->host_name[n - 1] = '\0';
    p->server_name = o->no_sni ? "" : o->server_name != NULL ? o->server_name
                     : t->is_ip ? "" : p->host_name;
    p->verify_name = o->verify_name != NULL ? o->verify_name
                     : o->server_name != NULL ? o->server_name : p->host_name;
}

enum tw_status tw_probe_run(struct tw_lib *lib, const struct tw_options *o,
                            const struct tw_target *t, tw_progress_fn *progress, void *user,
                            struct tw_result *r)
{
    struct probe *p = calloc(1, sizeof *p);
    if (p == NULL)
        return TW_E_NOMEM;
    *p = (struct probe){.lib = lib, .o = o, .target = t, .r = r, .progress = progress,
                        .user = user, .start = tw_net_now(), .doing = "starting"};
    p->deadline = p->start + o->timeout_ms * 1000000;
    p->net = tw_net_new();
    if (p->net == NULL) {
        free(p);
        return TW_E_NOMEM;
    }
    if (o->resolver != NULL && !tw_net_resolver(p->net, o->resolver)) {
        tw_net_free(p->net);
        free(p);
        return TW_E_NOMEM;
    }
    choose_names(p);
    choose_dialogues(p);
    tw_options_hello(o, lib->crypto, &p->hello);
    if (o->hello.len > 0) { /* the name is the one in its bytes */
        tw_copy_str(p->sni_sent, sizeof p->sni_sent, p->hello.server_name);
        p->server_name = p->sni_sent;
    }
    note_settings(p);
    if (o->hello.len > 0)
        setting(p, "hello_replayed", NULL, 1);
    if (o->hello.len == 0 && t->app != TW_APP_HTTP && !o->has_alpn) { /* mail and database clients offer none */
        p->hello.alpn_n = 0;
        tw_hello_drop_ext(&p->hello, TW_EXT_ALPN);
    }
    p->deadline_timer = tw_timer_start(p->net, o->timeout_ms, 0, on_deadline, p);
    if (progress != NULL)
        p->progress_timer = tw_timer_start(p->net, PROGRESS_MS, PROGRESS_MS, on_progress, p);
    find_addresses(p);
    if (!p->finished)
        tw_net_run(p->net);
    r->connections = (unsigned)p->conns_n;
    setting(p, "connections", NULL, r->connections);
    setting(p, "rounds", NULL, r->rounds);
    if (r->interrupted)
        setting(p, "interrupted", NULL, 1);
    p->finished = p->dane_over = true;
    tw_net_free(p->net);
    for (size_t i = 0; i < p->conns_n; i++)
        pconn_free(p->conns[i]);
    online_free(p->online);
    tw_sntp_free(p->sntp);
    tw_buf_cleanup(&p->tlsa);
    free(p);
    return tw_result_judge(r);
}

/* ---- results --------------------------------------------------------------------------------------------- */

struct tw_result *tw_result_new(const char *vantage)
{
    struct tw_result *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->vantage = vantage;
    r->trace = tw_trace_new(TRACE_MAX);
    r->arena = tw_arena_new(ARENA_MAX);
    r->diagnosis = calloc(1, sizeof *r->diagnosis);
    if (r->trace == NULL || r->arena == NULL || r->diagnosis == NULL) {
        tw_result_free(r);
        return NULL;
    }
    return r;
}

void tw_result_free(struct tw_result *r)
{
    if (r == NULL)
        return;
    free(r->diagnosis);
    tw_arena_free(r->arena);
    tw_trace_free(r->trace);
    free(r);
}

enum tw_status tw_result_judge(struct tw_result *r)
{
    return tw_judge(r->trace, r->arena, r->diagnosis);
}
