/*
 * Facts of X.509 certificates (RFC 5280), names (RFC 9525), trust, and why a path does not
 * validate. Pure: certificates, trust anchors and time are parameters.
 */
#ifndef TW_X509_H
#define TW_X509_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "trace/trace.h"

/* ---- a certificate taken apart (cert.c, cert_ext.c) ------------------------------------------ */

/** Extensions that are known by name here; their bits in ext_present and ext_critical. */
enum tw_cert_ext { TW_CEXT_SAN, TW_CEXT_IAN, TW_CEXT_BASIC, TW_CEXT_KEY_USAGE, TW_CEXT_EKU,
                   TW_CEXT_NAME_CONSTRAINTS, TW_CEXT_SKI, TW_CEXT_AKI, TW_CEXT_CRL_POINTS,
                   TW_CEXT_FRESHEST_CRL, TW_CEXT_POLICIES, TW_CEXT_POLICY_MAPPINGS,
                   TW_CEXT_POLICY_CONSTRAINTS, TW_CEXT_INHIBIT_ANY, TW_CEXT_AIA, TW_CEXT_SIA,
                   TW_CEXT_TLS_FEATURE, TW_CEXT_SCTS, TW_CEXT_CT_POISON, TW_CEXT_OCSP_NOCHECK,
                   TW_CEXT_PROXY_INFO, TW_CEXT_SUBJECT_DIRECTORY, TW_CEXT_PRIVATE_KEY_PERIOD,
                   TW_CEXT_NETSCAPE_TYPE, TW_CEXT_QC_STATEMENTS, TW_CEXT_UNKNOWN };
/** Bits of keyUsage as tw_cert.key_usage has them (RFC 5280 4.2.1.3). */
enum { TW_KU_DIGITAL_SIGNATURE = 1 << 0, TW_KU_NON_REPUDIATION = 1 << 1,
       TW_KU_KEY_ENCIPHERMENT = 1 << 2, TW_KU_DATA_ENCIPHERMENT = 1 << 3,
       TW_KU_KEY_AGREEMENT = 1 << 4, TW_KU_CERT_SIGN = 1 << 5, TW_KU_CRL_SIGN = 1 << 6,
       TW_KU_ENCIPHER_ONLY = 1 << 7, TW_KU_DECIPHER_ONLY = 1 << 8 };

/** A certificate taken apart. Views borrow from the DER it was parsed from. Views of extensions
 *  (san, eku ...) are the contents of extnValue. */
struct tw_cert {
    struct tw_view der, tbs, serial, issuer, subject, spki, sig_alg, signature;
    struct tw_view tbs_sig_alg;            /* the copy inside tbsCertificate */
    struct tw_view issuer_uid, subject_uid; /* data NULL when absent */
    uint8_t version;                       /* 1..3; 0 = none of these */
    int64_t not_before, not_after;         /* unix seconds */
    struct tw_view san, ian, name_constraints, eku, ski, aki, aki_keyid, crl_points, freshest_crl,
        aia, policies, policy_mappings, policy_constraints, scts, proxy_info;
    struct tw_view aki_issuer, aki_serial; /* authorityCertIssuer (GeneralNames), ...SerialNumber */
    uint32_t ext_present, ext_critical;    /* bit per enum tw_cert_ext */
    uint16_t ext_count;
    bool has_san, has_basic, is_ca, has_key_usage, has_eku, must_staple, unknown_critical;
    bool duplicate_ext;
    bool empty_rdn, usage_padded, false_encoded; /* small offences against DER, for the lints */
    bool eku_server, eku_client, eku_any;  /* what eku holds; all false when absent */
    int path_len;                          /* -1 none */
    int require_explicit, inhibit_mapping, inhibit_any; /* policy skip counts; -1 none */
    uint16_t key_usage;                    /* TW_KU_*; bit 0 = digitalSignature */
    struct tw_view unknown_oid;            /* of the first critical extension that is not known */
    struct tw_view extensions;             /* raw, for whoever wants more */
    bool self_issued;                      /* issuer equals subject as RFC 5280 7.1 compares */
    const char *fail_field;                /* NULL when all was well-formed */
    size_t fail_at;                        /* offset in der */
    bool framed;                           /* all but the contents of extensions could be read: it
                                              can stand in a path, malformed or not */
    enum tw_cert_ext fail_ext;             /* extension at fault when framed and malformed */
};
/** false when malformed: fail_field and fail_at say where; fields before that are filled in. */
bool tw_cert_parse(struct tw_view der, struct tw_cert *c);

static inline bool tw_cert_has_ext(const struct tw_cert *c, enum tw_cert_ext e)
{
    return (c->ext_present >> e & 1) != 0;
}
static inline bool tw_cert_ext_critical(const struct tw_cert *c, enum tw_cert_ext e)
{
    return (c->ext_critical >> e & 1) != 0;
}

/** i-th extension in order; false past the end or where the list cannot be read on. */
struct tw_cert_extension { enum tw_cert_ext kind; struct tw_view oid, value; bool critical; };
bool tw_cert_ext_at(const struct tw_cert *c, size_t i, struct tw_cert_extension *out);

/* Iterators over lists in extensions: *pos starts at 0 and moves on; false at the end. */
/** GeneralNames (subjectAltName, issuerAltName, ...): tag as in RFC 5280 4.2.1.6, 0..8. */
bool tw_general_name_next(struct tw_view names, size_t *pos, unsigned *tag, struct tw_view *value);
/** Key purposes of extKeyUsage as DER OIDs (contents). */
bool tw_cert_eku_next(const struct tw_cert *c, size_t *pos, struct tw_view *oid);
/** Policy OIDs of certificatePolicies; qualifiers may be NULL. */
bool tw_cert_policy_next(const struct tw_cert *c, size_t *pos, struct tw_view *oid,
                         struct tw_view *qualifiers);
/** URLs in authorityInfoAccess / cRLDistributionPoints. */
bool tw_cert_aia_next(const struct tw_cert *c, size_t *pos, bool ocsp, struct tw_view *url);
bool tw_cert_crl_url_next(const struct tw_cert *c, size_t *pos, struct tw_view *url);
/** Signed certificate timestamps of the SCT list extension (RFC 6962 3.3), each as on the wire. */
bool tw_cert_sct_next(const struct tw_cert *c, size_t *pos, struct tw_view *sct);

/* ---- what is wrong with one certificate by itself (cert_lint.c, cert_webpki.c) ----------------- */

/** How far the violated rule reaches. */
enum tw_fault_class {
    TW_FAULT_DER,      /* no validator should take it: encoding, duplicates, contradictions */
    TW_FAULT_PROFILE,  /* RFC 5280 section 4: must not be issued so; strict validators refuse */
    TW_FAULT_WEBPKI,   /* CA/Browser Forum Baseline Requirements */
    TW_FAULT_ADVICE    /* a SHOULD; nobody refuses it */
};
struct tw_cert_fault {
    enum tw_fault_class class_;
    const char *id;     /* "aki_missing": stable, static */
    const char *text;   /* what is wrong, in words; static */
    const char *source; /* "RFC 5280 4.2.1.1" */
    size_t at;          /* offset in der, 0 when it is about something absent */
};
/** Faults of the classes up to and including `upto`, at most cap; returns how many. Pure and
 *  cheap: no cryptography. is_leaf: it stands at the end of a path. */
size_t tw_cert_faults(const struct tw_cert *c, enum tw_fault_class upto, bool is_leaf,
                      struct tw_cert_fault *out, size_t cap);

/** RFC 4514-like text of a Name: "CN=example.org, O=Example". Cut to cap, always terminated. */
const char *tw_dn_text(struct tw_view name, char *buf, size_t cap);
/** First attribute of a kind ("CN", "O", "OU") as text; "" when absent. */
const char *tw_dn_attr(struct tw_view name, const char *attr, char *buf, size_t cap);
/** Attributes of a Name one after another: short name ("CN") or dotted OID, value as text. */
struct tw_dn_iter { struct tw_reader rdns, set; };
struct tw_dn_iter tw_dn_begin(struct tw_view name);
bool tw_dn_next(struct tw_dn_iter *it, char *type, size_t type_cap, char *value, size_t value_cap);
/** Comparison of names as path building needs it (RFC 5280 7.1): case of ASCII, runs of spaces and
 *  the type of string make no difference. */
bool tw_dn_equal(struct tw_view a, struct tw_view b);
/** Is name the base or below it: do base's RDNs lead those of name (RFC 5280 4.2.1.10)? */
bool tw_dn_within(struct tw_view base, struct tw_view name);
bool tw_dn_empty(struct tw_view name);
/** Equal for names that tw_dn_equal() takes for equal. */
uint64_t tw_dn_hash(struct tw_view name);

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
/** Is the curve given by its parameters instead of its name (RFC 5480 2.1.1 forbids it)? */
bool tw_cert_explicit_curve(const struct tw_cert *c);
/** Security in bits of the key (NIST SP 800-57) and of the signature's hash against collisions;
 *  0 = nothing is known about it. */
unsigned tw_key_strength(const struct tw_key_info *k);
unsigned tw_cert_sig_strength(const struct tw_cert *c);
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
                     TW_NAME_WILDCARD_DEPTH, TW_NAME_IP_NOT_IN_SAN,
                     TW_NAME_BAD_REFERENCE /* what was asked for is no host name or address */,
                     TW_NAME_UNUSUAL_FORM /* it fits but for a form that clients refuse:
                                             underscore, a wildcard that stands alone, bytes that
                                             are no DNS name */ };
/** Host (A-label form) or IP address text against a certificate, RFC 9525 6. nearest gets the
 *  closest SAN as text. A trailing dot of the name is passed over. */
enum tw_name_match tw_cert_name_match(const struct tw_cert *c, const char *name, char *nearest,
                                      size_t cap);
/** An e-mail address (RFC 5280 7.5) or URI, compared with rfc822Name / URI names. */
bool tw_cert_email_match(const struct tw_cert *c, const char *address);
bool tw_cert_uri_match(const struct tw_cert *c, const char *uri);
/** IPv4 or IPv6 literal to its bytes; 4, 16, or 0 when it is none. */
size_t tw_ip_parse(const char *s, uint8_t out[16]);
/** 16 bytes as text in the form of RFC 5952. cap: 40 is enough. */
const char *tw_ip6_text(const uint8_t ip[16], char *buf, size_t cap);
/** LDH labels, total and label lengths (RFC 1034 3.5, RFC 1123 2.1); underscore on request. */
bool tw_dns_name_valid(struct tw_view name, bool allow_underscore, bool allow_wildcard);

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
/** The same with the settings that OpenSSL's X509_CERT_AUX has for it (at most 512 bytes count). */
bool tw_trust_add_with(struct tw_trust *t, struct tw_view der, struct tw_view aux);
/** Another name for reports; false for lack of memory. */
bool tw_trust_relabel(struct tw_trust *t, const char *label);
/** Those that the store's own settings do not keep from TLS servers. */
size_t tw_trust_count(const struct tw_trust *t);
const char *tw_trust_label(const struct tw_trust *t);
/** i-th anchor with that subject name; false past the end. */
bool tw_trust_find(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_view *der);
/** Purposes that a store's own settings grant or refuse to an anchor: bits. */
enum { TW_FOR_SERVER = 1, TW_FOR_CLIENT = 2, TW_FOR_EMAIL = 4, TW_FOR_CODE = 8, TW_FOR_ANY = 128 };
/** An anchor with what its store says about it. */
struct tw_anchor {
    struct tw_view der;
    bool restricted;          /* the store has settings for it: only `trusted` counts */
    uint8_t trusted, rejected;
    int64_t distrust_after;   /* leaves with a later notBefore are refused; 0 = no such date */
};
/** As tw_trust_find(), with the settings. What a store refuses is refused with its key: other
 *  certificates of the same name and key count as refused too. */
bool tw_trust_anchor(struct tw_trust *t, struct tw_view subject, size_t i, struct tw_anchor *out);
/** Any anchor, by position, for look-alike questions ("same organisation?"). */
bool tw_trust_at(struct tw_trust *t, size_t i, struct tw_view *der);

/* ---- path (path*.c) -------------------------------------------------------------------------------- */

/* X(id, name in traces and JSON, text). Numbers are in saved traces: append only. */
#define TW_PATH_PROBLEM_LIST(X)                                                                    \
    X(TW_PATH_OK, "ok", "ok")                                                                      \
    X(TW_PATH_NO_CERTIFICATE, "no_certificate", "no certificate was sent")                         \
    X(TW_PATH_EXPIRED, "expired", "past its notAfter time")                                        \
    X(TW_PATH_NOT_YET_VALID, "not_yet_valid", "before its notBefore time")                         \
    X(TW_PATH_SELF_SIGNED_LEAF, "self_signed_leaf", "signed by itself and no trust anchor")        \
    X(TW_PATH_UNKNOWN_ROOT, "unknown_root", "leads to a self-signed root that is no trust anchor") \
    X(TW_PATH_MISSING_ISSUER, "missing_issuer", "the issuer was not sent and is no trust anchor")  \
    X(TW_PATH_BAD_SIGNATURE, "bad_signature", "its signature does not verify with the issuer's key") \
    X(TW_PATH_NOT_A_CA, "not_a_ca", "issued others without being a CA")                            \
    X(TW_PATH_PATH_LEN, "path_len", "more CAs below than its pathLenConstraint allows")            \
    X(TW_PATH_KEY_USAGE, "key_usage", "its key usage does not allow this")                         \
    X(TW_PATH_EKU, "eku", "its extended key usage does not allow this purpose")                    \
    X(TW_PATH_UNKNOWN_CRITICAL, "unknown_critical", "has a critical extension that nobody knows")  \
    X(TW_PATH_MALFORMED, "malformed", "cannot be parsed")                                          \
    X(TW_PATH_WEAK_SIGNATURE, "weak_signature", "signed with a hash that is too weak")             \
    X(TW_PATH_WEAK_KEY, "weak_key", "its key is too short")                                        \
    X(TW_PATH_NAME_MISMATCH, "name_mismatch", "does not cover the name")                           \
    X(TW_PATH_NAME_NO_SAN, "name_no_san", "names its host only in the subject CN")                 \
    X(TW_PATH_NO_ANCHORS, "no_anchors", "the trust store is empty")                                \
    X(TW_PATH_NAME_WILDCARD, "name_wildcard", "its wildcard does not reach that deep")             \
    X(TW_PATH_NAME_IP, "name_ip", "does not name the IP address")                                  \
    X(TW_PATH_NAME_FORM, "name_form", "names the host in a form that clients refuse")              \
    X(TW_PATH_NAME_CONSTRAINTS, "name_constraints", "a name is outside a CA's name constraints")   \
    X(TW_PATH_POLICY, "policy", "no certificate policy is valid for the whole path")               \
    X(TW_PATH_REVOKED, "revoked", "is on its issuer's revocation list")                            \
    X(TW_PATH_CRL, "crl", "its revocation status cannot be told from the CRLs given")              \
    X(TW_PATH_TOO_LONG, "too_long", "the path has more certificates than allowed")                 \
    X(TW_PATH_LIMIT, "limit", "a limit against hostile input ended the check")                     \
    X(TW_PATH_UNSUPPORTED_KEY, "unsupported_key", "kind of key or signature that is not supported") \
    X(TW_PATH_EXPLICIT_CURVE, "explicit_curve", "its EC key carries curve parameters, not a name") \
    X(TW_PATH_PROFILE, "profile", "breaks the certificate profile of RFC 5280")                    \
    X(TW_PATH_WEBPKI, "webpki", "breaks the Baseline Requirements of the web PKI")                 \
    X(TW_PATH_VALIDITY_TOO_LONG, "validity_too_long", "valid for longer than the web PKI allows")  \
    X(TW_PATH_DISTRUSTED, "distrusted", "the trust store refuses it for this purpose")             \
    X(TW_PATH_PROXY, "proxy", "is a proxy certificate, or breaks the rules of one")                \
    X(TW_PATH_LEAF_IS_CA, "leaf_is_ca", "is a CA's certificate in the place of a server's")

enum tw_path_problem {
#define X(id, name, text) id,
    TW_PATH_PROBLEM_LIST(X)
#undef X
    TW_PATH_PROBLEMS
};
const char *tw_path_problem_name(enum tw_path_problem p); /* "expired" */
const char *tw_path_problem_text(enum tw_path_problem p);

/**
 * Whose rules. RFC5280: path validation (section 6) and what no validator takes. STRICT: also the
 * certificate profile (section 4), as careful validators and linters do. WEBPKI: STRICT and the
 * CA/Browser Forum's Baseline Requirements, with their exceptions from RFC 5280.
 */
enum tw_policy { TW_POLICY_RFC5280, TW_POLICY_STRICT, TW_POLICY_WEBPKI };
enum tw_purpose { TW_PURPOSE_SERVER, TW_PURPOSE_CLIENT, TW_PURPOSE_ANY, TW_PURPOSE_TIMESTAMP,
                  TW_PURPOSE_CODE };

/** Signatures that were verified before, so that known intermediates cost a hash only. Bounded:
 *  the oldest entries go first. Not thread-safe. */
struct tw_sig_cache;
struct tw_sig_cache *tw_sig_cache_new(size_t entries);
void tw_sig_cache_free(struct tw_sig_cache *c);

/** All zero but the first four members is a request for a TLS server's certificate, RFC 5280. */
struct tw_path_request {
    struct tw_crypto *crypto;
    struct tw_trust *trust;      /* NULL: nothing is trusted */
    int64_t wall_time;           /* unix seconds to judge at */
    const char *name;            /* reference identity; NULL or "" = do not check */
    const struct tw_view *certs; /* as sent, leaf first */
    size_t certs_n;
    const struct tw_view *extra; /* not sent, but at hand: fetched by AIA, given on the side */
    size_t extra_n;
    const struct tw_view *crls;  /* DER; none: revocation is not looked at */
    size_t crls_n;
    bool crl_all;                /* a CRL is needed for every CA too, not only where there is one */
    enum tw_policy policy;
    enum tw_purpose purpose;
    unsigned level;              /* 1 + security level as in OpenSSL (0..5); 0 = the default, level
                                    2: 112 bits, so no SHA-1, no RSA below 2048 */
    unsigned max_depth;          /* 1 + intermediates that may stand between leaf and anchor (self-
                                    issued ones not counted); 0 = the limit of the builder */
    bool no_partial;             /* only self-signed anchors (and those with settings) end a path */
    bool no_backtrack;           /* follow the most promising issuer only, those of the store
                                    first: how clients choose that look for no other path */
    bool no_direct;              /* a leaf that is an anchor itself counts only when self-signed */
    bool sha1_ok;                /* take SHA-1 whatever the level */
    bool cn_ok;                  /* a name in the subject CN counts when there is no dNSName */
    bool any_usage;              /* do not ask keyUsage for what a TLS handshake needs */
    bool allow_proxy;            /* RFC 3820 proxy certificates */
    bool explicit_policy, inhibit_mapping, inhibit_any;  /* RFC 5280 6.1.1 (e) (f) (g) */
    const struct tw_view *policies; /* initial policies, DER OID contents; none = anyPolicy */
    size_t policies_n;
    const char *const *emails;   /* each must be among the certificate's rfc822Names */
    size_t emails_n;
    struct tw_sig_cache *cache;  /* or NULL */
};

enum tw_step_origin { TW_STEP_SENT, TW_STEP_EXTRA, TW_STEP_STORE };
struct tw_path_step {
    const struct tw_cert *cert;
    enum tw_step_origin origin;
    int place;                   /* in certs or extra; -1 from the store */
};
struct tw_path_fault {
    enum tw_path_problem problem;
    int step;                    /* of the path; -1: the path as a whole */
    const char *lint;            /* id of the rule for MALFORMED, PROFILE, WEBPKI; else NULL */
    const char *text;            /* concrete values */
    const char *source;          /* "RFC 5280 4.2.1.9", or NULL */
};
enum { TW_PATH_MAX_STEPS = 24, TW_PATH_MAX_FAULTS = 24, TW_PATH_MAX_KEPT = 8 };
struct tw_path {
    struct tw_path_step steps[TW_PATH_MAX_STEPS]; size_t n;
    bool anchored;               /* ends in a trust anchor */
    struct tw_path_fault faults[TW_PATH_MAX_FAULTS]; size_t faults_n;
    struct tw_path_fault advice[TW_PATH_MAX_FAULTS]; size_t advice_n; /* would fail elsewhere:
                                    under WEBPKI when the policy is a laxer one */
    unsigned score;              /* lower is better; 0 = nothing wrong */
};

/** The chain as it was sent, apart from whether a path can be built. */
#define TW_CHAIN_NOTE_LIST(X)                                                                      \
    X(TW_CHAIN_MISORDERED, "misordered", "does not certify the certificate before it")            \
    X(TW_CHAIN_SUPERFLUOUS, "superfluous", "is in no path to the leaf")                            \
    X(TW_CHAIN_DUPLICATE, "duplicate", "was sent before")                                          \
    X(TW_CHAIN_ROOT_SENT, "root_sent", "is a root; clients have it or will not trust it")          \
    X(TW_CHAIN_WRONG_INTERMEDIATE, "wrong_intermediate", "has the issuer's name but another key")  \
    X(TW_CHAIN_LEAF_NOT_FIRST, "leaf_not_first", "is the leaf but not the first")                  \
    X(TW_CHAIN_EXPIRED, "expired", "is past its notAfter time and was sent nevertheless")          \
    X(TW_CHAIN_NEEDS_ORDER, "needs_order", "a path exists only when the order is put right")       \
    X(TW_CHAIN_NEEDS_EXTRA, "needs_extra", "a path exists only with a certificate not sent")       \
    X(TW_CHAIN_PATH_CHOICE, "path_choice", "another path over the certificates sent is bad")
enum tw_chain_note_kind {
#define X(id, name, text) id,
    TW_CHAIN_NOTE_LIST(X)
#undef X
};
const char *tw_chain_note_name(enum tw_chain_note_kind k);
struct tw_chain_note { enum tw_chain_note_kind kind; int place; const char *text; };
enum { TW_CHAIN_MAX_NOTES = 32 };

/** What path finding gives; everything lives in the arena, views in the request. */
struct tw_paths {
    const struct tw_cert *certs; size_t certs_n;     /* those sent, parsed; the first is the leaf */
    struct tw_path kept[TW_PATH_MAX_KEPT]; size_t n; /* best first; [0] valid when faults_n is 0 */
    struct tw_chain_note notes[TW_CHAIN_MAX_NOTES]; size_t notes_n;
    bool limited;                /* a limit ended the search; there may be better paths */
    unsigned signatures;         /* verified for this */
};

/**
 * Finds paths from certs[0] to an anchor and everything wrong with them.
 * Bounded: TW_PATH_MAX_STEPS certificates in a path, 128 certificates sent and extra, 256
 * signatures, 4096 steps of search, 8 paths kept; what is beyond is not looked at and said in
 * `limited`.
 * @return TW_OK with *out set whatever the verdict; TW_E_NOMEM when the arena is used up
 */
enum tw_status tw_path_find(const struct tw_path_request *req, struct tw_arena *arena,
                            struct tw_paths **out) TW_MUST_CHECK;

/** Chain to serve instead, PEM, appended: the best path's leaf and intermediates in order, without
 *  the root. false when no path reaches an anchor. */
bool tw_path_write_chain(const struct tw_paths *p, struct tw_buf *pem);

/**
 * tw_path_find() and the result as facts, for connection conn:
 * PATH: one for each thing wrong with the best path (field = name of the problem, num = problem,
 *   aux = place in the sent chain or -1, len = step in the path, text = detail with concrete
 *   values, data = id of the lint, source), or a single PATH fact with TW_PATH_OK;
 * PATH_CERT: the best path (num = step, aux = 1 from the store, 2 extra);
 * ALT_PATH, ALT_PATH_CERT: the same for other paths, off = number of the path from 1;
 * PATH_ADVICE: as PATH, what stricter clients refuse;
 * CHAIN: notes on the chain as sent (field = kind, num = kind, aux = place).
 * PATH facts on trust (MISSING_ISSUER, UNKNOWN_ROOT, SELF_SIGNED_LEAF) carry in text the issuer
 * that was looked for, and a FIELD fact "missing_issuer_hint" says what speaks for a known CA
 * behind it: num 2 = an anchor has the certificate's AKI or the issuer's organisation, 1 = AIA
 * caIssuers is present (text = URL), 0 = nothing.
 * @return TW_OK whatever the verdict; TW_E_NOMEM
 */
enum tw_status tw_path_explain(const struct tw_path_request *req, struct tw_trace *t,
                               uint32_t conn, uint64_t at) TW_MUST_CHECK;
/** tw_path_write_chain() from the facts of a trace: of the first connection with a path. */
bool tw_trace_write_chain(const struct tw_trace *t, struct tw_buf *pem);
/** The facts of tw_path_explain() for a result at hand. */
void tw_path_tell(const struct tw_path_request *req, const struct tw_paths *p, struct tw_trace *t,
                  uint32_t conn, uint64_t at);

#endif
