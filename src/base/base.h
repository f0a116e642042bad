/*
 * The floor everything stands on: status values, views, bounded reader and writer, arena.
 * Knows nothing of TLS. Every file of the project includes this header first.
 */
#ifndef TW_BASE_H
#define TW_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#if defined(__GNUC__)
#define TW_MUST_CHECK __attribute__((warn_unused_result))
#define TW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define TW_MUST_CHECK
#define TW_PRINTF(fmt, args)
#endif

#define TW_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** How *we* fared. What a peer did is never a status; it is a fact in the trace. */
#define TW_STATUS_LIST(X)                                                                          \
    X(TW_OK, "ok")                                                                                 \
    X(TW_NEED_INPUT, "needs more bytes from the peer")                                             \
    X(TW_STOPPED, "the conversation ended; the trace says why")                                    \
    X(TW_E_NOMEM, "out of memory")                                                                 \
    X(TW_E_LIMIT, "a configured limit was reached")                                                \
    X(TW_E_USAGE, "the call or the command line is wrong")                                         \
    X(TW_E_INPUT, "the input cannot be read")                                                      \
    X(TW_E_IO, "the operating system refused")                                                     \
    X(TW_E_CRYPTO, "libcrypto failed")                                                             \
    X(TW_E_UNSUPPORTED, "not available in this build or on this machine")

enum tw_status {
#define X(id, text) id,
    TW_STATUS_LIST(X)
#undef X
};

/** Text of a status; static, never NULL. */
const char *tw_status_text(enum tw_status st);

/* ---- views ------------------------------------------------------------------------------- */

/** Borrowed bytes. Whoever hands one out says what it borrows from and until when. */
struct tw_view {
    const uint8_t *data;
    size_t len;
};

static inline struct tw_view tw_view_of(const void *data, size_t len)
{
    return (struct tw_view){(const uint8_t *)data, len};
}

/** View of a C string without its NUL; empty for NULL. */
static inline struct tw_view tw_view_str(const char *s)
{
    return (struct tw_view){(const uint8_t *)s, s == NULL ? 0 : strlen(s)};
}

static inline bool tw_view_eq(struct tw_view a, struct tw_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** Bytes [off, off+len) of v, cut to what v holds. */
struct tw_view tw_view_sub(struct tw_view v, size_t off, size_t len);
/** ASCII case-insensitive comparison of a view with a C string. */
bool tw_view_ieq(struct tw_view v, const char *s);

/* ---- arena ------------------------------------------------------------------------------- */

/** Memory that is released all at once. Not thread-safe; one per conversation or diagnosis. */
struct tw_arena;

/** @param max_bytes what may be handed out in total; later requests give NULL. */
struct tw_arena *tw_arena_new(size_t max_bytes);
/** Wipes and releases everything. NULL is fine. */
void tw_arena_free(struct tw_arena *a);
/** Zeroed, aligned for any type; NULL for lack of memory or over the limit. */
void *tw_arena_alloc(struct tw_arena *a, size_t n);
/** Copy of bytes; a view with data NULL means failure (an empty copy has non-NULL data). */
struct tw_view tw_arena_copy(struct tw_arena *a, struct tw_view v);
/** NUL-terminated copy of a view or string; NULL for lack of memory (or for NULL). */
char *tw_arena_text(struct tw_arena *a, struct tw_view v);
char *tw_arena_str(struct tw_arena *a, const char *s);
char *tw_arena_printf(struct tw_arena *a, const char *fmt, ...) TW_PRINTF(2, 3);
/** Bytes handed out so far. */
size_t tw_arena_used(const struct tw_arena *a);

/* ---- reader ------------------------------------------------------------------------------ */

/**
 * A cursor over borrowed bytes that remembers its first failure. After a failure reads give
 * zeros and empty views and tw_rd_more() is false, so decoders need one check, at the end.
 * pos and end are indices into data: a sub-reader shares data, so its offsets are those of the
 * whole message.
 */
struct tw_reader {
    const uint8_t *data;
    size_t pos, end;
    const char *fail_field; /* NULL while all went well; static text */
    size_t fail_at;         /* offset at which the failed field started */
};

struct tw_reader tw_rd_of(struct tw_view v);
static inline bool tw_rd_ok(const struct tw_reader *r)
{
    return r->fail_field == NULL;
}
static inline size_t tw_rd_left(const struct tw_reader *r)
{
    return r->fail_field == NULL ? r->end - r->pos : 0;
}
/** True while unread bytes are left and nothing failed. */
static inline bool tw_rd_more(const struct tw_reader *r)
{
    return tw_rd_left(r) > 0;
}
/** Record a failure of the named field at the current position, if it is the first. */
void tw_rd_fail(struct tw_reader *r, const char *field);
/** Big-endian unsigned integer of 1..8 bytes. */
uint64_t tw_rd_uint(struct tw_reader *r, size_t n, const char *field);
static inline uint8_t tw_rd_u8(struct tw_reader *r, const char *field)
{
    return (uint8_t)tw_rd_uint(r, 1, field);
}
static inline uint16_t tw_rd_u16(struct tw_reader *r, const char *field)
{
    return (uint16_t)tw_rd_uint(r, 2, field);
}
struct tw_view tw_rd_bytes(struct tw_reader *r, size_t n, const char *field);
/** Vector with a length of 1, 2 or 3 bytes in front. */
struct tw_view tw_rd_vec(struct tw_reader *r, size_t len_bytes, const char *field);
/** As tw_rd_vec, but gives a reader over the vector; offsets stay those of the message. */
struct tw_reader tw_rd_sub(struct tw_reader *r, size_t len_bytes, const char *field);
/** All bytes that are left. */
struct tw_view tw_rd_rest(struct tw_reader *r);
/** True when nothing failed and nothing is left; else records "trailing bytes" under what. */
bool tw_rd_end(struct tw_reader *r, const char *what);

/* ---- growing buffer and writer ------------------------------------------------------------ */

/** Owned bytes with a maximum. All-zero with a max set later is a valid empty buffer. */
struct tw_buf {
    uint8_t *data;
    size_t len, cap, max;
    bool failed; /* sticky: memory or max */
};

void tw_buf_init(struct tw_buf *b, size_t max);
/** Wipes and releases; leaves an empty buffer with the same max. */
void tw_buf_cleanup(struct tw_buf *b);
/** Appends; false (and failed) when memory or max says no. */
bool tw_buf_add(struct tw_buf *b, const void *p, size_t n);
/** n bytes at the end to be filled by the caller; NULL as for tw_buf_add. */
uint8_t *tw_buf_grow(struct tw_buf *b, size_t n);
/** Drops the first n bytes. */
void tw_buf_drop(struct tw_buf *b, size_t n);
static inline struct tw_view tw_buf_view(const struct tw_buf *b)
{
    return (struct tw_view){b->data, b->len};
}

/** Wire writer: the mirror of the reader, over a tw_buf whose failure is sticky. */
void tw_wr_uint(struct tw_buf *b, size_t n, uint64_t v);
static inline void tw_wr_u8(struct tw_buf *b, unsigned v)
{
    tw_wr_uint(b, 1, v);
}
static inline void tw_wr_u16(struct tw_buf *b, unsigned v)
{
    tw_wr_uint(b, 2, v);
}
void tw_wr_bytes(struct tw_buf *b, struct tw_view v);
/** Length-prefixed vector. */
void tw_wr_vec(struct tw_buf *b, size_t len_bytes, struct tw_view v);
/** Opens a length-prefixed body; hand the mark to tw_wr_close(), which fills in the length. */
size_t tw_wr_open(struct tw_buf *b, size_t len_bytes);
void tw_wr_close(struct tw_buf *b, size_t mark, size_t len_bytes);

/** Text into a buffer (no NUL). */
void tw_buf_printf(struct tw_buf *b, const char *fmt, ...) TW_PRINTF(2, 3);
void tw_buf_str(struct tw_buf *b, const char *s);

/* ---- small things -------------------------------------------------------------------------- */

/** Overwrites memory in a way the compiler keeps. */
void tw_wipe(void *p, size_t n);
/** Lower-case hex of v into the arena. */
char *tw_hex(struct tw_arena *a, struct tw_view v);
/** Hex text to bytes; false on odd length or a non-hex character. out holds strlen/2 bytes. */
bool tw_unhex(const char *s, uint8_t *out, size_t cap, size_t *len);
/** Copies with truncation and NUL; returns false when it had to cut. cap > 0. */
bool tw_copy_str(char *dst, size_t cap, const char *src);

#endif
