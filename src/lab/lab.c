/*
 * The lab: broken servers on loopback, one per fault, in a thread of its own with its own loop and
 * its own cryptography. The caller's thread sees only the table of ports, fixed at start.
 */
#include "lab/lab_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { MAX_FAULTS = 128, TRACE_MAX = 4 << 20 };

struct server {
    struct tw_lab *lab;
    const struct lab_fault *fault;
    struct tw_lab_fault shown;
    uv_tcp_t listener;
    int fd;                         /* NOT_LISTENING, FULL_BACKLOG: bound by hand; else -1 */
    int fill[3];                    /* connections that fill the backlog */
    struct tw_server_config config;
    struct tw_server_site site;
};

struct tw_lab {
    struct tw_crypto *crypto;
    struct lab_certs certs;
    struct server servers[MAX_FAULTS]; size_t servers_n;
    struct server http, dead;       /* the CA's HTTP server; a port on which nobody listens */
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    bool loop_ready, running;
};

struct client {
    uv_tcp_t tcp;
    struct server *server;
    struct tw_trace *trace;
    struct tw_conn *tls;
    bool closing;
    bool passed_gate, swallowed;    /* the gate's verdict on the first bytes */
};

/* ---- one connection --------------------------------------------------------------------------- */

static void client_closed(uv_handle_t *h)
{
    struct client *c = h->data;
    tw_conn_free(c->tls);
    tw_trace_free(c->trace);
    free(c);
}

static void client_close(struct client *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    if (!reset || uv_tcp_close_reset(&c->tcp, client_closed) != 0)
        uv_close((uv_handle_t *)&c->tcp, client_closed);
}

struct write_job {
    uv_write_t req;
    struct client *client;
    bool close_after;
    char bytes[];
};

static void written(uv_write_t *req, int status)
{
    struct write_job *w = req->data;
    if (w->close_after || status != 0)
        client_close(w->client, false);
    free(w);
}

static void client_write(struct client *c, struct tw_view v, bool close_after)
{
    struct write_job *w = c->closing ? NULL : malloc(sizeof *w + v.len);
    if (w == NULL)
        return;
    memcpy(w->bytes, v.data, v.len);
    w->client = c;
    w->close_after = close_after;
    w->req.data = w;
    uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)v.len);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &buf, 1, written) != 0)
        free(w);
}

static void run_engine(struct client *c, struct tw_view in)
{
    enum tw_status st = tw_conn_feed(c->tls, uv_hrtime(), in);
    struct tw_view out = tw_conn_output(c->tls);
    bool over = st != TW_OK || tw_conn_state(c->tls) == TW_CONN_STOPPED;
    if (out.len > 0)
        client_write(c, out, over);
    tw_conn_sent(c->tls, uv_hrtime(), out.len);
    if (over && out.len == 0)
        client_close(c, false);
}

/* true: the gate let the first bytes through, or they came long ago. */
static bool passes_gate(struct client *c, struct tw_view in)
{
    const struct lab_gate *g = &c->server->fault->gate;
    if (c->swallowed || c->passed_gate)
        return !c->swallowed;
    c->passed_gate = !lab_gate_hits(g->on, in);
    if (c->passed_gate)
        return true;
    c->swallowed = true;
    if (g->does == LAB_GATE_ALERT)
        client_write(c, tw_view_of("\x15\x03\x03\0\x02\x02\x2f", 7), true);
    else if (g->does != LAB_GATE_SWALLOW)
        client_close(c, g->does == LAB_GATE_RESET);
    return false;
}

static void on_bytes(struct client *c, struct tw_view in)
{
    const struct lab_fault *f = c->server->fault;
    if (!passes_gate(c, in))
        return;
    struct tw_view bytes = tw_view_of(f->bytes, f->bytes_len);
    switch (f->kind) {
    case LAB_TLS:
        run_engine(c, in);
        break;
    case LAB_ANSWER:
        client_write(c, bytes, true);
        break;
    case LAB_ANSWER_HTTP:
        if (in.len >= 4 && memcmp(in.data, "GET ", 4) == 0)
            client_write(c, bytes, true);
        else
            client_close(c, false);
        break;
    case LAB_HTTP: {
        struct tw_buf out;
        tw_buf_init(&out, 1 << 17);
        lab_http_answer(&c->server->lab->certs, in, &out);
        client_write(c, tw_buf_view(&out), true);
        tw_buf_cleanup(&out);
        break;
    }
    case LAB_CLOSE_ON_DATA:
        client_close(c, false);
        break;
    case LAB_RESET_ON_DATA:
        client_close(c, true);
        break;
    default:
        break; /* reads on and says nothing more */
    }
}

static void give_buffer(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    (void)h, (void)hint;
    *buf = uv_buf_init(malloc(16384), 16384);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = s->data;
    if (n < 0)
        client_close(c, false);
    else if (n > 0 && !c->closing)
        on_bytes(c, tw_view_of(buf->base, (size_t)n));
    free(buf->base);
}

static bool start_engine(struct client *c)
{
    c->trace = tw_trace_new(TRACE_MAX);
    struct tw_conn_config cfg = {.crypto = c->server->lab->crypto, .trace = c->trace, .conn = 1,
                                 .trace_start = uv_hrtime(), .server = &c->server->config};
    if (c->trace != NULL)
        c->tls = tw_conn_new(&cfg, TW_ROLE_SERVER, uv_hrtime());
    return c->tls != NULL;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct client *c = status == 0 ? calloc(1, sizeof *c) : NULL;
    if (c == NULL)
        return;
    c->server = s;
    uv_tcp_init(&s->lab->loop, &c->tcp);
    c->tcp.data = c;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 ||
        (s->fault->kind == LAB_TLS && !start_engine(c))) {
        client_close(c, false);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    if (s->fault->kind == LAB_CLOSE || s->fault->kind == LAB_RESET) {
        client_close(c, s->fault->kind == LAB_RESET);
        return;
    }
    if (s->fault->kind == LAB_GREET)
        client_write(c, tw_view_of(s->fault->bytes, s->fault->bytes_len), false);
    uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read);
}

/* ---- ports --------------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static bool listen_tcp(struct server *s, unsigned port)
{
    struct sockaddr_in a = loopback(port);
    int len = sizeof a;
    s->listener.data = s;
    if (uv_tcp_init(&s->lab->loop, &s->listener) != 0 ||
        uv_tcp_bind(&s->listener, (const struct sockaddr *)&a, 0) != 0 ||
        uv_listen((uv_stream_t *)&s->listener, 64, on_connection) != 0 ||
        uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &len) != 0)
        return false;
    s->shown.port = ntohs(a.sin_port);
    return true;
}

/* A bound port without listen() refuses; one with a full backlog drops further SYNs. */
static bool bind_only(struct server *s, unsigned port)
{
    struct sockaddr_in a = loopback(port);
    socklen_t len = sizeof a;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, len) != 0 ||
        getsockname(s->fd, (struct sockaddr *)&a, &len) != 0)
        return false;
    s->shown.port = ntohs(a.sin_port);
    if (s->fault->kind == LAB_NOT_LISTENING)
        return true;
    if (listen(s->fd, 0) != 0)
        return false;
    for (size_t i = 0; i < TW_ARRAY_LEN(s->fill); i++) {
        s->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->fill[i] >= 0 && connect(s->fill[i], (struct sockaddr *)&a, len) != 0)
            continue; /* in progress is all that is wanted */
    }
    return true;
}

static bool open_port(struct server *s, unsigned port)
{
    switch (s->fault->kind) {
    case LAB_NO_NAME:
        s->shown.host = "no-such-host.invalid";
        s->shown.port = 443;
        return true;
    case LAB_NOT_LISTENING:
    case LAB_FULL_BACKLOG:
        return bind_only(s, port);
    default:
        return listen_tcp(s, port);
    }
}

/* ---- start and stop --------------------------------------------------------------------------------- */

static void on_stop(uv_async_t *a)
{
    uv_stop(a->loop);
}

static void *run(void *arg)
{
    struct tw_lab *lab = arg;
    uv_run(&lab->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void close_any(uv_handle_t *h, void *arg)
{
    struct tw_lab *lab = arg;
    if (uv_is_closing(h))
        return;
    bool listener = h == (uv_handle_t *)&lab->stop || h == (uv_handle_t *)&lab->http.listener;
    for (size_t i = 0; i < lab->servers_n; i++)
        listener = listener || h == (uv_handle_t *)&lab->servers[i].listener;
    if (listener)
        uv_close(h, NULL);
    else
        client_close(h->data, false);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void tw_lab_stop(struct tw_lab *lab)
{
    if (lab == NULL)
        return;
    if (lab->running) {
        uv_async_send(&lab->stop);
        pthread_join(lab->thread, NULL);
    }
    if (lab->loop_ready) {
        uv_walk(&lab->loop, close_any, lab);
        do
            uv_run(&lab->loop, UV_RUN_DEFAULT);
        while (uv_loop_close(&lab->loop) == UV_EBUSY);
    }
    for (size_t i = 0; i < lab->servers_n; i++) {
        close_fd(lab->servers[i].fd);
        for (size_t j = 0; j < TW_ARRAY_LEN(lab->servers[i].fill); j++)
            close_fd(lab->servers[i].fill[j]);
    }
    close_fd(lab->dead.fd);
    lab_certs_free(&lab->certs);
    tw_crypto_free(lab->crypto);
    free(lab);
}

static bool wanted(const char *const *only, const char *name)
{
    for (; only != NULL && *only != NULL; only++)
        if (strcmp(*only, name) == 0)
            return true;
    return only == NULL;
}

static bool known(const char *name)
{
    for (size_t i = 0; lab_fault_at(i) != NULL; i++)
        if (strcmp(lab_fault_at(i)->name, name) == 0)
            return true;
    return false;
}

static void set_up(struct server *s, struct tw_lab *lab, const struct lab_fault *f)
{
    *s = (struct server){.lab = lab, .fault = f, .fd = -1, .fill = {-1, -1, -1}};
    s->shown = (struct tw_lab_fault){.name = f->name, .title = f->title, .expect = f->expect,
                                     .options = f->options, .host = "localhost",
                                     .warning = f->warning};
    if (f->kind != LAB_TLS)
        return;
    lab_healthy_config(&s->config);
    s->config.creds = &lab->certs.cred[f->cred];
    s->config.creds_n = 1;
    if (f->trust != LAB_TRUST_NONE)
        s->config.creds = &lab->certs.trust[f->trust];
    if (f->chain != LAB_CHAIN_NONE)
        s->config.creds = &lab->certs.chain[f->chain];
    if (f->site != NULL) {
        s->site = (struct tw_server_site){f->site, f->site_trust != LAB_TRUST_NONE
                                                       ? &lab->certs.trust[f->site_trust]
                                                       : &lab->certs.cred[f->cred], 1};
        s->config.sites = &s->site;
        s->config.sites_n = 1;
    }
    memset(s->config.ticket_key, 0x42, sizeof s->config.ticket_key);
    if (f->staple != LAB_BODY_NONE)
        s->config.ocsp_response = tw_buf_view(&lab->certs.body[f->staple]);
    if (f->tls != NULL)
        f->tls(&s->config);
}

bool tw_lab_knows(const char *name)
{
    return known(name);
}

/* The ports that certificates name must be open before the certificates are made. */
static bool open_ca_ports(struct tw_lab *lab)
{
    static const struct lab_fault http = {.name = "http", .kind = LAB_HTTP},
                                  dead = {.name = "dead", .kind = LAB_NOT_LISTENING};
    set_up(&lab->http, lab, &http);
    set_up(&lab->dead, lab, &dead);
    return listen_tcp(&lab->http, 0) && bind_only(&lab->dead, 0);
}

int tw_lab_start(struct tw_lib *lib, const char *const *only, unsigned base_port,
                 struct tw_lab **out, const char **why)
{
    (void)lib; /* the lab runs in a thread of its own and must not share it */
    *out = NULL;
    for (size_t i = 0; only != NULL && only[i] != NULL; i++)
        if (!known(only[i])) {
            *why = "one of the names is no fault of the lab (lab --list shows them)";
            return TW_EXIT_USAGE;
        }
    struct tw_lab *lab = calloc(1, sizeof *lab);
    *why = "out of memory";
    if (lab == NULL)
        return TW_EXIT_UNKNOWN;
    lab->dead.fd = -1;
    lab->crypto = tw_crypto_new();
    bool ok = lab->crypto != NULL && uv_loop_init(&lab->loop) == 0;
    lab->loop_ready = ok;
    ok = ok && uv_async_init(&lab->loop, &lab->stop, on_stop) == 0;
    if (ok && !open_ca_ports(lab)) {
        *why = "a port on loopback cannot be opened";
        ok = false;
    }
    if (ok && !lab_certs_make(&lab->certs, lab->crypto, (int64_t)time(NULL), lab->http.shown.port,
                              lab->dead.shown.port)) {
        *why = "certificates cannot be made";
        ok = false;
    }
    for (size_t i = 0; ok && lab_fault_at(i) != NULL && lab->servers_n < MAX_FAULTS; i++) {
        if (!wanted(only, lab_fault_at(i)->name))
            continue;
        struct server *s = &lab->servers[lab->servers_n++];
        set_up(s, lab, lab_fault_at(i));
        ok = open_port(s, base_port == 0 ? 0 : base_port + (unsigned)i);
        if (!ok)
            *why = "a port on loopback cannot be opened (is it in use?)";
    }
    ok = ok && pthread_create(&lab->thread, NULL, run, lab) == 0;
    lab->running = ok;
    if (!ok) {
        tw_lab_stop(lab);
        return TW_EXIT_USAGE;
    }
    *out = lab;
    return 0;
}

const struct tw_lab_fault *tw_lab_at(const struct tw_lab *lab, size_t i)
{
    return i < lab->servers_n ? &lab->servers[i].shown : NULL;
}

const char *tw_lab_log_list(const struct tw_lab *lab)
{
    return (const char *)lab->certs.log_list.data;
}

const char *tw_lab_ca(const struct tw_lab *lab)
{
    return (const char *)lab->certs.ca_pem.data;
}
