#!/bin/sh
# Nothing is crossed unless told, by mount and not by device; pseudo file systems are named, not
# entered; overlays are as any other.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs
volume v 16
root=$tmp/v/root
mkdir -p "$root/bound" "$root/proc" "$root/tmpfs" "$root/plain" "$tmp/v/other/below" "$root/merged" \
	"$tmp/v/low" "$tmp/v/up" "$tmp/v/work"
echo x >"$root/bound/covered"
echo x >"$tmp/v/other/below/file"
echo low >"$tmp/v/low/low"
echo up >"$tmp/v/up/up"
mount --bind "$tmp/v/other" "$root/bound"
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=1m tmpfs "$root/tmpfs"
mkdir -p "$root/tmpfs/deep"
echo y >"$root/tmpfs/deep/file"

list -r "$root"
check_equal "by default no mount is entered" "$(jq -r 'select(.record=="file").path' "$tmp/list" | sort | tr '\n' ' ')" \
	"$root $root/bound $root/merged $root/plain $root/proc $root/tmpfs "
check_equal "a bind mount of the same device is a mount" "$(field "$root/bound" .covered_by.file_system)" '"ext4"'
check_equal "proc is named" "$(field "$root/proc" .covered_by.file_system)" '"proc"'
check_equal "all three are named in the header" \
	"$(head -n 1 "$tmp/list" | jq -c '[.skipped_mounts[] | [.file_system, .reason]] | sort')" \
	'[["ext4","another_mount"],["proc","pseudo"],["tmpfs","another_mount"]]'
check_equal "and counted" "$(summary skipped_mounts) $(summary complete)" "3 true"

list -r --cross local "$root"
check_equal "--cross local enters those on disk and in memory" \
	"$(jq -r 'select(.record=="file").path' "$tmp/list" | sort | tr '\n' ' ')" \
	"$root $root/bound $root/bound/below $root/bound/below/file $root/merged $root/plain $root/proc $root/tmpfs $root/tmpfs/deep $root/tmpfs/deep/file "
check_equal "proc is still skipped" "$(summary skipped_mounts)" 1
check_equal "mounts have ids of their own" \
	"$(jq -r 'select(.record=="file").mount_id' "$tmp/list" | sort -u | wc -l)" 3

list -r --cross all --hash md5 --max-entries 3000 "$root"
check "--cross all enters proc too" test "$(grep -c "\"path\":\"$root/proc/" "$tmp/list")" -gt 100
check_equal "and hashes nothing in it" "$(jq -c --arg p "$root/proc/" 'select(.record=="file" and (.path | startswith($p)) and .md5)' "$tmp/list" | wc -l)" 0

list -r --pattern 'bound/**/file' "$root"
check_equal "a pattern does not cross either" "$(records) $list_code" "0 1"
list -r --cross local --pattern 'bound/**/file' "$root"
check_equal "but goes on in a mount that is crossed" "$(jq -r 'select(.record=="file").path' "$tmp/list")" "$root/bound/below/file"

# Of two paths the one that a mount was crossed from, though the other begins alike.
mkdir -p "$tmp/v/a" "$tmp/v/ab/mnt"
mount -t tmpfs -o size=1m tmpfs "$tmp/v/ab/mnt"
echo z >"$tmp/v/ab/mnt/f1"
for paths in "ab" "ab a" "a ab"; do
	# shellcheck disable=SC2086
	(cd "$tmp/v" && list -r --cross local --pattern 'mnt/*' $paths)
	check_equal "a pattern in a mount of: $paths" "$(jq -r 'select(.record=="file").path' "$tmp/list")" "ab/mnt/f1"
	# shellcheck disable=SC2086
	(cd "$tmp/v" && list -r --cross local --max-depth 1 $paths)
	check_equal "and the depth" "$(jq -r 'select(.record=="file").path' "$tmp/list" | grep -c f1)" 0
done
umount "$tmp/v/ab/mnt"

list "$root/proc/self/status"
check_equal "a file of proc: size 0, no birth, never 0" \
	"$(jq -c 'select(.record=="file") | [.size_bytes, .born_ns, .missing.born]' "$tmp/list")" \
	'[0,null,"not_kept_by_file_system"]'

# Loops of mounts: the tree mounted into itself.
mkdir "$root/plain/again"
mount --rbind "$root" "$root/plain/again"
list -r --cross local "$root"
check_equal "a tree mounted into itself ends" "$(summary complete)" true

# A mount that another one hides is in nobody's way.
hide=$tmp/v/hide
mkdir -p "$hide/a/b"
mount -t tmpfs -o size=1m hid "$hide/a/b"
mount -t tmpfs -o size=1m top "$hide/a"
mkdir "$hide/a/b"
echo s >"$hide/a/b/secret"
list -r "$hide/a"
check_equal "a directory where a hidden mount was is entered" \
	"$(field "$hide/a/b/secret" .size_bytes) $(field "$hide/a/b" .covered_by) $(summary skipped_mounts)" "2 null 0"
list -r --cross local "$hide"
check_equal "from above as well, by the mount that is seen" \
	"$(jq -r --arg r "$hide" 'select(.record=="file").path | ltrimstr($r)' "$tmp/list" | sort | tr '\n' ' ') $(summary skipped_mounts)" \
	" /a /a/b /a/b/secret  0"
mount -t tmpfs -o size=1m again "$hide/a/b"
list -r "$hide/a"
check_equal "unless it is a mount again" "$(field "$hide/a/b" .covered_by.source)" '"again"'
umount "$hide/a/b" "$hide/a" "$hide/a/b"

# More mounts than anybody has: each is named, or entered.
many=$tmp/many
mkdir "$many"
mount -t tmpfs -o size=8m many "$many"
python3 - "$many" <<'P'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for i in range(1100):
    path = f"{sys.argv[1]}/{i}".encode()
    os.mkdir(path)
    if libc.mount(b"tmpfs", path, b"tmpfs", 0, b"size=64k"):
        sys.exit(os.strerror(ctypes.get_errno()))
    open(path + b"/f", "w").close()
P
list -r "$many"
check_equal "1,100 mounts are named and counted" \
	"$(head -n 1 "$tmp/list" | jq '.skipped_mounts | length') $(summary skipped_mounts) $list_code" "1100 1100 0"
# Two descriptors a mount; the bound that a shell has is raised as far as that is allowed.
if [ "$(ulimit -H -n)" = unlimited ] || [ "$(ulimit -H -n)" -ge 4096 ]; then
	(ulimit -S -n 1024; "$WEIR" list -r --cross local "$many" >"$tmp/list") && code=0 || code=$?
	check_equal "and all entered" "$(grep -c '/f",' "$tmp/list") $(summary skipped_mounts) $(summary complete) $code" "1100 0 true 0"
else
	skip "and all entered" "not enough descriptors allowed"
fi
# Where not so many are allowed, the rest of the listing is there, and says what is not.
(ulimit -n 256; "$WEIR" list -r --cross local "$many" >"$tmp/list" 2>"$tmp/list.err") && code=0 || code=$?
check_equal "mounts that cannot be opened are a loss" "$code $(summary complete) $(summary reason) $(summary errors) $(summary failed_mounts)" \
	'4 false "errors" {} 1016'
check_equal "each is named" "$(head -n 1 "$tmp/list" | jq -c '[.skipped_mounts[].reason] | unique') $(grep -c '/f",' "$tmp/list") $(summary skipped_mounts)" \
	'["cannot_open"] 84 1016'
umount -R "$many"

if mount -t overlay overlay -o "lowerdir=$tmp/v/low,upperdir=$tmp/v/up,workdir=$tmp/v/work" "$root/merged" 2>/dev/null; then
	list -r --hash sha256 "$root/merged"
	check_equal "an overlay shows both layers" \
		"$(jq -r 'select(.type=="file") | .path | split("/") | last' "$tmp/list" | sort | tr '\n' ' ')" "low up "
	check_equal "hashed through it" "$(field "$root/merged/low" .sha256)" "\"$(sha256sum <"$tmp/v/low/low" | cut -c1-64)\""
	rm "$root/merged/low"
	list -r "$tmp/v/up"
	check_equal "a whiteout in the upper layer is seen as what it is" "$(field "$tmp/v/up/low" '[.type, .special_device]')" \
		'["char_device","0:0"]'
else
	skip "an overlay" "cannot mount overlayfs"
fi
tap_done
