# For scripts that use the genuine WinDivert.dll with our driver below it.
#
#	. "$SOURCE_ROOT/tests/windows/driver-lab.sh"
#	driver_lab
#
# From then on WINEPREFIX is a wine of the driver's own, in which C:\weir-driver ($lab) has
# WinDivert.dll and the driver as WinDivert64.sys: what the library installs and starts there concerns
# no other test.  One test at a time: they wait for each other.  Skips with the reason where the library
# cannot be had.

# Compiled here and not by the build: it is no program, and links with nothing of weir's.
driver_lab_build() {
	lab_cc="x86_64-w64-mingw32-gcc-win32 -O2 -Wall -Wextra -Werror -fno-stack-protector -shared"
	lab_ddk=
	for lab_dir in $($lab_cc -E -v -xc /dev/null 2>&1 | sed -n 's/^ //p'); do
		[ ! -f "$lab_dir/ddk/ntddk.h" ] || lab_ddk=$lab_dir/ddk
	done
	[ -n "$lab_ddk" ] || skip_all "mingw has no headers for drivers"
	$lab_cc -static -o "$tmp/weir-memory.dll" "$SOURCE_ROOT/tests/windows/driver-memory.c" \
		"-Wl,--out-implib,$tmp/libweir-memory.a"
	$lab_cc "-I$lab_ddk" -nostdlib -Wl,--subsystem,native -Wl,--entry,DriverEntry \
		-o "$tmp/WinDivert64.sys" "$SOURCE_ROOT/tests/windows/driver.c" "$tmp/libweir-memory.a" \
		-lntoskrnl -lhal
}

driver_lab() {
	require_tool x86_64-w64-mingw32-gcc-win32
	genuine=$("$SOURCE_ROOT/tools/windivert" 2>"$tmp/why") || skip_all "$(tail -n 1 "$tmp/why")"
	driver_lab_build
	WINEPREFIX=${WEIR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir}/wine-driver
	export WINEPREFIX
	exec 8>"$WINEPREFIX.test"
	flock -w 550 8 || skip_all "another test has the driver's wine"
	"$SOURCE_ROOT/tools/wine" 8>&-
	# A server that is up still has the driver of an earlier run.
	"$SOURCE_ROOT/tools/wine" --end 8>&-
	at_exit '"$SOURCE_ROOT/tools/wine" --end 8>&-'
	lab=$WINEPREFIX/drive_c/weir-driver
	rm -rf "$lab"
	mkdir "$lab"
	cp "$genuine/WinDivert.dll" "$tmp/WinDivert64.sys" "$lab/"
	# Where the driver's host looks for libraries.
	cp "$tmp/weir-memory.dll" "$WINEPREFIX/drive_c/windows/system32/"
}
