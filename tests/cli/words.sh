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
weir nonsense
check_equal "an unknown command: two lines, 2" "$code $out $err" "2 0 2"
check_match "it is named" "$(cat "$tmp/err")" "unknown command 'nonsense'"

for command in $commands; do
	weir "$command" --help
	check_equal "$command --help: stdout, 0" "$code $err" "0 0"
	check_match "$command --help begins with the usage" "$(head -n 1 "$tmp/out")" \
		"^usage: weir $command"
	weir "$command" --no-such-option
	check_equal "$command: an unknown option: two lines, 2" "$code $out $err" "2 0 2"
	check_match "$command: the option is named" "$(head -n 1 "$tmp/err")" \
		"^weir $command.*'?--no-such-option'?"
done
tap_done
