/*
 * The order of handshake messages as a table (RFC 8446 appendix A, RFC 5246 7.3). The endpoint
 * roles, the observer and the tests read it; nobody else decides what may come when.
 */
#ifndef TW_ORDER_H
#define TW_ORDER_H

#include "base/base.h"
#include "registry/registry.h"
#include "trace/trace.h"

/** What is known of the conversation; conditions of the table look at it. */
struct tw_order_facts {
    uint16_t version;          /* 0 until ServerHello */
    bool psk;                  /* TLS 1.3: PSK accepted; <= 1.2: abbreviated (resumed) */
    bool hello_retry;
    bool cert_requested;
    bool server_authenticates; /* suite needs a server Certificate */
    bool server_key_exchange;  /* suite needs ServerKeyExchange */
    bool key_exchange_optional; /* PSK suites: it comes only with a hint (RFC 4279 2) */
    bool client_cert_nonempty; /* the client sent a certificate: CertificateVerify follows */
    bool status_promised;      /* <= 1.2: CertificateStatus may come */
    bool ticket_promised;      /* <= 1.2: NewSessionTicket comes */
    bool maybe;                /* an observer that does not know all: optional steps are allowed */
};

/** Use the functions. */
struct tw_order { unsigned state; bool tls13; };

void tw_order_init(struct tw_order *o);
/** Fills in what follows from the suite of TLS <= 1.2. */
void tw_order_suite(struct tw_order_facts *f, enum tw_kx kx, enum tw_auth auth);
/** Would the message be allowed now? */
bool tw_order_may(const struct tw_order *o, const struct tw_order_facts *f, enum tw_side from,
                  uint8_t msg);
/**
 * A message was sent by `from`. @return true and moves on when it is allowed now; false leaves
 * the state as it is. ChangeCipherSpec is no handshake message and not in the table.
 */
bool tw_order_step(struct tw_order *o, const struct tw_order_facts *f, enum tw_side from,
                   uint8_t msg);
/** Name of the state, as in the rows. */
const char *tw_order_state_name(const struct tw_order *o);
/** What would be allowed now, e.g. "EncryptedExtensions" or "Certificate, CertificateRequest". */
const char *tw_order_allowed(const struct tw_order *o, const struct tw_order_facts *f, char *buf,
                             size_t cap);
/** True when the handshake is complete. */
bool tw_order_done(const struct tw_order *o);

/** Row i of the table for docs and tests; false past the end. */
struct tw_order_row { const char *from_state, *to_state, *condition, *source; enum tw_side from;
                      uint8_t msg; bool tls13; };
bool tw_order_row(size_t i, struct tw_order_row *row);

#endif
