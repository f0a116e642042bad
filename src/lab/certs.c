/* Certificates of the lab, made at start; validity is laid around the given time. */
#include "lab/lab_internal.h"

enum { DAY = 86400 };

void lab_issuer_cleanup(struct tw_crypto *c, struct lab_issuer *i)
{
    if (i->key != NULL)
        c->privkey_free(i->key);
    tw_buf_cleanup(&i->der);
}

bool lab_make_ca(struct lab_maker *m, const char *cn, const char *o, const char *ski_hex,
                 const struct lab_issuer *by, struct lab_issuer *out)
{
    tw_buf_init(&out->der, 65536);
    out->key = tw_make_privkey(m->c, TW_MAKE_P256);
    struct tw_make_cert spec = {.subject_cn = cn, .subject_o = o, .ca = true, .path_len = -1,
                                .no_san = true, .not_before = m->now - 30 * DAY,
                                .not_after = m->now + 365 * DAY, .serial = ++m->serial,
                                .hash = TW_HASH_SHA256, .ski_hex = ski_hex};
    return out->key != NULL &&
           tw_make_certificate(m->c, &spec, out->key,
                               by == NULL ? tw_view_of(NULL, 0) : tw_buf_view(&by->der),
                               by == NULL ? out->key : by->key, &out->der) == TW_OK;
}

static const char *const lab_names[] = {"localhost", "ip:127.0.0.1", "ip:::1"};
static const char *const other_names[] = {"www.example.test", "example.test"};

struct tw_credential *lab_make_chain(struct lab_maker *m, const struct tw_make_cert *spec,
                                     enum tw_make_key kind, const struct lab_issuer *by,
                                     const struct lab_issuer *const *sent, size_t sent_n)
{
    struct tw_buf der, pem;
    tw_buf_init(&der, 65536);
    tw_buf_init(&pem, 1 << 20);
    struct tw_privkey *key = tw_make_privkey(m->c, kind);
    struct tw_credential *cred = NULL;
    const char *why;
    struct tw_make_cert s = *spec;
    s.serial = ++m->serial;
    bool ok = key != NULL &&
              tw_make_certificate(m->c, &s, key,
                                  by == NULL ? tw_view_of(NULL, 0) : tw_buf_view(&by->der),
                                  by == NULL ? key : by->key, &der) == TW_OK &&
              tw_pem_write_cert(tw_buf_view(&der), &pem) == TW_OK;
    for (size_t i = 0; ok && i < sent_n; i++)
        ok = tw_pem_write_cert(tw_buf_view(&sent[i]->der), &pem) == TW_OK;
    ok = ok && tw_pem_write_key(key, &pem) == TW_OK;
    if (ok && tw_credential_load(m->c, tw_buf_view(&pem), tw_view_of(NULL, 0), NULL, &cred, &why) !=
                  TW_OK)
        cred = NULL;
    if (key != NULL)
        m->c->privkey_free(key);
    tw_buf_cleanup(&der);
    tw_buf_cleanup(&pem);
    return cred;
}

struct tw_credential *lab_make_leaf(struct lab_maker *m, const struct tw_make_cert *spec,
                                    enum tw_make_key kind, const struct lab_issuer *by,
                                    bool send_issuer)
{
    return lab_make_chain(m, spec, kind, by, &by, send_issuer ? 1 : 0);
}

struct tw_make_cert lab_leaf_spec(const struct lab_maker *m)
{
    return (struct tw_make_cert){.subject_cn = "localhost", .subject_o = "tlswhy lab",
                                 .dns = lab_names, .dns_n = TW_ARRAY_LEN(lab_names),
                                 .path_len = -1, .not_before = m->now - 5 * DAY,
                                 .not_after = m->now + 85 * DAY, .hash = TW_HASH_SHA256};
}

/* The chain of one credential with the key of another. */
static void swap_keys(struct tw_credential *a, struct tw_credential *b)
{
    if (a == NULL || b == NULL)
        return;
    struct tw_privkey *k = a->key;
    a->key = b->key;
    b->key = k;
}

static void make_leaves(struct lab_maker *m, struct lab_certs *c)
{
    struct tw_make_cert good = lab_leaf_spec(m), bad = good;
    const struct lab_issuer *inter = &m->intermediate;
    c->cred[LAB_GOOD_EC] = lab_make_leaf(m, &good, TW_MAKE_P256, inter, true);
    c->cred[LAB_GOOD_RSA] = lab_make_leaf(m, &good, TW_MAKE_RSA2048, inter, true);
    c->cred[LAB_GOOD_ED25519] = lab_make_leaf(m, &good, TW_MAKE_ED25519, inter, true);
    c->cred[LAB_NO_INTERMEDIATE] = lab_make_leaf(m, &good, TW_MAKE_P256, inter, false);
    c->cred[LAB_PRIVATE_CA] = lab_make_leaf(m, &good, TW_MAKE_P256, &m->foreign, true);
    c->cred[LAB_SELF_SIGNED] = lab_make_leaf(m, &good, TW_MAKE_P256, NULL, false);
    bad.not_before = m->now - 95 * DAY;
    bad.not_after = m->now - 5 * DAY;
    c->cred[LAB_EXPIRED] = lab_make_leaf(m, &bad, TW_MAKE_P256, inter, true);
    bad.not_before = m->now + 2 * DAY;
    bad.not_after = m->now + 92 * DAY;
    c->cred[LAB_NOT_YET] = lab_make_leaf(m, &bad, TW_MAKE_P256, inter, true);
    bad = good;
    bad.subject_cn = "www.example.test";
    bad.dns = other_names;
    bad.dns_n = TW_ARRAY_LEN(other_names);
    c->cred[LAB_WRONG_NAME] = lab_make_leaf(m, &bad, TW_MAKE_P256, inter, true);
    /* two pairs; each gets the other's key, and only the first of each pair is used */
    c->cred[LAB_WRONG_KEY_EC] = lab_make_leaf(m, &good, TW_MAKE_P256, inter, true);
    c->cred[LAB_WRONG_KEY_RSA] = lab_make_leaf(m, &good, TW_MAKE_RSA2048, inter, true);
    struct tw_credential *ec = lab_make_leaf(m, &good, TW_MAKE_P256, inter, true);
    struct tw_credential *rsa = lab_make_leaf(m, &good, TW_MAKE_RSA2048, inter, true);
    swap_keys(c->cred[LAB_WRONG_KEY_EC], ec);
    swap_keys(c->cred[LAB_WRONG_KEY_RSA], rsa);
    tw_credential_free(ec);
    tw_credential_free(rsa);
}

bool lab_certs_make(struct lab_certs *c, struct tw_crypto *crypto, int64_t now, unsigned http_port,
                    unsigned dead_port)
{
    *c = (struct lab_certs){0};
    tw_buf_init(&c->ca_pem, 65536);
    struct lab_maker m = {.c = crypto, .now = now, .http_port = http_port,
                          .dead_port = dead_port};
    bool ok = lab_make_ca(&m, "tlswhy lab root", "tlswhy lab", NULL, NULL, &m.root) &&
              lab_make_ca(&m, "tlswhy lab intermediate", "tlswhy lab", NULL, &m.root, &m.intermediate) &&
              lab_make_ca(&m, "Corporate Root 7", "Private Holdings", NULL, NULL, &m.foreign) &&
              tw_pem_write_cert(tw_buf_view(&m.root.der), &c->ca_pem) == TW_OK;
    tw_wr_u8(&c->ca_pem, 0); /* handed out as a C string */
    if (ok)
        make_leaves(&m, c);
    ok = ok && lab_trust_make(&m, c);
    ok = ok && lab_chain_make(&m, c);
    ok = ok && lab_status_make(&m, c);
    for (size_t i = 0; i < LAB_CREDS; i++)
        ok = ok && c->cred[i] != NULL;
    lab_issuer_cleanup(crypto, &m.root);
    lab_issuer_cleanup(crypto, &m.intermediate);
    lab_issuer_cleanup(crypto, &m.foreign);
    if (!ok)
        lab_certs_free(c);
    return ok;
}

void lab_certs_free(struct lab_certs *c)
{
    for (size_t i = 0; i < LAB_CREDS; i++)
        tw_credential_free(c->cred[i]);
    for (size_t i = 0; i < LAB_TRUST_CREDS; i++)
        tw_credential_free(c->trust[i]);
    for (size_t i = 0; i < LAB_CHAIN_CREDS; i++)
        tw_credential_free(c->chain[i]);
    for (size_t i = 0; i < LAB_BODIES; i++)
        tw_buf_cleanup(&c->body[i]);
    tw_buf_cleanup(&c->ca_pem);
    tw_buf_cleanup(&c->log_list);
    *c = (struct lab_certs){0};
}
