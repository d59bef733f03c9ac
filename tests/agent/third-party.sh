#!/bin/sh
# The plugin of docs/examples is hosted: described, called, streamed, its arguments checked before it
# sees them.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

example=$SOURCE_ROOT/docs/examples/hello.py
check "the example has fewer than 40 lines" [ "$(wc -l <"$example")" -lt 40 ]
check_equal "it needs nothing of ours" "$(grep -c '^import\|^from' "$example")" \
	"$(grep -c '^import \(json\|sys\)$' "$example")"
plugin hello "$example"
agent_start --plugin "$tmp/hello.json"
wait_for 10 sh -c "curl -sS --unix-socket $tmp/agent.sock http://a/v1/describe | grep -q greet" || :

check_equal "it runs" "$(status hello | jq -r .state)" running
check_equal "it is called" "$(result hello greet '{"name":"you"}')" '{"text":"hello, you"}'
check_equal "it streams" "$(call hello count '{"to":3}' | grep -c '"n":')" 3
check_match "an argument that does not fit is refused" "$(call hello count '{"to":99}')" \
	"'to': 99 is more than 20"
check_match "a missing argument is refused" "$(call hello count '{}')" "'to' is missing"
check_match "an unknown directive is refused" "$(call hello nothing '{}')" 'no such directive'
check_match "an unknown plugin is refused" "$(call nobody greet '{}')" 'no such'
for part in user privileges files calls limits; do
	check_equal "its sandbox has $part" \
		"$(status hello | jq -r ".sandbox.$part.is")" active
done
check_equal "it has a directory of its own" "$(stat -c %a "$data/plugins/hello")" 700

# A plugin whose file others may write is not run.
chmod 666 "$tmp/hello.json"
check_fails "a plugin's file that others may write is refused" timeout 10 "$WEIR" agent run \
	--data "$tmp/other" --socket none --plugin "$tmp/hello.json"
agent_stop
tap_done
