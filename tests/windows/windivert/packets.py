#!/usr/bin/env python3
"""Packets for the stand-in of WinDivert.dll, and what became of them.

usage: packets.py make FILE COUNT       COUNT raw IP packets of all kinds and sizes, as pcap
       packets.py odd FILE              one each of what a careless reader stumbles over
       packets.py same A B              whether two hold the same packets in the same order
       packets.py within A B            whether A's packets are B's, in order, some left out
       packets.py first A B             whether A's packets are the first ones of B, in any order
       packets.py count A               how many packets
       packets.py sums STORE            each direction (1 in, 2 out) with each mark of checksums
                                        (512 not computed yet, 1024 good), in order, on one line
A, B: a pcap, a pcapng, or a store's folder.
"""
import itertools
import json
import pathlib
import struct
import sys

RAW = 101


def ipv4(i, length, source=0x0a000001, protocol=17, total=None):
    head = struct.pack(">BBHHHBBHII", 0x45, 0, length if total is None else total, i & 0xffff, 0,
                       64, protocol, 0, source, 0xc0a80001 + i % 7)
    return head + struct.pack(">HHHHI", 1024 + i % 5000, 53, length - 20 & 0xffff, 0, i) + bytes(length - 32)


def ipv6(i, length, first=0xfd, following=6):
    head = struct.pack(">IHBB", 0x60000000, length - 40, following, 64)
    source = bytes([first]) + bytes(14) + b"\x01"
    return head + source + bytes(15) + b"\x02" + struct.pack(">QQI", i, i, 0x5010ffff) + bytes(length - 60)


def packet(i):
    length = (60, 84, 60, 200, 72, 1500, 61, 90)[i % 8]
    if i % 5 == 3:
        return ipv6(i, length + 20, 0xfd if i % 2 else 0x20)
    return ipv4(i, length, (0x0a000001, 0xc6336401, 0x7f000001)[i % 3], 6 if i % 4 else 17)


def odd():
    """Of each kind that the source treats in its own way; the last one cannot be cut."""
    jumbo = struct.pack(">IHBB", 0x60000000, 0, 59, 64) + bytes(32)
    fragment = bytearray(ipv4(5, 100))
    fragment[6:8] = b"\x20\x10"
    expired = bytearray(ipv4(6, 64))
    expired[8] = 1
    return [ipv4(1, 65535), ipv4(2, 32), jumbo, ipv6(3, 1500), bytes(fragment), bytes(expired), ipv4(8, 64),
            ipv6(9, 60, 0x20), ipv4(10, 9000), ipv4(11, 60, 0x7f000001), ipv4(12, 77)]


def write(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, RAW))
        for p in packets:
            f.write(struct.pack("<IIII", 0, 0, len(p), len(p)) + p)


def read_pcap(data):
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def read_blocks(data):
    """Each block of a packet, and the packet's length."""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            yield data[at:at + length], struct.unpack_from("<I", data, at + 20)[0]
        if length < 12:
            return
        at += length


def read_pcapng(data):
    for block, caplen in read_blocks(data):
        yield block[28:28 + caplen]


def read_flags(data):
    for block, caplen in read_blocks(data):
        at, code = 28 + (caplen + 3 & ~3), 1
        while code:
            code, length = struct.unpack_from("<HH", block, at)
            if code == 2:
                yield struct.unpack_from("<I", block, at + 4)[0]
            at += 4 + (length + 3 & ~3)


def read_store(folder):
    for listing in sorted(folder.glob("*.list.jsonl")):
        for line in listing.read_text().splitlines():
            yield (folder / json.loads(line)["file"]).read_bytes()
    for segment in sorted(folder.glob("*.pcapng")):
        yield from read_pcapng(segment.read_bytes())


def read(path):
    path = pathlib.Path(path)
    if path.is_dir():
        return read_store(path)
    data = path.read_bytes()
    return read_pcapng(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap(data)


def same(a, b):
    a, b = read(a), read(b)
    for number, one in enumerate(a, 1):
        if one != next(b, None):
            sys.exit(f"packet {number} differs")
    if next(b, None) is not None:
        sys.exit("the second has more")


def within(a, b):
    b = read(b)
    for number, one in enumerate(read(a), 1):
        for other in b:
            if one == other:
                break
        else:
            sys.exit(f"packet {number} is not in the second, or not behind the one before")


def first(a, b):
    a = sorted(read(a))
    if a != sorted(itertools.islice(read(b), len(a))):
        sys.exit(f"its {len(a)} packets are not the first ones of the second")


def sums(folder):
    flags = {f for segment in pathlib.Path(folder).glob("*.pcapng") for f in read_flags(segment.read_bytes())}
    print(*(f"{direction}:{mark}" for direction, mark in sorted({(f & 3, f & 0x600) for f in flags})))


def main(words):
    if words[0] == "make":
        write(words[1], (packet(i) for i in range(int(words[2]))))
    elif words[0] == "odd":
        write(words[1], odd())
    elif words[0] == "same":
        same(*words[1:])
    elif words[0] == "within":
        within(*words[1:])
    elif words[0] == "first":
        first(*words[1:])
    elif words[0] == "sums":
        sums(words[1])
    else:
        print(sum(1 for _ in read(words[1])))


main(sys.argv[1:])
