/*
 * Signatures known to be good. A set of SHA-256 values over the issuer's key and the certificate,
 * four places a row, of which the oldest goes first. Only good verdicts are kept: a forged entry
 * would need a collision of SHA-256.
 */
#include "x509/path_internal.h"

enum { WAYS = 4, KEY = 32 };

struct row {
    uint8_t keys[WAYS][KEY];
    uint8_t used, next;
};

struct tw_sig_cache {
    size_t rows_n;
    struct row rows[];
};

struct tw_sig_cache *tw_sig_cache_new(size_t entries)
{
    size_t rows = 16;
    while (rows * WAYS < entries && rows < (size_t)1 << 18)
        rows *= 2;
    struct tw_sig_cache *c = calloc(1, sizeof *c + rows * sizeof c->rows[0]);
    if (c != NULL)
        c->rows_n = rows;
    return c;
}

void tw_sig_cache_free(struct tw_sig_cache *c)
{
    free(c);
}

static size_t row_of(const struct tw_sig_cache *c, const uint8_t key[KEY])
{
    size_t h = 0;
    for (size_t i = 0; i < sizeof h; i++)
        h = h << 8 | key[i];
    return h & (c->rows_n - 1);
}

bool sig_cache_has(const struct tw_sig_cache *c, const uint8_t key[KEY])
{
    const struct row *r = &c->rows[row_of(c, key)];
    for (size_t i = 0; i < r->used; i++)
        if (memcmp(r->keys[i], key, KEY) == 0)
            return true;
    return false;
}

void sig_cache_add(struct tw_sig_cache *c, const uint8_t key[KEY])
{
    struct row *r = &c->rows[row_of(c, key)];
    memcpy(r->keys[r->next], key, KEY);
    r->next = (uint8_t)((r->next + 1) % WAYS);
    if (r->used < WAYS)
        r->used++;
}
