/*
 * Client engine against server engine in memory: no sockets, no clock. A test fills in a
 * struct setup, runs it, and looks at both traces.
 */
#ifndef TW_TEST_PAIR_H
#define TW_TEST_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/engine.h"

/** How bytes are cut on their way. */
enum cut { CUT_WHOLE, CUT_BYTES, CUT_RANDOM };

enum key_kind { KEY_P256, KEY_P384, KEY_RSA, KEY_ED25519, KEY_DSA, KEYS };

/** Certificates and keys, made once; the fake ones have the certificates of the real ones. */
struct world {
    struct tw_crypto *real;
    struct tw_credential *cred[KEYS];
    struct tw_credential fake_cred[KEYS];
};
void world_make(struct world *w);
void world_drop(struct world *w);

struct setup {
    struct tw_crypto *client_crypto, *server_crypto;
    struct tw_hello hello;
    struct tw_server_config server;
    const struct tw_credential *client_cred;
    const struct tw_session *session;
    const char *psk; /* TLS <= 1.2, both sides; NULL none */
    enum cut cut;
    uint32_t cut_seed;
    uint64_t now;
    const char *say; /* sent by the client once it is open; NULL nothing */
    bool record_secrets;
};
/** Healthy: wide hello for "test.example", one credential, replies "pong" to "ping". */
void setup_init(struct setup *s, struct world *w, enum key_kind key);
/** The same with fake crypto on both sides; setup_drop_fakes() after the run. */
void setup_init_fake(struct setup *s, struct world *w, enum key_kind key);
void setup_drop_fakes(struct setup *s);

struct run {
    struct tw_trace *ct, *st;
    struct tw_conn *c, *s;
    bool said;
};
void run_pair(struct run *r, const struct setup *s);
void run_drop(struct run *r);

/** Both sides are open, every check was good, "pong" came back, nothing was out of place. */
void expect_healthy(const struct run *r, const char *what);
/** First CHECK with this field in t; NULL when none. */
const struct tw_fact *check_fact(const struct tw_trace *t, const char *field);
int64_t negotiated(const struct tw_trace *t, const char *field);
/** First fatal (or only) alert from a side; -1 none. */
int alert_from(const struct tw_trace *t, enum tw_side side);
bool has_message(const struct tw_trace *t, enum tw_side side, uint8_t msg);

void only(struct tw_u16list *l, uint16_t v);

#endif
