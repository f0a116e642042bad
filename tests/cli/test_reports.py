"""Reports of every fault of the lab: right cause, valid JSON, text within 100 columns, replay the same."""
import json
import os
import pty
import re
import subprocess
import tempfile
import threading
import unittest

import cliparts
import tw
from cliparts import reports, violations

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def lab_names():
    lines = tw.tlswhy("lab", "--list", "--json").out.splitlines()
    return [json.loads(line) for line in lines]


class Schema(unittest.TestCase):
    """That it would notice."""

    @classmethod
    def setUpClass(cls):
        cls.obj, _ = cliparts.report("localhost:1")

    def test_is_a_schema(self):
        cliparts.VALIDATOR.check_schema(cliparts.SCHEMA)
        self.assertEqual(violations(self.obj), [])

    def spoilt(self, *path, to=None, drop=False):
        obj = json.loads(json.dumps(self.obj))
        at = obj
        for p in path[:-1]:
            at = at[p]
        if drop:
            del at[path[-1]]
        else:
            at[path[-1]] = to
        return violations(obj)

    def test_every_member_is_needed(self):
        def walk(value, path):
            if isinstance(value, dict):
                for k, v in value.items():
                    self.assertTrue(self.spoilt(*path, k, drop=True), path + (k,))
                    walk(v, path + (k,))
            elif isinstance(value, list) and value:
                walk(value[0], path + (0,))
        walk(self.obj, ())

    def test_no_other_member_is_taken(self):
        def walk(value, path):
            if isinstance(value, dict):
                self.assertTrue(self.spoilt(*path, "strange", to=1), path)
                for k, v in value.items():
                    walk(v, path + (k,))
            elif isinstance(value, list) and value:
                walk(value[0], path + (0,))
        walk(self.obj, ())

    def test_wrong_values(self):
        for path, to in ((("schema",), "tlswhy/2"), (("vantage",), "guess"), (("outcome",), "maybe"),
                         (("outcome",), "ok"), (("failed_at",), "elsewhere"), (("failed_at",), None),
                         (("causes", 0, "certainty"), "sure"), (("causes", 0, "side"), "them"),
                         (("causes", 0, "category"), "misc"), (("causes", 0, "id"), "Not An Id"),
                         (("causes", 0, "summary"), ""), (("causes", 0, "evidence"), []),
                         (("target", "port"), 70000), (("target", "port"), "443"),
                         (("target", "addresses"), ["localhost"]), (("trials", 0, "end"), "gone"),
                         (("trials", 0, "outcome"), "ok"), (("trials", 0, "reached"), "far"),
                         (("timing", "total_ms"), -1), (("handshake", "client_auth"), "yes")):
            self.assertTrue(self.spoilt(*path, to=to), (path, to))

    def test_members_of_later_vantages_are_known(self):
        for name, value in (("paths", []), ("flow", None), ("matches", [])):
            self.assertEqual(self.spoilt(name, to=value), [])


class Lab(unittest.TestCase):
    """`tlswhy lab --diagnose`, run once in each form."""

    @classmethod
    def setUpClass(cls):
        cls.servers = lab_names()
        cls.text = tw.tlswhy("lab", "--diagnose", timeout=240)
        cls.full = tw.tlswhy("lab", "--diagnose", "-v", timeout=240)
        cls.json = tw.tlswhy("lab", "--diagnose", "--json", timeout=240)

    def rows(self, run):
        return {name: verdict for verdict, name in re.findall(r"^(ok|DIFF) +(\S+) ", run.out, re.M)}

    def test_every_fault_is_diagnosed_as_expected(self):
        rows = self.rows(self.text)
        self.assertEqual(set(rows), {s["name"] for s in self.servers})
        wrong = {n for n, v in rows.items() if v != "ok"}
        self.assertEqual(wrong, set(), self.text.out)
        self.assertIn("faults diagnosed as expected", self.text.out)
        self.assertEqual(self.text.status, 0)

    def test_every_json_line_is_valid_and_has_the_cause(self):
        objects = reports(self.json)
        self.assertEqual(len(objects), len(self.servers))
        for server, obj in zip(self.servers, objects):
            told = tw.causes(obj)
            if server["warning"]:
                self.assertEqual(told, [], server["name"])
                told = [w["id"] for w in obj["warnings"] if w["id"] == server["expect"]]
            self.assertEqual((told or [None])[0], server["expect"], server["name"])

    def test_bounds_of_the_contract(self):
        """At most 12 connections, 6 rounds; a healthy server with no more than 2. The one extension
        among many takes a connection for each."""
        more = {"extension-intolerance": 20}
        for server, obj in zip(self.servers, reports(self.json)):
            self.assertLessEqual(obj["timing"]["connections"], more.get(server["name"], 12))
            self.assertLessEqual(obj["timing"]["rounds"], 6)
            if server["expect"] is None:
                self.assertLessEqual(obj["timing"]["connections"], 2, server["name"])

    def test_text_fits_100_columns_and_is_plain(self):
        for run in (self.text, self.full):
            for line in run.out.splitlines():
                self.assertLessEqual(len(line), 100, line)
                self.assertEqual(line.translate({i: "?" for i in range(32)}), line)

    def test_verbose_says_more(self):
        self.assertGreater(len(self.full.out), 5 * len(self.text.out))
        self.assertIn("chain-missing-intermediate", self.full.out)


class Lists(unittest.TestCase):
    def test_lab_list(self):
        validator = cliparts.validator_of("lab_server")
        servers = lab_names()
        self.assertGreater(len(servers), 45)
        for s in servers:
            self.assertEqual(violations(s, validator), [])
        text = tw.tlswhy("lab", "--list").out
        self.assertEqual([line.split()[0] for line in text.splitlines()],
                         [s["name"] for s in servers])

    def test_causes(self):
        validator = cliparts.validator_of("catalogue_entry")
        entries = [json.loads(line) for line in tw.tlswhy("causes", "--json").out.splitlines()]
        self.assertGreaterEqual(len(entries), 32)
        for e in entries:
            self.assertEqual(violations(e, validator), [], e["id"])
        listing = tw.tlswhy("causes")
        self.assertEqual(listing.status, 0)
        for e in entries:
            self.assertIn(e["id"], listing.out)
        for e in entries:
            r = tw.tlswhy("causes", e["id"], release=True)
            self.assertEqual((r.status, r.err), (0, ""))
            self.assertIn(e["title"], r.out)
            self.assertLessEqual(max(map(len, r.out.splitlines())), 100, e["id"])
            one = tw.tlswhy("causes", "--json", e["id"], release=True)
            self.assertEqual(json.loads(one.out), e)

    def test_every_fault_expects_a_cause_of_the_catalogue(self):
        ids = {json.loads(line)["id"] for line in tw.tlswhy("causes", "--json").out.splitlines()}
        for s in lab_names():
            if s["expect"] is not None:
                self.assertIn(s["expect"], ids)


class OneTarget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cliparts.Lab("healthy", "cert-expired", "cipher-no-overlap",
                               "rst-on-client-hello", "client-cert-required")
        cls.faults = list(cls.lab.servers)

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def check(self, fault, *args, **kw):
        return tw.tlswhy(*args, "--ca", self.lab.ca, self.lab.target(fault), **kw)

    def test_replay_gives_the_same_report(self):
        for fault in self.faults + ["dns-failure"]:
            with self.subTest(fault=fault), tempfile.TemporaryDirectory() as d:
                path = os.path.join(d, "trace")
                target = "no.invalid" if fault == "dns-failure" else self.lab.target(fault)
                live = tw.tlswhy("--json", "--ca", self.lab.ca, "--save-trace", path, target)
                again = tw.tlswhy("replay", "--json", path)
                self.assertEqual(again.status, live.status, again.err)
                a, b = reports(live)[0], reports(again)[0]
                self.assertEqual((a.pop("vantage"), b.pop("vantage")), ("check", "replay"))
                self.assertEqual(json.dumps(a), json.dumps(b))
                with open(path, "rb") as f:
                    piped = tw.tlswhy("replay", "--json", "-", input=f.read())
                self.assertEqual(piped.out, again.out)
                text = tw.tlswhy("replay", path)
                self.assertEqual(text.status, live.status)
                self.assertLessEqual(max(map(len, text.out.splitlines())), 100)
                for line in open(path):
                    json.loads(line)

    def test_quiet_is_the_verdict_alone(self):
        for fault in self.faults:
            r = self.check(fault, "-q")
            lines = r.out.splitlines()
            self.assertRegex(lines[0], "^(OK|FAILS) ")
            self.assertTrue(all(line.startswith(" ") for line in lines[1:]), r.out)
            self.assertLess(len(lines), 4)
            self.assertLessEqual(max(map(len, lines)), 100)

    def test_text_has_its_parts(self):
        r = self.check("cert-expired")
        for heading in ("Cause", "Proof", "Fix", "Check again"):
            self.assertIn("\n%s\n" % heading, r.out)
        self.assertTrue(r.out.startswith("FAILS "))
        self.assertIn("tlswhy --ca %s %s" % (self.lab.ca, self.lab.target("cert-expired")),
                      r.out.replace("\n      ", " "))

    def test_check_again_can_be_pasted(self):
        r = self.check("cert-expired", "--alpn", "", "--at", "2099-01-01")
        again = r.out.split("Check again\n")[1].strip().splitlines()
        command = " ".join(line.strip() for line in again).replace("tlswhy", str(tw.TLSWHY), 1)
        p = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        self.assertEqual((p.returncode, p.stderr), (1, ""), command)
        self.assertIn("cert-expired", p.stdout)

    def test_verbose_tells_trials_and_certificates(self):
        plain, verbose = self.check("cipher-no-overlap"), self.check("cipher-no-overlap", "-v")
        self.assertGreater(len(verbose.out), len(plain.out))
        self.assertIn("CN=localhost", self.check("healthy", "--verbose").out)

    def test_colour(self):
        self.assertNotIn("\x1b", self.check("cert-expired").out)
        self.assertNotIn("\x1b", self.check("cert-expired", "--color", "never").out)
        coloured = self.check("cert-expired", "--color=always").out
        self.assertIn("\x1b[", coloured)
        strip = lambda t: re.sub(r"[0-9.]+ ms", "", ESCAPE.sub("", t))
        again = strip(self.check("cert-expired").out)
        self.assertEqual([l.split()[:3] for l in strip(coloured).splitlines()][-12:-2],
                         [l.split()[:3] for l in again.splitlines()][-12:-2])
        for line in ESCAPE.sub("", coloured).splitlines():
            self.assertLessEqual(len(line), 100)
        self.assertNotIn("\x1b", self.check("cert-expired", "--json", "--color", "always").out)

    def on_terminal(self, env):
        master, slave = pty.openpty()
        p = subprocess.Popen([str(tw.TLSWHY), "--ca", self.lab.ca, self.lab.target("cert-expired")],
                             stdout=slave, stderr=subprocess.DEVNULL,
                             env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **env})
        os.close(slave)
        seen = []

        def read():
            try:
                while True:
                    seen.append(os.read(master, 65536))
                    if not seen[-1]:
                        return
            except OSError:
                pass  # EIO: the other side is closed
        t = threading.Thread(target=read)
        t.start()
        p.wait(60)
        t.join(20)
        os.close(master)
        return b"".join(seen).decode()

    def test_colour_on_a_terminal_and_no_color(self):
        self.assertIn("\x1b[", self.on_terminal({}))
        self.assertNotIn("\x1b[", self.on_terminal({"NO_COLOR": "1"}))
        self.assertIn("\x1b[", self.on_terminal({"NO_COLOR": ""}))  # no-color.org: when not empty

    def test_long_names_fit_too(self):
        name = ".".join(["l" * 60] * 4)
        for args in ([], ["-v"]):
            r = tw.tlswhy(*args, "--connect", self.lab.target("healthy"), "--ca", self.lab.ca, name)
            self.assertEqual(r.status, 1)
            for line in r.out.splitlines():
                if not line.startswith("  tlswhy "):  # which is there to be copied
                    self.assertLessEqual(len(line), 100, line)

    def test_what_a_peer_says_cannot_reach_the_terminal(self):
        def serve(conn):
            conn.sendall(b"220 \x1b]0;owned\x07\x1b[31m\x00\r\nmore \xff\xfe\r\n")
            conn.recv(4096)
        with cliparts.listener(serve) as port:
            for args in ([], ["-v"], ["--json"]):
                r = tw.tlswhy(*args, "--timeout", "4", "localhost:%d" % port)
                self.assertNotIn("\x1b", r.out)
                self.assertNotIn("\x07", r.out)
                if "--json" in args:
                    reports(r)


if __name__ == "__main__":
    unittest.main()
