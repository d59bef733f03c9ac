#!/bin/sh
# What the tests stand on: tools/test counts every promise and no crash goes by unseen, and a script
# that breaks off is a failure.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool meson ninja python3

# project TEST...: a tree whose tests are these scripts; counts what tools/test says of them.
project() {
	echo "project('t')" >"$tmp/meson.build"
	for t in "$@"; do
		echo "test('$t', find_program('$t'), protocol: 'tap', timeout: 2)" >>"$tmp/meson.build"
		chmod +x "$tmp/$t"
	done
	rm -rf "$tmp/build"
	meson setup "$tmp/build" "$tmp" >/dev/null
	code=0
	"$SOURCE_ROOT/tools/test" -C "$tmp/build" >"$tmp/said" 2>&1 || code=$?
	last=$(tail -n 1 "$tmp/said")
}

tap='. "$SOURCE_ROOT/tests/lib/tap.sh"'
printf '#!/bin/sh\n%s\nok a\nskip b because\ncheck c true\ntap_done\n' "$tap" >"$tmp/good"
printf '#!/bin/sh\n%s\nok a\ncheck b false\nnot_ok c\ntap_done\n' "$tap" >"$tmp/bad"
printf '#!/bin/sh\n%s\nok a\nfalse\nok b\ntap_done\n' "$tap" >"$tmp/early"
printf '#!/bin/sh\necho hello\n' >"$tmp/silent"
printf '#!/bin/sh\necho ok 1 - a\nkill -SEGV $$\n' >"$tmp/crash"
printf '#!/bin/sh\necho ok 1 - a\necho 1..2\n' >"$tmp/short"
printf '#!/bin/sh\necho ok 1 - a\nsleep 60\n' >"$tmp/hang"
printf '#!/bin/sh\necho "1..0 # SKIP not here"\n' >"$tmp/none"

project good
check_equal "passes and skips are counted" "$last" "2 passed, 0 failed, 1 skipped"
check_equal "success ends with 0" "$code" 0
check_match "a skip is shown with its reason" "$(cat "$tmp/said")" 'skipped: good: b: because'
project good bad
check_equal "failures are counted" "$last" "3 passed, 2 failed, 1 skipped"
check_equal "failure ends with 1" "$code" 1
project early
check_equal "a script that breaks off fails" "$last" "1 passed, 1 failed, 0 skipped"
project silent
check_equal "a test without TAP fails" "$last" "0 passed, 1 failed, 0 skipped"
project crash
check_equal "a crash fails" "$last" "1 passed, 1 failed, 0 skipped"
project short
check_equal "a missing check fails" "$last" "1 passed, 1 failed, 0 skipped"
project hang
check_equal "a test out of time fails" "$last" "1 passed, 1 failed, 0 skipped"
project none
check_equal "all skipped is no success" "$last, exit $code" "0 passed, 0 failed, 1 skipped, exit 1"

sh -c '. "$SOURCE_ROOT/tests/lib/tap.sh"; start x sleep 60; echo "$tmp $pid"; ok a; tap_done' >"$tmp/left"
left=$(head -n 1 "$tmp/left")
check "the temporary folder is removed" test ! -e "${left% *}"
check "what was started is ended" test ! -e "/proc/${left#* }"
check "wait_for waits for a state" wait_for 2 true
check_status "wait_for gives up in time" 1 wait_for 1 false
check_fails "a test function fails at its first failing command" sh -c \
	'. "$SOURCE_ROOT/tests/lib/tap.sh"; f() { false; true; }; check a f; tap_done'
tap_done
