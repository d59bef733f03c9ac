#!/usr/bin/env python3
"""Writes the hand-made seeds of fuzz/corpus: small good and nearly good files of every kind.

usage: fuzz/make-seeds.py        (from anywhere; overwrites its own files only)
"""
import hashlib
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def save(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pcap(order, magic, records, minor=4, snaplen=65535, network=1, extra=b""):
    out = struct.pack(order + "IHHiIII", magic, 2, minor, 0, 0, snaplen, network)
    for seconds, fraction, data, length in records:
        out += struct.pack(order + "IIII", seconds, fraction, len(data), length)
        out += extra + data
    return out


def pcap_seeds():
    records = [(1700000000, 123456, b"\x00" * 14, 60), (1700000001, 999999, b"abc", 3)]
    for order, word in (("<", "little"), (">", "big")):
        for magic, unit in ((0xA1B2C3D4, "us"), (0xA1B23C4D, "ns")):
            save("pcap-reader", f"{word}-{unit}.pcap", pcap(order, magic, records))
    good = pcap("<", 0xA1B2C3D4, records)
    save("pcap-reader", "empty.pcap", good[:24])
    save("pcap-reader", "cut-header.pcap", good[:30])
    save("pcap-reader", "cut-record.pcap", good[:-1])
    save("pcap-reader", "too-long.pcap", good[:32] + b"\xff\xff\xff\xff" + good[36:])
    save("pcap-reader", "version-2-2.pcap", pcap("<", 0xA1B2C3D4, records, minor=2))
    save("pcap-reader", "modified.pcap", pcap("<", 0xA1B2CD34, records, extra=b"\1" * 8))
    save("pcap-reader", "checksum-bits.pcap", pcap("<", 0xA1B2C3D4, records, network=0x54000001))


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(order, code, value=b""):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order, length=-1):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, length))


def interface(order, linktype=1, snaplen=0, options=b""):
    return block(order, 1, struct.pack(order + "HHI", linktype, 0, snaplen) + options)


def packet(order, iface, ticks, data, options=b""):
    head = struct.pack(order + "IIIII", iface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) + 9)
    return block(order, 6, head + data + b"\0" * (-len(data) % 4) + options)


def every_option(o):
    return (option(o, 1, b"a comment") + option(o, 2, struct.pack(o + "I", 0x201))
            + option(o, 4, struct.pack(o + "Q", 3)) + option(o, 5, struct.pack(o + "Q", 1))
            + option(o, 6, struct.pack(o + "I", 2)) + option(o, 8, struct.pack(o + "II", 10, 11))
            + option(o, 2988, b"\0\0\x7f\x9atext") + option(o, 0))


def every_interface_option(o):
    return (option(o, 2, b"eth0") + option(o, 3, b"first") + option(o, 4, b"\x0a\0\0\1\xff\xff\0\0")
            + option(o, 5, b"\xfe\x80" + b"\0" * 14 + b"\x40") + option(o, 6, b"\2\0\0\0\0\1")
            + option(o, 8, struct.pack(o + "Q", 10**9)) + option(o, 9, b"\x09")
            + option(o, 11, b"\0tcp") + option(o, 12, b"Linux")
            + option(o, 14, struct.pack(o + "q", -5)) + option(o, 15, b"virtio") + option(o, 0))


def pcapng_seeds():
    for o, word in (("<", "little"), (">", "big")):
        head = section(o) + interface(o, 1, 0, every_interface_option(o))
        save("pcapng-reader", f"{word}-options.pcapng",
             head + packet(o, 0, 1700000000 * 10**9, b"0123456789abcd", every_option(o)))
        old = struct.pack(o + "HHIIII", 0, 1, 0, 77, 3, 3) + b"abc\0"
        simple = struct.pack(o + "I", 6) + b"simple\0\0"
        save("pcapng-reader", f"{word}-old-simple.pcapng",
             head + block(o, 2, old) + block(o, 3, simple))
        save("pcapng-reader", f"{word}-others.pcapng",
             head + b"".join(block(o, kind, b"\0" * 8) for kind in (4, 5, 9, 10, 0xBAD, 0x80000001))
             + packet(o, 0, 5, b"x"))
    mixed = (section("<", 0) + interface("<") + packet("<", 0, 1, b"a")
             + section(">") + interface(">", 101, 96, option(">", 9, b"\x8a")) + packet(">", 0, 2, b"b"))
    save("pcapng-reader", "two-sections.pcapng", mixed)
    save("pcapng-reader", "cut.pcapng", mixed[:-7])
    save("pcapng-reader", "zero-tail.pcapng", mixed + b"\0" * 64)
    save("pcapng-reader", "no-interface.pcapng", section("<") + packet("<", 0, 1, b"a"))
    save("pcapng-reader", "bad-option.pcapng",
         section("<") + interface("<") + packet("<", 0, 1, b"a", b"\2\0\xff\xff"))
    save("pcapng-reader", "late.pcapng",
         section("<") + interface("<", 1, 0, option("<", 9, b"\0")) + packet("<", 0, 2**63, b"a"))


def attribute(kind, value=b"", length=None):
    head = struct.pack("<HH", 4 + len(value) if length is None else length, kind)
    return head + value + b"\0" * (-len(value) % 4)


def netlink(kind, body, flags=0, length=None):
    head = struct.pack("<IHHII", 16 + len(body) if length is None else length, kind, flags, 1, 0)
    return head + body + b"\0" * (-len(body) % 4)


def queued(number, *attributes):
    """An NFQNL_MSG_PACKET (3 << 8 | 0) of queue `number`."""
    return netlink(0x300, struct.pack(">BBH", 2, 0, number) + b"".join(attributes))


def process_event(what, *ids, idx=1, size=40):
    """Of the process connector: cn_msg, then what, processor, time, ids."""
    event = struct.pack("<IIQ", what, 1, 12345678) + b"".join(struct.pack("<I", i) for i in ids)
    return netlink(3, struct.pack("<IIIIHH", idx, 1, 7, 0, size, 0) + event.ljust(size, b"\0"))


def connector_seeds():
    fork, execed, ended = (1, 10, 10, 11, 11), (2, 11, 11), (0x80000000, 11, 11, 0, 17, 10, 10)
    save("netlink-reader", "process-fork.bin", process_event(*fork))
    save("netlink-reader", "process-exec.bin", process_event(*execed))
    save("netlink-reader", "process-exit.bin", process_event(*ended))
    save("netlink-reader", "process-thread.bin", process_event(1, 10, 10, 12, 10))
    save("netlink-reader", "process-other.bin", process_event(*execed, idx=3) + process_event(0x200, 11, 11))
    save("netlink-reader", "process-cut.bin", process_event(*fork, size=28)[:60])


def netlink_seeds():
    header = attribute(1, struct.pack(">IHB", 7, 0x800, 1))
    places = attribute(4, struct.pack(">I", 2)) + attribute(5, struct.pack(">I", 3))
    info = attribute(14, struct.pack(">I", 3))
    payload = attribute(10, b"E" + b"\0" * 39)
    good = queued(9, header, places, info, attribute(13, struct.pack(">I", 1500)), payload)
    save("netlink-reader", "packet.bin", good)
    save("netlink-reader", "batch.bin", good + queued(9, header, payload) + good)
    save("netlink-reader", "no-header.bin", queued(9, payload))
    save("netlink-reader", "short-header.bin", queued(9, attribute(1, b"\0" * 3), payload))
    save("netlink-reader", "cut-payload.bin", good[:-20])
    save("netlink-reader", "long-payload.bin", queued(9, header, attribute(10, b"E" * 8, 4000)))
    save("netlink-reader", "zero-attribute.bin", queued(9, header, attribute(10, b"", 0)))
    save("netlink-reader", "short-message.bin", netlink(0x300, b"", length=12))
    save("netlink-reader", "long-message.bin", netlink(0x300, b"abcd", length=0xFFFFFFF0))
    error = struct.pack("<i", -2) + good[:16]
    save("netlink-reader", "error.bin", netlink(2, error))
    save("netlink-reader", "error-cut.bin", netlink(2, b"\xfe\xff"))
    counter = attribute(0x8002, attribute(1, struct.pack(">Q", 10)) + attribute(2, struct.pack(">Q", 1)))
    element = attribute(0x8001, attribute(1, b"counter\0") + counter)
    rule = attribute(1, b"weir_1_2\0") + attribute(0x8004, element + element)
    save("netlink-reader", "rule.bin", netlink(0xA06, b"\1\0\0\0" + rule))
    table = attribute(1, b"weir_1_2\0") + attribute(6, b"\0\x20weir pid=1 start=2 pidns=3\0")
    save("netlink-reader", "table.bin", netlink(0xA00, b"\1\0\0\0" + table))
    deep = b""
    for _ in range(20):
        deep = attribute(0x8001, deep)
    save("netlink-reader", "deep.bin", netlink(0x300, b"\0" * 4 + deep))


def chain(lines):
    out, prev = b"", "0" * 64
    for seq, (kind, members) in enumerate(lines, 1):
        line = {"seq": seq, "type": kind, "at": "2025-11-22T23:13:35.123456789Z",
                "at_ns": 1763853215123456789, **members, "prev": prev}
        raw = json.dumps(line, separators=(",", ":")).encode()
        prev = hashlib.sha256(raw).hexdigest()
        out += raw + b"\n"
    return out


def manifest_seeds():
    opened = {"number": 1, "name": "0000000001.pcapng", "lane": 0, "linktype": 1}
    segment = {**opened, "interfaces": 1, "packets": 3, "bytes": 30, "wire_bytes": 40, "file_bytes": 400,
               "first_ns": 5, "last_ns": 9, "sorted": True, "sha256": "ab" * 32, "hash": "inline",
               "reason": "end", "losses": {"kernel": {"packets": 2, "bytes": 0}}}
    removed = {k: segment[k] for k in ("number", "name", "sha256", "packets", "file_bytes")}
    end = {"reason": "signal", "packets": 3, "bytes": 30, "wire_bytes": 40, "segments": 1,
           "removed_segments": 0, "first_ns": 5, "last_ns": 9, "lost": 2,
           "losses": segment["losses"], "dropped_lines": 0, "grade": "complete-with-loss"}
    start = ("start", {"format": 1, "tool": "weir", "mode": "sniff", "layout": "segments"})
    interface = ("interface", {"lane": 0, "id": 0, "linktype": 1, "snaplen": 0, "name": "eth0",
                               "mac": "02:00:00:00:00:01", "index": 2, "speed_bps": 10**9, "mtu": 1500})
    body = [start, interface, ("segment_open", opened), ("stats", {"losses": {}}), ("segment", segment)]
    good = chain(body + [("end", end)])
    save("manifest-reader", "good.jsonl", good)
    save("manifest-reader", "removed.jsonl",
         chain(body + [("removed", removed), ("suspended", {}), ("end", {**end, "removed_segments": 1})]))
    save("manifest-reader", "recovered.jsonl",
         chain(body + [("recovered", {"segments": []}), ("end", {**end, "grade": "incomplete"})]))
    save("manifest-reader", "cut.jsonl", good[:-30])
    save("manifest-reader", "zeros.jsonl", good + b"\0" * 50)
    save("manifest-reader", "not-objects.jsonl", b"[1]\n\n7\n{}\n" + good)
    save("manifest-reader", "far.jsonl", chain([("start", {"format": 2**62}), ("segment", {"number": -1})]))
    line = {"file": "1763853215123456789-1.pkt", "ns": 1763853215123456789, "bytes": 6, "wire_bytes": 60,
            "linktype": 1, "interface": 1, "flags": 518, "packet_id": 7, "drops": 3, "queue": 1,
            "sha256": "cd" * 32}
    save("manifest-reader", "list.jsonl", (json.dumps(line) + "\n").encode()
         + (json.dumps({**line, "file": "../x.pkt"}) + "\n").encode())


def iphelper_seeds():
    """Tables of Windows' IP Helper: a count, then rows (the sizes are those of the classes)."""
    local, remote = b"\x0a\0\0\1", b"\x0a\0\0\2"
    ports = struct.pack(">HH", 443, 0), struct.pack(">HH", 50000, 0)
    made = struct.pack("<Q", 132500000000000000)
    tcp = struct.pack("<I", 5) + local + ports[0] + remote + ports[1] + struct.pack("<I", 4321)
    tcp6 = (b"\0" * 15 + b"\1" + b"\0" * 4 + ports[0] + b"\x20" + b"\0" * 15 + b"\0" * 4 + ports[1]
            + struct.pack("<II", 5, 99))
    udp, udp6 = b"\0" * 4 + ports[0] + struct.pack("<I", 77), b"\0" * 20 + ports[0] + struct.pack("<I", 78)
    one, one8 = struct.pack("<I", 1), struct.pack("<Q", 1)
    listener = struct.pack("<I", 2) + tcp[4:]
    save("process-iphelper", "tcp-pid", struct.pack("<I", 2) + tcp + listener)
    save("process-iphelper", "tcp6-pid", one + tcp6)
    save("process-iphelper", "udp-pid", one + udp)
    save("process-iphelper", "udp6-pid", one + udp6)
    save("process-iphelper", "tcp-module", one8 + (tcp + made).ljust(160, b"\0"))
    save("process-iphelper", "tcp6-module", one8 + (tcp6 + made).ljust(192, b"\0"))
    save("process-iphelper", "udp-module", one8 + (udp + b"\0" * 4 + made).ljust(160, b"\0"))
    save("process-iphelper", "udp6-module", one8 + (udp6 + b"\0" * 4 + made).ljust(176, b"\0"))
    save("process-iphelper", "cut", struct.pack("<I", 2) + tcp + tcp[:20])
    event = struct.pack("<qBBB5xQQI", 5, 2, 1, 2, 6, 0, 7) + b"\1\0\0\x0a\xff\xff\0\0" + b"\0" * 8
    save("process-iphelper", "flow", (event + event[36:52] + struct.pack("<HHB", 80, 4000, 6)).ljust(80, b"\0"))


if __name__ == "__main__":
    iphelper_seeds()
    manifest_seeds()
    pcap_seeds()
    pcapng_seeds()
    netlink_seeds()
    connector_seeds()
