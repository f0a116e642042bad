/*
 * Names to addresses through c-ares on the loop: hosts file, then A and AAAA side by side. The
 * order of the answer is RFC 6724's (c-ares sorts), with families alternating (RFC 8305 4).
 */
#include "net/net.h"
#include "net/net_internal.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>

enum { MAX_ARES_FDS = 16 };

struct watch {
    uv_poll_t poll;
    struct tw_resolver *owner;
    ares_socket_t fd;
};

struct tw_resolver {
    struct tw_net *net;
    ares_channel channel;
    struct watch *watches[MAX_ARES_FDS];
    struct tw_timer *tick;
    unsigned pending;             /* questions that c-ares has not answered yet */
};

struct lookup {
    struct tw_resolver *resolver;
    struct tw_timer *deadline;
    tw_resolved_fn *cb;
    void *user;
    unsigned port;
    bool done;
};

static void watch_released(uv_handle_t *h)
{
    free(h->data);
}

static void on_fd(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    ares_socket_t rd = (events & UV_READABLE) || status < 0 ? w->fd : ARES_SOCKET_BAD;
    ares_socket_t wr = (events & UV_WRITABLE) || status < 0 ? w->fd : ARES_SOCKET_BAD;
    ares_process_fd(w->owner->channel, rd, wr);
}

/* c-ares tells which descriptors it wants watched. */
static void fd_wanted(void *data, ares_socket_t fd, int readable, int writable)
{
    struct tw_resolver *r = data;
    size_t free_slot = MAX_ARES_FDS, slot = MAX_ARES_FDS;
    for (size_t i = 0; i < MAX_ARES_FDS; i++) {
        if (r->watches[i] != NULL && r->watches[i]->fd == fd)
            slot = i;
        else if (r->watches[i] == NULL)
            free_slot = i;
    }
    if (!readable && !writable) {
        if (slot < MAX_ARES_FDS) {
            uv_poll_stop(&r->watches[slot]->poll);
            uv_close((uv_handle_t *)&r->watches[slot]->poll, watch_released);
            r->watches[slot] = NULL;
        }
        return;
    }
    if (slot == MAX_ARES_FDS) {
        slot = free_slot;
        struct watch *w = slot < MAX_ARES_FDS ? calloc(1, sizeof *w) : NULL;
        if (w == NULL)
            return; /* the tick still drives the query to its timeout */
        if (uv_poll_init_socket(&r->net->loop, &w->poll, fd) != 0) {
            free(w);
            return;
        }
        w->poll.data = w;
        w->owner = r;
        w->fd = fd;
        r->watches[slot] = w;
    }
    uv_poll_start(&r->watches[slot]->poll,
                  (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_fd);
}

static void on_tick(void *user)
{
    struct tw_resolver *r = user;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static struct tw_resolver *resolver_open(struct tw_net *n)
{
    if (n->resolver != NULL)
        return n->resolver;
    struct tw_resolver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->net = n;
    struct ares_options opt = {.timeout = 2000, .tries = 3, .sock_state_cb = fd_wanted,
                               .sock_state_cb_data = r};
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&r->channel, &opt,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
            ARES_SUCCESS) {
        free(r);
        return NULL;
    }
    if (n->servers != NULL && ares_set_servers_ports_csv(r->channel, n->servers) != ARES_SUCCESS) {
        ares_destroy(r->channel);
        ares_library_cleanup();
        free(r);
        return NULL;
    }
    n->resolver = r;
    return r;
}

struct ares_channeldata *tw_resolver_channel(struct tw_net *n)
{
    struct tw_resolver *r = resolver_open(n);
    return r == NULL ? NULL : r->channel;
}

void tw_resolver_close(struct tw_net *n)
{
    struct tw_resolver *r = n->resolver;
    if (r == NULL)
        return;
    tw_timer_stop(r->tick);
    r->tick = NULL;
    ares_destroy(r->channel); /* calls fd_wanted() to drop what is watched */
    ares_library_cleanup();
    free(r);
    n->resolver = NULL;
}

static void add_alternating(struct tw_resolved *out, const struct ares_addrinfo *ai, unsigned port)
{
    const struct ares_addrinfo_node *next[2] = {ai->nodes, ai->nodes};
    int want = ai->nodes != NULL ? ai->nodes->ai_family : AF_UNSPEC;
    int other = want == AF_INET ? AF_INET6 : AF_INET;
    int family[2] = {want, other};
    while (out->n < TW_MAX_ADDRS && (next[0] != NULL || next[1] != NULL)) {
        for (int i = 0; i < 2 && out->n < TW_MAX_ADDRS; i++) {
            while (next[i] != NULL && next[i]->ai_family != family[i])
                next[i] = next[i]->ai_next;
            if (next[i] == NULL)
                continue;
            struct tw_addr *a = &out->addrs[out->n];
            if (next[i]->ai_addrlen <= sizeof a->ss) {
                memcpy(&a->ss, next[i]->ai_addr, next[i]->ai_addrlen);
                a->len = next[i]->ai_addrlen;
                if (a->ss.ss_family == AF_INET)
                    ((struct sockaddr_in *)&a->ss)->sin_port = htons((uint16_t)port);
                else
                    ((struct sockaddr_in6 *)&a->ss)->sin6_port = htons((uint16_t)port);
                tw_addr_label(a);
                out->n++;
            }
            next[i] = next[i]->ai_next;
        }
    }
}

static void answer(struct lookup *l, const struct tw_resolved *r)
{
    if (l->done)
        return;
    l->done = true;
    tw_timer_stop(l->deadline);
    l->deadline = NULL;
    l->cb(l->user, r);
}

/* c-ares is done with one question; the tick goes on while there are others. */
void tw_resolver_one_less(struct tw_net *n)
{
    struct tw_resolver *r = n->resolver;
    if (r == NULL || --r->pending > 0)
        return;
    tw_timer_stop(r->tick);
    r->tick = NULL;
}

void tw_resolver_one_more(struct tw_net *n)
{
    struct tw_resolver *r = n->resolver;
    r->pending++;
    if (r->tick == NULL)
        r->tick = tw_timer_start(n, 100, 100, on_tick, r);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
    (void)timeouts;
    struct lookup *l = arg;
    struct tw_resolved r = {.status = status};
    if (status == ARES_SUCCESS && ai != NULL)
        add_alternating(&r, ai, l->port);
    if (status == ARES_SUCCESS && r.n == 0)
        r.status = ARES_ENODATA;
    if (r.status != ARES_SUCCESS)
        r.error = ares_strerror(r.status);
    tw_resolver_one_less(l->resolver->net);
    answer(l, &r);
    if (ai != NULL)
        ares_freeaddrinfo(ai);
    free(l);
}

/* Our own deadline: the asker is told now; c-ares gives up by itself later, or is destroyed. */
static void on_deadline(void *user)
{
    struct lookup *l = user;
    struct tw_resolved r = {.status = ARES_ETIMEOUT, .error = ares_strerror(ARES_ETIMEOUT)};
    answer(l, &r);
}

/* RFC 6761 6.4: names under .invalid do not exist; resolvers need not be asked. */
static bool is_invalid(const char *host)
{
    static const char tld[] = ".invalid";
    size_t n = strlen(host);
    if (n > 0 && host[n - 1] == '.')
        n--;
    return n >= sizeof tld - 1 &&
           tw_view_ieq(tw_view_of(host + n - (sizeof tld - 1), sizeof tld - 1), tld);
}

void tw_resolve(struct tw_net *n, const char *host, unsigned port, int family,
                uint64_t timeout_ms, tw_resolved_fn *cb, void *user)
{
    if (is_invalid(host)) {
        struct tw_resolved none = {.status = ARES_ENOTFOUND, .error = ares_strerror(ARES_ENOTFOUND)};
        cb(user, &none);
        return;
    }
    struct tw_resolver *r = resolver_open(n);
    struct lookup *l = r == NULL ? NULL : calloc(1, sizeof *l);
    if (l == NULL) {
        struct tw_resolved none = {.status = ARES_ENOMEM, .error = "out of memory"};
        cb(user, &none);
        return;
    }
    *l = (struct lookup){.resolver = r, .cb = cb, .user = user, .port = port};
    l->deadline = tw_timer_start(n, timeout_ms, 0, on_deadline, l);
    tw_resolver_one_more(n);
    struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(r->channel, host, NULL, &hints, on_answer, l);
}
