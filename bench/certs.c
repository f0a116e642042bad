/* The chain that every handshake of bench_engine verifies. */
#include "bench.h"

enum { DAY = 86400 };

struct authority {
    struct tw_privkey *key;
    struct tw_buf der;
};

static bool issue(struct tw_crypto *c, const struct tw_make_cert *about, const struct authority *by,
                  struct authority *out)
{
    struct tw_make_cert spec = *about;
    spec.not_before = BENCH_TIME - 30 * DAY;
    spec.not_after = BENCH_TIME + 60 * DAY;
    spec.hash = TW_HASH_SHA256;
    tw_buf_init(&out->der, 65536);
    out->key = tw_make_privkey(c, TW_MAKE_P256);
    return out->key != NULL &&
           tw_make_certificate(c, &spec, out->key,
                               by == NULL ? tw_view_of(NULL, 0) : tw_buf_view(&by->der),
                               by == NULL ? out->key : by->key, &out->der) == TW_OK;
}

static struct tw_credential *load(struct tw_crypto *c, const struct authority *leaf,
                                  const struct authority *intermediate)
{
    struct tw_credential *cred = NULL;
    struct tw_buf pem;
    const char *why;
    tw_buf_init(&pem, 65536);
    bool ok = tw_pem_write_cert(tw_buf_view(&leaf->der), &pem) == TW_OK &&
              tw_pem_write_cert(tw_buf_view(&intermediate->der), &pem) == TW_OK &&
              tw_pem_write_key(leaf->key, &pem) == TW_OK;
    if (!ok || tw_credential_load(c, tw_buf_view(&pem), tw_view_of(NULL, 0), NULL, &cred, &why) !=
                   TW_OK)
        cred = NULL;
    tw_buf_cleanup(&pem);
    return cred;
}

static void drop(struct tw_crypto *c, struct authority *a)
{
    if (a->key != NULL)
        c->privkey_free(a->key);
    tw_buf_cleanup(&a->der);
}

bool bench_certs_make(struct bench_certs *out, struct tw_crypto *c)
{
    static const char *const names[] = {"bench.example", "www.bench.example"};
    const struct tw_make_cert root = {.subject_cn = "Bench Root", .subject_o = "tlswhy bench",
                                      .ca = true, .path_len = -1, .no_san = true, .serial = 1};
    const struct tw_make_cert middle = {.subject_cn = "Bench Intermediate",
                                        .subject_o = "tlswhy bench", .ca = true, .path_len = 0,
                                        .no_san = true, .serial = 2};
    struct authority r = {0}, m = {0};
    *out = (struct bench_certs){0};
    tw_buf_init(&out->root_pem, 65536);
    bool ok = issue(c, &root, NULL, &r) && issue(c, &middle, &r, &m) &&
              tw_pem_write_cert(tw_buf_view(&r.der), &out->root_pem) == TW_OK;
    for (size_t i = 0; ok && i < BENCH_LEAVES; i++) {
        const struct tw_make_cert leaf = {.subject_cn = "bench.example", .dns = names,
                                          .dns_n = TW_ARRAY_LEN(names), .path_len = -1,
                                          .serial = 100 + i};
        struct authority l = {0};
        ok = issue(c, &leaf, &m, &l) && (out->server[i] = load(c, &l, &m)) != NULL;
        drop(c, &l);
    }
    drop(c, &r);
    drop(c, &m);
    if (!ok)
        bench_certs_free(out);
    return ok;
}

void bench_certs_free(struct bench_certs *c)
{
    for (size_t i = 0; i < BENCH_LEAVES; i++)
        tw_credential_free(c->server[i]);
    tw_buf_cleanup(&c->root_pem);
}
