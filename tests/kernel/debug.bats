#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Handovers in a kernel that checks memory and locks (debug.config).

bats_require_minimum_version 1.5.0
load ../vm/helpers
load checking

@test "the checks of the other tests find errors" {
	vm_start --mem 3G --append "$KHO_ON"
	vm_run 'zcat /proc/config.gz' | grep -qx CONFIG_PROVE_LOCKING=y
	# lockdep and kmemleak did not turn themselves off during boot
	vm_run 'cat /proc/lockdep_stats' | grep -Eq '^ *debug_locks: +1$'
	vm_ok 'echo scan >/sys/kernel/debug/kmemleak'
	clean
	vm_ok 'echo "<4>WARNING: this is what a splat looks like" >/dev/kmsg'
	run ! clean
}

@test "three generations with KASAN, lockdep, kmemleak, DEBUG_VM and DEBUG_PAGEALLOC find no error" {
	local before path
	vm_start --mem 3G --append "$KHO_ON"
	vm_ok modprobe kho_edu
	no_leak
	for path in -s -c; do
		before=$(records)
		[ "$(wc -l <<<"$before")" = 5 ]
		clean
		kexec_to "$path"
		expect_restored "$before"
		no_leak
	done
	# and finally undo everything
	vm_ok rmmod kho_edu
	no_leak
	clean
	[ "$(vm_run kho-inspect list)" = "No outgoing DMA allocations." ]
}

@test "the kernel carries over, releases and refuses without an error" {
	vm_start --mem 3G --append "$KHO_ON"
	vm_ok modprobe kho_edu
	kexec_to -s
	# in one kernel nobody claims them; in the next, one is released and the others are claimed
	kexec_to -s
	local id
	id=$(vm_run 'sed -n 2p /sys/kernel/debug/kho/in/dma_alloc' | cut -d ' ' -f 1)
	vm_ok "echo $id >/sys/kernel/debug/kho/in/dma_alloc_release"
	run ! vm_run "echo $id >/sys/kernel/debug/kho/in/dma_alloc_release"
	run ! vm_run "echo 4000000000 >/sys/kernel/debug/kho/in/dma_alloc_release"
	vm_ok "modprobe kho_edu $(edu_cookies)"
	vm_run dmesg | grep -q 'restored 4 of 4 buffers that earlier kernels carried over'
	no_leak
	clean
}

@test "no case of the KUnit suite fails or causes an error" {
	# like tests/vm/kernel-kunit.bats, which lists the cases that must pass
	vm_start --mem 3G --no-edu --append "$KHO_ON numa_cma=0:16M memmap=64K\$0x6000000"
	let_allocations_fail
	VM_RUN_TIMEOUT=900 vm_ok modprobe dma_liveupdate_kunit coherent_pool=0x6000000
	vm_run dmesg >"$BATS_TEST_TMPDIR/dmesg"
	grep -E '# dma_liveupdate: pass:[1-9][0-9]* fail:0 ' "$BATS_TEST_TMPDIR/dmesg" ||
		{ grep -E -A9 " not ok |: (EXPECTATION|ASSERTION) FAILED" "$BATS_TEST_TMPDIR/dmesg"; false; }
	no_leak
	clean
}
