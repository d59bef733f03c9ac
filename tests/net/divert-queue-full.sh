#!/bin/sh
# Inline: the kernel's queue is full.  Packets pass, and every one is counted.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

counter_on outer
# The worker may look away for long: the queue is what is full, not the heartbeat stale.
recorder_start full --queue-length 2 --stall 2s
counter_on inner
flows_start
flows_run 10
# For a moment nobody answers: the queue of two is full at once.
processes_stop "$worker"
flows_run 10
processes_go_on
flows_run 10
flows_stop
inner=$(counter_read inner)
recorder_stop
outer=$(counter_read outer)

flows_went_on "queue full: the traffic goes on" 500 "$stalled_ms"
check_equal "queue full: exit code 4, done with losses" "$recorder_exit" 4
lost=$(end_of full .losses.fail_open.packets)
check "queue full: what passed is counted ($lost)" test "$lost" -ge 20
check_equal "queue full: and stated as gaps in the manifest" "$(gaps_of full fail_open)" "$lost"
check_match "queue full: and in the summary" "$(cat "$tmp/full.err")" "fail_open: $lost"
accounted "queue full: recorded and lost are all that passed" full "$inner" "$outer"

tap_done
