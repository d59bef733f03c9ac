#!/bin/sh
# The benchmark runs: a short round of recording and of reading, and nothing is left behind.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool python3 cc

mkdir "$tmp/programs"
for name in flood reference-ring reference-files; do
	cc -std=c17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -o "$tmp/programs/bench-$name" \
		"$SOURCE_ROOT/bench/$name.c"
done
# bench WORDS...: what it prints is in $said, its code in $code.
bench() {
	code=0
	said=$(python3 -B "$SOURCE_ROOT/bench/run.py" --quick --weir "$WEIR" --programs "$tmp/programs" \
		--peers '' --results "$tmp/r.jsonl" --work "$tmp/work" "$@" 2>&1) || code=$?
}

check_equal "no argument of the sender is a usage error" \
	"$("$tmp/programs/bench-flood" 2>&1 >/dev/null | cut -d ' ' -f 1,2)" "usage: flood"
bench --rows 1,3 --sizes 64,1500 --only weir,reference-ring
check_equal "recording is measured" "$code" 0
[ "$code" = 0 ] || printf '%s\n' "$said" | sed 's/^/# /'
check_match "weir is in the table" "$said" '^\| weir \| 1500 \| 16 \| [0-9]+ \| [0-9.]+ \| [0-9.]+ \|'
check_match "so is the reference" "$said" '^\| reference-ring \| 1500 \|'
check_match "bounds are held against it" "$said" '^\| rounds of 5 without loss at 64 B \| [0-5]\.00 \|'
check_equal "every run is a line of results" "$(python3 -c '
import json, sys
print(len([r for r in map(json.loads, open(sys.argv[1])) if r.get("kind") == "idle" or r["sent"] > 0]))
' "$tmp/r.jsonl")" "$(wc -l <"$tmp/r.jsonl")"
lines=$(wc -l <"$tmp/r.jsonl")
bench --rows 8,10,11 --append
check_equal "files and reading are measured" "$code" 0
[ "$code" = 0 ] || printf '%s\n' "$said" | sed 's/^/# /'
check_match "an export is in the table" "$said" '^\| weir \| store \| [0-9.]+ \|'
check_match "so are a file a packet" "$said" '^\| weir, files \| 512 \| [0-9,]+ \|'
check "results are added to" test "$(wc -l <"$tmp/r.jsonl")" -gt "$lines"
first=$(printf '%s\n' "$said" | grep '^|')
bench --rows 8,10,11 --tables
check_equal "tables can be made again" "$(printf '%s\n' "$said" | grep '^|')" "$first"

start cut python3 -B "$SOURCE_ROOT/bench/run.py" --rows 4 --only weir --weir "$WEIR" \
	--programs "$tmp/programs" --results "$tmp/cut.jsonl" --work "$tmp/work"
is_recording() {
	nsenter --net="/run/netns/weir-bench-b-$pid" grep -q ' 0003 ' /proc/net/packet
}
check "a long run begins" wait_for 20 is_recording
kill "$pid"
check_exit "it can be ended" 20 "$pid" 143
check_equal "no namespace is left" "$(ip netns list | grep -c "weir-bench-.*-$pid")" 0
check_equal "no recording is left" "$(ls "$tmp/work")" ""
no_hog() { ! pgrep -f "^[^ ]*python3[^ ]* -c import os, sys.*getppid.* $pid( |\$)"; }
check "no program that was to load the machine goes on" wait_for 20 no_hog
tap_done
