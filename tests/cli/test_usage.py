"""Help, version, and what is refused: one clear line on stderr, nothing on stdout, exit status 2."""
import os
import re
import subprocess
import tempfile
import unittest

import cliparts
import tw

COMMANDS = ["check", "pcap", "explain", "replay", "lab", "causes", "stores"]


class Help(unittest.TestCase):
    def test_help_everywhere(self):
        for args in [["--help"], ["-h"], ["help"]] + [[c, "--help"] for c in COMMANDS] + \
                    [["help", c] for c in COMMANDS] + [[c, "-h"] for c in COMMANDS]:
            with self.subTest(args=args):
                r = tw.tlswhy(*args)
                self.assertEqual((r.status, r.err), (0, ""))
                self.assertTrue(r.out.startswith("usage: tlswhy "), r.out)
                self.assertLessEqual(max(map(len, r.out.splitlines())), 100)

    def test_general_help_names_every_command_and_the_exit_statuses(self):
        out = tw.tlswhy("--help").out
        for word in COMMANDS + ["Exit status", "130", "--version", "--servername", "--json"]:
            self.assertIn(word, out)
        self.assertNotIn("completions", out)

    def test_every_option_has_help(self):
        for c in COMMANDS:
            for line in tw.tlswhy(c, "--help").out.splitlines():
                if re.match(r"  (-| +--)", line):
                    self.assertRegex(line, r"^  (-\w,|   |-\w ) *(--)?[\w-]*( \S+)? +\S.*", line)
                    self.assertGreater(len(line[30:].strip()), 5, line)

    def test_version(self):
        for args in (["--version"], ["version"], ["-V"]):
            r = tw.tlswhy(*args)
            self.assertEqual((r.status, r.err), (0, ""))
            self.assertRegex(r.out, r"^tlswhy \d+\.\d+\.\d+ \(OpenSSL \d.*\)\n$")

    def test_help_of_no_command(self):
        r = tw.tlswhy("help", "frobnicate")
        self.assertEqual((r.status, r.out), (2, ""))


class Refused(unittest.TestCase):
    def refused(self, *args, say="", **kw):
        """One line on stderr, with say in it; nothing on stdout; exit status 2."""
        r = tw.tlswhy(*args, **kw)
        note = "%s: status %d, stdout %r, stderr %r" % (args, r.status, r.out, r.err)
        self.assertEqual((r.status, r.out), (2, ""), note)
        self.assertEqual(r.err.count("\n"), 1, note)
        self.assertTrue(r.err.startswith("tlswhy: "), note)
        self.assertIn(say, r.err, note)
        self.assertLess(len(r.err), 600, note)

    def test_nothing_to_do(self):
        self.refused(say="a target is needed")
        self.refused("check", say="a target is needed")
        self.refused("--json", say="a target is needed")
        self.refused("replay", say="trace file")

    def test_unknown_options(self):
        self.refused("--frobnicate", "localhost", say="--frobnicate: no such option")
        self.refused("-x", "localhost", say="-x: no such option")
        self.refused("-vx", "localhost", say="-vx: no such option")
        self.refused("lab", "--servername", "x", say="--servername: no such option")
        self.refused("causes", "--timeout", "1", say="--timeout")
        self.refused("check", "--diagnose", "localhost", say="--diagnose")
        self.refused("--" + "x" * 3000, "localhost", say="no such option")

    def test_missing_and_needless_values(self):
        for option in ("--servername", "-s", "--verify-name", "--connect", "--starttls", "--proxy", "--ca", "--cert", "--key",
                       "--pass", "--alpn", "--min-version", "--max-version", "--ciphers",
                       "--groups", "--sigalgs", "--at", "--timeout", "--max-connections",
                       "--save-trace", "--color"):
            with self.subTest(option=option):
                self.refused("localhost", option, say="%s needs a value" % option)
        for option in ("--json", "--no-sni", "--verbose", "--quiet", "--help"):
            with self.subTest(option=option):
                self.refused("localhost", option + "=yes", say="%s takes no value" % option)

    def test_values_that_cannot_be(self):
        for option, value, say in [
                ("--min-version", "1.4", "1.4"), ("--max-version", "", "1.3"),
                ("--min-version", "SSLv3", "1.0"),
                ("--ciphers", "NO_SUCH_SUITE", "NO_SUCH_SUITE"), ("--ciphers", "", "empty"),
                ("--ciphers", "0x12345", "0x12345"), ("--ciphers", "x" * 5000, "not known"),
                ("--ciphers", ":".join("0x%04x" % i for i in range(1, 2000)), "too many"),
                ("--groups", "p257", "p257"), ("--groups", "x25519,nonsense", "nonsense"),
                ("--sigalgs", "rsa_md2", "rsa_md2"),
                ("--at", "yesterday-ish", "is no time"), ("--at", "2026-13-45", "is no time"),
                ("--timeout", "soon", "soon"), ("--timeout", "-3", "-3"), ("--timeout", "0", "0"),
                ("--timeout", "nan", "nan"), ("--timeout", "1e9", "1e9"), ("--timeout", "1x", "1x"),
                ("--max-connections", "0", "0"), ("--max-connections", "1000", "1000"),
                ("--max-connections", "two", "two"),
                ("--alpn", "h2,,http/1.1", "ALPN"), ("--alpn", "x" * 300, "ALPN"),
                ("--servername", "", "name"), ("--verify-name", "", "name"),
                ("--servername", "x" * 300, "x"), ("--color", "blue", "blue"),
                ("--starttls", "telepathy", "telepathy"), ("--starttls", "", "''"),
                ("--proxy", "gopher://x", "gopher"), ("--proxy", "http://x:0", "port"),
                ("--proxy", "", "proxy"),
                ("--connect", "nowhere:99999", "port"), ("--connect", "", "host")]:
            with self.subTest(option=option, value=value[:40]):
                self.refused(option, value, "localhost:1", say=say)

    def test_options_that_exclude_each_other(self):
        self.refused("--min-version", "1.3", "--max-version", "1.2", "localhost:1", say="--min-version")
        self.refused("--no-sni", "-s", "x.example", "localhost:1", say="--no-sni")
        self.refused("-4", "[::1]:1", say="IPv6")
        self.refused("-6", "127.0.0.1:1", say="IPv4")
        self.refused("-6", "--connect", "127.0.0.1:1", "localhost", say="--connect")
        self.refused("--save-trace", os.devnull, "localhost:1", "localhost:2", say="one target")
        self.refused("--save-trace", os.devnull, "-", say="one target", input=b"localhost:1\n")

    def test_targets_that_cannot_be(self):
        for target, say in [("localhost:0", "port"), ("localhost:65536", "port"),
                            ("localhost:https", "port"), ("localhost:", "port"),
                            ("[::1:443", "']'"), ("[::1]x", "]"), ("http://localhost/", "http://"),
                            ("gopher://localhost/", "scheme"), ("://x", "scheme"),
                            ("https://", "host name"), ("a b:443", "character"),
                            ("x" * 64 + ".example:443", ""), ("y" * 1500, "long"),
                            ("h\u00e4\u0000".strip("\0") + "\u202e.example:1", "")]:
            with self.subTest(target=target[:40]):
                self.refused(target, say=say)
                self.refused("--json", target, say=say)

    def test_a_bad_target_among_good_ones_is_told_before_anything_is_shown(self):
        self.refused("localhost:1", "localhost:2", "localhost:0", say="localhost:0")

    def test_an_empty_argument(self):
        self.refused("", say="empty")
        self.refused("localhost:1", "", say="empty")


class BadFiles(Refused):
    def setUp(self):
        d = tempfile.TemporaryDirectory()
        self.addCleanup(d.cleanup)
        self.dir = d.name
        self.key, self.cert = cliparts.self_signed(self.dir, "client", "client.test")
        self.junk = os.path.join(self.dir, "junk")
        with open(self.junk, "wb") as f:
            f.write(b"\x00\xff junk, and no certificate\n" * 40)
        self.empty = os.path.join(self.dir, "empty")
        open(self.empty, "w").close()
        self.absent = os.path.join(self.dir, "absent")
        self.torn = os.path.join(self.dir, "torn.pem")
        with open(self.torn, "w") as f:
            f.write(open(self.cert).read()[:300] + "\n-----END CERTIFICATE-----\n")

    def test_ca(self):
        for path in (self.absent, self.junk, self.empty, self.torn):
            with self.subTest(path=path):
                self.refused("--ca", path, "localhost:1", say=path)
        os.mkdir(os.path.join(self.dir, "none"))
        self.refused("--ca", os.path.join(self.dir, "none"), "localhost:1", say="no certificate")

    def test_cert_and_key(self):
        for path in (self.absent, self.junk, self.empty, self.torn, self.dir):
            with self.subTest(path=path):
                self.refused("--cert", path, "--key", self.key, "localhost:1", say=path)
                self.refused("--cert", self.cert, "--key", path, "localhost:1", say=path)
        self.refused("--cert", self.cert, "localhost:1", say="no private key")
        self.refused("--key", self.key, "localhost:1", say="--cert")
        other, _ = cliparts.self_signed(self.dir, "other", "other.test")
        self.refused("--cert", self.cert, "--key", other, "localhost:1", say=self.cert)

    def test_passwords(self):
        p12 = os.path.join(self.dir, "c.p12")
        cliparts.openssl("pkcs12", "-export", "-in", self.cert, "-inkey", self.key, "-out", p12,
                         "-passout", "pass:right")
        self.refused("--cert", p12, "--pass", "wrong", "localhost:1", say=p12)
        self.refused("--cert", p12, "localhost:1", say=p12)
        locked = os.path.join(self.dir, "locked.key")
        cliparts.openssl("pkey", "-in", self.key, "-aes128", "-passout", "pass:right", "-out", locked)
        self.refused("--cert", self.cert, "--key", locked, "--pass", "wrong", "localhost:1")
        self.refused("--cert", self.cert, "--key", locked, "localhost:1", input=b"")

    def test_replay(self):
        self.refused("replay", self.absent, say=self.absent)
        self.refused("replay", self.dir, say=self.dir)
        self.refused("replay", self.junk, say="line 1")
        self.refused("replay", self.empty, say=self.empty)
        self.refused("replay", "-", input=b"{}\n", say="line 1")
        self.refused("replay", self.junk, self.junk, say="one trace file")

    def test_save_trace_is_told_before_anything_is_shown(self):
        self.refused("--save-trace", os.path.join(self.absent, "t"), "localhost:1",
                     say="--save-trace")
        self.refused("--save-trace", self.dir, "localhost:1", say="--save-trace")

    def test_lab_and_causes(self):
        self.refused("lab", "no-such-fault", say="no-such-fault")
        self.refused("lab", "--write-ca", os.path.join(self.absent, "ca"), "healthy", "--list",
                     say="--write-ca")
        self.refused("lab", "--port", "x", say="--port")
        self.refused("causes", "no-such-cause", say="no-such-cause")
        self.refused("causes", "cert-expired", "dns-failure", say="one id")
        self.refused("completions", "tcsh", say="bash")

    def test_output_that_cannot_be_written(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            p = subprocess.run([str(tw.TLSWHY), "--json", "localhost:1"], stdout=full,
                               stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, 3)
        self.assertIn(b"standard output", p.stderr)


if __name__ == "__main__":
    unittest.main()
