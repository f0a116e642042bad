"""For the tests of the command line: schema, lab servers, what a ClientHello says, certificates."""
import contextlib
import json
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import jsonschema

import tw

SCHEMA = json.loads((tw.TOP / "docs/tlswhy-1.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def validator_of(definition):
    """For a definition inside the schema, e.g. "catalogue_entry"."""
    return jsonschema.Draft202012Validator({**SCHEMA["$defs"][definition],
                                            "$defs": SCHEMA["$defs"]})


def violations(obj, validator=VALIDATOR):
    return ["%s: %s" % (e.json_path, e.message[:200]) for e in validator.iter_errors(obj)]


def reports(run):
    """The objects that a run with --json printed, each valid; nothing else is on stdout."""
    objects = run.objects()
    for o in objects:
        bad = violations(o)
        assert not bad, "%s\n%s" % ("\n".join(bad), json.dumps(o)[:2000])
    return objects


def report(*args, **kw):
    """The one object of `tlswhy check --json`, valid; its run as run."""
    run = tw.tlswhy("check", "--json", *args, **kw)
    objects = reports(run)
    assert len(objects) == 1, "status %d, stdout %r, stderr %r" % (run.status, run.out, run.err)
    return objects[0], run


class Lab:
    """`tlswhy lab FAULT...` until close(): the same servers that people get."""

    def __init__(self, *faults):
        self.dir = tempfile.TemporaryDirectory()
        self.ca = str(pathlib.Path(self.dir.name, "ca.pem"))
        self.process = subprocess.Popen([str(tw.TLSWHY), "lab", "--json", "--write-ca", self.ca,
                                         *faults], stdout=subprocess.PIPE, text=True)
        self.servers = {}
        while len(self.servers) < len(faults):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("the lab ended with %s" % self.process.wait(10))
            server = json.loads(line)
            self.servers[server["name"]] = server

    def port(self, fault):
        return self.servers[fault]["port"]

    def target(self, fault):
        return "%s:%d" % (self.servers[fault]["host"], self.port(fault))

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.process.stdout.close()
        self.dir.cleanup()


# ---- what the client sent ----------------------------------------------------------------------

class Hello:
    """A ClientHello (RFC 8446 4.1.2), read from the wire."""

    def __init__(self, record):
        assert record[0] == 22 and record[5] == 1, record[:6]
        body = record[9:]
        self.legacy_version = int.from_bytes(body[0:2], "big")
        at = 34
        at += 1 + body[at]
        n = int.from_bytes(body[at:at + 2], "big")
        self.ciphers = self.u16s(body[at + 2:at + 2 + n])
        at += 2 + n
        at += 1 + body[at]
        self.extensions = {}
        end = at + 2 + int.from_bytes(body[at:at + 2], "big")
        at += 2
        while at < end:
            kind, n = struct.unpack(">HH", body[at:at + 4])
            self.extensions[kind] = body[at + 4:at + 4 + n]
            at += 4 + n

    @staticmethod
    def u16s(data):
        values = [v for v, in struct.iter_unpack(">H", data)]
        return [v for v in values if v & 0x0f0f != 0x0a0a or v >> 8 != v & 0xff]  # RFC 8701

    @property
    def sni(self):
        data = self.extensions.get(0)
        return data[5:].decode() if data else None

    @property
    def alpn(self):
        data, names = self.extensions.get(16), []
        if data is None:
            return None
        at = 2
        while at < len(data):
            names.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        return names

    @property
    def groups(self):
        return self.u16s(self.extensions[10][2:])

    @property
    def sigalgs(self):
        return self.u16s(self.extensions[13][2:])

    @property
    def versions(self):
        data = self.extensions.get(43)
        return None if data is None else self.u16s(data[1:])


@contextlib.contextmanager
def listener(serve, family=socket.AF_INET, host=None, backlog=64):
    """A server on loopback: serve(connection) for each, in a thread of its own. Gives the port."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.bind((host or ("::1" if family == socket.AF_INET6 else "127.0.0.1"), 0))
    sock.listen(backlog)

    def each(conn):
        with conn:
            conn.settimeout(30)
            try:
                serve(conn)
            except OSError:
                pass  # the client had enough

    def accept():
        while True:
            try:
                conn, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=each, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield sock.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def read_record(conn):
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = conn.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    return data


def hello_of(*args, target="localhost:%d", family=socket.AF_INET, host=None):
    """The ClientHello that `tlswhy check ARGS TARGET` sends first, and its report."""
    seen = []

    def serve(conn):
        seen.append(read_record(conn))
        conn.sendall(b"\x15\x03\x03\x00\x02\x02\x50")  # internal_error

    with listener(serve, family, host) as port:
        if "%d" in target:
            target = target % port
        args = [a.replace("%d", str(port)) for a in args]
        obj, run = report("--max-connections", "1", *args, target)
    assert seen, "nothing came: %s %s" % (obj["causes"], run.err)
    return Hello(seen[0]), obj


# ---- certificates ------------------------------------------------------------------------------

def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=60)


def self_signed(directory, stem, name):
    """A key and a self-signed certificate for name: their paths."""
    key, cert = pathlib.Path(directory, stem + ".key"), pathlib.Path(directory, stem + ".pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=" + name, "-addext",
            "subjectAltName=DNS:%s,IP:127.0.0.1,IP:::1" % name)
    return str(key), str(cert)
