"""tlswhy explain against what real clients and servers print for known faults."""
import collections
import concurrent.futures
import json
import unittest

from tw import SHARED, TOP, causes, tlswhy

ERRORS = SHARED / "suites/errors"
PASTES = TOP / "tests/explain/pastes.txt"


def explain(text, release=True, *args):
    r = tlswhy("explain", "--json", *args, "-", input=text.encode(), release=release)
    if r.status not in (1, 3):
        raise AssertionError("status %d, %s" % (r.status, r.err))
    return r.objects()[0]


def explain_all(texts):
    texts = list(texts)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(texts, pool.map(explain, texts)))


def read_pastes():
    """(causes, target or None, text) of each case."""
    body = "".join(l for l in PASTES.read_text().splitlines(True) if not l.startswith("# "))
    for case in body.split("=== ")[1:]:
        head, text = case.split("\n", 1)
        want, _, target = head.partition("@")
        yield want.split(), target.strip() or None, text


class Pastes(unittest.TestCase):
    """What people paste: logs, traces, pages."""

    def test_each_is_explained(self):
        cases = list(read_pastes())
        self.assertGreater(len(cases), 60)
        answers = explain_all([text for _, _, text in cases])
        for want, target, text in cases:
            got = answers[text]
            with self.subTest(text=text[:120]):
                if want == ["-"]:
                    self.assertEqual(causes(got), [])
                else:
                    self.assertIn((causes(got) + [None])[0], want)

    def test_the_host_is_found(self):
        for want, target, text in read_pastes():
            if target is None:
                continue
            r = tlswhy("explain", "-", input=text.encode())
            with self.subTest(text=text[:120]):
                self.assertIn("tlswhy check %s\n" % target, r.out)


@unittest.skipUnless((ERRORS / "lab-matrix.jsonl").exists(), "no ../shared")
class LabMatrix(unittest.TestCase):
    """Rows with the same text of the same program have all their causes as right answers."""

    def test_rates_per_stack(self):
        truth, texts = collections.defaultdict(set), []
        for line in (ERRORS / "lab-matrix.jsonl").read_text().splitlines():
            row = json.loads(line)
            if not row["text"] or not row["causes"]:
                continue
            key = (row.get("client") or row.get("server"), row["text"])
            truth[key] |= set(row["causes"])
            texts.append(key)
        answers = explain_all({text for _, text in texts})
        first, third, total = (collections.Counter() for _ in range(3))
        for key in texts:
            found = causes(answers[key[1]])
            total[key[0]] += 1
            first[key[0]] += bool(truth[key] & set(found[:1]))
            third[key[0]] += bool(truth[key] & set(found[:3]))
        print()
        for stack in sorted(total):
            print("  %-30s %4d rows  top-1 %5.1f %%  top-3 %5.1f %%" % (
                stack, total[stack], 100 * first[stack] / total[stack], 100 * third[stack] / total[stack]))
        n = sum(total.values())
        print("  %-30s %4d rows  top-1 %5.1f %%  top-3 %5.1f %%" % (
            "all", n, 100 * sum(first.values()) / n, 100 * sum(third.values()) / n))
        self.assertGreaterEqual(sum(first.values()) / n, 0.85)
        self.assertGreaterEqual(sum(third.values()) / n, 0.97)


if __name__ == "__main__":
    unittest.main()
