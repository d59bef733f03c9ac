#!/bin/sh
# Whose packets: short processes, forked servers, a socket handed over, addresses and process ids used
# again, connections older than the recorder, UDP, ping.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool jq
require_tool python3
require_events
netns_new a
lo_up a
cd "$tmp"
chmod 711 "$tmp"

scene short
scene forked
scene passed
scene inherited
scene crowd
scene reused_tuple
scene again
scene datagrams

# Opened anew by another, who never uses it: nothing of that is the first one's.
sniff_start sniff-reopened a -i lo -o reopened --json --buffer 8MiB
sniff=$pid
netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" reopened >reopened.truth
sniff_stop "$sniff"
of_truth() { jq ".$1" reopened.truth; }
# Who called listen() is this scene's second one; as a listener he may be named of the first one's first packet.
"$WEIR" show --json reopened | jq -c "select(.src_port == $(of_truth port)) |
	select(.pid and (.ns >= $(of_truth since_ns) or .process_certainty != \"listener\")) |
	[.ns >= $(of_truth since_ns), .pid == $(of_truth first), .pid == $(of_truth second)]" |
	sort | uniq -c >reopened.sides
sed 's/^/# /' reopened.sides
check "reopened: the first server's packets are its own" grep -q '\[false,true,false\]' reopened.sides
check "the second one's are the second one's" grep -q '\[true,false,true\]' reopened.sides
check_equal "and nobody else's" "$(grep -cv '\[false,true,false\]\|\[true,false,true\]' reopened.sides)" 0

scene reused_pid
if grep -q '"reused": true' reused_pid.truth; then
	check_equal "two processes with one id are two" "$("$WEIR" show --json reused_pid |
		jq -r 'select(.tcp_flags == "SYN") | .pid' | sort -u | wc -l)" 1
	first=$(jq -r 'select(.pids) | .pids[0]' reused_pid.truth | head -n 1)
	check_equal "with starts of their own" "$(jq -r "select(.pid == $first) | .start_ns" \
		reused_pid/processes.jsonl | sort -u | wc -l)" 2
else
	skip "two processes with one id" "the id could not be had again"
fi

# Older than the recorder.
start older netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" older "$tmp/go"
older=$pid
has_truth() { [ "$(grep -c pids older.out)" = 2 ]; }
check "a connection is made" wait_for 60 has_truth
sniff_start sniff-older a -i lo -o older --json --buffer 8MiB
sniff=$pid
is_snapshot() { grep -q '"seen":"snapshot"\|python3' older/processes.jsonl; }
check "the recorder has looked at what was there" wait_for 60 is_snapshot
touch go
check "it goes on and ends" wait_exit 60 "$older"
sniff_stop "$sniff"
compare older older.out
echo "# older: $counts"
check "older: there are packets" test "$(count_of packets)" -gt 10
check_equal "older: no packet is said to be of another" "$(count_of wrong)" 0
check_equal "older: each is known" "$(($(count_of exact) + $(count_of earlier)))" "$(count_of packets)"
check_equal "older: each connection exactly" "$(count_of connections_exact)" "$(count_of connections)"

# Sockets of IPv6 alone, older than the recorder: what comes by IPv4 is not theirs.
start only netns_run a python3 -c '
import os, socket, time
held = []
for only in (1, 0):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_INET6, kind)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        s.bind(("::", 7801 if only else 7803))
        if kind == socket.SOCK_STREAM:
            s.listen()
        held.append(s)
print(os.getpid(), flush=True)
time.sleep(600)'
only=$pid
check "sockets of IPv6 are there" wait_for 60 test -s only.out
sniff_start sniff-only a -i lo -o only --json --buffer 8MiB
sniff=$pid
netns_run a python3 -c '
import contextlib, socket
for port in (7801, 7803):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        pass
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"word", ("127.0.0.1", port))'
sniff_stop "$sniff"
kill "$only"
"$WEIR" show --json only >only.jsonl
of_port() { jq -c "select(.src_port == $1 or .dst_port == $1) | select(.pid == $(cat only.out))" only.jsonl | wc -l; }
check "older: a socket of both hears IPv4" test "$(of_port 7803)" -gt 1
check_equal "older: who hears IPv6 alone has none of it" "$(of_port 7801)" 0

# Older than the recorder, of somebody else, and gone with its first packet: what the event told is said, and
# nothing else.
start brief netns_run a python3 -c '
import os, socket, sys, time
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(os.getpid(), flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"bye", ("127.0.0.1", 7900))
os._exit(0)' "$tmp/brief-go"
brief=$pid
check "a process waits" wait_for 60 test -s brief.out
sniff_start sniff-brief a -i lo -o brief --json --buffer 8MiB
sniff=$pid
touch brief-go
check "it sends and is gone" wait_exit 60 "$brief"
sniff_stop "$sniff"
jq -c "select(.pid == $(cat brief.out)) | [.uid, .gid, .parent_pid]" brief/processes.jsonl | sort -u >brief.ids
sed 's/^/# brief: /' brief.ids
check "brief: it is told of" test -s brief.ids
check_equal "brief: what was not read is not said to be root's" "$(grep -c '\[0\|,0' brief.ids)" 0

# Ping, by its own process.
sniff_start sniff-ping a -i lo -o ping --json --buffer 8MiB
sniff=$pid
netns_run a sh -c 'echo $$; exec ping -q -c 3 -i 0.2 127.0.0.1' >ping.out
netns_run a sh -c 'echo $$; exec ping -q -c 3 -i 0.2 ::1' >ping6.out
sniff_stop "$sniff"
"$WEIR" show --json ping >ping.jsonl
for p in icmp:ping.out icmpv6:ping6.out; do
	check_equal "${p%:*}: ping's packets are ping's" "$(jq -r \
		"select(.protocol == \"${p%:*}\") | [.pid, .process, .process_certainty] | @csv" \
		ping.jsonl | sort -u | tr -d '"')" "$(head -n 1 "${p#*:}"),ping,exact"
done
tap_done
