/* Causes about the form of names: what fits almost, and why it does not. */
#include "rules/cert_facts.h"

static bool match_form(const struct tw_case *c, struct tw_finding *f, enum tw_path_problem p,
                       const char *summary)
{
    const struct tw_fact *path = cert_problem(c, p, TW_ANY_PLACE);
    struct cert_subject s;
    char nearest[256] = "";
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    const char *name = tw_trace_setting(c->trace, "verify_name");
    name = name == NULL ? "" : name;
    tw_cert_name_match(&s.cert, name, nearest, sizeof nearest);
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "asked for", "settings", "%s", name);
    tw_finding_fact(f, "names in the certificate", path);
    if (nearest[0] != '\0')
        tw_finding_cite(f, "nearest name in it", s.source, "%s", nearest);
    tw_finding_summary(f, summary, nearest, name);
    return true;
}

/* ---- wildcard-depth ----------------------------------------------------------------------------------- */

static bool match_wildcard(const struct tw_case *c, struct tw_finding *f)
{
    if (!match_form(c, f, TW_PATH_NAME_WILDCARD,
                    "The certificate's wildcard %s does not cover %s: it stands for exactly one label."))
        return false;
    tw_finding_not(f, "name-mismatch", "a wildcard of the same domain is there");
    return true;
}

const struct tw_rule tw_rule_wildcard_depth = {
    .id = "wildcard-depth",
    .title = "The wildcard does not reach that deep",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "*.example.org stands for one label: www.example.org, but neither a.b.example.org nor "
               "example.org itself.",
    .evidence = "A wildcard of the right domain, and a name with more or fewer labels.",
    .fix = {{"certbot", "Add the exact names, or a wildcard for the level below.",
             "certbot -d '*.example.org' -d example.org -d '*.b.example.org'"},
            {"client", "Use a name that the wildcard covers.", NULL}},
    .lookalikes = {{"name-mismatch", "no name of that domain is in it"},
                   {"cdn-edge-no-cert-for-name", "an alert instead of a certificate"}},
    .refs = {"RFC 9525 §6.3"},
    .match = match_wildcard,
};

/* ---- name-ip-address ------------------------------------------------------------------------------------ */

static bool match_ip(const struct tw_case *c, struct tw_finding *f)
{
    return match_form(c, f, TW_PATH_NAME_IP,
                      "The certificate (%s) does not name the IP address %s.");
}

const struct tw_rule tw_rule_name_ip_address = {
    .id = "name-ip-address",
    .title = "Asked for by IP address, which is not in the certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "An IP address is compared with the iPAddress entries of subjectAltName only, never "
               "with host names, and most certificates have none.",
    .evidence = "The reference is an IP address and no iPAddress entry equals it.",
    .fix = {{"client", "Use the host name.", NULL},
            {"private CA", "Issue with the address.", "subjectAltName = DNS:host, IP:10.0.0.1"}},
    .lookalikes = {{"name-mismatch", "a host name was asked for"},
                   {"sni-required", "without a name the server picks another certificate"}},
    .refs = {"RFC 9525 §6.5", "RFC 5280 §4.2.1.6"},
    .match = match_ip,
};

/* ---- san-missing ------------------------------------------------------------------------------------------- */

static bool match_no_san(const struct tw_case *c, struct tw_finding *f)
{
    if (match_form(c, f, TW_PATH_NAME_NO_SAN,
                   "The certificate has the name only in its subject's CN (%s), where clients no longer "
                   "look for %s."))
        return true;
    return cert_match_problem(c, f, cert_lint(c, "san_missing"), "There is no subjectAltName");
}

const struct tw_rule tw_rule_san_missing = {
    .id = "san-missing",
    .title = "The name is only in the CN, not in subjectAltName",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Names are read from subjectAltName. Browsers, Go, rustls and macOS ignore the subject's "
               "CN; OpenSSL and GnuTLS still fall back to it, so the same certificate works for some.",
    .evidence = "The CN fits the name, and subjectAltName has no host name.",
    .fix = {{"private CA", "Issue again with the name in subjectAltName.",
             "openssl req -addext 'subjectAltName=DNS:host.example.org' ..."}},
    .lookalikes = {{"name-mismatch", "there is a subjectAltName, without the name"}},
    .refs = {"RFC 9525 §2", "RFC 2818 §3.1"},
    .match = match_no_san,
};

/* ---- name-form-unusual ---------------------------------------------------------------------------------------- */

/* It worked here, but the name has an underscore, which some clients refuse. */
static bool match_underscore(const struct tw_case *c, struct tw_finding *f)
{
    const char *name = tw_trace_setting(c->trace, "verify_name");
    const struct tw_fact *ok = cert_problem(c, TW_PATH_OK, TW_ANY_PLACE);
    if (ok == NULL || name == NULL || strchr(name, '_') == NULL)
        return false;
    cert_begin(c, f, ok, TW_PROVEN);
    f->next = true;
    tw_finding_cite(f, "asked for", "settings", "%s", name);
    tw_finding_summary(f, "The name %s has an underscore, which is no host name: some clients refuse it.",
                       name);
    return true;
}

static bool match_unusual(const struct tw_case *c, struct tw_finding *f)
{
    return match_form(c, f, TW_PATH_NAME_FORM,
                      "The certificate's entry %s would fit %s only under rules that clients do not "
                      "follow.") ||
           match_underscore(c, f);
}

const struct tw_rule tw_rule_name_form_unusual = {
    .id = "name-form-unusual",
    .title = "A name in an unusual form",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Validators differ on names that are no plain host names: underscores, a dot at the "
               "end, wildcards within a label or for a whole top-level domain, an address written as "
               "a host name, letters outside ASCII instead of their A-label (xn--...).",
    .evidence = "The entry in the certificate, the name asked for, and the rule that keeps them apart.",
    .fix = {{"private CA", "Issue with plain host names (A-labels), addresses as iPAddress.",
             "subjectAltName = DNS:www.example.org, IP:192.0.2.1"},
            {"client", "Use the name without a dot at its end, in A-label form.", NULL}},
    .lookalikes = {{"name-mismatch", "no rule would make it fit"},
                   {"wildcard-depth", "a proper wildcard, but for another level"}},
    .refs = {"RFC 9525 §6.3", "RFC 5280 §4.2.1.6", "RFC 1123 §2.1"},
    .match = match_unusual,
};
