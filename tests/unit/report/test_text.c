/* The report for a person: fits its width, has its parts, and nothing in it can harm a terminal. */
#include "hostile.h"

#include "report/json_writer.h"
#include "report/paper.h"

static void report(const struct judged *j, struct tw_report_options o, struct tw_buf *out)
{
    tw_buf_init(out, 16 << 20);
    assert_int_equal(tw_report_text(j->d, &o, out), TW_OK);
}

/* Printable UTF-8 in lines of at most `width` columns. */
static void check_lines(struct tw_view v, unsigned width, const char *name)
{
    size_t col = 0;
    for (size_t i = 0; i < v.len;) {
        const uint8_t *p = v.data + i;
        size_t len = json_utf8_len(p, v.len - i);
        if (*p == '\n') {
            col = 0;
            i++;
            continue;
        }
        bool c1 = len == 2 && p[0] == 0xc2 && p[1] < 0xa0;
        bool unseen = len == 3 && p[0] == 0xe2 && p[1] == 0x80 &&
                      (p[2] == 0xae || p[2] == 0x8b);
        if (len == 0 || *p < 0x20 || *p == 0x7f || c1 || unseen)
            fail_msg("%s: byte %02x at %zu", name, *p, i);
        if (++col > width)
            fail_msg("%s: a line has more than %u columns: %.*s", name, width, 110,
                     (const char *)p - width);
        i += len;
    }
}

static void check_all(const struct judged *j, const char *name)
{
    static const unsigned widths[] = {0, 40, 72, 100, 130};
    for (size_t w = 0; w < TW_ARRAY_LEN(widths); w++)
        for (int v = -1; v <= 1; v++) {
            struct tw_buf b;
            report(j, (struct tw_report_options){.width = widths[w], .verbosity = v,
                                                 .vantage = "replay", .command = "tlswhy " EVIL},
                   &b);
            assert_true(b.len > 10);
            assert_int_equal(b.data[b.len - 1], '\n');
            /* below 100 the ladder's columns and what is there to be copied need more */
            check_lines(tw_buf_view(&b), widths[w] < 100 ? 100 : widths[w], name);
            if (v < 0) { /* the verdict alone, in one paragraph */
                assert_null(memmem(b.data, b.len, "\n\n", 2));
                assert_null(memmem(b.data, b.len, "Proof", 5));
            }
            tw_buf_cleanup(&b);
        }
}

static void test_hostile(void **state)
{
    (void)state;
    each_hostile(check_all);
}

static void test_saved(void **state)
{
    (void)state;
    assert_true(each_saved(check_all) > 50);
}

/* Colour changes nothing but colour: without its codes the text is the one without colour. */
static void check_colour(const struct judged *j, const char *name)
{
    static const char *const codes[] = {"\033[0m", "\033[32m", "\033[1;31m", "\033[2m",
                                        "\033[1m"};
    struct tw_buf plain, colour, stripped;
    report(j, (struct tw_report_options){.verbosity = 1}, &plain);
    report(j, (struct tw_report_options){.verbosity = 1, .colour = true}, &colour);
    tw_buf_init(&stripped, 16 << 20);
    size_t found = 0;
    for (size_t i = 0; i < colour.len;) {
        size_t skip = 0;
        for (size_t k = 0; k < TW_ARRAY_LEN(codes); k++) {
            size_t n = strlen(codes[k]);
            if (colour.len - i >= n && memcmp(colour.data + i, codes[k], n) == 0)
                skip = n;
        }
        if (skip == 0)
            tw_buf_add(&stripped, colour.data + i, 1);
        found += skip > 0;
        i += skip == 0 ? 1 : skip;
    }
    assert_true(found >= 2);
    assert_bytes(tw_buf_view(&stripped), tw_buf_view(&plain), name);
    tw_buf_cleanup(&plain);
    tw_buf_cleanup(&colour);
    tw_buf_cleanup(&stripped);
}

static void test_colour(void **state)
{
    (void)state;
    each_hostile(check_colour);
    each_saved(check_colour);
}

static bool has(const struct tw_buf *b, const char *s)
{
    return memmem(b->data, b->len, s, strlen(s)) != NULL;
}

static void test_parts(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "FAILS ", "[cert-expired,", "fixed on the server", "ClientHello",
        "\nCause\n", "\nProof\n", "\nLooks alike\n", "\nFix\n", "\nCheck again\n",
        "tlswhy check example", "clock-skew-client:"};
    struct judged j;
    struct tw_buf b;
    load(&j, TW_TRACES "/cert-expired/hit.jsonl");
    report(&j, (struct tw_report_options){.command = "tlswhy check example"}, &b);
    for (size_t i = 0; i < TW_ARRAY_LEN(parts); i++)
        if (!has(&b, parts[i]))
            fail_msg("'%s' is missing", parts[i]);
    assert_false(has(&b, "Certificates as sent")); /* that is for -v */
    tw_buf_cleanup(&b);
    report(&j, (struct tw_report_options){.verbosity = 1}, &b);
    assert_true(has(&b, "Certificates as sent"));
    assert_true(has(&b, "Negotiated"));
    tw_buf_cleanup(&b);
    judged_drop(&j);
    load(&j, TW_TRACES "/client-cert-required/miss.jsonl");
    report(&j, (struct tw_report_options){.command = "tlswhy check example"}, &b);
    assert_memory_equal(b.data, "OK", 2);
    assert_false(has(&b, "Cause") || has(&b, "Check again"));
    tw_buf_cleanup(&b);
    judged_drop(&j);
}

/* A buffer that is full is told; half a report is not taken for a whole one. */
static void test_full(void **state)
{
    (void)state;
    struct judged j;
    struct tw_buf b;
    load(&j, TW_TRACES "/cert-expired/hit.jsonl");
    struct tw_report_options o = {.verbosity = 0};
    report(&j, o, &b);
    size_t len = b.len; /* the JSON is longer */
    tw_buf_cleanup(&b);
    for (size_t max = 0; max < len; max += 101) {
        tw_buf_init(&b, max);
        assert_int_equal(tw_report_text(j.d, &o, &b), TW_E_LIMIT);
        tw_buf_cleanup(&b);
        assert_int_equal(tw_report_json(j.d, &o, &b), TW_E_LIMIT);
        tw_buf_cleanup(&b);
    }
    judged_drop(&j);
}

/* ---- paper ----------------------------------------------------------------------------------- */

static void expect_item(unsigned indent, const char *label, unsigned label_width, const char *text,
                        const char *want)
{
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    struct paper p = {&b, 20, false, 0};
    paper_item(&p, indent, label, label_width, text);
    assert_bytes(tw_buf_view(&b), tw_view_str(want), text);
    tw_buf_cleanup(&b);
}

static void test_items(void **state)
{
    (void)state;
    expect_item(0, "", 0, "short", "short\n");
    expect_item(2, "", 0, "one two three four five", "  one two three four\n  five\n");
    expect_item(2, "a:", 4, "one two three four", "  a:  one two three\n      four\n");
    expect_item(0, "label:", 4, "text", "label: text\n"); /* never glued together */
    expect_item(0, "label:", 4, "", "label:\n");
    expect_item(0, "", 0, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrst\nuvwxyz\n");
    expect_item(0, "", 0, "two\nlines", "two\nlines\n");
    expect_item(0, "\x1b[1m", 8, "x\x1b" "y", "?[1m    x?y\n");
    expect_item(0, "", 0, "\xe2\x82\xac\xe2\x82\xac 12345678901234567x",
                "\xe2\x82\xac\xe2\x82\xac\n12345678901234567x\n");
    expect_item(0, "", 0, "\xff\xc2\x85\xe2\x80\xae", "???\n");
}

/* A word in colour in front of an item counts. */
static void test_used(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    struct paper p = {&b, 20, false, 0};
    tw_buf_str(&b, "OK");
    p.used = 2;
    paper_item(&p, 0, "", 6, "one two three four");
    paper_item(&p, 0, "", 6, "five");
    assert_bytes(tw_buf_view(&b), tw_view_str("OK    one two three\n      four\n      five\n"),
                 "used");
    tw_buf_cleanup(&b);
}

static void test_line(void **state)
{
    (void)state;
    struct tw_buf b;
    tw_buf_init(&b, 4096);
    struct paper p = {&b, 10, false, 0};
    paper_line(&p, 2, "as it  is \x07 and cut");
    assert_bytes(tw_buf_view(&b), tw_view_str("  as it  i\n"), "line");
    tw_buf_cleanup(&b);
}

static void check_causes(const char *id)
{
    struct tw_buf b;
    tw_buf_init(&b, 1 << 20);
    struct tw_report_options o = {.width = 100};
    assert_true(tw_report_causes(id, false, &o, &b));
    check_lines(tw_buf_view(&b), 100, id == NULL ? "catalogue" : id);
    tw_buf_cleanup(&b);
}

static void test_catalogue(void **state)
{
    (void)state;
    struct tw_buf b;
    struct tw_report_options o = {.width = 100};
    const struct tw_rule *r;
    check_causes(NULL);
    for (size_t i = 0; (r = tw_rule_at(i)) != NULL; i++)
        check_causes(r->id);
    tw_buf_init(&b, 1 << 20);
    assert_false(tw_report_causes("no-such-cause", false, &o, &b));
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_saved),
        cmocka_unit_test(test_colour),  cmocka_unit_test(test_parts),
        cmocka_unit_test(test_full),    cmocka_unit_test(test_items),
        cmocka_unit_test(test_used),    cmocka_unit_test(test_line),
        cmocka_unit_test(test_catalogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
