#!/bin/sh
# Conversations: names and where they are from, states, processes, what has no ports.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq
PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/conversations.py" "$tmp"
cd "$tmp"
run() {
	code=0
	"$WEIR" flows "$@" >out 2>err || code=$?
}
# of PORT PROGRAM: what jq says of the flow from that port.
of() {
	jq -r "select(.src_port == $1) | $2" out
}
names='[.names[] | .name + "(" + .from + ")"] | join(" ")'

run --json named.pcap
check_equal "done" "$code $(cat err)" "0 "
check "each line is an object with the members that are promised" jq -e 'has("protocol") and has("src")
	and has("src_port") and has("dst") and has("dst_port") and has("packets") and has("bytes") and
	has("pid") and has("process") and has("process_certainty") and has("first_ns") and
	has("last_ns") and has("src_packets") and has("src_bytes") and has("dst_packets") and
	has("dst_bytes") and has("names") and has("state") and has("initiator")' out
check_equal "in order of their beginning" "$(jq .first_ns out | sort -c -n 2>&1)" ""
check_equal "a name belongs to the client that asked" "$(of 40001 "$names") $(of 40002 "$names")" \
	"one.example(dns) www.two.example(dns)"
check_equal "the one resolved last before the flow began" "$(of 40003 "$names")" "second.example(dns)"
check_equal "an address of a name that was not asked for has none" "$(of 40004 "$names")" ""
check_equal "an answer without question is marked" "$(of 40005 '.names[0] | "\(.name) \(.asked)"')" "forged.example false"
check_equal "and does not replace one that has it" "$(of 40006 '.names[0] | "\(.name) \(.asked)"')" "after.example true"
check_equal "each whole answer in a segment of TCP" "$(of 40041 "$names") $(of 40042 "$names") $(of 40043 "$names")" \
	"first.tcp.example(dns) second.tcp.example(dns) "
check_equal "TLS server names, in one segment and in pieces out of order" \
	"$(of 40010 "$names") $(of 40011 "$names") $(of 40013 "$names")" "tls.example(tls) split.example(tls) six.example(tls)"
check_equal "a hello without a name" "$(of 40012 "$names")" ""
check_equal "bytes that no name has are told by number" "$(of 40031 "$names") $(of 40032 "$names")" \
	'good.example\000.evil.example(tls) bank.example\040dns)\032x(tls)'
check_equal "HTTP hosts of each request" "$(of 40020 "$names")" "web.example(http) again.example(http)"
check_equal "a proxy's target" "$(of 40021 "$names")" "far.example(http)"
check_equal "a head in two segments" "$(of 40022 "$names")" "halves.example(http)"
check_equal "when a name was seen" "$(of 40010 '.names[0].at')" "2025-11-22T23:13:35.042000000Z"
run --json named.pcap --from 2025-11-22T23:13:35.042Z --filter 'tcp.DstPort == 443'
check_equal "a filter and a time choose what is counted" "$(jq -r '"\(.src_port) \(.src_packets) \(.dst_packets)"' out | tr '\n' ' ')" \
	"40010 1 0 40011 7 0 40012 3 0 "
run --json named.pcap --from 2025-11-22T23:13:35.018Z --filter 'localPort == 40003 or remotePort == 40003'
check_equal "but what names a flow may lie before and beside it" "$(of 40003 "$names")" "second.example(dns)"

run --json states.pcap
check_equal "states" "$(jq -r 'select(.src_port != 40010) | "\(.src_port) \(.state) \(.initiator)"' out | tr '\n' ',')" \
	"40000 new syn,40001 half-open syn,40002 established syn,40003 closing syn,40004 closed syn,40005 reset syn,40006 refused syn,80 established first-packet,40008 established syn-ack,40009 new syn,"
check_equal "ports that are used again" "$(of 40010 '"\(.state) \(.packets)"' | tr '\n' ',')" "closed 6,established 3,established 3,"

run --json left-over.pcap
check_equal "who sent the SYN is the source, whatever the server said before" \
	"$(jq -r '"\(.src_port) \(.state) \([.names[].name] | join(" "))"' out | tr '\n' ',')" \
	"80 reset ,40011 established fresh.example,"

run --json odd.pcap
check_match "what is in no flow is told" "$(cat err)" "1 of 32 packets have no IP header"
check_equal "fragments belong to their flow, in whatever order" \
	"$(jq -r 'select(.dst_port == 6000) | "\(.src) \(.packets) \(.bytes)"' out | tr '\n' ',')" \
	"10.0.0.1 3 2158,10.0.0.2 3 2158,2001:db8::1 3 2242,"
check_equal "those of a packet without ports, too" \
	"$(jq -r 'select(.protocol == "esp") | "\(.dst) \(.packets) \(.fragments_only)"' out | tr '\n' ',')" \
	"192.0.2.4 3 null,192.0.2.5 3 null,"
check_equal "and those of IPv6 whose first piece has an extension header" "$(of 5001 '"\(.packets) \(.dst_port)"')" "2 6001"
check_equal "those without their first piece are a flow of fragments" \
	"$(jq -r 'select(.fragments_only) | "\(.src) \(.src_port) \(.packets)"' out)" "10.0.0.3 null 2"
check_equal "extension headers are passed" "$(of 1 .src)" "2001:db8::2"
check_equal "VLANs keep flows apart" "$(jq -c 'select(.vlan) | .vlan' out | tr '\n' ' ')" "[5] [6] [5,7] "
check_equal "pings by their identifier" "$(jq -r 'select(.icmp_id) | "\(.protocol) \(.icmp_id) \(.packets) \(.state)"' out | tr '\n' ',')" \
	"icmp 1 2 answered,icmp 2 2 answered,icmpv6 3 1 one-way,"
check_equal "other messages by type and code" "$(jq -r 'select(.icmp_type) | "\(.icmp_type) \(.icmp_code)"' out)" "3 3"
check_equal "a protocol without ports" "$(jq -r 'select(.protocol == "gre") | .src_port' out)" "null"

run --json pieces.pcapng
check_equal "pieces by themselves keep interface and direction" \
	"$(jq -r 'select(.fragments_only) | "\(.iface) \(.direction) \(.packets)"' out)" "two out 1"
check_equal "those before the first one count once, too" \
	"$(of 5000 '"\(.iface) \(.packets) \(.elsewhere_packets)"')" "one 2 2"

run --json owned.pcapng
who='"\(.process)[\(.pid)] \(.process_certainty) \(.process_method)"'
check_equal "a process by option 8, owner and process block" "$(of 1000 "$who, .process_path, .user" | tr '\n' ' ')" \
	"curl[4711] exact socket /usr/bin/curl ann "
check_equal "one that is less sure" "$(of 1001 "$who")" "null[4712] wildcard socket"
check_equal "one that is not known" "$(of 1002 "$who")" "null[null] unknown null"
check_equal "one of which a file says only the id" "$(of 1003 "$who")" "null[4713] stated null"
check_equal "nobody looked" "$(of 1004 "$who")" "null[null] null null"
check_equal "who accepted is surer than who listens" "$(of 50000 "$who")" "httpd[4715] exact socket"
check_equal "both ends on one machine" "$(of 700 "$who, (.peer | $who)" | tr '\n' ' ')" \
	"curl[4711] exact socket httpd[4715] exact socket "
run owned.pcapng
check_match "the table shows the process" "$(cat out)" "10.0.0.1:1000 +192.0.2.1:1 +answered +1/1 +31/30 +curl\[4711\]\$"
check_match "with a mark where it is less sure" "$(cat out)" " \?\[4712\]\?\$"
check_match "and where it is not known" "$(cat out)" ":1002 .* \?\$"
check_equal "no line ends in a blank" "$(grep -c ' $' out)" 0

run --memory 1KiB named.pcap
check_equal "too little memory is a usage error" "$code" 2
run nothing.pcap
check_equal "a source that is not there" "$code" 3
head -c 1000 named.pcap >cut.pcap
run --json cut.pcap
check_equal "a damaged source: what could be read, and a loss" "$code $(wc -l <out)" "4 4"
run named.pcap --filter 'udp.DstPort == 9'
check_equal "no flow: the answer is no" "$code $(wc -l <out)" "1 1"
"$WEIR" import named.pcap -o store >/dev/null 2>&1
run --json store
jq -c 'del(.source, .iface)' out >of-store
run --json named.pcap
jq -c 'del(.source, .iface)' out >of-file
check "a store has the same flows" cmp of-store of-file
tap_done
