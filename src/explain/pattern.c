/* A row's pattern against the folded text around its anchor. Bounded backtracking, no recursion
 * deeper than the pattern has placeholders. */
#include "explain/explain_internal.h"

enum { ANY_MAX = 240, FAR_MAX = 600, WORD_MAX = 200, STEPS_MAX = 4000, BACK_MAX = 400 };

struct matcher {
    struct tw_view t;
    unsigned steps;
    struct tw_span span;
};

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool same(char p, uint8_t c)
{
    return (uint8_t)p == c || (p == ' ' && c == '\n');
}

static size_t number_len(struct tw_view t, size_t at, uint64_t *value)
{
    size_t i = at;
    unsigned base = 10;
    *value = 0;
    if (i < t.len && t.data[i] == '-')
        i++;
    if (i + 2 < t.len && t.data[i] == '0' && t.data[i + 1] == 'x') {
        base = 16;
        i += 2;
    }
    size_t from = i;
    for (; i < t.len && i - from < 18; i++) {
        int c = t.data[i];
        unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                     : base == 16 && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 99;
        if (d == 99)
            break;
        *value = *value * base + d;
    }
    return i == from ? 0 : i - at;
}

/* Eight hex digits, or a decimal number as Envoy and others print it. */
static size_t packed_len(struct tw_view t, size_t at, const struct tw_reason **reason, int *alert)
{
    uint64_t v = 0;
    size_t i = at, digits = 0;
    bool hex = false;
    if (t.len - at > 2 && t.data[at] == '0' && t.data[at + 1] == 'x')
        i += 2;
    size_t from = i;
    for (; i < t.len && digits < 10; i++, digits++) {
        int c = t.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            break;
        hex = hex || c > '9';
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (digits == 9 && !hex) {
        v = 0;
        for (size_t k = from; k < i; k++)
            v = v * 10 + (unsigned)(t.data[k] - '0');
    } else if (digits < 7 || digits > 8) {
        return 0;
    }
    *reason = tw_reason_by_code(v);
    *alert = tw_alert_by_code_packed(v);
    return i - at;
}

static bool match_here(struct matcher *m, const char *p, size_t at);

static bool match_gap(struct matcher *m, const char *p, size_t at, size_t max, bool lines,
                      bool blanks, size_t min)
{
    for (size_t n = 0; n <= max && at + n <= m->t.len; n++) {
        if (n >= min && match_here(m, p, at + n))
            return true;
        if (at + n < m->t.len) {
            int c = m->t.data[at + n];
            if ((c == '\n' && !lines) || (!blanks && (c == ' ' || c == '\n')))
                return false;
        }
    }
    return false;
}

static bool match_value(struct matcher *m, const char *p, size_t at)
{
    size_t end = at;
    uint64_t v;
    switch (*p) {
    case TW_PAT_NUMBER: {
        size_t n = number_len(m->t, at, &v);
        return n > 0 && match_here(m, p + 1, at + n);
    }
    case TW_PAT_ALERT_NO: {
        size_t n = number_len(m->t, at, &v);
        if (v >= 0x100 && v <= 0x1ff)
            v -= 0x100; /* QUIC's CRYPTO_ERROR, RFC 9001 4.8 */
        if (n == 0 || v > 255 || tw_alert_row_of((int)v) == NULL)
            return false;
        m->span.alert = (int)v;
        return match_here(m, p + 1, at + n);
    }
    case TW_PAT_ALERT: {
        int alert = tw_alert_at(m->t, at, &end);
        if (alert < 0)
            return false;
        m->span.alert = alert;
        return match_here(m, p + 1, end);
    }
    case TW_PAT_REASON: {
        const struct tw_reason *r = tw_reason_at(m->t, at, &end);
        if (r == NULL)
            return false;
        m->span.reason = r;
        return match_here(m, p + 1, end);
    }
    default: {
        const struct tw_reason *r = NULL;
        int alert = -1;
        size_t n = packed_len(m->t, at, &r, &alert);
        if (n == 0)
            return false;
        if (r != NULL)
            m->span.reason = r;
        if (alert >= 0 && tw_alert_row_of(alert) != NULL)
            m->span.alert = alert;
        return match_here(m, p + 1, at + n);
    }
    }
}

static bool match_here(struct matcher *m, const char *p, size_t at)
{
    for (; *p != '\0'; p++) {
        if (++m->steps > STEPS_MAX)
            return false;
        switch (*p) {
        case TW_PAT_ANY:
            return match_gap(m, p + 1, at, ANY_MAX, false, true, 0);
        case TW_PAT_FAR:
            return match_gap(m, p + 1, at, FAR_MAX, true, true, 0);
        case TW_PAT_WORD:
            return match_gap(m, p + 1, at, WORD_MAX, false, false, 1);
        case TW_PAT_NUMBER:
        case TW_PAT_ALERT_NO:
        case TW_PAT_ALERT:
        case TW_PAT_REASON:
        case TW_PAT_PACKED:
            return match_value(m, p, at);
        case TW_PAT_START:
            if (at > 0 && m->t.data[at - 1] != '\n')
                return false;
            break;
        case TW_PAT_END:
            if (at < m->t.len && m->t.data[at] != '\n')
                return false;
            break;
        default:
            if (at >= m->t.len || !same(*p, m->t.data[at]))
                return false;
            at++;
        }
    }
    /* a word must not go on: 4 is not 40, BAD_CERT is not BAD_CERT_DOMAIN */
    if (at > 0 && at < m->t.len && is_word(m->t.data[at - 1]) && is_word(m->t.data[at]))
        return false;
    m->span.end = at;
    return true;
}

static bool match_from(struct matcher *m, const char *pattern, size_t start)
{
    if (start > 0 && is_word(m->t.data[start - 1]) && is_word(m->t.data[start]) &&
        *pattern > ' ')
        return false;
    m->span = (struct tw_span){.start = start, .alert = -1};
    return match_here(m, pattern, start);
}

bool tw_row_match(const struct tw_row *row, struct tw_view text, size_t anchor_end,
                      struct tw_span *out)
{
    struct matcher m = {.t = text};
    const char *p = row->pattern, *anchor = tw_explain_anchors[row->anchor].text;
    size_t len = strlen(anchor), lead = 0;
    /* In its first literal, or somewhere behind a placeholder? */
    while (p[lead] != '\0' && (uint8_t)p[lead] >= ' ')
        lead++;
    size_t skip = *p == TW_PAT_START;
    const char *in = strstr(p, anchor);
    if (in == NULL || anchor_end < len)
        return false;
    size_t before = (size_t)(in - p);
    bool direct = skip ? strcspn(p + 1, "\1\2\3\4\5\6\7\13\14\16") >= before - 1 + len
                       : before + len <= lead;
    size_t from = anchor_end - len;
    if (direct) {
        if (from < before - skip || !match_from(&m, p, from - (before - skip)))
            return false;
        *out = m.span;
        return true;
    }
    size_t low = from > BACK_MAX ? from - BACK_MAX : 0;
    for (size_t s = from + 1; s-- > low;) {
        if ((uint8_t)*p >= ' ' && !same(*p, text.data[s]))
            continue;
        if (match_from(&m, p, s) && m.span.end >= anchor_end) {
            *out = m.span;
            return true;
        }
    }
    return false;
}
