#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Released kernels without our series hand over the memory that they preserve themselves, by both
# paths. Their own test of KHO (lib/test_kho.c) checks that it arrived.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers

# Up to Linux 7.0 a handover needs out/finalize, which writes the tree.
finalize() {
	vm_ok 'f=/sys/kernel/debug/kho/out/finalize; [ ! -e $f ] || echo 1 >$f'
}

# Checks the memory of reserve_mem=, and the folios of the kernel's test. Only every other kernel
# preserves those, because a kernel that restored them does not hand them on.
arrived() {
	local tested=$1
	vm_run dmesg >"$BATS_TEST_TMPDIR/dmesg"
	grep -q 'KHO: found kexec handover data' "$BATS_TEST_TMPDIR/dmesg"
	grep -q 'Revived memory reservation .kept. from KHO' "$BATS_TEST_TMPDIR/dmesg"
	[ "$(grep -c 'KHO restore succeeded' "$BATS_TEST_TMPDIR/dmesg")" = "$tested" ]
	vm_ok kho-inspect verify --in
}

@test "two kernels in a row by kexec_load, then one by kexec_file_load" {
	local path hop=0
	# this takes seconds, or minutes with a search through RAM (6.18)
	export VM_RUN_TIMEOUT=300 VM_BOOT_TIMEOUT=300
	vm_start --append "kho=on reserve_mem=1M:4096:kept"
	vm_ok '[ ! -e /sys/kernel/debug/kho/out/fdt_phys ]'
	for path in -c -c -s; do
		finalize
		vm_ok kexec -l "$path" --kho=require /boot/bzImage --reuse-cmdline
		[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
		vm_kexec
		hop=$((hop + 1))
		arrived $((hop % 2))
	done
	no_splat
}
