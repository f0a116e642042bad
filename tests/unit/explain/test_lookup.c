/* Packed codes, reasons, alerts; and the tables as they were generated. */
#include "explain/explain_internal.h"

#include <setjmp.h>
#include <cmocka.h>

static void is_code(uint64_t code, const char *symbol)
{
    const struct tw_reason *r = tw_reason_by_code(code);
    assert_non_null(r);
    assert_string_equal(r->symbol, symbol);
}

static void packed_codes(void **state)
{
    (void)state;
    is_code(0x0A000086, "SSL_R_CERTIFICATE_VERIFY_FAILED"); /* OpenSSL 3 */
    is_code(0x0A00010B, "SSL_R_WRONG_VERSION_NUMBER");
    is_code(0x1408F10B, "SSL_R_WRONG_VERSION_NUMBER");      /* OpenSSL 1.x: lib, function, reason */
    is_code(0x14090086, "SSL_R_CERTIFICATE_VERIFY_FAILED");
    is_code(0x05800074, "X509_R_KEY_VALUES_MISMATCH");
    is_code(0x0B080074, "X509_R_KEY_VALUES_MISMATCH");
    is_code(0x1404B42E, "SSL_R_TLSV1_ALERT_PROTOCOL_VERSION"); /* LibreSSL */
    is_code(0x1000007d, "CERTIFICATE_VERIFY_FAILED");       /* BoringSSL */
    is_code(268435581, "CERTIFICATE_VERIFY_FAILED");
    is_code(0x10000410, "SSLV3_ALERT_HANDSHAKE_FAILURE");
    assert_null(tw_reason_by_code(0));
    assert_null(tw_reason_by_code(UINT64_MAX));
    assert_int_equal(tw_alert_by_code_packed(0x0A000410), 40);
    assert_int_equal(tw_alert_by_code_packed(0x0A0004E7), 255);
    assert_int_equal(tw_alert_by_code_packed(0x0A000086), -1);
}

static void is_reason(const char *text, const char *symbol, size_t len)
{
    size_t end = 0;
    const struct tw_reason *r = tw_reason_at(tw_view_str(text), 0, &end);
    assert_non_null(r);
    assert_string_equal(r->symbol, symbol);
    assert_int_equal(end, len);
}

static void reasons(void **state)
{
    (void)state;
    is_reason("wrong version number:ssl/record", "SSL_R_WRONG_VERSION_NUMBER", 20);
    is_reason("wrong_version_number] wrong", "SSL_R_WRONG_VERSION_NUMBER", 20);
    is_reason("sslv3 alert handshake failure", "SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE", 29);
    is_reason("ssl/tls alert handshake failure:", "SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE", 31);
    is_reason("self-signed certificate in certificate chain)",
              "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN", 44);
    is_reason("self signed certificate (_ssl", "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT", 23);
    size_t end;
    assert_null(tw_reason_at(tw_view_str("wrong versions"), 0, &end));
    assert_null(tw_reason_at(tw_view_str(""), 0, &end));
}

static void is_alert(const char *text, int number, size_t len)
{
    size_t end = 0;
    assert_int_equal(tw_alert_at(tw_view_str(text), 0, &end), number);
    if (number >= 0)
        assert_int_equal(end, len);
}

static void alerts(void **state)
{
    (void)state;
    is_alert("handshake_failure(40)", 40, 17);
    is_alert("handshakefailure", 40, 16);
    is_alert("handshake failed", 40, 16);
    is_alert("unknown certificate authority", 48, 29); /* not 46, "unknown certificate" */
    is_alert("unknown certificate", 46, 19);
    is_alert("unknown ca", 48, 10);
    is_alert("nothing", -1, 0);
    assert_null(tw_alert_row_of(255));
    assert_int_equal(tw_alert_row_of(112)->number, 112);
}

static void tables_are_sound(void **state)
{
    (void)state;
    for (size_t i = 1; i < tw_explain_reasons_n; i++)
        assert_true(strcmp(tw_explain_reasons[i - 1].text, tw_explain_reasons[i].text) <= 0);
    for (size_t i = 0; i < tw_explain_rows_n; i++) {
        const struct tw_row *r = &tw_explain_rows[i];
        assert_true(r->anchor < tw_explain_anchors_n);
        assert_non_null(strstr(r->pattern, tw_explain_anchors[r->anchor].text));
        for (const uint8_t *c = r->causes; *c != TW_CAUSE_END; c++)
            assert_true(*c < tw_explain_causes_n);
    }
    assert_true(tw_explain_causes_n < TW_CAUSE_END);
}

/* Each row that has no placeholder must find itself. */
static void rows_find_themselves(void **state)
{
    (void)state;
    size_t tried = 0;
    for (size_t i = 0; i < tw_explain_rows_n; i++) {
        const struct tw_row *r = &tw_explain_rows[i];
        if (strpbrk(r->pattern, "\1\2\3\4\5\6\7\13\14\16") != NULL)
            continue;
        const char *a = tw_explain_anchors[r->anchor].text;
        struct tw_view text = tw_view_str(r->pattern);
        size_t end = (size_t)(strstr(r->pattern, a) - r->pattern) + strlen(a);
        struct tw_span span;
        assert_true(tw_row_match(r, text, end, &span));
        assert_int_equal(span.end - span.start, text.len);
        tried++;
    }
    assert_true(tried > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_codes), cmocka_unit_test(reasons),
        cmocka_unit_test(alerts),       cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(rows_find_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
