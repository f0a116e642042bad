/* Growing buffer with a maximum and a sticky failure, and the wire writer on top of it. */
#include "base/base.h"

void tw_buf_init(struct tw_buf *b, size_t max)
{
    *b = (struct tw_buf){.max = max};
}

void tw_buf_cleanup(struct tw_buf *b)
{
    if (b->data != NULL)
        tw_wipe(b->data, b->cap);
    free(b->data);
    tw_buf_init(b, b->max);
}

/* A plain realloc would leave the old bytes, possibly secret, behind. */
static bool reserve(struct tw_buf *b, size_t need)
{
    size_t cap = b->cap == 0 ? 256 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    uint8_t *p = malloc(cap);
    if (p == NULL)
        return false;
    if (b->len > 0)
        memcpy(p, b->data, b->len);
    if (b->data != NULL)
        tw_wipe(b->data, b->cap);
    free(b->data);
    b->data = p;
    b->cap = cap;
    return true;
}

uint8_t *tw_buf_grow(struct tw_buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (b->len > b->max || n > b->max - b->len ||
        ((b->data == NULL || b->cap - b->len < n) && !reserve(b, b->len + n))) {
        b->failed = true;
        return NULL;
    }
    b->len += n;
    return b->data + (b->len - n);
}

bool tw_buf_add(struct tw_buf *b, const void *p, size_t n)
{
    uint8_t *dst = tw_buf_grow(b, n);
    if (dst != NULL && n > 0)
        memcpy(dst, p, n);
    return dst != NULL;
}

void tw_buf_drop(struct tw_buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (b->len > 0 && n > 0)
        memmove(b->data, b->data + n, b->len);
}

static void store_uint(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void tw_wr_uint(struct tw_buf *b, size_t n, uint64_t v)
{
    uint8_t *p = tw_buf_grow(b, n);
    if (p != NULL)
        store_uint(p, n, v);
}

void tw_wr_bytes(struct tw_buf *b, struct tw_view v)
{
    if (v.len > 0)
        tw_buf_add(b, v.data, v.len);
}

void tw_wr_vec(struct tw_buf *b, size_t len_bytes, struct tw_view v)
{
    size_t mark = tw_wr_open(b, len_bytes);
    tw_wr_bytes(b, v);
    tw_wr_close(b, mark, len_bytes);
}

size_t tw_wr_open(struct tw_buf *b, size_t len_bytes)
{
    tw_wr_uint(b, len_bytes, 0);
    return b->len;
}

void tw_wr_close(struct tw_buf *b, size_t mark, size_t len_bytes)
{
    if (b->failed)
        return;
    size_t n = b->len - mark;
    if (len_bytes < sizeof n && n >> (8 * len_bytes) != 0)
        b->failed = true; /* body longer than its length field can say */
    else
        store_uint(b->data + mark - len_bytes, len_bytes, n);
}

void tw_buf_str(struct tw_buf *b, const char *s)
{
    tw_buf_add(b, s, strlen(s));
}

void tw_buf_printf(struct tw_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    uint8_t *p = n < 0 ? NULL : tw_buf_grow(b, (size_t)n + 1);
    if (p != NULL) {
        vsnprintf((char *)p, (size_t)n + 1, fmt, again);
        b->len--; /* the NUL stays behind the end */
    }
    va_end(again);
}
