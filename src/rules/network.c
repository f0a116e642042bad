/* Causes below TLS: no address, no TCP, or a connection that ends for no reason given. */
#include "rules/rules_internal.h"

#include <errno.h>

/* ---- dns-failure ------------------------------------------------------------------------------- */

static bool match_dns_failure(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *err = tw_trace_first(c->trace, 0, TW_FACT_DNS, "error");
    if (err == NULL || c->base != NULL)
        return false;
    /* ARES_ENODATA 1 and ARES_ENOTFOUND 4 are the resolver's answer; the rest is its silence */
    bool answered = err->num == 1 || err->num == 4;
    f->certainty = answered ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "dns";
    tw_finding_fact(f, "the resolver says", err);
    tw_finding_summary(f, answered ? "The name %s has no address: %s."
                                   : "The name %s could not be looked up: %s.",
                       c->host, err->text == NULL ? "no reason given" : err->text);
    return true;
}

const struct tw_rule tw_rule_dns_failure = {
    .id = "dns-failure",
    .title = "The host name does not resolve",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The client must turn the name into an address before it can connect. Here the "
               "resolver answered that there is none, or did not answer. No packet reached the "
               "server.",
    .evidence = "The resolver's answer (NXDOMAIN, no data, SERVFAIL, timeout); no TCP connection.",
    .fix = {{"anyone", "Check the spelling of the name, then ask the resolver directly.",
             "dig NAME A NAME AAAA; resolvectl query NAME"},
            {"DNS owner", "Publish an A or AAAA record, or repair the delegation.", NULL},
            {"containers", "Give the container a resolver that knows the name.",
             "docker run --dns 192.0.2.53 ..."}},
    .lookalikes = {{"dns-wrong-address", "an address comes back, but somebody else's"},
                   {"proxy-required", "only the proxy can resolve names here"}},
    .refs = {"RFC 1035 §4.1.1", "RFC 8305 §3"},
    .match = match_dns_failure,
};

/* ---- tcp-refused, tcp-timeout -------------------------------------------------------------------- */

struct tcp_tally {
    unsigned tried, connected, refused, silent, unreachable;
    const struct tw_fact *refusal, *silence, *no_route;
};

static struct tcp_tally tally(const struct tw_case *c)
{
    struct tcp_tally t = {0};
    const struct tw_fact *f = NULL;
    while (c->base != NULL && (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_TCP,
                                                 "connect")) != NULL) {
        t.tried++;
        if (f->num == 0) {
            t.connected++;
        } else if (f->num == ECONNREFUSED) {
            t.refused++;
            t.refusal = f;
        } else if (f->aux == 1 || f->num == ETIMEDOUT) {
            t.silent++;
            t.silence = f;
        } else {
            t.unreachable++;
            t.no_route = f;
        }
    }
    return t;
}

static bool match_tcp_refused(const struct tw_case *c, struct tw_finding *f)
{
    struct tcp_tally t = tally(c);
    if (t.connected > 0 || t.refused == 0)
        return false;
    f->certainty = t.silent == 0 ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "tcp";
    tw_finding_fact(f, "TCP connect", t.refusal);
    tw_finding_fact(f, "TCP connect to another address", t.silence);
    tw_finding_fact(f, "TCP connect to another address", t.no_route);
    tw_finding_summary(f, "Nothing accepts connections at %s: the SYN was answered with a reset.",
                       t.refusal->text);
    return true;
}

const struct tw_rule tw_rule_tcp_refused = {
    .id = "tcp-refused",
    .title = "The TCP connection is refused",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The host answered at once that no program listens on this port, or a firewall "
               "answered so for it. TLS never began.",
    .evidence = "RST in answer to the SYN (errno ECONNREFUSED) on every address of the name.",
    .fix = {{"server", "Start the service, or make it listen on the address clients use.",
             "ss -ltnp 'sport = :443'"},
            {"containers", "Publish the port, and listen on all interfaces inside.",
             "docker run -p 443:443 ..."},
            {"firewall", "A rule that rejects with tcp-reset looks the same: compare from the host "
                         "itself.", "nft list ruleset"}},
    .lookalikes = {{"tcp-timeout", "no answer at all instead of a reset"},
                   {"reset-before-hello", "the connection is accepted first, then reset"}},
    .refs = {"RFC 9293 §3.10.7.1"},
    .match = match_tcp_refused,
};

static bool match_tcp_timeout(const struct tw_case *c, struct tw_finding *f)
{
    struct tcp_tally t = tally(c);
    if (t.tried == 0 || t.connected > 0 || t.refused > 0)
        return false;
    f->certainty = t.silent > 0 ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "tcp";
    const struct tw_fact *worst = t.silence != NULL ? t.silence : t.no_route;
    tw_finding_fact(f, "TCP connect", worst);
    if (t.silence != NULL)
        tw_finding_summary(f, "Packets to %s are lost: no answer to the SYN.", worst->text);
    else
        tw_finding_summary(f, "%s cannot be reached: %s.", worst->text, strerror((int)worst->num));
    return true;
}

const struct tw_rule tw_rule_tcp_timeout = {
    .id = "tcp-timeout",
    .title = "The TCP connection times out",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The SYN was sent, repeated, and never answered. A firewall drops it, a route is "
               "missing, the address is wrong, or the host is down.",
    .evidence = "No SYN-ACK before the deadline on any address, or the network says unreachable.",
    .fix = {{"firewall", "Allow TCP to this port, and the answers back.",
             "nft list ruleset; iptables -nvL"},
            {"cloud", "Open the port in the security group and the network ACL.", NULL},
            {"anyone", "Check that the address is the right one and that the host is up.",
             "ip route get ADDRESS; traceroute -T -p 443 ADDRESS"}},
    .lookalikes = {{"tcp-refused", "the host answers with a reset"},
                   {"ipv6-broken-only", "only the IPv6 addresses time out"},
                   {"server-overload", "a full backlog looks the same, but comes and goes"}},
    .refs = {"RFC 9293 §3.8.3", "RFC 8305 §5"},
    .match = match_tcp_timeout,
};

/* ---- ends without a word ---------------------------------------------------------------------------- */

static bool ended_by_peer(const struct tw_conn_view *v)
{
    return v != NULL && v->phase >= TW_PHASE_TCP && v->phase <= TW_PHASE_HELLO_SENT &&
           !v->peer_sent_bytes && (v->end == TW_END_FIN || v->end == TW_END_RST);
}

/* The server ended a connection on which we never sent a byte. */
static bool ends_unasked(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "listen");
    return v != NULL && !v->peer_sent_bytes && (v->end == TW_END_FIN || v->end == TW_END_RST);
}

static bool match_reset_before_hello(const struct tw_case *c, struct tw_finding *f)
{
    if (tw_upgrade_dropped(c)) {
        f->certainty = TW_PROVEN;
        f->failed_at = tw_proxy_unanswered(c) ? "proxy" : "starttls";
        tw_finding_fact(f, "without a greeting", c->base->end_fact);
        tw_finding_summary(f, "The server accepts the connection and %s it without a word.",
                           c->base->end == TW_END_RST ? "resets" : "closes");
        return true;
    }
    if (!ended_by_peer(c->base) || !ends_unasked(c))
        return false;
    const struct tw_conn_view *listen = tw_case_trial(c, "listen");
    f->certainty = TW_PROVEN;
    f->failed_at = "client_hello";
    tw_finding_fact(f, c->base->hello_sent ? "with our ClientHello" : "before our ClientHello",
                    c->base->end_fact);
    tw_finding_fact(f, "without sending anything", listen->end_fact);
    tw_finding_not(f, "rst-on-client-hello", "it ends also when nothing is sent");
    tw_finding_not(f, "proxy-protocol-mismatch", "it does not wait for any first bytes");
    tw_finding_summary(f, "The server accepts the connection and %s it at once, whatever is sent.",
                       listen->end == TW_END_RST ? "resets" : "closes");
    return true;
}

const struct tw_rule tw_rule_reset_before_hello = {
    .id = "reset-before-hello",
    .title = "The connection is accepted, then closed before any TLS",
    .category = "network",
    .side = TW_SERVER,
    .explain = "TCP works, but the other end drops the connection before it could have read a "
               "ClientHello. An allow list, a ban, a connection limit, or a load balancer without "
               "a healthy backend does that.",
    .evidence = "FIN or RST right after the TCP handshake, also on a connection that sends "
                "nothing.",
    .fix = {{"load balancer", "Check the health of the backends and the port they are reached at.",
             NULL},
            {"server", "Look for bans, allow lists and limits: fail2ban, hosts.deny, maxconn, "
                       "MaxConnectionsPerIP.", "fail2ban-client status; grep -r . /etc/hosts.deny"},
            {"containers", "A published port whose container listens on nothing behaves so.",
             "docker port NAME; ss -ltnp"}},
    .lookalikes = {{"rst-on-client-hello", "it waits until a ClientHello arrives"},
                   {"proxy-protocol-mismatch", "with a PROXY header first it passes"},
                   {"server-overload", "it comes and goes with load"}},
    .refs = {"RFC 9293 §3.10.7"},
    .match = match_reset_before_hello,
};

/* A single change that makes it pass is what draws the refusal; most have a cause of their own. */
static const char *trigger_of(const struct tw_case *c)
{
    return tw_case_passed(c, "alpn-absent") ? "its ALPN extension" : NULL;
}

static bool match_end_on_hello(const struct tw_case *c, struct tw_finding *f, enum tw_end end,
                               const char *verb)
{
    const struct tw_conn_view *base = c->base;
    bool close_notify = end == TW_END_FIN && base != NULL && base->end == TW_END_ALERT &&
                        base->alert == TW_ALERT_CLOSE_NOTIFY;
    if (base == NULL || base->phase != TW_PHASE_HELLO_SENT || ends_unasked(c) ||
        !((base->end == end && !base->peer_sent_bytes) || close_notify))
        return false;
    const struct tw_conn_view *plain = tw_case_trial(c, "plain-http");
    if ((plain != NULL && plain->not_tls != NULL) || tw_hello_part_draws_it(c))
        return false; /* it speaks something else, which is another cause */
    const struct tw_conn_view *listen = tw_case_trial(c, "listen");
    bool waits = listen != NULL && listen->end == TW_END_TIMEOUT;
    const char *trigger = trigger_of(c);
    f->certainty = waits || trigger != NULL ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    tw_finding_fact(f, "after our ClientHello", base->end_fact);
    if (waits)
        tw_finding_fact(f, "without sending anything the connection stays open",
                        listen->end_fact);
    tw_finding_trial(f, c, "sni-absent");
    tw_finding_trial(f, c, "groups-classical");
    tw_finding_trial(f, c, "wide");
    if (trigger != NULL)
        tw_finding_summary(f, "The ClientHello is answered by %s; what draws it is %s.", verb,
                           trigger);
    else
        tw_finding_summary(f, "Every ClientHello is answered by %s; no change to it that was tried "
                              "makes it pass.", verb);
    return true;
}

static bool match_rst_on_client_hello(const struct tw_case *c, struct tw_finding *f)
{
    return match_end_on_hello(c, f, TW_END_RST, "a TCP reset");
}

const struct tw_rule tw_rule_rst_on_client_hello = {
    .id = "rst-on-client-hello",
    .title = "The ClientHello is answered by a TCP reset",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "TCP works and the other end waits for bytes, but resets the connection when the "
               "ClientHello arrives. A firewall or filter on the path does that on a name or a "
               "fingerprint, and so do servers that refuse a version or suite by reset.",
    .evidence = "RST after the ClientHello, none on a connection that sends nothing.",
    .fix = {{"network", "Have the owner of the firewall, IPS or load balancer look at this "
                        "connection; the trials above name what it reacts to.", NULL},
            {"server", "Look at the server's log for that second. Nothing there means that a "
                       "device in between sent the reset.", NULL}},
    .lookalikes = {{"sni-filtering", "another server name to the same address passes"},
                   {"middlebox-large-client-hello", "a small ClientHello passes"},
                   {"waf-fingerprint-block", "the same offer in another order passes"},
                   {"version-intolerance", "a lower maximum version passes"}},
    .refs = {"RFC 9293 §3.5.2"},
    .match = match_rst_on_client_hello,
};

static bool match_close_on_client_hello(const struct tw_case *c, struct tw_finding *f)
{
    return match_end_on_hello(c, f, TW_END_FIN, "closing the connection");
}

const struct tw_rule tw_rule_close_on_client_hello = {
    .id = "close-on-client-hello",
    .title = "The server closes after the ClientHello without an alert",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The server read the ClientHello and closed the connection without saying why. Old "
               "servers do that on a version they do not know, name-based proxies on a name they "
               "have no route for, and services that expected another protocol.",
    .evidence = "FIN without a byte after the ClientHello, none on a connection that sends "
                "nothing.",
    .fix = {{"server", "Look at the server's log for that second: an accept filter, a rule per "
                       "name, a listener without certificate.", NULL},
            {"proxy", "Give the name a route, or a default backend.", NULL},
            {"Windows", "Look for Schannel events 36874 and 36888.", NULL}},
    .lookalikes = {{"plaintext-on-tls-port", "asked in plain text, it answers"},
                   {"server-overload", "it depends on load, not on what is sent"},
                   {"version-intolerance", "a lower maximum version passes"}},
    .refs = {"RFC 8446 §6.2"},
    .match = match_close_on_client_hello,
};
