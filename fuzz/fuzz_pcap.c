/*
 * Captures from strangers: the input is a sequence of frames (link type, time, wire length, bytes)
 * for the passive vantage, and every flow that comes out is retraced and digested. The file formats
 * around them have bounds of their own and are read in tests/capture.
 */
#include "passive/passive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_flow(void *user, struct tw_flow *f)
{
    struct tw_conn_view v;
    char text[80];
    (void)user;
    struct tw_trace *t = tw_trace_new(4 << 20);
    if (t == NULL)
        return;
    (void)tw_flow_outcome(f);
    (void)tw_flow_version(f, text, sizeof text);
    tw_flow_retrace(f, "fuzz", t);
    tw_conn_digest(t, 1, &v);
    tw_trace_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int links[8] = {1, 101, 0, 113, 276, 127, 9, 101};
    struct tw_crypto *c = tw_crypto_fake(1);
    struct tw_passive_config cfg = {.crypto = c,
                                    .seed = 1,
                                    .fingerprints = true,
                                    .done = on_flow,
                                    .max_bytes = 1 << 20,
                                    .max_flows = 64};
    struct tw_passive *p = c == NULL ? NULL : tw_passive_new(&cfg);
    struct tw_reader r = tw_rd_of(tw_view_of(data, size));
    uint64_t at = 0;
    while (p != NULL && tw_rd_left(&r) >= 4) {
        uint8_t link = tw_rd_u8(&r, "link");
        at += (uint64_t)tw_rd_u8(&r, "time") * 50000000u;
        size_t n = tw_rd_u16(&r, "length");
        struct tw_view frame = {NULL, 0};
        if (n > tw_rd_left(&r))
            n = tw_rd_left(&r);
        if (n > 0)
            frame = tw_rd_bytes(&r, n, "frame");
        tw_passive_frame(p, at, links[link & 7], frame, n + (link & 8 ? link : 0));
    }
    if (p != NULL)
        tw_passive_end(p);
    tw_passive_free(p);
    tw_crypto_free(c);
    return 0;
}
