# An agent of a test's own, with the plugin `probe` (tests/lib/probe-plugin.py) beside its own.
#
#	. "$SOURCE_ROOT/tests/lib/tap.sh"
#	. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
#	agent_start            HTTPS on $agent_port of loopback, socket $agent_socket, process $agent_pid
#	agent_pair viewer      pairs a controller whose directory is $tmp/viewer, with that role
#	ctl viewer whoami      weir ctl as that controller
#	local_ctl status       weir ctl by the socket
#	agent_curl viewer URL  curl as that controller
#
# agent_config, where it is set before agent_start, is the configuration's text.
agent_config=${agent_config:-}
agent_data=$tmp/agent
agent_socket=$agent_data/agent/agent.sock
agent_log=$tmp/agent.err
audit=$agent_data/agent/audit.jsonl

agent_is_up() {
	grep -q 'listening on 127' "$agent_log" && grep -q 'probe: running' "$agent_log"
}

agent_start() {
	chmod 755 "$tmp"
	mkdir -p "$agent_data"
	cp "$SOURCE_ROOT/tests/lib/probe-plugin.py" "$tmp/probe.py"
	# Not a shim of a version manager, which the sandbox does not let run.
	python=/usr/bin/python3
	[ -x $python ] || python=$(python3 -c 'import sys; print(sys.executable)')
	# Python takes address space by the thread.
	printf '{"name":"probe","command":["%s","%s"],"user":"nobody","memory_bytes":17179869184}\n' "$python" \
		"$tmp/probe.py" >"$tmp/probe.json"
	chmod 644 "$tmp/probe.json"
	printf '%s\n' "$agent_config" >"$tmp/weir.conf"
	chmod 644 "$tmp/weir.conf"
	[ -e "$agent_data/agent/agent.key" ] ||
		"$WEIR" agent init --config "$tmp/weir.conf" --data "$agent_data" >"$tmp/init"
	agent_run
}

agent_run() {
	start agent "$WEIR" agent run --config "$tmp/weir.conf" --data "$agent_data" \
		--listen 127.0.0.1:"${agent_port:-0}" --plugin "$tmp/probe.json" \
		--allow-without user,privileges,files,calls,limits
	agent_pid=$pid
	wait_for 20 agent_is_up || {
		grep -v divert "$agent_log" | head -n 20
		return 1
	}
	agent_port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$agent_log" | head -n 1)
	pin=$("$WEIR" agent code --config "$tmp/weir.conf" --data "$agent_data" --json |
		jq -r .pin_base64)
}

agent_stop() {
	kill "$agent_pid"
	wait_exit 20 "$agent_pid"
}

agent_code() {
	"$WEIR" agent code --config "$tmp/weir.conf" --data "$agent_data" --json "$@" | jq -r .code
}

# agent_pair NAME [ROLES]
agent_pair() {
	"$WEIR" ctl --config "$tmp/$1" pair "127.0.0.1:$agent_port" \
		"$(agent_code --roles "${2:-$1}")" --name "$1" --as lab >"$tmp/pair.out"
}

ctl() {
	tap_who=$1
	shift
	"$WEIR" ctl --config "$tmp/$tap_who" --agent lab "$@"
}

local_ctl() {
	"$WEIR" ctl --socket "$agent_socket" "$@"
}

agent_url() {
	echo "https://127.0.0.1:$agent_port$1"
}

# agent_curl NAME TARGET [OPTION]...
agent_curl() {
	tap_who=$1 tap_target=$2
	shift 2
	curl -s -k --pinnedpubkey "sha256//$pin" --cert "$tmp/$tap_who/controller.crt" \
		--key "$tmp/$tap_who/controller.key" "$@" "$(agent_url "$tap_target")"
}

# How many lines of the log are of a type, and more: audit_count '.type=="refused"'.
audit_count() {
	jq -c "select($1)" "$audit" | wc -l
}

# audit_has N EXPRESSION: at least so many lines; for wait_for.
audit_has() {
	[ "$(audit_count "$2")" -ge "$1" ]
}

rss_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}
