/* CertificateVerify, RFC 8446 4.4.3 and RFC 5246 7.4.8; before TLS 1.2 without the scheme. */
#include "wire/wire.h"

bool tw_certificate_verify_decode(struct tw_reader *r, struct tw_certificate_verify *m)
{
    *m = (struct tw_certificate_verify){.version = m->version};
    if (m->version >= TW_TLS12)
        m->scheme = tw_rd_u16(r, "algorithm");
    m->signature = tw_rd_vec(r, 2, "signature");
    return tw_rd_end(r, "CertificateVerify");
}

void tw_certificate_verify_encode(struct tw_buf *b, const struct tw_certificate_verify *m)
{
    if (m->version >= TW_TLS12)
        tw_wr_u16(b, m->scheme);
    tw_wr_vec(b, 2, m->signature);
}
