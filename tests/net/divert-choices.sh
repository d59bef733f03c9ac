#!/bin/sh
# Inline: interfaces, the forward layer, snap length, and a kernel without the heartbeat in the rule.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool tshark

# column NAME FIELD [FILTER]: of all packets of a store.
column() {
	for segment in "$tmp/$1.store"/*.pcapng; do
		tshark -n -r "$segment" -Y "${3:-frame.encap_type}" -T fields -e "$2" 2>/dev/null
	done
}

ping_all() {
	netns_run far ping -c 5 -i 0.05 -q 10.66.0.1
	netns_run rec ping -c 5 -i 0.05 -q 127.0.0.1
}

# --- one interface
recorder_start wire -i "r$$"
check "an interface: the traffic of all goes on" ping_all
recorder_stop
check_equal "an interface: only its packets" "$(column wire frame.interface_name | sort -u)" "r$$"
check_equal "an interface: all of them" \
	"$(column wire frame.number 'icmp && ip.addr == 10.66.0.2' | wc -l)" 10

recorder_start loop -i lo
check "lo: the traffic of all goes on" ping_all
recorder_stop
check_equal "lo: only its packets" "$(column loop frame.interface_name | sort -u)" "lo"
check_equal "lo: each once" "$(column loop frame.number icmp | wc -l)" 10

check_status "an interface that does not exist: exit code 3" 3 netns_run rec "$WEIR" divert \
	-i nonesuch -o "$tmp/none.store"
check_equal "and no store is made" "$(ls -d "$tmp/none.store" 2>/dev/null)" ""
check "and no rule" no_rules

# --- an interface that is renamed while it is recorded
rename() { # FROM TO
	netns_run rec ip link set "$1" down
	netns_run rec ip link set "$1" name "$2"
	netns_run rec ip link set "$2" up
	wait_for 5 netns_run rec ping -c 1 -W 1 10.66.0.2
}

renaming() { # NAME [option...]
	renaming_name=$1
	shift
	recorder_start "$renaming_name" "$@" "icmp and ip.TTL == 33"
	netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
	rename "r$$" "q$$"
	told() { test "$(manifest "$renaming_name" -r 'select(.type == "interface_changed") | .name_before')" = "r$$"; }
	check "$renaming_name: a new name is told" wait_for 5 told
	netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
	rename "q$$" "r$$"
	# An interface that is down has lost it.
	netns_run rec ip addr add fd66::1/64 dev "r$$" nodad
	told() { test "$(manifest "$renaming_name" 'select(.type == "interface_changed")' | wc -l)" = 2; }
	check "$renaming_name: and so is the old one, again" wait_for 5 told
	netns_run far ping -t 33 -c 3 -i 0.05 -q 10.66.0.1 >/dev/null
	recorder_stop
	check_equal "$renaming_name: all is recorded, under the name of its time" \
		"$(column "$renaming_name" frame.interface_name | sort | uniq -c | awk '{ print $1, $2 }')" \
		"5 q$$
8 r$$"
	check_equal "$renaming_name: nothing is lost" "$(end_of "$renaming_name" .lost)" 0
}

renaming renamed -i "r$$"
renaming unnamed

# --- one that is made anew, and then renamed: another number, and then another name
recorder_start anew -i "r$$" "icmp and ip.TTL == 33"
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
netns_run rec ip link del "r$$"
lab_wire
# A number is listed by the name that it has now.
has_number() { netns_run rec nft list ruleset 2>/dev/null | grep -q "[io]if \"r$$\""; }
check "made anew: the rules have its new number" wait_for 10 has_number
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
rename "r$$" "q$$"
told() { test -n "$(manifest anew 'select(.type == "interface_changed" and .name_before)')"; }
check "made anew: its other name is told" wait_for 5 told
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
recorder_stop
check_equal "made anew, and renamed: all is recorded" \
	"$(column anew frame.interface_name | sort | uniq -c | awk '{ print $1, $2 }')" \
	"5 q$$
10 r$$"
check_equal "made anew, and renamed: the grade is complete" "$(end_of anew .grade)" '"complete"'
rename "q$$" "r$$"
netns_run rec ip addr add fd66::1/64 dev "r$$" nodad

# --- one that has lost its name before anybody could see its number
recorder_start late -i "r$$"
kill -STOP "$recorder"
netns_run rec ip link del "r$$"
lab_wire
rename "r$$" "q$$"
told() { test -n "$(manifest late "select(.type == \"interface_missed\" and .name == \"q$$\")")"; }
check "renamed at once: it is told that it was not taken" wait_for 10 told
kill -CONT "$recorder"
recorder_stop
check_equal "renamed at once: nobody counted what passed: the grade is incomplete" \
	"$(end_of late .grade)" '"incomplete"'
rename "q$$" "r$$"
netns_run rec ip addr add fd66::1/64 dev "r$$" nodad

# --- snap length
recorder_start snap -s 28
check "snap length: the traffic goes on" netns_run far ping -c 3 -i 0.05 -s 200 -q 10.66.0.1
recorder_stop
check_equal "snap length: bytes kept and bytes of the packet" \
	"$(column snap frame.cap_len 'ip.proto == 1' | sort -u) of $(column snap frame.len 'ip.proto == 1' | sort -u)" \
	"28 of 228"

# --- a filter
filter_where() {
	manifest "$1" -r 'select(.type == "start") | .source.filter_where'
}

recorder_start filtered "icmp.Type == 8 and ip.SrcAddr == 10.66.0.2"
check "a filter: the traffic of all goes on" ping_all
recorder_stop
check_equal "a filter: it runs in the kernel" "$(filter_where filtered)" kernel
check_equal "a filter: what matches is recorded" \
	"$(column filtered icmp.type | sort | uniq -c | awk '{ print $1, $2 }')" "5 8"
check_equal "a filter: what does not is no loss" "$(end_of filtered .lost)" 0

recorder_start outward "outbound and not loopback"
check "outbound and not loopback: the traffic of all goes on" ping_all
recorder_stop
check_equal "outbound and not loopback: only what left" \
	"$(column outward icmp.type icmp | sort | uniq -c | awk '{ print $1, $2 }')" "5 0"

recorder_start named "iface == \"lo\" and icmp"
check "the name of an interface: the traffic of all goes on" ping_all
recorder_stop
check_equal "the name of an interface: only its packets" \
	"$(column named frame.interface_name | sort | uniq -c | awk '{ print $1, $2 }')" "10 lo"

# --- forwarding
netns_new third
ip link add name "t$$" netns "$(netns_name rec)" type veth peer name "u$$" \
	netns "$(netns_name third)"
netns_run rec ip addr add 10.67.0.1/24 dev "t$$"
netns_run third ip addr add 10.67.0.2/24 dev "u$$"
netns_run rec ip link set "t$$" up
netns_run third ip link set "u$$" up
netns_run rec sysctl -q -w net.ipv4.ip_forward=1
netns_run far ip route add 10.67.0.0/24 via 10.66.0.1
netns_run third ip route add default via 10.67.0.1
wait_for 5 netns_run far ping -c 1 -W 1 10.67.0.2
recorder_start forward --layer forward
check "forward: the routed traffic goes on" netns_run far ping -c 5 -i 0.05 -q 10.67.0.2
check "forward: and that of the machine itself" netns_run far ping -c 5 -i 0.05 -q 10.66.0.1
recorder_stop
check_equal "forward: each routed packet once, and nothing else" \
	"$(column forward ip.dst | sort | uniq -c | awk '{ print $1, $2 }')" \
	"5 10.66.0.2
5 10.67.0.2"
check_equal "forward: at the interface where it leaves" \
	"$(column forward frame.interface_name 'ip.dst == 10.67.0.2' | sort -u)" "t$$"
# --- a stall, where a packet has to do with two named interfaces, or with one that is named twice
stalled_once() { # NAME ADDRESS [option...]
	stalled_name=$1 stalled_address=$2
	shift 2
	recorder_start "$stalled_name" "$@" icmp
	kill -STOP "$worker"
	check "$stalled_name, stalled: the traffic goes on" \
		netns_run far ping -c 20 -i 0.05 -q "$stalled_address"
	kill -CONT "$worker"
	recorder_stop
	check "$stalled_name, stalled: most has passed" test "$(end_of "$stalled_name" .lost)" -ge 20
	check_equal "$stalled_name, stalled: each packet is counted once" \
		"$(end_of "$stalled_name" '.packets + .lost')" 40
}

stalled_once between 10.67.0.2 --layer forward -i "r$$" -i "t$$"
stalled_once twice 10.66.0.1 -i "r$$" -i "r$$"

# --- no heartbeat in the kernel: the supervisor looks at the time
if setpriv --bounding-set=-bpf,-sys_admin,-perfmon true 2>/dev/null; then
	counter_on outer
	# recorder_start, but with fewer capabilities
	start_in rec poor setpriv --bounding-set=-bpf,-sys_admin,-perfmon \
		"$WEIR" divert -o "$tmp/poor.store" "icmp or icmpv6 or udp or tcp"
	recorder=$pid
	wait_for 10 rules_of "$recorder"
	worker=$(cat "/proc/$recorder/task/$recorder/children")
	worker=${worker% }
	counter_on inner
	flows_start
	flows_run 10
	check_equal "no heartbeat in the kernel: the store says so" \
		"$(manifest poor 'select(.type == "start") | .source.heartbeat.where')" '"supervisor"'
	check_equal "no heartbeat in the kernel: nor the filter" "$(filter_where poor)" user
	kill -STOP "$worker"
	flows_run 20
	kill -CONT "$worker"
	flows_run 20
	flows_stop
	inner=$(counter_read inner)
	recorder_stop
	outer=$(counter_read outer)
	flows_went_on "no heartbeat in the kernel: the worker is stopped, the traffic goes on"
	check "no heartbeat in the kernel: what passed is counted" \
		test "$(end_of poor .losses.stall.packets)" -ge 30
	accounted "no heartbeat in the kernel: recorded and lost are all that passed" poor \
		"$inner" "$outer"
	check "no heartbeat in the kernel: the rules are gone" no_rules
else
	skip "no heartbeat in the kernel" "setpriv cannot take capabilities away"
fi

tap_done
