#!/bin/sh
# Inline: whole segments of TCP, which go straight to the place of their records: each byte of a
# stream is in the store, as it was sent, in both directions, with small packets in between.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/divert-lab.sh"
lab_up
require_tool socat

cat >"$tmp/streams.py" <<'PYTHON'
"""streams.py SEGMENT FILE: whether the two directions of the recorded stream to port 7400 are the
file; how many of its packets are whole segments."""
import struct
import sys

import packets

streams, large = {}, 0
for _, _, _, _, data in packets.read(sys.argv[1]):
    if data[0] >> 4 != 4 or data[9] != 6:
        continue
    tcp = data[(data[0] & 15) * 4:struct.unpack_from(">H", data, 2)[0] or len(data)]
    source, target, sequence = struct.unpack_from(">HHI", tcp)
    if 7400 not in (source, target):
        continue
    body = tcp[(tcp[12] >> 4) * 4:]
    stream = streams.setdefault(source == 7400, {"first": sequence + 1, "bytes": {}})
    large += len(body) > 8192
    if body:
        at = (sequence - stream["first"]) % 2**32
        stream["bytes"][at] = max(body, stream["bytes"].get(at, b""), key=len)
want = open(sys.argv[2], "rb").read()
for is_back, stream in streams.items():
    whole, gaps = bytearray(), 0
    for at, body in sorted(stream["bytes"].items()):
        gaps += at > len(whole)
        whole[at:at + len(body)] = body
    print("back" if is_back else "forth", len(whole), gaps, "same" if whole == want else "different")
print("large", large > 100)
PYTHON

head -c 40000000 /dev/urandom >"$tmp/stream"
start_in rec echo socat -b 65536 TCP-LISTEN:7400,bind=10.66.0.1,reuseaddr EXEC:cat
wait_for 10 netns_run rec sh -c 'ss -Hltn | grep -q :7400'
recorder_start large --rotate 1GiB --buffer 256MiB
check "the stream goes and comes back" netns_run far sh -c \
	"socat -b 65536 -t 10 - TCP:10.66.0.1:7400 <'$tmp/stream' >'$tmp/back'"
check "as it was" cmp "$tmp/stream" "$tmp/back"
recorder_stop
check_equal "nothing passed unrecorded: exit code 0" "$recorder_exit" 0
check_equal "each byte is in the store, both ways" \
	"$(PYTHONPATH=$SOURCE_ROOT/tests/lib python3 "$tmp/streams.py" \
		"$tmp/large.store/0000000001.pcapng" "$tmp/stream" | sort)" \
	"back 40000000 0 same
forth 40000000 0 same
large True"
check "the store verifies" "$WEIR" verify "$tmp/large.store"

tap_done
