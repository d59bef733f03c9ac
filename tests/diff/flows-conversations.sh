#!/bin/sh
# weir flows counts what tshark's conversations count, and any amount of memory gives the same.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 tshark
export PYTHONDONTWRITEBYTECODE=1
lib=$SOURCE_ROOT/tests/lib
python3 "$lib/conversations.py" "$tmp"
python3 "$lib/conversations.py" many "$tmp/many.pcap" 30000
cd "$tmp"

as_tshark() {
	tshark -n -q -z conv,tcp -z conv,udp -r "$1" >conv 2>/dev/null
	"$WEIR" flows --json "$1" >flows
	python3 "$lib/conversations-tshark.py" flows conv
}
check "names" as_tshark named.pcap
check "states, and ports used again" as_tshark states.pcap
check "thirty thousand flows at a time" as_tshark many.pcap
check_equal "of which there are" "$(wc -l <flows)" 30000
mv flows whole
"$WEIR" flows --json --memory 1MiB many.pcap >parts 2>said
check_match "with less memory they are put together from parts" "$(cat said)" "put together from parts"
check "and come out the same" cmp whole parts
tap_done
