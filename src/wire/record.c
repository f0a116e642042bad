/*
 * The record layer's header, read and written. Whether a record may come now, and what is in it,
 * is for the engine; here is only framing.
 *
 * A stream is judged as early as its bytes allow: a peer that greets in clear text ("SSH-2.0-",
 * "220 ", a PostgreSQL 'N') must be recognised by its first byte, because it may send no second
 * one before its own timeout.
 */
#include "wire/wire.h"

enum { HEADER = 5, SSL2_HEADER = 2 };
enum { SSL2_ERROR = 0, SSL2_CLIENT_HELLO = 1, SSL2_SERVER_HELLO = 4 };

/* Shortest body that each SSL 2.0 message of the opening can have (draft-hickman 3.). */
static bool ssl2_plausible(uint8_t type, size_t len)
{
    switch (type) {
    case SSL2_ERROR:
        return len == 3;
    case SSL2_CLIENT_HELLO:
        return len >= 9;
    case SSL2_SERVER_HELLO:
        return len >= 11;
    default:
        return false;
    }
}

/*
 * Two-byte header only (top bit set): the three-byte form carries padding, which only encrypted
 * records have, and none of those is the first of a stream.
 */
static enum tw_record_status peek_ssl2(struct tw_view in, struct tw_record *rec, size_t *used)
{
    if (in.len < SSL2_HEADER + 1)
        return TW_REC_NEED_MORE;
    size_t len = (size_t)(in.data[0] & 0x7f) << 8 | in.data[1];
    if (!ssl2_plausible(in.data[2], len))
        return TW_REC_NOT_TLS;
    if (in.len - SSL2_HEADER < len)
        return TW_REC_NEED_MORE;
    rec->version = TW_SSL2;
    rec->body = tw_view_sub(in, SSL2_HEADER, len);
    *used = SSL2_HEADER + len;
    return TW_REC_SSL2;
}

/*
 * Later records are held to the version's major byte alone: an unknown content type there is a
 * fact about the peer, and the engine names it; on a fresh stream it means that this is not TLS.
 */
enum tw_record_status tw_record_peek(struct tw_view in, bool first, struct tw_record *rec,
                                     size_t *used)
{
    *rec = (struct tw_record){0}; /* off is the caller's to set: it knows the stream */
    *used = 0;
    if (in.len == 0)
        return TW_REC_NEED_MORE;
    if (first && (in.data[0] & 0x80) != 0)
        return peek_ssl2(in, rec, used);
    if (first && (in.data[0] < TW_CT_CCS || in.data[0] > TW_CT_HEARTBEAT))
        return TW_REC_NOT_TLS;
    if (in.len >= 2 && in.data[1] != 3)
        return TW_REC_NOT_TLS;
    if (in.len < HEADER)
        return TW_REC_NEED_MORE;
    struct tw_reader r = tw_rd_of(in);
    rec->type = tw_rd_u8(&r, "type");
    rec->version = tw_rd_u16(&r, "legacy_record_version");
    size_t len = tw_rd_u16(&r, "length");
    if (len > TW_MAX_RECORD)
        return TW_REC_TOO_LONG;
    if (tw_rd_left(&r) < len)
        return TW_REC_NEED_MORE;
    rec->body = tw_rd_bytes(&r, len, "fragment");
    *used = HEADER + len;
    return TW_REC_OK;
}

void tw_record_write(struct tw_buf *b, uint8_t type, uint16_t version, struct tw_view body)
{
    if (body.len > TW_MAX_RECORD) {
        b->failed = true;
        return;
    }
    tw_wr_u8(b, type);
    tw_wr_u16(b, version);
    tw_wr_vec(b, 2, body);
}
