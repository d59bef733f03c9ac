#!/bin/sh
# Inline: bursts of small packets of many flows.  None goes by unrecorded, each flow keeps its order,
# with one queue and with several, and nothing is called lost that was not.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool tshark socat

packets=20000 flows=8
cat >"$tmp/burst.py" <<'PYTHON'
"""burst.py COUNT FLOWS: numbered datagrams, one flow after the other; a breath each 500."""
import socket
import sys
import time

count, flows = int(sys.argv[1]), int(sys.argv[2])
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(flows)]
for s in sockets:
    s.connect(("10.66.0.1", 7300))
for number in range(count):
    sockets[number % flows].send(b"%08d" % number)
    if number % 500 == 499:
        time.sleep(0.004)
PYTHON
# Somebody takes them, so that no ICMP answers.
start_in rec sink socat -u UDP-RECV:7300,bind=10.66.0.1 OPEN:/dev/null

# Numbers that came, in the order of the store: flow (source port), number.
numbers() {
	tshark -n -r "$tmp/$1.store/0000000001.pcapng" -Y "udp.dstport == 7300" \
		-T fields -e udp.srcport -e udp.payload 2>/dev/null
}

burst() {
	counter_on "outer_$1"
	recorder_start "$@"
	counter_on "inner_$1"
	check "$1: the burst is sent" netns_run far python3 "$tmp/burst.py" $packets $flows
	inner=$(counter_read "inner_$1")
	recorder_stop
	outer=$(counter_read "outer_$1")
	check_equal "$1: nothing passed unrecorded: exit code 0" "$recorder_exit" 0
	accounted "$1: recorded are all that passed" "$1" "$inner" "$outer"
	numbers "$1" >"$tmp/numbers"
	check_equal "$1: each datagram is there" "$(sort -u "$tmp/numbers" | wc -l)" $packets
	check_equal "$1: once" "$(wc -l <"$tmp/numbers")" $packets
	check_equal "$1: in order in its flow" "$(awk '$2 <= last[$1] { n++ } { last[$1] = $2 }
		END { print n + 0 }' "$tmp/numbers")" 0
}

burst one
burst four --queues 4

tap_done
