/*
 * The store behind the trace. Each fact is one block of the arena, so its address never changes;
 * an index of pointers gives access by position. The fact that says "no room" is a member of the
 * trace itself and therefore needs none. JSON lines are in trace_json.c, the digest of a
 * connection in digest.c.
 */
#include "trace/trace.h"

enum { CACHE_SLOTS = 64 };

struct tw_trace {
    struct tw_arena *arena;
    struct tw_fact **index; /* on the heap; bounded because each entry stands for an arena block */
    size_t count, cap;      /* facts in index; without the limit fact */
    uint32_t conns;
    bool closed; /* the limit was reached: limit is the last fact */
    struct tw_fact limit;
    struct tw_view cache[CACHE_SLOTS]; /* texts already in the arena; any may be missing */
};

const char *tw_side_name(enum tw_side s)
{
    switch (s) {
    case TW_CLIENT:
        return "client";
    case TW_SERVER:
        return "server";
    case TW_NETWORK:
        return "network";
    case TW_CA:
        return "ca";
    case TW_NOBODY:
        break;
    }
    return "nobody";
}

const char *tw_fetch_end_text(enum tw_fetch_end e)
{
    static const char *const texts[] = {
        "answered", "the name does not resolve", "no connection", "no answer in time",
        "the connection broke off", "the answer is too large", "too many or unusable redirects",
        "the answer is not HTTP", "the server refused", "not tried"};
    return (size_t)e < TW_ARRAY_LEN(texts) ? texts[e] : "?";
}

const char *tw_fact_kind_name(enum tw_fact_kind k)
{
    static const char *const names[] = {
#define X(id, name, doc) [id] = name,
        TW_FACT_LIST(X)
#undef X
    };
    return (size_t)k < TW_ARRAY_LEN(names) ? names[k] : "unknown";
}

struct tw_trace *tw_trace_new(size_t max_bytes)
{
    struct tw_trace *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->arena = tw_arena_new(max_bytes);
    if (t->arena == NULL) {
        free(t);
        return NULL;
    }
    return t;
}

void tw_trace_free(struct tw_trace *t)
{
    if (t == NULL)
        return;
    tw_arena_free(t->arena);
    free(t->index);
    free(t);
}

struct tw_arena *tw_trace_arena(struct tw_trace *t)
{
    return t->arena;
}

/* ---- adding ------------------------------------------------------------------------------- */

/* Length and both ends of a text: enough to spread over the cache what facts repeat. */
static size_t cache_slot(struct tw_view s)
{
    uint64_t head = 0, tail = 0;
    size_t n = s.len < sizeof head ? s.len : sizeof head;
    if (n > 0) {
        memcpy(&head, s.data, n);
        memcpy(&tail, s.data + s.len - n, n);
    }
    uint64_t h = (head ^ (tail << 1 | tail >> 63) ^ s.len) * 0x9e3779b97f4a7c15u;
    return (h >> 32) % CACHE_SLOTS;
}

/* Facts repeat their field names and sources over and over; one copy of each is enough. */
static const char *store_text(struct tw_trace *t, const char *s, bool *ok)
{
    if (s == NULL)
        return NULL;
    struct tw_view v = tw_view_str(s), *slot = &t->cache[cache_slot(v)];
    if (slot->data != NULL && tw_view_eq(*slot, v))
        return (const char *)slot->data;
    const char *copy = tw_arena_text(t->arena, v);
    if (copy == NULL)
        *ok = false;
    else
        *slot = tw_view_of(copy, v.len);
    return copy;
}

static struct tw_view store_data(struct tw_trace *t, struct tw_view data, bool *ok)
{
    if (data.len == 0)
        return (struct tw_view){NULL, 0};
    struct tw_view copy = tw_arena_copy(t->arena, data);
    if (copy.data == NULL)
        *ok = false;
    return copy;
}

static bool index_room(struct tw_trace *t)
{
    if (t->count < t->cap)
        return true;
    size_t cap = t->cap == 0 ? 64 : t->cap * 2;
    struct tw_fact **p = cap > SIZE_MAX / 2 / sizeof *p ? NULL : realloc(t->index, cap * sizeof *p);
    if (p == NULL)
        return false;
    t->index = p;
    t->cap = cap;
    return true;
}

static void close_trace(struct tw_trace *t, uint64_t at)
{
    t->closed = true;
    t->limit = (struct tw_fact){.n = (uint32_t)t->count,
                                .at = at,
                                .kind = TW_FACT_LIMIT,
                                .msg = TW_NO_MSG,
                                .field = "trace",
                                .text = "no room for more facts; what came later is not recorded"};
}

/*
 * Type 0 is HelloRequest, so zero cannot say "no message". Only these four kinds are about a
 * message as such; in the others a zero means that the writer had nothing to say.
 */
static bool msg_may_be_zero(enum tw_fact_kind k)
{
    return k == TW_FACT_MESSAGE || k == TW_FACT_FIELD || k == TW_FACT_MALFORMED ||
           k == TW_FACT_UNEXPECTED;
}

const struct tw_fact *tw_trace_add(struct tw_trace *t, struct tw_fact f)
{
    assert(f.kind < TW_FACT_KINDS);
    if (t->closed)
        return NULL;
    bool ok = t->count < UINT32_MAX && index_room(t);
    struct tw_fact *stored = ok ? tw_arena_alloc(t->arena, sizeof *stored) : NULL;
    if (stored != NULL) {
        *stored = f;
        stored->n = (uint32_t)t->count;
        stored->field = f.field == NULL || *f.field == '\0' ? "" : store_text(t, f.field, &ok);
        stored->text = store_text(t, f.text, &ok);
        stored->source = store_text(t, f.source, &ok);
        stored->data = store_data(t, f.data, &ok);
        if (f.msg == 0 && !msg_may_be_zero(f.kind))
            stored->msg = TW_NO_MSG;
    }
    if (stored == NULL || !ok) {
        close_trace(t, f.at);
        return NULL;
    }
    t->index[t->count++] = stored;
    if (f.conn > t->conns)
        t->conns = f.conn;
    return stored;
}

/* ---- reading ------------------------------------------------------------------------------ */

size_t tw_trace_count(const struct tw_trace *t)
{
    return t->count + (t->closed ? 1 : 0);
}

const struct tw_fact *tw_trace_at(const struct tw_trace *t, size_t n)
{
    if (n < t->count)
        return t->index[n];
    return t->closed && n == t->count ? &t->limit : NULL;
}

bool tw_trace_overflowed(const struct tw_trace *t)
{
    /* by the fact, so that a trace that was cut when it was recorded says so when replayed */
    return tw_trace_last(t, 0, TW_FACT_LIMIT, "trace") != NULL;
}

uint32_t tw_trace_conns(const struct tw_trace *t)
{
    return t->conns;
}

static bool fits(const struct tw_fact *f, uint32_t conn, enum tw_fact_kind kind, const char *field)
{
    return f->kind == kind && (conn == 0 || f->conn == conn) &&
           (field == NULL || strcmp(f->field, field) == 0);
}

const struct tw_fact *tw_trace_next(const struct tw_trace *t, const struct tw_fact *after,
                                    uint32_t conn, enum tw_fact_kind kind, const char *field)
{
    size_t n = tw_trace_count(t);
    for (size_t i = after == NULL ? 0 : (size_t)after->n + 1; i < n; i++) {
        const struct tw_fact *f = tw_trace_at(t, i);
        if (fits(f, conn, kind, field))
            return f;
    }
    return NULL;
}

const struct tw_fact *tw_trace_first(const struct tw_trace *t, uint32_t conn,
                                     enum tw_fact_kind kind, const char *field)
{
    return tw_trace_next(t, NULL, conn, kind, field);
}

const struct tw_fact *tw_trace_last(const struct tw_trace *t, uint32_t conn, enum tw_fact_kind kind,
                                    const char *field)
{
    for (size_t i = tw_trace_count(t); i > 0; i--) {
        const struct tw_fact *f = tw_trace_at(t, i - 1);
        if (fits(f, conn, kind, field))
            return f;
    }
    return NULL;
}

/* A setting that was written again replaces the earlier one. */
static const struct tw_fact *setting(const struct tw_trace *t, const char *field)
{
    return tw_trace_last(t, 0, TW_FACT_SETTING, field);
}

const char *tw_trace_setting(const struct tw_trace *t, const char *field)
{
    const struct tw_fact *f = setting(t, field);
    return f == NULL ? NULL : f->text;
}

int64_t tw_trace_setting_num(const struct tw_trace *t, const char *field, int64_t otherwise)
{
    const struct tw_fact *f = setting(t, field);
    return f == NULL ? otherwise : f->num;
}

const struct tw_fact *tw_trace_message(const struct tw_trace *t, uint32_t conn, enum tw_side from,
                                       uint8_t msg)
{
    const struct tw_fact *f = tw_trace_first(t, conn, TW_FACT_MESSAGE, NULL);
    while (f != NULL && (f->from != from || f->msg != msg))
        f = tw_trace_next(t, f, conn, TW_FACT_MESSAGE, NULL);
    return f;
}
