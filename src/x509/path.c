/*
 * Why does this chain validate, or not? All paths from the leaf over the certificates sent and the
 * anchors are tried, depth first with backtracking; the best one is told with everything wrong
 * with it. Bounded: MAX_SENT certificates, MAX_CHECKS signatures, MAX_ANCHORS ways to an anchor; what
 * is beyond is not looked at. The builder is kept below what makes malloc go to the system.
 */
#include "x509/x509.h"

#include <strings.h>

enum { MAX_SENT = 16, MAX_DEPTH = 16, MAX_CHECKS = 200, MAX_ANCHORS = 16, MAX_PROBLEMS = 24 };

struct step {
    const struct tw_cert *cert;
    int place;               /* in the chain as sent; -1 from the store */
};

struct path {
    struct step steps[MAX_DEPTH + 1]; size_t n;
    enum tw_path_problem end;  /* TW_PATH_OK: reaches an anchor */
    unsigned score;            /* lower is better */
};

struct builder {
    const struct tw_path_request *req;
    struct tw_cert certs[MAX_SENT]; size_t certs_n;
    struct tw_cert anchors[MAX_ANCHORS]; size_t anchors_n; /* those met on the way */
    unsigned checks;
    struct path now, best;
    bool have_best;
};

const char *tw_path_problem_text(enum tw_path_problem p)
{
    static const char *const texts[] = {
#define X(id, text) text,
        TW_PATH_PROBLEM_LIST(X)
#undef X
    };
    return (size_t)p < TW_ARRAY_LEN(texts) ? texts[p] : "unknown problem";
}

const char *tw_path_problem_name(enum tw_path_problem p)
{
    static const char *const names[] = {
        "ok", "no_certificate", "expired", "not_yet_valid", "self_signed_leaf", "unknown_root",
        "missing_issuer", "bad_signature", "not_a_ca", "path_len", "key_usage", "eku",
        "unknown_critical", "malformed", "weak_signature", "weak_key", "name_mismatch",
        "name_no_san", "no_anchors"};
    return (size_t)p < TW_ARRAY_LEN(names) ? names[p] : "unknown";
}

/* ---- signatures and candidates ------------------------------------------------------------------- */

static bool signed_by(struct builder *b, const struct tw_cert *c, const struct tw_cert *issuer)
{
    struct tw_crypto *crypto = b->req->crypto;
    if (b->checks >= MAX_CHECKS)
        return false;
    b->checks++;
    struct tw_pubkey *k = crypto->pubkey_new(crypto->ctx, issuer->spki);
    if (k == NULL)
        return false;
    bool good = crypto->verify_x509(k, c->sig_alg, c->tbs, c->signature) == TW_VERIFY_GOOD;
    crypto->pubkey_free(k);
    return good;
}

static bool is_anchor(const struct builder *b, const struct tw_cert *c)
{
    struct tw_view der;
    for (size_t i = 0; b->req->trust != NULL && tw_trust_find(b->req->trust, c->subject, i, &der);
         i++)
        if (tw_view_eq(der, c->der))
            return true;
    return false;
}

static bool in_path(const struct builder *b, const struct tw_cert *c)
{
    for (size_t i = 0; i < b->now.n; i++)
        if (b->now.steps[i].cert == c || tw_view_eq(b->now.steps[i].cert->der, c->der))
            return true;
    return false;
}

/* ---- what is wrong with one certificate in its place --------------------------------------------- */

static bool is_weak_hash(const struct tw_cert *c)
{
    char name[64];
    tw_cert_sig_name(c, name, sizeof name);
    for (char *p = name; *p != '\0'; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    return strstr(name, "md5") != NULL || strstr(name, "sha1") != NULL ||
           strstr(name, "md2") != NULL || strcmp(name, "1.3.14.3.2.29") == 0;
}

static bool is_weak_key(const struct tw_cert *c)
{
    struct tw_key_info k;
    tw_cert_key_info(c, &k);
    if (k.type == TW_KEY_RSA || k.type == TW_KEY_RSA_PSS)
        return k.bits < 2048;
    return k.type == TW_KEY_EC && k.bits > 0 && k.bits < 256;
}

static size_t issuer_problems(const struct path *p, size_t i, enum tw_path_problem *out)
{
    const struct tw_cert *c = p->steps[i].cert;
    size_t n = 0, below = 0;
    if (!c->is_ca)
        out[n++] = TW_PATH_NOT_A_CA;
    if (c->has_key_usage && !(c->key_usage & (1u << 5))) /* keyCertSign */
        out[n++] = TW_PATH_KEY_USAGE;
    for (size_t j = 1; j < i; j++)
        below += !p->steps[j].cert->self_issued;
    if (c->path_len >= 0 && below > (size_t)c->path_len)
        out[n++] = TW_PATH_PATH_LEN;
    return n;
}

static size_t leaf_problems(const struct builder *b, const struct tw_cert *c,
                            enum tw_path_problem *out)
{
    size_t n = 0;
    char nearest[256];
    if (c->has_eku && !tw_cert_has_eku(c, "1.3.6.1.5.5.7.3.1") &&
        !tw_cert_has_eku(c, "2.5.29.37.0"))
        out[n++] = TW_PATH_EKU;
    if (b->req->name == NULL || b->req->name[0] == '\0')
        return n;
    enum tw_name_match m = tw_cert_name_match(c, b->req->name, nearest, sizeof nearest);
    if (m == TW_NAME_NO_SAN)
        out[n++] = TW_PATH_NAME_NO_SAN;
    else if (m != TW_NAME_OK)
        out[n++] = TW_PATH_NAME_MISMATCH;
    return n;
}

static size_t step_problems(const struct builder *b, const struct path *p, size_t i,
                            enum tw_path_problem out[MAX_PROBLEMS])
{
    const struct step *s = &p->steps[i];
    const struct tw_cert *c = s->cert;
    size_t n = 0;
    if (s->place < 0)
        return 0; /* an anchor is trusted as it is (RFC 5280 6.1.1 d) */
    if (c->fail_field != NULL)
        out[n++] = TW_PATH_MALFORMED;
    if (b->req->wall_time > c->not_after)
        out[n++] = TW_PATH_EXPIRED;
    if (b->req->wall_time < c->not_before)
        out[n++] = TW_PATH_NOT_YET_VALID;
    if (i > 0)
        n += issuer_problems(p, i, out + n);
    else
        n += leaf_problems(b, c, out + n);
    if (c->unknown_critical)
        out[n++] = TW_PATH_UNKNOWN_CRITICAL;
    bool top = i + 1 == p->n;
    if (is_weak_hash(c) && !(top && c->self_issued))
        out[n++] = TW_PATH_WEAK_SIGNATURE;
    if (is_weak_key(c))
        out[n++] = TW_PATH_WEAK_KEY;
    return n;
}

/* ---- search ----------------------------------------------------------------------------------------- */

static void consider(struct builder *b, enum tw_path_problem end)
{
    enum tw_path_problem list[MAX_PROBLEMS];
    unsigned score = end == TW_PATH_OK ? 0 : end == TW_PATH_BAD_SIGNATURE ? 2000 : 1000;
    for (size_t i = 0; i < b->now.n; i++)
        score += (unsigned)step_problems(b, &b->now, i, list) * 10;
    b->now.end = end;
    b->now.score = score + (unsigned)(MAX_DEPTH + 1 - b->now.n); /* of dead ends, the longest */
    if (end == TW_PATH_OK)
        b->now.score = score + (unsigned)b->now.n; /* of good paths, the shortest */
    if (!b->have_best || b->now.score < b->best.score) {
        b->best = b->now;
        b->have_best = true;
    }
}

static void extend(struct builder *b);

static bool step_to(struct builder *b, const struct tw_cert *c, int place)
{
    if (b->now.n > MAX_DEPTH)
        return false;
    b->now.steps[b->now.n++] = (struct step){c, place};
    return true;
}

static bool try_anchors(struct builder *b, const struct tw_cert *c, bool *bad_signature)
{
    struct tw_view der;
    bool found = false;
    for (size_t i = 0; b->req->trust != NULL && b->anchors_n < MAX_ANCHORS &&
                       tw_trust_find(b->req->trust, c->issuer, i, &der);
         i++) {
        struct tw_cert *a = &b->anchors[b->anchors_n];
        tw_cert_parse(der, a);
        if (!signed_by(b, c, a)) {
            *bad_signature = true;
            continue;
        }
        b->anchors_n++;
        found = true;
        if (step_to(b, a, -1)) {
            consider(b, TW_PATH_OK);
            b->now.n--;
        }
    }
    return found;
}

static void extend(struct builder *b)
{
    const struct tw_cert *c = b->now.steps[b->now.n - 1].cert;
    bool bad_signature = false, went_on = false;
    if (is_anchor(b, c)) {
        consider(b, TW_PATH_OK);
        return;
    }
    if (try_anchors(b, c, &bad_signature))
        return;
    for (size_t i = 0; i < b->certs_n; i++) {
        const struct tw_cert *s = &b->certs[i];
        if (in_path(b, s) || !tw_dn_equal(s->subject, c->issuer))
            continue;
        if (!signed_by(b, c, s)) {
            bad_signature = true;
            continue;
        }
        if (!step_to(b, s, (int)i))
            break;
        went_on = true;
        extend(b);
        b->now.n--;
    }
    if (went_on)
        return;
    if (c->self_issued && signed_by(b, c, c))
        consider(b, b->now.n == 1 ? TW_PATH_SELF_SIGNED_LEAF : TW_PATH_UNKNOWN_ROOT);
    else
        consider(b, bad_signature ? TW_PATH_BAD_SIGNATURE : TW_PATH_MISSING_ISSUER);
}

/* ---- telling ------------------------------------------------------------------------------------------ */

struct teller {
    struct tw_trace *t;
    uint32_t conn;
    uint64_t at;
};

static void tell(const struct teller *w, enum tw_path_problem p, int place, const char *text)
{
    tw_trace_add(w->t, (struct tw_fact){.kind = TW_FACT_PATH, .conn = w->conn, .at = w->at,
                                        .from = TW_SERVER, .msg = TW_NO_MSG,
                                        .field = tw_path_problem_name(p), .num = (int64_t)p,
                                        .aux = place, .text = text});
}

static void san_list(const struct tw_cert *c, char *buf, size_t cap)
{
    enum tw_san_type type;
    struct tw_view v;
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; tw_cert_san_at(c, i, &type, &v); i++) {
        char one[256];
        tw_san_text(type, v, one, sizeof one);
        if (n + strlen(one) + 16 > cap) {
            snprintf(buf + n, cap - n, ", and more");
            return;
        }
        n += (size_t)snprintf(buf + n, cap - n, "%s%s", i > 0 ? ", " : "", one);
    }
    if (n == 0)
        tw_copy_str(buf, cap, "none (no subjectAltName)");
}

static void detail(const struct builder *b, enum tw_path_problem p, const struct tw_cert *c,
                   char *buf, size_t cap)
{
    char dn[200], when[32];
    switch (p) {
    case TW_PATH_EXPIRED:
        snprintf(buf, cap, "notAfter %s", tw_time_text(c->not_after, when, sizeof when));
        break;
    case TW_PATH_NOT_YET_VALID:
        snprintf(buf, cap, "notBefore %s", tw_time_text(c->not_before, when, sizeof when));
        break;
    case TW_PATH_NAME_MISMATCH:
    case TW_PATH_NAME_NO_SAN:
        san_list(c, buf, cap);
        break;
    case TW_PATH_MISSING_ISSUER:
    case TW_PATH_BAD_SIGNATURE:
        snprintf(buf, cap, "issuer %s: %s", tw_dn_text(c->issuer, dn, sizeof dn),
                 tw_path_problem_text(p));
        break;
    case TW_PATH_SELF_SIGNED_LEAF:
    case TW_PATH_UNKNOWN_ROOT:
        snprintf(buf, cap, "%s is not in %s", tw_dn_text(c->subject, dn, sizeof dn),
                 b->req->trust == NULL ? "any trust store" : tw_trust_label(b->req->trust));
        break;
    case TW_PATH_MALFORMED:
        snprintf(buf, cap, "%s at byte %zu", c->fail_field, c->fail_at);
        break;
    default:
        snprintf(buf, cap, "%s: %s", tw_dn_text(c->subject, dn, sizeof dn),
                 tw_path_problem_text(p));
        break;
    }
}

/* ---- who may stand behind a missing issuer --------------------------------------------------------------- */

static bool word_in(const char *text, const char *word, size_t len)
{
    for (const char *p = text; *p != '\0'; p++)
        if (strncasecmp(p, word, len) == 0)
            return true;
    return false;
}

static bool is_generic(const char *word, size_t len)
{
    static const char *const generic[] = {"root", "intermediate", "issuing", "certificate",
                                          "authority", "certification", "global", "server", "trust",
                                          "signing", "secure", "domain", "validation", "public",
                                          "internal", "test", "class", "network", "services"};
    for (size_t i = 0; i < TW_ARRAY_LEN(generic); i++)
        if (strlen(generic[i]) == len && strncasecmp(generic[i], word, len) == 0)
            return true;
    return len < 3;
}

/* The same organisation; or, where the issuer names none, a telling word of its CN. */
static bool related(struct tw_view issuer, struct tw_view anchor_subject)
{
    char a[200], b[200];
    tw_dn_attr(issuer, "O", a, sizeof a);
    tw_dn_attr(anchor_subject, "O", b, sizeof b);
    if (a[0] != '\0' && b[0] != '\0')
        return strcasecmp(a, b) == 0;
    tw_dn_attr(issuer, "CN", a, sizeof a);
    tw_dn_attr(anchor_subject, "CN", b, sizeof b);
    for (const char *p = a; *p != '\0';) {
        size_t len = strcspn(p, " -_.,");
        if (!is_generic(p, len) && word_in(b, p, len))
            return true;
        p += len + (p[len] != '\0');
    }
    return false;
}

static int64_t hint(const struct builder *b, const struct tw_cert *c, char *buf, size_t cap)
{
    struct tw_view der, url = tw_cert_aia(c, false);
    char cn[200];
    tw_dn_attr(c->issuer, "CN", cn, sizeof cn);
    bool says_root = word_in(cn, "root", 4) && url.len == 0;
    for (size_t i = 0; b->req->trust != NULL && !says_root && tw_trust_at(b->req->trust, i, &der);
         i++) {
        struct tw_cert a;
        tw_cert_parse(der, &a);
        bool by_key = c->aki_keyid.len > 0 && tw_view_eq(a.ski, c->aki_keyid);
        if (by_key || related(c->issuer, a.subject)) {
            tw_dn_text(a.subject, buf, cap);
            return 2;
        }
    }
    snprintf(buf, cap, "%.*s", (int)(url.len < 400 ? url.len : 400), (const char *)url.data);
    return url.len > 0;
}

static void tell_hint(const struct builder *b, const struct teller *w, const struct tw_cert *c)
{
    char text[420];
    int64_t num = hint(b, c, text, sizeof text);
    tw_trace_add(w->t, (struct tw_fact){.kind = TW_FACT_FIELD, .conn = w->conn, .at = w->at,
                                        .from = TW_SERVER, .msg = 11 /* Certificate */,
                                        .field = "missing_issuer_hint", .num = num, .text = text});
}

static void tell_path(const struct builder *b, const struct teller *w)
{
    const struct path *p = &b->best;
    enum tw_path_problem list[MAX_PROBLEMS];
    char text[600];
    size_t told = 0;
    if (p->end != TW_PATH_OK) {
        const struct step *last = &p->steps[p->n - 1];
        detail(b, p->end, last->cert, text, sizeof text);
        tell(w, p->end, last->place, text);
        told++;
        if (p->end == TW_PATH_MISSING_ISSUER)
            tell_hint(b, w, last->cert);
    }
    for (size_t i = 0; i < p->n; i++) {
        size_t n = step_problems(b, p, i, list);
        for (size_t j = 0; j < n; j++, told++) {
            detail(b, list[j], p->steps[i].cert, text, sizeof text);
            tell(w, list[j], p->steps[i].place, text);
        }
    }
    if (told == 0)
        tell(w, TW_PATH_OK, 0, b->req->trust == NULL ? "" : tw_trust_label(b->req->trust));
    for (size_t i = 0; i < p->n; i++)
        tw_trace_add(w->t, (struct tw_fact){.kind = TW_FACT_PATH_CERT, .conn = w->conn, .at = w->at,
                                            .from = TW_SERVER, .msg = TW_NO_MSG, .num = (int64_t)i,
                                            .aux = p->steps[i].place < 0,
                                            .data = p->steps[i].cert->der});
}

enum tw_status tw_path_explain(const struct tw_path_request *req, struct tw_trace *t,
                               uint32_t conn, uint64_t at)
{
    struct teller w = {t, conn, at};
    struct builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return TW_E_NOMEM;
    b->req = req;
    for (size_t i = 0; i < req->certs_n && i < MAX_SENT; i++)
        tw_cert_parse(req->certs[i], &b->certs[b->certs_n++]);
    if (b->certs_n == 0) {
        tell(&w, TW_PATH_NO_CERTIFICATE, 0, tw_path_problem_text(TW_PATH_NO_CERTIFICATE));
    } else {
        step_to(b, &b->certs[0], 0);
        extend(b);
        if (b->best.end != TW_PATH_OK && (req->trust == NULL || tw_trust_count(req->trust) == 0))
            b->best.end = b->best.end == TW_PATH_SELF_SIGNED_LEAF ? b->best.end : TW_PATH_NO_ANCHORS;
        tell_path(b, &w);
    }
    free(b);
    return TW_OK;
}
