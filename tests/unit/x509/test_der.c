/* DER elements: bounds and forms of lengths; times of certificates. */
#include "der_build.h"

static bool element(const char *hex, uint8_t *tag, size_t *len)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 17);
    add_hex(&b, hex);
    uint8_t *own = exact_copy(tw_buf_view(&b));
    struct tw_reader r = tw_rd_of(tw_view_of(own, b.len));
    struct tw_view whole = {NULL, 0};
    struct tw_reader in = der_any(&r, tag, &whole, "element");
    *len = tw_rd_left(&in);
    bool ok = tw_rd_ok(&r);
    if (ok)
        assert_ptr_equal(whole.data, own);
    else
        assert_int_equal(tw_rd_left(&in), 0); /* nothing can be read from a failed one */
    free(own);
    tw_buf_cleanup(&b);
    return ok;
}

static void test_elements(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool good;
        size_t len;
    } rows[] = {
        {"", false, 0},          {"30", false, 0},         {"3000", true, 0},
        {"0401aa", true, 1},     {"0402aa", false, 0},     {"048101aa", false, 0},
        {"04820001aa", false, 0}, {"0483000001aa", false, 0}, {"048400000001aa", false, 0},
        {"04850000000001aa", false, 0}, {"0480aa0000", false, 0}, {"1f0101", false, 0},
        {"bf0101", false, 0},    {"0481", false, 0},       {"048200", false, 0},
        {"0484ffffffffaa", false, 0},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(rows); i++) {
        uint8_t tag;
        size_t len;
        bool good = element(rows[i].hex, &tag, &len);
        if (good != rows[i].good || (good && len != rows[i].len))
            fail_msg("%s: %s, %zu bytes", rows[i].hex, good ? "taken" : "refused", len);
    }
}

static void test_tags(void **state)
{
    (void)state;
    struct tw_reader r = tw_rd_of(tw_view_of("\x02\x01\x05\x04\x00", 5)), in;
    assert_int_equal(der_peek(&r), DER_INT);
    assert_false(der_optional(&r, DER_BOOL, &in));
    assert_int_equal(r.pos, 0); /* what is not there is not passed over */
    assert_true(der_optional(&r, DER_INT, &in));
    assert_int_equal(tw_rd_u8(&in, "n"), 5);
    assert_int_equal(der_bytes(&r, DER_INT, "another").len, 0);
    assert_false(tw_rd_ok(&r));
    assert_string_equal(r.fail_field, "another");
    assert_int_equal(r.fail_at, 3);
    assert_int_equal(der_peek(&r), 0);
}

static bool time_of(uint8_t tag, const char *s, int64_t *t)
{
    struct tw_buf b;
    tw_buf_init(&b, 256);
    put_tlv(&b, tag, tw_view_str(s));
    uint8_t *own = exact_copy(tw_buf_view(&b));
    struct tw_reader r = tw_rd_of(tw_view_of(own, b.len));
    *t = der_time(&r, "time");
    bool ok = tw_rd_ok(&r);
    free(own);
    tw_buf_cleanup(&b);
    return ok;
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        uint8_t tag;
        const char *text;
        int64_t want;
    } good[] = {
        {DER_UTC, "700101000000Z", 0},
        {DER_UTC, "500101000000Z", -631152000}, /* 50 is 1950, RFC 5280 4.1.2.5.1 */
        {DER_UTC, "491231235959Z", 2524607999},
        {DER_UTC, "2401010000Z", 1704067200}, /* without seconds, as some old CAs wrote it */
        {DER_GENTIME, "20500101000000Z", 2524608000},
        {DER_GENTIME, "99991231235959Z", 253402300799},
        {DER_GENTIME, "20240229120000Z", 1709208000},
    };
    static const struct {
        uint8_t tag;
        const char *text;
    } bad[] = {
        {DER_UTC, ""}, {DER_UTC, "Z"}, {DER_UTC, "700101000000"}, {DER_UTC, "701301000000Z"},
        {DER_UTC, "700001000000Z"}, {DER_UTC, "700132000000Z"}, {DER_UTC, "700100000000Z"},
        {DER_UTC, "700101240000Z"}, {DER_UTC, "700101006000Z"}, {DER_UTC, "70010100000aZ"},
        {DER_UTC, "700101000000Z0"}, {DER_UTC, "700101000000+0100"}, {DER_UTC, "230229000000Z"},
        {DER_UTC, "230431000000Z"}, {DER_GENTIME, "700101000000Z"},
        {DER_GENTIME, "20240101000000.5Z"}, {DER_GENTIME, "21000229000000Z"},
        {DER_OCTETS, "700101000000Z"},
    };
    int64_t t;
    for (size_t i = 0; i < TW_ARRAY_LEN(good); i++)
        if (!time_of(good[i].tag, good[i].text, &t) || t != good[i].want)
            fail_msg("%s: %lld", good[i].text, (long long)t);
    for (size_t i = 0; i < TW_ARRAY_LEN(bad); i++)
        if (time_of(bad[i].tag, bad[i].text, &t))
            fail_msg("'%s' is taken", bad[i].text);
}

/* Each day from 1600 to 2400 follows the one before. */
static void test_days(void **state)
{
    (void)state;
    static const int len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t want = der_days(1600, 1, 1);
    for (int y = 1600; y < 2400; y++)
        for (int m = 1; m <= 12; m++) {
            bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
            for (int d = 1; d <= len[m - 1] + (m == 2 && leap); d++)
                if (der_days(y, m, d) != want++)
                    fail_msg("%d-%d-%d", y, m, d);
        }
    assert_int_equal(der_days(1970, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
