/* Bytes for tests: written as hex with spaces, held in blocks of just their size. */
#ifndef TW_TEST_BYTES_H
#define TW_TEST_BYTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

/** Hex text to bytes at the end of b; spaces are passed over. */
static inline void add_hex(struct tw_buf *b, const char *hex)
{
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        const char two[3] = {hex[0], hex[1], '\0'};
        uint8_t byte;
        size_t n;
        if (!tw_unhex(two, &byte, 1, &n) || n != 1)
            fail_msg("bad hex in a test: %.20s", hex);
        tw_wr_u8(b, byte);
        hex++;
    }
}

/** A copy that ends where its block ends, so that a sanitizer sees any step beyond; free(). */
static inline uint8_t *exact_copy(struct tw_view v)
{
    uint8_t *p = malloc(v.len == 0 ? 1 : v.len);
    assert_non_null(p);
    if (v.len > 0)
        memcpy(p, v.data, v.len);
    return p;
}

static inline void assert_bytes(struct tw_view got, struct tw_view want, const char *what)
{
    if (tw_view_eq(got, want))
        return;
    size_t i = 0;
    while (i < got.len && i < want.len && got.data[i] == want.data[i])
        i++;
    fail_msg("%s: %zu bytes, %zu wanted, first difference at %zu", what, got.len, want.len, i);
}

#endif
