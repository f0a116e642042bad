#!/usr/bin/env python3
"""Makes the traces of causes that only captures show: tests/rules/make_flows.py [--tlswhy BINARY]

Their connections are those of tests/capture/flows.py; the files are as in make.py.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "capture")]

import flows  # noqa: E402


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--tlswhy", type=pathlib.Path, default=TOP / "build/src/cli/tlswhy")
    tlswhy = str(ap.parse_args().tlswhy.resolve())
    with tempfile.TemporaryDirectory() as folder:
        for cause, makers in flows.FLOWS.items():
            (HERE / cause).mkdir(exist_ok=True)
            jobs = [("hit%s" % ("-%d" % (i + 1) if len(makers) > 1 else ""), m)
                    for i, m in enumerate(makers)]
            for name, maker in jobs + [("miss", flows.NEAR[cause])]:
                maker().write(pathlib.Path(folder) / "flow.pcap")
                subprocess.run([tlswhy, "pcap", "--flow", "1", "--save-trace",
                                str(HERE / cause / (name + ".jsonl")), "flow.pcap"], cwd=folder,
                               stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
