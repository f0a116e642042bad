"""Causes that need a network of one's own: packet filters and name servers."""
import unittest

import namespace
import network
import pki
import servers
from diagnose import Checks, Diagnosis, diagnose
from tw import tlswhy


def setUpModule():
    namespace.enter()


class PacketFilter(Checks, unittest.TestCase):
    """Real packet filters before a healthy server."""

    def behind(self, rule, cause, *options, **want):
        with servers.go(pki.shared().leaf()) as s, \
                namespace.Filter(rule.replace("@", "tcp dport %d" % s.port)):
            return self.caused(s, cause, *options, **want)

    def test_drops_every_packet(self):
        self.behind("@ drop", "tcp-timeout", "--timeout", "3", side="network", at="tcp")

    def test_says_unreachable(self):
        self.behind("@ reject with icmpx type host-unreachable", "tcp-timeout", "--timeout", "3",
                    side="network", at="tcp", certainty=None)

    def test_resets_the_syn(self):
        self.behind("@ reject with tcp reset", "tcp-refused", side="server", at="tcp")

    def test_resets_on_the_client_hello(self):
        self.behind("@ tcp flags & psh == psh reject with tcp reset", "rst-on-client-hello",
                    side="network", at="server_hello")

    def test_resets_on_a_large_client_hello(self):
        """As devices do that do not know of post-quantum key shares."""
        d = self.behind("@ ip length > 1000 reject with tcp reset", "middlebox-large-client-hello",
                        side="network", at="server_hello", certainty="likely")
        self.assertIn("pq-key-share-intolerance", [x["id"] for x in d.first["not"]], str(d))

    def test_drops_after_the_handshake_began(self):
        """Silence is no cause by itself; it must be told as what it is, and in time."""
        with servers.go(pki.shared().leaf()) as s, \
                namespace.Filter("tcp dport %d tcp flags & psh == psh drop" % s.port):
            d = diagnose(s, "--timeout", "4")
            self.assertEqual("fail", d.obj["outcome"], str(d))
            self.assertLess(d.obj["timing"]["total_ms"], 6000, str(d))
            self.assertFalse([c for c in d.obj["causes"] if c["certainty"] == "proven"], str(d))


class NameServer(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        namespace.ask_only_loopback()

    def check(self, *options):
        return Diagnosis(tlswhy("check", "--json", "--ca", pki.shared().root.cert, *options,
                                "nobody.test:443"))

    def named(self, d, certainty):
        self.assertEqual((["dns-failure"], 1), (d.ids, d.status), str(d))
        self.assertEqual((certainty, "network"), (d.first["certainty"], d.first["side"]), str(d))
        self.assertEqual("dns", d.obj["failed_at"], str(d))
        self.assertEqual(0, d.obj["timing"]["connections"], str(d))

    def dnsmasq(self, *options):
        exe = servers.program("dnsmasq")
        return servers.launch("dnsmasq", lambda port, d: [
            exe, "--keep-in-foreground", "--no-resolv", "--no-hosts", "--no-daemon", "--port=53",
            "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=", "--conf-file=/dev/null",
            "--user=root", *options], port=53)

    def test_no_such_name(self):
        with self.dnsmasq("--local=/test/"):
            self.named(self.check(), "proven")

    def test_no_address(self):
        with self.dnsmasq("--local=/test/", "--txt-record=nobody.test,hello"):
            self.named(self.check(), "proven")

    def test_refused(self):
        with self.dnsmasq():    # no upstream, not its own zone
            self.named(self.check("--timeout", "4"), "likely")

    def test_no_name_server_at_all(self):
        self.named(self.check("--timeout", "4"), "likely")

    def test_a_name_that_resolves(self):
        with self.dnsmasq("--local=/test/", "--address=/%s/127.0.0.1" % pki.NAME), \
                servers.openssl(pki.shared().leaf()) as s:
            d = Diagnosis(tlswhy("check", "--json", "--ca", pki.shared().root.cert,
                                 "%s:%d" % (pki.NAME, s.port)))
            self.assertEqual(("ok", []), (d.obj["outcome"], d.ids), str(d))
            self.assertEqual(["127.0.0.1"], d.obj["target"]["addresses"], str(d))

    def test_nobody_listens_at_both_addresses(self):
        with self.dnsmasq("--local=/test/", "--host-record=both.test,127.0.0.1,::1"), \
                network.nobody() as local:
            d = Diagnosis(tlswhy("check", "--json", "both.test:%d" % local.port))
            self.assertEqual((["tcp-refused"], 1), (d.ids, d.status), str(d))


if __name__ == "__main__":
    unittest.main()
