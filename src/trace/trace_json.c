/*
 * The trace as JSON lines. Saving writes by hand, in one fixed order, so that a trace always
 * gives the same bytes; loading leaves the grammar to jansson and checks every member itself,
 * because a trace file may come from anywhere.
 *
 * One fact a line: {"n":0,"conn":1,"at_us":12.345,"kind":"message","from":"server","msg":2,...}.
 * Members with their zero value are left out (for msg that is TW_NO_MSG); bytes are hex.
 */
#include "trace/trace.h"

#include <inttypes.h>
#include <jansson.h>

enum {
    FORMAT_VERSION = 1,
    LINE_MAX_BYTES = 8 << 20, /* holds the largest handshake message in hex many times over */
    FACTS_MAX = 1 << 20,
    CONN_MAX = 65535 /* readers go through all connections up to the highest */
};

/* Nanoseconds; 290 years, and still fits when a double has rounded it. */
static const uint64_t AT_MAX = UINT64_C(9100000000000000000);

/* ---- saving ------------------------------------------------------------------------------- */

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when there is none. */
static size_t utf8_length(const uint8_t *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) /* the NUL at the end of the text stops this too */
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : n;
}

/* Bytes that are no UTF-8 cannot stand in JSON: each becomes U+FFFD. */
static void put_string(struct tw_buf *out, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    tw_buf_str(out, "\"");
    while (*s != '\0' && !out->failed) {
        size_t n = utf8_length(s);
        if (n == 0)
            tw_buf_str(out, "\xef\xbf\xbd");
        else if (*s == '"' || *s == '\\')
            tw_buf_printf(out, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            tw_buf_printf(out, "\\u%04x", *s);
        else
            tw_buf_add(out, s, n);
        s += n == 0 ? 1 : n;
    }
    tw_buf_str(out, "\"");
}

static void put_text(struct tw_buf *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    tw_buf_printf(out, ",\"%s\":", name);
    put_string(out, text);
}

static void put_int(struct tw_buf *out, const char *name, int64_t v)
{
    if (v != 0)
        tw_buf_printf(out, ",\"%s\":%" PRId64, name, v);
}

/* JSON integers are read as int64_t; a position beyond that cannot occur in a stream. */
static void put_size(struct tw_buf *out, const char *name, uint64_t v)
{
    put_int(out, name, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static void put_hex(struct tw_buf *out, const char *name, struct tw_view v)
{
    static const char digits[] = "0123456789abcdef";
    if (v.len == 0)
        return;
    tw_buf_printf(out, ",\"%s\":\"", name);
    uint8_t *p = v.len > SIZE_MAX / 2 ? NULL : tw_buf_grow(out, 2 * v.len);
    if (p == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < v.len; i++) {
        p[2 * i] = (uint8_t)digits[v.data[i] >> 4];
        p[2 * i + 1] = (uint8_t)digits[v.data[i] & 15];
    }
    tw_buf_str(out, "\"");
}

static void put_fact(struct tw_buf *out, const struct tw_fact *f)
{
    tw_buf_printf(out, "{\"n\":%" PRIu32, f->n);
    put_int(out, "conn", f->conn);
    uint64_t at = f->at > AT_MAX ? AT_MAX : f->at;
    if (at != 0)
        tw_buf_printf(out, ",\"at_us\":%" PRIu64 ".%03u", at / 1000, (unsigned)(at % 1000));
    put_text(out, "kind", tw_fact_kind_name(f->kind));
    if (f->from != TW_NOBODY)
        put_text(out, "from", tw_side_name(f->from));
    if (f->msg != TW_NO_MSG)
        tw_buf_printf(out, ",\"msg\":%u", f->msg);
    if (f->protected_)
        tw_buf_str(out, ",\"protected\":true");
    put_size(out, "off", f->off);
    put_size(out, "len", f->len);
    put_int(out, "num", f->num);
    put_int(out, "aux", f->aux);
    if (*f->field != '\0')
        put_text(out, "field", f->field);
    put_text(out, "text", f->text);
    put_hex(out, "data", f->data);
    put_text(out, "source", f->source);
    tw_buf_str(out, "}\n");
}

enum tw_status tw_trace_save(const struct tw_trace *t, struct tw_buf *out)
{
    size_t n = tw_trace_count(t);
    tw_buf_printf(out, "{\"tlswhy_trace\":%d}\n", FORMAT_VERSION);
    for (size_t i = 0; i < n && !out->failed; i++)
        put_fact(out, tw_trace_at(t, i));
    return out->failed ? TW_E_LIMIT : TW_OK;
}

/* ---- loading ------------------------------------------------------------------------------ */

/* A fact on its way in. Texts borrow from the JSON value, bytes are owned until it is added. */
struct incoming {
    struct tw_fact fact;
    uint8_t *bytes;
    bool has_kind, no_memory;
};

/* Each take_ function gives NULL, or why the value cannot be used. */
typedef const char *take_fn(struct incoming *in, const json_t *v);

static bool whole(const json_t *v, int64_t min, int64_t max, int64_t *out)
{
    if (!json_is_integer(v))
        return false;
    *out = (int64_t)json_integer_value(v);
    return *out >= min && *out <= max;
}

/* The position is given anew, so that lines may be left out of a file. */
static const char *take_n(struct incoming *in, const json_t *v)
{
    int64_t n = 0;
    return whole(v, 0, UINT32_MAX, &n) ? NULL : "n is not a whole number of 32 bits";
}

static const char *take_conn(struct incoming *in, const json_t *v)
{
    int64_t n = 0;
    if (!whole(v, 0, CONN_MAX, &n))
        return "conn is not a whole number from 0 to 65535";
    in->fact.conn = (uint32_t)n;
    return NULL;
}

/* A double holds nanoseconds exactly up to 2^51 (26 days); later times are rounded. */
static const char *take_at(struct incoming *in, const json_t *v)
{
    double us = json_is_number(v) ? json_number_value(v) : -1;
    if (!(us >= 0 && us < 9.2e15))
        return "at_us is not a time in microseconds";
    in->fact.at = (uint64_t)(us * 1000 + 0.5);
    return NULL;
}

static const char *take_kind(struct incoming *in, const json_t *v)
{
    const char *name = json_string_value(v);
    if (name == NULL)
        return "kind is not a string";
    for (int k = 0; k < (int)TW_FACT_KINDS; k++) {
        if (strcmp(name, tw_fact_kind_name((enum tw_fact_kind)k)) == 0) {
            in->fact.kind = (enum tw_fact_kind)k;
            in->has_kind = true;
            return NULL;
        }
    }
    return "unknown kind of fact";
}

static const char *take_from(struct incoming *in, const json_t *v)
{
    static const enum tw_side sides[] = {TW_NOBODY, TW_CLIENT, TW_SERVER, TW_NETWORK, TW_CA};
    const char *name = json_string_value(v);
    for (size_t i = 0; name != NULL && i < TW_ARRAY_LEN(sides); i++) {
        if (strcmp(name, tw_side_name(sides[i])) == 0) {
            in->fact.from = sides[i];
            return NULL;
        }
    }
    return "from is not client, server, network, ca or nobody";
}

static const char *take_msg(struct incoming *in, const json_t *v)
{
    int64_t n = 0;
    if (!whole(v, 0, 255, &n))
        return "msg is not a whole number from 0 to 255";
    in->fact.msg = (uint8_t)n;
    return NULL;
}

static const char *take_protected(struct incoming *in, const json_t *v)
{
    in->fact.protected_ = json_is_true(v);
    return json_is_boolean(v) ? NULL : "protected is neither true nor false";
}

static const char *take_off(struct incoming *in, const json_t *v)
{
    int64_t n = 0;
    if (!whole(v, 0, INT64_MAX, &n))
        return "off is not a whole number from 0";
    in->fact.off = (uint64_t)n;
    return NULL;
}

static const char *take_len(struct incoming *in, const json_t *v)
{
    int64_t n = 0;
    if (!whole(v, 0, INT64_MAX, &n))
        return "len is not a whole number from 0";
    in->fact.len = (uint64_t)n;
    return NULL;
}

static const char *take_num(struct incoming *in, const json_t *v)
{
    return whole(v, INT64_MIN, INT64_MAX, &in->fact.num) ? NULL : "num is not a whole number";
}

static const char *take_aux(struct incoming *in, const json_t *v)
{
    return whole(v, INT64_MIN, INT64_MAX, &in->fact.aux) ? NULL : "aux is not a whole number";
}

static const char *take_field(struct incoming *in, const json_t *v)
{
    in->fact.field = json_string_value(v);
    return in->fact.field != NULL ? NULL : "field is not a string";
}

static const char *take_text(struct incoming *in, const json_t *v)
{
    in->fact.text = json_string_value(v);
    return in->fact.text != NULL ? NULL : "text is not a string";
}

static const char *take_source(struct incoming *in, const json_t *v)
{
    in->fact.source = json_string_value(v);
    return in->fact.source != NULL ? NULL : "source is not a string";
}

static const char *take_data(struct incoming *in, const json_t *v)
{
    const char *hex = json_string_value(v);
    if (hex == NULL)
        return "data is not a string";
    size_t cap = json_string_length(v) / 2, len = 0;
    in->bytes = malloc(cap + 1);
    if (in->bytes == NULL) {
        in->no_memory = true;
        return "no memory for data";
    }
    if (!tw_unhex(hex, in->bytes, cap, &len))
        return "data is not hexadecimal";
    in->fact.data = tw_view_of(in->bytes, len);
    return NULL;
}

static const struct {
    const char *name;
    take_fn *take;
} members[] = {
    {"n", take_n},       {"conn", take_conn}, {"at_us", take_at},
    {"kind", take_kind}, {"from", take_from}, {"msg", take_msg},
    {"off", take_off},   {"len", take_len},   {"protected", take_protected},
    {"num", take_num},   {"aux", take_aux},   {"field", take_field},
    {"text", take_text}, {"data", take_data}, {"source", take_source},
};

static const char *take_member(struct incoming *in, const char *name, const json_t *v)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(members); i++)
        if (strcmp(name, members[i].name) == 0)
            return members[i].take(in, v);
    return "unknown member";
}

static const char *read_fact(json_t *object, struct incoming *in)
{
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const char *reason = take_member(in, json_object_iter_key(it), json_object_iter_value(it));
        if (reason != NULL)
            return reason;
    }
    return in->has_kind ? NULL : "a fact without kind";
}

static enum tw_status load_fact(struct tw_trace *t, json_t *object, const char **reason)
{
    struct incoming in = {.fact = {.msg = TW_NO_MSG}};
    enum tw_status st = TW_OK;
    *reason = read_fact(object, &in);
    if (*reason != NULL)
        st = in.no_memory ? TW_E_NOMEM : TW_E_INPUT;
    else if (tw_trace_count(t) >= FACTS_MAX || tw_trace_add(t, in.fact) == NULL)
        st = TW_E_LIMIT;
    free(in.bytes);
    return st;
}

static enum tw_status check_header(json_t *object, const char **reason)
{
    json_t *v = json_object_get(object, "tlswhy_trace");
    if (v == NULL || json_object_size(object) != 1)
        *reason = "the first line is not the header of a trace, {\"tlswhy_trace\":1}";
    else if (!json_is_integer(v) || json_integer_value(v) != FORMAT_VERSION)
        *reason = "a version of the trace format that this program does not read";
    return *reason == NULL ? TW_OK : TW_E_INPUT;
}

static enum tw_status load_line(struct tw_trace *t, struct tw_view line, bool header,
                                const char **reason)
{
    *reason = NULL;
    if (line.len > LINE_MAX_BYTES) {
        *reason = "line too long";
        return TW_E_INPUT;
    }
    json_error_t err = {0};
    json_t *v = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &err);
    enum tw_status st = TW_E_INPUT;
    if (v == NULL && json_error_code(&err) == json_error_out_of_memory)
        st = TW_E_NOMEM;
    else if (!json_is_object(v))
        *reason = "not a JSON object";
    else if (header)
        st = check_header(v, reason);
    else
        st = load_fact(t, v, reason);
    json_decref(v);
    return st;
}

static bool blank(struct tw_view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
            return false;
    return true;
}

/* Takes one line, without its newline, off the front of in. */
static struct tw_view next_line(struct tw_view *in)
{
    const uint8_t *nl = memchr(in->data, '\n', in->len);
    size_t len = nl == NULL ? in->len : (size_t)(nl - in->data);
    struct tw_view line = {in->data, len};
    *in = tw_view_sub(*in, nl == NULL ? len : len + 1, SIZE_MAX);
    return line;
}

enum tw_status tw_trace_load(struct tw_trace *t, struct tw_view in, size_t *line_out,
                             const char **reason_out)
{
    bool header = true;
    *line_out = 0;
    *reason_out = NULL;
    while (in.len > 0) {
        struct tw_view line = next_line(&in);
        ++*line_out;
        if (blank(line))
            continue;
        enum tw_status st = load_line(t, line, header, reason_out);
        if (st != TW_OK) {
            if (*reason_out == NULL)
                *reason_out = tw_status_text(st);
            return st;
        }
        header = false;
    }
    if (header) {
        *line_out = 1;
        *reason_out = "empty: not even the header of a trace";
        return TW_E_INPUT;
    }
    return TW_OK;
}
