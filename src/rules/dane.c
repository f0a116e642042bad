/* DANE: the driver has held TLSA records against the chain (TLSA facts); here the mismatch gets its
 * name, and what the resolver's word on DNSSEC is worth is said. */
#include "rules/rules_internal.h"

struct tally {
    size_t usable, matching;
    const struct tw_fact *first;
};

static struct tally records(const struct tw_case *c)
{
    struct tally t = {0};
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, 0, TW_FACT_TLSA, "record")) != NULL) {
        t.usable += f->aux >= 0;
        t.matching += f->aux == 1;
        if (t.first == NULL && f->aux == 0)
            t.first = f;
    }
    return t;
}

/* Usage 2 wants an issuer that servers often leave out: then nothing can match. */
static bool only_wants_issuer(const struct tw_case *c)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, 0, TW_FACT_TLSA, "record")) != NULL)
        if (f->aux == 0 && f->num >> 16 != 2)
            return false;
    return true;
}

static bool match_mismatch(const struct tw_case *c, struct tw_finding *f)
{
    struct tally t = records(c);
    const struct tw_fact *answer = tw_trace_first(c->trace, 0, TW_FACT_TLSA, "answer");
    if (answer == NULL || t.usable == 0 || t.matching > 0)
        return false;
    bool secure = answer->aux == 1;
    f->certainty = secure ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "certificate";
    f->next = !secure;
    tw_finding_cite(f, "asked for", "DNS, TLSA", "%s", answer->text);
    const struct tw_fact *x = NULL;
    for (int n = 0; n < 5 && (x = tw_trace_next(c->trace, x, 0, TW_FACT_TLSA, "record")) != NULL; n++)
        tw_finding_cite(f, "record", "DNS, TLSA", "%s", x->text);
    tw_finding_cite(f, "DNSSEC", "DNS, AD bit",
                    secure ? "the resolver says that the answer is validated; that is its word, "
                             "as good as the way to it"
                           : "the resolver does not say that the answer is validated: clients "
                             "ignore such records");
    if (only_wants_issuer(c))
        tw_finding_not(f, "chain-missing-intermediate", "not excluded: the records want an issuer, "
                                                        "which the server must send along");
    tw_finding_not(f, "name-mismatch", "another matter: usage 3 does not look at names");
    tw_finding_summary(f, "None of the %zu TLSA records of %s matches what the server sends%s.",
                       t.usable, answer->text,
                       secure ? "; mail servers that use DANE will not deliver"
                              : ", but without DNSSEC clients ignore them");
    return true;
}

const struct tw_rule tw_rule_dane_tlsa_mismatch = {
    .id = "dane-tlsa-mismatch",
    .title = "The DANE TLSA record does not match the certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The name's TLSA records in DNS say which certificate or key its server has; the "
               "server sends another one. The certificate was renewed with a new key and the "
               "records were not changed, or not long enough before. Mail servers that honour DANE "
               "then defer delivery.",
    .evidence = "No usable TLSA record matches the chain (RFC 7671), while DNSSEC vouches for them.",
    .fix = {{"DNS", "Publish the digest of the key in use, and the next one's before it is used.",
             "openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
             "sha256sum\n_25._tcp.mx.example.org. IN TLSA 3 1 1 <digest>"},
            {"certbot", "Keep the key at renewals, so that 3 1 1 records stay right.",
             "certbot renew --reuse-key"},
            {"server", "With usage 2, send the issuer along.",
             "ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;"}},
    .lookalikes = {{"name-mismatch", "usage 3 ignores names"},
                   {"chain-missing-intermediate", "usage 2, and the issuer is not sent"},
                   {"mta-sts-mismatch", "the policy comes from a web server, not from DNS"}},
    .refs = {"RFC 6698 §2.1", "RFC 7671 §5", "RFC 7671 §9", "RFC 7672 §2.2"},
    .match = match_mismatch,
};
