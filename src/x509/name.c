/* Does a certificate cover a name? RFC 9525 6 and RFC 6125 6.4. */
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

static size_t parse_ip(const char *s, uint8_t out[16])
{
    size_t n = parse_v4(s, out);
    return n > 0 ? n : strchr(s, ':') != NULL ? parse_v6(s, out) : 0;
}

static bool same_fold(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t x = a[i], y = b[i];
        x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
        y = y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y;
        if (x != y)
            return false;
    }
    return true;
}

static struct tw_view without_dot(struct tw_view v)
{
    return v.len > 1 && v.data[v.len - 1] == '.' ? tw_view_sub(v, 0, v.len - 1) : v;
}

static struct tw_view after_first_label(struct tw_view v)
{
    const uint8_t *dot = v.len == 0 ? NULL : memchr(v.data, '.', v.len);
    return dot == NULL ? tw_view_of(NULL, 0)
                       : tw_view_sub(v, (size_t)(dot - v.data) + 1, v.len);
}

static bool is_wildcard(struct tw_view p)
{
    return p.len > 2 && p.data[0] == '*' && p.data[1] == '.';
}

/* The wildcard is the whole left-most label and stands for exactly one (RFC 9525 6.3). */
static bool dns_match(struct tw_view pattern, struct tw_view name)
{
    pattern = without_dot(pattern);
    if (!is_wildcard(pattern))
        return pattern.len == name.len && same_fold(pattern.data, name.data, name.len);
    struct tw_view rest = after_first_label(name), suffix = tw_view_sub(pattern, 2, pattern.len);
    return rest.len > 0 && rest.len == suffix.len && same_fold(rest.data, suffix.data, rest.len) &&
           after_first_label(suffix).len > 0 && name.data[0] != '.';
}

/* *.example.org against a.b.example.org or example.org */
static bool wildcard_too_shallow(struct tw_view pattern, struct tw_view name)
{
    pattern = without_dot(pattern);
    if (!is_wildcard(pattern))
        return false;
    struct tw_view suffix = tw_view_sub(pattern, 2, pattern.len);
    if (after_first_label(suffix).len == 0)
        return false; /* *.org covers nothing, at any depth */
    if (name.len == suffix.len)
        return same_fold(name.data, suffix.data, name.len);
    return name.len > suffix.len + 1 && name.data[name.len - suffix.len - 1] == '.' &&
           same_fold(name.data + name.len - suffix.len, suffix.data, suffix.len);
}

/* How alike two names are: labels in common from the right, then bytes in common from the left. */
static size_t likeness(struct tw_view a, struct tw_view b)
{
    size_t tail = 0, head = 0, max = a.len < b.len ? a.len : b.len;
    while (tail < max && same_fold(a.data + a.len - tail - 1, b.data + b.len - tail - 1, 1))
        tail++;
    while (head < max && same_fold(a.data + head, b.data + head, 1))
        head++;
    return 2 * tail + head;
}

static void show(struct tw_view v, enum tw_san_type type, char *buf, size_t cap)
{
    size_t n = 0;
    if (type == TW_SAN_IP && v.len == 4) {
        snprintf(buf, cap, "%u.%u.%u.%u", v.data[0], v.data[1], v.data[2], v.data[3]);
        return;
    }
    for (size_t i = 0; type == TW_SAN_IP && v.len == 16 && i < 16 && n + 6 < cap; i += 2)
        n += (size_t)snprintf(buf + n, cap - n, "%s%x", i > 0 ? ":" : "",
                              (unsigned)(v.data[i] << 8 | v.data[i + 1]));
    for (size_t i = 0; type != TW_SAN_IP && i < v.len && n + 2 < cap; i++)
        buf[n++] = v.data[i] > 0x20 && v.data[i] < 0x7f ? (char)v.data[i] : '?';
    buf[n] = '\0';
}

const char *tw_san_text(enum tw_san_type type, struct tw_view value, char *buf, size_t cap)
{
    show(value, type, buf, cap);
    return buf;
}

enum tw_name_match tw_cert_name_match(const struct tw_cert *c, const char *name, char *nearest,
                                      size_t cap)
{
    uint8_t ip[16];
    size_t ip_len = parse_ip(name, ip), best = 0;
    struct tw_view want = without_dot(tw_view_str(name)), value;
    enum tw_san_type type;
    bool shallow = false;
    nearest[0] = '\0';
    for (size_t i = 0; tw_cert_san_at(c, i, &type, &value); i++) {
        bool hit = ip_len > 0 ? type == TW_SAN_IP && tw_view_eq(value, tw_view_of(ip, ip_len))
                              : type == TW_SAN_DNS && dns_match(value, want);
        if (hit) {
            show(value, type, nearest, cap);
            return TW_NAME_OK;
        }
        if (type != TW_SAN_DNS && type != TW_SAN_IP)
            continue;
        bool now = ip_len == 0 && type == TW_SAN_DNS && wildcard_too_shallow(value, want);
        size_t like = now ? SIZE_MAX : likeness(value, want) + 1;
        if (like > best) {
            best = like;
            show(value, type, nearest, cap);
        }
        shallow = shallow || now;
    }
    char cn[256];
    tw_dn_attr(c->subject, "CN", cn, sizeof cn);
    if (nearest[0] == '\0')
        tw_copy_str(nearest, cap, cn);
    if (shallow)
        return TW_NAME_WILDCARD_DEPTH;
    if (!c->has_san && cn[0] != '\0' && dns_match(tw_view_str(cn), want))
        return TW_NAME_NO_SAN;
    return ip_len > 0 ? TW_NAME_IP_NOT_IN_SAN : TW_NAME_MISMATCH;
}
