#!/bin/sh
# Our body file through the real mactime, our timeline beside it, and fls on the same image: where
# they lose or invent something, ours does not.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs mactime fls
volume v 16
root=$tmp/v
python3 - "$root" <<'P'
import os, sys
os.chdir(sys.argv[1])
for name in (b"plain", b"pipe|name", b"percent%41", b"back\\slash", b"space name", b"new\nline", b"bad\xff"):
    with open(name, "wb") as f:
        f.write(b"x" * 10)
    os.utime(name, ns=(1600000000 * 10**9, 1500000000 * 10**9))
os.symlink("target|x", "link")
os.makedirs("d/e")
for year, s in ((1965, -157766400), (2040, 2208988800), (2300, 10413792000), (2446, 15032385535)):
    open("y%d" % year, "w").close()
    os.utime("y%d" % year, (s, s))
P
sync
list -r --format bodyfile "$root"
cp "$tmp/list" "$tmp/body"
mactime -b "$tmp/body" -d -y -z UTC >"$tmp/mactime.csv" 2>"$tmp/mactime.err"
names() {
	python3 - "$1" <<'P'
import csv, sys
rows = csv.reader(open(sys.argv[1], encoding="utf-8", errors="surrogateescape", newline=""))
print(len({r[-1] for r in rows} - {"File Name"}))
P
}
check_equal "mactime complains of nothing" "$(cat "$tmp/mactime.err")" ""
check_equal "mactime shows every file of our body file (1965, 2446 too)" "$(names "$tmp/mactime.csv")" \
	"$(grep -vc '^#' "$tmp/body")"
for name in 'pipe|name' 'percent%41' 'back\slash' 'new\x0aline' 'bad\xff' 'link -> target|x'; do
	check "mactime shows $name" grep -qF -- "$(printf %s "$name")" "$tmp/mactime.csv"
done

# Every time of each row of our own timeline is in mactime's, to the second, and the other way round
# for the times that mactime can print.
list -r "$root" && cp "$tmp/list" "$tmp/l.jsonl"
"$WEIR" timeline --format csv "$tmp/l.jsonl" >"$tmp/ours.csv"
cat >"$tmp/compare.py" <<'P'
import csv, sys
theirs, ours = {}, {}
for r in csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")):
    for letter in r["Type"].replace(".", ""):
        theirs.setdefault((r["File Name"].split(" -> ")[0], letter), set()).add(r["Date"][:19])
for r in csv.DictReader(open(sys.argv[2], encoding="utf-8", newline="")):
    name = r["name"]
    for letter in r["macb"].replace(".", ""):
        ours.setdefault((name, letter), set()).add(r["datetime"][:19])
lost = {k for k in theirs if k not in ours or theirs[k] != ours[k]}
more = {k for k in ours if k not in theirs}
print(len(lost), sorted({k[0].rsplit("/", 1)[1] for k in more}), len(ours) > 60)
P
check_equal "ours has all that mactime has, and the times before 1970 that it skips" \
	"$(python3 "$tmp/compare.py" "$tmp/mactime.csv" "$tmp/ours.csv")" "0 ['y1965'] True"
check_equal "rows are in order of time, 2446 last" \
	"$(tail -n +2 "$tmp/ours.csv" | cut -d, -f1 | LC_ALL=C sort -c 2>&1; tail -n 1 "$tmp/ours.csv" | grep -o 'y2446')" y2446

# fls reads the image itself; the same inodes, names and times where it can tell them.
umount "$root"
fls -r -p -m "" "$tmp/v.img" >"$tmp/fls" 2>/dev/null
cat >"$tmp/fls.py" <<'P'
import sys
root = sys.argv[3].encode()
def load(name, prefix):
    rows = {}
    for line in open(name, "rb").read().split(b"\n"):
        f = line.split(b"|")
        if len(f) == 11 and not line.startswith(b"#"):
            rows[f[1].removeprefix(prefix).lstrip(b"/").split(b" -> ")[0]] = f
    return rows
ours, fls = load(sys.argv[1], root), load(sys.argv[2], b"")
same = bad = 0
for name, f in fls.items():
    o = ours.get(name)
    if o is None or name.startswith((b"y", b"$", b"lost")):
        continue
    same += 1
    # inode, mode string, owner, size, modified, changed, born
    if (o[2], o[3], o[4], o[5], o[6], o[8], o[9], o[10]) != (f[2], f[3], f[4], f[5], f[6], f[8], f[9], f[10]):
        bad += 1
        print(o, f, file=sys.stderr)
print(same >= 5, bad, fls[b"y1965"][8] != ours[b"y1965"][8], ours[b"y1965"][8], ours[b"y2446"][8])
P
check_equal "fls on the image agrees on inode, mode, size and times; but wraps 1965 to 2101" \
	"$(python3 "$tmp/fls.py" "$tmp/body" "$tmp/fls" "$root")" "True 0 True b'-157766400' b'15032385535'"
tap_done
