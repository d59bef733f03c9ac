#!/bin/sh
# The agent of weir.exe under wine: keys, pairing, HTTPS from both sides, the pipe of the machine itself,
# plugins as children, roles, the log, and its ends.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq curl
cd "$tmp"
data=Z:$tmp/agent
log=$tmp/run.log
# What is started by wine stays when its parent goes: by its own number.
agent_start() {
	: >"$log"
	start run "$WEIR" agent run --data "$data" --listen 127.0.0.1:0 --plugin "Z:$tmp/crash.json"
	agent_pid=$pid
	wait_for 120 agent_is_up || {
		cat "$tmp"/run.*
		return 1
	}
	port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$tmp/run.err" | head -n 1)
	pipe=$(sed -n 's/.*listening on \(\\\\.*\)/\1/p' "$tmp/run.err" | tr -d '\r' | head -n 1)
}
agent_is_up() { grep -q "filesystem: running" "$tmp/run.err" && grep -q "divert: running" "$tmp/run.err"; }
plugins() { pgrep -f "weir.exe plugin (divert|filesystem)$" | while read -r p; do
	tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qxF "WEIR_TEST=$tmp" && echo "$p"
done | wc -l; }
has_no_plugin() { [ "$(plugins)" = 0 ]; }
export WEIR_TEST="$tmp"
local_ctl() { timeout 100 "$WEIR" ctl --socket "$pipe" --json "$@" 2>>ctl.err; }
ctl() {
	who=$1
	shift
	timeout 100 "$WEIR" ctl --config "Z:$tmp/$who" --agent lab "$@" 2>>ctl.err
}
pair() {
	timeout 100 "$WEIR" ctl --config "Z:$tmp/$1" pair "127.0.0.1:$port" \
		"$("$WEIR" agent code --data "$data" --roles "$1" --json 2>/dev/null | jq -r .code)" \
		--name "$1" --as lab >pair.out 2>&1
}
# A program that is no plugin: it ends at once.
printf '{"name":"crash","command":["%s","--help"]}\n' "Z:$WEIR_EXE" >crash.json

# What is there before has its rights from somebody else.
mkdir -m 755 agent
mkdir -m 777 open
check_status "a directory that others may write is refused" 3 timeout 100 "$WEIR" agent run --data "Z:$tmp/open" --socket none
check_match "... with the reason" "$tap_output" "/open' may be changed by others: by S-1-1-0"
check_equal "... and keeps its rights" "$(stat -c %a open)" 777
check_match "init makes a key and a code" "$("$WEIR" agent init --data "$data" --json 2>/dev/null)" '"code":"'
check_match "nobody else reads the key's folder" "$(stat -c %a agent/agent)" '^7[0-7]0$'
mkdir -p lent/agent
chmod 755 lent/agent
check_status "no key is made where others may read it" 3 "$WEIR" agent init --data "Z:$tmp/lent"
check_match "... with the reason" "$tap_output" "/lent/agent' may be read by others: by S-1-1-0"
check_equal "... nor anything else" "$(ls lent/agent)" ""
printf 'name = lab\n' >weir.conf
chmod 644 weir.conf
check "a configuration is read" "$WEIR" agent code --config "Z:$tmp/weir.conf" --data "$data"
chmod 666 weir.conf
check_status "one that others may write is refused" 3 "$WEIR" agent code --config "Z:$tmp/weir.conf" --data "$data"
check_match "... with the reason" "$tap_output" "weir.conf' may be changed by others: by S-1-1-0"
agent_start
check_equal "a directory that was there keeps its rights" "$(stat -c %a agent)" 755
check_match "one that is made is nobody else's" "$(stat -c %a agent/stores agent/plugins)" '^7[0-7]0$'
check_match "the pipe is named after the data" "$pipe" '^\\\\\.\\pipe\\weir-agent-[0-9a-f]{16}$'
local_ctl whoami >who || :
check_match "the pipe tells who asks" "$(cat who)" '"caller": ?"sid:S-1-'
check_match "and that he may do everything" "$(cat who)" 'admin'
local_ctl status >status || :
check_equal "a restricted token holds" \
	"$(jq -r '.result.plugins[] | select(.name=="filesystem") | .sandbox.privileges.is' status)" active
check_match "and says what it keeps" \
	"$(jq -r '.result.plugins[] | select(.name=="filesystem") | .sandbox.privileges.what' status)" 'SeBackupPrivilege'
check_equal "a job holds" \
	"$(jq -r '.result.plugins[] | select(.name=="divert") | .sandbox.limits.is' status)" active
check_match "what Windows lacks is said" \
	"$(jq -r '.result.plugins[] | select(.name=="divert") | .sandbox.calls.what' status)" 'no filter of system calls'
check_match "a plugin that ends at once is reported" \
	"$(jq -r '.result.plugins[] | select(.name=="crash") | .last_fault' status)" 'garbage|ended|closed'
check "and was started again" test "$(jq '.result.plugins[] | select(.name=="crash") | .faults' status)" -ge 1

mkdir t
printf hello >t/a.txt
check_match "listdir" "$(local_ctl call filesystem listdir "path=Z:$tmp/t")" '"path":"Z:[^"]*a.txt"'
check_match "hash" "$(local_ctl call filesystem hash "path=Z:$tmp/t/a.txt")" \
	2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
check_match "read" "$(local_ctl call filesystem read "path=Z:$tmp/t/a.txt")" '"data": ?"aGVsbG8="'
check_match "divert lists" "$(local_ctl call divert list)" '"captures": ?\[\]'

check "pairing by TLS" pair viewer
check_match "the paired key is known" "$(ctl viewer whoami)" 'key:viewer'
check_match "a viewer may look" "$(ctl viewer --json call filesystem stat "path=Z:$tmp/t/a.txt")" '"size_bytes": ?5'
code=0
ctl viewer call filesystem read "path=Z:$tmp/t/a.txt" >/dev/null || code=$?
check "and may not read" test "$code" -ne 0
fetch() {
	curl -s -k -m 60 --cert viewer/controller.crt --key viewer/controller.key "https://127.0.0.1:$port$1"
}
check_match "curl of Linux is answered" "$(fetch /v1/describe)" '"name":"filesystem"'
local_ctl revoke viewer >/dev/null || :
check_fails "a revoked key is out" fetch /v1/describe
check_fails "without a key nobody gets in" curl -s -k -m 30 "https://127.0.0.1:$port/v1/describe"

check "plugins run" test "$(plugins)" -ge 2
kill -9 "$agent_pid"
check "a killed agent leaves no plugin" wait_for 60 has_no_plugin
agent_start
kill -INT "$agent_pid"
check "Ctrl-C ends it" wait_exit 60 "$agent_pid"
check_match "and it says so" "$(cat "$tmp/run.err")" 'ending: interrupted'
check_match "the log is whole" "$("$WEIR" verify "$data/agent/audit.jsonl" 2>&1)" ': good: audit log'
tap_done
