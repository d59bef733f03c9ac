#!/bin/sh
# A recorder is killed while processes come and go: what it had written of them survives the repair, its
# packets still say whose they are, and a torn line is cut and kept beside.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool python3 jq
require_events
netns_new a
lo_up a
cd "$tmp"

start who nsenter --net="/run/netns/$(netns_name a)" sh -c '
	while [ ! -e stop ]; do python3 "$1/tests/lib/who.py" short; done' sh "$SOURCE_ROOT"
has_processes() { [ "$(grep -c python3 store/processes.jsonl)" -ge "$1" ]; }

start weir nsenter --net="/run/netns/$(netns_name a)" "$WEIR" sniff -i lo -o store --user root -q --buffer 8MiB
check "processes are written while they come and go" wait_for 30 has_processes 30
has_packets() { [ "$("$WEIR" show --json store | grep -c '"process":"python3"')" -ge 50 ]; }
check "so are their packets" wait_for 30 has_packets
kill -9 "$pid"
wait_exit 10 "$pid"
touch stop
lines=$(wc -l <store/processes.jsonl)
# As a crash of the machine leaves it.
printf '{"pid":1,"start_ns":4' >>store/processes.jsonl

check "it is exported" "$WEIR" export store -o out.pcapng
check "the repaired store is sound" "$WEIR" verify store
check_equal "all whole lines are there" "$(wc -l <store/processes.jsonl)" "$lines"
check "each is JSON" jq -e . store/processes.jsonl
check_equal "the end states them" "$(jq -r 'select(.type == "end") | .processes.lines' store/manifest.jsonl)" "$lines"
check_equal "what was cut is kept" "$(cat store/processes.jsonl.tail)" '{"pid":1,"start_ns":4'
"$WEIR" show --json store >show.jsonl
check "packets have their processes" test "$(jq -r 'select(.process == "python3") | 1' show.jsonl | wc -l)" -gt 10
check "the same in what was exported" test "$("$WEIR" show --json out.pcapng |
	jq -r 'select(.process == "python3") | 1' | wc -l)" -gt 10
# One byte other, and it is seen.
printf ' ' | dd of=store/processes.jsonl bs=1 seek=5 conv=notrunc 2>/dev/null
check_status "a changed line is found" 1 "$WEIR" verify store
tap_done
