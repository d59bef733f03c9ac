#!/bin/sh
# Hashes as the tools that everybody trusts make them; known hashes in and out.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq sha256sum md5sum sha1sum b2sum
root=$tmp/root
mkdir -p "$root/d"
python3 - "$root" <<'P'
import os, sys
os.chdir(sys.argv[1])
for size in (0, 1, 63, 64, 4095, 4096, 100000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20):
    with open("d/f%d" % size, "wb") as f:
        f.write((b"0123456789abcdef" * (size // 16 + 1))[:size])
P
list -r -j 2 --hash md5,sha1,sha256,blake2b512 "$root"
for pair in md5:md5sum sha1:sha1sum sha256:sha256sum blake2b512:b2sum; do
	member=${pair%:*}
	check_equal "$member of every size" \
		"$(jq -r "select(.type==\"file\") | .$member + \"  \" + .path" "$tmp/list" | sort)" \
		"$("${pair#*:}" "$root"/d/* | sort)"
done
check_equal "counted" "$(summary hashed_files) $(summary hashed_bytes)" \
	"11 $(find "$root/d" -type f -printf '%s\n' | awk '{s += $1} END {print s}')"

sha256sum "$root/d/f1" "$root/d/f64" >"$tmp/known"
list -r --type f --known-in "$tmp/known" "$root"
check_equal "--known-in" "$(jq -r 'select(.record=="file").path' "$tmp/list" | sort | tr '\n' ' ')" "$root/d/f1 $root/d/f64 "
list -r --type f --known-out "$tmp/known" "$root"
check_equal "--known-out" "$(records)" 9
check_equal "proc/sys of a file: no content is taken for truth" "$("$WEIR" list --hash md5 /proc/version | jq -r 'select(.record=="file").missing.hash')" pseudo_file_system

# A file that grows while it is read.
python3 - "$root/grows" <<'P' &
import os, sys, time
with open(sys.argv[1], "wb") as f:
    end = time.time() + 60
    while time.time() < end and not os.path.exists(sys.argv[1] + ".stop"):
        f.write(b"x" * 65536)
        f.flush()
        if f.tell() > 64 << 20:
            f.truncate(0)
            f.seek(0)
P
writer=$!
at_exit "kill $writer 2>/dev/null"
wait_for 10 test -s "$root/grows"
seen=0 turn=0
while [ $turn -lt 50 ] && [ $seen = 0 ]; do
	turn=$((turn + 1))
	list --hash sha256 "$root/grows"
	seen=$(grep -c '"changed_while_read":true' "$tmp/list" || true)
done
: >"$root/grows.stop"
wait $writer || true
check_equal "a file that changes while it is read says so" "$seen" 1
tap_done
