#!/bin/sh
# What the recording commands refuse before they touch anything, and with which exit code.
. "$SOURCE_ROOT/tests/lib/tap.sh"
cd "$tmp"

usage() { # NAME PATTERN ARGUMENTS...
	name=$1 pattern=$2
	shift 2
	tap_run "$WEIR" "$@"
	if [ "$tap_status" = 2 ]; then
		check_match "$name" "$tap_output" "$pattern"
	else
		not_ok "$name" "exit code $tap_status, want 2" "$tap_output"
	fi
}

usage "unknown option" "unknown option '--fast'" sniff --fast
usage "the help is named" "try 'weir sniff --help'" sniff --fast
usage "-o and -w exclude each other" "exclude each other" sniff -o a -w b
usage "a stream is not rotated" "a store's, not a stream's" sniff -w - --rotate 1MiB
usage "unknown layout" "'sheets' is none of" sniff --layout sheets
usage "--strict is divert's" "no meaning for 'sniff'" sniff --strict
usage "--priority is divert's" "no meaning for 'import'" import --priority 3 x
usage "--priority has bounds" "30001 is not within -30000 to 30000" divert --priority 30001
usage "--stall has a bound" "within 5ms to 60s" divert --stall 4ms
usage "--stall of nothing is no other word for the default" "within 5ms to 60s" divert --stall 0s
usage "--stall has an upper bound" "within 5ms to 60s" divert --stall 61s
usage "--queues has a bound" "9 is not within 1 to 8" divert --queues 9
usage "--rotate wants a size" "'big' is not a size" sniff --rotate big
usage "--rotate has a least size" "at least 64KiB" sniff --rotate 1KiB
usage "--keep wants a size or a time" "'-3' is not a size" sniff --keep=-3
usage "--for wants a time" "'soon' is not a duration" sniff --for soon
usage "--layer flow is not sniff's" "is not a layer of" sniff --layer forward
usage "--snaplen has a bound" "300000 is not within" sniff --snaplen 300000
# What is refused stands before a broken filter, so that nothing records where it is not.
usage "--count of nothing is no other word for no bound" "--count: 0 is not within 1 to" sniff --count 0 'no filter'
usage "nor is --for" "--for must be longer than 0" sniff --for 0s 'no filter'
usage "of a divert neither" "--for must be longer than 0" divert --for 0s 'no filter'
usage "events: --count" "--count: 0 is not within 1 to" sniff --layer socket --count 0 'no filter'
usage "events: --for" "--for must be longer than 0" sniff --layer flow --for 0s 'no filter'
for c in sniff divert import; do
	check_match "$c: what --snaplen 0 means is told" "$("$WEIR" $c --help | grep -e --snaplen)" "(all, as with 0)"
done
for c in sniff divert "sniff --layer flow" show flows export import; do
	# shellcheck disable=SC2086
	usage "$c: a second --filter is no better than the first" "--filter is given more than once" \
		$c --filter 'no filter' --filter='no filter' nothing
	# shellcheck disable=SC2086
	usage "$c: nor is a second file" "--filter-file is given more than once" \
		$c --filter-file nothing --filter-file nothing nothing
done
usage "nor of the filter's own command" "--filter-file is given more than once" \
	filter check --filter-file nothing --filter-file nothing
usage "a recording goes to one place" "--output is given more than once" sniff -o a -o b 'no filter'
usage "or to one stream" "--write is given more than once" sniff -w a -w b 'no filter'
usage "import needs a file" "no file to import" import
usage "--buffer has bounds" "within 2MiB to 64GiB" sniff --buffer 1KiB
check_status "--buffer leaves the machine memory" 3 "$WEIR" sniff --buffer "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)KiB" -i lo -o x
# shellcheck disable=SC2046
usage "--buffer has room for each interface's ring" "at least 14MiB for 20 interfaces" \
	sniff --buffer 2MiB $(printf ' -i if%s' $(seq 20))
usage "an interface that is named again has none of its own" "at least 3MiB for 4 interfaces" \
	sniff --buffer 2MiB -i a -i b -i a -i c -i d
usage "requests from a descriptor that is not open" "descriptor 99 is not open" \
	sniff --control 99 -i lo -o x 'tcp.DstPrt == 80'
usage "a broken filter" "tcp.DstPrt" sniff 'tcp.DstPrt == 80'
check_equal "nothing was made" "$(ls)" ""

for c in divert sniff import; do
	check "help of $c ends with 0" "$WEIR" $c --help
	check_match "help of $c names its options" "$("$WEIR" $c --help)" '--rotate SIZE'
done

# What the help lists is not refused for want of meaning.
refused() { # COMMAND OPTION...
	command=$1
	shift
	for option in "$@"; do
		"$WEIR" "$command" --help | grep -q -- "--$option " && echo "$option"
	done
	return 0
}

check_equal "help of import has nothing that import refuses" \
	"$(refused import interface for layer strict priority stall queues queue-length)" ""
check_equal "help of sniff has nothing that sniff refuses" \
	"$(refused sniff strict priority stall queues queue-length)" ""
check_equal "help of divert has all" "$(refused divert interface for strict | tr '\n' ' ')" \
	"interface for strict "

# Strangers' bytes do not go to a terminal.  The file is not there: opening it would be 3.
if command -v script >/dev/null; then
	check_status "pcapng to a terminal is refused" 2 \
		script -qec "'$WEIR' import -w - nothing.pcap" /dev/null
	check_match "a file is advised" "$tap_output" "not written to a terminal: name a file"
else
	skip "pcapng to a terminal is refused" "needs script"
fi
tap_done
