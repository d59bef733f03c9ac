#!/bin/sh
# A named interface that is made anew: what passed before it was listened to is counted and dated, and one
# of another kind is heard in full, whatever the filter in the kernel was made for.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool jq python3
netns_new a
cd "$tmp"
chmod 711 "$tmp"

told() { grep -q "\"type\":\"$2\".*\"name\":\"$3\"" "$1/manifest.jsonl"; }
count() { "$WEIR" show --json "$@" | wc -l; }
send() { netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send "$@"; }
pair() {
	netns_run a ip link add p0 type veth peer name p1
	for end in p0 p1; do
		netns_run a ip link set "$end" addrgenmode none
		netns_run a ip link set "$end" up
	done
}
# UDP 10.8.0.2 > 10.8.0.1 to port 4242, and to 4243.
ip4=45000020000100004011000a0a0800020a080001
wanted=${ip4}03e81092000c000041424344
other=${ip4}03e81093000c000041424344
ether=0200000000880200000000770800

pair
sniff_start anew a -i p0 -o anew --quiet 'udp.DstPort == 4242'
anew=$pid
send p0 "$ether$wanted" "$ether$other"
# It sees nothing of what happens meanwhile until it goes on.
kill -STOP "$anew"
netns_run a ip link del p0
pair
send p0 "$ether$wanted" "$ether$wanted" "$ether$wanted"
kill -CONT "$anew"
check "it is opened again" wait_for 10 told anew interface_reopened p0
send p0 "$ether$wanted" "$ether$other"
sniff_stop "$anew"
check_equal "recorded: what came before and after" "$(count anew)" 2
check_equal "what passed before it was heard is a gap, dated" "$(jq -c 'select(.type == "gap") |
	[.reason, .interface, .packets, .is_estimated, .from_ns < .to_ns]' anew/manifest.jsonl)" \
	'["unbound","p0",3,true,true]'
check_equal "and counted as lost" "$(jq -c 'select(.type == "end") | [.losses.unbound.packets, .grade]' \
	anew/manifest.jsonl)" '[3,"complete-with-loss"]'

# Made anew, and gone again before anybody could listen to it.
sniff_start brief a -i p0 -o brief --quiet
brief=$pid
kill -STOP "$brief"
netns_run a ip link del p0
pair
send p0 "$ether$wanted" "$ether$wanted"
netns_run a ip link del p0
kill -CONT "$brief"
check "its end is told" wait_for 10 told brief interface_removed p0
sniff_stop "$brief"
check_equal "what it passed is a gap, and lost" "$(jq -c 'select(.type == "gap" or .type == "end") |
	[.packets, .losses.unbound.packets, .grade]' brief/manifest.jsonl | tr '\n' ' ')" \
	'[2,null,null] [0,2,"complete-with-loss"] '
pair

# Listened to before anything passes: nothing is lost, and nothing is said to be.
sniff_start quiet a -i p0 -o quiet --quiet
quiet=$pid
netns_run a ip link del p0
check "its end is told" wait_for 10 told quiet interface_removed p0
netns_run a ip link add p0 type veth peer name p1
check "it is opened again before it is up" wait_for 10 told quiet interface_reopened p0
for end in p0 p1; do
	netns_run a ip link set "$end" addrgenmode none
	netns_run a ip link set "$end" up
done
send p0 "$ether$wanted"
sniff_stop "$quiet"
check_equal "a complete recording" "$(count quiet) $(jq -r 'select(.type == "end") | .grade' \
	quiet/manifest.jsonl)" "1 complete"

# One that was there for long under another name: what it passed under that was not asked for.
netns_run a ip link add o0 type veth peer name o1
for end in o0 o1; do
	netns_run a ip link set "$end" addrgenmode none
	netns_run a ip link set "$end" up
done
send o0 "$ether$wanted" "$ether$wanted"
sniff_start renamed a -i p0 -o renamed --quiet
renamed=$pid
netns_run a ip link del p0
check "its end is told" wait_for 10 told renamed interface_removed p0
netns_run a ip link set o0 down
netns_run a ip link set o0 name p0
check "the other one has its name" wait_for 10 told renamed interface_reopened p0
netns_run a ip link set p0 up
send p0 "$ether$wanted"
sniff_stop "$renamed"
check_equal "what it passed under its own name is no loss" "$(count renamed) $(jq -r 'select(.type == "end") |
	.grade' renamed/manifest.jsonl)" "1 complete"

if [ -c /dev/net/tun ]; then
	netns_run a ip link del p0
	pair
	sniff_start kind a -i p0 -i p1 -o kind --quiet 'udp.DstPort == 4242'
	kind=$pid
	check_equal "the filter is in the kernel" \
		"$(jq -r 'select(.type == "start") | .. | .is_filter_in_kernel? // empty' kind/manifest.jsonl)" true
	send p0 "$ether$wanted" "$ether$other"
	netns_run a ip link del p0
	for end in p0 p1; do
		check "the end of the Ethernet one is told ($end)" wait_for 10 told kind interface_removed $end
		# shellcheck disable=SC2046
		start "tun-$end" $(nsenter_words a) \
			python3 "$SOURCE_ROOT/tests/lib/packets.py" tun $end "$tmp/go" "$wanted" "$other" "$wanted"
		check "a tunnel of its name is opened ($end)" wait_for 10 told kind interface_reopened $end
		netns_run a ip link set $end addrgenmode none
		netns_run a ip link set $end up
	done
	: >go
	for end in p0 p1; do
		wait_for 10 grep -q sent "tun-$end.out"
	done
	sniff_stop "$kind"
	# The one of Ethernet was sent by p0, and received by p1.
	check_equal "all of both that the filter wants is there, and nothing else" \
		"$("$WEIR" show --json kind | jq -r '"\(.iface) \(.dst_port)"' | sort | uniq -c |
		awk '{print $1, $2, $3}' | tr '\n' ' ')" '3 p0 4242 3 p1 4242 '
	check_equal "and it is complete" "$(jq -r 'select(.type == "end") | .grade' kind/manifest.jsonl)" complete
else
	skip "a tunnel that replaces an Ethernet device" "no /dev/net/tun"
fi
tap_done
