/*
 * A hostile server in every dialogue before TLS. Byte 0 picks the protocol; each further chunk has
 * its length in one byte.
 */
#include "dialogue/dialogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t count = 0;
    while (tw_protocol_at(count) != NULL)
        count++;
    struct tw_trace *t = tw_trace_new(1 << 20);
    struct tw_dialogue_config cfg = {.protocol = tw_protocol_at(data[0] % count),
                                     .host = "www.example.test", .port = 443, .user = "u",
                                     .password = "p", .trace = t, .conn = 1};
    struct tw_dialogue *d = t == NULL ? NULL : tw_dialogue_new(&cfg, 0);
    enum tw_dialogue_state st = TW_DIALOGUE_GOING_ON;
    for (size_t pos = 1; d != NULL && pos < size && st == TW_DIALOGUE_GOING_ON;) {
        size_t n = data[pos++], used;
        n = n < size - pos ? n : size - pos;
        uint8_t *own = malloc(n + 1); /* an overrun of the chunk is seen */
        if (own == NULL)
            break;
        memcpy(own, data + pos, n);
        st = tw_dialogue_feed(d, pos, tw_view_of(own, n), &used);
        if (used > n)
            abort();
        if (tw_dialogue_framed(d)) {
            struct tw_buf tls;
            tw_buf_init(&tls, 1 << 16);
            (void)tw_dialogue_unwrap(d, tw_view_of(own, n), &tls);
            tw_buf_cleanup(&tls);
        }
        tw_dialogue_sent(d);
        free(own);
        pos += n;
    }
    if (d != NULL)
        tw_dialogue_end(d, size, "fin");
    tw_dialogue_free(d);
    tw_trace_free(t);
    return 0;
}
