#!/bin/sh
# Whose packet it is, on Windows' calls: events of WinDivert's layers that come early and late, addresses
# used again, a listener, a port of UDP, nobody, a process that is gone; a row of IP Helper's tables. The
# processes are real ones, so that what is said of them can be compared.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/who/lib.sh"

start_line() { jq -c "select(.type == \"start\") | $2" "$1/manifest.jsonl"; }

peer_start
script packets script >truth
total=$(wc -l <truth)
weir sniff -o all --count "$total" -q >out 2>&1 || cat out
check "the store is as it says" weir verify all
check_equal "which mechanisms were at work" "$(start_line all '.attribution | [.mechanisms, .missing]')" \
	'[["windivert_socket","windivert_flow","iphelper"],[]]'
check_equal "by which rights" "$(start_line all .privileges)" '"administrator,SeDebugPrivilege"'
check_equal "of WinDivert its version, and that it counts no losses" "$(start_line all '.attribution.windivert | [.version, .counts_losses]')" '["2.2",false]'
check_equal "no event is lost" "$(jq -r 'select(.type == "end").attribution.lost_events' all/manifest.jsonl)" 0
self=$(start_line all .identity.pid)
weir show --json all >shown 2>err || cat err
jq -r '"\(.packet_id) \(.pid // "none") \(.process_certainty)"' shown | tr -d '\r' >said
sed "s/ weir / $self /; s/ peer / $peer_id /; s/ gone / 99996 /" truth >want
check_equal "each packet has its process, and how sure that is" "$(diff want said)" ""
check_equal "by name" "$(jq -r --argjson p "$peer_id" 'select(.pid == $p).process' shown | tr -d '\r' | sort -u)" peer.exe
weir flows --json all >flows.out 2>err || cat err
method() { jq -r --argjson p "$1" 'select(.src_port == $p or .dst_port == $p).process_method' flows.out | tr -d '\r' | sort -u; }
check_equal "found by an event of the FLOW layer" "$(method 1003)" windivert_flow
check_equal "found by one of the SOCKET layer" "$(method 1002)" windivert_socket

# The last word on each.
fact() { jq -c --argjson p "$1" "select(.pid == \$p) | $2" all/processes.jsonl | tail -n 1; }
check_equal "weir itself: name and path" "$(fact "$self" '[.name, (.path | ascii_downcase | endswith("\\bin\\weir.exe"))]')" '["weir.exe",true]'
check_equal "the other one: name and path" "$(fact "$peer_id" '[.name, (.path | ascii_downcase | endswith("\\bin\\peer.exe"))]')" '["peer.exe",true]'
# This recording is over in no time; one that had the time follows.
check_match "the hash of its executable, or why not" "$(fact "$peer_id" '.sha256 // .sha256_reason')" \
	"^\"($(sum_of bin/peer.exe)|not hashed before the recording ended)\"\$"
check_equal "no Unix ids" "$(fact "$peer_id" '[.uid, .gid, .cgroup, .netns]')" '[null,null,null,null]'
check_match "an account, by name or by SID" "$(fact "$peer_id" .user)" '^"(.*\\\\.+|S-1-.*)"$'
check_match "a session" "$(fact "$peer_id" .session)" '^[0-9]+$'
started=$(fact "$peer_id" '.started_ns / 1000000000 | floor')
check "a start" test "$started" -gt $(($(date +%s) - 600)) -a "$started" -le "$(date +%s)"
check_equal "which is its key, in packets too" "$(fact "$peer_id" '.start_ns == .started_ns')" true
check_equal "of one that was gone nothing but its id" "$(fact 99996 '[.name, .path, .started, .sha256_reason]')" \
	'["",null,null,"gone before it could be read"]'

weir sniff -o mine --for 3s -q 'process.name == "weir.exe"' >out 2>&1 || cat out
weir show --json mine 2>err | jq -r .process | tr -d '\r' >by || cat err
check_equal "a filter on a process records all of its packets" "$(grep -cx weir.exe by)" "$(grep -c weir truth)"
# On a machine that is busy a packet may come before its process has its name: it is recorded, and counted.
check "and others' only where that was not known yet, which is counted" test "$(grep -cvx weir.exe by)" -le \
	"$(jq -r 'select(.type == "end").attribution.pending_packets' mine/manifest.jsonl)"
check_equal "and the hash of its executable is known" "$(jq -r 'select(.name == "weir.exe").sha256' mine/processes.jsonl | tail -n 1)" \
	"$(sum_of bin/weir.exe)"

# No event tells of it: IP Helper's table does, once it was read.
script table script "$here" "$there" >truth
weir sniff -o table --count "$(wc -l <truth)" -q >out 2>&1 || cat out
weir show --json table >shown 2>err || cat err
check_equal "the owner of a real connection" "$(tail -n 1 shown | jq -c '[.pid, .process, .process_certainty]')" "[$peer_id,\"peer.exe\",\"exact\"]"
check_equal "and of no other process" "$(jq -r 'select(.pid != null).pid' shown | tr -d '\r' | sort -u)" "$peer_id"
check_equal "by a row of a table" "$(weir flows --json table 2>err | jq -r .process_method | tr -d '\r' | sort -u)" iphelper

code=0
script packets script >truth
STANDIN_ERROR=577 weir sniff -o none -q --count "$total" >out 2>&1 || code=$?
check_equal "without the layers packets are recorded all the same" "$code $(jq -r 'select(.type == "end").packets' none/manifest.jsonl)" "0 $total"
check_equal "by IP Helper alone" "$(start_line none '.attribution | [.mechanisms, (.missing | map(.mechanism))]')" \
	'[["iphelper"],["windivert_socket","windivert_flow"]]'
check_match "and the store says why" "$(start_line none '.attribution.missing[0].reason')" 'signature'
check_equal "nobody is named" "$(weir show --json none 2>err | jq -r .process_certainty | tr -d '\r' | sort -u)" unknown
peer_stop
tap_done
