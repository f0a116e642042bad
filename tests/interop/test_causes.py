"""Causes provoked by real servers: the root cause, its side, the bounds on connections and rounds."""
import unittest

import network
import pki
import servers
from diagnose import Checks, add_causes

ANY = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


def leaf(kind="p256", **kw):
    return pki.shared().leaf(kind, **kw)


def root():
    return pki.shared().root.cert


def openssl(kind, *options, **kw):
    return lambda: servers.openssl(leaf(kind), *options, **kw)


def go(kind, *options):
    return lambda: servers.go(leaf(kind), *options)


def nginx(kind, extra, **kw):
    return lambda: servers.nginx_tls(leaf(kind), extra, **kw)


def apache(kind, extra):
    return lambda: servers.apache_tls(leaf(kind), extra)


def haproxy(kind, extra, frontend=""):
    return lambda: servers.haproxy("ssl crt %s %s" % (leaf(kind).both, extra), frontend)


def gnutls(kind, *options):
    return lambda: servers.gnutls(leaf(kind), "--disable-client-cert", *options)


def nss(kind, *options):
    return lambda: servers.nss(leaf(kind), *options)


def other_ca():
    return pki.shared().ca("other").cert


class Causes(Checks, unittest.TestCase):
    pass


def cause(name, rows, **want):
    add_causes(Causes, name, rows, **want)


# ---- versions --------------------------------------------------------------------------------------

OLD_NGINX = "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"
OLD_APACHE = "SSLProtocol -all +TLSv1 +TLSv1.1\nSSLCipherSuite ALL:@SECLEVEL=0"

cause("version-server-too-old", {
    "OpenSSL 1.0": openssl("rsa", "-tls1", "-cipher", ANY),
    "OpenSSL 1.1": openssl("rsa", "-tls1_1", "-cipher", ANY),
    "OpenSSL 1.1 ECDSA": openssl("p256", "-tls1_1", "-cipher", ANY),
    "GnuTLS 1.0": gnutls("rsa", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.0"),
    "NSS 1.1": nss("rsa", "-V", "tls1.0:tls1.1"),
    "Go 1.1": go("rsa", "-max", "1.1"),
    "Java 1.0": lambda: servers.java(leaf("rsa"), protocols="TLSv1"),
    "Python 1.1": lambda: servers.python(leaf("rsa"), min="TLSv1", max="TLSv1_1",
                                         ciphers="ALL:@SECLEVEL=0"),
    "Node 1.1": lambda: servers.node(leaf("rsa"), minVersion="TLSv1", maxVersion="TLSv1.1",
                                     ciphers="ALL:@SECLEVEL=0"),
    "nginx": nginx("rsa", OLD_NGINX),
    "Apache": apache("rsa", OLD_APACHE),
    "HAProxy": haproxy("rsa", "ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1 ciphers ALL:@SECLEVEL=0"),
    "OpenSSL 1.0, client 1.3 only": (openssl("rsa", "-tls1", "-cipher", ANY),
                                     ("--min-version", "1.3")),
}, side="server", at="server_hello")

cause("version-client-too-old", {
    "OpenSSL": (openssl("rsa"), ("--max-version", "1.1")),
    "OpenSSL 1.3 only": (openssl("rsa", "-tls1_3"), ("--max-version", "1.0")),
    "GnuTLS": (gnutls("rsa", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"),
               ("--max-version", "1.1")),
    "NSS": (nss("rsa", "-V", "tls1.2:tls1.3"), ("--max-version", "1.1")),
    "Go": (go("rsa", "-min", "1.2"), ("--max-version", "1.1")),
    "Java": (lambda: servers.java(leaf("rsa"), protocols="TLSv1.3,TLSv1.2"),
             ("--max-version", "1.1")),
    "Python": (lambda: servers.python(leaf("rsa")), ("--max-version", "1.0")),
    "Node": (lambda: servers.node(leaf("rsa")), ("--max-version", "1.1")),
    "nginx": (nginx("rsa", "ssl_protocols TLSv1.2 TLSv1.3;"), ("--max-version", "1.1")),
    "Apache": (apache("rsa", "SSLProtocol -all +TLSv1.2 +TLSv1.3"), ("--max-version", "1.1")),
    "HAProxy": (haproxy("rsa", "ssl-min-ver TLSv1.2"), ("--max-version", "1.1")),
}, side="client", at="server_hello")

cause("version-no-overlap", {
    "OpenSSL 1.3 only": (openssl("rsa", "-tls1_3"), ("--max-version", "1.2"), {"side": "client"}),
    "OpenSSL 1.2 only": (openssl("rsa", "-tls1_2"), ("--min-version", "1.3"), {"side": "server"}),
    "GnuTLS 1.3 only": (gnutls("rsa", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"),
                        ("--max-version", "1.2")),
    "NSS 1.2 only": (nss("rsa", "-V", "tls1.2:tls1.2"), ("--min-version", "1.3")),
    "Go 1.3 only": (go("rsa", "-min", "1.3"), ("--max-version", "1.2")),
    "Go 1.2 only": (go("p256", "-max", "1.2"), ("--min-version", "1.3")),
    "Java 1.2 only": (lambda: servers.java(leaf("rsa"), protocols="TLSv1.2"),
                      ("--min-version", "1.3")),
    "nginx 1.3 only": (nginx("rsa", "ssl_protocols TLSv1.3;"), ("--max-version", "1.2")),
    "Apache 1.2 only": (apache("rsa", "SSLProtocol -all +TLSv1.2"), ("--min-version", "1.3")),
    "HAProxy 1.3 only": (haproxy("rsa", "ssl-min-ver TLSv1.3"), ("--max-version", "1.2")),
}, at="server_hello")

# ---- suites ----------------------------------------------------------------------------------------


def gnutls_with_psk():
    secrets = pki.shared().dir / "psk.txt"
    secrets.write_text("me:0011223344556677\n")
    return servers.gnutls(None, "--pskpasswd", secrets, "--priority",
                          "NORMAL:-KX-ALL:+ECDHE-PSK:-VERS-TLS1.3")


cause("cipher-no-overlap", {
    "OpenSSL Camellia": openssl("rsa", "-tls1_2", "-cipher", "ECDHE-RSA-CAMELLIA128-SHA256"),
    "OpenSSL ARIA": openssl("p256", "-tls1_2", "-cipher", "ECDHE-ECDSA-ARIA256-GCM-SHA384"),
    "OpenSSL CCM": openssl("rsa", "-tls1_2", "-cipher", "DHE-RSA-AES256-CCM8"),
    "OpenSSL NULL": openssl("rsa", "-tls1_2", "-cipher", "ECDHE-RSA-NULL-SHA:@SECLEVEL=0"),
    "OpenSSL anonymous": openssl("rsa", "-tls1_2", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0"),
    "OpenSSL 1.3 CCM": openssl("rsa", "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"),
    "GnuTLS 3DES": gnutls("rsa", "--priority",
                          "NORMAL:-CIPHER-ALL:+3DES-CBC:-VERS-TLS1.3:-RSA"),
    "GnuTLS Camellia GCM": gnutls("rsa", "--priority",
                                  "NORMAL:-CIPHER-ALL:+CAMELLIA-128-GCM:-VERS-TLS1.3:-RSA"),
    "OpenSSL PSK alone": lambda: servers.openssl(
        None, "-tls1_2", "-psk", "00112233445566778899", "-cipher", "PSK"),
    "GnuTLS PSK alone": lambda: gnutls_with_psk(),
    "NSS 3DES": nss("rsa", "-V", "tls1.2:tls1.2", "-c", ":C012"),
    "Go RC4": go("rsa", "-max", "1.2", "-ciphers", "0xc011"),
    "Java CBC SHA-2": lambda: servers.java(
        leaf("rsa"), protocols="TLSv1.2", ciphers="TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    "nginx": nginx("rsa", "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-CAMELLIA256-SHA384;"),
    "Apache": apache("rsa", "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-ARIA128-GCM-SHA256"),
    "HAProxy": haproxy("p256", "ssl-max-ver TLSv1.2 ciphers ECDHE-ECDSA-AES128-CCM"),
    "OpenSSL, narrow client": (
        openssl("rsa", "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")),
    "Go, narrow client 1.2": (go("rsa", "-max", "1.2", "-ciphers", "0xc030"),
                              ("--ciphers", "ECDHE-RSA-CHACHA20-POLY1305")),
}, at="server_hello")

cause("cipher-cert-type-mismatch", {
    "client ECDSA only, RSA key": (openssl("rsa", "-tls1_2"),
                                   ("--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256")),
    "client RSA only, ECDSA key": (go("p256", "-max", "1.2"),
                                   ("--ciphers", "ECDHE-RSA-AES128-GCM-SHA256")),
    "client ECDSA only, nginx": (nginx("rsa", "ssl_protocols TLSv1.2;"),
                                 ("--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384")),
    "OpenSSL ECDSA suites, RSA key": (
        openssl("rsa", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), (),
        {"certainty": "likely"}),
    "nginx RSA suites, ECDSA key": (
        nginx("p256", "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;"), (),
        {"certainty": "likely"}),
    "Apache ECDSA suites, RSA key": (
        apache("rsa", "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256"), (),
        {"certainty": "likely"}),
    "HAProxy RSA suites, ECDSA key": (
        haproxy("p256", "ssl-max-ver TLSv1.2 ciphers ECDHE-RSA-AES128-GCM-SHA256"), (),
        {"certainty": "likely"}),
    "Go ECDSA suites, RSA key": (go("rsa", "-max", "1.2", "-ciphers", "0xc02b"), (),
                                 {"certainty": "likely"}),
}, side="server", at="server_hello")

NO_RSA_KX = ("--ciphers", "ECDHE-RSA-AES128-GCM-SHA256,ECDHE-RSA-AES256-GCM-SHA384,"
             "ECDHE-ECDSA-AES128-GCM-SHA256,ECDHE-ECDSA-AES256-GCM-SHA384")
cause("rsa-kx-removed", {
    "OpenSSL": (openssl("rsa", "-tls1_2", "-cipher", "kRSA"), NO_RSA_KX),
    "OpenSSL one suite": (openssl("rsa", "-tls1_2", "-cipher", "AES128-SHA"), NO_RSA_KX),
    "GnuTLS": (gnutls("rsa", "--priority", "NORMAL:-KX-ALL:+RSA:-VERS-TLS1.3"), NO_RSA_KX),
    "Go": (go("rsa", "-max", "1.2", "-ciphers", "0x9c,0x2f"), NO_RSA_KX),
    "Java": (lambda: servers.java(leaf("rsa"), protocols="TLSv1.2",
                                  ciphers="TLS_RSA_WITH_AES_128_GCM_SHA256"), NO_RSA_KX),
    "nginx": (nginx("rsa", "ssl_protocols TLSv1.2; ssl_ciphers AES256-GCM-SHA384;"), NO_RSA_KX),
    "HAProxy": (haproxy("rsa", "ssl-max-ver TLSv1.2 ciphers kRSA"), NO_RSA_KX),
}, side="server", at="server_hello")

# ---- groups, signatures, DH ------------------------------------------------------------------------

cause("group-no-overlap", {
    "OpenSSL 1.3 x448": openssl("p256", "-tls1_3", "-groups", "X448"),
    "OpenSSL 1.3 ffdhe": openssl("rsa", "-tls1_3", "-groups", "ffdhe2048"),
    "OpenSSL 1.2 x448": openssl("rsa", "-tls1_2", "-groups", "X448", "-cipher",
                                "ECDHE-RSA-AES128-GCM-SHA256"),
    "OpenSSL 1.2 brainpool": openssl("rsa", "-tls1_2", "-groups", "brainpoolP256r1", "-cipher",
                                     "ECDHE"),
    "OpenSSL both versions": openssl("rsa", "-groups", "X448", "-cipher", "ECDHE"),
    "GnuTLS 1.3": gnutls("rsa", "--priority",
                         "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X448"),
    "NSS": nss("rsa", "-V", "tls1.3:tls1.3", "-I", "FF2048"),
    "Go 1.3, narrow client": (go("p256", "-min", "1.3", "-groups", "24"), ("--groups", "x25519")),
    "Go 1.2, narrow client": (go("p256", "-max", "1.2", "-groups", "24"), ("--groups", "x25519")),
    "Java": lambda: servers.java(leaf("p256"), protocols="TLSv1.3",
                                 properties=["-Djdk.tls.namedGroups=x448"]),
    "Java, narrow client": (lambda: servers.java(
        leaf("p256"), properties=["-Djdk.tls.namedGroups=secp521r1"]), ("--groups", "x25519")),
    "nginx": nginx("rsa", "ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X448; "
                          "ssl_ciphers ECDHE;"),
    "Apache": apache("rsa", "SSLOpenSSLConfCmd Groups X448\nSSLCipherSuite ECDHE"),
    "HAProxy": haproxy("rsa", "curves X448 ciphers ECDHE"),
    "Python, narrow client": (lambda: servers.python(leaf("rsa"), curve="secp384r1",
                                                     ciphers="ECDHE"), ("--groups", "x25519")),
}, side="server", at="server_hello")

cause("sigalg-no-overlap", {
    "OpenSSL Ed25519 1.3": openssl("ed25519", "-tls1_3"),
    "OpenSSL Ed25519 1.2": openssl("ed25519", "-tls1_2"),
    "OpenSSL Ed448": openssl("ed448"),
    "OpenSSL SHA-224 only": openssl("rsa", "-tls1_2", "-sigalgs", "RSA+SHA224", "-cipher",
                                    "ECDHE"),
    "OpenSSL PSS key": openssl("rsa-pss", "-tls1_3"),
    "GnuTLS Ed25519": gnutls("ed25519"),
    "Go Ed25519 1.3": go("ed25519", "-min", "1.3"),
    "Go Ed25519 1.2": go("ed25519", "-max", "1.2"),
    "Java Ed25519 1.3": lambda: servers.java(leaf("ed25519"), protocols="TLSv1.3"),
    "HAProxy Ed25519": haproxy("ed25519", ""),
    "nginx Ed25519": nginx("ed25519", "ssl_protocols TLSv1.2 TLSv1.3;"),
    "Node Ed25519": lambda: servers.node(leaf("ed25519")),
    "narrow client": (openssl("p256", "-tls1_3"), ("--sigalgs", "rsa_pss_rsae_sha256")),
    "P-521 key, narrow client": (openssl("p521", "-tls1_3"), ("--sigalgs",
                                                              "ecdsa_secp256r1_sha256")),
    "narrow client, Go": (go("p256"), ("--sigalgs", "rsa_pss_rsae_sha256,rsa_pkcs1_sha256")),
}, side="server")



def apache_with_dh(bits):
    """Apache takes parameters of one's own from the end of the first certificate file."""
    class Pair:
        chain, key = leaf("rsa").stem.with_suffix(".dh.pem"), leaf("rsa").key
    Pair.chain.write_text(leaf("rsa").chain.read_text() + pki.shared().dhparam(bits).read_text())
    return servers.apache_tls(Pair, "SSLProtocol TLSv1.2\nSSLCipherSuite DHE:@SECLEVEL=0")


cause("dh-key-too-small", {
    "OpenSSL": lambda: servers.openssl(leaf("rsa"), "-tls1_2", "-cipher", "DHE:@SECLEVEL=0",
                                       "-dhparam", pki.shared().dhparam(1024)),
    "OpenSSL, DHE client": (
        lambda: servers.openssl(leaf("rsa"), "-tls1_2", "-cipher", "DHE:@SECLEVEL=0", "-dhparam",
                                pki.shared().dhparam(1024)),
        ("--ciphers", "DHE-RSA-AES128-GCM-SHA256,DHE-RSA-AES256-GCM-SHA384"),
        {"at": "key_exchange"}),
    "nginx": lambda: servers.nginx_tls(
        leaf("rsa"), "ssl_protocols TLSv1.2; ssl_ciphers DHE:@SECLEVEL=0; ssl_dhparam %s;"
        % pki.shared().dhparam(1024)),
    "Apache": lambda: apache_with_dh(1024),
    "Java": lambda: servers.java(leaf("rsa"), protocols="TLSv1.2",
                                 ciphers="TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
                                 properties=["-Djdk.tls.ephemeralDHKeySize=1024"]),
}, side="server")

# ---- names -----------------------------------------------------------------------------------------

NAMED = "listen 127.0.0.1:@PORT@ ssl http2; server_name %s; ssl_certificate %s; " \
        "ssl_certificate_key %s; ssl_protocols TLSv1.2 TLSv1.3;"
REJECT = "listen 127.0.0.1:@PORT@ ssl default_server; ssl_reject_handshake on; " \
         "ssl_protocols TLSv1.2 TLSv1.3;"


def strict_nginx():
    return servers.nginx(REJECT, NAMED % (pki.NAME, leaf().chain, leaf().key))


def strict_haproxy():
    return servers.haproxy("ssl crt %s strict-sni" % leaf().both)


def default_other():
    """A default site for another name, as most shared hosts have it."""
    other = leaf(names=("default.test",))
    return servers.nginx(NAMED.replace("ssl http2", "ssl http2 default_server") %
                         ("default.test", other.chain, other.key),
                         NAMED % (pki.NAME, leaf().chain, leaf().key))


cause("sni-required", {
    "nginx ssl_reject_handshake": (strict_nginx, ("--no-sni",)),
    "HAProxy strict-sni": (strict_haproxy, ("--no-sni",)),
    "Go": (go("p256", "-only-name", pki.NAME), ("--no-sni",)),
    "nginx with a default site": (default_other, ("--no-sni",)),
}, side="client")

WRONG = ("--servername", "nobody.test", "--verify-name", pki.NAME)
cause("sni-unrecognized", {
    "nginx ssl_reject_handshake": (strict_nginx, WRONG, {"certainty": None}),
    "HAProxy strict-sni": (strict_haproxy, WRONG, {"certainty": None}),
    "OpenSSL servername_fatal": (
        lambda: servers.openssl(leaf(), "-servername", pki.NAME, "-servername_fatal", "-cert2",
                                leaf().chain, "-key2", leaf().key), WRONG, {"certainty": None}),
    "GnuTLS": (gnutls("p256", "--sni-hostname", pki.NAME, "--sni-hostname-fatal"), WRONG,
               {"certainty": None}),
    "NSS": (nss("p256", "-V", "tls1.2:tls1.3", "-a", pki.NAME, "-k", pki.NAME), WRONG,
            {"certainty": None}),
}, side="server", at="server_hello")

cause("alpn-no-overlap", {
    "Go": (go("p256", "-alpn", "h2,http/1.1"), ("--alpn", "acme-tls/1")),
    "Go 1.2": (go("p256", "-alpn", "imap", "-max", "1.2"), ()),
    "OpenSSL": openssl("p256", "-alpn", "postgresql"),
    "Java": lambda: servers.java(leaf("p256"), alpn="smtp"),
    "GnuTLS": gnutls("p256", "--alpn", "imap", "--alpn-fatal"),
    "nginx": (nginx("p256", "ssl_protocols TLSv1.2 TLSv1.3;"), ("--alpn", "imap")),
    "Node": lambda: servers.node(leaf("p256"), ALPNProtocols=["xmpp-server"]),
}, at="server_hello")

# ---- client certificates -----------------------------------------------------------------------------

WANTED = {
    "OpenSSL": lambda *v: servers.openssl(leaf(), "-Verify", "1", "-CAfile", root(),
                                          *(["-tls1_2"] if v else [])),
    "GnuTLS": lambda *v: servers.gnutls(leaf(), "--require-client-cert", "--x509cafile", root(),
                                        "--priority",
                                        "NORMAL:-VERS-TLS1.3" if v else "NORMAL"),
    "NSS": lambda *v: servers.nss(leaf(), "-V", "tls1.2:tls1.%d" % (2 if v else 3), "-r", "-r",
                                  ca=root()),
    "Go": lambda *v: servers.go(leaf(), "-auth", "verify", "-ca", root(), "-max",
                                "1.2" if v else "1.3"),
    "Java": lambda *v: servers.java(leaf(), client_auth="need", ca=root(),
                                    protocols="TLSv1.2" if v else ""),
    "Python": lambda *v: servers.python(leaf(), ca=str(root()), **({"max": "TLSv1_2"} if v else {})),
    "Node": lambda *v: servers.node(leaf(), ca=str(root()), requestCert=True,
                                    rejectUnauthorized=True,
                                    **({"maxVersion": "TLSv1.2"} if v else {})),
    "nginx": lambda *v: servers.nginx_tls(
        leaf(), "ssl_verify_client on; ssl_client_certificate %s; ssl_protocols TLSv1.2%s;"
        % (root(), "" if v else " TLSv1.3")),
    "nginx HTTP 1": lambda *v: servers.nginx_tls(
        leaf(), "ssl_verify_client on; ssl_client_certificate %s; ssl_protocols TLSv1.2%s;"
        % (root(), "" if v else " TLSv1.3"), http2=False),
    "Apache": lambda *v: servers.apache_tls(
        leaf(), "SSLVerifyClient require\nSSLCACertificateFile %s\nSSLProtocol -all +TLSv1.2%s"
        % (root(), "" if v else " +TLSv1.3")),
    "HAProxy": lambda *v: servers.haproxy(
        "ssl crt %s ca-file %s verify required %s"
        % (leaf().both, root(), "ssl-max-ver TLSv1.2" if v else "")),
}
cause("client-cert-required", {
    **{n + " 1.3": f for n, f in WANTED.items()},
    **{n + " 1.2": (lambda f=f: f("1.2")) for n, f in WANTED.items()},
}, side="client", certainty=None, at="client_auth")

# ---- certificates ------------------------------------------------------------------------------------


def serving(kind="p256", how=None, **kw):
    """A server of that kind with a certificate made so."""
    def start():
        pair = leaf(kind, **kw)
        return (how or (lambda p: servers.nginx_tls(p, "ssl_protocols TLSv1.2 TLSv1.3;")))(pair)
    return start


HOW = {"nginx": None, "OpenSSL": servers.openssl, "Go": servers.go,
       "HAProxy": lambda p: servers.haproxy("ssl crt %s" % p.both), "Apache": servers.apache_tls,
       "Java": servers.java, "Python": servers.python, "Node": servers.node,
       "GnuTLS": lambda p: servers.gnutls(p, "--disable-client-cert"),
       "NSS": lambda p: servers.nss(p, "-V", "tls1.2:tls1.3")}

cause("cert-expired", {n: serving(how=h, start=-100, end=-3) for n, h in HOW.items()},
      side="server", at="certificate")
cause("cert-not-yet-valid", {n: serving(how=HOW[n], start=2, end=90)
                             for n in ("nginx", "OpenSSL", "Go")}, side="server", at="certificate")
cause("self-signed-leaf", {n: serving(how=HOW[n], self_signed=True)
                           for n in ("nginx", "OpenSSL", "Go", "Java", "Apache")},
      side="server", at="certificate")
cause("name-mismatch", {**{n: serving(how=HOW[n], names=("other.test", "www.other.test"))
                           for n in ("nginx", "OpenSSL", "Go", "HAProxy", "Node")}},
      side="server", at="certificate")
cause("wildcard-depth", {"OpenSSL": serving(names=("*.tlswhy.test",))},
      side="server", at="certificate")
cause("name-ip-address", {"OpenSSL": (serving(), (), {"host": "127.0.0.1"})},
      side="server", at="certificate")
cause("untrusted-private-ca", {
    "nginx, system store": (serving(), (), {"ca": False, "certainty": "likely"}),
    "Go, another CA": (lambda: servers.go(leaf()), (), {"ca": other_ca, "certainty": "likely"}),
}, side="client", at="certificate")


def without_intermediate(how):
    """A leaf of an intermediate of the root, served alone; the leaf names the issuer's address."""
    p = pki.shared()
    middle = p.ca("middle", issuer=p.root)
    pair = p.leaf(issuer=middle, label="-alone",
                  extra="authorityInfoAccess=caIssuers;URI:http://ca.test/middle.crt")
    pair.chain.write_text(pair.cert.read_text())
    pair.both.write_text(pair.cert.read_text() + pair.key.read_text())
    return how(pair)


cause("chain-missing-intermediate", {
    "nginx": lambda: without_intermediate(
        lambda p: servers.nginx_tls(p, "ssl_protocols TLSv1.2 TLSv1.3;")),
    "Go": lambda: without_intermediate(servers.go),
    "HAProxy": lambda: without_intermediate(lambda p: servers.haproxy("ssl crt %s" % p.both)),
}, side="server", at="certificate", certainty="likely")

# ---- keys, bytes, the server's own faults ----------------------------------------------------------


def go_with_key_of(kind):
    """Go does not ask whether a key belongs to a certificate when they are set by hand."""
    p = pki.shared()
    pair = p.leaf(kind, label="-pairless")

    class Wrong:
        chain, key = pair.chain, p.key(kind, "-other")
    return servers.go(Wrong)


cause("key-mismatch", {"Go " + k: (lambda k=k: go_with_key_of(k)) for k in ("rsa", "p256")},
      side="server", at="key_exchange", certainty=None)
cause("handshake-signature-invalid", {
    "Go, signer signs something else, static RSA enabled": go(
        "rsa", "-broken-signature", "-ciphers", "0xc02f,0x9c"),
}, side="server", at="key_exchange")
cause("server-internal-error", {
    "Go": (go("p256", "-fail-config"), (), {"certainty": "likely"}),
}, side="server")


class Corrupted(Checks, unittest.TestCase):
    """A network that changes bytes, in front of a healthy server."""

    def test_record_of_the_server(self):
        for v in ("1.2", "1.3"):
            with self.subTest(v), servers.openssl(leaf()) as s, network.Corrupter(s.port) as c:
                c.log = s.log
                self.caused(c, "bad-record-mac", "--max-version", v, side="network", at="finished")

    def test_only_what_the_client_sends(self):
        with servers.openssl(leaf()) as s, network.Corrupter(s.port, upstream=True) as c:
            c.log = s.log
            self.caused(c, "bad-record-mac", "--max-version", "1.2", certainty="likely")


if __name__ == "__main__":
    unittest.main()
