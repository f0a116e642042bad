/*
 * Inside the server role: its state, and what server.c, server_choose.c, server13.c, server12.c,
 * server_auth.c and server_ticket.c call in each other.
 */
#ifndef TW_ENGINE_SERVER_H
#define TW_ENGINE_SERVER_H

#include "engine/internal.h"

enum { TW_TICKET_LIFETIME = 7200 }; /* seconds */

struct tw_server {
    const struct tw_server_config *cfg;
    struct tw_u16list versions, ciphers, groups, sigalgs; /* of cfg, with defaults for empty ones */

    /* the ClientHello that is being answered; valid while it is taken */
    struct tw_client_hello ch;
    struct tw_u16s groups_offered, sigalgs_offered;
    bool has_groups, has_sigalgs;
    uint16_t hello_version;          /* legacy_version, for the RSA premaster secret */
    bool name_known;                 /* server_name is one of ours: acknowledged */
    struct tw_credential *const *creds; size_t creds_n; /* of the site asked for */
    bool status_asked, ticket_asked;

    /* what was chosen */
    const struct tw_credential *cred; /* NULL: no certificate in this handshake */
    struct tw_key_info key;
    uint16_t scheme, group;

    /* TLS 1.3 */
    uint16_t retry_group;            /* asked for with HelloRetryRequest; 0 none */
    struct tw_view retry_msg;        /* HelloRetryRequest, in the arena */
    struct tw_view first_hash;       /* message_hash of ClientHello1 */
    bool client_may_psk;
    int psk_selected;                /* identity; -1 none */
    struct tw_session psk;
    unsigned tickets_sent;

    /* TLS 1.0-1.2 */
    struct tw_kex *kex;
    struct tw_buf share, premaster;

    /* client authentication */
    struct tw_pubkey *leaf_key;
    struct tw_key_info leaf_info;

    bool silent;                     /* a fault: nothing more is answered */
    bool corrupted, replied;
};

/* server.c */
/** Decodes nothing: appends the extensions of a hello that both protocols share (server_name). */
void tw_server_send_buf(struct tw_conn *c, struct tw_buf *msg);
/** Fault corrupt_record: spoils the newest record once. The caller has just flushed. */
void tw_server_corrupt_record(struct tw_conn *c);
/** Empty extension. */
void tw_server_ext_empty(struct tw_buf *b, uint16_t type);
/** ALPN answer, when there is one. */
void tw_server_ext_alpn(const struct tw_conn *c, struct tw_buf *b);
bool tw_server_offers(const struct tw_server *s, uint16_t type);
/** Fault alert_after_finished; true: stopped. */
bool tw_server_alert_after_finished(struct tw_conn *c);

/* server_choose.c */
/** Highest version of both; 0: none (stopped). */
uint16_t tw_server_choose_version(struct tw_conn *c);
/** Suite, and with it credential, scheme and group for TLS <= 1.2. NULL: stopped. */
const struct tw_suite *tw_server_choose_suite12(struct tw_conn *c, uint16_t version);
const struct tw_suite *tw_server_choose_suite13(struct tw_conn *c);
/** Certificate and scheme for TLS 1.3; false: stopped. */
bool tw_server_choose_credential13(struct tw_conn *c);
/**
 * Group for TLS 1.3, and the client's share in it.
 * @return 0: stopped. share->len == 0: the client has no share for it, a retry is needed
 */
uint16_t tw_server_choose_group13(struct tw_conn *c, struct tw_view *share);

/* server_auth.c */
void tw_server_send_certificate(struct tw_conn *c);
void tw_server_send_request(struct tw_conn *c);
/** Signs with the chosen credential; honours the fault corrupt_signature. */
bool tw_server_sign(struct tw_conn *c, const struct tw_view *parts, size_t n, struct tw_buf *sig);
/** Client's Certificate; stops when it is empty and required. */
void tw_server_take_certificate(struct tw_conn *c, struct tw_view body);
/** Client's CertificateVerify over parts; false: stopped. */
bool tw_server_take_verify(struct tw_conn *c, struct tw_view body, const struct tw_view *parts,
                           size_t n);

/* server_ticket.c */
/** Seals what is needed to resume into out. */
bool tw_server_ticket_seal(struct tw_conn *c, const struct tw_session *s, struct tw_buf *out);
/** False: not one of ours, or too old. */
bool tw_server_ticket_open(struct tw_conn *c, struct tw_view ticket, struct tw_session *s);
/** NewSessionTicket message; nonce empty below TLS 1.3. */
void tw_server_send_ticket(struct tw_conn *c, const struct tw_session *s, struct tw_view nonce);

/* server13.c, server12.c */
void tw_server13_take_hello(struct tw_conn *c, struct tw_view whole);
void tw_server13_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole);
void tw_server12_take_hello(struct tw_conn *c, uint16_t version, struct tw_view whole);
void tw_server12_take(struct tw_conn *c, uint8_t type, struct tw_view body, struct tw_view whole);
void tw_server12_take_ccs(struct tw_conn *c);

#endif
