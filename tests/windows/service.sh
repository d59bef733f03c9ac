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

# A service's program lies where only we write, up to the root of its drive.
bin=$WINEPREFIX/drive_c/up/bin
mkdir -p "$bin"
cp "$WEIR_EXE" "$bin/weir.exe"
export WEIR_EXE="$bin/weir.exe"
install_fails() { check_status "not $1" 3 timeout 100 "$WEIR" service install -- --data "$data"; }
chmod 777 "$bin"
install_fails "from a folder that others may write"
check_match "... which is named, with who may" "$tap_output" "bin' may be changed by others: by S-1-1-0"
chmod 755 "$bin"
chmod 777 "$bin/.."
install_fails "below a folder that others may put another one in the place of"
check_match "... which is named" "$tap_output" "up' may be changed by others: by S-1-1-0"
chmod 755 "$bin/.."
touch "$bin/other.dll"
chmod 666 "$bin/other.dll"
install_fails "beside a file that others may write"
check_match "... which is named" "$tap_output" "other.dll' may be changed by others: by S-1-1-0"
chmod 644 "$bin/other.dll"

"$WEIR" agent init --data "$data" --json >init 2>/dev/null
check_fails "there is none yet" service status
check "install" service install -- --data "$data"
# What wine keeps of it, in its registry.
preshutdown() { "$SOURCE_ROOT/tools/wine" reg query 'HKLM\System\CurrentControlSet\Services\weir' /v PreshutdownTimeout 2>/dev/null |
	tr -d '\r' | awk '/PreshutdownTimeout/ { print $3 }'; }
check_equal "it has 40 s at the machine's end, in which a recorder closes its store" "$(preshutdown)" 0x9c40
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
