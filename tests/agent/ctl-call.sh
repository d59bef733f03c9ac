#!/bin/sh
# weir ctl: arguments typed by the schema, answers, exit codes, cancelling, streams, completion.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq python3

agent_start
agent_pair admin
marks=$agent_data/plugins/probe/cancelled

echo_arguments() {
	ctl admin call probe echo --json "$@" | jq -c .result.arguments
}

check_equal "values have the types of the schema" \
	"$(echo_arguments text=5 number=5 rate=1.5 flag=true list=a list=2 inner.depth=3 | jq -cS .)" \
	'{"flag":true,"inner":{"depth":3},"list":["a","2"],"number":5,"rate":1.5,"text":"5"}'
check_equal "JSON is taken as it is" "$(echo_arguments 'list:=["x","y"]')" '{"list":["x","y"]}'
check_equal "a value may have = in it" "$(echo_arguments 'text=tcp.DstPort == 443')" \
	'{"text":"tcp.DstPort == 443"}'
check_status "a name that is not there" 2 ctl admin call probe echo wrong=1
check_match "... is told with those that are" "$tap_output" "there are .*text.*number"
check_status "a value of another type" 2 ctl admin call probe echo number=five
check_status "what the schema forbids, the agent refuses" 2 ctl admin call probe echo number=-1
check_status "no such directive" 2 ctl admin call probe nothing
check_status "no such plugin" 2 ctl admin call nobody echo
check_status "the plugin says no" 1 ctl admin call probe fail
check_match "... its words reach no terminal raw" "$tap_output" 'it .x1b.31mfailed'
check_status "a result with losses" 4 ctl admin call probe lossy
check_status "an agent that is not there" 3 "$WEIR" ctl --socket "$tmp/none" status
check_status "no word" 2 "$WEIR" ctl
check_equal "the same by the Unix socket" "$(local_ctl call probe echo text=a --json |
	jq -r .result.caller)" "uid:$(id -u)"
check_equal "a session is the same from call to call" \
	"$(for i in 1 2; do ctl admin call probe poke --json | jq .result.session; done | uniq | wc -l)" 1
check_equal "... and another one under another name" \
	"$(for i in 1 2; do ctl admin --session s$i call probe poke --json | jq .result.session; done |
		uniq | wc -l)" 2

# Answers of any length come whole.
check_equal "a stream of 20,000 items is whole and in order" \
	"$(ctl admin call probe count n=20000 --json | jq -c 'select(.item)|.item.i' | awk '$1!=NR-1{b=1}
		END{print NR, b+0}')" "20000 0"

# Ctrl-C ends the call in the plugin.
start wait "$WEIR" ctl --config "$tmp/admin" --agent lab call probe wait
check "a long call shows its progress" wait_for 10 grep -q waiting "$tmp/wait.err"
kill -INT "$pid"
check_exit "Ctrl-C ends the call" 10 "$pid" 1
check "... and the plugin hears of it" wait_for 10 test -s "$marks"
check "... and the log" wait_for 5 audit_has 1 '.type=="outcome" and .result=="cancelled"'

ctl admin stream probe short >"$tmp/short"
check_equal "a stream's bytes are the plugin's" "$(sha256sum <"$tmp/short" | cut -c1-16)" \
	"$(python3 -c "import sys; sys.stdout.buffer.write(bytes(range(256)) * 64 * 40)" |
		sha256sum | cut -c1-16)"
check_equal "a reader that has enough ends a stream" \
	"$(ctl admin stream probe long | head -c 100000 | wc -c)" 100000
to_full_disk() {
	ctl admin stream probe short >/dev/full
}
check_status "a disk that is full is no reader that has enough" 3 to_full_disk
check_match "... and is told" "$tap_output" "cannot write standard output: No space left"
check_status "a stream that is not there" 2 ctl admin stream nobody x
check_match "... its answer is no data" "$tap_output" "there is no such directive"

check_match "describe tells arguments" "$(ctl admin describe probe echo)" 'number="?integer'
check_equal "completion: words" "$("$WEIR" ctl complete ctl | grep -c '^call$\|^pair$')" 2
check_equal "completion: directives" "$("$WEIR" ctl complete --socket "$agent_socket" ctl call probe |
	grep -c '^echo$\|^wait$')" 2
check_equal "completion: arguments" "$("$WEIR" ctl complete --socket "$agent_socket" ctl call probe echo |
	grep -c '^text=$\|^flag=$')" 2
check "the completion script is bash" bash -n -c "$("$WEIR" ctl completion bash)"
complete_bash() {
	bash -c '. "$1"; COMP_WORDS=(weir ctl --socket "$2" call probe ec); COMP_CWORD=6
		PATH=$(dirname "$3"):$PATH; _weir; echo "${COMPREPLY[*]}"' _ "$tmp/bash" "$agent_socket" "$WEIR"
}
"$WEIR" ctl completion bash >"$tmp/bash"
check_equal "bash completes a directive" "$(complete_bash)" echo
check "the log is good" "$WEIR" verify "$agent_data/agent"
tap_done
