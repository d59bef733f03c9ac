#!/bin/sh
# Roles by plugin, on both doors; a key that is revoked is out at once; every request is written down.
. "$SOURCE_ROOT/tests/lib/tap.sh"
agent_config="user = nobody none probe=viewer
requests = 1000 1000"
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq curl python3

agent_start
agent_pair viewer
agent_pair operator 'none probe=operator'
agent_pair admin

# who, what, exit code
table() {
	for directive in echo poke rule; do
		ctl "$1" call probe $directive >/dev/null 2>&1 && printf y || printf n
	done
	ctl "$1" keys >/dev/null 2>&1 && echo y || echo n
}

check_equal "a viewer may look" "$(table viewer)" ynnn
check_equal "an operator of one plugin may work it, and nothing else" "$(table operator)" yynn
check_equal "an admin may all" "$(table admin)" yyyy
check_match "a refusal says what is missing" "$(ctl viewer call probe poke 2>&1 || :)" \
	"needs the role operator, the caller has viewer"
check_equal "who may nothing is not told what there is" \
	"$(agent_curl operator /v1/call/nothing/here -d '' | jq -r .error.message)" "no role for this plugin"
refused=$(audit_count '.type=="request" and .allowed==false')
# 3 of the viewer's, 5 of the operator's (who may not ask for descriptions), and the last two.
check_equal "each refusal is in the log" "$refused" 10
check_equal "each request has who, what and with which arguments" \
	"$(audit_count '.type=="request" and (.caller|length>0) and .plugin and .directive and
		.arguments_sha256 and .transport and .address')" "$(audit_count '.type=="request"')"
check_equal "each allowed request has its outcome" "$(audit_count '.type=="outcome"')" \
	"$(audit_count '.type=="request" and .allowed')"

# A session is its caller's, and makes room for no other caller's.
local_ctl call filesystem chdir path=/etc >/dev/null
local_ctl --session other call filesystem chdir path=/usr >/dev/null
getcwd() {
	local_ctl "$@" call filesystem getcwd --json | jq -r .result.path
}
check "a viewer opens 520 sessions" python3 "$SOURCE_ROOT/tests/lib/hostile.py" 127.0.0.1 "$agent_port" \
	"$tmp/viewer/controller.crt" "$tmp/viewer/controller.key" sessions 520
check_equal "... and the owner's are as they were" "$(getcwd) $(getcwd --session other)" "/etc /usr"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	local_ctl --session "more-$i" call filesystem chdir path=/usr >/dev/null
done
check_equal "his own beyond 16 end his first" "$(getcwd)" /

check "grant gives another role" ctl admin grant viewer 'viewer probe=operator'
check_equal "... which holds at once" "$(table viewer)" yynn

if [ "$(id -u)" = 0 ]; then
	# The way to the socket is the agent's own: open it for the test.
	chmod 711 "$agent_data" "$agent_data/agent"
	as_nobody() {
		setpriv --reuid nobody --clear-groups "$WEIR" ctl --socket "$agent_socket" "$@"
	}
	check_equal "the Unix socket tells who asks" "$(as_nobody call probe echo --json |
		jq -r .result.caller)" "uid:$(id -u nobody)"
	check_status "... and holds him to his role" 1 as_nobody call probe poke
	check_status "... for other plugins too" 1 as_nobody call filesystem stat path=/
	check_status "a user who is not named may nothing" 1 setpriv --reuid 1 --clear-groups \
		"$WEIR" ctl --socket "$agent_socket" call probe echo
else
	skip "the Unix socket tells who asks" "needs root"
fi

# Revoked: the connection that stands, the call that runs, and every new one.
start wait "$WEIR" ctl --config "$tmp/viewer" --agent lab call probe wait
check "a call runs" wait_for 10 grep -q ready "$tmp/wait.out"
begin=$(date +%s%3N)
check "its key is revoked" ctl admin revoke viewer
check_exit "the call ends, and not as if it were done" 5 "$pid" 3
took=$(($(date +%s%3N) - begin))
check "... within a second ($took ms)" test "$took" -lt 1000
check "the plugin hears of it" wait_for 5 test -s "$agent_data/plugins/probe/cancelled"
check_status "a new connection is refused" 3 ctl viewer whoami
check_fails "the key cannot be paired again" "$WEIR" ctl --config "$tmp/viewer" pair \
	"127.0.0.1:$agent_port" "$(agent_code)"

# Who takes his own rights away hears that it is done.
agent_pair leaver admin
check "a key that revokes itself is answered" ctl leaver revoke leaver
check_status "... and is out" 3 ctl leaver whoami

# By hand, in the file, where the agent is not asked.
start wait2 "$WEIR" ctl --config "$tmp/operator" --agent lab call probe wait
check "another call runs" wait_for 10 grep -q ready "$tmp/wait2.out"
jq '(.controllers[]|select(.name=="operator")).revoked_ns = 5' \
	"$agent_data/agent/controllers.json" >"$tmp/list"
install -m 600 "$tmp/list" "$agent_data/agent/controllers.json"
check_exit "a key revoked in the file is out too" 5 "$pid" 3
check_status "... for good" 3 ctl operator whoami
echo broken >"$agent_data/agent/controllers.json"
check_status "a list that cannot be read lets nobody in" 3 ctl admin whoami
check "... but the machine's own root" local_ctl whoami
check "the log is good" "$WEIR" verify "$agent_data/agent"
tap_done
