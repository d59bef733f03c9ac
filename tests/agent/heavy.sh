#!/bin/sh
# Large messages for controllers that do not read: what waits for them is bounded as memory, not only as a number of
# messages.  Beyond that the plugin waits, which is no fault of it, and all arrives once they read.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

plugin probe "$SOURCE_ROOT/tests/lib/probe-plugin.py" ',"heartbeat_ms":500,"hang_ms":5000,"memory_bytes":0'
agent_start --plugin "$tmp/probe.json"
is_up() {
	[ "$(status probe | jq -r .state)" = running ]
}
check "the plugin runs" wait_for 15 is_up

# Asks N times, and reads nothing; told to by a FIFO it hangs up all but four, and reads those to their end.
cat >"$tmp/readers" <<'P'
import http.client, json, socket, sys, threading


class Local(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


readers = []
for _ in range(int(sys.argv[2])):
    reader = Local("agent")
    reader.request("POST", "/v1/call/probe/count", b'{"n":2000,"size":9000}')
    readers.append(reader)
open(sys.argv[3]).readline()
for reader in readers[4:]:
    reader.close()


def read(reader):
    lines = [json.loads(line) for line in reader.getresponse().read().splitlines()]
    is_whole = [line["item"]["i"] for line in lines[:-1]] == list(range(2000))
    sys.stdout.write(f"{is_whole} {lines[-1]}\n")


for reader in readers[:4]:
    threading.Thread(target=read, args=(reader,)).start()
P
rss() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}
waiting() {
	status probe | jq .waiting_bytes
}
is_held() {
	[ "$(status probe | jq .is_held)" = true ]
}
before=$(rss "$agent")
mkfifo "$tmp/keys"
start readers python3 "$tmp/readers" "$tmp/agent.sock" 16 "$tmp/keys"
readers=$pid
check "a plugin that has said too much is held" wait_for 30 is_held
# For longer than a plugin may be silent.
is_silent() {
	[ $(($(date +%s%3N) - silent)) -gt 7000 ]
}
silent=$(date +%s%3N)
wait_for 20 is_silent || :
check "and stays so" is_held
grown=$(($(rss "$agent") - before))
echo "# $(waiting) bytes wait, the agent has grown by $grown KiB"
check "what waits is within the bound of all calls" [ "$(waiting)" -le $((130 * 1024 * 1024)) ]
check "the agent has grown by that, and what is being sent" [ "$grown" -le $((200 * 1024)) ]
check_equal "which is no fault" "$(status probe | jq -c '[.state, .faults, .restarts]')" '["running",0,0]'
echo >"$tmp/keys"
check_exit "who reads on" 60 "$readers" 0
check_equal "gets all, in order" "$(sort "$tmp/readers.out" | uniq -c | tr -s ' ')" " 4 True {'result': {'counted': 2000}}"
check_equal "then nothing waits" "$(status probe | jq -c '[.waiting_bytes, .is_held, .calls]')" '[0,false,0]'
check_equal "and it is still there" "$(result probe echo '{"text":"x"}' | jq -r .arguments.text)" x
check_equal "in its first life" "$(status probe | jq -c '[.faults, .restarts]')" '[0,0]'
agent_stop
tap_done
