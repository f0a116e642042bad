"""What each option of check changes: in the ClientHello on the wire, in the connection, in the verdict."""
import os
import socket
import tempfile
import unittest

import cliparts
import tw
from cliparts import hello_of, report

X25519, P256, P384, X25519MLKEM768 = 0x001d, 0x0017, 0x0018, 0x11ec


class OnTheWire(unittest.TestCase):
    def test_default_hello_is_that_of_a_modern_client(self):
        h, obj = hello_of()
        self.assertEqual(h.sni, "localhost")
        self.assertEqual(h.alpn, ["h2", "http/1.1"])
        self.assertEqual(h.versions, [0x0304, 0x0303])
        self.assertEqual(h.groups[:2], [X25519MLKEM768, X25519])
        self.assertEqual(obj["target"]["server_name"], "localhost")

    def test_servername(self):
        for args in (["-s", "other.example"], ["--servername", "other.example"],
                     ["--servername=other.example"], ["-sother.example"]):
            h, obj = hello_of(*args)
            self.assertEqual(h.sni, "other.example", args)
            self.assertEqual(obj["target"]["server_name"], "other.example")

    def test_no_sni(self):
        h, obj = hello_of("--no-sni")
        self.assertIsNone(h.sni)
        self.assertIsNone(obj["target"]["server_name"])

    def test_an_address_is_no_sni(self):
        self.assertIsNone(hello_of(target="127.0.0.1:%d")[0].sni)

    def test_absolute_name_without_its_dot(self):
        h, obj = hello_of("--connect", "127.0.0.1", target="www.tlswhy.test.:%d")
        self.assertEqual(h.sni, "www.tlswhy.test")
        self.assertEqual(hello_of("-s", "a.example.")[0].sni, "a.example")

    def test_internationalised_names(self):
        for args, target in ((["--connect", "127.0.0.1"], "b\u00fccher.example:%d"),
                             (["--connect", "127.0.0.1"], "https://B\u00dcCHER.example:%d/"),
                             (["-s", "b\u00fccher.example"], "localhost:%d")):
            h, obj = hello_of(*args, target=target)
            self.assertEqual(h.sni, "xn--bcher-kva.example", target)
        h, _ = hello_of("--connect", "127.0.0.1", target="fa\u00df.example:%d")
        self.assertEqual(h.sni, "xn--fa-hia.example")  # UTS 46 non-transitional
        h, _ = hello_of("--connect", "127.0.0.1", target="_under_score.example:%d")
        self.assertEqual(h.sni, "_under_score.example")

    def test_alpn(self):
        self.assertEqual(hello_of("--alpn", "http/1.1")[0].alpn, ["http/1.1"])
        self.assertEqual(hello_of("--alpn", "mqtt,h2")[0].alpn, ["mqtt", "h2"])
        self.assertIsNone(hello_of("--alpn", "")[0].alpn)

    def test_versions(self):
        for args, versions, legacy in (
                (["--max-version", "1.2"], None, 0x0303), (["--min-version", "1.3"], [0x0304], 0x0303),
                (["--min-version", "1.0"], [0x0304, 0x0303, 0x0302, 0x0301], 0x0303),
                (["--max-version", "1.1"], None, 0x0302), (["--max-version", "1.0"], None, 0x0301),
                (["--min-version", "TLSv1.2", "--max-version", "TLS1.2"], None, 0x0303)):
            h, _ = hello_of(*args)
            self.assertEqual((h.versions, h.legacy_version), (versions, legacy), args)

    def test_ciphers_by_either_name_and_by_number(self):
        want = [0xc02f, 0xc013]
        for names in ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                      "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA",
                      "0xc02f 0xC013", "ECDHE-RSA-AES128-GCM-SHA256:0xc02f:0xc013"):
            h, _ = hello_of("--ciphers", names)
            self.assertEqual([c for c in h.ciphers if c != 0x00ff], want, names)
            self.assertIsNone(h.versions, names)  # none of TLS 1.3 among them
        h, _ = hello_of("--ciphers", "TLS_CHACHA20_POLY1305_SHA256")
        self.assertEqual((h.ciphers, h.versions), ([0x1303], [0x0304]))

    def test_groups_by_either_name(self):
        for names in ("secp384r1,x25519", "P-384:X25519", "0x0018:0x001d"):
            self.assertEqual(hello_of("--groups", names)[0].groups, [P384, X25519], names)
        self.assertEqual(hello_of("--groups", "prime256v1")[0].groups, [P256])

    def test_sigalgs_by_either_name(self):
        for names in ("ecdsa_secp256r1_sha256,rsa_pkcs1_sha256", "ECDSA+SHA256:RSA+SHA256",
                      "0x0403,0x0401"):
            self.assertEqual(hello_of("--sigalgs", names)[0].sigalgs, [0x0403, 0x0401], names)
        self.assertEqual(hello_of("--sigalgs", "RSA-PSS+SHA384,ed25519")[0].sigalgs,
                         [0x0805, 0x0807])

    def test_connect(self):
        for args, target in ((["--connect", "127.0.0.1:%d"], "www.tlswhy.test"),
                             (["--connect", "127.0.0.1"], "www.tlswhy.test:%d"),
                             (["--connect", "localhost:%d"], "https://www.tlswhy.test/x"),
                             (["--connect", "127.0.0.1"], "https://www.tlswhy.test:%d/x")):
            h, obj = hello_of(*args, target=target)
            self.assertEqual(h.sni, "www.tlswhy.test")
            self.assertEqual(obj["target"]["host"], "www.tlswhy.test")


class WithIPv6(unittest.TestCase):
    def setUp(self):
        try:
            with socket.socket(socket.AF_INET6) as s:
                s.bind(("::1", 0))
        except OSError as e:
            self.skipTest("no IPv6 on loopback: %s" % e)

    def test_targets(self):
        for target in ("[::1]:%d", "https://[::1]:%d/", "https://user:pw@[::1]:%d/"):
            h, obj = hello_of(target=target, family=socket.AF_INET6)
            self.assertEqual((obj["target"]["host"], obj["target"]["addresses"], h.sni),
                             ("::1", ["::1"], None), target)

    def test_connect(self):
        for args, target in ((["--connect", "[::1]:%d"], "a.example"),
                             (["--connect", "::1"], "a.example:%d"),
                             (["--connect", "[::1]"], "a.example:%d")):
            h, _ = hello_of(*args, target=target, family=socket.AF_INET6)
            self.assertEqual(h.sni, "a.example", args)

    def test_families(self):
        """localhost is both: -4 and -6 choose, and a family without a server is refused."""
        _, obj = hello_of("-4")
        self.assertEqual(obj["target"]["addresses"], ["127.0.0.1"])
        _, obj = hello_of("-6", family=socket.AF_INET6)
        self.assertEqual(obj["target"]["addresses"], ["::1"])
        with cliparts.listener(lambda c: None, socket.AF_INET6) as port:
            obj, run = report("-4", "localhost:%d" % port)
        self.assertEqual((tw.causes(obj), run.status), (["tcp-refused"], 1))


class Verdict(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cliparts.Lab("healthy", "client-cert-required", "client-cert-required-tls12",
                               "name-mismatch", "healthy-rsa")
        cls.dir = tempfile.TemporaryDirectory()
        cls.healthy = cls.lab.target("healthy")

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()
        cls.dir.cleanup()

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def verdict(self, *args, status=None, env=None):
        obj, run = report(*args, env=env)
        if status is not None:
            self.assertEqual(run.status, status, obj["causes"])
        return tw.causes(obj)[:1] or ["ok"]

    def test_ca_file_and_directory(self):
        self.assertEqual(self.verdict("--ca", self.lab.ca, self.healthy, status=0), ["ok"])
        d = self.path("ca.d")
        os.mkdir(d)
        os.symlink(self.lab.ca, os.path.join(d, "one.pem"))
        with open(os.path.join(d, "junk"), "w") as f:
            f.write("no certificate")
        self.assertEqual(self.verdict("--ca", d, self.healthy, status=0), ["ok"])

    def test_ca_replaces_the_system_store(self):
        _, other = cliparts.self_signed(self.dir.name, "other", "other.test")
        self.assertEqual(self.verdict("--ca", other, self.healthy, status=1,
                                      env={"SSL_CERT_FILE": self.lab.ca}), ["untrusted-private-ca"])
        self.assertEqual(self.verdict(self.healthy, status=0,
                                      env={"SSL_CERT_FILE": self.lab.ca}), ["ok"])
        self.assertEqual(self.verdict(self.healthy, status=1), ["untrusted-private-ca"])

    def test_verify_name(self):
        ca = ["--ca", self.lab.ca]
        self.assertEqual(self.verdict(*ca, "--verify-name", "other.example", self.healthy, status=1),
                         ["name-mismatch"])
        self.assertEqual(self.verdict(*ca, "--verify-name", "127.0.0.1", self.healthy, status=0),
                         ["ok"])
        self.assertEqual(self.verdict(*ca, "--verify-name", "::1", self.healthy, status=0), ["ok"])
        self.assertEqual(self.verdict(*ca, "-s", "other.example", "--verify-name", "localhost",
                                      self.healthy), ["ok"])
        self.assertEqual(self.verdict(*ca, self.lab.target("name-mismatch"), status=1),
                         ["name-mismatch"])

    def test_at(self):
        ca = ["--ca", self.lab.ca]
        for at in ("2001-01-01", "2001-01-01T12:00:00Z", "978307200"):
            self.assertEqual(self.verdict(*ca, "--at", at, self.healthy, status=1),
                             ["cert-not-yet-valid"], at)
        self.assertEqual(self.verdict(*ca, "--at", "2099-01-01", self.healthy, status=1),
                         ["cert-expired"])

    def test_negotiation_is_what_was_asked_for(self):
        for args, key, want in (
                (["--max-version", "1.2"], "version", "TLS 1.2"),
                (["--ciphers", "TLS_CHACHA20_POLY1305_SHA256"], "cipher",
                 "TLS_CHACHA20_POLY1305_SHA256"),
                (["--groups", "P-384"], "group", "secp384r1"), (["--alpn", "http/1.1"], "alpn", "http/1.1"),
                (["--sigalgs", "ecdsa_secp256r1_sha256"], "signature", "ecdsa_secp256r1_sha256")):
            obj, run = report("--ca", self.lab.ca, *args, self.healthy)
            self.assertEqual((run.status, obj["handshake"][key]), (0, want), args)

    def test_client_certificate_in_every_form(self):
        key, cert = cliparts.self_signed(self.dir.name, "client", "client.test")
        both, p12, der = self.path("both.pem"), self.path("c.p12"), self.path("k.der")
        with open(both, "w") as f:
            f.write(open(key).read() + open(cert).read())
        cliparts.openssl("pkcs12", "-export", "-in", cert, "-inkey", key, "-out", p12, "-passout",
                         "pass:secret")
        open_p12, locked = self.path("open.p12"), self.path("locked.pem")
        cliparts.openssl("pkcs12", "-export", "-in", cert, "-inkey", key, "-out", open_p12,
                         "-passout", "pass:")
        cliparts.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked)
        cliparts.openssl("pkey", "-in", key, "-outform", "DER", "-out", der)
        forms = [["--cert", cert, "--key", key], ["--cert", both],
                 ["--cert", p12, "--pass", "secret"], ["--cert", open_p12],
                 ["--cert", cert, "--key", locked, "--pass", "secret"],
                 ["--cert", cert, "--key", der]]
        for fault in ("client-cert-required", "client-cert-required-tls12"):
            target = self.lab.target(fault)
            obj, run = report("--ca", self.lab.ca, target)
            self.assertEqual((tw.causes(obj)[:1], run.status, obj["handshake"]["client_auth"]),
                             (["client-cert-required"], 1, "requested"))
            for form in forms:
                with self.subTest(fault=fault, form=form):
                    obj, run = report("--ca", self.lab.ca, *form, target)
                    self.assertEqual(obj["handshake"]["client_auth"], "sent")
                    self.assertNotIn("client-cert-required", tw.causes(obj))

    def test_max_connections(self):
        with cliparts.listener(lambda c: c.recv(4096)) as port:
            for n in (1, 3):
                obj, _ = report("--max-connections", str(n), "localhost:%d" % port)
                self.assertEqual(len(obj["trials"]), n)
                self.assertEqual(obj["timing"]["connections"], n)


if __name__ == "__main__":
    unittest.main()
