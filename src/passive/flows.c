/*
 * The table of flows: finds each packet's, starts and ends them, and keeps what they hold within
 * a limit. A flow that ended stays for a moment, so that late copies of its segments do not look
 * like another one.
 */
#include "passive/internal.h"

enum { FIRST_BUCKETS = 1024, OVER_MAX = 32768 };
static const uint64_t second = UINT64_C(1000000000);

struct tw_passive {
    struct tw_passive_config cfg;
    struct tw_passive_stats stats;
    struct tw_defrag *defrag;
    struct tw_flow **buckets;
    size_t mask, flows;
    struct tw_flow *oldest, *newest;
    struct tw_flow *over_first, *over_last;
    struct tw_flow *log_oldest, *log_newest;
    size_t over_n, held;
    struct log_pool pool;
    uint32_t next_n;
    uint64_t now; /* time of the latest frame */
};

/* ---- table ----------------------------------------------------------------------------------- */

static uint64_t load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* Both directions give the same value. */
static uint32_t hash_of(const struct tw_passive *p, const struct tw_packet *k)
{
    uint64_t a = mix(mix(mix(p->cfg.seed, load64(k->src.ip)), load64(k->src.ip + 8)), k->src.port);
    uint64_t b = mix(mix(mix(p->cfg.seed, load64(k->dst.ip)), load64(k->dst.ip + 8)), k->dst.port);
    uint64_t h = mix(a + b, (a ^ b) + k->proto);
    return (uint32_t)(h >> 32);
}

static bool same_end(const struct tw_endpoint *a, const struct tw_endpoint *b)
{
    return a->port == b->port && a->family == b->family && load64(a->ip) == load64(b->ip) &&
           load64(a->ip + 8) == load64(b->ip + 8);
}

/* The packet's flow and its direction in it. */
static struct tw_flow *find(const struct tw_passive *p, const struct tw_packet *k, uint32_t hash,
                            int *dir)
{
    for (struct tw_flow *f = p->buckets[hash & p->mask]; f != NULL; f = f->chain) {
        if (f->hash != hash || f->proto != k->proto)
            continue;
        if (same_end(&f->end[0], &k->src) && same_end(&f->end[1], &k->dst)) {
            *dir = 0;
            return f;
        }
        if (same_end(&f->end[1], &k->src) && same_end(&f->end[0], &k->dst)) {
            *dir = 1;
            return f;
        }
    }
    return NULL;
}

static void grow(struct tw_passive *p)
{
    size_t n = (p->mask + 1) * 2;
    struct tw_flow **bigger = calloc(n, sizeof(struct tw_flow *));
    if (bigger == NULL)
        return; /* longer chains */
    for (size_t i = 0; i <= p->mask; i++) {
        struct tw_flow *f = p->buckets[i];
        while (f != NULL) {
            struct tw_flow *next = f->chain;
            f->chain = bigger[f->hash & (n - 1)];
            bigger[f->hash & (n - 1)] = f;
            f = next;
        }
    }
    free(p->buckets);
    p->buckets = bigger;
    p->mask = n - 1;
}

static void link_newest(struct tw_passive *p, struct tw_flow *f)
{
    f->older = p->newest;
    f->newer = NULL;
    if (p->newest != NULL)
        p->newest->newer = f;
    else
        p->oldest = f;
    p->newest = f;
}

static void unlink_age(struct tw_passive *p, struct tw_flow *f)
{
    if (f->older != NULL)
        f->older->newer = f->newer;
    else
        p->oldest = f->newer;
    if (f->newer != NULL)
        f->newer->older = f->older;
    else
        p->newest = f->older;
}

static size_t cost(const struct tw_flow *f)
{
    size_t n = sizeof *f + (size_t)f->log_blocks * LOG_BLOCK;
    const struct tw_glance *g = f->glance;
    if (g != NULL)
        n +=
            sizeof *g + g->dir[0].rec.cap + g->dir[0].hs.cap + g->dir[1].rec.cap + g->dir[1].hs.cap;
    if (f->quic != NULL || f->dtls != NULL)
        n += 64 * 1024; /* what its messages may take */
    return n + f->tcp[0].kept_bytes + f->tcp[1].kept_bytes;
}

/* Keeps the list of flows with a log. */
static void list_log(struct tw_passive *p, struct tw_flow *f)
{
    bool has = f->log != NULL;
    if (has == f->logged)
        return;
    f->logged = has;
    if (has) {
        f->log_older = p->log_newest;
        f->log_newer = NULL;
        *(p->log_newest != NULL ? &p->log_newest->log_newer : &p->log_oldest) = f;
        p->log_newest = f;
    } else {
        *(f->log_older != NULL ? &f->log_older->log_newer : &p->log_oldest) = f->log_newer;
        *(f->log_newer != NULL ? &f->log_newer->log_older : &p->log_newest) = f->log_older;
    }
}

static void account(struct tw_passive *p, struct tw_flow *f)
{
    list_log(p, f);
    size_t now = cost(f);
    p->held += now - f->accounted;
    f->accounted = now;
}

static struct tw_flow *add_flow(struct tw_passive *p, const struct tw_packet *k, uint32_t hash,
                                uint64_t at)
{
    struct tw_flow *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->end[0] = k->src;
    f->end[1] = k->dst;
    f->hash = hash;
    f->proto = k->proto;
    f->start = f->last = at;
    f->syn_from = f->closed_from = -1;
    if (p->flows > p->mask)
        grow(p);
    f->chain = p->buckets[hash & p->mask];
    p->buckets[hash & p->mask] = f;
    link_newest(p, f);
    p->flows++;
    p->stats.flows++;
    account(p, f);
    return f;
}

static void free_flow(struct tw_flow *f)
{
    (void)tw_tcp_drop(&f->tcp[0]);
    (void)tw_tcp_drop(&f->tcp[1]);
    glance_free(f->glance);
    quic_free(f->quic);
    dtls_free(f->dtls);
    free(f);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static struct watch watch_of(struct tw_passive *p, struct tw_flow *f, uint64_t at)
{
    return (struct watch){.crypto = p->cfg.crypto,
                          .cfg = &p->cfg,
                          .f = f,
                          .at = at,
                          .next_n = &p->next_n,
                          .pool = &p->pool};
}

struct delivery {
    struct tw_passive *p;
    struct tw_flow *f;
    int dir;
};

static void deliver(void *user, uint64_t at, struct tw_view data, size_t missing)
{
    struct delivery *d = user;
    if (d->f->glance == NULL)
        return;
    struct watch w = watch_of(d->p, d->f, at);
    if (missing == 0) {
        glance_bytes(&w, d->dir, data);
        return;
    }
    d->p->stats.lost_bytes += missing;
    d->f->lost_bytes += missing > UINT32_MAX - d->f->lost_bytes ? 0 : (uint32_t)missing;
    glance_gap(&w, d->dir, missing);
}

static void report(struct tw_passive *p, struct tw_flow *f)
{
    if (f->reported)
        return;
    f->reported = true;
    for (int dir = 0; dir < 2; dir++) {
        struct delivery d = {p, f, dir};
        (void)tw_tcp_flush(&f->tcp[dir], deliver, &d);
    }
    if (f->glance == NULL || !f->glance->tls)
        return;
    p->stats.tls_flows++;
    if (p->cfg.done != NULL)
        p->cfg.done(p->cfg.user, f);
}

static void unlink_over(struct tw_passive *p, struct tw_flow *f)
{
    if (f->over_before != NULL)
        f->over_before->over_next = f->over_next;
    else
        p->over_first = f->over_next;
    if (f->over_next != NULL)
        f->over_next->over_before = f->over_before;
    else
        p->over_last = f->over_before;
    p->over_n--;
    f->queued = false;
}

static void remove_flow(struct tw_passive *p, struct tw_flow *f)
{
    report(p, f);
    struct tw_flow **link = &p->buckets[f->hash & p->mask];
    while (*link != f)
        link = &(*link)->chain;
    *link = f->chain;
    if (f->queued)
        unlink_over(p, f);
    unlink_age(p, f);
    log_drop(&p->pool, f);
    list_log(p, f);
    p->held -= f->accounted;
    p->flows--;
    free_flow(f);
}

static void queue_over(struct tw_passive *p, struct tw_flow *f, uint64_t at)
{
    if (f->queued)
        return;
    f->queued = true;
    f->over = true;
    f->over_at = at;
    f->over_next = NULL;
    f->over_before = p->over_last;
    if (p->over_last != NULL)
        p->over_last->over_next = f;
    else
        p->over_first = f;
    p->over_last = f;
    p->over_n++;
}

static void reap(struct tw_passive *p)
{
    while (p->over_first != NULL &&
           (p->now > p->over_first->over_at + 5 * second || p->over_n > OVER_MAX))
        remove_flow(p, p->over_first);
}

/* Over the limit the oldest records give way first: their flows go on, but less can be said of
 * them. After that the flow that was silent for longest goes. */
static void make_room(struct tw_passive *p, const struct tw_flow *but)
{
    while (p->held > p->cfg.max_bytes && p->log_oldest != NULL) {
        struct tw_flow *f = p->log_oldest;
        log_drop(&p->pool, f);
        f->log_full = true;
        p->stats.shed++;
        account(p, f);
    }
    while ((p->held > p->cfg.max_bytes || p->flows > p->cfg.max_flows) && p->oldest != NULL &&
           p->oldest != but) {
        struct tw_flow *f = p->oldest;
        if (!f->over && f->glance != NULL && f->glance->tls) {
            f->how = TW_HOW_EVICTED;
            p->stats.evicted++;
        }
        remove_flow(p, f);
    }
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static bool new_connection(const struct tw_flow *f, const struct tw_packet *k, int dir)
{
    if ((k->flags & TW_TCP_SYN) == 0)
        return false;
    bool answer = (k->flags & TW_TCP_ACK) != 0;
    if (f->tcp[dir].started && f->isn[dir] == k->seq && (f->syn_seen || f->packets == 0))
        return false; /* sent again */
    if (answer)
        return f->over && f->isn[dir] != k->seq;
    return f->packets > 0 && (f->syn_seen ? f->syn_from != dir || f->isn[dir] != k->seq : true);
}

static void take_syn(struct tw_flow *f, const struct tw_packet *k, int dir)
{
    bool answer = (k->flags & TW_TCP_ACK) != 0;
    f->isn[dir] = k->seq;
    f->syn_seen = true;
    if (f->syn_from < 0 || !answer)
        f->syn_from = (int8_t)(answer ? 1 - dir : dir);
    /* of several answers that which the data follows counts (the others were never taken) */
    if (!f->tcp[dir].started || (f->glance != NULL && f->glance->dir[dir].off == 0)) {
        f->tcp[dir].started = true;
        f->tcp[dir].next = k->seq + 1;
    }
}

static void take_close(struct tw_passive *p, struct tw_flow *f, const struct tw_packet *k, int dir)
{
    bool rst = (k->flags & TW_TCP_RST) != 0;
    if (f->closed_from < 0) {
        f->closed_from = (int8_t)dir;
        f->how = rst ? TW_HOW_RST : TW_HOW_FIN;
    }
    if (!rst)
        f->fins |= (uint8_t)(1u << dir);
    if (rst || f->fins == 3)
        queue_over(p, f, p->now);
}

static bool hopeless(const struct tw_flow *f)
{
    return f->glance != NULL && !f->glance->tls && f->glance->dir[0].mode == 2 &&
           f->glance->dir[1].mode == 2;
}

static void take_bytes(struct tw_passive *p, struct tw_flow *f, const struct tw_packet *k, int dir,
                       uint64_t at)
{
    struct delivery d = {p, f, dir};
    uint32_t seq = k->seq + ((k->flags & TW_TCP_SYN) != 0);
    (void)tw_tcp_segment(&f->tcp[dir], at, seq, k->payload, k->missing, deliver, &d);
    if (hopeless(f)) {
        f->boring = true;
        glance_free(f->glance);
        f->glance = NULL;
        (void)tw_tcp_drop(&f->tcp[0]);
        (void)tw_tcp_drop(&f->tcp[1]);
    }
}

/* Several SYN-ACKs may have gone out; which of them the client took is seen from what it
 * acknowledges before any byte came. */
static void believe_ack(struct tw_flow *f, const struct tw_packet *k, int dir)
{
    struct tw_tcp_dir *other = &f->tcp[1 - dir];
    const int32_t far = 1 << 24;
    if ((k->flags & (TW_TCP_ACK | TW_TCP_RST)) != TW_TCP_ACK || !other->started ||
        f->glance == NULL || f->glance->dir[1 - dir].off != 0 || other->kept != NULL)
        return;
    int32_t apart = (int32_t)(k->ack - other->next);
    if (apart > far || apart < -far)
        other->next = k->ack;
}

static void touch(struct tw_passive *p, struct tw_flow *f, uint64_t at)
{
    f->packets++;
    if (at > f->last)
        f->last = at;
    if (p->newest == f)
        return;
    unlink_age(p, f);
    link_newest(p, f);
}

static void tcp_packet(struct tw_passive *p, const struct tw_packet *k, uint64_t at)
{
    int dir = 0;
    uint32_t hash = hash_of(p, k);
    struct tw_flow *f = find(p, k, hash, &dir);
    bool bytes = k->payload.len + k->missing > 0;
    p->stats.tcp++;
    if (f != NULL && new_connection(f, k, dir)) {
        remove_flow(p, f);
        f = NULL;
    }
    if (f == NULL) {
        if (!bytes && (k->flags & TW_TCP_SYN) == 0)
            return; /* the tail of something */
        dir = 0;
        f = add_flow(p, k, hash, at);
        if (f == NULL)
            return;
        f->glance = glance_new();
    }
    touch(p, f, at);
    if ((k->flags & TW_TCP_SYN) != 0)
        take_syn(f, k, dir);
    else if (!f->tcp[dir].started && !bytes && (k->flags & TW_TCP_RST) == 0) {
        f->tcp[dir].started = true;
        f->tcp[dir].next = k->seq;
    }
    if (!f->boring) {
        believe_ack(f, k, dir);
        if (bytes)
            take_bytes(p, f, k, dir, at);
        if ((k->flags & TW_TCP_ACK) != 0 && f->tcp[1 - dir].kept != NULL) {
            struct delivery d = {p, f, 1 - dir};
            (void)tw_tcp_acked(&f->tcp[1 - dir], k->ack, deliver, &d);
        }
    }
    if ((k->flags & (TW_TCP_FIN | TW_TCP_RST)) != 0)
        take_close(p, f, k, dir);
    if (bytes && (!f->settled || f->tcp[dir].kept != NULL || f->accounted > cost(f)))
        account(p, f);
    make_room(p, f);
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static void udp_packet(struct tw_passive *p, const struct tw_packet *k, uint64_t at)
{
    int dir = 0;
    uint32_t hash = hash_of(p, k);
    struct tw_flow *f = find(p, k, hash, &dir);
    p->stats.udp++;
    if (f == NULL) {
        bool dtls = dtls_plausible(k->payload);
        if (!dtls && !quic_plausible(k->payload, k->missing))
            return;
        f = add_flow(p, k, hash, at);
        if (f == NULL)
            return;
        f->kind = dtls ? TW_FLOW_DTLS : TW_FLOW_QUIC;
        f->glance = glance_new();
        dir = 0;
    }
    touch(p, f, at);
    if (f->glance == NULL)
        return;
    struct watch w = watch_of(p, f, at);
    if (f->kind == TW_FLOW_DTLS) {
        dtls_datagram(&w, dir, k->payload);
    } else if (!quic_datagram(&w, dir, k->payload, k->missing)) {
        remove_flow(p, f);
        udp_packet(p, k, at);
        return;
    }
    account(p, f);
    make_room(p, f);
}

/* ---- what the driver calls ------------------------------------------------------------------- */

struct tw_passive *tw_passive_new(const struct tw_passive_config *cfg)
{
    struct tw_passive *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->cfg = *cfg;
    if (p->cfg.max_bytes == 0)
        p->cfg.max_bytes = (size_t)176 << 20;
    if (p->cfg.max_flows == 0)
        p->cfg.max_flows = 1000000;
    p->next_n = 1;
    p->mask = FIRST_BUCKETS - 1;
    p->buckets = calloc(FIRST_BUCKETS, sizeof(struct tw_flow *));
    p->defrag = tw_defrag_new();
    if (p->buckets == NULL || p->defrag == NULL) {
        tw_passive_free(p);
        return NULL;
    }
    return p;
}

void tw_passive_free(struct tw_passive *p)
{
    if (p == NULL)
        return;
    while (p->oldest != NULL) {
        struct tw_flow *f = p->oldest;
        p->oldest = f->newer;
        log_drop(&p->pool, f);
        free_flow(f);
    }
    log_pool_free(&p->pool);
    tw_defrag_free(p->defrag);
    free(p->buckets);
    free(p);
}

void tw_passive_frame(struct tw_passive *p, uint64_t at, int linktype, struct tw_view frame,
                      size_t wire_len)
{
    struct tw_packet k;
    p->stats.frames++;
    p->stats.bytes += frame.len;
    if (at > p->now)
        p->now = at;
    if (!tw_packet_decode(linktype, frame, wire_len, &k)) {
        p->stats.undecoded++;
        return;
    }
    if (k.fragment) {
        p->stats.fragments++;
        if (!tw_defrag_feed(p->defrag, at, &k))
            return;
    }
    if (p->over_first != NULL)
        reap(p);
    if (k.proto == TW_IPPROTO_TCP)
        tcp_packet(p, &k, at);
    else if (k.proto == TW_IPPROTO_UDP)
        udp_packet(p, &k, at);
}

static int by_number(const void *a, const void *b)
{
    const struct tw_flow *x = *(struct tw_flow *const *)a, *y = *(struct tw_flow *const *)b;
    return (x->n > y->n) - (x->n < y->n);
}

/* A flow that was left open: silence for a while says that an answer did not come. */
static void leave_open(const struct tw_passive *p, struct tw_flow *f)
{
    if (f->closed_from < 0)
        f->how = p->now >= f->last + 5 * second ? TW_HOW_TIMEOUT : TW_HOW_CAPTURE_END;
}

void tw_passive_end(struct tw_passive *p)
{
    struct tw_flow **all = calloc(p->flows + 1, sizeof(struct tw_flow *));
    size_t n = 0;
    for (struct tw_flow *f = p->oldest; f != NULL; f = f->newer) {
        leave_open(p, f);
        for (int dir = 0; dir < 2; dir++) { /* before sorting: this may find TLS */
            struct delivery d = {p, f, dir};
            (void)tw_tcp_flush(&f->tcp[dir], deliver, &d);
        }
        if (all != NULL)
            all[n++] = f;
    }
    if (all != NULL)
        qsort(all, n, sizeof(struct tw_flow *), by_number);
    for (size_t i = 0; i < n; i++)
        remove_flow(p, all[i]);
    while (p->oldest != NULL)
        remove_flow(p, p->oldest);
    free(all);
}

const struct tw_passive_stats *tw_passive_stats(const struct tw_passive *p)
{
    return &p->stats;
}
