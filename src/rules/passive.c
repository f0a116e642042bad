/*
 * Causes that a bystander sees best: what the client did, and the transports that only captures
 * show. They read the same facts as all others; the one thing that a capture adds is the field
 * "hidden_alert" (TLS 1.3: a record of the size that only an alert has).
 */
#include "rules/rules_internal.h"

bool tw_case_passive(const struct tw_case *c)
{
    const char *vantage = tw_trace_setting(c->trace, "vantage");
    return vantage != NULL && strcmp(vantage, "pcap") == 0 && c->base != NULL;
}

const struct tw_fact *tw_case_alert(const struct tw_case *c, enum tw_side from)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_ALERT, NULL)) != NULL)
        if (f->from == from && f->num != TW_ALERT_CLOSE_NOTIFY)
            return f;
    return NULL;
}

const struct tw_fact *tw_case_hidden_alert(const struct tw_case *c, enum tw_side from)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_FIELD, "hidden_alert")) != NULL)
        if (f->from == from)
            return f;
    return NULL;
}

static bool transport_is(const struct tw_case *c, const char *word)
{
    const char *t = tw_trace_setting(c->trace, "transport");
    return t != NULL && strcmp(t, word) == 0;
}

static enum tw_side other(enum tw_side s)
{
    return s == TW_CLIENT ? TW_SERVER : TW_CLIENT;
}

static const char *alert_name(const struct tw_fact *f)
{
    const struct tw_code *c = tw_alert_by_code((uint8_t)f->num);
    return c == NULL ? "an unassigned alert" : c->name;
}

/* ---- plain-client-to-tls-port ---------------------------------------------------------------- */

static const struct tw_fact *plain_client_bytes(const struct tw_case *c)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_NOT_TLS, NULL)) != NULL)
        if (f->from == TW_CLIENT)
            return f;
    return NULL;
}

static void first_line(struct tw_view v, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < v.len && n + 1 < cap && v.data[n] != '\r' && v.data[n] != '\n') {
        buf[n] = v.data[n] >= 0x20 && v.data[n] < 0x7f ? (char)v.data[n] : '.';
        n++;
    }
    buf[n] = '\0';
}

static bool match_plain_client(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bytes = plain_client_bytes(c);
    char line[80];
    if (bytes == NULL || c->base->hello_sent)
        return false;
    const struct tw_fact *alert = tw_case_alert(c, TW_SERVER),
                         *answer =
                             tw_trace_first(c->trace, c->base->conn, TW_FACT_DIALOGUE, "answer");
    first_line(bytes->data, line, sizeof line);
    f->certainty = alert != NULL || answer != NULL ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "client_hello";
    tw_finding_cite(f, "first bytes of the client", "first bytes", "\"%s\"", line);
    if (alert != NULL)
        tw_finding_fact(f, "the server answers in TLS", alert);
    else
        tw_finding_fact(f, "the server answers", answer);
    tw_finding_summary(f, "The client sent \"%s\" in clear to a port that speaks TLS.", line);
    return true;
}

const struct tw_rule tw_rule_plain_client_to_tls_port = {
    .id = "plain-client-to-tls-port",
    .title = "The client speaks plain text to a TLS port",
    .category = "client",
    .side = TW_CLIENT,
    .explain =
        "The client sent a request without TLS to a port where the server expects a "
        "ClientHello: http:// with port 443 or 8443, a health check without TLS, a proxy "
        "that talks plainly to a TLS backend. Servers answer with an alert or with \"400 The "
        "plain HTTP request was sent to HTTPS port\".",
    .evidence =
        "The client's first bytes are text, and the server answers with a TLS alert or says "
        "that it wants TLS.",
    .fix = {{"client", "Use https:// (or the protocol's TLS option) for this port.", NULL},
            {"nginx", "A proxy must name the scheme of its backend.",
             "proxy_pass https://backend:443;"},
            {"nginx",
             "To lead browsers over to TLS:", "error_page 497 =301 https://$host$request_uri;"},
            {"HAProxy", "Health checks and traffic of a TLS backend need ssl.",
             "server web 192.0.2.1:443 ssl verify required ca-file ca.pem check"}},
    .lookalikes = {{"plaintext-on-tls-port", "there the server is the one that speaks no TLS"},
                   {"proxy-protocol-mismatch", "the text begins with PROXY"}},
    .refs = {"RFC 9110 §4.2.2", "RFC 8446 §5.1"},
    .match = match_plain_client,
};

/* ---- client-rejected-server-cert ------------------------------------------------------------- */

static bool is_certificate_alert(int64_t alert)
{
    return (alert >= TW_ALERT_BAD_CERTIFICATE && alert <= TW_ALERT_CERTIFICATE_UNKNOWN) ||
           alert == TW_ALERT_UNKNOWN_CA || alert == TW_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE;
}

static bool client_hung_up(const struct tw_conn_view *v)
{
    return v->end_fact != NULL && v->end_fact->from == TW_CLIENT;
}

static bool match_client_rejected(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_case_passive(c) || c->base->phase < TW_PHASE_SERVER_HELLO || c->base->ok)
        return false;
    const struct tw_fact *alert = tw_case_alert(c, TW_CLIENT),
                         *hidden = tw_case_hidden_alert(c, TW_CLIENT);
    bool had_certificate = c->base->phase >= TW_PHASE_CERTIFICATE || c->base->version >= TW_TLS13;
    f->failed_at = "certificate";
    if (alert != NULL && is_certificate_alert(alert->num)) {
        f->certainty = TW_LIKELY;
        tw_finding_fact(f, "the client's word", alert);
        tw_finding_summary(f, "The client refused the server's certificate with %s.",
                           alert_name(alert));
        return true;
    }
    if (alert != NULL || !had_certificate || tw_case_alert(c, TW_SERVER) != NULL)
        return false;
    if (hidden != NULL) {
        f->certainty = TW_LIKELY;
        tw_finding_fact(f, "in place of its Finished the client sent", hidden);
        tw_finding_summary(f,
                           "The client answered the server's flight with an alert; TLS 1.3 hides "
                           "which, nearly always it is about the certificate.");
    } else if (client_hung_up(c->base)) {
        f->certainty = TW_POSSIBLE;
        tw_finding_fact(f, "the client left after the server's flight", c->base->end_fact);
        tw_finding_summary(f, "The client closed the connection after the server's certificate, "
                              "without a word.");
    } else {
        return false;
    }
    tw_finding_not(f, "user-cancelled", "not excluded: the client does not say why");
    return true;
}

const struct tw_rule tw_rule_client_rejected_server_cert = {
    .id = "client-rejected-server-cert",
    .title = "The client refused the server's certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain =
        "The client ended the handshake after it had seen the server's certificate. Why, only "
        "the client knows: its trust store, its clock, the name it wanted, a pin. When the "
        "certificate itself shows a fault, that is named as the cause instead.",
    .evidence =
        "A certificate alert from the client; in TLS 1.3 a protected record of an alert's size "
        "in place of its Finished; or it hangs up right after the certificate.",
    .fix = {{"client", "Read the client's own log; it names the reason.", NULL},
            {"server", "Look at the chain as this client would, with its trust store.",
             "tlswhy check --ca CLIENT-ROOTS.pem HOST:PORT"},
            {"client", "Run the failing command watched.", "tlswhy run -- COMMAND"}},
    .lookalikes = {{"bad-record-mac",
                    "the alert is 20, and about bytes, not about the certificate"},
                   {"user-cancelled", "the client gave up for a reason of its own"}},
    .refs = {"RFC 8446 §6.2", "RFC 5246 §7.2.2"},
    .match = match_client_rejected,
};

/* ---- user-cancelled -------------------------------------------------------------------------- */

static const struct tw_fact *close_notify(const struct tw_case *c)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_ALERT, NULL)) != NULL)
        if (f->from == TW_CLIENT && f->num == TW_ALERT_CLOSE_NOTIFY)
            return f;
    return NULL;
}

static bool match_user_cancelled(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_case_passive(c) || !c->base->hello_sent || c->base->phase >= TW_PHASE_COMPLETE)
        return false;
    const struct tw_fact *alert = tw_case_alert(c, TW_CLIENT), *bye = close_notify(c);
    if (alert != NULL && alert->num != TW_ALERT_USER_CANCELED)
        return false;
    if (alert != NULL) {
        f->certainty = TW_PROVEN;
        tw_finding_fact(f, "the client's word", alert);
        tw_finding_summary(f, "The client cancelled the handshake (user_canceled).");
        return true;
    }
    if (bye != NULL) {
        f->certainty = TW_LIKELY;
        tw_finding_fact(f, "in the middle of the handshake", bye);
        tw_finding_summary(f, "The client closed the connection in good order before the handshake "
                              "was complete.");
        return true;
    }
    if (!client_hung_up(c->base) || c->base->peer_sent_bytes || c->base->alert >= 0)
        return false;
    uint64_t waited = c->base->end_fact->at - c->base->hello_at;
    f->certainty = TW_POSSIBLE;
    f->failed_at = "server_hello";
    tw_finding_fact(f, "the client left before any answer", c->base->end_fact);
    tw_finding_summary(f,
                       "The client gave up %.1f s after its ClientHello; the server had sent "
                       "nothing.",
                       (double)waited / 1e9);
    tw_finding_not(f, "close-on-client-hello", "the client closed first, not the server");
    return true;
}

const struct tw_rule tw_rule_user_cancelled = {
    .id = "user-cancelled",
    .title = "The client gave up by itself",
    .category = "client",
    .side = TW_CLIENT,
    .explain =
        "The client ended the handshake for reasons of its own: a dialog was dismissed, a page "
        "left, a timeout ran out, a race between two addresses was won by the other. A few are "
        "normal. Many from one client mean that its timeout is too short or the server too slow.",
    .evidence =
        "user_canceled or close_notify from the client before the handshake was complete, or "
        "it closes before the server answered.",
    .fix = {{"client", "Nothing, when it is rare.", NULL},
            {"client", "When the client waits too briefly, raise its connect timeout.",
             "curl --connect-timeout 10 https://HOST/"},
            {"server", "When the answer takes long, look at what the server waits for.", NULL}},
    .lookalikes = {{"benign-probe", "it comes from machines, at regular intervals"},
                   {"client-rejected-server-cert", "the client had seen the certificate before"}},
    .refs = {"RFC 8446 §6.1"},
    .match = match_user_cancelled,
};

/* ---- record-overflow ------------------------------------------------------------------------- */

static bool match_record_overflow(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL || c->base->ok)
        return false;
    const struct tw_fact *seen = tw_trace_first(c->trace, c->base->conn, TW_FACT_LIMIT,
                                                "record_overflow"),
                         *alert = tw_case_alert(c, TW_CLIENT);
    if (alert == NULL || alert->num != TW_ALERT_RECORD_OVERFLOW)
        alert = tw_case_alert(c, TW_SERVER);
    if (alert != NULL && alert->num != TW_ALERT_RECORD_OVERFLOW)
        alert = NULL;
    if (seen == NULL && alert == NULL)
        return false;
    f->certainty = seen != NULL ? TW_PROVEN : TW_LIKELY;
    f->side = seen != NULL ? seen->from : other(alert->from);
    if (seen != NULL)
        tw_finding_cite(f, "the record's header", "record", "%s", seen->text);
    tw_finding_fact(f, "the other side's answer", alert);
    tw_finding_summary(f, "The %s sent a record that is longer than a record may be.",
                       tw_side_name(f->side));
    return true;
}

const struct tw_rule tw_rule_record_overflow = {
    .id = "record-overflow",
    .title = "A record is longer than records may be",
    .category = "protocol",
    .side = TW_SERVER,
    .explain =
        "A record holds at most 16,384 bytes and what protection adds, or less where a limit "
        "was agreed. Who sends more has a bug in cutting records, ignores record_size_limit or "
        "max_fragment_length, or talks to a device whose buffer is smaller than TLS allows.",
    .evidence = "A record header announces more than 16,640 bytes (18,432 before TLS 1.3), or one "
                "side sends record_overflow.",
    .fix = {{"embedded client", "Offer record_size_limit, or enlarge the input buffer.",
             "#define MBEDTLS_SSL_IN_CONTENT_LEN 16384"},
            {"server", "Honour record_size_limit: update the TLS library.", NULL}},
    .lookalikes = {{"plaintext-on-tls-port", "text read as a record header gives absurd lengths"}},
    .refs = {"RFC 8446 §5.1", "RFC 8449"},
    .match = match_record_overflow,
};

/* ---- peer-implementation-bug ----------------------------------------------------------------- */

static bool blames_peer(int64_t alert)
{
    return alert == TW_ALERT_UNEXPECTED_MESSAGE || alert == TW_ALERT_ILLEGAL_PARAMETER ||
           alert == TW_ALERT_DECODE_ERROR || alert == TW_ALERT_MISSING_EXTENSION ||
           alert == TW_ALERT_UNSUPPORTED_EXTENSION;
}

static const struct tw_fact *blaming_alert(const struct tw_case *c)
{
    for (int i = 0; i < 2; i++) {
        const struct tw_fact *a = tw_case_alert(c, i == 0 ? TW_CLIENT : TW_SERVER);
        if (a != NULL && blames_peer(a->num))
            return a;
    }
    return NULL;
}

static bool match_peer_bug(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_case_passive(c) || c->base->ok)
        return false;
    const struct tw_fact *alert = blaming_alert(c);
    const struct tw_fact *wrong =
        c->base->malformed != NULL ? c->base->malformed : c->base->unexpected;
    if (wrong != NULL && wrong->msg == TW_MSG_CLIENT_HELLO && transport_is(c, "dtls"))
        wrong = NULL; /* DTLS repeats itself */
    bool fits = wrong != NULL && (alert == NULL || alert->from != wrong->from);
    if (!fits && alert == NULL)
        return false;
    f->certainty = fits && alert != NULL ? TW_LIKELY : TW_POSSIBLE;
    f->side = fits ? wrong->from : other(alert->from);
    if (fits)
        tw_finding_cite(f, wrong->kind == TW_FACT_MALFORMED ? "cannot be decoded" : "out of order",
                        "handshake", "%s from the %s: %s%s%s",
                        tw_message_title(wrong->msg) != NULL ? tw_message_title(wrong->msg)
                                                             : "a message",
                        tw_side_name(wrong->from), wrong->field, wrong->text != NULL ? ", " : "",
                        wrong->text != NULL ? wrong->text : "");
    tw_finding_fact(f, "the other side's answer", alert);
    if (alert != NULL)
        tw_finding_summary(f, "The %s calls what the %s sent a breach of the protocol (%s).",
                           tw_side_name(alert->from), tw_side_name(other(alert->from)),
                           alert_name(alert));
    else
        tw_finding_summary(f, "The %s sent a message that breaks the protocol.",
                           tw_side_name(f->side));
    if (!fits)
        tw_finding_not(f, "extension-intolerance",
                       "not excluded: the one that complains may be wrong");
    return true;
}

const struct tw_rule tw_rule_peer_implementation_bug = {
    .id = "peer-implementation-bug",
    .title = "One side breaks the protocol",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "A message came out of order, cannot be decoded, or carries a value that was never "
               "offered. That is a bug in the TLS implementation of the side that sent it, or the "
               "other side is stricter than the protocol asks.",
    .evidence = "unexpected_message, illegal_parameter, decode_error, missing_extension or "
                "unsupported_extension from the other side, and a message that shows the breach.",
    .fix = {{"either side",
             "Update the side that broke the protocol; until then switch the feature "
             "off that it gets wrong.",
             NULL},
            {"either side", "Report it with the capture; it holds the proof.", NULL}},
    .lookalikes = {{"extension-intolerance", "there a legal ClientHello is refused"}},
    .refs = {"RFC 8446 §6.2"},
    .match = match_peer_bug,
};

/* ---- dtls-problem ---------------------------------------------------------------------------- */

static unsigned hellos(const struct tw_case *c)
{
    unsigned n = 0;
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_MESSAGE, NULL)) != NULL)
        n += f->msg == TW_MSG_CLIENT_HELLO;
    return n;
}

static bool match_dtls_problem(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL || !transport_is(c, "dtls") || c->base->ok || c->base->alert >= 0 ||
        c->base->our_alert >= 0 || !c->base->hello_sent)
        return false;
    unsigned n = hellos(c);
    f->certainty = TW_LIKELY;
    f->side = TW_NETWORK;
    tw_finding_cite(f, "ClientHello messages", "datagrams", "%u", n);
    tw_finding_cite(f, "the server's answer", "datagrams", "%s",
                    c->base->phase >= TW_PHASE_SERVER_HELLO ? "a ServerHello"
                    : c->base->peer_sent_bytes              ? "no ServerHello"
                                                            : "none");
    if (!c->base->peer_sent_bytes)
        tw_finding_summary(f,
                           "The client sent its ClientHello %u times over UDP and got no "
                           "ServerHello.",
                           n);
    else
        tw_finding_summary(f,
                           "The DTLS handshake stopped although the server had answered; a flight "
                           "was lost for good.");
    tw_finding_not(f, "quic-blocked", "this is DTLS, not QUIC");
    return true;
}

const struct tw_rule tw_rule_dtls_problem = {
    .id = "dtls-problem",
    .title = "A DTLS handshake loses its datagrams",
    .category = "protocol",
    .side = TW_NETWORK,
    .explain =
        "DTLS repeats a flight until it is answered. When it never is, datagrams are lost on the "
        "way: UDP is filtered, the certificate flight is larger than the path takes and its IP "
        "fragments are dropped, or the cookie no longer fits because the client's address "
        "changed. A server that knows only another DTLS version may stay silent too.",
    .evidence =
        "The same ClientHello again and again, or a handshake that stops between two flights "
        "without an alert.",
    .fix = {{"OpenSSL", "Make the datagrams small enough for the path.",
             "openssl s_server -dtls -mtu 1200 ..."},
            {"firewall", "Let UDP to this port pass, both ways, fragments too.", NULL},
            {"server", "Enable DTLS 1.2.", NULL}},
    .lookalikes = {{"quic-blocked", "QUIC packets on UDP 443"}},
    .refs = {"RFC 6347 §4.2", "RFC 9147 §5"},
    .match = match_dtls_problem,
};

/* ---- quic-blocked, quic-params --------------------------------------------------------------- */

static bool match_quic_blocked(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL || !transport_is(c, "quic") || !c->base->hello_sent || c->base->ok ||
        c->base->peer_sent_bytes || c->base->end != TW_END_TIMEOUT)
        return false;
    f->certainty = TW_LIKELY;
    f->failed_at = "server_hello";
    tw_finding_cite(f, "QUIC Initial packets of the client", "datagrams", "sent to UDP port %lld",
                    (long long)c->port);
    tw_finding_fact(f, "the answer", c->base->end_fact);
    tw_finding_not(f, "mtu-blackhole", "not excluded: Initial packets have 1,200 bytes or more");
    tw_finding_summary(f, "The client's QUIC packets to UDP port %lld got no answer at all.",
                       (long long)c->port);
    return true;
}

const struct tw_rule tw_rule_quic_blocked = {
    .id = "quic-blocked",
    .title = "QUIC is blocked",
    .category = "network",
    .side = TW_NETWORK,
    .explain =
        "The client tries HTTP/3 and nothing comes back: a firewall passes only TCP 443, or "
        "nobody listens on UDP 443 any more while Alt-Svc or DNS still says so. Browsers fall "
        "back to TCP after a delay; other clients fail.",
    .evidence = "Initial packets without any answer, while TCP to the same port works.",
    .fix = {{"firewall", "Open UDP 443 beside TCP 443.", "ufw allow 443/udp"},
            {"nginx", "Or stop advertising HTTP/3.", "add_header Alt-Svc clear;"},
            {"DNS", "Take h3 out of the alpn parameter of the HTTPS record.", NULL}},
    .lookalikes = {{"quic-params", "there the server answers, with CONNECTION_CLOSE"},
                   {"mtu-blackhole", "small datagrams pass, those of 1,200 bytes do not"}},
    .refs = {"RFC 9000 §14.1", "RFC 9114 §3.1"},
    .match = match_quic_blocked,
};

static bool match_quic_params(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL || !transport_is(c, "quic") || c->base->ok)
        return false;
    const struct tw_fact *close =
                             tw_trace_first(c->trace, c->base->conn, TW_FACT_FIELD, "quic_close"),
                         *alert = tw_case_alert(c, TW_SERVER);
    if (alert == NULL)
        alert = tw_case_alert(c, TW_CLIENT);
    if (alert != NULL) {
        f->certainty = TW_LIKELY;
        f->side = other(alert->from);
        tw_finding_cite(f, "CONNECTION_CLOSE", "Initial packet",
                        "CRYPTO_ERROR 0x%llx, alert %s from the %s",
                        0x100ull + (unsigned long long)alert->num, alert_name(alert),
                        tw_side_name(alert->from));
        tw_finding_summary(f, "The %s closed the QUIC connection with CRYPTO_ERROR 0x%llx (%s).",
                           tw_side_name(alert->from), 0x100ull + (unsigned long long)alert->num,
                           alert_name(alert));
        return true;
    }
    if (close == NULL || close->num == 0)
        return false;
    f->certainty = close->num == 8 ? TW_PROVEN : TW_LIKELY; /* TRANSPORT_PARAMETER_ERROR */
    f->side = other(close->from);
    tw_finding_cite(f, "CONNECTION_CLOSE", "Initial packet", "error 0x%llx from the %s%s%s",
                    (unsigned long long)close->num, tw_side_name(close->from),
                    close->text != NULL && close->text[0] != '\0' ? ": " : "",
                    close->text != NULL ? close->text : "");
    tw_finding_summary(f, "The %s closed the QUIC connection with error 0x%llx.",
                       tw_side_name(close->from), (unsigned long long)close->num);
    return true;
}

const struct tw_rule tw_rule_quic_params = {
    .id = "quic-params",
    .title = "The QUIC handshake is refused",
    .category = "protocol",
    .side = TW_SERVER,
    .explain =
        "One side closed the QUIC connection during the handshake. Error 0x1xx is TLS alert xx: "
        "0x178 no common application protocol, 0x128 no common suite or group, 0x12a and 0x130 "
        "the certificate. Error 8 says that a transport parameter is missing or wrong.",
    .evidence = "CONNECTION_CLOSE in an Initial packet, with the code of the error.",
    .fix = {{"either side",
             "Repair what the code names: ALPN h3 for 0x178, the certificate for 0x12a "
             "and 0x130, suites and groups for 0x128.",
             NULL},
            {"nginx", "HTTP/3 needs TLS 1.3 and a listener of its own.",
             "listen 443 quic reuseport;\nlisten 443 ssl;\nssl_protocols TLSv1.3;"}},
    .lookalikes = {{"quic-blocked", "there nothing answers at all"}},
    .refs = {"RFC 9001 §4.8", "RFC 9000 §20"},
    .match = match_quic_params,
};
