/* DER elements written. */
#include "x509/der_write.h"

static size_t length_bytes(size_t len)
{
    size_t n = 1;
    while (len > 0xff) {
        len >>= 8;
        n++;
    }
    return n;
}

void der_put2(struct tw_buf *out, uint8_t tag, struct tw_view a, struct tw_view b)
{
    size_t len = a.len + b.len;
    tw_wr_u8(out, tag);
    if (len < 0x80) {
        tw_wr_u8(out, (unsigned)len);
    } else {
        size_t n = length_bytes(len);
        tw_wr_u8(out, 0x80 | (unsigned)n);
        tw_wr_uint(out, n, len);
    }
    tw_wr_bytes(out, a);
    tw_wr_bytes(out, b);
}

void der_put(struct tw_buf *out, uint8_t tag, struct tw_view contents)
{
    der_put2(out, tag, contents, (struct tw_view){NULL, 0});
}
