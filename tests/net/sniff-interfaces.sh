#!/bin/sh
# Interfaces: all or some of them, loopback once, raw IP of a tunnel, and what comes, changes and
# goes while the recorder runs.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool jq python3 ping
veth_pair
cd "$tmp"
chmod 711 "$tmp"

names() { packets list "$@" | cut -d' ' -f2 | sort | uniq -c | awk '{print $2 "=" $1}' | tr '\n' ' '; }
events() { jq -r "select(.type == \"$2\") | .name" "$1/manifest.jsonl" | tr '\n' ' '; }
told() { grep -q "\"type\":\"$2\".*\"name\":\"$3\"" "$1/manifest.jsonl"; }
pair() { netns_run a ip link add vx type veth peer name vy; }

sniff_start all a -o all --quiet
all=$pid
sniff_start some a -i lo -i va -i lo -o some --quiet
some=$pid

netns_run a ping -q -c 5 -i 0.02 127.0.0.1 >/dev/null
netns_run a ping -q -c 3 -i 0.02 10.9.0.2 >/dev/null
# A pair that is made, changed and gone again; the frames go from vx to vy.
pair
netns_run a ip link set vx addrgenmode none
netns_run a ip link set vy addrgenmode none
netns_run a ip link set vx mtu 1400
netns_run a ip link set vx address 02:00:00:00:00:77
netns_run a ip link set vx up
netns_run a ip link set vy up
frame=0200000000880200000000770800$(printf '%092d' 0)
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send vx "$frame" "$frame"
check "the manifest tells of an interface that came" wait_for 5 told all interface_up vy
netns_run a ip link del vx
check "and of one that went" wait_for 5 told all interface_removed vx

if [ -c /dev/net/tun ]; then
	ip4=4500001c00010000401100000a0800020a080001$(printf '%016d' 0)
	# shellcheck disable=SC2046
	start tun $(nsenter_words a) \
		python3 "$SOURCE_ROOT/tests/lib/packets.py" tun t0 "$tmp/go" "$ip4" "$ip4" "$ip4"
	wait_for 10 grep -q made tun.out
	netns_run a ip link set t0 addrgenmode none
	netns_run a ip link set t0 up
	: >go
	wait_for 10 grep -q sent tun.out
fi

sniff_stop "$all"
check_equal "the recorder ends with 0" "$exit_code" 0
sniff_stop "$some"

first=all/0000000001.pcapng
# 5 pings over lo are 10 packets; 3 over va 6, and up to 4 of ARP.
check_match "all: every interface's packets are there, lo's once" "$(names $first)" \
	"^lo=10 va=([6-9]|10) vx=2 vy=2 $"
check_equal "lo's are outbound" "$(packets list $first | awk '$2 == "lo" {print $5}' | sort -u | tr -d '\n')" 0x2
check_equal "a frame from vx to vy is sent, and received" "$(packets list $first | awk '$2 ~ /^v[xy]/ {print $2, $5}' |
	sort -u | tr '\n' ' ')" "vx 0x2 vy 0x11 "
check_match "some: only what was named" "$(names some/0000000001.pcapng)" "^lo=10 va=([6-9]|10) $"
check_equal "both pairs' ends were added" "$(events all interface_added | tr ' ' '\n' | grep -c '^v[xy]$')" 2
check_equal "and removed" "$(events all interface_removed | tr ' ' '\n' | grep -c '^v[xy]$')" 2
check_equal "a new MTU is told" "$(jq -r 'select(.mtu_before) | "\(.name) \(.mtu_before) \(.mtu)"' \
	all/manifest.jsonl)" "vx 1500 1400"
check_equal "a new MAC is told" "$(jq -r 'select(.mac_before) | "\(.name) \(.mac)"' all/manifest.jsonl)" \
	"vx 02:00:00:00:00:77"
check_equal "named ones hear of no other" "$(grep -c '"name":"v[xy]"' some/manifest.jsonl)" 0

if [ -c /dev/net/tun ]; then
	check_equal "a tunnel has segments of raw IP" \
		"$(jq -r 'select(.type == "segment" and .linktype == 101) | .packets' all/manifest.jsonl)" 3
	check_match "its packets begin with IP" "$(packets list all/0000000002.pcapng)" "t0 28 28 0x5"
else
	skip "a tunnel has segments of raw IP" "no /dev/net/tun"
	skip "its packets begin with IP" "no /dev/net/tun"
fi

# A named interface that goes and comes back, with another number.
pair
netns_run a ip link set vx addrgenmode none
netns_run a ip link set vy addrgenmode none
netns_run a ip link set vx up
netns_run a ip link set vy up
sniff_start back a -i vx -o back --quiet
back=$pid
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send vx "$frame"
netns_run a ip link del vx
check "a named interface's end is told" wait_for 5 told back interface_removed vx
pair
netns_run a ip link set vx addrgenmode none
netns_run a ip link set vy addrgenmode none
check "it is opened again when it is back" wait_for 5 told back interface_reopened vx
netns_run a ip link set vy up
netns_run a ip link set vx up
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send vx "$frame" "$frame"
sniff_stop "$back"
check_equal "its packets before and after are there" "$(names back/0000000001.pcapng)" "vx=3 "

# A named interface that takes the name of another named one, which is gone.
netns_run a ip link del vx
peers() { # NAME OTHER [NUMBER]
	netns_run a ip link add "$1" ${3:+index "$3"} type veth peer name "$2"
	for end in "$1" "$2"; do
		netns_run a ip link set "$end" addrgenmode none
		netns_run a ip link set "$end" up
	done
}
send() { netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send "$@"; }
peers p0 f0 700
peers p1 f1
sniff_start swapped a -i p0 -i p1 -o swapped --quiet
swapped=$pid
netns_run a ip link del p1
check "a named interface's end is told" wait_for 5 told swapped interface_removed p1
netns_run a ip link set p0 down
netns_run a ip link set p0 name p1
netns_run a ip link set p1 up
check "its name is another's" wait_for 5 told swapped interface_changed p1
send p1 "$frame" "$frame" "$frame"
peers p0 f2
check "the other's name is there again" wait_for 5 told swapped interface_reopened p0
send p0 "$frame" "$frame"
send p1 "$frame"
sniff_stop "$swapped"
check_equal "two that were named: each packet once, whoever has which name" \
	"$(names swapped/0000000001.pcapng)" "p0=2 p1=4 "

# One that was renamed, went, and came back with its old name and number.
sniff_start again a -i p1 -o again --quiet
again=$pid
netns_run a ip link set p1 down
netns_run a ip link set p1 name q1
netns_run a ip link set q1 up
wait_for 5 told again interface_changed q1
send q1 "$frame"
netns_run a ip link del q1
check "the end of a renamed one is told" wait_for 5 told again interface_removed q1
peers p1 f0 700
check "it is opened again with its old number" wait_for 5 told again interface_reopened p1
send p1 "$frame" "$frame"
sniff_stop "$again"
check_equal "a renamed one: its packets before and after are there" \
	"$(names again/0000000001.pcapng)" "p1=2 q1=1 "

# One that comes and goes before the recorder looks.
sniff_start short a -o short --quiet
short=$pid
kill -STOP "$short"
peers s0 s1
send s0 "$frame" "$frame"
netns_run a ip link del s0
kill -CONT "$short"
check "a short life is told" wait_for 5 told short interface_removed s0
sniff_stop "$short"
check_equal "a short life: its packets have its name" "$(names short/0000000001.pcapng)" "s0=2 s1=2 "

tap_run netns_run a "$WEIR" sniff -i nope -o none
check_equal "an interface that is not there ends with 3" "$tap_status" 3
check_match "the message names those that are" "$tap_output" \
	"there is no interface 'nope' \(there are: .*lo.*\)"
check "and no store was made" test ! -e none
tap_done
