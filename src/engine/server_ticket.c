/*
 * Server role: session tickets (RFC 5077, RFC 8446 4.6.1). A ticket is the session itself, sealed
 * with AES-256-GCM under a key of the configuration: nonce (12 bytes), sealed state. The server
 * keeps nothing.
 */
#include "engine/server.h"

enum { NONCE = 12, TAG = 16, STATE_MAX = 128, EMS_FLAG = 1 };

static struct tw_bulk_key *ticket_key(struct tw_conn *c, bool encrypt)
{
    struct tw_crypto *y = c->crypto;
    if (!y->has_bulk(y->ctx, TW_BULK_AES256_GCM))
        return NULL;
    return y->bulk_new(y->ctx, TW_BULK_AES256_GCM, tw_view_of(c->server->cfg->ticket_key, 32),
                       encrypt);
}

static void write_state(struct tw_buf *b, const struct tw_session *s, uint64_t now)
{
    tw_wr_u16(b, s->version);
    tw_wr_u16(b, s->cipher);
    tw_wr_u8(b, s->extended_master_secret ? EMS_FLAG : 0);
    tw_wr_uint(b, 8, now);
    tw_wr_vec(b, 1, tw_view_of(s->secret, s->secret_len));
}

static bool read_state(struct tw_view v, struct tw_session *s)
{
    struct tw_reader r = tw_rd_of(v);
    *s = (struct tw_session){0};
    s->version = tw_rd_u16(&r, "version");
    s->cipher = tw_rd_u16(&r, "cipher");
    s->extended_master_secret = (tw_rd_u8(&r, "flags") & EMS_FLAG) != 0;
    s->received_at = tw_rd_uint(&r, 8, "time");
    struct tw_view secret = tw_rd_vec(&r, 1, "secret");
    if (!tw_rd_end(&r, "ticket") || secret.len == 0 || secret.len > sizeof s->secret)
        return false;
    memcpy(s->secret, secret.data, secret.len);
    s->secret_len = secret.len;
    return true;
}

bool tw_server_ticket_seal(struct tw_conn *c, const struct tw_session *s, struct tw_buf *out)
{
    struct tw_buf state;
    struct tw_bulk_key *key = ticket_key(c, true);
    if (key == NULL)
        return false;
    tw_buf_init(&state, STATE_MAX);
    write_state(&state, s, c->now);
    uint8_t *dst = state.failed ? NULL : tw_buf_grow(out, NONCE + state.len + TAG);
    bool ok = dst != NULL && c->crypto->random(c->crypto->ctx, dst, NONCE) &&
              c->crypto->seal(key, dst, (struct tw_view){NULL, 0}, tw_buf_view(&state),
                              dst + NONCE);
    c->crypto->bulk_free(key);
    tw_buf_cleanup(&state);
    return ok;
}

static bool too_old(const struct tw_conn *c, const struct tw_session *s)
{
    return c->now > s->received_at &&
           (c->now - s->received_at) / 1000000000u > TW_TICKET_LIFETIME;
}

bool tw_server_ticket_open(struct tw_conn *c, struct tw_view ticket, struct tw_session *s)
{
    uint8_t state[STATE_MAX];
    if (ticket.len < NONCE + TAG || ticket.len > NONCE + STATE_MAX)
        return false;
    struct tw_bulk_key *key = ticket_key(c, false);
    if (key == NULL)
        return false;
    struct tw_view sealed = tw_view_sub(ticket, NONCE, ticket.len - NONCE);
    bool ok = c->crypto->open(key, ticket.data, (struct tw_view){NULL, 0}, sealed, state) &&
              read_state(tw_view_of(state, sealed.len - TAG), s) && !too_old(c, s);
    c->crypto->bulk_free(key);
    tw_wipe(state, sizeof state);
    return ok;
}

void tw_server_send_ticket(struct tw_conn *c, const struct tw_session *s, struct tw_view nonce)
{
    struct tw_buf ticket, msg;
    uint8_t add[4] = {0};
    tw_buf_init(&ticket, 512);
    tw_buf_init(&msg, 1024);
    bool ok = tw_server_ticket_seal(c, s, &ticket) &&
              c->crypto->random(c->crypto->ctx, add, sizeof add);
    struct tw_new_session_ticket m = {
        .tls13 = c->version >= TW_TLS13,
        .lifetime = TW_TICKET_LIFETIME,
        .age_add = (uint32_t)add[0] << 24 | (uint32_t)add[1] << 16 | (uint32_t)add[2] << 8 | add[3],
        .nonce = nonce,
        .ticket = tw_buf_view(&ticket),
    };
    size_t mark = tw_handshake_open(&msg, TW_MSG_NEW_SESSION_TICKET);
    tw_new_session_ticket_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    if (ok)
        tw_server_send_buf(c, &msg);
    else
        tw_conn_break(c, TW_E_CRYPTO);
    tw_buf_cleanup(&msg);
    tw_buf_cleanup(&ticket);
}
