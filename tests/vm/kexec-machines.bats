#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Machines with more and with less memory, kernels with KASLR and without, and the promise to the
# target.

bats_require_minimum_version 1.5.0
load helpers

# hops_with SIZE APPEND: jumps by both paths in both orders, and checks that the driver restores all.
hops_with() {
	vm_start --mem "$1" --append "kho=on $2"
	vm_ok modprobe kho_edu
	hops -c -s -c
	no_splat
}

@test "2 GiB, with KASLR and without" {
	hops_with 2G ""
	vm_stop
	hops_with 2G nokaslr
}

@test "6 GiB: the root FDT and the scratch areas above 4 GiB, with KASLR and without" {
	hops_with 6G nokaslr
	[ "$(vm_run kho-inspect scratch --json | jq '[.scratch[] | select((.addr | ltrimstr("0x") | length) > 8)] | length')" -gt 0 ]
	vm_stop
	hops_with 6G ""
}

@test "the command line has the promise once, and that of this generation" {
	local generation=0 line expect now path how
	vm_start --append "kho=on rd.kho.expect=99,99"
	vm_ok modprobe kho_edu
	for how in "--reuse-cmdline" "--reuse-cmdline --append=rd.kho.expect=7,7" \
		"'--command-line=$VM_CMDLINE ro kho=on rd.kho.expect=1,1 rd.kho.expect=2,2'"; do
		for path in -s -c; do
			expect=$(vm_run kho-inspect show --json | jq -r '"\(.dma.records),\(.dma.generation)"')
			vm_ok "kexec -l $path --kho=require /boot/bzImage $how"
			vm_kexec
			line=$(vm_run cat /proc/cmdline)
			[ "$(grep -o 'rd\.kho\.expect=[^ ]*' <<<"$line")" = "rd.kho.expect=$expect" ]
			vm_ok kho-inspect verify --in "--expect=$expect"
			# the state changes between generations
			vm_ok modprobe kho_edu
			now=${expect#*,}
			[ "$now" != "$generation" ]
			generation=$now
		done
	done
	[ "$(vm_run 'dmesg | grep -c "restored 5 of 5"')" = 1 ]
}
