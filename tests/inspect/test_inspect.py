"""tlswhy inspect end to end: certificates made with openssl, the cause each fault yields, other paths,
the repaired chain, options and exit codes."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tw import causes, tlswhy

CONFIG = """
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ca0]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[noca]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[nc]
basicConstraints = critical,CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
nameConstraints = critical,permitted;DNS:allowed.test
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:www.example.test,DNS:*.wild.test
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:www.example.test
[usage]
basicConstraints = CA:FALSE
keyUsage = critical,nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:www.example.test
[nosan]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[critical]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:www.example.test
1.2.3.4.5 = critical,ASN1:UTF8:x
[form]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:w*.example.test
"""


@unittest.skipUnless(shutil.which("openssl"), "no openssl program")
class Inspect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.tmp.name)
        (cls.dir / "c.cnf").write_text(CONFIG)
        cls.serial = 100
        cls.issue("root", "Root", None, "root")
        cls.issue("inter", "Inter", "root", "ca")
        cls.issue("leaf", "www.example.test", "inter", "leaf")

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    @classmethod
    def openssl(cls, *args, input=None):
        p = subprocess.run(["openssl", *map(str, args)], cwd=cls.dir, capture_output=True, input=input)
        if p.returncode != 0:
            raise AssertionError("openssl %s: %s" % (args, p.stderr.decode()))
        return p.stdout

    @classmethod
    def issue(cls, name, cn, by, section, key=None, days=90, extra=(), new=("-newkey", "ec", "-pkeyopt",
                                                                         "ec_paramgen_curve:P-256")):
        """name.pem and name.key; by None: self-signed."""
        cls.serial += 1
        new = ("-key", "%s.key" % key) if key else (*new, "-keyout", "%s.key" % name, "-nodes")
        if by is None:
            cls.openssl("req", "-x509", *new, "-subj", "/O=Example Lab/CN=%s" % cn, "-days", days, "-config", "c.cnf",
                        "-extensions", section, "-set_serial", cls.serial, "-out", "%s.pem" % name, *extra)
            return
        request = cls.openssl("req", "-new", *new, "-subj", "/O=Example Lab/CN=%s" % cn, "-config", "c.cnf")
        cls.openssl("x509", "-req", "-CA", "%s.pem" % by, "-CAkey", "%s.key" % by, "-days", days,
                    "-set_serial", cls.serial, "-extfile", "c.cnf", "-extensions", section,
                    "-out", "%s.pem" % name, *extra, input=request)

    def chain(self, *names):
        """One file with these certificates."""
        path = self.dir / ("-".join(names) + ".chain")
        path.write_bytes(b"".join((self.dir / (n + ".pem")).read_bytes() for n in names))
        return path

    def inspect(self, *names, ca="root", **options):
        args = []
        for k, v in options.items():
            args += ["--" + k.replace("_", "-"), v]
        if ca:
            args += ["--ca", self.dir / (ca + ".pem")]
        r = tlswhy("inspect", "--json", self.chain(*names), *args)
        objects = r.objects()
        self.assertEqual(1, len(objects), r.err)
        o = objects[0]
        self.assertEqual({"ok": 0, "fail": 1}[o["outcome"]], r.status, o["causes"])
        self.assertEqual(o["paths"][0]["valid"], o["outcome"] == "ok")
        return o

    def assert_cause(self, cause, *names, **options):
        o = self.inspect(*names, **options)
        self.assertEqual(cause, (causes(o) or [None])[0], causes(o))
        self.assertEqual("certificate", o["failed_at"])
        self.assertTrue(o["causes"][0]["evidence"] and o["causes"][0]["summary"])
        return o

    def test_good(self):
        o = self.inspect("leaf", "inter", name="www.example.test")
        self.assertEqual(("ok", [], None), (o["outcome"], causes(o), o["failed_at"]))
        self.assertEqual(["sent", "sent", "store"], [c["from"] for c in o["paths"][0]["certificates"]])
        self.assertTrue(o["paths"][0]["anchored"])
        leaf = o["certificates"][0]
        self.assertEqual(["serverAuth"], leaf["ext_key_usage"])
        self.assertEqual(["digitalSignature"], leaf["key_usage"])
        self.assertIsNone(o["handshake"])

    def test_times(self):
        self.assert_cause("cert-expired", "leaf", "inter", at="2050-01-01")
        self.assert_cause("cert-not-yet-valid", "leaf", "inter", at="2001-01-01")
        self.issue("short", "Short", "root", "ca", days=2)
        self.issue("below", "www.example.test", "short", "leaf", days=90)
        later = self.openssl("x509", "-in", "below.pem", "-noout", "-enddate")
        year = later.decode().split()[3]
        self.assert_cause("chain-intermediate-expired", "below", "short",
                          at=self.date_after("short"))
        self.assertGreater(int(year), 2000)

    def date_after(self, name):
        import datetime
        end = self.openssl("x509", "-in", name + ".pem", "-noout", "-enddate").decode().strip()
        t = datetime.datetime.strptime(end.split("=")[1], "%b %d %H:%M:%S %Y %Z")
        return (t + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_expiring_soon_is_a_warning(self):
        self.issue("soon", "www.example.test", "inter", "leaf", days=5)
        self.issue("fresh", "www.example.test", "inter", "leaf", days=5)
        o = self.inspect("soon", "inter")
        self.assertEqual([], [w["id"] for w in o["warnings"]])
        import datetime
        t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=4)
        o = self.inspect("soon", "inter", at=t.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.assertEqual(["cert-expired"], [w["id"] for w in o["warnings"]])
        self.assertEqual("ok", o["outcome"])

    def test_trust(self):
        self.issue("stranger", "Stranger", None, "root")
        self.assert_cause("untrusted-private-ca", "leaf", "inter", "root", ca="stranger")
        self.assert_cause("chain-missing-intermediate", "leaf")
        self.issue("self", "www.example.test", None, "leaf")
        self.assert_cause("self-signed-leaf", "self")

    def test_chain(self):
        self.issue("sub", "Sub", "inter", "ca")
        self.issue("deep", "www.example.test", "sub", "leaf")
        o = self.inspect("deep", "inter", "sub")
        self.assertEqual("ok", o["outcome"])
        self.assertEqual(["chain-wrong-order"], [w["id"] for w in o["warnings"]])
        self.assertIn("misordered", [n["note"] for n in o["chain_notes"]])
        self.assert_cause("chain-wrong-order", "inter", "leaf", name="www.example.test")
        self.issue("inter2", "Inter", "root", "ca") # the same name, another key
        o = self.assert_cause("chain-wrong-intermediate", "leaf", "inter2")
        self.assertEqual(["wrong_intermediate"], [n["note"] for n in o["chain_notes"]])

    def test_write_chain(self):
        self.issue("sub3", "Sub", "inter", "ca")
        self.issue("deep3", "www.example.test", "sub3", "leaf")
        out = self.dir / "repaired.pem"
        o = self.inspect("deep3", "root", "inter", "sub3", "inter", write_chain=out)
        self.assertEqual("ok", o["outcome"])
        want = b"".join((self.dir / (n + ".pem")).read_bytes() for n in ("deep3", "sub3", "inter"))
        self.assertEqual(want, out.read_bytes())
        r = tlswhy("inspect", self.chain("leaf"), "--ca", self.dir / "root.pem", "--write-chain", out)
        self.assertEqual(2, r.status)
        self.assertIn("no path", r.err)

    def test_ca_rules(self):
        self.issue("notca", "Not CA", "root", "noca")
        self.issue("b1", "www.example.test", "notca", "leaf")
        self.assert_cause("ca-basic-constraints", "b1", "notca")
        self.issue("zero", "Zero", "root", "ca0")
        self.issue("one", "One", "zero", "ca")
        self.issue("b2", "www.example.test", "one", "leaf")
        self.assert_cause("path-length-exceeded", "b2", "one", "zero")
        self.issue("limited", "Limited", "root", "nc")
        self.issue("b3", "www.example.test", "limited", "leaf")
        self.assert_cause("name-constraints", "b3", "limited")

    def test_usage(self):
        self.issue("mail", "www.example.test", "inter", "usage")
        self.assert_cause("key-usage-wrong", "mail", "inter")
        self.issue("user", "www.example.test", "inter", "client")
        self.assert_cause("eku-missing", "user", "inter")
        self.assertEqual("ok", self.inspect("user", "inter", purpose="client")["outcome"])
        o = self.assert_cause("eku-client-auth-missing", "leaf", "inter", purpose="client")
        self.assertEqual("client", o["causes"][0]["side"])
        self.assertEqual("ok", self.inspect("user", "inter", purpose="any")["outcome"])

    def test_strength(self):
        self.issue("sha1", "www.example.test", "inter", "leaf", extra=("-sha1",))
        self.assert_cause("weak-signature", "sha1", "inter")
        self.assertEqual("ok", self.inspect("sha1", "inter", level="0")["outcome"])
        self.issue("rsa1024", "www.example.test", "inter", "leaf", new=("-newkey", "rsa:1024"))
        self.assert_cause("weak-key", "rsa1024", "inter")
        self.assertEqual("ok", self.inspect("rsa1024", "inter", level="1")["outcome"])
        self.issue("ed", "www.example.test", "inter", "leaf", new=("-newkey", "ed25519"))
        self.assertEqual("ok", self.inspect("ed", "inter")["outcome"])
        self.assert_cause("cert-key-type-unsupported", "ed", "inter", policy="webpki")
        self.issue("long", "www.example.test", "inter", "leaf", days=500)
        self.assertEqual("ok", self.inspect("long", "inter")["outcome"])
        self.assert_cause("cert-validity-too-long", "long", "inter", policy="webpki")

    def test_extensions(self):
        self.issue("crit", "www.example.test", "inter", "critical")
        o = self.assert_cause("unknown-critical-extension", "crit", "inter")
        self.assertIn("1.2.3.4.5", o["causes"][0]["summary"])

    def test_damaged(self):
        der = bytearray(self.openssl("x509", "-in", "leaf.pem", "-outform", "DER"))
        der[-1] ^= 1
        (self.dir / "bad.pem").write_bytes(self.openssl("x509", "-inform", "DER", input=bytes(der)))
        self.assert_cause("cert-signature-invalid", "bad", "inter")
        cut = self.dir / "cut.der"
        cut.write_bytes(bytes(der[:200]))
        r = tlswhy("inspect", "--json", cut, "--ca", self.dir / "root.pem")
        o = r.objects()[0]
        self.assertEqual((1, "cert-malformed"), (r.status, causes(o)[0]))
        self.assertRegex(o["causes"][0]["summary"], r"at byte \d+")
        self.assertFalse(o["certificates"][0]["well_formed"])

    def test_names(self):
        def cause(name):
            o = self.inspect("leaf", "inter", name=name)
            return (causes(o) or [None])[0]
        self.assertIsNone(cause("www.example.test"))
        self.assertIsNone(cause("WWW.example.test."))
        self.assertIsNone(cause("a.wild.test"))
        self.assertEqual("wildcard-depth", cause("a.b.wild.test"))
        self.assertEqual("wildcard-depth", cause("wild.test"))
        self.assertEqual("name-mismatch", cause("example.test"))
        self.assertEqual("name-ip-address", cause("192.0.2.1"))
        self.issue("cn", "www.example.test", "inter", "nosan")
        self.assert_cause("san-missing", "cn", "inter", name="www.example.test")
        self.issue("partial", "x", "inter", "form")
        self.assert_cause("name-form-unusual", "partial", "inter", name="www.example.test")

    def test_cross_sign(self):
        """The server also sends a cross-certificate to a root that has expired."""
        self.issue("old", "Old Root", None, "root", days=1)
        self.issue("cross", "Root", "old", "ca", key="root", days=1)
        at = self.date_after("cross")
        o = self.inspect("leaf", "inter", "cross", "old", at=at)
        self.assertEqual("ok", o["outcome"])
        self.assertIn("chain-root-expired-cross-sign", [w["id"] for w in o["warnings"]])
        self.assertGreater(len(o["paths"]), 1)
        self.assertFalse(o["paths"][1]["valid"])
        self.assert_cause("chain-root-expired-cross-sign", "leaf", "inter", "cross", "old", ca="old",
                          at=at)

    def test_crl(self):
        for f, text in (("index.txt", ""), ("crlnumber", "01")):
            (self.dir / f).write_text(text)
        (self.dir / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\n"
                                         "default_md=sha256\ndefault_crl_days=30\n")
        common = ("ca", "-config", "ca.cnf", "-cert", "inter.pem", "-keyfile", "inter.key")
        self.openssl(*common, "-gencrl", "-out", "empty.crl")
        self.assertEqual("ok", self.inspect("leaf", "inter", crl=self.dir / "empty.crl")["outcome"])
        self.openssl(*common, "-revoke", "leaf.pem")
        self.openssl(*common, "-gencrl", "-out", "full.crl")
        o = self.assert_cause("revoked", "leaf", "inter", crl=self.dir / "full.crl")
        self.assertIn("revoked", [p["problem"] for p in o["paths"][0]["problems"]])

    def test_usage_errors(self):
        leaf = self.dir / "leaf.pem"
        empty = self.dir / "empty.pem"
        empty.write_text("nothing here\n")
        for args in ([], [self.dir / "none.pem"], [empty], [leaf, "--policy", "mine"],
                     [leaf, "--purpose", "fun"], [leaf, "--level", "9"], [leaf, "--at", "noon"],
                     [leaf, "--chain", self.dir / "none.pem"]):
            r = tlswhy("inspect", "--json", *args)
            self.assertEqual((2, ""), (r.status, r.out), args)
            self.assertTrue(r.err.startswith("tlswhy: "), r.err)

    def test_several_files_and_replay(self):
        r = tlswhy("inspect", "--json", self.chain("leaf", "inter"), self.chain("leaf"), "--ca",
                   self.dir / "root.pem")
        self.assertEqual(1, r.status) # the worst of them
        self.assertEqual(["ok", "fail"], [o["outcome"] for o in r.objects()])
        trace = self.dir / "trace.jsonl"
        self.inspect("leaf", name="www.example.test", save_trace=trace)
        again = tlswhy("replay", "--json", trace)
        self.assertEqual(["chain-missing-intermediate"], causes(json.loads(again.out)))
        self.assertEqual(1, again.status)

    def test_text(self):
        r = tlswhy("inspect", self.chain("leaf", "inter"), "--ca", self.dir / "root.pem")
        self.assertRegex(" ".join(r.out.split()), r"^OK .*a path leads to O=Example Lab, CN=Root; certificate good for \d+ days")
        r = tlswhy("inspect", self.chain("leaf"), "--ca", self.dir / "root.pem")
        self.assertIn("[chain-missing-intermediate", r.out.replace("\n", " "))
        self.assertNotIn("trial", r.out)


if __name__ == "__main__":
    unittest.main()
