#!/bin/sh
# The audit log over the life of an agent: verify, a kill, a change, a full disk.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq python3

agent_start
for i in 1 2 3; do
	local_ctl call probe echo text=$i >/dev/null
done
check_match "a log that is being written verifies" "$("$WEIR" verify "$agent_data/agent")" \
	'good: audit log, .* still being written'
check_equal "a second agent on the same data does not start" \
	"$("$WEIR" agent run --data "$agent_data" --socket none 2>&1 | grep -c "another agent writes")" 1
# A name whose 64th byte is in the middle of a character.
agent_pair viewer
name=$(printf 'x%.0s' $(seq 63))é
check_match "a name that is none is refused" "$(agent_curl viewer /v1/pair \
	-d "{\"token\":\"00\",\"name\":\"$name\"}")" "'x*' is no name for a controller"
check_equal "... and stands in the log with all that a pairing has" \
	"$(audit_count '.type=="pairing" and .allowed==false and .address and .pin and (.reason|test("no name"))')" 1
kill -9 "$agent_pid"
wait_exit 10 "$agent_pid" || :
check_match "a killed agent shows" "$("$WEIR" verify "$agent_data/agent")" 'did not end in order'
printf '{"seq":99,"typ' >>"$audit"
check_status "a torn line is a fault" 1 "$WEIR" verify "$audit"
agent_port=0
: >"$agent_log"
agent_run
check "the next agent goes on behind it" local_ctl call probe echo
check "... and keeps what was torn" grep -q typ "$audit.tail"
agent_stop
check_match "the whole log verifies" "$("$WEIR" verify "$agent_data/agent")" 'good: audit log'
check_equal "the line of the start tells what was cut" "$(audit_count '.type=="start" and .cut_bytes==14')" 1
check_equal "as JSON" "$("$WEIR" verify --json "$audit" | jq -c '[.ok,.closed,.whole]')" '[true,true,true]'

# A power cut leaves zeros, more of them than any line has bytes.
head -c 200000 /dev/zero >>"$audit"
agent_port=0
: >"$agent_log"
agent_run
check "an agent starts behind 200,000 zeros" local_ctl call probe echo
agent_stop
check_equal "... and tells that it cut them" "$(audit_count '.type=="start" and .cut_bytes==200000')" 1
check "... and the log is good" "$WEIR" verify "$audit"

cp "$audit" "$tmp/good"
sed -i '2s/"allowed":true/"allowed":false/' "$audit"
check_status "a changed word is found" 1 "$WEIR" verify "$audit"
check_match "... with its place" "$tap_output" 'line 3: prev is not the hash of line 2'
sed 3d "$tmp/good" >"$audit"
check_status "a removed line is found" 1 "$WEIR" verify "$audit"
check_match "... with its place" "$tap_output" 'line 3: seq is 4'
awk 'NR==2{held=$0; next} {print} NR==3{print held}' "$tmp/good" >"$audit"
check_status "exchanged lines are found" 1 "$WEIR" verify "$audit"
sed '1,2d' "$tmp/good" >"$audit"
check_match "a log without its beginning says so" "$("$WEIR" verify "$audit")" \
	'what was before its first line is not here'

# Nothing is done that cannot be written down.
if [ "$(id -u)" = 0 ] && mkdir "$tmp/small" && mount -t tmpfs -o size=256k none "$tmp/small" 2>/dev/null; then
	at_exit "umount -l $tmp/small"
	agent_data=$tmp/small agent_socket=$tmp/small/agent/agent.sock agent_port=0
	audit=$tmp/small/agent/audit.jsonl
	: >"$agent_log"
	agent_start
	head -c 1M /dev/zero >"$tmp/small/fill" 2>/dev/null || :
	i=0
	while local_ctl call probe echo >/dev/null 2>&1 && [ $i -lt 200 ]; do
		i=$((i + 1))
	done
	check_status "where the log cannot grow, nothing is allowed" 3 local_ctl call probe echo
	check_match "... and the answer says why" "$tap_output" 'audit log cannot be written'
	rm "$tmp/small/fill"
	check "with room again it goes on" local_ctl call probe echo
	agent_stop
	check "... and no line is broken" "$WEIR" verify "$audit"
else
	skip "where the log cannot grow, nothing is allowed" "cannot mount a tmpfs"
fi
tap_done
