"""Certificate path suites of others (C2SP x509-limbo, NIST PKITS, OpenSSL, mbedTLS) with the results
they expect. The cases lie beside the project; without them the tests skip. TW_PATHCASES names another
file of the same form."""
import collections
import json
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import tw
import disagreements
import paths

BATCH = tw.BUILD / "tests/tools/path_batch"
LIMIT_US = 4e6  # one second is meant; sanitizers make it slower


def run(cases):
    now = int(time.time())
    lines = "".join(json.dumps(paths.request(c, now)) + "\n" for c in cases)
    p = subprocess.run([str(BATCH)], input=lines.encode(), capture_output=True, timeout=85)
    if p.returncode != 0:
        raise AssertionError("path_batch ended with %d: %s" % (p.returncode, p.stderr[-2000:]))
    return [json.loads(line) for line in p.stdout.splitlines()]


@unittest.skipUnless(paths.CASES.exists(), "no ../shared")
class Paths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = paths.load()
        cls.results = run(cls.cases)

    def test_every_case_is_judged(self):
        self.assertEqual(len(self.cases), len(self.results))
        self.assertGreater(len(self.cases), 100)

    def test_verdicts(self):
        wrong = [paths.key(c) for c, r in zip(self.cases, self.results)
                 if r["verdict"] != c["expect"]]
        self.assertEqual([], [k for k in wrong if k not in disagreements.VERDICT])

    def test_reasons(self):
        wrong, judged = [], 0
        for c, r in zip(self.cases, self.results):
            if c["expect"] != "reject" or not c["reason"] or r["verdict"] != "reject":
                continue
            judged += 1
            if not any(c["reason"] in paths.classes(p) for p in r["problems"]):
                wrong.append(paths.key(c))
        self.assertEqual([], [k for k in wrong if k not in disagreements.REASON])
        self.assertGreaterEqual(1 - len(wrong) / judged, 0.95)

    def test_every_refusal_has_a_problem(self):
        for c, r in zip(self.cases, self.results):
            self.assertEqual(r["verdict"] == "reject", len(r["problems"]) > 0, paths.key(c))

    def test_no_case_takes_long(self):
        slow = [(paths.key(c), r["us"]) for c, r in zip(self.cases, self.results)
                if r["us"] > LIMIT_US]
        self.assertEqual([], slow)

    @classmethod
    def tearDownClass(cls):
        table = collections.defaultdict(collections.Counter)
        for c, r in zip(cls.cases, cls.results):
            t = table[c["suite"]]
            t["n"] += 1
            t["agree"] += r["verdict"] == c["expect"]
            if c["expect"] == "reject" and c["reason"] and r["verdict"] == "reject":
                t["rejected"] += 1
                t["reason"] += any(c["reason"] in paths.classes(p) for p in r["problems"])
        for suite, t in sorted(table.items()):
            print("%-16s verdict %d of %d, reason %d of %d" % (suite, t["agree"], t["n"],
                                                              t["reason"], t["rejected"]))


if __name__ == "__main__":
    unittest.main()
