#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Many kernels in a row, and a machine with two NUMA nodes.

bats_require_minimum_version 1.5.0
load helpers

@test "fifteen kernels in a row by kexec_load, with KASLR, in 80 MiB of scratch" {
	# KASLR puts the kernel anywhere in scratch, but not on setup_data. A kernel would overwrite a
	# scratch table elsewhere within a few boots.
	local before hop
	local -A addresses=()
	vm_start --append "kho=on kho_scratch=80M,0,0"
	vm_ok modprobe kho_edu
	before=$(records)
	[ "$(wc -l <<<"$before")" = 5 ]
	for ((hop = 1; hop <= 15; hop++)); do
		kexec_to -c
		[ "$(records --in)" = "$before" ]
		vm_ok kho-inspect verify --in
		addresses[$(kernel_address)]=1
	done
	# the kernel did not always have the same place, or this would show little
	((${#addresses[@]} >= 5))
	# once, after any number of kernels
	[ "$(vm_run 'grep -o rd.kho.expect= /proc/cmdline | wc -l')" = 1 ]
	vm_ok "modprobe kho_edu $(edu_cookies)"
	vm_run dmesg | grep -q 'restored 5 of 5 buffers that earlier kernels carried over'
	vm_ok kho-inspect verify --in --claims
	no_splat
}

@test "two NUMA nodes: kexec_load, kexec_file_load, kexec_load" {
	local node
	vm_start --append "kho=on" --smp 2,sockets=2 --qemu "-object memory-backend-ram,id=m0,size=1G \
		-object memory-backend-ram,id=m1,size=1G -numa node,nodeid=0,memdev=m0,cpus=0 \
		-numa node,nodeid=1,memdev=m1,cpus=1"
	for node in 0 1; do
		vm_run "test -d /sys/devices/system/node/node$node"
	done
	vm_ok modprobe kho_edu
	# lowmem, global, and one for each node
	[ "$(vm_run kho-inspect scratch --json | jq '.scratch | length')" = 4 ]
	hops -c -s -c
	no_splat
}
