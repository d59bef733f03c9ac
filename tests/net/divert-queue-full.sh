#!/bin/sh
# Inline: the kernel's queue, or the buffer of its socket, is full.  Packets pass, and every one is counted.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up

counter_on outer
# The worker may look away for long: the queue is what is full, not the heartbeat stale.
recorder_start full --queue-length 2 --stall 2s
counter_on inner
flows_start
flows_run 10
# For a moment nobody answers: the queue of two is full at once.
processes_stop "$worker"
flows_run 10
processes_go_on
flows_run 10
flows_stop
inner=$(counter_read inner)
recorder_stop
outer=$(counter_read outer)

flows_went_on "queue full: the traffic goes on" 500 "$stalled_ms"
check_equal "queue full: exit code 4, done with losses" "$recorder_exit" 4
lost=$(end_of full .losses.fail_open.packets)
check "queue full: what passed is counted ($lost)" test "$lost" -ge 20
check_equal "queue full: and stated as gaps in the manifest" "$(gaps_of full fail_open)" "$lost"
check_match "queue full: and in the summary" "$(cat "$tmp/full.err")" "fail_open: $lost"
accounted "queue full: recorded and lost are all that passed" full "$inner" "$outer"

# --- a burst that ends in a full socket buffer: no packet comes behind it that would show it
cat >"$tmp/burst.py" <<'PYTHON'
"""burst.py COUNT: datagrams of 60,000 bytes to a socket that nobody reads."""
import socket
import sys

sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 7999))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 32, 1 << 29)  # SO_SNDBUFFORCE: what is held counts as not yet sent
for _ in range(int(sys.argv[1])):
    s.sendto(bytes(60000), ("127.0.0.1", 7999))
PYTHON
recorder_start burst --stall 60s --no-attribution "udp and udp.DstPort == 7999"
kill -STOP "$worker"
check "buffer full: the burst is sent" netns_run rec python3 "$tmp/burst.py" 1300
kill -CONT "$worker"
has_gap() { [ "$(gaps_of burst fail_open)" -gt 0 ]; }
check "buffer full: what passed is told while nothing comes" wait_for 20 has_gap
recorder_stop
lost=$(end_of burst .lost)
check "buffer full: what passed is counted ($lost)" test "$lost" -ge 50
check_equal "buffer full: recorded and lost are all that were sent" "$(end_of burst '.packets + .lost')" 1300
check_equal "buffer full: exit code 4, done with losses" "$recorder_exit" 4

tap_done
