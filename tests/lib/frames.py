"""Writes captures of connections that a test makes up: TCP and UDP over IPv4, one frame a step."""
import struct

CLIENT, SERVER = (b"\xc0\x00\x02\x07", 50000), (b"\xc6\x33\x64\x05", 443)
START = 1790000000


def checksum_free_ip(proto, src, dst, body):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0, src, dst) + body


class Capture:
    """Frames of raw IPv4 (link type 101)."""

    def __init__(self, port=443):
        self.frames, self.at = [], 0.0
        self.ends = {"C": CLIENT, "S": (SERVER[0], port)}
        self.seq = {"C": 1000, "S": 5000}

    def wait(self, seconds):
        self.at += seconds
        return self

    def _add(self, packet):
        self.at += 0.001
        self.frames.append((START + self.at, packet))
        return self

    def tcp(self, side, data=b"", flags=0x18):
        other = "S" if side == "C" else "C"
        (src, sport), (dst, dport) = self.ends[side], self.ends[other]
        head = struct.pack(">HHIIBBHHH", sport, dport, self.seq[side], self.seq[other], 5 << 4, flags,
                           65535, 0, 0)
        self.seq[side] += len(data) + (1 if flags & 3 else 0)
        return self._add(checksum_free_ip(6, src, dst, head + data))

    def udp(self, side, data):
        other = "S" if side == "C" else "C"
        (src, sport), (dst, dport) = self.ends[side], self.ends[other]
        head = struct.pack(">HHHH", sport, dport, 8 + len(data), 0)
        return self._add(checksum_free_ip(17, src, dst, head + data))

    def open(self):
        return self.tcp("C", flags=2).tcp("S", flags=0x12).tcp("C", flags=0x10)

    def close(self, side):
        return self.tcp(side, flags=0x11).tcp("S" if side == "C" else "C", flags=0x11)

    def bytes(self):
        out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101)
        for at, packet in self.frames:
            out += struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(packet), len(packet)) + packet
        return out

    def write(self, path):
        path.write_bytes(self.bytes())
        return path


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def alert(description, level=2):
    return record(21, bytes([level, description]))


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def sni(name):
    n = name.encode()
    return extension(0, struct.pack(">HBH", len(n) + 3, 0, len(n)) + n)


def client_hello(extensions=b"", version=0x0303, suites=(0xc02f, 0x009c)):
    s = b"".join(struct.pack(">H", x) for x in suites)
    body = (struct.pack(">H", version) + bytes(range(32)) + b"\0" + struct.pack(">H", len(s)) + s +
            b"\1\0")
    return message(1, body + struct.pack(">H", len(extensions)) + extensions)


def hello(name="www.example.org", tls13=False):
    """A record with a ClientHello of today."""
    e = sni(name) + extension(10, b"\0\4\0\x1d\0\x17") + extension(13, b"\0\4\4\3\x08\4")
    if tls13:
        e += extension(43, b"\4\3\4\3\3") + extension(51, b"\0\x24\0\x1d\0\x20" + bytes(32))
    return record(22, client_hello(e, suites=(0x1301, 0xc02f) if tls13 else (0xc02f, 0x009c)), 0x0301)


def server_hello(tls13=False, suite=None):
    e = extension(43, b"\3\4") + extension(51, b"\0\x1d\0\x20" + bytes(32)) if tls13 else b""
    body = (b"\3\3" + bytes(range(32, 64)) + b"\0" +
            struct.pack(">HB", suite or (0x1301 if tls13 else 0xc02f), 0))
    return message(2, body + (struct.pack(">H", len(e)) + e if e else b""))
