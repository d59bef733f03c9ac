#!/bin/sh
# Inline: several instances at once, in the order of their priorities; a second one that is killed;
# an upgrade, where the next instance takes over while the first one ends.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool tshark

pings_in() {
	for segment in "$tmp/$1.store"/*.pcapng; do
		tshark -n -r "$segment" -Y "icmp.type == 8 && ip.src == 10.66.0.2" -T fields \
			-e icmp.seq 2>/dev/null
	done | sort -n
}

# --- two at once
flows_start
recorder_start first
first=$recorder
recorder_start second --priority 10
check "two at once: both have their table" rules_of "$first"
check_equal "a higher priority is earlier" \
	"$(netns_run rec nft list table inet "$(rules_of "$recorder" | sed 's/.* //')" 2>/dev/null |
		grep -c 'priority 290')" 2
flows_run 20
kill -KILL "$recorder" "$worker"
recorder_wait
wait_for 2 eval '! rules_of "$recorder"'
check_fails "the second one is killed: its rules are gone" rules_of "$recorder"
check "the second one is killed: the first one's are not" rules_of "$first"
flows_run 20
flows_stop
recorder=$first
recorder_stop
flows_went_on "the second one is killed: the traffic goes on"
check_equal "the second one is killed: the first one loses nothing" "$recorder_exit" 0
check_equal "the second one is killed: the first one is complete" "$(end_of first .grade)" \
	'"complete"'
replies=$(ping_replies)
check "the first one has every ping of its time" \
	test "$(pings_in first | sort -u | wc -l)" -ge 40
echo "# $replies replies in all"

# --- an upgrade
recorder_start old
old=$recorder
flows_start
flows_run 15
recorder_start new
new=$recorder
flows_run 5
recorder=$old
recorder_stop
old_exit=$recorder_exit
flows_run 15
flows_stop
recorder=$new
recorder_stop
flows_went_on "upgrade: the traffic goes on"
check_equal "upgrade: the old one loses nothing" "$old_exit" 0
check_equal "upgrade: the new one loses nothing" "$recorder_exit" 0
{
	pings_in old
	pings_in new
} | sort -u >"$tmp/stored"
sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$tmp/ping.out" | sort -u >"$tmp/answered"
check_equal "upgrade: every ping that was answered is in one store or both" \
	"$(comm -23 "$tmp/answered" "$tmp/stored")" ""
check "upgrade: in the end there are no rules" no_rules

tap_done
