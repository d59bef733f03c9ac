#!/bin/sh
# Whatever ends a listing early, the summary is written and says why.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq
root=$tmp/root
mkdir "$root"
python3 -c '
import os, sys
os.chdir(sys.argv[1])
for i in range(40):
    os.mkdir("d%d" % i)
    for j in range(100):
        open("d%d/%d" % (i, j), "w").close()
with open("big", "wb") as f:
    f.truncate(1 << 40)' "$root"

# It hashes a hole of 1 TiB: it is at work until it is stopped.
start long "$WEIR" list -r --hash sha256 --hash-max 0 -j 2 "$root" -o "$tmp/long.jsonl"
long=$pid
at_work() {
	[ -s "$tmp/long.jsonl" ]
}
wait_for 10 at_work
kill -INT "$long"
wait_exit 10 "$long" || true
check_equal "Ctrl-C: ends at once, done with losses" "${exit_code:-hangs}" 4
check_equal "and with a summary" "$(tail -n 1 "$tmp/long.jsonl" | jq -c '[.record, .complete, .reason]')" \
	'["summary",false,"interrupted"]'
check "every line is whole" jq -e . "$tmp/long.jsonl"

list -r --hash sha256 --hash-max 0 --max-time 500ms "$root"
check_equal "--max-time" "$list_code $(summary complete) $(summary reason)" '4 false "max_time"'
list -r --max-entries 100 -j 1 "$root"
check_equal "--max-entries" "$list_code $(records) $(summary reason)" '4 100 "max_entries"'
list -r --max-bytes 200KiB "$root"
check_equal "--max-bytes" "$list_code $(summary reason)" '4 "output"'
check "stays below" test "$(head -n -1 "$tmp/list" | wc -c)" -le 204800
check "whole lines even so" jq -e . "$tmp/list"
list -r --format csv "$root/nothing"
check_equal "a path that is not there" "$list_code" 3
list -r "$root/d1" "$root/nothing"
check_equal "one of two" "$list_code $(records)" "4 101"
check_equal "and the summary says so" "$(tail -n 1 "$tmp/list" | jq -c '[.complete, .reason, .failed_paths]')" \
	'[false,"errors",1]'
"$WEIR" list -r "$root" | head -n 2 >/dev/null
ok "a reader that has enough is no failure"
list -r "$root" -o /dev/full
check_equal "a full disk is one" "$list_code" 3
tap_done
