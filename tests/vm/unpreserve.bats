#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A driver unpreserves its memory.

bats_require_minimum_version 1.5.0
load helpers

@test "the kernel does not hand over unpreserved memory, and keeps no record of it" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	vm_ok rmmod kho_edu
	run -0 vm_run kho-inspect list
	[ "$output" = "No outgoing DMA allocations." ]
	vm_ok kho-inspect verify --fail-on=warning
	vm_ok modprobe kho_edu
	[ "$(records | wc -l)" = 5 ]
	vm_ok rmmod kho_edu
	kexec_to -c
	vm_ok kho-inspect verify --in --claims --fail-on=warning
	no_splat
}
