/* ClientHello, RFC 8446 4.1.2 and RFC 5246 7.4.1.2. */
#include "wire/ext.h"

bool tw_client_hello_decode(struct tw_reader *r, struct tw_client_hello *m)
{
    *m = (struct tw_client_hello){0};
    m->version = tw_rd_u16(r, "legacy_version");
    m->random = tw_rd_bytes(r, 32, "random");
    m->session_id = tw_ext_bounded_vec(r, 1, 0, 32, "legacy_session_id");
    m->ciphers = tw_ext_bounded_vec(r, 2, 2, 0xfffe, "cipher_suites");
    m->compressions = tw_ext_bounded_vec(r, 1, 1, 255, "legacy_compression_methods");
    if (m->ciphers.len % 2 != 0)
        tw_rd_fail(r, "cipher_suites");
    m->has_extensions = tw_rd_more(r); /* their absence was legal before TLS 1.3 */
    if (m->has_extensions)
        m->extensions = tw_ext_block(r);
    return tw_rd_end(r, "ClientHello");
}

void tw_client_hello_encode(struct tw_buf *b, const struct tw_client_hello *m)
{
    tw_wr_u16(b, m->version);
    tw_wr_bytes(b, m->random);
    tw_wr_vec(b, 1, m->session_id);
    tw_wr_vec(b, 2, m->ciphers);
    tw_wr_vec(b, 1, m->compressions);
    if (m->has_extensions)
        tw_wr_vec(b, 2, m->extensions);
}
