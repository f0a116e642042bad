/*
 * QUIC as far as anybody may read it: Initial packets, whose keys follow from the connection id
 * that the client chose first (RFC 9001 5.2, RFC 9369 3.3). ClientHello and ServerHello come out
 * of their CRYPTO frames, alerts out of CONNECTION_CLOSE; of later packets only that they came.
 */
#include "passive/internal.h"

#include "engine/keys.h"

enum { CID_MAX = 20, TAG = 16, SAMPLE = 16, CRYPTO_MAX = 16 * 1024, MAX_DATAGRAM = 65536 };
enum { INITIAL, ZERO_RTT, HANDSHAKE, RETRY };

/* clang-format off */
struct salt { uint32_t first, last; uint8_t v[20]; };
/* RFC 9001 5.2, RFC 9369 3.3.1 and the drafts of both; versions of vendors use a draft's salt. */
static const struct salt salts[] = {
    {0x00000001, 0x00000001, {0x38,0x76,0x2c,0xf7,0xf5,0x59,0x34,0xb3,0x4d,0x17,0x9a,0xe6,0xa4,0xc8,0x0c,0xad,0xcc,0xbb,0x7f,0x0a}},
    {0xff000021, 0xff000022, {0x38,0x76,0x2c,0xf7,0xf5,0x59,0x34,0xb3,0x4d,0x17,0x9a,0xe6,0xa4,0xc8,0x0c,0xad,0xcc,0xbb,0x7f,0x0a}},
    {0x6b3343cf, 0x6b3343cf, {0x0d,0xed,0xe3,0xde,0xf7,0x00,0xa6,0xdb,0x81,0x93,0x81,0xbe,0x6e,0x26,0x9d,0xcb,0xf9,0xbd,0x2e,0xd9}},
    {0xff00001d, 0xff000020, {0xaf,0xbf,0xec,0x28,0x99,0x93,0xd2,0x4c,0x9e,0x97,0x86,0xf1,0x9c,0x61,0x11,0xe0,0x43,0x90,0xa8,0x99}},
    {0xff000017, 0xff00001c, {0xc3,0xee,0xf7,0x12,0xc7,0x2e,0xbb,0x5a,0x11,0xa7,0xd2,0x43,0x2b,0xb4,0x63,0x65,0xbe,0xf9,0xf5,0x02}},
    {0xfaceb002, 0xfaceb002, {0xc3,0xee,0xf7,0x12,0xc7,0x2e,0xbb,0x5a,0x11,0xa7,0xd2,0x43,0x2b,0xb4,0x63,0x65,0xbe,0xf9,0xf5,0x02}},
    {0xff000016, 0xff000016, {0x7f,0xbc,0xdb,0x0e,0x7c,0x66,0xbb,0xe9,0x19,0x3a,0x96,0xcd,0x21,0x51,0x9e,0xbd,0x7a,0x02,0x64,0x4a}},
    {0xfaceb001, 0xfaceb001, {0x7f,0xbc,0xdb,0x0e,0x7c,0x66,0xbb,0xe9,0x19,0x3a,0x96,0xcd,0x21,0x51,0x9e,0xbd,0x7a,0x02,0x64,0x4a}},
    {0x54303530, 0x54303530, {0x7f,0xf5,0x79,0xe5,0xac,0xd0,0x72,0x91,0x55,0x80,0x30,0x4c,0x43,0xa2,0x36,0x7c,0x60,0x48,0x83,0x10}},
    {0x54303531, 0x54303531, {0x7a,0x4e,0xde,0xf4,0xe7,0xcc,0xee,0x5f,0xa4,0x50,0x6c,0x19,0x12,0x4f,0xc8,0xcc,0xda,0x6e,0x03,0x3d}},
};
/* clang-format on */
static const uint32_t version_2 = 0x6b3343cf;

struct initial_keys {
    bool ready;
    struct tw_bulk_key *aead, *hp;
    uint8_t iv[12];
};

struct quic_dir {
    struct initial_keys keys;
    uint8_t *data, *seen; /* CRYPTO stream */
    size_t high, taken;   /* highest offset held; bytes made messages of */
    uint32_t one_rtt, handshakes, initials;
    uint64_t largest; /* packet number */
};

struct tw_quic {
    struct tw_crypto *crypto;
    uint32_t version;
    uint8_t dcid[CID_MAX], dcid_len; /* that the keys are made of */
    int8_t client;
    bool retry, negotiation, closed;
    bool cut; /* packets were not captured whole */
    struct quic_dir dir[2];
};

/* ---- keys ------------------------------------------------------------------------------------ */

static void drop_keys(struct tw_quic *q)
{
    for (int i = 0; i < 2; i++) {
        struct initial_keys *k = &q->dir[i].keys;
        if (k->aead != NULL)
            q->crypto->bulk_free(k->aead);
        if (k->hp != NULL)
            q->crypto->bulk_free(k->hp);
        *k = (struct initial_keys){.ready = false};
    }
}

void quic_free(struct tw_quic *q)
{
    if (q == NULL)
        return;
    drop_keys(q);
    for (int i = 0; i < 2; i++) {
        free(q->dir[i].data);
        free(q->dir[i].seen);
    }
    free(q);
}

bool quic_one_rtt(const struct tw_quic *q, int dir)
{
    return q != NULL && q->dir[dir].one_rtt > 0;
}

uint32_t quic_version(const struct tw_quic *q)
{
    return q == NULL ? 0 : q->version;
}

static const struct salt *salt_of(uint32_t version)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(salts); i++)
        if (version >= salts[i].first && version <= salts[i].last)
            return &salts[i];
    return NULL;
}

static bool make_keys(struct tw_crypto *c, uint32_t version, struct tw_view secret,
                      struct initial_keys *k)
{
    bool two = version == version_2;
    uint8_t key[16], hp[16];
    struct tw_view none = {NULL, 0};
    if (!tw_hkdf_expand_label(c, TW_HASH_SHA256, secret, two ? "quicv2 key" : "quic key", none, key,
                              sizeof key) ||
        !tw_hkdf_expand_label(c, TW_HASH_SHA256, secret, two ? "quicv2 iv" : "quic iv", none, k->iv,
                              sizeof k->iv) ||
        !tw_hkdf_expand_label(c, TW_HASH_SHA256, secret, two ? "quicv2 hp" : "quic hp", none, hp,
                              sizeof hp))
        return false;
    k->aead = c->bulk_new(c->ctx, TW_BULK_AES128_GCM, tw_view_of(key, sizeof key), false);
    /* Header protection is AES-ECB of one block: CBC with an IV of zeros (RFC 9001 5.4.3). */
    k->hp = c->bulk_new(c->ctx, TW_BULK_AES128_CBC, tw_view_of(hp, sizeof hp), true);
    k->ready = k->aead != NULL && k->hp != NULL;
    return k->ready;
}

static bool derive(struct tw_quic *q, uint32_t version, struct tw_view dcid, int client)
{
    const struct salt *salt = salt_of(version);
    struct tw_crypto *c = q->crypto;
    uint8_t initial[TW_HASH_MAX], secret[32];
    struct tw_view none = {NULL, 0};
    drop_keys(q);
    if (salt == NULL || dcid.len > CID_MAX ||
        c->hmac(c->ctx, TW_HASH_SHA256, tw_view_of(salt->v, sizeof salt->v), &dcid, 1, initial) !=
            32)
        return false;
    for (int server = 0; server < 2; server++) {
        if (!tw_hkdf_expand_label(c, TW_HASH_SHA256, tw_view_of(initial, 32),
                                  server ? "server in" : "client in", none, secret, 32) ||
            !make_keys(c, version, tw_view_of(secret, 32),
                       &q->dir[server ? 1 - client : client].keys))
            return false;
    }
    q->version = version;
    q->dcid_len = (uint8_t)dcid.len;
    if (dcid.len > 0)
        memcpy(q->dcid, dcid.data, dcid.len);
    return true;
}

/* ---- packets --------------------------------------------------------------------------------- */

struct packet {
    uint8_t first;
    uint32_t version;
    struct tw_view dcid, scid;
    unsigned type;
    size_t head, len; /* offset of the packet number; bytes from there on */
    struct tw_view whole;
};

static uint64_t varint(struct tw_reader *r)
{
    uint8_t first = tw_rd_u8(r, "varint");
    uint64_t v = first & 0x3f;
    size_t more = ((size_t)1 << (first >> 6)) - 1;
    if (more > 0)
        v = v << (8 * more) | tw_rd_uint(r, more, "varint");
    return v;
}

/* Types have other numbers in version 2 (RFC 9369 3.2). */
static unsigned packet_type(uint8_t first, uint32_t version)
{
    unsigned t = first >> 4 & 3;
    return version == version_2 ? (t + 3) & 3 : t;
}

/* missing: bytes behind in that were not captured; then len is more than there is. */
static bool read_long(struct tw_view in, size_t missing, struct packet *p)
{
    struct tw_reader r = tw_rd_of(in);
    *p = (struct packet){.whole = in};
    p->first = tw_rd_u8(&r, "first");
    p->version = (uint32_t)tw_rd_uint(&r, 4, "version");
    p->dcid = tw_rd_vec(&r, 1, "dcid");
    p->scid = tw_rd_vec(&r, 1, "scid");
    if (!tw_rd_ok(&r) || (p->first & 0x80) == 0 || p->dcid.len > CID_MAX || p->scid.len > CID_MAX)
        return false;
    p->type = packet_type(p->first, p->version);
    if (p->version == 0 || p->type == RETRY) {
        p->head = r.pos;
        p->len = in.len - r.pos;
        return true;
    }
    if (p->type == INITIAL) {
        uint64_t token = varint(&r);
        if (token > tw_rd_left(&r))
            return false;
        if (token > 0)
            (void)tw_rd_bytes(&r, (size_t)token, "token");
    }
    uint64_t len = varint(&r);
    if (!tw_rd_ok(&r) || len > tw_rd_left(&r) + missing || len < 4)
        return false;
    p->head = r.pos;
    p->len = (size_t)len;
    return true;
}

bool quic_plausible(struct tw_view v, size_t missing)
{
    struct packet p;
    if (v.len < 21 || (v.data[0] & 0xc0) != 0xc0 || !read_long(v, missing, &p))
        return false;
    return salt_of(p.version) != NULL && p.type == INITIAL && p.len > TAG + 4;
}

/* Takes the protection off a packet; out gets the frames. */
static bool open_packet(struct tw_quic *q, int dir, const struct packet *p, struct tw_buf *out)
{
    struct initial_keys *k = &q->dir[dir].keys;
    static const uint8_t zero[16] = {0};
    uint8_t mask[16], head[2 * CID_MAX + 1600], nonce[12];
    if (!k->ready || p->len < 4 + SAMPLE || p->head + 4 > sizeof head)
        return false;
    if (!q->crypto->crypt(k->hp, zero, tw_view_of(p->whole.data + p->head + 4, SAMPLE), mask))
        return false;
    memcpy(head, p->whole.data, p->head + 4);
    head[0] ^= mask[0] & 0x0f;
    size_t n = (head[0] & 3u) + 1u;
    uint64_t number = 0;
    for (size_t i = 0; i < n; i++) {
        head[p->head + i] ^= mask[1 + i];
        number = number << 8 | head[p->head + i];
    }
    memcpy(nonce, k->iv, sizeof nonce);
    for (size_t i = 0; i < 8; i++)
        nonce[11 - i] ^= (uint8_t)(number >> (8 * i));
    struct tw_view body = {p->whole.data + p->head + n, p->len - n};
    if (body.len < TAG)
        return false;
    uint8_t *dst = tw_buf_grow(out, body.len - TAG);
    return dst != NULL && q->crypto->open(k->aead, nonce, tw_view_of(head, p->head + n), body, dst);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void take_messages(const struct watch *w, int dir, struct quic_dir *d)
{
    size_t whole = d->taken;
    while (whole < d->high && d->seen[whole])
        whole++;
    for (;;) {
        uint8_t type;
        struct tw_view body;
        size_t used;
        if (!tw_handshake_peek(tw_view_of(d->data + d->taken, whole - d->taken), &type, &body,
                               &used))
            return;
        d->taken += used;
        glance_message(w, dir, type, body);
    }
}

static void take_crypto(struct quic_dir *d, uint64_t off, struct tw_view v)
{
    if (off > CRYPTO_MAX || v.len > CRYPTO_MAX - off)
        return;
    if (d->data == NULL) {
        d->data = malloc(CRYPTO_MAX);
        d->seen = calloc(1, CRYPTO_MAX);
    }
    if (d->data == NULL || d->seen == NULL)
        return;
    for (size_t i = 0; i < v.len; i++) {
        size_t at = (size_t)off + i;
        if (!d->seen[at])
            d->data[at] = v.data[i];
        d->seen[at] = 1;
    }
    if (off + v.len > d->high)
        d->high = (size_t)off + v.len;
}

static void take_ack(struct tw_reader *r, bool ecn)
{
    (void)varint(r);
    (void)varint(r);
    uint64_t ranges = varint(r);
    (void)varint(r);
    for (uint64_t i = 0; i < ranges && tw_rd_ok(r); i++) {
        (void)varint(r);
        (void)varint(r);
    }
    for (int i = 0; ecn && i < 3; i++)
        (void)varint(r);
}

/* 0x0100 to 0x01ff are TLS alerts, RFC 9001 4.8. */
static void take_close(const struct watch *w, int dir, struct tw_reader *r, bool transport)
{
    uint64_t code = varint(r);
    if (transport)
        (void)varint(r);
    uint64_t n = varint(r);
    if (n > tw_rd_left(r))
        tw_rd_fail(r, "reason");
    struct tw_view reason = {NULL, 0};
    if (tw_rd_ok(r) && n > 0)
        reason = tw_rd_bytes(r, (size_t)n, "reason");
    w->f->quic->closed = true;
    if (w->f->closed_from < 0)
        w->f->closed_from = (int8_t)dir;
    if (!tw_rd_ok(r) || !transport || code < 0x100 || code > 0x1ff) {
        w->f->glance->refused = transport && code != 0;
        log_add(w, dir, (struct log_entry){.kind = LOG_TEXT, .size = (uint32_t)code}, reason);
        return;
    }
    uint8_t alert[2] = {2, (uint8_t)code};
    log_add(w, dir, (struct log_entry){.kind = LOG_ALERT}, tw_view_of(alert, 2));
    glance_alert(w, dir, tw_view_of(alert, 2), false);
}

static void take_frames(const struct watch *w, int dir, struct tw_view frames)
{
    struct quic_dir *d = &w->f->quic->dir[dir];
    struct tw_reader r = tw_rd_of(frames);
    bool google = w->f->quic->version >> 16 == 0x5430; /* "T05x" numbers CRYPTO by itself */
    while (tw_rd_more(&r)) {
        uint64_t type = varint(&r);
        if (type <= 1)
            continue; /* PADDING, PING */
        if (type == 2 || type == 3) {
            take_ack(&r, type == 3);
        } else if (type == 6 || (type == 8 && google)) {
            uint64_t off = varint(&r), n = varint(&r);
            if (n > tw_rd_left(&r))
                return;
            take_crypto(d, off,
                        n > 0 ? tw_rd_bytes(&r, (size_t)n, "crypto") : (struct tw_view){NULL, 0});
        } else if (type == 0x1c || type == 0x1d) {
            take_close(w, dir, &r, type == 0x1c);
        } else {
            return; /* no other frame may be in an Initial packet (RFC 9000 12.4) */
        }
    }
}

/* ---- datagrams ------------------------------------------------------------------------------- */

static bool is_dcid(const struct tw_quic *q, struct tw_view v)
{
    return tw_view_eq(v, tw_view_of(q->dcid, q->dcid_len));
}

/* Keys for a packet: those there are, or new ones from the connection id in it, when it is one of
 * the client's that come first or after a Retry. */
static bool open_initial(struct tw_quic *q, int dir, const struct packet *p, struct tw_buf *out,
                         bool *other)
{
    if (q->client >= 0 && open_packet(q, dir, p, out))
        return true;
    out->len = 0;
    if (q->client >= 0 && (dir != q->client || is_dcid(q, p->dcid)))
        return false;
    if (q->client >= 0 && !q->retry && !q->negotiation && q->version == p->version) {
        *other = true; /* another first connection id: another connection */
        return false;
    }
    if (!derive(q, p->version, p->dcid, dir) || !open_packet(q, dir, p, out)) {
        out->len = 0;
        return false;
    }
    q->client = (int8_t)dir;
    return true;
}

static bool opens_with_its_own(struct tw_quic *q, int dir, const struct packet *p)
{
    struct tw_quic probe = {.crypto = q->crypto, .client = (int8_t)dir};
    struct tw_buf out;
    tw_buf_init(&out, MAX_DATAGRAM);
    bool ok = derive(&probe, p->version, p->dcid, dir) && open_packet(&probe, dir, p, &out);
    drop_keys(&probe);
    tw_buf_cleanup(&out);
    return ok;
}

static bool take_initial(const struct watch *w, int dir, const struct packet *p)
{
    struct tw_quic *q = w->f->quic;
    struct tw_buf out;
    bool other = false;
    tw_buf_init(&out, MAX_DATAGRAM);
    if (open_initial(q, dir, p, &out, &other)) {
        q->dir[dir].initials++;
        take_frames(w, dir, tw_buf_view(&out));
        if (q->dir[dir].data != NULL)
            take_messages(w, dir, &q->dir[dir]);
    } else if (other) {
        other = opens_with_its_own(q, dir, p);
    }
    tw_buf_cleanup(&out);
    return !other;
}

static bool take_long(const struct watch *w, int dir, const struct packet *p)
{
    struct tw_quic *q = w->f->quic;
    if (p->version == 0) {
        q->negotiation = true;
        return true;
    }
    switch (p->type) {
    case INITIAL:
        return take_initial(w, dir, p);
    case HANDSHAKE:
        q->dir[dir].handshakes++;
        return true;
    case RETRY:
        q->retry = true;
        return true;
    default:
        return true;
    }
}

/* What was cut off cannot be opened, but the connection id of a client's first packet still gives
 * the keys of the server's. */
static void take_cut(struct tw_quic *q, int dir, const struct packet *p)
{
    q->cut = true;
    if (q->client < 0 && p->type == INITIAL && derive(q, p->version, p->dcid, dir))
        q->client = (int8_t)dir;
}

bool quic_datagram(const struct watch *w, int dir, struct tw_view in, size_t missing)
{
    struct tw_flow *f = w->f;
    if (f->quic == NULL) {
        f->quic = calloc(1, sizeof *f->quic);
        if (f->quic == NULL)
            return true;
        f->quic->crypto = w->crypto;
        f->quic->client = -1;
    }
    size_t at = 0;
    while (at < in.len) {
        struct tw_view v = tw_view_sub(in, at, in.len - at);
        struct packet p;
        if ((v.data[0] & 0x80) == 0) {
            f->quic->dir[dir].one_rtt += (v.data[0] & 0x40) != 0 && v.len >= 21;
            break;
        }
        if (!read_long(v, missing, &p))
            break;
        if (p.len > v.len - p.head) {
            take_cut(f->quic, dir, &p);
            break;
        }
        if (!take_long(w, dir, &p))
            return false;
        at += p.head + p.len;
    }
    if (f->glance->client_hello || f->glance->server_hello || f->quic->cut)
        glance_found(w);
    return true;
}
