#!/bin/sh
# The flow and socket layers: every event that real programs cause, and none else, with its process.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 jq
export PYTHONDONTWRITEBYTECODE=1
netns_new a
netns_run a ip link set lo up
cd "$tmp"
chmod 711 "$tmp"

# shellcheck disable=SC2046
if ! $(nsenter_words a) "$WEIR" sniff --layer socket -w probe --for 0.1s >probe.out 2>&1; then
	if grep -q -e 'no eBPF programs' -e 'kernel refuses' -e 'not supported' probe.out; then
		skip_all "$(cat probe.out)"
	fi
	not_ok "a recorder of events runs" "$(cat probe.out)"
fi

# begin NAME WORDS...: a recorder that has begun to tell; what it told of the knocking is left out later.
begin() {
	begin_name=$1
	shift
	# shellcheck disable=SC2046
	start "$begin_name" $(nsenter_words a) "$WEIR" "$@" --json
}
# The socket layer tells of the knock itself; the flow layer of a lookup of nobody.
begun() {
	netns_run a python3 - <<'P'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 9))
s.send(b"")
s.close()
P
	[ -s "$tmp/$1.out" ]
}
# facts FILE LAYER: as sockets.py says it, in no order; those of the knocking are of port 9.
facts() {
	jq -r 'select(.local_port != 9 and .remote_port != 9) |
		if .layer == "socket" then
			"socket \(.event) \(.protocol) \(if .event == "CLOSE" and .remote_port == 1 then "any" else .local_port end) \(.remote_port // 0) \(.pid)"
		else
			"flow \(.event) \(.protocol) \(.local_port) \(.remote_port) \(.pid) \(.outbound)"
			+ if .event == "DELETED" and .protocol == "udp" then
				" \(.packets_out) \(.bytes_out - .packets_out * (if .ip_version == 6 then 48 else 28 end)) \(.packets_in) \(.bytes_in - .packets_in * (if .ip_version == 6 then 48 else 28 end))"
			else "" end
		end' "$1" | sort
}

for layer in socket flow; do
	begin $layer sniff --layer $layer -o store-$layer
	recorder=$pid
	wait_for 60 begun $layer || not_ok "$layer: it tells" "$(cat "$tmp/$layer.err")"
	netns_run a python3 "$SOURCE_ROOT/tests/lib/sockets.py" 127.0.0.1 ::1 >truth.$layer
	sniff_stop "$recorder"
	check_equal "$layer: done" "$exit_code" 0
	grep "^$layer" truth.$layer | sort >want.$layer
	facts $layer.out >got.$layer
	check_equal "$layer: the truth has events" "$([ "$(wc -l <want.$layer)" -gt 15 ] && echo yes)" yes
	diff want.$layer got.$layer >difference.$layer || :
	check_equal "$layer: each event that happened, with its process, and no other" "$(cat difference.$layer)" ""
	check_equal "$layer: all of them are certain" "$(jq -r .process_certainty $layer.out | sort -u)" exact
	check_equal "$layer: the names of the programs" "$(jq -r .process $layer.out | sort -u)" python3
	check "$layer: the store has what standard output had" cmp $layer.out store-$layer/events.jsonl
	check "$layer: verify agrees" "$WEIR" verify store-$layer
	check_equal "$layer: the last line states the file" \
		"$(tail -n 1 store-$layer/manifest.jsonl | jq -r '.events | "\(.lines) \(.sha256)"')" \
		"$(wc -l <store-$layer/events.jsonl) $(sha256sum <store-$layer/events.jsonl | cut -d ' ' -f 1)"
	check_equal "$layer: info counts them" "$("$WEIR" info --json store-$layer | jq .recorded_events)" \
		"$(wc -l <store-$layer/events.jsonl)"
	check_match "$layer: in words too" "$("$WEIR" info store-$layer)" "^  recorded +[0-9]+ events\$"
done
check_equal "an accepted connection is of who listened" "$(jq -r 'select(.event == "ACCEPT") | .parent_endpoint | type' socket.out | sort -u)" number
check_equal "forked: who listened is not who accepted" "$(jq -r 'select(.event == "ACCEPT") | .pid' socket.out | sort -u | wc -l)" 2
# Of packets as they pass: what TCP sends again on a busy machine counts again.  Counted twice it would be 6 MB.
jq -c 'select(.event == "DELETED" and .protocol == "tcp") | [.bytes_out, .bytes_in]' flow.out | sed 's/^/# bytes: /'
check_equal "a transfer of 3 MB: bytes each way, of both ends" "$(jq -r 'select(.event == "DELETED" and .protocol == "tcp") |
	[.bytes_out, .bytes_in] | max | select(. > 3000000) | . < 4500000' flow.out | tr '\n' ' ')" "true true "
check_equal "ports that are used again are two flows, of two processes" "$(jq -r 'select(.event == "DELETED" and .outbound and .protocol == "tcp") |
	"\(.local_port) \(.remote_port)"' flow.out | sort | uniq -d | wc -l)" 1
cp -r store-flow changed
sed -i '1s/python3/python4/' changed/events.jsonl
check_status "a changed event is a fault" 1 "$WEIR" verify changed
rm changed/events.jsonl
check_status "so is a file that has gone" 1 "$WEIR" verify changed

# A listener that only this wait makes; on port 9 as well.
listening_told() {
	netns_run a python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 9)); s.listen()'
	[ -s "$tmp/few.out" ]
}

# Filters decide on live events, in both commands.
begin few divert --layer socket -w few.jsonl "event == LISTEN and ipv6 = 0 or event == ACCEPT and remoteAddr == ::1"
recorder=$pid
wait_for 60 listening_told || :
netns_run a python3 "$SOURCE_ROOT/tests/lib/sockets.py" 127.0.0.1 ::1 >truth.few
sniff_stop "$recorder"
check_equal "a filter: so many" "$(jq -r 'select(.local_port != 9) | .event' few.out | sort | uniq -c | tr -s ' ' | tr '\n' ',')" \
	" 1 ACCEPT, $(grep -c LISTEN truth.few) LISTEN,"
check "a file has the same" cmp few.out few.jsonl
check_status "a field of packets is none of events" 2 "$WEIR" sniff --layer socket 'tcp.DstPort == 80'
check_status "an event of the other layer neither" 2 "$WEIR" sniff --layer flow 'event == BIND'
check_status "a layer that is none" 2 "$WEIR" sniff --layer nonsense

# --count and --for end it.
begin counted sniff --layer socket -w - --count 3
recorder=$pid
wait_for 60 begun counted || :
netns_run a python3 "$SOURCE_ROOT/tests/lib/sockets.py" 127.0.0.1 ::1 >/dev/null
wait_exit 60 "$recorder" || not_ok "--count ends it"
check_equal "--count: as many, and no more" "$exit_code $(wc -l <counted.out)" "0 3"
# shellcheck disable=SC2046
check_status "--for ends it" 0 $(nsenter_words a) "$WEIR" sniff --layer flow -w - --for 0.2s

# What cannot be written is a failure; a reader that has had enough is none, and is named.
(while :; do begun nothing || :; done) &
knocking=$!
at_exit "kill $knocking 2>/dev/null || :"
# shellcheck disable=SC2046
timeout 60 $(nsenter_words a) "$WEIR" sniff --layer socket -q -w - >/dev/full 2>full.err && code=0 || code=$?
check_equal "a full disk" "$code $(cat full.err)" \
	"3 weir sniff: cannot write 'standard output': No space left on device"
mkfifo gone
(head -c 200 >/dev/null) <gone &
# shellcheck disable=SC2046
timeout 60 $(nsenter_words a) "$WEIR" sniff --layer socket -q -w - >gone 2>gone.err && code=0 || code=$?
check_equal "a reader that has gone" "$code $(cat gone.err)" "0 weir sniff: the reader of standard output has gone"
kill "$knocking" || :
tap_done
