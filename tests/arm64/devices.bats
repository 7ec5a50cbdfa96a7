#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices of arm64 machines: one that is not cache coherent, those behind an SMMU, and those of the
# KUnit suite.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers
load ../vm/consumer-helpers
load device-tree

@test "buffers of a device that is not coherent: three generations on both load paths" {
	local before path
	not_coherent
	vm_start --append "kho=on" --qemu "-dtb $DTB"
	run ! vm_run test -e /proc/device-tree/pcie@10000000/dma-coherent
	vm_ok modprobe kho_edu
	for path in -s -c -s; do
		before=$(records)
		[ "$(wc -l <<<"$before")" = 5 ]
		kexec_to "$path"
		run ! vm_run test -e /proc/device-tree/pcie@10000000/dma-coherent
		expect_restored "$before"
	done
	no_splat
}

@test "devices behind an SMMU are refused, and nothing of them is preserved" {
	VM_MACHINE=virt,iommu=smmuv3 vm_start --append "kho=on"
	vm_run dmesg | grep -q arm-smmu-v3
	vm_run modprobe kho_edu || true
	vm_run dmesg | grep -q 'kho_edu.*-95\|kho_edu.*not supported\|kho_edu.*EOPNOTSUPP'
	[ -z "$(records)" ]
	no_splat
}

# They are not coherent on arm64, because no firmware says that they are.
@test "four generations of a driver like the SMMUv3's, not cache coherent, restored at subsys_initcall" {
	consumer_generations
}

# The devices of the suite are not coherent on arm64, because no firmware says that they are.
@test "KUnit: every case passes with the default area for CMA, in the first generation and in the next" {
	not_coherent
	unmanaged_memory 0x60000000
	vm_start --append "kho=on" --qemu "-dtb $DTB"
	kunit_suite 0x60000000
	expect_log '# dma_liveupdate: pass:42 fail:0 skip:2 total:44'
	expect_log '    ok 15 test_dma_map_ops # SKIP needs CONFIG_ARCH_HAS_DMA_OPS'
	expect_log '    ok 34 test_memory_of_the_tree # SKIP needs a boot with KHO'
	expect_log 'ok 1 dma_liveupdate'
	kunit_leaves_nothing

	vm_ok modprobe kho_edu
	kexec_to -s
	kunit_suite 0x60000000
	expect_log '# dma_liveupdate: pass:43 fail:0 skip:1 total:44'
	expect_log 'ok 1 dma_liveupdate'
	# the incoming state still exists
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'restored 5 of 5 buffers at the same DMA addresses, content intact'
	no_splat
}
