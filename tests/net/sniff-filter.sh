#!/bin/sh
# sniff FILTER records what the filter names and nothing else, whatever the link layer says before it.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 ping jq
veth_pair
cd "$tmp"
chmod 711 "$tmp"

udp() { netns_run "$1" python3 "$SOURCE_ROOT/tests/lib/packets.py" udp "$2" "$3" "$4" "$5"; }
lengths() { packets list "$1" | awk '{print $2, $4}' | sort | uniq -c | tr -s ' ' | tr '\n' ';'; }

# One recorder a filter, all at once.
n=0
while read -r want words; do
	n=$((n + 1))
	eval "want$n=\$want words$n=\$words"
	sniff_start "r$n" a -o "r$n" --quiet "$words"
	eval "pid$n=$pid"
done <<END
20 udp.DstPort == 4001
20 udp.DstPort == 4001 and outbound
25 loopback and udp
7 inbound and udp.DstPort == 4003
27 udp.Payload32[-1] == 0 and udp.PayloadLength == 1000 and iface == "va" or udp.DstPort == 4001
0 tcp.DstPort == 4001
0 false
END

udp a 127.0.0.1 4001 20 100
udp a 127.0.0.1 4002 5 100
udp b 10.9.0.1 4003 7 1000
i=1
while [ $i -le $n ]; do
	eval "sniff_stop \$pid$i; want=\$want$i words=\$words$i"
	got=$(jq -r 'select(.type == "end") | .packets' "r$i/manifest.jsonl")
	check_equal "$want packets: $words" "$got" "$want"
	i=$((i + 1))
done
check_equal "the right ones, whole" "$(lengths r4/0000000001.pcapng)" " 7 va 1042;"

sniff_start cut a -i va -o cut --snaplen 50 --quiet 'udp.Payload[999] == 0'
udp b 10.9.0.1 4003 3 1000
sniff_stop "$pid"
check_equal "the filter sees what the snap length cuts off" \
	"$(packets list cut/0000000001.pcapng | awk '{print $3, $4}' | uniq -c | tr -s ' ')" " 3 50 1042"

"$WEIR" import r3/0000000001.pcapng -o again --quiet --filter 'udp.DstPort == 4002' 2>again.err
check_equal "import takes a filter too" "$(jq -r 'select(.type == "end") | .packets' again/manifest.jsonl)" 5
tap_run netns_run a "$WEIR" sniff 'udp.DestPort == 1' -o bad
check_equal "a wrong filter ends with 2" "$tap_status" 2
check "and makes no store" test ! -e bad
tap_done
