#!/bin/sh
# MIME types by content, as file(1) tells them, with and without a hash of the same file.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq file gzip
check_fails "a build without libmagic says so" "$WEIR" list --mime-content "$tmp"
[ -n "${WEIR_MAGIC:-}" ] && [ -x "$WEIR_MAGIC" ] || skip_all "needs libmagic-dev at build time"
[ -e /usr/share/misc/magic.mgc ] || [ -e /usr/lib/file/magic.mgc ] || skip_all "libmagic has no data base"
WEIR=$WEIR_MAGIC
root=$tmp/root
mkdir "$root"
printf '%%PDF-1.4\n1 0 obj\n' >"$root/paper.txt"
printf '#!/bin/sh\necho\n' >"$root/script"
printf 'words and words\n' | gzip -n >"$root/zipped"
printf '\211PNG\r\n\032\n\000\000\000\rIHDR' >"$root/picture.jpg"
printf 'plain words\n' >"$root/words"
: >"$root/empty"
cp /bin/true "$root/program"
ln -s words "$root/link"
mkfifo "$root/fifo"
for more in "" "--hash sha256" "--hash md5 -j 3" "--hints"; do
	list -r --mime --mime-content $more "$root"
	check_equal "as file(1) tells them${more:+, with $more}" \
		"$(jq -r 'select(.type=="file" and .size_bytes > 0 and .mode != "0755") | .path + " " + .mime_by_content' "$tmp/list" | sort)" \
		"$(file --mime-type -F '' "$root/paper.txt" "$root/script" "$root/zipped" "$root/picture.jpg" "$root/words" | tr -s ' ' | sort)"
done
# Of these two file(1) also uses the inode's own facts.
check_match "a program" "$(field "$root/program" .mime_by_content)" 'application/x-(pie-executable|sharedlib|executable)'
check_match "an empty file" "$(field "$root/empty" .mime_by_content)" 'x-empty'
check_equal "and by name beside" "$(field "$root/picture.jpg" '[.mime_by_name, .mime_by_content]')" '["image/jpeg","image/png"]'
check_equal "nothing else is opened" "$(jq -c 'select(.mime_by_content and .type!="file")' "$tmp/list" | wc -l)" 0
check_equal "complete" "$list_code $(summary complete)" "0 true"
chmod 000 "$root/words"
cp "$WEIR" "$tmp/weir"
chmod 755 "$tmp"
setpriv --reuid 65534 --regid 65534 --clear-groups "$tmp/weir" list -r --mime-content "$root" >"$tmp/list" 2>/dev/null || true
check_equal "what may not be read has its reason" "$(field "$root/words" .missing.mime_by_content)" '"EACCES"'
tap_done
