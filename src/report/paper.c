/* Wrapping by words; a column is one UTF-8 sequence, which is right for all that we print. */
#include "report/paper.h"

#include "report/json_writer.h"

void paper_ink(struct paper *p, enum ink ink)
{
    static const char *const codes[] = {"\033[0m", "\033[32m", "\033[1;31m", "\033[2m", "\033[1m"};
    if (p->colour)
        tw_buf_str(p->out, codes[ink]);
}

void paper_word(struct paper *p, enum ink ink, const char *word)
{
    paper_ink(p, ink);
    tw_buf_str(p->out, word);
    paper_ink(p, INK_PLAIN);
    p->used += strlen(word);
}

/* What reorders or hides the text around it (Unicode TR 36, 2.5 and TR 9, 2): zero width and
 * bidirectional controls, line separators, the byte order mark. */
static bool is_invisible(const uint8_t *s, size_t len)
{
    if (len != 3)
        return false;
    unsigned ch = (unsigned)((s[0] & 15) << 12 | (s[1] & 63) << 6 | (s[2] & 63));
    return (ch >= 0x200b && ch <= 0x200f) || (ch >= 0x2028 && ch <= 0x202e) ||
           (ch >= 0x2060 && ch <= 0x206f) || ch == 0xfeff;
}

/* Copies one character; control characters and broken bytes as '?'. Returns bytes taken. */
static size_t put_char(struct paper *p, const uint8_t *s, size_t n)
{
    size_t len = json_utf8_len(s, n);
    bool c1 = len == 2 && s[0] == 0xc2 && s[1] < 0xa0;
    if (len == 0 || s[0] < 0x20 || s[0] == 0x7f || c1 || is_invisible(s, len)) {
        tw_wr_u8(p->out, '?');
        return len == 0 ? 1 : len;
    }
    tw_buf_add(p->out, s, len);
    return len;
}

static size_t columns(const uint8_t *s, size_t n)
{
    size_t cols = 0;
    for (size_t i = 0; i < n; cols++) {
        size_t len = json_utf8_len(s + i, n - i);
        i += len == 0 ? 1 : len;
    }
    return cols;
}

static void spaces(struct paper *p, size_t n)
{
    while (n-- > 0)
        tw_wr_u8(p->out, ' ');
}

static void new_line(struct paper *p, size_t indent, size_t *col)
{
    tw_wr_u8(p->out, '\n');
    spaces(p, indent);
    *col = indent;
}

/* Text in words, from column col on; further lines start at left. */
static void wrap(struct paper *p, size_t col, size_t left, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t n = strlen(text), i = 0;
    bool first = true;
    while (i < n) {
        if (s[i] == '\n') {
            new_line(p, left, &col);
            first = true;
            i++;
            continue;
        }
        if (s[i] == ' ') {
            i++;
            continue;
        }
        size_t len = 0;
        while (i + len < n && s[i + len] != ' ' && s[i + len] != '\n')
            len++;
        size_t cols = columns(s + i, len);
        if (!first && col + 1 + cols > p->width)
            new_line(p, left, &col);
        else if (!first) {
            spaces(p, 1);
            col++;
        }
        for (size_t end = i + len; i < end; col++) {
            if (col >= p->width)
                new_line(p, left, &col); /* a word longer than the line */
            i += put_char(p, s + i, end - i);
        }
        first = false;
    }
    tw_wr_u8(p->out, '\n');
}

/* Returns the column behind it. Like text, a label may hold what a peer or a saved trace says. */
static size_t put_label(struct paper *p, size_t col, const char *label, size_t n)
{
    const uint8_t *s = (const uint8_t *)label;
    for (size_t i = 0; i < n && col + 1 < p->width; col++)
        i += put_char(p, s + i, n - i);
    return col;
}

/* A label that is too long for its width keeps one blank; no line ends in blanks. */
void paper_item(struct paper *p, unsigned indent, const char *label, unsigned label_width,
                const char *text)
{
    size_t len = strlen(label);
    while (text[0] == '\0' && len > 0 && label[len - 1] == ' ')
        len--;
    spaces(p, indent);
    size_t used = put_label(p, p->used + indent, label, len);
    p->used = 0;
    size_t left = indent + label_width;
    size_t gap = left > used ? left - used : len > 0 ? 1 : 0;
    if (text[0] == '\0') {
        tw_wr_u8(p->out, '\n');
        return;
    }
    spaces(p, gap);
    wrap(p, used + gap, left, text);
}

static void put_line(struct paper *p, unsigned indent, const char *text, size_t width)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t n = strlen(text), col = indent;
    spaces(p, indent);
    for (size_t i = 0; i < n && col < width; col++)
        i += put_char(p, s + i, n - i);
    tw_wr_u8(p->out, '\n');
}

void paper_verbatim(struct paper *p, unsigned indent, const char *text)
{
    put_line(p, indent, text, SIZE_MAX);
}

void paper_line(struct paper *p, unsigned indent, const char *text)
{
    put_line(p, indent, text, p->width);
}

void paper_heading(struct paper *p, const char *text)
{
    paper_blank(p);
    paper_ink(p, INK_BOLD);
    tw_buf_str(p->out, text);
    paper_ink(p, INK_PLAIN);
    tw_wr_u8(p->out, '\n');
}

void paper_blank(struct paper *p)
{
    tw_wr_u8(p->out, '\n');
}

void paper_fix(struct paper *p, const struct tw_fix *fix)
{
    enum { LEFT = 20 };
    char label[64], line[512];
    const char *s = fix->snippet == NULL ? "" : fix->snippet;
    snprintf(label, sizeof label, "%s:", fix->for_);
    if (fix->text[0] == '\0' && strchr(s, '\n') == NULL && LEFT + strlen(s) <= p->width) {
        paper_item(p, 2, label, LEFT - 2, s);
        return;
    }
    paper_item(p, 2, label, LEFT - 2, fix->text);
    while (*s != '\0') {
        size_t n = strcspn(s, "\n");
        snprintf(line, sizeof line, "%.*s", (int)n, s);
        paper_verbatim(p, 6, line);
        s += n + (s[n] == '\n');
    }
}
