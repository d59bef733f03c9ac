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
# Where the library was not there at build time, it says so and reads nothing.
if list -r -j 2 --hash blake3,md5 "$root"; then
	if command -v b3sum >/dev/null; then
		check_equal "blake3 of every size" \
			"$(jq -r 'select(.type=="file") | .blake3 + "  " + .path' "$tmp/list" | sort)" \
			"$(b3sum --num-threads 1 "$root"/d/* | sort)"
	else
		skip "blake3 of every size" "no b3sum"
	fi
	list -r -j 2 --hash md5 "$root"
else
	check_match "blake3 not built in is said" "$("$WEIR" list --hash blake3 "$root" 2>&1)" 'not built in'
fi
check_equal "counted" "$(summary hashed_files) $(summary hashed_bytes)" \
	"11 $(find "$root/d" -type f -printf '%s\n' | awk '{s += $1} END {print s}')"

# Many small files, read some at once, with larger ones and others between them.
mkdir "$root/many"
python3 - "$root/many" <<'P'
import os, random, sys
os.chdir(sys.argv[1])
r = random.Random(5)
for i in range(700):
    name = "n%d" % i
    if i % 31 == 0:
        os.mkdir(name)
    elif i % 37 == 0:
        os.symlink("n1", name)
    elif i % 41 == 0:
        os.mkfifo(name)
    else:
        with open(name, "wb") as f:
            f.write(r.randbytes(r.choice((0, 1, 200, 4096, 65535, 65536, 65537, 300000))))
P
for j in 1 2; do
	list -r -j $j --hash sha256,md5 "$root/many"
	check_equal "many files, $j threads" \
		"$(jq -r 'select(.sha256) | .sha256 + "  " + .path' "$tmp/list" | sort)" \
		"$(find "$root/many" -type f -exec sha256sum {} + | sort)"
	check_equal "and all else, $j threads" "$(records)" "$(find "$root/many" | wc -l)"
done
list -r -j 1 --hash sha256 -p 'n*7' "$root/many"
check_equal "many files by a pattern" \
	"$(jq -r 'select(.sha256) | .sha256 + "  " + .path' "$tmp/list" | sort)" \
	"$(find "$root/many" -type f -name 'n*7' -exec sha256sum {} + | sort)"
list -r -j 1 --hash sha256 --hash-max 4KiB "$root/many"
check_equal "none larger than the bound is hashed" "$(jq -r 'select(.sha256 and .size_bytes > 4096).path' "$tmp/list")" ""
check_equal "... each says why" "$(jq -r 'select(.missing.hash == "larger_than_hash_max").path' "$tmp/list" | wc -l)" \
	"$(find "$root/many" -type f -size +4096c | wc -l)"
rm -r "$root/many"

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
