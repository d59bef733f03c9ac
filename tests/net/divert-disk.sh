#!/bin/sh
# Inline: the store's disk is full, or stands still.  The traffic does not notice; the store says
# what it did not get.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool losetup mkfs.ext4 fsfreeze mount

# A file system of its own at $tmp/disk, of so many MiB.
disk_new() {
	truncate -s "$1M" "$tmp/image"
	mkfs.ext4 -q -F "$tmp/image"
	mkdir -p "$tmp/disk"
	mount -o loop "$tmp/image" "$tmp/disk" 2>"$tmp/mount.err" ||
		skip_all "cannot mount a loop device: $(cat "$tmp/mount.err")"
	chmod 777 "$tmp/disk"
}

disk_gone() {
	fsfreeze -u "$tmp/disk" 2>/dev/null || true
	umount "$tmp/disk" 2>/dev/null || umount -l "$tmp/disk"
}

record_on_disk() {
	recorder_name=$1
	ln -s "$tmp/disk/$1.store" "$tmp/$1.store"
	shift
	start_in rec "$recorder_name" "$WEIR" divert -o "$tmp/disk/$recorder_name.store" "$@"
	recorder=$pid
	wait_for 10 rules_of "$recorder"
	worker=$(cat "/proc/$recorder/task/$recorder/children")
	worker=${worker% }
}

stats_lost() {
	[ "$(manifest "$1" 'select(.type == "stats") | .losses | .[]?.packets' | sort -n | tail -n 1)" -gt 0 ]
}

# --- full
disk_new 24
at_exit disk_gone
counter_on outer
record_on_disk full --buffer 4MiB --rotate 4MiB
counter_on inner
flows_start
flows_run 60
wait_for 20 stats_lost full || true
flows_run 10
flows_stop
inner=$(counter_read inner)
recorder_stop
outer=$(counter_read outer)
flows_went_on "disk full: the traffic goes on"
check_equal "disk full: exit code 4, done with losses" "$recorder_exit" 4
check "disk full: what was not recorded is counted" \
	test "$(end_of full .losses.disk_full.packets)" -gt 0
check_match "disk full: and in the summary" "$(cat "$tmp/full.err")" "disk_full: [0-9]+"
accounted "disk full: recorded and lost are all that passed" full "$inner" "$outer"
check "disk full: the store is sound" "$WEIR" verify "$tmp/disk/full.store"
rm -rf "$tmp/disk/full.store"

# --- standing still; with room enough for a fast machine
disk_gone
disk_new 400
netns_run rec nft delete table inet inner
netns_run rec nft delete table inet outer
counter_on outer
record_on_disk still --buffer 2MiB
counter_on inner
flows_start
flows_run 10
fsfreeze -f "$tmp/disk"
flows_run 60
fsfreeze -u "$tmp/disk"
flows_run 10
flows_stop
inner=$(counter_read inner)
recorder_stop
outer=$(counter_read outer)
flows_went_on "disk stands still: the traffic goes on"
check_equal "disk stands still: exit code 4, done with losses" "$recorder_exit" 4
check "disk stands still: what was not recorded is counted" \
	test "$(end_of still .losses.queue_full.packets)" -gt 0
check_equal "disk stands still: and stated as gaps in the manifest" \
	"$(gaps_of still queue_full)" "$(end_of still .losses.queue_full.packets)"
accounted "disk stands still: recorded and lost are all that passed" still "$inner" "$outer"
check "disk stands still: the store is sound" "$WEIR" verify "$tmp/disk/still.store"

# --- Ctrl-C while it stands still
record_on_disk stop --buffer 2MiB
flows_start
flows_run 10
fsfreeze -f "$tmp/disk"
flows_run 10
kill -INT "$recorder"
wait_for 2 no_rules
check "Ctrl-C while the disk stands still: the rules go at once" no_rules
flows_run 10
fsfreeze -u "$tmp/disk"
recorder_wait
flows_stop
flows_went_on "Ctrl-C while the disk stands still: the traffic goes on"
check "Ctrl-C while the disk stands still: the store is sound" "$WEIR" verify "$tmp/disk/stop.store"

# --- twice, and nothing of the disk comes
record_on_disk twice --buffer 2MiB
flows_start
flows_run 10
fsfreeze -f "$tmp/disk"
flows_run 10
kill -INT "$recorder"
wait_for 2 no_rules
kill -INT "$recorder"
recorder_wait
check_equal "Ctrl-C twice while the disk stands still: it ends, exit code 3 or 4" \
	"$(echo "$recorder_exit" | tr 3 4)" 4
check "Ctrl-C twice while the disk stands still: the rules are gone" no_rules
flows_run 10
fsfreeze -u "$tmp/disk"
flows_stop
flows_went_on "Ctrl-C twice while the disk stands still: the traffic goes on"
wait_for 10 tap_has_ended "$worker"
check "Ctrl-C twice: the store can be opened" "$WEIR" show "$tmp/disk/twice.store"
check "Ctrl-C twice: and is sound then" "$WEIR" verify "$tmp/disk/twice.store"

tap_done
