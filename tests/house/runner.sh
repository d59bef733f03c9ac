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
check_equal "passes and skips are counted" "$last, exit $code" "2 passed, 0 failed, 1 skipped, exit 0"
check_match "a skip is shown with its reason" "$(cat "$tmp/said")" 'skipped: good: b: because'

# bad: one passes, two fail; of the others each fails once, and early, crash, short, hang pass once.
# Seven that fail are more than are run again.
printf '#!/bin/sh\nexit 1\n' >"$tmp/empty"
project good bad early silent crash short hang empty
check_equal "every failure is counted, once" "$last, exit $code" "7 passed, 8 failed, 1 skipped, exit 1"
said=$(cat "$tmp/said")
check_match "a failed promise is named" "$said" '^FAILED: bad: b$'
check_match "and what its command did" "$said" 'exit code 1, want 0: false'
check_match "a script that breaks off fails" "$said" '^FAILED: early: the script ended early'
check_match "a test without TAP fails" "$said" '^FAILED: silent: printed no TAP'
check_match "a crash fails" "$said" '^FAILED: crash: ended with exit code'
check_match "a missing check fails" "$said" '^FAILED: short: planned 2 checks, made 1'
check_match "a test out of time fails" "$said" '^FAILED: hang: ended by timeout'

check_fails "so many are not run again" grep -q '^again:' "$tmp/said"

printf '#!/bin/sh\necho 1..1\nif mkdir "%s/was"; then echo not ok 1 - a; else echo ok 1 - a; fi\n' "$tmp" >"$tmp/once"
project good once
check_equal "what fails once is run again" "$last, exit $code" "3 passed, 0 failed, 1 skipped, exit 0"
check_match "and it is said" "$(cat "$tmp/said")" '^again: passed now, failed before: once: a$'
project good bad
check_equal "what fails twice has failed" "$last, exit $code" "3 passed, 2 failed, 1 skipped, exit 1"

project none
check_equal "all skipped is no success" "$last, exit $code" "0 passed, 0 failed, 1 skipped, exit 1"

sh -c '. "$SOURCE_ROOT/tests/lib/tap.sh"; start x sleep 60; echo "$tmp $pid"; ok a; tap_done' >"$tmp/left"
left=$(head -n 1 "$tmp/left")
check "the temporary folder is removed" test ! -e "${left% *}"
# Whoever inherits it may take his time to wait for it: what is left until then has ended.
check "what was started is ended" tap_has_ended "${left#* }"
check "wait_for waits for a state" wait_for 2 true
check_status "wait_for gives up in time" 1 wait_for 1 false
check_fails "a test function fails at its first failing command" sh -c \
	'. "$SOURCE_ROOT/tests/lib/tap.sh"; f() { false; true; }; check a f; tap_done'
tap_done
