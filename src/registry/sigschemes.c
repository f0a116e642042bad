/* Signature schemes, and the hash and signature pairs of TLS 1.2: the table and its lookups. */
#include "registry/registry.h"

#define TW_SIG(id, name, alias, kind, hash, group, pss_key, tls13, source) \
    {id, #name, alias, TW_SIG_##kind, TW_HASH_##hash, group, pss_key, tls13, source},
static const struct tw_sigscheme schemes[] = {
#include "registry/sigschemes.def"
};
#undef TW_SIG

const struct tw_sigscheme *tw_sigscheme_at(size_t i)
{
    return i < TW_ARRAY_LEN(schemes) ? &schemes[i] : NULL;
}

const struct tw_sigscheme *tw_sigscheme_by_id(uint16_t id)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(schemes); i++)
        if (schemes[i].id == id)
            return &schemes[i];
    return NULL;
}

/* OpenSSL accepts PSS+ as well as RSA-PSS+ (SSL_CTX_set1_sigalgs_list). */
static const struct {
    const char *name;
    uint16_t id;
} more_names[] = {
    {"PSS+SHA256", 0x0804},
    {"PSS+SHA384", 0x0805},
    {"PSS+SHA512", 0x0806},
};

const struct tw_sigscheme *tw_sigscheme_by_name(const char *name)
{
    struct tw_view v = tw_view_str(name);

    if (v.len == 0)
        return NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(schemes); i++) {
        const struct tw_sigscheme *s = &schemes[i];
        if (tw_view_ieq(v, s->name) || (s->alias != NULL && tw_view_ieq(v, s->alias)))
            return s;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(more_names); i++)
        if (tw_view_ieq(v, more_names[i].name))
            return tw_sigscheme_by_id(more_names[i].id);
    return NULL;
}
