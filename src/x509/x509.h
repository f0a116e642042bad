/*
 * Facts of X.509 certificates (RFC 5280), names (RFC 9525), trust, and why a path does not
 * validate. Pure: certificates, trust anchors and time are parameters.
 */
#ifndef TW_X509_H
#define TW_X509_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "trace/trace.h"

/** A certificate taken apart. Views borrow from the DER it was parsed from. */
struct tw_cert {
    struct tw_view der, tbs, serial, issuer, subject, spki, sig_alg, signature;
    uint8_t version;                       /* 1..3 */
    int64_t not_before, not_after;         /* unix seconds */
    struct tw_view san, name_constraints, eku, ski, aki_keyid, crl_points, aia, policies, scts;
    bool has_san, has_basic, is_ca, has_key_usage, has_eku, must_staple, unknown_critical;
    int path_len;                          /* -1 none */
    uint16_t key_usage;                    /* bit 0 = digitalSignature ... as in RFC 5280 */
    struct tw_view extensions;             /* raw, for whoever wants more */
    bool self_issued;                      /* issuer == subject, byte for byte */
    const char *fail_field;                /* NULL when all was well-formed */
    size_t fail_at;
};
/** false when malformed: fail_field and fail_at say where; fields before that are filled in. */
bool tw_cert_parse(struct tw_view der, struct tw_cert *c);

/** RFC 4514-like text of a Name: "CN=example.org, O=Example". Cut to cap, always terminated. */
const char *tw_dn_text(struct tw_view name, char *buf, size_t cap);
/** First attribute of a kind ("CN", "O", "OU") as text; "" when absent. */
const char *tw_dn_attr(struct tw_view name, const char *attr, char *buf, size_t cap);
/** Comparison of names as path building needs it: equal but for case and spaces in strings. */
bool tw_dn_equal(struct tw_view a, struct tw_view b);

enum tw_san_type { TW_SAN_DNS = 2, TW_SAN_EMAIL = 1, TW_SAN_URI = 6, TW_SAN_IP = 7,
                   TW_SAN_DIRNAME = 4, TW_SAN_OTHER = 0 };
/** i-th subjectAltName; false past the end. */
bool tw_cert_san_at(const struct tw_cert *c, size_t i, enum tw_san_type *type,
                    struct tw_view *value);
/** URL of the first caIssuers / OCSP entry in AIA, or empty. */
struct tw_view tw_cert_aia(const struct tw_cert *c, bool ocsp);
bool tw_cert_has_eku(const struct tw_cert *c, const char *dotted_oid);
/** Type, length and curve of the public key, from the DER alone; type UNKNOWN when unreadable. */
void tw_cert_key_info(const struct tw_cert *c, struct tw_key_info *info);
/** Name of the signature algorithm ("ecdsa-with-SHA256"), or its dotted OID. */
const char *tw_cert_sig_name(const struct tw_cert *c, char *buf, size_t cap);
/** A subjectAltName value for a person: addresses as such, other bytes made printable. */
const char *tw_san_text(enum tw_san_type type, struct tw_view value, char *buf, size_t cap);
/** Lower-case hex SHA-256 of the DER, 64 characters and NUL. */
void tw_cert_fingerprint(struct tw_crypto *crypto, struct tw_view der, char out[65]);
/** "2026-11-24T08:00:00Z" */
const char *tw_time_text(int64_t unix_s, char *buf, size_t cap);
/** Accepts RFC 3339 ("2026-11-24", "2026-11-24T08:00:00Z"), or unix seconds; false otherwise. */
bool tw_time_parse(const char *s, int64_t *unix_s);

/* ---- names (name.c) -------------------------------------------------------------------------- */

enum tw_name_match { TW_NAME_OK, TW_NAME_MISMATCH, TW_NAME_NO_SAN /* only a CN fits */,
                     TW_NAME_WILDCARD_DEPTH, TW_NAME_IP_NOT_IN_SAN };
/** Host (A-label form) or IP address text against a certificate, RFC 9525 6. nearest gets the
 *  closest SAN as text. */
enum tw_name_match tw_cert_name_match(const struct tw_cert *c, const char *name, char *nearest,
                                      size_t cap);

/* ---- trust anchors (trust.c) -------------------------------------------------------------------- */

struct tw_trust;
/** @param label what to call it in reports: "the system trust store (/etc/ssl/certs)" */
struct tw_trust *tw_trust_new(const char *label);
void tw_trust_free(struct tw_trust *t);
/** Adds every certificate of a PEM text or one DER certificate. Lazy: parses only what it needs
 *  to find an anchor by name. @return certificates added; *damaged counts blocks passed over */
size_t tw_trust_add(struct tw_trust *t, struct tw_view pem_or_der, size_t *damaged);
/** Adds one DER certificate; one that is there already is not added again. false: no certificate,
 *  or the store is full. */
bool tw_trust_add_der(struct tw_trust *t, struct tw_view der);
/** Another name for reports; false for lack of memory. */
bool tw_trust_relabel(struct tw_trust *t, const char *label);
size_t tw_trust_count(const struct tw_trust *t);
const char *tw_trust_label(const struct tw_trust *t);
/** i-th anchor with that subject name; false past the end. */
bool tw_trust_find(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_view *der);
/** Any anchor, by position, for look-alike questions ("same organisation?"). */
bool tw_trust_at(struct tw_trust *t, size_t i, struct tw_view *der);

/* ---- path (path.c) --------------------------------------------------------------------------------- */

#define TW_PATH_PROBLEM_LIST(X)                                                                    \
    X(TW_PATH_OK, "ok")                                                                            \
    X(TW_PATH_NO_CERTIFICATE, "no certificate was sent")                                           \
    X(TW_PATH_EXPIRED, "past its notAfter time")                                                   \
    X(TW_PATH_NOT_YET_VALID, "before its notBefore time")                                          \
    X(TW_PATH_SELF_SIGNED_LEAF, "signed by itself and no trust anchor")                            \
    X(TW_PATH_UNKNOWN_ROOT, "leads to a self-signed root that is no trust anchor")                 \
    X(TW_PATH_MISSING_ISSUER, "the issuer was not sent and is no trust anchor")                    \
    X(TW_PATH_BAD_SIGNATURE, "its signature does not verify with the issuer's key")                \
    X(TW_PATH_NOT_A_CA, "issued others without being a CA")                                        \
    X(TW_PATH_PATH_LEN, "more CAs below than its pathLenConstraint allows")                        \
    X(TW_PATH_KEY_USAGE, "its key usage does not allow this")                                      \
    X(TW_PATH_EKU, "its extended key usage does not allow TLS servers")                            \
    X(TW_PATH_UNKNOWN_CRITICAL, "has a critical extension that nobody knows")                      \
    X(TW_PATH_MALFORMED, "cannot be parsed")                                                       \
    X(TW_PATH_WEAK_SIGNATURE, "signed with MD5 or SHA-1")                                          \
    X(TW_PATH_WEAK_KEY, "its key is too short")                                                    \
    X(TW_PATH_NAME_MISMATCH, "does not cover the name")                                            \
    X(TW_PATH_NAME_NO_SAN, "names its host only in the subject CN")                                \
    X(TW_PATH_NO_ANCHORS, "the trust store is empty")

enum tw_path_problem {
#define X(id, text) id,
    TW_PATH_PROBLEM_LIST(X)
#undef X
};
const char *tw_path_problem_name(enum tw_path_problem p); /* "expired", from the id, lower case */
const char *tw_path_problem_text(enum tw_path_problem p);

struct tw_path_request {
    struct tw_crypto *crypto;
    struct tw_trust *trust;      /* NULL: nothing is trusted */
    int64_t wall_time;           /* unix seconds to judge at */
    const char *name;            /* reference identity; NULL or "" = do not check */
    const struct tw_view *certs; /* as sent, leaf first */
    size_t certs_n;
};

/**
 * Builds paths from what was sent and the anchors, finds the best one, and writes to the trace,
 * for connection conn: one PATH fact for each thing wrong with it (field = name of the problem,
 * num = problem, aux = place in the sent chain, text = detail with concrete values), or a single
 * PATH fact with TW_PATH_OK; and PATH_CERT facts with the best path. PATH facts on trust
 * (MISSING_ISSUER, UNKNOWN_ROOT, SELF_SIGNED_LEAF) carry in text the issuer that was looked for,
 * and a FIELD fact "missing_issuer_hint" says what speaks for a known CA behind it: num 2 = an
 * anchor has the certificate's AKI or the issuer's organisation, 1 = AIA caIssuers is present
 * (text = URL), 0 = nothing.
 * @return TW_OK whatever the verdict; TW_E_NOMEM
 */
enum tw_status tw_path_explain(const struct tw_path_request *req, struct tw_trace *t,
                               uint32_t conn, uint64_t at) TW_MUST_CHECK;

#endif
