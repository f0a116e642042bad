/*
 * A look at a connection as its bytes go by: where TLS starts, its records, the few messages that
 * say how it went. Costs a comparison or two for each record of application data.
 *
 * Where TLS starts: a stream is hunted for a record until one is found. Nearly always it is the
 * first byte; after STARTTLS, CONNECT or SOCKS it is the first byte of a later segment, because
 * the client waits for the answer; a PROXY header or a MySQL request may share the segment with
 * the ClientHello, so ClientHellos are searched for inside of it, too. In the middle of a stream
 * (capture started late, bytes lost) records are found again where a segment starts with one.
 */
#include "passive/internal.h"

enum mode { HUNT, SYNC, DEAD };
enum { HUNT_MAX = 64 * 1024, HEAD = 5, KEEP_NOT_TLS = 512, MAX_MESSAGE = 128 * 1024 };

struct tw_glance *glance_new(void)
{
    struct tw_glance *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->client = -1;
    for (int i = 0; i < 2; i++) {
        tw_buf_init(&g->dir[i].rec, TW_MAX_RECORD + HEAD);
        tw_buf_init(&g->dir[i].hs, MAX_MESSAGE);
    }
    return g;
}

static void drop_buffers(struct tw_glance *g)
{
    for (int i = 0; i < 2; i++) {
        tw_buf_cleanup(&g->dir[i].rec);
        tw_buf_cleanup(&g->dir[i].hs);
    }
}

void glance_free(struct tw_glance *g)
{
    if (g == NULL)
        return;
    drop_buffers(g);
    free(g->sni);
    free(g);
}

/* ---- the log --------------------------------------------------------------------------------- */

void glance_settle(const struct watch *w)
{
    struct tw_flow *f = w->f;
    if (f->settled || w->cfg->keep_all)
        return;
    f->settled = true;
    drop_buffers(f->glance);
    log_drop(w->pool, f);
}

void glance_found(const struct watch *w)
{
    if (w->f->glance->tls)
        return;
    w->f->glance->tls = true;
    w->f->n = (*w->next_n)++;
}

/* ---- messages -------------------------------------------------------------------------------- */

static char proto_letter(const struct tw_flow *f)
{
    return f->kind == TW_FLOW_QUIC ? 'q' : f->kind == TW_FLOW_DTLS ? 'd' : 't';
}

static void take_sni(struct tw_glance *g, struct tw_view extensions)
{
    struct tw_view body, host;
    if (g->sni != NULL || !tw_ext_find(extensions, TW_EXT_SERVER_NAME, &body) ||
        !tw_ext_sni(body, &host) || host.len == 0 || host.len > TW_FLOW_SNI)
        return;
    g->sni = malloc(host.len + 1);
    if (g->sni == NULL)
        return;
    memcpy(g->sni, host.data, host.len);
    g->sni[host.len] = '\0';
}

static void take_client_hello(const struct watch *w, int dir, struct tw_view body)
{
    struct tw_glance *g = w->f->glance;
    struct tw_client_hello m = {0};
    struct tw_reader r = tw_rd_of(body);
    (void)tw_client_hello_decode(&r, &m);
    if (g->hellos < UINT8_MAX)
        g->hellos++;
    if (!g->client_hello) {
        g->client = (int8_t)dir;
        g->hello_at = w->at;
        g->offered_version = m.version;
        struct tw_view ech;
        g->ech = tw_ext_find(m.extensions, TW_EXT_ECH, &ech);
        if (w->cfg->fingerprints)
            fingerprint_client(w->crypto, g, proto_letter(w->f), &m);
    }
    g->client_hello = true;
    take_sni(g, m.extensions);
    g->session_len = (uint8_t)m.session_id.len;
    if (m.session_id.len > 0)
        memcpy(g->session, m.session_id.data, m.session_id.len);
}

static void take_server_hello(const struct watch *w, int dir, struct tw_view body)
{
    struct tw_glance *g = w->f->glance;
    struct tw_server_hello m = {0};
    struct tw_reader r = tw_rd_of(body);
    struct tw_view ext;
    if (body.len >= 6 && body.data[0] == 0x7f && body.data[1] <= 21) {
        /* drafts up to 21 of TLS 1.3 have no session id and no compression method */
        g->version = (uint16_t)(body.data[0] << 8 | body.data[1]);
        if (body.len >= 36)
            g->cipher = (uint16_t)(body.data[34] << 8 | body.data[35]);
    } else {
        (void)tw_server_hello_decode(&r, &m);
        g->version = m.selected_version;
        g->cipher = m.cipher;
    }
    if (g->client < 0)
        g->client = (int8_t)(1 - dir);
    if (m.is_hrr) {
        g->hello_retry = true;
        return;
    }
    if (!g->server_hello)
        g->answer_at = w->at;
    g->server_hello = true;
    struct tw_key_share ks = {0};
    if (tw_ext_find(m.extensions, TW_EXT_KEY_SHARE, &ext) && tw_ext_key_share_server(ext, &ks))
        g->group = ks.group;
    struct tw_view proto;
    if (tw_ext_find(m.extensions, TW_EXT_ALPN, &ext) && tw_ext_alpn_at(ext, 0, &proto) &&
        proto.len < sizeof g->alpn) {
        memcpy(g->alpn, proto.data, proto.len);
        g->alpn[proto.len] = '\0';
    }
    g->resumed = glance_is_tls13(g->version)
                     ? tw_ext_find(m.extensions, TW_EXT_PRE_SHARED_KEY, &ext)
                     : m.session_id.len > 0 && m.session_id.len == g->session_len &&
                           memcmp(m.session_id.data, g->session, g->session_len) == 0;
    if (w->cfg->fingerprints)
        fingerprint_server(w->crypto, g, proto_letter(w->f), &m);
    if (glance_is_tls13(g->version))
        g->dir[0].protected_ = g->dir[1].protected_ = true;
}

/* TLS <= 1.2 list of certificates; those of 1.3 are never in clear. */
static void take_certificate(struct tw_glance *g, int dir, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, 3, "certificate_list");
    uint16_t n = 0;
    while (tw_rd_more(&list) && n < 1000) {
        (void)tw_rd_vec(&list, 3, "certificate");
        n += tw_rd_ok(&list);
    }
    uint16_t *slot = dir == g->client ? &g->client_certs : &g->server_certs;
    if (*slot == 0)
        *slot = n;
}

static void take_message(const struct watch *w, int dir, uint8_t type, struct tw_view body)
{
    struct tw_glance *g = w->f->glance;
    switch (type) {
    case TW_MSG_CLIENT_HELLO:
        take_client_hello(w, dir, body);
        break;
    case TW_MSG_SERVER_HELLO:
        if (dir != g->client)
            take_server_hello(w, dir, body);
        break;
    case TW_MSG_HELLO_RETRY_REQUEST: /* its own message in the drafts */
        g->hello_retry = true;
        break;
    case TW_MSG_CERTIFICATE:
        take_certificate(g, dir, body);
        break;
    case TW_MSG_CERTIFICATE_REQUEST:
        g->cert_request = true;
        break;
    case TW_MSG_SERVER_KEY_EXCHANGE:
        if (body.len > 3 && body.data[0] == 3 && g->group == 0) /* named_curve, RFC 8422 5.4 */
            g->group = (uint16_t)(body.data[1] << 8 | body.data[2]);
        break;
    default:
        break;
    }
}

void glance_message(const struct watch *w, int dir, uint8_t type, struct tw_view body)
{
    log_add(w, dir, (struct log_entry){.kind = LOG_MESSAGE, .type = type}, body);
    take_message(w, dir, type, body);
}

/* Whole messages out of handshake bytes; what is not whole waits in hs. */
static void take_handshake(const struct watch *w, struct tw_glance_dir *d, int dir,
                           struct tw_view in)
{
    if (d->hs.len > 0 || d->hs.failed) {
        if (!tw_buf_add(&d->hs, in.data, in.len))
            return;
        in = tw_buf_view(&d->hs);
    }
    size_t at = 0, used = 0;
    uint8_t type;
    struct tw_view body;
    while (tw_handshake_peek(tw_view_sub(in, at, in.len - at), &type, &body, &used)) {
        take_message(w, dir, type, body);
        at += used;
        if (d->protected_)
            break; /* nothing more in clear after the ServerHello of TLS 1.3 */
    }
    if (d->protected_ || (d->hs.len > 0 && at == d->hs.len)) {
        tw_buf_cleanup(&d->hs);
    } else if (d->hs.len > 0) {
        tw_buf_drop(&d->hs, at);
    } else if (at < in.len) {
        (void)tw_buf_add(&d->hs, in.data + at, in.len - at);
    }
}

void glance_alert(const struct watch *w, int dir, struct tw_view body, bool encrypted)
{
    struct tw_glance *g = w->f->glance;
    g->dir[dir].encrypted_alerts += encrypted;
    if (g->alerts_n == TW_FLOW_ALERTS)
        return;
    struct tw_flow_alert *a = &g->alerts[g->alerts_n++];
    *a = (struct tw_flow_alert){.from = (uint8_t)dir, .encrypted = encrypted};
    if (!encrypted && body.len >= 2) {
        a->level = body.data[0];
        a->description = body.data[1];
    }
}

/* ---- how far it is --------------------------------------------------------------------------- */

/* A handshake is behind us when both sides have sent under the new keys and gone on. */
static void look_whether_settled(const struct watch *w)
{
    struct tw_flow *f = w->f;
    struct tw_glance *g = f->glance;
    if (f->settled || !g->server_hello || g->alerts_n > 0)
        return;
    if (tw_flow_complete(f) != TW_COMPLETE_YES)
        return;
    if (!g->done)
        g->complete_at = w->at;
    g->done = true;
    int client = tw_flow_client(f);
    const struct tw_glance_dir *c = &g->dir[client], *s = &g->dir[1 - client];
    bool went_on = glance_is_tls13(g->version)
                       ? s->last_at >= c->last_at && !glance_alert_sized(s->last_protected) &&
                             s->last_at > g->complete_at
                       : c->app_records > 0 && s->app_records > 0;
    if (went_on)
        glance_settle(w);
}

static void count_protected(const struct watch *w, struct tw_glance_dir *d, uint8_t type,
                            uint32_t len)
{
    struct tw_glance *g = w->f->glance;
    bool after_hello = g->server_hello && glance_is_tls13(g->version);
    d->app_records += type == TW_CT_APP_DATA;
    if (!after_hello || type != TW_CT_APP_DATA)
        return;
    if (d->first_protected == 0)
        d->first_protected = len;
    d->last_protected = len;
    d->after_done += g->done;
}

void glance_protected(const struct watch *w, int dir, uint8_t type, uint16_t version, size_t len)
{
    struct tw_glance_dir *d = &w->f->glance->dir[dir];
    log_add(w, dir,
            (struct log_entry){
                .kind = LOG_PROTECTED, .type = type, .version = version, .size = (uint32_t)len},
            (struct tw_view){NULL, 0});
    if (type == TW_CT_ALERT)
        glance_alert(w, dir, (struct tw_view){NULL, 0}, true);
    d->last_at = w->at;
    count_protected(w, d, type, (uint32_t)len);
    look_whether_settled(w);
}

void glance_ccs(const struct watch *w, int dir)
{
    struct tw_glance *g = w->f->glance;
    g->dir[dir].ccs = true;
    if (!glance_is_tls13(g->version))
        g->dir[dir].protected_ = true;
    log_add(w, dir, (struct log_entry){.kind = LOG_CCS}, (struct tw_view){NULL, 0});
    look_whether_settled(w);
}

/* ---- records --------------------------------------------------------------------------------- */

static uint16_t head_version(const struct tw_glance_dir *d)
{
    return (uint16_t)(d->head[1] << 8 | d->head[2]);
}

/* Record types 20 to 24, versions 3.0 to 3.4, and a length that a record may have. */
static bool good_head(const uint8_t *h)
{
    size_t len = (size_t)h[3] << 8 | h[4];
    return h[0] >= TW_CT_CCS && h[0] <= TW_CT_HEARTBEAT && h[1] == 3 && h[2] <= 4 &&
           len <= TW_MAX_RECORD;
}

static bool wants_body(const struct tw_glance *g, const struct tw_glance_dir *d)
{
    switch (d->type) {
    case TW_CT_HANDSHAKE:
        return !d->protected_ || (d->gap && !g->server_hello);
    case TW_CT_ALERT:
        return d->rec_len == 2;
    case TW_CT_CCS:
        return d->rec_len <= 1;
    default:
        return false;
    }
}

static void log_record(const struct watch *w, struct tw_glance_dir *d, int dir, uint8_t kind,
                       struct tw_view body)
{
    log_add(w, dir,
            (struct log_entry){.kind = kind,
                               .type = d->type,
                               .version = head_version(d),
                               .size = d->rec_len,
                               .off = d->off - d->rec_len - HEAD},
            body);
}

static void record_done(const struct watch *w, struct tw_glance_dir *d, int dir,
                        struct tw_view body)
{
    struct tw_glance *g = w->f->glance;
    d->records++;
    d->last_at = w->at;
    if (d->plain) {
        log_record(w, d, dir, LOG_RECORD, body);
        if (d->type == TW_CT_HANDSHAKE) {
            take_handshake(w, d, dir, body);
        } else if (d->type == TW_CT_ALERT) {
            glance_alert(w, dir, body, false);
        } else {
            d->ccs = true;
            if (!glance_is_tls13(g->version))
                d->protected_ = true;
        }
    } else {
        if (d->type == TW_CT_ALERT)
            glance_alert(w, dir, body, true);
        log_record(w, d, dir, LOG_PROTECTED, (struct tw_view){NULL, 0});
        count_protected(w, d, d->type, d->rec_len);
    }
    look_whether_settled(w);
}

/* Bytes of a record's body; returns how many were taken. */
static size_t take_body(const struct watch *w, struct tw_glance_dir *d, int dir, struct tw_view in)
{
    size_t n = in.len < d->left ? in.len : d->left;
    d->left -= (uint32_t)n;
    d->off += n;
    if (!d->plain) {
        if (d->left == 0)
            record_done(w, d, dir, (struct tw_view){NULL, 0});
        return n;
    }
    struct tw_view body = {in.data, n};
    if (d->left > 0 || d->rec.len > 0) {
        (void)tw_buf_add(&d->rec, in.data, n);
        body = tw_buf_view(&d->rec);
    }
    if (d->left == 0) {
        record_done(w, d, dir, body);
        if (d->rec.cap > 0)
            tw_buf_cleanup(&d->rec);
    }
    return n;
}

static void lose_track(struct tw_glance_dir *d)
{
    d->mode = HUNT;
    d->hunted = 0;
    d->gap = true;
    d->head_n = 0;
    d->left = 0;
    d->rec.len = d->hs.len = 0;
}

static void not_tls(const struct watch *w, struct tw_glance_dir *d, int dir, struct tw_view in)
{
    if (!d->not_tls)
        log_add(w, dir, (struct log_entry){.kind = LOG_NOT_TLS, .off = d->off},
                tw_view_sub(in, 0, KEEP_NOT_TLS));
    d->not_tls = true;
}

static size_t take_head(const struct watch *w, struct tw_glance_dir *d, int dir, struct tw_view in)
{
    size_t n = 0;
    while (n < in.len && d->head_n < HEAD)
        d->head[d->head_n++] = in.data[n++];
    if (d->head_n < HEAD)
        return n;
    d->off += n;
    d->head_n = 0;
    if (!good_head(d->head)) {
        if (d->records > 0 && d->head[0] <= TW_CT_HEARTBEAT && d->head[0] >= TW_CT_CCS &&
            d->head[1] == 3 && d->head[2] <= 4)
            log_add(w, dir, (struct log_entry){.kind = LOG_OVERFLOW, .off = d->off}, in);
        not_tls(w, d, dir, in);
        lose_track(d);
        d->off -= n;
        return in.len;
    }
    glance_found(w);
    d->type = d->head[0];
    d->left = d->rec_len = (uint32_t)(d->head[3] << 8 | d->head[4]);
    d->plain = wants_body(w->f->glance, d);
    if (d->left == 0)
        record_done(w, d, dir, (struct tw_view){NULL, 0});
    return n;
}

/* ---- where TLS starts ------------------------------------------------------------------------ */

/* A record that can start a conversation: a hello, or an alert in its place. */
static bool starts_tls(struct tw_view v)
{
    const uint8_t *p = v.data;
    if (v.len < HEAD || !good_head(p))
        return false;
    size_t len = (size_t)p[3] << 8 | p[4];
    if (p[0] == TW_CT_ALERT)
        return len == 2 && (v.len < 6 || p[5] == 1 || p[5] == 2);
    if (p[0] != TW_CT_HANDSHAKE || len < 4)
        return false;
    if (v.len < 9)
        return v.len < 6 || p[5] == TW_MSG_CLIENT_HELLO || p[5] == TW_MSG_SERVER_HELLO;
    return (p[5] == TW_MSG_CLIENT_HELLO || p[5] == TW_MSG_SERVER_HELLO) && p[6] == 0 &&
           (v.len < 10 || p[9] == 3 || p[9] == 0x7f);
}

/* Records one behind the other to the end of what is there: how the middle of a TLS stream looks.
 * One that ends later than the segment is enough only where TLS is expected. */
static bool chain_of_records(struct tw_view v, bool expected)
{
    size_t at = 0, n = 0;
    while (at + HEAD <= v.len && good_head(v.data + at)) {
        size_t len = (size_t)v.data[at + 3] << 8 | v.data[at + 4];
        if (len == 0 || v.data[at + 2] == 0)
            return false;
        at += HEAD + len;
        n++;
    }
    if (n == 0 || (at < v.len && at + HEAD <= v.len))
        return false;
    return expected || n >= 2 || at == v.len;
}

/* The first bytes of a stream when they are too few to tell, but may be a hello's. */
static bool may_start_tls(struct tw_view v, bool expected)
{
    uint8_t from[4] = {TW_CT_HANDSHAKE, 3, 0, 0}, to[4] = {TW_CT_HANDSHAKE, 3, 4, 0x48};
    if (expected) {
        from[0] = TW_CT_CCS;
        to[0] = TW_CT_APP_DATA;
    }
    for (size_t i = 0; i < v.len && i < 4; i++)
        if (v.data[i] < from[i] || v.data[i] > to[i])
            return false;
    return v.len > 0 && v.len < HEAD;
}

/* PROXY protocol, versions 1 and 2: the length of the header, 0 when there is none. */
static size_t proxy_header(struct tw_view v)
{
    static const uint8_t v2[12] = {13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10};
    if (v.len >= 16 && memcmp(v.data, v2, sizeof v2) == 0)
        return 16 + ((size_t)v.data[14] << 8 | v.data[15]);
    if (v.len < 8 || memcmp(v.data, "PROXY ", 6) != 0)
        return 0;
    const uint8_t *nl = memchr(v.data, '\n', v.len < 108 ? v.len : 108);
    return nl == NULL ? 0 : (size_t)(nl - v.data) + 1;
}

static bool ssl2_hello(struct tw_view v)
{
    if (v.len < 12 || (v.data[0] & 0x80) == 0 || v.data[2] != TW_MSG_CLIENT_HELLO)
        return false;
    size_t len = (size_t)(v.data[0] & 0x7f) << 8 | v.data[1];
    bool version = (v.data[3] == 3 && v.data[4] <= 3) || (v.data[3] == 0 && v.data[4] == 2);
    size_t suites = (size_t)v.data[5] << 8 | v.data[6], id = (size_t)v.data[7] << 8 | v.data[8],
           challenge = (size_t)v.data[9] << 8 | v.data[10];
    return version && suites % 3 == 0 && suites > 0 && challenge >= 16 && challenge <= 32 &&
           len == 9 + suites + id + challenge && v.len >= len + 2;
}

static void take_ssl2(const struct watch *w, int dir, struct tw_view v)
{
    struct tw_glance *g = w->f->glance;
    glance_found(w);
    g->client = (int8_t)dir;
    g->client_hello = true;
    g->hellos++;
    g->hello_at = w->at;
    size_t len = (size_t)(v.data[0] & 0x7f) << 8 | v.data[1];
    log_add(w, dir, (struct log_entry){.kind = LOG_SSL2}, tw_view_sub(v, 2, len));
}

/* A ClientHello behind other bytes of the same segment. */
static size_t hello_inside(struct tw_view v)
{
    size_t at = 1;
    while (at + 11 < v.len) {
        const uint8_t *p = memchr(v.data + at, TW_CT_HANDSHAKE, v.len - 11 - at);
        if (p == NULL)
            return 0;
        at = (size_t)(p - v.data);
        size_t len = (size_t)p[3] << 8 | p[4], message = (size_t)p[7] << 8 | p[8];
        if (p[5] == TW_MSG_CLIENT_HELLO && p[6] == 0 && p[9] == 3 && p[10] <= 3 && len >= 42 &&
            message + 4 == len && good_head(p))
            return at;
        at++;
    }
    return 0;
}

static bool tls_port(const struct tw_flow *f)
{
    static const uint16_t ports[] = {443,  465,  563,  636,  853,  989,  990,  992,  993,  994, 995,
                                     2083, 3269, 4433, 5061, 5223, 5671, 6697, 8443, 8883, 9443};
    for (size_t i = 0; i < TW_ARRAY_LEN(ports); i++)
        if (f->end[0].port == ports[i] || f->end[1].port == ports[i])
            return true;
    return false;
}

/* Offset in `in` at which records start; in.len when not here. */
static size_t hunt(const struct watch *w, struct tw_glance_dir *d, int dir, struct tw_view in)
{
    struct tw_flow *f = w->f;
    struct tw_glance *g = f->glance;
    size_t skip = d->off == 0 ? proxy_header(in) : 0;
    struct tw_view rest = tw_view_sub(in, skip, in.len - (skip < in.len ? skip : in.len));
    bool ours = g->tls || tls_port(f);
    if (starts_tls(rest) || (d->off == 0 && may_start_tls(rest, ours)))
        return skip;
    if (rest.len > 0 && chain_of_records(rest, ours && (!f->syn_seen || d->gap))) {
        g->mid_stream = true;
        return skip;
    }
    if (g->tls && g->dir[1 - dir].mode == SYNC && rest.len >= HEAD && good_head(rest.data))
        return skip;
    if (ssl2_hello(rest)) {
        take_ssl2(w, dir, rest);
        return in.len;
    }
    size_t inside = hello_inside(in);
    return inside > 0 ? inside : in.len;
}

/* nginx, Apache and Go tell a client that speaks HTTP to a TLS port what it did. */
static bool says_https(struct tw_view in)
{
    static const char *const words[] = {"HTTP request was sent to HTTPS port",
                                        "plain HTTP to an SSL-enabled server port",
                                        "HTTP request to an HTTPS server"};
    if (in.len < 12 || memcmp(in.data, "HTTP/1.", 7) != 0)
        return false;
    for (size_t i = 0; i < TW_ARRAY_LEN(words); i++)
        if (memmem(in.data, in.len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

static void hunt_on(const struct watch *w, struct tw_glance_dir *d, int dir, struct tw_view in)
{
    struct tw_glance *g = w->f->glance;
    size_t at = hunt(w, d, dir, in);
    if (at >= in.len) {
        d->off += in.len;
        if (g->dir[1 - dir].mode == SYNC && !d->gap)
            not_tls(w, d, dir, in); /* an answer to TLS that is none */
        else if (!d->gap && !g->preamble && d->hunted == 0)
            log_add(w, dir, (struct log_entry){.kind = LOG_TEXT, .off = d->off - in.len},
                    tw_view_sub(in, 0, 200));
        if (says_https(in)) {
            glance_found(w);
            g->client = (int8_t)(1 - dir);
            g->client_not_tls = true;
        }
        d->hunted += (uint32_t)in.len;
        if (d->hunted > HUNT_MAX)
            d->mode = DEAD;
        return;
    }
    d->off += at;
    g->preamble = g->preamble || (d->off > 0 && !d->gap);
    d->mode = SYNC;
    glance_bytes(w, dir, tw_view_sub(in, at, in.len - at));
}

void glance_bytes(const struct watch *w, int dir, struct tw_view in)
{
    struct tw_glance_dir *d = &w->f->glance->dir[dir];
    size_t at = 0;
    if (d->mode == DEAD)
        return;
    if (d->mode == HUNT) {
        hunt_on(w, d, dir, in);
        return;
    }
    while (at < in.len && d->mode == SYNC) {
        struct tw_view rest = {in.data + at, in.len - at};
        at += d->left > 0 ? take_body(w, d, dir, rest) : take_head(w, d, dir, rest);
    }
}

void glance_gap(const struct watch *w, int dir, size_t n)
{
    struct tw_glance_dir *d = &w->f->glance->dir[dir];
    d->off += n;
    log_add(w, dir, (struct log_entry){.kind = LOG_GAP, .size = (uint32_t)n},
            (struct tw_view){NULL, 0});
    if (d->mode == SYNC && !d->plain && d->left > n) {
        d->left -= (uint32_t)n;
        return;
    }
    if (d->mode == SYNC && !d->plain && d->left == n && n > 0) {
        d->left = 0;
        d->off -= n;
        record_done(w, d, dir, (struct tw_view){NULL, 0});
        d->off += n;
        return;
    }
    bool dead = d->mode == DEAD && !w->f->glance->tls;
    lose_track(d);
    if (dead)
        d->mode = DEAD;
}
