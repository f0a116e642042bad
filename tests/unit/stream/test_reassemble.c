/* TCP bytes in order, whatever the order and the copies in which their segments come. */
#include "stream/stream.h"

#include <setjmp.h>
#include <cmocka.h>

struct sink {
    struct tw_buf got;
    size_t missing;
};

static void deliver(void *user, uint64_t at, struct tw_view data, size_t missing)
{
    struct sink *s = user;
    (void)at;
    tw_wr_bytes(&s->got, data);
    s->missing += missing;
}

static void open_sink(struct sink *s)
{
    tw_buf_init(&s->got, 1 << 20);
    s->missing = 0;
}

static void expect(struct sink *s, const char *text, size_t missing)
{
    assert_int_equal(s->got.len, strlen(text));
    if (s->got.len > 0)
        assert_memory_equal(s->got.data, text, s->got.len);
    assert_int_equal(s->missing, missing);
    tw_buf_cleanup(&s->got);
}

static struct tw_view v(const char *s)
{
    return tw_view_str(s);
}

static void test_order_and_copies(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 100, v("abc"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 106, v("ghi"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 100, v("abc"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 109, v("jk"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 102, v("cdefg"), 0, deliver, &s);
    assert_null(d.kept);
    expect(&s, "abcdefghijk", 0);
}

static void test_first_copy_counts(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 0, v("a"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 3, v("DE"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 2, v("xxxxx"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 0, v("ABCxx"), 0, deliver, &s);
    expect(&s, "aBxDExx", 0);
}

static void test_sequence_numbers_wrap(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 0xfffffffe, v("ab"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 2, v("ef"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 0, v("cd"), 0, deliver, &s);
    expect(&s, "abcdef", 0);
}

static void test_loss_after_acknowledgement(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 0, v("a"), 0, deliver, &s);
    for (uint32_t i = 0; i < 20; i++) {
        tw_tcp_segment(&d, 1, 4 + i, v("x"), 0, deliver, &s);
        tw_tcp_acked(&d, 5 + i, deliver, &s);
    }
    assert_null(d.kept);
    expect(&s, "axxxxxxxxxxxxxxxxxxxx", 3);
}

static void test_loss_at_the_end(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 0, v("a"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 10, v("b"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 20, v("c"), 0, deliver, &s);
    long change = tw_tcp_flush(&d, deliver, &s);
    assert_int_equal(change, -2);
    expect(&s, "abc", 18);
}

static void test_snap_length(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    (void)state;
    open_sink(&s);
    tw_tcp_segment(&d, 1, 0, v("ab"), 8, deliver, &s);
    tw_tcp_segment(&d, 1, 10, v("cd"), 0, deliver, &s);
    tw_tcp_segment(&d, 1, 5, v("old"), 0, deliver, &s);
    expect(&s, "abcd", 8);
}

static void test_memory_is_bounded(void **state)
{
    struct tw_tcp_dir d = {0};
    struct sink s;
    static const uint8_t block[1000] = {0};
    (void)state;
    tw_buf_init(&s.got, 64 << 20);
    s.missing = 0;
    tw_tcp_segment(&d, 1, 0, v("a"), 0, deliver, &s);
    for (uint32_t i = 1; i < 5000; i++) {
        tw_tcp_segment(&d, 1, i * 2000, tw_view_of(block, sizeof block), 0, deliver, &s);
        assert_true(d.kept_bytes <= TW_TCP_KEEP_BYTES);
        assert_true(d.kept_n <= TW_TCP_KEEP_SEGMENTS);
    }
    tw_tcp_drop(&d);
    assert_null(d.kept);
    assert_true(s.missing > 0);
    tw_buf_cleanup(&s.got);
}

/* ---- any cutting, order and doubling gives the same bytes ------------------------------------ */

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525u + 1013904223u;
    return *x >> 8;
}

static void one_shuffle(uint32_t seed)
{
    enum { N = 4000, PIECES = 120 };
    static uint8_t stream[N];
    struct {
        uint32_t at, n;
    } piece[PIECES];
    struct tw_tcp_dir d = {0};
    struct sink s;
    uint32_t x = seed, at = 0;
    size_t n = 0;
    open_sink(&s);
    for (size_t i = 0; i < N; i++)
        stream[i] = (uint8_t)next_random(&x);
    while (at < N && n < PIECES / 2) {
        uint32_t len = 1 + next_random(&x) % 160;
        if (len > N - at || n == PIECES / 2 - 1)
            len = N - at;
        piece[n].at = at;
        piece[n++].n = len;
        at += len;
    }
    for (size_t i = 0; i < PIECES / 2; i++) { /* copies, cut in other places */
        piece[n].at = next_random(&x) % N;
        uint32_t len = 1 + next_random(&x) % 300;
        piece[n].n = len > N - piece[n].at ? N - piece[n].at : len;
        n++;
    }
    for (size_t i = n - 1; i > 0; i--) {
        size_t k = next_random(&x) % (i + 1);
        uint32_t a = piece[i].at, b = piece[i].n;
        piece[i] = piece[k];
        piece[k].at = a;
        piece[k].n = b;
    }
    uint32_t base = 0u - next_random(&x) % N; /* wraps somewhere */
    d.started = true;
    d.next = base;
    for (size_t i = 0; i < n; i++)
        tw_tcp_segment(&d, 1, base + piece[i].at, tw_view_of(stream + piece[i].at, piece[i].n), 0,
                       deliver, &s);
    tw_tcp_flush(&d, deliver, &s);
    assert_int_equal(s.missing, 0);
    assert_int_equal(s.got.len, N);
    assert_memory_equal(s.got.data, stream, N);
    tw_buf_cleanup(&s.got);
}

static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++)
        one_shuffle(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_copies),
        cmocka_unit_test(test_first_copy_counts),
        cmocka_unit_test(test_sequence_numbers_wrap),
        cmocka_unit_test(test_loss_after_acknowledgement),
        cmocka_unit_test(test_loss_at_the_end),
        cmocka_unit_test(test_snap_length),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_any_order_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
