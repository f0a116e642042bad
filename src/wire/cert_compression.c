/*
 * CompressedCertificate, RFC 8879. The announced length is the bound: the output has exactly that
 * many bytes, all of the input is used, and nothing is decompressed beyond it. What the libraries
 * hold besides: zlib 48 KiB, brotli its window (16 MiB at most, large windows are off), zstd its
 * tables (the window is the output itself, as it is decoded in one piece).
 */
#include "wire/wire.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

bool tw_compressed_certificate_decode(struct tw_reader *r, struct tw_compressed_certificate *m)
{
    m->algorithm = tw_rd_u16(r, "algorithm");
    m->length = (uint32_t)tw_rd_uint(r, 3, "uncompressed_length");
    m->data = tw_rd_vec(r, 3, "compressed_certificate_message");
    return tw_rd_end(r, "CompressedCertificate");
}

static bool inflate_zlib(struct tw_view in, uint8_t *out, size_t len)
{
    z_stream z = {0};
    if (inflateInit(&z) != Z_OK)
        return false;
    z.next_in = (z_const Bytef *)in.data;
    z.avail_in = (uInt)in.len;
    z.next_out = out;
    z.avail_out = (uInt)len;
    bool good = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0;
    inflateEnd(&z);
    return good;
}

static bool inflate_brotli(struct tw_view in, uint8_t *out, size_t len)
{
    BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    if (s == NULL)
        return false;
    const uint8_t *next_in = in.data;
    uint8_t *next_out = out;
    size_t left_in = in.len, left_out = len;
    BrotliDecoderResult res =
        BrotliDecoderDecompressStream(s, &left_in, &next_in, &left_out, &next_out, NULL);
    BrotliDecoderDestroyInstance(s);
    return res == BROTLI_DECODER_RESULT_SUCCESS && left_in == 0 && left_out == 0;
}

static bool inflate_zstd(struct tw_view in, uint8_t *out, size_t len)
{
    return ZSTD_decompress(out, len, in.data, in.len) == len;
}

bool tw_certificate_inflate(const struct tw_compressed_certificate *m, struct tw_buf *out)
{
    static bool (*const algorithms[])(struct tw_view, uint8_t *, size_t) = {
        NULL, inflate_zlib, inflate_brotli, inflate_zstd}; /* RFC 8879 7.3 */
    if (m->algorithm == 0 || m->algorithm >= TW_ARRAY_LEN(algorithms) || m->length == 0 ||
        m->length > TW_MAX_HANDSHAKE_MESSAGE || m->data.len == 0)
        return false;
    uint8_t *p = tw_buf_grow(out, m->length);
    if (p == NULL)
        return false;
    if (algorithms[m->algorithm](m->data, p, m->length))
        return true;
    out->len -= m->length;
    return false;
}
