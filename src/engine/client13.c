/*
 * Client role, TLS 1.3 (RFC 8446): HelloRetryRequest, keys, the server's flight, ours, and what
 * comes after the handshake.
 */
#include "engine/client.h"

static const uint16_t in_server_hello[] = {TW_EXT_KEY_SHARE, TW_EXT_SUPPORTED_VERSIONS,
                                           TW_EXT_PRE_SHARED_KEY};
static const uint16_t in_retry[] = {TW_EXT_KEY_SHARE, TW_EXT_SUPPORTED_VERSIONS, TW_EXT_COOKIE,
                                    TW_EXT_ECH};

static bool only_these(struct tw_conn *c, struct tw_view block, const uint16_t *allowed, size_t n)
{
    struct tw_reader r = tw_rd_of(block);
    struct tw_ext e;
    while (tw_ext_next(&r, &e)) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || allowed[i] == e.type;
        if (found)
            continue;
        bool offered = tw_client_offered_ext(c, e.type);
        tw_conn_fail(c, offered ? TW_ALERT_ILLEGAL_PARAMETER : TW_ALERT_UNSUPPORTED_EXTENSION,
                     offered ? "extension_misplaced" : "extension_not_offered", e.type,
                     "an extension that does not belong in this message");
        return false;
    }
    return true;
}

/* RFC 8446 4.1.3: the session id is echoed, also when it means nothing. */
static bool check_echo(struct tw_conn *c, const struct tw_server_hello *m)
{
    struct tw_client *k = c->client;
    if (tw_view_eq(m->session_id, tw_view_of(k->session_id, k->session_id_len)))
        return true;
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "session_id_echo", 0,
                 "the server does not echo the session id");
    return false;
}

/* ---- HelloRetryRequest, RFC 8446 4.1.4 ----------------------------------------------------------- */

static bool has_share(const struct tw_conn *c, uint16_t group)
{
    for (size_t i = 0; i < c->client->shares_n; i++)
        if (c->client->shares[i].group == group)
            return true;
    return false;
}

/* The group that is asked for; 0 when only a cookie was sent. False: stopped. */
static bool retry_group(struct tw_conn *c, const struct tw_server_hello *m, uint16_t *group)
{
    char text[128], name[64];
    struct tw_view body;
    *group = 0;
    if (!tw_ext_find(m->extensions, TW_EXT_KEY_SHARE, &body))
        return true;
    if (!tw_ext_u16(body, group)) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_KEY_SHARE,
                     "malformed key_share in HelloRetryRequest");
        return false;
    }
    tw_group_label(*group, name, sizeof name);
    if (!tw_client_offered_group(c, *group)) {
        snprintf(text, sizeof text, "the server asks for %s, which was not offered", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "group_not_offered", *group, text);
        return false;
    }
    if (has_share(c, *group)) {
        snprintf(text, sizeof text, "the server asks again for %s, which it already has", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "retry_without_change", *group, text);
        return false;
    }
    return true;
}

static bool retry_cookie(struct tw_conn *c, const struct tw_server_hello *m)
{
    struct tw_view body;
    if (!tw_ext_find(m->extensions, TW_EXT_COOKIE, &body))
        return true;
    struct tw_reader r = tw_rd_of(body);
    struct tw_view cookie = tw_rd_vec(&r, 2, "cookie");
    if (!tw_rd_end(&r, "cookie") || cookie.len == 0) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_COOKIE, "malformed cookie");
        return false;
    }
    c->client->cookie = tw_arena_copy(c->arena, cookie);
    if (c->client->cookie.data == NULL)
        tw_conn_break(c, TW_E_NOMEM);
    return c->client->cookie.data != NULL;
}

static bool new_share(struct tw_conn *c, uint16_t group)
{
    char text[128], name[64];
    if (group == 0)
        return true;
    tw_client_drop_shares(c);
    if (tw_client_add_share(c, group))
        return true;
    snprintf(text, sizeof text, "%s is not available on this machine",
             tw_group_label(group, name, sizeof name));
    tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "group_unavailable", group, text);
    return false;
}

/* A PSK goes with one hash; after a retry with a suite of another hash it cannot be offered. */
static void keep_or_drop_psk(struct tw_conn *c)
{
    if (!c->client->offer_psk)
        return;
    const struct tw_suite *s = tw_suite_by_id(c->cfg.session->cipher);
    enum tw_hash_id hash = s->prf == TW_HASH_NONE ? TW_HASH_SHA256 : s->prf;
    c->client->offer_psk = hash == c->hash;
}

static void send_dummy_ccs(struct tw_conn *c)
{
    if (c->client->session_id_len > 0 && !c->ccs_sent)
        tw_conn_send_ccs(c);
}

void tw_client13_take_retry(struct tw_conn *c, const struct tw_server_hello *m,
                            const struct tw_suite *suite, struct tw_view whole)
{
    struct tw_client *k = c->client;
    uint16_t group;
    if (!only_these(c, m->extensions, in_retry, TW_ARRAY_LEN(in_retry)) || !check_echo(c, m) ||
        !retry_group(c, m, &group) || !retry_cookie(c, m))
        return;
    if (group == 0 && k->cookie.len == 0) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "retry_without_change", 0,
                     "the HelloRetryRequest asks for nothing");
        return;
    }
    if (c->cfg.hello.raw.len > 0) {
        tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "raw_hello", group,
                     "a ClientHello given as bytes cannot be changed for a retry");
        return;
    }
    k->first_hello = k->hello_msg;
    k->retry = tw_arena_copy(c->arena, whole);
    tw_conn_choose(c, TW_TLS13, suite);
    c->facts.hello_retry = true;
    if (k->retry.data == NULL || !tw_transcript_retry(&c->transcript)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    keep_or_drop_psk(c);
    if (!new_share(c, group) || !tw_conn_hash(c, whole))
        return;
    send_dummy_ccs(c);
    (void)tw_client_send_hello(c);
}

/* ---- ServerHello and handshake keys --------------------------------------------------------------- */

static bool take_psk(struct tw_conn *c, const struct tw_server_hello *m)
{
    struct tw_view body;
    uint16_t chosen;
    if (!tw_ext_find(m->extensions, TW_EXT_PRE_SHARED_KEY, &body))
        return true;
    const struct tw_session *s = c->cfg.session;
    const struct tw_suite *was = s != NULL ? tw_suite_by_id(s->cipher) : NULL;
    enum tw_hash_id hash = was == NULL || was->prf == TW_HASH_NONE ? TW_HASH_SHA256 : was->prf;
    if (!c->client->offer_psk || !tw_ext_u16(body, &chosen) || chosen != 0 || hash != c->hash) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "psk_not_offered", 0,
                     "the server chose a pre-shared key that was not offered");
        return false;
    }
    c->facts.psk = c->resumed = true;
    return true;
}

static struct tw_kex *find_kex(struct tw_conn *c, uint16_t group)
{
    for (size_t i = 0; i < c->client->shares_n; i++)
        if (c->client->shares[i].group == group)
            return c->client->shares[i].kex;
    return NULL;
}

/* (EC)DHE with the server's share, appended to secret. */
static bool take_share(struct tw_conn *c, const struct tw_server_hello *m, struct tw_buf *secret)
{
    char text[128], name[64];
    struct tw_view body;
    struct tw_key_share ks;
    if (!tw_ext_find(m->extensions, TW_EXT_KEY_SHARE, &body)) {
        tw_conn_fail(c, TW_ALERT_MISSING_EXTENSION, "key_share_missing", 0,
                     "the ServerHello has no key_share");
        return false;
    }
    if (!tw_ext_key_share_server(body, &ks)) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_KEY_SHARE,
                     "malformed key_share in ServerHello");
        return false;
    }
    struct tw_kex *kex = find_kex(c, ks.group);
    tw_group_label(ks.group, name, sizeof name);
    if (kex == NULL) {
        snprintf(text, sizeof text, "the server chose %s, for which no key share was sent", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "group_not_offered", ks.group, text);
        return false;
    }
    if (!c->crypto->kex_derive(kex, ks.key, secret)) {
        snprintf(text, sizeof text, "the server's %s key share is invalid", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_share_invalid", ks.group, text);
        return false;
    }
    return true;
}

static struct tw_view secret_view(const struct tw_secret *s)
{
    return tw_view_of(s->v, s->n);
}

static void begin_handshake_keys(struct tw_conn *c, struct tw_view ecdhe)
{
    uint8_t digest[TW_HASH_MAX];
    const struct tw_session *s = c->cfg.session;
    struct tw_view psk = {NULL, 0};
    if (c->facts.psk)
        psk = tw_view_of(s->secret, s->secret_len);
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (hash.len == 0)
        return;
    if (!tw_schedule13_early(&c->ks, c->crypto, c->hash, psk) ||
        !tw_schedule13_handshake(&c->ks, ecdhe, hash)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_secret(c, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", secret_view(&c->ks.client_hs));
    tw_conn_secret(c, "SERVER_HANDSHAKE_TRAFFIC_SECRET", secret_view(&c->ks.server_hs));
    tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_hs, false));
}

void tw_client13_take_server_hello(struct tw_conn *c, const struct tw_server_hello *m,
                                   const struct tw_suite *suite, struct tw_view whole)
{
    if (m->version != TW_TLS12) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "legacy_version", m->version,
                     "legacy_version of a TLS 1.3 ServerHello is not 0x0303");
        return;
    }
    if (!only_these(c, m->extensions, in_server_hello, TW_ARRAY_LEN(in_server_hello)) ||
        !check_echo(c, m))
        return;
    if (c->suite != NULL && c->suite != suite) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "retry_cipher_changed", suite->id,
                     "the cipher suite is not that of the HelloRetryRequest");
        return;
    }
    tw_conn_choose(c, TW_TLS13, suite);
    struct tw_buf secret;
    tw_buf_init(&secret, 4096);
    if (!tw_conn_stopped(c) && take_psk(c, m) && take_share(c, m, &secret) &&
        tw_conn_hash(c, whole))
        begin_handshake_keys(c, tw_buf_view(&secret));
    tw_buf_cleanup(&secret);
}

/* ---- the server's flight --------------------------------------------------------------------------- */

static void take_encrypted_extensions(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    struct tw_encrypted_extensions m = {{NULL, 0}};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_encrypted_extensions_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_ENCRYPTED_EXTENSIONS, &r);
        return;
    }
    if (tw_client_check_extensions(c, m.extensions, 0xffff) && tw_client_take_alpn(c, m.extensions))
        (void)tw_conn_hash(c, whole);
}

static bool decode_request(struct tw_conn *c, struct tw_view body)
{
    struct tw_certificate_request m = {.version = TW_TLS13};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_certificate_request_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE_REQUEST, &r);
        return false;
    }
    c->client->cr_context = tw_arena_copy(c->arena, m.context);
    tw_client_take_sigalgs(c, m.sigalgs);
    return true;
}

static void take_certificate(struct tw_conn *c, struct tw_view body)
{
    struct tw_certificate_msg m = {.tls13 = true};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_certificate_decode(&r, &m))
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE, &r);
    else
        (void)tw_client_take_leaf(c, m.list, true);
}

static bool offered_compression(const struct tw_conn *c, uint16_t algorithm)
{
    struct tw_view body;
    if (!tw_ext_find(c->client->sent.extensions, TW_EXT_COMPRESS_CERTIFICATE, &body))
        return false;
    for (size_t i = 1; i + 2 <= body.len; i += 2)
        if ((body.data[i] << 8 | body.data[i + 1]) == algorithm)
            return true;
    return false;
}

/* RFC 8879 4 */
static void take_compressed(struct tw_conn *c, struct tw_view body)
{
    struct tw_compressed_certificate m = {0};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_compressed_certificate_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_COMPRESSED_CERTIFICATE, &r);
        return;
    }
    if (!offered_compression(c, m.algorithm)) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "compression_not_offered", m.algorithm,
                     "the certificate is compressed with an algorithm that was not offered");
        return;
    }
    struct tw_buf plain;
    tw_buf_init(&plain, TW_MAX_HANDSHAKE_MESSAGE);
    if (tw_certificate_inflate(&m, &plain))
        take_certificate(c, tw_buf_view(&plain));
    else
        tw_conn_fail(c, TW_ALERT_BAD_CERTIFICATE, "certificate_decompression", m.algorithm,
                     "the compressed certificate cannot be decompressed");
    tw_buf_cleanup(&plain);
}

static void take_certificate_verify(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    struct tw_certificate_verify m = {.version = TW_TLS13};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_certificate_verify_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE_VERIFY, &r);
        return;
    }
    uint8_t digest[TW_HASH_MAX], content[256];
    struct tw_view hash = tw_conn_digest_now(c, digest);
    size_t n = tw_signed_content13(true, hash, content, sizeof content);
    struct tw_view part = tw_view_of(content, n);
    if (tw_client_verify(c, "certificate_verify", m.scheme, &part, 1, m.signature))
        (void)tw_conn_hash(c, whole);
}

/* ---- Finished, and our flight ---------------------------------------------------------------------- */

static bool verify_finished(struct tw_conn *c, struct tw_view body)
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_secret want;
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (hash.len == 0)
        return false;
    if (!tw_schedule13_finished(&c->ks, &c->ks.server_hs, hash, &want)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return false;
    }
    bool good = tw_view_eq(body, secret_view(&want));
    tw_wipe(&want, sizeof want);
    tw_conn_check(c, "finished", good, good ? NULL : "verify_data is not what it must be");
    if (!good)
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "finished", 0,
                     "the server's Finished does not verify");
    return good;
}

static void send_finished(struct tw_conn *c, const struct tw_secret *key, struct tw_view hash)
{
    struct tw_secret verify;
    uint8_t msg[4 + TW_HASH_MAX] = {TW_MSG_FINISHED};
    if (hash.len == 0 || !tw_schedule13_finished(&c->ks, key, hash, &verify)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    msg[3] = (uint8_t)verify.n;
    memcpy(msg + 4, verify.v, verify.n);
    tw_conn_send(c, tw_view_of(msg, 4 + verify.n));
}

static void send_client_certificate(struct tw_conn *c)
{
    uint16_t scheme = tw_client_auth_scheme(c);
    tw_client_send_certificate(c, c->client->cr_context, scheme != 0);
    if (scheme == 0 || tw_conn_stopped(c))
        return;
    uint8_t digest[TW_HASH_MAX], content[256];
    struct tw_view hash = tw_conn_digest_now(c, digest);
    struct tw_view part = tw_view_of(content, tw_signed_content13(false, hash, content,
                                                                  sizeof content));
    tw_client_send_verify(c, scheme, &part, 1);
}

/* Keys change in the order of RFC 8446 A.1: ours for the handshake start with our flight. */
static void send_flight(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX];
    send_dummy_ccs(c);
    tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_hs, true));
    if (c->facts.cert_requested && !tw_conn_stopped(c))
        send_client_certificate(c);
    if (!tw_conn_stopped(c))
        send_finished(c, &c->ks.client_hs, tw_conn_digest_now(c, digest));
    if (tw_conn_stopped(c))
        return;
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (!tw_schedule13_resumption(&c->ks, hash)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_app, true));
    tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_app, false));
}

static void take_finished(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    uint8_t digest[TW_HASH_MAX];
    if (!verify_finished(c, body) || !tw_conn_hash(c, whole))
        return;
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (hash.len == 0 || !tw_schedule13_master(&c->ks, hash)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_secret(c, "CLIENT_TRAFFIC_SECRET_0", secret_view(&c->ks.client_app));
    tw_conn_secret(c, "SERVER_TRAFFIC_SECRET_0", secret_view(&c->ks.server_app));
    tw_conn_secret(c, "EXPORTER_SECRET", secret_view(&c->ks.exporter));
    send_flight(c);
    if (!tw_conn_stopped(c))
        tw_conn_complete(c);
}

/* ---- after the handshake --------------------------------------------------------------------------- */

static void take_ticket(struct tw_conn *c, struct tw_view body)
{
    struct tw_new_session_ticket m = {.tls13 = true};
    struct tw_reader r = tw_rd_of(body);
    struct tw_session *s = &c->session;
    struct tw_secret psk;
    if (!tw_new_session_ticket_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_NEW_SESSION_TICKET, &r);
        return;
    }
    if (m.ticket.len > sizeof s->ticket || m.ticket.len == 0 || m.lifetime == 0)
        return; /* not of use to us */
    if (!tw_schedule13_ticket_psk(&c->ks, m.nonce, &psk)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    *s = (struct tw_session){.version = TW_TLS13,
                             .cipher = c->suite->id,
                             .secret_len = psk.n,
                             .ticket_len = m.ticket.len,
                             .lifetime = m.lifetime,
                             .age_add = m.age_add,
                             .received_at = c->now};
    memcpy(s->secret, psk.v, psk.n);
    memcpy(s->ticket, m.ticket.data, m.ticket.len);
    tw_wipe(&psk, sizeof psk);
    c->have_session = true;
}

/* RFC 8446 4.6.3 */
static void take_key_update(struct tw_conn *c, struct tw_view body)
{
    static const uint8_t answer[] = {TW_MSG_KEY_UPDATE, 0, 0, 1, 0};
    if (body.len != 1 || body.data[0] > 1) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_update", 0, "malformed KeyUpdate");
        return;
    }
    if (!tw_schedule13_update(&c->ks, &c->ks.server_app)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    tw_conn_set_read(c, tw_protect13_new(c->crypto, c->suite, &c->ks.server_app, false));
    if (body.data[0] == 0 || tw_conn_stopped(c))
        return;
    tw_conn_send(c, tw_view_of(answer, sizeof answer));
    tw_conn_flush(c);
    if (tw_schedule13_update(&c->ks, &c->ks.client_app))
        tw_conn_set_write(c, tw_protect13_new(c->crypto, c->suite, &c->ks.client_app, true));
    else
        tw_conn_break(c, TW_E_CRYPTO);
}

/*
 * Post-handshake authentication, RFC 8446 4.6.2: the hash is over the handshake (whose bytes were
 * kept), the request, and our messages. Answered without a certificate: what matters here is that
 * the server asks.
 */
static void take_late_request(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    if (!tw_client_offered_ext(c, TW_EXT_POST_HANDSHAKE_AUTH) || !decode_request(c, body))
        return;
    uint8_t digest[TW_HASH_MAX];
    struct tw_buf cert;
    tw_buf_init(&cert, 512);
    size_t mark = tw_handshake_open(&cert, TW_MSG_CERTIFICATE);
    tw_certificate_encode(&cert, true, c->client->cr_context, NULL, NULL, 0);
    tw_wr_close(&cert, mark, 3);
    struct tw_view parts[] = {tw_buf_view(&c->transcript.early), whole, tw_buf_view(&cert)};
    size_t n = c->crypto->digest(c->crypto->ctx, c->hash, parts, 3, digest);
    c->facts.client_cert_nonempty = false;
    if (!cert.failed)
        tw_conn_send(c, tw_buf_view(&cert));
    tw_buf_cleanup(&cert);
    send_finished(c, &c->ks.client_app, tw_view_of(digest, n));
}

void tw_client13_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole)
{
    switch (type) {
    case TW_MSG_ENCRYPTED_EXTENSIONS:
        take_encrypted_extensions(c, body, whole);
        break;
    case TW_MSG_CERTIFICATE_REQUEST:
        if (c->state == TW_CONN_OPEN) {
            take_late_request(c, body, whole);
        } else if (decode_request(c, body)) {
            c->facts.cert_requested = true;
            (void)tw_conn_hash(c, whole);
        }
        break;
    case TW_MSG_CERTIFICATE:
    case TW_MSG_COMPRESSED_CERTIFICATE:
        if (type == TW_MSG_CERTIFICATE)
            take_certificate(c, body);
        else
            take_compressed(c, body);
        if (!tw_conn_stopped(c))
            (void)tw_conn_hash(c, whole);
        break;
    case TW_MSG_CERTIFICATE_VERIFY:
        take_certificate_verify(c, body, whole);
        break;
    case TW_MSG_FINISHED:
        take_finished(c, body, whole);
        break;
    case TW_MSG_NEW_SESSION_TICKET:
        take_ticket(c, body);
        break;
    case TW_MSG_KEY_UPDATE:
        take_key_update(c, body);
        break;
    default:
        tw_conn_fail(c, TW_ALERT_UNEXPECTED_MESSAGE, "unexpected_message", type, "message");
        break;
    }
}
