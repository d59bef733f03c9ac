#!/bin/sh
# The directives of divert: several captures, marks, snapshots, live packets; and names that try to
# leave the data directory.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"
require_tool ping tshark

agent_start
traffic() {
	netns_run a ping -q -c "${1:-4}" -i 0.05 -W 2 127.0.0.1 >/dev/null
}

answer=$(result divert start '{"name":"one","mode":"divert","filter":"icmp","case":"c-7","store":"first"}')
check_equal "start answers with the store" "$(printf '%s' "$answer" | jq -r .store)" first
result divert start '{"name":"two","mode":"sniff","layout":"files"}' >/dev/null
result divert start '{"name":"three","mode":"sniff","count":3}' >/dev/null
check_equal "several record at once" \
	"$(result divert list | jq '[.captures[].state] | map(select(. == "recording")) | length')" 3
chosen=$(result divert start '{"filter":"udp","mode":"sniff"}' | jq -r .name)
check_equal "one without a name gets one" "$chosen" capture-1
check_equal "the next one another" "$(result divert start '{"filter":"udp","mode":"sniff"}' | jq -r .name)" capture-2
for name in capture-1 capture-2; do
	check_equal "it is stopped by that: $name" "$(result divert stop "{\"name\":\"$name\"}" | jq -r .grade)" complete
done
traffic
check_match "a running one is not started twice" "$(call divert start '{"name":"one"}')" 'is recording'
check_match "no store is written over" "$(call divert start '{"name":"x","store":"first"}')" \
	'already: none is written over'
check_match "a bad filter shows its place" "$(call divert start '{"name":"x","filter":"tcp.DestPort"}')" \
	'tcp.DestPort'
check_match "what is not recording cannot be stopped" "$(call divert stop '{"name":"nobody"}')" \
	'no capture .nobody. is recording'
has_ended() {
	[ "$(result divert status "{\"name\":\"$1\"}" | jq -r .state)" = ended ]
}
wait_for 10 has_ended three || :
check_equal "a bound ends one by itself" \
	"$(result divert status '{"name":"three"}' | jq .summary.packets)" 3

# Marks.
result divert mark '{"name":"one","text":"the \"suspect\" logs in, \u00e4"}' >/dev/null
wait_for 5 grep -q '"type":"mark"' "$data/stores/first/manifest.jsonl" || :
mark=$(jq -c 'select(.type == "mark")' "$data/stores/first/manifest.jsonl")
check_equal "a mark is in the manifest" "$(printf '%s' "$mark" | jq -r .text)" 'the "suspect" logs in, ä'
check_equal "with who gave it" "$(printf '%s' "$mark" | jq -r .by)" uid:0
check_match "and its time" "$mark" '"at":"20'

# A snapshot while recording goes on.
traffic
sleep 1.2 # the recorder makes what it has durable once a second
snapshot=$(result divert snapshot '{"name":"one","seconds":3600}')
file=$(printf '%s' "$snapshot" | jq -r .path)
check_equal "a snapshot has its hash" "$(sha256sum "$file" | cut -d ' ' -f 1)" \
	"$(printf '%s' "$snapshot" | jq -r .sha256)"
check "Wireshark reads it" [ "$(tshark -r "$file" 2>/dev/null | wc -l)" -ge 8 ]
check_equal "recording goes on" "$(result divert status '{"name":"one"}' | jq -r .state)" recording
check_match "it lies with the stores" "$file" "^$data/stores/snapshots/one-"

# Of a store that was damaged.
segment=$(ls "$data"/stores/three-*/*.pcapng | head -n 1)
truncate -s $(($(stat -c %s "$segment") / 2)) "$segment"
damaged=$(result divert snapshot '{"name":"three","seconds":3600}')
check_equal "a snapshot that lacks something says so" "$(printf '%s' "$damaged" | jq -r .grade)" incomplete
check_match "and what" "$(printf '%s' "$damaged" | jq -r .missing)" 'what could be read is written'

# Live packets.
start stream curl -sSN -m 60 --unix-socket "$tmp/agent.sock" "http://agent/v1/stream/divert/two"
stream=$pid
is_streaming() {
	traffic 1
	[ "$(tshark -r "$tmp/stream.out" 2>/dev/null | wc -l)" -ge 2 ]
}
check "live packets come as pcapng" wait_for 20 is_streaming
kill "$stream"
streams() {
	pgrep -c -f 'sniff --quiet --control 3 --write -'
}
is_stream_gone() {
	[ "$(streams)" = 0 ]
}
check "a reader that goes ends what served it" wait_for 15 is_stream_gone

stopped=$(result divert stop '{"name":"one"}')
check_equal "stop returns the grade" "$(printf '%s' "$stopped" | jq -r .grade)" complete
check "of a store that verifies" "$WEIR" verify "$data/stores/first"
check_equal "the case is in it" "$("$WEIR" info "$data/stores/first" --json | jq -r .case)" c-7
check_equal "layout files as well" "$(result divert stop '{"name":"two"}' | jq -r .grade)" complete
check "one file a packet" [ "$(ls "$data"/stores/two-*/ | grep -c 'pkt$')" -ge 8 ]

# Names.
for name in .. . ../x /etc/x a/b .hidden 'a b' -x '' snapshots/../../x "$(printf 'a%.0s' $(seq 65))"; do
	check_match "no capture is called '$(printf '%.20s' "$name")'" \
		"$(call divert start "$(jq -nc --arg n "$name" '{name: $n}')")" '"error"'
	check_match "no store is called '$(printf '%.20s' "$name")'" \
		"$(call divert start "$(jq -nc --arg n "$name" '{name: "y", store: $n}')")" '"error"'
done
ln -s "$tmp" "$data/stores/link"
check_match "a link is no way out" "$(call divert start '{"name":"y","store":"link"}')" \
	'none is written over'
check_equal "nothing was made outside" "$(find "$tmp" -maxdepth 1 -name 'x*' | wc -l)" 0
agent_stop
tap_done
