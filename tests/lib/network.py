"""Servers that speak no TLS, and networks that spoil it."""
import os
import pwd
import socket
import subprocess
import sys
import threading
import unittest

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


def vsftpd():
    exe = servers.program("vsftpd")

    def command(port, d):
        (d / "empty").mkdir()
        conf = d / "vsftpd.conf"
        conf.write_text("listen=YES\nlisten_address=127.0.0.1\nlisten_port=%d\nbackground=NO\n"
                        "secure_chroot_dir=%s/empty\nanonymous_enable=YES\nlocal_enable=NO\n"
                        "seccomp_sandbox=NO\nxferlog_enable=NO\n%s" % (
                            port, d, "" if os.getuid() == 0 else "run_as_launching_user=YES\n"))
        return [exe, conf]
    return servers.launch("vsftpd", command)


def dovecot(protocol):
    exe = servers.program("dovecot")

    def command(port, d):
        user = pwd.getpwuid(os.getuid()).pw_name
        internal = user if os.getuid() else "dovenull"
        (d / "run").mkdir()
        conf = d / "dovecot.conf"
        conf.write_text(
            "protocols = {p}\nbase_dir = {d}/run\nstate_dir = {d}/run\nlog_path = /dev/stderr\n"
            "ssl = no\ndefault_internal_user = {i}\ndefault_login_user = {i}\nlisten = 127.0.0.1\n"
            "mail_location = maildir:{d}/mail\n"
            "service {p}-login {{\n chroot =\n inet_listener {p} {{\n port = {port}\n }}\n"
            " inet_listener {p}s {{\n port = 0\n }}\n}}\n"
            "service anvil {{\n chroot =\n}}\n"
            "passdb {{\n driver = static\n args = nopassword=y\n}}\n"
            .format(p=protocol, d=d, i=internal, port=port))
        return [exe, "-F", "-c", conf]
    return servers.launch("Dovecot", command)


def exim():
    exe = servers.program("exim4", "exim")

    def command(port, d):
        d.chmod(0o777)      # it drops its privileges
        conf = d / "exim.conf"
        conf.write_text("spool_directory = %s/spool\nlog_file_path = %s/log-%%s\n"
                        "primary_hostname = mail.test\npid_file_path = %s/pid\n"
                        "tls_advertise_hosts =\nkeep_environment =\nacl_smtp_rcpt = deny\nhost_lookup =\n"
                        "rfc1413_query_timeout = 0s\nbegin acl\ndeny:\n  deny\n" % (d, d, d))
        conf.chmod(0o644)
        return [exe, "-C", conf, "-bdf", "-oX", "127.0.0.1.%d" % port]
    return servers.launch("Exim", command)


def slapd():
    exe = servers.program("slapd")

    def command(port, d):
        (d / "db").mkdir()
        conf = d / "slapd.conf"
        conf.write_text("include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\n"
                        "moduleload back_mdb\npidfile %s/pid\ndatabase mdb\nsuffix dc=test\n"
                        "directory %s/db\n" % (d, d))
        return [exe, "-d", "0", "-f", conf, "-h", "ldap://127.0.0.1:%d/" % port]
    return servers.launch("OpenLDAP", command)


def postgres():
    """PostgreSQL refuses to run as root: it gets its own user then."""
    found = sorted(str(p) for p in servers.pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    exe = found[-1] if found else servers.program("postgres")
    become = []
    if os.getuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            raise unittest.SkipTest("PostgreSQL does not run as root, and there is no user postgres")
        become = [servers.program("runuser"), "-u", "postgres", "--"]

    def command(port, d):
        data = d / "data"
        data.mkdir()
        if become:
            pw = pwd.getpwnam("postgres")
            os.chown(data, pw.pw_uid, pw.pw_gid)
        initdb = os.path.join(os.path.dirname(os.path.realpath(exe)), "initdb")
        subprocess.run([*become, initdb, "-D", str(data), "-N", "-A", "trust", "-U", "postgres",
                        "--no-instructions"], check=True, capture_output=True, timeout=60, cwd="/")
        return [*become, exe, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c",
                "unix_socket_directories=", "-c", "fsync=off"]
    return servers.launch("PostgreSQL", command)
