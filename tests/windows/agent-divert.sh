#!/bin/sh
# The plugin divert of weir.exe under wine: it sets recorders to work through WinDivert's calls, asks them, ends them, and
# goes on after a kill.  The stand-in for the DLL is windivert.sh's.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/windows/windivert/lib.sh"
unset STANDIN_IN STANDIN_OUT STANDIN_LOG
printf '[standin]\nSTANDIN_IN=Z:%s\nSTANDIN_OUT=Z:%s\nSTANDIN_LOG=Z:%s\n' "$tmp/in.pcap" "$tmp/out.pcap" "$tmp/log" >bin/standin.ini
packets make in.pcap 3000

start run "$SOURCE_ROOT/tools/wine" bin/weir.exe agent run --data "Z:$tmp/agent"
agent=$pid
is_up() { grep -q "divert: running" run.err; }
wait_for 120 is_up || not_ok "the agent runs" "$(cat run.err)"
pipe=$(sed -n 's/.*listening on \(\\\\.*\)/\1/p' run.err | tr -d '\r' | head -n 1)
ctl() { timeout 100 "$SOURCE_ROOT/tools/wine" bin/weir.exe ctl --socket "$pipe" --json "$@" 2>>ctl.err; }
result() { ctl "$@" | jq -c 'select(.result) | .result'; }
status_of() { result call divert status "name=$1" | jq -r ".$2"; }
has_recorded() { [ "$(status_of "$1" figures.packets)" -ge "$2" ]; }

result call divert start filter=true mode=sniff >started || :
check_equal "start chooses a name" "$(jq -r .name started)" capture-1
check "what comes is recorded" wait_for 60 has_recorded capture-1 3000
check_match "a bad filter shows its place" "$(ctl call divert start filter=tcp.DestPort || :)$(tail -n 1 ctl.err)" tcp.DestPort
check "a mark" ctl call divert mark name=capture-1 text=here
result call divert stop name=capture-1 >stopped || :
check_equal "stop waits until the store is closed" "$(jq -r .state stopped)" ended
check_equal "and tells its grade" "$(jq -r .grade stopped)" complete
store=agent/stores/$(jq -r .store stopped)
check "recorded is what came" packets same "$store" in.pcap
check "the store is as it says" weir verify "$store"
check_match "the mark is in the manifest" "$(cat "$store/manifest.jsonl")" '"text": ?"here"'

rm -f log
result call divert start name=inline mode=divert >started || :
check "inline: what comes is recorded" wait_for 60 has_recorded inline 3000
check "inline: what came is sent on" wait_for 60 has_told sent 3000
check_equal "both are listed" "$(result call divert list | jq -c '[.captures[].name]')" '["capture-1","inline"]'
result call divert stop name=inline >stopped || :
check_equal "inline: the grade" "$(jq -r .grade stopped)" complete
check "inline: sent on is what came" packets same out.pcap in.pcap

kill -INT "$agent"
check "Ctrl-C ends the agent" wait_exit 60 "$agent"
tap_done
