# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the tests on the kernel of debug.config.

# it takes several times as long
export VM_BOOT_TIMEOUT=300 VM_RUN_TIMEOUT=300
# Left to itself the kernel takes twice of what it has in use for scratch, and KASAN has an
# eighth of the memory in use: there would be too little left, and KHO would turn itself off.
# And with five levels of page tables an interrupt makes KASAN report a wild access when it comes
# while identify_cpu() has the processor's features cleared, by which KASAN tells what is wild.
export KHO_ON="kho=on kho_scratch=256M,512M,512M no5lvl page_poison=1"

# clean: no kernel so far said that something is wrong with memory or locks, neither on
# the console nor in the log of the one that runs.
clean() {
	local splat='WARNING: |WARNING in|BUG: |KASAN|UBSAN|INFO: possible|INFO: task|suspicious RCU|sleeping function|bad unlock|held lock freed|Bad page|Oops|Kernel panic|DMA-API: .*(driver|device) |unreferenced object|suspected memory leak|page dumped because|list_(add|del) corruption'
	# what these say of themselves on the way up is none
	local harmless='kasan: KernelAddressSanitizer initialized|kmemleak: Kernel memory leak detector initialized|DMA-API: preallocated|DMA-API: debugging enabled'
	{
		vm_console
		vm_run dmesg
	} | grep -E -- "$splat" | grep -Ev -- "$harmless" >"$VM_DIR/splats" || return 0
	sort -u "$VM_DIR/splats"
	vm_fail "the kernel found something"
}

# no_leak: kmemleak finds nothing, also on a second look, for what is new may be found by
# mistake.
no_leak() {
	vm_ok 'echo scan >/sys/kernel/debug/kmemleak; sleep 6; echo scan >/sys/kernel/debug/kmemleak'
	vm_run 'cat /sys/kernel/debug/kmemleak' >"$VM_DIR/leaks"
	[ ! -s "$VM_DIR/leaks" ] || {
		cat "$VM_DIR/leaks"
		vm_fail "kmemleak found something"
	}
}
