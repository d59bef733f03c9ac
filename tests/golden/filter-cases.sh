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

# A compiled object judges as the text that it was made from.  (jq rounds large times: none here.)
jq -c 'select(.k == "eval" and .packet != null) | {packet, addr: (.addr | del(.Timestamp))}' "$cases" | sed -n '1~4p' >"$tmp/inputs"
pairs() { # MEMBER: cases whose filter is the text or the object
	jq -c --slurpfile in "$tmp/inputs" --arg m "$1" \
		'select(.ok == true and (.layer | startswith("network"))) as $c | $in[]
		| {id: $c.id, k: "eval", layer: $c.layer, filter: $c[$m], packet, addr}' "$cases"
}
pairs filter >"$tmp/texts"
pairs object >"$tmp/objects"
"$WEIR" filter eval --cases "$tmp/texts" >"$tmp/want"
"$WEIR" filter eval --cases "$tmp/objects" >"$tmp/got"
check "objects were tried" [ "$(grep -c true "$tmp/got")" -gt 200 ]
check "objects judge as their texts" diff "$tmp/want" "$tmp/got"
printf '%s\n' '{"id":1,"k":"eval","layer":"flow","filter":"@WinDiv_WX_1dWWDxAX","packet":null,"addr":{}}' \
	>"$tmp/strange"
check_equal "an object that asks for what its layer has not cannot be judged" \
	"$("$WEIR" filter eval --cases "$tmp/strange")" '{"id":1,"verdict":"error"}'
tap_done
