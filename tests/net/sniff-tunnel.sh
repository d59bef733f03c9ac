#!/bin/sh
# A tun device named with -i: frames without a link header become records of raw IP where they lie, of
# all sizes, both families, the same bytes and times as tcpdump's.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool tcpdump tshark python3
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun"
netns_new a
cd "$tmp"
chmod 711 "$tmp"

# Packets that nobody answers: UDP over IPv4 and IPv6 to an address that is not here, 0 to 1400 bytes.
python3 -c '
for n in range(600):
    size = n * 37 % 1401
    body = n.to_bytes(2, "big") * 701
    udp = bytes.fromhex("9c400009") + (8 + size).to_bytes(2, "big") + bytes(2) + body[:size]
    if n % 3:
        head = bytes.fromhex("4500") + (20 + len(udp)).to_bytes(2, "big") + bytes.fromhex("0001000040110000")
        print((head + bytes([10, 8, 0, 2, 10, 8, 0, 99]) + udp).hex())
    else:
        head = bytes.fromhex("60000000") + len(udp).to_bytes(2, "big") + bytes.fromhex("1140")
        address = bytes.fromhex("fd000000000000000000000000000001")
        print((head + address + address[:-1] + bytes([99]) + udp).hex())
' >frames
# shellcheck disable=SC2046
start tun $(nsenter_words a) python3 "$SOURCE_ROOT/tests/lib/packets.py" tun t0 "$tmp/go" $(cat frames)
wait_for 10 grep -q made tun.out
netns_run a ip link set t0 addrgenmode none
netns_run a ip link set t0 up

sniff_start raw a -i t0 -o raw --quiet
recorder=$pid
sniff_start cut a -i t0 -o cut --snaplen 40 --no-attribution --quiet
cutter=$pid
# shellcheck disable=SC2046
start tcpdump $(nsenter_words a) tcpdump -Z root -U -i t0 -s 0 -B 8192 --time-stamp-precision=nano -w td.pcap
tcpdump=$pid
wait_for 10 grep -q 'listening on' tcpdump.err
: >go
wait_for 20 grep -q sent tun.out
sniff_stop "$recorder"
check_equal "the recorder ends with 0" "$exit_code" 0
sniff_stop "$cutter"

segment=raw/0000000001.pcapng
listed() { packets list "$1" | awk '{print $1, $3, $4, $6}'; }
listed $segment >ours
all_there() { listed td.pcap >theirs && [ "$(wc -l <theirs)" -ge 600 ]; }
check "tcpdump has them all" wait_for 10 all_there
kill -INT "$tcpdump"
wait_exit 10 "$tcpdump"
check_equal "every packet is recorded" "$(wc -l <ours)" 600
check "in the same order, with the same times, lengths and bytes as tcpdump's" cmp ours theirs
check_equal "the link type is raw IP" "$(jq -r 'select(.type == "segment") | .linktype' raw/manifest.jsonl)" 101
families() { tshark -r $segment -Y "$1" 2>/dev/null | wc -l; }
check_equal "tshark finds both families" "$(families ip) $(families ipv6)" "400 200"
check "the store verifies" "$WEIR" verify raw
check_equal "snaplen: none is longer" "$(packets list cut/0000000001.pcapng | awk '$3 > 40' | wc -l)" 0
check_equal "snaplen: lengths are kept" \
	"$(packets list cut/0000000001.pcapng | awk '{print $1, $4}' | cksum)" "$(awk '{print $1, $3}' ours | cksum)"
tap_done
