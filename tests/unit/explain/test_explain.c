/* Automaton, matcher and judgement through the calls that others use. */
#include "explain/explain_internal.h"

#include <setjmp.h>
#include <cmocka.h>

struct run {
    struct tw_trace *trace;
    struct tw_arena *arena;
    struct tw_diagnosis d;
};

static void start(struct run *r, const struct tw_explainer *e, const void *text, size_t len)
{
    r->trace = tw_trace_new(1 << 20);
    r->arena = tw_arena_new(1 << 22);
    assert_non_null(r->trace);
    assert_non_null(r->arena);
    assert_int_equal(tw_explain(e, tw_view_of(text, len), r->trace, r->arena, &r->d), TW_OK);
}

static void stop(struct run *r)
{
    tw_arena_free(r->arena);
    tw_trace_free(r->trace);
}

static void first_is(const struct tw_explainer *e, const char *text, const char *cause)
{
    struct run r;
    start(&r, e, text, strlen(text));
    if (cause == NULL) {
        assert_int_equal(r.d.causes_n, 0);
        assert_int_equal(r.d.outcome, TW_OUTCOME_UNKNOWN);
    } else {
        assert_true(r.d.causes_n > 0);
        assert_string_equal(r.d.causes[0].rule->id, cause);
        assert_int_equal(r.d.outcome, TW_OUTCOME_FAIL);
    }
    stop(&r);
}

static void same_words_other_side(void **state)
{
    const struct tw_explainer *e = *state;
    first_is(e, "curl: (35) error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48",
             "client-cert-rejected");
    first_is(e, "SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:"
                "SSL alert number 48) while SSL handshaking", "client-rejected-server-cert");
    first_is(e, "http: TLS handshake error from 10.0.0.1:5: remote error: tls: bad certificate",
             "client-rejected-server-cert");
}

static void words_are_whole(void **state)
{
    const struct tw_explainer *e = *state;
    first_is(e, "SEC_ERROR_EXPIRED_CERTIFICATE", "cert-expired");
    first_is(e, "XSEC_ERROR_EXPIRED_CERTIFICATE", NULL);
    first_is(e, "SEC_ERROR_EXPIRED_CERTIFICATEX", NULL);
    first_is(e, "we had a handshake failure of sorts, and the certificate has expired, they say", NULL);
    first_is(e, "", NULL);
}

static void any_dress(void **state)
{
    const struct tw_explainer *e = *state;
    first_is(e, "{\"msg\":\"Get \\\"https://a.example/\\\": x509: certificate has expired or is not "
                "yet valid\"}", "cert-expired");
    first_is(e, "ssl.SSLError: [SSL:\n   CERTIFICATE_VERIFY_FAILED] certificate\n   verify failed: "
                "certificate has expired (_ssl.c:1)", "cert-expired");
    first_is(e, "\x1b[31mcertificate verify failed (certificate has expired)\x1b[0m", "cert-expired");
}

static void offsets_and_counts(void **state)
{
    const struct tw_explainer *e = *state;
    static const char line[] = "x\nx PR_CONNECT_RESET_ERROR y\n";
    char text[sizeof line * 50] = "";
    for (int i = 0; i < 50; i++)
        memcpy(text + (size_t)i * (sizeof line - 1), line, sizeof line);
    struct run r;
    start(&r, e, text, strlen(text));
    assert_int_equal(r.d.matches_n, 1);
    assert_string_equal(r.d.matches[0].text, "PR_CONNECT_RESET_ERROR");
    assert_int_equal(r.d.matches[0].offset, 4);
    assert_int_equal(r.d.matches[0].line, 2);
    assert_int_equal(r.d.matches[0].count, 50);
    stop(&r);
}

/* Far into a long text, over every border of the windows. */
static void found_anywhere(void **state)
{
    const struct tw_explainer *e = *state;
    static const char message[] = "SEC_ERROR_REVOKED_CERTIFICATE";
    for (size_t at = 0; at < 20000; at += 613) {
        size_t len = at + sizeof message + 1;
        char *text = malloc(len);
        assert_non_null(text);
        memset(text, '.', len);
        memcpy(text + at, message, sizeof message - 1);
        struct run r;
        start(&r, e, text, len);
        assert_int_equal(r.d.matches_n, 1);
        assert_int_equal(r.d.matches[0].offset, at);
        stop(&r);
        free(text);
    }
}

static void target_of(const char *text, const char *host, unsigned port, const char *scheme)
{
    struct tw_paste_target t;
    tw_paste_find_target(tw_view_str(text), 0, &t);
    assert_string_equal(t.host, host);
    assert_int_equal(t.port, port);
    assert_string_equal(t.scheme, scheme);
}

static void targets(void **state)
{
    (void)state;
    target_of("Get \"https://a.example:8443/x\": EOF", "a.example", 8443, "");
    target_of("HTTPSConnectionPool(host='b.example', port=443): Max", "b.example", 443, "");
    target_of("fatal: unable to access 'https://user:secret@c.example/x.git/'", "c.example", 0, "");
    target_of("connect to mx.d.example[192.0.2.1]:25: timed out", "mx.d.example", 25, "smtp");
    target_of("connection to server at \"db\", port 5432", "", 0, "");
    target_of("see https://curl.se/docs/sslcerts.html", "", 0, "");
    target_of("nothing", "", 0, "");
}

static int make(void **state)
{
    *state = tw_explainer_new();
    return *state == NULL ? -1 : 0;
}

static int drop(void **state)
{
    tw_explainer_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_words_other_side), cmocka_unit_test(words_are_whole),
        cmocka_unit_test(any_dress),             cmocka_unit_test(offsets_and_counts),
        cmocka_unit_test(found_anywhere),        cmocka_unit_test(targets),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
