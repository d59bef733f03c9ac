#!/bin/sh
# Large files are hashed by whoever has no directory to read: the same hashes with any number of threads,
# and each file has its record however the listing ends.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq sha256sum
root=$tmp/root
python3 - "$root" <<'P'
import os, random, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
r = random.Random(1)
for d in range(4):
    os.makedirs("d%d/e" % d)
    for i in range(3):
        with open("d%d/e/big%d" % (d, i), "wb") as f:
            f.write(r.randbytes((1 << 20) + 70000 * i + d))
        with open("d%d/small%d" % (d, i), "wb") as f:
            f.write(r.randbytes(i * 1000))
P
want=$(cd "$root" && find . -type f -exec sha256sum {} + | sort)
for threads in 1 2 3 8; do
	list -r -j $threads --hash sha256 "$root"
	check_equal "$threads threads: every file once, with its hash" \
		"$(jq -r --arg r "$root" 'select(.sha256) | .sha256 + "  ." + (.path | ltrimstr($r))' "$tmp/list" | sort)" "$want"
	check_equal "$threads threads: counted" "$list_code $(summary hashed_files) $(summary complete)" "0 24 true"
done
sha256sum "$root/d0/e/big1" "$root/d3/e/big2" >"$tmp/known"
list -r -j 3 --known-in "$tmp/known" "$root"
check_equal "known files among those that wait" \
	"$(jq -r 'select(.record=="file").path' "$tmp/list" | sort | tr '\n' ' ')" "$root/d0/e/big1 $root/d3/e/big2 "
list -r -j 3 --known-in "$tmp/known" --max-entries 1 "$root"
check_equal "--max-entries counts what is written" "$(records) $(summary reason)" '1 "max_entries"'

# Holes that take hours: more of them than threads.
for i in 1 2 3 4 5; do truncate -s 1T "$root/hole$i"; done
endings() {
	jq -c 'select(.record=="file" and (.path | test("hole"))) | .missing.hash' "$1" | sort | uniq -c | tr -s ' '
}
start long "$WEIR" list -r --hash sha256 --hash-max 0 -j 2 "$root" -o "$tmp/long.jsonl"
long=$pid
is_at_work() {
	[ -d "/proc/$long/task" ] && [ "$(cat /proc/"$long"/task/*/io 2>/dev/null | awk '/^rchar/ {s += $2} END {print (s > 300000000)}')" = 1 ]
}
wait_for 20 is_at_work
kill -INT "$long"
wait_exit 10 "$long" || true
check_equal "Ctrl-C: ends at once" "${exit_code:-hangs}" 4
check_equal "what was hashed and what waited are told alike" "$(endings "$tmp/long.jsonl")" ' 5 "stopped"'
check_equal "the summary is there" "$(tail -n 1 "$tmp/long.jsonl" | jq -c '[.record, .reason, .written]')" '["summary","interrupted",38]'
list -r --hash sha256 --hash-max 0 -j 2 --max-time 700ms "$root"
check_equal "--max-time: the same" "$list_code $(summary reason)$(endings "$tmp/list")" '4 "max_time" 5 "stopped"'
list -r --hash sha256 --hash-max 0 -j 2 --max-time 700ms --max-bytes 6KiB "$root"
check "an output that is full holds nothing up" test "$list_code" = 4
tap_done
