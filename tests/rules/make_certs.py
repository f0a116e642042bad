#!/usr/bin/env python3
"""Makes the saved traces of the causes about certificates and chains anew:

    tests/rules/make_certs.py [CAUSE...]

tests/rules/<cause>/hit*.jsonl is a case that is this cause, hit-warning*.jsonl one where it works
here and is told as a warning, miss*.jsonl a near miss. The certificates are made by OpenSSL and
judged as `openssl s_server` sends them, or as a file. Traces are facts: they stay good when rules
change.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import pki  # noqa: E402
import servers  # noqa: E402
import tw  # noqa: E402

P = pki.shared()
NAME = pki.NAME
CA = "basicConstraints=critical,CA:TRUE%s\nkeyUsage=critical,keyCertSign,cRLSign\n" \
     "subjectKeyIdentifier=%s\n%s"
SAME_KEY_ID = "74:77:69:74:68"
# what the Baseline Requirements ask of a certificate; the URLs are never fetched
PUBLIC = "keyUsage=critical,digitalSignature\ncertificatePolicies=2.23.140.1.2.1\n" \
         "authorityInfoAccess=caIssuers;URI:http://ca.tlswhy.test/ca.cer\n" \
         "crlDistributionPoints=URI:http://ca.tlswhy.test/ca.crl\n"


def issue(stem, common_name, issuer, ext, start=-30, end=300, md="sha256", key=None):
    key = key or P.key("p256", "-" + stem)
    return P._issue(stem, common_name, key, issuer, ext, start, end, md)


def ca(stem, issuer=None, name=None, path_len="", ski="hash", extra="", **more):
    return issue(stem, "tlswhy test " + (name or stem), issuer,
                 CA % (",pathlen:%s" % path_len if path_len else "", ski, extra), **more)


def below(issuer, **more):
    return P.leaf(issuer=issuer, label="-" + issuer.stem.name, **more)


# ---- cases: leaf, certificates sent after it, options ----------------------------------------

def served(leaf, *sent, trust=None, name=NAME, options=()):
    """As a server sends it; openssl s_server takes what a client of today would refuse."""
    return types.SimpleNamespace(leaf=leaf, sent=sent, trust=trust or P.root, file=False,
                                 options=["--servername", name, *options])


def asked(leaf, name, *sent):
    """Without SNI, which cannot have this name."""
    case = served(leaf, *sent)
    case.options = ["--no-sni", "--verify-name", name]
    return case


def filed(leaf, *sent, trust=None, name=NAME, options=()):
    """As a file that is to be served."""
    return types.SimpleNamespace(leaf=leaf, sent=sent, trust=trust or P.root, file=True,
                                 options=["--name", name, *options])


class Cases:
    """One method for each cause: (hits, warnings, near misses)."""

    mismatch = property(lambda self: served(P.leaf(names=("www.example.test",))))

    def wildcard_depth(self):
        wild = P.leaf(names=("*." + NAME,))
        return [served(wild, name="a.b." + NAME), served(wild)], [], \
            [served(wild, name="a." + NAME), served(wild, name="a.b.example.test")]

    def san_missing(self):
        return [served(P.leaf(names=(), label=NAME))], [], \
            [served(issue("cn-fits", NAME, P.root, "subjectAltName=DNS:www.example.test\n"))]

    def name_ip_address(self):
        right, wrong = (P.leaf(names=(ip,)) for ip in ("127.0.0.1", "127.0.0.2"))
        return [asked(P.leaf(), "127.0.0.1"), asked(wrong, "127.0.0.1")], [], \
            [asked(right, "127.0.0.1"), self.mismatch]

    def name_form_unusual(self):
        under = P.leaf(names=("a_b." + NAME,))
        odd = issue("odd", "odd", P.root, "subjectAltName=DNS:127.0.0.1\n")
        return [served(P.leaf(names=("*.test",)))], [served(under, name="a_b." + NAME)], \
            [asked(odd, "127.0.0.1"), served(P.leaf(names=("*." + NAME,)), name="a.b." + NAME)]

    def eku_missing(self):
        return [served(P.leaf(usage="clientAuth"))], [], \
            [served(P.leaf(usage="clientAuth,serverAuth")),
             served(P.leaf(extra="keyUsage=critical,dataEncipherment"))]

    def eku_client_auth_missing(self):
        client = ("--purpose", "client")
        return [filed(P.leaf(), options=client)], [], \
            [filed(P.leaf(usage="clientAuth"), options=client), filed(P.leaf(usage="clientAuth"))]

    def key_usage_wrong(self):
        return [served(P.leaf(extra="keyUsage=critical,dataEncipherment"))], [], \
            [served(P.leaf(extra="keyUsage=critical,digitalSignature")),
             served(P.leaf(usage="clientAuth"))]

    def not_a_ca(self):
        return issue("no-ca", "no CA", P.root, "basicConstraints=critical,CA:FALSE\n"
                     "subjectKeyIdentifier=hash\n")

    def ca_basic_constraints(self):
        no_sign = issue("no-sign", "no keyCertSign", P.root, "basicConstraints=critical,CA:TRUE\n"
                        "keyUsage=critical,cRLSign\nsubjectKeyIdentifier=hash\n")
        issuer = self.not_a_ca()
        return [served(below(issuer), issuer), served(below(no_sign), no_sign)], [], \
            [self.deep("0")]

    def deep(self, allowed):
        upper = ca("upper" + allowed, P.root, path_len=allowed)
        lower = ca("lower" + allowed, upper)
        return served(below(lower), lower, upper)

    def path_length_exceeded(self):
        issuer = self.not_a_ca()
        return [self.deep("0")], [], [self.deep("1"), served(below(issuer), issuer)]

    def name_constraints(self):
        for_us = ca("for-us", P.root, extra="nameConstraints=critical,permitted;DNS:%s\n" % NAME)
        for_others = ca("for-others", P.root,
                        extra="nameConstraints=critical,permitted;DNS:example.test\n")
        not_us = ca("not-us", P.root, extra="nameConstraints=critical,excluded;DNS:%s\n" % NAME)
        return [served(below(for_others), for_others), served(below(not_us), not_us)], [], \
            [served(below(for_us), for_us), served(below(for_us), for_us, name="www.example.test")]

    def unknown_critical_extension(self):
        return [served(P.leaf(extra="1.2.3.4.5=critical,ASN1:NULL"))], [], \
            [served(P.leaf(extra="1.2.3.4.5=ASN1:NULL"))]

    def weak_key(self):
        small = ca("small", P.root, key=P.key("rsa1024", "-small"))
        return [served(P.leaf("rsa1024")), served(below(small), small)], [], \
            [served(P.leaf("rsa")), served(P.leaf(md="sha1"))]

    def weak_signature(self):
        # a root's own signature does not matter
        old_root = ca("old-root", md="sha1")
        return [served(P.leaf(md="sha1"))], [], \
            [served(below(old_root), old_root, trust=old_root), served(P.leaf("rsa1024"))]

    def namesakes(self, ski):
        """Two CAs of one name; the second one's certificate is sent, the first one issued."""
        a, b = (ca("namesake%s%s" % (n, ski[:2]), P.root, name="issuing CA", ski=ski) for n in "ab")
        return served(below(a), b)

    def cert_signature_invalid(self):
        flipped = issue("flipped", NAME, P.root, "subjectAltName=DNS:%s\n" % NAME)
        der = bytearray(pki.openssl("x509", "-in", flipped.cert, "-outform", "DER"))
        der[-1] ^= 1
        flipped.cert.write_bytes(pki.openssl("x509", "-inform", "DER", input=bytes(der)))
        return [self.namesakes(SAME_KEY_ID), served(flipped)], [], [self.namesakes("hash")]

    def chain_wrong_intermediate(self):
        mine, other = ca("mine", P.root), ca("other", P.root)
        return [self.namesakes("hash"), served(below(mine), other)], [], \
            [self.namesakes(SAME_KEY_ID), served(below(mine)), served(below(mine), mine, other)]

    def chain_wrong_order(self):
        upper = ca("order-upper", P.root)
        lower = ca("order-lower", upper)
        leaf = below(lower)
        return [filed(lower, leaf, upper)], [served(leaf, upper, lower)], \
            [served(leaf, lower, upper), served(leaf, lower, upper, P.root), served(leaf, upper)]

    def chain_intermediate_expired(self):
        old = ca("old", P.root, start=-400, end=-3)
        return [served(below(old), old)], [], \
            [served(below(old, start=-9), old, options=("--at", not_after(old))),
             served(P.leaf(start=-9, end=-3))]

    def cross(self, sign, end=300, md="sha256"):
        """A new root, and its key certified by an older one that clients do not have."""
        stem = "%s-%s" % (sign, md)
        new, old = ca("new-" + stem), ca("older-" + stem, start=-900, end=min(end + 10, 400))
        crossed = ca("cross-" + stem, old, name="new-" + stem, key=new.key, start=-800, end=end,
                     md=md)
        issuing = ca("issuing-" + stem, new)
        return served(below(issuing), issuing, crossed, trust=new)

    def chain_root_expired_cross_sign(self):
        gone = ca("gone", start=-400, end=-3)
        inter = ca("gone-inter", gone)
        old = ca("old", P.root, start=-400, end=-3)
        return [served(below(inter), inter, trust=gone)], [self.cross("expired", end=-3)], \
            [served(below(old), old), self.cross("good")]

    def cross_sign_path_choice(self):
        return [], [self.cross("weak", md="sha1")], \
            [self.cross("expired", end=-3), self.cross("good")]

    def cert_malformed(self):
        # a bit of keyUsage beyond the last one; signed, so nobody changed it afterwards
        bad = P.leaf(extra="keyUsage=critical,DER:030205BF")
        return [filed(bad)], [], \
            [filed(P.leaf(extra="keyUsage=critical,DER:030205A0")),
             filed(P.leaf(extra="1.2.3.4.5=critical,ASN1:NULL"))]

    def cert_key_type_unsupported(self):
        key = P.dir / "key-explicit.pem"
        pki.openssl("genpkey", *pki.KINDS["p256"], "-pkeyopt", "ec_param_enc:explicit", "-out", key)
        ext = "subjectAltName=DNS:%s\n" % NAME
        return [filed(issue("explicit", NAME, P.root, ext, key=key))], [], \
            [filed(issue("named", NAME, P.root, ext)), filed(P.leaf("rsa1024"))]

    def cert_validity_too_long(self):
        public = ca("public", P.root, extra=PUBLIC.split("\n", 1)[1])

        def lasting(days):
            return filed(below(public, end=days - 1, extra=PUBLIC), public,
                         options=("--policy", "webpki"))

        return [lasting(900)], [], [lasting(100)]


def not_after(pair):
    return pki.openssl("x509", "-in", pair.cert, "-noout", "-enddate", "-dateopt",
                       "iso_8601").decode().strip().partition("=")[2].replace(" ", "T")


# ---- traces --------------------------------------------------------------------------------------

def judge(case, out):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "ca.pem").write_bytes(case.trust.cert.read_bytes())
        (folder / "cert.pem").write_bytes(case.leaf.cert.read_bytes())
        chain = folder / "chain.pem"
        chain.write_text("".join(c.cert.read_text() for c in case.sent))
        args = [str(tw.TLSWHY_RELEASE), "inspect" if case.file else "check", "--json", "--ca",
                "ca.pem", "--save-trace", str(out), *case.options]
        if case.file:
            args += ["cert.pem"] + (["--chain", "chain.pem"] if case.sent else [])
            return run(args, folder)
        more = ["-cert_chain", chain] if case.sent else []
        with servers.launch("OpenSSL", lambda port, d: [
                "openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-www", "-cert",
                folder / "cert.pem", "-key", case.leaf.key, "-cipher", "DEFAULT@SECLEVEL=0",
                "-tls1_3", *more]) as s:
            return run(args + ["localhost:%d" % s.port], folder)


def run(args, folder):
    p = subprocess.run(args, cwd=folder, capture_output=True, text=True, timeout=60)
    if p.returncode not in (0, 1, 3):
        raise SystemExit("%s: %s" % (" ".join(args), p.stderr))
    got = json.loads(p.stdout)
    return [[c["id"] for c in got[k]] for k in ("causes", "warnings")]


def make(cause):
    folder = HERE / cause
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.jsonl"):
        old.unlink()
    good = True
    for kind, cases in zip(("hit", "hit-warning", "miss"),
                           getattr(Cases(), cause.replace("-", "_"))()):
        for n, case in enumerate(cases, 1):
            out = folder / (kind + ("-%d" % n if n > 1 else "") + ".jsonl")
            causes, warnings = judge(case, out)
            right = causes[:1] == [cause] if kind == "hit" else \
                cause in warnings and not causes if kind == "hit-warning" else cause not in causes
            good = good and right
            print("%-4s %-52s %s | %s" % ("ok" if right else "BAD", out.relative_to(HERE),
                                          ", ".join(causes) or "no cause", ", ".join(warnings)))
    return good


KNOWN = ["ca-basic-constraints", "cert-key-type-unsupported", "cert-malformed",
         "cert-signature-invalid", "cert-validity-too-long", "chain-intermediate-expired",
         "chain-root-expired-cross-sign", "chain-wrong-intermediate", "chain-wrong-order",
         "cross-sign-path-choice", "eku-client-auth-missing", "eku-missing", "key-usage-wrong",
         "name-constraints", "name-form-unusual", "name-ip-address", "path-length-exceeded",
         "san-missing", "unknown-critical-extension", "weak-key", "weak-signature",
         "wildcard-depth"]

if __name__ == "__main__":
    sys.exit(0 if all([make(cause) for cause in sys.argv[1:] or KNOWN]) else 1)
