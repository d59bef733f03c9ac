# For the tests of whose packets and events they are: weir.exe beside the stand-in of standin.c, and
# another real process (peer.c).  Sourced behind tap.sh.
require_tool jq python3
cd "$tmp"
mkdir bin
cp "$WEIR_EXE" bin/weir.exe
cp "$WHO_STANDIN" bin/WinDivert.dll
cp "$WHO_PEER" bin/peer.exe
export STANDIN_SCRIPT=script STANDIN_FILTERS=filters

weir() {
	"$SOURCE_ROOT/tools/wine" bin/weir.exe "$@"
}

script() {
	python3 "$SOURCE_ROOT/tests/windows/who/script.py" "$@"
}

# Starts the other process: its id in $peer_id and for the stand-in, its ports in $here and $there.
peer_start() {
	mkfifo hold
	"$SOURCE_ROOT/tools/wine" bin/peer.exe <hold >peer.out 2>peer.err &
	peer_job=$!
	exec 9>hold
	peer_has_told() { grep -q '[0-9]' peer.out; }
	wait_for 60 peer_has_told || not_ok "the other process starts" "$(cat peer.err)"
	# shellcheck disable=SC2034
	read -r peer_id here there <<-END
		$(tr -d '\r' <peer.out)
	END
	export STANDIN_PEER="$peer_id"
}

peer_stop() {
	exec 9>&-
	wait "$peer_job" || :
}

sum_of() {
	sha256sum <"$1" | cut -d ' ' -f 1
}
