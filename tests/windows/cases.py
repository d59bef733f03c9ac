#!/usr/bin/env python3
"""Turns filter-cases.jsonl into lines for genuine.c.

usage: cases.py FILE.jsonl
  compile ID LAYER FILTER ok OBJECT NORMAL
  compile ID LAYER FILTER no MESSAGE POSITION
  eval ID LAYER FILTER PACKET ADDRESS VERDICT
Texts and bytes are hex, "-" where there are none; an address is WinDivert's record of 80 bytes."""
import json
import struct
import sys

LAYERS = ["network", "network_forward", "flow", "socket", "reflect"]


def words(address):
    """128 bits of a record: four words, the least significant first."""
    return struct.pack("<4I", *struct.unpack(">4I", bytes.fromhex(address or "00" * 16))[::-1])


def record(layer, a):
    def get(name):
        return a.get(name, 0)
    word = layer | get("Event") << 8
    for bit, name in ((17, "Outbound"), (18, "Loopback"), (19, "Impostor"), (20, "IPv6")):
        word |= (get(name) & 1) << bit
    head = struct.pack("<qII", get("Timestamp"), word & 0xFFFFFFFF, 0)
    if layer <= 1:
        rest = struct.pack("<II", get("IfIdx"), get("SubIfIdx"))
    elif layer <= 3:
        rest = struct.pack("<QQI", get("EndpointId"), get("ParentEndpointId"), get("ProcessId"))
        rest += words(a.get("LocalAddr")) + words(a.get("RemoteAddr"))
        rest += struct.pack("<HHB", get("LocalPort"), get("RemotePort"), get("Protocol"))
    else:
        rest = struct.pack("<qIIQh", get("ReflectTimestamp"), get("ProcessId"), get("ReflectLayer"),
                           get("ReflectFlags"), get("ReflectPriority"))
    return (head + rest).ljust(80, b"\0")


def hexed(text):
    return text.encode("utf-8", "surrogateescape").hex() or "-"


for line in open(sys.argv[1], encoding="utf-8", errors="surrogateescape"):
    c = json.loads(line)
    layer = LAYERS.index(c["layer"]) if c["layer"] in LAYERS else 255
    head = f'{c["k"]} {c["id"]} {layer} {hexed(c["filter"])}'
    if c["k"] == "eval":
        verdict = {True: "true", False: "false"}.get(c["verdict"], "error")
        print(head, c["packet"] or "-", record(layer, c["addr"]).hex(), verdict)
    elif c["ok"]:
        print(head, "ok", hexed(c["object"]), hexed(c["normal"]))
    elif c["error"] != "crash":
        print(head, "no", hexed(c["error"]), c["pos"])
