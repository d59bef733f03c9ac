#!/bin/sh
# tools/dist packs what a release must have, the same bytes each time; with the program of this build in the
# place of a new one.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool mandoc readelf strip python3

cd "$SOURCE_ROOT"
! readelf -lW "$WEIR" | grep -q INTERP || skip_all "this build is not static"
printf 'MZ: in the place of weir.exe\n' >"$tmp/weir.exe"
pack() {
	tools/dist "$@" --program "$WEIR" --windows-program "$tmp/weir.exe"
}
check "it packs" pack --without-windivert "$tmp/one"
(cd "$tmp/one" && sha256sum -c --quiet SHA256SUMS) && sums=right || sums=wrong
check_equal "SHA256SUMS is that of both" "$sums $(wc -l <"$tmp/one/SHA256SUMS")" "right 2"

mkdir "$tmp/linux" "$tmp/windows"
tar -C "$tmp/linux" -xzf "$tmp"/one/weir-*-linux-x86_64.tar.gz
python3 -m zipfile -e "$tmp"/one/weir-*-windows-x86_64.zip "$tmp/windows"
linux=$(echo "$tmp"/linux/*)
windows=$(echo "$tmp"/windows/*)
version=$("$WEIR" --version | sed -n '1s/weir //p')
check_equal "folders have the version's name" "$(basename "$linux") $(basename "$windows")" \
	"weir-$version-linux-x86_64 weir-$version-windows-x86_64"
inside() {
	(cd "$1" && sha256sum -c --quiet SHA256SUMS && [ "$(find . -type f | wc -l)" = $(($(wc -l <SHA256SUMS) + 1)) ])
}
check "the tarball states all its files" inside "$linux"
check "and the zip" inside "$windows"
check_equal "the program runs" "$("$linux/weir" --version | head -n 1)" "weir $version"
check_equal "it asks for no library and no loader" \
	"$(readelf -ldW "$linux/weir" | grep -cE 'INTERP|NEEDED')" 0
# The least kernel that its C library runs on, and so weir.
check_equal "nor for a kernel newer than Debian 11's" \
	"$(readelf -nW "$linux/weir" | sed -n 's/.*OS: Linux, ABI: //p' | sort -V | tail -n 1 | cut -d. -f1-2 |
		awk '{ split($1, v, "."); print v[1] < 5 || (v[1] == 5 && v[2] <= 10) ? "no" : $1 }')" no
DESTDIR=$tmp/root sh "$linux/packaging/install" >"$tmp/said" 2>&1 || :
check "it installs from the tarball" cmp "$linux/weir" "$tmp/root/usr/local/bin/weir"

for name in weir.exe acceptance.ps1 sample.pcap README.md LICENSE WinDivert.txt docs/windows-acceptance.md; do
	check "the zip has $name" test -s "$windows/$name"
done
for tree in "$linux" "$windows"; do
	check_equal "the manual is there as text, each page" "$(find "$tree/manual" -name '*.txt' -size +0 | wc -l)" \
		"$(find man -name '*.[0-9]' | wc -l)"
	check_equal "without what a printer would strike twice" "$(grep -c "$(printf '\b')" -r "$tree/manual" |
		grep -vc ':0$')" 0
	check "notices of what is linked in go with it" test -s "$tree/licences/libssl-dev.txt"
done

check "packed again" pack --without-windivert "$tmp/two"
check "it is the same bytes" diff "$tmp/one/SHA256SUMS" "$tmp/two/SHA256SUMS"
check_status "what is no file cannot be packed" 3 tools/dist --program "$tmp/nowhere" "$tmp/three"

if ! tools/windivert >"$tmp/folder" 2>"$tmp/why"; then
	skip "the zip with WinDivert" "$(tail -n 1 "$tmp/why")"
	tap_done
fi
check "it packs WinDivert" pack "$tmp/full"
python3 -m zipfile -e "$tmp"/full/weir-*-windows-x86_64.zip "$tmp/windivert"
windows=$(echo "$tmp"/windivert/*)
check_equal "the library and the driver are those that their author released" \
	"$(cd "$windows" && sha256sum WinDivert.dll WinDivert64.sys)" \
	"c1e060ee19444a259b2162f8af0f3fe8c4428a1c6f694dce20de194ac8d7d9a2  WinDivert.dll
8da085332782708d8767bcace5327a6ec7283c17cfb85e40b03cd2323a90ddc2  WinDivert64.sys"
for text in LGPL-3 GPL-3 GPL-2; do
	check "with the text of $text" grep -q "GENERAL PUBLIC LICENSE" "$windows/WinDivert-licence/$text.txt"
done
check "and where the source is" grep -q 'https://github.com/basil00/WinDivert' "$windows/WinDivert-licence/README.txt"
tap_done
