#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices of arm64 machines: one that is not cache coherent, and those behind an SMMU.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load ../vm/helpers

# not_coherent: a device tree like QEMU's, in which the PCI host is not coherent. Sets DTB.
not_coherent() {
	DTB=$BATS_TEST_TMPDIR/not-coherent.dtb
	qemu-system-aarch64 -machine "virt,dumpdtb=$DTB" -cpu cortex-a57 -smp 2 -m 2G -display none >/dev/null 2>&1
	fdtput -d "$DTB" /pcie@10000000 dma-coherent
}

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
