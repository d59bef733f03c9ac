#!/bin/sh
# Exports of odd captures: other tools read ours without a warning, and find in it what they find in
# the original: packets, times to the nanosecond, lengths, bytes, interfaces, directions, comments.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/readers.sh"
require_tool python3

mkdir "$tmp/in" "$tmp/out"
PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp/in"

# Those of Ethernet as one file: starting tshark is what takes the time here.
cd "$tmp/in"
cat ethernet.pcap >odd-ethernet
for file in sizes vlan fragments times; do
	tail -c +25 $file.pcap >>odd-ethernet
	rm $file.pcap
done
mv odd-ethernet ethernet.pcap
cd "$tmp"

# exports NAME FORMAT: to $tmp/out/NAME.FORMAT, and it is the same to tshark as $tmp/original.
exports() {
	"$WEIR" export "$tmp/in/$1" -o "$tmp/out/$1.$2"
	packet_facts "$tmp/out/$1.$2" >"$tmp/ours"
	if [ "$2" = pcap ]; then
		bare_facts <"$tmp/original" >"$tmp/original.bare"
		bare_facts <"$tmp/ours" | diff "$tmp/original.bare" -
	else
		diff "$tmp/original" "$tmp/ours"
	fi
	[ "$1" = mixed.pcapng ] || opens_everywhere "$tmp/out/$1.$2" "$(wc -l <"$tmp/original")"
}

# A time that neither format can hold is refused: exported, it would lie in the far future.
mv in/before-1970.pcapng .
for format in pcap pcapng; do
	check_status "no $format of a time before 1970" 3 \
		"$WEIR" export before-1970.pcapng -o "out/before-1970.$format"
done
check_match "and the time is told" "$("$WEIR" export before-1970.pcapng -o out/x.pcapng 2>&1)" \
	'times from 1970 on, found 1906-08-16T20:26:40'
check_equal "none is left" "$(ls -A out)" ""

for file in "$tmp"/in/*; do
	name=$(basename "$file")
	packet_facts "$file" >"$tmp/original"
	check "$name as pcapng" exports "$name" pcapng
	[ "$name" = mixed.pcapng ] || check "$name as pcap" exports "$name" pcap
done

# libpcap 1.10 refuses several raw interfaces by their proper number.
"$WEIR" import "$tmp/in/big.pcapng" -o "$tmp/raw" >/dev/null 2>&1
check "a segment of several raw interfaces opens everywhere" \
	opens_everywhere "$tmp/raw/0000000001.pcapng" 6
check "and is good" "$WEIR" verify "$tmp/raw"

name=mixed.pcapng
check_match "several link types are told" \
	"$("$WEIR" export "$tmp/in/$name" -o "$tmp/out/mixed2.pcapng" 2>&1)" 'link types'
check_status "no pcap file of several link types" 3 \
	"$WEIR" export "$tmp/in/$name" -o "$tmp/out/$name.pcap"
check_equal "and none is left" "$(find "$tmp/out" -name '*mixed*.pcap')" ""
tap_done
