#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many records: checks the output of the commands that scripts/bench measures.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	dump=$BATS_TEST_TMPDIR/dump
}

# cut_short N BYTES: makes a dump of N records without its last BYTES.
cut_short() {
	"$KHO_BUILDDIR/tests/bench/bench-dump" "$1" "$dump"
	truncate -s "-$2" "$dump"
}

@test "thirty thousand records are clean, in any order" {
	local order
	for order in "" --scatter; do
		# shellcheck disable=SC2086 # none or one
		"$KHO_BUILDDIR/tests/bench/bench-dump" $order 30000 "$dump"
		run -0 "$inspect" verify --core "$dump"
		[[ $output == "clean: "*" 0 not judged; 30000 records, 30970 preservations" ]]
		run -0 "$inspect" ranges --bytes --core "$dump"
		[[ ${lines[-1]} == *" ranges, "* ]]
	done
}

@test "list shows all of thirty thousand records, in columns" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" list --core "$dump" >"$BATS_TEST_TMPDIR/list"
	[ "$(grep -c ' live$' "$BATS_TEST_TMPDIR/list")" = 30000 ]
	# the first thousand rows set the widths; a wider cell moves the columns to its right from there on
	[ "$(sed -n 2,1001p "$BATS_TEST_TMPDIR/list" | awk '{ print index($0, $2), length }' | sort -u | wc -l)" = 1 ]
	head -n 30001 "$BATS_TEST_TMPDIR/list" |
		awk '{ at = index($0, " " $2 " "); if (at < last) exit 1; last = at } END { exit !(NR == 30001) }'
	[ "$(awk 'NR > 1 && $1 ~ /^[0-9]+$/ && $2 ~ /^pci/ { print $1 }' "$BATS_TEST_TMPDIR/list" |
		sort -un | wc -l)" = 30000 ]
}

@test "JSON documents of thirty thousand records and their ranges are complete" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" list --json --core "$dump" >"$BATS_TEST_TMPDIR/list.json"
	[ "$(jq '.records | length' "$BATS_TEST_TMPDIR/list.json")" = 30000 ]
	diff <(jq -r '.records[] | "\(.id) \(.addr)"' "$BATS_TEST_TMPDIR/list.json") \
		<("$inspect" list --core "$dump" | awk '$2 ~ /^pci/ { print $1, $4 }')
	"$inspect" ranges --json --core "$dump" >"$BATS_TEST_TMPDIR/ranges.json"
	"$inspect" ranges --bytes --core "$dump" >"$BATS_TEST_TMPDIR/ranges"
	diff <(jq -r '.ranges[] | "\(.addr) \(.size)"' "$BATS_TEST_TMPDIR/ranges.json") \
		<(sed -n 's/^0x0*\([^-]*\)-0x[^ ]* *\([0-9]*\) .*/0x\1 \2/p' "$BATS_TEST_TMPDIR/ranges")
	[ "$(jq '.ranges | length' "$BATS_TEST_TMPDIR/ranges.json")" = \
		"$(tail -n 1 "$BATS_TEST_TMPDIR/ranges" | cut -d ' ' -f 1)" ]
}

# most_memory COMMAND...: prints the peak memory in KiB, without the sanitizer's quarantine.
most_memory() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 "$KHO_BUILDDIR/tests/bench/bench-measure" 1 "$@" | cut -d ' ' -f 3
}

@test "the memory for JSON of thirty thousand records has a bound for each record" {
	local command few many
	for command in list ranges; do
		"$KHO_BUILDDIR/tests/bench/bench-dump" 10 "$dump"
		few=$(most_memory "$inspect" "$command" --json --core "$dump")
		"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
		many=$(most_memory "$inspect" "$command" --json --core "$dump")
		((many - few < 30000 * 32 / 1024 + 16384))
	done
}

@test "a picture of thirty thousand records has only boxes that a reader can distinguish" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" map --core "$dump" -o "$BATS_TEST_TMPDIR/map.svg"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/map.svg")" -lt 1000000 ]
	grep -q '<title>DMA allocations: [0-9]* from 0x' "$BATS_TEST_TMPDIR/map.svg"
	run -0 "$inspect" map --core "$dump"
	[[ $output == *D* && ${#lines[@]} -lt 40 ]]
	# it has every record
	[ "$("$inspect" map --json --core "$dump" | jq '[.areas[] | select(.kind == "dma")] | length')" = 30000 ]
}

@test "a snapshot of thirty thousand records has the same state" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" snapshot --core "$dump" -o "$BATS_TEST_TMPDIR/snapshot"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/snapshot")" = 600 ]
	readelf -ln "$BATS_TEST_TMPDIR/snapshot" >"$BATS_TEST_TMPDIR/readelf"
	grep -q 'NOTE ' "$BATS_TEST_TMPDIR/readelf"
	run -0 "$inspect" verify --core "$BATS_TEST_TMPDIR/snapshot"
	[[ $output == "clean: "*" 30000 records, 30970 preservations" ]]
	diff <("$inspect" list --core "$dump") <("$inspect" list --core "$BATS_TEST_TMPDIR/snapshot")
}

@test "the missing end of a file is not judged, and does not pass" {
	cut_short 30000 1000000
	run "$inspect" verify --core "$dump"
	[ "$status" != 0 ] || [[ $output == *"not judged"* ]]
	[[ $output != *"clean: "*" 0 not judged;"* ]]
}
