/* Protocol versions: their names, and what people type for them. */
#include "registry/registry.h"

struct version_row {
    uint16_t version;
    const char *name;
    const char *family; /* prefix that may or must be typed */
    const char *number;
};

/* Versions that share a number text with another family are kept apart by the prefix. */
static const struct version_row versions[] = {
    {TW_SSL2, "SSL 2.0", "ssl", "2.0"},  {TW_SSL3, "SSL 3.0", "ssl", "3.0"},
    {TW_TLS10, "TLS 1.0", "tls", "1.0"}, {TW_TLS11, "TLS 1.1", "tls", "1.1"},
    {TW_TLS12, "TLS 1.2", "tls", "1.2"}, {TW_TLS13, "TLS 1.3", "tls", "1.3"},
};

const char *tw_version_name(uint16_t v)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(versions); i++)
        if (versions[i].version == v)
            return versions[i].name;
    return NULL;
}

static bool has_prefix(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);
    return strlen(s) >= n && tw_view_ieq(tw_view_of(s, n), prefix);
}

/* "1.3", "1_3", "13" all mean the number text "1.3"; "1" means "1.0" where that is allowed. */
static bool same_number(const char *s, const char *number, bool short_form)
{
    if (s[0] != number[0])
        return false;
    if (s[1] == '\0')
        return short_form && number[2] == '0';
    if (s[1] == '.' || s[1] == '_')
        s++;
    return s[1] == number[2] && s[2] == '\0';
}

uint16_t tw_version_parse(const char *s)
{
    const char *family = NULL;

    if (s == NULL)
        return 0;
    if (has_prefix(s, "tls") || has_prefix(s, "ssl")) {
        family = has_prefix(s, "tls") ? "tls" : "ssl";
        s += 3;
        if (*s == ' ' || *s == '_' || *s == '-')
            s++;
        if (*s == 'v' || *s == 'V')
            s++;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(versions); i++) {
        const struct version_row *row = &versions[i];
        /* A bare number is a TLS version, and never a lone digit: "1" and "3" could be anything. */
        if (strcmp(family == NULL ? "tls" : family, row->family) == 0 &&
            same_number(s, row->number, family != NULL))
            return row->version;
    }
    return 0;
}
