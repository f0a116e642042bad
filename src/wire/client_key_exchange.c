/*
 * ClientKeyExchange, RFC 5246 7.4.7, RFC 8422 5.7, RFC 4279, RFC 5489. body is the encrypted
 * premaster secret, Yc or the point, without its length; for kinds that are not spoken here it is
 * the whole message.
 */
#include "wire/wire.h"

/* Bytes of the length in front of body; -1 when there is no body, 0 when it has no length. */
static int length_bytes(const struct tw_client_key_exchange *m)
{
    switch (m->kx) {
    case TW_KX_RSA:
    case TW_KX_RSA_PSK:
        /* SSL 3.0 sent it bare, RFC 6101 5.6.7.1; the length came with RFC 2246 7.4.7.1 */
        return m->version != 0 && m->version <= TW_SSL3 ? 0 : 2;
    case TW_KX_DH:
    case TW_KX_DHE:
    case TW_KX_DHE_PSK:
        return 2;
    case TW_KX_ECDH:
    case TW_KX_ECDHE:
    case TW_KX_ECDHE_PSK:
        return 1;
    case TW_KX_PSK:
        return -1;
    default:
        return 0;
    }
}

static bool has_identity(enum tw_kx kx)
{
    return kx == TW_KX_PSK || kx == TW_KX_DHE_PSK || kx == TW_KX_ECDHE_PSK || kx == TW_KX_RSA_PSK;
}

bool tw_client_key_exchange_decode(struct tw_reader *r, struct tw_client_key_exchange *m)
{
    *m = (struct tw_client_key_exchange){.kx = m->kx, .version = m->version};
    if (has_identity(m->kx))
        m->psk_identity = tw_rd_vec(r, 2, "psk_identity");
    int n = length_bytes(m);
    if (n > 0)
        m->body = tw_rd_vec(r, (size_t)n, "exchange_keys");
    else if (n == 0)
        m->body = tw_rd_rest(r);
    return tw_rd_end(r, "ClientKeyExchange");
}

void tw_client_key_exchange_encode(struct tw_buf *b, const struct tw_client_key_exchange *m)
{
    if (has_identity(m->kx))
        tw_wr_vec(b, 2, m->psk_identity);
    int n = length_bytes(m);
    if (n > 0)
        tw_wr_vec(b, (size_t)n, m->body);
    else if (n == 0)
        tw_wr_bytes(b, m->body);
}
