/*
 * The handshake engine: a value that is fed bytes and time and gives bytes and facts. It never
 * reads, writes, sleeps, looks at a clock or picks a random number by itself.
 *
 * Client role (client*.c), server role (server*.c) and passive observer (observe.c) share record
 * assembly, decoders, notes and the order table (order.c). The client role does not judge the
 * server's certificate: it keeps it, and goes on; x509/ and rules/ judge.
 */
#ifndef TW_ENGINE_H
#define TW_ENGINE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "trace/trace.h"
#include "wire/wire.h"

enum tw_role { TW_ROLE_CLIENT, TW_ROLE_SERVER };

/** Something to resume. A plain value. */
struct tw_session {
    uint16_t version, cipher;
    uint8_t secret[TW_HASH_MAX]; size_t secret_len;  /* master secret, or resumption PSK (1.3) */
    uint8_t id[32]; size_t id_len;
    uint8_t ticket[4096]; size_t ticket_len;
    uint32_t lifetime, age_add;
    uint64_t received_at;                            /* now_ns of the connection that got it */
    bool extended_master_secret;
    bool external_psk;                               /* configured PSK rather than a ticket */
};

/** Faults that the server role can be told to have; all zero = healthy. */
struct tw_faults {
    int alert_on_hello;         /* alert description + 1; 0 = none */
    int alert_level;            /* 0 = fatal */
    bool corrupt_signature;     /* CertificateVerify / ServerKeyExchange */
    bool corrupt_finished;      /* verify_data of the server's Finished */
    bool corrupt_record;        /* tag or MAC of the first protected server record */
    bool stop_after_hello;      /* never answers the ClientHello */
    bool stop_after_server_hello;
    bool alert_after_finished;  /* TLS 1.3: fatal internal_error once the client is done */
    uint16_t force_cipher;      /* selects this suite whatever was offered; 0 = no */
    uint16_t force_group;
    uint16_t force_version;
};

/** Credentials for one name, as virtual hosts have them. */
struct tw_server_site {
    const char *name;           /* "www.example.org", or with a wildcard as leftmost label */
    struct tw_credential *const *creds; size_t creds_n; /* borrowed */
};

struct tw_server_config {
    struct tw_credential *const *creds; size_t creds_n; /* borrowed; first that fits is used */
    const struct tw_server_site *sites; size_t sites_n; /* borrowed; for other names: creds */
    const char *const *names; size_t names_n;   /* names served; n = 0: any */
    bool sni_required;          /* no SNI -> fatal handshake_failure */
    bool sni_strict;            /* unknown SNI -> fatal unrecognized_name */
    struct tw_u16list versions, ciphers, groups, sigalgs;
    const char *const *alpn; size_t alpn_n;
    bool alpn_required;         /* no overlap -> no_application_protocol */
    int client_cert;            /* 0 no, 1 ask, 2 require */
    struct tw_view dh_p, dh_g;  /* for DHE; empty = ffdhe2048 */
    bool tickets;               /* issue session tickets / accept them */
    uint8_t ticket_key[32];
    const char *reply;          /* application data sent after the first client data, then
                                   close_notify; NULL = none */
    struct tw_view ocsp_response;
    struct tw_faults faults;
};

struct tw_conn_config {
    struct tw_crypto *crypto;   /* borrowed, must outlive the conversation */
    struct tw_trace *trace;     /* borrowed; facts are added for connection conn */
    uint32_t conn;
    uint64_t trace_start;       /* now_ns of the trace's zero */
    /* client */
    struct tw_hello hello;
    bool answer_only;           /* stop once the ServerHello (or HelloRetryRequest) was read: the
                                   keys of hello.raw are somebody else's */
    const struct tw_credential *client_cred;  /* or NULL */
    const struct tw_session *session;         /* to resume, or NULL */
    struct tw_view psk_identity, psk;         /* TLS 1.2 PSK suites; empty = none */
    /* server */
    const struct tw_server_config *server;
    /* both */
    bool record_secrets;        /* SECRET facts (key log) */
    size_t max_bytes;           /* handshake bytes from the peer; 0 = 1 MiB */
};

struct tw_conn;

/** NULL for lack of memory. cfg is copied but what it points to is borrowed. A client has its
 *  ClientHello ready as output at once. */
struct tw_conn *tw_conn_new(const struct tw_conn_config *cfg, enum tw_role role, uint64_t now);
void tw_conn_free(struct tw_conn *c);

/**
 * Hand bytes that arrived from the peer to the conversation.
 *
 * @param now  monotonic nanoseconds; must not go backwards
 * @param in   borrowed for the call only; may be empty; all of it is consumed
 * @return TW_OK          go on: send tw_conn_output()
 *         TW_STOPPED     nothing more will be taken; send what output is left, close
 *         TW_E_NOMEM, TW_E_LIMIT   as TW_STOPPED, and the trace may be incomplete
 *
 * A peer that breaks the protocol is no error here: it becomes facts in the trace.
 */
enum tw_status tw_conn_feed(struct tw_conn *c, uint64_t now, struct tw_view in) TW_MUST_CHECK;

/** The transport ended (FIN, RST, timeout): writes the END fact and stops.
 *  @param how  "fin", "rst", "timeout", "error", "stopped"; err is an errno for "error" */
void tw_conn_end(struct tw_conn *c, uint64_t now, const char *how, int err);

/** Bytes to send; borrowed until the next call on c. */
struct tw_view tw_conn_output(const struct tw_conn *c);
/** The driver has sent n bytes of the output. */
void tw_conn_sent(struct tw_conn *c, uint64_t now, size_t n);

enum tw_conn_state { TW_CONN_HANDSHAKING, TW_CONN_OPEN, TW_CONN_STOPPED };
enum tw_conn_state tw_conn_state(const struct tw_conn *c);
/** Negotiated ALPN protocol or "". */
const char *tw_conn_alpn(const struct tw_conn *c);
uint16_t tw_conn_version(const struct tw_conn *c);

/** The peer has sent bytes that are no TLS. They are gathered until there are 512 of them or the
 *  transport ends; a driver need not wait for more than a moment before it calls tw_conn_end(). */
bool tw_conn_not_tls(const struct tw_conn *c);

/** Queue application data; only when TW_CONN_OPEN. */
enum tw_status tw_conn_write(struct tw_conn *c, uint64_t now, struct tw_view data) TW_MUST_CHECK;
/** Application data received so far and not yet dropped (at most 64 KiB are kept). */
struct tw_view tw_conn_app_data(const struct tw_conn *c);
/** Queue close_notify. */
void tw_conn_close(struct tw_conn *c, uint64_t now);

/** The newest session that can be resumed; false when there is none (yet). */
bool tw_conn_session(const struct tw_conn *c, struct tw_session *out);

/* ---- passive observer (observe.c) ------------------------------------------------------------------ */

/** Reads both directions of somebody else's connection, without keys. Same facts as a live
 *  conversation up to where encryption starts; protected records become RECORD facts. */
struct tw_observer;
struct tw_observer *tw_observer_new(struct tw_trace *t, uint32_t conn);
void tw_observer_free(struct tw_observer *o);
enum tw_status tw_observer_feed(struct tw_observer *o, uint64_t at, enum tw_side from,
                                struct tw_view in) TW_MUST_CHECK;
void tw_observer_end(struct tw_observer *o, uint64_t at, enum tw_side from, const char *how);

/* For a driver that has records or messages already, in place of tw_observer_feed(). Bodies are
 * borrowed for the call. */

/** A whole record; rec->off is its place in the stream. What its type and the state of the
 *  conversation say decides whether it is read or only noted. */
void tw_observer_record(struct tw_observer *o, uint64_t at, enum tw_side from,
                        const struct tw_record *rec);
/** A record under keys of which only the header is at hand; body.len is its length, body.data
 *  NULL. */
void tw_observer_protected(struct tw_observer *o, uint64_t at, enum tw_side from,
                           const struct tw_record *rec);
/** A handshake message without header, put together by the driver (DTLS, QUIC). */
void tw_observer_message(struct tw_observer *o, uint64_t at, enum tw_side from, uint8_t type,
                         struct tw_view body);
/** SSL 2.0 message without record header. */
void tw_observer_ssl2(struct tw_observer *o, uint64_t at, enum tw_side from, struct tw_view body);
/** Bytes where a record should start, which start none: a NOT_TLS fact, once per direction. */
void tw_observer_not_tls(struct tw_observer *o, uint64_t at, enum tw_side from, uint64_t off,
                         struct tw_view bytes);
/** Bytes that the capture does not have: a LIMIT fact, field "capture_loss", the first time. What
 *  was waiting to become whole is dropped. */
void tw_observer_gap(struct tw_observer *o, uint64_t at, enum tw_side from, uint64_t bytes);

#endif
