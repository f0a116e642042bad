"""One healthy server per kind and key type: nothing may be found."""
import unittest

import pki
import servers
from diagnose import Checks


class Healthy(Checks, unittest.TestCase):
    """Each server as its own defaults make it, but for certificate and key."""


def starters(kind):
    leaf = pki.shared().leaf(kind)
    return {
        "OpenSSL": lambda: servers.openssl(leaf),
        "GnuTLS": lambda: servers.gnutls(leaf, "--disable-client-cert"),
        "NSS": lambda: servers.nss(leaf, "-V", "tls1.2:tls1.3"),
        "Go": lambda: servers.go(leaf, "-alpn", "http/1.1"),
        "Java": lambda: servers.java(leaf, alpn="http/1.1"),
        "Python": lambda: servers.python(leaf),
        "Node": lambda: servers.node(leaf),
        "nginx": lambda: servers.nginx_tls(leaf, "ssl_protocols TLSv1.2 TLSv1.3;"),
        "nginx HTTP 1": lambda: servers.nginx_tls(leaf, "ssl_protocols TLSv1.2 TLSv1.3;",
                                                  http2=False),
        "Apache": lambda: servers.apache_tls(leaf),
        "HAProxy": lambda: servers.haproxy("ssl crt %s alpn h2,http/1.1" % leaf.both),
        # as many are in the field
        "TLS 1.2 only, nginx": lambda: servers.nginx_tls(leaf, "ssl_protocols TLSv1.2;"),
        "TLS 1.3 only, HAProxy": lambda: servers.haproxy("ssl crt %s ssl-min-ver TLSv1.3"
                                                         % leaf.both),
        "TLS 1.3 only, Go": lambda: servers.go(leaf, "-min", "1.3"),
        "client certificate optional, OpenSSL": lambda: servers.openssl(leaf, "-verify", "1"),
        "client certificate optional, Go": lambda: servers.go(leaf, "-auth", "request"),
        "client certificate optional, nginx": lambda: servers.nginx_tls(
            leaf, "ssl_verify_client optional_no_ca;"),
        "client certificate optional, Java": lambda: servers.java(leaf, client_auth="want",
                                                                  ca=pki.shared().root.cert),
        "retry, OpenSSL": lambda: servers.openssl(leaf, "-groups", "P-384"),
        "retry, HAProxy": lambda: servers.haproxy("ssl crt %s curves P-384" % leaf.both),
    }


NAMES = {"rsa": ("OpenSSL", "GnuTLS", "NSS", "Go", "Java", "Python", "Node", "nginx",
                 "nginx HTTP 1", "Apache", "HAProxy", "TLS 1.2 only, nginx",
                 "TLS 1.3 only, HAProxy", "TLS 1.3 only, Go",
                 "client certificate optional, OpenSSL", "client certificate optional, Go",
                 "client certificate optional, nginx", "client certificate optional, Java",
                 "retry, OpenSSL", "retry, HAProxy"),
         "p256": ("OpenSSL", "GnuTLS", "NSS", "Go", "Java", "Python", "Node", "nginx", "Apache",
                  "HAProxy")}
for _kind, _names in NAMES.items():
    for _name in _names:
        def _test(self, kind=_kind, name=_name):
            with starters(kind)[name]() as s:
                self.healthy(s)
        setattr(Healthy, "test_%s_%s" % (_name.replace(",", "").replace(" ", "_").replace(".", "_"),
                                         _kind), _test)


class HealthyWithClientCertificate(Checks, unittest.TestCase):
    def test_nginx(self):
        p = pki.shared()
        c = p.client("p256")
        with servers.nginx_tls(p.leaf("p256"), "ssl_verify_client on; ssl_client_certificate %s;"
                               % p.root.cert) as s:
            self.healthy(s, "--cert", c.chain, "--key", c.key)

    def test_go(self):
        p = pki.shared()
        c = p.client("rsa")
        with servers.go(p.leaf("p256"), "-auth", "verify", "-ca", p.root.cert) as s:
            self.healthy(s, "--cert", c.pkcs12(), "--pass", "secret")


if __name__ == "__main__":
    unittest.main()
