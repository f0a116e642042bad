/* Trace files come from anywhere. Whatever loads must save, load again to the same bytes, and be
 * fit for the digest of each connection. */
#include "trace/trace.h"

enum { MAX_MEMORY = 4 << 20, MAX_TEXT = 64 << 20 };
/* From here on (2^51 ns) times are rounded, so the bytes may differ. */
static const uint64_t EXACT_TIME = UINT64_C(1) << 51;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool times_exact(const struct tw_trace *t)
{
    for (size_t i = 0; i < tw_trace_count(t); i++)
        if (tw_trace_at(t, i)->at >= EXACT_TIME)
            return false;
    return true;
}

static void digest_some(const struct tw_trace *t)
{
    uint32_t last = tw_trace_conns(t);
    for (uint32_t conn = 0; conn <= last && conn < 16; conn++) {
        struct tw_conn_view v;
        tw_conn_digest(t, conn, &v);
        require(tw_phase_name(v.phase) != NULL && v.recipe != NULL);
        require(v.ok == (v.end == TW_END_OK));
    }
}

static void save_and_load(const struct tw_trace *t)
{
    struct tw_buf first, second;
    tw_buf_init(&first, MAX_TEXT);
    tw_buf_init(&second, MAX_TEXT);
    struct tw_trace *again = tw_trace_new(2 * MAX_MEMORY);
    size_t line;
    const char *reason;
    require(again != NULL && tw_trace_save(t, &first) == TW_OK);
    require(tw_trace_load(again, tw_buf_view(&first), &line, &reason) == TW_OK);
    require(tw_trace_count(again) == tw_trace_count(t));
    require(tw_trace_save(again, &second) == TW_OK);
    require(!times_exact(t) || tw_view_eq(tw_buf_view(&first), tw_buf_view(&second)));
    tw_trace_free(again);
    tw_buf_cleanup(&first);
    tw_buf_cleanup(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_trace *t = tw_trace_new(MAX_MEMORY);
    size_t line;
    const char *reason;
    require(t != NULL);
    enum tw_status st = tw_trace_load(t, tw_view_of(data, size), &line, &reason);
    require(st != TW_E_INPUT || (line > 0 && reason != NULL));
    digest_some(t);
    save_and_load(t);
    tw_trace_free(t);
    return 0;
}
