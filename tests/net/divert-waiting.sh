#!/bin/sh
# Inline: how the recorder waits.  It looks for packets only while they come close together, so an
# idle one costs next to nothing, and nothing is lost by the way it waits.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

# Milliseconds that a process's threads have run.
ran_ms() {
	cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%d\n", n / 1000000 }'
}

monotonic_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

has_passed() {
	[ "$(monotonic_ms)" -ge "$1" ]
}

# share_of PID MS: percent of one processor that it takes in this time.
share_of() {
	share_ran=$(ran_ms "$1") share_began=$(monotonic_ms)
	wait_for 20 has_passed $((share_began + $2))
	echo $((($(ran_ms "$1") - share_ran) * 100 / ($(monotonic_ms) - share_began)))
}

ping_many() {
	netns_run far ping -q -c "$1" -i "$2" -W 2 10.66.0.1 >"$tmp/pings" &&
		grep -q "$1 received" "$tmp/pings"
}

recorder_start waits
how=$(manifest waits 'select(.type == "start" or .source) | .source.waiting' | head -n 1)
check_match "the manifest says how it waits ($how)" "$how" '"how":"(look for|sleep at once)'
check_equal "and by how many processors" "$(echo "$how" | jq .processors)" "$(nproc)"
check_equal "one processor is never looked on" \
	"$(echo "$how" | jq '(.processors > 1) == (.look_ns > 0)')" true

idle=$(share_of "$worker" 2000)
check "an idle recorder takes less than 5 % of a processor ($idle %)" test "$idle" -lt 5
check "two thousand close packets are answered" ping_many 2000 0.0005
idle=$(share_of "$worker" 1000)
check "and after them it is idle again ($idle %)" test "$idle" -lt 5
check "sparse packets are answered" ping_many 40 0.025
recorder_stop
check_equal "nothing was lost: exit code 0" "$recorder_exit" 0
check "each packet is there" test "$(end_of waits .packets)" -ge 4080

# On one processor.
start_in rec single taskset -c 0 "$WEIR" divert -o "$tmp/single.store"
recorder=$pid
wait_for 10 rules_of "$recorder"
check "with one processor packets are answered too" ping_many 200 0.001
recorder_stop
check_equal "with one processor: exit code 0" "$recorder_exit" 0
check_equal "with one processor: it sleeps at once" \
	"$(manifest single 'select(.source.waiting) | .source.waiting.look_ns' | head -n 1)" 0

tap_done
