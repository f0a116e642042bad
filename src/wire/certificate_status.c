/*
 * CertificateStatus, RFC 6066 8; also the body of status_request in a TLS 1.3 CertificateEntry,
 * RFC 8446 4.4.2.1. For ocsp_multi (RFC 6961) response is the whole list.
 */
#include "wire/wire.h"

bool tw_certificate_status_decode(struct tw_reader *r, struct tw_certificate_status *m)
{
    m->type = tw_rd_u8(r, "status_type");
    m->response = tw_rd_vec(r, 3, "response");
    return tw_rd_end(r, "CertificateStatus");
}

void tw_certificate_status_encode(struct tw_buf *b, const struct tw_certificate_status *m)
{
    tw_wr_u8(b, m->type);
    tw_wr_vec(b, 3, m->response);
}
