/* Inside of capture/: bytes of a file, unpacked. */
#ifndef TW_CAPTURE_UNPACK_H
#define TW_CAPTURE_UNPACK_H

#include "base/base.h"

struct unpacker;
/** path "-": standard input. NULL: errbuf says why. */
struct unpacker *unpack_open(const char *path, char *errbuf, size_t cap);
void unpack_close(struct unpacker *u);
/** At least one byte unless the end is reached or the compressed data is damaged. */
size_t unpack_read(struct unpacker *u, void *out, size_t n);
/** The compressed data broke off or is wrong. */
bool unpack_damaged(const struct unpacker *u);
bool unpack_is_packed(const struct unpacker *u);

#endif
