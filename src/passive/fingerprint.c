/*
 * Fingerprints of hellos by which people look up clients and servers.
 * Sources: https://github.com/salesforce/ja3 (JA3), https://github.com/FoxIO-LLC/ja4 (JA4, JA4S).
 */
#include "passive/internal.h"

#include <ctype.h>

enum { MAX_LIST = 512, HASH_CHARS = 12 };

struct numbers {
    uint16_t v[MAX_LIST];
    size_t n;
};

static void push(struct numbers *l, uint16_t v)
{
    if (l->n < MAX_LIST && !tw_is_grease(v))
        l->v[l->n++] = v;
}

static struct numbers u16_numbers(struct tw_view v)
{
    struct numbers l = {.n = 0};
    struct tw_reader r = tw_rd_of(v);
    while (tw_rd_left(&r) >= 2)
        push(&l, tw_rd_u16(&r, "value"));
    return l;
}

static struct numbers extension_numbers(struct tw_view block)
{
    struct numbers l = {.n = 0};
    struct tw_reader r = tw_rd_of(block);
    struct tw_ext e;
    while (tw_ext_next(&r, &e))
        push(&l, e.type);
    return l;
}

/* The list inside of an extension's body, without its length. */
static struct numbers inner_numbers(struct tw_view block, uint16_t type, size_t len_bytes)
{
    struct tw_view body;
    if (!tw_ext_find(block, type, &body))
        return (struct numbers){.n = 0};
    struct tw_reader r = tw_rd_of(body);
    return u16_numbers(tw_rd_vec(&r, len_bytes, "list"));
}

static void add_text(char *buf, size_t cap, size_t *at, const char *sep, unsigned v, bool hex)
{
    int n = snprintf(buf + *at, cap - *at, hex ? "%s%04x" : "%s%u", sep, v);
    if (n > 0 && (size_t)n < cap - *at)
        *at += (size_t)n;
}

static void add_list(char *buf, size_t cap, size_t *at, const struct numbers *l, char sep, bool hex)
{
    char s[2] = {sep, '\0'};
    for (size_t i = 0; i < l->n; i++)
        add_text(buf, cap, at, i == 0 ? "" : s, l->v[i], hex);
}

static void ja3(struct tw_crypto *c, struct tw_glance *g, const struct tw_client_hello *m)
{
    char buf[8192] = "";
    size_t at = 0;
    struct numbers ciphers = u16_numbers(m->ciphers), exts = extension_numbers(m->extensions),
                   groups = inner_numbers(m->extensions, TW_EXT_SUPPORTED_GROUPS, 2);
    add_text(buf, sizeof buf, &at, "", m->version, false);
    buf[at++] = ',';
    add_list(buf, sizeof buf, &at, &ciphers, '-', false);
    buf[at++] = ',';
    add_list(buf, sizeof buf, &at, &exts, '-', false);
    buf[at++] = ',';
    add_list(buf, sizeof buf, &at, &groups, '-', false);
    buf[at++] = ',';
    struct tw_view body;
    if (tw_ext_find(m->extensions, TW_EXT_EC_POINT_FORMATS, &body)) {
        struct tw_reader r = tw_rd_of(body);
        struct tw_view formats = tw_rd_vec(&r, 1, "formats");
        for (size_t i = 0; i < formats.len && i < 16; i++)
            add_text(buf, sizeof buf, &at, i == 0 ? "" : "-", formats.data[i], false);
    }
    uint8_t md[TW_HASH_MAX];
    struct tw_view part = tw_view_of(buf, at);
    if (c->digest(c->ctx, TW_HASH_MD5, &part, 1, md) == 16)
        memcpy(g->ja3, md, 16);
}

static void sort(struct numbers *l)
{
    for (size_t i = 1; i < l->n; i++) {
        uint16_t v = l->v[i];
        size_t k = i;
        for (; k > 0 && l->v[k - 1] > v; k--)
            l->v[k] = l->v[k - 1];
        l->v[k] = v;
    }
}

static void short_hash(struct tw_crypto *c, const char *text, size_t n, char out[HASH_CHARS + 1])
{
    uint8_t md[TW_HASH_MAX] = {0};
    struct tw_view part = tw_view_of(text, n);
    memset(out, '0', HASH_CHARS);
    out[HASH_CHARS] = '\0';
    if (n == 0 || c->digest(c->ctx, TW_HASH_SHA256, &part, 1, md) == 0)
        return;
    for (size_t i = 0; i < HASH_CHARS / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", md[i]);
}

static const char *version_word(uint16_t v)
{
    switch (v) {
    case TW_TLS13:
        return "13";
    case TW_TLS12:
        return "12";
    case TW_TLS11:
        return "11";
    case TW_TLS10:
        return "10";
    case TW_SSL3:
        return "s3";
    case TW_SSL2:
        return "s2";
    case 0xfeff:
        return "d1";
    case 0xfefd:
        return "d2";
    case 0xfefc:
        return "d3";
    default:
        return "00";
    }
}

/* The first and the last character of the first protocol; of its hex form when they are none. */
static void alpn_word(struct tw_view block, char out[3])
{
    struct tw_view body, proto;
    memcpy(out, "00", 3);
    if (!tw_ext_find(block, TW_EXT_ALPN, &body) || !tw_ext_alpn_at(body, 0, &proto) ||
        proto.len == 0)
        return;
    uint8_t a = proto.data[0], z = proto.data[proto.len - 1];
    if (a < 128 && z < 128 && isalnum(a) && isalnum(z)) {
        out[0] = (char)a;
        out[1] = (char)z;
        return;
    }
    static const char digits[] = "0123456789abcdef";
    out[0] = digits[a >> 4];
    out[1] = digits[z & 15];
}

static uint16_t highest_version(const struct tw_client_hello *m)
{
    struct numbers l = inner_numbers(m->extensions, TW_EXT_SUPPORTED_VERSIONS, 1);
    uint16_t best = 0;
    for (size_t i = 0; i < l.n; i++)
        best = l.v[i] > best ? l.v[i] : best;
    return l.n > 0 ? best : m->version;
}

static unsigned two_digits(size_t n)
{
    return n > 99 ? 99 : (unsigned)n;
}

static void ja4(struct tw_crypto *c, struct tw_glance *g, char proto,
                const struct tw_client_hello *m)
{
    char text[6144] = "", hash_b[HASH_CHARS + 1], hash_c[HASH_CHARS + 1], alpn[3];
    size_t at = 0;
    struct numbers ciphers = u16_numbers(m->ciphers), exts = extension_numbers(m->extensions),
                   hashed = {.n = 0},
                   sigs = inner_numbers(m->extensions, TW_EXT_SIGNATURE_ALGORITHMS, 2);
    struct tw_view sni;
    size_t n_ciphers = ciphers.n, n_exts = exts.n;
    sort(&ciphers);
    sort(&exts);
    add_list(text, sizeof text, &at, &ciphers, ',', true);
    short_hash(c, text, at, hash_b);
    for (size_t i = 0; i < exts.n; i++)
        if (exts.v[i] != TW_EXT_SERVER_NAME && exts.v[i] != TW_EXT_ALPN)
            push(&hashed, exts.v[i]);
    at = 0;
    add_list(text, sizeof text, &at, &hashed, ',', true);
    if (sigs.n > 0 && at + 1 < sizeof text) {
        text[at++] = '_';
        add_list(text, sizeof text, &at, &sigs, ',', true);
    }
    short_hash(c, text, n_exts == 0 ? 0 : at, hash_c);
    alpn_word(m->extensions, alpn);
    snprintf(g->ja4, sizeof g->ja4, "%c%s%c%02u%02u%s_%s_%s", proto,
             version_word(highest_version(m)),
             tw_ext_find(m->extensions, TW_EXT_SERVER_NAME, &sni) ? 'd' : 'i',
             two_digits(n_ciphers), two_digits(n_exts), alpn, hash_b, hash_c);
}

void fingerprint_client(struct tw_crypto *c, struct tw_glance *g, char proto,
                        const struct tw_client_hello *m)
{
    ja3(c, g, m);
    ja4(c, g, proto, m);
    g->has_ja = true;
}

void fingerprint_server(struct tw_crypto *c, struct tw_glance *g, char proto,
                        const struct tw_server_hello *m)
{
    char text[3072] = "", hash[HASH_CHARS + 1], alpn[3];
    size_t at = 0;
    struct numbers exts = extension_numbers(m->extensions);
    add_list(text, sizeof text, &at, &exts, ',', true);
    short_hash(c, text, at, hash);
    alpn_word(m->extensions, alpn);
    snprintf(g->ja4s, sizeof g->ja4s, "%c%s%02u%s_%04x_%s", proto,
             version_word(m->selected_version), two_digits(exts.n), alpn, m->cipher, hash);
}
