/*
 * One question to a time server (SNTP, RFC 4330; packets of NTPv4, RFC 5905 7.3): how far is our
 * clock off? Not authenticated: the answer is as good as the network it came over.
 */
#ifndef TW_SNTP_H
#define TW_SNTP_H

#include "net/net.h"
#include "trace/trace.h"

struct tw_sntp_result {
    enum tw_fetch_end end;      /* TW_FETCH_STATUS: it refused (kiss-o'-death) or is not in time */
    double offset_s;            /* its clock minus ours */
    unsigned stratum;
};
typedef void tw_sntp_fn(void *user, const struct tw_sntp_result *r);

struct tw_sntp;
/**
 * @param host  name, address, or either with :port (default 123; IPv6 with a port in brackets)
 * @param cb    exactly once, from the loop, never before this returns; not after tw_sntp_stop
 * @return NULL for lack of memory or when host cannot be one
 */
struct tw_sntp *tw_sntp_start(struct tw_net *n, const char *host, uint64_t timeout_ms,
                              tw_sntp_fn *cb, void *user);
/** NULL is fine. */
void tw_sntp_stop(struct tw_sntp *s);
/** Only after its net was freed: a name look-up may still hold it. NULL is fine. */
void tw_sntp_free(struct tw_sntp *s);

/** "host", "host:port", "[v6]:port", "v6" taken apart. Pure. */
bool tw_host_port(const char *s, unsigned otherwise, char *host, size_t cap, unsigned *port);

/** The 48 bytes of a request; cookie goes into the transmit timestamp and must come back. Pure. */
void tw_sntp_request(const uint8_t cookie[8], uint8_t out[48]);
/**
 * Reads an answer. Pure.
 * @param t1,t4  when the request left and the answer came, unix seconds by our clock
 * @return false: no answer to this request, or the server says that it has no time
 */
bool tw_sntp_answer(struct tw_view in, const uint8_t cookie[8], double t1, double t4,
                    double *offset_s, unsigned *stratum);

#endif
