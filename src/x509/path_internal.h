/* What the files of the path explainer share. */
#ifndef TW_PATH_INTERNAL_H
#define TW_PATH_INTERNAL_H

#include "x509/crl.h"
#include "x509/der.h"
#include "x509/x509.h"

/* Limits; x509.h tells them. */
enum { MAX_CERTS = 128, MAX_WORK = 1024, MAX_SIGNATURES = 256, MAX_NODES = 4096, MAX_COMPLETE = 64,
       MAX_ANCHORS_MET = 64, MAX_NAME_CHECKS = 1 << 20 };

/** What the store says about a certificate. */
enum anchor_state { ANCHOR_UNKNOWN, ANCHOR_NOT, ANCHOR_GOOD, ANCHOR_PARTIAL /* not self-signed, and
                    the request wants that */, ANCHOR_REFUSED };

/** A certificate that may stand in a path. */
struct node {
    struct tw_cert cert;
    uint64_t subject_hash, issuer_hash;
    enum tw_step_origin origin;
    int place;
    enum anchor_state anchor;
    bool by_settings;         /* an anchor because the store's settings name this purpose */
};

/* Verdicts on signatures that were asked for: who signed, by whom. Direct-mapped. */
enum { MEMO = 512 };
struct memo { uint8_t child, issuer, verdict, used; };

struct builder {
    const struct tw_path_request *req;
    struct tw_arena *arena;
    struct tw_paths *out;
    struct node *nodes; size_t nodes_n, nodes_cap;   /* sent, extra, then anchors met */
    struct memo memo[MEMO];
    unsigned work, complete, steps;
    unsigned name_checks;     /* left for name constraints */
    bool found;               /* a path without fault; the search is over */
    bool nomem;
    uint8_t chain[TW_PATH_MAX_STEPS]; size_t chain_n; /* nodes of the path at hand ... */
    enum tw_verify link[TW_PATH_MAX_STEPS];  /* ... [i]: of the signature on chain[i] */
    struct tw_path now;       /* the same, being judged */
    struct tw_crl *crls; size_t crls_n;      /* parsed when first needed */
    const struct tw_cert *judging;           /* whose revocation is being looked at */
    struct builder *parent;   /* the search that needs a CRL signer's path; NULL at the top */
    unsigned nesting;
};

/** Puts a fault on the path. fmt NULL: the problem's own text. */
void path_fault(struct builder *b, struct tw_path *p, enum tw_path_problem problem, int step,
                const char *source, const char *fmt, ...) TW_PRINTF(6, 7);
/** As path_fault() with the id of a lint. */
void path_lint(struct builder *b, struct tw_path *p, enum tw_path_problem problem, int step,
               const struct tw_cert_fault *f);
/** A line about a certificate: its subject, cut. */
const char *cert_words(const struct tw_cert *c, char *buf, size_t cap);

/** Everything wrong with the path b->now (path_check.c). */
void path_check(struct builder *b, struct tw_path *p);
/** Fills in advice: what stricter clients would add. */
void path_advise(struct builder *b, struct tw_path *p);
/** Name constraints of all CAs in the path (constraints.c). */
void path_check_names(struct builder *b, struct tw_path *p);
/** Certificate policies (policy.c). */
void path_check_policies(struct builder *b, struct tw_path *p);
/** Revocation lists (path_crl.c). */
void path_check_crls(struct builder *b, struct tw_path *p);
/** Bits of security that the request's level asks for. */
unsigned path_level_bits(const struct tw_path_request *req);
/** tw_path_find() on behalf of another search. */
enum tw_status path_find_within(const struct tw_path_request *req, struct tw_arena *arena,
                                struct builder *parent, struct tw_paths **out);
/** Notes on the chain as sent (chain.c). */
void chain_notes(struct builder *b);
/** Does issuer's key verify c's signature? Counts against the budget, uses the cache. */
enum tw_verify path_signed_by(struct builder *b, size_t child, size_t issuer);
/** Judges the chain at hand and keeps it if it is among the best. end: what is missing at its top,
 *  TW_PATH_OK when it is anchored. */
void path_consider(struct builder *b, enum tw_path_problem end);
/** A certificate's key, with DSA parameters from its issuer's where it leaves them out. */
struct tw_view path_key(struct builder *b, const struct tw_cert *c);
/** What the store says about a node; looked up once. */
enum anchor_state path_anchor_state(struct builder *b, struct node *n);

/** Cache: was this signature verified before? key is 32 bytes. */
bool sig_cache_has(const struct tw_sig_cache *c, const uint8_t key[32]);
void sig_cache_add(struct tw_sig_cache *c, const uint8_t key[32]);

#endif
