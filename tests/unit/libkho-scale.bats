#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many records: what scripts/bench measures, looked at for what comes out.

bats_require_minimum_version 1.5.0

setup() {
	: "${KHO_BUILDDIR:?set KHO_BUILDDIR to the build folder}"
	inspect=$KHO_BUILDDIR/tools/kho-inspect/kho-inspect
	dump=$BATS_TEST_TMPDIR/dump
}

# cut_short N BYTES: a dump of N records whose last BYTES are not there.
cut_short() {
	"$KHO_BUILDDIR/tests/bench/bench-dump" "$1" "$dump"
	truncate -s "-$2" "$dump"
}

@test "thirty thousand records are clean, in whatever order they are" {
	local order
	for order in "" --scatter; do
		# shellcheck disable=SC2086 # none or one
		"$KHO_BUILDDIR/tests/bench/bench-dump" $order 30000 "$dump"
		run -0 "$inspect" verify --core "$dump"
		[[ $output == "clean: "*" 0 not judged; 30000 records, 30970 preserved ranges" ]]
		run -0 "$inspect" ranges --bytes --core "$dump"
		[[ ${lines[-1]} == *" ranges, "* ]]
	done
}

@test "all of thirty thousand records are listed, in columns" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" list --core "$dump" >"$BATS_TEST_TMPDIR/list"
	[ "$(grep -c ' live$' "$BATS_TEST_TMPDIR/list")" = 30000 ]
	[ "$(head -n 30001 "$BATS_TEST_TMPDIR/list" | awk '{ print index($0, $2) }' | sort -u | wc -l)" = 1 ]
	[ "$(awk 'NR > 1 && $1 ~ /^[0-9]+$/ && $2 ~ /^pci/ { print $1 }' "$BATS_TEST_TMPDIR/list" |
		sort -un | wc -l)" = 30000 ]
}

@test "thirty thousand records and their ranges are whole JSON documents" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" list --json --core "$dump" >"$BATS_TEST_TMPDIR/list.json"
	[ "$(jq '.records | length' "$BATS_TEST_TMPDIR/list.json")" = 30000 ]
	diff <(jq -r '.records[] | "\(.id) \(.addr)"' "$BATS_TEST_TMPDIR/list.json") \
		<("$inspect" list --core "$dump" | awk '$2 ~ /^pci/ { print $1, $4 }')
	"$inspect" ranges --json --core "$dump" >"$BATS_TEST_TMPDIR/ranges.json"
	[ "$(jq '.ranges | length' "$BATS_TEST_TMPDIR/ranges.json")" = \
		"$("$inspect" ranges --core "$dump" | tail -n 1 | cut -d ' ' -f 1)" ]
}

# most_memory COMMAND...: KiB that it had at most, without those that a sanitizer keeps aside.
most_memory() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 "$KHO_BUILDDIR/tests/bench/bench-measure" 1 "$@" | cut -d ' ' -f 3
}

@test "JSON of thirty thousand records takes no more memory than is allowed for each" {
	local command few many
	for command in list ranges; do
		"$KHO_BUILDDIR/tests/bench/bench-dump" 10 "$dump"
		few=$(most_memory "$inspect" "$command" --json --core "$dump")
		"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
		many=$(most_memory "$inspect" "$command" --json --core "$dump")
		((many - few < 30000 * 32 / 1024 + 16384))
	done
}

@test "a picture of thirty thousand records has no more boxes than can be told apart" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" map --core "$dump" -o "$BATS_TEST_TMPDIR/map.svg"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/map.svg")" -lt 1000000 ]
	grep -q '<title>DMA allocations: [0-9]* from 0x' "$BATS_TEST_TMPDIR/map.svg"
	run -0 "$inspect" map --core "$dump"
	[[ $output == *D* && ${#lines[@]} -lt 40 ]]
	# every record is in there
	[ "$("$inspect" map --json --core "$dump" | jq '[.areas[] | select(.kind == "dma")] | length')" = 30000 ]
}

@test "a snapshot of thirty thousand records is as good as what it was made from" {
	"$KHO_BUILDDIR/tests/bench/bench-dump" 30000 "$dump"
	"$inspect" snapshot --core "$dump" -o "$BATS_TEST_TMPDIR/snapshot"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/snapshot")" = 600 ]
	readelf -ln "$BATS_TEST_TMPDIR/snapshot" >"$BATS_TEST_TMPDIR/readelf"
	grep -q 'NOTE ' "$BATS_TEST_TMPDIR/readelf"
	run -0 "$inspect" verify --core "$BATS_TEST_TMPDIR/snapshot"
	[[ $output == "clean: "*" 30000 records, 30970 preserved ranges" ]]
	diff <("$inspect" list --core "$dump") <("$inspect" list --core "$BATS_TEST_TMPDIR/snapshot")
}

@test "the end of a file that is missing is not judged, and does not pass" {
	cut_short 30000 1000000
	run "$inspect" verify --core "$dump"
	[ "$status" != 0 ] || [[ $output == *"not judged"* ]]
	[[ $output != *"clean: "*" 0 not judged;"* ]]
}
