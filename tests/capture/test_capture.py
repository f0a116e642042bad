"""Captures made here: file formats, damage, summaries; and the lab's faults, probed while recorded."""
import gzip
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import flows  # noqa: E402
from tw import tlswhy  # noqa: E402

# What TLS 1.3 hides, or only trials can tell apart: causes that the bystander may give instead.
# None: the client went on, so that nothing failed on the wire.
WEAKER = {
    "reset-before-hello": {"rst-on-client-hello", "close-on-client-hello"},
    "reset-before-hello-fin": {"rst-on-client-hello", "close-on-client-hello"},
    "plaintext-on-tls-port-mute": {"close-on-client-hello"},
    "bad-record-mac-finished": {None},
}
# Who dislikes what in a ClientHello is told by trials alone.
DISLIKES = {"version-intolerance", "extension-intolerance", "pq-key-share-intolerance", "sni-filtering",
            "middlebox-large-client-hello", "mtu-blackhole", "tls13-middlebox-compat-mismatch",
            "backend-inconsistent", "upstream-tls-misconfig"}
REFUSED = {"rst-on-client-hello", "close-on-client-hello", "user-cancelled", "peer-implementation-bug"}
SAME_ALERT = {"cipher-no-overlap", "sni-required"}    # handshake_failure says no more
SIGNATURE = {"handshake-signature-invalid"}
NO_FLOW = {"dns-failure", "tcp-refused", "tcp-timeout"}


def capture_works():
    if shutil.which("tcpdump") is None:
        return "no tcpdump"
    if os.geteuid() != 0:
        return "capturing needs root"
    return None


class Recording:
    """tcpdump on loopback while the block runs."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.p = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-B", "262144", "-w", str(self.path),
                                   "tcp"], stderr=subprocess.PIPE, text=True)
        for line in self.p.stderr:
            if "listening on" in line:
                break
        return self

    def __exit__(self, *_):
        size, until = -1, time.monotonic() + 15
        while size != self.path.stat().st_size and time.monotonic() < until:
            size = self.path.stat().st_size
            time.sleep(1.5)  # the kernel hands packets over in batches
        self.p.send_signal(signal.SIGINT)
        said = self.p.stderr.read()
        self.dropped = int(re.search(r"(\d+) packets? dropped by kernel", said).group(1))
        self.p.wait(10)
        self.p.stderr.close()


def by_port(objects):
    """First flow of each server port: the baseline of the probe."""
    first = {}
    for o in sorted(objects, key=lambda o: o["flow"]["n"]):
        first.setdefault(int(o["server"].rsplit(":", 1)[1]), o)
    return first


@unittest.skipIf(capture_works(), capture_works() or "")
class Lab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.pcap = pathlib.Path(cls.dir.name) / "lab.pcap"
        ca = pathlib.Path(cls.dir.name) / "ca.pem"
        names = [line.split()[0] for line in tlswhy("lab", "--list").out.splitlines() if line]
        with Recording(cls.pcap) as recording:
            r = tlswhy("lab", "--diagnose", "--json", "--write-ca", ca, timeout=300)
        if recording.dropped:
            cls.dir.cleanup()
            raise unittest.SkipTest("the kernel dropped %d packets of the recording" %
                                    recording.dropped)
        cls.probed = dict(zip(names, r.objects()))
        seen = tlswhy("pcap", "--json", "--ca", ca, cls.pcap)
        cls.status = seen.status
        cls.flows = by_port(seen.objects())

    @classmethod
    def tearDownClass(cls):
        cls.dir.cleanup()

    def test_same_cause_or_the_honest_weaker_one(self):
        self.assertGreater(len(self.probed), 40)
        self.assertEqual(self.status, 1)
        for name, probe in self.probed.items():
            if name.startswith("dns-failure") or name in NO_FLOW:
                continue
            want = probe["causes"][0]["id"] if probe["causes"] else None
            flow = self.flows.get(probe["target"]["port"])
            with self.subTest(fault=name):
                if flow is None:
                    # TCP never came up, or a proxy stands in front
                    self.assertIn(probe["failed_at"], ("dns", "tcp", "proxy", "starttls",
                                                        "client_hello"))
                    continue
                got = flow["causes"][0]["id"] if flow["causes"] else None
                allowed = {want} | WEAKER.get(name, set())
                if want in DISLIKES:
                    allowed |= REFUSED
                said = [a.get("desc") for a in flow["alerts"]]
                if "handshake_failure" in said:
                    allowed |= SAME_ALERT
                if "decrypt_error" in said:
                    allowed |= SIGNATURE
                if flow["outcome"] == "ok":
                    # the probe goes on after a bad certificate: on the wire nothing failed
                    allowed |= {None}
                    self.assertIn(probe["failed_at"], (None, "certificate", "finished", "application"))
                elif probe["failed_at"] in ("proxy", "starttls"):
                    continue
                self.assertIn(got, allowed)

    def test_facts_in_clear_are_those_of_the_probe(self):
        compared = 0
        for probe in self.probed.values():
            flow = self.flows.get(probe["target"]["port"])
            hs = probe.get("handshake")
            if flow is None or not hs or not hs["version"] or not flow["handshake"]["version"]:
                continue
            compared += 1
            with self.subTest(port=probe["target"]["port"]):
                for key in ("version", "cipher", "group"):
                    self.assertEqual(flow["handshake"][key], hs[key], key)
        self.assertGreater(compared, 10)

    def test_certainty_is_never_proven_by_an_alert_alone(self):
        for flow in self.flows.values():
            for cause in flow["causes"]:
                if cause["id"] in SAME_ALERT | SIGNATURE:
                    self.assertNotEqual(cause["certainty"], "proven")

    def test_summary_and_one_flow(self):
        r = tlswhy("pcap", self.pcap)
        m = re.match(r"(\d+) handshakes, (\d+) failed", r.out)
        self.assertIsNotNone(m, r.out)
        counts = [int(n) for n in re.findall(r"^ +(\d+) × ", r.out, re.M)]
        self.assertEqual(counts, sorted(counts, reverse=True))
        n = re.search(r"flows? (\d+)", r.out).group(1)
        one = tlswhy("pcap", "--flow", n, self.pcap)
        self.assertIn("FAILS", one.out)
        self.assertIn("flow %s:" % n, one.out)
        self.assertEqual(tlswhy("pcap", "--flow", "999999", self.pcap).status, 2)

    def test_filters(self):
        def flows(*options):
            return tlswhy("pcap", "--json", *options, self.pcap).objects()
        every = flows()
        port = self.probed["cert-expired"]["target"]["port"]
        some = flows("--server", "127.0.0.1:%d" % port)
        self.assertTrue(some)
        self.assertLess(len(some), len(every))
        self.assertEqual({o["server"] for o in some}, {"127.0.0.1:%d" % port})
        self.assertEqual({o["causes"][0]["id"] for o in flows("--cause", "alpn-no-overlap")},
                         {"alpn-no-overlap"})
        self.assertEqual({o["sni"] for o in flows("--sni", "localhost")}, {"localhost"})
        bpf = flows("-f", "tcp port %d" % port)
        self.assertEqual(len(bpf), len(some))

    def test_all_in_full(self):
        o = next(o for o in tlswhy("pcap", "--json", "--all", self.pcap).objects()
                 if o["outcome"] == "ok")
        self.assertIn("ClientHello", [row["message"] for row in o["handshake"]["ladder"]])

    # ---- the same capture in other clothes ---------------------------------------------------------

    def lines(self, path, **kw):
        r = tlswhy("pcap", "--json", path, **kw)
        return [{k: v for k, v in o.items() if k in ("client", "server", "sni", "cipher", "alerts",
                                                     "complete", "outcome")} for o in r.objects()]

    def frames(self):
        raw = self.pcap.read_bytes()
        magic, link = struct.unpack("<I", raw[:4])[0], struct.unpack("<I", raw[20:24])[0]
        scale = 1 if magic == 0xa1b23c4d else 1000
        at, out = 24, []
        while at + 16 <= len(raw):
            sec, frac, n, wire = struct.unpack("<IIII", raw[at:at + 16])
            out.append((sec, frac * scale, raw[at + 16:at + 16 + n], wire))
            at += 16 + n
        return link, out

    def test_compressed_and_standard_input(self):
        want = self.lines(self.pcap)
        packed = self.pcap.with_suffix(".gz")
        packed.write_bytes(gzip.compress(self.pcap.read_bytes()))
        self.assertEqual(self.lines(packed), want)
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-qf", str(self.pcap), "-o", str(packed)], check=True)
            self.assertEqual(self.lines(packed), want)
        self.assertEqual(self.lines("-", input=packed.read_bytes()), want)

    def test_swapped_nanoseconds_and_pcapng(self):
        want = self.lines(self.pcap)
        link, frames = self.frames()
        other = self.pcap.with_suffix(".other")
        with open(other, "wb") as f:
            f.write(struct.pack(">IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
            for sec, ns, data, wire in frames:
                f.write(struct.pack(">IIII", sec, ns, len(data), wire) + data)
        self.assertEqual(self.lines(other), want)
        for order, resolution in (("<", 9), (">", 6)):
            with open(other, "wb") as f:
                f.write(struct.pack(order + "IIIHHqI", 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, -1, 28))
                for wrong in (147, link):   # the first interface is of another link type
                    f.write(struct.pack(order + "IIHHIHHB3xHHI", 1, 32, wrong, 0, 0, 9, 1,
                                        resolution, 0, 0, 32))
                for sec, ns, data, wire in frames:
                    t = sec * 10 ** resolution + ns // 10 ** (9 - resolution)
                    pad = -len(data) % 4
                    total = 32 + len(data) + pad
                    f.write(struct.pack(order + "IIIIIII", 6, total, 1, t >> 32, t & 0xffffffff,
                                        len(data), wire) + data + bytes(pad) +
                            struct.pack(order + "I", total))
            self.assertEqual(self.lines(other), want)

    def test_order_and_copies_of_frames_do_not_matter(self):
        want = self.lines(self.pcap)
        link, frames = self.frames()
        other = self.pcap.with_suffix(".other")
        doubled = []
        for i, f in enumerate(frames):
            doubled.append(f)
            if i % 3 == 0 and len(f[2]) > 80:
                doubled.append(f)
        with open(other, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
            for sec, ns, data, wire in doubled:
                f.write(struct.pack("<IIII", sec, ns, len(data), wire) + data)
        self.assertEqual(self.lines(other), want)

    def test_damage_gives_what_was_read_and_where_it_broke(self):
        raw = self.pcap.read_bytes()
        cut = self.pcap.with_suffix(".cut")
        cut.write_bytes(raw[:len(raw) // 2])
        r = tlswhy("pcap", "--json", cut)
        self.assertEqual(r.status, 2)
        self.assertTrue(r.objects())
        self.assertRegex(r.err, r"at byte \d+")
        cut.write_bytes(b"this is no capture")
        r = tlswhy("pcap", cut)
        self.assertEqual((r.status, r.out), (2, ""))
        self.assertEqual(tlswhy("pcap", self.pcap.with_suffix(".absent")).status, 2)

    def test_every_shorter_file_is_survived(self):
        raw = self.pcap.read_bytes()[:3000]
        cut = self.pcap.with_suffix(".cut")
        for n in list(range(0, 120)) + list(range(120, len(raw), 97)):
            cut.write_bytes(raw[:n])
            r = tlswhy("pcap", "--json", cut)
            self.assertIn(r.status, (0, 1, 2, 3), "%d bytes: %s" % (n, r.err))


class MadeUp(unittest.TestCase):
    """Connections of flows.py: what only a bystander sees."""

    def objects(self, maker, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = maker().write(pathlib.Path(folder) / "x.pcap")
            return tlswhy("pcap", "--json", *options, path).objects()

    def test_causes(self):
        for cause, makers in flows.FLOWS.items():
            for maker in makers:
                with self.subTest(flow=maker.__name__):
                    o, = self.objects(maker)
                    self.assertEqual(o["causes"][0]["id"], cause)
                    self.assertEqual(o["outcome"], "fail")

    def test_near_misses(self):
        for cause, maker in flows.NEAR.items():
            with self.subTest(flow=maker.__name__, cause=cause):
                o, = self.objects(maker)
                self.assertNotIn(cause, [c["id"] for c in o["causes"]])

    def test_quic_alert_is_an_alert(self):
        o, = self.objects(flows.quic_refused)
        self.assertEqual(o["alerts"], [{"dir": "S", "desc": "no_application_protocol"}])
        self.assertEqual(o["sni"], "example.com")    # RFC 9001 A.2

    def test_hidden_alert_is_said_to_be_inferred(self):
        o, = self.objects(flows.client_rejected)
        self.assertTrue(o["flow"]["alerts"][0]["inferred"])
        self.assertNotEqual(o["causes"][0]["certainty"], "proven")


if __name__ == "__main__":
    unittest.main()
