/* Causes about the client's own certificate that a server's answer alone does not tell apart. */
#include "rules/rules_internal.h"

const struct tw_rule tw_rule_client_cert_rejected = {
    .id = "client-cert-rejected",
    .title = "The server does not accept the client's certificate",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "A client certificate was sent, and the server cannot link it to a CA that it "
               "accepts for clients, or its access rules refuse it.",
    .evidence = "The server sends unknown_ca (48), bad_certificate (42) or certificate_unknown "
                "(46) after the client's Certificate.",
    .fix = {{"client", "Use a certificate issued by a CA that the server names.",
             "openssl s_client -connect HOST:PORT </dev/null | grep -A9 'client certificate CA'"},
            {"nginx", "Add the issuing CA.", "ssl_client_certificate clients-ca.pem;"},
            {"Apache", "Add the issuing CA.", "SSLCACertificateFile clients-ca.pem"},
            {"HAProxy", "Add the issuing CA.",
             "bind :443 ssl crt s.pem ca-file clients-ca.pem verify required"},
            {"Java", "Import the CA into the server's trust store.",
             "keytool -importcert -keystore trust.p12 -file clients-ca.pem"}},
    .lookalikes = {{"client-cert-chain-incomplete", "it passes once the intermediate is sent too"},
                   {"client-cert-expired", "the date is what the server dislikes"},
                   {"client-rejected-server-cert", "the alert came from the client instead"}},
    .refs = {"RFC 8446 §4.4.2.4", "RFC 8446 §6.2"},
};

const struct tw_rule tw_rule_client_cert_expired = {
    .id = "client-cert-expired",
    .title = "The client's certificate has expired",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "The server checked the client's certificate and its time is over (or the server's "
               "clock is wrong). Renewals of machine certificates are easily forgotten.",
    .evidence = "Alert certificate_expired (45) after the client's Certificate; the server's log "
                "says \"certificate has expired\".",
    .fix = {{"client", "Look, then renew.", "openssl x509 -in client.pem -noout -dates"},
            {"Kubernetes", "Renew kubelet and kubeconfig certificates.",
             "kubeadm certs renew all"}},
    .lookalikes = {{"clock-skew-server", "the certificate is valid by a good clock"},
                   {"cert-expired", "the server's own certificate is the old one"}},
    .refs = {"RFC 5280 §4.1.2.5", "RFC 8446 §6.2"},
};

const struct tw_rule tw_rule_client_cert_not_sent_ca_hint = {
    .id = "client-cert-not-sent-ca-hint",
    .title = "The client has a certificate but does not send it",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "The server names the CAs it accepts. A client whose certificate was issued by none "
               "of them, or whose key fits no signature algorithm offered, sends an empty list "
               "instead, and the server says that none came.",
    .evidence = "An empty Certificate from the client though one is configured; "
                "certificate_required (116).",
    .fix = {{"server", "Announce the CA that issued the client's certificate.",
             "ssl_client_certificate all-client-cas.pem;"},
            {"client", "Put the intermediate into the client's file, so that the chain reaches a "
                       "named CA.", NULL},
            {"Java client", "See why none was chosen.", "-Djavax.net.debug=ssl:handshake"}},
    .lookalikes = {{"client-cert-required", "the client has none at all"},
                   {"client-cert-key-unavailable", "it has one, and cannot use its key"}},
    .refs = {"RFC 8446 §4.2.4", "RFC 5246 §7.4.6"},
};

const struct tw_rule tw_rule_client_cert_chain_incomplete = {
    .id = "client-cert-chain-incomplete",
    .title = "The client sends its certificate without the intermediate",
    .category = "certificate",
    .side = TW_CLIENT,
    .explain = "The server trusts the root of the client's CA, but the client sends only its own "
               "certificate, so the link between is missing.",
    .evidence = "One certificate in the client's message, its issuer is not in the server's CA "
                "file; \"unable to get local issuer certificate\" on the server.",
    .fix = {{"client", "Append the intermediate to the client's certificate file.",
             "cat client.pem intermediate.pem > client-chain.pem"},
            {"server", "Or add the intermediate to the accepted CAs.", NULL}},
    .lookalikes = {{"client-cert-rejected", "the root is not trusted either"}},
    .refs = {"RFC 8446 §4.4.2"},
};

const struct tw_rule tw_rule_client_cert_key_unavailable = {
    .id = "client-cert-key-unavailable",
    .title = "The client's certificate or key cannot be used",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The client is told to use a certificate, and fails to load it or to sign with its "
               "key: wrong path or password, no right to read it, key of another certificate, or a "
               "smart card that does not answer.",
    .evidence = "The client complains before or while it sends its certificate: \"unable to set "
                "private key file\", SEC_E_NO_CREDENTIALS.",
    .fix = {{"client", "Check that certificate and key belong together.",
             "openssl x509 -in c.pem -pubkey -noout; openssl pkey -in k.pem -pubout"},
            {"curl", "Name format and password.", "curl --cert c.p12 --cert-type P12 --pass ..."},
            {"Windows", "Give the service's account access to the private key.",
             "certlm.msc: All Tasks, Manage Private Keys"}},
    .lookalikes = {{"client-cert-required", "no certificate is configured"},
                   {"key-mismatch", "the server's key and certificate differ"}},
    .refs = {"RFC 8446 §4.4.3"},
};
