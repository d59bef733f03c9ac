# For tests of weir list: a mount namespace of the test's own, so that nothing it mounts is seen
# outside or left behind, and volumes on loop devices.  Source this instead of tap.sh; needs root.
if [ "$(id -u)" = 0 ] && [ -z "${FS_PRIVATE:-}" ] && unshare -m true 2>/dev/null; then
	FS_PRIVATE=1
	export FS_PRIVATE
	exec unshare -m --propagation private "$0" "$@"
fi
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_root
[ -n "${FS_PRIVATE:-}" ] || skip_all "cannot make a mount namespace"
export LC_ALL=C

# volume NAME MIB [MKE2FS OPTION...]: an ext4 image mounted at $tmp/NAME, relatime.
volume() {
	fs_name=$1 fs_size=$2
	shift 2
	truncate -s "${fs_size}M" "$tmp/$fs_name.img"
	mke2fs -q -F -t ext4 "$@" "$tmp/$fs_name.img" || skip_all "cannot make an ext4 image"
	mkdir "$tmp/$fs_name"
	mount -o loop,relatime "$tmp/$fs_name.img" "$tmp/$fs_name" || skip_all "cannot mount an image"
	at_exit "umount -l '$tmp/$fs_name' 2>/dev/null"
}

# list ARGUMENT...: into $tmp/list; its exit code is in list_code.
list() {
	list_code=0
	"$WEIR" list "$@" >"$tmp/list" 2>"$tmp/list.err" || list_code=$?
}

# records: how many files the last listing has; summary MEMBER: of its last line.
records() {
	grep -c '^{"record":"file"' "$tmp/list" || true
}

summary() {
	tail -n 1 "$tmp/list" | jq -c ".$1"
}

# field PATH FILTER: a member of the record of one path.
field() {
	jq -c --arg p "$1" 'select(.record=="file" and .path==$p) | '"$2" "$tmp/list"
}
