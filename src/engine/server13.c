/*
 * Server role, TLS 1.3 (RFC 8446): HelloRetryRequest, PSK resumption, our flight, the client's,
 * and what comes after the handshake.
 */
#include "engine/server.h"

enum { EARLY_DATA_SKIPPED = 65536, MAX_IDENTITIES = 8 };

/* ---- ServerHello and HelloRetryRequest ---------------------------------------------------------- */

static void write_selected_version(struct tw_buf *b)
{
    tw_wr_u16(b, TW_EXT_SUPPORTED_VERSIONS);
    tw_wr_u16(b, 2);
    tw_wr_u16(b, TW_TLS13);
}

/* The message; in the arena, because a retry is needed again for the binder. */
static struct tw_view encode_hello(struct tw_conn *c, const uint8_t random[32],
                                   const struct tw_buf *exts)
{
    struct tw_server_hello m = {
        .version = TW_TLS12,
        .random = tw_view_of(random, 32),
        .session_id = c->server->ch.session_id,
        .cipher = c->suite->id,
        .extensions = tw_buf_view(exts),
        .has_extensions = true,
    };
    struct tw_buf msg;
    tw_buf_init(&msg, 65536);
    size_t mark = tw_handshake_open(&msg, TW_MSG_SERVER_HELLO);
    tw_server_hello_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    struct tw_view kept = {NULL, 0};
    if (!msg.failed && !exts->failed)
        kept = tw_arena_copy(c->arena, tw_buf_view(&msg));
    if (kept.data == NULL)
        tw_conn_break(c, TW_E_NOMEM);
    tw_buf_cleanup(&msg);
    return kept;
}

/* RFC 8446 D.4: after our first message, for a client that sent a session id. */
static void send_dummy_ccs(struct tw_conn *c)
{
    if (!c->ccs_sent && c->server->ch.session_id.len > 0 && !tw_conn_stopped(c))
        tw_conn_send_ccs(c);
}

/* What the first ClientHello becomes in the transcript, kept for the binder. */
static bool keep_first_hash(struct tw_conn *c)
{
    uint8_t msg[4 + TW_HASH_MAX] = {TW_MSG_MESSAGE_HASH};
    struct tw_view digest = tw_conn_digest_now(c, msg + 4);
    msg[3] = (uint8_t)digest.len;
    c->server->first_hash = tw_arena_copy(c->arena, tw_view_of(msg, 4 + digest.len));
    if (digest.len > 0 && c->server->first_hash.data != NULL &&
        tw_transcript_retry(&c->transcript))
        return true;
    tw_conn_break(c, TW_E_CRYPTO);
    return false;
}

static void send_retry(struct tw_conn *c, uint16_t group)
{
    struct tw_server *s = c->server;
    struct tw_buf exts;
    tw_buf_init(&exts, 64);
    s->retry_group = group;
    c->facts.hello_retry = true;
    if (!keep_first_hash(c))
        return;
    write_selected_version(&exts);
    tw_wr_u16(&exts, TW_EXT_KEY_SHARE);
    tw_wr_u16(&exts, 2);
    tw_wr_u16(&exts, group);
    s->retry_msg = encode_hello(c, tw_hrr_random, &exts);
    tw_buf_cleanup(&exts);
    if (tw_conn_stopped(c))
        return;
    tw_conn_send(c, s->retry_msg);
    send_dummy_ccs(c);
    if (tw_server_offers(s, TW_EXT_EARLY_DATA))
        c->early_skip = EARLY_DATA_SKIPPED;
}

static void send_server_hello(struct tw_conn *c, struct tw_view share)
{
    struct tw_server *s = c->server;
    struct tw_buf exts;
    tw_buf_init(&exts, 65535);
    write_selected_version(&exts);
    if (share.len > 0) {
        tw_wr_u16(&exts, TW_EXT_KEY_SHARE);
        size_t mark = tw_wr_open(&exts, 2);
        tw_wr_u16(&exts, s->group);
        tw_wr_vec(&exts, 2, share);
        tw_wr_close(&exts, mark, 2);
    }
    if (s->psk_selected >= 0) {
        tw_wr_u16(&exts, TW_EXT_PRE_SHARED_KEY);
        tw_wr_u16(&exts, 2);
        tw_wr_u16(&exts, (unsigned)s->psk_selected);
    }
    struct tw_view msg = encode_hello(c, c->server_random, &exts);
    tw_buf_cleanup(&exts);
    if (!tw_conn_stopped(c))
        tw_conn_send(c, msg);
    send_dummy_ccs(c);
}

/* ---- PSK, RFC 8446 4.2.11 ------------------------------------------------------------------------ */

static bool good_binder(struct tw_conn *c, const struct tw_suite *suite, struct tw_view cut,
                        struct tw_view binder)
{
    struct tw_server *s = c->server;
    uint8_t digest[TW_HASH_MAX];
    struct tw_view parts[3] = {s->first_hash, s->retry_msg, cut};
    struct tw_secret want = {.n = 0};
    size_t n = c->crypto->digest(c->crypto->ctx, suite->prf, parts, 3, digest);
    bool ok = n > 0 &&
              tw_schedule13_early(&c->ks, c->crypto, suite->prf,
                                  tw_view_of(s->psk.secret, s->psk.secret_len)) &&
              tw_schedule13_binder(&c->ks, false, tw_view_of(digest, n), &want) &&
              tw_view_eq(binder, tw_view_of(want.v, want.n));
    tw_wipe(&want, sizeof want);
    return ok;
}

static bool psk_usable(struct tw_conn *c, const struct tw_suite *suite, struct tw_view ticket)
{
    struct tw_session *psk = &c->server->psk;
    if (!tw_server_ticket_open(c, ticket, psk) || psk->version != TW_TLS13)
        return false;
    const struct tw_suite *old = tw_suite_by_id(psk->cipher);
    return old != NULL && old->prf == suite->prf;
}

/* The first identity that is a ticket of ours. False: stopped. */
static bool select_psk(struct tw_conn *c, const struct tw_suite *suite, struct tw_view body,
                       struct tw_view whole)
{
    struct tw_server *s = c->server;
    struct tw_view identity, binder;
    uint32_t age;
    struct tw_reader r = tw_rd_of(body);
    size_t identities = tw_rd_vec(&r, 2, "identities").len;
    if (!tw_ext_psk_at(body, 0, &identity, &age, &binder)) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_PRE_SHARED_KEY,
                     "malformed pre_shared_key");
        return false;
    }
    struct tw_view cut = tw_view_of(whole.data, (size_t)(body.data - whole.data) + 2 + identities);
    for (int i = 0; i < MAX_IDENTITIES; i++) {
        if (!tw_ext_psk_at(body, (size_t)i, &identity, &age, &binder))
            return true;
        if (!psk_usable(c, suite, identity))
            continue;
        bool good = good_binder(c, suite, cut, binder);
        tw_conn_check(c, "psk_binder", good, good ? NULL : "the binder is not what it must be");
        if (good)
            s->psk_selected = i;
        else
            tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "psk_binder", i,
                         "the client's PSK binder does not verify");
        return good;
    }
    return true;
}

static bool modes_have_dhe(struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_view modes = tw_rd_vec(&r, 1, "psk_key_exchange_modes");
    return modes.len > 0 && memchr(modes.data, 1, modes.len) != NULL;
}

static bool consider_psk(struct tw_conn *c, const struct tw_suite *suite, struct tw_view whole)
{
    struct tw_server *s = c->server;
    struct tw_view body, modes;
    bool has_modes = tw_ext_find(s->ch.extensions, TW_EXT_PSK_KEY_EXCHANGE_MODES, &modes);
    s->client_may_psk = has_modes && modes_have_dhe(modes);
    s->psk_selected = -1;
    if (!tw_ext_find(s->ch.extensions, TW_EXT_PRE_SHARED_KEY, &body))
        return true;
    if (!has_modes) {
        tw_conn_fail(c, TW_ALERT_MISSING_EXTENSION, "missing_extension",
                     TW_EXT_PSK_KEY_EXCHANGE_MODES,
                     "ClientHello has pre_shared_key without psk_key_exchange_modes");
        return false;
    }
    if (body.data + body.len != s->ch.extensions.data + s->ch.extensions.len) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "extension_misplaced", TW_EXT_PRE_SHARED_KEY,
                     "pre_shared_key is not the last extension");
        return false;
    }
    return !s->cfg->tickets || !s->client_may_psk || select_psk(c, suite, body, whole);
}

/* ---- keys ---------------------------------------------------------------------------------------- */

static bool handshake_keys(struct tw_conn *c, struct tw_view ecdhe)
{
    struct tw_server *s = c->server;
    uint8_t digest[TW_HASH_MAX];
    struct tw_view hash = tw_conn_digest_now(c, digest);
    struct tw_view psk = {NULL, 0};
    if (s->psk_selected >= 0)
        psk = tw_view_of(s->psk.secret, s->psk.secret_len);
    if (!tw_schedule13_early(&c->ks, c->crypto, c->hash, psk) ||
        !tw_schedule13_handshake(&c->ks, ecdhe, hash)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return false;
    }
    tw_conn_secret(c, "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                   tw_view_of(c->ks.client_hs.v, c->ks.client_hs.n));
    tw_conn_secret(c, "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                   tw_view_of(c->ks.server_hs.v, c->ks.server_hs.n));
    tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_hs, true));
    if (!tw_conn_stopped(c))
        tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_hs, false));
    if (tw_server_offers(s, TW_EXT_EARLY_DATA))
        c->early_skip = EARLY_DATA_SKIPPED;
    return !tw_conn_stopped(c);
}

static void application_keys(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX];
    if (!tw_schedule13_master(&c->ks, tw_conn_digest_now(c, digest))) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_secret(c, "CLIENT_TRAFFIC_SECRET_0",
                   tw_view_of(c->ks.client_app.v, c->ks.client_app.n));
    tw_conn_secret(c, "SERVER_TRAFFIC_SECRET_0",
                   tw_view_of(c->ks.server_app.v, c->ks.server_app.n));
    tw_conn_secret(c, "EXPORTER_SECRET", tw_view_of(c->ks.exporter.v, c->ks.exporter.n));
    tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_app, true));
}

/* ---- our flight ---------------------------------------------------------------------------------- */

static void send_encrypted_extensions(struct tw_conn *c)
{
    struct tw_buf msg;
    tw_buf_init(&msg, 4096);
    size_t mark = tw_handshake_open(&msg, TW_MSG_ENCRYPTED_EXTENSIONS);
    size_t exts = tw_wr_open(&msg, 2);
    if (c->server->name_known)
        tw_server_ext_empty(&msg, TW_EXT_SERVER_NAME);
    tw_server_ext_alpn(c, &msg);
    tw_wr_close(&msg, exts, 2);
    tw_wr_close(&msg, mark, 3);
    tw_server_send_buf(c, &msg);
    if (c->server->cfg->faults.corrupt_record) { /* a record of its own, to be spoilt */
        tw_conn_flush(c);
        tw_server_corrupt_record(c);
    }
}

static void send_certificate_verify(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX], content[64 + 34 + TW_HASH_MAX];
    struct tw_buf msg, sig;
    size_t n = tw_signed_content13(true, tw_conn_digest_now(c, digest), content, sizeof content);
    struct tw_view part = tw_view_of(content, n);
    tw_buf_init(&sig, 8192);
    tw_buf_init(&msg, 16384);
    if (tw_server_sign(c, &part, 1, &sig)) {
        struct tw_certificate_verify m = {.version = c->version,
                                          .scheme = c->server->scheme,
                                          .signature = tw_buf_view(&sig)};
        size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE_VERIFY);
        tw_certificate_verify_encode(&msg, &m);
        tw_wr_close(&msg, mark, 3);
        tw_server_send_buf(c, &msg);
    }
    tw_buf_cleanup(&msg);
    tw_buf_cleanup(&sig);
}

static void send_finished(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX], msg[4 + TW_HASH_MAX] = {TW_MSG_FINISHED};
    struct tw_secret verify_data;
    if (!tw_schedule13_finished(&c->ks, &c->ks.server_hs, tw_conn_digest_now(c, digest),
                                &verify_data)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    msg[3] = (uint8_t)verify_data.n;
    memcpy(msg + 4, verify_data.v, verify_data.n);
    if (c->server->cfg->faults.corrupt_finished)
        msg[4] ^= 1;
    tw_conn_send(c, tw_view_of(msg, 4 + verify_data.n));
}

static void send_flight(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    send_encrypted_extensions(c);
    if (s->psk_selected < 0) {
        if (s->cfg->client_cert != 0)
            tw_server_send_request(c);
        tw_server_send_certificate(c);
        send_certificate_verify(c);
    }
    if (!tw_conn_stopped(c))
        send_finished(c);
    if (!tw_conn_stopped(c))
        application_keys(c);
}

/* ---- ClientHello --------------------------------------------------------------------------------- */

static void hello_changed(struct tw_conn *c)
{
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "hello_changed", c->server->retry_group,
                 "the second ClientHello is not the first with the share that was asked for");
}

static void answer(struct tw_conn *c, struct tw_view client_share)
{
    struct tw_server *s = c->server;
    struct tw_buf secret;
    tw_buf_init(&secret, 4096);
    if (!c->crypto->random(c->crypto->ctx, c->server_random, 32))
        tw_conn_break(c, TW_E_CRYPTO);
    else if (!c->crypto->kex_respond(c->crypto->ctx, s->group, client_share, &s->share, &secret))
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_share_invalid", s->group,
                     "the client's key share is invalid");
    if (!tw_conn_stopped(c))
        send_server_hello(c, tw_buf_view(&s->share));
    if (s->cfg->faults.stop_after_server_hello)
        s->silent = true;
    else if (!tw_conn_stopped(c) && handshake_keys(c, tw_buf_view(&secret)))
        send_flight(c);
    tw_buf_cleanup(&secret);
}

/* Told to choose TLS 1.3 for a client that does not speak it: that much can be sent, no more. */
static void answer_unasked(struct tw_conn *c)
{
    c->server->silent = true;
    if (c->crypto->random(c->crypto->ctx, c->server_random, 32))
        send_server_hello(c, (struct tw_view){NULL, 0});
    else
        tw_conn_break(c, TW_E_CRYPTO);
}

void tw_server13_take_hello(struct tw_conn *c, struct tw_view whole)
{
    struct tw_server *s = c->server;
    struct tw_view share = {NULL, 0};
    bool unasked = s->cfg->faults.force_version != 0 && !tw_server_offers(s, TW_EXT_KEY_SHARE);
    const struct tw_suite *suite = unasked ? tw_suite_by_id(0x1301) : tw_server_choose_suite13(c);
    if (suite == NULL)
        return;
    if (c->suite != NULL && suite != c->suite) {
        hello_changed(c);
        return;
    }
    uint16_t group = unasked ? 0 : tw_server_choose_group13(c, &share);
    if (tw_conn_stopped(c) || !consider_psk(c, suite, whole))
        return;
    bool retry = share.len == 0 && !unasked;
    if (s->retry_group != 0 && (retry || group != s->retry_group)) {
        hello_changed(c);
        return;
    }
    if (!unasked && !retry && s->psk_selected < 0 && !tw_server_choose_credential13(c))
        return;
    s->group = group;
    c->facts.psk = !retry && s->psk_selected >= 0;
    c->resumed = c->facts.psk;
    tw_conn_choose(c, TW_TLS13, suite);
    if (tw_conn_stopped(c) || !tw_conn_hash(c, whole))
        return;
    if (unasked)
        answer_unasked(c);
    else if (retry)
        send_retry(c, group);
    else
        answer(c, share);
}

/* ---- the client's flight ------------------------------------------------------------------------- */

static void take_certificate_verify(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    uint8_t digest[TW_HASH_MAX], content[64 + 34 + TW_HASH_MAX];
    size_t n = tw_signed_content13(false, tw_conn_digest_now(c, digest), content, sizeof content);
    struct tw_view part = tw_view_of(content, n);
    if (tw_server_take_verify(c, body, &part, 1))
        (void)tw_conn_hash(c, whole);
}

/* RFC 8446 4.6.1: one ticket, with a nonce of its own. */
static void send_ticket(struct tw_conn *c)
{
    uint8_t nonce[] = {(uint8_t)c->server->tickets_sent++};
    struct tw_secret psk;
    if (!tw_schedule13_ticket_psk(&c->ks, tw_view_of(nonce, 1), &psk)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    struct tw_session s = {.version = TW_TLS13, .cipher = c->suite->id, .secret_len = psk.n};
    memcpy(s.secret, psk.v, psk.n);
    tw_server_send_ticket(c, &s, tw_view_of(nonce, 1));
    tw_wipe(&s, sizeof s);
    tw_wipe(&psk, sizeof psk);
}

static bool check_finished(struct tw_conn *c, struct tw_view body)
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_secret want;
    if (!tw_schedule13_finished(&c->ks, &c->ks.client_hs, tw_conn_digest_now(c, digest), &want)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return false;
    }
    bool good = tw_view_eq(body, tw_view_of(want.v, want.n));
    tw_conn_check(c, "finished", good, good ? NULL : "verify_data is not what it must be");
    if (!good)
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "finished", 0,
                     "the client's Finished does not verify");
    return good;
}

static void take_finished(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    uint8_t digest[TW_HASH_MAX];
    if (!check_finished(c, body) || !tw_conn_hash(c, whole))
        return;
    if (!tw_schedule13_resumption(&c->ks, tw_conn_digest_now(c, digest))) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_app, false));
    if (tw_conn_stopped(c) || tw_server_alert_after_finished(c))
        return;
    tw_conn_complete(c);
    if (c->server->cfg->tickets && c->server->client_may_psk)
        send_ticket(c);
}

/* RFC 8446 4.6.3 */
static void take_key_update(struct tw_conn *c, struct tw_view body)
{
    static const uint8_t reply[] = {TW_MSG_KEY_UPDATE, 0, 0, 1, 0};
    if (body.len != 1 || body.data[0] > 1) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_update", 0, "malformed KeyUpdate");
        return;
    }
    if (!tw_schedule13_update(&c->ks, &c->ks.client_app)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_app, false));
    if (body.data[0] == 0 || tw_conn_stopped(c))
        return;
    tw_conn_send(c, tw_view_of(reply, sizeof reply));
    tw_conn_flush(c);
    if (tw_schedule13_update(&c->ks, &c->ks.server_app))
        tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_app, true));
    else
        tw_conn_break(c, TW_E_CRYPTO);
}

void tw_server13_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole)
{
    bool open = c->state == TW_CONN_OPEN;
    if (type == TW_MSG_CERTIFICATE && !open) {
        tw_server_take_certificate(c, body);
        if (!tw_conn_stopped(c))
            (void)tw_conn_hash(c, whole);
    } else if (type == TW_MSG_CERTIFICATE_VERIFY && !open) {
        take_certificate_verify(c, body, whole);
    } else if (type == TW_MSG_FINISHED && !open) {
        take_finished(c, body, whole);
    } else if (type == TW_MSG_KEY_UPDATE) {
        take_key_update(c, body);
    } else {
        tw_conn_fail(c, TW_ALERT_UNEXPECTED_MESSAGE, "unexpected_message", type, "message");
    }
}
