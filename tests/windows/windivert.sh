#!/bin/sh
# weir divert and weir sniff through WinDivert's calls, with a stand-in for its DLL: what is recorded is
# what came, what is sent on is what came, byte for byte; and every error of opening says what to do.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/windivert/lib.sh"

packets make in.pcap 300000
began=$(date +%s)
weir divert -o all --count 300000 -q --buffer 64MiB >out.txt 2>&1 || cat out.txt
check "divert: recorded is what came, 300000 packets" packets same all in.pcap
check "divert: what came is sent on, byte for byte" packets same out.pcap in.pcap
check_equal "and nothing is held" "$(($(told received) - $(told sent)))" 0
check_equal "the grade" "$(line all end grade)" complete
check_equal "WinDivert's version is told" "$(line all start source.windivert.version)" 2.2
check_equal "and the DLL's hash" "$(line all start source.windivert.dll_sha256)" "$(sha256sum <bin/WinDivert.dll | cut -c 1-64)"
check_equal "the queue is set to its largest, and read back" \
	"$(line all start source.driver_queue | jq -c '[.packets, .time_ms, .bytes]')" '[16384,16000,33554432]'
check_equal "packets are taken, fragments as they come" "$(line all start source.flags | jq -c .)" '["fragments"]'
check_equal "each index is an interface" "$(line all interface index | sort -u | tr '\n' ' ')" "1 12 13 "
check_equal "what is on loopback is told" "$(jq -r 'select(.type == "interface" and .index == 1) | .hardware' all/manifest.jsonl)" loopback
check_equal "link type RAW" "$(line all interface linktype | sort -u)" 101
check_match "the clock is anchored" "$(line all clock_anchor ticks_per_s)" '^[1-9][0-9]*$'
check "the store is as it says" weir verify all
check "packets are of this time" test "$(line all end first_ns)" -ge $((began * 1000000000)) -a \
	"$(line all end last_ns)" -le $(($(date +%s) * 1000000000 + 1000000000))

packets make in.pcap 3000
for batch in 1 2 254 255; do
	rm -rf some
	STANDIN_BATCH=$batch weir divert -o some --count 3000 -q >out.txt 2>&1 || cat out.txt
	check "batches of $batch: recorded" packets same some in.pcap
	check "batches of $batch: sent on" packets same out.pcap in.pcap
done
# The driver serves whoever asks from several threads.
STANDIN_RATE=20000 weir divert -o paced --count 3000 -q >out.txt 2>&1 || cat out.txt
check "packets that come as time goes: recorded in order" packets same paced in.pcap
check "and sent on in order" packets same out.pcap in.pcap
weir sniff -o copies --count 3000 -q >out.txt 2>&1 || cat out.txt
check "sniff: recorded is what came" packets same copies in.pcap
check_equal "sniff: nothing is sent" "$(told sent)" 0
check_equal "checksums: what is sent may have none yet, and nobody has checked one" "$(packets sums copies)" "1:0 2:0 2:512"
check_equal "sniff: packets are copied" "$(line copies start source.flags | jq -c .)" '["sniff","recv_only","fragments"]'
for layout in files pairs; do
	weir divert -o "$layout" --layout $layout --count 200 -q >out.txt 2>&1 || cat out.txt
	check "layout $layout: a member a packet" test "$(packets count "$layout")" = 200
	check "layout $layout: the store is as it says" weir verify "$layout"
done
weir sniff -o segments --count 3000 --rotate 64KiB --keep 256KiB -s 64 --json >out.txt 2>&1 || cat out.txt
check "segments are rotated, and the oldest removed" test "$(line segments end removed_segments)" -gt 0
check_equal "packets are cut at --snaplen" "$(line segments start limits.snaplen)" 64
check_equal "--json ends with a summary" "$(tail -n 1 out.txt | jq -r .grade)" complete
weir sniff -w - --count 100 -q >stream 2>err || cat err
check_equal "-w - writes pcapng" "$(packets count stream)" 100
weir divert -o forward --layer forward --priority -7 --count 50 -q >out.txt 2>&1 || cat out.txt
check_equal "--layer forward" "$(line forward start source.layer)" forward
check_equal "what is forwarded has no direction, and nothing is said of its checksums" "$(packets sums forward)" "0:0"
check_equal "--priority" "$(line forward start source.priority)" -7
weir sniff -o tcp --count 500 -q tcp.DstPort == 53 >out.txt 2>&1 || cat out.txt
check_match "WinDivert is given what it can decide" "$(told filter)" '^tcp.DstPort = 53$'
check_equal "and decides it" "$(line tcp start source.filter_where)" driver
# The stand-in decides nothing, so what our part lets through shows.
begin rec "$SOURCE_ROOT/tools/wine" bin/weir.exe divert -o split -q 'iface == "if12"'
wait_for 120 has_told sent 3000 || not_ok "all is sent on"
kill -INT "$pid"
check_exit "Ctrl-C ends it well" 120 "$pid" 0
check "what the rest of the filter refuses is sent on" packets same out.pcap in.pcap
check "and not recorded" packets within split in.pcap
check_equal "but all else is" "$(line split interface index | sort -u | tr '\n' ' ')$(test "$(packets count split)" -gt 500 && echo many)" \
	"1 12 13 many"

for row in '2 3 WinDivert64.sys is not where' '5 3 run as administrator' '87 2 refuses the filter' \
	'577 3 signature' '654 3 another version' '1058 3 disabled' '1060 3 not installed' '1114 3 could not be initialised' \
	'1275 3 blocks the driver' '1753 3 Base Filtering Engine' '31 3 net helpmsg 31'; do
	error=${row%% *} rest=${row#* }
	code=0
	STANDIN_ERROR=$error weir divert -o none -q >out.txt 2>&1 || code=$?
	check_match "error $error: what to do" "$code $(cat out.txt)" "^${rest%% *} weir divert: .*${rest#* }"
done
check "and no store is left" test ! -e none
mkdir alone
cp bin/weir.exe alone
code=0
"$SOURCE_ROOT/tools/wine" alone/weir.exe sniff -o none >out.txt 2>&1 || code=$?
check_match "no DLL: where it must lie" "$code $(cat out.txt)" '^3 .*WinDivert.dll.*beside weir.exe'
echo text >alone/WinDivert.dll
code=0
"$SOURCE_ROOT/tools/wine" alone/weir.exe sniff -o none >out.txt 2>&1 || code=$?
check_match "one that is none" "$code $(cat out.txt)" "^3 .*cannot load '.*WinDivert.dll'"
code=0
weir divert --strict -o none >out.txt 2>&1 || code=$?
check_match "--strict is refused, and why" "$code $(cat out.txt)" '^2 .*cannot be kept on Windows'

code=0
weir doctor >out.txt 2>&1 || code=$?
check_match "doctor: the DLL" "$(cat out.txt)" 'DLL .*WinDivert.dll'
check_match "doctor: the driver's file is missing" "$code $(grep 'driver file' out.txt)" '^1 .*not there'
: >bin/WinDivert64.sys
code=0
weir doctor --json >out.txt 2>&1 || code=$?
check_equal "doctor --json" "$(jq -c '[.windivert.dll_loads, .windivert.has_driver, .ways.divert, .is_wine]' out.txt) $code" \
	"[true,true,true,true] 0"
tap_done
