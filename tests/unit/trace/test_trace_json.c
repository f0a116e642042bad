/* Saving and loading: the same bytes again, and a reason for each line that cannot be used. */
#include "trace/trace.h"

#include <setjmp.h>
#include <cmocka.h>

enum { ROOM = 4 << 20 };
#define HEADER "{\"tlswhy_trace\":1}\n"

static struct tw_buf save(const struct tw_trace *t)
{
    struct tw_buf b;
    tw_buf_init(&b, ROOM);
    assert_int_equal(tw_trace_save(t, &b), TW_OK);
    return b;
}

static enum tw_status load(struct tw_trace *t, const char *text, size_t *line, const char **reason)
{
    size_t n = strlen(text);
    uint8_t *exact = malloc(n == 0 ? 1 : n); /* no NUL behind it */
    assert_non_null(exact);
    memcpy(exact, text, n);
    enum tw_status st = tw_trace_load(t, tw_view_of(exact, n), line, reason);
    free(exact);
    return st;
}

static void assert_text(const struct tw_buf *b, const char *want)
{
    assert_int_equal(b->len, strlen(want));
    assert_memory_equal(b->data, want, b->len);
}

static void assert_same_fact(const struct tw_fact *a, const struct tw_fact *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->conn, b->conn);
    assert_int_equal(a->at, b->at);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->from, b->from);
    assert_int_equal(a->msg, b->msg);
    assert_int_equal(a->protected_, b->protected_);
    assert_int_equal(a->off, b->off);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->num, b->num);
    assert_int_equal(a->aux, b->aux);
    assert_string_equal(a->field, b->field);
    assert_int_equal(a->text == NULL, b->text == NULL);
    if (a->text != NULL)
        assert_string_equal(a->text, b->text);
    assert_true(tw_view_eq(a->data, b->data));
    assert_int_equal(a->source == NULL, b->source == NULL);
    if (a->source != NULL)
        assert_string_equal(a->source, b->source);
}

/* Saves t, loads that into a new trace, compares facts and bytes. */
static void assert_round_trip(const struct tw_trace *t)
{
    struct tw_buf first = save(t);
    struct tw_trace *u = tw_trace_new(ROOM);
    size_t line = 0;
    const char *reason = NULL;
    assert_int_equal(tw_trace_load(u, tw_buf_view(&first), &line, &reason), TW_OK);
    assert_int_equal(line, tw_trace_count(t) + 1);
    assert_int_equal(tw_trace_count(u), tw_trace_count(t));
    for (size_t i = 0; i < tw_trace_count(t); i++)
        assert_same_fact(tw_trace_at(u, i), tw_trace_at(t, i));
    struct tw_buf second = save(u);
    assert_true(tw_view_eq(tw_buf_view(&first), tw_buf_view(&second)));
    assert_int_equal(tw_trace_overflowed(u), tw_trace_overflowed(t));
    tw_trace_free(u);
    tw_buf_cleanup(&first);
    tw_buf_cleanup(&second);
}

static void test_format(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const uint8_t data[] = {0x00, 0xab, 0xff};
    tw_trace_add(t,
                 (struct tw_fact){.kind = TW_FACT_SETTING, .field = "host", .text = "a\"\\\n\x7f"});
    tw_trace_add(t, (struct tw_fact){.conn = 1,
                                     .at = 12045,
                                     .kind = TW_FACT_MESSAGE,
                                     .from = TW_SERVER,
                                     .protected_ = true,
                                     .off = 5,
                                     .len = 3,
                                     .num = -1,
                                     .aux = 772,
                                     .field = "protected",
                                     .data = {data, sizeof data},
                                     .source = "RFC 8446 4"});
    struct tw_buf b = save(t);
    assert_text(&b, HEADER "{\"n\":0,\"kind\":\"setting\",\"field\":\"host\","
                           "\"text\":\"a\\\"\\\\\\u000a\\u007f\"}\n"
                           "{\"n\":1,\"conn\":1,\"at_us\":12.045,\"kind\":\"message\","
                           "\"from\":\"server\",\"msg\":0,\"protected\":true,\"off\":5,\"len\":3,"
                           "\"num\":-1,\"aux\":772,\"field\":\"protected\",\"data\":\"00abff\","
                           "\"source\":\"RFC 8446 4\"}\n");
    tw_buf_cleanup(&b);
    tw_trace_free(t);
}

static void test_round_trip_every_kind(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    uint8_t data[1024];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (int k = 0; k < (int)TW_FACT_KINDS; k++) {
        tw_trace_add(t, (struct tw_fact){.kind = (enum tw_fact_kind)k});
        tw_trace_add(t, (struct tw_fact){.conn = (uint32_t)k,
                                         .at = (uint64_t)k * 1000003,
                                         .kind = (enum tw_fact_kind)k,
                                         .from = (enum tw_side)(k % 5),
                                         .msg = (uint8_t)k,
                                         .protected_ = k % 2 == 1,
                                         .off = (uint64_t)k * 7,
                                         .len = (uint64_t)k,
                                         .num = k % 3 - 1,
                                         .aux = -k,
                                         .field = "f",
                                         .text = "na\xc3\xafve \xf0\x9f\x98\x80",
                                         .data = {data, (size_t)k * 10},
                                         .source = "RFC 5246"});
    }
    assert_round_trip(t);
    tw_trace_free(t);
}

static void test_round_trip_extremes(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const uint64_t times[] = {1, 999, 1000, 1001, 123456789, (UINT64_C(1) << 51) - 1};
    for (size_t i = 0; i < TW_ARRAY_LEN(times); i++)
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_RECORD,
                                         .conn = 65535,
                                         .at = times[i],
                                         .off = INT64_MAX,
                                         .num = INT64_MIN,
                                         .aux = INT64_MAX,
                                         .text = ""});
    assert_round_trip(t);
    tw_trace_free(t);
}

static void test_round_trip_limit(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(1000);
    while (tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_RECORD}) != NULL)
        ;
    assert_true(tw_trace_overflowed(t));
    assert_round_trip(t);
    tw_trace_free(t);
}

/* What a double or JSON cannot hold is saved as the nearest that loads again. */
static void test_out_of_range(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM), *u = tw_trace_new(ROOM);
    tw_trace_add(t,
                 (struct tw_fact){
                     .kind = TW_FACT_END, .at = UINT64_MAX, .off = UINT64_MAX, .len = UINT64_MAX});
    struct tw_buf b = save(t);
    size_t line;
    const char *reason;
    assert_int_equal(tw_trace_load(u, tw_buf_view(&b), &line, &reason), TW_OK);
    assert_int_equal(tw_trace_at(u, 0)->off, INT64_MAX);
    assert_true(tw_trace_at(u, 0)->at > UINT64_C(9000000000000000000));
    tw_buf_cleanup(&b);
    tw_trace_free(t);
    tw_trace_free(u);
}

static void test_text_not_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},                               /* cut */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
        {"\xf0\x80\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98\x80z", "\xf0\x9f\x98\x80z"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_trace *t = tw_trace_new(ROOM), *u = tw_trace_new(ROOM);
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_DNS, .text = cases[i].in});
        struct tw_buf b = save(t);
        size_t line;
        const char *reason;
        assert_int_equal(tw_trace_load(u, tw_buf_view(&b), &line, &reason), TW_OK);
        assert_string_equal(tw_trace_at(u, 0)->text, cases[i].out);
        tw_buf_cleanup(&b);
        tw_trace_free(t);
        tw_trace_free(u);
    }
}

static void test_save_limit(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const uint8_t data[64] = {0};
    tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_NOT_TLS, .data = {data, sizeof data}});
    struct tw_buf whole = save(t);
    for (size_t max = 0; max < whole.len; max++) {
        struct tw_buf b;
        tw_buf_init(&b, max);
        assert_int_equal(tw_trace_save(t, &b), TW_E_LIMIT);
        tw_buf_cleanup(&b);
    }
    tw_buf_cleanup(&whole);
    tw_trace_free(t);
}

static void test_lenient(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    size_t line;
    const char *reason;
    /* blank lines, CR LF, other order, lines left out, hex in capitals, no newline at the end */
    const char *text = "\n" HEADER "\r\n{\"kind\":\"dns\",\"n\":5}\r\n \t\n"
                       "{\"data\":\"AB\",\"at_us\":3,\"kind\":\"end\",\"field\":\"\"}";
    assert_int_equal(load(t, text, &line, &reason), TW_OK);
    assert_int_equal(tw_trace_count(t), 2);
    assert_int_equal(tw_trace_at(t, 0)->n, 0);
    assert_int_equal(tw_trace_at(t, 1)->at, 3000);
    assert_int_equal(tw_trace_at(t, 1)->data.data[0], 0xab);
    tw_trace_free(t);
}

static void test_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason; /* part of it */
        size_t line;
    } cases[] = {
        {"", "empty", 1},
        {"\n\n", "empty", 1},
        {"GET / HTTP/1.1\r\n", "not a JSON object", 1},
        {"{}\n", "header", 1},
        {"{\"kind\":\"dns\"}\n", "header", 1},
        {"{\"tlswhy_trace\":1,\"x\":2}\n", "header", 1},
        {"{\"tlswhy_trace\":2}\n", "version", 1},
        {"{\"tlswhy_trace\":\"1\"}\n", "version", 1},
        {HEADER "[]\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\"\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\"} x\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\",\"kind\":\"dns\"}\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\",\"text\":\"\xff\"}\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\",\"text\":\"\\u0000\"}\n", "not a JSON object", 2},
        {HEADER "{\"kind\":\"dns\",\"num\":99999999999999999999}\n", "not a JSON object", 2},
        {HEADER "{\"n\":0}\n", "without kind", 2},
        {HEADER HEADER, "unknown member", 2},
        {HEADER "{\"kind\":\"dns\"}\n\n{\"kind\":\"weather\"}\n", "unknown kind", 4},
        {HEADER "{\"kind\":\"unknown\"}\n", "unknown kind", 2},
        {HEADER "{\"kind\":7}\n", "kind is not", 2},
        {HEADER "{\"kind\":\"dns\",\"colour\":1}\n", "unknown member", 2},
        {HEADER "{\"kind\":\"dns\",\"n\":-1}\n", "n is not", 2},
        {HEADER "{\"kind\":\"dns\",\"n\":1.5}\n", "n is not", 2},
        {HEADER "{\"kind\":\"dns\",\"conn\":65536}\n", "conn is not", 2},
        {HEADER "{\"kind\":\"dns\",\"conn\":-1}\n", "conn is not", 2},
        {HEADER "{\"kind\":\"dns\",\"at_us\":-0.5}\n", "at_us is not", 2},
        {HEADER "{\"kind\":\"dns\",\"at_us\":\"1\"}\n", "at_us is not", 2},
        {HEADER "{\"kind\":\"dns\",\"at_us\":1e300}\n", "at_us is not", 2},
        {HEADER "{\"kind\":\"dns\",\"from\":\"moon\"}\n", "from is not", 2},
        {HEADER "{\"kind\":\"dns\",\"from\":null}\n", "from is not", 2},
        {HEADER "{\"kind\":\"dns\",\"msg\":256}\n", "msg is not", 2},
        {HEADER "{\"kind\":\"dns\",\"protected\":1}\n", "protected is", 2},
        {HEADER "{\"kind\":\"dns\",\"off\":-1}\n", "off is not", 2},
        {HEADER "{\"kind\":\"dns\",\"len\":-1}\n", "len is not", 2},
        {HEADER "{\"kind\":\"dns\",\"num\":true}\n", "num is not", 2},
        {HEADER "{\"kind\":\"dns\",\"aux\":1.0}\n", "aux is not", 2},
        {HEADER "{\"kind\":\"dns\",\"field\":1}\n", "field is not", 2},
        {HEADER "{\"kind\":\"dns\",\"text\":{}}\n", "text is not", 2},
        {HEADER "{\"kind\":\"dns\",\"source\":[]}\n", "source is not", 2},
        {HEADER "{\"kind\":\"dns\",\"data\":\"abc\"}\n", "data is not hex", 2},
        {HEADER "{\"kind\":\"dns\",\"data\":\"0g\"}\n", "data is not hex", 2},
        {HEADER "{\"kind\":\"dns\",\"data\":12}\n", "data is not a string", 2},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(cases); i++) {
        struct tw_trace *t = tw_trace_new(ROOM);
        size_t line = 0;
        const char *reason = NULL;
        assert_int_equal(load(t, cases[i].text, &line, &reason), TW_E_INPUT);
        assert_int_equal(line, cases[i].line);
        assert_non_null(reason);
        if (strstr(reason, cases[i].reason) == NULL)
            fail_msg("case %zu: %s", i, reason);
        tw_trace_free(t);
    }
}

static void test_line_too_long(void **state)
{
    (void)state;
    size_t n = (size_t)9 << 20;
    char *text = malloc(n + 1);
    assert_non_null(text);
    memset(text, '[', n); /* must not reach the JSON parser */
    memcpy(text, HEADER, strlen(HEADER));
    text[n] = '\0';
    struct tw_trace *t = tw_trace_new(ROOM);
    size_t line;
    const char *reason;
    assert_int_equal(load(t, text, &line, &reason), TW_E_INPUT);
    assert_int_equal(line, 2);
    assert_string_equal(reason, "line too long");
    free(text);
    tw_trace_free(t);
}

static void test_load_memory_limit(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(500);
    struct tw_buf b;
    tw_buf_init(&b, ROOM);
    tw_buf_str(&b, HEADER);
    for (int i = 0; i < 50; i++)
        tw_buf_str(&b, "{\"kind\":\"record\"}\n");
    size_t line;
    const char *reason;
    assert_int_equal(tw_trace_load(t, tw_buf_view(&b), &line, &reason), TW_E_LIMIT);
    assert_true(tw_trace_overflowed(t));
    assert_true(line < 50);
    assert_string_equal(reason, tw_status_text(TW_E_LIMIT));
    tw_buf_cleanup(&b);
    tw_trace_free(t);
}

/* A file cut anywhere loads what is whole before the cut, or names the line that is not. */
static void test_every_prefix(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const uint8_t data[] = {1, 2, 3};
    for (int i = 0; i < 4; i++)
        tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_NOT_TLS,
                                         .from = TW_SERVER,
                                         .conn = 1,
                                         .at = 1500,
                                         .data = {data, sizeof data}});
    struct tw_buf b = save(t);
    for (size_t n = 0; n < b.len; n++) {
        char *cut = calloc(1, n + 1);
        assert_non_null(cut);
        memcpy(cut, b.data, n);
        struct tw_trace *u = tw_trace_new(ROOM);
        size_t line, newlines = 0;
        const char *reason;
        for (size_t i = 0; i < n; i++)
            newlines += cut[i] == '\n' ? 1 : 0;
        bool whole = n > 0 && (cut[n - 1] == '\n' || b.data[n] == '\n');
        enum tw_status st = load(u, cut, &line, &reason);
        assert_int_equal(st, whole ? TW_OK : TW_E_INPUT);
        if (!whole)
            assert_int_equal(line, newlines + 1);
        tw_trace_free(u);
        free(cut);
    }
    tw_buf_cleanup(&b);
    tw_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip_every_kind),
        cmocka_unit_test(test_round_trip_extremes),
        cmocka_unit_test(test_round_trip_limit),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_text_not_utf8),
        cmocka_unit_test(test_save_limit),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_line_too_long),
        cmocka_unit_test(test_load_memory_limit),
        cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
