/*
 * Causes where the right server was reached and the wrong certificate came: a product's
 * placeholder, a platform's own, or another site's. The trial with another SNI tells whether the
 * server looks at the name at all.
 */
#include "rules/chain.h"
#include "rules/tables.h"

static bool sent_sni(const struct tw_case *c)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o.known && o.has_sni;
}

/* The same certificate came for a name that cannot exist. */
static const struct tw_conn_view *same_for_any(const struct tw_case *c, uint32_t conn)
{
    const struct tw_conn_view *v = tw_case_trial(c, "sni-other");
    return v != NULL && chain_same_leaf(c, conn, v->conn) ? v : NULL;
}

static void cite_same(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const struct tw_conn_view *v = same_for_any(c, conn);
    char source[48];
    if (v != NULL)
        tw_finding_cite(f, "for a name that cannot exist (tlswhy.invalid)",
                        chain_source(v->conn, 0, source, sizeof source), "the same certificate");
}

static void cite_names(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    const struct tw_fact *bad = chain_misnamed(c, conn);
    if (bad == NULL)
        return;
    tw_finding_cite(f, "asked for", "settings", "%s", name == NULL ? "" : name);
    tw_finding_fact(f, "names in the certificate", bad);
}

/* ---- default-placeholder-cert ------------------------------------------------------------------------ */

static bool match_placeholder(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    struct tw_cert leaf;
    char source[48], subject[200];
    bool misnamed = chain_misnamed(c, conn) != NULL;
    bool untrusted = chain_untrusted(c, conn) != NULL;
    if ((!misnamed && !untrusted) || !chain_sent(c, conn, 0, &leaf))
        return false;
    const struct tw_placeholder *p = tw_placeholder_by_name(leaf.subject);
    if (p == NULL || (!p->sure && !(misnamed && untrusted)))
        return false; /* a common name counts only where nobody vouches for it */
    chain_begin(c, f, conn, p->sure ? TW_PROVEN : TW_LIKELY);
    tw_finding_cite(f, "subject", chain_source(conn, 0, source, sizeof source), "%s",
                    tw_dn_text(leaf.subject, subject, sizeof subject));
    tw_finding_cite(f, "made by", p->source, "%s", p->product);
    cite_names(c, f, conn);
    cite_same(c, f, conn);
    f->own_fix = (struct tw_fix){p->product, p->fix, NULL};
    tw_finding_not(f, "wrong-vhost-default-cert", "it is no other site's certificate but one that "
                                                  "comes with the software");
    if (!sent_sni(c))
        tw_finding_not(f, "sni-required", tw_case_trial(c, "sni-host") == NULL
                                              ? "not excluded: no SNI was sent"
                                              : "with SNI it is no better");
    tw_finding_summary(f, "The server shows the placeholder certificate \"%s\" of %s: none is "
                          "assigned to this name, or it could not be loaded.",
                       chain_cn(leaf.subject, subject, sizeof subject), p->product);
    return true;
}

const struct tw_rule tw_rule_default_placeholder_cert = {
    .id = "default-placeholder-cert",
    .title = "The server shows its software's placeholder certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "So that they can start without one, ingress controllers, panels, appliances and "
               "packages make a certificate for themselves. It is shown when no certificate is "
               "assigned to the requested name, or when the assigned one could not be loaded.",
    .evidence = "The certificate's subject is a known product default, and it is not trusted or does "
                "not cover the name.",
    .fix = {{"Kubernetes Ingress", "The Secret must be in the Ingress's namespace and hold tls.crt "
                                   "and tls.key.",
             "spec:\n  tls:\n  - hosts: [www.example.org]\n    secretName: www-tls"},
            {"Traefik", "Let the router get a certificate; look for ACME errors in the log.",
             "traefik.http.routers.NAME.tls.certresolver=letsencrypt"},
            {"nginx", "Use the real certificate in the server block of that name.",
             "server_name www.example.org;\nssl_certificate /etc/letsencrypt/live/www.example.org/"
             "fullchain.pem;"},
            {"Apache", "", "SSLCertificateFile /etc/letsencrypt/live/NAME/fullchain.pem"},
            {"appliance", "Install a certificate in its web interface, or give clients this one.",
             NULL}},
    .lookalikes = {{"wrong-vhost-default-cert", "a real certificate, of another site"},
                   {"sni-required", "the placeholder comes only without SNI"},
                   {"self-signed-leaf", "self-made, but for this very name"}},
    .refs = {"RFC 9525 §6", "RFC 6066 §3"},
    .match = match_placeholder,
};

/* ---- cdn-edge-no-cert-for-name -------------------------------------------------------------------------- */

static const struct tw_platform *platform_of(const struct tw_case *c, uint32_t conn, char *san,
                                             size_t cap)
{
    struct tw_cert leaf;
    struct tw_view v;
    enum tw_san_type type;
    if (!chain_sent(c, conn, 0, &leaf))
        return NULL;
    for (size_t i = 0; i < 200 && tw_cert_san_at(&leaf, i, &type, &v); i++) {
        if (type != TW_SAN_DNS)
            continue;
        const struct tw_platform *p = tw_platform_by_san(tw_san_text(type, v, san, cap));
        if (p != NULL)
            return p;
    }
    return NULL;
}

/* example.herokuapp.com lies below the platform's own domain: then it is simply another name. */
static bool is_below(const char *host, const char *san)
{
    const char *domain = san[0] == '*' ? san + 1 : san;
    size_t n = strlen(domain), len = strlen(host);
    return len > n && tw_view_ieq(tw_view_of(host + len - n, n), domain);
}

static bool edge_shows_its_own(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    const char *name = tw_trace_setting(c->trace, "verify_name");
    char san[260], source[48];
    if (chain_misnamed(c, conn) == NULL || !sent_sni(c))
        return false;
    const struct tw_platform *p = platform_of(c, conn, san, sizeof san);
    if (p == NULL || (name != NULL && is_below(name, san)))
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    tw_finding_cite(f, "server_name", "trial 1, ClientHello", "%s", c->server_name);
    tw_finding_cite(f, "name in the certificate", chain_source(conn, 0, source, sizeof source),
                    "%s", san);
    tw_finding_cite(f, "platform", p->source, "%s", p->name);
    cite_same(c, f, conn);
    f->own_fix = (struct tw_fix){p->name, p->fix, NULL};
    tw_finding_not(f, "wrong-vhost-default-cert", "it is the platform's own certificate");
    tw_finding_summary(f, "%s answers for %s with its own certificate (%s): the name is not set up "
                          "there, or its certificate is not active yet.", p->name, c->server_name,
                       san);
    return true;
}

/* alert 40 or 80 for this name, and a handshake for another one. */
static bool edge_refuses(const struct tw_case *c, struct tw_finding *f)
{
    static const char *const others[] = {"sni-sibling", "sni-other", "sni-absent"};
    const struct tw_conn_view *b = c->base;
    char san[260], how[96];
    if (!tw_rejected_hello(b) || (b->alert != 40 && b->alert != 80) || !sent_sni(c))
        return false;
    for (size_t i = 0; i < TW_ARRAY_LEN(others); i++) {
        const struct tw_conn_view *v = tw_case_trial(c, others[i]);
        if (v == NULL || !tw_case_passed(c, others[i]))
            continue;
        const struct tw_platform *p = platform_of(c, v->conn, san, sizeof san);
        f->certainty = p != NULL ? TW_PROVEN : TW_LIKELY;
        f->failed_at = "server_hello";
        tw_finding_cite(f, "server_name", "trial 1, ClientHello", "%s", c->server_name);
        tw_finding_fact(f, "the server says", b->alert_fact);
        tw_finding_trial(f, c, others[i]);
        if (p != NULL) {
            tw_finding_cite(f, "platform", p->source, "%s (%s)", p->name, san);
            f->own_fix = (struct tw_fix){p->name, p->fix, NULL};
        }
        tw_finding_not(f, "cipher-no-overlap", "the same offer passes with another server_name");
        tw_finding_not(f, "sni-unrecognized", "the alert is not unrecognized_name; what must be done "
                                              "is the same");
        tw_finding_summary(f, "The server refuses the name %s with %s and accepts the same "
                              "ClientHello for another: it has no certificate for this name.",
                           c->server_name, tw_rejection_text(b, how, sizeof how));
        return true;
    }
    return false;
}

static bool match_cdn(const struct tw_case *c, struct tw_finding *f)
{
    return edge_shows_its_own(c, f) || edge_refuses(c, f);
}

const struct tw_rule tw_rule_cdn_edge_no_cert_for_name = {
    .id = "cdn-edge-no-cert-for-name",
    .title = "The CDN or platform has no certificate for this name",
    .category = "network",
    .side = TW_SERVER,
    .explain = "An edge serves thousands of names and picks the certificate by SNI. For a name that "
               "is not set up there, whose certificate is still pending, or that lies one label too "
               "deep for the plan, it refuses the handshake or shows the platform's own certificate.",
    .evidence = "The certificate is the platform's own, or only the server_name decides between "
                "refusal and handshake.",
    .fix = {{"Cloudflare", "Universal SSL covers one label below the zone; deeper names need an "
                           "Advanced certificate or Total TLS.", NULL},
            {"CloudFront", "Add the name to the distribution with an ACM certificate of us-east-1.",
             "aws acm request-certificate --region us-east-1 --domain-name NAME --validation-method "
             "DNS"},
            {"Heroku", "", "heroku domains:add NAME && heroku certs:auto:enable"},
            {"Fastly, Akamai", "Add the domain to the service and to its certificate.", NULL},
            {"DNS", "Check that the CNAME leads to the tenant that owns the name.",
             "dig +short CNAME NAME"}},
    .lookalikes = {{"sni-unrecognized", "the refusal is unrecognized_name (112)"},
                   {"cipher-no-overlap", "fails with every server_name"},
                   {"sni-required", "fails only without server_name"},
                   {"wrong-vhost-default-cert", "another customer's or site's certificate"}},
    .refs = {"RFC 6066 §3", "RFC 8446 §6.2"},
    .match = match_cdn,
};

/* ---- wrong-vhost-default-cert ------------------------------------------------------------------------------ */

static bool names_differ(const struct tw_case *c)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    return sent_sni(c) && name != NULL && !tw_view_ieq(tw_view_str(name), c->server_name);
}

/* Another trial got a certificate that covers the name. */
static const char *right_one(const struct tw_case *c, uint32_t conn)
{
    static const char *const recipes[] = {"sni-host", "sni-sibling", "sni-absent", "sni-other"};
    for (size_t i = 0; i < TW_ARRAY_LEN(recipes); i++) {
        const struct tw_conn_view *v = tw_case_trial(c, recipes[i]);
        if (v != NULL && chain_other_leaf(c, conn, v->conn) &&
            tw_trace_first(c->trace, v->conn, TW_FACT_PATH, NULL) != NULL &&
            chain_misnamed(c, v->conn) == NULL)
            return recipes[i];
    }
    return NULL;
}

static void cite_other(const struct tw_case *c, struct tw_finding *f, const char *recipe)
{
    const struct tw_conn_view *v = tw_case_trial(c, recipe);
    struct tw_cert leaf;
    char source[48], subject[200];
    if (v == NULL || !chain_sent(c, v->conn, 0, &leaf))
        return;
    tw_finding_cite(f, v->changed, chain_source(v->conn, 0, source, sizeof source),
                    "another certificate: %s", tw_dn_text(leaf.subject, subject, sizeof subject));
}

static bool proven_vhost(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const char *right = right_one(c, conn);
    const struct tw_conn_view *sibling = tw_case_trial(c, "sni-sibling");
    bool by_name = sibling != NULL && chain_other_leaf(c, conn, sibling->conn) &&
                   same_for_any(c, conn) != NULL;
    if (right == NULL && !by_name)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    cite_names(c, f, conn);
    cite_same(c, f, conn);
    cite_other(c, f, right != NULL ? right : "sni-sibling");
    tw_finding_not(f, "name-mismatch", right != NULL ? "the server has a certificate that covers it"
                                                     : "the server chooses by name and does not know "
                                                       "this one");
    if (right != NULL && strcmp(right, "sni-host") == 0) {
        f->side = TW_CLIENT;
        tw_finding_summary(f, "The client sends server_name %s and gets that site's certificate; for "
                              "the name it wants to reach the server has the right one.",
                           c->server_name);
    } else {
        tw_finding_summary(f, "The server does not know the name %s and shows its default site's "
                              "certificate; for another name it has another.", c->server_name);
    }
    return true;
}

/* A placeholder or a platform's own certificate: those causes say more. */
static bool is_told(const struct tw_case *c, uint32_t conn)
{
    struct tw_cert leaf;
    char san[260];
    const struct tw_placeholder *p =
        chain_sent(c, conn, 0, &leaf) ? tw_placeholder_by_name(leaf.subject) : NULL;
    return (p != NULL && p->sure) || platform_of(c, conn, san, sizeof san) != NULL;
}

static bool match_vhost(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    struct tw_cert leaf;
    char subject[200];
    if (chain_misnamed(c, conn) == NULL || !sent_sni(c) || c->base == NULL ||
        conn != c->base->conn || chain_intercepted(c, conn) || is_told(c, conn))
        return false;
    if (proven_vhost(c, f, conn))
        return true;
    if (same_for_any(c, conn) == NULL || names_differ(c) || !chain_sent(c, conn, 0, &leaf))
        return false;
    chain_begin(c, f, conn, TW_LIKELY);
    cite_names(c, f, conn);
    cite_same(c, f, conn);
    tw_finding_not(f, "name-mismatch", "not excluded: the server may have this one certificate only");
    tw_finding_not(f, "dns-wrong-address", "not excluded: the address may be somebody else's");
    tw_finding_summary(f, "The server does not know the name %s: it answers with its default "
                          "certificate (%s), as it does for any name.", c->server_name,
                       chain_cn(leaf.subject, subject, sizeof subject));
    return true;
}

const struct tw_rule tw_rule_wrong_vhost_default_cert = {
    .id = "wrong-vhost-default-cert",
    .title = "The default site's certificate is sent instead of the requested site's",
    .category = "network",
    .side = TW_SERVER,
    .explain = "A server with several sites picks one by SNI; for a name it does not know it takes "
               "the default one and shows that site's certificate. The name is missing in the "
               "configuration, the site listens on IPv4 but not on IPv6, on another address or port, "
               "or the client sent another name than it verifies.",
    .evidence = "The certificate changes with server_name or address, or stays the same for a name "
                "that cannot exist.",
    .fix = {{"nginx", "Add the name, and a listen line per address family.",
             "listen 443 ssl;\nlisten [::]:443 ssl;\nserver_name www.example.org;"},
            {"Apache", "Add the name to the virtual host; see which one answers.",
             "ServerAlias www.example.org\napachectl -S"},
            {"HAProxy", "Put the certificate into the crt directory; strict-sni refuses unknown "
                        "names instead.", "bind :443,[::]:443 ssl crt /etc/haproxy/certs/"},
            {"IIS", "Give the binding the host name and \"Require Server Name Indication\".", NULL},
            {"client", "Send the name that is to be verified.",
             "openssl s_client -connect ADDR:443 -servername NAME"}},
    .lookalikes = {{"name-mismatch", "the right site answers, its certificate lacks the name"},
                   {"dns-wrong-address", "the server belongs to another operator"},
                   {"default-placeholder-cert", "the certificate is a product's default"},
                   {"cdn-edge-no-cert-for-name", "the certificate is a platform's own"}},
    .refs = {"RFC 6066 §3", "RFC 9525 §6"},
    .match = match_vhost,
};
