/*
 * Client handshakes per second of the engine alone, in memory, against what libcrypto's primitives
 * allow (limit.c) and against libssl (libssl.c), all in one run. README.md says how it is counted.
 *
 *   bench_engine [--seconds N] [--json FILE] [--only-engine N]
 *     --seconds N      about how long to measure (default 12)
 *     --json FILE      writes the figures there, too
 *     --only-engine N  N handshakes and nothing else, for a profiler
 */
#include "bench.h"
#include "engine/engine.h"
#include "x509/x509.h"

#include <time.h>

enum { ROUNDS_MAX = 400, BATCH = 10 };

uint64_t bench_cpu(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t wall(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int bench_fail(const char *what)
{
    fprintf(stderr, "bench_engine: %s failed\n", what);
    return 1;
}

/* ---- one handshake of our engine ------------------------------------------------------------- */

enum variant { X25519, X25519_NEW_LEAF, HYBRID, VARIANTS };
static const char *const variant_names[VARIANTS] = {
    "X25519, the same chain each time", "X25519, another leaf each time",
    "default ClientHello (X25519MLKEM768)"};

struct world {
    struct tw_crypto *client, *server;
    struct bench_certs certs;
    struct tw_trust *trust;
    struct tw_hello hello[VARIANTS];
    struct tw_server_config config;
    size_t next_leaf;
};

struct client {
    struct tw_trace *trace;
    struct tw_conn *conn;
    uint64_t spent;
};

static void client_start(struct client *k, const struct world *w, enum variant v)
{
    uint64_t start = bench_cpu();
    k->trace = tw_trace_new(16 << 20);
    struct tw_conn_config cfg = {.crypto = w->client, .trace = k->trace, .conn = 1,
                                 .hello = w->hello[v]};
    k->conn = k->trace == NULL ? NULL : tw_conn_new(&cfg, TW_ROLE_CLIENT, 1);
    k->spent = bench_cpu() - start;
}

/* The judgement of the chain, as `tlswhy check` makes it. */
static bool client_verify(const struct client *k, const struct world *w)
{
    struct tw_view certs[32];
    size_t n = 0;
    const struct tw_fact *f = NULL;
    while (n < TW_ARRAY_LEN(certs) &&
           (f = tw_trace_next(k->trace, f, 1, TW_FACT_CERTIFICATE, NULL)) != NULL)
        certs[n++] = f->data;
    struct tw_path_request req = {.crypto = w->client, .trust = w->trust, .wall_time = BENCH_TIME,
                                  .name = "bench.example", .certs = certs, .certs_n = n};
    return tw_path_explain(&req, k->trace, 1, 1) == TW_OK &&
           tw_trace_first(k->trace, 1, TW_FACT_PATH, "ok") != NULL;
}

static void client_end(struct client *k)
{
    tw_conn_free(k->conn);
    tw_trace_free(k->trace);
}

static bool client_take(struct client *k, const struct world *w, struct tw_view flight)
{
    return tw_conn_feed(k->conn, 2, flight) == TW_OK && tw_conn_state(k->conn) == TW_CONN_OPEN &&
           client_verify(k, w);
}

/* Bytes and sizes of this handshake, for limit.c. */
static void measure_sizes(const struct client *k, struct tw_view flight, struct bench_sizes *s)
{
    static const uint8_t ends[4] = {TW_MSG_SERVER_HELLO, TW_MSG_CERTIFICATE,
                                    TW_MSG_CERTIFICATE_VERIFY, TW_MSG_FINISHED};
    const struct tw_fact *f = NULL;
    size_t total = 0, part = 0, tbs = 0;
    *s = (struct bench_sizes){.finished = 4 + 32 + 1};
    while (part < 4 && (f = tw_trace_next(k->trace, f, 1, TW_FACT_MESSAGE, NULL)) != NULL) {
        total += f->data.len + 4;
        if (f->from == TW_SERVER && f->msg == ends[part])
            s->transcript[part++] = total;
    }
    while (tbs < 2 && (f = tw_trace_next(k->trace, f, 1, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        struct tw_cert c;
        if (tw_cert_parse(f->data, &c))
            s->tbs[tbs++] = c.tbs.len;
    }
    struct tw_reader r = tw_rd_of(flight);
    while (tw_rd_more(&r) && s->records_n < TW_ARRAY_LEN(s->records)) {
        uint8_t type = tw_rd_u8(&r, "type");
        tw_rd_u16(&r, "version");
        struct tw_view body = tw_rd_vec(&r, 2, "record");
        if (type == TW_CT_APP_DATA)
            s->records[s->records_n++] = body.len - 16;
    }
}

/* ns of CPU that the client took; 0: it failed. */
static uint64_t handshake(struct world *w, enum variant v, struct bench_sizes *sizes)
{
    struct client k;
    uint64_t start;
    if (v == X25519_NEW_LEAF)
        w->next_leaf = (w->next_leaf + 1) % BENCH_LEAVES;
    w->config.creds = &w->certs.server[v == X25519_NEW_LEAF ? w->next_leaf : 0];
    client_start(&k, w, v);
    struct tw_trace *st = tw_trace_new(16 << 20);
    struct tw_conn_config cfg = {.crypto = w->server, .trace = st, .conn = 1, .server = &w->config};
    struct tw_conn *s = tw_conn_new(&cfg, TW_ROLE_SERVER, 1);
    struct tw_view hello = tw_conn_output(k.conn);
    bool ok = s != NULL && tw_conn_feed(s, 1, hello) == TW_OK;
    start = bench_cpu();
    tw_conn_sent(k.conn, 1, hello.len);
    ok = ok && client_take(&k, w, tw_conn_output(s));
    k.spent += bench_cpu() - start;
    ok = ok && tw_conn_feed(s, 2, tw_conn_output(k.conn)) == TW_OK &&
         tw_conn_state(s) == TW_CONN_OPEN;
    if (ok && sizes != NULL)
        measure_sizes(&k, tw_conn_output(s), sizes);
    start = bench_cpu();
    client_end(&k);
    k.spent += bench_cpu() - start;
    tw_conn_free(s);
    tw_trace_free(st);
    return ok ? k.spent : 0;
}

/* ---- setting up ------------------------------------------------------------------------------ */

static void only(struct tw_u16list *l, uint16_t v)
{
    l->n = 0;
    tw_u16list_add(l, v);
}

static bool world_make(struct world *w)
{
    size_t damaged = 0;
    *w = (struct world){.client = tw_crypto_new(), .server = tw_crypto_new(),
                        .trust = tw_trust_new("the bench's root")};
    if (w->client == NULL || w->server == NULL || w->trust == NULL ||
        !bench_certs_make(&w->certs, w->server) ||
        tw_trust_add(w->trust, tw_buf_view(&w->certs.root_pem), &damaged) != 1)
        return false;
    for (size_t v = 0; v < VARIANTS; v++) {
        tw_hello_default(&w->hello[v]);
        tw_copy_str(w->hello[v].server_name, sizeof w->hello[v].server_name, "bench.example");
        if (v == HYBRID)
            continue;
        only(&w->hello[v].groups, TW_GRP_X25519);
        only(&w->hello[v].shares, TW_GRP_X25519);
    }
    struct tw_hello wide;
    tw_hello_wide(&wide);
    w->config = (struct tw_server_config){.creds_n = 1, .versions = wide.versions,
                                          .groups = w->hello[HYBRID].groups,
                                          .sigalgs = wide.sigalgs};
    only(&w->config.ciphers, 0x1301); /* TLS_AES_128_GCM_SHA256 */
    return true;
}

static void world_drop(struct world *w)
{
    bench_certs_free(&w->certs);
    tw_trust_free(w->trust);
    tw_crypto_free(w->client);
    tw_crypto_free(w->server);
}

/* ---- measuring ------------------------------------------------------------------------------- */

struct series {
    double ns[ROUNDS_MAX];
    size_t n;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What it takes when nothing else disturbs: other work on the machine (its caches, its clock) only
 * ever adds time. The fastest tenth of the rounds, for the engine and the limit alike. */
static double typical(const struct series *s)
{
    double sorted[ROUNDS_MAX];
    if (s->n == 0)
        return 0;
    memcpy(sorted, s->ns, s->n * sizeof sorted[0]);
    qsort(sorted, s->n, sizeof sorted[0], by_value);
    return sorted[s->n / 10];
}

struct results {
    struct series engine[VARIANTS], libssl, rows[LIMIT_MAX];
};

static bool one_round(struct world *w, struct libssl *ssl, struct limit *l, struct results *r,
                      bool keep)
{
    struct limit_row row;
    size_t at = r->libssl.n;
    for (size_t v = 0; v < VARIANTS; v++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < BATCH; i++) {
            uint64_t ns = handshake(w, (enum variant)v, NULL);
            if (ns == 0)
                return false;
            sum += ns;
        }
        r->engine[v].ns[at] = (double)sum / BATCH;
        r->engine[v].n = at + keep;
    }
    for (size_t i = 0; i < LIMIT_MAX && limit_row(l, i, &row); i++) {
        r->rows[i].ns[at] = limit_run(l, i);
        r->rows[i].n = at + keep;
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        uint64_t ns = libssl_handshake(ssl);
        if (ns == 0)
            return false;
        sum += ns;
    }
    r->libssl.ns[at] = (double)sum / BATCH;
    r->libssl.n = at + keep;
    return true;
}

static bool measure(struct world *w, struct libssl *ssl, struct limit *l, struct results *r,
                    unsigned seconds)
{
    uint64_t end = wall() + (uint64_t)seconds * 1000000000u;
    if (!one_round(w, ssl, l, r, false)) /* warms caches up */
        return false;
    while (r->libssl.n < ROUNDS_MAX && (wall() < end || r->libssl.n < 3))
        if (!one_round(w, ssl, l, r, true))
            return false;
    return true;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* Of the ways to call one primitive the cheapest counts. */
static bool is_best(const struct limit *l, const struct results *r, size_t i)
{
    struct limit_row mine, other;
    limit_row(l, i, &mine);
    for (size_t j = 0; limit_row(l, j, &other); j++)
        if (strcmp(mine.what, other.what) == 0 &&
            (typical(&r->rows[j]) < typical(&r->rows[i]) ||
             (typical(&r->rows[j]) <= typical(&r->rows[i]) && j < i)))
            return false;
    return true;
}

static double limit_ns(const struct limit *l, const struct results *r)
{
    struct limit_row row;
    double sum = 0;
    for (size_t i = 0; limit_row(l, i, &row); i++)
        if (is_best(l, r, i))
            sum += row.times * typical(&r->rows[i]);
    return sum;
}

static void tell_limit(const struct limit *l, const struct results *r)
{
    struct limit_row row;
    printf("%-40s %-30s %9s %6s %9s\n", "primitive of libcrypto", "called by", "us each", "times",
           "us");
    for (size_t i = 0; limit_row(l, i, &row); i++) {
        double us = typical(&r->rows[i]) / 1000;
        printf("%-40s %-30s %9.2f ", row.what, row.how, us);
        if (is_best(l, r, i))
            printf("%6.0f %9.1f\n", row.times, us * row.times);
        else
            printf("%16s\n", "not cheapest");
    }
    printf("%-40s %-30s %9s %6s %9.1f\n\n", "sum: the limit", "", "", "", limit_ns(l, r) / 1000);
}

static void tell_row(const char *name, double ns, double limit)
{
    printf("%-56s %9.1f %12.0f %14.2f\n", name, ns / 1000, 1e9 / ns, limit / ns);
}

static void tell(const struct limit *l, const struct results *r)
{
    double limit = limit_ns(l, r);
    char name[80];
    tell_limit(l, r);
    printf("%-56s %9s %12s %14s\n", "TLS 1.3 client handshake, ECDSA P-256, chain verified", "us",
           "per second", "rate / limit");
    tell_row("libcrypto's primitives alone (the limit)", limit, limit);
    for (size_t v = 0; v < VARIANTS; v++) {
        snprintf(name, sizeof name, "tlswhy engine, %s", variant_names[v]);
        tell_row(name, typical(&r->engine[v]), limit);
    }
    tell_row("libssl, X25519, the same chain each time", typical(&r->libssl), limit);
    printf("fastest tenth of %zu interleaved rounds; CPU time of the client's side only\n",
           r->libssl.n);
}

static bool write_json(const char *path, const struct limit *l, const struct results *r)
{
    double limit = limit_ns(l, r);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    fprintf(f, "{\"limit_us\":%.2f,\"engine_us\":%.2f,\"engine_new_leaf_us\":%.2f,"
               "\"engine_hybrid_us\":%.2f,\"libssl_us\":%.2f,\"engine_ratio\":%.4f,"
               "\"libssl_ratio\":%.4f,\"rounds\":%zu}\n",
            limit / 1000, typical(&r->engine[X25519]) / 1000,
            typical(&r->engine[X25519_NEW_LEAF]) / 1000, typical(&r->engine[HYBRID]) / 1000,
            typical(&r->libssl) / 1000, limit / typical(&r->engine[X25519]),
            limit / typical(&r->libssl), r->libssl.n);
    return fclose(f) == 0;
}

static int only_engine(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (handshake(w, X25519, NULL) == 0)
            return bench_fail("handshake");
    return 0;
}

static int run(struct world *w, unsigned seconds, const char *json)
{
    struct bench_sizes sizes;
    if (handshake(w, X25519, &sizes) == 0)
        return bench_fail("handshake");
    struct limit *l = limit_new(&sizes);
    struct libssl *ssl = libssl_new(&w->certs);
    struct results *r = calloc(1, sizeof *r);
    int rc = l == NULL || ssl == NULL || r == NULL ? bench_fail("set-up") : 0;
    if (rc == 0 && !measure(w, ssl, l, r, seconds))
        rc = bench_fail("handshake");
    if (rc == 0)
        tell(l, r);
    if (rc == 0 && json != NULL && !write_json(json, l, r))
        rc = bench_fail(json);
    free(r);
    libssl_free(ssl);
    limit_free(l);
    return rc;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_engine [--seconds N] [--json FILE] [--only-engine N]\n");
    return 2;
}

int main(int argc, char **argv)
{
    unsigned seconds = 12, count = 0;
    const char *json = NULL;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return usage();
        if (strcmp(argv[i], "--json") == 0)
            json = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--only-engine") == 0)
            count = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else
            return usage();
    }
    struct world w;
    int rc = world_make(&w) ? 0 : bench_fail("set-up");
    if (rc == 0)
        rc = count > 0 ? only_engine(&w, count) : run(&w, seconds, json);
    world_drop(&w);
    return rc;
}
