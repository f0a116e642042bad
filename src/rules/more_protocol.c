/*
 * Causes in the protocol that need another vantage, or trials that check does not make yet:
 * resumption, ECH, policies, QUIC and DTLS.
 */
#include "rules/rules_internal.h"

const struct tw_rule tw_rule_hrr_failure = {
    .id = "hrr-failure",
    .title = "The second round (HelloRetryRequest) breaks",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The server wants a key share of another group and asks for a second ClientHello. "
               "One side gets that second hello wrong, or a balancer sends it to another machine.",
    .evidence = "It passes when the first hello already has a key share of the server's group.",
    .fix = {{"server", "Accept what clients predict.", "ssl_ecdh_curve X25519:P-256;"},
            {"load balancer", "Keep a connection on one backend; update it.", NULL},
            {"client", "Put the server's group first.",
             "openssl s_client -groups P-256:X25519 -connect HOST:443"}},
    .lookalikes = {{"group-no-overlap", "no HelloRetryRequest comes, but an alert at once"}},
    .refs = {"RFC 8446 §4.1.4"},
};

const struct tw_rule tw_rule_ems_required = {
    .id = "ems-required",
    .title = "One side insists on extended master secret, the other does not have it",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "FIPS 140-3 modules and some libraries refuse TLS 1.2 without the extended master "
               "secret. Old servers and appliances do not know it.",
    .evidence = "TLS 1.3 passes, and so does a client without that rule.",
    .fix = {{"server", "Update its TLS library, or enable TLS 1.3.",
             "ssl_protocols TLSv1.2 TLSv1.3;"},
            {"RHEL", "As a stop-gap.", "update-crypto-policies --set FIPS:NO-ENFORCE-EMS"}},
    .lookalikes = {{"fips-policy", "an algorithm is what is missing"}},
    .refs = {"RFC 7627 §5.2", "FIPS 140-3 IG D.Q"},
};

const struct tw_rule tw_rule_renegotiation_legacy_refused = {
    .id = "renegotiation-legacy-refused",
    .title = "The server lacks secure renegotiation, and OpenSSL 3 insists on it",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Since OpenSSL 3.0 a client refuses a TLS 1.2 server that does not answer the "
               "renegotiation_info extension of 2010. The server, or an inspecting proxy in "
               "between, has not been updated since.",
    .evidence = "\"unsafe legacy renegotiation disabled\"; OpenSSL 1.1.1 passes.",
    .fix = {{"server", "Update its TLS library or firmware; or enable TLS 1.3.", NULL},
            {"OpenSSL client", "As a stop-gap, in openssl.cnf.",
             "Options = UnsafeLegacyServerConnect"},
            {"curl", "As a stop-gap, a configuration of its own.",
             "OPENSSL_CONF=legacy.cnf curl URL"},
            {"Python client", "As a stop-gap.", "ctx.options |= ssl.OP_LEGACY_SERVER_CONNECT"},
            {"Node", "As a stop-gap.",
             "secureOptions: crypto.constants.SSL_OP_LEGACY_SERVER_CONNECT"}},
    .lookalikes = {{"renegotiation-refused", "the first handshake passes, a second one is refused"},
                   {"interception-proxy", "the old stack is the proxy's, not the server's"}},
    .refs = {"RFC 5746 §3.4", "OpenSSL: migration_guide(7)"},
};

const struct tw_rule tw_rule_renegotiation_refused = {
    .id = "renegotiation-refused",
    .title = "A second handshake on the connection is needed and refused",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The server starts a renegotiation, mostly to ask for a client certificate for one "
               "path, and the client does not allow it (Go, HTTP/2, hardened settings), or the "
               "other way round.",
    .evidence = "\"no renegotiation\" after a complete handshake; no_renegotiation (100).",
    .fix = {{"server", "Ask for the certificate in the first handshake.", "ssl_verify_client on;"},
            {"Go client", "Allow it once.",
             "tls.Config{Renegotiation: tls.RenegotiateOnceAsClient}"},
            {"IIS", "Negotiate at the binding.", "clientcertnegotiation=enable"}},
    .lookalikes = {{"post-handshake-auth-unsupported", "the same wish in TLS 1.3"},
                   {"renegotiation-legacy-refused", "the first handshake fails already"}},
    .refs = {"RFC 5746", "RFC 9113 §9.2.1"},
};

const struct tw_rule tw_rule_http2_inadequate_security = {
    .id = "http2-inadequate-security",
    .title = "HTTP/2 was chosen with a cipher suite that it forbids",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "HTTP/2 allows only suites with forward secrecy and AEAD below TLS 1.3. The server "
               "prefers another one and still chooses h2, so browsers close with "
               "INADEQUATE_SECURITY.",
    .evidence = "ALPN h2 with a CBC or static RSA suite; HTTP/1.1 passes.",
    .fix = {{"nginx", "Put ECDHE with AEAD first.", "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"},
            {"Apache", "The same.", "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20"}},
    .lookalikes = {{"alpn-no-overlap", "no protocol is chosen at all"}},
    .refs = {"RFC 9113 §9.2.2", "RFC 9113 §A"},
};

const struct tw_rule tw_rule_inappropriate_fallback = {
    .id = "inappropriate-fallback",
    .title = "A retry with an older version was refused as a downgrade",
    .category = "protocol",
    .side = TW_CLIENT,
    .explain = "The client's first attempt failed for some reason; it tried again with an older "
               "version and said so, and the server, which speaks a newer one, refuses. The first "
               "failure is the one to look at.",
    .evidence = "Alert inappropriate_fallback (86), or the downgrade sentinel in the server's "
                "random.",
    .fix = {{"client", "Find out why the first attempt failed.", "tlswhy check HOST"},
            {"program", "Do not fall back at all; version negotiation does that.", NULL}},
    .lookalikes = {{"version-no-overlap", "no fallback was signalled"}},
    .refs = {"RFC 7507 §3", "RFC 8446 §4.1.3"},
};

const struct tw_rule tw_rule_psk_mismatch = {
    .id = "psk-mismatch",
    .title = "Pre-shared key or its name differ",
    .category = "protocol",
    .side = TW_CLIENT,
    .explain = "Both sides authenticate by a shared key. The identity is unknown to the server, "
               "or the key under it is another one, or one side is not set to use PSK.",
    .evidence = "unknown_psk_identity (115), or decrypt_error or bad_record_mac right after the "
                "key exchange.",
    .fix = {{"both", "Compare identity and key, also hex against text and line ends.", NULL},
            {"Zabbix", "Set both on the agent and in the host's settings.",
             "TLSPSKIdentity=, TLSPSKFile="},
            {"stunnel", "The file has IDENTITY:KEY lines.", "PSKsecrets = /etc/stunnel/psk.txt"}},
    .lookalikes = {{"cipher-no-overlap", "no PSK suite on one side"},
                   {"bad-record-mac", "no PSK in use"}},
    .refs = {"RFC 4279 §2", "RFC 8446 §4.2.11"},
};

const struct tw_rule tw_rule_session_ticket_mismatch = {
    .id = "session-ticket-mismatch",
    .title = "Resuming a session breaks the handshake",
    .category = "server",
    .side = TW_SERVER,
    .explain = "First connections work, later ones fail: the ticket is from a backend "
               "with other keys or another host's context, and the server does not fall back to a "
               "full handshake.",
    .evidence = "It passes without a ticket; it fails with one, now and then.",
    .fix = {{"nginx", "One ticket key for all backends, or none.",
             "ssl_session_ticket_key ticket.key;"},
            {"Apache", "The same.", "SSLSessionTicketKeyFile ticket.key"},
            {"OpenSSL", "A session id context for each service.",
             "SSL_CTX_set_session_id_context()"},
            {"client", "As a stop-gap, no resumption.", "curl --no-sessionid URL"}},
    .lookalikes = {{"backend-inconsistent", "full handshakes fail now and then, too"}},
    .refs = {"RFC 5077", "RFC 8446 §2.2"},
};

const struct tw_rule tw_rule_early_data_rejected = {
    .id = "early-data-rejected",
    .title = "Early data (0-RTT) was refused or not sent again",
    .category = "protocol",
    .side = TW_CLIENT,
    .explain = "The server does not take the request that came with the first flight, answers 425 "
               "or closes, and the client does not send it again after the handshake.",
    .evidence = "It passes without early data.",
    .fix = {{"client", "Send it again when it was not accepted.", NULL},
            {"nginx", "Say what is early, or switch it off.", "ssl_early_data off;"}},
    .lookalikes = {{"session-ticket-mismatch", "resuming alone fails, too"}},
    .refs = {"RFC 8446 §4.2.10", "RFC 8470"},
};

const struct tw_rule tw_rule_ech_rejected = {
    .id = "ech-rejected",
    .title = "Encrypted Client Hello was refused",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "The client hid the name with a key from DNS that the server does not have (any "
               "more), and the server's public name has no certificate, so the client cannot get "
               "the new key.",
    .evidence = "ech_required (121), ERR_ECH_NOT_NEGOTIATED; passes without ECH.",
    .fix = {{"server", "Publish the current ECH keys in the HTTPS record, and keep the old ones "
                       "for its TTL.", NULL},
            {"client", "As a stop-gap, no ECH.", "chrome: EncryptedClientHelloEnabled=false"}},
    .lookalikes = {{"ech-split-horizon", "the server is an internal one without ECH"}},
    .refs = {"RFC 9849", "RFC 9848"},
};

const struct tw_rule tw_rule_ech_split_horizon = {
    .id = "ech-split-horizon",
    .title = "Public ECH keys are used with an internal server",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "The internal DNS gives the address of an internal server but passes on the public "
               "HTTPS record with its ECH keys. Browsers then ask the internal server for the "
               "CDN's outer name, such as cloudflare-ech.com.",
    .evidence = "The server sees that name as SNI; query type 65 from inside has an ech= value.",
    .fix = {{"DNS", "Answer the HTTPS record inside as well, without ech.",
             "dig +short TYPE65 NAME"},
            {"client", "As a stop-gap, no ECH or no DNS over HTTPS.", NULL}},
    .lookalikes = {{"sni-unrecognized", "the name is the right one"},
                   {"ech-rejected", "the server is the public one"}},
    .refs = {"RFC 9460 §8", "RFC 9848"},
};

const struct tw_rule tw_rule_national_crypto_required = {
    .id = "national-crypto-required",
    .title = "The server only speaks national algorithms (GOST, SM2/SM4)",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "Some government and bank servers in Russia and China accept only their national "
               "suites, which current clients do not have.",
    .evidence = "Every standard suite is refused; GOST or SM suites pass.",
    .fix = {{"server", "Serve a standard certificate and suites as well.", NULL},
            {"client", "Use a program with these algorithms (Tongsuo, a GOST engine).", NULL}},
    .lookalikes = {{"cipher-no-overlap", "a rare but standard suite passes"}},
    .refs = {"RFC 8998", "RFC 9189"},
};
