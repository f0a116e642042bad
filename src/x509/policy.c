/*
 * Certificate policies (RFC 5280 6.1.2 to 6.1.5), in the way of RFC 9618: no tree, which grows
 * without bound, but for each policy that is valid now the set of policies in the words of the
 * trust anchor that it stands for. Sets are bits of a table of all policies met in the path.
 */
#include "x509/path_internal.h"

#define ANY_POLICY "\x55\x1d\x20\x00"
enum { MAX_POLICIES = 64 };

struct state {
    struct tw_view oids[MAX_POLICIES]; size_t oids_n;
    uint64_t roots[MAX_POLICIES];  /* per policy: what it stands for; 0 = not valid now */
    bool any;                      /* anyPolicy is valid: everything is */
    bool full;                     /* the table is */
    unsigned explicit_policy, mapping, inhibit_any;
};

static bool is_any(struct tw_view oid)
{
    return tw_view_eq(oid, tw_view_of(ANY_POLICY, 4));
}

static size_t index_of(struct state *s, struct tw_view oid)
{
    for (size_t i = 0; i < s->oids_n; i++)
        if (tw_view_eq(s->oids[i], oid))
            return i;
    if (s->oids_n == MAX_POLICIES) {
        s->full = true;
        return 0;
    }
    s->oids[s->oids_n] = oid;
    return s->oids_n++;
}

static uint64_t bit(size_t i)
{
    return UINT64_C(1) << i;
}

static bool is_null(const struct state *s)
{
    bool valid = s->any;
    for (size_t i = 0; i < s->oids_n; i++)
        valid = valid || s->roots[i] != 0;
    return !valid;
}

static void clear(struct state *s)
{
    memset(s->roots, 0, sizeof s->roots);
    s->any = false;
}

/* 6.1.3 (d): the certificate's policies against what is expected. */
static void take_policies(struct state *s, const struct tw_cert *c, bool any_counts)
{
    uint64_t next[MAX_POLICIES] = {0};
    struct tw_view oid;
    size_t pos = 0;
    bool has_any = false;
    while (tw_cert_policy_next(c, &pos, &oid, NULL)) {
        if (is_any(oid)) {
            has_any = true;
            continue;
        }
        size_t i = index_of(s, oid);
        if (s->roots[i] != 0)
            next[i] = s->roots[i];
        else if (s->any)
            next[i] = bit(i);
    }
    for (size_t i = 0; has_any && any_counts && i < s->oids_n; i++)
        if (next[i] == 0)
            next[i] = s->roots[i];
    memcpy(s->roots, next, sizeof next);
    s->any = s->any && has_any && any_counts;
}

static bool next_mapping(struct tw_reader *list, struct tw_view *issuer, struct tw_view *subject)
{
    if (!tw_rd_more(list))
        return false;
    struct tw_reader m = der_next(list, DER_SEQ, "PolicyMapping");
    *issuer = der_bytes(&m, DER_OID, "issuerDomainPolicy");
    *subject = der_bytes(&m, DER_OID, "subjectDomainPolicy");
    return tw_rd_ok(&m) && tw_rd_ok(list);
}

/* 6.1.4 (a), (b). false when anyPolicy is mapped. */
static bool map_policies(struct state *s, const struct tw_cert *c)
{
    uint64_t mapped[MAX_POLICIES] = {0};
    bool gone[MAX_POLICIES] = {false};
    struct tw_reader list = der_open(c->policy_mappings, DER_SEQ, "policyMappings");
    struct tw_view from, to;
    while (c->policy_mappings.len > 0 && next_mapping(&list, &from, &to)) {
        if (is_any(from) || is_any(to))
            return false;
        size_t i = index_of(s, from), j = index_of(s, to);
        gone[i] = true;
        if (s->mapping == 0)
            continue;
        mapped[j] |= s->roots[i] != 0 ? s->roots[i] : s->any ? bit(i) : 0;
    }
    for (size_t i = 0; i < s->oids_n; i++)
        s->roots[i] = (gone[i] ? 0 : s->roots[i]) | mapped[i];
    return true;
}

static void lower(unsigned *n, int to)
{
    if (to >= 0 && (unsigned)to < *n)
        *n = (unsigned)to;
}

static void count_down(struct state *s)
{
    s->explicit_policy -= s->explicit_policy > 0;
    s->mapping -= s->mapping > 0;
    s->inhibit_any -= s->inhibit_any > 0;
}

/* 6.1.4 (h) to (j) */
static void prepare_next(struct state *s, const struct tw_cert *c)
{
    if (!c->self_issued)
        count_down(s);
    lower(&s->explicit_policy, c->require_explicit);
    lower(&s->mapping, c->inhibit_mapping);
    lower(&s->inhibit_any, c->inhibit_any);
}

/* 6.1.5 (g): does anything that is valid stand for a policy the user wants? */
static bool wanted(struct state *s, const struct tw_path_request *req)
{
    if (is_null(s))
        return false;
    if (req->policies_n == 0 || s->any)
        return true;
    uint64_t valid = 0;
    for (size_t i = 0; i < s->oids_n; i++)
        valid |= s->roots[i];
    for (size_t i = 0; i < req->policies_n; i++) {
        if (is_any(req->policies[i]))
            return true;
        for (size_t j = 0; j < s->oids_n; j++)
            if ((valid & bit(j)) && tw_view_eq(s->oids[j], req->policies[i]))
                return true;
    }
    return false;
}

static bool no_policy_fault(struct builder *b, struct tw_path *p, int step, const char *why)
{
    char name[160];
    path_fault(b, p, TW_PATH_POLICY, step, "RFC 5280 6.1.3",
               "%s: %s", cert_words(p->steps[step].cert, name, sizeof name), why);
    return false;
}

/* RFC 5280 4.2.1.4: no policy twice; what is meant then is anybody's guess. */
static bool policy_twice(const struct tw_cert *c)
{
    struct tw_view a, b;
    size_t pos = 0;
    for (size_t n = 0; n < MAX_POLICIES && tw_cert_policy_next(c, &pos, &a, NULL); n++) {
        size_t rest = pos;
        while (tw_cert_policy_next(c, &rest, &b, NULL))
            if (tw_view_eq(a, b))
                return true;
    }
    return false;
}

/* One certificate of the path; last: it is the leaf. false when the path has failed. */
static bool process(struct builder *b, struct tw_path *p, struct state *s, size_t i)
{
    const struct tw_cert *c = p->steps[i].cert;
    bool last = i == 0;
    if (c->policies.len > 0 && policy_twice(c))
        return no_policy_fault(b, p, (int)i, "holds the same policy twice");
    if (c->policies.len == 0)
        clear(s);
    else
        take_policies(s, c, s->inhibit_any > 0 || (!last && c->self_issued));
    if (s->explicit_policy == 0 && is_null(s))
        return no_policy_fault(b, p, (int)i, "a policy is required, none is valid from here on");
    if (last)
        return true;
    if (!map_policies(s, c))
        return no_policy_fault(b, p, (int)i, "maps anyPolicy, which RFC 5280 4.2.1.5 forbids");
    prepare_next(s, c);
    return true;
}

void path_check_policies(struct builder *b, struct tw_path *p)
{
    const struct tw_path_request *req = b->req;
    unsigned n = (unsigned)p->n - 1; /* without the anchor */
    struct state s = {.any = true};
    if (!p->anchored || n == 0)
        return;
    bool used = req->explicit_policy || req->policies_n > 0;
    for (size_t i = 0; i < n; i++)
        used = used || p->steps[i].cert->require_explicit >= 0 ||
               p->steps[i].cert->policy_mappings.len > 0;
    if (!used)
        return; /* policies can only fail a path where one is asked for */
    s.explicit_policy = req->explicit_policy ? 0 : n + 1;
    s.mapping = req->inhibit_mapping ? 0 : n + 1;
    s.inhibit_any = req->inhibit_any ? 0 : n + 1;
    for (size_t i = n; i-- > 0;)
        if (!process(b, p, &s, i))
            return;
    s.explicit_policy -= s.explicit_policy > 0;
    if (p->steps[0].cert->require_explicit == 0)
        s.explicit_policy = 0;
    if (s.full)
        path_fault(b, p, TW_PATH_LIMIT, -1, NULL, "more than %d different policies", MAX_POLICIES);
    else if (s.explicit_policy == 0 && !wanted(&s, req))
        no_policy_fault(b, p, 0, "none of the policies asked for is valid for the whole path");
}
