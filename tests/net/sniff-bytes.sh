#!/bin/sh
# A recorder and tcpdump listen to one interface: the same packets, the same bytes, the same times.
# VLAN tags are back in place, GSO packets whole, offload and direction in the flags.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool tcpdump tshark python3 ping
veth_pair
cd "$tmp"
chmod 711 "$tmp"

dst=$(netns_run a ip -o link show va | sed 's/.*ether \([0-9a-f:]*\).*/\1/' | tr -d :)
zeros=$(printf '%0100d' 0)

sniff_start s a -i va -o st --quiet
recorder=$pid
sniff_start cut a -i va -o cut --snaplen 60 --quiet
cutter=$pid
# shellcheck disable=SC2046
start tcpdump $(nsenter_words a) tcpdump -Z root -U -i va -s 0 -B 32768 \
	--time-stamp-precision=nano -w td.pcap
tcpdump=$pid
# Not its socket: it throws away what came before its filter was in place.
wait_for 10 grep -q 'listening on' tcpdump.err
from=$(date +%s%N)

netns_run a ping -q -c 3 -i 0.05 10.9.0.2 >/dev/null
netns_run b ping -q -c 2 -i 0.05 -s 4000 10.9.0.1 >/dev/null
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" udp 10.9.0.2 9 300 700
netns_run b python3 "$SOURCE_ROOT/tests/lib/packets.py" udp 10.9.0.1 9 300 1472
# 802.1Q, 802.1ad outside of 802.1Q, priority only; all with IPv4's type behind them.
netns_run b python3 "$SOURCE_ROOT/tests/lib/packets.py" send vb \
	"${dst}02000000000281002064080045$zeros" \
	"${dst}02000000000288a8006481000065080045$zeros" \
	"${dst}0200000000028100e000080045$zeros"
# One flow of TCP, sent in pieces larger than a frame.
cat >tcp.py <<'END'
import socket, sys
if sys.argv[1] == "serve":
    s = socket.create_server(("10.9.0.2", 7777))
    print("ready", flush=True)
    c, _ = s.accept()
    while c.recv(1 << 16):
        pass
else:
    s = socket.create_connection(("10.9.0.2", 7777))
    s.sendall(bytes(4 << 20))
END
# shellcheck disable=SC2046
start serve $(nsenter_words b) python3 tcp.py serve
serve=$pid
wait_for 10 grep -q ready serve.out
netns_run a python3 tcp.py send
wait_exit 10 "$serve"
to=$(date +%s%N)

sniff_stop "$recorder"
check_equal "the recorder ends with 0" "$exit_code" 0
sniff_stop "$cutter"
segment=st/0000000001.pcapng
# It drops the block that it has not begun to read when it is told to stop.
wait_for 10 packets compare "$segment" td.pcap "$from" "$to" || true
kill -INT "$tcpdump"
wait_exit 10 "$tcpdump"
check_match "tcpdump lost nothing" "$(cat tcpdump.err)" "^0 packets dropped by kernel"

check "the same packets, bytes and times as tcpdump" packets compare "$segment" td.pcap "$from" "$to"
packets list "$segment" >list
check_equal "every datagram is there" \
	"$(tshark -r "$segment" -Y 'udp.dstport == 9 && !icmp' 2>/dev/null | wc -l)" 600
check_equal "every packet has a direction" "$(awk '{f = $5; sub("0x", "", f); d = substr(f, length(f));
	if (!index("159d26ae", d)) n++} END {print n + 0}' list)" 0
check_match "some packets are larger than the wire's" "$(awk '$4 > 1514 {print "large"}' list)" large
check "segmentation and missing checksums are flagged" \
	awk '$4 > 1514 && $5 ~ /^0x[0-9a-f]*[a2][0-9a-f][0-9a-f]$/ {ok = 1} END {exit !ok}' list
tags=$(tshark -r "$segment" -Y vlan -T fields -e eth.type -e vlan.id -e ieee8021ad.id 2>/dev/null | sort)
check_equal "three tagged frames, tags where they were" "$(tshark -r "$segment" \
	-Y 'eth.type == 0x8100 || eth.type == 0x88a8' 2>/dev/null | wc -l)" 3
check_match "the VLAN is 100" "$tags" "100"
check_equal "tshark reads it without a word" \
	"$(tshark -r "$segment" 2>&1 >/dev/null | grep -v 'Running as user' || true)" ""

packets list cut/0000000001.pcapng >cutlist
# Before that only one of them may have been listening.
since() { awk -v from="$from" '$1 >= from' "$1" | wc -l; }
check_equal "snaplen: as many packets" "$(since cutlist)" "$(since list)"
check_equal "snaplen: none is longer, tags included" "$(awk '$3 > 60' cutlist | wc -l)" 0
check_equal "snaplen: lengths on the wire are kept" "$(awk '{print $4}' cutlist | sort -n | tail -n 1)" \
	"$(awk '{print $4}' list | sort -n | tail -n 1)"
tap_done
