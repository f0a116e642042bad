"""The engine against OpenSSL's s_server: every suite it still has, key types, groups, features."""
import shutil
import subprocess
import time
import unittest

import interop
import pki
import servers
from interop import cells, groups12, groups13, hs, versions

GET = ["--send", "GET / HTTP/1.0"]
ALL = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
PSK = "0011223344556677"
GROUPS = ("x25519", "x448", "secp256r1", "secp384r1", "secp521r1")


def server_suites():
    """(IANA name, first version, key exchange, authentication) of all suites below TLS 1.3 that
    this OpenSSL can do."""
    if not shutil.which("openssl"):
        return []
    out = subprocess.run(["openssl", "ciphers", "-s", "-v", "-stdname", "-psk", "-tls1_2", ALL[1]],
                         capture_output=True, text=True, timeout=30).stdout
    for line in out.splitlines():
        f = line.split()
        yield f[0], f[3], f[4].split("=")[1], f[5].split("=")[1]


def suite_rows(*pairs, version="1.2", extra=()):
    """A row for each suite whose (Kx, Au) is in pairs and that exists at that version."""
    return interop.suites(version, *[name for name, since, kx, au in server_suites()
                                     if (kx, au) in pairs and
                                     (version == "1.2" or since in ("SSLv3", "TLSv1"))],
                          extra=[*GET, *extra])


def with_get(rows):
    return {name: ([*options, *GET], want) for name, (options, want) in rows.items()}


class OpenSSL(interop.Cells):
    kind, options = "rsa", ()

    @classmethod
    def start(cls):
        return servers.openssl(pki.shared().leaf(cls.kind), *ALL, *cls.options)

    def good(self, h, **want):
        super().good(h, **want)
        self.assertGreater(h.app, 0, "no application data came back: %s" % h)


@cells({**suite_rows(("ECDH", "RSA"), ("DH", "RSA"), ("RSA", "RSA")),
        **suite_rows(("ECDH", "RSA"), ("DH", "RSA"), ("RSA", "RSA"), version="1.1"),
        **suite_rows(("ECDH", "RSA"), ("DH", "RSA"), ("RSA", "RSA"), version="1.0")})
class SuitesRSA(OpenSSL, unittest.TestCase):
    pass


@cells({**suite_rows(("ECDH", "ECDSA")), **suite_rows(("ECDH", "ECDSA"), version="1.0"),
        **suite_rows(("ECDH", "ECDSA"), version="1.1")})
class SuitesECDSA(OpenSSL, unittest.TestCase):
    kind = "p256"


@cells({**suite_rows(("DH", "DSS")), **suite_rows(("DH", "DSS"), version="1.0")})
class SuitesDSS(OpenSSL, unittest.TestCase):
    kind = "dsa"


@cells({**suite_rows(("DH", "None"), ("ECDH", "None")),
        **suite_rows(("DH", "None"), ("ECDH", "None"), version="1.0")})
class SuitesAnonymous(OpenSSL, unittest.TestCase):
    @classmethod
    def start(cls):
        return servers.openssl(None, *ALL)


@cells({**suite_rows(("PSK", "PSK"), ("DHEPSK", "PSK"), ("ECDHEPSK", "PSK"), ("RSAPSK", "RSA"),
                     extra=["--psk", PSK, "--psk-id", "me"]),
        **suite_rows(("PSK", "PSK"), ("DHEPSK", "PSK"), ("ECDHEPSK", "PSK"), ("RSAPSK", "RSA"),
                     version="1.0", extra=["--psk", PSK, "--psk-id", "me"])})
class SuitesPSK(OpenSSL, unittest.TestCase):
    options = ("-psk", PSK, "-psk_identity", "me", "-psk_hint", "hint")


@cells(interop.suites("1.3", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                      "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
                      "TLS_AES_128_CCM_8_SHA256", extra=GET))
class Suites13(OpenSSL, unittest.TestCase):
    options = ("-ciphersuites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
               "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256")


@cells(with_get({**versions("1.0", "1.1", "1.2", "1.3"),
                 **groups12("x25519", "x448", "secp256r1", "secp384r1", "secp521r1"),
                 **groups13(*GROUPS, "ffdhe2048", "ffdhe3072", unknown="X25519MLKEM768"),
                 "default hello": ([], {"version": "1.3", "hrr": False}),
                 "every extension and group": (["--wide"], {"version": "1.3"})}))
class Negotiation(OpenSSL, unittest.TestCase):
    options = ("-groups", "X25519:X448:P-256:P-384:P-521:ffdhe2048:ffdhe3072")


def key_rows(kinds13, kinds12):
    """name -> (kind of key, options, wanted)"""
    rows = {}
    for kind, sig in kinds13.items():
        rows["1.3 key " + kind] = (kind, ["--wide", "--min", "1.3"], {"version": "1.3", "sig": sig})
    for kind, sig in kinds12.items():
        rows["1.2 key " + kind] = (kind, ["--wide", "--max", "1.2"], {"version": "1.2", "sig": sig})
    for kind in ("rsa", "p256", "p384", "p521"):
        for v in ("1.0", "1.1"):
            rows["%s key %s" % (v, kind)] = (kind, ["--wide", "--max", v], {"version": v})
    return rows


class KeyTypes(unittest.TestCase):
    """One server per key type."""

    @classmethod
    def setUpClass(cls):
        cls.running = {}

    @classmethod
    def tearDownClass(cls):
        for s in cls.running.values():
            s.stop()

    def server_for(self, kind):
        if kind not in self.running:
            self.running[kind] = servers.openssl(pki.shared().leaf(kind), *ALL)
        return self.running[kind]


for _name, (_kind, _options, _want) in key_rows(
        {"rsa": 0x0804, "rsa3072": 0x0804, "rsa-pss": 0x0809, "p256": 0x0403, "p384": 0x0503,
         "p521": 0x0603, "ed25519": 0x0807, "ed448": 0x0808},
        {"rsa": None, "rsa1024": None, "rsa-pss": 0x0809, "p256": None, "p384": None,
         "p521": None, "ed25519": 0x0807, "ed448": 0x0808}).items():
    def _test(self, kind=_kind, options=_options, want=_want):
        server = self.server_for(kind)
        h = hs(server, *options, *GET)
        self.assertTrue(h.complete, "%s\nserver: %s" % (h, server.log()))
        self.assertEqual(interop.VERSIONS[want["version"]], h.version, str(h))
        if want.get("sig"):
            self.assertEqual(want["sig"], h.sig, str(h))
        self.assertGreater(h.app, 0, str(h))
    setattr(KeyTypes, "test_" + _name.replace(" ", "_").replace(".", "_").replace("-", "_"), _test)


class Features(unittest.TestCase):
    """Settings of the server that need a server of their own."""

    def complete(self, server, *options, app=True):
        h = hs(server, *options, *(GET if app else []), quiet=False)
        self.assertTrue(h.complete, "%s\nserver: %s" % (h, server.log()))
        if app:
            self.assertGreater(h.app, 0, str(h))
        return h

    def server_extension(self, h, number):
        return [f for f in h.facts if f.get("kind") == "field" and f.get("field") == "extension" and
                f.get("from") == "server" and f.get("num") == number]

    def test_signature_algorithms_each(self):
        rsa, names = pki.shared().leaf("rsa"), {
            "RSA-PSS+SHA256": 0x0804, "RSA-PSS+SHA384": 0x0805, "RSA-PSS+SHA512": 0x0806,
            "RSA+SHA1": 0x0201, "RSA+SHA224": 0x0301, "RSA+SHA256": 0x0401, "RSA+SHA384": 0x0501,
            "RSA+SHA512": 0x0601}
        for name, code in names.items():
            with self.subTest(name), servers.openssl(rsa, *ALL, "-sigalgs", name) as s:
                h = self.complete(s, "--wide", "--max", "1.2", "--cipher",
                                  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
                self.assertEqual(code, h.sig, str(h))

    def test_ecdsa_signature_algorithms_each(self):
        for name, code in {"ECDSA+SHA1": 0x0203, "ECDSA+SHA224": 0x0303, "ECDSA+SHA256": 0x0403,
                           "ECDSA+SHA384": 0x0503, "ECDSA+SHA512": 0x0603}.items():
            with self.subTest(name), servers.openssl(pki.shared().leaf("p384"), *ALL, "-sigalgs",
                                                     name) as s:
                h = self.complete(s, "--wide", "--max", "1.2")
                self.assertEqual(code, h.sig, str(h))

    def test_dh_groups_of_the_servers_own(self):
        for bits in (1024, 1536, 2048):
            path = pki.shared().dhparam(bits)
            with self.subTest(bits), servers.openssl(pki.shared().leaf("rsa"), *ALL, "-dhparam",
                                                     path) as s:
                self.complete(s, "--wide", "--max", "1.2", "--cipher",
                              "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")

    def test_ffdhe_as_1_2_group(self):
        with servers.openssl(pki.shared().leaf("rsa"), *ALL, "-groups", "ffdhe2048:P-256") as s:
            h = self.complete(s, "--wide", "--max", "1.2", "--cipher",
                              "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")
            self.assertEqual("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", h.suite)

    def test_extended_master_secret_off(self):
        with servers.openssl(pki.shared().leaf("rsa"), *ALL) as s:
            for options in ([], ["--drop-ext", "23"]):
                with self.subTest(str(options)):
                    h = self.complete(s, "--max", "1.2", *options)
                    told = self.server_extension(h, 23)
                    self.assertEqual(not options, bool(told), "EMS as the offer says: %s" % told)

    def test_encrypt_then_mac_on_and_off(self):
        suite = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
        for off in ([], ["-no_etm"]):
            with self.subTest(str(off)), servers.openssl(pki.shared().leaf("rsa"), *ALL,
                                                         *off) as s:
                h = self.complete(s, "--wide", "--max", "1.2", "--cipher", suite)
                self.assertEqual(suite, h.suite)
                told = self.server_extension(h, 22)
                self.assertEqual(not off, bool(told), str(told))

    def test_resumption_by_id_and_ticket_and_psk(self):
        for what, server, client in (("id", ["-no_ticket"], ["--max", "1.2"]),
                                     ("ticket", [], ["--max", "1.2"]),
                                     ("psk", [], ["--min", "1.3"]),
                                     ("stateful psk", ["-no_ticket"], ["--min", "1.3"]),
                                     ("1.0 id", ["-no_ticket"], ["--wide", "--max", "1.0"]),
                                     ("1.1 ticket", [], ["--wide", "--max", "1.1"])):
            with self.subTest(what), servers.openssl(pki.shared().leaf("rsa"), *ALL, *server) as s:
                h = self.complete(s, *client, "--resume")
                self.assertTrue(h.resumed, str(h))

    def test_resumption_with_hello_retry(self):
        with servers.openssl(pki.shared().leaf("rsa"), *ALL, "-groups", "P-384") as s:
            h = self.complete(s, "--min", "1.3", "--resume")
            self.assertTrue(h.resumed and h.hrr, str(h))

    def test_resumption_refused(self):
        """A server that keeps nothing: the second handshake is a full one."""
        with servers.openssl(pki.shared().leaf("rsa"), *ALL, "-no_ticket", "-no_cache") as s:
            h = hs(s, "--max", "1.2", "--resume", *GET)
            self.assertEqual(1, h.status, "resumption was refused")
            self.assertNotIn("FAILED", h.err)
            self.assertFalse(h.resumed)

    def test_external_psk_1_3(self):
        with servers.openssl(None, "-psk", PSK, "-psk_identity", "me", *ALL) as s:
            for extra in ([], ["--group", "X25519MLKEM768", "--group", "secp384r1", "--share",
                               "X25519MLKEM768"]):
                h = self.complete(s, "--min", "1.3", "--psk", PSK, "--psk-id", "me", "--psk13",
                                  *extra)
                self.assertTrue(h.resumed and h.sig == 0, "no certificate was used: %s" % h)
                self.assertEqual(bool(extra), h.hrr, str(h))

    def test_client_certificates(self):
        p = pki.shared()
        with servers.openssl(p.leaf("rsa"), *ALL, "-Verify", "3", "-CAfile", p.root.cert,
                             "-verify_return_error") as s:
            for kind in ("rsa", "rsa-pss", "p256", "p384", "p521", "ed25519", "ed448"):
                c = p.client(kind)
                for v in ("1.3", "1.2", "1.1", "1.0"):
                    if v in ("1.0", "1.1") and kind in ("ed25519", "ed448", "rsa-pss"):
                        continue
                    with self.subTest("%s %s" % (kind, v)):
                        self.complete(s, "--wide", "--min", v, "--max", v, "--cert", c.chain,
                                      "--key", c.key)

    def test_client_certificate_missing(self):
        p = pki.shared()
        with servers.openssl(p.leaf("rsa"), *ALL, "-Verify", "3", "-CAfile", p.root.cert,
                             "-verify_return_error") as s:
            self.assertEqual(116, hs(s, "--min", "1.3", *GET).alert)
            self.assertEqual(40, hs(s, "--max", "1.2", *GET).alert)

    def test_client_certificate_optional(self):
        p = pki.shared()
        with servers.openssl(p.leaf("rsa"), *ALL, "-verify", "3", "-CAfile", p.root.cert) as s:
            for v in ("1.0", "1.1", "1.2", "1.3"):
                with self.subTest(v):
                    self.complete(s, "--wide", "--min", v, "--max", v)

    def test_alpn(self):
        with servers.openssl(pki.shared().leaf("p256"), "-alpn", "http/1.1,h2") as s:
            for v in ("1.2", "1.3"):
                with self.subTest(v):
                    self.assertEqual("http/1.1", self.complete(s, "--min", v, "--max", v).alpn)

    def test_sni_chooses_the_certificate(self):
        p = pki.shared()
        other = p.leaf("rsa", names=("other.test",))
        with servers.openssl(p.leaf("p256"), "-cert2", other.chain, "-key2", other.key,
                             "-servername", "other.test") as s:
            self.assertEqual(0x0804, self.complete(s, "--sni", "other.test").sig)
            self.assertEqual(0x0403, self.complete(s, "--sni", pki.NAME).sig)
            self.assertEqual(0x0403, self.complete(s).sig)

    def test_ocsp_stapling(self):
        p = pki.shared()
        leaf = p.leaf("p256")
        with servers.openssl(leaf, "-status_file", p.ocsp(leaf)) as s:
            for v in ("1.2", "1.3"):
                with self.subTest(v):
                    h = self.complete(s, "--min", v, "--max", v)
                    self.assertTrue(any("status" in str(f.get("field")) or
                                        f.get("msg") == "certificate_status" for f in h.facts),
                                    "the response is a fact")

    def test_long_chain(self):
        """Certificates that fill several records."""
        p = pki.shared()
        above = None
        for i in range(8):
            above = p.ca("deep%d" % i, "rsa", above or p.root)
        with servers.openssl(p.leaf("rsa", issuer=above, label="-deep"), *ALL) as s:
            for v in ("1.0", "1.2", "1.3"):
                with self.subTest(v):
                    self.complete(s, "--wide", "--min", v, "--max", v)

    def test_small_records(self):
        """Handshake messages in many records."""
        p = pki.shared()
        above = p.ca("small", "rsa", p.root)
        for options in (["-max_send_frag", "512"], ["-max_send_frag", "512", "-record_padding", "700"],
                        ["-split_send_frag", "600", "-no_middlebox"]):
            with self.subTest(" ".join(options)), servers.openssl(
                    p.leaf("rsa", issuer=above, label="-small"), *ALL, *options) as s:
                for v in ("1.0", "1.1", "1.2", "1.3"):
                    with self.subTest(v):
                        self.complete(s, "--wide", "--min", v, "--max", v)

    def test_padded_records(self):
        with servers.openssl(pki.shared().leaf("p256"), "-record_padding", "16384") as s:
            self.complete(s, "--min", "1.3")

    def test_tickets_none_many_and_for_early_data(self):
        for options in (["-num_tickets", "0"], ["-num_tickets", "20"],
                        ["-max_early_data", "16384"]):
            with self.subTest(" ".join(options)), servers.openssl(
                    pki.shared().leaf("p256"), *options) as s:
                self.complete(s, "--min", "1.3")
                if "0" not in options:
                    self.assertTrue(self.complete(s, "--min", "1.3", "--resume").resumed)

    def test_certificates_of_two_kinds(self):
        """The suite or the signature algorithms decide which one is sent."""
        p = pki.shared()
        rsa, ecdsa = p.leaf("rsa"), p.leaf("p256")
        with servers.openssl(rsa, *ALL, "-dcert", ecdsa.chain, "-dkey", ecdsa.key) as s:
            for suite in ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                          "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"):
                h = self.complete(s, "--wide", "--max", "1.2", "--cipher", suite)
                self.assertEqual(suite, h.suite)

    def interactive(self, command, *options, version="1.3"):
        """s_server gets a command on its terminal once the handshake is done."""
        s = servers.openssl(pki.shared().leaf("rsa"), *options, www=False, stdin=subprocess.PIPE)
        with s:
            argv = [str(interop.tw.HS_ONCE), "--min", version, "--max", version, "--send", "hello", "127.0.0.1",
                    str(s.port)]
            p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            end = time.monotonic() + 10
            while time.monotonic() < end and "hello" not in s.log():
                time.sleep(0.01)
            s.process.stdin.write(command)
            s.process.stdin.flush()
            time.sleep(0.3)     # s_server takes one command each time it reads its terminal
            s.process.stdin.write(b"answer\n")
            s.process.stdin.flush()
            out, err = p.communicate(timeout=20)
        h = interop.Handshake(p.returncode, out.decode(), err.decode())
        self.assertTrue(h.complete, "%s\nserver: %s" % (h, s.log()))
        self.assertEqual(len("answer\n"), h.app, "%s\nserver: %s" % (h, s.log()))
        return h, s.log()

    def test_key_update(self):
        self.interactive(b"k\n")

    def test_key_update_requested(self):
        self.interactive(b"K\n")

    def test_renegotiation_asked_for(self):
        """HelloRequest (RFC 5246 7.4.1.1) is let pass; the server then waits for a ClientHello."""
        s = servers.openssl(pki.shared().leaf("rsa"), www=False, stdin=subprocess.PIPE)
        with s:
            p = subprocess.Popen([str(interop.tw.HS_ONCE), "--max", "1.2", "--send", "hello",
                                  "127.0.0.1", str(s.port)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            end = time.monotonic() + 10
            while time.monotonic() < end and "hello" not in s.log():
                time.sleep(0.01)
            s.process.stdin.write(b"r\n")
            s.process.stdin.flush()
            out, err = p.communicate(timeout=20)
        h = interop.Handshake(p.returncode, out.decode(), err.decode())
        self.assertTrue(h.complete, "%s\nserver: %s" % (h, s.log()))
        self.assertTrue([f for f in h.facts if f.get("kind") == "message" and f.get("msg", 0) == 0 and
                         f.get("from") == "server"], "HelloRequest is a fact: %s" % h)

    def test_post_handshake_certificate_request(self):
        h, _ = self.interactive(b"c\n", "-verify", "1")
        self.assertEqual(-1, h.alert, str(h))


if __name__ == "__main__":
    unittest.main()
