"""A network of this process's own: loopback, its own packet filter, its own /etc/resolv.conf.

enter() is for a test module's setUpModule(): the whole process moves, and there is no way back.
"""
import ctypes
import os
import subprocess
import unittest

import servers

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_inside, _resolv = False, None


def _libc(call, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*args) != 0:
        raise OSError(ctypes.get_errno(), call)


def enter():
    global _inside
    if _inside:
        return
    ip, nft = servers.program("ip"), servers.program("nft")
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET | CLONE_NEWNS | (CLONE_NEWUSER if uid else 0)
    try:
        _libc("unshare", flags)
        if uid:
            open("/proc/self/setgroups", "w").write("deny")
            open("/proc/self/uid_map", "w").write("0 %d 1" % uid)
            open("/proc/self/gid_map", "w").write("0 %d 1" % gid)
        _libc("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        run(ip, "link", "set", "lo", "up")
        run(nft, "list", "ruleset")
    except (OSError, subprocess.CalledProcessError) as e:
        raise unittest.SkipTest("no network namespace with a packet filter can be made here: %s" % e)
    _inside = True


def run(*argv, input=None):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True, timeout=20, input=input)


class Filter:
    """nftables rules for packets that come in, while the context lasts."""

    def __init__(self, *rules):
        self.rules = rules

    def __enter__(self):
        run(servers.program("nft"), "-f", "-", input=(
            "table inet tlswhy {\n chain in {\n  type filter hook input priority 0;\n%s\n }\n}\n"
            % "\n".join("  " + r for r in self.rules)).encode())

    def __exit__(self, *_):
        run(servers.program("nft"), "delete", "table", "inet", "tlswhy")


def ask_only_loopback():
    """Lay a file over /etc/resolv.conf, for this process and its children, that names 127.0.0.1.
    Where there is none, resolvers ask there anyway."""
    global _resolv
    if _resolv or not os.path.exists("/etc/resolv.conf"):
        return
    _resolv = servers.workdir() / "resolv.conf"
    _resolv.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    _libc("mount", str(_resolv).encode(), os.path.realpath("/etc/resolv.conf").encode(), None,
          MS_BIND, None)
