/*
 * Passive observer: both directions of somebody else's connection, without keys. Writes the facts
 * that a live conversation would write, as long as messages are in clear: TLS <= 1.2 up to each
 * side's ChangeCipherSpec, TLS 1.3 up to the ServerHello. After that protected records are RECORD
 * facts; alerts in clear are read at any time.
 */
#include "engine/internal.h"

enum { MAX_RECORD_FACTS = 4096, KEEP_NOT_TLS = 512 };

struct direction {
    struct tw_stream_in in;
    struct tw_hs_in hs;
    struct tw_buf not_tls;
    uint64_t not_tls_off;
    bool is_not_tls, noted;
    bool protected_;        /* what follows is under keys */
    bool ended;
    bool lost;              /* the peer's message could not be cut: nothing more is read */
    bool gap;               /* bytes are missing; said once */
};

struct tw_observer {
    struct tw_trace *trace;
    uint32_t conn;
    uint64_t at;
    struct direction dir[2];     /* [0] client, [1] server */
    struct tw_order order;
    struct tw_order_facts facts;
    uint16_t cipher;
    bool order_lost;             /* a message was out of order: the table knows nothing more */
    unsigned records;
};

/* The two together are what the callbacks get. */
struct feed {
    struct tw_observer *o;
    struct direction *d;
    enum tw_side from;
};

struct tw_observer *tw_observer_new(struct tw_trace *t, uint32_t conn)
{
    struct tw_observer *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->trace = t;
    o->conn = conn;
    o->facts.maybe = true;
    tw_order_init(&o->order);
    for (int i = 0; i < 2; i++) {
        tw_stream_in_init(&o->dir[i].in);
        tw_hs_in_init(&o->dir[i].hs);
        tw_buf_init(&o->dir[i].not_tls, KEEP_NOT_TLS);
    }
    return o;
}

void tw_observer_free(struct tw_observer *o)
{
    if (o == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        tw_stream_in_cleanup(&o->dir[i].in);
        tw_hs_in_cleanup(&o->dir[i].hs);
        tw_buf_cleanup(&o->dir[i].not_tls);
    }
    free(o);
}

/* ---- facts ------------------------------------------------------------------------------------- */

static struct tw_note note_of(const struct feed *f, bool protected_, uint64_t off)
{
    return (struct tw_note){.trace = f->o->trace,
                            .conn = f->o->conn,
                            .at = f->o->at,
                            .from = f->from,
                            .protected_ = protected_,
                            .version = f->o->facts.version,
                            .cipher = f->o->cipher,
                            .off = off};
}

static void add(const struct feed *f, struct tw_fact fact)
{
    fact.conn = f->o->conn;
    fact.at = f->o->at;
    fact.from = f->from;
    tw_trace_add(f->o->trace, fact);
}

static void note_limit(const struct feed *f, const char *field, const char *text)
{
    add(f, (struct tw_fact){
               .kind = TW_FACT_LIMIT, .msg = TW_NO_MSG, .field = field, .text = text});
}

static void note_record(struct feed *f, const struct tw_record *rec, bool protected_)
{
    if (f->o->records > MAX_RECORD_FACTS)
        return;
    if (f->o->records++ == MAX_RECORD_FACTS) {
        note_limit(f, "records", "only the first 4096 protected records were noted");
        return;
    }
    struct tw_note n = note_of(f, protected_, rec->off);
    tw_note_record(&n, rec, protected_);
}

/* ---- handshake messages ------------------------------------------------------------------------ */

/* Abbreviated handshake: the session id of the ClientHello comes back. */
static bool echoes_session(const struct tw_observer *o, const struct tw_server_hello *m)
{
    const struct tw_fact *hello =
        tw_trace_message(o->trace, o->conn, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    if (hello == NULL || m->session_id.len == 0)
        return false;
    struct tw_client_hello ch = {0};
    struct tw_reader r = tw_rd_of(hello->data);
    (void)tw_client_hello_decode(&r, &ch);
    return tw_view_eq(ch.session_id, m->session_id);
}

/* What the ServerHello settles for all that follows; the message's type for the order table. */
static uint8_t settle_server_hello(struct tw_observer *o, struct tw_view body)
{
    struct tw_server_hello m = {0};
    struct tw_view ext;
    struct tw_reader r = tw_rd_of(body);
    (void)tw_server_hello_decode(&r, &m);
    o->facts.version = m.is_hrr ? TW_TLS13 : m.selected_version;
    o->cipher = m.cipher;
    if (m.is_hrr)
        return TW_MSG_HELLO_RETRY_REQUEST;
    const struct tw_suite *s = tw_suite_by_id(m.cipher);
    if (s != NULL && o->facts.version < TW_TLS13)
        tw_order_suite(&o->facts, s->kx, s->auth);
    o->facts.psk = o->facts.version >= TW_TLS13
                       ? tw_ext_find(m.extensions, TW_EXT_PRE_SHARED_KEY, &ext)
                       : echoes_session(o, &m);
    o->facts.status_promised = tw_ext_find(m.extensions, TW_EXT_STATUS_REQUEST, &ext);
    o->facts.ticket_promised = tw_ext_find(m.extensions, TW_EXT_SESSION_TICKET, &ext);
    return TW_MSG_SERVER_HELLO;
}

static void check_order(struct feed *f, uint8_t type)
{
    struct tw_observer *o = f->o;
    char allowed[256];
    if (o->order_lost || tw_order_step(&o->order, &o->facts, f->from, type))
        return;
    tw_order_allowed(&o->order, &o->facts, allowed, sizeof allowed);
    add(f, (struct tw_fact){
               .kind = TW_FACT_UNEXPECTED, .msg = type, .field = "message", .text = allowed});
    o->order_lost = true;
}

static bool take_message(void *user, const struct tw_hs_message *m)
{
    struct feed *f = user;
    struct tw_observer *o = f->o;
    struct tw_note n = note_of(f, false, m->off);
    uint8_t type = m->type;
    if (type == TW_MSG_CLIENT_HELLO)
        n.version = n.cipher = 0;
    tw_note_message(&n, type, m->body);
    if (type == TW_MSG_HELLO_REQUEST)
        return true; /* allowed at any time and not part of the handshake, RFC 5246 7.4.1.1 */
    if (type == TW_MSG_SERVER_HELLO && f->from == TW_SERVER)
        type = settle_server_hello(o, m->body);
    check_order(f, type);
    if (type == TW_MSG_CERTIFICATE_REQUEST)
        o->facts.cert_requested = true;
    if (type == TW_MSG_CERTIFICATE && f->from == TW_CLIENT)
        o->facts.client_cert_nonempty = m->body.len > 3;
    if (type == TW_MSG_SERVER_HELLO && o->facts.version >= TW_TLS13) {
        o->dir[0].protected_ = o->dir[1].protected_ = true;
        return m->rest == 0; /* what follows in the record cannot be in clear */
    }
    return true;
}

/* ---- records ----------------------------------------------------------------------------------- */

static void take_ccs(struct feed *f, const struct tw_record *rec)
{
    add(f, (struct tw_fact){.kind = TW_FACT_CCS,
                            .msg = TW_NO_MSG,
                            .off = rec->off,
                            .len = rec->body.len + 5});
    if (f->o->facts.version != 0 && f->o->facts.version < TW_TLS13)
        f->d->protected_ = true;
}

static void take_alert(struct feed *f, const struct tw_record *rec)
{
    struct tw_note n = note_of(f, false, rec->off + 5);
    tw_note_alert(&n, rec->body);
}

static void take_handshake(struct feed *f, const struct tw_record *rec)
{
    switch (tw_hs_in_feed(&f->d->hs, rec->body, rec->off + 5, take_message, f)) {
    case TW_HS_TOO_LONG:
        note_limit(f, "message_too_long", "a handshake message announces more than 262144 bytes");
        f->d->lost = true;
        break;
    case TW_HS_NOMEM:
        f->d->lost = true;
        break;
    case TW_HS_OK:
    case TW_HS_ENDED:
        break;
    }
}

/* In TLS 1.3 protected records are called application data; an alert of two bytes is in clear in
 * any version. The client goes over to keys at its first record of that type. */
static bool is_protected(const struct feed *f, const struct tw_record *rec)
{
    if (rec->type == TW_CT_ALERT && rec->body.len == 2)
        return false;
    if (f->o->facts.version >= TW_TLS13)
        return rec->type == TW_CT_APP_DATA;
    return f->d->protected_ || rec->type == TW_CT_APP_DATA;
}

static void take_good_record(struct feed *f, const struct tw_record *rec)
{
    if (rec->type == TW_CT_CCS && (!f->d->protected_ || f->o->facts.version >= TW_TLS13))
        take_ccs(f, rec);
    else if (is_protected(f, rec))
        note_record(f, rec, true);
    else if (rec->type == TW_CT_ALERT)
        take_alert(f, rec);
    else if (rec->type == TW_CT_HANDSHAKE)
        take_handshake(f, rec);
    else
        note_record(f, rec, false);
}

static void gather(struct direction *d, struct tw_view in)
{
    struct tw_view some = tw_view_sub(in, 0, KEEP_NOT_TLS - d->not_tls.len);
    (void)tw_buf_add(&d->not_tls, some.data, some.len);
}

static void write_not_tls(struct feed *f)
{
    struct direction *d = f->d;
    if (!d->is_not_tls || d->noted)
        return;
    d->noted = true;
    struct tw_note n = note_of(f, false, d->not_tls_off);
    tw_note_not_tls(&n, tw_buf_view(&d->not_tls));
}

static bool take_record(void *user, enum tw_record_status st, const struct tw_record *rec)
{
    struct feed *f = user;
    struct direction *d = f->d;
    struct tw_note n = note_of(f, false, rec->off);
    if (st == TW_REC_OK) {
        take_good_record(f, rec);
        return !d->lost;
    }
    if (st == TW_REC_SSL2 && tw_note_ssl2(&n, rec->body))
        return true; /* a ClientHello in the old format may be answered in TLS */
    if (st == TW_REC_TOO_LONG) {
        note_limit(f, "record_overflow", "a record announces more than a record may hold");
        d->lost = true;
        return false;
    }
    d->is_not_tls = true;
    d->not_tls_off = rec->off;
    gather(d, rec->body);
    return false;
}

/* ---- what the driver calls ----------------------------------------------------------------------- */

enum tw_status tw_observer_feed(struct tw_observer *o, uint64_t at, enum tw_side from,
                                struct tw_view in)
{
    struct direction *d = &o->dir[from == TW_SERVER];
    struct feed f = {.o = o, .d = d, .from = from == TW_SERVER ? TW_SERVER : TW_CLIENT};
    if (at > o->at)
        o->at = at;
    if (d->ended || d->lost || in.len == 0)
        return TW_OK;
    if (d->is_not_tls)
        gather(d, in);
    else if (!tw_stream_in_feed(&d->in, in, take_record, &f))
        return TW_E_NOMEM;
    if (d->not_tls.len == KEEP_NOT_TLS)
        write_not_tls(&f);
    return TW_OK;
}

void tw_observer_end(struct tw_observer *o, uint64_t at, enum tw_side from, const char *how)
{
    struct direction *d = &o->dir[from == TW_SERVER];
    struct feed f = {.o = o, .d = d, .from = from == TW_SERVER ? TW_SERVER : TW_CLIENT};
    if (at > o->at)
        o->at = at;
    if (d->ended)
        return;
    d->ended = true;
    write_not_tls(&f);
    char allowed[256];
    const char *waiting = NULL;
    if (d->in.pend.len > 0)
        waiting = "the rest of a record";
    else if (tw_hs_in_partial(&d->hs))
        waiting = "the rest of a handshake message";
    else if (!d->protected_ && !d->is_not_tls)
        waiting = tw_order_allowed(&o->order, &o->facts, allowed, sizeof allowed);
    add(&f, (struct tw_fact){
                .kind = TW_FACT_END, .msg = TW_NO_MSG, .field = how, .text = waiting});
}

/* ---- drivers that have records or messages -------------------------------------------------------- */

static struct feed feed_of(struct tw_observer *o, uint64_t at, enum tw_side from)
{
    if (at > o->at)
        o->at = at;
    return (struct feed){.o = o,
                         .d = &o->dir[from == TW_SERVER],
                         .from = from == TW_SERVER ? TW_SERVER : TW_CLIENT};
}

void tw_observer_record(struct tw_observer *o, uint64_t at, enum tw_side from,
                        const struct tw_record *rec)
{
    struct feed f = feed_of(o, at, from);
    if (!f.d->ended && !f.d->lost)
        take_good_record(&f, rec);
}

void tw_observer_protected(struct tw_observer *o, uint64_t at, enum tw_side from,
                           const struct tw_record *rec)
{
    struct feed f = feed_of(o, at, from);
    if (!f.d->ended)
        note_record(&f, rec, true);
}

void tw_observer_message(struct tw_observer *o, uint64_t at, enum tw_side from, uint8_t type,
                         struct tw_view body)
{
    struct feed f = feed_of(o, at, from);
    struct tw_hs_message m = {.type = type, .body = body, .whole = body};
    if (!f.d->ended)
        (void)take_message(&f, &m);
}

void tw_observer_ssl2(struct tw_observer *o, uint64_t at, enum tw_side from, struct tw_view body)
{
    struct feed f = feed_of(o, at, from);
    struct tw_note n = note_of(&f, false, 0);
    if (!f.d->ended)
        (void)tw_note_ssl2(&n, body);
}

void tw_observer_not_tls(struct tw_observer *o, uint64_t at, enum tw_side from, uint64_t off,
                         struct tw_view bytes)
{
    struct feed f = feed_of(o, at, from);
    if (f.d->ended || f.d->is_not_tls)
        return;
    f.d->is_not_tls = true;
    f.d->not_tls_off = off;
    gather(f.d, bytes);
    write_not_tls(&f);
}

void tw_observer_gap(struct tw_observer *o, uint64_t at, enum tw_side from, uint64_t bytes)
{
    struct feed f = feed_of(o, at, from);
    char text[80];
    if (f.d->ended || f.d->gap)
        return;
    f.d->gap = true;
    snprintf(text, sizeof text, "%llu bytes are not in the capture", (unsigned long long)bytes);
    note_limit(&f, "capture_loss", text);
    tw_hs_in_cleanup(&f.d->hs);
    o->order_lost = true; /* what is missing may have been a message */
}
