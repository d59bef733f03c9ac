# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # set for and by the scripts around
# The place of the inline tests: namespace `rec`, where weir records, and `far`, joined by a veth;
# TCP bulk, UDP and ping run from far to rec the whole time.
#
#	. "$SOURCE_ROOT/tests/lib/tap.sh"
#	. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
#	lab_up; flows_start; recorder_start NAME [option...]; ...; flows_stop; flows_went_on "..."
#
# Sourced after tap.sh; needs root.

lab_up() {
	require_netns
	require_tool nft jq python3 ping
	netns_new rec
	netns_new far
	lab_wire
	# The recorder becomes another user, who must get here.
	chmod 755 "$tmp"
}

# The two ends, anew where they have been deleted.
lab_wire() {
	ip link add name "r$$" netns "$(netns_name rec)" type veth peer name "f$$" \
		netns "$(netns_name far)"
	netns_run rec ip addr add 10.66.0.1/24 dev "r$$"
	netns_run far ip addr add 10.66.0.2/24 dev "f$$"
	netns_run rec ip addr add fd66::1/64 dev "r$$" nodad
	netns_run far ip addr add fd66::2/64 dev "f$$" nodad
	netns_run rec ip link set "r$$" up
	netns_run far ip link set "f$$" up
	wait_for 5 netns_run far ping -c 1 -W 1 10.66.0.1 || skip_all "the veth does not work"
}

# start_in NAMESPACE NAME COMMAND...: start() in a namespace; $pid is the command's own.
start_in() {
	start_netns=/run/netns/$(netns_name "$1")
	shift
	start_name=$1
	shift
	start "$start_name" nsenter --net="$start_netns" "$@"
}

flows_start() {
	if [ ! -e "$tmp/server.out" ]; then
		start_in rec server python3 "$SOURCE_ROOT/tests/lib/flows.py" server 10.66.0.1
		wait_for 10 grep -q ready "$tmp/server.out"
	fi
	start_in far client python3 "$SOURCE_ROOT/tests/lib/flows.py" client 10.66.0.1
	client_pid=$pid
	wait_for 10 grep -q ready "$tmp/client.err"
	# The same flows where no recorder is: what stands still here is the machine.
	if [ ! -e "$tmp/control-server.out" ]; then
		start_in far control-server python3 "$SOURCE_ROOT/tests/lib/flows.py" server 127.0.0.1
		wait_for 10 grep -q ready "$tmp/control-server.out"
	fi
	start_in far control python3 "$SOURCE_ROOT/tests/lib/flows.py" client 127.0.0.1
	control_pid=$pid
	wait_for 10 grep -q ready "$tmp/control.err"
	start_in far ping ping -D -i 0.05 10.66.0.1
	ping_pid=$pid
	start_in far ping6 ping -D -i 0.1 fd66::1
	ping6_pid=$pid
}

ping_replies() {
	grep -c "bytes from" "$tmp/ping.out" || true
}

has_replies() {
	[ "$(ping_replies)" -ge "$1" ]
}

# Lets the flows run until N more pings have been answered, each 50 ms.
flows_run() {
	wait_for 20 has_replies $(($(ping_replies) + $1))
}

flows_stop() {
	kill -INT "$ping_pid" "$ping6_pid"
	wait_exit 5 "$ping_pid"
	wait_exit 5 "$ping6_pid"
	kill "$client_pid" "$control_pid"
	wait_exit 5 "$client_pid"
	wait_exit 5 "$control_pid"
}

# The longest time between two replies, in ms.
ping_gap() {
	awk -F'[][]' '/bytes from/ { if (last && $2 - last > gap) gap = $2 - last; last = $2 }
		END { printf "%d\n", gap * 1000 }' "$tmp/$1.out"
}

flow() {
	jq ".$1" "$tmp/client.out"
}

# How long the machine kept even an untouched flow waiting, in ms.
machine_gap() {
	jq '[.tcp_gap_ms, .udp_gap_ms] | max' "$tmp/control.out"
}

# processes_stop PID..., processes_go_on: a stall; how long it was is in stalled_ms.
processes_stop() {
	stalled_pids=$*
	stalled_from=$(date +%s%N)
	kill -STOP "$@"
}

processes_go_on() {
	# shellcheck disable=SC2086 # several pids
	kill -CONT $stalled_pids
	stalled_ms=$((($(date +%s%N) - stalled_from) / 1000000))
}

# flows_went_on NAME [MS [HELD_MS]]: no flow stood still for longer than that, and twice what an untouched
# flow beside it had to wait (on an idle machine some 20 ms).  HELD_MS: so long nobody could let go what
# the queue held.  A TCP connection waits for it: what this machine has sent and still holds itself the
# kernel does not send again (skb_still_in_host_queue(), net/ipv4/tcp_output.c), and what comes later
# is not given to its reader before it.  Whether such a packet is among those held is chance.
flows_went_on() {
	flows_noise=$(machine_gap)
	flows_limit=$((${2:-500} + 2 * flows_noise))
	echo "# an untouched flow stood still for $flows_noise ms"
	flows_seen="ping $(ping_gap ping) ping6 $(ping_gap ping6) udp $(flow udp_gap_ms) tcp $(flow tcp_gap_ms)"
	echo "# longest standstill in ms: $flows_seen"
	flows_bad=
	flows_held=${3:-0}
	# shellcheck disable=SC2086 # words are meant
	set -- "$1" $flows_seen
	flows_name=$1
	shift
	while [ $# -gt 0 ]; do
		flows_most=$flows_limit
		[ "$1" != tcp ] || flows_most=$((flows_limit + flows_held))
		[ "$2" -le "$flows_most" ] || flows_bad="$flows_bad $1 $2 ms"
		shift 2
	done
	check_equal "$flows_name" "standstill over $flows_limit ms:$flows_bad" \
		"standstill over $flows_limit ms:"
}

# recorder_start NAME [option...]: a store at $tmp/NAME.store; sets recorder (the supervisor's pid)
# and worker; returns when the rules are in place.
recorder_start() {
	recorder_name=$1
	shift
	start_in rec "$recorder_name" "$WEIR" divert -o "$tmp/$recorder_name.store" "$@"
	recorder=$pid
	wait_for 10 rules_of "$recorder" || {
		not_ok "recorder '$recorder_name' puts its rules in place" \
			"$(cat "$tmp/$recorder_name.err")"
		return 1
	}
	worker=$(cat "/proc/$recorder/task/$recorder/children")
	worker=${worker% }
}

# The tables of a recorder, by its supervisor's pid; fails when there is none.
rules_of() {
	netns_run rec nft list tables | grep "weir_${1}_"
}

no_rules() {
	! netns_run rec nft list tables | grep -q weir_
}

# recorder_wait, recorder_stop (Ctrl-C first): until its end; its exit code is in recorder_exit.
recorder_wait() {
	wait_exit 20 "$recorder" || exit_code="none: it goes on"
	recorder_exit=$exit_code
}

recorder_stop() {
	kill -INT "$recorder"
	recorder_wait
}

# manifest NAME JQ...: the manifest's lines through jq.
manifest() {
	manifest_name=$1
	shift
	jq -c "$@" "$tmp/$manifest_name.store/manifest.jsonl"
}

# end_of NAME EXPRESSION: of the manifest's last line.
end_of() {
	end_name=$1
	shift
	tail -n 1 "$tmp/$end_name.store/manifest.jsonl" | jq -c "$@"
}

# Sum of the packets of a reason's gaps in the manifest.
gaps_of() {
	manifest "$1" "select(.type == \"gap\" and .reason == \"$2\") | .packets" |
		awk '{ n += $1 } END { print n + 0 }'
}

# Two witnesses of our own, independent of weir: a table NAME that counts what passes the input and
# output hooks beside weir's rules.  What happened between counter_on and counter_read is counted.
counter_on() {
	netns_run rec nft -f - <<-RULES
		table inet $1 {
			chain in { type filter hook input priority 290; meta iiftype != loopback counter; }
			chain out { type filter hook output priority 310; counter; }
		}
	RULES
}

counter_read() {
	netns_run rec nft -j list table inet "$1" |
		jq '[.nftables[].rule?.expr[]? | .counter?.packets // empty] | add'
}

# accounted NAME STORE INNER OUTER: recorded and lost packets of a finished store are as many as
# passed; INNER counted from after the start to before the end, OUTER from before to after.
accounted() {
	accounted_sum=$(end_of "$2" '.packets + .lost')
	echo "# recorded $(end_of "$2" .packets), lost $(end_of "$2" -c .losses), passed $3 to $4"
	if [ "$accounted_sum" -ge "$3" ] && [ "$accounted_sum" -le "$4" ]; then
		ok "$1"
	else
		not_ok "$1" "recorded + lost is $accounted_sum, passed were $3 to $4"
	fi
}
