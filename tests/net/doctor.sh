#!/bin/sh
# weir doctor tells the truth about this kernel, and --clean removes the tables of dead recorders
# and nothing else.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_netns
require_tool nft jq setpriv taskset
netns_new doctor

doctor() {
	netns_run doctor "$WEIR" doctor "$@"
}

tables() {
	netns_run doctor nft list tables
}

pidns=$(stat -L -c %i /proc/self/ns/pid)
# Field 22 of stat: when the process began; its name (field 2) has no blank here.
self_start=$(cut -d ' ' -f 22 /proc/$$/stat)

# table NAME COMMENT: as a recorder would have left it.
table() {
	netns_run doctor nft "add table inet $1 { comment \"$2\"; }"
}

tables >"$tmp/before"
check "the report ends with 0 for root" doctor
check_equal "asking leaves no table behind" "$(tables)" "$(cat "$tmp/before")"
doctor >"$tmp/report"
check_match "it names the way of divert" "$(cat "$tmp/report")" '^  divert +take packets by '
check_match "no table is told of" "$(cat "$tmp/report")" '^  none'
doctor --json >"$tmp/json"
check_equal "--json is one line" "$(wc -l <"$tmp/json")" 1
check_equal "both verbs would work" "$(jq -c '[.ways.divert, .ways.sniff]' "$tmp/json")" '[true,true]'
check_equal "processors are those of the system" "$(jq .cpu_count "$tmp/json")" "$(nproc --all)"
check_equal "what it says of the queue expression is what nft finds" \
	"$(jq .abilities.native_queue "$tmp/json")" \
	"$(netns_run doctor nft -c 'add table inet t; add chain inet t c; add rule inet t c queue num 0' \
		2>/dev/null && echo true || echo false)"

# Threads follow the processors that may be used; a recorder does what doctor says.
check_equal "threads are chosen by the processors that may be used" \
	"$(jq .ways.threads.processors "$tmp/json")" "$(nproc)"
check_match "the report says which threads sniff has, and why" "$(cat "$tmp/report")" \
	'^  its threads +one thread captures.*:.*to be used'
check_match "and how it waits" "$(cat "$tmp/report")" '^  when waiting +sleep until the kernel'
netns_run doctor taskset -c 0 "$WEIR" doctor --json >"$tmp/single"
check_equal "with one processor, one thread captures and writes" \
	"$(jq -c '[.ways.threads.processors, .ways.threads.sniff_is_one]' "$tmp/single")" '[1,true]'
check_match "and divert never looks before it sleeps" "$(jq -r .ways.waiting "$tmp/single")" '^sleep at once'
netns_run doctor taskset -c 0 "$WEIR" sniff -i lo -o "$tmp/single.store" --for 100ms --quiet 2>"$tmp/single.err"
check_equal "a recorder's manifest says the same" \
	"$(jq -c 'select(.type == "start") | .source.threads | [.processors, .is_one]' \
		"$tmp/single.store/manifest.jsonl")" '[1,true]'
check_equal "with the same reason" \
	"$(jq -r 'select(.type == "start") | .source.threads.how' "$tmp/single.store/manifest.jsonl")" \
	"$(jq -r .ways.threads.sniff "$tmp/single")"

# Without privileges.
cp "$WEIR" "$tmp/weir"
chmod 755 "$tmp" "$tmp/weir"
user() {
	netns_run doctor setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/weir" doctor "$@"
}
check_status "the report ends with 1 where recording would not work" 1 user
code=0
user >"$tmp/user" || code=$?
check_match "what is missing is named" "$(cat "$tmp/user")" '^  net_raw +missing'
check_match "and what would not work" "$(cat "$tmp/user")" '^  sniff +not work: '
check_status "cleaning without privileges fails" 3 user --clean

# Left behind: of a process that never was, of one that is this test, of one whose number was given
# away again, of pid namespaces that are gone and that live; and a
# stranger's.
sh -c 'echo $$' >"$tmp/dead"
dead=$(cat "$tmp/dead")
table "weir_${dead}_0" "weir pid=$dead start=1 pidns=$pidns"
table "weir_$$_0" "weir pid=$$ start=$self_start pidns=$pidns"
table "weir_$$_1" "weir pid=$$ start=$((self_start + 1)) pidns=$pidns"
table "weir_${dead}_1" "weir pid=$dead start=1 pidns=1"
start inside unshare --pid --fork --mount-proc sleep 60
wait_for 10 pgrep -P "$pid" sleep
inside=$(pgrep -P "$pid" sleep)
inside_pidns=$(stat -L -c %i "/proc/$inside/ns/pid")
table weir_1_0 "weir pid=1 start=$(cut -d ' ' -f 22 "/proc/$inside/stat") pidns=$inside_pidns"
table innocent "weir pid=$dead start=1 pidns=$pidns"
netns_run doctor nft add table ip "weir_${dead}_0"
netns_run doctor nft "add chain inet weir_${dead}_0 input { type filter hook input priority 0; }"
doctor >"$tmp/report"
check_match "a dead one is told" "$(cat "$tmp/report")" "weir_${dead}_0 .*dead"
check_match "a live one is told" "$(cat "$tmp/report")" "weir_$$_0 .*in use"
doctor --json >"$tmp/json"
check_equal "--json has them" "$(jq '[.tables[] | select(.is_alive | not)] | length' "$tmp/json")" \
	"$([ "$pidns" = 4026531836 ] && echo 3 || echo 2)"

# From a pid namespace of its own the others cannot be seen.
check_status "--clean from elsewhere does not say that all is well" 3 netns_run doctor \
	unshare --pid --fork --mount-proc "$WEIR" doctor --clean
check_match "and names what it could not judge" "$tap_output" "cannot judge table 'weir_1_0'"
doctor --clean >"$tmp/clean" 2>"$tmp/clean.err" || [ "$pidns" != 4026531836 ]
check_match "--clean names what it removed" "$(cat "$tmp/clean")" "^removed table 'weir_${dead}_0'"
check_match "and what it kept, and why" "$(cat "$tmp/clean")" "^kept table 'weir_$$_0' of process $$: in use"
tables | sort >"$tmp/after"
cat >"$tmp/want" <<END
table inet innocent
table inet weir_$$_0
table inet weir_1_0
table ip weir_${dead}_0
END
[ "$pidns" = 4026531836 ] || echo "table inet weir_${dead}_1" >>"$tmp/want"
sort -o "$tmp/want" "$tmp/want"
check_equal "the dead went, strangers and the living stayed" "$(cat "$tmp/after")" "$(cat "$tmp/want")"
doctor --clean --json >"$tmp/clean" 2>"$tmp/clean.err" || [ "$pidns" != 4026531836 ]
check_equal "a second time nothing is removed" "$(grep -c removed "$tmp/clean")" 0
tap_done
