/* Certificate, RFC 8446 4.4.2 and RFC 5246 7.4.2: the chain as it was sent. */
#include "wire/ext.h"

bool tw_certificate_next(struct tw_reader *r, bool tls13, struct tw_view *der,
                         struct tw_view *extensions)
{
    *der = (struct tw_view){NULL, 0};
    *extensions = (struct tw_view){NULL, 0};
    if (!tw_rd_more(r))
        return false;
    struct tw_view d = tw_ext_bounded_vec(r, 3, 1, 0xffffff, "cert_data");
    if (!tw_rd_ok(r))
        return false;
    *der = d; /* a certificate whose extensions are broken is still one that was sent */
    if (tls13)
        *extensions = tw_ext_block(r);
    return true;
}

bool tw_certificate_decode(struct tw_reader *r, struct tw_certificate_msg *m)
{
    *m = (struct tw_certificate_msg){.tls13 = m->tls13};
    if (m->tls13)
        m->context = tw_rd_vec(r, 1, "certificate_request_context");
    size_t len = (size_t)tw_rd_uint(r, 3, "certificate_list");
    m->list_off = r->pos;
    /* A list cut short still gives the certificates that are whole. */
    bool cut = tw_rd_ok(r) && tw_rd_left(r) < len;
    m->list = cut ? tw_rd_rest(r) : tw_rd_bytes(r, len, "certificate_list");
    struct tw_reader list = {r->data, m->list_off, m->list_off + m->list.len, r->fail_field,
                             r->fail_at};
    struct tw_view der, extensions;
    while (tw_certificate_next(&list, m->tls13, &der, &extensions))
        continue;
    if (!tw_rd_ok(&list))
        *r = list;
    if (cut)
        tw_rd_fail(r, "certificate_list");
    return tw_rd_end(r, "Certificate");
}

void tw_certificate_encode(struct tw_buf *b, bool tls13, struct tw_view context,
                           const struct tw_view *certs, const struct tw_view *exts, size_t n)
{
    if (tls13)
        tw_wr_vec(b, 1, context);
    size_t list = tw_wr_open(b, 3);
    for (size_t i = 0; i < n; i++) {
        tw_wr_vec(b, 3, certs[i]);
        if (tls13)
            tw_wr_vec(b, 2, exts == NULL ? (struct tw_view){NULL, 0} : exts[i]);
    }
    tw_wr_close(b, list, 3);
}
