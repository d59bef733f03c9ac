#!/bin/sh
# The agent as a service, by wine's own service manager: put in place, started, asked, stopped, removed.
# Services are of a whole prefix, and start with it: this test has one of its own.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq
cd "$tmp"
export WINEPREFIX="$tmp/prefix"
"$SOURCE_ROOT/tools/wine"
at_exit "WINEPREFIX='$WINEPREFIX' \"$SOURCE_ROOT/tools/wine\" --end"
# As long as a program runs, so do wine's services; else each command would be a new start of the machine.
start keep "$WEIR" agent run --data "Z:$tmp/keep" --socket none
keep_is_up() { grep -q 'filesystem: running' keep.err; }
wait_for 120 keep_is_up
data=Z:$tmp/agent
service() { timeout 100 "$WEIR" service "$@" 2>>service.err; }
state() { service status --json | jq -r .state; }

"$WEIR" agent init --data "$data" --json >init 2>/dev/null
check_fails "there is none yet" service status
check "install" service install -- --data "$data"
check_fails "not twice" service install -- --data "$data"
check "start waits until it runs" service start
check_equal "it runs" "$(state)" running
check "stop waits until it has ended" service stop
check_equal "it has" "$(state)" stopped
check_equal "without an error" "$(service status --json | jq .exit_code)" 0
check_match "the audit log is whole" "$("$WEIR" verify "$data/agent/audit.jsonl" 2>&1)" ': good: audit log'
check "started again" service start
check "remove stops it first" service remove
check_fails "and it is gone" service status
tap_done
