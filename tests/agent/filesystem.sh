#!/bin/sh
# The directives of filesystem.
. "$SOURCE_ROOT/tests/lib/tap.sh"
. "$SOURCE_ROOT/tests/lib/agent.sh"

mkdir -p "$tmp/evidence/sub" "$tmp/evidence/.hidden"
printf 'hello' >"$tmp/evidence/a.txt"
head -c 300000 /dev/urandom >"$tmp/evidence/b.bin"
ln -s a.txt "$tmp/evidence/link"
mkfifo "$tmp/evidence/fifo"
odd=$(printf 'odd\377name')
printf 'x' >"$tmp/evidence/$odd"
chmod 700 "$tmp/evidence"
touch -d '2020-01-02T03:04:05Z' "$tmp/evidence/sub/old.txt"
agent_start
here=$tmp/evidence

check_equal "a session begins at the root" "$(result filesystem getcwd)" '{"path":"/"}'
check_equal "listdir has every entry and the directory" \
	"$(call filesystem listdir "{\"path\":\"$here\"}" | grep -c '"record":"file"')" 8
check_match "and ends with a summary" "$(result filesystem listdir "{\"path\":\"$here\"}")" \
	'"complete":true'
check_match "a pattern selects" \
	"$(call filesystem listdir "{\"path\":\"$here\",\"pattern\":\"*.txt\"}" | grep -c a.txt)" 1
check_equal "find goes down" \
	"$(call filesystem find "{\"path\":\"$here\",\"pattern\":\"*.txt\"}" | grep -c '"record":"file"')" 2
check_equal "find by time" \
	"$(call filesystem find "{\"path\":\"$here\",\"modified\":\"..2021-01-01\"}" |
		grep -c '"record":"file"')" 1
check_equal "stat of a file" \
	"$(result filesystem stat "{\"path\":\"$here/a.txt\"}" | jq -r .size_bytes)" 5
check_equal "stat of a directory is of itself" \
	"$(result filesystem stat "{\"path\":\"$here\"}" | jq -r .type)" directory
check_equal "stat of a link is of the link" \
	"$(result filesystem stat "{\"path\":\"$here/link\"}" | jq -r .type)" link
check_equal "hash" "$(result filesystem hash "{\"path\":\"$here/b.bin\"}" | jq -r .sha256)" \
	"$(sha256sum "$here/b.bin" | cut -d ' ' -f 1)"
check_match "what is not there fails in words" \
	"$(call filesystem listdir "{\"path\":\"$here/nothing\"}")" 'No such file'
check_match "an option's mistake is the caller's" \
	"$(call filesystem listdir "{\"path\":\"$here\",\"hash\":\"sha7\"}")" 'sha7'

# A name is bytes.
b64=$(printf '%s/%s' "$here" "$odd" | base64 -w 0)
check_equal "a name that is no text is reached by its bytes" \
	"$(result filesystem stat "{\"path_b64\":\"$b64\"}" | jq .size_bytes)" 1

# Ranges.
read_bytes() {
	call filesystem read "$1" | jq -r 'select(has("item")) | .item.data // empty' | base64 -d
}
check_equal "read returns the bytes" "$(read_bytes "{\"path\":\"$here/b.bin\"}" | sha256sum)" \
	"$(sha256sum <"$here/b.bin")"
range="{\"path\":\"$here/b.bin\",\"offset\":100000,\"length\":150000}"
part=$(tail -c +100001 "$here/b.bin" | head -c 150000 | sha256sum | cut -d ' ' -f 1)
check_equal "a range" "$(read_bytes "$range" | sha256sum | cut -d ' ' -f 1)" "$part"
check_equal "with its hash" "$(result filesystem read "$range" | jq -r .sha256)" "$part"
check_equal "a range behind the end is empty" \
	"$(result filesystem read "{\"path\":\"$here/a.txt\",\"offset\":10}" | jq .bytes)" 0
check_match "an offset that is no plain integer is refused, not taken for 0" \
	"$(call filesystem read "{\"path\":\"$here/b.bin\",\"offset\":100.0,\"length\":10}")" \
	"'offset': a value of type integer"
# A writer that waits in open() for whoever reads.
{
	exec 9>"$here/fifo"
	: >"$tmp/woken"
} &
writer=$!
wait_for 5 grep -q wait_for_partner "/proc/$writer/wchan" || :
check_match "a FIFO is not waited for" "$(call filesystem read "{\"path\":\"$here/fifo\"}")" \
	'no regular file'
check "nor does its writer notice" test ! -e "$tmp/woken"
kill "$writer" 2>/dev/null || :
wait "$writer" || :
check_match "a link is not followed" "$(call filesystem read "{\"path\":\"$here/link\"}")" '"error"'
touch -a -d '2001-01-01T00:00:00Z' "$here/a.txt"
before=$(stat -c %x "$here/a.txt")
result filesystem listdir "{\"path\":\"$here\",\"hash\":\"sha256\"}" >/dev/null
check_equal "listing and hashing change no access time" "$(stat -c %x "$here/a.txt")" "$before"

check_match "a timeline is sorted" "$(call filesystem timeline "{\"path\":\"$here\"}" |
	grep -o '"datetime":"[^"]*"' | sort -c && echo sorted)" sorted
check_match "the oldest is in it" "$(call filesystem timeline "{\"path\":\"$here\"}")" '2020-01-02T03:04:05'
check_equal "a whole one says so" "$(result filesystem timeline "{\"path\":\"$here/sub\"}" | jq -c .complete)" true
# Deeper than a walk goes: the listing is not complete, and neither is what is made of it.
python3 -c '
import os, sys
os.chdir(sys.argv[1])
for _ in range(5000):
    os.mkdir("d")
    os.chdir("d")' "$(mkdir "$tmp/deeper" && echo "$tmp/deeper")"
call filesystem timeline "{\"path\":\"$tmp/deeper\"}" >"$tmp/deeper.jsonl"
check_match "a timeline says what its listing lacks" \
	"$(tail -n 1 "$tmp/deeper.jsonl" | jq -c '.result | [.complete, .reason]')" \
	'^\[false,".*it is not complete: max_depth"\]$'
check "and has the rest" grep -q '"datetime"' "$tmp/deeper.jsonl"
has_no_listing() {
	! ls "$data/plugins/filesystem" | grep -q listing
}
# The answer's last line comes before it goes.
check "no listing is left in the state" wait_for 5 has_no_listing

# A record that fits into no message (a path of 50 kB whose every byte is escaped) hides nothing but itself.
python3 -c '
import os, sys
os.chdir(sys.argv[1])
os.mkdir("aaa")
for folder in "bbb", "ccc":
    os.mkdir(folder)
    for i in range(300):
        open(f"{folder}/{i}", "w").close()
os.chdir("aaa")
for _ in range(200):
    os.mkdir("\1" * 250)
    os.chdir("\1" * 250)' "$(mkdir "$tmp/deep" && echo "$tmp/deep")"
call filesystem find "{\"path\":\"$tmp/deep\"}" >"$tmp/deep.jsonl"
told=$(tail -n 1 "$tmp/deep.jsonl" | jq -c '.result | [.complete, .reason, .written]')
lost=$(tail -n 1 "$tmp/deep.jsonl" | jq '.result.lost')
check_equal "a listing says that too long records are missing" "$told" '[false,"too_long",804]'
check_equal "every other one is there" "$(($(grep -c '"record":"file"' "$tmp/deep.jsonl") + lost))" 804
check "few are too long: $lost" [ "$lost" -ge 1 ] && [ "$lost" -le 40 ]
check_status "ctl ends with the code of losses" 4 "$WEIR" ctl --socket "$tmp/agent.sock" call filesystem find \
	"path=$tmp/deep"

# Sessions.
check_equal "chdir answers as the system says" \
	"$(result filesystem chdir "{\"path\":\"$here/sub/..\"}")" "{\"path\":\"$here\"}"
check_match "chdir to a file is refused" "$(call filesystem chdir "{\"path\":\"$here/a.txt\"}")" \
	'Not a directory'
agent_stop
tap_done
