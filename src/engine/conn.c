/*
 * A conversation: lifecycle, what comes in, what the driver asks. What goes out is in conn_out.c.
 *
 *   bytes -> records (assemble.c) -> opened (protect.c) -> handshake messages (assemble.c)
 *         -> facts (wire/note*.c) -> order table (order.c) -> the role
 *
 * After we stopped, records are still looked at for alerts: what the peer said last is often what
 * explains the failure.
 */
#include "engine/internal.h"

enum {
    MAX_IDLE = 32,           /* records in a row that move nothing */
    MAX_KEY_UPDATES = 32,
    MAX_MESSAGES = 512,      /* a handshake has some twenty; tickets may follow */
    KEEP_APP = 65536,
    KEEP_NOT_TLS = 512,
    NOTED_APP = 1024,
    ARENA_MAX = 4 << 20,
    OUT_MAX = 1 << 20,
    DEFAULT_MAX_BYTES = 1 << 20
};

/* ---- lifecycle ------------------------------------------------------------------------------- */

static void init_buffers(struct tw_conn *c)
{
    tw_stream_in_init(&c->in);
    tw_hs_in_init(&c->hs);
    tw_buf_init(&c->plain, TW_MAX_RECORD);
    tw_buf_init(&c->out, OUT_MAX);
    tw_buf_init(&c->hs_out, TW_MAX_HANDSHAKE_MESSAGE);
    tw_buf_init(&c->app, KEEP_APP);
}

struct tw_conn *tw_conn_new(const struct tw_conn_config *cfg, enum tw_role role, uint64_t now)
{
    struct tw_arena *arena = tw_arena_new(ARENA_MAX);
    if (arena == NULL)
        return NULL;
    struct tw_conn *c = tw_arena_alloc(arena, sizeof *c);
    if (c == NULL) {
        tw_arena_free(arena);
        return NULL;
    }
    c->cfg = *cfg;
    if (c->cfg.max_bytes == 0)
        c->cfg.max_bytes = DEFAULT_MAX_BYTES;
    c->crypto = cfg->crypto;
    c->arena = arena;
    c->role = role;
    c->ops = role == TW_ROLE_CLIENT ? &tw_client_role : &tw_server_role;
    c->us = role == TW_ROLE_CLIENT ? TW_CLIENT : TW_SERVER;
    c->peer = role == TW_ROLE_CLIENT ? TW_SERVER : TW_CLIENT;
    c->now = now;
    c->record_version = TW_TLS10;
    init_buffers(c);
    tw_order_init(&c->order);
    tw_transcript_init(&c->transcript, c->crypto);
    c->ops->start(c);
    tw_conn_flush(c);
    if (c->broken == TW_E_NOMEM) {
        tw_conn_free(c);
        return NULL;
    }
    return c;
}

void tw_conn_free(struct tw_conn *c)
{
    if (c == NULL)
        return;
    c->ops->cleanup(c);
    tw_transcript_cleanup(&c->transcript);
    tw_protect_free(c->read);
    tw_protect_free(c->write);
    tw_protect_free(c->next_read);
    tw_protect_free(c->next_write);
    tw_stream_in_cleanup(&c->in);
    tw_hs_in_cleanup(&c->hs);
    tw_buf_cleanup(&c->plain);
    tw_buf_cleanup(&c->out);
    tw_buf_cleanup(&c->hs_out);
    tw_buf_cleanup(&c->app);
    tw_arena_free(c->arena); /* wipes; c itself lives there */
}

/* ---- facts ----------------------------------------------------------------------------------- */

static uint64_t at(const struct tw_conn *c)
{
    return c->now > c->cfg.trace_start ? c->now - c->cfg.trace_start : 0;
}

void tw_conn_fact(struct tw_conn *c, struct tw_fact f)
{
    f.conn = c->cfg.conn;
    f.at = at(c);
    if (f.from == TW_NOBODY)
        f.from = c->peer;
    tw_trace_add(c->cfg.trace, f);
}

void tw_conn_check(struct tw_conn *c, const char *field, bool good, const char *text)
{
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_CHECK,
                                     .msg = TW_NO_MSG,
                                     .num = good,
                                     .field = field,
                                     .text = text});
}

void tw_conn_negotiated(struct tw_conn *c, const char *field, int64_t num, const char *text)
{
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_NEGOTIATED,
                                     .msg = TW_NO_MSG,
                                     .num = num,
                                     .field = field,
                                     .text = text});
}

void tw_conn_secret(struct tw_conn *c, const char *label, struct tw_view secret)
{
    if (!c->cfg.record_secrets)
        return;
    char *hex = tw_hex(c->arena, secret);
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_SECRET,
                                     .from = c->us,
                                     .msg = TW_NO_MSG,
                                     .field = label,
                                     .text = hex,
                                     .data = tw_view_of(c->client_random, 32)});
    if (hex != NULL)
        tw_wipe(hex, strlen(hex));
}

struct tw_note tw_conn_note(struct tw_conn *c, enum tw_side from, bool protected_, uint64_t off)
{
    return (struct tw_note){
        .trace = c->cfg.trace,
        .conn = c->cfg.conn,
        .at = at(c),
        .from = from,
        .protected_ = protected_,
        .version = c->version,
        .cipher = c->suite != NULL ? c->suite->id : 0,
        .off = off,
    };
}

/* ---- stopping -------------------------------------------------------------------------------- */

void tw_conn_fail(struct tw_conn *c, int alert, const char *field, int64_t value, const char *text)
{
    if (tw_conn_stopped(c))
        return;
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_LOCAL,
                                     .from = c->us,
                                     .msg = TW_NO_MSG,
                                     .num = alert,
                                     .aux = value,
                                     .field = field,
                                     .text = text});
    c->state = TW_CONN_STOPPED; /* first: sending may fail, too */
    if (alert >= 0)
        tw_conn_send_alert(c, 2, (uint8_t)alert);
}

void tw_conn_fail_decode(struct tw_conn *c, uint8_t msg, const struct tw_reader *r)
{
    char text[160];
    const char *title = tw_message_title(msg);
    snprintf(text, sizeof text, "%s cannot be decoded: %s at offset %zu",
             title == NULL ? "message" : title, r->fail_field == NULL ? "value" : r->fail_field,
             r->fail_at);
    tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", msg, text);
}

void tw_conn_break(struct tw_conn *c, enum tw_status st)
{
    if (c->broken == TW_OK)
        c->broken = st;
    if (st == TW_E_NOMEM || st == TW_E_LIMIT)
        c->deaf = true;
    tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "internal", (int64_t)st, tw_status_text(st));
}

static void limit(struct tw_conn *c, const char *field, const char *text)
{
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_LIMIT,
                                     .from = c->us,
                                     .msg = TW_NO_MSG,
                                     .field = field,
                                     .text = text});
    tw_conn_fail(c, -1, "limit", 0, text);
    c->broken = TW_E_LIMIT;
    c->deaf = true;
}

static void unexpected(struct tw_conn *c, uint8_t msg, const char *what)
{
    char allowed[256];
    tw_order_allowed(&c->order, &c->facts, allowed, sizeof allowed);
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_UNEXPECTED,
                                     .msg = msg,
                                     .field = what,
                                     .text = allowed});
    tw_conn_fail(c, TW_ALERT_UNEXPECTED_MESSAGE, "unexpected_message",
                 msg == TW_NO_MSG ? -1 : msg, what);
}

static bool idle(struct tw_conn *c)
{
    if (++c->idle_records <= MAX_IDLE)
        return true;
    limit(c, "idle_records", "too many records in a row that move nothing");
    return false;
}

/* ---- keys and negotiation -------------------------------------------------------------------- */

void tw_conn_set_read(struct tw_conn *c, struct tw_protect *p)
{
    if (p == NULL) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_protect_free(c->read);
    c->read = p;
    if (c->hs_rest > 0 || tw_hs_in_partial(&c->hs))
        unexpected(c, TW_NO_MSG, "handshake bytes across a key change");
}

bool tw_conn_hash(struct tw_conn *c, struct tw_view whole)
{
    bool ok = tw_transcript_add(&c->transcript, whole);
    if (!ok)
        tw_conn_break(c, TW_E_CRYPTO);
    return ok;
}

struct tw_view tw_conn_digest_now(struct tw_conn *c, uint8_t out[TW_HASH_MAX])
{
    size_t n = tw_transcript_digest(&c->transcript, out);
    if (n == 0)
        tw_conn_break(c, TW_E_CRYPTO);
    return tw_view_of(out, n);
}

void tw_conn_choose(struct tw_conn *c, uint16_t version, const struct tw_suite *suite)
{
    bool started = c->suite != NULL; /* after HelloRetryRequest the hash is running */
    c->version = version;
    c->suite = suite;
    c->facts.version = version;
    c->record_version = version < TW_TLS12 ? version : TW_TLS12;
    c->hash = version < TW_TLS12 ? TW_HASH_MD5_SHA1
              : suite->prf == TW_HASH_NONE ? TW_HASH_SHA256
                                           : suite->prf;
    if (version < TW_TLS13)
        tw_order_suite(&c->facts, suite->kx, suite->auth);
    if (!started && !tw_transcript_start(&c->transcript, c->hash))
        tw_conn_break(c, TW_E_CRYPTO);
}

void tw_conn_complete(struct tw_conn *c)
{
    if (c->state != TW_CONN_HANDSHAKING)
        return;
    c->state = TW_CONN_OPEN;
    tw_conn_fact(c, (struct tw_fact){
                        .kind = TW_FACT_COMPLETE, .from = c->us, .msg = TW_NO_MSG});
}

/* ---- handshake messages ---------------------------------------------------------------------- */

/* The version must be known before the order table is asked, and a HelloRetryRequest is a message
 * of its own there. The role sees the same fields again, and judges them. */
static uint8_t look_at_server_hello(struct tw_conn *c, struct tw_view body)
{
    struct tw_server_hello m = {0};
    struct tw_reader r = tw_rd_of(body);
    (void)tw_server_hello_decode(&r, &m);
    c->facts.version = m.is_hrr ? TW_TLS13 : m.selected_version;
    return m.is_hrr ? TW_MSG_HELLO_RETRY_REQUEST : TW_MSG_SERVER_HELLO;
}

/* Whether CertificateVerify follows is decided by this message, and the order table is asked before
 * the role sees it. */
static bool has_certificate(bool tls13, struct tw_view body)
{
    struct tw_certificate_msg m = {.tls13 = tls13};
    struct tw_reader r = tw_rd_of(body);
    (void)tw_certificate_decode(&r, &m);
    return m.list.len > 0;
}

/* Requests to renegotiate are declined (RFC 5746 4.5, RFC 5246 7.4.1.1). */
static bool is_renegotiation(const struct tw_conn *c, uint8_t type)
{
    if (c->version >= TW_TLS13)
        return false;
    if (c->peer == TW_SERVER)
        return type == TW_MSG_HELLO_REQUEST;
    return type == TW_MSG_CLIENT_HELLO && c->state == TW_CONN_OPEN;
}

static bool take_message(void *user, const struct tw_hs_message *m)
{
    struct tw_conn *c = user;
    struct tw_note n = tw_conn_note(c, c->peer, c->read != NULL, m->off);
    c->hs_rest = m->rest;
    uint8_t type = m->type;
    if (++c->messages > MAX_MESSAGES) {
        limit(c, "messages", "the peer sent more handshake messages than are read");
        return false;
    }
    if (type == TW_MSG_CLIENT_HELLO) /* also the second one: as the client notes it */
        n.version = n.cipher = 0;
    tw_note_message(&n, type, m->body);
    if (is_renegotiation(c, type)) {
        if (c->state == TW_CONN_OPEN)
            tw_conn_send_alert(c, 1, TW_ALERT_NO_RENEGOTIATION);
        return idle(c);
    }
    c->idle_records = 0;
    if (type == TW_MSG_CERTIFICATE && c->peer == TW_CLIENT)
        c->facts.client_cert_nonempty = has_certificate(c->version >= TW_TLS13, m->body);
    if (type == TW_MSG_SERVER_HELLO && c->peer == TW_SERVER)
        type = look_at_server_hello(c, m->body);
    bool in_clear12 = type == TW_MSG_FINISHED && c->version < TW_TLS13 && c->read == NULL;
    if (in_clear12 || !tw_order_step(&c->order, &c->facts, c->peer, type)) {
        unexpected(c, type, in_clear12 ? "Finished without ChangeCipherSpec" : "message");
        return false;
    }
    if (type == TW_MSG_KEY_UPDATE && ++c->key_updates > MAX_KEY_UPDATES) {
        limit(c, "key_updates", "too many KeyUpdate messages");
        return false;
    }
    c->ops->take_message(c, type, m->body, m->whole);
    return !tw_conn_stopped(c);
}

static void take_handshake(struct tw_conn *c, struct tw_view content, uint64_t off)
{
    if (content.len == 0) {
        (void)idle(c);
        return;
    }
    c->hs_bytes += content.len;
    if (c->hs_bytes > c->cfg.max_bytes) {
        limit(c, "handshake_bytes", "the peer sent more handshake bytes than are read");
        return;
    }
    switch (tw_hs_in_feed(&c->hs, content, off, take_message, c)) {
    case TW_HS_OK:
    case TW_HS_ENDED:
        break;
    case TW_HS_TOO_LONG:
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "message_too_long", TW_MAX_HANDSHAKE_MESSAGE,
                     "a handshake message announces more than 262144 bytes");
        break;
    case TW_HS_NOMEM:
        tw_conn_break(c, TW_E_NOMEM);
        break;
    }
    c->hs_rest = 0;
}

/* ---- alerts, ChangeCipherSpec, application data ------------------------------------------------ */

/* What an alert means for going on. In TLS 1.3 the level is meaningless (RFC 8446 6). */
static void obey_alert(struct tw_conn *c, struct tw_alert a)
{
    if (a.description == TW_ALERT_CLOSE_NOTIFY) {
        c->peer_closed = true;
        if (c->state == TW_CONN_OPEN)
            tw_conn_close(c, c->now);
        c->state = TW_CONN_STOPPED;
    } else if (a.level == 1 &&
               (c->version < TW_TLS13 || a.description == TW_ALERT_USER_CANCELED)) {
        (void)idle(c);
    } else {
        c->state = TW_CONN_STOPPED;
    }
}

static void take_alert(struct tw_conn *c, struct tw_view content, bool protected_, uint64_t off)
{
    size_t pos = 0;
    do { /* several alerts may share a record */
        struct tw_view one = tw_view_sub(content, pos, content.len - pos < 4 ? content.len - pos : 2);
        struct tw_note n = tw_conn_note(c, c->peer, protected_, off + pos);
        tw_note_alert(&n, one);
        struct tw_reader r = tw_rd_of(one);
        struct tw_alert a = {0};
        if (!tw_alert_decode(&r, &a)) {
            tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", -1, "malformed alert");
            return;
        }
        obey_alert(c, a);
        pos += 2;
    } while (pos < content.len);
}

static void take_ccs(struct tw_conn *c, const struct tw_record *rec)
{
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_CCS,
                                     .msg = TW_NO_MSG,
                                     .off = rec->off,
                                     .len = rec->body.len + 5});
    bool well_formed = rec->body.len == 1 && rec->body.data[0] == 1;
    if (c->version >= TW_TLS13 || c->version == 0) { /* middlebox compatibility, RFC 8446 D.4 */
        if (!well_formed || c->state != TW_CONN_HANDSHAKING)
            unexpected(c, TW_NO_MSG, "change_cipher_spec");
        else
            (void)idle(c);
        return;
    }
    if (!well_formed || c->ccs_received || tw_hs_in_partial(&c->hs) ||
        !tw_order_may(&c->order, &c->facts, c->peer, TW_MSG_FINISHED)) {
        unexpected(c, TW_NO_MSG, "change_cipher_spec");
        return;
    }
    c->ccs_received = true;
    c->ops->take_ccs(c);
}

void tw_conn_note_app(struct tw_conn *c, enum tw_side from, struct tw_view data)
{
    size_t *noted = from == c->us ? &c->app_noted_out : &c->app_noted_in;
    if (*noted >= NOTED_APP || data.len == 0)
        return;
    struct tw_view kept = tw_view_sub(data, 0, NOTED_APP - *noted);
    *noted += kept.len;
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_APP_DATA,
                                     .from = from,
                                     .msg = TW_NO_MSG,
                                     .protected_ = true,
                                     .num = (int64_t)data.len,
                                     .data = kept});
}

static void take_app_data(struct tw_conn *c, struct tw_view data)
{
    if (c->state != TW_CONN_OPEN || tw_hs_in_partial(&c->hs)) {
        unexpected(c, TW_NO_MSG, "application_data");
        return;
    }
    if (data.len == 0) {
        (void)idle(c);
        return;
    }
    c->idle_records = 0;
    c->key_updates = 0;
    tw_conn_note_app(c, c->peer, data);
    size_t room = KEEP_APP - c->app.len;
    if (!tw_buf_add(&c->app, data.data, data.len < room ? data.len : room))
        tw_conn_break(c, TW_E_NOMEM);
    else if (c->ops->take_app_data != NULL)
        c->ops->take_app_data(c, data);
}

/* ---- records --------------------------------------------------------------------------------- */

static void take_content(struct tw_conn *c, uint8_t type, struct tw_view content,
                         const struct tw_record *rec)
{
    uint64_t off = rec->off + 5;
    switch (type) {
    case TW_CT_HANDSHAKE:
        take_handshake(c, content, off);
        break;
    case TW_CT_ALERT:
        take_alert(c, content, c->read != NULL, off);
        break;
    case TW_CT_APP_DATA:
        take_app_data(c, content);
        break;
    default: {
        struct tw_note n = tw_conn_note(c, c->peer, c->read != NULL, rec->off);
        tw_note_record(&n, rec, c->read != NULL);
        unexpected(c, TW_NO_MSG, type == TW_CT_HEARTBEAT ? "heartbeat" : "record type");
        break;
    }
    }
}

/* An alert in clear after keys are on: the peer failed before it had its own (OpenSSL does that in
 * TLS 1.3). Two bytes cannot be a protected record. */
static bool is_plain_alert(const struct tw_record *rec)
{
    return rec->type == TW_CT_ALERT && rec->body.len == 2;
}

static void not_opened(struct tw_conn *c, enum tw_open st)
{
    switch (st) {
    case TW_OPEN_BAD_MAC:
        tw_conn_check(c, "record_mac", false, "a protected record does not authenticate");
        tw_conn_fail(c, TW_ALERT_BAD_RECORD_MAC, "record_mac", 0,
                     "a protected record does not authenticate");
        break;
    case TW_OPEN_TOO_LONG:
        tw_conn_fail(c, TW_ALERT_RECORD_OVERFLOW, "record_overflow", 0,
                     "a record holds more than 16384 bytes");
        break;
    case TW_OPEN_MALFORMED:
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "record_malformed", 0,
                     "a protected record is too short or has no content");
        break;
    default:
        tw_conn_break(c, TW_E_CRYPTO);
        break;
    }
}

static bool skip_early_data(struct tw_conn *c, const struct tw_record *rec)
{
    if (rec->type != TW_CT_APP_DATA || rec->body.len > c->early_skip)
        return false;
    c->early_skip -= rec->body.len;
    return true;
}

static void take_protected(struct tw_conn *c, const struct tw_record *rec)
{
    if (c->version >= TW_TLS13 && rec->type != TW_CT_APP_DATA) {
        struct tw_note n = tw_conn_note(c, c->peer, false, rec->off);
        tw_note_record(&n, rec, false);
        unexpected(c, TW_NO_MSG, "unprotected record");
        return;
    }
    uint8_t type = rec->type;
    c->plain.len = 0;
    enum tw_open st = tw_protect_open(c->read, rec, &type, &c->plain);
    if (st != TW_OPEN_OK) {
        if (st != TW_OPEN_BAD_MAC || !skip_early_data(c, rec))
            not_opened(c, st);
        return;
    }
    c->early_skip = 0;
    if (!c->mac_noted)
        tw_conn_check(c, "record_mac", true, NULL);
    c->mac_noted = true;
    take_content(c, type, tw_buf_view(&c->plain), rec);
}

static void take_good_record(struct tw_conn *c, const struct tw_record *rec)
{
    if (rec->type == TW_CT_CCS && (c->read == NULL || c->version >= TW_TLS13))
        take_ccs(c, rec);
    else if (c->read != NULL && is_plain_alert(rec))
        take_alert(c, rec->body, false, rec->off + 5);
    else if (c->read != NULL)
        take_protected(c, rec);
    else if (rec->body.len > 16384)
        not_opened(c, TW_OPEN_TOO_LONG);
    else if (!skip_early_data(c, rec))
        take_content(c, rec->type, rec->body, rec);
}

/* We have stopped; alerts are all that is still of interest. */
static void drain(struct tw_conn *c, const struct tw_record *rec)
{
    if (++c->idle_records > 2 * MAX_IDLE)
        c->deaf = true;
    if (c->read != NULL && !is_plain_alert(rec)) {
        uint8_t type = rec->type;
        c->plain.len = 0;
        if (rec->type == TW_CT_CCS ||
            tw_protect_open(c->read, rec, &type, &c->plain) != TW_OPEN_OK)
            return;
        if (type == TW_CT_ALERT)
            take_alert(c, tw_buf_view(&c->plain), true, rec->off + 5);
    } else if (rec->type == TW_CT_ALERT) {
        take_alert(c, rec->body, false, rec->off + 5);
    }
}

static void gather_not_tls(struct tw_conn *c, struct tw_view in)
{
    if (tw_conn_stopped(c))
        return;
    struct tw_view some = tw_view_sub(in, 0, KEEP_NOT_TLS - c->plain.len);
    if (!tw_buf_add(&c->plain, some.data, some.len)) {
        tw_conn_break(c, TW_E_NOMEM);
        return;
    }
    if (c->plain.len < KEEP_NOT_TLS)
        return;
    struct tw_note n = tw_conn_note(c, c->peer, false, c->not_tls_off);
    tw_note_not_tls(&n, tw_buf_view(&c->plain));
    c->state = TW_CONN_STOPPED;
}

static void begin_not_tls(struct tw_conn *c, const struct tw_record *rec)
{
    c->not_tls = true;
    c->not_tls_off = rec->off;
    c->plain.len = 0;
    gather_not_tls(c, rec->body);
}

static void take_ssl2(struct tw_conn *c, const struct tw_record *rec)
{
    struct tw_note n = tw_conn_note(c, c->peer, false, rec->off);
    if (!tw_note_ssl2(&n, rec->body)) {
        begin_not_tls(c, rec);
        return;
    }
    c->deaf = true;
    tw_conn_fail(c, c->role == TW_ROLE_CLIENT ? -1 : TW_ALERT_PROTOCOL_VERSION, "ssl2", TW_SSL2,
                 "the peer speaks SSL 2.0");
}

static bool take_record(void *user, enum tw_record_status st, const struct tw_record *rec)
{
    struct tw_conn *c = user;
    if (st == TW_REC_OK && !tw_conn_stopped(c)) {
        take_good_record(c, rec);
        return !c->deaf;
    }
    if (st == TW_REC_OK) {
        drain(c, rec);
        return !c->deaf;
    }
    if (tw_conn_stopped(c))
        c->deaf = true;
    else if (st == TW_REC_NOT_TLS)
        begin_not_tls(c, rec);
    else if (st == TW_REC_SSL2)
        take_ssl2(c, rec);
    else
        not_opened(c, TW_OPEN_TOO_LONG);
    if (st == TW_REC_TOO_LONG)
        c->deaf = true;
    return false;
}

/* ---- what the driver calls ------------------------------------------------------------------- */

static enum tw_status result(const struct tw_conn *c)
{
    if (c->broken == TW_E_NOMEM || c->broken == TW_E_LIMIT)
        return c->broken;
    return tw_conn_stopped(c) ? TW_STOPPED : TW_OK;
}

enum tw_status tw_conn_feed(struct tw_conn *c, uint64_t now, struct tw_view in)
{
    if (now > c->now)
        c->now = now;
    if (c->not_tls)
        gather_not_tls(c, in);
    else if (!c->deaf && in.len > 0 && !tw_stream_in_feed(&c->in, in, take_record, c))
        tw_conn_break(c, TW_E_NOMEM);
    tw_conn_flush(c);
    return result(c);
}

/* What the conversation was waiting for, for the END fact. */
static const char *waiting_for(const struct tw_conn *c, char *buf, size_t cap)
{
    if (tw_conn_stopped(c))
        return NULL;
    if (c->in.pend.len > 0)
        return "the rest of a record";
    if (tw_hs_in_partial(&c->hs))
        return "the rest of a handshake message";
    if (c->state == TW_CONN_OPEN)
        return "application data";
    return tw_order_allowed(&c->order, &c->facts, buf, cap);
}

static enum tw_side who_ended(const struct tw_conn *c, const char *how)
{
    if (strcmp(how, "stopped") == 0)
        return c->us;
    return c->peer;
}

void tw_conn_end(struct tw_conn *c, uint64_t now, const char *how, int err)
{
    if (now > c->now)
        c->now = now;
    if (c->end_noted)
        return;
    c->end_noted = true;
    if (c->not_tls && !tw_conn_stopped(c)) {
        struct tw_note n = tw_conn_note(c, c->peer, false, c->not_tls_off);
        tw_note_not_tls(&n, tw_buf_view(&c->plain));
        c->state = TW_CONN_STOPPED;
    }
    char buf[256];
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_END,
                                     .from = who_ended(c, how),
                                     .msg = TW_NO_MSG,
                                     .num = err,
                                     .field = how,
                                     .text = waiting_for(c, buf, sizeof buf)});
    c->state = TW_CONN_STOPPED;
    c->deaf = true;
}

enum tw_conn_state tw_conn_state(const struct tw_conn *c)
{
    return c->state;
}

const char *tw_conn_alpn(const struct tw_conn *c)
{
    return c->alpn;
}

uint16_t tw_conn_version(const struct tw_conn *c)
{
    return c->version;
}

bool tw_conn_not_tls(const struct tw_conn *c)
{
    return c->not_tls;
}

struct tw_view tw_conn_app_data(const struct tw_conn *c)
{
    return tw_buf_view(&c->app);
}

bool tw_conn_session(const struct tw_conn *c, struct tw_session *out)
{
    if (c->have_session)
        *out = c->session;
    return c->have_session;
}
