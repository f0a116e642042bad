/*
 * Every handshake message: a good one is taken whole and written again byte for byte; every shorter
 * one, in a block of its own, is refused with the field at which it ends; bytes behind it are
 * refused; and the facts of all of them stay inside the message.
 */
#include "../bytes.h"

#include "wire/wire.h"

#define RANDOM "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f "
#define SESSION "20 202122232425262728292a2b2c2d2e2f 303132333435363738393a3b3c3d3e3f "
#define HRR_RANDOM "cf21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a8339c "

struct sample {
    const char *name;
    uint8_t type;
    uint16_t version, cipher;
    const char *hex;
    bool (*again)(const struct sample *s, struct tw_reader *r, struct tw_buf *out);
    size_t also_good; /* a shorter length at which the message is whole, too; 0 none */
    const char *field; /* a fact it gives */
    int64_t num;
};

/* ---- decode, and when it was good, encode ---------------------------------------------------- */

static bool client_hello(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    struct tw_client_hello m;
    bool good = tw_client_hello_decode(r, &m);
    if (good)
        tw_client_hello_encode(out, &m);
    return good;
}

static bool server_hello(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    struct tw_server_hello m;
    bool good = tw_server_hello_decode(r, &m);
    if (good)
        tw_server_hello_encode(out, &m);
    return good;
}

static bool encrypted_extensions(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    struct tw_encrypted_extensions m;
    bool good = tw_encrypted_extensions_decode(r, &m);
    if (good)
        tw_encrypted_extensions_encode(out, &m);
    return good;
}

static bool certificate(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    struct tw_certificate_msg m = {.tls13 = s->version >= TW_TLS13};
    if (!tw_certificate_decode(r, &m))
        return false;
    struct tw_view certs[4], exts[4];
    size_t n = 0;
    struct tw_reader list = tw_rd_of(m.list);
    while (n < 4 && tw_certificate_next(&list, m.tls13, &certs[n], &exts[n]))
        n++;
    assert_true(tw_rd_ok(&list));
    tw_certificate_encode(out, m.tls13, m.context, certs, exts, n);
    return true;
}

static bool compressed_certificate(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    struct tw_compressed_certificate m;
    bool good = tw_compressed_certificate_decode(r, &m);
    if (good) { /* nothing of ours sends it: written by hand */
        tw_wr_u16(out, m.algorithm);
        tw_wr_uint(out, 3, m.length);
        tw_wr_vec(out, 3, m.data);
    }
    return good;
}

static bool certificate_request(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    struct tw_certificate_request m = {.version = s->version};
    bool good = tw_certificate_request_decode(r, &m);
    if (good)
        tw_certificate_request_encode(out, &m);
    return good;
}

static bool certificate_status(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    struct tw_certificate_status m;
    bool good = tw_certificate_status_decode(r, &m);
    if (good)
        tw_certificate_status_encode(out, &m);
    return good;
}

static bool certificate_verify(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    struct tw_certificate_verify m = {.version = s->version};
    bool good = tw_certificate_verify_decode(r, &m);
    if (good)
        tw_certificate_verify_encode(out, &m);
    return good;
}

static bool server_key_exchange(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    const struct tw_suite *suite = tw_suite_by_id(s->cipher);
    assert_non_null(suite);
    struct tw_server_key_exchange m = {.kx = suite->kx, .auth = suite->auth,
                                       .version = s->version};
    bool good = tw_server_key_exchange_decode(r, &m);
    if (good)
        tw_server_key_exchange_encode(out, &m);
    return good;
}

static bool client_key_exchange(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    const struct tw_suite *suite = tw_suite_by_id(s->cipher);
    assert_non_null(suite);
    struct tw_client_key_exchange m = {.kx = suite->kx, .version = s->version};
    bool good = tw_client_key_exchange_decode(r, &m);
    if (good)
        tw_client_key_exchange_encode(out, &m);
    return good;
}

static bool new_session_ticket(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    struct tw_new_session_ticket m = {.tls13 = s->version >= TW_TLS13};
    bool good = tw_new_session_ticket_decode(r, &m);
    if (good)
        tw_new_session_ticket_encode(out, &m);
    return good;
}

static bool empty(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s, (void)out;
    return tw_rd_end(r, "trailing bytes");
}

static bool key_update(const struct sample *s, struct tw_reader *r, struct tw_buf *out)
{
    (void)s;
    uint8_t v = tw_rd_u8(r, "request_update");
    bool good = tw_rd_end(r, "request_update");
    if (good)
        tw_wr_u8(out, v);
    return good;
}

static const struct sample samples[] = {
    {"HelloRequest", TW_MSG_HELLO_REQUEST, TW_TLS12, 0, "", empty, 0, NULL, 0},
    {"ClientHello", TW_MSG_CLIENT_HELLO, 0, 0,
     "0303 " RANDOM SESSION "0006 1301 c02b 00ff 01 00 001b"
     "0000 000e 000c 00 0009 6c6f63616c686f7374 002b 0005 04 0304 0303",
     client_hello, 2 + 32 + 33 + 8 + 2, "server_name", 9},
    {"ClientHello without extensions", TW_MSG_CLIENT_HELLO, 0, 0,
     "0300 " RANDOM "00 0002 000a 01 00", client_hello, 0, "legacy_version", 0x0300},
    {"ServerHello 1.3", TW_MSG_SERVER_HELLO, 0, 0,
     "0303 " RANDOM SESSION "1301 00 002e"
     "0033 0024 001d 0020 404142434445464748494a4b4c4d4e4f 505152535455565758595a5b5c5d5e5f"
     "002b 0002 0304",
     server_hello, 2 + 32 + 33 + 3, "selected_version", 0x0304},
    {"ServerHello 1.2", TW_MSG_SERVER_HELLO, 0, 0,
     "0303 " RANDOM "00 c02f 00 0009 ff01 0001 00 0017 0000", server_hello, 2 + 32 + 1 + 3,
     "cipher_suite", 0xc02f},
    {"HelloRetryRequest", TW_MSG_HELLO_RETRY_REQUEST, 0, 0,
     "0303 " HRR_RANDOM "00 1301 00 0014 002b 0002 0304 0033 0002 0018 002c 0004 0002 abcd",
     server_hello, 2 + 32 + 1 + 3, "selected_group", 0x18},
    {"EncryptedExtensions with ALPN", TW_MSG_ENCRYPTED_EXTENSIONS, TW_TLS13, 0x1301,
     "000d 0000 0000 0010 0005 0003 02 6832", encrypted_extensions, 0, "alpn", 2},
    {"EndOfEarlyData", TW_MSG_END_OF_EARLY_DATA, TW_TLS13, 0x1301, "", empty, 0, NULL, 0},
    {"Certificate 1.3 with status", TW_MSG_CERTIFICATE, TW_TLS13, 0x1301,
     "01 aa 00001b 000003 300100 0000 000002 3000 000c 0005 0008 01 000004 30020a00",
     certificate, 0, "ocsp_response", 4},
    {"Certificate 1.2", TW_MSG_CERTIFICATE, TW_TLS12, 0xc02f,
     "00000b 000003 300100 000002 3000", certificate, 0, "certificate_list", 2},
    {"Certificate 1.2, none", TW_MSG_CERTIFICATE, TW_TLS12, 0xc02f, "000000", certificate, 0,
     "certificate_list", 0},
    {"CompressedCertificate", TW_MSG_COMPRESSED_CERTIFICATE, TW_TLS13, 0x1301,
     "0001 000005 000004 aabbccdd", compressed_certificate, 0, "uncompressed_length", 5},
    {"CertificateRequest 1.3", TW_MSG_CERTIFICATE_REQUEST, TW_TLS13, 0x1301,
     "02 0102 001a 000d 0006 0004 0403 0804 002f 000c 000a 0002 3000 0004 30023100",
     certificate_request, 0, "signature_algorithms", 2},
    {"CertificateRequest 1.2", TW_MSG_CERTIFICATE_REQUEST, TW_TLS12, 0xc02f,
     "02 0140 0004 0403 0401 000a 0002 3000 0004 30023100", certificate_request, 0,
     "certificate_authorities", 0},
    {"CertificateRequest 1.0", TW_MSG_CERTIFICATE_REQUEST, TW_TLS10, 0x002f, "01 01 0000",
     certificate_request, 0, "certificate_types", 1},
    {"ServerHelloDone", TW_MSG_SERVER_HELLO_DONE, TW_TLS12, 0xc02f, "", empty, 0, NULL, 0},
    {"CertificateVerify 1.3", TW_MSG_CERTIFICATE_VERIFY, TW_TLS13, 0x1301, "0403 0004 30020100",
     certificate_verify, 0, "algorithm", 0x0403},
    {"CertificateVerify 1.1", TW_MSG_CERTIFICATE_VERIFY, TW_TLS11, 0x002f, "0004 30020100",
     certificate_verify, 0, "signature", 4},
    {"ServerKeyExchange ECDHE", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS12, 0xc02f,
     "03 001d 04 01020304 0401 0003 aabbcc", server_key_exchange, 0, "named_curve", 0x1d},
    {"ServerKeyExchange DHE", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS12, 0x009e,
     "0002 7fff 0001 02 0002 0102 0401 0003 aabbcc", server_key_exchange, 0, "dh_p", 15},
    {"ServerKeyExchange DHE 1.0", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS10, 0x0033,
     "0002 8001 0001 02 0002 0102 0003 aabbcc", server_key_exchange, 0, "signature", 3},
    {"ServerKeyExchange anonymous", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS12, 0x00a6,
     "0002 8001 0001 02 0002 0102", server_key_exchange, 0, "dh_g", 2},
    {"ServerKeyExchange PSK", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS12, 0x00a8, "0004 68696e74",
     server_key_exchange, 0, "psk_identity_hint", 4},
    {"ServerKeyExchange ECDHE_PSK", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS12, 0xc035,
     "0004 68696e74 03 0017 02 0405", server_key_exchange, 0, "named_curve", 0x17},
    {"ServerKeyExchange export RSA", TW_MSG_SERVER_KEY_EXCHANGE, TW_TLS10, 0x0003,
     "0002 00ff 0001 03 0002 aabb", server_key_exchange, 0, "rsa_modulus", 8},
    {"ClientKeyExchange RSA", TW_MSG_CLIENT_KEY_EXCHANGE, TW_TLS12, 0x009c, "0003 010203",
     client_key_exchange, 0, "exchange_keys", 3},
    {"ClientKeyExchange ECDHE", TW_MSG_CLIENT_KEY_EXCHANGE, TW_TLS12, 0xc02f, "03 010203",
     client_key_exchange, 0, "exchange_keys", 3},
    {"ClientKeyExchange PSK", TW_MSG_CLIENT_KEY_EXCHANGE, TW_TLS12, 0x00a8, "0002 6d65",
     client_key_exchange, 0, "psk_identity", 2},
    {"ClientKeyExchange DHE_PSK", TW_MSG_CLIENT_KEY_EXCHANGE, TW_TLS12, 0x00aa,
     "0002 6d65 0002 0102", client_key_exchange, 0, "exchange_keys", 2},
    {"CertificateStatus", TW_MSG_CERTIFICATE_STATUS, TW_TLS12, 0xc02f, "01 000004 30020a00",
     certificate_status, 0, "status_type", 1},
    {"NewSessionTicket 1.3", TW_MSG_NEW_SESSION_TICKET, TW_TLS13, 0x1301,
     "00001c20 01020304 02 0001 0003 aabbcc 0008 002a 0004 00004000", new_session_ticket, 0,
     "max_early_data_size", 0x4000},
    {"NewSessionTicket 1.2", TW_MSG_NEW_SESSION_TICKET, TW_TLS12, 0xc02f, "00000e10 0003 aabbcc",
     new_session_ticket, 0, "ticket_lifetime", 3600},
    {"NewSessionTicket 1.2, none", TW_MSG_NEW_SESSION_TICKET, TW_TLS12, 0xc02f, "00000000 0000",
     new_session_ticket, 0, "ticket", 0},
    {"KeyUpdate", TW_MSG_KEY_UPDATE, TW_TLS13, 0x1301, "01", key_update, 0, "request_update", 1},
};

/* ---- running --------------------------------------------------------------------------------- */

static struct tw_trace *note(const struct sample *s, struct tw_view body)
{
    struct tw_trace *t = tw_trace_new(1 << 20);
    assert_non_null(t);
    bool client = s->type == TW_MSG_CLIENT_HELLO || s->type == TW_MSG_CLIENT_KEY_EXCHANGE ||
                  s->type == TW_MSG_END_OF_EARLY_DATA;
    struct tw_note n = {.trace = t, .conn = 1, .from = client ? TW_CLIENT : TW_SERVER,
                        .version = s->version, .cipher = s->cipher};
    tw_note_message(&n, s->type, body);
    return t;
}

/* Byte ranges of facts count in the message body, and say nothing beyond it. */
static void check_ranges(const struct sample *s, const struct tw_trace *t, size_t size)
{
    size_t inflated = 0;
    for (size_t i = 0; i < tw_trace_count(t); i++) {
        const struct tw_fact *f = tw_trace_at(t, i);
        if (f->kind == TW_FACT_MESSAGE)
            inflated = f->text != NULL ? f->data.len : 0;
        else if ((f->kind == TW_FACT_FIELD || f->kind == TW_FACT_MALFORMED ||
                  f->kind == TW_FACT_CERTIFICATE) &&
                 f->off + f->len > (inflated != 0 ? inflated : size))
            fail_msg("%s: %s ends at %llu of %zu", s->name, f->field,
                     (unsigned long long)(f->off + f->len), size);
    }
}

/* True when it was taken as whole. */
static bool try_one(const struct sample *s, struct tw_view v, struct tw_buf *out)
{
    uint8_t *own = exact_copy(v);
    struct tw_reader r = tw_rd_of(tw_view_of(own, v.len));
    bool good = s->again(s, &r, out);
    if (good != tw_rd_ok(&r))
        fail_msg("%s, %zu bytes: result and reader differ", s->name, v.len);
    if (!good && (r.fail_field[0] == '\0' || r.fail_at > v.len))
        fail_msg("%s, %zu bytes: failed at %zu in '%s'", s->name, v.len, r.fail_at, r.fail_field);
    struct tw_trace *t = note(s, tw_view_of(own, v.len));
    free(own); /* facts borrow nothing from it */
    bool malformed = tw_trace_first(t, 1, TW_FACT_MALFORMED, NULL) != NULL;
    if (!good && !malformed)
        fail_msg("%s, %zu bytes: refused, but no fact says so", s->name, v.len);
    check_ranges(s, t, v.len);
    tw_trace_free(t);
    return good;
}

static void bytes_of(const struct sample *s, struct tw_buf *b)
{
    tw_buf_init(b, 1 << 16);
    add_hex(b, s->hex);
    assert_false(b->failed);
}

static void test_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        struct tw_buf in, out;
        bytes_of(&samples[i], &in);
        tw_buf_init(&out, 1 << 16);
        if (!try_one(&samples[i], tw_buf_view(&in), &out))
            fail_msg("%s: a good one is refused", samples[i].name);
        assert_bytes(tw_buf_view(&out), tw_buf_view(&in), samples[i].name);
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&out);
    }
}

static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf in, out;
        bytes_of(s, &in);
        tw_buf_init(&out, 1 << 16);
        for (size_t n = 0; n < in.len; n++) {
            bool good = try_one(s, tw_view_of(in.data, n), &out);
            if (good != (s->also_good != 0 && n == s->also_good))
                fail_msg("%s: the first %zu of %zu bytes are %s", s->name, n, in.len,
                         good ? "taken" : "refused");
        }
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&out);
    }
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf in, out;
        /* without extensions, bytes behind the hello are the start of extensions */
        if (strcmp(s->name, "ClientHello without extensions") == 0)
            continue;
        bytes_of(s, &in);
        tw_wr_u8(&in, 0);
        tw_buf_init(&out, 1 << 16);
        if (try_one(s, tw_buf_view(&in), &out))
            fail_msg("%s: a byte too many is taken", s->name);
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&out);
    }
}

/* Each byte changed in turn to each edge value: no crash, and the facts stay inside. */
static void test_changed_bytes(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        struct tw_buf in, out;
        bytes_of(&samples[i], &in);
        tw_buf_init(&out, 1 << 16);
        for (size_t at = 0; at < in.len; at++)
            for (size_t e = 0; e < sizeof edges; e++) {
                uint8_t was = in.data[at];
                in.data[at] = edges[e];
                out.len = 0;
                /* what is taken is written again as it was */
                if (try_one(&samples[i], tw_buf_view(&in), &out))
                    assert_bytes(tw_buf_view(&out), tw_buf_view(&in), samples[i].name);
                in.data[at] = was;
            }
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&out);
    }
}

static void test_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf in;
        bytes_of(s, &in);
        struct tw_trace *t = note(s, tw_buf_view(&in));
        const struct tw_fact *m = tw_trace_first(t, 1, TW_FACT_MESSAGE, NULL);
        assert_non_null(m);
        assert_int_equal(m->msg, s->type);
        assert_int_equal(m->len, in.len + 4);
        assert_bytes(m->data, tw_buf_view(&in), s->name);
        assert_non_null(m->source);
        if (s->field != NULL) {
            const struct tw_fact *f = tw_trace_first(t, 1, TW_FACT_FIELD, s->field);
            if (f == NULL)
                fail_msg("%s: no fact '%s'", s->name, s->field);
            assert_int_equal(f->num, s->num);
        }
        tw_trace_free(t);
        tw_buf_cleanup(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),      cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_trailing_bytes), cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
