/* SNTP over one UDP socket on the loop. */
#include "net/sntp.h"

#include <errno.h>
#include <time.h>

enum { NTP_PORT = 123, PACKET = 48, RESEND_MS = 700 };
static const double NTP_TO_UNIX = 2208988800.0; /* seconds from 1900 to 1970 */

struct tw_sntp {
    struct tw_net *net;
    char host[256];
    unsigned port;
    uv_udp_t udp;
    bool udp_open, over;
    struct tw_timer *deadline, *resend, *later;
    struct tw_resolved found;
    uint8_t cookie[8];
    double sent_at;
    tw_sntp_fn *cb;
    void *user;
};

/* ---- packets --------------------------------------------------------------------------------------- */

void tw_sntp_request(const uint8_t cookie[8], uint8_t out[48])
{
    memset(out, 0, PACKET);
    out[0] = 4 << 3 | 3; /* version 4, client */
    memcpy(out + 40, cookie, 8);
}

static double timestamp(struct tw_reader *r, const char *field)
{
    double s = (double)tw_rd_uint(r, 4, field), fraction = (double)tw_rd_uint(r, 4, field);
    if (s < 2147483648.0)
        s += 4294967296.0; /* era 1, from 2036 on: RFC 4330 3 */
    return s - NTP_TO_UNIX + fraction / 4294967296.0;
}

bool tw_sntp_answer(struct tw_view in, const uint8_t cookie[8], double t1, double t4,
                    double *offset_s, unsigned *stratum)
{
    struct tw_reader r = tw_rd_of(in);
    uint8_t first = tw_rd_u8(&r, "mode");
    *stratum = tw_rd_u8(&r, "stratum");
    tw_rd_bytes(&r, 22, "poll to reference timestamp");
    struct tw_view origin = tw_rd_bytes(&r, 8, "originate timestamp");
    double t2 = timestamp(&r, "receive timestamp"), t3 = timestamp(&r, "transmit timestamp");
    *offset_s = ((t2 - t1) + (t3 - t4)) / 2;
    bool in_time = first >> 6 != 3 && *stratum >= 1 && *stratum <= 15;
    return tw_rd_ok(&r) && (first & 7) == 4 && in_time &&
           tw_view_eq(origin, tw_view_of(cookie, 8));
}

bool tw_host_port(const char *s, unsigned otherwise, char *host, size_t cap, unsigned *port)
{
    const char *close = s[0] == '[' ? strchr(s, ']') : NULL;
    const char *first = strchr(s, ':');
    const char *colon = close != NULL                                  ? close + 1
                        : first != NULL && strchr(first + 1, ':') != NULL ? s + strlen(s)
                        : first != NULL                                ? first
                                                                       : s + strlen(s);
    size_t skip = close != NULL ? 1 : 0;
    size_t n = close != NULL ? (size_t)(close - s) - 1 : (size_t)(colon - s);
    if (n == 0 || n >= cap || (*colon != ':' && *colon != '\0'))
        return false;
    memcpy(host, s + skip, n);
    host[n] = '\0';
    *port = otherwise;
    if (*colon == '\0')
        return true;
    char *end;
    unsigned long p = strtoul(colon + 1, &end, 10);
    *port = (unsigned)p;
    return end != colon + 1 && *end == '\0' && p > 0 && p <= 65535;
}

/* ---- the exchange ------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void tw_sntp_stop(struct tw_sntp *s)
{
    if (s == NULL || s->over)
        return;
    s->over = true;
    tw_timer_stop(s->deadline);
    tw_timer_stop(s->resend);
    tw_timer_stop(s->later);
    if (s->udp_open && !uv_is_closing((uv_handle_t *)&s->udp))
        uv_close((uv_handle_t *)&s->udp, NULL);
}

void tw_sntp_free(struct tw_sntp *s)
{
    free(s);
}

static void finish(struct tw_sntp *s, enum tw_fetch_end end, double offset, unsigned stratum)
{
    if (s->over)
        return;
    tw_sntp_stop(s);
    struct tw_sntp_result r = {end, offset, stratum};
    s->cb(s->user, &r);
}

static void on_deadline(void *user)
{
    finish(user, TW_FETCH_TIMEOUT, 0, 0);
}

static void give_buffer(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    (void)h, (void)hint;
    *buf = uv_buf_init(malloc(512), 512);
}

static void on_packet(uv_udp_t *u, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                      unsigned flags)
{
    (void)flags;
    struct tw_sntp *s = u->data;
    double offset;
    unsigned stratum;
    if (n > 0 && from != NULL && !s->over) {
        bool good = tw_sntp_answer(tw_view_of(buf->base, (size_t)n), s->cookie, s->sent_at, now(),
                                   &offset, &stratum);
        if (good)
            finish(s, TW_FETCH_OK, offset, stratum);
        else if (n >= PACKET && memcmp(buf->base + 24, s->cookie, 8) == 0)
            finish(s, TW_FETCH_STATUS, 0, 0); /* ours, but the server has no time to give */
    } else if (n < 0 && !s->over) {
        finish(s, TW_FETCH_CONNECT, 0, 0);
    }
    free(buf->base);
}

static void send_request(void *user)
{
    struct tw_sntp *s = user;
    uint8_t packet[PACKET];
    tw_sntp_request(s->cookie, packet);
    uv_buf_t buf = uv_buf_init((char *)packet, sizeof packet);
    s->sent_at = now();
    uv_udp_try_send(&s->udp, &buf, 1, NULL); /* lost or refused: sent again, then the deadline */
}

static void on_resolved(void *user, const struct tw_resolved *r)
{
    struct tw_sntp *s = user;
    if (s->over)
        return;
    if (r->status != 0) {
        finish(s, TW_FETCH_DNS, 0, 0);
        return;
    }
    s->found = *r;
    s->udp.data = s;
    s->udp_open = uv_udp_init(tw_net_loop(s->net), &s->udp) == 0;
    if (!s->udp_open ||
        uv_udp_connect(&s->udp, (const struct sockaddr *)&s->found.addrs[0].ss) != 0 ||
        uv_udp_recv_start(&s->udp, give_buffer, on_packet) != 0) {
        finish(s, TW_FETCH_CONNECT, 0, 0);
        return;
    }
    s->resend = tw_timer_start(s->net, RESEND_MS, RESEND_MS, send_request, s);
    send_request(s);
}

static void on_start(void *user)
{
    struct tw_sntp *s = user;
    struct tw_resolved literal = {.n = 1};
    tw_timer_stop(s->later);
    s->later = NULL;
    if (tw_addr_parse(s->host, s->port, &literal.addrs[0]))
        on_resolved(s, &literal);
    else
        tw_resolve(s->net, s->host, s->port, AF_UNSPEC, 3000, on_resolved, s);
}

struct tw_sntp *tw_sntp_start(struct tw_net *n, const char *host, uint64_t timeout_ms,
                              tw_sntp_fn *cb, void *user)
{
    struct tw_sntp *s = calloc(1, sizeof *s);
    if (s == NULL || !tw_host_port(host, NTP_PORT, s->host, sizeof s->host, &s->port) ||
        uv_random(NULL, NULL, s->cookie, sizeof s->cookie, 0, NULL) != 0) {
        free(s);
        return NULL;
    }
    s->net = n;
    s->cb = cb;
    s->user = user;
    s->deadline = tw_timer_start(n, timeout_ms, 0, on_deadline, s);
    s->later = tw_timer_start(n, 0, 0, on_start, s);
    if (s->deadline == NULL || s->later == NULL) {
        tw_sntp_stop(s);
        free(s);
        return NULL;
    }
    return s;
}
