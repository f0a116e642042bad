#!/usr/bin/env python3
"""Captures: tlswhy pcap beside tshark, tcpdump and a loop over libpcap that only counts.

    bench/bench_pcap.py [--connections N] [--kib N] [--quick]

Called by script/bench. README.md in this folder says what is measured. CPU seconds count: other work
on the machine makes a run longer, not busier. Of three runs of each the least counts.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = TOP / "build"
MAKE = str(BUILD / "bench/bench_pcap")
RUN = str(BUILD / "bench/bench_run")
TLSWHY = str(BUILD / "tlswhy")
FIELDS = ["tcp.stream", "tls.handshake.extensions_server_name", "tls.handshake.version",
          "tls.handshake.ciphersuite", "tls.handshake.certificate", "tls.alert_message.desc"]


def run(argv, times=3, limit=900):
    """(CPU seconds, peak MiB), the least of some runs."""
    rows = []
    for _ in range(times):
        p = subprocess.run([RUN, str(limit), *argv], check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE)
        _, cpu, memory, status = map(int, p.stdout.split())
        if status not in (0, 1):
            raise SystemExit("%s ended with %d" % (argv[0], status))
        rows.append((cpu / 1e9, memory / 1024))
    return min(rows)


def make(path, connections, kib, at_once):
    subprocess.run([MAKE, "make", str(path), str(connections), str(kib), str(at_once)], check=True)
    return os.path.getsize(path) / 1e6


def line(name, mb, connections, cpu, memory):
    print("%-34s %8.2f s %8.0f MB/s %10.0f handshakes/s %6.0f MiB" %
          (name, cpu, mb / cpu, connections / cpu, memory))


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--connections", type=int, default=20000)
    ap.add_argument("--kib", type=int, default=40, help="application data per connection")
    ap.add_argument("--quick", action="store_true", help="tshark on a tenth")
    a = ap.parse_args()
    ok = []
    with tempfile.TemporaryDirectory() as folder:
        pcap = pathlib.Path(folder) / "bench.pcap"
        mb = make(pcap, a.connections, a.kib, 200)
        print("%d connections, %.0f MB" % (a.connections, mb))
        floor = run([MAKE, "count", str(pcap)])
        line("loop over libpcap that counts", mb, a.connections, *floor)
        if shutil.which("tcpdump"):
            line("tcpdump -r FILE -w /dev/null", mb, a.connections,
                 *run(["tcpdump", "-r", str(pcap), "-w", "/dev/null"]))
        ours = run([TLSWHY, "pcap", str(pcap)])
        line("tlswhy pcap", mb, a.connections, *ours)
        fields = run([TLSWHY, "pcap", "--json", str(pcap)])
        line("tlswhy pcap --json", mb, a.connections, *fields)
        ok.append(("rate as a share of the counting loop's", 0.5, floor[0] / ours[0], True))
        if shutil.which("tshark"):
            part, share = pcap, 1
            if a.quick:
                part, share = pathlib.Path(folder) / "part.pcap", 0.1
                make(part, int(a.connections * share), a.kib, 200)
            argv = ["tshark", "-r", str(part), "-T", "fields"]
            for f in FIELDS:
                argv += ["-e", f]
            cpu, memory = run(argv + ["-Y", "tls.handshake or tls.alert_message"], times=1)
            line("tshark, same fields", mb, a.connections, cpu / share, memory)
            ok.append(("times tshark, same fields (--json)", 40, cpu / share / fields[0], True))
        many = pathlib.Path(folder) / "many.pcap"
        pcap.unlink()
        make(many, 100000, 4, 100000)
        memory = run([TLSWHY, "pcap", str(many)], times=1)[1]
        ok.append(("MiB for 100,000 connections at once", 256, memory, False))
    missed = 0
    for what, target, got, at_least in ok:
        good = got >= target if at_least else got <= target
        missed += not good
        print("%-40s target %s %g, measured %.2f%s" % (what, ">=" if at_least else "<=", target, got,
                                                     "" if good else "  MISSED"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
