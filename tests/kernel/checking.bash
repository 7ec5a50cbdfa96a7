# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers for the tests on the kernel of debug.config.

# this kernel is several times as slow
export VM_BOOT_TIMEOUT=300 VM_RUN_TIMEOUT=300
# By default scratch is twice the memory in use, and KASAN uses an eighth of all memory: too little
# would be left, and KHO would turn itself off.
# no5lvl: identify_cpu() clears the processor's features for a moment. With five levels of page
# tables, KASAN reports a wild access for an interrupt at that moment, because it reads the features
# to determine which addresses are wild.
export KHO_ON="kho=on kho_scratch=256M,512M,512M no5lvl page_poison=1"

# clean: fails if a kernel reported an error of memory or locks, on the console or in the log of
# the running kernel.
clean() {
	local splat='WARNING: |WARNING in|BUG: |KASAN|UBSAN|INFO: possible|INFO: task|suspicious RCU|sleeping function|bad unlock|held lock freed|Bad page|Oops|Kernel panic|DMA-API: .*(driver|device) |unreferenced object|suspected memory leak|page dumped because|list_(add|del) corruption'
	# messages of the checkers about their own start are not errors
	local harmless='kasan: KernelAddressSanitizer initialized|kmemleak: Kernel memory leak detector initialized|DMA-API: preallocated|DMA-API: debugging enabled'
	{
		vm_console
		vm_run dmesg
	} | grep -E -- "$splat" | grep -Ev -- "$harmless" >"$VM_DIR/splats" || return 0
	sort -u "$VM_DIR/splats"
	vm_fail "the kernel found something"
}

# no_leak: fails if kmemleak finds a leak in two scans, because it may report new memory by mistake.
no_leak() {
	vm_ok 'echo scan >/sys/kernel/debug/kmemleak; sleep 6; echo scan >/sys/kernel/debug/kmemleak'
	vm_run 'cat /sys/kernel/debug/kmemleak' >"$VM_DIR/leaks"
	[ ! -s "$VM_DIR/leaks" ] || {
		cat "$VM_DIR/leaks"
		vm_fail "kmemleak found something"
	}
}
