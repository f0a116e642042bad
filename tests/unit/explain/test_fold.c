/* Texts in any dress become plain, and every character still knows where it came from. */
#include "explain/explain_internal.h"

#include <setjmp.h>
#include <cmocka.h>

static void folds_to(const char *in, const char *want)
{
    struct tw_fold f = {.in = tw_view_str(in)};
    char out[512];
    size_t n = 0, last = 0;
    int c;
    while ((c = tw_fold_next(&f)) >= 0) {
        assert_true(n < sizeof out - 1);
        assert_true(n == 0 || f.at > last);
        assert_true(f.at < f.in.len && f.pos <= f.in.len);
        last = f.at;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    assert_string_equal(out, want);
    assert_int_equal(tw_fold_next(&f), -1);
}

static void case_and_blanks(void **state)
{
    (void)state;
    folds_to("", "");
    folds_to("SSL_ERROR", "ssl_error");
    folds_to("a  \t b", "a b");
    folds_to("a \r\n  b", "a\nb");
    folds_to("a\xc2\xa0 b", "a b");
}

static void quotes(void **state)
{
    (void)state;
    folds_to("\"a\" 'b' `c`", "'a' 'b' 'c'");
    folds_to("\xe2\x80\x98x\xe2\x80\x99 \xe2\x80\x9cy\xe2\x80\x9d \xc2\xabz\xc2\xbb", "'x' 'y' 'z'");
    folds_to("self\xe2\x80\x91signed \xe2\x80\x93", "self-signed -");
    folds_to("\xe2\x82\xac", "\xe2\x82\xac"); /* other characters stay */
}

static void colours_escapes_entities(void **state)
{
    (void)state;
    folds_to("\x1b[1;31merror\x1b[0m: x", "error: x");
    folds_to("\x1b[", "\x1b[");
    folds_to("a\\nb\\tc\\\"d\\\"", "a\nb c'd'");
    folds_to("\\", "\\");
    folds_to("&quot;a&quot; &lt;b&gt; &amp; &#39;c&#39; &bad;", "'a' <b> & 'c' &bad;");
    folds_to("a \x1b[0m b", "a b");
}

static void any_bytes_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++)
        for (unsigned k = 0; k < 256; k++) {
            uint8_t *in = malloc(2);
            assert_non_null(in);
            in[0] = (uint8_t)i;
            in[1] = (uint8_t)k;
            struct tw_fold f = {.in = tw_view_of(in, 2)};
            size_t n = 0;
            while (tw_fold_next(&f) >= 0)
                n++;
            assert_in_range(n, 1, 2);
            free(in);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_and_blanks),
        cmocka_unit_test(quotes),
        cmocka_unit_test(colours_escapes_entities),
        cmocka_unit_test(any_bytes_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
