/* Facts on revocation and CT from a connection's certificates and what came with them. */
#include "x509/revocation.h"

#include "wire/wire.h"

enum { MAX_PLACES = 8, MAX_CRL_DER = 32 << 20 };

/* ---- who issued whom ------------------------------------------------------------------------------ */

static const struct tw_fact *path_cert(const struct tw_trace *t, uint32_t conn, size_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        if (f->num == (int64_t)place)
            return f;
    return NULL;
}

static const struct tw_fact *sent_cert(const struct tw_trace *t, uint32_t conn, size_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && f->num == (int64_t)place)
            return f;
    return NULL;
}

static bool issued_by(struct tw_crypto *c, const struct tw_cert *cert, const struct tw_cert *issuer)
{
    if (!tw_dn_equal(cert->issuer, issuer->subject))
        return false;
    struct tw_pubkey *k = c->pubkey_new(c->ctx, issuer->spki);
    if (k == NULL)
        return false;
    bool good = c->verify_x509(k, cert->sig_alg, cert->tbs, cert->signature) == TW_VERIFY_GOOD;
    c->pubkey_free(k);
    return good;
}

static bool find_issuer(const struct tw_trace *t, uint32_t conn, struct tw_crypto *c,
                        const struct tw_cert *cert, struct tw_cert *issuer)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && tw_cert_parse(f->data, issuer) && issued_by(c, cert, issuer))
            return true;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_FETCH, "ca_issuers")) != NULL)
        if (f->data.len > 0 && tw_cert_parse(f->data, issuer) && issued_by(c, cert, issuer))
            return true;
    return false;
}

bool tw_chain_ends(const struct tw_trace *t, uint32_t conn, struct tw_crypto *c, size_t place,
                   struct tw_chain_ends *e)
{
    *e = (struct tw_chain_ends){.has_leaf = false};
    const struct tw_fact *leaf = path_cert(t, conn, place), *above = path_cert(t, conn, place + 1);
    if (leaf == NULL)
        leaf = sent_cert(t, conn, place);
    if (leaf == NULL)
        return false;
    tw_cert_parse(leaf->data, &e->leaf);
    e->has_leaf = e->leaf.spki.len > 0 && e->leaf.serial.len > 0;
    if (above != NULL)
        e->has_issuer = tw_cert_parse(above->data, &e->issuer) &&
                        issued_by(c, &e->leaf, &e->issuer);
    if (!e->has_issuer && e->has_leaf)
        e->has_issuer = find_issuer(t, conn, c, &e->leaf, &e->issuer);
    return e->has_leaf;
}

/* ---- OCSP ------------------------------------------------------------------------------------------- */

static void ocsp_text(const struct tw_ocsp *o, const struct tw_ocsp_result *r, char *buf,
                      size_t cap)
{
    char a[32], b[32];
    tw_time_text(r->this_update, a, sizeof a);
    tw_time_text(r->next_update, b, sizeof b);
    if (r->verdict == TW_OCSP_REVOKED)
        snprintf(buf, cap, "revoked at %s, reason %s (answer of %s)",
                 tw_time_text(r->revoked_at, b, sizeof b), tw_reason_name(r->reason), a);
    else if (r->verdict != TW_OCSP_UNDECIDED)
        snprintf(buf, cap, "%s, answer of %s, valid until %s",
                 r->verdict == TW_OCSP_GOOD ? "good" : "unknown to the responder", a,
                 r->has_next ? b : "a newer one comes");
    else if (r->why == TW_OCSP_WHY_STATUS)
        snprintf(buf, cap, "the responder refused: %s", tw_ocsp_status_name(o->status));
    else if (r->why == TW_OCSP_WHY_EXPIRED)
        snprintf(buf, cap, "the response was valid until %s only", b);
    else if (r->why == TW_OCSP_WHY_NOT_YET)
        snprintf(buf, cap, "the response is of %s, in the future", a);
    else if (r->why == TW_OCSP_WHY_MALFORMED && o->fail_field != NULL)
        snprintf(buf, cap, "the response cannot be parsed: %s at byte %zu", o->fail_field,
                 o->fail_at);
    else
        snprintf(buf, cap, "%s", tw_ocsp_why_text(r->why));
}

static enum tw_revocation of_ocsp(enum tw_ocsp_verdict v)
{
    switch (v) {
    case TW_OCSP_GOOD:
        return TW_REV_GOOD;
    case TW_OCSP_REVOKED:
        return TW_REV_REVOKED;
    case TW_OCSP_UNKNOWN:
        return TW_REV_UNKNOWN;
    default:
        return TW_REV_UNDECIDED;
    }
}

static struct tw_fact fact(uint32_t conn, uint64_t at, enum tw_fact_kind kind, const char *field)
{
    return (struct tw_fact){.kind = kind, .conn = conn, .at = at, .from = TW_SERVER,
                            .msg = TW_NO_MSG, .field = field};
}

enum tw_revocation tw_revocation_ocsp(struct tw_trace *t, uint32_t conn, uint64_t at,
                                      struct tw_crypto *crypto, size_t place, const char *field,
                                      struct tw_view response, struct tw_view nonce)
{
    struct tw_chain_ends e;
    struct tw_ocsp o;
    struct tw_ocsp_result r = {0}; /* without an issuer nothing is wrong, and nothing is known */
    char text[300];
    struct tw_fact f = fact(conn, at, TW_FACT_REVOCATION, field);
    tw_ocsp_parse(response, &o);
    if (tw_chain_ends(t, conn, crypto, place, &e) && e.has_issuer) {
        struct tw_ocsp_request req = {.crypto = crypto, .nonce = nonce, .cert = &e.leaf,
                                      .issuer = &e.issuer,
                                      .at = tw_trace_setting_num(t, "wall_time", 0)};
        tw_ocsp_check(&o, &req, &r);
        ocsp_text(&o, &r, text, sizeof text);
    } else {
        tw_copy_str(text, sizeof text, "cannot be checked: the issuer's certificate is not at hand");
    }
    f.num = of_ocsp(r.verdict);
    f.aux = (int64_t)place;
    f.off = (uint64_t)r.why;
    f.text = text;
    f.data = tw_view_sub(response, 0, 65536);
    f.source = "RFC 6960 3.2";
    tw_trace_add(t, f);
    return (enum tw_revocation)f.num;
}

/* ---- CRLs --------------------------------------------------------------------------------------------- */

static void crl_text(const struct tw_crl_result *r, char *buf, size_t cap)
{
    char when[32], dn[160];
    if (r->verdict == TW_CRL_REVOKED)
        snprintf(buf, cap, "revoked at %s, reason %s",
                 tw_time_text(r->entry.date, when, sizeof when), tw_reason_name(r->entry.reason));
    else if (r->verdict == TW_CRL_GOOD && r->crl != NULL)
        snprintf(buf, cap, "not on the list of %s (%zu entries)",
                 tw_time_text(r->crl->this_update, when, sizeof when), r->crl->entries);
    else if (r->why == TW_CRL_WHY_EXPIRED && r->crl != NULL)
        snprintf(buf, cap, "the list of %s was valid until %s only",
                 tw_dn_text(r->crl->issuer, dn, sizeof dn),
                 tw_time_text(r->crl->next_update, when, sizeof when));
    else
        snprintf(buf, cap, "%s", tw_crl_why_text(r->why));
}

/* All lists in the given files; the DER of PEM ones is put into hold. */
static size_t parse_crls(const struct tw_view *files, size_t n, struct tw_buf *hold,
                         struct tw_crl *out, size_t cap)
{
    size_t ends[TW_CRL_MAX], lists = 0, start = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t pos = 0; lists < cap && tw_crl_next_pem(files[i], &pos, hold);)
            ends[lists++] = hold->len;
    for (size_t i = 0; i < lists; i++) { /* hold does not move any more */
        tw_crl_parse(tw_view_of(hold->data + start, ends[i] - start), &out[i]);
        start = ends[i];
    }
    return lists;
}

enum tw_revocation tw_revocation_crl(struct tw_trace *t, uint32_t conn, uint64_t at,
                                     struct tw_crypto *crypto, size_t place,
                                     const struct tw_view *files, size_t n)
{
    struct tw_chain_ends e;
    struct tw_crl_result r = {.why = TW_CRL_WHY_NO_SIGNER};
    struct tw_crl *crls = calloc(TW_CRL_MAX, sizeof *crls);
    struct tw_buf hold;
    char text[300];
    tw_buf_init(&hold, MAX_CRL_DER);
    size_t lists = crls == NULL ? 0 : parse_crls(files, n, &hold, crls, TW_CRL_MAX);
    if (tw_chain_ends(t, conn, crypto, place, &e) && e.has_issuer) {
        struct tw_crl_request req = {.crypto = crypto, .cert = &e.leaf, .issuer = &e.issuer,
                                     .at = tw_trace_setting_num(t, "wall_time", 0),
                                     .crls = crls, .crls_n = lists};
        if (tw_crl_check(&req, &r) != TW_OK)
            r.verdict = TW_CRL_UNDECIDED;
    }
    crl_text(&r, text, sizeof text);
    struct tw_fact f = fact(conn, at, TW_FACT_REVOCATION, "crl");
    f.num = r.verdict == TW_CRL_GOOD      ? TW_REV_GOOD
            : r.verdict == TW_CRL_REVOKED ? TW_REV_REVOKED
                                          : TW_REV_UNDECIDED;
    f.aux = (int64_t)place;
    f.off = (uint64_t)r.why;
    f.text = text;
    f.source = "RFC 5280 6.3.3";
    tw_trace_add(t, f);
    tw_buf_cleanup(&hold);
    free(crls);
    return (enum tw_revocation)f.num;
}

/* ---- timestamps ------------------------------------------------------------------------------------------ */

struct scts {
    struct tw_sct_seen seen[TW_SCT_MAX];
    size_t n;
};

struct teller {
    struct tw_trace *t;
    uint32_t conn;
    uint64_t at;
    struct tw_crypto *crypto;
    const struct tw_log_list *logs;
    const struct tw_chain_ends *e;
    struct scts *scts;
};

static void tell_sct(const struct teller *w, enum tw_sct_source source, struct tw_view raw)
{
    char text[300];
    if (w->scts->n == TW_SCT_MAX)
        return;
    struct tw_sct_seen *s = &w->scts->seen[w->scts->n++];
    tw_sct_verify(w->crypto, &w->e->leaf, w->e->has_issuer ? &w->e->issuer : NULL, w->logs, source,
                  raw, tw_trace_setting_num(w->t, "wall_time", 0), s);
    if (s->log != NULL)
        snprintf(text, sizeof text, "%s (%s), %s", s->log->description, s->log->operator_,
                 tw_log_state_name(s->log->state));
    else
        snprintf(text, sizeof text, "%s", tw_sct_state_text(s->state));
    struct tw_fact f = fact(w->conn, w->at, TW_FACT_SCT, tw_sct_source_name(source));
    f.num = s->state;
    f.aux = (int64_t)(s->sct.timestamp & INT64_MAX);
    f.text = text;
    f.data = s->sct.log_id;
    f.source = "RFC 6962 3.2";
    tw_trace_add(w->t, f);
}

static void tell_list(const struct teller *w, enum tw_sct_source source, struct tw_view list)
{
    struct tw_view raw;
    for (size_t i = 0; i < TW_SCT_MAX && tw_sct_list_at(list, i, &raw); i++)
        tell_sct(w, source, raw);
}

/* Timestamps inside a stapled response count only when the response itself does. */
static void tell_ocsp_list(const struct teller *w, struct tw_view response)
{
    struct tw_ocsp o;
    struct tw_ocsp_result r;
    struct tw_ocsp_request req = {.crypto = w->crypto, .cert = &w->e->leaf, .issuer = &w->e->issuer,
                                  .at = tw_trace_setting_num(w->t, "wall_time", 0)};
    if (!w->e->has_issuer || !tw_ocsp_parse(response, &o))
        return;
    tw_ocsp_check(&o, &req, &r);
    if (r.scts.len > 0)
        tell_list(w, TW_SCT_OCSP, r.scts);
}

static void tell_policies(const struct teller *w)
{
    const struct tw_ct_policy *p;
    for (size_t i = 0; (p = tw_ct_policy_at(i)) != NULL; i++) {
        struct tw_ct_verdict v;
        tw_ct_judge(p, &w->e->leaf, w->scts->seen, w->scts->n, &v);
        struct tw_fact f = fact(w->conn, w->at, TW_FACT_CT, p->browser);
        f.num = v.satisfied;
        f.aux = v.counted;
        f.off = v.needed;
        f.text = v.missing;
        f.source = p->source;
        tw_trace_add(w->t, f);
    }
}

/* ---- a connection ------------------------------------------------------------------------------------------ */

/* The k-th stapled response: CertificateStatus of TLS 1.2, or with a CertificateEntry of 1.3. */
static const struct tw_fact *staple(const struct tw_trace *t, uint32_t conn,
                                    const struct tw_fact *after)
{
    const struct tw_fact *f = after;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_FIELD, "ocsp_response")) != NULL)
        if (f->from == TW_SERVER)
            return f;
    return NULL;
}

/* ocsp_multi (RFC 6961) was never deployed and is not asked for; its list is not looked into. */
static bool is_multi(const struct tw_trace *t, uint32_t conn, const struct tw_fact *f)
{
    const struct tw_fact *type = tw_trace_first(t, conn, TW_FACT_FIELD, "status_type");
    while (type != NULL && type->from != TW_SERVER)
        type = tw_trace_next(t, type, conn, TW_FACT_FIELD, "status_type");
    return f->msg == TW_MSG_CERTIFICATE_STATUS && type != NULL && type->num == 2;
}

static void tell_staples(const struct teller *w)
{
    const struct tw_fact *f = NULL;
    for (size_t i = 0; i < MAX_PLACES && (f = staple(w->t, w->conn, f)) != NULL; i++) {
        size_t place = f->aux > 0 && f->aux < MAX_PLACES ? (size_t)f->aux : 0;
        if (is_multi(w->t, w->conn, f))
            continue;
        tw_revocation_ocsp(w->t, w->conn, w->at, w->crypto, place, "staple", f->data,
                           tw_view_of(NULL, 0));
        if (place == 0)
            tell_ocsp_list(w, f->data);
    }
}

void tw_revocation_explain(struct tw_trace *t, uint32_t conn, uint64_t at, struct tw_crypto *crypto,
                           const struct tw_log_list *logs)
{
    struct tw_chain_ends e;
    struct scts *scts = calloc(1, sizeof *scts);
    if (scts == NULL || tw_trace_first(t, conn, TW_FACT_CT, NULL) != NULL ||
        !tw_chain_ends(t, conn, crypto, 0, &e)) {
        free(scts);
        return;
    }
    struct teller w = {t, conn, at, crypto, logs, &e, scts};
    tell_list(&w, TW_SCT_EMBEDDED, tw_cert_sct_list(&e.leaf));
    tell_staples(&w);
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(t, f, conn, TW_FACT_FIELD, "signed_certificate_timestamp")) != NULL)
        if (f->from == TW_SERVER && f->aux == 0 && f->data.len > 0)
            tell_sct(&w, TW_SCT_TLS, f->data);
    tell_policies(&w);
    free(scts);
}
