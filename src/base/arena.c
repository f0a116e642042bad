/* An arena of growing blocks; the newest block is the one allocated from. */
#include "base/base.h"

#include <stdalign.h>

struct block {
    struct block *next;
    size_t used, cap;
    alignas(max_align_t) uint8_t bytes[];
};

struct tw_arena {
    struct block *head;
    size_t used, max;
};

enum { FIRST_BLOCK = 8192, MAX_BLOCK = 1 << 20 };

struct tw_arena *tw_arena_new(size_t max_bytes)
{
    struct tw_arena *a = calloc(1, sizeof *a);
    if (a != NULL)
        a->max = max_bytes;
    return a;
}

void tw_arena_free(struct tw_arena *a)
{
    if (a == NULL)
        return;
    struct block *b = a->head;
    while (b != NULL) {
        struct block *next = b->next;
        tw_wipe(b->bytes, b->used);
        free(b);
        b = next;
    }
    free(a);
}

static bool add_block(struct tw_arena *a, size_t need)
{
    size_t cap = a->head == NULL ? FIRST_BLOCK : a->head->cap * 2;
    if (cap > MAX_BLOCK)
        cap = MAX_BLOCK;
    if (cap < need)
        cap = need;
    struct block *b = malloc(sizeof *b + cap);
    if (b == NULL)
        return false;
    b->next = a->head;
    b->used = 0;
    b->cap = cap;
    a->head = b;
    return true;
}

void *tw_arena_alloc(struct tw_arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    if (n == 0)
        n = 1;
    if (n > a->max - a->used || n > SIZE_MAX / 2) /* no sum below can wrap */
        return NULL;
    size_t need = (n + align - 1) / align * align;
    if ((a->head == NULL || a->head->cap - a->head->used < need) && !add_block(a, need))
        return NULL;
    void *p = a->head->bytes + a->head->used;
    a->head->used += need;
    a->used += n;
    memset(p, 0, n);
    return p;
}

struct tw_view tw_arena_copy(struct tw_arena *a, struct tw_view v)
{
    uint8_t *p = tw_arena_alloc(a, v.len);
    if (p == NULL)
        return (struct tw_view){NULL, 0};
    if (v.len > 0)
        memcpy(p, v.data, v.len);
    return (struct tw_view){p, v.len};
}

char *tw_arena_text(struct tw_arena *a, struct tw_view v)
{
    char *s = tw_arena_alloc(a, v.len + 1);
    if (s != NULL && v.len > 0)
        memcpy(s, v.data, v.len);
    return s;
}

char *tw_arena_str(struct tw_arena *a, const char *s)
{
    return s == NULL ? NULL : tw_arena_text(a, tw_view_str(s));
}

char *tw_arena_printf(struct tw_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *s = n < 0 ? NULL : tw_arena_alloc(a, (size_t)n + 1);
    if (s != NULL)
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

size_t tw_arena_used(const struct tw_arena *a)
{
    return a->used;
}
