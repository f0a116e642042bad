/*
 * Name constraints (RFC 5280 4.2.1.10 and 6.1.3 b, c) over a whole path. Each CA's subtrees are
 * applied to every certificate below it but self-issued ones in between. Work is bounded by
 * MAX_NAME_CHECKS comparisons per path search, since names times constraints grow without bound.
 */
#include "x509/path_internal.h"

enum verdict { OUTSIDE, INSIDE, MALFORMED_BASE, MALFORMED_NAME };

/* Types of GeneralName that constraints are understood for. */
enum { OTHER = 0, EMAIL = 1, DNS = 2, DIRNAME = 4, URI = 6, IP = 7 };

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool equal_fold(struct tw_view a, struct tw_view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

/* name is base, or ends in "." base */
static bool below(struct tw_view name, struct tw_view base)
{
    if (name.len <= base.len)
        return equal_fold(name, base);
    struct tw_view tail = tw_view_sub(name, name.len - base.len, base.len);
    return name.data[name.len - base.len - 1] == '.' && equal_fold(tail, base);
}

static struct tw_view cut_front(struct tw_view v, size_t n)
{
    return tw_view_sub(v, n, v.len - n);
}

static struct tw_view without_dot(struct tw_view v)
{
    return v.len > 1 && v.data[v.len - 1] == '.' ? tw_view_sub(v, 0, v.len - 1) : v;
}

/* ---- one name against one base --------------------------------------------------------------------- */

/* strict: the leading dot that many CAs write, though only URIs may have it, is no DNS name. */
static enum verdict dns(struct tw_view name, struct tw_view base, bool excluded, bool strict)
{
    name = without_dot(name);
    if (!tw_dns_name_valid(name, true, true))
        return MALFORMED_NAME;
    if (base.len == 0)
        return INSIDE;
    bool dot = base.data[0] == '.';
    struct tw_view host = dot ? cut_front(base, 1) : base;
    if ((dot && strict) || !tw_dns_name_valid(without_dot(host), true, false))
        return MALFORMED_BASE;
    host = without_dot(host);
    bool wildcard = name.data[0] == '*';
    struct tw_view known = wildcard ? cut_front(name, 2) : name;
    if (below(known, host) && !(dot && !wildcard && known.len == host.len))
        return INSIDE;
    /* *.example.org may stand for bar.example.org: that is enough to be excluded by it */
    const uint8_t *first = memchr(host.data, '.', host.len);
    if (excluded && wildcard && first != NULL &&
        equal_fold(cut_front(host, (size_t)(first - host.data) + 1), known))
        return INSIDE;
    return OUTSIDE;
}

static bool split_mailbox(struct tw_view v, struct tw_view *local, struct tw_view *host)
{
    const uint8_t *at = v.len == 0 ? NULL : memchr(v.data, '@', v.len);
    if (at == NULL)
        return false;
    *local = tw_view_of(v.data, (size_t)(at - v.data));
    *host = cut_front(v, local->len + 1);
    return local->len > 0 && tw_dns_name_valid(*host, true, false);
}

static enum verdict email(struct tw_view name, struct tw_view base)
{
    struct tw_view local, host, base_local, base_host;
    if (!split_mailbox(name, &local, &host))
        return MALFORMED_NAME;
    if (base.len == 0)
        return INSIDE;
    if (memchr(base.data, '@', base.len) != NULL) {
        if (!split_mailbox(base, &base_local, &base_host))
            return MALFORMED_BASE;
        return tw_view_eq(local, base_local) && equal_fold(host, base_host) ? INSIDE : OUTSIDE;
    }
    bool dot = base.data[0] == '.';
    base_host = dot ? cut_front(base, 1) : base;
    if (!tw_dns_name_valid(base_host, true, false))
        return MALFORMED_BASE;
    if (!dot)
        return equal_fold(host, base_host) ? INSIDE : OUTSIDE;
    return host.len > base_host.len && below(host, base_host) ? INSIDE : OUTSIDE;
}

/* Host of a URI with an authority (RFC 3986 3.2); addresses are no hosts here. */
static bool uri_host(struct tw_view uri, struct tw_view *host)
{
    uint8_t ip[16];
    char text[256];
    const uint8_t *p = memmem(uri.data, uri.len, "://", 3);
    if (p == NULL)
        return false;
    struct tw_view rest = cut_front(uri, (size_t)(p - uri.data) + 3);
    size_t n = 0, start = 0;
    while (n < rest.len && rest.data[n] != '/' && rest.data[n] != '?' && rest.data[n] != '#') {
        if (rest.data[n] == '@')
            start = n + 1;
        n++;
    }
    rest = tw_view_sub(rest, start, n - start);
    const uint8_t *colon = rest.len == 0 ? NULL : memchr(rest.data, ':', rest.len);
    *host = colon == NULL ? rest : tw_view_sub(rest, 0, (size_t)(colon - rest.data));
    if (host->len >= sizeof text || !tw_dns_name_valid(without_dot(*host), true, false))
        return false;
    memcpy(text, host->data, host->len);
    text[host->len] = '\0';
    return tw_ip_parse(text, ip) == 0;
}

static enum verdict uri(struct tw_view name, struct tw_view base)
{
    struct tw_view host;
    if (!uri_host(name, &host))
        return MALFORMED_NAME;
    if (base.len == 0)
        return INSIDE;
    bool dot = base.data[0] == '.';
    struct tw_view want = dot ? cut_front(base, 1) : base;
    if (!tw_dns_name_valid(want, true, false))
        return MALFORMED_BASE;
    host = without_dot(host);
    if (!dot)
        return equal_fold(host, want) ? INSIDE : OUTSIDE;
    return host.len > want.len && below(host, want) ? INSIDE : OUTSIDE;
}

/* An address and its mask, which must be ones then zeros. */
static enum verdict ip(struct tw_view name, struct tw_view base)
{
    if (name.len != 4 && name.len != 16)
        return MALFORMED_NAME;
    if (base.len != 8 && base.len != 32)
        return MALFORMED_BASE;
    size_t n = base.len / 2;
    bool zero_seen = false, same = name.len == n;
    for (size_t i = 0; i < 8 * n; i++) {
        bool one = (base.data[n + i / 8] >> (7 - i % 8) & 1) != 0;
        if (one && zero_seen)
            return MALFORMED_BASE;
        zero_seen = zero_seen || !one;
    }
    for (size_t i = 0; same && i < n; i++)
        same = ((name.data[i] ^ base.data[i]) & base.data[n + i]) == 0;
    return same ? INSIDE : OUTSIDE;
}

static enum verdict within(unsigned type, struct tw_view name, struct tw_view base, bool excluded,
                           bool strict)
{
    switch (type) {
    case DNS:
        return dns(name, base, excluded, strict);
    case EMAIL:
        return email(name, base);
    case URI:
        return uri(name, base);
    case IP:
        return ip(name, base);
    case DIRNAME:
        return tw_dn_within(base, name) ? INSIDE : OUTSIDE;
    default: /* otherName, x400Address, ediPartyName, registeredID: not to be told */
        return MALFORMED_BASE;
    }
}

/* ---- one name against all subtrees of a CA ------------------------------------------------------------ */

struct walk {
    struct builder *b;
    struct tw_path *path;
    int ca, step;            /* whose constraints, whose names */
    bool strict;
    struct tw_view constraints;
    bool over;               /* something was found wrong, or the budget is spent */
};

static void violation(struct walk *w, unsigned type, struct tw_view name, const char *how)
{
    char text[200], ca[160];
    w->over = true;
    tw_san_text((enum tw_san_type)type, name, text, sizeof text);
    path_fault(w->b, w->path, TW_PATH_NAME_CONSTRAINTS, w->step, "RFC 5280 4.2.1.10",
               "%s %s the name constraints of %s", text[0] != '\0' ? text : "a name", how,
               cert_words(w->path->steps[w->ca].cert, ca, sizeof ca));
}

/* GeneralSubtree: base, and minimum and maximum that must not be used (RFC 5280 4.2.1.10). */
static bool next_subtree(struct tw_reader *list, unsigned *type, struct tw_view *base,
                         bool *has_range)
{
    struct tw_reader in;
    uint8_t tag;
    if (!tw_rd_more(list))
        return false;
    struct tw_reader s = der_next(list, DER_SEQ, "GeneralSubtree");
    struct tw_reader v = der_any(&s, &tag, NULL, "base");
    *type = tag & 0x1f;
    *base = tw_rd_rest(&v);
    *has_range = false;
    if (der_optional(&s, 0x80, &in))
        *has_range = tw_rd_left(&in) != 1 || in.data[in.pos] != 0;
    *has_range = *has_range || tw_rd_more(&s);
    return tw_rd_ok(&s) && tw_rd_ok(list);
}

/* permittedSubtrees [0], then excludedSubtrees [1] */
static void check_list(struct walk *w, struct tw_reader *list, bool excluded, unsigned type,
                       struct tw_view name)
{
    unsigned base_type;
    struct tw_view base;
    bool has_range, any = false, inside = false;
    while (!w->over && next_subtree(list, &base_type, &base, &has_range)) {
        if (w->b->name_checks == 0) {
            w->over = true;
            path_fault(w->b, w->path, TW_PATH_LIMIT, w->step, NULL,
                       "more than %d comparisons of names with name constraints", MAX_NAME_CHECKS);
            return;
        }
        w->b->name_checks--;
        if (base_type != type)
            continue;
        any = true;
        enum verdict v = has_range ? MALFORMED_BASE : within(type, name, base, excluded, w->strict);
        if (v == MALFORMED_BASE)
            violation(w, type, name, "cannot be compared with a malformed or unknown entry of");
        else if (v == MALFORMED_NAME)
            violation(w, type, name, "is malformed and cannot be compared with");
        else if (v == INSIDE && excluded)
            violation(w, type, name, "is excluded by");
        inside = inside || v == INSIDE;
    }
    if (!w->over && any && !excluded && !inside)
        violation(w, type, name, "is not permitted by");
}

static void check_name(struct walk *w, unsigned type, struct tw_view name)
{
    struct tw_reader nc = der_open(w->constraints, DER_SEQ, "nameConstraints"), list;
    if (!w->over && der_optional(&nc, 0xa0, &list))
        check_list(w, &list, false, type, name);
    if (!w->over && der_optional(&nc, 0xa1, &list))
        check_list(w, &list, true, type, name);
}

/* ---- all names of a certificate -------------------------------------------------------------------------- */

/* RFC 5280 asks this for e-mail addresses in the subject; host names in a CN are treated alike where
 * the certificate has no dNSName, as OpenSSL does, since some clients take them for the name. */
static void check_subject_attributes(struct walk *w, const struct tw_cert *c, bool cn_too)
{
    struct tw_dn_iter it = tw_dn_begin(c->subject);
    char type[64], value[256];
    while (!w->over && tw_dn_next(&it, type, sizeof type, value, sizeof value)) {
        if (strcmp(type, "emailAddress") == 0)
            check_name(w, EMAIL, tw_view_str(value));
        else if (cn_too && strcmp(type, "CN") == 0 && strchr(value, '.') != NULL &&
                 tw_dns_name_valid(tw_view_str(value), true, true))
            check_name(w, DNS, tw_view_str(value));
    }
}

static void check_cert(struct walk *w, const struct tw_cert *c, bool is_leaf)
{
    struct tw_view name;
    size_t pos = 0;
    unsigned tag;
    bool has_dns = false;
    if (!tw_dn_empty(c->subject))
        check_name(w, DIRNAME, c->subject);
    while (!w->over && tw_general_name_next(c->san, &pos, &tag, &name)) {
        has_dns = has_dns || tag == DNS;
        check_name(w, tag, name);
    }
    if (!w->over)
        check_subject_attributes(w, c, is_leaf && !has_dns);
}

void path_check_names(struct builder *b, struct tw_path *p)
{
    for (size_t ca = p->n; ca-- > 1;) {
        const struct tw_cert *c = p->steps[ca].cert;
        if (c->name_constraints.len == 0)
            continue;
        for (size_t i = ca; i-- > 0;) {
            if (i > 0 && p->steps[i].cert->self_issued)
                continue;
            struct walk w = {b, p, (int)ca, (int)i, b->req->policy != TW_POLICY_RFC5280,
                             c->name_constraints, false};
            check_cert(&w, p->steps[i].cert, i == 0);
        }
    }
}
