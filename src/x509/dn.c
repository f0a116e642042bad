/* Distinguished names: text (RFC 4514), attributes, comparison (RFC 5280 7.1, simplified). */
#include "x509/der.h"
#include "x509/x509.h"

/* One AttributeTypeAndValue; walks RDNs and sets alike. */
struct walk {
    struct tw_reader rdns, set;
};

static struct walk begin(struct tw_view name)
{
    struct tw_reader r = tw_rd_of(name);
    struct walk w = {der_next(&r, DER_SEQ, "Name"), tw_rd_of(tw_view_of(NULL, 0))};
    return w;
}

static bool next(struct walk *w, struct tw_view *oid, struct tw_view *value, uint8_t *tag)
{
    while (!tw_rd_more(&w->set)) {
        if (!tw_rd_more(&w->rdns))
            return false;
        w->set = der_next(&w->rdns, DER_SET, "RelativeDistinguishedName");
    }
    struct tw_reader a = der_next(&w->set, DER_SEQ, "AttributeTypeAndValue");
    *oid = der_bytes(&a, DER_OID, "type");
    struct tw_reader v = der_any(&a, tag, NULL, "value");
    *value = tw_rd_rest(&v);
    return tw_rd_ok(&a);
}

static const char *short_name(struct tw_view oid, char *buf, size_t cap)
{
    static const struct { const char *dotted, *name; } names[] = {
        {"2.5.4.3", "CN"}, {"2.5.4.10", "O"}, {"2.5.4.11", "OU"}, {"2.5.4.6", "C"},
        {"2.5.4.7", "L"}, {"2.5.4.8", "ST"}, {"2.5.4.5", "serialNumber"},
        {"0.9.2342.19200300.100.1.25", "DC"}, {"1.2.840.113549.1.9.1", "emailAddress"}};
    tw_oid_dotted(oid, buf, cap);
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++)
        if (strcmp(buf, names[i].dotted) == 0)
            return names[i].name;
    const struct tw_oid *o = tw_oid_by_der(oid);
    return o != NULL ? o->name : buf;
}

/* Value as UTF-8 that is safe to show: BMPString is taken apart, control characters become '?'. */
static size_t put_value(struct tw_view v, uint8_t tag, char *out, size_t cap)
{
    size_t n = 0, step = tag == 0x1e ? 2 : 1;
    for (size_t i = 0; i + step <= v.len && n + 4 < cap; i += step) {
        unsigned ch = step == 2 ? (unsigned)(v.data[i] << 8 | v.data[i + 1]) : v.data[i];
        bool latin = tag == 0x13 || tag == 0x14 || tag == 0x16;
        if (ch < 0x20 || ch == 0x7f)
            out[n++] = '?';
        else if (ch < 0x80 || (step == 1 && !latin))
            out[n++] = (char)ch;
        else if (ch < 0x800) {
            out[n++] = (char)(0xc0 | ch >> 6);
            out[n++] = (char)(0x80 | (ch & 63));
        } else {
            out[n++] = (char)(0xe0 | ch >> 12);
            out[n++] = (char)(0x80 | (ch >> 6 & 63));
            out[n++] = (char)(0x80 | (ch & 63));
        }
    }
    out[n] = '\0';
    return n;
}

const char *tw_dn_text(struct tw_view name, char *buf, size_t cap)
{
    struct walk w = begin(name);
    struct tw_view oid, value;
    uint8_t tag;
    size_t n = 0;
    buf[0] = '\0';
    while (n + 16 < cap && next(&w, &oid, &value, &tag)) {
        char type[64];
        n += (size_t)snprintf(buf + n, cap - n, "%s", n > 0 ? ", " : "");
        int k = snprintf(buf + n, cap - n, "%s=", short_name(oid, type, sizeof type));
        n += k < 0 || (size_t)k >= cap - n ? 0 : (size_t)k;
        n += put_value(value, tag, buf + n, cap - n);
    }
    if (n == 0)
        tw_copy_str(buf, cap, name.len > 2 ? "(unreadable name)" : "(empty name)");
    return buf;
}

const char *tw_dn_attr(struct tw_view name, const char *attr, char *buf, size_t cap)
{
    struct walk w = begin(name);
    struct tw_view oid, value;
    uint8_t tag;
    buf[0] = '\0';
    while (next(&w, &oid, &value, &tag)) {
        char type[64];
        if (strcmp(short_name(oid, type, sizeof type), attr) == 0) {
            put_value(value, tag, buf, cap);
            break;
        }
    }
    return buf;
}

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Equal but for case and runs of spaces. */
static bool value_equal(struct tw_view a, struct tw_view b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        if (a.data[i] == ' ' && b.data[j] == ' ') {
            while (i < a.len && a.data[i] == ' ')
                i++;
            while (j < b.len && b.data[j] == ' ')
                j++;
        } else if (fold(a.data[i++]) != fold(b.data[j++])) {
            return false;
        }
    }
    return i == a.len && j == b.len;
}

bool tw_dn_equal(struct tw_view a, struct tw_view b)
{
    if (tw_view_eq(a, b))
        return true;
    struct walk x = begin(a), y = begin(b);
    struct tw_view oa, ob, va, vb;
    uint8_t ta, tb;
    for (;;) {
        bool ma = next(&x, &oa, &va, &ta), mb = next(&y, &ob, &vb, &tb);
        if (!ma || !mb)
            return ma == mb && tw_rd_ok(&x.rdns) && tw_rd_ok(&y.rdns);
        if (!tw_view_eq(oa, ob) || !value_equal(va, vb))
            return false;
    }
}
