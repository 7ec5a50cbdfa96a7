#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What kexec says where a load does not go the usual way.

# shellcheck disable=SC2016 # what is in single quotes is for the shell in there

bats_require_minimum_version 1.5.0
load helpers

@test "kexec_load instead of kexec_file_load, and no room: kexec says what becomes of the state" {
	# the kernel takes no command line of that length, and kexec goes the other way
	local long='"--append=kho=on $(head -c 2500 /dev/zero | tr "\0" x)"'
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	run ! vm_run "kexec -l --kho=off /boot/bzImage $long"
	[[ $output == *"the next kernel will not get the state: 5 DMA allocations"* ]]
	run ! vm_run "kexec -l /boot/bzImage $long"
	[[ $output == *"loading it with kexec_load, and the state with it"* ]]

	# scratch is large enough, but not where these options want it
	run -3 vm_run 'kexec -l -c --real-mode /boot/bzImage --reuse-cmdline'
	[[ $output == *"leave out --real-mode"* ]]
	run -3 vm_run 'kexec -l -c --mem-max=0x100000 /boot/bzImage --reuse-cmdline'
	[[ $output == *"--mem-max"* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}
