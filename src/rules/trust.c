/*
 * Causes about whom the client trusts: no store, a store without anchors, a file that cannot be
 * read, a store older than the root, a CA that was thrown out, and a CA that nobody ever had.
 */
#include "rules/chain.h"
#include "rules/tables.h"

/* ---- the store itself ------------------------------------------------------------------------------- */

/* The chain leads to no anchor because the judging store is like this. */
static const struct tw_fact *store_is(const struct tw_case *c, uint32_t conn, const char *field)
{
    return chain_untrusted(c, conn) == NULL ? NULL : store_fact(c, field, 0);
}

static void cite_store(const struct tw_case *c, struct tw_finding *f, uint32_t conn,
                       const struct tw_fact *store)
{
    const struct tw_fact *count = store_fact(c, "anchors", 0);
    tw_finding_cite(f, "trust store", "read before the chain was judged", "%s",
                    store->text == NULL ? "" : store->text);
    if (count != NULL)
        tw_finding_cite(f, "roots in it", "the same", "%lld", (long long)count->num);
    cite_stores(c, f, conn);
}

static bool match_store_missing(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    const struct tw_fact *s = store_is(c, conn, "missing");
    if (s == NULL)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    cite_store(c, f, conn, s);
    tw_finding_not(f, "untrusted-private-ca", "every server's chain fails here, whoever issued it");
    tw_finding_not(f, "ca-file-unreadable", "no path is configured that fails to open");
    tw_finding_summary(f, "This client has no trust store (%s): no server's certificate can be "
                          "verified.", s->text);
    return true;
}

const struct tw_rule tw_rule_trust_store_missing = {
    .id = "trust-store-missing",
    .title = "The client has no trust store at all",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "Verification needs a list of root CAs, and there is none where this client looks. "
               "Small container images (scratch, distroless, slim) ship without ca-certificates, and "
               "relocated or static builds look in a directory that does not exist here.",
    .evidence = "None of the known places holds a bundle, or the store has no anchors; every server "
                "fails.",
    .fix = {{"Debian, Ubuntu", "", "apt-get install -y ca-certificates"},
            {"Alpine", "", "apk add --no-cache ca-certificates"},
            {"RHEL, Fedora", "", "dnf install -y ca-certificates"},
            {"Docker", "Copy the bundle into an empty image.",
             "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/"},
            {"OpenSSL, Go", "Or say where it is.", "SSL_CERT_FILE=/path/ca-bundle.crt"},
            {"Python on macOS", "", "'/Applications/Python 3.x/Install Certificates.command'"},
            {"anyone", "See where OpenSSL looks.", "openssl version -d"}},
    .lookalikes = {{"untrusted-private-ca", "only one host fails"},
                   {"ca-file-unreadable", "a path is configured, and wrong"},
                   {"truststore-empty", "a store is there and holds no root"}},
    .refs = {"RFC 5280 §6.1.1"},
    .match = match_store_missing,
};

static bool match_empty(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    const struct tw_fact *s = store_is(c, conn, "empty");
    if (s == NULL)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    cite_store(c, f, conn, s);
    tw_finding_not(f, "trust-store-missing", "the store is there");
    tw_finding_not(f, "untrusted-private-ca", "every server's chain fails here, whoever issued it");
    tw_finding_summary(f, "The trust store holds no trusted root: %s.", s->text);
    return true;
}

const struct tw_rule tw_rule_truststore_empty = {
    .id = "truststore-empty",
    .title = "The trust store holds no trusted root",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The store's file is there and readable, but nothing in it is a trust anchor: it is "
               "empty, holds only a private key with its own chain, or (PKCS#12) certificates "
               "without the mark by which Java knows an anchor. Java then says \"the trustAnchors "
               "parameter must be non-empty\".",
    .evidence = "The store was read to its end and gave no anchor.",
    .fix = {{"Java", "Look at the entries: trustedCertEntry is what is needed.",
             "keytool -list -keystore truststore.p12"},
            {"Java", "Make it with keytool; openssl pkcs12 -export -nokeys sets no trust mark.",
             "keytool -importcert -alias ca -file ca.pem -keystore truststore.p12 -storetype PKCS12"},
            {"Java", "Name file and type together.",
             "-Djavax.net.ssl.trustStore=truststore.p12 -Djavax.net.ssl.trustStoreType=PKCS12"},
            {"OpenSSL, curl", "The bundle is an empty file: install it again.",
             "apt-get install --reinstall ca-certificates && update-ca-certificates --fresh"}},
    .lookalikes = {{"trust-store-missing", "there is no store at all"},
                   {"ca-file-unreadable", "the file does not open"},
                   {"untrusted-private-ca", "the store has roots, but not this one"}},
    .refs = {"RFC 5280 §6.1.1", "RFC 7292 §4.2"},
    .match = match_empty,
};

/* A store that others on this machine use; it fails nothing here. */
static bool other_unreadable(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const struct tw_fact *s = other_store_fact(c, "unreadable");
    if (s == NULL || conn == 0)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    f->next = true;
    tw_finding_cite(f, "trust store", "read for comparison", "%s", s->text);
    tw_finding_summary(f, "Programs that use this store cannot verify anybody: %s.", s->text);
    return true;
}

static bool match_unreadable(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    const struct tw_fact *s = store_is(c, conn, "unreadable");
    if (s == NULL)
        s = store_is(c, conn, "damaged");
    if (s == NULL)
        return other_unreadable(c, f, conn);
    chain_begin(c, f, conn, TW_PROVEN);
    cite_store(c, f, conn, s);
    tw_finding_not(f, "trust-store-missing", "a path is configured; it is that one that fails");
    const struct tw_fact *count = store_fact(c, "anchors", 0);
    if (count != NULL && count->num > 0) {
        f->certainty = TW_LIKELY;
        tw_finding_not(f, "untrusted-private-ca", "not excluded: the rest of the store was read and "
                                                  "does not know this CA");
    }
    tw_finding_summary(f, "The client's CA file cannot be used: %s.", s->text);
    return true;
}

const struct tw_rule tw_rule_ca_file_unreadable = {
    .id = "ca-file-unreadable",
    .title = "The configured CA file or directory cannot be read",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "An environment variable or setting names a CA file that is not there, may not be "
               "read, or is damaged: SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, git's "
               "http.sslCAInfo. Often a leftover of an old installation or of another container.",
    .evidence = "Opening the path fails, or its content is no certificate.",
    .fix = {{"shell", "Unset it, or correct the path.",
             "env | grep -i -E 'ssl_cert|ca_bundle|extra_ca'; unset SSL_CERT_FILE"},
            {"git", "", "git config --show-origin --get http.sslCAInfo; git config --global --unset "
                        "http.sslCAInfo"},
            {"curl", "Exit status 77 says the same.",
             "curl --cacert /etc/ssl/certs/ca-certificates.crt https://..."},
            {"OpenSSL", "A directory needs hash links.", "openssl rehash DIR"},
            {"PHP", "", "php -i | grep -E 'openssl.cafile|curl.cainfo'"}},
    .lookalikes = {{"trust-store-missing", "nothing is configured and no bundle is found"},
                   {"truststore-empty", "the file opens and holds no root"}},
    .refs = {"RFC 5280 §6.1.1"},
    .match = match_unreadable,
};

/* ---- ca-distrusted ---------------------------------------------------------------------------------------- */

/* Earliest timestamp of the embedded SCTs (RFC 6962 3.3), else notBefore; unix seconds. */
static int64_t issued_at(const struct tw_cert *leaf, bool *by_sct)
{
    struct tw_reader r = tw_rd_of(leaf->scts);
    int64_t first = INT64_MAX;
    /* the extension's value is an OCTET STRING around the list */
    if (tw_rd_left(&r) > 4 && r.data[r.pos] == 0x04) {
        tw_rd_u8(&r, "OCTET STRING");
        size_t len = tw_rd_u8(&r, "length");
        if (len > 0x80 && len <= 0x82)
            tw_rd_uint(&r, len - 0x80, "length");
    }
    struct tw_reader list = tw_rd_sub(&r, 2, "SignedCertificateTimestampList");
    while (tw_rd_more(&list)) {
        struct tw_reader sct = tw_rd_sub(&list, 2, "SerializedSCT");
        tw_rd_bytes(&sct, 1 + 32, "version, log id");
        int64_t t = (int64_t)(tw_rd_uint(&sct, 8, "timestamp") / 1000);
        if (tw_rd_ok(&sct) && t < first)
            first = t;
    }
    *by_sct = first != INT64_MAX;
    return *by_sct ? first : leaf->not_before;
}

struct thrown_out {
    const struct tw_distrusted *row;
    char ca[200];
    int64_t issued, after;
    bool by_sct;
};

static bool refused_by(const struct tw_distrusted *d, struct thrown_out *t)
{
    int64_t day = 0;
    if (d == NULL)
        return false;
    if (d->after != NULL && (!tw_time_parse(d->after, &day) || t->issued < day + 86400))
        return false;
    t->row = d;
    t->after = day;
    return true;
}

/* It is the root that is thrown out, so what stands below it may bear the name and be good. */
static bool find_thrown_out(const struct tw_case *c, uint32_t conn, struct thrown_out *t)
{
    struct tw_cert leaf, top;
    *t = (struct thrown_out){0};
    if (!chain_path(c, conn, 0, &leaf, NULL) || !chain_top(c, conn, &top))
        return false;
    bool ends = top.self_issued || chain_untrusted(c, conn) == NULL;
    struct tw_view root = ends ? top.subject : top.issuer;
    t->issued = issued_at(&leaf, &t->by_sct);
    tw_dn_text(root, t->ca, sizeof t->ca);
    return refused_by(tw_distrusted_by_name(root), t);
}

bool chain_distrusted(const struct tw_case *c, uint32_t conn)
{
    struct thrown_out t;
    return find_thrown_out(c, conn, &t);
}

static bool match_distrusted(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    struct thrown_out t;
    char when[32];
    if (!find_thrown_out(c, conn, &t))
        return false;
    bool trusted = chain_untrusted(c, conn) == NULL;
    chain_begin(c, f, conn, trusted ? TW_PROVEN : TW_LIKELY);
    f->next = f->next || trusted;
    tw_finding_cite(f, "CA", "best path", "%s", t.ca);
    tw_finding_cite(f, "issued", t.by_sct ? "earliest SCT in the certificate" : "notBefore", "%s",
                    tw_time_text(t.issued, when, sizeof when));
    tw_finding_cite(f, "refused", t.row->source, "%s%s, by %s",
                    t.row->after != NULL ? "when issued after " : "since ",
                    t.row->after != NULL ? t.row->after : t.row->since, t.row->clients);
    cite_stores(c, f, conn);
    if (!trusted)
        tw_finding_not(f, "untrusted-private-ca", "not excluded: the CA is known by its name only; "
                                                  "one's own may bear the same");
    tw_finding_not(f, "trust-store-outdated", "newer stores dropped or restricted this CA, they "
                                              "did not add it");
    tw_finding_summary(f, "The certificate comes from %s, whose certificates %s%s are refused by %s.",
                       t.row->name, t.row->after != NULL ? "issued after " : "",
                       t.row->after != NULL ? t.row->after : "", t.row->clients);
    return true;
}

const struct tw_rule tw_rule_ca_distrusted = {
    .id = "ca-distrusted",
    .title = "The CA was removed from, or restricted in, the clients' trust stores",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Browsers and runtimes threw out this CA, at once or for everything issued after a "
               "date (told by the certificate's SCTs or notBefore). A plain PEM bundle cannot express "
               "such a date, so curl and OpenSSL may go on working while browsers and Java refuse.",
    .evidence = "A CA on the path stands on the list of distrusted CAs, and the certificate was "
                "issued after the cut-off.",
    .fix = {{"server", "Get a certificate from another CA; nothing else helps.", NULL},
            {"certbot", "", "certbot certonly --nginx -d NAME"},
            {"client", "See the issuer and when it was issued.",
             "openssl s_client -connect HOST:443 </dev/null | "
             "openssl x509 -noout -issuer -startdate"}},
    .lookalikes = {{"untrusted-private-ca", "the CA was never a public one"},
                   {"trust-store-outdated", "the root is new, not thrown out"},
                   {"revoked", "one certificate was revoked, not the CA dropped"}},
    .refs = {"RFC 5280 §6.1.1", "RFC 6962 §3.2"},
    .match = match_distrusted,
};

/* ---- trust-store-outdated ---------------------------------------------------------------------------------- */

/* A root of the public web above the last certificate of the path, which the store does not have. */
static const struct tw_public_root *missing_root(const struct tw_case *c, uint32_t conn)
{
    struct tw_cert top;
    const struct tw_fact *count = store_fact(c, "anchors", 0);
    if (chain_untrusted(c, conn) == NULL || !chain_top(c, conn, &top) ||
        (count != NULL && count->num == 0))
        return NULL;
    if (top.self_issued)
        return top.is_ca ? tw_public_root_find(top.subject, top.ski) : NULL;
    return top.aki_keyid.len > 0 ? tw_public_root_find(top.issuer, top.aki_keyid) : NULL;
}

static const char *const public_kinds[] = {"mozilla", "certifi", "node", NULL};

bool chain_public_root(const struct tw_case *c, uint32_t conn)
{
    return missing_root(c, conn) != NULL || (chain_untrusted(c, conn) != NULL &&
                                             store_that_trusts(c, conn, public_kinds) != NULL);
}

static bool is_older(const struct tw_fact *newest, const struct tw_public_root *root)
{
    int64_t made;
    return newest != NULL && root != NULL && tw_time_parse(root->made, &made) && newest->num < made;
}

static void cite_age(const struct tw_case *c, struct tw_finding *f,
                     const struct tw_public_root *root)
{
    const struct tw_fact *newest = store_fact(c, "newest_root", 0);
    char when[32];
    if (root != NULL)
        tw_finding_cite(f, "public root", "list of the public web's roots", "%s, made %s", root->cn,
                        root->made);
    if (newest != NULL)
        tw_finding_cite(f, "youngest root in the store", "the store", "%.10s (%s)",
                        tw_time_text(newest->num, when, sizeof when), newest->text);
}

/* What the judging store can verify and another one cannot, for lack of a root of the web. */
static bool other_outdated(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const struct tw_fact *other = store_that_refuses(c, conn);
    struct tw_cert top;
    if (other == NULL || !chain_top(c, conn, &top))
        return false;
    const struct tw_public_root *root = tw_public_root_find(top.subject, top.ski);
    if (root == NULL)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    f->next = true;
    cite_age(c, f, root);
    cite_stores(c, f, conn);
    tw_finding_summary(f, "The public root %s, made in %.4s, is not in %s: programs that use it will "
                          "refuse this server.", root->cn, root->made, other->text);
    return true;
}

static bool match_outdated(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    if (other_outdated(c, f, conn))
        return true;
    if (chain_untrusted(c, conn) == NULL || store_fact(c, "empty", 0) != NULL ||
        store_fact(c, "missing", 0) != NULL || chain_intercepted(c, conn))
        return false;
    const struct tw_public_root *root = missing_root(c, conn);
    const struct tw_fact *other = store_that_trusts(c, conn, public_kinds);
    const struct tw_fact *store = store_fact(c, "anchors", 0);
    const char *label = store == NULL || store->text == NULL ? "the trust store" : store->text;
    if (root == NULL && other == NULL)
        return false;
    bool older = is_older(store_fact(c, "newest_root", 0), root);
    chain_begin(c, f, conn, other != NULL ? TW_PROVEN : TW_LIKELY);
    tw_finding_fact(f, "trust", chain_untrusted(c, conn));
    cite_age(c, f, root);
    cite_stores(c, f, conn);
    tw_finding_not(f, "chain-missing-intermediate", "the chain is complete up to a public root");
    tw_finding_not(f, "untrusted-private-ca", "the root is one of the public web");
    tw_finding_not(f, "ca-distrusted",
                   older ? "the root is younger than the store: it was never in it"
                         : "not excluded for this store: it may have removed it");
    if (root != NULL)
        tw_finding_summary(f, "The public root %s, made in %.4s, is not in %s.", root->cn, root->made,
                           label);
    else
        tw_finding_summary(f, "The chain's root is a public one that %s has; it is not in %s.",
                           other->text, label);
    return true;
}

const struct tw_rule tw_rule_trust_store_outdated = {
    .id = "trust-store-outdated",
    .title = "The client's trust store lacks a public root",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The server's chain is complete and ends at a root of the public web, but this "
               "client's store is older than that root or was cut down. Old images, JREs, devices "
               "and pinned certifi versions meet this when a site moves to a newer root.",
    .evidence = "The chain verifies with a current store, or its root is a known public one that is "
                "absent here.",
    .fix = {{"Debian, Ubuntu", "",
             "apt-get update && apt-get install --only-upgrade ca-certificates"},
            {"RHEL, Fedora", "", "dnf upgrade ca-certificates"},
            {"Python", "", "pip install --upgrade certifi"},
            {"Java", "Update the JRE, or import the root.",
             "keytool -importcert -cacerts -alias root -file root.pem"},
            {"Windows", "", "certutil -generateSSTFromWU roots.sst"},
            {"server", "For clients that cannot be updated: serve a cross-signed chain.",
             "certbot renew --preferred-chain 'ISRG Root X1'"}},
    .lookalikes = {{"chain-missing-intermediate", "a current store fails too"},
                   {"ca-distrusted", "the root was removed, it is not new"},
                   {"untrusted-private-ca", "the root was never a public one"}},
    .refs = {"RFC 5280 §6.1.1"},
    .match = match_outdated,
};

/* ---- untrusted-private-ca ------------------------------------------------------------------------------------ */

/* Something speaks for a CA that the client knows behind the issuer that was not sent. */
static bool speaks_for_known_ca(const struct tw_case *c, uint32_t conn)
{
    const struct tw_fact *hint =
        tw_trace_first(c->trace, conn, TW_FACT_FIELD, "missing_issuer_hint");
    return hint != NULL && hint->num > 0;
}

static const struct tw_fact *private_path(const struct tw_case *c, uint32_t conn)
{
    static const char *const names[] = {"unknown_root", "missing_issuer", "no_anchors"};
    const struct tw_fact *path = NULL;
    for (size_t i = 0; path == NULL && i < TW_ARRAY_LEN(names); i++)
        path = chain_problem(c, conn, names[i]);
    return path;
}

/* What the judging store can verify and another one cannot. */
static bool other_refuses(const struct tw_case *c, struct tw_finding *f, uint32_t conn)
{
    const struct tw_fact *other = store_that_refuses(c, conn);
    const struct tw_fact *judge = store_fact(c, "anchors", 0);
    struct tw_cert top;
    char name[200];
    if (other == NULL || judge == NULL || !chain_top(c, conn, &top) ||
        tw_public_root_find(top.subject, top.ski) != NULL)
        return false;
    chain_begin(c, f, conn, TW_PROVEN);
    f->next = true;
    cite_stores(c, f, conn);
    tw_finding_summary(f, "The chain leads to \"%s\": %s trusts it, %s does not.",
                       tw_dn_text(top.subject, name, sizeof name), judge->text, other->text);
    return true;
}

static bool match_private_ca(const struct tw_case *c, struct tw_finding *f)
{
    uint32_t conn = chain_conn(c);
    const struct tw_fact *path = private_path(c, conn);
    const struct tw_fact *other = store_that_trusts(c, conn, NULL);
    struct tw_cert last;
    char subject[160], issuer[160], source[48];
    if (path == NULL && other_refuses(c, f, conn))
        return true;
    if (path == NULL || trust_is_told(c, conn) || !chain_sent(c, conn, path->aux, &last))
        return false;
    bool root_sent = strcmp(path->field, "unknown_root") == 0;
    if (!root_sent && other == NULL && speaks_for_known_ca(c, conn))
        return false;
    tw_dn_text(last.subject, subject, sizeof subject);
    tw_dn_text(last.issuer, issuer, sizeof issuer);
    chain_source(conn, path->aux, source, sizeof source);
    chain_begin(c, f, conn, root_sent || other != NULL ? TW_PROVEN : TW_LIKELY);
    tw_finding_cite(f, root_sent ? "root that was sent" : "last certificate sent", source, "%s",
                    subject);
    if (!root_sent)
        tw_finding_cite(f, "its issuer", source, "%s", issuer);
    tw_finding_fact(f, "trust", path);
    cite_stores(c, f, conn);
    if (other != NULL)
        tw_finding_not(f, "chain-missing-intermediate", "another store can verify what was sent");
    else if (!root_sent)
        tw_finding_not(f, "chain-missing-intermediate", "not excluded: the issuer may itself be "
                                                        "issued by a trusted root");
    const struct tw_conn_view *v = tw_case_trial(c, "sni-other");
    tw_finding_not(f, "interception-proxy",
                   v != NULL && chain_same_leaf(c, conn, v->conn)
                       ? "unlikely: for another server_name the same certificate came, an "
                         "inspecting proxy makes a new one"
                       : "not excluded without a look from another network");
    const struct tw_fact *store = store_fact(c, "anchors", 0);
    if (other != NULL)
        tw_finding_summary(f, "The certificate was issued by \"%s\": %s trusts it, %s does not.",
                           root_sent ? subject : issuer, other->text,
                           store == NULL || store->text == NULL ? "this client" : store->text);
    else
        tw_finding_summary(f, "The certificate was issued by \"%s\", a CA that the client does not "
                              "trust.", root_sent ? subject : issuer);
    return true;
}

const struct tw_rule tw_rule_untrusted_private_ca = {
    .id = "untrusted-private-ca",
    .title = "The certificate comes from a CA that the client does not trust",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "The chain is in order, but it ends at a CA that is not in the client's trust store: "
               "a company's, cluster's or lab's own CA, or an appliance's. The client must be given "
               "that CA's certificate.",
    .evidence = "The chain as sent leads to an issuer that is no trust anchor.",
    .fix = {{"Debian, Ubuntu", "Add the CA to the system's store.",
             "cp ca.crt /usr/local/share/ca-certificates/ && update-ca-certificates"},
            {"RHEL, Fedora", "Add the CA to the system's store.",
             "cp ca.crt /etc/pki/ca-trust/source/anchors/ && update-ca-trust"},
            {"Java", "", "keytool -importcert -cacerts -alias corp -file ca.crt"},
            {"Node.js", "", "NODE_EXTRA_CA_CERTS=/path/ca.crt"},
            {"Python requests", "", "REQUESTS_CA_BUNDLE=/path/ca.crt"},
            {"curl", "", "curl --cacert ca.crt https://..."},
            {"git", "", "git config http.sslCAInfo /path/ca.crt"},
            {"Windows", "", "certutil -addstore Root ca.crt"}},
    .lookalikes = {{"chain-missing-intermediate", "one more link would reach a trusted root"},
                   {"interception-proxy", "another issuer is seen from outside"},
                   {"self-signed-leaf", "the certificate signs itself"},
                   {"trust-store-missing", "nothing at all verifies on this machine"}},
    .refs = {"RFC 5280 §6.1", "RFC 5280 §6.2"},
    .match = match_private_ca,
};
