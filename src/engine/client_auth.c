/* Client role: the server's certificate and signatures, and our own certificate when asked. */
#include "engine/client.h"

/* ---- the server's ------------------------------------------------------------------------------ */

static void key_fails(struct tw_conn *c, int alert, const char *text)
{
    tw_conn_fail(c, alert, "certificate_key", c->client->leaf_info.type, text);
}

bool tw_client_take_leaf(struct tw_conn *c, struct tw_view list, bool tls13)
{
    struct tw_client *k = c->client;
    struct tw_reader r = tw_rd_of(list);
    struct tw_view der, extensions, spki;
    if (!tw_certificate_next(&r, tls13, &der, &extensions)) {
        tw_conn_fail(c, TW_ALERT_DECODE_ERROR, "certificate_empty", 0,
                     "the server's certificate list is empty");
        return false;
    }
    if (tls13) {
        struct tw_reader all = tw_rd_of(list);
        struct tw_view next;
        while (tw_certificate_next(&all, true, &next, &extensions))
            if (!tw_client_check_extensions(c, extensions, 0xffff))
                return false;
    }
    if (!tw_cert_spki(der, &spki)) {
        key_fails(c, TW_ALERT_BAD_CERTIFICATE, "the server's certificate has no readable public key");
        return false;
    }
    k->leaf_key = c->crypto->pubkey_new(c->crypto->ctx, spki);
    if (k->leaf_key == NULL) {
        key_fails(c, TW_ALERT_UNSUPPORTED_CERTIFICATE,
                  "the public key in the server's certificate cannot be read");
        return false;
    }
    c->crypto->pubkey_info(k->leaf_key, &k->leaf_info);
    if (k->leaf_info.type == TW_KEY_UNKNOWN || k->leaf_info.type == TW_KEY_OTHER) {
        key_fails(c, TW_ALERT_UNSUPPORTED_CERTIFICATE,
                  "the server's certificate has a key of a kind that TLS does not use");
        return false;
    }
    return true;
}

static void note_leaf_type(struct tw_conn *c)
{
    const struct tw_key_info *info = &c->client->leaf_info;
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_FIELD,
                                     .msg = TW_MSG_CERTIFICATE,
                                     .num = info->type,
                                     .aux = info->bits,
                                     .field = "leaf_key_type",
                                     .text = tw_key_type_name(info->type)});
}

static bool offered_scheme(struct tw_conn *c, uint16_t scheme)
{
    char text[128], name[64];
    if (c->version < TW_TLS12 || tw_client_offered_sigalg(c, scheme))
        return true;
    snprintf(text, sizeof text, "the server signed with %s, which was not offered",
             tw_sigscheme_label(scheme, name, sizeof name));
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "sigalg_not_offered", scheme, text);
    return false;
}

static bool plan_signature(struct tw_conn *c, uint16_t scheme, enum tw_sig_kind *kind,
                           enum tw_hash_id *hash)
{
    char text[160], name[64];
    if (tw_sig_plan(c->version, scheme, &c->client->leaf_info, kind, hash))
        return true;
    note_leaf_type(c);
    snprintf(text, sizeof text, "%s does not go with the %s key of the server's certificate",
             tw_sigscheme_label(scheme, name, sizeof name),
             tw_key_type_name(c->client->leaf_info.type));
    tw_conn_fail(c, TW_ALERT_ILLEGAL_PARAMETER, "sigalg_key_mismatch", scheme, text);
    return false;
}

/* A signature that does not verify may still tell which key made it. */
static void note_signature_keys(struct tw_conn *c, enum tw_hash_id hash,
                                const struct tw_view *parts, size_t n, struct tw_view signature)
{
    uint8_t keys[TW_RECOVER_MAX][32];
    size_t found = c->crypto->recover(c->client->leaf_key, hash, parts, n, signature, keys);
    if (found > 0)
        tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_FIELD,
                                         .from = c->peer,
                                         .msg = TW_NO_MSG,
                                         .num = (int64_t)found,
                                         .field = "signature_keys",
                                         .data = tw_view_of(keys, found * sizeof keys[0])});
}

bool tw_client_verify(struct tw_conn *c, const char *check, uint16_t scheme,
                      const struct tw_view *parts, size_t n, struct tw_view signature)
{
    struct tw_client *k = c->client;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    if (k->leaf_key == NULL) {
        key_fails(c, TW_ALERT_INTERNAL_ERROR, "there is no certificate to verify with");
        return false;
    }
    if (!offered_scheme(c, scheme) || !plan_signature(c, scheme, &kind, &hash))
        return false;
    switch (c->crypto->verify(k->leaf_key, kind, hash, parts, n, signature)) {
    case TW_VERIFY_GOOD:
        tw_conn_check(c, check, true, NULL);
        return true;
    case TW_VERIFY_BAD:
        note_leaf_type(c);
        note_signature_keys(c, hash, parts, n, signature);
        tw_conn_check(c, check, false, "the signature does not verify with the certificate's key");
        tw_conn_fail(c, TW_ALERT_DECRYPT_ERROR, check, scheme,
                     "the signature does not verify with the certificate's key");
        return false;
    case TW_VERIFY_UNSUPPORTED:
        note_leaf_type(c);
        key_fails(c, TW_ALERT_INTERNAL_ERROR,
                  "this machine cannot verify signatures of the certificate's key");
        return false;
    case TW_VERIFY_ERROR:
        break;
    }
    tw_conn_break(c, TW_E_CRYPTO);
    return false;
}

/* ---- ours -------------------------------------------------------------------------------------- */

void tw_client_take_sigalgs(struct tw_conn *c, struct tw_view list)
{
    struct tw_u16s *s = &c->client->cr_sigalgs;
    s->n = 0;
    for (size_t i = 0; i + 2 <= list.len && s->n < TW_ARRAY_LEN(s->v); i += 2)
        s->v[s->n++] = (uint16_t)(list.data[i] << 8 | list.data[i + 1]);
}

static const struct tw_credential *credential(const struct tw_conn *c)
{
    const struct tw_credential *cred = c->cfg.client_cred;
    return cred != NULL && cred->chain_n > 0 && cred->key != NULL ? cred : NULL;
}

/* Below TLS 1.2 the scheme is implied by the key; any nonzero value means "yes" there. */
uint16_t tw_client_auth_scheme(const struct tw_conn *c)
{
    const struct tw_credential *cred = credential(c);
    if (cred == NULL)
        return 0;
    struct tw_key_info info;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    c->crypto->privkey_info(cred->key, &info);
    if (c->version < TW_TLS12)
        return tw_sig_plan(c->version, 0, &info, &kind, &hash) ? 1 : 0;
    return tw_sig_choose(c->version, &info, c->client->cr_sigalgs.v, c->client->cr_sigalgs.n);
}

void tw_client_send_certificate(struct tw_conn *c, struct tw_view context, bool with_chain)
{
    const struct tw_credential *cred = with_chain ? credential(c) : NULL;
    struct tw_view exts[16] = {{NULL, 0}};
    struct tw_buf msg;
    tw_buf_init(&msg, TW_MAX_HANDSHAKE_MESSAGE);
    c->facts.client_cert_nonempty = cred != NULL;
    size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE);
    tw_certificate_encode(&msg, c->version >= TW_TLS13, context,
                          cred != NULL ? cred->chain : NULL, exts,
                          cred != NULL ? cred->chain_n : 0);
    tw_wr_close(&msg, mark, 3);
    if (msg.failed)
        tw_conn_break(c, TW_E_NOMEM);
    else
        tw_conn_send(c, tw_buf_view(&msg));
    tw_buf_cleanup(&msg);
    tw_conn_fact(c, (struct tw_fact){.kind = TW_FACT_NEGOTIATED,
                                     .from = c->us,
                                     .msg = TW_NO_MSG,
                                     .num = cred != NULL,
                                     .field = "client_auth",
                                     .text = cred != NULL ? "certificate" : "empty"});
}

void tw_client_send_verify(struct tw_conn *c, uint16_t scheme, const struct tw_view *parts,
                           size_t n)
{
    const struct tw_credential *cred = credential(c);
    struct tw_key_info info;
    enum tw_sig_kind kind;
    enum tw_hash_id hash;
    struct tw_buf msg, sig;
    tw_buf_init(&msg, 8192);
    tw_buf_init(&sig, 4096);
    c->crypto->privkey_info(cred->key, &info);
    bool ok = tw_sig_plan(c->version, scheme, &info, &kind, &hash) &&
              c->crypto->sign(cred->key, kind, hash, parts, n, &sig);
    struct tw_certificate_verify m = {
        .version = c->version, .scheme = scheme, .signature = tw_buf_view(&sig)};
    size_t mark = tw_handshake_open(&msg, TW_MSG_CERTIFICATE_VERIFY);
    tw_certificate_verify_encode(&msg, &m);
    tw_wr_close(&msg, mark, 3);
    if (ok && !msg.failed)
        tw_conn_send(c, tw_buf_view(&msg));
    else
        tw_conn_break(c, TW_E_CRYPTO);
    tw_buf_cleanup(&msg);
    tw_buf_cleanup(&sig);
}
