/* Causes where bytes, keys or the server itself are wrong, and the demand for a client certificate. */
#include "rules/rules_internal.h"

static const struct tw_fact *bad_check(const struct tw_case *c, const struct tw_conn_view *v,
                                       const char *field)
{
    const struct tw_fact *f = NULL;
    while (v != NULL && (f = tw_trace_next(c->trace, f, v->conn, TW_FACT_CHECK, field)) != NULL)
        if (f->num == 0)
            return f;
    return NULL;
}

static const struct tw_fact *bad_signature(const struct tw_case *c, const struct tw_conn_view *v)
{
    const struct tw_fact *f = bad_check(c, v, "certificate_verify");
    return f != NULL ? f : bad_check(c, v, "server_key_exchange");
}

/* The handshake without any signature, static RSA: shows whether the server has the right key. */
static bool rsa_kx_works(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "rsa-kx-only");
    return v != NULL && v->ok;
}

/* It got as far as using the key, and the keys then differ. */
static bool rsa_kx_key_wrong(const struct tw_case *c)
{
    const struct tw_conn_view *v = tw_case_trial(c, "rsa-kx-only");
    return v != NULL && !v->ok && v->phase >= TW_PHASE_KEY_EXCHANGE;
}

/* What the signatures themselves say about the key they were made with. An ECDSA signature fits a
 * few keys only; the engine notes them (signature_keys, SHA-256 each), and the one key that fits two
 * signatures made them both. */
enum signer { SIGNER_UNKNOWN, SIGNER_NO_ONE_KEY, SIGNER_OTHER_KEY };

static enum signer signer_of(const struct tw_case *c, const uint8_t **key)
{
    enum { HASH = 32 };
    const struct tw_conn_view *again = tw_case_trial(c, "repeat");
    if (c->base == NULL || again == NULL)
        return SIGNER_UNKNOWN;
    const struct tw_fact *a = tw_trace_first(c->trace, c->base->conn, TW_FACT_FIELD,
                                             "signature_keys");
    const struct tw_fact *b = tw_trace_first(c->trace, again->conn, TW_FACT_FIELD,
                                             "signature_keys");
    if (a == NULL || b == NULL)
        return SIGNER_UNKNOWN;
    for (size_t i = 0; i + HASH <= a->data.len; i += HASH)
        for (size_t j = 0; j + HASH <= b->data.len; j += HASH)
            if (memcmp(a->data.data + i, b->data.data + j, HASH) == 0) {
                *key = a->data.data + i;
                return SIGNER_OTHER_KEY;
            }
    return SIGNER_NO_ONE_KEY;
}

static void cite_key(struct tw_finding *f, const uint8_t *key)
{
    char hex[65];
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", key[i]);
    tw_finding_cite(f, "both signatures were made with one key, not the certificate's",
                    "recovered from them", "SHA-256 of that public key: %s", hex);
}

/* ---- key-mismatch ------------------------------------------------------------------------------------ */

static bool match_key_mismatch(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bad = bad_signature(c, c->base);
    const uint8_t *key = NULL;
    enum signer signer = signer_of(c, &key);
    if (bad == NULL || rsa_kx_works(c) || signer == SIGNER_NO_ONE_KEY)
        return false;
    bool proven = rsa_kx_key_wrong(c) || signer == SIGNER_OTHER_KEY;
    f->certainty = proven ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "key_exchange";
    tw_finding_fact(f, "the server's signature", bad);
    const struct tw_conn_view *again = tw_case_trial(c, "repeat");
    tw_finding_fact(f, "again", bad_signature(c, again));
    if (signer == SIGNER_OTHER_KEY)
        cite_key(f, key);
    if (rsa_kx_key_wrong(c))
        tw_finding_trial(f, c, "rsa-kx-only");
    if (!proven)
        tw_finding_not(f, "handshake-signature-invalid",
                       "not excluded: the key could be right and its use broken");
    tw_finding_summary(f, "The server signs with a private key that does not belong to the "
                          "certificate it sends.");
    return true;
}

const struct tw_rule tw_rule_key_mismatch = {
    .id = "key-mismatch",
    .title = "The private key does not belong to the certificate",
    .category = "server",
    .side = TW_SERVER,
    .explain = "The server proves its identity by a signature with the certificate's private key. "
               "It has another key: a wrong file, a new key with the old certificate, the wrong "
               "slot of an HSM. Most servers refuse to start so; those that do not fail for every "
               "client, with decrypt_error or \"bad signature\".",
    .evidence = "The signature does not verify with the certificate's key, every time; a handshake "
                "by static RSA fails too, or the signatures were made with one other key.",
    .fix = {{"server", "Compare the two public keys; they must be equal. Pair them again or "
                       "re-issue the certificate.",
             "openssl x509 -noout -pubkey -in cert.pem | openssl pkey -pubin -outform DER | sha256sum\n"
             "openssl pkey -pubout -outform DER -in key.pem | sha256sum"},
            {"nginx", "The leaf must be the first certificate in ssl_certificate.", NULL},
            {"ACME", "Re-issue: the key of the last order was overwritten.",
             "certbot certonly --force-renewal -d NAME"}},
    .lookalikes = {{"handshake-signature-invalid", "the key is right, the signing is broken"},
                   {"chain-wrong-order", "another certificate of the file fits the key"}},
    .refs = {"RFC 8446 §4.4.3", "RFC 5246 §7.4.3"},
    .match = match_key_mismatch,
};

/* ---- handshake-signature-invalid -------------------------------------------------------------------------- */

static bool match_signature(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_fact *bad = bad_signature(c, c->base);
    const uint8_t *key = NULL;
    enum signer signer = signer_of(c, &key);
    if (bad == NULL || rsa_kx_key_wrong(c) || signer == SIGNER_OTHER_KEY)
        return false;
    bool proven = rsa_kx_works(c) || signer == SIGNER_NO_ONE_KEY;
    f->certainty = proven ? TW_PROVEN : TW_POSSIBLE;
    f->failed_at = "key_exchange";
    tw_finding_fact(f, "the server's signature", bad);
    if (signer == SIGNER_NO_ONE_KEY)
        tw_finding_cite(f, "the keys that two signatures fit", "recovered from them",
                        "none in common: no single key made them both");
    tw_finding_trial(f, c, "rsa-kx-only");
    if (!proven)
        tw_finding_not(f, "key-mismatch", "not excluded: the signing key was not identified");
    tw_finding_summary(f, "The server's handshake signature does not verify%s.",
                       rsa_kx_works(c) ? ", although it has the certificate's key" : "");
    return true;
}

const struct tw_rule tw_rule_handshake_signature_invalid = {
    .id = "handshake-signature-invalid",
    .title = "The server's handshake signature does not verify",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The server signs the handshake with its private key, and the signature is wrong, "
               "though not because of a wrong key: an HSM or keyless set-up that signs something "
               "else, a broken PSS padding, or a device in the path that altered what was signed.",
    .evidence = "CertificateVerify or ServerKeyExchange does not verify; static RSA passes, or the "
                "signatures were made with no single key.",
    .fix = {{"server", "Sign and verify by hand with the same key provider; update it.",
             "openssl dgst -sha256 -sign KEY -out sig data\n"
             "openssl dgst -sha256 -verify PUB -signature sig data"},
            {"network", "Compare the handshake at both ends: a device may rewrite it.", NULL}},
    .lookalikes = {{"key-mismatch", "the key itself is the wrong one"},
                   {"bad-record-mac", "it fails at Finished or later, with alert 20"}},
    .refs = {"RFC 8446 §4.4.3", "RFC 5246 §7.4.3"},
    .match = match_signature,
};

/* ---- bad-record-mac ---------------------------------------------------------------------------------------- */

static bool match_bad_mac(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *base = c->base;
    const struct tw_fact *mac = bad_check(c, base, "record_mac");
    const struct tw_fact *fin = bad_check(c, base, "finished");
    bool server_says = base != NULL && base->alert == TW_ALERT_BAD_RECORD_MAC &&
                       base->phase >= TW_PHASE_SERVER_HELLO;
    bool decrypt = base != NULL && base->alert == TW_ALERT_DECRYPT_ERROR &&
                   base->phase >= TW_PHASE_KEY_EXCHANGE;
    if (mac == NULL && fin == NULL && !server_says && !decrypt)
        return false;
    const struct tw_conn_view *again = tw_case_trial(c, "repeat");
    bool every_time = again != NULL && !again->ok;
    f->certainty = mac != NULL || fin != NULL ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "finished";
    tw_finding_fact(f, "record protection", mac);
    tw_finding_fact(f, "the server's Finished", fin);
    if (server_says || decrypt)
        tw_finding_fact(f, "the server says", base->alert_fact);
    if (again != NULL) {
        char source[32];
        snprintf(source, sizeof source, "trial %u", again->conn);
        tw_finding_cite(f, "the same again", source, "%s", every_time ? "fails too" : "passes");
    }
    tw_finding_not(f, "peer-implementation-bug", "not excluded: a fault in the server's own code "
                                                 "looks the same from here");
    tw_finding_summary(f, mac != NULL   ? "A record from the server does not authenticate: bytes were "
                                          "changed after they were sent, or the keys differ."
                          : fin != NULL ? "The two sides did not see the same handshake: the server's "
                                          "Finished does not verify."
                                        : "The server could not authenticate what we sent.");
    return true;
}

const struct tw_rule tw_rule_bad_record_mac = {
    .id = "bad-record-mac",
    .title = "Record authentication fails: bytes were changed on the way",
    .category = "protocol",
    .side = TW_NETWORK,
    .explain = "Every record carries a check value. It did not fit: a faulty network card offload, "
               "VPN or middlebox changed bytes, or a device altered the handshake itself, which "
               "shows at Finished. Both ends are usually healthy.",
    .evidence = "A record or Finished that does not verify; or alert 20 bad_record_mac.",
    .fix = {{"network", "Compare captures of both ends; take devices out of the path one by one.",
             NULL},
            {"Linux", "Test without offloads.", "ethtool -K eth0 gro off lro off tso off gso off"},
            {"server", "If only one server of several fails, update its TLS library.", NULL}},
    .lookalikes = {{"client-rejected-server-cert", "Go and Java servers log this when an OpenSSL "
                                                   "client sends a TLS 1.3 alert in the clear"},
                   {"session-ticket-mismatch", "it happens only when a session is resumed"},
                   {"psk-mismatch", "a pre-shared key is in use"}},
    .refs = {"RFC 8446 §5.2", "RFC 8446 §4.4.4"},
    .match = match_bad_mac,
};

/* ---- client-cert-required ------------------------------------------------------------------------------------- */

static int64_t http_status(const struct tw_case *c, const struct tw_conn_view *v)
{
    const struct tw_fact *f =
        v == NULL ? NULL : tw_trace_first(c->trace, v->conn, TW_FACT_FIELD, "http_status");
    return f == NULL ? 0 : f->num;
}

static bool match_client_cert(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *base = c->base;
    if (base == NULL || !base->cert_request || base->client_cert_sent)
        return false;
    int64_t status = http_status(c, base);
    bool says = base->alert == TW_ALERT_CERTIFICATE_REQUIRED || base->alert == 41;
    bool http = status == 400 || status == 495 || status == 496;
    bool refused = !base->ok && base->our_alert < 0 && base->phase >= TW_PHASE_KEY_EXCHANGE &&
                   (base->end == TW_END_ALERT || base->end == TW_END_RST ||
                    base->end == TW_END_FIN);
    if (!says && !http && !refused)
        return false;
    f->certainty = says ? TW_PROVEN : TW_LIKELY;
    f->failed_at = "client_auth";
    tw_finding_fact(f, "the server asked",
                    tw_trace_message(c->trace, base->conn, TW_SERVER, TW_MSG_CERTIFICATE_REQUEST));
    tw_finding_cite(f, "we answered", "trial 1, Certificate", "an empty certificate list");
    if (base->alert >= 0)
        tw_finding_fact(f, "the server says", base->alert_fact);
    else if (http)
        tw_finding_cite(f, "the server says", "trial 1, first application bytes", "HTTP status %lld",
                        (long long)status);
    else
        tw_finding_fact(f, "then", base->end_fact);
    const struct tw_fact *ca = tw_trace_first(c->trace, base->conn, TW_FACT_FIELD,
                                              "certificate_authorities");
    if (ca != NULL && ca->text != NULL)
        tw_finding_fact(f, "accepted issuer", ca);
    tw_finding_not(f, "cipher-no-overlap", "the server chose a suite and went on");
    if (!says)
        tw_finding_not(f, "client-cert-rejected", "no certificate was sent that could be rejected");
    tw_finding_summary(f, "The server requires a client certificate and got none%s.",
                       http ? "; it says so in HTTP, after the handshake" : "");
    return true;
}

const struct tw_rule tw_rule_client_cert_required = {
    .id = "client-cert-required",
    .title = "The server requires a client certificate and got none",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "The server sent CertificateRequest and refuses clients that answer without a "
               "certificate (mutual TLS). In TLS 1.3 the refusal comes after the client believes "
               "it is connected, on the first read; nginx completes the handshake and answers "
               "HTTP 400.",
    .evidence = "CertificateRequest, an empty Certificate from the client, then alert 116 "
                "certificate_required, 40 or 42, a close, or HTTP 400.",
    .fix = {{"client", "Configure the certificate and key that the server's owner issued.", NULL},
            {"curl", "Give it the certificate and its key.", "curl --cert client.pem --key client.key https://..."},
            {"Java", "Give it a key store.",
             "-Djavax.net.ssl.keyStore=client.p12 -Djavax.net.ssl.keyStorePassword=..."},
            {"nginx", "If it is not wanted for everybody.", "ssl_verify_client optional;"},
            {"Apache", "If it is not wanted for everybody.", "SSLVerifyClient optional"}},
    .lookalikes = {{"client-cert-not-sent-ca-hint", "the client has one, but withholds it"},
                   {"client-cert-rejected", "one was sent, and refused"},
                   {"cipher-no-overlap", "alert 40 comes straight after the ClientHello"}},
    .refs = {"RFC 8446 §4.4.2.4", "RFC 5246 §7.4.6"},
    .match = match_client_cert,
};

/* ---- server-internal-error ------------------------------------------------------------------------------------- */

static bool match_internal(const struct tw_case *c, struct tw_finding *f)
{
    const struct tw_conn_view *base = c->base;
    if (base == NULL || base->alert != TW_ALERT_INTERNAL_ERROR)
        return false;
    const struct tw_conn_view *again = tw_case_trial(c, "repeat");
    f->certainty = TW_LIKELY;
    tw_finding_fact(f, "the server says", base->alert_fact);
    tw_finding_trial(f, c, "repeat");
    tw_finding_trial(f, c, "sni-absent");
    tw_finding_trial(f, c, "wide");
    if (again != NULL && tw_case_passed(c, "repeat"))
        tw_finding_summary(f, "The server gave up with internal_error once and passed the second "
                              "time: its fault comes and goes.");
    else
        tw_finding_summary(f, "The server gives up with internal_error, a fault of its own.");
    return true;
}

const struct tw_rule tw_rule_server_internal_error = {
    .id = "server-internal-error",
    .title = "The server gives up with internal_error",
    .category = "server",
    .side = TW_SERVER,
    .explain = "Alert 80 says that the server failed for a reason that has nothing to do with the "
               "peer: a callback, an HSM or key service that does not answer, no memory, a missing "
               "certificate. Only its own log tells more.",
    .evidence = "Alert 80 internal_error, whatever is offered.",
    .fix = {{"server", "Read the server's log of that second: certificate callback, key provider, "
                       "memory, policy engine.", "journalctl -u nginx --since '5 min ago'"}},
    .lookalikes = {{"sni-required", "some front ends answer so without server_name"},
                   {"version-client-too-old", "OpenSSL 3 says internal_error to TLS 1.0"},
                   {"server-no-cert-configured", "no certificate for this name"}},
    .refs = {"RFC 8446 §6.2"},
    .match = match_internal,
};
