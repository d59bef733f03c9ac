#!/bin/sh
# An inline recorder says whose packets it handed on, and records those of one program when asked to: its
# own verdicts make it neither the sender nor the receiver of any.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_events
require_tool curl
cd "$tmp"

start_in far web python3 "$SOURCE_ROOT/tests/lib/who.py" http 10.66.0.2 8080
wait_for 60 grep -q ready web.out
start_in rec echo python3 "$SOURCE_ROOT/tests/lib/who.py" server 10.66.0.1 4000
wait_for 60 test -s echo.out

traffic() {
	netns_run rec sh -c 'echo $$ >curl.pid; exec curl -s -o /dev/null --max-time 10 http://10.66.0.2:8080/'
	netns_run far python3 -c '
import socket
s = socket.create_connection(("10.66.0.1", 4000))
for _ in range(10):
    s.sendall(b"word")
    s.recv(4)'
	netns_run rec sh -c 'echo $$ >ping.pid; exec ping -q -c 3 -i 0.2 10.66.0.2' >/dev/null
}

of() { jq -r "select($1) | [.process, .pid, .process_certainty] | @csv" "$2" | tr -d '"' | sort -u; }

recorder_start all -q
traffic
recorder_stop
"$WEIR" show --json all.store >all.jsonl
check "there are packets" test "$(wc -l <all.jsonl)" -gt 20
# The last acknowledgement may come when the socket is closed: its last owner's.
check_equal "a client's packets are its own" "$(of '(.src_port == 8080 or .dst_port == 8080) and .process_certainty != "earlier"' all.jsonl)" \
	"curl,$(cat curl.pid),exact"
check_equal "so are ping's" "$(of '.protocol == "icmp"' all.jsonl)" "ping,$(cat ping.pid),exact"
check_equal "a server's too, once it has taken the connection" \
	"$(of '.dst_port == 4000 and .process_certainty == "exact"' all.jsonl)" "python3,$(cat echo.out),exact"
check_equal "no packet is the recorder's" "$(jq -r 'select(.process == "weir") | 1' all.jsonl | wc -l)" 0
check_equal "the store is sound" "$("$WEIR" verify all.store >/dev/null && echo good)" good

recorder_start one -q 'process.name == "curl"'
traffic
recorder_stop
# A packet that is taken right behind an exec may be of the program before it: it is recorded, and counted.
"$WEIR" show --json one.store | jq -r .process >by
"$WEIR" show --json --filter 'process.name == "curl"' one.store >one.jsonl
check "a filter on a process records that one's, and no others but what is counted as pending" \
	test "$(grep -cvx curl by)" -le "$(jq -r 'select(.type == "end").attribution.pending_packets' one.store/manifest.jsonl)"
check_equal "each is known exactly, or as its last owner's" "$(of '.process_certainty != "earlier"' one.jsonl)" \
	"curl,$(cat curl.pid),exact"
check_equal "its first SYN included" "$(jq -r 'select(.tcp_flags == "SYN") | 1' one.jsonl | wc -l)" 1
check "and its end, both ways" test "$(jq -r 'select(.tcp_flags | test("FIN")) | .direction' one.jsonl |
	sort -u | wc -l)" = 2
tap_done
