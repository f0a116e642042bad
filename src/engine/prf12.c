/* Keys of TLS 1.0-1.2: the PRF (RFC 5246 5, RFC 2246 5), premaster secret of the PSK suites,
 * master secret, Finished. */
#include "engine/keys.h"

/* P_hash with A(0) = label + seeds; the result is xored into out. */
static bool p_hash(struct tw_crypto *c, enum tw_hash_id h, struct tw_view secret,
                   const struct tw_view seed[3], uint8_t *out, size_t n)
{
    uint8_t a[TW_HASH_MAX], block[TW_HASH_MAX];
    size_t len = c->hmac(c->ctx, h, secret, seed, 3, a);
    bool ok = len > 0;
    for (size_t done = 0; ok && done < n; done += len) {
        struct tw_view parts[4] = {tw_view_of(a, len), seed[0], seed[1], seed[2]};
        ok = c->hmac(c->ctx, h, secret, parts, 4, block) == len;
        for (size_t i = 0; i < len && done + i < n; i++)
            out[done + i] ^= block[i];
        if (ok && done + len < n)
            ok = c->hmac(c->ctx, h, secret, parts, 1, a) == len;
    }
    tw_wipe(a, sizeof a);
    tw_wipe(block, sizeof block);
    return ok;
}

bool tw_prf(struct tw_crypto *c, uint16_t version, enum tw_hash_id prf, struct tw_view secret,
            const char *label, struct tw_view seed1, struct tw_view seed2, uint8_t *out, size_t n)
{
    struct tw_view seed[3] = {tw_view_str(label), seed1, seed2};
    memset(out, 0, n);
    if (version >= TW_TLS12)
        return p_hash(c, prf == TW_HASH_NONE ? TW_HASH_SHA256 : prf, secret, seed, out, n);
    /* RFC 2246 5: the halves share the middle byte of a secret of odd length. */
    size_t half = (secret.len + 1) / 2;
    return p_hash(c, TW_HASH_MD5, tw_view_sub(secret, 0, half), seed, out, n) &&
           p_hash(c, TW_HASH_SHA1, tw_view_sub(secret, secret.len - half, half), seed, out, n);
}

bool tw_psk_premaster(enum tw_kx kx, struct tw_view psk, struct tw_buf *premaster)
{
    struct tw_buf all;
    tw_buf_init(&all, premaster->max);
    if (kx == TW_KX_PSK) { /* other_secret is as many zeros as the psk has bytes */
        tw_wr_u16(&all, (unsigned)psk.len);
        uint8_t *zeros = psk.len <= 0xffff ? tw_buf_grow(&all, psk.len) : NULL;
        if (zeros == NULL)
            all.failed = true;
        else
            memset(zeros, 0, psk.len);
    } else {
        tw_wr_vec(&all, 2, tw_buf_view(premaster));
    }
    tw_wr_vec(&all, 2, psk);
    tw_buf_cleanup(premaster);
    *premaster = all;
    return !all.failed;
}

bool tw_keys12_master(struct tw_keys12 *k, struct tw_crypto *c, uint16_t version,
                      enum tw_hash_id prf, struct tw_view premaster, struct tw_view client_random,
                      struct tw_view server_random, struct tw_view session_hash)
{
    struct tw_view none = {NULL, 0};
    if (session_hash.len > 0) /* RFC 7627 4 */
        return tw_prf(c, version, prf, premaster, "extended master secret", session_hash, none,
                      k->master, sizeof k->master);
    return tw_prf(c, version, prf, premaster, "master secret", client_random, server_random,
                  k->master, sizeof k->master);
}

bool tw_keys12_finished(const struct tw_keys12 *k, struct tw_crypto *c, uint16_t version,
                        enum tw_hash_id prf, bool server, struct tw_view transcript_hash,
                        uint8_t out[12])
{
    return tw_prf(c, version, prf, tw_view_of(k->master, sizeof k->master),
                  server ? "server finished" : "client finished", transcript_hash,
                  (struct tw_view){NULL, 0}, out, 12);
}
