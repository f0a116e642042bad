/*
 * DTLS 1.0 (RFC 4347), 1.2 (RFC 6347) and 1.3 (RFC 9147) in clear: records of a datagram, and
 * handshake messages out of fragments. What is whole goes to glance.c as any message does; a
 * ClientHello without its cookie, so that the decoder of TLS reads it.
 */
#include "passive/internal.h"

enum {
    HEAD = 13,
    HS_HEAD = 12,
    SLOTS = 6,
    MAX_MESSAGE = 64 * 1024,
    MSG_HELLO_VERIFY = 3,
    CT_ACK = 26
};

struct part {
    bool used;
    uint16_t seq;
    uint8_t type;
    size_t len, got;
    uint8_t *data, *seen;
};

struct dtls_dir {
    struct part parts[SLOTS];
    uint32_t next; /* messages below this number were taken */
    bool any;
    uint8_t epoch;
};

struct tw_dtls {
    struct dtls_dir dir[2];
};

static bool good_version(const uint8_t *p)
{
    return p[0] == 0xfe ? p[1] >= 0xfc : p[0] == 1 && p[1] == 0;
}

static bool good_record(struct tw_view v)
{
    const uint8_t *p = v.data;
    return v.len >= HEAD && p[0] >= TW_CT_CCS && p[0] <= CT_ACK && good_version(p + 1) &&
           HEAD + ((size_t)p[11] << 8 | p[12]) <= v.len;
}

bool dtls_plausible(struct tw_view v)
{
    if (!good_record(v))
        return false;
    const uint8_t *p = v.data;
    size_t len = (size_t)p[11] << 8 | p[12];
    if (p[0] != TW_CT_HANDSHAKE || p[3] != 0 || p[4] != 0 || len < HS_HEAD)
        return false;
    return p[13] == TW_MSG_CLIENT_HELLO || p[13] == TW_MSG_SERVER_HELLO ||
           p[13] == MSG_HELLO_VERIFY || p[13] == TW_MSG_HELLO_REQUEST;
}

static void clear(struct part *p)
{
    free(p->data);
    free(p->seen);
    *p = (struct part){.used = false};
}

void dtls_free(struct tw_dtls *d)
{
    if (d == NULL)
        return;
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < SLOTS; k++)
            clear(&d->dir[i].parts[k]);
    free(d);
}

static struct part *part_for(struct dtls_dir *d, uint16_t seq, uint8_t type, size_t len)
{
    struct part *slot = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        struct part *p = &d->parts[i];
        if (p->used && p->seq == seq && p->type == type && p->len == len)
            return p;
        if (slot == NULL || !p->used || (slot->used && p->seq < slot->seq))
            slot = p;
    }
    clear(slot);
    slot->data = malloc(len + 1);
    slot->seen = calloc(1, len + 1);
    if (slot->data == NULL || slot->seen == NULL) {
        clear(slot);
        return NULL;
    }
    slot->used = true;
    slot->seq = seq;
    slot->type = type;
    slot->len = len;
    return slot;
}

/* A ClientHello of DTLS has a cookie between session id and suites (RFC 6347 4.2.1). */
static void take_hello(const struct watch *w, int dir, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    (void)tw_rd_bytes(&r, 34, "version and random");
    (void)tw_rd_vec(&r, 1, "session_id");
    size_t head = r.pos;
    (void)tw_rd_vec(&r, 1, "cookie");
    if (!tw_rd_ok(&r)) {
        glance_message(w, dir, TW_MSG_CLIENT_HELLO, body);
        return;
    }
    struct tw_buf b;
    tw_buf_init(&b, MAX_MESSAGE);
    tw_wr_bytes(&b, tw_view_sub(body, 0, head));
    tw_wr_bytes(&b, tw_view_sub(body, r.pos, body.len - r.pos));
    if (!b.failed)
        glance_message(w, dir, TW_MSG_CLIENT_HELLO, tw_buf_view(&b));
    tw_buf_cleanup(&b);
}

static void take_message(const struct watch *w, int dir, uint8_t type, struct tw_view body)
{
    if (type == TW_MSG_CLIENT_HELLO)
        take_hello(w, dir, body);
    else if (type != MSG_HELLO_VERIFY)
        glance_message(w, dir, type, body);
}

/* One fragment; RFC 6347 4.2.2. A message that was taken is not taken again, but a hello with a
 * lower number starts a new handshake. */
static void take_fragment(const struct watch *w, int dir, uint8_t type, uint16_t seq, size_t len,
                          size_t off, struct tw_view in)
{
    struct dtls_dir *d = &w->f->dtls->dir[dir];
    if (len > MAX_MESSAGE || off > len || in.len > len - off)
        return;
    if (d->any && seq < d->next && !(type == TW_MSG_CLIENT_HELLO && seq == 0))
        return;
    if (in.len == len) {
        take_message(w, dir, type, in);
    } else {
        struct part *p = part_for(d, seq, type, len);
        if (p == NULL)
            return;
        for (size_t i = 0; i < in.len; i++) {
            p->got += !p->seen[off + i];
            if (!p->seen[off + i])
                p->data[off + i] = in.data[i];
            p->seen[off + i] = 1;
        }
        if (p->got < p->len)
            return;
        take_message(w, dir, type, tw_view_of(p->data, p->len));
        clear(p);
    }
    d->any = true;
    if (seq + 1u > d->next || type == TW_MSG_CLIENT_HELLO)
        d->next = seq + 1u;
}

static void take_handshake(const struct watch *w, int dir, struct tw_view body)
{
    struct tw_reader r = tw_rd_of(body);
    while (tw_rd_left(&r) >= HS_HEAD) {
        uint8_t type = tw_rd_u8(&r, "msg_type");
        size_t len = (size_t)tw_rd_uint(&r, 3, "length");
        uint16_t seq = tw_rd_u16(&r, "message_seq");
        size_t off = (size_t)tw_rd_uint(&r, 3, "fragment_offset");
        struct tw_view part = tw_rd_vec(&r, 3, "fragment");
        if (tw_rd_ok(&r))
            take_fragment(w, dir, type, seq, len, off, part);
    }
}

static void take_record(const struct watch *w, int dir, uint8_t type, uint16_t version,
                        bool protected_, struct tw_view body)
{
    if (type == TW_CT_CCS && !protected_)
        glance_ccs(w, dir);
    else if (protected_ || type == TW_CT_APP_DATA)
        glance_protected(w, dir, type, version, body.len);
    else if (type == TW_CT_HANDSHAKE)
        take_handshake(w, dir, body);
    else if (type == TW_CT_ALERT) {
        log_add(w, dir, (struct log_entry){.kind = LOG_ALERT}, body);
        glance_alert(w, dir, body, body.len != 2);
    }
}

/* RFC 9147 4: 001CSLEE, then connection id, sequence number, length. */
static size_t take_unified(const struct watch *w, int dir, struct tw_view v)
{
    size_t head = 1 + ((v.data[0] & 0x08) != 0 ? 2u : 1u), len = 0;
    if ((v.data[0] & 0x10) != 0)
        return v.len; /* the connection id's length is not known here */
    if ((v.data[0] & 0x04) != 0) {
        if (v.len < head + 2)
            return v.len;
        len = (size_t)v.data[head] << 8 | v.data[head + 1];
        head += 2;
    } else {
        len = v.len > head ? v.len - head : 0;
    }
    if (len > v.len - (head < v.len ? head : v.len))
        return v.len;
    glance_protected(w, dir, TW_CT_APP_DATA, 0xfefd, len);
    return head + len;
}

void dtls_datagram(const struct watch *w, int dir, struct tw_view in)
{
    struct tw_flow *f = w->f;
    if (f->dtls == NULL)
        f->dtls = calloc(1, sizeof *f->dtls);
    if (f->dtls == NULL)
        return;
    glance_found(w);
    size_t at = 0;
    while (at < in.len) {
        struct tw_view v = tw_view_sub(in, at, in.len - at);
        if ((v.data[0] & 0xe0) == 0x20) {
            at += take_unified(w, dir, v);
            continue;
        }
        if (!good_record(v))
            return;
        size_t len = (size_t)v.data[11] << 8 | v.data[12];
        bool protected_ = v.data[3] != 0 || v.data[4] != 0; /* epoch 0 has no keys */
        uint16_t version = (uint16_t)(v.data[1] << 8 | v.data[2]);
        take_record(w, dir, v.data[0], version, protected_, tw_view_sub(v, HEAD, len));
        at += HEAD + len;
    }
}
