/*
 * check --hello FILE: a ClientHello to be sent as it is. FILE is a trace that --save-trace wrote (the
 * first ClientHello in it counts), TLS records or the bare handshake message, as bytes or in hex.
 */
#include "probe/probe.h"

enum { MAX_FILE = 32 << 20, MAX_HELLO = 16384 /* one record */ };

/* The first ClientHello of a saved trace, with its header put back. */
static bool from_trace(struct tw_view file, struct tw_buf *out, const char **why)
{
    size_t line = 0;
    *why = "out of memory";
    struct tw_trace *t = tw_trace_new(MAX_FILE);
    if (t == NULL)
        return false;
    bool ok = tw_trace_load(t, file, &line, why) == TW_OK;
    const struct tw_fact *f = NULL;
    if (ok) {
        *why = "no ClientHello in this trace";
        while ((f = tw_trace_next(t, f, 0, TW_FACT_MESSAGE, NULL)) != NULL)
            if (f->from == TW_CLIENT && f->msg == TW_MSG_CLIENT_HELLO)
                break;
        ok = f != NULL;
    }
    if (ok) {
        size_t mark = tw_handshake_open(out, TW_MSG_CLIENT_HELLO);
        tw_wr_bytes(out, f->data);
        tw_wr_close(out, mark, 3);
    }
    tw_trace_free(t);
    return ok;
}

/* Hex digits with white space and colons between them. */
static bool from_hex(struct tw_view file, struct tw_buf *out)
{
    int high = -1;
    for (size_t i = 0; i < file.len; i++) {
        char c = (char)file.data[i];
        const char *digits = "0123456789abcdef";
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':')
            continue;
        const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
        if (at == NULL)
            return false;
        int v = (int)(at - digits);
        if (high >= 0)
            tw_wr_u8(out, (uint8_t)(high << 4 | v));
        high = high >= 0 ? -1 : v;
    }
    return high < 0 && out->len > 0 && !out->failed;
}

/* Puts the fragments of handshake records together; bare handshake bytes pass as they are. */
static bool unpack(struct tw_view in, struct tw_buf *out, uint16_t *record_version)
{
    struct tw_record rec;
    size_t used;
    bool first = true;
    if (in.len > 0 && in.data[0] == TW_MSG_CLIENT_HELLO)
        return tw_buf_add(out, in.data, in.len);
    while (in.len > 0 && tw_record_peek(in, first, &rec, &used) == TW_REC_OK &&
           rec.type == TW_CT_HANDSHAKE) {
        if (first)
            *record_version = rec.version;
        first = false;
        tw_wr_bytes(out, rec.body);
        in = tw_view_sub(in, used, in.len);
        size_t announced = tw_handshake_announced(tw_buf_view(out));
        if (announced > 0 && out->len >= announced)
            break; /* what follows is another message's */
    }
    return out->len > 0 && !out->failed;
}

static bool take(struct tw_options *o, struct tw_view file, const char **why)
{
    struct tw_buf bytes, message;
    struct tw_view body;
    uint8_t type;
    size_t used;
    static const char head[] = "{\"tlswhy_trace\"";
    tw_buf_init(&bytes, MAX_HELLO * 4);
    tw_buf_init(&message, MAX_HELLO * 4);
    bool ok, trace = file.len >= sizeof head - 1 && memcmp(file.data, head, sizeof head - 1) == 0;
    if (trace) {
        ok = from_trace(file, &message, why);
    } else {
        *why = "neither a trace nor the bytes of a ClientHello";
        bool hex = from_hex(file, &bytes);
        ok = unpack(hex ? tw_buf_view(&bytes) : file, &message, &o->hello_record_version);
    }
    if (ok && (!tw_handshake_peek(tw_buf_view(&message), &type, &body, &used) ||
               type != TW_MSG_CLIENT_HELLO)) {
        *why = "the ClientHello in it is cut off";
        ok = false;
    } else if (ok && used > MAX_HELLO) {
        *why = "the ClientHello is longer than a record";
        ok = false;
    }
    if (ok) {
        o->hello = tw_arena_copy(o->arena, tw_view_sub(tw_buf_view(&message), 0, used));
        *why = "out of memory";
        ok = o->hello.data != NULL;
    }
    tw_buf_cleanup(&bytes);
    tw_buf_cleanup(&message);
    return ok;
}

bool tw_options_read_hello(struct tw_options *o, const char *path, const char **why)
{
    struct tw_buf file;
    tw_buf_init(&file, MAX_FILE);
    o->hello_record_version = TW_TLS10;
    const char *reason = NULL;
    bool ok = tw_read_file(path, MAX_FILE, &file, o->arena, why) == TW_OK;
    if (ok && !take(o, tw_buf_view(&file), &reason)) {
        char text[400];
        snprintf(text, sizeof text, "%.250s: %s", path, reason);
        const char *copy = tw_arena_str(o->arena, text);
        *why = copy == NULL ? "out of memory" : copy;
        ok = false;
    }
    tw_buf_cleanup(&file);
    return ok;
}
