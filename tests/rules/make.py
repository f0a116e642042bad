#!/usr/bin/env python3
"""Makes the traces of tests/rules anew: tests/rules/make.py [--tlswhy BINARY] [CAUSE...]

    tests/rules/<cause>/hit*.jsonl    a case that is this cause
    tests/rules/<cause>/miss*.jsonl   a near miss: what looks like it and is something else

A hit is the first fault of the lab that expects the cause, or what HITS says. A near miss comes from
NEAR_MISSES below: the lab's fault for a look-alike, or a server made here. Traces are facts, so they
stay good when the rules change; they need to be made anew only when the form of a trace does, or
when a cause is added.
"""
import argparse
import contextlib
import datetime
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "lib"))

import daemons  # noqa: E402
import make_certs  # noqa: E402

HITS = {
    # a wrong ECDSA signature does not tell whether the key or its use is wrong; RSA's can
    "handshake-signature-invalid": ["handshake-signature-invalid-rsa"],
    # the answers are small and each is recognised in its own way
    "plaintext-on-tls-port": ["plaintext-on-tls-port", "plaintext-on-tls-port-mute"],
    "starttls-needed": ["starttls-needed-smtp", "starttls-needed-imap", "starttls-needed-mysql",
                        "starttls-needed-postgres"],
    "bad-record-mac": ["bad-record-mac", "bad-record-mac-finished"],
    # made by tests/path/test_path.py, which needs a network of its own
    "mtu-blackhole": [], "middlebox-large-client-hello": [], "backend-inconsistent": [],
    "ipv6-broken-only": [],
    "starttls-not-offered": ["@dovecot-plain"],
    "implicit-tls-needed": ["@implicit"],
    "db-tls-disabled": ["@postgres-plain"],
    "proxy-connect-refused": ["@squid-refuses"],
    "proxy-scheme-mismatch": ["@proxy-tls"],
}

# cause: [(lab fault, options that differ from the fault's own, or None to keep those)]
NEAR_MISSES = {
    "dns-failure": [("tcp-refused", None)],
    "tcp-refused": [("tcp-timeout", None)],
    "tcp-timeout": [("@silent", None), ("tcp-refused", None)],
    "plaintext-on-tls-port": [("starttls-needed-smtp", None)],
    "starttls-needed": [("wrong-service-on-port", None), ("plaintext-on-tls-port", None)],
    "wrong-service-on-port": [("starttls-needed-imap", None), ("plaintext-on-tls-port", None)],
    "reset-before-hello": [("rst-on-client-hello", None)],
    "rst-on-client-hello": [("reset-before-hello", None)],
    "close-on-client-hello": [("reset-before-hello-fin", None)],
    # without server_name, but it is not for the lack of it
    "sni-required": [("cipher-no-overlap", "no-sni verify-name=localhost"),
                     ("healthy", "no-sni verify-name=localhost")],
    "sni-unrecognized": [("name-mismatch", None)],
    "version-server-too-old": [("version-no-overlap", None)],
    "version-client-too-old": [("version-no-overlap", None)],
    "version-no-overlap": [("version-client-too-old", None)],
    # no protocol in common, but the server does not mind
    "alpn-no-overlap": [("healthy", "alpn=mqtt")],
    "sigalg-no-overlap": [("group-no-overlap", None)],
    # the first share is refused, the second try has one in common
    "group-no-overlap": [("healthy-hello-retry", None)],
    "cipher-cert-type-mismatch": [("cipher-no-overlap", None)],
    "rsa-kx-removed": [("cipher-no-overlap", None)],
    # only DHE in common once more suites are offered, but over a group of 2048 bits
    "dh-key-too-small": [("@dhe2048", "ciphers=ECDHE-RSA-AES128-GCM-SHA256")],
    "cipher-no-overlap": [("group-no-overlap-tls12", None)],
    "key-mismatch": [("handshake-signature-invalid-rsa", None)],
    "handshake-signature-invalid": [("key-mismatch-rsa", None)],
    "bad-record-mac": [("handshake-signature-invalid-rsa", None)],
    "client-cert-required": [("healthy-client-cert-optional", None)],
    "self-signed-leaf": [("untrusted-private-ca", None)],
    "chain-missing-intermediate": [("untrusted-private-ca", None), ("self-signed-leaf", None)],
    "untrusted-private-ca": [("self-signed-leaf", None), ("healthy", None)],
    # the last and the first second in which the certificate is good
    "cert-expired": [("cert-expired", "at=@not_after"), ("cert-not-yet-valid", None)],
    "cert-not-yet-valid": [("cert-not-yet-valid", "at=@not_before"), ("cert-expired", None)],
    # the same name in other letters, with the root's dot
    "name-mismatch": [("healthy", "verify-name=LOCALHOST."), ("self-signed-leaf", None)],
    "server-internal-error": [("cipher-no-overlap", None)],
    "mtu-blackhole": [("pq-key-share-intolerance", None)],
    "middlebox-large-client-hello": [("pq-key-share-intolerance-group", None)],
    "backend-inconsistent": [("cert-expired", None)],
    "ipv6-broken-only": [("cert-expired", None)],
    "pq-key-share-intolerance": [("version-intolerance", None), ("rst-on-client-hello", None)],
    "version-intolerance": [("extension-intolerance", None), ("version-client-too-old", None)],
    "extension-intolerance": [("version-intolerance", None)],
    "tls13-middlebox-compat-mismatch": [("group-no-overlap", None)],
    "sni-filtering": [("sni-unrecognized", None), ("rst-on-client-hello", None)],
    "upstream-tls-misconfig": [("healthy", None)],
    "starttls-not-offered": [("@implicit", None)],
    "implicit-tls-needed": [("@silent-imap", None)],
    "db-tls-disabled": [("@postgres", None)],
    "proxy-connect-refused": [("@proxy-tls", None)],
    "proxy-scheme-mismatch": [("@squid-refuses", None)],
    # the same name, made for it; another site's real certificate
    "default-placeholder-cert": [("self-signed-leaf", None), ("wrong-vhost-default-cert", None)],
    # a name below the platform's own domain; a refusal that says unrecognized_name
    "cdn-edge-no-cert-for-name": [("cdn-edge-no-cert-for-name", "servername=a.b.herokuapp.com"),
                                  ("sni-unrecognized", None)],
    "wrong-vhost-default-cert": [("default-placeholder-cert", None), ("healthy-many-sites", None)],
    "antivirus-interception": [("interception-proxy", None), ("untrusted-private-ca", None)],
    "interception-proxy": [("antivirus-interception", None), ("untrusted-private-ca", None)],
    "trust-store-missing": [("truststore-empty", None), ("untrusted-private-ca", None)],
    "ca-file-unreadable": [("trust-store-missing", None)],
    "truststore-empty": [("ca-file-unreadable", None)],
    # the same CA before the cut-off
    "ca-distrusted": [("untrusted-private-ca-old", None)],
    # the same name with another key
    "trust-store-outdated": [("untrusted-private-ca-namesake", None)],
}

# these come from make_status.py; those of make_certs.py it lists itself
BY_MAKE_STATUS = {"revoked", "ocsp-must-staple-missing", "ocsp-staple-invalid", "crl-expired",
                  "revocation-unreachable", "ct-missing", "clock-skew-client", "clock-skew-server",
                  "dane-tlsa-mismatch"}


class Maker:
    def __init__(self, tlswhy, folder):
        self.tlswhy, self.folder = tlswhy, folder
        self.faults = {}

    @contextlib.contextmanager
    def lab(self):
        p = subprocess.Popen([self.tlswhy, "lab", "--json", "--write-ca", "lab-ca.pem"],
                             cwd=self.folder, stdout=subprocess.PIPE, text=True)
        try:
            wanted = subprocess.run([self.tlswhy, "lab", "--list", "--json"], check=True,
                                    capture_output=True, text=True).stdout.count("\n")
            for _ in range(wanted):
                row = json.loads(p.stdout.readline())
                self.faults[row["name"]] = row
            yield
        finally:
            p.terminate()
            p.wait(10)

    def check(self, target, options, out):
        args = [self.tlswhy, "check", "--json", "--ca", "lab-ca.pem", "--save-trace", out, target]
        for o in (options or "").split():
            name, _, value = o.partition("=")
            args += ["--" + name] + ([value] if value else [])
        p = subprocess.run(args, cwd=self.folder, capture_output=True, text=True, timeout=60)
        if p.returncode not in (0, 1, 3):
            raise SystemExit("%s: %s" % (" ".join(args), p.stderr))
        return json.loads(p.stdout)

    def target(self, fault):
        return "%s:%d" % (self.faults[fault]["host"], self.faults[fault]["port"])

    def validity(self, fault, end):
        got = self.check(self.target(fault["name"]), fault["options"], self.folder / "validity")
        text = got["certificates"][0][end]
        return str(int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()))

    def make(self, source, options, out):
        """One trace; returns the causes found."""
        if source in SERVERS:
            with SERVERS[source](self) as (target, own):
                got = self.check(target, options or own, out)
        else:
            fault = self.faults[source]
            options = fault["options"] if options is None else options
            options = re.sub("@(not_before|not_after)",
                             lambda m: self.validity(fault, m.group(1)), options or "")
            got = self.check(self.target(source), options, out)
        return [c["id"] for c in got["causes"]]


# ---- servers that the lab does not have --------------------------------------------------------

@contextlib.contextmanager
def silent(m, scheme="https"):
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        taken = []

        def take():
            with contextlib.suppress(OSError):
                while True:
                    taken.append(s.accept()[0])

        t = threading.Thread(target=take, daemon=True)
        t.start()
        yield "%s://localhost:%d" % (scheme, s.getsockname()[1]), "timeout=2"
        s.shutdown(socket.SHUT_RDWR)
        t.join(5)
        for c in taken:
            c.close()


@contextlib.contextmanager
def dhe2048(m):
    """OpenSSL with finite-field DHE only, over the 2048-bit group of RFC 7919."""
    folder = m.folder
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", "dhe.key", "-out", "dhe.pem"], cwd=folder, check=True,
                   capture_output=True)
    subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                    "group:ffdhe2048", "-out", "dh.pem"], cwd=folder, check=True,
                   capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    p = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-tls1_2",
                          "-cert", "dhe.pem", "-key", "dhe.key", "-dhparam", "dh.pem", "-cipher",
                          "DHE-RSA-AES128-GCM-SHA256", "-www"], cwd=folder,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        while "ACCEPT" not in p.stdout.readline():
            if p.poll() is not None:
                raise SystemExit("openssl s_server does not start")
        yield "localhost:%d" % port, ""
    finally:
        p.terminate()
        p.wait(10)


def implicit(m):
    """A port that speaks TLS at once, asked to upgrade."""
    return contextlib.nullcontext(("imap://" + m.target("healthy"), "timeout=4"))


def proxy_tls(m):
    """A proxy asked in plain text on a port that speaks TLS."""
    return contextlib.nullcontext((m.target("healthy-rsa"),
                                   "timeout=4 proxy=http://127.0.0.1:%d" %
                                   m.faults["healthy"]["port"]))


@contextlib.contextmanager
def running(make, target, options=""):
    """A real server in a directory of its own."""
    folder = daemons.scratch()
    try:
        daemon = make(folder)
        try:
            daemon.wait(30)
            yield target, options
        finally:
            daemon.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dovecot_plain(m):
    port = daemons.free_port()
    return running(lambda d: daemons.dovecot(d, {"imap": port}, None, None),
                   "imap://localhost:%d" % port)


def postgres(m, tls=True):
    port = daemons.free_port()

    def make(d):
        if not tls:
            return daemons.postgres(d, port, None, None)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        d / "key.pem", "-out", d / "cert.pem"], check=True, capture_output=True)
        return daemons.postgres(d, port, d / "cert.pem", d / "key.pem")

    return running(make, "postgres://localhost:%d" % port)


def squid_refuses(m):
    port = daemons.free_port()
    return running(lambda d: daemons.squid(d, port, []), m.target("healthy"),
                   "proxy=http://127.0.0.1:%d" % port)


SERVERS = {"@silent": silent, "@silent-imap": lambda m: silent(m, "imap"), "@dhe2048": dhe2048,
           "@implicit": implicit, "@proxy-tls": proxy_tls, "@dovecot-plain": dovecot_plain,
           "@postgres": postgres, "@postgres-plain": lambda m: postgres(m, False),
           "@squid-refuses": squid_refuses}


def make_cause(m, cause):
    folder = HERE / cause
    folder.mkdir(exist_ok=True)
    made_elsewhere = HITS.get(cause) == []
    for old in folder.glob("miss*.jsonl" if made_elsewhere else "*.jsonl"):
        old.unlink()
    first = [f["name"] for f in m.faults.values() if f["expect"] == cause][:1]
    rows = [("hit", name, None) for name in HITS.get(cause, first)]
    rows += [("miss", source, options) for source, options in NEAR_MISSES.get(cause, [])]
    hits = made_elsewhere or any(kind == "hit" for kind, _, _ in rows)
    if not hits or not any(kind == "miss" for kind, _, _ in rows):
        print("%s: no fault in the lab, or no near miss in NEAR_MISSES" % cause, file=sys.stderr)
        return False
    good, n, last = True, 0, None
    for kind, source, options in rows:
        n, last = (n + 1 if kind == last else 1), kind
        out = folder / (kind + ("-%d" % n if n > 1 else "") + ".jsonl")
        causes = m.make(source, options, out)
        right = causes[:1] == [cause] if kind == "hit" else cause not in causes
        good = good and right
        print("%-4s %-46s %-32s %s" % ("ok" if right else "BAD", out.relative_to(HERE), source,
                                       ", ".join(causes) or "no cause"))
    return good


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--tlswhy", type=pathlib.Path, default=TOP / "build/src/cli/tlswhy")
    ap.add_argument("cause", nargs="*")
    args = ap.parse_args()
    tlswhy = str(args.tlswhy.resolve())
    known = [json.loads(line)["id"] for line in
             subprocess.run([tlswhy, "causes", "--json"], check=True, capture_output=True,
                            text=True).stdout.splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        m = Maker(tlswhy, pathlib.Path(folder))
        with m.lab():
            known = [c for c in known if c not in BY_MAKE_STATUS | set(make_certs.KNOWN)]
            results = [make_cause(m, c) for c in args.cause or known]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
