#!/usr/bin/env python3
"""Checks a closed store from docs/store-format.md alone: chain, segments, counts, end.

usage: check-store.py STORE; prints the first fault and exits 1, or nothing and exits 0."""
import hashlib
import json
import os
import re
import struct
import sys


def fault(text):
    print("# fault: " + text)
    sys.exit(1)


def need(condition, text):
    if not condition:
        fault(text)


def read_manifest(path):
    data = open(os.path.join(path, "manifest.jsonl"), "rb").read()
    need(data.endswith(b"\n"), "manifest: no newline at the end")
    prev, lines = "0" * 64, []
    for n, raw in enumerate(data[:-1].split(b"\n"), 1):
        line = json.loads(raw)
        names = list(line)
        need(names[0] == "seq" and names[1] == "type" and names[-1] == "prev",
             f"line {n}: order of members {names}")
        need(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() == raw,
             f"line {n}: not compact")
        need(line["seq"] == n, f"line {n}: seq {line['seq']}")
        need(line["prev"] == prev, f"line {n}: prev")
        need(line["at"].endswith("Z") and abs(int(line["at"][20:29]) - line["at_ns"] % 10**9) == 0,
             f"line {n}: at {line['at']} is not at_ns {line['at_ns']}")
        prev = hashlib.sha256(raw).hexdigest()
        lines.append(line)
    return lines


class Figures:
    def __init__(self):
        self.packets = self.bytes = self.wire = self.interfaces = self.stats = 0
        self.times, self.sorted = [], True

    def add(self, ns, caplen, length):
        if self.times and ns < self.times[-1]:
            self.sorted = False
        self.times.append(ns)
        self.packets, self.bytes, self.wire = self.packets + 1, self.bytes + caplen, self.wire + length


def read_pcapng(name, data):
    f, at = Figures(), 0
    while at < len(data):
        need(len(data) - at >= 12, f"{name}: {len(data) - at} bytes at {at}")
        kind, total = struct.unpack_from("<II", data, at)
        need(total >= 12 and total % 4 == 0 and at + total <= len(data), f"{name}: length at {at}")
        need(struct.unpack_from("<I", data, at + total - 4)[0] == total, f"{name}: end length at {at}")
        need((kind == 0x0A0D0D0A) == (at == 0), f"{name}: section header at {at}")
        if kind == 1:
            f.interfaces += 1
        elif kind == 5:
            f.stats += 1
        elif kind == 6:
            iface, high, low, caplen, length = struct.unpack_from("<IIIII", data, at + 8)
            need(iface < f.interfaces, f"{name}: interface {iface} at {at}")
            need(32 + caplen <= total, f"{name}: captured length {caplen} at {at}")
            f.add(high << 32 | low, caplen, length)
        else:
            need(at == 0 or kind >> 31 or kind in (0xBAD, 0x40000BAD), f"{name}: block {kind} at {at}")
        at += total
    return f


def read_list(path, name, data, layout):
    f = Figures()
    for raw in data.split(b"\n")[:-1]:
        line = json.loads(raw)
        file = os.path.join(path, line["file"])
        packet = open(file, "rb").read()
        need(re.fullmatch(r"%d(-[1-9][0-9]*)?\.(pkt|bin)" % line["ns"], line["file"]),
             f"{name}: name {line['file']}")
        need(len(packet) == line["bytes"], f"{line['file']}: size")
        need(hashlib.sha256(packet).hexdigest() == line["sha256"], f"{line['file']}: sha256")
        if layout == "pairs":
            side = open(file[:-4] + ".json", "rb").read()
            need(side == raw + b"\n", f"{line['file']}: metadata differ from the list")
        f.add(line["ns"], line["bytes"], line["wire_bytes"])
    return f


def check_segment(path, line, layout):
    name = line["name"]
    need("/" not in name and name.startswith("%010d." % line["number"]), f"name {name}")
    data = open(os.path.join(path, name), "rb").read()
    need(len(data) == line["file_bytes"], f"{name}: size {len(data)}, stated {line['file_bytes']}")
    need(hashlib.sha256(data).hexdigest() == line["sha256"], f"{name}: sha256")
    f = read_pcapng(name, data) if layout == "segments" else read_list(path, name, data, layout)
    got = (f.packets, f.bytes, f.wire, min(f.times, default=0), max(f.times, default=0), f.sorted)
    want = tuple(line[k] for k in ("packets", "bytes", "wire_bytes", "first_ns", "last_ns", "sorted"))
    need(got == want, f"{name}: has {got}, stated {want}")
    need(layout != "segments" or f.interfaces == line["interfaces"], f"{name}: interfaces")


def main():
    path = sys.argv[1]
    lines = read_manifest(path)
    need(lines[0]["type"] == "start" and lines[0]["format"] == 1, "first line")
    need(lines[-1]["type"] == "end", "last line")
    layout, end = lines[0]["layout"], lines[-1]
    opened = {(line["number"], line["name"]) for line in lines if line["type"] == "segment_open"}
    removed = {line["name"] for line in lines if line["type"] == "removed"}
    segments = [line for line in lines if line["type"] == "segment"]
    limit = lines[0]["limits"]["rotate_bytes"]
    for line in segments:
        need((line["number"], line["name"]) in opened, f"{line['name']}: no segment_open")
        if line["name"] in removed:
            need(not os.path.exists(os.path.join(path, line["name"])), f"{line['name']}: still there")
        else:
            check_segment(path, line, layout)
        need(not limit or line["file_bytes"] <= limit or line["packets"] <= 1,
             f"{line['name']}: larger than {limit}")
    for member, stated in (("packets",) * 2, ("bytes",) * 2, ("wire_bytes",) * 2):
        total = sum(line[member] for line in segments)
        need(total == end[stated], f"end: {member} {end[stated]}, segments have {total}")
    need(end["segments"] == len(segments), "end: segments")
    lost = sum(loss["packets"] for loss in end["losses"].values())
    need(lost == end["lost"], "end: lost")
    need(end["grade"] != "complete" or not lost, "end: complete with losses")
    known = {line["name"] for line in segments}
    for name in os.listdir(path):
        if re.fullmatch(r"\d{10}\.(pcapng|list\.jsonl)", name):
            need(name in known, f"{name}: in no line")


main()
