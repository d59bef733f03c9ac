#!/bin/sh
# Every command has a man page that mandoc finds clean, names its options and its exit codes.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool mandoc

# The names of the first column of `weir --help`.
commands=$("$WEIR" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
[ -n "$commands" ] || skip_all "this build has no commands"

# options_of COMMAND: the long options that its --help lists.
options_of() {
	"$WEIR" "$1" --help | sed -n 's/^  *\(-[a-zA-Z0-9], \)\{0,1\}--\([a-z0-9-]*\).*/\2/p'
}

for command in $commands; do
	page=$SOURCE_ROOT/man/weir-$command.1
	if [ ! -f "$page" ]; then
		not_ok "weir-$command(1) is there"
		continue
	fi
	check "weir-$command(1) is clean" mandoc -T lint -W warning "$page"
	mandoc -T ascii "$page" | col -b >"$tmp/page"
	missing=
	# What divert has in common with sniff stands in weir-sniff(1), which its page says.
	if [ "$command" = divert ] && grep -q 'weir-sniff(1)' "$tmp/page"; then
		mandoc -T ascii "$SOURCE_ROOT/man/weir-sniff.1" | col -b >>"$tmp/page"
	fi
	for option in $(options_of "$command"); do
		grep -q -- "--$option\>" "$tmp/page" || missing="$missing --$option"
	done
	check_equal "weir-$command(1) names every option" "$missing" ""
	check "weir-$command(1) tells the exit codes" grep -q 'EXIT STATUS' "$tmp/page"
done
for page in "$SOURCE_ROOT"/man/*.[1-9]; do
	[ -e "$page" ] || continue
	case $page in
	*/weir-*.1) ;;
	*) check "$(basename "$page") is clean" mandoc -T lint -W warning "$page" ;;
	esac
done
tap_done
