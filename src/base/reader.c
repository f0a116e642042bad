/* One function looks at the end of the buffer and moves the cursor: tw_rd_bytes(). */
#include "base/base.h"

struct tw_reader tw_rd_of(struct tw_view v)
{
    return (struct tw_reader){v.data, 0, v.len, NULL, 0};
}

void tw_rd_fail(struct tw_reader *r, const char *field)
{
    if (r->fail_field == NULL) {
        r->fail_field = field;
        r->fail_at = r->pos;
    }
}

struct tw_view tw_rd_bytes(struct tw_reader *r, size_t n, const char *field)
{
    if (r->fail_field != NULL || r->end - r->pos < n) {
        tw_rd_fail(r, field);
        return (struct tw_view){NULL, 0};
    }
    if (n == 0)
        return (struct tw_view){NULL, 0};
    r->pos += n;
    return (struct tw_view){r->data + (r->pos - n), n};
}

uint64_t tw_rd_uint(struct tw_reader *r, size_t n, const char *field)
{
    struct tw_view v = tw_rd_bytes(r, n, field);
    uint64_t x = 0;
    for (size_t i = 0; i < v.len; i++)
        x = x << 8 | v.data[i];
    return x;
}

struct tw_view tw_rd_vec(struct tw_reader *r, size_t len_bytes, const char *field)
{
    if (r->fail_field != NULL)
        return (struct tw_view){NULL, 0};
    size_t at = r->pos;
    size_t n = (size_t)tw_rd_uint(r, len_bytes, field);
    struct tw_view v = tw_rd_bytes(r, n, field);
    if (r->fail_field != NULL)
        r->fail_at = at; /* the vector starts at its length */
    return v;
}

struct tw_reader tw_rd_sub(struct tw_reader *r, size_t len_bytes, const char *field)
{
    struct tw_view v = tw_rd_vec(r, len_bytes, field);
    return (struct tw_reader){r->data, r->pos - v.len, r->pos, r->fail_field, r->fail_at};
}

struct tw_view tw_rd_rest(struct tw_reader *r)
{
    return tw_rd_bytes(r, tw_rd_left(r), "rest");
}

bool tw_rd_end(struct tw_reader *r, const char *what)
{
    if (r->fail_field == NULL && r->pos != r->end)
        tw_rd_fail(r, what);
    return r->fail_field == NULL;
}
