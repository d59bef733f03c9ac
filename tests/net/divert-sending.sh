#!/bin/sh
# Inline: a stall while this machine sends.  What its sockets have sent and the queue holds the kernel does
# not send again, so a connection waits until it is let go: by the supervisor, while that runs.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

# sending WHO: the same flows as everywhere, and one the other way; WHO is stopped under it.
sending() {
	recorder_start "$1"
	flows_start
	start_in rec "sender-$1" python3 "$SOURCE_ROOT/tests/lib/flows.py" client 10.66.0.2
	sender=$pid
	wait_for 10 grep -q ready "$tmp/sender-$1.err"
	flows_run 10
	victims=$worker
	[ "$1" = worker ] || victims="$recorder $worker"
	# shellcheck disable=SC2086 # several pids
	processes_stop $victims
	flows_run 30
	processes_go_on
	flows_run 10
	kill "$sender"
	wait_exit 5 "$sender"
	flows_stop
	recorder_stop
}

# sent_within NAME WHO MS
sent_within() {
	sent_limit=$(($3 + 2 * $(machine_gap)))
	sent_gap=$(jq .tcp_gap_ms "$tmp/sender-$2.out")
	echo "# stalled for $stalled_ms ms, the sending flow stood still for $sent_gap ms, limit $sent_limit ms"
	check "$1" test "$sent_gap" -le "$sent_limit"
}

start_in far receiver python3 "$SOURCE_ROOT/tests/lib/flows.py" server 10.66.0.2
wait_for 10 grep -q ready "$tmp/receiver.out"

sending worker
sent_within "the worker stopped: the supervisor lets go what is held, and the flow goes on" worker 500
check_equal "and what passed then is counted" "$recorder_exit" 4

sending all
sent_within "all stopped: the flow goes on once they do" all $((stalled_ms + 500))
flows_went_on "and ping and UDP went on before" 500 "$stalled_ms"

tap_done
