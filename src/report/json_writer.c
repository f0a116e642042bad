/* JSON text (RFC 8259), strings always valid UTF-8. */
#include "report/json_writer.h"

#include "rules/rules.h"

static void key_of(struct json *j, const char *key)
{
    if (j->comma)
        tw_wr_u8(j->out, ',');
    j->comma = true;
    if (key == NULL)
        return;
    tw_wr_u8(j->out, '"');
    tw_buf_str(j->out, key);
    tw_buf_add(j->out, "\":", 2);
}

void json_open(struct json *j, const char *key, char bracket)
{
    key_of(j, key);
    tw_wr_u8(j->out, (uint8_t)bracket);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    tw_wr_u8(j->out, (uint8_t)bracket);
    j->comma = true;
}

/* Length of a well-formed UTF-8 sequence at p (RFC 3629), 0 when it is not one. */
size_t json_utf8_len(const uint8_t *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* Bytes from i on that stand for themselves: printable ASCII but '"' and '\\'. */
static size_t plain_run(struct tw_view v, size_t i)
{
    size_t n = 0;
    while (i + n < v.len && v.data[i + n] >= 0x20 && v.data[i + n] < 0x7f &&
           v.data[i + n] != '"' && v.data[i + n] != '\\')
        n++;
    return n;
}

void json_bytes(struct json *j, const char *key, struct tw_view text)
{
    key_of(j, key);
    tw_wr_u8(j->out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t run = plain_run(text, i);
        tw_buf_add(j->out, text.data + i, run);
        i += run;
        if (i == text.len)
            break;
        uint8_t c = text.data[i];
        size_t len = json_utf8_len(text.data + i, text.len - i);
        if (len == 0) {
            tw_buf_str(j->out, "\\ufffd");
            i++;
            continue;
        }
        if (c == '"' || c == '\\')
            tw_buf_printf(j->out, "\\%c", c);
        else if (c == '\n')
            tw_buf_str(j->out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            tw_buf_printf(j->out, "\\u%04x", c);
        else
            tw_buf_add(j->out, text.data + i, len);
        i += len;
    }
    tw_wr_u8(j->out, '"');
}

void json_null(struct json *j, const char *key)
{
    key_of(j, key);
    tw_buf_str(j->out, "null");
}

void json_str(struct json *j, const char *key, const char *text)
{
    if (text == NULL)
        json_null(j, key);
    else
        json_bytes(j, key, tw_view_str(text));
}

static void write_int(struct tw_buf *out, int64_t v)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (v < 0)
        digits[--at] = '-';
    tw_buf_add(out, digits + at, sizeof digits - at);
}

void json_int(struct json *j, const char *key, int64_t v)
{
    key_of(j, key);
    write_int(j->out, v);
}

void json_time(struct json *j, const char *key, uint64_t ns, double scale)
{
    key_of(j, key);
    tw_buf_printf(j->out, "%.3f", (double)ns / scale);
}

void json_seconds(struct json *j, const char *key, uint64_t ns)
{
    key_of(j, key);
    tw_buf_printf(j->out, "%llu.%06u", (unsigned long long)(ns / 1000000000u),
                  (unsigned)(ns / 1000u % 1000000u));
}

void json_bool(struct json *j, const char *key, bool v)
{
    key_of(j, key);
    tw_buf_str(j->out, v ? "true" : "false");
}

void json_maps(struct json *j, const char *id)
{
    const struct tw_map *m = tw_map_by_id(id);
    if (m == NULL) {
        json_null(j, "maps");
        return;
    }
    json_open(j, "maps", '{');
    for (size_t i = 0; i < TW_MAP_STANDARDS; i++)
        json_str(j, tw_map_key(i), m->name[i][0] == '\0' ? NULL : m->name[i]);
    json_close(j, '}');
}
