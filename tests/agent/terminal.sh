#!/bin/sh
# An agent run by hand in a terminal: its plugins cannot reach that terminal, to push keys into it, and
# Ctrl-C still ends the agent, and nothing but the agent by itself.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

cat >"$tmp/try" <<'END_OF_PLUGIN'
import fcntl, json, os, sys, termios


def push():
    """Into the terminal of whoever started the agent."""
    try:
        fd = os.open("/dev/tty", os.O_RDONLY)
        fcntl.ioctl(fd, termios.TIOCSTI, b"x")
    except OSError as e:
        return os.strerror(e.errno)
    return "done"


for line in sys.stdin:
    request = json.loads(line)
    answer = {}
    if request["method"] == "describe":
        answer = {"protocol": 1, "name": "try", "summary": "tries", "directives": [
            {"name": "push", "summary": "push", "role": "viewer", "arguments": {"type": "object"}}]}
    elif request["method"] == "call":
        answer = {"is": push(), "session": os.getsid(0)}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}), flush=True)
END_OF_PLUGIN
# Runs its words in a terminal of their own, whose keys come from a FIFO.
cat >"$tmp/terminal" <<'END_OF_TERMINAL'
import os, pty, select, sys
pid, terminal = pty.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
keys = os.open(sys.argv[1], os.O_RDWR)
while True:
    ready = select.select([keys, terminal], [], [])[0]
    if keys in ready:
        os.write(terminal, os.read(keys, 100))
    if terminal in ready:
        try:
            os.write(1, os.read(terminal, 4096))
        except OSError:
            break
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END_OF_TERMINAL
plugin try "$tmp/try"
mkfifo "$tmp/keys"
netns_new a
start terminal python3 "$tmp/terminal" "$tmp/keys" nsenter --net="/run/netns/$(netns_name a)" "$WEIR" agent run \
	--data "$data" --socket "$tmp/agent.sock" --plugin "$tmp/try.json"
terminal=$pid
answers() {
	agent_answers && [ "$(status try | jq -r .state)" = running ]
}
check "the agent answers" wait_for 15 answers

check_equal "a plugin has no terminal" "$(result try push | jq -r .is)" "No such device or address"
check_equal "but a session of its own" "$(result try push | jq -r .session)" "$(pid_of try)"
for plugin in divert filesystem; do
	check_equal "so has '$plugin'" "$(ps -o sid= -p "$(pid_of "$plugin")" | tr -d ' ')" "$(pid_of "$plugin")"
done
launcher=$(pgrep -P "$(pid_of divert)")
check_equal "and divert's launcher no terminal" "$(ps -o tty= -p "$launcher" | tr -d ' ')" '?'

plugins="$(pid_of try) $(pid_of divert) $(pid_of filesystem) $launcher"
printf '\003' >"$tmp/keys"
check_exit "Ctrl-C ends the agent in order" 20 "$terminal" 0
check "and the audit log says so" grep -q '"type":"stop"' "$data/agent/audit.jsonl"
for process in $plugins; do
	check "no process $process is left" wait_for 10 test ! -e "/proc/$process"
done
tap_done
