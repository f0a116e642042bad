/* Protocols that are no text: LDAP, databases, RDP, VNC; and XMPP, which is XML. */
#include "dialogue/dialogue_internal.h"

/* ---- XMPP (RFC 6120 4.2, 5.4) ---------------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_' || c == ':';
}

static void open_stream(struct tw_dialogue *d, const char *ns)
{
    char host[256], text[600];
    size_t n = 0;
    for (const char *p = d->cfg.host; *p != '\0' && n + 1 < sizeof host; p++)
        if (is_name_char(*p)) /* nothing that could end the attribute */
            host[n++] = *p;
    host[n] = '\0';
    int len = snprintf(text, sizeof text,
                       "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='%s' "
                       "xmlns:stream='http://etherx.jabber.org/streams'>", host, ns);
    if (len > 0 && (size_t)len < sizeof text)
        dlg_say(d, "<stream:stream>", tw_view_of(text, (size_t)len));
}

static enum tw_dialogue_state xmpp_step(struct tw_dialogue *d, const char *ns)
{
    static const char starttls[] = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    struct tw_view rest = dlg_rest(d);
    if (d->stage == 0) {
        d->stage = 1;
        open_stream(d, ns);
        return TW_DIALOGUE_GOING_ON;
    }
    if (rest.len > 0 && rest.data[0] != '<' && rest.data[0] > ' ')
        return dlg_not_spoken(d, "its answer is no XML");
    if (dlg_has(rest, "<stream:error")) {
        if (!dlg_has(rest, "</stream:error>"))
            return TW_DIALOGUE_GOING_ON;
        dlg_note(d, TW_SERVER, "answer", 0, rest);
        dlg_take(d, rest.len);
        return dlg_refused(d, "it ends the stream with an error");
    }
    if (d->stage == 1) {
        if (!dlg_has(rest, "</stream:features>") && !dlg_has(rest, "<stream:features/>"))
            return TW_DIALOGUE_GOING_ON;
        dlg_note(d, TW_SERVER, "capabilities", 0, rest);
        d->stage = 2;
        bool offers = dlg_has(rest, "urn:ietf:params:xml:ns:xmpp-tls");
        dlg_take(d, rest.len);
        if (!offers)
            return dlg_refused(d, "starttls is not among its stream features");
        dlg_say(d, "<starttls/>", tw_view_str(starttls));
        return TW_DIALOGUE_GOING_ON;
    }
    const uint8_t *close = rest.len == 0 ? NULL : memchr(rest.data, '>', rest.len);
    if (close == NULL)
        return TW_DIALOGUE_GOING_ON;
    size_t n = (size_t)(close - rest.data) + 1;
    struct tw_view tag = tw_view_sub(rest, 0, n);
    dlg_note(d, TW_SERVER, "answer", 0, tag);
    dlg_take(d, n);
    d->stage++;
    return dlg_has(tag, "<proceed") ? TW_DIALOGUE_READY : dlg_refused(d, "it refuses starttls");
}

enum tw_dialogue_state xmpp_client_step(struct tw_dialogue *d)
{
    return xmpp_step(d, "jabber:client");
}

enum tw_dialogue_state xmpp_server_step(struct tw_dialogue *d)
{
    return xmpp_step(d, "jabber:server");
}

/* ---- LDAP (RFC 4511 4.12, 4.14) --------------------------------------------------------------------- */

enum tw_dialogue_state ldap_step(struct tw_dialogue *d)
{
    static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                                  "1.3.6.1.4.1.1466.20037";
    if (d->stage == 0) {
        d->stage = 1;
        dlg_say(d, "ExtendedRequest StartTLS", tw_view_of(request, sizeof request - 1));
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_reader r = tw_rd_of(dlg_rest(d));
    if (tw_rd_left(&r) < 2)
        return TW_DIALOGUE_GOING_ON;
    if (tw_rd_u8(&r, "LDAPMessage") != 0x30)
        return dlg_not_spoken(d, "its answer is no LDAP message");
    size_t len = tw_rd_u8(&r, "length");
    if (len >= 0x80) {
        size_t n = len & 0x7f;
        if (n == 0 || n > 3)
            return dlg_not_spoken(d, "its answer is no LDAP message");
        if (tw_rd_left(&r) < n)
            return TW_DIALOGUE_GOING_ON;
        len = (size_t)tw_rd_uint(&r, n, "length");
    }
    if (tw_rd_left(&r) < len)
        return TW_DIALOGUE_GOING_ON;
    struct tw_reader m = tw_rd_of(tw_rd_bytes(&r, len, "LDAPMessage"));
    size_t whole = r.pos;
    bool id = tw_rd_u8(&m, "tag") == 2;
    tw_rd_vec(&m, 1, "messageID");
    bool extended = tw_rd_u8(&m, "protocolOp") == 0x78;
    uint8_t op = tw_rd_u8(&m, "length");
    if (op > 0x80) /* long form */
        tw_rd_bytes(&m, op & 0x7f, "length");
    bool enumerated = tw_rd_u8(&m, "resultCode") == 10 && tw_rd_u8(&m, "length") == 1;
    uint8_t code = tw_rd_u8(&m, "resultCode");
    if (!tw_rd_ok(&m) || !id || !extended || !enumerated)
        return dlg_not_spoken(d, "its answer is no ExtendedResponse");
    char text[64];
    snprintf(text, sizeof text, "ExtendedResponse, resultCode %u", code);
    dlg_note(d, TW_SERVER, "answer", code, tw_view_str(text));
    dlg_take(d, whole);
    d->stage++;
    return code == 0 ? TW_DIALOGUE_READY : dlg_refused(d, "it refuses StartTLS");
}

/* ---- PostgreSQL ---------------------------------------------------------------------------------------- */

enum tw_dialogue_state postgres_step(struct tw_dialogue *d)
{
    static const uint8_t request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}; /* 1234, 5679 */
    if (d->stage == 0) {
        d->stage = 1;
        dlg_say(d, "SSLRequest", tw_view_of(request, sizeof request));
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_view rest = dlg_rest(d);
    if (rest.len == 0)
        return TW_DIALOGUE_GOING_ON;
    uint8_t c = rest.data[0];
    if (c != 'S' && c != 'N' && c != 'E')
        return dlg_not_spoken(d, "its answer is no PostgreSQL");
    dlg_note(d, TW_SERVER, "answer", c, tw_view_sub(rest, 0, c == 'E' ? rest.len : 1));
    dlg_take(d, 1);
    d->stage++;
    return c == 'S'   ? TW_DIALOGUE_READY
           : c == 'N' ? dlg_refused(d, "it answers N: TLS is switched off")
                      : dlg_refused(d, "it answers with an error");
}

/* ---- MySQL, MariaDB ------------------------------------------------------------------------------------- */

enum tw_dialogue_state mysql_step(struct tw_dialogue *d)
{
    enum { CLIENT_SSL = 0x0800, WANTED = 0x000fae85 /* 4.1 protocol, TLS, plugin auth */ };
    if (d->stage > 0)
        return TW_DIALOGUE_READY;
    struct tw_view rest = dlg_rest(d);
    if (rest.len < 5)
        return TW_DIALOGUE_GOING_ON;
    size_t len = rest.data[0] | (size_t)rest.data[1] << 8 | (size_t)rest.data[2] << 16;
    if (len < 3 || len > 4096 || rest.data[3] != 0)
        return dlg_not_spoken(d, "its greeting is no MySQL");
    if (rest.len < len + 4)
        return TW_DIALOGUE_GOING_ON;
    struct tw_view body = tw_view_sub(rest, 4, len);
    if (body.data[0] == 0xff) {
        dlg_note(d, TW_SERVER, "greeting", body.data[1] | body.data[2] << 8,
                 tw_view_sub(body, 3, body.len));
        dlg_take(d, len + 4);
        d->stage = 1;
        return dlg_refused(d, "it does not serve this client");
    }
    const uint8_t *nul = memchr(body.data, 0, body.len);
    size_t version_end = nul == NULL ? body.len : (size_t)(nul - body.data);
    /* thread id 4, salt 8, filler 1, capabilities 2 */
    if (body.data[0] != 10 || version_end + 1 + 4 + 8 + 1 + 2 > body.len)
        return dlg_not_spoken(d, "its greeting is no MySQL of protocol 10");
    const uint8_t *caps = body.data + version_end + 1 + 4 + 8 + 1;
    bool offers = ((caps[0] | caps[1] << 8) & CLIENT_SSL) != 0;
    dlg_note(d, TW_SERVER, "greeting", offers, tw_view_sub(body, 1, version_end - 1));
    dlg_take(d, len + 4);
    d->stage = 1;
    if (!offers)
        return dlg_refused(d, "its greeting has no SSL capability");
    uint8_t request[36] = {32, 0, 0, 1};
    for (int i = 0; i < 4; i++)
        request[4 + i] = (uint8_t)((uint32_t)WANTED >> (8 * i));
    request[11] = 1; /* max packet 16 MiB, little endian */
    request[12] = 45; /* utf8mb4 */
    dlg_say(d, "SSLRequest", tw_view_of(request, sizeof request));
    return TW_DIALOGUE_READY;
}

/* ---- MS SQL Server (MS-TDS 2.2.6.5) ------------------------------------------------------------------------ */

enum { TDS_PRELOGIN = 0x12, TDS_REPLY = 0x04, TDS_HEADER = 8, TDS_CHUNK = 4088 };

static void tds_packet(struct tw_buf *b, struct tw_view body, bool last)
{
    tw_wr_u8(b, TDS_PRELOGIN);
    tw_wr_u8(b, last);
    tw_wr_u16(b, (unsigned)(body.len + TDS_HEADER));
    tw_wr_uint(b, 4, 0); /* SPID, packet id, window */
    tw_wr_bytes(b, body);
}

static enum tw_dialogue_state tds_encryption(struct tw_dialogue *d, struct tw_view body)
{
    static const char *const words[] = {"ENCRYPT_OFF", "ENCRYPT_ON", "ENCRYPT_NOT_SUP",
                                        "ENCRYPT_REQ"};
    struct tw_reader r = tw_rd_of(body);
    while (tw_rd_more(&r)) {
        uint8_t token = tw_rd_u8(&r, "PL_OPTION_TOKEN");
        if (token == 0xff)
            break;
        size_t off = tw_rd_u16(&r, "PL_OFFSET"), len = tw_rd_u16(&r, "PL_OPTION_LENGTH");
        if (token != 1 || len < 1 || off >= body.len)
            continue;
        uint8_t v = body.data[off];
        const char *word = v < TW_ARRAY_LEN(words) ? words[v] : "unknown";
        dlg_note(d, TW_SERVER, "answer", v, tw_view_str(word));
        return v == 2 ? dlg_refused(d, "it answers ENCRYPT_NOT_SUP: it has no certificate")
                      : TW_DIALOGUE_READY;
    }
    return dlg_not_spoken(d, "its PRELOGIN answer says nothing about encryption");
}

enum tw_dialogue_state tds_step(struct tw_dialogue *d)
{
    static const uint8_t prelogin[] = {
        0, 0, 11, 0, 6,   /* VERSION at 11, 6 bytes */
        1, 0, 17, 0, 1,   /* ENCRYPTION at 17, 1 byte */
        0xff, 16, 0, 0, 0, 0, 0, /* version 16.0 */
        1 /* ENCRYPT_ON */};
    if (d->stage == 0) {
        struct tw_buf b;
        tw_buf_init(&b, 64);
        tds_packet(&b, tw_view_of(prelogin, sizeof prelogin), true);
        dlg_say(d, "PRELOGIN, ENCRYPT_ON", tw_buf_view(&b));
        tw_buf_cleanup(&b);
        d->stage = 1;
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_view rest = dlg_rest(d);
    if (rest.len > 0 && rest.data[0] != TDS_REPLY)
        return dlg_not_spoken(d, "its answer is no TDS packet");
    if (rest.len < TDS_HEADER)
        return TW_DIALOGUE_GOING_ON;
    size_t len = (size_t)rest.data[2] << 8 | rest.data[3];
    if (len <= TDS_HEADER)
        return dlg_not_spoken(d, "its answer is no TDS packet");
    if (rest.len < len)
        return TW_DIALOGUE_GOING_ON;
    dlg_take(d, len);
    d->stage++;
    return tds_encryption(d, tw_view_sub(rest, TDS_HEADER, len - TDS_HEADER));
}

bool tw_dialogue_framed(const struct tw_dialogue *d)
{
    return d->framed;
}

void tw_dialogue_unframed(struct tw_dialogue *d)
{
    d->framed = false;
}

void tw_dialogue_wrap(struct tw_dialogue *d, struct tw_view tls, struct tw_buf *wire)
{
    (void)d;
    for (size_t at = 0; at < tls.len;) {
        struct tw_view part = tw_view_sub(tls, at, TDS_CHUNK);
        at += part.len;
        tds_packet(wire, part, at == tls.len);
    }
}

bool tw_dialogue_unwrap(struct tw_dialogue *d, struct tw_view wire, struct tw_buf *tls)
{
    if (!tw_buf_add(&d->frame, wire.data, wire.len))
        return false;
    while (d->frame.len >= TDS_HEADER) {
        struct tw_view v = tw_buf_view(&d->frame);
        size_t len = (size_t)v.data[2] << 8 | v.data[3];
        if ((v.data[0] != TDS_PRELOGIN && v.data[0] != TDS_REPLY) || len < TDS_HEADER) {
            bool ok = tw_buf_add(tls, v.data, v.len); /* let the record layer say what it is */
            tw_buf_drop(&d->frame, v.len);
            return ok;
        }
        if (v.len < len)
            return true;
        if (!tw_buf_add(tls, v.data + TDS_HEADER, len - TDS_HEADER))
            return false;
        tw_buf_drop(&d->frame, len);
    }
    return true;
}

/* ---- RDP (MS-RDPBCGR 2.2.1.1, 2.2.1.2) --------------------------------------------------------------------- */

enum tw_dialogue_state rdp_step(struct tw_dialogue *d)
{
    static const uint8_t request[] = {
        3, 0, 0, 19,                       /* TPKT, 19 bytes */
        14, 0xe0, 0, 0, 0, 0, 0,           /* X.224 Connection Request */
        1, 0, 8, 0, 0x03, 0, 0, 0};        /* RDP_NEG_REQ: SSL, HYBRID */
    static const char *const failures[] = {
        "failure", "SSL_REQUIRED_BY_SERVER", "SSL_NOT_ALLOWED_BY_SERVER", "SSL_CERT_NOT_ON_SERVER",
        "INCONSISTENT_FLAGS", "HYBRID_REQUIRED_BY_SERVER",
        "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"};
    if (d->stage == 0) {
        d->stage = 1;
        dlg_say(d, "X.224 Connection Request, PROTOCOL_SSL", tw_view_of(request, sizeof request));
        return TW_DIALOGUE_GOING_ON;
    }
    struct tw_view v = dlg_rest(d);
    if (v.len < 4)
        return v.len > 0 && v.data[0] != 3 ? dlg_not_spoken(d, "its answer is no TPKT packet")
                                           : TW_DIALOGUE_GOING_ON;
    size_t len = (size_t)v.data[2] << 8 | v.data[3];
    if (v.data[0] != 3 || len < 11)
        return dlg_not_spoken(d, "its answer is no TPKT packet");
    if (v.len < len)
        return TW_DIALOGUE_GOING_ON;
    dlg_take(d, len);
    d->stage++;
    if (v.data[5] != 0xd0)
        return dlg_not_spoken(d, "its answer is no X.224 Connection Confirm");
    if (len < 19) {
        dlg_note(d, TW_SERVER, "answer", 0, tw_view_str("Connection Confirm without negotiation"));
        return dlg_refused(d, "it offers standard RDP security only");
    }
    uint8_t type = v.data[11];
    uint32_t value = v.data[15] | (uint32_t)v.data[16] << 8 | (uint32_t)v.data[17] << 16 |
                     (uint32_t)v.data[18] << 24;
    if (type == 2 && value != 0) {
        dlg_note(d, TW_SERVER, "answer", value,
                 tw_view_str(value == 1 ? "PROTOCOL_SSL" : "PROTOCOL_HYBRID"));
        return TW_DIALOGUE_READY;
    }
    const char *word = type == 3 && value < TW_ARRAY_LEN(failures) ? failures[value]
                                                                   : "standard RDP security";
    dlg_note(d, TW_SERVER, "answer", value, tw_view_str(word));
    return dlg_refused(d, "it does not go on to TLS");
}

/* ---- VNC with VeNCrypt ---------------------------------------------------------------------------------------- */

/* Prefers a subtype with a certificate (X509*: 260..262), else an anonymous one (TLS*: 257..259). */
static uint32_t vencrypt_choice(struct tw_view list)
{
    uint32_t best = 0;
    struct tw_reader r = tw_rd_of(list);
    while (tw_rd_left(&r) >= 4) {
        uint32_t v = (uint32_t)tw_rd_uint(&r, 4, "subtype");
        bool x509 = v >= 260 && v <= 262, anonymous = v >= 257 && v <= 259;
        if (x509 || (anonymous && best == 0))
            best = v;
    }
    return best;
}

static enum tw_dialogue_state vnc_security(struct tw_dialogue *d, struct tw_view v)
{
    size_t n = v.data[0];
    if (n == 0) {
        dlg_note(d, TW_SERVER, "answer", 0, tw_view_sub(v, 5, v.len));
        dlg_take(d, v.len);
        d->stage++;
        return dlg_refused(d, "it does not serve this client");
    }
    if (v.len < 1 + n)
        return TW_DIALOGUE_GOING_ON;
    bool has = memchr(v.data + 1, 19, n) != NULL;
    dlg_note(d, TW_SERVER, "capabilities", has,
             tw_view_str(has ? "security types with VeNCrypt" : "security types without VeNCrypt"));
    dlg_take(d, 1 + n);
    d->stage++;
    if (!has)
        return dlg_refused(d, "VeNCrypt is not among its security types");
    dlg_say(d, "VeNCrypt", tw_view_of("\x13", 1));
    return TW_DIALOGUE_GOING_ON;
}

static enum tw_dialogue_state vnc_subtypes(struct tw_dialogue *d, struct tw_view v)
{
    if (v.data[0] != 0) { /* answer to our version */
        d->stage++;
        return dlg_refused(d, "it refuses VeNCrypt 0.2");
    }
    if (v.len < 2 || v.len < 2 + 4 * (size_t)v.data[1])
        return TW_DIALOGUE_GOING_ON;
    size_t n = 4 * (size_t)v.data[1];
    uint32_t choice = vencrypt_choice(tw_view_sub(v, 2, n));
    dlg_take(d, 2 + n);
    d->stage++;
    if (choice == 0)
        return dlg_refused(d, "no VeNCrypt subtype with TLS is offered");
    uint8_t request[4] = {0, 0, (uint8_t)(choice >> 8), (uint8_t)choice};
    dlg_say(d, choice >= 260 ? "subtype X509" : "subtype TLS (anonymous)", tw_view_of(request, 4));
    return TW_DIALOGUE_GOING_ON;
}

enum tw_dialogue_state vnc_step(struct tw_dialogue *d)
{
    struct tw_view v = dlg_rest(d);
    if (v.len == 0)
        return TW_DIALOGUE_GOING_ON;
    switch (d->stage) {
    case 0:
        if (memcmp(v.data, "RFB ", v.len < 4 ? v.len : 4) != 0)
            return dlg_not_spoken(d, "its greeting is no VNC");
        if (v.len < 12)
            return TW_DIALOGUE_GOING_ON;
        dlg_note(d, TW_SERVER, "greeting", 0, tw_view_sub(v, 0, 12));
        dlg_take(d, 12);
        d->stage++;
        dlg_say(d, "RFB 003.008", tw_view_str("RFB 003.008\n"));
        return TW_DIALOGUE_GOING_ON;
    case 1:
        return vnc_security(d, v);
    case 2:
        if (v.len < 2)
            return TW_DIALOGUE_GOING_ON;
        dlg_take(d, 2);
        d->stage++;
        dlg_say(d, "VeNCrypt 0.2", tw_view_of("\0\2", 2));
        return TW_DIALOGUE_GOING_ON;
    case 3:
        return vnc_subtypes(d, v);
    default:
        dlg_note(d, TW_SERVER, "answer", v.data[0], tw_view_str(v.data[0] == 1 ? "ok" : "refused"));
        dlg_take(d, 1);
        d->stage++;
        return v.data[0] == 1 ? TW_DIALOGUE_READY : dlg_refused(d, "it refuses the subtype");
    }
}
