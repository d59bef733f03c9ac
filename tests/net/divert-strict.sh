#!/bin/sh
# Inline with --strict: no packet passes without its record, whoever is stopped or killed.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool tcpdump tshark

# What leaves `rec` by ping and UDP, seen from far, one line a packet.
identities() {
	tshark -n -r "$1" -Y "ip.src == 10.66.0.1 && (icmp || udp.port == 7100)" -T fields \
		-e ip.id -e icmp.type -e icmp.seq -e udp.srcport -e udp.dstport 2>/dev/null | sort
}

# all_recorded NAME: everything on the wire is in the store.
all_recorded() {
	identities "$tmp/$1.pcap" >"$tmp/$1.wire"
	for segment in "$tmp/$1.store"/*.pcapng; do
		identities "$segment"
	done | sort >"$tmp/$1.stored"
	echo "# on the wire $(wc -l <"$tmp/$1.wire"), in the store $(wc -l <"$tmp/$1.stored")"
	check "$1: the wire saw traffic" test "$(wc -l <"$tmp/$1.wire")" -ge 20
	check_equal "$1: every packet on the wire is in the store" \
		"$(comm -23 "$tmp/$1.wire" "$tmp/$1.stored")" ""
}

wire_start() {
	start_in far tcpdump tcpdump -n -U -i "f$$" -w "$tmp/$1.pcap" "src 10.66.0.1"
	wire_pid=$pid
	wait_for 5 grep -q "listening" "$tmp/tcpdump.err"
}

wire_stop() {
	kill -INT "$wire_pid"
	wait_exit 5 "$wire_pid"
}

# is_cut: a ping from far is not answered.
is_cut() {
	! netns_run far ping -c 3 -i 0.2 -W 1 -q 10.66.0.1
}

# --- stopped: nothing passes; going on: what was held is recorded and passes
recorder_start stopped --strict
wire_start stopped
flows_start
flows_run 10
kill -STOP "$worker" "$recorder"
check "every process stopped: nothing passes" is_cut
kill -CONT "$worker" "$recorder"
flows_run 10
flows_stop
wire_stop
recorder_stop
all_recorded stopped
check_equal "stopped and gone on: nothing is lost" "$recorder_exit" 0
check_equal "stopped and gone on: the grade is complete" "$(end_of stopped .grade)" '"complete"'
check "strict: a usual end takes the rules out" no_rules
check "strict: and the traffic goes on after it" netns_run far ping -c 2 -i 0.1 -W 1 -q 10.66.0.1

# --- the queue is full: refused, not passed
recorder_start full --strict --queue-length 2
wire_start full
flows_start
flows_run 10
kill -STOP "$worker"
check "queue full: nothing passes" is_cut
kill -CONT "$worker"
flows_run 10
flows_stop
wire_stop
recorder_stop
all_recorded full
check_equal "queue full: nothing passed unrecorded" "$(end_of full .lost)" 0
check "queue full: what was refused is stated" \
	test -n "$(manifest full 'select(.type == "dropped" and .packets > 0)')"

# --- another program takes the rules out, as the start of many a firewall does: nobody can own them
recorder_start flushed --strict "icmp and ip.TTL == 33"
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
netns_run rec nft flush ruleset
check "rules taken out: they are put back" wait_for 10 rules_of "$recorder"
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
netns_run rec nft flush table inet "$(rules_of "$recorder" | cut -d ' ' -f 3)"
are_back() { netns_run rec nft list ruleset | grep -q "iiftype != loopback"; }
check "rules taken out, the table left: they are put back" wait_for 10 are_back
netns_run far ping -t 33 -c 5 -i 0.05 -q 10.66.0.1 >/dev/null
recorder_stop
check_equal "rules taken out: what came before and behind is recorded" "$(end_of flushed .packets)" 15
check_equal "rules taken out: nobody counted what passed: the grade is incomplete" \
	"$(end_of flushed .grade)" '"incomplete"'
check_equal "rules taken out: and exit code 3" "$recorder_exit" 3
check_equal "rules taken out: it is told, with its bounds" "$(manifest flushed \
	'select(.type == "rules_lost") | .are_back and .from_ns < .to_ns' | sort -u)" true
check "rules taken out: a usual end takes them out" no_rules

# --- the worker is killed
recorder_start dead --strict
wire_start dead
flows_start
flows_run 10
kill -KILL "$worker"
recorder_wait
check_equal "worker killed: exit code 4" "$recorder_exit" 4
check "worker killed: nothing passes" is_cut
check_match "worker killed: the person is told what to do" "$(cat "$tmp/dead.err")" "doctor --clean"
check "worker killed: doctor --clean frees the traffic" netns_run rec "$WEIR" doctor --clean
check "worker killed: the rules are gone" no_rules
check "worker killed: the traffic goes on" netns_run far ping -c 2 -i 0.1 -W 1 -q 10.66.0.1
flows_stop
wire_stop

# --- everything is killed
recorder_start all --strict
kill -KILL "$recorder" "$worker"
recorder_wait
wait_for 5 tap_has_ended "$worker"
check "all killed: nothing passes" is_cut
check "all killed: doctor --clean frees the traffic" netns_run rec "$WEIR" doctor --clean
check "all killed: the rules are gone" no_rules
check "all killed: the traffic goes on" netns_run far ping -c 2 -i 0.1 -W 1 -q 10.66.0.1

# --- in a container each recorder has the same process id: what one left is not in the way of the next
start_in rec boxed unshare --pid --fork --kill-child "$WEIR" divert --strict -o "$tmp/boxed.store"
boxed=$pid
wait_for 10 rules_of 1
kill -KILL "$(pgrep -P "$boxed")"
wait_exit 10 "$boxed"
check "killed in a container: its table is still there" rules_of 1
check "killed in a container: the next one starts, and ends" netns_run rec \
	unshare --pid --fork "$WEIR" divert --strict --for 100ms -o "$tmp/boxed-again.store"
if [ "$(stat -L -c %i /proc/self/ns/pid)" = 4026531836 ]; then
	# Some other container's first process, whose namespace may be hidden from us.
	start other unshare --pid --fork --kill-child sleep 60
	check "killed in a container: doctor --clean frees the traffic" netns_run rec \
		setpriv --bounding-set=-sys_ptrace "$WEIR" doctor --clean
	kill -KILL "$pid"
	wait_exit 10 "$pid"
else
	skip "killed in a container: doctor --clean frees the traffic" "not in the first pid namespace"
	netns_run rec nft delete table inet "$(rules_of 1 | cut -d ' ' -f 3)"
fi
check "killed in a container: the rules are gone" no_rules

# --- the supervisor is stopped before it can answer: the worker gives up, and no rule comes after it
start_in rec late "$WEIR" divert --strict -i "r$$" -o "$tmp/late.store"
recorder=$pid
worker=
until [ -n "$worker" ] || tap_has_ended "$recorder"; do
	read -r worker <"/proc/$recorder/task/$recorder/children" || :
done
kill -STOP "$recorder"
worker=${worker% }
if no_rules; then
	check "the supervisor is stopped at the start: the worker ends" \
		wait_for 20 tap_has_ended "$worker"
	kill -CONT "$recorder"
	recorder_wait
	check_equal "the supervisor is stopped at the start: exit code 3" "$recorder_exit" 3
	check "the supervisor is stopped at the start: it puts no rules in place later" no_rules
	check "the supervisor is stopped at the start: the traffic goes on" \
		netns_run far ping -c 2 -i 0.1 -W 1 -q 10.66.0.1
else
	kill -CONT "$recorder"
	wait_for 10 rules_of "$recorder"
	recorder_stop
	skip "the supervisor is stopped at the start" "its rules were faster than the signal"
fi

tap_done
