#!/bin/sh
# docs/api.md with curl: every request, its status, and what TLS lets in.
. "$SOURCE_ROOT/tests/lib/tap.sh"
# A network of its own: what the page's captures record here is nobody else's.
if [ -z "${WEIR_TEST_APART:-}" ] && [ "$(id -u)" = 0 ]; then
	exec env WEIR_TEST_APART=1 unshare --net sh "$0"
fi
[ -z "${WEIR_TEST_APART:-}" ] || ip link set lo up
. "$SOURCE_ROOT/tests/lib/agent-lab.sh"
require_tool jq curl python3 openssl

agent_start
agent_pair admin
api=$SOURCE_ROOT/docs/api.md

# The examples of the page's section 4 that need no capture, as they stand there.
weir_curl() {
	target=$1
	shift
	agent_curl admin "$target" "$@"
}
sed -n '/^## 4/,/^## 5/p' "$api" | sed -n '/^```sh/,/^```/p' | grep '^weir_curl' >"$tmp/all"
grep -v divert "$tmp/all" >"$tmp/examples"
check_equal "the page has examples" "$(wc -l <"$tmp/examples")" 8
while IFS= read -r line; do
	answer=$(eval "$line" | tee -a "$tmp/answers" | tail -n 1 | jq -r 'keys[0]')
	check_equal "$line" "$answer" result
done <"$tmp/examples"

# And those with a capture, in their order; Wireshark's place is taken by who looks at the first bytes.
divert_runs() {
	local_ctl status --json | jq -e '.result.plugins[]|select(.name=="divert")|.state=="running"' >/dev/null
}
if [ -n "${WEIR_TEST_APART:-}" ]; then
	check "divert runs" wait_for 20 divert_runs
	grep divert "$tmp/all" | sed 's/ -N | wireshark -k -i -$/ -N -m 4 | head -c 4 | od -An -tx1/' >"$tmp/captures"
	check_equal "the page has examples with a capture" "$(wc -l <"$tmp/captures")" 3
	while IFS= read -r line; do
		eval "$line" >"$tmp/answer"
		case $line in
		*stream*) check_equal "$line" "$(cat "$tmp/answer")" " 0a 0d 0d 0a" ;;
		*)
			check_equal "$line" "$(tail -n 1 "$tmp/answer" | jq -r 'keys[0]')" result
			cat "$tmp/answer" >>"$tmp/answers"
			;;
		esac
	done <"$tmp/captures"
else
	skip "the page's examples with a capture" "needs root"
fi

status_of() {
	agent_curl admin "$@" -o "$tmp/body" -w '%{http_code}'
}
check_equal "no such target: 404" "$(status_of /v2/status)" 404
check_equal "... with an error as JSON" "$(jq -r .error.name "$tmp/body")" invalid
check_equal "GET where POST is wanted: 405" "$(status_of /v1/call/probe/echo)" 405
check_equal "no JSON: 400" "$(status_of /v1/call/probe/echo -d '{')" 400
check_equal "arguments that do not fit: 400" "$(status_of /v1/call/probe/echo -d '{"number":-1}')" 400
check_match "... with their place" "$(jq -r .error.message "$tmp/body")" number
check_equal "no such directive: 404" "$(status_of /v1/call/probe/none -d '')" 404
check_equal "the plugin says no: 422" "$(status_of /v1/call/probe/fail -d '')" 422
head -c 1100000 /dev/zero | tr '\0' ' ' >"$tmp/long"
check_equal "a body beyond the bound: 413" "$(status_of /v1/call/probe/echo --data-binary "@$tmp/long" \
	-H Expect:)" 413
check_equal "two requests go over one connection" "$(agent_curl admin /v1/whoami -o "$tmp/body" \
	-w '%{num_connects}' --next -s -k --cert "$tmp/admin/controller.crt" \
	--key "$tmp/admin/controller.key" "$(agent_url /v1/whoami)" -o "$tmp/body" -w '%{num_connects}')" 10
check_equal "the same on the Unix socket" "$(curl -s --unix-socket "$agent_socket" \
	http://weir/v1/whoami | jq -r .result.transport)" unix
# Whose end is that of the connection, with the last bytes, or behind them.
old_curl() {
	curl -s -0 --unix-socket "$agent_socket" -X POST -d "$2" "http://agent/v1/$1"
}
check_equal "HTTP/1.0 gets a short answer" "$(old_curl call/probe/count '{"n":3}' | tail -n 1)" '{"result":{"counted":3}}'
check_equal "and a long one" "$(old_curl call/probe/count '{"n":4000}' | grep -c '^{"item"')" 4000
check_equal "twice" "$(old_curl call/probe/count '{"n":4000}' | tail -n 1)" '{"result":{"counted":4000}}'
check_equal "a raw stream is whole" "$(agent_curl admin /v1/stream/probe/short | wc -c)" $((40 * 16384))

# What does not get in.
check_status "another pin is not talked to" 90 curl -s -k --pinnedpubkey \
	"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" --cert "$tmp/admin/controller.crt" \
	--key "$tmp/admin/controller.key" "$(agent_url /v1/status)"
check_status "no certificate" 56 curl -s -k "$(agent_url /v1/status)"
check_status "TLS 1.2" 35 agent_curl admin /v1/status --tls-max 1.2
check_fails "plain HTTP" curl -s "http://127.0.0.1:$agent_port/v1/status"
mkdir "$tmp/rsa" "$tmp/p256"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=r -keyout "$tmp/rsa/controller.key" \
	-out "$tmp/rsa/controller.crt" 2>"$tmp/openssl.err"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=p \
	-keyout "$tmp/p256/controller.key" -out "$tmp/p256/controller.crt" 2>"$tmp/openssl.err"
check_fails "an RSA key, even while a pairing is open" agent_curl rsa /v1/status
token=$(agent_code --roles viewer | python3 -c 'import base64,sys
print(base64.b32decode(sys.stdin.read().replace("-", "").strip())[16:32].hex())')
check_equal "a P-256 key pairs with curl alone" "$(agent_curl p256 /v1/pair -d \
	"{\"token\":\"$token\",\"name\":\"curl\"}" | jq -r .result.name)" curl
check_equal "... and is let in" "$(agent_curl p256 /v1/whoami | jq -r .result.caller)" key:curl

# The description for programs names the same targets as the page and the agent.
check_equal "openapi.json has the page's targets" "$(jq -r '.paths|keys[]' "$SOURCE_ROOT/docs/openapi.json" |
	sed 's/{plugin}/PLUGIN/; s/{directive}/DIRECTIVE/; s/{name}/NAME/' | sort)" \
	"$(sed -n '/^## 2/,/^## 3/s/^| `[A-Z]* \([^`]*\)`.*/\1/p' "$api" | sort)"
cat "$tmp/body" >>"$tmp/answers"
openapi() {
	python3 "$SOURCE_ROOT/tests/lib/openapi.py" "$SOURCE_ROOT/docs/openapi.json" "$@" 2>&1
}
check_equal "it holds together" "$(openapi)" ""
# with MODULE NAME ARGUMENT
with() {
	if python3 -c "import $1" 2>/dev/null; then
		check_equal "$2" "$(openapi "$3")" ""
	else
		skip "$2" "needs python3's $1"
	fi
}
with jsonschema "answers are as it says" "$tmp/answers"
with openapi_spec_validator "it is good OpenAPI as a whole" --whole
check "the log is good" "$WEIR" verify "$agent_data/agent"
tap_done
