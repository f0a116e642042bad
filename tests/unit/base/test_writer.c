/* Buffer and writer: what is written reads back, the maximum holds, a failure sticks. */
#include "../bytes.h"

static void test_mirror(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    tw_wr_u8(&b, 0xab);
    tw_wr_u16(&b, 0xcdef);
    tw_wr_uint(&b, 3, 0x010203);
    tw_wr_uint(&b, 8, 0x1122334455667788);
    tw_wr_vec(&b, 2, tw_view_str("vector"));
    size_t outer = tw_wr_open(&b, 3), inner = tw_wr_open(&b, 1);
    tw_wr_bytes(&b, tw_view_str("in"));
    tw_wr_close(&b, inner, 1);
    tw_wr_close(&b, outer, 3);
    assert_false(b.failed);
    struct tw_reader r = tw_rd_of(tw_buf_view(&b));
    assert_int_equal(tw_rd_u8(&r, ""), 0xab);
    assert_int_equal(tw_rd_u16(&r, ""), 0xcdef);
    assert_int_equal(tw_rd_uint(&r, 3, ""), 0x010203);
    assert_true(tw_rd_uint(&r, 8, "") == 0x1122334455667788);
    assert_bytes(tw_rd_vec(&r, 2, ""), tw_view_str("vector"), "vector");
    struct tw_reader o = tw_rd_sub(&r, 3, "");
    assert_bytes(tw_rd_vec(&o, 1, ""), tw_view_str("in"), "inner");
    assert_true(tw_rd_end(&o, "outer") && tw_rd_end(&r, "all"));
    tw_buf_cleanup(&b);
}

static void test_maximum(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 10);
    assert_true(tw_buf_add(&b, "0123456789", 10));
    assert_false(b.failed);
    assert_false(tw_buf_add(&b, "x", 1));
    assert_true(b.failed);
    assert_int_equal(b.len, 10);
    assert_null(tw_buf_grow(&b, 0)); /* sticks, also for what would fit */
    tw_buf_drop(&b, 10);
    tw_wr_u8(&b, 1);
    assert_int_equal(b.len, 0);
    tw_buf_cleanup(&b);
    assert_false(b.failed);
    assert_int_equal(b.max, 10); /* clean again, with the same maximum */
    assert_null(tw_buf_grow(&b, SIZE_MAX));
    tw_buf_cleanup(&b);
}

/* A body longer than its length field can say is no message. */
static void test_length_fields(void **state)
{
    (void)state;
    static const uint8_t bytes[65536];
    for (size_t width = 1; width <= 2; width++)
        for (size_t over = 0; over < 2; over++) {
            struct tw_buf b;
            tw_buf_init(&b, 1 << 20);
            tw_wr_vec(&b, width, tw_view_of(bytes, (width == 1 ? 255 : 65535) + over));
            assert_int_equal(b.failed, over == 1);
            tw_buf_cleanup(&b);
        }
}

static void test_drop(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 100);
    tw_buf_str(&b, "abcdef");
    tw_buf_drop(&b, 0);
    tw_buf_drop(&b, 2);
    assert_bytes(tw_buf_view(&b), tw_view_str("cdef"), "dropped");
    tw_buf_drop(&b, 4);
    assert_int_equal(b.len, 0);
    tw_buf_str(&b, "again");
    assert_bytes(tw_buf_view(&b), tw_view_str("again"), "again");
    tw_buf_cleanup(&b);
}

static void test_growth_keeps_bytes(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        tw_wr_u8(&b, i & 0xff);
    assert_false(b.failed);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], i & 0xff);
    tw_buf_cleanup(&b);
}

static void test_printf(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 8);
    tw_buf_printf(&b, "%d-%s", 42, "ab");
    assert_bytes(tw_buf_view(&b), tw_view_str("42-ab"), "text");
    tw_buf_printf(&b, "%s", ""); /* nothing, and room for it */
    assert_int_equal(b.len, 5);
    tw_buf_printf(&b, "%s", "much too long");
    assert_true(b.failed);
    assert_int_equal(b.len, 5); /* not half of it */
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror),  cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_length_fields), cmocka_unit_test(test_drop),
        cmocka_unit_test(test_growth_keeps_bytes), cmocka_unit_test(test_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
