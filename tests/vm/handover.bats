#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# DMA buffers of a driver survive kexecs, on both load paths.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

@test "three generations: kexec_file_load, then kexec_load, then kexec_file_load" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	hops -s -c -s
	# each load adds it, and only once
	[ "$(vm_run 'grep -o rd.kho.expect= /proc/cmdline | wc -l')" = 1 ]
	no_splat
}

@test "three generations by kexec_load, 6 GiB of memory" {
	vm_start --mem 6G --append "kho=on"
	vm_ok modprobe kho_edu
	hops -c -c -c
	no_splat
}

@test "memory that is preserved after the load arrives too" {
	vm_start --append "kho=on nokaslr"
	vm_ok kexec -l -c --kho=require /boot/bzImage --reuse-cmdline
	vm_ok modprobe kho_edu
	local before
	before=$(records)
	vm_kexec
	expect_restored "$before"
	# the load saw none, so more arrived than expected: that is information only
	vm_run 'kho-inspect verify --in --expect=$(sed "s/.*rd.kho.expect=\([0-9,]*\).*/\1/" /proc/cmdline)' | grep -q '^info *K512 '
}

@test "each kernel carries over an allocation that nobody claims" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	local before
	before=$(records)
	kexec_to -s
	[ "$(records --in)" = "$before" ]
	# still handed on, without any driver
	[ "$(records)" = "$before" ]
	kexec_to -c
	[ "$(records --in)" = "$before" ]
	[ "$(vm_run kho-inspect list --in | grep -c ', carried over$')" = 5 ]
	vm_ok kho-inspect verify
	vm_run kho-inspect verify --in --claims --fail-on=error | grep -q '^warning *K501 '
	no_splat
}

@test "debugfs shows the whole outgoing FDT and its address in every generation" {
	local show='size=$(wc -c </sys/kernel/debug/kho/out/fdt)
		total=$(od -An -tu1 -j4 -N4 /sys/kernel/debug/kho/out/fdt | awk "{ print ((\$1 * 256 + \$2) * 256 + \$3) * 256 + \$4 }")
		echo "$size $total $(cat /sys/kernel/debug/kho/out/fdt_phys)"'
	local size total phys generation
	vm_start --append "kho=on"
	for generation in 1 2; do
		vm_ok modprobe kho_edu
		read -r size total phys <<<"$(vm_run "$show")"
		[ "$size" = "$total" ]
		[ "$phys" = "$(vm_run kho-inspect show --json | jq -r .state.fdt_addr)" ]
		vm_run kho-inspect tree | grep -q kho-edu
		((generation == 2)) || kexec_to -s
	done
}

@test "with a default CMA area, all allocations of two devices of one driver come back" {
	local before
	# 64 MiB, from which dma-direct would take every allocation of more than a page
	vm_start --append "kho=on cma=64M" --qemu "-device edu,dma_mask=0xffffffff"
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'cma: Reserved 64 MiB'
	[ "$(vm_run dmesg | grep -c 'preserved 5 buffers')" = 2 ]
	before=$(records)
	[ "$(wc -l <<<"$before")" = 10 ]
	kexec_to -s
	vm_ok modprobe kho_edu
	[ "$(vm_run dmesg | grep -c 'restored 5 of 5 buffers at the same DMA addresses, content intact')" = 2 ]
	[ "$(records --in)" = "$before" ]
	vm_ok kho-inspect verify --in --claims
	vm_ok kho-inspect verify
	no_splat
}
