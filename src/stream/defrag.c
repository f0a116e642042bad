/* IP fragments: put together in a small table that strangers cannot make grow. */
#include "stream/stream.h"

enum { SLOTS = 64, MAX_DATAGRAM = 65535, UNIT = 8 };
static const uint64_t lifetime = 30u * UINT64_C(1000000000); /* RFC 791 3.2 lets receivers choose */

struct slot {
    bool used, have_end;
    struct tw_endpoint src, dst;
    uint32_t id;
    uint8_t proto;
    uint64_t at;
    size_t end, got; /* length once the last fragment is there; bytes held */
    struct tw_buf data;
    uint8_t *seen; /* one byte for each unit of 8 */
};

struct tw_defrag {
    struct slot slots[SLOTS];
    struct tw_buf out;
};

struct tw_defrag *tw_defrag_new(void)
{
    struct tw_defrag *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    tw_buf_init(&d->out, MAX_DATAGRAM + UNIT);
    for (size_t i = 0; i < SLOTS; i++)
        tw_buf_init(&d->slots[i].data, MAX_DATAGRAM + UNIT);
    return d;
}

static void clear(struct slot *s)
{
    tw_buf_cleanup(&s->data);
    free(s->seen);
    s->seen = NULL;
    s->used = s->have_end = false;
    s->end = s->got = 0;
}

void tw_defrag_free(struct tw_defrag *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        clear(&d->slots[i]);
    tw_buf_cleanup(&d->out);
    free(d);
}

static bool is_for(const struct slot *s, const struct tw_packet *p)
{
    return s->used && s->id == p->frag_id && s->proto == p->frag_proto &&
           memcmp(s->src.ip, p->src.ip, 16) == 0 && memcmp(s->dst.ip, p->dst.ip, 16) == 0 &&
           s->src.family == p->src.family;
}

static struct slot *slot_for(struct tw_defrag *d, uint64_t at, const struct tw_packet *p)
{
    struct slot *oldest = &d->slots[0];
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &d->slots[i];
        if (s->used && at > s->at + lifetime)
            clear(s);
        if (is_for(s, p))
            return s;
        if (!s->used || (oldest->used && s->at < oldest->at))
            oldest = s;
    }
    clear(oldest);
    oldest->seen = calloc(1, MAX_DATAGRAM / UNIT + 2);
    if (oldest->seen == NULL)
        return NULL;
    oldest->used = true;
    oldest->src = p->src;
    oldest->dst = p->dst;
    oldest->id = p->frag_id;
    oldest->proto = p->frag_proto;
    oldest->at = at;
    return oldest;
}

/* Copies those units that are not there yet. All fragments but the last are whole units. */
static bool put(struct slot *s, uint32_t off, struct tw_view body)
{
    size_t end = off + body.len;
    if (end > s->data.len) {
        size_t old = s->data.len;
        uint8_t *p = tw_buf_grow(&s->data, end - old);
        if (p == NULL)
            return false;
        memset(p, 0, end - old);
    }
    for (size_t i = 0; i < body.len; i += UNIT) {
        size_t n = body.len - i < UNIT ? body.len - i : UNIT, unit = (off + i) / UNIT;
        if (s->seen[unit])
            continue;
        s->seen[unit] = 1;
        s->got += n;
        memcpy(s->data.data + off + i, body.data + i, n);
    }
    return true;
}

bool tw_defrag_feed(struct tw_defrag *d, uint64_t at, struct tw_packet *p)
{
    struct tw_view body = p->frag_body;
    if (p->frag_off + body.len > MAX_DATAGRAM || (p->more_fragments && body.len % UNIT != 0))
        return false;
    struct slot *s = slot_for(d, at, p);
    if (s == NULL)
        return false;
    if (!put(s, p->frag_off, body)) {
        clear(s);
        return false;
    }
    if (!p->more_fragments) {
        s->have_end = true;
        s->end = p->frag_off + body.len;
    }
    if (!s->have_end || s->got < s->end)
        return false;
    struct tw_buf whole = d->out;
    d->out = s->data;
    s->data = whole;
    d->out.len = s->end;
    uint8_t proto = s->proto;
    clear(s);
    return tw_packet_decode_body(proto, tw_buf_view(&d->out), p);
}
