/*
 * Client role, TLS 1.0-1.2 (RFC 2246, 4346, 5246): key exchange, resumption, tickets (RFC 5077),
 * extended master secret (RFC 7627), encrypt-then-MAC (RFC 7366), renegotiation_info (RFC 5746).
 */
#include "engine/client.h"

/* ---- keys -------------------------------------------------------------------------------------- */

static void make_keys(struct tw_conn *c)
{
    tw_conn_secret(c, "CLIENT_RANDOM", tw_view_of(c->k12.master, 48));
    if (!tw_protect12_new(c->crypto, c->suite, c->version, &c->k12,
                          tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                          c->etm, true, &c->next_write, &c->next_read))
        tw_conn_break(c, TW_E_CRYPTO);
}

static enum tw_hash_id prf_hash(const struct tw_conn *c)
{
    return c->suite->prf == TW_HASH_NONE ? TW_HASH_SHA256 : c->suite->prf;
}

static void make_master(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_view session_hash = {NULL, 0};
    if (c->ems)
        session_hash = tw_conn_digest_now(c, digest);
    bool ok = tw_keys12_master(&c->k12, c->crypto, c->version, prf_hash(c),
                               tw_buf_view(&c->client->premaster),
                               tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                               session_hash);
    tw_buf_cleanup(&c->client->premaster);
    if (!ok)
        tw_conn_break(c, TW_E_CRYPTO);
    else
        make_keys(c);
}

/* verify_data over what was said so far. */
static bool verify_data(struct tw_conn *c, bool server, uint8_t out[12])
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (hash.len == 0)
        return false;
    bool ok = tw_keys12_finished(&c->k12, c->crypto, c->version, prf_hash(c), server, hash, out);
    if (!ok)
        tw_conn_break(c, TW_E_CRYPTO);
    return ok;
}

static void send_finished(struct tw_conn *c)
{
    uint8_t msg[16] = {TW_MSG_FINISHED, 0, 0, 12};
    if (!verify_data(c, false, msg + 4))
        return;
    tw_conn_send_ccs(c);
    tw_conn_set_write(c, c->next_write);
    c->next_write = NULL;
    tw_conn_send(c, tw_view_of(msg, sizeof msg));
}

/* ---- ServerHello ------------------------------------------------------------------------------- */

static bool is_cbc(const struct tw_suite *s)
{
    const struct tw_bulk_info *b = tw_bulk_info(s->bulk);
    return b != NULL && s->mac != TW_MAC_AEAD && b->block_len > 1;
}

/* RFC 5746 3.4: in a first handshake the value is empty. */
static bool check_renegotiation_info(struct tw_conn *c, struct tw_view extensions)
{
    struct tw_view body;
    if (!tw_ext_find(extensions, TW_EXT_RENEGOTIATION_INFO, &body))
        return true;
    c->secure_renegotiation = true;
    if (body.len == 1 && body.data[0] == 0)
        return true;
    tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "renegotiation_info", (int64_t)body.len,
                 "renegotiation_info of a first handshake is not empty");
    return false;
}

/* Is the old session going on? False: stopped. */
static bool check_resumption(struct tw_conn *c, const struct tw_server_hello *m)
{
    struct tw_client *k = c->client;
    const struct tw_session *s = c->cfg.session;
    if (m->session_id.len == 0 ||
        !tw_view_eq(m->session_id, tw_view_of(k->session_id, k->session_id_len)))
        return true;
    if (!k->offer_session) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "session_id_echo", 0,
                     "the server resumes a session that there never was");
        return false;
    }
    if (s->version != m->selected_version || s->cipher != m->cipher ||
        s->extended_master_secret != c->ems) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "session_mismatch", m->cipher,
                     "the server resumes with another version, suite or master secret kind");
        return false;
    }
    c->resumed = c->facts.psk = true;
    return true;
}

static void read_extensions(struct tw_conn *c, const struct tw_server_hello *m,
                            const struct tw_suite *suite)
{
    struct tw_view body;
    c->ems = tw_ext_find(m->extensions, TW_EXT_EXTENDED_MASTER_SECRET, &body);
    c->etm = tw_ext_find(m->extensions, TW_EXT_ENCRYPT_THEN_MAC, &body) && is_cbc(suite);
    c->facts.status_promised = tw_ext_find(m->extensions, TW_EXT_STATUS_REQUEST, &body);
    c->facts.ticket_promised = tw_ext_find(m->extensions, TW_EXT_SESSION_TICKET, &body);
}

static void start_session(struct tw_conn *c, const struct tw_server_hello *m)
{
    struct tw_session *s = &c->session;
    *s = (struct tw_session){.version = c->version,
                             .cipher = c->suite->id,
                             .id_len = m->session_id.len,
                             .extended_master_secret = c->ems};
    if (m->session_id.len > 0)
        memcpy(s->id, m->session_id.data, m->session_id.len);
    if (!c->resumed)
        return;
    /* the ticket stays good until a new one comes */
    s->ticket_len = c->cfg.session->ticket_len;
    memcpy(s->ticket, c->cfg.session->ticket, sizeof s->ticket);
}

void tw_client12_take_server_hello(struct tw_conn *c, const struct tw_server_hello *m,
                                   const struct tw_suite *suite, struct tw_view whole)
{
    /* The SCSV stands for an empty renegotiation_info, so the answer may come unasked. */
    if (!tw_client_check_extensions(c, m->extensions, TW_EXT_RENEGOTIATION_INFO) ||
        !check_renegotiation_info(c, m->extensions))
        return;
    tw_conn_choose(c, m->selected_version, suite);
    read_extensions(c, m, suite);
    if (tw_conn_stopped(c) || !tw_client_take_alpn(c, m->extensions) || !check_resumption(c, m) ||
        !tw_conn_hash(c, whole))
        return;
    tw_client_drop_shares(c);
    start_session(c, m);
    if (!c->resumed)
        return;
    memcpy(c->k12.master, c->cfg.session->secret, sizeof c->k12.master);
    make_keys(c);
}

/* ---- Certificate ------------------------------------------------------------------------------- */

static bool key_fits(enum tw_auth auth, enum tw_kx kx, enum tw_key_type t)
{
    if (auth == TW_AUTH_RSA || kx == TW_KX_RSA_PSK)
        return t == TW_KEY_RSA || (t == TW_KEY_RSA_PSS && kx != TW_KX_RSA && kx != TW_KX_RSA_PSK);
    if (auth == TW_AUTH_ECDSA) /* RFC 8422 5.10: also EdDSA */
        return t == TW_KEY_EC || t == TW_KEY_ED25519 || t == TW_KEY_ED448;
    return auth != TW_AUTH_DSS || t == TW_KEY_DSA;
}

static void take_certificate(struct tw_conn *c, struct tw_view body)
{
    char text[160];
    struct tw_certificate_msg m = {.tls13 = false};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_certificate_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE, &r);
        return;
    }
    if (!tw_client_take_leaf(c, m.list, false))
        return;
    enum tw_key_type t = c->client->leaf_info.type;
    if (key_fits(c->suite->auth, c->suite->kx, t))
        return;
    snprintf(text, sizeof text, "a certificate with a key of type %s does not go with %s",
             tw_key_type_name(t), c->suite->name);
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "certificate_type", t, text);
}

/* ---- key exchange ------------------------------------------------------------------------------ */

/* Premaster secret of the PSK suites: other_secret and psk, each with its length (RFC 4279 2). */
static void wrap_psk(struct tw_conn *c)
{
    struct tw_buf all;
    struct tw_buf *pm = &c->client->premaster;
    static const uint8_t zeros[512];
    tw_buf_init(&all, pm->max);
    struct tw_view other = tw_buf_view(pm);
    if (c->suite->kx == TW_KX_PSK)
        other = tw_view_of(zeros, c->cfg.psk.len < sizeof zeros ? c->cfg.psk.len : sizeof zeros);
    tw_wr_vec(&all, 2, other);
    tw_wr_vec(&all, 2, c->cfg.psk);
    if (all.failed)
        tw_conn_break(c, TW_E_LIMIT);
    tw_buf_cleanup(pm);
    *pm = all;
}

static bool uses_psk(enum tw_kx kx)
{
    return kx == TW_KX_PSK || kx == TW_KX_DHE_PSK || kx == TW_KX_ECDHE_PSK || kx == TW_KX_RSA_PSK;
}

static void share_invalid(struct tw_conn *c, uint16_t group)
{
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_share_invalid", group,
                 "the server's key exchange value is invalid");
}

static void exchange_ecdhe(struct tw_conn *c, const struct tw_server_key_exchange *m)
{
    struct tw_client *k = c->client;
    char text[128], name[64];
    tw_group_label(m->group, name, sizeof name);
    /* Without supported_groups the server is free to choose (RFC 8422 4). */
    if (tw_client_offered_ext(c, TW_EXT_SUPPORTED_GROUPS) && !tw_client_offered_group(c, m->group)) {
        snprintf(text, sizeof text, "the server chose %s, which was not offered", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "group_not_offered", m->group, text);
        return;
    }
    k->kex = c->crypto->kex_new(c->crypto->ctx, m->group, &k->cke);
    if (k->kex == NULL) {
        snprintf(text, sizeof text, "%s is not available on this machine", name);
        tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "group_unavailable", m->group, text);
        return;
    }
    if (!c->crypto->kex_derive(k->kex, m->point, &k->premaster))
        share_invalid(c, m->group);
}

static void exchange_dhe(struct tw_conn *c, const struct tw_server_key_exchange *m)
{
    struct tw_client *k = c->client;
    k->kex = c->crypto->dh_new(c->crypto->ctx, m->dh_p, m->dh_g, &k->cke);
    if (k->kex == NULL) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "dh_params_invalid", (int64_t)m->dh_p.len * 8,
                     "the server's Diffie-Hellman parameters cannot be used");
        return;
    }
    if (!c->crypto->kex_derive(k->kex, m->dh_ys, &k->premaster))
        share_invalid(c, 0);
}

static void take_server_key_exchange(struct tw_conn *c, struct tw_view body)
{
    struct tw_server_key_exchange m = {
        .kx = c->suite->kx, .auth = c->suite->auth, .version = c->version};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_server_key_exchange_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_SERVER_KEY_EXCHANGE, &r);
        return;
    }
    struct tw_view parts[] = {tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                              m.params};
    bool is_signed = c->facts.server_authenticates && !uses_psk(m.kx);
    if (is_signed &&
        !tw_client_verify(c, "server_key_exchange", m.scheme, parts, 3, m.signature))
        return;
    if (m.kx == TW_KX_ECDHE || m.kx == TW_KX_ECDHE_PSK)
        exchange_ecdhe(c, &m);
    else if (m.kx == TW_KX_DHE || m.kx == TW_KX_DHE_PSK)
        exchange_dhe(c, &m);
}

/* RFC 5246 7.4.7.1: the version that we offered, against rollback. */
static bool exchange_rsa(struct tw_conn *c)
{
    struct tw_client *k = c->client;
    uint8_t *pm = tw_buf_grow(&k->premaster, 48);
    if (pm == NULL || !c->crypto->random(c->crypto->ctx, pm, 48)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return false;
    }
    pm[0] = (uint8_t)(k->sent.version >> 8);
    pm[1] = (uint8_t)k->sent.version;
    if (k->leaf_key != NULL &&
        c->crypto->rsa_encrypt(k->leaf_key, tw_buf_view(&k->premaster), &k->cke))
        return true;
    tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "certificate_key", k->leaf_info.type,
                 "nothing can be encrypted with the key in the server's certificate");
    return false;
}

static bool finish_premaster(struct tw_conn *c)
{
    enum tw_kx kx = c->suite->kx;
    if (kx != TW_KX_RSA && kx != TW_KX_DHE && kx != TW_KX_ECDHE && !uses_psk(kx)) {
        tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "key_exchange_unsupported", kx,
                     "this program does not speak the suite's key exchange");
        return false;
    }
    if ((kx == TW_KX_RSA || kx == TW_KX_RSA_PSK) && !exchange_rsa(c))
        return false;
    if (!uses_psk(kx))
        return true;
    if (c->cfg.psk.len == 0) {
        tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "psk_missing", 0,
                     "the server wants a pre-shared key and none was given");
        return false;
    }
    wrap_psk(c);
    return !tw_conn_stopped(c);
}

/* ---- our flight -------------------------------------------------------------------------------- */

static void send_client_key_exchange(struct tw_conn *c)
{
    struct tw_buf msg;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    struct tw_client_key_exchange m = {.kx = c->suite->kx,
                                       .version = c->version,
                                       .psk_identity = c->cfg.psk_identity,
                                       .body = tw_buf_view(&c->client->cke)};
    size_t mark = tw_handshake_open(&msg, TW_MSG_CLIENT_KEY_EXCHANGE);
    tw_client_key_exchange_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    if (msg.failed)
        tw_conn_break(c, TW_E_NOMEM);
    else
        tw_conn_send(c, tw_buf_view(&msg));
    tw_buf_cleanup(&msg);
}

static void take_hello_done(struct tw_conn *c)
{
    if (!finish_premaster(c))
        return;
    uint16_t scheme = 0;
    if (c->facts.cert_requested) {
        scheme = tw_client_auth_scheme(c);
        tw_client_send_certificate(c, (struct tw_view){NULL, 0}, scheme != 0);
    }
    send_client_key_exchange(c);
    if (!tw_conn_stopped(c))
        make_master(c);
    if (scheme != 0 && !tw_conn_stopped(c)) {
        struct tw_view part = tw_buf_view(&c->transcript.early);
        tw_client_send_verify(c, c->version >= TW_TLS12 ? scheme : 0, &part, 1);
    }
    if (!tw_conn_stopped(c))
        send_finished(c);
}

/* ---- the server's last flight ---------------------------------------------------------------------- */

void tw_client12_take_ccs(struct tw_conn *c)
{
    if (c->next_read == NULL) {
        tw_conn_fail(c, TW_ALERT_UNEXPECTED_MESSAGE, "unexpected_message", -1,
                     "ChangeCipherSpec before there are keys");
        return;
    }
    struct tw_protect *p = c->next_read;
    c->next_read = NULL;
    tw_conn_set_read(c, p);
}

static void take_ticket(struct tw_conn *c, struct tw_view body)
{
    struct tw_new_session_ticket m = {.tls13 = false};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_new_session_ticket_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_NEW_SESSION_TICKET, &r);
        return;
    }
    if (m.ticket.len == 0 || m.ticket.len > sizeof c->session.ticket)
        return; /* RFC 5077 3.3: the server changed its mind */
    memcpy(c->session.ticket, m.ticket.data, m.ticket.len);
    c->session.ticket_len = m.ticket.len;
    c->session.lifetime = m.lifetime;
}

static void take_finished(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    uint8_t want[12];
    if (!verify_data(c, true, want))
        return;
    bool good = tw_view_eq(body, tw_view_of(want, sizeof want));
    tw_conn_check(c, "finished", good, good ? NULL : "verify_data is not what it must be");
    if (!good) {
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "finished", 0,
                     "the server's Finished does not verify");
        return;
    }
    if (!tw_conn_hash(c, whole))
        return;
    if (c->resumed)
        send_finished(c);
    if (tw_conn_stopped(c))
        return;
    struct tw_session *s = &c->session;
    memcpy(s->secret, c->k12.master, sizeof c->k12.master);
    s->secret_len = sizeof c->k12.master;
    s->received_at = c->now;
    c->have_session = s->id_len > 0 || s->ticket_len > 0;
    tw_conn_complete(c);
}

static void take_request(struct tw_conn *c, struct tw_view body)
{
    struct tw_certificate_request m = {.version = c->version};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_certificate_request_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE_REQUEST, &r);
        return;
    }
    tw_client_take_sigalgs(c, m.sigalgs);
    c->facts.cert_requested = true;
}

void tw_client12_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole)
{
    if (type == TW_MSG_FINISHED) { /* is over the hash without itself */
        take_finished(c, body, whole);
        return;
    }
    if (!tw_conn_hash(c, whole))
        return;
    switch (type) {
    case TW_MSG_CERTIFICATE:
        take_certificate(c, body);
        break;
    case TW_MSG_SERVER_KEY_EXCHANGE:
        take_server_key_exchange(c, body);
        break;
    case TW_MSG_CERTIFICATE_REQUEST:
        take_request(c, body);
        break;
    case TW_MSG_SERVER_HELLO_DONE:
        if (body.len != 0)
            tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", type,
                         "ServerHelloDone is not empty");
        else
            take_hello_done(c);
        break;
    case TW_MSG_NEW_SESSION_TICKET:
        take_ticket(c, body);
        break;
    default: /* CertificateStatus: noted, and nothing to do */
        break;
    }
}
