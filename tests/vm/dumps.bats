#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Dumps that others make of a running machine: QEMU's dump-guest-memory in both of its
# forms, and what makedumpfile makes of these.

bats_require_minimum_version 1.5.0
load helpers

# dump_guest FILE OPTION...: asks QEMU for it and waits until it is there.
dump_guest() {
	local file=$1
	shift
	vm_monitor "dump-guest-memory $* $file"
	[ -s "$file" ]
}

# same_records DUMP: the list equals the machine's own; and all but scratch, about which
# a dump says nothing, is in order.
same_records() {
	diff "$BATS_TEST_TMPDIR/records" <("$inspect" list --json --core "$1" | jq -S .records)
	[ "$("$inspect" show --json --core "$1" | jq -r .state.found_by)" = "scan" ]
	run -0 "$inspect" verify --core "$1" --ignore="$SCRATCH_RULES"
	[[ $output == "clean: "*" 0 not judged; 5 records, "* ]]
}

@test "dumps by QEMU and makedumpfile tell what the machine tells, with its content" {
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
	# in the order in which it was made, which kho-inspect asks to be put right
	run -2 "$inspect" list --core "$dump"
	[[ $output == *"makedumpfile -R"* ]]
	makedumpfile -R "$dump.kdump" <"$dump"
	rm "$dump"
	same_records "$dump.kdump"

	# a snapshot of it is as good, and cut short it tells so
	"$inspect" snapshot --core "$dump.kdump" -o "$BATS_TEST_TMPDIR/snapshot"
	diff "$BATS_TEST_TMPDIR/records" <("$inspect" list --json --core "$BATS_TEST_TMPDIR/snapshot" | jq -S .records)
	truncate -s -4096 "$dump.kdump"
	run "$inspect" verify --core "$dump.kdump" --ignore="$SCRATCH_RULES"
	[[ $status == 2 || $output == *"0 errors, "* ]]
}
