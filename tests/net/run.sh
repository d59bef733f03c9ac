#!/bin/sh
# `make run` (tools/run, without the building): records, ends by itself or by Ctrl-C, exports.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool python3 tshark
netns_new run

# run NAME WORD...: tools/run on this namespace's lo, with an environment of the words.
run() {
	run_name=$1
	shift
	netns_run run env BUILD="$(dirname "$WEIR")" IFACE=lo STORE="$tmp/$run_name" "$@" \
		"$SOURCE_ROOT/tools/run"
}

packets() {
	tshark -r "$1" 2>/dev/null | wc -l
}

code=0
run timed FOR=2s >"$tmp/out" 2>"$tmp/err" || code=$?
check_equal "FOR=2s ends by itself with 0" "$code" 0
check_match "the path of a pcapng is printed" "$(cat "$tmp/out")" "^pcapng: $tmp/timed.pcapng"
check_match "a summary is printed" "$(cat "$tmp/out" "$tmp/err")" 'grade: complete'
check "a quiet lo has traffic of its own" test "$(packets "$tmp/timed.pcapng")" -gt 10
check_equal "the export is for its owner alone" "$(stat -c %a "$tmp/timed.pcapng")" 600
check_equal "no rule is left" "$(netns_run run nft list ruleset 2>/dev/null)" ""
check_equal "no demo traffic is left" "$(netns_run run ss -Htln)" ""

# Ctrl-C reaches the whole process group: a shell's background job would ignore it.
cat >"$tmp/interrupt.py" <<END
import os, signal, subprocess, sys, time
run = subprocess.Popen(sys.argv[2:], start_new_session=True,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
for _ in range(200):
    time.sleep(0.05)
    if os.path.exists(sys.argv[1] + '/0000000001.pcapng'):
        break
os.killpg(run.pid, signal.SIGINT)
sys.exit(run.wait(20))
END
code=0
netns_run run env BUILD="$(dirname "$WEIR")" IFACE=lo STORE="$tmp/stopped" \
	python3 "$tmp/interrupt.py" "$tmp/stopped" "$SOURCE_ROOT/tools/run" >"$tmp/out" 2>"$tmp/err" ||
	code=$?
check_equal "Ctrl-C ends it with 0" "$code" 0
check_match "and a pcapng is made all the same" "$(cat "$tmp/out")" "^pcapng: $tmp/stopped.pcapng"
check "the store is whole" "$WEIR" verify "$tmp/stopped"

mkdir "$tmp/there"
check_status "a store that is there is not written into" 3 run there FOR=1s
tap_done
