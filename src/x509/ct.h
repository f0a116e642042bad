/*
 * Certificate Transparency (RFC 6962): signed certificate timestamps, the list of known logs, and
 * whether a set of timestamps satisfies the policies of Chrome and Apple. Pure.
 */
#ifndef TW_CT_H
#define TW_CT_H

#include "x509/x509.h"

/* ---- timestamps ------------------------------------------------------------------------------- */

/** Where a timestamp came from: policies count them apart. */
enum tw_sct_source { TW_SCT_EMBEDDED, TW_SCT_OCSP, TW_SCT_TLS };
const char *tw_sct_source_name(enum tw_sct_source s); /* "embedded", "ocsp", "tls" */

/** RFC 6962 3.2. Views borrow from the bytes it was read from. */
struct tw_sct {
    uint8_t version;             /* 0 = v1 */
    struct tw_view log_id;       /* 32 bytes: SHA-256 of the log's key */
    uint64_t timestamp;          /* milliseconds since 1970 */
    struct tw_view extensions;
    uint8_t hash, sig;           /* HashAlgorithm, SignatureAlgorithm of TLS 1.2 */
    struct tw_view signature;
};
/** Next SerializedSCT's contents, or false at the end. */
bool tw_sct_decode(struct tw_view v, struct tw_sct *s);
/** i-th timestamp of a SignedCertificateTimestampList; false past the end or when damaged.
 *  *raw gets the bytes of the timestamp when wanted. */
bool tw_sct_list_at(struct tw_view list, size_t i, struct tw_view *raw);
/** The list embedded in a certificate (the OCTET STRING's contents); empty when there is none. */
struct tw_view tw_cert_sct_list(const struct tw_cert *c);

enum { TW_SCT_MAX = 32 };

/* ---- logs ----------------------------------------------------------------------------------------- */

enum tw_log_state { TW_LOG_PENDING, TW_LOG_QUALIFIED, TW_LOG_USABLE, TW_LOG_READONLY,
                    TW_LOG_RETIRED, TW_LOG_REJECTED };
const char *tw_log_state_name(enum tw_log_state s);

struct tw_log {
    uint8_t id[32];
    const char *description, *operator_;   /* operator_ as of the list's date */
    struct tw_view key;                    /* SubjectPublicKeyInfo, DER */
    enum tw_log_state state;
    int64_t state_since;                   /* unix seconds; 0 unknown */
    bool tiled;                            /* static-ct-api, not RFC 6962's */
};

struct tw_log_list;
/**
 * Reads a log list in the format of Chrome's log_list.json, version 3 (Apple's is the same).
 * @param why  static text for TW_E_INPUT
 */
enum tw_status tw_log_list_parse(struct tw_view json, struct tw_log_list **out,
                                 const char **why) TW_MUST_CHECK;
void tw_log_list_free(struct tw_log_list *l);
size_t tw_log_list_count(const struct tw_log_list *l);
/** "2025-11-20T12:54:36Z": log_list_timestamp, "" when the list has none. Borrowed from l. */
const char *tw_log_list_date(const struct tw_log_list *l);
const struct tw_log *tw_log_find(const struct tw_log_list *l, struct tw_view id);
const struct tw_log *tw_log_at(const struct tw_log_list *l, size_t i);

/* ---- verification ------------------------------------------------------------------------------------ */

#define TW_SCT_STATE_LIST(X)                                                                       \
    X(TW_SCT_UNCHECKED, "unchecked", "no log list was given")                                      \
    X(TW_SCT_VALID, "valid", "its signature verifies with the log's key")                          \
    X(TW_SCT_UNKNOWN_LOG, "unknown_log", "the log is not in the list")                             \
    X(TW_SCT_BAD_SIGNATURE, "bad_signature", "its signature does not verify with the log's key")   \
    X(TW_SCT_FUTURE, "future", "its timestamp lies in the future")                                 \
    X(TW_SCT_NO_ISSUER, "no_issuer", "the issuer's key, which it covers, is not at hand")             \
    X(TW_SCT_MALFORMED, "malformed", "it cannot be parsed")
enum tw_sct_state {
#define X(id, name, text) id,
    TW_SCT_STATE_LIST(X)
#undef X
};
const char *tw_sct_state_name(enum tw_sct_state s);
const char *tw_sct_state_text(enum tw_sct_state s);

struct tw_sct_seen {
    enum tw_sct_source source;
    enum tw_sct_state state;
    struct tw_sct sct;
    const struct tw_log *log;    /* NULL when unknown */
};

/**
 * Verifies one timestamp (RFC 6962 3.2): over the certificate itself, or, when embedded, over the
 * certificate without the list and the hash of the issuer's key.
 * @param issuer  NULL when not at hand
 * @param logs    NULL: unchecked
 * @param at      unix seconds to judge at
 */
void tw_sct_verify(struct tw_crypto *c, const struct tw_cert *cert, const struct tw_cert *issuer,
                   const struct tw_log_list *logs, enum tw_sct_source source, struct tw_view raw,
                   int64_t at, struct tw_sct_seen *out);

/** Signs as a log does for a certificate that is to carry the timestamp (for the lab and tests):
 *  ECDSA with SHA-256 over cert without any list, appended to sig. timestamp in ms. */
bool tw_sct_sign(struct tw_crypto *c, struct tw_privkey *log_key, const struct tw_cert *cert,
                 const struct tw_cert *issuer, uint64_t timestamp, struct tw_buf *sig);

/* ---- policies -------------------------------------------------------------------------------------------- */

/** What a browser asks for, as data. */
struct tw_ct_policy {
    const char *browser;         /* "Chrome", "Apple" */
    const char *source, *date;   /* where the figures are from, and when they were read */
    int64_t short_days;          /* up to this lifetime (inclusive) the smaller number is enough */
    unsigned embedded_short, embedded_long;
    unsigned delivered;          /* timestamps by OCSP or TLS, from logs that count today ... */
    bool delivered_mixed;        /* ... one of which may be enough, with embedded ones */
    unsigned operators;          /* distinct operators among them */
    unsigned per_operator_short, per_operator_long; /* at most so many of one count; 0 = any */
    bool rfc6962;                /* at least one from a log that is not tiled */
};
const struct tw_ct_policy *tw_ct_policy_at(size_t i);

struct tw_ct_verdict {
    bool satisfied;
    unsigned needed, counted;    /* embedded timestamps needed, and those that count */
    unsigned operators;          /* distinct, among them */
    const char *missing;         /* what is missing in words; static; NULL when satisfied */
};
/**
 * Counts the timestamps with state TW_SCT_VALID against a policy. For TW_SCT_UNCHECKED ones (no log
 * list) only their number can be judged: they count as from distinct logs and operators.
 */
void tw_ct_judge(const struct tw_ct_policy *p, const struct tw_cert *cert,
                 const struct tw_sct_seen *scts, size_t n, struct tw_ct_verdict *out);

#endif
