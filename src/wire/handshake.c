/* The four bytes in front of every handshake message, RFC 8446 4. */
#include "wire/wire.h"

enum { HEADER = 4 };

size_t tw_handshake_announced(struct tw_view in)
{
    if (in.len < HEADER)
        return 0;
    return HEADER + ((size_t)in.data[1] << 16 | (size_t)in.data[2] << 8 | in.data[3]);
}

bool tw_handshake_peek(struct tw_view in, uint8_t *type, struct tw_view *body, size_t *used)
{
    size_t whole = tw_handshake_announced(in);
    *used = 0;
    *body = (struct tw_view){NULL, 0};
    *type = in.len > 0 ? in.data[0] : 0;
    if (whole == 0 || in.len < whole)
        return false;
    *body = tw_view_sub(in, HEADER, whole - HEADER);
    *used = whole;
    return true;
}

size_t tw_handshake_open(struct tw_buf *b, uint8_t type)
{
    tw_wr_u8(b, type);
    return tw_wr_open(b, 3);
}
