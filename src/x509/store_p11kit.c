/*
 * p11-kit's trust files ("p11-kit-object-v1"): sections of attributes, one a line, and the
 * certificate as a PEM block. Fedora's ca-bundle.trust.p11-kit and what "trust anchor --store"
 * writes are such files. Format: p11-kit, trust/persist.c and its manual.
 */
#include "x509/store.h"

static const char header[] = "[p11-kit-object-v1]";

static struct tw_view next_line(struct tw_view in, size_t *pos)
{
    size_t start = *pos, end = start;
    while (end < in.len && in.data[end] != '\n')
        end++;
    *pos = end < in.len ? end + 1 : end;
    while (end > start && (in.data[end - 1] == '\r' || in.data[end - 1] == ' '))
        end--;
    return tw_view_sub(in, start, end - start);
}

/* "name: true" with any blanks. */
static bool says_true(struct tw_view line, const char *name)
{
    size_t n = strlen(name);
    if (line.len <= n || memcmp(line.data, name, n) != 0 || line.data[n] != ':')
        return false;
    size_t at = n + 1;
    while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
        at++;
    return tw_view_eq(tw_view_sub(line, at, line.len - at), tw_view_str("true"));
}

static void take_section(struct tw_view section, struct tw_trust *into,
                         struct tw_store_content *out)
{
    bool trusted = false, distrusted = false;
    for (size_t pos = 0; pos < section.len;) {
        struct tw_view line = next_line(section, &pos);
        trusted = trusted || says_true(line, "trusted");
        distrusted = distrusted || says_true(line, "x-distrusted");
    }
    struct tw_buf der;
    tw_buf_init(&der, section.len + 16);
    for (size_t pos = 0; tw_pem_next_cert(section, &pos, &der, &out->damaged); der.len = 0) {
        if (!trusted || distrusted)
            out->not_anchors++;
        else if (tw_trust_add_der(into, tw_buf_view(&der)))
            out->anchors++;
        else
            out->damaged++;
    }
    tw_buf_cleanup(&der);
}

bool tw_store_p11kit(struct tw_view in, struct tw_trust *into, struct tw_store_content *out)
{
    size_t start = in.len, pos = 0;
    out->format = TW_STORE_P11KIT;
    while (pos < in.len) {
        size_t at = pos;
        struct tw_view line = next_line(in, &pos);
        if (!tw_view_eq(line, tw_view_str(header)))
            continue;
        if (start < at)
            take_section(tw_view_sub(in, start, at - start), into, out);
        start = pos;
    }
    if (start < in.len)
        take_section(tw_view_sub(in, start, in.len - start), into, out);
    return true;
}
