#!/bin/sh
# weir through WinDivert when something is wrong: odd packets, drops that nobody tells, a writer that
# stands still, Ctrl-C in mid-stream, a kill.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/windivert/lib.sh"

# near NAME NUMBER ESTIMATE
near() {
	echo "# $2, estimated $3"
	check "$1" test "$2" -gt 0 -a "${3:-0}" -gt $(($2 * 7 / 10)) -a "${3:-0}" -lt $(($2 * 13 / 10))
}

packets odd in.pcap
# Packet 6 is an impostor at the end of its life, which WinDivert refuses to send.
STANDIN_IMPOSTOR=6 weir divert -o odd --count 11 -q >out.txt 2>&1 || cat out.txt
check "odd packets are recorded as they are" packets same odd in.pcap
check "all but one are sent on" packets within out.pcap in.pcap
check_equal "the one that is refused does not hold back the others" "$(told sent) $(told refused)" "10 1"
check_equal "and is told" "$(line odd not_sent packets)" 1
check_match "impostors are told apart" "$(line odd interface description)" 'impostors'
rm -rf odd
STANDIN_BATCH=4 STANDIN_JUNK=2 weir divert -o odd --count 9 -q >out.txt 2>&1 || cat out.txt
check_equal "what cannot be cut is recorded with what is behind it" "$(packets count odd)" 9
check_equal "and told" "$(line odd uncut packets)" 2
check_equal "and is not sent on, for the driver would cut it as little" "$(told sent) $(line odd not_sent packets)" "8 3"
rm -rf odd
STANDIN_BAD=3 weir divert -o odd --count 11 -q >out.txt 2>&1 || cat out.txt
check "an address that is none loses no packet" packets same odd in.pcap
check_equal "and is told" "$(line odd bad_address packets)" 1
rm -rf odd
STANDIN_CUT=4 weir divert -o odd --count 11 -q >out.txt 2>&1 || cat out.txt
check_equal "a packet that came in part is recorded in part" "$(packets count odd) $(line odd truncated packets)" "11 1"
check_equal "and is not sent on as if it were whole" "$(told sent) $(line odd not_sent packets)" "10 1"

# What a driver does not tell: which packets of a call were sent, when one of them was refused, and when
# its memory ended in the midst.
packets make in.pcap 3000
STANDIN_REFUSE=700 weir divert -o refused --count 3000 -q >out.txt 2>&1 || cat out.txt
check "a packet that is refused: no other is sent twice" packets within out.pcap in.pcap
check_equal "and none is missing" "$(told sent) $(told refused)" "2999 1"
maybe=$(line refused maybe_sent packets)
check "all of its call are told, as it is not known which" test "${maybe:-0}" -gt 1 -a "${maybe:-0}" -le 255
check_match "with the error" "$(line refused maybe_sent what)" 'error 1231'
STANDIN_EXHAUST=700 weir divert -o exhausted --count 3000 -q >out.txt 2>&1 || cat out.txt
check "a call that ends in the midst: none is sent twice" packets within out.pcap in.pcap
missing=$((3000 - $(told sent)))
maybe=$(line exhausted maybe_sent packets)
echo "# missing $missing, told $maybe"
check "and no more are missing than are told" test "$missing" -ge 1 -a "$missing" -le "${maybe:-0}"
check_equal "all are recorded" "$(packets count refused) $(packets count exhausted)" "3000 3000"

packets make in.pcap 60000
export STANDIN_RATE=4000
begin rec "$SOURCE_ROOT/tools/wine" bin/weir.exe divert -o mid -q
wait_for 120 has_told received 3000 || not_ok "packets come"
kill -INT "$pid"
check_exit "Ctrl-C in mid-stream" 120 "$pid" 0
check_equal "what was taken is sent on" "$(told sent)" "$(told received)"
check_equal "and recorded" "$(packets count mid)" "$(told received)"
check "in order" packets within mid in.pcap
check_equal "reason and grade" "$(line mid end 'reason + " " + .grade')" "interrupt complete"
check "the store is as it says" weir verify mid

# Stopped for a second, it cannot take packets, and the driver drops beyond 500 of them.
export STANDIN_LENGTH=500
begin rec "$SOURCE_ROOT/tools/wine" bin/weir.exe sniff -o drops -q
wait_for 120 has_told received 2000 || not_ok "packets come"
kill -STOP "$pid"
sleep 1
kill -CONT "$pid"
more=$(($(told received) + 3000))
wait_for 120 has_told received $more || not_ok "packets come again"
kill -INT "$pid"
check_exit "drops that nobody tells are losses" 120 "$pid" 4
dropped=$(told dropped)
estimated=$(line drops driver_queue estimated_lost_packets)
check "the stand-in dropped some" test "$dropped" -gt 500
near "the estimate is near" "$dropped" "$estimated"
check_equal "the grade is not complete" "$(line drops end grade)" complete-with-loss
check_equal "the sum has them" "$(line drops end losses.kernel.packets)" "$estimated"
check_match "each gap is dated, and called an estimate" \
	"$(jq -c 'select(.type == "gap" and .reason == "kernel") | [.is_estimated, .to_ns > .from_ns]' drops/manifest.jsonl)" '^\[true,true\]$'
check "the store is as it says" weir verify drops
unset STANDIN_LENGTH

# Sending takes so long that what is queued cannot be sent in time: what is in our buffers is, the rest
# is the driver's.
begin rec env STANDIN_RATE=1500 STANDIN_SEND_MS=1000 "$SOURCE_ROOT/tools/wine" bin/weir.exe divert -o slow -q
wait_for 120 has_told fed 4000 || not_ok "packets come"
kill -INT "$pid"
check_exit "a slow way back is bounded" 120 "$pid" 4
check "and holds nothing: every packet reached the other side, once" packets first out.pcap in.pcap
check_match "what may be missing is told" "$(line slow gap why)" 'could not be emptied in time'
near "as many as that is" "$(told released)" "$(line slow gap packets)"
check_equal "dated from the last packet that was recorded" "$(line slow gap from_ns)" "$(line slow end last_ns)"

# A reader that does not read: the writer stands still, traffic does not.
export STANDIN_RATE=20000
mkfifo pipe
start reader sh -c "exec 3<pipe; until [ -e go ]; do sleep 0.05; done; cat <&3 >stream"
begin rec sh -c "exec \"$SOURCE_ROOT/tools/wine\" bin/weir.exe divert -w - --buffer 2MiB --json >pipe 2>said"
wait_for 120 has_told opens 2 || not_ok "it goes over to copying"
check_equal "a writer that stands still: packets are copied, not taken" "$(($(told flags) & 5))" 5
wait_for 120 has_told fed 60000 || not_ok "traffic goes on"
touch go
wait_for 120 has_told opens 3 || not_ok "it takes packets again"
check_equal "once there is room they are taken again" "$(($(told flags) & 5))" 0
kill -INT "$pid"
check_exit "it ends with losses" 120 "$pid" 4
# While handles are exchanged, what comes may overtake what waits.
check "every packet reached the other side, once" packets first out.pcap in.pcap
check "the stream is whole" packets within stream in.pcap

# The same, and what the driver has queued by then takes longer to be sent than is waited for: meanwhile
# all that comes passes, and what is left of the queue goes its way.
rm -f go stream
start reader sh -c "exec 3<pipe; until [ -e go ]; do sleep 0.05; done; cat <&3 >stream"
begin rec sh -c "export STANDIN_RATE=1500 STANDIN_SEND_MS=300
	exec \"$SOURCE_ROOT/tools/wine\" bin/weir.exe divert -w - --buffer 2MiB --json >pipe 2>said"
wait_for 120 has_told opens 2 || not_ok "it goes over to copying"
touch go
wait_for 120 has_told opens 3 || not_ok "it takes packets again"
passed=$(told passed) released=$(told released)
kill -INT "$pid"
check_exit "it ends with losses" 120 "$pid" 4
lost() { tail -n 1 said | jq ".losses.$1.packets // 0"; }
near "what passes from when the old handle is shut is estimated" "$passed" "$(lost stall)"
near "and what it had queued" "$released" "$(lost kernel)"

export STANDIN_RATE=8000
begin rec "$SOURCE_ROOT/tools/wine" bin/weir.exe divert -o killed -q --rotate 256KiB
wait_for 120 has_told received 12000 || not_ok "packets come"
kill -KILL "$pid"
wait_exit 120 "$pid" || not_ok "it ends"
held=$(($(told received) - $(told sent)))
echo "# held $held"
check "a kill loses no more than was in its hands" test $held -ge 0 -a $held -le 1020
weir info killed >out.txt 2>&1 || :
check_equal "its store is repaired when it is opened" "$(line killed end 'reason + " " + .grade')" "crash incomplete"
check "and is as it says" weir verify killed
check "what it has is what came" packets within killed in.pcap
check "and most of it is there" test "$(packets count killed)" -gt 4000
tap_done
