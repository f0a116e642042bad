"""Certificates and keys for the tests, made when they run, with the openssl command."""
import atexit
import base64
import datetime
import pathlib
import shutil
import subprocess
import tempfile

NAME = "tlswhy.test"

# kind -> arguments of `openssl genpkey`
KINDS = {
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "rsa3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa-pss": ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
}

CONFIG = """
[ca]
default_ca = this
[this]
database = {dir}/index.txt
new_certs_dir = {dir}/issued
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
"""


def openssl(*args, input=None):
    p = subprocess.run(["openssl", *map(str, args)], input=input, capture_output=True, timeout=60)
    if p.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (" ".join(map(str, args)),
                                               p.stderr.decode("utf-8", "replace")))
    return p.stdout


# RFC 2409 6.2, the Second Oakley Group: current OpenSSL makes no group this small
MODP_1024 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)


def dh_pem(prime):
    """PKCS #3 DHParameter with generator 2."""
    p = prime.to_bytes(prime.bit_length() // 8 + 1, "big")
    body = b"\x02\x81" + bytes([len(p)]) + p + b"\x02\x01\x02"
    der = b"\x30\x81" + bytes([len(body)]) + body
    return b"-----BEGIN DH PARAMETERS-----\n" + base64.encodebytes(der) + \
        b"-----END DH PARAMETERS-----\n"


def moment(days):
    """A time that many days from now, as `openssl ca` wants it."""
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return t.strftime("%Y%m%d%H%M%SZ")


class Pair:
    """A certificate with its key: paths of PEM files. chain has the issuers behind the leaf,
    both has chain and key in one file (HAProxy)."""

    def __init__(self, stem, issuer):
        self.stem = stem
        self.cert = stem.with_suffix(".pem")
        self.key = None
        self.chain = stem.with_suffix(".chain.pem")
        self.both = stem.with_suffix(".both.pem")
        self.issuer = issuer

    def finish(self):
        above = self.issuer.chain_below_root() if self.issuer else ""
        self.chain.write_text(self.cert.read_text() + above)
        self.both.write_text(self.chain.read_text() + self.key.read_text())

    def chain_below_root(self):
        """What a server sends above its leaf: every issuer but the root."""
        return "" if self.issuer is None else self.cert.read_text() + self.issuer.chain_below_root()

    def pkcs12(self, password="secret"):
        path = self.stem.with_suffix(".p12")
        if not path.exists():
            openssl("pkcs12", "-export", "-in", self.chain, "-inkey", self.key, "-name", "server",
                    "-passout", "pass:" + password, "-out", path)
        return path


class Pki:
    """One directory of keys and certificates below one root, removed at exit."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tlswhy-pki-"))
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.dir.chmod(0o755)    # servers that drop privileges read their files
        (self.dir / "issued").mkdir()
        (self.dir / "index.txt").touch()
        (self.dir / "ca.cnf").write_text(CONFIG.format(dir=self.dir))
        self.made = {}
        self.root = self.ca("root")

    def key(self, kind, label=""):
        """Path of a private key; the same one for the same kind and label."""
        path = self.dir / ("key-%s%s.pem" % (kind, label))
        if not path.exists() and kind == "dsa":
            params = self.dir / "dsa-params.pem"
            openssl("dsaparam", "-out", params, "1024")
            openssl("genpkey", "-paramfile", params, "-out", path)
            path.chmod(0o644)
        elif not path.exists():
            openssl("genpkey", *KINDS[kind], "-out", path)
            path.chmod(0o644)
        return path

    def ca(self, label, kind="p256", issuer=None):
        """A CA certificate, self-signed without an issuer."""
        ext = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n" \
              "subjectKeyIdentifier=hash\n"
        return self._issue("ca-" + label, "tlswhy test %s" % label, self.key(kind, "-ca-" + label),
                           issuer, ext, -30, 3650)

    def leaf(self, kind="p256", names=(NAME,), label="", issuer=None, start=-1, end=90,
             usage="serverAuth", extra="", self_signed=False, md="sha256"):
        """A leaf of the root, or of issuer. start and end are days from now."""
        what = ("leaf", kind, tuple(names), label, issuer.stem if issuer else "", start, end, usage,
                extra, self_signed, md)
        if what not in self.made:
            san = ",".join(("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in names)
            ext = "basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nextendedKeyUsage=%s\n%s" \
                  "%s\n" % (usage, "subjectAltName=%s\n" % san if san else "", extra)
            stem = "leaf%d-%s" % (len(self.made), kind)
            self.made[what] = self._issue(stem, names[0] if names else label,
                                          self.key(kind, label),
                                          None if self_signed else issuer or self.root, ext, start,
                                          end, md)
        return self.made[what]

    def client(self, kind="p256", **kw):
        return self.leaf(kind, names=("client.test",), label="-client", usage="clientAuth", **kw)

    def dhparam(self, bits):
        """Path of Diffie-Hellman parameters: a safe prime of RFC 2409 or 3526, by its length."""
        path = self.dir / ("dh%d.pem" % bits)
        if not path.exists():
            if bits >= 1536:
                openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                        "group:modp_%d" % bits, "-out", path)
            else:
                path.write_bytes(dh_pem(MODP_1024))
        return path

    def ocsp(self, leaf, status="good"):
        """Path of an OCSP response (DER) about that leaf of the root, signed by the root."""
        path = leaf.stem.with_suffix(".%s.ocsp" % status)
        if not path.exists():
            index = path.with_suffix(".index")
            serial = openssl("x509", "-in", leaf.cert, "-noout", "-serial").decode().strip()[7:]
            index.write_text("%s\t%s\t%s\t%s\tunknown\t/CN=x\n" % (
                "R" if status == "revoked" else "V", moment(300)[2:],
                moment(-1)[2:] if status == "revoked" else "", serial))
            request = path.with_suffix(".request")
            openssl("ocsp", "-issuer", self.root.cert, "-cert", leaf.cert, "-reqout", request,
                    "-no_nonce")
            openssl("ocsp", "-index", index, "-CA", self.root.cert, "-rsigner", self.root.cert,
                    "-rkey", self.root.key, "-reqin", request, "-respout", path, "-ndays", "2")
        return path

    def _issue(self, stem, common_name, key, issuer, ext, start, end, md="sha256"):
        pair = Pair(self.dir / stem, issuer)
        pair.key = key
        request, config = pair.stem.with_suffix(".csr"), pair.stem.with_suffix(".ext")
        config.write_text(ext + "authorityKeyIdentifier=keyid\n")
        openssl("req", "-new", "-key", key, "-subj", "/CN=" + common_name, "-out", request,
                "-config", "/dev/null")
        by = ["-selfsign", "-keyfile", key] if issuer is None else \
            ["-cert", issuer.cert, "-keyfile", issuer.key]
        signer = (issuer.key if issuer else key).name
        digest = [] if "ed25519" in signer or "ed448" in signer else ["-md", md]
        openssl("ca", "-batch", "-notext", "-config", self.dir / "ca.cnf", "-in", request,
                "-out", pair.cert, "-extfile", config, "-startdate", moment(start),
                "-enddate", moment(end), *digest, *by)
        pair.finish()
        return pair


_shared = None


def shared():
    """The module's own Pki: keys are made once for all tests of a process."""
    global _shared
    if _shared is None:
        _shared = Pki()
    return _shared
