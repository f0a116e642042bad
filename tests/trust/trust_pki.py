"""A private CA made with openssl, its leaves, and openssl s_server to show them."""
import contextlib
import pathlib
import socket
import subprocess
import time


def run(*cmd, **kw):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, **kw)
    if p.returncode != 0:
        raise AssertionError("%s: %s%s" % (" ".join(map(str, cmd)), p.stdout, p.stderr))
    return p.stdout


# What the machine's variables say must not decide the tests.
CLEAN = {n: "" for n in ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
                         "NODE_EXTRA_CA_CERTS", "PIP_CERT", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE")}
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Leaf:
    def __init__(self, cert, key):
        self.cert, self.key = cert, key


class Pki:
    """One CA; leaf() makes as many leaves as wanted. self.leaf is one for localhost."""

    def __init__(self, directory, subject="/O=Trust Tests/CN=Trust Test Root"):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(exist_ok=True)
        self.ca, self.ca_key = self.dir / "ca.pem", self.dir / "ca.key"
        self.n = 0
        run("openssl", "req", "-x509", *EC, "-keyout", self.ca_key, "-out", self.ca,
            "-subj", subject, "-days", "30")
        self.leaf = self.make("localhost")

    def sub(self, directory, subject):
        """An intermediate CA below this one, with a leaf for localhost."""
        p = Pki.__new__(Pki)
        p.dir, p.n = pathlib.Path(directory), 0
        p.ca, p.ca_key = p.dir / "ca.pem", p.dir / "ca.key"
        csr, ext = p.dir / "ca.csr", p.dir / "ca.ext"
        run("openssl", "req", *EC, "-keyout", p.ca_key, "-out", csr, "-subj", subject)
        ext.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                       "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run("openssl", "x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.ca_key,
            "-CAcreateserial", "-days", "25", "-extfile", ext, "-out", p.ca)
        p.leaf = p.make("localhost")
        return p

    def make(self, *names, subject=None, extra=""):
        """A leaf for these names; extra: more lines of extensions."""
        self.n += 1
        cert, key, csr, ext = (self.dir / ("leaf%d.%s" % (self.n, e))
                               for e in ("pem", "key", "csr", "ext"))
        run("openssl", "req", *EC, "-keyout", key, "-out", csr, "-subj",
            subject or "/CN=" + names[0])
        ext.write_text("subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
                       % ",".join("DNS:" + n for n in names) + extra)
        run("openssl", "x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.ca_key,
            "-CAcreateserial", "-days", "20", "-extfile", ext, "-out", cert)
        return Leaf(cert, key)

    @contextlib.contextmanager
    def server(self, leaf=None, address="127.0.0.1", port=None, sites=None):
        """s_server with the leaf and the CA; sites: (name, leaf) for that SNI. Gives the port."""
        leaf = leaf or self.leaf
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        if port is None:
            with socket.socket(family) as s:
                s.bind((address, 0))
                port = s.getsockname()[1]
        where = "[%s]:%d" % (address, port) if ":" in address else "%s:%d" % (address, port)
        more = []
        if sites:
            more = ["-servername", sites[0], "-cert2", sites[1].cert, "-key2", sites[1].key]
        p = subprocess.Popen(["openssl", "s_server", "-accept", where, "-www", "-quiet", "-cert",
                              leaf.cert, "-key", leaf.key, "-cert_chain", self.ca, *more],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection((address, port), 1).close()
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("openssl s_server does not listen on " + where)
            yield port
        finally:
            p.kill()
            p.wait()
