#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The check in initramfs images that dracut and initramfs-tools made for arm64. The device tree says
# there whether the previous kernel handed anything over.

# shellcheck disable=SC2016 # the shell in the machine expands it

bats_require_minimum_version 1.5.0
load ../vm/helpers
load ../vm/initramfs-helpers

# hop -s|-c --kho=HOW [ARGUMENTS]: the same kernel and initramfs. From here on, what was on the
# console before does not count.
hop() {
	if [[ ${TOOLS:-} ]]; then
		vm_files
	else
		vm_ok ln -sf /boot/initramfs.img /tmp/initramfs.img
	fi
	load_fetched "$@"
	vm_mark
	vm_kexec "kexec -e $2"
}

nothing_came() {
	[ "$(vm_run cat /run/initramfs/kho/status)" = "none nothing was handed over" ]
	console_lacks 'kho: '
}

cold_boot_is_silent() {
	nothing_came
	[ "$(vm_run 'ls /run/initramfs/kho')" = status ]
	# by udev in the initramfs
	vm_ok 'lsmod | grep -q kho_edu'
}

# clean_over -s|-c: a hop with good state.
clean_over() {
	local before
	before=$(records)
	hop "$1" --kho=require
	[ "$(status_word)" = clean ]
	vm_run cat /run/initramfs/kho/status | grep -q 'claims: clean: 0 unclaimed, 0 refused$'
	vm_run cat /run/initramfs/kho/report.json | jq -e '.summary.status == 0 and .summary.records == 5'
	# before udev loads the driver
	vm_run dmesg | awk '/kho: incoming state: clean/ { seen = 1 } /kho_edu/ { exit !seen }'
	vm_run dmesg | awk '/restored 5 of 5 buffers/ { seen = 1 } /kho: claims/ { exit !seen }'
	expect_restored "$before"
	no_splat
}

# A load that hands nothing over: the promise shows what is lost.
lost_state_is_fatal() {
	local expect
	expect=$(vm_run kho-inspect show --json | jq -r '"\(.dma.records),\(.dma.generation)"')
	[[ $expect == 5,* ]]
	hop -c --kho=off "rd.kho.expect=$expect"
	vm_ok 'test -e /proc/device-tree/chosen/linux,booted-from-kexec && test ! -e /proc/device-tree/chosen/linux,kho-fdt'
	[ "$(status_word)" = absent ]
	vm_run cat /run/initramfs/kho/report.json | jq -e '.findings[0].rule == "K510" and .findings[0].severity == "fatal"'
	vm_expect_console "Warning: kho: fatal K510: 5 records of generation ${expect#*,} were expected"
}

@test "dracut's initramfs: silent after a cold boot, clean for good state, and lost state is fatal" {
	vm_start --append "kho=on" --dracut
	cold_boot_is_silent
	clean_over -s
	clean_over -c
	lost_state_is_fatal

	# a kernel that does not take the state over: the device tree is the only sign of it
	hop -s --kho=off "kho=off"
	vm_ok 'test -e /proc/device-tree/chosen/linux,kho-fdt && test ! -e /sys/kernel/debug/kho/in'
	[ "$(status_word)" = unknown ]
	vm_expect_console 'Warning: kho: fatal K510: not judged: state was left for this kernel: KHO is off in this kernel'

	# nothing is handed over and nothing was promised
	hop -c --kho=off
	vm_ok 'test -e /proc/device-tree/chosen/linux,booted-from-kexec && test ! -e /proc/device-tree/chosen/linux,kho-fdt'
	nothing_came
}

@test "the same in the initramfs of initramfs-tools" {
	TOOLS=$BATS_TEST_TMPDIR/tools
	mkdir "$TOOLS"
	cp "$VM_INITRAMFS_TOOLS" "$TOOLS/initramfs.img"
	VM_INITRAMFS=$VM_INITRAMFS_TOOLS vm_start --append "kho=on" --dracut --files "$TOOLS"
	cold_boot_is_silent
	clean_over -s
	lost_state_is_fatal
}
