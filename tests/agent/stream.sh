#!/bin/sh
# `weir ctl stream divert NAME`: live packets of a capture for Wireshark; and long calls of our own plugins:
# they tell how far they are, and Ctrl-C ends their work.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"
require_tool ping tshark

agent_start
ctl() {
	"$WEIR" ctl --socket "$tmp/agent.sock" "$@"
}
for mode in sniff divert; do
	result divert start "{\"name\":\"$mode\",\"mode\":\"$mode\",\"filter\":\"icmp.Type == 8\"}" >/dev/null
	start "$mode" "$WEIR" ctl --socket "$tmp/agent.sock" stream divert "$mode"
	eval "stream_$mode=\$pid"
done
# The beginning of a pcapng says that the stream's recorder is there.
check "both streams begin" wait_for 20 sh -c "test -s $tmp/sniff.out && test -s $tmp/divert.out"
netns_run a ping -q -c 20 -i 0.02 -s 300 127.0.0.1 >/dev/null
# What of a packet does not depend on where it was seen; an export has blocks of processes beside.
packets() {
	tshark -r "$1" -Y icmp -T fields -e ip.id -e icmp.seq -e ip.len 2>/dev/null
}
has_all() {
	[ "$(packets "$tmp/$1.out" | wc -l)" -ge 20 ]
}
for mode in sniff divert; do
	check "tshark reads the stream of a capture ($mode) while it runs" wait_for 20 has_all "$mode"
	eval "pid=\$stream_$mode"
	kill -INT "$pid"
	check_exit "Ctrl-C ends it, and that is no failure" 10 "$pid" 0
	stopped=$(result divert stop "{\"name\":\"$mode\"}")
	check_equal "the capture did not notice" "$(printf '%s' "$stopped" | jq -r '[.restarts, .summary.packets]|join(" ")')" \
		"0 20"
	store=$data/stores/$(printf '%s' "$stopped" | jq -r .store)
	"$WEIR" export "$store" -o "$tmp/$mode.pcapng"
	check_equal "the stream has the packets of the store" "$(packets "$tmp/$mode.out")" \
		"$(packets "$tmp/$mode.pcapng")"
done

# Its recorder dies: what has come is not the whole of it.
result divert start '{"name":"dies","mode":"sniff","filter":"icmp.Type == 8"}' >/dev/null
start dies "$WEIR" ctl --socket "$tmp/agent.sock" stream divert dies
stream=$pid
check "a stream begins" wait_for 20 test -s "$tmp/dies.out"
kill -9 "$(pgrep -P "$(pid_of divert)" -f 'sniff --quiet --control 3 --write -')"
check_exit "one whose recorder dies does not end as if in order" 20 "$stream" 3
check_match "and is told" "$(cat "$tmp/dies.err")" 'weir ctl: .'
check_match "the log says that it failed" "$(tail -n 3 "$data/agent/audit.jsonl")" '"result":"failed"'
result divert stop '{"name":"dies"}' >/dev/null

no_stream() {
	! pgrep -f "sniff --quiet --control 3 --write -" >/dev/null
}
check "nothing that served a stream is left" wait_for 10 no_stream
check_status "a capture that is not there" 1 ctl stream divert nobody
check_match "... is told so" "$tap_output" "no capture 'nobody'"

# A file that takes long to hash.
mkdir "$tmp/many"
truncate -s 40G "$tmp/many/sparse" 2>/dev/null || truncate -s 8G "$tmp/many/sparse"
chmod 755 "$tmp/many"
chmod 644 "$tmp/many/sparse"
start hash "$WEIR" ctl --socket "$tmp/agent.sock" call filesystem hash path="$tmp/many/sparse" hash=md5,sha1,sha256
hash=$pid
check "a long call tells how long it has run" wait_for 20 grep -q '"elapsed_s":' "$tmp/hash.err"
walks() {
	[ "$(pgrep -c -f "weir list .*$tmp/many")" = "$1" ]
}
check "its work is a process" walks 1
kill -INT "$hash"
check_exit "Ctrl-C ends the call" 10 "$hash" 1
check "and the work" wait_for 10 walks 0
check_match "the log says that it was cancelled" "$(tail -n 3 "$data/agent/audit.jsonl")" '"result":"cancelled"'
check_equal "the plugin is well" "$(status filesystem | jq -c '[.state,.restarts]')" '["running",0]'
agent_stop
tap_done
