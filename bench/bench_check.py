#!/usr/bin/env python3
"""One healthy check as a whole process, beside other tools, and the bounds of a failing one.

Called by script/bench. README.md in this folder says what is measured and why it is fair.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
RUN = str(TOP / "build/bench/bench_run")
KILLED = 128 + 9
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
TESTSSL_LIMIT = 90      # seconds after which testssl.sh is stopped
HOSTILE_TIMEOUT = 2     # seconds that `tlswhy check --timeout` gets against hostile peers


# ---- running a program -------------------------------------------------------------------------

class Use:
    """What one run of a program took: seconds of wall and CPU time, MiB at its peak."""

    def __init__(self, wall, cpu, memory, status):
        self.wall, self.cpu, self.memory, self.status = wall, cpu, memory, status


def environment(more=None):
    """Ours, without what redirects trust stores, and with more."""
    env = {k: v for k, v in os.environ.items() if k not in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    return {**env, **(more or {})}


def run(argv, limit=30, env=None):
    """Runs argv from start to exit, output to /dev/null. CPU includes its children."""
    p = subprocess.run([RUN, str(limit), *argv], env=environment(env), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    wall, cpu, memory, status = map(int, p.stdout.split())
    return Use(wall / 1e9, cpu / 1e9, memory / 1024, status)


def check_once(tool):
    """The first run of a tool must do what it is measured for."""
    p = subprocess.run(tool.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=60, env=environment(tool.env))
    if p.returncode != 0 or tool.proof not in p.stdout.decode("utf-8", "replace"):
        sys.exit("bench_check: %s did not verify the server (status %d):\n%s"
                 % (tool.name, p.returncode, p.stdout.decode("utf-8", "replace")[-2000:]))


# ---- certificates and servers --------------------------------------------------------------------

def openssl(*args, cwd):
    subprocess.run(["openssl", *args], cwd=cwd, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(d):
    """root.pem, chain.pem (leaf and intermediate) with key.pem, bundle.pem, and hashed/."""
    ca = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
    leaf = ("basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, subject, issuer, ext in (("root", "/O=Bench/CN=Bench Root", None, ca),
                                       ("middle", "/O=Bench/CN=Bench Intermediate", "root", ca),
                                       ("leaf", "/CN=localhost", "middle", leaf)):
        (d / (name + ".ext")).write_text(ext)
        key = name + ".key"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", key, cwd=d)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", name + ".csr", cwd=d)
        signer = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-CAcreateserial"] \
            if issuer else ["-signkey", key]
        openssl("x509", "-req", "-in", name + ".csr", "-days", "30", "-extfile", name + ".ext",
                "-out", name + ".pem", *signer, cwd=d)
    chain = (d / "leaf.pem").read_text() + (d / "middle.pem").read_text()
    (d / "chain.pem").write_text(chain)
    root = (d / "root.pem").read_text()
    system = pathlib.Path(SYSTEM_BUNDLE)
    have_system = system.exists()
    (d / "bundle.pem").write_text((system.read_text() if have_system else "") + root)
    hashed = d / "hashed"
    hashed.mkdir()
    for i, block in enumerate((d / "bundle.pem").read_text().split("-----END CERTIFICATE-----")):
        if "-----BEGIN" in block:
            (hashed / ("%03d.pem" % i)).write_text(block + "-----END CERTIFICATE-----\n")
    openssl("rehash", "hashed", cwd=d)
    return have_system


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(argv, port, log):
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for _ in range(100):
        if p.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return p
        except OSError:
            time.sleep(0.05)
    if p.poll() is None:
        p.kill()
    p.wait()
    return None


def start_s_server(d, log):
    port = free_port()
    p = start(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-www", "-quiet",
               "-cert", str(d / "leaf.pem"), "-key", str(d / "leaf.key"),
               "-cert_chain", str(d / "middle.pem")], port, log)
    return p, port


def start_nginx(d, log):
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if nginx is None:
        return None, 0
    port = free_port()
    conf = d / "nginx.conf"
    conf.write_text("""
daemon off; master_process off; pid %(d)s/nginx.pid; error_log stderr error;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %(d)s; proxy_temp_path %(d)s; fastcgi_temp_path %(d)s;
    uwsgi_temp_path %(d)s; scgi_temp_path %(d)s;
    server {
        listen 127.0.0.1:%(port)d ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate %(d)s/chain.pem; ssl_certificate_key %(d)s/leaf.key;
        location / { return 200 "ok"; }
    }
}
""" % {"d": d, "port": port})
    return start([nginx, "-p", str(d), "-c", str(conf)], port, log), port


# ---- tools --------------------------------------------------------------------------------------

class Tool:
    def __init__(self, name, argv, proof, env=None):
        self.name, self.argv, self.proof, self.env, self.uses = name, argv, proof, env or {}, []

    def median(self, what):
        return statistics.median(getattr(u, what) for u in self.uses)


def handshake_tools(binary, port, d):
    """The tools that do what a check does: one handshake, chain and name verified."""
    at, root = "localhost:%d" % port, str(d / "root.pem")
    tools = [
        Tool("tlswhy check", [binary, "check", at, "--ca", root], "OK"),
        Tool("openssl s_client", ["openssl", "s_client", "-connect", at, "-servername", "localhost",
                                  "-verify_hostname", "localhost", "-verify_return_error",
                                  "-CAfile", root], "Verify return code: 0 (ok)"),
        Tool("curl -v", ["curl", "-v", "-sS", "--cacert", root, "https://%s/" % at],
             "SSL certificate verify ok"),
        Tool("gnutls-cli", ["gnutls-cli", "--x509cafile", root, "-p", str(port), "localhost"],
             "The certificate is trusted"),
    ]
    for t in tools:
        if shutil.which(t.argv[0]) is None:
            print("%s: skipped, not installed" % t.argv[0])
    return [t for t in tools if shutil.which(t.argv[0])]


def store_tools(binary, port, d):
    """With all anchors of the system: as one file, and as the directory s_client looks into."""
    at, bundle = "localhost:%d" % port, str(d / "bundle.pem")
    s_client = ["openssl", "s_client", "-connect", at, "-servername", "localhost",
                "-verify_hostname", "localhost", "-verify_return_error"]
    return [
        Tool("tlswhy check", [binary, "check", at], "OK", {"SSL_CERT_FILE": bundle}),
        Tool("openssl s_client, hashed directory", [*s_client, "-no-CAfile", "-CApath",
                                                    str(d / "hashed")],
             "Verify return code: 0 (ok)"),
        Tool("openssl s_client, one file", [*s_client, "-CAfile", bundle],
             "Verify return code: 0 (ok)"),
    ]


def measure(tools, rounds):
    for t in tools:
        check_once(t)
    for _ in range(rounds):
        for t in tools:
            use = run(t.argv, env=t.env)
            if use.status != 0:
                sys.exit("bench_check: %s ended with %d" % (t.name, use.status))
            t.uses.append(use)


def tell(title, tools, base, rounds):
    """Medians, and what they are of the tool named base."""
    ref = next(t for t in tools if t.name == base)
    print("%s (median of %d interleaved runs)" % (title, rounds))
    print("  %-36s %9s %7s  %9s %7s  %9s %7s" % ("", "wall ms", "ratio", "CPU ms", "ratio",
                                                 "peak MiB", "ratio"))
    for t in tools:
        row = []
        for what, scale in (("wall", 1e3), ("cpu", 1e3), ("memory", 1)):
            row += [t.median(what) * scale, t.median(what) / ref.median(what)]
        print("  %-36s %9.1f %7.2f  %9.1f %7.2f  %9.1f %7.2f" % (t.name, *row))
    print(flush=True)


def scanners(port, reference, full):
    """Tools that answer "why" by listing everything; once or a few times, for the scale."""
    rows = []
    at = "localhost:%d" % port
    for name, program, argv, times, limit in (
            ("sslscan", "sslscan", ["sslscan", "--no-colour", at], 3, 60),
            ("testssl.sh --fast", "testssl", ["testssl", "--fast", "--quiet", "--color", "0",
                                              "--warnings", "off", at], 1, TESTSSL_LIMIT)):
        argv[0] = shutil.which(program) or shutil.which(program + ".sh")
        if argv[0] is None or (program == "testssl" and not full):
            rows.append("  %-36s skipped: %s" % (name, "not installed" if argv[0] is None
                                                 else "--quick was asked for"))
            continue
        uses = [run(argv, limit) for _ in range(times)]
        wall = statistics.median(u.wall for u in uses)
        over = ">" if any(u.status == KILLED for u in uses) else ""
        rows.append("  %-36s %9s %7.0f  %9.1f %7.0f  %9.1f" % (
            name, over + "%.1f" % (wall * 1e3), wall / reference.median("wall"),
            statistics.median(u.cpu for u in uses) * 1e3,
            statistics.median(u.cpu for u in uses) / reference.median("cpu"),
            statistics.median(u.memory for u in uses)))
    print("\n".join(rows) + "\n", flush=True)


# ---- bounds -------------------------------------------------------------------------------------

def connections_of(binary, port, d):
    p = subprocess.run([binary, "check", "--json", "localhost:%d" % port, "--ca",
                        str(d / "root.pem")], capture_output=True, check=True, env=environment())
    return json.loads(p.stdout)["timing"]["connections"]


def lab_maxima(binary):
    """Most connections and rounds that any fault of the lab takes, and which."""
    p = subprocess.run([binary, "lab", "--diagnose", "--json"], capture_output=True, timeout=120)
    rows = [json.loads(line) for line in p.stdout.splitlines()]
    failing = [r for r in rows if r["outcome"] != "ok"]
    most = max(failing, key=lambda r: r["timing"]["connections"])
    deepest = max(failing, key=lambda r: r["timing"]["rounds"])
    name = lambda r: r["causes"][0]["id"] if r["causes"] else "no cause"
    print("Failing servers: %d faults of the lab, each checked" % len(failing))
    print("  %-36s %9d" % ("connections, median",
                           statistics.median_high(r["timing"]["connections"] for r in failing)))
    for what, row, key in (("connections, at most", most, "connections"),
                           ("rounds, at most", deepest, "rounds")):
        print("  %-36s %9d  (%s)" % (what, row["timing"][key], name(row)))
    print(flush=True)
    return most["timing"]["connections"], deepest["timing"]["rounds"]


class Hostile:
    """A peer on loopback that answers every connection in one bad way, until stopped."""

    def __init__(self, behave):
        self.behave, self.stopping = behave, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stopping.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn:
            try:
                self.behave(self, conn)
            except OSError:
                pass

    def stop(self):
        self.stopping.set()
        self.listener.close()


def silent(peer, conn):
    peer.stopping.wait(HOSTILE_TIMEOUT * 3)


def trickle(peer, conn):
    server_hello = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(32)
    for byte in server_hello:
        conn.sendall(bytes([byte]))
        if peer.stopping.wait(1):
            return


def flood(peer, conn):
    """Handshake records without end, of messages that announce the most that is possible."""
    record = b"\x16\x03\x03\x40\x00" + b"\x0b\x03\xff\xfb" + bytes(16380)
    end = time.monotonic() + HOSTILE_TIMEOUT * 3
    while not peer.stopping.is_set() and time.monotonic() < end:
        conn.sendall(record)


def hostile_peers(binary):
    print("Hostile peers, tlswhy check --timeout %d" % HOSTILE_TIMEOUT)
    print("  %-36s %9s  %9s" % ("", "wall s", "peak MiB"))
    walls, memories = [], []
    for behave, text in ((silent, "never answers"), (trickle, "a byte a second"),
                         (flood, "floods with handshake records")):
        peer = Hostile(behave)
        use = run([binary, "check", "127.0.0.1:%d" % peer.port, "--timeout", str(HOSTILE_TIMEOUT)])
        peer.stop()
        print("  %-36s %9.2f  %9.1f" % (text, use.wall, use.memory), flush=True)
        walls.append(use.wall)
        memories.append(use.memory)
    print()
    return max(walls), max(memories)


# ---- figures ------------------------------------------------------------------------------------

class Figures:
    def __init__(self):
        self.rows = []

    def add(self, text, target, measured, reached):
        self.rows.append((text, target, measured, reached))

    def tell(self):
        """The table; False when a figure is not reached (None: there is no target)."""
        words = {True: "yes", False: "NO", None: ""}
        print("%-66s %9s %9s  %s" % ("figure", "target", "measured", "reached"))
        for text, target, measured, reached in self.rows:
            print("%-66s %9s %9s  %s" % (text, target, measured, words[reached]))
        return all(r[3] is not False for r in self.rows)


def add_most(figures, text, limit, measured, form="%g"):
    figures.add(text, "<= " + form % limit, form % measured, measured <= limit)


def engine_figures(path, figures):
    if path is None:
        return
    e = json.loads(pathlib.Path(path).read_text())
    figures.add("engine: client handshakes/s as a share of what libcrypto allows", ">= 0.70",
                "%.2f" % e["engine_ratio"], e["engine_ratio"] >= 0.70)
    figures.add("  of these, libssl's own client for comparison", "", "%.2f" % e["libssl_ratio"],
                None)


def bench_servers(args, d, log, figures):
    servers = []
    try:
        s_client = None
        for name, starter in (("openssl s_server", start_s_server), ("nginx", start_nginx)):
            process, at = starter(d, log)
            if process is None:
                print("%s: skipped, could not be started or is not installed\n" % name)
                continue
            servers.append(process)
            last, port = name, at
            tools = handshake_tools(args.tlswhy, port, d)
            measure(tools, args.runs)
            tell("Healthy %s, root given as file" % name, tools, "openssl s_client", args.runs)
            s_client = tools[1]
            add_most(figures, "healthy check of %s: wall time / openssl s_client's" % name, 1.5,
                     tools[0].median("wall") / s_client.median("wall"), "%.2f")
            add_most(figures, "healthy check of %s: connections" % name, 2,
                     connections_of(args.tlswhy, port, d))
        if not servers:
            sys.exit("bench_check: no server could be started")
        tools = store_tools(args.tlswhy, port, d)
        measure(tools, args.runs)
        tell("Healthy %s, all anchors of the system and ours" % last, tools, tools[1].name,
             args.runs)
        add_most(figures, "healthy check with the system's store: wall time / s_client's", 1.5,
                 tools[0].median("wall") / tools[1].median("wall"), "%.2f")
        print("Tools that list what a server supports (ratios to openssl s_client)")
        scanners(port, s_client, args.full)
    finally:
        for p in servers:
            p.terminate()
            p.wait()


def explain_log(tlswhy, runs=5):
    """CPU seconds (it has one thread) for `explain -` of a 10 MB log in which every tenth line is
    an error of some stack."""
    pastes = (TOP / "tests/explain/pastes.txt").read_text().splitlines()
    errors = [line for line in pastes if len(line) > 40 and not line.startswith(("===", "#"))]
    log, size, n = [], 0, 0
    while size < 10 << 20:
        n += 1
        line = errors[n // 10 % len(errors)] if n % 10 == 0 else (
            "2024-05-01T10:00:%02d.%03dZ INFO [worker-%d] api.Service - request %d handled in %d ms, "
            "status=200 path=/api/v1/items/%d" % (n % 60, n % 1000, n % 16, n, n % 97, n % 4001))
        log.append(line)
        size += len(line) + 1
    data = "\n".join(log).encode()
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([tlswhy, "explain", "-q", "-"], input=data, stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--tlswhy", default=str(TOP / "build/tlswhy"), help="the binary to measure")
    ap.add_argument("--engine", help="figures that bench_engine wrote")
    ap.add_argument("--runs", type=int, default=41, help="runs of each tool")
    ap.add_argument("--quick", dest="full", action="store_false", help="leave testssl.sh out")
    args = ap.parse_args()
    args.tlswhy = str(pathlib.Path(args.tlswhy).resolve())
    figures = Figures()
    engine_figures(args.engine, figures)
    with tempfile.TemporaryDirectory(prefix="tlswhy-bench-") as tmp:
        d = pathlib.Path(tmp)
        if not make_certificates(d):
            print("%s is missing: the system's store is measured with one anchor\n" % SYSTEM_BUNDLE)
        with open(d / "servers.log", "wb") as log:
            bench_servers(args, d, log, figures)
    most, deepest = lab_maxima(args.tlswhy)
    add_most(figures, "failing check: connections, at most", 12, most)
    add_most(figures, "failing check: rounds that wait for one another, at most", 6, deepest)
    add_most(figures, "explain: CPU seconds for a log of 10 MB", 1.0, explain_log(args.tlswhy), "%.2f")
    wall, memory = hostile_peers(args.tlswhy)
    add_most(figures, "hostile peers: seconds over --timeout, at most", 0.5,
             max(0, wall - HOSTILE_TIMEOUT), "%.2f")
    add_most(figures, "hostile peers: peak MiB", 64, memory, "%.1f")
    sys.exit(0 if figures.tell() else 1)


if __name__ == "__main__":
    main()
