/*
 * Causes about the server's certificate. x509/ has put what is wrong with the best path into PATH
 * facts, where the trust store was; here each of them gets its name.
 */
#include "rules/cert_facts.h"

/* ---- cert-expired, cert-not-yet-valid ------------------------------------------------------------- */

/* Left before a renewal should have happened: 30 days, or a third of the life of short-lived ones. */
static int64_t renewal_time(const struct tw_cert *c)
{
    int64_t third = (c->not_after - c->not_before) / 3, month = INT64_C(30) * 86400;
    return third < month ? third : month;
}

/* Good still, but not for long. */
static bool match_expiring(const struct tw_case *c, struct tw_finding *f)
{
    struct cert_subject s;
    char span[32];
    const struct tw_fact *ok = cert_problem(c, TW_PATH_OK, TW_ANY_PLACE);
    if (ok == NULL || !cert_subject_of(c, ok, &s))
        return false;
    int64_t left = s.cert.not_after - c->wall_time;
    if (left < 0 || left > renewal_time(&s.cert))
        return false;
    cert_begin(c, f, ok, TW_PROVEN);
    f->next = true;
    cert_span_text(left, span, sizeof span);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "notAfter", s.source, "%s, in %s", s.not_after, span);
    tw_finding_summary(f, "The server's certificate (%s) expires in %s, at %s%s.", s.subject, span,
                       s.not_after, left < INT64_C(7) * 86400 ? "; renewal has failed, it seems" : "");
    return true;
}

/* Our clock is one witness; what others say decides how sure a date can be. */
static void cite_clock(const struct tw_case *c, struct tw_finding *f)
{
    char now[32];
    struct tw_clocks k;
    tw_clocks_of(c, &k);
    enum tw_clock_word w = tw_clock_word(c, &k);
    tw_finding_cite(f, "judged at", k.set_by_hand ? "--at" : "our clock", "%s",
                    tw_time_text(c->wall_time, now, sizeof now));
    if (w == TW_CLOCK_OURS_RIGHT)
        tw_finding_not(f, "clock-skew-client", "excluded: %s agrees with ours",
                       k.ntp != NULL ? "a time server's clock" : "the server's own clock");
    else if (w == TW_CLOCK_NO_WORD)
        tw_finding_not(f, "clock-skew-client", "not excluded: only our own clock was asked");
    else
        tw_finding_not(f, "clock-skew-client", "likely: by another clock the dates are in order");
    if (w == TW_CLOCK_DISAGREE)
        f->certainty = TW_LIKELY;
    else if (w == TW_CLOCK_OURS_WRONG)
        f->certainty = TW_POSSIBLE;
}

static bool match_expired(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_EXPIRED, 0);
    struct cert_subject s;
    char span[32];
    if (path == NULL || !cert_subject_of(c, path, &s))
        return match_expiring(c, f);
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "notAfter", s.source, "%s", s.not_after);
    cite_clock(c, f);
    tw_finding_not(f, "cert-renewed-not-reloaded", "not excluded: a newer file may lie on the "
                                                   "server's disk");
    tw_finding_summary(f, "The server's certificate (%s) expired %s ago, at %s.", s.subject,
                       cert_span_text(c->wall_time - s.cert.not_after, span, sizeof span), s.not_after);
    return true;
}

const struct tw_rule tw_rule_cert_expired = {
    .id = "cert-expired",
    .title = "The server's certificate has expired",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "A certificate says until when it may be used; that time is over. It was not renewed, "
               "or it was and the server still holds the old one in memory.",
    .evidence = "The leaf's notAfter is before the time of the check.",
    .fix = {{"certbot", "Renew, and reload the servers that use it.",
             "certbot renew --deploy-hook 'systemctl reload nginx postfix dovecot'"},
            {"nginx", "If the file is new already, reload.", "nginx -t && systemctl reload nginx"},
            {"HAProxy", "If the file is new already, reload.", "systemctl reload haproxy"},
            {"anyone", "Compare the file with what is served.",
             "openssl x509 -in fullchain.pem -noout -enddate"}},
    .lookalikes = {{"clock-skew-client", "the client's clock is wrong; all sites fail"},
                   {"cert-renewed-not-reloaded", "the file on disk is newer than what is served"},
                   {"chain-intermediate-expired", "not the leaf but an intermediate expired"},
                   {"chain-root-expired-cross-sign", "the leaf is valid, an old root is not"}},
    .refs = {"RFC 5280 §4.1.2.5", "RFC 5280 §6.1.3"},
    .match = match_expired,
};

static bool match_not_yet(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_NOT_YET_VALID, 0);
    struct cert_subject s;
    char span[32];
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_cite(f, "notBefore", s.source, "%s", s.not_before);
    cite_clock(c, f);
    tw_finding_summary(f, "The server's certificate (%s) is valid only from %s, %s from now.",
                       s.subject, s.not_before,
                       cert_span_text(s.cert.not_before - c->wall_time, span, sizeof span));
    return true;
}

const struct tw_rule tw_rule_cert_not_yet_valid = {
    .id = "cert-not-yet-valid",
    .title = "The server's certificate is not valid yet",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The certificate's first valid moment lies in the future: it was installed the "
               "moment it was issued, made on a host whose clock is fast, or with a time zone "
               "error. Often it is the client's clock that is slow.",
    .evidence = "The leaf's notBefore is after the time of the check.",
    .fix = {{"server", "Wait until then, or have it re-issued with an earlier notBefore.",
             "openssl x509 -in cert.pem -noout -startdate; date -u"},
            {"private CA", "Issue with notBefore one hour back; set the CA host's clock.", NULL},
            {"client", "Check the clock first.", "timedatectl; chronyc tracking"}},
    .lookalikes = {{"clock-skew-client", "much more common; many sites fail"}},
    .refs = {"RFC 5280 §4.1.2.5"},
    .match = match_not_yet,
};

/* ---- trust ------------------------------------------------------------------------------------------ */

static bool match_self_signed(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_SELF_SIGNED_LEAF, TW_ANY_PLACE);
    struct cert_subject s;
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "subject and issuer", s.source, "%s", s.subject);
    tw_finding_fact(f, "trust", path);
    tw_finding_not(f, "untrusted-private-ca", "nobody else issued it: it signs itself");
    tw_finding_not(f, "interception-proxy", "not excluded without a look from another network");
    tw_finding_summary(f, "The server's certificate (%s) is signed by itself and nobody the client "
                          "trusts vouches for it.", s.subject);
    return true;
}

const struct tw_rule tw_rule_self_signed_leaf = {
    .id = "self-signed-leaf",
    .title = "The server's certificate is self-signed",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The certificate was not issued by a CA but signed with its own key, as install "
               "scripts and appliances do by default. A client can trust it only if it was given "
               "that very certificate before.",
    .evidence = "Issuer equals subject, the signature verifies with its own key, and it is no "
                "trust anchor.",
    .fix = {{"certbot", "Get a certificate from a CA.", "certbot --nginx -d NAME"},
            {"client", "Or trust this one, after comparing its fingerprint over another way.",
             "curl --cacert server.pem https://..."},
            {"Node.js", "", "NODE_EXTRA_CA_CERTS=server.pem"},
            {"Java", "", "keytool -importcert -alias server -file server.pem -keystore trust.p12"}},
    .lookalikes = {{"default-placeholder-cert", "its name tells a product's default"},
                   {"untrusted-private-ca", "a CA of one's own stands above it"},
                   {"interception-proxy", "from another network a CA's certificate is seen"}},
    .refs = {"RFC 5280 §6.1", "RFC 5280 §3.2"},
    .match = match_self_signed,
};

static const struct tw_fact *issuer_hint(const struct tw_case *c, const struct tw_fact *path)
{
    return tw_trace_first(c->trace, path->conn, TW_FACT_FIELD, "missing_issuer_hint");
}

/* Only the leaf came, and something speaks for a CA that the client knows behind its issuer. */
static bool speaks_for_known_ca(const struct tw_case *c, const struct tw_fact *path)
{
    const struct tw_fact *hint = issuer_hint(c, path);
    return hint != NULL && hint->num > 0;
}

static bool match_missing_intermediate(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_MISSING_ISSUER, TW_ANY_PLACE);
    struct cert_subject s;
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    const struct tw_fact *hint = issuer_hint(c, path);
    bool known = speaks_for_known_ca(c, path), only_leaf = !s.cert.is_ca;
    if (!known && !only_leaf)
        return false; /* a CA's certificate is the last one: its root is simply not known */
    const struct tw_fact *completes = tw_trace_last(c->trace, path->conn, TW_FACT_CHECK,
                                                    "aia_completes");
    bool proven = completes != NULL && completes->num == 1;
    cert_begin(c, f, path, proven ? TW_PROVEN : known ? TW_LIKELY : TW_POSSIBLE);
    if (proven)
        tw_finding_cite(f, "fetched from where AIA says", "our check", "%s", completes->text);
    tw_finding_cite(f, "last certificate sent", s.source, "%s", s.subject);
    tw_finding_cite(f, "its issuer, which was not sent", s.source, "%s", s.issuer);
    if (hint != NULL && known)
        tw_finding_fact(f, hint->num == 2 ? "a known CA stands behind it" : "AIA names the issuer at",
                        hint);
    tw_finding_not(f, "untrusted-private-ca",
                   proven  ? "excluded: the missing link leads to a trusted root"
                   : known ? "not excluded until the issuer is fetched (--online does)"
                           : "equally possible: nothing tells the issuer");
    tw_finding_summary(f, "The server does not send the intermediate certificate \"%s\", so clients "
                          "cannot link its certificate to a root they trust.", s.issuer);
    return true;
}

const struct tw_rule tw_rule_chain_missing_intermediate = {
    .id = "chain-missing-intermediate",
    .title = "The server does not send the intermediate certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Clients know root CAs only; the certificates between the root and the server's own "
               "must come from the server. Browsers often fill the hole from memory or by "
               "download, so \"it works in the browser\" while curl, Java, Go and Python fail.",
    .evidence = "The chain as sent ends with a certificate whose issuer is neither sent nor a trust "
                "anchor, though a known CA stands behind it.",
    .fix = {{"nginx", "Serve the full chain.",
             "ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem;"},
            {"Apache", "2.4.8 and later: leaf and intermediates in one file.",
             "SSLCertificateFile /etc/letsencrypt/live/NAME/fullchain.pem"},
            {"HAProxy", "One file with leaf, intermediates and key.",
             "cat fullchain.pem privkey.pem > /etc/haproxy/certs/NAME.pem"},
            {"Java", "Import the CA's whole reply into the key entry.",
             "keytool -importcert -alias server -file chain.p7b -keystore keystore.p12"},
            {"IIS", "Install the intermediate under Local Machine, Intermediate Certification "
                    "Authorities, then bind again.", NULL}},
    .lookalikes = {{"untrusted-private-ca", "the missing issuer belongs to a CA nobody ships"},
                   {"trust-store-outdated", "the chain is complete, its root is too new"},
                   {"chain-wrong-intermediate", "one is sent, but it is not the leaf's issuer"},
                   {"interception-proxy", "another issuer is seen from outside"}},
    .refs = {"RFC 8446 §4.4.2", "RFC 5246 §7.4.2", "RFC 5280 §4.2.2.1"},
    .match = match_missing_intermediate,
};

/* ---- name-mismatch ------------------------------------------------------------------------------------- */

static bool match_name(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *path = cert_problem(c, TW_PATH_NAME_MISMATCH, TW_ANY_PLACE);
    struct cert_subject s;
    if (path == NULL || !cert_subject_of(c, path, &s))
        return false;
    const char *name = tw_trace_setting(c->trace, "verify_name");
    char nearest[256] = "";
    tw_cert_name_match(&s.cert, name == NULL ? "" : name, nearest, sizeof nearest);
    cert_begin(c, f, path, TW_PROVEN);
    tw_finding_cite(f, "asked for", "settings", "%s", name == NULL ? "" : name);
    tw_finding_fact(f, "names in the certificate", path);
    if (nearest[0] != '\0')
        tw_finding_cite(f, "nearest name in it", s.source, "%s", nearest);
    tw_finding_cite(f, "certificate", s.source, "%s", s.subject);
    tw_finding_not(f, "wrong-vhost-default-cert", "not excluded: another site of this server may "
                                                  "have the right one");
    tw_finding_not(f, "dns-wrong-address", "not excluded: the address may be somebody else's");
    tw_finding_summary(f, "The server's certificate does not cover the name %s%s%s.",
                       name == NULL ? "" : name, nearest[0] != '\0' ? "; the nearest in it is " : "",
                       nearest);
    return true;
}

const struct tw_rule tw_rule_name_mismatch = {
    .id = "name-mismatch",
    .title = "The certificate does not cover the requested name",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The client compares the name it wanted with the names in the certificate's "
               "subjectAltName; none fits. The certificate lacks a name, the client uses an alias "
               "or address, or another site's certificate was sent.",
    .evidence = "No dNSName or iPAddress in subjectAltName matches the name asked for.",
    .fix = {{"certbot", "Issue for all names.", "certbot --expand -d example.org -d www.example.org"},
            {"nginx", "One server block per name, each with its certificate.",
             "server_name www.example.org;\nssl_certificate /etc/letsencrypt/live/www.example.org/"
             "fullchain.pem;"},
            {"client", "Use a name that the certificate has.", NULL}},
    .lookalikes = {{"wrong-vhost-default-cert", "the right certificate is there, for another site"},
                   {"dns-wrong-address", "the server belongs to somebody else"},
                   {"captive-portal", "the network's portal answers"},
                   {"wildcard-depth", "*.example.org does not cover a.b.example.org"},
                   {"san-missing", "the name stands only in the subject's CN"}},
    .refs = {"RFC 9525 §6", "RFC 6125 §6.4"},
    .match = match_name,
};
