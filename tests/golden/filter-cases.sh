#!/bin/sh
# `weir filter eval` gives WinDivert's own verdict, message and position on all 500 cases.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq

cases=$SOURCE_ROOT/tests/golden/filter-cases.jsonl
# What must come out, made from the cases themselves.
jq -c 'if .k == "eval" then {id, verdict} elif .ok then {id, ok} else {id, ok, error, pos} end' \
	"$cases" >"$tmp/want"
"$WEIR" filter eval --cases "$cases" >"$tmp/got"

# Where WinDivert crashes any error is right.
crashes=$(jq -r 'select(.error == "crash") | .id' "$cases")
for id in $crashes; do
	check_equal "case $id, a crash of WinDivert, is an error" \
		"$(jq -r "select(.id == $id) | .ok" "$tmp/got")" false
	for file in want got; do
		grep -v "^{\"id\":$id," "$tmp/$file" >"$tmp/$file.rest"
		mv "$tmp/$file.rest" "$tmp/$file"
	done
done

check_equal "every case is answered" "$(wc -l <"$tmp/got")" "$(wc -l <"$tmp/want")"
check_equal "400 evaluations agree" "$(grep -c verdict "$tmp/got")" 400
check "all answers are WinDivert's" diff "$tmp/want" "$tmp/got"
tap_done
