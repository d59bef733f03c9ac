#!/usr/bin/env python3
"""conversations-tshark.py FLOWS.jsonl CONV.txt: whether weir's flows are the conversations that
`tshark -q -z conv,tcp -z conv,udp` lists: ends, packets and bytes each way."""
import collections
import json
import re
import sys

UNITS = {"bytes": 1, "kB": 1000, "MB": 10**6}


def key(protocol, a, b):
    """a, b: (end, packets, bytes)"""
    return (protocol, *sorted((a, b)))


def ours(path):
    for line in open(path):
        f = json.loads(line)
        if f["protocol"] in ("tcp", "udp") and f["src_port"] is not None:
            yield key(f["protocol"], (f"{f['src']}:{f['src_port']}", f["src_packets"], f["src_bytes"]),
                      (f"{f['dst']}:{f['dst_port']}", f["dst_packets"], f["dst_bytes"]))


def theirs(path):
    protocol = None
    for line in open(path):
        m = re.match(r"(TCP|UDP) Conversations", line)
        if m:
            protocol = m[1].lower()
        m = re.match(r"(\S+)\s+<-> (\S+)\s+(\d+) (\d+) (\w+)\s+(\d+) (\d+) (\w+)\s", line)
        if m:
            a, b, back, back_bytes, u, forth, forth_bytes, v = m.groups()
            yield key(protocol, (a, int(forth), int(forth_bytes) * UNITS[v]), (b, int(back), int(back_bytes) * UNITS[u]))


def main(words):
    a, b = collections.Counter(ours(words[0])), collections.Counter(theirs(words[1]))
    for name, more in (("weir", a - b), ("tshark", b - a)):
        for k in list(more)[:10]:
            print(f"# only {name}: {k}")
    print(sum(a.values()), "flows")
    return a != b


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
