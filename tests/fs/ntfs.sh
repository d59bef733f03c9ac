#!/bin/sh
# An NTFS volume mounted by ntfs-3g: its four times, attributes and alternate streams.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mkntfs ntfs-3g setfattr
[ -e /dev/fuse ] || skip_all "there is no /dev/fuse"
truncate -s 16M "$tmp/img"
mkntfs -q -F "$tmp/img" >/dev/null 2>&1 || skip_all "cannot make an NTFS image"
mkdir "$tmp/n"
ntfs-3g "$tmp/img" "$tmp/n" -o streams_interface=xattr,loop 2>/dev/null ||
	ntfs-3g "$tmp/img" "$tmp/n" -o streams_interface=xattr || skip_all "cannot mount NTFS"
at_exit "umount -l '$tmp/n'"
echo content >"$tmp/n/file.txt"
setfattr -n user.Zone.Identifier -v '[ZoneTransfer]' "$tmp/n/file.txt"
python3 - "$tmp/n/file.txt" <<'P'
import os, struct, sys
def units(s, ns=0):
    return (s + 11644473600) * 10**7 + ns // 100
os.setxattr(sys.argv[1], "system.ntfs_times_be", struct.pack(">QQQ", units(1000000000, 500), units(1100000000, 700), units(1200000000)))
attributes = struct.unpack(">I", os.getxattr(sys.argv[1], "system.ntfs_attrib_be"))[0]
os.setxattr(sys.argv[1], "system.ntfs_attrib_be", struct.pack(">I", attributes | 2))
P
list -x -r --hash md5 "$tmp/n"
check_equal "complete" "$list_code $(summary complete)" "0 true"
check_match "the NTFS times, to 100 ns" "$(grep 'file.txt"' "$tmp/list")" \
	'"born_ns":1000000000000000500,.*"modified_ns":1100000000000000700,.*"accessed_ns":1200000000000000000,'
check_equal "the record's own change" "$(field "$tmp/n/file.txt" '.ntfs.record_changed_ns > 1600000000000000000')" true
check_match "hidden" "$(field "$tmp/n/file.txt" .ntfs.attributes)" '"hidden"'
check_equal "the stream with its content" \
	"$(field "$tmp/n/file.txt" '[.ntfs.stream_count, (.xattrs[] | select(.name=="user.Zone.Identifier") | .value_b64)]')" \
	'[1,"W1pvbmVUcmFuc2Zlcl0="]'
check_equal "hashed" "$(field "$tmp/n/file.txt" .md5)" "\"$(md5sum <"$tmp/n/file.txt" | cut -c1-32)\""
check_equal "the header says what it is" "$(head -n 1 "$tmp/list" | jq -r '.volumes[0].mount.kind')" fuse
tap_done
