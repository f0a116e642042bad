/* The extension block and the shapes that many extensions share, RFC 8446 4.2. */
#include "wire/ext.h"

bool tw_ext_next(struct tw_reader *r, struct tw_ext *e)
{
    *e = (struct tw_ext){0};
    if (!tw_rd_more(r))
        return false;
    size_t at = r->pos;
    struct tw_ext got = {.type = tw_rd_u16(r, "extension_type")};
    got.body = tw_rd_vec(r, 2, "extension_data");
    got.off = r->pos - got.body.len;
    if (!tw_rd_ok(r)) {
        r->fail_at = at; /* an extension is at fault as a whole: name where it starts */
        return false;
    }
    *e = got;
    return true;
}

bool tw_ext_find(struct tw_view extensions, uint16_t type, struct tw_view *body)
{
    struct tw_reader r = tw_rd_of(extensions);
    struct tw_ext e;
    while (tw_ext_next(&r, &e)) {
        if (e.type == type) {
            *body = e.body;
            return true;
        }
    }
    *body = (struct tw_view){NULL, 0};
    return false;
}

struct tw_view tw_ext_bounded_vec(struct tw_reader *r, size_t len_bytes, size_t min, size_t max,
                                  const char *field)
{
    size_t at = r->pos;
    struct tw_view v = tw_rd_vec(r, len_bytes, field);
    if (tw_rd_ok(r) && (v.len < min || v.len > max)) {
        r->pos = at;
        tw_rd_fail(r, field);
        return (struct tw_view){NULL, 0};
    }
    return v;
}

/* A block cut short by the end of the message still gives the extensions that are whole. */
struct tw_view tw_ext_block(struct tw_reader *r)
{
    size_t at = r->pos;
    size_t len = tw_rd_u16(r, "extensions");
    bool cut = tw_rd_ok(r) && tw_rd_left(r) < len;
    struct tw_view v = cut ? tw_rd_rest(r) : tw_rd_bytes(r, len, "extensions");
    struct tw_reader sub = {r->data, r->pos - v.len, r->pos, r->fail_field, r->fail_at};
    struct tw_ext e;
    while (tw_ext_next(&sub, &e))
        continue;
    if (!tw_rd_ok(&sub))
        *r = sub;
    if (cut && tw_rd_ok(r)) {
        r->pos = at;
        tw_rd_fail(r, "extensions");
    }
    return v;
}

bool tw_ext_u16_list(struct tw_view body, size_t len_bytes, struct tw_u16s *out)
{
    struct tw_reader r = tw_rd_of(body);
    struct tw_reader list = tw_rd_sub(&r, len_bytes, "list");
    out->n = 0;
    out->more = false;
    while (tw_rd_more(&list)) {
        uint16_t v = tw_rd_u16(&list, "list");
        if (!tw_rd_ok(&list))
            break;
        if (out->n < TW_ARRAY_LEN(out->v))
            out->v[out->n++] = v;
        else
            out->more = true;
    }
    return tw_rd_ok(&list) && tw_rd_end(&r, "list");
}

bool tw_ext_u16(struct tw_view body, uint16_t *v)
{
    struct tw_reader r = tw_rd_of(body);
    uint16_t x = tw_rd_u16(&r, "value");
    *v = tw_rd_end(&r, "value") ? x : 0;
    return tw_rd_ok(&r);
}

void tw_ext_write_u16s(struct tw_buf *b, size_t len_bytes, const struct tw_u16list *l,
                       uint16_t grease)
{
    size_t mark = tw_wr_open(b, len_bytes);
    if (grease != 0)
        tw_wr_u16(b, grease);
    for (size_t i = 0; i < l->n && i < TW_HELLO_MAX_LIST; i++)
        tw_wr_u16(b, l->v[i]);
    tw_wr_close(b, mark, len_bytes);
}

/* Drafts of TLS 1.3 (0x7f..) count as TLS 1.3; GREASE is no version. */
bool tw_ext_offers_tls13(const struct tw_ext_build *x)
{
    const struct tw_u16list *l = &x->hello->versions;
    for (size_t i = 0; i < l->n && i < TW_HELLO_MAX_LIST; i++)
        if (l->v[i] >= TW_TLS13 && !tw_is_grease(l->v[i]))
            return true;
    return false;
}
