/* NewSessionTicket, RFC 8446 4.6.1 and RFC 5077 3.3. */
#include "wire/ext.h"

bool tw_new_session_ticket_decode(struct tw_reader *r, struct tw_new_session_ticket *m)
{
    *m = (struct tw_new_session_ticket){.tls13 = m->tls13};
    m->lifetime = (uint32_t)tw_rd_uint(r, 4, "ticket_lifetime");
    if (m->tls13) {
        m->age_add = (uint32_t)tw_rd_uint(r, 4, "ticket_age_add");
        m->nonce = tw_rd_vec(r, 1, "ticket_nonce");
        m->ticket = tw_ext_bounded_vec(r, 2, 1, 0xffff, "ticket");
        m->extensions = tw_ext_block(r);
    } else {
        m->ticket = tw_rd_vec(r, 2, "ticket"); /* may be empty, RFC 5077 3.3 */
    }
    return tw_rd_end(r, "NewSessionTicket");
}

void tw_new_session_ticket_encode(struct tw_buf *b, const struct tw_new_session_ticket *m)
{
    tw_wr_uint(b, 4, m->lifetime);
    if (m->tls13) {
        tw_wr_uint(b, 4, m->age_add);
        tw_wr_vec(b, 1, m->nonce);
    }
    tw_wr_vec(b, 2, m->ticket);
    if (m->tls13)
        tw_wr_vec(b, 2, m->extensions);
}
