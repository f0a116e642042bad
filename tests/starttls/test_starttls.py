"""TLS behind STARTTLS and through proxies, with real servers: healthy ones, and ones that refuse."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import unittest

import daemons
from tw import causes, check, tlswhy


def make_certificate(d):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", d / "key.pem",
                    "-out", d / "cert.pem"], check=True, capture_output=True)
    os.chmod(d / "key.pem", 0o644)
    return d / "cert.pem", d / "key.pem"


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dirs = []
        cls.cert, cls.key = make_certificate(cls.dir())

    @classmethod
    def tearDownClass(cls):
        for d in cls.dirs:
            shutil.rmtree(d, ignore_errors=True)

    @classmethod
    def dir(cls):
        cls.dirs.append(daemons.scratch())
        return cls.dirs[-1]

    def need(self, program):
        if daemons.which(program) is None:
            self.skipTest("%s is not installed" % program)

    def up(self, daemon, seconds=30):
        self.addCleanup(daemon.stop)
        return daemon.wait(seconds)

    def ask(self, protocol, port, *more):
        return check("--ca", self.cert, *more, "%s://localhost:%d" % (protocol, port))

    def healthy(self, protocol, port, *more):
        obj = self.ask(protocol, port, *more)
        self.assertEqual((obj["outcome"], causes(obj)), ("ok", []), obj)
        self.assertEqual(obj["target"]["starttls"], protocol)
        self.assertIn(obj["handshake"]["version"], ("TLS 1.2", "TLS 1.3"))
        return obj

    def fails(self, cause, protocol, port, at="starttls", side=None):
        obj = self.ask(protocol, port)
        self.assertEqual((causes(obj)[:1], obj["failed_at"]), ([cause], at), obj)
        self.assertEqual(obj["causes"][0]["certainty"], "proven")
        if side:
            self.assertEqual(obj["causes"][0]["side"], side)
        return obj


class Mail(Base):
    def test_dovecot(self):
        self.need("dovecot")
        ports = {"imap": daemons.free_port(), "pop3": daemons.free_port()}
        self.up(daemons.dovecot(self.dir(), ports, self.cert, self.key))
        for protocol, port in ports.items():
            with self.subTest(protocol):
                self.healthy(protocol, port)

    def test_dovecot_without_tls(self):
        self.need("dovecot")
        ports = {"imap": daemons.free_port(), "pop3": daemons.free_port()}
        self.up(daemons.dovecot(self.dir(), ports, None, None))
        for protocol, port in ports.items():
            with self.subTest(protocol):
                self.fails("starttls-not-offered", protocol, port, side="server")

    def test_imap_on_a_port_of_pop3(self):
        self.need("dovecot")
        ports = {"pop3": daemons.free_port()}
        self.up(daemons.dovecot(self.dir(), ports, self.cert, self.key))
        self.fails("wrong-service-on-port", "imap", ports["pop3"])

    def test_postfix(self):
        self.need("postfix")
        if os.getuid() != 0:
            self.skipTest("Postfix starts as root only")
        port = daemons.free_port()
        self.up(daemons.postfix(self.dir(), port, self.cert, self.key))
        self.healthy("smtp", port)

    def test_postfix_without_tls(self):
        self.need("postfix")
        if os.getuid() != 0:
            self.skipTest("Postfix starts as root only")
        port = daemons.free_port()
        self.up(daemons.postfix(self.dir(), port, None, None))
        obj = self.fails("starttls-not-offered", "smtp", port)
        self.assertEqual(obj["causes"][0]["fix"][0]["for"], "Postfix")

    def test_ftp(self):
        self.need("vsftpd")
        if os.getuid() != 0:
            self.skipTest("vsftpd starts as root only")
        port = daemons.free_port()
        self.up(daemons.vsftpd(self.dir(), port, self.cert, self.key))
        self.healthy("ftp", port)

    def test_ftp_without_tls(self):
        self.need("vsftpd")
        if os.getuid() != 0:
            self.skipTest("vsftpd starts as root only")
        port = daemons.free_port()
        self.up(daemons.vsftpd(self.dir(), port, None, None))
        self.fails("starttls-not-offered", "ftp", port)


class Directory(Base):
    def test_ldap(self):
        self.need("slapd")
        port = daemons.free_port()
        self.up(daemons.slapd(self.dir(), port, self.cert, self.key))
        self.healthy("ldap", port)

    def test_ldap_without_tls(self):
        self.need("slapd")
        port = daemons.free_port()
        self.up(daemons.slapd(self.dir(), port, None, None))
        self.fails("starttls-not-offered", "ldap", port)

    def test_xmpp(self):
        self.need("prosody")
        port = daemons.free_port()
        self.up(daemons.prosody(self.dir(), port, self.cert, self.key))
        self.healthy("xmpp", port)

    def test_xmpp_without_tls(self):
        self.need("prosody")
        port = daemons.free_port()
        self.up(daemons.prosody(self.dir(), port, None, None))
        self.fails("starttls-not-offered", "xmpp", port)


class Databases(Base):
    def need_postgres(self):
        if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")):
            self.skipTest("PostgreSQL is not installed")

    def test_postgres(self):
        self.need_postgres()
        port = daemons.free_port()
        self.up(daemons.postgres(self.dir(), port, self.cert, self.key))
        self.healthy("postgres", port)

    def test_postgres_without_tls(self):
        self.need_postgres()
        port = daemons.free_port()
        self.up(daemons.postgres(self.dir(), port, None, None))
        self.fails("db-tls-disabled", "postgres", port, side="server")

    def test_mariadb(self):
        self.need("mariadbd")
        port = daemons.free_port()
        self.up(daemons.mariadb(self.dir(), port, self.cert, self.key))
        self.healthy("mysql", port)

    def test_mariadb_without_tls(self):
        self.need("mariadbd")
        port = daemons.free_port()
        self.up(daemons.mariadb(self.dir(), port, None, None))
        self.fails("db-tls-disabled", "mysql", port)


class ImplicitTls(Base):
    def test_smtp_upgrade_on_a_port_with_implicit_tls(self):
        d, port = self.dir(), daemons.free_port()
        self.up(daemons.Daemon(["openssl", "s_server", "-accept", str(port), "-cert", self.cert,
                                "-key", self.key, "-quiet"], port, d))
        obj = check("--ca", self.cert, "--timeout", "4", "smtp://localhost:%d" % port)
        self.assertEqual((causes(obj)[:1], obj["failed_at"]), (["implicit-tls-needed"], "starttls"))
        direct = check("--ca", self.cert, "smtps://localhost:%d" % port)
        self.assertEqual(direct["outcome"], "ok")

    def test_starttls_none_wins_over_the_scheme(self):
        d, port = self.dir(), daemons.free_port()
        self.up(daemons.Daemon(["openssl", "s_server", "-accept", str(port), "-cert", self.cert,
                                "-key", self.key, "-quiet"], port, d))
        obj = check("--ca", self.cert, "--starttls", "none", "smtp://localhost:%d" % port)
        self.assertEqual((obj["outcome"], obj["target"]["starttls"]), ("ok", None))


@contextlib.contextmanager
def closing_server():
    """Accepts and closes without a word."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(16)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    s.accept()[0].close()
        threading.Thread(target=serve, daemon=True).start()
        yield s.getsockname()[1]
        s.shutdown(socket.SHUT_RDWR)


class Silence(Base):
    def test_closed_without_a_greeting(self):
        with closing_server() as port:
            self.fails("reset-before-hello", "smtp", port)


class Proxies(Base):
    def target(self):
        d, port = self.dir(), daemons.free_port()
        self.up(daemons.Daemon(["openssl", "s_server", "-accept", str(port), "-cert", self.cert,
                                "-key", self.key, "-www"], port, d))
        return port

    def test_squid(self):
        self.need("squid")
        target, port = self.target(), daemons.free_port()
        self.up(daemons.squid(self.dir(), port, [target]))
        obj = check("--ca", self.cert, "--proxy", "http://127.0.0.1:%d" % port,
                    "localhost:%d" % target)
        self.assertEqual((obj["outcome"], causes(obj)), ("ok", []), obj)

    def test_squid_forbids_the_port(self):
        self.need("squid")
        target, port = self.target(), daemons.free_port()
        self.up(daemons.squid(self.dir(), port, []))
        obj = check("--ca", self.cert, "--proxy", "127.0.0.1:%d" % port, "localhost:%d" % target)
        self.assertEqual((causes(obj)[:1], obj["failed_at"]), (["proxy-connect-refused"], "proxy"))
        self.assertIn("403", obj["causes"][0]["summary"])

    def test_squid_with_password(self):
        self.need("squid")
        target, port = self.target(), daemons.free_port()
        self.up(daemons.squid(self.dir(), port, [target], ("anna", "secret")))
        for who, want in (("anna:secret@", "ok"), ("anna:wrong@", "fail"), ("", "fail")):
            with self.subTest(who):
                obj = check("--ca", self.cert, "--proxy", "http://%s127.0.0.1:%d" % (who, port),
                            "localhost:%d" % target)
                self.assertEqual(obj["outcome"], want, obj)
                if want == "fail":
                    self.assertEqual(causes(obj)[0], "proxy-connect-refused")
                    self.assertEqual(obj["causes"][0]["side"], "client")
        r = tlswhy("-v", "--ca", self.cert, "--proxy", "http://anna:secret@127.0.0.1:%d" % port,
                   "localhost:%d" % target)
        self.assertNotIn("secret", r.out + r.err)

    def test_plain_request_to_a_proxy_with_tls(self):
        target, other = self.target(), self.target()
        obj = check("--ca", self.cert, "--timeout", "4", "--proxy", "http://127.0.0.1:%d" % other,
                    "localhost:%d" % target)
        self.assertEqual(causes(obj)[:1], ["proxy-scheme-mismatch"], obj)

    def test_dante(self):
        self.need("danted")
        if os.getuid() != 0:
            self.skipTest("Dante starts as root only")
        target, port = self.target(), daemons.free_port()
        self.up(daemons.dante(self.dir(), port))
        obj = check("--ca", self.cert, "--proxy", "socks5://127.0.0.1:%d" % port,
                    "localhost:%d" % target)
        self.assertEqual((obj["outcome"], causes(obj)), ("ok", []), obj)
        closed = daemons.free_port()
        obj = check("--ca", self.cert, "--proxy", "socks5://127.0.0.1:%d" % port,
                    "localhost:%d" % closed)
        self.assertEqual(causes(obj)[:1], ["proxy-connect-refused"], obj)


if __name__ == "__main__":
    unittest.main()
