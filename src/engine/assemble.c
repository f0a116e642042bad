/* Cutting a stream into records and handshake bytes into messages. Complete input is handed on
 * where it lies; only the incomplete rest is copied. */
#include "engine/assemble.h"

void tw_stream_in_init(struct tw_stream_in *s)
{
    *s = (struct tw_stream_in){0};
    tw_buf_init(&s->pend, TW_MAX_RECORD + 5 + 65536);
}

void tw_stream_in_cleanup(struct tw_stream_in *s)
{
    tw_buf_cleanup(&s->pend);
}

/* Records at the start of v, up to the first that is not whole; *done says how far. False when
 * take wants no more. */
static bool take_records(struct tw_stream_in *s, struct tw_view v, size_t *done,
                         tw_take_record *take, void *user)
{
    *done = 0;
    while (*done < v.len) {
        struct tw_record rec = {0};
        size_t used = 0;
        struct tw_view rest = tw_view_sub(v, *done, v.len - *done);
        enum tw_record_status st = tw_record_peek(rest, !s->any, &rec, &used);
        if (st == TW_REC_NEED_MORE)
            return true;
        rec.off = s->off;
        if (st == TW_REC_NOT_TLS || st == TW_REC_TOO_LONG) {
            rec.body = rest;
            used = rest.len;
        }
        s->any = true;
        s->off += used;
        *done += used;
        if (!take(user, st, &rec))
            return false;
    }
    return true;
}

/* Bytes that are needed to finish the record at the start of pend, at least 1. */
static size_t missing(const struct tw_buf *pend)
{
    if (pend->len < 5)
        return 5 - pend->len;
    size_t whole = 5 + ((size_t)pend->data[3] << 8 | pend->data[4]);
    return whole > pend->len ? whole - pend->len : 1;
}

bool tw_stream_in_feed(struct tw_stream_in *s, struct tw_view in, tw_take_record *take, void *user)
{
    size_t done = 0;
    while (s->pend.len > 0 && in.len > 0) { /* finish the pending record first */
        size_t n = missing(&s->pend) < in.len ? missing(&s->pend) : in.len;
        if (!tw_buf_add(&s->pend, in.data, n))
            return false;
        in = tw_view_sub(in, n, in.len - n);
        bool more = take_records(s, tw_buf_view(&s->pend), &done, take, user);
        tw_buf_drop(&s->pend, done);
        if (!more)
            return true;
    }
    if (in.len == 0 || !take_records(s, in, &done, take, user))
        return true;
    return done == in.len || tw_buf_add(&s->pend, in.data + done, in.len - done);
}

void tw_hs_in_init(struct tw_hs_in *h)
{
    *h = (struct tw_hs_in){0};
    tw_buf_init(&h->pend, TW_MAX_HANDSHAKE_MESSAGE + 2 * TW_MAX_RECORD);
}

void tw_hs_in_cleanup(struct tw_hs_in *h)
{
    tw_buf_cleanup(&h->pend);
}

/* Whole messages at the start of v, which `behind` more bytes of the same record follow. */
static enum tw_hs_status take_messages(struct tw_view v, uint64_t off, size_t behind, size_t *done,
                                       tw_take_message *take, void *user)
{
    *done = 0;
    while (*done < v.len) {
        struct tw_view rest = tw_view_sub(v, *done, v.len - *done);
        if (tw_handshake_announced(rest) > TW_MAX_HANDSHAKE_MESSAGE)
            return TW_HS_TOO_LONG;
        struct tw_hs_message m = {.off = off + *done};
        size_t used = 0;
        if (!tw_handshake_peek(rest, &m.type, &m.body, &used))
            return TW_HS_OK;
        m.whole = tw_view_sub(rest, 0, used);
        *done += used;
        m.rest = v.len - *done + behind;
        if (!take(user, &m))
            return TW_HS_ENDED;
    }
    return TW_HS_OK;
}

enum tw_hs_status tw_hs_in_feed(struct tw_hs_in *h, struct tw_view content, uint64_t off,
                                tw_take_message *take, void *user)
{
    size_t done = 0;
    while (h->pend.len > 0 && content.len > 0) { /* finish the pending message first */
        size_t want = tw_handshake_announced(tw_buf_view(&h->pend));
        if (want == 0)
            want = 4;
        size_t n = want > h->pend.len ? want - h->pend.len : 0;
        n = n < content.len ? n : content.len;
        if (!tw_buf_add(&h->pend, content.data, n))
            return TW_HS_NOMEM;
        content = tw_view_sub(content, n, content.len - n);
        off += n;
        /* The copy stays where it is while take looks at it: take never feeds this assembly. */
        enum tw_hs_status st = take_messages(tw_buf_view(&h->pend), h->off, content.len, &done,
                                             take, user);
        tw_buf_drop(&h->pend, done);
        if (st != TW_HS_OK)
            return st;
        if (n == 0 && done == 0)
            break;
    }
    if (content.len == 0)
        return TW_HS_OK;
    enum tw_hs_status st = take_messages(content, off, 0, &done, take, user);
    if (st != TW_HS_OK || done == content.len)
        return st;
    h->off = off + done;
    return tw_buf_add(&h->pend, content.data + done, content.len - done) ? TW_HS_OK : TW_HS_NOMEM;
}

/* ---- facts about what is no TLS ------------------------------------------------------------ */

static void note_field(const struct tw_note *n, const char *field, int64_t num, int64_t aux,
                       const char *text, struct tw_view data)
{
    tw_trace_add(n->trace, (struct tw_fact){
                               .conn = n->conn,
                               .at = n->at,
                               .kind = TW_FACT_FIELD,
                               .from = n->from,
                               .msg = TW_NO_MSG,
                               .off = n->off,
                               .num = num,
                               .aux = aux,
                               .field = field,
                               .text = text,
                               .data = data,
                               .source = "draft-hickman-netscape-ssl-00",
                           });
}

enum { SSL2_ERROR = 0, SSL2_CLIENT_HELLO = 1, SSL2_SERVER_HELLO = 4 };

bool tw_note_ssl2(const struct tw_note *n, struct tw_view body)
{
    if (body.len < 3)
        return false;
    unsigned word = (unsigned)body.data[1] << 8 | body.data[2];
    if (body.data[0] == SSL2_CLIENT_HELLO && n->from == TW_CLIENT) {
        note_field(n, "ssl2_client_hello", word, 0, NULL, tw_view_sub(body, 0, 1024));
        return true;
    }
    if (body.data[0] == SSL2_ERROR && n->from == TW_SERVER && body.len == 3) {
        note_field(n, "ssl2_error", word, 0, NULL, body);
        return true;
    }
    struct tw_ssl2_server_hello m = {0};
    struct tw_reader r = tw_rd_of(body);
    if (body.data[0] != SSL2_SERVER_HELLO || n->from != TW_SERVER ||
        !tw_ssl2_server_hello_decode(&r, &m))
        return false;
    note_field(n, "ssl2_server_hello", m.version, (int64_t)m.cert.len, NULL,
               tw_view_sub(body, 0, 1024));
    struct tw_reader kinds = tw_rd_of(m.ciphers);
    for (int i = 0; i < 32 && tw_rd_left(&kinds) >= 3; i++) {
        uint32_t kind = (uint32_t)tw_rd_uint(&kinds, 3, "cipher_kind");
        note_field(n, "ssl2_cipher", kind, 0, tw_ssl2_cipher_name(kind), (struct tw_view){0});
    }
    return true;
}

void tw_note_not_tls(const struct tw_note *n, struct tw_view bytes)
{
    tw_trace_add(n->trace, (struct tw_fact){
                               .conn = n->conn,
                               .at = n->at,
                               .kind = TW_FACT_NOT_TLS,
                               .from = n->from,
                               .msg = TW_NO_MSG,
                               .off = n->off,
                               .len = bytes.len,
                               .data = bytes,
                           });
}
