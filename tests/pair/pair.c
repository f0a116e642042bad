#include "pair.h"

/* ---- keys and certificates ---------------------------------------------------------------------- */

static struct tw_credential *make_cred(struct tw_crypto *c, enum tw_make_key kind)
{
    static const char *const dns[] = {"test.example"};
    struct tw_make_cert spec = {.subject_cn = "test.example",
                                .dns = dns,
                                .dns_n = 1,
                                .path_len = -1,
                                .not_before = 1700000000,
                                .not_after = 2000000000,
                                .serial = 1,
                                .hash = TW_HASH_SHA256};
    struct tw_credential *cred = calloc(1, sizeof *cred);
    struct tw_buf der;
    assert_non_null(cred);
    tw_buf_init(&der, 8192);
    cred->crypto = c;
    cred->key = tw_make_privkey(c, kind);
    assert_non_null(cred->key);
    assert_int_equal(tw_make_certificate(c, &spec, cred->key, (struct tw_view){NULL, 0}, cred->key,
                                         &der),
                     TW_OK);
    cred->chain[0] = tw_buf_view(&der); /* ownership moves */
    cred->chain_n = 1;
    return cred;
}

/* The fake table's private keys hold nothing but what is said about them. */
struct tw_privkey {
    struct tw_key_info info;
};
static struct tw_privkey fake_ec = {{TW_KEY_EC, 256, TW_GRP_SECP256R1}};
static struct tw_privkey fake_rsa = {{TW_KEY_RSA, 2048, 0}};

static void fake_info(const struct tw_privkey *k, struct tw_key_info *info)
{
    *info = k->info;
}

void world_make(struct world *w)
{
    static const enum tw_make_key kinds[KEYS] = {TW_MAKE_P256, TW_MAKE_P384, TW_MAKE_RSA2048,
                                                 TW_MAKE_ED25519, TW_MAKE_DSA1024};
    *w = (struct world){.real = tw_crypto_new()};
    assert_non_null(w->real);
    for (size_t i = 0; i < KEYS; i++) {
        w->cred[i] = make_cred(w->real, kinds[i]);
        w->fake_cred[i] = *w->cred[i];
        w->fake_cred[i].key = i == KEY_RSA ? &fake_rsa : &fake_ec;
    }
}

void world_drop(struct world *w)
{
    for (size_t i = 0; i < KEYS; i++)
        tw_credential_free(w->cred[i]);
    tw_crypto_free(w->real);
}

/* ---- setup -------------------------------------------------------------------------------------- */

void only(struct tw_u16list *l, uint16_t v)
{
    l->n = 0;
    tw_u16list_add(l, v);
}

static void common(struct setup *s)
{
    struct tw_hello wide;
    tw_hello_wide(&wide);
    s->hello = wide;
    tw_copy_str(s->hello.server_name, sizeof s->hello.server_name, "test.example");
    s->server.versions = wide.versions;
    s->server.ciphers = wide.ciphers;
    s->server.groups = wide.groups;
    s->server.sigalgs = wide.sigalgs;
    s->server.reply = "pong";
    s->server.creds_n = 1;
    memset(s->server.ticket_key, 0x42, sizeof s->server.ticket_key);
    s->say = "ping";
    s->now = 1000000000;
}

void setup_init(struct setup *s, struct world *w, enum key_kind key)
{
    *s = (struct setup){.client_crypto = w->real, .server_crypto = w->real};
    common(s);
    s->server.creds = &w->cred[key];
}

void setup_init_fake(struct setup *s, struct world *w, enum key_kind key)
{
    static struct tw_credential *creds[KEYS];
    creds[key] = &w->fake_cred[key];
    *s = (struct setup){.client_crypto = tw_crypto_fake(1), .server_crypto = tw_crypto_fake(2)};
    assert_non_null(s->client_crypto);
    assert_non_null(s->server_crypto);
    s->client_crypto->privkey_info = s->server_crypto->privkey_info = fake_info;
    common(s);
    s->server.creds = &creds[key];
}

void setup_drop_fakes(struct setup *s)
{
    tw_crypto_free(s->client_crypto);
    tw_crypto_free(s->server_crypto);
}

/* ---- running ------------------------------------------------------------------------------------ */

static size_t next_cut(const struct setup *s, uint32_t *seed, size_t left)
{
    if (s->cut == CUT_WHOLE)
        return left;
    if (s->cut == CUT_BYTES)
        return 1;
    *seed = *seed * 1664525u + 1013904223u;
    size_t n = 1 + (*seed >> 16) % 97;
    return n < left ? n : left;
}

/* All that `from` has to say, in pieces, each in its own allocation. */
static bool carry(const struct setup *s, uint32_t *seed, struct tw_conn *from, struct tw_conn *to)
{
    bool any = false;
    struct tw_view out;
    while ((out = tw_conn_output(from)).len > 0) {
        size_t n = next_cut(s, seed, out.len);
        uint8_t *copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, out.data, n);
        tw_conn_sent(from, s->now, n);
        enum tw_status st = tw_conn_feed(to, s->now, tw_view_of(copy, n));
        assert_true(st == TW_OK || st == TW_STOPPED);
        free(copy);
        any = true;
    }
    return any;
}

static struct tw_conn *make_conn(const struct setup *s, struct tw_trace *t, enum tw_role role)
{
    struct tw_conn_config cfg = {
        .crypto = role == TW_ROLE_CLIENT ? s->client_crypto : s->server_crypto,
        .trace = t,
        .conn = 1,
        .hello = s->hello,
        .client_cred = s->client_cred,
        .session = s->session,
        .server = &s->server,
        .record_secrets = s->record_secrets,
    };
    if (s->psk != NULL) {
        cfg.psk_identity = tw_view_str("me");
        cfg.psk = tw_view_str(s->psk);
    }
    struct tw_conn *c = tw_conn_new(&cfg, role, s->now);
    assert_non_null(c);
    return c;
}

void run_pair(struct run *r, const struct setup *s)
{
    uint32_t seed = s->cut_seed;
    *r = (struct run){.ct = tw_trace_new(16 << 20), .st = tw_trace_new(16 << 20)};
    r->c = make_conn(s, r->ct, TW_ROLE_CLIENT);
    r->s = make_conn(s, r->st, TW_ROLE_SERVER);
    bool moved = true;
    for (int i = 0; i < 100 && moved; i++) {
        moved = carry(s, &seed, r->c, r->s);
        moved = carry(s, &seed, r->s, r->c) || moved;
        if (!moved && !r->said && s->say != NULL && tw_conn_state(r->c) == TW_CONN_OPEN) {
            r->said = moved = true;
            assert_int_equal(tw_conn_write(r->c, s->now, tw_view_str(s->say)), TW_OK);
        }
    }
    assert_false(moved); /* it ends */
}

void run_drop(struct run *r)
{
    tw_conn_free(r->c);
    tw_conn_free(r->s);
    tw_trace_free(r->ct);
    tw_trace_free(r->st);
}

/* ---- looking ------------------------------------------------------------------------------------ */

const struct tw_fact *check_fact(const struct tw_trace *t, const char *field)
{
    return tw_trace_first(t, 1, TW_FACT_CHECK, field);
}

int64_t negotiated(const struct tw_trace *t, const char *field)
{
    const struct tw_fact *f = tw_trace_last(t, 1, TW_FACT_NEGOTIATED, field);
    return f == NULL ? -1 : f->num;
}

int alert_from(const struct tw_trace *t, enum tw_side side)
{
    int found = -1;
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, 1, TW_FACT_ALERT, NULL)) != NULL) {
        if (f->from == side && f->aux == 2)
            return (int)f->num;
        if (f->from == side && found < 0)
            found = (int)f->num;
    }
    return found;
}

bool has_message(const struct tw_trace *t, enum tw_side side, uint8_t msg)
{
    return tw_trace_message(t, 1, side, msg) != NULL;
}

static void expect_none(const struct tw_trace *t, enum tw_fact_kind kind, const char *what)
{
    const struct tw_fact *f = tw_trace_first(t, 1, kind, NULL);
    if (f != NULL)
        fail_msg("%s: %s fact %s: %s", what, tw_fact_kind_name(kind), f->field,
                 f->text == NULL ? "" : f->text);
}

static void expect_good_side(const struct tw_trace *t, const char *what)
{
    const struct tw_fact *f = NULL;
    expect_none(t, TW_FACT_LOCAL, what);
    expect_none(t, TW_FACT_MALFORMED, what);
    expect_none(t, TW_FACT_UNEXPECTED, what);
    expect_none(t, TW_FACT_LIMIT, what);
    while ((f = tw_trace_next(t, f, 1, TW_FACT_CHECK, NULL)) != NULL)
        if (f->num != 1)
            fail_msg("%s: check %s failed", what, f->field);
    f = check_fact(t, "finished");
    if (f == NULL || tw_trace_first(t, 1, TW_FACT_COMPLETE, NULL) == NULL)
        fail_msg("%s: the handshake is not complete", what);
}

/* What one side sent is what the other saw: the same messages with the same bytes. */
static void expect_same_messages(const struct run *r, enum tw_side side, const char *what)
{
    const struct tw_fact *a = NULL, *b = NULL;
    do {
        do
            a = tw_trace_next(r->ct, a, 1, TW_FACT_MESSAGE, NULL);
        while (a != NULL && a->from != side);
        do
            b = tw_trace_next(r->st, b, 1, TW_FACT_MESSAGE, NULL);
        while (b != NULL && b->from != side);
        if ((a == NULL) != (b == NULL) ||
            (a != NULL && (a->msg != b->msg || a->aux != b->aux || a->protected_ != b->protected_ ||
                           !tw_view_eq(a->data, b->data))))
            fail_msg("%s: the sides differ on message %u", what,
                     (unsigned)(a != NULL ? a->msg : b->msg));
    } while (a != NULL);
}

void expect_healthy(const struct run *r, const char *what)
{
    expect_good_side(r->ct, what);
    expect_good_side(r->st, what);
    expect_same_messages(r, TW_CLIENT, what);
    expect_same_messages(r, TW_SERVER, what);
    struct tw_view got = tw_conn_app_data(r->c), heard = tw_conn_app_data(r->s);
    if (!tw_view_eq(heard, tw_view_str("ping")) || !tw_view_eq(got, tw_view_str("pong")))
        fail_msg("%s: application data did not get through", what);
    static const char *const fields[] = {"version", "cipher", "group", "signature", "resumed"};
    for (size_t i = 0; i < TW_ARRAY_LEN(fields); i++)
        if (negotiated(r->ct, fields[i]) != negotiated(r->st, fields[i]))
            fail_msg("%s: the sides differ on %s", what, fields[i]);
    assert_int_equal(alert_from(r->ct, TW_SERVER), TW_ALERT_CLOSE_NOTIFY);
}
