/* The first application bytes of a web client, and how a server answers them. Pure. */
#include "probe/probe.h"

static void h2_frame(struct tw_buf *out, uint8_t type, uint8_t flags, uint32_t stream,
                     struct tw_view body)
{
    tw_wr_uint(out, 3, body.len);
    tw_wr_u8(out, type);
    tw_wr_u8(out, flags);
    tw_wr_uint(out, 4, stream);
    tw_wr_bytes(out, body);
}

/* RFC 9113 3.4 and 8.3; header block with the static table only (RFC 7541 6.1, 6.2.2). */
static void h2_request(struct tw_buf *out, const char *host, const char *path)
{
    tw_buf_str(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    h2_frame(out, 4 /* SETTINGS */, 0, 0, tw_view_of("", 0));
    struct tw_buf block;
    tw_buf_init(&block, 1024);
    tw_wr_u8(&block, 0x02); /* literal, name = :method */
    tw_wr_vec(&block, 1, tw_view_str("HEAD"));
    tw_wr_u8(&block, 0x87); /* :scheme https */
    size_t path_len = strlen(path);
    if (path_len == 1 || path_len >= 127) {
        tw_wr_u8(&block, 0x84); /* :path / */
    } else {
        tw_wr_u8(&block, 0x04);
        tw_wr_vec(&block, 1, tw_view_str(path));
    }
    size_t host_len = strlen(host);
    if (host_len < 127) {
        tw_wr_u8(&block, 0x01); /* :authority */
        tw_wr_vec(&block, 1, tw_view_str(host));
    }
    h2_frame(out, 1 /* HEADERS */, 0x05 /* END_STREAM, END_HEADERS */, 1, tw_buf_view(&block));
    tw_buf_cleanup(&block);
}

void tw_http_request(struct tw_buf *out, const char *alpn, const char *host, const char *path)
{
    if (strcmp(alpn, "h2") == 0)
        h2_request(out, host, path);
    else
        tw_buf_printf(out,
                      "HEAD %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tlswhy\r\nAccept: */*\r\n"
                      "Connection: close\r\n\r\n",
                      path, host);
}

static int three_digits(const uint8_t *p)
{
    for (int i = 0; i < 3; i++)
        if (p[i] < '0' || p[i] > '9')
            return -1;
    return (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
}

/* Digits of a status in the Huffman code of RFC 7541 appendix B: 0-2 take 5 bits, 3-9 take 6. */
static int huffman_status(struct tw_view v)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++)
        bits = bits << 8 | (i < v.len ? v.data[i] : 0xffu);
    int status = 0, used = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t five = bits << used >> 27, six = bits << used >> 26;
        if (five <= 2) {
            status = status * 10 + (int)five;
            used += 5;
        } else if (six >= 0x19 && six <= 0x1f) {
            status = status * 10 + (int)six - 0x19 + 3;
            used += 6;
        } else {
            return -1;
        }
    }
    return status;
}

/* :status is the first field of a response's header block (RFC 9113 8.3). */
static int hpack_status(struct tw_view block)
{
    static const int indexed[] = {200, 204, 206, 304, 400, 404, 500}; /* index 8..14 */
    struct tw_reader r = tw_rd_of(block);
    uint8_t b = tw_rd_u8(&r, "field");
    while (tw_rd_ok(&r) && (b & 0xe0) == 0x20) { /* dynamic table size update, RFC 7541 6.3 */
        if ((b & 0x1f) == 0x1f) /* its number goes on, 5.1 */
            while ((tw_rd_u8(&r, "size") & 0x80) != 0)
                continue;
        b = tw_rd_u8(&r, "field");
    }
    if (b >= 0x88 && b <= 0x8e)
        return indexed[b - 0x88];
    if (b != 0x48 && b != 0x08 && b != 0x18)
        return -1;
    uint8_t len = tw_rd_u8(&r, "length");
    struct tw_view v = tw_rd_bytes(&r, len & 0x7f, "value");
    if (!tw_rd_ok(&r))
        return -1;
    if (len & 0x80)
        return huffman_status(v);
    return v.len == 3 ? three_digits(v.data) : -1;
}

static int h2_status(struct tw_view data)
{
    struct tw_reader r = tw_rd_of(data);
    for (bool first = true; tw_rd_left(&r) >= 9; first = false) {
        size_t len = (size_t)tw_rd_uint(&r, 3, "length");
        uint8_t type = tw_rd_u8(&r, "type"), flags = tw_rd_u8(&r, "flags");
        tw_rd_uint(&r, 4, "stream");
        if (first && type != 4)
            return -1; /* a server starts with SETTINGS */
        if (tw_rd_left(&r) < len)
            return 0;
        struct tw_view body = tw_rd_bytes(&r, len, "body");
        if (type != 1)
            continue;
        size_t pad = (flags & 0x08) ? 1 : 0, prio = (flags & 0x20) ? 5 : 0;
        return hpack_status(tw_view_sub(body, pad + prio, body.len));
    }
    return 0;
}

int tw_http_status(struct tw_view data, const char *alpn)
{
    if (strcmp(alpn, "h2") == 0)
        return h2_status(data);
    size_t n = data.len < 5 ? data.len : 5;
    if (memcmp(data.data == NULL ? (const uint8_t *)"" : data.data, "HTTP/", n) != 0)
        return -1;
    return data.len < 12 ? 0 : three_digits(data.data + 9);
}
