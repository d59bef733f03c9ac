#!/bin/sh
# Without eBPF (here: without the privileges that it needs, or without the kernel's types) sock_diag, /proc
# and the process connector: said in the store; what lives long enough is named, also when it is gone later, and
# nothing is named wrongly.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
. "$SOURCE_ROOT/tests/lib/who.sh"
require_netns
require_tool jq python3 setpriv
netns_new a
lo_up a
cd "$tmp"
chmod 711 "$tmp"

# recorder NAME [CAPABILITIES]: all that root may do but to load tracing programs, and but those.
recorder() {
	before=$(listening a)
	# shellcheck disable=SC2046
	start "sniff-$1" $(nsenter_words a) setpriv --bounding-set="-bpf,-perfmon,-sys_admin${2:-}" \
		"$WEIR" sniff -i lo -o "$1" -q --buffer 8MiB
	wait_for 60 more_listening a "$before" || not_ok "$1 listens" "$(cat "sniff-$1.err")"
}

# mechanisms STORE
mechanisms() { jq -c 'select(.type == "start") | .attribution.mechanisms' "$1/manifest.jsonl"; }
missing() { jq -r "select(.type == \"start\") | .attribution.missing[] | select(.mechanism == \"$2\") | .reason" "$1/manifest.jsonl"; }

recorder older
sniff=$pid
check_equal "the store says which mechanisms were at work" "$(mechanisms older)" '["sock_diag","proc"]'
check_match "and why eBPF was not" "$(missing older ebpf)" 'eBPF|bpf'
# The connector is the first network namespace's, which this one may not enter.
check_match "and why the process connector was not" "$(missing older proc_connector)" 'first network namespace'
# A connection that goes on after it was looked for.
start older-scene netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" older "$tmp/go"
older=$pid
is_known() { grep -q '"name":"python3"' older/processes.jsonl; }
check "a connection's processes are found while it lasts" wait_for 60 is_known
touch go
check "it goes on and ends" wait_exit 60 "$older"
sniff_stop "$sniff"
compare older older-scene.out
echo "# older: $counts"
check_equal "no packet is said to be of another" "$(count_of wrong)" 0
check "what came after the look is known" test "$(count_of exact)" -ge 10
check_equal "by sock_diag" "$("$WEIR" flows --json older | jq -r .process_method | sort -u)" diag

# Too short to be seen by looking: unknown, or right.
recorder short
sniff=$pid
netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" short >short.truth
sniff_stop "$sniff"
compare short short.truth
echo "# short: $counts"
check "there are packets" test "$(count_of packets)" -gt 50
check_equal "short processes: none is said to be another" "$(count_of wrong)" 0
check_equal "the store is sound" "$("$WEIR" verify short >/dev/null && echo good)" good

# Addresses used again, each time by another: at once, and by processes that are found by looking.
for name in reused_tuple reused_slowly; do
	recorder "$name"
	sniff=$pid
	netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" "$name" >"$name.truth"
	sniff_stop "$sniff"
	compare "$name" "$name.truth"
	echo "# $name: $counts"
	check "$name: there are packets" test "$(count_of packets)" -gt 10
	check_equal "$name: no packet is said to be of another" "$(count_of wrong)" 0
done
check "reused_slowly: many are known" test "$(count_of exact)" -gt 20

# Who may not look at all processes cannot know that a socket is not another's too.
start shared-scene netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" shared "$tmp/shared-go"
shared=$pid
check "a socket is shared" wait_for 60 grep -q pids shared-scene.out
recorder shared ,-sys_ptrace
sniff=$pid
touch shared-go
check "it is used, and closed" wait_exit 60 "$shared"
sniff_stop "$sniff"
compare shared shared-scene.out
echo "# shared: $counts"
check "shared: there are packets" test "$(count_of packets)" -gt 40
check_equal "shared: no packet is said to be of another" "$(count_of wrong)" 0

# With all privileges, and a kernel that does not tell its types: the process connector, which is the first
# network namespace's.  So it is a wire of our own there that is recorded, on which nothing comes.
wire=wg$$
ip link add "$wire" type veth peer name "${wire}b" || skip_all "no veth in the first namespace"
at_exit "ip link del $wire"
for end in "$wire" "${wire}b"; do
	ip link set "$end" addrgenmode none up
done
# shellcheck disable=SC2016
start sniff-gone unshare -m sh -c '
	[ ! -e /sys/kernel/btf/vmlinux ] || mount --bind /dev/null /sys/kernel/btf/vmlinux; exec "$@"' sh "$WEIR" sniff -i "$wire" -o gone -q --buffer 8MiB
sniff=$pid
wait_for 60 test -s gone/manifest.jsonl || not_ok "gone records" "$(cat sniff-gone.err)"
case $(mechanisms gone) in
*ebpf*) skip "the process connector" "eBPF is there without the kernel's types" ;;
*proc_connector*)
	check_equal "the process connector is named beside the others" "$(mechanisms gone)" '["sock_diag","proc","proc_connector"]'
	# A program that is told of as soon as it begins, although it has no socket at all.
	mkfifo hold
	start short-lived sh -c 'exec python3 -c "import sys; sys.stdin.read()" "sought-$1" <hold' sh $$
	short_lived=$pid
	exec 9>hold
	line() { jq -c "select(.command_line // [] | index(\"sought-$$\")) | select($1)" gone/processes.jsonl; }
	is_told() { [ -n "$(line "$1")" ]; }
	check "a program is told of when it begins" wait_for 60 is_told true
	exec 9>&-
	check "it ends" wait_exit 60 "$short_lived"
	check "its end is told too" wait_for 60 is_told .ended_ns
	sniff_stop "$sniff"
	check_equal "what came too late for /proc is counted" "$(tail -n 1 gone/manifest.jsonl |
		jq -r '.attribution | (.missed_processes | type), (.lost_events | type)' | tr '\n' ' ')" "number number "
	check_equal "the store is sound" "$("$WEIR" verify gone >/dev/null && echo good)" good ;;
*) skip "the process connector" "$(missing gone proc_connector)" ;;
esac
tap_done
