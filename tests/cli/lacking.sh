#!/bin/sh
# What a store lacks hides nothing that it has, and whoever reads it is told.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq

PYTHONDONTWRITEBYTECODE=1 python3 "$SOURCE_ROOT/tests/lib/odd-captures.py" "$tmp"
cd "$tmp"

# Four packet files, of which the first and the third go.
"$WEIR" import known.pcapng -o files --layout files -q >import.out 2>&1 || cat import.out
rm "$(jq -r .file files/0000000001.list.jsonl | sed -n 1p | sed 's,^,files/,')" \
	"$(jq -r .file files/0000000001.list.jsonl | sed -n 3p | sed 's,^,files/,')"
check_status "a packet file that is gone is damage" 4 "$WEIR" show files
check_equal "all others are shown" "$("$WEIR" show files --json 2>/dev/null | jq -c .packet_id | xargs)" "2 4"
check_match "how many are missing is said, and which is the first" "$tap_output" \
	"'files': 2 packets could not be read, first: segment '0000000001.list.jsonl': cannot open packet file"
check_status "and exported" 4 "$WEIR" export files -o files.pcapng
check_match "and counted" "$tap_output" "^2 of 2 packets in 'files.pcapng'\$"
check_status "an import has what is left" 3 "$WEIR" import files -o imported -q
check_equal "and each as lost that it could not read" \
	"$("$WEIR" info imported --json | jq -c '[.packets,.losses.damaged.packets,.grade]')" '[2,2,"incomplete"]'
tap_done
