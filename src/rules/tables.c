/* Look-ups in the tables of known CAs, products and platforms. */
#include "rules/tables.h"

#include <strings.h>

static const struct tw_distrusted distrusted[] = {
#define DISTRUSTED(...) {__VA_ARGS__},
#include "rules/distrusted.def"
#undef DISTRUSTED
};
static const struct tw_interceptor interceptors[] = {
#define INTERCEPTOR(...) {__VA_ARGS__},
#include "rules/interceptors.def"
#undef INTERCEPTOR
};
static const struct tw_placeholder placeholders[] = {
#define PLACEHOLDER(...) {__VA_ARGS__},
#include "rules/placeholders.def"
#undef PLACEHOLDER
};
static const struct tw_platform platforms[] = {
#define PLATFORM(...) {__VA_ARGS__},
#include "rules/platforms.def"
#undef PLATFORM
};
static const struct tw_public_root public_roots[] = {
#define PUBLIC_ROOT(...) {__VA_ARGS__},
#include "rules/public_roots.def"
#undef PUBLIC_ROOT
};

#define ROW_AT(table) return i < TW_ARRAY_LEN(table) ? &(table)[i] : NULL

const struct tw_distrusted *tw_distrusted_at(size_t i)
{
    ROW_AT(distrusted);
}

const struct tw_interceptor *tw_interceptor_at(size_t i)
{
    ROW_AT(interceptors);
}

const struct tw_placeholder *tw_placeholder_at(size_t i)
{
    ROW_AT(placeholders);
}

const struct tw_platform *tw_platform_at(size_t i)
{
    ROW_AT(platforms);
}

const struct tw_public_root *tw_public_root_at(size_t i)
{
    ROW_AT(public_roots);
}

static bool same(char a, char b)
{
    a = a >= 'A' && a <= 'Z' ? (char)(a + 32) : a;
    b = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
    return a == b;
}

/* '*' stands for anything; at a mismatch the last one takes one character more. */
bool tw_pattern_match(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern != '\0' && same(*pattern, *text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* The attributes that rows ask for, taken out of a name once. */
struct attrs {
    char cn[300], o[300], ou[300];
};

static void attrs_of(struct tw_view dn, struct attrs *a)
{
    tw_dn_attr(dn, "CN", a->cn, sizeof a->cn);
    tw_dn_attr(dn, "O", a->o, sizeof a->o);
    tw_dn_attr(dn, "OU", a->ou, sizeof a->ou);
}

static bool matches(const char *pattern, const char *value)
{
    return value[0] != '\0' && tw_pattern_match(pattern, value);
}

static bool attr_matches(const struct attrs *a, const char *attr, const char *pattern)
{
    return matches(pattern, strcmp(attr, "CN") == 0 ? a->cn : strcmp(attr, "O") == 0 ? a->o : a->ou);
}

const struct tw_distrusted *tw_distrusted_by_name(struct tw_view dn)
{
    struct attrs a;
    attrs_of(dn, &a);
    for (size_t i = 0; i < TW_ARRAY_LEN(distrusted); i++) {
        const struct tw_distrusted *d = &distrusted[i];
        if ((d->o == NULL || matches(d->o, a.o)) && (d->cn == NULL || matches(d->cn, a.cn)))
            return d;
    }
    return NULL;
}

const struct tw_interceptor *tw_interceptor_by_name(struct tw_view dn)
{
    struct attrs a;
    attrs_of(dn, &a);
    for (size_t i = 0; i < TW_ARRAY_LEN(interceptors); i++)
        if (attr_matches(&a, interceptors[i].attr, interceptors[i].pattern))
            return &interceptors[i];
    return NULL;
}

const struct tw_placeholder *tw_placeholder_by_name(struct tw_view dn)
{
    struct attrs a;
    attrs_of(dn, &a);
    for (size_t i = 0; i < TW_ARRAY_LEN(placeholders); i++)
        if (attr_matches(&a, placeholders[i].attr, placeholders[i].pattern))
            return &placeholders[i];
    return NULL;
}

const struct tw_platform *tw_platform_by_san(const char *san)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(platforms); i++)
        if (strcasecmp(platforms[i].san, san) == 0) /* the '*' of a wildcard is meant here */
            return &platforms[i];
    return NULL;
}

static bool key_id_is(const char *hex, struct tw_view id)
{
    if (hex[0] == '\0' || id.len == 0)
        return true;
    char text[80];
    if (id.len * 2 + 1 > sizeof text)
        return false;
    for (size_t i = 0; i < id.len; i++)
        snprintf(text + 2 * i, 3, "%02x", id.data[i]);
    return strcmp(text, hex) == 0;
}

const struct tw_public_root *tw_public_root_find(struct tw_view dn, struct tw_view key_id)
{
    char cn[300];
    if (tw_dn_attr(dn, "CN", cn, sizeof cn)[0] == '\0')
        tw_dn_attr(dn, "O", cn, sizeof cn);
    for (size_t i = 0; i < TW_ARRAY_LEN(public_roots); i++)
        if (strcmp(public_roots[i].cn, cn) == 0 && key_id_is(public_roots[i].ski, key_id))
            return &public_roots[i];
    return NULL;
}
