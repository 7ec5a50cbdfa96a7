# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A driver that uses the API like the SMMUv3's (see lab/kho_consumer): two devices that probe at
# subsys_initcall, with names that change from kernel to kernel.

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

# Four generations, on both load paths.
consumer_generations() {
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
