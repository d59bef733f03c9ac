#!/bin/sh
# 200,000 entries in one directory: complete, streamed, shared by the threads.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mke2fs
volume v 400 -N 220000
python3 - "$tmp/v" <<'P'
import os, sys
os.mkdir(sys.argv[1] + "/wide"); os.chdir(sys.argv[1] + "/wide")
for i in range(200000):
    if i % 20:
        os.mknod("file%06d" % i)
    else:
        os.mkdir("dir%06d" % i)
P
for threads in 1 3; do
	list -r -j $threads "$tmp/v/wide"
	check_equal "$threads threads: all are there" "$(records) $(summary complete)" "200001 true"
	check_equal "$threads threads: none twice" "$(grep -o '^{"record":"file","path":"[^"]*"' "$tmp/list" | sort | uniq -d | wc -l)" 0
done
peak=$(python3 - "$WEIR" "$tmp/v/wide" <<'P'
import resource, subprocess, sys
subprocess.run([sys.argv[1], "list", "-r", "-j", "2", sys.argv[2]], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
P
)
check "peak memory is at most 16 MiB (is $peak)" test "$peak" -le 16
tap_done
