#!/bin/sh
# export and show as commands: formats, refusals, exit codes, and that nothing is left half-made.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3

PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp"
cd "$tmp"

magic() {
	head -c 4 "$1" | od -An -tx1 | tr -d ' '
}

check "the ending chooses the format" "$WEIR" export known.pcapng -o out.pcap
check_equal "pcap of nanoseconds" "$(magic out.pcap)" 4d3cb2a1
check "--format is above the ending" "$WEIR" export known.pcapng --format pcapng -o out.pcap2
check_equal "pcapng" "$(magic out.pcap2)" 0a0d0d0a
check_status "a format that is none" 2 "$WEIR" export known.pcapng --format xml
check_status "no source" 2 "$WEIR" export
check_status "a source that is not there" 3 "$WEIR" export nothing.pcap -o out2.pcap
check_status "a span the wrong way round" 2 \
	"$WEIR" export known.pcapng --from 2026-01-02 --to 2026-01-01
check_status "a filter that is none" 2 "$WEIR" export known.pcapng --filter 'tcp.Nonsense'
check_status "a file that is there" 3 "$WEIR" export us.pcap -o out.pcap
check_equal "stays as it was" "$("$WEIR" export known.pcapng --format pcap | cksum)" \
	"$(cksum <out.pcap)"

head -c 200 us.pcap >cut.pcap
check_status "a damaged source: what could be read" 4 "$WEIR" export cut.pcap -o cut-out.pcap
check_equal "is written" "$("$WEIR" show cut-out.pcap | wc -l)" 2
check_match "and told" "$("$WEIR" show cut.pcap 2>&1 >/dev/null || :)" "cut.pcap"
check_status "a full disk" 3 sh -c '"$WEIR" export known.pcapng >/dev/full'
check_equal "nothing hidden is left" "$(find . -name '.*' -type f ! -name .check)" ""

mkdir store
echo '{}' >store/manifest.jsonl
check_status "nothing is written into a store" 2 "$WEIR" export known.pcapng -o store/x.pcapng
check_equal "nothing was" "$(ls store)" manifest.jsonl

check_equal "standard input" "$("$WEIR" show - <known.pcapng | wc -l)" 4
check_equal "--count" "$("$WEIR" show known.pcapng --count 3 | wc -l)" 3
check_status "no match is the answer no" 1 "$WEIR" show known.pcapng --filter 'tcp.DstPort == 1'
check_status "nothing in a file that is empty is no answer" 0 "$WEIR" show empty.pcap
check_equal "--filter" "$("$WEIR" show known.pcapng --filter 'inbound and tcp' | wc -l)" 1
printf 'inbound # as the interface saw it\n and tcp\n' >filter
check_equal "--filter-file has comments" "$("$WEIR" show known.pcapng --filter-file filter)" \
	"$("$WEIR" show known.pcapng --filter 'inbound and tcp')"
check_status "--filter and --filter-file exclude each other" 2 \
	"$WEIR" export known.pcapng --filter tcp --filter-file filter -o never.pcap
check_status "a filter file that is not there" 3 \
	"$WEIR" export known.pcapng --filter-file nothing -o never.pcap
echo 'tcp.Nonsense' >filter
check_match "a bad filter's place is shown" "$("$WEIR" show known.pcapng --filter-file filter 2>&1)" '\^'

# Other programs call a file damaged at a packet of more than 262144 captured bytes.
python3 -c '
import struct, sys
out = sys.stdout.buffer
out.write(struct.pack("<IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 1 << 20, 1))
for size in 262144, 262145, 60:
    out.write(struct.pack("<IIII", 1, 0, size, size) + bytes(size))' >huge.pcap
for format in pcap pcapng; do
	check_status "a packet too large for others is cut in $format" 4 \
		"$WEIR" export huge.pcap -o "huge-out.$format"
	check_equal "to what they take" "$("$WEIR" export "huge-out.$format" --format csv |
		awk -F , 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
			{ print $at["captured_bytes"], $at["wire_bytes"] }' | tr '\n' ';')" \
		"262144 262144;262144 262145;60 60;"
done
check_match "and that is told" "$("$WEIR" export huge.pcap --format pcap 2>&1 >/dev/null)" \
	'1 packets had more than 262144 bytes'
check_status "text has no such bound" 0 "$WEIR" export huge.pcap --format jsonl
check_equal "show --json is export's jsonl" "$("$WEIR" show known.pcapng --json)" \
	"$("$WEIR" export known.pcapng --format jsonl)"
check_equal "the line" "$("$WEIR" show known.pcapng --count 1)" \
	"2025-11-22T23:13:35.000000000Z lo out IP 10.0.0.1:40000 > 10.0.0.2:80 TCP [SYN] seq 1000 len 0"

# A pipe: each packet comes out while the writer is still there.
mkfifo live
start show "$WEIR" show live
exec 3>live
head -c 120 us.pcap >&3
check "a packet from a pipe is shown at once" wait_for 10 grep -q UDP show.out
exec 3>&-
check "and the end of it ends show" wait_exit 10 "$pid"

# Interrupted: no file, hidden or not.
mkfifo endless
start export "$WEIR" export endless -o never.pcap
exec 3>endless
head -c 120 us.pcap >&3
wait_for 10 test -e ".never.pcap.$pid" || :
check "an export begins under a hidden name" test -e ".never.pcap.$pid"
kill -INT "$pid"
head -c 200 us.pcap | tail -c +121 >&3
exec 3>&-
check "an interrupted export ends" wait_exit 10 "$pid"
check_equal "and leaves nothing" "$(ls -A | grep never || :)" ""
hostile=$(printf 'a\033[31mb\n\342\200\256c\134d')
for command in show info flows export verify timeline list; do
	check_equal "$command: a name in a message does not speak to the terminal" \
		"$("$WEIR" $command "$hostile" 2>&1 >/dev/null | tr -d '[:print:]' | wc -c)" 1
done
check_match "it is shown by number" "$("$WEIR" show "$hostile" 2>&1 || :)" \
	"'a\\\\x1b\[31mb\\\\x0a\\\\u\{202e\}c\\\\d'"
tap_done
