/*
 * Causes in the server's files and set-up that a handshake alone does not show: other vantages
 * (configuration, log, error text) do. None has a match function.
 */
#include "rules/rules_internal.h"

const struct tw_rule tw_rule_cert_renewed_not_reloaded = {
    .id = "cert-renewed-not-reloaded",
    .title = "The certificate was renewed, but the server still serves the old one",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "Servers read certificate files when they start. The renewal wrote new files, and "
               "the running process was not told: it goes on with the old certificate until it "
               "expires. Mail servers, containers and Java services are the usual ones.",
    .evidence = "The file on disk ends later than the certificate that is served.",
    .fix = {{"nginx", "Reload, and let the renewal do it from now on.",
             "certbot renew --deploy-hook 'systemctl reload nginx'"},
            {"Apache", "Reload after each renewal.", "systemctl reload apache2"},
            {"HAProxy", "Reload, or set the certificate through the runtime API.",
             "systemctl reload haproxy"},
            {"Postfix", "Reload both mail daemons.", "systemctl reload postfix dovecot"},
            {"Java", "Restart it, or let it watch the key store.", NULL},
            {"Kubernetes", "Restart what mounted the secret by subPath; that is never updated.",
             "kubectl rollout restart deployment NAME"}},
    .lookalikes = {{"cert-expired", "the file on disk has expired too: nothing was renewed"},
                   {"backend-inconsistent", "only some addresses or processes serve the old one"}},
    .refs = {"nginx: Controlling nginx", "certbot: deploy hooks"},
};

const struct tw_rule tw_rule_key_unreadable = {
    .id = "key-unreadable",
    .title = "The private key cannot be read",
    .category = "server",
    .side = TW_SERVER,
    .explain = "The key file is there, but the server's user may not read it (or a directory above "
               "it), it is encrypted and no passphrase is given, or it is in a format the program "
               "does not know.",
    .evidence = "The server's log names the key file, with \"permission denied\", a passphrase or "
                "a decoder error.",
    .fix = {{"permissions", "Try as the server's user, and look at each directory on the way.",
             "namei -l /etc/ssl/private/key.pem"},
            {"passphrase", "Store it decrypted with tight permissions, or give the passphrase.",
             "openssl pkey -in enc.pem -out key.pem"},
            {"format", "Convert it to PEM.", "openssl pkey -in key.any -out key.pem"},
            {"SELinux", "Restore the label of the file.", "restorecon -v /etc/pki/tls/private/*"}},
    .lookalikes = {{"key-mismatch", "it is read, but belongs to another certificate"},
                   {"cert-file-bad-pem", "the certificate is the file that cannot be parsed"}},
    .refs = {"RFC 7468 §10", "RFC 5958"},
};

const struct tw_rule tw_rule_cert_file_bad_pem = {
    .id = "cert-file-bad-pem",
    .title = "The certificate file is missing, empty, or no valid PEM",
    .category = "server",
    .side = TW_SERVER,
    .explain = "What should be PEM is DER, PKCS#12, an HTML page, a truncated copy, or has a byte "
               "order mark or broken line ends; or the path is wrong. The server does not start, "
               "or goes on without a certificate.",
    .evidence = "\"no start line\", \"bad base64 decode\", \"no such file\" with the path.",
    .fix = {{"any server", "See what the file is.", "openssl x509 -in cert.pem -noout -subject"},
            {"DER", "Convert it.", "openssl x509 -inform DER -in cert.cer -out cert.pem"},
            {"PKCS#12", "Take certificate and key out.",
             "openssl pkcs12 -in store.p12 -nodes -out all.pem"},
            {"any editor", "Remove byte order mark and DOS line ends.",
             "sed -i '1s/^\\xEF\\xBB\\xBF//; s/\\r$//' cert.pem"}},
    .lookalikes = {{"key-unreadable", "the complaint is about the key file"},
                   {"cert-malformed", "the PEM is fine, the certificate inside is not"}},
    .refs = {"RFC 7468 §5"},
};

const struct tw_rule tw_rule_server_no_cert_configured = {
    .id = "server-no-cert-configured",
    .title = "The listener does TLS but has no certificate for this handshake",
    .category = "server",
    .side = TW_SERVER,
    .explain = "The port is switched to TLS, but no certificate and key are loaded for it or for "
               "the name asked for. The server can only do anonymous suites, which no client "
               "offers, so it says \"no shared cipher\" or handshake_failure.",
    .evidence = "The log says \"no shared cipher\" or \"no suitable certificate\" whatever a "
                "client offers.",
    .fix = {{"nginx", "Name both files in the server block with 'listen ... ssl'.",
             "ssl_certificate cert.pem; ssl_certificate_key key.pem;"},
            {"Apache", "Name both files in the virtual host.", "SSLCertificateFile cert.pem"},
            {"Java", "The key store needs a key entry, not only certificates.",
             "keytool -list -keystore store.p12"},
            {"Dovecot", "Mind the '<' that reads the file.", "ssl_cert = </etc/ssl/cert.pem"},
            {"Go", "Fill tls.Config.Certificates or GetCertificate.", NULL}},
    .lookalikes = {{"cipher-no-overlap", "some other offer of suites passes"},
                   {"sni-required", "it passes once a name is sent"}},
    .refs = {"RFC 8446 §4.4.2", "RFC 5246 §7.4.2"},
};

const struct tw_rule tw_rule_mta_sts_mismatch = {
    .id = "mta-sts-mismatch",
    .title = "The mail domain's policy (MTA-STS) refuses the MX or its certificate",
    .category = "certificate",
    .side = TW_SERVER,
    .explain = "With an MTA-STS policy in mode enforce, senders deliver only to an MX that the "
               "policy names and whose certificate is publicly trusted for that name. One of the "
               "two does not hold, or the policy cannot be fetched.",
    .evidence = "Senders log \"sts-policy\" or \"validation-failure\"; TLS reports say the same.",
    .fix = {{"policy", "Let mx: lines match the MX records, and raise the id in DNS.",
             "https://mta-sts.DOMAIN/.well-known/mta-sts.txt"},
            {"MX", "Give it a publicly trusted certificate for the MX name.",
             "tlswhy check smtp://MX:25"}},
    .lookalikes = {{"dane-tlsa-mismatch", "the policy comes from TLSA records in DNS"}},
    .refs = {"RFC 8461 §4", "RFC 8460"},
};

const struct tw_rule tw_rule_server_misconfiguration_startup = {
    .id = "server-misconfiguration-startup",
    .title = "An error in its TLS settings keeps the server from loading them",
    .category = "server",
    .side = TW_SERVER,
    .explain = "The server refuses its configuration: an unknown option, a file that does not "
               "fit, a cipher string that selects nothing. It does not start, or runs on with "
               "the old settings.",
    .evidence = "The configuration test or the start-up log names file and line.",
    .fix = {{"nginx", "Test, then reload.", "nginx -t"},
            {"Apache", "Test, then reload.", "apachectl configtest"},
            {"HAProxy", "Test, then reload.", "haproxy -c -f /etc/haproxy/haproxy.cfg"},
            {"Postfix", "Test.", "postfix check"},
            {"Dovecot", "Show what is understood.", "doveconf -n"}},
    .lookalikes = {{"key-mismatch", "the complaint is \"key values mismatch\""},
                   {"cert-file-bad-pem", "the complaint is about reading a file"}},
    .refs = {"nginx: ngx_http_ssl_module", "Apache: mod_ssl"},
};

const struct tw_rule tw_rule_cipher_string_invalid = {
    .id = "cipher-string-invalid",
    .title = "The list of cipher suites selects nothing",
    .category = "server",
    .side = TW_SERVER,
    .explain = "A cipher string with a typing error, names of the wrong kind (IANA instead of "
               "OpenSSL, TLS 1.3 suites in the old list), or only suites that the library no "
               "longer has, leaves no suite.",
    .evidence = "\"no cipher match\", \"no ciphers available\" when the settings are loaded.",
    .fix = {{"OpenSSL", "Evaluate the string.", "openssl ciphers -v 'STRING'"},
            {"nginx", "TLS 1.3 suites are set elsewhere.",
             "ssl_ciphers HIGH:!aNULL; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;"},
            {"curl", "Two options: before TLS 1.3, and TLS 1.3.",
             "curl --ciphers ... --tls13-ciphers ..."}},
    .lookalikes = {{"cipher-no-overlap", "the list is good, the peer's is another one"}},
    .refs = {"openssl-ciphers(1)"},
};

const struct tw_rule tw_rule_proxy_protocol_mismatch = {
    .id = "proxy-protocol-mismatch",
    .title = "A PROXY protocol header is sent and not expected, or expected and not sent",
    .category = "server",
    .side = TW_SERVER,
    .explain = "A load balancer can put one line (\"PROXY TCP4 ...\") before the ClientHello. A "
               "server that does not expect it takes it for a broken TLS record; one that does "
               "expect it closes every connection without.",
    .evidence = "The server logs \"wrong version number\", \"broken header\" or a request that "
                "starts with PROXY.",
    .fix = {{"nginx", "Expect it on that port.", "listen 443 ssl proxy_protocol;"},
            {"HAProxy", "Both ends must agree.",
             "bind :443 accept-proxy ssl ... / server ... send-proxy"},
            {"Postfix", "Expect it.", "smtpd_upstream_proxy_protocol = haproxy"},
            {"cloud load balancer", "Switch PROXY protocol off on the target group, or on at the "
                                    "server.", NULL}},
    .lookalikes = {{"plain-client-to-tls-port", "the text starts with GET, EHLO or the like"}},
    .refs = {"HAProxy: proxy-protocol.txt"},
};

const struct tw_rule tw_rule_server_overload = {
    .id = "server-overload",
    .title = "The server is overloaded: it accepts late or not at all",
    .category = "server",
    .side = TW_SERVER,
    .explain = "A full listen backlog, no free file descriptor or worker, or handshakes that use "
               "up the CPU. Connections time out or are reset, now and then, mostly at peak times.",
    .evidence = "Some of many identical handshakes fail or take seconds; the log has \"too many "
                "open files\" or \"worker_connections are not enough\".",
    .fix = {{"nginx", "Raise limits.",
             "worker_rlimit_nofile 65536; events { worker_connections 16384; }"},
            {"Linux", "Look at overflows of the backlog.", "nstat -az TcpExtListenOverflows"},
            {"any server",
             "Prefer ECDSA certificates and session resumption: less work each.", NULL}},
    .lookalikes = {{"tcp-timeout", "no connection at all, at any time"},
                   {"waf-fingerprint-block", "only some clients, always"}},
    .refs = {"listen(2)"},
};

const struct tw_rule tw_rule_waf_fingerprint_block = {
    .id = "waf-fingerprint-block",
    .title = "The front end blocks this client by its TLS fingerprint or address",
    .category = "server",
    .side = TW_SERVER,
    .explain = "CDNs and bot filters judge the ClientHello: order of suites and extensions. One "
               "that looks like a script is reset, closed, or answered with an alert or 403, while "
               "a browser on the same machine passes.",
    .evidence = "A hello of a browser's shape passes from the same address, another one fails.",
    .fix = {{"server", "Allow the client's address or fingerprint in the bot rules.", NULL},
            {"client", "Use the service's API address, or ask its operator.", NULL}},
    .lookalikes = {{"cipher-no-overlap", "one suite or group, not the order, makes it pass"},
                   {"rst-on-client-hello", "every client is reset"}},
    .refs = {"JA3/JA4 fingerprints: FoxIO-LLC/ja4"},
};

const struct tw_rule tw_rule_benign_probe = {
    .id = "benign-probe",
    .title = "Nobody's fault: a health check, scanner or abandoned connection",
    .category = "network",
    .side = TW_NOBODY,
    .explain = "Load balancers that only open a TCP connection, scanners, and browsers that open "
               "connections in advance leave handshake errors in server logs. No user was refused.",
    .evidence = "The same few addresses, at regular times, end before or right after the hello.",
    .fix = {{"health check", "Let it make a TLS handshake.",
             "server s1 10.0.0.1:443 check check-ssl verify none"},
            {"log", "Lower the level of these lines.", NULL},
            {"service", "Make sure that real clients pass.", "tlswhy check HOST:PORT"}},
    .lookalikes = {{"client-rejected-server-cert",
             "real clients, which leave after the certificate"},
                   {"mtu-blackhole", "clients of one network leave in the middle"}},
    .refs = {"RFC 8446 §6.1"},
};

const struct tw_rule tw_rule_client_ca_list_too_large = {
    .id = "client-ca-list-too-large",
    .title = "The server's list of acceptable client CAs is too long",
    .category = "server",
    .side = TW_SERVER,
    .explain = "When asking for a client certificate the server sends the names of all CAs that it "
               "trusts. With a whole trust store the message passes what clients accept: 16 KB in "
               "Schannel, and a record's size in others.",
    .evidence = "Only with client authentication on; \"excessive message size\" or Schannel event "
                "36885.",
    .fix = {{"Windows", "Send no list.", "SCHANNEL: SendTrustedIssuerList=0"},
            {"nginx", "Name only the CAs that issue client certificates.",
             "ssl_client_certificate clients-ca.pem;"},
            {"Apache", "Announce fewer names than are trusted.",
             "SSLCADNRequestFile clients-ca.pem"}},
    .lookalikes = {{"client-cert-not-sent-ca-hint",
             "the list is short, and lacks the client's CA"}},
    .refs = {"RFC 8446 §4.2.4", "RFC 5246 §7.4.4"},
};

const struct tw_rule tw_rule_post_handshake_auth_unsupported = {
    .id = "post-handshake-auth-unsupported",
    .title = "A client certificate is asked for after the handshake",
    .category = "protocol",
    .side = TW_SERVER,
    .explain = "A certificate wanted for one path only is asked for after the request was read: by "
               "renegotiation up to TLS 1.2, by post-handshake authentication in TLS 1.3. HTTP/2 "
               "forbids both, and browsers do not do the latter.",
    .evidence = "\"Cannot perform Post-Handshake Authentication\"; TLS 1.2 with HTTP/1.1 passes.",
    .fix = {{"Apache", "Ask in the handshake, for the whole host.", "SSLVerifyClient require"},
            {"IIS", "Negotiate client certificates at the binding.",
             "netsh http add sslcert ... clientcertnegotiation=enable"},
            {"server", "Or give the paths that need it their own host name.", NULL}},
    .lookalikes = {{"client-cert-required", "it is asked for in the handshake, and none was sent"},
                   {"renegotiation-refused", "TLS 1.2, and the client says no_renegotiation"}},
    .refs = {"RFC 8446 §4.6.2", "RFC 9113 §9.2.3", "RFC 8740"},
};
