# What the sniff tests share, after tap.sh: recorders in namespaces, and when they listen.

# For start(), which then gets the program's own pid: netns_run is a function of the shell.
nsenter_words() {
	echo "nsenter --net=/run/netns/$(netns_name "$1")"
}

# sniff_start NAME NETNS WORDS...: a recorder; returns once its sockets listen.
sniff_start() {
	sniff_name=$1 sniff_ns=$2
	shift 2
	sniff_before=$(listening "$sniff_ns")
	# shellcheck disable=SC2046
	start "$sniff_name" $(nsenter_words "$sniff_ns") "$WEIR" sniff "$@"
	wait_for 60 more_listening "$sniff_ns" "$sniff_before" ||
		not_ok "$sniff_name listens" "$(cat "$tmp/$sniff_name.err")"
}

# Packet sockets of the namespace that are bound to all protocols and run.
listening() {
	netns_run "$1" awk 'NR > 1 && $4 == "0003" && $6 == 1' /proc/net/packet | wc -l
}

more_listening() {
	[ "$(listening "$1")" -gt "$2" ]
}

# sniff_stop PID: Ctrl-C, and the end; its exit code is in exit_code.
sniff_stop() {
	kill -INT "$1"
	wait_exit 60 "$1" || not_ok "recorder $1 ends within 60 s of Ctrl-C"
}

packets() {
	python3 "$SOURCE_ROOT/tests/lib/packets.py" "$@"
}

# veth_pair: namespaces a and b, joined by va 10.9.0.1 and vb 10.9.0.2.
veth_pair() {
	netns_new a
	netns_new b
	ip link add va netns "$(netns_name a)" type veth peer name vb netns "$(netns_name b)"
	# No IPv6 address of its own: nothing moves but what a test sends.
	netns_run a ip link set va addrgenmode none
	netns_run b ip link set vb addrgenmode none
	netns_run a ip addr add 10.9.0.1/24 dev va
	netns_run b ip addr add 10.9.0.2/24 dev vb
	netns_run a ip link set va up
	netns_run b ip link set vb up
	wait_for 60 netns_run a ping -q -c 1 -W 1 10.9.0.2
}
