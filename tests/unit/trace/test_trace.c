/* The store: positions, copies, limit, queries. */
#include "trace/trace.h"

#include <setjmp.h>
#include <cmocka.h>

enum { ROOM = 1 << 20 };

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(tw_side_name(TW_SERVER), "server");
    assert_string_equal(tw_side_name(TW_NOBODY), "nobody");
    assert_string_equal(tw_fact_kind_name(TW_FACT_SETTING), "setting");
    assert_string_equal(tw_fact_kind_name(TW_FACT_CCS), "change_cipher_spec");
    assert_string_equal(tw_fact_kind_name(TW_FACT_PATH_CERT), "path_cert");
    for (int a = 0; a < (int)TW_FACT_KINDS; a++)
        for (int b = a + 1; b < (int)TW_FACT_KINDS; b++)
            assert_string_not_equal(tw_fact_kind_name((enum tw_fact_kind)a),
                                    tw_fact_kind_name((enum tw_fact_kind)b));
}

static void test_empty(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    assert_non_null(t);
    assert_int_equal(tw_trace_count(t), 0);
    assert_null(tw_trace_at(t, 0));
    assert_null(tw_trace_first(t, 0, TW_FACT_ALERT, NULL));
    assert_null(tw_trace_last(t, 0, TW_FACT_ALERT, NULL));
    assert_null(tw_trace_message(t, 1, TW_SERVER, 2));
    assert_null(tw_trace_setting(t, "host"));
    assert_int_equal(tw_trace_setting_num(t, "port", -7), -7);
    assert_int_equal(tw_trace_conns(t), 0);
    assert_false(tw_trace_overflowed(t));
    tw_trace_free(t);
    tw_trace_free(NULL);
}

static void test_copies(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    char field[] = "random", text[] = "some text", source[] = "RFC 8446 4.1.3";
    uint8_t data[] = {1, 2, 3};
    const struct tw_fact *f = tw_trace_add(t, (struct tw_fact){.n = 99,
                                                               .conn = 3,
                                                               .at = 12345,
                                                               .kind = TW_FACT_FIELD,
                                                               .from = TW_SERVER,
                                                               .msg = 2,
                                                               .protected_ = true,
                                                               .off = 7,
                                                               .len = 3,
                                                               .num = -1,
                                                               .aux = 5,
                                                               .field = field,
                                                               .text = text,
                                                               .data = {data, sizeof data},
                                                               .source = source});
    assert_non_null(f);
    memset(field, 'x', sizeof field - 1);
    memset(text, 'x', sizeof text - 1);
    memset(source, 'x', sizeof source - 1);
    memset(data, 0, sizeof data);
    assert_int_equal(f->n, 0);
    assert_int_equal(f->conn, 3);
    assert_int_equal(f->at, 12345);
    assert_int_equal(f->msg, 2);
    assert_true(f->protected_);
    assert_int_equal(f->off, 7);
    assert_int_equal(f->num, -1);
    assert_string_equal(f->field, "random");
    assert_string_equal(f->text, "some text");
    assert_string_equal(f->source, "RFC 8446 4.1.3");
    assert_int_equal(f->data.len, 3);
    assert_memory_equal(f->data.data, "\1\2\3", 3);
    assert_int_equal(tw_trace_conns(t), 3);
    tw_trace_free(t);
}

static void test_defaults(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const struct tw_fact *end = tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_END});
    assert_string_equal(end->field, "");
    assert_null(end->text);
    assert_null(end->data.data);
    assert_int_equal(end->msg, TW_NO_MSG);
    /* for a message zero is a type: HelloRequest */
    const struct tw_fact *hr = tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_MESSAGE});
    assert_int_equal(hr->msg, 0);
    tw_trace_free(t);
}

static void test_stable_addresses(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct tw_trace *t = tw_trace_new(4 << 20);
    const struct tw_fact **kept = calloc(MANY, sizeof(struct tw_fact *));
    assert_non_null(kept);
    for (int i = 0; i < MANY; i++) {
        kept[i] = tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_RECORD, .num = i});
        assert_non_null(kept[i]);
    }
    assert_int_equal(tw_trace_count(t), MANY);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(tw_trace_at(t, (size_t)i), kept[i]);
        assert_int_equal(kept[i]->num, i);
        assert_int_equal(kept[i]->n, i);
    }
    free(kept);
    tw_trace_free(t);
}

static void test_repeated_texts_cost_nothing(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    struct tw_fact f = {.kind = TW_FACT_RECORD, .field = "plain", .source = "RFC 8446 5.1"};
    const struct tw_fact *first = tw_trace_add(t, f);
    size_t before = tw_arena_used(tw_trace_arena(t));
    const struct tw_fact *second = tw_trace_add(t, f);
    assert_ptr_equal(first->field, second->field);
    assert_ptr_equal(first->source, second->source);
    assert_int_equal(tw_arena_used(tw_trace_arena(t)) - before, sizeof f);
    tw_trace_free(t);
}

/* Whatever part of a fact finds no room, the trace ends with exactly one fact about it. */
static void test_limit(void **state)
{
    (void)state;
    uint8_t data[100] = {1};
    for (size_t max = 0; max < 1500; max += 13) {
        struct tw_trace *t = tw_trace_new(max);
        const struct tw_fact *f;
        size_t added = 0;
        do {
            f = tw_trace_add(t, (struct tw_fact){.conn = 1,
                                                 .at = 5,
                                                 .kind = TW_FACT_APP_DATA,
                                                 .field = "field",
                                                 .text = "text",
                                                 .data = {data, sizeof data}});
            added += f != NULL ? 1 : 0;
        } while (f != NULL);
        assert_true(tw_trace_overflowed(t));
        assert_int_equal(tw_trace_count(t), added + 1);
        const struct tw_fact *limit = tw_trace_at(t, added);
        assert_int_equal(limit->kind, TW_FACT_LIMIT);
        assert_int_equal(limit->n, added);
        assert_int_equal(limit->at, 5);
        assert_string_equal(limit->field, "trace");
        assert_non_null(limit->text);
        assert_null(tw_trace_at(t, added + 1));
        /* closed for good, even for what would still fit */
        assert_null(tw_trace_add(t, (struct tw_fact){.kind = TW_FACT_END}));
        assert_int_equal(tw_trace_count(t), added + 1);
        assert_ptr_equal(tw_trace_last(t, 0, TW_FACT_LIMIT, NULL), limit);
        assert_null(tw_trace_next(t, limit, 0, TW_FACT_LIMIT, NULL));
        tw_trace_free(t);
    }
}

static void test_queries(void **state)
{
    (void)state;
    struct tw_trace *t = tw_trace_new(ROOM);
    const struct tw_fact facts[] = {
        {.kind = TW_FACT_SETTING, .field = "host", .text = "example.com"},
        {.kind = TW_FACT_SETTING, .field = "port", .num = 443},
        {.conn = 1, .kind = TW_FACT_MESSAGE, .from = TW_CLIENT, .msg = 1},
        {.conn = 1, .kind = TW_FACT_MESSAGE, .from = TW_SERVER, .msg = 11, .num = 1},
        {.conn = 1, .kind = TW_FACT_NEGOTIATED, .field = "cipher", .num = 0x1301},
        {.conn = 2, .kind = TW_FACT_MESSAGE, .from = TW_SERVER, .msg = 11, .num = 2},
        {.conn = 2, .kind = TW_FACT_NEGOTIATED, .field = "cipher", .num = 0x1302},
        {.conn = 2, .kind = TW_FACT_NEGOTIATED, .field = "group", .num = 29},
        {.kind = TW_FACT_SETTING, .field = "port", .num = 8443},
    };
    for (size_t i = 0; i < TW_ARRAY_LEN(facts); i++)
        assert_non_null(tw_trace_add(t, facts[i]));

    assert_string_equal(tw_trace_setting(t, "host"), "example.com");
    assert_null(tw_trace_setting(t, "server_name"));
    assert_int_equal(tw_trace_setting_num(t, "port", 0), 8443); /* the later one */
    assert_int_equal(tw_trace_conns(t), 2);

    assert_int_equal(tw_trace_first(t, 0, TW_FACT_NEGOTIATED, NULL)->n, 4);
    assert_int_equal(tw_trace_last(t, 0, TW_FACT_NEGOTIATED, NULL)->n, 7);
    assert_int_equal(tw_trace_last(t, 0, TW_FACT_NEGOTIATED, "cipher")->n, 6);
    assert_int_equal(tw_trace_last(t, 1, TW_FACT_NEGOTIATED, NULL)->n, 4);
    assert_int_equal(tw_trace_first(t, 2, TW_FACT_NEGOTIATED, "group")->n, 7);
    assert_null(tw_trace_first(t, 1, TW_FACT_NEGOTIATED, "group"));

    const struct tw_fact *f = tw_trace_next(t, NULL, 0, TW_FACT_NEGOTIATED, "cipher");
    assert_int_equal(f->n, 4);
    f = tw_trace_next(t, f, 0, TW_FACT_NEGOTIATED, "cipher");
    assert_int_equal(f->n, 6);
    assert_null(tw_trace_next(t, f, 0, TW_FACT_NEGOTIATED, "cipher"));

    assert_int_equal(tw_trace_message(t, 0, TW_SERVER, 11)->num, 1);
    assert_int_equal(tw_trace_message(t, 2, TW_SERVER, 11)->num, 2);
    assert_int_equal(tw_trace_message(t, 1, TW_CLIENT, 1)->n, 2);
    assert_null(tw_trace_message(t, 1, TW_CLIENT, 11));
    assert_null(tw_trace_message(t, 2, TW_CLIENT, 1));
    tw_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_stable_addresses),
        cmocka_unit_test(test_repeated_texts_cost_nothing),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
