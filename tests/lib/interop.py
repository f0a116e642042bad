"""One cell of the interop matrix: a handshake of hs_once with a server, and what came of it."""
import json
import os
import re
import subprocess

import tw

SUMMARY = re.compile(r"^(COMPLETE|FAILED) (.+?) (\S+) group=(\S+) sig=(\S+) alpn=(\S+?)( resumed)?( hrr)?"
                     r" alert=(-?\d+) ours=(-?\d+) (.*?)app=(\d+) facts=(\d+)", re.M)
VERSIONS = {"1.0": "TLS 1.0", "1.1": "TLS 1.1", "1.2": "TLS 1.2", "1.3": "TLS 1.3"}
GROUPS = {"x25519": 0x1d, "x448": 0x1e, "secp256r1": 0x17, "secp384r1": 0x18, "secp521r1": 0x19,
          "ffdhe2048": 0x100, "ffdhe3072": 0x101, "X25519MLKEM768": 0x11ec,
          "SecP256r1MLKEM768": 0x11eb, "SecP384r1MLKEM1024": 0x11ed}


class Handshake:
    """The last line of summary, taken apart, and the facts."""

    def __init__(self, status, out, err):
        self.status, self.err = status, err
        self.facts = [json.loads(line) for line in out.splitlines()]
        m = None
        for m in SUMMARY.finditer(err):
            pass
        self.complete = status == 0 and m is not None and m.group(1) == "COMPLETE"
        if m:
            self.version, self.suite = m.group(2), m.group(3)
            self.group, self.sig = int(m.group(4), 16), int(m.group(5), 16)
            self.alpn, self.resumed, self.hrr = m.group(6), bool(m.group(7)), bool(m.group(8))
            self.alert, self.app = int(m.group(9)), int(m.group(12))

    def __str__(self):
        return "status %d: %s" % (self.status, self.err.strip()[-2000:])


def hs(server, *options, quiet=True):
    """Run hs_once against a server (its port), with the sanitizers on."""
    argv = [str(tw.HS_ONCE), *(["--quiet"] if quiet else []), *map(str, options), "127.0.0.1",
            str(server.port)]
    p = subprocess.run(argv, capture_output=True, timeout=60,
                       env={**os.environ, "UBSAN_OPTIONS": "halt_on_error=1"})
    return Handshake(p.returncode, p.stdout.decode("utf-8", "replace"),
                     p.stderr.decode("utf-8", "replace"))


class Cells:
    """Mixin for a TestCase: a server started on first use, and tests made from rows.

    A subclass has start() returning a Server; cells() gives it one test method per row."""

    server = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()

    @classmethod
    def tearDownClass(cls):
        if cls.server:
            cls.server.stop()

    def good(self, h, version=None, suite=None, group=None, sig=None, alpn=None, resumed=None,
             hrr=None):
        """The handshake is complete and is the one that was asked for."""
        self.assertTrue(h.complete, "%s\nserver: %s" % (h, self.server.log()))
        for what, want, got in (
                ("version", VERSIONS.get(version), h.version), ("suite", suite, h.suite),
                ("group", GROUPS.get(group), h.group), ("signature", sig, h.sig),
                ("ALPN", alpn, h.alpn), ("resumed", resumed, h.resumed), ("hrr", hrr, h.hrr)):
            if want is not None:
                self.assertEqual(want, got, "%s; %s" % (what, h))


def cells(rows):
    """Class decorator. rows: name -> (options of hs_once, what good() is to find)."""
    def decorate(cls):
        for name, (options, want) in rows.items():
            def test(self, options=options, want=want):
                self.good(hs(self.server, *options), **want)
            test.__name__ = "test_" + re.sub(r"[^A-Za-z0-9]+", "_", name)
            test.__doc__ = name
            assert not hasattr(cls, test.__name__), test.__name__
            setattr(cls, test.__name__, test)
        return cls
    return decorate


def versions(*names, wide=True):
    """Rows that pin each version."""
    return {"version " + v: ((["--wide"] if wide else []) + ["--min", v, "--max", v],
                             {"version": v}) for v in names}


def groups13(*names, unknown, extra=()):
    """TLS 1.3 with each group: its share sent at once; and only after HelloRetryRequest, for which
    the one share sent at first is of a group that the server does not have."""
    rows = {}
    for g in names:
        rows["1.3 group " + g] = (["--group", g, "--share", g, *extra],
                                  {"version": "1.3", "group": g, "hrr": False})
        rows["1.3 retry to " + g] = (["--group", unknown, "--group", g, "--share", unknown, *extra],
                                     {"version": "1.3", "group": g, "hrr": True})
    return rows


def groups12(*names, extra=()):
    return {"1.2 group " + g: (["--max", "1.2", "--group", g, *extra],
                               {"version": "1.2", "group": g}) for g in names}


def suites(version, *names, extra=()):
    """Each suite alone, at one version."""
    return {"%s %s" % (version, s): (["--wide", "--min", version, "--max", version, "--cipher", s,
                                      *extra], {"version": version, "suite": s}) for s in names}
