/*
 * The life of one connection: connect (Happy Eyeballs for the baseline), handshake through the
 * engine, the first application bytes, the end. Every wait has a deadline.
 */
#include "probe/probe_internal.h"

#include <errno.h>
#include <time.h>

enum {
    HAPPY_EYEBALLS_MS = 250,   /* RFC 8305 5, Connection Attempt Delay */
    LISTEN_MS = 1500,          /* how long a banner may take */
    LISTEN_MIN_MS = 300,
    BANNER_REST_MS = 200,      /* how long the rest of it may take once it has begun */
    CONNECT_MAX_MS = 6000,     /* two SYN retransmissions */
    TRIAL_MAX_MS = 3000
};

struct attempt {
    struct pconn *pc;
    struct tw_sock *sock;
    const struct tw_addr *addr;
    bool failed;
};

struct pconn {
    struct probe *p;
    uint32_t n;
    const struct tw_trial *trial;   /* NULL: baseline */
    struct attempt attempts[TW_MAX_ADDRS]; size_t attempts_n;
    const struct tw_addr *addrs; size_t addrs_n;
    struct tw_timer *eyeballs, *timer;
    struct tw_sock *sock;           /* the connected one */
    struct tw_dialogue *dialogue;   /* what is said before TLS; kept for its framing */
    size_t dialogues;               /* how many of p->before are done */
    struct tw_conn *tls;
    struct raw *raw;
    uint64_t started, connected, confirm_start;
    struct tw_buf held;             /* second part of a ClientHello that is sent in two */
    struct tw_timer *second;
    bool hello_split;
    bool request_sent, confirming, not_tls, over;
};

static struct tw_fact fact(const struct pconn *pc, enum tw_fact_kind kind)
{
    return (struct tw_fact){.conn = pc->n, .at = tw_net_now() - pc->p->start, .kind = kind,
                            .msg = TW_NO_MSG};
}

static void over(struct pconn *pc)
{
    if (pc->over)
        return;
    pc->over = true;
    tw_timer_stop(pc->eyeballs);
    tw_timer_stop(pc->timer);
    tw_timer_stop(pc->second);
    pc->eyeballs = pc->timer = pc->second = NULL;
    for (size_t i = 0; i < pc->attempts_n; i++) {
        if (!pc->attempts[i].failed)
            tw_sock_close(pc->attempts[i].sock);
        pc->attempts[i].sock = NULL;
        pc->attempts[i].failed = true;
    }
    pc->sock = NULL;
    probe_conn_over(pc->p);
}

void pconn_free(struct pconn *pc)
{
    if (pc == NULL)
        return;
    tw_conn_free(pc->tls);
    tw_dialogue_free(pc->dialogue);
    tw_buf_cleanup(&pc->held);
    raw_free(pc->raw);
    free(pc);
}

/* ---- deadlines ------------------------------------------------------------------------------------ */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void on_timer(void *user);

static void wait_at_most(struct pconn *pc, uint64_t ms)
{
    tw_timer_stop(pc->timer);
    pc->timer = tw_timer_start(pc->p->net, min_u64(ms, probe_left_ms(pc->p)), 0, on_timer, pc);
}

/*
 * How long to listen to a server that is sent nothing. One that hung up on the ClientHello within
 * some milliseconds would do so here in much the same time, if it was not the ClientHello.
 */
static uint64_t listen_ms(const struct pconn *pc)
{
    const struct tw_conn_view *base = pc->p->r->diagnosis->c.base;
    if (base == NULL || (base->end != TW_END_FIN && base->end != TW_END_RST))
        return LISTEN_MS;
    uint64_t took_ms = (base->ended - base->started) / 1000000;
    return min_u64(LISTEN_MS, LISTEN_MIN_MS + 20 * took_ms);
}

/* The baseline leaves time for the trials that may have to explain it. */
static uint64_t handshake_ms(const struct pconn *pc)
{
    uint64_t whole = pc->p->o->timeout_ms;
    if (pc->trial == NULL)
        return whole * 2 / 5;
    if (pc->trial->transport == TW_TRANSPORT_HTTP)
        return min_u64(2 * listen_ms(pc), TRIAL_MAX_MS);
    if (pc->trial->transport == TW_TRANSPORT_LISTEN)
        return min_u64(listen_ms(pc), whole / 5);
    return min_u64(TRIAL_MAX_MS, whole * 7 / 20);
}

/* The connection ends before there was any TLS on it. */
static void end_dialogue(struct pconn *pc, const char *how, int err)
{
    tw_dialogue_end(pc->dialogue, tw_net_now(), how);
    bool ours = strcmp(how, "stopped") == 0 || strcmp(how, "timeout") == 0;
    struct tw_fact f = fact(pc, TW_FACT_END);
    f.from = ours ? TW_CLIENT : TW_SERVER;
    f.field = how;
    f.num = err;
    f.text = "waiting for an answer before TLS";
    probe_fact(pc->p, f);
}

/* What the kernel knows at the end tells a path that loses packets from a host that is silent. */
static void note_tcp_info(struct pconn *pc)
{
    struct tw_sock_info info;
    char text[128];
    if (pc->sock == NULL || !tw_sock_info(pc->sock, &info))
        return;
    snprintf(text, sizeof text, "%u segment%s not acknowledged, %u sent again, round trip %.1f ms",
             info.unacked, info.unacked == 1 ? "" : "s", info.retransmits,
             (double)info.rtt_us / 1000);
    struct tw_fact f = fact(pc, TW_FACT_TCP);
    f.from = TW_CLIENT;
    f.field = "info";
    f.num = info.unacked;
    f.aux = info.retransmits;
    f.text = text;
    probe_fact(pc->p, f);
}

static void end_with(struct pconn *pc, const char *how, int err)
{
    if (strcmp(how, "timeout") == 0)
        note_tcp_info(pc);
    if (pc->tls != NULL)
        tw_conn_end(pc->tls, tw_net_now(), how, err);
    else if (pc->raw != NULL)
        raw_end(pc->raw, how, err);
    else if (pc->dialogue != NULL)
        end_dialogue(pc, how, err);
    over(pc);
}

static void connect_failed_fact(struct pconn *pc, const struct tw_addr *a, int err, bool deadline)
{
    struct tw_fact f = fact(pc, TW_FACT_TCP);
    f.field = "connect";
    f.text = a->text;
    f.num = err;
    f.aux = deadline;
    probe_fact(pc->p, f);
}

void pconn_abort(struct pconn *pc, const char *how)
{
    if (pc->over)
        return;
    if (pc->sock == NULL) {
        for (size_t i = 0; i < pc->attempts_n; i++)
            if (!pc->attempts[i].failed)
                connect_failed_fact(pc, pc->attempts[i].addr, ETIMEDOUT, true);
        over(pc);
        return;
    }
    end_with(pc, how, 0);
}

bool pconn_listens(const struct pconn *pc)
{
    return !pc->over && pc->trial != NULL &&
           (pc->trial->transport == TW_TRANSPORT_LISTEN ||
            pc->trial->transport == TW_TRANSPORT_HTTP);
}

static void on_timer(void *user)
{
    struct pconn *pc = user;
    pconn_abort(pc, pc->confirming || pc->not_tls ? "stopped" : "timeout");
}

/* ---- after the handshake ----------------------------------------------------------------------------- */

static void send_second(void *user)
{
    struct pconn *pc = user;
    tw_timer_stop(pc->second);
    pc->second = NULL;
    if (pc->sock != NULL)
        tw_sock_send(pc->sock, tw_buf_view(&pc->held));
    pc->held.len = 0;
}

/* The ClientHello in two segments, the second one a moment later. */
static void send_split(struct pconn *pc, struct tw_view out)
{
    size_t first = pc->trial->wire.first_segment;
    pc->hello_split = true;
    tw_buf_init(&pc->held, 1 << 16);
    if (!tw_buf_add(&pc->held, out.data + first, out.len - first))
        return;
    tw_sock_send(pc->sock, tw_view_sub(out, 0, first));
    pc->second = tw_timer_start(pc->p->net, pc->trial->wire.delay_ms, 0, send_second, pc);
}

static void send_output(struct pconn *pc)
{
    struct tw_view out = tw_conn_output(pc->tls);
    if (out.len == 0 || pc->sock == NULL)
        return;
    if (pc->trial != NULL && !pc->hello_split && pc->trial->wire.first_segment > 0 &&
        out.len > pc->trial->wire.first_segment)
        send_split(pc, out);
    else if (pc->dialogue != NULL && tw_dialogue_framed(pc->dialogue)) {
        struct tw_buf wire;
        tw_buf_init(&wire, 1 << 20);
        tw_dialogue_wrap(pc->dialogue, out, &wire);
        tw_sock_send(pc->sock, tw_buf_view(&wire));
        tw_buf_cleanup(&wire);
    } else {
        tw_sock_send(pc->sock, out);
    }
    tw_conn_sent(pc->tls, tw_net_now(), out.len);
}

static bool server_sent(const struct pconn *pc, uint8_t msg)
{
    return tw_trace_message(pc->p->r->trace, pc->n, TW_SERVER, msg) != NULL;
}

/* The answer's Date is a second clock: worth waiting for when a date is in question, or asked for. */
static bool wants_clock(const struct pconn *pc)
{
    const struct tw_trace *t = pc->p->r->trace;
    const struct tw_fact *f = NULL;
    int64_t now = tw_trace_setting_num(t, "wall_time", 0);
    if (pc->p->target->app != TW_APP_HTTP)
        return false;
    if (pc->p->o->sntp != NULL)
        return true;
    while ((f = tw_trace_next(t, f, pc->n, TW_FACT_CERTIFICATE, NULL)) != NULL) {
        struct tw_cert c;
        if (f->from == TW_SERVER && tw_cert_parse(f->data, &c) &&
            (now < c.not_before || now > c.not_after))
            return true;
    }
    return false;
}

/*
 * How long to wait for the first application byte. In TLS 1.3 a server can refuse the client after
 * the client has finished, so silence is worth waiting for; a ticket, or the server's Finished
 * below 1.3, shows that it went on. A web server that asked for a certificate may still say no
 * in HTTP (nginx does).
 */
static uint64_t confirm_ms(const struct pconn *pc)
{
    uint64_t rtt_ms = (pc->connected - pc->started) / 1000000;
    if (server_sent(pc, TW_MSG_CERTIFICATE_REQUEST) || wants_clock(pc))
        return min_u64(4 * rtt_ms + 1000, 3000);
    if (tw_conn_version(pc->tls) < TW_TLS13 || server_sent(pc, TW_MSG_NEW_SESSION_TICKET))
        return min_u64(2 * rtt_ms + 2, 500);
    return min_u64(4 * rtt_ms + 250, 1000);
}

static void finish_well(struct pconn *pc)
{
    tw_conn_close(pc->tls, tw_net_now());
    send_output(pc);
    end_with(pc, "stopped", 0);
}

/* The server's clock beside ours at the same moment. */
static void note_clock(struct pconn *pc)
{
    int64_t date;
    if (!tw_http_clock(tw_conn_app_data(pc->tls), tw_conn_alpn(pc->tls), &date))
        return;
    struct tw_fact f = fact(pc, TW_FACT_CLOCK);
    f.from = TW_SERVER;
    f.field = "http_date";
    f.num = date;
    f.aux = (int64_t)time(NULL);
    f.source = "RFC 9110 6.6.1";
    probe_fact(pc->p, f);
}

static void note_http_status(struct pconn *pc, int status)
{
    if (status <= 0)
        return;
    note_clock(pc);
    struct tw_fact f = fact(pc, TW_FACT_FIELD);
    f.from = TW_SERVER;
    f.field = "http_status";
    f.num = status;
    probe_fact(pc->p, f);
}

static bool speaks_http(const struct pconn *pc)
{
    const char *alpn = tw_conn_alpn(pc->tls);
    return pc->p->target->app == TW_APP_HTTP &&
           (alpn[0] == '\0' || strcmp(alpn, "h2") == 0 || strncmp(alpn, "http/", 5) == 0);
}

/* The answer and the server's close_notify or FIN may come in one piece. */
static void note_last_answer(struct pconn *pc)
{
    if (pc->tls == NULL || !pc->request_sent || !speaks_http(pc))
        return;
    struct tw_view app = tw_conn_app_data(pc->tls);
    if (app.len > 0)
        note_http_status(pc, tw_http_status(app, tw_conn_alpn(pc->tls)));
}

/* Called after each event while the connection is open. */
static void confirm(struct pconn *pc)
{
    if (pc->dialogue != NULL)
        tw_dialogue_unframed(pc->dialogue);
    bool http = speaks_http(pc);
    const char *alpn = tw_conn_alpn(pc->tls);
    if (!pc->request_sent && http) {
        struct tw_buf req;
        tw_buf_init(&req, 4096);
        const char *host = pc->p->target->host;
        tw_http_request(&req, alpn, host, pc->p->target->path);
        if (!req.failed && tw_conn_write(pc->tls, tw_net_now(), tw_buf_view(&req)) == TW_OK)
            send_output(pc);
        tw_buf_cleanup(&req);
    }
    pc->request_sent = true;
    struct tw_view app = tw_conn_app_data(pc->tls);
    int status = app.len > 0 && http ? tw_http_status(app, alpn) : -1;
    if (app.len > 0 && (status != 0 || !server_sent(pc, TW_MSG_CERTIFICATE_REQUEST))) {
        note_http_status(pc, status);
        finish_well(pc);
        return;
    }
    uint64_t now = tw_net_now();
    if (!pc->confirming)
        pc->confirm_start = now;
    pc->confirming = true;
    uint64_t waited = (now - pc->confirm_start) / 1000000, limit = confirm_ms(pc);
    wait_at_most(pc, limit > waited ? limit - waited : 0); /* a trickle does not prolong it */
}

/* ---- socket events ------------------------------------------------------------------------------------- */

static void after_engine(struct pconn *pc, enum tw_status st)
{
    send_output(pc);
    if (tw_conn_not_tls(pc->tls) && !pc->not_tls) {
        pc->not_tls = true;
        wait_at_most(pc, BANNER_REST_MS);
    }
    if (st != TW_OK || tw_conn_state(pc->tls) == TW_CONN_STOPPED) {
        note_last_answer(pc);
        end_with(pc, "stopped", 0);
    } else if (tw_conn_state(pc->tls) == TW_CONN_OPEN)
        confirm(pc);
}

static void feed_tls(struct pconn *pc, struct tw_view bytes)
{
    if (pc->dialogue == NULL || !tw_dialogue_framed(pc->dialogue)) {
        after_engine(pc, tw_conn_feed(pc->tls, tw_net_now(), bytes));
        return;
    }
    struct tw_buf tls;
    tw_buf_init(&tls, 1 << 20);
    bool whole = tw_dialogue_unwrap(pc->dialogue, bytes, &tls);
    if (tls.len > 0)
        after_engine(pc, tw_conn_feed(pc->tls, tw_net_now(), tw_buf_view(&tls)));
    tw_buf_cleanup(&tls);
    if (!whole && !pc->over)
        end_with(pc, "stopped", 0);
}

static void feed_dialogue(struct pconn *pc, struct tw_view bytes);

static void on_data(void *user, struct tw_view bytes)
{
    struct pconn *pc = ((struct attempt *)user)->pc;
    if (pc->over)
        return;
    if (pc->tls != NULL) {
        feed_tls(pc, bytes);
    } else if (pc->raw == NULL) {
        feed_dialogue(pc, bytes);
    } else if (raw_data(pc->raw, bytes)) {
        end_with(pc, "stopped", 0);
    }
}

static void on_ended(void *user, const char *how, int err)
{
    struct pconn *pc = ((struct attempt *)user)->pc;
    if (pc->over)
        return;
    note_last_answer(pc);
    end_with(pc, how, err);
}

/* ---- starting the conversation --------------------------------------------------------------------------- */

static bool start_tls(struct pconn *pc)
{
    struct probe *p = pc->p;
    struct tw_conn_config cfg = {.crypto = p->lib->crypto, .trace = p->r->trace, .conn = pc->n,
                                 .trace_start = p->start, .client_cred = p->o->cred};
    cfg.hello = p->hello;
    if (pc->trial != NULL && pc->trial->client != NULL)
        tw_client_profile_hello(pc->trial->client, &cfg.hello);
    tw_copy_str(cfg.hello.server_name, sizeof cfg.hello.server_name, p->server_name);
    if (pc->trial == NULL && p->o->hello.len > 0) {
        cfg.hello.raw = p->o->hello;
        cfg.answer_only = true;
    }
    if (pc->trial != NULL && pc->trial->apply != NULL)
        pc->trial->apply(&cfg.hello, &p->r->diagnosis->c);
    for (size_t i = 0; pc->trial != NULL && i < pc->trial->without_n; i++)
        tw_hello_drop_ext(&cfg.hello, pc->trial->without[i]);
    uint8_t seed[4];
    if (p->lib->crypto->random(p->lib->crypto->ctx, seed, sizeof seed))
        memcpy(&cfg.hello.grease_seed, seed, sizeof seed);
    pc->tls = tw_conn_new(&cfg, TW_ROLE_CLIENT, tw_net_now());
    if (pc->tls == NULL)
        return false;
    send_output(pc);
    return true;
}

static enum tw_transport transport(const struct pconn *pc)
{
    return pc->trial == NULL ? TW_TRANSPORT_TLS : pc->trial->transport;
}

/* How many dialogues come before TLS: proxies (they stand first) always, the upgrade mostly. */
static size_t dialogues_before(const struct pconn *pc)
{
    const struct probe *p = pc->p;
    enum tw_transport kind = transport(pc);
    if (kind == TW_TRANSPORT_TLS_PROXY)
        return 0;
    if (kind == TW_TRANSPORT_TLS || kind == TW_TRANSPORT_SSL2)
        return p->before_n;
    return p->before_n > 0 && tw_protocol_is_proxy(p->before[0]);
}

static bool start_raw(struct pconn *pc)
{
    pc->raw = raw_new(pc->p, pc->n, transport(pc));
    if (pc->raw != NULL && raw_opening(pc->raw).len > 0)
        tw_sock_send(pc->sock, raw_opening(pc->raw));
    return pc->raw != NULL;
}

static void say(struct pconn *pc)
{
    struct tw_view out = tw_dialogue_output(pc->dialogue);
    if (out.len > 0 && pc->sock != NULL)
        tw_sock_send(pc->sock, out);
    tw_dialogue_sent(pc->dialogue);
}

static bool start_dialogue(struct pconn *pc, const struct tw_protocol *protocol)
{
    struct probe *p = pc->p;
    struct tw_dialogue_config cfg = {.protocol = protocol, .host = p->target->host,
                                     .port = p->target->port, .user = p->o->proxy_user,
                                     .password = p->o->proxy_password, .trace = p->r->trace,
                                     .conn = pc->n, .trace_start = p->start};
    tw_dialogue_free(pc->dialogue);
    pc->dialogue = tw_dialogue_new(&cfg, tw_net_now());
    if (pc->dialogue != NULL)
        say(pc);
    return pc->dialogue != NULL;
}

/* The next thing to do on the connection: what must be said before TLS, then TLS itself. */
static void start_conversation(struct pconn *pc)
{
    struct probe *p = pc->p;
    bool ok;
    enum tw_transport kind = transport(pc);
    if (pc->dialogues < dialogues_before(pc))
        ok = start_dialogue(pc, p->before[pc->dialogues]);
    else if (kind == TW_TRANSPORT_TLS || kind == TW_TRANSPORT_TLS_DIRECT ||
             kind == TW_TRANSPORT_TLS_PROXY)
        ok = start_tls(pc);
    else
        ok = start_raw(pc);
    if (!ok) {
        over(pc);
        return;
    }
    wait_at_most(pc, handshake_ms(pc));
    if (pc->trial == NULL && p->o->ca == NULL && p->o->stores == NULL && pc->tls != NULL)
        tw_system_trust(p->lib); /* while the server is at work on its answer */
}

static void feed_dialogue(struct pconn *pc, struct tw_view bytes)
{
    size_t used;
    enum tw_dialogue_state st = tw_dialogue_feed(pc->dialogue, tw_net_now(), bytes, &used);
    say(pc);
    if (st == TW_DIALOGUE_GOING_ON)
        return;
    if (st != TW_DIALOGUE_READY) {
        end_with(pc, "stopped", 0);
        return;
    }
    pc->dialogues++;
    start_conversation(pc);
    struct tw_view rest = tw_view_sub(bytes, used, bytes.len);
    if (rest.len == 0 || pc->over)
        return;
    if (pc->tls != NULL)
        feed_tls(pc, rest);
    else if (pc->raw == NULL)
        feed_dialogue(pc, rest);
}

static void try_next(void *user);

/*
 * A SYN that is answered by RST gives ECONNREFUSED; ECONNRESET says that the connection stood and
 * was reset before we got to look at it.
 */
static void reset_at_once(struct pconn *pc, const struct attempt *a, int err)
{
    connect_failed_fact(pc, a->addr, 0, false);
    struct tw_fact f = fact(pc, TW_FACT_END);
    f.from = TW_SERVER;
    f.field = "rst";
    f.num = err;
    f.text = "nothing sent yet";
    probe_fact(pc->p, f);
    over(pc);
}

static void on_connected(void *user, int err)
{
    struct attempt *a = user;
    struct pconn *pc = a->pc;
    if (pc->over)
        return;
    if (err != 0) {
        a->failed = true; /* the socket closed itself */
        a->sock = NULL;
        if (err == ECONNRESET) {
            reset_at_once(pc, a, err);
            return;
        }
        connect_failed_fact(pc, a->addr, err, false);
        try_next(pc);
        return;
    }
    pc->sock = a->sock;
    pc->connected = tw_net_now();
    tw_timer_stop(pc->eyeballs);
    pc->eyeballs = NULL;
    for (size_t i = 0; i < pc->attempts_n; i++) {
        struct attempt *other = &pc->attempts[i];
        if (other == a || other->failed)
            continue;
        tw_sock_close(other->sock);
        other->failed = true;
    }
    connect_failed_fact(pc, a->addr, 0, false); /* errno 0: connected */
    if (!pc->p->have_winner) {
        pc->p->have_winner = true;
        pc->p->winner = *a->addr;
    }
    start_conversation(pc);
}

static const struct tw_sock_events events = {on_connected, on_data, on_ended};

static bool any_pending(const struct pconn *pc)
{
    for (size_t i = 0; i < pc->attempts_n; i++)
        if (!pc->attempts[i].failed)
            return true;
    return false;
}

/* Starts the next address; called at once when one fails and every 250 ms while one is slow. */
static void try_next(void *user)
{
    struct pconn *pc = user;
    while (pc->attempts_n < pc->addrs_n) {
        struct attempt *a = &pc->attempts[pc->attempts_n];
        *a = (struct attempt){.pc = pc, .addr = &pc->addrs[pc->attempts_n]};
        pc->attempts_n++;
        int err;
        a->sock = tw_sock_connect_mss(pc->p->net, a->addr, pc->trial == NULL ? 0 : pc->trial->wire.mss,
                                      &events, a, &err);
        if (a->sock != NULL)
            return;
        a->failed = true;
        connect_failed_fact(pc, a->addr, err, false);
    }
    if (!any_pending(pc))
        over(pc);
}

bool pconn_start(struct probe *p, uint32_t n, const struct tw_trial *trial)
{
    struct pconn *pc = calloc(1, sizeof *pc);
    if (pc == NULL)
        return false;
    pc->p = p;
    pc->n = n;
    pc->trial = trial;
    pc->started = tw_net_now();
    pc->addrs = p->have_winner ? &p->winner : p->addrs;
    pc->addrs_n = p->have_winner ? 1 : p->addrs_n;
    if (trial != NULL && trial->address > 0 && trial->address <= p->addrs_n) {
        pc->addrs = &p->addrs[trial->address - 1];
        pc->addrs_n = 1;
    }
    p->conns[p->conns_n++] = pc;
    p->active++;
    struct tw_fact f = fact(pc, TW_FACT_TRIAL);
    f.field = trial == NULL ? "baseline" : trial->id;
    f.text = trial == NULL ? "the handshake as asked for" : trial->changed;
    probe_fact(p, f);
    wait_at_most(pc, min_u64(p->o->timeout_ms * 3 / 5, CONNECT_MAX_MS));
    if (pc->addrs_n > 1)
        pc->eyeballs = tw_timer_start(p->net, HAPPY_EYEBALLS_MS, HAPPY_EYEBALLS_MS, try_next, pc);
    try_next(pc);
    return true;
}
