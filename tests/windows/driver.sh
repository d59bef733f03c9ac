#!/bin/sh
# The genuine WinDivert.dll over a driver of ours (driver.c), in a wine of its own: what a recorder does
# with it, open to close, is what it is for (driver-client.c).
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/driver-lab.sh"
driver_lab
code=0
timeout 240 "$SOURCE_ROOT/tools/wine" "$DRIVER_CLIENT" 'C:\weir-driver' >"$tmp/said" 2>&1 || code=$?
# Its lines are this test's; the plan comes last.
grep -v '^1\.\.' "$tmp/said" || :
tap_count=$(grep -cE '^(not )?ok ' "$tmp/said" || :)
check_equal "the client ends well" "$code" 0
check_equal "it came to its end" "$(tr -d "\r" <"$tmp/said" | sed -n "s/^1..//p")" 8
tap_done
