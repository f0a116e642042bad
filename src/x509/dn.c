/* Distinguished names: text (RFC 4514), attributes, comparison (RFC 5280 7.1). */
#include "x509/der.h"
#include "x509/x509.h"

/* One AttributeTypeAndValue after another; walks RDNs and sets alike. */
static struct tw_dn_iter begin(struct tw_view name)
{
    struct tw_reader r = tw_rd_of(name);
    return (struct tw_dn_iter){der_next(&r, DER_SEQ, "Name"), tw_rd_of(tw_view_of(NULL, 0))};
}

static bool next(struct tw_dn_iter *w, struct tw_view *oid, struct tw_view *value, uint8_t *tag)
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
    struct tw_dn_iter w = begin(name);
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
    struct tw_dn_iter w = begin(name);
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

struct tw_dn_iter tw_dn_begin(struct tw_view name)
{
    return begin(name);
}

bool tw_dn_next(struct tw_dn_iter *it, char *type, size_t type_cap, char *value, size_t value_cap)
{
    struct tw_view oid, v;
    uint8_t tag;
    char buf[64];
    if (!next(it, &oid, &v, &tag))
        return false;
    tw_copy_str(type, type_cap, short_name(oid, buf, sizeof buf));
    put_value(v, tag, value, value_cap);
    return true;
}

/* ---- comparison (RFC 5280 7.1, with RFC 4518's rules for case and spaces) ------------------------ */

enum { MAX_SET = 8 }; /* attributes of one RDN that are compared in any order */

/* Characters of a string value, with runs of spaces as one, none at the ends, ASCII in lower case.
 * Other than in RFC 4518, letters outside ASCII are compared as they are. */
struct chars {
    struct tw_view v;
    size_t at;
    uint8_t tag;
    bool started;
};

static bool is_string(uint8_t tag)
{
    return tag == 0x0c || tag == 0x12 || tag == 0x13 || tag == 0x14 || tag == 0x16 || tag == 0x1a ||
           tag == 0x1c || tag == 0x1e;
}

static size_t char_width(uint8_t tag)
{
    return tag == 0x1e ? 2 : tag == 0x1c ? 4 : 1;
}

/* UTF-8 sequences are decoded so that they equal the same letter in BMPString or T61String. */
static uint32_t utf8(struct chars *c)
{
    uint32_t ch = c->v.data[c->at++];
    size_t more = ch >= 0xf0 ? 3 : ch >= 0xe0 ? 2 : ch >= 0xc0 ? 1 : 0;
    if (more == 0)
        return ch;
    ch &= 0x3fu >> more;
    while (more-- > 0 && c->at < c->v.len && (c->v.data[c->at] & 0xc0) == 0x80)
        ch = ch << 6 | (c->v.data[c->at++] & 0x3f);
    return ch;
}

static uint32_t raw_char(struct chars *c)
{
    size_t width = char_width(c->tag);
    if (c->tag == 0x0c)
        return utf8(c);
    uint32_t ch = 0;
    for (size_t i = 0; i < width && c->at < c->v.len; i++)
        ch = ch << 8 | c->v.data[c->at++];
    return ch;
}

/* Next character, or UINT32_MAX at the end. */
static uint32_t next_char(struct chars *c)
{
    size_t before;
    uint32_t ch = 0;
    bool space = false;
    do {
        before = c->at;
        if (c->at >= c->v.len)
            return UINT32_MAX;
        ch = raw_char(c);
        space = space || ch == ' ';
    } while (ch == ' ');
    if (space && c->started) {
        c->at = before; /* give one space now, the character with the next call */
        c->started = false;
        return ' ';
    }
    c->started = true;
    return ch >= 'A' && ch <= 'Z' ? ch + 32 : ch;
}

static bool value_equal(struct tw_view a, uint8_t ta, struct tw_view b, uint8_t tb)
{
    if (ta == tb && tw_view_eq(a, b))
        return true;
    if (!is_string(ta) || !is_string(tb))
        return false;
    struct chars x = {a, 0, ta, false}, y = {b, 0, tb, false};
    for (;;) {
        uint32_t p = next_char(&x), q = next_char(&y);
        if (p != q)
            return false;
        if (p == UINT32_MAX)
            return true;
    }
}

struct attribute {
    struct tw_view oid, value;
    uint8_t tag;
};

/* Attributes of the next RDN; more than MAX_SET of them fail. 0 at the end or on failure. */
static size_t next_rdn(struct tw_reader *rdns, struct attribute out[MAX_SET])
{
    size_t n = 0;
    if (!tw_rd_more(rdns))
        return 0;
    struct tw_reader set = der_next(rdns, DER_SET, "RelativeDistinguishedName");
    while (tw_rd_more(&set)) {
        if (n == MAX_SET) {
            tw_rd_fail(rdns, "RelativeDistinguishedName");
            return 0;
        }
        struct tw_reader a = der_next(&set, DER_SEQ, "AttributeTypeAndValue");
        out[n].oid = der_bytes(&a, DER_OID, "type");
        struct tw_reader v = der_any(&a, &out[n].tag, NULL, "value");
        out[n].value = tw_rd_rest(&v);
        der_adopt(&set, &a);
        n++;
    }
    der_adopt(rdns, &set);
    return tw_rd_ok(rdns) ? n : 0;
}

static bool rdn_equal(const struct attribute *a, size_t an, const struct attribute *b, size_t bn)
{
    bool used[MAX_SET] = {false};
    if (an != bn)
        return false;
    for (size_t i = 0; i < an; i++) {
        size_t j = 0;
        while (j < bn && (used[j] || !tw_view_eq(a[i].oid, b[j].oid) ||
                          !value_equal(a[i].value, a[i].tag, b[j].value, b[j].tag)))
            j++;
        if (j == bn)
            return false;
        used[j] = true;
    }
    return true;
}

/* Do the RDNs of base lead those of name? whole: and are there no more of them? */
static bool compare(struct tw_view base, struct tw_view name, bool whole)
{
    struct tw_reader x = der_open(base, DER_SEQ, "Name"), y = der_open(name, DER_SEQ, "Name");
    struct attribute a[MAX_SET], b[MAX_SET];
    if (!tw_rd_ok(&x) || !tw_rd_ok(&y))
        return false;
    while (tw_rd_more(&x)) {
        size_t an = next_rdn(&x, a), bn = next_rdn(&y, b);
        if (an == 0 || !rdn_equal(a, an, b, bn))
            return false;
    }
    return tw_rd_ok(&x) && tw_rd_ok(&y) && (!whole || !tw_rd_more(&y));
}

bool tw_dn_equal(struct tw_view a, struct tw_view b)
{
    return a.len > 0 && (tw_view_eq(a, b) || compare(a, b, true));
}

bool tw_dn_within(struct tw_view base, struct tw_view name)
{
    return compare(base, name, false);
}

bool tw_dn_empty(struct tw_view name)
{
    return name.len == 2;
}

uint64_t tw_dn_hash(struct tw_view name)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    struct tw_dn_iter w = begin(name);
    struct tw_view oid, value;
    uint8_t tag;
    while (next(&w, &oid, &value, &tag)) {
        uint64_t one = 1469598103934665603u;
        for (size_t i = 0; i < oid.len; i++)
            one = (one ^ oid.data[i]) * 1099511628211u;
        struct chars c = {value, 0, tag, false};
        uint32_t ch = is_string(tag) ? next_char(&c) : UINT32_MAX;
        for (; ch != UINT32_MAX; ch = next_char(&c))
            one = (one ^ ch) * 1099511628211u;
        h += one; /* a sum: attributes of one RDN may stand in any order */
    }
    return h;
}
