"""Every cause of the catalogue: its entry is whole, its traces give it, its near misses do not.

The traces are made by make.py, make_status.py and make_certs.py; judging them needs no network.
"""
import json
import pathlib
import re
import unittest

import tw

HERE = pathlib.Path(__file__).resolve().parent
CATEGORIES = {"certificate", "protocol", "network", "server", "client"}
SIDES = {"server", "client", "network", "ca", "nobody"}
STEPS = {"input", "dns", "tcp", "proxy", "starttls", "client_hello", "server_hello", "certificate",
         "key_exchange", "client_auth", "finished", "application"}
# causes that no server on loopback can show; each says why
NO_LAB = dict.fromkeys(
    ["starttls-not-offered", "implicit-tls-needed", "db-tls-disabled", "proxy-connect-refused",
     "proxy-scheme-mismatch"],
    "the lab has no dialogue in front of TLS; tests/starttls has real servers")
NO_LAB.update(dict.fromkeys(
    ["mtu-blackhole", "middlebox-large-client-hello", "backend-inconsistent", "ipv6-broken-only"],
    "needs more of a network than loopback; tests/path makes one"))
NO_LAB["clock-skew-client"] = "it is our own clock; tests/online has faketime"
NO_LAB["dane-tlsa-mismatch"] = "the lab has no name server; tests/online has nsd and dnsmasq"
NO_LAB.update(dict.fromkeys(
    ["cert-key-type-unsupported", "cert-malformed", "cert-validity-too-long",
     "chain-root-expired-cross-sign", "cross-sign-path-choice", "eku-client-auth-missing",
     "key-usage-wrong", "name-constraints", "name-form-unusual", "unknown-critical-extension"],
    "made with openssl at test time: make_certs.py"))
# told as a warning alone: the handshake itself works
WARNINGS = {"clock-skew-server", "cross-sign-path-choice"}
NO_LAB.update(dict.fromkeys(
    ["plain-client-to-tls-port", "client-rejected-server-cert", "user-cancelled", "record-overflow",
     "peer-implementation-bug", "dtls-problem", "quic-blocked", "quic-params"],
    "what a client does, and what only a capture shows; tests/capture/flows.py has each"))


def catalogue():
    return tw.tlswhy("causes", "--json").objects()


def shown_by_handshakes():
    """The others have no rule over traces: texts, files and this machine show them."""
    return [c for c in catalogue() if "check" in c["vantages"]]


def known_ids():
    return (HERE.parent / "data/cause-ids.txt").read_text().split()


def replay(path):
    r = tw.tlswhy("replay", "--json", path)
    objects = r.objects()
    assert len(objects) == 1, "%s: status %d, %r" % (path, r.status, r.err)
    return r.status, objects[0]


class Catalogue(unittest.TestCase):
    def test_ids_are_those_of_the_contract(self):
        ids = [c["id"] for c in catalogue()]
        self.assertGreater(len(ids), 30)
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(set(ids) - set(known_ids()), set())

    def test_list_of_ids(self):
        ids = known_ids()
        self.assertEqual(len(ids), len(set(ids)))
        self.assertTrue(all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", i) for i in ids))

    def test_each_is_shown_by_some_vantage(self):
        self.assertEqual([c["id"] for c in catalogue() if not c["vantages"]], [])

    def test_entries_are_whole(self):
        known = set(known_ids())
        for c in catalogue():
            with self.subTest(c["id"]):
                self.assertIn(c["category"], CATEGORIES)
                self.assertIn(c["side"], SIDES)
                for text in ("title", "explain", "evidence"):
                    self.assertGreater(len(c[text]), 10)
                self.assertFalse(c["title"].endswith("."))
                self.assertTrue(c["explain"].endswith("."))
                self.assertTrue(c["evidence"].endswith("."))
                self.assertTrue(c["fix"])
                for f in c["fix"]:
                    self.assertTrue(f["for"])
                    self.assertTrue(f["text"] or f["snippet"])
                self.assertTrue(c["refs"])
                for ref in c["refs"]:
                    self.assertRegex(ref, r"\S")
                self.assertTrue(c["lookalikes"])
                for other in c["lookalikes"]:
                    self.assertIn(other["id"], known)
                    self.assertNotEqual(other["id"], c["id"])
                    self.assertTrue(other["tell"])

    def test_the_lab_has_each(self):
        faults = tw.tlswhy("lab", "--list", "--json").objects()
        shown = {f["expect"] for f in faults}
        ids = {c["id"] for c in shown_by_handshakes()}
        self.assertEqual(ids - shown - set(NO_LAB), set())
        self.assertEqual(set(NO_LAB) & shown, set(), "the lab can show these after all")
        self.assertEqual(shown - ids - {None}, set(), "the lab expects what no rule names")

    def test_each_cause_can_be_read_about(self):
        for c in catalogue():
            r = tw.tlswhy("causes", c["id"])
            self.assertEqual(r.status, 0)
            self.assertIn(c["title"], r.out)
            self.assertLessEqual(max(map(len, r.out.splitlines())), 100, c["id"])


class Traces(unittest.TestCase):
    """Its methods are added below: one for each cause, hit and miss."""

    def hit(self, cause):
        paths = sorted(HERE.glob(cause + "/hit*.jsonl"))
        self.assertTrue(paths, "no trace of this cause: tests/rules/make.py " + cause)
        for path in paths:
            status, obj = replay(path)
            if cause in WARNINGS or path.name.startswith("hit-warning"):
                self.assertEqual((status, tw.causes(obj)), (0, []))
                self.assertIn(cause, [w["id"] for w in obj["warnings"]])
                continue
            self.assertEqual(status, 1)
            self.assertEqual(obj["outcome"], "fail")
            self.assertIn(obj["failed_at"], STEPS)
            self.assertEqual(tw.causes(obj)[:1], [cause], path.name)
            root = obj["causes"][0]
            self.assertIn(root["certainty"], ("proven", "likely", "possible"))
            self.assertIn(root["side"], SIDES)
            self.assertNotEqual(root["summary"], root["title"], "it names no concrete values")
            self.assertTrue(root["evidence"])
            for e in root["evidence"]:
                self.assertTrue(e["what"] and e["value"], e)
            for other in root["not"]:
                self.assertIn(other["id"], known_ids())
                self.assertTrue(other["because"])
            again = [c["id"] for c in obj["causes"] + obj["warnings"]]
            self.assertEqual(len(again), len(set(again)), "a cause twice")

    def miss(self, cause):
        paths = sorted(HERE.glob(cause + "/miss*.jsonl"))
        self.assertTrue(paths, "no near miss: see NEAR_MISSES in tests/rules/make.py")
        for path in paths:
            status, obj = replay(path)
            told = tw.causes(obj)
            if cause in WARNINGS:
                told += [w["id"] for w in obj["warnings"]]
            self.assertNotIn(cause, told, path.name)
            self.assertEqual(status, 0 if obj["outcome"] == "ok" else 1 if obj["causes"] else 3)


def add_methods():
    for cause in (c["id"] for c in shown_by_handshakes()):
        for kind in ("hit", "miss"):
            def test(self, cause=cause, kind=kind):
                getattr(self, kind)(cause)
            setattr(Traces, "test_%s_%s" % (kind, cause.replace("-", "_")), test)


class Folders(unittest.TestCase):
    def test_no_folder_without_its_cause(self):
        folders = {p.parent.name for p in HERE.glob("*/*.jsonl")}
        self.assertEqual(folders - {c["id"] for c in catalogue()}, set())

    def test_traces_are_of_this_project_alone(self):
        for path in HERE.glob("*/*.jsonl"):
            with self.subTest(path.parent.name + "/" + path.name):
                first, *facts = path.read_text().splitlines()
                self.assertEqual(json.loads(first), {"tlswhy_trace": 1})
                self.assertLess(path.stat().st_size, 400_000)
                self.assertNotIn("/tmp/", path.read_text())


add_methods()

if __name__ == "__main__":
    unittest.main()
