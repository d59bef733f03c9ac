#!/bin/sh
# The divert plugin is killed with -9 in the middle of captures: it is started again, goes on recording
# into the same stores' next segments, the gaps are in the manifests with their times, and its list
# is whole.  The filesystem plugin is killed in the middle of a timeline, and leaves nothing behind.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"
require_tool ping

agent_start
names="one two three"
result divert start '{"name":"one","mode":"divert","filter":"icmp"}' >/dev/null
result divert start '{"name":"two","mode":"sniff","filter":"icmp or udp","layout":"files"}' >/dev/null
result divert start '{"name":"three","mode":"sniff","case":"c-1","count":100000}' >/dev/null
result divert start '{"name":"ended","mode":"sniff"}' >/dev/null
result divert stop '{"name":"ended"}' >/dev/null

traffic() {
	netns_run a ping -q -c 4 -i 0.05 -W 2 127.0.0.1 >/dev/null
}

# Names, filters, states: what the list says beside figures.
list() {
	result divert list | jq -cS '[.captures[] | {name, store, arguments, state, caller, started}]'
}

all_record() {
	[ "$(result divert list | jq '[.captures[] | select(.state == "recording")] | length')" = 3 ] &&
		[ "$(result divert list | jq '[.captures[] | select(.figures != null and
			.state == "recording")] | length')" = 3 ]
}

# kill_and_check TITLE SIGNAL PROCESS: after which all three go on.
kill_and_check() {
	traffic
	wait_for 10 all_record || not_ok "all record before '$1'"
	before=$(list)
	moment=$(date +%s%N)
	kill "-$2" "$3"
	wait_for 40 was_restarted "$4" || :
	wait_for 40 all_record || :
	check_equal "$1: the list is whole" "$(list)" "$before"
	check_equal "$1: traffic passes" "$(traffic && echo yes)" yes
}

was_restarted() {
	[ "$(status divert | jq .restarts)" = "$1" ] && [ "$(status divert | jq -r .state)" = running ]
}

restarts=$(status divert | jq .restarts)
kill_and_check "the plugin is killed" 9 "$(pid_of divert)" 1
check_match "and reported" "$(status divert | jq -r .last_fault)" 'signal 9'
first=$moment
# Those of its next life go on in stores that are there.
are_alone() {
	! pgrep -af "^weir (sniff|divert) .*$data/stores" | grep -qv -e --continue
}
check "no recorder of the killed one is left" wait_for 15 are_alone

# A recorder alone: the plugin lives, and so do the others.
recorder=$(result divert status '{"name":"three"}' | jq .pid)
kill_and_check "a recorder is killed" 9 "$recorder" 1
wait_for 20 sh -c "[ \"\$(cd /; ls $data/stores/three-* | grep -c pcapng$)\" -ge 3 ]" || :

for name in $names; do
	stopped=$(result divert stop "{\"name\":\"$name\"}")
	store=$data/stores/$(printf '%s' "$stopped" | jq -r .store)
	check_equal "'$name': the grade says that something is missing" \
		"$(printf '%s' "$stopped" | jq -r .grade)" incomplete
	check "'$name': the store verifies" "$WEIR" verify "$store"
	gap=$(jq -c 'select(.type == "continued")' "$store/manifest.jsonl" | head -n 1)
	check_match "'$name': the gap has its times" "$gap" '"gap_from":"[0-9T:.-]*Z".*"gap_to":"'
	check_match "'$name': it is where the kill was" "$(printf '%s' "$gap" | jq --argjson t "$first" \
		'.gap_from_ns < $t + 2000000000 and .gap_to_ns > $t')" true
	check "'$name': recording went on behind it" [ "$(jq -s 'map(select(.type == "segment"))
		| map(.packets) | .[1:] | add' "$store/manifest.jsonl")" -gt 0 ]
done
check_equal "the killed recorder's store has two gaps" \
	"$(grep -c '"type":"continued"' "$data"/stores/three-*/manifest.jsonl)" 2

# What is left of its bound is what the store does not have.
result divert start '{"name":"ten","mode":"sniff","filter":"icmp.Type == 8","count":10}' >/dev/null
has_packets() {
	[ "$(result divert status '{"name":"ten"}' | jq .figures.packets)" = "$1" ]
}
netns_run a ping -q -c 6 -i 0.05 -W 2 127.0.0.1 >/dev/null
check "six of ten packets are recorded" wait_for 20 has_packets 6
kill -9 "$(pid_of divert)"
wait_for 40 was_restarted 2 || :
records_on() {
	[ "$(result divert status '{"name":"ten"}' | jq -r .state)" = recording ]
}
wait_for 40 records_on || :
netns_run a ping -q -c 8 -i 0.05 -W 2 127.0.0.1 >/dev/null
has_ended() {
	[ "$(result divert status '{"name":"ten"}' | jq -r .state)" = ended ]
}
check "it ends by itself" wait_for 20 has_ended
check_equal "with ten packets over two lives" "$("$WEIR" info --json "$data"/stores/ten-* | jq .packets)" 10

# The launcher dies.  What records goes on, until there is a recorder to be started: then both are started again.
result divert start '{"name":"beside","mode":"sniff"}' >/dev/null
kill -9 "$(pgrep -P "$(pid_of divert)" -f 'plugin divert')"
check_match "without its launcher it starts no recorder" "$(call divert start '{"name":"new","mode":"sniff"}')" \
	'the launcher has gone'
check "it is started again" wait_for 40 was_restarted 3
check_match "and that is a fault" "$(status divert | jq -r .last_fault)" 'exit code 3'
check_match "which the log explains" "$(cat "$tmp/agent.err")" 'divert: .*the launcher has gone'
has_beside() {
	[ "$(result divert status '{"name":"beside"}' | jq -r .state)" = recording ]
}
check "what recorded is recorded on" wait_for 40 has_beside
check_equal "a recorder can be started" \
	"$(result divert start '{"name":"new","mode":"sniff"}' | jq -r .state)" recording
for name in beside new; do
	result divert stop "{\"name\":\"$name\"}" >/dev/null
done

# The agent itself ends and comes again: what was recording goes on.
result divert start '{"name":"over","mode":"sniff"}' >/dev/null
agent_stop
agent_start
wait_for 20 sh -c "curl -sS --unix-socket $tmp/agent.sock -X POST -d '{\"name\":\"over\"}' \
	http://a/v1/call/divert/status | grep -q '\"state\":\"recording\"'" || :
check_equal "an agent that is started again goes on recording" \
	"$(result divert status '{"name":"over"}' | jq -r .state)" recording
check_equal "its list is still whole" "$(result divert list | jq '.captures | length')" 8

# State that was damaged from outside is put aside, and the plugin runs.
result divert stop '{"name":"over"}' >/dev/null
agent_stop
echo '{"captures":[' >"$data/plugins/divert/captures.json"
agent_start
check_equal "a damaged state does not keep the plugin from running" \
	"$(result divert list)" '{"captures":[]}'
check "and is kept" test -e "$data/plugins/divert/captures.json.damaged"

listings() {
	find "$data/plugins/filesystem" -name 'listing-*' | wc -l
}
has_listing() {
	[ "$(listings)" -gt 0 ]
}
is_restarted() {
	[ "$(status filesystem | jq .restarts)" -gt 0 ] && [ "$(status filesystem | jq -r .state)" = running ]
}
call filesystem timeline '{"path":"/","hash":"sha256"}' >/dev/null &
timeline=$!
check "a timeline makes its listing" wait_for 10 has_listing
kill -9 "$(pid_of filesystem)"
wait "$timeline" || :
wait_for 20 is_restarted || :
check_equal "killed inside of it, the plugin's next life removes that" "$(listings)" 0
agent_stop
tap_done
