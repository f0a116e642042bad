/*
 * An HTTP/1.x response read piece by piece (RFC 9112), for downloads of a few kinds of small files.
 * Pure and bounded: it keeps status, Location, Date and at most max_body bytes.
 */
#ifndef TW_HTTP_REPLY_H
#define TW_HTTP_REPLY_H

#include "base/base.h"

enum tw_reply_state { TW_REPLY_MORE, TW_REPLY_DONE, TW_REPLY_BAD, TW_REPLY_TOO_LARGE };

enum { TW_REPLY_MAX_HEAD = 16384, TW_REPLY_MAX_LOCATION = 1024 };

struct tw_http_reply {
    struct tw_buf head, body;    /* head: header lines not yet read */
    enum tw_reply_state state;
    int stage;                   /* what the next bytes are; see http_reply.c */
    int status;                  /* 0 until the status line was read */
    bool has_length, chunked;
    uint64_t left;               /* of the body or the chunk */
    char location[TW_REPLY_MAX_LOCATION];
    int64_t date;                /* unix seconds; -1 none */
    bool aged;                   /* with an Age header: from a cache */
};
/** @param max_body  a larger body ends in TW_REPLY_TOO_LARGE */
void tw_http_reply_init(struct tw_http_reply *r, size_t max_body);
void tw_http_reply_cleanup(struct tw_http_reply *r);
enum tw_reply_state tw_http_reply_feed(struct tw_http_reply *r, struct tw_view in);
/** The peer closed: a body without length is complete now; anything else was cut off (BAD). */
enum tw_reply_state tw_http_reply_end(struct tw_http_reply *r);

/** "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7, the form in use) to unix seconds. */
bool tw_http_date(struct tw_view v, int64_t *out);

#endif
