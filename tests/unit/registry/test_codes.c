/* Alerts, extensions, messages, record types, client certificate types. */
#include "registry/registry.h"

#include <setjmp.h>
#include <cmocka.h>

static void alerts(void **state)
{
    (void)state;
    assert_string_equal(tw_alert_by_code(0)->name, "close_notify");
    assert_string_equal(tw_alert_by_code(40)->name, "handshake_failure");
    assert_string_equal(tw_alert_by_code(70)->name, "protocol_version");
    assert_string_equal(tw_alert_by_code(112)->name, "unrecognized_name");
    assert_string_equal(tw_alert_by_code(116)->name, "certificate_required");
    assert_string_equal(tw_alert_by_code(120)->name, "no_application_protocol");
    assert_string_equal(tw_alert_by_code(121)->name, "ech_required");
    assert_null(tw_alert_by_code(1));
    assert_null(tw_alert_by_code(255));
}

static void extensions(void **state)
{
    (void)state;
    assert_string_equal(tw_extension_by_code(0)->name, "server_name");
    assert_string_equal(tw_extension_by_code(0x000a)->name, "supported_groups");
    assert_string_equal(tw_extension_by_code(16)->name, "application_layer_protocol_negotiation");
    assert_string_equal(tw_extension_by_code(43)->name, "supported_versions");
    assert_string_equal(tw_extension_by_code(51)->name, "key_share");
    assert_string_equal(tw_extension_by_code(13172)->name, "next_protocol_negotiation");
    assert_string_equal(tw_extension_by_code(17513)->name, "application_settings_old");
    assert_string_equal(tw_extension_by_code(17613)->name, "application_settings");
    assert_string_equal(tw_extension_by_code(30032)->name, "channel_id");
    assert_string_equal(tw_extension_by_code(0xfd00)->name, "ech_outer_extensions");
    assert_string_equal(tw_extension_by_code(0xfe0d)->name, "encrypted_client_hello");
    assert_string_equal(tw_extension_by_code(0xff01)->name, "renegotiation_info");
    assert_null(tw_extension_by_code(0x0a0a));
    for (uint16_t i = 0; i <= 62; i++)
        assert_non_null(tw_extension_by_code(i));
}

static void messages(void **state)
{
    (void)state;
    assert_string_equal(tw_handshake_type_by_code(2)->name, "server_hello");
    assert_string_equal(tw_message_title(2), "ServerHello");
    assert_string_equal(tw_message_title(1), "ClientHello");
    assert_string_equal(tw_message_title(11), "Certificate");
    assert_string_equal(tw_message_title(20), "Finished");
    assert_string_equal(tw_message_title(25), "CompressedCertificate");
    assert_string_equal(tw_handshake_type_by_code(254)->name, "message_hash");
    assert_string_equal(tw_message_title(254), "MessageHash");
    assert_null(tw_handshake_type_by_code(7));
    assert_null(tw_message_title(7));
}

static void record_and_certificate_types(void **state)
{
    (void)state;
    assert_string_equal(tw_content_type_by_code(20)->name, "change_cipher_spec");
    assert_string_equal(tw_content_type_by_code(22)->name, "handshake");
    assert_string_equal(tw_content_type_by_code(23)->name, "application_data");
    assert_null(tw_content_type_by_code(72)); /* 'H' of an HTTP answer */
    assert_string_equal(tw_client_cert_type_by_code(1)->name, "rsa_sign");
    assert_string_equal(tw_client_cert_type_by_code(64)->name, "ecdsa_sign");
    assert_null(tw_client_cert_type_by_code(0));
}

/* Each row is found under its own code, says its source, and shares its name with no other. */
static void rows_are_sound(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= 0xffff; i++) {
        const struct tw_code *rows[] = {
            tw_extension_by_code((uint16_t)i),
            i < 256 ? tw_alert_by_code((uint8_t)i) : NULL,
            i < 256 ? tw_handshake_type_by_code((uint8_t)i) : NULL,
            i < 256 ? tw_content_type_by_code((uint8_t)i) : NULL,
            i < 256 ? tw_client_cert_type_by_code((uint8_t)i) : NULL,
        };
        for (size_t k = 0; k < TW_ARRAY_LEN(rows); k++) {
            if (rows[k] == NULL)
                continue;
            assert_int_equal(rows[k]->code, i);
            assert_true(strlen(rows[k]->name) > 0 && strlen(rows[k]->source) > 0);
        }
        if (i < 256)
            assert_true((rows[2] == NULL) == (tw_message_title((uint8_t)i) == NULL));
    }
}

static void grease(void **state)
{
    size_t n = 0;
    (void)state;
    for (uint32_t i = 0; i <= 0xffff; i++)
        if (tw_is_grease((uint16_t)i)) {
            assert_null(tw_extension_by_code((uint16_t)i));
            n++;
        }
    assert_int_equal(n, 16); /* RFC 8701 2 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts),         cmocka_unit_test(extensions),
        cmocka_unit_test(messages),       cmocka_unit_test(record_and_certificate_types),
        cmocka_unit_test(rows_are_sound), cmocka_unit_test(grease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
