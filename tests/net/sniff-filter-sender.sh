#!/bin/sh
# What a packet socket's sender says of its frames hides none of them from a filter.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 ping jq
veth_pair
cd "$tmp"

send() { netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" send "$@"; }
lengths() {
	[ ! -e "$1/0000000001.pcapng" ] ||
		packets list "$1"/*.pcapng | awk '{print $2, $4}' | sort | uniq -c | tr -s ' ' | tr '\n' ';'
}

netns_run a ip link set va mtu 2100
netns_run b ip link set vb mtu 2100
# shellcheck disable=SC2046
start tun $(nsenter_words a) python3 "$SOURCE_ROOT/tests/lib/packets.py" tun t0 "$tmp/never"
wait_for 20 grep -q made tun.out || skip_all "cannot make a tun device"
netns_run a ip link set t0 addrgenmode none
netns_run a ip link set t0 up

macs=020000000002020000000001
addresses=0a0900010a090002
udp=0fa90fa9
ip=4500001d0001000040110000$addresses${udp}0009000055
# A tag and the type behind it that are an IPv4 header of the right length, where one is believed to begin
# behind the addresses and the protocol that the sender says.
tagged=${macs}810045000800450007fc0001000040110000$addresses${udp}07e80000$(printf '%04032d' 0)
arp=${macs}08060001080006040001$(printf '%060d' 0)

n=0
while read -r where want filter; do
	n=$((n + 1))
	interface=
	[ "$where" = all ] || interface="-i $where"
	eval "filter$n=\$filter where$n=\$where want$n=\$want"
	# shellcheck disable=SC2086
	sniff_start "r$n" a $interface -o "r$n" --quiet "$filter"
	eval "pid$n=$pid"
done <<END
va _1_va_2062;_2_va_43; udp.DstPort == 4009
all _1_t0_29;_1_va_2062;_2_va_43; udp.DstPort == 4009
t0 _1_t0_29; udp.DstPort == 4009
va _1_va_2062;_2_va_43; not tcp
all _1_t0_29;_2_va_43; length == 29
va none tcp
END
send va,0x0806 "${macs}0800$ip"
send va,0x88cc "${macs}0800$ip"
send va,0x0800 "$tagged" "$arp"
send t0,0x0806 "$ip"
i=1
while [ $i -le $n ]; do
	eval "sniff_stop \$pid$i; filter=\$filter$i where=\$where$i want=\$want$i"
	got=$(lengths "r$i" | tr ' ' _)
	check_equal "$filter, $where" "${got:-none}" "$want"
	i=$((i + 1))
done
tap_done
