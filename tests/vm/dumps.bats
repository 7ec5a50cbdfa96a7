#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps of a running machine by other programs: both forms of QEMU's dump-guest-memory, and dumps
# that makedumpfile makes of these.

bats_require_minimum_version 1.5.0
load helpers

# dump_guest FILE OPTION...: makes QEMU write a dump, and waits for it.
dump_guest() {
	local file=$1
	shift
	vm_monitor "dump-guest-memory $* $file"
	[ -s "$file" ]
}

# same_records DUMP: checks that its list equals the machine's own, and that verify finds nothing.
# A dump does not contain the scratch areas.
same_records() {
	diff "$BATS_TEST_TMPDIR/records" <("$inspect" list --json --core "$1" | jq -S .records)
	[ "$("$inspect" show --json --core "$1" | jq -r .state.found_by)" = "scan" ]
	run -0 "$inspect" verify --core "$1" --ignore="$SCRATCH_RULES"
	[[ $output == "clean: "*" 0 not judged; 5 records, "* ]]
}

@test "dumps by QEMU and makedumpfile show the same records and content as the machine" {
	local inspect=$VM_BUILD/tools/kho-inspect/kho-inspect dump=$BATS_TEST_TMPDIR/dump
	vm_start --mem 512M --append "kho=on"
	vm_ok modprobe kho_edu
	vm_ok kho-inspect list --json | jq -S .records >"$BATS_TEST_TMPDIR/records"
	[ "$(jq length "$BATS_TEST_TMPDIR/records")" = 5 ]

	dump_guest "$dump"
	[[ $(file "$dump") == *"ELF 64-bit LSB core"* ]]
	same_records "$dump"
	rm "$dump"

	dump_guest "$dump" -z
	vm_stop
	# in makedumpfile's flattened order, which kho-inspect refuses
	run -2 "$inspect" list --core "$dump"
	[[ $output == *"makedumpfile -R"* ]]
	makedumpfile -R "$dump.kdump" <"$dump"
	rm "$dump"
	same_records "$dump.kdump"

	# a snapshot of it has the same records; a truncated dump is reported as such
	"$inspect" snapshot --core "$dump.kdump" -o "$BATS_TEST_TMPDIR/snapshot"
	diff "$BATS_TEST_TMPDIR/records" <("$inspect" list --json --core "$BATS_TEST_TMPDIR/snapshot" | jq -S .records)
	truncate -s -4096 "$dump.kdump"
	run "$inspect" verify --core "$dump.kdump" --ignore="$SCRATCH_RULES"
	[[ $status == 2 || $output == *"0 errors, "* ]]
}
