"""Trust stores made by the real tools: keytool, openssl, certutil, node; and what check says of each.

A tool that is not installed skips its tests by name."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import cliparts
import tw
from trust_pki import CLEAN, Pki, run


def need(tool):
    return unittest.skipUnless(shutil.which(tool), "no " + tool)


def stores(*args, env=None):
    r = tw.tlswhy("stores", "--json", *args, env={**CLEAN, **(env or {})})
    return r, r.objects() if r.status == 0 else []


@need("openssl")
class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.tmp.cleanup)
        cls.pki = Pki(cls.tmp.name)

    def keytool(self, name, kind, password="changeit", *more):
        path = self.pki.dir / name
        run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", self.pki.ca,
            "-keystore", path, "-storetype", kind, "-storepass", password, *more)
        return path

    def one(self, path, **kw):
        r, rows = stores(path, **kw)
        self.assertEqual(r.status, 0, r.err)
        self.assertEqual(len(rows), 1)
        return rows[0]

    # ---- formats ---------------------------------------------------------------------------------

    @need("keytool")
    def test_keytool_formats(self):
        for kind, name in (("JKS", "a.jks"), ("JCEKS", "a.jceks"), ("PKCS12", "a.p12")):
            with self.subTest(kind):
                row = self.one(self.keytool(name, kind))
                self.assertEqual(row["format"], {"PKCS12": "PKCS#12"}.get(kind, kind))
                self.assertEqual(row["anchors"], 1)
                self.assertIsNone(row["problem"])

    @need("keytool")
    def test_keytool_without_password(self):
        path = self.keytool("nopass.p12", "PKCS12", "changeit",
                                "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE",
                                "-J-Dkeystore.pkcs12.macAlgorithm=NONE")
        self.assertEqual(self.one(path)["anchors"], 1)

    @need("keytool")
    def test_old_encryption(self):
        path = self.keytool("old.p12", "PKCS12", "changeit", "-J-Dkeystore.pkcs12.legacy")
        row = self.one(path)
        if row["problem"]:
            self.skipTest("RC2: " + row["problem"])
        self.assertEqual(row["anchors"], 1)

    @need("keytool")
    def test_key_pair_is_no_anchor(self):
        path = self.pki.dir / "mine.jks"
        run("keytool", "-genkeypair", "-alias", "mine", "-keyalg", "EC", "-dname", "CN=x",
            "-keystore", path, "-storetype", "JKS", "-storepass", "changeit", "-keypass", "changeit")
        row = self.one(path)
        self.assertEqual((row["anchors"], row["keys"], row["not_anchors"]), (0, 1, 1))

    def test_openssl_pkcs12_has_no_trust_mark(self):
        path = self.pki.dir / "nomark.p12"
        run("openssl", "pkcs12", "-export", "-nokeys", "-in", self.pki.ca, "-out", path, "-passout",
            "pass:changeit")
        row = self.one(path)
        self.assertEqual((row["anchors"], row["not_anchors"]), (0, 1))

    def test_openssl_forms(self):
        for name, anchors, cmd in (
                ("ca.der", 1, ("x509", "-outform", "DER")),
                ("server.pem", 1, ("x509", "-trustout", "-addtrust", "serverAuth")),
                ("mail.pem", 0, ("x509", "-trustout", "-addtrust", "emailProtection")),
                ("no.pem", 0, ("x509", "-trustout", "-addreject", "serverAuth"))):
            with self.subTest(name):
                path = self.pki.dir / name
                run("openssl", *cmd, "-in", self.pki.ca, "-out", path)
                self.assertEqual(self.one(path)["anchors"], anchors)
        path = self.pki.dir / "ca.p7b"
        run("openssl", "crl2pkcs7", "-nocrl", "-certfile", self.pki.ca, "-outform", "DER", "-out", path)
        self.assertEqual(self.one(path)["format"], "PKCS#7")

    def test_hashed_directory_counts_once(self):
        d = self.pki.dir / "hashed"
        d.mkdir()
        shutil.copy(self.pki.ca, d / "root.pem")
        (d / "note.txt").write_text("no certificate\n")
        run("openssl", "rehash", d)
        self.assertGreater(len(list(d.iterdir())), 2)
        self.assertEqual(self.one(d)["anchors"], 1)

    @need("certutil")
    def test_nss(self):
        d = self.pki.dir / "nssdb"
        d.mkdir()
        run("certutil", "-N", "-d", "sql:%s" % d, "--empty-password")
        run("certutil", "-A", "-d", "sql:%s" % d, "-n", "some name, with comma", "-t", "C,,", "-i",
            self.pki.ca)
        run("certutil", "-A", "-d", "sql:%s" % d, "-n", "leaf", "-t", ",,", "-i", self.pki.leaf.cert)
        row = self.one(d)
        self.assertEqual(row["store"], "nss")
        self.assertEqual(row["not_anchors"], 1)
        self.assertEqual(row["damaged"], 0)
        with self.pki.server() as port:
            self.assertEqual(tw.check("--trust", d, "localhost:%d" % port, env=CLEAN)["outcome"], "ok")

    # ---- those of the machine ----------------------------------------------------------------------

    def test_machine(self):
        r, rows = stores()
        self.assertEqual(r.status, 0)
        self.assertEqual(rows[0]["store"], "system")
        self.assertEqual(len({(x["store"], x["label"]) for x in rows}), len(rows))

    @need("keytool")
    def test_java(self):
        r, rows = stores("java")
        if r.status == 2:
            self.skipTest("no cacerts")
        self.assertGreater(rows[0]["anchors"], 50)
        self.assertRegex(rows[0]["label"], r"^Java \d")

    @need("node")
    def test_node(self):
        r, rows = stores("node")
        self.assertEqual(r.status, 0, r.err)
        count = int(run("node", "-p", "require('tls').rootCertificates.length",
                        env={**os.environ, **CLEAN}))
        self.assertEqual(rows[0]["anchors"], count)

    def test_certifi(self):
        home = self.pki.dir / "venv"
        d = home / "lib/python3.12/site-packages/certifi"
        d.mkdir(parents=True)
        shutil.copy(self.pki.ca, d / "cacert.pem")
        r, rows = stores("certifi", env={"VIRTUAL_ENV": str(home)})
        self.assertEqual(r.status, 0, r.err)
        self.assertTrue(any(str(d) in x["label"] and x["anchors"] == 1 for x in rows), rows)

    def test_unknown_name(self):
        r, _ = stores("jawa")
        self.assertEqual((r.status, r.out), (2, ""))
        self.assertEqual(r.err.count("\n"), 1)

    # ---- check -------------------------------------------------------------------------------------

    def refused(self, *args):
        r = tw.tlswhy("check", *args, "localhost:1", env=CLEAN)
        self.assertEqual((r.status, r.out), (2, ""), r.err)
        self.assertEqual(r.err.count("\n"), 1, r.err)
        return r.err

    def test_bad_ca_files(self):
        text, empty, cut = (self.pki.dir / n for n in ("text.pem", "empty.pem", "cut.pem"))
        text.write_text("hello\n")
        empty.write_text("")
        cut.write_text(self.pki.ca.read_text() + self.pki.ca.read_text()[:200])
        self.assertIn("No such file", self.refused("--ca", self.pki.dir / "nowhere.pem"))
        self.assertIn("neither PEM", self.refused("--ca", text))
        self.assertIn("empty", self.refused("--ca", empty))
        self.assertIn("damaged", self.refused("--ca", cut))
        self.assertIn("no certificate", self.refused("--ca", self.pki.leaf.key))
        self.assertIn("No such file", self.refused("--trust", self.pki.dir / "nowhere.pem"))
        self.assertIn("none of system", self.refused("--trust", "nowhere"))

    @need("keytool")
    def test_store_password(self):
        path = self.keytool("secret.p12", "PKCS12", "s3cret1")
        self.assertIn("password", self.refused("--trust", path))
        self.assertIn("password", self.refused("--trust-pass", "wrong", "--trust", path))
        with self.pki.server() as port:
            o = tw.check("--trust-pass", "s3cret1", "--trust", path, "localhost:%d" % port, env=CLEAN)
            self.assertEqual(o["outcome"], "ok")

    def test_several_ca(self):
        with tempfile.TemporaryDirectory() as other, self.pki.server() as port:
            more = Pki(other)
            o = tw.check("--ca", more.ca, "localhost:%d" % port, env=CLEAN)
            self.assertEqual(tw.causes(o)[0], "untrusted-private-ca")
            o = tw.check("--ca", more.ca, "--ca", self.pki.ca, "localhost:%d" % port, env=CLEAN)
            self.assertEqual(o["outcome"], "ok")
            o = tw.check("--ca", more.ca, "--ca", self.pki.ca, "--trust", "system",
                         "localhost:%d" % port, env=CLEAN)
            self.assertEqual(o["trust_stores"][0]["anchors"], 2)

    def test_verdict_per_store(self):
        with self.pki.server() as port:
            o = tw.check("--trust", "system", "--trust", self.pki.ca, "localhost:%d" % port, env=CLEAN)
        self.assertEqual(tw.causes(o)[0], "untrusted-private-ca")
        self.assertEqual(o["causes"][0]["certainty"], "proven")
        self.assertIn(str(self.pki.ca), o["causes"][0]["summary"])
        self.assertEqual(cliparts.violations(o), [])
        self.assertEqual([(s["store"], s["trusted"]) for s in o["trust_stores"]],
                         [("system", False), ("file", True)])

    def test_refusing_store_is_a_warning(self):
        with self.pki.server() as port:
            o = tw.check("--ca", self.pki.ca, "--trust", "system", "localhost:%d" % port, env=CLEAN)
        self.assertEqual((o["outcome"], tw.causes(o)), ("ok", []))
        self.assertIn("untrusted-private-ca", [w["id"] for w in o["warnings"]])

    def test_no_other_store_unasked(self):
        with self.pki.server() as port:
            o = tw.check("--ca", self.pki.ca, "localhost:%d" % port, env=CLEAN)
        self.assertNotIn("trust_stores", o)

    def test_empty_store(self):
        path = self.pki.dir / "empty.p12"
        run("openssl", "pkcs12", "-export", "-nokeys", "-in", self.pki.ca, "-out", path, "-passout",
            "pass:changeit")
        with self.pki.server() as port:
            o = tw.check("--trust", path, "localhost:%d" % port, env=CLEAN)
            self.assertEqual(tw.causes(o)[0], "truststore-empty")
            nothing = self.pki.dir / "nothing.pem"
            nothing.write_text("")
            o = tw.check("localhost:%d" % port, env={**CLEAN, "SSL_CERT_FILE": str(nothing)})
            self.assertEqual(tw.causes(o)[0], "truststore-empty")

    def test_unreadable_system_store(self):
        with self.pki.server() as port:
            o = tw.check("localhost:%d" % port, env={**CLEAN, "SSL_CERT_FILE": "/nonexistent/ca.pem"})
            self.assertEqual(tw.causes(o)[0], "ca-file-unreadable")
            self.assertIn("SSL_CERT_FILE", o["causes"][0]["summary"])
            # what another program's variable names fails nothing here
            o = tw.check("--ca", self.pki.ca, "--trust", "env", "localhost:%d" % port,
                         env={**CLEAN, "CURL_CA_BUNDLE": "/nonexistent/curl.pem"})
            self.assertEqual(o["outcome"], "ok")
            self.assertEqual([w["id"] for w in o["warnings"]][0], "ca-file-unreadable")

    @unittest.skipUnless(shutil.which("unshare"), "no unshare")
    def test_machine_without_a_store(self):
        """As in an image without ca-certificates: an empty file system over /etc/ssl."""
        hide = "; ".join("[ ! -d %s ] || mount -t tmpfs none %s" % (d, d)
                         for d in ("/etc/ssl", "/etc/pki"))
        with self.pki.server() as port:
            p = subprocess.run(["unshare", "-r", "-m", "sh", "-ec", hide + '; exec "$0" "$@"',
                                str(tw.TLSWHY), "check", "--json", "localhost:%d" % port],
                               capture_output=True, timeout=60, env={**os.environ, **CLEAN})
        if not p.stdout:
            self.skipTest("no mount namespace")
        o = json.loads(p.stdout)
        self.assertEqual(tw.causes(o), ["trust-store-missing"])
        self.assertEqual(o["causes"][0]["certainty"], "proven")

    def test_no_store_at_all(self):
        with self.pki.server() as port:
            o = tw.check("--trust", "none", "localhost:%d" % port, env=CLEAN)
        self.assertEqual(tw.causes(o)[0], "trust-store-missing")
        self.assertNotIn("untrusted-private-ca", tw.causes(o))


if __name__ == "__main__":
    unittest.main()
