#!/bin/sh
# Every line of listings of odd trees is what docs/weir-list.schema.json says, and the schema refuses
# lines that are not.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs setfacl setcap
/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip_all "needs python3-jsonschema"
volume v 16
root=$tmp/v/root
mkdir -p "$root/dir" "$root/over"
printf x >"$root/$(printf 'bad\377name')"
printf x >"$root/a.txt"
touch -d '1920-01-01 00:00:00.5 UTC' "$root/old"
touch -d '2400-01-01 UTC' "$root/new"
ln -s "$(printf 'to\376')" "$root/link"
mkfifo "$root/fifo"
mknod "$root/null" c 1 3
setfacl -m u:1:r "$root/a.txt"
cp /bin/true "$root/tool"
setcap cap_net_raw=ep "$root/tool"
setfattr -n user.x -v y "$root/a.txt" 2>/dev/null || true
mount -t proc proc "$root/over"

cat >"$tmp/check.py" <<'P'
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
of = {k: jsonschema.Draft202012Validator({**schema["$defs"][k], "$defs": schema["$defs"]}) for k in schema["$defs"]}
bad = count = 0
for name in sys.argv[2:]:
    for line in open(name, encoding="utf-8"):
        r = json.loads(line)
        for e in of[r["record"]].iter_errors(r):
            bad += 1
            print(name, r.get("path"), e.message, file=sys.stderr)
        count += 1
print(count > 0, bad)
P
schema=$SOURCE_ROOT/docs/weir-list.schema.json
validate() {
	/usr/bin/python3 "$tmp/check.py" "$schema" "$@" 2>"$tmp/schema.err" || true
	sed 's/^/# /' "$tmp/schema.err" | head -20 >&2
}
"$WEIR" list -r "$root" >"$tmp/plain"
check_equal "a plain listing" "$(validate "$tmp/plain")" "True 0"
"$WEIR" list -r -x -F --hints --mime --hash md5,sha1,sha256,blake2b512 "$root" >"$tmp/full" || true
check_equal "one with everything" "$(validate "$tmp/full")" "True 0"
check "with hints, ACLs, capabilities, covered entries in it" \
	test "$(grep -c '"hints":\|"acl":\|"capabilities":\|"covered_by":' "$tmp/full")" -ge 4
ln -s ../.. "$root/dir/up"
ln -s ../../v/lost+found "$root/away"
ln -s /proc/self "$root/dir/proc"
"$WEIR" list -r --follow -x "$root" >"$tmp/followed" || true
check_equal "one that follows" "$(validate "$tmp/followed") $(grep -c '"followed":' "$tmp/followed")" "True 0 4"
"$WEIR" list -r --cross all --max-entries 2000 -x -F "$root" >"$tmp/proc" 2>/dev/null || true
check_equal "one of proc, cut short" "$(validate "$tmp/proc")" "True 0"
chmod 755 "$tmp"
chmod 700 "$root/dir"
cp "$WEIR" "$tmp/weir"
setpriv --reuid 65534 --clear-groups "$tmp/weir" list -r -x --hash md5 "$tmp/v" >"$tmp/nobody" 2>/dev/null || true
check_equal "one by nobody" "$(validate "$tmp/nobody")" "True 0"
check "with errors in it" grep -q '^{"record":"error"' "$tmp/nobody"
sed 's/"type":"file"/"type":"thing"/' "$tmp/plain" >"$tmp/bad"
check_fails "a type that is none is refused" test "$(validate "$tmp/bad" 2>/dev/null)" = "True 0"
sed 's/"modified_ns":[0-9-]*,//' "$tmp/plain" >"$tmp/bad"
check_fails "half a time is refused" test "$(validate "$tmp/bad" 2>/dev/null)" = "True 0"
sed 's/"links"/"nlink"/' "$tmp/plain" >"$tmp/bad"
check_fails "an unknown member is refused" test "$(validate "$tmp/bad" 2>/dev/null)" = "True 0"
check_equal "1920 is signed" "$(jq -c 'select(.path != null and (.path | endswith("/old"))) | [.modified_ns, .modified]' "$tmp/plain")" \
	'[-1577923199500000000,"1920-01-01T00:00:00.500000000Z"]'
check_match "2400 is whole" "$(cat "$tmp/plain")" '"modified_ns":13569465600000000000,"modified":"2400-01-01T00:00:00.000000000Z"'
tap_done
