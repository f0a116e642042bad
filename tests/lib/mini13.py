"""
A TLS 1.3 server that does one honest handshake (x25519, TLS_AES_128_GCM_SHA256, ECDSA P-256) and
then lets a test write whatever it likes under the right keys (RFC 8446). Real servers are too
polite for that.
"""
import datetime
import hashlib
import hmac
import os
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

HANDSHAKE, APPLICATION, ALERT = 22, 23, 21


def vec(n, data):
    return len(data).to_bytes(n, "big") + data


def message(kind, body):
    return bytes([kind]) + vec(3, body)


def record(kind, body):
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def server_hello(session_id, extensions, random=None, cipher=0x1301):
    return message(2, b"\x03\x03" + (random or os.urandom(32)) + vec(1, session_id)
                   + struct.pack(">HB", cipher, 0) + vec(2, extensions))


def certificate():
    """A self-signed certificate for localhost: its DER, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(7)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(key, hashes.SHA256()))
    return cert.public_bytes(serialization.Encoding.DER), key


def expand(secret, label, context, n):
    info = struct.pack(">H", n) + vec(1, b"tls13 " + label) + vec(1, context)
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = hmac.new(secret, block + info + bytes([i]), hashlib.sha256).digest()
        out, i = out + block, i + 1
    return out[:n]


def extract(salt, secret):
    return hmac.new(salt, secret, hashlib.sha256).digest()


class Sealer:
    def __init__(self, secret):
        self.aead = AESGCM(expand(secret, b"key", b"", 16))
        self.iv = int.from_bytes(expand(secret, b"iv", b"", 12), "big")
        self.secret, self.n = secret, 0

    def seal(self, kind, body):
        nonce = (self.iv ^ self.n).to_bytes(12, "big")
        self.n += 1
        header = struct.pack(">BHH", APPLICATION, 0x0303, len(body) + 17)
        return header + self.aead.encrypt(nonce, body + bytes([kind]), header)

    def updated(self):
        return Sealer(expand(self.secret, b"traffic upd", b"", 32))


def client_hello(conn):
    """The ClientHello message, its session id, its x25519 share."""
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        more = conn.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    body = data[5:5 + int.from_bytes(data[3:5], "big")]
    sid = body[39:39 + body[38]]
    at = 39 + len(sid)
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at] + 2
    share = None
    while at < len(body):
        kind, n = struct.unpack(">HH", body[at:at + 4])
        if kind == 51:
            shares, i = body[at + 6:at + 4 + n], 0
            while i < len(shares):
                group, m = struct.unpack(">HH", shares[i:i + 4])
                if group == 0x001d:
                    share = shares[i + 4:i + 4 + m]
                i += 4 + m
        at += 4 + n
    return body, sid, share


class Server:
    """hello(): up to ServerHello; then certificates() and finish(), or anything else."""

    def __init__(self, conn):
        self.conn = conn

    def hello(self):
        ch, sid, share = client_hello(self.conn)
        if share is None:
            raise OSError("a trial without x25519")
        mine = x25519.X25519PrivateKey.generate()
        public = mine.public_key().public_bytes(serialization.Encoding.Raw,
                                                serialization.PublicFormat.Raw)
        sh = server_hello(sid, extension(43, b"\x03\x04")
                          + extension(51, b"\x00\x1d" + vec(2, public)))
        self.conn.sendall(record(HANDSHAKE, sh))
        secret = mine.exchange(x25519.X25519PublicKey.from_public_bytes(share))
        zero, empty = bytes(32), hashlib.sha256(b"").digest()
        early = expand(extract(zero, zero), b"derived", empty, 32)
        self.handshake_secret = extract(early, secret)
        self.log = ch + sh
        self.traffic = expand(self.handshake_secret, b"s hs traffic", self.digest(), 32)
        self.out = Sealer(self.traffic)

    def digest(self):
        return hashlib.sha256(self.log).digest()

    def send(self, kind, body):
        """Sealed, in as many records as it needs."""
        for i in range(0, len(body), 16384):
            self.conn.sendall(self.out.seal(kind, body[i:i + 16384]))

    def say(self, msg):
        self.log += msg
        self.send(HANDSHAKE, msg)

    def finish(self, request=False):
        """EncryptedExtensions to Finished; from here on self.out has the application keys.
        request: with a CertificateRequest, whose answer is not read."""
        der, key = certificate()
        self.say(message(8, vec(2, b"")))
        if request:
            self.say(message(13, vec(1, b"") + vec(2, extension(13, vec(2, vec(2, b"\x04\x03"))))))
        self.say(message(11, vec(1, b"") + vec(3, vec(3, der) + vec(2, b""))))
        to_sign = b" " * 64 + b"TLS 1.3, server CertificateVerify\x00" + self.digest()
        signature = key.sign(to_sign, ec.ECDSA(hashes.SHA256()))
        self.say(message(15, b"\x04\x03" + vec(2, signature)))
        finished = expand(self.traffic, b"finished", b"", 32)
        self.say(message(20, hmac.new(finished, self.digest(), hashlib.sha256).digest()))
        empty = hashlib.sha256(b"").digest()
        master = extract(expand(self.handshake_secret, b"derived", empty, 32), bytes(32))
        self.out = Sealer(expand(master, b"s ap traffic", self.digest(), 32))
