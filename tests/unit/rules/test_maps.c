/* The names of other standards: each row once, with words that exist there. */
#include "registry/registry.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <cmocka.h>

static bool one_of(const char *s, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

static void words_are_those_of_the_standards(void **state)
{
    (void)state;
    static const char *const tlsrpt[] = {"", "starttls-not-supported", "certificate-host-mismatch",
        "certificate-expired", "certificate-not-trusted", "validation-failure", "tlsa-invalid",
        "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid",
        "sts-webpki-invalid", NULL};
    static const char *const proxy[] = {"", "dns_timeout", "dns_error", "destination_not_found",
        "destination_unavailable", "connection_refused", "connection_terminated",
        "connection_timeout", "connection_read_timeout", "connection_write_timeout",
        "connection_limit_reached", "tls_protocol_error", "tls_certificate_error",
        "tls_alert_received", "http_request_error", "http_request_denied", NULL};
    static const char *const nel[] = {"", "dns.unreachable", "dns.name_not_resolved", "dns.failed",
        "dns.address_changed", "tcp.timed_out", "tcp.closed", "tcp.reset", "tcp.refused",
        "tcp.aborted", "tcp.address_invalid", "tcp.address_unreachable", "tcp.failed",
        "tls.version_or_cipher_mismatch", "tls.bad_client_auth_cert", "tls.cert.name_invalid",
        "tls.cert.date_invalid", "tls.cert.authority_invalid", "tls.cert.invalid",
        "tls.cert.revoked", "tls.cert.pinned_key_not_in_cert_chain", "tls.protocol.error",
        "tls.failed", NULL};
    const struct tw_map *m;
    for (size_t i = 0; (m = tw_map_at(i)) != NULL; i++) {
        if (!one_of(m->name[0], tlsrpt) || !one_of(m->name[1], proxy) || !one_of(m->name[2], nel))
            fail_msg("%s: %s, %s, %s", m->id, m->name[0], m->name[1], m->name[2]);
        bool alert = m->name[3][0] == '\0';
        for (unsigned code = 0; code < 256 && !alert; code++) {
            const struct tw_code *a = tw_alert_by_code((uint8_t)code);
            alert = a != NULL && strcmp(a->name, m->name[3]) == 0;
        }
        if (!alert)
            fail_msg("%s: there is no alert %s", m->id, m->name[3]);
        assert_ptr_equal(tw_map_by_id(m->id), m); /* no id twice */
    }
}

static void a_cause_without_names_has_no_row(void **state)
{
    (void)state;
    assert_null(tw_map_by_id("benign-probe"));
    assert_null(tw_map_by_id(""));
    for (size_t i = 0; i < TW_MAP_STANDARDS; i++) {
        assert_non_null(tw_map_key(i));
        assert_non_null(tw_map_title(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_the_standards),
        cmocka_unit_test(a_cause_without_names_has_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
