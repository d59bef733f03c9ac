#!/bin/sh
# What every command has in common: help to stdout with 0, mistakes in two lines to stderr with 2.
. "$SOURCE_ROOT/tests/lib/tap.sh"

# weir WORD...: code, lines of stdout and of stderr, into $code, $out, $err.
weir() {
	code=0
	"$WEIR" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || code=$?
	out=$(wc -l <"$tmp/out")
	err=$(wc -l <"$tmp/err")
}

weir --help
check_equal "--help goes to stdout and ends with 0" "$code $err" "0 0"
commands=$(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$tmp/out")
weir
check_equal "no word at all is help" "$code $err" "0 0"
weir --version
check_match "--version is one line" "$(cat "$tmp/out")" '^weir [0-9]+\.[0-9]+\.[0-9]+$'
weir help
check_equal "help is a word for it" "$code $err" "0 0"
weir help divert extra
check_equal "help of more than a command: two lines, 2" "$code $out $err" "2 0 2"
weir help nonsense
check_equal "help of an unknown command: two lines, 2" "$code $out $err" "2 0 2"
check_match "and named" "$(cat "$tmp/err")" "unknown command 'nonsense'"
weir nonsense
check_equal "an unknown command: two lines, 2" "$code $out $err" "2 0 2"
check_match "it is named" "$(cat "$tmp/err")" "unknown command 'nonsense'"

for command in $commands; do
	weir "$command" --help
	check_equal "$command --help: stdout, 0" "$code $err" "0 0"
	check_match "$command --help begins with the usage" "$(head -n 1 "$tmp/out")" \
		"^usage: weir $command"
	cp "$tmp/out" "$tmp/help"
	weir help "$command"
	check_equal "help $command is the same" "$code $err $(cmp "$tmp/out" "$tmp/help" 2>&1)" "0 0 "
	weir "$command" --no-such-option
	check_equal "$command: an unknown option: two lines, 2" "$code $out $err" "2 0 2"
	check_match "$command: the option is named" "$(head -n 1 "$tmp/err")" \
		"^weir $command.*'?--no-such-option'?"
done

# What cannot be printed is no success: the disk behind standard output may be full.
if [ -c /dev/full ]; then
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\377\377\0\0\1\0\0\0' >"$tmp/none.pcap"
	"$WEIR" import -q -o "$tmp/s" "$tmp/none.pcap" 2>"$tmp/err" </dev/null
	for words in --help --version doctor "filter check true" "verify $tmp/s" "info $tmp/s" \
		"info --json $tmp/s" "export $tmp/s" "import -q --json -o $tmp/s2 $tmp/none.pcap"; do
		code=0
		# shellcheck disable=SC2086 # words
		"$WEIR" $words >/dev/full 2>"$tmp/err" </dev/null || code=$?
		check_equal "${words%% /*} cannot print: 3" "$code" 3
		check_match "${words%% /*} says so" "$(cat "$tmp/err")" "cannot write"
	done
else
	skip "output that cannot be printed" "no /dev/full"
fi

# Started without any of the three descriptors, a recorder gives their numbers to no file of its own.
"$WEIR" import -o "$tmp/closed" "$tmp/none.pcap" <&- >&- 2>&- || :
check_match "no descriptor at all: the store is whole" "$("$WEIR" verify "$tmp/closed")" ': good: '
code=0
"$WEIR" import -o "$tmp/nothing" - <&- 2>"$tmp/err" || code=$?
check_equal "no standard input: 3" "$code" 3
check_match "no standard input is named" "$(cat "$tmp/err")" "standard input.*Bad file descriptor"
tap_done
