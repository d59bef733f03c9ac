#!/usr/bin/env python3
"""Captures of known conversations, for tests of weir flows.

conversations.py FOLDER      named.pcap    names from DNS, TLS and HTTP, each with its traps
                             states.pcap   TCP connections in every state, and re-used ports
                             left-over.pcap  a connection behind a packet of the one before
                             odd.pcap      fragments, VLANs, ICMP, extension headers, loopback
                             pieces.pcapng fragments on two interfaces
                             owned.pcapng  packets with processes: option 8, owner, process blocks
conversations.py crowd FILE COUNT ROUNDS   that many processes, a packet each a round
conversations.py many FILE COUNT [SEED]    that many flows, a few packets each, all mixed up

Written from the RFCs alone, so that it shares no mistake with weir.
"""
import os
import random
import struct
import sys

BASE = 1763853215 * 10**9  # 2025-11-22T23:13:35Z
SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8


def address(text):
    if ":" not in text:
        return bytes(int(part) for part in text.split("."))
    head, _, tail = text.partition("::")
    left = [int(w, 16) for w in head.split(":") if w]
    right = [int(w, 16) for w in tail.split(":") if w]
    return struct.pack(">8H", *(left + [0] * (8 - len(left) - len(right)) + right))


def ip(src, dst, protocol, body, ident=0, fragment=0, extensions=b""):
    """fragment: as in the IPv4 header; extensions: (protocol of the first, bytes)."""
    s, d = address(src), address(dst)
    if len(s) == 4:
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), ident, fragment, 64, protocol, 0, s, d) + body
    if extensions:
        protocol, extensions = extensions
    return struct.pack(">IHBB16s16s", 6 << 28, len(extensions or b"") + len(body), protocol, 64, s, d) + (extensions or b"") + body


def tcp(sport, dport, flags, seq=0, ack=0, data=b""):
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack, 0x50, flags, 512, 0, 0) + data


def udp(sport, dport, data):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def ether(packet, tags=()):
    kind = 0x86dd if packet[0] >> 4 == 6 else 0x0800
    out = b"\x02\0\0\0\0\1\x02\0\0\0\0\2"
    for t in tags:
        out += struct.pack(">HH", 0x8100, t)
    return out + struct.pack(">H", kind) + packet


def labels(name):
    return b"".join(bytes([len(w)]) + w.encode() for w in name.split(".") if w) + b"\0"


def dns(ident, name, answers=None, kind=1, after=()):
    """answers: [(owner, type, data)]; None: a question."""
    n = 0 if answers is None else len(answers)
    out = struct.pack(">HHHHHH", ident, 0x0100 if answers is None else 0x8180, 1, n, 0, 0)
    out += labels(name) + struct.pack(">HH", kind, 1)
    for owner, t, data in answers or []:
        owner = b"\xc0\x0c" if owner == name else labels(owner)
        out += owner + struct.pack(">HHIH", t, 1, 60, len(data)) + data
    return out


def hello(name, padding=0):
    ext = b""
    if name is not None:
        n = name.encode()
        entry = struct.pack(">BH", 0, len(n)) + n
        ext += struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    # What comes before it in the list: the name need not be the first.
    ext = struct.pack(">HH", 21, padding) + bytes(padding) + ext
    body = b"\3\3" + bytes(32) + b"\0" + struct.pack(">HHBB", 2, 0x1301, 1, 0) + struct.pack(">H", len(ext)) + ext
    message = b"\1" + struct.pack(">I", len(body))[1:] + body
    return b"".join(struct.pack(">BHH", 22, 0x0301, len(message[i:i + 16384])) + message[i:i + 16384]
                    for i in range(0, len(message), 16384))


class Capture:
    def __init__(self, path, linktype=1):
        self.file, self.ns = open(path, "wb"), BASE
        self.file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, linktype))

    def put(self, data, gap=10**6):
        self.file.write(struct.pack("<IIII", self.ns // 10**9, self.ns % 10**9, len(data), len(data)) + data)
        self.ns += gap


class Connection:
    """Two ends of a TCP connection whose packets go into a capture."""

    def __init__(self, capture, src, sport, dst, dport, isn=1000, tags=()):
        self.c, self.ends, self.tags = capture, (src, dst), tags
        self.ports, self.seq = (sport, dport), [isn, isn + 50000]

    def send(self, side, flags, data=b"", seq=None):
        a, b = self.ends if not side else self.ends[::-1]
        pa, pb = self.ports if not side else self.ports[::-1]
        s = self.seq[side] if seq is None else seq
        ack = self.seq[1 - side] if flags & ACK else 0
        self.c.put(ether(ip(a, b, 6, tcp(pa, pb, flags, s, ack, data)), self.tags))
        if seq is None:
            self.seq[side] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    def open(self):
        self.send(0, SYN)
        self.send(1, SYN | ACK)
        self.send(0, ACK)
        return self

    def close(self):
        self.send(0, FIN | ACK)
        self.send(1, FIN | ACK)
        self.send(0, ACK)


def lookup(c, client, server, port, ident, name, answers, kind=1):
    c.put(ether(ip(client, server, 17, udp(port, 53, dns(ident, name, None, kind)))))
    c.put(ether(ip(server, client, 17, udp(53, port, dns(ident, name, answers, kind)))))


def named(path):
    c = Capture(path)
    a = address
    # Two clients that ask different things of one address; the second by an alias.
    lookup(c, "10.0.0.1", "10.0.0.53", 5001, 1, "One.Example", [("One.Example", 1, a("192.0.2.1"))])
    lookup(c, "10.0.0.2", "10.0.0.53", 5002, 2, "www.two.example",
           [("www.two.example", 5, labels("cdn.example")), ("cdn.example", 1, a("192.0.2.1"))])
    Connection(c, "10.0.0.1", 40001, "192.0.2.1", 22).open().close()
    Connection(c, "10.0.0.2", 40002, "192.0.2.1", 22).open().close()
    # The name that was resolved last before the flow began, not one from afterwards.
    lookup(c, "10.0.0.1", "10.0.0.53", 5003, 3, "second.example", [("second.example", 1, a("192.0.2.1"))])
    late = Connection(c, "10.0.0.1", 40003, "192.0.2.1", 22).open()
    lookup(c, "10.0.0.1", "10.0.0.53", 5004, 4, "after.example", [("after.example", 1, a("192.0.2.1"))])
    late.close()
    # Addresses that the answer gives to another name than was asked for say nothing.
    lookup(c, "10.0.0.1", "10.0.0.53", 5005, 5, "asked.example", [("other.example", 1, a("192.0.2.66"))])
    Connection(c, "10.0.0.1", 40004, "192.0.2.66", 22).open()
    # An answer that nobody asked for is marked, and does not replace one that was.
    c.put(ether(ip("10.0.0.53", "10.0.0.1", 17, udp(53, 5006, dns(6, "forged.example", [("forged.example", 1, a("192.0.2.7"))])))))
    Connection(c, "10.0.0.1", 40005, "192.0.2.7", 22).open()
    c.put(ether(ip("10.0.0.53", "10.0.0.1", 17, udp(53, 5004, dns(9, "forged.example", [("forged.example", 1, a("192.0.2.1"))])))))
    Connection(c, "10.0.0.1", 40006, "192.0.2.1", 22).open()
    # TLS: in one segment; in three, out of order, one of them twice; without a name; over IPv6.
    Connection(c, "10.0.0.1", 40010, "192.0.2.10", 443).open().send(0, PSH | ACK, hello("TLS.example"))
    t = Connection(c, "10.0.0.1", 40011, "192.0.2.10", 443).open()
    h, first = hello("split.example", 2000), t.seq[0]
    t.send(0, ACK, h[1400:2000], seq=first + 1400)
    t.send(0, ACK, h[:700], seq=first)
    t.send(0, ACK, h[:700], seq=first)
    t.send(0, ACK, h[2000:], seq=first + 2000)
    t.send(0, ACK, h[700:1400], seq=first + 700)
    Connection(c, "10.0.0.1", 40012, "192.0.2.10", 443).open().send(0, ACK, hello(None))
    Connection(c, "2001:db8::1", 40013, "2001:db8::10", 8443).open().send(0, ACK, hello("six.example"))
    # HTTP: a second request on the connection; a proxy's target; a head in two segments.
    w = Connection(c, "10.0.0.1", 40020, "192.0.2.20", 8080).open()
    w.send(0, ACK, b"GET / HTTP/1.1\r\nHost: web.example:8080\r\n\r\n")
    w.send(0, ACK, b"POST /x HTTP/1.1\r\nA: b\r\nhost:  again.example \r\n\r\n")
    Connection(c, "10.0.0.1", 40021, "192.0.2.20", 3128).open().send(0, ACK, b"CONNECT far.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    s = Connection(c, "10.0.0.1", 40022, "192.0.2.20", 80).open()
    s.send(0, ACK, b"GET /index HTTP/1.0\r\nUser-Agent: x\r\nHo")
    s.send(0, ACK, b"st: halves.example\r\n\r\n")
    # Names that would be taken for another one, or for two.
    for port, name in ((40031, "good.example\0.evil.example"), (40032, "bank.example(dns) x")):
        Connection(c, "10.0.0.1", port, "192.0.2.31", 8443).open().send(0, ACK, hello(name))
    # Over TCP: two questions in a segment, and their answers, the last one cut.
    t = Connection(c, "10.0.0.1", 5010, "10.0.0.53", 53).open()
    def stream(*messages):
        return b"".join(struct.pack(">H", len(m)) + m for m in messages)
    t.send(0, PSH | ACK, stream(dns(21, "first.tcp.example"), dns(22, "second.tcp.example"), dns(23, "cut.example")))
    t.send(1, PSH | ACK, stream(*(dns(21 + i, name, [(name, 1, a("192.0.2.%d" % (41 + i)))])
                                  for i, name in enumerate(("first.tcp.example", "second.tcp.example", "cut.example"))))[:-1])
    for i in range(3):
        Connection(c, "10.0.0.1", 40041 + i, "192.0.2.%d" % (41 + i), 22).open()
    # Neither.
    Connection(c, "10.0.0.1", 40030, "192.0.2.30", 22).open().send(0, ACK, b"SSH-2.0-x\r\n")


def states(path):
    c = Capture(path)
    port = iter(range(40000, 41000))

    def new():
        return Connection(c, "10.0.0.1", next(port), "192.0.2.1", 80)

    new().send(0, SYN)                                       # 40000 new
    x = new(); x.send(0, SYN); x.send(1, SYN | ACK)          # 40001 half-open
    x = new().open(); x.send(0, ACK, b"abc")                 # 40002 established
    x = new().open(); x.send(0, FIN | ACK)                   # 40003 closing
    new().open().close()                                     # 40004 closed
    x = new().open(); x.send(1, RST | ACK)                   # 40005 reset
    x = new(); x.send(0, SYN); x.send(1, RST | ACK)          # 40006 refused
    x = new(); x.send(1, ACK, b"late"); x.send(0, ACK)       # 40007 established, begun before
    x = new(); x.send(1, SYN | ACK); x.send(0, ACK)          # 40008 by its answer
    x = new(); x.send(0, SYN); x.send(0, SYN, seq=1000)      # 40009 new, its SYN sent twice
    # 40010: three connections of the same ports, the last while the second was not closed.
    for isn in (1000, 9000, 20000):
        x = Connection(c, "10.0.0.1", 40010, "192.0.2.1", 80, isn).open()
        if isn == 1000:
            x.close()


def left_over(path):
    """A packet of the server from before, then a connection; tshark counts that as one."""
    x = Connection(Capture(path), "10.0.0.1", 40011, "192.0.2.1", 80)
    x.send(1, RST, seq=7)
    x.open().send(0, PSH | ACK, hello("fresh.example"))


def odd(path):
    c = Capture(path)
    # Fragments in order, in disorder, and without their first piece; IPv6 ones.
    data = udp(5000, 6000, bytes(range(256)) * 8)
    pieces = [data[i:i + 800] for i in range(0, len(data), 800)]
    def v4(ident, src, order):
        for i in order:
            more = 0x2000 if i < len(pieces) - 1 else 0
            c.put(ether(ip(src, "192.0.2.9", 17, pieces[i], ident, more | i * 100)))
    v4(1, "10.0.0.1", (0, 1, 2))
    v4(2, "10.0.0.2", (2, 1, 0))
    v4(3, "10.0.0.3", (1, 2))
    for i in range(3):
        ext = struct.pack(">BBHI", 17, 0, i * 800 | (i < 2), 77)
        c.put(ether(ip("2001:db8::1", "2001:db8::9", 17, pieces[i], extensions=(44, ext))))
    # Pieces of what has no ports, in order and in disorder; of IPv6 whose first header behind the
    # pieces' own is an extension, which the later ones cannot tell from the transport.
    for ident, order in ((4, (0, 1, 2)), (5, (2, 1, 0))):
        for i in order:
            c.put(ether(ip("10.0.0.4", "192.0.2.%d" % ident, 50, bytes(800), ident, (0x2000 if i < 2 else 0) | i * 100)))
    data = struct.pack(">BBBBI", 17, 0, 1, 4, 0) + udp(5001, 6001, bytes(1000))
    for at in (0, 800):
        ext = struct.pack(">BBHI", 60, 0, at | (at == 0), 78)
        c.put(ether(ip("2001:db8::1", "2001:db8::9", 44, data[at:at + 800], extensions=(44, ext))))
    # Hop-by-hop options before the transport.
    ext = struct.pack(">BB", 17, 0) + bytes(6)
    c.put(ether(ip("2001:db8::2", "2001:db8::9", 17, udp(1, 2, b"x"), extensions=(0, ext))))
    # One pair of addresses on two VLANs, and the inner one of two tags.
    for tags in ((5,), (6,), (5, 7)):
        c.put(ether(ip("10.0.0.5", "192.0.2.9", 17, udp(7, 7, b"v")), tags))
    # ICMP: two pings at a time, an error, and version 6.
    for ident in (1, 2):
        c.put(ether(ip("10.0.0.1", "192.0.2.9", 1, struct.pack(">BBHHH", 8, 0, 0, ident, 1))))
        c.put(ether(ip("192.0.2.9", "10.0.0.1", 1, struct.pack(">BBHHH", 0, 0, 0, ident, 1))))
    c.put(ether(ip("192.0.2.9", "10.0.0.1", 1, struct.pack(">BBHHH", 3, 3, 0, 0, 0))))
    c.put(ether(ip("2001:db8::1", "2001:db8::9", 58, struct.pack(">BBHHH", 128, 0, 0, 3, 1))))
    # No ports; no IP.
    c.put(ether(ip("10.0.0.1", "192.0.2.9", 47, bytes(20))))
    c.put(b"\xff" * 6 + b"\2" * 6 + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + bytes(20))
    # A connection to itself.
    c.put(ether(ip("127.0.0.1", "127.0.0.1", 17, udp(9, 9, b"self"))))


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


class Owned:
    """A pcapng of raw IP whose packets have processes."""

    def __init__(self, path):
        self.file, self.ns = open(path, "wb"), BASE
        self.file.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        self.file.write(block(1, struct.pack("<HHI", 101, 0, 0) + option(2, b"eth0") +
                              option(4, address("10.0.0.1") + b"\xff\xff\xff\0") + option(9, b"\t") + option(0, b"")))

    def put(self, data, flags, pid=None, start=0, method=1, certainty=1, has_owner=True):
        options = option(2, struct.pack("<I", flags))
        if pid is not None:
            options += option(8, struct.pack("<II", pid, pid))
        if has_owner:
            options += option(0x8101, struct.pack("<BBHQ", method, certainty if pid is not None else 0, 0, start))
        self.file.write(block(6, struct.pack("<IIIII", 0, self.ns >> 32, self.ns & 0xffffffff, len(data), len(data)) + data +
                              bytes(-len(data) % 4) + options + option(0, b"")))
        self.ns += 10**6

    def exchange(self, sport, dport, **owner):
        self.put(ip("10.0.0.1", "192.0.2.1", 17, udp(sport, dport, b"out")), 2, **owner)
        self.put(ip("192.0.2.1", "10.0.0.1", 17, udp(dport, sport, b"in")), 1, **owner)

    def process(self, pid, name, path):
        entry = struct.pack("<I", pid) + option(2, name) + option(3, path) + option(4, name + b"\0-x") + option(7, b"ann") + \
            option(9, struct.pack("<Q", BASE - 10**10)) + option(0, b"")
        self.file.write(block(0xbad, struct.pack("<III", 32622, 3, len(entry)) + entry))


def pieces(path):
    """On two interfaces: pieces whose first one never comes, and those of a packet before it."""
    with open(path, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for name in (b"one", b"two"):
            f.write(block(1, struct.pack("<HHI", 101, 0, 0) + option(2, name) + option(9, b"\t") + option(0, b"")))
        first = ip("10.0.0.1", "192.0.2.9", 17, udp(5000, 6000, bytes(792)), 1, 0x2000)
        later = ip("10.0.0.1", "192.0.2.9", 17, bytes(800), 1, 100)
        alone = ip("10.0.0.2", "192.0.2.9", 17, bytes(800), 2, 100)
        for i, (iface, data) in enumerate(((1, alone), (0, later), (1, later), (0, first), (1, first))):
            f.write(block(6, struct.pack("<IIIII", iface, (BASE + i) >> 32, (BASE + i) & 0xffffffff, len(data), len(data)) +
                          data + bytes(-len(data) % 4) + option(2, struct.pack("<I", 2)) + option(0, b"")))


def owned(path):
    o = Owned(path)
    o.put(ip("10.0.0.1", "192.0.2.1", 17, udp(1000, 1, b"out")), 2, 4711, 30000000)
    o.process(4711, b"curl", b"/usr/bin/curl")
    o.put(ip("192.0.2.1", "10.0.0.1", 17, udp(1, 1000, b"in")), 1, 4711, 30000000)
    o.exchange(1001, 2, pid=4712, start=40000000, certainty=2)
    o.exchange(1002, 3)
    o.exchange(1003, 4, pid=4713, has_owner=False)
    o.exchange(1004, 5, has_owner=False)
    # Accepted by a child of the process that listens: surer than the listener.
    o.put(ip("192.0.2.1", "10.0.0.1", 6, tcp(50000, 80, SYN, 1)), 1, 4714, 50000000, 3, 3)
    o.put(ip("10.0.0.1", "192.0.2.1", 6, tcp(80, 50000, SYN | ACK, 1, 2)), 2, 4715, 60000000, 1, 1)
    o.process(4715, b"httpd", b"/usr/sbin/httpd")
    # Both ends are here.
    o.put(ip("127.0.0.1", "127.0.0.1", 17, udp(700, 800, b"a")), 2, 4711, 30000000)
    o.put(ip("127.0.0.1", "127.0.0.1", 17, udp(800, 700, b"b")), 2, 4715, 60000000)


def crowd(path, count, rounds):
    """Many processes that take turns."""
    o = Owned(path)
    for _ in range(rounds):
        for i in range(count):
            o.put(ip("10.0.0.1", "192.0.2.1", 17, udp(1000 + i, 1, b"x")), 2, 5000 + i, 10**7)


def many(path, count, seed=1):
    """Flows that overlap: some UDP, most TCP, packets of all mixed up in a window."""
    r = random.Random(seed)
    c = Capture(path)
    waiting = []

    def flow(i):
        # Some of the ends come again.
        end = i // 2 if i % 64 == 63 else i
        src = f"10.{end >> 16 & 255}.{end >> 8 & 255}.{end & 255}"
        sport, kind = 1024 + end % 60000, 6 if end % 4 else 17
        at = i
        for k in range(r.randrange(1, 5)):
            side = k & 1
            a, b, pa, pb = (src, "192.0.2.1", sport, 80) if not side else ("192.0.2.1", src, 80, sport)
            body = udp(pa, pb, bytes(k)) if kind == 17 else tcp(pa, pb, SYN if not k else ACK, 100 * i + k, 1, bytes(k))
            at += r.random() * 3000
            waiting.append((at, ether(ip(a, b, kind, body))))

    for i in range(count):
        flow(i)
    for _, data in sorted(waiting, key=lambda w: w[0]):
        c.put(data, 1000)


def main(words):
    if words[0] == "many":
        many(words[1], int(words[2]), int(words[3]) if len(words) > 3 else 1)
        return
    if words[0] == "crowd":
        crowd(words[1], int(words[2]), int(words[3]))
        return
    for make, name in ((named, "named.pcap"), (states, "states.pcap"), (left_over, "left-over.pcap"),
                       (odd, "odd.pcap"), (pieces, "pieces.pcapng"), (owned, "owned.pcapng")):
        make(os.path.join(words[0], name))


if __name__ == "__main__":
    main(sys.argv[1:])
