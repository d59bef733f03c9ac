#!/bin/sh
# The unit as systemd runs it: a service manager in namespaces of its own, over a copy of this system that
# is thrown away.  The agent must work in what the unit leaves it.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_root
require_tool jq ping
[ -x /lib/systemd/systemd ] || skip_all "there is no systemd"

mkdir "$tmp/out" "$tmp/layers"
cp "$WEIR" "$tmp/weir"
cat >"$tmp/probe.service" <<'END'
[Unit]
DefaultDependencies=no
After=weir-agent.service
Wants=weir-agent.service
[Service]
Type=oneshot
ExecStart=/bin/sh /out/probe.sh
StandardOutput=file:/out/probe.out
StandardError=file:/out/probe.err
END
# Runs beside the service, in its machine.
cat >"$tmp/out/probe.sh" <<'END'
ip link set lo up
n=0
until weir ctl status --json >/out/status || [ $n -gt 60 ]; do
	n=$((n + 1))
	sleep 0.5
done
systemctl show weir-agent -p ActiveState >/out/state
weir ctl call divert start name=sniff mode=sniff filter=icmp --json >/out/start-sniff
weir ctl call divert start name=divert mode=divert filter=icmp stall=10s --json >/out/start-divert
ping -q -c 3 -i 0.1 127.0.0.1
weir ctl call filesystem hash path=/etc/passwd hash=sha256 --json >/out/hash
for mode in sniff divert; do
	weir ctl call divert stop name=$mode --json >/out/stop-$mode
done
weir ctl status --json >/out/status
systemctl stop weir-agent
systemctl show weir-agent -p Result >/out/result
weir verify /var/lib/weir/agent >/out/verify
echo END >/out/end
END
# The machine: process 1 is systemd, which is asked for nothing but the probe.
cat >"$tmp/machine" <<'END'
set -e
mount --make-rprivate /
mount -t tmpfs none "$1/layers"
mkdir "$1/layers/u" "$1/layers/w" "$1/layers/m"
mount -t overlay none -o "lowerdir=/,upperdir=$1/layers/u,workdir=$1/layers/w" "$1/layers/m"
m=$1/layers/m
mount -t proc none "$m/proc"
mount -t sysfs none "$m/sys"
mount --rbind /dev "$m/dev"
for d in run tmp var/lib sys/fs/cgroup; do
	mount -t tmpfs none "$m/$d"
done
mkdir -p "$m/sys/fs/cgroup/systemd" "$m/sys/fs/cgroup/unified" "$m/out" "$m/old" "$m/etc/weir"
mount -t cgroup -o none,name=systemd none "$m/sys/fs/cgroup/systemd"
mount -t cgroup2 none "$m/sys/fs/cgroup/unified"
mount --bind "$1/out" "$m/out"
install -m 755 "$1/weir" "$m/usr/local/bin/weir"
cp "$2/weir-agent.service" "$1/probe.service" "$m/etc/systemd/system/"
: >"$m/etc/fstab"
: >"$m/etc/machine-id"
cd "$m"
pivot_root . old
: >/out/begun
export container=other
exec /lib/systemd/systemd --system --unit=probe.service --log-target=console --show-status=0
END
start machine unshare --kill-child --fork --pid --mount --net --ipc --uts --cgroup sh "$tmp/machine" \
	"$tmp" "$SOURCE_ROOT/packaging"
machine=$pid
at_exit "kill -9 $machine 2>/dev/null"
wait_for 20 test -e "$tmp/out/begun" || {
	skip_all "no machine can be made here: $(tail -n 1 "$tmp/machine.err")"
}
check "systemd runs the unit, and a probe beside it to its end" wait_for 120 test -e "$tmp/out/end"
kill -9 "$machine" 2>/dev/null || :
out=$tmp/out
check_equal "the service is active" "$(cat "$out/state")" ActiveState=active
check_equal "both plugins run, at the first try" \
	"$(jq -c '[.result.plugins[]|[.name,.state,.restarts]]' "$out/status")" \
	'[["divert","running",0],["filesystem","running",0]]'
check_equal "every part of their sandboxes that was asked for is active" \
	"$(jq -c '[.result.plugins[]|.sandbox,.confined|select(.)|.[]?|objects|.is]|unique' "$out/status")" \
	'["active","off"]'
for mode in sniff divert; do
	check_equal "a recorder ($mode) is confined as well" \
		"$(jq -c '[.result.sandbox[].is]' "$out/start-$mode")" '["active","active"]'
	check_equal "and records everything" "$(jq -r '.result|[.grade,.summary.packets]|join(" ")' \
		"$out/stop-$mode")" "complete 6"
done
check_equal "a file is hashed" "$(jq -r .result.sha256 "$out/hash")" "$(sha256sum </etc/passwd | cut -d' ' -f1)"
check_equal "it is stopped in order" "$(cat "$out/result")" Result=success
check_match "and its log is whole" "$(cat "$out/verify")" 'good: audit log'
tap_done
