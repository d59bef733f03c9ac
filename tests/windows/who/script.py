#!/usr/bin/env python3
"""Scripts for the stand-in of tests/windows/who/standin.c.

usage: script.py layers FILE        one of each event of flows and of sockets
       script.py packets FILE       packets and the events that tell whose they are
       script.py table FILE LOCAL REMOTE   packets of a connection that no event tells of
Whose packet each is (weir, peer, gone, none) and how sure that is goes to standard output.
"""
import ipaddress
import struct
import sys

NETWORK, FLOW, SOCKET, BARRIER = 0, 2, 3, 255
EVENTS = {"established": (FLOW, 1), "deleted": (FLOW, 2), "bind": (SOCKET, 3), "connect": (SOCKET, 4),
          "listen": (SOCKET, 5), "accept": (SOCKET, 6), "close": (SOCKET, 7)}
TCP, UDP, ICMP = 6, 17, 1
GONE = 99996
WHOSE = {"none": (0, 0), "weir": (1, 0), "peer": (2, 0), "gone": (0, GONE)}
MS = 10000  # ticks


class Script:
    def __init__(self, handles):
        self.out = struct.pack("<I", handles)
        self.at = 0
        self.packets = 0

    def step(self, layer, whose, address, packet=b"", wait=0):
        body = address + packet
        self.out += struct.pack("<BBHI", layer, WHOSE[whose][0], wait, len(body)) + body

    def worked_on(self):
        self.out += struct.pack("<BBHI", BARRIER, 0, 0, 0)

    def event(self, kind, whose, protocol, local, remote=None, endpoint=1, at=None, parent=0, out=True):
        """local, remote: (address, port); at: ms of its time, else now goes on by one."""
        layer, number = EVENTS[kind]
        self.at = self.at + 1 if at is None else self.at
        six = ":" in local[0]
        bits = 1 | (2 if out else 0) | (16 if six else 0)
        address = struct.pack("<qBBB5xQQI", (self.at if at is None else at) * MS, layer, number, bits, endpoint,
                              parent, WHOSE[whose][1])
        address += number128(local[0]) + (number128(remote[0]) if remote else bytes(16))
        address += struct.pack("<HHB", local[1], remote[1] if remote else 0, protocol)
        self.step(layer, whose, address.ljust(80, b"\0"))

    def packet(self, truth, protocol, local, remote, out=True, flags=0x10, at=None, wait=0):
        self.worked_on()
        self.at = self.at + 1 if at is None else self.at
        self.packets += 1
        data = ip_packet(protocol, *(local, remote) if out else (remote, local), flags, self.packets)
        six = ":" in local[0]
        bits = 1 | (2 if out else 0) | (16 if six else 0) | 0xE0
        address = struct.pack("<qBBB5xII", (self.at if at is None else at) * MS, NETWORK, 0, bits, 12, 0)
        self.step(NETWORK, "none", address.ljust(80, b"\0"), data, wait)
        print(self.packets, truth)

    def save(self, path):
        with open(path, "wb") as f:
            f.write(self.out)


def number128(address):
    """Words of 32 bits, the least significant first; IPv4 mapped."""
    a = ipaddress.ip_address(address)
    n = int(a) if a.version == 6 else 0xFFFF << 32 | int(a)
    return struct.pack("<4I", *(n >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)))


def ip_packet(protocol, source, target, flags, number):
    if protocol == TCP:
        body = struct.pack(">HHIIBBHHH", source[1], target[1], number, 0, 0x50, flags, 8192, 0, 0)
    elif protocol == UDP:
        body = struct.pack(">HHHH", source[1], target[1], 8, 0)
    else:
        body = struct.pack(">BBHHH", 8, 0, 0, number, 1)
    a, b = (ipaddress.ip_address(s[0]).packed for s in (source, target))
    if len(a) == 16:
        return struct.pack(">IHBB", 0x60000000, len(body), protocol, 64) + a + b + body
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), number, 0, 64, protocol, 0) + a + b + body


def layers(path):
    s = Script(1)
    a, b = ("10.0.0.1", 1001), ("10.0.0.2", 80)
    s.event("bind", "weir", UDP, ("0.0.0.0", 5353), endpoint=1)
    s.event("connect", "weir", TCP, a, b, endpoint=2)
    s.event("established", "weir", TCP, a, b, endpoint=2)
    s.event("listen", "peer", TCP, ("::", 8080), endpoint=3)
    s.event("accept", "peer", TCP, ("2001:db8::1", 8080), ("2001:db8::2", 999), endpoint=4, parent=3, out=False)
    s.event("established", "peer", TCP, ("2001:db8::1", 8080), ("2001:db8::2", 999), endpoint=4, out=False)
    s.event("established", "gone", UDP, ("10.0.0.1", 53), ("10.0.0.9", 53), endpoint=5)
    s.event("deleted", "weir", TCP, a, b, endpoint=2)
    s.event("close", "weir", TCP, a, b, endpoint=2)
    s.event("established", "none", ICMP, ("10.0.0.1", 8), ("10.0.0.9", 0), endpoint=6)
    s.save(path)


def packets(path):
    s = Script(3)
    a, b = ("10.0.0.1", 1001), ("10.0.0.2", 80)
    # A connection: its first packet behind CONNECT, data behind ESTABLISHED, and what comes behind its end.
    s.event("connect", "weir", TCP, a, b, endpoint=1)
    s.packet("weir exact", TCP, a, b, flags=2)
    s.event("established", "weir", TCP, a, b, endpoint=1)
    s.packet("weir exact", TCP, a, b, out=False)
    s.event("deleted", "weir", TCP, a, b, endpoint=1)
    s.event("close", "weir", TCP, a, b, endpoint=1)
    s.at += 10
    s.packet("weir earlier", TCP, a, b, out=False)
    # The same addresses and ports, another process.
    s.event("connect", "peer", TCP, a, b, endpoint=2)
    s.event("established", "peer", TCP, a, b, endpoint=2)
    s.packet("peer exact", TCP, a, b)
    # Told of after its first packet was seen.
    s.event("listen", "peer", TCP, ("10.0.0.1", 8081), endpoint=3)
    c, d = ("10.0.0.1", 8081), ("10.0.0.3", 4002)
    s.at += 5
    s.event("accept", "weir", TCP, c, d, endpoint=4, parent=3, out=False, at=s.at + 3)
    s.packet("weir exact", TCP, c, d, out=False, flags=2)
    # Who listens, where no event tells who accepted.
    s.packet("peer listener", TCP, c, ("10.0.0.3", 4003), out=False, flags=2)
    # A port of UDP, then a flow of it.
    s.event("bind", "peer", UDP, ("10.0.0.1", 53), endpoint=5)
    e, f = ("10.0.0.1", 53), ("10.0.0.4", 999)
    s.packet("peer wildcard", UDP, e, f, out=False)
    s.at += 10
    s.event("established", "peer", UDP, e, f, endpoint=5, out=False)
    s.packet("peer exact", UDP, e, f)
    # Nobody tells of it.
    s.packet("none unknown", TCP, ("10.0.0.9", 5555), ("10.0.0.8", 443))
    s.packet("none unknown", ICMP, ("10.0.0.1", 0), ("10.0.0.9", 0))
    # A process that is gone by the time it is looked at.
    s.event("connect", "gone", TCP, ("10.0.0.1", 1002), b, endpoint=6)
    s.packet("gone exact", TCP, ("10.0.0.1", 1002), b, flags=2)
    # IPv6.
    six = ("2001:db8::1", 1003), ("2001:db8::2", 443)
    s.event("connect", "weir", TCP, *six, endpoint=7)
    s.event("established", "weir", TCP, *six, endpoint=7)
    s.packet("weir exact", TCP, *six)
    s.packet("weir exact", TCP, *six, out=False)
    s.save(path)


def table(path, here, there):
    s = Script(3)
    for _ in range(60):
        s.at += 100
        s.packet("peer exact", TCP, ("127.0.0.1", int(here)), ("127.0.0.1", int(there)), wait=100)
    s.save(path)


if __name__ == "__main__":
    {"layers": layers, "packets": packets, "table": table}[sys.argv[1]](*sys.argv[2:])
