#!/bin/sh
# A timeline of a part must not look like one of all: what the listing lacks is told, and what it does
# not know is not made up.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq
export LC_ALL=C
mkdir "$tmp/root" "$tmp/root/d"
for i in 1 2 3 4 5; do
	echo a >"$tmp/root/d/$i"
done
run() {
	code=0
	"$WEIR" timeline "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
}
told() {
	echo "$code $(cat "$tmp/err")"
}
"$WEIR" list -r "$tmp/root" >"$tmp/whole.jsonl"
run "$tmp/whole.jsonl"
check_equal "a whole listing: nothing to tell" "$(told)" "0 "
cp "$tmp/out" "$tmp/all"

sed '$d' "$tmp/whole.jsonl" >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "without its summary it was cut off" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it was cut off: it has no summary"
check "what is there is in the timeline all the same" cmp "$tmp/out" "$tmp/all"
sed 1d "$tmp/whole.jsonl" >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "without its header" "$(told)" "4 weir timeline: '$tmp/l.jsonl': it has no header"
grep -v 'root/d/[24]"' "$tmp/whole.jsonl" >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "without some of its files" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': 2 of the file records that its summary counts are missing"
check_equal "one behind the other they are whole" "$(cat "$tmp/whole.jsonl" "$tmp/whole.jsonl" |
	"$WEIR" timeline - 2>&1 >"$tmp/out"; wc -l <"$tmp/out")" "$(($(wc -l <"$tmp/all") * 2))"
sed '$d' "$tmp/whole.jsonl" | cat - "$tmp/whole.jsonl" >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "but not where the first has no end" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it was cut off: it has no summary"

code=0
"$WEIR" list -r --max-entries 3 "$tmp/root" >"$tmp/l.jsonl" 2>"$tmp/err" || code=$?
check_equal "a listing that ended early says so" "$code" 4
run "$tmp/l.jsonl" "$tmp/whole.jsonl"
check_equal "and so does its timeline, whatever comes behind" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it is not complete: max_entries"
"$WEIR" list -r "$tmp/root" "$tmp/root/nothing" >"$tmp/l.jsonl" 2>/dev/null || :
run "$tmp/l.jsonl"
check_equal "a named path that could not be opened" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it is not complete: errors; 1 paths could not be opened"
# What a listing of a directory that may not be read says; root may read all, so it is said by hand.
python3 - "$tmp/whole.jsonl" >"$tmp/l.jsonl" <<'P'
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r['record'] == 'summary':
        r.update(complete=False, reason='errors', failed_mounts=2)
        print(json.dumps({'record': 'error', 'path': '/x', 'error': 'EACCES', 'error_call': 'open'}))
    print(json.dumps(r))
P
run "$tmp/l.jsonl"
check_equal "directories and mounts that could not be read" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it is not complete: errors; 2 mounts could not be opened; 1 directories could not be read to their end"
printf '{"record":"header"}\n{"record":"summary","complete":false,"reason":"\\u001b[2J","written":0}\n' >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "a reason that is none is not repeated" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it is not complete: it does not say why"
printf '{"record":"header"}\n{"record":"summary","written":0}\n' >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "a summary that does not say that it is complete" "$(told)" \
	"4 weir timeline: '$tmp/l.jsonl': it is not complete: it does not say why"

: >"$tmp/empty"
run "$tmp/empty"
check_equal "an empty file is an error" "$(told)" \
	"3 weir timeline: '$tmp/empty' is empty: it is no listing and no recording"
run - <"$tmp/empty"
check_equal "on standard input, too" "$code" 3
run "$tmp/empty" "$tmp/whole.jsonl"
check_equal "beside another it is a loss" "$code" 4
check "and the other is there" cmp "$tmp/out" "$tmp/all"
echo '{"protocol":"tcp","first_ns":5}' >"$tmp/l.jsonl"
run "$tmp/l.jsonl"
check_equal "lines of something else are an error" "$(told)" \
	"3 weir timeline: '$tmp/l.jsonl' is no listing: none of its lines is a record of one"

# Any order of members, and any spaces, is the same timeline.
python3 - "$tmp/whole.jsonl" >"$tmp/l.jsonl" <<'P'
import json, sys
for line in open(sys.argv[1]):
    print(json.dumps(dict(sorted(json.loads(line).items(), reverse=True))))
P
run "$tmp/l.jsonl"
check_equal "members in another order: nothing to tell" "$(told)" "0 "
check "and the same rows" cmp "$tmp/out" "$tmp/all"

# A member that is not there is not 0, and not root's.
one() {
	printf '{"record":"header"}\n%s\n{"record":"summary","complete":true,"written":1}\n' "$1" >"$tmp/l.jsonl"
	run --json "$tmp/l.jsonl"
}
one '{"record":"file","path":"/a","modified_ns":1000000000}'
check_equal "what is not known is not there" "$code $(jq -c 'keys_unsorted' "$tmp/out")" \
	'0 ["message","datetime","timestamp_desc","timestamp","timestamp_ns","data_type","path","macb","source"]'
"$WEIR" timeline --format csv "$tmp/l.jsonl" >"$tmp/out"
check_equal "csv: empty fields" "$(tail -n 1 "$tmp/out")" \
	"1970-01-01T00:00:01.000000000Z,,m...,,,,,\"/a\",,,\"$tmp/l.jsonl\""
"$WEIR" timeline "$tmp/l.jsonl" >"$tmp/out"
check_equal "table: question marks" "$(cat "$tmp/out")" \
	"1970-01-01T00:00:01.000000000Z m... ??????????           ? /a"
one '{"record":"file","path":"/a","uid":0,"gid":0,"size_bytes":0,"inode":3,"permissions":"-rw-r--r--","target":"b","modified_ns":5}'
check_equal "the order of the members of a file" "$(jq -c 'keys_unsorted' "$tmp/out")" \
	'["message","datetime","timestamp_desc","timestamp","timestamp_ns","data_type","path","target","size_bytes","inode","uid","gid","permissions","macb","source"]'
one '{"record":"file","path":"/a","modified_ns":9223372036854775807999999999}'
check_equal "a time beyond what microseconds hold is not 1970" \
	"$(jq -c '[.timestamp, .datetime]' "$tmp/out")" '[null,"+292277026596-12-04T15:30:07.999999999Z"]'
python3 - "$tmp/p.pcap" <<'P'
import struct, sys
p = bytes(12) + b"\x08\0" + struct.pack(">BBHHHBBH8s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes(range(1, 9))) + struct.pack(">HHHH", 1, 2, 8, 0)
open(sys.argv[1], "wb").write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 1, 0, len(p), len(p)) + p)
P
run --json "$tmp/p.pcap"
check_equal "the order of the members of a flow" "$(jq -c 'keys_unsorted' "$tmp/out")" \
	'["message","datetime","timestamp_desc","timestamp","timestamp_ns","data_type","protocol","src","dst","src_port","dst_port","packets","bytes","source"]'
one '{"record":"file","path":"/a","type":"file"}'
check_equal "a file without a time has no row, and that is told" "$(told)" \
	"1 weir timeline: '$tmp/l.jsonl': 1 files have no time, and so no row"
for bad in '"uid":4294967296' '"modified_ns":7' '"modified_ns":null' '"path_b64":"L2E"'; do
	one '{"record":"file","path":"/a","modified_ns":5,"uid":7,'"$bad"'}'
	check_match "not taken: $bad" "$(told)" "^4 .*line 2 is no record"
done
one '{"record":"file","modified_ns":5}'
check_match "a file without a path is no record" "$(told)" "^4 .*line 2 is no record"
tap_done
