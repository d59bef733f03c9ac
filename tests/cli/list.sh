#!/bin/sh
# weir list's words: usage, patterns, filters, forms; needs no privilege.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool jq
export LC_ALL=C
root=$tmp/root
mkdir -p "$root/etc/deep" "$root/var"
echo a >"$root/etc/a.conf"
echo bb >"$root/etc/deep/B.CONF"
head -c 5000 /dev/zero >"$root/var/big.log"
ln -s big.log "$root/var/link"
touch -d '2001-01-01T00:00:00Z' "$root/etc/a.conf"

# paths ARGUMENT...: of the records, below the root, in one line; the exit code is in code.
paths() {
	code=0
	"$WEIR" list "$@" >"$tmp/list" 2>"$tmp/err" || code=$?
	jq -r 'select(.record=="file").path' "$tmp/list" | sed "s|^$root|.|" | sort | tr '\n' ' '
}
check_equal "without -r: the directory and what is in it" "$(paths "$root")" ". ./etc ./var "
check_equal "-r: all" "$(paths -r "$root")" ". ./etc ./etc/a.conf ./etc/deep ./etc/deep/B.CONF ./var ./var/big.log ./var/link "
check_equal "a file" "$(paths "$root/var/link")" "./var/link "
check_equal "slashes at the end" "$(paths "$root//")" ". ./etc ./var "
check_equal "several paths" "$(paths "$root/var" "$root/etc/a.conf")" "./etc/a.conf ./var ./var/big.log ./var/link "
check_equal "a pattern for names" "$(paths -r --pattern '*.conf' "$root")" "./etc/a.conf "
check_equal "-i" "$(paths -ri --pattern '*.conf' "$root")" "./etc/a.conf ./etc/deep/B.CONF "
check_equal "a pattern for paths goes as deep as it says" "$(paths --pattern 'etc/**/*.{conf,CONF}' "$root")" "./etc/a.conf ./etc/deep/B.CONF "
check_equal "a pattern for names without -r looks into one directory" "$(paths --pattern '*ar' "$root")" "./var "
check "and is done with that" "$WEIR" list --pattern '*ar' "$root"
check_equal "which is all that was asked for" "$(tail -n 1 "$tmp/list" | jq -c '[.complete, .depth_cut]')" "[true,0]"
check_status "nothing there matches" 1 "$WEIR" list --pattern '*.conf' "$root"
check_equal "--type" "$(paths -r --type l,d "$root")" ". ./etc ./etc/deep ./var ./var/link "
check_equal "--size" "$(paths -r -t f --size 1KiB.. "$root")" "./var/big.log "
check_equal "--modified" "$(paths -r --modified ..2002-01-01 "$root")" "./etc/a.conf "
check_equal "--owner" "$(paths --owner "$(id -u)" --type d "$root/var")" "./var "
check_equal "--max-depth" "$(paths -r --max-depth 1 "$root")" ". ./etc ./var "
check_status "no match is no" 1 "$WEIR" list -r --pattern 'nothing*' "$root"
for bad in "--format xml" "--hash md6" "--type q" "--size x" "--modified yesterday" "--pattern /abs" \
	"--owner no-such-user-here" "--cross maybe" "--absent 7" "--nonsense"; do
	# shellcheck disable=SC2086
	check_status "usage: $bad" 2 "$WEIR" list $bad "$root"
done
for bad in "-s 5..1" "--size 1MiB..1KiB" "--modified 2026-01-02..2026-01-01" "--born @5..@4"; do
	# shellcheck disable=SC2086
	check_status "a range the other way round: $bad" 2 "$WEIR" list $bad "$root"
	check_match "is told" "$tap_output" "the range ends before it begins"
done
check "a range of one is one" "$WEIR" list -s 5..5 "$root"
check_status "no path" 2 "$WEIR" list
check_status "a path that is not there" 3 "$WEIR" list "$root/nothing"
check "--help" "$WEIR" list --help
"$WEIR" list -r "$root" >"$tmp/list"
check_equal "first the header, last the summary" "$(head -n 1 "$tmp/list" | jq -r .record) $(tail -n 1 "$tmp/list" | jq -r .record)" \
	"header summary"
check_equal "metadata as stat has them" \
	"$(jq -r --arg p "$root/var/big.log" 'select(.path==$p and .record=="file") | [.inode, .size_bytes, .mode, .links, .uid, .gid, .permissions] | join(" ")' "$tmp/list")" \
	"$(stat -c '%i %s 0%a %h %u %g %A' "$root/var/big.log")"
"$WEIR" list "$root" -o "$tmp/new"
check_status "an output that exists is never overwritten" 3 "$WEIR" list "$root" -o "$tmp/new"
check "a link's slash goes through it" "$WEIR" list "$root/etc/"
tap_done
