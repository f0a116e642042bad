/*
 * Inside the client role: its state, and what client.c, client13.c, client12.c and client_auth.c
 * call in each other.
 */
#ifndef TW_ENGINE_CLIENT_H
#define TW_ENGINE_CLIENT_H

#include "engine/internal.h"

struct tw_client {
    /* our hello, as sent last */
    struct tw_view hello_msg;        /* whole message, in the arena */
    struct tw_client_hello sent;     /* decoded from it: what was offered is what was sent */
    struct tw_view first_hello;      /* before HelloRetryRequest */
    struct tw_view retry;            /* the HelloRetryRequest message */
    uint8_t random[32], session_id[32];
    size_t session_id_len;
    struct { uint16_t group; struct tw_kex *kex; size_t off, len; } shares[TW_HELLO_MAX_SHARES];
    size_t shares_n;
    struct tw_buf share_bytes;
    uint8_t ech[256 + 64];
    size_t ech_len;
    struct tw_view cookie;
    bool offer_psk;                  /* TLS 1.3 resumption */
    bool offer_session;              /* session id or ticket of TLS <= 1.2 */

    /* the server's */
    struct tw_view leaf;             /* DER, in the arena */
    struct tw_pubkey *leaf_key;
    struct tw_key_info leaf_info;

    /* client authentication */
    struct tw_view cr_context;       /* in the arena */
    struct tw_u16s cr_sigalgs;

    /* TLS <= 1.2 key exchange */
    struct tw_kex *kex;
    struct tw_buf cke, premaster;
    struct tw_view dh_ys;
};

/* client.c */
bool tw_client_offered_ext(const struct tw_conn *c, uint16_t type);
bool tw_client_offered_group(const struct tw_conn *c, uint16_t group);
bool tw_client_offered_sigalg(const struct tw_conn *c, uint16_t scheme);
/** Is every extension of the block one that we offered? Otherwise stops with
 *  unsupported_extension. `also` is allowed unoffered (0xffff: none). */
bool tw_client_check_extensions(struct tw_conn *c, struct tw_view block, uint16_t also);
/** Builds and sends the ClientHello from c->cfg.hello and the state. */
bool tw_client_send_hello(struct tw_conn *c);
/** New key pair and share for a group; false: not available (nothing is stopped). */
bool tw_client_add_share(struct tw_conn *c, uint16_t group);
void tw_client_drop_shares(struct tw_conn *c);
/** Server's ALPN answer: sets c->alpn, or stops. */
bool tw_client_take_alpn(struct tw_conn *c, struct tw_view block);

/* client_auth.c: certificates of both sides */
/** Takes the leaf of a certificate_list and its public key; false: stopped. */
bool tw_client_take_leaf(struct tw_conn *c, struct tw_view list, bool tls13);
/**
 * Verifies the server's signature with the leaf key, writes the CHECK fact and stops when bad.
 * @param check  "certificate_verify" or "server_key_exchange"
 */
bool tw_client_verify(struct tw_conn *c, const char *check, uint16_t scheme,
                      const struct tw_view *parts, size_t n, struct tw_view signature);
/** Remembers the signature algorithms of a CertificateRequest. */
void tw_client_take_sigalgs(struct tw_conn *c, struct tw_view list);
/** Scheme for our certificate's key, 0 when we have none that fits. */
uint16_t tw_client_auth_scheme(const struct tw_conn *c);
/** Sends Certificate: our chain, or empty when scheme_ok is false. */
void tw_client_send_certificate(struct tw_conn *c, struct tw_view context, bool with_chain);
/** Sends CertificateVerify over the content. */
void tw_client_send_verify(struct tw_conn *c, uint16_t scheme, const struct tw_view *parts,
                           size_t n);

/* client13.c, client12.c */
void tw_client13_take_retry(struct tw_conn *c, const struct tw_server_hello *m,
                            const struct tw_suite *suite, struct tw_view whole);
void tw_client13_take_server_hello(struct tw_conn *c, const struct tw_server_hello *m,
                                   const struct tw_suite *suite, struct tw_view whole);
void tw_client13_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole);
void tw_client12_take_server_hello(struct tw_conn *c, const struct tw_server_hello *m,
                                   const struct tw_suite *suite, struct tw_view whole);
void tw_client12_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole);
void tw_client12_take_ccs(struct tw_conn *c);

/** subjectPublicKeyInfo (whole TLV) of a certificate, RFC 5280 4.1; false: not found. */
bool tw_cert_spki(struct tw_view der, struct tw_view *spki);

#endif
