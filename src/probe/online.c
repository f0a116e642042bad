/*
 * --online: asks the CA. For each certificate of the path below the anchor: its OCSP responder, and
 * where that gives no answer, its CRLs; for a chain with a hole, the issuers that AIA names. All on
 * the diagnosis' own loop and under its deadline; without --online nothing here runs.
 */
#include "probe/online.h"

#include "net/fetch.h"
#include "probe/probe_internal.h"

enum {
    MAX_FETCHES = 12, MAX_PLACES = 3, MAX_URLS = 2, MAX_AIA = 3, NONCE = 16,
    MAX_OCSP = 1 << 16, MAX_CRL = 8 << 20, MAX_CERT = 1 << 18, FETCH_MS = 4000
};

enum kind { OCSP, CRL, ISSUER };

struct item {
    struct online *o;
    enum kind kind;
    size_t place;
    char url[1024];
    uint8_t nonce[NONCE];
    struct tw_fetch *fetch;
    struct tw_buf body;           /* CRL: kept until all of the place are there */
    bool over;
};

struct online {
    struct probe *p;
    uint32_t conn;
    struct item items[MAX_FETCHES];
    size_t n, fetched_issuers;
    bool crl_asked[MAX_PLACES];
};

static const char *kind_name(enum kind k)
{
    return k == OCSP ? "ocsp" : k == CRL ? "crl" : "ca_issuers";
}

static uint64_t now(const struct online *o)
{
    return tw_net_now() - o->p->start;
}

/* ---- facts ---------------------------------------------------------------------------------------- */

static void note_fetch(struct item *i, enum tw_fetch_end end, int status, struct tw_view body)
{
    probe_fact(i->o->p, (struct tw_fact){.kind = TW_FACT_FETCH, .conn = i->o->conn,
                                         .at = now(i->o), .from = TW_CA, .msg = TW_NO_MSG,
                                         .field = kind_name(i->kind), .text = i->url,
                                         .num = status, .aux = end, .off = i->place,
                                         .data = tw_view_sub(body, 0, body.len <= MAX_OCSP
                                                                          ? body.len : 0)});
}

static enum tw_revocation judged(const struct online *o, size_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(o->p->r->trace, f, o->conn, TW_FACT_REVOCATION, NULL)) != NULL)
        if (f->aux == (int64_t)place && (f->num == TW_REV_GOOD || f->num == TW_REV_REVOKED))
            return (enum tw_revocation)f->num;
    return TW_REV_UNDECIDED;
}

/* ---- starting downloads ------------------------------------------------------------------------------ */

static void on_fetched(void *user, const struct tw_fetch_result *r);

static bool asked_already(const struct online *o, struct tw_view url)
{
    for (size_t i = 0; i < o->n; i++)
        if (tw_view_eq(tw_view_str(o->items[i].url), url))
            return true;
    return false;
}

static struct item *new_item(struct online *o, enum kind kind, size_t place, struct tw_view url)
{
    if (o->n == MAX_FETCHES || url.len >= sizeof o->items[0].url || asked_already(o, url) ||
        memchr(url.data, '\0', url.len) != NULL)
        return NULL;
    struct item *i = &o->items[o->n];
    *i = (struct item){.o = o, .kind = kind, .place = place};
    memcpy(i->url, url.data, url.len);
    tw_buf_init(&i->body, MAX_CRL);
    return i;
}

static bool start(struct item *i, struct tw_view post, size_t max)
{
    struct online *o = i->o;
    uint64_t left = probe_left_ms(o->p) * 4 / 5;
    struct tw_fetch_request req = {.url = i->url, .post = post, .max_body = max,
                                   .content_type = i->kind == OCSP ? "application/ocsp-request"
                                                                   : NULL,
                                   .timeout_ms = left < FETCH_MS ? left : FETCH_MS};
    i->fetch = tw_fetch_start(o->p->net, &req, on_fetched, i);
    if (i->fetch == NULL)
        return false;
    o->n++;
    o->p->active++;
    o->p->doing = "asking the CA";
    return true;
}

static bool ask_ocsp(struct online *o, size_t place, const struct tw_chain_ends *e)
{
    struct tw_view url;
    struct tw_crypto *c = o->p->lib->crypto;
    if (!e->has_issuer || tw_cert_aia_urls(&e->leaf, true, &url, 1) == 0)
        return false;
    struct item *i = new_item(o, OCSP, place, url);
    struct tw_buf req;
    tw_buf_init(&req, 4096);
    bool ok = i != NULL && c->random(c->ctx, i->nonce, NONCE) &&
              tw_ocsp_request_write(c, &e->leaf, &e->issuer, tw_view_of(i->nonce, NONCE), &req) ==
                  TW_OK &&
              start(i, tw_buf_view(&req), MAX_OCSP);
    tw_buf_cleanup(&req);
    return ok;
}

/* The certificate's CRLs, and the delta for them when it names one. */
static bool ask_crls(struct online *o, size_t place, const struct tw_chain_ends *e)
{
    struct tw_view urls[MAX_URLS + 1];
    size_t n = tw_cert_crl_urls(&e->leaf, false, urls, MAX_URLS);
    n += tw_cert_crl_urls(&e->leaf, true, urls + n, n > 0 ? 1 : 0);
    bool any = false;
    o->crl_asked[place] = true;
    for (size_t k = 0; k < n; k++) {
        struct item *i = new_item(o, CRL, place, urls[k]);
        any = (i != NULL && start(i, tw_view_of(NULL, 0), MAX_CRL)) || any;
    }
    return any;
}

static bool ask_issuer(struct online *o, const struct tw_cert *cert)
{
    struct tw_view url;
    if (o->fetched_issuers >= MAX_AIA || tw_cert_aia_urls(cert, false, &url, 1) == 0)
        return false;
    struct item *i = new_item(o, ISSUER, o->fetched_issuers, url);
    return i != NULL && start(i, tw_view_of(NULL, 0), MAX_CERT);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static void crls_complete(struct online *o, size_t place)
{
    struct tw_view files[MAX_FETCHES];
    size_t n = 0;
    for (size_t k = 0; k < o->n; k++) {
        const struct item *i = &o->items[k];
        if (i->kind != CRL || i->place != place)
            continue;
        if (!i->over)
            return;
        if (i->body.len > 0)
            files[n++] = tw_buf_view(&i->body);
    }
    if (n > 0)
        tw_revocation_crl(o->p->r->trace, o->conn, now(o), o->p->lib->crypto, place, files, n);
}

static void took_ocsp(struct item *i, struct tw_view body)
{
    struct online *o = i->o;
    struct tw_chain_ends e;
    if (body.len > 0)
        tw_revocation_ocsp(o->p->r->trace, o->conn, now(o), o->p->lib->crypto, i->place, "ocsp",
                           body, tw_view_of(i->nonce, NONCE));
    if (judged(o, i->place) == TW_REV_UNDECIDED && !o->crl_asked[i->place] &&
        tw_chain_ends(o->p->r->trace, o->conn, o->p->lib->crypto, i->place, &e))
        ask_crls(o, i->place, &e);
}

/* One DER or PEM certificate into out; PKCS #7 bundles (.p7c) are not taken apart. */
static bool one_certificate(struct tw_view body, struct tw_buf *out)
{
    size_t pos = 0, damaged = 0;
    struct tw_cert c;
    if (tw_cert_parse(body, &c))
        return tw_buf_add(out, body.data, body.len);
    return tw_pem_next_cert(body, &pos, out, &damaged);
}

static struct tw_view last_issuer(const struct online *o)
{
    const struct tw_fact *f = NULL, *last = NULL;
    while ((f = tw_trace_next(o->p->r->trace, f, o->conn, TW_FACT_FETCH, "ca_issuers")) != NULL)
        last = f->data.len > 0 ? f : last;
    return last == NULL ? tw_view_of(NULL, 0) : last->data;
}

/* Does the chain as sent lead to an anchor with what was fetched? Says so as a fact. */
static void try_completed(struct online *o)
{
    bool good = probe_path_completes(o->p, o->conn);
    struct tw_cert last;
    struct tw_view der = last_issuer(o);
    probe_fact(o->p, (struct tw_fact){.kind = TW_FACT_CHECK, .conn = o->conn, .at = now(o),
                                      .from = TW_SERVER, .msg = TW_NO_MSG,
                                      .field = "aia_completes", .num = good,
                                      .text = good ? "with the issuers fetched the chain leads to a "
                                                     "trust anchor"
                                                   : "no trust anchor is reached with the issuers "
                                                     "fetched"});
    if (!good && der.len > 0 && tw_cert_parse(der, &last) && !last.self_issued)
        ask_issuer(o, &last);
}

static void on_fetched(void *user, const struct tw_fetch_result *r)
{
    struct item *i = user;
    struct online *o = i->o;
    bool ok = r->end == TW_FETCH_OK;
    struct tw_view none = {NULL, 0}, body = ok ? r->body : none;
    i->over = true;
    if (i->kind == ISSUER) {
        if (ok && !one_certificate(r->body, &i->body))
            i->body.len = 0;
        body = tw_buf_view(&i->body);
        o->fetched_issuers++;
    }
    note_fetch(i, r->end, r->http_status, body);
    if (i->kind == OCSP) {
        took_ocsp(i, body);
    } else if (i->kind == CRL) {
        if (ok && !tw_buf_add(&i->body, r->body.data, r->body.len))
            i->body.len = 0;
        crls_complete(o, i->place);
    } else if (body.len > 0) {
        try_completed(o);
    }
    probe_conn_over(o->p);
}

/* ---- what to ask ----------------------------------------------------------------------------------------- */

static bool hole_in_chain(const struct online *o, struct tw_cert *last)
{
    const struct tw_fact *f = tw_trace_first(o->p->r->trace, o->conn, TW_FACT_PATH,
                                             "missing_issuer"), *c = NULL;
    while (f != NULL &&
           (c = tw_trace_next(o->p->r->trace, c, o->conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (c->from == TW_SERVER && c->num == f->aux)
            return tw_cert_parse(c->data, last);
    return false;
}

/* Number of certificates of the path that are no anchors: what is asked about. */
static size_t places(const struct online *o)
{
    const struct tw_fact *f = NULL;
    size_t n = 0;
    while ((f = tw_trace_next(o->p->r->trace, f, o->conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        n += f->aux == 0;
    return n < MAX_PLACES ? n : MAX_PLACES;
}

struct online *online_start(struct probe *p)
{
    const struct tw_fact *f = tw_trace_first(p->r->trace, 0, TW_FACT_PATH, NULL);
    struct online *o = f == NULL ? NULL : calloc(1, sizeof *o);
    struct tw_cert last;
    if (o == NULL)
        return NULL;
    o->p = p;
    o->conn = f->conn;
    size_t n = places(o);
    for (size_t place = 0; place < n; place++) {
        struct tw_chain_ends e;
        if (judged(o, place) != TW_REV_UNDECIDED ||
            !tw_chain_ends(p->r->trace, o->conn, p->lib->crypto, place, &e))
            continue;
        if (!ask_ocsp(o, place, &e))
            ask_crls(o, place, &e);
    }
    if (hole_in_chain(o, &last))
        ask_issuer(o, &last);
    return o;
}

void online_stop(struct online *o)
{
    for (size_t k = 0; o != NULL && k < o->n; k++) {
        struct item *i = &o->items[k];
        if (i->over)
            continue;
        i->over = true;
        tw_fetch_stop(i->fetch);
        note_fetch(i, TW_FETCH_TIMEOUT, 0, tw_view_of(NULL, 0));
        probe_conn_over(o->p);
    }
}

void online_free(struct online *o)
{
    for (size_t k = 0; o != NULL && k < o->n; k++) {
        tw_fetch_free(o->items[k].fetch);
        tw_buf_cleanup(&o->items[k].body);
    }
    free(o);
}
