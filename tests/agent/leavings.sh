#!/bin/sh
# What a plugin starts and leaves alone, in a session of its own and deaf to requests to end, is killed with the
# plugin: where it ends by itself, is at fault, is asked to end, and where the agent itself is killed.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

cat >"$tmp/leave" <<'P'
import json, os, signal, sys, time


def leave(depth):
    """A child without a parent, which has one that is the same; each writes down who it is."""
    if os.fork():
        return
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if depth:
        leave(depth - 1)
    for fd in range(3):
        os.close(fd)
    with open("left", "a") as f:
        f.write("%d\n" % os.getpid())
    while True:
        time.sleep(1000)


def left():
    try:
        return open("left").read().split()
    except OSError:
        return []


DIRECTIVES = ["leave", "end", "garbage"]
for line in sys.stdin:
    request = json.loads(line)
    answer = {}
    method = request["params"]["directive"] if request["method"] == "call" else request["method"]
    if method == "describe":
        answer = {"protocol": 1, "name": "leave", "summary": "leaves", "directives": [
            {"name": n, "summary": n, "role": "viewer", "arguments": {"type": "object"}} for n in DIRECTIVES]}
    elif method == "leave":
        open("left", "w").close()
        middle = os.fork()
        if not middle:
            leave(2)
            os._exit(0)
        os.waitpid(middle, 0)
        while len(left()) < 3:
            pass
        answer = {"left": left()}
    elif method == "end":
        sys.exit(0)
    elif method == "garbage":
        print("garbage", flush=True)
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}), flush=True)
P
plugin leave "$tmp/leave"
# Where the test fails, nothing is left of it.
at_exit "pgrep -f '$tmp/leave.py' | xargs -r kill -9"
is_up() {
	[ "$(status leave | jq -r .state)" = running ]
}
are_there() {
	for process in $left; do
		test -e "/proc/$process" || return 1
	done
}
are_gone() {
	for process in $left; do
		test ! -e "/proc/$process" || return 1
	done
}
# leave HOW: it leaves three, which are there.
leave() {
	wait_for 15 is_up || :
	left=$(result leave leave | jq -r '.left[]')
	check_equal "$1: it has left three" "$(printf '%s\n' "$left" | wc -l)" 3
	check "$1: which are there" are_there
}

agent_start --plugin "$tmp/leave.json"
leave "it ends"
call leave end >/dev/null
check "none is left of one that ends by itself" wait_for 10 are_gone
leave "it is at fault"
check_match "which is how it ended" "$(status leave | jq -r .last_fault)" 'the process ended: exit code 0'
call leave garbage >/dev/null
check "none is left of one that is at fault" wait_for 10 are_gone
leave "it is killed"
check_match "which is how it ended" "$(status leave | jq -r .last_fault)" '^garbage'
kill -9 "$(pid_of leave)"
check "none is left of one that is killed" wait_for 10 are_gone
leave "the agent ends"
check_match "which is how it ended" "$(status leave | jq -r .last_fault)" 'the process ended: signal 9'
agent_stop
check "none is left when the agent has ended" are_gone

agent_start --plugin "$tmp/leave.json"
leave "the agent is killed"
plugin=$(pid_of leave)
kill -9 "$agent"
check "none is left of a killed agent" wait_for 20 are_gone
check "nor the plugin" test ! -e "/proc/$plugin"
tap_done
