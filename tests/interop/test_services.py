"""Causes where no TLS is spoken: real services, proxies that refuse, ports without listener."""
import unittest

import network
import servers
from diagnose import Checks, add_causes


class Services(Checks, unittest.TestCase):
    pass


def cause(name, rows, **want):
    add_causes(Services, name, rows, **want)


cause("tcp-refused", {"nobody listens": network.nobody}, side="server", at="tcp")
cause("tcp-timeout", {
    "full backlog": (network.FullBacklog, ("--timeout", "4")),
}, side="network", at="tcp")
cause("plaintext-on-tls-port", {
    "Python http.server": network.python_http,
    "nginx": lambda: servers.nginx("listen 127.0.0.1:@PORT@;"),
    "nginx HTTP 2 without TLS": lambda: servers.nginx("listen 127.0.0.1:@PORT@ http2;"),
    "Apache": lambda: servers.apache(""),
    "HAProxy": lambda: servers.haproxy(""),
}, side="server", at="server_hello")
cause("wrong-service-on-port", {
    "OpenSSH": network.sshd,
    "Redis": network.redis,
}, side="client", at="server_hello")
cause("starttls-needed", {
    "vsftpd": lambda: network.Daemon("vsftpd", "vsftpd"),
    "Dovecot IMAP": lambda: network.Daemon("dovecot", "dovecot", "imap"),
    "Dovecot POP3": lambda: network.Daemon("dovecot", "dovecot", "pop3"),
    "Postfix": lambda: network.Daemon("postfix", "postfix"),
    "OpenLDAP": lambda: network.Daemon("slapd", "slapd"),
    "PostgreSQL": lambda: network.Daemon("postgres", "psql"),
    "MariaDB": lambda: network.Daemon("mariadb", "mariadbd"),
    "Prosody": lambda: network.Daemon("prosody", "prosody"),
}, side="client", at="server_hello")
cause("reset-before-hello", {
    "HAProxy rejects at once": lambda: servers.haproxy(
        "", "tcp-request connection reject\ndefault_backend b\nbackend b\nmode tcp\n"
            "server s 127.0.0.1:9", backend=False),
    "nginx stream deny": lambda: network.nginx_stream("deny all; return ok;"),
}, side="server", at="client_hello")
cause("close-on-client-hello", {
    "HAProxy rejects TLS": lambda: servers.haproxy(
        "", "tcp-request inspect-delay 5s\ntcp-request content reject if { req.ssl_hello_type 1 }\n"
            "default_backend b\nbackend b\nmode tcp\nserver s 127.0.0.1:9", backend=False),
}, side="server", at="server_hello")


if __name__ == "__main__":
    unittest.main()
