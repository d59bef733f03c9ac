#!/bin/sh
# How a recording begins and ends: --for, --count, Ctrl-C with a drain, a second Ctrl-C, -w, an
# existing store.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool ping jq
netns_new a
cd "$tmp"
chmod 711 "$tmp"

recording() { grep -q '"type":"status"' "$1"; }
summary() { jq -r "select(.type==\"summary\") | $2" "$1"; }
weir_pid() { # PID of nsenter or of weir itself
	if [ "$(cat "/proc/$1/comm")" = weir ]; then
		echo "$1"
	else
		pgrep -P "$1" weir | head -n 1
	fi
}

# The program's own pages are some 16 MiB; a divert's recorder is the child.
within_memory() { # PID FILE
	stated=$(jq -r 'select(.type=="started") | .memory_bytes' "$2")
	child=$(pgrep -P "$1" | head -n 1)
	peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${child:-$1}/status")
	[ "$stated" -gt 0 ] && [ $((peak * 1024)) -le $((stated + 16 * 1024 * 1024)) ]
}

# A reader that goes is told by name, whatever else ends the recording.
nsenter --net="/run/netns/$(netns_name a)" ping -q -i 0.05 127.0.0.1 >/dev/null &
pinging=$!
at_exit "kill $pinging 2>/dev/null || :"
for c in sniff divert; do
	mkfifo "gone-$c"
	(head -c 700 >/dev/null) <"gone-$c" &
	netns_run a timeout 20 "$WEIR" $c -i lo -w - -q >"gone-$c" 2>"gone-$c.err" && code=0 || code=$?
	check_equal "$c: the reader of standard output has gone" "$code $(tail -n 1 "gone-$c.err")" \
		"3 weir $c: the reader of standard output has gone"
done
kill "$pinging" || :

for c in sniff divert; do
	start "for-$c" netns_run a "$WEIR" $c -i lo -o "for-$c" --for 1s --json
	check_exit "$c --for ends by itself with 0" 8 "$pid" 0
	check_equal "$c of silence is complete" "$(summary "for-$c.out" .grade)" complete
	check_equal "$c of silence has no packet" "$(summary "for-$c.out" .packets)" 0

	start "count-$c" netns_run a "$WEIR" $c -i lo -o "count-$c" --count 7 --json
	wait_for 5 recording "count-$c.out"
	netns_run a ping -q -i 0.02 -c 20 127.0.0.1 >/dev/null
	check "$c --count ends by itself" wait_exit 8 "$pid"
	check_equal "$c --count is exact" "$(summary "count-$c.out" .packets)" 7

	start "int-$c" netns_run a "$WEIR" $c -i lo -o "int-$c" --json
	wait_for 5 recording "int-$c.out"
	netns_run a ping -q -i 0.002 -c 100 127.0.0.1 >/dev/null
	recorder=$(weir_pid "$pid")
	check "$c uses the memory that it states, and little more" \
		within_memory "$recorder" "int-$c.out"
	kill -INT "$recorder"
	check_exit "$c ends at Ctrl-C with 0" 8 "$pid" 0
	# 100 requests and 100 replies, each once.
	check_equal "$c has drained: every packet is there" "$(summary "int-$c.out" .packets)" 200
	check "$c left a store that verifies" "$WEIR" verify "int-$c"

	start "hup-$c" netns_run a nohup "$WEIR" $c -i lo -o "hup-$c" --json
	wait_for 5 recording "hup-$c.out"
	recorder=$(weir_pid "$pid")
	kill -HUP "$recorder"
	netns_run a ping -q -c 1 127.0.0.1 >/dev/null
	netns_run a ping -q -c 1 -W 1 127.0.0.1 >/dev/null
	kill -INT "$recorder"
	check_exit "$c under nohup ends at Ctrl-C" 8 "$pid" 0
	check_equal "$c under nohup goes on after a hang-up" "$(summary "hup-$c.out" .packets)" 4

	tap_run netns_run a "$WEIR" $c -i lo -o "int-$c"
	check_equal "$c refuses an existing store" "$tap_status" 3
	check_match "$c says so" "$tap_output" "exists"
	check "$c leaves the existing store alone" "$WEIR" verify "int-$c"
done

check_equal "no rule is left" "$(netns_run a nft list tables 2>/dev/null | grep -c weir_ || true)" 0

: >there.pcapng
check_status "-w refuses an existing file" 3 netns_run a "$WEIR" sniff -i lo -w there.pcapng
check_equal "and leaves it alone" "$(wc -c <there.pcapng)" 0

mkfifo fifo
tap_run netns_run a timeout -s INT 1 "$WEIR" sniff -i lo -w fifo
check_equal "a pipe without a reader: Ctrl-C ends the wait" "$tap_status" 124

# A reader that takes a little, and no more until it is told to go; meanwhile more comes than its pipe holds, so
# that what is being written when it goes is told from what was written.
mkfifo go
start pipe netns_run a sh -c '"$0" sniff -i lo -w - --for 60s --json 2>pipe.status | { head -c 2000 >part; read -r _ <go; }' "$WEIR"
wait_for 30 recording pipe.status
check "pings answered" netns_run a ping -q -c 200 -s 1400 -i 0.002 127.0.0.1
echo >go
recorder_gone() { grep -q "has gone" pipe.status; }
check "a live reader that goes ends the recording" wait_for 10 recorder_gone
ended() { jq -r -R "fromjson? | select(.type == \"summary\") | $1" pipe.status; }
check "what it did not get is counted" test "$(ended '.losses.write.packets // 0')" -gt 0
check_equal "and what it left unread is not called complete" "$(ended .grade)" incomplete
tap_done
