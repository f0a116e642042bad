/* The one list of extensions, in the order of their code points. To add one: write its object in
 * an ext_*.c file, declare it in ext.h, and put it here. */
#include "wire/ext.h"

static const struct tw_extension *const table[] = {
    &tw_ext_server_name,
    &tw_ext_max_fragment_length,
    &tw_ext_status_request,
    &tw_ext_supported_groups,
    &tw_ext_ec_point_formats,
    &tw_ext_signature_algorithms,
    &tw_ext_alpn,
    &tw_ext_sct,
    &tw_ext_padding,
    &tw_ext_encrypt_then_mac,
    &tw_ext_extended_master_secret,
    &tw_ext_compress_certificate,
    &tw_ext_record_size_limit,
    &tw_ext_session_ticket,
    &tw_ext_pre_shared_key,
    &tw_ext_early_data,
    &tw_ext_supported_versions,
    &tw_ext_cookie,
    &tw_ext_psk_key_exchange_modes,
    &tw_ext_certificate_authorities,
    &tw_ext_post_handshake_auth,
    &tw_ext_signature_algorithms_cert,
    &tw_ext_key_share,
    &tw_ext_ech,
    &tw_ext_renegotiation_info,
};

const struct tw_extension *tw_extension_at(size_t i)
{
    return i < TW_ARRAY_LEN(table) ? table[i] : NULL;
}

const struct tw_extension *tw_extension_find(uint16_t code)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(table); i++)
        if (table[i]->code == code)
            return table[i];
    return NULL;
}
