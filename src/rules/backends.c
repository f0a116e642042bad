/* Causes where the addresses of one name differ, and where the fault lies behind the server. */
#include "rules/rules_internal.h"

/* ---- one address of several ------------------------------------------------------------------------ */

struct tally {
    unsigned good, bad, good4, good6, bad4, bad6;
    const struct tw_conn_view *a_good, *a_bad;
};

static bool is_v6(const struct tw_conn_view *v)
{
    return v->address != NULL && v->address[0] == '[';
}

static bool path_is_bad(const struct tw_case *c, const struct tw_conn_view *v)
{
    const struct tw_fact *f = tw_trace_first(c->trace, v->conn, TW_FACT_PATH, NULL);
    return f != NULL && f->num != 0;
}

static void count(struct tally *t, const struct tw_case *c, const struct tw_conn_view *v)
{
    bool good = v->ok && !path_is_bad(c, v), six = is_v6(v);
    t->good += good;
    t->bad += !good;
    t->good4 += good && !six;
    t->good6 += good && six;
    t->bad4 += !good && !six;
    t->bad6 += !good && six;
    if (good)
        t->a_good = v;
    else if (t->a_bad == NULL)
        t->a_bad = v;
}

static struct tally tally(const struct tw_case *c)
{
    struct tally t = {0};
    if (c->base == NULL)
        return t;
    count(&t, c, c->base);
    for (size_t i = 0; i < c->conns_n; i++)
        if (c->conns[i].recipe != NULL && strncmp(c->conns[i].recipe, "address-", 8) == 0)
            count(&t, c, &c->conns[i]);
    return t;
}

static void cite(const struct tw_case *c, struct tw_finding *f, const struct tw_conn_view *v)
{
    char source[32], how[96];
    const struct tw_fact *path = tw_trace_first(c->trace, v->conn, TW_FACT_PATH, NULL);
    snprintf(source, sizeof source, "trial %u", v->conn);
    tw_finding_cite(f, v->address == NULL ? "no connection" : v->address, source, "%s",
                    v->ok && path != NULL && path->num != 0 && path->text != NULL ? path->text
                    : v->ok                                                       ? "works"
                    : v->phase < TW_PHASE_TCP ? "no connection"
                                              : tw_rejection_text(v, how, sizeof how));
}

static bool fill(const struct tw_case *c, struct tw_finding *f, const struct tally *t)
{
    f->certainty = TW_PROVEN;
    cite(c, f, t->a_bad);
    cite(c, f, t->a_good);
    return true;
}

/* The split is exactly by family. */
static bool by_family(const struct tally *t)
{
    return t->good > 0 && t->bad > 0 &&
           ((t->bad4 == 0 && t->good6 == 0) || (t->bad6 == 0 && t->good4 == 0));
}

/* Happy Eyeballs hid it: one family failed to connect and the other was used. */
static const struct tw_fact *hidden_v6(const struct tw_case *c)
{
    const struct tw_fact *f = NULL;
    while (c->base != NULL && c->base->ok && !is_v6(c->base) &&
           (f = tw_trace_next(c->trace, f, c->base->conn, TW_FACT_TCP, "connect")) != NULL)
        if (f->num != 0 && f->text != NULL && f->text[0] == '[')
            return f;
    return NULL;
}

static bool match_ipv6(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *hidden = hidden_v6(c);
    struct tally t = tally(c);
    if (hidden != NULL) {
        f->next = true;
        f->certainty = TW_PROVEN;
        tw_finding_fact(f, "TCP over IPv6", hidden);
        tw_finding_cite(f, "TCP over IPv4", "trial 1", "%s works", c->base->address);
        tw_finding_summary(f, "The name has an IPv6 address that does not work; clients lose time on it, "
                              "or fail.");
        return true;
    }
    if (!by_family(&t))
        return false;
    tw_finding_summary(f, "Over %s the server works, over %s it does not.", t.good6 ? "IPv6" : "IPv4",
                       t.bad6 ? "IPv6" : "IPv4");
    return fill(c, f, &t);
}

const struct tw_rule tw_rule_ipv6_broken_only = {
    .id = "ipv6-broken-only",
    .title = "Only one address family fails",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The name has IPv4 and IPv6 addresses, and they do not lead to the same thing: no listener "
               "on [::], another default certificate there, a firewall that was never opened, an old AAAA "
               "record.",
    .evidence = "Each address tried on its own: all of one family fail, all of the other work.",
    .fix = {{"nginx", "Listen on both.", "listen 443 ssl;\nlisten [::]:443 ssl;"},
            {"DNS owner", "Correct or remove the AAAA record.", NULL},
            {"firewall", "Open the port for IPv6 as for IPv4.", "ip6tables -nvL; nft list ruleset"}},
    .lookalikes = {{"backend-inconsistent", "addresses of one family differ among themselves"}},
    .refs = {"RFC 8305", "RFC 6724"},
    .match = match_ipv6,
};

static bool match_backend(const struct tw_case *c, struct tw_finding *f)
{
    struct tally t = tally(c);
    if (t.good == 0 || t.bad == 0 || by_family(&t))
        return false;
    tw_finding_summary(f, "%u of %u addresses of %s fail, the others work.", t.bad, t.bad + t.good,
                       c->host);
    return fill(c, f, &t);
}

const struct tw_rule tw_rule_backend_inconsistent = {
    .id = "backend-inconsistent",
    .title = "One of several servers behind the name is different",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The name leads to several machines, and they are not set up alike: an old certificate or "
               "chain on one, other versions, a half-finished roll-out. Clients fail now and then.",
    .evidence = "The same ClientHello to each address: some fail, some work.",
    .fix = {{"server", "Bring the odd one in line; then check each by itself.",
             "tlswhy HOST --connect ADDRESS"}},
    .lookalikes = {{"ipv6-broken-only", "the split is exactly by address family"},
                   {"session-ticket-mismatch", "only resumed connections fail"}},
    .refs = {"RFC 8305"},
    .match = match_backend,
};

/* ---- upstream-tls-misconfig -------------------------------------------------------------------------- */

static bool match_upstream(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *st = c->base == NULL ? NULL
                                               : tw_trace_first(c->trace, c->base->conn,
                                                                TW_FACT_FIELD, "http_status");
    if (st == NULL || !c->base->ok)
        return false;
    bool says = st->num == 525 || st->num == 526;
    if (!says && st->num != 502)
        return false;
    f->certainty = says ? TW_PROVEN : TW_POSSIBLE;
    f->next = !says;
    f->failed_at = "application";
    tw_finding_fact(f, "HTTP status after a good handshake", st);
    tw_finding_summary(f, st->num == 525   ? "The front end's own handshake with the origin fails (525)."
                          : st->num == 526 ? "The front end does not accept the origin's certificate (526)."
                                           : "The handshake is well, but the front end cannot talk to what "
                                             "stands behind it (502); its TLS to the origin may be why.");
    return true;
}

const struct tw_rule tw_rule_upstream_tls_misconfig = {
    .id = "upstream-tls-misconfig",
    .title = "A reverse proxy fails in its own TLS to the origin",
    .category = "network",
    .side = TW_SERVER,
    .explain = "The handshake with the front end works; the front end then fails in a handshake of its own "
               "with the server behind it: wrong scheme or port, no SNI, an expired or private certificate, "
               "no common version.",
    .evidence = "HTTP 525 or 526 (Cloudflare), 502 or 503 from others, after a good handshake.",
    .fix = {{"server", "Diagnose the origin from the front end, with the name that it sends.",
             "tlswhy ORIGIN:443 -s NAME"},
            {"nginx", "Send the name, and trust the origin's CA.",
             "proxy_ssl_server_name on;\nproxy_ssl_name origin.example;\n"
             "proxy_ssl_trusted_certificate origin-ca.pem;"},
            {"HAProxy", "The same.", "server s1 10.0.0.5:443 ssl verify required ca-file ca.pem sni "
                                     "req.hdr(host)"},
            {"Cloudflare", "Choose the mode that the origin can do (Full, Full strict).", NULL}},
    .lookalikes = {{"sni-required", "the proxy sends no SNI"},
                   {"plaintext-on-tls-port", "the origin's port speaks HTTP"},
                   {"cert-expired", "the origin's certificate has expired"}},
    .refs = {"RFC 9209 §2.3"},
    .match = match_upstream,
};
