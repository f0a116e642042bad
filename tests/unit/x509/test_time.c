/* Times as people write and read them. */
#include "../bytes.h"

#include "x509/x509.h"

static const struct {
    const char *text;
    int64_t want;
} good[] = {
    {"0", 0},
    {"1790000000", 1790000000},
    {"999999999999", 999999999999},
    {"1970-01-01", 0},
    {"2026-11-24", 1795478400},
    {"2026-11-24T08:00:00Z", 1795507200},
    {"2026-11-24t08:00:00z", 1795507200},
    {"2026-11-24 08:00", 1795507200},
    {"2024-02-29T23:59:59", 1709251199},
    {"1969-12-31T23:59:59Z", -1},
};

static const char *const bad[] = {
    "", " ", "now", "-1", "1e9", "9999999999999", "2026-11", "2026-13-01", "2026-00-01",
    "2026-11-00", "2026-11-31", "2026-02-29", "2100-02-29", "2026-11-24T", "2026-11-24T8:00",
    "2026-11-24T24:00:00", "2026-11-24T08:60", "2026-11-24T08:00:61", "2026-11-24T08:00:00+01:00",
    "2026-11-24Z ", "2026/11/24", "26-11-24", "2026-11-24T08:00:00.5Z",
    "2026-11-24T08:00:00Z and very much more text",
};

static void test_parse(void **state)
{
    (void)state;
    int64_t t;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++)
        if (!tw_time_parse(good[i].text, &t) || t != good[i].want)
            fail_msg("%s: %lld", good[i].text, (long long)t);
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        if (tw_time_parse(bad[i], &t))
            fail_msg("'%s' is taken as %lld", bad[i], (long long)t);
}

static void test_text(void **state)
{
    (void)state;
    char buf[40];
    assert_string_equal(tw_time_text(0, buf, sizeof buf), "1970-01-01T00:00:00Z");
    assert_string_equal(tw_time_text(-1, buf, sizeof buf), "1969-12-31T23:59:59Z");
    assert_string_equal(tw_time_text(951782400, buf, sizeof buf), "2000-02-29T00:00:00Z");
    assert_string_equal(tw_time_text(253402300799, buf, sizeof buf), "9999-12-31T23:59:59Z");
    assert_string_equal(tw_time_text(1795507200, buf, 11), "2026-11-24"); /* cut, and ended */
    tw_time_text(INT64_MAX, buf, sizeof buf);
    tw_time_text(INT64_MIN, buf, sizeof buf); /* whatever they give, without overflow */
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int64_t t = -5000000000; t < 250000000000; t += 86399 * 1013) {
        char buf[40];
        int64_t back;
        assert_true(tw_time_parse(tw_time_text(t, buf, sizeof buf), &back));
        assert_true(back == t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
