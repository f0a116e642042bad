/* Tunnels through proxies: HTTP CONNECT (RFC 9110 9.3.6), SOCKS 4a, SOCKS 5 (RFC 1928, 1929). */
#include "dialogue/dialogue_internal.h"

#include <stdio.h>

/* ---- HTTP CONNECT ------------------------------------------------------------------------------------- */

static void base64(struct tw_view v, char *out, size_t cap)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    for (size_t i = 0; i < v.len && n + 5 < cap; i += 3) {
        uint32_t b = (uint32_t)v.data[i] << 16;
        b |= i + 1 < v.len ? (uint32_t)v.data[i + 1] << 8 : 0;
        b |= i + 2 < v.len ? v.data[i + 2] : 0;
        out[n++] = digits[b >> 18];
        out[n++] = digits[b >> 12 & 63];
        out[n++] = i + 1 < v.len ? digits[b >> 6 & 63] : '=';
        out[n++] = i + 2 < v.len ? digits[b & 63] : '=';
    }
    out[n] = '\0';
}

static void ask_connect(struct tw_dialogue *d)
{
    struct tw_buf b;
    char shown[340], host[300];
    bool v6 = strchr(d->cfg.host, ':') != NULL;
    snprintf(host, sizeof host, "%s%s%s:%u", v6 ? "[" : "", d->cfg.host, v6 ? "]" : "",
             d->cfg.port);
    tw_buf_init(&b, 4096);
    tw_buf_printf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", host, host);
    if (d->cfg.user != NULL) {
        char pair[400], code[600];
        snprintf(pair, sizeof pair, "%s:%s", d->cfg.user,
                 d->cfg.password == NULL ? "" : d->cfg.password);
        base64(tw_view_str(pair), code, sizeof code);
        tw_buf_printf(&b, "Proxy-Authorization: Basic %s\r\n", code);
        tw_wipe(pair, sizeof pair);
        tw_wipe(code, sizeof code);
    }
    tw_buf_str(&b, "\r\n");
    snprintf(shown, sizeof shown, "CONNECT %s%s", host, d->cfg.user != NULL ? ", with password" : "");
    dlg_say(d, shown, tw_buf_view(&b));
    tw_buf_cleanup(&b);
}

enum tw_dialogue_state connect_step(struct tw_dialogue *d)
{
    if (d->stage == 0) {
        d->stage = 1;
        ask_connect(d);
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_view line, first = {NULL, 0}, rest = dlg_rest(d);
    size_t at = 0, n;
    if (rest.len > 0 && memcmp(rest.data, "HTTP/", rest.len < 5 ? rest.len : 5) != 0)
        return dlg_not_spoken(d, "its answer is no HTTP");
    while (dlg_peek_line(d, at, &line, &n)) {
        if (at == 0)
            first = line;
        at += n;
        if (line.len > 0)
            continue;
        int code = first.len >= 12 ? (first.data[9] - '0') * 100 + (first.data[10] - '0') * 10 +
                                         first.data[11] - '0'
                                   : 0;
        dlg_note(d, TW_SERVER, "answer", code, first);
        dlg_take(d, at);
        d->stage++;
        if (code >= 200 && code < 300)
            return TW_DIALOGUE_READY;
        return dlg_refused(d, code == 407 ? "the proxy wants a password"
                                          : "the proxy refuses the tunnel");
    }
    return TW_DIALOGUE_GOING_ON;
}

/* ---- SOCKS -------------------------------------------------------------------------------------------- */

enum tw_dialogue_state socks4_step(struct tw_dialogue *d)
{
    if (d->stage == 0) {
        struct tw_buf b;
        tw_buf_init(&b, 1024);
        tw_wr_u8(&b, 4);
        tw_wr_u8(&b, 1);
        tw_wr_u16(&b, d->cfg.port);
        tw_wr_uint(&b, 4, 1); /* 0.0.0.1: the name follows */
        tw_wr_bytes(&b, tw_view_str(d->cfg.user));
        tw_wr_u8(&b, 0);
        tw_wr_bytes(&b, tw_view_str(d->cfg.host));
        tw_wr_u8(&b, 0);
        dlg_say(d, "CONNECT", tw_buf_view(&b));
        tw_buf_cleanup(&b);
        d->stage = 1;
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_view v = dlg_rest(d);
    if (v.len > 0 && v.data[0] != 0)
        return dlg_not_spoken(d, "its answer is no SOCKS 4");
    if (v.len < 8)
        return TW_DIALOGUE_GOING_ON;
    dlg_note(d, TW_SERVER, "answer", v.data[1], tw_view_str(v.data[1] == 90 ? "granted" : "refused"));
    dlg_take(d, 8);
    d->stage++;
    return v.data[1] == 90 ? TW_DIALOGUE_READY : dlg_refused(d, "the proxy refuses the connection");
}

static void socks5_connect(struct tw_dialogue *d)
{
    struct tw_buf b;
    tw_buf_init(&b, 512);
    tw_wr_uint(&b, 4, 0x05010003); /* CONNECT, DOMAINNAME */
    tw_wr_vec(&b, 1, tw_view_sub(tw_view_str(d->cfg.host), 0, 255));
    tw_wr_u16(&b, d->cfg.port);
    dlg_say(d, "CONNECT", tw_buf_view(&b));
    tw_buf_cleanup(&b);
    d->stage = 3;
}

static enum tw_dialogue_state socks5_method(struct tw_dialogue *d, uint8_t method)
{
    dlg_note(d, TW_SERVER, "answer", method,
             tw_view_str(method == 0   ? "no authentication"
                         : method == 2 ? "username and password"
                                       : "no acceptable method"));
    if (method == 0) {
        socks5_connect(d);
        return TW_DIALOGUE_GOING_ON;
    }
    if (method != 2 || d->cfg.user == NULL) {
        d->stage = 9;
        return dlg_refused(d, "the proxy wants a password");
    }
    struct tw_buf b;
    tw_buf_init(&b, 1024);
    tw_wr_u8(&b, 1);
    tw_wr_vec(&b, 1, tw_view_sub(tw_view_str(d->cfg.user), 0, 255));
    tw_wr_vec(&b, 1, tw_view_sub(tw_view_str(d->cfg.password), 0, 255));
    dlg_say(d, "username and password", tw_buf_view(&b));
    tw_buf_cleanup(&b);
    d->stage = 2;
    return TW_DIALOGUE_GOING_ON;
}

static enum tw_dialogue_state socks5_reply(struct tw_dialogue *d, struct tw_view v)
{
    static const char *const words[] = {
        "succeeded", "general SOCKS server failure", "connection not allowed by ruleset",
        "Network unreachable", "Host unreachable", "Connection refused", "TTL expired",
        "Command not supported", "Address type not supported"};
    if (v.len < 5)
        return TW_DIALOGUE_GOING_ON;
    size_t addr = v.data[3] == 1 ? 4 : v.data[3] == 4 ? 16 : 1 + (size_t)v.data[4];
    if (v.len < 4 + addr + 2)
        return TW_DIALOGUE_GOING_ON;
    uint8_t code = v.data[1];
    dlg_note(d, TW_SERVER, "answer", code,
             tw_view_str(code < TW_ARRAY_LEN(words) ? words[code] : "unassigned reply"));
    dlg_take(d, 4 + addr + 2);
    d->stage++;
    return code == 0 ? TW_DIALOGUE_READY : dlg_refused(d, "the proxy refuses the connection");
}

enum tw_dialogue_state socks5_step(struct tw_dialogue *d)
{
    struct tw_view v = dlg_rest(d);
    if (d->stage == 0) {
        bool both = d->cfg.user != NULL;
        dlg_say(d, "greeting", both ? tw_view_of("\5\2\0\2", 4) : tw_view_of("\5\1\0", 3));
        d->stage = 1;
        return TW_DIALOGUE_GOING_ON;
    }
    if (v.len > 0 && v.data[0] != (d->stage == 2 ? 1 : 5))
        return dlg_not_spoken(d, "its answer is no SOCKS 5");
    if (d->stage == 3)
        return socks5_reply(d, v);
    if (v.len < 2)
        return TW_DIALOGUE_GOING_ON;
    dlg_take(d, 2);
    if (d->stage == 1)
        return socks5_method(d, v.data[1]);
    dlg_note(d, TW_SERVER, "answer", v.data[1],
             tw_view_str(v.data[1] == 0 ? "password accepted" : "password refused"));
    if (v.data[1] != 0) {
        d->stage = 9;
        return dlg_refused(d, "the proxy refuses the password");
    }
    socks5_connect(d);
    return TW_DIALOGUE_GOING_ON;
}
