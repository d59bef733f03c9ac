#!/bin/sh
# weir sniff --layer flow and socket on WinDivert's events, with a stand-in for its DLL: each event with its
# process, in the store and on standard output; filters where they can be decided; refusals.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/who/lib.sh"

peer_start
script layers script
weir sniff --layer socket -o sockets --count 5 --json -q >out 2>err || cat err
check_equal "socket: each event, in order" "$(jq -r .event out | tr -d '\r' | tr '\n' ' ')" "BIND CONNECT LISTEN ACCEPT CLOSE "
check "the store has the same lines" cmp -s out sockets/events.jsonl
check "and is as it says" weir verify sockets
self=$(jq -r 'select(.type == "start").identity.pid' sockets/manifest.jsonl)
member() { jq -r --arg e "$2" "select(.event == \$e) | $3" "$1" | tr -d '\r'; }
check_equal "the process of an event is weir itself" "$(member out CONNECT '[.pid, .process, .process_certainty] | join(" ")')" \
	"$self weir.exe exact"
check_equal "or the other one" "$(member out LISTEN '[.pid, .process] | join(" ")')" "$peer_id peer.exe"
check_equal "addresses and ports" "$(member out CONNECT '[.local, .local_port, .remote, .remote_port] | join(" ")')" \
	"10.0.0.1 1001 10.0.0.2 80"
check_equal "what is bound has no other side" "$(member out BIND '[.local, .local_port, .remote, .remote_port, .protocol] | @json')" \
	'["0.0.0.0",5353,null,null,"udp"]'
check_equal "IPv6, and who listened" "$(member out ACCEPT '[.ip_version, .local, .outbound, .endpoint, .parent_endpoint] | @json')" \
	'[6,"2001:db8::1",false,4,3]'
check_equal "there are no Unix ids" "$(member out CONNECT '[.uid, .netns, .tid] | @json')" '[null,null,null]'
started=$(member out CONNECT '.process_start_ns / 1000000000 | floor')
now=$(date +%s)
check "a process's key is its start" test "$started" -gt $((now - 600)) -a "$started" -le "$now"
at=$(member out CONNECT '.ns / 1000000000 | floor')
check "the event is of now" test "$at" -gt $((now - 600)) -a "$at" -le $((now + 1))

weir sniff --layer flow -o flows --count 5 -q >out 2>err || cat err
check_equal "flow: each event, in order" "$(jq -r .event flows/events.jsonl | tr '\n' ' ')" \
	"ESTABLISHED ESTABLISHED ESTABLISHED DELETED ESTABLISHED "
check_equal "what was not counted is null" "$(member flows/events.jsonl DELETED '[.packets_out, .bytes_out, .packets_in, .bytes_in] | @json')" \
	'[null,null,null,null]'
check_match "and the store says why" "$(jq -r 'select(.type == "start").source.counts.reason' flows/manifest.jsonl)" 'counts no packets'
check_equal "a process that was gone has its id, and nothing else" \
	"$(jq -c 'select(.pid == 99996) | [.process, .process_start_ns, .process_certainty]' flows/events.jsonl)" '[null,null,"exact"]'
check_equal "process 0 is nobody" "$(jq -c 'select(.protocol == "icmp") | [.pid, .process_certainty]' flows/events.jsonl)" '[null,"unknown"]'
check_equal "the source is told" "$(jq -c 'select(.type == "start").source | [.layer, .windivert.version, .windivert.counts_losses]' flows/manifest.jsonl)" \
	'["flow","2.2",false]'
check "the store is as it says" weir verify flows

rm -f filters
weir sniff --layer socket -w - --count 1 -q 'event == LISTEN and localPort == 8080' >out 2>err || cat err
check_equal "a filter decides" "$(jq -r .event out | tr -d '\r')" LISTEN
check_match "WinDivert is given it" "$(cat filters)" '^3 .*event.*localPort'
rm -f filters
weir sniff --layer flow -o named --count 2 -q 'process.name == "peer.exe" or processId == 99996' >out 2>err || cat err
check_equal "what WinDivert does not know is decided by us" \
	"$(jq -r '.pid' named/events.jsonl | tr '\n' ' ')" "$peer_id 99996 "
check_equal "and it is asked for more" "$(jq -r 'select(.type == "start").source.windivert.filter_is_exact' named/manifest.jsonl)" false

code=0
STANDIN_ERROR=5 weir sniff --layer flow -o none -q >out 2>&1 || code=$?
check_match "no right: what to do" "$code $(cat out)" '^3 weir sniff: --layer flow: .*administrator'
check "and no store is left" test ! -e none
peer_stop
tap_done
