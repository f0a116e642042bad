/*
 * Object identifiers: DER content bytes to dotted text and to the names of oids.def.
 *
 * Bytes are decoded once and the texts compared, so the table stays readable. Only the one valid
 * encoding of an identifier has a text (X.690 8.19: no leading 0x80 in an arc), so bytes that are
 * wrong never get a name.
 */
#include "registry/registry.h"

#define TW_OID(dotted, name, source) {dotted, name, source},
static const struct tw_oid oids[] = {
#include "registry/oids.def"
};
#undef TW_OID

/* Reads one arc; false when cut short, not minimal or over 64 bits. */
static bool read_arc(struct tw_view der, size_t *pos, uint64_t *arc)
{
    uint64_t v = 0;

    if (*pos < der.len && der.data[*pos] == 0x80)
        return false;
    while (*pos < der.len) {
        uint8_t b = der.data[(*pos)++];
        if (v > UINT64_MAX >> 7)
            return false;
        v = v << 7 | (b & 0x7f);
        if ((b & 0x80) == 0) {
            *arc = v;
            return true;
        }
    }
    return false;
}

static bool write_dotted(struct tw_view der, char *buf, size_t cap)
{
    size_t pos = 0, used = 0;

    while (pos < der.len) {
        uint64_t arc, root;
        int n;
        bool first = pos == 0;

        if (!read_arc(der, &pos, &arc))
            return false;
        if (first) { /* X.690 8.19.4: the first two arcs share one number */
            root = arc < 80 ? arc / 40 : 2;
            n = snprintf(buf, cap, "%llu.%llu", (unsigned long long)root,
                         (unsigned long long)(arc - root * 40));
        } else {
            n = snprintf(buf + used, cap - used, ".%llu", (unsigned long long)arc);
        }
        if (n < 0 || (size_t)n >= cap - used)
            return false;
        used += (size_t)n;
    }
    return used > 0;
}

const char *tw_oid_dotted(struct tw_view der, char *buf, size_t cap)
{
    if (cap == 0 || !write_dotted(der, buf, cap))
        return "?";
    return buf;
}

const struct tw_oid *tw_oid_by_der(struct tw_view der)
{
    char text[96];

    if (!write_dotted(der, text, sizeof text))
        return NULL;
    for (size_t i = 0; i < TW_ARRAY_LEN(oids); i++)
        if (strcmp(oids[i].dotted, text) == 0)
            return &oids[i];
    return NULL;
}
