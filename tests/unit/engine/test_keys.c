/*
 * Key schedules against published values: RFC 8448 section 3 for TLS 1.3, the PRF vectors of the
 * TLS working group's list (2008) for TLS 1.2 and of draft-ietf-tls-rfc2246-bis for TLS 1.0; and
 * which signature schemes go with which keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/keys.h"
#include "rfc8448.h"

static struct tw_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    crypto = tw_crypto_new();
    return crypto == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    tw_crypto_free(crypto);
    return 0;
}

struct bytes {
    uint8_t v[2048];
    size_t n;
};

static struct bytes unhex(const char *hex)
{
    struct bytes b;
    assert_true(tw_unhex(hex, b.v, sizeof b.v, &b.n));
    return b;
}

#define assert_hex(p, len, hex)                                                                    \
    do {                                                                                           \
        struct bytes want_ = unhex(hex);                                                           \
        assert_int_equal(len, want_.n);                                                            \
        assert_memory_equal(p, want_.v, want_.n);                                                  \
    } while (0)
#define assert_secret(s, hex) assert_hex((s).v, (s).n, hex)

/* ---- TLS 1.3 ------------------------------------------------------------------------------------ */

static const struct tw_suite *aes128(void)
{
    return tw_suite_by_id(0x1301);
}

/* Opens a record given as hex; appends its content. */
static void open_record(struct tw_protect *p, const char *hex, uint8_t type, struct tw_buf *out)
{
    struct bytes b = unhex(hex);
    struct tw_record rec;
    size_t used;
    uint8_t got;
    assert_int_equal(tw_record_peek(tw_view_of(b.v, b.n), false, &rec, &used), TW_REC_OK);
    assert_int_equal(used, b.n);
    assert_int_equal(tw_protect_open(p, &rec, &got, out), TW_OPEN_OK);
    assert_int_equal(got, type);
}

static void add_message(struct tw_transcript *t, const char *hex, size_t skip)
{
    struct bytes b = unhex(hex);
    assert_true(tw_transcript_add(t, tw_view_of(b.v + skip, b.n - skip)));
}

static struct tw_view digest(struct tw_transcript *t, uint8_t out[TW_HASH_MAX])
{
    size_t n = tw_transcript_digest(t, out);
    assert_int_equal(n, 32);
    return tw_view_of(out, n);
}

static void to_handshake_keys(struct tw_schedule13 *s, struct tw_transcript *t)
{
    uint8_t d[TW_HASH_MAX];
    struct bytes ecdhe = unhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
    tw_transcript_init(t, crypto);
    add_message(t, rfc8448_client_hello, 0);
    add_message(t, rfc8448_server_hello, 5);
    assert_true(tw_transcript_start(t, TW_HASH_SHA256));
    assert_true(tw_schedule13_early(s, crypto, TW_HASH_SHA256, (struct tw_view){NULL, 0}));
    assert_true(tw_schedule13_handshake(s, tw_view_of(ecdhe.v, ecdhe.n), digest(t, d)));
}

static void test_handshake_secrets(void **state)
{
    (void)state;
    struct tw_schedule13 s;
    struct tw_transcript t;
    uint8_t d[TW_HASH_MAX], key[16], iv[12];
    to_handshake_keys(&s, &t);
    assert_hex(d, digest(&t, d).len,
               "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
    assert_secret(s.early, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
    assert_secret(s.handshake, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
    assert_secret(s.client_hs, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    assert_secret(s.server_hs, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
    struct tw_view secret = tw_view_of(s.server_hs.v, s.server_hs.n), none = {NULL, 0};
    assert_true(tw_hkdf_expand_label(crypto, s.hash, secret, "key", none, key, sizeof key));
    assert_true(tw_hkdf_expand_label(crypto, s.hash, secret, "iv", none, iv, sizeof iv));
    assert_hex(key, sizeof key, "3fce516009c21727d0f2e4e86ee403bc");
    assert_hex(iv, sizeof iv, "5d313eb2671276ee13000b30");
    tw_transcript_cleanup(&t);
}

/* The server's flight is opened, then hashed up to CertificateVerify and whole. */
static void test_flight_and_finished(void **state)
{
    (void)state;
    struct tw_schedule13 s;
    struct tw_transcript t;
    struct tw_buf flight, out;
    struct tw_secret fin;
    uint8_t d[TW_HASH_MAX];
    tw_buf_init(&flight, 4096);
    tw_buf_init(&out, 4096);
    to_handshake_keys(&s, &t);
    struct tw_protect *server = tw_protect13_new(crypto, aes128(), &s.server_hs, false);
    open_record(server, rfc8448_server_flight, TW_CT_HANDSHAKE, &flight);
    size_t before = flight.len - 36; /* Finished: 4 + 32 */
    assert_int_equal(flight.data[before], TW_MSG_FINISHED);
    assert_true(tw_transcript_add(&t, tw_view_of(flight.data, before)));
    assert_true(tw_schedule13_finished(&s, &s.server_hs, digest(&t, d), &fin));
    assert_memory_equal(fin.v, flight.data + before + 4, 32);
    assert_true(tw_transcript_add(&t, tw_view_of(flight.data + before, 36)));
    assert_hex(d, digest(&t, d).len,
               "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
    assert_true(tw_schedule13_finished(&s, &s.client_hs, digest(&t, d), &fin));
    assert_secret(fin, "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61");

    struct tw_protect *client = tw_protect13_new(crypto, aes128(), &s.client_hs, true);
    uint8_t msg[36] = {TW_MSG_FINISHED, 0, 0, 32};
    memcpy(msg + 4, fin.v, 32);
    assert_true(tw_protect_seal(client, TW_CT_HANDSHAKE, TW_TLS12, tw_view_of(msg, 36), &out));
    assert_hex(out.data, out.len, rfc8448_client_finished);
    tw_protect_free(client);
    tw_protect_free(server);
    tw_buf_cleanup(&flight);
    tw_buf_cleanup(&out);
    tw_transcript_cleanup(&t);
}

static void test_application_secrets(void **state)
{
    (void)state;
    struct tw_schedule13 s;
    struct tw_transcript t;
    struct tw_buf flight, out;
    struct tw_secret psk;
    uint8_t d[TW_HASH_MAX], msg[36] = {TW_MSG_FINISHED, 0, 0, 32};
    tw_buf_init(&flight, 4096);
    tw_buf_init(&out, 4096);
    to_handshake_keys(&s, &t);
    struct tw_protect *p = tw_protect13_new(crypto, aes128(), &s.server_hs, false);
    open_record(p, rfc8448_server_flight, TW_CT_HANDSHAKE, &flight);
    tw_protect_free(p);
    assert_true(tw_transcript_add(&t, tw_buf_view(&flight)));
    assert_true(tw_schedule13_master(&s, digest(&t, d)));
    assert_secret(s.master, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    assert_secret(s.client_app, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    assert_secret(s.server_app, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    assert_secret(s.exporter, "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
    memcpy(msg + 4, unhex("a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61").v, 32);
    assert_true(tw_transcript_add(&t, tw_view_of(msg, 36)));
    assert_true(tw_schedule13_resumption(&s, digest(&t, d)));
    assert_secret(s.resumption, "7df235f2031d2a051287d02b0241b0bfdaf86cc856231f2d5aba46c434ec196c");
    assert_true(tw_schedule13_ticket_psk(&s, tw_view_of("\0\0", 2), &psk));
    assert_secret(psk, rfc8448_resumption_psk);

    uint8_t data[50];
    for (uint8_t i = 0; i < 50; i++)
        data[i] = i;
    p = tw_protect13_new(crypto, aes128(), &s.client_app, true);
    assert_true(tw_protect_seal(p, TW_CT_APP_DATA, TW_TLS12, tw_view_of(data, 50), &out));
    assert_hex(out.data, out.len, rfc8448_client_data);
    tw_protect_free(p);
    out.len = 0;
    p = tw_protect13_new(crypto, aes128(), &s.server_app, false);
    open_record(p, rfc8448_ticket, TW_CT_HANDSHAKE, &out);
    out.len = 0;
    open_record(p, rfc8448_server_data, TW_CT_APP_DATA, &out);
    assert_int_equal(out.len, 50);
    assert_memory_equal(out.data, data, 50);
    tw_protect_free(p);
    tw_buf_cleanup(&flight);
    tw_buf_cleanup(&out);
    tw_transcript_cleanup(&t);
}

static void test_update_and_long_expand(void **state)
{
    (void)state;
    struct tw_schedule13 s;
    uint8_t once[32], many[100], again[100];
    struct tw_view none = {NULL, 0};
    assert_true(tw_schedule13_early(&s, crypto, TW_HASH_SHA256, none));
    struct tw_secret traffic = s.early;
    struct tw_view from = tw_view_of(s.early.v, s.early.n);
    assert_true(tw_hkdf_expand_label(crypto, s.hash, from, "traffic upd", none, once, 32));
    assert_true(tw_schedule13_update(&s, &traffic));
    assert_memory_equal(traffic.v, once, 32);
    /* more than one block of HKDF-Expand; the length is part of what is hashed */
    assert_true(tw_hkdf_expand_label(crypto, s.hash, from, "x", none, many, 100));
    assert_true(tw_hkdf_expand_label(crypto, s.hash, from, "x", none, again, 99));
    assert_memory_not_equal(many, again, 32);
    uint8_t long_context[256] = {0};
    assert_true(tw_hkdf_expand_label(crypto, s.hash, from, "resumption",
                                     tw_view_of(long_context, 255), once, 32));
    assert_false(tw_hkdf_expand_label(crypto, s.hash, from, "resumption",
                                      tw_view_of(long_context, 256), once, 32));
}

/* RFC 8446 4.4.1: the first ClientHello is replaced by its hash. */
static void test_transcript_retry(void **state)
{
    (void)state;
    struct tw_transcript t;
    uint8_t first[TW_HASH_MAX], got[TW_HASH_MAX], want[TW_HASH_MAX];
    struct tw_view ch1 = tw_view_str("ClientHello1"), rest = tw_view_str("HelloRetryRequest");
    for (int keep = 0; keep < 2; keep++) {
        tw_transcript_init(&t, crypto);
        t.keep = keep != 0;
        assert_int_equal(tw_transcript_digest(&t, got), 0);
        assert_true(tw_transcript_add(&t, ch1));
        assert_true(tw_transcript_start(&t, TW_HASH_SHA384));
        assert_int_equal(t.early.len, keep != 0 ? ch1.len : 0);
        assert_true(tw_transcript_retry(&t));
        assert_true(tw_transcript_add(&t, rest));
        crypto->digest(crypto->ctx, TW_HASH_SHA384, &ch1, 1, first);
        struct tw_view parts[] = {tw_view_of("\xfe\0\0\x30", 4), tw_view_of(first, 48), rest};
        crypto->digest(crypto->ctx, TW_HASH_SHA384, parts, 3, want);
        assert_int_equal(tw_transcript_digest(&t, got), 48);
        assert_memory_equal(got, want, 48);
        assert_int_equal(t.early.len, keep != 0 ? 4 + 48 + rest.len : 0);
        tw_transcript_cleanup(&t);
    }
}

/* ---- TLS 1.0-1.2 -------------------------------------------------------------------------------- */

static void check_prf(uint16_t version, enum tw_hash_id prf, const char *secret, const char *label,
                      const char *seed, const char *out)
{
    struct bytes s = unhex(secret), x = unhex(seed), want = unhex(out);
    uint8_t got[256];
    struct tw_view seed_view = tw_view_of(x.v, x.n), sec = tw_view_of(s.v, s.n);
    for (size_t cut = 0; cut <= x.n; cut += 8) { /* the seed in two parts is the same seed */
        assert_true(tw_prf(crypto, version, prf, sec, label, tw_view_sub(seed_view, 0, cut),
                           tw_view_sub(seed_view, cut, x.n - cut), got, want.n));
        assert_memory_equal(got, want.v, want.n);
    }
}

static void test_prf(void **state)
{
    (void)state;
    check_prf(TW_TLS12, TW_HASH_SHA256, "9bbe436ba940f017b17652849a71db35", "test label",
              "a0ba9f936cda311827a6f796ffd5198c",
              "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
              "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
              "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
              "87347b66");
    check_prf(TW_TLS12, TW_HASH_SHA384, "b80b733d6ceefcdc71566ea48e5567df", "test label",
              "cd665cf6a8447dd6ff8b27555edb7465",
              "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd"
              "e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd"
              "8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
              "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6"
              "91c8f3a26854308d5eaa3be85e0990703d73e56f");
    char secret[97], seed[129];
    for (size_t i = 0; i < 96; i++)
        secret[i] = i % 2 == 0 ? 'a' : 'b';
    for (size_t i = 0; i < 128; i++)
        seed[i] = i % 2 == 0 ? 'c' : 'd';
    secret[96] = seed[128] = 0;
    check_prf(TW_TLS10, TW_HASH_SHA256, secret, "PRF Testvector", seed,
              "d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754"
              "443bcf9a296519bc289abcbc1187e4ebd31e602353776c408aafb74cbc85eff6"
              "9255f9788faa184cbb957a9819d84a5d7eb006eb459d3ae8de9810454b8b2d8f"
              "1afbc655a8c9a013");
}

static void test_master_and_finished(void **state)
{
    (void)state;
    struct tw_keys12 k, e;
    uint8_t want[48], fin[12], random[64];
    struct tw_view pm = tw_view_str("premaster"), none = {NULL, 0}, h = tw_view_str("hash");
    memset(random, 7, sizeof random);
    struct tw_view cr = tw_view_of(random, 32), sr = tw_view_of(random + 32, 32);
    assert_true(tw_keys12_master(&k, crypto, TW_TLS12, TW_HASH_SHA256, pm, cr, sr, none));
    assert_true(tw_prf(crypto, TW_TLS12, TW_HASH_SHA256, pm, "master secret", cr, sr, want, 48));
    assert_memory_equal(k.master, want, 48);
    assert_true(tw_keys12_master(&e, crypto, TW_TLS12, TW_HASH_SHA256, pm, cr, sr, h));
    assert_true(tw_prf(crypto, TW_TLS12, TW_HASH_SHA256, pm, "extended master secret", h, none,
                       want, 48));
    assert_memory_equal(e.master, want, 48);
    assert_true(tw_keys12_finished(&k, crypto, TW_TLS12, TW_HASH_SHA256, true, h, fin));
    assert_true(tw_prf(crypto, TW_TLS12, TW_HASH_SHA256, tw_view_of(k.master, 48),
                       "server finished", h, none, want, 12));
    assert_memory_equal(fin, want, 12);
}

/* RFC 4279 2: both halves with their lengths. */
static void test_psk_premaster(void **state)
{
    (void)state;
    struct tw_buf pm;
    tw_buf_init(&pm, 1024);
    assert_true(tw_psk_premaster(TW_KX_PSK, tw_view_str("key"), &pm));
    assert_hex(pm.data, pm.len, "000300000000036b6579");
    pm.len = 0;
    tw_buf_str(&pm, "dh");
    assert_true(tw_psk_premaster(TW_KX_DHE_PSK, tw_view_str("key"), &pm));
    assert_hex(pm.data, pm.len, "0002646800036b6579");
    tw_buf_cleanup(&pm);
}

/* ---- signing ------------------------------------------------------------------------------------ */

static void test_signed_content(void **state)
{
    (void)state;
    uint8_t buf[64 + 34 + 64], h[32];
    memset(h, 1, sizeof h);
    size_t n = tw_signed_content13(true, tw_view_of(h, 32), buf, sizeof buf);
    assert_int_equal(n, 64 + 34 + 32);
    assert_int_equal(buf[63], 0x20);
    assert_memory_equal(buf + 64, "TLS 1.3, server CertificateVerify\0\1", 35);
    assert_int_equal(tw_signed_content13(false, tw_view_of(h, 32), buf, sizeof buf), n);
    assert_memory_equal(buf + 64, "TLS 1.3, client CertificateVerify", 34);
    assert_int_equal(tw_signed_content13(false, tw_view_of(h, 32), buf, n - 1), 0);
}

static void test_sig_plan(void **state)
{
    (void)state;
    static const struct {
        uint16_t version, scheme;
        struct tw_key_info key;
        bool ok;
        enum tw_sig_kind kind;
        enum tw_hash_id hash;
    } cases[] = {
        {TW_TLS10, 0, {TW_KEY_RSA, 2048, 0}, true, TW_SIG_RSA_PKCS1, TW_HASH_MD5_SHA1},
        {TW_TLS11, 0, {TW_KEY_EC, 256, 23}, true, TW_SIG_ECDSA, TW_HASH_SHA1},
        {TW_TLS10, 0, {TW_KEY_DSA, 1024, 0}, true, TW_SIG_DSA, TW_HASH_SHA1},
        {TW_TLS11, 0, {TW_KEY_ED25519, 256, 0}, false, 0, 0},
        {TW_TLS12, 0x0401, {TW_KEY_RSA, 2048, 0}, true, TW_SIG_RSA_PKCS1, TW_HASH_SHA256},
        {TW_TLS13, 0x0401, {TW_KEY_RSA, 2048, 0}, false, 0, 0},
        {TW_TLS13, 0x0804, {TW_KEY_RSA, 2048, 0}, true, TW_SIG_RSA_PSS, TW_HASH_SHA256},
        {TW_TLS13, 0x0806, {TW_KEY_RSA, 1024, 0}, false, 0, 0}, /* does not fit */
        {TW_TLS12, 0x0804, {TW_KEY_RSA_PSS, 2048, 0}, false, 0, 0},
        {TW_TLS12, 0x0809, {TW_KEY_RSA_PSS, 2048, 0}, true, TW_SIG_RSA_PSS, TW_HASH_SHA256},
        {TW_TLS12, 0x0403, {TW_KEY_EC, 384, 24}, true, TW_SIG_ECDSA, TW_HASH_SHA256},
        {TW_TLS13, 0x0403, {TW_KEY_EC, 384, 24}, false, 0, 0},
        {TW_TLS13, 0x0503, {TW_KEY_EC, 384, 24}, true, TW_SIG_ECDSA, TW_HASH_SHA384},
        {TW_TLS13, 0x0807, {TW_KEY_ED25519, 256, 0}, true, TW_SIG_EDDSA, TW_HASH_NONE},
        {TW_TLS13, 0x0808, {TW_KEY_ED25519, 256, 0}, false, 0, 0},
        {TW_TLS12, 0x0402, {TW_KEY_DSA, 2048, 0}, true, TW_SIG_DSA, TW_HASH_SHA256},
        {TW_TLS12, 0x0a0a, {TW_KEY_RSA, 2048, 0}, false, 0, 0},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        enum tw_sig_kind kind = 0;
        enum tw_hash_id hash = 0;
        assert_int_equal(
            tw_sig_plan(cases[i].version, cases[i].scheme, &cases[i].key, &kind, &hash),
            cases[i].ok);
        if (!cases[i].ok)
            continue;
        assert_int_equal(kind, cases[i].kind);
        assert_int_equal(hash, cases[i].hash);
    }
    static const uint16_t offered[] = {0x0403, 0x0401, 0x0804};
    struct tw_key_info rsa = {TW_KEY_RSA, 2048, 0}, ed = {TW_KEY_ED25519, 256, 0};
    assert_int_equal(tw_sig_choose(TW_TLS12, &rsa, offered, 3), 0x0401);
    assert_int_equal(tw_sig_choose(TW_TLS13, &rsa, offered, 3), 0x0804);
    assert_int_equal(tw_sig_choose(TW_TLS13, &ed, offered, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_secrets),
        cmocka_unit_test(test_flight_and_finished),
        cmocka_unit_test(test_application_secrets),
        cmocka_unit_test(test_update_and_long_expand),
        cmocka_unit_test(test_transcript_retry),
        cmocka_unit_test(test_prf),
        cmocka_unit_test(test_master_and_finished),
        cmocka_unit_test(test_psk_premaster),
        cmocka_unit_test(test_signed_content),
        cmocka_unit_test(test_sig_plan),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
