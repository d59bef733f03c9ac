#!/bin/sh
# A recorder of live traffic is killed: all that was in its store survives the repair, and nothing of
# the recorder keeps the next one from recording the same interface.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool python3

lib=$SOURCE_ROOT/tests/lib
export PYTHONDONTWRITEBYTECODE=1
netns_new a

start traffic nsenter --net="/run/netns/$(netns_name a)" python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
n = 0
while True:
    s.sendto(b"%d" % n + bytes(n % 500), ("127.0.0.1", 9))
    n += 1
    if n % 50 == 0:
        time.sleep(0.002)
'

stored_bytes() {
	cat "$tmp/store"/0000* 2>/dev/null | wc -c
}

has_stored() {
	[ "$(stored_bytes)" -ge "$1" ]
}

killed_at() {
	rm -rf "$tmp/store" "$tmp/out.pcapng"
	start weir nsenter --net="/run/netns/$(netns_name a)" "$WEIR" sniff -i lo -o "$tmp/store" \
		--rotate 256KiB --user root --quiet
	wait_for 20 has_stored "$1" || { cat "$tmp/weir.err"; return 1; }
	kill -9 "$pid"
	wait_exit 10 "$pid"
	before=$(python3 "$lib/store_reader.py" "$tmp/store" | wc -l)
	"$WEIR" export "$tmp/store" -o "$tmp/out.pcapng"
	"$WEIR" verify "$tmp/store"
	python3 "$lib/store_reader.py" "$tmp/store" >"$tmp/after"
	python3 "$lib/store_reader.py" "$tmp/out.pcapng" >"$tmp/exported"
	after=$(wc -l <"$tmp/after")
	echo "$before packets before, $after after the repair, $(wc -l <"$tmp/exported") exported"
	[ "$before" -gt 0 ] && [ "$after" -ge "$before" ]
	[ "$after" = "$(wc -l <"$tmp/exported")" ]
}

for at in 3000 300000 1000000; do
	check "sniff, killed at $at bytes" killed_at "$at"
done

tap_done
