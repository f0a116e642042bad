/* The Date header of web servers' answers, in HTTP/1.1 and HTTP/2. */
#include "probe/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *const h1 = "http/1.1", *const h2 = "h2";

static void test_http1(void **state)
{
    int64_t t = 0;
    assert_true(tw_http_clock(tw_view_str("HTTP/1.1 200 OK\r\nServer: x\r\n"
                                          "Date: Mon, 21 Oct 2013 20:13:21 GMT\r\n\r\nbody"), h1, &t));
    assert_int_equal(t, 1382386401);
    assert_true(tw_http_clock(tw_view_str("HTTP/1.0 403 No\r\ndate: Mon, 21 Oct 2013 20:13:21 GMT\r\n"),
                              "", &t)); /* the rest is still on its way */
    static const char *const none[] = {
        "", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n",
        "220 mail ESMTP\r\n", "HTTP/1.1 200 OK\r\nX: Date: Mon, 21 Oct 2013 20:13:21 GMT\r\n\r\n",
        /* from a cache: an old moment, and not of the server's clock */
        "HTTP/1.1 200 OK\r\nDate: Mon, 21 Oct 2013 20:13:21 GMT\r\nAge: 5\r\n\r\n"};
    for (size_t i = 0; i < TW_ARRAY_LEN(none); i++)
        assert_false(tw_http_clock(tw_view_str(none[i]), h1, &t));
}

/* SETTINGS, then HEADERS with the given block. */
static struct tw_buf frames(struct tw_view block, unsigned flags)
{
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    tw_buf_add(&b, "\0\0\0\4\0\0\0\0\0", 9);
    tw_wr_uint(&b, 3, block.len);
    tw_wr_u8(&b, 1);
    tw_wr_u8(&b, flags);
    tw_wr_uint(&b, 4, 1);
    tw_wr_bytes(&b, block);
    return b;
}

static bool clock_of(const char *block, size_t n, unsigned flags, int64_t *t)
{
    struct tw_buf b = frames(tw_view_of(block, n), flags);
    bool found = tw_http_clock(tw_buf_view(&b), h2, t);
    tw_buf_cleanup(&b);
    return found;
}
#define CLOCK(s, flags, t) clock_of(s, sizeof(s) - 1, flags, t)

/* RFC 7541 C.6.1: :status 302, cache-control, date and location, Huffman coded. */
#define C61_HEAD "\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b"
#define C61_DATE "\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82" \
                 "\xa6\x2d\x1b\xff"
#define PLAIN_DATE "\x0f\x12\x1dMon, 21 Oct 2013 20:13:22 GMT"

static void test_http2(void **state)
{
    int64_t t = 0;
    assert_true(CLOCK(C61_HEAD C61_DATE, 4, &t));
    assert_int_equal(t, 1382386401);
    assert_true(CLOCK("\x88" PLAIN_DATE, 4, &t)); /* literal without indexing, not coded */
    assert_int_equal(t, 1382386402);
    assert_true(CLOCK("\0\0\0\0\0\x88" PLAIN_DATE, 0x20, &t)); /* with a priority */
    assert_true(CLOCK("\x02\x88" PLAIN_DATE "\0\0", 0x08, &t)); /* padded */
    assert_true(CLOCK("\x88\x40\x01x\x01y" PLAIN_DATE, 4, &t)); /* after a header with a new name */
    assert_false(CLOCK("\x88" PLAIN_DATE "\x0f\x06\x01" "5", 4, &t)); /* age */
    assert_false(CLOCK("\x88", 4, &t));
    assert_false(CLOCK("", 4, &t));
}

static void test_prefixes(void **state)
{
    struct tw_buf b = frames(tw_view_of(C61_HEAD C61_DATE, sizeof C61_HEAD + sizeof C61_DATE - 2), 4);
    int64_t t;
    for (size_t n = 0; n < b.len; n++) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, b.data, n);
        assert_false(tw_http_clock(tw_view_of(cut, n), h2, &t));
        free(cut);
    }
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http1), cmocka_unit_test(test_http2), cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
