/*
 * Stream bytes to records, records to handshake messages: the part that conversations and the
 * passive observer share. Holds only what is not complete yet.
 */
#ifndef TW_ASSEMBLE_H
#define TW_ASSEMBLE_H

#include "base/base.h"
#include "wire/wire.h"

/** One direction of a stream. */
struct tw_stream_in {
    struct tw_buf pend;  /* start of a record that is not whole */
    uint64_t off;        /* stream offset of the next byte that is not part of a taken record */
    bool any;            /* a whole record was taken before */
};

/** What a record-taking function says: false ends the loop (nothing more is to be read). */
typedef bool tw_take_record(void *user, enum tw_record_status st, const struct tw_record *rec);

void tw_stream_in_init(struct tw_stream_in *s);
void tw_stream_in_cleanup(struct tw_stream_in *s);
/**
 * Cuts in (after what was pending) into records. TW_REC_OK, TW_REC_SSL2: one record. NOT_TLS,
 * TOO_LONG: body is all that is there, from the first offending byte; the loop ends.
 * @return false for lack of memory
 */
bool tw_stream_in_feed(struct tw_stream_in *s, struct tw_view in, tw_take_record *take, void *user);

/** Handshake messages that go over record boundaries. */
struct tw_hs_in {
    struct tw_buf pend;
    uint64_t off; /* stream offset of pend's first byte */
};

struct tw_hs_message {
    uint8_t type;
    struct tw_view body, whole;
    uint64_t off; /* of the first byte of the header in the stream */
    size_t rest;  /* bytes that follow it in the same record */
};
typedef bool tw_take_message(void *user, const struct tw_hs_message *m);

enum tw_hs_status { TW_HS_OK, TW_HS_TOO_LONG, TW_HS_ENDED /* take said so */, TW_HS_NOMEM };

void tw_hs_in_init(struct tw_hs_in *h);
void tw_hs_in_cleanup(struct tw_hs_in *h);
/** @param off  stream offset of the first byte of content */
enum tw_hs_status tw_hs_in_feed(struct tw_hs_in *h, struct tw_view content, uint64_t off,
                                tw_take_message *take, void *user);
static inline bool tw_hs_in_partial(const struct tw_hs_in *h)
{
    return h->pend.len > 0;
}

/** Facts of an SSL 2.0 message (body without record header): FIELD ssl2_server_hello (num =
 *  version, aux = certificate bytes), ssl2_cipher (num = kind, text = name) each, or ssl2_error
 *  (num = code), ssl2_client_hello. n->version and n->cipher are not used.
 *  @return false when it is none of these: then nothing was written */
bool tw_note_ssl2(const struct tw_note *n, struct tw_view body);
/** NOT_TLS fact. */
void tw_note_not_tls(const struct tw_note *n, struct tw_view bytes);

#endif
