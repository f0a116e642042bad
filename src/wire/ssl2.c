/* SSL 2.0, draft-hickman-netscape-ssl-00 2.5 and 2.6: the two hellos, no more. */
#include "wire/wire.h"

enum { CLIENT_HELLO = 1, SERVER_HELLO = 4 };

bool tw_ssl2_server_hello_decode(struct tw_reader *r, struct tw_ssl2_server_hello *m)
{
    *m = (struct tw_ssl2_server_hello){0};
    if (tw_rd_u8(r, "MSG-SERVER-HELLO") != SERVER_HELLO)
        tw_rd_fail(r, "MSG-SERVER-HELLO");
    m->hit = tw_rd_u8(r, "SESSION-ID-HIT");
    m->cert_type = tw_rd_u8(r, "CERTIFICATE-TYPE");
    m->version = tw_rd_u16(r, "SERVER-VERSION");
    size_t cert = tw_rd_u16(r, "CERTIFICATE-LENGTH");
    size_t ciphers = tw_rd_u16(r, "CIPHER-SPECS-LENGTH");
    size_t id = tw_rd_u16(r, "CONNECTION-ID-LENGTH");
    m->cert = tw_rd_bytes(r, cert, "CERTIFICATE-DATA");
    m->ciphers = tw_rd_bytes(r, ciphers, "CIPHER-SPECS-DATA");
    m->connection_id = tw_rd_bytes(r, id, "CONNECTION-ID-DATA");
    if (m->ciphers.len % 3 != 0)
        tw_rd_fail(r, "CIPHER-SPECS-DATA");
    return tw_rd_end(r, "SERVER-HELLO");
}

void tw_ssl2_client_hello_write(struct tw_buf *b, uint16_t version, struct tw_view challenge)
{
    static const uint32_t kinds[] = {
        0x0700c0, /* SSL_CK_DES_192_EDE3_CBC_WITH_MD5 */
        0x050080, /* SSL_CK_IDEA_128_CBC_WITH_MD5 */
        0x030080, /* SSL_CK_RC2_128_CBC_WITH_MD5 */
        0x010080, /* SSL_CK_RC4_128_WITH_MD5 */
        0x060040, /* SSL_CK_DES_64_CBC_WITH_MD5 */
        0x040080, /* SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5 */
        0x020080, /* SSL_CK_RC4_128_EXPORT40_WITH_MD5 */
    };
    size_t len = 9 + 3 * TW_ARRAY_LEN(kinds) + challenge.len;
    if (challenge.len < 16 || challenge.len > 32) { /* 2.5: CHALLENGE-LENGTH 16..32 */
        b->failed = true;
        return;
    }
    tw_wr_u16(b, (unsigned)(0x8000 | len));
    tw_wr_u8(b, CLIENT_HELLO);
    tw_wr_u16(b, version);
    tw_wr_u16(b, (unsigned)(3 * TW_ARRAY_LEN(kinds)));
    tw_wr_u16(b, 0); /* no session to resume */
    tw_wr_u16(b, (unsigned)challenge.len);
    for (size_t i = 0; i < TW_ARRAY_LEN(kinds); i++)
        tw_wr_uint(b, 3, kinds[i]);
    tw_wr_bytes(b, challenge);
}
