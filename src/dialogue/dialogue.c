/* The table of protocols, and what all dialogues do alike: keep bytes, note what is said, end. */
#include "dialogue/dialogue_internal.h"

#include <strings.h>

enum { MAX_IN = 65536, MAX_OUT = 16384, SHOWN = 300 };

static const struct tw_protocol protocols[] = {
    {"smtp", "SMTP", "STARTTLS", 25, 465, smtp_step, .source = "RFC 3207"},
    {"submission", "SMTP", "STARTTLS", 587, 465, smtp_step, .source = "RFC 3207"},
    {"lmtp", "LMTP", "STARTTLS", 24, 0, lmtp_step, .source = "RFC 2033, RFC 3207"},
    {"imap", "IMAP", "STARTTLS", 143, 993, imap_step, .source = "RFC 9051 6.2.1"},
    {"pop3", "POP3", "STLS", 110, 995, pop3_step, .source = "RFC 2595 4"},
    {"ftp", "FTP", "AUTH TLS", 21, 990, ftp_step, .source = "RFC 4217"},
    {"nntp", "NNTP", "STARTTLS", 119, 563, nntp_step, .source = "RFC 4642"},
    {"sieve", "ManageSieve", "STARTTLS", 4190, 0, sieve_step, .source = "RFC 5804 2.2"},
    {"irc", "IRC", "STARTTLS", 6667, 6697, irc_step, .source = "IRCv3 tls"},
    {"xmpp", "XMPP", "starttls", 5222, 5223, xmpp_client_step, .source = "RFC 6120 5"},
    {"xmpp-client", "XMPP", "starttls", 5222, 5223, xmpp_client_step, .source = "RFC 6120 5"},
    {"xmpp-server", "XMPP", "starttls", 5269, 5270, xmpp_server_step, .source = "RFC 6120 5"},
    {"ldap", "LDAP", "StartTLS", 389, 636, ldap_step, .source = "RFC 4511 4.14"},
    {"postgres", "PostgreSQL", "SSLRequest", 5432, 0, postgres_step, .database = true,
     .source = "PostgreSQL protocol, SSL session encryption"},
    {"postgresql", "PostgreSQL", "SSLRequest", 5432, 0, postgres_step, .database = true,
     .source = "PostgreSQL protocol, SSL session encryption"},
    {"mysql", "MySQL", "SSLRequest", 3306, 0, mysql_step, .database = true,
     .source = "MySQL client/server protocol, SSLRequest"},
    {"mariadb", "MySQL", "SSLRequest", 3306, 0, mysql_step, .database = true,
     .source = "MySQL client/server protocol, SSLRequest"},
    {"mssql", "MS SQL Server (TDS)", "PRELOGIN", 1433, 0, tds_step, .database = true, .framed = true,
     .source = "MS-TDS 2.2.6.5"},
    {"tds", "MS SQL Server (TDS)", "PRELOGIN", 1433, 0, tds_step, .database = true, .framed = true,
     .source = "MS-TDS 2.2.6.5"},
    {"rdp", "RDP", "RDP_NEG_REQ", 3389, 0, rdp_step, .source = "MS-RDPBCGR 2.2.1.1"},
    {"vnc", "VNC", "VeNCrypt", 5900, 0, vnc_step, .source = "RFB, VeNCrypt"},
    {"http-proxy", "HTTP proxy", "CONNECT", 3128, 0, connect_step, .proxy = true,
     .source = "RFC 9110 9.3.6"},
    {"socks4a", "SOCKS4a proxy", "CONNECT", 1080, 0, socks4_step, .proxy = true,
     .source = "SOCKS 4A"},
    {"socks5", "SOCKS5 proxy", "CONNECT", 1080, 0, socks5_step, .proxy = true,
     .source = "RFC 1928"},
};

const struct tw_protocol *tw_protocol_at(size_t i)
{
    return i < TW_ARRAY_LEN(protocols) ? &protocols[i] : NULL;
}

const struct tw_protocol *tw_protocol_by_name(const char *name)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(protocols); i++)
        if (strcasecmp(name, protocols[i].name) == 0)
            return &protocols[i];
    return NULL;
}

const char *tw_protocol_name(const struct tw_protocol *p)
{
    return p->name;
}

const char *tw_protocol_title(const struct tw_protocol *p)
{
    return p->title;
}

const char *tw_protocol_upgrade(const struct tw_protocol *p)
{
    return p->upgrade;
}

unsigned tw_protocol_port(const struct tw_protocol *p)
{
    return p->port;
}

unsigned tw_protocol_tls_port(const struct tw_protocol *p)
{
    return p->tls_port;
}

bool tw_protocol_is_proxy(const struct tw_protocol *p)
{
    return p->proxy;
}

bool tw_protocol_is_database(const struct tw_protocol *p)
{
    return p->database;
}

/* ---- noting ------------------------------------------------------------------------------------- */

static void fact(struct tw_dialogue *d, enum tw_side from, const char *field, int64_t num,
                 const char *text, struct tw_view data)
{
    uint64_t at = d->now > d->cfg.trace_start ? d->now - d->cfg.trace_start : 0;
    tw_trace_add(d->cfg.trace, (struct tw_fact){.conn = d->cfg.conn, .at = at,
                                                .kind = TW_FACT_DIALOGUE, .from = from,
                                                .msg = TW_NO_MSG, .field = field, .num = num,
                                                .text = text, .data = data,
                                                .source = d->p->source});
}

void dlg_note(struct tw_dialogue *d, enum tw_side from, const char *field, int64_t num,
              struct tw_view text)
{
    char buf[SHOWN];
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < sizeof buf; i++) {
        uint8_t c = text.data[i];
        if (c == '\r')
            continue;
        buf[n++] = c == '\n' ? ' ' : c >= 0x20 && c < 0x7f ? (char)c : '.';
    }
    while (n > 0 && buf[n - 1] == ' ')
        n--;
    buf[n] = '\0';
    fact(d, from, field, num, buf, tw_view_sub(text, 0, SHOWN));
}

void dlg_say(struct tw_dialogue *d, const char *shown, struct tw_view bytes)
{
    tw_wr_bytes(&d->out, bytes);
    fact(d, TW_CLIENT, "request", (int64_t)bytes.len, shown, (struct tw_view){NULL, 0});
}

void dlg_line(struct tw_dialogue *d, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line - 2, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof line - 2)
        return; /* host names are bounded far below */
    fact(d, TW_CLIENT, "request", n, line, (struct tw_view){NULL, 0});
    memcpy(line + n, "\r\n", 2);
    tw_wr_bytes(&d->out, tw_view_of(line, (size_t)n + 2));
}

/* ---- reading ------------------------------------------------------------------------------------ */

struct tw_view dlg_rest(const struct tw_dialogue *d)
{
    return tw_view_sub(tw_buf_view(&d->in), d->pos, d->in.len - d->pos);
}

void dlg_take(struct tw_dialogue *d, size_t n)
{
    size_t left = d->in.len - d->pos;
    d->pos += n < left ? n : left;
}

bool dlg_peek_line(const struct tw_dialogue *d, size_t from, struct tw_view *line, size_t *n)
{
    struct tw_view rest = dlg_rest(d);
    if (from >= rest.len)
        return false;
    const uint8_t *nl = memchr(rest.data + from, '\n', rest.len - from);
    if (nl == NULL)
        return false;
    size_t len = (size_t)(nl - (rest.data + from));
    *n = len + 1;
    if (len > 0 && rest.data[from + len - 1] == '\r')
        len--;
    *line = tw_view_sub(rest, from, len);
    return true;
}

bool dlg_has(struct tw_view v, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= v.len; i++)
        if (strncasecmp((const char *)v.data + i, word, n) == 0)
            return true;
    return false;
}

bool dlg_starts(struct tw_view v, const char *word)
{
    size_t n = strlen(word);
    return v.len >= n && strncasecmp((const char *)v.data, word, n) == 0;
}

/* ---- life ------------------------------------------------------------------------------------------ */

static enum tw_dialogue_state ended(struct tw_dialogue *d, enum tw_dialogue_state st,
                                    const char *word, const char *why)
{
    d->state = st;
    fact(d, st == TW_DIALOGUE_READY ? TW_CLIENT : TW_SERVER, "result", st, why,
         tw_view_str(word));
    return st;
}

enum tw_dialogue_state dlg_refused(struct tw_dialogue *d, const char *why)
{
    return ended(d, TW_DIALOGUE_REFUSED, "refused", why);
}

enum tw_dialogue_state dlg_not_spoken(struct tw_dialogue *d, const char *why)
{
    struct tw_view rest = dlg_rest(d);
    if (rest.len > 0)
        dlg_note(d, TW_SERVER, "answer", (int64_t)rest.len, rest);
    return ended(d, TW_DIALOGUE_NOT_SPOKEN, "not_spoken", why);
}

struct tw_dialogue *tw_dialogue_new(const struct tw_dialogue_config *cfg, uint64_t now)
{
    struct tw_dialogue *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->cfg = *cfg;
    d->p = cfg->protocol;
    d->now = now;
    d->framed = d->p->framed;
    tw_buf_init(&d->in, MAX_IN);
    tw_buf_init(&d->out, MAX_OUT);
    tw_buf_init(&d->frame, MAX_IN);
    fact(d, TW_CLIENT, "protocol", d->p->proxy, d->p->title, tw_view_str(d->p->name));
    d->state = d->p->step(d);
    return d;
}

void tw_dialogue_free(struct tw_dialogue *d)
{
    if (d == NULL)
        return;
    tw_buf_cleanup(&d->in);
    tw_buf_cleanup(&d->out);
    tw_buf_cleanup(&d->frame);
    free(d);
}

/* A TLS record where plain text was expected (RFC 8446 5.1). */
static bool looks_like_tls(struct tw_view v)
{
    return v.len >= 3 && v.data[0] >= 0x14 && v.data[0] <= 0x17 && v.data[1] == 3 &&
           v.data[2] <= 4;
}

enum tw_dialogue_state tw_dialogue_feed(struct tw_dialogue *d, uint64_t now, struct tw_view in,
                                        size_t *used)
{
    *used = 0;
    if (d->state != TW_DIALOGUE_GOING_ON)
        return d->state;
    d->now = now;
    size_t before = d->in.len;
    if (!tw_buf_add(&d->in, in.data, in.len)) {
        *used = in.len;
        return dlg_not_spoken(d, "it says too much without coming to an end");
    }
    while (d->state == TW_DIALOGUE_GOING_ON) {
        size_t pos = d->pos;
        unsigned stage = d->stage;
        if (looks_like_tls(dlg_rest(d)) && !d->p->framed) {
            *used = in.len;
            return dlg_not_spoken(d, "it speaks TLS from the first byte");
        }
        d->state = d->p->step(d);
        if (d->pos == pos && d->stage == stage)
            break; /* waits for more */
    }
    *used = d->pos > before ? d->pos - before : 0;
    if (d->state == TW_DIALOGUE_READY)
        ended(d, d->state, "ready", "TLS starts");
    else
        *used = in.len;
    return d->state;
}

enum tw_dialogue_state tw_dialogue_end(struct tw_dialogue *d, uint64_t now, const char *how)
{
    if (d->state != TW_DIALOGUE_GOING_ON)
        return d->state;
    d->now = now;
    const char *why = strcmp(how, "timeout") == 0 ? "nothing came before the deadline"
                      : strcmp(how, "rst") == 0   ? "the connection was reset"
                      : strcmp(how, "fin") == 0   ? "the connection was closed"
                                                  : "the connection ended";
    return dlg_not_spoken(d, why);
}

struct tw_view tw_dialogue_output(const struct tw_dialogue *d)
{
    return tw_buf_view(&d->out);
}

void tw_dialogue_sent(struct tw_dialogue *d)
{
    tw_buf_drop(&d->out, d->out.len);
}
