/*
 * Server role: reads the ClientHello, applies what is configured about names and ALPN, and hands
 * on to server13.c or server12.c. What is chosen is in server_choose.c, certificates of both sides
 * in server_auth.c, tickets in server_ticket.c.
 *
 * The role answers as deployed servers do, alerts included, and can be told to have faults
 * (struct tw_faults). It does not judge a client's certificate, only its signature.
 */
#include "engine/server.h"

/* ---- configuration ------------------------------------------------------------------------------ */

static void or_default(struct tw_u16list *to, const struct tw_u16list *from,
                       const struct tw_u16list *otherwise)
{
    *to = from->n > 0 ? *from : *otherwise;
}

static bool take_config(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    struct tw_hello *usual = tw_arena_alloc(c->arena, sizeof *usual);
    if (usual == NULL)
        return false;
    tw_hello_default(usual);
    or_default(&s->versions, &s->cfg->versions, &usual->versions);
    or_default(&s->ciphers, &s->cfg->ciphers, &usual->ciphers);
    or_default(&s->groups, &s->cfg->groups, &usual->groups);
    or_default(&s->sigalgs, &s->cfg->sigalgs, &usual->sigalgs);
    return true;
}

static void server_start(struct tw_conn *c)
{
    c->server = tw_arena_alloc(c->arena, sizeof *c->server);
    if (c->server == NULL) {
        tw_conn_break(c, TW_E_NOMEM);
        return;
    }
    struct tw_server *s = c->server;
    s->cfg = c->cfg.server;
    s->psk_selected = -1;
    tw_buf_init(&s->share, 65536);
    tw_buf_init(&s->premaster, 65536);
    /* A client's CertificateVerify below TLS 1.3 is over all bytes, with a hash of its own. */
    c->transcript.keep = s->cfg->client_cert != 0;
    if (!take_config(c))
        tw_conn_break(c, TW_E_NOMEM);
}

static void server_cleanup(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    if (s == NULL)
        return;
    if (s->kex != NULL)
        c->crypto->kex_free(s->kex);
    if (s->leaf_key != NULL)
        c->crypto->pubkey_free(s->leaf_key);
    tw_buf_cleanup(&s->share);
    tw_buf_cleanup(&s->premaster);
}

/* ---- small things ------------------------------------------------------------------------------- */

void tw_server_send_buf(struct tw_conn *c, struct tw_buf *msg)
{
    if (msg->failed)
        tw_conn_break(c, TW_E_NOMEM);
    else
        tw_conn_send(c, tw_buf_view(msg));
    tw_buf_cleanup(msg);
}

void tw_server_corrupt_record(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    if (!s->cfg->faults.corrupt_record || s->corrupted || c->out.len == 0)
        return;
    s->corrupted = true;
    c->out.data[c->out.len - 1] ^= 1;
}

void tw_server_ext_empty(struct tw_buf *b, uint16_t type)
{
    tw_wr_u16(b, type);
    tw_wr_u16(b, 0);
}

void tw_server_ext_alpn(const struct tw_conn *c, struct tw_buf *b)
{
    if (c->alpn[0] == 0)
        return;
    tw_wr_u16(b, TW_EXT_ALPN);
    size_t body = tw_wr_open(b, 2), list = tw_wr_open(b, 2);
    tw_wr_vec(b, 1, tw_view_str(c->alpn));
    tw_wr_close(b, list, 2);
    tw_wr_close(b, body, 2);
}

bool tw_server_offers(const struct tw_server *s, uint16_t type)
{
    struct tw_view body;
    return tw_ext_find(s->ch.extensions, type, &body);
}

bool tw_server_alert_after_finished(struct tw_conn *c)
{
    if (!c->server->cfg->faults.alert_after_finished)
        return false;
    tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "fault", 0, "told to fail once the client is done");
    return true;
}

/* ---- names and ALPN ----------------------------------------------------------------------------- */

/* RFC 9525 6.3: a wildcard is the whole leftmost label. */
static bool name_matches(const char *pattern, struct tw_view host)
{
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    if (pattern[0] != '*' || pattern[1] != '.')
        return tw_view_ieq(host, pattern);
    size_t dot = 0;
    while (dot < host.len && host.data[dot] != '.')
        dot++;
    return dot > 0 && tw_view_ieq(tw_view_sub(host, dot, host.len - dot), pattern + 1);
}

static bool name_served(const struct tw_server_config *cfg, struct tw_view host)
{
    for (size_t i = 0; i < cfg->names_n; i++)
        if (name_matches(cfg->names[i], host))
            return true;
    return cfg->names_n == 0;
}

/* The credentials of the site with that name; those of the server where there is none. */
static void choose_site(struct tw_server *s, struct tw_view host)
{
    for (size_t i = 0; i < s->cfg->sites_n; i++) {
        const struct tw_server_site *site = &s->cfg->sites[i];
        if (!name_matches(site->name, host))
            continue;
        s->creds = site->creds;
        s->creds_n = site->creds_n;
        return;
    }
}

static bool check_name(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    struct tw_view body, host;
    s->creds = s->cfg->creds;
    s->creds_n = s->cfg->creds_n;
    if (!tw_ext_find(s->ch.extensions, TW_EXT_SERVER_NAME, &body)) {
        if (!s->cfg->sni_required)
            return true;
        tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "sni_missing", 0,
                     "the client names no server, and this one serves several");
        return false;
    }
    if (!tw_ext_sni(body, &host)) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_SERVER_NAME,
                     "malformed server_name");
        return false;
    }
    choose_site(s, host);
    s->name_known = s->cfg->names_n > 0 && name_served(s->cfg, host);
    if (s->name_known || s->cfg->names_n == 0 || !s->cfg->sni_strict)
        return true;
    tw_conn_fail(c, TW_ALERT_UNRECOGNIZED_NAME, "sni_unknown", 0,
                 "the name that the client asks for is not served here");
    return false;
}

static bool alpn_offered(struct tw_view body, const char *proto)
{
    struct tw_view p;
    for (size_t i = 0; tw_ext_alpn_at(body, i, &p); i++)
        if (tw_view_eq(p, tw_view_str(proto)))
            return true;
    return false;
}

/* RFC 7301 3.2: the server's order counts. */
static bool choose_alpn(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    struct tw_view body;
    c->alpn[0] = 0;
    if (s->cfg->alpn_n == 0 || !tw_ext_find(s->ch.extensions, TW_EXT_ALPN, &body))
        return true;
    for (size_t i = 0; i < s->cfg->alpn_n; i++)
        if (alpn_offered(body, s->cfg->alpn[i]))
            return tw_copy_str(c->alpn, sizeof c->alpn, s->cfg->alpn[i]);
    if (!s->cfg->alpn_required)
        return true;
    tw_conn_fail(c, TW_ALERT_NO_APPLICATION_PROTOCOL, "alpn_no_overlap", 0,
                 "the client offers no application protocol that this server speaks");
    return false;
}

/* ---- ClientHello -------------------------------------------------------------------------------- */

/* A list that is not there stays empty; one that cannot be read stops the handshake. */
static bool read_list(struct tw_conn *c, uint16_t type, struct tw_u16s *out, bool *present)
{
    struct tw_view body;
    out->n = 0;
    *present = tw_ext_find(c->server->ch.extensions, type, &body);
    if (!*present || (tw_ext_u16_list(body, 2, out) && out->n > 0))
        return true;
    tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", type,
                 "malformed list in an extension of ClientHello");
    return false;
}

static bool read_hello(struct tw_conn *c, struct tw_view body)
{
    struct tw_server *s = c->server;
    struct tw_reader r = tw_rd_of(body);
    if (!tw_client_hello_decode(&r, &s->ch)) {
        tw_conn_fail_decode(c, TW_MSG_CLIENT_HELLO, &r);
        return false;
    }
    memcpy(c->client_random, s->ch.random.data, 32);
    s->hello_version = s->ch.version;
    s->status_asked = tw_server_offers(s, TW_EXT_STATUS_REQUEST);
    s->ticket_asked = tw_server_offers(s, TW_EXT_SESSION_TICKET);
    return read_list(c, TW_EXT_SUPPORTED_GROUPS, &s->groups_offered, &s->has_groups) &&
           read_list(c, TW_EXT_SIGNATURE_ALGORITHMS, &s->sigalgs_offered, &s->has_sigalgs);
}

static bool offers_no_compression(const struct tw_server *s)
{
    for (size_t i = 0; i < s->ch.compressions.len; i++)
        if (s->ch.compressions.data[i] == 0)
            return true;
    return false;
}

static bool check_compression(struct tw_conn *c, uint16_t version)
{
    const struct tw_server *s = c->server;
    if (offers_no_compression(s) && (version < TW_TLS13 || s->ch.compressions.len == 1))
        return true;
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "compression", 0,
                 "the compression methods in ClientHello are not what they must be");
    return false;
}

/* Faults at the first ClientHello; true: nothing more happens. */
static bool fault_at_hello(struct tw_conn *c)
{
    const struct tw_faults *f = &c->server->cfg->faults;
    if (f->stop_after_hello) {
        c->server->silent = true;
        return true;
    }
    if (f->alert_on_hello == 0)
        return false;
    if (f->alert_level == 1) { /* a warning: what deployed servers do about names */
        tw_conn_send_alert(c, 1, (uint8_t)(f->alert_on_hello - 1));
        return false;
    }
    tw_conn_fail(c, f->alert_on_hello - 1, "fault", 0, "told to answer ClientHello with an alert");
    return true;
}

static void take_client_hello(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    if (c->version == 0 && fault_at_hello(c))
        return;
    if (!read_hello(c, body))
        return;
    uint16_t version = tw_server_choose_version(c);
    if (version == 0 || !check_compression(c, version) || !check_name(c) || !choose_alpn(c))
        return;
    if (c->version != 0 && c->version != version)
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "hello_changed", version,
                     "the second ClientHello asks for another version");
    else if (version >= TW_TLS13)
        tw_server13_take_hello(c, whole);
    else
        tw_server12_take_hello(c, version, whole);
}

/* ---- the role ----------------------------------------------------------------------------------- */

static void server_take_message(struct tw_conn *c, uint8_t type, struct tw_view body,
                                struct tw_view whole)
{
    if (c->server->silent)
        return;
    if (type == TW_MSG_CLIENT_HELLO)
        take_client_hello(c, body, whole);
    else if (c->version >= TW_TLS13)
        tw_server13_take(c, type, body, whole);
    else
        tw_server12_take(c, type, body, whole);
}

static void server_take_app_data(struct tw_conn *c, struct tw_view data)
{
    struct tw_server *s = c->server;
    if (s->replied || s->cfg->reply == NULL || data.len == 0)
        return;
    s->replied = true;
    tw_conn_send_app(c, tw_view_str(s->cfg->reply));
    tw_conn_close(c, c->now);
}

const struct tw_role_ops tw_server_role = {
    .start = server_start,
    .take_message = server_take_message,
    .take_ccs = tw_server12_take_ccs,
    .take_app_data = server_take_app_data,
    .cleanup = server_cleanup,
};
