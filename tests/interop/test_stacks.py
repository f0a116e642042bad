"""The engine against GnuTLS, NSS, Go, Java, Python, Node, nginx, Apache and HAProxy."""
import unittest

import interop
import pki
import servers
from interop import cells, groups12, groups13, hs, suites, versions

GET = ["--send", "GET / HTTP/1.1\r\nHost: tlswhy.test\r\nConnection: close"]
ECDHE = "TLS_ECDHE_%s_WITH_"
GCM = ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384")
CHACHA = ("CHACHA20_POLY1305_SHA256",)
CBC = ("AES_128_CBC_SHA", "AES_256_CBC_SHA")
SHA2 = ("AES_128_CBC_SHA256", "AES_256_CBC_SHA384")
TRIPLE = ("3DES_EDE_CBC_SHA",)
RSA_SIG, P256_SIG, P384_SIG, P521_SIG, ED_SIG = 0x0804, 0x0403, 0x0503, 0x0603, 0x0807


def named(prefix, *endings):
    return [prefix + e for e in endings]


def with_get(rows):
    return {name: ([*options, *GET], want) for name, (options, want) in rows.items()}


def resumption(*names):
    """ticket or id below 1.3, psk at 1.3."""
    rows = {"resume 1.3": (["--min", "1.3", "--resume"], {"version": "1.3", "resumed": True}),
            "resume 1.2": (["--max", "1.2", "--resume"], {"version": "1.2", "resumed": True}),
            "resume 1.2 by id": (["--max", "1.2", "--drop-ext", "35", "--resume"],
                                 {"version": "1.2", "resumed": True})}
    return {n: rows[n] for n in names}


LEGACY = {"no extended master secret": (["--max", "1.2", "--drop-ext", "23"], {"version": "1.2"}),
          "default hello": ([], {"hrr": False}),
          "wide hello": (["--wide"], {})}
SUITES_1_3 = suites("1.3", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                    "TLS_CHACHA20_POLY1305_SHA256")


class Stack(interop.Cells):
    """One server of a kind with one kind of key."""
    kind = "rsa"

    def good(self, h, **want):
        super().good(h, **want)
        self.assertGreater(h.app, 0, "no application data came back: %s" % h)

    @classmethod
    def pair(cls):
        return pki.shared().leaf(cls.kind)


# ---- GnuTLS ----------------------------------------------------------------------------------------

class GnuTLS(Stack):
    priority = ("NORMAL:+VERS-ALL:+CIPHER-ALL:+KX-ALL:+GROUP-ALL:+AES-128-CCM-8:+AES-256-CCM-8:"
                "+CAMELLIA-128-CBC:+CAMELLIA-256-CBC:+3DES-CBC:+ARCFOUR-128:+SHA256:+SHA384:+MD5")

    @classmethod
    def start(cls):
        return servers.gnutls(cls.pair(), "--disable-client-cert", "--priority", cls.priority)


GNUTLS_GROUPS = ("x25519", "x448", "secp256r1", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072")


@cells(with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **suites("1.3", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"),
    **groups13(*GNUTLS_GROUPS, unknown="X25519MLKEM768"),
    **groups12("x25519", "x448", "secp256r1", "secp384r1", "secp521r1"),
    **resumption("resume 1.3", "resume 1.2", "resume 1.2 by id"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC, "AES_128_CBC_SHA256",
                           "AES_256_CBC_SHA384", "CAMELLIA_128_CBC_SHA256",
                           "CAMELLIA_256_CBC_SHA384", *TRIPLE, "RC4_128_SHA"),
             *named("TLS_DHE_RSA_WITH_", *GCM, *CHACHA, *CBC, "AES_128_CCM", "AES_256_CCM",
                    "AES_128_CCM_8", "AES_256_CCM_8", *TRIPLE),
             *named("TLS_RSA_WITH_", *GCM, *CBC, "AES_128_CCM", "AES_256_CCM", "AES_128_CCM_8",
                    "AES_256_CCM_8", "CAMELLIA_128_CBC_SHA", *TRIPLE,
                    "RC4_128_SHA", "RC4_128_MD5")),
    **suites("1.0", *named(ECDHE % "RSA", *CBC, *TRIPLE, "RC4_128_SHA"),
             *named("TLS_DHE_RSA_WITH_", *CBC, *TRIPLE), *named("TLS_RSA_WITH_", *CBC, *TRIPLE))}))
class GnuTLSwithRSA(GnuTLS, unittest.TestCase):
    pass


@cells(with_get({**versions("1.0", "1.1", "1.2", "1.3"),
                 **suites("1.2", *named(ECDHE % "ECDSA", *GCM, *CHACHA, *CBC, "AES_128_CCM",
                                        "AES_256_CCM_8", *TRIPLE))}))
class GnuTLSwithECDSA(GnuTLS, unittest.TestCase):
    kind = "p256"


@cells(with_get({"1.2": (["--wide", "--max", "1.2"], {"version": "1.2", "sig": ED_SIG}),
                 "1.3": (["--wide", "--min", "1.3"], {"version": "1.3", "sig": ED_SIG})}))
class GnuTLSwithEd25519(GnuTLS, unittest.TestCase):
    kind = "ed25519"


@cells(with_get({"1.2": (["--max", "1.2"], {"version": "1.2"}),
                 "1.3": (["--min", "1.3"], {"version": "1.3", "sig": P384_SIG})}))
class GnuTLSwithP384(GnuTLS, unittest.TestCase):
    kind = "p384"


# ---- NSS -------------------------------------------------------------------------------------------

class NSS(Stack):
    @classmethod
    def start(cls):
        return servers.nss(cls.pair(), "-V", "tls1.0:tls1.3", "-u", "-G", "-Q", "-H", "1", "-I",
                           "x25519,P256,P384,P521,FF2048,FF3072", "-c",
                           ":1301:1302:1303:C02B:C02C:CCA9:C02F:C030:CCA8:C013:C014:C027:C028:"
                           "C009:C00A:009E:CCAA:0033:0039:009C:009D:002F:0035:000A:0005:0004:C012")


@cells(with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **groups13("x25519", "secp256r1", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072",
               unknown="X25519MLKEM768"),
    **groups12("x25519", "secp256r1", "secp384r1", "secp521r1"),
    **resumption("resume 1.3", "resume 1.2", "resume 1.2 by id"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC, "AES_128_CBC_SHA256",
                           "AES_256_CBC_SHA384", *TRIPLE),
             *named("TLS_DHE_RSA_WITH_", "AES_128_GCM_SHA256", *CHACHA, *CBC),
             *named("TLS_RSA_WITH_", *GCM, *CBC, *TRIPLE, "RC4_128_SHA", "RC4_128_MD5")),
    **suites("1.0", *named(ECDHE % "RSA", *CBC), *named("TLS_DHE_RSA_WITH_", *CBC),
             *named("TLS_RSA_WITH_", *CBC, *TRIPLE, "RC4_128_SHA")),
    "alpn": (["--min", "1.3"], {"alpn": "http/1.1"})}))
class NSSwithRSA(NSS, unittest.TestCase):
    pass


@cells(with_get({**versions("1.0", "1.1", "1.2", "1.3"),
                 **suites("1.2", *named(ECDHE % "ECDSA", *GCM, *CHACHA, *CBC))}))
class NSSwithECDSA(NSS, unittest.TestCase):
    kind = "p256"


@cells(with_get({"1.2": (["--max", "1.2"], {"version": "1.2"}),
                 "1.3": (["--min", "1.3"], {"version": "1.3", "sig": P384_SIG})}))
class NSSwithP384(NSS, unittest.TestCase):
    kind = "p384"


# ---- Go --------------------------------------------------------------------------------------------

class Go(Stack):
    options = ("-ciphers", "0x0005,0x000a,0x002f,0x0035,0x003c,0x009c,0x009d,0xc007,0xc009,0xc00a,"
               "0xc011,0xc012,0xc013,0xc014,0xc023,0xc027,0xc02f,0xc02b,0xc030,0xc02c,0xcca8,0xcca9")

    @classmethod
    def start(cls):
        return servers.go(cls.pair(), *cls.options)


@cells(with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **groups13("x25519", "secp256r1", "secp384r1", "secp521r1", unknown="ffdhe2048"),
    **groups12("x25519", "secp256r1", "secp384r1", "secp521r1"),
    **resumption("resume 1.3", "resume 1.2"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC, "AES_128_CBC_SHA256", *TRIPLE,
                           "RC4_128_SHA"),
             *named("TLS_RSA_WITH_", *GCM, *CBC, "AES_128_CBC_SHA256", *TRIPLE, "RC4_128_SHA"))}))
class GoWithRSA(Go, unittest.TestCase):
    pass


@cells(with_get({**versions("1.0", "1.1", "1.2", "1.3"),
                 **suites("1.2", *named(ECDHE % "ECDSA", *GCM, *CHACHA, *CBC,
                                        "AES_128_CBC_SHA256", "RC4_128_SHA"))}))
class GoWithECDSA(Go, unittest.TestCase):
    kind = "p256"


@cells(with_get({"1.2": (["--wide", "--max", "1.2"], {"version": "1.2", "sig": ED_SIG}),
                 "1.3": (["--wide", "--min", "1.3"], {"version": "1.3", "sig": ED_SIG})}))
class GoWithEd25519(Go, unittest.TestCase):
    kind = "ed25519"


class GoPostQuantum(unittest.TestCase):
    """Needs Go 1.24 or later, and 1.26 for the NIST curves."""

    def test_hybrid_groups(self):
        need = {"X25519MLKEM768": (1, 24), "SecP256r1MLKEM768": (1, 26),
                "SecP384r1MLKEM1024": (1, 26)}
        if servers.go_version() < (1, 24):
            self.skipTest("Go %d.%d has no post-quantum groups" % servers.go_version())
        with servers.go(pki.shared().leaf("p256"), "-groups", "0x11ec,0x11eb,0x11ed,0x1d") as s:
            for g, since in need.items():
                if servers.go_version() < since:
                    continue
                with self.subTest(g):
                    h = hs(s, "--min", "1.3", "--group", g, "--share", g, *GET)
                    self.assertTrue(h.complete and h.app, str(h))
                    self.assertEqual(interop.GROUPS[g], h.group, str(h))
                with self.subTest("retry to " + g):
                    h = hs(s, "--min", "1.3", "--group", "ffdhe2048", "--group", g, "--share",
                           "ffdhe2048", *GET)
                    self.assertTrue(h.complete and h.hrr, str(h))
                    self.assertEqual(interop.GROUPS[g], h.group, str(h))


# ---- Java ------------------------------------------------------------------------------------------

class Java(Stack):
    @classmethod
    def start(cls):
        return servers.java(cls.pair(), protocols="TLSv1.3,TLSv1.2,TLSv1.1,TLSv1")


@cells(with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **groups13("x25519", "x448", "secp256r1", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072",
               unknown="X25519MLKEM768"),
    **groups12("x25519", "secp256r1", "secp384r1", "secp521r1"),
    **resumption("resume 1.3", "resume 1.2", "resume 1.2 by id"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC, *SHA2, *TRIPLE),
             *named("TLS_DHE_RSA_WITH_", *GCM, *CHACHA, *CBC, "AES_128_CBC_SHA256", *TRIPLE),
             *named("TLS_RSA_WITH_", *GCM, *CBC, "AES_256_CBC_SHA256", *TRIPLE)),
    **suites("1.0", *named(ECDHE % "RSA", *CBC), *named("TLS_DHE_RSA_WITH_", *CBC),
             *named("TLS_RSA_WITH_", *CBC))}))
class JavaWithRSA(Java, unittest.TestCase):
    pass


@cells(with_get({**versions("1.0", "1.1", "1.2", "1.3"),
                 **suites("1.2", *named(ECDHE % "ECDSA", *GCM, *CHACHA, *CBC, *SHA2))}))
class JavaWithECDSA(Java, unittest.TestCase):
    kind = "p256"


@cells(with_get({"1.2": (["--wide", "--max", "1.2"], {"version": "1.2", "sig": ED_SIG}),
                 "1.3": (["--wide", "--min", "1.3"], {"version": "1.3", "sig": ED_SIG})}))
class JavaWithEd25519(Java, unittest.TestCase):
    kind = "ed25519"


# ---- Python and Node ---------------------------------------------------------------------------------

RUNTIME_ROWS = with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **groups12("x25519", "secp256r1", "secp384r1", "secp521r1"),
    **resumption("resume 1.3", "resume 1.2"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC), "TLS_RSA_WITH_AES_128_GCM_SHA256")})


@cells(RUNTIME_ROWS)
class PythonWithRSA(Stack, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.python(cls.pair(), min="TLSv1", ciphers="ALL:@SECLEVEL=0",
                              alpn=["http/1.1"])


@cells(with_get({**versions("1.2", "1.3", wide=False),
                 "1.3 by P-384": (["--min", "1.3", "--group", "secp384r1", "--share", "secp384r1"],
                                  {"version": "1.3", "group": "secp384r1"})}))
class PythonWithECDSA(Stack, unittest.TestCase):
    kind = "p384"

    @classmethod
    def start(cls):
        return servers.python(cls.pair(), curve="secp384r1", alpn=["http/1.1"])


@cells({**RUNTIME_ROWS, **with_get(groups13("x25519", "x448", "secp256r1", "secp384r1",
                                            "secp521r1", unknown="X25519MLKEM768"))})
class NodeWithRSA(Stack, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.node(cls.pair(), minVersion="TLSv1",
                            ecdhCurve="X25519:X448:P-256:P-384:P-521",
                            ciphers="TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                    "TLS_CHACHA20_POLY1305_SHA256:ALL:@SECLEVEL=0")


@cells(with_get({**versions("1.2", "1.3")}))
class NodeWithEd25519(Stack, unittest.TestCase):
    kind = "ed25519"

    @classmethod
    def start(cls):
        return servers.node(cls.pair(), sigalgs="ed25519")


# ---- web servers -------------------------------------------------------------------------------------

WEB_ROWS = with_get({
    **versions("1.0", "1.1", "1.2", "1.3"), **LEGACY, **SUITES_1_3,
    **resumption("resume 1.3", "resume 1.2", "resume 1.2 by id"),
    **groups13("x25519", "secp256r1", "secp384r1", unknown="X25519MLKEM768"),
    **suites("1.2", *named(ECDHE % "RSA", *GCM, *CHACHA, *CBC), *named("TLS_RSA_WITH_", *GCM),
             "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")})
ANY = "ALL:@SECLEVEL=0"


@cells(WEB_ROWS)
class NginxWithRSA(Stack, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.nginx_tls(cls.pair(), """ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
            ssl_ciphers %s; ssl_ecdh_curve X25519:P-256:P-384; ssl_dhparam %s;
            ssl_session_cache shared:c:1m;""" % (ANY, pki.shared().dhparam(2048)), http2=False)


@cells(WEB_ROWS)
class ApacheWithRSA(Stack, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.apache_tls(cls.pair(), "SSLProtocol all +TLSv1 +TLSv1.1\nSSLCipherSuite %s\n"
                                  "SSLOpenSSLConfCmd Groups X25519:P-256:P-384\n"
                                  "Protocols http/1.1" % ANY)


@cells(WEB_ROWS)
class HAProxyWithRSA(Stack, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.haproxy("ssl crt %s ciphers %s ssl-min-ver TLSv1.0 curves X25519:P-256:P-384"
                               " alpn http/1.1" % (cls.pair().both, ANY))


@cells(with_get({**versions("1.2", "1.3", wide=False)}))
class NginxWithECDSA(Stack, unittest.TestCase):
    kind = "p384"

    @classmethod
    def start(cls):
        return servers.nginx_tls(cls.pair(), "ssl_protocols TLSv1.2 TLSv1.3;", http2=False)


@cells(with_get({**versions("1.2", "1.3", wide=False)}))
class ApacheWithECDSA(Stack, unittest.TestCase):
    kind = "p256"

    @classmethod
    def start(cls):
        return servers.apache_tls(cls.pair(), "Protocols http/1.1")


@cells(with_get({**versions("1.2", "1.3")}))
class HAProxyWithEd25519(Stack, unittest.TestCase):
    kind = "ed25519"

    @classmethod
    def start(cls):
        return servers.haproxy("ssl crt %s" % cls.pair().both)


# ---- features of each ---------------------------------------------------------------------------------

def client_auth_servers():
    """name -> a starter of a server that wants a client certificate of the test CA."""
    p = pki.shared()
    rsa, ca = p.leaf("rsa"), p.root.cert
    return {
        "GnuTLS": lambda: servers.gnutls(rsa, "--require-client-cert", "--verify-client-cert",
                                         "--x509cafile", ca),
        "NSS": lambda: servers.nss(rsa, "-V", "tls1.2:tls1.3", "-r", "-r", ca=ca),
        "Go": lambda: servers.go(rsa, "-auth", "verify", "-ca", ca),
        "Java": lambda: servers.java(rsa, client_auth="need", ca=ca),
        "Python": lambda: servers.python(rsa, ca=str(ca)),
        "Node": lambda: servers.node(rsa, ca=str(ca), requestCert=True, rejectUnauthorized=True),
        "nginx": lambda: servers.nginx_tls(
            rsa, "ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client on; "
                 "ssl_client_certificate %s;" % ca, http2=False),
        "Apache": lambda: servers.apache_tls(rsa, "SSLVerifyClient require\n"
                                                  "SSLCACertificateFile %s\nProtocols http/1.1" % ca),
        "HAProxy": lambda: servers.haproxy("ssl crt %s ca-file %s verify required" % (rsa.both, ca)),
    }


class ClientCertificates(unittest.TestCase):
    pass


for _name in ("GnuTLS", "NSS", "Go", "Java", "Python", "Node", "nginx", "Apache", "HAProxy"):
    def _accepted(self, name=_name):
        with client_auth_servers()[name]() as s:
            for kind in ("rsa", "p256", "p384", "ed25519"):
                if kind == "ed25519" and name == "NSS":
                    continue    # 3.87 has no EdDSA
                c = pki.shared().client(kind)
                for v in ("1.2", "1.3"):
                    with self.subTest("%s %s" % (kind, v)):
                        h = hs(s, "--min", v, "--max", v, "--cert", c.chain, "--key", c.key, *GET)
                        self.assertTrue(h.complete and h.app, "%s\nserver: %s" % (h, s.log()))

    def _missing(self, name=_name):
        with client_auth_servers()[name]() as s:
            for v in ("1.2", "1.3"):
                with self.subTest(v):
                    h = hs(s, "--min", v, "--max", v, *GET)
                    if name == "nginx":     # answers HTTP 400 inside the connection
                        self.assertTrue(h.complete and h.app, str(h))
                    else:
                        self.assertTrue(h.alert > 0 and h.app == 0, "%s\n%s" % (h, s.log()))
    setattr(ClientCertificates, "test_%s_takes_every_kind" % _name, _accepted)
    setattr(ClientCertificates, "test_%s_says_so_when_none_comes" % _name, _missing)


class Stapling(unittest.TestCase):
    def stapled(self, server):
        for v in ("1.2", "1.3"):
            with self.subTest(v):
                h = hs(server, "--min", v, "--max", v, *GET, quiet=False)
                self.assertTrue(h.complete, "%s\n%s" % (h, server.log()))
                # status_request comes back: in ServerHello, or with the certificate in TLS 1.3
                self.assertTrue([f for f in h.facts if f.get("from") == "server" and
                                 f.get("field") == "extension" and f.get("num") == 5], str(h))

    def test_go(self):
        leaf = pki.shared().leaf("p256")
        with servers.go(leaf, "-staple", pki.shared().ocsp(leaf)) as s:
            self.stapled(s)

    def test_gnutls(self):
        leaf = pki.shared().leaf("rsa")
        with servers.gnutls(leaf, "--disable-client-cert", "--ocsp-response",
                            pki.shared().ocsp(leaf), "--ignore-ocsp-response-errors") as s:
            self.stapled(s)

    def test_nginx(self):
        leaf = pki.shared().leaf("p256")
        with servers.nginx_tls(leaf, "ssl_protocols TLSv1.2 TLSv1.3; ssl_stapling on; "
                                     "ssl_stapling_file %s;" % pki.shared().ocsp(leaf),
                               http2=False) as s:
            self.stapled(s)

    def test_haproxy(self):
        p = pki.shared()
        leaf = p.leaf("p256", names=("stapled.test",))
        leaf.both.with_name(leaf.both.name + ".ocsp").write_bytes(p.ocsp(leaf).read_bytes())
        leaf.both.with_name(leaf.both.name + ".issuer").write_text(p.root.cert.read_text())
        with servers.haproxy("ssl crt %s" % leaf.both) as s:
            self.stapled(s)


class Alpn(unittest.TestCase):
    def chosen(self, server, want, *options):
        for v in ("1.2", "1.3"):
            with self.subTest(v):
                h = hs(server, "--min", v, "--max", v, *options)
                self.assertTrue(h.complete, "%s\n%s" % (h, server.log()))
                self.assertEqual(want, h.alpn, str(h))

    def test_go(self):
        with servers.go(pki.shared().leaf("p256"), "-alpn", "h2,http/1.1") as s:
            self.chosen(s, "h2")

    def test_java(self):
        with servers.java(pki.shared().leaf("p256"), alpn="http/1.1") as s:
            self.chosen(s, "http/1.1")

    def test_gnutls(self):
        with servers.gnutls(pki.shared().leaf("p256"), "--disable-client-cert", "--alpn",
                            "http/1.1") as s:
            self.chosen(s, "http/1.1")

    def test_nginx(self):
        with servers.nginx_tls(pki.shared().leaf("p256"), "ssl_protocols TLSv1.2 TLSv1.3;") as s:
            self.chosen(s, "h2")

    def test_apache(self):
        with servers.apache_tls(pki.shared().leaf("p256")) as s:
            self.chosen(s, "h2")

    def test_haproxy(self):
        with servers.haproxy("ssl crt %s alpn h2,http/1.1" % pki.shared().leaf("p256").both) as s:
            self.chosen(s, "h2")


class PreSharedKeys(unittest.TestCase):
    PSK = ("--psk", "0011223344556677", "--psk-id", "me")

    def server(self, priority):
        p = pki.shared()
        secrets = p.dir / "psk.txt"
        secrets.write_text("me:0011223344556677\n")
        return servers.gnutls(p.leaf("rsa"), "--disable-client-cert", "--pskpasswd", secrets,
                              "--priority", priority)

    def test_gnutls(self):
        with self.server("NORMAL:+PSK:+DHE-PSK:+ECDHE-PSK:+RSA-PSK:+SHA256") as s:
            for suite in ("TLS_PSK_WITH_AES_128_GCM_SHA256", "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256",
                          "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256",
                          "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256",
                          "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256"):
                with self.subTest(suite):
                    h = hs(s, "--wide", "--max", "1.2", "--cipher", suite, *self.PSK, *GET)
                    self.assertTrue(h.complete and h.app, "%s\n%s" % (h, s.log()))
                    self.assertEqual(suite, h.suite)

    def test_gnutls_1_3(self):
        # GnuTLS takes TLS 1.3 away where RSA-PSK is enabled
        with self.server("NORMAL:+PSK:+DHE-PSK:+ECDHE-PSK") as s:
            h = hs(s, "--min", "1.3", *self.PSK, "--psk13", *GET)
            self.assertTrue(h.complete and h.resumed, "%s\n%s" % (h, s.log()))


if __name__ == "__main__":
    unittest.main()
