/*
 * Inside the engine: the conversation as both roles see it, and what conn.c does for them.
 *
 * conn.c turns stream bytes into records, opens them, puts handshake messages together, notes
 * them, asks the order table, and calls the role. A role (client.c, server.c) says what a message
 * means and what is answered. Everything that a role sends goes through tw_conn_send*(), which
 * notes it too, so a live trace has both sides as a capture would.
 */
#ifndef TW_ENGINE_INTERNAL_H
#define TW_ENGINE_INTERNAL_H

#include "base/base.h"
#include "engine/assemble.h"
#include "engine/engine.h"
#include "engine/keys.h"
#include "engine/order.h"
#include "registry/registry.h"
#include "trace/trace.h"
#include "wire/wire.h"

struct tw_client;
struct tw_server;

/**
 * What a role does. Functions return nothing: a role that cannot go on calls tw_conn_fail() or
 * tw_conn_out_of_memory(), and conn.c looks at the state after each call.
 */
struct tw_role_ops {
    /** Called once from tw_conn_new(). The role allocates its own state from c->arena and keeps
     *  it in c->client or c->server. A client queues its ClientHello here. */
    void (*start)(struct tw_conn *c);
    /**
     * A whole handshake message of the peer. It is decodable or not: it was noted, and the order
     * table allowed it and has moved on, but nothing was added to the transcript: the role does
     * that, with tw_conn_hash(c, whole), when it wants it.
     * @param type   TW_MSG_...; a HelloRetryRequest comes as TW_MSG_HELLO_RETRY_REQUEST
     * @param whole  with the 4-byte header; both views are valid during the call only
     */
    void (*take_message)(struct tw_conn *c, uint8_t type, struct tw_view body,
                         struct tw_view whole);
    /** TLS <= 1.2 ChangeCipherSpec at a place where it is allowed: switch the read keys on
     *  (tw_conn_set_read()). The dummy of TLS 1.3 does not come here. */
    void (*take_ccs)(struct tw_conn *c);
    /** Application data of one record, after noting; NULL = nothing to do. */
    void (*take_app_data)(struct tw_conn *c, struct tw_view data);
    /** Release what is not in the arena (kex, public keys). */
    void (*cleanup)(struct tw_conn *c);
};
extern const struct tw_role_ops tw_client_role; /* client.c */
extern const struct tw_role_ops tw_server_role; /* server.c */

struct tw_conn {
    struct tw_conn_config cfg; /* our copy; the client changes cfg.hello after HelloRetryRequest */
    struct tw_crypto *crypto;
    struct tw_arena *arena;    /* lives as long as the conversation */
    enum tw_role role;
    const struct tw_role_ops *ops;
    enum tw_side us, peer;
    enum tw_conn_state state;
    enum tw_status broken;     /* TW_OK, or why *we* had to stop: TW_E_NOMEM, TW_E_LIMIT */
    uint64_t now;

    /* in */
    struct tw_stream_in in;    /* bytes that do not make a whole record yet */
    struct tw_hs_in hs;        /* handshake bytes that do not make a whole message yet */
    struct tw_buf plain;       /* content of the record that is being looked at */
    size_t hs_rest;            /* bytes behind the present message in its record */
    size_t hs_bytes;           /* handshake bytes from the peer so far */
    unsigned messages;         /* handshake messages from the peer */
    unsigned key_updates;      /* since the last application data */
    unsigned idle_records;     /* records in a row that moved nothing: empty, CCS, warnings */
    size_t early_skip;         /* server: bytes of early data that may still be skipped because
                                  they cannot be opened (RFC 8446 4.2.10); set by the role */
    bool not_tls;              /* the peer's bytes are no TLS; they are gathered in plain */
    uint64_t not_tls_off;
    bool deaf;                 /* nothing more is read, not even alerts */
    bool ccs_received, mac_noted, peer_closed, end_noted;

    /* out */
    struct tw_buf out;         /* records, ready to be sent */
    struct tw_buf hs_out;      /* handshake messages that wait for tw_conn_flush() */
    uint64_t out_off;          /* stream offset of out.data[0] */
    uint16_t record_version;   /* in the headers of our records */
    bool alert_sent, close_sent, ccs_sent;

    /* handshake */
    struct tw_order order;
    struct tw_order_facts facts; /* roles keep it current; see tw_conn_choose_suite() */
    struct tw_transcript transcript;
    struct tw_protect *read, *write;       /* NULL = plaintext */
    struct tw_protect *next_read, *next_write; /* <= 1.2: made with the keys, on after CCS */
    uint16_t version;          /* negotiated; 0 before */
    const struct tw_suite *suite;
    enum tw_hash_id hash;      /* of transcript and PRF/HKDF */
    uint8_t client_random[32], server_random[32];
    bool ems, etm, resumed, secure_renegotiation;
    char alpn[256];
    struct tw_schedule13 ks;   /* 1.3 */
    struct tw_keys12 k12;      /* <= 1.2 */
    uint8_t client_finished[TW_HASH_MAX]; size_t client_finished_len;
    struct tw_session session; /* newest that can be resumed */
    bool have_session;

    /* application data */
    struct tw_buf app;
    size_t app_noted_in, app_noted_out;

    struct tw_client *client;  /* role state, in the arena */
    struct tw_server *server;
};

/* ---- facts -------------------------------------------------------------------------------------- */

/** Adds a fact of this connection: conn and at are filled in, from too when it is TW_NOBODY and
 *  the kind is about somebody (= the peer). */
void tw_conn_fact(struct tw_conn *c, struct tw_fact f);
/** Where a message was seen, for the note functions of wire/. */
struct tw_note tw_conn_note(struct tw_conn *c, enum tw_side from, bool protected_, uint64_t off);
/** APP_DATA fact while the first 1024 bytes of that side are not noted yet. */
void tw_conn_note_app(struct tw_conn *c, enum tw_side from, struct tw_view data);
/** CHECK fact about the peer: field as in trace.h. */
void tw_conn_check(struct tw_conn *c, const char *field, bool good, const char *text);
/** NEGOTIATED fact that the notes cannot know. */
void tw_conn_negotiated(struct tw_conn *c, const char *field, int64_t num, const char *text);
/** SECRET fact (key log line), when asked for. */
void tw_conn_secret(struct tw_conn *c, const char *label, struct tw_view secret);

/* ---- stopping ------------------------------------------------------------------------------------ */

/**
 * We will not go on: LOCAL fact (num = alert or -1, aux = value, from = us), our fatal alert with
 * its ALERT fact, state TW_CONN_STOPPED. Only the first call of a conversation counts.
 * @param alert  description, or -1 to send none
 */
void tw_conn_fail(struct tw_conn *c, int alert, const char *field, int64_t value,
                  const char *text);
/** As tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", ...) with the reader's failure. */
void tw_conn_fail_decode(struct tw_conn *c, uint8_t msg, const struct tw_reader *r);
/** Memory or libcrypto gave out. */
void tw_conn_break(struct tw_conn *c, enum tw_status st);
static inline bool tw_conn_stopped(const struct tw_conn *c)
{
    return c->state == TW_CONN_STOPPED;
}

/* ---- sending ------------------------------------------------------------------------------------- */

/** One whole handshake message (with header): noted, order table moved, added to the transcript
 *  (unless the handshake is complete, or it is a HelloRequest), queued for the next record. */
void tw_conn_send(struct tw_conn *c, struct tw_view whole);
/** Queued messages become records under the present write keys. Done by itself before a CCS, an
 *  alert, a key change, application data, and at the end of tw_conn_feed(). */
void tw_conn_flush(struct tw_conn *c);
/** ChangeCipherSpec record in clear, with its fact. <= 1.2: the caller sets the write keys next. */
void tw_conn_send_ccs(struct tw_conn *c);
/** Alert with its fact; does not change the state. */
void tw_conn_send_alert(struct tw_conn *c, uint8_t level, uint8_t description);
/** Application data, without looking at the state. */
void tw_conn_send_app(struct tw_conn *c, struct tw_view data);

/* ---- keys ---------------------------------------------------------------------------------------- */

/** Takes ownership of p; NULL breaks the conversation (TW_E_CRYPTO). */
void tw_conn_set_write(struct tw_conn *c, struct tw_protect *p);
/** As above; also checks that no part of a message is left over from the old keys (RFC 8446 5.1),
 *  which is a failure of the peer. */
void tw_conn_set_read(struct tw_conn *c, struct tw_protect *p);
bool tw_conn_hash(struct tw_conn *c, struct tw_view whole);
/** Transcript hash so far as a view into out; empty after a failure (the conversation is broken
 *  then). */
struct tw_view tw_conn_digest_now(struct tw_conn *c, uint8_t out[TW_HASH_MAX]);

/* ---- negotiation ----------------------------------------------------------------------------------- */

/** Sets version, suite, hash, facts.version and the facts that follow from the suite (which
 *  messages must come), and starts the transcript hash. */
void tw_conn_choose(struct tw_conn *c, uint16_t version, const struct tw_suite *suite);
/** Both Finished are verified: COMPLETE fact, state TW_CONN_OPEN. */
void tw_conn_complete(struct tw_conn *c);

#endif
