/*
 * The client role against bytes: the published handshake of RFC 8448, whole and in pieces, cut off
 * and damaged; and what hostile or merely different servers answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "engine/engine.h"
#include "rfc8448.h"

/* ---- a crypto table whose X25519 key is that of the RFC -------------------------------------------- */

struct tw_kex {
    EVP_PKEY *key;
};

static size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;
    assert_true(tw_unhex(hex, out, cap, &n));
    return n;
}

static struct tw_kex *fixed_kex_new(void *ctx, uint16_t group, struct tw_buf *share)
{
    (void)ctx;
    uint8_t priv[32];
    size_t n = 32;
    assert_int_equal(group, TW_GRP_X25519);
    unhex(rfc8448_client_private, priv, sizeof priv);
    struct tw_kex *k = calloc(1, sizeof *k);
    assert_non_null(k);
    k->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
    EVP_PKEY_get_raw_public_key(k->key, tw_buf_grow(share, 32), &n);
    return k;
}

static bool fixed_kex_derive(struct tw_kex *k, struct tw_view peer, struct tw_buf *secret)
{
    size_t n = 32;
    EVP_PKEY *p = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer.data, peer.len);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->key, NULL);
    bool ok = p != NULL && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, p) == 1 &&
              EVP_PKEY_derive(c, tw_buf_grow(secret, 32), &n) == 1;
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(p);
    return ok;
}

static void fixed_kex_free(struct tw_kex *k)
{
    EVP_PKEY_free(k->key);
    free(k);
}

static struct tw_crypto *real;
static struct tw_crypto fixed; /* real, but for the key exchange */

static int setup(void **state)
{
    (void)state;
    real = tw_crypto_new();
    if (real == NULL)
        return -1;
    fixed = *real;
    fixed.kex_new = fixed_kex_new;
    fixed.kex_derive = fixed_kex_derive;
    fixed.kex_free = fixed_kex_free;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(real);
    return 0;
}

/* ---- one conversation -------------------------------------------------------------------------------- */

struct talk {
    struct tw_trace *t;
    struct tw_conn *c;
    enum tw_status st;
};

static void open_talk(struct talk *k, struct tw_crypto *crypto, const struct tw_hello *hello)
{
    *k = (struct talk){.t = tw_trace_new(8 << 20)};
    struct tw_conn_config cfg = {.crypto = crypto, .trace = k->t, .conn = 1, .hello = *hello};
    k->c = tw_conn_new(&cfg, TW_ROLE_CLIENT, 0);
    assert_non_null(k->c);
}

static void close_talk(struct talk *k)
{
    tw_conn_free(k->c);
    tw_trace_free(k->t);
}

static void open_rfc(struct talk *k)
{
    static uint8_t raw[256];
    struct tw_hello h;
    tw_hello_default(&h);
    h.raw = tw_view_of(raw, unhex(rfc8448_client_hello, raw, sizeof raw));
    h.shares.n = 0;
    tw_u16list_add(&h.shares, TW_GRP_X25519);
    open_talk(k, &fixed, &h);
    assert_int_equal(tw_conn_output(k->c).len, h.raw.len + 5);
    assert_memory_equal(tw_conn_output(k->c).data, "\x16\x03\x01", 3);
    assert_memory_equal(tw_conn_output(k->c).data + 5, raw, h.raw.len);
    tw_conn_sent(k->c, 0, h.raw.len + 5);
}

/* Own allocation for each piece, so that a sanitizer sees a read beyond it. */
static enum tw_status feed(struct talk *k, const void *p, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, p, n);
    k->st = tw_conn_feed(k->c, 0, tw_view_of(copy, n));
    free(copy);
    return k->st;
}

static const struct tw_fact *fact(const struct talk *k, enum tw_fact_kind kind, const char *field)
{
    return tw_trace_first(k->t, 1, kind, field);
}

static void expect_local(const struct talk *k, const char *field, int alert)
{
    const struct tw_fact *f = fact(k, TW_FACT_LOCAL, NULL);
    assert_non_null(f);
    assert_string_equal(f->field, field);
    assert_int_equal(f->num, alert);
    assert_int_equal(tw_conn_state(k->c), TW_CONN_STOPPED);
    const struct tw_fact *a = fact(k, TW_FACT_ALERT, NULL);
    while (a != NULL && a->from != TW_CLIENT)
        a = tw_trace_next(k->t, a, 1, TW_FACT_ALERT, NULL);
    if (alert < 0) {
        assert_null(a);
        return;
    }
    assert_non_null(a);
    assert_int_equal(a->num, alert);
    assert_int_equal(a->aux, 2);
}

/* The server's bytes of RFC 8448 up to its Finished, then ticket, data and close_notify. */
static uint8_t flight[2048];
static size_t flight_n, after_n;
static uint8_t after[1024];

static void load_flight(void)
{
    flight_n = unhex(rfc8448_server_hello, flight, sizeof flight);
    flight_n += unhex(rfc8448_server_flight, flight + flight_n, sizeof flight - flight_n);
    after_n = unhex(rfc8448_ticket, after, sizeof after);
    after_n += unhex(rfc8448_server_data, after + after_n, sizeof after - after_n);
}

static void expect_output(struct talk *k, const char *hex)
{
    uint8_t want[512];
    size_t n = unhex(hex, want, sizeof want);
    struct tw_view out = tw_conn_output(k->c);
    assert_int_equal(out.len, n);
    assert_memory_equal(out.data, want, n);
    tw_conn_sent(k->c, 0, n);
}

/* ---- RFC 8448 ------------------------------------------------------------------------------------------ */

static void test_rfc8448(void **state)
{
    (void)state;
    struct talk k;
    uint8_t data[50], close[64], psk[32];
    struct tw_session s;
    load_flight();
    open_rfc(&k);
    assert_int_equal(feed(&k, flight, flight_n), TW_OK);
    assert_int_equal(tw_conn_state(k.c), TW_CONN_OPEN);
    assert_int_equal(tw_conn_version(k.c), TW_TLS13);
    expect_output(&k, rfc8448_client_finished);
    assert_int_equal(fact(&k, TW_FACT_CHECK, "certificate_verify")->num, 1);
    assert_int_equal(fact(&k, TW_FACT_CHECK, "finished")->num, 1);
    assert_int_equal(fact(&k, TW_FACT_CHECK, "record_mac")->num, 1);
    assert_non_null(fact(&k, TW_FACT_COMPLETE, NULL));
    assert_int_equal(fact(&k, TW_FACT_NEGOTIATED, "group")->num, TW_GRP_X25519);
    assert_null(fact(&k, TW_FACT_MALFORMED, NULL));
    assert_false(tw_conn_session(k.c, &s));

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(tw_conn_write(k.c, 0, tw_view_of(data, sizeof data)), TW_OK);
    expect_output(&k, rfc8448_client_data);
    assert_int_equal(feed(&k, after, after_n), TW_OK);
    assert_true(tw_conn_session(k.c, &s));
    unhex(rfc8448_resumption_psk, psk, sizeof psk);
    assert_int_equal(s.secret_len, 32);
    assert_memory_equal(s.secret, psk, 32);
    assert_int_equal(s.lifetime, 30);
    assert_true(tw_view_eq(tw_conn_app_data(k.c), tw_view_of(data, sizeof data)));

    size_t n = unhex(rfc8448_server_close, close, sizeof close);
    assert_int_equal(feed(&k, close, n), TW_STOPPED);
    expect_output(&k, rfc8448_client_close);
    close_talk(&k);
}

static void saved(struct talk *k, struct tw_buf *out)
{
    tw_buf_init(out, 16 << 20);
    assert_int_equal(tw_trace_save(k->t, out), TW_OK);
}

/* Any split gives the same trace: byte by byte, and in pieces of every size. */
static void test_splits(void **state)
{
    (void)state;
    struct talk k;
    struct tw_buf want, got;
    load_flight();
    open_rfc(&k);
    feed(&k, flight, flight_n);
    feed(&k, after, after_n);
    saved(&k, &want);
    close_talk(&k);
    for (size_t piece = 1; piece < 200; piece += piece < 12 ? 1 : 37) {
        open_rfc(&k);
        for (size_t i = 0; i < flight_n; i += piece)
            feed(&k, flight + i, piece < flight_n - i ? piece : flight_n - i);
        for (size_t i = 0; i < after_n; i += piece)
            feed(&k, after + i, piece < after_n - i ? piece : after_n - i);
        saved(&k, &got);
        assert_true(tw_view_eq(tw_buf_view(&want), tw_buf_view(&got)));
        tw_buf_cleanup(&got);
        close_talk(&k);
    }
    tw_buf_cleanup(&want);
}

static void test_cut_off(void **state)
{
    (void)state;
    load_flight();
    for (size_t n = 0; n < flight_n; n++) {
        struct talk k;
        open_rfc(&k);
        assert_int_equal(feed(&k, flight, n), TW_OK);
        tw_conn_end(k.c, 1, "fin", 0);
        const struct tw_fact *end = fact(&k, TW_FACT_END, "fin");
        assert_non_null(end);
        assert_non_null(end->text); /* says for what it was waiting */
        assert_null(fact(&k, TW_FACT_COMPLETE, NULL));
        assert_int_equal(tw_conn_state(k.c), TW_CONN_STOPPED);
        close_talk(&k);
    }
}

static void test_damaged_record(void **state)
{
    (void)state;
    struct talk k;
    load_flight();
    flight[flight_n - 1] ^= 1;
    open_rfc(&k);
    assert_int_equal(feed(&k, flight, flight_n), TW_STOPPED);
    assert_int_equal(fact(&k, TW_FACT_CHECK, "record_mac")->num, 0);
    expect_local(&k, "record_mac", TW_ALERT_BAD_RECORD_MAC);
    close_talk(&k);
}

/* One byte changed at each place: never complete (but for the record version, which is ignored). */
static void test_each_byte_damaged(void **state)
{
    (void)state;
    load_flight();
    for (size_t i = 0; i < flight_n; i++) {
        struct talk k;
        flight[i] ^= 0x15;
        open_rfc(&k);
        (void)feed(&k, flight, flight_n);
        tw_conn_end(k.c, 1, "fin", 0);
        bool version = i == 2;
        assert_int_equal(fact(&k, TW_FACT_COMPLETE, NULL) != NULL, version);
        close_talk(&k);
        flight[i] ^= 0x15;
    }
}

/* ---- other answers ------------------------------------------------------------------------------------- */

static void open_default(struct talk *k)
{
    struct tw_hello h;
    tw_hello_default(&h);
    h.grease_seed = 1;
    h.shares.n = 0; /* cheap */
    tw_u16list_add(&h.shares, TW_GRP_X25519);
    open_talk(k, real, &h);
    tw_conn_sent(k->c, 0, tw_conn_output(k->c).len);
}

static void test_not_tls(void **state)
{
    (void)state;
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct talk k;
    open_default(&k);
    assert_int_equal(feed(&k, "H", 1), TW_OK);
    assert_true(tw_conn_not_tls(k.c));
    assert_int_equal(feed(&k, http + 1, sizeof http - 2), TW_OK);
    tw_conn_end(k.c, 1, "fin", 0);
    const struct tw_fact *f = fact(&k, TW_FACT_NOT_TLS, NULL);
    assert_non_null(f);
    assert_true(tw_view_eq(f->data, tw_view_str(http)));
    assert_int_equal(tw_conn_output(k.c).len, 0);
    close_talk(&k);

    uint8_t much[700];
    memset(much, 'x', sizeof much);
    open_default(&k);
    assert_int_equal(feed(&k, much, sizeof much), TW_STOPPED);
    assert_int_equal(fact(&k, TW_FACT_NOT_TLS, NULL)->data.len, 512);
    close_talk(&k);
}

static void test_alerts(void **state)
{
    (void)state;
    static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 112}, fatal[] = {21, 3, 1, 0, 2, 2, 40};
    struct talk k;
    open_default(&k);
    assert_int_equal(feed(&k, warning, sizeof warning), TW_OK);
    assert_int_equal(tw_conn_state(k.c), TW_CONN_HANDSHAKING);
    assert_int_equal(feed(&k, fatal, sizeof fatal), TW_STOPPED);
    const struct tw_fact *a = fact(&k, TW_FACT_ALERT, NULL);
    assert_int_equal(a->num, 112);
    assert_int_equal(a->aux, 1);
    a = tw_trace_next(k.t, a, 1, TW_FACT_ALERT, NULL);
    assert_int_equal(a->num, 40);
    assert_int_equal(a->from, TW_SERVER);
    assert_int_equal(tw_conn_output(k.c).len, 0);
    close_talk(&k);
    open_default(&k); /* a flood of warnings ends */
    for (int i = 0; i < 100; i++)
        (void)feed(&k, warning, sizeof warning);
    assert_int_equal(k.st, TW_E_LIMIT);
    assert_non_null(fact(&k, TW_FACT_LIMIT, "idle_records"));
    close_talk(&k);
}

/* An alert that comes while we are stopping for another reason is kept. */
static void test_alert_after_stop(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {22, 3, 3, 0, 4, 14, 0, 0, 0, 21, 3, 3, 0, 2, 2, 80};
    struct talk k;
    open_default(&k);
    assert_int_equal(feed(&k, bytes, sizeof bytes), TW_STOPPED);
    assert_non_null(fact(&k, TW_FACT_UNEXPECTED, NULL));
    assert_string_equal(fact(&k, TW_FACT_UNEXPECTED, NULL)->text, "HelloRetryRequest, ServerHello");
    expect_local(&k, "unexpected_message", TW_ALERT_UNEXPECTED_MESSAGE);
    const struct tw_fact *a = tw_trace_last(k.t, 1, TW_FACT_ALERT, NULL);
    assert_int_equal(a->num, 80);
    assert_int_equal(a->from, TW_SERVER);
    close_talk(&k);
}

struct sh {
    uint16_t version, cipher, selected;
    uint8_t compression, session_id_len;
    const char *exts; /* hex, without supported_versions */
    bool hrr, sentinel;
};

static enum tw_status feed_hello(struct talk *k, const struct sh *s)
{
    struct tw_buf ext, body, rec;
    uint8_t random[32] = {9}, hex[256], id[32] = {1};
    tw_buf_init(&ext, 1024);
    tw_buf_init(&body, 1024);
    tw_buf_init(&rec, 1024);
    if (s->selected != 0) {
        tw_wr_u16(&ext, TW_EXT_SUPPORTED_VERSIONS);
        tw_wr_u16(&ext, 2);
        tw_wr_u16(&ext, s->selected);
    }
    if (s->exts != NULL)
        tw_buf_add(&ext, hex, unhex(s->exts, hex, sizeof hex));
    if (s->hrr)
        memcpy(random, tw_hrr_random, 32);
    if (s->sentinel)
        memcpy(random + 24, "DOWNGRD\1", 8);
    struct tw_view echo = tw_view_of(id, s->session_id_len);
    const struct tw_fact *sent = tw_trace_message(k->t, 1, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    if (s->session_id_len == 255) /* what the client sent */
        echo = tw_view_of(sent->data.data + 35, 32);
    struct tw_server_hello m = {.version = s->version,
                                .random = tw_view_of(random, 32),
                                .session_id = echo,
                                .cipher = s->cipher,
                                .compression = s->compression,
                                .extensions = tw_buf_view(&ext),
                                .has_extensions = ext.len > 0};
    size_t mark = tw_handshake_open(&body, TW_MSG_SERVER_HELLO);
    tw_server_hello_encode(&body, &m);
    tw_wr_close(&body, mark, 3);
    tw_record_write(&rec, TW_CT_HANDSHAKE, TW_TLS12, tw_buf_view(&body));
    enum tw_status st = feed(k, rec.data, rec.len);
    tw_buf_cleanup(&ext);
    tw_buf_cleanup(&body);
    tw_buf_cleanup(&rec);
    return st;
}

/* Each way to answer with what was not offered, and its alert. */
static void test_server_hellos(void **state)
{
    (void)state;
    static const struct {
        struct sh sh;
        const char *local;
        int alert;
    } cases[] = {
        {{.version = TW_SSL3, .cipher = 0x002f}, "ssl3", 70},
        {{.version = TW_TLS10, .cipher = 0xc013}, "version_not_offered", 70},
        {{.version = TW_TLS11, .cipher = 0xc013}, "version_not_offered", 70},
        {{.version = TW_TLS12, .selected = 0x0305, .cipher = 0x1301}, "version_not_offered", 70},
        {{.version = TW_TLS12, .cipher = 0x0005}, "cipher_not_offered", 47},
        {{.version = TW_TLS12, .cipher = 0x1301}, "cipher_wrong_version", 47},
        {{.version = TW_TLS12, .cipher = 0xc02f, .compression = 1}, "compression", 47},
        {{.version = TW_TLS12, .cipher = 0xc02f, .sentinel = true}, "downgrade_sentinel", 47},
        {{.version = TW_TLS12, .cipher = 0xc02f, .session_id_len = 255}, "session_id_echo", 47},
        {{.version = TW_TLS12, .cipher = 0xc02f, .exts = "00160000"}, "extension_not_offered", 110},
        {{.version = TW_TLS12, .cipher = 0xc02f, .exts = "ff010002017f"}, "renegotiation_info", 40},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0xc02f}, "cipher_wrong_version", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 3},
         "session_id_echo", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255},
         "key_share_missing", 109},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .exts = "003300050018000141"},
         "group_not_offered", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .exts = "00330005001d000141"},
         "key_share_invalid", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .exts = "001000050003026832"},
         "extension_misplaced", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .exts = "00290002000000330005001d000141"},
         "psk_not_offered", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .hrr = true},
         "retry_without_change", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .hrr = true, .exts = "00330002001d"},
         "retry_without_change", 47},
        {{.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301, .session_id_len = 255,
          .hrr = true, .exts = "003300020100"},
         "group_not_offered", 47},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct talk k;
        open_default(&k);
        assert_int_equal(feed_hello(&k, &cases[i].sh), TW_STOPPED);
        expect_local(&k, cases[i].local, cases[i].alert);
        assert_true(tw_conn_output(k.c).len >= 7);
        close_talk(&k);
    }
}

static void test_retry(void **state)
{
    (void)state;
    struct talk k;
    struct sh hrr = {.version = TW_TLS12, .selected = TW_TLS13, .cipher = 0x1301,
                     .session_id_len = 255, .hrr = true, .exts = "003300020018002c00040002aabb"};
    open_default(&k);
    assert_int_equal(feed_hello(&k, &hrr), TW_OK);
    const struct tw_fact *first = tw_trace_message(k.t, 1, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    const struct tw_fact *second = NULL;
    for (const struct tw_fact *f = first; f != NULL;
         f = tw_trace_next(k.t, f, 1, TW_FACT_MESSAGE, NULL))
        if (f->from == TW_CLIENT)
            second = f;
    assert_ptr_not_equal(first, second);
    struct tw_reader r = tw_rd_of(second->data), r1 = tw_rd_of(first->data);
    struct tw_client_hello a, b;
    assert_true(tw_client_hello_decode(&r1, &a));
    assert_true(tw_client_hello_decode(&r, &b));
    assert_true(tw_view_eq(a.random, b.random));
    assert_true(tw_view_eq(a.session_id, b.session_id));
    assert_true(tw_view_eq(a.ciphers, b.ciphers));
    struct tw_view v;
    struct tw_key_share ks;
    assert_true(tw_ext_find(b.extensions, TW_EXT_COOKIE, &v));
    assert_true(tw_view_eq(v, tw_view_of("\0\2\xaa\xbb", 4)));
    assert_true(tw_ext_find(b.extensions, TW_EXT_KEY_SHARE, &v));
    assert_true(tw_ext_key_share_at(v, 0, &ks));
    assert_int_equal(ks.group, TW_GRP_SECP384R1);
    assert_false(tw_ext_key_share_at(v, 1, &ks));
    assert_memory_equal(tw_conn_output(k.c).data, "\x14\x03\x03\0\1\1\x16\x03\x03", 9);
    /* only once */
    assert_int_equal(feed_hello(&k, &hrr), TW_STOPPED);
    expect_local(&k, "unexpected_message", TW_ALERT_UNEXPECTED_MESSAGE);
    close_talk(&k);
}

static void test_bounds(void **state)
{
    (void)state;
    static const uint8_t long_record[] = {22, 3, 3, 0xff, 0xff, 2};
    static const uint8_t long_message[] = {22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff};
    static const uint8_t empty[] = {22, 3, 3, 0, 0};
    struct talk k;
    open_default(&k);
    assert_int_equal(feed(&k, long_record, sizeof long_record), TW_STOPPED);
    expect_local(&k, "record_overflow", TW_ALERT_RECORD_OVERFLOW);
    close_talk(&k);
    open_default(&k);
    assert_int_equal(feed(&k, long_message, sizeof long_message), TW_STOPPED);
    expect_local(&k, "message_too_long", TW_ALERT_ILLEGAL_PARAMETER);
    close_talk(&k);
    open_default(&k);
    for (int i = 0; i < 40; i++)
        (void)feed(&k, empty, sizeof empty);
    assert_int_equal(k.st, TW_E_LIMIT);
    close_talk(&k);
}

static void test_ssl2(void **state)
{
    (void)state;
    /* SERVER-HELLO of SSL 2.0: no certificate, two cipher kinds, connection id of 16 bytes */
    static const uint8_t hello[] = {0x80, 33, 4, 0, 1, 0, 2, 0, 0, 0, 6, 0, 16,
                                    1, 0, 0x80, 7, 0, 0xc0, 1, 2, 3, 4, 5, 6, 7, 8,
                                    9, 10, 11, 12, 13, 14, 15, 16};
    struct talk k;
    open_default(&k);
    assert_int_equal(feed(&k, hello, sizeof hello), TW_STOPPED);
    assert_non_null(fact(&k, TW_FACT_FIELD, "ssl2_server_hello"));
    const struct tw_fact *f = fact(&k, TW_FACT_FIELD, "ssl2_cipher");
    assert_int_equal(f->num, 0x010080);
    assert_int_equal(tw_trace_next(k.t, f, 1, TW_FACT_FIELD, "ssl2_cipher")->num, 0x0700c0);
    expect_local(&k, "ssl2", -1);
    close_talk(&k);
}

static void test_garbage(void **state)
{
    (void)state;
    uint32_t x = 12345;
    for (int round = 0; round < 400; round++) {
        struct talk k;
        uint8_t bytes[600];
        size_t n = 1 + (size_t)(round % 590);
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(x >> 24);
        }
        if (round % 3 != 0 && n > 9) { /* often enough like a handshake record */
            static const uint8_t head[] = {22, 3, 3, 1, 0, 2, 0, 0};
            memcpy(bytes, head, sizeof head);
        }
        open_default(&k);
        (void)feed(&k, bytes, n);
        tw_conn_end(k.c, 1, "rst", 104);
        assert_null(fact(&k, TW_FACT_COMPLETE, NULL));
        assert_int_equal(tw_conn_state(k.c), TW_CONN_STOPPED);
        close_talk(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8448),
        cmocka_unit_test(test_splits),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_damaged_record),
        cmocka_unit_test(test_each_byte_damaged),
        cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_alert_after_stop),
        cmocka_unit_test(test_server_hellos),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_ssl2),
        cmocka_unit_test(test_garbage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
