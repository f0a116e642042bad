/* Questions about the certificates of a connection that the causes about trust and names ask. */
#ifndef TW_RULES_CHAIN_H
#define TW_RULES_CHAIN_H

#include "rules/rules_internal.h"
#include "x509/x509.h"

/** Connection whose chain was judged first: the baseline, else the first trial with one. 0: none. */
uint32_t chain_conn(const struct tw_case *c);
/** PATH fact of a problem by its name on a connection; NULL when it does not have it. */
const struct tw_fact *chain_problem(const struct tw_case *c, uint32_t conn, const char *name);
/** Why the chain leads to no anchor (self_signed_leaf, unknown_root, missing_issuer, no_anchors,
 *  bad_signature); NULL when it does or was not judged. */
const struct tw_fact *chain_untrusted(const struct tw_case *c, uint32_t conn);
/** The certificate does not cover the name; NULL when it does. */
const struct tw_fact *chain_misnamed(const struct tw_case *c, uint32_t conn);

/** Certificate at a place of the chain as sent. false: there is none. */
bool chain_sent(const struct tw_case *c, uint32_t conn, int64_t place, struct tw_cert *out);
/** Certificate at a place of the best path; *from_store when wanted. false: none. */
bool chain_path(const struct tw_case *c, uint32_t conn, int64_t place, struct tw_cert *out,
                bool *from_store);
/** The last certificate of the best path. */
bool chain_top(const struct tw_case *c, uint32_t conn, struct tw_cert *out);
/** Both connections got the same leaf / both got one and they differ. */
bool chain_same_leaf(const struct tw_case *c, uint32_t a, uint32_t b);
bool chain_other_leaf(const struct tw_case *c, uint32_t a, uint32_t b);

/** Common part of these findings. */
void chain_begin(const struct tw_case *c, struct tw_finding *f, uint32_t conn,
                 enum tw_certainty certainty);
/** "trial 1, Certificate 0" */
const char *chain_source(uint32_t conn, int64_t place, char *buf, size_t cap);
const char *chain_cn(struct tw_view name, char *buf, size_t cap); /* CN, else O, else the whole */

/* trust stores */
/** Fact about store number no: "anchors", "missing" ...; NULL when there is none. */
const struct tw_fact *store_fact(const struct tw_case *c, const char *field, int64_t no);
/** A store other than the judging one that trusts the chain; kinds: names to accept, NULL = any. */
const struct tw_fact *store_that_trusts(const struct tw_case *c, uint32_t conn,
                                        const char *const *kinds);
/** The judging store trusts the chain, and this other one, which has roots, does not. */
const struct tw_fact *store_that_refuses(const struct tw_case *c, uint32_t conn);
/** As store_fact(), of any store but the judging one. */
const struct tw_fact *other_store_fact(const struct tw_case *c, const char *field);
/** Evidence: what each store says. */
void cite_stores(const struct tw_case *c, struct tw_finding *f, uint32_t conn);
/** A cause that says more than "nobody knows this CA" is at work. */
bool trust_is_told(const struct tw_case *c, uint32_t conn);

/* intercept.c */
bool chain_intercepted(const struct tw_case *c, uint32_t conn);
/* trust.c */
bool chain_distrusted(const struct tw_case *c, uint32_t conn);
bool chain_public_root(const struct tw_case *c, uint32_t conn);

#endif
