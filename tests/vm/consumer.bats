#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A driver that uses the API like the SMMUv3's (see lab/kho_consumer): two devices that probe at
# subsys_initcall, with names that change from kernel to kernel.

bats_require_minimum_version 1.5.0
load helpers

TABLES=7

# consumer_is GENERATION: checks the messages in the log of this kernel.
consumer_is() {
	local generation=$1 log
	log=$(vm_run "dmesg | grep -E 'kho-smmu|kho_consumer'")
	printf '%s\n' "$log"
	run ! grep FAILED <<<"$log"
	[ "$(grep -c "generation $generation: preserved $TABLES tables" <<<"$log")" = 2 ]
	((generation == 1)) ||
		[ "$(grep -c "generation $generation: restored $TABLES of $TABLES tables, content intact" <<<"$log")" = 2 ]
}

# Prints "ID DMA-ADDRESS" of the driver's records in kho-inspect list [OPTION]....
tables() {
	vm_run kho-inspect list --json "$@" |
		jq -r '.records[] | select(.device | startswith("platform:kho-smmu.")) | "\(.id) \(.dma_addr)"'
}

# Prints the names of its devices, sorted by the address that identifies them.
names() {
	vm_run "dmesg | grep -o 'kho-smmu [^ ]*: base [^,]*, generation [0-9]*: preserved'" |
		awk '{ print $4, $2 }' | LC_ALL=C sort
}

@test "four generations of a driver like the SMMUv3's, on both load paths" {
	local generation=1 path before names
	vm_start --append "kho=on kho_consumer.tables=$TABLES"
	consumer_is 1
	for path in -s -c -s; do
		before=$(tables) names=$(names)
		[ "$(wc -l <<<"$before")" = $((2 * TABLES)) ]
		kexec_to "$path"
		generation=$((generation + 1))
		consumer_is "$generation"
		# the devices have other names now
		[ "$(wc -l <<<"$names")" = 2 ]
		[ "$(names)" != "$names" ]
		[ "$(tables --in)" = "$before" ]
		[ "$(vm_run kho-inspect list --in --json | jq '[.records[] | select(.fate == "restored")] | length')" = $((2 * TABLES)) ]
		vm_ok kho-inspect verify --in --claims
		vm_ok kho-inspect verify
	done
	no_splat
}
