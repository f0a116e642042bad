/*
 * What is said before TLS: STARTTLS of mail, directory, chat and database protocols, and the
 * requests that open a tunnel through a proxy. Pure: bytes in, bytes and facts out.
 *
 * A dialogue ends READY (TLS starts with the next byte), REFUSED (the peer speaks the protocol but
 * does not go on to TLS) or NOT_SPOKEN (it speaks something else). What was said is kept as
 * DIALOGUE facts either way; rules/ judges.
 */
#ifndef TW_DIALOGUE_H
#define TW_DIALOGUE_H

#include "base/base.h"
#include "trace/trace.h"

enum tw_dialogue_state {
    TW_DIALOGUE_GOING_ON,
    TW_DIALOGUE_READY,
    TW_DIALOGUE_REFUSED,
    TW_DIALOGUE_NOT_SPOKEN
};

struct tw_dialogue;
struct tw_protocol;

/** What a dialogue may have to name. Borrowed for the life of the dialogue. */
struct tw_dialogue_config {
    const struct tw_protocol *protocol;
    const char *host;           /* server's name: XMPP "to", CONNECT and SOCKS destination */
    unsigned port;              /* destination behind a proxy */
    const char *user, *password; /* for a proxy; NULL when there is none */
    struct tw_trace *trace;
    uint32_t conn;
    uint64_t trace_start;       /* now_ns of the trace's zero */
};

/** By the name used in schemes and --starttls: "smtp", "xmpp-server" ...; NULL when unknown. */
const struct tw_protocol *tw_protocol_by_name(const char *name);
/** i-th protocol, NULL past the end; proxies come last. */
const struct tw_protocol *tw_protocol_at(size_t i);
const char *tw_protocol_name(const struct tw_protocol *p);    /* "smtp" */
const char *tw_protocol_title(const struct tw_protocol *p);   /* "SMTP" */
/** Its word for the upgrade: "STARTTLS", "STLS", "AUTH TLS", "SSLRequest" ... */
const char *tw_protocol_upgrade(const struct tw_protocol *p);
/** Registered port of the plain protocol, and of its twin with TLS from the first byte (0: none). */
unsigned tw_protocol_port(const struct tw_protocol *p);
unsigned tw_protocol_tls_port(const struct tw_protocol *p);
bool tw_protocol_is_proxy(const struct tw_protocol *p);
bool tw_protocol_is_database(const struct tw_protocol *p);

/** NULL for lack of memory. What the client says first is ready as output. */
struct tw_dialogue *tw_dialogue_new(const struct tw_dialogue_config *cfg, uint64_t now);
void tw_dialogue_free(struct tw_dialogue *d);

/**
 * Bytes that arrived. Up to 64 KiB are kept; a peer that says more without coming to an end has
 * NOT_SPOKEN.
 * @param used  how many bytes belong to the dialogue; what follows is TLS (only when READY)
 */
enum tw_dialogue_state tw_dialogue_feed(struct tw_dialogue *d, uint64_t now, struct tw_view in,
                                        size_t *used);
/** The transport ended, or time is up ("fin", "rst", "timeout", "error"). */
enum tw_dialogue_state tw_dialogue_end(struct tw_dialogue *d, uint64_t now, const char *how);

/** Bytes to send; borrowed until the next call on d. All are taken as sent by tw_dialogue_sent(). */
struct tw_view tw_dialogue_output(const struct tw_dialogue *d);
void tw_dialogue_sent(struct tw_dialogue *d);

/*
 * TDS carries the handshake inside its own packets (MS-TDS 2.2.6.5); every other protocol is
 * transparent. wrap: TLS bytes -> what goes on the wire; unwrap: the other way, false when the
 * framing is broken. The framing ends with the handshake: call tw_dialogue_unframed() then.
 */
bool tw_dialogue_framed(const struct tw_dialogue *d);
void tw_dialogue_wrap(struct tw_dialogue *d, struct tw_view tls, struct tw_buf *wire);
bool tw_dialogue_unwrap(struct tw_dialogue *d, struct tw_view wire, struct tw_buf *tls);
void tw_dialogue_unframed(struct tw_dialogue *d);

#endif
