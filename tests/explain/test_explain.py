"""tlswhy explain against what real clients and servers print for known faults."""
import collections
import json
import re
import subprocess
import unittest

from tw import BUILD, SHARED, TOP, causes, tlswhy

ERRORS = SHARED / "suites/errors"
# Of the list's libraries those that speak TLS or read what it needs, and of some only such names.
TLS_LIBRARY = re.compile("SSL$|X509_?V?3?$|PEM$|RSA$|EC$|ASN1$|^nss|^gnutls$|^mbedtls|^go |^chromium|^windows|^curl|"
                         "^rustls|^botan")
TLS_NAME = {"mbedtls": "SSL|X509|PK_|PEM|NET_", "chromium": "SSL|CERT|TLS|ECH|QUIC|PROXY|TUNNEL|NAME_|PINNED|ALPN",
            "curl": "SSL|CERT|PEER|CRL|ISSUER|PINNED", "windows": "^(SEC|CRYPT|CERT|TRUST)_"}
PASTES = TOP / "tests/explain/pastes.txt"


def explain_all(texts):
    """text -> the object of `tlswhy explain --json`, all in one process."""
    texts = list(dict.fromkeys(texts))
    data = b"".join(b"%d\n%s" % (len(t), t) for t in (t.encode() for t in texts))
    r = subprocess.run([str(BUILD / "tests/tools/explain_lines")], input=data, capture_output=True,
                       timeout=300, check=True)
    objects = [json.loads(line) for line in r.stdout.splitlines()]
    assert len(objects) == len(texts), r.stderr
    return dict(zip(texts, objects))


def read_pastes():
    """(causes, target or None, text) of each case."""
    body = "".join(l for l in PASTES.read_text().splitlines(True) if not l.startswith("# "))
    for case in body.split("=== ")[1:]:
        head, text = case.split("\n", 1)
        want, _, target = head.partition("@")
        yield want.split(), target.strip() or None, text


def catalogue():
    return {c["id"] for c in tlswhy("causes", "--json").objects()}


class Pastes(unittest.TestCase):
    """What people paste: logs, traces, pages."""

    def test_each_is_explained(self):
        cases = list(read_pastes())
        self.assertGreater(len(cases), 60)
        answers, known = explain_all([text for _, _, text in cases]), catalogue() | {"-"}
        cases = [c for c in cases if known >= set(c[0])]
        self.assertGreater(len(cases), 30)
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
        known = catalogue()
        untold = [k for k in texts if not known & truth[k]]
        if untold:
            print("\n  %d rows are about causes that the catalogue does not have" % len(untold))
        texts = [k for k in texts if known & truth[k]]
        answers = explain_all([text for _, text in texts])
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

    def test_symbols_are_recognised(self):
        """Symbols and texts of TLS libraries, alone, as somebody looks one up."""
        cases = []
        for line in (ERRORS / "symbols.jsonl").read_text().splitlines():
            row = json.loads(line)
            if not TLS_LIBRARY.search(row["library"]):
                continue
            name = row["symbol"] or ""
            only = TLS_NAME.get(row["library"].split("-")[0])
            if only is None or re.search(only, name):
                cases += [(row["library"], t) for t in (name, (row["text"] or "").strip()) if t]
        answers = explain_all([t for _, t in cases])
        found = collections.Counter(lib for lib, t in cases if answers[t]["matches"])
        total = collections.Counter(lib for lib, _ in cases)
        print()
        for lib in sorted(total):
            print("  %-30s %4d symbols and texts, %5.1f %% recognised" % (
                lib, total[lib], 100 * found[lib] / total[lib]))
        n = sum(total.values())
        print("  %-30s %4d symbols and texts, %5.1f %% recognised" % ("all", n, 100 * sum(found.values()) / n))
        self.assertGreaterEqual(sum(found.values()) / n, 0.9)


class CommandLine(unittest.TestCase):
    WRONG_VERSION = "curl: (35) error:1408F10B:SSL routines:ssl3_get_record:wrong version number"

    def test_words_need_no_quotes(self):
        a = tlswhy("explain", "--json", self.WRONG_VERSION)
        b = tlswhy("explain", "--json", *self.WRONG_VERSION.split())
        c = tlswhy("explain", "--json", "-", input=self.WRONG_VERSION.encode())
        self.assertEqual((a.status, b.out, c.out), (1, a.out, a.out))
        obj = a.objects()[0]
        self.assertEqual(obj["vantage"], "explain")
        self.assertEqual(obj["outcome"], "fail")
        self.assertEqual(obj["matches"][0]["offset"], 0)

    def test_nothing_known(self):
        r = tlswhy("explain", "--json", "all is well")
        self.assertEqual(r.status, 3)
        self.assertEqual((r.objects()[0]["outcome"], r.objects()[0]["matches"]), ("unknown", []))

    def test_usage(self):
        r = tlswhy("explain")
        self.assertEqual((r.status, r.out), (2, ""))

    def test_codes_alone(self):
        for text, cause in (("0x0A00010B", "plaintext-on-tls-port"), ("112", "sni-unrecognized"),
                            ("-0x2700", "untrusted-private-ca"), ("0x80090322", "name-mismatch"),
                            ("unknown_psk_identity", "psk-mismatch")):
            with self.subTest(text):
                r = tlswhy("explain", "--json", text)
                self.assertEqual(causes(r.objects()[0])[:1], [cause])

    def test_check_runs_at_once(self):
        r = tlswhy("explain", "--json", "--check", "Get \"https://127.0.0.1:1/\": remote error: tls: "
                   "handshake failure")
        explained, checked = r.objects()
        self.assertEqual((explained["vantage"], checked["vantage"]), ("explain", "check"))
        self.assertEqual(causes(checked)[:1], ["tcp-refused"])
        self.assertEqual(r.status, 1)

    def test_check_needs_a_host(self):
        r = tlswhy("explain", "--check", "PR_CONNECT_RESET_ERROR")
        self.assertEqual(r.status, 2)

    def test_report_fits(self):
        for _, _, text in read_pastes():
            r = tlswhy("explain", "-v", "-", input=text.encode())
            for line in r.out.splitlines():
                if not line.startswith("  tlswhy "):
                    self.assertLessEqual(len(line), 100, line)

    def test_control_characters_stay_out(self):
        r = tlswhy("explain", "-", input=b"SEC_ERROR_\x1b]0;x\x07 SSL_ERROR_BAD_CERT_DOMAIN\x1b[31m \x07")
        self.assertNotIn("\x1b", r.out)
        self.assertNotIn("\x07", r.out)


if __name__ == "__main__":
    unittest.main()
