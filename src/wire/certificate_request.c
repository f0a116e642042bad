/* CertificateRequest in its three layouts: RFC 8446 4.3.2, RFC 5246 7.4.4, RFC 2246 7.4.4. */
#include "wire/ext.h"

/* The list inside an extension whose whole body is one vector; empty when absent or broken. */
static struct tw_view list_of(struct tw_view extensions, uint16_t type)
{
    struct tw_view body;
    if (!tw_ext_find(extensions, type, &body))
        return (struct tw_view){NULL, 0};
    struct tw_reader r = tw_rd_of(body);
    return tw_rd_vec(&r, 2, "list");
}

static void decode_tls13(struct tw_reader *r, struct tw_certificate_request *m)
{
    m->context = tw_rd_vec(r, 1, "certificate_request_context");
    m->extensions = tw_ext_block(r);
    m->sigalgs = list_of(m->extensions, TW_EXT_SIGNATURE_ALGORITHMS);
    m->authorities = list_of(m->extensions, TW_EXT_CERTIFICATE_AUTHORITIES);
}

static void decode_older(struct tw_reader *r, struct tw_certificate_request *m)
{
    m->types = tw_rd_vec(r, 1, "certificate_types");
    if (m->version >= TW_TLS12)
        m->sigalgs = tw_rd_vec(r, 2, "supported_signature_algorithms");
    if (m->sigalgs.len % 2 != 0)
        tw_rd_fail(r, "supported_signature_algorithms");
    struct tw_reader names = tw_rd_sub(r, 2, "certificate_authorities");
    m->authorities = tw_view_of(names.pos == names.end ? NULL : names.data + names.pos,
                                names.end - names.pos);
    struct tw_view name;
    while (tw_authority_next(&names, &name))
        continue;
    if (!tw_rd_ok(&names))
        *r = names;
}

bool tw_certificate_request_decode(struct tw_reader *r, struct tw_certificate_request *m)
{
    *m = (struct tw_certificate_request){.version = m->version};
    if (m->version >= TW_TLS13)
        decode_tls13(r, m);
    else
        decode_older(r, m);
    return tw_rd_end(r, "CertificateRequest");
}

void tw_certificate_request_encode(struct tw_buf *b, const struct tw_certificate_request *m)
{
    if (m->version >= TW_TLS13) {
        tw_wr_vec(b, 1, m->context);
        tw_wr_vec(b, 2, m->extensions);
        return;
    }
    tw_wr_vec(b, 1, m->types);
    if (m->version >= TW_TLS12)
        tw_wr_vec(b, 2, m->sigalgs);
    tw_wr_vec(b, 2, m->authorities);
}

bool tw_authority_next(struct tw_reader *r, struct tw_view *name)
{
    *name = (struct tw_view){NULL, 0};
    if (!tw_rd_more(r))
        return false;
    *name = tw_ext_bounded_vec(r, 2, 1, 0xffff, "DistinguishedName");
    return tw_rd_ok(r);
}
