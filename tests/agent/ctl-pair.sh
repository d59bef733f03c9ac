#!/bin/sh
# Pairing: a code makes two strangers know each other's key, once, and nobody else.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq curl python3

agent_start
code=$(sed -n 's/^code *//p' "$tmp/init")

check_equal "key and pairing are their owner's only" \
	"$(stat -c %a "$agent_data/agent" "$agent_data/agent/agent.key" | tr '\n' ' ')" "700 600 "
check_fails "a second init does not touch the key" "$WEIR" agent init --data "$agent_data"

# A controller that nobody paired is not answered, whatever it asks.
mkdir -m 700 "$tmp/stranger"
openssl req -x509 -newkey ed25519 -nodes -subj /CN=s -keyout "$tmp/stranger/controller.key" \
	-out "$tmp/stranger/controller.crt" 2>"$tmp/openssl.err"
rm -f "$agent_data/agent/pairing.json"
check_status "a stranger's handshake is refused" 56 agent_curl stranger /v1/status
check "the log tells of the stranger" wait_for 5 audit_has 1 '.type=="refused"'

# The code of another agent: the controller sees that the wrong one answers, and says nothing.
mkdir "$tmp/other"
other=$("$WEIR" agent init --data "$tmp/other" --json | jq -r .code)
"$WEIR" agent code --data "$agent_data" >"$tmp/code"
check_status "an agent that did not make the code is not talked to" 1 \
	"$WEIR" ctl --config "$tmp/c" pair "127.0.0.1:$agent_port" "$other"
check_match "... and the message says so" "$tap_output" "not the agent that made this code"
check_equal "... and no pairing was tried" "$(audit_count '.type=="pairing"')" 0

# One wrong character is a slip, found before anything is sent.
check_status "a slip in the code is told" 2 "$WEIR" ctl --config "$tmp/c" pair \
	"127.0.0.1:$agent_port" "$(echo "$code" | tr A-Z B-ZA)"

check_status "a code whose place was taken by a later one is void" 1 \
	"$WEIR" ctl --config "$tmp/c" pair "127.0.0.1:$agent_port" "$code"
code=$(agent_code --roles 'viewer probe=operator')
check "pairing works, the code from standard input" sh -c \
	"echo $code | '$WEIR' ctl --config '$tmp/c' pair 127.0.0.1:$agent_port - --as lab --name me"
check_match "the controller has the agent's key" "$("$WEIR" ctl --config "$tmp/c" agents --json)" \
	"\"pin\":\"$("$WEIR" agent code --data "$agent_data" --json | jq -r .pin)\""
check_match "the agent has the controller's roles" "$(ctl c whoami)" \
	'roles: .*"probe":"operator"'
check_match "the agent calls it as it asked" "$(ctl c whoami)" 'caller: key:me'
check_status "the code is good once" 1 "$WEIR" ctl --config "$tmp/d" pair \
	"127.0.0.1:$agent_port" "$code"
check_equal "the log has the pairing with its key" \
	"$(audit_count '.type=="pairing" and .allowed and .name=="me"')" 1

code=$(agent_code --roles viewer --lasts 1s)
sleep_until=$(($(date +%s) + 2))
check "the time of a code goes by" wait_for 5 sh -c "[ \$(date +%s) -ge $sleep_until ]"
check_fails "a code that is too old is refused" "$WEIR" ctl --config "$tmp/d" pair \
	"127.0.0.1:$agent_port" "$code"

# Guessing closes the pairing.
code=$(agent_code --roles viewer)
"$WEIR" ctl --config "$tmp/d" agents >/dev/null
cp "$tmp/stranger/controller.crt" "$tmp/stranger/controller.key" "$tmp/d/"
for i in 1 2 3 4 5; do
	agent_curl stranger /v1/pair -d \
		"{\"token\":\"0000000000000000000000000000000$i\",\"name\":\"g\"}" >>"$tmp/guess"
done
check_equal "five guesses are answered with no" "$(grep -c refused "$tmp/guess")" 5
check_fails "... and the code is void then" "$WEIR" ctl --config "$tmp/d" pair \
	"127.0.0.1:$agent_port" "$code"
agent_code --roles viewer >/dev/null
check_equal "a stranger may do nothing but pair" "$(agent_curl stranger /v1/status -o "$tmp/out" \
	-w '%{http_code}')" 403
check "the log is good" "$WEIR" verify "$agent_data/agent"
tap_done
