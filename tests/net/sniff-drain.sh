#!/bin/sh
# What had passed when the recorder was told to stop is in the store; a live stream shows packets at
# once; where the store is too slow every packet is recorded or counted.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool jq python3 ping tshark
netns_new a
cd "$tmp"
chmod 711 "$tmp"

datagrams() { netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" udp 127.0.0.1 9 "$1" "$2"; }
sent_of() { packets list "$1" | awk -v size="$2" '$4 == size' | wc -l; }

for round in 1 2 3 4 5; do
	sniff_start "drain$round" a -i lo -o "drain$round" --quiet
	datagrams 2000 100
	sniff_stop "$pid"
	check_equal "round $round: nothing that was sent before the stop is missing" \
		"$(sent_of "drain$round/0000000001.pcapng" 142)" 2000
	check_equal "round $round: complete" "$exit_code" 0
done

# A live reader.
mkfifo live
# shellcheck disable=SC2046
start tshark tshark -l -n -r live -Y 'icmp.type == 8'
sniff_start stream a -i lo -w live --quiet
recorder=$pid
netns_run a ping -q -c 1 127.0.0.1 >/dev/null
wait_for 20 test -s tshark.out
lines() { [ "$(wc -l <tshark.out)" -ge "$1" ]; }
for n in 2 3 4; do
	netns_run a ping -q -c 1 127.0.0.1 >/dev/null
	check "packet $n is shown within a second" wait_for 1 lines "$n"
done
sniff_stop "$recorder"
check_equal "the stream's end is a good end" "$exit_code" 0

# A reader that stands still: capture queue and kernel ring fill up, the kernel's drops are counted
# to the packet.
mkfifo slow
sniff_before=$(listening a)
# shellcheck disable=SC2046
start slow $(nsenter_words a) "$WEIR" sniff -i lo -w slow --buffer 32MiB --json
recorder=$pid
exec 8<slow
wait_for 10 more_listening a "$sniff_before"
datagrams 3000 60000
kill -INT "$recorder"
cat <&8 >got.pcapng
wait_exit 20 "$recorder"
exec 8<&-
recorded=$(sent_of got.pcapng 60042)
lost=$(jq -r 'select(.type == "summary") | .lost' slow.out)
check_match "a reader that stands still loses packets" "$lost" "^[1-9]"
check_equal "recorded ($recorded) and lost ($lost) are all that were sent" $((recorded + lost)) 3000
check_equal "losses end with 4" "$exit_code" 4
# A recorder that stands still while its ring fills up, and has all that it was asked for when it goes on.
sniff_start counted a -i lo -o counted --buffer 2MiB --count 20 --json
recorder=$pid
datagrams 1 1400
wait_for 5 grep -q '"type":"segment_open"' counted/manifest.jsonl
kill -STOP "$recorder"
datagrams 3000 1400
kill -CONT "$recorder"
check "the count is reached" wait_exit 20 "$recorder"
lost=$(jq -r 'select(.type == "summary") | .lost' counted.out)
check_match "what was lost before is counted" "$lost" "^[1-9]"
check_equal "and all of it is told as gaps" \
	"$(jq -s 'map(select(.type == "gap") | .packets) | add' counted/manifest.jsonl)" "$lost"
tap_done
