/*
 * Pastes come with colours, smart quotes, wrapped lines, JSON escapes and HTML entities. One pass
 * takes all that off, so that patterns are written once, plainly.
 */
#include "explain/explain_internal.h"

static size_t left(const struct tw_fold *f)
{
    return f->in.len - f->pos;
}

/* ESC [ parameters letter; pos is at ESC. Length, 0 when it is none. */
static size_t escape_len(const struct tw_fold *f)
{
    const uint8_t *p = f->in.data + f->pos;
    size_t n = left(f) < 32 ? left(f) : 32;
    if (n < 3 || p[0] != 0x1b || p[1] != '[')
        return 0;
    for (size_t i = 2; i < n; i++)
        if (p[i] >= 0x40 && p[i] <= 0x7e)
            return i + 1;
    return 0;
}

static bool starts(const struct tw_fold *f, const char *s, size_t n)
{
    return left(f) >= n && memcmp(f->in.data + f->pos, s, n) == 0;
}

struct dress {
    const char *bytes;
    uint8_t n;
    char plain;
};

/* UTF-8 punctuation, and entities. */
static const struct dress dresses[] = {
    {"\xe2\x80\x98", 3, '\''}, {"\xe2\x80\x99", 3, '\''}, {"\xe2\x80\x9a", 3, '\''},
    {"\xe2\x80\x9c", 3, '\''}, {"\xe2\x80\x9d", 3, '\''}, {"\xe2\x80\x9e", 3, '\''},
    {"\xe2\x80\xb9", 3, '\''}, {"\xe2\x80\xba", 3, '\''}, {"\xc2\xab", 2, '\''},
    {"\xc2\xbb", 2, '\''},     {"\xc2\xb4", 2, '\''},     {"\xe2\x80\x93", 3, '-'},
    {"\xe2\x80\x94", 3, '-'},  {"\xe2\x80\x91", 3, '-'},  {"\xc2\xa0", 2, ' '},
    {"&quot;", 6, '\''},       {"&#34;", 5, '\''},        {"&#39;", 5, '\''},
    {"&#x27;", 6, '\''},       {"&apos;", 6, '\''},       {"&lt;", 4, '<'},
    {"&gt;", 4, '>'},          {"&amp;", 5, '&'},         {"&nbsp;", 6, ' '},
};

static int undress(struct tw_fold *f)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(dresses); i++)
        if (starts(f, dresses[i].bytes, dresses[i].n)) {
            f->pos += dresses[i].n;
            return dresses[i].plain;
        }
    return f->in.data[f->pos++];
}

/* \n \r \t \" \' \/ \\ as JSON and shells write them; pos is at the backslash. */
static int unescape(struct tw_fold *f)
{
    int next = left(f) >= 2 ? f->in.data[f->pos + 1] : 0;
    switch (next) {
    case 'n':
        f->pos += 2;
        return '\n';
    case 'r':
    case 't':
        f->pos += 2;
        return ' ';
    case '"':
    case '\'':
        f->pos += 2;
        return '\'';
    case '/':
        f->pos += 2;
        return '/';
    default:
        f->pos++;
        return '\\';
    }
}

static int one(struct tw_fold *f)
{
    uint8_t c = f->in.data[f->pos];
    if (c >= 'A' && c <= 'Z') {
        f->pos++;
        return c + ('a' - 'A');
    }
    if (c == '\\')
        return unescape(f);
    if (c == '&' || c == 0xe2 || c == 0xc2)
        return undress(f);
    f->pos++;
    if (c == '"' || c == '`')
        return '\'';
    return c;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == 0;
}

/* The rest of a run of blanks; true when a line ends in it. */
static bool skip_blanks(struct tw_fold *f)
{
    bool line = false;
    while (f->pos < f->in.len) {
        size_t was = f->pos, esc = escape_len(f);
        if (esc > 0) {
            f->pos += esc;
            continue;
        }
        int c = one(f);
        if (!is_blank(c)) {
            f->pos = was;
            break;
        }
        line = line || c == '\n';
    }
    return line;
}

int tw_fold_next(struct tw_fold *f)
{
    size_t esc;
    while (f->pos < f->in.len && f->in.data[f->pos] == 0x1b && (esc = escape_len(f)) > 0)
        f->pos += esc;
    if (f->pos >= f->in.len)
        return -1;
    f->at = f->pos;
    int c = one(f);
    if (!is_blank(c)) {
        f->blank = false;
        return c;
    }
    bool line = skip_blanks(f) || c == '\n';
    f->blank = true;
    return line ? '\n' : ' ';
}
