#!/bin/sh
# tools/setup installs what is missing and nothing else, and says so where it cannot.
. "$SOURCE_ROOT/tests/lib/tap.sh"

# A machine of our own: programs that answer for dpkg, apt-get, id and sudo.
mkdir "$tmp/bin"
for tool in sh env awk sed cat; do
	ln -s "$(command -v $tool)" "$tmp/bin/$tool"
done
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}
# dpkg-query: everything is installed but the names in $tmp/missing.
program dpkg-query 'for p; do :; done
while read -r m; do [ "$m" != "$p" ] || exit 1; done <"'"$tmp"'/missing"
printf installed'
program apt-get 'echo "apt-get $*" >>"'"$tmp"'/calls"
[ ! -e "'"$tmp"'/no-network" ] || exit 100
case "$*" in *install*) : >"'"$tmp"'/missing" ;; esac'

# setup UID GROUP...: its words are in $said, its code in $code, apt-get's calls in $calls.
setup() {
	program id "echo $1"
	shift
	: >"$tmp/calls"
	code=0
	said=$(PATH="$tmp/bin" "$tmp/bin/sh" "$SOURCE_ROOT/tools/setup" "$@" 2>&1) || code=$?
	calls=$(cat "$tmp/calls")
}

: >"$tmp/missing"
setup 1000 build test check sanitizers bench
check_equal "nothing missing: nothing is called, no root is needed" "$code$said$calls" 0
echo jq >"$tmp/missing"
setup 0 test
check_equal "something missing: installed by root" "$code" 0
check_match "the lists are fetched first" "$(printf '%s\n' "$calls" | head -n 1)" 'update'
check_match "only what is missing is installed" "$calls" 'install .*-y jq$'
check_match "it says what it does" "$said" 'setup: installing with apt-get: jq'
echo jq >"$tmp/missing"
setup 1000 test
check_equal "without root and sudo it fails" "$code" 3
check_match "and says how to do it" "$said" 'as root, run: apt-get install jq'
program sudo 'exec "$@"'
setup 1000 test
check_equal "sudo is used where there is one" "$code" 0
echo jq >"$tmp/missing"
: >"$tmp/no-network"
setup 0 test
check_equal "without a network it fails" "$code" 3
check_match "with a sentence" "$said" 'cannot fetch the package lists'
setup 0 nonsense
check_match "an unknown group is refused" "$code $said" "^3 setup: unknown group 'nonsense'"
tap_done
