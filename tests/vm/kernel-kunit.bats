#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The KUnit suite of the kernel series.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

@test "KUnit: every case of preserving, restoring and refusing passes" {
	# memory for CMA on node 0, and 64 KiB that the kernel does not manage
	vm_start --no-edu --append 'kho=on numa_cma=0:16M memmap=64K$0x6000000'
	kunit_suite 0x6000000
	expect_log '# dma_liveupdate: pass:42 fail:0 skip:2 total:44'
	expect_log 'ok 1 dma_liveupdate'
	# the kernel of lab/debug.config has such a pool
	expect_log '    ok 18 test_atomic_pool # SKIP needs CONFIG_DMA_COHERENT_POOL'
	expect_log '    ok 34 test_memory_of_the_tree # SKIP needs a boot with KHO'
	expect_log '    ok 1 test_off # SKIP KHO is on'
	kunit_leaves_nothing
	no_splat
}

@test "KUnit: every case passes after a kexec too, with incoming state and a default CMA area" {
	vm_start --append 'kho=on cma=64M'
	vm_ok modprobe kho_edu
	kexec_to -s
	vm_ok modprobe dma_liveupdate_kunit
	ktap
	expect_log '    ok 21 test_cma'
	expect_log '    ok 34 test_memory_of_the_tree'
	expect_log 'ok 1 dma_liveupdate'
	# the incoming state still exists
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'restored 5 of 5 buffers at the same DMA addresses, content intact'
	no_splat
}

@test "KUnit: without KHO the kernel refuses everything" {
	vm_start --no-edu
	vm_ok modprobe dma_liveupdate_kunit
	ktap
	expect_log '    ok 1 test_off'
	expect_log 'ok 2 dma_liveupdate_off'
	expect_log '# dma_liveupdate: pass:0 fail:0 skip:44 total:44'
	no_splat
}
