/*
 * Every message decoder and every extension. Byte 0 picks a message or a kind of framing, byte 1
 * the version, bytes 2 and 3 are the suite; the rest is the body. Promises: facts stay inside the
 * message, and hellos that are taken are written again byte for byte.
 */
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static const uint8_t types[] = {
    TW_MSG_CLIENT_HELLO, TW_MSG_SERVER_HELLO, TW_MSG_HELLO_RETRY_REQUEST, TW_MSG_HELLO_REQUEST,
    TW_MSG_NEW_SESSION_TICKET, TW_MSG_END_OF_EARLY_DATA, TW_MSG_ENCRYPTED_EXTENSIONS,
    TW_MSG_CERTIFICATE, TW_MSG_SERVER_KEY_EXCHANGE, TW_MSG_CERTIFICATE_REQUEST,
    TW_MSG_SERVER_HELLO_DONE, TW_MSG_CERTIFICATE_VERIFY, TW_MSG_CLIENT_KEY_EXCHANGE,
    TW_MSG_FINISHED, TW_MSG_CERTIFICATE_STATUS, TW_MSG_SUPPLEMENTAL_DATA, TW_MSG_KEY_UPDATE,
    TW_MSG_COMPRESSED_CERTIFICATE, TW_MSG_NEXT_PROTOCOL, TW_MSG_MESSAGE_HASH};
enum { TYPES = sizeof types, RECORDS = TYPES, ALERTS, SSL2, KINDS };

static const uint16_t versions[] = {0, TW_SSL3, TW_TLS10, TW_TLS11, TW_TLS12, TW_TLS13, 0x7f17};

static void message(uint8_t type, uint16_t version, uint16_t cipher, struct tw_view body)
{
    struct tw_trace *t = tw_trace_new(1 << 22);
    if (t == NULL)
        return;
    struct tw_note n = {.trace = t, .conn = 1, .version = version, .cipher = cipher,
                        .from = type == TW_MSG_CLIENT_HELLO ? TW_CLIENT : TW_SERVER};
    tw_note_message(&n, type, body);
    size_t end = body.len;
    for (size_t i = 0; i < tw_trace_count(t); i++) {
        const struct tw_fact *f = tw_trace_at(t, i);
        if (f->kind == TW_FACT_MESSAGE)
            end = f->data.len; /* the second one is what was compressed */
        else if (f->kind == TW_FACT_FIELD || f->kind == TW_FACT_CERTIFICATE)
            check(f->off <= end && f->len <= end - f->off);
    }
    tw_trace_free(t);
}

static void same_again(uint8_t type, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_client_hello ch;
    struct tw_server_hello sh;
    struct tw_buf out;
    tw_buf_init(&out, 1 << 20);
    bool good = type == TW_MSG_CLIENT_HELLO ? tw_client_hello_decode(&r, &ch)
                                            : tw_server_hello_decode(&r, &sh);
    check(good == tw_rd_ok(&r));
    check(good || r.fail_at <= body.len);
    if (good && type == TW_MSG_CLIENT_HELLO)
        tw_client_hello_encode(&out, &ch);
    else if (good)
        tw_server_hello_encode(&out, &sh);
    check(!good || out.failed || tw_view_eq(tw_buf_view(&out), body));
    tw_buf_cleanup(&out);
}

static void records(struct tw_view in)
{
    struct tw_record rec;
    size_t used;
    for (bool first = true; in.len > 0; first = false) {
        enum tw_record_status st = tw_record_peek(in, first, &rec, &used);
        check((st == TW_REC_OK || st == TW_REC_SSL2) == (used > 0));
        check(used <= in.len && rec.body.len <= used);
        if (used == 0)
            break;
        uint8_t type;
        struct tw_view body;
        size_t taken;
        if (tw_handshake_peek(rec.body, &type, &body, &taken))
            check(taken == tw_handshake_announced(rec.body) && taken <= rec.body.len);
        in = tw_view_sub(in, used, in.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    uint8_t kind = data[0] % KINDS;
    uint16_t version = versions[data[1] % TW_ARRAY_LEN(versions)];
    uint16_t cipher = (uint16_t)(data[2] << 8 | data[3]);
    struct tw_view body = tw_view_of(data + 4, size - 4);
    struct tw_trace *t = NULL;
    struct tw_reader r = tw_rd_of(body);
    struct tw_ssl2_server_hello ssl2;
    if (kind < TYPES) {
        message(types[kind], version, cipher, body);
        if (kind < 2)
            same_again(types[kind], body);
    } else if (kind == RECORDS) {
        records(body);
    } else if (kind == SSL2) {
        check(tw_ssl2_server_hello_decode(&r, &ssl2) == tw_rd_ok(&r));
    } else if ((t = tw_trace_new(1 << 20)) != NULL) {
        struct tw_note n = {.trace = t, .conn = 1, .from = TW_SERVER};
        tw_note_alert(&n, body);
        tw_trace_free(t);
    }
    return 0;
}
