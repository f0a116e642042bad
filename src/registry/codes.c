/* Alerts, extensions, handshake and record types, client certificate types: number to name. */
#include "registry/registry.h"

#define TW_CODE(code, name, source) {code, #name, source},
static const struct tw_code alerts[] = {
#include "registry/alerts.def"
};
static const struct tw_code extensions[] = {
#include "registry/extensions.def"
};
static const struct tw_code content_types[] = {
#include "registry/content_types.def"
};
static const struct tw_code cert_types[] = {
#include "registry/cert_types.def"
};
#undef TW_CODE

#define TW_MESSAGE(code, name, title, source) {code, #name, source},
static const struct tw_code messages[] = {
#include "registry/messages.def"
};
#undef TW_MESSAGE

#define TW_MESSAGE(code, name, title, source) #title,
static const char *const titles[] = {
#include "registry/messages.def"
};
#undef TW_MESSAGE

static const struct tw_code *find(const struct tw_code *rows, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const struct tw_code *tw_alert_by_code(uint8_t code)
{
    return find(alerts, TW_ARRAY_LEN(alerts), code);
}

const struct tw_code *tw_extension_by_code(uint16_t code)
{
    return find(extensions, TW_ARRAY_LEN(extensions), code);
}

const struct tw_code *tw_handshake_type_by_code(uint8_t code)
{
    return find(messages, TW_ARRAY_LEN(messages), code);
}

const struct tw_code *tw_content_type_by_code(uint8_t code)
{
    return find(content_types, TW_ARRAY_LEN(content_types), code);
}

const struct tw_code *tw_client_cert_type_by_code(uint8_t code)
{
    return find(cert_types, TW_ARRAY_LEN(cert_types), code);
}

const char *tw_message_title(uint8_t handshake_type)
{
    const struct tw_code *c = tw_handshake_type_by_code(handshake_type);
    return c == NULL ? NULL : titles[c - messages];
}
