# An agent of the test's own, asked over its Unix socket.  Source after tap.sh.
#
#	agent_start [OPTION...]		in the namespace `a`; $agent is its process
#	call PLUGIN DIRECTIVE [JSON]	prints the answer's lines
#	result PLUGIN DIRECTIVE [JSON]	the result alone, or {"error":...}
#	status PLUGIN			its object in the agent's status
#	pid_of PLUGIN			its process
require_netns
require_tool curl jq python3

data=$tmp/data

# Everybody may pass through the test's folder: plugins are other users.
chmod 711 "$tmp"

agent_start() {
	[ -e "/run/netns/$(netns_name a)" ] || netns_new a
	start agent nsenter --net="/run/netns/$(netns_name a)" "$WEIR" agent run --data "$data" \
		--socket "$tmp/agent.sock" "$@"
	agent=$pid
	wait_for 15 agent_answers || not_ok "the agent answers" "$(tail -n 5 "$tmp/agent.err")"
}

agent_answers() {
	[ "$(status divert | jq -r .state)" = running ] &&
		[ "$(status filesystem | jq -r .state)" = running ]
}

agent_stop() {
	kill "$agent"
	check_exit "the agent ends" 20 "$agent" 0
}

call() {
	curl -sS -m "${seconds:-60}" ${rate:+--limit-rate "$rate"} --unix-socket "$tmp/agent.sock" -X POST -d "${3:-}" \
		"http://agent/v1/call/$1/$2"
}

result() {
	call "$@" | tail -n 1 | jq -c 'if has("result") then .result else . end'
}

status() {
	call agent status | jq -c ".result.plugins[] | select(.name == \"$1\")"
}

pid_of() {
	status "$1" | jq .pid
}

# plugin NAME PROGRAM [MEMBERS]: the file of a plugin that is PROGRAM of tests/agent/plugins.
plugin() {
	cp "$2" "$tmp/$1.py"
	chmod 755 "$tmp/$1.py"
	printf '{"name":"%s","command":["/usr/bin/python3","%s"]%s}' "$1" "$tmp/$1.py" "${3:-}" \
		>"$tmp/$1.json"
}
