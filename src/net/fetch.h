/*
 * Downloads over plain HTTP, on the loop that the rest of the diagnosis runs on: OCSP responses,
 * CRLs and issuers' certificates are signed, so their transport needs no TLS (RFC 5280 4.2.1.13,
 * 8), and asking over TLS would ask the same questions again. Bounded in size, time and redirects.
 */
#ifndef TW_FETCH_H
#define TW_FETCH_H

#include "net/net.h"
#include "trace/trace.h"

enum { TW_FETCH_MAX_REDIRECTS = 3 };

struct tw_fetch_request {
    const char *url;                 /* http:// only */
    const char *content_type;        /* with post: a POST; NULL: a GET */
    struct tw_view post;
    size_t max_body;
    uint64_t timeout_ms;             /* for all of it, redirects included */
};
struct tw_fetch_result {
    enum tw_fetch_end end;
    int http_status;                 /* 0 when none came */
    int err;                         /* errno of TW_FETCH_CONNECT, TW_FETCH_BROKEN; else 0 */
    struct tw_view body;             /* borrowed for the call */
};
typedef void tw_fetch_fn(void *user, const struct tw_fetch_result *r);

struct tw_fetch;
/**
 * Starts a download; what the request points to is copied.
 * @param cb  called exactly once, from the loop, never before this returns; not after tw_fetch_stop
 * @return NULL for lack of memory
 */
struct tw_fetch *tw_fetch_start(struct tw_net *n, const struct tw_fetch_request *req,
                                tw_fetch_fn *cb, void *user);
/** Ends it now, without a call. NULL is fine. */
void tw_fetch_stop(struct tw_fetch *f);
/** Only after its net was freed: a name look-up may still hold it. NULL is fine. */
void tw_fetch_free(struct tw_fetch *f);

#endif
