/* The result of path finding as facts of a trace. */
#include "x509/path_internal.h"

#include <strings.h>

enum { ARENA_MAX = 32 << 20 };

struct teller {
    struct tw_trace *t;
    uint32_t conn;
    uint64_t at;
};

static struct tw_fact fact(const struct teller *w, enum tw_fact_kind kind)
{
    return (struct tw_fact){.kind = kind, .conn = w->conn, .at = w->at, .from = TW_SERVER,
                            .msg = TW_NO_MSG};
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

static int64_t hint(const struct tw_path_request *req, const struct tw_cert *c, char *buf, size_t cap)
{
    struct tw_view der, url = tw_cert_aia(c, false);
    char cn[200];
    tw_dn_attr(c->issuer, "CN", cn, sizeof cn);
    bool says_root = word_in(cn, "root", 4) && url.len == 0;
    for (size_t i = 0; req->trust != NULL && !says_root && tw_trust_at(req->trust, i, &der);
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

static void tell_hint(const struct tw_path_request *req, const struct teller *w,
                      const struct tw_cert *c)
{
    char text[420];
    struct tw_fact f = fact(w, TW_FACT_FIELD);
    f.msg = 11; /* Certificate */
    f.field = "missing_issuer_hint";
    f.num = hint(req, c, text, sizeof text);
    f.text = text;
    tw_trace_add(w->t, f);
}

/* ---- paths ------------------------------------------------------------------------------------------- */

static void tell_fault(const struct teller *w, enum tw_fact_kind kind, const struct tw_path *p,
                       size_t index, const struct tw_path_fault *x)
{
    struct tw_fact f = fact(w, kind);
    f.field = tw_path_problem_name(x->problem);
    f.num = (int64_t)x->problem;
    f.aux = 0;
    if (x->step >= 0)
        f.aux = p->steps[x->step].origin == TW_STEP_SENT ? p->steps[x->step].place : -1;
    f.off = index;
    f.len = x->step < 0 ? 0 : (uint64_t)x->step;
    f.text = x->text;
    f.source = x->source;
    f.data = tw_view_str(x->lint);
    tw_trace_add(w->t, f);
}

static void tell_certs(const struct teller *w, enum tw_fact_kind kind, const struct tw_path *p,
                       size_t index)
{
    for (size_t i = 0; i < p->n; i++) {
        struct tw_fact f = fact(w, kind);
        f.num = (int64_t)i;
        f.aux = p->steps[i].origin == TW_STEP_STORE ? 1 : p->steps[i].origin == TW_STEP_EXTRA ? 2 : 0;
        f.off = index;
        f.data = p->steps[i].cert->der;
        tw_trace_add(w->t, f);
    }
}

static void tell_ok(const struct tw_path_request *req, const struct teller *w)
{
    struct tw_fact f = fact(w, TW_FACT_PATH);
    f.field = tw_path_problem_name(TW_PATH_OK);
    f.text = req->trust == NULL ? "" : tw_trust_label(req->trust);
    tw_trace_add(w->t, f);
}

static void tell_best(const struct tw_path_request *req, const struct teller *w,
                      const struct tw_path *p)
{
    for (size_t i = 0; i < p->faults_n; i++) {
        tell_fault(w, TW_FACT_PATH, p, 0, &p->faults[i]);
        if (p->faults[i].problem == TW_PATH_MISSING_ISSUER)
            tell_hint(req, w, p->steps[p->faults[i].step].cert);
    }
    if (p->faults_n == 0)
        tell_ok(req, w);
    tell_certs(w, TW_FACT_PATH_CERT, p, 0);
    for (size_t i = 0; i < p->advice_n; i++)
        tell_fault(w, TW_FACT_PATH_ADVICE, p, 0, &p->advice[i]);
}

static void tell_other(const struct teller *w, const struct tw_path *p, size_t index)
{
    for (size_t i = 0; i < p->faults_n; i++)
        tell_fault(w, TW_FACT_ALT_PATH, p, index, &p->faults[i]);
    tell_certs(w, TW_FACT_ALT_PATH_CERT, p, index);
}

static void tell_notes(const struct teller *w, const struct tw_paths *o)
{
    for (size_t i = 0; i < o->notes_n; i++) {
        struct tw_fact f = fact(w, TW_FACT_CHAIN);
        f.field = tw_chain_note_name(o->notes[i].kind);
        f.num = (int64_t)o->notes[i].kind;
        f.aux = o->notes[i].place;
        f.text = o->notes[i].text;
        tw_trace_add(w->t, f);
    }
}

void tw_path_tell(const struct tw_path_request *req, const struct tw_paths *o, struct tw_trace *t,
                  uint32_t conn, uint64_t at)
{
    struct teller w = {t, conn, at};
    if (o->n == 0) {
        struct tw_fact f = fact(&w, TW_FACT_PATH);
        f.field = tw_path_problem_name(TW_PATH_NO_CERTIFICATE);
        f.num = TW_PATH_NO_CERTIFICATE;
        f.text = tw_path_problem_text(TW_PATH_NO_CERTIFICATE);
        tw_trace_add(t, f);
        return;
    }
    tell_best(req, &w, &o->kept[0]);
    for (size_t i = 1; i < o->n; i++)
        tell_other(&w, &o->kept[i], i);
    tell_notes(&w, o);
}

enum tw_status tw_path_explain(const struct tw_path_request *req, struct tw_trace *t,
                               uint32_t conn, uint64_t at)
{
    struct tw_arena *arena = tw_arena_new(ARENA_MAX);
    struct tw_paths *o = NULL;
    enum tw_status st = arena == NULL ? TW_E_NOMEM : tw_path_find(req, arena, &o);
    if (st == TW_OK)
        tw_path_tell(req, o, t, conn, at);
    tw_arena_free(arena);
    return st;
}

bool tw_trace_write_chain(const struct tw_trace *t, struct tw_buf *pem)
{
    static const enum tw_path_problem open_ended[] = {
        TW_PATH_NO_CERTIFICATE, TW_PATH_SELF_SIGNED_LEAF, TW_PATH_UNKNOWN_ROOT,
        TW_PATH_MISSING_ISSUER, TW_PATH_NO_ANCHORS};
    const struct tw_fact *f = tw_trace_first(t, 0, TW_FACT_PATH, NULL), *x = NULL;
    uint32_t conn = f == NULL ? 0 : f->conn;
    if (conn == 0)
        return false;
    while ((x = tw_trace_next(t, x, conn, TW_FACT_PATH, NULL)) != NULL)
        for (size_t i = 0; i < TW_ARRAY_LEN(open_ended); i++)
            if (x->num == (int64_t)open_ended[i])
                return false;
    const struct tw_fact *last = tw_trace_last(t, conn, TW_FACT_PATH_CERT, NULL);
    while ((x = tw_trace_next(t, x, conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        if ((x != last || x->num == 0) && tw_pem_write_cert(x->data, pem) != TW_OK)
            return false;
    return last != NULL;
}
