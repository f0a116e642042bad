/* Facts from the key exchange of TLS 1.2 and earlier, from Finished and KeyUpdate. */
#include "wire/ext.h"

static uint64_t bits_of(struct tw_view n)
{
    size_t i = 0;
    while (i < n.len && n.data[i] == 0)
        i++;
    if (i == n.len)
        return 0;
    uint64_t bits = 8 * (uint64_t)(n.len - i);
    for (uint8_t top = n.data[i]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

static void note_integer(const struct tw_noter *k, const char *field, struct tw_view v)
{
    if (v.len > 0)
        tw_note_data(k, field, v, bits_of(v), NULL);
}

static void note_curve(const struct tw_noter *k, const struct tw_server_key_exchange *m)
{
    char label[64];
    if (m->curve_type == 0)
        return;
    tw_note_num(k, "curve_type", m->curve_type, (struct tw_view){NULL, 0},
                m->curve_type == 3 ? "named_curve" : NULL);
    if (m->point.len == 0)
        return;
    tw_group_label(m->group, label, sizeof label);
    tw_note_num(k, "named_curve", m->group, (struct tw_view){m->point.data - 3, 2}, label);
    tw_note_num(k, "public", m->point.len, m->point, NULL);
    tw_note_negotiated(k, "group", m->group, label);
}

/* Before TLS 1.2 the kind of key alone fixes the algorithm, RFC 4346 7.4.3. */
static const char *old_signature(enum tw_auth auth)
{
    switch (auth) {
    case TW_AUTH_RSA:
        return "rsa_pkcs1 with MD5+SHA-1";
    case TW_AUTH_DSS:
        return "dsa with SHA-1";
    case TW_AUTH_ECDSA:
        return "ecdsa with SHA-1";
    default:
        return NULL;
    }
}

static void note_signature(const struct tw_noter *k, const struct tw_server_key_exchange *m)
{
    char label[64];
    if (m->signature.len == 0)
        return;
    if (m->version >= TW_TLS12) {
        tw_sigscheme_label(m->scheme, label, sizeof label);
        tw_note_num(k, "algorithm", m->scheme, (struct tw_view){m->signature.data - 4, 2}, label);
        tw_note_negotiated(k, "signature", m->scheme, label);
    } else if (old_signature(m->auth) != NULL) {
        tw_note_negotiated(k, "signature", 0, old_signature(m->auth));
    }
    tw_note_num(k, "signature", m->signature.len, m->signature, NULL);
}

/* Without the suite nobody can tell what the bytes mean: then the message alone is the fact. */
void tw_note_server_key_exchange(struct tw_noter *k)
{
    const struct tw_suite *suite = tw_suite_by_id(k->n->cipher);
    if (suite == NULL)
        return;
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_server_key_exchange m = {.kx = suite->kx, .auth = suite->auth,
                                       .version = k->version};
    bool good = tw_server_key_exchange_decode(&r, &m);
    if (m.psk_hint.len > 0)
        tw_note_text(k, "psk_identity_hint", m.psk_hint);
    note_integer(k, "dh_p", m.dh_p);
    note_integer(k, "dh_g", m.dh_g);
    note_integer(k, "dh_Ys", m.dh_ys);
    note_curve(k, &m);
    note_integer(k, "rsa_modulus", m.rsa_modulus);
    note_integer(k, "rsa_exponent", m.rsa_exponent);
    note_signature(k, &m);
    if (!good)
        tw_note_malformed(k, &r);
}

void tw_note_client_key_exchange(struct tw_noter *k)
{
    const struct tw_suite *suite = tw_suite_by_id(k->n->cipher);
    if (suite == NULL)
        return;
    struct tw_reader r = tw_rd_of(k->body);
    struct tw_client_key_exchange m = {.kx = suite->kx, .version = k->version};
    bool good = tw_client_key_exchange_decode(&r, &m);
    if (m.psk_identity.len > 0)
        tw_note_text(k, "psk_identity", m.psk_identity);
    if (m.body.len > 0)
        tw_note_num(k, "exchange_keys", m.body.len, m.body, NULL);
    if (!good)
        tw_note_malformed(k, &r);
}

void tw_note_finished(struct tw_noter *k)
{
    tw_note_num(k, "verify_data", k->body.len, k->body, NULL);
}

void tw_note_key_update(struct tw_noter *k)
{
    struct tw_reader r = tw_rd_of(k->body);
    uint8_t request = tw_rd_u8(&r, "request_update");
    if (tw_rd_end(&r, "request_update") && request <= 1) {
        tw_note_num(k, "request_update", request, k->body, NULL);
        return;
    }
    tw_rd_fail(&r, "request_update");
    tw_note_malformed(k, &r);
}
