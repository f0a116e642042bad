/*
 * What the fuzz targets of the engine share, and make_seeds.c with them: recipes that one byte
 * picks, and the form of an input, which is chunks with their length in one byte, so that splits
 * are explored, too.
 */
#ifndef TW_FUZZ_ROLES_H
#define TW_FUZZ_ROLES_H

#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fake table's private keys hold nothing but what is said about them. */
struct tw_privkey {
    struct tw_key_info info;
};

/** Length that the byte in front of a chunk stands for. */
static inline size_t fuzz_chunk(uint8_t n)
{
    return n < 128 ? n : (size_t)(n - 127) * 64;
}

/** The byte for a chunk of at most n bytes, n > 0. */
static inline uint8_t fuzz_chunk_byte(size_t n)
{
    size_t blocks = n / 64 < 128 ? n / 64 : 128;
    return (uint8_t)(n < 128 ? n : 127 + blocks);
}

/** Bits of pick: 1 wide offer, 2 TLS 1.0 to 1.2, 4 post_handshake_auth. */
static inline void fuzz_client_hello(struct tw_hello *h, uint8_t pick)
{
    if ((pick & 1) != 0)
        tw_hello_wide(h);
    else
        tw_hello_default(h);
    if ((pick & 2) != 0)
        tw_hello_limit_versions(h, TW_TLS10, TW_TLS12);
    h->grease_seed = 1;
    if ((pick & 4) != 0 && h->order_n < TW_HELLO_MAX_EXT)
        h->order[h->order_n++] = TW_EXT_POST_HANDSHAKE_AUTH;
}

static inline void fuzz_client_config(struct tw_conn_config *cfg, uint8_t pick)
{
    fuzz_client_hello(&cfg->hello, pick);
    cfg->psk_identity = tw_view_str("me");
    cfg->psk = tw_view_str("secret");
}

struct fuzz_server {
    struct tw_server_config config;
    struct tw_credential cred, *creds[1];
    struct tw_privkey key;
};

/* Just enough of a certificate that the key in it is found: EC, and RSA. */
static const uint8_t fuzz_ec_cert[] = {
    0x30, 0x24, 0x30, 0x1c, 0x02, 0x01, 0x01, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00,
    0x30, 0x00, 0x30, 0x0f, 0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x02, 0x01, 0x03, 0x02, 0x00, 0x04, 0x30, 0x00, 0x03, 0x02, 0x00, 0x00};
static const uint8_t fuzz_rsa_cert[] = {
    0x30, 0x26, 0x30, 0x1e, 0x02, 0x01, 0x01, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30,
    0x00, 0x30, 0x11, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
    0x01, 0x01, 0x03, 0x02, 0x00, 0x04, 0x30, 0x00, 0x03, 0x02, 0x00, 0x00};

static inline void fuzz_privkey_info(const struct tw_privkey *k, struct tw_key_info *info)
{
    *info = k->info;
}

/** Bits of pick: 1 TLS 1.0 to 1.2 only, 2 a client certificate is required, 4 ALPN is required,
 *  8 an RSA key, 16 known names only, 32 PSK, 64 no tickets. crypto is a fake one. */
static inline void fuzz_server_config(struct fuzz_server *s, struct tw_conn_config *cfg,
                                      struct tw_crypto *crypto, uint8_t pick)
{
    static const char *const alpn[] = {"http/1.1"}, *const names[] = {"a.example"};
    bool rsa = (pick & 8) != 0;
    struct tw_hello wide;
    tw_hello_wide(&wide);
    *s = (struct fuzz_server){.key.info = {rsa ? TW_KEY_RSA : TW_KEY_EC, rsa ? 2048 : 256,
                                           rsa ? 0 : TW_GRP_SECP256R1}};
    if ((pick & 1) != 0)
        tw_hello_limit_versions(&wide, TW_TLS10, TW_TLS12);
    s->cred = (struct tw_credential){.chain_n = 1, .key = &s->key, .crypto = crypto};
    s->cred.chain[0] = rsa ? tw_view_of(fuzz_rsa_cert, sizeof fuzz_rsa_cert)
                           : tw_view_of(fuzz_ec_cert, sizeof fuzz_ec_cert);
    s->creds[0] = &s->cred;
    s->config = (struct tw_server_config){
        .creds = s->creds, .creds_n = 1, .versions = wide.versions, .ciphers = wide.ciphers,
        .groups = wide.groups, .sigalgs = wide.sigalgs, .client_cert = (pick & 2) != 0 ? 2 : 0,
        .tickets = (pick & 64) == 0, .reply = "pong", .names = names, .alpn = alpn};
    s->config.alpn_n = s->config.alpn_required = (pick & 4) != 0;
    s->config.names_n = s->config.sni_strict = (pick & 16) != 0;
    crypto->privkey_info = fuzz_privkey_info;
    cfg->server = &s->config;
    if ((pick & 32) != 0) {
        cfg->psk_identity = tw_view_str("me");
        cfg->psk = tw_view_str("secret");
    }
}

#endif
