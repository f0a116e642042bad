/* HTTP responses in any split, bounded; dates; SNTP packets; host and port. */
#include "net/http_reply.h"
#include "net/sntp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Feeds text in pieces of the given size; at_end: the peer then closes. */
static enum tw_reply_state feed(struct tw_http_reply *r, const char *text, size_t piece, bool at_end)
{
    struct tw_view v = tw_view_str(text);
    enum tw_reply_state st = TW_REPLY_MORE;
    tw_http_reply_init(r, 100);
    for (size_t at = 0; at < v.len && st == TW_REPLY_MORE; at += piece)
        st = tw_http_reply_feed(r, tw_view_sub(v, at, piece));
    return at_end ? tw_http_reply_end(r) : st;
}

static void expect(const char *text, bool at_end, enum tw_reply_state want, int status,
                   const char *body)
{
    for (size_t piece = 1; piece <= strlen(text); piece = piece < 4 ? piece + 1 : piece * 3) {
        struct tw_http_reply r;
        assert_int_equal(feed(&r, text, piece, at_end), want);
        assert_int_equal(r.status, status);
        assert_true(tw_view_eq(tw_buf_view(&r.body), tw_view_str(body)));
        tw_http_reply_cleanup(&r);
    }
}

static void test_bodies(void **state)
{
    expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, TW_REPLY_DONE, 200, "hello");
    expect("HTTP/1.0 200 OK\n\nto the end", true, TW_REPLY_DONE, 200, "to the end");
    expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", false,
           TW_REPLY_DONE, 200, "ok");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n"
           "Trailer: x\r\n\r\n", false, TW_REPLY_DONE, 200, "abcd");
    expect("HTTP/1.1 304 Not Modified\r\n\r\n", false, TW_REPLY_DONE, 304, "");
    expect("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false, TW_REPLY_DONE, 404, "");
}

static void test_broken(void **state)
{
    expect("SSH-2.0-OpenSSH_9.2\r\n", false, TW_REPLY_BAD, -1, "");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true, TW_REPLY_BAD, 200, "hel");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", false, TW_REPLY_BAD, 200, "");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, TW_REPLY_BAD,
           200, "");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, TW_REPLY_BAD, 200, "");
    expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, TW_REPLY_BAD, 200,
           "");
    expect("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false, TW_REPLY_BAD, 200, "");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", false, TW_REPLY_TOO_LARGE, 200, "");
    expect("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", false, TW_REPLY_BAD,
           200, "");
}

static void test_endless_header(void **state)
{
    struct tw_http_reply r;
    enum tw_reply_state st = TW_REPLY_MORE;
    size_t fed = 0;
    tw_http_reply_init(&r, 100);
    for (; st == TW_REPLY_MORE && fed < 10u * TW_REPLY_MAX_HEAD; fed += 10)
        st = tw_http_reply_feed(&r, tw_view_str("xxxxxxxxxx"));
    assert_int_equal(st, TW_REPLY_BAD);
    assert_true(fed <= TW_REPLY_MAX_HEAD + 10);
    tw_http_reply_cleanup(&r);
}

static void test_headers(void **state)
{
    struct tw_http_reply r;
    feed(&r, "HTTP/1.1 302 Found\r\nLocation:  http://a.test/x \r\n"
             "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nAge: 7\r\nContent-Length: 0\r\n\r\n", 1000,
         false);
    assert_string_equal(r.location, "http://a.test/x");
    assert_int_equal(r.date, 784111777);
    assert_true(r.aged);
    tw_http_reply_cleanup(&r);
}

static void test_dates(void **state)
{
    int64_t t;
    assert_true(tw_http_date(tw_view_str("Sun, 06 Nov 1994 08:49:37 GMT"), &t));
    assert_int_equal(t, 784111777); /* RFC 9110 5.6.7 */
    static const char *const bad[] = {"", "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 25:49:37 GMT",
                                      "Sun, 06 Nov 19x4 08:49:37 GMT"};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_false(tw_http_date(tw_view_str(bad[i]), &t));
}

/* ---- SNTP ------------------------------------------------------------------------------------------ */

static void put_time(struct tw_buf *b, double unix_s)
{
    tw_wr_uint(b, 4, (uint64_t)(unix_s + 2208988800.0) & 0xffffffffu);
    tw_wr_uint(b, 4, 0x80000000u); /* half a second */
}

static struct tw_buf packet(unsigned first, unsigned stratum, const char *cookie, double t2)
{
    struct tw_buf b;
    tw_buf_init(&b, 100);
    tw_wr_u8(&b, first);
    tw_wr_u8(&b, stratum);
    for (int i = 0; i < 22; i++)
        tw_wr_u8(&b, 0);
    tw_wr_bytes(&b, tw_view_str(cookie));
    put_time(&b, t2);
    put_time(&b, t2);
    return b;
}

static bool answers(unsigned first, unsigned stratum, const char *cookie, double t2, double *offset)
{
    struct tw_buf b = packet(first, stratum, cookie, t2);
    unsigned s;
    bool ok = tw_sntp_answer(tw_buf_view(&b), (const uint8_t *)"01234567", 1000000000.0,
                             1000000001.0, offset, &s);
    tw_buf_cleanup(&b);
    return ok;
}

static void test_sntp(void **state)
{
    double offset;
    assert_true(answers(0x24, 2, "01234567", 1000000100.0, &offset));
    assert_true(fabs(offset - 100.0) < 0.01); /* (100.5 + 99.5) / 2 */
    assert_true(answers(0x24, 2, "01234567", 2300000000.0, &offset)); /* era 1: the year 2042 */
    assert_true(fabs(offset - 1300000000.0) < 1);
    assert_false(answers(0x24, 2, "0123456x", 1000000100.0, &offset)); /* another's answer */
    assert_false(answers(0xe4, 2, "01234567", 1000000100.0, &offset)); /* it has no time itself */
    assert_false(answers(0x24, 0, "01234567", 1000000100.0, &offset)); /* kiss-o'-death */
    assert_false(answers(0x23, 2, "01234567", 1000000100.0, &offset)); /* a question */
    struct tw_buf b = packet(0x24, 2, "01234567", 1000000100.0);
    unsigned s;
    for (size_t n = 0; n < b.len; n++)
        assert_false(tw_sntp_answer(tw_view_of(b.data, n), (const uint8_t *)"01234567", 0, 0,
                                    &offset, &s));
    tw_buf_cleanup(&b);
}

static void test_host_port(void **state)
{
    static const struct { const char *in, *host; unsigned port; } good[] = {
        {"pool.test", "pool.test", 123}, {"pool.test:1230", "pool.test", 1230},
        {"192.0.2.1", "192.0.2.1", 123}, {"2001:db8::1", "2001:db8::1", 123},
        {"[2001:db8::1]", "2001:db8::1", 123}, {"[2001:db8::1]:99", "2001:db8::1", 99}};
    char host[64];
    unsigned port;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++) {
        assert_true(tw_host_port(good[i].in, 123, host, sizeof host, &port));
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    static const char *const bad[] = {"", ":1", "a:", "a:0", "a:65536", "a:1x", "[]", "[a]x"};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_false(tw_host_port(bad[i], 123, host, sizeof host, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_endless_header), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_dates), cmocka_unit_test(test_sntp),
        cmocka_unit_test(test_host_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
