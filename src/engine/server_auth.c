/* Server role: our certificate and signatures; the client's certificate when it is asked for. */
#include "engine/client.h" /* tw_cert_spki() */
#include "engine/server.h"

/* ---- ours --------------------------------------------------------------------------------------- */

/* RFC 8446 4.4.2.1: the response goes with the leaf. */
static void write_leaf_extensions(struct tw_conn *c, struct tw_buf *b)
{
    struct tw_server *s = c->server;
    if (!s->status_asked || s->cfg->ocsp_response.len == 0)
        return;
    struct tw_certificate_status m = {.type = 1, .response = s->cfg->ocsp_response};
    tw_wr_u16(b, TW_EXT_STATUS_REQUEST);
    size_t mark = tw_wr_open(b, 2);
    tw_certificate_status_encode(b, &m);
    tw_wr_close(b, mark, 2);
}

void tw_server_send_certificate(struct tw_conn *c)
{
    const struct tw_credential *cred = c->server->cred;
    struct tw_view exts[TW_ARRAY_LEN(cred->chain)] = {{NULL, 0}};
    struct tw_buf msg, leaf;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    tw_buf_init(&leaf, 65535);
    if (c->version >= TW_TLS13)
        write_leaf_extensions(c, &leaf);
    exts[0] = tw_buf_view(&leaf);
    size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE);
    tw_certificate_encode(&msg, c->version >= TW_TLS13, (struct tw_view){NULL, 0}, cred->chain,
                          exts, cred->chain_n);
    tw_wr_close(&msg, mark, 3);
    tw_server_send_buf(c, &msg);
    tw_buf_cleanup(&leaf);
}

bool tw_server_sign(struct tw_conn *c, const struct tw_view *parts, size_t n, struct tw_buf *sig)
{
    struct tw_server *s = c->server;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    if (s->cred == NULL || !tw_sig_plan(c->version, s->scheme, &s->key, &kind, &hash) ||
        !c->crypto->sign(s->cred->key, kind, hash, parts, n, sig) || sig->len == 0) {
        tw_conn_break(c, TW_E_CRYPTO);
        return false;
    }
    if (s->cfg->faults.corrupt_signature)
        sig->data[sig->len - 1] ^= 1;
    return true;
}

/* ---- the client's ------------------------------------------------------------------------------- */

static void write_sigalgs(struct tw_buf *b, const struct tw_u16list *l)
{
    for (size_t i = 0; i < l->n; i++)
        tw_wr_u16(b, l->v[i]);
}

static void write_request13(struct tw_conn *c, struct tw_certificate_request *m, struct tw_buf *b)
{
    tw_wr_u16(b, TW_EXT_SIGNATURE_ALGORITHMS);
    size_t body = tw_wr_open(b, 2), list = tw_wr_open(b, 2);
    write_sigalgs(b, &c->server->sigalgs);
    tw_wr_close(b, list, 2);
    tw_wr_close(b, body, 2);
    m->extensions = tw_buf_view(b);
}

void tw_server_send_request(struct tw_conn *c)
{
    static const uint8_t types[] = {1 /* rsa_sign */, 2 /* dss_sign */, 64 /* ecdsa_sign */};
    struct tw_certificate_request m = {.version = c->version,
                                       .types = tw_view_of(types, sizeof types)};
    struct tw_buf msg, list;
    tw_buf_init(&msg, 4096);
    tw_buf_init(&list, 2048);
    if (c->version >= TW_TLS13) {
        write_request13(c, &m, &list);
    } else if (c->version == TW_TLS12) {
        write_sigalgs(&list, &c->server->sigalgs);
        m.sigalgs = tw_buf_view(&list);
    }
    size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE_REQUEST);
    tw_certificate_request_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    c->facts.cert_requested = true;
    tw_server_send_buf(c, &msg);
    tw_buf_cleanup(&list);
}

static bool take_leaf(struct tw_conn *c, struct tw_view der)
{
    struct tw_server *s = c->server;
    struct tw_view spki;
    if (tw_cert_spki(der, &spki))
        s->leaf_key = c->crypto->pubkey_new(c->crypto->ctx, spki);
    if (s->leaf_key == NULL) {
        tw_conn_fail(c, TW_ALERT_BAD_CERTIFICATE, "certificate_key", 0,
                     "the public key in the client's certificate cannot be read");
        return false;
    }
    c->crypto->pubkey_info(s->leaf_key, &s->leaf_info);
    return true;
}

static void note_client_auth(struct tw_conn *c, bool present)
{
    tw_conn_negotiated(c, "client_auth", present, present ? "certificate" : "empty");
}

void tw_server_take_certificate(struct tw_conn *c, struct tw_view body)
{
    bool tls13 = c->version >= TW_TLS13;
    struct tw_certificate_msg m = {.tls13 = tls13};
    struct tw_reader r = tw_rd_of(body);
    struct tw_view der, extensions;
    if (!tw_certificate_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE, &r);
        return;
    }
    if (m.context.len > 0) {
        tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "certificate_request_context", 0,
                     "the client answers a request that there never was");
        return;
    }
    struct tw_reader list = tw_rd_of(m.list);
    bool present = tw_certificate_next(&list, tls13, &der, &extensions);
    note_client_auth(c, present);
    if (present)
        (void)take_leaf(c, der);
    else if (c->server->cfg->client_cert == 2) /* RFC 8446 4.4.2.4, RFC 5246 7.4.6 */
        tw_conn_fail(c, tls13 ? TW_ALERT_CERTIFICATE_REQUIRED : TW_ALERT_HANDSHAKE_FAILURE,
                     "client_cert_required", 0,
                     "the client has no certificate, and this server wants one");
}

static bool verify_plan(struct tw_conn *c, uint16_t scheme, enum tw_sig_kind *kind,
                        enum tw_hash_id *hash)
{
    struct tw_server *s = c->server;
    bool asked = c->version < TW_TLS12 || tw_u16list_has(&s->sigalgs, scheme);
    if (asked && s->leaf_key != NULL && tw_sig_plan(c->version, scheme, &s->leaf_info, kind, hash))
        return true;
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "sigalg_key_mismatch", scheme,
                 "the client's signature algorithm was not asked for, or is not for its key");
    return false;
}

bool tw_server_take_verify(struct tw_conn *c, struct tw_view body, const struct tw_view *parts,
                           size_t n)
{
    struct tw_certificate_verify m = {.version = c->version};
    struct tw_reader r = tw_rd_of(body);
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    if (!tw_certificate_verify_decode(&r, &m)) {
        tw_conn_fail_decode(c, TW_MSG_CERTIFICATE_VERIFY, &r);
        return false;
    }
    if (!verify_plan(c, m.scheme, &kind, &hash))
        return false;
    bool good = c->crypto->verify(c->server->leaf_key, kind, hash, parts, n, m.signature) ==
                TW_VERIFY_GOOD;
    tw_conn_check(c, "certificate_verify", good,
                  good ? NULL : "the signature does not verify with the certificate's key");
    if (!good)
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, "certificate_verify", m.scheme,
                     "the client's signature does not verify");
    return good;
}
