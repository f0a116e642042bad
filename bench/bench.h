/*
 * What the parts of bench_engine share: certificates, CPU time, and one entry per thing measured.
 * Each measured thing runs for a while in every round, and the rounds are interleaved, so that a
 * machine that is slow for a second is slow for all of them.
 */
#ifndef TW_BENCH_H
#define TW_BENCH_H

#include "crypto/crypto.h"

enum {
    BENCH_TIME = 1800000000, /* certificates are judged at this time */
    BENCH_LEAVES = 64        /* more than the public keys that struct tw_crypto keeps */
};

/** Chains leaf, intermediate, root; all ECDSA P-256 with SHA-256. The chains differ in the leaf. */
struct bench_certs {
    struct tw_credential *server[BENCH_LEAVES]; /* leaf and intermediate, as sent */
    struct tw_buf root_pem;
};
bool bench_certs_make(struct bench_certs *c, struct tw_crypto *crypto);
void bench_certs_free(struct bench_certs *c);

/** What a handshake looked like, taken from one that our engine made: the limit is computed for
 *  these sizes. */
struct bench_sizes {
    size_t transcript[4];  /* bytes hashed up to ServerHello, Certificate, CertificateVerify,
                              server Finished */
    size_t tbs[2];         /* signed part of leaf and intermediate */
    size_t records[8]; size_t records_n; /* protected bytes of the server, record by record */
    size_t finished;       /* our protected flight */
};

/** CPU time of this thread, in ns. */
uint64_t bench_cpu(void);
int bench_fail(const char *what);

/* ---- limit.c: libcrypto's primitives --------------------------------------------------------- */

enum { LIMIT_MAX = 16 }; /* rows */
struct limit;
struct limit_row {
    const char *what;      /* "ECDSA P-256 verify" */
    const char *how;       /* the way of calling libcrypto that this row measures */
    double times;          /* how often one handshake needs it */
};
struct limit *limit_new(const struct bench_sizes *s);
void limit_free(struct limit *l);
/** Row i; false past the end. */
bool limit_row(const struct limit *l, size_t i, struct limit_row *row);
/** ns per call of row i, measured now. */
double limit_run(struct limit *l, size_t i);

/* ---- libssl.c: the same handshake by libssl -------------------------------------------------- */

struct libssl;
struct libssl *libssl_new(const struct bench_certs *c);
void libssl_free(struct libssl *l);
/** One handshake; ns of CPU that the client took, or 0 when it failed. */
uint64_t libssl_handshake(struct libssl *l);

#endif
