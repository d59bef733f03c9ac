#!/usr/bin/env python3
"""Writes pcap records without end to standard output, and checks what became of them.

usage: numbered.py | weir import - ...   packet N (from 0) has N in its first 8 bytes, a length and a
                                         time that follow from N
       numbered.py --check < LINES       store_reader.py's lines hold packets 0..n-1, each as it was
                                         written; prints n
"""
import json
import struct
import sys
import time


def packet(n):
    return struct.pack("<Q", n) + bytes([n & 255]) * (n * 37 % 300)


def time_ns(n):
    return 1700000000 * 10**9 + n * 1000


def write():
    out = sys.stdout.buffer
    out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
    n = 0
    while True:
        data = packet(n)
        out.write(struct.pack("<IIII", *divmod(time_ns(n), 10**9), len(data), len(data)) + data)
        n += 1
        if n % 200 == 0:
            # Slow enough that what a test waits for is not long past when it looks.
            out.flush()
            time.sleep(0.005)


def check():
    n = 0
    for n, line in enumerate(sys.stdin, 1):
        found = json.loads(line)
        want = packet(n - 1)
        if found["data"] != want.hex() or found["ns"] != time_ns(n - 1) or found["wire_bytes"] != len(want):
            sys.exit(f"packet {n - 1} is not as it was written: {line[:200]}")
    print(n)


if sys.argv[1:] == ["--check"]:
    check()
else:
    try:
        write()
    except BrokenPipeError:
        # Nobody reads any more: that is how it ends.  Keep the interpreter from flushing.
        sys.stdout = None
