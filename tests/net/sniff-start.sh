#!/bin/sh
# A recorder listens soon after it was started, costs little until then, states its memory and keeps to
# it however many packets come; told to stop it ends soon, though the packets do not.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 jq
netns_new a
cd "$tmp"
chmod 711 "$tmp"

# A machine that others use takes longer; nobody's start takes so long for any other reason.
START_MOST_MS=8000 START_CPU_MS=4000 STOP_MOST_MS=4000 ROUNDS=3
# What the program itself takes beside what it states: its code, the threads' stacks, and at the start the
# kernel's types, which eBPF programs are fitted to, in pages of up to 2 MiB.
PROGRAM_KIB=28672

now_ms() { date +%s%3N; }

# User and system time of a process, children that were waited for included.
cpu_ms() {
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13 + $14 + $15) * 1000 / tick) }' \
		"/proc/$1/stat"
}

status_kib() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }

# The best of some rounds: what the recorder needs, not what the machine had left.
began=999999 used=999999
for round in $(seq $ROUNDS); do
	before=$(now_ms)
	sniff_start "start$round" a -i lo -o "start$round" --quiet
	took=$(($(now_ms) - before)) cost=$(cpu_ms "$pid")
	[ "$took" -lt "$began" ] && began=$took
	[ "$cost" -lt "$used" ] && used=$cost
	sniff_stop "$pid"
done
check "it listens within $START_MOST_MS ms of its start ($began ms)" test "$began" -le $START_MOST_MS
check "and has used no more than $START_CPU_MS ms of CPU ($used ms)" test "$used" -le $START_CPU_MS

# The first packet after it listens is there: nothing is still being set up.
sniff_start first a -i lo -o first --quiet
netns_run a python3 "$SOURCE_ROOT/tests/lib/packets.py" udp 127.0.0.1 9 1 100
sniff_stop "$pid"
check_equal "a packet that comes as soon as it listens is recorded" \
	"$(packets list first/0000000001.pcapng | awk '$4 == 142' | wc -l)" 1

# Packets that do not end.  Its memory is what it said, after the first packets and after many more.
sniff_before=$(listening a)
# shellcheck disable=SC2046
start weir $(nsenter_words a) "$WEIR" sniff -i lo -o store --buffer 16MiB --json
recorder=$pid
wait_for 20 more_listening a "$sniff_before"
stated=$(($(jq -n 'input | .memory_bytes' weir.out) / 1024))
# shellcheck disable=SC2046
start flood $(nsenter_words a) python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(10**9):
    s.sendto(bytes(n % 900), ("127.0.0.1", 9))
'
stored() { [ "$(jq -s 'map(select(.packets)) | last.packets' weir.out)" -ge "$1" ]; }
check "packets come" wait_for 20 stored 10000
early=$(status_kib "$recorder" VmRSS)
check "and many more" wait_for 120 stored 200000
late=$(status_kib "$recorder" VmRSS) most=$(status_kib "$recorder" VmHWM)
check "memory is as it was after the first ($early KiB, now $late KiB)" test "$late" -le $((early + 1024))
check "and at most what was stated ($stated KiB and the program; $most KiB)" \
	test "$most" -le $((stated + PROGRAM_KIB))

before=$(now_ms)
kill -INT "$recorder"
check "told to stop it ends, with packets still coming" wait_exit 20 "$recorder"
took=$(($(now_ms) - before))
check "within $STOP_MOST_MS ms ($took ms)" test "$took" -le $STOP_MOST_MS
check_match "as complete, or with its losses told" "$exit_code" '^[04]$'
check_match "every packet until then is in the store or counted" "$(tail -n 1 weir.out)" '"type":"summary"'
check "which verifies" "$WEIR" verify store
tap_done
