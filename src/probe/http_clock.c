/*
 * The time in a web server's answer: its Date header, in HTTP/1.1 or HTTP/2 (RFC 9110 6.6.1). An
 * answer from a cache (with Age) carries an old Date and tells nothing. Pure.
 */
#include "net/http_reply.h"
#include "probe/probe.h"

/* ---- HTTP/1.1 ------------------------------------------------------------------------------------ */

static bool h1_date(struct tw_view data, int64_t *out)
{
    struct tw_http_reply r;
    tw_http_reply_init(&r, 4096);
    tw_http_reply_feed(&r, data); /* stops by itself where it understands no more */
    *out = r.date;
    bool found = r.date >= 0 && !r.aged;
    tw_http_reply_cleanup(&r);
    return found;
}

/* ---- HTTP/2: header block (RFC 7541) -------------------------------------------------------------- */

enum { DATE = 33, AGE = 21 }; /* static table, RFC 7541 appendix A */

static uint64_t integer(struct tw_reader *r, uint8_t first, unsigned prefix_bits)
{
    uint64_t max = (1u << prefix_bits) - 1, n = first & max;
    for (unsigned shift = 0; n >= max && shift <= 28; shift += 7) {
        uint8_t b = tw_rd_u8(r, "integer");
        n += (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return n;
    }
    if (n >= max)
        tw_rd_fail(r, "integer");
    return n;
}

static struct tw_view string(struct tw_reader *r, bool *huffman)
{
    uint8_t first = tw_rd_u8(r, "string");
    *huffman = (first & 0x80) != 0;
    return tw_rd_bytes(r, (size_t)integer(r, first, 7), "string");
}

/* What a date is written in, with the codes of RFC 7541 appendix B. */
static const struct { char c; uint8_t code, bits; } letters[] = {
    {'0', 0x00, 5}, {'1', 0x01, 5}, {'2', 0x02, 5}, {'a', 0x03, 5}, {'c', 0x04, 5}, {'e', 0x05, 5},
    {'i', 0x06, 5}, {'o', 0x07, 5}, {'t', 0x09, 5}, {' ', 0x14, 6}, {'3', 0x19, 6}, {'4', 0x1a, 6},
    {'5', 0x1b, 6}, {'6', 0x1c, 6}, {'7', 0x1d, 6}, {'8', 0x1e, 6}, {'9', 0x1f, 6}, {'A', 0x21, 6},
    {'b', 0x23, 6}, {'d', 0x24, 6}, {'g', 0x26, 6}, {'h', 0x27, 6}, {'l', 0x28, 6}, {'n', 0x2a, 6},
    {'p', 0x2b, 6}, {'r', 0x2c, 6}, {'u', 0x2d, 6}, {':', 0x5c, 7}, {'D', 0x5f, 7}, {'F', 0x61, 7},
    {'G', 0x62, 7}, {'J', 0x65, 7}, {'M', 0x68, 7}, {'N', 0x69, 7}, {'O', 0x6a, 7}, {'S', 0x6e, 7},
    {'T', 0x6f, 7}, {'W', 0x72, 7}, {'v', 0x77, 7}, {'y', 0x7a, 7}, {',', 0xfa, 8}};

static size_t unhuffman(struct tw_view v, char *out, size_t cap)
{
    size_t n = 0, bit = 0, bits = v.len * 8;
    while (n < cap && bit + 5 <= bits) {
        size_t i = 0;
        for (; i < TW_ARRAY_LEN(letters); i++) {
            uint32_t code = 0;
            for (size_t k = bit; k < bit + letters[i].bits; k++)
                code = code << 1 | (k < bits ? (uint32_t)v.data[k / 8] >> (7 - k % 8) & 1u : 1u);
            if (code == letters[i].code)
                break;
        }
        if (i == TW_ARRAY_LEN(letters) || bit + letters[i].bits > bits)
            break; /* padding, or no letter of a date */
        out[n++] = letters[i].c;
        bit += letters[i].bits;
    }
    return n;
}

static bool date_value(struct tw_view v, bool huffman, int64_t *out)
{
    char text[32];
    if (huffman)
        v = tw_view_of(text, unhuffman(v, text, sizeof text));
    return tw_http_date(v, out);
}

static bool block_date(struct tw_view block, int64_t *out)
{
    struct tw_reader r = tw_rd_of(block);
    bool found = false, aged = false;
    while (tw_rd_more(&r)) {
        uint8_t b = tw_rd_u8(&r, "field");
        bool huffman;
        if (b & 0x80) {
            integer(&r, b, 7); /* a whole field of a table: no date can be */
            continue;
        }
        if ((b & 0xe0) == 0x20) {
            integer(&r, b, 5); /* table size */
            continue;
        }
        uint64_t name = integer(&r, b, (b & 0x40) ? 6 : 4);
        if (name == 0)
            string(&r, &huffman);
        struct tw_view v = string(&r, &huffman);
        aged = aged || name == AGE;
        found = found || (name == DATE && tw_rd_ok(&r) && date_value(v, huffman, out));
    }
    return found && !aged;
}

static bool h2_date(struct tw_view data, int64_t *out)
{
    struct tw_reader r = tw_rd_of(data);
    while (tw_rd_left(&r) >= 9) {
        size_t len = (size_t)tw_rd_uint(&r, 3, "length");
        uint8_t type = tw_rd_u8(&r, "type"), flags = tw_rd_u8(&r, "flags");
        tw_rd_uint(&r, 4, "stream");
        struct tw_view body = tw_rd_bytes(&r, len, "body");
        if (type != 1 || !tw_rd_ok(&r))
            continue;
        size_t pad = (flags & 0x08) && body.len > 0 ? body.data[0] : 0;
        size_t skip = ((flags & 0x08) ? 1u : 0u) + ((flags & 0x20) ? 5u : 0u);
        if (body.len < skip + pad)
            return false;
        return block_date(tw_view_sub(body, skip, body.len - skip - pad), out);
    }
    return false;
}

bool tw_http_clock(struct tw_view data, const char *alpn, int64_t *out)
{
    return strcmp(alpn, "h2") == 0 ? h2_date(data, out) : h1_date(data, out);
}
