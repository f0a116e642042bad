"""Real servers for the tests: started on a free port of 127.0.0.1, ended by process id.

Each starter returns a Server that already listens. A kind that is not installed raises
unittest.SkipTest with its name.
"""
import atexit
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import tw

SERVERS = tw.TOP / "tests/interop/servers"
START_SECONDS = 20
_running = []
_dirs = []


# ---- the process ---------------------------------------------------------------------------------

def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    """A port that nobody uses, below the range from which clients get theirs."""
    for _ in range(200):
        port = random.randint(12000, 32000)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            if not listening(port):
                return port
    raise RuntimeError("no free port")


def listening(port):
    """Whether a socket listens on that port, read from the kernel: no connection is made."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = open(table).read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            f = line.split()
            if f[3] == "0A" and int(f[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False


def workdir():
    d = pathlib.Path(tempfile.mkdtemp(prefix="tlswhy-server-"))
    d.chmod(0o755)
    _dirs.append(d)
    return d


class Server:
    """A running server; a context manager that ends it."""

    def __init__(self, name, process, port, log):
        self.name, self.process, self.port, self.logfile = name, process, port, log

    def log(self):
        """The end of what it printed."""
        return self.logfile.read_text(errors="replace")[-1200:]

    def stop(self):
        if self in _running:
            _running.remove(self)
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@atexit.register
def _stop_all():
    for s in list(_running):
        s.stop()
    for d in _dirs:
        shutil.rmtree(d, ignore_errors=True)


def launch(name, command, env=None, stdin=subprocess.DEVNULL, says="", port=0):
    """Start what command(port, dir) returns (argv) and wait until it listens, and has printed says.
    Another process may take the port in between: three tries. port: that one instead."""
    fixed = port
    for attempt in range(3):
        port, d = fixed or free_port(), workdir()
        argv = command(port, d)
        log = d / "log"
        with open(log, "wb") as out:
            p = subprocess.Popen([str(a) for a in argv], stdin=stdin, stdout=out,
                                 stderr=subprocess.STDOUT, cwd=d, preexec_fn=_die_with_parent,
                                 env={**os.environ, **(env or {})})
        s = Server(name, p, port, log)
        _running.append(s)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and p.poll() is None:
            if listening(port) and (not says or says in log.read_text(errors="replace")):
                return s
            time.sleep(0.01)
        s.stop()
    raise RuntimeError("%s does not start (%s):\n%s" % (name, " ".join(map(str, argv)), s.log()))


def program(name, *also):
    """Path of a program, or a skip that names it."""
    for n in (name, *also):
        path = shutil.which(n) or shutil.which(n, path="/usr/sbin:/usr/local/sbin:/sbin")
        if path:
            return path
    raise unittest.SkipTest("%s is not installed" % name)


# ---- TLS libraries' own servers --------------------------------------------------------------------

def openssl(pair, *options, www=True, stdin=subprocess.DEVNULL, env=None):
    """s_server. Without a pair it has no certificate (PSK, anonymous suites)."""
    cert = ["-cert", pair.cert, "-key", pair.key, "-cert_chain", pair.chain] if pair else ["-nocert"]
    exe = program("openssl")
    return launch("OpenSSL", lambda port, d: [exe, "s_server", "-accept", "127.0.0.1:%d" % port,
                                              *cert, *(["-www"] if www else []), *options],
                  stdin=stdin, env=env)


def openssl_at(pair, address, port=None):
    """s_server at an address of one's own choice ("127.0.0.2", "[::1]"), and port."""
    exe = program("openssl")
    return launch("OpenSSL", lambda p, d: [exe, "s_server", "-accept", "%s:%d" % (address, p),
                                           "-cert", pair.cert, "-key", pair.key, "-cert_chain",
                                           pair.chain, "-www"], says="ACCEPT", port=port or 0)


def gnutls(pair, *options):
    exe = program("gnutls-serv")
    cert = ["--x509certfile", pair.chain, "--x509keyfile", pair.key] if pair else []
    return launch("GnuTLS", lambda port, d: [exe, "--http", "--quiet", "--port", port, *cert,
                                             *options])


def nss_database(directory, pair, ca=None):
    """An NSS database with the pair under the name "server"."""
    db = "sql:%s" % directory
    for argv in ([program("certutil"), "-N", "-d", db, "--empty-password"],
                 [program("pk12util"), "-d", db, "-i", pair.pkcs12(), "-W", "secret", "-K", ""],
                 *([[program("certutil"), "-A", "-d", db, "-n", "ca", "-t", "CT,C,C", "-a", "-i",
                     ca]] if ca else [])):
        subprocess.run([str(a) for a in argv], check=True, capture_output=True, timeout=30)
    return db


def nss(pair, *options, ca=None):
    exe = program("selfserv")
    key = ["-n", "server"] if "rsa" in pair.key.name else ["-e", "server"]

    def command(port, d):
        (d / "db").mkdir()
        return [exe, "-d", nss_database(d / "db", pair, ca), "-p", port, "-w", "", *key, *options]
    return launch("NSS", command)


# ---- language runtimes -------------------------------------------------------------------------------

def _built(name, sources, argv, env=None):
    """Build a server once per build directory."""
    out = tw.BUILD / "tests/interop-servers"
    out.mkdir(parents=True, exist_ok=True)
    target = out / name
    if target.exists() and all(target.stat().st_mtime >= s.stat().st_mtime for s in sources):
        return target
    tmp = pathlib.Path(tempfile.mkdtemp(dir=out))     # two test modules may build at once
    p = subprocess.run([str(a) for a in argv(tmp)], capture_output=True, timeout=400, cwd=SERVERS,
                       env={**os.environ, **(env or {})})
    if p.returncode != 0:
        raise RuntimeError("%s: %s" % (name, p.stderr.decode("utf-8", "replace")))
    os.replace(tmp / name, target)
    shutil.rmtree(tmp, ignore_errors=True)
    return target


def go_version():
    """(major, minor), for what came with a later release."""
    out = subprocess.run([program("go"), "env", "GOVERSION"], capture_output=True, text=True,
                         env={**os.environ, "GOTOOLCHAIN": "local"}, timeout=30).stdout
    m = re.match(r"go(\d+)\.(\d+)", out)
    return (int(m.group(1)), int(m.group(2))) if m else (0, 0)


def go(pair, *options, godebug="tls10server=1,tlsrsakex=1,tls3des=1,tlsmlkem=1,"
                              "tlssecpmlkem=1"):
    exe = program("go")
    src = SERVERS / "goserver.go"
    binary = _built("goserver", [src], lambda tmp: [exe, "build", "-o", tmp / "goserver", src],
                    {"GO111MODULE": "off", "GOTOOLCHAIN": "local", "GOPROXY": "off",
                     "GOFLAGS": "", "CGO_ENABLED": "0"})
    return launch("Go", lambda port, d: [binary, "-port", port, "-cert", pair.chain, "-key",
                                         pair.key, *options], env={"GODEBUG": godebug})


def java(pair, protocols="", ciphers="", client_auth="none", alpn="", ca=None, properties=()):
    """javac once, then java. Old versions and suites are taken out of the disabled lists."""
    javac, exe = program("javac"), program("java")
    src = SERVERS / "JavaServer.java"
    jar = _built("JavaServer.class", [src], lambda tmp: [javac, "-d", tmp, src])

    def command(port, d):
        security = d / "java.security"
        security.write_text("jdk.tls.disabledAlgorithms=SSLv3, NULL, anon\n"
                            "jdk.certpath.disabledAlgorithms=MD2\n")
        return [exe, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m",
                "-Djava.security.properties=%s" % security, *properties, "-cp", jar.parent,
                "JavaServer", port, pair.pkcs12(), "secret", protocols, ciphers, client_auth, alpn,
                ca or ""]
    return launch("Java", command)


def python(pair, **options):
    """ssl module; options are those of pyserver.py."""
    o = {"cert": str(pair.chain), "key": str(pair.key), **options}
    return launch("Python", lambda port, d: [sys.executable, SERVERS / "pyserver.py", port,
                                             json.dumps(o)])


def node(pair, **options):
    """Options are those of tls.createServer(), with file names for key, cert and ca."""
    exe = program("node", "nodejs")
    o = {"cert": str(pair.chain), "key": str(pair.key), **options}
    return launch("Node", lambda port, d: [exe, SERVERS / "nodeserver.js", port, json.dumps(o)])


# ---- web servers -------------------------------------------------------------------------------------

def nginx(*blocks, stream="", load=""):
    """Server blocks; @PORT@ is the port of all, given as `listen 127.0.0.1:@PORT@ ssl ...;`."""
    exe = program("nginx")

    def command(port, d):
        http = "".join("server { %s location / { return 200 'ok'; } }\n" % b for b in blocks)
        if http:
            paths = "".join("%s_temp_path %s/%s;" % (w, d, w) for w in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            http = "http { access_log off; %s\n%s }" % (paths, http)
        (d / "nginx.conf").write_text(
            ("%s daemon off; master_process off; pid %s/pid; error_log stderr info;\n"
             "events { worker_connections 128; }\n%s\n%s" % ("load_module %s;" % load if load else "", d, http, stream))
            .replace("@PORT@", str(port)))
        return [exe, "-p", d, "-e", "stderr", "-c", d / "nginx.conf"]
    return launch("nginx", command)


def nginx_tls(pair, extra="", names="_", http2=True):
    """One site with that certificate; extra is configuration of the server block."""
    return nginx("listen 127.0.0.1:@PORT@ ssl%s; server_name %s; ssl_certificate %s; "
                 "ssl_certificate_key %s; %s" % (" http2" if http2 else "", names, pair.chain,
                                                 pair.key, extra))


APACHE = """ServerRoot {dir}
PidFile {dir}/pid
DefaultRuntimeDir {dir}
Mutex file:{dir}
Listen 127.0.0.1:{port}
ServerName localhost
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule http2_module {modules}/mod_http2.so
LoadModule ssl_module {modules}/mod_ssl.so
{user}
StartServers 1
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
ErrorLog /dev/stderr
LogLevel info
DocumentRoot {dir}/www
SSLSessionCache shmcb:{dir}/cache(512000)
Protocols h2 http/1.1
{config}
"""


def apache(config):
    """Apache with that configuration; @PORT@ stands for the port."""
    exe = program("apache2", "httpd")
    modules = next((m for m in ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules")
                    if os.path.isdir(m)), None)
    if modules is None:
        raise unittest.SkipTest("apache2 has no modules")

    def command(port, d):
        (d / "www").mkdir()
        (d / "www/index.html").write_text("ok\n")
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        (d / "apache.conf").write_text(APACHE.format(
            dir=d, port=port, modules=modules, user=user,
            config=config.replace("@PORT@", str(port))))
        return [exe, "-DFOREGROUND", "-f", d / "apache.conf"]
    return launch("Apache", command, says="resuming normal operations")   # it listens before


def apache_tls(pair, extra=""):
    return apache("SSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n%s"
                  % (pair.chain, pair.key, extra))


def haproxy(bind="", frontend="", backend=True):
    """One listener that answers 200 by itself. bind: options of the bind line."""
    exe = program("haproxy")

    def command(port, d):
        (d / "haproxy.cfg").write_text(
            "global\n maxconn 100\n tune.ssl.default-dh-param 2048\n"
            "defaults\n timeout client 10s\n timeout connect 5s\n timeout server 10s\n"
            "frontend f\n %s\n bind 127.0.0.1:%d %s\n%s%s" % (
                "mode http" if backend else "mode tcp", port, bind,
                " http-request return status 200\n" if backend else "",
                "".join(" %s\n" % line.strip() for line in frontend.splitlines())))
        return [exe, "-db", "-f", d / "haproxy.cfg"]
    return launch("HAProxy", command)
