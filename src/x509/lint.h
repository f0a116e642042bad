/* Collecting faults of one certificate: shared by cert_lint.c and cert_webpki.c. */
#ifndef TW_X509_LINT_H
#define TW_X509_LINT_H

#include "x509/der.h"
#include "x509/x509.h"

struct lint {
    const struct tw_cert *c;
    enum tw_fault_class upto;
    bool is_leaf;
    struct tw_cert_fault *out; size_t n, cap;
};

/** Adds a fault if its class is asked for; where: the element at fault, or NULL data. */
void lint_add(struct lint *l, enum tw_fault_class class_, const char *id, struct tw_view where,
              const char *text, const char *source);
/** The Baseline Requirements' part. */
void lint_webpki(struct lint *l);

static inline struct tw_view lint_nowhere(void)
{
    return (struct tw_view){NULL, 0};
}

#endif
