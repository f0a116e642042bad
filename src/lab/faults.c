/*
 * The table of faults: one row each. The name is the cause that check must find, or that id and a
 * variant after it. Healthy servers stand first and expect no cause.
 */
#include "lab/lab_internal.h"

static void set(struct tw_u16list *l, const uint16_t *v, size_t n)
{
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        tw_u16list_add(l, v[i]);
}
#define SET(list, ...) set(&(list), (const uint16_t[]){__VA_ARGS__}, \
                           sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

void lab_healthy_config(struct tw_server_config *s)
{
    static const char *const alpn[] = {"http/1.1"};
    SET(s->versions, TW_TLS13, TW_TLS12);
    SET(s->ciphers, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8);
    SET(s->groups, TW_GRP_X25519MLKEM768, TW_GRP_X25519, TW_GRP_SECP256R1, TW_GRP_SECP384R1);
    SET(s->sigalgs, 0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0401, 0x0501, 0x0601);
    s->alpn = alpn;
    s->alpn_n = 1;
    s->tickets = true;
    s->reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
}

static void tls12_only(struct tw_server_config *s)
{
    SET(s->versions, TW_TLS12);
}

static void tls13_only(struct tw_server_config *s)
{
    SET(s->versions, TW_TLS13);
}

static void hello_retry(struct tw_server_config *s)
{
    SET(s->groups, TW_GRP_SECP384R1);
}

static void tls10_only(struct tw_server_config *s)
{
    SET(s->versions, TW_TLS10);
    SET(s->ciphers, 0xc009, 0xc013, 0xc00a, 0xc014, 0x002f, 0x0035);
}

static void tls10_rsa_kx(struct tw_server_config *s)
{
    SET(s->versions, TW_TLS10);
    SET(s->ciphers, 0x002f, 0x0035, 0x000a);
}

static void cbc_sha2_only(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0xc028, 0xc024);
}

static void camellia_only(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0xc072, 0xc076);
}

static void ecdsa_suites_only(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0xc02b, 0xc02c, 0xcca9);
}

static void rsa_kx_only(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0x009c, 0x009d, 0x002f, 0x0035);
}

static void x448_only(struct tw_server_config *s)
{
    SET(s->groups, TW_GRP_X448);
}

static void brainpool_tls12(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->groups, TW_GRP_BP256R1);
}

static void sha1_only(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->sigalgs, 0x0203, 0x0201);
}

/* Oakley group 2, 1024 bits (RFC 2409 6.2). */
static const uint8_t oakley2[128] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC9, 0x0F, 0xDA, 0xA2, 0x21, 0x68, 0xC2, 0x34,
    0xC4, 0xC6, 0x62, 0x8B, 0x80, 0xDC, 0x1C, 0xD1, 0x29, 0x02, 0x4E, 0x08, 0x8A, 0x67, 0xCC, 0x74,
    0x02, 0x0B, 0xBE, 0xA6, 0x3B, 0x13, 0x9B, 0x22, 0x51, 0x4A, 0x08, 0x79, 0x8E, 0x34, 0x04, 0xDD,
    0xEF, 0x95, 0x19, 0xB3, 0xCD, 0x3A, 0x43, 0x1B, 0x30, 0x2B, 0x0A, 0x6D, 0xF2, 0x5F, 0x14, 0x37,
    0x4F, 0xE1, 0x35, 0x6D, 0x6D, 0x51, 0xC2, 0x45, 0xE4, 0x85, 0xB5, 0x76, 0x62, 0x5E, 0x7E, 0xC6,
    0xF4, 0x4C, 0x42, 0xE9, 0xA6, 0x37, 0xED, 0x6B, 0x0B, 0xFF, 0x5C, 0xB6, 0xF4, 0x06, 0xB7, 0xED,
    0xEE, 0x38, 0x6B, 0xFB, 0x5A, 0x89, 0x9F, 0xA5, 0xAE, 0x9F, 0x24, 0x11, 0x7C, 0x4B, 0x1F, 0xE6,
    0x49, 0x28, 0x66, 0x51, 0xEC, 0xE6, 0x53, 0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
static const uint8_t generator2[1] = {2};

static void dh1024(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0x009e, 0x0033, 0x0039);
    s->dh_p = tw_view_of(oakley2, sizeof oakley2);
    s->dh_g = tw_view_of(generator2, sizeof generator2);
}

static void sni_required(struct tw_server_config *s)
{
    s->sni_required = true;
}

static void sni_strict(struct tw_server_config *s)
{
    static const char *const names[] = {"www.example.test"};
    s->names = names;
    s->names_n = 1;
    s->sni_strict = true;
}

static void mqtt_only(struct tw_server_config *s)
{
    static const char *const alpn[] = {"mqtt"};
    s->alpn = alpn;
    s->alpn_n = 1;
    s->alpn_required = true;
}

static void client_cert(struct tw_server_config *s)
{
    s->client_cert = 2;
}

static void client_cert_tls12(struct tw_server_config *s)
{
    tls12_only(s);
    s->client_cert = 2;
}

static void client_cert_optional(struct tw_server_config *s)
{
    s->client_cert = 1;
}

static void internal_error(struct tw_server_config *s)
{
    s->faults.alert_on_hello = TW_ALERT_INTERNAL_ERROR + 1;
}

static void corrupt_record(struct tw_server_config *s)
{
    s->faults.corrupt_record = true;
}

static void corrupt_finished(struct tw_server_config *s)
{
    tls12_only(s);
    s->faults.corrupt_finished = true;
}

static void corrupt_signature(struct tw_server_config *s)
{
    s->faults.corrupt_signature = true;
}

/* Static RSA is on too, so that the key can be told right without a signature. */
static void corrupt_signature_rsa(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0xc02f, 0xc030, 0x009c, 0x002f);
    s->faults.corrupt_signature = true;
}

static void rsa_with_kx(struct tw_server_config *s)
{
    tls12_only(s);
    SET(s->ciphers, 0xc02f, 0xc030, 0x009c, 0x002f);
}

static void http_526(struct tw_server_config *s)
{
    s->reply = "HTTP/1.1 526 Invalid SSL Certificate\r\nContent-Length: 0\r\n"
               "Connection: close\r\n\r\n";
}

#define BYTES(s) .bytes = s, .bytes_len = sizeof(s) - 1

static const struct lab_fault faults[] = {
    {"healthy", "TLS 1.3 and 1.2, ECDSA", NULL, NULL, LAB_TLS, LAB_GOOD_EC},
    {"healthy-rsa", "TLS 1.3 and 1.2, RSA", NULL, NULL, LAB_TLS, LAB_GOOD_RSA},
    {"healthy-ed25519", "TLS 1.3 and 1.2, Ed25519, and a client that knows it", NULL,
     "sigalgs=ed25519,ecdsa_secp256r1_sha256,rsa_pss_rsae_sha256", LAB_TLS, LAB_GOOD_ED25519},
    {"healthy-tls12", "TLS 1.2 only", NULL, NULL, LAB_TLS, LAB_GOOD_EC, tls12_only},
    {"healthy-hello-retry", "asks for another group by HelloRetryRequest", NULL, NULL, LAB_TLS,
     LAB_GOOD_EC, hello_retry},
    {"healthy-client-cert-optional", "asks for a client certificate, takes none", NULL, NULL,
     LAB_TLS, LAB_GOOD_EC, client_cert_optional},

    {"dns-failure", "a name that does not exist", "dns-failure", NULL, LAB_NO_NAME},
    {"tcp-refused", "nothing listens on the port", "tcp-refused", NULL, LAB_NOT_LISTENING},
    {"tcp-timeout", "SYNs are dropped", "tcp-timeout", "timeout=2", LAB_FULL_BACKLOG},
    {"reset-before-hello", "accepts, then resets", "reset-before-hello", NULL, LAB_RESET},
    {"reset-before-hello-fin", "accepts, then closes", "reset-before-hello", NULL, LAB_CLOSE},
    {"rst-on-client-hello", "resets when a ClientHello arrives", "rst-on-client-hello", NULL,
     LAB_RESET_ON_DATA},
    {"close-on-client-hello", "closes when a ClientHello arrives", "close-on-client-hello", NULL,
     LAB_CLOSE_ON_DATA},

    {"plaintext-on-tls-port", "a web server without TLS", "plaintext-on-tls-port", NULL,
     LAB_ANSWER, .bytes = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", .bytes_len = 47},
    {"plaintext-on-tls-port-mute", "a web server that closes on what it does not understand",
     "plaintext-on-tls-port", NULL, LAB_ANSWER_HTTP,
     BYTES("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")},
    {"wrong-service-on-port", "an SSH server", "wrong-service-on-port", NULL, LAB_GREET,
     BYTES("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")},
    {"starttls-needed-smtp", "a mail server that wants STARTTLS", "starttls-needed", NULL,
     LAB_GREET, BYTES("220 mail.example.test ESMTP Postfix\r\n")},
    {"starttls-needed-imap", "an IMAP server that wants STARTTLS", "starttls-needed", NULL,
     LAB_GREET, BYTES("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready.\r\n")},
    {"starttls-needed-mysql", "a MySQL server", "starttls-needed", NULL, LAB_GREET,
     BYTES("\x4a\x00\x00\x00\x0a" "8.0.36\0\x08\x00\x00\x00" "abcdefgh\0\xff\xff\xff\x02\x00")},
    {"starttls-needed-postgres", "a PostgreSQL server", "starttls-needed", NULL, LAB_ANSWER,
     BYTES("E\x00\x00\x00\x2eSFATAL\0C08P01\0Minvalid length of packet\0\0")},

    {"version-server-too-old", "TLS 1.0 only", "version-server-too-old", NULL, LAB_TLS,
     LAB_GOOD_RSA, tls10_only},
    {"version-server-too-old-rsa-kx", "TLS 1.0 with static RSA only", "version-server-too-old",
     NULL, LAB_TLS, LAB_GOOD_RSA, tls10_rsa_kx},
    {"version-client-too-old", "a client of TLS 1.1 days", "version-client-too-old",
     "max-version=1.1", LAB_TLS, LAB_GOOD_RSA},
    {"version-no-overlap", "TLS 1.3 only, and a client pinned to 1.2", "version-no-overlap",
     "max-version=1.2", LAB_TLS, LAB_GOOD_EC, tls13_only},
    {"cipher-no-overlap", "only CBC suites with SHA-384", "cipher-no-overlap", NULL, LAB_TLS,
     LAB_GOOD_RSA, cbc_sha2_only},
    {"cipher-no-overlap-camellia", "only Camellia", "cipher-no-overlap", NULL, LAB_TLS,
     LAB_GOOD_RSA, camellia_only},
    {"cipher-cert-type-mismatch", "ECDSA suites with an RSA certificate",
     "cipher-cert-type-mismatch", NULL, LAB_TLS, LAB_GOOD_RSA, ecdsa_suites_only},
    {"cipher-cert-type-mismatch-client", "a client with ECDSA suites only, an RSA certificate",
     "cipher-cert-type-mismatch", "ciphers=ECDHE-ECDSA-AES128-GCM-SHA256", LAB_TLS, LAB_GOOD_RSA,
     tls12_only},
    {"rsa-kx-removed", "static RSA key exchange only", "rsa-kx-removed", NULL, LAB_TLS,
     LAB_GOOD_RSA, rsa_kx_only},
    {"group-no-overlap", "group X448 only", "group-no-overlap", NULL, LAB_TLS, LAB_GOOD_EC,
     x448_only},
    {"group-no-overlap-tls12", "TLS 1.2 with a brainpool curve only", "group-no-overlap", NULL,
     LAB_TLS, LAB_GOOD_RSA, brainpool_tls12},
    {"sigalg-no-overlap", "signs with SHA-1 only", "sigalg-no-overlap", NULL, LAB_TLS,
     LAB_GOOD_RSA, sha1_only},
    {"sigalg-no-overlap-ed25519", "an Ed25519 key, which no browser knows", "sigalg-no-overlap", NULL,
     LAB_TLS, LAB_GOOD_ED25519},
    {"dh-key-too-small", "DHE over 1024 bits only", "dh-key-too-small", NULL, LAB_TLS,
     LAB_GOOD_RSA, dh1024},

    {"sni-required", "no answer without SNI", "sni-required", "no-sni verify-name=localhost",
     LAB_TLS, LAB_GOOD_EC, sni_required},
    {"sni-unrecognized", "serves other names only", "sni-unrecognized", NULL, LAB_TLS,
     LAB_GOOD_EC, sni_strict},
    {"alpn-no-overlap", "wants ALPN mqtt", "alpn-no-overlap", NULL, LAB_TLS, LAB_GOOD_EC,
     mqtt_only},
    {"client-cert-required", "mutual TLS", "client-cert-required", NULL, LAB_TLS, LAB_GOOD_EC,
     client_cert},
    {"client-cert-required-tls12", "mutual TLS, TLS 1.2", "client-cert-required", NULL, LAB_TLS,
     LAB_GOOD_EC, client_cert_tls12},
    {"server-internal-error", "gives up with internal_error", "server-internal-error", NULL,
     LAB_TLS, LAB_GOOD_EC, internal_error},
    {"bad-record-mac", "a record changed on the way", "bad-record-mac", NULL, LAB_TLS, LAB_GOOD_EC,
     corrupt_record},
    {"bad-record-mac-finished", "a handshake changed on the way", "bad-record-mac", NULL, LAB_TLS,
     LAB_GOOD_EC, corrupt_finished},
    {"handshake-signature-invalid", "signs wrongly with the right key, ECDSA",
     "handshake-signature-invalid", NULL, LAB_TLS, LAB_GOOD_EC, corrupt_signature},
    {"handshake-signature-invalid-rsa", "signs wrongly with the right key, RSA",
     "handshake-signature-invalid", NULL, LAB_TLS, LAB_GOOD_RSA, corrupt_signature_rsa},
    {"key-mismatch", "the key of another certificate, ECDSA", "key-mismatch", NULL, LAB_TLS,
     LAB_WRONG_KEY_EC},
    {"key-mismatch-rsa", "the key of another certificate, RSA", "key-mismatch", NULL, LAB_TLS,
     LAB_WRONG_KEY_RSA, rsa_with_kx},

    {"pq-key-share-intolerance", "never answers a ClientHello of over 1400 bytes",
     "pq-key-share-intolerance", "timeout=4", LAB_TLS, LAB_GOOD_EC,
     .gate = {LAB_GATE_LARGE, LAB_GATE_SWALLOW}},
    {"pq-key-share-intolerance-group", "hangs up when a hybrid group is offered",
     "pq-key-share-intolerance", NULL, LAB_TLS, LAB_GOOD_EC,
     .gate = {LAB_GATE_HYBRID_GROUP, LAB_GATE_CLOSE}},
    {"version-intolerance", "resets when TLS 1.3 is offered", "version-intolerance", NULL, LAB_TLS,
     LAB_GOOD_EC, tls12_only, .gate = {LAB_GATE_TLS13, LAB_GATE_RESET}},
    {"extension-intolerance", "hangs up on compress_certificate", "extension-intolerance", NULL,
     LAB_TLS, LAB_GOOD_EC, .gate = {LAB_GATE_EXT_27, LAB_GATE_CLOSE}},
    {"tls13-middlebox-compat-mismatch", "refuses a session id in TLS 1.3",
     "tls13-middlebox-compat-mismatch", NULL, LAB_TLS, LAB_GOOD_EC, tls13_only,
     .gate = {LAB_GATE_SESSION_ID, LAB_GATE_ALERT}},
    {"upstream-tls-misconfig", "answers HTTP 526, as front ends do for their origin",
     "upstream-tls-misconfig", NULL, LAB_TLS, LAB_GOOD_EC, http_526},
    {"sni-filtering", "a filter that resets on a name in the first record", "sni-filtering", NULL,
     LAB_TLS, LAB_GOOD_EC, .gate = {LAB_GATE_NAME, LAB_GATE_RESET}},

    {"cert-expired", "an expired certificate", "cert-expired", NULL, LAB_TLS, LAB_EXPIRED},
    {"cert-not-yet-valid", "a certificate of the day after tomorrow", "cert-not-yet-valid", NULL,
     LAB_TLS, LAB_NOT_YET},
    {"self-signed-leaf", "a self-signed certificate", "self-signed-leaf", NULL, LAB_TLS,
     LAB_SELF_SIGNED},
    {"untrusted-private-ca", "a CA that nobody knows", "untrusted-private-ca", NULL, LAB_TLS,
     LAB_PRIVATE_CA},
    {"chain-missing-intermediate", "the leaf alone", "chain-missing-intermediate", NULL, LAB_TLS,
     LAB_NO_INTERMEDIATE},
    {"name-mismatch", "a certificate for another name", "name-mismatch", NULL, LAB_TLS,
     LAB_WRONG_NAME},
};

static size_t count(const struct lab_fault *(*at)(size_t))
{
    size_t n = 0;
    while (at(n) != NULL)
        n++;
    return n;
}

const struct lab_fault *lab_fault_at(size_t i)
{
    size_t trust_n = count(lab_fault_trust_at), chain_n = count(lab_fault_chain_at);
    if (i < TW_ARRAY_LEN(faults))
        return &faults[i];
    i -= TW_ARRAY_LEN(faults);
    if (i < trust_n)
        return lab_fault_trust_at(i);
    i -= trust_n;
    return i < chain_n ? lab_fault_chain_at(i) : lab_fault_cert_at(i - chain_n);
}
