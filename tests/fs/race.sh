#!/bin/sh
# A tree that changes while it is listed: entries vanish, directories are exchanged for links to the
# outside.  The listing ends, says what went, and never leaves the tree.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq
root=$tmp/root
mkdir -p "$root" "$tmp/outside"
echo secret >"$tmp/outside/treasure"

cat >"$tmp/churn.py" <<'P'
import os, sys
os.chdir(sys.argv[1])
os.makedirs("churn", exist_ok=True)
ready, i = False, 0
while True:
    for j in range(1500):
        open("churn/%d" % j, "w").close()
    if not ready:
        open("../ready-churn", "w").close(); ready = True
    for j in range(1500):
        os.unlink("churn/%d" % j)
P
cat >"$tmp/swap.py" <<'P'
import os, sys
os.chdir(sys.argv[1])
for i in range(50):
    os.makedirs("swap%d/inner" % i, exist_ok=True)
open("../ready-swap", "w").close()
while True:
    for i in range(50):
        os.rename("swap%d" % i, "was%d" % i)
        os.symlink("../outside", "swap%d" % i)
        os.unlink("swap%d" % i)
        os.rename("was%d" % i, "swap%d" % i)
P
start churn python3 "$tmp/churn.py" "$root"
start swap python3 "$tmp/swap.py" "$root"
wait_for 20 test -e "$tmp/ready-churn" -a -e "$tmp/ready-swap" || skip_all "no churn"

vanished=0 bad=0 outside=0 unfinished=0 turn=0
while [ $turn -lt 40 ]; do
	turn=$((turn + 1))
	list -r -j 2 --hash sha256 "$root"
	[ "$(tail -n 1 "$tmp/list" | jq -r .record)" = summary ] || unfinished=$((unfinished + 1))
	jq -e . "$tmp/list" >/dev/null || bad=$((bad + 1))
	outside=$((outside + $(grep -c treasure "$tmp/list" || true)))
	vanished=$((vanished + $(summary vanished)))
done
check_equal "each of 40 listings has its summary" "$unfinished" 0
check_equal "every line is JSON" "$bad" 0
check_equal "nothing outside was listed through a link" "$outside" 0
check "entries did vanish under it ($vanished), and are counted" test "$vanished" -gt 0
check_match "a vanished entry has a record with the reason" \
	"$(cat "$tmp/list"; list -r "$root"; cat "$tmp/list"; list -r "$root"; cat "$tmp/list")" \
	'"error":"ENOENT"|"record":"summary"'

# Loops of links are only named.
mkdir "$tmp/loops"
ln -s . "$tmp/loops/self"
ln -s ../loops "$tmp/loops/parent"
ln -s b "$tmp/loops/a"
ln -s a "$tmp/loops/b"
list -r "$tmp/loops"
check_equal "loops of links are not followed" "$(records) $(summary complete)" "5 true"
tap_done
