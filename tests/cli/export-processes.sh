#!/bin/sh
# Processes on their way out: comments, a file a process, the options and blocks that readers know.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3 jq
export PYTHONDONTWRITEBYTECODE=1
lib=$SOURCE_ROOT/tests/lib
python3 "$lib/conversations.py" "$tmp"
cd "$tmp"

# facts FILE: a line a packet, with pid, owner and process, whatever the file.
facts() {
	"$WEIR" show --json "$1" | jq -c '[.ns, .pid, .process, .process_certainty, .src, .dst, .src_port, .dst_port]'
}
# blocks FILE: a word a block behind the section header: i, p, or the process of a process block.
blocks() {
	python3 "$lib/pcapng-blocks.py" "$1"
}

check_match "show names the process" "$("$WEIR" show owned.pcapng)" "> 192.0.2.1:1 UDP len 3 curl\[4711\]"
check_equal "with a mark where it is less sure, and where it is not known" \
	"$("$WEIR" show owned.pcapng | sed -n '3p;5p;7p;9p' | sed 's/.*len 3//' | tr '\n' '|')" " ?[4712]?| ?| ?[4713]||"

"$WEIR" export owned.pcapng -o again.pcapng 2>said
facts owned.pcapng >before
facts again.pcapng >after
check "an export has the same processes" cmp before after
check_equal "each block behind the first packet it explains, once" "$(blocks again.pcapng)" \
	"i p curl p p p p p p p p p p p httpd p p"
"$WEIR" export owned.pcapng --plain -o plain.pcapng 2>said
check_equal "--plain: without them" "$(blocks plain.pcapng)" "i p p p p p p p p p p p p p p"
check_equal "options 8 and owner are handed on all the same" "$(python3 "$lib/pcapng-blocks.py" --options plain.pcapng)" \
	"$(python3 "$lib/pcapng-blocks.py" --options owned.pcapng)"

"$WEIR" export owned.pcapng --annotate -o noted.pcapng 2>said
check_match "--annotate: who it was" "$("$WEIR" show noted.pcapng | head -1)" \
	"# process curl\[4711\] exact, /usr/bin/curl, user ann\$"
check_match "how sure" "$("$WEIR" show noted.pcapng | sed -n 3p)" "# process \?\[4712\]\? wildcard\$"
check_match "that nobody is known" "$("$WEIR" show noted.pcapng | sed -n 5p)" "# process unknown\$"
check_fails "nothing where nobody looked" grep -q '#' <<X
$("$WEIR" show noted.pcapng | sed -n 9p)
X
"$WEIR" export named.pcap --annotate -o names.pcapng --from 2025-11-22T23:13:35.006Z --filter 'remotePort == 22 or localPort == 22' 2>said
check_match "names of the other end, asked for before --from and beside --filter" \
	"$("$WEIR" show names.pcapng | head -1)" "# names one.example \(dns\)\$"
"$WEIR" export named.pcap --annotate -o names2.pcapng 2>said
check_match "and those of a hello, from then on" "$("$WEIR" show names2.pcapng | grep ':40010 >' | tail -1)" "# names tls.example \(tls\)\$"
"$WEIR" export names2.pcapng --annotate -o twice.pcapng 2>said
check_equal "a comment that was there stays the first" "$("$WEIR" show twice.pcapng | cksum)" "$("$WEIR" show names2.pcapng | cksum)"
if command -v tshark >/dev/null; then
	check_equal "tshark shows the comments" "$(tshark -n -r noted.pcapng -Y frame.comment -T fields -e frame.comment 2>/dev/null | head -1)" \
		"process curl[4711] exact, /usr/bin/curl, user ann"
else
	skip "tshark shows the comments" "no tshark"
fi

"$WEIR" import owned.pcapng -o store >/dev/null 2>&1
head=$(tail -n 1 store/manifest.jsonl | tr -d '\n' | sha256sum | cut -d ' ' -f 1)
"$WEIR" export owned.pcapng --by process -o apart 2>said
check_equal "--by process: a file each" "$(ls apart | tr '\n' ' ')" \
	"curl-4711-30000000.pcapng httpd-4715-60000000.pcapng process-4712-40000000.pcapng process-4713.pcapng process-4714-50000000.pcapng unknown.pcapng "
check_match "what it did is told" "$(cat said)" "6 files, 4 packets of unknown processes"
for f in apart/*; do facts "$f"; done | sort >together
sort before | diff together - >difference || :
check_equal "all packets are there, each once" "$(cat difference)" ""
check_equal "each file has one process" "$(for f in apart/*; do "$WEIR" show --json "$f" | jq -c .pid | sort -u | wc -l; done | sort -u)" 1
check_equal "and its block" "$(blocks apart/httpd-4715-60000000.pcapng)" "i p httpd p"
"$WEIR" export store --by process -o by-store 2>said
check_equal "each names the parent's hash" "$(grep -l "manifest head sha256:$head" by-store/* | wc -l)" "$(ls by-store | wc -l)"
check_match "and says whose packets it holds" "$(strings -n 8 apart/curl-4711-30000000.pcapng)" "packets of curl\[4711\]"
"$WEIR" export owned.pcapng --by process --filter 'processId == 4712' -o chosen 2>said
check_equal "a filter that leaves the first packets out" "$(ls chosen)" process-4712-40000000.pcapng
check "no packet wanted" "$WEIR" export owned.pcapng --by process --filter 'udp.DstPort == 9' -o none
check_equal "is a folder without files" "$(find none)" none
check_status "a folder that is there" 3 "$WEIR" export owned.pcapng --by process -o apart
check_status "no folder" 2 "$WEIR" export owned.pcapng --by process
check_status "another kind" 2 "$WEIR" export owned.pcapng --by host -o x
check_status "another format" 2 "$WEIR" export owned.pcapng --by process --format csv -o x
check_status "comments in a format without" 2 "$WEIR" export owned.pcapng --annotate -o x.pcap
check_status "within a store" 2 "$WEIR" export owned.pcapng --by process -o store/x
check_equal "nothing hidden is left" "$(find . -name '.*' ! -name . ! -name .check)" ""

# More processes than files may be open at a time, each taking turns.
python3 "$lib/conversations.py" crowd crowd.pcapng 200 5
"$WEIR" export crowd.pcapng --by process -o crowd 2>said
check_equal "two hundred processes" "$(ls crowd | wc -l)" 200
check_equal "each file whole" "$(for f in crowd/*; do "$WEIR" show --json "$f" | jq -r .pid | sort | uniq -c | tr -s ' ' | cut -d ' ' -f 2; done | sort | uniq -c | tr -s ' ')" " 200 5"
check "with few descriptors" sh -c 'ulimit -n 80; "$WEIR" export crowd.pcapng --by process -o crowd2'
tap_done
