# What the tests of attribution share, after tap.sh and sniff.sh: scenes with a known truth.

who() {
	python3 "$SOURCE_ROOT/tests/lib/who.py" "$@"
}

lo_up() {
	netns_run "$1" ip link set lo up
}

require_events() {
	"$WEIR" doctor --json >"$tmp/doctor.json" 2>/dev/null || true
	grep -q '"ebpf":true' "$tmp/doctor.json" ||
		skip_all "no eBPF attribution here: $(grep -o '"ebpf_why":"[^"]*"' "$tmp/doctor.json")"
}

# compare STORE TRUTH: the counts of who.py check, in $counts.
compare() {
	"$WEIR" show --json "$1" >"$tmp/show.jsonl"
	counts=$(who check "$2" "$tmp/show.jsonl" 2>"$tmp/wrong") || counts='{}'
	sed 's/^/# /' "$tmp/wrong"
}

count_of() {
	printf '%s\n' "$counts" | jq ".$1"
}

# are_known NAME: every packet's process is known; before a server has taken its connection the one
# that listens is named, as such, and the last acknowledgement of a closed one is of who had it.
are_known() {
	check_equal "$1: each is known" \
		"$(($(count_of exact) + $(count_of listener) + $(count_of earlier)))" "$(count_of packets)"
	check_equal "$1: so is each connection, exactly" "$(count_of connections_exact)" "$(count_of connections)"
}

# scene NAME [WORDS...]: recorded on lo of namespace a; then every packet is right and known.
scene() {
	scene_name=$1
	sniff_start "sniff-$scene_name" a -i lo -o "$scene_name" --json --buffer 8MiB
	netns_run a python3 "$SOURCE_ROOT/tests/lib/who.py" "$@" >"$scene_name.truth"
	sniff_stop "$pid"
	compare "$scene_name" "$scene_name.truth"
	echo "# $scene_name: $counts"
	check "$scene_name: there are packets" test "$(count_of packets)" -gt 4
	check_equal "$scene_name: no packet is said to be of another" "$(count_of wrong)" 0
	are_known "$scene_name"
	check_equal "$scene_name: the store is sound" \
		"$("$WEIR" verify "$scene_name" >/dev/null && echo good)" good
}
