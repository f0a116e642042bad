/* The running hash over handshake messages, and what happens to it after a HelloRetryRequest. */
#include "engine/keys.h"

enum { TRANSCRIPT_MAX = 4 << 20 };

void tw_transcript_init(struct tw_transcript *t, struct tw_crypto *c)
{
    *t = (struct tw_transcript){.crypto = c};
    tw_buf_init(&t->early, TRANSCRIPT_MAX);
}

void tw_transcript_cleanup(struct tw_transcript *t)
{
    tw_buf_cleanup(&t->early);
    if (t->hash != NULL)
        t->crypto->hash_free(t->hash);
    t->hash = NULL;
}

bool tw_transcript_add(struct tw_transcript *t, struct tw_view msg_with_header)
{
    if ((t->hash == NULL || t->keep) &&
        !tw_buf_add(&t->early, msg_with_header.data, msg_with_header.len))
        return false;
    return t->hash == NULL || t->crypto->hash_update(t->hash, msg_with_header);
}

bool tw_transcript_start(struct tw_transcript *t, enum tw_hash_id id)
{
    if (t->hash != NULL)
        return t->id == id;
    t->hash = t->crypto->hash_new(t->crypto->ctx, id);
    t->id = id;
    if (t->hash == NULL || !t->crypto->hash_update(t->hash, tw_buf_view(&t->early)))
        return false;
    if (!t->keep)
        tw_buf_cleanup(&t->early);
    return true;
}

bool tw_transcript_retry(struct tw_transcript *t)
{
    uint8_t msg[4 + TW_HASH_MAX] = {TW_MSG_MESSAGE_HASH};
    size_t n = tw_transcript_digest(t, msg + 4);
    if (n == 0)
        return false;
    msg[3] = (uint8_t)n;
    t->crypto->hash_free(t->hash);
    t->hash = t->crypto->hash_new(t->crypto->ctx, t->id);
    t->early.len = 0;
    return t->hash != NULL && tw_transcript_add(t, tw_view_of(msg, 4 + n));
}

size_t tw_transcript_digest(struct tw_transcript *t, uint8_t out[TW_HASH_MAX])
{
    return t->hash == NULL ? 0 : t->crypto->hash_peek(t->hash, out);
}
