/*
 * Connections without the engine: listen for a banner, ask in plain HTTP, as a PostgreSQL or LDAP
 * client that wants TLS, or say hello in SSL 2.0.
 * What comes back is kept as it is; rules/ names it.
 */
#include "probe/probe_internal.h"

enum { KEEP = 512 };

struct raw {
    struct probe *p;
    uint32_t conn;
    enum tw_transport kind;
    struct tw_buf opening, seen;
    bool told;
};

/* PostgreSQL, "Message Formats": length 8, code 80877103. */
static const uint8_t ssl_request[] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
/* RFC 4511 4.14.1: LDAPMessage 1, ExtendedRequest [APPLICATION 23], requestName [0] follows. */
static const uint8_t start_tls[] = {0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16};

struct raw *raw_new(struct probe *p, uint32_t conn, enum tw_transport kind)
{
    struct raw *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->p = p;
    r->conn = conn;
    r->kind = kind;
    tw_buf_init(&r->opening, 4096);
    tw_buf_init(&r->seen, 65536);
    /* without Host, which HTTP/1.0 does not need: Redis hangs up on that word */
    if (kind == TW_TRANSPORT_HTTP)
        tw_buf_str(&r->opening, "GET / HTTP/1.0\r\n\r\n");
    if (kind == TW_TRANSPORT_POSTGRES)
        tw_buf_add(&r->opening, ssl_request, sizeof ssl_request);
    if (kind == TW_TRANSPORT_LDAP) {
        tw_buf_add(&r->opening, start_tls, sizeof start_tls);
        tw_buf_str(&r->opening, "1.3.6.1.4.1.1466.20037");
    }
    if (kind == TW_TRANSPORT_SSL2) {
        uint8_t challenge[16];
        struct tw_crypto *c = p->lib->crypto;
        if (c->random(c->ctx, challenge, sizeof challenge))
            tw_ssl2_client_hello_write(&r->opening, TW_SSL2,
                                       tw_view_of(challenge, sizeof challenge));
    }
    return r;
}

void raw_free(struct raw *r)
{
    if (r == NULL)
        return;
    tw_buf_cleanup(&r->opening);
    tw_buf_cleanup(&r->seen);
    free(r);
}

struct tw_view raw_opening(struct raw *r)
{
    return tw_buf_view(&r->opening);
}

static struct tw_fact fact(const struct raw *r, enum tw_fact_kind kind)
{
    return (struct tw_fact){.conn = r->conn, .at = tw_net_now() - r->p->start, .kind = kind,
                            .from = TW_SERVER, .msg = TW_NO_MSG};
}

static void tell_ssl2(struct raw *r, struct tw_view body)
{
    struct tw_reader rd = tw_rd_of(body);
    struct tw_ssl2_server_hello m = {0};
    if (!tw_ssl2_server_hello_decode(&rd, &m))
        return;
    struct tw_fact f = fact(r, TW_FACT_NEGOTIATED);
    f.field = "version";
    f.num = TW_SSL2;
    f.text = "SSL 2.0";
    probe_fact(r->p, f);
    f = fact(r, TW_FACT_FIELD);
    f.field = "cipher_specs";
    f.data = m.ciphers;
    f.num = (int64_t)(m.ciphers.len / 3);
    probe_fact(r->p, f);
}

/* Says once what was seen. true when that is all there is to learn. */
static bool tell(struct raw *r, bool at_end)
{
    struct tw_view v = tw_buf_view(&r->seen);
    if (r->told || v.len == 0)
        return r->told;
    if (r->kind == TW_TRANSPORT_POSTGRES || r->kind == TW_TRANSPORT_LDAP)
        at_end = true; /* the first bytes are the answer */
    struct tw_record rec;
    size_t used;
    enum tw_record_status st = tw_record_peek(v, true, &rec, &used);
    if (st == TW_REC_NEED_MORE && !at_end)
        return false;
    bool line = memchr(v.data, '\n', v.len) != NULL;
    if (st == TW_REC_NOT_TLS && !at_end && !line && v.len < 16)
        return false; /* a banner may still be on its way */
    r->told = true;
    if (st == TW_REC_NEED_MORE)
        return true; /* the beginning of a TLS record: whatever this is, it is not another protocol */
    if (st == TW_REC_SSL2) {
        tell_ssl2(r, rec.body);
    } else if (st == TW_REC_OK && rec.type == TW_CT_ALERT) {
        struct tw_note n = {.trace = r->p->r->trace, .conn = r->conn,
                            .at = tw_net_now() - r->p->start, .from = TW_SERVER};
        tw_note_alert(&n, rec.body);
    } else {
        struct tw_fact f = fact(r, TW_FACT_NOT_TLS);
        f.data = tw_view_sub(v, 0, KEEP);
        f.num = (int64_t)v.len;
        probe_fact(r->p, f);
    }
    return true;
}

bool raw_data(struct raw *r, struct tw_view bytes)
{
    return !tw_buf_add(&r->seen, bytes.data, bytes.len) || tell(r, false);
}

void raw_end(struct raw *r, const char *how, int err)
{
    tell(r, true);
    struct tw_fact f = fact(r, TW_FACT_END);
    f.from = strcmp(how, "stopped") == 0 || strcmp(how, "timeout") == 0 ? TW_CLIENT : TW_SERVER;
    f.field = how;
    f.num = err;
    f.text = r->kind == TW_TRANSPORT_LISTEN ? "waiting for a banner" : "waiting for an answer";
    probe_fact(r->p, f);
}
