#!/bin/sh
# sniff FILTER records what the filter names and nothing else, whatever the link layer says before it.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 ping jq setpriv
veth_pair
cd "$tmp"
chmod 711 "$tmp"

udp() { netns_run "$1" python3 "$SOURCE_ROOT/tests/lib/packets.py" udp "$2" "$3" "$4" "$5"; }
lengths() { packets list "$1" | awk '{print $2, $4}' | sort | uniq -c | tr -s ' ' | tr '\n' ';'; }

where_it_ran() { jq -r 'select(.type == "start") | .source.is_filter_in_kernel' "$1/manifest.jsonl"; }
cp "$WEIR" weir
chmod 755 weir
mkdir -m 777 open

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
can_load=$(where_it_ran r1)
check_match "the filter runs in the kernel, or it is said why not" \
	"$can_load $(jq -r 'select(.type == "start") | .source.filter_why' r1/manifest.jsonl)" \
	"^true null|false .*"
if [ "$can_load" = true ]; then
	check_equal "what does not match is not even received" \
		"$(packets received r1/0000000001.pcapng)" 20
else
	skip "what does not match is not even received" "no program can be loaded"
fi
check_equal "the right ones, whole" "$(lengths r4/0000000001.pcapng)" " 7 va 1042;"

# The same in the kernel and before the copy: a recorder that may not load programs, and odd frames.
frames() { # a header of IPv4 and UDP to 4009, with a length; tags before and bytes behind it
	ip4=4500001d000100004011000 ip4=${ip4}00a0900020a090001
	udp4=0fa90fa90009000055
	mac=$(netns_run a ip -o link show va | sed 's/.*ether \([0-9a-f:]*\).*/\1/' | tr -d :)
	pad=eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
	for head in 0800 810000640800 88a80065810000640800 8100e0000800; do
		echo "${mac}020000000002$head$ip4$udp4"
		echo "${mac}020000000002$head$ip4$udp4$pad"
	done
	echo "${mac}0200000000020806$ip4$udp4"
	echo "${mac}0200000000020023aaaa030000000800$ip4$udp4"
	echo "${mac}0200000000020800"
	echo "${mac}02000000000208004500"
}
n=0
while read -r where filter; do
	n=$((n + 1))
	interface=
	[ "$where" = all ] || interface="-i va"
	eval "filter$n=\$filter where$n=\$where"
	# shellcheck disable=SC2086
	sniff_start "k$n" a $interface -o "k$n" --quiet "$filter"
	eval "kernel$n=$pid"
	before=$(listening a)
	# shellcheck disable=SC2046,SC2086
	start "u$n" $(nsenter_words a) setpriv --reuid nobody --clear-groups --inh-caps +net_raw \
		--ambient-caps +net_raw "$tmp/weir" sniff $interface -o "$tmp/open/u$n" --quiet "$filter"
	eval "user$n=$pid"
	wait_for 10 more_listening a "$before"
done <<END
all udp.DstPort == 4009
one udp.DstPort == 4009
all length == 29 and udp
one udp.PayloadLength == 1 and inbound
all packet[-1] == 0x55
one not tcp
all ifIdx == 1 or outbound
END
# shellcheck disable=SC2046
netns_run b python3 "$SOURCE_ROOT/tests/lib/packets.py" send vb $(frames)
# shellcheck disable=SC2046
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send va $(frames | tail -n 3)
udp a 127.0.0.1 4009 2 8
i=1
while [ $i -le $n ]; do
	eval "sniff_stop \$kernel$i; sniff_stop \$user$i; filter=\$filter$i where=\$where$i"
	check_equal "$filter, $where: where it runs" \
		"$(where_it_ran "k$i") $(where_it_ran "open/u$i")" "$can_load false"
	packets list "k$i/0000000001.pcapng" | cut -d' ' -f2- | sort >k
	packets list "open/u$i/0000000001.pcapng" | cut -d' ' -f2- | sort >u
	check "the same packets ($(wc -l <k))" cmp k u
	i=$((i + 1))
done

sniff_start cut a -i va -o cut --snaplen 50 --quiet 'udp.Payload[999] == 0'
udp b 10.9.0.1 4003 3 1000
sniff_stop "$pid"
check_equal "the filter sees what the snap length cuts off" \
	"$(packets list cut/0000000001.pcapng | awk '{print $3, $4}' | uniq -c | tr -s ' ')" " 3 50 1042"

# Of this one, without a link header, the bytes behind the stated end are as many as such a header has.
# shellcheck disable=SC2046
start tun $(nsenter_words a) python3 "$SOURCE_ROOT/tests/lib/packets.py" tun t0 "$tmp/go" \
	"6000000000003b40$(printf '%092d' 0)"
if wait_for 10 grep -q made tun.out; then
	netns_run a ip link set t0 addrgenmode none
	netns_run a ip link set t0 up
	sniff_start bare a -o bare --quiet 'length == 54'
	: >go
	wait_for 20 grep -q sent tun.out
	sniff_stop "$pid"
	got=$(jq -r 'select(.type == "end") | .packets' bare/manifest.jsonl)
	check_equal "a packet without a link header is not taken for a shorter one with it" "$got" 1
else
	skip "a packet without a link header is not taken for a shorter one with it" "no tun device"
fi

"$WEIR" import r3/0000000001.pcapng -o again --quiet --filter 'udp.DstPort == 4002' 2>again.err
check_equal "import takes a filter too" "$(jq -r 'select(.type == "end") | .packets' again/manifest.jsonl)" 5
tap_run netns_run a "$WEIR" sniff 'udp.DestPort == 1' -o bad
check_equal "a wrong filter ends with 2" "$tap_status" 2
check "and makes no store" test ! -e bad
tap_done
