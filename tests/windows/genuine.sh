#!/bin/sh
# Our filter language beside the genuine WinDivert.dll, under wine (genuine.c).
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3
folder=$("$SOURCE_ROOT/tools/windivert" 2>"$tmp/why") || skip_all "$(tail -n 1 "$tmp/why")"
trap - EXIT
rm -rf "$tmp"
"$SOURCE_ROOT/tests/windows/cases.py" "$SOURCE_ROOT/tests/golden/filter-cases.jsonl" |
	"$SOURCE_ROOT/tools/wine" "$GENUINE" "$folder"
