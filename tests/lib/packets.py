#!/usr/bin/env python3
"""What a capture file holds, read naively: for tests to compare.

usage: packets.py list FILE...       a line a packet: ns interface caplen len flags sha256 (16 digits)
       packets.py received FILE      what its statistics say was received, of all interfaces
       packets.py compare ONE TWO FROM TO
                                     the same packets between two times; UDP ones with the same
                                     time, in the same order
       packets.py send IFACE[,PROTOCOL] HEX...
                                     frames to a packet socket, bound to that protocol
       packets.py udp ADDRESS PORT COUNT SIZE
                                     numbered datagrams
       packets.py tun NAME FILE HEX...
                                     makes a tun device; once FILE exists, packets come out of it;
                                     reads until killed

Only pcapng of one section in ns, and pcap in ns, both little endian."""
import fcntl
import hashlib
import os
import socket
import struct
import sys
import time


def read_pcap(data):
    at, name = 24, "-"
    while at < len(data):
        s, ns, caplen, length = struct.unpack_from("<IIII", data, at)
        yield s * 10**9 + ns, name, length, 0, data[at + 16:at + 16 + caplen]
        at += 16 + caplen


def options(data):
    at = 0
    while at + 4 <= len(data):
        code, n = struct.unpack_from("<HH", data, at)
        if not code:
            return
        yield code, data[at + 4:at + 4 + n]
        at += 4 + (n + 3 & ~3)


def read_pcapng(data):
    at, names = 0, []
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        body = data[at + 8:at + total - 4]
        at += total
        if kind == 1:
            names.append(dict(options(body[8:])).get(2, b"-").decode())
        elif kind == 6:
            iface, high, low, caplen, length = struct.unpack_from("<IIIII", body)
            found = dict(options(body[20 + (caplen + 3 & ~3):]))
            flags = struct.unpack("<I", found.get(2, bytes(4)))[0]
            yield high << 32 | low, names[iface], length, flags, body[20:20 + caplen]


def read(path):
    data = open(path, "rb").read()
    return list(read_pcap(data) if data[:4] == b"\x4d\x3c\xb2\xa1" else read_pcapng(data))


def list_files(paths):
    for path in paths:
        for ns, name, length, flags, data in read(path):
            print(ns, name, len(data), length, hex(flags), hashlib.sha256(data).hexdigest()[:16])


def received(path):
    data, at, total = open(path, "rb").read(), 0, 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 5:
            total += struct.unpack("<Q", dict(options(data[at + 20:at + length - 4]))[4])[0]
        at += length
    return total


def is_udp(data):
    return data[12:14] == b"\x08\x00" and data[23] == 17


def compare(one, two, start, end):
    a, b = ([p for p in read(f) if int(start) < p[0] < int(end)] for f in (one, two))
    if len(a) != len(b):
        return f"{len(a)} packets and {len(b)}"
    # Two sockets may take packets of two processors in two orders.
    for x, y in zip(sorted((d, n) for _, _, n, _, d in a), sorted((d, n) for _, _, n, _, d in b)):
        if x != y:
            return f"bytes differ: {x[0][:40].hex()} of {x[1]}, {y[0][:40].hex()} of {y[1]}"
    u, v = ([(p[0], p[4]) for p in f if is_udp(p[4])] for f in (a, b))
    if u != v or not u:
        wrong = sum(x != y for x, y in zip(u, v))
        return f"of {len(u)} UDP packets, time or place of {wrong} differ"
    # TCP is stamped once a socket.
    far = max(abs(x[0] - y[0]) for x, y in zip(sorted(a, key=lambda p: p[4]), sorted(b, key=lambda p: p[4])))
    return f"times differ by {far} ns" if far > 10**8 else None


def send(where, frames):
    iface, _, protocol = where.partition(",")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((iface, int(protocol or "0", 0)))
    for f in frames:
        s.send(bytes.fromhex(f))


def udp(address, port, count, size):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
    # Somebody has to be there, else an error comes back for each.
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if address.startswith("127."):
        listener.bind((address, port))
    for i in range(count):
        s.sendto(i.to_bytes(8, "big") + bytes(size - 8), (address, port))


def tun(name, go, packets):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x0001 | 0x1000))
    print("made", flush=True)
    while not os.path.exists(go):
        time.sleep(0.01)
    for p in packets:
        os.write(fd, bytes.fromhex(p))
    print("sent", flush=True)
    while True:
        os.read(fd, 65536)


def main(words):
    what, rest = words[0], words[1:]
    if what == "list":
        list_files(rest)
    elif what == "received":
        print(received(rest[0]))
    elif what == "compare":
        text = compare(*rest)
        if text:
            print("# " + text)
            return 1
    elif what == "send":
        send(rest[0], rest[1:])
    elif what == "udp":
        udp(rest[0], int(rest[1]), int(rest[2]), int(rest[3]))
    elif what == "tun":
        tun(rest[0], rest[1], rest[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
