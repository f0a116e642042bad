/* Causes about what the client asks for by name: SNI and ALPN. */
#include "rules/rules_internal.h"

static bool alert_is(const struct tw_conn_view *v, int alert)
{
    return v != NULL && v->alert == alert;
}

/* ---- sni-required --------------------------------------------------------------------------------- */

/* The path of the baseline's certificate is bad, that of the trial's is good. */
static bool trial_has_better_path(const struct tw_case *c, const struct tw_conn_view *v)
{
    const struct tw_fact *base = tw_trace_first(c->trace, c->base->conn, TW_FACT_PATH, NULL);
    const struct tw_fact *other = tw_trace_first(c->trace, v->conn, TW_FACT_PATH, NULL);
    return base != NULL && base->num != 0 && other != NULL && other->num == 0;
}

static bool match_sni_required(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    if (!o.known || o.has_sni)
        return false;
    const struct tw_conn_view *with = tw_case_trial(c, "sni-host");
    char how[96];
    if (with != NULL && (tw_rejected_hello(c->base) || alert_is(c->base, 112)) &&
        tw_case_passed(c, "sni-host")) {
        f->certainty = TW_PROVEN;
        f->failed_at = "server_hello";
        tw_finding_cite(f, "without server_name", "trial 1", "%s",
                        tw_rejection_text(c->base, how, sizeof how));
        tw_finding_trial(f, c, "sni-host");
        tw_finding_not(f, "sni-unrecognized", "no name was sent that could be unknown");
        tw_finding_summary(f, "The server answers a ClientHello without server_name with %s; with "
                              "the name it goes on.", tw_rejection_text(c->base, how, sizeof how));
        return true;
    }
    if (with != NULL && with->ok && trial_has_better_path(c, with)) {
        f->certainty = TW_PROVEN;
        f->failed_at = "certificate";
        tw_finding_fact(f, "certificate without server_name",
                        tw_trace_first(c->trace, c->base->conn, TW_FACT_PATH, NULL));
        tw_finding_trial(f, c, "sni-host");
        tw_finding_summary(f, "Without server_name the server sends a certificate for something "
                              "else; with the name it sends the right one.");
        return true;
    }
    if (with == NULL && alert_is(c->base, TW_ALERT_UNRECOGNIZED_NAME)) {
        f->certainty = TW_LIKELY;
        f->failed_at = "server_hello";
        tw_finding_fact(f, "without server_name", c->base->alert_fact);
        tw_finding_not(f, "sni-unrecognized", "no name was sent that could be unknown");
        tw_finding_summary(f, "No server_name was sent, and the server says unrecognized_name: it "
                              "wants a name.");
        return true;
    }
    return false;
}

const struct tw_rule tw_rule_sni_required = {
    .id = "sni-required",
    .title = "The server needs SNI and the client sends none",
    .category = "network",
    .side = TW_CLIENT,
    .explain = "Many sites share one address; the server picks certificate and settings by the "
               "server_name extension. A client that connects by IP address, or whose code does "
               "not set the name, gets an alert, a reset, or somebody else's certificate.",
    .evidence = "The same ClientHello passes when server_name is added, nothing else changed.",
    .fix = {{"client", "Connect by name, not by address, and let the TLS library send it.", NULL},
            {"nginx", "As a proxy to such a server, send the name.",
             "proxy_ssl_server_name on;\nproxy_ssl_name backend.example.org;"},
            {"HAProxy", "As a proxy to such a server, send the name.",
             "server s1 192.0.2.1:443 ssl sni str(backend.example.org) verify required"},
            {"OpenSSL", "In code: SSL_set_tlsext_host_name(); by hand:",
             "openssl s_client -connect 192.0.2.1:443 -servername NAME"}},
    .lookalikes = {{"sni-unrecognized", "a name is sent, but the server does not know it"},
                   {"name-mismatch", "a default certificate is sent instead of an alert"}},
    .refs = {"RFC 6066 §3", "RFC 8446 §9.2"},
    .match = match_sni_required,
};

/* ---- sni-unrecognized --------------------------------------------------------------------------------- */

static bool match_sni_unrecognized(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    if (!o.known || !o.has_sni || c->base->ok)
        return false;
    bool flips = c->base->end == TW_END_ALERT && tw_rejected_hello(c->base) &&
                 (tw_case_passed(c, "sni-absent") || tw_case_passed(c, "sni-other"));
    bool says = alert_is(c->base, TW_ALERT_UNRECOGNIZED_NAME);
    if (!flips && !says)
        return false;
    /* other alerts than unrecognized_name are told by cdn-edge-no-cert-for-name */
    f->certainty = flips && says ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    tw_finding_cite(f, "server_name", "trial 1, ClientHello", "%s", c->server_name);
    tw_finding_fact(f, "the server says", c->base->alert_fact);
    tw_finding_trial(f, c, "sni-absent");
    tw_finding_not(f, "cdn-edge-no-cert-for-name", "not excluded: an edge without a certificate for "
                                                   "the name does the same");
    tw_finding_summary(f, "The server does not serve the name %s.", c->server_name);
    return true;
}

const struct tw_rule tw_rule_sni_unrecognized = {
    .id = "sni-unrecognized",
    .title = "The server does not know the requested name",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The server was reached, but no site of that name is configured on it, and it is set "
               "to refuse unknown names. The name is missing in the configuration, misspelt, or "
               "leads to the wrong server.",
    .evidence = "Alert 112 unrecognized_name, or a refusal that goes away with another name.",
    .fix = {{"nginx", "Add the name, or let the default server answer.",
             "server_name NAME;   # and no ssl_reject_handshake on"},
            {"Apache", "Add the name to the virtual host.", "ServerAlias NAME"},
            {"HAProxy", "Add a certificate for the name, or drop strict-sni.",
             "bind :443 ssl crt /etc/haproxy/certs/"},
            {"client", "Check the spelling of the name and where it resolves to.", NULL}},
    .lookalikes = {{"cdn-edge-no-cert-for-name", "a CDN has no certificate for the name (alert 40)"},
                   {"sni-required", "no name was sent"},
                   {"ech-split-horizon", "the name sent is that of an ECH provider"}},
    .refs = {"RFC 6066 §3", "RFC 8446 §6.2"},
    .match = match_sni_unrecognized,
};

/* ---- alpn-no-overlap -------------------------------------------------------------------------------------- */

static bool match_alpn(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    if (!o.known || !o.has_alpn || c->base->ok)
        return false;
    bool flips = tw_case_passed(c, "alpn-absent") &&
                 (alert_is(c->base, TW_ALERT_NO_APPLICATION_PROTOCOL) ||
                  (!tw_case_passed(c, "repeat") && c->base->end == TW_END_ALERT));
    bool says = alert_is(c->base, TW_ALERT_NO_APPLICATION_PROTOCOL);
    if (!flips && !says)
        return false;
    struct tw_client_hello m = {0};
    const struct tw_fact *ch =
        tw_trace_message(c->trace, c->base->conn, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    struct tw_reader r = tw_rd_of(ch->data);
    struct tw_view body, proto;
    char list[200] = "";
    size_t n = 0;
    if (tw_client_hello_decode(&r, &m) && tw_ext_find(m.extensions, TW_EXT_ALPN, &body))
        for (size_t i = 0; tw_ext_alpn_at(body, i, &proto) && n + proto.len + 3 < sizeof list; i++)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%.*s", i > 0 ? ", " : "",
                                  (int)proto.len, (const char *)proto.data);
    f->certainty = flips ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    tw_finding_cite(f, "ALPN offered", "trial 1, ClientHello", "%s", list);
    tw_finding_fact(f, "the server says", c->base->alert_fact);
    tw_finding_trial(f, c, "alpn-absent");
    tw_finding_summary(f, "The server serves none of the application protocols offered (%s).",
                       list);
    return true;
}

const struct tw_rule tw_rule_alpn_no_overlap = {
    .id = "alpn-no-overlap",
    .title = "No common application protocol (ALPN)",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The client lists the application protocols it can speak, such as h2 and http/1.1; "
               "the server has its own list, finds nothing in common, and refuses.",
    .evidence = "Alert 120 no_application_protocol; without the ALPN extension it passes.",
    .fix = {{"nginx", "Serve HTTP/2 as well as HTTP/1.1.", "listen 443 ssl;\nhttp2 on;"},
            {"HAProxy", "Name both protocols.", "bind :443 ssl crt site.pem alpn h2,http/1.1"},
            {"client", "Offer the protocol that the server speaks: h2 for gRPC, for example.",
             "curl --http2 https://..."}},
    .lookalikes = {{"http2-inadequate-security", "ALPN agrees, HTTP/2 then refuses the suite"}},
    .refs = {"RFC 7301 §3.2"},
    .match = match_alpn,
};
