#!/bin/sh
# What a store lacks hides nothing that it has, and whoever reads it is told.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq

PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp"
cd "$tmp"

# Four packet files, of which the first and the third go.
"$WEIR" import known.pcapng -o files --layout files -q >import.out 2>&1 || cat import.out
rm "$(jq -r .file files/0000000001.list.jsonl | sed -n 1p | sed 's,^,files/,')" \
	"$(jq -r .file files/0000000001.list.jsonl | sed -n 3p | sed 's,^,files/,')"
check_status "a packet file that is gone is damage" 4 "$WEIR" show files
check_equal "all others are shown" "$("$WEIR" show files --json 2>/dev/null | jq -c .packet_id | xargs)" "2 4"
check_match "how many are missing is said, and which is the first" "$tap_output" \
	"'files': 2 packets could not be read, first: segment '0000000001.list.jsonl': cannot open packet file"
check_status "and exported" 4 "$WEIR" export files -o files.pcapng
check_match "and counted" "$tap_output" "^2 of 2 packets in 'files.pcapng'\$"
check_status "an import has what is left" 3 "$WEIR" import files -o imported -q
check_equal "and each as lost that it could not read" \
	"$("$WEIR" info imported --json | jq -c '[.packets,.losses.damaged.packets,.grade]')" '[2,2,"incomplete"]'

# lacks COMMAND...: what it says on standard error.
lacks() {
	"$@" 2>&1 >/dev/null || :
}

# A store that says what it lacks: lost packets, a removed segment, a member that is not there.
"$WEIR" import known.pcapng -o store -q >import.out 2>&1 || cat import.out
for name in lossy removed alone; do
	mkdir $name
	cp store/*.pcapng $name
done
check_equal "a store that lacks nothing says nothing" "$(lacks "$WEIR" show store)$(lacks "$WEIR" flows store)" ""
sed -e 's/"lost":0,"losses":{}/"lost":7,"losses":{"kernel":{"packets":7,"bytes":0}}/' \
	-e 's/"grade":"complete"/"grade":"complete-with-loss"/' store/manifest.jsonl >lossy/manifest.jsonl
sed '/"type":"end"/i {"seq":99,"type":"removed","number":1,"name":"0000000001.pcapng"}' \
	store/manifest.jsonl >removed/manifest.jsonl
rm removed/0000000001.pcapng
sed 's/"grade":"complete"/&,"processes":{"name":"processes.jsonl"}/' store/manifest.jsonl >alone/manifest.jsonl
for command in show flows "export --format jsonl" timeline; do
	check_match "${command%% *}: what was lost" "$(lacks "$WEIR" $command lossy)" \
		"^weir ${command%% *}: 'lossy': grade complete-with-loss; 7 packets lost\$"
	check_match "${command%% *}: what was removed" "$(lacks "$WEIR" $command removed)" \
		"^weir ${command%% *}: 'removed': 4 packets of 1 segments were removed\$"
	check_match "${command%% *}: who is not described any more" "$(lacks "$WEIR" $command alone)" \
		"^weir ${command%% *}: 'alone': processes.jsonl is missing\$"
	check_status "${command%% *}: which is damage" 4 "$WEIR" $command alone
	check_status "${command%% *}: a loss is none" 0 "$WEIR" $command lossy
done
check "an export of it" "$WEIR" export lossy store -o lossy.pcapng
words=$(tr -c '[:print:]' '\n' <lossy.pcapng)
check_match "tells it in its comments, too" "$words" \
	"^made from store 'lossy', manifest head sha256:[0-9a-f]{64}; grade complete-with-loss; 7 packets lost"
check_equal "and only of that store" "$(printf '%s\n' "$words" | grep -c "^made from.*; ")" 1

# Kept short, and checked: what went is not counted as there.
python3 - many.pcap <<'END'
import struct, sys
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(400):
        f.write(struct.pack("<IIII", 1700000000 + i, 0, 1000, 1000) + bytes(1000))
END
"$WEIR" import many.pcap -o kept --rotate 64KiB --keep 128KiB -q >import.out 2>&1 || cat import.out
removed=$("$WEIR" info kept --json | jq .removed_segments)
there=$(find kept -name '*.pcapng' | wc -l)
check_match "segments were removed" "$removed" '^[1-9]'
check_match "verify counts those that are there" "$("$WEIR" verify kept)" \
	"^kept: good: [0-9]+ packets in $there segments \\($removed more were removed\\), "
"$WEIR" import kept -o again -q >import.out 2>&1 || cat import.out
check_equal "an import says what its store had removed" \
	"$(jq -c 'select(.type == "input") | [.removed_segments, .removed_packets + .packets]' again/manifest.jsonl)" "[$removed,400]"
check_equal "as JSON" "$("$WEIR" verify kept --json | jq -c '[.segments,.removed_segments]')" "[$there,$removed]"
tap_done
