/* A conversation, outgoing: our messages, alerts and data become facts and records. */
#include "engine/internal.h"

enum { FRAGMENT = 16384 };

/* One record under the present write keys. */
static void put_record(struct tw_conn *c, uint8_t type, struct tw_view content)
{
    if (c->write == NULL)
        tw_record_write(&c->out, type, c->record_version, content);
    else if (!tw_protect_seal(c->write, type, c->record_version, content, &c->out) &&
             !c->out.failed)
        tw_conn_break(c, TW_E_CRYPTO);
    if (c->out.failed)
        tw_conn_break(c, TW_E_LIMIT);
}

/* Bytes of content in one record: a ClientHello may be spread over several small ones. */
static size_t fragment(const struct tw_conn *c)
{
    size_t max = c->client != NULL && c->write == NULL ? c->cfg.hello.record_max : 0;
    return max > 0 && max < FRAGMENT ? max : FRAGMENT;
}

static void put_records(struct tw_conn *c, uint8_t type, struct tw_view content)
{
    size_t n = fragment(c);
    for (size_t pos = 0; pos < content.len && !c->out.failed; pos += n)
        put_record(c, type, tw_view_sub(content, pos, n));
}

/* Stream offset at which the next queued handshake byte will be on the wire (exact in clear). */
static uint64_t next_offset(const struct tw_conn *c)
{
    return c->out_off + c->out.len + c->hs_out.len + 5 * (c->hs_out.len / fragment(c) + 1);
}

void tw_conn_flush(struct tw_conn *c)
{
    if (c->hs_out.len == 0)
        return;
    put_records(c, TW_CT_HANDSHAKE, tw_buf_view(&c->hs_out));
    c->hs_out.len = 0;
}

static bool is_hrr(struct tw_view whole)
{
    return whole.len >= 4 + 2 + 32 && whole.data[0] == TW_MSG_SERVER_HELLO &&
           memcmp(whole.data + 6, tw_hrr_random, 32) == 0;
}

void tw_conn_send(struct tw_conn *c, struct tw_view whole)
{
    assert(whole.len >= 4);
    if (tw_conn_stopped(c))
        return;
    struct tw_note n = tw_conn_note(c, c->us, c->write != NULL, next_offset(c));
    if (whole.data[0] == TW_MSG_CLIENT_HELLO)
        n.version = n.cipher = 0;
    tw_note_message(&n, whole.data[0], tw_view_sub(whole, 4, whole.len - 4));
    bool hashed = !tw_order_done(&c->order) && whole.data[0] != TW_MSG_HELLO_REQUEST;
    uint8_t type = is_hrr(whole) ? TW_MSG_HELLO_RETRY_REQUEST : whole.data[0];
    /* A role may be told to break the order (faults); the peer judges it, not we. */
    (void)tw_order_step(&c->order, &c->facts, c->us, type);
    if (hashed && !tw_conn_hash(c, whole))
        return;
    if (!tw_buf_add(&c->hs_out, whole.data, whole.len))
        tw_conn_break(c, TW_E_NOMEM);
}

void tw_conn_send_ccs(struct tw_conn *c)
{
    static const uint8_t one = 1;
    tw_conn_flush(c);
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_CCS,
                                     .from = c->us,
                                     .msg = TW_NO_MSG,
                                     .off = c->out_off + c->out.len,
                                     .len = 6});
    tw_record_write(&c->out, TW_CT_CCS, c->record_version, tw_view_of(&one, 1));
    c->ccs_sent = true;
}

void tw_conn_send_alert(struct tw_conn *c, uint8_t level, uint8_t description)
{
    if (c->alert_sent)
        return;
    uint8_t body[2] = {level, description};
    tw_conn_flush(c);
    struct tw_note n = tw_conn_note(c, c->us, c->write != NULL, c->out_off + c->out.len + 5);
    tw_note_alert(&n, tw_view_of(body, 2));
    put_record(c, TW_CT_ALERT, tw_view_of(body, 2));
    c->alert_sent = level == 2;
}

void tw_conn_send_app(struct tw_conn *c, struct tw_view data)
{
    tw_conn_flush(c);
    tw_conn_note_app(c, c->us, data);
    put_records(c, TW_CT_APP_DATA, data);
}

void tw_conn_set_write(struct tw_conn *c, struct tw_protect *p)
{
    tw_conn_flush(c);
    if (p == NULL) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_protect_free(c->write);
    c->write = p;
}

/* ---- what the driver calls ------------------------------------------------------------------- */

struct tw_view tw_conn_output(const struct tw_conn *c)
{
    return tw_buf_view(&c->out);
}

void tw_conn_sent(struct tw_conn *c, uint64_t now, size_t n)
{
    if (now > c->now)
        c->now = now;
    c->out_off += n;
    tw_buf_drop(&c->out, n);
}

enum tw_status tw_conn_write(struct tw_conn *c, uint64_t now, struct tw_view data)
{
    if (now > c->now)
        c->now = now;
    if (c->state != TW_CONN_OPEN)
        return TW_E_USAGE;
    tw_conn_send_app(c, data);
    return c->broken;
}

void tw_conn_close(struct tw_conn *c, uint64_t now)
{
    if (now > c->now)
        c->now = now;
    if (c->close_sent || c->alert_sent)
        return;
    c->close_sent = true;
    tw_conn_send_alert(c, 1, TW_ALERT_CLOSE_NOTIFY);
}
