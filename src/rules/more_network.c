/* Causes between the two ends, or in which port is asked how, that other vantages show. */
#include "rules/rules_internal.h"

const struct tw_rule tw_rule_dns_wrong_address = {
    .id = "dns-wrong-address",
    .title = "The name leads to the wrong machine",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "A stale record, an entry in the hosts file, a resolver with another view or a "
               "search domain sends the client elsewhere, where a foreign certificate or none "
               "is served.",
    .evidence = "Another resolver gives another address, and there it passes.",
    .fix = {{"client", "Compare the answers.", "getent ahosts NAME; dig +short NAME @1.1.1.1"},
            {"DNS", "Correct the record, and wait for its TTL.", NULL},
            {"check", "Ask the right machine by address.", "tlswhy check --connect ADDRESS NAME"}},
    .lookalikes = {{"wrong-vhost-default-cert", "the right machine, another of its hosts"},
                   {"captive-portal", "every site shows the same certificate"}},
    .refs = {"RFC 1034 §3.6", "hosts(5)"},
};

const struct tw_rule tw_rule_sni_host_mismatch = {
    .id = "sni-host-mismatch",
    .title = "The name in the handshake and the name in the request differ",
    .category = "protocol",
    .side = TW_CLIENT,
    .explain = "The handshake was made for one host, the HTTP request asks for another. Servers "
               "answer 421 Misdirected Request or 400, also when a browser reuses a connection "
               "because one certificate covers both.",
    .evidence = "The handshake passes; 421 comes, or \"hostname provided via SNI and via HTTP "
                "differ\".",
    .fix = {{"client", "Send the same name in both.", "curl -H 'Host: NAME' https://NAME/"},
            {"proxy", "Pass the visitor's name on in both.",
             "proxy_ssl_name $host; proxy_set_header Host $host;"},
            {"server", "Give hosts that need different settings their own certificate.", NULL}},
    .lookalikes = {{"sni-unrecognized", "the handshake itself fails"}},
    .refs = {"RFC 9110 §15.5.20", "RFC 6066 §3"},
};

const struct tw_rule tw_rule_protocol_prelude_missing = {
    .id = "protocol-prelude-missing",
    .title = "This database or desktop port wants its own request before TLS",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "PostgreSQL, MySQL, SQL Server, LDAP and RDP talk their own protocol first and "
               "upgrade to TLS in it. A ClientHello as the first bytes is not understood.",
    .evidence = "It passes with the protocol's own upgrade.",
    .fix = {{"client", "Use the protocol's client, or a tool that knows it.",
             "tlswhy check postgres://HOST:5432"},
            {"PostgreSQL 17", "Or let the client start with TLS.", "sslnegotiation=direct"},
            {"proxy",
             "Do not terminate TLS in front of such a port, or let both ends know.", NULL}},
    .lookalikes = {{"plaintext-on-tls-port", "it answers in HTTP"},
                   {"db-tls-disabled", "the upgrade is understood, and refused"}},
    .refs = {"PostgreSQL: SSLRequest", "MySQL: SSL handshake", "MS-RDPBCGR §5.4"},
};

const struct tw_rule tw_rule_proxy_required = {
    .id = "proxy-required",
    .title = "The network lets HTTPS out only through its proxy",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "Direct connections are dropped, reset or answered by a block page. Browsers know "
               "the proxy; this program was not told.",
    .evidence = "Through the proxy it passes, directly it does not.",
    .fix = {{"environment", "Name the proxy.", "export HTTPS_PROXY=http://proxy:3128"},
            {"git", "Name the proxy.", "git config --global http.proxy http://proxy:3128"},
            {"Java", "Name the proxy.", "-Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128"},
            {"Docker", "Name it for the daemon.", "Environment=HTTPS_PROXY=http://proxy:3128"}},
    .lookalikes = {{"tcp-timeout", "it fails through the proxy, too"},
                   {"captive-portal", "a log-in page, not a proxy, is in the way"}},
    .refs = {"RFC 9110 §9.3.6"},
};

const struct tw_rule tw_rule_captive_portal = {
    .id = "captive-portal",
    .title = "A log-in or block page answers instead of the site",
    .category = "network",
    .side = TW_NETWORK,
    .explain = "Guest networks and filters redirect everything to their own page until one logs "
               "in. TLS clients then see a foreign certificate or plain HTTP.",
    .evidence = "Every site shows the same certificate or answer; plain HTTP is redirected.",
    .fix = {{"client", "Open a plain page and log in.", "curl -i http://neverssl.com/"},
            {"network", "Announce the portal instead of faking answers.", NULL}},
    .lookalikes = {{"interception-proxy", "the right site, re-signed"},
                   {"dns-wrong-address", "one name only"}},
    .refs = {"RFC 8910", "RFC 8952"},
};

const struct tw_rule tw_rule_double_tls = {
    .id = "double-tls",
    .title = "TLS inside TLS: two places end it, or none where one should",
    .category = "server",
    .side = TW_SERVER,
    .explain = "A balancer ends TLS and sends TLS on as if it were text, or passes it through to a "
               "server that expects text. One hop gets a ClientHello where a request should be.",
    .evidence = "After the outer handshake the first bytes inside are 16 03, or an error about "
                "plain text.",
    .fix = {{"HAProxy", "Either pass through ...", "mode tcp (no 'ssl' on the bind line)"},
            {"HAProxy backend", "... or end it and say so to the server.",
             "server s1 10.0.0.1:8080 (no 'ssl')"},
            {"Kubernetes", "Tell the ingress what the backend speaks.",
             "nginx.ingress.kubernetes.io/backend-protocol: HTTPS"}},
    .lookalikes = {{"plain-client-to-tls-port", "what is inside is text"}},
    .refs = {"HAProxy: configuration manual, mode"},
};
