#!/bin/sh
# --follow: directories that links lead to are entered, each once; loops end; no link's access time
# changes; what may not be crossed is not; and without the option nothing is followed.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs
volume v 16
v=$tmp/v
root=$v/root
mkdir -p "$root/a/b" "$v/out/sub" "$v/far/deep" "$v/only"
echo 1 >"$root/a/file"
echo 2 >"$v/out/sub/file"
echo 3 >"$v/far/deep/file"
echo 4 >"$v/only/file"
ln -s .. "$root/a/b/up"
ln -s . "$root/self"
ln -s "$v/out" "$root/out"
ln -s ../../out/sub "$root/a/again"
ln -s "$v/root" "$v/out/back"
ln -s "$v/out/x/../y" "$root/broken"
ln -s "$root/ring2" "$root/ring1"
ln -s ring1 "$root/ring2"
ln -s ../hop "$root/hops"
ln -s far/deep "$v/hop"
ln -s a/file "$root/tofile"

followed() {
	field "$root/$1" '[.followed.type, .followed.is_entered, .followed.reason]'
}
paths() {
	jq -r --arg r "$root" 'select(.record=="file").path | ltrimstr($r)' "$tmp/list" | sort | tr '\n' ' '
}
list -r "$root"
check_equal "without it nothing is followed" "$(records) $(grep -c followed "$tmp/list")" "13 0"
for threads in 1 3; do
	list -r --follow -j $threads "$root"
	check_equal "$threads threads: complete" "$list_code $(summary complete)" "0 true"
	check_equal "$threads threads: what links lead to, once" "$(paths)" \
		" /a /a/again /a/b /a/b/up /a/file /broken /hops /hops/file /out /out/back /out/sub /out/sub/file /ring1 /ring2 /self /tofile "
done
check_equal "a link up is a loop" "$(followed a/b/up)" '["directory",false,"loop"]'
check_equal "to itself, too" "$(followed self)" '["directory",false,"loop"]'
check_equal "one outside that leads back, too" "$(followed out/back)" '["directory",false,"loop"]'
check_equal "through a link on the way" "$(followed hops)" '["directory",true,null]'
check_equal "it says where" "$(field "$root/hops" .followed.path)" "\"$v/far/deep\""
check_equal "a file is listed where it is" "$(followed tofile)" '["file",false,"not_a_directory"]'
check_equal "links that lead to each other" "$(field "$root/ring1" .missing.followed)" '"ELOOP"'
check_equal "a link to nothing" "$(field "$root/broken" .missing.followed)" '"ENOENT"'
check_equal "the link's own record is the link's" "$(field "$root/out" '[.type, .target]')" "[\"link\",\"$v/out\"]"
list -r --follow "$root" "$v/out"
check_equal "what is asked for anyway is not entered again" "$(followed out)" '["directory",false,"already_listed"]'

# Up and out of what is listed, to where it lies: in its own place it is there already.
ln -s ../.. "$root/a/above"
list -r --follow "$root"
check_equal "a link to above what is listed" "$(followed a/above)" '["directory",true,null]'
check_equal "does not list it twice" "$(field "$root/a/above/root" .missing.entries) $(grep -c '"path":"[^"]*/b/up"' "$tmp/list")" '"already_listed" 1'
rm "$root/a/above"

# Many links into each other: each directory once, however many ways there are.
mkdir "$v/web"
for i in 1 2 3 4 5 6 7 8; do
	mkdir "$v/web/$i"
	for j in 1 2 3 4 5 6 7 8; do ln -s "../$j" "$v/web/$i/to$j"; done
done
mkdir "$v/start"
ln -s ../web/1 "$v/start/in"
list -r --follow "$v/start"
check_equal "a web of links ends" "$list_code $(records) $(grep -c '"is_entered":true' "$tmp/list")" "0 66 8"

# With a pattern or a bound of depth the places of a directory differ in what they show.
mkdir -p "$v/fl/a/real" "$v/g" "$v/t/a/b/c"
echo 6 >"$v/fl/a/real/f.txt"
echo 7 >"$v/t/a/b/c/file"
ln -s a/real "$v/fl/lnk"
ln -s ../t "$v/g/l1"
ln -s ../t/a/b/c "$v/g/l2"
for threads in 1 3; do
	list -r --follow -j $threads --pattern '*/{real,real/*}' "$v/fl"
	check_equal "$threads threads: a pattern that matches in one place only" \
		"$(jq -r --arg r "$v" 'select(.record=="file").path | ltrimstr($r)' "$tmp/list" | sort | tr '\n' ' ') $(summary complete)" \
		"/fl/a/real /fl/a/real/f.txt  true"
	list -r --follow -j $threads --max-depth 3 "$v/g"
	check_equal "$threads threads: too deep in one place only" "$(field "$v/g/l2/file" .size_bytes)" 2
done
list -r --follow --pattern '**/to[12]' "$v/start"
check_equal "a web of links ends with a pattern, each once" "$(records) $(summary complete)" "16 true"
list -r --follow --max-depth 12 "$v/start"
check "and with a bound of depth, not by every way" test "$(records)" -lt 1000

list --follow --pattern 'out/**/file' "$root"
check_equal "a pattern goes on behind a link" "$(paths)" "/out/sub/file "
list -r --follow --max-depth 1 "$root"
check_equal "--max-depth counts through links" "$(followed out)" '["directory",false,"max_depth"]'
list -r --follow --hash sha256 -j 2 "$root"
check_equal "hashed behind links" "$(field "$root/out/sub/file" .sha256)" "\"$(sha256sum <"$v/out/sub/file" | cut -c1-64)\""

# Mounts: by --cross as everywhere.
mkdir "$v/mnt" "$v/proc"
mount -t tmpfs -o size=1m tmpfs "$v/mnt"
mount -t proc proc "$v/proc"
echo 5 >"$v/mnt/file"
ln -s ../mnt "$root/tmpfs"
ln -s ../proc/self "$root/proc"
list -r --follow "$root"
check_equal "another mount is not entered" "$(followed tmpfs)" '["directory",false,"another_mount"]'
check_equal "a pseudo one is not even looked at" "$(followed proc)" '[null,false,"pseudo"]'
list -r --follow --cross local "$root"
check_equal "unless told" "$(followed tmpfs) $(field "$root/tmpfs/file" .size_bytes)" '["directory",true,null] 2'
rm "$root/tmpfs" "$root/proc"
umount "$v/mnt" "$v/proc"

# Undisturbed: links on the way included.
python3 - "$v" <<'P'
import os, sys
# All names first: to look for directories is to go through links.
names = [os.path.join(d, n) for d, dirs, files in os.walk(sys.argv[1]) for n in dirs + files + ["."]]
for n in names:
    os.utime(n, ns=(1577836800 * 10**9, 1577836800 * 10**9), follow_symlinks=False)
P
mount -o remount,strictatime "$v"
list -r --follow -x -F --hash md5 "$root"
mount -o remount,noatime "$v"
check_equal "no access time changed" "$(find "$v" ! -path "$v/lost+found" ! -newerat "2019-12-01" -printf x; find "$v" ! -path "$v/lost+found" -newerat "2020-01-02" -printf "%p ")" ""
# As somebody else nothing protects the links on the way: they are left alone, and it is said.
if command -v setpriv >/dev/null; then
	chmod 755 "$tmp" "$v"
	mount -o remount,strictatime "$v"
	cp "$WEIR" "$tmp/weir"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/weir" list -r --follow "$root" >"$tmp/list" 2>/dev/null || true
	check_equal "without privileges links are not read, so not followed" "$(records) $(grep -c '"would_change_access_time"' "$tmp/list")" "13 9"
fi
tap_done
