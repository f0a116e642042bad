/* One download: resolve, connect, ask, read, follow redirects. */
#include "net/fetch.h"

#include "net/http_reply.h"

#include <strings.h>

enum { MAX_URL = 2048, MAX_POST = 65536 };

struct url {
    char host[256], path[MAX_URL];
    unsigned port;
};

struct tw_fetch {
    struct tw_net *net;
    struct url url;
    char *content_type;
    struct tw_buf post;
    size_t max_body;
    struct tw_timer *deadline, *later;
    struct tw_sock *sock;
    struct tw_resolved found;
    size_t next_addr;
    struct tw_http_reply reply;
    unsigned redirects;
    int err;
    bool over;
    tw_fetch_fn *cb;
    void *user;
};

static bool parse_url(const char *s, struct url *u)
{
    if (strncasecmp(s, "http://", 7) != 0 || strlen(s) >= MAX_URL)
        return false;
    for (const char *p = s; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return false; /* nothing that could add lines to the request */
    s += 7;
    const char *at = s + strcspn(s, "/?#@");
    bool v6 = s[0] == '[';
    const char *close = v6 ? strchr(s, ']') : NULL;
    if (*at == '@' || (v6 && (close == NULL || close > at)))
        return false;
    const char *host_end = v6 ? close : s + strcspn(s, ":/?#");
    const char *colon = v6 ? close + 1 : host_end;
    size_t n = (size_t)(host_end - s) - (v6 ? 1 : 0);
    if (n == 0 || n >= sizeof u->host)
        return false;
    memcpy(u->host, s + (v6 ? 1 : 0), n);
    u->host[n] = '\0';
    u->port = 80;
    if (*colon == ':') {
        char *end;
        unsigned long port = strtoul(colon + 1, &end, 10);
        if (end != at || port == 0 || port > 65535)
            return false;
        u->port = (unsigned)port;
    } else if (colon != at) {
        return false;
    }
    size_t path = strcspn(at, "#");
    snprintf(u->path, sizeof u->path, "%s%.*s", *at == '/' ? "" : "/", (int)path, at);
    return true;
}

/* ---- the end -------------------------------------------------------------------------------------- */

void tw_fetch_stop(struct tw_fetch *f)
{
    if (f == NULL || f->over)
        return;
    f->over = true;
    tw_timer_stop(f->deadline);
    tw_timer_stop(f->later);
    f->deadline = f->later = NULL;
    tw_sock_close(f->sock);
    f->sock = NULL;
}

void tw_fetch_free(struct tw_fetch *f)
{
    if (f == NULL)
        return;
    tw_http_reply_cleanup(&f->reply);
    tw_buf_cleanup(&f->post);
    free(f->content_type);
    free(f);
}

static void finish(struct tw_fetch *f, enum tw_fetch_end end)
{
    if (f->over)
        return;
    tw_fetch_stop(f);
    struct tw_fetch_result r = {.end = end, .http_status = f->reply.status > 0 ? f->reply.status : 0,
                                .err = f->err, .body = tw_buf_view(&f->reply.body)};
    f->cb(f->user, &r);
}

static void on_deadline(void *user)
{
    finish(user, TW_FETCH_TIMEOUT);
}

/* ---- the conversation -------------------------------------------------------------------------------- */

static void resolve(struct tw_fetch *f);
static void try_next(struct tw_fetch *f);

static void send_request(struct tw_fetch *f)
{
    struct tw_buf b;
    bool v6 = strchr(f->url.host, ':') != NULL;
    tw_buf_init(&b, MAX_POST + 8192);
    tw_buf_printf(&b, "%s %s HTTP/1.1\r\nHost: %s%s%s", f->content_type != NULL ? "POST" : "GET",
                  f->url.path, v6 ? "[" : "", f->url.host, v6 ? "]" : "");
    if (f->url.port != 80)
        tw_buf_printf(&b, ":%u", f->url.port);
    tw_buf_str(&b, "\r\nUser-Agent: tlswhy\r\nAccept: */*\r\nConnection: close\r\n");
    if (f->content_type != NULL)
        tw_buf_printf(&b, "Content-Type: %s\r\nContent-Length: %zu\r\n", f->content_type,
                      f->post.len);
    tw_buf_str(&b, "\r\n");
    tw_wr_bytes(&b, tw_buf_view(&f->post));
    bool ok = !b.failed && tw_sock_send(f->sock, tw_buf_view(&b));
    tw_buf_cleanup(&b);
    if (!ok)
        finish(f, TW_FETCH_BROKEN);
}

/* 301, 302, 303, 307, 308 with another http URL or an absolute path on the same host. */
static void redirect(struct tw_fetch *f)
{
    struct url to = f->url;
    const char *where = f->reply.location;
    if (where[0] == '/' && where[1] != '/' && strlen(where) < sizeof to.path)
        tw_copy_str(to.path, sizeof to.path, where);
    else if (!parse_url(where, &to))
        where = "";
    if (where[0] == '\0' || f->redirects++ >= TW_FETCH_MAX_REDIRECTS) {
        finish(f, TW_FETCH_REDIRECTS);
        return;
    }
    tw_sock_close(f->sock);
    f->sock = NULL;
    f->url = to;
    tw_http_reply_cleanup(&f->reply);
    tw_http_reply_init(&f->reply, f->max_body);
    resolve(f);
}

static void answered(struct tw_fetch *f, enum tw_reply_state state)
{
    int s = f->reply.status;
    if (state == TW_REPLY_MORE)
        return;
    if (state == TW_REPLY_TOO_LARGE)
        finish(f, TW_FETCH_TOO_LARGE);
    else if (state == TW_REPLY_BAD)
        finish(f, s > 0 ? TW_FETCH_BROKEN : TW_FETCH_NOT_HTTP);
    else if (s == 301 || s == 302 || s == 303 || s == 307 || s == 308)
        redirect(f);
    else
        finish(f, s == 200 ? TW_FETCH_OK : TW_FETCH_STATUS);
}

static void on_connected(void *user, int err)
{
    struct tw_fetch *f = user;
    if (err == 0) {
        send_request(f);
        return;
    }
    f->sock = NULL; /* it closed itself */
    f->err = err;
    try_next(f);
}

static void on_data(void *user, struct tw_view bytes)
{
    struct tw_fetch *f = user;
    answered(f, tw_http_reply_feed(&f->reply, bytes));
}

static void on_ended(void *user, const char *how, int err)
{
    struct tw_fetch *f = user;
    f->err = err;
    if (strcmp(how, "fin") == 0 && f->reply.status > 0)
        answered(f, tw_http_reply_end(&f->reply));
    else
        finish(f, TW_FETCH_BROKEN);
}

static const struct tw_sock_events events = {on_connected, on_data, on_ended};

static void try_next(struct tw_fetch *f)
{
    while (f->next_addr < f->found.n) {
        int err;
        f->sock = tw_sock_connect(f->net, &f->found.addrs[f->next_addr++], &events, f, &err);
        if (f->sock != NULL)
            return;
        f->err = err;
    }
    finish(f, TW_FETCH_CONNECT);
}

static void on_resolved(void *user, const struct tw_resolved *r)
{
    struct tw_fetch *f = user;
    if (f->over)
        return;
    f->found = *r;
    f->next_addr = 0;
    if (r->status != 0)
        finish(f, TW_FETCH_DNS);
    else
        try_next(f);
}

static void resolve(struct tw_fetch *f)
{
    struct tw_resolved literal = {.n = 1};
    if (tw_addr_parse(f->url.host, f->url.port, &literal.addrs[0]))
        on_resolved(f, &literal);
    else
        tw_resolve(f->net, f->url.host, f->url.port, AF_UNSPEC, 3000, on_resolved, f);
}

/* From the loop, so that the caller's cb is never called before tw_fetch_start() returned. */
static void on_start(void *user)
{
    struct tw_fetch *f = user;
    tw_timer_stop(f->later);
    f->later = NULL;
    if (f->url.host[0] == '\0')
        finish(f, TW_FETCH_NOT_TRIED);
    else
        resolve(f);
}

struct tw_fetch *tw_fetch_start(struct tw_net *n, const struct tw_fetch_request *req,
                                tw_fetch_fn *cb, void *user)
{
    struct tw_fetch *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    *f = (struct tw_fetch){.net = n, .max_body = req->max_body, .cb = cb, .user = user};
    tw_buf_init(&f->post, MAX_POST);
    tw_http_reply_init(&f->reply, req->max_body);
    if (!parse_url(req->url, &f->url))
        f->url.host[0] = '\0'; /* https, ldap: not for us */
    f->content_type = req->content_type == NULL ? NULL : strdup(req->content_type);
    bool ok = (f->content_type != NULL || req->content_type == NULL) &&
              (req->post.len == 0 || tw_buf_add(&f->post, req->post.data, req->post.len));
    if (ok) {
        f->deadline = tw_timer_start(n, req->timeout_ms, 0, on_deadline, f);
        f->later = tw_timer_start(n, 0, 0, on_start, f);
    }
    if (f->deadline == NULL || f->later == NULL) {
        tw_fetch_stop(f);
        tw_fetch_free(f);
        return NULL;
    }
    return f;
}
