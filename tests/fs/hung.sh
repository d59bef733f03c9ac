#!/bin/sh
# A FUSE file system that does not answer: skipped without being touched, or, where it was asked for,
# given up after a time, and the rest complete.
. "$SOURCE_ROOT/tests/lib/fs.sh"
require_tool python3 jq mkntfs ntfs-3g timeout
[ -e /dev/fuse ] || skip_all "there is no /dev/fuse"
truncate -s 64M "$tmp/img"
mkntfs -q -F "$tmp/img" >/dev/null 2>&1 || skip_all "cannot make an NTFS image"
root=$tmp/root
mkdir -p "$root/hung" "$root/a/b"
echo x >"$root/a/b/file"
# In the foreground, so that its process is known.
start fuse ntfs-3g -o no_detach "$tmp/img" "$root/hung"
daemon=$pid
is_mounted() {
	grep -q " $root/hung .* - fuse" /proc/self/mountinfo
}
wait_for 10 is_mounted || skip_all "cannot mount NTFS"
mkdir -p "$root/hung/dir/below"
echo 3 >"$root/hung/dir/below/f"
at_exit "kill -CONT $daemon 2>/dev/null; umount -l '$root/hung' 2>/dev/null"
umount -l "$root/hung" && wait_exit 10 "$daemon" || true
start fuse2 ntfs-3g -o no_detach,attr_timeout=0,entry_timeout=0 "$tmp/img" "$root/hung"
daemon=$pid
wait_for 10 is_mounted || skip_all "cannot mount NTFS again"
at_exit "kill -CONT $daemon 2>/dev/null"
kill -STOP "$daemon"

started=$(date +%s)
code=0
timeout -s KILL 60 "$WEIR" list -r "$root" >"$tmp/list" || code=$?
check_equal "skipped: nothing of it is touched, the rest is complete" \
	"$code $(summary complete) $(records) $(summary skipped_mounts)" "0 true 5 1"
check "at once" test $(($(date +%s) - started)) -lt 10
check_equal "and named" "$(head -n 1 "$tmp/list" | jq -r '.skipped_mounts[0] | [.path, .reason] | join(" ")')" "$root/hung fuse"

# Asked for: the program has to give up.  Its process may have to wait for the file system to end, so
# it is the listing, not the process, that is waited for.
start asked "$WEIR" list -r --cross all --stall 1s "$root" -o "$tmp/asked.jsonl"
asked=$pid
has_summary() {
	[ -s "$tmp/asked.jsonl" ] && tail -n 1 "$tmp/asked.jsonl" | grep -q '"record":"summary"'
}
if wait_for 30 has_summary; then
	check_equal "asked for: given up, said so, the rest is there" \
		"$(tail -n 1 "$tmp/asked.jsonl" | jq -c '[.complete, .reason]') $(grep -c "\"path\":\"$root/a/b/file\"" "$tmp/asked.jsonl")" \
		'[false,"stalled"] 1'
else
	not_ok "asked for: given up, said so, the rest is there" "no summary after 30 s" "$(cat "$tmp/asked.err")"
fi
check "the stopped program goes on and the listing ends" sh -c "kill -CONT $daemon"
wait_exit 20 "$asked" || true
check_equal "done, with losses" "${exit_code:-hangs}" 4

# Stopped in mid-walk: what the thread had written by then is there, and what the summary counts.
python3 -c '
import os, sys
os.mkdir(sys.argv[1])
for i in range(2000):
    open(f"{sys.argv[1]}/file-{i}", "w").close()' "$root/hung/many"
# reader ACTION COMMAND...: reads the header, waits until the listing fills the pipe, so that its thread
# waits for it, stops the program or waits two seconds, and reads on.
cat >"$tmp/reader" <<'P'
import array, fcntl, os, signal, subprocess, sys, termios, time
action, daemon, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
p = subprocess.Popen(command, stdout=subprocess.PIPE)
lines = [p.stdout.raw.readline()]
size = array.array("i", [-1])
last = -2
while size[0] < 1 << 15 or size[0] != last:
    last = size[0]
    time.sleep(0.1)
    fcntl.ioctl(p.stdout.fileno(), termios.FIONREAD, size)
if action == "stop":
    os.kill(daemon, signal.SIGSTOP)
else:
    time.sleep(2)
for line in p.stdout:
    lines.append(line)
    if line.startswith(b'{"record":"summary"'):
        os.kill(daemon, signal.SIGCONT)
sys.stdout.buffer.writelines(lines)
sys.exit(p.wait())
P
code=0
timeout -s KILL 60 python3 "$tmp/reader" stop "$daemon" "$WEIR" list -r -j 1 --stall 1s "$root/hung/many" >"$tmp/list" || code=$?
kill -CONT "$daemon"
check_equal "stopped in mid-walk: not complete" "$code $(summary complete) $(summary reason) $(summary stalled)" \
	'4 false "stalled" 1'
check_equal "as many records as it counts" "$(records)" "$(summary written)"
check_equal "and where it hangs" "$(jq -c 'select(.record=="error") | [.path, .error]' "$tmp/list")" \
	"[\"$root/hung/many\",\"ETIMEDOUT\"]"
code=0
timeout -s KILL 60 python3 "$tmp/reader" wait "$daemon" "$WEIR" list -r -j 1 --stall 1s "$root/hung/many" >"$tmp/list" || code=$?
check_equal "a reader that is slow is no file system that hangs" "$code $(summary complete) $(records)" "0 true 2001"

# More directories hang than there may ever be threads: the rest is given up, and the listing ends.  All are named, so
# that none of them depends on how far another one was read.
python3 -c '
import os, sys
for d in range(200):
    os.makedirs(f"{sys.argv[1]}/{d}")
    for i in range(60):
        open(f"{sys.argv[1]}/{d}/file-{i}", "w").close()' "$root/hung/wide"
code=0
timeout -s KILL 60 python3 "$tmp/reader" stop "$daemon" "$WEIR" list -r -j 16 --stall 500ms "$root/hung/wide"/* >"$tmp/list" || code=$?
kill -CONT "$daemon"
check_equal "all threads hang: it ends, and is not complete" "$code $(summary complete) $(summary reason) $(summary stalled)" \
	'4 false "stalled" 64'
tap_done
