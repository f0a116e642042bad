/* Causes on the client's machine that no handshake shows. */
#include "rules/rules_internal.h"

const struct tw_rule tw_rule_local_policy_disables_protocol = {
    .id = "local-policy-disables-protocol",
    .title = "The client's own policy forbids the version that the server speaks",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The library could, but java.security, openssl.cnf, a crypto policy or group policy "
               "forbids it. Often the server is old; the policy is what an update tightened.",
    .evidence = "\"no protocols available\", \"protocol is disabled\"; with the policy overridden "
                "the same client passes.",
    .fix = {{"server", "Better: let it speak TLS 1.2 or newer.", "ssl_protocols TLSv1.2 TLSv1.3;"},
            {"Java client", "As a stop-gap, take the version out of the property.",
             "jdk.tls.disabledAlgorithms"},
            {"OpenSSL client", "As a stop-gap.",
             "MinProtocol = TLSv1 / CipherString = DEFAULT@SECLEVEL=0"},
            {"RHEL", "As a stop-gap.", "update-crypto-policies --set LEGACY"}},
    .lookalikes = {{"version-client-too-old", "the library itself has nothing newer"},
                   {"version-server-too-old", "no policy at work: all current clients refuse it"}},
    .refs = {"RFC 8996", "openssl config(5)"},
};

const struct tw_rule tw_rule_crypto_policy_seclevel = {
    .id = "crypto-policy-seclevel",
    .title = "The local security level refuses a key, hash or version",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "OpenSSL's security level (2 on Debian, Ubuntu, RHEL) refuses RSA below 2048 bits, "
               "SHA-1 signatures and, in 3.x, TLS below 1.2. Nothing is broken on the wire; the "
               "same handshake passes at a lower level.",
    .evidence = "\"ee key too small\", \"ca md too weak\", \"dh key too small\"; passes with "
                "@SECLEVEL=0.",
    .fix = {{"server", "Better: new keys and certificates with 2048 bits and SHA-256.", NULL},
            {"OpenSSL client", "As a stop-gap, lower the level for this use only.",
             "openssl s_client -cipher 'DEFAULT@SECLEVEL=0' -connect HOST:443"},
            {"Python client", "As a stop-gap.", "ctx.set_ciphers('DEFAULT@SECLEVEL=1')"},
            {"RHEL", "As a stop-gap.", "update-crypto-policies --set DEFAULT:SHA1"}},
    .lookalikes = {{"dh-key-too-small", "the server's DH group is small for every client"},
                   {"weak-key", "the certificate's key is small for every client"},
                   {"weak-signature", "the chain has SHA-1 for every client"}},
    .refs = {"SSL_CTX_set_security_level(3)", "crypto-policies(7)"},
};

const struct tw_rule tw_rule_fips_policy = {
    .id = "fips-policy",
    .title = "FIPS mode removes what the peer needs",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "In FIPS mode only approved algorithms exist: no MD5, no ChaCha20, no X25519 before "
               "recent modules, no RSA below 2048 bits. What the peer wants is none of them.",
    .evidence = "\"disabled for fips\", \"unsupported\" from the provider; passes with FIPS off.",
    .fix = {{"server", "Offer P-256 and AES-GCM as well.", "ssl_ecdh_curve X25519:P-256;"},
            {"client", "See whether FIPS mode is meant to be on.", "fips-mode-setup --check"},
            {"Java client", "See which provider is first.", "security.provider.1"}},
    .lookalikes = {{"crypto-policy-seclevel", "a level, not FIPS, refuses it"},
                   {"ems-required", "only extended master secret is missing"}},
    .refs = {"FIPS 140-3", "NIST SP 800-52r2"},
};

const struct tw_rule tw_rule_client_wrong_reference_name = {
    .id = "client-wrong-reference-name",
    .title = "The client checks the certificate against the wrong name",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The certificate is right for the service, but the client compares it with another "
               "name: an address after a look-up, a container's name, a tunnel's localhost, the "
               "proxy's name.",
    .evidence = "The certificate covers the service's name; it passes when that name is given.",
    .fix = {{"curl", "Keep the name, direct the connection.",
             "curl --resolve NAME:443:ADDRESS https://NAME/"},
            {"Go client", "Set the name to verify.", "tls.Config{ServerName: \"NAME\"}"},
            {"libpq", "Give the name beside the address.", "host=NAME hostaddr=ADDRESS"},
            {"tunnel", "Check with the service's name.",
             "tlswhy check -s NAME --connect localhost:PORT NAME"}},
    .lookalikes = {{"name-mismatch", "the certificate does not cover the service's name"},
                   {"wrong-vhost-default-cert", "another certificate comes when the name is sent"}},
    .refs = {"RFC 9525 §6"},
};

const struct tw_rule tw_rule_client_stack_broken = {
    .id = "client-stack-broken",
    .title = "The client's TLS library is missing, mixed or broken",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The program was built without TLS, loads a library of another version, or lacks "
               "a provider that it needs. It fails with every server, often before any "
               "connection.",
    .evidence = "\"ssl module is not available\", \"undefined symbol\", \"digital envelope "
                "routines::unsupported\"; another program on the machine passes.",
    .fix = {{"client", "See which libraries are loaded.",
             "ldd $(command -v curl) | grep -E 'ssl|crypto'"},
            {"environment", "Try with a clean one.", "env -i curl -v https://example.com"},
            {"Node", "Old webpack hashes with MD4: update it. As a stop-gap:",
             "NODE_OPTIONS=--openssl-legacy-provider"},
            {"Python", "Build it with OpenSSL's headers.",
             "python3 -c 'import ssl; print(ssl.OPENSSL_VERSION)'"}},
    .lookalikes = {{"fips-policy", "algorithms are removed on purpose"},
                   {"trust-store-missing", "the handshake begins, and only verification fails"}},
    .refs = {"OpenSSL: migration_guide(7)"},
};

const struct tw_rule tw_rule_timeout_too_short = {
    .id = "timeout-too-short",
    .title = "The client gives up before a slow handshake is done",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "The handshake would work, but takes longer than the client waits: a far or slow "
               "server, DNS or proxy delays, a busy client.",
    .evidence = "It passes with a longer limit; the time to the end is above the client's limit.",
    .fix = {{"client", "Raise the limit and see how long it takes.",
             "curl --connect-timeout 30 -w '%{time_appconnect}\\n' URL"},
            {"Go client", "Raise http.Transport.TLSHandshakeTimeout (10 s).", NULL}},
    .lookalikes = {{"mtu-blackhole", "no limit is long enough"},
                   {"server-overload", "slow at peak times only"}},
    .refs = {"RFC 6298"},
};

const struct tw_rule tw_rule_hsts_or_https_forced = {
    .id = "hsts-or-https-forced",
    .title = "The client insists on HTTPS (HSTS) and allows no exception",
    .category = "client",
    .side = TW_SERVER,
    .explain = "The site once said that it is only to be reached by HTTPS, is on the preload list, "
               "or its top-level domain is. The browser then uses HTTPS whatever is typed, and "
               "offers no way around a certificate error.",
    .evidence = "The same certificate error can be clicked away elsewhere, or plain HTTP works "
                "with other programs.",
    .fix = {{"server", "Make HTTPS work: that is what was promised.", "tlswhy check HOST"},
            {"client", "For a test machine, forget the entry.", "chrome://net-internals/#hsts"}},
    .lookalikes = {{"cert-expired", "the certificate error behind it"},
                   {"self-signed-leaf", "the certificate error behind it"}},
    .refs = {"RFC 6797 §8", "RFC 6797 §12.1"},
};

const struct tw_rule tw_rule_pinning_failure = {
    .id = "pinning-failure",
    .title = "The program expects one certain key, and the server has another",
    .category = "client",
    .side = TW_CLIENT,
    .explain = "Apps and some tools pin the server's key or its CA. The key was changed without a "
               "pin for the new one, or a proxy shows its own certificate.",
    .evidence = "The chain is valid for other clients; the hash of the key is not among the pins.",
    .fix = {{"app", "Ship a pin for the next key before it is used.",
             "openssl x509 -pubkey -noout -in cert.pem | openssl pkey -pubin "
             "-outform DER | openssl sha256"},
            {"server", "Keep the key at renewal until all apps know the new one.",
             "certbot renew --reuse-key"},
            {"network", "Exempt the app from TLS inspection.", NULL}},
    .lookalikes = {{"interception-proxy", "the issuer is not the site's CA"},
                   {"antivirus-interception", "the issuer is a program on this machine"}},
    .refs = {"RFC 7469", "OWASP: Certificate and Public Key Pinning"},
};
