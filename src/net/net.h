/*
 * The driver's floor: one event loop, names to addresses, TCP. Everything above the line is pure;
 * from here on there are sockets and clocks.
 *
 * libuv gives the loop: its uv_poll lets us keep the sockets as our own file descriptors, which
 * later drivers need (segmentation, TTL, IP_RECVERR, UDP), takes c-ares' descriptors the same
 * way, and its timers are cheap. Buffered streams, which libevent would add, are what the engine
 * already is.
 */
#ifndef TW_NET_H
#define TW_NET_H

#include "base/base.h"

#include <sys/socket.h>
#include <uv.h>

struct tw_net;
struct tw_net *tw_net_new(void);
/** Closes what is still open. */
void tw_net_free(struct tw_net *n);
uv_loop_t *tw_net_loop(struct tw_net *n);
/** Monotonic nanoseconds. */
uint64_t tw_net_now(void);
/** Runs until nothing is left to do or tw_net_stop(). */
void tw_net_run(struct tw_net *n);
void tw_net_stop(struct tw_net *n);

/* ---- addresses ------------------------------------------------------------------------------ */

struct tw_addr {
    struct sockaddr_storage ss;
    socklen_t len;
    char text[64];             /* "192.0.2.1:443", "[2001:db8::1]:443" */
};
/** IP literal (v6 without brackets; a zone after % is taken) and port; false when it is none. */
bool tw_addr_parse(const char *ip, unsigned port, struct tw_addr *a);
/** Address without the port, for reports. */
const char *tw_addr_ip(const struct tw_addr *a, char *buf, size_t cap);

/* ---- names (resolve.c) ------------------------------------------------------------------------ */

enum { TW_MAX_ADDRS = 16 };
struct tw_resolved {
    int status;                /* 0, or c-ares' status */
    const char *error;         /* its text; NULL when status is 0 */
    struct tw_addr addrs[TW_MAX_ADDRS]; /* Happy Eyeballs order: families alternate (RFC 8305 4) */
    size_t n;
};
typedef void tw_resolved_fn(void *user, const struct tw_resolved *r);
/**
 * Looks a name up: hosts file and DNS, A and AAAA side by side.
 * @param family AF_UNSPEC, AF_INET, AF_INET6
 * @param cb     called exactly once, from the loop or before this returns
 */
void tw_resolve(struct tw_net *n, const char *host, unsigned port, int family,
                uint64_t timeout_ms, tw_resolved_fn *cb, void *user);

/** Use these servers instead of the system's: "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53",
 *  several separated by commas. Before the first look-up. false: no memory. */
bool tw_net_resolver(struct tw_net *n, const char *servers);

/** message: the whole answer (RFC 1035 4.1), borrowed; empty when status (c-ares') is not 0 */
typedef void tw_dns_fn(void *user, int status, const char *error, struct tw_view message);
/**
 * Asks for records of any type, with AD set: the answer's AD bit then is the resolver's word on
 * DNSSEC, worth as much as the way to it.
 * @param cb  exactly once, from the loop or before this returns; also while the net is freed
 * @return false: nothing was asked, cb is not called
 */
bool tw_dns_ask(struct tw_net *n, const char *name, int type, uint64_t timeout_ms, tw_dns_fn *cb,
                void *user) TW_MUST_CHECK;

/* ---- TCP (sock.c) -------------------------------------------------------------------------------- */

struct tw_sock;
struct tw_sock_events {
    /** err 0 = connected; else the socket is closed already. */
    void (*connected)(void *user, int err);
    void (*data)(void *user, struct tw_view bytes);
    /** Peer ended: how = "fin" or "rst" or "error" with errno. Close the socket. */
    void (*ended)(void *user, const char *how, int err);
};
/** Starts to connect; NULL when the system refuses at once (errno_out). Events come later. */
struct tw_sock *tw_sock_connect(struct tw_net *n, const struct tw_addr *a,
                                const struct tw_sock_events *ev, void *user, int *errno_out);
/** As above, with segments of at most mss bytes in both directions (TCP_MAXSEG); 0 = as usual. */
struct tw_sock *tw_sock_connect_mss(struct tw_net *n, const struct tw_addr *a, int mss,
                                    const struct tw_sock_events *ev, void *user, int *errno_out);
/** What the kernel knows of a connection; false where it does not tell (not Linux). */
struct tw_sock_info {
    unsigned unacked;          /* segments sent and not acknowledged */
    unsigned retransmits;      /* segments sent again, in all */
    unsigned rtt_us;
};
bool tw_sock_info(const struct tw_sock *s, struct tw_sock_info *out);
/** Queues bytes and sends what can be sent; at most 1 MiB may wait. */
bool tw_sock_send(struct tw_sock *s, struct tw_view v);
/** No event follows. NULL is fine. linger_reset: close with RST. */
void tw_sock_close(struct tw_sock *s);

/* ---- timers ---------------------------------------------------------------------------------------- */

struct tw_timer;
typedef void tw_timer_fn(void *user);
struct tw_timer *tw_timer_start(struct tw_net *n, uint64_t ms, uint64_t repeat_ms,
                                tw_timer_fn *cb, void *user);
/** NULL is fine. */
void tw_timer_stop(struct tw_timer *t);

#endif
