#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# DMA buffers of a driver survive kexecs on arm64, on both load paths, with the area for CMA that
# the architecture's kernels have by default.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers

# The properties of KHO in /chosen of the device tree: "FDT SIZE TABLE SIZE" in hexadecimal.
chosen() {
	vm_run 'cd /proc/device-tree/chosen && cat linux,kho-fdt linux,kho-scratch | od -An -v -tx1 | tr -d " \n"' |
		sed 's/................/0x& /g'
}

# boot_check STAGE: the check of the initramfs, run in the system; clean, or the test fails.
boot_check() {
	vm_ok kho-inspect boot-check --stage="$1" --dir=/tmp/boot-check
}

@test "six generations, by kexec_file_load and kexec_load, with the default area for CMA" {
	local before path fdt
	vm_start --append "kho=on"
	[ "$(vm_run uname -m)" = aarch64 ]
	(($(vm_run "sed -n 's/^CmaTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo") >= 16384))
	# nothing was handed to this one
	run -10 vm_run kho-inspect boot-check --stage=incoming --dir=/tmp/boot-check
	vm_ok modprobe kho_edu
	for path in -s -c -s -c -s -c; do
		before=$(records)
		[ "$(wc -l <<<"$before")" = 5 ]
		fdt=$(vm_run cat /sys/kernel/debug/kho/out/fdt_phys)
		kexec_to "$path"
		[ $(($(chosen | cut -d' ' -f1))) = $((fdt)) ]
		[ "$(vm_run cat /sys/kernel/debug/kho/in/fdt_phys)" = "$fdt" ]
		boot_check incoming
		expect_restored "$before"
		boot_check claims
	done
	# added again at each load, and only once
	[ "$(vm_run 'grep -o rd.kho.expect= /proc/cmdline | wc -l')" = 1 ]
	# the device tree alone is proof of a handover: with the state out of sight all is lost
	vm_ok 'mkdir -p /tmp/box/proc /tmp/box/sys && cp -rL /proc/device-tree /tmp/box/proc/ && cp /proc/cmdline /tmp/box/proc/'
	run vm_run kho-inspect boot-check --sysroot=/tmp/box --stage=incoming --dir=/tmp/other
	((status == 12 || status == 14))
	no_splat
}
