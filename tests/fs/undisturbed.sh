#!/bin/sh
# As root no access time changes: listed, links read, hashed, attributes read.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq setpriv mke2fs
volume v 16
root=$tmp/v/root

python3 - "$root" <<'P'
import os, socket, sys
root = sys.argv[1].encode()
os.makedirs(root + b"/a/b/c")
for name in (b"plain", b"pipe|name", b"new\nline", b"bad\xff\xfe", b"tab\there", b"\x1b[31mred", b"x" * 255):
    with open(root + b"/a/" + name, "wb") as f:
        f.write(b"content of " + name)
os.symlink(b"plain", root + b"/a/link")
os.symlink(b"loop", root + b"/a/loop")
os.symlink(b"/nowhere/at/all", root + b"/a/b/dangling")
os.mkfifo(root + b"/a/fifo")
os.mknod(root + b"/a/null", 0o20666, os.makedev(1, 3))
os.chdir(root)
socket.socket(socket.AF_UNIX).bind("sock")
os.setxattr(root + b"/a/plain", "user.origin", b"somewhere")
P

# times FILE: every time of every path by lstat alone, which changes none.
cat >"$tmp/times.py" <<'P'
import os, sys
for line in open(sys.argv[1], "rb").read().split(b"\0")[:-1]:
    s = os.lstat(line)
    print(line, s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns, s.st_size)
P
find "$root" -print0 >"$tmp/names"
set_back() {
	python3 - "$tmp/names" <<'P'
import os, sys
for name in open(sys.argv[1], "rb").read().split(b"\0")[:-1]:
    os.utime(name, ns=(1577836800 * 10**9, 1600000000 * 10**9 + 5), follow_symlinks=False)
P
}
all_times() {
	python3 "$tmp/times.py" "$tmp/names"
}

set_back
all_times >"$tmp/before"
list -r -x -F --hints --mime --hash md5,sha1,sha256,blake2b512 "$root"
check_equal "the listing is complete" "$list_code $(summary complete)" "0 true"
all_times >"$tmp/after"
check "no time of a directory, file or link has changed" cmp "$tmp/before" "$tmp/after"
check_equal "the record says how" "$(summary access_times) $(summary access_times_disturbed)" '"detached" 0'
check_equal "every link's target was read" \
	"$(jq -c 'select(.type=="link") | .target' "$tmp/list" | sort | tr '\n' ' ')" \
	'"/nowhere/at/all" "loop" "plain" '
check_equal "every file was hashed" "$(summary hashed_files)" 7

# The way to what is listed: a link in it is gone through by the kernel, which may stamp it.
ln -s a "$root/way"
"$WEIR" list "$root/way/" >"$tmp/list"
check_equal "a path through a link may have changed the link's time" "$(summary access_times_disturbed)" 1
"$WEIR" list "$root/way" >"$tmp/list"
check_equal "the link itself is not gone through" "$(summary access_times_disturbed)" 0
rm "$root/way"
set_back
all_times >"$tmp/before"

for form in bodyfile bodyfile-plaso csv table; do
	"$WEIR" list -r --hash md5 --format $form "$root" >/dev/null
done
all_times >"$tmp/after"
check "the other forms change none either" cmp "$tmp/before" "$tmp/after"

# Without CAP_SYS_ADMIN there is no clone of the mount.
setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$WEIR" list -r --hash sha256 "$root" \
	>"$tmp/list" || true
all_times >"$tmp/after"
check "with O_NOATIME alone none changes" cmp "$tmp/before" "$tmp/after"
check_equal "and the record says so" "$(summary access_times)" '"noatime"'
check_equal "links' targets are left alone then, with the reason" \
	"$(jq -c 'select(.type=="link") | .missing.target' "$tmp/list" | sort -u)" '"would_change_access_time"'
check_match "the header tells why there is no clone" "$(head -n 1 "$tmp/list")" 'access_times_reason'

# The test can fail: others do change them.
ls -lR "$root" >/dev/null
all_times >"$tmp/after"
check_fails "ls -lR changes some" cmp -s "$tmp/before" "$tmp/after"
tap_done
