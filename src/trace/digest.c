/*
 * One connection in short: how far it got and what stopped it. Seen from the client's place, for
 * live connections as well as for captures.
 *
 * The facts are read once, in order, and only noted; what stopped the connection is decided at
 * the end, because the order in which facts arrive is not the order in which they count:
 *
 *  - An error alert from the server is its own word about the reason. It beats the FIN or RST
 *    that follows it, and whatever our side made of the silence.
 *  - First bytes that are no TLS beat everything but an alert that came before them.
 *  - Our side's refusal (LOCAL, or an error alert from the client in a capture) counts unless the
 *    server had said or ended something before.
 *  - A completed handshake stays complete, except that a TLS 1.3 client is done before the server
 *    has judged the client's certificate and Finished (RFC 8446 4.4.2.4, appendix E.1.5): an
 *    alert that comes then, or a connection cut off before any sign of life, is a failure.
 *
 * close_notify is no error alert (RFC 8446 6.1): it ends a connection like a FIN.
 */
#include "trace/trace.h"

#include "registry/registry.h"

#include <errno.h>

/* Handshake message types, RFC 8446 B.3 and RFC 5246 7.4. Type 6 stands for HelloRetryRequest in
 * facts, see wire.h, which lies below this folder. */
/* clang-format off */
enum {
    CLIENT_HELLO = 1, SERVER_HELLO = 2, NEW_SESSION_TICKET = 4, HELLO_RETRY_REQUEST = 6,
    CERTIFICATE = 11, CERTIFICATE_REQUEST = 13, SERVER_HELLO_DONE = 14, COMPRESSED_CERTIFICATE = 25
};
/* clang-format on */
/* RFC 8446 6: alerts that are not errors whatever their level; 1 is the level "warning". */
enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90, LEVEL_WARNING = 1 };

struct reading {
    struct tw_conn_view *v;
    const struct tw_fact *server_error; /* first error alert of each side */
    const struct tw_fact *client_error;
    const struct tw_fact *server_warning; /* first one but close_notify */
    const struct tw_fact *server_close;   /* close_notify */
    bool went_on;                         /* the server sent messages after its warning */
};

const char *tw_phase_name(enum tw_phase p)
{
    switch (p) {
    case TW_PHASE_NONE:
        return "tcp";
    case TW_PHASE_TCP:
        return "client_hello";
    case TW_PHASE_HELLO_SENT:
        return "server_hello";
    case TW_PHASE_SERVER_HELLO:
        return "certificate";
    case TW_PHASE_CERTIFICATE:
        return "key_exchange";
    case TW_PHASE_KEY_EXCHANGE:
    case TW_PHASE_SERVER_FINISHED:
        return "finished";
    case TW_PHASE_COMPLETE:
    case TW_PHASE_CONFIRMED:
        break;
    }
    return "application";
}

/* ---- noting facts ------------------------------------------------------------------------- */

static void reach(struct tw_conn_view *v, enum tw_phase p)
{
    if (p > v->phase)
        v->phase = p;
}

static void keep_first(const struct tw_fact **slot, const struct tw_fact *f)
{
    if (*slot == NULL)
        *slot = f;
}

/*
 * Several addresses may have been tried. The one that connected is the peer; among failures the
 * one that tells most: refused by the host, then unanswered, then not even a route.
 */
static int connect_rank(const struct tw_fact *f)
{
    if (f->aux == 1 || f->num == ETIMEDOUT)
        return 2;
    if (f->num == 0)
        return 4;
    return f->num == ECONNREFUSED || f->num == ECONNRESET ? 3 : 1;
}

static void note_tcp(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    if (strcmp(f->field, "connect") != 0)
        return;
    if (v->tcp != NULL && connect_rank(v->tcp) >= connect_rank(f))
        return;
    v->tcp = f;
    v->address = f->text;
    if (connect_rank(f) == 4) {
        reach(v, TW_PHASE_TCP);
        v->connected = f->at;
    }
}

/* A client that has no certificate answers with an empty list (RFC 8446 4.4.2, RFC 5246 7.4.6).
 * Only the TLS 1.3 body starts with a context, which is empty during the handshake. */
static bool has_certificate(const struct tw_conn_view *v, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    if (v->version == TW_TLS13)
        tw_rd_vec(&r, 1, "certificate_request_context");
    return tw_rd_uint(&r, 3, "certificate_list") > 0;
}

static void note_client_message(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    if (f->msg == CLIENT_HELLO) {
        if (!v->hello_sent)
            v->hello_at = f->at;
        v->hello_sent = true;
        reach(v, TW_PHASE_HELLO_SENT);
    } else if (f->msg == CERTIFICATE && has_certificate(v, f->data)) {
        v->client_cert_sent = true;
    }
}

static void note_server_certificate(struct tw_conn_view *v, const struct tw_fact *f)
{
    /* the message that a compressed one unpacks to is the better one to point at */
    if (v->certificate_msg == NULL || v->certificate_msg->msg == COMPRESSED_CERTIFICATE)
        v->certificate_msg = f;
    reach(v, TW_PHASE_CERTIFICATE);
}

static void note_server_message(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    r->went_on = r->server_warning != NULL;
    switch (f->msg) {
    case HELLO_RETRY_REQUEST:
        v->hello_retry = true;
        break;
    case SERVER_HELLO:
        keep_first(&v->server_hello, f);
        reach(v, TW_PHASE_SERVER_HELLO);
        break;
    case CERTIFICATE:
    case COMPRESSED_CERTIFICATE:
        note_server_certificate(v, f);
        break;
    case CERTIFICATE_REQUEST:
        v->cert_request = true;
        break;
    case SERVER_HELLO_DONE:
        reach(v, TW_PHASE_KEY_EXCHANGE);
        break;
    case NEW_SESSION_TICKET:
        if (v->version == TW_TLS13)
            v->tls13_ticket = true;
        if (v->phase >= TW_PHASE_COMPLETE)
            reach(v, TW_PHASE_CONFIRMED);
        break;
    default:
        break;
    }
}

/* In TLS 1.3 the level means nothing and every other alert is an error, known or not (RFC 8446
 * 6). Before the version is known a warning may still be just that (RFC 6066 3). */
static bool is_error_alert(const struct tw_conn_view *v, const struct tw_fact *f)
{
    if (f->num == CLOSE_NOTIFY)
        return false;
    if (v->version == TW_TLS13)
        return f->num != USER_CANCELED;
    return f->aux != LEVEL_WARNING;
}

static void note_alert(struct reading *r, const struct tw_fact *f)
{
    bool error = is_error_alert(r->v, f);
    if (f->num < 0 || f->num > UINT8_MAX)
        return; /* no alert description; only a trace file can hold this */
    if (f->from == TW_CLIENT) {
        if (error)
            keep_first(&r->client_error, f);
        if (f->num != CLOSE_NOTIFY && r->v->our_alert < 0)
            r->v->our_alert = (int)f->num;
    } else if (f->from != TW_SERVER) {
        return;
    } else if (error) {
        keep_first(&r->server_error, f);
    } else if (f->num == CLOSE_NOTIFY) {
        keep_first(&r->server_close, f);
    } else {
        keep_first(&r->server_warning, f);
    }
}

static void note_check(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    if (f->num == 0) {
        keep_first(&v->failed_check, f);
    } else if (v->version == TW_TLS13 && f->from == TW_SERVER) {
        if (strcmp(f->field, "certificate_verify") == 0)
            reach(v, TW_PHASE_KEY_EXCHANGE);
        else if (strcmp(f->field, "finished") == 0)
            reach(v, TW_PHASE_SERVER_FINISHED);
    }
}

static uint16_t code_point(const struct tw_fact *f)
{
    return f->num > 0 && f->num <= UINT16_MAX ? (uint16_t)f->num : 0;
}

static void note_negotiated(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    if (strcmp(f->field, "version") == 0)
        v->version = code_point(f);
    else if (strcmp(f->field, "cipher") == 0)
        v->cipher = code_point(f);
    else if (strcmp(f->field, "group") == 0)
        v->group = code_point(f);
    else if (strcmp(f->field, "signature") == 0)
        v->sigscheme = code_point(f);
    else if (strcmp(f->field, "alpn") == 0)
        v->alpn = f->text;
    else if (strcmp(f->field, "resumed") == 0)
        v->resumed = f->num != 0;
}

/* Up to TLS 1.2 the server's Finished is the last flight, or the client's one is known to be good
 * because the server's came after it; so is the server's own word that it is done. */
static void note_complete(struct reading *r, const struct tw_fact *f)
{
    bool known_to_both = r->v->version < TW_TLS13 || f->from == TW_SERVER;
    reach(r->v, known_to_both ? TW_PHASE_CONFIRMED : TW_PHASE_COMPLETE);
}

static void note_certificate(struct reading *r, const struct tw_fact *f)
{
    if (f->from == TW_SERVER)
        r->v->server_certs++;
    else if (f->from == TW_CLIENT)
        r->v->client_cert_sent = true;
}

/* What is not on the wire from the server, though the fact may be about it. */
static bool is_server_bytes(const struct tw_fact *f)
{
    if (f->from != TW_SERVER)
        return false;
    switch (f->kind) {
    case TW_FACT_RECORD:
    case TW_FACT_MESSAGE:
    case TW_FACT_CCS:
    case TW_FACT_ALERT:
    case TW_FACT_NOT_TLS:
    case TW_FACT_MALFORMED:
    case TW_FACT_UNEXPECTED:
    case TW_FACT_APP_DATA:
        return true;
    default:
        return false;
    }
}

static void note_server_bytes(struct reading *r, const struct tw_fact *f)
{
    if (!r->v->peer_sent_bytes)
        r->v->first_byte = f->at;
    r->v->peer_sent_bytes = true;
    reach(r->v, TW_PHASE_TCP);
}

/* RFC 8446 6.1: what comes after close_notify is to be ignored. */
static void note_not_tls(struct reading *r, const struct tw_fact *f)
{
    if (f->from != TW_CLIENT && r->server_close == NULL)
        keep_first(&r->v->not_tls, f);
}

static void note_fact(struct reading *r, const struct tw_fact *f)
{
    struct tw_conn_view *v = r->v;
    switch (f->kind) {
    case TW_FACT_TRIAL:
        v->recipe = f->field;
        v->changed = f->text;
        v->started = f->at;
        break;
    case TW_FACT_TCP:
        note_tcp(r, f);
        break;
    case TW_FACT_MESSAGE:
        if (f->from == TW_CLIENT)
            note_client_message(r, f);
        else if (f->from == TW_SERVER)
            note_server_message(r, f);
        break;
    case TW_FACT_ALERT:
        note_alert(r, f);
        break;
    case TW_FACT_CHECK:
        note_check(r, f);
        break;
    case TW_FACT_NEGOTIATED:
        note_negotiated(r, f);
        break;
    case TW_FACT_CERTIFICATE:
        note_certificate(r, f);
        break;
    case TW_FACT_COMPLETE:
        note_complete(r, f);
        break;
    case TW_FACT_APP_DATA:
        if (f->from == TW_SERVER && v->phase >= TW_PHASE_COMPLETE)
            reach(v, TW_PHASE_CONFIRMED);
        break;
    case TW_FACT_NOT_TLS:
        note_not_tls(r, f);
        break;
    case TW_FACT_END:
        keep_first(&v->end_fact, f);
        break;
    case TW_FACT_LOCAL:
        keep_first(&v->local, f);
        break;
    case TW_FACT_MALFORMED:
        keep_first(&v->malformed, f);
        break;
    case TW_FACT_UNEXPECTED:
        keep_first(&v->unexpected, f);
        break;
    default:
        break;
    }
}

/* ---- what stopped it ---------------------------------------------------------------------- */

static bool before(const struct tw_fact *a, const struct tw_fact *b)
{
    return a != NULL && (b == NULL || a->n < b->n);
}

static bool ended_how(const struct tw_conn_view *v, const char *how)
{
    return v->end_fact != NULL && strcmp(v->end_fact->field, how) == 0;
}

static enum tw_end connect_end(const struct tw_fact *tcp)
{
    switch (connect_rank(tcp)) {
    case 4:
        return TW_END_OPEN;
    case 3:
        return tcp->num == ECONNRESET ? TW_END_RST : TW_END_REFUSED;
    case 2:
        return TW_END_CONNECT_TIMEOUT;
    default:
        return TW_END_UNREACHABLE;
    }
}

static enum tw_end transport_end(const struct tw_conn_view *v)
{
    if (v->end_fact == NULL)
        return TW_END_OPEN;
    /* in a capture the client hangs up in the words of the transport */
    if (v->end_fact->from == TW_CLIENT && (ended_how(v, "fin") || ended_how(v, "rst")))
        return TW_END_STOPPED;
    if (ended_how(v, "fin"))
        return TW_END_FIN;
    if (ended_how(v, "timeout"))
        return TW_END_TIMEOUT;
    if (ended_how(v, "stopped"))
        return TW_END_STOPPED;
    /* "rst", or the operating system's word for a connection that broke */
    if (v->end_fact->num == ETIMEDOUT)
        return TW_END_TIMEOUT;
    if (v->end_fact->num == EHOSTUNREACH || v->end_fact->num == ENETUNREACH)
        return TW_END_UNREACHABLE;
    return TW_END_RST;
}

static bool cut_off(const struct tw_conn_view *v)
{
    return v->end_fact != NULL && v->end_fact->from != TW_CLIENT &&
           (ended_how(v, "fin") || ended_how(v, "rst") || ended_how(v, "error"));
}

/* Our side's word, unless the transport was gone before; our own hanging up says less. */
static const struct tw_fact *our_refusal(const struct reading *r)
{
    const struct tw_conn_view *v = r->v;
    const struct tw_fact *ours = before(v->local, r->client_error) ? v->local : r->client_error;
    return before(v->end_fact, ours) && !ended_how(v, "stopped") ? NULL : ours;
}

/* The alert to report when there is no error alert: one with which the server left it. */
static const struct tw_fact *parting_alert(const struct reading *r)
{
    if (r->v->phase >= TW_PHASE_COMPLETE)
        return NULL;
    if (r->server_warning != NULL && !r->went_on)
        return r->server_warning;
    return r->server_close;
}

static enum tw_end unfinished_end(const struct reading *r, const struct tw_fact *parting)
{
    const struct tw_conn_view *v = r->v;
    if (v->phase == TW_PHASE_NONE && v->tcp != NULL)
        return connect_end(v->tcp);
    if (parting != NULL && parting != r->server_close && (cut_off(v) || r->server_close != NULL))
        return TW_END_ALERT;
    if (v->end_fact == NULL && r->server_close != NULL)
        return TW_END_FIN;
    return transport_end(v);
}

/* *why is the fact that ended it, when it was not the transport's END. */
static enum tw_end decide_end(const struct reading *r, const struct tw_fact *parting,
                              const struct tw_fact **why)
{
    const struct tw_conn_view *v = r->v;
    const struct tw_fact *ours = our_refusal(r), *error = r->server_error;
    *why = error;
    if (error != NULL && !before(ours, error) && !before(v->not_tls, error))
        return TW_END_ALERT;
    *why = v->not_tls;
    if (v->not_tls != NULL)
        return TW_END_NOT_TLS;
    *why = ours;
    if (ours != NULL)
        return TW_END_LOCAL;
    *why = NULL;
    if (v->phase == TW_PHASE_CONFIRMED)
        return TW_END_OK;
    if (v->phase == TW_PHASE_COMPLETE)
        return cut_off(v) && r->server_close == NULL ? transport_end(v) : TW_END_OK;
    enum tw_end end = unfinished_end(r, parting);
    if (end == TW_END_ALERT)
        *why = parting;
    else if (v->phase == TW_PHASE_NONE)
        *why = v->tcp;
    return end;
}

static void conclude(struct reading *r)
{
    struct tw_conn_view *v = r->v;
    const struct tw_fact *parting = parting_alert(r), *why = NULL;
    v->end = decide_end(r, parting, &why);
    v->ok = v->end == TW_END_OK;
    v->alert_fact = r->server_error != NULL ? r->server_error : parting;
    if (v->alert_fact != NULL) {
        v->alert = (int)v->alert_fact->num;
        v->alert_level = (int)v->alert_fact->aux;
        v->alert_protected =
            v->alert_fact->protected_ || strcmp(v->alert_fact->field, "protected") == 0;
    }
    if (r->server_warning != NULL)
        v->warning_alert = (int)r->server_warning->num;
    if (v->our_alert < 0 && v->local != NULL && v->local->num > 0 && v->local->num <= UINT8_MAX)
        v->our_alert = (int)v->local->num;
    if (why == NULL)
        why = v->end_fact;
    if (why != NULL && v->end != TW_END_OPEN)
        v->ended = why->at;
}

void tw_conn_digest(const struct tw_trace *t, uint32_t conn, struct tw_conn_view *v)
{
    *v = (struct tw_conn_view){
        .conn = conn, .recipe = "", .alert = -1, .warning_alert = -1, .our_alert = -1};
    struct reading r = {.v = v};
    size_t n = tw_trace_count(t);
    bool seen = false;
    for (size_t i = 0; i < n; i++) {
        const struct tw_fact *f = tw_trace_at(t, i);
        if (f->conn != conn)
            continue;
        if (!seen)
            v->started = f->at;
        seen = true;
        if (is_server_bytes(f))
            note_server_bytes(&r, f);
        note_fact(&r, f);
    }
    conclude(&r);
}
