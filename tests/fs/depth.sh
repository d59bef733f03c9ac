#!/bin/sh
# 3,000 levels deep: complete, and in a small memory.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq
root=$tmp/deep
at_exit "python3 -c 'import shutil, sys; sys.setrecursionlimit(20000); shutil.rmtree(sys.argv[1])' '$root'"
python3 - "$root" <<'P'
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for i in range(3000):
    os.mkdir("d1")
    if i % 10 == 0:
        open("side%d" % i, "w").close(); os.mkdir("e")
    os.chdir("d1")
P
list -r --max-bytes 1GiB "$root"
check_equal "every directory and file of 3,000 levels" "$(records) $(summary complete) $list_code" "3601 true 0"
check_equal "no path came twice" "$(jq -r 'select(.record=="file").path' "$tmp/list" | sort | uniq -d | wc -l)" 0
list -r --max-depth 5 "$root"
check_equal "--max-depth stops there" "$(records) $list_code" "8 0"
check_equal "and the summary says so" "$(summary complete) $(summary reason)" 'false "max_depth"'
# Fewer descriptors than levels.
(ulimit -n 64 && "$WEIR" list -r -j 2 "$root" >"$tmp/list")
check_equal "with 64 descriptors it is the same" "$(records) $(summary complete)" "3601 true"
peak=$(python3 - "$WEIR" "$root" <<'P'
import os, resource, subprocess, sys
subprocess.run([sys.argv[1], "list", "-r", "-j", "2", sys.argv[2]], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
P
)
check "peak memory is at most 16 MiB (is $peak)" test "$peak" -le 16
tap_done
