/*
 * Frames: out of capture files, read here, or from an interface through libpcap.
 *
 * Files are not read through libpcap because it refuses those with interfaces of different link
 * types or snap lengths, which mergecap and dumpcap write every day, and knows no byte offsets.
 * Formats: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html and
 * draft-ietf-opsawg-pcapng-02.
 */
#include "capture/capture.h"
#include "capture/unpack.h"

#include <pcap/pcap.h>
#include <poll.h>

enum { LIVE_SNAPLEN = 262144, LIVE_WAIT_MS = 200, LIVE_BUFFER = 64 << 20 };
enum { BUFFER = 1 << 20, MAX_BLOCK = 16 << 20, MAX_INTERFACES = 65536 };
static const uint32_t block_section = 0x0a0d0d0a;
enum { BLOCK_INTERFACE = 1, BLOCK_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_ENHANCED = 6 };
enum { OPT_END = 0, OPT_TSRESOL = 9, OPT_TSOFFSET = 14 };

struct interface {
    int linktype;
    uint32_t snaplen;
    uint64_t per_second; /* units of its time stamps */
    int64_t offset;      /* seconds to add */
};

struct tw_source {
    /* file */
    struct unpacker *u;
    uint8_t *buf;
    size_t cap, at, len;
    uint64_t buf_off; /* of buf[0] in the file */
    bool swapped, ng, nano;
    struct interface *ifs;
    size_t ifs_n;
    /* live */
    pcap_t *pcap;
    bool has_filter;
    struct bpf_program filter;
    int filter_linktype;
    const char *bpf;
    uint64_t frames;
};

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Makes n bytes at hand behind at; false when the file has no more. */
static bool have(struct tw_source *s, size_t n)
{
    if (s->len - s->at >= n)
        return true;
    if (s->at > 0) {
        memmove(s->buf, s->buf + s->at, s->len - s->at);
        s->buf_off += s->at;
        s->len -= s->at;
        s->at = 0;
    }
    if (n > s->cap) {
        uint8_t *bigger = realloc(s->buf, n);
        if (bigger == NULL)
            return false;
        s->buf = bigger;
        s->cap = n;
    }
    while (s->len < n) {
        size_t got = unpack_read(s->u, s->buf + s->len, s->cap - s->len);
        if (got == 0)
            return false;
        s->len += got;
    }
    return true;
}

static uint32_t u32(const struct tw_source *s, const uint8_t *p)
{
    return s->swapped ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                      : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static unsigned u16(const struct tw_source *s, const uint8_t *p)
{
    return s->swapped ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0];
}

static enum tw_source_status damaged(const struct tw_source *s, char *errbuf, size_t cap,
                                     const char *why)
{
    bool packed = unpack_is_packed(s->u);
    snprintf(errbuf, cap, "damaged after frame %llu, at byte %llu%s: %s",
             (unsigned long long)s->frames, (unsigned long long)(s->buf_off + s->at),
             packed ? " of the unpacked data" : "",
             unpack_damaged(s->u) ? "the compressed data is cut off or wrong" : why);
    return TW_SOURCE_DAMAGED;
}

/* At the end of the data, where a header should be: is it an end? */
static enum tw_source_status ended(const struct tw_source *s, char *errbuf, size_t cap)
{
    if (s->len > s->at || unpack_damaged(s->u))
        return damaged(s, errbuf, cap, "the file is cut off");
    return TW_SOURCE_END;
}

/* ---- pcap ------------------------------------------------------------------------------------ */

static bool add_interface(struct tw_source *s, struct interface i)
{
    if (s->ifs_n == MAX_INTERFACES)
        return false;
    struct interface *more = realloc(s->ifs, (s->ifs_n + 1) * sizeof *more);
    if (more == NULL)
        return false;
    s->ifs = more;
    s->ifs[s->ifs_n++] = i;
    return true;
}

/* Link types that libpcap writes under other numbers on other systems. */
static int linktype_of(uint32_t v)
{
    v &= 0x0fffffff; /* the upper bits say whether frames end in a checksum */
    return v > 0xffff ? -1 : (int)v;
}

static enum tw_source_status next_pcap(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                       size_t cap)
{
    if (!have(s, 16))
        return ended(s, errbuf, cap);
    const uint8_t *h = s->buf + s->at;
    uint32_t caplen = u32(s, h + 8), sec = u32(s, h), frac = u32(s, h + 4);
    f->wire_len = u32(s, h + 12);
    if (caplen > MAX_BLOCK)
        return damaged(s, errbuf, cap, "a frame is longer than a frame can be");
    if (!have(s, 16 + (size_t)caplen))
        return damaged(s, errbuf, cap, "the file is cut off inside of a frame");
    f->bytes = tw_view_of(s->buf + s->at + 16, caplen);
    f->at = (uint64_t)sec * 1000000000u + (uint64_t)frac * (s->nano ? 1u : 1000u);
    f->linktype = s->ifs[0].linktype;
    s->at += 16 + (size_t)caplen;
    return TW_SOURCE_FRAME;
}

/* ---- pcapng ---------------------------------------------------------------------------------- */

/* Byte order of the section that starts at p; false when it is none. */
static bool section_order(struct tw_source *s, const uint8_t *p)
{
    static const uint8_t big[4] = {0x1a, 0x2b, 0x3c, 0x4d}, little[4] = {0x4d, 0x3c, 0x2b, 0x1a};
    if (memcmp(p + 8, big, 4) != 0 && memcmp(p + 8, little, 4) != 0)
        return false;
    s->swapped = memcmp(p + 8, big, 4) == 0;
    s->ifs_n = 0; /* interfaces are those of their section */
    return true;
}

static uint64_t resolution(uint8_t v)
{
    uint64_t r = 1;
    unsigned n = v & 0x7f;
    for (unsigned i = 0; i < n && r < UINT64_C(1) << 59; i++)
        r *= (v & 0x80) != 0 ? 2 : 10;
    return r;
}

static bool take_interface(struct tw_source *s, const uint8_t *body, size_t n)
{
    struct interface i = {.per_second = 1000000};
    if (n < 8)
        return false;
    i.linktype = linktype_of(u16(s, body));
    i.snaplen = u32(s, body + 4);
    size_t at = 8;
    while (at + 4 <= n) {
        unsigned code = u16(s, body + at), len = u16(s, body + at + 2);
        at += 4;
        if (code == OPT_END || len > n - at)
            break;
        if (code == OPT_TSRESOL && len >= 1)
            i.per_second = resolution(body[at]);
        if (code == OPT_TSOFFSET && len >= 8) {
            uint64_t low = u32(s, body + at + (s->swapped ? 4 : 0)),
                     high = u32(s, body + at + (s->swapped ? 0 : 4));
            i.offset = (int64_t)(high << 32 | low);
        }
        at += (len + 3u) & ~3u;
    }
    return add_interface(s, i);
}

static uint64_t stamp(const struct interface *i, uint64_t v)
{
    uint64_t sec = v / i->per_second, rest = v % i->per_second;
    uint64_t ns = i->per_second == 1000000 ? rest * 1000
                  : i->per_second <= 1000000000
                      ? rest * (1000000000u / i->per_second)
                      : (uint64_t)((double)rest * 1e9 / (double)i->per_second);
    return (sec + (uint64_t)i->offset) * 1000000000u + ns;
}

/* A packet of any of the three kinds; false when the block is too short for what it says. */
static bool take_packet(struct tw_source *s, uint32_t type, const uint8_t *b, size_t n,
                        struct tw_frame *f)
{
    size_t head = type == BLOCK_SIMPLE ? 4 : 20;
    if (n < head)
        return false;
    uint32_t id = type == BLOCK_ENHANCED ? u32(s, b) : type == BLOCK_PACKET ? u16(s, b) : 0;
    if (id >= s->ifs_n)
        return false;
    const struct interface *i = &s->ifs[id];
    size_t caplen = type == BLOCK_SIMPLE ? u32(s, b) : u32(s, b + 12);
    if (type == BLOCK_SIMPLE) {
        caplen = i->snaplen != 0 && caplen > i->snaplen ? i->snaplen : caplen;
        caplen = caplen > n - head ? n - head : caplen;
        f->at = 0; /* has no time */
    } else {
        f->at = stamp(i, (uint64_t)u32(s, b + 4) << 32 | u32(s, b + 8));
    }
    if (caplen > n - head)
        return false;
    f->bytes = tw_view_of(b + head, caplen);
    f->wire_len = u32(s, b + (type == BLOCK_SIMPLE ? 0 : 16));
    f->linktype = i->linktype;
    return true;
}

static enum tw_source_status next_pcapng(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                         size_t cap)
{
    for (;;) {
        if (!have(s, 12))
            return ended(s, errbuf, cap);
        const uint8_t *p = s->buf + s->at;
        uint32_t type = u32(s, p);
        if (type == block_section && !section_order(s, p))
            return damaged(s, errbuf, cap, "a section without byte order");
        size_t total = u32(s, p + 4);
        if (total < 12 || total % 4 != 0 || total > MAX_BLOCK)
            return damaged(s, errbuf, cap, "a block with an impossible length");
        if (!have(s, total))
            return damaged(s, errbuf, cap, "the file is cut off inside of a block");
        p = s->buf + s->at;
        bool packet = type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
        bool ok = true;
        if (packet)
            ok = take_packet(s, type, p + 8, total - 12, f);
        else if (type == BLOCK_INTERFACE)
            ok = take_interface(s, p + 8, total - 12);
        if (!ok)
            return damaged(s, errbuf, cap, "a block that contradicts itself");
        s->at += total;
        if (packet)
            return TW_SOURCE_FRAME;
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

void tw_source_close(struct tw_source *s)
{
    if (s == NULL)
        return;
    if (s->pcap != NULL)
        pcap_close(s->pcap);
    if (s->has_filter)
        pcap_freecode(&s->filter);
    unpack_close(s->u);
    free(s->ifs);
    free(s->buf);
    free(s);
}

/* Magic numbers of the formats; 0xa1b2cd34 is the one with patched-in extra fields, not read. */
static bool read_head(struct tw_source *s)
{
    static const uint8_t be[4] = {0xa1, 0xb2, 0xc3, 0xd4}, le[4] = {0xd4, 0xc3, 0xb2, 0xa1},
                         be_nano[4] = {0xa1, 0xb2, 0x3c, 0x4d},
                         le_nano[4] = {0x4d, 0x3c, 0xb2, 0xa1}, ng[4] = {0x0a, 0x0d, 0x0d, 0x0a};
    if (!have(s, 12))
        return false;
    const uint8_t *p = s->buf;
    if (memcmp(p, ng, 4) == 0) {
        s->ng = true;
        return section_order(s, p);
    }
    s->swapped = memcmp(p, be, 4) == 0 || memcmp(p, be_nano, 4) == 0;
    s->nano = memcmp(p, be_nano, 4) == 0 || memcmp(p, le_nano, 4) == 0;
    if (!s->swapped && memcmp(p, le, 4) != 0 && memcmp(p, le_nano, 4) != 0)
        return false;
    if (!have(s, 24))
        return false;
    p = s->buf;
    struct interface i = {.linktype = linktype_of(u32(s, p + 20)), .snaplen = u32(s, p + 16)};
    s->at = 24;
    return add_interface(s, i);
}

struct tw_source *tw_source_open(const char *path, char *errbuf, size_t cap)
{
    struct tw_source *s = calloc(1, sizeof *s);
    snprintf(errbuf, cap, "out of memory");
    if (s == NULL)
        return NULL;
    s->cap = BUFFER;
    s->buf = malloc(BUFFER);
    s->u = s->buf == NULL ? NULL : unpack_open(path, errbuf, cap);
    if (s->u == NULL) {
        tw_source_close(s);
        return NULL;
    }
    if (!read_head(s)) {
        snprintf(errbuf, cap,
                 unpack_damaged(s->u) ? "the compressed data is cut off or wrong, at "
                                        "byte %zu"
                                      : "no pcap or pcapng file (at byte %zu)",
                 (size_t)0);
        tw_source_close(s);
        return NULL;
    }
    return s;
}

struct tw_source *tw_source_live(const char *interface, char *errbuf, size_t cap)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct tw_source *s = calloc(1, sizeof *s);
    snprintf(errbuf, cap, "out of memory");
    if (s == NULL)
        return NULL;
    s->pcap = pcap_create(interface, why);
    if (s->pcap == NULL) {
        snprintf(errbuf, cap, "%s", why);
        tw_source_close(s);
        return NULL;
    }
    (void)pcap_set_snaplen(s->pcap, LIVE_SNAPLEN);
    (void)pcap_set_timeout(s->pcap, LIVE_WAIT_MS);
    (void)pcap_set_buffer_size(s->pcap, LIVE_BUFFER);
    s->nano = pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
    int rc = pcap_activate(s->pcap);
    if (rc < 0) {
        const char *more = pcap_geterr(s->pcap);
        snprintf(errbuf, cap, "%s", more[0] != '\0' ? more : pcap_statustostr(rc));
        tw_source_close(s);
        return NULL;
    }
    /* blocking reads may wait for ever on some kernels: the wait is ours */
    if (pcap_setnonblock(s->pcap, 1, why) != 0) {
        snprintf(errbuf, cap, "%s", why);
        tw_source_close(s);
        return NULL;
    }
    return s;
}

/* ---- filters --------------------------------------------------------------------------------- */

static bool compile(struct tw_source *s, pcap_t *p, char *errbuf, size_t cap)
{
    bool ok = pcap_compile(p, &s->filter, s->bpf, 1, PCAP_NETMASK_UNKNOWN) == 0;
    s->has_filter = ok;
    if (!ok)
        snprintf(errbuf, cap, "%s", pcap_geterr(p));
    return ok;
}

/* A filter is compiled for a link type; files may change it from frame to frame. */
static bool compile_for(struct tw_source *s, int linktype, char *errbuf, size_t cap)
{
    if (s->has_filter && s->filter_linktype == linktype)
        return true;
    if (s->has_filter)
        pcap_freecode(&s->filter);
    s->has_filter = false;
    pcap_t *p = pcap_open_dead(linktype, LIVE_SNAPLEN);
    if (p == NULL)
        return false;
    bool ok = compile(s, p, errbuf, cap);
    pcap_close(p);
    s->filter_linktype = linktype;
    return ok;
}

bool tw_source_filter(struct tw_source *s, const char *bpf, char *errbuf, size_t cap)
{
    s->bpf = bpf;
    if (s->pcap == NULL)
        return compile_for(s, s->ifs_n > 0 ? s->ifs[0].linktype : DLT_EN10MB, errbuf, cap);
    if (!compile(s, s->pcap, errbuf, cap))
        return false;
    bool ok = pcap_setfilter(s->pcap, &s->filter) == 0;
    if (!ok)
        snprintf(errbuf, cap, "%s", pcap_geterr(s->pcap));
    return ok;
}

static bool passes(struct tw_source *s, const struct tw_frame *f)
{
    char why[PCAP_ERRBUF_SIZE];
    if (s->bpf == NULL)
        return true;
    if (!compile_for(s, f->linktype, why, sizeof why))
        return false; /* the words of the filter mean nothing on this link */
    struct pcap_pkthdr h = {.caplen = (bpf_u_int32)f->bytes.len, .len = (bpf_u_int32)f->wire_len};
    return pcap_offline_filter(&s->filter, &h, f->bytes.data) != 0;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static enum tw_source_status next_live(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                       size_t cap)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    int rc = pcap_next_ex(s->pcap, &h, &data);
    if (rc == 0) {
        struct pollfd fd = {.fd = pcap_get_selectable_fd(s->pcap), .events = POLLIN};
        (void)poll(&fd, fd.fd < 0 ? 0 : 1, LIVE_WAIT_MS); /* a signal ends it, too */
        return TW_SOURCE_IDLE;
    }
    if (rc != 1) {
        snprintf(errbuf, cap, "%s", pcap_geterr(s->pcap));
        return rc == PCAP_ERROR_BREAK ? TW_SOURCE_END : TW_SOURCE_DAMAGED;
    }
    uint64_t sec = h->ts.tv_sec < 0 ? 0 : (uint64_t)h->ts.tv_sec;
    f->at = sec * 1000000000u + (uint64_t)h->ts.tv_usec * (s->nano ? 1u : 1000u);
    f->bytes = tw_view_of(data, h->caplen);
    f->wire_len = h->len;
    f->linktype = pcap_datalink(s->pcap);
    return TW_SOURCE_FRAME;
}

enum tw_source_status tw_source_next(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                     size_t cap)
{
    if (s->pcap != NULL)
        return next_live(s, f, errbuf, cap);
    for (;;) {
        enum tw_source_status st =
            s->ng ? next_pcapng(s, f, errbuf, cap) : next_pcap(s, f, errbuf, cap);
        if (st != TW_SOURCE_FRAME)
            return st;
        s->frames++;
        if (passes(s, f))
            return st;
    }
}
