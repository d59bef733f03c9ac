#!/bin/sh
# The flow and socket layers tell what was there before them, as such and with its process, and what becomes
# of it has its owner.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool python3 jq
require_events
netns_new a
lo_up a
cd "$tmp"
chmod 711 "$tmp"

# member NAME: of the line that the programs told.
member() { jq -r ".$1" "standing-$layer.out"; }
# facts FILE: "EVENT PROTOCOL LOCAL_PORT REMOTE_PORT PID OUTBOUND", in no order.
facts() {
	jq -r "select($2) | [.event, .protocol, .local_port, .remote_port // 0, .pid, .outbound] | join(\" \")" "$1" | sort
}

for layer in flow socket; do
	rm -f go
	start "standing-$layer" netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" standing "$tmp/go"
	standing=$pid
	wait_for 60 test -s "standing-$layer.out" || not_ok "$layer: two programs have their sockets"
	# shellcheck disable=SC2046
	start "$layer" $(nsenter_words a) "$WEIR" sniff --layer $layer -o "store-$layer" --json
	recorder=$pid
	client=$(member client) server=$(member server)
	port=$(member port) client_port=$(member client_port)
	bound=$(member bound_port) udp=$(member udp_port)
	are_told() { [ "$(grep -c '"existing":true' "$layer.out")" -ge "$1" ]; }
	if [ $layer = flow ]; then
		count=3
		sort >want <<-E
		ESTABLISHED tcp $client_port $port $client true
		ESTABLISHED tcp $port $client_port $server false
		ESTABLISHED udp $udp $bound $client true
		E
		sed 's/^ESTABLISHED/DELETED/' want >want-end
	else
		count=5
		cat >want <<-E
		ACCEPT tcp $port $client_port $server false
		BIND udp $bound 0 $server true
		CONNECT tcp $client_port $port $client true
		CONNECT udp $udp $bound $client true
		LISTEN tcp $port 0 $server true
		E
		sed 's/^[A-Z]*/CLOSE/; s/ [a-z]*$//' want | sort >want-end
	fi
	check "$layer: what was there is told" wait_for 60 are_told $count
	touch go
	check "$layer: the programs end" wait_exit 60 "$standing"
	is_over() { [ "$(grep -c '"event":"DELETED"\|"event":"CLOSE"' "$layer.out")" -ge $count ]; }
	check "$layer: what becomes of it is told" wait_for 60 is_over
	sniff_stop "$recorder"
	facts $layer.out .existing >got
	diff want got >difference || :
	check_equal "$layer: each socket of before, with its process, and no other" "$(cat difference)" ""
	if [ $layer = flow ]; then
		facts $layer.out '.existing | not' | sort >got-end
	else
		facts $layer.out '.existing | not' | sed 's/ [a-z]*$//' | sort >got-end
	fi
	diff want-end got-end >difference || :
	check_equal "$layer: its end has its process, and nothing else happened" "$(cat difference)" ""
	check_equal "$layer: by name" "$(jq -r '[.process, .process_certainty] | join(" ")' $layer.out | sort -u)" "python3 exact"
	check "$layer: verify agrees" "$WEIR" verify store-$layer
	check_equal "$layer: the store's first line counts what was found" \
		"$(jq -r 'select(.type == "start") | .source.existing_sockets' store-$layer/manifest.jsonl)" 5
done
check_equal "flow: their beginning was not seen" "$(jq -r 'select(.event == "DELETED") | .begin_seen' flow.out | sort -u)" false
check_equal "socket: the listener of the connection that came in" "$(jq -r 'select(.event == "ACCEPT") | .parent_endpoint' socket.out)" \
	"$(jq -r 'select(.event == "LISTEN") | .endpoint' socket.out)"
tap_done
