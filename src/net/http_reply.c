/* HTTP/1.x responses, and dates. */
#include "net/http_reply.h"

#include "x509/der.h"

enum stage { STATUS_LINE, HEADERS, BODY, BODY_TO_END, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILERS,
             FINISHED };

void tw_http_reply_init(struct tw_http_reply *r, size_t max_body)
{
    *r = (struct tw_http_reply){.date = -1};
    tw_buf_init(&r->head, TW_REPLY_MAX_HEAD);
    tw_buf_init(&r->body, max_body);
}

void tw_http_reply_cleanup(struct tw_http_reply *r)
{
    tw_buf_cleanup(&r->head);
    tw_buf_cleanup(&r->body);
}

/* ---- dates --------------------------------------------------------------------------------------- */

static int number(struct tw_view v, size_t at, size_t n)
{
    int x = 0;
    for (size_t i = at; i < at + n; i++) {
        if (i >= v.len || v.data[i] < '0' || v.data[i] > '9')
            return -1;
        x = x * 10 + (v.data[i] - '0');
    }
    return x;
}

bool tw_http_date(struct tw_view v, int64_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (v.len != 29 || v.data[3] != ',' || memcmp(v.data + 25, " GMT", 4) != 0)
        return false;
    int month = 0;
    for (int i = 0; i < 12; i++)
        if (memcmp(v.data + 8, months + (size_t)i * 3, 3) == 0)
            month = i + 1;
    int day = number(v, 5, 2), year = number(v, 12, 4), h = number(v, 17, 2), m = number(v, 20, 2),
        s = number(v, 23, 2);
    if (month == 0 || day < 1 || day > 31 || year < 1970 || h < 0 || h > 23 || m < 0 || m > 59 ||
        s < 0 || s > 60)
        return false;
    *out = der_days(year, month, day) * 86400 + h * 3600 + m * 60 + s;
    return true;
}

/* ---- header ----------------------------------------------------------------------------------------- */

static struct tw_view trimmed(struct tw_view v)
{
    while (v.len > 0 && (v.data[0] == ' ' || v.data[0] == '\t'))
        v = tw_view_sub(v, 1, v.len - 1);
    while (v.len > 0 && (v.data[v.len - 1] == ' ' || v.data[v.len - 1] == '\t'))
        v = tw_view_sub(v, 0, v.len - 1);
    return v;
}

static bool content_length(struct tw_http_reply *r, struct tw_view v)
{
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] < '0' || v.data[i] > '9' || i >= 15)
            return false;
        n = n * 10 + (uint64_t)(v.data[i] - '0');
    }
    if (v.len == 0 || (r->has_length && r->left != n))
        return false;
    r->has_length = true;
    r->left = n;
    return true;
}

static bool header_line(struct tw_http_reply *r, struct tw_view line)
{
    const uint8_t *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    if (colon == NULL)
        return false;
    size_t n = (size_t)(colon - line.data);
    struct tw_view name = tw_view_sub(line, 0, n), v = trimmed(tw_view_sub(line, n + 1, line.len));
    if (tw_view_ieq(name, "content-length"))
        return content_length(r, v);
    if (tw_view_ieq(name, "transfer-encoding")) {
        r->chunked = tw_view_ieq(v, "chunked");
        return r->chunked || tw_view_ieq(v, "identity");
    }
    if (tw_view_ieq(name, "location") && v.len < sizeof r->location) {
        if (v.len > 0)
            memcpy(r->location, v.data, v.len);
        r->location[v.len] = '\0';
    } else if (tw_view_ieq(name, "age")) {
        r->aged = true;
    } else if (tw_view_ieq(name, "date") && !tw_http_date(v, &r->date)) {
        r->date = -1;
    }
    return true;
}

static bool status_line(struct tw_http_reply *r, struct tw_view line)
{
    bool http = line.len >= 12 && memcmp(line.data, "HTTP/1.", 7) == 0 && line.data[8] == ' ';
    r->status = http ? number(line, 9, 3) : -1;
    return r->status >= 100;
}

static void after_headers(struct tw_http_reply *r)
{
    if (r->status < 200) { /* 100 Continue and the like: the real one follows */
        r->stage = STATUS_LINE;
        r->has_length = false;
    } else if (r->status == 204 || r->status == 304 || (r->has_length && r->left == 0)) {
        r->stage = FINISHED;
    } else {
        r->stage = r->chunked ? CHUNK_SIZE : r->has_length ? BODY : BODY_TO_END;
        if (r->stage == BODY && r->left > r->body.max)
            r->state = TW_REPLY_TOO_LARGE;
    }
}

static bool chunk_size(struct tw_http_reply *r, struct tw_view line)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < line.len && line.data[i] != ';' && line.data[i] != ' '; i++) {
        uint8_t c = line.data[i] | 0x20;
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0 || i >= 12)
            return false;
        n = n << 4 | (unsigned)d;
    }
    r->left = n;
    r->stage = n == 0 ? TRAILERS : CHUNK_DATA;
    return i > 0;
}

static bool take_line(struct tw_http_reply *r, struct tw_view line)
{
    switch (r->stage) {
    case STATUS_LINE:
        r->stage = HEADERS;
        return status_line(r, line);
    case HEADERS:
        if (line.len > 0)
            return header_line(r, line);
        after_headers(r);
        return true;
    case CHUNK_SIZE:
        return chunk_size(r, line);
    case CHUNK_END:
        r->stage = CHUNK_SIZE;
        return line.len == 0;
    default: /* TRAILERS */
        if (line.len == 0)
            r->stage = FINISHED;
        return true;
    }
}

/* ---- bytes -------------------------------------------------------------------------------------------- */

/* Takes bytes up to the end of a line; true when a whole line was there. */
static bool line_bytes(struct tw_http_reply *r, struct tw_view *in)
{
    const uint8_t *nl = memchr(in->data, '\n', in->len);
    size_t n = nl == NULL ? in->len : (size_t)(nl - in->data) + 1;
    if (!tw_buf_add(&r->head, in->data, n)) {
        r->state = TW_REPLY_BAD; /* a header without end */
        return false;
    }
    *in = tw_view_sub(*in, n, in->len - n);
    if (nl == NULL)
        return false;
    struct tw_view line = tw_view_sub(tw_buf_view(&r->head), 0, r->head.len - 1);
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (!take_line(r, line))
        r->state = TW_REPLY_BAD;
    r->head.len = 0;
    return true;
}

static void body_bytes(struct tw_http_reply *r, struct tw_view *in)
{
    size_t n = in->len;
    if (r->stage != BODY_TO_END && n > r->left)
        n = (size_t)r->left;
    if (!tw_buf_add(&r->body, in->data, n)) {
        r->state = TW_REPLY_TOO_LARGE;
        return;
    }
    *in = tw_view_sub(*in, n, in->len - n);
    if (r->stage == BODY_TO_END)
        return;
    r->left -= n;
    if (r->left == 0)
        r->stage = r->stage == BODY ? FINISHED : CHUNK_END;
}

enum tw_reply_state tw_http_reply_feed(struct tw_http_reply *r, struct tw_view in)
{
    while (r->state == TW_REPLY_MORE && in.len > 0 && r->stage != FINISHED) {
        bool body = r->stage == BODY || r->stage == BODY_TO_END || r->stage == CHUNK_DATA;
        if (body)
            body_bytes(r, &in);
        else if (!line_bytes(r, &in))
            break;
    }
    if (r->state == TW_REPLY_MORE && r->stage == FINISHED)
        r->state = TW_REPLY_DONE;
    return r->state;
}

enum tw_reply_state tw_http_reply_end(struct tw_http_reply *r)
{
    if (r->state == TW_REPLY_MORE)
        r->state = r->stage == BODY_TO_END ? TW_REPLY_DONE : TW_REPLY_BAD;
    return r->state;
}
