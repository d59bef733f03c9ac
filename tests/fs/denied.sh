#!/bin/sh
# As nobody: what may not be read is told with its reason, the rest is complete.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq setpriv
# Another user must be able to reach the tree and the program.
chmod 755 "$tmp"
cp "$WEIR" "$tmp/weir"
root=$tmp/root
mkdir -p "$root/open" "$root/closed/inside" "$root/names"
echo a >"$root/open/file"
echo b >"$root/open/secret"
chmod 600 "$root/open/secret"
echo c >"$root/closed/file"
chmod 700 "$root/closed"
echo d >"$root/names/file"
chmod 744 "$root/names"
ln -s file "$root/open/link"

as_nobody() {
	list_code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/weir" list "$@" >"$tmp/list" \
		2>"$tmp/list.err" || list_code=$?
}
as_nobody -r --hash sha256 "$root"
check_equal "done, with losses" "$list_code $(summary complete) $(summary reason)" '4 false "errors"'
check_equal "what may be seen is there" "$(field "$root/open/file" '.sha256 | length')" 64
check_equal "a file that may not be read has its metadata and the reason" \
	"$(field "$root/open/secret" '[.size_bytes, .missing.hash]')" '[2,"EACCES"]'
check_equal "a directory that may not be read has its own record" "$(field "$root/closed" .mode)" '"0700"'
check_equal "and an error record" \
	"$(jq -c 'select(.record=="error") | [.path, .error, .error_call]' "$tmp/list")" \
	"[\"$root/closed\",\"EACCES\",\"open\"]"
check_equal "an entry that may not be queried has the name and the reason" \
	"$(field "$root/names/file" '[.type, .error, .error_call]')" '["file","EACCES","query"]'
check_equal "the summary counts by error" "$(summary errors)" '{"EACCES":3}'
check_equal "access times are not promised" "$(summary 'access_times_disturbed > 0')" true
check_equal "nor are links read" "$(field "$root/open/link" .missing.target)" '"would_change_access_time"'
as_nobody -r --targets "$root"
check_equal "unless told to" "$(field "$root/open/link" .target)" '"file"'
check_match "and people are told" "$(cat "$tmp/list.err")" '[0-9]+ EACCES'
tap_done
