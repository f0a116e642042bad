/*
 * Server role, TLS 1.0-1.2 (RFC 2246, 4346, 5246): RSA, DHE, ECDHE, anonymous and PSK key
 * exchange, tickets (RFC 5077), extended master secret (RFC 7627), encrypt-then-MAC (RFC 7366),
 * renegotiation_info (RFC 5746), CertificateStatus (RFC 6066 8).
 */
#include "engine/server.h"

enum { RENEGOTIATION_SCSV = 0x00ff };

/* ffdhe2048, RFC 7919 A.1: p = 2^2048 - 2^1984 + (floor(2^1918 e) + 560316) 2^64 - 1, g = 2. */
static const uint8_t ffdhe2048_p[256] = {
/* clang-format off */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xad, 0xf8, 0x54, 0x58, 0xa2, 0xbb, 0x4a, 0x9a,
    0xaf, 0xdc, 0x56, 0x20, 0x27, 0x3d, 0x3c, 0xf1, 0xd8, 0xb9, 0xc5, 0x83, 0xce, 0x2d, 0x36, 0x95,
    0xa9, 0xe1, 0x36, 0x41, 0x14, 0x64, 0x33, 0xfb, 0xcc, 0x93, 0x9d, 0xce, 0x24, 0x9b, 0x3e, 0xf9,
    0x7d, 0x2f, 0xe3, 0x63, 0x63, 0x0c, 0x75, 0xd8, 0xf6, 0x81, 0xb2, 0x02, 0xae, 0xc4, 0x61, 0x7a,
    0xd3, 0xdf, 0x1e, 0xd5, 0xd5, 0xfd, 0x65, 0x61, 0x24, 0x33, 0xf5, 0x1f, 0x5f, 0x06, 0x6e, 0xd0,
    0x85, 0x63, 0x65, 0x55, 0x3d, 0xed, 0x1a, 0xf3, 0xb5, 0x57, 0x13, 0x5e, 0x7f, 0x57, 0xc9, 0x35,
    0x98, 0x4f, 0x0c, 0x70, 0xe0, 0xe6, 0x8b, 0x77, 0xe2, 0xa6, 0x89, 0xda, 0xf3, 0xef, 0xe8, 0x72,
    0x1d, 0xf1, 0x58, 0xa1, 0x36, 0xad, 0xe7, 0x35, 0x30, 0xac, 0xca, 0x4f, 0x48, 0x3a, 0x79, 0x7a,
    0xbc, 0x0a, 0xb1, 0x82, 0xb3, 0x24, 0xfb, 0x61, 0xd1, 0x08, 0xa9, 0x4b, 0xb2, 0xc8, 0xe3, 0xfb,
    0xb9, 0x6a, 0xda, 0xb7, 0x60, 0xd7, 0xf4, 0x68, 0x1d, 0x4f, 0x42, 0xa3, 0xde, 0x39, 0x4d, 0xf4,
    0xae, 0x56, 0xed, 0xe7, 0x63, 0x72, 0xbb, 0x19, 0x0b, 0x07, 0xa7, 0xc8, 0xee, 0x0a, 0x6d, 0x70,
    0x9e, 0x02, 0xfc, 0xe1, 0xcd, 0xf7, 0xe2, 0xec, 0xc0, 0x34, 0x04, 0xcd, 0x28, 0x34, 0x2f, 0x61,
    0x91, 0x72, 0xfe, 0x9c, 0xe9, 0x85, 0x83, 0xff, 0x8e, 0x4f, 0x12, 0x32, 0xee, 0xf2, 0x81, 0x83,
    0xc3, 0xfe, 0x3b, 0x1b, 0x4c, 0x6f, 0xad, 0x73, 0x3b, 0xb5, 0xfc, 0xbc, 0x2e, 0xc2, 0x20, 0x05,
    0xc5, 0x8e, 0xf1, 0x83, 0x7d, 0x16, 0x83, 0xb2, 0xc6, 0xf3, 0x4a, 0x26, 0xc1, 0xb2, 0xef, 0xfa,
    0x88, 0x6b, 0x42, 0x38, 0x61, 0x28, 0x5c, 0x97, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
/* clang-format on */
};
static const uint8_t ffdhe2048_g[1] = {2};

/* ---- keys --------------------------------------------------------------------------------------- */

static enum tw_hash_id prf_hash(const struct tw_conn *c)
{
    return c->suite->prf == TW_HASH_NONE ? TW_HASH_SHA256 : c->suite->prf;
}

static void make_keys(struct tw_conn *c)
{
    tw_conn_secret(c, "CLIENT_RANDOM", tw_view_of(c->k12.master, 48));
    if (!tw_protect12_new(c->crypto, c->suite, c->version, &c->k12,
                          tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                          c->etm, false, &c->next_write, &c->next_read))
        tw_conn_break(c, TW_E_CRYPTO);
}

static void make_master(struct tw_conn *c)
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_view session_hash = {NULL, 0};
    if (c->ems)
        session_hash = tw_conn_digest_now(c, digest);
    bool ok = tw_keys12_master(&c->k12, c->crypto, c->version, prf_hash(c),
                               tw_buf_view(&c->server->premaster),
                               tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                               session_hash);
    tw_buf_cleanup(&c->server->premaster);
    if (ok)
        make_keys(c);
    else
        tw_conn_break(c, TW_E_CRYPTO);
}

static bool verify_data(struct tw_conn *c, bool server, uint8_t out[12])
{
    uint8_t digest[TW_HASH_MAX];
    struct tw_view hash = tw_conn_digest_now(c, digest);
    if (hash.len > 0 &&
        tw_keys12_finished(&c->k12, c->crypto, c->version, prf_hash(c), server, hash, out))
        return true;
    tw_conn_break(c, TW_E_CRYPTO);
    return false;
}

static void send_finished(struct tw_conn *c)
{
    uint8_t msg[16] = {TW_MSG_FINISHED, 0, 0, 12};
    if (!verify_data(c, true, msg + 4))
        return;
    if (c->server->cfg->faults.corrupt_finished)
        msg[4] ^= 1;
    tw_conn_send_ccs(c);
    struct tw_protect *p = c->next_write;
    c->next_write = NULL;
    tw_conn_set_write(c, p);
    tw_conn_send(c, tw_view_of(msg, sizeof msg));
    tw_conn_flush(c);
    tw_server_corrupt_record(c);
}

/* ---- ServerHello -------------------------------------------------------------------------------- */

static bool is_cbc(const struct tw_suite *s)
{
    const struct tw_bulk_info *b = tw_bulk_info(s->bulk);
    return b != NULL && s->mac != TW_MAC_AEAD && b->iv_len > 0;
}

static bool uses_ec(const struct tw_suite *s)
{
    return s->kx == TW_KX_ECDHE || s->kx == TW_KX_ECDHE_PSK || s->auth == TW_AUTH_ECDSA;
}

static bool signals_renegotiation(const struct tw_server *s)
{
    struct tw_view v = s->ch.ciphers;
    for (size_t i = 0; i + 2 <= v.len; i += 2)
        if ((v.data[i] << 8 | v.data[i + 1]) == RENEGOTIATION_SCSV)
            return true;
    return tw_server_offers(s, TW_EXT_RENEGOTIATION_INFO);
}

static void write_extensions(struct tw_conn *c, struct tw_buf *b)
{
    struct tw_server *s = c->server;
    if (s->name_known && !c->resumed) /* RFC 6066 3 */
        tw_server_ext_empty(b, TW_EXT_SERVER_NAME);
    if (c->secure_renegotiation) {
        tw_wr_u16(b, TW_EXT_RENEGOTIATION_INFO);
        tw_wr_vec(b, 2, tw_view_of("\0", 1));
    }
    if (uses_ec(c->suite) && tw_server_offers(s, TW_EXT_EC_POINT_FORMATS)) {
        tw_wr_u16(b, TW_EXT_EC_POINT_FORMATS);
        tw_wr_vec(b, 2, tw_view_of("\1\0", 2)); /* uncompressed */
    }
    if (c->facts.ticket_promised)
        tw_server_ext_empty(b, TW_EXT_SESSION_TICKET);
    if (c->facts.status_promised)
        tw_server_ext_empty(b, TW_EXT_STATUS_REQUEST);
    if (c->etm)
        tw_server_ext_empty(b, TW_EXT_ENCRYPT_THEN_MAC);
    if (c->ems)
        tw_server_ext_empty(b, TW_EXT_EXTENDED_MASTER_SECRET);
    tw_server_ext_alpn(c, b);
}

/* RFC 8446 4.1.3: the mark of a server that could do better. A server that is told to choose a
 * version plays one that knows no better. */
static void mark_downgrade(struct tw_conn *c)
{
    const struct tw_server *s = c->server;
    bool speaks13 = tw_u16list_has(&s->versions, TW_TLS13);
    bool speaks12 = speaks13 || tw_u16list_has(&s->versions, TW_TLS12);
    if (s->cfg->faults.force_version != 0)
        return;
    if (c->version == TW_TLS12 && speaks13)
        memcpy(c->server_random + 24, "DOWNGRD\1", 8);
    else if (c->version < TW_TLS12 && speaks12)
        memcpy(c->server_random + 24, "DOWNGRD\0", 8);
}

static void send_server_hello(struct tw_conn *c)
{
    struct tw_buf msg, exts;
    tw_buf_init(&exts, 4096);
    tw_buf_init(&msg, 8192);
    write_extensions(c, &exts);
    struct tw_server_hello m = {
        .version = c->version,
        .random = tw_view_of(c->server_random, 32),
        /* the echo says that the session goes on, RFC 5077 3.4; else there is nothing to keep */
        .session_id = c->resumed ? c->server->ch.session_id : (struct tw_view){NULL, 0},
        .cipher = c->suite->id,
        .extensions = tw_buf_view(&exts),
        .has_extensions = exts.len > 0,
    };
    size_t mark = tw_handshake_open(&msg, TW_MSG_SERVER_HELLO);
    tw_server_hello_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    tw_server_send_buf(c, &msg);
    tw_buf_cleanup(&exts);
}

/* ---- resumption --------------------------------------------------------------------------------- */

static bool suite_still_offered(const struct tw_server *s, uint16_t id)
{
    struct tw_view v = s->ch.ciphers;
    for (size_t i = 0; i + 2 <= v.len; i += 2)
        if ((v.data[i] << 8 | v.data[i + 1]) == id)
            return tw_u16list_has(&s->ciphers, id);
    return false;
}

/* Is there a session to go on with? Stops when RFC 7627 5.3 says so. */
static bool find_session(struct tw_conn *c, uint16_t version, struct tw_session *old)
{
    struct tw_server *s = c->server;
    struct tw_view ticket;
    bool ems = tw_server_offers(s, TW_EXT_EXTENDED_MASTER_SECRET);
    if (!s->cfg->tickets || s->ch.session_id.len == 0 ||
        !tw_ext_find(s->ch.extensions, TW_EXT_SESSION_TICKET, &ticket) || ticket.len == 0 ||
        !tw_server_ticket_open(c, ticket, old) || old->version != version ||
        old->secret_len != sizeof c->k12.master || !suite_still_offered(s, old->cipher))
        return false;
    if (old->extended_master_secret && !ems)
        tw_conn_fail(c, TW_ALERT_HANDSHAKE_FAILURE, "extended_master_secret", 0,
                     "the session has an extended master secret, the client does not offer it");
    return old->extended_master_secret == ems;
}

static void resume(struct tw_conn *c, const struct tw_session *old)
{
    memcpy(c->k12.master, old->secret, sizeof c->k12.master);
    make_keys(c);
    if (!tw_conn_stopped(c))
        send_finished(c);
}

/* ---- our flight --------------------------------------------------------------------------------- */

static void send_status(struct tw_conn *c)
{
    struct tw_certificate_status m = {.type = 1, .response = c->server->cfg->ocsp_response};
    struct tw_buf msg;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE_STATUS);
    tw_certificate_status_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    tw_server_send_buf(c, &msg);
}

/* Our half of the key exchange into s->share, the parameters into m. False: stopped. */
static bool make_share(struct tw_conn *c, struct tw_server_key_exchange *m)
{
    struct tw_server *s = c->server;
    if (m->kx == TW_KX_ECDHE || m->kx == TW_KX_ECDHE_PSK) {
        s->kex = c->crypto->kex_new(c->crypto->ctx, s->group, &s->share);
        m->group = s->group;
        m->point = tw_buf_view(&s->share);
    } else {
        m->dh_p = s->cfg->dh_p.len > 0 ? s->cfg->dh_p : tw_view_of(ffdhe2048_p, 256);
        m->dh_g = s->cfg->dh_p.len > 0 ? s->cfg->dh_g : tw_view_of(ffdhe2048_g, 1);
        s->kex = c->crypto->dh_new(c->crypto->ctx, m->dh_p, m->dh_g, &s->share);
        m->dh_ys = tw_buf_view(&s->share);
    }
    if (s->kex != NULL)
        return true;
    tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "group_unavailable", s->group,
                 "the group of the key exchange is not available on this machine");
    return false;
}

/* The signature is over both randoms and the parameters as they are sent, RFC 5246 7.4.3. */
static bool sign_params(struct tw_conn *c, struct tw_server_key_exchange *m, struct tw_buf *sig)
{
    struct tw_server_key_exchange bare = *m;
    struct tw_buf params;
    bare.auth = TW_AUTH_ANON;
    tw_buf_init(&params, 65536);
    tw_server_key_exchange_encode(&params, &bare);
    struct tw_view parts[] = {tw_view_of(c->client_random, 32), tw_view_of(c->server_random, 32),
                              tw_buf_view(&params)};
    bool ok = !params.failed && tw_server_sign(c, parts, 3, sig);
    tw_buf_cleanup(&params);
    m->scheme = c->server->scheme;
    m->signature = tw_buf_view(sig);
    return ok;
}

static void send_key_exchange(struct tw_conn *c)
{
    struct tw_server_key_exchange m = {
        .kx = c->suite->kx, .auth = c->suite->auth, .version = c->version};
    struct tw_buf msg, sig;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    tw_buf_init(&sig, 8192);
    if (make_share(c, &m) && (!c->facts.server_authenticates || sign_params(c, &m, &sig))) {
        size_t mark = tw_handshake_open(&msg, TW_MSG_SERVER_KEY_EXCHANGE);
        tw_server_key_exchange_encode(&msg, &m);
        tw_wr_close(&msg, mark, 3);
        tw_server_send_buf(c, &msg);
    }
    tw_buf_cleanup(&msg);
    tw_buf_cleanup(&sig);
}

static void send_flight(struct tw_conn *c)
{
    static const uint8_t done[] = {TW_MSG_SERVER_HELLO_DONE, 0, 0, 0};
    struct tw_server *s = c->server;
    if (c->facts.server_authenticates) {
        if (s->cred == NULL) { /* told to use a suite that no certificate is there for */
            s->silent = true;
            return;
        }
        tw_server_send_certificate(c);
        if (c->facts.status_promised)
            send_status(c);
    }
    if (c->facts.server_key_exchange && !tw_conn_stopped(c))
        send_key_exchange(c);
    if (c->facts.server_authenticates && s->cfg->client_cert != 0 && !tw_conn_stopped(c))
        tw_server_send_request(c);
    tw_conn_send(c, tw_view_of(done, sizeof done));
}

/* ---- ClientHello -------------------------------------------------------------------------------- */

static void negotiate_extensions(struct tw_conn *c)
{
    struct tw_server *s = c->server;
    c->ems = tw_server_offers(s, TW_EXT_EXTENDED_MASTER_SECRET);
    c->etm = tw_server_offers(s, TW_EXT_ENCRYPT_THEN_MAC) && is_cbc(c->suite);
    c->secure_renegotiation = signals_renegotiation(s);
    c->facts.psk = c->resumed;
    c->facts.status_promised = !c->resumed && s->status_asked && s->cfg->ocsp_response.len > 0 &&
                               c->facts.server_authenticates;
    c->facts.ticket_promised = !c->resumed && s->cfg->tickets && s->ticket_asked;
}

/* Suites of key exchanges that are not spoken here come in only when told so (force_cipher). */
static bool can_go_on(const struct tw_conn *c)
{
    const struct tw_suite *s = c->suite;
    return !c->server->cfg->faults.stop_after_server_hello && c->version >= TW_TLS10 &&
           (s->kx == TW_KX_RSA || s->kx == TW_KX_DHE || s->kx == TW_KX_ECDHE ||
            ((s->kx == TW_KX_PSK || s->kx == TW_KX_DHE_PSK || s->kx == TW_KX_ECDHE_PSK ||
              s->kx == TW_KX_RSA_PSK) &&
             c->cfg.psk.len > 0));
}

void tw_server12_take_hello(struct tw_conn *c, uint16_t version, struct tw_view whole)
{
    struct tw_session old = {0};
    c->resumed = find_session(c, version, &old);
    const struct tw_suite *suite = NULL;
    if (!tw_conn_stopped(c))
        suite = c->resumed ? tw_suite_by_id(old.cipher)
                           : tw_server_choose_suite12(c, version < TW_TLS10 ? TW_TLS10 : version);
    if (suite == NULL)
        return;
    tw_conn_choose(c, version, suite);
    if (!c->crypto->random(c->crypto->ctx, c->server_random, 32))
        tw_conn_break(c, TW_E_CRYPTO);
    if (tw_conn_stopped(c) || !tw_conn_hash(c, whole))
        return;
    mark_downgrade(c);
    negotiate_extensions(c);
    send_server_hello(c);
    if (!can_go_on(c))
        c->server->silent = true;
    else if (c->resumed)
        resume(c, &old);
    else
        send_flight(c);
    tw_wipe(&old, sizeof old);
}

/* ---- the client's flight ------------------------------------------------------------------------ */

static bool uses_psk(enum tw_kx kx)
{
    return kx == TW_KX_PSK || kx == TW_KX_DHE_PSK || kx == TW_KX_ECDHE_PSK || kx == TW_KX_RSA_PSK;
}

/* RFC 5246 7.4.7.1: whatever is wrong shows only at Finished. */
static void decrypt_premaster(struct tw_conn *c, struct tw_view in)
{
    struct tw_server *s = c->server;
    uint8_t random[48], *pm = tw_buf_grow(&s->premaster, 48);
    if (pm == NULL || !c->crypto->random(c->crypto->ctx, random, sizeof random) ||
        !c->crypto->rsa_decrypt(s->cred->key, in, pm)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    unsigned wrong = (unsigned)(pm[0] ^ (s->hello_version >> 8)) |
                     (unsigned)(pm[1] ^ (s->hello_version & 0xff));
    uint8_t mask = (uint8_t)((0u - wrong) >> 24); /* 0xff when wrong, without a branch */
    for (size_t i = 0; i < 48; i++)
        pm[i] = (uint8_t)((pm[i] & ~mask) | (random[i] & mask));
    tw_wipe(random, sizeof random);
}

static void derive_premaster(struct tw_conn *c, struct tw_view in)
{
    struct tw_server *s = c->server;
    if (!c->crypto->kex_derive(s->kex, in, &s->premaster))
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "key_share_invalid", s->group,
                     "the client's key exchange value is invalid");
}

static bool known_identity(struct tw_conn *c, struct tw_view identity)
{
    if (c->cfg.psk_identity.len == 0 || tw_view_eq(identity, c->cfg.psk_identity))
        return true;
    tw_conn_fail(c, TW_ALERT_UNKNOWN_PSK_IDENTITY, "psk_identity", 0,
                 "the client's PSK identity is not known here");
    return false;
}

static void exchange(struct tw_conn *c, const struct tw_client_key_exchange *m)
{
    enum tw_kx kx = c->suite->kx;
    if (uses_psk(kx) && !known_identity(c, m->psk_identity))
        return;
    if (kx == TW_KX_RSA || kx == TW_KX_RSA_PSK)
        decrypt_premaster(c, m->body);
    else if (kx != TW_KX_PSK)
        derive_premaster(c, m->body);
    if (uses_psk(kx) && !tw_conn_stopped(c) &&
        !tw_psk_premaster(kx, c->cfg.psk, &c->server->premaster))
        tw_conn_break(c, TW_E_LIMIT);
}

static void take_key_exchange(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    struct tw_client_key_exchange m = {.kx = c->suite->kx, .version = c->version};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_client_key_exchange_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CLIENT_KEY_EXCHANGE, &r);
        return;
    }
    exchange(c, &m);
    if (!tw_conn_stopped(c) && tw_conn_hash(c, whole))
        make_master(c);
}

void tw_server12_take_ccs(struct tw_conn *c)
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

static void send_ticket(struct tw_conn *c)
{
    struct tw_session s = {.version = c->version,
                           .cipher = c->suite->id,
                           .secret_len = sizeof c->k12.master,
                           .extended_master_secret = c->ems};
    memcpy(s.secret, c->k12.master, sizeof c->k12.master);
    tw_server_send_ticket(c, &s, (struct tw_view){NULL, 0});
    tw_wipe(&s, sizeof s);
}

static void take_finished(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    uint8_t want[12];
    if (!verify_data(c, false, want))
        return;
    bool good = tw_view_eq(body, tw_view_of(want, sizeof want));
    tw_conn_check(c, "finished", good, good ? NULL : "verify_data is not what it must be");
    if (!good) {
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "finished", 0,
                     "the client's Finished does not verify");
        return;
    }
    if (!tw_conn_hash(c, whole) || tw_server_alert_after_finished(c))
        return;
    if (!c->resumed) {
        if (c->facts.ticket_promised)
            send_ticket(c);
        if (!tw_conn_stopped(c))
            send_finished(c);
    }
    if (!tw_conn_stopped(c))
        tw_conn_complete(c);
}

static void take_certificate_verify(struct tw_conn *c, struct tw_view body, struct tw_view whole)
{
    struct tw_view part = tw_buf_view(&c->transcript.early);
    if (tw_server_take_verify(c, body, &part, 1))
        (void)tw_conn_hash(c, whole);
}

void tw_server12_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole)
{
    switch (type) {
    case TW_MSG_CERTIFICATE:
        tw_server_take_certificate(c, body);
        if (!tw_conn_stopped(c))
            (void)tw_conn_hash(c, whole);
        break;
    case TW_MSG_CLIENT_KEY_EXCHANGE:
        take_key_exchange(c, body, whole);
        break;
    case TW_MSG_CERTIFICATE_VERIFY:
        take_certificate_verify(c, body, whole);
        break;
    case TW_MSG_FINISHED:
        take_finished(c, body, whole);
        break;
    default:
        tw_conn_fail(c, TW_ALERT_UNEXPECTED_MESSAGE, "unexpected_message", type, "message");
        break;
    }
}
