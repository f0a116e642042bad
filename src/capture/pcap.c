/*
 * The passive vantage: frames of files or of an interface become flows, those that failed are
 * retraced and judged, and each becomes a line of JSON or a count in the summary for a person.
 */
#include "capture/capture.h"

enum { REPORT_MAX = 32 << 20, LOOK_EVERY = 65536, GROUPS_SHOWN = 40, ERRBUF = 400 };

struct tw_pcap {
    struct tw_lib *lib;
    const struct tw_pcap_config *cfg;
    struct tw_trust *trust;
    const char *file;
    struct tw_groups *groups;
    struct tw_buf out;
    struct tw_passive *passive;
    unsigned base_n; /* flows of the files before this one */
    unsigned last_n;
    uint64_t handshakes, failed, told, healthy, unknown, frames;
    bool found_flow, stop;
    int strange_link; /* a link type that is not known, plus 1 */
};

/* ---- filters --------------------------------------------------------------------------------- */

static bool ends_match(const char *want, const struct tw_endpoint *e)
{
    char text[80];
    return want == NULL || strcmp(want, tw_address_text(e, text, sizeof text)) == 0 ||
           strcmp(want, tw_endpoint_text(e, text, sizeof text)) == 0;
}

/* "*.example.com" stands for every name below. */
static bool sni_match(const char *want, const char *sni)
{
    if (want == NULL)
        return true;
    if (sni == NULL)
        return want[0] == '\0';
    size_t n = strlen(sni), w = strlen(want);
    if (want[0] == '*' && w > 1)
        return n >= w && tw_view_ieq(tw_view_of(sni + n - (w - 1), w - 1), want + 1);
    return tw_view_ieq(tw_view_str(sni), want);
}

static bool wanted(const struct tw_pcap *r, const struct tw_flow *f)
{
    int client = tw_flow_client(f);
    return ends_match(r->cfg->client, &f->end[client]) &&
           ends_match(r->cfg->server, &f->end[1 - client]) &&
           sni_match(r->cfg->sni, f->glance->sni);
}

/* ---- one flow -------------------------------------------------------------------------------- */

struct shown { /* texts that a report of a flow borrows */
    struct tw_report_flow r;
    char client[80], server[80], version[32], ja3[33];
};

static void hex(const uint8_t *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static void show_alerts(struct tw_report_flow *r, const struct tw_flow *f, int client)
{
    const struct tw_glance *g = f->glance;
    for (size_t i = 0; i < g->alerts_n && r->alerts_n < TW_ARRAY_LEN(r->alerts); i++) {
        r->alerts[r->alerts_n].from_server = g->alerts[i].from != client;
        r->alerts[r->alerts_n].encrypted = g->alerts[i].encrypted;
        r->alerts[r->alerts_n].level = g->alerts[i].level;
        r->alerts[r->alerts_n++].description = g->alerts[i].description;
    }
    for (int dir = 0; dir < 2; dir++) {
        if (!tw_flow_inferred_alert(f, dir) || r->alerts_n == TW_ARRAY_LEN(r->alerts))
            continue;
        r->alerts[r->alerts_n].from_server = dir != client;
        r->alerts[r->alerts_n].inferred = true;
        r->alerts[r->alerts_n++].encrypted = true;
    }
}

static const char *contract_outcome(const struct tw_flow *f)
{
    switch (tw_flow_outcome(f)) {
    case TW_FLOW_OK:
        return "ok";
    case TW_FLOW_FAILED:
        return "fail";
    case TW_FLOW_UNKNOWN:
        break;
    }
    return "unknown";
}

static void show_flow(const struct tw_pcap *p, const struct tw_flow *f, struct shown *s)
{
    const struct tw_glance *g = f->glance;
    int client = tw_flow_client(f);
    enum tw_complete complete = tw_flow_complete(f);
    s->r = (struct tw_report_flow){
        .n = p->base_n + f->n,
        .client = tw_endpoint_text(&f->end[client], s->client, sizeof s->client),
        .server = tw_endpoint_text(&f->end[1 - client], s->server, sizeof s->server),
        .transport = f->kind == TW_FLOW_TLS ? "tcp" : "udp",
        .protocol = f->kind == TW_FLOW_TLS    ? "tls"
                    : f->kind == TW_FLOW_DTLS ? "dtls"
                                              : "quic",
        .file = p->file,
        .start = f->start,
        .took = f->last - f->start,
        .handshake_took =
            g->complete_at > g->hello_at && g->hello_at > 0 ? g->complete_at - g->hello_at : 0,
        .closed_by = f->closed_from < 0         ? NULL
                     : f->closed_from == client ? "client"
                                                : "server",
        .how = tw_flow_how_name(f->how),
        .complete = complete == TW_COMPLETE_YES  ? 1
                    : complete == TW_COMPLETE_NO ? 0
                                                 : -1,
        .outcome = contract_outcome(f),
        .sni = g->sni,
        .selected_version = tw_flow_version(f, s->version, sizeof s->version),
        .alpn = g->alpn[0] != '\0' ? g->alpn : NULL,
        .version = g->version,
        .cipher = g->cipher,
        .group = g->group,
        .resumed = g->resumed,
        .hello_retry = g->hello_retry,
        .cert_request = g->cert_request,
        .client_cert = g->client_certs > 0,
        .server_certs = g->server_certs,
        .client_certs = g->client_certs,
        .lost_bytes = f->lost_bytes};
    if (g->has_ja) {
        hex(g->ja3, sizeof g->ja3, s->ja3);
        s->r.ja3 = s->ja3;
        s->r.ja4 = g->ja4;
    }
    s->r.ja4s = g->ja4s[0] != '\0' ? g->ja4s : NULL;
    show_alerts(&s->r, f, client);
}

/* The certificates matter when it was the client that did not go on after them. */
static bool client_refused(const struct tw_flow *f)
{
    const struct tw_glance *g = f->glance;
    int client = tw_flow_client(f);
    for (size_t i = 0; i < g->alerts_n; i++)
        if (!g->alerts[i].encrypted && g->alerts[i].description != TW_ALERT_CLOSE_NOTIFY)
            return g->alerts[i].from == client;
    return f->closed_from == client && tw_flow_complete(f) != TW_COMPLETE_YES;
}

static void explain_path(const struct tw_pcap *p, const struct tw_flow *f, struct tw_trace *t)
{
    struct tw_view certs[32];
    size_t n = 0;
    const struct tw_fact *x = NULL;
    while (n < TW_ARRAY_LEN(certs) &&
           (x = tw_trace_next(t, x, 1, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (x->from == TW_SERVER)
            certs[n++] = x->data;
    if (n == 0 || !client_refused(f))
        return;
    struct tw_path_request req = {.crypto = p->lib->crypto,
                                  .trust = p->trust,
                                  .wall_time = tw_trace_setting_num(t, "wall_time", 0),
                                  .name = f->glance->sni,
                                  .certs = certs,
                                  .certs_n = n};
    if (tw_path_explain(&req, t, 1, 0) != TW_OK)
        return; /* for lack of memory: the trace says so */
}

static struct tw_result *judge(const struct tw_pcap *p, const struct tw_flow *f)
{
    struct tw_result *r = tw_result_new("pcap");
    char input[400];
    if (r == NULL)
        return NULL;
    snprintf(input, sizeof input, "%s flow %u", p->file, p->base_n + f->n);
    tw_flow_retrace(f, input, r->trace);
    explain_path(p, f, r->trace);
    if (tw_result_judge(r) != TW_OK) {
        tw_result_free(r);
        return NULL;
    }
    return r;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void flush(struct tw_pcap *p)
{
    if (p->out.len > 0)
        p->cfg->out(p->cfg->user, (const char *)p->out.data, p->out.len);
    p->out.len = 0;
    p->out.failed = false;
}

static void write_json(struct tw_pcap *p, const struct tw_flow *f, const struct tw_result *r)
{
    struct shown s;
    show_flow(p, f, &s);
    struct tw_report_options o = {.width = 100, .vantage = "pcap", .flow = &s.r};
    size_t before = p->out.len;
    enum tw_status st =
        r != NULL ? tw_report_json(r->diagnosis, &o, &p->out) : tw_report_flow_json(&s.r, &p->out);
    if (st != TW_OK)
        p->out.len = before;
    if (p->out.len > 65536 || p->cfg->interface != NULL)
        flush(p);
}

static void write_line(struct tw_pcap *p, const struct tw_flow *f, const struct tw_result *r)
{
    struct shown s;
    char suite[64];
    show_flow(p, f, &s);
    const char *cause =
        r != NULL && r->diagnosis->causes_n > 0 ? r->diagnosis->causes[0].rule->id : NULL;
    tw_buf_printf(&p->out, "%6u  %-7s %s → %s%s%s", s.r.n, s.r.outcome, s.r.client, s.r.server,
                  s.r.sni != NULL ? " " : "", s.r.sni != NULL ? s.r.sni : "");
    if (s.r.selected_version != NULL)
        tw_buf_printf(&p->out, "  %s %s", s.r.selected_version,
                      tw_suite_label(s.r.cipher, suite, sizeof suite));
    tw_buf_printf(&p->out, "%s%s\n", cause != NULL ? "  " : "", cause != NULL ? cause : "");
    if (p->out.len > 65536 || p->cfg->interface != NULL)
        flush(p);
}

static void write_report(struct tw_pcap *p, const struct tw_flow *f, const struct tw_result *r)
{
    struct shown s;
    show_flow(p, f, &s);
    char when[40];
    struct tw_report_options o = {.colour = p->cfg->text.colour,
                                  .vantage = "pcap",
                                  .verbosity = p->cfg->text.verbosity,
                                  .width = p->cfg->text.width};
    tw_buf_printf(&p->out, "flow %u: %s → %s (%s), %s, %s\n", s.r.n, s.r.client, s.r.server,
                  s.r.protocol, tw_time_text((int64_t)(f->start / 1000000000u), when, sizeof when),
                  p->file);
    if (s.r.ja4 != NULL)
        tw_buf_printf(&p->out, "JA3 %s, JA4 %s%s%s\n", s.r.ja3, s.r.ja4,
                      s.r.ja4s != NULL ? ", JA4S " : "", s.r.ja4s != NULL ? s.r.ja4s : "");
    tw_buf_str(&p->out, "\n");
    if (tw_report_text(r->diagnosis, &o, &p->out) != TW_OK)
        tw_buf_str(&p->out, "the report does not fit into memory\n");
    flush(p);
}

static void count_group(struct tw_pcap *p, const struct tw_flow *f, const struct tw_result *r)
{
    const struct tw_diagnosis *d = r->diagnosis;
    char client[80], server[80];
    int c = tw_flow_client(f);
    struct tw_group_key k = {.cause = d->causes_n > 0 ? d->causes[0].rule->id : NULL,
                             .certainty =
                                 d->causes_n > 0 ? tw_certainty_name(d->causes[0].certainty) : NULL,
                             .summary = d->causes_n > 0 ? d->causes[0].summary : NULL,
                             .client = tw_address_text(&f->end[c], client, sizeof client),
                             .server = tw_endpoint_text(&f->end[1 - c], server, sizeof server),
                             .sni = f->glance->sni};
    tw_groups_add(p->groups, &k, p->base_n + f->n);
}

static bool cause_wanted(const struct tw_pcap *p, const struct tw_result *r)
{
    const char *cause = r == NULL ? NULL : tw_result_cause(r);
    return p->cfg->cause == NULL || (cause != NULL && strcmp(cause, p->cfg->cause) == 0);
}

static void hand_trace(struct tw_pcap *p, const struct tw_result *r)
{
    size_t len;
    char *text = tw_result_trace(r, &len);
    if (text != NULL)
        p->cfg->trace(p->cfg->user, text, len);
    free(text);
}

static void show(struct tw_pcap *p, const struct tw_flow *f, const struct tw_result *r)
{
    bool one = p->cfg->flow != 0;
    if (!cause_wanted(p, r))
        return;
    if (one) {
        p->found_flow = true;
        if (r != NULL && p->cfg->trace != NULL)
            hand_trace(p, r);
    }
    if (p->cfg->json)
        write_json(p, f, r);
    else if (one && r != NULL)
        write_report(p, f, r);
    else if (p->cfg->all)
        write_line(p, f, r);
    if (r != NULL && tw_flow_outcome(f) == TW_FLOW_FAILED)
        count_group(p, f, r);
}

static void on_flow(void *user, struct tw_flow *f)
{
    struct tw_pcap *p = user;
    enum tw_flow_outcome outcome = tw_flow_outcome(f);
    if (f->n > p->last_n)
        p->last_n = f->n;
    if (!wanted(p, f) || (p->cfg->flow != 0 && p->cfg->flow != p->base_n + f->n))
        return;
    p->handshakes += f->glance->client_hello || f->glance->server_hello;
    p->failed += outcome == TW_FLOW_FAILED;
    p->healthy += outcome == TW_FLOW_OK;
    p->unknown += outcome == TW_FLOW_UNKNOWN;
    bool full = outcome == TW_FLOW_FAILED || p->cfg->flow != 0 || (p->cfg->all && p->cfg->json);
    struct tw_result *r = full ? judge(p, f) : NULL;
    p->told += r != NULL && outcome == TW_FLOW_FAILED && r->diagnosis->causes_n > 0;
    show(p, f, r);
    tw_result_free(r);
}

/* ---- the run --------------------------------------------------------------------------------- */

static bool go_on(struct tw_pcap *p)
{
    char what[96];
    if (p->cfg->progress == NULL)
        return true;
    snprintf(what, sizeof what, "%s: %llu frames, %llu handshakes, %llu failed", p->file,
             (unsigned long long)p->frames, (unsigned long long)p->handshakes,
             (unsigned long long)p->failed);
    return p->cfg->progress(p->cfg->user, what);
}

static enum tw_source_status pump(struct tw_pcap *p, struct tw_source *s, char *errbuf)
{
    struct tw_frame f;
    for (;;) {
        enum tw_source_status st = tw_source_next(s, &f, errbuf, ERRBUF);
        if (st == TW_SOURCE_END || st == TW_SOURCE_DAMAGED)
            return st;
        if (st == TW_SOURCE_FRAME) {
            p->strange_link = tw_linktype_known(f.linktype) ? p->strange_link : f.linktype + 1;
            tw_passive_frame(p->passive, f.at, f.linktype, f.bytes, f.wire_len);
            p->frames++;
        }
        if ((st == TW_SOURCE_IDLE || p->frames % LOOK_EVERY == 0) && !go_on(p)) {
            p->stop = true;
            return TW_SOURCE_END;
        }
    }
}

static int fail(const char **why, char *keep, const char *file, const char *text)
{
    snprintf(keep, ERRBUF + 300, "%s: %s", file, text);
    *why = keep;
    return TW_EXIT_USAGE;
}

static int read_source(struct tw_pcap *p, struct tw_source *s, char *keep, const char **why)
{
    char errbuf[ERRBUF] = "";
    struct tw_passive_config cfg = {.crypto = p->lib->crypto,
                                    .fingerprints = p->cfg->json || p->cfg->flow != 0,
                                    .keep_all = p->cfg->all || p->cfg->flow != 0,
                                    .done = on_flow,
                                    .user = p};
    if (p->cfg->filter != NULL && !tw_source_filter(s, p->cfg->filter, errbuf, sizeof errbuf))
        return fail(why, keep, "filter", errbuf);
    if (!p->lib->crypto->random(p->lib->crypto->ctx, (uint8_t *)&cfg.seed, sizeof cfg.seed))
        return TW_EXIT_UNKNOWN;
    p->passive = tw_passive_new(&cfg);
    if (p->passive == NULL)
        return TW_EXIT_UNKNOWN;
    p->base_n += p->last_n;
    p->last_n = 0;
    enum tw_source_status st = pump(p, s, errbuf);
    tw_passive_end(p->passive);
    flush(p);
    tw_passive_free(p->passive);
    p->passive = NULL;
    return st == TW_SOURCE_DAMAGED ? fail(why, keep, p->file, errbuf) : 0;
}

static int read_file(struct tw_pcap *p, const char *path, bool live, char *keep, const char **why)
{
    char errbuf[ERRBUF] = "";
    p->file = path;
    struct tw_source *s = live ? tw_source_live(path, errbuf, sizeof errbuf)
                               : tw_source_open(path, errbuf, sizeof errbuf);
    if (s == NULL)
        return fail(why, keep, path, errbuf);
    int rc = read_source(p, s, keep, why);
    tw_source_close(s);
    return rc;
}

static void summary(struct tw_pcap *p)
{
    struct tw_buf *b = &p->out;
    if (p->cfg->json || p->cfg->flow != 0)
        return;
    tw_buf_printf(b, "%llu handshake%s, %llu failed", (unsigned long long)p->handshakes,
                  p->handshakes == 1 ? "" : "s", (unsigned long long)p->failed);
    if (p->unknown > 0)
        tw_buf_printf(b, ", %llu not captured far enough to tell", (unsigned long long)p->unknown);
    tw_buf_str(b, p->failed > 0 ? ":\n" : "\n");
    tw_groups_write(p->groups, p->cfg->text.verbosity > 0 ? SIZE_MAX : GROUPS_SHOWN, b);
    if (p->failed > 0 && p->cfg->text.verbosity >= 0)
        tw_buf_str(b, "\nShow one with --flow N.\n");
    flush(p);
}

static int verdict(const struct tw_pcap *p)
{
    if (p->stop)
        return TW_EXIT_INTERRUPTED;
    if (p->told > 0)
        return TW_EXIT_FAIL;
    return p->failed > 0 || p->healthy + p->unknown == 0 ? TW_EXIT_UNKNOWN : TW_EXIT_OK;
}

int tw_pcap(struct tw_lib *lib, const struct tw_options *o, const char *const *files, size_t n,
            const struct tw_pcap_config *cfg, char *why_buf, const char **why)
{
    struct tw_pcap p = {.lib = lib, .cfg = cfg, .trust = o->ca};
    int rc = 0;
    *why = NULL;
    if (p.trust == NULL)
        p.trust = tw_system_trust(lib);
    p.groups = tw_groups_new();
    if (p.groups == NULL)
        return TW_EXIT_UNKNOWN;
    tw_buf_init(&p.out, REPORT_MAX);
    if (cfg->interface != NULL)
        rc = read_file(&p, cfg->interface, true, why_buf, why);
    for (size_t i = 0; i < n && rc == 0 && !p.stop; i++)
        rc = read_file(&p, files[i], false, why_buf, why);
    if (rc == 0 || p.frames > 0)
        summary(&p);
    if (rc == 0 && cfg->flow != 0 && !p.found_flow) {
        snprintf(why_buf, TW_PCAP_WHY, "there is no flow %u", cfg->flow);
        *why = why_buf;
        rc = TW_EXIT_USAGE;
    }
    if (rc == 0 && p.strange_link != 0 && p.handshakes == 0) {
        snprintf(why_buf, TW_PCAP_WHY, "link type %d is not known here", p.strange_link - 1);
        *why = why_buf;
        rc = TW_EXIT_USAGE;
    }
    if (rc == 0)
        rc = verdict(&p);
    tw_buf_cleanup(&p.out);
    tw_groups_free(p.groups);
    return rc;
}
