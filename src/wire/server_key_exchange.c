/*
 * ServerKeyExchange, RFC 5246 7.4.3, RFC 8422 5.4, RFC 4279 2-4, RFC 5489 2, and the export RSA
 * of RFC 2246 7.4.3. What it holds depends on the suite, which the caller gives as kx and auth.
 */
#include "wire/ext.h"

enum { NAMED_CURVE = 3 };

static bool has_hint(enum tw_kx kx)
{
    return kx == TW_KX_PSK || kx == TW_KX_DHE_PSK || kx == TW_KX_ECDHE_PSK || kx == TW_KX_RSA_PSK;
}

static bool has_dh(enum tw_kx kx)
{
    return kx == TW_KX_DHE || kx == TW_KX_DHE_PSK || kx == TW_KX_DH;
}

static bool has_ecdh(enum tw_kx kx)
{
    return kx == TW_KX_ECDHE || kx == TW_KX_ECDHE_PSK || kx == TW_KX_ECDH;
}

/* RFC 4279 and RFC 5489: the pre-shared key authenticates, nothing is signed. */
static bool is_signed(const struct tw_server_key_exchange *m)
{
    return !has_hint(m->kx) && m->auth != TW_AUTH_ANON && m->auth != TW_AUTH_PSK &&
           m->auth != TW_AUTH_NULL;
}

static void decode_dh(struct tw_reader *r, struct tw_server_key_exchange *m)
{
    m->dh_p = tw_ext_bounded_vec(r, 2, 1, 0xffff, "dh_p");
    m->dh_g = tw_ext_bounded_vec(r, 2, 1, 0xffff, "dh_g");
    m->dh_ys = tw_ext_bounded_vec(r, 2, 1, 0xffff, "dh_Ys");
}

static void decode_ecdh(struct tw_reader *r, struct tw_server_key_exchange *m)
{
    size_t at = r->pos;
    m->curve_type = tw_rd_u8(r, "curve_type");
    if (tw_rd_ok(r) && m->curve_type != NAMED_CURVE) { /* explicit curves: RFC 8422 5.4 forbids */
        r->pos = at;
        tw_rd_fail(r, "curve_type");
    }
    m->group = tw_rd_u16(r, "namedcurve");
    m->point = tw_ext_bounded_vec(r, 1, 1, 255, "point");
}

static void decode_rsa(struct tw_reader *r, struct tw_server_key_exchange *m)
{
    m->rsa_modulus = tw_ext_bounded_vec(r, 2, 1, 0xffff, "rsa_modulus");
    m->rsa_exponent = tw_ext_bounded_vec(r, 2, 1, 0xffff, "rsa_exponent");
}

/* Suites of other kinds (SRP, Kerberos, GOST): kept as they are, in params. */
static bool known(enum tw_kx kx)
{
    return has_hint(kx) || has_dh(kx) || has_ecdh(kx) || kx == TW_KX_RSA;
}

bool tw_server_key_exchange_decode(struct tw_reader *r, struct tw_server_key_exchange *m)
{
    *m = (struct tw_server_key_exchange){.kx = m->kx, .auth = m->auth, .version = m->version};
    if (!known(m->kx)) {
        m->params = tw_rd_rest(r);
        return tw_rd_ok(r);
    }
    size_t start = r->pos;
    if (has_hint(m->kx))
        m->psk_hint = tw_rd_vec(r, 2, "psk_identity_hint");
    if (has_dh(m->kx))
        decode_dh(r, m);
    else if (has_ecdh(m->kx))
        decode_ecdh(r, m);
    else if (m->kx == TW_KX_RSA)
        decode_rsa(r, m);
    if (!tw_rd_ok(r))
        return false;
    m->params = tw_view_of(r->pos == start ? NULL : r->data + start, r->pos - start);
    if (is_signed(m)) {
        if (m->version >= TW_TLS12)
            m->scheme = tw_rd_u16(r, "algorithm");
        m->signature = tw_rd_vec(r, 2, "signature");
    }
    return tw_rd_end(r, "ServerKeyExchange");
}

static void encode_params(struct tw_buf *b, const struct tw_server_key_exchange *m)
{
    if (has_hint(m->kx))
        tw_wr_vec(b, 2, m->psk_hint);
    if (has_dh(m->kx)) {
        tw_wr_vec(b, 2, m->dh_p);
        tw_wr_vec(b, 2, m->dh_g);
        tw_wr_vec(b, 2, m->dh_ys);
    } else if (has_ecdh(m->kx)) {
        tw_wr_u8(b, m->curve_type == 0 ? NAMED_CURVE : m->curve_type);
        tw_wr_u16(b, m->group);
        tw_wr_vec(b, 1, m->point);
    } else if (m->kx == TW_KX_RSA) {
        tw_wr_vec(b, 2, m->rsa_modulus);
        tw_wr_vec(b, 2, m->rsa_exponent);
    }
}

void tw_server_key_exchange_encode(struct tw_buf *b, const struct tw_server_key_exchange *m)
{
    if (!known(m->kx)) {
        tw_wr_bytes(b, m->params);
        return;
    }
    encode_params(b, m);
    if (!is_signed(m))
        return;
    if (m->version >= TW_TLS12)
        tw_wr_u16(b, m->scheme);
    tw_wr_vec(b, 2, m->signature);
}
