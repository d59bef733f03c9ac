#!/bin/sh
# Each plugin's sandbox, from inside: a plugin that tries what is forbidden, and what the kernel says
# of ours; a part that cannot be had keeps a plugin from running unless that is allowed.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

cat >"$tmp/try" <<'END'
import ctypes, json, os, socket, sys
ANY = {"type": "object"}
libc = ctypes.CDLL(None, use_errno=True)


def attempt(what):
    try:
        result = what()
        return "done" if result is None or result >= 0 else os.strerror(ctypes.get_errno())
    except OSError as e:
        return os.strerror(e.errno)


TRIES = {
    "write_elsewhere": lambda: open("/tmp/weir-sandbox-escape", "w").close(),
    "write_own": lambda: open("own", "w").close(),
    "write_other_plugin": lambda: open("../filesystem/x", "w").close(),
    "read_shadow": lambda: open("/etc/shadow").close(),
    "become_root": lambda: os.setuid(0),
    "socket": lambda: socket.socket().close(),
    "mount": lambda: libc.mount(b"none", b"/mnt", b"tmpfs", 0, None),
    "ptrace": lambda: libc.ptrace(16, os.getppid(), 0, 0),
    "signal_agent": lambda: os.kill(os.getppid(), 0),
    "new_user_namespace": lambda: libc.unshare(0x10000000),
    "execute_elsewhere": lambda: os.execv(os.environ["TMPDIR"] + "/own", ["own"]),
}
for line in sys.stdin:
    request = json.loads(line)
    answer = {}
    if request["method"] == "describe":
        answer = {"protocol": 1, "name": "try", "summary": "tries", "directives": [
            {"name": n, "summary": n, "role": "viewer", "arguments": ANY} for n in TRIES]}
    elif request["method"] == "call":
        answer = {"is": attempt(TRIES[request["params"]["directive"]])}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}), flush=True)
END
plugin try "$tmp/try"
agent_start --plugin "$tmp/try.json"
wait_for 10 sh -c "curl -sS --unix-socket $tmp/agent.sock http://a/v1/describe | grep -q become_root" || :

try() {
	result try "$1" | jq -r .is
}
check_equal "it writes in its own directory" "$(try write_own)" done
check_equal "and nowhere else" "$(try write_elsewhere)" "Permission denied"
check_equal "not in another plugin's" "$(try write_other_plugin)" "Permission denied"
check_equal "it reads no secret" "$(try read_shadow)" "Permission denied"
check_equal "it does not become root" "$(try become_root)" "Operation not permitted"
check_equal "it opens no socket" "$(try socket)" "Operation not permitted"
check_equal "it mounts nothing" "$(try mount)" "Operation not permitted"
check_equal "it traces nobody" "$(try ptrace)" "Operation not permitted"
check_equal "it signals nobody" "$(try signal_agent)" "Operation not permitted"
check_equal "it makes no namespace" "$(try new_user_namespace)" "Operation not permitted"
check_equal "it executes nothing that it wrote" "$(try execute_elsewhere)" "Permission denied"

# What the kernel says of ours.
facts() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pid_of "$1")/status" | tr '\t' ' '
}
for plugin in divert filesystem; do
	check_equal "'$plugin' is no root" "$(facts "$plugin" Uid | grep -c '\b0\b')" 0
	check_equal "'$plugin' gains nothing" "$(facts "$plugin" NoNewPrivs)" 1
	check_equal "'$plugin' has a filter of calls" "$(facts "$plugin" Seccomp)" 2
	check_equal "'$plugin' has no groups" "$(facts "$plugin" Groups)" ""
done
check_equal "divert itself has no capability: its launcher has" "$(facts divert CapEff)" 0000000000000000
check_match "calls are a list of what is allowed" "$(status filesystem | jq -r .sandbox.calls.what)" \
	'^seccomp: 2[0-9][0-9] of 470 calls allowed, no network'

# A recorder stands outside of the plugin's domain and enters one of its own.
result divert start '{"name":"held","mode":"sniff","filter":"icmp"}' >/dev/null
held=$(result divert status '{"name":"held"}')
recorder=$(printf '%s' "$held" | jq .pid)
check_match "a recorder says that its files are confined" "$(printf '%s' "$held" | jq -r .sandbox.files.what)" \
	'^landlock abi [0-9]+: write, execute'
check_equal "that is active" "$(printf '%s' "$held" | jq -c '[.sandbox[].is]')" '["active","active"]'
check_match "it makes fewer calls than a plugin" "$(printf '%s' "$held" | jq -r .sandbox.calls.what)" \
	'^seccomp: 1[0-9][0-9] of 470 calls allowed, capture only'
check_equal "the plugin's filter holds for it too" \
	"$(sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$recorder/status")" 2
check_equal "it has no capability" "$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$recorder/status")" \
	0000000000000000
netns_run a ping -q -c 3 -i 0.05 127.0.0.1 >/dev/null
store=$data/stores/$(result divert stop '{"name":"held"}' | jq -r .store)
check_equal "and still tells whose packets are" \
	"$("$WEIR" flows "$store" --json | jq -r .process | sort -u | head -n 1)" ping
check_equal "filesystem has no launcher" "$(pgrep -P "$(pid_of filesystem)" | wc -l)" 0
check_equal "divert has one, and no recorder is left" "$(pgrep -P "$(pid_of divert)" | wc -l)" 1
check_match "filesystem has two" "$(status filesystem | jq -r .sandbox.privileges.what)" \
	'^(sys_admin,dac_read_search|dac_read_search,sys_admin)$'
check_match "what divert gave up by itself is in the status" \
	"$(status divert | jq -r .confined.files.what)" '^landlock abi'
check_match "what is off is called so" "$(status divert | jq -r .sandbox.files.is)" off
agent_stop

# Nothing is downgraded silently.
plugin nouser "$tmp/try" ',"user":"nobody","capabilities":"net_raw"'
start weak setpriv --bounding-set=-setuid,-setgid --inh-caps=-all nsenter \
	--net="/run/netns/$(netns_name a)" "$WEIR" agent run --data "$tmp/weak" --socket "$tmp/agent.sock"
is_refused() {
	[ "$(status filesystem | jq -r .state)" = refused ]
}
wait_for 15 is_refused || :
check_equal "a sandbox that cannot be had keeps a plugin from running" \
	"$(status filesystem | jq -r .state)" refused
check_match "and the status says which part" "$(status filesystem | jq -r .last_fault)" \
	"part 'user' cannot be had"
kill "$pid"
check_exit "the weak agent ends" 15 "$pid" 0
start weaker setpriv --bounding-set=-setuid,-setgid --inh-caps=-all nsenter \
	--net="/run/netns/$(netns_name a)" "$WEIR" agent run --data "$tmp/weaker" \
	--socket "$tmp/agent.sock" --allow-without user,privileges
is_running() {
	[ "$(status filesystem | jq -r .state)" = running ]
}
wait_for 15 is_running || :
check_equal "where it is allowed the plugin runs" "$(status filesystem | jq -r .state)" running
check_equal "and the status says what is missing" \
	"$(status filesystem | jq -r .sandbox.user.is)" failed
kill "$pid"
tap_done
