/*
 * What a flow comes to: complete or not, healthy or not, and what it is called. TLS 1.3 hides
 * the end of the handshake: there the client's first protected record tells, and its size.
 */
#include "passive/internal.h"

/* One byte of level, one of description, one of type, and the tag (RFC 8446 5.2). */
enum { ALERT_13 = 2 + 1 + 16, ALERT_13_CCM8 = 2 + 1 + 8 };

bool glance_is_tls13(uint16_t version)
{
    return version == TW_TLS13 || version >> 8 == 0x7f || version >> 8 == 0xfb || version == 0xfefc;
}

bool glance_alert_sized(uint32_t len)
{
    return len == ALERT_13 || len == ALERT_13_CCM8;
}

const char *tw_flow_how_name(enum tw_flow_how h)
{
    static const char *const names[] = {"capture_end", "fin", "rst", "timeout", "timeout"};
    return names[h];
}

/* By ClientHello, else by SYN, else the lower port serves. */
int tw_flow_client(const struct tw_flow *f)
{
    if (f->glance != NULL && f->glance->client >= 0)
        return f->glance->client;
    if (f->syn_from >= 0)
        return f->syn_from;
    return f->end[0].port < f->end[1].port ? 1 : 0;
}

enum tw_complete tw_flow_complete(const struct tw_flow *f)
{
    const struct tw_glance *g = f->glance;
    if (g == NULL)
        return TW_COMPLETE_UNKNOWN;
    int client = tw_flow_client(f);
    const struct tw_glance_dir *c = &g->dir[client], *s = &g->dir[1 - client];
    if (f->kind == TW_FLOW_QUIC) {
        bool a = quic_one_rtt(f->quic, 0), b = quic_one_rtt(f->quic, 1);
        return a && b ? TW_COMPLETE_YES : a || b ? TW_COMPLETE_UNKNOWN : TW_COMPLETE_NO;
    }
    if (g->server_hello && glance_is_tls13(g->version))
        return c->first_protected != 0 && !glance_alert_sized(c->first_protected) ? TW_COMPLETE_YES
                                                                                  : TW_COMPLETE_NO;
    if (g->server_hello && c->ccs && s->ccs)
        return TW_COMPLETE_YES;
    bool app = c->app_records > 0 || s->app_records > 0;
    if (!g->server_hello && f->syn_seen && c->off > 0 && s->off > 0)
        return TW_COMPLETE_NO; /* both sides from the start, and no ServerHello */
    return app ? TW_COMPLETE_UNKNOWN : TW_COMPLETE_NO;
}

bool tw_flow_inferred_alert(const struct tw_flow *f, int dir)
{
    const struct tw_glance *g = f->glance;
    if (g == NULL || !g->server_hello || !glance_is_tls13(g->version) || f->kind == TW_FLOW_QUIC)
        return false;
    const struct tw_glance_dir *d = &g->dir[dir];
    if (dir == tw_flow_client(f))
        return glance_alert_sized(d->first_protected);
    return g->done && d->after_done == 1 && glance_alert_sized(d->last_protected);
}

static bool error_alert(const struct tw_glance *g)
{
    for (size_t i = 0; i < g->alerts_n; i++) {
        const struct tw_flow_alert *a = &g->alerts[i];
        if (!a->encrypted && a->description != TW_ALERT_CLOSE_NOTIFY &&
            (a->level == 2 || glance_is_tls13(g->version)))
            return true;
    }
    return false;
}

enum tw_flow_outcome tw_flow_outcome(const struct tw_flow *f)
{
    const struct tw_glance *g = f->glance;
    enum tw_complete complete = tw_flow_complete(f);
    if (g == NULL || (!g->client_hello && !g->server_hello && !f->syn_seen))
        return TW_FLOW_UNKNOWN;
    if (error_alert(g) || g->client_not_tls || g->server_not_tls || g->refused)
        return TW_FLOW_FAILED;
    if (complete == TW_COMPLETE_YES)
        return tw_flow_inferred_alert(f, 1 - tw_flow_client(f)) ? TW_FLOW_FAILED : TW_FLOW_OK;
    if (complete == TW_COMPLETE_UNKNOWN || !g->client_hello)
        return TW_FLOW_UNKNOWN;
    if (f->kind != TW_FLOW_TLS)
        return f->how == TW_HOW_TIMEOUT && !g->server_hello ? TW_FLOW_FAILED : TW_FLOW_UNKNOWN;
    return f->how == TW_HOW_CAPTURE_END || f->how == TW_HOW_EVICTED ? TW_FLOW_UNKNOWN
                                                                    : TW_FLOW_FAILED;
}

static const char *dtls_version(uint16_t v)
{
    switch (v) {
    case 0xfeff:
        return "DTLS1.0";
    case 0xfefd:
        return "DTLS1.2";
    case 0xfefc:
        return "DTLS1.3";
    case 0x0100:
        return "DTLS1.0-OpenSSL-pre0.9.8f";
    default:
        return NULL;
    }
}

const char *tw_flow_version(const struct tw_flow *f, char *buf, size_t cap)
{
    const struct tw_glance *g = f->glance;
    if (g == NULL || !g->server_hello)
        return NULL;
    const char *dtls = dtls_version(g->version);
    if (dtls != NULL)
        return dtls;
    if (g->version >> 8 == 0x7f)
        snprintf(buf, cap, "TLS1.3-draft%u", g->version & 255u);
    else if (g->version == TW_SSL3)
        snprintf(buf, cap, "SSLv3");
    else if (g->version > TW_SSL3 && g->version <= TW_TLS13)
        snprintf(buf, cap, "TLS1.%u", (g->version & 255u) - 1);
    else
        snprintf(buf, cap, "0x%04x", g->version);
    return buf;
}
