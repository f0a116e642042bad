#!/usr/bin/env python3
"""Makes the saved traces of the causes about revocation, CT, clocks and DANE anew:

    tests/rules/make_status.py

tests/rules/<cause>/hit.jsonl is a case that is this cause, miss*.jsonl a near miss. The servers are
those of the lab and of tests/online. Traces are facts: they stay good when rules change.
"""
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "online")]

import test_online  # noqa: E402
import tw  # noqa: E402

# cause: (fault, options) of the hit, then of the near misses; @logs is the lab's log list, @+N the
# start of the lab and N seconds
WEEK = 7 * 86400 - 3600    # a staple's nextUpdate after the lab's start
LAB = {
    "revoked": [("revoked", ""), ("healthy-must-staple", ""), ("crl-expired", "online hard-fail")],
    "ocsp-must-staple-missing": [("ocsp-must-staple-missing", ""), ("healthy-must-staple", ""),
                                 ("ocsp-staple-invalid", "")],
    # five minutes of skew are granted after nextUpdate
    "ocsp-staple-invalid": [("healthy-must-staple", "at=@%d" % (WEEK + 360)),
                            ("healthy-must-staple", "at=@%d" % (WEEK + 240))],
    "crl-expired": [("crl-expired", "online hard-fail"), ("healthy-crl", "online hard-fail"),
                    ("revocation-unreachable", "online hard-fail")],
    "revocation-unreachable": [("revocation-unreachable", "online hard-fail"),
                               ("healthy-ocsp", "online hard-fail")],
    "ct-missing": [("ct-missing", "ct-log-list=@logs"), ("healthy-ct", "ct-log-list=@logs"),
                   ("healthy", "")],
    "clock-skew-server": [("clock-skew-server", ""), ("healthy", "")],
}


def save(cause, n, make):
    folder = HERE / cause
    folder.mkdir(exist_ok=True)
    name = "hit.jsonl" if n == 0 else "miss.jsonl" if n == 1 else "miss-%d.jsonl" % n
    path = folder / name
    make(path)
    # the name of the CA's file is a fact of the trace, the directory it happened to be in is not
    path.write_text(re.sub(r"/[^\s\"]*/root\.pem", "root.pem", path.read_text()))
    print(cause, name)


def lab_traces(top):
    lab = subprocess.Popen([str(tw.TLSWHY_RELEASE), "lab", "--json", "--write-ca", "ca.pem",
                            "--write-log-list", "logs.json"], cwd=top, stdout=subprocess.PIPE,
                           text=True)
    try:
        ports, started = {}, int(time.time())
        needed = {fault for cases in LAB.values() for fault, _ in cases}
        while not needed <= ports.keys():
            row = json.loads(lab.stdout.readline())
            ports[row["name"]] = row["port"]
        for cause, cases in LAB.items():
            for n, (fault, options) in enumerate(cases):
                args = []
                for o in options.split():
                    key, _, value = o.partition("=")
                    value = value.replace("@logs", "logs.json")
                    if value.startswith("@"):
                        value = str(started + int(value[1:]))
                    args += ["--" + key] + ([value] if value else [])
                save(cause, n, lambda out: subprocess.run(
                    [str(tw.TLSWHY_RELEASE), "check", "-q", "--ca", "ca.pem", "--save-trace",
                     str(out), *args, "localhost:%d" % ports[fault]], cwd=top, stdout=subprocess.DEVNULL))
    finally:
        lab.terminate()
        lab.wait()


class Online(test_online.Online):
    """The servers of tests/online, to be asked for traces."""

    def runTest(self):
        self.pki.issue("mk", "clock", test_online.LEAF)
        now = test_online.utcnow()
        self.faked_trace("clock-skew-client", 0, "-400d", now)
        # expired, and the server's clock agrees that it is
        self.faked_trace("clock-skew-client", 1, "+90d", now + datetime.timedelta(days=90))
        self.pki.issue("md", "dane", test_online.LEAF.replace("DNS:localhost", "DNS:dane.test"))
        s = self.serve("md")
        record = "_%d._tcp IN TLSA 3 1 1 %%s\n" % s.port
        for n, digest in enumerate(("00" * 32, self.spki_sha256("md"))):
            dns = self.signed_zone(record % digest)
            save("dane-tlsa-mismatch", n, lambda out: tw.tlswhy(
                "check", "-q", "--ca", self.pki.root, "-4", "--dane", *dns, "--save-trace", out,
                "dane.test:%d" % s.port, release=True))

    def faked_trace(self, cause, n, shift, date):
        s = self.serve("mk", date=test_online.http_date(date))
        save(cause, n, lambda out: self.faked(s, shift, "--save-trace", str(out)))


def main():
    with tempfile.TemporaryDirectory() as top:
        lab_traces(top)
    if not shutil.which("faketime") or not shutil.which("ldns-signzone"):
        sys.exit("faketime and ldnsutils are needed for the rest")
    result = __import__("unittest").TextTestRunner().run(
        __import__("unittest").defaultTestLoader.suiteClass([Online()]))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
