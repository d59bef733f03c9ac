#!/bin/sh
# info: the manifest in words and as JSON; counts of a file; damage.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq

PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp"
cd "$tmp"
"$WEIR" import known.pcapng -o store --case 'C 1' >import.out 2>&1 || cat import.out

# member FILTER: of info --json of the store.
member() {
	"$WEIR" info store --json | jq -c "$1"
}

check_equal "counts" "$(member '[.packets,.bytes,.wire_bytes,.lost,.segments]')" "[4,197,197,0,1]"
check_equal "times" "$(member '[.first_ns,.last_ns]|map(tostring|.[0:10])')" \
	'["1763853215","1763853215"]'
check_equal "grade" "$(member .grade)" '"complete"'
check_equal "losses are an object" "$(member '.losses|type')" '"object"'
check_equal "interfaces" "$(member '[.interfaces[].name]')" '["lo","eth0"]'
check_equal "case" "$(member .case)" '"C 1"'
check_equal "head" "$(member .manifest_head)" \
	"\"$(tail -n 1 store/manifest.jsonl | tr -d '\n' | sha256sum | cut -d ' ' -f 1)\""
check_equal "one object a source" "$("$WEIR" info store known.pcapng --json | wc -l)" 2
words=$("$WEIR" info store)
check_match "grade in words" "$words" '^  grade +complete$'
check_match "losses in words" "$words" '^  lost +0 packets$'
check_match "packets in words" "$words" '^  packets +4, 197 B recorded'

# A recorder that lost packets: the reason, and what it means.
mkdir lossy
sed -e 's/"lost":0,"losses":{}/"lost":7,"losses":{"kernel":{"packets":7,"bytes":0}}/' \
	-e 's/"grade":"complete"/"grade":"complete-with-loss"/' store/manifest.jsonl >lossy/manifest.jsonl
cp store/*.pcapng lossy
words=$("$WEIR" info lossy)
check_match "a loss has its reason and meaning" "$words" '^ +kernel: 7 packets: .*full'
check_match "and its grade" "$words" '^  grade +complete-with-loss$'
check_equal "and its number" "$("$WEIR" info lossy --json | jq -c '[.lost,.losses.kernel.packets]')" '[7,7]'
# Recorded again, what was lost stays lost.
check_status "an import of it" 4 "$WEIR" import lossy -o again -q
check_match "is graded as it is, and says why" "$tap_output" \
	'^grade: complete-with-loss, as that of an input$'
check_equal "in the manifest, too" "$("$WEIR" info again --json | jq -c '[.grade,.lost,
	(.events[]|select(.type == "input")|.grade,.lost,.live,(.manifest_head|length))]')" \
	'["complete-with-loss",0,"complete-with-loss",7,false,64]'
check_status "and verifies" 0 "$WEIR" verify again
check_status "a live reader is told, too" 4 "$WEIR" import lossy -w again.pcapng -q

# Its manifest alone is no audit log, whose form it has.
check_status "a manifest is not verified by itself" 1 "$WEIR" verify store/manifest.jsonl
check_match "and what to name is said" "$tap_output" "FAULT: .*name the store's directory"
check_status "nor is a capture file" 1 "$WEIR" verify sizes.pcap

check_equal "a file" "$("$WEIR" info sizes.pcap --json | jq -c '[.kind,.packets,.grade]')" \
	'["file",6,null]'
check_equal "what the interface statistics of a file say was dropped" \
	"$("$WEIR" info dropped.pcapng --json | jq -c '[.lost,.stated_drops]')" "[98765,98765]"
check_match "in words" "$("$WEIR" info dropped.pcapng)" "^ +98765 by the file's interface statistics\$"
"$WEIR" import dropped.pcapng -o dropped >import.out 2>&1 || cat import.out
check_equal "an import keeps it beside the input" \
	"$("$WEIR" info dropped --json | jq -c '.events[]|select(.type == "input").stated_drops')" 98765
# Losses of two interfaces, each told of in another way; counts that no recorder has made.
PYTHONDONTWRITEBYTECODE=1 python3 - "$SOURCE_ROOT/tests/lib/odd-captures.py" <<'EOF'
import runpy
import sys
make = runpy.run_path(sys.argv[1])
c = make["Pcapng"]("huge.pcapng").interface(1, "first")
c.packet(1, bytes(60), drops=2**63 + 5).packet(2, bytes(60), drops=2**63 - 3)
c = make["Pcapng"]("both.pcapng").interface(1, "first").interface(1, "second")
c.packet(1, bytes(60), drops=10).statistics(1, 7)
EOF
check_equal "losses of two interfaces, told in two ways" \
	"$("$WEIR" info --json both.pcapng | jq -c '[.lost,.stated_drops]')" "[17,7]"
check_match "counts beyond all bounds stay a number" "$("$WEIR" info huge.pcapng)" \
	'^  lost +9223372036854775807 packets$'
check_match "in JSON, too" "$("$WEIR" info --json huge.pcapng)" '"lost":9223372036854775807,'
"$WEIR" import - -o piped <sizes.pcap >import.out 2>&1 || cat import.out
check_equal "standard input is hashed as it is read" \
	"$("$WEIR" info piped --json | jq -r '.events[]|select(.type == "input").sha256')" \
	"$(sha256sum <sizes.pcap | cut -d ' ' -f 1)"
"$WEIR" import - -o part -c 1 <sizes.pcap >import.out 2>&1 || cat import.out
check_equal "but not a part of it" \
	"$("$WEIR" info part --json | jq -r '.events[]|select(.type == "input").sha256')" null
head -c 200 us.pcap >cut.pcap
check_status "a damaged file" 4 "$WEIR" info cut.pcap
check_match "says where" "$("$WEIR" info cut.pcap 2>&1 || :)" 'damage .*offset'
check_status "no source" 2 "$WEIR" info
check_status "a source that is not there" 3 "$WEIR" info nothing
tap_done
