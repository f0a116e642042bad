/*
 * Faults about whom the client trusts, who sits in between, and whose certificate is sent. The
 * issuers bear the names of the real ones and nothing else of them.
 */
#include "lab/lab_internal.h"

enum { DAY = 86400 };

/* An empty key store of type JKS, password "changeit": magic, version 2, no entries, digest. */
#define EMPTY_JKS "feedfeed0000000200000000e2686e45fb43dfa4d992dd41ceb6b21c6330d792"

static const char *const wanted[] = {"localhost", "ip:127.0.0.1"};
static const char *const nobody[] = {"tlswhy.invalid"};
static const char *const heroku[] = {"*.herokuapp.com", "herokuapp.com"};
static const char *const ingress[] = {"ingress.local"};
static const char *const shop[] = {"shop.example.test"};
static const char *const neighbour[] = {"www.localhost"};

static struct tw_credential *leaf(struct lab_maker *m, const char *cn, const char *o,
                                  const char *const *dns, size_t dns_n,
                                  const struct lab_issuer *by, bool send_issuer)
{
    struct tw_make_cert spec = lab_leaf_spec(m);
    spec.subject_cn = cn;
    spec.subject_o = o;
    spec.dns = dns;
    spec.dns_n = dns_n;
    return lab_make_leaf(m, &spec, TW_MAKE_P256, by, send_issuer);
}
#define NAMES(a) (a), TW_ARRAY_LEN(a)

/* One leaf under a CA of its own, issued then; the CA is sent along. */
static struct tw_credential *under(struct lab_maker *m, const char *ca_cn, const char *ca_o,
                                   const char *ski, int64_t issued)
{
    struct lab_issuer ca = {0};
    struct tw_credential *cred = NULL;
    struct tw_make_cert spec = lab_leaf_spec(m);
    spec.subject_o = NULL;
    spec.not_before = issued;
    if (lab_make_ca(m, ca_cn, ca_o, ski, NULL, &ca))
        cred = lab_make_leaf(m, &spec, TW_MAKE_P256, &ca, true);
    lab_issuer_cleanup(m->c, &ca);
    return cred;
}

/* What an inspecting proxy makes: for the name that is wanted and for one that cannot exist. */
static void proxy_pair(struct lab_maker *m, const char *ca_cn, const char *ca_o,
                       struct tw_credential **real, struct tw_credential **minted)
{
    struct lab_issuer ca = {0};
    if (lab_make_ca(m, ca_cn, ca_o, NULL, NULL, &ca)) {
        *real = leaf(m, "localhost", NULL, NAMES(wanted), &ca, true);
        *minted = leaf(m, "tlswhy.invalid", NULL, NAMES(nobody), &ca, true);
    }
    lab_issuer_cleanup(m->c, &ca);
}

bool lab_trust_make(struct lab_maker *m, struct lab_certs *c)
{
    struct tw_credential **t = c->trust;
    const struct lab_issuer *inter = &m->intermediate;
    t[LAB_TRUST_PLACEHOLDER] = leaf(m, "Kubernetes Ingress Controller Fake Certificate", "Acme Co",
                                    NAMES(ingress), NULL, false);
    t[LAB_TRUST_PLATFORM] = leaf(m, "*.herokuapp.com", NULL, NAMES(heroku), inter, true);
    t[LAB_TRUST_DEFAULT_SITE] = leaf(m, "shop.example.test", NULL, NAMES(shop), inter, true);
    t[LAB_TRUST_OTHER_SITE] = leaf(m, "www.localhost", NULL, NAMES(neighbour), inter, true);
    proxy_pair(m, "Zscaler Intermediate Root CA (zscaler.net)", "Zscaler Inc.",
               &t[LAB_TRUST_PROXY], &t[LAB_TRUST_PROXY_MINTED]);
    proxy_pair(m, "Head Office Web Gateway", "Private Holdings", &t[LAB_TRUST_GATEWAY],
               &t[LAB_TRUST_GATEWAY_MINTED]);
    int64_t yesterday = m->now - DAY, before_cutoff = 1717200000; /* 2024-06-01 */
    t[LAB_TRUST_ANTIVIRUS] =
        under(m, "ESET SSL Filter CA", "ESET, spol. s r. o.", NULL, yesterday);
    t[LAB_TRUST_DISTRUSTED] = under(m, "Entrust Root Certification Authority - G2", "Entrust, Inc.",
                                    NULL, yesterday);
    t[LAB_TRUST_BEFORE_CUTOFF] = under(m, "Entrust Root Certification Authority - G2",
                                       "Entrust, Inc.", NULL, before_cutoff);
    t[LAB_TRUST_PUBLIC_ROOT] = under(m, "ISRG Root X2", "Internet Security Research Group",
                                     "7c4296aede4b483bfa92f89e8ccf6d8ba9723795", yesterday);
    t[LAB_TRUST_LIKE_PUBLIC] =
        under(m, "ISRG Root X2", "Internet Security Research Group", NULL, yesterday);
    for (size_t i = LAB_TRUST_NONE + 1; i < LAB_TRUST_CREDS; i++)
        if (t[i] == NULL)
            return false;
    return true;
}

#define TRUST(id) LAB_TLS, LAB_GOOD_EC, .trust = LAB_TRUST_##id

static const struct lab_fault faults[] = {
    {"default-placeholder-cert", "an ingress controller's own certificate",
     "default-placeholder-cert", NULL, TRUST(PLACEHOLDER)},
    {"cdn-edge-no-cert-for-name", "a platform's own certificate", "cdn-edge-no-cert-for-name", NULL,
     TRUST(PLATFORM)},
    {"wrong-vhost-default-cert", "knows www.localhost, not localhost", "wrong-vhost-default-cert",
     NULL, TRUST(DEFAULT_SITE), .site = "www.localhost", .site_trust = LAB_TRUST_OTHER_SITE},
    {"wrong-vhost-default-cert-sni", "the client asks for another site's name",
     "wrong-vhost-default-cert", "servername=shop.example.test verify-name=localhost",
     TRUST(DEFAULT_SITE), .site = "localhost"},
    {"interception-proxy", "a known product signs again, for any name", "interception-proxy", NULL,
     TRUST(PROXY), .site = "tlswhy.invalid", .site_trust = LAB_TRUST_PROXY_MINTED},
    {"interception-proxy-unnamed", "somebody signs again, for any name", "interception-proxy", NULL,
     TRUST(GATEWAY), .site = "tlswhy.invalid", .site_trust = LAB_TRUST_GATEWAY_MINTED},
    {"antivirus-interception", "security software signs again", "antivirus-interception", NULL,
     TRUST(ANTIVIRUS)},
    {"ca-distrusted", "a CA that was thrown out", "ca-distrusted", NULL, TRUST(DISTRUSTED)},
    {"trust-store-outdated", "a public root that the client does not have", "trust-store-outdated",
     NULL, TRUST(PUBLIC_ROOT)},
    {"untrusted-private-ca-old", "a restricted CA, issued before the cut-off",
     "untrusted-private-ca", NULL, TRUST(BEFORE_CUTOFF)},
    {"untrusted-private-ca-namesake", "a public root's name, another key", "untrusted-private-ca",
     NULL, TRUST(LIKE_PUBLIC)},
    {"ca-file-unreadable", "a client whose CA file is not there", "ca-file-unreadable",
     "trust=SSL_CERT_FILE=/nonexistent/ca-bundle.crt", LAB_TLS, LAB_GOOD_EC},
    {"trust-store-missing", "a client without any trust store", "trust-store-missing", "trust=none",
     LAB_TLS, LAB_GOOD_EC},
    {"truststore-empty", "a client whose key store has no entries", "truststore-empty",
     "trust-data=" EMPTY_JKS, LAB_TLS, LAB_GOOD_EC},
    {"healthy-many-sites", "the certificate of the site asked for", NULL, NULL, TRUST(DEFAULT_SITE),
     .site = "localhost"},
};

const struct lab_fault *lab_fault_trust_at(size_t i)
{
    return i < TW_ARRAY_LEN(faults) ? &faults[i] : NULL;
}
