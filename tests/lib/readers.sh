# What other tools say of a capture file: for tests that compare our files with theirs.
# To be sourced behind tap.sh.
require_tool tshark tcpdump capinfos mergecap

# quietly NAME COMMAND...: runs it, its output in $tmp/NAME.said; fails where it fails or says
# anything on standard error but what these tools always say.
quietly() {
	said=$tmp/$1.said
	shift
	"$@" >"$said" 2>"$said.err" </dev/null || {
		cat "$said.err"
		return 1
	}
	if grep -v -e '^Running as user' -e '^reading from file' -e '^Warning: interface names' \
		-e '^$' "$said.err"; then
		return 1
	fi
}

# packet_facts FILE: a line a packet: time, lengths, interface, direction, drops, comment, MD5 of the
# bytes.  Fails where tshark warns.  Interfaces without a name are empty (tshark has two words).
# Custom blocks, processes among them, are frames for tshark; what is no packet has no encapsulation.
packet_facts() {
	quietly facts tshark -n -r "$1" -Y frame.encap_type -o frame.generate_md5_hash:TRUE -T fields \
		-e frame.time_epoch -e frame.len -e frame.cap_len -e frame.interface_name \
		-e frame.packet_flags_direction -e frame.drop_count -e frame.comment \
		-e frame.md5_hash -E separator='|' || return 1
	sed 's/|[uU]nknown|/||/' "$tmp/facts.said"
}

# What a pcap file can hold of packet_facts, from standard input.
bare_facts() {
	cut -d '|' -f 1-3,8
}

# opens_everywhere FILE COUNT: tcpdump, capinfos and mergecap read it without a warning, too, and
# find that many packets.  (For tshark take packet_facts.)
opens_everywhere() {
	quietly capinfos capinfos -c -M -T -r -m "$1" || return 1
	[ "$(cut -d , -f 2 "$tmp/capinfos.said")" = "$2" ] || {
		echo "capinfos: $(cat "$tmp/capinfos.said"), not $2"
		return 1
	}
	rm -f "$tmp/merged"
	quietly mergecap mergecap -w "$tmp/merged" "$1" || return 1
	tcpdump_reads "$1" "$2"
}

tcpdump_reads() {
	quietly tcpdump tcpdump -n -tt --nano -r "$1" || return 1
	[ "$(wc -l <"$tmp/tcpdump.said")" = "$2" ] || {
		echo "tcpdump finds $(wc -l <"$tmp/tcpdump.said") packets, not $2"
		return 1
	}
}
