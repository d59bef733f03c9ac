#!/bin/sh
# What the benchmark says is what it measured: medians, ratios, bounds, tables, plans.
. "$SOURCE_ROOT/tests/lib/tap.sh"
require_tool python3

cases=$SOURCE_ROOT/tests/lib/bench-cases.py
for name in $(python3 "$cases" "$SOURCE_ROOT" --list); do
	check "$name" python3 "$cases" "$SOURCE_ROOT" "$name"
done
check_status "an unknown row is a usage error" 2 \
	python3 -B "$SOURCE_ROOT/bench/run.py" --rows 99 --results "$tmp/r.jsonl"
check "help" python3 -B "$SOURCE_ROOT/bench/run.py" --help
tap_done
