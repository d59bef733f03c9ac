#!/bin/sh
# Several sources merged: the order, the packets and their bytes are mergecap's.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/readers.sh"
require_tool python3

PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp"

merge_both_ways() {
	rm -f theirs.pcapng ours.pcapng
	mergecap -w theirs.pcapng "$@"
	"$WEIR" export "$@" -o ours.pcapng
	packet_facts theirs.pcapng | bare_facts >theirs
	packet_facts ours.pcapng | bare_facts >ours
	[ -s theirs ]
}

# as_mergecap FILE...: the same packets, in order.  Packets of one time are in no order that
# mergecap promises.
as_mergecap() {
	merge_both_ways "$@"
	cut -d '|' -f 1 ours | sort -n -c
	sort theirs >theirs.sorted
	sort ours | diff theirs.sorted -
}

# The same order even where a file has none.
exactly_as_mergecap() {
	merge_both_ways "$@"
	diff theirs ours
}

cd "$tmp"
check "two files" as_mergecap ethernet.pcap vlan.pcap
check "a file twice" exactly_as_mergecap known.pcapng known.pcapng
check "an empty one among them" as_mergecap empty.pcap times.pcap empty-iface.pcapng us.pcap
check "one that is not in order" exactly_as_mergecap backwards.pcapng known.pcapng
check "all of one link type" as_mergecap ethernet.pcap sizes.pcap truncated.pcap vlan.pcap \
	fragments.pcap times.pcap us.pcap big-us.pcap big-ns.pcap known.pcapng snaplens.pcapng

order() {
	"$WEIR" export "$@" --from @1763853215.000000001 --to @1763853215.000000001 --format csv |
		tail -n +2 | cut -d , -f 3 | tr '\n' ' '
}
check_equal "equal times: the first source first" "$(order vlan.pcap known.pcapng sizes.pcap)" \
	"vlan.pcap known.pcapng sizes.pcap "
check_equal "equal times: whatever the names" "$(order sizes.pcap vlan.pcap known.pcapng)" \
	"sizes.pcap vlan.pcap known.pcapng "

"$WEIR" export known.pcapng snaplens.pcapng -o both.pcapng
check "different snap lengths open everywhere" opens_everywhere both.pcapng 8
"$WEIR" export later.pcapng -o later-again.pcapng
check "one that is described behind the first packet, too" opens_everywhere later-again.pcapng 2
check_equal "interfaces of each source" "$(packet_facts both.pcapng |
	cut -d '|' -f 4 | sort | uniq -c | tr -s ' \n' '  ')" \
	" 2 eth0 2 lo 2 long 2 short "
check_match "the parents are named" "$(capinfos both.pcapng)" "made from file 'known.pcapng'"

# Ranges are closed at both ends.
range() {
	"$WEIR" export known.pcapng --from 2025-11-22T23:13:35.000000001Z \
		--to 2025-11-22T23:13:35.000000002Z --format csv | tail -n +2 | cut -d , -f 1 | tr '\n' ' '
}
check_equal "a range has both of its ends" "$(range)" "1763853215000000001 1763853215000000002 "
tap_done
