/*
 * Client role: the ClientHello, what any ServerHello must satisfy, and who takes which message.
 * TLS 1.3 goes on in client13.c, TLS 1.0-1.2 in client12.c; certificates are in client_auth.c.
 *
 * The role does not judge certificates. It stops, with the alert that a mainstream client sends,
 * when the server breaks the protocol: answers with what was not offered, or with a signature,
 * Finished or MAC that does not verify.
 */
#include "engine/client.h"

/* ---- what was offered -------------------------------------------------------------------------- */

bool tw_client_offered_ext(const struct tw_conn *c, uint16_t type)
{
    struct tw_view body;
    return tw_ext_find(c->client->sent.extensions, type, &body);
}

static bool offered_in_list(const struct tw_conn *c, uint16_t ext, uint16_t value)
{
    struct tw_view body;
    if (!tw_ext_find(c->client->sent.extensions, ext, &body) || body.len < 2)
        return false;
    for (size_t i = 2; i + 2 <= body.len; i += 2)
        if ((body.data[i] << 8 | body.data[i + 1]) == value)
            return true;
    return false;
}

bool tw_client_offered_group(const struct tw_conn *c, uint16_t group)
{
    return offered_in_list(c, TW_EXT_SUPPORTED_GROUPS, group);
}

/* Without the extension the server may use SHA-1 with what its key can do (RFC 5246 7.4.1.4.1). */
bool tw_client_offered_sigalg(const struct tw_conn *c, uint16_t scheme)
{
    if (!tw_client_offered_ext(c, TW_EXT_SIGNATURE_ALGORITHMS))
        return scheme >> 8 == 2;
    return offered_in_list(c, TW_EXT_SIGNATURE_ALGORITHMS, scheme);
}

static bool offered_cipher(const struct tw_conn *c, uint16_t id)
{
    struct tw_view v = c->client->sent.ciphers;
    for (size_t i = 0; i + 2 <= v.len; i += 2)
        if ((v.data[i] << 8 | v.data[i + 1]) == id)
            return true;
    return false;
}

static bool offered_version(const struct tw_conn *c, uint16_t version)
{
    struct tw_view body;
    if (tw_ext_find(c->client->sent.extensions, TW_EXT_SUPPORTED_VERSIONS, &body)) {
        for (size_t i = 1; i + 2 <= body.len; i += 2)
            if ((body.data[i] << 8 | body.data[i + 1]) == version)
                return true;
        return false;
    }
    const struct tw_u16list *l = &c->cfg.hello.versions;
    uint16_t min = 0xffff, max = 0;
    for (size_t i = 0; i < l->n; i++) {
        min = l->v[i] < min ? l->v[i] : min;
        max = l->v[i] > max ? l->v[i] : max;
    }
    return version >= min && version <= max && version < TW_TLS13;
}

bool tw_client_check_extensions(struct tw_conn *c, struct tw_view block, uint16_t also)
{
    struct tw_reader r = tw_rd_of(block);
    struct tw_ext e;
    while (tw_ext_next(&r, &e)) {
        if (e.type == also || tw_client_offered_ext(c, e.type))
            continue;
        char text[96], name[48];
        snprintf(text, sizeof text, "the server answers an extension that was not offered: %s",
                 tw_extension_label(e.type, name, sizeof name));
        tw_conn_fail(c, TW_ALERT_UNSUPPORTED_EXTENSION, "extension_not_offered", e.type, text);
        return false;
    }
    return true;
}

bool tw_client_take_alpn(struct tw_conn *c, struct tw_view block)
{
    struct tw_view body, proto, offer;
    if (!tw_ext_find(block, TW_EXT_ALPN, &body))
        return true;
    if (!tw_ext_alpn_at(body, 0, &proto) || proto.len == 0 || proto.len >= sizeof c->alpn) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "decode_error", TW_EXT_ALPN, "malformed ALPN answer");
        return false;
    }
    bool found = false;
    if (tw_ext_find(c->client->sent.extensions, TW_EXT_ALPN, &body))
        for (size_t i = 0; !found && tw_ext_alpn_at(body, i, &offer); i++)
            found = tw_view_eq(offer, proto);
    if (!found) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "alpn_not_offered", 0,
                     "the server chose an application protocol that was not offered");
        return false;
    }
    memcpy(c->alpn, proto.data, proto.len);
    c->alpn[proto.len] = 0;
    return true;
}

/* ---- key shares -------------------------------------------------------------------------------- */

bool tw_client_add_share(struct tw_conn *c, uint16_t group)
{
    struct tw_client *k = c->client;
    if (k->shares_n == TW_HELLO_MAX_SHARES)
        return false;
    size_t off = k->share_bytes.len;
    struct tw_kex *kex = c->crypto->kex_new(c->crypto->ctx, group, &k->share_bytes);
    if (kex == NULL)
        return false;
    k->shares[k->shares_n].group = group;
    k->shares[k->shares_n].kex = kex;
    k->shares[k->shares_n].off = off;
    k->shares[k->shares_n].len = k->share_bytes.len - off;
    k->shares_n++;
    return true;
}

void tw_client_drop_shares(struct tw_conn *c)
{
    struct tw_client *k = c->client;
    for (size_t i = 0; i < k->shares_n; i++)
        c->crypto->kex_free(k->shares[i].kex);
    k->shares_n = 0;
    k->share_bytes.len = 0;
}

/* ---- resumption -------------------------------------------------------------------------------- */

static void require_ext(struct tw_hello *h, uint16_t type)
{
    if (!tw_hello_has_ext(h, type) && h->order_n < TW_HELLO_MAX_EXT)
        h->order[h->order_n++] = type;
}

static void plan_resumption(struct tw_conn *c)
{
    const struct tw_session *s = c->cfg.session;
    struct tw_client *k = c->client;
    if (s == NULL)
        return;
    if (s->version < TW_TLS13) {
        k->offer_session = s->ticket_len > 0 || s->id_len > 0;
        if (s->ticket_len > 0)
            require_ext(&c->cfg.hello, TW_EXT_SESSION_TICKET);
        return;
    }
    if (s->ticket_len == 0 || tw_suite_by_id(s->cipher) == NULL)
        return;
    k->offer_psk = true;
    require_ext(&c->cfg.hello, TW_EXT_PSK_KEY_EXCHANGE_MODES);
    tw_hello_drop_ext(&c->cfg.hello, TW_EXT_PRE_SHARED_KEY); /* must be the last one */
    require_ext(&c->cfg.hello, TW_EXT_PRE_SHARED_KEY);
}

static enum tw_hash_id suite_hash(const struct tw_suite *s)
{
    return s->prf == TW_HASH_NONE ? TW_HASH_SHA256 : s->prf;
}

static uint32_t obfuscated_age(const struct tw_conn *c)
{
    const struct tw_session *s = c->cfg.session;
    if (s->external_psk)
        return 0;
    uint64_t age = c->now > s->received_at ? (c->now - s->received_at) / 1000000 : 0;
    return (uint32_t)age + s->age_add;
}

/* RFC 8446 4.2.11.2: over everything up to the list of binders, which holds one. */
static bool write_binder(struct tw_conn *c, struct tw_buf *msg, size_t binder_off)
{
    const struct tw_session *s = c->cfg.session;
    struct tw_client *k = c->client;
    enum tw_hash_id hash = suite_hash(tw_suite_by_id(s->cipher));
    size_t hash_len = tw_hash_len(hash);
    uint8_t digest[TW_HASH_MAX], first[TW_HASH_MAX];
    uint8_t head[4] = {TW_MSG_MESSAGE_HASH, 0, 0, (uint8_t)hash_len};
    struct tw_view cut = tw_view_of(msg->data, binder_off - 3);
    struct tw_view parts[4] = {cut};
    size_t n = 1;
    if (k->retry.len > 0) {
        c->crypto->digest(c->crypto->ctx, hash, &k->first_hello, 1, first);
        parts[0] = tw_view_of(head, 4);
        parts[1] = tw_view_of(first, hash_len);
        parts[2] = k->retry;
        parts[3] = cut;
        n = 4;
    }
    struct tw_secret binder;
    bool ok = c->crypto->digest(c->crypto->ctx, hash, parts, n, digest) == hash_len &&
              tw_schedule13_early(&c->ks, c->crypto, hash, tw_view_of(s->secret, s->secret_len)) &&
              tw_schedule13_binder(&c->ks, s->external_psk, tw_view_of(digest, hash_len), &binder);
    if (ok)
        memcpy(msg->data + binder_off, binder.v, hash_len);
    tw_wipe(&binder, sizeof binder);
    return ok;
}

/* ---- the ClientHello --------------------------------------------------------------------------- */

/* RFC 9849 6.2: looks like a real one to who does not know the key. */
static bool make_ech_grease(struct tw_conn *c)
{
    struct tw_client *k = c->client;
    uint8_t *p = k->ech;
    if (!c->crypto->random(c->crypto->ctx, p, sizeof k->ech))
        return false;
    size_t payload = 144 + 32 * (size_t)(p[0] & 3);
    static const uint8_t head[] = {0 /* outer */, 0, 1 /* HKDF-SHA256 */, 0, 1 /* AES-128-GCM */};
    memcpy(p, head, sizeof head);
    /* p[5], the config id, stays random */
    p[6] = 0;
    p[7] = 32; /* enc: an X25519 public key */
    p[40] = (uint8_t)(payload >> 8);
    p[41] = (uint8_t)payload;
    k->ech_len = 42 + payload;
    return true;
}

static void fill_secrets(struct tw_conn *c, struct tw_hello_secrets *s)
{
    struct tw_client *k = c->client;
    const struct tw_session *old = c->cfg.session;
    *s = (struct tw_hello_secrets){
        .random = tw_view_of(k->random, 32),
        .session_id = tw_view_of(k->session_id, k->session_id_len),
        .cookie = k->cookie,
        .ech_grease = tw_view_of(k->ech, k->ech_len),
        .shares_n = k->shares_n,
    };
    for (size_t i = 0; i < k->shares_n; i++) {
        s->shares[i].group = k->shares[i].group;
        s->shares[i].key = tw_view_of(k->share_bytes.data + k->shares[i].off, k->shares[i].len);
    }
    if (k->offer_session)
        s->ticket = tw_view_of(old->ticket, old->ticket_len);
    if (k->offer_psk) {
        s->psk_identity = tw_view_of(old->ticket, old->ticket_len);
        s->psk_age = obfuscated_age(c);
        s->psk_binder_len = tw_hash_len(suite_hash(tw_suite_by_id(old->cipher)));
    }
}

/* Keeps what is sent, and sends it. */
static bool send_hello_bytes(struct tw_conn *c, struct tw_view msg)
{
    struct tw_client *k = c->client;
    k->hello_msg = tw_arena_copy(c->arena, msg);
    if (k->hello_msg.data == NULL) {
        tw_conn_break(c, TW_E_NOMEM);
        return false;
    }
    k->sent = (struct tw_client_hello){0};
    struct tw_reader r = tw_rd_of(tw_view_sub(k->hello_msg, 4, k->hello_msg.len - 4));
    (void)tw_client_hello_decode(&r, &k->sent); /* a deliberately broken hello may be sent, too */
    if (k->sent.random.len == 32)
        memcpy(c->client_random, k->sent.random.data, 32);
    if (k->sent.session_id.len <= sizeof k->session_id) {
        k->session_id_len = k->sent.session_id.len;
        if (k->session_id_len > 0)
            memcpy(k->session_id, k->sent.session_id.data, k->session_id_len);
    }
    tw_conn_send(c, k->hello_msg);
    tw_conn_flush(c);
    return !tw_conn_stopped(c);
}

bool tw_client_send_hello(struct tw_conn *c)
{
    struct tw_hello *h = &c->cfg.hello;
    if (h->raw.len >= 4)
        return send_hello_bytes(c, h->raw);
    struct tw_hello_secrets s;
    struct tw_buf msg;
    size_t binder_off = 0;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    fill_secrets(c, &s);
    bool ok = tw_hello_encode(h, &s, &msg, &binder_off);
    if (ok && binder_off > 3)
        ok = write_binder(c, &msg, binder_off);
    if (!ok)
        tw_conn_break(c, msg.failed ? TW_E_LIMIT : TW_E_CRYPTO);
    else
        ok = send_hello_bytes(c, tw_buf_view(&msg));
    tw_buf_cleanup(&msg);
    return ok;
}

static bool make_randoms(struct tw_conn *c)
{
    struct tw_client *k = c->client;
    struct tw_hello *h = &c->cfg.hello;
    const struct tw_session *s = c->cfg.session;
    uint8_t fresh[32 + 32 + 4], *seed = fresh + 64; /* one call: each has its price */
    if (!c->crypto->random(c->crypto->ctx, fresh, sizeof fresh))
        return false;
    memcpy(k->random, fresh, 32);
    memcpy(k->session_id, fresh + 32, 32);
    if (h->grease_seed == 0)
        h->grease_seed = (uint32_t)seed[0] << 24 | (uint32_t)seed[1] << 16 |
                         (uint32_t)seed[2] << 8 | seed[3];
    /* A ticket goes with an id of ours, so that the echo says whether it was taken (RFC 5077 3.4). */
    if (h->random_session_id || (k->offer_session && s->ticket_len > 0))
        k->session_id_len = 32;
    if (k->offer_session && s->ticket_len == 0) {
        k->session_id_len = s->id_len <= 32 ? s->id_len : 32;
        memcpy(k->session_id, s->id, k->session_id_len);
    }
    return !tw_hello_has_ext(h, TW_EXT_ECH) || make_ech_grease(c);
}

/* A recipe for SSL 2.0 alone: its own ClientHello, only to see what the server speaks. */
static void send_ssl2_hello(struct tw_conn *c)
{
    tw_ssl2_client_hello_write(&c->out, TW_SSL2, tw_view_of(c->client->random, 16));
    struct tw_note n = tw_conn_note(c, c->us, false, 0);
    (void)tw_note_ssl2(&n, tw_view_sub(tw_buf_view(&c->out), 2, c->out.len));
}

static void client_start(struct tw_conn *c)
{
    c->client = tw_arena_alloc(c->arena, sizeof *c->client);
    if (c->client == NULL) {
        tw_conn_break(c, TW_E_NOMEM);
        return;
    }
    struct tw_client *k = c->client;
    struct tw_hello *h = &c->cfg.hello;
    tw_buf_init(&k->share_bytes, 32768);
    tw_buf_init(&k->cke, 65536);
    tw_buf_init(&k->premaster, 65536);
    if (h->record_version != 0)
        c->record_version = h->record_version;
    plan_resumption(c);
    if (!make_randoms(c)) {
        tw_conn_break(c, TW_E_CRYPTO);
        return;
    }
    if (h->versions.n == 1 && h->versions.v[0] == TW_SSL2) {
        send_ssl2_hello(c);
        return;
    }
    /* All bytes are needed again by CertificateVerify below TLS 1.3, and by post-handshake
     * authentication. */
    c->transcript.keep =
        c->cfg.client_cred != NULL || tw_hello_has_ext(h, TW_EXT_POST_HANDSHAKE_AUTH);
    for (size_t i = 0; i < h->shares.n; i++)
        (void)tw_client_add_share(c, h->shares.v[i]);
    (void)tw_client_send_hello(c);
}

static void client_cleanup(struct tw_conn *c)
{
    struct tw_client *k = c->client;
    if (k == NULL)
        return;
    tw_client_drop_shares(c);
    tw_buf_cleanup(&k->share_bytes);
    tw_buf_cleanup(&k->cke);
    tw_buf_cleanup(&k->premaster);
    if (k->kex != NULL)
        c->crypto->kex_free(k->kex);
    if (k->leaf_key != NULL)
        c->crypto->pubkey_free(k->leaf_key);
}

/* ---- ServerHello ------------------------------------------------------------------------------- */

static bool check_version(struct tw_conn *c, const struct tw_server_hello *m)
{
    char text[96], name[32];
    if (m->selected_version == TW_SSL3) {
        tw_conn_fail(c, TW_ALERT_PROTOCOL_VERSION, "ssl3", TW_SSL3,
                     "the server speaks SSL 3.0, which this program does not go on with");
        return false;
    }
    if (offered_version(c, m->selected_version) && m->selected_version >= TW_TLS10 &&
        m->selected_version <= TW_TLS13)
        return true;
    snprintf(text, sizeof text, "the server chose %s, which was not offered",
             tw_version_label(m->selected_version, name, sizeof name));
    tw_conn_fail(c, TW_ALERT_PROTOCOL_VERSION, "version_not_offered", m->selected_version, text);
    return false;
}

static const struct tw_suite *check_cipher(struct tw_conn *c, const struct tw_server_hello *m)
{
    char text[160], name[80];
    const struct tw_suite *s = tw_suite_by_id(m->cipher);
    tw_suite_label(m->cipher, name, sizeof name);
    if (!offered_cipher(c, m->cipher) || s == NULL || (s->flags & TW_SUITE_SCSV) != 0) {
        snprintf(text, sizeof text, "the server chose %s, which was not offered", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "cipher_not_offered", m->cipher, text);
        return NULL;
    }
    if ((s->kx == TW_KX_TLS13) != (m->selected_version >= TW_TLS13) ||
        m->selected_version < s->min_version) {
        snprintf(text, sizeof text, "%s does not belong to the chosen version", name);
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "cipher_wrong_version", m->cipher, text);
        return NULL;
    }
    if (!c->crypto->has_bulk(c->crypto->ctx, s->bulk)) {
        snprintf(text, sizeof text, "%s is not available on this machine", name);
        tw_conn_fail(c, TW_ALERT_INTERNAL_ERROR, "cipher_unavailable", m->cipher, text);
        return NULL;
    }
    return s;
}

/* RFC 8446 4.1.3: a server that can do better says so in the last bytes of its random. */
static bool check_downgrade(struct tw_conn *c, const struct tw_server_hello *m)
{
    if (m->selected_version >= TW_TLS13 || m->random.len != 32)
        return true;
    const uint8_t *tail = m->random.data + 24;
    if (memcmp(tail, "DOWNGRD", 7) != 0 || tail[7] > 1)
        return true;
    bool lost13 = tail[7] == 1 && offered_version(c, TW_TLS13);
    bool lost12 = tail[7] == 0 && m->selected_version < TW_TLS12 && offered_version(c, TW_TLS12);
    if (!lost13 && !lost12)
        return true;
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "downgrade_sentinel", m->selected_version,
                 "the server marks its answer as a downgrade: somebody changed the ClientHello");
    return false;
}

static void take_server_hello(struct tw_conn *c, uint8_t type, struct tw_view body,
                              struct tw_view whole)
{
    struct tw_server_hello m = {0};
    struct tw_reader r = tw_rd_of(body);
    if (!tw_server_hello_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_SERVER_HELLO, &r);
        return;
    }
    if (c->cfg.answer_only) {
        c->state = TW_CONN_STOPPED;
        return;
    }
    memcpy(c->server_random, m.random.data, 32);
    if (!check_version(c, &m))
        return;
    if (m.compression != 0) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "compression", m.compression,
                     "the server chose a compression method");
        return;
    }
    const struct tw_suite *suite = check_cipher(c, &m);
    if (suite == NULL || !check_downgrade(c, &m))
        return;
    if (type == TW_MSG_HELLO_RETRY_REQUEST)
        tw_client13_take_retry(c, &m, suite, whole);
    else if (m.selected_version >= TW_TLS13)
        tw_client13_take_server_hello(c, &m, suite, whole);
    else
        tw_client12_take_server_hello(c, &m, suite, whole);
}

static void client_take_message(struct tw_conn *c, uint8_t type, struct tw_view body,
                                struct tw_view whole)
{
    if (type == TW_MSG_SERVER_HELLO || type == TW_MSG_HELLO_RETRY_REQUEST)
        take_server_hello(c, type, body, whole);
    else if (c->version >= TW_TLS13)
        tw_client13_take(c, type, body, whole);
    else
        tw_client12_take(c, type, body, whole);
}

const struct tw_role_ops tw_client_role = {
    .start = client_start,
    .take_message = client_take_message,
    .take_ccs = tw_client12_take_ccs,
    .cleanup = client_cleanup,
};
