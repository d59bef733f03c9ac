#!/bin/sh
# weir.exe asks Windows for nothing that Windows 10 1809 lacks: wine would not notice.  imports.txt is
# the list of what it may ask for, `DLL function` a line; what is newer is looked up at run time.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool x86_64-w64-mingw32-objdump
cd "$tmp"

x86_64-w64-mingw32-objdump -p "$WEIR_EXE" | awk '
	/DLL Name:/ { dll = $3 }
	/^\t[0-9a-f]+\t +[0-9]+ +[A-Za-z_?]/ { print dll, $3 }' | LC_ALL=C sort -u >got
check "it imports something" test -s got
# With USER32 a program of the console is not told of log-off and shut-down (SetConsoleCtrlHandler).
check_equal "no DLL but those that every Windows has" "$(cut -d' ' -f1 got | sort -u | tr '\n' ' ')" \
	"ADVAPI32.dll IPHLPAPI.DLL KERNEL32.dll WS2_32.dll msvcrt.dll "
LC_ALL=C sort -u "$SOURCE_ROOT/tests/windows/imports.txt" >may
check_equal "no function that is not on the list" "$(comm -23 got may)" ""
check_equal "the program is 64 bits, for the console, and may lie anywhere" \
	"$(x86_64-w64-mingw32-objdump -p "$WEIR_EXE" | grep -cE 'DYNAMIC_BASE|HIGH_ENTROPY_VA|NX_COMPAT|Windows CUI')" 4

# What Windows reads of the program before it starts it.
has() { # TEXT [ENCODING]: ~ is a NUL
	python3 -c 'import sys
sys.exit(sys.argv[2].replace("~", "\0").encode(sys.argv[3]) not in open(sys.argv[1], "rb").read())' "$WEIR_EXE" "$1" "${2:-ascii}"
}
require_tool python3
check "it takes the rights of who starts it" has 'level="asInvoker"'
check "it is written for Windows 10" has '{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}'
check "and for long paths" has '>true</longPathAware>'
version=$("$WEIR" --version | sed -n '1s/weir \([^ ]*\).*/\1/p' | tr -d '\r')
check "its version is among its properties" has "ProductVersion~$version~" utf-16-le
tap_done
