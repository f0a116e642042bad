"""--online, stapling, clocks and DANE against real parts on loopback: `openssl ocsp`, `openssl
s_server`, Python's HTTP and TLS servers, chronyd, dnsmasq."""
import datetime
import http.server
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import tw

TIMEOUT = ("--timeout", "40")
CONF = """
[ca]
default_ca = d
[d]
dir = {dir}
database = {dir}/index.txt
new_certs_dir = {dir}
serial = {dir}/serial
default_md = sha256
policy = p
unique_subject = no
crlnumber = {dir}/crlnumber
default_days = 60
default_crl_days = 7
[p]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[responder]
extendedKeyUsage = OCSPSigning
"""
LEAF = """basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=30):
    """Until the kernel says that something listens: `openssl ocsp` takes one connection at a time
    and is thrown off by one that asks nothing."""
    want = "0100007F:%04X" % port, "00000000:%04X" % port, "0" * 32 + ":%04X" % port
    for _ in range(int(seconds * 20)):
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in pathlib.Path(table).read_text().splitlines():
                part = line.split()
                if part[1] in want and part[3] == "0A":
                    return
        time.sleep(0.05)
    raise AssertionError("nothing listens on port %d" % port)


class Pki:
    """A CA with its database, made by the openssl program."""

    def __init__(self, top):
        self.dir = pathlib.Path(top)
        for name, text in (("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "01\n"),
                           ("ca.cnf", CONF.format(dir=top))):
            (self.dir / name).write_text(text)
        self.root = self.dir / "root.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Test Root",
                     "-days", "100", "-config", "ca.cnf", "-extensions", "ca_ext")

    def openssl(self, *args, **kw):
        p = subprocess.run(["openssl", *map(str, args)], cwd=self.dir, capture_output=True, **kw)
        assert p.returncode == 0, p.stderr.decode()
        return p.stdout

    def issue(self, name, cn, ext, ca="root", days="60"):
        """A certificate in the CA's database; name.pem and name.key."""
        (self.dir / (name + ".ext")).write_text(ext)
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                     "/CN=" + cn, "-config", "ca.cnf")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", name + ".csr", "-out",
                     name + ".pem", "-cert", ca + ".pem", "-keyfile", ca + ".key", "-extfile",
                     name + ".ext", "-days", days)
        return self.dir / (name + ".pem")

    def revoke(self, name, reason="keyCompromise"):
        self.openssl("ca", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key",
                     "-revoke", name + ".pem", "-crl_reason", reason)

    def crl(self, *args):
        self.openssl("ca", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key",
                     "-gencrl", "-out", "crl.pem", *args)
        return self.openssl("crl", "-in", "crl.pem", "-outform", "DER")


class Files(http.server.ThreadingHTTPServer):
    """Serves bytes by path; remembers what was asked for."""

    def __init__(self):
        self.files, self.asked = {}, []
        super().__init__(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        what = self.server.files.get(self.path)
        if isinstance(what, str):
            self.send_response(302)
            self.send_header("Location", what)
            self.end_headers()
        elif what is None:
            self.send_error(404)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(what)))
            self.end_headers()
            self.wfile.write(what)

    def log_message(self, *args):
        pass


class Tls:
    """A TLS web server in a thread; date: what its Date header says (None: none)."""

    def __init__(self, chain, key, date=None, max_version=None):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(chain, key)
        if max_version:
            self.ctx.maximum_version = max_version
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port, self.date = self.sock.getsockname()[1], date
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            c.settimeout(30)
            with self.ctx.wrap_socket(c, server_side=True) as s:
                s.recv(4096)
                date = "Date: %s\r\n" % self.date if self.date else ""
                s.sendall(("HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n" % date).encode())
                s.recv(4096)
        except OSError:
            pass

    def close(self):
        self.sock.close()


def http_date(t):
    return t.strftime("%a, %d %b %Y %H:%M:%S GMT")


def utcnow():
    return datetime.datetime.now(datetime.timezone.utc)


class Online(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.TemporaryDirectory()
        cls.pki = Pki(cls.top.name)
        cls.files = Files()
        cls.ocsp_port = free_port()

    @classmethod
    def tearDownClass(cls):
        cls.files.close()
        cls.top.cleanup()

    def setUp(self):
        self.files.asked.clear()

    def start(self, *args, port):
        p = subprocess.Popen(list(map(str, args)), cwd=self.pki.dir, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        if port:
            wait_for(port)
        return p

    def responder(self, signer="root", *args):
        self.start("openssl", "ocsp", "-index", "index.txt", "-port", self.ocsp_port, "-rsigner",
                   signer + ".pem", "-rkey", signer + ".key", "-CA", "root.pem", "-ndays", "7",
                   *args, port=self.ocsp_port)

    def serve(self, name, **kw):
        s = Tls(self.pki.dir / (name + ".pem"), self.pki.dir / (name + ".key"), **kw)
        self.addCleanup(s.close)
        return s

    def check(self, server, *args, **kw):
        return tw.check("--ca", self.pki.root, "localhost:%d" % server.port, "-4", *TIMEOUT, *args,
                        **kw)

    def ocsp_ext(self):
        return LEAF + "authorityInfoAccess = OCSP;URI:http://127.0.0.1:%d/\n" % self.ocsp_port

    def crl_ext(self, path):
        return LEAF + "crlDistributionPoints = URI:%s\n" % self.files.url(path)

    # ---- OCSP

    def test_ocsp_good(self):
        self.pki.issue("og", "ocsp good", self.ocsp_ext())
        self.responder()
        o = self.check(self.serve("og"), "--online", "--hard-fail")
        self.assertEqual((o["outcome"], tw.causes(o)), ("ok", []))

    def test_ocsp_revoked_by_delegate(self):
        self.pki.issue("resp", "responder", "extendedKeyUsage = OCSPSigning\n")
        self.pki.issue("orv", "ocsp revoked", self.ocsp_ext())
        self.pki.revoke("orv")
        self.responder("resp")
        s = self.serve("orv")
        o = self.check(s, "--online")
        self.assertEqual(tw.causes(o), ["revoked"])
        self.assertEqual(o["causes"][0]["certainty"], "proven")
        self.assertIn("keyCompromise", o["causes"][0]["summary"])
        self.assertEqual(tw.causes(self.check(s)), [])  # without --online nobody was asked

    def test_ocsp_unreachable(self):
        ext = LEAF + "authorityInfoAccess = OCSP;URI:http://127.0.0.1:%d/\n" % free_port()
        self.pki.issue("ou", "ocsp unreachable", ext)
        s = self.serve("ou")
        soft = self.check(s, "--online")
        self.assertEqual((soft["outcome"], [w["id"] for w in soft["warnings"]
                                            if w["id"] == "revocation-unreachable"]),
                         ("ok", ["revocation-unreachable"]))
        hard = self.check(s, "--online", "--hard-fail")
        self.assertEqual(tw.causes(hard), ["revocation-unreachable"])
        self.assertEqual(hard["causes"][0]["side"], "network")

    def test_ocsp_refuses(self):
        self.pki.issue("ox", "ocsp wrong answer", LEAF + "authorityInfoAccess = OCSP;URI:%s\n"
                       % self.files.url("/none"))
        o = self.check(self.serve("ox"), "--online", "--hard-fail")
        self.assertEqual(tw.causes(o), ["revocation-unreachable"])

    # ---- CRL

    def test_crl(self):
        self.pki.issue("cg", "crl good", self.crl_ext("/1/ca.crl"))
        self.pki.issue("cr", "crl revoked", self.crl_ext("/3/ca.crl"))
        self.pki.revoke("cr", "superseded")
        crl = self.pki.crl()
        self.files.files.update({"/1/ca.crl": crl, "/2/ca.crl": crl,
                                 "/3/ca.crl": self.files.url("/2/ca.crl")})
        o = self.check(self.serve("cg"), "--online", "--hard-fail")
        self.assertEqual((o["outcome"], tw.causes(o)), ("ok", []))
        o = self.check(self.serve("cr"), "--online")
        self.assertEqual(tw.causes(o), ["revoked"])
        self.assertIn("superseded", o["causes"][0]["summary"])

    def test_crl_pem_expired(self):
        self.pki.issue("ce", "crl expired", self.crl_ext("/e.crl"))
        self.pki.crl("-crlsec", "1")
        self.files.files["/e.crl"] = (self.pki.dir / "crl.pem").read_bytes()
        s = self.serve("ce")
        later = (utcnow() + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        o = self.check(s, "--online", "--hard-fail", "--at", later)
        self.assertEqual(tw.causes(o), ["crl-expired"])
        self.assertEqual(o["causes"][0]["side"], "ca")
        o = self.check(s, "--online", "--at", later)
        self.assertEqual(o["outcome"], "ok")
        self.assertIn("crl-expired", [w["id"] for w in o["warnings"]])

    def test_redirects_are_bounded(self):
        self.pki.issue("rd", "redirects", self.crl_ext("/loop"))
        self.files.files["/loop"] = "/loop"
        o = self.check(self.serve("rd"), "--online", "--hard-fail")
        self.assertEqual(tw.causes(o), ["revocation-unreachable"])
        self.assertEqual(self.files.asked.count("/loop"), 4)  # the first, and three redirects
        self.assertIn("redirects", str(o["causes"][0]["evidence"]))

    def test_offline_asks_nobody(self):
        self.pki.issue("off", "offline", self.crl_ext("/off.crl"))
        self.check(self.serve("off"))
        self.assertEqual(self.files.asked, [])

    # ---- AIA

    def test_missing_intermediate_is_fetched(self):
        self.pki.issue("mid", "Test Intermediate", "basicConstraints = critical,CA:TRUE\n"
                       "keyUsage = critical,keyCertSign,cRLSign\n")
        self.pki.issue("deep", "deep", LEAF + "authorityInfoAccess = caIssuers;URI:%s\n"
                       % self.files.url("/mid.der"), ca="mid")
        self.files.files["/mid.der"] = self.pki.openssl("x509", "-in", "mid.pem", "-outform", "DER")
        s = self.serve("deep")
        o = self.check(s, "--online")
        self.assertEqual(tw.causes(o), ["chain-missing-intermediate"])
        self.assertEqual(o["causes"][0]["certainty"], "proven")
        self.assertEqual(self.check(s)["causes"][0]["certainty"], "likely")
        self.files.files["/mid.der"] = b"no certificate"
        self.assertEqual(self.check(s, "--online")["causes"][0]["certainty"], "likely")

    # ---- stapling by a real server

    def staple(self, name, *args):
        self.responder()
        self.pki.openssl("ocsp", "-issuer", "root.pem", "-cert", name + ".pem", "-url",
                         "http://127.0.0.1:%d/" % self.ocsp_port, "-respout", name + ".ocsp",
                         "-CAfile", "root.pem", *args)
        return self.pki.dir / (name + ".ocsp")

    def s_server(self, name, *args):
        port = free_port()
        self.start("openssl", "s_server", "-accept", port, "-cert", name + ".pem", "-key",
                   name + ".key", "-www", "-quiet", *args, port=port)
        return type("S", (), {"port": port})

    def test_staples(self):
        ext = LEAF + "tlsfeature = status_request\n"
        for name in ("st", "sx"):
            self.pki.issue(name, name, ext)
        self.staple("st")
        for version in ("-tls1_2", "-tls1_3"):
            s = self.s_server("st", "-status_file", "st.ocsp", version)
            o = self.check(s)
            self.assertEqual((o["outcome"], tw.causes(o)), ("ok", []), version)
            later = (utcnow() + datetime.timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.assertEqual(tw.causes(self.check(s, "--at", later)), ["ocsp-staple-invalid"])
        o = self.check(self.s_server("sx", "-status_file", "st.ocsp"))
        self.assertEqual(tw.causes(o), ["ocsp-staple-invalid"])
        o = self.check(self.s_server("sx"))
        self.assertEqual(tw.causes(o), ["ocsp-must-staple-missing"])
        self.assertIn("no staple either", str(o["causes"][0]["evidence"]))

    # ---- clocks

    def faked(self, server, shift, *args):
        """The release build under another clock; the sanitizers do not bear the preload."""
        if not shutil.which("faketime"):
            self.skipTest("faketime is not installed")
        p = subprocess.run(["faketime", "-f", shift, str(tw.TLSWHY_RELEASE), "check", "--json",
                            "--ca", str(self.pki.root), "-4", *TIMEOUT, *args,
                            "localhost:%d" % server.port], capture_output=True, timeout=60,
                           env={"FAKETIME_DONT_FAKE_MONOTONIC": "1", "PATH": "/usr/bin:/bin"})
        return __import__("json").loads(p.stdout)

    def test_client_clock_behind(self):
        self.pki.issue("ck", "clock", LEAF)
        s = self.serve("ck", date=http_date(utcnow()))
        o = self.faked(s, "-400d")
        self.assertEqual(tw.causes(o)[0], "clock-skew-client")
        self.assertEqual(o["causes"][0]["certainty"], "likely")
        without = self.faked(self.serve("ck"), "-400d")
        self.assertEqual(tw.causes(without)[0], "cert-not-yet-valid")

    def chronyd(self):
        if not shutil.which("chronyd"):
            self.skipTest("chrony is not installed")
        port = free_port(socket.SOCK_DGRAM)
        (self.pki.dir / "chrony.conf").write_text(
            "local stratum 8\nallow 127.0.0.1\nbindaddress 127.0.0.1\ncmdport 0\n"
            "bindcmdaddress /\nport %d\npidfile %s/chronyd.pid\n" % (port, self.pki.dir))
        p = self.start("chronyd", "-d", "-x", "-u", "root", "-f", "chrony.conf", port=None)
        for _ in range(100):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
                u.settimeout(0.3)
                u.connect(("127.0.0.1", port))
                try:
                    u.send(b"\x23" + b"\0" * 47)
                    if len(u.recv(100)) >= 48:
                        return port
                except OSError:
                    time.sleep(0.1)
            if p.poll() is not None:
                break
        self.skipTest("chronyd does not start here")

    def test_time_server_decides(self):
        port = self.chronyd()
        self.pki.issue("ck2", "clock", LEAF)
        s = self.serve("ck2", date=http_date(utcnow()))
        sntp = ("--sntp", "127.0.0.1:%d" % port)
        o = self.faked(s, "-400d", *sntp)
        self.assertEqual((tw.causes(o)[0], o["causes"][0]["certainty"]),
                         ("clock-skew-client", "proven"))
        o = self.check(s, *sntp)
        self.assertEqual((o["outcome"], [w["id"] for w in o["warnings"]
                                         if w["id"].startswith("clock")]), ("ok", []))
        old = self.serve("ck2", date=http_date(utcnow() - datetime.timedelta(days=3)))
        o = self.check(old, *sntp)
        skew = [w for w in o["warnings"] if w["id"] == "clock-skew-server"]
        self.assertEqual((len(skew), skew[0]["certainty"]), (1, "proven"))

    def test_expired_and_the_server_agrees(self):
        self.pki.issue("ex", "expired", LEAF)
        s = self.serve("ex", date=http_date(utcnow() + datetime.timedelta(days=90)))
        o = self.faked(s, "+90d")
        self.assertEqual((tw.causes(o)[0], o["causes"][0]["certainty"]),
                         ("cert-expired", "proven"))
        told = [n for n in o["causes"][0]["not"] if n["id"] == "clock-skew-client"]
        self.assertIn("excluded", told[0]["because"])

    # ---- DANE

    def dns(self, records, port=None):
        if not shutil.which("dnsmasq"):
            self.skipTest("dnsmasq is not installed")
        port = free_port(socket.SOCK_DGRAM)
        self.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", "--port=%d" % port, "--listen-address=127.0.0.1",
                   "--bind-interfaces", "--pid-file=", "--user=root", "--group=root",
                   "--address=/dane.test/127.0.0.1", *records, port=port)
        return ("--resolver", "127.0.0.1:%d" % port)

    def tlsa(self, name, usage, selector, data, port):
        return "--dns-rr=_%d._tcp.dane.test,52,%02x%02x01%s" % (port, usage, selector, data)

    def spki_sha256(self, name):
        pub = self.pki.openssl("x509", "-in", name + ".pem", "-noout", "-pubkey")
        der = self.pki.openssl("pkey", "-pubin", "-outform", "DER", input=pub)
        return __import__("hashlib").sha256(der).hexdigest()

    def test_dane(self):
        ext = LEAF.replace("DNS:localhost", "DNS:dane.test")
        self.pki.issue("dn", "dane", ext)
        s = self.serve("dn")
        target = ["--ca", self.pki.root, "dane.test:%d" % s.port, "-4", *TIMEOUT, "--dane"]
        good = self.spki_sha256("dn")
        dns = self.dns([self.tlsa("dn", 3, 1, good, s.port)])
        o = tw.check(*target, *dns)
        self.assertEqual((o["outcome"], [w["id"] for w in o["warnings"] if "dane" in w["id"]]),
                         ("ok", []))
        dns = self.dns([self.tlsa("dn", 3, 1, "00" * 32, s.port)])
        o = tw.check(*target, *dns)
        wrong = [w for w in o["warnings"] if w["id"] == "dane-tlsa-mismatch"]
        # dnsmasq does not validate: without AD the records bind nobody
        self.assertEqual((o["outcome"], len(wrong), wrong[0]["certainty"]), ("ok", 1, "likely"))
        self.assertIn("does not say", str(wrong[0]["evidence"]))
        dns = self.dns([self.tlsa("dn", 3, 1, "00" * 32, s.port),
                        self.tlsa("dn", 2, 0, "11" * 32, s.port),
                        self.tlsa("dn", 3, 1, good, s.port)])
        o = tw.check(*target, *dns)
        self.assertEqual([w["id"] for w in o["warnings"] if "dane" in w["id"]], [])

    def signed_zone(self, records):
        """nsd with a signed zone, behind a validating dnsmasq that trusts its key."""
        for program, package in (("nsd", "nsd"), ("ldns-signzone", "ldnsutils"),
                                 ("dnsmasq", "dnsmasq-base")):
            if not shutil.which(program):
                self.skipTest("%s is not installed" % package)
        top = tempfile.mkdtemp(dir=self.pki.dir)
        zone, port, front = pathlib.Path(top, "zone"), free_port(), free_port()
        zone.write_text("$ORIGIN dane.test.\n$TTL 60\n@ IN SOA ns root 1 3600 600 86400 60\n"
                        "@ IN NS ns\nns IN A 127.0.0.1\n@ IN A 127.0.0.1\n" + records)
        run = lambda *a: subprocess.run(a, cwd=top, check=True, capture_output=True, text=True)
        key = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "dane.test").stdout.strip()
        run("ldns-signzone", "-o", "dane.test", "zone", key)
        ds = pathlib.Path(top, key + ".ds").read_text().split()[3:7]
        pathlib.Path(top, "nsd.conf").write_text(
            'server:\n ip-address: 127.0.0.1\n port: %d\n username: ""\n zonesdir: "%s"\n'
            ' pidfile: "%s/pid"\n database: ""\n xfrdfile: "%s/x"\n xfrdir: "%s"\n'
            'remote-control:\n control-enable: no\nzone:\n name: dane.test\n'
            ' zonefile: zone.signed\n' % (port, top, top, top, top))
        self.start("nsd", "-d", "-c", top + "/nsd.conf", port=port)
        # dnsmasq wants an anchor for the root too; nothing below it is asked for
        root = "20326,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
        self.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", "--port=%d" % front, "--listen-address=127.0.0.1",
                   "--bind-interfaces", "--pid-file=", "--user=root", "--group=root", "--dnssec",
                   "--trust-anchor=.," + root, "--trust-anchor=dane.test," + ",".join(ds),
                   "--server=127.0.0.1#%d" % port, port=front)
        return ("--resolver", "127.0.0.1:%d" % front)

    def test_dane_with_dnssec(self):
        self.pki.issue("ds", "dane", LEAF.replace("DNS:localhost", "DNS:dane.test"))
        s = self.serve("ds")
        target = ["--ca", self.pki.root, "dane.test:%d" % s.port, "-4", *TIMEOUT, "--dane"]
        record = "_%d._tcp IN TLSA 3 1 1 %%s\n" % s.port
        o = tw.check(*target, *self.signed_zone(record % self.spki_sha256("ds")))
        self.assertEqual((o["outcome"], tw.causes(o)), ("ok", []))
        o = tw.check(*target, *self.signed_zone(record % ("00" * 32)))
        self.assertEqual((tw.causes(o), o["causes"][0]["certainty"]),
                         (["dane-tlsa-mismatch"], "proven"))

    # ---- options

    def test_bad_options(self):
        bad = self.pki.dir / "bad.json"
        bad.write_text("{\"operators\":[]}")
        for args in (["--ct-log-list", "/nonexistent"], ["--ct-log-list", bad],
                     ["--resolver", "name.example"], ["--resolver", "127.0.0.1:99999"],
                     ["--sntp", "a:b"], ["--sntp", ""]):
            r = tw.tlswhy("check", *args, "localhost:1")
            self.assertEqual((r.status, r.out), (2, ""), args)
            self.assertTrue(r.err.startswith("tlswhy: "), r.err)


if __name__ == "__main__":
    unittest.main()
