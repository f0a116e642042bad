/*
 * Judges many certificate paths in one process: one JSON object a line on stdin, one on stdout.
 *
 * In:  {"id", "leaf": PEM, "chain": [PEM], "roots": [PEM], "crls": [PEM], "time": unix, "name",
 *       "purpose": server|client|any|timestamp|code, "policy": rfc5280|strict|webpki, "level": 0..5,
 *       "max_depth": n, "no_backtrack", "no_partial", "no_direct",
 *       "sha1_ok", "cn_ok", "any_usage",
 *       "allow_proxy", "crl_all",
 *       "explicit_policy", "inhibit_mapping", "inhibit_any": bool, "policies": [dotted],
 *       "emails": [text]}; all but leaf and time may be left out.
 * Out: {"id", "verdict": accept|reject, "problems": [{"problem", "lint", "step", "text"}],
 *       "signatures": n, "us": microseconds}
 */
#include "x509/x509.h"

#include <jansson.h>
#include <time.h>

enum { MAX_LIST = 200, MAX_DER = 8 << 20 };

struct list {
    struct tw_buf der;
    size_t at[MAX_LIST + 1];
    struct tw_view views[MAX_LIST];
    size_t n;
};

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s == NULL ? "" : s;
}

static bool flag(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static void add_certs(struct list *l, const char *pem)
{
    size_t pos = 0, damaged = 0;
    while (l->n < MAX_LIST && tw_pem_next_cert(tw_view_str(pem), &pos, &l->der, &damaged))
        l->at[++l->n] = l->der.len;
}

static void add_crls(struct list *l, const char *pem)
{
    size_t pos = 0, damaged = 0;
    while (l->n < MAX_LIST && tw_pem_next(tw_view_str(pem), &pos, "X509 CRL", &l->der, &damaged))
        l->at[++l->n] = l->der.len;
}

static void finish(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->views[i] = tw_view_of(l->der.data + l->at[i], l->at[i + 1] - l->at[i]);
}

/* "1.2.840..." to DER contents. */
static struct tw_view oid_of(const char *dotted, uint8_t *out, size_t cap)
{
    size_t n = 0, arc = 0;
    unsigned long first = 0;
    for (const char *s = dotted; *s != '\0' && n + 6 < cap; arc++) {
        char *end;
        unsigned long v = strtoul(s, &end, 10);
        s = *end == '.' ? end + 1 : end;
        if (arc == 0) {
            first = v;
            continue;
        }
        if (arc == 1)
            v += first * 40;
        uint8_t tmp[6];
        size_t k = 0;
        do
            tmp[k++] = (uint8_t)(v & 0x7f);
        while ((v >>= 7) > 0 && k < sizeof tmp);
        while (k-- > 0)
            out[n++] = (uint8_t)(tmp[k] | (k > 0 ? 0x80 : 0));
    }
    return tw_view_of(out, n);
}

static enum tw_purpose purpose_of(const char *s)
{
    static const char *const names[] = {"server", "client", "any", "timestamp", "code"};
    for (size_t i = 0; i < TW_ARRAY_LEN(names); i++)
        if (strcmp(names[i], s) == 0)
            return (enum tw_purpose)i;
    return TW_PURPOSE_ANY;
}

static json_t *result(const json_t *in, const struct tw_paths *p, double us)
{
    json_t *o = json_object(), *list = json_array();
    const struct tw_path *best = p->n == 0 ? NULL : &p->kept[0];
    for (size_t i = 0; best != NULL && i < best->faults_n; i++) {
        const struct tw_path_fault *f = &best->faults[i];
        json_array_append_new(list, json_pack("{s:s, s:s?, s:i, s:s?}", "problem",
                                              tw_path_problem_name(f->problem), "lint", f->lint,
                                              "step", f->step, "text", f->text));
    }
    json_object_set(o, "id", json_object_get(in, "id"));
    bool good = best != NULL && best->faults_n == 0;
    json_object_set_new(o, "verdict", json_string(good ? "accept" : "reject"));
    json_object_set_new(o, "problems", list);
    json_object_set_new(o, "signatures", json_integer(p->signatures));
    json_object_set_new(o, "us", json_real(us));
    return o;
}

static void each(const json_t *in, const char *key, struct list *l,
                 void (*add)(struct list *, const char *))
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(in, key), i, v)
        add(l, json_string_value(v));
    finish(l);
}

static void fill(const json_t *in, struct tw_path_request *req)
{
    const char *policy = text(in, "policy");
    req->wall_time = json_integer_value(json_object_get(in, "time"));
    req->name = text(in, "name");
    req->purpose = purpose_of(text(in, "purpose"));
    req->policy = strcmp(policy, "webpki") == 0   ? TW_POLICY_WEBPKI
                  : strcmp(policy, "strict") == 0 ? TW_POLICY_STRICT
                                                  : TW_POLICY_RFC5280;
    if (json_is_integer(json_object_get(in, "level")))
        req->level = 1 + (unsigned)json_integer_value(json_object_get(in, "level"));
    if (json_is_integer(json_object_get(in, "max_depth")))
        req->max_depth = 1 + (unsigned)json_integer_value(json_object_get(in, "max_depth"));
    req->no_partial = flag(in, "no_partial");
    req->no_backtrack = flag(in, "no_backtrack");
    req->no_direct = flag(in, "no_direct");
    req->sha1_ok = flag(in, "sha1_ok");
    req->cn_ok = flag(in, "cn_ok");
    req->any_usage = flag(in, "any_usage");
    req->allow_proxy = flag(in, "allow_proxy");
    req->crl_all = flag(in, "crl_all");
    req->explicit_policy = flag(in, "explicit_policy");
    req->inhibit_mapping = flag(in, "inhibit_mapping");
    req->inhibit_any = flag(in, "inhibit_any");
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct lists {
    struct list certs, crls;
    uint8_t oids[16][64];
    struct tw_view policies[16];
    const char *emails[16];
};

static void judge(struct tw_crypto *crypto, const json_t *in, struct lists *l)
{
    struct tw_path_request req = {.crypto = crypto, .certs = l->certs.views, .crls = l->crls.views};
    struct tw_arena *arena = tw_arena_new(64 << 20);
    struct tw_paths *p = NULL;
    size_t i, damaged = 0;
    json_t *v;
    fill(in, &req);
    req.trust = tw_trust_new("the roots given");
    json_array_foreach(json_object_get(in, "roots"), i, v)
        tw_trust_add(req.trust, tw_view_str(json_string_value(v)), &damaged);
    add_certs(&l->certs, text(in, "leaf"));
    each(in, "chain", &l->certs, add_certs);
    each(in, "crls", &l->crls, add_crls);
    req.certs_n = l->certs.n;
    req.crls_n = l->crls.n;
    json_array_foreach(json_object_get(in, "policies"), i, v)
        if (i < 16)
            l->policies[req.policies_n++] = oid_of(json_string_value(v), l->oids[i], 64);
    req.policies = l->policies;
    json_array_foreach(json_object_get(in, "emails"), i, v)
        if (i < 16)
            l->emails[req.emails_n++] = json_string_value(v);
    req.emails = l->emails;
    double start = now_us();
    if (tw_path_find(&req, arena, &p) != TW_OK)
        abort();
    json_t *out = result(in, p, now_us() - start);
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    tw_trust_free(req.trust);
    tw_arena_free(arena);
}

int main(void)
{
    struct tw_crypto *crypto = tw_crypto_new();
    char *line = NULL;
    size_t cap = 0;
    if (crypto == NULL)
        return 1;
    while (getline(&line, &cap, stdin) > 0) {
        json_error_t e;
        json_t *in = json_loads(line, 0, &e);
        struct lists *l = calloc(1, sizeof *l);
        if (in == NULL || l == NULL)
            return 2;
        tw_buf_init(&l->certs.der, MAX_DER);
        tw_buf_init(&l->crls.der, MAX_DER);
        judge(crypto, in, l);
        tw_buf_cleanup(&l->certs.der);
        tw_buf_cleanup(&l->crls.der);
        free(l);
        json_decref(in);
    }
    free(line);
    tw_crypto_free(crypto);
    return 0;
}
