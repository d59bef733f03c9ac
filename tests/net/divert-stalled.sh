#!/bin/sh
# Inline: SIGSTOP of the worker, of the supervisor, of every process of the instance at once.  The
# traffic goes on within half a second, and every packet that passed meanwhile is counted.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

# stalled WHO: worker, supervisor or all are stopped for a while under traffic.
stalled() {
	counter_on "outer_$1"
	recorder_start "$1"
	counter_on "inner_$1"
	flows_start
	flows_run 10
	case $1 in
	worker) victims=$worker ;;
	supervisor) victims=$recorder ;;
	*) victims="$recorder $worker" ;;
	esac
	# shellcheck disable=SC2086 # several pids
	processes_stop $victims
	flows_run 30
	processes_go_on
	flows_run 20
	flows_stop
	inner=$(counter_read "inner_$1")
	recorder_stop
	outer=$(counter_read "outer_$1")
	# While one of the two runs, it lets go what is held.
	[ "$1" = all ] || stalled_ms=0
	flows_went_on "$1 stopped: the traffic goes on" 500 "$stalled_ms"
	check "$1 stopped: in the end the rules are gone" no_rules
	accounted "$1 stopped: recorded and lost are all that passed" "$1" "$inner" "$outer"
}

for who in worker all; do
	stalled $who
	check_equal "$who stopped: exit code 4, done with losses" "$recorder_exit" 4
	lost=$(end_of $who .losses.stall.packets)
	echo "# $who: $lost passed"
	# 30 pings answered, 50 ms apart: at least 25 requests and 25 replies.
	check "$who stopped: what passed is counted" test "$lost" -ge 50
	check_equal "$who stopped: and stated as gaps in the manifest" "$(gaps_of $who stall)" "$lost"
	check_match "$who stopped: and in the summary" "$(cat "$tmp/$who.err")" "stall: $lost"
	check_equal "$who stopped: the grade is complete-with-loss" "$(end_of $who .grade)" \
		'"complete-with-loss"'
done

stalled supervisor
check_equal "supervisor stopped: nothing is lost" "$recorder_exit" 0

tap_done
