#!/usr/bin/env python3
"""A second reader of stores, written from docs/store-format.md alone: naive, slow, short.

usage: store_reader.py STORE      prints one JSON line a packet, in order of time (equal times:
                                  by number of segment, then by place in it)
       store_reader.py FILE       the same of one segment, in the order of the file

Exits 1, with the reason on standard error, where the store is not as the page says.
"""
import hashlib
import json
import pathlib
import re
import struct
import sys

PACKET_NAME = re.compile(r"[0-9]+(-[1-9][0-9]*)?\.(pkt|bin)")


class Damaged(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Damaged(text)


def manifest_lines(store):
    """The lines that count: whole ones, chained.  A torn last one is passed over."""
    lines, before = [], "0" * 64
    for number, raw in enumerate((store / "manifest.jsonl").read_bytes().split(b"\n")[:-1], 1):
        line = json.loads(raw)
        need(line["seq"] == number, f"line {number} has seq {line['seq']}")
        need(line["prev"] == before, f"line {number} is not chained to the one before")
        before = hashlib.sha256(raw).hexdigest()
        lines.append(line)
    need(lines and lines[0]["type"] == "start", "the first line is no start line")
    need(lines[0]["format"] == 1, f"format {lines[0]['format']} is not 1")
    return lines


def options(data):
    """Code and value of each option, up to the end."""
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            return
        need(at + 4 + length <= len(data), f"option {code} of {length} bytes is too long")
        yield code, data[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def blocks(data, is_live):
    """Type and body of each block.  A segment that is still written may end in half of one."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at) if len(data) - at >= 12 else (0, 0)
        is_whole = length >= 12 and length % 4 == 0 and at + length <= len(data)
        if is_whole:
            is_whole = struct.unpack_from("<I", data, at + length - 4)[0] == length
        if not is_whole:
            need(is_live, f"no whole block at offset {at}")
            return
        yield kind, data[at + 8:at + length - 4]
        at += length


def record(body, interfaces):
    iface, high, low, caplen, wire = struct.unpack_from("<IIIII", body)
    need(iface < len(interfaces), f"interface {iface} of {len(interfaces)}")
    need(20 + caplen <= len(body), f"{caplen} captured bytes in a block of {len(body) + 12}")
    packet = {"ns": high << 32 | low, "interface": iface, "linktype": interfaces[iface],
              "bytes": caplen, "wire_bytes": wire, "data": body[20:20 + caplen].hex()}
    for code, value in options(body[20 + (caplen + 3) // 4 * 4:]):
        if code == 2:
            packet["flags"] = struct.unpack("<I", value)[0]
        elif code == 4:
            packet["drops"] = struct.unpack("<Q", value)[0]
        elif code == 5:
            packet["packet_id"] = struct.unpack("<Q", value)[0]
        elif code == 6:
            packet["queue"] = struct.unpack("<I", value)[0]
        elif code == 8:
            packet["pid"], packet["tid"] = struct.unpack("<II", value)
    return packet


def segment_packets(data, is_live):
    interfaces = []
    for number, (kind, body) in enumerate(blocks(data, is_live)):
        need((kind == 0x0A0D0D0A) == (number == 0), "a segment has one section header, in front")
        if kind == 0x0A0D0D0A:
            magic, major, minor = struct.unpack_from("<IHH", body)
            need((magic, major, minor) == (0x1A2B3C4D, 1, 0), "not pcapng 1.0, little endian")
        elif kind == 1:
            interfaces.append(struct.unpack_from("<H", body)[0])
            need((9, b"\x09") in options(body[8:]), "times are not in ns")
        elif kind == 6:
            yield record(body, interfaces)


def list_packets(store, data, is_live):
    lines = data.split(b"\n")
    need(is_live or not lines[-1], "the list's last line has no end")
    for raw in lines[:-1]:
        line = json.loads(raw)
        need(PACKET_NAME.fullmatch(line["file"]), f"'{line['file']}' is no packet file's name")
        content = (store / line["file"]).read_bytes()
        need(len(content) == line["bytes"], f"'{line['file']}' has {len(content)} bytes")
        need(hashlib.sha256(content).hexdigest() == line["sha256"], f"'{line['file']}' was changed")
        if line["file"].endswith(".bin"):
            beside = (store / (line["file"][:-4] + ".json")).read_bytes()
            need(beside == raw + b"\n", f"the metadata of '{line['file']}' is not its line")
        packet = {k: line[k] for k in ("ns", "interface", "linktype", "bytes", "wire_bytes", "flags",
                                       "packet_id", "drops", "queue") if k in line}
        yield {**packet, "data": content.hex()}


def read_segment(store, line, is_live):
    data = (store / line["name"]).read_bytes()
    if not is_live:
        data = data[:line["file_bytes"]]
        need(hashlib.sha256(data).hexdigest() == line["sha256"], "its hash is not the stated one")
    if line["name"].endswith(".pcapng"):
        packets = list(segment_packets(data, is_live))
    else:
        packets = list(list_packets(store, data, is_live))
    need(is_live or len(packets) == line["packets"], f"it has {len(packets)} packets")
    return packets


def read_store(store):
    lines = manifest_lines(store)
    done = {line["number"]: line for line in lines if line["type"] == "segment"}
    begun = {line["number"]: line for line in lines if line["type"] == "segment_open"}
    gone = {line["number"] for line in lines if line["type"] == "removed"}
    is_ended = lines[-1]["type"] == "end"
    found = []
    for number in sorted(done.keys() | begun.keys()):
        is_live = number not in done
        line = begun[number] if is_live else done[number]
        if number in gone or (is_live and (is_ended or not (store / line["name"]).exists())):
            continue
        try:
            packets = read_segment(store, line, is_live)
        except Damaged as e:
            raise Damaged(f"{line['name']}: {e}") from None
        found += [(p["ns"], number, place, p) for place, p in enumerate(packets)]
    return [p for _, _, _, p in sorted(found, key=lambda f: f[:3])]


def main():
    try:
        path = pathlib.Path(sys.argv[1])
        for packet in read_store(path) if path.is_dir() else segment_packets(path.read_bytes(), False):
            print(json.dumps(packet, separators=(",", ":")))
    except (Damaged, OSError, ValueError, KeyError, struct.error) as e:
        sys.exit(f"{sys.argv[1]}: {e}")


main()
