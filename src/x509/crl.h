/*
 * Certificate revocation lists (RFC 5280 5), and whether a set of them decides on a certificate
 * (RFC 5280 6.3). Pure: lists, certificates and time are parameters; nothing is fetched.
 */
#ifndef TW_CRL_H
#define TW_CRL_H

#include "x509/x509.h"

/* ---- what a list says ------------------------------------------------------------------------- */

/** ReasonFlags (RFC 5280 4.2.1.13) as bits 1..8; bit 0 is unused there. */
enum { TW_CRL_ALL_REASONS = 0x1fe };
/** CRLReason (RFC 5280 5.3.1). */
enum { TW_REASON_UNSPECIFIED = 0, TW_REASON_KEY_COMPROMISE = 1, TW_REASON_CA_COMPROMISE = 2,
       TW_REASON_AFFILIATION_CHANGED = 3, TW_REASON_SUPERSEDED = 4, TW_REASON_CESSATION = 5,
       TW_REASON_HOLD = 6, TW_REASON_REMOVE_FROM_CRL = 8, TW_REASON_PRIVILEGE_WITHDRAWN = 9,
       TW_REASON_AA_COMPROMISE = 10 };
/** "keyCompromise" ...; "reason N" never: unknown numbers give "unspecified". */
const char *tw_reason_name(int reason);

/** DistributionPointName (RFC 5280 4.2.1.13). At most one of the two is there. */
struct tw_dp_name {
    struct tw_view full;      /* contents of GeneralNames */
    struct tw_view relative;  /* contents of a RelativeDistinguishedName */
};

/** A CRL taken apart. Views borrow from the DER it was parsed from. */
struct tw_crl {
    struct tw_view der, tbs, issuer, sig_alg, signature, aki_keyid;
    struct tw_view revoked;   /* contents of revokedCertificates; empty when there is none */
    struct tw_view idp_der;   /* value of issuingDistributionPoint; empty when there is none */
    int64_t this_update, next_update; /* unix seconds; next_update only with has_next */
    bool has_next;
    struct tw_view number, base_number;  /* INTEGER contents; base_number makes it a delta CRL */
    bool has_number, is_delta;
    struct tw_dp_name idp_name;
    bool only_user, only_ca, only_attribute, indirect, has_reasons;
    uint16_t reasons;         /* onlySomeReasons */
    bool unknown_critical;    /* an extension of the list or of an entry that must be understood */
    size_t entries;
    const char *fail_field;   /* NULL when all was well-formed */
    size_t fail_at;
};
/** false when malformed: fail_field and fail_at say where. One pass over all entries. */
bool tw_crl_parse(struct tw_view der, struct tw_crl *crl);
/** Next CRL of a PEM text as DER appended to out, or the whole of v when it is DER and *pos is 0.
 *  *pos moves on; false at the end. Damaged blocks are passed over. */
bool tw_crl_next_pem(struct tw_view v, size_t *pos, struct tw_buf *out);

struct tw_crl_entry {
    int64_t date;             /* revocationDate, unix seconds */
    int reason;               /* CRLReason; TW_REASON_UNSPECIFIED when the entry gives none */
};
/** The entry of a certificate, by serial number and (indirect CRLs) the issuer of the entry. */
bool tw_crl_find(const struct tw_crl *crl, const struct tw_cert *cert, struct tw_crl_entry *e);

/** http URLs of the certificate's CRL distribution points (freshest: of freshestCRL, for deltas).
 *  @return number of URLs put into out; they borrow from the certificate */
size_t tw_cert_crl_urls(const struct tw_cert *c, bool freshest, struct tw_view *out, size_t cap);

/* ---- whether lists decide on a certificate ----------------------------------------------------- */

enum tw_crl_verdict { TW_CRL_UNDECIDED, TW_CRL_GOOD, TW_CRL_REVOKED };

/* How far the list that came nearest got; later = nearer. */
#define TW_CRL_WHY_LIST(X)                                                                         \
    X(TW_CRL_WHY_NONE, "no CRL is at hand")                                                        \
    X(TW_CRL_WHY_MALFORMED, "the CRL cannot be parsed")                                            \
    X(TW_CRL_WHY_ISSUER, "no CRL of the certificate's issuer is at hand")                          \
    X(TW_CRL_WHY_NO_BASE, "only a delta CRL is at hand, without the list it changes")              \
    X(TW_CRL_WHY_SCOPE, "the CRLs at hand do not cover this certificate")                          \
    X(TW_CRL_WHY_REASONS, "the CRLs at hand cover only some reasons")                              \
    X(TW_CRL_WHY_CRITICAL, "the CRL has a critical extension that nobody knows")                   \
    X(TW_CRL_WHY_NOT_YET, "the CRL's thisUpdate lies in the future")                               \
    X(TW_CRL_WHY_EXPIRED, "the CRL is past its nextUpdate")                                        \
    X(TW_CRL_WHY_NO_SIGNER, "no certificate of the CRL's issuer is at hand")                       \
    X(TW_CRL_WHY_KEY_USAGE, "the key usage of the CRL's issuer does not allow to sign CRLs")       \
    X(TW_CRL_WHY_SIGNATURE, "the CRL's signature does not verify with its issuer's key")           \
    X(TW_CRL_WHY_SIGNER, "the certificate of the CRL's issuer does not validate")
enum tw_crl_why {
#define X(id, text) id,
    TW_CRL_WHY_LIST(X)
#undef X
};
const char *tw_crl_why_text(enum tw_crl_why w);

/**
 * Says whether a CRL signer that is not the issuer of the certificate in question has a valid path
 * to the same trust anchor (RFC 5280 6.3.3 f), its own revocation included. The path engine gives
 * this. A signer that is already being validated further up counts as valid, so that a list may
 * cover its own signer (NIST PKITS 4.14.30); nesting deeper than a few levels as not valid.
 */
typedef bool tw_crl_signer_fn(void *user, const struct tw_cert *signer);

struct tw_crl_request {
    struct tw_crypto *crypto;
    int64_t at;                        /* unix seconds to judge at */
    const struct tw_cert *cert;        /* whose status is asked */
    const struct tw_cert *issuer;      /* the one above it in the path being validated */
    const struct tw_crl *crls;         /* parsed; malformed ones may be among them */
    size_t crls_n;
    const struct tw_cert *others;      /* certificates that may have signed CRLs too */
    size_t others_n;
    tw_crl_signer_fn *valid_signer;    /* NULL: signers other than `issuer` are not accepted */
    void *user;
};

struct tw_crl_result {
    enum tw_crl_verdict verdict;
    enum tw_crl_why why;               /* when undecided */
    struct tw_crl_entry entry;         /* when revoked */
    uint16_t reasons;                  /* covered so far */
    const struct tw_crl *crl;          /* the list that decided, or came nearest; NULL: none */
    const struct tw_cert *signer;      /* of it, when found */
};

enum { TW_CRL_MAX = 64, TW_CRL_MAX_POINTS = 16, TW_CRL_MAX_NAMES = 32 };

/**
 * RFC 5280 6.3.3, complete: scope by distribution point, certificate kind and reasons, indirect
 * and delta CRLs, CRL signers found by name and authority key identifier.
 *
 * Looks at TW_CRL_MAX lists, TW_CRL_MAX_POINTS distribution points of the certificate and
 * TW_CRL_MAX_NAMES names of each; what is beyond does not count. Signatures of a list are verified
 * once per candidate signer.
 * @return TW_OK whatever the verdict, TW_E_NOMEM
 */
enum tw_status tw_crl_check(const struct tw_crl_request *req, struct tw_crl_result *out)
    TW_MUST_CHECK;

#endif
