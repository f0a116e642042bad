"""Real mail, directory, chat and database servers on loopback ports, each in a directory of its own.

Each starter takes a scratch directory, a port, and certificate and key (or None: TLS switched off),
and gives a Daemon. They run in the foreground; stop() ends them by pid.
"""
import contextlib
import getpass
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def which(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin:/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, cmd, port, cwd, user=None, env=None):
        self.port, self.log = port, open(pathlib.Path(cwd) / "log", "wb+")
        demote = {}
        if user and os.getuid() == 0:
            who = pwd.getpwnam(user)
            demote = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self.p = subprocess.Popen(cmd, cwd=cwd, stdin=subprocess.DEVNULL, stdout=self.log,
                                  stderr=subprocess.STDOUT, start_new_session=True,
                                  env={**os.environ, **(env or {})}, **demote)

    def wait(self, seconds=30):
        """Until the port accepts, or the server is gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.p.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            time.sleep(0.05)
        self.log.seek(0)
        text = self.log.read().decode("utf-8", "replace")
        self.stop()
        raise RuntimeError("server did not come up: " + text[-2000:])

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.p.pid, signal.SIGTERM)
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.p.pid, signal.SIGKILL)
            self.p.wait()
        self.log.close()


def owned_by(user, path):
    if os.getuid() == 0:
        who = pwd.getpwnam(user)
        for root, dirs, files in os.walk(path):
            for x in [root] + [os.path.join(root, n) for n in dirs + files]:
                os.chown(x, who.pw_uid, who.pw_gid)


def scratch():
    d = tempfile.mkdtemp(prefix="tlswhy-")
    os.chmod(d, 0o755)
    return pathlib.Path(d)


def dovecot(d, ports, cert, key):
    """ports: {"imap": n, "pop3": n, "sieve": n}; waits for the first."""
    me = getpass.getuser()
    services = "".join("""
service %s-login {
  chroot =
  inet_listener %s {
    address = 127.0.0.1
    port = %d
  }
  inet_listener %ss {
    port = 0
  }
}
""" % ("managesieve" if name == "sieve" else name, name, port, name) for name, port in ports.items())
    (d / "conf").write_text("""
base_dir = %s/run
log_path = /dev/stderr
protocols = %s
listen = 127.0.0.1
ssl = %s
%s
disable_plaintext_auth = no
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=%s gid=%s home=%s
}
%s
""" % (d, " ".join(ports), "yes" if cert else "no",
       "ssl_cert = <%s\nssl_key = <%s" % (cert, key) if cert else "", me, me, d, services))
    return Daemon([which("dovecot"), "-F", "-c", str(d / "conf")], next(iter(ports.values())), d)


def postgres(d, port, cert, key):
    binary = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    user = "postgres"
    owned_by(user, d)
    run = {"user": pwd.getpwnam(user).pw_uid, "group": pwd.getpwnam(user).pw_gid,
           "extra_groups": []} if os.getuid() == 0 else {}
    subprocess.run([binary / "initdb", "-D", d / "data", "-A", "trust", "--no-sync"], check=True,
                   stdout=subprocess.DEVNULL, cwd=d, **run)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + str(d),
               "-c", "fsync=off"]
    if cert:
        for name, src in (("server.crt", cert), ("server.key", key)):
            shutil.copy(src, d / name)
            os.chmod(d / name, 0o600)
        owned_by(user, d)
        options += ["-c", "ssl=on", "-c", "ssl_cert_file=%s/server.crt" % d,
                    "-c", "ssl_key_file=%s/server.key" % d]
    return Daemon([str(binary / "postgres"), "-D", str(d / "data"), "-p", str(port)] + options,
                  port, d, user)


def mariadb(d, port, cert, key):
    user = "mysql" if os.getuid() == 0 else getpass.getuser()
    subprocess.run([which("mariadb-install-db") or which("mysql_install_db"), "--no-defaults",
                    "--datadir=%s/data" % d, "--user=" + user, "--auth-root-authentication-method="
                    "normal", "--skip-test-db"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    options = []
    if cert:
        for name, src in (("cert.pem", cert), ("key.pem", key)):
            shutil.copy(src, d / name)
        options = ["--ssl-cert=%s/cert.pem" % d, "--ssl-key=%s/key.pem" % d]
    owned_by(user, d)
    return Daemon([which("mariadbd"), "--no-defaults", "--datadir=%s/data" % d, "--port=%d" % port,
                   "--bind-address=127.0.0.1", "--socket=%s/sock" % d, "--user=" + user,
                   "--pid-file=%s/pid" % d] + options, port, d)


def slapd(d, port, cert, key):
    (d / "db").mkdir()
    tls = "TLSCertificateFile %s\nTLSCertificateKeyFile %s\n" % (cert, key) if cert else ""
    (d / "conf").write_text("""
include /etc/ldap/schema/core.schema
pidfile %s/pid
modulepath /usr/lib/ldap
moduleload back_mdb
%sdatabase mdb
suffix "dc=example,dc=test"
directory %s/db
""" % (d, tls, d))
    return Daemon([which("slapd"), "-d", "0", "-f", str(d / "conf"), "-h",
                   "ldap://127.0.0.1:%d" % port], port, d)


def vsftpd(d, port, cert, key):
    (d / "empty").mkdir()
    tls = "ssl_enable=YES\nrsa_cert_file=%s\nrsa_private_key_file=%s\n" % (cert, key) if cert else ""
    (d / "conf").write_text("""background=NO
listen=YES
listen_address=127.0.0.1
listen_port=%d
secure_chroot_dir=%s/empty
seccomp_sandbox=NO
%s""" % (port, d, tls))
    os.chmod(d / "conf", 0o644)
    return Daemon([which("vsftpd"), str(d / "conf")], port, d)


def prosody(d, port, cert, key):
    user = "prosody"
    tls = 'ssl = { certificate = "%s/cert.pem", key = "%s/key.pem" }' % (d, d) if cert else ""
    off = "" if cert else '"tls",'
    if cert:
        for name, src in (("cert.pem", cert), ("key.pem", key)):
            shutil.copy(src, d / name)
    (d / "conf.lua").write_text("""
pidfile = "%s/pid"
data_path = "%s"
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
s2s_ports = { }
c2s_direct_tls_ports = { }
modules_enabled = { "saslauth", %s }
modules_disabled = { "s2s", %s }
c2s_require_encryption = %s
log = { info = "*console" }
VirtualHost "localhost"
  %s
""" % (d, d, port, '"tls"' if cert else "", off, "true" if cert else "false", tls))
    owned_by(user, d)
    return Daemon([which("prosody"), "-F", "--config", str(d / "conf.lua")], port, d, user)


def postfix(d, port, cert, key):
    """Needs root, as Postfix does."""
    conf, queue, data = d / "conf", d / "queue", d / "data"
    for x in (conf, queue, data):
        x.mkdir()
    owned_by("postfix", data)
    tls = ("smtpd_tls_security_level = may\nsmtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n" %
           (cert, key)) if cert else "smtpd_tls_security_level = none\n"
    (conf / "main.cf").write_text("""compatibility_level = 3.6
queue_directory = %s
data_directory = %s
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
maillog_file = /dev/stdout
maillog_file_prefixes = /dev
smtpd_banner = $myhostname ESMTP $mail_name
%s""" % (queue, data, tls))
    (conf / "master.cf").write_text("""127.0.0.1:%d inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
""" % port)
    for x in (conf / "main.cf", conf / "master.cf"):
        os.chmod(x, 0o644)
    return Daemon([which("postfix"), "-c", str(conf), "start-fg"], port, d,
                  env={"MAIL_CONFIG": str(conf)})


def squid(d, port, allow_ports, password=None):
    auth = ""
    if password:
        (d / "auth.sh").write_text("#!/bin/sh\nwhile read u p rest; do [ \"$u $p\" = \"%s %s\" ] && "
                                   "echo OK || echo ERR; done\n" % password)
        os.chmod(d / "auth.sh", 0o755)
        auth = ("auth_param basic program %s/auth.sh\nauth_param basic children 1\n"
                "acl known proxy_auth REQUIRED\nhttp_access deny !known\n" % d)
    user = "proxy" if os.getuid() == 0 else getpass.getuser()
    (d / "conf").write_text("""http_port 127.0.0.1:%d
acl ok port %s
acl CONNECT method CONNECT
%shttp_access deny CONNECT !ok
http_access allow all
cache deny all
access_log none
cache_log %s/cache.log
pid_filename %s/pid
coredump_dir %s
shutdown_lifetime 0 seconds
netdb_filename none
cache_effective_user %s
""" % (port, " ".join(map(str, allow_ports)) or "1", auth, d, d, d, user))
    owned_by(user, d)
    return Daemon([which("squid"), "-N", "-f", str(d / "conf")], port, d)


def dante(d, port):
    (d / "conf").write_text("""logoutput: stderr
internal: 127.0.0.1 port = %d
external: 127.0.0.1
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
""" % port)
    return Daemon([which("danted"), "-f", str(d / "conf")], port, d)
