#!/bin/sh
# A plugin that crashes, hangs, floods or writes garbage is reported, ended and started again with
# back-off, and takes nothing else down: neither the agent, nor another plugin, nor a recording.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

plugin fault "$SOURCE_ROOT/tests/agent/plugin-fault.py" \
	',"heartbeat_ms":300,"hang_ms":1000,"start_ms":5000'
agent_start --plugin "$tmp/fault.json"
is_running() {
	[ "$(status fault | jq -r .state)" = running ]
}
result divert start '{"name":"beside","mode":"sniff"}' >/dev/null
recorder=$(result divert status '{"name":"beside"}' | jq .pid)
neighbour=$(pid_of filesystem)

# fault NAME PATTERN: the call fails, the status tells, and it runs again.
fault() {
	wait_for 40 is_running || not_ok "it runs before '$1'"
	restarts=$(status fault | jq .restarts)
	answer=$(call fault "$1" '{}')
	check_match "'$1' fails the call" "$answer" '"error"|unavailable|ended during the call'
	wait_for 20 has_restarted "$restarts" || :
	check_match "'$1' is reported" "$(status fault | jq -r .last_fault)" "$2"
}

has_restarted() {
	[ "$(status fault | jq .restarts)" -gt "$1" ]
}

fault crash 'signal 11'
fault garbage '^garbage: no JSON'
fault stranger '^garbage: an answer that nobody asked for'
fault request '^garbage: a request'
fault long '^garbage: a line of more than'
fault flood '^flood: more than [0-9]+ notifications'
fault talk '^flood: more than [0-9]+ notifications'
fault hang '^hang: not a word'

check_equal "'good' after all of them" "$(wait_for 40 is_running; result fault good '{}')" \
	'{"name":"good"}'
check_match "a call that is never answered is timed out" "$(call fault slow '{}')" 'in time'
check_equal "and that is no fault of its own" "$(result fault good '{}')" '{"name":"good"}'
result fault errors '{}' >/dev/null
wait_for 5 sh -c "curl -sS --unix-socket $tmp/agent.sock http://a/v1/status |
	grep -q '\"dropped_log_lines\":[1-9]'" || :
check "what it writes to standard error is bounded" [ "$(grep -c 'fault: line' "$tmp/agent.err")" -le 200 ]

check_equal "the other plugin has not noticed" "$(pid_of filesystem)" "$neighbour"
check_equal "the recording has not noticed" \
	"$(result divert status '{"name":"beside"}' | jq .pid)" "$recorder"
check_equal "and is complete" "$(result divert stop '{"name":"beside"}' | jq -r .grade)" complete

# Back-off: the waits grow.
waits=$(sed -n 's/.*fault: starting again in \([0-9]*\) ms/\1/p' "$tmp/agent.err" | head -n 4 | tr '\n' ' ')
check_equal "each wait is twice the one before" "$waits" "250 500 1000 2000 "

# Again from the beginning, because waits have grown.
agent_stop
agent_start --plugin "$tmp/fault.json"
# Who reads as fast as items come is no reason to end anybody.
rate=1M
fault items '^flood: more than [0-9]+ messages of items'
rate=
fault stop '^hang: not a word'
# Its input and its output are one socket: closing one descriptor only silences it.
fault closed '^hang: not a word'
fault ended 'closed its standard output'
check_equal "'good' after these too" "$(wait_for 40 is_running; result fault good '{}')" \
	'{"name":"good"}'
check_equal "nothing of it is left behind" "$(pgrep -c -f "$tmp/fault.py")" 1
agent_stop
tap_done
