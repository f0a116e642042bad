/*
 * Both directions of a connection as a capture has them. Byte 0 is not used (so that inputs have
 * the form of the roles'); then chunks with two bytes in front: the side (bit 0) and the length
 * (roles.h). What the observer makes of them is digested, too.
 */
#include "roles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct tw_trace *t = tw_trace_new(1 << 22);
    struct tw_observer *o = t == NULL ? NULL : tw_observer_new(t, 1);
    for (size_t pos = 1; o != NULL && size - pos > 2;) {
        enum tw_side from = (data[pos] & 1) != 0 ? TW_SERVER : TW_CLIENT;
        size_t n = fuzz_chunk(data[pos + 1]);
        pos += 2;
        n = n < size - pos ? n : size - pos;
        uint8_t *own = malloc(n + 1);
        if (own == NULL)
            break;
        memcpy(own, data + pos, n);
        (void)!tw_observer_feed(o, pos, from, tw_view_of(own, n));
        free(own);
        pos += n;
    }
    if (o != NULL) {
        tw_observer_end(o, size, TW_CLIENT, "fin");
        tw_observer_end(o, size, TW_SERVER, "rst");
        struct tw_conn_view v;
        tw_conn_digest(t, 1, &v);
    }
    tw_observer_free(o);
    tw_trace_free(t);
    return 0;
}
