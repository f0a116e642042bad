/* Causes before TLS: a STARTTLS upgrade that is not offered or not wanted, a proxy that refuses. */
#include "rules/rules_internal.h"

#include "dialogue/dialogue.h"

/* How the dialogue before TLS ended on the baseline. */
struct upgrade {
    bool known, proxy;
    enum tw_dialogue_state state;
    const struct tw_protocol *protocol;
    const struct tw_fact *result, *last; /* the end, and the server's last words; may be NULL */
};

static struct upgrade upgrade_of(const struct tw_case *c)
{
    struct upgrade u = {0};
    const struct tw_fact *f = NULL;
    while (c->base != NULL && (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_DIALOGUE,
                                                 NULL)) != NULL) {
        if (strcmp(f->field, "protocol") == 0) {
            char name[32];
            snprintf(name, sizeof name, "%.*s", (int)(f->data.len < 31 ? f->data.len : 31),
                     (const char *)f->data.data);
            u = (struct upgrade){.protocol = tw_protocol_by_name(name), .proxy = f->num != 0};
        } else if (strcmp(f->field, "result") == 0) {
            u.result = f;
            u.state = (enum tw_dialogue_state)f->num;
        } else if (f->from == TW_SERVER) {
            u.last = f;
        }
    }
    u.known = u.protocol != NULL && u.result != NULL;
    return u;
}

static void cite_dialogue(const struct tw_case *c, struct tw_finding *f, const struct upgrade *u)
{
    const struct tw_fact *x = NULL;
    char source[64];
    snprintf(source, sizeof source, "trial %u, %s", c->base->conn, tw_protocol_title(u->protocol));
    while ((x = tw_trace_next(c->trace, x, c->base->conn, TW_FACT_DIALOGUE, NULL)) != NULL)
        if (x->from == TW_SERVER && strcmp(x->field, "result") != 0 && x->text != NULL)
            tw_finding_cite(f, strcmp(x->field, "greeting") == 0       ? "greeting"
                               : strcmp(x->field, "capabilities") == 0 ? "capabilities"
                                                                       : "answer",
                            source, "%s", x->text);
    tw_finding_cite(f, "so", source, "%s", u->result->text == NULL ? "" : u->result->text);
}

/* ---- starttls-not-offered ----------------------------------------------------------------------- */

/* Firewalls that inspect SMTP overwrite the word: 250-XXXXXXXA (Cisco PIX and ASA, "fixup"). */
static bool is_overwritten(const struct tw_case *c)
{
    const struct tw_fact *f = tw_trace_first(c->trace, c->base->conn, TW_FACT_DIALOGUE,
                                             "capabilities");
    return f != NULL && f->text != NULL && strstr(f->text, "XXXXXXX") != NULL;
}

static bool match_not_offered(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!u.known || u.proxy || tw_protocol_is_database(u.protocol) ||
        u.state != TW_DIALOGUE_REFUSED)
        return false;
    bool stripped = is_overwritten(c);
    f->certainty = TW_PROVEN;
    f->side = stripped ? TW_NETWORK : TW_SERVER;
    f->failed_at = "starttls";
    cite_dialogue(c, f, &u);
    if (stripped)
        tw_finding_summary(f, "A firewall between overwrites %s in the server's capabilities.",
                           tw_protocol_upgrade(u.protocol));
    else
        tw_finding_summary(f, "The %s server at port %lld does not go on to TLS: %s.",
                           tw_protocol_title(u.protocol), (long long)c->port, u.result->text);
    if (!stripped)
        tw_finding_not(f, "antivirus-interception", "not excluded: a mail shield on this machine "
                                                    "can hide the upgrade; compare elsewhere");
    return true;
}

const struct tw_rule tw_rule_starttls_not_offered = {
    .id = "starttls-not-offered",
    .title = "The server does not offer STARTTLS, or something strips it",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The service greets in plain text and would start TLS after a command, but it does "
               "not list that command or refuses it. TLS is switched off there, its key could not "
               "be loaded (SMTP answers 454 then), or a device in the path removes the word.",
    .evidence = "The capabilities lack the upgrade, or the command is answered with an error.",
    .fix = {{"Postfix", "Switch TLS on and give it a certificate.",
             "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/ssl/fullchain.pem\n"
             "smtpd_tls_key_file = /etc/ssl/private/key.pem"},
            {"Dovecot", "Switch TLS on.", "ssl = yes\nssl_cert = </etc/ssl/fullchain.pem\n"
                                          "ssl_key = </etc/ssl/private/key.pem"},
            {"OpenLDAP", "Give slapd a certificate.",
             "olcTLSCertificateFile: /etc/ldap/fullchain.pem\n"
             "olcTLSCertificateKeyFile: /etc/ldap/key.pem"},
            {"Cisco ASA", "Stop rewriting SMTP.", "no inspect esmtp"},
            {"client", "Compare from another network: there the word may be in the list.", NULL}},
    .lookalikes = {{"starttls-needed", "the server offers it, the client does not use it"},
                   {"implicit-tls-needed", "the port wants TLS from the first byte"}},
    .refs = {"RFC 3207 §4", "RFC 2595 §3", "RFC 4217 §4", "RFC 4511 §4.14", "RFC 6120 §5"},
    .match = match_not_offered,
};

/* ---- db-tls-disabled ------------------------------------------------------------------------------ */

static bool match_db(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!u.known || !tw_protocol_is_database(u.protocol) || u.state != TW_DIALOGUE_REFUSED)
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "starttls";
    cite_dialogue(c, f, &u);
    tw_finding_summary(f, "The %s server speaks no TLS: %s.", tw_protocol_title(u.protocol),
                       u.result->text);
    return true;
}

const struct tw_rule tw_rule_db_tls_disabled = {
    .id = "db-tls-disabled",
    .title = "The database server has TLS switched off",
    .category = "network",
    .side = TW_SERVER,
    .explain = "Before TLS a database client asks for it: PostgreSQL's SSLRequest, the SSL "
               "capability of MySQL, PRELOGIN of MS SQL Server. This server says no.",
    .evidence = "PostgreSQL answers N, MySQL's greeting lacks the SSL capability, MS SQL Server "
                "answers ENCRYPT_NOT_SUP.",
    .fix = {{"PostgreSQL", "Switch TLS on.",
             "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'"},
            {"MySQL", "Give it a certificate.",
             "[mysqld]\nssl_cert = /etc/mysql/fullchain.pem\nssl_key = /etc/mysql/key.pem"},
            {"client", "Where TLS is not wanted, ask for none.", "sslmode=disable"}},
    .lookalikes = {{"protocol-prelude-missing", "the client sends a ClientHello without asking"},
                   {"wrong-service-on-port", "something else answers there"}},
    .refs = {"PostgreSQL: Protocol, SSL Session Encryption", "MS-TDS §2.2.6.5"},
    .match = match_db,
};

/* ---- implicit-tls-needed ---------------------------------------------------------------------------- */

static bool match_implicit(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!u.known || u.proxy || u.state != TW_DIALOGUE_NOT_SPOKEN)
        return false;
    const struct tw_conn_view *direct = tw_case_trial(c, "tls-direct");
    if (direct == NULL || direct->phase < TW_PHASE_SERVER_HELLO)
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "starttls";
    cite_dialogue(c, f, &u);
    tw_finding_trial(f, c, "tls-direct");
    tw_finding_summary(f, "Port %lld wants TLS from the first byte; the client waits for %s in plain "
                          "text.", (long long)c->port, tw_protocol_title(u.protocol));
    return true;
}

const struct tw_rule tw_rule_implicit_tls_needed = {
    .id = "implicit-tls-needed",
    .title = "The client wants to upgrade on a port that speaks TLS from the first byte",
    .category = "network",
    .side = TW_CLIENT,
    .explain = "The client connects in plain text and waits for a greeting, which this server "
               "sends only inside TLS. Both wait until one gives up.",
    .evidence = "No greeting in plain text; a ClientHello is answered at once.",
    .fix = {{"client", "Switch from STARTTLS to TLS (\"SSL/TLS\", \"SMTPS\", smtp_tls_wrappermode) "
                       "for this port: 465, 993, 995, 636.", NULL},
            {"nodemailer", "For port 465.", "{ port: 465, secure: true }"},
            {"openssl", "Test without the upgrade.", "openssl s_client -connect HOST:465"}},
    .lookalikes = {{"tcp-timeout", "there is no connection at all"},
                   {"mtu-blackhole", "the silence comes after a ClientHello"}},
    .refs = {"RFC 8314 §3"},
    .match = match_implicit,
};

/* ---- wrong service under an upgrade: part of wrong-service-on-port ------------------------------------ */

bool tw_upgrade_not_spoken(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!u.known || u.state != TW_DIALOGUE_NOT_SPOKEN || u.last == NULL)
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = u.proxy ? "proxy" : "starttls";
    cite_dialogue(c, f, &u);
    tw_finding_summary(f, "What answers there is no %s: %s.", tw_protocol_title(u.protocol),
                       u.result->text);
    return true;
}

bool tw_upgrade_unanswered(const struct tw_case *c)
{
    struct upgrade u = upgrade_of(c);
    return u.known && !u.proxy && u.state == TW_DIALOGUE_NOT_SPOKEN;
}

bool tw_proxy_unanswered(const struct tw_case *c)
{
    struct upgrade u = upgrade_of(c);
    return u.known && u.proxy && u.state == TW_DIALOGUE_NOT_SPOKEN;
}

static bool answers_tls(const struct tw_case *c, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    return v != NULL && (v->phase >= TW_PHASE_SERVER_HELLO || v->alert >= 0);
}

bool tw_upgrade_dropped(const struct tw_case *c)
{
    struct upgrade u = upgrade_of(c);
    if (answers_tls(c, "tls-direct") || answers_tls(c, "proxy-tls"))
        return false;
    return u.known && u.last == NULL && u.state == TW_DIALOGUE_NOT_SPOKEN &&
           (c->base->end == TW_END_FIN || c->base->end == TW_END_RST);
}

/* ---- proxy-connect-refused --------------------------------------------------------------------------- */

static bool match_proxy(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!u.known || !u.proxy || u.state != TW_DIALOGUE_REFUSED)
        return false;
    bool password = u.result->text != NULL && strstr(u.result->text, "password") != NULL;
    f->certainty = TW_PROVEN;
    f->side = password ? TW_CLIENT : TW_NETWORK;
    f->failed_at = "proxy";
    cite_dialogue(c, f, &u);
    tw_finding_summary(f, "The %s does not open a tunnel to %s:%lld: %s (%s).",
                       tw_protocol_title(u.protocol), c->host, (long long)c->port, u.result->text,
                       u.last == NULL || u.last->text == NULL ? "no answer" : u.last->text);
    return true;
}

const struct tw_rule tw_rule_proxy_connect_refused = {
    .id = "proxy-connect-refused",
    .title = "The proxy refuses the tunnel",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The client asks a proxy for a connection to the server, and the proxy says no: it "
               "wants a password (407), its rules forbid the host or port (403), or it cannot reach "
               "the server itself (502, 503, 504). No byte of TLS was sent.",
    .evidence = "The status line of CONNECT, or the SOCKS reply code.",
    .fix = {{"client", "Give the proxy's user and password.", "HTTPS_PROXY=http://USER:PASSWORD@proxy:3128"},
            {"client", "Reach internal names without the proxy.", "NO_PROXY=.internal.example"},
            {"Squid", "Allow the port.", "acl SSL_ports port 443 8443\n"
                                         "http_access deny CONNECT !SSL_ports"}},
    .lookalikes = {{"proxy-required", "no proxy is configured, and direct access is blocked"},
                   {"proxy-scheme-mismatch", "TLS is spoken to a plain proxy port"}},
    .refs = {"RFC 9110 §9.3.6", "RFC 1928 §6"},
    .match = match_proxy,
};

/* ---- proxy-scheme-mismatch ---------------------------------------------------------------------------- */

static bool match_proxy_scheme(const struct tw_case *c, struct tw_finding *f)
{
    struct upgrade u = upgrade_of(c);
    if (!tw_proxy_unanswered(c) || !answers_tls(c, "proxy-tls"))
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "proxy";
    cite_dialogue(c, f, &u);
    const struct tw_conn_view *tls = tw_case_trial(c, "proxy-tls");
    char source[32];
    snprintf(source, sizeof source, "trial %u", tls->conn);
    tw_finding_cite(f, tls->changed, source, "it answers");
    tw_finding_summary(f, "The proxy's port speaks TLS itself; it was asked in plain text.");
    return true;
}

const struct tw_rule tw_rule_proxy_scheme_mismatch = {
    .id = "proxy-scheme-mismatch",
    .title = "The proxy wants TLS and is asked in plain text, or the other way round",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The scheme of a proxy setting is that of the proxy itself, not of the target. With "
               "https:// the client speaks TLS to the proxy, which most proxies answer with an HTTP "
               "error (\"wrong version number\").",
    .evidence = "The proxy's port answers a ClientHello with HTTP, or plain text with TLS.",
    .fix = {{"client", "Name the proxy with http://, also for HTTPS targets.",
             "HTTPS_PROXY=http://proxy:3128"},
            {"Python requests", "The same in the code.",
             "proxies={'https': 'http://proxy:3128'}"}},
    .lookalikes = {{"plaintext-on-tls-port", "the same bytes, but it is the server's port"}},
    .refs = {"RFC 9110 §9.3.6"},
    .match = match_proxy_scheme,
};
