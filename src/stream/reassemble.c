/*
 * One direction of a TCP connection (RFC 9293 3.4): bytes in order, each once. In-order segments,
 * nearly all of them, are handed on without a copy; only what comes too early is kept.
 *
 * Invariants: kept is sorted, its segments do not overlap and all lie beyond next.
 */
#include "stream/stream.h"

enum { WAIT_AFTER_ACK = 8 };

struct tw_segment {
    struct tw_segment *after;
    uint64_t at;
    uint32_t seq, len; /* of the bytes held */
    uint32_t missing;  /* cut off by the snap length behind them */
    uint8_t data[];
};

/* Signed distance on the circle of sequence numbers. */
static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static void hand_on(struct tw_tcp_dir *d, uint64_t at, struct tw_view data, size_t missing,
                    tw_deliver *deliver, void *user)
{
    d->next += (uint32_t)(data.len + missing);
    if (data.len > 0)
        deliver(user, at, data, 0);
    if (missing > 0)
        deliver(user, at, (struct tw_view){NULL, 0}, missing);
}

static void release_first(struct tw_tcp_dir *d)
{
    struct tw_segment *s = d->kept;
    d->kept = s->after;
    d->kept_n--;
    d->kept_bytes -= s->len;
    free(s);
}

/* Hands on what the bytes just delivered have made contiguous. */
static void drain(struct tw_tcp_dir *d, tw_deliver *deliver, void *user)
{
    while (d->kept != NULL && ahead(d->kept->seq, d->next) <= 0) {
        struct tw_segment *s = d->kept;
        uint32_t old = (uint32_t)-ahead(s->seq, d->next);
        if (old < s->len)
            hand_on(d, s->at, tw_view_of(s->data + old, s->len - old), s->missing, deliver, user);
        else if (old < s->len + s->missing)
            hand_on(d, s->at, (struct tw_view){NULL, 0}, s->len + s->missing - old, deliver, user);
        release_first(d);
    }
    if (d->kept == NULL)
        d->acks_beyond = 0;
}

/* Bytes that are next in order, while others are kept: those came first, so they count. */
static void hand_on_around(struct tw_tcp_dir *d, uint64_t at, struct tw_view data, size_t missing,
                           tw_deliver *deliver, void *user)
{
    uint32_t seq = d->next;
    while (d->kept != NULL && ahead(seq + (uint32_t)(data.len + missing), d->kept->seq) > 0) {
        size_t room = d->kept->seq - seq, n = room < data.len ? room : data.len;
        hand_on(d, at, tw_view_sub(data, 0, n), room - n, deliver, user);
        drain(d, deliver, user);
        size_t done = d->next - seq;
        if (done >= data.len + missing)
            return;
        missing -= done > data.len ? done - data.len : 0;
        data = tw_view_sub(data, done, data.len - (done < data.len ? done : data.len));
        seq = d->next;
    }
    hand_on(d, at, data, missing, deliver, user);
    drain(d, deliver, user);
}

/* The hole in front of the kept segments will not be filled. */
static void skip_hole(struct tw_tcp_dir *d, tw_deliver *deliver, void *user)
{
    uint32_t hole = d->kept->seq - d->next;
    hand_on(d, d->kept->at, (struct tw_view){NULL, 0}, hole, deliver, user);
    drain(d, deliver, user);
}

static void keep(struct tw_tcp_dir *d, uint64_t at, uint32_t seq, struct tw_view data,
                 size_t missing)
{
    struct tw_segment **link = &d->kept;
    while (*link != NULL && ahead((*link)->seq + (*link)->len, seq) <= 0)
        link = &(*link)->after;
    /* What is kept already stays: cut the new bytes to the room before it, and go on behind it. */
    while (data.len > 0) {
        struct tw_segment *s = *link;
        size_t n = data.len;
        if (s != NULL && ahead(s->seq, seq) <= 0) {
            size_t skip = s->seq + s->len - seq;
            if (skip >= data.len)
                return;
            data = tw_view_sub(data, skip, data.len - skip);
            seq += (uint32_t)skip;
            link = &s->after;
            continue;
        }
        if (s != NULL && (size_t)(s->seq - seq) < n)
            n = s->seq - seq;
        struct tw_segment *fresh = malloc(sizeof *fresh + n);
        if (fresh == NULL)
            return; /* becomes a loss */
        *fresh = (struct tw_segment){.after = s, .at = at, .seq = seq, .len = (uint32_t)n};
        if (n == data.len)
            fresh->missing = (uint32_t)missing;
        memcpy(fresh->data, data.data, n);
        *link = fresh;
        link = &fresh->after;
        d->kept_n++;
        d->kept_bytes += (uint32_t)n;
        seq += (uint32_t)n;
        data = tw_view_sub(data, n, data.len - n);
    }
}

/* Holes that are hopeless are passed over. */
static void give_up_holes(struct tw_tcp_dir *d, tw_deliver *deliver, void *user)
{
    while (d->kept != NULL &&
           (d->kept_bytes > TW_TCP_KEEP_BYTES || d->kept_n > TW_TCP_KEEP_SEGMENTS ||
            (d->acks_beyond >= WAIT_AFTER_ACK && ahead(d->peer_acked, d->kept->seq) >= 0))) {
        d->acks_beyond = 0;
        skip_hole(d, deliver, user);
    }
}

long tw_tcp_segment(struct tw_tcp_dir *d, uint64_t at, uint32_t seq, struct tw_view data,
                    size_t missing, tw_deliver *deliver, void *user)
{
    long before = (long)d->kept_bytes;
    if (!d->started) {
        d->started = true;
        d->next = seq;
    }
    int32_t early = ahead(seq, d->next);
    if (early < 0) { /* seen before, all or in part */
        size_t old = (size_t) - (int64_t)early;
        if (old >= data.len + missing)
            return 0;
        if (old >= data.len) {
            missing -= old - data.len;
            data.len = 0;
        } else {
            data = tw_view_sub(data, old, data.len - old);
        }
        seq = d->next;
        early = 0;
    }
    if (early == 0 && d->kept == NULL) {
        hand_on(d, at, data, missing, deliver, user);
    } else if (early == 0) {
        hand_on_around(d, at, data, missing, deliver, user);
    } else {
        keep(d, at, seq, data, missing);
        if (d->peer_acks && d->kept != NULL && ahead(d->peer_acked, d->kept->seq) >= 0)
            d->acks_beyond++;
        give_up_holes(d, deliver, user);
    }
    return (long)d->kept_bytes - before;
}

long tw_tcp_acked(struct tw_tcp_dir *d, uint32_t ack, tw_deliver *deliver, void *user)
{
    if (!d->peer_acks || ahead(ack, d->peer_acked) > 0)
        d->peer_acked = ack;
    d->peer_acks = true;
    if (d->kept == NULL)
        return 0;
    long before = (long)d->kept_bytes;
    give_up_holes(d, deliver, user);
    return (long)d->kept_bytes - before;
}

long tw_tcp_flush(struct tw_tcp_dir *d, tw_deliver *deliver, void *user)
{
    long before = (long)d->kept_bytes;
    while (d->kept != NULL)
        skip_hole(d, deliver, user);
    return (long)d->kept_bytes - before;
}

long tw_tcp_drop(struct tw_tcp_dir *d)
{
    long before = (long)d->kept_bytes;
    while (d->kept != NULL)
        release_first(d);
    return -before;
}
