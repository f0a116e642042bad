"""The wrong certificate comes, or somebody's in between: shown by openssl s_server and nginx."""
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import tw
from trust_pki import CLEAN, Pki


def with_hosts(hosts, *args):
    """check --json with another /etc/hosts, in a mount namespace; None where that is not allowed."""
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    p = subprocess.run(["unshare", "-r", "-m", "sh", "-c", script, str(hosts), str(tw.TLSWHY),
                        "check", "--json", *map(str, args)], capture_output=True, timeout=60,
                       env={**os.environ, **CLEAN})
    return json.loads(p.stdout) if p.stdout else None


@contextlib.contextmanager
def nginx(directory, blocks):
    """One master process, no daemon; gives the port."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    d = pathlib.Path(directory)
    servers = "".join("""
    server { listen 127.0.0.1:%d ssl%s; server_name %s;
             ssl_certificate %s; ssl_certificate_key %s; }""" % (
                 port, " default_server" if i == 0 else "", name, leaf.cert, leaf.key)
                      for i, (name, leaf) in enumerate(blocks))
    conf = d / "nginx.conf"
    conf.write_text("daemon off; master_process off; pid %s/nginx.pid; error_log %s/error.log;\n"
                    "events {}\nhttp { access_log off; %s\n%s }\n" % (
                        d, d, "".join("%s_temp_path %s/t; " % (n, d) for n in
                                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")), servers))
    p = subprocess.Popen(["nginx", "-c", str(conf), "-e", str(d / "error.log"), "-p", str(d)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            if p.poll() is not None:
                raise AssertionError((d / "error.log").read_text())
            time.sleep(0.05)
        yield port
    finally:
        p.send_signal(signal.SIGTERM)
        p.wait(10)


class WrongCertificate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.tmp.cleanup)
        cls.pki = Pki(cls.tmp.name)

    def check(self, port, *args, ca=None):
        args = [*args, "--connect", "127.0.0.1:%d" % port] if "--connect" not in args else args
        return tw.check("--ca", ca or self.pki.ca, *args, env=CLEAN)

    def root(self, obj, cause, certainty):
        self.assertEqual(tw.causes(obj)[:1], [cause], tw.causes(obj))
        self.assertEqual(obj["causes"][0]["certainty"], certainty)
        return obj["causes"][0]

    @unittest.skipUnless(shutil.which("nginx"), "no nginx")
    def test_nginx_default_server(self):
        shop, site = self.pki.make("shop.example.test"), self.pki.make("example.test")
        with nginx(self.tmp.name, [("shop.example.test", shop), ("example.test", site)]) as port:
            # its neighbour is served, it is not: nginx takes the default server
            o = self.check(port, "www.example.test")
            c = self.root(o, "wrong-vhost-default-cert", "proven")
            self.assertIn("name-mismatch", tw.causes(o))
            self.assertEqual(c["side"], "server")
            # no neighbour tells: the server may have just this one certificate
            o = self.check(port, "other.test")
            self.root(o, "name-mismatch", "proven")
            self.assertIn("wrong-vhost-default-cert", tw.causes(o))
            self.assertEqual(tw.causes(self.check(port, "example.test")), [])

    def test_certificate_lacks_the_name(self):
        """The server knows the name and shows a certificate made for it, which lacks it."""
        wrong = self.pki.make("old.example.test")
        with self.pki.server(sites=("www.example.test", wrong)) as port:
            o = self.check(port, "www.example.test")
        self.root(o, "name-mismatch", "proven")
        self.assertNotIn("wrong-vhost-default-cert", tw.causes(o))

    def test_other_name_is_sent_than_verified(self):
        good = self.pki.make("www.example.test")
        with self.pki.server(self.pki.make("shop.example.test"),
                             sites=("www.example.test", good)) as port:
            o = self.check(port, "-s", "shop.example.test", "--verify-name", "www.example.test",
                           "www.example.test")
        self.assertEqual(self.root(o, "wrong-vhost-default-cert", "proven")["side"], "client")

    @unittest.skipUnless(shutil.which("unshare"), "no unshare")
    def test_other_address_has_the_right_one(self):
        wrong, right = self.pki.make("default.example.test"), self.pki.make("both.test")
        hosts = pathlib.Path(self.tmp.name) / "hosts"
        hosts.write_text("127.0.0.1 localhost both.test\n127.0.0.2 both.test\n")
        with self.pki.server(wrong) as port, self.pki.server(right, "127.0.0.2", port):
            o = with_hosts(hosts, "--ca", self.pki.ca, "both.test:%d" % port)
        if o is None:
            self.skipTest("no mount namespace")
        self.root(o, "backend-inconsistent", "proven")

    def test_placeholder(self):
        leaf = self.pki.make("ingress.local",
                             subject="/O=Acme Co/CN=Kubernetes Ingress Controller Fake Certificate")
        with self.pki.server(leaf) as port:
            c = self.root(self.check(port, "www.example.test"), "default-placeholder-cert", "proven")
        self.assertIn("ingress-nginx", c["fix"][0]["for"])

    def test_placeholder_that_is_trusted(self):
        """An appliance's own certificate, given to the client and made for the name: nothing wrong."""
        leaf = self.pki.make("fritz.box", subject="/CN=fritz.box")
        with self.pki.server(leaf) as port:
            self.assertEqual(self.check(port, "fritz.box")["outcome"], "ok")

    def test_self_signed_for_localhost_is_no_placeholder(self):
        with tempfile.TemporaryDirectory() as d:
            cert, key = pathlib.Path(d) / "c.pem", pathlib.Path(d) / "k.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                            str(key), "-out", str(cert)], check=True, capture_output=True)
            leaf = type(self.pki.leaf)(cert, key)
            with self.pki.server(leaf) as port:
                o = self.check(port, "localhost")
        self.root(o, "self-signed-leaf", "proven")
        self.assertNotIn("default-placeholder-cert", tw.causes(o))

    def test_platform(self):
        leaf = self.pki.make("*.azureedge.net", subject="/CN=*.azureedge.net")
        with self.pki.server(leaf) as port:
            c = self.root(self.check(port, "cdn.example.test"), "cdn-edge-no-cert-for-name", "proven")
            self.assertIn("Azure", c["summary"])
            o = self.check(port, "a.b.azureedge.net")
        self.assertNotIn("cdn-edge-no-cert-for-name", tw.causes(o))

    def test_inspecting_proxy_by_name(self):
        for subject, cause in (("/O=Zscaler Inc./CN=Zscaler Root CA", "interception-proxy"),
                               ("/O=Fortinet/CN=FGT60F0000000001", "interception-proxy"),
                               ("/CN=mitmproxy/O=mitmproxy", "interception-proxy"),
                               ("/CN=avast! Web\\/Mail Shield Root", "antivirus-interception"),
                               ("/CN=Kaspersky Anti-Virus Personal Root Certificate",
                                "antivirus-interception")):
            with self.subTest(subject), tempfile.TemporaryDirectory() as d:
                proxy = Pki(d, subject)
                with proxy.server() as port:
                    self.root(self.check(port, "localhost"), cause, "likely")
                    o = self.check(port, "localhost", ca=proxy.ca)
                self.assertEqual(o["outcome"], "ok")
                self.assertEqual([w["id"] for w in o["warnings"]], [cause])

    def test_private_ca_is_no_proxy(self):
        with tempfile.TemporaryDirectory() as d:
            with Pki(d, "/O=Sofia Works/CN=Squad Issuing CA").server() as port:
                o = self.check(port, "localhost")
        self.root(o, "untrusted-private-ca", "proven")
        self.assertEqual(tw.causes(o), ["untrusted-private-ca"])

    def test_distrusted_ca(self):
        with tempfile.TemporaryDirectory() as d:
            pki = Pki(d, "/O=Chunghwa Telecom Co., Ltd./CN=HiPKI Root CA - G1")
            with pki.server() as port:
                self.root(self.check(port, "localhost"), "ca-distrusted", "likely")
                o = self.check(port, "localhost", ca=pki.ca)
        self.assertEqual(o["outcome"], "ok")
        self.assertEqual([(w["id"], w["certainty"]) for w in o["warnings"]],
                         [("ca-distrusted", "proven")])

    def test_the_timestamp_counts_not_the_date(self):
        """Chrome and Java go by the earliest SCT (RFC 6962 3.2), not by notBefore."""
        def sct(day):
            ms = int(datetime.datetime.fromisoformat(day + "T12:00:00+00:00").timestamp() * 1000)
            return struct.pack(">B32sQH", 0, b"log" * 10 + b"00", ms, 0) + \
                b"\x04\x03\x00\x08" + bytes(8)

        def extension(*days):
            body = b"".join(struct.pack(">H", len(x)) + x for x in map(sct, days))
            value = struct.pack(">H", len(body)) + body
            head = b"\x04" + (bytes([len(value)]) if len(value) < 128 else
                              b"\x81" + bytes([len(value)]))
            return "1.3.6.1.4.1.11129.2.4.2=DER:%s\n" % (head + value).hex()

        with tempfile.TemporaryDirectory() as d:
            pki = Pki(d, "/O=Entrust, Inc./CN=Entrust Root Certification Authority - G2")
            for days, warned in ((("2025-03-01", "2024-11-11"), False), (("2024-11-12",), True),
                                 (("2024-12-01", "2025-03-01"), True)):
                with self.subTest(days):
                    leaf = pki.make("localhost", extra=extension(*days))
                    with pki.server(leaf) as port:
                        o = self.check(port, "localhost", ca=pki.ca)
                    self.assertEqual(o["outcome"], "ok")
                    self.assertEqual("ca-distrusted" in [w["id"] for w in o["warnings"]], warned)

    def test_it_is_the_root_that_is_distrusted(self):
        """An intermediate that bears the name of a distrusted CA, below a root that is none."""
        with tempfile.TemporaryDirectory() as d:
            pki = self.pki.sub(d, "/O=Entrust, Inc./CN=Entrust OV TLS Issuing CA")
            with pki.server() as port:
                o = self.check(port, "localhost")
        self.assertEqual(o["outcome"], "ok")
        self.assertNotIn("ca-distrusted", [w["id"] for w in o["warnings"]])

    def test_appliance_is_no_proxy(self):
        """What the maker of a firewall puts into its own web interface."""
        with tempfile.TemporaryDirectory() as d:
            cert, key = pathlib.Path(d) / "c.pem", pathlib.Path(d) / "k.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                            "/O=Fortinet/CN=FGT60F0000000001", "-keyout", str(key), "-out",
                            str(cert)], check=True, capture_output=True)
            with self.pki.server(type(self.pki.leaf)(cert, key)) as port:
                o = self.check(port, "fw.example.test")
        self.root(o, "default-placeholder-cert", "proven")
        self.assertNotIn("interception-proxy", tw.causes(o))

    def test_store_of_the_web_has_it(self):
        """Python's certifi knows the root, the store that judges does not: that one is old."""
        d = pathlib.Path(self.tmp.name) / "venv/lib/python3.12/site-packages/certifi"
        d.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.pki.ca, d / "cacert.pem")
        with tempfile.TemporaryDirectory() as other:
            old = Pki(other)
            with self.pki.server() as port:
                o = tw.check("--ca", old.ca, "--trust", "certifi", "localhost:%d" % port,
                             env={**CLEAN, "VIRTUAL_ENV": str(d.parents[3])})
        self.root(o, "trust-store-outdated", "proven")


if __name__ == "__main__":
    unittest.main()
