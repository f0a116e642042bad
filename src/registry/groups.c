/* Named groups: the table and its lookups. */
#include "registry/registry.h"

#define TW_GROUP(id, name, alias, kind, bits, client, server, tls13, source) \
    {id, #name, alias, TW_GROUP_##kind, bits, client, server, tls13, source},
static const struct tw_group groups[] = {
#include "registry/groups.def"
};
#undef TW_GROUP

const struct tw_group *tw_group_at(size_t i)
{
    return i < TW_ARRAY_LEN(groups) ? &groups[i] : NULL;
}

const struct tw_group *tw_group_by_id(uint16_t id)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(groups); i++)
        if (groups[i].id == id)
            return &groups[i];
    return NULL;
}

/* OpenSSL and X9.62 have more than one name for these. */
static const struct {
    const char *name;
    uint16_t id;
} more_names[] = {
    {"prime192v1", TW_GRP_SECP192R1},
    {"prime256v1", TW_GRP_SECP256R1},
};

const struct tw_group *tw_group_by_name(const char *name)
{
    struct tw_view v = tw_view_str(name);

    if (v.len == 0)
        return NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(groups); i++) {
        const struct tw_group *g = &groups[i];
        if (tw_view_ieq(v, g->name) || (g->alias != NULL && tw_view_ieq(v, g->alias)))
            return g;
    }
    for (size_t i = 0; i < TW_ARRAY_LEN(more_names); i++)
        if (tw_view_ieq(v, more_names[i].name))
            return tw_group_by_id(more_names[i].id);
    return NULL;
}
