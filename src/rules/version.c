/* Causes about protocol versions: the two ranges do not meet. */
#include "rules/rules_internal.h"

static const char *range_text(const struct tw_offer *o, char *buf, size_t cap)
{
    char lo[16], hi[16];
    tw_version_label(o->min_version, lo, sizeof lo);
    tw_version_label(o->max_version, hi, sizeof hi);
    if (o->min_version == o->max_version)
        tw_copy_str(buf, cap, hi);
    else
        snprintf(buf, cap, "%s to %s", lo, hi);
    return buf;
}

/* What the server's version is known from; NULL when nothing shows one outside our offer. */
struct seen {
    const struct tw_conn_view *conn;
    uint16_t version;
    bool chosen;   /* the server put it into a ServerHello to our own offer */
};

static uint16_t not_offered_version(const struct tw_conn_view *v)
{
    return v != NULL && v->local != NULL && (strcmp(v->local->field, "version_not_offered") == 0 ||
                                             strcmp(v->local->field, "ssl3") == 0)
               ? v->version
               : 0;
}

static struct seen server_version(const struct tw_case *c)
{
    static const char *const trials[] = {"versions-wide", "versions-modern", "ssl3", "ssl2"};
    struct seen s = {c->base, not_offered_version(c->base), true};
    if (s.version != 0)
        return s;
    s.chosen = false;
    if (!tw_rejected_hello(c->base) || tw_passes_as_versioned(c))
        return s;
    for (size_t i = 0; i < TW_ARRAY_LEN(trials); i++) {
        const struct tw_conn_view *v = tw_widened(c, trials[i]);
        if (v == NULL && i >= 2) /* SSL: we see the version and stop there */
            v = tw_case_trial(c, trials[i]);
        if (v != NULL && v->version != 0 && v->phase >= TW_PHASE_SERVER_HELLO &&
            tw_outside_version(c, v)) {
            s.conn = v;
            s.version = v->version;
            return s;
        }
        if (v != NULL && i >= 2 && v->version != 0 && v->version <= TW_SSL3) {
            s.conn = v;
            s.version = v->version;
            return s;
        }
    }
    return s;
}

static void cite(const struct tw_case *c, struct tw_finding *f, const struct seen *s,
                 const struct tw_offer *o)
{
    char range[48], how[96], ver[16], source[48];
    tw_finding_cite(f, "offered", "trial 1, ClientHello", "%s", range_text(o, range, sizeof range));
    tw_version_label(s->version, ver, sizeof ver);
    if (s->chosen) {
        tw_finding_cite(f, "the server chose", "trial 1, ServerHello", "%s", ver);
        return;
    }
    snprintf(source, sizeof source, "trial %u, ServerHello", s->conn->conn);
    tw_finding_cite(f, "answer to the offer", "trial 1", "%s",
                    tw_rejection_text(c->base, how, sizeof how));
    tw_finding_cite(f, s->conn->changed, source, "the server chooses %s", ver);
}

/* ---- version-server-too-old ------------------------------------------------------------------------- */

static bool match_server_too_old(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    struct seen s = server_version(c);
    if (!o.known || o.max_version < TW_TLS12)
        return false;
    if (s.version == 0) { /* only the alert's word */
        if (!tw_rejected_hello(c->base) || c->base->alert != TW_ALERT_PROTOCOL_VERSION ||
            c->conns_n < 2)
            return false;
        f->certainty = TW_POSSIBLE;
        tw_finding_fact(f, "the server says", c->base->alert_fact);
        tw_finding_summary(f, "The server says that it has none of the versions offered, but "
                              "nothing older was accepted either.");
        return true;
    }
    if (s.version >= TW_TLS12)
        return false;
    char ver[16], range[48];
    tw_version_label(s.version, ver, sizeof ver);
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite(c, f, &s, &o);
    tw_finding_not(f, "version-client-too-old", "the offer was %s",
                   range_text(&o, range, sizeof range));
    tw_finding_summary(f, "The server speaks nothing newer than %s; current clients need at least "
                          "TLS 1.2.", ver);
    return true;
}

const struct tw_rule tw_rule_version_server_too_old = {
    .id = "version-server-too-old",
    .title = "The server only speaks an old TLS or SSL version",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "TLS 1.0 and 1.1 were withdrawn in 2021 and SSL long before; current clients refuse "
               "them. The server has nothing newer switched on, or its TLS library has nothing "
               "newer.",
    .evidence = "The server answers with TLS 1.1 or older, or passes only when older versions are "
                "offered.",
    .fix = {{"nginx", "Switch current versions on.", "ssl_protocols TLSv1.2 TLSv1.3;"},
            {"Apache", "Switch current versions on.", "SSLProtocol -all +TLSv1.2 +TLSv1.3"},
            {"HAProxy", "Switch current versions on.",
             "ssl-default-bind-options ssl-min-ver TLSv1.2"},
            {"Windows", "Enable TLS 1.2 in the SCHANNEL registry keys, then restart.",
             "SCHANNEL\\Protocols\\TLS 1.2\\Server: Enabled=1, DisabledByDefault=0"},
            {"appliance", "Update it, or put a current TLS proxy in front.", NULL},
            {"OpenSSL client", "As a stop-gap only, let the client go down.",
             "openssl s_client -tls1 -cipher 'DEFAULT@SECLEVEL=0' -connect HOST:443"}},
    .lookalikes = {{"version-client-too-old", "the server has 1.2 or 1.3, the client has not"},
                   {"local-policy-disables-protocol", "the client could, but is told not to"}},
    .refs = {"RFC 8996 §4", "RFC 8446 §4.1.3", "RFC 7568"},
    .match = match_server_too_old,
};

/* ---- version-client-too-old --------------------------------------------------------------------------- */

static bool match_client_too_old(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    struct seen s = server_version(c);
    if (!o.known || o.max_version >= TW_TLS12 || s.version < TW_TLS12)
        return false;
    char ver[16], range[48];
    tw_version_label(s.version, ver, sizeof ver);
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite(c, f, &s, &o);
    tw_finding_not(f, "version-server-too-old", "the server speaks %s", ver);
    tw_finding_summary(f, "The client offers only %s; the server speaks %s.",
                       range_text(&o, range, sizeof range), ver);
    return true;
}

const struct tw_rule tw_rule_version_client_too_old = {
    .id = "version-client-too-old",
    .title = "The client only offers an old TLS version",
    .category = "protocol",
    .side = TW_CLIENT,
    .explain = "The client's newest version is TLS 1.1 or older, and the server has switched those "
               "off. The client's TLS library is old, or TLS 1.2 is not enabled in it.",
    .evidence = "The same server passes as soon as TLS 1.2 or 1.3 is offered.",
    .fix = {{"client", "Update the program, or the TLS library that it uses.", NULL},
            {".NET Framework", "Let it use the system's versions.",
             "SchUseStrongCrypto=1, SystemDefaultTlsVersions=1"},
            {"Java 7", "Enable TLS 1.2.", "-Dhttps.protocols=TLSv1.2"},
            {"WinHTTP", "Enable TLS 1.2 (KB3140245).", "DefaultSecureProtocols=0xA80"}},
    .lookalikes = {{"version-server-too-old", "the server is the one without TLS 1.2"},
                   {"plaintext-on-tls-port", "old OpenSSL says \"unknown protocol\" for both"}},
    .refs = {"RFC 8996 §4", "RFC 5246 §E.1"},
    .match = match_client_too_old,
};

/* ---- version-no-overlap ----------------------------------------------------------------------------------- */

static bool match_no_overlap(const struct tw_case *c, struct tw_finding *f)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    struct seen s = server_version(c);
    if (!o.known || o.max_version < TW_TLS12 || s.version < TW_TLS12)
        return false;
    char ver[16], range[48];
    tw_version_label(s.version, ver, sizeof ver);
    bool client_is_narrow = s.version == TW_TLS13 || o.min_version == TW_TLS13;
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    f->side = o.min_version == TW_TLS13 || !client_is_narrow ? TW_SERVER : TW_CLIENT;
    cite(c, f, &s, &o);
    tw_finding_not(f, "version-server-too-old", "the server speaks %s", ver);
    tw_finding_summary(f, "The client offers only %s, the server accepts only %s.",
                       range_text(&o, range, sizeof range), ver);
    return true;
}

const struct tw_rule tw_rule_version_no_overlap = {
    .id = "version-no-overlap",
    .title = "Both sides are current, but their version ranges do not meet",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "One side is set to TLS 1.3 only, the other to TLS 1.2 only. Neither is outdated; "
               "one of the settings is too narrow.",
    .evidence = "It passes as soon as the client's range is widened by one current version.",
    .fix = {{"nginx", "Accept both.", "ssl_protocols TLSv1.2 TLSv1.3;"},
            {"Apache", "Accept both.", "SSLProtocol -all +TLSv1.2 +TLSv1.3"},
            {"client", "Offer both TLS 1.2 and 1.3; do not pin one version.", NULL}},
    .lookalikes = {{"version-server-too-old", "the server has nothing newer than TLS 1.1"},
                   {"version-client-too-old", "the client has nothing newer than TLS 1.1"}},
    .refs = {"RFC 8446 §4.2.1"},
    .match = match_no_overlap,
};
