/* First application bytes: the request that is sent, the status that comes back. */
#include "../bytes.h"

#include "probe/probe.h"

static int status(const char *alpn, const char *text)
{
    uint8_t *own = exact_copy(tw_view_str(text));
    int s = tw_http_status(tw_view_of(own, strlen(text)), alpn);
    free(own);
    return s;
}

static void test_http1(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {"", 0}, {"H", 0}, {"HTTP/", 0}, {"HTTP/1.1 20", 0}, {"HTTP/1.1 200", 200},
        {"HTTP/1.0 400 Bad Request\r\n", 400}, {"HTTP/1.1 496 SSL\r\n", 496}, {"HTTP/1.1 abc", -1},
        {"HTTP/1.1 2 0", -1}, {"X", -1}, {"HTTQ", -1}, {"SSH-2.0-OpenSSH", -1}, {"220 mail", -1},
        {"http/1.1 200", -1},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++)
        if (status("http/1.1", rows[i].text) != rows[i].want)
            fail_msg("'%s': %d", rows[i].text, status("http/1.1", rows[i].text));
    assert_int_equal(tw_http_status(tw_view_of(NULL, 0), ""), 0);
}

#define SETTINGS "000000 04 00 00000000 "

static void test_http2(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int want;
    } rows[] = {
        {SETTINGS "000001 01 04 00000001 88", 200},
        {SETTINGS "000001 01 04 00000001 8c", 400},
        {SETTINGS "000001 01 04 00000001 8e", 500},
        {SETTINGS "000005 01 04 00000001 48 03 343936", 496},  /* literal "496" */
        {SETTINGS "000005 01 04 00000001 08 03 343035", 405},
        {SETTINGS "000004 01 04 00000001 48 82 6402", 302},    /* RFC 7541 C.6.1: Huffman "302" */
        {SETTINGS "000005 01 04 00000001 48 83 640eff", 307},  /* C.6.2 */
        {SETTINGS "000002 01 04 00000001 3f 88", -1},          /* a table size without its end */
        {SETTINGS "000005 01 04 00000001 3f e11f 88 00", 200},    /* 4096, then the status */
        {SETTINGS "000002 01 04 00000001 20 88", 200},         /* table size 0, then the status */
        {SETTINGS "000007 01 0c 00000001 01 88 00 00000000", 200}, /* padded */
        {SETTINGS "000006 01 24 00000001 00000000 10 8d", 404},    /* with priority */
        {SETTINGS "000001 01 04 00000001 82", -1},             /* that is :method */
        {SETTINGS "000000 01 04 00000001", -1},
        {SETTINGS "000005 01 04 00000001 48 05 343936", -1},   /* longer than the block */
        {SETTINGS "000004 08 00 00000000 00010000 000001 01 04 00000001 88", 200},
        {"000001 01 04 00000001 88", -1},                      /* not SETTINGS first */
        {"485454502f312e3120", -1},                            /* "HTTP/1.1 " */
        {"", 0},
        {SETTINGS, 0},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        struct tw_buf b;
        tw_buf_init(&b, 256);
        add_hex(&b, rows[i].hex);
        uint8_t *own = exact_copy(tw_buf_view(&b));
        int got = tw_http_status(tw_view_of(own, b.len), "h2");
        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].hex, got);
        free(own);
        for (size_t n = 0; n < b.len && rows[i].want > 0; n++) { /* not before it is all there */
            own = exact_copy(tw_view_of(b.data, n));
            got = tw_http_status(tw_view_of(own, n), "h2");
            if (got != 0)
                fail_msg("%s, %zu bytes: %d", rows[i].hex, n, got);
            free(own);
        }
        tw_buf_cleanup(&b);
    }
}

static void test_request1(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    tw_http_request(&b, "http/1.1", "example.org", "/a?b");
    struct tw_view v = tw_buf_view(&b);
    assert_memory_equal(v.data, "HEAD /a?b HTTP/1.1\r\nHost: example.org\r\n", 39);
    assert_memory_equal(v.data + v.len - 4, "\r\n\r\n", 4);
    tw_buf_cleanup(&b);
}

/* Preface, SETTINGS, HEADERS with END_STREAM; lengths fit, also for long names and paths. */
static void test_request2(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 126, 127, 128, 200};
    for (size_t i = 0; i < TW_ARRAY_LEN(sizes); i++) {
        char host[256] = "", path[256] = "/";
        memset(host, 'h', sizes[i]);
        memset(path + 1, 'p', sizes[i] - 1);
        struct tw_buf b;
        tw_buf_init(&b, 4096);
        tw_http_request(&b, "h2", host, path);
        assert_false(b.failed);
        struct tw_reader r = tw_rd_of(tw_buf_view(&b));
        assert_bytes(tw_rd_bytes(&r, 24, "preface"),
                     tw_view_str("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "preface");
        assert_int_equal(tw_rd_uint(&r, 3, "length"), 0);
        assert_int_equal(tw_rd_u8(&r, "type"), 4);
        tw_rd_bytes(&r, 5, "flags, stream");
        size_t len = (size_t)tw_rd_uint(&r, 3, "length");
        assert_int_equal(tw_rd_u8(&r, "type"), 1);
        assert_int_equal(tw_rd_u8(&r, "flags"), 5);
        assert_int_equal(tw_rd_uint(&r, 4, "stream"), 1);
        assert_int_equal(tw_rd_left(&r), len);
        tw_buf_cleanup(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http1),
        cmocka_unit_test(test_http2),
        cmocka_unit_test(test_request1),
        cmocka_unit_test(test_request2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
