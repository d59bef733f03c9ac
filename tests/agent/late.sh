#!/bin/sh
# Who is late.  A plugin that describes itself only after the agent was asked to end: it ends, and is not started
# again.  A recorder that starts only after its start was given up: it ends too, and records nothing for good.
# One that does not hear that it is to end: the call ends, and the recorder when it wakes.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

cat >"$tmp/late" <<'P'
#!/usr/bin/env python3
import json
import sys

request = json.loads(sys.stdin.readline())
print("asked", file=sys.stderr, flush=True)
sys.stdin.read()
print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {
    "protocol": 1, "name": "late", "summary": "late", "directives": []}}), flush=True)
P
plugin late "$tmp/late"
agent_start --plugin "$tmp/late.json"
check "it has been asked who it is" wait_for 10 grep -q 'late.*asked' "$tmp/agent.err"
kill "$agent"
check_exit "the agent ends" 20 "$agent" 0
check_equal "and starts nothing again" "$(grep -c 'late: starting again' "$tmp/agent.err")" 0

agent_start
# The next recorder of divert, stopped as soon as it is one; prints its process.
freeze() {
	python3 -c '
import os, signal, sys, time

def recorders(of):
    for task in os.listdir(f"/proc/{of}/task"):
        for child in open(f"/proc/{of}/task/{task}/children").read().split():
            words = open(f"/proc/{child}/cmdline").read().split("\0")
            if words[1:2] == ["sniff"]:
                yield int(child)

until = time.monotonic() + 20
while time.monotonic() < until:
    try:
        for pid in recorders(sys.argv[1]):
            os.kill(pid, signal.SIGSTOP)
            print(pid)
            sys.exit()
    except OSError:
        pass' "$(pid_of divert)"
}
freeze >"$tmp/frozen" &
freezer=$!
check_match "a recorder that says nothing has failed to start" \
	"$(call divert start '{"name":"late","mode":"sniff"}')" 'the recorder did not start'
wait "$freezer"
recorder=$(cat "$tmp/frozen")
check "it is there, and sleeps" grep -q '^State:.*stopped' "/proc/$recorder/status"
kill -CONT "$recorder"
is_gone() {
	[ ! -d "/proc/$recorder" ]
}
check "once it wakes it ends" wait_for 20 is_gone
is_ended() {
	[ "$(result divert status '{"name":"late"}' | jq -r .state)" = ended ]
}
check "and is in the list as such" wait_for 10 is_ended

check_match "a recorder starts" "$(call divert start '{"name":"deaf","mode":"sniff","interfaces":["lo"]}')" '"state": *"recording"'
recorder=$(freeze)
check_match "one that does not listen is not waited for without end" "$(call divert stop '{"name":"deaf"}')" \
	"capture 'deaf' was told to end and has not within 30 s"
kill -CONT "$recorder"
check "it ends once it wakes" wait_for 20 is_gone
check_match "complete" "$(result divert status '{"name":"deaf"}')" '"grade": *"complete"'

# Whoever asked for the end gives up, and then the plugin dies: what was told to end is not recorded on.
call divert start '{"name":"slow","mode":"sniff","interfaces":["lo"]}' >/dev/null
call divert start '{"name":"beside","mode":"sniff","interfaces":["lo"]}' >/dev/null
recorder=$(result divert status '{"name":"slow"}' | jq .pid)
kill -STOP "$recorder"
start stop curl -sS --unix-socket "$tmp/agent.sock" -X POST -d '{"name":"slow"}' http://agent/v1/call/divert/stop
is_state() {
	[ "$(result divert status "{\"name\":\"$1\"}" | jq -r .state)" = "$2" ]
}
check "a capture that was told to end is stopping" wait_for 10 is_state slow stopping
kill "$pid"
kill -9 "$(pid_of divert)"
goes_on() {
	is_state beside recording
}
check "the plugin's next life goes on with the other" wait_for 30 goes_on
# Orphaned, its recorder is woken by the kernel.
check "and has ended that one" wait_for 60 is_state slow ended
check_equal "as it was: no recorder has gone on with it" \
	"$(cat "$data"/stores/slow-*/manifest.jsonl | grep -c '"type":"continued"')" 0
check_match "and its store is closed" "$(result divert status '{"name":"slow"}' | jq -r .summary.grade)" complete
agent_stop
tap_done
