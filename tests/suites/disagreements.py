"""Cases where we decide otherwise than a suite, or for another reason, and why. Everything that is
not listed here must agree."""

VERDICT = {
    "x509-limbo: webpki::nc::nc-permits-dns-san-pattern":
        "the CN example.com is not among the SANs; BR 7.1.4.3 forbids that (as the suite's own "
        "webpki::cn cases have it)",
    "x509-limbo: webpki::san::exact-localhost-ip-san": "as above: CN example.com, SAN 127.0.0.1",
    "x509-limbo: webpki::san::leftmost-wildcard-san": "as above: CN example.com, SAN *.example.com",
    "openssl-verify: 113 fail proxy cert with incorrect pathlen":
        "RFC 3820 4.1.3 (b)(1) takes the smaller of the limits from the top down: a proxy with limit 1 "
        "may issue a proxy that has limit 1 itself; OpenSSL counts from the bottom up",
    "mbedtls-verify: X509 CRT verification #68 (RSASSA-PSS, wrong salt_len, !USE_PSA)":
        "the same certificates as '#68 ..., USE_PSA', which must be accepted: parameters and "
        "signature agree on a salt of 222 bytes (RFC 4055 3.1)",
}

REASON = {
    "nist-pkits: 4.1.6 Invalid DSA Signature Test6":
        "the DSA signature is wrong, as PKITS 4.1.6 says; the class is that of a verifier without DSA",
    "nist-pkits: 4.5.8 Invalid Basic Self-Issued CRL Signing Key Test8":
        "PKITS 4.5.8: the key that signed the certificate is for CRLs only, so its certificate is not "
        "a CA's; revocation is not the reason",
    "x509-limbo: rfc5280::intermediate-ca-missing-basic-constraints":
        "the case holds no intermediate: what is missing is the issuer",
    "x509-limbo: rfc5280::ica-ku-keycertsign":
        "the case holds no intermediate: what is missing is the issuer",
    "x509-limbo: rfc5280::ca-as-leaf-wrong-san":
        "the SAN is ca.example.com, asked for is some-other-ca.example.com; the class comes from the id",
    "x509-limbo: webpki::cryptographydotio-chain-missing-intermediate":
        "the intermediate is missing, as the id says",
}
