#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Handovers in a kernel that looks closely at memory and locks (debug.config).

bats_require_minimum_version 1.5.0
load ../vm/helpers
load checking

@test "the checks that the others rely on do find what is wrong" {
	vm_start --mem 3G --append "$KHO_ON"
	vm_run 'zcat /proc/config.gz' | grep -qx CONFIG_PROVE_LOCKING=y
	# lockdep and kmemleak did not turn themselves off on the way up
	vm_run 'cat /proc/lockdep_stats' | grep -Eq '^ *debug_locks: +1$'
	vm_ok 'echo scan >/sys/kernel/debug/kmemleak'
	clean
	vm_ok 'echo "<4>WARNING: this is what a splat looks like" >/dev/kmsg'
	run ! clean
}

@test "three generations with KASAN, lockdep, kmemleak, DEBUG_VM and DEBUG_PAGEALLOC: nothing found" {
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
	# and everything undone at last
	vm_ok rmmod kho_edu
	no_leak
	clean
	[ "$(vm_run kho-inspect list)" = "No outgoing DMA allocations." ]
}

@test "what is carried over, released and refused: nothing found" {
	vm_start --mem 3G --append "$KHO_ON"
	vm_ok modprobe kho_edu
	kexec_to -s
	# once unclaimed, one released, the others claimed
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

@test "the KUnit suite: no case fails, and nothing found" {
	# as tests/vm/kernel-kunit.bats, which says what has to pass
	vm_start --mem 3G --no-edu --append "$KHO_ON numa_cma=0:16M memmap=64K\$0x6000000"
	let_allocations_fail
	VM_RUN_TIMEOUT=900 vm_ok modprobe dma_liveupdate_kunit coherent_pool=0x6000000
	vm_run dmesg >"$BATS_TEST_TMPDIR/dmesg"
	grep -E '# dma_liveupdate: pass:[1-9][0-9]* fail:0 ' "$BATS_TEST_TMPDIR/dmesg"
	no_leak
	clean
}
