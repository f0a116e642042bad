/*
 * The reader under any sequence of calls. The first half of the input is what is called, the second
 * half what is read. Promises: the cursor stays between its ends, nothing is given beyond them, and
 * the first failure stays.
 */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise)
{
    if (!promise)
        abort();
}

static void one_call(struct tw_reader *r, uint8_t what, struct tw_view all)
{
    struct tw_view v = {NULL, 0};
    struct tw_reader sub;
    switch (what & 7) {
    case 0:
        tw_rd_uint(r, 1 + (what >> 3) % 8, "number");
        break;
    case 1:
        v = tw_rd_bytes(r, what >> 3, "bytes");
        break;
    case 2:
        v = tw_rd_vec(r, 1 + (what >> 3) % 3, "vector");
        break;
    case 3:
        sub = tw_rd_sub(r, 1 + (what >> 3) % 3, "sub");
        check(sub.data == r->data && sub.pos <= sub.end && sub.end <= r->end);
        v = tw_rd_rest(&sub);
        break;
    case 4:
        v = what > 250 ? tw_rd_rest(r) : v;
        break;
    case 5:
        tw_rd_bytes(r, SIZE_MAX - (what >> 3), "huge");
        break;
    default:
        check(tw_rd_more(r) == (tw_rd_left(r) > 0));
        break;
    }
    check(v.len == 0 || (v.data >= all.data && v.len <= all.len &&
                         (size_t)(v.data - all.data) <= all.len - v.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_view calls = tw_view_of(data, size / 2);
    struct tw_view all = tw_view_of(data + size / 2, size - size / 2);
    struct tw_reader r = tw_rd_of(all);
    for (size_t i = 0; i < calls.len; i++) {
        struct tw_reader was = r;
        one_call(&r, calls.data[i], all);
        check(r.pos <= r.end && r.end == all.len && r.pos >= was.pos);
        check(was.fail_field == NULL ||
              (r.fail_field == was.fail_field && r.fail_at == was.fail_at && r.pos == was.pos));
        check(r.fail_field == NULL || (r.fail_at <= r.end && tw_rd_left(&r) == 0));
    }
    return 0;
}
