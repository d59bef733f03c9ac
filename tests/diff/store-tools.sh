#!/bin/sh
# Every segment of a store is read by the tools that analysts use, without a warning, with the same
# packets as the input; and by a checker written from the format page alone.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool tshark capinfos tcpdump mergecap python3

# Two inputs of different link types; lengths from nothing to jumbo, times to the ns, one cut.
python3 - "$tmp" <<'EOF'
import struct, sys

def pcap(name, linktype, packets):
    with open(f"{sys.argv[1]}/{name}", "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, linktype))
        for ns, data, length in packets:
            f.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(data), length) + data)

def ip(n):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + n, 1, 0, 64, 253, 0) + b"\xc0\0\2\1\xc0\0\2\2" + bytes(n)

start = 1763853215123456789
ether = bytes(range(12)) + b"\x08\x00"
pcap("ether.pcap", 1, [(start + i * 1000003, ether + ip(i * 37 % 9000), 34 + i * 37 % 9000)
                       for i in range(600)] + [(start + 2 * 10**9, ether + ip(40), 1500)])
pcap("raw.pcap", 101, [(start + 7 + i * 999, ip(i % 1400), 20 + i % 1400) for i in range(400)])
EOF

cd "$tmp"
check "import of two link types" "$WEIR" import ether.pcap raw.pcap -o store --rotate 384KiB
check "the checker agrees" python3 "$SOURCE_ROOT/tests/lib/check-store.py" store
check_equal "segments in plenty" "$([ "$(find store -name '*.pcapng' | wc -l)" -ge 5 ] && echo yes)" yes

# Time, lengths and bytes of each packet.
print_packets() {
	for file in "$@"; do
		tshark -r "$file" -T fields -e frame.time_epoch -e frame.cap_len -e frame.len \
			-e frame.md5_hash -o frame.generate_md5_hash:TRUE 2>>errors
	done | sort
}

: >errors
for segment in store/*.pcapng; do
	capinfos -c -T -m -r "$segment" >>counts 2>>errors
	tcpdump -nr "$segment" -w /dev/null 2>&1 | grep -v '^reading from' >>errors || :
	tshark -r "$segment" -w copy.pcapng 2>>errors
done
check_equal "tshark, capinfos and tcpdump say nothing" "$(grep -v '^Running as user' errors || :)" ""
check_equal "capinfos counts what the manifest says" \
	"$(awk -F, '{ n += $NF } END { print n }' counts)" \
	"$(python3 -c 'import json; print([json.loads(l) for l in open("store/manifest.jsonl")][-1]["packets"])')"
print_packets store/*.pcapng >got
print_packets ether.pcap raw.pcap >want
check "times, lengths and bytes are those of the input" cmp got want
check_equal "that is all of them" "$(wc -l <got | tr -d ' ')" 1001
check "mergecap takes all segments" mergecap -w merged.pcapng store/*.pcapng
check_equal "mergecap keeps all packets" "$(tshark -r merged.pcapng 2>/dev/null | wc -l)" 1001

capinfos store/0000000001.pcapng >info
check_match "the application is named" "$(cat info)" 'Capture application: +weir [0-9]'
check_match "times are in nanoseconds" "$(cat info)" 'Time resolution = 0x09'
check_match "statistics stand at the end" "$(cat info)" 'Number of stat entries = 1'

"$WEIR" import ether.pcap raw.pcap -o again --rotate 384KiB 2>/dev/null
same=yes
for segment in store/*.pcapng; do
	cmp -s "$segment" "again/${segment##*/}" || same="${segment##*/} differs"
done
check_equal "a second import gives the same bytes" "$same" yes

for layout in files pairs; do
	"$WEIR" import ether.pcap raw.pcap -o "$layout" --layout "$layout" --rotate 384KiB 2>/dev/null
	check "layout $layout: the checker agrees" \
		python3 "$SOURCE_ROOT/tests/lib/check-store.py" "$layout"
done
check_equal "layout files: one file a packet" "$(find files -name '*.pkt' | wc -l)" 1001

"$WEIR" import ether.pcap -w - 2>/dev/null >stream.pcapng
print_packets stream.pcapng >got
print_packets ether.pcap >want
check "a stream has the same packets" cmp got want
tap_done
