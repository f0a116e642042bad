/*
 * One non-blocking TCP connection on the loop. Reads go on until the kernel has nothing more, so
 * that an alert which arrived just before a reset is seen before the reset is told.
 */
#include "net/net.h"
#include "net/net_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum { MAX_PENDING = 1 << 20, READS_A_TURN = 8 };

struct tw_sock {
    uv_poll_t poll;
    int fd;
    bool connecting, closing;
    bool reset;                /* by the peer, before we looked */
    struct tw_sock_events ev;
    void *user;
    struct tw_buf out;
};

static void sock_released(uv_handle_t *h)
{
    struct tw_sock *s = h->data;
    tw_buf_cleanup(&s->out);
    free(s);
}

void tw_sock_close(struct tw_sock *s)
{
    if (s == NULL || s->closing)
        return;
    s->closing = true;
    uv_poll_stop(&s->poll);
    close(s->fd);
    uv_close((uv_handle_t *)&s->poll, sock_released);
}

static void on_poll(uv_poll_t *h, int status, int events);

static void watch(struct tw_sock *s)
{
    if (s->closing)
        return;
    int events = s->connecting ? UV_WRITABLE : UV_READABLE;
    if (s->out.len > 0)
        events |= UV_WRITABLE;
    uv_poll_start(&s->poll, events, on_poll);
}

static void flush(struct tw_sock *s)
{
    while (s->out.len > 0) {
        ssize_t n = send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            tw_buf_drop(&s->out, s->out.len); /* the reading side will tell how it ended */
        if (n <= 0)
            break;
        tw_buf_drop(&s->out, (size_t)n);
    }
    watch(s);
}

static void finish_connect(struct tw_sock *s)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    s->connecting = false;
    /* A refused SYN is ECONNREFUSED. A reset here came after the handshake of TCP: the connection
     * was made, and what the peer sent before it is still to be read. */
    if (err == ECONNRESET || err == EPIPE) {
        s->reset = true;
        err = 0;
    }
    struct tw_sock_events ev = s->ev;
    void *user = s->user;
    if (err == ECONNRESET) { /* a refused SYN is ECONNREFUSED: this one was accepted, then reset */
        ev.connected(user, 0);
        if (!s->closing)
            ev.ended(user, "rst", err);
        return;
    }
    if (err != 0) {
        tw_sock_close(s);
        ev.connected(user, err);
        return;
    }
    watch(s);
    ev.connected(user, 0);
}

/* true: go on reading */
static bool read_once(struct tw_sock *s)
{
    uint8_t buf[16384];
    ssize_t n = recv(s->fd, buf, sizeof buf, 0);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n > 0) {
        s->ev.data(s->user, tw_view_of(buf, (size_t)n));
        return !s->closing;
    }
    int err = n < 0 ? errno : s->reset ? ECONNRESET : 0;
    uv_poll_stop(&s->poll);
    s->ev.ended(s->user, err == 0 ? "fin" : err == ECONNRESET || err == EPIPE ? "rst" : "error",
                err);
    return false;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    struct tw_sock *s = h->data;
    if (s->closing)
        return;
    if (s->connecting) {
        finish_connect(s);
        return;
    }
    if (events & UV_WRITABLE)
        flush(s);
    if ((events & UV_READABLE) || status < 0)
        for (int i = 0; i < READS_A_TURN && !s->closing && read_once(s); i++)
            continue;
}

struct tw_sock *tw_sock_connect(struct tw_net *n, const struct tw_addr *a,
                                const struct tw_sock_events *ev, void *user, int *errno_out)
{
    return tw_sock_connect_mss(n, a, 0, ev, user, errno_out);
}

bool tw_sock_info(const struct tw_sock *s, struct tw_sock_info *out)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (s == NULL || s->closing || getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return false;
    *out = (struct tw_sock_info){info.tcpi_unacked, info.tcpi_total_retrans, info.tcpi_rtt};
    return true;
}

struct tw_sock *tw_sock_connect_mss(struct tw_net *n, const struct tw_addr *a, int mss,
                                    const struct tw_sock_events *ev, void *user, int *errno_out)
{
    struct tw_sock *s = calloc(1, sizeof *s);
    *errno_out = ENOMEM;
    if (s == NULL)
        return NULL;
    s->fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *errno_out = errno;
    if (s->fd < 0) {
        free(s);
        return NULL;
    }
    int one = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (mss > 0)
        setsockopt(s->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
    int rc = connect(s->fd, (const struct sockaddr *)&a->ss, a->len);
    *errno_out = errno;
    if ((rc != 0 && errno != EINPROGRESS) || uv_poll_init_socket(&n->loop, &s->poll, s->fd) != 0) {
        close(s->fd);
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->ev = *ev;
    s->user = user;
    s->connecting = true;
    tw_buf_init(&s->out, MAX_PENDING);
    watch(s);
    *errno_out = 0;
    return s;
}

bool tw_sock_send(struct tw_sock *s, struct tw_view v)
{
    if (s->closing || !tw_buf_add(&s->out, v.data, v.len))
        return false;
    if (!s->connecting)
        flush(s);
    return true;
}
