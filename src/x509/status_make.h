/*
 * Makes CRLs and OCSP responses, for the lab and tests: what a CA signs, right or wrong on purpose.
 * Nothing here is for production use.
 */
#ifndef TW_STATUS_MAKE_H
#define TW_STATUS_MAKE_H

#include "x509/ocsp.h"

struct tw_make_entry {
    struct tw_view serial;      /* INTEGER contents */
    int64_t date;               /* unix seconds */
    int reason;                 /* CRLReason; -1 = none given */
    struct tw_view extensions;  /* further entry extensions (DER, one after the other) */
};

struct tw_make_crl {
    struct tw_view issuer;      /* Name, DER */
    struct tw_privkey *key;
    int64_t this_update, next_update; /* unix seconds; next_update 0 = none */
    const struct tw_make_entry *entries;
    size_t entries_n;
    struct tw_view extensions;  /* crlExtensions (DER, one after the other); may be empty */
};
/** Appends DER to out. TW_E_CRYPTO when signing fails; TW_E_LIMIT when out is too small. */
enum tw_status tw_make_crl(struct tw_crypto *c, const struct tw_make_crl *m, struct tw_buf *out)
    TW_MUST_CHECK;

struct tw_make_ocsp {
    const struct tw_cert *cert, *issuer; /* CertID */
    enum tw_hash_id hash;                /* of CertID: SHA-1 when NONE */
    const struct tw_cert *signer;        /* responderID byKey */
    struct tw_privkey *key;
    bool by_name;                        /* responderID byName instead */
    struct tw_view certs;                /* certificates to send along (DER); may be empty */
    int status;                          /* 0 good, 1 revoked, 2 unknown */
    int64_t revoked_at; int reason;      /* reason -1 = none given */
    int64_t produced_at, this_update, next_update; /* next_update 0 = none */
    struct tw_view nonce;                /* empty: none */
    struct tw_view single_extensions;    /* (DER, one after the other); may be empty */
    int response_status;                 /* other than 0: a refusal without body */
};
enum tw_status tw_make_ocsp(struct tw_crypto *c, const struct tw_make_ocsp *m, struct tw_buf *out)
    TW_MUST_CHECK;

/** Appends one Extension: oid as contents, value as contents of extnValue. */
void tw_make_extension(struct tw_buf *out, struct tw_view oid, bool critical, struct tw_view value);

#endif
