#!/bin/sh
# Filters on processes while recording: exactly the packets of that program, from its first question to a
# name server and its first SYN on, and none of others.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool jq python3 curl setpriv unshare
require_events
veth_pair
cd "$tmp"
chmod 711 "$tmp"
curl=$(readlink -f "$(command -v curl)")
echo "nameserver 10.9.0.2" >resolv.conf
chmod 644 resolv.conf

# A name server and a web server on the other side.
start dns nsenter --net="/run/netns/$(netns_name b)" python3 "$SOURCE_ROOT/tests/lib/who.py" dns 10.9.0.2
start http nsenter --net="/run/netns/$(netns_name b)" python3 "$SOURCE_ROOT/tests/lib/who.py" http 10.9.0.2 8080
check "a name server and a web server are there" wait_for 60 grep -q ready dns.out
wait_for 60 grep -q ready http.out

# A program in a cgroup named as containers' are.
container=$(printf '%064d' $$)
cgroup=
for root in /sys/fs/cgroup/unified /sys/fs/cgroup; do
	[ -z "$cgroup" ] && [ -e "$root/cgroup.procs" ] && mkdir "$root/docker-$container.scope" 2>/dev/null &&
		cgroup=$root/docker-$container.scope
done
[ -z "$cgroup" ] || at_exit "rmdir $cgroup"

# In namespace a, asking our name server: words...
asking() {
	# shellcheck disable=SC2016
	netns_run a unshare -m sh -c 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"' sh "$@"
}

fetch='exec curl -s -4 --max-time 10 -o /dev/null'
# Its process id is told, then it waits for the recorders.
# shellcheck disable=SC2016
start known nsenter --net="/run/netns/$(netns_name a)" unshare -m sh -c '
	mount --bind resolv.conf /etc/resolv.conf; echo $$; until [ -e go ]; do sleep 0.05; done
	'"$fetch"' http://known.example:8080/'
known=$pid
wait_for 60 test -s known.out

# One recorder a filter, all at once, and one without.
recorders="all name path pid user"
sniff_start all a -i va -o all -q --buffer 8MiB
all=$pid
sniff_start name a -i va -o name -q --buffer 8MiB 'process.name == "curl"'
name=$pid
sniff_start path a -i va -o path -q --buffer 8MiB "process.path == \"$curl\""
path=$pid
sniff_start pid a -i va -o pid -q --buffer 8MiB "processId == $(head -n 1 known.out)"
number=$pid
sniff_start user a -i va -o user -q --buffer 8MiB 'process.user == "nobody" and tcp'
user=$pid
if [ -n "$cgroup" ]; then
	recorders="$recorders container"
	sniff_start container a -i va -o container -q --buffer 8MiB "process.container == \"$container\""
	inside=$pid
fi

asking sh -c "$fetch http://first.example:8080/"
asking setpriv --reuid 65534 --clear-groups sh -c "$fetch http://other.example:8080/"
[ -z "$cgroup" ] || asking sh -c "echo \$\$ >$cgroup/cgroup.procs; $fetch http://inside.example:8080/"
netns_run a python3 -c '
import socket, urllib.request
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20):
    s.sendto(b"no", ("10.9.0.2", 4001))
urllib.request.urlopen("http://10.9.0.2:8080/").read()'
touch go
wait_exit 60 "$known" || not_ok "the program whose id is known ends"
for one in "$all" "$name" "$path" "$number" "$user" ${inside:+"$inside"}; do
	sniff_stop "$one"
done
for one in $recorders; do
	"$WEIR" show --json "$one" >"$one.jsonl"
	echo "# $one: $(wc -l <"$one.jsonl") packets"
done

# The packets of one store, without what depends on who recorded them: each has its own times.
essence() { jq -c '[.src, .src_port, .dst, .dst_port, .wire_bytes, .pid]' | sort; }
stored() { "$WEIR" show --json --filter "$1" all | essence; }
has() { jq -r "select($2) | 1" "$1.jsonl" | wc -l; }

check "others' packets were there to be left out" test "$(has all '.process == "python3"')" -gt 20
check_equal "a name: every packet is curl's" "$(jq -r .process name.jsonl | sort -u)" curl
check_equal "each is known exactly, or as its last owner's" \
	"$(jq -r .process_certainty name.jsonl | grep -vx earlier | sort -u)" exact
fetches=$([ -n "$cgroup" ] && echo 4 || echo 3)
check_equal "the first SYN of each connection" "$(has name '.tcp_flags == "SYN"')" "$fetches"
check_equal "the question for each name" "$(has name '.dst_port == 53')" "$fetches"
check_equal "its answer" "$(has name '.src_port == 53')" "$fetches"
# What was recorded because nobody knew yet whose it is goes with a second look, and is no more than was counted.
same_as_stored() {
	recorded=$(wc -l <"$1.jsonl")
	"$WEIR" show --json --filter "$2" "$1" >"$1.jsonl"
	essence <"$1.jsonl" >"$1.live"
	stored "$2" >"$1.stored"
	pending=$(jq -r 'select(.type == "end").attribution.pending_packets' "$1/manifest.jsonl")
	[ -s "$1.live" ] && cmp "$1.live" "$1.stored" && [ $((recorded - $(wc -l <"$1.live"))) -le "$pending" ]
}
check "a name: as the filter finds them in a whole recording" same_as_stored name 'process.name == "curl"'
check "a path: as in a whole recording" same_as_stored path "process.path == \"$curl\""
check "a path: the same packets as by name" cmp name.live path.live
check "a process id: as in a whole recording" same_as_stored pid "processId == $(head -n 1 known.out)"
check_equal "a process id: one process" "$(jq -r .pid pid.jsonl | sort -u)" "$(head -n 1 known.out)"
check_equal "a process id: its question too" "$(has pid '.dst_port == 53')" 1
check "a user: as in a whole recording" same_as_stored user 'process.user == "nobody" and tcp'
check_equal "a user: one connection" "$(has user '.tcp_flags == "SYN"')" 1
if [ -n "$cgroup" ]; then
	check "a container: as in a whole recording" same_as_stored container "process.container == \"$container\""
	check_equal "a container: its question and its connection" \
		"$(has container '.dst_port == 53') $(has container '.tcp_flags == "SYN"')" "1 1"
else
	skip "a container" "no cgroup can be made"
fi
# An idle connection, and meanwhile more programs than the table of processes has room for.
sniff_start sniff-idle a -i lo -o idle -q --buffer 8MiB 'process.name == "python3" and tcp.PayloadLength > 0'
sniff=$pid
netns_run a python3 -c '
import socket, subprocess
server = socket.create_server(("127.0.0.1", 0))
s = socket.create_connection(server.getsockname())
peer, _ = server.accept()
def word():
    s.sendall(b"word")
    peer.recv(4)
word()
subprocess.run(["sh", "-c", "i=0; while [ $i -lt 2600 ]; do /bin/true; i=$((i + 1)); done"], check=True)
for _ in range(5):
    word()' || not_ok "the idle connection goes on"
sniff_stop "$sniff"
check_equal "idle: what was sent before and behind 2600 programs is recorded" \
	"$("$WEIR" show --json idle | jq -r .process | uniq -c | tr -s ' ')" " 6 python3"
recorders="$recorders idle"
for one in $recorders; do
	check_equal "$one: the store is sound" "$("$WEIR" verify "$one" >/dev/null && echo good)" good
done

# --- with a snap length: whose a packet is, and what else a filter asks for, is seen in all of it
senders='process.name == "python3" and udp'
asked() { "$WEIR" show --json "$1" | jq -r "select($2) | 1" | wc -l; }
bytes_of() { "$WEIR" show --json "$1" | jq -r .captured_bytes | sort -un | tail -n 1; }
diverting() { netns_run a nft list tables | grep -q "weir_${1}_"; }

divert_start() {
	divert_name=$1
	shift
	# shellcheck disable=SC2046
	start "$divert_name" $(nsenter_words a) "$WEIR" divert -i va -s 20 -o "$divert_name" -q "$@"
	wait_for 60 diverting "$pid" || not_ok "$divert_name diverts" "$(cat "$divert_name.err")"
}

# 50 datagrams, one each 10 ms.
send_udp() {
	netns_run a python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(50):
    s.sendto(b"word", ("10.9.0.2", 4001))
    time.sleep(0.01)'
}

if command -v nft >/dev/null; then
	for strict in "" --strict; do
		# shellcheck disable=SC2086
		divert_start cut$strict $strict "$senders"
		send_udp
		sniff_stop "$pid"
		check_equal "divert $strict -s 20: what the filter asks for is recorded" "$(asked cut$strict true)" 50
	done
	check_equal "divert -s 20: no more than 20 bytes are" "$(bytes_of cut)" 20
	divert_start owned
	send_udp
	sniff_stop "$pid"
	check_equal "divert -s 20: owners are found without a filter" "$(asked owned '.process == "python3"')" 50
else
	skip "divert -s 20" "needs nft"
fi

# Where a tunnel is busy, the frames of others are copied out of the ring's blocks.
if [ -c /dev/net/tun ]; then
	# shellcheck disable=SC2046
	start tun $(nsenter_words a) python3 "$SOURCE_ROOT/tests/lib/packets.py" tun t0 "$tmp/never"
	wait_for 10 grep -q made tun.out
	netns_run a ip addr add 10.8.0.1/24 dev t0
	netns_run a ip link set t0 up
	sniff_start beside a -s 20 -o beside -q --buffer 8MiB "$senders"
	beside=$pid
	# shellcheck disable=SC2046
	start busy $(nsenter_words a) ping -q -i 0.002 10.8.0.2
	send_udp
	kill "$pid"
	sniff_stop "$beside"
	check_equal "sniff -s 20 beside a busy tunnel: what the filter asks for is recorded" \
		"$(asked beside true)" 50
	check_equal "sniff -s 20 beside a busy tunnel: no more than 20 bytes are" "$(bytes_of beside)" 20
	check_equal "sniff -s 20: the store is sound" "$("$WEIR" verify beside >/dev/null && echo good)" good
else
	skip "sniff -s 20 beside a busy tunnel" "no /dev/net/tun"
fi
tap_done
