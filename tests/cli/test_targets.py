"""Targets: several, from a list, as URLs; exit statuses; signals; JSON lines and nothing else."""
import json
import os
import pty
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import cliparts
import tw
from cliparts import reports


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Several(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cliparts.Lab("healthy", "cert-expired", "name-mismatch")
        cls.good, cls.expired = cls.lab.target("healthy"), cls.lab.target("cert-expired")

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def run_json(self, *args, **kw):
        r = tw.tlswhy("--json", "--ca", self.lab.ca, *args, **kw)
        return r, reports(r)

    def test_one_line_each_in_order_and_the_largest_exit_wins(self):
        r, objects = self.run_json(self.good, self.expired, self.good)
        self.assertEqual([o["outcome"] for o in objects], ["ok", "fail", "ok"])
        self.assertEqual([o["target"]["input"] for o in objects],
                         [self.good, self.expired, self.good])
        self.assertEqual((r.status, r.err), (1, ""))
        self.assertEqual(self.run_json(self.good, self.good)[0].status, 0)

    def test_list_on_standard_input(self):
        text = "\n# the lab\n  %s  \r\n\n%s\n%s" % (self.good, self.expired, self.good)
        r, objects = self.run_json("-", input=text.encode())
        self.assertEqual([o["outcome"] for o in objects], ["ok", "fail", "ok"])
        self.assertEqual((r.status, r.err), (1, ""))

    def test_a_bad_line_in_a_list_is_told_with_its_number_and_the_rest_goes_on(self):
        text = "%s\nlocalhost:0\n%s\n%s\n%s\n" % (self.good, "x" * 5000, "http://x/", self.good)
        r, objects = self.run_json("-", input=text.encode())
        self.assertEqual([o["outcome"] for o in objects], ["ok", "ok"])
        self.assertEqual(r.status, 2)
        self.assertEqual([line.split(":")[1] for line in r.err.splitlines()],
                         [" standard input, line 2", " standard input, line 3",
                          " standard input, line 4"])

    def test_a_list_cannot_reach_the_terminal(self):
        r, objects = self.run_json("-", input=b"\x1b]0;owned\x07 x:1\n\xff\xfe\x9b:1\n\xc2\x9bx\n")
        self.assertEqual((objects, r.status, r.err.count("\n")), ([], 2, 3))
        self.assertTrue(all(c == "\n" or c >= " " for c in r.err), r.err)

    def test_list_and_arguments_together(self):
        r, objects = self.run_json(self.expired, "-", input=(self.good + "\n").encode())
        self.assertEqual([o["outcome"] for o in objects], ["fail", "ok"])

    def test_an_empty_list(self):
        for text in (b"", b"\n\n# nothing\n"):
            r, objects = self.run_json("-", input=text)
            self.assertEqual((r.status, objects, r.err), (0, [], ""))

    def test_a_long_list_needs_no_more_memory(self):
        text = "host%d.invalid\n" * 3000 % tuple(range(3000))
        r = tw.tlswhy("--json", "-", input=text.encode(), release=True)
        self.assertEqual((r.status, r.err, r.out.count("\n")), (1, "", 3000))
        self.assertEqual(cliparts.violations(json.loads(r.out.splitlines()[-1])), [])

    def test_urls(self):
        port = self.lab.port("healthy")
        for url in ("https://localhost:%d", "https://localhost:%d/", "HTTPS://LOCALHOST:%d/a?b=c#d",
                    "https://user:secret@localhost:%d/private?token=1", "wss://localhost:%d/chat",
                    "imaps://localhost:%d", "tls://localhost:%d"):
            r, (o,) = self.run_json(url % port)
            self.assertEqual((r.status, o["target"]["host"].lower(), o["target"]["port"],
                              o["target"]["input"]), (0, "localhost", port, url.replace("user:secret@", "") % port))
            self.assertNotIn("secret", r.out)

    def test_default_ports_by_scheme(self):
        for target, port in (("host.invalid", 443), ("https://host.invalid/", 443),
                             ("wss://host.invalid", 443), ("smtps://host.invalid", 465),
                             ("submissions://host.invalid", 465), ("imaps://host.invalid", 993),
                             ("pop3s://host.invalid", 995), ("ldaps://host.invalid", 636),
                             ("ftps://host.invalid", 990), ("mqtts://host.invalid", 8883),
                             ("amqps://host.invalid", 5671), ("rediss://host.invalid", 6379),
                             ("sips://host.invalid", 5061), ("ircs://host.invalid", 6697),
                             ("xmpps://host.invalid", 5223), ("nntps://host.invalid", 563),
                             ("dot://host.invalid", 853), ("ldaps://host.invalid:1636", 1636)):
            r, (o,) = self.run_json(target)
            self.assertEqual((o["target"]["port"], r.status, tw.causes(o)),
                             (port, 1, ["dns-failure"]), target)

    def test_options_before_the_command_and_joined_letters(self):
        r = tw.tlswhy("--json", "--ca", self.lab.ca, "check", self.good)
        self.assertEqual((r.status, len(reports(r))), (0, 1))
        r = tw.tlswhy("--json", "causes", "cert-expired")
        self.assertEqual((r.status, json.loads(r.out)["id"]), (0, "cert-expired"))
        r = tw.tlswhy("-4vv", "--ca", self.lab.ca, "--", self.good)
        self.assertEqual(r.status, 0)
        self.assertIn("127.0.0.1", r.out)

    def test_a_host_that_is_called_like_a_command(self):
        r = tw.tlswhy("check", "--json", "--connect", self.good, "--ca", self.lab.ca, "lab:443")
        (o,) = reports(r)
        self.assertEqual((o["target"]["host"], tw.causes(o)[:1]), ("lab", ["name-mismatch"]))

    def test_not_enough_evidence_is_exit_3(self):
        """An answer that fits no cause: a well-formed alert that TLS 1.3 does not have."""
        def serve(conn):
            cliparts.read_record(conn)
            conn.sendall(b"\x15\x03\x03\x00\x02\x02\xc8")
        with cliparts.listener(serve) as port:
            r, (o,) = self.run_json("localhost:%d" % port)
            t = tw.tlswhy("--ca", self.lab.ca, "localhost:%d" % port)
        self.assertEqual((o["outcome"], o["causes"], r.status, t.status), ("fail", [], 3, 3))
        self.assertEqual(o["trials"][0]["alert"], "0xc8")
        self.assertIsNotNone(o["failed_at"])


class Progress(unittest.TestCase):
    """On anything longer than a second, on standard error, on a terminal only."""

    def stderr_of(self, terminal):
        def silent(conn):
            while conn.recv(4096):
                pass
        mine, its = pty.openpty() if terminal else os.pipe()
        with cliparts.listener(silent) as port:
            subprocess.run([str(tw.TLSWHY), "--json", "--timeout", "3", "localhost:%d" % port],
                           stdout=subprocess.DEVNULL, stderr=its, timeout=60)
        os.set_blocking(mine, False)
        try:
            seen = os.read(mine, 65536)
        except BlockingIOError:
            seen = b""
        os.close(its)
        os.close(mine)
        return seen

    def test_on_a_terminal(self):
        seen = self.stderr_of(True)
        self.assertIn(b"handshake, 1 s", seen)
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-40:])  # and is wiped away

    def test_not_elsewhere(self):
        self.assertEqual(self.stderr_of(False), b"")


class Interrupted(unittest.TestCase):
    """Ctrl-C: what is known is printed whole, exit status 130."""

    def start(self, *args):
        p = subprocess.Popen([str(tw.TLSWHY), *args], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.stderr.close)
        self.addCleanup(p.kill)
        return p

    def interrupt(self, p):
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        return out, err

    def silent(self):
        arrived = []

        def serve(conn):
            arrived.append(cliparts.read_record(conn))
            while conn.recv(4096):
                pass
        return arrived, cliparts.listener(serve)

    def wait_for(self, arrived):
        until = time.monotonic() + 20
        while not arrived and time.monotonic() < until:
            time.sleep(0.02)
        self.assertTrue(arrived, "the client never came")

    def test_json_during_the_handshake(self):
        arrived, server = self.silent()
        with server as port:
            p = self.start("--json", "--timeout", "60", "localhost:%d" % port)
            self.wait_for(arrived)
            out, err = self.interrupt(p)
        self.assertEqual((p.returncode, err, out.count("\n")), (130, "", 1))
        obj = json.loads(out)
        self.assertEqual(cliparts.violations(obj), [])
        self.assertEqual([r["message"] for r in obj["handshake"]["ladder"]][:2],
                         ["TCP connected", "ClientHello"])

    def test_text_during_the_handshake(self):
        arrived, server = self.silent()
        with server as port:
            p = self.start("--timeout", "60", "localhost:%d" % port, "localhost:%d" % port)
            self.wait_for(arrived)
            out, _ = self.interrupt(p)
        self.assertEqual(p.returncode, 130)
        self.assertIn("ClientHello", out)
        self.assertEqual(len(arrived), 1)  # the second target was not begun

    def test_trace_of_an_interrupted_check(self):
        arrived, server = self.silent()
        with tempfile.TemporaryDirectory() as d, server as port:
            path = os.path.join(d, "t")
            p = self.start("--json", "--timeout", "60", "--save-trace", path, "localhost:%d" % port)
            self.wait_for(arrived)
            self.interrupt(p)
            self.assertEqual(p.returncode, 130)
            r = tw.tlswhy("replay", "--json", path)
        self.assertEqual(len(reports(r)), 1)

    def test_while_waiting_for_the_list(self):
        with cliparts.listener(lambda c: None) as port:
            p = self.start("--json", "-")
            p.stdin.write("localhost:%d\n" % port)
            p.stdin.flush()
            self.assertTrue(p.stdout.readline())
            time.sleep(0.3)
            p.send_signal(signal.SIGINT)
            self.assertEqual(p.wait(20), 130)
            p.stdin.close()

    def test_replay_that_waits_for_its_trace(self):
        p = self.start("replay", "-")
        time.sleep(1)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20), 130)
        p.stdin.close()
        self.assertEqual(p.stdout.read(), "")

    def test_lab_ends_with_0_since_this_is_how_it_ends(self):
        p = self.start("lab", "--json", "healthy")
        self.assertTrue(json.loads(p.stdout.readline())["port"])
        self.interrupt(p)
        self.assertEqual(p.returncode, 0)

    def test_lab_diagnose(self):
        p = self.start("lab", "--diagnose", "--json", "tcp-timeout", "tcp-refused")
        time.sleep(0.6)
        out, _ = self.interrupt(p)
        self.assertEqual(p.returncode, 130)
        for line in out.splitlines():
            self.assertEqual(cliparts.violations(json.loads(line)), [])


if __name__ == "__main__":
    unittest.main()
