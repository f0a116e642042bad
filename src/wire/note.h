/* Inside of wire/: how notes are written. note.c has the helpers, note_*.c one family each. */
#ifndef TW_WIRE_NOTE_H
#define TW_WIRE_NOTE_H

#include "wire/wire.h"

/** One message that is being noted. */
struct tw_noter {
    const struct tw_note *n;
    uint8_t msg;         /* as in facts: HelloRetryRequest has its own */
    struct tw_view body; /* of the message; byte ranges of facts are offsets into it */
    uint16_t version;    /* by which the message is read */
    int64_t place;       /* aux of the facts: index of the CertificateEntry; else 0 */
    const char *source;  /* RFC section of the message */
};

/** Items of one list that are noted; beyond it a LIMIT fact says so. */
enum { TW_NOTE_MAX_ITEMS = 64 };

/** FIELD with a number; at = the bytes it was read from (may be outside of the body: no range). */
void tw_note_num(const struct tw_noter *k, const char *field, uint64_t num, struct tw_view at,
                 const char *text);
/** FIELD with bytes, and a number beside them. */
void tw_note_data(const struct tw_noter *k, const char *field, struct tw_view data, uint64_t num,
                  const char *text);
/** FIELD whose value is text from the peer; kept as data too, text has control bytes replaced. */
void tw_note_text(const struct tw_noter *k, const char *field, struct tw_view v);
void tw_note_negotiated(const struct tw_noter *k, const char *field, uint64_t num,
                        const char *text);
/** MALFORMED from a reader that failed; off is its offset plus where its data starts in the body. */
void tw_note_malformed(const struct tw_noter *k, const struct tw_reader *r);
void tw_note_limit(const struct tw_noter *k, const char *field);
/** FIELD extension for each extension, then what it holds. */
void tw_note_extensions(const struct tw_noter *k, struct tw_view block, unsigned in);
/** Printable copy of bytes from the peer; never NULL, cut to cap. */
const char *tw_note_printable(struct tw_view v, char *buf, size_t cap);

/* Message families (note_hello.c, note_cert.c, note_kx.c). */
void tw_note_client_hello(struct tw_noter *k);
void tw_note_server_hello(struct tw_noter *k);
void tw_note_encrypted_extensions(struct tw_noter *k);
void tw_note_new_session_ticket(struct tw_noter *k);
void tw_note_certificate(struct tw_noter *k);
void tw_note_compressed_certificate(struct tw_noter *k);
void tw_note_certificate_request(struct tw_noter *k);
void tw_note_certificate_status(struct tw_noter *k);
void tw_note_certificate_verify(struct tw_noter *k);
void tw_note_server_key_exchange(struct tw_noter *k);
void tw_note_client_key_exchange(struct tw_noter *k);
void tw_note_finished(struct tw_noter *k);
void tw_note_key_update(struct tw_noter *k);
void tw_note_empty(struct tw_noter *k);

#endif
