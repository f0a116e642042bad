/*
 * Causes about revocation. x509/ has judged staples, OCSP answers and CRLs into REVOCATION facts;
 * the driver has put downloads that failed into FETCH facts. Here each gets its name, and what a
 * client that insists on an answer (hard-fail) makes of it is kept apart from one that goes on.
 */
#include "rules/rules_internal.h"

#include "x509/ocsp.h"
#include "x509/crl.h"

/* The connection whose certificates were looked at: the first with such facts. */
static uint32_t looked_at(const struct tw_case *c)
{
    for (size_t i = 0; i < c->conns_n; i++)
        if (tw_trace_first(c->trace, c->conns[i].conn, TW_FACT_CT, NULL) != NULL ||
            tw_trace_first(c->trace, c->conns[i].conn, TW_FACT_REVOCATION, NULL) != NULL)
            return c->conns[i].conn;
    return 0;
}

static bool leaf_of(const struct tw_case *c, uint32_t conn, struct tw_cert *leaf)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_CERTIFICATE, NULL)) != NULL)
        if (f->from == TW_SERVER && f->num == 0) {
            tw_cert_parse(f->data, leaf);
            return true;
        }
    return false;
}

static const struct tw_fact *path_cert(const struct tw_case *c, uint32_t conn, int64_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_PATH_CERT, NULL)) != NULL)
        if (f->num == place)
            return f;
    return NULL;
}

/* Subject of the certificate at a place of the path, for texts. */
static const char *subject_at(const struct tw_case *c, uint32_t conn, int64_t place, char *buf,
                              size_t cap)
{
    struct tw_cert cert;
    const struct tw_fact *f = path_cert(c, conn, place);
    if (f != NULL)
        tw_cert_parse(f->data, &cert);
    else if (place != 0 || !leaf_of(c, conn, &cert))
        return "";
    return tw_dn_text(cert.subject, buf, cap);
}

static bool hard_fail(const struct tw_case *c)
{
    return tw_trace_setting_num(c->trace, "hard_fail", 0) != 0;
}

static const char *origin(const struct tw_fact *f)
{
    if (strcmp(f->field, "staple") == 0)
        return "stapled OCSP response";
    return strcmp(f->field, "ocsp") == 0 ? "the CA's OCSP responder" : "the CA's CRL";
}

/* "trial 1, Certificate 0" */
static const char *cert_source(uint32_t conn, int64_t place, char *buf, size_t cap)
{
    snprintf(buf, cap, "trial %u, certificate %lld of the path", conn, (long long)place);
    return buf;
}

static void begin(const struct tw_case *c, struct tw_finding *f, uint32_t conn,
                  enum tw_certainty certainty)
{
    f->certainty = certainty;
    f->failed_at = "certificate";
    f->next = c->base == NULL || conn != c->base->conn;
}

static const struct tw_fact *status(const struct tw_case *c, uint32_t conn, const char *field,
                                    int64_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_REVOCATION, field)) != NULL)
        if (f->aux == place)
            return f;
    return NULL;
}

static bool judged(const struct tw_case *c, uint32_t conn, int64_t place)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_REVOCATION, NULL)) != NULL)
        if (f->aux == place && (f->num == TW_REV_GOOD || f->num == TW_REV_REVOKED))
            return true;
    return false;
}

/* ---- revoked ------------------------------------------------------------------------------------------ */

static bool match_revoked(const struct tw_case *c, struct tw_finding *f)
{
    char dn[160], src[64];
    uint32_t conn = looked_at(c);
    const struct tw_fact *x = NULL;
    do
        x = conn == 0 ? NULL : tw_trace_next(c->trace, x, conn, TW_FACT_REVOCATION, NULL);
    while (x != NULL && x->num != TW_REV_REVOKED);
    if (x == NULL)
        return false;
    begin(c, f, conn, TW_PROVEN);
    subject_at(c, conn, x->aux, dn, sizeof dn);
    tw_finding_cite(f, x->aux == 0 ? "certificate" : "intermediate certificate",
                    cert_source(conn, x->aux, src, sizeof src), "%s", dn);
    tw_finding_cite(f, "its CA says", origin(x), "%s", x->text);
    tw_finding_not(f, "cert-expired", "revoked is another matter than the dates");
    if (strcmp(x->field, "staple") != 0)
        tw_finding_not(f, "ocsp-staple-invalid", "the answer came from the CA itself");
    tw_finding_summary(f, "The CA has revoked the %s (%s): %s.",
                       x->aux == 0 ? "server's certificate" : "intermediate certificate", dn,
                       x->text);
    return true;
}

const struct tw_rule tw_rule_revoked = {
    .id = "revoked",
    .title = "The certificate has been revoked",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The CA has taken the certificate back before its end: its key leaked, it was "
               "replaced, or the CA found that it should not have been issued. Browsers and "
               "Windows ask or are told, most libraries do not, so some clients fail and others "
               "do not.",
    .evidence = "A valid OCSP response or CRL of the CA lists the serial number as revoked.",
    .fix = {{"certbot", "Get a new certificate, with a new key when the old one may be known.",
             "certbot renew --force-renewal --no-reuse-key"},
            {"anyone", "Ask the CA why; after a mass revocation its mail names the date.", NULL},
            {"nginx", "Reload after the change, so that the old staple goes too.",
             "systemctl reload nginx"}},
    .lookalikes = {{"revocation-unreachable", "no answer came at all"},
                   {"crl-expired", "the list is old; nobody says that it was revoked"},
                   {"ca-distrusted", "the browser's maker refuses the whole CA"}},
    .refs = {"RFC 6960 §2.2", "RFC 5280 §5.3.1", "RFC 5280 §6.3"},
    .match = match_revoked,
};

/* ---- ocsp-must-staple-missing ---------------------------------------------------------------------------- */

static bool offered_status_request(const struct tw_case *c, uint32_t conn)
{
    struct tw_client_hello m = {0};
    struct tw_view body;
    const struct tw_fact *f = tw_trace_message(c->trace, conn, TW_CLIENT, TW_MSG_CLIENT_HELLO);
    if (f == NULL)
        return false;
    struct tw_reader r = tw_rd_of(f->data);
    return tw_client_hello_decode(&r, &m) && tw_ext_find(m.extensions, TW_EXT_STATUS_REQUEST, &body);
}

static bool has_staple(const struct tw_case *c, uint32_t conn)
{
    const struct tw_fact *f = NULL;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_FIELD, "ocsp_response")) != NULL)
        if (f->from == TW_SERVER && f->aux == 0)
            return true;
    return false;
}

bool tw_staple_missing(const struct tw_case *c)
{
    struct tw_cert leaf;
    const struct tw_conn_view *b = c->base;
    return b != NULL && !b->resumed && b->phase >= TW_PHASE_KEY_EXCHANGE &&
           leaf_of(c, b->conn, &leaf) && leaf.must_staple && offered_status_request(c, b->conn) &&
           !has_staple(c, b->conn);
}

static bool match_must_staple(const struct tw_case *c, struct tw_finding *f)
{
    char dn[160], src[64], again_src[32];
    struct tw_view url;
    struct tw_cert leaf;
    if (!tw_staple_missing(c) || !leaf_of(c, c->base->conn, &leaf))
        return false;
    const struct tw_conn_view *again = tw_case_trial(c, "repeat");
    begin(c, f, c->base->conn, TW_PROVEN);
    tw_dn_text(leaf.subject, dn, sizeof dn);
    cert_source(c->base->conn, 0, src, sizeof src);
    tw_finding_cite(f, "certificate", src, "%s", dn);
    tw_finding_cite(f, "TLS feature in it", src, "status_request: it must come with a staple");
    tw_finding_cite(f, "asked for and not sent", "ClientHello, status_request", "CertificateStatus");
    if (again != NULL && again->ok) {
        snprintf(again_src, sizeof again_src, "trial %u", again->conn);
        tw_finding_cite(f, "the same again", again_src, "%s",
                        has_staple(c, again->conn)
                            ? "now it came: the server fetches it only after the first request"
                            : "no staple either");
    }
    if (tw_cert_aia_urls(&leaf, true, &url, 1) == 0)
        tw_finding_cite(f, "OCSP responder in it", src, "none: this CA no longer answers OCSP, so "
                                                         "nothing can be stapled");
    tw_finding_not(f, "ocsp-staple-invalid", "no staple came that could be wrong");
    tw_finding_summary(f, "The server's certificate (%s) demands a stapled OCSP response and the "
                          "server sends none; Firefox and GnuTLS refuse it.", dn);
    return true;
}

const struct tw_rule tw_rule_ocsp_must_staple_missing = {
    .id = "ocsp-must-staple-missing",
    .title = "The certificate demands a stapled OCSP response and none is sent",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "With the TLS feature extension (\"must-staple\") a certificate says that its server "
               "always sends a fresh OCSP response along. Clients that honour it refuse the "
               "handshake without one. nginx sends none for the first request after each reload, "
               "and none at all when it cannot reach the responder.",
    .evidence = "The leaf has the TLS feature status_request, the client asked for a status, and no "
                "CertificateStatus came.",
    .fix = {{"certbot", "Re-issue without must-staple; CAs that stopped OCSP require it.",
             "certbot certonly --force-renewal -d NAME   # without --must-staple"},
            {"nginx", "Turn stapling on; give the response as a file so that no request is without.",
             "ssl_stapling on;\nssl_stapling_file /etc/nginx/ocsp/NAME.der;\n"
             "resolver 127.0.0.53;"},
            {"Apache", "Turn stapling on.",
             "SSLUseStapling On\nSSLStaplingCache shmcb:/var/run/ocsp(128000)"},
            {"HAProxy", "2.8 and later update staples by themselves.",
             "ocsp-update on"}},
    .lookalikes = {{"ocsp-staple-invalid", "a staple came, but it is old or wrong"},
                   {"revocation-unreachable", "the client itself asks the CA in vain"}},
    .refs = {"RFC 7633 §4.2.3", "RFC 6066 §8", "RFC 8446 §4.4.2.1"},
    .match = match_must_staple,
};

/* ---- ocsp-staple-invalid ------------------------------------------------------------------------------------ */

static bool match_staple_invalid(const struct tw_case *c, struct tw_finding *f)
{
    char dn[160], now[32], src[64];
    struct tw_cert leaf;
    uint32_t conn = looked_at(c);
    const struct tw_fact *x = conn == 0 ? NULL : status(c, conn, "staple", 0);
    bool wrong = x != NULL && (x->num == TW_REV_UNKNOWN ||
                               (x->num == TW_REV_UNDECIDED && x->off != TW_OCSP_WHY_NONE));
    if (!wrong || !leaf_of(c, conn, &leaf))
        return false;
    begin(c, f, conn, TW_PROVEN);
    f->next = f->next || !leaf.must_staple;
    tw_dn_text(leaf.subject, dn, sizeof dn);
    tw_finding_cite(f, "certificate", cert_source(conn, 0, src, sizeof src), "%s%s", dn,
                    leaf.must_staple ? " (must-staple)" : "");
    tw_finding_cite(f, "stapled OCSP response", "RFC 6960 3.2", "%s", x->text);
    if (x->off == TW_OCSP_WHY_EXPIRED || x->off == TW_OCSP_WHY_NOT_YET) {
        tw_finding_cite(f, "judged at", "our clock, or --at", "%s",
                        tw_time_text(c->wall_time, now, sizeof now));
        tw_finding_not(f, "clock-skew-client", "not excluded: only our own clock was asked");
    }
    tw_finding_not(f, "ocsp-must-staple-missing", "a staple was sent");
    tw_finding_summary(f, "The server staples an OCSP response that does not count: %s. %s", x->text,
                       leaf.must_staple ? "The certificate demands a good one."
                                        : "Firefox refuses that; curl and OpenSSL do not look.");
    return true;
}

const struct tw_rule tw_rule_ocsp_staple_invalid = {
    .id = "ocsp-staple-invalid",
    .title = "The stapled OCSP response is old or wrong",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "The server sends an OCSP response with its certificate, but the response is past "
               "its end, about another certificate, or not signed by whom the CA allows. It stands "
               "in a file or a cache that nobody renews, or belongs to the certificate before.",
    .evidence = "A status was sent in the handshake, and the checks of RFC 6960 3.2 fail on it.",
    .fix = {{"nginx", "Renew the file from which it is stapled, or let nginx fetch it.",
             "openssl ocsp -issuer chain.pem -cert cert.pem -respout NAME.der \\\n"
             "  -url $(openssl x509 -in cert.pem -noout -ocsp_uri) && systemctl reload nginx"},
            {"Apache", "Let errors not be passed on; clear the cache by a restart.",
             "SSLStaplingReturnResponderErrors off"},
            {"HAProxy", "Update the response at run time, or turn updates on.",
             "echo \"set ssl ocsp-response $(base64 -w0 NAME.ocsp)\" | socat - /run/haproxy.sock"},
            {"server", "Check that its clock and its way to the responder work.", NULL}},
    .lookalikes = {{"ocsp-must-staple-missing", "no staple was sent at all"},
                   {"clock-skew-client", "the response is current, the client's clock is not"},
                   {"revoked", "the response is good and says revoked"}},
    .refs = {"RFC 6960 §3.2", "RFC 6066 §8", "RFC 8446 §4.4.2.1"},
    .match = match_staple_invalid,
};

/* ---- revocation-unreachable ------------------------------------------------------------------------------------ */

/* A download for revocation that failed where nothing else gave an answer. */
static const struct tw_fact *failed_fetch(const struct tw_case *c, uint32_t conn,
                                          const struct tw_fact *after)
{
    const struct tw_fact *f = after;
    while ((f = tw_trace_next(c->trace, f, conn, TW_FACT_FETCH, NULL)) != NULL) {
        bool revocation = strcmp(f->field, "ocsp") == 0 || strcmp(f->field, "crl") == 0;
        if (revocation && f->aux != TW_FETCH_OK && f->aux != TW_FETCH_NOT_TRIED &&
            !judged(c, conn, (int64_t)f->off))
            return f;
    }
    return NULL;
}

static void say_who_minds(const struct tw_case *c, struct tw_finding *f)
{
    tw_finding_cite(f, "clients that go on without (soft-fail)", "by design", "browsers, curl with "
                    "OpenSSL or GnuTLS, Go, Python, Node.js");
    tw_finding_cite(f, "clients that refuse (hard-fail)", "by design", "curl and git on Windows "
                    "(Schannel), .NET and Java with revocation checking on, OpenSSL with -crl_check");
    f->next = f->next || !hard_fail(c);
}

static bool match_unreachable(const struct tw_case *c, struct tw_finding *f)
{
    char dn[160], src[64];
    uint32_t conn = looked_at(c);
    const struct tw_fact *x = conn == 0 ? NULL : failed_fetch(c, conn, NULL), *first = x;
    if (x == NULL)
        return false;
    begin(c, f, conn, TW_PROVEN);
    subject_at(c, conn, (int64_t)x->off, dn, sizeof dn);
    tw_finding_cite(f, "certificate", cert_source(conn, (int64_t)first->off, src, sizeof src), "%s",
                    dn);
    for (int n = 0; x != NULL && n < 4; x = failed_fetch(c, conn, x), n++)
        tw_finding_cite(f, x->text, strcmp(x->field, "ocsp") == 0 ? "OCSP request" : "CRL download",
                        x->num > 0 ? "%s (HTTP %lld)" : "%s",
                        tw_fetch_end_text((enum tw_fetch_end)x->aux), (long long)x->num);
    say_who_minds(c, f);
    tw_finding_not(f, "revoked", "no answer came, neither yes nor no");
    tw_finding_summary(f, "Whether \"%s\" is revoked cannot be found out from here (%s: %s); clients "
                          "that insist on an answer refuse it.", dn, first->text,
                       tw_fetch_end_text((enum tw_fetch_end)first->aux));
    return true;
}

const struct tw_rule tw_rule_revocation_unreachable = {
    .id = "revocation-unreachable",
    .title = "The CA's revocation service cannot be reached",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The certificate names an OCSP responder or a CRL where a client may ask whether it "
               "was revoked; from this network neither answers. Most clients go on without "
               "(soft-fail); those that insist (hard-fail), above all on Windows and in Java, "
               "refuse the certificate, often after a long wait.",
    .evidence = "The URLs in the certificate were asked over HTTP and gave no usable answer.",
    .fix = {{"firewall", "Allow HTTP (port 80) to the hosts named above.", NULL},
            {"Windows", "Give services the proxy that users have.",
             "netsh winhttp set proxy proxy.example:3128"},
            {"curl on Windows", "Let an unknown status pass.", "curl --ssl-revoke-best-effort URL"},
            {"git on Windows", "", "git config --global http.schannelCheckRevoke false"},
            {"Java", "Soft-fail for the path checker.",
             "PKIXRevocationChecker.Option.SOFT_FAIL"},
            {"CA", "A private CA: serve the CRL where the certificates say, or leave the URL out.",
             NULL}},
    .lookalikes = {{"revoked", "an answer came, and it says revoked"},
                   {"crl-expired", "a list came, but an old one"},
                   {"interception-proxy", "a forged certificate names no such URL at all"}},
    .refs = {"RFC 5280 §6.3", "RFC 6960 §2.4", "RFC 5280 §4.2.2.1"},
    .match = match_unreachable,
};

/* ---- crl-expired -------------------------------------------------------------------------------------------------- */

static bool match_crl_expired(const struct tw_case *c, struct tw_finding *f)
{
    char dn[160], now[32], src[64];
    uint32_t conn = looked_at(c);
    const struct tw_fact *x = NULL;
    do
        x = conn == 0 ? NULL : tw_trace_next(c->trace, x, conn, TW_FACT_REVOCATION, "crl");
    while (x != NULL && !(x->num == TW_REV_UNDECIDED && x->off == TW_CRL_WHY_EXPIRED));
    if (x == NULL || judged(c, conn, x->aux))
        return false;
    begin(c, f, conn, TW_PROVEN);
    f->side = TW_CA;
    tw_finding_cite(f, "certificate", cert_source(conn, x->aux, src, sizeof src), "%s",
                    subject_at(c, conn, x->aux, dn, sizeof dn));
    tw_finding_cite(f, "CRL", "RFC 5280 6.3.3", "%s", x->text);
    tw_finding_cite(f, "judged at", "our clock, or --at", "%s",
                    tw_time_text(c->wall_time, now, sizeof now));
    say_who_minds(c, f);
    tw_finding_not(f, "clock-skew-client", "not excluded: only our own clock was asked");
    tw_finding_not(f, "revoked", "an expired list decides nothing");
    tw_finding_summary(f, "The CA's revocation list has expired: %s; clients that insist on a "
                          "current one refuse every certificate of this CA.", x->text);
    return true;
}

const struct tw_rule tw_rule_crl_expired = {
    .id = "crl-expired",
    .title = "The CA's revocation list has expired",
    .category = "certificate",
    .side = TW_CA,
    .explain = "A CRL says until when it may be used. This one is past that time: the CA's job that "
               "signs a new one stopped, or the new one was not copied to where clients fetch it. "
               "Clients that check CRLs then refuse every certificate of that CA at once.",
    .evidence = "The CRL's nextUpdate is before the time of the check, and no other source decides.",
    .fix = {{"openssl ca", "Sign and publish a new list, by a timer.",
             "openssl ca -config ca.cnf -gencrl -out crl.pem"},
            {"Microsoft CA", "", "certutil -crl"},
            {"easy-rsa", "", "./easyrsa gen-crl && cp pki/crl.pem /etc/openvpn/"},
            {"client", "Where the list is a local file, fetch it again before its end.", NULL}},
    .lookalikes = {{"revocation-unreachable", "no list came at all"},
                   {"clock-skew-client", "the list is current, the client's clock is not"},
                   {"revoked", "a current list has the certificate on it"}},
    .refs = {"RFC 5280 §5.1.2.5", "RFC 5280 §6.3.3"},
    .match = match_crl_expired,
};
