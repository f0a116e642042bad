/*
 * Every extension in every message in which it may stand: a good body gives its fact; no shorter
 * body, placed at the very end of its block, makes anybody look beyond it.
 */
#include "../bytes.h"

#include "wire/ext.h"

struct sample {
    uint16_t code;
    unsigned in;       /* one bit of enum tw_ext_in */
    const char *body;
    const char *field; /* the fact that it gives; NULL: its presence alone */
    int64_t num;
    bool any;          /* no body is wrong for it */
    bool strict;       /* every shorter body is wrong, the empty one too */
};

static const struct sample samples[] = {
    {TW_EXT_SERVER_NAME, TW_IN_CH, "000c 00 0009 6c6f63616c686f7374", "server_name", 9, 0, 1},
    {TW_EXT_SERVER_NAME, TW_IN_EE, "", NULL, 0, 0, 0},
    {TW_EXT_SERVER_NAME, TW_IN_SH12, "", NULL, 0, 0, 0},
    {TW_EXT_MAX_FRAGMENT_LENGTH, TW_IN_CH, "01", "max_fragment_length", 1, 0, 1},
    {TW_EXT_MAX_FRAGMENT_LENGTH, TW_IN_EE, "04", "max_fragment_length", 4, 0, 1},
    {TW_EXT_MAX_FRAGMENT_LENGTH, TW_IN_SH12, "02", "max_fragment_length", 2, 0, 1},
    {TW_EXT_STATUS_REQUEST, TW_IN_CH, "01 0000 0000", "status_type", 1, 1, 0},
    {TW_EXT_STATUS_REQUEST, TW_IN_CR, "", NULL, 0, 1, 0},
    {TW_EXT_STATUS_REQUEST, TW_IN_CT, "01 000004 30020a00", "ocsp_response", 4, 0, 1},
    {TW_EXT_STATUS_REQUEST, TW_IN_SH12, "", NULL, 0, 1, 0},
    {TW_EXT_SUPPORTED_GROUPS, TW_IN_CH, "0004 001d 0017", "supported_groups", 2, 0, 1},
    {TW_EXT_SUPPORTED_GROUPS, TW_IN_EE, "0002 0018", "supported_groups", 1, 0, 1},
    {TW_EXT_EC_POINT_FORMATS, TW_IN_CH, "03 000102", "ec_point_formats", 3, 0, 1},
    {TW_EXT_EC_POINT_FORMATS, TW_IN_SH12, "01 00", "ec_point_formats", 1, 0, 1},
    {TW_EXT_SIGNATURE_ALGORITHMS, TW_IN_CH, "0004 0403 0804", "signature_algorithms", 2, 0, 1},
    {TW_EXT_SIGNATURE_ALGORITHMS, TW_IN_CR, "0002 0807", "signature_algorithms", 1, 0, 1},
    /* the list ends where its length says, whatever follows in the extension */
    {TW_EXT_ALPN, TW_IN_CH, "000c 02 6832 08 687474702f312e31", "alpn", 2, 0, 0},
    {TW_EXT_ALPN, TW_IN_EE, "0003 02 6832", "alpn", 2, 0, 1},
    {TW_EXT_ALPN, TW_IN_SH12, "0003 02 6832", "alpn", 2, 0, 1},
    {TW_EXT_SCT, TW_IN_CH, "", NULL, 0, 0, 0},
    {TW_EXT_SCT, TW_IN_CR, "", NULL, 0, 0, 0},
    {TW_EXT_SCT, TW_IN_CT, "0005 0003 aabbcc", "signed_certificate_timestamp", 0, 0, 1},
    {TW_EXT_SCT, TW_IN_SH12, "0005 0003 aabbcc", "signed_certificate_timestamp", 0, 0, 1},
    {TW_EXT_PADDING, TW_IN_CH, "000000", NULL, 0, 1, 0},
    {TW_EXT_ENCRYPT_THEN_MAC, TW_IN_CH, "", NULL, 0, 0, 0},
    {TW_EXT_ENCRYPT_THEN_MAC, TW_IN_SH12, "", NULL, 0, 0, 0},
    {TW_EXT_EXTENDED_MASTER_SECRET, TW_IN_CH, "", NULL, 0, 0, 0},
    {TW_EXT_EXTENDED_MASTER_SECRET, TW_IN_SH12, "", NULL, 0, 0, 0},
    {TW_EXT_COMPRESS_CERTIFICATE, TW_IN_CH, "06 0001 0002 0003", "compress_certificate", 3, 0, 1},
    {TW_EXT_COMPRESS_CERTIFICATE, TW_IN_CR, "02 0002", "compress_certificate", 1, 0, 1},
    {TW_EXT_RECORD_SIZE_LIMIT, TW_IN_CH, "4001", "record_size_limit", 0x4001, 0, 1},
    {TW_EXT_RECORD_SIZE_LIMIT, TW_IN_EE, "4001", "record_size_limit", 0x4001, 0, 1},
    {TW_EXT_RECORD_SIZE_LIMIT, TW_IN_SH12, "0040", "record_size_limit", 64, 0, 1},
    {TW_EXT_SESSION_TICKET, TW_IN_CH, "aabbcc", "session_ticket", 3, 1, 0},
    {TW_EXT_SESSION_TICKET, TW_IN_SH12, "", "session_ticket", 0, 1, 0},
    {TW_EXT_PRE_SHARED_KEY, TW_IN_CH,
     "0009 0003 aabbcc 01020304 0021 20 00000000000000000000000000000000 "
     "00000000000000000000000000000000", "psk_identity", 3, 0, 1},
    {TW_EXT_PRE_SHARED_KEY, TW_IN_SH13, "0000", "selected_identity", 0, 0, 1},
    {TW_EXT_EARLY_DATA, TW_IN_CH, "", NULL, 0, 0, 0},
    {TW_EXT_EARLY_DATA, TW_IN_EE, "", NULL, 0, 0, 0},
    {TW_EXT_EARLY_DATA, TW_IN_NST, "00004000", "max_early_data_size", 0x4000, 0, 1},
    {TW_EXT_SUPPORTED_VERSIONS, TW_IN_CH, "04 0304 0303", "supported_versions", 2, 0, 1},
    {TW_EXT_SUPPORTED_VERSIONS, TW_IN_SH13, "0304", "selected_version", 0x0304, 0, 1},
    {TW_EXT_SUPPORTED_VERSIONS, TW_IN_HRR, "0304", "selected_version", 0x0304, 0, 1},
    {TW_EXT_COOKIE, TW_IN_CH, "0003 aabbcc", "cookie", 3, 0, 1},
    {TW_EXT_COOKIE, TW_IN_HRR, "0001 aa", "cookie", 1, 0, 1},
    {TW_EXT_PSK_KEY_EXCHANGE_MODES, TW_IN_CH, "02 0100", "psk_key_exchange_modes", 2, 0, 1},
    {TW_EXT_CERTIFICATE_AUTHORITIES, TW_IN_CH, "0004 0002 3000", NULL, 0, 1, 0},
    {TW_EXT_CERTIFICATE_AUTHORITIES, TW_IN_CR, "0004 0002 3000", "certificate_authorities", 0, 1,
     0},
    {TW_EXT_POST_HANDSHAKE_AUTH, TW_IN_CH, "", NULL, 0, 1, 0},
    {TW_EXT_SIGNATURE_ALGORITHMS_CERT, TW_IN_CH, "0002 0401", "signature_algorithms_cert", 1, 0, 1},
    {TW_EXT_SIGNATURE_ALGORITHMS_CERT, TW_IN_CR, "0002 0401", "signature_algorithms_cert", 1, 0, 1},
    {TW_EXT_KEY_SHARE, TW_IN_CH, "000b 001d 0002 aabb 0017 0001 cc", "key_share", 0x1d, 0, 1},
    {TW_EXT_KEY_SHARE, TW_IN_SH13, "001d 0002 aabb", "key_share", 0x1d, 0, 1},
    {TW_EXT_KEY_SHARE, TW_IN_HRR, "0018", "selected_group", 0x18, 0, 1},
    {TW_EXT_ECH, TW_IN_CH, "00 0001 0001 00 0000 0000", NULL, 0, 1, 0},
    {TW_EXT_ECH, TW_IN_EE, "aabbcc", "retry_configs", 3, 1, 0},
    {TW_EXT_ECH, TW_IN_HRR, "0102030405060708", NULL, 0, 1, 0},
    {TW_EXT_RENEGOTIATION_INFO, TW_IN_CH, "00", "renegotiated_connection", 0, 0, 1},
    {TW_EXT_RENEGOTIATION_INFO, TW_IN_SH12, "02 aabb", "renegotiated_connection", 2, 0, 1},
};

/* ---- a message with one block of extensions -------------------------------------------------- */

static uint8_t open_message(struct tw_buf *b, unsigned in)
{
    static const uint8_t zeros[32];
    switch (in) {
    case TW_IN_CH:
        tw_wr_u16(b, TW_TLS12);
        tw_wr_bytes(b, tw_view_of(zeros, 32));
        add_hex(b, "00 0002 1301 01 00");
        return TW_MSG_CLIENT_HELLO;
    case TW_IN_SH12:
    case TW_IN_SH13:
        tw_wr_u16(b, TW_TLS12);
        tw_wr_bytes(b, tw_view_of(zeros, 32));
        add_hex(b, in == TW_IN_SH12 ? "00 c02f 00" : "00 1301 00");
        return TW_MSG_SERVER_HELLO;
    case TW_IN_HRR:
        tw_wr_u16(b, TW_TLS12);
        tw_wr_bytes(b, tw_view_of(tw_hrr_random, 32));
        add_hex(b, "00 1301 00");
        return TW_MSG_HELLO_RETRY_REQUEST;
    case TW_IN_EE:
        return TW_MSG_ENCRYPTED_EXTENSIONS;
    case TW_IN_CR:
        tw_wr_u8(b, 0);
        return TW_MSG_CERTIFICATE_REQUEST;
    case TW_IN_NST:
        add_hex(b, "00000001 00000002 00 0001 aa");
        return TW_MSG_NEW_SESSION_TICKET;
    default:
        assert_int_equal(in, TW_IN_CT);
        tw_wr_u8(b, 0);
        return TW_MSG_CERTIFICATE;
    }
}

/* A ServerHello is one of TLS 1.3 by its supported_versions; a list without it would not be. */
static bool needs_versions(const struct sample *s)
{
    return s->in == TW_IN_SH13 && s->code != TW_EXT_SUPPORTED_VERSIONS;
}

/* times: how often the extension stands there. The last one ends the message. */
static uint8_t message_with(struct tw_buf *b, const struct sample *s, uint16_t code,
                            struct tw_view body, size_t times)
{
    size_t list = 0, entry = 0;
    uint8_t type = open_message(b, s->in);
    if (s->in == TW_IN_CT) {
        list = tw_wr_open(b, 3);
        tw_wr_vec(b, 3, tw_view_str("0"));
        entry = list;
    }
    size_t block = tw_wr_open(b, 2);
    if (needs_versions(s))
        add_hex(b, "002b 0002 0304");
    for (size_t i = 0; i < times; i++) {
        tw_wr_u16(b, code);
        tw_wr_vec(b, 2, body);
    }
    tw_wr_close(b, block, 2);
    if (entry != 0)
        tw_wr_close(b, list, 3);
    assert_false(b->failed);
    return type;
}

static struct tw_trace *note(const struct sample *s, uint16_t code, struct tw_view body,
                             size_t times)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 16);
    uint8_t type = message_with(&b, s, code, body, times);
    struct tw_trace *t = tw_trace_new(1 << 20);
    assert_non_null(t);
    struct tw_note n = {.trace = t, .conn = 1, .from = s->in == TW_IN_CH ? TW_CLIENT : TW_SERVER,
                        .version = s->in == TW_IN_SH12 ? TW_TLS12 : TW_TLS13, .cipher = 0x1301};
    uint8_t *own = exact_copy(tw_buf_view(&b));
    tw_note_message(&n, type, tw_view_of(own, b.len));
    free(own);
    tw_buf_cleanup(&b);
    return t;
}

static void body_of(const struct sample *s, struct tw_buf *b)
{
    tw_buf_init(b, 1 << 16);
    add_hex(b, s->body);
}

static bool is(const struct tw_trace *t, enum tw_fact_kind kind, const char *field)
{
    return tw_trace_first(t, 1, kind, field) != NULL;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf body;
        body_of(s, &body);
        struct tw_trace *t = note(s, s->code, tw_buf_view(&body), 1);
        if (is(t, TW_FACT_MALFORMED, NULL) || is(t, TW_FACT_FIELD, "misplaced_extension") ||
            is(t, TW_FACT_FIELD, "duplicate_extension"))
            fail_msg("%u in %#x: a good one is not taken", s->code, s->in);
        const struct tw_fact *e = tw_trace_last(t, 1, TW_FACT_FIELD, "extension");
        assert_non_null(e);
        assert_int_equal(e->num, s->code);
        assert_bytes(e->data, tw_buf_view(&body), "body");
        const struct tw_fact *f =
            s->field == NULL ? NULL : tw_trace_first(t, 1, TW_FACT_FIELD, s->field);
        if (s->field != NULL && (f == NULL || f->num != s->num))
            fail_msg("%u in %#x: fact %s is %s", s->code, s->in, s->field,
                     f == NULL ? "missing" : "another number");
        tw_trace_free(t);
        tw_buf_cleanup(&body);
    }
}

static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf body;
        body_of(s, &body);
        for (size_t n = 0; n < body.len; n++) {
            struct tw_trace *t = note(s, s->code, tw_view_of(body.data, n), 1);
            bool bad = is(t, TW_FACT_MALFORMED, NULL);
            if (s->strict && !bad)
                fail_msg("%u in %#x: its first %zu bytes are taken", s->code, s->in, n);
            if (s->any && bad)
                fail_msg("%u in %#x: %zu bytes are not taken", s->code, s->in, n);
            tw_trace_free(t);
        }
        tw_buf_cleanup(&body);
    }
}

static void test_a_byte_too_many(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct tw_buf body;
        /* server_name and ALPN are looked for by name and by place, pre_shared_key by place */
        if (s->any || s->code == TW_EXT_SERVER_NAME || s->code == TW_EXT_ALPN ||
            (s->code == TW_EXT_PRE_SHARED_KEY && s->in == TW_IN_CH))
            continue;
        body_of(s, &body);
        tw_wr_u8(&body, 0);
        struct tw_trace *t = note(s, s->code, tw_buf_view(&body), 1);
        if (!is(t, TW_FACT_MALFORMED, NULL))
            fail_msg("%u in %#x: a byte too many is taken", s->code, s->in);
        tw_trace_free(t);
        tw_buf_cleanup(&body);
    }
}

static void test_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++) {
        struct tw_buf body;
        body_of(&samples[i], &body);
        struct tw_trace *t = note(&samples[i], samples[i].code, tw_buf_view(&body), 2);
        const struct tw_fact *f = tw_trace_first(t, 1, TW_FACT_FIELD, "duplicate_extension");
        assert_non_null(f);
        assert_int_equal(f->num, samples[i].code);
        tw_trace_free(t);
        tw_buf_cleanup(&body);
    }
}

static bool has_sample(uint16_t code, unsigned in)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(samples); i++)
        if (samples[i].code == code && samples[i].in == in)
            return true;
    return false;
}

/* Each row of the table, in each message it may stand in, has a sample. */
static void test_table(void **state)
{
    (void)state;
    const struct tw_extension *e;
    for (size_t i = 0; (e = tw_extension_at(i)) != NULL; i++) {
        assert_ptr_equal(tw_extension_find(e->code), e);
        assert_true(e->in != 0);
        assert_non_null(e->source);
        if (i > 0)
            assert_true(tw_extension_at(i - 1)->code < e->code);
        for (unsigned in = 1; in <= TW_IN_NST; in <<= 1) {
            if ((e->in & in) != 0) {
                if (!has_sample(e->code, in))
                    fail_msg("extension %u in %#x has no sample", e->code, in);
                continue;
            }
            struct sample s = {.code = e->code, .in = in};
            struct tw_trace *t = note(&s, e->code, tw_view_of("", 0), 1);
            if (e->code != TW_EXT_SUPPORTED_VERSIONS) /* it makes the message what it is */
                assert_true(is(t, TW_FACT_FIELD, "misplaced_extension"));
            tw_trace_free(t);
        }
    }
    assert_null(tw_extension_find(0x0a0a));
}

/* A peer that sends thousands of them is noted up to a limit, and the limit is a fact. */
static void test_floods(void **state)
{
    (void)state;
    struct sample s = {.code = 0xfafa, .in = TW_IN_CH};
    struct tw_trace *t = note(&s, s.code, tw_view_of("", 0), 5000);
    size_t n = 0;
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, 1, TW_FACT_FIELD, "extension")) != NULL)
        n++;
    assert_int_equal(n, TW_NOTE_MAX_ITEMS);
    assert_true(is(t, TW_FACT_LIMIT, "extension"));
    tw_trace_free(t);
}

/* A name from the peer is text for people: what is not printable is shown as such. */
static void test_hostile_name(void **state)
{
    (void)state;
    struct sample s = {.code = TW_EXT_SERVER_NAME, .in = TW_IN_CH};
    struct tw_buf b;
    tw_buf_init(&b, 256);
    add_hex(&b, "000a 00 0007 1b5b324a00ff41");
    struct tw_trace *t = note(&s, s.code, tw_buf_view(&b), 1);
    const struct tw_fact *f = tw_trace_first(t, 1, TW_FACT_FIELD, "server_name");
    assert_non_null(f);
    assert_string_equal(f->text, "?[2J??A");
    assert_int_equal(f->data.len, 7); /* the bytes themselves are kept */
    tw_trace_free(t);
    tw_buf_cleanup(&b);
}

static void test_lists(void **state)
{
    (void)state;
    struct tw_u16s l;
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    add_hex(&b, "0004 1301 c02f");
    assert_true(tw_ext_u16_list(tw_buf_view(&b), 2, &l));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.v[1], 0xc02f);
    assert_false(l.more);
    b.len = 0;
    size_t mark = tw_wr_open(&b, 2);
    for (unsigned i = 0; i < 300; i++)
        tw_wr_u16(&b, i);
    tw_wr_close(&b, mark, 2);
    assert_true(tw_ext_u16_list(tw_buf_view(&b), 2, &l));
    assert_int_equal(l.n, TW_ARRAY_LEN(l.v));
    assert_true(l.more); /* told, not dropped in silence */
    b.len = 0;
    add_hex(&b, "0003 1301 c0");
    assert_false(tw_ext_u16_list(tw_buf_view(&b), 2, &l));
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_a_byte_too_many), cmocka_unit_test(test_twice),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_floods),
        cmocka_unit_test(test_hostile_name), cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
