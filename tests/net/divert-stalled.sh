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

# --- the supervisor is stopped when the recording ends: nobody takes the rules out, and all passes
recorder_start end -i "r$$" --for 2s
start_in far numbered ping -i 0.02 -c 350 -q 10.66.0.1
numbered=$pid
processes_stop "$recorder"
check "supervisor stopped at the end: the worker ends" wait_for 20 tap_has_ended "$worker"
# Nobody is there who could let it go: this one passes by the rule, once the heartbeat is too old.
check "supervisor stopped at the end: the traffic goes on" netns_run far ping -q -c 1 -W 15 10.66.0.1
processes_go_on
recorder_wait
wait_exit 20 "$numbered"
check_match "supervisor stopped at the end: no packet is held back, or dropped" \
	"$(cat "$tmp/numbered.out")" "350 received"
check "supervisor stopped at the end: what passed is counted" \
	test "$(end_of end .losses.stall.packets)" -ge 1
check_equal "supervisor stopped at the end: and stated" "$(gaps_of end stall)" \
	"$(end_of end .losses.stall.packets)"
check "supervisor stopped at the end: the rules are gone" no_rules

tap_done
