/*
 * First application bytes from a server. Byte 0 picks the protocol. Promise: what a shorter prefix
 * decided stays so, since the driver asks again with each byte that arrives.
 */
#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const alpn[] = {"h2", "http/1.1", ""};
    if (size < 1)
        return 0;
    const char *proto = alpn[data[0] % TW_ARRAY_LEN(alpn)];
    size_t all = size - 1 < 2048 ? size - 1 : 2048;
    int decided = 0;
    for (size_t n = 0; n <= all; n++) {
        int got = tw_http_status(tw_view_of(data + 1, n), proto);
        if (got < -1 || got > 999 || (decided != 0 && got != decided))
            abort();
        decided = got;
    }
    return 0;
}
