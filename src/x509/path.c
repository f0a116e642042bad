/*
 * Paths from the leaf to a trust anchor: depth first with backtracking over what was sent, what is
 * at hand, and the store, most promising issuer first, until a path without fault is found. Each
 * path that comes to an end is judged (path_check.c); the best few are kept.
 *
 * Hostile input: a mesh of cross-signed certificates has exponentially many paths. So the search
 * counts its steps, its complete paths, and its signatures by what they cost; a key under a name
 * stands in a path once (RFC 4158 2.4.2), which alone ends most loops.
 */
#include "x509/path_internal.h"

const char *tw_path_problem_text(enum tw_path_problem p)
{
    static const char *const texts[] = {
#define X(id, name, text) text,
        TW_PATH_PROBLEM_LIST(X)
#undef X
    };
    return (size_t)p < TW_ARRAY_LEN(texts) ? texts[p] : "unknown problem";
}

const char *tw_path_problem_name(enum tw_path_problem p)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        TW_PATH_PROBLEM_LIST(X)
#undef X
    };
    return (size_t)p < TW_ARRAY_LEN(names) ? names[p] : "unknown";
}

/* ---- the store --------------------------------------------------------------------------------------- */

static uint8_t purpose_bit(enum tw_purpose p)
{
    return p == TW_PURPOSE_SERVER   ? TW_FOR_SERVER
           : p == TW_PURPOSE_CLIENT ? TW_FOR_CLIENT
           : p == TW_PURPOSE_CODE   ? TW_FOR_CODE
                                    : TW_FOR_ANY;
}

static enum anchor_state judge_anchor(const struct builder *b, const struct tw_anchor *a)
{
    uint8_t want = purpose_bit(b->req->purpose);
    const struct tw_cert *leaf = &b->nodes[0].cert;
    if (a->distrust_after != 0 && leaf->not_before > a->distrust_after)
        return ANCHOR_REFUSED;
    if (!a->restricted)
        return ANCHOR_GOOD;
    if ((a->rejected & (want | TW_FOR_ANY)) != 0)
        return ANCHOR_REFUSED;
    bool any = b->req->purpose == TW_PURPOSE_ANY || a->trusted == 0;
    return any || (a->trusted & (want | TW_FOR_ANY)) != 0 ? ANCHOR_GOOD : ANCHOR_REFUSED;
}

/* Signed by its own key; without key usage to sign it cannot be (RFC 5280 4.2.1.3). */
static bool is_self_signed(struct builder *b, size_t i)
{
    const struct tw_cert *c = &b->nodes[i].cert;
    return c->self_issued && path_signed_by(b, i, i) == TW_VERIFY_GOOD;
}

enum anchor_state path_anchor_state(struct builder *b, struct node *n)
{
    struct tw_anchor a;
    struct tw_cert c;
    if (n->anchor != ANCHOR_UNKNOWN)
        return n->anchor;
    n->anchor = ANCHOR_NOT;
    for (size_t i = 0; b->req->trust != NULL && tw_trust_anchor(b->req->trust, n->cert.subject, i, &a);
         i++) {
        bool same = tw_view_eq(a.der, n->cert.der);
        if (!same && !a.restricted)
            continue;
        enum anchor_state s = judge_anchor(b, &a);
        if (!same && (s != ANCHOR_REFUSED || !tw_cert_parse(a.der, &c) ||
                      !tw_view_eq(c.spki, n->cert.spki)))
            continue;
        n->anchor = s;
        n->by_settings = a.restricted && a.trusted != 0;
        if (s == ANCHOR_REFUSED)
            break; /* the refusal of a key counts for each of its certificates */
    }
    bool direct = n == &b->nodes[0]; /* the leaf itself is in the store */
    if (n->anchor == ANCHOR_GOOD && !n->by_settings &&
        (b->req->no_partial || (direct && b->req->no_direct)) &&
        !is_self_signed(b, (size_t)(n - b->nodes)))
        n->anchor = ANCHOR_PARTIAL;
    return n->anchor;
}

/* ---- nodes ---------------------------------------------------------------------------------------------- */

static bool add_node(struct builder *b, struct tw_view der, enum tw_step_origin origin, int place)
{
    if (b->nodes_n == b->nodes_cap) {
        b->out->limited = true;
        return false;
    }
    struct node *n = &b->nodes[b->nodes_n++];
    tw_cert_parse(der, &n->cert);
    n->subject_hash = tw_dn_hash(n->cert.subject);
    n->issuer_hash = tw_dn_hash(n->cert.issuer);
    n->origin = origin;
    n->place = place;
    return true;
}

static bool have_node(const struct builder *b, struct tw_view der)
{
    for (size_t i = 0; i < b->nodes_n; i++)
        if (tw_view_eq(b->nodes[i].cert.der, der))
            return true;
    return false;
}

static void meet_anchors(struct builder *b, const struct tw_cert *c)
{
    struct tw_anchor a;
    for (size_t i = 0; b->req->trust != NULL && tw_trust_anchor(b->req->trust, c->issuer, i, &a); i++)
        if (!have_node(b, a.der) && !add_node(b, a.der, TW_STEP_STORE, -1))
            return;
}

static bool in_chain(const struct builder *b, size_t candidate)
{
    const struct tw_cert *c = &b->nodes[candidate].cert;
    for (size_t i = 0; i < b->chain_n; i++) {
        const struct tw_cert *s = &b->nodes[b->chain[i]].cert;
        if (b->chain[i] == candidate ||
            (tw_view_eq(s->spki, c->spki) && tw_dn_equal(s->subject, c->subject)))
            return true;
    }
    return false;
}

/* ---- candidates for the next step ---------------------------------------------------------------------- */

enum key_ids { IDS_UNKNOWN, IDS_MATCH, IDS_DIFFER };

static enum key_ids key_ids(const struct tw_cert *c, const struct tw_cert *issuer)
{
    if (c->aki_keyid.len == 0 || issuer->ski.len == 0)
        return IDS_UNKNOWN;
    return tw_view_eq(c->aki_keyid, issuer->ski) ? IDS_MATCH : IDS_DIFFER;
}

struct candidate {
    uint8_t node;
    int8_t rank;
    enum key_ids ids;
};

static int8_t rank_of(struct builder *b, size_t i, enum key_ids ids)
{
    struct node *n = &b->nodes[i];
    bool in_time = b->req->wall_time >= n->cert.not_before && b->req->wall_time <= n->cert.not_after;
    return (int8_t)((ids == IDS_MATCH ? 8 : ids == IDS_DIFFER ? -16 : 0) + (in_time ? 4 : 0) +
                    (n->origin == TW_STEP_STORE || path_anchor_state(b, n) == ANCHOR_GOOD ? 16 : 0) +
                    (n->cert.self_issued ? 0 : 1));
}

/* Those whose subject is the issuer wanted, most promising first. */
static size_t candidates(struct builder *b, const struct node *n, struct candidate *out)
{
    size_t count = 0;
    meet_anchors(b, &n->cert);
    for (size_t i = 0; i < b->nodes_n; i++) {
        const struct node *s = &b->nodes[i];
        if (s->subject_hash != n->issuer_hash || s->cert.spki.len == 0 || in_chain(b, i) ||
            !tw_dn_equal(s->cert.subject, n->cert.issuer))
            continue;
        enum key_ids ids = key_ids(&n->cert, &s->cert);
        struct candidate c = {(uint8_t)i, rank_of(b, i, ids), ids};
        size_t at = count++;
        for (; at > 0 && out[at - 1].rank < c.rank; at--)
            out[at] = out[at - 1];
        out[at] = c;
    }
    return count;
}

/* ---- signatures -------------------------------------------------------------------------------------------- */

/* What a verification may cost, from the size of the key: RSA and DSA grow with its square. */
static unsigned cost_of(struct tw_view spki)
{
    size_t units = spki.len / 256;
    return units > 1000 ? MAX_WORK : (unsigned)(1 + units * units);
}

/* DSA without parameters: AlgorithmIdentifier { id-dsa }. */
static bool dsa_inherits(const struct tw_cert *c)
{
    static const uint8_t alg[] = {0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01};
    struct tw_reader s = der_open(c->spki, DER_SEQ, "spki");
    struct tw_view v = tw_rd_bytes(&s, sizeof alg, "algorithm");
    return tw_view_eq(v, tw_view_of(alg, sizeof alg));
}

/* The same key with the parameters of another DSA key's AlgorithmIdentifier. */
static struct tw_view dsa_with(struct builder *b, struct tw_view spki, struct tw_view params_of)
{
    struct tw_reader own = der_open(spki, DER_SEQ, "spki");
    struct tw_reader other = der_open(params_of, DER_SEQ, "spki");
    struct tw_view alg = tw_view_of(NULL, 0), bits = alg, out = alg;
    der_next(&own, DER_SEQ, "algorithm");
    der_whole(&own, DER_BITS, &bits, "subjectPublicKey");
    der_whole(&other, DER_SEQ, &alg, "algorithm");
    size_t len = alg.len + bits.len;
    uint8_t *p = tw_rd_ok(&own) && tw_rd_ok(&other) && len >= 256 && len < 65536
                     ? tw_arena_alloc(b->arena, len + 4) : NULL;
    if (p == NULL)
        return out;
    const uint8_t head[4] = {0x30, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(p, head, sizeof head);
    memcpy(p + 4, alg.data, alg.len);
    memcpy(p + 4 + alg.len, bits.data, bits.len);
    return tw_view_of(p, len + 4);
}

/* A DSA key may leave its parameters to its issuer's key (RFC 3279 2.3.2, RFC 5280 6.1.4 f); any
 * certificate of that issuer gives them: what they are matters only if the signature verifies. */
struct tw_view path_key(struct builder *b, const struct tw_cert *c)
{
    if (!dsa_inherits(c))
        return c->spki;
    meet_anchors(b, c);
    for (size_t i = 0; i < b->nodes_n; i++) {
        const struct tw_cert *up = &b->nodes[i].cert;
        struct tw_key_info info;
        tw_cert_key_info(up, &info);
        if (info.type == TW_KEY_DSA && !dsa_inherits(up) && tw_dn_equal(up->subject, c->issuer))
            return dsa_with(b, c->spki, up->spki);
    }
    return c->spki;
}

static enum tw_verify verify(struct builder *b, const struct tw_cert *c, const struct tw_cert *issuer)
{
    struct tw_crypto *crypto = b->req->crypto;
    uint8_t key[TW_HASH_MAX];
    struct tw_view spki = path_key(b, issuer);
    const struct tw_view parts[2] = {spki, c->der};
    struct tw_sig_cache *cache = b->req->cache;
    if (c->signature.len == 0 || spki.len == 0)
        return TW_VERIFY_BAD;
    if (cache != NULL && crypto->digest(crypto->ctx, TW_HASH_SHA256, parts, 2, key) != 32)
        cache = NULL;
    if (cache != NULL && sig_cache_has(cache, key))
        return TW_VERIFY_GOOD;
    if (b->work >= MAX_WORK || b->out->signatures >= MAX_SIGNATURES) {
        b->out->limited = true;
        return TW_VERIFY_BAD;
    }
    b->work += cost_of(spki);
    b->out->signatures++;
    struct tw_pubkey *k = crypto->pubkey_new(crypto->ctx, spki);
    if (k == NULL)
        return TW_VERIFY_ERROR;
    enum tw_verify v = crypto->verify_x509(k, c->sig_alg, c->tbs, c->signature);
    crypto->pubkey_free(k);
    if (v == TW_VERIFY_GOOD && cache != NULL)
        sig_cache_add(cache, key);
    return v;
}

enum tw_verify path_signed_by(struct builder *b, size_t child, size_t issuer)
{
    struct memo *m = &b->memo[(child * 31 + issuer) % MEMO];
    if (!m->used || m->child != child || m->issuer != issuer) {
        enum tw_verify v = verify(b, &b->nodes[child].cert, &b->nodes[issuer].cert);
        *m = (struct memo){(uint8_t)child, (uint8_t)issuer, (uint8_t)v, 1};
    }
    return (enum tw_verify)m->verdict;
}

/* ---- judging a path --------------------------------------------------------------------------------------- */

static const char *text_of(struct builder *b, const char *fmt, va_list ap)
{
    char buf[700];
    vsnprintf(buf, sizeof buf, fmt, ap);
    const char *s = tw_arena_str(b->arena, buf);
    b->nomem = b->nomem || s == NULL;
    return s == NULL ? "" : s;
}

const char *cert_words(const struct tw_cert *c, char *buf, size_t cap)
{
    return tw_dn_text(c->subject, buf, cap);
}

void path_fault(struct builder *b, struct tw_path *p, enum tw_path_problem problem, int step,
                const char *source, const char *fmt, ...)
{
    va_list ap;
    if (p->faults_n == TW_PATH_MAX_FAULTS)
        return;
    va_start(ap, fmt);
    const char *text = fmt == NULL ? tw_path_problem_text(problem) : text_of(b, fmt, ap);
    va_end(ap);
    p->faults[p->faults_n++] = (struct tw_path_fault){problem, step, NULL, text, source};
}

void path_lint(struct builder *b, struct tw_path *p, enum tw_path_problem problem, int step,
               const struct tw_cert_fault *f)
{
    size_t before = p->faults_n;
    const struct tw_cert *c = p->steps[step].cert;
    char name[160];
    cert_words(c, name, sizeof name);
    if (f->text == NULL)
        path_fault(b, p, problem, step, f->source, "%s at byte %zu of %zu (%s)", c->fail_field, f->at,
                   c->der.len, name);
    else if (f->at > 0)
        path_fault(b, p, problem, step, f->source, "%s, at byte %zu (%s)", f->text, f->at, name);
    else
        path_fault(b, p, problem, step, f->source, "%s (%s)", f->text, name);
    if (p->faults_n > before)
        p->faults[before].lint = f->id;
}

static void link_faults(struct builder *b, struct tw_path *p)
{
    char name[160];
    for (size_t i = 0; i + 1 < p->n; i++) {
        if (b->link[i] == TW_VERIFY_GOOD)
            continue;
        cert_words(p->steps[i + 1].cert, name, sizeof name);
        if (b->link[i] == TW_VERIFY_BAD)
            path_fault(b, p, TW_PATH_BAD_SIGNATURE, (int)i, "RFC 5280 6.1.3 (a)",
                       "issuer %s: its signature does not verify with the issuer's key", name);
        else if (b->link[i] == TW_VERIFY_ERROR)
            path_fault(b, p, TW_PATH_MALFORMED, (int)i + 1, "RFC 5280 4.1.2.7",
                       "the public key of %s cannot be read", name);
        else
            path_fault(b, p, TW_PATH_UNSUPPORTED_KEY, (int)i, NULL,
                       "its signature cannot be verified: the key of %s or the algorithm is not "
                       "supported", name);
    }
}

static void end_fault(struct builder *b, struct tw_path *p, enum tw_path_problem end)
{
    char dn[200];
    int top = (int)p->n - 1;
    const struct tw_cert *c = p->steps[top].cert;
    struct tw_view any;
    bool none = b->req->trust == NULL || !tw_trust_at(b->req->trust, 0, &any);
    if (end == TW_PATH_MALFORMED)
        return; /* told with the certificate itself */
    if (none && end != TW_PATH_SELF_SIGNED_LEAF && end != TW_PATH_LIMIT)
        end = TW_PATH_NO_ANCHORS;
    if (end == TW_PATH_SELF_SIGNED_LEAF || end == TW_PATH_UNKNOWN_ROOT)
        path_fault(b, p, end, top, "RFC 5280 6.1", "%s is not in %s",
                   tw_dn_text(c->subject, dn, sizeof dn),
                   b->req->trust == NULL ? "any trust store" : tw_trust_label(b->req->trust));
    else if (end == TW_PATH_LIMIT)
        path_fault(b, p, end, top, "RFC 4158", "longer than %d certificates", TW_PATH_MAX_STEPS);
    else
        path_fault(b, p, end, top, "RFC 5280 6.1", "issuer %s: %s",
                   tw_dn_text(c->issuer, dn, sizeof dn), tw_path_problem_text(end));
}

/* Lower is better: an unbroken path to an anchor first, then few faults, then, of anchored paths the
 * shortest, of dead ends the longest. */
static unsigned score_of(const struct builder *b, const struct tw_path *p)
{
    unsigned score = p->anchored ? (unsigned)p->n : 1000 + TW_PATH_MAX_STEPS - (unsigned)p->n;
    if (p->faults_n == 0)
        return 0;
    for (size_t i = 0; i + 1 < p->n; i++)
        score += b->link[i] == TW_VERIFY_GOOD ? 0 : 1100;
    return score + 30 * (unsigned)p->faults_n;
}

static void keep(struct builder *b)
{
    struct tw_paths *o = b->out;
    size_t at = o->n < TW_PATH_MAX_KEPT ? o->n++ : TW_PATH_MAX_KEPT;
    if (at == TW_PATH_MAX_KEPT && o->kept[at - 1].score <= b->now.score)
        return;
    if (at == TW_PATH_MAX_KEPT)
        at--;
    for (; at > 0 && o->kept[at - 1].score > b->now.score; at--)
        o->kept[at] = o->kept[at - 1];
    o->kept[at] = b->now;
}

void path_consider(struct builder *b, enum tw_path_problem end)
{
    struct tw_path *p = &b->now;
    if (b->complete++ >= MAX_COMPLETE) {
        b->out->limited = true;
        return;
    }
    p->n = b->chain_n;
    p->faults_n = p->advice_n = 0;
    p->anchored = end == TW_PATH_OK;
    for (size_t i = 0; i < p->n; i++) {
        const struct node *n = &b->nodes[b->chain[i]];
        p->steps[i] = (struct tw_path_step){&n->cert, n->origin, n->place};
    }
    if (!p->anchored)
        end_fault(b, p, end);
    link_faults(b, p);
    path_check(b, p);
    p->score = score_of(b, p);
    keep(b);
    b->found = b->found || p->score == 0;
}

/* ---- search ------------------------------------------------------------------------------------------------ */

static void extend(struct builder *b);

static void follow(struct builder *b, size_t node, enum tw_verify verdict)
{
    b->link[b->chain_n - 1] = verdict;
    if (b->chain_n == TW_PATH_MAX_STEPS) {
        b->out->limited = true;
        path_consider(b, TW_PATH_LIMIT);
        return;
    }
    b->chain[b->chain_n++] = (uint8_t)node;
    extend(b);
    b->chain_n--;
}

static bool spent(struct builder *b)
{
    if (b->steps < MAX_NODES && b->complete < MAX_COMPLETE)
        return b->found;
    b->out->limited = true;
    return true;
}

/* Key identifiers that differ mean another key of that name: asked only when nothing else fits. */
static bool try_all(struct builder *b, const struct candidate *c, size_t n, bool differing)
{
    bool went_on = false;
    size_t child = b->chain[b->chain_n - 1];
    for (size_t i = 0; i < n && !spent(b); i++) {
        if ((c[i].ids == IDS_DIFFER) != differing)
            continue;
        enum tw_verify v = path_signed_by(b, child, c[i].node);
        if (v == TW_VERIFY_BAD || (differing && v != TW_VERIFY_GOOD))
            continue;
        went_on = true;
        follow(b, c[i].node, v);
        if (b->req->no_backtrack)
            break;
    }
    return went_on;
}

/* Nothing signed it: the likeliest issuer is followed all the same, so that the report can show the
 * path with the bad signature in it. */
static bool try_bad(struct builder *b, const struct candidate *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].ids != IDS_DIFFER && !b->out->limited) {
            follow(b, c[i].node, TW_VERIFY_BAD);
            return true;
        }
    return false;
}

static void dead_end(struct builder *b)
{
    size_t top = b->chain[b->chain_n - 1];
    if (!b->nodes[top].cert.framed)
        path_consider(b, TW_PATH_MALFORMED); /* who issued it cannot be told */
    else if (is_self_signed(b, top))
        path_consider(b, b->chain_n == 1 ? TW_PATH_SELF_SIGNED_LEAF : TW_PATH_UNKNOWN_ROOT);
    else
        path_consider(b, TW_PATH_MISSING_ISSUER);
}

static void extend(struct builder *b)
{
    struct candidate list[MAX_CERTS + MAX_ANCHORS_MET];
    struct node *n = &b->nodes[b->chain[b->chain_n - 1]];
    bool anchored = path_anchor_state(b, n) == ANCHOR_GOOD;
    b->steps++;
    if (anchored)
        path_consider(b, TW_PATH_OK);
    if (spent(b))
        return;
    size_t count = candidates(b, n, list);
    if ((anchored && b->req->no_backtrack) || try_all(b, list, count, false) ||
        try_all(b, list, count, true) || anchored || b->found)
        return;
    if (is_self_signed(b, b->chain[b->chain_n - 1]) || !try_bad(b, list, count))
        dead_end(b);
}

/* ---- entry --------------------------------------------------------------------------------------------------- */

static struct builder *begin(const struct tw_path_request *req, struct tw_arena *arena,
                             struct tw_paths *out)
{
    size_t sent = req->certs_n < MAX_CERTS ? req->certs_n : MAX_CERTS;
    size_t extra = req->extra_n < MAX_CERTS - sent ? req->extra_n : MAX_CERTS - sent;
    struct builder *b = tw_arena_alloc(arena, sizeof *b);
    if (b == NULL)
        return NULL;
    b->req = req;
    b->arena = arena;
    b->out = out;
    b->name_checks = MAX_NAME_CHECKS;
    b->nodes_cap = sent + extra + MAX_ANCHORS_MET;
    b->nodes = tw_arena_alloc(arena, b->nodes_cap * sizeof *b->nodes);
    if (b->nodes == NULL)
        return NULL;
    for (size_t i = 0; i < sent; i++)
        add_node(b, req->certs[i], TW_STEP_SENT, (int)i);
    for (size_t i = 0; i < extra; i++)
        if (!have_node(b, req->extra[i]))
            add_node(b, req->extra[i], TW_STEP_EXTRA, (int)i);
    out->limited = sent < req->certs_n || extra < req->extra_n;
    return b;
}

static bool give_certs(struct builder *b, size_t sent)
{
    struct tw_cert *certs = tw_arena_alloc(b->arena, (sent + 1) * sizeof *certs);
    if (certs == NULL)
        return false;
    for (size_t i = 0; i < sent; i++)
        certs[i] = b->nodes[i].cert;
    b->out->certs = certs;
    b->out->certs_n = sent;
    return true;
}

enum tw_status path_find_within(const struct tw_path_request *req, struct tw_arena *arena,
                                struct builder *parent, struct tw_paths **out)
{
    struct tw_paths *o = tw_arena_alloc(arena, sizeof *o);
    *out = o;
    if (o == NULL)
        return TW_E_NOMEM;
    if (req->certs_n == 0)
        return TW_OK;
    struct builder *b = begin(req, arena, o);
    if (b == NULL || !give_certs(b, req->certs_n < MAX_CERTS ? req->certs_n : MAX_CERTS))
        return TW_E_NOMEM;
    if (parent != NULL) {
        b->parent = parent;
        b->nesting = parent->nesting + 1;
        b->work = parent->work; /* the budgets are for all of them together */
        b->steps = parent->steps;
        b->name_checks = parent->name_checks;
    }
    b->chain[b->chain_n++] = 0;
    extend(b);
    if (parent != NULL) {
        parent->work = b->work;
        parent->steps = b->steps;
        parent->name_checks = b->name_checks;
    } else {
        chain_notes(b);
    }
    if (parent == NULL && o->n > 0)
        path_advise(b, &o->kept[0]);
    if (o->limited && o->n > 0 && o->kept[0].faults_n > 0)
        path_fault(b, &o->kept[0], TW_PATH_LIMIT, -1, NULL,
                   "the search was ended by a limit: %u steps, %u signatures", b->steps,
                   o->signatures);
    return b->nomem ? TW_E_NOMEM : TW_OK;
}

enum tw_status tw_path_find(const struct tw_path_request *req, struct tw_arena *arena,
                            struct tw_paths **out)
{
    return path_find_within(req, arena, NULL, out);
}
