/* Records, the handshake header, alerts and SSL 2.0: framing, whatever the first bytes are. */
#include "../bytes.h"

#include "wire/wire.h"

static enum tw_record_status peek(const char *hex, bool first, struct tw_record *rec, size_t *used)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 16);
    add_hex(&b, hex);
    uint8_t *own = exact_copy(tw_buf_view(&b));
    enum tw_record_status st = tw_record_peek(tw_view_of(own, b.len), first, rec, used);
    free(own);
    tw_buf_cleanup(&b);
    return st;
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool first;
        enum tw_record_status want;
        size_t used;
    } rows[] = {
        {"", true, TW_REC_NEED_MORE, 0},
        {"16", true, TW_REC_NEED_MORE, 0},
        {"16 03", true, TW_REC_NEED_MORE, 0},
        {"16 03 01 00 02", true, TW_REC_NEED_MORE, 0},
        {"16 03 01 00 02 aa", true, TW_REC_NEED_MORE, 0},
        {"16 03 01 00 02 aabb", true, TW_REC_OK, 7},
        {"16 03 01 00 02 aabbcc", true, TW_REC_OK, 7},
        {"15 03 03 00 00", true, TW_REC_OK, 5},
        {"16 03 ff 00 00", true, TW_REC_OK, 5},
        {"16 02", true, TW_REC_NOT_TLS, 0},
        {"16 03 03 48 01", true, TW_REC_TOO_LONG, 0},
        {"16 03 03 48 00", true, TW_REC_NEED_MORE, 0},
        {"19 03 03 00 00", false, TW_REC_OK, 5}, /* an unknown type later is the engine's matter */
        {"19", true, TW_REC_NOT_TLS, 0},
        {"13", true, TW_REC_NOT_TLS, 0},
        {"48", true, TW_REC_NOT_TLS, 0}, /* H of HTTP */
        {"48 54", false, TW_REC_NOT_TLS, 0},
        {"80", true, TW_REC_NEED_MORE, 0},
        {"80 03", true, TW_REC_NEED_MORE, 0},
        {"80 03 00 00 01", true, TW_REC_SSL2, 5},
        {"80 0b 04 00 01 0002 0000 0000 0000", true, TW_REC_SSL2, 13},
        {"80 0b 04 00 01 0002 0000 0000 00", true, TW_REC_NEED_MORE, 0},
        {"80 0a 04", true, TW_REC_NOT_TLS, 0}, /* too short for what it says it is */
        {"80 0b 05", true, TW_REC_NOT_TLS, 0},
        {"ff ff ff", true, TW_REC_NOT_TLS, 0},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        struct tw_record rec;
        size_t used = 99;
        enum tw_record_status st = peek(rows[i].hex, rows[i].first, &rec, &used);
        if (st != rows[i].want || used != rows[i].used)
            fail_msg("%s: status %d, %zu used", rows[i].hex, (int)st, used);
    }
}

/* One byte is enough to know that it is not TLS, whichever byte that is. */
static void test_first_byte(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        struct tw_record rec;
        size_t used;
        bool may_be = (c >= 20 && c <= 24) || c >= 0x80;
        assert_int_equal(tw_record_peek(tw_view_of(&byte, 1), true, &rec, &used),
                         may_be ? TW_REC_NEED_MORE : TW_REC_NOT_TLS);
    }
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct tw_buf b, body;
    struct tw_record rec;
    size_t used;
    tw_buf_init(&b, 1 << 20);
    tw_buf_init(&body, 1 << 20);
    memset(tw_buf_grow(&body, TW_MAX_RECORD), 7, TW_MAX_RECORD);
    tw_record_write(&b, TW_CT_HANDSHAKE, TW_TLS12, tw_buf_view(&body));
    assert_false(b.failed);
    assert_int_equal(tw_record_peek(tw_buf_view(&b), true, &rec, &used), TW_REC_OK);
    assert_int_equal(used, b.len);
    assert_int_equal(rec.type, TW_CT_HANDSHAKE);
    assert_int_equal(rec.version, TW_TLS12);
    assert_bytes(rec.body, tw_buf_view(&body), "body");
    assert_true(tw_buf_add(&body, "x", 1));
    tw_record_write(&b, TW_CT_HANDSHAKE, TW_TLS12, tw_buf_view(&body));
    assert_true(b.failed); /* one byte more than a record may hold */
    tw_buf_cleanup(&b);
    tw_buf_cleanup(&body);
}

static void test_handshake_header(void **state)
{
    (void)state;
    struct tw_buf b;
    struct tw_view body;
    uint8_t type;
    size_t used;
    tw_buf_init(&b, 256);
    size_t mark = tw_handshake_open(&b, TW_MSG_FINISHED);
    add_hex(&b, "010203");
    tw_wr_close(&b, mark, 3);
    assert_bytes(tw_buf_view(&b), tw_view_of("\x14\0\0\3\1\2\3", 7), "header");
    assert_int_equal(tw_handshake_announced(tw_buf_view(&b)), 7);
    assert_true(tw_handshake_peek(tw_buf_view(&b), &type, &body, &used));
    assert_int_equal(type, TW_MSG_FINISHED);
    assert_int_equal(used, 7);
    assert_int_equal(body.len, 3);
    for (size_t n = 0; n < 7; n++) {
        uint8_t *own = exact_copy(tw_view_of(b.data, n));
        assert_false(tw_handshake_peek(tw_view_of(own, n), &type, &body, &used));
        assert_int_equal(tw_handshake_announced(tw_view_of(own, n)), n < 4 ? 0 : 7);
        free(own);
    }
    tw_buf_cleanup(&b);
}

static struct tw_trace *note_alert(const char *hex)
{
    struct tw_buf b;
    tw_buf_init(&b, 1024);
    add_hex(&b, hex);
    struct tw_trace *t = tw_trace_new(1 << 20);
    assert_non_null(t);
    struct tw_note n = {.trace = t, .conn = 1, .from = TW_SERVER, .off = 100};
    uint8_t *own = exact_copy(tw_buf_view(&b));
    tw_note_alert(&n, tw_view_of(own, b.len));
    free(own);
    tw_buf_cleanup(&b);
    return t;
}

static void test_alerts(void **state)
{
    (void)state;
    struct tw_trace *t = note_alert("02 28");
    const struct tw_fact *f = tw_trace_first(t, 1, TW_FACT_ALERT, NULL);
    assert_non_null(f);
    assert_int_equal(f->num, 40);
    assert_int_equal(f->aux, 2);
    assert_int_equal(f->off, 100);
    assert_string_equal(f->text, "handshake_failure");
    tw_trace_free(t);
    t = note_alert("01 70 02 28"); /* two in one record, which TLS 1.2 allows */
    f = tw_trace_last(t, 1, TW_FACT_ALERT, NULL);
    assert_int_equal(f->num, 40);
    assert_int_equal(f->off, 102);
    tw_trace_free(t);
    t = note_alert("02 ee"); /* a number that nobody assigned */
    f = tw_trace_first(t, 1, TW_FACT_ALERT, NULL);
    assert_int_equal(f->num, 0xee);
    assert_null(f->text);
    tw_trace_free(t);
    static const char *const broken[] = {"", "02", "02 28 01"};
    for (size_t i = 0; i < TW_ARRAY_LEN(broken); i++) {
        t = note_alert(broken[i]);
        assert_non_null(tw_trace_first(t, 1, TW_FACT_MALFORMED, NULL));
        tw_trace_free(t);
    }
}

/* ---- SSL 2.0 --------------------------------------------------------------------------------- */

static const char ssl2_hello[] = "04 00 01 0002 0002 0006 0004 3000 0700c0 010080 01020304";

static void test_ssl2_server_hello(void **state)
{
    (void)state;
    struct tw_buf b;
    struct tw_ssl2_server_hello m;
    tw_buf_init(&b, 256);
    add_hex(&b, ssl2_hello);
    struct tw_reader r = tw_rd_of(tw_buf_view(&b));
    assert_true(tw_ssl2_server_hello_decode(&r, &m));
    assert_int_equal(m.version, TW_SSL2);
    assert_int_equal(m.cert_type, 1);
    assert_int_equal(m.cert.len, 2);
    assert_int_equal(m.ciphers.len, 6);
    assert_int_equal(m.connection_id.len, 4);
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *own = exact_copy(tw_view_of(b.data, n));
        r = tw_rd_of(tw_view_of(own, n));
        assert_false(tw_ssl2_server_hello_decode(&r, &m));
        assert_true(r.fail_at <= n);
        free(own);
    }
    tw_wr_u8(&b, 0);
    r = tw_rd_of(tw_buf_view(&b));
    assert_false(tw_ssl2_server_hello_decode(&r, &m));
    tw_buf_cleanup(&b);
}

static void test_ssl2_client_hello(void **state)
{
    (void)state;
    struct tw_buf b;
    struct tw_record rec;
    size_t used;
    static const uint8_t challenge[33];
    tw_buf_init(&b, 256);
    tw_ssl2_client_hello_write(&b, TW_SSL2, tw_view_of(challenge, 16));
    assert_false(b.failed);
    assert_int_equal(tw_record_peek(tw_buf_view(&b), true, &rec, &used), TW_REC_SSL2);
    assert_int_equal(used, b.len);
    assert_int_equal(rec.body.data[0], 1);
    tw_ssl2_client_hello_write(&b, TW_SSL2, tw_view_of(challenge, 33));
    assert_true(b.failed);
    tw_buf_cleanup(&b);
    tw_ssl2_client_hello_write(&b, TW_SSL2, tw_view_of(challenge, 15));
    assert_true(b.failed);
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),         cmocka_unit_test(test_first_byte),
        cmocka_unit_test(test_write_and_read),   cmocka_unit_test(test_handshake_header),
        cmocka_unit_test(test_alerts),           cmocka_unit_test(test_ssl2_server_hello),
        cmocka_unit_test(test_ssl2_client_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
