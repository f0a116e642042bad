/*
 * Facts from messages, the same whether they were sent, received or found in a capture. Here are
 * the entry points and what every family of messages (note_*.c) writes facts with.
 *
 * Byte ranges: MESSAGE and RECORD facts count in the stream of the sender; FIELD, CERTIFICATE and
 * MALFORMED facts count in the message body, without its four bytes of header.
 */
#include "wire/ext.h"

static void add(const struct tw_noter *k, struct tw_fact f)
{
    f.conn = k->n->conn;
    f.at = k->n->at;
    f.from = k->n->from;
    f.msg = k->msg;
    f.protected_ = k->n->protected_;
    tw_trace_add(k->n->trace, f); /* an overflow is written down by the trace itself */
}

/* Where v lies in the message body; false when it is not from there. Compared as integers, since
 * pointers into different objects must not be. */
static bool range(const struct tw_noter *k, struct tw_view v, uint64_t *off)
{
    uintptr_t from = (uintptr_t)k->body.data, at = (uintptr_t)v.data;
    if (v.data == NULL || k->body.data == NULL || at < from || at - from > k->body.len)
        return false;
    *off = at - from;
    return true;
}

static struct tw_fact field_fact(const struct tw_noter *k, const char *field, struct tw_view at)
{
    struct tw_fact f = {.kind = TW_FACT_FIELD, .field = field, .aux = k->place,
                        .source = k->source};
    if (range(k, at, &f.off))
        f.len = at.len;
    return f;
}

void tw_note_num(const struct tw_noter *k, const char *field, uint64_t num, struct tw_view at,
                 const char *text)
{
    struct tw_fact f = field_fact(k, field, at);
    f.num = (int64_t)num;
    f.text = text;
    add(k, f);
}

void tw_note_data(const struct tw_noter *k, const char *field, struct tw_view data, uint64_t num,
                  const char *text)
{
    struct tw_fact f = field_fact(k, field, data);
    f.num = (int64_t)num;
    f.text = text;
    f.data = data;
    add(k, f);
}

const char *tw_note_printable(struct tw_view v, char *buf, size_t cap)
{
    size_t n = v.len < cap - 1 ? v.len : cap - 1;
    for (size_t i = 0; i < n; i++)
        buf[i] = v.data[i] >= 0x20 && v.data[i] < 0x7f ? (char)v.data[i] : '?';
    buf[n] = '\0';
    return buf;
}

void tw_note_text(const struct tw_noter *k, const char *field, struct tw_view v)
{
    char text[256];
    tw_note_data(k, field, v, v.len, tw_note_printable(v, text, sizeof text));
}

void tw_note_negotiated(const struct tw_noter *k, const char *field, uint64_t num,
                        const char *text)
{
    add(k, (struct tw_fact){.kind = TW_FACT_NEGOTIATED, .field = field, .num = (int64_t)num,
                            .text = text, .source = k->source});
}

void tw_note_malformed(const struct tw_noter *k, const struct tw_reader *r)
{
    uint64_t base = 0;
    struct tw_view window = {r->data, 0};
    range(k, window, &base);
    bool cut = base + r->fail_at >= k->body.len;
    add(k, (struct tw_fact){
               .kind = TW_FACT_MALFORMED,
               .field = r->fail_field,
               .off = base + r->fail_at,
               .aux = k->place,
               .text = cut ? "the message ends where this should start"
                           : "its length or its value does not fit, or bytes follow the end",
               .source = k->source});
}

void tw_note_limit(const struct tw_noter *k, const char *field)
{
    add(k, (struct tw_fact){.kind = TW_FACT_LIMIT, .field = field, .num = TW_NOTE_MAX_ITEMS,
                            .text = "only the first 64 of these were noted"});
}

/* ---- messages --------------------------------------------------------------------------------- */

static const struct {
    uint8_t type;
    void (*note)(struct tw_noter *k);
    const char *source;
} table[] = {
    {TW_MSG_HELLO_REQUEST, tw_note_empty, "RFC 5246 7.4.1.1"},
    {TW_MSG_CLIENT_HELLO, tw_note_client_hello, "RFC 8446 4.1.2"},
    {TW_MSG_SERVER_HELLO, tw_note_server_hello, "RFC 8446 4.1.3"},
    {TW_MSG_NEW_SESSION_TICKET, tw_note_new_session_ticket, "RFC 8446 4.6.1"},
    {TW_MSG_END_OF_EARLY_DATA, tw_note_empty, "RFC 8446 4.5"},
    {TW_MSG_HELLO_RETRY_REQUEST, tw_note_server_hello, "RFC 8446 4.1.4"},
    {TW_MSG_ENCRYPTED_EXTENSIONS, tw_note_encrypted_extensions, "RFC 8446 4.3.1"},
    {TW_MSG_CERTIFICATE, tw_note_certificate, "RFC 8446 4.4.2"},
    {TW_MSG_SERVER_KEY_EXCHANGE, tw_note_server_key_exchange, "RFC 5246 7.4.3"},
    {TW_MSG_CERTIFICATE_REQUEST, tw_note_certificate_request, "RFC 8446 4.3.2"},
    {TW_MSG_SERVER_HELLO_DONE, tw_note_empty, "RFC 5246 7.4.5"},
    {TW_MSG_CERTIFICATE_VERIFY, tw_note_certificate_verify, "RFC 8446 4.4.3"},
    {TW_MSG_CLIENT_KEY_EXCHANGE, tw_note_client_key_exchange, "RFC 5246 7.4.7"},
    {TW_MSG_FINISHED, tw_note_finished, "RFC 8446 4.4.4"},
    {TW_MSG_CERTIFICATE_STATUS, tw_note_certificate_status, "RFC 6066 8"},
    {TW_MSG_KEY_UPDATE, tw_note_key_update, "RFC 8446 4.6.3"},
    {TW_MSG_COMPRESSED_CERTIFICATE, tw_note_compressed_certificate, "RFC 8879 4"},
};

/* A ServerHello tells the version itself, and whether it is a HelloRetryRequest. */
static void settle_server_hello(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_server_hello m;
    tw_server_hello_decode(&r, &m);
    k->msg = m.is_hrr ? TW_MSG_HELLO_RETRY_REQUEST : TW_MSG_SERVER_HELLO;
    k->version = m.selected_version;
}

void tw_note_message(const struct tw_note *n, uint8_t type, struct tw_view body)
{
    struct tw_noter k = {.n = n, .msg = type, .body = body, .version = n->version};
    if (type == TW_MSG_SERVER_HELLO || type == TW_MSG_HELLO_RETRY_REQUEST)
        settle_server_hello(&k);
    void (*note)(struct tw_noter *) = NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(table); i++) {
        if (table[i].type == k.msg) {
            note = table[i].note;
            k.source = table[i].source;
        }
    }
    add(&k, (struct tw_fact){.kind = TW_FACT_MESSAGE,
                             .off = n->off,
                             .len = (uint64_t)body.len + 4,
                             .aux = k.version,
                             .field = n->protected_ ? "protected" : "plain",
                             .data = body,
                             .source = k.source});
    if (note != NULL)
        note(&k);
}

void tw_note_empty(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    if (!tw_rd_end(&r, "trailing bytes"))
        tw_note_malformed(k, &r);
}

/* ---- extensions --------------------------------------------------------------------------------- */

struct seen {
    uint16_t type[TW_NOTE_MAX_ITEMS];
    size_t n;
};

static bool seen_before(struct seen *s, uint16_t type)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->type[i] == type)
            return true;
    s->type[s->n++] = type;
    return false;
}

static void note_one_extension(const struct tw_noter *k, const struct tw_ext *e, unsigned in,
                               bool again)
{
    char label[80];
    const struct tw_extension *def = tw_extension_find(e->type);
    tw_extension_label(e->type, label, sizeof label);
    tw_note_data(k, "extension", e->body, e->type, label);
    if (again)
        tw_note_num(k, "duplicate_extension", e->type, e->body, label);
    if (def == NULL)
        return;
    struct tw_noter own = *k;
    own.source = def->source;
    if ((def->in & in) == 0)
        tw_note_num(&own, "misplaced_extension", e->type, e->body, label);
    if (def->note == NULL || def->note(&own, e->body))
        return;
    struct tw_fact f = field_fact(&own, label, e->body);
    f.kind = TW_FACT_MALFORMED;
    f.num = e->type;
    f.text = "the extension's body cannot be read in this message";
    add(&own, f);
}

void tw_note_extensions(const struct tw_noter *k, struct tw_view block, unsigned in)
{
    struct tw_reader r = tw_rd_of(block);
    struct seen seen = {.n = 0};
    struct tw_ext e;
    for (size_t i = 0; tw_ext_next(&r, &e); i++) {
        if (i == TW_NOTE_MAX_ITEMS) {
            tw_note_limit(k, "extension");
            return;
        }
        note_one_extension(k, &e, in, seen_before(&seen, e.type));
    }
}

/* ---- alerts and records ---------------------------------------------------------------------------- */

/* Several alerts may share a record up to TLS 1.2. */
void tw_note_alert(const struct tw_note *n, struct tw_view body)
{
    struct tw_noter k = {.n = n, .msg = TW_NO_MSG, .body = body, .source = "RFC 8446 6"};
    struct tw_reader r = tw_rd_of(body);
    for (size_t i = 0; i < TW_NOTE_MAX_ITEMS && (i == 0 || tw_rd_more(&r)); i++) {
        struct tw_alert a = {.level = tw_rd_u8(&r, "level"),
                             .description = tw_rd_u8(&r, "description")};
        if (!tw_rd_ok(&r)) {
            tw_note_malformed(&k, &r);
            return;
        }
        const struct tw_code *name = tw_alert_by_code(a.description);
        add(&k, (struct tw_fact){.kind = TW_FACT_ALERT,
                                 .off = n->off + r.pos - 2,
                                 .len = 2,
                                 .num = a.description,
                                 .aux = a.level,
                                 .field = n->protected_ ? "protected" : "plain",
                                 .text = name == NULL ? NULL : name->name,
                                 .source = name == NULL ? k.source : name->source});
    }
}

void tw_note_record(const struct tw_note *n, const struct tw_record *rec, bool protected_)
{
    struct tw_note own = *n;
    own.protected_ = protected_;
    struct tw_noter k = {.n = &own, .msg = TW_NO_MSG};
    add(&k, (struct tw_fact){.kind = TW_FACT_RECORD,
                             .off = rec->off,
                             .len = (uint64_t)rec->body.len + 5,
                             .num = rec->type,
                             .aux = rec->version,
                             .field = protected_ ? "protected" : "plain"});
}
