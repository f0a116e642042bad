/* Loop, clock, addresses, timers. */
#include "net/net.h"
#include "net/net_internal.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

struct tw_net *tw_net_new(void)
{
    struct tw_net *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    if (uv_loop_init(&n->loop) != 0) {
        free(n);
        return NULL;
    }
    return n;
}

/* Timers stopped, sockets closed: what is left has no owner that frees it. */
static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

void tw_net_free(struct tw_net *n)
{
    if (n == NULL)
        return;
    tw_resolver_close(n);
    uv_walk(&n->loop, close_handle, NULL);
    do /* a stop asked for before makes the first run return at once */
        uv_run(&n->loop, UV_RUN_DEFAULT);
    while (uv_loop_close(&n->loop) == UV_EBUSY);
    free(n->servers);
    free(n);
}

bool tw_net_resolver(struct tw_net *n, const char *servers)
{
    free(n->servers);
    n->servers = strdup(servers);
    return n->servers != NULL;
}

uv_loop_t *tw_net_loop(struct tw_net *n)
{
    return &n->loop;
}

uint64_t tw_net_now(void)
{
    return uv_hrtime();
}

void tw_net_run(struct tw_net *n)
{
    uv_update_time(&n->loop);
    uv_run(&n->loop, UV_RUN_DEFAULT);
}

void tw_net_stop(struct tw_net *n)
{
    uv_stop(&n->loop);
}

/* ---- addresses ------------------------------------------------------------------------------ */

const char *tw_addr_ip(const struct tw_addr *a, char *buf, size_t cap)
{
    const void *raw = &((const struct sockaddr_in *)&a->ss)->sin_addr;
    if (a->ss.ss_family == AF_INET6)
        raw = &((const struct sockaddr_in6 *)&a->ss)->sin6_addr;
    if (inet_ntop(a->ss.ss_family, raw, buf, (socklen_t)cap) == NULL)
        tw_copy_str(buf, cap, "?");
    return buf;
}

void tw_addr_label(struct tw_addr *a)
{
    char ip[INET6_ADDRSTRLEN];
    tw_addr_ip(a, ip, sizeof ip);
    bool v6 = a->ss.ss_family == AF_INET6;
    unsigned port = v6 ? ntohs(((struct sockaddr_in6 *)&a->ss)->sin6_port)
                       : ntohs(((struct sockaddr_in *)&a->ss)->sin_port);
    snprintf(a->text, sizeof a->text, v6 ? "[%s]:%u" : "%s:%u", ip, port);
}

bool tw_addr_parse(const char *ip, unsigned port, struct tw_addr *a)
{
    *a = (struct tw_addr){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a->ss;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->ss;
    char plain[INET6_ADDRSTRLEN + 1];
    const char *zone = strchr(ip, '%');
    size_t len = zone == NULL ? strlen(ip) : (size_t)(zone - ip);
    if (len >= sizeof plain)
        return false;
    memcpy(plain, ip, len);
    plain[len] = '\0';
    if (zone == NULL && inet_pton(AF_INET, plain, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        a->len = sizeof *v4;
    } else if (inet_pton(AF_INET6, plain, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        v6->sin6_scope_id = zone == NULL ? 0 : if_nametoindex(zone + 1);
        a->len = sizeof *v6;
    } else {
        return false;
    }
    tw_addr_label(a);
    return true;
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct tw_timer {
    uv_timer_t handle;
    tw_timer_fn *cb;
    void *user;
};

static void timer_fired(uv_timer_t *h)
{
    struct tw_timer *t = h->data;
    t->cb(t->user);
}

struct tw_timer *tw_timer_start(struct tw_net *n, uint64_t ms, uint64_t repeat_ms,
                                tw_timer_fn *cb, void *user)
{
    struct tw_timer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    uv_timer_init(&n->loop, &t->handle);
    t->handle.data = t;
    t->cb = cb;
    t->user = user;
    uv_update_time(&n->loop);
    uv_timer_start(&t->handle, timer_fired, ms, repeat_ms);
    return t;
}

static void timer_closed(uv_handle_t *h)
{
    free(h->data);
}

void tw_timer_stop(struct tw_timer *t)
{
    if (t != NULL)
        uv_close((uv_handle_t *)&t->handle, timer_closed);
}
