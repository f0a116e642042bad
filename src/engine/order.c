/*
 * The order of handshake messages. One table for the whole conversation, both sides' messages in
 * it, so that a role, an observer and a test read the same rows. A condition is a column.
 *
 * TLS 1.3: RFC 8446 appendix A and section 2; TLS 1.0-1.2: RFC 5246 7.3, with RFC 5077 (tickets),
 * RFC 6066 8 (CertificateStatus), RFC 4279 2 (PSK).
 */
#include "engine/order.h"

#include "registry/registry.h"
#include "wire/wire.h"

#define STATES(X)                                                                                  \
    X(START) X(WAIT_SH) X(WAIT_CH2) X(WAIT_SH2)                                                    \
    X(WAIT_EE) X(WAIT_CERT_CR) X(WAIT_CERT) X(WAIT_CV) X(WAIT_SERVER_FINISHED)                     \
     X(WAIT_CLIENT_CERT) X(WAIT_CLIENT_CV) X(WAIT_CLIENT_FINISHED) X(CONNECTED)        \
    X(POST_CV) X(POST_FINISHED)                                                                    \
    X(AFTER_SH) X(AFTER_CERT) X(AFTER_STATUS) X(AFTER_SKE) X(AFTER_CR) X(AFTER_SHD)                \
    X(AFTER_CLIENT_CERT) X(AFTER_CKE) X(AFTER_CLIENT_CV) X(AFTER_CLIENT_FINISHED) X(AFTER_NST)     \
    X(RESUMED_NST) X(RESUMED_FINISHED) X(CONNECTED12)

enum state {
#define X(s) s,
    STATES(X)
#undef X
};

static const char *const state_names[] = {
#define X(s) #s,
    STATES(X)
#undef X
};

typedef bool condition(const struct tw_order_facts *f);

static bool with_psk(const struct tw_order_facts *f)
{
    return f->psk;
}
static bool without_psk(const struct tw_order_facts *f)
{
    return !f->psk;
}
static bool asked(const struct tw_order_facts *f)
{
    return f->cert_requested;
}
static bool not_asked(const struct tw_order_facts *f)
{
    return !f->cert_requested;
}
static bool has_cert(const struct tw_order_facts *f)
{
    return f->client_cert_nonempty;
}
static bool no_cert(const struct tw_order_facts *f)
{
    return !f->client_cert_nonempty;
}
static bool sent_cert(const struct tw_order_facts *f)
{
    return f->cert_requested && f->client_cert_nonempty;
}
static bool sent_no_cert(const struct tw_order_facts *f)
{
    return !sent_cert(f);
}
/* Early data is never offered by us; an observer may see it. */
static bool only_maybe(const struct tw_order_facts *f)
{
    return f->maybe;
}
static bool full_cert(const struct tw_order_facts *f)
{
    return !f->psk && f->server_authenticates;
}
static bool full_nocert_ske(const struct tw_order_facts *f)
{
    return !f->psk && !f->server_authenticates &&
           (f->server_key_exchange || f->key_exchange_optional);
}
static bool full_nocert_noske(const struct tw_order_facts *f)
{
    return !f->psk && !f->server_authenticates && !f->server_key_exchange;
}
static bool status(const struct tw_order_facts *f)
{
    return f->status_promised;
}
static bool with_ske(const struct tw_order_facts *f)
{
    return f->server_key_exchange || f->key_exchange_optional;
}
static bool without_ske(const struct tw_order_facts *f)
{
    return !f->server_key_exchange;
}
/* RFC 5246 7.4.4: only a non-anonymous server may ask for a certificate. */
static bool server_auth(const struct tw_order_facts *f)
{
    return f->server_authenticates;
}
static bool auth_without_ske(const struct tw_order_facts *f)
{
    return f->server_authenticates && !f->server_key_exchange;
}
static bool ticket(const struct tw_order_facts *f)
{
    return f->ticket_promised;
}
static bool no_ticket(const struct tw_order_facts *f)
{
    return !f->ticket_promised;
}
static bool resumed_ticket(const struct tw_order_facts *f)
{
    return f->psk && f->ticket_promised;
}
static bool resumed_no_ticket(const struct tw_order_facts *f)
{
    return f->psk && !f->ticket_promised;
}

enum proto { ANY, TLS13, TLS12 };

struct row {
    enum state from_state;
    enum tw_side from;
    uint8_t msg;
    enum state to_state;
    condition *when;
    const char *when_name;
    enum proto proto;
    const char *source;
};

#define C TW_CLIENT
#define S TW_SERVER
#define M(name) TW_MSG_##name
#define ALWAYS NULL, ""
#define WHEN(name) name, #name

/* clang-format off */
static const struct row rows[] = {
    { START,      C, M(CLIENT_HELLO),        WAIT_SH,    ALWAYS, ANY, "RFC 8446 4.1.2" },
    { WAIT_SH,    S, M(HELLO_RETRY_REQUEST), WAIT_CH2,   ALWAYS, TLS13, "RFC 8446 4.1.4" },
    { WAIT_CH2,   C, M(CLIENT_HELLO),        WAIT_SH2,   ALWAYS, TLS13, "RFC 8446 4.1.2" },

    /* TLS 1.3, RFC 8446 appendix A */
    { WAIT_SH,    S, M(SERVER_HELLO),        WAIT_EE,    ALWAYS, TLS13, "RFC 8446 4.1.3" },
    { WAIT_SH2,   S, M(SERVER_HELLO),        WAIT_EE,    ALWAYS, TLS13, "RFC 8446 4.1.3" },
    { WAIT_EE,    S, M(ENCRYPTED_EXTENSIONS), WAIT_SERVER_FINISHED, WHEN(with_psk), TLS13, "RFC 8446 4.3.1" },
    { WAIT_EE,    S, M(ENCRYPTED_EXTENSIONS), WAIT_CERT_CR, WHEN(without_psk), TLS13, "RFC 8446 4.3.1" },
    { WAIT_CERT_CR, S, M(CERTIFICATE_REQUEST), WAIT_CERT, ALWAYS, TLS13, "RFC 8446 4.3.2" },
    { WAIT_CERT_CR, S, M(CERTIFICATE),       WAIT_CV,    ALWAYS, TLS13, "RFC 8446 4.4.2" },
    { WAIT_CERT_CR, S, M(COMPRESSED_CERTIFICATE), WAIT_CV, ALWAYS, TLS13, "RFC 8879 4" },
    { WAIT_CERT,  S, M(CERTIFICATE),         WAIT_CV,    ALWAYS, TLS13, "RFC 8446 4.4.2" },
    { WAIT_CERT,  S, M(COMPRESSED_CERTIFICATE), WAIT_CV, ALWAYS, TLS13, "RFC 8879 4" },
    { WAIT_CV,    S, M(CERTIFICATE_VERIFY),  WAIT_SERVER_FINISHED, ALWAYS, TLS13, "RFC 8446 4.4.3" },
    { WAIT_SERVER_FINISHED, S, M(FINISHED),  WAIT_CLIENT_CERT, WHEN(asked), TLS13, "RFC 8446 4.4.4" },
    { WAIT_SERVER_FINISHED, S, M(FINISHED),  WAIT_CLIENT_FINISHED, WHEN(not_asked), TLS13, "RFC 8446 4.4.4" },
    { WAIT_CLIENT_CERT, C, M(END_OF_EARLY_DATA), WAIT_CLIENT_CERT, WHEN(only_maybe), TLS13, "RFC 8446 4.5" },
    { WAIT_CLIENT_FINISHED, C, M(END_OF_EARLY_DATA), WAIT_CLIENT_FINISHED, WHEN(only_maybe), TLS13, "RFC 8446 4.5" },
    { WAIT_CLIENT_CERT, C, M(CERTIFICATE),   WAIT_CLIENT_CV, WHEN(has_cert), TLS13, "RFC 8446 4.4.2" },
    { WAIT_CLIENT_CERT, C, M(CERTIFICATE),   WAIT_CLIENT_FINISHED, WHEN(no_cert), TLS13, "RFC 8446 4.4.2" },
    { WAIT_CLIENT_CERT, C, M(COMPRESSED_CERTIFICATE), WAIT_CLIENT_CV, WHEN(has_cert), TLS13, "RFC 8879 4" },
    { WAIT_CLIENT_CV, C, M(CERTIFICATE_VERIFY), WAIT_CLIENT_FINISHED, ALWAYS, TLS13, "RFC 8446 4.4.3" },
    /* half-RTT tickets */
    { WAIT_CLIENT_FINISHED, S, M(NEW_SESSION_TICKET), WAIT_CLIENT_FINISHED, ALWAYS, TLS13, "RFC 8446 4.6.1" },
    { WAIT_CLIENT_FINISHED, C, M(FINISHED),  CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.4.4" },
    { CONNECTED,  S, M(NEW_SESSION_TICKET),  CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.6.1" },
    { CONNECTED,  S, M(KEY_UPDATE),          CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.6.3" },
    { CONNECTED,  C, M(KEY_UPDATE),          CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.6.3" },
    { CONNECTED,  S, M(CERTIFICATE_REQUEST), CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.6.2" },
    { CONNECTED,  C, M(CERTIFICATE),         POST_CV,    WHEN(has_cert), TLS13, "RFC 8446 4.6.2" },
    { CONNECTED,  C, M(CERTIFICATE),         POST_FINISHED, WHEN(no_cert), TLS13, "RFC 8446 4.6.2" },
    { POST_CV,    C, M(CERTIFICATE_VERIFY),  POST_FINISHED, ALWAYS, TLS13, "RFC 8446 4.6.2" },
    { POST_FINISHED, C, M(FINISHED),         CONNECTED,  ALWAYS, TLS13, "RFC 8446 4.6.2" },

    /* TLS 1.0-1.2, RFC 5246 7.3 */
    { WAIT_SH,    S, M(SERVER_HELLO),        AFTER_SH,   ALWAYS, TLS12, "RFC 5246 7.4.1.3" },
    { AFTER_SH,   S, M(CERTIFICATE),         AFTER_CERT, WHEN(full_cert), TLS12, "RFC 5246 7.4.2" },
    { AFTER_SH,   S, M(SERVER_KEY_EXCHANGE), AFTER_SKE,  WHEN(full_nocert_ske), TLS12, "RFC 5246 7.4.3" },
    { AFTER_SH,   S, M(SERVER_HELLO_DONE),   AFTER_SHD,  WHEN(full_nocert_noske), TLS12, "RFC 4279 2" },
    { AFTER_SH,   S, M(NEW_SESSION_TICKET),  RESUMED_NST, WHEN(resumed_ticket), TLS12, "RFC 5077 3.1" },
    { AFTER_SH,   S, M(FINISHED),            RESUMED_FINISHED, WHEN(resumed_no_ticket), TLS12, "RFC 5246 7.3" },
    { AFTER_CERT, S, M(CERTIFICATE_STATUS),  AFTER_STATUS, WHEN(status), TLS12, "RFC 6066 8" },
    { AFTER_CERT, S, M(SERVER_KEY_EXCHANGE), AFTER_SKE,  WHEN(with_ske), TLS12, "RFC 5246 7.4.3" },
    { AFTER_CERT, S, M(CERTIFICATE_REQUEST), AFTER_CR,   WHEN(auth_without_ske), TLS12, "RFC 5246 7.4.4" },
    { AFTER_CERT, S, M(SERVER_HELLO_DONE),   AFTER_SHD,  WHEN(without_ske), TLS12, "RFC 5246 7.4.5" },
    { AFTER_STATUS, S, M(SERVER_KEY_EXCHANGE), AFTER_SKE, WHEN(with_ske), TLS12, "RFC 5246 7.4.3" },
    { AFTER_STATUS, S, M(CERTIFICATE_REQUEST), AFTER_CR, WHEN(auth_without_ske), TLS12, "RFC 5246 7.4.4" },
    { AFTER_STATUS, S, M(SERVER_HELLO_DONE), AFTER_SHD,  WHEN(without_ske), TLS12, "RFC 5246 7.4.5" },
    { AFTER_SKE,  S, M(CERTIFICATE_REQUEST), AFTER_CR,   WHEN(server_auth), TLS12, "RFC 5246 7.4.4" },
    { AFTER_SKE,  S, M(SERVER_HELLO_DONE),   AFTER_SHD,  ALWAYS, TLS12, "RFC 5246 7.4.5" },
    { AFTER_CR,   S, M(SERVER_HELLO_DONE),   AFTER_SHD,  ALWAYS, TLS12, "RFC 5246 7.4.5" },
    { AFTER_SHD,  C, M(CERTIFICATE),         AFTER_CLIENT_CERT, WHEN(asked), TLS12, "RFC 5246 7.4.6" },
    { AFTER_SHD,  C, M(CLIENT_KEY_EXCHANGE), AFTER_CKE,  WHEN(not_asked), TLS12, "RFC 5246 7.4.7" },
    { AFTER_CLIENT_CERT, C, M(CLIENT_KEY_EXCHANGE), AFTER_CKE, ALWAYS, TLS12, "RFC 5246 7.4.7" },
    { AFTER_CKE,  C, M(CERTIFICATE_VERIFY),  AFTER_CLIENT_CV, WHEN(sent_cert), TLS12, "RFC 5246 7.4.8" },
    { AFTER_CKE,  C, M(FINISHED),            AFTER_CLIENT_FINISHED, WHEN(sent_no_cert), TLS12, "RFC 5246 7.4.9" },
    { AFTER_CLIENT_CV, C, M(FINISHED),       AFTER_CLIENT_FINISHED, ALWAYS, TLS12, "RFC 5246 7.4.9" },
    { AFTER_CLIENT_FINISHED, S, M(NEW_SESSION_TICKET), AFTER_NST, WHEN(ticket), TLS12, "RFC 5077 3.3" },
    { AFTER_CLIENT_FINISHED, S, M(FINISHED), CONNECTED12, WHEN(no_ticket), TLS12, "RFC 5246 7.4.9" },
    { AFTER_NST,  S, M(FINISHED),            CONNECTED12, ALWAYS, TLS12, "RFC 5246 7.4.9" },
    { RESUMED_NST, S, M(FINISHED),           RESUMED_FINISHED, ALWAYS, TLS12, "RFC 5246 7.3" },
    { RESUMED_FINISHED, C, M(FINISHED),      CONNECTED12, ALWAYS, TLS12, "RFC 5246 7.3" },
    { CONNECTED12, S, M(HELLO_REQUEST),      CONNECTED12, ALWAYS, TLS12, "RFC 5246 7.4.1.1" },
};
/* clang-format on */

#undef C
#undef S
#undef M

void tw_order_init(struct tw_order *o)
{
    *o = (struct tw_order){.state = START};
}

void tw_order_suite(struct tw_order_facts *f, enum tw_kx kx, enum tw_auth auth)
{
    f->server_authenticates = auth != TW_AUTH_ANON && auth != TW_AUTH_PSK && auth != TW_AUTH_NULL;
    if (kx == TW_KX_RSA_PSK)
        f->server_authenticates = true;
    f->server_key_exchange =
        kx == TW_KX_DHE || kx == TW_KX_ECDHE || kx == TW_KX_DHE_PSK || kx == TW_KX_ECDHE_PSK ||
        kx == TW_KX_SRP || kx == TW_KX_ECCPWD;
    f->key_exchange_optional = kx == TW_KX_PSK || kx == TW_KX_RSA_PSK;
}

static bool proto_fits(const struct row *r, const struct tw_order_facts *f)
{
    return r->proto == ANY || (r->proto == TLS13) == (f->version >= TW_TLS13) ||
           (f->version == 0 && f->maybe);
}

static bool row_fits(const struct row *r, const struct tw_order *o, const struct tw_order_facts *f)
{
    return r->from_state == (enum state)o->state && proto_fits(r, f) &&
           (r->when == NULL || r->when(f));
}

/* The row that a message takes now. One whose condition holds wins; an observer that cannot know
 * may take one whose condition does not. */
static const struct row *find(const struct tw_order *o, const struct tw_order_facts *f,
                              enum tw_side from, uint8_t msg)
{
    const struct row *possible = NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        if (r->from_state != (enum state)o->state || r->from != from || r->msg != msg ||
            !proto_fits(r, f))
            continue;
        if (row_fits(r, o, f))
            return r;
        if (possible == NULL && f->maybe)
            possible = r;
    }
    return possible;
}

bool tw_order_may(const struct tw_order *o, const struct tw_order_facts *f, enum tw_side from,
                  uint8_t msg)
{
    return find(o, f, from, msg) != NULL;
}

bool tw_order_step(struct tw_order *o, const struct tw_order_facts *f, enum tw_side from,
                   uint8_t msg)
{
    const struct row *r = find(o, f, from, msg);
    if (r == NULL)
        return false;
    o->state = r->to_state;
    o->tls13 = f->version >= TW_TLS13;
    return true;
}

/* The names are the RFC's. */
static const char *title(uint8_t msg)
{
    const char *t = msg == TW_MSG_HELLO_RETRY_REQUEST ? "HelloRetryRequest" : tw_message_title(msg);
    return t == NULL ? "?" : t;
}

static bool seen_before(const struct tw_order *o, const struct tw_order_facts *f, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (rows[k].msg == rows[i].msg && row_fits(&rows[k], o, f))
            return true;
    return false;
}

const char *tw_order_allowed(const struct tw_order *o, const struct tw_order_facts *f, char *buf,
                             size_t cap)
{
    size_t len = 0;
    if (cap == 0)
        return "";
    buf[0] = 0;
    /* Before the ServerHello the version is open: show what either protocol allows. */
    struct tw_order_facts any = *f;
    if (any.version == 0)
        any.maybe = true;
    for (size_t i = 0; i < TW_ARRAY_LEN(rows) && len < cap; i++) {
        if (!row_fits(&rows[i], o, &any) || seen_before(o, &any, i))
            continue;
        int n = snprintf(buf + len, cap - len, "%s%s", len == 0 ? "" : ", ", title(rows[i].msg));
        len += n < 0 ? 0 : (size_t)n;
    }
    return buf;
}

bool tw_order_done(const struct tw_order *o)
{
    return o->state == CONNECTED || o->state == CONNECTED12 || o->state == POST_CV ||
           o->state == POST_FINISHED;
}

const char *tw_order_state_name(const struct tw_order *o)
{
    return o->state < TW_ARRAY_LEN(state_names) ? state_names[o->state] : "?";
}

bool tw_order_row(size_t i, struct tw_order_row *row)
{
    if (i >= TW_ARRAY_LEN(rows))
        return false;
    const struct row *r = &rows[i];
    *row = (struct tw_order_row){
        .from_state = state_names[r->from_state],
        .to_state = state_names[r->to_state],
        .condition = r->when_name,
        .source = r->source,
        .from = r->from,
        .msg = r->msg,
        .tls13 = r->proto == TLS13,
    };
    return true;
}
