/*
 * Writes one JSON object on one line into a buffer. Small enough to be our own: it keeps member
 * order, builds no tree, and makes every byte string valid UTF-8, whatever a peer sent.
 */
#ifndef TW_JSON_WRITER_H
#define TW_JSON_WRITER_H

#include "base/base.h"

struct json {
    struct tw_buf *out;
    bool comma;         /* a value stands before in this object or array */
};

/* key NULL inside arrays. */
void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
/** NULL text gives null. */
void json_str(struct json *j, const char *key, const char *text);
void json_bytes(struct json *j, const char *key, struct tw_view text);
void json_int(struct json *j, const char *key, int64_t v);
/** Nanoseconds as milliseconds (scale 1e6) or microseconds (1e3), three decimals. */
void json_time(struct json *j, const char *key, uint64_t ns, double scale);
/** Nanoseconds as seconds with six decimals. */
void json_seconds(struct json *j, const char *key, uint64_t ns);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);

/** Length of a well-formed UTF-8 sequence at p, 0 when it is not one. n > 0. */
size_t json_utf8_len(const uint8_t *p, size_t n);

/** Member "maps": what other standards call the cause; null when none does. */
void json_maps(struct json *j, const char *id);

#endif
