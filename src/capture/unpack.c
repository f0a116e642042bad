/*
 * Bytes of a capture file, unpacked when it is compressed with gzip or zstd. What they mean is for
 * file.c.
 */
#include "capture/unpack.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

enum { IN_SIZE = 256 * 1024 };

enum packing { PLAIN, GZIP, ZSTD };

struct unpacker {
    FILE *in;
    enum packing packing;
    uint8_t *buf; /* as in the file; what is at hand is [at, len) */
    size_t at, len;
    z_stream z;
    ZSTD_DStream *zs;
    bool failed, in_frame;
};

/* ---- unpacking ------------------------------------------------------------------------------- */

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

size_t unpack_read(struct unpacker *u, void *out, size_t n)
{
    ssize_t got = u->packing == GZIP   ? read_gzip(u, out, n)
                  : u->packing == ZSTD ? read_zstd(u, out, n)
                                       : read_plain(u, out, n);
    return got > 0 ? (size_t)got : 0;
}

bool unpack_damaged(const struct unpacker *u)
{
    return u->failed || u->in_frame;
}

bool unpack_is_packed(const struct unpacker *u)
{
    return u->packing != PLAIN;
}

void unpack_close(struct unpacker *u)
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

struct unpacker *unpack_open(const char *path, char *errbuf, size_t cap)
{
    struct unpacker *u = calloc(1, sizeof *u);
    snprintf(errbuf, cap, "out of memory");
    if (u == NULL)
        return NULL;
    u->buf = malloc(IN_SIZE);
    u->in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (u->in == NULL)
        snprintf(errbuf, cap, "%s", strerror(errno));
    else
        setvbuf(u->in, NULL, _IONBF, 0);
    if (u->buf == NULL || u->in == NULL || !set_packing(u)) {
        unpack_close(u);
        return NULL;
    }
    return u;
}
