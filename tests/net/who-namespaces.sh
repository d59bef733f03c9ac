#!/bin/sh
# One set of addresses and ports in two network namespaces: each recorder names its own processes.
# 500 connections of 50 processes that start at once in two namespaces.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool jq
require_tool python3
require_events
veth_pair
lo_up a
lo_up b
cd "$tmp"
chmod 711 "$tmp"

sniff_start sniff-twin-a a -i lo -o twin-a --json --buffer 8MiB
in_a=$pid
sniff_start sniff-twin-b b -i lo -o twin-b --json --buffer 8MiB
in_b=$pid
start twin-b netns_run b python3 "$SOURCE_ROOT/tests/lib/who.py" same_tuple 4000 5000
twin=$pid
netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" same_tuple 4000 5000 >twin-a.truth
check "the twin ends too" wait_exit 60 "$twin"
sniff_stop "$in_a"
sniff_stop "$in_b"
cp twin-b.out twin-b.truth
for ns in a b; do
	compare "twin-$ns" "twin-$ns.truth"
	echo "# twin-$ns: $counts"
	check_equal "namespace $ns: none is taken for the other's" "$(count_of wrong)" 0
	are_known "namespace $ns"
done

# 250 connections each way.
start server-a netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" server 10.9.0.1 7000
start server-b netns_run b python3 "$SOURCE_ROOT/tests/lib/who.py" server 10.9.0.2 7000
are_served() { [ -s server-a.out ] && [ -s server-b.out ]; }
check "two servers listen" wait_for 60 are_served
sniff_start sniff-many-a a -i va -o many-a --json --buffer 8MiB
in_a=$pid
sniff_start sniff-many-b b -i vb -o many-b --json --buffer 8MiB
in_b=$pid
start many-a netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" many 10.9.0.2 7000 25 10 "$tmp/go"
many_a=$pid
start many-b netns_run b python3 "$SOURCE_ROOT/tests/lib/who.py" many 10.9.0.1 7000 25 10 "$tmp/go"
many_b=$pid
are_ready() { grep -q ready many-a.out && grep -q ready many-b.out; }
check "50 processes wait" wait_for 60 are_ready
touch go
check "those of a end" wait_exit 60 "$many_a"
check "those of b end" wait_exit 60 "$many_b"
sniff_stop "$in_a"
sniff_stop "$in_b"
total=0
total_known=0
exact=0
for ns in a b; do
	compare "many-$ns" "many-$ns.out"
	echo "# many-$ns: $counts"
	check_equal "namespace $ns: 250 connections" "$(count_of connections)" 250
	check_equal "namespace $ns: none is wrong" "$(count_of wrong)" 0
	total=$((total + $(count_of packets)))
	total_known=$((total_known + $(count_of exact) + $(count_of earlier)))
	exact=$((exact + $(count_of connections_exact)))
done
check "99 of 100 connections are known exactly" test $exact -ge 495
# The last acknowledgement of a connection comes when it is closed: of who had it, as such.
check "99 of 100 packets are known, as their connection's or as of who had it" \
	test $((total_known * 100)) -ge $((total * 99))
# The other end of each connection is the server's.
for ns in a b; do
	server=$(cat server-$ns.out)
	check_equal "namespace $ns: what its server is sent is the server's" "$("$WEIR" show --json \
		many-$ns | jq -r 'select((.direction == "in" and .dst_port == 7000) or
		(.direction == "out" and .src_port == 7000)) | .pid' | sort -u)" "$server"
done
tap_done
