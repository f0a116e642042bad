/* Which widening flipped the outcome: shared by the causes about having nothing in common. */
#include "rules/rules_internal.h"

static const char *const singles[] = {"versions-wide", "versions-modern", "ciphers-wide",
                                      "ciphers-other-auth", "groups-wide", "sigalgs-wide",
                                      "alpn-absent", "sni-absent", "sni-host", "repeat"};

static bool any_single_passed(const struct tw_case *c)
{
    for (size_t i = 0; i < TW_ARRAY_LEN(singles); i++)
        if (tw_case_passed(c, singles[i]))
            return true;
    return false;
}

const struct tw_conn_view *tw_widened(const struct tw_case *c, const char *single)
{
    if (tw_case_passed(c, single))
        return tw_case_trial(c, single);
    if (tw_case_passed(c, "wide") && !any_single_passed(c))
        return tw_case_trial(c, "wide");
    return NULL;
}

bool tw_passes_as_versioned(const struct tw_case *c)
{
    static const char *const others[] = {"ciphers-wide", "ciphers-other-auth", "groups-wide",
                                         "sigalgs-wide", "groups-classical", "alpn-absent",
                                         "sni-absent", "sni-host", "repeat"};
    for (size_t i = 0; i < TW_ARRAY_LEN(others); i++)
        if (tw_case_passed(c, others[i]) &&
            !tw_outside_version(c, tw_case_trial(c, others[i])))
            return true;
    return false;
}

bool tw_outside_version(const struct tw_case *c, const struct tw_conn_view *v)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    if (!o.known || v == NULL || v->version == 0)
        return false;
    return v->version > o.max_version || v->version < o.min_version;
}

bool tw_outside_cipher(const struct tw_case *c, const struct tw_conn_view *v)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o.known && v != NULL && v->cipher != 0 && !tw_offered(&o.ciphers, v->cipher);
}

bool tw_outside_group(const struct tw_case *c, const struct tw_conn_view *v)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o.known && v != NULL && v->group != 0 && !tw_offered(&o.groups, v->group);
}

bool tw_outside_sigalg(const struct tw_case *c, const struct tw_conn_view *v)
{
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    return o.known && o.has_sigalgs && v != NULL && v->sigscheme != 0 &&
           !tw_offered(&o.sigalgs, v->sigscheme);
}

bool tw_nothing_passes(const struct tw_case *c)
{
    if (!tw_case_failed(c, "wide"))
        return false;
    for (size_t i = 0; i < c->conns_n; i++)
        if (&c->conns[i] != c->base && c->conns[i].recipe != NULL &&
            tw_case_passed(c, c->conns[i].recipe))
            return false;
    return true;
}
