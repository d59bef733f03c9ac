#!/usr/bin/env python3
"""pcapng-blocks.py [--options] FILE: the blocks behind the section header, a word each: i an
interface, p a packet, the process's name of a process block, else the type.  --options: of each
packet its options 8 and 0x8101."""
import struct
import sys


def options(data):
    at = 0
    while at + 4 <= len(data):
        code, n = struct.unpack_from("<HH", data, at)
        if not code:
            return
        yield code, data[at + 4:at + 4 + n]
        at += 4 + (n + 3 & ~3)


def blocks(data):
    at = 0
    while at < len(data):
        kind, total = struct.unpack_from("<II", data, at)
        assert total % 4 == 0 and struct.unpack_from("<I", data, at + total - 4)[0] == total
        yield kind, data[at + 8:at + total - 4]
        at += total


def name(kind, body):
    if kind in (1, 6):
        return "i" if kind == 1 else "p"
    if kind == 0xbad:
        pen, entry, length, _ = struct.unpack_from("<IIII", body)
        assert (pen, entry) == (32622, 3) and length <= len(body) - 12
        return dict(options(body[16:12 + length]))[2].decode()
    return hex(kind)


def main(words):
    data = open(words[-1], "rb").read()
    if words[0] != "--options":
        print(" ".join(name(k, b) for k, b in blocks(data) if k != 0x0a0d0d0a))
        return
    for kind, body in blocks(data):
        if kind == 6:
            caplen = struct.unpack_from("<I", body, 12)[0]
            found = dict(options(body[20 + (caplen + 3 & ~3):]))
            print(found.get(8, b"").hex(), found.get(0x8101, b"").hex())


if __name__ == "__main__":
    main(sys.argv[1:])
