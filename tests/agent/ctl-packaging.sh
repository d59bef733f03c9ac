#!/bin/sh
# packaging/: what install puts there uninstall takes away, but for the evidence; the unit is one that
# systemd takes, and as closed as it can be; the configuration is one that the agent takes.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq

packaging=$SOURCE_ROOT/packaging
export DESTDIR="$tmp/root" PREFIX=/usr/local
mkdir "$DESTDIR"
files() {
	(cd "$DESTDIR" && find . ! -type d | sort)
}

check "install works in a directory" sh "$packaging/install" "$WEIR"
check "the program runs from there" "$DESTDIR/usr/local/bin/weir" --version
check "the agent's page is there" test -f "$DESTDIR/usr/local/share/man/man1/weir-agent.1"
check "every line of the default configuration is good, commented out or not" sh -c \
	"sed 's/^#\\([a-z-]* =\\)/\\1/; s/^user = alice/user = 0/' '$DESTDIR/etc/weir/weir.conf' >'$tmp/all.conf' &&
	sed -i 's,^data.*,data = $tmp/data,' '$tmp/all.conf' &&
	'$WEIR' agent init --config '$tmp/all.conf' >/dev/null"
echo 'name = mine' >"$DESTDIR/etc/weir/weir.conf"
check "a second install keeps the configuration" sh -c \
	"sh '$packaging/install' '$WEIR' && grep -q mine '$DESTDIR/etc/weir/weir.conf'"

mkdir -p "$DESTDIR/var/lib/weir/stores/incident" "$DESTDIR/var/lib/weir/agent" "$DESTDIR/run/weir"
echo evidence >"$DESTDIR/var/lib/weir/stores/incident/0000000001.pcapng"
echo log >"$DESTDIR/var/lib/weir/agent/audit.jsonl"
: >"$DESTDIR/run/weir/agent.sock"
check "uninstall works" sh "$packaging/uninstall" --config
check_equal "it leaves the evidence and nothing else" "$(files | tr '\n' ' ')" \
	"./var/lib/weir/agent/audit.jsonl ./var/lib/weir/stores/incident/0000000001.pcapng "
check "a second uninstall finds nothing to do" sh "$packaging/uninstall" --config
check_status "uninstall refuses words it does not know" 2 sh "$packaging/uninstall" --purge

if command -v systemd-analyze >/dev/null; then
	cp "$packaging/weir-agent.service" "$tmp/weir-agent.service"
	sed -i "s,/usr/local/bin/weir,$WEIR," "$tmp/weir-agent.service"
	systemd-analyze verify --man=no "$tmp/weir-agent.service" >"$tmp/verify" 2>&1 || :
	check_equal "systemd takes the unit without a word" "$(grep weir-agent "$tmp/verify" || :)" ""
	exposure=$(systemd-analyze security --offline=true --no-pager "$tmp/weir-agent.service" 2>&1 |
		sed -n 's/.*exposure level[^:]*: \([0-9.]*\).*/\1/p')
	# With all privileges and nothing closed it is 9.6; a listing needs the files, a recorder the network.
	check "its exposure (${exposure:-none}) is at most 4.7" sh -c \
		"[ -n '$exposure' ] && echo '$exposure' | awk '{exit !(\$1 <= 4.7)}'"
else
	skip "systemd takes the unit without a word" "needs systemd-analyze"
fi
tap_done
