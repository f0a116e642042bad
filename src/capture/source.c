/*
 * Capture files and interfaces through libpcap. A compressed file is unpacked as it is read: a
 * stdio stream whose read function is zlib's or libzstd's, so that libpcap sees a plain file.
 */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { IN_SIZE = 256 * 1024, LIVE_SNAPLEN = 262144, LIVE_WAIT_MS = 200, LIVE_BUFFER = 64 << 20 };

enum packing { PLAIN, GZIP, ZSTD };

/* A file that is read from its start; where the magic was looked at it is given again. */
struct unpacker {
    FILE *in;
    enum packing packing;
    uint8_t *buf;
    size_t at, len;
    z_stream z;
    ZSTD_DStream *zs;
    bool failed, in_frame;
    off64_t out;         /* bytes given so far */
};

struct tw_source {
    pcap_t *pcap;
    FILE *stream;
    struct unpacker *u;
    bool live;
    int linktype;
    uint64_t frames;
};

/* ---- unpacking ----------------------------------------------------------------------------------- */

static bool refill(struct unpacker *u)
{
    if (u->at < u->len)
        return true;
    u->at = 0;
    u->len = fread(u->buf, 1, IN_SIZE, u->in);
    return u->len > 0;
}

static ssize_t read_plain(struct unpacker *u, char *out, size_t n)
{
    if (!refill(u))
        return 0;
    size_t k = u->len - u->at < n ? u->len - u->at : n;
    memcpy(out, u->buf + u->at, k);
    u->at += k;
    return (ssize_t)k;
}

static ssize_t read_gzip(struct unpacker *u, char *out, size_t n)
{
    u->z.next_out = (Bytef *)out;
    u->z.avail_out = (uInt)n;
    while (u->z.avail_out == n && refill(u)) {
        u->z.next_in = u->buf + u->at;
        u->z.avail_in = (uInt)(u->len - u->at);
        int rc = inflate(&u->z, Z_NO_FLUSH);
        u->at = u->len - u->z.avail_in;
        u->in_frame = rc != Z_STREAM_END;
        if (rc == Z_STREAM_END)
            rc = inflateReset(&u->z); /* members may follow each other, RFC 1952 2.2 */
        if (rc != Z_OK) {
            u->failed = true;
            break;
        }
    }
    return (ssize_t)(n - u->z.avail_out);
}

static ssize_t read_zstd(struct unpacker *u, char *out, size_t n)
{
    ZSTD_outBuffer o = {out, n, 0};
    while (o.pos == 0 && refill(u)) {
        ZSTD_inBuffer i = {u->buf, u->len, u->at};
        size_t rc = ZSTD_decompressStream(u->zs, &o, &i);
        u->at = i.pos;
        if (ZSTD_isError(rc)) {
            u->failed = true;
            break;
        }
        u->in_frame = rc != 0;
    }
    return (ssize_t)o.pos;
}

static ssize_t unpack(void *cookie, char *out, size_t n)
{
    struct unpacker *u = cookie;
    ssize_t got = u->packing == GZIP   ? read_gzip(u, out, n)
                  : u->packing == ZSTD ? read_zstd(u, out, n)
                                       : read_plain(u, out, n);
    if (got > 0)
        u->out += got;
    return got;
}

/* Only for ftello(): where are we? */
static int where(void *cookie, off64_t *off, int whence)
{
    struct unpacker *u = cookie;
    if (whence != SEEK_CUR || *off != 0)
        return -1;
    *off = u->out;
    return 0;
}

static void free_unpacker(struct unpacker *u)
{
    if (u == NULL)
        return;
    if (u->packing == GZIP)
        inflateEnd(&u->z);
    ZSTD_freeDStream(u->zs);
    if (u->in != NULL && u->in != stdin)
        fclose(u->in);
    free(u->buf);
    free(u);
}

static int forget(void *cookie)
{
    (void)cookie; /* freed by tw_source_close(), which still wants to know how it went */
    return 0;
}

static bool set_packing(struct unpacker *u)
{
    static const uint8_t gzip[2] = {0x1f, 0x8b}, zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
    if (!refill(u))
        return true;
    if (u->len >= 2 && memcmp(u->buf, gzip, 2) == 0) {
        u->packing = GZIP;
        return inflateInit2(&u->z, 15 + 16) == Z_OK;
    }
    if (u->len >= 4 && memcmp(u->buf, zstd, 4) == 0) {
        u->packing = ZSTD;
        u->zs = ZSTD_createDStream();
        return u->zs != NULL;
    }
    return true;
}

static FILE *open_stream(struct unpacker *u)
{
    cookie_io_functions_t io = {.read = unpack, .seek = where, .close = forget};
    FILE *f = fopencookie(u, "rb", io);
    if (f != NULL)
        setvbuf(f, NULL, _IOFBF, IN_SIZE);
    return f;
}

/* ---- sources --------------------------------------------------------------------------------------- */

void tw_source_close(struct tw_source *s)
{
    if (s == NULL)
        return;
    if (s->pcap != NULL)
        pcap_close(s->pcap); /* closes the stream too */
    else if (s->stream != NULL)
        fclose(s->stream);
    free_unpacker(s->u);
    free(s);
}

struct tw_source *tw_source_open(const char *path, char *errbuf, size_t cap)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct tw_source *s = calloc(1, sizeof *s);
    struct unpacker *u = calloc(1, sizeof *u);
    snprintf(errbuf, cap, "out of memory");
    if (s == NULL || u == NULL) {
        free(s);
        free(u);
        return NULL;
    }
    s->u = u;
    u->buf = malloc(IN_SIZE);
    u->in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (u->in == NULL)
        snprintf(errbuf, cap, "%s", strerror(errno));
    if (u->buf == NULL || u->in == NULL || !set_packing(u)) {
        tw_source_close(s);
        return NULL;
    }
    setvbuf(u->in, NULL, _IONBF, 0);
    s->stream = open_stream(u);
    if (s->stream != NULL)
        s->pcap = pcap_fopen_offline_with_tstamp_precision(s->stream, PCAP_TSTAMP_PRECISION_NANO,
                                                           why);
    if (s->pcap == NULL) {
        snprintf(errbuf, cap, "%s", why[0] != '\0' ? why : "not a capture file");
        tw_source_close(s);
        return NULL;
    }
    s->linktype = pcap_datalink(s->pcap);
    return s;
}

struct tw_source *tw_source_live(const char *interface, char *errbuf, size_t cap)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    struct tw_source *s = calloc(1, sizeof *s);
    snprintf(errbuf, cap, "out of memory");
    if (s == NULL)
        return NULL;
    s->live = true;
    s->pcap = pcap_create(interface, why);
    if (s->pcap == NULL) {
        snprintf(errbuf, cap, "%s", why);
        tw_source_close(s);
        return NULL;
    }
    (void)pcap_set_snaplen(s->pcap, LIVE_SNAPLEN);
    (void)pcap_set_timeout(s->pcap, LIVE_WAIT_MS);
    (void)pcap_set_buffer_size(s->pcap, LIVE_BUFFER);
    (void)pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO);
    int rc = pcap_activate(s->pcap);
    if (rc < 0) {
        const char *more = pcap_geterr(s->pcap);
        snprintf(errbuf, cap, "%s", more[0] != '\0' ? more : pcap_statustostr(rc));
        tw_source_close(s);
        return NULL;
    }
    (void)pcap_setnonblock(s->pcap, 0, why);
    s->linktype = pcap_datalink(s->pcap);
    return s;
}

bool tw_source_filter(struct tw_source *s, const char *bpf, char *errbuf, size_t cap)
{
    struct bpf_program program;
    if (pcap_compile(s->pcap, &program, bpf, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        snprintf(errbuf, cap, "%s", pcap_geterr(s->pcap));
        return false;
    }
    bool ok = pcap_setfilter(s->pcap, &program) == 0;
    if (!ok)
        snprintf(errbuf, cap, "%s", pcap_geterr(s->pcap));
    pcap_freecode(&program);
    return ok;
}

int tw_source_linktype(const struct tw_source *s)
{
    return s->linktype;
}

static enum tw_source_status damaged(struct tw_source *s, char *errbuf, size_t cap)
{
    off_t at = s->stream == NULL ? -1 : ftello(s->stream);
    const char *why = s->u != NULL && s->u->failed ? "the compressed data is damaged"
                                                   : pcap_geterr(s->pcap);
    snprintf(errbuf, cap, "damaged after frame %llu, at byte %lld%s: %s",
             (unsigned long long)s->frames, (long long)at,
             s->u != NULL && s->u->packing != PLAIN ? " of the unpacked file" : "", why);
    return TW_SOURCE_DAMAGED;
}

enum tw_source_status tw_source_next(struct tw_source *s, struct tw_frame *f, char *errbuf,
                                     size_t cap)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    switch (pcap_next_ex(s->pcap, &h, &data)) {
    case 1:
        break;
    case 0:
        return TW_SOURCE_IDLE;
    case PCAP_ERROR_BREAK:
        if (s->u != NULL && (s->u->failed || (s->u->in_frame && feof(s->u->in))))
            return damaged(s, errbuf, cap);
        return TW_SOURCE_END;
    default:
        return damaged(s, errbuf, cap);
    }
    s->frames++;
    uint64_t sec = h->ts.tv_sec < 0 ? 0 : (uint64_t)h->ts.tv_sec;
    f->at = sec * UINT64_C(1000000000) + (uint64_t)h->ts.tv_usec;
    f->bytes = tw_view_of(data, h->caplen);
    return TW_SOURCE_FRAME;
}
