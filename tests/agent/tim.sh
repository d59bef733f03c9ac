#!/bin/sh
# The prototype's line protocol, to the letter: one line of base64 in, one without an end out, and the
# connection closes.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"
require_tool ping

cat >"$tmp/controller.py" <<'END'
"""As the prototype's controller: one connection, one request, one receive."""
import base64, json, socket, sys
request = {"plugin": sys.argv[1], "directive": sys.argv[2],
           "arguments": json.loads(sys.argv[3]) if len(sys.argv) > 3 else None}
with socket.create_connection(("127.0.0.1", 40960), timeout=30) as s:
    s.sendall(base64.b64encode(json.dumps(request).encode()) + b"\n")
    answer = s.recv(204800)
    assert b"\n" not in answer and s.recv(1) == b""
print(base64.b64decode(answer, validate=True).decode())
END
tim() {
	netns_run a python3 "$tmp/controller.py" "$@"
}

# raw BYTES: sends them as they are and prints the decoded answer.
raw() {
	printf "$1" | netns_run a timeout 20 socat -t 15 - TCP:127.0.0.1:40960 | base64 -d
}

mkdir -p "$tmp/e/sub/deeper"
printf 12345 >"$tmp/e/a.tar.gz"
chmod 640 "$tmp/e/a.tar.gz"
printf x >"$tmp/e/sub/b.py"
agent_start --tim 127.0.0.1:40960

check_equal "getcwd" "$(tim FileSystem getcwd)" '{"current_directory": "/"}'
check_equal "chdir" "$(tim FileSystem chdir "{\"path\":\"$tmp/e\"}")" "{\"current_directory\": \"$tmp/e\"}"
check_equal "chdir holds for its controllers" "$(tim FileSystem getcwd)" \
	"{\"current_directory\": \"$tmp/e\"}"
check_equal "and is not the process's" "$(readlink "/proc/$(pid_of filesystem)/cwd")" \
	"$data/plugins/filesystem"
check_equal "nor that of others" "$(result filesystem getcwd | jq -r .path)" /
tim FileSystem listdir >"$tmp/listing"
check_equal "listdir of where it is" "$(jq -c '[.path, .directories]' "$tmp/listing")" \
	"[\"$tmp/e\",[\"$tmp/e/sub\"]]"
check_equal "a record's members" "$(jq -c '.files[0] | keys' "$tmp/listing")" \
	"$(printf '%s' '["device_id","file_extension","file_name","file_parent","group_id","inode",' \
		'"link_count","owner_id","permissions","reported_mime_type","size_bytes",' \
		'"time_accessed_ns","time_born_ns","time_changed_ns","time_created",' \
		'"time_last_accessed","time_last_modified","time_modified_ns"]')"
python3 - "$tmp/e/a.tar.gz" "$tmp/listing" >"$tmp/compared" <<'END'
"""What Python itself says of the file, as the prototype did."""
import json, mimetypes, os, pathlib, sys
path = pathlib.Path(sys.argv[1])
st, record = path.stat(), json.load(open(sys.argv[2]))["files"][0]
want = {"file_name": path.name, "file_parent": str(path.parent), "file_extension": path.suffix,
        "reported_mime_type": list(mimetypes.guess_type(path.name)), "permissions": st.st_mode,
        "inode": st.st_ino, "device_id": st.st_dev, "link_count": st.st_nlink, "owner_id": st.st_uid,
        "group_id": st.st_gid, "size_bytes": st.st_size, "time_created": st.st_ctime,
        "time_last_modified": st.st_mtime, "time_changed_ns": st.st_ctime_ns,
        "time_modified_ns": st.st_mtime_ns}
print([k for k, v in want.items()
       if (abs(record[k] - v) > 1e-5 if isinstance(v, float) else record[k] != v)])
END
check_equal "are what Python says of the file" "$(cat "$tmp/compared")" '[]'
check_equal "a pattern selects" \
	"$(tim FileSystem listdir '{"path":"sub","pattern":"*.py"}' | jq -c '[.files[].file_name]')" \
	'["b.py"]'
check_equal "** descends" \
	"$(tim FileSystem listdir '{"pattern":"**"}' | jq -c '.directories | length')" 2
check_match "what is not there" "$(tim FileSystem listdir '{"path":"/none"}')" '^{"error": "'

# Recording.
check_equal "stop before start" "$(tim Divert stop)" '{"error": "Not started"}'
check_match "a bad filter" "$(tim Divert start '{"filter":"tcp.Nonsense"}')" '"Invalid filter: .*tcp.Nonsense'
check_equal "start" "$(tim Divert start '{"filter":"icmp"}')" '{"diverter_active": true}'
check_equal "twice" "$(tim Divert start)" '{"error": "Already started"}'
netns_run a ping -q -c 3 -i 0.05 127.0.0.1 >/dev/null
check_equal "stop" "$(tim Divert stop)" '{"diverter_active": false}'
check "one file a packet, named by its time" \
	[ "$(ls "$data"/stores/tim-*/ | grep -Ec '^[0-9]{19}(-[0-9]+)?\.pkt$')" -ge 6 ]
check "in a store that verifies" "$WEIR" verify "$data"/stores/tim-*
check_equal "a directory of the agent's own" "$(tim Divert start '{"storage_directory":"./mine"}')" \
	'{"diverter_active": true}'
check_equal "stop again" "$(tim Divert stop)" '{"diverter_active": false}'
check "lies among the stores" test -d "$data/stores/mine"
check_match "no other directory" "$(tim Divert start '{"storage_directory":"/tmp/elsewhere"}')" '"error"'
check_match "nor one above" "$(tim Divert start '{"storage_directory":"../elsewhere"}')" '"error"'

# Errors.
check_equal "an unknown plugin" "$(tim Nobody getcwd)" "{\"error\": \"Plugin 'Nobody' not found\"}"
check_equal "its spelling counts" "$(tim filesystem getcwd)" \
	"{\"error\": \"Plugin 'filesystem' not found\"}"
check_equal "an unknown directive" "$(tim Divert fly)" '{"error": "Unsupported directive: fly"}'
good=$(printf '{"plugin":"FileSystem","directive":"getcwd"}' | base64 -w 0)
check_equal "CR LF ends a request" "$(raw "$good\r\n")" "{\"current_directory\": \"$tmp/e\"}"
check_match "no base64" "$(raw '!!!!\n')" '"error": "the request is no base64"'
check_match "no JSON" "$(raw "$(printf 'x{' | base64)\n")" 'no JSON'
check_equal "a second request is not read" "$(raw "$good\n$good\n")" \
	"{\"current_directory\": \"$tmp/e\"}"
check_match "a request without end is refused" \
	"$(head -c 300000 /dev/zero | tr '\0' A | netns_run a timeout 20 socat -t 15 - \
		TCP:127.0.0.1:40960 2>/dev/null | base64 -d)" 'too long'
check_equal "the agent has not noticed" "$(tim FileSystem getcwd)" "{\"current_directory\": \"$tmp/e\"}"
check_match "all of it is in the audit log" "$(cat "$data"/agent/audit*)" '"tim"'

# Loopback only.
for address in 0.0.0.0:40961 192.0.2.1:40961 '[::]:40961' ':40961' localhost.example:1; do
	check_status "'$address' is refused" 2 timeout 20 nsenter --net="/run/netns/$(netns_name a)" \
		"$WEIR" agent run --data "$tmp/other" --socket none --tim "$address"
done
agent_stop
tap_done
