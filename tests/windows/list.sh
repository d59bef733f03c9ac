#!/bin/sh
# weir list on Windows' calls.  What wine has is checked: names, sizes, attributes, three times, ids,
# long paths, kinds; what it invents (time of birth, streams, owners) is not.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq
cd "$tmp"

mkdir -p d/sub
printf 'hello' >d/a.txt
printf 'x' >"d/sub/naïve 名.txt"
touch -d '2001-02-03T04:05:06.789012300Z' d/a.txt
ln -s sub d/link
long=d/sub
for i in 1 2 3 4; do
	long=$long/$(printf "%0100d" "$i")
done
mkdir -p "$long"
echo deep >"$long/deep"

code=0
"$WEIR" list d -r --hash sha256 --xattr >out 2>err || code=$?
check_equal "a listing ends well" "$code" 0
get() { jq -r "select(.type != null and .path != null and (.path | endswith(\"$1\"))) | $2" out | head -n 1; }
check_equal "a size" "$(get a.txt .size_bytes)" 5
check_equal "a file is one" "$(get a.txt .type)" file
check_equal "a folder is one" "$(get sub .type)" directory
check_equal "the id is the file's" "$(get a.txt .inode)" "$(stat -c %i d/a.txt)"
check_match "modified, to 100 ns" "$(get a.txt '.modified')" '^2001-02-03T04:05:06\.7890123'
check_match "letters beyond ASCII" "$(jq -r '.path // empty' out)" 'naïve 名.txt'
check_match "a path of more than 260 characters" "$(jq -r '.path // empty' out)" '/deep$'
check_equal "a hash" "$(grep -c "$(printf hello | sha256sum | cut -d' ' -f1)" out)" 1
skip "a link is named and not entered" "wine goes through the links of its host"
check_match "rights as SDDL" "$(get a.txt '.xattrs[] | select(.name == "system.ntfs_sddl") | .value_b64 | @base64d')" \
	'O:S-1-5-'
check_equal "the header says by which rights" "$(jq -r 'select(.record == "header").privileges' out)" \
	administrator,SeBackupPrivilege
check_status "what is not there" 3 "$WEIR" list nowhere
"$WEIR" list 'd\a.txt' >one 2>/dev/null
check_match "a path with backslashes" "$(jq -r 'select(.record == "file").path' one)" '^d/a\.txt$'
check_equal "the summary has the program's hash" "$(jq -r 'select(.record == "summary").executable_sha256' out)" \
	"$(sha256sum <"$WEIR_EXE" | cut -d' ' -f1)"
tap_done
