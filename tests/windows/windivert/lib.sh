#!/bin/sh
# For the tests of capture through WinDivert: weir.exe beside the stand-in's DLL (standin.h), in a
# folder of the test's own.  Sourced behind tap.sh.
require_tool jq python3
cd "$tmp"
mkdir bin
cp "$WEIR_EXE" bin/weir.exe
cp "$STANDIN" bin/WinDivert.dll
export STANDIN_IN=in.pcap STANDIN_OUT=out.pcap STANDIN_LOG=log

weir() {
	"$SOURCE_ROOT/tools/wine" bin/weir.exe "$@"
}

# As start(), with nothing told yet: what an earlier run told is not waited for.
begin() {
	rm -f log
	start "$@"
}

packets() {
	python3 "$SOURCE_ROOT/tests/windows/windivert/packets.py" "$@"
}

# told NAME: a number of the stand-in's; 0 before it has begun.
told() {
	jq -r ".$1" log 2>/dev/null | grep . || echo 0
}

# has_told NAME NUMBER: it is at least that.
has_told() {
	[ "$(told "$1")" -ge "$2" ]
}

# line STORE TYPE MEMBER: of the manifest's lines of a type, one a line.
line() {
	jq -r "select(.type == \"$2\") | .$3" "$1/manifest.jsonl"
}
