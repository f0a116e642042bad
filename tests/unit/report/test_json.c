/* The JSON object: one line, valid, whatever strings a peer sent; a strict parser is the judge. */
#include "hostile.h"

#include <jansson.h>

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool one_of(const char *s, const char *const *list)
{
    for (; s != NULL && *list != NULL; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

static void check_finding(const json_t *c, const char *name)
{
    static const char *const sides[] = {"server", "client", "network", "ca", "nobody", NULL};
    static const char *const certainties[] = {"proven", "likely", "possible", NULL};
    static const char *const categories[] = {"certificate", "protocol", "network", "server",
                                             "client", NULL};
    size_t i;
    json_t *e;
    if (!one_of(text_of(c, "side"), sides) || !one_of(text_of(c, "certainty"), certainties) ||
        !one_of(text_of(c, "category"), categories))
        fail_msg("%s: side, certainty or category of %s", name, text_of(c, "id"));
    assert_non_null(text_of(c, "id"));
    assert_non_null(text_of(c, "title"));
    assert_non_null(text_of(c, "summary"));
    json_array_foreach(json_object_get(c, "evidence"), i, e)
    {
        assert_non_null(text_of(e, "what"));
        assert_non_null(text_of(e, "value"));
        assert_non_null(text_of(e, "source"));
    }
    json_array_foreach(json_object_get(c, "not"), i, e)
    {
        assert_non_null(text_of(e, "id"));
        assert_non_null(text_of(e, "because"));
    }
    assert_true(json_is_array(json_object_get(c, "fix")));
    assert_true(json_is_array(json_object_get(c, "refs")));
}

static void check_one(const struct judged *j, const char *name)
{
    static const char *const outcomes[] = {"ok", "fail", "unknown", NULL};
    static const char *const arrays[] = {"causes", "warnings", "certificates", "trials"};
    struct tw_buf b;
    struct tw_report_options o = {.vantage = "replay"};
    json_error_t err;
    size_t i;
    json_t *c;
    tw_buf_init(&b, 16 << 20);
    assert_int_equal(tw_report_json(j->d, &o, &b), TW_OK);
    for (size_t k = 0; k < b.len; k++)
        if (b.data[k] < 0x20 && k + 1 < b.len)
            fail_msg("%s: byte %02x in the line", name, b.data[k]);
    assert_int_equal(b.data[b.len - 1], '\n');
    json_t *root = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, &err);
    if (root == NULL)
        fail_msg("%s: column %d: %s", name, err.column, err.text);
    assert_string_equal(text_of(root, "schema"), "tlswhy/1");
    assert_string_equal(text_of(root, "vantage"), "replay");
    assert_true(one_of(text_of(root, "outcome"), outcomes));
    for (size_t k = 0; k < TW_ARRAY_LEN(arrays); k++)
        assert_true(json_is_array(json_object_get(root, arrays[k])));
    json_array_foreach(json_object_get(root, "causes"), i, c) check_finding(c, name);
    json_array_foreach(json_object_get(root, "warnings"), i, c) check_finding(c, name);
    assert_true(json_is_object(json_object_get(root, "target")));
    assert_true(json_is_object(json_object_get(root, "timing")));
    json_decref(root);
    tw_buf_cleanup(&b);
}

static void test_hostile(void **state)
{
    (void)state;
    each_hostile(check_one);
}

static void test_saved(void **state)
{
    (void)state;
    assert_true(each_saved(check_one) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
