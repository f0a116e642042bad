/*
 * Do these CRLs decide on that certificate? RFC 5280 6.3.3; the letters in the comments are those
 * of the steps there. A list is looked at for each distribution point of the certificate, and once
 * more as one that no distribution point names.
 */
#include "x509/crl.h"
#include "x509/crl_internal.h"
#include "x509/der.h"
#include "x509/der_write.h"

enum { MAX_VERIFIES = 128 };

/* Who signed a list; found once per list. */
struct signer {
    bool asked;
    enum tw_crl_why why;            /* when cert is NULL */
    const struct tw_cert *cert;
};

struct check {
    const struct tw_crl_request *req;
    struct tw_crl_result *out;
    size_t crls_n;
    struct signer signers[TW_CRL_MAX];
    unsigned verifies;
    const struct tw_crl *accepted;  /* the last list that counted, and its signer */
    const struct tw_cert *accepted_signer;
};

const char *tw_crl_why_text(enum tw_crl_why w)
{
    static const char *const texts[] = {
#define X(id, text) text,
        TW_CRL_WHY_LIST(X)
#undef X
    };
    return (size_t)w < TW_ARRAY_LEN(texts) ? texts[w] : "unknown";
}

/* ---- names of distribution points ------------------------------------------------------------------ */

/* GeneralNames of a DistributionPointName; a relative name is put below its base (6.3.3 b). */
struct names {
    struct tw_view list;
    struct tw_buf built;
};

static void names_open(struct names *n, const struct tw_dp_name *dp, struct tw_view base_dn)
{
    struct tw_buf rdn, dn;
    tw_buf_init(&n->built, 1 << 17);
    n->list = dp->full;
    if (dp->relative.len == 0)
        return;
    tw_buf_init(&rdn, 1 << 16);
    tw_buf_init(&dn, 1 << 16);
    struct tw_reader r = tw_rd_of(base_dn);
    struct tw_view base = der_bytes(&r, DER_SEQ, "Name"), none = {NULL, 0};
    der_put(&rdn, DER_SET, dp->relative);
    der_put2(&dn, DER_SEQ, base, tw_buf_view(&rdn));
    der_put(&n->built, 0xa4, tw_buf_view(&dn));
    n->list = rdn.failed || dn.failed || n->built.failed ? none : tw_buf_view(&n->built);
    tw_buf_cleanup(&rdn);
    tw_buf_cleanup(&dn);
}

static bool name_equal(uint8_t tag_a, struct tw_view a, uint8_t tag_b, struct tw_view b)
{
    if (tag_a != tag_b)
        return false;
    return tag_a == 0xa4 ? tw_dn_equal(a, b) : tw_view_eq(a, b);
}

static bool names_meet(struct tw_view a, struct tw_view b)
{
    struct tw_reader ra = tw_rd_of(a);
    for (size_t i = 0; i < TW_CRL_MAX_NAMES && tw_rd_more(&ra); i++) {
        uint8_t ta, tb;
        struct tw_reader in = der_any(&ra, &ta, NULL, "GeneralName"), rb = tw_rd_of(b);
        struct tw_view va = tw_rd_rest(&in);
        for (size_t j = 0; tw_rd_ok(&ra) && j < TW_CRL_MAX_NAMES && tw_rd_more(&rb); j++) {
            struct tw_reader other = der_any(&rb, &tb, NULL, "GeneralName");
            if (tw_rd_ok(&rb) && name_equal(ta, va, tb, tw_rd_rest(&other)))
                return true;
        }
    }
    return false;
}

/* The first directoryName of cRLIssuer: the base of a relative name. */
static struct tw_view first_dn(struct tw_view names)
{
    struct tw_reader r = tw_rd_of(names);
    while (tw_rd_more(&r)) {
        uint8_t tag;
        struct tw_reader in = der_any(&r, &tag, NULL, "GeneralName");
        if (tag == 0xa4)
            return tw_rd_rest(&in);
    }
    return tw_view_of(NULL, 0);
}

static bool names_hold_dn(struct tw_view names, struct tw_view dn)
{
    struct tw_reader r = tw_rd_of(names);
    for (size_t i = 0; i < TW_CRL_MAX_NAMES && tw_rd_more(&r); i++) {
        uint8_t tag;
        struct tw_reader in = der_any(&r, &tag, NULL, "GeneralName");
        if (tag == 0xa4 && tw_dn_equal(tw_rd_rest(&in), dn))
            return true;
    }
    return false;
}

/* ---- scope, step (b) ---------------------------------------------------------------------------------- */

/* (b) 1: the list comes from whom the distribution point says, or from the certificate's issuer. */
static bool right_issuer(const struct check *k, const struct crl_point *p, const struct tw_crl *crl)
{
    if (p->crl_issuer.len > 0)
        return crl->indirect && names_hold_dn(p->crl_issuer, crl->issuer);
    return tw_dn_equal(crl->issuer, k->req->cert->issuer);
}

/* (b) 2 i: one of the list's names is one of the distribution point's, or of its cRLIssuer. */
static bool right_point(const struct check *k, const struct crl_point *p, const struct tw_crl *crl)
{
    if (crl->idp_name.full.len == 0 && crl->idp_name.relative.len == 0)
        return true;
    struct tw_view base = k->req->cert->issuer;
    if (p->crl_issuer.len > 0)
        base = first_dn(p->crl_issuer);
    struct names list, point;
    names_open(&list, &crl->idp_name, crl->issuer);
    names_open(&point, &p->name, base);
    bool named = p->name.full.len > 0 || p->name.relative.len > 0;
    bool meet = names_meet(list.list, named ? point.list : p->crl_issuer);
    tw_buf_cleanup(&list.built);
    tw_buf_cleanup(&point.built);
    return meet;
}

static bool in_scope(const struct check *k, const struct crl_point *p, const struct tw_crl *crl)
{
    bool ca = k->req->cert->has_basic && k->req->cert->is_ca;
    return right_point(k, p, crl) && !(crl->only_user && ca) && !(crl->only_ca && !ca) &&
           !crl->only_attribute;
}

/* ---- signer, steps (f) and (g) --------------------------------------------------------------------------- */

static bool signed_by(struct check *k, const struct tw_crl *crl, const struct tw_cert *by)
{
    struct tw_crypto *c = k->req->crypto;
    if (k->verifies++ >= MAX_VERIFIES)
        return false;
    struct tw_pubkey *key = c->pubkey_new(c->ctx, by->spki);
    if (key == NULL)
        return false;
    bool good = c->verify_x509(key, crl->sig_alg, crl->tbs, crl->signature) == TW_VERIFY_GOOD;
    c->pubkey_free(key);
    return good;
}

static enum tw_crl_why try_signer(struct check *k, const struct tw_crl *crl,
                                  const struct tw_cert *by)
{
    const struct tw_crl_request *req = k->req;
    if (!tw_dn_equal(by->subject, crl->issuer))
        return TW_CRL_WHY_NO_SIGNER;
    if (crl->aki_keyid.len > 0 && by->ski.len > 0 && !tw_view_eq(crl->aki_keyid, by->ski))
        return TW_CRL_WHY_NO_SIGNER;
    if (by->has_key_usage && !(by->key_usage & (1u << 6))) /* cRLSign */
        return TW_CRL_WHY_KEY_USAGE;
    if (!signed_by(k, crl, by))
        return TW_CRL_WHY_SIGNATURE;
    if (by != req->issuer && !tw_view_eq(by->der, req->issuer->der) &&
        (req->valid_signer == NULL || !req->valid_signer(req->user, by)))
        return TW_CRL_WHY_SIGNER;
    return TW_CRL_WHY_NONE;
}

static const struct signer *signer_of(struct check *k, size_t i)
{
    struct signer *s = &k->signers[i];
    const struct tw_crl_request *req = k->req;
    if (s->asked)
        return s;
    s->asked = true;
    s->why = TW_CRL_WHY_NO_SIGNER;
    for (size_t j = 0; j <= req->others_n && s->cert == NULL; j++) {
        const struct tw_cert *by = j == 0 ? req->issuer : &req->others[j - 1];
        enum tw_crl_why why = by == NULL ? TW_CRL_WHY_NO_SIGNER : try_signer(k, &req->crls[i], by);
        if (why == TW_CRL_WHY_NONE)
            s->cert = by;
        else if (why > s->why)
            s->why = why;
    }
    return s;
}

/* ---- one list ------------------------------------------------------------------------------------------------ */

/* Of the reasons why nothing decides, the one of the list that came furthest is told. */
static void nearer(struct check *k, enum tw_crl_why why, const struct tw_crl *crl)
{
    if (k->out->crl != NULL && why <= k->out->why)
        return;
    k->out->why = why;
    k->out->crl = crl;
}

static enum tw_crl_why time_problem(const struct check *k, const struct tw_crl *crl)
{
    if (crl->this_update > k->req->at)
        return TW_CRL_WHY_NOT_YET;
    return crl->has_next && crl->next_update < k->req->at ? TW_CRL_WHY_EXPIRED : TW_CRL_WHY_NONE;
}

/* (c) and 5.2.4: the delta has the base's issuer, scope and key, and starts at or before it. */
static bool fits_base(const struct tw_crl *delta, const struct tw_crl *base)
{
    return delta->is_delta && delta->fail_field == NULL && !delta->unknown_critical &&
           delta->has_number && base->has_number && tw_dn_equal(delta->issuer, base->issuer) &&
           tw_view_eq(delta->idp_der, base->idp_der) &&
           tw_view_eq(delta->aki_keyid, base->aki_keyid) &&
           crl_compare_numbers(delta->base_number, base->number) <= 0 &&
           crl_compare_numbers(base->number, delta->number) < 0;
}

/* The newest delta for a base that is current and signed by the same key, (c) and (h). */
static const struct tw_crl *delta_for(struct check *k, size_t base, const struct tw_cert *signer)
{
    const struct tw_crl_request *req = k->req;
    const struct tw_crl *best = NULL;
    for (size_t i = 0; i < k->crls_n; i++) {
        const struct tw_crl *d = &req->crls[i];
        if (!fits_base(d, &req->crls[base]) || time_problem(k, d) != TW_CRL_WHY_NONE)
            continue;
        if (best != NULL && crl_compare_numbers(d->number, best->number) <= 0)
            continue;
        const struct signer *s = signer_of(k, i);
        if (s->cert != NULL && tw_view_eq(s->cert->spki, signer->spki))
            best = d;
    }
    return best;
}

/* (i) to (k): the delta's word goes before the base's; removeFromCRL takes an entry back. */
static bool listed(const struct tw_crl_request *req, const struct tw_crl *base,
                   const struct tw_crl *delta, struct tw_crl_entry *e)
{
    if (delta != NULL && tw_crl_find(delta, req->cert, e))
        return e->reason != TW_REASON_REMOVE_FROM_CRL;
    return tw_crl_find(base, req->cert, e) && e->reason != TW_REASON_REMOVE_FROM_CRL;
}

static enum tw_crl_why usable(struct check *k, const struct crl_point *p, const struct tw_crl *crl)
{
    if (crl->fail_field != NULL)
        return TW_CRL_WHY_MALFORMED;
    if (!right_issuer(k, p, crl))
        return TW_CRL_WHY_ISSUER;
    if (crl->is_delta)
        return TW_CRL_WHY_NO_BASE;
    if (!in_scope(k, p, crl))
        return TW_CRL_WHY_SCOPE;
    if (crl->unknown_critical) /* 5.2, 5.3: such a list says nothing about any certificate */
        return TW_CRL_WHY_CRITICAL;
    return TW_CRL_WHY_NONE;
}

static void look_at(struct check *k, const struct crl_point *p, size_t i)
{
    const struct tw_crl *crl = &k->req->crls[i];
    enum tw_crl_why why = usable(k, p, crl);
    if (why != TW_CRL_WHY_NONE) {
        nearer(k, why, crl);
        return;
    }
    /* (d) */
    uint16_t reasons = p->reasons & (crl->has_reasons ? crl->reasons : TW_CRL_ALL_REASONS);
    if ((reasons & ~k->out->reasons) == 0)
        return; /* (e): nothing that is not known already */
    const struct signer *s = signer_of(k, i);
    if (s->cert == NULL) {
        nearer(k, s->why, crl);
        return;
    }
    const struct tw_crl *delta = delta_for(k, i, s->cert);
    why = time_problem(k, crl);
    if (why == TW_CRL_WHY_NOT_YET || (why == TW_CRL_WHY_EXPIRED && delta == NULL)) {
        nearer(k, why, crl); /* a current delta renews its base */
        return;
    }
    k->accepted = crl;
    k->accepted_signer = s->cert;
    if (listed(k->req, crl, delta, &k->out->entry))
        k->out->verdict = TW_CRL_REVOKED;
    k->out->reasons |= reasons; /* (l) */
}

static bool decided(const struct check *k)
{
    return k->out->verdict == TW_CRL_REVOKED || k->out->reasons == TW_CRL_ALL_REASONS;
}

static void look_at_all(struct check *k)
{
    struct crl_point points[TW_CRL_MAX_POINTS + 1];
    size_t n = crl_cert_points(k->req->cert, false, points, TW_CRL_MAX_POINTS);
    /* At last, lists of the issuer that no point names: as if its own name were the point's. */
    struct tw_buf own;
    tw_buf_init(&own, 1 << 16);
    der_put(&own, 0xa4, k->req->cert->issuer);
    points[n++] = (struct crl_point){.name = {.full = tw_buf_view(&own)},
                                     .reasons = TW_CRL_ALL_REASONS};
    for (size_t p = 0; p < n && !decided(k); p++)
        for (size_t i = 0; i < k->crls_n && !decided(k); i++)
            look_at(k, &points[p], i);
    tw_buf_cleanup(&own);
}

enum tw_status tw_crl_check(const struct tw_crl_request *req, struct tw_crl_result *out)
{
    *out = (struct tw_crl_result){0};
    struct check *k = calloc(1, sizeof *k);
    if (k == NULL)
        return TW_E_NOMEM;
    *k = (struct check){.req = req, .out = out};
    k->crls_n = req->crls_n < TW_CRL_MAX ? req->crls_n : TW_CRL_MAX;
    look_at_all(k);
    if (out->verdict != TW_CRL_REVOKED && out->reasons == TW_CRL_ALL_REASONS)
        out->verdict = TW_CRL_GOOD;
    if (out->verdict == TW_CRL_UNDECIDED && out->reasons != 0 && out->why < TW_CRL_WHY_REASONS)
        out->why = TW_CRL_WHY_REASONS;
    if (out->verdict != TW_CRL_UNDECIDED) {
        out->why = TW_CRL_WHY_NONE;
        out->crl = k->accepted;
        out->signer = k->accepted_signer;
    }
    free(k);
    return TW_OK;
}
