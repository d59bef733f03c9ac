#!/bin/sh
# A store is gone on with after its recorder died: the next segment, the chain intact, the gap with its
# times in the manifest.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool jq ping python3

netns_new a
store=$tmp/store

# record NAME COMMAND...: starts a recorder and waits until it records.
record() {
	start "$@" </dev/null
	wait_for 10 is_recording || not_ok "the recorder records" "$(cat "$tmp/$tap_name.err")"
}

# A packet of ours is in the segment with that number.
is_recording() {
	netns_run a ping -q -c 1 -W 1 127.0.0.1
	grep -q "\"type\":\"segment_open\".*\"number\":$segment," "$store/manifest.jsonl"
}

lines() {
	jq -c "select(.type == \"$1\")" "$store/manifest.jsonl"
}

segment=1
record first nsenter --net="/run/netns/$(netns_name a)" "$WEIR" sniff -i lo -o "$store" -q
before=$(date +%s%N)
kill -9 "$pid"
wait_exit 5 "$pid" || :
check_fails "an existing store is not taken without --continue" netns_run a "$WEIR" sniff -i lo \
	-o "$store" -q --for 1s
check_fails "--continue needs a store's name" netns_run a "$WEIR" sniff -i lo --continue --for 1s

segment=2
record second nsenter --net="/run/netns/$(netns_name a)" "$WEIR" sniff -i lo -o "$store" -q --continue
check_fails "a store that is being recorded is not gone on with" netns_run a "$WEIR" sniff -i lo \
	-o "$store" -q --continue --for 1s
kill "$pid"
check_exit "the second session ends" 10 "$pid" 3

check "the store verifies" "$WEIR" verify "$store"
check_equal "the second session has a segment of its own" \
	"$(lines segment | jq -r .number | tr '\n' ' ')" "1 2 "
check_equal "one line tells of the going on" "$(lines continued | wc -l)" 1
check_equal "why the session before ended is told" \
	"$(lines continued | jq -r .previous_reason)" crash
check_match "the gap begins before the kill" \
	"$(lines continued | jq --argjson t "$before" '.gap_from_ns <= $t + 1000000000')" true
check_match "the gap ends when recording goes on" \
	"$(lines continued | jq '.gap_to_ns > .gap_from_ns and (.gap_ns + .gap_from_ns - .gap_to_ns | fabs) < 1000')" true
check_equal "the grade is incomplete" "$(lines end | tail -n 1 | jq -r .grade)" incomplete
check_equal "interfaces keep their ids" "$(lines interface | wc -l)" 1
check_equal "the figures are the store's" "$(lines end | tail -n 1 | jq .packets)" \
	"$(lines segment | jq -s 'map(.packets) | add')"
check_equal "every packet is read" "$("$WEIR" show "$store" | wc -l)" \
	"$(lines end | tail -n 1 | jq .packets)"
check_equal "the reader made from the document reads it" \
	"$(python3 "$SOURCE_ROOT/tests/lib/store_reader.py" "$store" | wc -l)" \
	"$(lines end | tail -n 1 | jq .packets)"

# The verifier knows the line's rules.
cp -r "$store" "$tmp/forged"
sed -i 's/"gap_ns":[0-9]*/"gap_ns":1/' "$tmp/forged/manifest.jsonl"
check_status "a gap made smaller is found" 1 "$WEIR" verify "$tmp/forged"
check_fails "another layout is refused" netns_run a "$WEIR" sniff -i lo -o "$store" -q --continue \
	--layout files --for 1s

# Requests on a descriptor: a mark, and the owner's end.
mkfifo "$tmp/control"
segment=3
start third nsenter --net="/run/netns/$(netns_name a)" sh -c \
	"exec \"$WEIR\" sniff -i lo -o \"$store\" -q --continue --control 3 3<\"$tmp/control\""
exec 4>"$tmp/control"
wait_for 10 is_recording || not_ok "the third session records" "$(cat "$tmp/third.err")"
echo 'mark {"text":"here"}' >&4
wait_for 10 grep -q '"type":"mark"' "$store/manifest.jsonl" || :
check_equal "a mark is in the manifest" "$(lines mark | jq -r .text)" here
exec 4>&-
check_exit "a recorder ends with its owner" 10 "$pid" 3
check_equal "and says so" "$(lines end | tail -n 1 | jq -r .reason)" owner_gone
check "the store still verifies" "$WEIR" verify "$store"
check_equal "a session that died stays told" "$(lines end | tail -n 1 | jq -r .sessions_grade)" incomplete

# Where every session went well, only the gap is told by the grade, and nothing by the exit code.
store=$tmp/well
netns_run a ping -q -i 0.05 127.0.0.1 >/dev/null 2>&1 &
pinging=$!
at_exit "kill $pinging 2>/dev/null || :"
check_status "a first session" 0 timeout 20 nsenter --net="/run/netns/$(netns_name a)" \
	"$WEIR" sniff -i lo -o "$store" --count 2 -q
sums() {
	sha256sum "$store"/*
}
before=$(sums)
# The recorder is nobody by then, who may have no further thread.
goes_on_without_threads() {
	timeout 20 nsenter --net="/run/netns/$(netns_name a)" prlimit --nproc=1 "$WEIR" sniff -i lo \
		-o "$store" --count 2 -q --continue
}
check_status "a session that cannot begin" 3 goes_on_without_threads
check_match "says why" "$tap_output" "cannot start thread"
check_equal "and leaves the store as it was" "$(sums)" "$before"
check_status "nor an interface that is not there" 3 timeout 20 nsenter --net="/run/netns/$(netns_name a)" \
	"$WEIR" sniff -i nothing -o "$store" --count 2 -q --continue
check_equal "which leaves it so, too" "$(sums)" "$before"
goes_on() {
	timeout 20 nsenter --net="/run/netns/$(netns_name a)" "$WEIR" sniff -i lo -o "$store" --count 2 -q --continue
}
check_status "one that goes on well" 0 goes_on
check_match "says that there is a gap" "$tap_output" "the grade of the sessions: complete"
check_status "and another one" 0 goes_on
check_equal "the grades: of all, and of the sessions" \
	"$(lines end | tail -n 1 | jq -c '[.grade, .sessions_grade]')" '["incomplete","complete"]'
check_match "info has both" "$("$WEIR" info "$store")" "for the gaps between its sessions; the sessions are complete"
check "it verifies" "$WEIR" verify "$store"
cp -r "$store" "$tmp/forged2"
sed -i 's/"sessions_grade":"complete"/"sessions_grade":"perfect"/' "$tmp/forged2/manifest.jsonl"
check_status "a grade that is none is found" 1 "$WEIR" verify "$tmp/forged2"
check_match "by its name" "$tap_output" "sessions_grade .perfect. does not fit"
tap_done
