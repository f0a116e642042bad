/*
 * OCSP (RFC 6960, RFC 5019): a response taken apart and judged for one certificate, and requests.
 * Pure: certificates, time and nonce are parameters. The same code judges stapled responses
 * (RFC 6066 8, RFC 8446 4.4.2.1) and live ones.
 */
#ifndef TW_OCSP_H
#define TW_OCSP_H

#include "x509/x509.h"

/** A response taken apart. Views borrow from the DER it was parsed from. */
struct tw_ocsp {
    struct tw_view der, tbs, sig_alg, signature, certs /* contents of the list */;
    int status;                  /* OCSPResponseStatus: 0 successful, 1 malformedRequest ... */
    bool basic;                  /* responseType is id-pkix-ocsp-basic: what follows is filled in */
    struct tw_view name, key_hash; /* responderID: one of them */
    int64_t produced_at;         /* unix seconds */
    struct tw_view responses;    /* contents of the SEQUENCE OF SingleResponse */
    struct tw_view nonce;        /* of the response (RFC 9654); empty when there is none */
    bool unknown_critical;
    const char *fail_field;      /* NULL when all was well-formed */
    size_t fail_at;
};
/** false when malformed: fail_field and fail_at say where. A response whose status is not
 *  successful is well-formed without any body. */
bool tw_ocsp_parse(struct tw_view der, struct tw_ocsp *o);
/** "tryLater" ...; "unassigned" for other numbers. */
const char *tw_ocsp_status_name(int status);

enum tw_ocsp_verdict { TW_OCSP_UNDECIDED, TW_OCSP_GOOD, TW_OCSP_REVOKED,
                       TW_OCSP_UNKNOWN /* the responder does not know the certificate */ };

#define TW_OCSP_WHY_LIST(X)                                                                        \
    X(TW_OCSP_WHY_NONE, "nothing is wrong with it")                                                \
    X(TW_OCSP_WHY_MALFORMED, "the response cannot be parsed")                                      \
    X(TW_OCSP_WHY_STATUS, "the responder refused to answer")                                       \
    X(TW_OCSP_WHY_TYPE, "the response is of a type that nobody knows")                             \
    X(TW_OCSP_WHY_NO_MATCH, "the response is about another certificate")                           \
    X(TW_OCSP_WHY_CRITICAL, "the response has a critical extension that nobody knows")             \
    X(TW_OCSP_WHY_NO_SIGNER, "the signer of the response is neither the issuer nor sent along")    \
    X(TW_OCSP_WHY_PURPOSE, "the signer's certificate is not for signing OCSP responses")           \
    X(TW_OCSP_WHY_DELEGATE, "the signer's certificate was not issued by the certificate's issuer") \
    X(TW_OCSP_WHY_SIGNER_TIME, "the signer's certificate is not valid at this time")               \
    X(TW_OCSP_WHY_SIGNATURE, "the signature of the response does not verify")                      \
    X(TW_OCSP_WHY_NOT_YET, "the response lies in the future")                                      \
    X(TW_OCSP_WHY_EXPIRED, "the response is past its nextUpdate")                                  \
    X(TW_OCSP_WHY_OLD, "the response has no nextUpdate and is too old")                            \
    X(TW_OCSP_WHY_NONCE, "the response answers another request: its nonce differs")
enum tw_ocsp_why {
#define X(id, text) id,
    TW_OCSP_WHY_LIST(X)
#undef X
};
const char *tw_ocsp_why_text(enum tw_ocsp_why w);

/** Clocks may differ by this much; and the oldest response without nextUpdate that counts (the
 *  longest interval that the Baseline Requirements, 4.9.10, allow). */
enum { TW_OCSP_SKEW_S = 300, TW_OCSP_MAX_AGE_S = 10 * 86400, TW_OCSP_MAX_RESPONSES = 64,
       TW_OCSP_MAX_CERTS = 8 };

struct tw_ocsp_request {
    struct tw_crypto *crypto;
    int64_t at;                      /* unix seconds to judge at */
    const struct tw_cert *cert, *issuer;
    struct tw_view nonce;            /* that was sent; empty: none */
};

struct tw_ocsp_result {
    enum tw_ocsp_verdict verdict;
    enum tw_ocsp_why why;            /* when undecided */
    int64_t this_update, next_update; /* of the matching single response; has_next */
    bool has_next;
    int64_t revoked_at;              /* when revoked */
    int reason;                      /* CRLReason, 0 = none given */
    bool delegated;                  /* signed by a responder's certificate, not the issuer's key */
    bool other_key;                  /* about this serial number and issuer's name, another key */
    struct tw_view scts;             /* SignedCertificateTimestampList in singleExtensions */
};

/**
 * RFC 6960 3.2: the response is about the certificate, signed by its issuer or by whom the issuer
 * made a responder (id-kp-OCSPSigning), and current. CertID with SHA-1, SHA-256, SHA-384, SHA-512.
 * A delegated signer's own revocation is not looked at (RFC 6960 4.2.2.2.1 leaves it to policy).
 */
void tw_ocsp_check(const struct tw_ocsp *o, const struct tw_ocsp_request *req,
                   struct tw_ocsp_result *out);

/** Appends a request (RFC 6960 4.1.1) with CertID by SHA-1, which is what every responder knows
 *  (RFC 5019 2.1.1), and the nonce if one is given (RFC 9654: 1 to 128 bytes). */
enum tw_status tw_ocsp_request_write(struct tw_crypto *crypto, const struct tw_cert *cert,
                                     const struct tw_cert *issuer, struct tw_view nonce,
                                     struct tw_buf *out) TW_MUST_CHECK;

/** The public key itself, without the algorithm: what issuerKeyHash is made of. */
struct tw_view tw_spki_key_bits(struct tw_view spki);

/** http URLs of OCSP responders (ocsp) or of the issuer's certificate in AIA (RFC 5280 4.2.2.1).
 *  @return number put into out; they borrow from the certificate */
size_t tw_cert_aia_urls(const struct tw_cert *c, bool ocsp, struct tw_view *out, size_t cap);

#endif
