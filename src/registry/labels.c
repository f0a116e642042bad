/* Names for anything, for display: what is not registered is shown as a number. */
#include "registry/registry.h"

static const char *label(uint16_t v, const char *name, const char *note, char *buf, size_t cap)
{
    if (cap == 0)
        return "";
    if (name != NULL)
        snprintf(buf, cap, "%s", name);
    else if (note != NULL)
        snprintf(buf, cap, "0x%04x (%s)", (unsigned)v, note);
    else
        snprintf(buf, cap, "0x%04x", (unsigned)v);
    return buf;
}

static const char *grease_note(uint16_t v)
{
    return tw_is_grease(v) ? "GREASE" : NULL;
}

const char *tw_suite_label(uint16_t id, char *buf, size_t cap)
{
    const struct tw_suite *s = tw_suite_by_id(id);
    return label(id, s == NULL ? NULL : s->name, grease_note(id), buf, cap);
}

const char *tw_group_label(uint16_t id, char *buf, size_t cap)
{
    const struct tw_group *g = tw_group_by_id(id);
    return label(id, g == NULL ? NULL : g->name, grease_note(id), buf, cap);
}

const char *tw_sigscheme_label(uint16_t id, char *buf, size_t cap)
{
    const struct tw_sigscheme *s = tw_sigscheme_by_id(id);
    return label(id, s == NULL ? NULL : s->name, grease_note(id), buf, cap);
}

const char *tw_extension_label(uint16_t id, char *buf, size_t cap)
{
    const struct tw_code *c = tw_extension_by_code(id);
    return label(id, c == NULL ? NULL : c->name, grease_note(id), buf, cap);
}

const char *tw_version_label(uint16_t v, char *buf, size_t cap)
{
    char draft[32];
    const char *note = grease_note(v);

    if (v == 0xfeff)
        note = "DTLS 1.0";
    else if (v == 0xfefd)
        note = "DTLS 1.2";
    else if (v == 0xfefc)
        note = "DTLS 1.3";
    else if ((v >> 8) == 0x7f) { /* RFC 8446 4.2.1: drafts up to 28 used 0x7f00 | draft */
        snprintf(draft, sizeof draft, "TLS 1.3 draft %u", (unsigned)(v & 0xff));
        note = draft;
    }
    return label(v, tw_version_name(v), note, buf, cap);
}
