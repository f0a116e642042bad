/*
 * Revocation lists given with the request (RFC 5280 6.3), for each certificate of a path. A list's
 * signer may be another certificate than the issuer: then it needs a path of its own to the same
 * anchor, which is found here in the same way, with a bound on the nesting.
 */
#include "x509/path_internal.h"

enum { MAX_NESTING = 4 };

/* Lists are parsed once per search. */
static bool parse_lists(struct builder *b)
{
    size_t n = b->req->crls_n < TW_CRL_MAX ? b->req->crls_n : TW_CRL_MAX;
    if (b->crls != NULL)
        return true;
    b->crls = tw_arena_alloc(b->arena, (n + 1) * sizeof *b->crls);
    b->nomem = b->nomem || b->crls == NULL;
    if (b->crls == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        tw_crl_parse(b->req->crls[i], &b->crls[i]);
    b->crls_n = n;
    return true;
}

/* All certificates at hand may have signed lists. */
static const struct tw_cert *all_certs(struct builder *b)
{
    struct tw_cert *c = tw_arena_alloc(b->arena, (b->nodes_n + 1) * sizeof *c);
    b->nomem = b->nomem || c == NULL;
    for (size_t i = 0; c != NULL && i < b->nodes_n; i++)
        c[i] = b->nodes[i].cert;
    return c;
}

/* ---- signers that are not the issuer ------------------------------------------------------------------- */

static bool is_asked(const struct builder *b, const struct tw_cert *signer)
{
    for (; b != NULL; b = b->parent)
        if (tw_view_eq(b->nodes[0].cert.der, signer->der) ||
            (b->judging != NULL && tw_view_eq(b->judging->der, signer->der)))
            return true;
    return false;
}

static bool same_anchor(const struct tw_path *a, const struct tw_path *b)
{
    const struct tw_cert *x = a->steps[a->n - 1].cert, *y = b->steps[b->n - 1].cert;
    return tw_view_eq(x->spki, y->spki) && tw_dn_equal(x->subject, y->subject);
}

/* The signer first, then everything else, in an array of the arena. */
static struct tw_view *with_signer(struct builder *b, const struct tw_cert *signer, size_t *n)
{
    struct tw_view *v = tw_arena_alloc(b->arena, (b->nodes_n + 1) * sizeof *v);
    *n = 0;
    if (v == NULL)
        return NULL;
    v[(*n)++] = signer->der;
    for (size_t i = 0; i < b->nodes_n && *n < MAX_CERTS; i++)
        if (b->nodes[i].origin != TW_STEP_STORE)
            v[(*n)++] = b->nodes[i].cert.der;
    return v;
}

static bool valid_signer(void *user, const struct tw_cert *signer)
{
    struct builder *b = user;
    struct tw_path_request req = *b->req;
    struct tw_paths *out = NULL;
    if (is_asked(b, signer))
        return true;
    if (b->nesting >= MAX_NESTING)
        return false;
    req.certs = with_signer(b, signer, &req.certs_n);
    req.name = NULL;
    req.emails_n = 0;
    req.purpose = TW_PURPOSE_ANY;
    req.explicit_policy = false;
    req.policies_n = 0;
    return req.certs != NULL && path_find_within(&req, b->arena, b, &out) == TW_OK && out->n > 0 &&
           out->kept[0].faults_n == 0 && b->now.anchored && same_anchor(&out->kept[0], &b->now);
}

/* ---- one certificate --------------------------------------------------------------------------------------- */

static void tell_revoked(struct builder *b, struct tw_path *p, size_t i,
                         const struct tw_crl_result *r)
{
    char name[160], when[32];
    path_fault(b, p, TW_PATH_REVOKED, (int)i, "RFC 5280 6.3.3", "%s: revoked at %s, reason %s",
               cert_words(p->steps[i].cert, name, sizeof name),
               tw_time_text(r->entry.date, when, sizeof when), tw_reason_name(r->entry.reason));
}

/* RFC 5280 5.2.3: every list has a number, in an extension that is not critical. */
static const char *profile_fault(const struct builder *b, const struct tw_crl *crl)
{
    if (b->req->policy == TW_POLICY_RFC5280 || crl == NULL)
        return NULL;
    return !crl->has_number         ? "the CRL has no cRLNumber"
           : crl->number_is_critical ? "the CRL's cRLNumber is critical"
                                    : NULL;
}

/* A list whose hash is too weak for the level asked for says nothing. */
static bool list_is_weak(const struct builder *b, const struct tw_crl *crl)
{
    struct tw_cert as_cert = {.sig_alg = crl->sig_alg};
    unsigned strength = tw_cert_sig_strength(&as_cert);
    return strength > 0 && strength < path_level_bits(b->req) &&
           !(strength == 63 && b->req->sha1_ok);
}

static void tell_undecided(struct builder *b, struct tw_path *p, size_t i, const char *why)
{
    char name[160];
    path_fault(b, p, TW_PATH_CRL, (int)i, "RFC 5280 6.3.3", "%s: %s",
               cert_words(p->steps[i].cert, name, sizeof name), why);
}

/* A list that is out of date decides nothing, but a certificate on it is revoked all the same. */
static void look_when_current(struct builder *b, struct tw_path *p, size_t i,
                              struct tw_crl_request q)
{
    struct tw_crl_result r;
    for (size_t k = 0; k < b->crls_n; k++) {
        q.at = b->crls[k].this_update;
        if (b->crls[k].fail_field == NULL && tw_crl_check(&q, &r) == TW_OK &&
            r.verdict == TW_CRL_REVOKED) {
            tell_revoked(b, p, i, &r);
            return;
        }
    }
}

static void check_one(struct builder *b, struct tw_path *p, size_t i, const struct tw_cert *others)
{
    struct tw_cert issuer = *p->steps[i + 1].cert;
    issuer.spki = path_key(b, &issuer);
    struct tw_crl_request q = {.crypto = b->req->crypto, .at = b->req->wall_time,
                               .cert = p->steps[i].cert, .issuer = &issuer,
                               .crls = b->crls, .crls_n = b->crls_n, .others = others,
                               .others_n = others == NULL ? 0 : b->nodes_n,
                               .valid_signer = valid_signer, .user = b};
    struct tw_crl_result r;
    b->judging = p->steps[i].cert;
    enum tw_status st = tw_crl_check(&q, &r);
    b->judging = NULL;
    if (st != TW_OK) {
        b->nomem = true;
        return;
    }
    if (r.verdict == TW_CRL_UNDECIDED && r.crl != NULL &&
        (r.why == TW_CRL_WHY_EXPIRED || r.why == TW_CRL_WHY_NOT_YET))
        look_when_current(b, p, i, q);
    const char *profile = profile_fault(b, r.crl);
    if (r.verdict == TW_CRL_REVOKED)
        tell_revoked(b, p, i, &r);
    else if (r.verdict == TW_CRL_UNDECIDED && (b->req->crl_all || r.why > TW_CRL_WHY_ISSUER))
        tell_undecided(b, p, i, tw_crl_why_text(r.why));
    else if (r.verdict == TW_CRL_GOOD && profile != NULL)
        tell_undecided(b, p, i, profile);
    if (r.crl != NULL && r.verdict != TW_CRL_UNDECIDED && list_is_weak(b, r.crl))
        tell_undecided(b, p, i, "the CRL is signed with a hash that is too weak");
}

void path_check_crls(struct builder *b, struct tw_path *p)
{
    if ((b->req->crls_n == 0 && !b->req->crl_all) || !p->anchored || !parse_lists(b))
        return;
    const struct tw_cert *others = all_certs(b);
    for (size_t i = 0; i + 1 < p->n; i++)
        check_one(b, p, i, others);
}
