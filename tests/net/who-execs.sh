#!/bin/sh
# Filters on programs where a process starts another one: what that sends is not judged by what it was before,
# however long it takes until that is found out.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool jq python3 bash pgrep
require_events
netns_new a
netns_run a ip link set lo up
cd "$tmp"
mkfifo end
# Not what stands in for it, which may be a script of the other.
first=$(readlink -f "$(python3 -c 'import sys; print(sys.executable)')")
second=$(readlink -f "$(command -v bash)")
name=$(basename "$second")

packets_of() { "$WEIR" show --json "$@" | wc -l; }
has_packets() { [ "$(packets_of "$1")" -ge "$2" ]; }
has_line() { grep -q "^{\"pid\":$2,.*,\"path\":\"$3\"," "$1/processes.jsonl"; }
pending_of() { jq -r 'select(.type == "end").attribution.pending_packets' "$1/manifest.jsonl"; }

# One datagram of python, and ten of the shell that it becomes.
# shellcheck disable=SC2016
say='for i in 1 2 3 4 5 6 7 8 9 10; do echo word >/dev/udp/127.0.0.1/4009; done; echo said; read -r line <end'
change() {
	mkfifo "$1-go"
	start "$1" nsenter --net="/run/netns/$(netns_name a)" "$first" -c '
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"word", ("127.0.0.1", 4009))
print("sent", flush=True)
open(sys.argv[1]).read()
os.execv(sys.argv[2], ["sh", "-c", sys.argv[3]])' "$1-go" "$second" "$say"
}

one=one0
for asked in "process.path == \"$second\"" "process.name == \"$name\"" 'not (process.path == "/nowhere")'; do
	one=one$((${one#one} + 1))
	sniff_start "$one" a -i lo -o "$one" -q --buffer 8MiB "udp.DstPort == 4009 and $asked"
	sniff=$pid
	namer=$(pgrep -P "$sniff" weir-process)
	change "$one-peer"
	peer=$pid
	wait_for 60 has_line "$one" "$peer" "$first" || not_ok "$asked: who is to change is known"
	# It stands for one that is busy.
	kill -STOP "$namer"
	echo >"$one-peer-go"
	wait_for 60 grep -q said "$one-peer.out"
	check "$asked: what the next program sends is recorded while nobody tells what it is" \
		wait_for 60 has_packets "$one" 10
	kill -CONT "$namer"
	wait_for 60 has_line "$one" "$peer" "$second" || not_ok "$asked: the next program is told of"
	echo >end
	sniff_stop "$sniff"
	check "$asked: and counted" test "$(pending_of "$one")" -ge 10
done
# One that nobody could read before the recording ended has its line all the same.
sniff_start unread a -i lo -o unread -q --buffer 8MiB 'udp.DstPort == 4010'
sniff=$pid
namer=$(pgrep -P "$sniff" weir-process)
kill -STOP "$namer"
start stranger netns_run a python3 -c '
import os, signal, socket
def send():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"word", ("127.0.0.1", 4010))
# More than the questions that may wait for the namer.
for _ in range(1500):
    if not os.fork():
        send()
        os._exit(0)
    os.wait()
send()
print(os.getpid(), flush=True)
signal.pause()'
check "packets of processes that nobody reads are recorded" wait_for 60 has_packets unread 1501
stranger=$(cat stranger.out)
kill -INT "$sniff"
# Longer than the recorder waits for who it was.
check "the recording ends" wait_exit 60 "$sniff"
kill -CONT "$namer" 2>/dev/null || :
check_equal "a packet has its process" "$("$WEIR" show --json unread 2>/dev/null | jq -r .pid | grep -cx "$stranger")" 1
check_equal "which has a line, that says why it says no more" "$(jq -r --argjson p "$stranger" \
	'select(.pid == $p) | .sha256_reason' unread/processes.jsonl | sort -u)" "not read before the recording ended"
tap_done
