/*
 * Certificate Transparency. x509/ has verified and counted the timestamps into SCT and CT facts.
 * Only browsers ask for them, and only of certificates from CAs that the public trusts.
 */
#include "rules/rules_internal.h"

#include "x509/ct.h"

static const struct tw_fact *failed_policy(const struct tw_case *c, uint32_t conn,
                                           const struct tw_fact *after)
{
    const struct tw_fact *f = after;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_CT, NULL)) != NULL)
        if (f->num == 0)
            return f;
    return NULL;
}

static size_t cite_timestamps(const struct tw_case *c, uint32_t conn, struct tw_finding *f)
{
    const struct tw_fact *x = NULL;
    size_t n = 0;
    while ((x = tw_trace_next(c->trace, x, conn, TW_FACT_SCT, NULL)) != NULL) {
        char when[32], source[64];
        snprintf(source, sizeof source, "trial %u, %s", conn, x->field);
        if (n++ < 5)
            tw_finding_cite(f, "timestamp", source, "%s; %s; %s",
                            tw_time_text(x->aux / 1000, when, sizeof when),
                            x->text == NULL ? "" : x->text,
                            tw_sct_state_name((enum tw_sct_state)x->num));
    }
    return n;
}

/*
 * Policies of the CA/Browser Forum (2.23.140.1.x), which every certificate of a public CA names
 * (Baseline Requirements 7.1.2.7.9): a root in the system's store may be a private one.
 */
static bool says_public(const struct tw_case *c, uint32_t conn)
{
    static const char forum[] = "\x67\x81\x0c\x01";
    const struct tw_fact *f = NULL;
    struct tw_cert leaf;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && f->num == 0) {
            tw_cert_parse(f->data, &leaf);
            return leaf.policies.len > 0 && memmem(leaf.policies.data, leaf.policies.len, forum,
                                                   sizeof forum - 1) != NULL;
        }
    return false;
}

/* The user gave a log list and so asked for the judgement; or the CA is a public one, as far as the
 * certificate and the store tell. A private CA's certificates need no timestamps. */
static bool asked_for(const struct tw_case *c, uint32_t conn, bool *logs)
{
    const struct tw_fact *path = tw_trace_first(c->trace, conn, TW_FACT_PATH, "ok");
    *logs = tw_trace_setting(c->trace, "ct_log_list") != NULL;
    return *logs || (path != NULL && tw_trace_setting_num(c->trace, "own_ca", 0) == 0 &&
                     says_public(c, conn));
}

static bool match_missing(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = c->base == NULL ? 0 : c->base->conn;
    const struct tw_fact *x = conn == 0 ? NULL : failed_policy(c, conn, NULL), *first = x;
    bool logs;
    if (x == NULL || !asked_for(c, conn, &logs))
        return false;
    f->certainty = logs ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "certificate";
    f->next = !logs;
    size_t n = cite_timestamps(c, conn, f);
    if (n == 0)
        tw_finding_cite(f, "timestamps", "our check", "none in the certificate, the staple or the TLS "
                                               "extension");
    for (; x != NULL; x = failed_policy(c, conn, x))
        tw_finding_cite(f, x->field, x->source == NULL ? "policy" : x->source, "%s (%lld of %llu)", x->text == NULL ? "" : x->text,
                        (long long)x->aux, (unsigned long long)x->off);
    if (logs)
        tw_finding_cite(f, "log list", "settings", "%s", tw_trace_setting(c->trace, "ct_log_list"));
    else
        tw_finding_not(f, "untrusted-private-ca", "not excluded: browsers ask for timestamps only "
                                                  "below roots that are public");
    tw_finding_summary(f, "The server's certificate does not satisfy the Certificate Transparency "
                          "policy of %s: %s (%lld of %llu).", first->field,
                       first->text == NULL ? "" : first->text, (long long)first->aux,
                       (unsigned long long)first->off);
    return true;
}

const struct tw_rule tw_rule_ct_missing = {
    .id = "ct-missing",
    .title = "The certificate lacks Certificate Transparency timestamps",
    .category = "certificate",
    .side = TW_CA,
    .explain = "Chrome, Safari and Firefox accept a public CA's certificate only when several "
               "public logs have signed for it. The certificate was issued without, or too few of "
               "its logs are still trusted. Command-line clients do not look.",
    .evidence = "Too few valid timestamps of different logs and operators came in the certificate, "
                "the OCSP staple and the TLS extension together.",
    .fix = {{"CA", "Have the certificate re-issued; public CAs embed timestamps by default.", NULL},
            {"server", "Or deliver timestamps by the TLS extension.",
             "# Apache\nCTAuditStorage /var/lib/ct   # mod_ssl_ct"},
            {"private CA", "A root that only you install needs none. In managed Chrome a public "
                           "root's branch can be exempted by policy.",
             "CertificateTransparencyEnforcementDisabledForCas"}},
    .lookalikes = {{"untrusted-private-ca", "the root is not public: no timestamps are needed"},
                   {"ca-distrusted", "the browser refuses the CA itself"}},
    .refs = {"RFC 6962 §3.3", "https://googlechrome.github.io/CertificateTransparency/ct_policy.html",
             "https://support.apple.com/en-us/103214"},
    .match = match_missing,
};
