"""What the Python tests share: where the binaries are, and how to call them."""
import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TW_BUILD", TOP / "build-test"))
RELEASE = pathlib.Path(os.environ.get("TW_RELEASE", TOP / "build"))
SHARED = TOP.parent / "shared"
TLSWHY = BUILD / "src/cli/tlswhy"            # with sanitizers
TLSWHY_RELEASE = RELEASE / "src/cli/tlswhy"
HS_ONCE = BUILD / "tests/tools/hs_once"


class Run:
    """One finished call: status, out, err (text), and what --json printed."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]


def tlswhy(*args, input=None, timeout=60, env=None, release=False, cwd=None):
    p = subprocess.run([str(TLSWHY_RELEASE if release else TLSWHY), *map(str, args)],
                       input=input, capture_output=True, timeout=timeout, cwd=cwd,
                       env={**os.environ, "NO_COLOR": "1", **(env or {})})
    return Run(p.returncode, p.stdout.decode("utf-8", "replace"),
               p.stderr.decode("utf-8", "replace"))


def check(*args, **kw):
    """The one object of `tlswhy check --json`."""
    r = tlswhy("check", "--json", *args, **kw)
    objects = r.objects()
    assert len(objects) == 1, "status %d, stdout %r, stderr %r" % (r.status, r.out, r.err)
    return objects[0]


def causes(obj):
    return [c["id"] for c in obj["causes"]]
