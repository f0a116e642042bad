"""Captures by others, with what a keyless bystander can know of each stream (../shared)."""
import collections
import json
import unittest

from tw import SHARED, tlswhy

SUITE = SHARED / "suites" / "pcaps"
COMPLETE = {"yes": True, "yes-no-appdata": True, "no": False}
LEAST = 0.985           # of the streams agree in every field; README.md here says what does not


def expected(s):
    hello = s["server_hello"] or {}
    return {"sni": s.get("sni"), "selected_version": hello.get("selected_version"),
            "cipher": hello.get("cipher"), "n_server_certs": len(s["server_certs"]),
            "alerts": [(a["dir"], a["desc"]) for a in s["alerts"] if "desc" in a],
            "complete": COMPLETE.get(s["complete"], "any")}


def seen(o):
    alerts = [(a["dir"], a["desc"]) for a in o["alerts"] if a.get("desc")]
    return {**{k: o[k] for k in ("sni", "selected_version", "cipher", "n_server_certs",
                                 "complete")}, "alerts": alerts}


def differences(stream, found):
    want, got = expected(stream), seen(found)
    return [k for k in want if want[k] != "any" and want[k] != got[k]]


@unittest.skipUnless(SUITE.is_dir(), "no ../shared")
class Captures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.truth = collections.defaultdict(list)
        with open(SUITE / "groundtruth.jsonl") as f:
            for line in f:
                stream = json.loads(line)
                cls.truth[stream["file"]].append(stream)
        cls.found, cls.status = {}, {}
        for name in cls.truth:
            r = tlswhy("pcap", "--json", SUITE / "files" / name, release=True, timeout=120)
            cls.status[name] = (r.status, r.err)
            cls.found[name] = collections.defaultdict(list)
            for o in r.objects():
                cls.found[name][o["client"], o["server"]].append(o)

    def test_every_file_can_be_read(self):
        for name, (status, err) in self.status.items():
            with self.subTest(file=name):
                self.assertIn(status, (0, 1, 3), err)

    def test_streams_agree(self):
        total, wrong = 0, []
        for name, streams in self.truth.items():
            for s in streams:
                total += 1
                c = (self.found[name].get((s["client"], s["server"])) or
                     self.found[name].get((s["server"], s["client"])))
                if not c:
                    wrong.append((name, s["stream"], "not found"))
                    continue
                bad = differences(s, c.pop(0) if len(c) > 1 else c[0])
                if bad:
                    wrong.append((name, s["stream"], ", ".join(bad)))
        listed = "\n".join("%s %s: %s" % w for w in wrong)
        self.assertGreater(total, 1000)
        self.assertGreaterEqual(1 - len(wrong) / total, LEAST, listed)

    def test_fingerprints(self):
        compared = 0
        for name, streams in self.truth.items():
            for s in streams:
                hello = s["client_hello"][0] if s["client_hello"] else {}
                objects = self.found[name].get((s["client"], s["server"]), [])
                if not hello.get("ja4") or len(objects) != 1 or s["n_client_hellos"] != 1:
                    continue
                compared += 1
                with self.subTest(file=name, stream=s["stream"]):
                    self.assertEqual(objects[0]["flow"]["ja3"], hello["ja3"])
                    self.assertEqual(objects[0]["flow"]["ja4"], hello["ja4"])
        self.assertGreater(compared, 500)


if __name__ == "__main__":
    unittest.main()
