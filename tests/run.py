#!/usr/bin/env python3
"""Runs every test and counts them; the last line is "N passed, N failed, N skipped".

    tests/run.py --build DIR --release DIR [-k WORD] [-j N] [-v]

Three kinds: cmocka programs (counted test by test, through TAP), programs that only have an exit
status (fuzz targets over their seeds), and Python modules below tests/ named test_*.py (unittest).
-k keeps what has WORD in its name, which for Python tests begins with folder and module. A skip always says why.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parent
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
             "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


class Outcome:
    """What one program or module said: (verdict, test, detail) per test."""

    def __init__(self, name):
        self.name, self.rows, self.seconds = name, [], 0.0

    def add(self, verdict, test, detail=""):
        self.rows.append((verdict, test, detail))

    def count(self, verdict):
        return sum(1 for r in self.rows if r[0] == verdict)


def run(cmd, timeout, env):
    """Return (exit status or None after a timeout, output)."""
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen(cmd, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             env={**os.environ, **SANITIZER, **env}, start_new_session=True)
        try:
            status = p.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(p.pid, 9)
            p.wait()
        out.seek(0)
        return status, out.read().decode("utf-8", "replace")


TAP = re.compile(r"^(not )?ok \d+ - (\S+)(?: *# *(?:SKIP|skip) *(.*))?$")


def run_program(test):
    """One entry of `meson introspect --tests`."""
    o = Outcome(test["name"])
    cmocka = any(s in ("unit", "pair") for s in (x.split(":")[-1] for x in test["suite"]))
    env = dict(test.get("env") or {})
    if cmocka:
        env["CMOCKA_MESSAGE_OUTPUT"] = "TAP"
    status, text = run(test["cmd"], max(test.get("timeout", 30), 30) * 4, env)
    if cmocka:
        for line in text.splitlines():
            m = TAP.match(line)
            if m and m.group(3) is not None:
                o.add("skip", m.group(2), m.group(3) or "no reason given")
            elif m:
                o.add("fail" if m.group(1) else "pass", m.group(2), text if m.group(1) else "")
        if status != 0 and o.count("fail") == 0:
            o.add("fail", "exit", "exit status %s\n%s" % (status, text))
    else:
        verdict = "pass" if status == 0 else "skip" if status == 77 else "fail"
        o.add(verdict, test["name"], text.strip() if verdict != "pass" else "")
    return o


def run_module(path, args):
    o = Outcome(str(path.relative_to(TOP)))
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        status, text = run([sys.executable, __file__, "--module", str(path), "--report",
                            report.name] + (["-k", args.k] if args.k else []), 900,
                           {"TW_BUILD": str(args.build), "TW_RELEASE": str(args.release)})
        try:
            rows = json.load(open(report.name))
        except ValueError:
            rows = [["fail", "module", "exit status %s\n%s" % (status, text)]]
    for r in rows:
        o.add(*r)
    return o


def flat(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from flat(t)
        else:
            yield t


class Rows(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.rows, self.bad = [], set()

    def _row(self, verdict, test, detail=""):
        self.rows.append([verdict, test.id().split(".", 1)[-1], detail])

    def addSuccess(self, test):
        if id(test) not in self.bad:
            self._row("pass", test)

    def addFailure(self, test, err):
        self._row("fail", test, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad.add(id(test))
            self._row("fail", test, "%s\n%s" % (subtest, self._exc_info_to_string(err, test)))

    def addSkip(self, test, reason):
        self._row("skip", test, reason)


def module_main(path, report, word):
    """The child process of run_module()."""
    sys.path[:0] = [str(TOP / "lib"), str(path.parent)]
    suite = unittest.defaultTestLoader.loadTestsFromName(path.stem)
    kept = unittest.TestSuite(t for t in flat(suite)
                              if not word or word in "%s/%s" % (path.parent.name, t.id()))
    result = Rows()
    kept.run(result)
    json.dump(result.rows, open(report, "w"))
    return 0


def jobs_of(args):
    listing = subprocess.run(["meson", "introspect", "--tests", str(args.build)],
                             capture_output=True, text=True, check=True)
    # the long ones first, so that no core idles at the end
    for path in sorted(TOP.glob("*/test_*.py"), key=lambda p: -p.stat().st_size):
        if not args.k or args.k in str(path.relative_to(TOP)) or args.k in path.read_text():
            yield str(path), (lambda p=path: run_module(p, args))
    for t in json.loads(listing.stdout):
        if not args.k or args.k in t["name"]:
            yield t["name"], (lambda t=t: run_program(t))


def timed(job):
    start = time.monotonic()
    o = job()
    o.seconds = time.monotonic() - start
    return o


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--build", type=pathlib.Path, help="build with sanitizers")
    ap.add_argument("--release", type=pathlib.Path, help="release build")
    ap.add_argument("-k", default="", help="only what has this word in its name")
    ap.add_argument("-j", type=int, default=os.cpu_count() or 2)
    ap.add_argument("-v", action="store_true", help="a line for each test")
    ap.add_argument("--module", type=pathlib.Path, help=argparse.SUPPRESS)
    ap.add_argument("--report", help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.module:
        return module_main(args.module, args.report, args.k)
    args.build, args.release = args.build.resolve(), args.release.resolve()
    failed, skipped, total = [], [], 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        pending = [pool.submit(timed, job) for _, job in jobs_of(args)]
        for f in concurrent.futures.as_completed(pending):
            o = f.result()
            if not o.rows:
                continue
            print("%-44s %4d passed %3d failed %3d skipped %7.1f s" % (
                o.name, o.count("pass"), o.count("fail"), o.count("skip"), o.seconds), flush=True)
            if args.v:
                for verdict, test, _ in o.rows:
                    print("  %-4s %s" % (verdict, test))
            total += o.count("pass")
            failed += [(o.name, t, d) for v, t, d in o.rows if v == "fail"]
            skipped += [(o.name, t, d) for v, t, d in o.rows if v == "skip"]
    for name, test, detail in failed:
        print("\nFAILED %s: %s\n%s" % (name, test, detail[-6000:]))
    if skipped:
        print()
    for name, test, why in skipped:
        print("skipped %s: %s: %s" % (name, test, why))
    print("\n%d passed, %d failed, %d skipped" % (total, len(failed), len(skipped)))
    return 1 if failed or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
