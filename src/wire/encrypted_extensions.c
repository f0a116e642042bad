/* EncryptedExtensions, RFC 8446 4.3.1. */
#include "wire/ext.h"

bool tw_encrypted_extensions_decode(struct tw_reader *r, struct tw_encrypted_extensions *m)
{
    m->extensions = tw_ext_block(r);
    return tw_rd_end(r, "EncryptedExtensions");
}

void tw_encrypted_extensions_encode(struct tw_buf *b, const struct tw_encrypted_extensions *m)
{
    tw_wr_vec(b, 2, m->extensions);
}
