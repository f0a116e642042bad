/*
 * Causes about somebody between client and server who signs again: a proxy in the network or
 * security software on the machine. Two things show it: an issuer that is a product's, and an
 * issuer that makes a certificate for any name, even for one that cannot exist.
 */
#include "rules/chain.h"
#include "rules/tables.h"

#define NO_SUCH_NAME "tlswhy.invalid" /* of the trial sni-other; RFC 6761 6.4 */

struct seen {
    const struct tw_interceptor *product;
    int64_t place;           /* of the certificate whose issuer tells */
    char issuer[200];
    const struct tw_conn_view *minted; /* the trial that got a certificate for no name */
};

static const struct tw_interceptor *product_of(const struct tw_case *c, uint32_t conn,
                                               struct seen *s)
{
    struct tw_cert cert;
    for (int64_t i = 0; i < 16 && chain_sent(c, conn, i, &cert); i++) {
        const struct tw_interceptor *p = tw_interceptor_by_name(cert.issuer);
        if (p == NULL)
            continue;
        tw_dn_text(cert.issuer, s->issuer, sizeof s->issuer);
        s->place = i;
        return p;
    }
    return NULL;
}

/* The same issuer made a certificate for the name of the trial. */
static const struct tw_conn_view *minted(const struct tw_case *c, uint32_t conn)
{
    const struct tw_conn_view *v = tw_case_trial(c, "sni-other");
    struct tw_cert first, other;
    char nearest[256];
    if (v == NULL || !chain_other_leaf(c, conn, v->conn) || !chain_sent(c, conn, 0, &first) ||
        !chain_sent(c, v->conn, 0, &other) || !tw_dn_equal(first.issuer, other.issuer))
        return NULL;
    return tw_cert_name_match(&other, NO_SUCH_NAME, nearest, sizeof nearest) == TW_NAME_OK ? v : NULL;
}

/* A proxy makes what was asked for; an appliance of the same maker shows its own certificate. */
static bool made_for_the_name(const struct tw_case *c, uint32_t conn)
{
    struct tw_cert leaf;
    return chain_sent(c, conn, 0, &leaf) && !leaf.self_issued && chain_misnamed(c, conn) == NULL;
}

static bool look(const struct tw_case *c, uint32_t conn, struct seen *s)
{
    *s = (struct seen){0};
    if (conn == 0)
        return false;
    s->product = product_of(c, conn, s);
    s->minted = minted(c, conn);
    if (s->minted == NULL && !made_for_the_name(c, conn))
        s->product = NULL;
    if (s->product == NULL && s->minted == NULL)
        return false;
    /* A name that others use too counts only where nobody trusts the chain. */
    return s->minted != NULL || s->product->sure || chain_untrusted(c, conn) != NULL;
}

bool chain_intercepted(const struct tw_case *c, uint32_t conn)
{
    struct seen s;
    return chain_untrusted(c, conn) != NULL && look(c, conn, &s);
}

static void cite(const struct tw_case *c, struct tw_finding *f, uint32_t conn, const struct seen *s)
{
    struct tw_cert leaf;
    char source[48], text[200];
    if (s->product != NULL) {
        tw_finding_cite(f, "issuer", chain_source(conn, s->place, source, sizeof source), "%s",
                        s->issuer);
        tw_finding_cite(f, "product of that name", s->product->source, "%s", s->product->product);
    } else if (chain_sent(c, conn, 0, &leaf)) {
        tw_finding_cite(f, "issuer", chain_source(conn, 0, source, sizeof source), "%s",
                        tw_dn_text(leaf.issuer, text, sizeof text));
    }
    if (s->minted != NULL) {
        snprintf(source, sizeof source, "trial %u, Certificate 0", s->minted->conn);
        tw_finding_cite(f, "asked for " NO_SUCH_NAME ", which cannot exist", source,
                        "the same issuer has a certificate for it");
    }
    const struct tw_fact *trust = chain_untrusted(c, conn);
    if (trust != NULL)
        tw_finding_fact(f, "trust", trust);
    cite_stores(c, f, conn);
}

static void judge(const struct tw_case *c, struct tw_finding *f, uint32_t conn,
                  const struct seen *s)
{
    bool trusted = chain_untrusted(c, conn) == NULL;
    bool certain = s->minted != NULL && s->product != NULL && s->product->sure;
    chain_begin(c, f, conn, certain ? TW_PROVEN : TW_LIKELY);
    f->next = f->next || trusted;
    cite(c, f, conn, s);
    tw_finding_not(f, "untrusted-private-ca",
                   s->minted != NULL ? "a CA of one's own signs no certificate for a name that "
                                       "cannot exist, unless the server makes them on demand"
                                     : "not excluded: from another network the same issuer would "
                                       "be seen");
    const char *who = s->product != NULL ? s->product->product : "Somebody between";
    if (trusted)
        tw_finding_summary(f, "%s decrypts this connection and signs again; the store asked here "
                              "trusts it, other programs on this machine may not.", who);
    else
        tw_finding_summary(f, "%s decrypts this connection and signs again with its own CA, which "
                              "the client does not trust.", who);
}

static bool match_antivirus(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    struct seen s;
    if (!look(c, conn, &s) || s.product == NULL || strchr("AM", s.product->kind) == NULL)
        return false;
    judge(c, f, conn, &s);
    tw_finding_not(f, "interception-proxy", "not excluded: see whether other machines get the same "
                                            "issuer");
    return true;
}

const struct tw_rule tw_rule_antivirus_interception = {
    .id = "antivirus-interception",
    .title = "Security software on this machine decrypts TLS",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "Antivirus and filter software puts itself between programs and the network and "
               "signs each site's certificate again with a CA made on this machine. Browsers that "
               "use the system's store trust that CA; Java, Python, Node.js, Firefox and others with "
               "a store of their own do not.",
    .evidence = "The issuer is the local CA of such a product; from another machine the real "
                "certificate is seen.",
    .fix = {{"client", "Switch off HTTPS (or encrypted connections) scanning, or exclude the program "
                       "or site.", NULL},
            {"Node.js", "Or trust its root (export it from the system's store).",
             "NODE_EXTRA_CA_CERTS=/path/av-root.pem"},
            {"Python requests", "", "REQUESTS_CA_BUNDLE=/path/bundle-with-av-root.pem"},
            {"Java", "", "keytool -importcert -cacerts -alias av -file av-root.pem"},
            {"pip", "24.2 and later use the system's store.", NULL},
            {"Firefox", "about:config", "security.enterprise_roots.enabled = true"}},
    .lookalikes = {{"interception-proxy", "other machines on the network see the same issuer"},
                   {"untrusted-private-ca", "the server really uses this issuer"}},
    .refs = {"RFC 8446 §4.4.2", "RFC 9325 §7.3"},
    .match = match_antivirus,
};

static bool match_proxy(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    struct seen s;
    if (!look(c, conn, &s) || (s.product != NULL && strchr("PD", s.product->kind) == NULL))
        return false;
    judge(c, f, conn, &s);
    if (s.product != NULL && s.product->kind == 'D') {
        f->side = TW_CLIENT;
        tw_finding_not(f, "antivirus-interception", "%s is a developer's tool", s.product->product);
    } else {
        tw_finding_not(f, "captive-portal", "not excluded: a block page may be shown instead of "
                                            "the site");
    }
    return true;
}

const struct tw_rule tw_rule_interception_proxy = {
    .id = "interception-proxy",
    .title = "A proxy in the network decrypts TLS and signs again",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "An inspecting proxy or firewall ends the TLS connection, looks inside, and shows the "
               "client a certificate it has just made, signed by the organisation's inspection CA. "
               "Managed browsers know that CA; programs and containers with a trust store of their "
               "own do not.",
    .evidence = "The issuer names an inspection product, or makes certificates for any name; from "
                "another network another issuer is seen.",
    .fix = {{"network", "Exempt the host from inspection (package registries, APIs with pinning, "
                        "mutual TLS).", NULL},
            {"Debian, Ubuntu", "Or trust the inspection root.",
             "cp inspection-root.crt /usr/local/share/ca-certificates/ && update-ca-certificates"},
            {"Node.js", "", "NODE_EXTRA_CA_CERTS=/path/inspection-root.pem   # or --use-system-ca"},
            {"Java", "On Windows the system's store can be used.",
             "keytool -importcert -cacerts -alias proxy -file inspection-root.pem\n"
             "-Djavax.net.ssl.trustStoreType=Windows-ROOT"},
            {"Python, pip", "", "REQUESTS_CA_BUNDLE=/path/bundle.pem\npip config set global.cert "
                                "/path/bundle.pem"},
            {"git", "On Windows use the system's store.", "git config --global http.sslBackend "
                                                          "schannel"},
            {"container", "Copy the root into the image, then update its store.",
             "COPY inspection-root.crt /usr/local/share/ca-certificates/\n"
             "RUN update-ca-certificates"},
            {"anyone", "Compare with what is seen from outside.",
             "openssl s_client -connect HOST:443 -servername HOST </dev/null | openssl x509 -noout "
             "-issuer"}},
    .lookalikes = {{"antivirus-interception", "only this machine sees that issuer"},
                   {"captive-portal", "goes away after a log-in"},
                   {"untrusted-private-ca", "from outside the same private issuer is seen"}},
    .refs = {"RFC 9325 §7.3", "RFC 8446 §9.3"},
    .match = match_proxy,
};
