#!/bin/sh
# weir filter: what goes to which stream, and which exit code.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq
cd "$tmp"

check_equal "format normalises" "$("$WEIR" filter format 'tcp&&tcp.DstPort==0x50')" \
	"tcp and tcp.DstPort = 80"
check_equal "words need no quotes" "$("$WEIR" filter format tcp or udp)" "tcp or udp"
check_equal "a layer can be named" "$("$WEIR" filter format --layer socket 'event == 7')" \
	"event = CLOSE"
printf '# what the web needs\ntcp.DstPort in {80, 443} # two ports\n' >web.filter
check_equal "a file may have comments" "$("$WEIR" filter format --filter-file web.filter)" \
	"tcp.DstPort in {80, 443}"

printf '\357\273\277tcp # with a byte order mark\r\nand udp\r\n' >marked.filter
check_equal "and a byte order mark" "$("$WEIR" filter format --filter-file marked.filter)" \
	"tcp and udp"
check_status "a directory is no filter file" 3 "$WEIR" filter check --filter-file .
check_match "what may stand there is said" "$("$WEIR" filter check 'iface == eth0' 2>&1 || true)" \
	"expected a string in double quotes"
check_match "also of a number" "$("$WEIR" filter check 'ip.SrcAddr == 256.1.1.1' 2>&1 || true)" \
	"expected a number or an address"

check_status "a good filter ends with 0" 0 "$WEIR" filter check tcp
check_status "a bad one with 1" 1 "$WEIR" filter check tcp.DestPort
check_status "no verb is a usage error" 2 "$WEIR" filter
check_status "an unknown layer is one" 2 "$WEIR" filter check --layer moon tcp
check_status "a missing file is no usage error" 3 "$WEIR" filter check --filter-file none
check_status "a warning is no refusal" 0 "$WEIR" filter check 'tcp.DstPort == 70000'
check_status "--strict takes WinDivert's" 0 "$WEIR" filter check --strict 'tcp.DstPort == 80'
check_status "--strict refuses ours" 1 "$WEIR" filter check --strict 'not (tcp)'

"$WEIR" filter check 'tcp.DstPort == 70000' >out
check_match "a warning says the meaning" "$(cat out)" "it means 'not tcp'"
"$WEIR" filter check tcp.DestPort >out 2>err || true
check_equal "nothing on stdout" "$(cat out)" ""
check_match "the caret" "$(sed -n 3p err)" '\^~~~~~~~~~~~'
check_match "the near miss" "$(cat err)" "did you mean 'tcp.DstPort'"

check_match "show and export have it too" \
	"$("$WEIR" show --filter 'tcp and tcp.DestPort' - 2>&1 </dev/null | sed -n 3p)" \
	'^          \^~~~~~~~~~~~'

check_equal "JSON of a check" \
	"$("$WEIR" filter check --json 'not (tcp)' | jq -c '[.ok, .windivert, .kernel]')" \
	'[true,false,true]'
check_equal "JSON of an error" \
	"$("$WEIR" filter check --json 'tcp zzz' | jq -c '[.ok, .at, .length]')" '[false,4,3]'
check_equal "the hash is that of the normal form" \
	"$("$WEIR" filter format --json 'tcp&&udp' | jq -r .sha256)" \
	"$(printf 'tcp and udp' | sha256sum | cut -d' ' -f1)"
check_match "explain shows where a part runs" "$("$WEIR" filter explain 'random8 < 3')" '\[user\]'
check_equal "explain shows what is WinDivert's" \
	"$("$WEIR" filter explain 'not (tcp.DstPort in {80, 443})' | grep '^windivert')" \
	"windivert  exact: (tcp.DstPort = 80 or tcp.DstPort = 443? false : true)"
check_equal "and where it is not all" \
	"$("$WEIR" filter explain 'tcp and iface == "eth0"' | grep '^windivert')" \
	"windivert  user space decides the rest: tcp"
check_equal "every field has its line" "$("$WEIR" filter fields | wc -l)" \
	"$("$WEIR" filter fields --json | jq -s length)"

printf '{"id":7,"k":"eval","layer":"network","filter":"tcp","packet":null,"addr":{}}\n' >cases
check_equal "no packet cannot be judged" "$("$WEIR" filter eval --cases cases)" \
	'{"id":7,"verdict":"error"}'
printf '{"id":8,"k":"compile","layer":"network","filter":"not (tcp)"}\n' >cases
check_equal "eval has no extensions" "$("$WEIR" filter eval --cases cases)" \
	'{"id":8,"ok":false,"error":"Filter expression parse error","pos":4}'
printf 'nonsense\n' >cases
check_status "a damaged case file" 3 "$WEIR" filter eval --cases cases
: >cases
check_status "a case file without a case" 3 "$WEIR" filter eval --cases cases
check_match "says so" "$tap_output" "'cases': there is no case in it"
printf '\n \n' >cases
check_status "nor is a blank line one" 3 "$WEIR" filter eval --cases cases

# One table drives all: the manual page has the fields as the binary has them.
"$SOURCE_ROOT/tools/filter-page-fields" "$WEIR" >fields
sed -n '/^\.Sh FIELDS/,/^\.El/p' "$SOURCE_ROOT/man/weir-filter.7" |
	sed -e '1,/^\.Bl/d' -e '/^\.El/d' >page
check "weir-filter(7) lists the fields of the table" diff fields page
tap_done
