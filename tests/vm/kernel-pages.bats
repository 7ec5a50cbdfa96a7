#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel gets back every page of preserved memory.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

# Eight buffers of the largest order, and eight small ones: 8233 pages, and one page for the
# driver's own list.
SIZES=4194304,4194304,4194304,4194304,4194304,4194304,4194304,4194304,4096,4096,4096,65536,65536,12345,100,100
PAGES=8234
BLOCKS=8
# Incoming records stay as long as the kernel runs: one page has 31 of them.
LIST=1

# Prints managed memory in pages: MemTotal, and the sum over the zones.
managed_pages() {
	vm_run 'echo $(awk "/^MemTotal/ { print \$2 / 4 }" /proc/meminfo) \
		$(awk "/^ *managed/ { n += \$2 } END { print n }" /proc/zoneinfo)'
}

# Prints free memory: pages, and blocks of the largest order.
free_pages() {
	vm_run 'sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1
		echo $(awk "/^nr_free_pages / { print \$2 }" /proc/vmstat) \
		$(awk "{ n += \$NF } END { print n }" /proc/buddyinfo)'
}

# total_is PAGES: checks both counts, without tolerance.
total_is() {
	local total managed
	read -r total managed <<<"$(managed_pages)"
	[ "$total" = "$managed" ]
	[ "$total" = "$1" ] || vm_fail "the kernel manages $total pages, not $1"
}

@test "three generations end with no page missing" {
	local plain free blocks free_after blocks_after
	vm_start --append "kho=on nokaslr"

	# the memory of a kernel without incoming state
	kexec_to -s
	read -r plain _ <<<"$(managed_pages)"
	total_is "$plain"

	for generation in 1 2 3; do
		vm_ok modprobe kho_edu restore=0 "sizes=$SIZES"
		total_is $((plain - (generation > 1 ? LIST : 0)))
		kexec_to -s

		# reserved until it is claimed
		total_is $((plain - LIST - PAGES))
		# the module's own memory is in both counts
		vm_ok 'modprobe kho_edu restore=0 preserve=0 && rmmod kho_edu'
		read -r free blocks <<<"$(free_pages)"
		vm_ok 'modprobe kho_edu preserve=0 && rmmod kho_edu'
		vm_run dmesg | grep -q 'restored 16 of 16 buffers at the same DMA addresses, content intact, and freed them'
		total_is $((plain - LIST))

		# That had no tolerance. Free memory needs one: modules, slabs and the lists of each CPU
		# take or return some hundred pages. One lost buffer would be 1024 pages and one of the
		# largest blocks.
		read -r free_after blocks_after <<<"$(free_pages)"
		echo "generation $generation: $plain managed, free $free + $PAGES -> $free_after, largest blocks $blocks + $BLOCKS -> $blocks_after"
		((free_after >= free + PAGES - 512))
		((blocks_after >= blocks + BLOCKS))
	done
	no_splat
}
