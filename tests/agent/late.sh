#!/bin/sh
# A plugin that describes itself only after the agent was asked to end: it ends, and is not started again.
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
tap_done
