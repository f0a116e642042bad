"""Real clients: their ClientHellos as the program sends them, and what real servers make of them."""
import importlib.machinery
import importlib.util
import json
import re
import subprocess
import unittest

import cliparts
import pki
import servers
import tw

DEFS = tw.TOP / "src/wire/clients"
RSA = "ECDHE-RSA-AES128-GCM-SHA256"


def script():
    loader = importlib.machinery.SourceFileLoader("capture_clients",
                                                  str(tw.TOP / "script/capture-clients"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


CAPTURE = script()


def rows():
    """Name -> (title, the members of the row that describe the bytes)."""
    found = {}
    for path in (DEFS / "captured.def", DEFS / "published.def"):
        for text in re.findall(r"^CLIENT\(\n(.*?)^\)$", path.read_text(), re.M | re.S):
            name, title = re.search(r'\.name = "(.*?)", \.title = "(.*?)"', text).groups()
            found[name] = title, text[text.index("    .record_version"):].rstrip("\n")
    return found


def sent_by(*options):
    """Structure of the first flight of `tlswhy check options` for a host name."""
    recorder = CAPTURE.Recorder()
    p = subprocess.Popen([str(tw.TLSWHY), "check", "--max-connections", "1", "--timeout", "2",
                          "--connect", "127.0.0.1:%d" % recorder.port, *options, CAPTURE.HOST],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    recorder.thread.join(20)
    p.wait(20)
    recorder.close()
    return CAPTURE.parse(recorder.flight)


def listed():
    return tw.tlswhy("clients", "--json").objects()


def table(server, *options):
    """The report on a server, with the CA that made its certificate."""
    return cliparts.report(pki.NAME, "--connect", "127.0.0.1:%d" % server.port,
                           "--ca", pki.shared().root.cert, *options)


class Profiles(unittest.TestCase):
    def test_all_rows_are_listed_with_date_and_source(self):
        objects = listed()
        self.assertEqual([o["client"] for o in objects], list(rows()))
        self.assertGreater(len(objects), 40)
        for o in objects:
            with self.subTest(client=o["client"]):
                self.assertRegex(o["date"], r"^20\d\d-\d\d-\d\d$")
                self.assertTrue(o["source"])

    def test_what_is_sent_is_what_the_row_says(self):
        for name, (_, text) in rows().items():
            with self.subTest(client=name):
                p = sent_by("--as", name)
                if 43 not in p["extensions"]: # the lowest version is not on the wire
                    p["versions"] = [int(v, 16) for v in
                                     re.search(r"\.versions = U16S\((.*?)\)", text).group(1).split(",")]
                self.assertEqual(CAPTURE.structure_text(p), text)

    def test_installed_programs_still_send_their_row(self):
        known, compared = rows(), 0
        for name, title, p in CAPTURE.captured(("openssl-3.0", "gnutls-3.7", "python-3.11",
                                                "curl-7.88", "wget-1.21")):
            if name not in known or known[name][0] != title:
                continue # another release than the one that was captured
            compared += 1
            with self.subTest(client=name):
                self.assertEqual(CAPTURE.structure_text(p), known[name][1])
        if compared == 0:
            self.skipTest("none of the captured releases is installed")

    def test_options_still_count(self):
        p = sent_by("--as", "openssl-3.0", "--max-version", "1.2", "--groups", "secp384r1",
                    "--alpn", "")
        self.assertEqual((p["legacy_version"], p["groups"], p["shares"]), (0x0303, [0x18], []))
        self.assertNotIn(43, p["extensions"])
        self.assertFalse([c for c in p["ciphers"] if c >> 8 == 0x13])
        p = sent_by("--as", "android-2.3", "--max-version", "1.2")
        self.assertEqual((p["legacy_version"], p["record_version"]), (0x0301, 0x0301))


class Usage(unittest.TestCase):
    def test_unknown_client(self):
        for name in ("java-99", "", "JAVA-8", "list of all"):
            r = tw.tlswhy("check", "--as", name, "localhost:1")
            with self.subTest(name=name):
                self.assertEqual((r.status, r.out), (2, ""))
                self.assertIn("java-8", r.err)
                self.assertIn("openssl-1.0.2", r.err)
                self.assertEqual(r.err.count("\n"), 1)

    def test_versions_that_the_client_has_not(self):
        r = tw.tlswhy("check", "--as", "android-2.3", "--min-version", "1.2", "localhost:1")
        self.assertEqual((r.status, r.out), (2, ""))
        self.assertIn("Android 2.3.7", r.err)

    def test_clients_takes_no_argument(self):
        self.assertEqual(tw.tlswhy("clients", "x").status, 2)
        r = tw.tlswhy("clients")
        self.assertEqual(r.status, 0)
        self.assertEqual(len(r.out.splitlines()), len(listed()))


class AgainstServers(unittest.TestCase):
    """One server each; what is expected of a client follows from what it is known to offer."""

    def against(self, server_options, *options, kind="rsa"):
        with servers.openssl(pki.shared().leaf(kind), *server_options) as s:
            return table(s, *options)

    def clients(self, *server_options, options=()):
        o, run = self.against(server_options, "--clients", *options)
        return {c["client"]: c for c in o["clients"]}, o, run

    def assert_fails(self, found, name, cause):
        self.assertIs(found[name]["works"], False, found[name])
        self.assertEqual(found[name]["cause"], cause, found[name])
        self.assertTrue(found[name]["why"])

    def test_tls13_only(self):
        found, o, _ = self.clients("-tls1_3")
        for name in ("openssl-3.0", "java-17", "android-10", "openssl-1.1.1"):
            self.assertEqual((found[name]["works"], found[name]["version"]), (True, "TLS 1.3"), name)
        for name in ("android-2.3", "java-7", "openssl-0.9.8"):
            self.assert_fails(found, name, "version-client-too-old")
        for name in ("java-8", "android-4.4", "openssl-1.0.2", "ie-11-win7"):
            self.assertIs(found[name]["works"], False, name)
            self.assertRegex(found[name]["cause"], "^version-", name)
        self.assertEqual(o["outcome"], "ok")

    def test_one_modern_suite_of_tls12(self):
        found, _, _ = self.clients("-tls1_2", "-cipher", RSA)
        for name in ("java-8", "android-4.4", "openssl-1.0.2", "openssl-3.0", "safari-9-ios"):
            self.assertEqual((found[name]["works"], found[name]["cipher"]),
                             (True, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), name)
        self.assert_fails(found, "ie-11-win7", "cipher-no-overlap")
        self.assert_fails(found, "safari-7-ios", "cipher-no-overlap")
        self.assert_fails(found, "java-7", "version-client-too-old")

    def test_only_chacha(self):
        found, _, _ = self.clients("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305")
        for name in ("openssl-1.1.0", "openssl-3.0", "go-1.26", "android-8"):
            self.assertIs(found[name]["works"], True, found[name])
        for name in ("java-8", "openssl-1.0.2", "android-4.4", "ie-11-win10"):
            self.assert_fails(found, name, "cipher-no-overlap")

    def test_as_one_client(self):
        o, run = self.against(("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"), "--as",
                              "java-8")
        self.assertEqual((run.status, tw.causes(o)[0]), (1, "cipher-no-overlap"))
        o, run = self.against(("-tls1_2",), "--as", "java-7")
        self.assertEqual((run.status, tw.causes(o)[0]), (1, "version-client-too-old"))
        o, run = self.against((), "--as", "openssl-1.0.2")
        self.assertEqual((run.status, o["handshake"]["version"]), (0, "TLS 1.2"))
        o, run = self.against((), "--as", "chromium-156")
        self.assertEqual((run.status, o["handshake"]["version"]), (0, "TLS 1.3"))

    def test_table_in_text_and_after_replay(self):
        with servers.openssl(pki.shared().leaf("rsa"), "-tls1_2", "-cipher", RSA) as s:
            trace = servers.workdir() / "trace"
            at = "127.0.0.1:%d" % s.port
            r = tw.tlswhy("check", "--clients", "--connect", at, "--ca", pki.shared().root.cert,
                          "--save-trace", trace, pki.NAME)
        self.assertRegex(r.out, r"(?m)^Real clients$")
        self.assertRegex(r.out, r"(?m)^  works java-8 +TLS 1\.2, TLS_ECDHE_RSA")
        self.assertRegex(r.out, r"(?m)^  fails java-7 +version-client-too-old")
        again = json.loads(tw.tlswhy("replay", "--json", trace).out)
        self.assertEqual(cliparts.violations(again), [])
        self.assertEqual({c["client"]: c["works"] for c in again["clients"]}["ie-11-win7"], False)

    def test_few_connections(self):
        found, o, _ = self.clients("-tls1_2", options=("--max-connections", "12"))
        tried = [c for c in found.values() if c["works"] is not None]
        self.assertLessEqual(o["timing"]["connections"], 12)
        self.assertEqual(len(tried), 12 - 1 - 4)
        self.assertIsNone(found["openssl-1.1.1"]["works"])

    def test_bad_certificate_fails_all(self):
        with servers.openssl(pki.shared().leaf("rsa")) as s:
            o, run = cliparts.report(pki.NAME, "--connect", "127.0.0.1:%d" % s.port, "--clients",
                                     "--trust", "none")
        self.assertEqual(run.status, 1)
        self.assertNotIn(True, [c["works"] for c in o["clients"]])

    def test_nothing_listens(self):
        o, _ = cliparts.report("127.0.0.1:%d" % servers.free_port(), "--clients")
        self.assertNotIn("clients", o)


def flight_of(*options):
    """First bytes that `tlswhy check options` sends for a host name."""
    recorder = CAPTURE.Recorder()
    tw.tlswhy("check", "--max-connections", "1", "--timeout", "2", "--connect",
              "127.0.0.1:%d" % recorder.port, *options, CAPTURE.HOST)
    recorder.thread.join(20)
    recorder.close()
    return recorder.flight


class Hello(unittest.TestCase):
    """check --hello FILE: the same bytes, whoever made them."""

    @classmethod
    def setUpClass(cls):
        cls.dir = servers.workdir()
        cls.flight = flight_of("--as", "openssl-3.0")

    def file(self, name, data):
        path = self.dir / name
        path.write_bytes(data)
        return path

    def test_bytes_hex_records_and_bare_message_are_sent_as_they_are(self):
        flight, message = self.flight, self.flight[5:]
        cut = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part
                       for part in (message[:100], message[100:]))
        spaced = "\n".join(":".join("%02X" % b for b in message[i:i + 16])
                           for i in range(0, len(message), 16)).encode()
        for name, data in (("records", flight), ("hex", flight.hex().encode()), ("cut", cut),
                           ("message", message), ("spaced", spaced),
                           ("more", flight + b"\x14\x03\x03\x00\x01\x01")):
            with self.subTest(name=name):
                self.assertEqual(flight_of("--hello", self.file(name, data)), flight)

    def test_trace(self):
        trace = self.dir / "trace"
        with servers.openssl(pki.shared().leaf("rsa")) as s:
            o, run = table(s, "--as", "gnutls-3.7", "--save-trace", trace)
            self.assertEqual(run.status, 0)
            again, run = cliparts.report(pki.NAME, "--connect", "127.0.0.1:%d" % s.port, "--hello",
                                         trace)
        self.assertEqual((run.status, again["outcome"]), (0, "ok"))
        self.assertEqual(again["handshake"]["version"], "TLS 1.3")
        self.assertFalse(again["handshake"]["complete"])
        self.assertEqual(again["target"]["server_name"], pki.NAME)
        sent = [m for m in again["handshake"]["ladder"] if m["message"] == "ClientHello"]
        was = [m for m in o["handshake"]["ladder"] if m["message"] == "ClientHello"]
        self.assertEqual([m["bytes"] for m in sent], [m["bytes"] for m in was])

    def test_answers(self):
        modern = self.file("modern", self.flight)
        old = self.file("old", flight_of("--as", "android-2.3"))
        java8 = self.file("java8", flight_of("--as", "java-8"))
        rows = [(modern, ("-tls1_2",), "ok", "TLS 1.2", None),
                (modern, ("-groups", "P-384"), "ok", "TLS 1.3", None), # HelloRetryRequest
                (old, ("-tls1_2",), "fail", None, "version-client-too-old"),
                (java8, ("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"), "fail", None,
                 "cipher-no-overlap")]
        for path, options, outcome, version, cause in rows:
            with self.subTest(hello=path.name, server=options), \
                    servers.openssl(pki.shared().leaf("rsa"), *options) as s:
                o, run = table(s, "--hello", path)
                self.assertEqual((o["outcome"], run.status), (outcome, int(outcome == "fail")))
                self.assertEqual(o["handshake"]["version"], version)
                self.assertEqual((tw.causes(o) or [None])[0], cause)
                text = tw.tlswhy("check", "-q", "--connect", "127.0.0.1:%d" % s.port, "--hello",
                                 path, pki.NAME).out
                self.assertEqual("keys are not ours" in " ".join(text.split()), outcome == "ok")

    def test_wrong_files(self):
        for name, data in (("empty", b""), ("text", b"GET / HTTP/1.1"), ("short", self.flight[:60]),
                           ("odd", b"160301f"), ("server", b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"),
                           ("trace-without", b'{"tlswhy_trace":1}\n'),
                           ("trace-broken", b'{"tlswhy_trace":1}\n{"n":')):
            r = tw.tlswhy("check", "--hello", self.file(name, data), "localhost:1")
            with self.subTest(name=name):
                self.assertEqual((r.status, r.out), (2, ""))
                self.assertIn(name, r.err)
        r = tw.tlswhy("check", "--hello", self.dir / "none", "localhost:1")
        self.assertEqual(r.status, 2)
        for option in (("--as", "java-8"), ("--no-sni",), ("--alpn", "h2"), ("--max-version", "1.2")):
            r = tw.tlswhy("check", "--hello", self.file("good", self.flight), *option, "localhost:1")
            self.assertEqual((r.status, r.out), (2, ""), option)


if __name__ == "__main__":
    unittest.main()
