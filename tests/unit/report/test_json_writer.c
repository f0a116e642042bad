/* The JSON writer: strings are valid UTF-8 whatever comes in; members stand where they belong. */
#include "../bytes.h"

#include "report/json_writer.h"

static void expect_text(struct tw_view in, const char *want)
{
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    struct json j = {&b, false};
    json_bytes(&j, NULL, in);
    assert_bytes(tw_buf_view(&b), tw_view_str(want), want);
    tw_buf_cleanup(&b);
}

static void test_strings(void **state)
{
    (void)state;
    expect_text(tw_view_str(""), "\"\"");
    expect_text(tw_view_of("a\0b", 3), "\"a\\u0000b\"");
    expect_text(tw_view_str("\"\\\n\t\x1b\x7f"), "\"\\\"\\\\\\n\\u0009\\u001b\\u007f\"");
    expect_text(tw_view_str("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    expect_text(tw_view_str("\xff"), "\"\\ufffd\"");
    expect_text(tw_view_str("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
    expect_text(tw_view_str("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
    expect_text(tw_view_str("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    expect_text(tw_view_of("\xe2\x82\xac", 2), "\"\\ufffd\\ufffd\""); /* cut off */
}

/* RFC 3629, 4, as its grammar has it: the second byte is the one with exceptions. */
static size_t grammar_len(const uint8_t *s, size_t n)
{
    uint8_t a = s[0], lo = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
    uint8_t hi = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    size_t len = a <= 0x7f ? 1 : a < 0xc2 ? 0 : a <= 0xdf ? 2 : a <= 0xef ? 3 : a <= 0xf4 ? 4 : 0;
    if (len == 0 || len > n || (len > 1 && (s[1] < lo || s[1] > hi)))
        return 0;
    for (size_t i = 2; i < len; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return len;
}

static void test_utf8(void **state)
{
    (void)state;
    static const uint8_t tails[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0};
    for (unsigned a = 0; a < 0x100; a++)
        for (unsigned c = 0; c < 0x100; c++)
            for (size_t t = 0; t < sizeof tails; t++)
                for (size_t n = 1; n <= 4; n++) {
                    const uint8_t s[4] = {(uint8_t)a, (uint8_t)c, tails[t], 0x80};
                    uint8_t *own = exact_copy(tw_view_of(s, n));
                    if (json_utf8_len(own, n) != grammar_len(own, n))
                        fail_msg("%02x %02x %02x, %zu bytes", a, c, tails[t], n);
                    free(own);
                }
}

static void test_members(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    struct json j = {&b, false};
    json_open(&j, NULL, '{');
    json_int(&j, "i", -9223372036854775807 - 1);
    json_str(&j, "n", NULL);
    json_bool(&j, "t", true);
    json_open(&j, "a", '[');
    json_int(&j, NULL, 1);
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_time(&j, NULL, 1234567, 1e6);
    json_close(&j, ']');
    json_null(&j, "z");
    json_close(&j, '}');
    assert_bytes(tw_buf_view(&b),
                 tw_view_str("{\"i\":-9223372036854775808,\"n\":null,\"t\":true,"
                             "\"a\":[1,{},1.235],\"z\":null}"), "members");
    tw_buf_cleanup(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
