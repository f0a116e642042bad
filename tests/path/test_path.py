"""Causes on the path and among the addresses of a name, in a network of the test's own.

With TW_KEEP_TRACES=DIR the trace of each case is saved there, for tests/rules.
"""
import ctypes
import os
import pathlib
import unittest

import namespace
import pki
import servers
from diagnose import Checks, diagnose

NAME = "dual.example.test"
HOSTS = "127.0.0.1 localhost\n127.0.0.2 pool.example.test\n127.0.0.3 pool.example.test\n" \
        "127.0.0.1 %s\n::1 %s\n" % (NAME, NAME)


def setUpModule():
    namespace.enter()
    # packets as on a wire: of Ethernet's size, and not gathered on their way through the filter
    ip = servers.program("ip")
    namespace.run(ip, "link", "set", "lo", "mtu", "1500")
    namespace.run(ip, "link", "set", "lo", "gso_max_segs", "1")
    hosts = servers.workdir() / "hosts"
    hosts.write_text(HOSTS)
    if ctypes.CDLL(None, use_errno=True).mount(str(hosts).encode(), b"/etc/hosts", None, 0x1000,
                                               None) != 0:
        raise unittest.SkipTest("/etc/hosts cannot be laid over here")


def keep(name):
    folder = os.environ.get("TW_KEEP_TRACES")
    if not folder:
        return []
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    return ["--save-trace", pathlib.Path(folder) / (name + ".jsonl")]


class Packets(Checks, unittest.TestCase):
    def behind(self, rule, cause, *options, **want):
        with servers.go(pki.shared().leaf()) as s, \
                namespace.Filter("tcp dport %d %s" % (s.port, rule)):
            return self.caused(s, cause, *options, **want)

    def test_large_packets_of_the_client_are_lost(self):
        d = self.behind("ip length > 1200 drop", "mtu-blackhole", *keep("mtu-blackhole"),
                        side="network", at="server_hello")
        self.assertTrue(any("not acknowledged" in e["value"] for e in d.first["evidence"]), str(d))

    def test_large_packets_of_the_server_are_lost(self):
        with servers.go(pki.shared().leaf("rsa3072")) as s, \
                namespace.Filter("tcp sport %d ip length > 1200 drop" % s.port):
            self.caused(s, "mtu-blackhole", "--groups", "x25519", side="network")

    def test_a_large_client_hello_is_swallowed(self):
        """A device that looks at the first packet of a TLS record of over 1400 bytes, and drops it."""
        d = self.behind("@th,256,16 0x1603 @th,280,16 > 1400 drop", "middlebox-large-client-hello",
                        *keep("middlebox-large-client-hello"), side="network", at="server_hello")
        self.assertIn("small TLS records", d.first["summary"])

    def test_no_post_quantum_share_no_trouble(self):
        with servers.go(pki.shared().leaf()) as s, \
                namespace.Filter("tcp dport %d @th,256,16 0x1603 @th,280,16 > 1400 drop" % s.port):
            self.healthy(s, "--groups", "x25519,secp256r1")


class Addresses(Checks, unittest.TestCase):
    def on(self, pair, address, port=None):
        return servers.openssl_at(pair, address, port)

    def ask(self, name, port, *options):
        return diagnose(port, *options, host=name, connect=False)

    def test_one_of_two_addresses_has_an_expired_certificate(self):
        good = pki.shared().leaf(names=("pool.example.test",))
        old = pki.shared().leaf(names=("pool.example.test",), label="old", start=-60, end=-30)
        with self.on(old, "127.0.0.2") as a, self.on(good, "127.0.0.3", a.port):
            d = self.ask("pool.example.test", a.port, *keep("backend-inconsistent"))
            first = d.ids[0]
            self.assertEqual(first, "backend-inconsistent", str(d))
            self.assertIn("cert-expired", d.ids, str(d))
            self.assertEqual(d.first["certainty"], "proven")

    def test_only_ipv6_is_broken(self):
        good = pki.shared().leaf(names=(NAME,))
        old = pki.shared().leaf(names=(NAME,), label="old", start=-60, end=-30)
        with self.on(old, "[::1]") as a, self.on(good, "127.0.0.1", a.port):
            d = self.ask(NAME, a.port, *keep("ipv6-broken-only"))
            self.assertEqual(d.ids[:1], ["ipv6-broken-only"], str(d))
            self.assertIn("IPv4", d.first["summary"])

    def test_both_are_well(self):
        good = pki.shared().leaf(names=(NAME,))
        with self.on(good, "[::1]") as a, self.on(good, "127.0.0.1", a.port):
            d = self.ask(NAME, a.port)
            self.assertEqual((d.obj["outcome"], d.ids, d.obj["warnings"]), ("ok", [], []), str(d))
            self.assertLessEqual(d.obj["timing"]["connections"], 2)

    def test_both_are_broken_alike(self):
        old = pki.shared().leaf(names=(NAME,), label="old", start=-60, end=-30)
        with self.on(old, "[::1]") as a, self.on(old, "127.0.0.1", a.port):
            d = self.ask(NAME, a.port)
            self.assertEqual(d.ids, ["cert-expired"], str(d))

    def test_a_refused_ipv6_address_is_a_warning(self):
        good = pki.shared().leaf(names=(NAME,))
        with self.on(good, "127.0.0.1") as a:
            d = self.ask(NAME, a.port)
            self.assertEqual((d.obj["outcome"], d.ids), ("ok", []), str(d))
            self.assertEqual([w["id"] for w in d.obj["warnings"]], ["ipv6-broken-only"], str(d))


if __name__ == "__main__":
    unittest.main()
