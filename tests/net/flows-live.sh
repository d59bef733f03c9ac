#!/bin/sh
# From the wire to the answer: who talked to whom under which name, recorded live, told by show, flows
# and export, against what the programs themselves say.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/sniff.sh"
require_netns
require_tool python3 jq
export PYTHONDONTWRITEBYTECODE=1
netns_new a
netns_run a ip link set lo up
cd "$tmp"
chmod 711 "$tmp"

sniff_start live a -i lo -o store --quiet
recorder=$pid
netns_run a python3 "$SOURCE_ROOT/tests/lib/sockets.py" 127.0.0.1 ::1 >truth
# A look-up over IPv4, then a connection to what it gave.
netns_run a python3 - "$SOURCE_ROOT/tests/lib" >named <<'P'
import socket, sys
sys.path.insert(0, sys.argv[1])
import conversations as c
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.53", 53))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(c.dns(7, "live.example"), ("127.0.0.53", 53))
_, peer = server.recvfrom(500)
server.sendto(c.dns(7, "live.example", [("live.example", 1, c.address("127.0.0.9"))]), peer)
client.recv(500)
web = socket.create_server(("127.0.0.9", 0))
s = socket.create_connection(web.getsockname())
s.sendall(c.hello("tls.live.example", 2000))
print(s.getsockname()[1])
P
sniff_stop "$recorder"
check_equal "recorded" "$exit_code" 0
check "verify agrees, processes.jsonl included" "$WEIR" verify store
if ! tail -n 1 store/manifest.jsonl | jq -e '.attribution.exact_packets > 0' >/dev/null; then
	skip_all "this machine cannot attribute live packets: $(head -n 1 store/manifest.jsonl | jq -c .attribution)"
fi
"$WEIR" flows --json store >flows

# Each TCP connection of the truth: its ports, who asked and who answered.
awk '$1 == "flow" && $2 == "ESTABLISHED" && $3 == "tcp" {
	if ($7 == "true") asked[$4 " " $5] = asked[$4 " " $5] " " $6
	else answered[$5 " " $4] = answered[$5 " " $4] " " $6
} END { for (k in asked) {
	n = split(asked[k], a, " "); split(answered[k], b, " ")
	for (i = 1; i <= n; i++) print k, a[i], b[i]
} }' truth | sort >want
jq -r 'select(.protocol == "tcp" and .dst_port != 1 and (.names | length) == 0) |
	"\(.src_port) \(.dst_port) \(.pid) \(.peer.pid // .pid)"' flows | sort >got
diff want got >difference || :
check_equal "each connection has the processes of both its ends" "$(cat difference)" ""
check_equal "for certain" "$(jq -r 'select(.protocol == "tcp" and .dst_port != 1) | .process_certainty' flows | sort -u)" exact
check_equal "by name" "$(jq -r 'select(.protocol == "tcp") | .process' flows | sort -u)" python3
check_equal "with its path" "$(jq -r 'select(.protocol == "tcp") | .process_path | test("/python3")' flows | sort -u)" true
check_equal "ports used again are two flows of two processes" \
	"$(jq -r 'select(.protocol == "tcp") | "\(.src_port) \(.dst_port)"' flows | sort | uniq -d | wc -l)" 1
check_equal "the refused one" "$(jq -r 'select(.dst_port == 1) | "\(.state) \(.process)"' flows)" "refused python3"
check_equal "names: what was looked up, and what the hello asked for" \
	"$(jq -r --argjson p "$(cat named)" 'select(.src_port == $p) | .names | map("\(.name) \(.from)") | join(", ")' flows)" \
	"live.example dns, tls.live.example tls"
check_match "show tells the process" "$("$WEIR" show store --count 1)" " python3\[[0-9]+\]\$"
"$WEIR" export store --by process -o apart 2>said
check_equal "--by process: a file for each that sent" "$(find apart -name 'python3-*' | wc -l)" \
	"$("$WEIR" show --json store | jq -r 'select(.pid) | .pid' | sort -u | wc -l)"
"$WEIR" export store -o all.pcapng 2>said
check_equal "an export has the processes that the store has" "$("$WEIR" flows --json all.pcapng | jq -c 'del(.source, .process_path, .user, .container, .peer.process_path, .peer.user, .peer.container)')" \
	"$(jq -c 'del(.source, .process_path, .user, .container, .peer.process_path, .peer.user, .peer.container)' flows)"
tap_done
