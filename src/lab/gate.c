/*
 * Gates: what stands before a TLS stack and looks at the first bytes of a connection, as careless
 * servers, SNI routers and filters do. It sees what came in one read, and no more.
 */
#include "lab/lab_internal.h"

enum { LARGE = 1400 };

/* Body of the ClientHello in the first record, as far as it is there. */
static bool hello_of(struct tw_view v, struct tw_client_hello *m)
{
    struct tw_record rec;
    size_t used;
    if (tw_record_peek(v, true, &rec, &used) != TW_REC_OK || rec.type != TW_CT_HANDSHAKE ||
        rec.body.len < 4)
        return false;
    struct tw_reader r = tw_rd_of(tw_view_sub(rec.body, 4, rec.body.len));
    return tw_client_hello_decode(&r, m);
}

static bool offers_hybrid(struct tw_view extensions)
{
    struct tw_view body;
    struct tw_u16s l = {0};
    if (!tw_ext_find(extensions, TW_EXT_SUPPORTED_GROUPS, &body) || !tw_ext_u16_list(body, 2, &l))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        const struct tw_group *g = tw_group_by_id(l.v[i]);
        if (g != NULL && g->kind == TW_GROUP_HYBRID)
            return true;
    }
    return false;
}

static bool offers_tls13(struct tw_view extensions)
{
    struct tw_view body;
    struct tw_u16s l = {0};
    if (!tw_ext_find(extensions, TW_EXT_SUPPORTED_VERSIONS, &body) || !tw_ext_u16_list(body, 1, &l))
        return false;
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i] == TW_TLS13)
            return true;
    return false;
}

/* Filters do not parse, they look for the bytes. */
static bool holds_name(struct tw_view v)
{
    static const char name[] = "localhost";
    size_t n = sizeof name - 1;
    for (size_t i = 0; i + n <= v.len; i++)
        if (memcmp(v.data + i, name, n) == 0)
            return true;
    return false;
}

bool lab_gate_hits(enum lab_gate_on on, struct tw_view first)
{
    struct tw_client_hello m = {0};
    struct tw_view body;
    struct tw_record rec;
    size_t used;
    switch (on) {
    case LAB_GATE_NEVER:
        return false;
    case LAB_GATE_LARGE:
        return first.len > LARGE;
    case LAB_GATE_NAME:
        return tw_record_peek(first, true, &rec, &used) == TW_REC_OK && holds_name(rec.body);
    case LAB_GATE_HYBRID_GROUP:
        return hello_of(first, &m) && offers_hybrid(m.extensions);
    case LAB_GATE_TLS13:
        return hello_of(first, &m) && offers_tls13(m.extensions);
    case LAB_GATE_SESSION_ID:
        return hello_of(first, &m) && m.session_id.len > 0;
    case LAB_GATE_EXT_27:
        return hello_of(first, &m) && tw_ext_find(m.extensions, TW_EXT_COMPRESS_CERTIFICATE, &body);
    }
    return false;
}
