#!/usr/bin/env python3
"""Packets for the driver of the tests (driver.c), and what came back to it.

usage: driver-feed.py feed PCAP IN.BIN WINDOW   raw IP packets of a pcap; WINDOW as in driver.c
       driver-feed.py sent OUT.BIN PCAP         what was sent to the driver, as a pcap
       driver-feed.py times STORE FROM TO       whether its packets' times are between two, in order
Addresses: outbound for every second packet, each checksum flag, IPv6 as the packet is, interface
1 + number % 3; `sent` fails where one came back with another."""
import json
import pathlib
import struct
import sys

OUTBOUND, IPV6, SUMS = 1 << 17, 1 << 20, 7 << 21


def read_pcap(path):
    data, at = pathlib.Path(path).read_bytes(), 24
    while at + 16 <= len(data):
        n = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + n]
        at += 16 + n


def word(i, packet):
    return (OUTBOUND if i % 2 else 0) | (IPV6 if packet[0] >> 4 == 6 else 0) | (i % 8) << 21


def feed(pcap, target, window):
    with open(target, "wb") as f:
        f.write(struct.pack("<II", int(window), 0))
        for i, p in enumerate(read_pcap(pcap)):
            f.write(struct.pack("<IIII", len(p), word(i, p), 1 + i % 3, 0) + p)


def sent(source, pcap):
    data, at, i = pathlib.Path(source).read_bytes(), 0, 0
    with open(pcap, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        while at < len(data):
            flags, _, interface = struct.unpack_from("<III", data, at + 8)
            n = struct.unpack_from("<I", data, at + 80)[0]
            p = data[at + 84:at + 84 + n]
            at += 84 + n
            if flags & ~SUMS != word(i, p) & ~SUMS or interface != 1 + i % 3:
                sys.exit(f"packet {i + 1} came back with flags {flags:#x}, interface {interface}")
            f.write(struct.pack("<IIII", 0, 0, len(p), len(p)) + p)
            i += 1


def times(store, begin, end):
    last = 0
    for segment in sorted(pathlib.Path(store).glob("*.pcapng")):
        data, at = segment.read_bytes(), 0
        while at + 12 <= len(data):
            kind, length = struct.unpack_from("<II", data, at)
            if kind == 6:
                high, low = struct.unpack_from("<II", data, at + 12)
                now = high << 32 | low
                if not int(begin) <= now <= int(end) or now < last:
                    sys.exit(f"time {now}, after {last}, not within {begin} and {end}")
                last = now
            at += length
    if not last:
        sys.exit("no packets")


{"feed": feed, "sent": sent, "times": times}[sys.argv[1]](*sys.argv[2:])
