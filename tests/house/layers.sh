#!/bin/sh
# The tree keeps its layers, and the script that says so notices each kind of breach.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3
script=$SOURCE_ROOT/tools/check-layers

# breach NAME FILE LINE...: a small tree with that file is refused, and the file is named.
breach() {
	name=$1 file=$2
	shift 2
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/src/base" "$tmp/tree/$(dirname "$file")"
	echo '#include "base/a.h"' >"$tmp/tree/src/base/b.c"
	: >"$tmp/tree/src/base/a.h"
	"$script" "$tmp/tree" >/dev/null || {
		not_ok "$name" "the tree without it is refused too"
		return
	}
	printf '%s\n' "$@" >"$tmp/tree/$file"
	said=$("$script" "$tmp/tree" 2>&1 || true)
	check_match "$name" "$said" "$file"
}

check "the tree keeps its rules" "$script" "$SOURCE_ROOT"
breach "an include of a higher layer" src/base/c.c '#include "store/store.h"'
breach "an include of no known folder" src/base/c.c '#include "misc/util.h"'
breach "a public header that uses a private one" include/weir/x.h '#include "store/store.h"'
breach "an include cycle" src/base/a.h '#include "base/a.h"'
breach "asking for the system" src/store/c.c '#ifdef __linux__'
breach "printing" src/store/c.c 'printf("x");'
breach "printing to stderr" src/store/c.c 'fputs("x", stderr);'
breach "ending the program" src/store/c.c 'exit(1);'
breach "allocating" src/store/c.c 'p = malloc(1);'
breach "a file too long" src/base/c.c "$(seq 1 901 | sed 's/.*/int a;/')"

printf '/* printf("x") */ const char *s = "exit(1)";\n_exit(1); a->exit(1);\n' >"$tmp/tree/src/base/c.c"
check "comments, texts and other names are no breach" "$script" "$tmp/tree"
check_fails "an empty tree proves nothing" "$script" "$tmp/nothing"
tap_done
