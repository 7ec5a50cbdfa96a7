#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The vmlinux of a released kernel without our series shows where its outgoing root FDT is: in
# releases that keep a pointer, and in those that keep a struct page.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers

found_by() {
	vm_run kho-inspect show --json --vmlinux=/boot/vmlinux >"$BATS_TEST_TMPDIR/show.json"
	jq -r .state.found_by "$BATS_TEST_TMPDIR/show.json"
}

# Up to Linux 7.0 out/finalize writes the tree.
look() {
	vm_ok 'f=/sys/kernel/debug/kho/out/finalize; [ ! -e $f ] || echo 1 >$f'
	# no symbols, not even the start of the kernel
	vm_ok mount --bind /dev/null /proc/kallsyms
	[ "$(found_by)" = DWARF ]
	[[ $(vm_run kho-inspect show --vmlinux=/boot/vmlinux) == *"found by DWARF of /boot/vmlinux"* ]]
	vm_ok kho-inspect verify --vmlinux=/boot/vmlinux
	vm_ok umount /proc/kallsyms
}

@test "kho-inspect finds the outgoing root by DWARF, wherever KASLR put the kernel" {
	export VM_RUN_TIMEOUT=300 VM_BOOT_TIMEOUT=300
	vm_start --append "kho=on reserve_mem=1M:4096:kept"
	vm_ok '[ ! -e /sys/kernel/debug/kho/out/fdt_phys ]'
	look
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	vm_kexec
	look
	vm_ok kho-inspect verify --in --vmlinux=/boot/vmlinux
	no_splat
}
