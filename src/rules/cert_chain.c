/* Causes about the chain as it was sent, and which of several paths a client takes. */
#include "rules/cert_facts.h"

/* ---- chain-wrong-order ---------------------------------------------------------------------------------- */

static bool match_order(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *note = cert_note(c, TW_CHAIN_MISORDERED);
    const struct tw_fact *leaf = cert_note(c, TW_CHAIN_LEAF_NOT_FIRST);
    if (leaf == NULL && (note == NULL || cert_note(c, TW_CHAIN_NEEDS_ORDER) == NULL))
        return false;
    cert_begin(c, f, leaf != NULL ? leaf : note, TW_PROVEN);
    f->next = f->next || leaf == NULL; /* most clients put it in order by themselves */
    tw_finding_fact(f, "out of place", leaf != NULL ? leaf : note);
    tw_finding_not(f, "chain-missing-intermediate", "nothing is missing, it is misplaced");
    tw_finding_summary(f, leaf != NULL
                              ? "A CA's certificate is sent first, in the place of the server's own."
                              : "The certificates are not sent in order, each certifying the one "
                                "before it; strict clients refuse that.");
    return true;
}

const struct tw_rule tw_rule_chain_wrong_order = {
    .id = "chain-wrong-order",
    .title = "Certificates are served in the wrong order",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The server's own certificate comes first, then its issuer, and so on. TLS 1.2 demanded "
               "that order; most clients sort by themselves, small and embedded ones do not.",
    .evidence = "A certificate that does not certify the one sent before it, though a path exists.",
    .fix = {{"nginx", "Own certificate first, then the chain.", "cat cert.pem chain.pem > fullchain.pem"},
            {"anyone", "Have the chain written in order.",
             "tlswhy inspect fullchain.pem --write-chain ordered.pem"}},
    .lookalikes = {{"key-mismatch", "no certificate in the file belongs to the key"},
                   {"chain-missing-intermediate", "a link is absent, not misplaced"}},
    .refs = {"RFC 5246 §7.4.2", "RFC 8446 §4.4.2"},
    .match = match_order,
};

/* ---- chain-wrong-intermediate ---------------------------------------------------------------------------- */

static bool match_wrong_intermediate(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_MISSING_ISSUER, TW_ANY_PLACE);
    const struct tw_fact *key = cert_note(c, TW_CHAIN_WRONG_INTERMEDIATE);
    const struct tw_fact *other = cert_note(c, TW_CHAIN_SUPERFLUOUS);
    struct cert_subject s, sent;
    if (path == NULL || (key == NULL && other == NULL) || !cert_subject_of(c, path, &s) ||
        !cert_subject_of(c, key != NULL ? key : other, &sent) || !sent.cert.is_ca)
        return false;
    cert_begin(c, f, path, key != NULL ? TW_PROVEN : TW_LIKELY);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "its issuer", s.source, "%s", s.issuer);
    tw_finding_cite(f, "sent instead", sent.source, "%s", sent.subject);
    if (key != NULL)
        tw_finding_not(f, "cert-signature-invalid", "it has the issuer's name, but another key");
    tw_finding_not(f, "untrusted-private-ca", "not excluded until the right issuer is fetched");
    tw_finding_summary(f, "The server sends the intermediate \"%s\", but its certificate was issued by "
                          "%s\"%s\".", sent.subject, key != NULL ? "another one of that name, " : "",
                       s.issuer);
    return true;
}

const struct tw_rule tw_rule_chain_wrong_intermediate = {
    .id = "chain-wrong-intermediate",
    .title = "The intermediate sent is not the one that signed the certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "CAs change their issuing CA from time to time. After a renewal, the old chain file was "
               "kept beside the new certificate, and the link between the two is missing.",
    .evidence = "An intermediate is sent, but the certificate names another issuer or another key.",
    .fix = {{"certbot", "Serve the file that comes with each renewal.",
             "ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;"},
            {"server", "Install the chain that was delivered with this certificate.",
             "openssl x509 -in cert.pem -noout -issuer; openssl x509 -in chain.pem -noout -subject"}},
    .lookalikes = {{"chain-missing-intermediate", "no intermediate is sent at all"},
                   {"cert-signature-invalid", "name and key identifier fit, the signature does not"}},
    .refs = {"RFC 8446 §4.4.2", "RFC 5280 §4.2.1.1"},
    .match = match_wrong_intermediate,
};

/* ---- chain-intermediate-expired, chain-root-expired-cross-sign --------------------------------------------- */

/* An expired certificate of the best path above the leaf: a root (or anchor), or an intermediate. */
static const struct tw_fact *expired_above(const struct tw_case *c, bool root)
{
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    struct cert_subject s;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH, NULL)) != NULL)
        if (f->num == TW_PATH_EXPIRED && f->len > 0 && cert_subject_of(c, f, &s) &&
            (s.cert.self_issued || f->aux < 0) == root)
            return f;
    return NULL;
}

static bool tell_expired(const struct tw_case *c, struct tw_finding *f, const struct tw_fact *path,
                         const char *what)
{
    struct cert_subject s;
    char span[32];
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    cert_span_text(c->wall_time - s.cert.not_after, span, sizeof span);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "notAfter", s.source, "%s", s.not_after);
    tw_finding_not(f, "cert-expired", "the server's own certificate is another one");
    tw_finding_not(f, "clock-skew-client", "not excluded: only our own clock was asked");
    tw_finding_summary(f, "The %s \"%s\" expired %s ago, at %s.", what, s.subject, span, s.not_after);
    return true;
}

static bool match_intermediate_expired(const struct tw_case *c, struct tw_finding *f)
{
    return tell_expired(c, f, expired_above(c, false), "intermediate certificate");
}

const struct tw_rule tw_rule_chain_intermediate_expired = {
    .id = "chain-intermediate-expired",
    .title = "An intermediate certificate has expired",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The server's own certificate is in time, but a CA's certificate that it sends is not: an "
               "old intermediate or cross-certificate was left in the chain file.",
    .evidence = "notAfter of a certificate between the server's and the root.",
    .fix = {{"server", "Replace the intermediate in the chain file by the CA's current one.",
             "openssl crl2pkcs7 -nocrl -certfile fullchain.pem | openssl pkcs7 -print_certs -noout"},
            {"certbot", "Renew once more to get the current chain.", "certbot renew --force-renewal"}},
    .lookalikes = {{"cert-expired", "the server's own certificate"},
                   {"chain-root-expired-cross-sign", "the expired one is a root, or leads to an old one"}},
    .refs = {"RFC 5280 §6.1.3"},
    .match = match_intermediate_expired,
};

/* A fault of another path over what was sent, when the best path is good. */
static const struct tw_fact *other_path_fault(const struct tw_case *c, bool expired)
{
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    if (conn == 0 || cert_note(c, TW_CHAIN_PATH_CHOICE) == NULL)
        return NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_ALT_PATH, NULL)) != NULL) {
        bool trust = f->num == TW_PATH_MISSING_ISSUER || f->num == TW_PATH_UNKNOWN_ROOT ||
                     f->num == TW_PATH_NO_ANCHORS;
        if (f->len > 0 && !trust && (f->num == TW_PATH_EXPIRED) == expired)
            return f;
    }
    return NULL;
}

static bool match_root_expired(const struct tw_case *c, struct tw_finding *f)
{
    if (tell_expired(c, f, expired_above(c, true), "root certificate"))
        return true;
    const struct tw_fact *other = other_path_fault(c, true);
    struct cert_subject s;
    if (other == NULL || !cert_subject_of(c, other, &s))
        return false;
    cert_begin(c, f, other, TW_PROVEN);
    f->next = true; /* we found the good path, as current clients do */
    tw_finding_cite(f, "sent", s.source, "%s", s.subject);
    tw_finding_cite(f, "notAfter", s.source, "%s", s.not_after);
    tw_finding_summary(f, "Among the certificates sent is \"%s\", expired at %s. Clients that follow the "
                          "chain as sent and look for no other path fail (OpenSSL before 1.1.0, GnuTLS "
                          "before 3.6.14).", s.subject, s.not_after);
    return true;
}

const struct tw_rule tw_rule_chain_root_expired_cross_sign = {
    .id = "chain-root-expired-cross-sign",
    .title = "The chain leads to an expired root",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The path that is served ends at a root or cross-certificate whose time is over, though "
               "a shorter path to a valid root may exist (AddTrust 2020, DST Root CA X3 2021). Current "
               "clients find it, old ones only follow the path as sent.",
    .evidence = "notAfter of the root or cross-certificate, and whether another path is good.",
    .fix = {{"certbot", "Ask for the chain to the new root.",
             "certbot renew --preferred-chain 'ISRG Root X1' --force-renewal"},
            {"server", "Remove the cross-certificate from the chain file.",
             "tlswhy inspect fullchain.pem --write-chain short.pem"},
            {"client", "Update the TLS library; remove the expired root from the trust store.", NULL}},
    .lookalikes = {{"cert-expired", "the server's own certificate"},
                   {"trust-store-outdated", "the new root is not in the client's store"}},
    .refs = {"RFC 4158 §2.2", "RFC 5280 §6.1"},
    .match = match_root_expired,
};

/* ---- cross-sign-path-choice ------------------------------------------------------------------------------- */

static bool match_path_choice(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *other = other_path_fault(c, false);
    struct cert_subject s;
    if (other == NULL || !cert_subject_of(c, other, &s))
        return false;
    cert_begin(c, f, other, TW_PROVEN);
    f->next = true;
    tw_finding_cite(f, "on the path as sent", s.source, "%s", s.subject);
    tw_finding_fact(f, "what is wrong with it", other);
    tw_finding_not(f, "chain-root-expired-cross-sign", "the bad path is not bad because of a date");
    tw_finding_summary(f, "A good path exists, but the one that the certificates sent lay out is bad at "
                          "\"%s\" (%s); clients that do not look for another one fail.", s.subject,
                       other->text == NULL ? other->field : other->text);
    return true;
}

const struct tw_rule tw_rule_cross_sign_path_choice = {
    .id = "cross-sign-path-choice",
    .title = "Clients may take a bad path although a good one exists",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Cross-certificates give several paths to several roots. Clients differ in which they "
               "try first and whether they go back; one that prefers the path with a weak, constrained "
               "or distrusted certificate fails where others pass.",
    .evidence = "Two paths over the certificates sent, one of them good, the other not.",
    .fix = {{"server", "Send only the path that should be taken.",
             "tlswhy inspect fullchain.pem --write-chain one-path.pem"},
            {"client", "Update the validator.", NULL}},
    .lookalikes = {{"chain-root-expired-cross-sign", "the bad path is bad because of expiry"}},
    .refs = {"RFC 4158 §2.2", "RFC 4158 §3.5"},
    .match = match_path_choice,
};
