/* Causes where the port speaks something else than TLS: the first bytes name it. */
#include "rules/rules_internal.h"

enum kind { OTHER, HTTP, UPGRADE };

struct service {
    const char *name;      /* as in "speaks SMTP" */
    const char *start;     /* first bytes, in text; NULL: test() decides */
    const char *contains;  /* somewhere in the first line; NULL = no condition */
    enum kind kind;
    const char *implicit;  /* port with TLS from the start, or NULL */
    const char *upgrade;   /* command that starts TLS */
};

/* First that fits wins. Sources: the protocols' RFCs; MySQL and PostgreSQL protocol manuals. */
static const struct service services[] = {
    {"HTTP", "HTTP/", NULL, HTTP, NULL, NULL},
    {"HTTP", "<!DOCTYPE", NULL, HTTP, NULL, NULL},
    {"HTTP", "<!doctype", NULL, HTTP, NULL, NULL},
    {"HTTP", "<html", NULL, HTTP, NULL, NULL},
    {"HTTP", "<HTML", NULL, HTTP, NULL, NULL},
    {"SSH", "SSH-", NULL, OTHER, NULL, NULL},
    {"FTP", "220", "FTP", UPGRADE, "990", "AUTH TLS"},
    {"FTP", "220", "ftp", UPGRADE, "990", "AUTH TLS"},
    {"FTP", "530 ", NULL, UPGRADE, "990", "AUTH TLS"},
    {"LMTP", "220", "LMTP", UPGRADE, NULL, "STARTTLS"},
    {"SMTP", "220", NULL, UPGRADE, "465", "STARTTLS"},
    {"SMTP", "421", NULL, UPGRADE, "465", "STARTTLS"},
    {"SMTP", "500 ", NULL, UPGRADE, "465", "STARTTLS"},
    {"SMTP", "502 ", NULL, UPGRADE, "465", "STARTTLS"},
    {"SMTP", "554 ", NULL, UPGRADE, "465", "STARTTLS"},
    {"IMAP", "* OK", NULL, UPGRADE, "993", "STARTTLS"},
    {"IMAP", "* BYE", NULL, UPGRADE, "993", "STARTTLS"},
    {"IMAP", "* BAD", NULL, UPGRADE, "993", "STARTTLS"},
    {"POP3", "+OK", NULL, UPGRADE, "995", "STLS"},
    {"POP3", "-ERR", "POP", UPGRADE, "995", "STLS"},
    {"Redis", "-ERR", NULL, OTHER, NULL, NULL},
    {"Redis", "-DENIED", NULL, OTHER, NULL, NULL},
    {"NNTP", "200 ", NULL, UPGRADE, "563", "STARTTLS"},
    {"NNTP", "201 ", NULL, UPGRADE, "563", "STARTTLS"},
    {"ManageSieve", "\"IMPLEMENTATION\"", NULL, UPGRADE, NULL, "STARTTLS"},
    {"XMPP", "<?xml", "stream", UPGRADE, "5223", "<starttls/>"},
    {"XMPP", "<stream:", NULL, UPGRADE, "5223", "<starttls/>"},
    {"XMPP", "<?xml", NULL, UPGRADE, "5223", "<starttls/>"},
    {"IRC", ":", "NOTICE", UPGRADE, "6697", "STARTTLS"},
    {"IRC", "NOTICE ", NULL, UPGRADE, "6697", "STARTTLS"},
    {"IRC", "ERROR :", NULL, UPGRADE, "6697", "STARTTLS"},
    {"VNC", "RFB ", NULL, OTHER, NULL, NULL},
    {"Memcached", "ERROR\r\n", NULL, OTHER, NULL, NULL},
    {"AMQP", "AMQP", NULL, OTHER, NULL, NULL},
    {"rsync", "@RSYNCD:", NULL, OTHER, NULL, NULL},
    {"ClamAV", "UNKNOWN COMMAND", NULL, OTHER, NULL, NULL},
};

static bool starts_with(struct tw_view v, const char *s)
{
    size_t n = strlen(s);
    return v.len >= n && memcmp(v.data, s, n) == 0;
}

static bool first_line_has(struct tw_view v, const char *s)
{
    const uint8_t *nl = v.len == 0 ? NULL : memchr(v.data, '\n', v.len);
    size_t line = nl == NULL ? v.len : (size_t)(nl - v.data), n = strlen(s);
    for (size_t i = 0; i + n <= line; i++)
        if (memcmp(v.data + i, s, n) == 0)
            return true;
    return false;
}

/* Greeting or error packet: 3 bytes length, sequence number, 0x0a (protocol 10) or 0xff (error). */
static bool is_mysql(struct tw_view v)
{
    if (v.len < 5)
        return false;
    size_t len = (size_t)v.data[0] | (size_t)v.data[1] << 8 | (size_t)v.data[2] << 16;
    return len > 4 && len < 1024 && v.data[3] <= 1 &&
           (v.data[4] == 0x0a || v.data[4] == 0x09 || v.data[4] == 0xff);
}

/* Answer to an SSLRequest-less start: ErrorResponse 'E' with a length or with text. */
static bool is_postgres(struct tw_view v)
{
    if (v.len < 5 || v.data[0] != 'E')
        return false;
    if (starts_with(v, "EFATAL") || starts_with(v, "Einvalid") || starts_with(v, "Eunsupported"))
        return true;
    size_t len = (size_t)v.data[1] << 24 | (size_t)v.data[2] << 16 | (size_t)v.data[3] << 8 |
                 v.data[4];
    return len >= 4 && len < 4096;
}

/* LDAPMessage with Notice of Disconnection: SEQUENCE ... ExtendedResponse [APPLICATION 24]. */
static bool is_ldap(struct tw_view v)
{
    if (v.len < 7 || v.data[0] != 0x30)
        return false;
    for (size_t i = 2; i < v.len && i < 12; i++)
        if (v.data[i] == 0x78 || v.data[i] == 0x61)
            return true;
    return false;
}

/* A server speaks first in HTTP/2: a SETTINGS frame on stream 0 (RFC 9113 3.4, 4.1, 6.5). */
static bool is_http2(struct tw_view v)
{
    static const uint8_t rest[] = {0x04, 0, 0, 0, 0, 0};
    return v.len >= 9 && v.data[0] == 0 && v.data[1] == 0 && v.data[2] % 6 == 0 &&
           memcmp(v.data + 3, rest, sizeof rest) == 0;
}

static const struct service http2 = {"HTTP/2", NULL, NULL, HTTP, NULL, NULL};
static const struct service mysql = {"MySQL", NULL, NULL, UPGRADE, NULL, "the SSL capability"};
static const struct service postgres = {"PostgreSQL", NULL, NULL, UPGRADE, NULL, "SSLRequest"};
static const struct service ldap = {"LDAP", NULL, NULL, UPGRADE, "636", "StartTLS"};

static const struct service *recognise(struct tw_view v)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(services); i++)
        if (starts_with(v, services[i].start) &&
            (services[i].contains == NULL || first_line_has(v, services[i].contains)))
            return &services[i];
    if (is_http2(v))
        return &http2;
    if (is_mysql(v))
        return &mysql;
    if (is_postgres(v))
        return &postgres;
    if (is_ldap(v))
        return &ldap;
    return NULL;
}

/* LDAP, PostgreSQL and others stay silent; their well-known port is a hint. */
static const struct service *by_port(int64_t port)
{
    return port == 389 ? &ldap : port == 5432 ? &postgres : port == 3306 ? &mysql : NULL;
}

/* First bytes from the server that are no TLS: of the baseline, else of a trial in the clear. */
static const struct tw_fact *plain_bytes(const struct tw_case *c)
{
    if (c->base == NULL || c->base->phase >= TW_PHASE_SERVER_HELLO)
        return NULL;
    if (c->base->not_tls != NULL)
        return c->base->not_tls->from == TW_SERVER ? c->base->not_tls : NULL;
    static const char *const plain[] = {"listen", "plain-http", "ask-postgres", "ask-ldap"};
    for (size_t i = 0; i < TW_ARRAY_LEN(plain); i++) {
        const struct tw_conn_view *v = tw_case_trial(c, plain[i]);
        if (v != NULL && v->not_tls != NULL)
            return v->not_tls;
    }
    return NULL;
}

/* What answered so. One letter answers an SSLRequest: S or N (PostgreSQL manual, "SSL Session
 * Encryption"). */
static const struct service *service_of(const struct tw_case *c, const struct tw_fact *bytes)
{
    const struct tw_conn_view *v = tw_case_trial(c, "ask-postgres");
    if (bytes == NULL)
        return NULL;
    if (v != NULL && v->conn == bytes->conn && bytes->data.len == 1 &&
        (bytes->data.data[0] == 'S' || bytes->data.data[0] == 'N'))
        return &postgres;
    return recognise(bytes->data);
}

/* Text of the bytes as a person can read them. */
static const char *show_bytes(struct tw_finding *f, struct tw_view v)
{
    char buf[120];
    size_t n = 0;
    bool text = v.len > 0 && v.data[0] >= 0x20 && v.data[0] < 0x7f;
    for (size_t i = 0; i < v.len && n + 5 < sizeof buf; i++) {
        if (text && (v.data[i] == '\r' || v.data[i] == '\n'))
            break;
        if (v.data[i] >= 0x20 && v.data[i] < 0x7f && text)
            buf[n++] = (char)v.data[i];
        else if (i < 24)
            n += (size_t)snprintf(buf + n, sizeof buf - n, "%02x ", v.data[i]);
    }
    buf[n] = '\0';
    const char *s = tw_arena_str(f->arena, buf);
    return s == NULL ? "" : s;
}

static void cite_bytes(struct tw_finding *f, const struct tw_fact *bytes)
{
    char source[48];
    snprintf(source, sizeof source, "trial %u, first bytes", bytes->conn);
    tw_finding_cite(f, "the server's first bytes", source, "%s", show_bytes(f, bytes->data));
}

/* ---- plaintext-on-tls-port ------------------------------------------------------------------------ */

static bool match_plaintext(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bytes = plain_bytes(c);
    const struct service *s = service_of(c, bytes);
    if (s == NULL || s->kind != HTTP)
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite_bytes(f, bytes);
    tw_finding_not(f, "proxy-scheme-mismatch", "not excluded if this is a proxy's port");
    tw_finding_not(f, "captive-portal", "not excluded if all names lead here");
    tw_finding_summary(f, "Port %lld speaks plain %s: it answered \"%s\".", (long long)c->port,
                       s->name, show_bytes(f, bytes->data));
    return true;
}

const struct tw_rule tw_rule_plaintext_on_tls_port = {
    .id = "plaintext-on-tls-port",
    .title = "The port speaks plain HTTP, the client speaks TLS",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The client sent a ClientHello and got text back. OpenSSL calls this \"wrong "
               "version number\", browsers ERR_SSL_PROTOCOL_ERROR or "
               "SSL_ERROR_RX_RECORD_TOO_LONG: they read the first letters as a TLS record header. "
               "TLS is not switched on for this listener, or the client uses the wrong port.",
    .evidence = "The first bytes from the server are HTTP, not a TLS record.",
    .fix = {{"nginx", "Switch TLS on for the listener.",
             "listen 443 ssl;\nssl_certificate     fullchain.pem;\nssl_certificate_key key.pem;"},
            {"Apache", "Switch TLS on in the virtual host of this port.",
             "SSLEngine on\nSSLCertificateFile    fullchain.pem\nSSLCertificateKeyFile key.pem"},
            {"HAProxy", "Give the bind line a certificate.", "bind :443 ssl crt site.pem"},
            {"client", "Use http://, or the port on which TLS is served.", NULL}},
    .lookalikes = {{"starttls-needed", "the greeting is that of a mail or directory server"},
                   {"wrong-service-on-port", "another protocol answers"},
                   {"proxy-scheme-mismatch", "it is a proxy's port, called with https://"},
                   {"captive-portal", "the network answers instead of the server"}},
    .refs = {"RFC 8446 §5.1", "RFC 9110 §4.2.2"},
    .match = match_plaintext,
};

/* ---- starttls-needed ---------------------------------------------------------------------------------- */

static bool match_starttls(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bytes = plain_bytes(c);
    const struct service *s = service_of(c, bytes);
    bool by_bytes = s != NULL && s->kind == UPGRADE;
    bool mute = bytes == NULL && tw_rejected_hello(c->base) && c->base->end != TW_END_ALERT &&
                by_port(c->port) != NULL;
    if (!by_bytes && !mute)
        return false;
    s = by_bytes ? s : by_port(c->port);
    f->certainty = by_bytes ? TW_PROVEN : TW_POSSIBLE;
    f->failed_at = "server_hello";
    if (by_bytes)
        cite_bytes(f, bytes);
    else
        tw_finding_cite(f, "port", "settings", "%lld is the port of %s", (long long)c->port,
                        s->name);
    tw_finding_fact(f, "after our ClientHello", c->base->end_fact);
    if (s->implicit != NULL)
        tw_finding_summary(f, "Port %lld speaks %s in the clear; TLS starts there with %s (with TLS "
                              "from the first byte: port %s).",
                           (long long)c->port, s->name, s->upgrade, s->implicit);
    else
        tw_finding_summary(f, "Port %lld speaks %s in the clear; TLS starts there with %s.",
                           (long long)c->port, s->name, s->upgrade);
    return true;
}

const struct tw_rule tw_rule_starttls_needed = {
    .id = "starttls-needed",
    .title = "TLS is spoken from the first byte where an upgrade (STARTTLS) is expected",
    .category = "network",
    .side = TW_CLIENT,
    .explain = "The service greets in plain text and starts TLS only after a command: STARTTLS, "
               "STLS, AUTH TLS, PostgreSQL's SSLRequest, MySQL's SSL capability. A client that "
               "sends a ClientHello at once is not understood.",
    .evidence = "The greeting or error of SMTP, IMAP, POP3, FTP, LDAP, XMPP, NNTP, MySQL or "
                "PostgreSQL instead of a ServerHello.",
    .fix = {{"client", "Set the connection to STARTTLS for this port, or use the port with implicit "
                       "TLS (465, 993, 995, 990, 636).", NULL},
            {"openssl", "Test with the upgrade.",
             "openssl s_client -connect HOST:25 -starttls smtp"},
            {"PostgreSQL", "Let the client library negotiate.", "psql 'sslmode=verify-full host=...'"},
            {"nodemailer", "For port 587.", "{ port: 587, secure: false, requireTLS: true }"}},
    .lookalikes = {{"starttls-not-offered", "the service has no upgrade on offer"},
                   {"protocol-prelude-missing", "a TLS proxy stands before a database"},
                   {"wrong-service-on-port", "the service has no TLS at all"}},
    .refs = {"RFC 3207 §4", "RFC 2595 §3", "RFC 4217 §4", "RFC 4511 §4.14", "RFC 6120 §5"},
    .match = match_starttls,
};

/* ---- wrong-service-on-port ------------------------------------------------------------------------------ */

static bool match_wrong_service(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bytes = plain_bytes(c);
    if (bytes == NULL || bytes->data.len == 0)
        return tw_upgrade_not_spoken(c, f);
    const struct service *s = service_of(c, bytes);
    if (s != NULL && s->kind != OTHER)
        return false;
    f->certainty = s != NULL ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_bytes(f, bytes);
    if (s != NULL)
        tw_finding_summary(f, "Port %lld speaks %s, not TLS.", (long long)c->port, s->name);
    else
        tw_finding_summary(f, "Port %lld answers with bytes that are no TLS record: %s.",
                           (long long)c->port, show_bytes(f, bytes->data));
    return true;
}

const struct tw_rule tw_rule_wrong_service_on_port = {
    .id = "wrong-service-on-port",
    .title = "Another protocol answers on this port",
    .category = "network",
    .side = TW_CLIENT,
    .explain = "A service that has nothing to do with TLS listens here: SSH, Redis, VNC. The port "
               "is wrong, or a port map leads to the wrong process.",
    .evidence = "The first bytes are the greeting of another protocol, or no TLS record at all.",
    .fix = {{"client", "Use the port on which TLS is served.", NULL},
            {"server", "Compare the port map with the process that listens.",
             "ss -ltnp; docker port NAME; kubectl get svc -o wide"}},
    .lookalikes = {{"starttls-needed", "the service can upgrade to TLS"},
                   {"plaintext-on-tls-port", "it is the right service, without TLS"}},
    .refs = {"RFC 6335 §8", "RFC 8446 §5.1"},
    .match = match_wrong_service,
};
