/* Faults of the certificate itself and of the chain above it. Rows as in faults.c. */
#include "lab/lab_internal.h"

enum { DAY = 86400 };

/* The same key identifier for two keys: only the signature can tell them apart. */
#define SHARED_SKI "7477697468207477696e206b657973207477696e"

static const char *const wildcard[] = {"*.example.test"};
static const char *const by_name_only[] = {"localhost"};

#define SENT(...) (const struct lab_issuer *const[]){__VA_ARGS__}, \
                  sizeof((const struct lab_issuer *const[]){__VA_ARGS__}) / sizeof(void *)

static struct tw_make_cert ca_spec(const struct lab_maker *m, const char *cn)
{
    return (struct tw_make_cert){.subject_cn = cn, .subject_o = "tlswhy lab", .ca = true,
                                 .path_len = -1, .no_san = true, .not_before = m->now - 30 * DAY,
                                 .not_after = m->now + 365 * DAY, .hash = TW_HASH_SHA256};
}

static bool issue_ca(struct lab_maker *m, struct tw_make_cert spec, const struct lab_issuer *by,
                     struct lab_issuer *out)
{
    tw_buf_init(&out->der, 65536);
    out->key = tw_make_privkey(m->c, TW_MAKE_P256);
    spec.serial = ++m->serial;
    return out->key != NULL &&
           tw_make_certificate(m->c, &spec, out->key, tw_buf_view(&by->der), by->key, &out->der) ==
               TW_OK;
}

/* A leaf that is right in all below one intermediate made to that specification. */
static struct tw_credential *below(struct lab_maker *m, struct tw_make_cert spec)
{
    struct lab_issuer ca = {0};
    struct tw_make_cert good = lab_leaf_spec(m);
    struct tw_credential *cred = NULL;
    if (issue_ca(m, spec, &m->root, &ca))
        cred = lab_make_chain(m, &good, TW_MAKE_P256, &ca, SENT(&ca));
    lab_issuer_cleanup(m->c, &ca);
    return cred;
}

/* Signed by one key, sent with the certificate of another of the same name. */
static struct tw_credential *other_issuer(struct lab_maker *m, const char *ski)
{
    struct lab_issuer old = {0}, renewed = {0};
    struct tw_make_cert good = lab_leaf_spec(m), spec = ca_spec(m, "tlswhy lab issuing CA");
    struct tw_credential *cred = NULL;
    spec.ski_hex = ski;
    if (issue_ca(m, spec, &m->root, &old) && issue_ca(m, spec, &m->root, &renewed))
        cred = lab_make_chain(m, &good, TW_MAKE_P256, &renewed, SENT(&old));
    lab_issuer_cleanup(m->c, &old);
    lab_issuer_cleanup(m->c, &renewed);
    return cred;
}

/* A CA that may have none below it, and one below it. */
static struct tw_credential *too_deep(struct lab_maker *m)
{
    struct lab_issuer upper = {0}, lower = {0};
    struct tw_make_cert good = lab_leaf_spec(m), spec = ca_spec(m, "tlswhy lab upper CA");
    struct tw_credential *cred = NULL;
    spec.path_len = 0;
    if (issue_ca(m, spec, &m->root, &upper) &&
        issue_ca(m, ca_spec(m, "tlswhy lab lower CA"), &upper, &lower))
        cred = lab_make_chain(m, &good, TW_MAKE_P256, &lower, SENT(&lower, &upper));
    lab_issuer_cleanup(m->c, &upper);
    lab_issuer_cleanup(m->c, &lower);
    return cred;
}

static void make_leaves(struct lab_maker *m, struct tw_credential **t)
{
    const struct lab_issuer *inter = &m->intermediate;
    struct tw_make_cert good = lab_leaf_spec(m), s = good;
    s.dns = wildcard;
    s.dns_n = 1;
    t[LAB_CHAIN_WILDCARD] = lab_make_chain(m, &s, TW_MAKE_P256, inter, SENT(inter));
    s.dns = by_name_only;
    t[LAB_CHAIN_NO_IP] = lab_make_chain(m, &s, TW_MAKE_P256, inter, SENT(inter));
    s = good;
    s.no_san = true;
    t[LAB_CHAIN_NO_SAN] = lab_make_chain(m, &s, TW_MAKE_P256, inter, SENT(inter));
    s = good;
    s.client_auth_only = true;
    t[LAB_CHAIN_CLIENT_EKU] = lab_make_chain(m, &s, TW_MAKE_P256, inter, SENT(inter));
    s = good;
    s.hash = TW_HASH_SHA1;
    t[LAB_CHAIN_SHA1] = lab_make_chain(m, &s, TW_MAKE_P256, inter, SENT(inter));
    t[LAB_CHAIN_RSA1024] = lab_make_chain(m, &good, TW_MAKE_RSA1024, inter, SENT(inter));
}

bool lab_chain_make(struct lab_maker *m, struct lab_certs *c)
{
    struct tw_credential **t = c->chain;
    const struct lab_issuer *inter = &m->intermediate;
    struct tw_make_cert good = lab_leaf_spec(m), s;
    make_leaves(m, t);
    t[LAB_CHAIN_ORDER] = lab_make_chain(m, &good, TW_MAKE_P256, inter, SENT(&m->root, inter));
    t[LAB_CHAIN_WRONG_ISSUER] = other_issuer(m, NULL);
    t[LAB_CHAIN_BAD_SIGNATURE] = other_issuer(m, SHARED_SKI);
    s = ca_spec(m, "tlswhy lab old intermediate");
    s.not_before = m->now - 400 * DAY;
    s.not_after = m->now - 3 * DAY;
    t[LAB_CHAIN_EXPIRED] = below(m, s);
    s = ca_spec(m, "tlswhy lab no CA");
    s.ca = false;
    t[LAB_CHAIN_NOT_A_CA] = below(m, s);
    t[LAB_CHAIN_TOO_DEEP] = too_deep(m);
    for (size_t i = LAB_CHAIN_NONE + 1; i < LAB_CHAIN_CREDS; i++)
        if (t[i] == NULL)
            return false;
    return true;
}

#define CHAIN(id) LAB_TLS, LAB_GOOD_EC, .chain = LAB_CHAIN_##id

static const struct lab_fault faults[] = {
    {"wildcard-depth", "*.example.test for a.b.example.test", "wildcard-depth",
     "servername=a.b.example.test verify-name=a.b.example.test", CHAIN(WILDCARD)},
    {"name-ip-address", "asked for by address, certified by name", "name-ip-address",
     "no-sni verify-name=127.0.0.1", CHAIN(NO_IP)},
    {"san-missing", "the name is in the CN only", "san-missing", NULL, CHAIN(NO_SAN)},
    {"eku-missing", "a client's certificate on a server", "eku-missing", NULL, CHAIN(CLIENT_EKU)},
    {"weak-key", "an RSA key of 1024 bits", "weak-key", NULL, CHAIN(RSA1024)},
    {"weak-signature", "signed with SHA-1", "weak-signature", NULL, CHAIN(SHA1)},
    {"chain-wrong-order", "the root before the intermediate", "chain-wrong-order", NULL,
     CHAIN(ORDER), .warning = true},
    {"chain-wrong-intermediate", "the issuer's certificate from before it changed its key",
     "chain-wrong-intermediate", NULL, CHAIN(WRONG_ISSUER)},
    {"chain-intermediate-expired", "an intermediate that expired three days ago",
     "chain-intermediate-expired", NULL, CHAIN(EXPIRED)},
    {"cert-signature-invalid", "another key of the same name and identifier",
     "cert-signature-invalid", NULL, CHAIN(BAD_SIGNATURE)},
    {"ca-basic-constraints", "issued by a certificate that is no CA's", "ca-basic-constraints",
     NULL, CHAIN(NOT_A_CA)},
    {"path-length-exceeded", "a CA below one that may have none", "path-length-exceeded", NULL,
     CHAIN(TOO_DEEP)},
};

const struct lab_fault *lab_fault_chain_at(size_t i)
{
    return i < TW_ARRAY_LEN(faults) ? &faults[i] : NULL;
}
