/*
 * Causes that no alert names: something between or at the other end cannot stand the ClientHello's
 * size, its packets, one of its extensions, its version or its name. Each is shown by the one change
 * that makes it pass.
 */
#include "rules/rules_internal.h"

/* What the kernel knew about the baseline's connection at its end. NULL where it was not asked. */
static const struct tw_fact *tcp_info(const struct tw_case *c)
{
    return c->base == NULL ? NULL
                           : tw_trace_first(c->trace, c->base->conn, TW_FACT_TCP, "info");
}

static bool base_unacknowledged(const struct tw_case *c)
{
    const struct tw_fact *f = tcp_info(c);
    return f != NULL && f->num > 0;
}

static bool silent(const struct tw_case *c)
{
    return c->base != NULL && c->base->end == TW_END_TIMEOUT && !c->base->peer_sent_bytes;
}

/* The server answered this trial at all: a ServerHello, or an alert of its own. */
static bool answered(const struct tw_case *c, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    return v != NULL && (v->phase >= TW_PHASE_SERVER_HELLO || v->alert >= 0);
}

static size_t hello_size(const struct tw_case *c)
{
    const struct tw_fact *f = c->base == NULL
                                  ? NULL
                                  : tw_trace_message(c->trace, c->base->conn, TW_CLIENT,
                                                     TW_MSG_CLIENT_HELLO);
    return f == NULL ? 0 : f->data.len + 4;
}

static void cite_base(const struct tw_case *c, struct tw_finding *f)
{
    char how[96];
    tw_finding_cite(f, "the ClientHello as asked for", "trial 1", "%zu bytes, answered by %s",
                    hello_size(c), tw_rejection_text(c->base, how, sizeof how));
    tw_finding_fact(f, "TCP at the end of it", tcp_info(c));
}

/* The size matters: small passes, and padded to the old size it fails again. */
static bool size_matters(const struct tw_case *c)
{
    return tw_rejected_hello(c->base) && tw_case_passed(c, "groups-classical") &&
           tw_case_failed(c, "hello-padded");
}

/* ---- mtu-blackhole --------------------------------------------------------------------------------- */

static bool match_mtu(const struct tw_case *c, struct tw_finding *f)
{
    bool stalled = c->base != NULL && c->base->hello_sent && !c->base->ok &&
                   c->base->end == TW_END_TIMEOUT;
    if (!stalled || !tw_case_passed(c, "hello-mss"))
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = c->base->peer_sent_bytes ? NULL : "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "groups-classical");
    tw_finding_trial(f, c, "hello-mss");
    tw_finding_not(f, "middlebox-large-client-hello", "the same ClientHello passes in smaller packets");
    tw_finding_summary(f, "Large packets are lost on the way: with TCP segments of 536 bytes the same "
                          "handshake passes.");
    return true;
}

const struct tw_rule tw_rule_mtu_blackhole = {
    .id = "mtu-blackhole",
    .title = "Large packets are lost on the path (MTU black hole)",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "A link on the path carries smaller packets than the ends think, and the ICMP message "
               "that would say so is filtered. TCP connects and small exchanges work; the first "
               "full-size packet, a large ClientHello or the server's certificate, never arrives.",
    .evidence = "Silence after a full-size packet that TCP keeps sending again; with a small MSS the "
                "same handshake passes.",
    .fix = {{"router", "Clamp the MSS on the tunnel or PPPoE interface, in both directions.",
             "nft add rule ip filter forward tcp flags syn tcp option maxseg size set rt mtu"},
            {"firewall", "Let ICMP \"fragmentation needed\" and ICMPv6 \"packet too big\" through.", NULL},
            {"Docker, WireGuard", "Give the interface the MTU of the link below it.",
             "ip link set dev wg0 mtu 1420"},
            {"Linux", "As a stop-gap, on the client.", "sysctl -w net.ipv4.tcp_mtu_probing=1"}},
    .lookalikes = {{"middlebox-large-client-hello", "only a ClientHello of several packets is hit"},
                   {"server-overload", "it depends on load, and no packet is sent again"},
                   {"tcp-timeout", "TCP does not even connect"}},
    .refs = {"RFC 2923 §2.1", "RFC 4821"},
    .match = match_mtu,
};

/* ---- middlebox-large-client-hello, pq-key-share-intolerance -------------------------------------------- */

static bool match_middlebox(const struct tw_case *c, struct tw_finding *f)
{
    if (!size_matters(c) || tw_case_passed(c, "hello-mss") || c->base->end == TW_END_ALERT)
        return false;
    bool lost = silent(c) && base_unacknowledged(c);
    f->certainty = lost ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "groups-classical");
    tw_finding_trial(f, c, "hello-padded");
    tw_finding_trial(f, c, "hello-records");
    tw_finding_trial(f, c, "hello-mss");
    if (!lost)
        tw_finding_not(f, "pq-key-share-intolerance", "not excluded: the server itself may fail on "
                                                      "it; compare from another network");
    tw_finding_summary(f, "A ClientHello of %zu bytes %s, a small one passes%s.", hello_size(c),
                       lost ? "never arrives at the server" : "is cut off",
                       tw_case_passed(c, "hello-records") ? ", and so does the large one in small TLS "
                                                            "records" : "");
    return true;
}

const struct tw_rule tw_rule_middlebox_large_client_hello = {
    .id = "middlebox-large-client-hello",
    .title = "A device on the path drops ClientHellos that need several packets",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "With a post-quantum key share a ClientHello no longer fits one packet. A firewall that "
               "inspects TLS wants to see all of it in the first one, and drops or resets the rest. The "
               "server never sees it.",
    .evidence = "A small ClientHello passes; padded to the old size it fails again; TCP reports the "
                "segments as not acknowledged.",
    .fix = {{"firewall", "Update it, or switch TLS inspection to a mode that reassembles TCP.", NULL},
            {"client", "As a stop-gap, offer no post-quantum group.",
             "tlswhy --groups x25519,secp256r1 HOST"},
            {"Chrome policy", "As a stop-gap.", "PostQuantumKeyAgreementEnabled=false"},
            {"Go client", "As a stop-gap.", "GODEBUG=tlsmlkem=0"}},
    .lookalikes = {{"pq-key-share-intolerance", "the same server fails from everywhere"},
                   {"mtu-blackhole", "any large packet is lost, not only a ClientHello's"},
                   {"rst-on-client-hello", "small ClientHellos are hit, too"}},
    .refs = {"RFC 8446 §4.1.2", "draft-ietf-tls-ecdhe-mlkem"},
    .match = match_middlebox,
};

static bool match_pq(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_rejected_hello(c->base) || !tw_case_passed(c, "groups-classical") ||
        tw_case_passed(c, "hello-mss") || (silent(c) && base_unacknowledged(c)))
        return false;
    bool group = tw_case_passed(c, "hello-padded");
    bool size = tw_case_failed(c, "hello-padded");
    bool server_spoke = c->base->end == TW_END_ALERT;
    bool read_all = silent(c) && tcp_info(c) != NULL;
    f->certainty = group || server_spoke || (size && read_all) ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "groups-classical");
    tw_finding_trial(f, c, "hello-padded");
    tw_finding_trial(f, c, "hello-split");
    tw_finding_trial(f, c, "hello-records");
    if (f->certainty != TW_PROVEN)
        tw_finding_not(f, "middlebox-large-client-hello", "not excluded: a device on the path may do "
                                                          "it; compare from another network");
    if (group)
        tw_finding_summary(f, "The server fails on the post-quantum group itself: a ClientHello of the "
                              "same size without it passes.");
    else if (tw_case_failed(c, "hello-split"))
        tw_finding_summary(f, "The server reads only the first packet of a ClientHello: it fails "
                              "whenever the ClientHello comes in two, whatever its size.");
    else
        tw_finding_summary(f, "The server fails on a ClientHello of %zu bytes, which a post-quantum key "
                              "share needs; without it the handshake passes.", hello_size(c));
    return true;
}

const struct tw_rule tw_rule_pq_key_share_intolerance = {
    .id = "pq-key-share-intolerance",
    .title = "The server cannot take the large post-quantum ClientHello",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Current clients send an ML-KEM key share of 1184 bytes, so that the ClientHello comes in "
               "two packets. Some servers, and above all proxies that look for the server name in it, "
               "read once and take what came for the whole, or have a buffer too small.",
    .evidence = "Without post-quantum groups it passes; padding to the same size, splitting and small "
                "records tell the group, the size and the packets apart.",
    .fix = {{"server", "Update the server, or the proxy in front of it that routes by SNI.", NULL},
            {"HAProxy", "Wait for the whole ClientHello.",
             "tcp-request inspect-delay 5s\ntcp-request content accept if { req.ssl_hello_type 1 }"},
            {"client", "As a stop-gap, offer no post-quantum group.",
             "tlswhy --groups x25519,secp256r1 HOST"},
            {"Go client", "As a stop-gap.", "GODEBUG=tlsmlkem=0"}},
    .lookalikes = {{"middlebox-large-client-hello", "another network reaches the same server well"},
                   {"mtu-blackhole", "smaller packets help"}},
    .refs = {"RFC 8446 §5.1", "draft-ietf-tls-ecdhe-mlkem"},
    .match = match_pq,
};

static bool name_draws_it(const struct tw_case *c)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o.has_sni && c->base->end != TW_END_ALERT && !c->base->peer_sent_bytes &&
           (answered(c, "sni-absent") || answered(c, "sni-other"));
}

static bool version_draws_it(const struct tw_case *c)
{
    return tw_case_passed(c, "versions-legacy-max") && tw_case_failed(c, "groups-classical") &&
           tw_case_failed(c, "bare13");
}

bool tw_hello_part_draws_it(const struct tw_case *c)
{
    return tw_rejected_hello(c->base) &&
           (tw_case_passed(c, "groups-classical") || name_draws_it(c) || version_draws_it(c) ||
            tw_extensions_matter(c));
}

/* ---- sni-filtering --------------------------------------------------------------------------------------- */

static bool match_sni_filter(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_rejected_hello(c->base) || !name_draws_it(c))
        return false;
    bool hides = answered(c, "hello-records") || answered(c, "hello-split-name");
    bool lost = silent(c) && base_unacknowledged(c);
    f->certainty = hides || lost ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "sni-absent");
    tw_finding_trial(f, c, "sni-other");
    tw_finding_trial(f, c, "hello-records");
    tw_finding_trial(f, c, "hello-split-name");
    if (f->certainty != TW_PROVEN)
        tw_finding_not(f, "sni-unrecognized", "not excluded: the server itself may hang up on a name "
                                              "that it does not serve");
    tw_finding_summary(f, "A ClientHello that names %s is %s; with %s name the same server answers.",
                       c->server_name, c->base->end == TW_END_RST   ? "reset"
                                       : c->base->end == TW_END_FIN ? "cut off"
                                                                    : "swallowed",
                       answered(c, "sni-other") ? "another" : "no");
    return true;
}

const struct tw_rule tw_rule_sni_filtering = {
    .id = "sni-filtering",
    .title = "Something on the path blocks the host name in the ClientHello",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The server name travels in the clear. A filter (company, parental control, provider, "
               "state) reads it and resets or swallows the connection. The server is well and sees "
               "nothing, or a reset that it did not send.",
    .evidence = "The same address answers when another name, or none, is sent; hiding the name in "
                "several records or packets gets through.",
    .fix = {{"network", "Have the name put on the filter's allow list.", NULL},
            {"client", "Compare from another network, to know whose filter it is.", NULL}},
    .lookalikes = {{"sni-unrecognized", "the server itself hangs up on names it does not serve"},
                   {"rst-on-client-hello", "the reset does not follow the name"},
                   {"waf-fingerprint-block", "the name does not matter, the offer does"}},
    .refs = {"RFC 6066 §3", "RFC 8744 §2"},
    .match = match_sni_filter,
};

/* ---- version-intolerance ----------------------------------------------------------------------------------- */

static bool match_version_intolerance(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    bool flips = tw_rejected_hello(c->base) && o.max_version >= TW_TLS13 &&
                 o.min_version <= TW_TLS12 && version_draws_it(c);
    if (!flips || tw_case_passed(c, "wide"))
        return false;
    const struct tw_conn_view *v = tw_case_trial(c, "versions-legacy-max");
    char ver[16];
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "groups-classical");
    tw_finding_trial(f, c, "bare13");
    tw_finding_trial(f, c, "versions-legacy-max");
    tw_finding_not(f, "extension-intolerance", "TLS 1.3 with hardly any extensions fails, too");
    tw_finding_not(f, "pq-key-share-intolerance", "a small ClientHello with TLS 1.3 fails, too");
    tw_finding_summary(f, "The server chokes on a ClientHello that offers TLS 1.3; offered TLS 1.2 at "
                          "most, it speaks %s.", tw_version_label(v->version, ver, sizeof ver));
    return true;
}

const struct tw_rule tw_rule_version_intolerance = {
    .id = "version-intolerance",
    .title = "The server chokes on a newer version in the ClientHello",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "A server must pick the highest version that it knows from what is offered. Old appliances "
               "close, reset or send an alert instead when they see one that is new to them.",
    .evidence = "The same ClientHello without TLS 1.3 passes; a small one with TLS 1.3 fails.",
    .fix = {{"server", "Update the firmware or the TLS library.", NULL},
            {"client", "As a stop-gap, offer TLS 1.2 at most.", "curl --tls-max 1.2 https://..."}},
    .lookalikes = {{"extension-intolerance", "it reacts to one extension"},
                   {"middlebox-large-client-hello", "it reacts to the size"},
                   {"version-server-too-old", "it speaks old versions only"}},
    .refs = {"RFC 8446 §4.2.1", "RFC 8446 D.5"},
    .match = match_version_intolerance,
};

/* ---- extension-intolerance --------------------------------------------------------------------------------- */

static bool is_ext_trial(const char *recipe)
{
    return recipe != NULL && (strncmp(recipe, "without-", 8) == 0 ||
                              strcmp(recipe, "grease-absent") == 0);
}

/* With hardly any extensions it passes, and neither size, name nor version is what matters. A server
 * that lacks something in common would have passed with something outside of the offer. */
bool tw_extensions_matter(const struct tw_case *c)
{
    if (!tw_rejected_hello(c->base) || tw_case_passed(c, "groups-classical") ||
        tw_case_passed(c, "sni-absent"))
        return false;
    const struct tw_conn_view *v = tw_case_passed(c, "bare13") ? tw_case_trial(c, "bare13")
                                   : tw_case_passed(c, "bare") ? tw_case_trial(c, "bare")
                                                               : NULL;
    if (v == NULL || tw_outside_version(c, v) || tw_outside_cipher(c, v) ||
        tw_outside_group(c, v) || tw_outside_sigalg(c, v))
        return false;
    return tw_case_passed(c, "bare13") || !tw_case_passed(c, "versions-legacy-max");
}

static bool match_extension_intolerance(const struct tw_case *c, struct tw_finding *f)
{
    if (!tw_extensions_matter(c))
        return false;
    const struct tw_conn_view *hit = NULL;
    for (size_t i = 0; i < c->conns_n && hit == NULL; i++)
        if (is_ext_trial(c->conns[i].recipe) && tw_case_passed(c, c->conns[i].recipe))
            hit = &c->conns[i];
    f->certainty = hit != NULL ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, tw_case_passed(c, "bare13") ? "bare13" : "bare");
    if (hit != NULL)
        tw_finding_trial(f, c, hit->recipe);
    if (hit != NULL)
        tw_finding_summary(f, "The handshake fails as soon as the ClientHello has one thing: it passes %s, "
                              "everything else unchanged.", hit->changed);
    else
        tw_finding_summary(f, "The server fails on something in a current ClientHello; one with hardly "
                              "any extensions passes. No single extension is it alone.");
    return true;
}

const struct tw_rule tw_rule_extension_intolerance = {
    .id = "extension-intolerance",
    .title = "The server rejects an extension that it does not know",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Unknown extensions must be passed over. This server, or a device before it, fails on one: "
               "a new number, GREASE, an empty body, or an extension at the end.",
    .evidence = "With hardly any extensions it passes; leaving extensions out one at a time names the "
                "one.",
    .fix = {{"server", "Update the firmware or the TLS library.", NULL},
            {"client", "As a stop-gap, do not send that extension.", NULL}},
    .lookalikes = {{"version-intolerance", "it depends on the version, not on an extension"},
                   {"pq-key-share-intolerance", "it depends on the size or the packets"}},
    .refs = {"RFC 8446 §4.1.2", "RFC 8701"},
    .match = match_extension_intolerance,
};

/* ---- tls13-middlebox-compat-mismatch ------------------------------------------------------------------------- */

static bool match_compat(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL || c->base->ok || !tw_case_passed(c, "session-id-empty"))
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite_base(c, f);
    tw_finding_trial(f, c, "session-id-empty");
    tw_finding_summary(f, "The server does not take the middlebox-compatibility mode of TLS 1.3: with an "
                          "empty legacy_session_id it passes.");
    return true;
}

const struct tw_rule tw_rule_tls13_middlebox_compat_mismatch = {
    .id = "tls13-middlebox-compat-mismatch",
    .title = "The two sides differ on TLS 1.3 middlebox compatibility",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "In compatibility mode TLS 1.3 looks like a resumption of TLS 1.2: the client sends a "
               "session id, and both send a change_cipher_spec that means nothing. A stack that is built "
               "without it refuses the one or misses the other.",
    .evidence = "Alert unexpected_message or illegal_parameter; with an empty session id it passes.",
    .fix = {{"server", "Switch the compatibility mode on (wolfSSL: WOLFSSL_TLS13_MIDDLEBOX_COMPAT).", NULL},
            {"client", "Switch it off.", "openssl s_client -no_middlebox ..."},
            {"Erlang", "In the ssl options.", "{middlebox_comp_mode, false}"}},
    .lookalikes = {{"peer-implementation-bug", "it fails with and without a session id"}},
    .refs = {"RFC 8446 D.4"},
    .match = match_compat,
};
