#!/bin/sh
# Names are bytes: whatever a name holds, every form keeps one record a line, and the exact bytes can
# be had back.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq
root=$tmp/names
mkdir "$root"
python3 - "$root" <<'P'
import os, sys
root = sys.argv[1].encode()
names = [b"plain", b"with space", b"pipe|name", b"new\nline", b"tab\t", b"esc\x1b[31m", b"bad\xff\xfe\x80",
         b"cut\xe2\x82", b"quote\"s", b"back\\slash", b"a%41b", b"comma,semi;", b"-dash", b"x" * 255,
         b"\xe2\x80\xaegnp.exe", b"\xf0\x9f\x98\x80", b"\x01\x02\x7f", "gr\u00fc\u00df".encode(), b".hidden",
         b" ", b"'", b"$(x)", b"*?[]{}", b"\xed\xa0\x80", b"\xc0\xaf", b"%7C", b"\\x7c"]
for n in names:
    open(os.path.join(root, n), "wb").close()
os.symlink(b"to\xff|\n", root + b"/link\xff")
P

cat >"$tmp/same.py" <<'P'
import base64, json, os, sys
root = sys.argv[1].encode()
want = {os.path.join(root, n) for n in os.listdir(root)} | {root}
got = []
for line in open(sys.argv[2], encoding="utf-8"):
    r = json.loads(line)
    if r["record"] == "file":
        got.append(base64.b64decode(r["path_b64"]) if "path_b64" in r else r["path"].encode())
        if r["type"] == "link":
            assert base64.b64decode(r["target_b64"]) == b"to\xff|\n", r
assert len(got) == len(set(got)), "a name came twice"
assert set(got) == want, set(got) ^ want
print(len(got))
P
list "$root"
check_equal "every name comes back byte for byte" "$(python3 "$tmp/same.py" "$root" "$tmp/list")" 29
for form in bodyfile bodyfile-plaso csv table; do
	list --format $form "$root"
	check_equal "$form: a line a file" "$(grep -vc '^# \|^path,' "$tmp/list")" 29
	check_equal "$form: valid UTF-8, no control characters" \
		"$(python3 -c 'import sys; t = open(sys.argv[1], encoding="utf-8").read(); print(any(ord(c) < 32 and c != "\n" or ord(c) == 127 for c in t))' "$tmp/list")" False
done
list --format table "$root"
check_match "the table shows what turns the writing" "$(cat "$tmp/list")" 'u\{202e\}gnp'
list --format bodyfile "$root"
check_equal "body file: eleven fields in every line" "$(grep -v '^#' "$tmp/list" | awk -F'|' '{print NF}' | sort -u)" 11
list --format csv "$root"
check_equal "csv: the exact bytes are there for the others" "$(python3 - "$root" "$tmp/list" <<'P'
import base64, csv, os, sys
root = sys.argv[1].encode()
rows = list(csv.DictReader(open(sys.argv[2], encoding="utf-8", newline="")))
b64 = {base64.b64decode(r["path_b64"]) for r in rows if r["path_b64"]}
bad = set()
for n in os.listdir(root):
    try:
        n.decode()
    except UnicodeDecodeError:
        bad.add(os.path.join(root, n))
print(b64 == bad and len(bad) > 3, len(rows))
P
)" "True 29"
tap_done
