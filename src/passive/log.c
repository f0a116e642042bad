/*
 * The log of a flow: its records as they came, until its handshake is known to be well. In blocks
 * of one size that all flows share, so that many short lives leave no holes in memory.
 */
#include "passive/internal.h"

void log_pool_free(struct log_pool *p)
{
    while (p->spare != NULL) {
        struct tw_log_block *b = p->spare;
        p->spare = b->next;
        free(b);
    }
}

void log_drop(struct log_pool *p, struct tw_flow *f)
{
    if (f->log == NULL)
        return;
    f->log_last->next = p->spare;
    p->spare = f->log;
    f->log = f->log_last = NULL;
    f->log_blocks = 0;
}

static bool add_block(struct log_pool *p, struct tw_flow *f)
{
    struct tw_log_block *b = p->spare;
    if (f->log_blocks == LOG_BLOCKS_MAX)
        return false;
    if (b != NULL)
        p->spare = b->next;
    else
        b = malloc(sizeof *b);
    if (b == NULL)
        return false;
    b->next = NULL;
    b->len = 0;
    if (f->log == NULL)
        f->log = b;
    else
        f->log_last->next = b;
    f->log_last = b;
    f->log_blocks++;
    return true;
}

static bool append(struct log_pool *p, struct tw_flow *f, const void *data, size_t n)
{
    const uint8_t *from = data;
    while (n > 0) {
        struct tw_log_block *b = f->log_last;
        if (b == NULL || b->len == sizeof b->data) {
            if (!add_block(p, f))
                return false;
            continue;
        }
        size_t k = sizeof b->data - b->len < n ? sizeof b->data - b->len : n;
        memcpy(b->data + b->len, from, k);
        b->len += (uint32_t)k;
        from += k;
        n -= k;
    }
    return true;
}

void log_add(const struct watch *w, int dir, struct log_entry e, struct tw_view bytes)
{
    struct tw_flow *f = w->f;
    if (f->log_full || f->settled)
        return;
    e.at = w->at;
    e.dir = (uint8_t)dir;
    e.len = (uint32_t)bytes.len;
    if (!append(w->pool, f, &e, sizeof e) || !append(w->pool, f, bytes.data, bytes.len))
        f->log_full = true;
}

void log_copy(const struct tw_flow *f, struct tw_buf *out)
{
    for (const struct tw_log_block *b = f->log; b != NULL; b = b->next)
        tw_buf_add(out, b->data, b->len);
}
