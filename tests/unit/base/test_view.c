/* Views, hex and the small helpers on text. */
#include "../bytes.h"

static void test_sub(void **state)
{
    (void)state;
    static const struct {
        size_t off, len;
        const char *want;
    } rows[] = {{0, 6, "abcdef"}, {0, 99, "abcdef"}, {2, 2, "cd"},   {5, 1, "f"}, {5, 9, "f"},
                {6, 1, ""},       {7, 1, ""},        {3, 0, ""},     {1, SIZE_MAX, "bcdef"},
                {SIZE_MAX, SIZE_MAX, ""}};
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++)
        assert_bytes(tw_view_sub(tw_view_str("abcdef"), rows[i].off, rows[i].len),
                     tw_view_str(rows[i].want), "sub");
    assert_int_equal(tw_view_sub(tw_view_of(NULL, 0), 0, 5).len, 0);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(tw_view_eq(tw_view_str("a"), tw_view_str("a")));
    assert_false(tw_view_eq(tw_view_str("a"), tw_view_str("b")));
    assert_false(tw_view_eq(tw_view_str("a"), tw_view_str("aa")));
    assert_true(tw_view_eq(tw_view_of(NULL, 0), tw_view_str("")));
    assert_int_equal(tw_view_str(NULL).len, 0);
    assert_true(tw_view_ieq(tw_view_str("HoSt"), "hOsT"));
    assert_false(tw_view_ieq(tw_view_str("host"), "hosts"));
    assert_false(tw_view_ieq(tw_view_of("\xc4", 1), "\xe4")); /* ASCII alone has cases here */
    assert_false(tw_view_ieq(tw_view_str("["), "{"));
}

static void test_hex(void **state)
{
    (void)state;
    struct tw_arena *a = tw_arena_new(1 << 16);
    uint8_t all[256], back[256];
    size_t n = 0;
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    char *s = tw_hex(a, tw_view_of(all, 256));
    assert_non_null(s);
    assert_int_equal(strlen(s), 512);
    assert_memory_equal(s + 0xab * 2, "ab", 2);
    assert_true(tw_unhex(s, back, sizeof back, &n));
    assert_bytes(tw_view_of(back, n), tw_view_of(all, 256), "hex");
    assert_false(tw_unhex(s, back, 255, &n)); /* no room */
    static const char *const bad[] = {"a", "0g", "g0", " 0", "0x", "ab c", "--"};
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        assert_false(tw_unhex(bad[i], back, sizeof back, &n));
    assert_true(tw_unhex("", back, 0, &n));
    assert_int_equal(n, 0);
    assert_true(tw_unhex("AbCd", back, 2, &n));
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_string_equal(tw_hex(a, tw_view_of(NULL, 0)), "");
    tw_arena_free(a);
}

static void test_copy_str(void **state)
{
    (void)state;
    char buf[4];
    assert_true(tw_copy_str(buf, sizeof buf, "abc"));
    assert_string_equal(buf, "abc");
    assert_false(tw_copy_str(buf, sizeof buf, "abcd"));
    assert_string_equal(buf, "abc");
    assert_true(tw_copy_str(buf, 1, ""));
    assert_false(tw_copy_str(buf, 1, "a"));
    assert_string_equal(buf, "");
}

static void test_wipe(void **state)
{
    (void)state;
    uint8_t secret[32];
    memset(secret, 0xaa, sizeof secret);
    tw_wipe(secret, 16);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(secret[i], i < 16 ? 0 : 0xaa);
    tw_wipe(NULL, 0);
}

static void test_status_texts(void **state)
{
    (void)state;
    for (int st = TW_OK; st <= TW_E_UNSUPPORTED; st++)
        assert_true(strlen(tw_status_text((enum tw_status)st)) > 0);
    assert_non_null(tw_status_text((enum tw_status)99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sub),      cmocka_unit_test(test_equal),
        cmocka_unit_test(test_hex),      cmocka_unit_test(test_copy_str),
        cmocka_unit_test(test_wipe),     cmocka_unit_test(test_status_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
