# A script test is sh that prints TAP, one `ok`/`not ok` line a promise.
#
#	#!/bin/sh
#	. "$SOURCE_ROOT/tests/lib/tap.sh"
#	require_tool tshark
#	check "help ends with 0" "$WEIR" --help
#	check_status "no command is a usage error" 2 "$WEIR" nonsense
#	check_equal "counts agree" "$(count a)" 3
#	tap_done
#
# The environment has WEIR (the binary), SOURCE_ROOT, and BUILD.  Sourcing this file sets -eu, makes
# the folder $tmp, and sets one trap that ends what start() began, runs the at_exit() commands (last
# first), and removes $tmp.  A script that ends without tap_done has failed, and says so.
# Everything here runs in the script's own shell but the command of check, check_status and
# check_fails: it runs in a subshell under `set -e`, so a test function fails at its first failing
# command, and variables that it sets are lost.
set -eu

tap_count=0
tap_failed=0
tap_is_done=no
tap_cleanup=
tap_pids=
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok NAME [DIAGNOSTIC...]: what is wrong is printed in front of the result, as tap.h does.
not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	tap_title=$1
	shift
	for tap_line in "$@"; do
		printf '%s\n' "$tap_line" | sed 's/^/# /'
	done
	echo "not ok $tap_count - $tap_title"
}

# skip NAME REASON: a promise that cannot be tried here.
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: ends the script; it counts as one skip.
skip_all() {
	skip "$(basename "$0" .sh)" "$1"
	tap_done
}

# Runs a command as check does; leaves its exit code in tap_status, what it printed in tap_output.
tap_run() {
	tap_status=0
	set +e
	(
		set -e
		"$@"
	) >"$tmp/.check" 2>&1 </dev/null
	tap_status=$?
	set -e
	tap_output=$(tail -n 40 "$tmp/.check" | tr -d '\000')
}

# check NAME COMMAND...: the command succeeds.
check() {
	tap_name=$1
	shift
	check_status "$tap_name" 0 "$@"
}

# check_status NAME CODE COMMAND...: the command ends with that exit code.
check_status() {
	tap_name=$1 tap_want=$2
	shift 2
	tap_run "$@"
	if [ "$tap_status" = "$tap_want" ]; then
		ok "$tap_name"
	else
		not_ok "$tap_name" "exit code $tap_status, want $tap_want: $*" "$tap_output"
	fi
}

# check_fails NAME COMMAND...: any exit code but 0, and no death by a signal.
check_fails() {
	tap_name=$1
	shift
	tap_run "$@"
	if [ "$tap_status" -ne 0 ] && [ "$tap_status" -lt 126 ]; then
		ok "$tap_name"
	else
		not_ok "$tap_name" "exit code $tap_status, want a failure: $*" "$tap_output"
	fi
}

# check_equal NAME GOT WANT
check_equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:  $2" "want: $3"
	fi
}

# check_match NAME TEXT PATTERN: some line of the text matches the extended regular expression.
check_match() {
	if printf '%s\n' "$2" | grep -Eq -- "$3"; then
		ok "$1"
	else
		not_ok "$1" "no match for: $3" "in: $2"
	fi
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; 1 when the time is over.
wait_for() {
	tap_end=$(($(date +%s%3N) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%3N)" -lt "$tap_end" ] || return 1
		sleep 0.05
	done
}

# start NAME COMMAND...: runs it in the background, $tmp/NAME.out and $tmp/NAME.err take what it
# prints, $pid is its process; it is ended with the test at the latest.
start() {
	tap_name=$1
	shift
	if [ "$1" = netns_run ]; then
		# The function would be a shell between: the program would outlive the test.
		tap_netns=/run/netns/$(netns_name "$2")
		shift 2
		set -- nsenter --net="$tap_netns" "$@"
	fi
	"$@" >"$tmp/$tap_name.out" 2>"$tmp/$tap_name.err" </dev/null &
	pid=$!
	tap_pids="$tap_pids $pid"
}

# wait_exit SECONDS PID: waits for a process that start() began; its exit code is in exit_code.
# Returns 1 when it is still there after that time.
wait_exit() {
	# A zombie still answers kill -0: ask for its state.
	wait_for "$1" tap_has_ended "$2" || return 1
	exit_code=0
	wait "$2" || exit_code=$?
}

# check_exit NAME SECONDS PID CODE: what start() began ends within that time, with that exit code,
# which is in exit_code ("none" where it did not end).
check_exit() {
	exit_code=none
	wait_exit "$2" "$3" || :
	check_equal "$1" "$exit_code" "$4"
}

tap_has_ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
}

# at_exit 'COMMAND': run when the test ends, however it ends; the last given runs first.
at_exit() {
	tap_cleanup="$1
$tap_cleanup"
}

# netns_new NAME: a network namespace of this test's own with lo up, removed at the end; netns_run
# NAME COMMAND... runs in it (nsenter: `ip netns exec` would mount another /sys).
netns_name() {
	echo "weir-$1-$$"
}

netns_new() {
	at_exit "ip netns del $(netns_name "$1") 2>/dev/null"
	ip netns add "$(netns_name "$1")"
	netns_run "$1" ip link set lo up
}

netns_run() {
	tap_netns=/run/netns/$(netns_name "$1")
	shift
	nsenter --net="$tap_netns" "$@"
}

require_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# require_tool NAME...: programs that must be on PATH.
require_tool() {
	for tap_tool in "$@"; do
		command -v "$tap_tool" >/dev/null || skip_all "needs $tap_tool"
	done
}

# require_netns: namespaces can be made here.
require_netns() {
	require_root
	require_tool ip nsenter
	unshare --net true 2>/dev/null || skip_all "cannot make network namespaces"
}

tap_done() {
	echo "1..$tap_count"
	tap_is_done=yes
	[ "$tap_failed" = 0 ] && [ "$tap_count" -gt 0 ] || exit 1
	exit 0
}

tap_exit() {
	tap_status=$?
	trap - EXIT
	set +eu
	[ $tap_is_done = yes ] || not_ok "the script ended early with exit code $tap_status" \
		"$(tail -n 5 "$tmp"/*.err 2>/dev/null)"
	for tap_pid in $tap_pids; do
		kill "$tap_pid" 2>/dev/null
	done
	for tap_pid in $tap_pids; do
		wait_for 5 tap_has_ended "$tap_pid" || kill -9 "$tap_pid" 2>/dev/null
	done
	eval "$tap_cleanup"
	rm -rf "$tmp"
	[ $tap_is_done = yes ] && [ $tap_failed = 0 ] || exit 1
	exit 0
}

trap tap_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
