#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels without kernel-patches/ do not show where the root FDT is. This test makes the files of
# such a kernel from ours: a folder with /proc and /sys, without the files that only the series
# adds.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load helpers

# hide [kallsyms]: makes /tmp/old, the files that an unpatched kernel shows.
hide() {
	vm_ok 'set -e
		kho=/tmp/old/sys/kernel/debug/kho
		rm -rf $kho
		mkdir -p $kho/out /tmp/old/proc
		cp /sys/kernel/debug/kho/out/scratch_phys /sys/kernel/debug/kho/out/scratch_len $kho/out/
		# truncated to the size at boot, like the FDT of an unpatched kernel
		head -c 233 /sys/kernel/debug/kho/out/fdt >$kho/out/fdt
		if [ -e /sys/kernel/debug/kho/in ]; then
			rm $kho/out/fdt # which does not exist then
			mkdir $kho/in
			cp /sys/kernel/debug/kho/in/fdt $kho/in/
			mkdir -p /tmp/old/sys/kernel/boot_params
			cp -r /sys/kernel/boot_params/setup_data /tmp/old/sys/kernel/boot_params/
		fi
		grep -q " /tmp/old/proc " /proc/mounts || mount --bind /proc /tmp/old/proc'
	[[ ${1:-} != kallsyms ]] || vm_ok 'mount --bind /dev/null /tmp/old/proc/kallsyms'
}

# found_by SIDE_OPTION...: checks that kho-inspect found the right root, and prints how.
found_by() {
	local known
	known=$(vm_run kho-inspect show --json "$@" | jq -r .state.fdt_addr)
	[[ $known == 0x* ]]
	vm_run kho-inspect show --sysroot=/tmp/old --json "$@" >"$BATS_TEST_TMPDIR/show.json"
	[ "$(jq -r .state.fdt_addr "$BATS_TEST_TMPDIR/show.json")" = "$known" ]
	jq -r .state.found_by "$BATS_TEST_TMPDIR/show.json"
}

@test "kho-inspect finds the root FDT by the kernel's symbols, by setup_data, and by a scan of RAM" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	hide
	[ "$(found_by)" = "symbol" ]
	vm_ok kho-inspect verify --sysroot=/tmp/old
	kexec_to -s

	vm_ok modprobe kho_edu
	hide
	[ "$(found_by)" = "symbol" ]
	[ "$(found_by --in)" = "setup-data" ]
	vm_ok 'rm -r /tmp/old/sys/kernel/boot_params'
	[ "$(found_by --in)" = "symbol" ]

	# a copy of the page is not the root
	vm_ok kho-inspect snapshot -o /tmp/snapshot
	vm_ok 'cat /tmp/snapshot >/dev/null'
	hide kallsyms
	export VM_RUN_TIMEOUT=300
	[ "$(found_by)" = "scan" ]
	vm_ok kho-inspect verify --sysroot=/tmp/old
}
