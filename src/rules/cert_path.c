/*
 * Causes about what a certificate in the path may do, how it is made, and how strong it is: one
 * PATH fact each, which arithmetic or the certificate's own bytes prove.
 */
#include "rules/cert_facts.h"

static const struct tw_fact *either(const struct tw_case *c, enum tw_path_problem a,
                                    enum tw_path_problem b)
{
    const struct tw_fact *f = cert_problem(c, a, TW_ANY_PLACE);
    return f != NULL ? f : cert_problem(c, b, TW_ANY_PLACE);
}

static bool for_client(const struct tw_case *c)
{
    const char *purpose = tw_trace_setting(c->trace, "purpose");
    return purpose != NULL && strcmp(purpose, "client") == 0;
}

/* ---- cert-malformed ---------------------------------------------------------------------------------- */

/* Rules of the web PKI that have a cause of their own are left to it. */
static const struct tw_fact *other_rule(const struct tw_case *c)
{
    static const char *const own[] = {"eku_missing", "eku_any", "eku_critical", "eku_no_server",
                                      "root_eku", "san_missing", "leaf_signs", "cert_sign_without_ca"};
    uint32_t conn = cert_judged(c);
    const struct tw_fact *f = NULL;
    while (conn != 0 && (f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH, NULL)) != NULL) {
        bool owned = f->num != TW_PATH_PROFILE && f->num != TW_PATH_WEBPKI;
        for (size_t i = 0; !owned && i < TW_ARRAY_LEN(own); i++)
            owned = tw_view_eq(f->data, tw_view_str(own[i]));
        if (!owned)
            return f;
    }
    return NULL;
}

static bool match_malformed(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_MALFORMED, TW_ANY_PLACE);
    if (path == NULL)
        path = other_rule(c);
    if (!cert_match_problem(c, f, path, "A certificate is not made as the standard asks"))
        return false;
    if (path->num != TW_PATH_MALFORMED)
        tw_finding_not(f, "cert-signature-invalid", "its signature verifies: it was issued so");
    return true;
}

const struct tw_rule tw_rule_cert_malformed = {
    .id = "cert-malformed",
    .title = "A certificate is malformed",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The certificate's bytes do not follow DER or the rules of RFC 5280: a damaged file, "
               "a home-made issuing tool, a negative serial number, an extension twice. Strict "
               "clients refuse it as a whole, lenient ones may not notice.",
    .evidence = "The field and byte at which the certificate breaks a rule.",
    .fix = {{"server", "Have it issued again with a conforming tool; compare the file first.",
             "openssl x509 -in cert.pem -noout -text; openssl asn1parse -i -in cert.pem"},
            {"private CA", "Issue with random positive serial numbers, version 3, and key "
                           "identifiers.", "openssl rand -hex 16   # for the serial number"}},
    .lookalikes = {{"cert-signature-invalid", "it parses, but the signature over it fails"},
                   {"unknown-critical-extension", "well-formed, with something nobody knows"}},
    .refs = {"RFC 5280 §4", "X.690 §10"},
    .match = match_malformed,
};

/* ---- cert-signature-invalid ----------------------------------------------------------------------------- */

static bool match_signature(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_BAD_SIGNATURE, TW_ANY_PLACE);
    struct cert_subject s;
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "says it was issued by", s.source, "%s", s.issuer);
    tw_finding_cite(f, "signature", "our check with that issuer's key", "does not verify");
    tw_finding_not(f, "chain-wrong-intermediate", "the key identifiers do not tell the two keys apart");
    tw_finding_summary(f, "The signature on \"%s\" does not verify with the key of \"%s\".", s.subject,
                       s.issuer);
    return true;
}

const struct tw_rule tw_rule_cert_signature_invalid = {
    .id = "cert-signature-invalid",
    .title = "A certificate's signature does not verify",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The certificate names its issuer, and a certificate of that name is at hand, but its "
               "key did not make this signature. Usually a private CA was created anew under the "
               "same name; sometimes the file was damaged or tampered with.",
    .evidence = "The signature over the certificate fails with the key of the issuer it names.",
    .fix = {{"private CA", "Issue the certificate again from the CA as it is now.",
             "openssl verify -CAfile ca.pem -untrusted chain.pem cert.pem"},
            {"client", "If the CA was made anew, install its new certificate and remove the old one.",
             "openssl x509 -in ca.pem -noout -subject -ext subjectKeyIdentifier"}},
    .lookalikes = {{"chain-wrong-intermediate", "the key identifiers differ: another CA of that name"},
                   {"untrusted-private-ca", "no certificate of the issuer's name is known at all"},
                   {"weak-signature", "the signature is good, its hash is refused"}},
    .refs = {"RFC 5280 §6.1.3"},
    .match = match_signature,
};

/* ---- unknown-critical-extension ---------------------------------------------------------------------------- */

static bool match_critical(const struct tw_case *c, struct tw_finding *f)
{
    return cert_match_problem(c, f, either(c, TW_PATH_UNKNOWN_CRITICAL, TW_PATH_PROXY),
                              "A certificate has a critical extension that clients do not know");
}

const struct tw_rule tw_rule_unknown_critical_extension = {
    .id = "unknown-critical-extension",
    .title = "A critical extension is not understood",
    .category = "certificate",
    .side = TW_CA,
    .explain = "An extension that is marked critical must be understood by whoever uses the "
               "certificate, or the certificate refused. This one is private to its CA, or belongs "
               "to certificates of another kind, such as proxy or precertificates.",
    .evidence = "The extension's object identifier, with its critical flag set.",
    .fix = {{"private CA", "Leave the extension out, or do not mark it critical; issue again.", NULL}},
    .lookalikes = {{"cert-malformed", "a known extension whose content cannot be read"},
                   {"name-constraints", "a known critical extension that excludes the name"}},
    .refs = {"RFC 5280 §4.2"},
    .match = match_critical,
};

/* ---- ca-basic-constraints, path-length-exceeded ------------------------------------------------------------- */

static bool match_not_ca(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = either(c, TW_PATH_NOT_A_CA, TW_PATH_LEAF_IS_CA);
    for (int64_t place = -1; path == NULL && place < 16; place++)
        if (place != 0)
            path = cert_problem(c, TW_PATH_KEY_USAGE, place); /* an issuer without keyCertSign */
    if (path == NULL)
        path = cert_lint(c, "cert_sign_without_ca");
    bool leaf = path != NULL && path->aux == 0 && path->len == 0;
    return cert_match_problem(c, f, path,
                              leaf ? "The server's certificate is marked as a CA's"
                                   : "The issuing certificate may not issue certificates");
}

const struct tw_rule tw_rule_ca_basic_constraints = {
    .id = "ca-basic-constraints",
    .title = "The issuing certificate is not a CA",
    .category = "certificate",
    .side = TW_CA,
    .explain = "A certificate may sign others only if it says so: basicConstraints with cA TRUE and, "
               "where there is a keyUsage, keyCertSign. CAs made by hand often lack one of them; a "
               "server's certificate must have neither.",
    .evidence = "basicConstraints and keyUsage of a certificate that issued another in the path.",
    .fix = {{"private CA", "Create the CA certificate again with both, then issue anew.",
             "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign"},
            {"server", "Use a certificate with CA:FALSE that the CA has issued.", NULL}},
    .lookalikes = {{"path-length-exceeded", "it is a CA, but not for CAs below it"},
                   {"key-usage-wrong", "the server's own key may not be used so"},
                   {"untrusted-private-ca", "the CA is a proper one, but not known"}},
    .refs = {"RFC 5280 §4.2.1.9", "RFC 5280 §4.2.1.3"},
    .match = match_not_ca,
};

static bool match_path_len(const struct tw_case *c, struct tw_finding *f)
{
    return cert_match_problem(c, f, either(c, TW_PATH_PATH_LEN, TW_PATH_TOO_LONG),
                              "There are more CAs in the chain than one of them allows");
}

const struct tw_rule tw_rule_path_length_exceeded = {
    .id = "path-length-exceeded",
    .title = "More CAs in the chain than a CA above allows",
    .category = "certificate",
    .side = TW_CA,
    .explain = "A CA may limit how many CAs stand below it in a chain (pathLenConstraint). With 0 it "
               "issues end certificates only, and a sub-CA below it is void.",
    .evidence = "pathLenConstraint of a CA, and the CAs counted below it.",
    .fix = {{"private CA", "Have the sub-CA issued by a CA that may, or reissue the upper CA.",
             "basicConstraints = critical, CA:TRUE, pathlen:1"}},
    .lookalikes = {{"ca-basic-constraints", "one of them is no CA at all"}},
    .refs = {"RFC 5280 §4.2.1.9"},
    .match = match_path_len,
};

/* ---- name-constraints ----------------------------------------------------------------------------------------- */

static bool match_constraints(const struct tw_case *c, struct tw_finding *f)
{
    if (!cert_match_problem(c, f, cert_problem(c, TW_PATH_NAME_CONSTRAINTS, TW_ANY_PLACE),
                            "A name in the certificate is outside what its CA may certify"))
        return false;
    tw_finding_not(f, "name-mismatch", "another matter: the CA's limits, not the name asked for");
    return true;
}

const struct tw_rule tw_rule_name_constraints = {
    .id = "name-constraints",
    .title = "A name is outside the CA's name constraints",
    .category = "certificate",
    .side = TW_CA,
    .explain = "A CA can be limited to names: to some domains, or to all but some. Every name in every "
               "certificate below it counts, also one nobody asks for, addresses included.",
    .evidence = "The name, and the CA whose permitted or excluded subtrees it violates.",
    .fix = {{"private CA", "Issue without the name, from another CA, or widen the constraints.",
             "nameConstraints = critical, permitted;DNS:example.org, permitted;IP:10.0.0.0/"
             "255.0.0.0"}},
    .lookalikes = {{"name-mismatch", "the certificate lacks the name that was asked for"},
                   {"unknown-critical-extension", "a client that does not know name constraints"}},
    .refs = {"RFC 5280 §4.2.1.10"},
    .match = match_constraints,
};

/* ---- key-usage-wrong, eku-missing, eku-client-auth-missing -------------------------------------------------------- */

static bool match_key_usage(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_KEY_USAGE, 0);
    if (path == NULL)
        path = cert_lint(c, "leaf_signs");
    return cert_match_problem(c, f, path, "The key usage does not allow what TLS needs");
}

const struct tw_rule tw_rule_key_usage_wrong = {
    .id = "key-usage-wrong",
    .title = "keyUsage forbids what the handshake needs",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "keyUsage lists what the key may do. TLS 1.3 and (EC)DHE need digitalSignature, RSA "
               "key exchange needs keyEncipherment; a certificate for encryption of mail or of a CA "
               "has others.",
    .evidence = "keyUsage of the server's certificate.",
    .fix = {{"private CA", "Issue again with the bits that TLS needs.",
             "keyUsage = critical, digitalSignature, keyEncipherment"}},
    .lookalikes = {{"eku-missing", "keyUsage is right, extendedKeyUsage is not"},
                   {"ca-basic-constraints", "the issuer's keyUsage lacks keyCertSign"}},
    .refs = {"RFC 5280 §4.2.1.3", "RFC 8446 §4.4.2.2", "RFC 5246 §7.4.2"},
    .match = match_key_usage,
};

static const struct tw_fact *eku_fact(const struct tw_case *c)
{
    static const char *const rules[] = {"eku_missing", "eku_any", "eku_critical", "eku_no_server",
                                        "root_eku"};
    const struct tw_fact *path = cert_problem(c, TW_PATH_EKU, TW_ANY_PLACE);
    for (size_t i = 0; path == NULL && i < TW_ARRAY_LEN(rules); i++)
        path = cert_lint(c, rules[i]);
    return path;
}

static bool match_eku(const struct tw_case *c, struct tw_finding *f)
{
    if (for_client(c) || !cert_match_problem(c, f, eku_fact(c), "The extended key usage is not that "
                                                               "of a TLS server"))
        return false;
    tw_finding_not(f, "eku-client-auth-missing", "the certificate is used by a server here");
    return true;
}

const struct tw_rule tw_rule_eku_missing = {
    .id = "eku-missing",
    .title = "extendedKeyUsage lacks serverAuth",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "extendedKeyUsage says what a certificate is for. A client or mail certificate on a "
               "server, or an intermediate that is restricted to other purposes, is refused by TLS "
               "clients.",
    .evidence = "extendedKeyUsage of the server's certificate and of the CAs above it.",
    .fix = {{"private CA", "Issue again for servers.", "extendedKeyUsage = serverAuth"},
            {"server", "Order a server certificate; a client or S/MIME certificate will not do.", NULL}},
    .lookalikes = {{"key-usage-wrong", "extendedKeyUsage is right, keyUsage is not"},
                   {"eku-client-auth-missing", "the same for a client's certificate"}},
    .refs = {"RFC 5280 §4.2.1.12", "CA/Browser Forum BR §7.1.2.7.10"},
    .match = match_eku,
};

static bool match_client_eku(const struct tw_case *c, struct tw_finding *f)
{
    if (!for_client(c) || !cert_match_problem(c, f, cert_problem(c, TW_PATH_EKU, TW_ANY_PLACE),
                                              "The extended key usage is not that of a TLS client"))
        return false;
    f->side = TW_CLIENT;
    tw_finding_not(f, "eku-missing", "the certificate is used by a client here");
    return true;
}

const struct tw_rule tw_rule_eku_client_auth_missing = {
    .id = "eku-client-auth-missing",
    .title = "The client's certificate lacks clientAuth",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "A certificate that authenticates a client needs clientAuth in extendedKeyUsage. Public "
               "CAs took it out of server certificates in 2025 and 2026, so that certificates reused "
               "for mutual TLS stop working with their next renewal.",
    .evidence = "extendedKeyUsage of the certificate that the client uses, and of its CAs.",
    .fix = {{"private CA", "Issue client certificates from a CA of your own.",
             "extendedKeyUsage = clientAuth"},
            {"client", "Ask the server's side for a certificate meant for clients.", NULL}},
    .lookalikes = {{"client-cert-rejected", "the server does not know the issuer"},
                   {"client-cert-expired", "the purpose is right, the time is over"}},
    .refs = {"RFC 5280 §4.2.1.12"},
    .match = match_client_eku,
};

/* ---- weak-signature, weak-key, cert-key-type-unsupported, cert-validity-too-long -------------------------------------- */

static bool match_weak_signature(const struct tw_case *c, struct tw_finding *f)
{
    return cert_match_problem(c, f, cert_problem(c, TW_PATH_WEAK_SIGNATURE, TW_ANY_PLACE),
                              "A certificate is signed with a broken hash");
}

const struct tw_rule tw_rule_weak_signature = {
    .id = "weak-signature",
    .title = "A certificate is signed with SHA-1 or MD5",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Signatures over SHA-1 and MD5 can be forged, so clients no longer take them on servers' "
               "and intermediates' certificates. A root's own signature does not matter.",
    .evidence = "The signature algorithm of a certificate below the root.",
    .fix = {{"private CA", "Issue again with SHA-256.", "openssl x509 -req -sha256 ..."},
            {"server", "Renew with the CA; an intermediate is replaced in the chain file.", NULL}},
    .lookalikes = {{"crypto-policy-seclevel", "only this machine's policy refuses it"},
                   {"sigalg-no-overlap", "the handshake's signature, not the certificate's"},
                   {"cert-signature-invalid", "the signature does not verify at all"}},
    .refs = {"RFC 9155", "CA/Browser Forum BR §7.1.3.2"},
    .match = match_weak_signature,
};

static bool match_weak_key(const struct tw_case *c, struct tw_finding *f)
{
    return cert_match_problem(c, f, cert_problem(c, TW_PATH_WEAK_KEY, TW_ANY_PLACE),
                              "A certificate's key is too short");
}

const struct tw_rule tw_rule_weak_key = {
    .id = "weak-key",
    .title = "A certificate's key is too short",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "RSA keys below 2048 bits and curves below 224 bits can be broken or soon will be; "
               "current clients refuse them in servers' and CAs' certificates alike.",
    .evidence = "Kind and size of a public key in the path.",
    .fix = {{"server", "Make a new key and have it certified.",
             "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"},
            {"private CA", "A CA with a short key has to be replaced as a whole.", NULL}},
    .lookalikes = {{"crypto-policy-seclevel", "only this machine's policy refuses it"},
                   {"dh-key-too-small", "the ephemeral Diffie-Hellman key, not the certificate's"}},
    .refs = {"NIST SP 800-57 part 1", "CA/Browser Forum BR §6.1.5"},
    .match = match_weak_key,
};

static bool match_key_type(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = either(c, TW_PATH_UNSUPPORTED_KEY, TW_PATH_EXPLICIT_CURVE);
    bool advice = path == NULL;
    if (advice)
        path = cert_advice(c, TW_PATH_UNSUPPORTED_KEY);
    if (!cert_match_problem(c, f, path, "A certificate has a kind of key that clients do not take"))
        return false;
    f->next = f->next || advice;
    return true;
}

const struct tw_rule tw_rule_cert_key_type_unsupported = {
    .id = "cert-key-type-unsupported",
    .title = "A kind of key that clients do not support",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Clients take RSA and ECDSA keys on P-256 and P-384. Ed25519 and P-521 are refused by "
               "browsers, DSA, brainpool curves and curves given by parameters by nearly all.",
    .evidence = "Kind of the public key, or its curve.",
    .fix = {{"server", "Use an ECDSA P-256 or RSA 2048 certificate, or install both.",
             "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"}},
    .lookalikes = {{"sigalg-no-overlap", "the same, seen in the handshake"},
                   {"cipher-cert-type-mismatch", "the client knows the kind, the suites do not"}},
    .refs = {"RFC 5480 §2.1.1", "CA/Browser Forum BR §6.1.5"},
    .match = match_key_type,
};

static bool match_validity(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_VALIDITY_TOO_LONG, TW_ANY_PLACE);
    bool advice = path == NULL;
    struct cert_subject s;
    char span[32];
    if (advice)
        path = cert_advice(c, TW_PATH_VALIDITY_TOO_LONG);
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    f->next = f->next || advice;
    cert_span_text(s.cert.not_after - s.cert.not_before, span, sizeof span);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "valid", s.source, "%s to %s, %s", s.not_before, s.not_after, span);
    tw_finding_summary(f, "The certificate (%s) is valid for %s, longer than was allowed on the day it "
                          "was issued.", s.subject, span);
    return true;
}

const struct tw_rule tw_rule_cert_validity_too_long = {
    .id = "cert-validity-too-long",
    .title = "The certificate is valid for too long",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Browsers limit how long a server's certificate may be valid, by its day of issue: 398 "
               "days from 2020-09-01, 200 from 2026-03-15, 100 from 2027-03-15, 47 from 2029-03-15. "
               "Apple holds private CAs to 825 days as well.",
    .evidence = "notBefore and notAfter, and the limit of the day of issue.",
    .fix = {{"server", "Have it issued again for a shorter time, and renew automatically.",
             "certbot renew"},
            {"private CA", "Issue for 200 days at most.", "openssl x509 -req -days 199 ..."}},
    .lookalikes = {{"revoked", "old macOS showed this error for it"},
                   {"untrusted-private-ca", "the root is not trusted at all"}},
    .refs = {"CA/Browser Forum BR §6.3.2"},
    .match = match_validity,
};
