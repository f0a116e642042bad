/* What the files of lab/ share: the table of faults, and the certificates made for them. */
#ifndef TW_LAB_INTERNAL_H
#define TW_LAB_INTERNAL_H

#include "crypto/crypto.h"
#include "engine/engine.h"
#include "tlswhy/tlswhy.h"

/** Credentials of the lab: one CA, one intermediate, and leaves with one thing wrong each. */
enum lab_cred {
    LAB_GOOD_EC, LAB_GOOD_RSA, LAB_GOOD_ED25519, LAB_EXPIRED, LAB_NOT_YET, LAB_SELF_SIGNED,
    LAB_PRIVATE_CA, LAB_NO_INTERMEDIATE, LAB_WRONG_NAME, LAB_WRONG_KEY_EC, LAB_WRONG_KEY_RSA,
    LAB_MUST_STAPLE, LAB_OCSP_GOOD, LAB_OCSP_REVOKED, LAB_CRL_GOOD, LAB_CRL_REVOKED,
    LAB_CRL_EXPIRED, LAB_UNREACHABLE, LAB_WITH_SCTS, LAB_AIA,
    LAB_CREDS
};

/** Credentials of faults_trust.c. */
enum lab_trust_cred {
    LAB_TRUST_NONE, LAB_TRUST_PLACEHOLDER, LAB_TRUST_PLATFORM, LAB_TRUST_DEFAULT_SITE,
    LAB_TRUST_OTHER_SITE, LAB_TRUST_PROXY, LAB_TRUST_PROXY_MINTED, LAB_TRUST_GATEWAY,
    LAB_TRUST_GATEWAY_MINTED, LAB_TRUST_ANTIVIRUS, LAB_TRUST_DISTRUSTED, LAB_TRUST_PUBLIC_ROOT,
    LAB_TRUST_BEFORE_CUTOFF, LAB_TRUST_LIKE_PUBLIC,
    LAB_TRUST_CREDS
};

/** Credentials of faults_chain.c. */
enum lab_chain_cred {
    LAB_CHAIN_NONE, LAB_CHAIN_WILDCARD, LAB_CHAIN_NO_IP, LAB_CHAIN_NO_SAN, LAB_CHAIN_CLIENT_EKU,
    LAB_CHAIN_SHA1, LAB_CHAIN_RSA1024, LAB_CHAIN_ORDER, LAB_CHAIN_WRONG_ISSUER,
    LAB_CHAIN_BAD_SIGNATURE, LAB_CHAIN_EXPIRED, LAB_CHAIN_NOT_A_CA, LAB_CHAIN_TOO_DEEP,
    LAB_CHAIN_CREDS
};

/** What the lab's CA says: stapled by its servers or served by its HTTP server. */
enum lab_body {
    LAB_BODY_NONE,
    LAB_STAPLE_GOOD, LAB_STAPLE_EXPIRED, LAB_STAPLE_OTHER, LAB_STAPLE_REVOKED, /* LAB_MUST_STAPLE */
    LAB_HTTP_OCSP_GOOD, LAB_HTTP_OCSP_REVOKED, LAB_HTTP_CRL, LAB_HTTP_CRL_EXPIRED, LAB_HTTP_CA,
    LAB_BODIES
};

struct lab_certs {
    struct tw_credential *cred[LAB_CREDS];
    struct tw_credential *trust[LAB_TRUST_CREDS];
    struct tw_credential *chain[LAB_CHAIN_CREDS];
    struct tw_buf body[LAB_BODIES];
    struct tw_buf ca_pem, log_list;           /* NUL-terminated */
};
/** @param now unix seconds: validity is laid around it
 *  @param http_port  of the lab's HTTP server, for URLs in certificates; dead_port: nobody listens
 *  @return false: libcrypto failed. */
bool lab_certs_make(struct lab_certs *c, struct tw_crypto *crypto, int64_t now, unsigned http_port,
                    unsigned dead_port);
void lab_certs_free(struct lab_certs *c);

/** How a server of the lab behaves on the transport. */
enum lab_kind {
    LAB_TLS,             /* the engine's server role */
    LAB_GREET,           /* sends bytes on connect */
    LAB_ANSWER,          /* sends bytes when something arrived, then closes */
    LAB_ANSWER_HTTP,     /* answers an HTTP request; closes on anything else */
    LAB_CLOSE, LAB_RESET,             /* on connect */
    LAB_CLOSE_ON_DATA, LAB_RESET_ON_DATA,
    LAB_SILENT,          /* accepts, reads, never answers */
    LAB_NOT_LISTENING,   /* a port on which nothing listens */
    LAB_FULL_BACKLOG,    /* SYNs are dropped */
    LAB_NO_NAME,         /* a name that does not exist (RFC 6761 6.4) */
    LAB_HTTP             /* the lab's CA: OCSP, CRLs and certificates; not a fault, not shown */
};

/** What a device or a careless server before the TLS stack makes of the first bytes (gate.c). */
enum lab_gate_on { LAB_GATE_NEVER, LAB_GATE_LARGE /* over 1400 bytes */, LAB_GATE_HYBRID_GROUP,
                   LAB_GATE_TLS13, LAB_GATE_EXT_27 /* compress_certificate */,
                   LAB_GATE_SESSION_ID /* a legacy_session_id that is not empty */,
                   LAB_GATE_NAME /* a server name within the first record */ };
enum lab_gate_does { LAB_GATE_SWALLOW, LAB_GATE_CLOSE, LAB_GATE_RESET,
                     LAB_GATE_ALERT /* illegal_parameter */ };
struct lab_gate {
    enum lab_gate_on on;
    enum lab_gate_does does;
};
bool lab_gate_hits(enum lab_gate_on on, struct tw_view first_bytes);

struct lab_fault {
    const char *name, *title, *expect, *options;
    enum lab_kind kind;
    enum lab_cred cred;
    void (*tls)(struct tw_server_config *s);  /* changes the healthy configuration */
    const char *bytes;                        /* GREET, ANSWER */
    size_t bytes_len;
    struct lab_gate gate;                     /* before the engine */
    enum lab_body staple;                     /* TLS: stapled OCSP response */
    bool warning;                             /* expect is a warning, not a cause */
    enum lab_trust_cred trust;                /* instead of cred, when not NONE */
    const char *site;                         /* for this name: */
    enum lab_trust_cred site_trust;           /* ... this one, or the good one for NONE */
    enum lab_chain_cred chain;                /* instead of cred, when not NONE */
};
/** i-th fault; NULL past the end. */
const struct lab_fault *lab_fault_at(size_t i);
/** i-th of those about certificates' status (faults_cert.c). */
const struct lab_fault *lab_fault_cert_at(size_t i);

/* ---- making certificates (certs.c) ------------------------------------------------------------ */

struct lab_issuer {
    struct tw_privkey *key;
    struct tw_buf der;
};
struct lab_maker {
    struct tw_crypto *c;
    int64_t now;
    uint64_t serial;
    struct lab_issuer root, intermediate, foreign;
    unsigned http_port, dead_port;
};
/** @param by NULL: self-signed; ski_hex NULL: the key's own */
bool lab_make_ca(struct lab_maker *m, const char *cn, const char *o, const char *ski_hex,
                 const struct lab_issuer *by, struct lab_issuer *out);
void lab_issuer_cleanup(struct tw_crypto *c, struct lab_issuer *i);
/** A leaf's specification that is right in all. */
struct tw_make_cert lab_leaf_spec(const struct lab_maker *m);
/** @param by NULL: self-signed; send_issuer: the chain has the issuer's certificate too */
struct tw_credential *lab_make_leaf(struct lab_maker *m, const struct tw_make_cert *spec,
                                    enum tw_make_key kind, const struct lab_issuer *by,
                                    bool send_issuer);
/** The same with any chain after the leaf, in the order in which it is sent. */
struct tw_credential *lab_make_chain(struct lab_maker *m, const struct tw_make_cert *spec,
                                     enum tw_make_key kind, const struct lab_issuer *by,
                                     const struct lab_issuer *const *sent, size_t sent_n);

/* ---- faults_trust.c ----------------------------------------------------------------------------- */

/** i-th fault of trust, interception and wrong certificates; NULL past the end. */
const struct lab_fault *lab_fault_trust_at(size_t i);
bool lab_trust_make(struct lab_maker *m, struct lab_certs *c);

/* ---- faults_chain.c ----------------------------------------------------------------------------- */

/** i-th fault of a certificate itself or of the chain above it; NULL past the end. */
const struct lab_fault *lab_fault_chain_at(size_t i);
bool lab_chain_make(struct lab_maker *m, struct lab_certs *c);

/* ---- status.c: certificates whose status is asked, and what the CA says about them ---------------- */

bool lab_status_make(struct lab_maker *m, struct lab_certs *c);
/** Answer of the lab's HTTP server to a request's first bytes; false: not found. */
bool lab_http_answer(const struct lab_certs *c, struct tw_view request, struct tw_buf *out);
/** A healthy server: TLS 1.2 and 1.3, current suites and groups. */
void lab_healthy_config(struct tw_server_config *s);

#endif
