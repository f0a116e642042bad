"""Servers that speak no TLS, and networks that spoil it."""
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import daemons
import servers


class Local:
    """A peer made of sockets of this process, with the face of servers.Server."""

    def __init__(self, port):
        self.port, self.sockets = port, []

    def log(self):
        return "-"

    def stop(self):
        for s in self.sockets:
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def nobody():
    """A port that is taken, so that nobody else gets it, and on which nobody listens."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    local = Local(s.getsockname()[1])
    local.sockets.append(s)
    return local


def FullBacklog():
    """A listener that accepts nothing and whose queue is full: the kernel drops each SYN."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(0)
    local = Local(s.getsockname()[1])
    local.sockets.append(s)
    for _ in range(4):
        c = socket.socket()
        c.setblocking(False)
        c.connect_ex(("127.0.0.1", local.port))
        local.sockets.append(c)
    return local


class Corrupter(Local):
    """Passes on between a client and a server, and changes one byte of the last record of the
    first encrypted flight in one direction."""

    def __init__(self, target, upstream=False):
        listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(listener.getsockname()[1])
        self.sockets.append(listener)
        self.target, self.upstream, self.listener = target, upstream, listener
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for a, b, spoil in ((client, server, self.upstream), (server, client, not self.upstream)):
                threading.Thread(target=self._pass, args=(a, b, spoil), daemon=True).start()

    def _pass(self, a, b, spoil):
        """Record by record. Protected from the first change_cipher_spec (1.2: the record after
        it, 1.3: the application data after it)."""
        protected = done = False
        stream = a.makefile("rb")
        try:
            while True:
                head = stream.read(5)
                body = stream.read(int.from_bytes(head[3:5], "big")) if len(head) == 5 else b""
                if len(head) < 5:
                    break
                if spoil and protected and not done:
                    body, done = body[:-1] + bytes([body[-1] ^ 1]), True
                protected = protected or head[0] == 20
                b.sendall(head + body)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


# ---- real services without TLS -----------------------------------------------------------------------

def python_http():
    return servers.launch("http.server", lambda port, d: [
        sys.executable, "-m", "http.server", "--bind", "127.0.0.1", port])


def nginx_stream(config):
    """nginx's stream module, which Debian has as a package of its own."""
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"
    if not os.path.exists(module):
        raise unittest.SkipTest("nginx has no stream module here (libnginx-mod-stream)")
    return servers.nginx(stream="stream { server { listen 127.0.0.1:@PORT@; %s } }" % config,
                         load=module)


def sshd():
    exe = servers.program("sshd")

    def command(port, d):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(d / "key")],
                       check=True, stdin=subprocess.DEVNULL, timeout=30)
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        return [exe, "-D", "-e", "-f", "/dev/null", "-h", d / "key", "-p", port, "-o",
                "ListenAddress=127.0.0.1", "-o", "PidFile=%s/pid" % d]
    return servers.launch("OpenSSH", command)


def redis():
    exe = servers.program("redis-server")
    return servers.launch("Redis", lambda port, d: [exe, "--bind", "127.0.0.1", "--port", port,
                                                    "--save", "", "--dir", d])


class Daemon(Local):
    """One of daemons.py, without TLS."""

    def __init__(self, kind, program, *ports):
        servers.program(program)
        super().__init__(servers.free_port())
        d = daemons.scratch()
        self.daemon = getattr(daemons, kind)(d, {p: self.port for p in ports} or self.port, None,
                                             None)
        self.remove = d
        self.daemon.wait()

    def log(self):
        return (self.remove / "log").read_text(errors="replace")[-1200:]

    def stop(self):
        self.daemon.stop()
        shutil.rmtree(self.remove, ignore_errors=True)
