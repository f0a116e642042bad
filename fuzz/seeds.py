#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets anew: fuzz/seeds.py [--build DIR]

What a run of the fuzzer found (seeds named crash-* or slow-*) is kept. trace_load's seeds are made
by hand. Certificates and keys are made on the spot with the openssl command.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = HERE / "seeds"
RULES = HERE.parent / "tests/rules"

# as in fuzz_wire.c
TYPES = [1, 2, 6, 0, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 22, 23, 24, 25, 67, 254]
VERSIONS = [0, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7F17]
RECORDS, ALERTS, SSL2 = len(TYPES), len(TYPES) + 1, len(TYPES) + 2


def clean(target):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith(("crash-", "slow-")):
            old.unlink()
    return folder


def put(folder, name, data):
    (folder / name).write_bytes(data)


def wire():
    """The smallest message of each kind and version in the traces of tests/rules, and framing."""
    folder, best = clean("wire"), {}
    for path in sorted(RULES.glob("*/*.jsonl")):
        ciphers = {}
        for line in path.read_text().splitlines()[1:]:
            f = json.loads(line)
            if f["kind"] == "negotiated" and f.get("field") == "cipher":
                ciphers[f["conn"]] = f["num"]
            if f["kind"] != "message" or f.get("msg", 0) not in TYPES:
                continue
            version, body = f.get("aux", 0), bytes.fromhex(f.get("data", ""))
            if version not in VERSIONS:
                continue
            head = bytes([TYPES.index(f.get("msg", 0)), VERSIONS.index(version)])
            head += ciphers.get(f["conn"], 0).to_bytes(2, "big")
            key = (f.get("msg", 0), version)
            if key not in best or len(body) + 4 < len(best[key]):
                best[key] = head + body
    for (msg, version), data in best.items():
        put(folder, "msg%d-%04x" % (msg, version), data)
    hand = {
        "records": (RECORDS, "1603010006010000020303 150303000202 28".replace(" ", "")),
        "records-ssl2": (RECORDS, "800b0400010002000000000000"),
        "alerts": (ALERTS, "01700228"),
        "ssl2-hello": (SSL2, "04000100020002000600043000 0700c0010080 01020304".replace(" ", "")),
        "ticket13": (TYPES.index(4), "00001c20010203040200010003aabbcc0008002a000400004000"),
        "ticket12": (TYPES.index(4), "00000e100003aabbcc"),
        "status": (TYPES.index(22), "0100000430020a00"),
        "certreq12": (TYPES.index(13), "020140000404030401000a00023000000430023100"),
        "keyupdate": (TYPES.index(24), "01"),
        "hrr": (TYPES.index(6), "0303cf21ad74e59a6111be1d8c021e65b891"
                "c2a211167abb8c5e079e09e2c8a8339c"
                "0013010000 14002b00020304003300020018002c00040002abcd".replace(" ", "")),
    }
    for name, (kind, body) in hand.items():
        version = 5 if name in ("ticket13", "keyupdate", "hrr") else 4
        put(folder, name, bytes([kind, version, 0xC0, 0x2F]) + bytes.fromhex(body))
    plain = bytes.fromhex("00 000008 000003 300100 0000".replace(" ", ""))
    small = zlib.compress(plain)
    put(folder, "compressed", bytes([TYPES.index(25), 5, 0x13, 1, 0, 1]) +
        len(plain).to_bytes(3, "big") + len(small).to_bytes(3, "big") + small)


def inflate():
    folder = clean("inflate")
    plain = bytes(range(256)) * 4
    put(folder, "zlib", bytes([1]) + len(plain).to_bytes(3, "big") + zlib.compress(plain))
    # "hello hello hello hello" as the libraries' own encoders have it
    text = len(b"hello hello hello hello").to_bytes(3, "big")
    put(folder, "brotli", bytes([2]) + text +
        bytes.fromhex("1b1600f88d946ede445586966c206f214f1ce038"))
    put(folder, "zstd", bytes([3]) + text +
        bytes.fromhex("28b52ffd04686500003068656c6c6f200100994b11175eae0d"))
    put(folder, "stored-zstd", bytes([3, 0, 0, 5]) +
        bytes.fromhex("28b52ffd200529000068656c6c6f"))


def reader():
    folder = clean("reader")
    put(folder, "mixed", bytes([0x00, 0x08, 0x02, 0x0A, 0x03, 0x09, 0x06, 0xFC]) +
        bytes([1, 2, 3, 0, 1, 9, 2, 7, 7]))
    put(folder, "failing", bytes([0x38, 0x12, 0x05, 0x06, 0x00]) + bytes(5))


def http():
    folder = clean("http")
    settings = bytes.fromhex("000000040000000000")
    put(folder, "h1", b"\1HTTP/1.1 400 Bad Request\r\n\r\n")
    put(folder, "h1-no", b"\1SSH-2.0-x\r\n")
    put(folder, "h2-indexed", b"\0" + settings + bytes.fromhex("00000101040000000188"))
    put(folder, "h2-huffman", b"\0" + settings + bytes.fromhex("0000040104000000014882640e"))
    put(folder, "h2-literal", b"\0" + settings + bytes.fromhex("0000050104000000014803343936"))
    put(folder, "h2-padded", b"\0" + settings +
        bytes.fromhex("00000c012c00000001" "05" "0000000010" "8d" "0000000000"))


def target():
    folder = clean("target")
    for i, s in enumerate(["example.org", "example.org:8443", "[2001:db8::1]:443", "::1",
                           "https://user:pw@example.org:8443/a?b#c", "imaps://bücher.example",
                           "2026-11-24T08:00:00Z", "h2,http/1.1", "X25519:P-256:0x11ec",
                           "fe80::1%lo", "ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256",
                           "1.2", "10.5s", "xn--bcher-kva.example.", "a_b.example"]):
        put(folder, "%02d" % i, bytes([i]) + s.encode())


def openssl(*args, cwd, **kw):
    return subprocess.run(["openssl", *args], cwd=cwd, check=True, capture_output=True, **kw).stdout


def x509_and_cred():
    x509, cred = clean("x509"), clean("cred")
    with tempfile.TemporaryDirectory() as d:
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "k.pem", cwd=d)
        openssl("pkcs8", "-topk8", "-in", "k.pem", "-passout", "pass:secret", "-out", "ke.pem",
                "-iter", "10", cwd=d)
        openssl("req", "-x509", "-new", "-key", "k.pem", "-days", "2", "-out", "c.pem", "-subj",
                "/C=NL/O=Example/CN=a.example.test", "-addext",
                "subjectAltName=DNS:a.example.test,DNS:*.example.test,IP:192.0.2.1,IP:2001:db8::1,"
                "email:x@example.test,URI:https://example.test/", "-addext",
                "authorityInfoAccess=OCSP;URI:http://o.example.test,"
                "caIssuers;URI:http://c.example.test", "-addext", "keyUsage=digitalSignature",
                "-addext", "extendedKeyUsage=serverAuth", "-addext", "tlsfeature=status_request",
                "-addext", "nameConstraints=permitted;DNS:example.test", "-addext",
                "crlDistributionPoints=URI:http://l.example.test", cwd=d)
        openssl("pkcs12", "-export", "-in", "c.pem", "-inkey", "k.pem", "-out", "c.p12",
                "-passout", "pass:secret", "-iter", "10", "-maciter", cwd=d)
        openssl("pkcs12", "-export", "-in", "c.pem", "-inkey", "k.pem", "-out", "n.p12",
                "-passout", "pass:", "-keypbe", "NONE", "-certpbe", "NONE", "-nomac", cwd=d)
        folder = pathlib.Path(d)
        put(x509, "many", openssl("x509", "-in", "c.pem", "-outform", "DER", cwd=d))
        pem, key, enc = ((folder / n).read_bytes() for n in ("c.pem", "k.pem", "ke.pem"))
        put(cred, "pem", b"\0" + pem + key)
        put(cred, "pem-encrypted", b"\x40" + pem + enc)
        put(cred, "two-files", bytes([64 * len(pem) // len(pem + key) + 1]) + pem + key)
        put(cred, "p12", b"\x40" + (folder / "c.p12").read_bytes())
        put(cred, "p12-plain", b"\0" + (folder / "n.p12").read_bytes())
    put(x509, "tiny", bytes.fromhex("3024301c0201013000300030003000300f300906072a8648ce3d0201"
                                    "0302000430000302 0000".replace(" ", "")))
    put(x509, "bmp-name",
        certificate("\x00\x1b[2J.\u00e9\ud800".encode("utf-16-be", "surrogatepass")))


def tlv(tag, *parts):
    body = b"".join(parts)
    return bytes([tag, len(body)]) + body if len(body) < 128 else \
        bytes([tag, 0x81, len(body)]) + body


def certificate(bmp_name):
    """Version 1, no times, the issuer's and the subject's CN a BMPString."""
    name = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403"), tlv(0x1e, bmp_name))))
    key = bytes.fromhex("300f300906072a8648ce3d020103020004")
    tbs = tlv(0x30, b"\2\1\1", b"\x30\0", name, b"\x30\0", name, key)
    return tlv(0x30, tbs, b"\x30\0", bytes.fromhex("03020000"))


def engine(build):
    for t in ("client", "server", "observer"):
        clean(t)
    subprocess.run([build / "fuzz/make_seeds", SEEDS], check=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build-test")
    args = ap.parse_args()
    wire()
    inflate()
    reader()
    http()
    target()
    x509_and_cred()
    engine(args.build.resolve())
    for folder in sorted(SEEDS.iterdir()):
        files = list(folder.iterdir())
        print("%-12s %3d files %7d bytes" % (folder.name, len(files),
                                             sum(f.stat().st_size for f in files)))


if __name__ == "__main__":
    main()
