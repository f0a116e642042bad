/*
 * What Chrome and Apple ask of a certificate's timestamps. The figures are data with source and
 * date; the counting is the same for both.
 */
#include "x509/ct.h"

static const struct tw_ct_policy policies[] = {
    {.browser = "Chrome",
     .source = "https://googlechrome.github.io/CertificateTransparency/ct_policy.html",
     .date = "2025-11", .short_days = 180, .embedded_short = 2, .embedded_long = 3, .delivered = 2,
     .operators = 2, .rfc6962 = true},
    {.browser = "Apple", .source = "https://support.apple.com/en-us/103214", .date = "2025-11",
     .short_days = 180, .embedded_short = 2, .embedded_long = 3, .delivered = 2,
     .delivered_mixed = true,
     .per_operator_short = 1, .per_operator_long = 2, .rfc6962 = true},
};

const struct tw_ct_policy *tw_ct_policy_at(size_t i)
{
    return i < TW_ARRAY_LEN(policies) ? &policies[i] : NULL;
}

/* A log whose new timestamps count today. */
static bool is_current(const struct tw_sct_seen *s)
{
    return s->log == NULL || s->log->state == TW_LOG_QUALIFIED || s->log->state == TW_LOG_USABLE ||
           s->log->state == TW_LOG_READONLY;
}

/* Or one that was trusted when it made the timestamp, and was retired later. */
static bool was_current(const struct tw_sct_seen *s)
{
    return is_current(s) || (s->log->state == TW_LOG_RETIRED &&
                             (int64_t)(s->sct.timestamp / 1000) < s->log->state_since);
}

static bool same_log(const struct tw_sct_seen *a, const struct tw_sct_seen *b)
{
    return tw_view_eq(a->sct.log_id, b->sct.log_id);
}

static bool same_operator(const struct tw_sct_seen *a, const struct tw_sct_seen *b)
{
    return a->log != NULL && b->log != NULL && strcmp(a->log->operator_, b->log->operator_) == 0;
}

struct tally {
    const struct tw_sct_seen *picked[TW_SCT_MAX];
    size_t n;
    unsigned operators, current;
    bool rfc6962;
};

/* Takes a timestamp in unless its log is in already, or its operator has had its share. */
static void take(struct tally *t, const struct tw_sct_seen *s, unsigned per_operator)
{
    unsigned of_operator = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (same_log(t->picked[i], s))
            return;
        of_operator += same_operator(t->picked[i], s);
    }
    if (t->n == TW_SCT_MAX || (per_operator > 0 && of_operator >= per_operator))
        return;
    t->picked[t->n++] = s;
    t->operators += of_operator == 0;
    t->current += is_current(s);
    t->rfc6962 = t->rfc6962 || s->log == NULL || !s->log->tiled;
}

static bool counts(const struct tw_sct_seen *s)
{
    return s->state == TW_SCT_VALID || s->state == TW_SCT_UNCHECKED;
}

static struct tally embedded_of(const struct tw_sct_seen *scts, size_t n, unsigned per_operator)
{
    struct tally t = {.n = 0};
    for (size_t i = 0; i < n; i++) /* those that count today first: one of them must */
        if (counts(&scts[i]) && scts[i].source == TW_SCT_EMBEDDED && is_current(&scts[i]))
            take(&t, &scts[i], per_operator);
    for (size_t i = 0; i < n; i++)
        if (counts(&scts[i]) && scts[i].source == TW_SCT_EMBEDDED && was_current(&scts[i]))
            take(&t, &scts[i], per_operator);
    return t;
}

static struct tally delivered_of(const struct tw_sct_seen *scts, size_t n, bool mixed)
{
    struct tally t = {.n = 0};
    for (size_t i = 0; i < n; i++)
        if (counts(&scts[i]) && scts[i].source != TW_SCT_EMBEDDED && is_current(&scts[i]))
            take(&t, &scts[i], 0);
    for (size_t i = 0; mixed && t.n > 0 && i < n; i++)
        if (counts(&scts[i]) && scts[i].source == TW_SCT_EMBEDDED && is_current(&scts[i]))
            take(&t, &scts[i], 0);
    return t;
}

static const char *embedded_missing(const struct tw_ct_policy *p, const struct tally *t,
                                    unsigned needed)
{
    if (t->n < needed)
        return p->per_operator_short > 0 ? "too few timestamps of different logs and operators"
                                         : "too few timestamps of different logs";
    if (t->operators < p->operators)
        return "all timestamps are of one operator's logs";
    if (t->current == 0)
        return "no timestamp is of a log that is trusted today";
    return p->rfc6962 && !t->rfc6962 ? "no timestamp is of a log with the API of RFC 6962" : NULL;
}

void tw_ct_judge(const struct tw_ct_policy *p, const struct tw_cert *cert,
                 const struct tw_sct_seen *scts, size_t n, struct tw_ct_verdict *out)
{
    /* A lifetime counts both its first and its last second (RFC 5280 4.1.2.5); any part of a day
     * is a day. */
    int64_t days = (cert->not_after - cert->not_before + 1 + 86399) / 86400;
    bool longer = days > p->short_days;
    *out = (struct tw_ct_verdict){.needed = longer ? p->embedded_long : p->embedded_short};
    struct tally in = embedded_of(scts, n, longer ? p->per_operator_long : p->per_operator_short);
    struct tally by = delivered_of(scts, n, p->delivered_mixed);
    out->counted = (unsigned)in.n;
    out->operators = in.operators;
    out->missing = embedded_missing(p, &in, out->needed);
    bool delivered = by.n >= p->delivered && by.operators >= p->operators &&
                     (!p->rfc6962 || by.rfc6962);
    if (delivered)
        out->missing = NULL;
    out->satisfied = out->missing == NULL;
}
