/* Link layers and tunnels: the same TCP segment in every wrapping, and every shorter prefix. */
#include "stream/stream.h"

#include <setjmp.h>
#include <cmocka.h>

enum {
    ETHERNET = 1,
    NULL_LOOP = 0,
    RAW = 101,
    WIFI = 105,
    SLL = 113,
    RADIOTAP = 127,
    SLL2 = 276,
    PPP = 9
};

static const char payload[] = "sixteen bytes!!\n";

static void put(struct tw_buf *b, const void *p, size_t n)
{
    assert_true(tw_buf_add(b, p, n));
}

static void tcp(struct tw_buf *b)
{
    tw_wr_u16(b, 50000);
    tw_wr_u16(b, 443);
    tw_wr_uint(b, 4, 1000);
    tw_wr_uint(b, 4, 2000);
    tw_wr_u8(b, 6 << 4); /* four bytes of options */
    tw_wr_u8(b, 0x18);
    tw_wr_uint(b, 6, 0);
    tw_wr_uint(b, 4, 0x01010101);
    put(b, payload, 16);
}

static void ipv4(struct tw_buf *b, unsigned proto, unsigned frag, struct tw_view body)
{
    tw_wr_u8(b, 0x45);
    tw_wr_u8(b, 0);
    tw_wr_u16(b, (unsigned)(20 + body.len));
    tw_wr_u16(b, 7);
    tw_wr_u16(b, frag);
    tw_wr_u8(b, 64);
    tw_wr_u8(b, proto);
    tw_wr_u16(b, 0);
    tw_wr_uint(b, 4, 0xc0000201);
    tw_wr_uint(b, 4, 0xc6336401);
    tw_wr_bytes(b, body);
}

static void ipv6(struct tw_buf *b, unsigned next, struct tw_view body)
{
    static const uint8_t src[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                         dst[16] = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    tw_wr_uint(b, 4, 0x60000000);
    tw_wr_u16(b, (unsigned)body.len);
    tw_wr_u8(b, next);
    tw_wr_u8(b, 64);
    put(b, src, 16);
    put(b, dst, 16);
    tw_wr_bytes(b, body);
}

static void udp(struct tw_buf *b, unsigned port, struct tw_view body)
{
    tw_wr_u16(b, 40000);
    tw_wr_u16(b, port);
    tw_wr_u16(b, (unsigned)(8 + body.len));
    tw_wr_u16(b, 0);
    tw_wr_bytes(b, body);
}

/* Moves what is in b behind head. */
static void wrap(struct tw_buf *b, const void *head, size_t n)
{
    struct tw_buf whole;
    tw_buf_init(&whole, 65536);
    put(&whole, head, n);
    tw_wr_bytes(&whole, tw_buf_view(b));
    tw_buf_cleanup(b);
    *b = whole;
}

#define WRAP(b, ...)                           \
    do {                                       \
        const uint8_t head_[] = {__VA_ARGS__}; \
        wrap(b, head_, sizeof head_);          \
    } while (0)

static void in_ipv4(struct tw_buf *b, unsigned proto)
{
    struct tw_buf inner = *b;
    tw_buf_init(b, 65536);
    ipv4(b, proto, 0, tw_buf_view(&inner));
    tw_buf_cleanup(&inner);
}

static void in_ipv6(struct tw_buf *b, unsigned next)
{
    struct tw_buf inner = *b;
    tw_buf_init(b, 65536);
    ipv6(b, next, tw_buf_view(&inner));
    tw_buf_cleanup(&inner);
}

static void in_udp(struct tw_buf *b, unsigned port)
{
    struct tw_buf inner = *b;
    tw_buf_init(b, 65536);
    udp(b, port, tw_buf_view(&inner));
    tw_buf_cleanup(&inner);
}

static void in_ethernet(struct tw_buf *b, unsigned type)
{
    WRAP(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (uint8_t)(type >> 8), (uint8_t)type);
}

static void start(struct tw_buf *b)
{
    tw_buf_init(b, 65536);
    tcp(b);
    in_ipv4(b, 6);
}

/* The segment is found, and no prefix of the frame is read beyond its end or gives other bytes. */
static void finish(struct tw_buf *b, int linktype)
{
    struct tw_packet p;
    assert_true(tw_packet_decode(linktype, tw_buf_view(b), b->len, &p));
    assert_int_equal(p.proto, TW_IPPROTO_TCP);
    assert_int_equal(p.src.port, 50000);
    assert_int_equal(p.dst.port, 443);
    assert_int_equal(p.seq, 1000);
    assert_int_equal(p.ack, 2000);
    assert_int_equal(p.flags, 0x18);
    assert_int_equal(p.payload.len, 16);
    assert_int_equal(p.missing, 0);
    assert_memory_equal(p.payload.data, payload, 16);
    for (size_t n = 0; n < b->len; n++) {
        uint8_t *cut = malloc(n + 1);
        assert_non_null(cut);
        memcpy(cut, b->data, n);
        uint8_t *exact = n == 0 ? cut : realloc(cut, n);
        if (tw_packet_decode(linktype, tw_view_of(exact, n), b->len, &p) &&
            p.proto == TW_IPPROTO_TCP && p.src.port == 50000) {
            assert_true(p.payload.len <= 16);
            assert_int_equal(p.payload.len + p.missing, 16);
            assert_memory_equal(p.payload.data, payload, p.payload.len);
        }
        free(exact);
    }
    tw_buf_cleanup(b);
}

static void test_link_layers(void **state)
{
    struct tw_buf b;
    (void)state;
    start(&b);
    in_ethernet(&b, 0x0800);
    finish(&b, ETHERNET);
    start(&b); /* short frames are padded */
    in_ethernet(&b, 0x0800);
    tw_wr_uint(&b, 6, 0);
    finish(&b, ETHERNET);
    start(&b);
    finish(&b, RAW);
    start(&b);
    WRAP(&b, 2, 0, 0, 0);
    finish(&b, NULL_LOOP);
    start(&b);
    WRAP(&b, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0);
    finish(&b, SLL);
    start(&b);
    WRAP(&b, 8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0);
    finish(&b, SLL2);
    start(&b);
    WRAP(&b, 0xff, 3, 0, 0x21);
    finish(&b, PPP);
}

static void test_wifi(void **state)
{
    struct tw_buf b;
    (void)state;
    start(&b);
    WRAP(&b, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
    WRAP(&b, 0x88, 1, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0);
    finish(&b, WIFI);
    start(&b);
    WRAP(&b, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
    WRAP(&b, 0x08, 2, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0);
    WRAP(&b, 0, 0, 8, 0, 0, 0, 0, 0);
    finish(&b, RADIOTAP);
}

static void test_tags(void **state)
{
    struct tw_buf b;
    (void)state;
    start(&b);
    WRAP(&b, 0x0e, 0x78, 0x81, 0, 0, 5, 8, 0);
    in_ethernet(&b, 0x88a8);
    finish(&b, ETHERNET);
    start(&b);
    WRAP(&b, 0, 0, 0x10, 64, 0, 0, 0x21, 64);
    in_ethernet(&b, 0x8847);
    finish(&b, ETHERNET);
    start(&b);
    size_t n = b.len + 2;
    WRAP(&b, 0x11, 0, 0, 7, 0, (uint8_t)n, 0, 0x21);
    in_ethernet(&b, 0x8864);
    finish(&b, ETHERNET);
}

static void test_tunnels(void **state)
{
    struct tw_buf b;
    (void)state;
    start(&b);
    in_ipv4(&b, 4);
    finish(&b, RAW);
    start(&b);
    in_ipv6(&b, 4);
    finish(&b, RAW);
    start(&b);
    WRAP(&b, 0x20, 0, 8, 0, 0, 0, 0, 9); /* GRE with a key */
    in_ipv4(&b, 47);
    finish(&b, RAW);
    start(&b);
    in_ethernet(&b, 0x0800);
    WRAP(&b, 8, 0, 0, 0, 0, 0, 42, 0);
    in_udp(&b, 4789);
    in_ipv4(&b, 17);
    finish(&b, RAW);
    start(&b);
    in_ethernet(&b, 0x0800);
    WRAP(&b, 1, 0, 0x65, 0x58, 0, 0, 42, 0, 0, 1, 2, 0); /* Geneve with one option */
    in_udp(&b, 6081);
    in_ipv6(&b, 17);
    finish(&b, RAW);
    start(&b);
    WRAP(&b, 0x30, 255, 0, 0, 0, 0, 0, 1);
    in_udp(&b, 2152);
    in_ipv4(&b, 17);
    finish(&b, RAW);
}

static void test_ipv6_extension_headers(void **state)
{
    struct tw_buf b;
    (void)state;
    tw_buf_init(&b, 65536);
    tcp(&b);
    WRAP(&b, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); /* destination options */
    WRAP(&b, 60, 0, 0, 0, 0, 0, 0, 0);                        /* hop by hop */
    in_ipv6(&b, 0);
    struct tw_packet p;
    char text[80];
    assert_true(tw_packet_decode(RAW, tw_buf_view(&b), b.len, &p));
    assert_string_equal(tw_endpoint_text(&p.src, text, sizeof text), "2001:db8::1:50000");
    assert_string_equal(tw_endpoint_text(&p.dst, text, sizeof text), "2001:db8:1::2:443");
    finish(&b, RAW);
}

static void test_missing_bytes_are_those_not_captured(void **state)
{
    struct tw_buf b;
    struct tw_packet p;
    (void)state;
    start(&b);
    assert_true(tw_packet_decode(RAW, tw_view_of(b.data, b.len - 10), b.len, &p));
    assert_int_equal(p.payload.len, 6);
    assert_int_equal(p.missing, 10);
    /* a header that announces more than the frame had: that never was on the wire */
    b.data[3] = (uint8_t)(b.data[3] + 6);
    assert_true(tw_packet_decode(RAW, tw_buf_view(&b), b.len, &p));
    assert_int_equal(p.missing, 0);
    tw_buf_cleanup(&b);
}

static void test_no_endless_nesting(void **state)
{
    struct tw_buf b;
    struct tw_packet p;
    (void)state;
    start(&b);
    for (int i = 0; i < 40; i++)
        in_ipv4(&b, 4);
    assert_false(tw_packet_decode(RAW, tw_buf_view(&b), b.len, &p));
    tw_buf_cleanup(&b);
}

/* ---- fragments ------------------------------------------------------------------------------- */

static void fragment(struct tw_buf *out, struct tw_view whole, size_t off, size_t n)
{
    bool more = off + n < whole.len;
    tw_buf_init(out, 65536);
    ipv4(out, 6, (unsigned)(off / 8) | (more ? 0x2000u : 0), tw_view_sub(whole, off, n));
}

static bool feed(struct tw_defrag *d, struct tw_view whole, size_t off, size_t n,
                 struct tw_packet *p)
{
    struct tw_buf b;
    fragment(&b, whole, off, n);
    assert_true(tw_packet_decode(RAW, tw_buf_view(&b), b.len, p));
    assert_true(p->fragment);
    bool done = tw_defrag_feed(d, 1, p);
    tw_buf_cleanup(&b);
    return done;
}

static void test_fragments_in_any_order(void **state)
{
    struct tw_defrag *d = tw_defrag_new();
    struct tw_buf whole;
    struct tw_packet p;
    (void)state;
    assert_non_null(d);
    tw_buf_init(&whole, 65536);
    tcp(&whole);
    assert_int_equal(whole.len, 40);
    assert_false(feed(d, tw_buf_view(&whole), 32, 8, &p));
    assert_false(feed(d, tw_buf_view(&whole), 0, 16, &p));
    assert_false(feed(d, tw_buf_view(&whole), 8, 16, &p)); /* overlaps */
    assert_true(feed(d, tw_buf_view(&whole), 24, 8, &p));
    assert_int_equal(p.proto, TW_IPPROTO_TCP);
    assert_int_equal(p.payload.len, 16);
    assert_memory_equal(p.payload.data, payload, 16);
    tw_buf_cleanup(&whole);
    tw_defrag_free(d);
}

static void test_many_unfinished_datagrams(void **state)
{
    struct tw_defrag *d = tw_defrag_new();
    struct tw_packet p = {.src.family = 4, .dst.family = 4};
    static const uint8_t bytes[64] = {0};
    (void)state;
    assert_non_null(d);
    for (uint32_t i = 0; i < 5000; i++) {
        p.fragment = p.more_fragments = true;
        p.frag_id = i;
        p.frag_off = 65472;
        p.frag_body = tw_view_of(bytes, 56);
        assert_false(tw_defrag_feed(d, i, &p));
    }
    tw_defrag_free(d); /* sanitizers count what is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_layers),
        cmocka_unit_test(test_wifi),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_ipv6_extension_headers),
        cmocka_unit_test(test_missing_bytes_are_those_not_captured),
        cmocka_unit_test(test_no_endless_nesting),
        cmocka_unit_test(test_fragments_in_any_order),
        cmocka_unit_test(test_many_unfinished_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
