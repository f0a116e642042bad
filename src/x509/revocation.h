/*
 * From what a server sent (and what was fetched) to facts on revocation and CT: stapled and fetched
 * OCSP responses, fetched CRLs, timestamps. Pure; writes REVOCATION, SCT and CT facts.
 */
#ifndef TW_REVOCATION_H
#define TW_REVOCATION_H

#include "x509/crl.h"
#include "x509/ct.h"
#include "x509/ocsp.h"

/** Leaf and issuer of a connection, as far as the trace has them. Views borrow from the trace. */
struct tw_chain_ends {
    struct tw_cert leaf, issuer;
    bool has_leaf, has_issuer;
};
/** The certificate at a place of the best path (else of the chain as sent), and the one that issued
 *  it: by the path, or by name and signature among those sent, or fetched (ca_issuers). */
bool tw_chain_ends(const struct tw_trace *t, uint32_t conn, struct tw_crypto *crypto, size_t place,
                   struct tw_chain_ends *e);

/**
 * Stapled OCSP responses and timestamps of a connection, judged: one REVOCATION fact for each
 * staple, one SCT fact for each timestamp, one CT fact for each policy. Nothing when that
 * connection has such facts already.
 * @param logs  NULL when no log list was given
 */
void tw_revocation_explain(struct tw_trace *t, uint32_t conn, uint64_t at, struct tw_crypto *crypto,
                           const struct tw_log_list *logs);

/** Judges an OCSP response about the certificate at a place and writes the REVOCATION fact.
 *  @param field  "staple" or "ocsp"; @param nonce  that was sent, or empty */
enum tw_revocation tw_revocation_ocsp(struct tw_trace *t, uint32_t conn, uint64_t at,
                                      struct tw_crypto *crypto, size_t place, const char *field,
                                      struct tw_view response, struct tw_view nonce);
/** The same for CRLs; views of whole lists (DER or PEM). */
enum tw_revocation tw_revocation_crl(struct tw_trace *t, uint32_t conn, uint64_t at,
                                     struct tw_crypto *crypto, size_t place,
                                     const struct tw_view *crls, size_t n);

#endif
