#!/bin/sh
# One timeline of listings and recordings.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq
export LC_ALL=C
mkdir "$tmp/root"
echo a >"$tmp/root/a"
echo b >"$tmp/root/b"
touch -d '2026-11-22T10:00:00Z' "$tmp/root/a"
touch -d '1960-01-01T00:00:00Z' "$tmp/root/b"
"$WEIR" list -r "$tmp/root" >"$tmp/l.jsonl"
python3 - "$tmp/p.pcap" <<'P'
import struct, sys
def packet(src, dst, sport, dport):
    return (b"\2" * 12 + b"\x08\0" + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes([10, 0, 0, src]),
            bytes([10, 0, 0, dst])) + struct.pack(">HHHH", sport, dport, 8, 0))
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
    for s, ns, args in ((1795341600, 5, (1, 2, 1111, 53)), (1795341601, 0, (2, 1, 53, 1111)), (1795341700, 0, (1, 3, 2222, 80)),
                        (1795341800, 9, (1, 2, 1111, 53))):
        p = packet(*args)
        f.write(struct.pack("<IIII", s, ns, len(p), len(p)) + p)
P
run() {
	code=0
	"$WEIR" timeline "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
}
run --format csv "$tmp/l.jsonl" "$tmp/p.pcap"
check_equal "done" "$code $(cat "$tmp/err")" "0 "
check_equal "in order of time" "$(tail -n +2 "$tmp/out" | cut -d, -f1 | sort -c 2>&1)" ""
check_equal "the first row is the oldest" "$(sed -n 2p "$tmp/out" | cut -d, -f1,3)" "1960-01-01T00:00:00.000000000Z,ma.."
check_equal "first and last packet of a flow, in both directions" \
	"$(grep -c 'udp 10.0.0.1:1111 -> 10.0.0.2:53' "$tmp/out")" 2
check_match "with its packets" "$(cat "$tmp/out")" '^2026-11-22T10:00:00.000000005Z,126,f\.\.\.,,,,,"udp 10.0.0.1:1111 -> 10.0.0.2:53",,3,'
check_match "a flow of one packet has one row" "$(cat "$tmp/out")" '2026-11-22T10:01:40.000000000Z,42,fl\.\.,,,,,"udp 10.0.0.1:2222 -> 10.0.0.3:80",,1,'
run --json "$tmp/l.jsonl" "$tmp/p.pcap"
check "jsonl: each line is an object" jq -e . "$tmp/out"
check_equal "jsonl: what Timesketch asks for is in each" \
	"$(jq -c 'select((.message and .datetime and .timestamp_desc and .timestamp != null) | not)' "$tmp/out" | wc -l)" 0
check_equal "jsonl: every time of every file" \
	"$(jq -r 'select(.path) | .macb | gsub("[.]"; "") | length' "$tmp/out" | awk '{s += $1} END {print s}')" 12
run --from 2026-11-22T10:00:00Z --to 2026-11-22T10:01:00Z --json "$tmp/l.jsonl" "$tmp/p.pcap"
check_equal "--from and --to" "$(jq -r .timestamp_desc "$tmp/out" | tr '\n' '|')" "modified, accessed|first packet|"
run --from 2026-11-22T10:01:00Z --to 2026-11-22T10:00:00Z "$tmp/l.jsonl"
check_match "the other way round they are a usage error" "$code $(cat "$tmp/err")" "^2 weir timeline: --from lies behind --to"
run "$tmp/l.jsonl"
check_match "a table for people" "$(cat "$tmp/out")" "^2026-11-22T10:00:00.000000000Z ma.. -rw-r--r-- +2 $tmp/root/a\$"
run - <"$tmp/l.jsonl"
check_equal "a listing on standard input" "$code $(wc -l <"$tmp/out")" "0 $("$WEIR" timeline "$tmp/l.jsonl" | wc -l)"
head -c -20 "$tmp/l.jsonl" >"$tmp/cut.jsonl"
run "$tmp/cut.jsonl"
check_equal "a listing that was cut off: what is there, and a loss" "$code" 4
check_match "told with its line" "$(cat "$tmp/err")" "cut.jsonl': line [0-9]+ is no record"
run "$tmp/nothing"
check_equal "a source that is not there" "$code" 3
run --format xml "$tmp/l.jsonl"
check_equal "an unknown form" "$code" 2
"$WEIR" import "$tmp/p.pcap" -o "$tmp/store" >/dev/null 2>&1 || true
if [ -d "$tmp/store" ]; then
	run --json "$tmp/store"
	check_equal "a store" "$code $(wc -l <"$tmp/out")" "0 3"
else
	skip "a store" "this build cannot import"
fi
tap_done
