/* The names that other standards have for a cause (maps.def). */
#include "rules/rules.h"

static const struct tw_map maps[] = {
#define TW_MAP(id, tlsrpt, proxy, nel, alert, x509) {id, {tlsrpt, proxy, nel, alert, x509}},
#include "rules/maps.def"
#undef TW_MAP
};

static const struct {
    const char *key, *title;
} standards[TW_MAP_STANDARDS] = {
    {"tlsrpt", "SMTP TLS Reporting (RFC 8460)"},
    {"proxy_status", "Proxy-Status (RFC 9209)"},
    {"nel", "Network Error Logging (W3C)"},
    {"alert", "TLS alert (RFC 8446)"},
    {"x509", "libcrypto's verify code"},
};

const struct tw_map *tw_map_by_id(const char *id)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(maps); i++)
        if (strcmp(maps[i].id, id) == 0)
            return &maps[i];
    return NULL;
}

const struct tw_map *tw_map_at(size_t i)
{
    return i < TW_ARRAY_LEN(maps) ? &maps[i] : NULL;
}

const char *tw_map_key(size_t standard)
{
    return standards[standard].key;
}

const char *tw_map_title(size_t standard)
{
    return standards[standard].title;
}
