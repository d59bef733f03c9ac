#!/bin/sh
# Inline: SIGKILL of the worker, of the supervisor, of both.  The traffic goes on, the rules go, and
# what passed unrecorded is stated.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

# --- the worker dies
flows_start
counter_on outer
recorder_start worker
counter_on inner
flows_run 25
inner=$(counter_read inner)
kill -KILL "$worker"
recorder_wait
outer=$(counter_read outer)
check "worker killed: the rules are gone at once" no_rules
flows_run 10
flows_stop
check_equal "worker killed: exit code 4" "$recorder_exit" 4
flows_went_on "worker killed: the traffic goes on"
check_match "worker killed: the person is told" "$(cat "$tmp/worker.err")" "killed by signal 9"
check_match "worker killed: and how much passed" "$(cat "$tmp/worker.err")" "[0-9]+ packets"
check "worker killed: the store is repaired and sound" "$WEIR" verify "$tmp/worker.store"
check_match "worker killed: the store says why it ended" "$(end_of worker .reason)" "signal 9"
# All that passed until the kill is accounted for, and nothing that passed after the rules went.
accounted "worker killed: recorded and lost are all that passed" worker "$inner" "$outer"

# --- the supervisor dies
flows_start
recorder_start lone
flows_run 10
kill -KILL "$recorder"
recorder_wait
wait_for 2 no_rules
check "supervisor killed: the rules are gone" no_rules
wait_for 10 tap_has_ended "$worker"
check "supervisor killed: the worker ends by itself" tap_has_ended "$worker"
flows_run 10
flows_stop
flows_went_on "supervisor killed: the traffic goes on"
check_equal "supervisor killed: the store is finished, and says why" \
	"$(end_of lone .reason)" '"supervisor_died"'

# --- the supervisor dies while the worker is stopped: who counts what passes until it sees that?
flows_start
recorder_start alone
flows_run 10
before=$(date +%s%N)
kill -STOP "$worker"
kill -KILL "$recorder"
recorder_wait
after=$(date +%s%N)
flows_run 10
flows_stop
kill -CONT "$worker"
wait_for 10 tap_has_ended "$worker"
check_equal "supervisor killed, worker stopped: nobody counted what passed, so the grade is incomplete" \
	"$(end_of alone .grade)" '"incomplete"'
death='select(.type == "supervisor_died")'
check "supervisor killed, worker stopped: since when, from its last sign of life" \
	test "$(manifest alone "$death | .from_ns")" -le "$after"
check "supervisor killed, worker stopped: which was not long before" \
	test "$(manifest alone "$death | .from_ns")" -ge $((before - 5000000000))
check "supervisor killed, worker stopped: and until when" \
	test "$(manifest alone "$death | .to_ns")" -ge "$after"

# --- both die
flows_start
recorder_start both
flows_run 10
kill -KILL "$recorder" "$worker"
wait_for 2 no_rules
check "both killed: the rules are gone" no_rules
flows_run 10
flows_stop
flows_went_on "both killed: the traffic goes on"
check "both killed: the store can be opened" "$WEIR" show "$tmp/both.store"
check_equal "both killed: and is repaired" "$(end_of both .grade)" '"incomplete"'
check "both killed: and sound" "$WEIR" verify "$tmp/both.store"

tap_done
