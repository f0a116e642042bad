/* Resumption: pre_shared_key and its modes, early_data (RFC 8446 4.2.9-4.2.11), session_ticket
 * (RFC 5077 3.2). */
#include "wire/ext.h"

/* The lists of identities and binders run side by side. */
bool tw_ext_psk_at(struct tw_view client_body, size_t i, struct tw_view *identity,
                   uint32_t *obfuscated_age, struct tw_view *binder)
{
    struct tw_reader r = tw_rd_of(client_body);
    struct tw_reader ids = tw_rd_sub(&r, 2, "identities");
    struct tw_reader binders = tw_rd_sub(&r, 2, "binders");
    for (size_t at = 0; tw_rd_more(&ids) && tw_rd_more(&binders); at++) {
        *identity = tw_ext_bounded_vec(&ids, 2, 1, 0xffff, "identity");
        *obfuscated_age = (uint32_t)tw_rd_uint(&ids, 4, "obfuscated_ticket_age");
        *binder = tw_ext_bounded_vec(&binders, 1, 32, 255, "PskBinderEntry");
        if (tw_rd_ok(&ids) && tw_rd_ok(&binders) && at == i)
            return true;
    }
    *identity = *binder = (struct tw_view){NULL, 0};
    *obfuscated_age = 0;
    return false;
}

/* One identity; the binder is left zero, and is the last thing in the message. */
static bool encode_pre_shared_key(const struct tw_ext_build *x, struct tw_buf *b)
{
    const struct tw_hello_secrets *s = x->secrets;
    if (s->psk_binder_len == 0)
        return false;
    size_t ids = tw_wr_open(b, 2);
    tw_wr_vec(b, 2, s->psk_identity);
    tw_wr_uint(b, 4, s->psk_age);
    tw_wr_close(b, ids, 2);
    size_t binders = tw_wr_open(b, 2);
    size_t binder = tw_wr_open(b, 1);
    uint8_t *p = tw_buf_grow(b, s->psk_binder_len);
    if (p != NULL)
        memset(p, 0, s->psk_binder_len);
    tw_wr_close(b, binder, 1);
    tw_wr_close(b, binders, 2);
    return true;
}

static bool note_pre_shared_key(const struct tw_noter *k, struct tw_view body)
{
    struct tw_view identity, binder;
    uint32_t age;
    uint16_t selected;
    if (k->msg != TW_MSG_CLIENT_HELLO) {
        if (!tw_ext_u16(body, &selected))
            return false;
        tw_note_num(k, "selected_identity", selected, body, NULL);
        tw_note_negotiated(k, "resumed", 1, "PSK");
        return true;
    }
    size_t n = 0;
    for (; n < TW_NOTE_MAX_ITEMS && tw_ext_psk_at(body, n, &identity, &age, &binder); n++)
        tw_note_num(k, "psk_identity", identity.len, identity, NULL);
    if (n == TW_NOTE_MAX_ITEMS)
        tw_note_limit(k, "psk_identity");
    return n > 0;
}

const struct tw_extension tw_ext_pre_shared_key = {
    .code = TW_EXT_PRE_SHARED_KEY,
    .in = TW_IN_CH | TW_IN_SH13,
    .encode = encode_pre_shared_key,
    .note = note_pre_shared_key,
    .source = "RFC 8446 4.2.11",
};

static bool encode_psk_key_exchange_modes(const struct tw_ext_build *x, struct tw_buf *b)
{
    if (!tw_ext_offers_tls13(x))
        return false;
    tw_wr_vec(b, 1, tw_view_of("\1", 1)); /* psk_dhe_ke */
    return true;
}

static bool note_psk_key_exchange_modes(const struct tw_noter *k, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view list = tw_rd_vec(&r, 1, "psk_key_exchange_modes");
    if (tw_rd_ok(&r))
        tw_note_data(k, "psk_key_exchange_modes", list, list.len, NULL);
    return tw_rd_end(&r, "psk_key_exchange_modes") && list.len > 0;
}

const struct tw_extension tw_ext_psk_key_exchange_modes = {
    .code = TW_EXT_PSK_KEY_EXCHANGE_MODES,
    .in = TW_IN_CH,
    .encode = encode_psk_key_exchange_modes,
    .note = note_psk_key_exchange_modes,
    .source = "RFC 8446 4.2.9",
};

static bool encode_early_data(const struct tw_ext_build *x, struct tw_buf *b)
{
    return x->secrets->early_data;
}

/* Empty in the hellos; in a ticket the number of bytes that may be sent with it. */
static bool note_early_data(const struct tw_noter *k, struct tw_view body)
{
    if (k->msg != TW_MSG_NEW_SESSION_TICKET)
        return body.len == 0;
    struct tw_reader r = tw_rd_of(body);
    uint64_t max = tw_rd_uint(&r, 4, "max_early_data_size");
    if (tw_rd_ok(&r))
        tw_note_num(k, "max_early_data_size", max, body, NULL);
    return tw_rd_end(&r, "max_early_data_size");
}

const struct tw_extension tw_ext_early_data = {
    .code = TW_EXT_EARLY_DATA,
    .in = TW_IN_CH | TW_IN_EE | TW_IN_NST,
    .encode = encode_early_data,
    .note = note_early_data,
    .source = "RFC 8446 4.2.10",
};

static bool encode_session_ticket(const struct tw_ext_build *x, struct tw_buf *b)
{
    tw_wr_bytes(b, x->secrets->ticket); /* empty: please give me one */
    return true;
}

static bool note_session_ticket(const struct tw_noter *k, struct tw_view body)
{
    tw_note_num(k, "session_ticket", body.len, body, NULL);
    return true;
}

const struct tw_extension tw_ext_session_ticket = {
    .code = TW_EXT_SESSION_TICKET,
    .in = TW_IN_CH | TW_IN_SH12,
    .encode = encode_session_ticket,
    .note = note_session_ticket,
    .source = "RFC 5077 3.2",
};
