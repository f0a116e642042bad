/* --dane: asks for the TLSA records of the target while the handshake runs, and holds them against
 * the chain that came. */
#include "x509/dane.h"

#include "probe/probe_internal.h"

enum { DANE_MS = 4000, MAX_ANSWER = 65536 };

static void note_answer(struct probe *p, int status, const char *text, bool ad)
{
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_TLSA, .at = tw_net_now() - p->start,
                                   .from = TW_SERVER, .msg = TW_NO_MSG, .field = "answer",
                                   .num = status, .aux = ad, .text = text,
                                   .source = "RFC 6698 3"});
}

static void on_tlsa(void *user, int status, const char *error, struct tw_view message)
{
    struct probe *p = user;
    if (p->dane_over)
        return;
    p->dane_over = true;
    char text[400];
    struct tw_tlsa_answer a = {.rcode = 0};
    if (message.len > 0)
        tw_tlsa_parse(message, &a);
    snprintf(text, sizeof text, "%s%s%s", p->tlsa_name, error != NULL ? ": " : "",
             error != NULL ? error : "");
    note_answer(p, status, text, a.ad);
    if (!tw_buf_add(&p->tlsa, message.data, message.len))
        p->tlsa.len = 0;
    probe_conn_over(p);
}

void dane_ask(struct probe *p)
{
    const struct tw_target *t = p->target;
    uint64_t left = probe_left_ms(p) / 2;
    tw_buf_init(&p->tlsa, MAX_ANSWER);
    p->dane_over = true;
    if (t->is_ip) {
        note_answer(p, -1, "the target is an address; TLSA records belong to names", false);
        return;
    }
    size_t n = strlen(t->host);
    snprintf(p->tlsa_name, sizeof p->tlsa_name, "_%u._tcp.%.*s", t->port,
             (int)(n > 0 && t->host[n - 1] == '.' ? n - 1 : n), t->host);
    p->dane_over = false;
    p->active++;
    if (!tw_dns_ask(p->net, p->tlsa_name, TW_DNS_TLSA, left < DANE_MS ? left : DANE_MS, on_tlsa, p)) {
        p->dane_over = true;
        p->active--;
        note_answer(p, -1, "the question could not be sent", false);
    }
}

void dane_stop(struct probe *p)
{
    if (!p->o->dane || p->dane_over || p->tlsa_name[0] == '\0')
        return;
    p->dane_over = true;
    note_answer(p, -1, "no answer in time", false);
    probe_conn_over(p);
}

/* ---- the chain ---------------------------------------------------------------------------------------- */

static size_t sent(const struct probe *p, uint32_t conn, struct tw_view *out, size_t cap)
{
    const struct tw_fact *f = NULL;
    size_t n = 0;
    while (n < cap &&
           (f = tw_trace_next(p->r->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER)
            out[n++] = f->data;
    return n;
}

static size_t path(const struct probe *p, uint32_t conn, struct tw_view *out, size_t cap)
{
    const struct tw_fact *f = NULL;
    size_t n = 0;
    if (tw_trace_first(p->r->trace, conn, TW_FACT_PATH, "ok") == NULL)
        return 0;
    while (n < cap && (f = tw_trace_next(p->r->trace, f, conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        out[n++] = f->data;
    return n;
}

static void note_record(struct probe *p, uint32_t conn, const struct tw_tlsa *t,
                        enum tw_tlsa_match m)
{
    static const char *const words[] = {"does not match", "matches", "cannot be used",
                                        "is left out for a stronger digest"};
    char text[300], hex[40] = "";
    for (size_t i = 0; i < t->data.len && i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", t->data.data[i]);
    snprintf(text, sizeof text, "%u %u %u %s%s (%s) %s", t->usage, t->selector, t->matching, hex,
             t->data.len > 16 ? "..." : "", tw_tlsa_usage_name(t->usage), words[m]);
    probe_fact(p, (struct tw_fact){.kind = TW_FACT_TLSA, .conn = conn,
                                   .at = tw_net_now() - p->start, .from = TW_SERVER,
                                   .msg = TW_NO_MSG, .field = "record",
                                   .num = t->usage << 16 | t->selector << 8 | t->matching,
                                   .aux = m == TW_TLSA_YES ? 1 : m == TW_TLSA_NO ? 0 : -1,
                                   .text = text, .data = t->data, .source = "RFC 6698 2.1"});
}

void dane_judge(struct probe *p)
{
    const struct tw_fact *f = tw_trace_first(p->r->trace, 0, TW_FACT_PATH, NULL);
    struct tw_tlsa_answer a;
    enum tw_tlsa_match m[TW_TLSA_MAX];
    struct tw_view certs[16], good[16];
    if (!p->o->dane || !p->dane_over || p->dane_judged || f == NULL)
        return;
    p->dane_judged = true;
    struct tw_dane_chain chain = {.certs = certs, .path = good};
    chain.certs_n = sent(p, f->conn, certs, TW_ARRAY_LEN(certs));
    chain.path_n = path(p, f->conn, good, TW_ARRAY_LEN(good));
    tw_tlsa_parse(tw_buf_view(&p->tlsa), &a);
    tw_dane_match(p->lib->crypto, &a, &chain, m);
    for (size_t i = 0; i < a.n; i++)
        note_record(p, f->conn, &a.records[i], m[i]);
}
