#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The series in an arm64 kernel with pages of 64 KiB.

bats_require_minimum_version 1.5.0
load ../vm/helpers
load ../arm64/device-tree

@test "pages of 64 KiB: three generations on each load path, and kho-inspect reads each" {
	vm_start --mem "$VM_MEMORY" --append "kho=on"
	[ "$(vm_run kho-inspect show --json | jq .state.page_size)" = 65536 ]
	vm_ok modprobe kho_edu
	hops -s -s -s -c -c -c
	no_splat
}

@test "pages of 64 KiB: kexec refuses a kernel with pages of 4 KiB on both load paths" {
	local path
	vm_start --mem "$VM_MEMORY" --append "kho=on"
	vm_ok modprobe kho_edu
	# bit 1 of the flags in the header
	vm_ok "cp /boot/Image /tmp/4k && printf '\\012' | dd of=/tmp/4k bs=1 seek=24 conv=notrunc 2>/dev/null"
	for path in -s -c; do
		run -3 vm_run kexec -l "$path" --kho=require /tmp/4k --reuse-cmdline
		[[ $output == *K606* ]]
	done
}

@test "pages of 64 KiB: no case of the KUnit suite fails, in the first generation and in the next" {
	not_coherent "$VM_MEMORY"
	unmanaged_memory 0x60000000
	vm_start --mem "$VM_MEMORY" --append "kho=on" --qemu "-dtb $DTB"
	kunit_suite 0x60000000
	grep -E '^# dma_liveupdate: pass:[1-9][0-9]* fail:0 ' <<<"$KTAP" || expect_log 'ok 1 dma_liveupdate'
	kunit_leaves_nothing
	vm_ok modprobe kho_edu
	kexec_to -s
	kunit_suite 0x60000000
	expect_log 'ok 1 dma_liveupdate'
	no_splat
}
