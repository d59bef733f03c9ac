#!/bin/sh
# weir.exe over the genuine WinDivert.dll, with a driver of ours below it (driver.c): what is recorded is
# what the driver handed out, what it gets back is the same, byte for byte; the driver's service is seen.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq python3
. "$SOURCE_ROOT/tests/windows/driver-lab.sh"
driver_lab
cd "$tmp"
cp "$WEIR_EXE" "$lab/weir.exe"

weir() {
	timeout 200 "$SOURCE_ROOT/tools/wine" 'C:\weir-driver\weir.exe' "$@" 8>&-
}
packets() {
	python3 "$SOURCE_ROOT/tests/windows/windivert/packets.py" "$@"
}
feed() { # PCAP WINDOW
	rm -f "$lab/out.bin"
	python3 "$SOURCE_ROOT/tests/windows/driver-feed.py" feed "$1" "$lab/in.bin" "$2"
}
line() {
	jq -r "select(.type == \"$2\") | .$3" "$1/manifest.jsonl"
}

packets make in.pcap 2000
feed in.pcap 700
began=$(date +%s%N)
code=0
weir divert -o all --count 2000 -q >out.txt 2>&1 || code=$?
check_equal "divert ends well: $(tail -n 1 out.txt)" "$code" 0
check "recorded is what the driver handed out" packets same all in.pcap
check "it got back each packet with its address" python3 "$SOURCE_ROOT/tests/windows/driver-feed.py" sent "$lab/out.bin" out.pcap
check "byte for byte" packets same out.pcap in.pcap
check "the store is as it says" weir verify all
check_equal "the library is the genuine one" "$(line all start source.windivert.dll_sha256)" \
	"$(sha256sum <"$genuine/WinDivert.dll" | cut -c 1-64)"
check_equal "the driver's version was read" "$(line all start source.windivert.version)" 2.2
check_equal "its queue was set, and read back" \
	"$(line all start source.driver_queue | jq -c '[.packets, .time_ms, .bytes]')" '[16384,16000,33554432]'
check_equal "interfaces are those of the addresses" "$(line all interface index | sort -u | tr '\n' ' ')" "1 2 3 "
check "times are of the run, in order" python3 "$SOURCE_ROOT/tests/windows/driver-feed.py" times all \
	"$((began - 1000000000))" "$(($(date +%s%N) + 1000000000))"

feed in.pcap 0
code=0
weir sniff -o copies --count 2000 -q >out.txt 2>&1 || code=$?
check_equal "sniff ends well: $(tail -n 1 out.txt)" "$code" 0
check "recorded is what the driver handed out" packets same copies in.pcap
check "and nothing was sent" test ! -s "$lab/out.bin"

# In mid-stream: the driver waits for what it gave, and the recorder for the driver.
packets make few.pcap 300
feed few.pcap 300
start rec "$SOURCE_ROOT/tools/wine" 'C:\weir-driver\weir.exe' divert -o stopped -q
all_is_back() {
	[ "$(stat -c %s "$lab/out.bin")" = "$(($(stat -c %s few.pcap) - 24 + 300 * (84 - 16)))" ]
}
wait_for 200 all_is_back || not_ok "all is sent back"
kill -INT "$pid"
check_exit "Ctrl-C ends it well" 200 "$pid" 0
check "all is recorded" packets same stopped few.pcap
code=0
weir divert -o none -q 'tcp and' >out.txt 2>&1 || code=$?
check_equal "what is no filter is refused" "$code" 2
tap_done
