#!/bin/sh
# A live recording in a namespace: its segments and its exports open everywhere, tshark finds in
# both what tcpdump saw of the same traffic, and all layouts export alike.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/readers.sh"
require_netns
require_tool python3 ping

netns_new a
netns_new b
netns_run a ip link add v0 type veth peer name v1 netns "$(netns_name b)"
netns_run a ip address add 10.9.0.1/24 dev v0
netns_run b ip address add 10.9.0.2/24 dev v1
netns_run a ip link set v0 up
netns_run b ip link set v1 up
# Started directly, so that a signal to $pid reaches it.
netns=/run/netns/$(netns_name a)
cd "$tmp"

# Large and small, TCP and UDP and ICMP, both families, fragments.
traffic() {
	netns_run a ping -q -c 5 -i 0.2 10.9.0.2
	netns_run a ping -q -c 2 -i 0.2 -s 20000 10.9.0.2
	netns_run a ping -q -c 2 -i 0.2 127.0.0.1
	netns_run a ping -q -c 2 -i 0.2 -s 20000 ::1
	netns_run a python3 -c '
import socket, threading
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
t, _ = s.accept()
def drain():
    while t.recv(65536):
        pass
reader = threading.Thread(target=drain)
reader.start()
c.sendall(b"x" * 500000)
c.close()
reader.join()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in (0, 1, 1000, 40000):
    u.sendto(b"y" * n, ("127.0.0.1", 9))
'
}

is_recording() {
	[ -e "$1/manifest.jsonl" ] && grep -q '"type":"interface"' "$1/manifest.jsonl"
}

# record LAYOUT: the traffic into the store $tmp/LAYOUT.
record() {
	start "$1" nsenter --net="$netns" "$WEIR" sniff -i lo -i v0 -o "$tmp/$1" --layout "$1"
	wait_for 20 is_recording "$tmp/$1"
	traffic >/dev/null
	kill -TERM "$pid"
	wait_exit 20 "$pid"
	[ "$exit_code" = 0 ]
}

start tcpdump nsenter --net="$netns" tcpdump -i v0 -n -w "$tmp/tcpdump.pcap" --time-stamp-precision=nano -U
wait_for 20 grep -q listening tcpdump.err
if record segments; then
	ok "segments are recorded"
else
	not_ok "segments are recorded" "$(cat segments.err)"
fi
"$WEIR" export segments -o segments.pcapng 2>/dev/null
"$WEIR" export segments -o segments.pcap 2>/dev/null
packet_facts segments.pcapng >exported
count=$(wc -l <exported)
check "there are packets" test "$count" -gt 20
check_equal "as many as the store says" "$count" "$("$WEIR" verify segments --json | jq .packets)"
check "the export opens everywhere" opens_everywhere segments.pcapng "$count"
check "the pcap export opens everywhere" opens_everywhere segments.pcap "$count"
check "the segment opens everywhere" opens_everywhere segments/0000000001.pcapng "$count"

same_segment() {
	# A segment has the order of receiving, an export that of time.
	sort exported >by-time
	packet_facts segments/0000000001.pcapng | sort | diff by-time -
}
check "the segment has the same packets, times, directions, interfaces" same_segment
check_equal "on lo once, as out; on v0 both ways" \
	"$(cut -d '|' -f 4,5 exported | sort -u | sed 's/|0x0*/|/' | tr '\n' ' ')" "lo|2 v0|1 v0|2 "

# Everything of ours is in what tcpdump has written so far (it is late by its buffer); time in
# nanoseconds, lengths, bytes.
all_in_tcpdump() {
	grep '|v0|' exported | bare_facts | sort >ours
	packet_facts tcpdump.pcap | bare_facts | sort >theirs
	[ "$(wc -l <ours)" -gt 30 ] && [ -z "$(comm -23 ours theirs)" ]
}
check "the same times, lengths and bytes as tcpdump" wait_for 20 all_in_tcpdump
comm -23 ours theirs | head -5 | sed 's/^/# /'
# And nothing that tcpdump saw since our first packet is missing.
none_missing() {
	first=$(head -1 ours)
	[ -z "$(comm -13 ours theirs | awk -v first="$first" '$0 > first' |
		awk -F '|' -v last="$(tail -1 ours)" '$0 < last')" ]
}
check "nothing that tcpdump saw meanwhile is missing" none_missing

for layout in files pairs; do
	if record $layout; then
		"$WEIR" export $layout -o $layout.pcapng 2>/dev/null
		check "$layout: the export opens everywhere" opens_everywhere $layout.pcapng \
			"$("$WEIR" info $layout --json | jq .packets)"
	else
		not_ok "$layout: is recorded" "$(cat $layout.err)"
	fi
done
"$WEIR" export segments files pairs -o all.pcapng 2>/dev/null
check_equal "three stores merged are all of them" "$("$WEIR" show all.pcapng | wc -l)" \
	"$("$WEIR" info segments files pairs --json | jq -s 'map(.packets)|add')"
check_match "the parent's head is named" "$(capinfos segments.pcapng)" \
	"manifest head sha256:$("$WEIR" info segments --json | jq -r .manifest_head)"
tap_done
