#!/bin/sh
# Packets that Linux joined to more bytes than their header can say (BIG TCP) match a filter like others.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 ping jq
veth_pair
cd "$tmp"
netns_run a ip addr add fd09::1/64 dev va nodad
netns_run b ip addr add fd09::2/64 dev vb nodad

# Of IPv4 the bound is an attribute of its own, which older ip(8) do not know.
cat >bounds.py <<'END'
import socket, struct, sys
GSO_MAX_SIZE, GSO_IPV4_MAX_SIZE = 41, 63
for kind in GSO_MAX_SIZE, GSO_IPV4_MAX_SIZE:
    body = struct.pack("BxHiII", 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0) + struct.pack("HHI", 8, kind, 200000)
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.send(struct.pack("IHHII", 16 + len(body), 16, 5, 1, 0) + body)
    if struct.unpack_from("i", s.recv(4096), 16)[0]:
        sys.exit(1)
END
netns_run a python3 bounds.py va || skip_all "this kernel has no larger bounds for segments"

cat >stream.py <<'END'
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
s = socket.socket(family)
if sys.argv[1] == "take":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    s.bind((sys.argv[2], 5001))
    s.listen()
    print("listens", flush=True)
    c, _ = s.accept()
    while c.recv(1 << 20):
        pass
else:
    s.connect((sys.argv[2], 5001))
    for i in range(16):
        s.sendall(bytes(1 << 20))
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
END
largest() { packets list "$1/0000000001.pcapng" | awk '$4 > most {most = $4} END {print most + 0}'; }
stream() { # ADDRESS NAME
	# shellcheck disable=SC2046
	start "$2" $(nsenter_words b) python3 stream.py take "$1"
	taker=$pid
	wait_for 20 grep -q listens "$2.out"
	netns_run a python3 stream.py give "$1"
	wait_exit 60 "$taker"
}

for family in 4 6; do
	address=10.9.0.2
	[ $family = 4 ] || address=fd09::2
	sniff_start "all$family" a -i va -o "all$family" --quiet true
	all=$pid
	sniff_start "one$family" a -i va -o "one$family" --quiet 'tcp.DstPort == 5001 or tcp.SrcPort == 5001'
	one=$pid
	sniff_start "long$family" a -i va -o "long$family" --quiet 'length == 65575 and tcp.PayloadLength > 65000'
	long=$pid
	stream $address "take$family"
	sniff_stop "$all"
	sniff_stop "$one"
	sniff_stop "$long"
	most=$(largest "all$family")
	if [ "$most" -le 66000 ]; then
		skip "IPv$family: longer packets than a header can say match" "none was sent, the longest has $most bytes"
		continue
	fi
	check_equal "IPv$family: packets of up to $most bytes match" "$(largest "one$family")" "$most"
	packets list "all$family/0000000001.pcapng" | awk '$4 > 65575 + 14' | cut -d' ' -f2- >want
	packets list "long$family/0000000001.pcapng" | cut -d' ' -f2- >got
	check "IPv$family: the longer ones, $(wc -l <want), count as the longest" cmp got want
done
tap_done
