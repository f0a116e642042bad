"""
Peers that mean harm: none of them can hold a check past its --timeout, nor make it need more than
64 MiB, nor keep it from a well-formed report. Measured on the release build, since sanitizers
need memory and time of their own.
"""
import concurrent.futures
import json
import os
import struct
import subprocess
import tempfile
import time
import unittest

import cliparts
import mini13
import tw
from mini13 import ALERT, APPLICATION, HANDSHAKE, extension, message, record, server_hello, vec

TIMEOUT = 2.0
SLACK = 1.5                     # for a busy machine; the timer itself is exact to milliseconds
MEMORY_KIB = 64 * 1024
HRR = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


# A process inherits the peak of the one that started it (getrusage(2) on ru_maxrss), so a small
# one stands between us and the program that is measured.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.monotonic()
p = subprocess.run(sys.argv[1:], capture_output=True)
print(json.dumps([time.monotonic() - start,
                  resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, p.returncode,
                  p.stdout.decode(), p.stderr.decode()]))
"""


class Done:
    """A finished run."""

    def __init__(self, *args, release=True):
        binary = str(tw.TLSWHY_RELEASE if release else tw.TLSWHY)
        text = subprocess.run(["python3", "-S", "-c", MEASURE, binary, *args],
                              capture_output=True, text=True, check=True, timeout=120,
                              env={**os.environ, "NO_COLOR": "1"}).stdout
        self.seconds, self.rss_kib, self.status, self.out, self.err = json.loads(text)


# ---- the peers: each is called with a connection ------------------------------------------------

def silent(conn):
    while conn.recv(65536):
        pass


def drip(data):
    """One byte a second."""
    def serve(conn):
        conn.recv(65536)
        for i in range(60):
            conn.sendall(data[i % len(data):][:1])
            time.sleep(1)
    return serve


def flood(block, first=b"", wait=True):
    """first, then block for ever."""
    big = block * max(1, 65536 // len(block))

    def serve(conn):
        if wait:
            conn.recv(65536)
        conn.sendall(first)
        while True:
            conn.sendall(big)
    return serve


def hello12(cipher=0xc02b):
    return record(HANDSHAKE, server_hello(b"", b"", cipher=cipher))


def big_certificate_12(conn):
    """TLS 1.2: a Certificate message of 16 MB, and whatever follows it."""
    conn.recv(65536)
    conn.sendall(hello12())
    conn.sendall(record(HANDSHAKE, b"\x0b\xff\xff\xff" + b"\xff\xff\xfc" + b"\x00\x3f\xff"))
    while True:
        conn.sendall(record(HANDSHAKE, b"\x30" * 16384) * 8)


def many_certificates_12(conn):
    """TLS 1.2: a chain of small certificates that fills the longest message."""
    conn.recv(65536)
    der, _ = mini13.certificate()
    chain = vec(3, der) * ((1 << 24) // (len(der) + 3) - 1)
    body = message(11, vec(3, chain))
    conn.sendall(hello12())
    for i in range(0, len(body), 16384):
        conn.sendall(record(HANDSHAKE, body[i:i + 16384]))
    silent(conn)


def big_certificate_13(conn):
    s = mini13.Server(conn)
    s.hello()
    s.say(message(8, vec(2, b"")))
    s.send(HANDSHAKE, b"\x0b\xff\xff\xff" + b"\x00" + b"\xff\xff\xfb" + b"\x00\x3f\xff")
    while True:
        s.send(HANDSHAKE, b"\x30" * 65536)


def bomb_13(conn):
    """CompressedCertificate (RFC 8879) that says it is small and grows without end."""
    import zlib
    s = mini13.Server(conn)
    s.hello()
    s.say(message(8, vec(2, b"")))
    packed = zlib.compress(bytes(200 << 20), 9)[:60000]
    s.say(message(25, struct.pack(">H", 1) + (0xffffff).to_bytes(3, "big") + vec(3, packed)))
    silent(conn)


def endless_retry(conn):
    """HelloRetryRequest after HelloRetryRequest."""
    _, sid, _ = mini13.client_hello(conn)
    hrr = record(HANDSHAKE, server_hello(
        sid, extension(43, b"\x03\x04") + extension(51, b"\x00\x18"), random=HRR))
    while True:
        conn.sendall(hrr)


def after_handshake(make):
    """An honest handshake, then what make(server) sends for ever."""
    def serve(conn):
        s = mini13.Server(conn)
        s.hello()
        s.finish()
        while True:
            make(s)
    return serve


def ticket(s):
    body = struct.pack(">II", 7200, 1) + vec(1, os.urandom(8)) + vec(2, os.urandom(600)) + vec(2, b"")
    s.send(HANDSHAKE, message(4, body) * 20)


def big_ticket(s):
    s.send(HANDSHAKE, message(4, struct.pack(">II", 7200, 1) + vec(1, b"n") + vec(2, b"t" * 65000)
                              + vec(2, b"")))


def tiny_ticket(s):
    s.send(HANDSHAKE, message(4, struct.pack(">II", 1, 1) + b"\0" + b"\0\1t" + b"\0\0") * 800)


def key_update(s):
    s.send(HANDSHAKE, message(24, b"\x01"))  # update_requested: wants an answer each time
    s.out = s.out.updated()


def endless_message(s):
    s.send(HANDSHAKE, b"\x04\xff\xff\xff" + b"x" * 60000)
    while True:
        s.send(HANDSHAKE, b"x" * 65536)


def http_drip(conn):
    """Asks for a certificate, so that an HTTP status is worth waiting for, and lets it trickle."""
    s = mini13.Server(conn)
    s.hello()
    s.finish(request=True)
    for byte in b"HTTP/1.1" + b" " * 50:
        s.send(APPLICATION, bytes([byte]))
        time.sleep(1)


PEERS = {
    "silent": silent,
    "drip: garbage": drip(b"x"),
    "drip: record that never ends": drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + b"\x00" * 60),
    "drip: banner": drip(b"220 mail.example ESMTP"),
    "flood: garbage": flood(b"\xa5garbage"),
    "flood: zeros": flood(b"\0"),
    "flood: before any hello": flood(b"220 hello\r\n", wait=False),
    "flood: empty handshake records": flood(record(HANDSHAKE, b"")),
    "flood: empty records after ServerHello": flood(record(HANDSHAKE, b""), hello12()),
    "flood: warning alerts": flood(record(ALERT, b"\x01\x70")),
    "flood: warning alerts after ServerHello": flood(record(ALERT, b"\x01\x5a"), hello12()),
    "flood: HelloRequest": flood(record(HANDSHAKE, message(0, b""))),
    "flood: HelloRequest after ServerHello": flood(record(HANDSHAKE, message(0, b"") * 100), hello12()),
    "flood: ServerHello": flood(hello12()),
    "flood: Certificate": flood(record(HANDSHAKE, message(11, vec(3, b""))), hello12()),
    "flood: CertificateStatus": flood(record(HANDSHAKE, message(22, b"\x01" + vec(3, b"x" * 3000))),
                                      hello12()),
    "flood: change_cipher_spec": flood(record(20, b"\x01")),
    "flood: change_cipher_spec after ServerHello": flood(record(20, b"\x01"), hello12()),
    "flood: application data": flood(record(APPLICATION, b"x" * 1000), hello12()),
    "flood: unknown messages": flood(record(HANDSHAKE, message(99, b"x" * 1000))),
    "Certificate of 16 MB, TLS 1.2": big_certificate_12,
    "Certificate with 16 MB of certificates, TLS 1.2": many_certificates_12,
    "Certificate of 16 MB, TLS 1.3": big_certificate_13,
    "compressed certificate that explodes": bomb_13,
    "endless HelloRetryRequest": endless_retry,
    "drip: HTTP after the handshake": http_drip,
    "tickets after the handshake": after_handshake(ticket),
    "tiny tickets after the handshake": after_handshake(tiny_ticket),
    "great tickets after the handshake": after_handshake(big_ticket),
    "KeyUpdate after the handshake": after_handshake(key_update),
    "a message without end after the handshake": after_handshake(endless_message),
    "application data after the handshake": after_handshake(lambda s: s.send(APPLICATION, b"y" * 16000)),
    "empty records after the handshake": after_handshake(lambda s: s.send(APPLICATION, b"") or
                                                         s.conn.sendall(s.out.seal(APPLICATION, b""))),
    "warnings after the handshake": after_handshake(lambda s: s.send(ALERT, b"\x01\x5a")),
}
HANDSHAKE_IS_DONE = [name for name in PEERS if "after the handshake" in name]


class Hostile(unittest.TestCase):
    """All peers at once would measure this machine instead: a few at a time."""

    @classmethod
    def setUpClass(cls):
        cls.runs = cls.meet_all(release=True)

    @staticmethod
    def meet_all(release):
        def one(item):
            name, serve = item
            with cliparts.listener(serve) as port:
                return name, Done("--json", "--timeout", str(TIMEOUT), "localhost:%d" % port,
                                  release=release)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            return dict(pool.map(one, PEERS.items()))

    def test_sanitizers_find_nothing(self):
        """The same peers and the other build, whose time and memory say nothing."""
        for name, run in self.meet_all(release=False).items():
            with self.subTest(peer=name):
                self.assertEqual(run.err, "")
                self.assertIn(run.status, (1, 3))

    def test_ends_in_time(self):
        for name, run in self.runs.items():
            with self.subTest(peer=name):
                self.assertLess(run.seconds, TIMEOUT + SLACK)

    def test_stays_within_its_memory(self):
        for name, run in self.runs.items():
            with self.subTest(peer=name):
                self.assertLess(run.rss_kib, MEMORY_KIB)

    def test_gives_a_report_all_the_same(self):
        for name, run in self.runs.items():
            with self.subTest(peer=name):
                self.assertIn(run.status, (1, 3), run.err)
                self.assertEqual(run.err, "")
                obj = json.loads(run.out)
                self.assertEqual(cliparts.violations(obj), [])
                self.assertNotEqual(obj["outcome"], "ok")

    def test_the_handshake_is_not_blamed_for_what_comes_after_it(self):
        """The certificate is self-signed, and that is what is wrong."""
        for name in HANDSHAKE_IS_DONE:
            with self.subTest(peer=name):
                obj = json.loads(self.runs[name].out)
                self.assertTrue(obj["handshake"]["complete"])
                self.assertEqual(tw.causes(obj)[:1], ["self-signed-leaf"])


@unittest.skipIf(os.geteuid() != 0, "a network namespace of its own needs root")
class Resolver(unittest.TestCase):
    """In a network namespace with a resolver of our making, that is all there is to resolve with."""

    INSIDE = r"""
set -e
ip link set lo up
mount --bind "$1" /etc/resolv.conf
shift
exec "$@"
"""

    def setUp(self):
        probe = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            self.skipTest("no network namespaces here: " + probe.stderr.strip())
        if subprocess.run(["sh", "-c", "command -v ip"], capture_output=True).returncode != 0:
            self.skipTest("ip (iproute2) is not installed")

    def test_interrupted_look_up(self):
        obj = self.check("time.sleep(60)", "--timeout", "60", before=("timeout", "--preserve-status",
                                                                   "-s", "INT", "0.5"),
                         want=([], "dns", 130))
        self.assertEqual(obj["outcome"], "unknown")

    def check(self, serve, *args, before=(), want=(["dns-failure"], "dns", 1)):
        """serve: Python text that gets `sock`, the resolver's socket on 127.0.0.53:53."""
        with tempfile.TemporaryDirectory() as d:
            conf, done = os.path.join(d, "resolv.conf"), os.path.join(d, "done")
            with open(conf, "w") as f:
                f.write("nameserver 127.0.0.53\n")
            server = os.path.join(d, "server.py")
            with open(server, "w") as f:
                f.write("import os, socket, subprocess, sys, threading, time, resource\n"
                        "sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                        "sock.bind(('127.0.0.53', 53))\n"
                        "def serve():\n" + "".join("    %s\n" % l for l in serve.splitlines()) +
                        "threading.Thread(target=serve, daemon=True).start()\n"
                        "t = time.monotonic()\n"
                        "rc = subprocess.run(sys.argv[2:]).returncode\n"
                        "rss = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
                        "open(sys.argv[1], 'w').write('%f %d' % (time.monotonic() - t, rss))\n"
                        "sys.exit(rc)\n")
            p = subprocess.run(["unshare", "-n", "-m", "sh", "-c", self.INSIDE, "sh", conf,
                                "python3", server, done, *before, str(tw.TLSWHY_RELEASE), "--json",
                                "--timeout", str(TIMEOUT), *args, "host.tlswhy.test"],
                               capture_output=True, text=True, timeout=60)
            seconds, rss = open(done).read().split()
        self.assertEqual(p.stderr, "")
        self.assertLess(float(seconds), TIMEOUT + SLACK)
        self.assertLess(int(rss), MEMORY_KIB)
        obj = json.loads(p.stdout)
        self.assertEqual(cliparts.violations(obj), [])
        self.assertEqual((tw.causes(obj), obj["failed_at"], p.returncode), want)
        return obj

    def test_that_never_answers(self):
        self.check("time.sleep(60)")

    def test_that_answers_with_garbage(self):
        self.check("while True:\n    q, a = sock.recvfrom(4096)\n    sock.sendto(q[:2] + b'\\xff' * 400, a)")

    def test_that_answers_with_nothing(self):
        self.check("while True:\n    q, a = sock.recvfrom(4096)\n    sock.sendto(b'', a)")

    def test_that_floods(self):
        self.check("q, a = sock.recvfrom(4096)\n"
                   "while True:\n    sock.sendto(os.urandom(2) + q[2:] + b'x' * 400, a)")

    def test_that_refuses(self):
        self.check("while True:\n    q, a = sock.recvfrom(4096)\n"
                   "    sock.sendto(q[:2] + b'\\x81\\x85' + q[4:], a)")


class ManyAddresses(unittest.TestCase):
    """A check is one target's; its list is bounded by --timeout each."""

    def test_a_list_of_silent_targets_takes_its_timeouts_and_no_more(self):
        with cliparts.listener(silent) as port:
            start = time.monotonic()
            r = tw.tlswhy("--json", "--timeout", "0.5", "-", release=True,
                          input=b"localhost:%d\n" % port * 4)
            seconds = time.monotonic() - start
        self.assertEqual(len(cliparts.reports(r)), 4)
        self.assertLess(seconds, 4 * 0.5 + SLACK)


if __name__ == "__main__":
    unittest.main()
