/*
 * From what was kept of a flow to the trace that a live vantage would have written: the same
 * observer, decoders and facts. Times are relative to the flow's first packet.
 */
#include "passive/internal.h"

#include "engine/engine.h"

static const uint64_t second = UINT64_C(1000000000);

struct retrace {
    const struct tw_flow *f;
    struct tw_trace *t;
    struct tw_observer *o;
    int client;
    bool said; /* the client spoke in clear before TLS */
};

static enum tw_side side_of(const struct retrace *r, int dir)
{
    return dir == r->client ? TW_CLIENT : TW_SERVER;
}

static uint64_t since_start(const struct tw_flow *f, uint64_t at)
{
    return at > f->start ? at - f->start : 0;
}

static void add(const struct retrace *r, struct tw_fact fact)
{
    fact.msg = TW_NO_MSG;
    (void)tw_trace_add(r->t, fact);
}

static void setting(const struct retrace *r, const char *field, const char *text, int64_t num)
{
    add(r, (struct tw_fact){.kind = TW_FACT_SETTING, .field = field, .text = text, .num = num});
}

static void settings(const struct retrace *r, const char *input)
{
    const struct tw_flow *f = r->f;
    char host[64];
    const struct tw_endpoint *server = &f->end[1 - r->client];
    setting(r, "input", input, 0);
    setting(r, "vantage", "pcap", 0);
    setting(r, "host",
            f->glance->sni != NULL ? f->glance->sni : tw_address_text(server, host, sizeof host),
            0);
    setting(r, "port", NULL, server->port);
    setting(r, "server_name", f->glance->sni == NULL ? "" : f->glance->sni, 0);
    setting(r, "wall_time", NULL, (int64_t)(f->start / second));
    setting(r, "transport",
            f->kind == TW_FLOW_TLS    ? "tcp"
            : f->kind == TW_FLOW_DTLS ? "dtls"
                                      : "quic",
            0);
}

/* ---- DTLS versions --------------------------------------------------------------------------- */

/* DTLS counts its versions down from 0xfeff, and each is a version of TLS in other words. Rules
 * and tables know the versions of TLS. */
static uint16_t tls_version(uint16_t v)
{
    switch (v) {
    case 0x0100:
    case 0xfeff:
        return TW_TLS11;
    case 0xfefd:
        return TW_TLS12;
    case 0xfefc:
        return TW_TLS13;
    default:
        return v;
    }
}

static void put_version(uint8_t *p)
{
    uint16_t v = tls_version((uint16_t)(p[0] << 8 | p[1]));
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void translate_hello(uint8_t *p, size_t n, uint8_t type)
{
    struct tw_view v = {p, n}, ext = {NULL, 0}, body;
    struct tw_reader r = tw_rd_of(v);
    if (n < 2)
        return;
    put_version(p);
    if (type == TW_MSG_CLIENT_HELLO) {
        struct tw_client_hello m;
        (void)tw_client_hello_decode(&r, &m);
        ext = m.extensions;
    } else {
        struct tw_server_hello m;
        (void)tw_server_hello_decode(&r, &m);
        ext = m.extensions;
    }
    if (!tw_ext_find(ext, TW_EXT_SUPPORTED_VERSIONS, &body))
        return;
    size_t at = (size_t)(body.data - p), end = at + body.len;
    for (at += type == TW_MSG_CLIENT_HELLO; at + 2 <= end; at += 2)
        put_version(p + at);
}

static void take_message(const struct retrace *r, const struct log_entry *e, struct tw_view body,
                         uint64_t at)
{
    bool hello = e->type == TW_MSG_CLIENT_HELLO || e->type == TW_MSG_SERVER_HELLO;
    uint8_t *copy = NULL;
    if (r->f->kind == TW_FLOW_DTLS && hello && body.len > 0)
        copy = malloc(body.len);
    if (copy != NULL) {
        memcpy(copy, body.data, body.len);
        translate_hello(copy, body.len, e->type);
        body.data = copy;
    }
    tw_observer_message(r->o, at, side_of(r, e->dir), e->type, body);
    free(copy);
}

/* ---- what was kept --------------------------------------------------------------------------- */

/* Text of a side that never came to speak TLS. Of a server only when no dialogue led up to it. */
static bool stands_for_tls(const struct retrace *r, const struct log_entry *e)
{
    const struct tw_glance_dir *d = &r->f->glance->dir[e->dir], *o = &r->f->glance->dir[1 - e->dir];
    if (r->f->kind != TW_FLOW_TLS || d->records > 0 || e->off != 0 || !r->f->syn_seen ||
        r->f->glance->mid_stream)
        return false;
    return e->dir == r->client ? o->records > 0 || r->f->glance->client_not_tls : !r->said;
}

static void take_close(const struct retrace *r, const struct log_entry *e, struct tw_view reason,
                       uint64_t at)
{
    char text[120];
    size_t n = 0;
    for (; n < reason.len && n + 1 < sizeof text; n++)
        text[n] = reason.data[n] >= 0x20 && reason.data[n] < 0x7f ? (char)reason.data[n] : '.';
    text[n] = '\0';
    add(r, (struct tw_fact){.kind = TW_FACT_FIELD,
                            .conn = 1,
                            .at = at,
                            .from = side_of(r, e->dir),
                            .field = "quic_close",
                            .num = e->size,
                            .text = text});
}

static void take_text(struct retrace *r, const struct log_entry *e, struct tw_view text,
                      uint64_t at)
{
    char line[160];
    if (r->f->kind == TW_FLOW_QUIC) {
        take_close(r, e, text, at);
        return;
    }
    bool instead = stands_for_tls(r, e);
    r->said = r->said || e->dir == r->client;
    if (instead) {
        tw_observer_not_tls(r->o, at, side_of(r, e->dir), e->off, text);
        return;
    }
    size_t n = 0;
    while (n < text.len && n + 1 < sizeof line && text.data[n] != '\r' && text.data[n] != '\n') {
        uint8_t c = text.data[n];
        line[n++] = c >= 0x20 && c < 0x7f ? (char)c : '.';
    }
    line[n] = '\0';
    add(r, (struct tw_fact){.kind = TW_FACT_DIALOGUE,
                            .conn = 1,
                            .at = at,
                            .from = side_of(r, e->dir),
                            .off = e->off,
                            .len = text.len,
                            .field = e->dir == r->client ? "request" : "answer",
                            .text = line});
}

static void take_entry(struct retrace *r, const struct log_entry *e, struct tw_view bytes)
{
    enum tw_side from = side_of(r, e->dir);
    uint64_t at = since_start(r->f, e->at);
    struct tw_record rec = {.type = e->type, .version = e->version, .body = bytes, .off = e->off};
    switch ((enum log_kind)e->kind) {
    case LOG_RECORD:
        tw_observer_record(r->o, at, from, &rec);
        break;
    case LOG_PROTECTED:
        rec.body.len = e->size;
        rec.body.data = NULL;
        tw_observer_protected(r->o, at, from, &rec);
        break;
    case LOG_NOT_TLS:
        tw_observer_not_tls(r->o, at, from, e->off, bytes);
        break;
    case LOG_SSL2:
        tw_observer_ssl2(r->o, at, from, bytes);
        break;
    case LOG_GAP:
        tw_observer_gap(r->o, at, from, e->size);
        break;
    case LOG_MESSAGE:
        take_message(r, e, bytes, at);
        break;
    case LOG_ALERT:
    case LOG_CCS:
        rec.type = e->kind == LOG_ALERT ? TW_CT_ALERT : TW_CT_CCS;
        tw_observer_record(r->o, at, from, &rec);
        break;
    case LOG_TEXT:
        take_text(r, e, bytes, at);
        break;
    case LOG_OVERFLOW:
        add(r, (struct tw_fact){.kind = TW_FACT_LIMIT,
                                .conn = 1,
                                .at = at,
                                .from = from,
                                .field = "record_overflow",
                                .text = "a record announces more than a record may hold"});
        break;
    }
}

static void take_log(struct retrace *r)
{
    struct tw_buf log;
    size_t at = 0;
    struct log_entry e;
    tw_buf_init(&log, (size_t)LOG_BLOCKS_MAX * LOG_BLOCK);
    log_copy(r->f, &log);
    while (at + sizeof e <= log.len) {
        memcpy(&e, log.data + at, sizeof e);
        at += sizeof e;
        if (e.len > log.len - at)
            break; /* there was no room for all of it */
        take_entry(r, &e, tw_view_sub(tw_buf_view(&log), at, e.len));
        at += e.len;
    }
    tw_buf_cleanup(&log);
    if (r->f->log_full)
        add(r, (struct tw_fact){
                   .kind = TW_FACT_LIMIT,
                   .conn = 1,
                   .field = "flow",
                   .text = "not all records of the handshake were kept, for lack of room"});
}

/* ---- how it went ----------------------------------------------------------------------------- */

static void take_connection(const struct retrace *r)
{
    char text[80];
    if (r->f->kind == TW_FLOW_TLS && r->f->syn_seen)
        add(r, (struct tw_fact){
                   .kind = TW_FACT_TCP,
                   .conn = 1,
                   .field = "connect",
                   .text = tw_endpoint_text(&r->f->end[1 - r->client], text, sizeof text)});
}

static void take_completion(const struct retrace *r)
{
    const struct tw_flow *f = r->f;
    if (tw_flow_complete(f) != TW_COMPLETE_YES || tw_flow_outcome(f) != TW_FLOW_OK)
        return;
    add(r, (struct tw_fact){.kind = TW_FACT_COMPLETE,
                            .conn = 1,
                            .from = TW_SERVER,
                            .at = since_start(f, f->glance->complete_at),
                            .text = "both sides went on under the new keys"});
}

/* An alert that TLS 1.3 hides, told by its size alone. */
static void take_hidden_alert(const struct retrace *r, int dir)
{
    if (!tw_flow_inferred_alert(r->f, dir))
        return;
    add(r, (struct tw_fact){.kind = TW_FACT_FIELD,
                            .conn = 1,
                            .from = side_of(r, dir),
                            .at = since_start(r->f, r->f->glance->dir[dir].last_at),
                            .field = "hidden_alert",
                            .num = 1,
                            .protected_ = true,
                            .text = "a protected record of the size that only an alert has"});
}

static void take_end(const struct retrace *r)
{
    const struct tw_flow *f = r->f;
    uint64_t at = since_start(f, f->last);
    if (f->how == TW_HOW_CAPTURE_END || f->how == TW_HOW_EVICTED)
        return; /* nobody knows how it went on */
    if (f->how == TW_HOW_TIMEOUT) {
        tw_observer_end(r->o, at, TW_SERVER, "timeout");
        return;
    }
    tw_observer_end(r->o, at, side_of(r, f->closed_from < 0 ? 1 - r->client : f->closed_from),
                    f->how == TW_HOW_RST ? "rst" : "fin");
}

void tw_flow_retrace(const struct tw_flow *f, const char *input, struct tw_trace *t)
{
    struct retrace r = {.f = f, .t = t, .client = tw_flow_client(f)};
    r.o = tw_observer_new(t, 1);
    if (r.o == NULL || f->glance == NULL) {
        tw_observer_free(r.o);
        return;
    }
    settings(&r, input);
    take_connection(&r);
    take_log(&r);
    take_hidden_alert(&r, r.client);
    take_hidden_alert(&r, 1 - r.client);
    take_completion(&r);
    take_end(&r);
    tw_observer_free(r.o);
}
