/* The arena: zeroed, aligned, bounded, and what it hands out does not overlap. */
#include "../bytes.h"

#include <stdalign.h>

static void test_blocks(void **state)
{
    (void)state;
    struct tw_arena *a = tw_arena_new(4 << 20);
    uint8_t *p[300];
    assert_non_null(a);
    for (size_t i = 0; i < 300; i++) {
        size_t n = i * 37 % 9001;
        p[i] = tw_arena_alloc(a, n);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(p[i][k], 0);
        memset(p[i], (int)(i & 0xff), n);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i * 37 % 9001; k++)
            assert_int_equal(p[i][k], i & 0xff);
    tw_arena_free(a);
    tw_arena_free(NULL);
}

static void test_limit(void **state)
{
    (void)state;
    struct tw_arena *a = tw_arena_new(1000);
    assert_non_null(a);
    assert_non_null(tw_arena_alloc(a, 600));
    assert_int_equal(tw_arena_used(a), 600);
    assert_null(tw_arena_alloc(a, 401));
    assert_null(tw_arena_alloc(a, SIZE_MAX));
    assert_non_null(tw_arena_alloc(a, 400)); /* a refusal spoils nothing */
    assert_null(tw_arena_alloc(a, 1));
    assert_null(tw_arena_str(a, "x"));
    assert_null(tw_arena_printf(a, "%d", 1));
    assert_null(tw_arena_copy(a, tw_view_of("x", 1)).data);
    tw_arena_free(a);
    a = tw_arena_new(SIZE_MAX);
    assert_null(tw_arena_alloc(a, SIZE_MAX));
    assert_null(tw_arena_alloc(a, SIZE_MAX - alignof(max_align_t)));
    tw_arena_free(a);
}

static void test_copies(void **state)
{
    (void)state;
    struct tw_arena *a = tw_arena_new(1 << 16);
    char text[] = "value";
    char *s = tw_arena_str(a, text);
    struct tw_view v = tw_arena_copy(a, tw_view_of(text, 3));
    char *t = tw_arena_text(a, tw_view_of("a\0b", 3));
    text[0] = '!';
    assert_string_equal(s, "value");
    assert_bytes(v, tw_view_str("val"), "copy");
    assert_memory_equal(t, "a\0b", 4);
    assert_null(tw_arena_str(a, NULL));
    v = tw_arena_copy(a, tw_view_of(NULL, 0));
    assert_non_null(v.data); /* empty is no failure */
    assert_int_equal(v.len, 0);
    assert_string_equal(tw_arena_printf(a, "%s/%u", "x", 7u), "x/7");
    tw_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
