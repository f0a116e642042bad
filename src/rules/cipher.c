/* Causes about cipher suites, and the key exchange and key type that come with them. */
#include "rules/rules_internal.h"

enum { MIN_DH_BITS = 2048 }; /* OpenSSL at security level 2; RFC 7919 has nothing smaller */

static const struct tw_suite *suite_of(const struct tw_conn_view *v)
{
    return v == NULL ? NULL : tw_suite_by_id(v->cipher);
}

/* Length of the server's DH prime on a connection, in bits; 0 when it was not seen. */
static int64_t dh_bits(const struct tw_case *c, const struct tw_conn_view *v)
{
    const struct tw_fact *f =
        v == NULL ? NULL : tw_trace_first(c->trace, v->conn, TW_FACT_FIELD, "dh_p");
    return f == NULL ? 0 : f->num;
}

/* The trial in which more suites made it pass; groups and signature algorithms alone did not. */
static const struct tw_conn_view *more_suites(const struct tw_case *c)
{
    if (!tw_rejected_hello(c->base) || tw_case_passed(c, "groups-wide") ||
        tw_case_passed(c, "sigalgs-wide") || tw_case_passed(c, "sni-absent") ||
        tw_case_passed(c, "alpn-absent"))
        return NULL;
    /* other versions have other suites: they decide only where more suites alone do not help */
    if (tw_case_passed(c, "versions-wide") && !tw_case_passed(c, "ciphers-wide"))
        return NULL;
    const struct tw_conn_view *v = tw_widened(c, "ciphers-wide");
    return v != NULL && tw_outside_cipher(c, v) ? v : NULL;
}

/* The server's choice among suites that this engine cannot speak; its ServerHello is proof. */
static const struct tw_conn_view *rare_suite(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "ciphers-rare");
    return v != NULL && v->phase >= TW_PHASE_SERVER_HELLO && v->cipher != 0 &&
                   tw_rejected_hello(c->base) && tw_outside_cipher(c, v)
               ? v
               : NULL;
}

static void cite_offer(const struct tw_case *c, struct tw_finding *f,
                       const struct tw_conn_view *passed)
{
    struct tw_offer o;
    char how[96], suite[64], source[40];
    tw_offer_of(c, c->base, &o);
    size_t n = 0;
    for (size_t i = 0; i < o.ciphers.n; i++)
        n += !tw_is_grease(o.ciphers.v[i]);
    tw_finding_cite(f, "offered", "trial 1, ClientHello", "%zu cipher suites, refused by %s", n,
                    tw_rejection_text(c->base, how, sizeof how));
    if (passed == NULL)
        return;
    snprintf(source, sizeof source, "trial %u, ServerHello", passed->conn);
    tw_finding_cite(f, passed->changed, source, "the server chooses %s",
                    tw_suite_label(passed->cipher, suite, sizeof suite));
}

/* ---- cipher-cert-type-mismatch -------------------------------------------------------------------------- */

static const char *auth_word(enum tw_auth a)
{
    return a == TW_AUTH_ECDSA ? "ECDSA" : a == TW_AUTH_RSA ? "RSA" : a == TW_AUTH_DSS ? "DSS"
                                                                                      : "other";
}

static bool match_cert_type(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *v = tw_case_trial(c, "ciphers-other-auth");
    const struct tw_suite *s = suite_of(v);
    char suite[64], how[96];
    if (tw_rejected_hello(c->base) && v != NULL && tw_case_passed(c, "ciphers-other-auth") &&
        s != NULL && tw_outside_cipher(c, v)) {
        f->certainty = TW_PROVEN;
        f->failed_at = "server_hello";
        cite_offer(c, f, v);
        tw_finding_not(f, "cipher-no-overlap", "the same key exchange and cipher passes with %s "
                                               "authentication", auth_word(s->auth));
        tw_finding_summary(f, "The suites offered need another kind of key than the server's "
                              "certificate has: it is for %s, and %s passes.", auth_word(s->auth),
                           tw_suite_label(v->cipher, suite, sizeof suite));
        return true;
    }
    if (!tw_rejected_hello(c->base) || !tw_nothing_passes(c) || rare_suite(c) != NULL ||
        c->base->alert != TW_ALERT_HANDSHAKE_FAILURE)
        return false;
    /* No suite at all is accepted, whatever its key exchange: none fits the server's key. */
    f->certainty = TW_LIKELY;
    f->failed_at = "server_hello";
    tw_finding_fact(f, "the server says", c->base->alert_fact);
    tw_finding_trial(f, c, "wide");
    tw_finding_trial(f, c, "sni-absent");
    tw_finding_trial(f, c, "groups-wide");
    tw_finding_trial(f, c, "sigalgs-wide");
    tw_finding_trial(f, c, "ciphers-rare");
    tw_finding_not(f, "server-no-cert-configured", "not excluded: without any certificate the "
                                                   "server says the same");
    tw_finding_not(f, "cipher-no-overlap", "every suite in use was offered");
    tw_finding_summary(f, "The server refuses every suite of every kind with %s: the suites it has "
                          "enabled do not fit the key of its certificate.",
                       tw_rejection_text(c->base, how, sizeof how));
    return true;
}

const struct tw_rule tw_rule_cipher_cert_type_mismatch = {
    .id = "cipher-cert-type-mismatch",
    .title = "The enabled suites need another type of certificate",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Up to TLS 1.2 a suite also says what kind of key signs: ECDHE-ECDSA needs an EC "
               "certificate, ECDHE-RSA an RSA one. Suites of one kind with a certificate of the "
               "other leave nothing to choose, and the server says handshake_failure.",
    .evidence = "It passes with suites of the other authentication; or nothing at all passes.",
    .fix = {{"nginx", "Install certificates of both kinds, or enable the suites of the one you have.",
             "ssl_certificate rsa.pem;  ssl_certificate_key rsa.key;\n"
             "ssl_certificate ecdsa.pem; ssl_certificate_key ecdsa.key;"},
            {"Apache", "Enable suites of both kinds.",
             "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20"},
            {"client", "Offer suites of both kinds; TLS 1.3 has no such tie.", NULL}},
    .lookalikes = {{"cipher-no-overlap", "no suite is common, of either kind"},
                   {"server-no-cert-configured", "the server has no certificate at all"}},
    .refs = {"RFC 5246 §7.4.2", "RFC 8422 §2"},
    .match = match_cert_type,
};

/* ---- rsa-kx-removed ------------------------------------------------------------------------------------------ */

static bool match_rsa_kx(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *v = more_suites(c);
    const struct tw_suite *s = suite_of(v);
    if (s == NULL || s->kx != TW_KX_RSA || tw_case_passed(c, "wide-no-rsa-kx") ||
        tw_case_passed(c, "ciphers-other-auth"))
        return false;
    bool alone = tw_case_failed(c, "wide-no-rsa-kx");
    f->certainty = alone ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "server_hello";
    cite_offer(c, f, v);
    tw_finding_trial(f, c, "wide-no-rsa-kx");
    if (alone)
        tw_finding_not(f, "cipher-no-overlap", "everything but static RSA was offered and refused");
    char suite[64];
    tw_finding_summary(f, "The server has only suites with static RSA key exchange (%s), which "
                          "current clients no longer offer.",
                       tw_suite_label(v->cipher, suite, sizeof suite));
    return true;
}

const struct tw_rule tw_rule_rsa_kx_removed = {
    .id = "rsa-kx-removed",
    .title = "The server offers only static RSA key exchange",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "With TLS_RSA_* suites the client encrypts the secret to the server's key; whoever "
               "gets that key later can read everything. TLS 1.3 has no such suites, and Go since "
               "1.22, rustls, Java's 2025 updates and hardened policies dropped them.",
    .evidence = "Only TLS_RSA_WITH_* is accepted; with all other suites the server refuses.",
    .fix = {{"nginx", "Enable forward secrecy.",
             "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"},
            {"Apache", "Enable forward secrecy.",
             "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20"},
            {"Go client", "As a stop-gap only.", "GODEBUG=tlsrsakex=1"},
            {"Java client", "As a stop-gap only: remove TLS_RSA_* from the property.",
             "jdk.tls.disabledAlgorithms"}},
    .lookalikes = {{"cipher-no-overlap", "adding TLS_RSA_* does not help"}},
    .refs = {"RFC 9325 §4.1", "RFC 8446 §1.2"},
    .match = match_rsa_kx,
};

/* ---- dh-key-too-small ---------------------------------------------------------------------------------------- */

static bool match_dh_small(const struct tw_case *c, struct tw_finding *f)
{
    if (c->base == NULL)
        return false;
    const struct tw_conn_view *v = c->base;
    int64_t bits = dh_bits(c, v);
    if (bits == 0) {
        v = more_suites(c);
        bits = dh_bits(c, v);
    }
    if (bits == 0 || bits >= MIN_DH_BITS || tw_case_passed(c, "wide-no-dhe"))
        return false;
    f->certainty = v == c->base || tw_case_failed(c, "wide-no-dhe") ? TW_PROVEN : TW_LIKELY;
    f->failed_at = v == c->base ? "key_exchange" : "server_hello";
    if (v != c->base)
        cite_offer(c, f, v);
    char source[48];
    snprintf(source, sizeof source, "trial %u, ServerKeyExchange", v->conn);
    tw_finding_cite(f, "length of the DH prime", source, "%lld bits", (long long)bits);
    tw_finding_trial(f, c, "wide-no-dhe");
    tw_finding_summary(f, "The server's Diffie-Hellman group has %lld bits; clients want %d.",
                       (long long)bits, MIN_DH_BITS);
    return true;
}

const struct tw_rule tw_rule_dh_key_too_small = {
    .id = "dh-key-too-small",
    .title = "The server uses a small Diffie-Hellman group",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The server does finite-field Diffie-Hellman (DHE) over a group of 1024 bits or less. "
               "Such groups can be broken (Logjam), so clients refuse them: OpenSSL with \"dh key "
               "too small\", Firefox with a weak ephemeral key error.",
    .evidence = "The length of the prime in ServerKeyExchange.",
    .fix = {{"nginx", "Use a 2048-bit group, or only ECDHE suites.",
             "openssl dhparam -out dh.pem 2048    # then: ssl_dhparam dh.pem;"},
            {"Postfix", "Let it choose.", "smtpd_tls_dh1024_param_file = auto"},
            {"Java", "For servers on Java 8.", "-Djdk.tls.ephemeralDHKeySize=2048"},
            {"OpenSSL client", "As a stop-gap only.", "-cipher 'DEFAULT:!DH@SECLEVEL=1'"}},
    .lookalikes = {{"crypto-policy-seclevel", "the same check, on certificate keys or digests"},
                   {"cipher-no-overlap", "the group is large enough, but the client has no DHE"}},
    .refs = {"RFC 7919 §1", "RFC 9325 §4.1"},
    .match = match_dh_small,
};

/* ---- cipher-no-overlap ------------------------------------------------------------------------------------------ */

static bool match_rare(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *v = rare_suite(c);
    char suite[64];
    if (v == NULL || !tw_case_failed(c, "wide"))
        return false;
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    cite_offer(c, f, v);
    tw_finding_trial(f, c, "wide");
    tw_finding_not(f, "cipher-cert-type-mismatch", "it does choose a suite when others are offered");
    tw_finding_summary(f, "The server accepts only suites that hardly any client offers, such as %s.",
                       tw_suite_label(v->cipher, suite, sizeof suite));
    return true;
}

static bool match_cipher(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *v = more_suites(c);
    const struct tw_suite *s = suite_of(v);
    if (v == NULL)
        return match_rare(c, f);
    const struct tw_conn_view *better =
        tw_case_passed(c, "wide-no-rsa-kx") ? tw_case_trial(c, "wide-no-rsa-kx")
        : tw_case_passed(c, "wide-no-dhe")  ? tw_case_trial(c, "wide-no-dhe")
                                            : NULL;
    bool rsa_alone = s != NULL && s->kx == TW_KX_RSA && better == NULL;
    bool dh_alone = dh_bits(c, v) > 0 && dh_bits(c, v) < MIN_DH_BITS && better == NULL;
    if (rsa_alone || dh_alone || tw_case_passed(c, "ciphers-other-auth"))
        return false;
    const struct tw_conn_view *show = better != NULL ? better : v;
    f->certainty = TW_PROVEN;
    f->failed_at = "server_hello";
    struct tw_offer o;
    tw_offer_of(c, c->base, &o);
    cite_offer(c, f, show);
    tw_finding_trial(f, c, "groups-wide");
    tw_finding_trial(f, c, "sigalgs-wide");
    tw_finding_not(f, "group-no-overlap", "more groups alone do not help");
    tw_finding_not(f, "sigalg-no-overlap", "more signature algorithms alone do not help");
    char suite[64];
    tw_finding_summary(f, "The server accepts none of the suites offered; it does accept %s.",
                       tw_suite_label(show->cipher, suite, sizeof suite));
    return true;
}

const struct tw_rule tw_rule_cipher_no_overlap = {
    .id = "cipher-no-overlap",
    .title = "No common cipher suite",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The client lists the suites it can use, the server finds none that it has enabled, "
               "and refuses, usually with handshake_failure. One of the two lists is too narrow or "
               "too old.",
    .evidence = "The same ClientHello with more suites passes; more groups or signature algorithms "
                "do not help.",
    .fix = {{"nginx", "Use a current list.",
             "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"},
            {"Apache", "Use a current list.",
             "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20"},
            {"HAProxy", "Use a current list.",
             "ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20"},
            {"Windows", "Look at what is enabled.", "Get-TlsCipherSuite | Format-Table Name"},
            {"client", "Offer AES-GCM suites with ECDHE.", NULL}},
    .lookalikes = {{"cipher-cert-type-mismatch", "common suites exist, all for another key type"},
                   {"group-no-overlap", "common suites exist; it fails until groups are widened"},
                   {"sigalg-no-overlap", "it fails until signature algorithms are widened"},
                   {"server-no-cert-configured", "it fails with every suite"},
                   {"sni-required", "it passes with another server name"}},
    .refs = {"RFC 8446 §4.1.1", "RFC 5246 §7.4.1.3", "RFC 9325 §4.2"},
    .match = match_cipher,
};
