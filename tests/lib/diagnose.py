"""`tlswhy check --json` against a server of the tests, and what its answer must be like."""
import re

import tw
import pki

MAX_CONNECTIONS, MAX_ROUNDS = 12, 6


class Diagnosis:
    def __init__(self, run):
        self.status, self.err = run.status, run.err
        objects = run.objects()
        assert len(objects) == 1, "status %d, stdout %r, stderr %r" % (run.status, run.out, run.err)
        self.obj = objects[0]
        self.ids = [c["id"] for c in self.obj["causes"]]
        self.first = self.obj["causes"][0] if self.ids else None

    def __str__(self):
        o = self.obj
        lines = ["status %d, outcome %s, failed_at %s" % (self.status, o["outcome"], o["failed_at"])]
        lines += ["cause %s (%s, %s): %s" % (c["id"], c["certainty"], c["side"], c["summary"])
                  for c in o["causes"]]
        lines += ["warning %s: %s" % (c["id"], c["summary"]) for c in o["warnings"]]
        lines += ["trial %s" % " ".join("%s=%s" % (k, t[k]) for k in (
            "n", "recipe", "outcome", "reached", "end", "alert", "version", "cipher", "group", "ms"))
            for t in o["trials"]]
        lines += ["timing %s" % o["timing"], self.err]
        return "\n".join(lines)


def diagnose(server, *options, host=pki.NAME, ca=True, ip="127.0.0.1", scheme="", timeout=60,
             connect=True):
    """Check host, whose address is that of the server. ca False: the system's trust store;
    connect False: the name leads there by itself."""
    port = server if isinstance(server, int) else server.port
    trust = ["--ca", pki.shared().root.cert] if ca is True else ["--ca", ca] if ca else []
    to = ["--connect", "%s:%d" % (ip, port)] if connect else []
    return Diagnosis(tw.tlswhy("check", "--json", *trust, *to, *options,
                               "%s%s:%d" % (scheme, host, port), timeout=timeout))


class Checks:
    """Mixin for a TestCase."""

    def healthy(self, server, *options, **kw):
        d = diagnose(server, *options, **kw)
        text = "%s\nserver: %s" % (d, server.log())
        self.assertEqual(("ok", 0, []), (d.obj["outcome"], d.status, d.ids), text)
        self.assertIsNone(d.obj["failed_at"], text)
        self.assertLessEqual(d.obj["timing"]["connections"], 2, text)
        return d

    def caused(self, server, cause, *options, side=None, certainty="proven", at=None, **kw):
        """The root cause is that one, on that side, found within the bounds."""
        d = diagnose(server, *options, **kw)
        text = "%s\nserver: %s" % (d, server.log() if hasattr(server, "log") else "-")
        self.assertEqual(cause, d.ids[0] if d.ids else None, text)
        self.assertEqual(("fail", 1), (d.obj["outcome"], d.status), text)
        if side:
            self.assertEqual(side, d.first["side"], text)
        if certainty:
            self.assertEqual(certainty, d.first["certainty"], text)
        if at:
            self.assertEqual(at, d.obj["failed_at"], text)
        self.assertTrue(d.first["evidence"], text)
        self.assertLessEqual(d.obj["timing"]["connections"], MAX_CONNECTIONS, text)
        self.assertLessEqual(d.obj["timing"]["rounds"], MAX_ROUNDS, text)
        return d


def add_causes(case, name, rows, **want):
    """Give the TestCase one method per row. rows: label -> starter of a server, or (starter,
    options of check), or (starter, options, more arguments of caused()). want: those of all rows."""
    for label, row in rows.items():
        row = row if isinstance(row, tuple) else (row,)
        start = row[0]
        options, more = (row[1] if len(row) > 1 else ()), (row[2] if len(row) > 2 else {})

        def test(self, start=start, options=options, more=more):
            more = {k: v() if callable(v) else v for k, v in more.items()}
            with start() as s:
                self.caused(s, name, *options, **{**want, **more})
        method = "test_%s__%s" % (name.replace("-", "_"), re.sub(r"[^A-Za-z0-9]+", "_", label))
        assert not hasattr(case, method), method
        setattr(case, method, test)
