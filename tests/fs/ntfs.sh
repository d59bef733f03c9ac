#!/bin/sh
# An NTFS volume mounted by ntfs-3g: its four times, attributes and alternate streams.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mkntfs ntfs-3g ntfsinfo ntfscat setfattr
[ -e /dev/fuse ] || skip_all "there is no /dev/fuse"
truncate -s 16M "$tmp/img"
mkntfs -q -F "$tmp/img" >/dev/null 2>&1 || skip_all "cannot make an NTFS image"
mkdir "$tmp/n"
mount_ntfs() {
	ntfs-3g "$tmp/img" "$tmp/n" -o streams_interface=xattr,loop 2>/dev/null ||
		ntfs-3g "$tmp/img" "$tmp/n" -o streams_interface=xattr
}
mount_ntfs || skip_all "cannot mount NTFS"
at_exit "umount -l '$tmp/n' 2>/dev/null || :"
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

# What ntfs-3g's own tools read from the image, without its mount, is what the listing told.
check_match "the rights, as the volume has them" "$(field "$tmp/n/file.txt" .ntfs.sddl)" '^"O:S-1-5-.*G:S-1-5-.*D:.*\(A;'
python3 - "$tmp/n" <<'P'
import os, struct, sys
# A junction as Windows makes it, a file of two names, one of many streams.
os.chdir(sys.argv[1])
os.mkdir("folder")
os.mkdir("junction")
inner, shown = ("\\??\\C:\\folder".encode("utf-16-le"), "C:\\folder".encode("utf-16-le"))
data = struct.pack("<HHHH", 0, len(inner), len(inner) + 2, len(shown)) + inner + b"\0\0" + shown + b"\0\0"
os.setxattr("junction", "system.ntfs_reparse_data", struct.pack("<IHH", 0xA0000003, len(data), 0) + data)
open("one.txt", "w").write("x" * 5000)
os.link("one.txt", "two.txt")
for i in range(20):
    os.setxattr("one.txt", f"user.stream{i}", bytes([65 + i]) * (1 + 100 * i))
P
# The kernel remembers what things were before.
umount "$tmp/n"
mount_ntfs
list -x -r --hash sha256 "$tmp/n"
check_equal "a junction is a link" "$(field "$tmp/n/junction" .type)" '"link"'
check_equal "and nothing below it is listed" "$(grep -c '/junction/' "$tmp/list")" 0
check_equal "two names of one file" "$(field "$tmp/n/one.txt" '[.links, .inode]')" "$(field "$tmp/n/two.txt" '[.links, .inode]')"
check_equal "all its streams" "$(field "$tmp/n/one.txt" .ntfs.stream_count)" 20
umount "$tmp/n"
inode=$(field "$tmp/n/one.txt" .inode)
ntfsinfo -i "$inode" "$tmp/img" >"$tmp/info"
check_match "the id is the record's number" "$(head -n 1 "$tmp/info")" "^Dumping Inode $inode "
check_match "the links are the record's" "$(grep Links "$tmp/info")" "^Number of Hard Links:[[:space:]]+$(field "$tmp/n/one.txt" .links) "
# ntfsinfo tells seconds, in a form of its own.
told() {
	date -u -d "$(sed -n "/STANDARD_INFORMATION/,/FILE_NAME/s/.*$1:[[:space:]]*//p" "$tmp/info" | head -n 1)" +%s
}
for pair in "born File.Creation.Time" "modified File.Altered.Time" "record_changed MFT.Changed.Time"; do
	check_equal "${pair%% *}, as the image has it" \
		"$(field "$tmp/n/one.txt" ".ntfs.${pair%% *}_ns / 1000000000 | floor")" "$(told "${pair#* }")"
done
sid() {
	sed -n "s/.*$1:[[:space:]]*//p" "$tmp/info" | tr -d '[:space:]'
}
# ntfs-3g stamps what is read, whatever the mount says: so the listing promises nothing of it.
check_equal "access times are the server's" "$(summary access_times)" '"server"'
check_match "with the reason" "$(head -n 1 "$tmp/list" | jq -r '.volumes[0].access_times_reason')" 'may change them'
check_equal "it was accessed when the listing read it, or before" \
	"$([ "$(told Last.Accessed.Time)" -ge "$(field "$tmp/n/one.txt" '.ntfs.accessed_ns / 1000000000 | floor')" ] && echo yes)" yes
check_equal "owner, group and rights, as the image has them" "$(field "$tmp/n/one.txt" .ntfs.sddl)" \
	"\"O:$(sid 'Owner SID')G:$(sid 'Group SID')D:(A;OICI;$(sed -n 's/.*flags:0x3  access://p' "$tmp/info");;;$(sid '[[:space:]] SID'))\""
check_equal "the content, as the image has it" "$(field "$tmp/n/one.txt" .sha256)" \
	"\"$(ntfscat "$tmp/img" one.txt | sha256sum | cut -c1-64)\""
check_equal "a stream, as the image has it" \
	"$(field "$tmp/n/one.txt" '.xattrs[] | select(.name == "user.stream19").value_b64' | tr -d '"' | base64 -d | sha256sum)" \
	"$(ntfscat -n stream19 "$tmp/img" one.txt | sha256sum)"
check_equal "the header says what it is" "$(head -n 1 "$tmp/list" | jq -r '.volumes[0].mount.kind')" fuse
tap_done
