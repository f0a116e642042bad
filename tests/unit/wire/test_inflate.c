/* Certificate decompression (RFC 8879) against the libraries' own compressors, and bombs. */
#include "../bytes.h"

#include "wire/wire.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

static void squeeze(uint16_t algorithm, struct tw_view in, struct tw_buf *out)
{
    size_t n = in.len + 4096;
    uint8_t *p = malloc(n);
    assert_non_null(p);
    if (algorithm == 1) {
        uLongf z = n;
        assert_int_equal(compress2(p, &z, in.data, in.len, 9), Z_OK);
        n = z;
    } else if (algorithm == 2) {
        assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, in.len, in.data, &n, p));
    } else {
        n = ZSTD_compress(p, n, in.data, in.len, 3);
        assert_false(ZSTD_isError(n));
    }
    assert_true(tw_buf_add(out, p, n));
    free(p);
}

static bool inflate_as(uint16_t algorithm, uint32_t length, struct tw_view data, struct tw_buf *out)
{
    uint8_t *own = exact_copy(data);
    struct tw_compressed_certificate m = {algorithm, length, tw_view_of(own, data.len)};
    bool good = tw_certificate_inflate(&m, out);
    free(own);
    return good;
}

static void sample(struct tw_buf *b, size_t n)
{
    tw_buf_init(b, 1 << 22);
    for (size_t i = 0; i < n; i++)
        tw_wr_u8(b, (unsigned)(i * i >> 3) & 0xff);
    assert_false(b->failed);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint16_t a = 1; a <= 3; a++) {
        struct tw_buf in, small, out;
        sample(&in, 5000);
        tw_buf_init(&small, 1 << 20);
        tw_buf_init(&out, 1 << 20);
        squeeze(a, tw_buf_view(&in), &small);
        assert_true(tw_buf_add(&out, "kept", 4)); /* it appends */
        assert_true(inflate_as(a, 5000, tw_buf_view(&small), &out));
        assert_bytes(tw_view_sub(tw_buf_view(&out), 4, 5000), tw_buf_view(&in), "inflated");
        assert_int_equal(out.len, 5004);
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&small);
        tw_buf_cleanup(&out);
    }
}

/* The announced length must be the true one, and all of the input must be used. */
static void test_wrong_length(void **state)
{
    (void)state;
    for (uint16_t a = 1; a <= 3; a++) {
        struct tw_buf in, small, out;
        sample(&in, 3000);
        tw_buf_init(&small, 1 << 20);
        tw_buf_init(&out, 1 << 20);
        squeeze(a, tw_buf_view(&in), &small);
        static const uint32_t lengths[] = {0, 1, 2999, 3001, 100000, TW_MAX_HANDSHAKE_MESSAGE,
                                           TW_MAX_HANDSHAKE_MESSAGE + 1, 0xffffff};
        for (size_t i = 0; i < TW_ARRAY_LEN(lengths); i++) {
            if (inflate_as(a, lengths[i], tw_buf_view(&small), &out))
                fail_msg("algorithm %u takes %u bytes for 3000", a, lengths[i]);
            assert_int_equal(out.len, 0); /* nothing half done is left behind */
        }
        for (size_t n = 0; n < small.len; n += 1 + n / 16)
            assert_false(inflate_as(a, 3000, tw_view_of(small.data, n), &out));
        tw_wr_u8(&small, 0);
        assert_false(inflate_as(a, 3000, tw_buf_view(&small), &out));
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&small);
        tw_buf_cleanup(&out);
    }
}

/* 4 MiB of zeros in a few KiB: the limit is the announced length, and that has a limit. */
static void test_bombs(void **state)
{
    (void)state;
    for (uint16_t a = 1; a <= 3; a++) {
        struct tw_buf in, small, out;
        tw_buf_init(&in, 8 << 20);
        memset(tw_buf_grow(&in, 4 << 20), 0, 4 << 20);
        tw_buf_init(&small, 8 << 20);
        tw_buf_init(&out, 8 << 20);
        squeeze(a, tw_buf_view(&in), &small);
        assert_true(small.len < 20000);
        assert_false(inflate_as(a, 4 << 20, tw_buf_view(&small), &out));
        assert_false(inflate_as(a, 1000, tw_buf_view(&small), &out));
        assert_false(inflate_as(a, TW_MAX_HANDSHAKE_MESSAGE, tw_buf_view(&small), &out));
        assert_true(out.cap <= 2 * TW_MAX_HANDSHAKE_MESSAGE);
        tw_buf_cleanup(&in);
        tw_buf_cleanup(&small);
        tw_buf_cleanup(&out);
    }
}

static void test_unknown_algorithm(void **state)
{
    (void)state;
    struct tw_buf out;
    tw_buf_init(&out, 1024);
    static const uint16_t unknown[] = {0, 4, 5, 0x0a0a, 0xffff};
    for (size_t i = 0; i < TW_ARRAY_LEN(unknown); i++)
        assert_false(inflate_as(unknown[i], 5, tw_view_str("hello"), &out));
    assert_int_equal(out.len, 0);
    tw_buf_cleanup(&out);
}

/* The certificates inside are facts like those of a plain Certificate. */
static void test_facts(void **state)
{
    (void)state;
    struct tw_buf plain, msg, small;
    tw_buf_init(&plain, 4096);
    tw_buf_init(&msg, 4096);
    tw_buf_init(&small, 4096);
    add_hex(&plain, "00 000008 000003 300100 0000");
    squeeze(1, tw_buf_view(&plain), &small);
    tw_wr_u16(&msg, 1);
    tw_wr_uint(&msg, 3, plain.len);
    tw_wr_vec(&msg, 3, tw_buf_view(&small));
    struct tw_trace *t = tw_trace_new(1 << 20);
    assert_non_null(t);
    struct tw_note n = {.trace = t, .conn = 1, .from = TW_SERVER, .version = TW_TLS13,
                        .cipher = 0x1301};
    tw_note_message(&n, TW_MSG_COMPRESSED_CERTIFICATE, tw_buf_view(&msg));
    const struct tw_fact *c = tw_trace_first(t, 1, TW_FACT_CERTIFICATE, NULL);
    assert_non_null(c);
    assert_bytes(c->data, tw_view_of("\x30\x01\x00", 3), "certificate");
    assert_null(tw_trace_first(t, 1, TW_FACT_MALFORMED, NULL));
    tw_trace_free(t);
    tw_buf_cleanup(&plain);
    tw_buf_cleanup(&msg);
    tw_buf_cleanup(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_bombs),             cmocka_unit_test(test_unknown_algorithm),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
