/*
 * Microseconds to explain a normal chain of three certificates, against X509_verify_cert() of libcrypto
 * in the same run. Each chain has keys of its own and there are more of them than any cache of decoded
 * keys holds, so "cold" is cold on both sides: certificates from bytes, keys decoded, signatures
 * verified. "warm" keeps the cache of verified signatures, as a scan does.
 */
#include "x509/x509.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { CHAINS = 40, ROUNDS = 9, LOOPS = 5, CERTS = 3 };
static const int64_t NOW = 1764000000; /* 2025-11-24T16:00:00Z */

struct chain {
    struct tw_buf der[CERTS];  /* leaf, intermediate, root */
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench_path: %s\n", what);
    exit(1);
}

static void make_chain(struct tw_crypto *c, enum tw_make_key kind, struct chain *x, unsigned n)
{
    static const char *const dns[] = {"www.example.test"};
    char cn[CERTS][32];
    struct tw_privkey *keys[CERTS];
    snprintf(cn[0], sizeof cn[0], "www.example.test");
    snprintf(cn[1], sizeof cn[1], "Intermediate %u", n);
    snprintf(cn[2], sizeof cn[2], "Root %u", n);
    for (int i = CERTS - 1; i >= 0; i--) {
        tw_buf_init(&x->der[i], 65536);
        keys[i] = tw_make_privkey(c, i == 0 ? TW_MAKE_P256 : kind);
        require(keys[i] != NULL, "no key");
        struct tw_make_cert spec = {.subject_cn = cn[i], .subject_o = "Example", .dns = dns,
                                    .dns_n = i == 0, .ca = i > 0, .path_len = -1,
                                    .not_before = NOW - 864000, .not_after = NOW + 6912000,
                                    .serial = 77 + n, .hash = TW_HASH_SHA256};
        struct tw_view issuer = i + 1 < CERTS ? tw_buf_view(&x->der[i + 1]) : tw_view_of(NULL, 0);
        require(tw_make_certificate(c, &spec, keys[i], issuer, keys[i + 1 < CERTS ? i + 1 : i],
                                    &x->der[i]) == TW_OK, "no certificate");
    }
    for (size_t i = 0; i < CERTS; i++)
        c->privkey_free(keys[i]);
}

/* ---- ours ---------------------------------------------------------------------------------------------- */

static void ours(struct tw_crypto *c, struct tw_trust *trust, const struct chain *x,
                 struct tw_sig_cache *cache)
{
    struct tw_view certs[2] = {tw_buf_view(&x->der[0]), tw_buf_view(&x->der[1])};
    struct tw_path_request req = {.crypto = c, .trust = trust, .wall_time = NOW,
                                  .name = "www.example.test", .certs = certs, .certs_n = 2,
                                  .cache = cache};
    struct tw_arena *arena = tw_arena_new(4 << 20);
    struct tw_paths *p;
    require(arena != NULL && tw_path_find(&req, arena, &p) == TW_OK && p->n > 0 &&
            p->kept[0].faults_n == 0, "our path is not valid");
    tw_arena_free(arena);
}

/* ---- libcrypto ------------------------------------------------------------------------------------------- */

static X509 *x509_of(const struct tw_buf *der)
{
    const unsigned char *p = der->data;
    X509 *x = d2i_X509(NULL, &p, (long)der->len);
    require(x != NULL, "libcrypto cannot read a certificate");
    return x;
}

static void theirs(X509_STORE *store, const struct chain *x)
{
    X509 *leaf = x509_of(&x->der[0]), *inter = x509_of(&x->der[1]);
    STACK_OF(X509) *more = sk_X509_new_null();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    require(more != NULL && ctx != NULL && sk_X509_push(more, inter) > 0 &&
            X509_STORE_CTX_init(ctx, store, leaf, more) == 1, "libcrypto cannot start");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)NOW);
    X509_VERIFY_PARAM_set1_host(param, "www.example.test", 0);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    require(X509_verify_cert(ctx) == 1, "libcrypto's path is not valid");
    X509_STORE_CTX_free(ctx);
    sk_X509_free(more);
    X509_free(inter);
    X509_free(leaf);
}

/* ---- measuring ---------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum what { OURS_COLD, OURS_WARM, THEIRS, WHATS };

static double one_round(enum what w, struct tw_crypto *c, struct tw_trust *trust, X509_STORE *store,
                        struct chain *chains, size_t n, struct tw_sig_cache *cache)
{
    double start = now_us();
    for (size_t loop = 0; loop < LOOPS; loop++)
        for (size_t i = 0; i < n; i++) {
            if (w == THEIRS)
                theirs(store, &chains[i]);
            else
                ours(c, trust, &chains[i], w == OURS_WARM ? cache : NULL);
        }
    return (now_us() - start) / (double)(LOOPS * n);
}

/* Interleaved, and the median of the rounds: load on the machine hits all alike. */
static void measure(struct tw_crypto *c, const char *name, enum tw_make_key kind, size_t n)
{
    static struct chain chains[CHAINS];
    double us[WHATS][ROUNDS];
    struct tw_trust *trust = tw_trust_new("bench");
    X509_STORE *store = X509_STORE_new();
    struct tw_sig_cache *cache = tw_sig_cache_new(1024);
    size_t damaged = 0;
    require(trust != NULL && store != NULL && cache != NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        make_chain(c, kind, &chains[i], (unsigned)i);
        require(tw_trust_add(trust, tw_buf_view(&chains[i].der[2]), &damaged) == 1, "no anchor");
        X509 *root = x509_of(&chains[i].der[2]);
        X509_STORE_add_cert(store, root);
        X509_free(root);
    }
    for (int r = -1; r < ROUNDS; r++)
        for (int w = 0; w < WHATS; w++) {
            double t = one_round((enum what)w, c, trust, store, chains, n, cache);
            if (r >= 0)
                us[w][r] = t;
        }
    for (int w = 0; w < WHATS; w++)
        qsort(us[w], ROUNDS, sizeof us[w][0], by_value);
    double theirs_us = us[THEIRS][ROUNDS / 2];
    printf("%-8s X509_verify_cert %8.1f us   ours cold %8.1f us (%.2f x)   warm %8.1f us (%.2f x)\n",
           name, theirs_us, us[OURS_COLD][ROUNDS / 2], us[OURS_COLD][ROUNDS / 2] / theirs_us,
           us[OURS_WARM][ROUNDS / 2], us[OURS_WARM][ROUNDS / 2] / theirs_us);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < CERTS; k++)
            tw_buf_cleanup(&chains[i].der[k]);
    tw_sig_cache_free(cache);
    X509_STORE_free(store);
    tw_trust_free(trust);
}

int main(void)
{
    struct tw_crypto *c = tw_crypto_new();
    require(c != NULL, "no cryptography");
    measure(c, "P-256", TW_MAKE_P256, CHAINS);
    measure(c, "RSA-2048", TW_MAKE_RSA2048, 20);
    tw_crypto_free(c);
    return 0;
}
