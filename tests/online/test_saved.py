"""The saved traces of the causes about revocation, CT, clocks and DANE: a hit yields its cause (or,
where the handshake itself works, its warning), a near miss does not."""
import pathlib
import unittest

import tw

CAUSES = ("clock-skew-client", "clock-skew-server", "crl-expired", "ct-missing",
          "dane-tlsa-mismatch", "ocsp-must-staple-missing", "ocsp-staple-invalid",
          "revocation-unreachable", "revoked")
RULES = pathlib.Path(__file__).resolve().parents[1] / "rules"


class Saved(unittest.TestCase):
    def replay(self, path):
        r = tw.tlswhy("replay", "--json", path)
        return r.objects()[0]

    def test_hits_and_misses(self):
        for cause in CAUSES:
            folder = RULES / cause
            hits, misses = sorted(folder.glob("hit*.jsonl")), sorted(folder.glob("miss*.jsonl"))
            self.assertTrue(hits and misses, cause)
            for path in hits:
                o = self.replay(path)
                found = tw.causes(o)[:1] or [w["id"] for w in o["warnings"]]
                self.assertIn(cause, found, path)
            for path in misses:
                o = self.replay(path)
                self.assertNotIn(cause, tw.causes(o) + [w["id"] for w in o["warnings"]], path)


if __name__ == "__main__":
    unittest.main()
