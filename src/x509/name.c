/*
 * Does a certificate cover a name? RFC 9525 6: dNSName and iPAddress only, a wildcard stands for
 * exactly one whole left-most label. What would fit under laxer rules is told apart, so that a
 * report can say why it does not fit.
 */
#include "x509/x509.h"

/* IPv4 or IPv6 literal to its bytes (4 or 16); 0 when it is none. No system call is needed. */
static size_t parse_v4(const char *s, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        unsigned v = 0, digits = 0;
        while (*s >= '0' && *s <= '9' && digits < 4) {
            v = v * 10 + (unsigned)(*s++ - '0');
            digits++;
        }
        if (digits == 0 || digits > 3 || v > 255 || (i < 3 ? *s != '.' : *s != '\0'))
            return 0;
        out[i] = (uint8_t)v;
        s += i < 3;
    }
    return 4;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t parse_v6(const char *s, uint8_t out[16])
{
    uint8_t head[16], tail[16];
    size_t h = 0, t = 0;
    bool gap = false;
    if (s[0] == ':' && s[1] == ':') {
        gap = true;
        s += 2;
    }
    while (*s != '\0') {
        uint8_t *part = gap ? tail : head, v4[4];
        size_t *n = gap ? &t : &h;
        if (h + t <= 12 && strchr(s, '.') != NULL && strchr(s, ':') == NULL && parse_v4(s, v4)) {
            memcpy(part + *n, v4, 4);
            *n += 4;
            break;
        }
        unsigned v = 0, digits = 0;
        while (hex(*s) >= 0 && digits < 5) {
            v = v << 4 | (unsigned)hex(*s++);
            digits++;
        }
        if (digits == 0 || digits > 4 || h + t > 14)
            return 0;
        part[(*n)++] = (uint8_t)(v >> 8);
        part[(*n)++] = (uint8_t)v;
        if (*s == '\0')
            break;
        if (*s++ != ':')
            return 0;
        if (*s == ':') {
            if (gap)
                return 0;
            gap = true;
            s++;
        } else if (*s == '\0') {
            return 0;
        }
    }
    if (gap ? h + t > 14 : h != 16)
        return 0;
    memset(out, 0, 16);
    memcpy(out, head, h);
    memcpy(out + 16 - t, tail, t);
    return 16;
}

size_t tw_ip_parse(const char *s, uint8_t out[16])
{
    size_t n = parse_v4(s, out);
    return n > 0 ? n : strchr(s, ':') != NULL ? parse_v6(s, out) : 0;
}

/* ---- DNS names --------------------------------------------------------------------------------------- */

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool same_fold(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fold(a[i]) != fold(b[i]))
            return false;
    return true;
}

static bool equal_fold(struct tw_view a, struct tw_view b)
{
    return a.len == b.len && same_fold(a.data, b.data, a.len);
}

static struct tw_view without_dot(struct tw_view v)
{
    return v.len > 1 && v.data[v.len - 1] == '.' ? tw_view_sub(v, 0, v.len - 1) : v;
}

static bool is_ldh(uint8_t c, bool underscore)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           (underscore && c == '_');
}

static bool label_valid(struct tw_view l, bool underscore)
{
    if (l.len == 0 || l.len > 63 || l.data[0] == '-' || l.data[l.len - 1] == '-')
        return false;
    for (size_t i = 0; i < l.len; i++)
        if (!is_ldh(l.data[i], underscore))
            return false;
    return true;
}

/* Cuts the first label off *rest; false when nothing is left. */
static bool next_label(struct tw_view *rest, struct tw_view *label)
{
    if (rest->data == NULL)
        return false;
    const uint8_t *dot = rest->len == 0 ? NULL : memchr(rest->data, '.', rest->len);
    size_t n = dot == NULL ? rest->len : (size_t)(dot - rest->data);
    *label = tw_view_of(rest->data, n);
    *rest = dot == NULL ? tw_view_of(NULL, 0)
                        : tw_view_of(rest->data + n + 1, rest->len - n - 1);
    return true;
}

bool tw_dns_name_valid(struct tw_view name, bool allow_underscore, bool allow_wildcard)
{
    struct tw_view label;
    if (name.len == 0 || name.len > 253)
        return false;
    for (bool first = true; next_label(&name, &label); first = false) {
        bool star = first && allow_wildcard && label.len == 1 && label.data[0] == '*';
        if (!star && !label_valid(label, allow_underscore))
            return false;
    }
    return true;
}

static bool has_dot(struct tw_view v)
{
    return v.len > 0 && memchr(v.data, '.', v.len) != NULL;
}

static bool is_wildcard(struct tw_view p)
{
    return p.len > 2 && p.data[0] == '*' && p.data[1] == '.';
}

/* RFC 9525 6.3; a wildcard right below a top-level domain covers nobody's names in particular. */
static bool dns_match(struct tw_view pattern, struct tw_view name)
{
    if (!is_wildcard(pattern))
        return equal_fold(pattern, name) && tw_dns_name_valid(pattern, true, false);
    struct tw_view suffix = tw_view_sub(pattern, 2, pattern.len), label;
    return has_dot(suffix) && next_label(&name, &label) && label.len > 0 && name.len > 0 &&
           equal_fold(suffix, name);
}

/* One label against one with a '*' anywhere in it. */
static bool glob_label(struct tw_view pattern, struct tw_view label)
{
    const uint8_t *star = pattern.len == 0 ? NULL : memchr(pattern.data, '*', pattern.len);
    if (star == NULL)
        return equal_fold(pattern, label);
    size_t head = (size_t)(star - pattern.data), tail = pattern.len - head - 1;
    return label.len >= head + tail && same_fold(pattern.data, label.data, head) &&
           same_fold(star + 1, label.data + label.len - tail, tail);
}

/* Would it fit if wildcards were taken as file names take them, or with the dot at its end? */
static bool lax_match(struct tw_view pattern, struct tw_view name)
{
    struct tw_view p, n;
    pattern = without_dot(pattern);
    bool star = pattern.len > 0 && memchr(pattern.data, '*', pattern.len) != NULL;
    if (!star)
        return equal_fold(pattern, name);
    while (next_label(&pattern, &p)) {
        if (!next_label(&name, &n) || !glob_label(p, n))
            return false;
    }
    return name.data == NULL;
}

/* *.example.org against a.b.example.org or example.org */
static bool wildcard_too_shallow(struct tw_view pattern, struct tw_view name)
{
    if (!is_wildcard(pattern))
        return false;
    struct tw_view suffix = tw_view_sub(pattern, 2, pattern.len);
    if (!has_dot(suffix))
        return false; /* *.org covers nothing, at any depth */
    if (name.len == suffix.len)
        return same_fold(name.data, suffix.data, name.len);
    return name.len > suffix.len + 1 && name.data[name.len - suffix.len - 1] == '.' &&
           same_fold(name.data + name.len - suffix.len, suffix.data, suffix.len);
}

/* How alike two names are: bytes in common from the right count twice, those from the left once. */
static size_t likeness(struct tw_view a, struct tw_view b)
{
    size_t tail = 0, head = 0, max = a.len < b.len ? a.len : b.len;
    while (tail < max && same_fold(a.data + a.len - tail - 1, b.data + b.len - tail - 1, 1))
        tail++;
    while (head < max && same_fold(a.data + head, b.data + head, 1))
        head++;
    return 2 * tail + head;
}

/* The longest run of two or more zero groups, the first among equals. */
static void longest_zeros(const uint8_t *ip, size_t *start, size_t *len)
{
    *start = *len = 0;
    for (size_t i = 0; i < 8;) {
        size_t n = 0;
        while (i + n < 8 && ip[2 * (i + n)] == 0 && ip[2 * (i + n) + 1] == 0)
            n++;
        if (n > *len && n > 1) {
            *start = i;
            *len = n;
        }
        i += n + 1;
    }
}

const char *tw_ip6_text(const uint8_t ip[16], char *buf, size_t cap)
{
    size_t start, len, n = 0;
    longest_zeros(ip, &start, &len);
    buf[0] = '\0';
    for (size_t i = 0; i < 8 && n + 7 < cap; i++) {
        if (len > 0 && i == start) {
            n += (size_t)snprintf(buf + n, cap - n, "::");
            i += len - 1;
            continue;
        }
        bool colon = n > 0 && buf[n - 1] != ':';
        n += (size_t)snprintf(buf + n, cap - n, "%s%x", colon ? ":" : "",
                              (unsigned)(ip[2 * i] << 8 | ip[2 * i + 1]));
    }
    return buf;
}

/* ---- text ----------------------------------------------------------------------------------------------- */

static void show(struct tw_view v, enum tw_san_type type, char *buf, size_t cap)
{
    size_t n = 0;
    if (type == TW_SAN_IP && v.len == 4) {
        snprintf(buf, cap, "%u.%u.%u.%u", v.data[0], v.data[1], v.data[2], v.data[3]);
        return;
    }
    if (type == TW_SAN_DIRNAME) {
        tw_dn_text(v, buf, cap);
        return;
    }
    if (type == TW_SAN_IP && v.len == 16) {
        tw_ip6_text(v.data, buf, cap);
        return;
    }
    for (size_t i = 0; i < v.len && n + 2 < cap; i++)
        buf[n++] = v.data[i] > 0x20 && v.data[i] < 0x7f ? (char)v.data[i] : '?';
    buf[n] = '\0';
}

const char *tw_san_text(enum tw_san_type type, struct tw_view value, char *buf, size_t cap)
{
    show(value, type, buf, cap);
    return buf;
}

/* ---- matching --------------------------------------------------------------------------------------------- */

struct search {
    struct tw_view want;     /* without a dot at its end */
    const char *name;        /* as asked for */
    uint8_t ip[16]; size_t ip_len;
    bool shallow, lax, dns;  /* met on the way */
    size_t best;
    char *nearest; size_t cap;
};

static bool hits(const struct search *s, enum tw_san_type type, struct tw_view value)
{
    if (s->ip_len > 0)
        return type == TW_SAN_IP && tw_view_eq(value, tw_view_of(s->ip, s->ip_len));
    return type == TW_SAN_DNS && dns_match(value, s->want);
}

static void note_miss(struct search *s, enum tw_san_type type, struct tw_view value)
{
    if (type != TW_SAN_DNS && type != TW_SAN_IP)
        return;
    s->dns = s->dns || type == TW_SAN_DNS;
    bool lax = type == TW_SAN_DNS && lax_match(value, s->want);
    bool shallow = s->ip_len == 0 && type == TW_SAN_DNS && wildcard_too_shallow(value, s->want);
    size_t like = lax || shallow ? SIZE_MAX : likeness(value, s->want) + 1;
    if (like > s->best) {
        s->best = like;
        show(value, type, s->nearest, s->cap);
    }
    s->lax = s->lax || lax;
    s->shallow = s->shallow || shallow;
}

enum tw_name_match tw_cert_name_match(const struct tw_cert *c, const char *name, char *nearest,
                                      size_t cap)
{
    struct search s = {.want = without_dot(tw_view_str(name)), .name = name, .nearest = nearest,
                       .cap = cap};
    struct tw_view value;
    size_t pos = 0;
    unsigned tag;
    nearest[0] = '\0';
    s.ip_len = tw_ip_parse(name, s.ip);
    if (s.ip_len == 0 && !tw_dns_name_valid(s.want, true, false)) {
        show(tw_view_str(name), TW_SAN_DNS, nearest, cap); /* without control characters */
        return tw_cert_uri_match(c, name) ? TW_NAME_OK : TW_NAME_BAD_REFERENCE;
    }
    while (tw_general_name_next(c->san, &pos, &tag, &value)) {
        if (hits(&s, (enum tw_san_type)tag, value)) {
            show(value, (enum tw_san_type)tag, nearest, cap);
            return TW_NAME_OK;
        }
        note_miss(&s, (enum tw_san_type)tag, value);
    }
    char cn[256];
    tw_dn_attr(c->subject, "CN", cn, sizeof cn);
    if (nearest[0] == '\0')
        tw_copy_str(nearest, cap, cn);
    if (s.shallow && !s.lax)
        return TW_NAME_WILDCARD_DEPTH;
    if (s.lax && s.ip_len == 0)
        return TW_NAME_UNUSUAL_FORM;
    if (!s.dns && cn[0] != '\0' &&
        (s.ip_len > 0 ? strcmp(cn, name) == 0 : dns_match(tw_view_str(cn), s.want)))
        return TW_NAME_NO_SAN;
    return s.ip_len > 0 ? TW_NAME_IP_NOT_IN_SAN : TW_NAME_MISMATCH;
}

/* ---- other names -------------------------------------------------------------------------------------------- */

/* RFC 5280 7.5: the local part as it is, the host without regard to case. */
static bool email_equal(struct tw_view a, struct tw_view b)
{
    const uint8_t *at = a.len == 0 ? NULL : memrchr(a.data, '@', a.len);
    if (at == NULL || a.len != b.len)
        return false;
    size_t local = (size_t)(at - a.data);
    return memcmp(a.data, b.data, local) == 0 &&
           same_fold(a.data + local, b.data + local, a.len - local);
}

static bool any_name(const struct tw_cert *c, enum tw_san_type type, struct tw_view want,
                     bool (*equal)(struct tw_view, struct tw_view))
{
    struct tw_view value;
    size_t pos = 0;
    unsigned tag;
    while (tw_general_name_next(c->san, &pos, &tag, &value))
        if (tag == (unsigned)type && equal(value, want))
            return true;
    return false;
}

bool tw_cert_email_match(const struct tw_cert *c, const char *address)
{
    return any_name(c, TW_SAN_EMAIL, tw_view_str(address), email_equal);
}

bool tw_cert_uri_match(const struct tw_cert *c, const char *uri)
{
    return any_name(c, TW_SAN_URI, tw_view_str(uri), tw_view_eq);
}
