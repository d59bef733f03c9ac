#!/bin/sh
# A directory of 1,000,000 entries is answered whole, and costs neither the agent nor the plugin memory;
# a reader that is slow is waited for, one that goes away ends the walk.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

entries=${ENTRIES:-1000000}
mkdir "$tmp/mount"
mount -t tmpfs -o size=1g,nr_inodes=1100000 none "$tmp/mount" 2>/dev/null || skip_all "cannot mount a tmpfs"
at_exit "umount -l $tmp/mount"
mkdir "$tmp/mount/wide"
python3 - "$tmp/mount/wide" "$entries" <<'END'
import os, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
os.mknod("0", dir_fd=folder)
for n in range(1, int(sys.argv[2])):  # links: an entry each, without an inode each
    os.link("0", str(n), src_dir_fd=folder, dst_dir_fd=folder)
END
agent_start

# memory PID: the most it ever had, KiB.
memory() {
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

path="{\"path\":\"$tmp/mount/wide\"}"
result filesystem listdir "{\"path\":\"$tmp\"}" >/dev/null
plugin=$(pid_of filesystem)
agent_before=$(memory "$agent") plugin_before=$(memory "$plugin")
seconds=240 call filesystem listdir "$path" >"$tmp/answer"
check_equal "every entry is there" "$(grep -c '"record":"file"' "$tmp/answer")" $((entries + 1))
check_match "and the summary" "$(tail -n 1 "$tmp/answer")" '"complete":true'
check_equal "each once" "$(grep -o '"path":"[^"]*"' "$tmp/answer" | sort -u | wc -l)" $((entries + 1))
rm "$tmp/answer"
agent_after=$(memory "$agent") plugin_after=$(memory "$plugin")
echo "# agent $agent_before to $agent_after KiB, plugin $plugin_before to $plugin_after KiB"
check "the agent's memory does not grow with it" [ $((agent_after - agent_before)) -lt 16384 ]
check "nor the plugin's" [ $((plugin_after - plugin_before)) -lt 16384 ]

# A reader that takes 20 kB a second for a while holds up the walk, not memory.
start slow curl -sS -m 60 --limit-rate 20k --unix-socket "$tmp/agent.sock" -X POST -d "$path" \
	http://agent/v1/call/filesystem/listdir
slow=$pid
walks() {
	[ "$(pgrep -c -f "weir list --json -- $tmp/mount/wide")" = "$1" ]
}
wait_for 10 walks 1 || :
walk=$(pgrep -f "weir list --json -- $tmp/mount/wide" | head -n 1)
# is_held: its output has not moved for a second.
is_held() {
	held=$(sed -n 's/^wchar: //p' "/proc/$walk/io")
	sleep 1
	[ "$held" = "$(sed -n 's/^wchar: //p' "/proc/$walk/io")" ]
}
check "a slow reader holds up the walk" wait_for 20 is_held
check "and not memory" [ "$(memory "$plugin")" -lt $((plugin_after + 16384)) ]
check_equal "others are answered meanwhile" "$(result filesystem getcwd)" '{"path":"/"}'
kill "$slow"
check "a reader that goes ends the walk" wait_for 15 walks 0
check_equal "the plugin is the same" "$(pid_of filesystem)" "$plugin"
agent_stop
tap_done
