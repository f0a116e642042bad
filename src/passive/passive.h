/*
 * TLS as a bystander sees it: flows of a capture, without keys. Frames and their times go in;
 * one struct tw_flow for each TLS, DTLS or QUIC connection comes out when it ends.
 *
 * A handshake that went well costs little: its messages are glanced at (glance.c), and what was
 * kept is dropped once it is done. Of one that did not, the records are kept, and retrace.c
 * makes the trace of them that a live vantage would have written; the rules judge that.
 */
#ifndef TW_PASSIVE_H
#define TW_PASSIVE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "stream/stream.h"
#include "trace/trace.h"
#include "wire/wire.h"

enum tw_flow_kind { TW_FLOW_TLS, TW_FLOW_DTLS, TW_FLOW_QUIC };
enum tw_flow_how { TW_HOW_CAPTURE_END, TW_HOW_FIN, TW_HOW_RST, TW_HOW_TIMEOUT, TW_HOW_EVICTED };
/** "capture_end", "fin", "rst", "timeout"; an evicted flow ends as by timeout. */
const char *tw_flow_how_name(enum tw_flow_how h);

enum { TW_FLOW_ALERTS = 8, TW_FLOW_SNI = 255, TW_FLOW_LIST = 24 };

/** Is the handshake complete? */
enum tw_complete { TW_COMPLETE_UNKNOWN, TW_COMPLETE_YES, TW_COMPLETE_NO };

struct tw_flow_alert {
    uint8_t from;          /* 0, 1: direction, as in struct tw_flow */
    uint8_t level, description;
    bool encrypted;        /* level and description are not known */
    bool inferred;         /* TLS 1.3: by its size */
};

/** One direction as far as it was looked at. Direction 0 is from `end[0]` to `end[1]`. */
struct tw_glance_dir {
    struct tw_buf rec;          /* start of a plain record that is not whole */
    struct tw_buf hs;           /* start of a handshake message that is not whole */
    uint8_t head[5], head_n;
    uint8_t mode;               /* enum mode in glance.c */
    uint8_t type, alert[2], alert_n;
    bool plain;                 /* the record's body is looked at */
    bool protected_, ccs, finished_early, gap, not_tls;
    uint32_t left, rec_len;
    uint32_t hunted, records, app_records, encrypted_alerts;
    uint32_t first_protected;   /* length of the first protected record; 0 none */
    uint32_t last_protected;
    uint32_t after_done;        /* protected records since the handshake was complete */
    uint64_t off;               /* in the stream, of the next byte */
    uint64_t last_at;
};

/** What a look at both directions has told. */
struct tw_glance {
    struct tw_glance_dir dir[2];
    int8_t client;              /* direction that the ClientHello came from; -1 not known */
    bool tls;                   /* something of TLS was seen */
    bool client_hello, server_hello, hello_retry, cert_request, resumed, preamble, done;
    bool server_not_tls, client_not_tls, mid_stream, ech, refused;
    uint8_t hellos;
    uint16_t version, cipher, group;   /* of the ServerHello */
    uint16_t offered_version;          /* legacy_version of the ClientHello */
    uint16_t server_certs, client_certs;
    uint8_t alerts_n;
    struct tw_flow_alert alerts[TW_FLOW_ALERTS];
    uint8_t session_len, session[32];
    char *sni;                  /* NULL none; malloc'ed */
    char alpn[32];              /* the server's choice */
    bool has_ja;
    uint8_t ja3[16];
    char ja4[40], ja4s[32];
    uint64_t hello_at, answer_at, complete_at;
};

struct tw_quic;
struct tw_dtls;

/** A connection. Borrowed by the callback; what is not said to be is internal to the folder. */
struct tw_flow {
    struct tw_endpoint end[2];
    uint32_t hash;
    uint8_t proto;
    enum tw_flow_kind kind;
    uint32_t n;                 /* 1, 2, ... in order of their first packet among TLS flows; given
                                   when TLS was first seen */
    uint64_t start, last;       /* unix time in nanoseconds */
    enum tw_flow_how how;
    int8_t syn_from, closed_from;   /* direction; -1 not seen / not closed */
    bool syn_seen, boring, over, reported;
    uint8_t fins;               /* bit 0, 1: direction */
    uint32_t isn[2];
    struct tw_tcp_dir tcp[2];
    uint32_t packets, lost_bytes, retransmitted;
    struct tw_glance *glance;
    struct tw_quic *quic;
    struct tw_dtls *dtls;
    struct tw_log_block *log, *log_last; /* records that were kept, see log.c */
    uint32_t log_blocks;
    bool log_full, settled;
    uint64_t over_at;
    struct tw_flow *chain;      /* in the table */
    struct tw_flow *older, *newer; /* by last packet */
    struct tw_flow *over_next, *over_before;
    struct tw_flow *log_older, *log_newer; /* among those with a log, by its start */
    bool queued, logged;
    size_t accounted;           /* bytes that the total knows of */
};

/** Direction of the client: by ClientHello, else SYN, else ports. */
int tw_flow_client(const struct tw_flow *f);
enum tw_complete tw_flow_complete(const struct tw_flow *f);
/** What can be said of the handshake without looking for causes. */
enum tw_flow_outcome { TW_FLOW_OK, TW_FLOW_FAILED, TW_FLOW_UNKNOWN };
enum tw_flow_outcome tw_flow_outcome(const struct tw_flow *f);
/** "TLS1.2", "TLS1.3-draft19", "DTLS1.0", "SSLv3"; NULL when not known. */
const char *tw_flow_version(const struct tw_flow *f, char *buf, size_t cap);
/** TLS 1.3: this direction sent, in place of its part of the handshake, a record of the size that
 *  only an alert has: the client as its first one, the server as its only one since the client
 *  was done. */
bool tw_flow_inferred_alert(const struct tw_flow *f, int dir);

/** Called once per flow that has TLS in it, when it ended. */
typedef void tw_flow_fn(void *user, struct tw_flow *f);

struct tw_passive_config {
    struct tw_crypto *crypto;   /* borrowed; for QUIC and fingerprints */
    uint64_t seed;              /* of the flow table's hash; from a random source */
    bool fingerprints;          /* JA3, JA4, JA4S */
    bool keep_all;              /* keep the records of healthy flows too */
    bool keep_protected;        /* keep the bodies of protected records (key log) */
    size_t max_bytes;           /* of everything that flows hold; 0 = 176 MiB */
    size_t max_flows;           /* 0 = 1,000,000 */
    tw_flow_fn *done;
    void *user;
};

struct tw_passive_stats {
    uint64_t frames, bytes, undecoded, fragments, tcp, udp, flows, tls_flows, evicted, shed,
        lost_bytes;
};

struct tw_passive;
/** NULL for lack of memory. cfg is copied. */
struct tw_passive *tw_passive_new(const struct tw_passive_config *cfg);
/** Flows that are still there are dropped without a word. */
void tw_passive_free(struct tw_passive *p);
/** One frame. @param at unix time in nanoseconds; may go backwards between frames
 *  @param wire_len  as for tw_packet_decode() */
void tw_passive_frame(struct tw_passive *p, uint64_t at, int linktype, struct tw_view frame,
                      size_t wire_len);
/** The capture is over: all flows that are left end here. */
void tw_passive_end(struct tw_passive *p);
const struct tw_passive_stats *tw_passive_stats(const struct tw_passive *p);

/**
 * Writes the facts of a flow (conn 1) as a live vantage would have, from the records that were
 * kept, and settings: host, port, server_name, wall_time (that of the capture), input.
 */
void tw_flow_retrace(const struct tw_flow *f, const char *input, struct tw_trace *t);

#endif
