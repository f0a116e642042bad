/*
 * Certificate decompression. Byte 0 is the algorithm, bytes 1 to 3 the announced length; the rest
 * is the data. Promise: exactly the announced length, or nothing.
 */
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct tw_compressed_certificate m = {
        .algorithm = data[0] % 5,
        .length = (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3],
        .data = tw_view_of(data + 4, size - 4)};
    struct tw_buf out;
    tw_buf_init(&out, TW_MAX_HANDSHAKE_MESSAGE);
    bool good = tw_certificate_inflate(&m, &out);
    if (out.len != (good ? m.length : 0))
        abort();
    tw_buf_cleanup(&out);
    return 0;
}
