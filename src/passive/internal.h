/* Inside of passive/: the parts of a flow's life. */
#ifndef TW_PASSIVE_INTERNAL_H
#define TW_PASSIVE_INTERNAL_H

#include "passive/passive.h"

/* ---- the log of a flow: what retrace.c makes facts of --------------------------------------- */

enum log_kind { LOG_RECORD, LOG_PROTECTED, LOG_NOT_TLS, LOG_SSL2, LOG_GAP, LOG_MESSAGE, LOG_ALERT,
                LOG_CCS, LOG_TEXT, LOG_OVERFLOW };
struct log_entry {
    uint64_t at, off;   /* off: of the record in its stream */
    uint32_t len;       /* of the bytes that follow this entry */
    uint32_t size;      /* PROTECTED, GAP: bytes on the wire; MESSAGE: type */
    uint16_t version;
    uint8_t kind, dir, type, pad;
};
enum { LOG_BLOCKS_MAX = 192, LOG_BLOCK = 1024 };

/** A piece of a log; entries go on from one to the next. */
struct tw_log_block {
    struct tw_log_block *next;
    uint32_t len;
    uint8_t data[LOG_BLOCK - sizeof(void *) - sizeof(uint32_t) - 4];
};
/** Blocks that are not in use, so that logs of all flows share the same memory. */
struct log_pool {
    struct tw_log_block *spare;
};

struct watch {          /* what glance.c needs besides the flow */
    struct tw_crypto *crypto;
    const struct tw_passive_config *cfg;
    struct tw_flow *f;
    uint64_t at;
    uint32_t *next_n;   /* number for the next TLS flow */
    struct log_pool *pool;
};

/* log.c */
void log_pool_free(struct log_pool *p);
/** Gives the blocks of a flow's log back. */
void log_drop(struct log_pool *p, struct tw_flow *f);
/** All of it in one piece. */
void log_copy(const struct tw_flow *f, struct tw_buf *out);
void log_add(const struct watch *w, int dir, struct log_entry e, struct tw_view bytes);

/* glance.c */
struct tw_glance *glance_new(void);
void glance_free(struct tw_glance *g);
void glance_bytes(const struct watch *w, int dir, struct tw_view in);
void glance_gap(const struct watch *w, int dir, size_t n);
/** A handshake message that was put together elsewhere (DTLS, QUIC); body without header. */
void glance_message(const struct watch *w, int dir, uint8_t type, struct tw_view body);
void glance_alert(const struct watch *w, int dir, struct tw_view body, bool encrypted);
void glance_ccs(const struct watch *w, int dir);
void glance_protected(const struct watch *w, int dir, uint8_t type, uint16_t version, size_t len);
/** TLS was seen in the flow. */
void glance_found(const struct watch *w);
/** Drops buffers that only a handshake needs. */
void glance_settle(const struct watch *w);

/* outcome.c */
bool glance_is_tls13(uint16_t version);
bool glance_alert_sized(uint32_t len);

/* fingerprint.c */
void fingerprint_client(struct tw_crypto *c, struct tw_glance *g, char proto,
                        const struct tw_client_hello *m);
void fingerprint_server(struct tw_crypto *c, struct tw_glance *g, char proto,
                        const struct tw_server_hello *m);

/* dtls.c */
bool dtls_plausible(struct tw_view datagram);
void dtls_datagram(const struct watch *w, int dir, struct tw_view in);
void dtls_free(struct tw_dtls *d);

/* quic.c */
/** missing: bytes of the datagram that were not captured. */
bool quic_plausible(struct tw_view datagram, size_t missing);
/** False when the datagram starts another connection between the same ends. */
bool quic_datagram(const struct watch *w, int dir, struct tw_view in, size_t missing);
void quic_free(struct tw_quic *q);
bool quic_one_rtt(const struct tw_quic *q, int dir);
uint32_t quic_version(const struct tw_quic *q);

#endif
