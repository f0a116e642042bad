/*
 * A hostile client against the server role, with the deterministic crypto table. Byte 0 picks the
 * configuration; the rest is chunks (roles.h).
 */
#include "roles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct tw_crypto *crypto = tw_crypto_fake(2);
    struct tw_trace *t = tw_trace_new(1 << 22);
    struct tw_conn_config cfg = {.crypto = crypto, .trace = t, .conn = 1};
    struct fuzz_server server;
    struct tw_conn *c = NULL;
    if (crypto != NULL && t != NULL) {
        fuzz_server_config(&server, &cfg, crypto, data[0]);
        c = tw_conn_new(&cfg, TW_ROLE_SERVER, 0);
    }
    for (size_t pos = 1; c != NULL && pos < size;) {
        size_t n = fuzz_chunk(data[pos++]);
        n = n < size - pos ? n : size - pos;
        uint8_t *own = malloc(n + 1); /* an overrun of the chunk is seen */
        if (own == NULL)
            break;
        memcpy(own, data + pos, n);
        (void)!tw_conn_feed(c, pos, tw_view_of(own, n));
        tw_conn_sent(c, pos, tw_conn_output(c).len);
        free(own);
        pos += n;
    }
    if (c != NULL)
        tw_conn_end(c, size, "rst", 0);
    tw_conn_free(c);
    tw_trace_free(t);
    tw_crypto_free(crypto);
    return 0;
}
