#!/bin/sh
# A day's worth of requests at speed leaves memory flat.  By default half of the 86,400 of one controller that
# asks once a second; REQUESTS=86400 is all.  Of every kind and over every door.
. "$SOURCE_ROOT/tests/lib/tap.sh"
agent_config='requests = 1000000 1000000'
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq python3

agent_start
agent_pair admin
requests=${REQUESTS:-43200}
day() {
	python3 "$SOURCE_ROOT/tests/lib/day.py" "$agent_socket" 127.0.0.1 "$agent_port" \
		"$tmp/admin/controller.crt" "$tmp/admin/controller.key" "$1" >"$tmp/day"
}
plugin_pid() {
	local_ctl status --json | jq ".result.plugins[]|select(.name==\"$1\").pid"
}
memory() {
	for p in "$agent_pid" "$(plugin_pid filesystem)" "$(plugin_pid divert)"; do
		rss_kib "$p"
	done | tr '\n' ' '
}
descriptors() {
	find "/proc/$agent_pid/fd" | wc -l
}

day 8000
start=$(memory) fds=$(descriptors)
check "the first half" day $((requests / 2))
half=$(memory)
check "the other half ($(cut -d' ' -f2 "$tmp/day") requests a second)" day $((requests / 2))
end=$(memory)
echo "# KiB of agent, filesystem, divert: $start after 8000 requests, $half at noon, $end at night"
# What the allocator holds back is there after the first thousands.  Between the two figures lie half of the
# requests: 16 bytes of each would be seen in the agent, 130 of each that reaches a plugin, one in eleven.
bound=$((requests / 2 * 16 / 1024 + 64))
set -- $half $end
check "the agent has not grown since noon: $1 KiB, then $4" test "$4" -le $(($1 + bound))
check "nor has filesystem: $2 KiB, then $5" test "$5" -le $(($2 + 256))
check "nor divert: $3 KiB, then $6" test "$6" -le $(($3 + 256))
# Of the eleven kinds six succeed; were all refused, only the way of refusals would be measured.
check "most requests are no refusals: $(cat "$tmp/day")" \
	test "$(cut -d' ' -f3 "$tmp/day")" -ge $((requests / 2 * 6 / 11 - 100))
check_equal "no descriptor is left behind" "$(descriptors)" "$fds"
check_equal "no plugin was started again" "$(local_ctl status --json |
	jq '[.result.plugins[]|.restarts]|add')" 0

# Progress is nobody's window: what a client does not read of it is left out, not kept.
deaf() {
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
body = b"{\"n\":300,\"size\":200000}"
s.sendall(b"POST /v1/call/probe/talk HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
sys.stdin.read()' "$agent_socket"
}
mkfifo "$tmp/hold"
before=$(rss_kib "$agent_pid")
deaf <"$tmp/hold" &
deaf_pid=$!
exec 9>"$tmp/hold"
check "a plugin sends 60 MB of progress to who does not read" wait_for 60 test -e "$agent_data/plugins/probe/talked"
after=$(rss_kib "$agent_pid")
exec 9>&-
wait "$deaf_pid"
check "the agent keeps none of it: $before KiB before, $after KiB after" test "$after" -le $((before + 16384))

check "and all of it is good" "$WEIR" verify "$agent_data/agent"
agent_stop
tap_done
