#!/bin/sh
# After opening its sockets the recorder has given up what it does not need: user, capabilities,
# the way back.  Unprivileged it says in one sentence what is missing.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool setpriv
netns_new a
cd "$tmp"
chmod 711 "$tmp"

field() { # PID NAME: a word of its /proc status
	sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "/proc/$1/status"
}

every_thread_has() { # PID NAME VALUE
	for task in /proc/"$1"/task/*; do
		got=$(sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "$task/status")
		[ "$got" = "$3" ] || return 1
	done
}

recording() { grep -q '"type":"status"' "$1"; }

nobody=$(id -u nobody)

start sniff netns_run a "$WEIR" sniff -i lo -o s1 --json
check "sniff records" wait_for 5 recording sniff.out
sniff=$pid
[ "$(cat "/proc/$sniff/comm")" = weir ] || sniff=$(pgrep -P "$sniff" weir | head -n 1)
check "every thread of sniff has left root" every_thread_has "$sniff" Uid "$nobody"
# Its sockets are open: bound, and bound again, without any capability.
check "every thread of sniff keeps none" every_thread_has "$sniff" CapEff 0000000000000000
check "nor can it have one again" every_thread_has "$sniff" CapPrm 0000000000000000
check "nor by a program it could start" every_thread_has "$sniff" NoNewPrivs 1
kill -INT "$sniff"
check "sniff ends" wait_exit 10 "$pid"
check_equal "the store is its user's" "$(stat -c '%u %a' s1)" "$nobody 700"

start divert netns_run a "$WEIR" divert -i lo -o s2 --json
check "divert records" wait_for 5 recording divert.out
outer=$pid
[ "$(cat "/proc/$outer/comm")" = weir ] || outer=$(pgrep -P "$outer" weir | head -n 1)
worker=$(pgrep -P "$outer" | head -n 1)
check "every thread of the worker has left root" every_thread_has "$worker" Uid "$nobody"
# cap_net_admin is bit 12.
check "every thread of the worker keeps net_admin only" \
	every_thread_has "$worker" CapEff 0000000000001000
check "the worker cannot have more again" every_thread_has "$worker" NoNewPrivs 1
# dac_read_search 2, kill 5, setgid 6, setuid 7, net_admin 12.
check "the supervisor keeps five" every_thread_has "$outer" CapEff 00000000000010e4
kill -INT "$outer"
check "divert ends" wait_exit 10 "$pid"

cp "$WEIR" weir-copy
chmod 755 weir-copy
for c in sniff:net_raw divert:net_admin; do
	name=${c%:*} cap=${c#*:}
	tap_run netns_run a setpriv --reuid nobody --clear-groups "$tmp/weir-copy" "$name" -i lo -o "$tmp/s3"
	check_equal "unprivileged $name ends with 3" "$tap_status" 3
	check_match "unprivileged $name names the capability" "$tap_output" "capability cap_$cap"
	check_equal "in one line" "$(printf '%s\n' "$tap_output" | wc -l)" 1
done
net_admin() { # MORE: divert as nobody, with that and cap_net_admin
	tap_run netns_run a setpriv --reuid nobody --regid 65534 --clear-groups --inh-caps "+net_admin$1" --ambient-caps "+net_admin$1" \
		"$tmp/weir-copy" divert -i lo --for 100ms -o "$tmp/$2"
}
install -d -o nobody own
net_admin "" own/s3
check_equal "with net_admin alone divert ends with 3" "$tap_status" 3
check_match "and names what else it needs" "$tap_output" "capability cap_dac_read_search"
check "and no store was made" test ! -e own/s3
net_admin ,+dac_read_search own/s4
check_equal "with both it records" "$tap_status" 0
tap_done
