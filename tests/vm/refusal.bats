#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Damaged state is found, and nothing is loaded that would lose state.

bats_require_minimum_version 1.5.0
load helpers

# refused RULE COMMAND: kexec says no with the rule, and what is loaded stays.
refused() {
	local rule=$1 loaded output status=0
	shift
	loaded=$(vm_run cat /sys/kernel/kexec_loaded)
	output=$(vm_run "$@") || status=$?
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"$rule "* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = "$loaded" ]
}

@test "a record with a wrong checksum: verify finds it, kexec refuses, the next kernel keeps it" {
	vm_start --append "kho=on"
	edu_damaged crc
	run -1 vm_run kho-inspect verify
	[[ $output == *"error    K405"* ]]

	refused K405 'kexec -l -s /boot/bzImage --reuse-cmdline'
	refused K405 'kexec -l -c /boot/bzImage --reuse-cmdline'
	refused K405 'kexec -l /boot/bzImage --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]

	# the operator insists, and the kernel hands over what there is
	vm_ok kexec -l -s --kho=off /boot/bzImage --reuse-cmdline
	vm_kexec 'kexec -e --kho=off'
	run -1 vm_run kho-inspect verify --in
	[[ $output == *"error    K405"* ]]
	vm_ok modprobe kho_edu
	vm_run dmesg | grep -q 'wrong checksum'
	vm_run dmesg | grep -q 'restored only 4 of 5 buffers'
	no_splat
}

@test "sealed content that changed is refused" {
	vm_start --append "kho=on"
	edu_damaged content
	run -1 vm_run kho-inspect verify
	[[ $output == *"error    K413"* ]]
	refused K413 'kexec -l -s /boot/bzImage --reuse-cmdline'
}

@test "a record that points outside RAM is refused" {
	vm_start --append "kho=on"
	edu_damaged outside
	run -1 vm_run kho-inspect verify
	[[ $output == *"fatal    K406"* ]]
	refused K406 'kexec -l -c /boot/bzImage --reuse-cmdline'
}

@test "kexec -e looks again, and refuses when state was damaged after the load" {
	vm_start --append "kho=on"
	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
	edu_damaged crc
	refused K405 'kexec -e'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 1 ]
}

@test "a target or a command line that would lose the state is refused" {
	vm_start --append "kho=on"
	vm_ok modprobe kho_edu
	refused K605 'kexec -l -s /boot/bzImage --command-line="console=ttyS0"'
	refused K605 'kexec -l -c /boot/bzImage --command-line="console=ttyS0 kho=off"'
	run -3 vm_run 'head -c 1000000 /dev/urandom >/tmp/junk; kexec -l -s /tmp/junk --reuse-cmdline'
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
	# said plainly, with how to go on all the same
	[[ $output == *"--kho=off"* ]]
}

@test "too little scratch: the message names the parameter and the size" {
	vm_start --append "kho=on kho_scratch=8M,8M,8M"
	vm_ok modprobe kho_edu
	run -3 vm_run 'kexec -l -c /boot/bzImage --reuse-cmdline'
	[[ $output == *"kho_scratch="* ]]
	[ "$(vm_run cat /sys/kernel/kexec_loaded)" = 0 ]
}
