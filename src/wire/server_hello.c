/* ServerHello and HelloRetryRequest, RFC 8446 4.1.3 and 4.1.4, RFC 5246 7.4.1.3. */
#include "wire/ext.h"

/* SHA-256 of "HelloRetryRequest", RFC 8446 4.1.3. */
const uint8_t tw_hrr_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                   0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                   0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool tw_server_hello_decode(struct tw_reader *r, struct tw_server_hello *m)
{
    *m = (struct tw_server_hello){0};
    m->version = tw_rd_u16(r, "legacy_version");
    m->selected_version = m->version;
    m->random = tw_rd_bytes(r, 32, "random");
    m->is_hrr = tw_view_eq(m->random, tw_view_of(tw_hrr_random, 32));
    m->session_id = tw_ext_bounded_vec(r, 1, 0, 32, "legacy_session_id_echo");
    m->cipher = tw_rd_u16(r, "cipher_suite");
    m->compression = tw_rd_u8(r, "legacy_compression_method");
    m->has_extensions = tw_rd_more(r);
    if (m->has_extensions)
        m->extensions = tw_ext_block(r);
    struct tw_view v;
    uint16_t selected;
    if (tw_ext_find(m->extensions, TW_EXT_SUPPORTED_VERSIONS, &v) && tw_ext_u16(v, &selected))
        m->selected_version = selected;
    return tw_rd_end(r, "ServerHello");
}

void tw_server_hello_encode(struct tw_buf *b, const struct tw_server_hello *m)
{
    tw_wr_u16(b, m->version);
    tw_wr_bytes(b, m->random);
    tw_wr_vec(b, 1, m->session_id);
    tw_wr_u16(b, m->cipher);
    tw_wr_u8(b, m->compression);
    if (m->has_extensions)
        tw_wr_vec(b, 2, m->extensions);
}
