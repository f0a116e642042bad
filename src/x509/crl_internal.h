/* What crl.c and crl_check.c share. */
#ifndef TW_CRL_INTERNAL_H
#define TW_CRL_INTERNAL_H

#include "x509/crl.h"

/** One DistributionPoint of a certificate (RFC 5280 4.2.1.13). */
struct crl_point {
    struct tw_dp_name name;
    struct tw_view crl_issuer;  /* contents of GeneralNames; empty when omitted */
    uint16_t reasons;           /* all when omitted */
};
size_t crl_cert_points(const struct tw_cert *cert, bool freshest, struct crl_point *out,
                       size_t cap);
/** in: contents of the [0] around a DistributionPointName. */
void crl_dp_name(struct tw_reader in, struct tw_dp_name *out);
/** in: contents of a BIT STRING. */
uint16_t crl_reason_flags(struct tw_reader in);
/** Unsigned INTEGERs of any length, as memcmp. */
int crl_compare_numbers(struct tw_view a, struct tw_view b);

#endif
