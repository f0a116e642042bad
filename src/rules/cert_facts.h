/* What the families of causes about certificates share. */
#ifndef TW_CERT_FACTS_H
#define TW_CERT_FACTS_H

#include "rules/rules_internal.h"

#include "x509/x509.h"

enum { TW_ANY_PLACE = -100 };

/** The connection whose certificates were judged: the baseline, else the first trial with some; 0
 *  when none were. */
uint32_t cert_judged(const struct tw_case *c);
/** What is wrong with the certificate at a place of the chain as sent, or TW_ANY_PLACE. */
const struct tw_fact *cert_problem(const struct tw_case *c, enum tw_path_problem p, int64_t place);
/** The same for a rule of the profile that is broken ("eku_missing"). */
const struct tw_fact *cert_lint(const struct tw_case *c, const char *id);
/** A note on the chain as sent, or NULL. */
const struct tw_fact *cert_note(const struct tw_case *c, enum tw_chain_note_kind k);
/** What stricter clients refuse, where the anchor is one that every client has; or NULL. */
const struct tw_fact *cert_advice(const struct tw_case *c, enum tw_path_problem p);

/** The certificate that a fact is about: as sent, or from the path. */
struct cert_subject {
    struct tw_cert cert;
    char subject[160], issuer[160], not_before[32], not_after[32], source[96];
};
bool cert_subject_of(const struct tw_case *c, const struct tw_fact *path, struct cert_subject *s);
/** Certainty, place of failure, and whether it is about the baseline. */
void cert_begin(const struct tw_case *c, struct tw_finding *f, const struct tw_fact *path,
                enum tw_certainty certainty);
/** "3 days" */
const char *cert_span_text(int64_t seconds, char *buf, size_t cap);

/**
 * The common match: the first of these problems that is there is proven by its fact. The evidence is
 * the certificate and the fact's text.
 */
bool cert_match_problem(const struct tw_case *c, struct tw_finding *f,
                        const struct tw_fact *path, const char *summary);

#endif
