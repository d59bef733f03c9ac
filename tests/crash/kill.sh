#!/bin/sh
# The recorder is killed with SIGKILL at many points, in every layout: what was in the store is read
# by the second reader as the recorder left it; opening repairs it; not a packet fewer is there
# afterwards, each as it was written, none missing between them; and the store verifies.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3

lib=$SOURCE_ROOT/tests/lib
export PYTHONDONTWRITEBYTECODE=1
mkfifo "$tmp/pipe"

stored_bytes() {
	cat "$tmp/store"/0000* 2>/dev/null | wc -c
}

has_stored() {
	[ "$(stored_bytes)" -ge "$1" ]
}

# record LAYOUT BYTES: imports without end, and dies once so many bytes are in the store.
record() {
	rm -rf "$tmp/store" "$tmp/out.pcapng"
	start feed sh -c "exec python3 '$lib/numbered.py' >'$tmp/pipe'"
	start weir sh -c "exec '$WEIR' import - -o '$tmp/store' --layout $1 --rotate 64KiB --buffer 2MiB --quiet <'$tmp/pipe'"
	wait_for 30 has_stored "$2" || return 1
	kill -9 "$pid"
	wait_exit 10 "$pid"
}

count_before() {
	python3 "$lib/store_reader.py" "$tmp/store" | wc -l
}

killed_at() {
	record "$1" "$2" || { cat "$tmp/weir.err"; return 1; }
	before=$(count_before)
	"$WEIR" export "$tmp/store" -o "$tmp/out.pcapng"
	"$WEIR" verify "$tmp/store"
	after=$(python3 "$lib/store_reader.py" "$tmp/store" | python3 "$lib/numbered.py" --check)
	exported=$(python3 "$lib/store_reader.py" "$tmp/out.pcapng" | python3 "$lib/numbered.py" --check)
	echo "stored $2 bytes, $before packets before, $after after the repair, $exported exported"
	[ "$before" -gt 0 ] || [ "$2" -lt 65000 ]
	[ "$after" -ge "$before" ] && [ "$after" = "$exported" ]
	grep -q '"grade":"incomplete"' "$tmp/store/manifest.jsonl"
	python3 "$lib/check-store.py" "$tmp/store"
}

for at in 1 66000 131000 500000; do
	check "segments, killed at $at bytes" killed_at segments "$at"
done
for at in 20000; do
	check "files, killed at $at bytes of lists" killed_at files "$at"
	check "pairs, killed at $at bytes of lists" killed_at pairs "$at"
done

# A repair is killed too: the next one ends it.
repair_killed() {
	record segments 300000
	before=$(count_before)
	for i in 1 2 3 4 5 6 7 8; do
		"$WEIR" export "$tmp/store" -o /dev/null 2>/dev/null &
		repair=$!
		sleep "0.00$i" # no wait for a state: any moment will do
		kill -9 "$repair" 2>/dev/null || true # it may have ended
		wait "$repair" || true
	done
	"$WEIR" export "$tmp/store" -o "$tmp/out.pcapng"
	"$WEIR" verify "$tmp/store"
	[ "$(python3 "$lib/store_reader.py" "$tmp/store" | python3 "$lib/numbered.py" --check)" -ge "$before" ]
}
check "the repair is killed as well" repair_killed

tap_done
