/* The reader: bounds at every width, the first failure is kept, offsets are those of the whole. */
#include "../bytes.h"

static void test_uints(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t want = 0;
    for (size_t n = 1; n <= 8; n++) {
        want = want << 8 | n;
        for (size_t have = 0; have <= 8; have++) {
            uint8_t *own = exact_copy(tw_view_of(bytes, have));
            struct tw_reader r = tw_rd_of(tw_view_of(own, have));
            uint64_t got = tw_rd_uint(&r, n, "number");
            assert_int_equal(tw_rd_ok(&r), have >= n);
            assert_true(got == (have >= n ? want : 0));
            assert_int_equal(r.pos, have >= n ? n : 0); /* a failed read takes nothing */
            free(own);
        }
    }
}

static void test_first_failure_stays(void **state)
{
    (void)state;
    struct tw_reader r = tw_rd_of(tw_view_of("\1\2\3", 3));
    assert_int_equal(tw_rd_u8(&r, "a"), 1);
    assert_int_equal(tw_rd_uint(&r, 4, "b"), 0);
    assert_string_equal(r.fail_field, "b");
    assert_int_equal(r.fail_at, 1);
    assert_int_equal(tw_rd_u8(&r, "c"), 0); /* two bytes are there, but it failed */
    tw_rd_fail(&r, "d");
    assert_string_equal(r.fail_field, "b");
    assert_int_equal(tw_rd_left(&r), 0);
    assert_false(tw_rd_more(&r));
    assert_int_equal(tw_rd_rest(&r).len, 0);
    assert_false(tw_rd_end(&r, "e"));
    assert_string_equal(r.fail_field, "b");
}

/* Also when the next vector has the same name, as the entries of a list do. */
static void test_place_of_first_failure_stays(void **state)
{
    (void)state;
    static const char entry[] = "entry";
    struct tw_reader r = tw_rd_of(tw_view_of("\1a\377b", 4));
    assert_int_equal(tw_rd_vec(&r, 1, entry).len, 1);
    assert_int_equal(tw_rd_vec(&r, 1, entry).len, 0);
    assert_int_equal(r.fail_at, 2);
    assert_int_equal(tw_rd_vec(&r, 1, entry).len, 0);
    tw_rd_sub(&r, 1, entry);
    assert_int_equal(r.fail_at, 2);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t width = 1; width <= 3; width++)
        for (size_t said = 0; said < 6; said++)
            for (size_t have = 0; have < 6; have++) {
                struct tw_buf b;
                tw_buf_init(&b, 64);
                tw_wr_uint(&b, width, said);
                tw_wr_bytes(&b, tw_view_of("abcdef", have));
                uint8_t *own = exact_copy(tw_buf_view(&b));
                struct tw_reader r = tw_rd_of(tw_view_of(own, b.len)), q = r;
                struct tw_view v = tw_rd_vec(&r, width, "vector");
                struct tw_reader sub = tw_rd_sub(&q, width, "vector");
                assert_int_equal(tw_rd_ok(&r), have >= said);
                assert_int_equal(tw_rd_ok(&sub), have >= said);
                if (have >= said) {
                    assert_bytes(v, tw_view_of("abcdef", said), "vector");
                    assert_int_equal(sub.pos, width); /* offsets of the whole */
                    assert_int_equal(tw_rd_left(&sub), said);
                    assert_int_equal(tw_rd_left(&r), have - said);
                } else {
                    assert_int_equal(r.fail_at, 0); /* a vector starts at its length */
                    assert_int_equal(tw_rd_left(&sub), 0);
                }
                free(own);
                tw_buf_cleanup(&b);
            }
}

static void test_huge_lengths(void **state)
{
    (void)state;
    struct tw_reader r = tw_rd_of(tw_view_of("abc", 3));
    tw_rd_u8(&r, "a");
    assert_int_equal(tw_rd_bytes(&r, SIZE_MAX, "huge").len, 0); /* pos + n would wrap */
    assert_false(tw_rd_ok(&r));
    r = tw_rd_of(tw_view_of("\xff\xff\xff", 3));
    assert_int_equal(tw_rd_vec(&r, 3, "v").len, 0);
    assert_false(tw_rd_ok(&r));
}

static void test_end_and_rest(void **state)
{
    (void)state;
    struct tw_reader r = tw_rd_of(tw_view_of("ab", 2));
    assert_false(tw_rd_end(&r, "message"));
    assert_string_equal(r.fail_field, "message");
    assert_int_equal(r.fail_at, 0);
    r = tw_rd_of(tw_view_of("ab", 2));
    assert_bytes(tw_rd_rest(&r), tw_view_of("ab", 2), "rest");
    assert_int_equal(tw_rd_rest(&r).len, 0);
    assert_true(tw_rd_end(&r, "message"));
    r = tw_rd_of(tw_view_of(NULL, 0));
    assert_true(tw_rd_end(&r, "nothing"));
    assert_int_equal(tw_rd_bytes(&r, 0, "none").len, 0);
    assert_true(tw_rd_ok(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uints),   cmocka_unit_test(test_first_failure_stays),
        cmocka_unit_test(test_place_of_first_failure_stays),
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_huge_lengths),
        cmocka_unit_test(test_end_and_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
