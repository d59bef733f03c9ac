#!/bin/sh
# Importing the same files twice gives the same segments, byte for byte, in any layout's default; what
# is in them is what was in the files.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq
cd "$tmp"

# One pcap of each magic (byte order, us and ns), and a pcapng.
cat >make.py <<'END'
import struct
packets = [(1700000000 + i, i * 1001 % 10**6, bytes((i + j) % 256 for j in range(20 + i % 90))) for i in range(500)]
for name, order, magic, unit in (("little-us", "<", 0xA1B2C3D4, 1), ("big-us", ">", 0xA1B2C3D4, 1),
                                 ("little-ns", "<", 0xA1B23C4D, 1000), ("big-ns", ">", 0xA1B23C4D, 1000)):
    with open(name + ".pcap", "wb") as f:
        f.write(struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 262144, 1))
        for s, us, data in packets:
            f.write(struct.pack(order + "IIII", s, us * unit, len(data), len(data) + 7) + data)


def block(kind, body):
    n = len(body) + 12
    return struct.pack("<II", kind, n) + body + struct.pack("<I", n)


with open("some.pcapng", "wb") as f:
    f.write(block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 0, 2**64 - 1)))
    f.write(block(1, struct.pack("<HHIHH4sI", 101, 0, 0, 2, 4, b"tun7", 0)))
    for s, us, data in packets:
        t = s * 10**6 + us
        f.write(block(6, struct.pack("<IIIII", 0, t >> 32, t & 0xFFFFFFFF, len(data), len(data)) +
                      data + bytes(-len(data) % 4) + struct.pack("<HHII", 2, 4, 1, 0)))
END
python3 make.py
files="little-us.pcap big-us.pcap little-ns.pcap big-ns.pcap some.pcapng"

# shellcheck disable=SC2086
for n in 1 2; do
	check "import number $n" "$WEIR" import $files -o "s$n" --quiet
done
check_equal "two lanes, two segments" "$(ls s1/*.pcapng | wc -l)" 2
same=yes
for f in s1/*.pcapng; do
	cmp "$f" "s2/${f#s1/}" || same=no
done
check_equal "both imports are the same, byte for byte" $same yes
check_equal "each file's packets are counted, and hashed" \
	"$(jq -r 'select(.type == "input") | "\(.packets) \(.input) \(.sha256)"' s1/manifest.jsonl)" \
	"$(for f in $files; do echo "500 $f $(sha256sum "$f" | cut -d' ' -f1)"; done)"
list() { python3 "$SOURCE_ROOT/tests/lib/packets.py" list "$@"; }
list s1/0000000001.pcapng | cut -d' ' -f1,3- >got
list little-ns.pcap | cut -d' ' -f1,3- >one
cat one one one one >want
check "the four pcap files' packets are those of the file, four times" cmp got want
check_equal "each under its file's name" "$(list s1/0000000001.pcapng | cut -d' ' -f2 | uniq -c | tr -s ' ')" \
	"$(for f in little-us big-us little-ns big-ns; do echo " 500 $f.pcap"; done)"
for i in $(seq 129); do ln -s little-us.pcap "part$i.pcap"; done
"$WEIR" import -q -o parts part*.pcap
check_equal "of more files than there is room for, all under the first one's name" \
	"$(jq -r 'select(.type == "interface") | .name' parts/manifest.jsonl)" part1.pcap
check_equal "a named interface keeps its name, link type and flags" \
	"$(list s1/0000000002.pcapng | cut -d' ' -f2,5 | uniq -c | tr -s ' ')" " 500 tun7 0x1"

# Damage: what could be read is there, the store says that it is not all.
head -c 5000 little-us.pcap >cut.pcap
check_status "a damaged file ends with 3" 3 "$WEIR" import cut.pcap big-us.pcap -o s3 --quiet
check_match "the message names file and place" "$tap_output" "cut.pcap.*(offset|byte|cut|record)"
check_equal "its whole packets and the next file's are there" \
	"$(jq -r 'select(.type == "end") | .packets' s3/manifest.jsonl)" \
	"$((500 + $(jq -r 'select(.type == "input" and .input == "cut.pcap") | .packets' s3/manifest.jsonl)))"
check_equal "the store is incomplete" "$(jq -r 'select(.type == "end") | "\(.grade) \(.losses.damaged.packets)"' \
	s3/manifest.jsonl)" "incomplete 1"
"$WEIR" import - -o s4 --quiet <little-us.pcap 2>s4.err
list s4/0000000001.pcapng | cut -d' ' -f1,3- >got
list little-ns.pcap | cut -d' ' -f1,3- >one
check "standard input is a file like others" cmp got one
check_status "a file that is no capture makes no store" 3 "$WEIR" import make.py -o s5
check "indeed" test ! -e s5

# 300 interfaces with two packets each, where a store has room for 256.
cat >>make.py <<'END'
with open("wide.pcapng", "wb") as f:
    f.write(block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 0, 2**64 - 1)))
    for i in range(300):
        f.write(block(1, struct.pack("<HHIHH8sI", 101, 0, 0, 2, 8, b"if%06d" % i, 0)))
    for i in range(600):
        f.write(block(6, struct.pack("<IIIII", i % 300, 0, i, 4, 4) + b"data"))
END
python3 make.py
check_status "interfaces beyond what a store has are a failure" 3 "$WEIR" import wide.pcapng -o s6 --quiet
check_match "every packet of theirs is counted" "$tap_output" "^lost 88 packets\$"
check_match "and named" "$tap_output" \
	"cannot record packet 257 of 'wide.pcapng': .*; 88 packets are of interfaces that the store has no room for\$"
check_equal "every other is recorded, and the two make all" \
	"$(jq -c 'select(.type == "input") | [.packets, .refused_packets]' s6/manifest.jsonl) $("$WEIR" info --json s6 |
		jq -c '[.packets, .losses.damaged.packets, .grade]')" '[600,88] [512,88,"incomplete"]'
tap_done
