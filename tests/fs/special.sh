#!/bin/sh
# What must not be opened is not: FIFOs, sockets, devices; holes do not stop a listing; nor do times of
# any year.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs strace timeout
volume v 16
root=$tmp/v/root
python3 - "$root" <<'P'
import os, socket, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("sock")
os.mknod("zero", 0o20666, os.makedev(1, 5))
os.mknod("block", 0o60660, os.makedev(7, 200))
with open("hole", "wb") as f:
    f.truncate(1 << 40)
with open("some", "wb") as f:
    f.write(b"x" * 100)
P
# Opens through a ring are no calls that a trace shows: it is denied, and each file opened by itself.
timeout 60 strace -f -qq -e trace=openat,openat2,open,io_uring_setup -e inject=io_uring_setup:error=ENOSYS -o "$tmp/trace" \
	"$WEIR" list -r -x -F --mime --hash md5,sha256 "$root" >"$tmp/list"
check_equal "the listing ends" "$(summary complete)" true
for name in fifo sock zero block; do
	check_equal "$name is never opened" "$(grep -c "\"$name\"" "$tmp/trace" || true)" 0
done
check "a regular file is (the trace sees opens)" grep -q '"some"' "$tmp/trace"
check_equal "types" "$(jq -r 'select(.record=="file") | .type' "$tmp/list" | sort | tr '\n' ' ')" \
	"block_device char_device directory fifo file file socket "
check_equal "a device has its numbers" "$(field "$root/zero" .special_device)" '"1:5"'
check_equal "a hole of 1 TiB is listed, not hashed, and says why" \
	"$(field "$root/hole" '[.size_bytes, .allocated_bytes, .missing.hash, .sha256]')" \
	'[1099511627776,0,"larger_than_hash_max",null]'
list --hash sha256 --max-time 1s --hash-max 0 "$root/hole"
check_equal "without a bound --max-time ends it" "$list_code $(summary complete) $(summary reason)" '4 false "max_time"'

# Any second that a file system keeps: with its own year, and read again by the timeline.
mkdir "$tmp/times"
mount -t tmpfs -o size=64k tmpfs "$tmp/times"
at_exit "umount -l '$tmp/times'"
touch "$tmp/times/early" "$tmp/times/last"
python3 - "$tmp/times" <<'P'
import os, sys
os.utime(sys.argv[1] + "/early", (0, -9000000000000000))
os.utime(sys.argv[1] + "/last", (0, 2**63 - 1))
P
if [ "$(stat -c %Y "$tmp/times/early") $(stat -c %Y "$tmp/times/last")" = "-9000000000000000 9223372036854775807" ]; then
	list -r "$tmp/times"
	check_equal "a year with its sign" "$(field "$tmp/times/early" .modified)" '"-285196677-06-10T08:00:00.000000000Z"'
	check_match "its nanoseconds, of 25 digits" "$(cat "$tmp/list")" '"modified_ns":-9000000000000000000000000,'
	check_equal "the last second there is" "$(field "$tmp/times/last" .modified)" '"+292277026596-12-04T15:30:07.000000000Z"'
	check_match "its nanoseconds, of 28 digits" "$(cat "$tmp/list")" '"modified_ns":9223372036854775807000000000,'
	code=0
	"$WEIR" timeline --format csv "$tmp/list" >"$tmp/timeline" 2>"$tmp/err" || code=$?
	check_equal "the timeline reads both" "$code $(cat "$tmp/err")" "0 "
	check_match "the first first" "$(sed -n 2p "$tmp/timeline")" "^-285196677-06-10T08:00:00.000000000Z,.*early"
	check_match "and the last last" "$(tail -n 1 "$tmp/timeline")" "^\+292277026596-12-04T15:30:07.000000000Z,.*last"
else
	skip "any second" "the file system does not keep it"
fi
tap_done
