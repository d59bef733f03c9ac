#!/bin/sh
# Inline: every packet of real flows is recorded, once, as it was, and nothing is slowed unnoticed.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool tshark tcpdump

frames() {
	tshark -n -r "$1" -Y "$2" -T fields -e frame.number 2>/dev/null | wc -l
}

# Far's own view of ping: what tcpdump sees on the wire.
start_in far tcpdump tcpdump --immediate-mode -U -B 16384 -n -i "f$$" -w "$tmp/wire.pcap" "icmp or icmp6 or udp port 7100 or tcp port 7100"
tcpdump_pid=$pid
wait_for 5 grep -q "listening" "$tmp/tcpdump.err"

# A machine that keeps the recorder from its processor for 150 ms lets packets pass and has them counted:
# divert-stalled is about that.
recorder_start all --stall 2s
flows_start
flows_run 25
flows_stop
check "loopback is reachable while it is diverted" netns_run rec ping -c 5 -i 0.05 -q 127.0.0.1
check "IPv6 loopback too" netns_run rec ping -c 3 -i 0.05 -q ::1
# What tcpdump has not read when it is ended it does not write: the last packet of all is one that can
# be told from the others.
has_last() {
	tcpdump -n -r "$tmp/wire.pcap" 'icmp[icmptype] == icmp-echoreply and greater 1200' 2>/dev/null | grep -q .
}
check "the last packet of all comes through" netns_run far ping -c 1 -W 5 -q -s 1200 10.66.0.1
wait_for 10 has_last
recorder_stop
kill -INT "$tcpdump_pid"
wait_exit 5 "$tcpdump_pid"

check_equal "nothing was lost: exit code 0" "$recorder_exit" 0
check_equal "the grade is complete" "$(end_of all .grade)" '"complete"'
flows_went_on "the flows never stood still"
check "the rules are gone" no_rules

seg=$tmp/all.store/0000000001.pcapng
for kind in "icmp && ip.addr == 10.66.0.2" "ipv6.addr == fd66::2 && icmpv6.type == 128" \
	"ipv6.addr == fd66::2 && icmpv6.type == 129" "udp.port == 7100"; do
	check_equal "as many on the wire as in the store: $kind" \
		"$(frames "$seg" "$kind")" "$(frames "$tmp/wire.pcap" "$kind")"
done
check_equal "the bytes of UDP and ICMP are those of the wire" \
	"$(tshark -n -r "$seg" -Y "udp.port == 7100 || (icmp && ip.addr == 10.66.0.2)" -T fields -e ip.id -e ip.checksum -e udp.payload -e data.data 2>/dev/null | sort | sha256sum)" \
	"$(tshark -n -r "$tmp/wire.pcap" -Y "udp.port == 7100 || icmp" -T fields -e ip.id -e ip.checksum -e udp.payload -e data.data 2>/dev/null | sort | sha256sum)"

# TCP: segments stay whole, so compare bytes, not packets: every byte sent is there once or more.
tcp_bytes() {
	tshark -n -r "$1" -Y "tcp.dstport == 7100" -T fields -e tcp.len 2>/dev/null |
		awk '{ n += $1 } END { print n + 0 }'
}
stored=$(tcp_bytes "$seg") wire=$(tcp_bytes "$tmp/wire.pcap")
echo "# TCP bytes: store $stored, wire $wire, sender $(flow tcp_bytes)"
check_equal "as many TCP bytes in the store as on the wire" "$stored" "$wire"

check_equal "loopback packets are there once: 5 requests and 5 replies" \
	"$(frames "$seg" "icmp && ip.addr == 127.0.0.1")" 10
check_equal "and all of them are outbound" \
	"$(frames "$seg" "ip.addr == 127.0.0.1 && frame.packet_flags_direction != 2")" 0
check_equal "requests from far are inbound" \
	"$(frames "$seg" "icmp.type == 8 && ip.src == 10.66.0.2 && frame.packet_flags_direction != 1")" 0
check_equal "replies to it are outbound" \
	"$(frames "$seg" "icmp.type == 0 && ip.dst == 10.66.0.2 && frame.packet_flags_direction != 2")" 0

tap_done
